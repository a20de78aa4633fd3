"""The one verb: solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np

from .diagnostics.blowup import FIRST_LEVEL, BlowUpDetector
from .diagnostics.recorder import Monitor, Recorder
from .elements import Elements
from .grid import Grid
from .inputs import (
    Condition,
    check_kinds,
    checked_conditions,
    checked_monitors,
    checked_past,
    checked_span,
    checked_step,
    checked_times,
    checked_tolerance,
    starting_state,
    trace_at_threshold,
    undefined_rate,
)
from .models.population import Population
from .operators.memory import Past
from .operators.schemes import ScharfetterGummel, Scheme
from .operators.spectral import Spectral
from .operators.system import PopulationSystem
from .outcomes import BlowUp, Status, positive
from .solution import Solution
from .state import InitialDensity, State
from .steppers.explicit import SspRk3
from .steppers.protocol import Step, Stepper, Tolerance, advance
from .steppers.rosenbrock import Rodas5P

SHORTEST = 1e-14
"""Step, over t, that is little more than rounding: nothing can be learnt from shorter ones."""
LARGEST_SURGE = 0.01
"""Displacement by the rise of N within one fixed step, over V_F − V_R, above which it does not resolve the activity.
A fixed step runs through a blow-up and out on the other side with a finite pulse of N ≈ 0.1/dt: an artefact."""
STEPS_PER_DOUBLING = 5
"""Fixed steps that a doubling of N must take to count as resolved."""
LARGEST_SHIFT = 0.1
"""A blow-up whose time moves by more than this share when the cells are halved is not believed."""
LOOSER = 30.0
"""Tolerance of the second run on half the cells, over that of the first."""
TROUBLE = (Status.UNRESOLVED, Status.STALLED)
SHARES = (1.0, 0.03, 0.001)
"""Of the tolerance asked, what spectral elements aim at: once is enough as a rule."""
MARGIN = 4.0
"""By how much the local error of a step may exceed it: the errors of a run do not add up, it forgets them."""
SMALLEST_RTOL = 1e-13
START_UP, RUN_UP = 0.01, 0.9
"""Shares of the time between which errors are compared: a datum that does not vanish at V_F starts with N ~ t^(−1/2),
and close to a blow-up the smallest shift in time is a large difference in N."""


def solve(
    model: Population,
    initial: State | InitialDensity | Callable[[np.ndarray], np.ndarray] | np.ndarray,
    t_span: tuple[float, float],
    grid: Grid | Elements | None = None,
    scheme: Scheme | None = None,
    stepper: Stepper | None = None,
    rtol: float = 1e-6,
    atol: float = 1e-9,
    max_step: float = math.inf,
    save_at: Sequence[float] | np.ndarray | None = None,
    monitors: Mapping[str, Monitor] | None = None,
    stop_when: Sequence[Condition] = (),
    history: float | Callable[[float], float] | None = None,
    estimate_error: bool = True,
    progress: bool = False,
) -> Solution:
    """Solve the population-density equation of `model` from `initial` over `t_span`.

        ∂t n + ∂v[(f(v) + bA + I) n] − a(A) ∂vv n + k(v) n = S δ(v − V_R),   A(t) = N(t − d)

    Parameters
    ----------
    model : Population
        For example `fp.nnlif(b=0.5)`.
    initial : initial density, State, callable or array
        `fp.gaussian(mean, variance)`, `fp.compatible_gaussian(...)`, the `.final` of another solution, a function of
        v (normalised on the grid), or cell averages of mass 1.
    t_span : (float, float)
        Start and end (membrane time constants).
    grid : Grid or Elements, optional
        Default: that of a `State`, else what the scheme chooses.
    scheme : scheme, optional
        Default: with neither a grid nor a fixed step prescribed, `fp.Spectral`, as fine as it takes for a total error
        of N (space and time) of about rtol; it is run again, finer, if the estimate says so. On cells, with a fixed
        step, without noise or for a density with jumps, `fp.ScharfetterGummel()`: second order, positive weights.
    stepper : Stepper, optional
        Default `fp.Rodas5P()`: adaptive, order 5, L-stable (`fp.SspRk3()` for a scheme that needs an explicit one).
    rtol, atol : float
        Local error per step at most atol + rtol |y| (density in the root mean square; rate and pool each). Where the
        scheme is left to `solve`, what the error of N over the whole run is to be. Fixed-step steppers ignore them.
    max_step : float
        Longest step. Give one when I(t) has features shorter than the steps, which no error control can see.
    save_at : sequence of float, optional
        Increasing times at which the density is kept. Default: accepted steps, thinned to at most 800.
    monitors : mapping of str to callable, optional
        Functions of a State, evaluated at every accepted step; see `Solution.records`.
    stop_when : sequence of callable
        Conditions on a State; the run ends at the first accepted step at which one holds.
    history : float or callable, optional
        The rate N(t) before the start, for a model that looks back (a delay, a fixed refractory time). Default: what
        the State given as `initial` remembers, else zero. A fixed refractory time starts with the mass R of those who
        fired within it, and the initial density is given the mass 1 − R.
    estimate_error : bool
        Estimate the error of N from a second, cheaper run on half the cells; see `Solution.error_estimate`. A blow-up
        is compared with that run in any case.
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
    check_kinds(model, grid, scheme, stepper)
    span, asked = checked_span(t_span), checked_tolerance(rtol, atol)
    fixed = getattr(stepper, "dt", None)
    if fixed is not None:
        checked_step("dt", fixed, span)
    endless = isinstance(max_step, float) and max_step == math.inf
    longest = math.inf if endless else checked_step("max_step", positive("max_step", max_step), span)
    past, conditions = checked_past(history, initial), checked_conditions(stop_when)
    times, observed = checked_times(save_at, *span), checked_monitors(monitors)
    for method in _methods(model, initial, grid, scheme, stepper, span, asked):
        problem = Problem(
            model=model,
            scheme=method.scheme,
            stepper=method.stepper,
            state=starting_state(model, initial, grid, method.scheme, span, past),
            fresh=not isinstance(initial, State),
            past=past,
            trace=trace_at_threshold(model, initial),
            t_span=span,
            tolerance=method.tolerance,
            max_step=longest,
        )
        recorder = Recorder(problem.system(), times, observed)
        with _progress_bar(progress, *span) as show:
            ending = _integrate(problem, recorder, conditions, show)
        ending, error = _judged(problem, recorder, ending, estimate_error)
        if ending.status is Status.INTERRUPTED or (ending.status not in TROUBLE and not error > rtol):
            break
    settings = {
        "scheme": repr(problem.scheme), "stepper": repr(problem.stepper), "rtol": f"{rtol:g}", "atol": f"{atol:g}"
    }  # fmt: skip
    message = _message(ending)
    return recorder.solution(model, ending.status, message, ending.blow_up, settings, ending.y, ending.t, error)


