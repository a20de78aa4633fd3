"""The one verb: solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
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
from .interpolation import RateHistory
from .models.population import Population
from .operators.schemes import ScharfetterGummel, Scheme
from .operators.spectral import Spectral
from .operators.system import PopulationSystem
from .outcomes import BlowUp, Status, positive
from .solution import Solution
from .state import InitialDensity, State, as_density
from .steppers.explicit import SspRk3
from .steppers.protocol import Step, Stepper, Tolerance, advance
from .steppers.rosenbrock import Rodas5P

LARGEST_LAYER = 5.0
"""Cell at V_F over the boundary layer there, above which an excitatory rate that grows without blow-up is lost."""
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
MOST_WORK = 3e6
"""Unknowns times steps of an attempt after which no finer one is tried."""
REFINEMENTS = 4
"""How often the default cells are halved at most."""
WORTH_A_WORD = 10.0
"""Estimated error over what was asked, from which on the user is told."""
SMALL = 1e-3
"""Rates below this share of the largest one are compared with that."""
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
    past, conditions = checked_past(model, history, initial, span[0]), checked_conditions(stop_when)
    times, observed = checked_times(save_at, *span), checked_monitors(monitors)
    trials: list[_Trial] = []
    for attempts in _families(model, initial, grid, scheme, stepper, span, asked):
        reach = 1.0
        for attempt in attempts:
            state = starting_state(model, initial, attempt.grid(reach), attempt.scheme, span, past)
            problem = Problem(
                model=model,
                scheme=attempt.scheme,
                stepper=attempt.stepper,
                state=state,
                fresh=not isinstance(initial, State),
                past=past,
                trace=trace_at_threshold(model, initial),
                t_span=span,
                tolerance=attempt.tolerance,
                max_step=longest,
            )
            recorder = Recorder(problem.system(), times, observed)
            with _progress_bar(progress, *span) as show:
                ending = _integrate(problem, recorder, conditions, show)
            trials.append(_judged(problem, recorder, ending, estimate_error, asked))
            if trials[-1].settled or trials[-1].ending.status in TROUBLE or recorder.work > MOST_WORK:
                break
            reach *= 2.0 if recorder.tail > asked.atol else 1.0
        if trials[-1].settled or any(trial.ending.status not in TROUBLE for trial in trials):
            break
    best = min(trials, key=lambda trial: trial.rank)
    remark = _missed(best.error, rtol) if len(trials) > 1 and best.excess > WORTH_A_WORD else ""
    end = best.ending
    return best.recorder.solution(
        model,
        end.status,
        _message(end),
        end.blow_up,
        best.problem.settings(rtol, atol),
        end.y,
        end.t,
        best.error,
        remark,
    )


class _Attempt(NamedTuple):
    """One way to solve it: `grid` makes the grid, reaching further down if need be."""

    scheme: Scheme
    stepper: Stepper
    tolerance: Tolerance
    grid: Callable[[float], Grid | Elements | None]


def _families(
    model: Population,
    initial: object,
    grid: Grid | Elements | None,
    scheme: Scheme | None,
    stepper: Stepper | None,
    t_span: tuple[float, float],
    asked: Tolerance,
) -> Iterator[list[_Attempt]]:
    """What to try, finer and finer until the estimated error of N is as small as asked.

    Where nothing is prescribed and the density is smooth, spectral elements: their error falls by orders of magnitude
    for a few more unknowns. Cells are positive, and know what to do when elements get into trouble.
    """
    if scheme is not None or grid is not None or isinstance(initial, State | np.ndarray | list | tuple):
        scheme = scheme or natural_scheme(initial.grid if isinstance(initial, State) else grid)
        yield [_Attempt(scheme, stepper or default_stepper(scheme), asked, lambda reach: grid)]
        return
    datum = as_density(initial)
    if (stepper is None or stepper.adaptive) and Spectral.suits(model, datum, t_span):
        elements = []
        for share in SHARES:
            tolerance = Tolerance(max(MARGIN * share * asked.rtol, SMALLEST_RTOL), MARGIN * share * asked.atol)
            method = Spectral(min(max(share * asked.rtol, SMALLEST_RTOL), 0.1))
            make = partial(method.default_grid, model, datum, t_span)
            elements.append(_Attempt(method, stepper or Rodas5P(), tolerance, make))
        yield elements
    cells, fixed = ScharfetterGummel(), stepper is not None and not stepper.adaptive

    def refined(times: int) -> Callable[[float], Grid]:
        def make(reach: float) -> Grid:
            finer = cells.default_grid(model, datum, t_span, reach)
            for _ in range(times):
                finer = finer.refined()
            return finer

        return make

    yield [
        _Attempt(cells, stepper or Rodas5P(), asked, refined(times)) for times in range(1 if fixed else 1 + REFINEMENTS)
    ]


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
    past: RateHistory
    trace: float
    t_span: tuple[float, float]
    tolerance: Tolerance
    max_step: float

    def system(self) -> PopulationSystem:
        """The semi-discrete equations, at the start of the run."""
        system = self.scheme.discretize(self.model, self.state.grid)
        system.remember(self.past)
        return system

    def settings(self, rtol: float, atol: float) -> dict[str, str]:
        """What a Solution says of its making."""
        return {"scheme": repr(self.scheme), "stepper": repr(self.stepper), "rtol": f"{rtol:g}", "atol": f"{atol:g}"}

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
    y = system.pack(problem.state.density, problem.state.refractory, 0.0 if problem.fresh else problem.state.rate)
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
            recorder.accept(step, new_t)
            if system.accept(step.new, new_t, dt, step.bend):
                recorder.jump(step.new, new_t)
            y, t = step.new, new_t
            show(t)
            rate = float(y[-1, 0])
            surge = 0.0 if stepper.adaptive else float(system.surge(step.old, y, dt)[0]) / LARGEST_SURGE
            layer = float(system.layer(y, t)[0]) if rate > FIRST_LEVEL else 0.0
            blow_up = detector.observe(t, rate, max(surge, layer))
            if blow_up is not None:
                return _Ending(y, t, Status.BLOW_UP, blow_up=blow_up)
            if layer > LARGEST_LAYER and not detector.possible and problem.model.coupling.gain > 0.0:
                why = f" (N = {rate:.3g} presses the density against V_F into less than a cell; use a smaller `finest`)"
                return _Ending(y, t, Status.UNRESOLVED, why)
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


@dataclass(frozen=True)
class _Trial:
    """A run and how good it is: its `error` relative to N, and that over what was `allowed`."""

    problem: Problem
    recorder: Recorder
    ending: _Ending
    error: float = math.nan
    excess: float = math.nan

    @property
    def settled(self) -> bool:
        """Nothing is to be gained by another run."""
        return self.ending.status is Status.INTERRUPTED or (self.ending.status not in TROUBLE and not self.excess > 1.0)

    @property
    def rank(self) -> tuple[bool, float]:
        """Smaller is better."""
        return self.ending.status in TROUBLE, math.inf if math.isnan(self.excess) else self.excess


def _judged(problem: Problem, recorder: Recorder, ending: _Ending, wanted: bool, asked: Tolerance) -> _Trial:
    """The run, once a second one of half the resolution has been seen. A blow-up is not believed without one."""
    start = problem.t_span[0]
    comparable = ending.t > start and (ending.blow_up is not None or ending.status in (Status.FINISHED, Status.STOPPED))
    if not comparable or not (wanted or ending.blow_up is not None):
        return _Trial(problem, recorder, ending)
    other = problem.coarsened(ending)
    if other.state.grid.cells == problem.state.grid.cells:
        return _Trial(problem, recorder, _compared(ending, None, start))
    trial = Recorder(other.system(), np.empty(0), {})
    there = _integrate(other, trial, (), lambda t: None)
    judged = _compared(ending, there, start)
    error, excess = _error(recorder, trial, ending, problem, asked) if wanted else (math.nan, math.nan)
    return _Trial(problem, recorder, judged, error, excess)


def _compared(ending: _Ending, coarse: _Ending | None, start: float) -> _Ending:
    """The blow-up with its discretisation error, from the second run.

    A discrete equation has its own folds: near one it can blow up where the equation does not. Then t* moves a lot with
    the grid, and the verdict is left open.
    """
    if ending.blow_up is None:
        return ending
    if coarse is None:
        time = ending.blow_up.time
        why = f" (the rate blows up at t* = {time:.6g}, but no coarser grid can confirm it; use more cells)"
        return _Ending(ending.y, ending.t, Status.UNRESOLVED, why)
    here, there = ending.blow_up, coarse.blow_up
    if there is None or abs(there.time - here.time) > LARGEST_SHIFT * (here.time - start):
        other = f"not ({coarse.status.value})" if there is None else f"at t* = {there.time:.6g}"
        why = (
            f" (here the rate blows up at t* = {here.time:.6g}, with half the resolution {other}; "
            f"use a finer grid, or a smaller dt, to decide)"
        )
        return _Ending(ending.y, ending.t, Status.UNRESOLVED, why)
    spread = 2.0 * abs(there.time - here.time)
    low, high = here.interval
    confirmed = replace(
        here,
        interval=(min(low, here.time - spread), max(high, here.time + spread)),
        evidence=f"{here.evidence}; with half the resolution t* = {there.time:.9g}",
    )
    return replace(ending, blow_up=confirmed)


def _error(
    fine: Recorder, coarse: Recorder, ending: _Ending, problem: Problem, asked: Tolerance
) -> tuple[float, float]:
    """Estimated error of N, the largest over the run: relative to N, and over what was asked.

    Infinite if the coarse run did not get as far. N is compared where it is smooth: not right after the start, nor
    after the times at which a jump comes back.
    """
    here, there = fine.rates(), coarse.rates()
    start, length = problem.t_span[0], ending.t - problem.t_span[0]
    last = start + RUN_UP * length if ending.blow_up is not None else ending.t
    if there.t[-1] < last:
        return math.inf, math.inf
    times = here.t[(here.t >= start + START_UP * length) & (here.t <= last)]
    layer = START_UP * min(length, 10.0 * problem.model.depth)
    for jump in fine.system.breaks_met:
        times = times[(times < jump - 1e-9 * layer) | (times > jump + layer)]
    rate = here(times)
    apart = np.abs(there(times) - rate)
    gain = min(problem.scheme.gain, LOOSER if problem.stepper.adaptive else 2.0**problem.stepper.order) - 1.0
    relative = np.abs(rate) + SMALL * np.max(np.abs(rate), initial=0.0)
    allowed = asked.atol + asked.rtol * np.abs(rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = [float(np.nanmax(apart / scale, initial=0.0)) / gain for scale in (relative, allowed)]
    return largest[0], largest[1]


def _missed(error: float, rtol: float) -> str:
    return (
        f"The relative error of N is estimated to be {error:.1e}, more than the rtol = {rtol:g} asked for; "
        f"give a `grid` of your own to do better."
    )


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
