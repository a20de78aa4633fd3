"""The one verb: solve."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .clocks import ActivityClock, Clock, PhysicalTime
from .diagnostics.recorder import Monitor, Recorder
from .elements import Elements
from .grid import Cells
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
)
from .models.model import Model
from .operators.characteristics import Characteristics
from .operators.choice import cell_scheme
from .operators.schemes import Scheme
from .operators.spectral import Spectral
from .outcomes import InvalidArgument, Status, positive
from .problem import LOOSER, Ending, Problem
from .solution import Solution
from .state import FromArray, State, together
from .steppers.ageing import Ageing
from .steppers.explicit import SspRk3
from .steppers.protocol import Stepper, Tolerance
from .steppers.rosenbrock import Rodas5P
from .steppers.splitting import Splitting
from .verdict import comparable, compared, compared_jumps, message, missed, rate_error

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
POOR = 0.1
"""Estimated error of a run through events from which on the user is told."""


def solve(
    model: Model,
    initial: Any,
    t_span: tuple[float, float],
    grid: Cells | Elements | None = None,
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
    clock: Clock | None = None,
) -> Solution:
    """Solve the population-density equation of `model` from `initial` over `t_span`.

        ∂t n + ∂v[(f(v) + bA + I) n] − a(A) ∂vv n + k(v) n = S δ(v − V_R),   A(t) = N(t − d)

    Parameters
    ----------
    model : Population, Network or another model
        For example `fp.nnlif(b=0.5)`, `fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)`, or one that is no neuron with a
        potential, such as `fp.cell_polarization(1.5)` and `fp.time_elapsed(fp.StepHazard(1.0))`, whose docstrings have
        their equations.
    initial : initial density, State, callable or array
        `fp.gaussian(mean, variance)`, `fp.compatible_gaussian(...)`, on a half-line also `fp.exponential(scale)`; the
        `.final` of another solution, a function of v (normalised on the grid), or cell averages of mass 1. Of several
        populations one for all, or a list with one for each.
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
        scheme is left to `solve`, what the error of N over the whole run is to be; not so with `fp.ActivityClock`,
        where the grid decides the resolution and `error_estimate` tells. Fixed-step steppers ignore them.
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
    clock : PhysicalTime or ActivityClock, optional
        Default `fp.PhysicalTime()`, by which a run ends at a blow-up. `fp.ActivityClock()`, on cells, goes on.

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
    stepper = None if stepper is None else beside_exchange(stepper, model)
    clock = _checked_clock(clock, model, initial.grid if isinstance(initial, State) else grid, scheme, stepper)
    span, asked = checked_span(t_span), checked_tolerance(rtol, atol)
    fixed = getattr(stepper, "dt", None)
    if fixed is not None:
        checked_step("dt", fixed, span)
    endless = isinstance(max_step, float) and max_step == math.inf
    longest = math.inf if endless else checked_step("max_step", positive("max_step", max_step), span)
    if isinstance(clock, ActivityClock) and isinstance(initial, State) and np.all(initial.rate == math.inf):
        initial = replace(initial, rate=0.0)  # at a blow-up: that clock finds the rate by itself
    past, conditions = checked_past(model, history, initial, span[0]), checked_conditions(stop_when)
    times, observed = checked_times(save_at, *span), checked_monitors(monitors)
    trials: list[_Trial] = []
    for attempts in _families(model, initial, grid, scheme, stepper, span, asked, clock):
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
                clock=clock,
            )
            recorder = Recorder(problem.system(), times, observed)
            with _progress_bar(progress, *span) as show:
                ending = clock.integrate(problem, recorder, conditions, show)
            trials.append(_judged(problem, recorder, ending, estimate_error, asked))
            if trials[-1].settled or trials[-1].ending.status in TROUBLE or recorder.work > MOST_WORK:
                break
            reach *= 2.0 if recorder.tail > asked.atol else 1.0
        if trials[-1].settled or any(trial.ending.status not in TROUBLE for trial in trials):
            break
    best = min(trials, key=lambda trial: trial.rank)
    prescribed = isinstance(initial, State) or any(part is not None for part in (grid, scheme, stepper))
    chosen = len(trials) > 1 or (isinstance(clock, PhysicalTime) and not prescribed)
    remark = missed(best.error, rtol) if chosen and best.excess > WORTH_A_WORD else ""
    if isinstance(clock, ActivityClock) and best.error > POOR:
        remark = f"The relative error of N is estimated to be {best.error:.1g}; use a finer grid or a smaller rtol."
    end = best.ending
    return best.recorder.solution(
        model,
        end.status,
        message(end, model),
        end.blow_up,
        best.problem.settings(rtol, atol),
        end.y,
        end.t,
        best.error,
        remark,
        end.jumps,
    )


