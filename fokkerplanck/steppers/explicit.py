"""Explicit Runge–Kutta methods that preserve stability: for teaching, and for schemes that have no Jacobian."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..outcomes import number_in, positive
from .protocol import Step, System, Tolerance


@dataclass(frozen=True)
class SspRk3:
    """The strong-stability-preserving Runge–Kutta method of Shu and Osher, three stages, order 3.

        y¹ = y + dt F(y),   y² = ¾ y + ¼ (y¹ + dt F(y¹)),   y⁺ = ⅓ y + ⅔ (y² + dt F(y²))

    A convex combination of explicit Euler steps: whatever one of those keeps below a certain dt (mass always, the sign
    with a positive scheme), this keeps as well. That dt shrinks like h²/2a; so does this method's.

    Parameters
    ----------
    dt : float, optional
        Step. By default `share` of the longest one for which explicit Euler is positive, at every step.
    share : float
        At most 1.

    Order 3 in dt, dense output of order 2. Source: Shu, Osher, J. Comput. Phys. 77 (1988) 439.

    >>> SspRk3(dt=1e-4).order
    3
    """

    dt: float | None = None
    share: float = 0.9

    order: ClassVar[int] = 3
    adaptive: ClassVar[bool] = False
    implicit: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.dt is not None:
            positive("dt", self.dt)
        number_in("share", positive("share", self.share), lambda x: x <= 1.0, "at most 1")

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        return system.close(y, t)

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return self.next_step(system, y, t, 0.0, 0.0)

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        return self.share * system.explicit_limit(y, t) if self.dt is None else self.dt

    def coarsened(self) -> SspRk3:
        return SspRk3(None if self.dt is None else 2.0 * self.dt, self.share)

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        stages, stage, slope = [y], y, np.empty(system.shape)
        for kept, at, end in ((0.0, 0.0, 1.0), (0.75, 1.0, 0.5), (1.0 / 3.0, 0.5, 1.0)):
            system.residual(stage, t + at * dt, out=slope)
            stage = kept * y + (1.0 - kept) * (stage + dt * slope)
            stage[-1] = y[-1]
            if not np.all(np.isfinite(stage)) or not system.close(stage, t + end * dt):
                return None
            stages.append(stage)
        # The second stage lies at half the step, to second order: a parabola for the dense output.
        bend = 4.0 * stages[2] - 2.0 * (y + stage)
        return Step(y, stage, dt, 0.0, (bend,))
