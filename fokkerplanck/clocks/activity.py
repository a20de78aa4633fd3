"""A time that runs with the activity, and so through a blow-up."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from ..cascades import CRITICAL, cascade, checked_scheme
from ..diagnostics.recorder import Recorder
from ..inputs import Condition, checked_flag
from ..interpolation import RateHistory, interpolate
from ..models.model import Model
from ..models.overshoot import checked_overshoot
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument, Jump, Status
from ..problem import Ending, Problem
from ..state import State
from ..steppers.location import cut_short
from ..steppers.protocol import Step, advance
from ..steppers.rosenbrock import Rodas5P

if TYPE_CHECKING:
    from ..operators.dilated import Dilated

SHORTEST = 1e-15
"""Step in τ, of order one per spike and membrane time, from which nothing can be learnt."""
PUNCTUAL = 1e-13
"""Error of the last time, over the length of the run."""
REPEATS, WITHIN = 100, 1e-3
"""So many firing events within so short a time are no progress: they accumulate."""
FORGET = 4000
"""Steps after which it is worth dropping those that lie too far back."""
QUARTERS = np.array([0.25, 0.5, 0.75])


@dataclass(frozen=True)
class ActivityClock:
    """Dilated time dτ = (1 + N) dt, in which the solution goes on through a blow-up.

    Drift, diffusion and reinjection are weighted by m = 1/(1 + N) and 1 − m and stay bounded. When m falls to zero the
    physical clock stands still and a fraction Δ of the population fires, see `fp.cascade`; afterwards the run goes on.
    So N(t) = Σ Δ δ(t − t*) + the rate of the solution, and `sol.jumps` lists the events.

    Parameters
    ----------
    overshoot : "keep", "discard" or "none"
        What fired neurons do with the rest of the cascade (without a refractory state).
    transport : bool
        Follow every event by the equation of the standing clock, also where the jump is known from the distribution.
    most : int, optional
        Stop after so many events.

    Raises
    ------
    InvalidArgument
        If an argument is not one of these; by `fp.solve`, if the scheme is not one on cells or the stepper not
        `fp.Rodas5P`.

    A cascade that never ends is `Status.ETERNAL`. Where N cannot become infinite (a delay, a threshold that is not
    sharp, inhibition with constant noise) a run is the same as by `fp.PhysicalTime`. A density that is saved at the
    very time of an event is the one before it. An event takes about 300 steps. After a fixed refractory time the rate
    of before it comes back with its singularity, which takes a thousand and, with a1 > 0, ten times as many.

    Source: Dou, Zhou (2022), arXiv:2206.06972; Taillefumier, Whitman (2022).

    >>> import fokkerplanck as fp
    >>> model = fp.nnlif(b=0.5)
    >>> sol = fp.solve(model, fp.gaussian(1.83, 0.003), (0.0, 0.1), clock=ActivityClock(overshoot="keep"))
    >>> [round(jump.fraction, 3) for jump in sol.jumps]
    [0.811]
    """

    overshoot: str = "discard"
    transport: bool = False
    most: int | None = None

    def __post_init__(self) -> None:
        checked_overshoot(self.overshoot)
        checked_flag("transport", self.transport)
        if self.most is not None and (isinstance(self.most, bool) or not isinstance(self.most, int) or self.most < 1):
            raise InvalidArgument(f"`most` must be a number of events, at least 1, not {self.most!r}.")

    def suits(self, model: Model) -> bool:
        """Whether the rate can become infinite, so that this clock makes a difference."""
        return model.may_blow_up

    def check(self, model: Model, scheme: object, stepper: object) -> None:
        """Refuse what it cannot follow."""
        if model.structured or not isinstance(model, VoltageModel):
            raise InvalidArgument(
                f"`clock` = fp.ActivityClock() follows one population through its events, not {model!r}; leave it out."
            )
        checked_scheme("scheme", scheme)
        if stepper is not None and not isinstance(stepper, Rodas5P):
            raise InvalidArgument(f"`stepper` must be fp.Rodas5P() for fp.ActivityClock(), not {stepper!r}.")

    def integrate(
        self, problem: Problem, recorder: Recorder, conditions: tuple[Condition, ...], show: Callable[[float], None]
    ) -> Ending:
        """The time loop."""
        run = _Run(self, problem, recorder)
        try:
            while run.t < run.end:
                if run.system.branching(run.y) >= 1.0 - CRITICAL:
                    trouble = run.fire()
                    if trouble is not None:
                        return run.ended(*trouble)
                if run.dtau < SHORTEST:
                    return run.ended(Status.STALLED)
                if not run.step():
                    recorder.rejected += 1
                    continue
                show(run.t)
                for condition in conditions:
                    if condition(run.state()):
                        return run.ended(Status.STOPPED, f" ({getattr(condition, '__name__', condition)})")
        except KeyboardInterrupt:
            return run.ended(Status.INTERRUPTED)
        return run.ended(Status.FINISHED)


class _Run:
    """A run under way: y = (n, R, time since the last step, m) at the dilated time τ, and what has happened so far."""

    def __init__(self, clock: ActivityClock, problem: Problem, recorder: Recorder) -> None:
        # Compiled kernels: only when something is solved.
        from ..operators.dilated import Dilated
        from ..operators.finite_volumes import FiniteVolumes

        assert isinstance(recorder.system, FiniteVolumes)
        self.clock, self.problem, self.recorder = clock, problem, recorder
        self.volumes, self.system = recorder.system, Dilated(recorder.system)
        (self.start, self.end), self.tolerance = problem.t_span, problem.tolerance
        # Counted from the start: at a late t the shortest steps would be lost in its rounding.
        self.elapsed, self.t, self.tau = 0.0, self.start, 0.0
        self.slack = PUNCTUAL * (self.end - self.start) + 4.0 * float(np.spacing(abs(self.end)))
        self.system.origin, self.system.end = self.start, self.end
        self.past = _Past(problem.past, self.system)
        self.system.returning = self.past
        self.jumps: list[Jump] = []
        self.dtau = 0.0
        self.put(problem.state.density, problem.state.refractory)
        self.volumes.begin(self.system.unpack(self.y), self.t)
        recorder.begin(self.system.unpack(self.y), self.t)

    def put(self, density: np.ndarray, pool: float) -> None:
        """Go on from this density and pool."""
        self.y = self.system.pack(self.volumes.pack(density, pool))
        self.system.close(self.y, self.tau)
        first = self.problem.stepper.first_step(self.system, self.y, self.tau, self.tolerance)
        self.dtau = self._shorter(max(first, 1e3 * SHORTEST))  # not so short that it could not be rejected

    def state(self) -> State:
        """As the user's functions see it."""
        return self.volumes.unpack(self.system.unpack(self.y), self.t)

    def ended(self, status: Status, why: str = "") -> Ending:
        if self.past.owes:
            self.volumes.forget_past()
        return Ending(self.system.unpack(self.y), self.t, status, why, jumps=tuple(self.jumps))

    def step(self) -> bool:
        """One step in τ, cut short where something happens; False if it was rejected."""
        stepper, system = self.problem.stepper, self.system
        step = advance(stepper, system, self.y, self.tau, self.dtau, self.tolerance)
        if step is None or step.error > 1.0:
            shorter = (
                0.25 * self.dtau if step is None else stepper.next_step(system, self.y, 0.0, self.dtau, step.error)
            )
            self.dtau = shorter
            return False
        stop = min(self.end, self.past.next_return)
        cut = self._cut(step, stop)
        if cut is None:
            self.dtau *= 0.25
            return False
        step, elapsed = cut, self.elapsed + float(cut.new[-2, 0])
        t = self.start + elapsed
        if abs(stop - t) <= self.slack:
            t, elapsed = stop, stop - self.start
        taken = _Physical(system, step)
        self.recorder.accept(taken, t)
        self.volumes.accept(taken.new, t, taken.dt, taken.bend)
        self.past.accept(step, t)
        self.y, self.tau, self.t, self.elapsed, system.origin = step.new.copy(), self.tau + step.dt, t, elapsed, t
        self.y[-2] = 0.0
        self.dtau = self._shorter(stepper.next_step(system, self.y, self.tau, step.dt, step.error))
        if t == self.past.next_return:  # all who fired at once are back at once
            back = self.past.take()
            density = self.y[: system.cells].copy()
            self.volumes.deposit(density, np.array([back]))
            self.put(density[:, 0], float(self.y[-3, 0]) - back)
            self.recorder.jump(system.unpack(self.y), t)
        return True

    def fire(self) -> tuple[Status, str] | None:
        """What happens while the physical clock stands still; why the run cannot go on, if so."""
        if len(self.jumps) >= REPEATS and self.jumps[-REPEATS].time > self.t - WITHIN:
            return Status.STALLED, f" ({REPEATS} firing events within {WITHIN:g}: they accumulate)"
        if self.clock.most is not None and len(self.jumps) >= self.clock.most:
            return Status.STOPPED, f" (before firing event number {self.clock.most + 1})"
        # The rate at hand says nothing here: N is infinite, and no boundary layer has to be left out.
        before, rules = replace(self.state(), rate=np.inf), (self.system.scheme, self.tolerance.rtol)
        model, overshoot = self.system.model, self.clock.overshoot
        happened = cascade(model, before, overshoot, self.clock.transport, *rules)
        if happened.fraction == 0.0:  # the surplus is that of a cell or two, of which the distribution knows nothing
            happened = cascade(model, before, overshoot, True, *rules)
        if happened.eternal:
            return Status.ETERNAL, f" (after {happened.fraction:.4g} spikes per neuron it was going on)"
        self.recorder.beyond(happened.truncated_mass)
        if not happened.resolved:
            return (
                Status.UNRESOLVED,
                " (the firing event pushes the density against v_min; use a grid with a lower one)",
            )
        self.put(happened.after.density, happened.after.refractory)
        self.recorder.jump(self.system.unpack(self.y), self.t, before, happened.fraction)
        self.past.event(happened.jump)
        self.jumps.append(happened.jump)
        return None

    def _cut(self, step: Step, stop: float) -> Step | None:
        """The step, ended early where the physical clock shows `stop` or every spike sets off one other."""
        system = self.system

        def late(y: np.ndarray) -> float:
            return system.time(y) - stop

        def critical(y: np.ndarray) -> float:  # from below: there N is still a number
            return system.branching(y) - 1.0 + 0.5 * CRITICAL

        for gap, near in ((late, self.slack), (critical, 0.5 * CRITICAL)):
            if gap(step.new) > near:
                cut = self._ended(step, gap, near)
                if cut is None:
                    return None
                step = cut
        return step

    def _ended(self, step: Step, gap: Callable[[np.ndarray], float], near: float) -> Step | None:
        """The step cut short where `gap`, negative before, is zero: its dense output tells."""
        from scipy.optimize import brentq  # only where it is needed: loading it takes long

        def at_end(step: Step) -> float:
            return gap(step.new)

        def foreseen(step: Step) -> float:
            if not gap(step.new) > 0.0 > gap(step.old):
                return np.nan
            return step.dt * float(brentq(lambda theta: gap(step.at(theta)), 0.0, 1.0))

        return cut_short(self.problem.stepper, self.system, step, self.tau, self.tolerance, at_end, near, foreseen)

    def _shorter(self, dtau: float) -> float:
        """No longer than allowed, and such that a step does not meet what it fires itself."""
        return min(dtau, self.problem.max_step, 0.5 * self.system.latency or np.inf)