def _checked_clock(
    clock: object, model: Model, grid: Cells | Elements | None, scheme: object, stepper: object
) -> Clock:
    """The clock; where it makes no difference, the time of the equation."""
    if clock is None:
        return PhysicalTime()
    if not isinstance(clock, PhysicalTime | ActivityClock):
        raise InvalidArgument(f"`clock` must be fp.PhysicalTime() or fp.ActivityClock(), not {clock!r}.")
    if not clock.suits(model):
        return PhysicalTime()
    if scheme is None and isinstance(clock, ActivityClock) and isinstance(grid, Elements):
        raise InvalidArgument(
            "`clock` = fp.ActivityClock() needs cells, but `initial` or `grid` is on elements; for a State repeat the "
            "run that it comes from with grid=model.grid(cells=800)."
        )
    clock.check(model, natural_scheme(model, grid) if scheme is None else scheme, stepper)
    return clock


class _Attempt(NamedTuple):
    """One way to solve it: `grid` makes the grid, reaching further down if need be."""

    scheme: Scheme
    stepper: Stepper
    tolerance: Tolerance
    grid: Callable[[float], Cells | Elements | None]


def _families(
    model: Model,
    initial: object,
    grid: Cells | Elements | None,
    scheme: Scheme | None,
    stepper: Stepper | None,
    t_span: tuple[float, float],
    asked: Tolerance,
    clock: Clock,
) -> Iterator[list[_Attempt]]:
    """What to try, finer and finer until the estimated error of N is as small as asked.

    Where nothing is prescribed and the density is smooth, spectral elements: their error falls by orders of magnitude
    for a few more unknowns. Cells are positive, and know what to do when elements get into trouble.
    """
    fixed_cells = isinstance(initial, State) or any(isinstance(part, FromArray) for part in model.densities(initial))
    if scheme is not None or grid is not None or fixed_cells:
        scheme = scheme or natural_scheme(model, initial.grid if isinstance(initial, State) else grid)
        yield [_Attempt(scheme, stepper or default_stepper(scheme, model), asked, lambda reach: grid)]
        return
    datum = together(model.densities(initial))
    adaptive = stepper is None or stepper.adaptive
    if isinstance(clock, PhysicalTime) and adaptive and Spectral.suits(model, datum, t_span):
        elements = []
        for share in SHARES:
            tolerance = Tolerance(max(MARGIN * share * asked.rtol, SMALLEST_RTOL), MARGIN * share * asked.atol)
            method = Spectral(min(max(share * asked.rtol, SMALLEST_RTOL), 0.1))
            make = partial(method.default_grid, model, datum, t_span)
            elements.append(_Attempt(method, stepper or default_stepper(method, model), tolerance, make))
        yield elements
    # Through events the error of N is estimated and shown, but not chased by refinement: it is that of their times.
    once = not isinstance(clock, PhysicalTime)
    cells = cell_scheme(model)
    fixed = stepper is not None and not stepper.adaptive

    def refined(times: int) -> Callable[[float], Any]:
        def make(reach: float) -> Any:
            finer: Any = cells.default_grid(model, datum, t_span, reach)
            for _ in range(times):
                finer = finer.refined()
            return finer

        return make

    refinements = [1] if once else range(1 if fixed else 1 + REFINEMENTS)
    yield [_Attempt(cells, stepper or default_stepper(cells, model), asked, refined(times)) for times in refinements]


def natural_scheme(model: Model, grid: Cells | Elements | None) -> Scheme:
    """The scheme for a grid: cells unless it is made of elements."""
    return Spectral() if isinstance(grid, Elements) else cell_scheme(model)


def default_stepper(scheme: Scheme, model: Model) -> Stepper:
    """The best stepper that suits scheme and model."""
    if isinstance(scheme, Characteristics):
        return Ageing()
    return beside_exchange(SspRk3() if scheme.explicit else Rodas5P(), model)


def beside_exchange(stepper: Stepper, model: Model) -> Stepper:
    """The stepper, in turns with the exchange between lanes where there is one."""
    return Splitting(stepper) if model.exchanges and not isinstance(stepper, Splitting) else stepper


@dataclass(frozen=True)
class _Trial:
    """A run and how good it is: its `error` relative to N, and that over what was `allowed`."""

    problem: Problem
    recorder: Recorder
    ending: Ending
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


def _judged(problem: Problem, recorder: Recorder, ending: Ending, wanted: bool, asked: Tolerance) -> _Trial:
    """The run, once a second one of half the resolution has been seen. A blow-up is not believed without one."""
    start = problem.t_span[0]
    if not comparable(ending, start) or not (wanted or ending.blow_up is not None):
        return _Trial(problem, recorder, ending)
    other = problem.coarsened(ending)
    if other.state.grid.cells == problem.state.grid.cells:
        return _Trial(problem, recorder, compared(ending, None, start))
    trial = Recorder(other.system(), np.empty(0), {})
    there = other.clock.integrate(other, trial, (), lambda t: None)
    judged = compared_jumps(compared(ending, there, start), there)
    if not wanted:
        return _Trial(problem, recorder, judged)
    if recorder.system.unresolved:
        return _Trial(problem, recorder, judged, math.inf, math.inf)
    gain = min(problem.scheme.gain, LOOSER if problem.stepper.adaptive else 2.0**problem.stepper.order)
    breaks = recorder.system.breaks_met
    found = rate_error(recorder.rates(), trial.rates(), start, ending, gain, asked, breaks, problem.model.depth)
    return _Trial(problem, recorder, judged, *found)


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
