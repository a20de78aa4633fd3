"""Noise laws: the diffusion coefficient a as a function of the firing rate N."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..outcomes import non_negative, positive


@dataclass(frozen=True)
class ActivityNoise:
    """a(N) = a0 + a1 N: constant background noise plus the shot noise of the network's own spikes.

    Parameters
    ----------
    a0 : float
        Background diffusion, positive (dimensionless: σ²/2 in units of the membrane time constant).
    a1 : float
        Diffusion per unit of firing rate, zero or positive.

    Source: Cáceres, Carrillo, Perthame (2011), eq. (1.2).

    >>> ActivityNoise(1.0, 0.5).diffusion(2.0)
    2.0
    """

    a0: float
    a1: float = 0.0

    def __post_init__(self) -> None:
        positive("a0", self.a0)
        non_negative("a1", self.a1)

    def diffusion(self, rate: np.ndarray) -> np.ndarray:
        """a(N), same shape as `rate`."""
        return self.a0 + self.a1 * rate

    @property
    def gain(self) -> float:
        """∂a/∂N."""
        return self.a1