class _Method(NamedTuple):
    scheme: Scheme
    stepper: Stepper
    tolerance: Tolerance


def _methods(
    model: Population,
    initial: object,
    grid: Grid | Elements | None,
    scheme: Scheme | None,
    stepper: Stepper | None,
    t_span: tuple[float, float],
    asked: Tolerance,
) -> Iterator[_Method]:
    """What to try, one after the other, until the estimated error of N is as small as asked.

    Where nothing is prescribed and the density is smooth, spectral elements: their error falls by orders of magnitude
    for a few more unknowns. Cells are positive, and know what to do when elements get into trouble.
    """
    if scheme is None:
        scheme = natural_scheme(initial.grid if isinstance(initial, State) else grid)
        free = grid is None and not isinstance(initial, State) and (stepper is None or stepper.adaptive)
        if free and Spectral.suits(model, initial, t_span):
            for share in SHARES:
                loosened = MARGIN * share
                tolerance = Tolerance(max(loosened * asked.rtol, SMALLEST_RTOL), max(loosened * asked.atol, 1e-300))
                accuracy = min(max(share * asked.rtol, SMALLEST_RTOL), 0.1)
                yield _Method(Spectral(accuracy), stepper or Rodas5P(), tolerance)
    yield _Method(scheme, stepper or default_stepper(scheme), asked)


def natural_scheme(grid: Grid | Elements | None) -> Scheme:
    """The scheme for a grid: cells unless it is made of elements."""
    return Spectral() if isinstance(grid, Elements) else ScharfetterGummel()


def default_stepper(scheme: Scheme) -> Stepper:
    """The best stepper that suits the scheme."""
    return SspRk3() if scheme.explicit else Rodas5P()


