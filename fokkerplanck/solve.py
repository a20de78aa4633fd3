"""The one verb: solve."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .diagnostics.blowup import FIRST_LEVEL, BlowUpDetector
from .diagnostics.recorder import NEGATIVE, Monitor, Recorder
from .grid import Grid
from .models.population import Population
from .operators.schemes import FluxScheme, ScharfetterGummel
from .outcomes import BlowUp, InvalidArgument, Status, finite_number, non_negative, positive, real_array
from .solution import Solution
from .state import InitialDensity, State, as_density
from .steppers.protocol import Step, Stepper, Tolerance
from .steppers.rosenbrock import Rodas5P

Condition = Callable[[State], bool]

CALM = (400, 5e-3)
RESTLESS = (600, 1e-4)
"""Default cells, and width of the finest as a share of V_F − V_R: where the rate stays bounded the errors of the bulk
and of the firing flux balance; where it may blow up, the boundary layer is resolved up to N of about 1e4/b."""
VISIBLE = 1e-8
"""Relative to its peak, the value from which a datum counts as not vanishing at V_F."""
LARGEST_SURGE = 0.01
"""Displacement by the rise of N within one fixed step, over V_F − V_R, above which it does not resolve the activity.
A fixed step runs through a blow-up and out on the other side with a finite pulse of N ≈ 0.1/dt: an artefact."""
SMALLEST_STEP = 1e-15


def solve(
    model: Population,
    initial: State | InitialDensity | Callable[[np.ndarray], np.ndarray] | np.ndarray,
    t_span: tuple[float, float],
    grid: Grid | None = None,
    scheme: FluxScheme | None = None,
    stepper: Stepper | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    save_at: Sequence[float] | np.ndarray | None = None,
    monitors: Mapping[str, Monitor] | None = None,
    stop_when: Sequence[Condition] = (),
    progress: bool = False,
) -> Solution:
    """Solve the population-density equation of `model` from `initial` over `t_span`.

        ∂t n + ∂v[(f(v) + bN + I) n] − a(N) ∂vv n = S δ(v − V_R),   n(V_F, t) = 0,   N = −a(N) ∂v n(V_F, t)

    Parameters
    ----------
    model : Population
        For example `fp.nnlif(b=0.5)`.
    initial : initial density, State, callable or array
        `fp.gaussian(mean, variance)`, `fp.compatible_gaussian(...)`, the `.final` of another solution, a function of
        v (normalised on the grid), or cell averages of mass 1.
    t_span : (float, float)
        Start and end (membrane time constants).
    grid : Grid, optional
        Default: that of a `State`, else 400 cells graded towards V_F (600 where the rate may blow up).
    scheme : FluxScheme, optional
        Default `fp.ScharfetterGummel()`: second order, positive weights.
    stepper : Stepper, optional
        Default `fp.Rodas5P()`: adaptive, order 5, L-stable.
    rtol, atol : float
        Local error per step at most atol + rtol |y| (density in the root mean square; rate and pool each).
        Fixed-step steppers ignore them.
    save_at : sequence of float, optional
        Increasing times at which the density is kept. Default: accepted steps, thinned to at most 800.
    monitors : mapping of str to callable, optional
        Functions of a State, evaluated at every accepted step; see `Solution.records`.
    stop_when : sequence of callable
        Conditions on a State; the run ends at the first accepted step at which one holds.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Solution
        Blow-up is a result (`status`, `blow_up`), not an exception.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, or grid, model and initial density do not fit each other.

    >>> import fokkerplanck as fp
    >>> sol = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0))
    >>> round(float(sol.rate[-1]), 4)
    0.136
    """
    scheme = ScharfetterGummel() if scheme is None else scheme
    stepper = Rodas5P() if stepper is None else stepper
    _check_kinds(model, grid, scheme, stepper)
    start, end = _checked_span(t_span)
    tolerance = Tolerance(positive("rtol", rtol), positive("atol", atol))
    density, refractory, grid = _starting_point(model, initial, grid, start, end)

    system = scheme.discretize(model, grid)
    recorder = Recorder(system, _checked_times(save_at, start, end), _checked_monitors(monitors))
    detector = BlowUpDetector(narrow=rtol * (end - start))
    y, t = system.pack(density, refractory), start
    conditions = _checked_conditions(stop_when)
    fresh = not isinstance(initial, State)
    if not fresh:
        y[-1] = initial.rate
    closed = stepper.begin(system, y, t, fresh)
    if not closed:
        _refuse_undefined_rate(model, density, grid)
    recorder.begin(y, t)
    detector.observe(t, float(y[-1, 0]))
    status, blow_up, why = Status.FINISHED, None, ""
    dt = stepper.first_step(system, y, t, tolerance)
    with _progress_bar(progress, start, end) as show:
        try:
            while t < end:
                # The last step is stretched rather than followed by a sliver of rounding error.
                dt = end - t if end - t < 1.000001 * dt else dt
                step = stepper.step(system, y, t, dt, tolerance) if closed else None
                if step is None or step.error > 1.0:
                    recorder.rejected += 1
                    if not closed or not stepper.adaptive or dt <= SMALLEST_STEP * max(1.0, abs(t)):
                        status, blow_up = _stuck(detector, t, step)
                        break
                    dt = 0.25 * dt if step is None else stepper.next_step(dt, step.error)
                    continue
                new_t = end if dt == end - t else t + dt
                recorder.accept(step, new_t)
                y, t = step.new, new_t
                show(t)
                rate = float(y[-1, 0])
                surge = 0.0 if stepper.adaptive else float(system.surge(step.old, y, dt)[0]) / LARGEST_SURGE
                layer = float(system.layer(y, t)[0]) if rate > FIRST_LEVEL else 0.0
                blow_up = detector.observe(t, rate, max(surge, layer))
                if blow_up is not None or surge > 1.0:
                    status, why = _outgrown(blow_up, rate, dt)
                    break
                held = [c for c in conditions if c(system.unpack(y, t))]
                if held:
                    status, why = Status.STOPPED, f" ({getattr(held[0], '__name__', held[0])})"
                    break
                dt = stepper.next_step(dt, step.error)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
    settings = {"scheme": repr(scheme), "stepper": repr(stepper), "rtol": f"{rtol:g}", "atol": f"{atol:g}"}
    return recorder.solution(model, status, _message(status, why, t, blow_up), blow_up, settings, y, t)


def _stuck(detector: BlowUpDetector, t: float, step: Step | None) -> tuple[Status, BlowUp | None]:
    """No step, however short, could be taken from t.

    If the closure N = e(N)·n lost its solution, the density next to V_F has reached 1/b (or a1 |∂v n| has reached 1):
    the discrete form of N = ∞, but also what a grid too coarse for the datum shows; only acceleration tells.
    """
    if not detector.accelerating(2):
        return (Status.UNRESOLVED if step is None else Status.STALLED), None
    if step is None:
        return Status.BLOW_UP, detector.record(t, "no finite rate satisfies N = e(N) n any more")
    return Status.BLOW_UP, detector.record(t, "the step fell to the rounding of t while N doubled ever faster")


def _outgrown(blow_up: BlowUp | None, rate: float, dt: float) -> tuple[Status, str]:
    if blow_up is not None:
        return Status.BLOW_UP, ""
    return Status.UNRESOLVED, (
        f" (N rose to {rate:.3g} within one step dt = {dt:.3g}; use a smaller dt, or the adaptive default stepper)"
    )


def _message(status: Status, why: str, t: float, blow_up: BlowUp | None) -> str:
    if blow_up is None:
        return f"{status.value[0].upper()}{status.value[1:]}{why} at t = {t:.9g}."
    low, high = blow_up.interval
    return (
        f"The firing rate blows up at t* = {blow_up.time:.6g} (on this grid between {low:.9g} and {high:.9g}): "
        f"{blow_up.evidence}."
    )


# -- what solve refuses -----------------------------------------------------------------------------------------


def _check_kinds(model: object, grid: object, scheme: object, stepper: object) -> None:
    if not isinstance(model, Population):
        raise InvalidArgument(f"`model` must be a model such as fp.nnlif(b=0.5), not {model!r}.")
    if grid is not None and not isinstance(grid, Grid):
        raise InvalidArgument(f"`grid` must be made by model.grid(cells=...), not {grid!r}.")
    if not isinstance(scheme, FluxScheme):
        raise InvalidArgument(f"`scheme` must be an object such as fp.ScharfetterGummel(), not {scheme!r}.")
    if isinstance(stepper, type) or not hasattr(stepper, "adaptive"):
        raise InvalidArgument(f"`stepper` must be an object such as fp.BackwardEuler(dt=0.001), not {stepper!r}.")


def _checked_span(t_span: Any) -> tuple[float, float]:
    try:
        start, end = t_span
    except (TypeError, ValueError):
        raise InvalidArgument(f"`t_span` must be a pair (start, end), not {t_span!r}.") from None
    start, end = finite_number("t_span[0]", start), finite_number("t_span[1]", end)
    if not end > start:
        raise InvalidArgument(f"`t_span` = ({start:g}, {end:g}) runs backwards; the end must come after the start.")
    return start, end


def _checked_times(save_at: Any, start: float, end: float) -> np.ndarray | None:
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


def _checked_monitors(monitors: Mapping[str, Monitor] | None) -> dict[str, Monitor]:
    if not isinstance(monitors, Mapping | None):
        raise InvalidArgument(
            f'`monitors` must map names to functions, as in {{"mean": fp.mean_potential}}, not {monitors!r}.'
        )
    for name, monitor in (monitors or {}).items():
        if not callable(monitor):
            raise InvalidArgument(f"monitor `{name}` must be a function of a State, not {monitor!r}.")
    return dict(monitors or {})


def _checked_conditions(stop_when: Any) -> tuple[Condition, ...]:
    if not isinstance(stop_when, Sequence) or not all(callable(condition) for condition in stop_when):
        raise InvalidArgument(f"`stop_when` must be a list of functions of a State, not {stop_when!r}.")
    return tuple(stop_when)


def _starting_point(
    model: Population, initial: object, grid: Grid | None, start: float, end: float
) -> tuple[np.ndarray, float, Grid]:
    """Cell averages, refractory mass and grid to start from."""
    if isinstance(initial, State):
        if grid is not None and not np.array_equal(grid.faces, initial.grid.faces):
            raise InvalidArgument("`grid` differs from the grid of the State given as `initial`; leave it out.")
        grid = initial.grid
        _check_fit(model, grid)
        _check_state(initial)
        if initial.refractory > 0 and model.refractory.mean_duration == 0:
            raise InvalidArgument(
                f"`initial` holds R = {initial.refractory:.3g} refractory neurons, but `model` has no refractory state."
            )
        return initial.density, initial.refractory, grid
    datum = as_density(initial)
    if grid is None:
        cells, share = RESTLESS if model.may_blow_up else CALM
        v_min = min(model.lowest_potential((start, end)), datum.lowest)
        finest = share * (model.V_F - model.V_R)
        narrow = finest > 0.5 * (model.V_F - v_min) / cells  # equal cells are as fine
        grid = model.grid(cells, v_min, None if narrow else finest)
    _check_fit(model, grid)
    averages = datum.cell_averages(grid)
    lost = 1.0 - float(averages @ grid.width)
    if lost > 1e-9:
        raise InvalidArgument(
            f"the grid starts at {grid.v_min:g}, but a mass of {lost:.2g} of `initial` lies below; "
            f"use model.grid(v_min=...) with a lower v_min."
        )
    at_threshold = float(np.max(datum.value(np.array([model.V_F]), model.V_F)))
    if model.noise.gain > 0 and at_threshold > VISIBLE * averages.max():
        raise InvalidArgument(
            f"for a1 > 0 the initial density must vanish at V_F, but `initial` is {at_threshold:.2g} there: the rate "
            f"N = a0 g/(1 − a1 g) with g = −∂v n(V_F) is undefined; use fp.compatible_gaussian(mean, variance)."
        )
    return averages, 0.0, grid


def _check_state(state: State) -> None:
    """A State may come from anywhere; what a run leaves passes, negative by its tolerance included."""
    density, width = real_array("initial", state.density), state.grid.width
    if density.shape != width.shape:
        raise InvalidArgument(f"`initial` has a density of shape {density.shape}, but its grid has {len(width)} cells.")
    finite_number("initial.rate", state.rate)
    pool = non_negative("initial.refractory", state.refractory)
    mass = float(density @ width) + pool
    if not abs(mass - 1.0) <= 1e-9:
        raise InvalidArgument(f"`initial` has mass {mass:.9g} (density and refractory pool), not 1.")
    if density.min() < -NEGATIVE:
        raise InvalidArgument(f"`initial` has a negative density ({density.min():.2g}).")


def _check_fit(model: Population, grid: Grid) -> None:
    if grid.V_F != model.V_F:
        raise InvalidArgument(
            f"`grid` ends at {grid.V_F:g} but the model's threshold is {model.V_F:g}; "
            f"build it with `model.grid(cells=...)`."
        )
    if grid.V_R != model.V_R:
        raise InvalidArgument(
            f"`grid` is fitted to a reset at {grid.V_R:g} but the model's is {model.V_R:g}; "
            f"build it with `model.grid(cells=...)`."
        )


def _refuse_undefined_rate(model: Population, density: np.ndarray, grid: Grid) -> None:
    """Without a rate at the start: b n0(V_F) ≥ 1 is an instant blow-up, a1 |∂v n0| ≥ 1 an inadmissible datum."""
    slope = 2.0 * density[-1] / grid.width[-1]
    if model.noise.gain * slope >= 1.0:
        raise InvalidArgument(
            f"`initial` has a1 |∂v n(V_F)| = {model.noise.gain * slope:.3g} ≥ 1, for which the rate "
            f"N = a0 g/(1 − a1 g) does not exist; use a less concentrated fp.compatible_gaussian(mean, variance)."
        )


class _progress_bar:
    """A tqdm bar over model time, or nothing at all."""

    def __init__(self, wanted: bool, start: float, end: float) -> None:
        self._bar: Any = None
        if wanted:
            from tqdm.auto import tqdm

            form = "{l_bar}{bar}| t = {n:.4g}/{total:.4g} [{elapsed}<{remaining}]"
            self._bar = tqdm(total=end - start, bar_format=form)
        self._start = start

    def __enter__(self) -> Callable[[float], None]:
        return self._show

    def _show(self, t: float) -> None:
        if self._bar is not None:
            self._bar.update(t - self._start - self._bar.n)

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.close()
