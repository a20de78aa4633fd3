"""What `solve` accepts: every argument checked before anything runs, and refused in the user's words."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .diagnostics.recorder import Monitor
from .elements import Elements
from .grid import Cells, Grid
from .interpolation import RateHistory
from .models.model import Model, require_model
from .models.voltage import VoltageModel
from .operators.choice import check_scheme
from .operators.evolution import Evolution
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
    time_span,
)
from .state import CompatibleGaussian, Exponential, FromArray, Gaussian, InitialDensity, State, together
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
    require_model(model)
    if grid is not None and not isinstance(grid, Cells | Elements):
        raise InvalidArgument(
            f"`grid` must be made by model.grid(cells=...) or fp.Spectral().grid(model), not {grid!r}."
        )
    if scheme is not None and (isinstance(scheme, type) or not hasattr(scheme, "discretize")):
        raise InvalidArgument(f"`scheme` must be an object such as fp.ScharfetterGummel(), not {scheme!r}.")
    if scheme is not None:
        check_scheme(scheme, require_model(model))
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


def checked_past(model: Model, history: object, initial: object, start: float) -> RateHistory:
    """The rates before the start, as far back as the model looks; of every lane where it has several."""
    depth = model.depth
    silent = np.zeros(model.lanes) if model.structured else 0.0
    if not depth:
        if history is not None:
            raise InvalidArgument("`history` is given, but `model` looks back on nothing; leave it out.")
        return RateHistory(np.array([start]), np.array([silent]))
    if history is None:
        return _remembered(model, initial, start)
    times = np.array([start - depth, start])
    if not callable(history):
        return RateHistory(times, np.array([_past_rate(model, history, "")] * 2))
    times = np.linspace(start - depth, start, PAST_SAMPLES)
    rates = [_past_rate(model, history(float(t)), f"({t:g})") for t in times]
    return RateHistory(times, np.array(rates))


def _remembered(model: Model, initial: object, start: float) -> RateHistory:
    """What a State remembers; the equation does not know the time, so that it may go on at any."""
    depth = model.depth
    if not isinstance(initial, State) or initial.history is None:
        latent = isinstance(model, VoltageModel) and model.latencies > 0.0
        if isinstance(initial, State) and np.any(initial.refractory * latent > 0.0):
            raise InvalidArgument(
                f"`initial` holds R = {np.max(initial.refractory):.3g} refractory neurons, but not when they fired; "
                f"give the rate before the start, `history`. If whole events were among them, end the run before at "
                f"least one refractory time after the last event."
            )
        silent = np.zeros((2, model.lanes))
        return RateHistory(np.array([start - depth, start]), silent if model.structured else silent[:, 0])
    past = initial.history.shifted(start - float(initial.history.t[-1]))
    if past.t[0] > start - depth * (1.0 - 1e-9):
        raise InvalidArgument(
            f"`initial` remembers the rates of the last {start - past.t[0]:.4g}, but `model` looks back {depth:g}; "
            f"give the rate before the start, `history`."
        )
    return past


def _past_rate(model: Model, value: object, at: str) -> float | np.ndarray:
    """A firing rate of the past: one number, or with several lanes one for each or for all."""
    if not model.structured and not at:
        return non_negative("history", value)
    try:
        rates = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        rates = np.empty((0, 0))
    if not model.structured:
        if rates.ndim:
            raise InvalidArgument(f"`history` must return one number, but history{at} is {value!r}.")
    elif rates.shape not in ((), (model.lanes,)):
        raise InvalidArgument(
            f"`history` must be one rate for all {model.lanes} populations or one for each, but history{at} is "
            f"{value!r:.60}."
        )
    if not np.all((rates >= 0.0) & (rates < np.inf)):
        raise InvalidArgument(f"`history` is a firing rate, but history{at} is {value!r:.60}.")
    return np.broadcast_to(rates, (model.lanes,)) if model.structured else float(rates)


def checked_span(t_span: Any) -> tuple[float, float]:
    start, end = time_span(t_span)
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
    return tuple(_answered(condition) for condition in stop_when)


def _answered(condition: Condition) -> Condition:
    """The condition; what is neither true nor false is refused."""

    def holds(state: State) -> bool:
        answer = condition(state)
        if np.size(answer) != 1:
            raise InvalidArgument(
                f"a condition of `stop_when` must return True or False, not {answer!r:.60}; of several populations "
                f"use for example np.any."
            )
        return bool(answer)

    holds.__name__ = getattr(condition, "__name__", str(condition))  # by which a solution names it
    return holds


def starting_state(
    model: Model,
    initial: object,
    grid: Cells | Elements | None,
    scheme: Scheme,
    t_span: tuple[float, float],
    past: RateHistory,
) -> State:
    """The state to start from; its rate is not a number unless `initial` is a State, which has one."""
    if not isinstance(model, VoltageModel):
        return _starting_density(model, initial, grid, scheme, t_span)
    if isinstance(initial, State):
        _check_same_grid(initial, grid)
        grid = initial.grid
        model.check_grid(grid)
        check_state(model, initial)
        silent, held = silent_before(model, past), np.where(model.latencies > 0.0, initial.refractory, 0.0)
        if np.any(np.abs(silent - held) > POOL_TOLERANCE):
            worst = int(np.argmax(np.abs(silent - held)))
            raise InvalidArgument(
                f"`initial` holds R = {held[worst]:.4g} refractory neurons, but {silent[worst]:.4g} have fired within "
                f"the refractory time according to the rates before the start (`history`)."
            )
        return initial
    data = model.densities(initial)
    if any(isinstance(part, Exponential) for part in data):
        raise InvalidArgument("`initial` = fp.exponential(scale) is for a half-line; use fp.gaussian(mean, variance).")
    datum = together(data)
    grid = scheme.default_grid(model, datum, t_span) if grid is None else grid
    model.check_grid(grid)
    assert isinstance(grid, Grid | Elements)  # as the model has checked
    averages = _sampled(model, data, grid)
    _check_coverage(averages, grid, "use model.grid(v_min=...) with a lower v_min")
    where, length = datum.narrowest
    width = grid.width[np.clip(np.searchsorted(grid.faces, where) - 1, 0, grid.cells - 1)]
    if length < width:
        warnings.warn(
            f"`initial` varies over {length:.2g} near v = {where:g}, where a cell is {width:.2g} wide: the run starts "
            f"from its cell averages, which are wider; use a finer grid there.",
            FokkerPlanckWarning,
            stacklevel=3,
        )
    wiring, ones = model.wiring, np.ones(model.lanes)
    by_rates = wiring.change([ones] * len(wiring.lags), [None if lag else ones for lag in wiring.lags])
    if np.any(by_rates.diffusion > 0.0) and not model.open:
        at_threshold = float(np.max([np.max(part.value(np.array([model.V_F]), model.V_F)) for part in set(data)]))
    else:
        at_threshold = 0.0
    if at_threshold > VISIBLE * averages.max():
        raise InvalidArgument(
            f"for a1 > 0 the initial density must vanish at V_F, but `initial` is {at_threshold:.2g} there: the rate "
            f"N = a0 g/(1 − a1 g) with g = −∂v n(V_F) is undefined; use fp.compatible_gaussian(mean, variance)."
        )
    pool = silent_before(model, past)
    if np.any(pool >= 1.0):
        raise InvalidArgument(
            f"`history` puts {pool.max():.3g} of the neurons into the refractory state; at most all can be."
        )
    density = (1.0 - pool)[:, None] * averages
    if not model.structured:
        return State(t_span[0], grid, density[0], rate=np.nan, refractory=float(pool[0]))
    shares = model.shares(initial)
    return State(
        t_span[0], grid, shares[:, None] * density, rate=np.full(model.lanes, np.nan), refractory=shares * pool
    )


def _starting_density(
    model: Model, initial: object, grid: Cells | Elements | None, scheme: Scheme, t_span: tuple[float, float]
) -> State:
    """The same for what is no neuron: one density, with the mass and the companion that the model says."""
    if isinstance(initial, State):
        _check_same_grid(initial, grid)
        model.check_grid(initial.grid)
        density = real_array("initial", initial.density)
        if density.shape != initial.grid.width.shape:
            raise InvalidArgument(
                f"`initial` has a density of shape {density.shape}, but its grid has {initial.grid.cells} cells."
            )
        for part in ("rate", "refractory"):
            finite_number(f"initial.{part}", getattr(initial, part))
        if density.min() < -Evolution.undershoot * max(1.0, density.max()):
            raise InvalidArgument(f"`initial` has a negative density ({density.min():.2g}).")
        held = model.content(initial)
        if not abs(held / model.mass - 1.0) <= MASS_TOLERANCE:
            raise InvalidArgument(
                f"`initial` has the mass {held:.9g}, but that of `model` is {model.mass:g}: {model!r}."
            )
        return initial
    (datum,) = model.densities(initial)
    grid = scheme.default_grid(model, datum, t_span) if grid is None else grid
    model.check_grid(grid)
    averages = model.sample(grid, datum)
    below = datum.lowest < 0.0  # a Gaussian, which is normalised up to the end of the grid
    fix = "use model.grid(end=...) with a larger end, and a density on [0, end]"
    if below:
        fix = (
            f"that is, below {model.coordinate} = 0; use a larger mean, a smaller variance, or a function of "
            f"{model.coordinate}, which is normalised on the grid"
        )
    _check_coverage(averages[None], grid, fix)
    (share,) = model.shares(initial)
    return State(t_span[0], grid, share * averages, rate=np.nan, refractory=model.companion)


def _check_same_grid(initial: State, grid: Cells | Elements | None) -> None:
    """A State brings its grid."""
    if grid is not None and not np.array_equal(grid.faces, initial.grid.faces):
        raise InvalidArgument("`grid` differs from the grid of the State given as `initial`; leave it out.")


def _check_coverage(averages: np.ndarray, grid: Cells | Elements, fix: str) -> None:
    """Refuse densities, shape (lanes, cells), that do not lie on the grid."""
    lost = 1.0 - float(np.min(averages @ grid.width))
    if lost > 1e-9:
        raise InvalidArgument(
            f"the grid reaches from {grid.v_min:g} to {grid.v_max:g}, but a mass of {lost:.2g} of `initial` lies "
            f"outside; {fix}."
        )


def _sampled(model: VoltageModel, data: tuple[InitialDensity, ...], grid: Grid | Elements) -> np.ndarray:
    """Every lane's density on the grid, shape (lanes, cells); those that are the same are sampled once."""
    rows: dict[tuple[int, bool], np.ndarray] = {}
    ends = model.absorbing & model.open
    for k in range(model.lanes):
        datum = data[k % len(data)]
        key = (id(datum), bool(ends[k]))
        if key not in rows:
            datum = data[k % len(data)]
            if ends[k] and isinstance(grid, Grid):  # nothing of this lane is above its absorbing V_F
                if isinstance(datum, FromArray):
                    rows[key] = _below(grid, grid.sample(datum), model.lane_names[k])
                    continue
                below = grid.below_threshold()
                rows[key] = np.concatenate([below.sample(datum), np.zeros(grid.cells - below.cells)])
            else:
                rows[key] = grid.sample(datum)
    return np.array([rows[id(data[k % len(data)]), bool(ends[k])] for k in range(model.lanes)])


