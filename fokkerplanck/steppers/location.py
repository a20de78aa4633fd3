"""Ending a step where something happens."""

from __future__ import annotations

from collections.abc import Callable

from .protocol import Step, Stepper, System, Tolerance, advance

TRIES = 60
"""Steps that are made at most to end one at a given event."""


def cut_short(
    stepper: Stepper,
    system: System,
    step: Step,
    t: float,
    tolerance: Tolerance,
    gap: Callable[[Step], float],
    near: float,
    foreseen: Callable[[Step], float],
) -> Step | None:
    """A step from t, shorter than `step`, at whose end `gap` is at most `near` in size.

    `gap` is positive for `step` and negative for a step of no length; `foreseen` guesses the length at which it is
    zero from a step that was made. Where the error control refuses what is needed, the longest step that it accepts
    and that does not go too far; None if there is none.
    """
    low, high, best = 0.0, step.dt, None
    for _ in range(TRIES):
        length = foreseen(step)
        length = length if low < length < high else 0.5 * (low + high)
        trial = advance(stepper, system, step.old, t, length, tolerance)
        if trial is None or trial.error > 1.0:
            return best
        step, excess = trial, gap(trial)
        if abs(excess) <= near or high - low <= 1e-15 * high:
            return trial
        if excess > 0.0:
            high = length
        else:
            low, best = length, trial
    return best
