"""Backward Euler: first order, and faithful to the structure of the equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..outcomes import positive
from .protocol import Step, System, Tolerance

ITERATIONS = 100
DOUBLINGS = 60
"""Doublings or halvings of the old rate among which a solution of N⁺ = e(N⁺)·n⁺(N⁺) is looked for."""


@dataclass(frozen=True)
class BackwardEuler:
    """Backward Euler with a fixed step.

        (n⁺ − n)/dt = T(N) n⁺ + r S⁺,      N⁺ = e(N)·n⁺

    By default the coefficients use the rate of the step before (N lagged, as in Hu, Liu, Xie, Zhou 2021) while firing
    and reset are implicit: one linear solve a step. With `self_consistent=True` the coefficients use N⁺ as well: the
    scalar equation N = e(N)·n⁺(N), whose every evaluation is one such solve. Either way mass is conserved to rounding
    and, with a positive scheme, the density stays positive whatever dt is; with b = 0 every discrete relative entropy
    decays.

    Parameters
    ----------
    dt : float
        Step, positive (membrane time constants).
    self_consistent : bool
        Solve for N⁺ in the coefficients as well.

    Order 1 in dt. Reference: Hairer, Wanner, Solving ODEs II, IV.3.

    >>> BackwardEuler(dt=0.01).order
    1
    """

    dt: float
    self_consistent: bool = False

    order: ClassVar[int] = 1
    adaptive: ClassVar[bool] = False
    implicit: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("dt", self.dt)

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        """Set the rate to be lagged; a state that has one already keeps it, so that a run can go on where it ended."""
        if not fresh:
            return True
        closed = system.close(y, t)
        # A datum that does not vanish at V_F has N(t) ~ t^(−1/2): the rate at the start is only the grid's cut-off of
        # an infinity, and lagging it would move the whole density. Start from the rate of the first step itself.
        start = y[-1] if closed else np.zeros_like(y[-1])
        lagged = self._with_rate(system, y, t, self.dt, start)[-1]
        first = self._own_rate(system, y, t, self.dt, start, lagged)
        y[-1] = start if first is None else np.minimum(start, first) if closed else first
        return closed

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return self.dt

    def coarsened(self) -> BackwardEuler:
        return BackwardEuler(2.0 * self.dt, self.self_consistent)

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        return self.dt

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        new = system.implicit_step(y, t + dt, dt)
        if self.self_consistent:
            rate = self._own_rate(system, y, t, dt, y[-1], new[-1])
            if rate is None:
                return None
            new = self._with_rate(system, y, t, dt, rate)
        return Step(y, new, dt, error=0.0) if np.all(np.isfinite(new)) else None

    @classmethod
    def _own_rate(
        cls, system: System, y: np.ndarray, t: float, dt: float, old: np.ndarray, lagged: np.ndarray
    ) -> np.ndarray | None:
        """The rates that the step itself fires, N⁺ = e(N⁺)·n⁺(N⁺); None if none are found."""
        if len(old) == 1:
            return _self_consistent_rate(lambda n: cls._with_rate(system, y, t, dt, n), old, lagged)
        rate = lagged
        for _ in range(ITERATIONS):
            new = cls._with_rate(system, y, t, dt, rate)
            if not np.all(np.isfinite(new)):
                return None
            excess = new[-1] - rate
            if np.all(np.abs(excess) <= 1e-14 * np.max(np.abs(rate)) + 1e-300):
                return rate
            # Newton: a change of the rates changes the coefficients of the step, and so what it fires.
            rate = rate + system.rate_correction(new, t + dt, dt, excess)
        return None

    @staticmethod
    def _with_rate(system: System, y: np.ndarray, t: float, dt: float, rate: np.ndarray) -> np.ndarray:
        """The step whose coefficients use the given rate."""
        trial = y.copy()
        trial[-1] = rate
        return system.implicit_step(trial, t + dt, dt)


def _self_consistent_rate(
    advance: Callable[[np.ndarray], np.ndarray], old: np.ndarray, lagged: np.ndarray
) -> np.ndarray | None:
    """The N ≥ 0 with N = e(N)·n⁺(N), of each lane, by regula falsi (Illinois); None if none is found.

    `old` is the rate of the step before and `lagged` what a step with it fires: the search starts there, so that of
    several solutions the one is found that the old rate leads to. A bracket rather than Newton's iteration, which with
    a1 > 0 can land on N < 0.
    """

    def excess(rate: np.ndarray) -> np.ndarray:
        return advance(rate)[-1] - rate

    low, high = np.zeros_like(old), np.maximum(old, 1e-12)
    above, below = excess(low), lagged - old
    if np.any(below > 0.0):
        # Is a solution ahead, or has the old rate passed one? The excess is convex in N for b > 0: its slope tells.
        ahead = excess(high * 1.0001) < below
        for _ in range(DOUBLINGS):
            search = below > 0.0
            low, above = np.where(search & ahead, high, low), np.where(search & ahead, below, above)
            high = np.where(search, np.where(ahead, 2.0, 0.5) * high, high)
            below = np.where(search, excess(high), below)
            if not np.any(below > 0.0):
                break
        else:
            return None
    side = np.zeros_like(old)  # the end that moved last: +1 low, −1 high
    for _ in range(ITERATIONS):
        rate = high - below * (high - low) / np.where(below == above, 1.0, below - above)
        value = excess(rate)
        if np.all(np.abs(value) <= 1e-14 * rate + 1e-300) or np.all(high - low <= 4e-16 * high):
            return rate
        left = value > 0.0
        # Illinois: halve the value at an end that stays a second time, or the bracket shrinks from one side only.
        above = np.where(left, value, np.where(side < 0, 0.5 * above, above))
        below = np.where(left, np.where(side > 0, 0.5 * below, below), value)
        low, high, side = np.where(left, rate, low), np.where(left, high, rate), np.where(left, 1.0, -1.0)
    return None