def _below(grid: Grid, averages: np.ndarray, name: str) -> np.ndarray:
    """Cell averages of a lane that is absorbed at V_F, or their refusal."""
    if np.any(averages[grid.faces[:-1] >= grid.V_F] > 0.0):
        raise InvalidArgument(f"`initial` puts neurons of population {name!r} above its absorbing threshold V_F.")
    return averages


def trace_at_threshold(model: Model, initial: object) -> np.ndarray:
    """n0(V_F−) of every lane, where the initial density is one in closed form and V_F absorbs it; else not a number."""
    unknown = np.full(model.lanes, np.nan)
    if isinstance(initial, State) or not isinstance(model, VoltageModel) or model.open or not model.wiring.prompt:
        return unknown
    data = model.densities(initial)
    if not all(isinstance(datum, Gaussian | CompatibleGaussian) for datum in data):
        return unknown
    traces = [float(datum.value(np.array([model.V_F]), model.V_F)[0]) for datum in data]
    return model.shares(initial) * np.resize(traces, model.lanes)


def silent_before(model: VoltageModel, past: RateHistory) -> np.ndarray:
    """R of every lane: who has fired within its fixed refractory time before the start."""
    silent = np.zeros(model.lanes)
    if np.any(model.latencies):
        start, memory = float(past.t[-1]), Memory(past, model.depth, model.lanes)
        for latency in np.unique(model.latencies[model.latencies > 0.0]):
            mine = model.latencies == latency
            silent[mine] = memory.fired(start - float(latency), start)[mine]
    return silent