@dataclass(frozen=True)
class Problem:
    """All that determines a run, except what is watched."""

    model: Population
    scheme: Scheme
    stepper: Stepper
    state: State
    fresh: bool
    past: Past
    trace: float
    t_span: tuple[float, float]
    tolerance: Tolerance
    max_step: float

    def system(self) -> PopulationSystem:
        """The semi-discrete equations, at the start of the run."""
        system = self.scheme.discretize(self.model, self.state.grid)
        system.remember(self.past, self.t_span[0])
        return system

    def coarsened(self, ending: _Ending) -> Problem:
        """The problem with half the resolution in all, for as long as a run with that `ending` can be compared."""
        start, until = self.t_span[0], ending.t
        if ending.blow_up is not None:
            # Three times as long as it took: on the coarser grid the rate may reach its blow-up later.
            until = start + 3.0 * (ending.blow_up.time - start)
            if self.model.coupling.time_dependent:  # I(t) need not be defined beyond the end
                until = min(self.t_span[1], until)
        loose = Tolerance(LOOSER * self.tolerance.rtol, LOOSER * self.tolerance.atol)
        return replace(
            self,
            stepper=self.stepper.coarsened(),
            state=self.state.coarsened(),
            t_span=(start, until),
            tolerance=loose,
        )


@dataclass(frozen=True)
class _Ending:
    """Where and why the time loop ended; `why` is the part of the sentence that is not in the status."""

    y: np.ndarray
    t: float
    status: Status
    why: str = ""
    blow_up: BlowUp | None = None


def _integrate(
    problem: Problem, recorder: Recorder, conditions: tuple[Condition, ...], show: Callable[[float], None]
) -> _Ending:
    """The time loop."""
    system, stepper, tolerance, (t, end) = recorder.system, problem.stepper, problem.tolerance, problem.t_span
    detector = BlowUpDetector(narrow=tolerance.rtol * (end - t), possible=problem.model.may_blow_up)
    y = system.pack(problem.state.density, problem.state.refractory, float(np.nan_to_num(problem.state.rate)))
    if not stepper.begin(system, y, t, problem.fresh):
        y[-1] = np.nan
        recorder.begin(y, t)
        at_once = problem.model.coupling.gain * problem.trace
        if at_once >= 1.0:
            seen = f"b n(V_F) = {at_once:.3g} at the start: from 1 on no rate is large enough for N = −a ∂v n(V_F)"
            return _Ending(y, t, Status.BLOW_UP, blow_up=BlowUp(t, (t, t), math.inf, seen, ()))
        return _Ending(y, t, Status.UNRESOLVED, undefined_rate(problem.model, problem.state))
    system.begin(y, t)
    recorder.begin(y, t)
    detector.observe(t, float(y[-1, 0]))
    # Not so short that a rejected step could only shrink into the rounding of t.
    dt = max(stepper.first_step(system, y, t, tolerance), 1e3 * float(np.spacing(t)))
    step = None
    try:
        while t < end:
            stop = min(end, system.next_break(t)) if stepper.adaptive else end
            dt = min(dt, problem.max_step)
            # The last step is stretched rather than followed by a sliver of rounding error.
            dt = stop - t if stop - t < 1.000001 * dt else dt
            if dt < max(SHORTEST * abs(t), 1e-280) and dt < stop - t:
                return _stuck(detector, y, t, step)
            step = advance(stepper, system, y, t, dt, tolerance)
            if step is None or step.error > 1.0:
                recorder.rejected += 1
                if not stepper.adaptive:
                    return _stuck(detector, y, t, step)
                dt = 0.25 * dt if step is None else stepper.next_step(system, y, t, dt, step.error)
                continue
            new_t = stop if dt == stop - t else t + dt
            system.accept(step, new_t)
            recorder.accept(step, new_t)
            y, t = step.new, new_t
            show(t)
            rate = float(y[-1, 0])
            surge = 0.0 if stepper.adaptive else float(system.surge(step.old, y, dt)[0]) / LARGEST_SURGE
            layer = float(system.layer(y, t)[0]) if rate > FIRST_LEVEL else 0.0
            blow_up = detector.observe(t, rate, max(surge, layer))
            if blow_up is not None:
                return _Ending(y, t, Status.BLOW_UP, blow_up=blow_up)
            if surge > 1.0:
                blow_up = detector.last_word(t, STEPS_PER_DOUBLING * dt)
                if blow_up is not None:
                    return _Ending(y, t, Status.BLOW_UP, blow_up=blow_up)
                why = f" (N rose to {rate:.3g} within one step dt = {dt:.3g}; use a smaller dt, or the default stepper)"
                return _Ending(y, t, Status.UNRESOLVED, why)
            for condition in conditions:
                if condition(system.unpack(y, t)):
                    return _Ending(y, t, Status.STOPPED, f" ({getattr(condition, '__name__', condition)})")
            dt = stepper.next_step(system, y, t, dt, step.error)
    except KeyboardInterrupt:
        return _Ending(y, t, Status.INTERRUPTED)
    return _Ending(y, t, Status.FINISHED)


