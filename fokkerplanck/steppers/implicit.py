"""Backward Euler: first order, and faithful to the structure of the equation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..outcomes import positive
from .protocol import Step, System, Tolerance

NEWTON_ITERATIONS = 25


@dataclass(frozen=True)
class BackwardEuler:
    """Backward Euler with a fixed step.

        (n⁺ − n)/dt = T(N) n⁺ + r S⁺,      N⁺ = e(N)·n⁺

    By default the coefficients use the rate of the step before (N lagged, as in Hu, Liu, Xie, Zhou 2021) while firing
    and reset are implicit: one linear solve a step. Mass is conserved to rounding and, with a positive scheme, the
    density stays positive and (b = 0) every discrete relative entropy decays, whatever dt is. With
    `self_consistent=True` the coefficients use N⁺ too, by Newton's iteration.

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

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        # A datum that does not vanish at V_F has N(t) ~ t^(−1/2): the rate at the start is only the grid's cut-off of
        # an infinity, and lagging it would move the whole density. Start from the rate that one step sees.
        quiet = y.copy()
        quiet[-1] = 0.0
        y[-1] = np.minimum(y[-1], system.implicit_step(quiet, t + self.dt, self.dt)[-1])
        return self.dt

    def next_step(self, dt: float, error: float) -> float:
        return self.dt

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        new = system.implicit_step(y, t + dt, dt)
        if self.self_consistent and not self._correct(system, y, new, t + dt, dt):
            return None
        return Step(y, new, dt, error=0.0) if np.all(np.isfinite(new)) else None

    def _correct(self, system: System, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> bool:
        """Newton's iteration for M (new − old)/dt = F(new, t); False if it does not converge."""
        defect = np.empty(system.shape)
        for _ in range(NEWTON_ITERATIONS):
            system.residual(new, t, out=defect)
            defect[:-1] -= (new[:-1] - old[:-1]) / dt
            system.factor(new, t, 1.0 / dt)
            correction = system.solve(defect)
            new += correction
            if not np.all(np.isfinite(new)):
                return False
            if np.max(np.abs(correction)) <= 1e-13 * np.max(np.abs(new)):
                return True
        return False