def check_state(model: VoltageModel, state: State, name: str = "initial") -> None:
    """A State may come from anywhere; what a run leaves passes, negative by its tolerance included."""
    if not model.structured:
        check_single(state, name)
    density, width = real_array(name, state.density), state.grid.width
    shape = (model.lanes, len(width)) if model.structured else width.shape
    if density.shape != shape:
        if model.structured and density.ndim == 1:
            raise InvalidArgument(f"`{name}` is the State of one population, but `model` has {model.lanes}: {model!r}.")
        raise InvalidArgument(f"`{name}` has a density of shape {density.shape}, but its grid has {shape} cells.")
    if np.any(np.asarray(state.rate) == np.inf):
        raise InvalidArgument(f"`{name}` is at a blow-up, its rate is infinite; go on with clock=fp.ActivityClock().")
    if model.structured:
        rate, pool = (real_array(f"{name}.{part}", getattr(state, part)) for part in ("rate", "refractory"))
        pool = np.broadcast_to(pool, (model.lanes,))
        if rate.shape != (model.lanes,) or not np.all(np.isfinite(rate)) or not np.all(pool >= 0.0):
            raise InvalidArgument(f"`{name}` needs a finite rate and a pool ≥ 0 for each of {model.lanes} lanes.")
    else:
        finite_number(f"{name}.rate", state.rate)
        pool = np.array([non_negative(f"{name}.refractory", state.refractory)])
    check_pool(model, pool, name)
    masses = np.atleast_1d(density @ width) + pool
    errors = model.mass_errors(masses, masses)
    if not np.all(np.abs(errors) <= MASS_TOLERANCE):
        worst = 1.0 + errors[np.argmax(np.abs(errors))]
        raise InvalidArgument(f"`{name}` has mass {worst:.9g} (density and refractory pool), not 1.")
    system = SpectralElements if isinstance(state.grid, Elements) else PopulationSystem
    if density.min() < -system.undershoot * max(1.0, density.max()):
        raise InvalidArgument(f"`{name}` has a negative density ({density.min():.2g}).")


def check_single(state: State, name: str) -> None:
    """Refuse the State of several populations."""
    if np.ndim(state.density) == 2 or np.ndim(state.rate):
        raise InvalidArgument(
            f"`{name}` is the State of several populations; take one of them, as in solution.lane('E').final."
        )


def check_pool(model: VoltageModel, pool: np.ndarray | float, name: str = "initial") -> None:
    """Refuse silent neurons that the model has no state for."""
    if np.any((np.asarray(pool) > 0.0) & (model.silence == 0.0)):
        raise InvalidArgument(
            f"`{name}` holds R = {np.max(pool):.3g} refractory neurons, but `model` has no refractory state."
        )