@dataclass(frozen=True)
class _Stretch:
    """The rows of t and m of one step in τ, as polynomials of the share θ of the step."""

    elapsed: tuple[float, ...]
    share: tuple[float, ...]

    @classmethod
    def of(cls, step: Step) -> _Stretch:
        rows = [[float(part[row, 0]) for part in (step.old, step.new, *step.bend)] for row in (-2, -1)]
        return cls(tuple(rows[0]), tuple(rows[1]))

    def when(self, elapsed: float) -> float:
        """The share of the step after which the physical clock has gone on by `elapsed`."""
        if elapsed >= self.elapsed[1]:
            return 1.0
        from scipy.optimize import brentq

        old, new, *bend = self.elapsed
        return float(brentq(lambda x: interpolate(x, old, new, bend) - elapsed, 0.0, 1.0)) if elapsed > 0.0 else 0.0

    def rate(self, elapsed: float) -> float:
        """N at that time."""
        old, new, *bend = self.share
        m = interpolate(self.when(elapsed), old, new, bend)
        return (1.0 - m) / m


class _Past:
    """What comes back after a fixed refractory time: N(t − τ_R), and whole firing events."""

    def __init__(self, before: RateHistory, system: Dilated) -> None:
        self._before, self._latency = before, system.latency
        self._ends: list[float] = [system.origin]
        self._steps: list[_Stretch] = []
        # At the start the rate may jump: a step ends where that comes back, with nobody in particular.
        self._returns = [(system.origin + self._latency, 0.0)] if self._latency else []

    @property
    def next_return(self) -> float:
        """When the next of those come back who fired at once."""
        return self._returns[0][0] if self._returns else np.inf

    @property
    def owes(self) -> bool:
        """Whether a whole event has still to come back."""
        return any(fraction > 0.0 for _, fraction in self._returns)

    def event(self, jump: Jump) -> None:
        """A fraction of the population has fired at once."""
        if self._latency:
            self._returns.append((jump.time + self._latency, jump.fraction))

    def take(self) -> float:
        """The fraction that comes back at `next_return`."""
        return self._returns.pop(0)[1]

    def accept(self, step: Step, t: float) -> None:
        """A step in τ that ends at t."""
        if self._latency:
            self._ends.append(t)
            self._steps.append(_Stretch.of(step))
            if len(self._ends) > FORGET and self._ends[FORGET // 2] < t - self._latency:
                del self._ends[: FORGET // 2], self._steps[: FORGET // 2]

    def __call__(self, t: float) -> float:
        """N(t − τ_R): of the step within which the physical clock showed that time.

        At the next return it is what it was just before: what comes then is of no concern to a step that ends there.
        """
        beyond = t >= self.next_return
        when = (self.next_return if beyond else t) - self._latency
        k = (bisect_left if beyond else bisect_right)(self._ends, when) - 1
        if k < 0:
            return float(self._before(min(when, self._before.t[-1])))
        k = min(k, len(self._steps) - 1)
        return self._steps[k].rate(when - self._ends[k])


class _Physical:
    """A step in τ, as one in t."""

    def __init__(self, system: Dilated, step: Step) -> None:
        self._system, self._step = system, step
        self.new: np.ndarray = system.unpack(step.new)
        self.dt = float(step.new[-2, 0])
        self._rows = _Stretch.of(step)

    def at(self, theta: float) -> np.ndarray:
        """(n, R, N) at the time t + θ dt."""
        return self._system.unpack(self._step.at(self._rows.when(theta * self.dt)))

    @cached_property
    def bend(self) -> tuple[np.ndarray, ...]:
        """The dense output of N in t, through its values at a quarter, a half and three quarters of the step."""
        rates = np.array([self.at(x)[-1, 0] for x in QUARTERS])
        line = (1.0 - QUARTERS) * self._system.unpack(self._step.old)[-1, 0] + QUARTERS * self.new[-1, 0]
        curve = (rates - line) / (QUARTERS * (1.0 - QUARTERS))
        return tuple(k.reshape(1, 1) for k in np.linalg.solve(np.vander(QUARTERS, increasing=True), curve))

    @property
    def fired(self) -> np.ndarray:
        """∫ N dt = ∫ (dτ − dt), exact."""
        return np.array([self._step.dt - self.dt])