def _stuck(detector: BlowUpDetector, y: np.ndarray, t: float, step: Step | None) -> _Ending:
    """No step, however short, could be taken from t.

    If the closure N = e(N)·n lost its solution, the density next to V_F has reached 1/b (or a1 |∂v n| has reached 1):
    the discrete form of N = ∞, but also what a grid too coarse for the datum shows; only acceleration tells.
    """
    if not detector.accelerating(2) or t > detector.latest:
        if step is not None:
            return _Ending(y, t, Status.STALLED)
        return _Ending(y, t, Status.UNRESOLVED, " (no finite rate satisfies N = e(N) n; use a finer grid near V_F)")
    seen = "no finite rate satisfies N = e(N) n any more" if step is None else "the step fell to the rounding of t"
    return _Ending(y, t, Status.BLOW_UP, blow_up=detector.record(t, seen))


def _judged(problem: Problem, recorder: Recorder, ending: _Ending, wanted: bool) -> tuple[_Ending, float]:
    """The ending and the error of N, once a second run of half the resolution has been seen.

    A blow-up is not believed without one.
    """
    start = problem.t_span[0]
    comparable = ending.t > start and (ending.blow_up is not None or ending.status in (Status.FINISHED, Status.STOPPED))
    if not comparable or not (wanted or ending.blow_up is not None):
        return ending, math.nan
    other = problem.coarsened(ending)
    trial = Recorder(other.system(), np.empty(0), {})
    there = _integrate(other, trial, (), lambda t: None)
    return _compared(ending, there, start), _error(recorder, trial, ending, problem) if wanted else math.nan


def _compared(ending: _Ending, coarse: _Ending, start: float) -> _Ending:
    """The blow-up with its discretisation error, from the second run.

    A discrete equation has its own folds: near one it can blow up where the equation does not. Then t* moves a lot with
    the grid, and the verdict is left open.
    """
    if ending.blow_up is None:
        return ending
    here, there = ending.blow_up, coarse.blow_up
    if there is None or abs(there.time - here.time) > LARGEST_SHIFT * (here.time - start):
        other = f"not ({coarse.status.value})" if there is None else f"at t* = {there.time:.6g}"
        why = (
            f" (here the rate blows up at t* = {here.time:.6g}, on half the cells {other}; "
            f"use a finer grid, or a smaller dt, to decide)"
        )
        return _Ending(ending.y, ending.t, Status.UNRESOLVED, why)
    spread = 1.5 * abs(there.time - here.time)
    low, high = here.interval
    confirmed = replace(
        here,
        interval=(min(low, here.time - spread), max(high, here.time + spread)),
        evidence=f"{here.evidence}; on half the cells t* = {there.time:.9g}",
    )
    return replace(ending, blow_up=confirmed)


def _error(fine: Recorder, coarse: Recorder, ending: _Ending, problem: Problem) -> float:
    """Estimated error of N over atol/rtol + |N|, the largest over the run: what Richardson makes of the two runs.

    Infinite if the coarse run did not get as far.
    """
    here, there = fine.rates(), coarse.rates()
    start, length = problem.t_span[0], ending.t - problem.t_span[0]
    last = start + RUN_UP * length if ending.blow_up is not None else ending.t
    if there.t[-1] < last:
        return math.inf
    times = here.t[(here.t >= start + START_UP * length) & (here.t <= last)]
    rate = here(times)
    order = problem.scheme.order if problem.stepper.adaptive else min(problem.scheme.order, problem.stepper.order)
    gain = min(2.0**order, LOOSER) - 1.0
    scale = np.abs(rate) + problem.tolerance.atol / problem.tolerance.rtol
    return float(np.max(np.abs(there(times) - rate) / scale, initial=0.0)) / gain


def _message(ending: _Ending) -> str:
    if ending.blow_up is None:
        status = ending.status.value
        return f"{status[0].upper()}{status[1:]}{ending.why} at t = {ending.t:.9g}."
    low, high = ending.blow_up.interval
    if low == high:
        return f"The firing rate blows up at once, at t* = {low:g}: {ending.blow_up.evidence}."
    digits = max(4, 2 + math.ceil(math.log10(high / (high - low)))) if 0 < low < high else 6
    return (
        f"The firing rate blows up at t* = {ending.blow_up.time:.{digits}g}, between {low:.{digits}g} and "
        f"{high:.{digits}g}: {ending.blow_up.evidence}."
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
