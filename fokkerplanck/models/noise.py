"""Noise laws: the diffusion coefficient a as a function of the activity A."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..outcomes import non_negative


@dataclass(frozen=True)
class ActivityNoise:
    """a(A) = a0 + a1 A: constant background noise plus the shot noise of the network's own spikes.

    A is the activity that arrives, N(t − d); without transmission delay the firing rate N itself. a0 = a1 = 0 is the
    deterministic neuron.

    Parameters
    ----------
    a0 : float
        Background diffusion, zero or positive (dimensionless: σ²/2 in units of the membrane time constant).
    a1 : float
        Diffusion per unit of firing rate, zero or positive.

    Source: Cáceres, Carrillo, Perthame (2011), eq. (1.2).

    >>> ActivityNoise(1.0, 0.5).diffusion(2.0)
    2.0
    """

    a0: float
    a1: float = 0.0

    def __post_init__(self) -> None:
        non_negative("a0", self.a0)
        non_negative("a1", self.a1)

    def diffusion(self, activity: np.ndarray) -> np.ndarray:
        """a(A), same shape as `activity`."""
        return self.a0 + self.a1 * activity

    @property
    def gain(self) -> float:
        """∂a/∂A."""
        return self.a1
