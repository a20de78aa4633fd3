"""What `solve` accepts: every argument checked before anything runs, and refused in the user's words."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .diagnostics.recorder import Monitor
from .elements import Elements
from .grid import Grid
from .interpolation import RateHistory
from .models.population import Population, require_population
from .operators.memory import Memory
from .operators.schemes import Scheme
from .operators.spectral_elements import SpectralElements
from .operators.system import PopulationSystem
from .outcomes import (
    FokkerPlanckWarning,
    InvalidArgument,
    finite_number,
    non_negative,
    number_in,
    positive,
    real_array,
)
from .state import CompatibleGaussian, Gaussian, State, as_density
from .steppers.protocol import Tolerance

Condition = Callable[[State], bool]

SHORTEST_SPAN = 1e-280
"""A step of this length can still be divided by."""
MOST_STEPS = 1e12
VISIBLE = 1e-8
"""Relative to its peak, the value from which a datum counts as not vanishing at V_F."""
PAST_SAMPLES = 4001
"""Times at which a function for the past is asked; in between it is linear."""
POOL_TOLERANCE = 1e-3
"""Difference of R and what has fired before the start that a run at a loose tolerance may leave."""
MASS_TOLERANCE = 1e-6
"""A State whose mass differs from 1 by more is refused; the rounding of very long runs stays far below."""


def check_kinds(model: object, grid: object, scheme: object, stepper: object) -> None:
    require_population(model)
    if grid is not None and not isinstance(grid, Grid | Elements):
        raise InvalidArgument(
            f"`grid` must be made by model.grid(cells=...) or fp.Spectral().grid(model), not {grid!r}."
        )
    if scheme is not None and (isinstance(scheme, type) or not hasattr(scheme, "discretize")):
        raise InvalidArgument(f"`scheme` must be an object such as fp.ScharfetterGummel(), not {scheme!r}.")
    if stepper is not None and (isinstance(stepper, type) or not hasattr(stepper, "adaptive")):
        raise InvalidArgument(f"`stepper` must be an object such as fp.BackwardEuler(dt=0.001), not {stepper!r}.")
    if getattr(scheme, "explicit", False) and getattr(stepper, "implicit", False):
        raise InvalidArgument(f"{scheme!r} has no Jacobian for {stepper!r}; use an explicit stepper, fp.SspRk3().")


def checked_flag(name: str, value: object) -> bool:
    """True or False; a text such as "no" would count as true."""
    if not isinstance(value, bool | np.bool_):
        raise InvalidArgument(f"`{name}` must be True or False, not {value!r}.")
    return bool(value)


def checked_tolerance(rtol: float, atol: float) -> Tolerance:
    rtol = number_in("rtol", positive("rtol", rtol), lambda x: 1e-14 <= x < 1, "from 1e-14 to 1")
    return Tolerance(rtol, positive("atol", atol))


def checked_past(model: Population, history: object, initial: object, start: float) -> RateHistory:
    """The rate before the start, as far back as the model looks."""
    depth = model.depth
    if not depth:
        if history is not None:
            raise InvalidArgument("`history` is given, but `model` looks back on nothing; leave it out.")
        return RateHistory(np.array([start]), np.zeros(1))
    if history is None:
        return _remembered(model, initial, start)
    times = np.array([start - depth, start])
    if not callable(history):
        return RateHistory(times, np.full(2, non_negative("history", history)))
    times = np.linspace(start - depth, start, PAST_SAMPLES)
    return RateHistory(times, np.array([_past_rate(history, float(t)) for t in times]))


def _remembered(model: Population, initial: object, start: float) -> RateHistory:
    """What a State remembers; the equation does not know the time, so that it may go on at any."""
    depth = model.depth
    if not isinstance(initial, State) or initial.history is None:
        if isinstance(initial, State) and model.latency and initial.refractory > 0.0:
            raise InvalidArgument(
                f"`initial` holds R = {initial.refractory:.3g} refractory neurons, but not when they fired; give the "
                f"rate before the start, `history`. If whole events were among them, end the run before at least one "
                f"refractory time after the last event."
            )
        return RateHistory(np.array([start - depth, start]), np.zeros(2))
    past = initial.history.shifted(start - float(initial.history.t[-1]))
    if past.t[0] > start - depth * (1.0 - 1e-9):
        raise InvalidArgument(
            f"`initial` remembers the rates of the last {start - past.t[0]:.4g}, but `model` looks back {depth:g}; "
            f"give the rate before the start, `history`."
        )
    return past


def _past_rate(history: Callable[[float], float], t: float) -> float:
    value = history(t)
    try:
        rate = float(value)
    except (TypeError, ValueError):
        raise InvalidArgument(f"`history` must return one number, but history({t:g}) is {value!r}.") from None
    if not 0.0 <= rate < np.inf:
        raise InvalidArgument(f"`history` is a firing rate, but history({t:g}) is {rate:g}.")
    return rate


def checked_span(t_span: Any) -> tuple[float, float]:
    try:
        start, end = t_span
    except (TypeError, ValueError):
        raise InvalidArgument(f"`t_span` must be a pair (start, end), not {t_span!r}.") from None
    start, end = finite_number("t_span[0]", start), finite_number("t_span[1]", end)
    if not end > start:
        raise InvalidArgument(f"`t_span` = ({start:g}, {end:g}) runs backwards; the end must come after the start.")
    if end - start < SHORTEST_SPAN:
        raise InvalidArgument(f"`t_span` = ({start!r}, {end!r}) is too short for double precision.")
    return start, end


def checked_step(name: str, dt: float, t_span: tuple[float, float]) -> float:
    """A fixed or longest step with which the end can be reached."""
    start, end = t_span
    if dt < max((end - start) / MOST_STEPS, SHORTEST_SPAN):
        raise InvalidArgument(
            f"`{name}` = {dt:g} is too short: from {start:g} to {end:g} it takes more than 1e12 steps."
        )
    return dt


def checked_times(save_at: Any, start: float, end: float) -> np.ndarray | None:
    if save_at is None:
        return None
    times = np.atleast_1d(real_array("save_at", save_at))
    if times.ndim != 1 or not np.all(np.isfinite(times)) or np.any(np.diff(times) <= 0):
        raise InvalidArgument("`save_at` must be a vector of increasing times.")
    if len(times) and not (start <= times[0] and times[-1] <= end):
        raise InvalidArgument(
            f"`save_at` reaches from {times[0]:g} to {times[-1]:g}, outside t_span = ({start:g}, {end:g})."
        )
    return times


def checked_monitors(monitors: Mapping[str, Monitor] | None) -> dict[str, Monitor]:
    if not isinstance(monitors, Mapping | None):
        raise InvalidArgument(
            f'`monitors` must map names to functions, as in {{"mean": fp.mean_potential}}, not {monitors!r}.'
        )
    for name, monitor in (monitors or {}).items():
        if not callable(monitor):
            raise InvalidArgument(f"monitor `{name}` must be a function of a State, not {monitor!r}.")
    return dict(monitors or {})


def checked_conditions(stop_when: Any) -> tuple[Condition, ...]:
    if callable(stop_when):
        raise InvalidArgument("`stop_when` must be a list; put the function into one: stop_when=[condition].")
    if not isinstance(stop_when, Sequence) or not all(callable(condition) for condition in stop_when):
        raise InvalidArgument(f"`stop_when` must be a list of functions of a State, not {stop_when!r}.")
    return tuple(stop_when)


def starting_state(
    model: Population,
    initial: object,
    grid: Grid | Elements | None,
    scheme: Scheme,
    t_span: tuple[float, float],
    past: RateHistory,
) -> State:
    """The state to start from; its rate is not a number unless `initial` is a State, which has one."""
    if isinstance(initial, State):
        if grid is not None and not np.array_equal(grid.faces, initial.grid.faces):
            raise InvalidArgument("`grid` differs from the grid of the State given as `initial`; leave it out.")
        grid = initial.grid
        check_fit(model, grid)
        check_state(model, initial)
        silent = silent_before(model, past)
        if model.latency and abs(silent - initial.refractory) > POOL_TOLERANCE:
            raise InvalidArgument(
                f"`initial` holds R = {initial.refractory:.4g} refractory neurons, but {silent:.4g} have fired within "
                f"the refractory time according to the rates before the start (`history`)."
            )
        return initial
    datum = as_density(initial)
    grid = scheme.default_grid(model, datum, t_span) if grid is None else grid
    check_fit(model, grid)
    averages = grid.sample(datum)
    lost = 1.0 - float(averages @ grid.width)
    if lost > 1e-9:
        raise InvalidArgument(
            f"the grid reaches from {grid.v_min:g} to {grid.v_max:g}, but a mass of {lost:.2g} of `initial` lies "
            f"outside; use model.grid(v_min=...) with a lower v_min."
        )
    where, length = datum.narrowest
    width = grid.width[np.clip(np.searchsorted(grid.faces, where) - 1, 0, grid.cells - 1)]
    if length < width:
        warnings.warn(
            f"`initial` varies over {length:.2g} near v = {where:g}, where a cell is {width:.2g} wide: the run starts "
            f"from its cell averages, which are wider; use a finer grid there.",
            FokkerPlanckWarning,
            stacklevel=3,
        )
    if model.noise.gain > 0 and model.coupling.delay == 0 and model.threshold.absorbing:
        at_threshold = float(np.max(datum.value(np.array([model.V_F]), model.V_F)))
    else:
        at_threshold = 0.0
    if at_threshold > VISIBLE * averages.max():
        raise InvalidArgument(
            f"for a1 > 0 the initial density must vanish at V_F, but `initial` is {at_threshold:.2g} there: the rate "
            f"N = a0 g/(1 − a1 g) with g = −∂v n(V_F) is undefined; use fp.compatible_gaussian(mean, variance)."
        )
    pool = silent_before(model, past)
    if pool >= 1.0:
        raise InvalidArgument(
            f"`history` puts {pool:.3g} of the neurons into the refractory state; at most all can be."
        )
    return State(t_span[0], grid, (1.0 - pool) * averages, rate=np.nan, refractory=pool)


def trace_at_threshold(model: Population, initial: object) -> float:
    """n0(V_F−), where the initial density is one in closed form and V_F absorbs it; else not a number."""
    datum = None if isinstance(initial, State) else as_density(initial)
    if not isinstance(datum, Gaussian | CompatibleGaussian) or not model.threshold.absorbing or model.coupling.delay:
        return np.nan
    return float(datum.value(np.array([model.V_F]), model.V_F)[0])


def silent_before(model: Population, past: RateHistory) -> float:
    """R: who has fired within one fixed refractory time before the start."""
    if not model.latency:
        return 0.0
    start = float(past.t[-1])
    return float(Memory(past, model.depth, 1).fired(start - model.latency, start)[0])


def check_state(model: Population, state: State, name: str = "initial") -> None:
    """A State may come from anywhere; what a run leaves passes, negative by its tolerance included."""
    density, width = real_array(name, state.density), state.grid.width
    if density.shape != width.shape:
        raise InvalidArgument(f"`{name}` has a density of shape {density.shape}, but its grid has {len(width)} cells.")
    if state.rate == np.inf:
        raise InvalidArgument(f"`{name}` is at a blow-up, its rate is infinite; go on with clock=fp.ActivityClock().")
    finite_number(f"{name}.rate", state.rate)
    pool = non_negative(f"{name}.refractory", state.refractory)
    check_pool(model, pool, name)
    mass = float(density @ width) + pool
    if not abs(mass - 1.0) <= MASS_TOLERANCE:
        raise InvalidArgument(f"`{name}` has mass {mass:.9g} (density and refractory pool), not 1.")
    system = SpectralElements if isinstance(state.grid, Elements) else PopulationSystem
    if density.min() < -system.undershoot * max(1.0, density.max()):
        raise InvalidArgument(f"`{name}` has a negative density ({density.min():.2g}).")


def check_pool(model: Population, pool: float, name: str = "initial") -> None:
    """Refuse silent neurons that the model has no state for."""
    if pool > 0.0 and model.refractory.mean_duration == 0.0:
        raise InvalidArgument(f"`{name}` holds R = {pool:.3g} refractory neurons, but `model` has no refractory state.")


def check_fit(model: Population, grid: Grid | Elements, name: str = "grid") -> None:
    if grid.V_F != model.V_F:
        raise InvalidArgument(
            f"`{name}` has its threshold at {grid.V_F:g} but the model's threshold is {model.V_F:g}; "
            f"build it with `model.grid(cells=...)`."
        )
    if model.threshold.absorbing and grid.v_max != grid.V_F:
        raise InvalidArgument(
            f"`{name}` goes on above V_F to {grid.v_max:g}, but the threshold of `model` is absorbing; "
            f"build it with `model.grid(cells=...)`."
        )
    if not model.threshold.absorbing and grid.v_max == grid.V_F:
        raise InvalidArgument(
            f"`{name}` ends at V_F = {grid.V_F:g}, but the threshold of `model` is not absorbing; "
            f"build it with `model.grid(cells=...)`."
        )
    if grid.V_R != model.V_R:
        raise InvalidArgument(
            f"`{name}` is fitted to a reset at {grid.V_R:g} but the model's is {model.V_R:g}; "
            f"build it with `model.grid(cells=...)`."
        )


def undefined_rate(model: Population, state: State) -> str:
    """Why a datum has no rate. Refuses a1 |∂v n0(V_F)| ≥ 1, for which N = a0 g/(1 − a1 g) does not exist."""
    slope = state.density[-1] / (state.grid.v_max - state.grid.v[-1])
    if model.noise.gain * slope >= 1.0:
        raise InvalidArgument(
            f"`initial` has a1 |∂v n(V_F)| = {model.noise.gain * slope:.3g} ≥ 1, for which the rate "
            f"N = a0 g/(1 − a1 g) does not exist; use a less concentrated fp.compatible_gaussian(mean, variance)."
        )
    return (
        f" (b n(V_F) = {model.coupling.gain * state.density[-1]:.3g} in the cell next to V_F: from 1 on no finite rate "
        f"satisfies N = e(N) n. If it falls below 1 on a finer grid, use that one; if not, this datum blows up at once)"
    )
