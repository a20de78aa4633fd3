"""Backward Euler: first order, and faithful to the structure of the equation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..outcomes import positive
from .protocol import Step, System, Tolerance

ITERATIONS = 100
LARGEST_RATE = 1e12
"""Without a solution of N⁺ = e(N⁺)·n⁺(N⁺) below this the step fails."""


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

    def __post_init__(self) -> None:
        positive("dt", self.dt)

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        """Set the rate to be lagged; a state that has one already keeps it, so that a run can go on where it ended."""
        if not fresh:
            return True
        closed = system.close(y, t)
        # A datum that does not vanish at V_F has N(t) ~ t^(−1/2): the rate at the start is only the grid's cut-off of
        # an infinity, and lagging it would move the whole density. Start from the rate that one step sees.
        quiet = y.copy()
        quiet[-1] = 0.0
        seen = system.implicit_step(quiet, t + self.dt, self.dt)[-1]
        y[-1] = np.minimum(y[-1], seen) if closed else seen
        return closed

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return self.dt

    def next_step(self, dt: float, error: float) -> float:
        return self.dt

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        new = system.implicit_step(y, t + dt, dt)
        if self.self_consistent:
            rate = _self_consistent_rate(lambda n: self._with_rate(system, y, t, dt, n), guess=new[-1])
            if rate is None:
                return None
            new = self._with_rate(system, y, t, dt, rate)
        return Step(y, new, dt, error=0.0) if np.all(np.isfinite(new)) else None

    @staticmethod
    def _with_rate(system: System, y: np.ndarray, t: float, dt: float, rate: np.ndarray) -> np.ndarray:
        """The step whose coefficients use the given rate."""
        trial = y.copy()
        trial[-1] = rate
        return system.implicit_step(trial, t + dt, dt)


def _self_consistent_rate(advance: Callable[[np.ndarray], np.ndarray], guess: np.ndarray) -> np.ndarray | None:
    """The N ≥ 0 with N = e(N)·n⁺(N), of each lane, by regula falsi (Illinois); None if a lane has none.

    A bracket rather than Newton's iteration: with a1 > 0 that one can land on a root with N < 0, which means nothing.
    """

    def excess(rate: np.ndarray) -> np.ndarray:
        return advance(rate)[-1] - rate

    low, high = np.zeros_like(guess), 2.0 * guess + 1e-300
    above, below = excess(low), excess(high)
    while np.any(below > 0.0):
        if np.any(high > LARGEST_RATE):
            return None
        low, above = np.where(below > 0.0, high, low), np.where(below > 0.0, below, above)
        high = np.where(below > 0.0, 2.0 * high + 1e-12, high)
        below = excess(high)
    for _ in range(ITERATIONS):
        rate = high - below * (high - low) / np.where(below == above, 1.0, below - above)
        value = excess(rate)
        if np.all(np.abs(value) <= 1e-14 * rate + 1e-300) or np.all(high - low <= 4e-16 * high):
            return rate
        left = value > 0.0
        # Illinois: halve the value at an end that stays, or the bracket shrinks from one side only.
        low, above, below = (
            np.where(left, rate, low),
            np.where(left, value, 0.5 * above),
            np.where(left, 0.5 * below, value),
        )
        high = np.where(left, high, rate)
    return rate
