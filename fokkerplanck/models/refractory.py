"""Refractory laws: how long a neuron that has fired stays silent before it is reset.

A law is the distribution of that time. The mass R(t) of the silent neurons is fed by the firing rate N and emptied by
the reset rate S: R' = N − S, with ∫ n dv + R = 1. Absence is a law too, so that nothing else has to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ..outcomes import positive


class Refractory(Protocol):
    """`memoryless` if the pool is emptied at the rate 1/mean_duration (0: it stays empty).

    A law that is not releases every neuron after its mean duration: S(t) = N(t − mean_duration).
    """

    memoryless: ClassVar[bool]

    @property
    def mean_duration(self) -> float: ...

    def transform(self, lam: complex) -> complex:
        """∫ e^{−λs} of the distribution of the silence s."""
        ...


@dataclass(frozen=True)
class NoRefractory:
    """Neurons are reset at once: S = N, R = 0."""

    memoryless: ClassVar[bool] = True

    @property
    def mean_duration(self) -> float:
        return 0.0

    def transform(self, lam: complex) -> complex:
        return 1.0


@dataclass(frozen=True)
class ExponentialRefractory:
    """Exponentially distributed silence of mean τ: R' = N − R/τ, S = R/τ.

    Parameters
    ----------
    tau : float
        Mean refractory time, positive (in membrane time constants).

    Source: Cáceres, Perthame (2014), J. Theor. Biol. 350.

    >>> ExponentialRefractory(0.2).mean_duration
    0.2
    """

    tau: float

    memoryless: ClassVar[bool] = True

    def __post_init__(self) -> None:
        positive("tau", self.tau)

    @property
    def mean_duration(self) -> float:
        return self.tau

    def transform(self, lam: complex) -> complex:
        """1/(1 + λτ)."""
        return 1.0 / (1.0 + lam * self.tau)


@dataclass(frozen=True)
class FixedRefractory:
    """Every silence lasts exactly as long: S(t) = N(t − duration), R(t) = ∫_{t − duration}^t N ds.

    What fired before the start comes from the `history` of `fp.solve`, nothing unless it is given.

    Parameters
    ----------
    duration : float
        Refractory time, positive (in membrane time constants).

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183; Cáceres, Schneider (2018).

    >>> FixedRefractory(0.2).mean_duration
    0.2
    """

    duration: float

    memoryless: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("duration", self.duration)

    @property
    def mean_duration(self) -> float:
        return self.duration

    def transform(self, lam: complex) -> complex:
        """e^{−λ duration}."""
        return complex(np.exp(-lam * self.duration))
