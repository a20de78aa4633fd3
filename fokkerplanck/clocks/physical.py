"""The time of the equation."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..diagnostics.blowup import FIRST_LEVEL, BlowUpDetector
from ..diagnostics.recorder import Recorder
from ..inputs import Condition
from ..models.model import Model
from ..outcomes import BlowUp, Status
from ..problem import Ending, Problem
from ..steppers.protocol import advance

LARGEST_LAYER = 5.0
"""Cell at V_F over the boundary layer there, above which an excitatory rate that grows without blow-up is lost."""
SHORTEST = 1e-14
"""Step, over t, that is little more than rounding: nothing can be learnt from shorter ones."""
LARGEST_SURGE = 0.01
"""Displacement by the rise of N within one fixed step, over V_F − V_R, above which it does not resolve the activity.
A fixed step runs through a blow-up and out on the other side with a finite pulse of N ≈ 0.1/dt: an artefact."""
STEPS_PER_DOUBLING = 5
"""Fixed steps that a doubling of N must take to count as resolved."""


@dataclass(frozen=True)
class PhysicalTime:
    """The time t of the equation: a run ends where the firing rate blows up, and reports it."""

    def suits(self, model: Model) -> bool:
        """Any model has a time."""
        return True

    def check(self, model: Model, scheme: object, stepper: object) -> None:
        """Whatever is solved has a time."""

    def integrate(
        self, problem: Problem, recorder: Recorder, conditions: tuple[Condition, ...], show: Callable[[float], None]
    ) -> Ending:
        """The time loop."""
        system, stepper, tolerance, (t, end) = recorder.system, problem.stepper, problem.tolerance, problem.t_span
        detector = BlowUpDetector(narrow=tolerance.rtol * (end - t), possible=problem.model.may_blow_up)
        y = system.pack(problem.state.density, problem.state.refractory, 0.0 if problem.fresh else problem.state.rate)
        if not stepper.begin(system, y, t, problem.fresh):
            y[-1] = np.nan
            recorder.begin(y, t)
            at_once = system.reproduction(problem.trace)
            if at_once >= 1.0:
                seen = f"b n(V_F) = {at_once:.3g} at the start: from 1 on no rate is large enough for N = −a ∂v n(V_F)"
                return Ending(y, t, Status.BLOW_UP, blow_up=BlowUp(t, (t, t), math.inf, seen, ()))
            return Ending(y, t, Status.UNRESOLVED, system.unsolvable(problem.state))
        system.begin(y, t)
        recorder.begin(y, t)
        detector.observe(t, system.loudest(y))
        # Not so short that a rejected step could only shrink into the rounding of t.
        dt = max(stepper.first_step(system, y, t, tolerance), 1e3 * float(np.spacing(t)))
        step = None
        try:
            while t < end:
                stop = min(end, system.next_break(t)) if stepper.adaptive else end
                dt = min(dt, problem.max_step)
                # The last step is stretched rather than followed by a sliver of rounding error.
                dt = stop - t if stop - t < 1.000001 * dt else dt
                if too_short(dt, t, stop - t):
                    return stuck(detector, y, t, step is None, system.lost)
                step = advance(stepper, system, y, t, dt, tolerance)
                if step is None or step.error > 1.0:
                    recorder.rejected += 1
                    if not stepper.adaptive:
                        return stuck(detector, y, t, step is None, system.lost)
                    dt = 0.25 * dt if step is None else stepper.next_step(system, y, t, dt, step.error)
                    continue
                new_t = stop if dt == stop - t else t + dt
                recorder.accept(step, new_t)
                if system.accept(step.new, new_t, dt, step.bend):
                    recorder.jump(step.new, new_t)
                y, t = step.new, new_t
                show(t)
                rate = system.loudest(y)
                surge = 0.0 if stepper.adaptive else float(system.surge(step.old, y, t, dt).max()) / LARGEST_SURGE
                layer = float(system.layer(y, t).max()) if rate > FIRST_LEVEL else 0.0
                ending = judged(detector, y, t, rate, max(surge, layer), layer if system.presses else 0.0)
                if ending is not None:
                    return ending
                if surge > 1.0:
                    blow_up = detector.last_word(t, STEPS_PER_DOUBLING * dt)
                    if blow_up is not None:
                        return _blown_up(y, t, blow_up)
                    why = (
                        f" (N rose to {rate:.3g} within a step dt = {dt:.3g}; use a smaller dt, or the default stepper)"
                    )
                    return Ending(y, t, Status.UNRESOLVED, why)
                for condition in conditions:
                    if condition(system.unpack(y, t)):
                        return Ending(y, t, Status.STOPPED, f" ({getattr(condition, '__name__', condition)})")
                dt = stepper.next_step(system, y, t, dt, step.error)
        except KeyboardInterrupt:
            return Ending(y, t, Status.INTERRUPTED)
        return Ending(y, t, Status.FINISHED)


def judged(
    detector: BlowUpDetector, y: np.ndarray, t: float, rate: float, strain: float, layer: float
) -> Ending | None:
    """What the rate N(t) says of a run that has come to y: that it ends here, or nothing.

    `layer` is the cell at V_F over the boundary layer there, where the rates can press the density into one.
    """
    blow_up = detector.observe(t, rate, strain)
    if blow_up is not None:
        return _blown_up(y, t, blow_up)
    if layer > LARGEST_LAYER and not detector.possible:
        why = f" (N = {rate:.3g} presses the density into less than a cell at V_F; use a smaller `finest`)"
        return Ending(y, t, Status.UNRESOLVED, why)
    return None


def too_short(dt: float | np.ndarray, t: float | np.ndarray, left: float | np.ndarray) -> Any:
    """Whether a step is little more than rounding, though more than that is `left` to the end."""
    return (dt < np.maximum(SHORTEST * np.abs(t), 1e-280)) & (dt < left)


def _blown_up(y: np.ndarray, t: float, blow_up: BlowUp) -> Ending:
    return Ending(y, t, Status.BLOW_UP, blow_up=replace(blow_up, lane=int(np.argmax(y[-1]))))


def stuck(detector: BlowUpDetector, y: np.ndarray, t: float, failed: bool, lost: str) -> Ending:
    """No step, however short, could be taken from t: the last one `failed`, or its error was too large.

    If the closure N = e(N)·n lost its solution, the density next to V_F has reached 1/b (or a1 |∂v n| has reached 1):
    the discrete form of N = ∞, but also what a grid too coarse for the datum shows; only acceleration tells.
    """
    if not detector.accelerating(2) or t > detector.latest:
        if not failed:
            return Ending(y, t, Status.STALLED)
        return Ending(y, t, Status.UNRESOLVED, lost)
    seen = "no finite rate satisfies N = e(N) n any more" if failed else "the step fell to the rounding of t"
    return _blown_up(y, t, detector.record(t, seen))
