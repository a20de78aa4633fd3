"""Refractory laws: how long a neuron that has fired stays silent before it is reset.

A law is a pool R(t) of silent neurons, fed by the firing rate N and emptied by the reset rate S:
R' = N − S, with ∫ n dv + R = 1. Absence is a law too, so that nothing else has to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

from ..outcomes import positive


class Refractory(Protocol):
    """A memoryless law, which releases each silent neuron at the rate 1/mean_duration (0: the pool stays empty).

    `memoryless` tells it from laws that need more than the mass of the pool, such as a fixed duration.
    """

    memoryless: ClassVar[bool]

    @property
    def mean_duration(self) -> float: ...


@dataclass(frozen=True)
class NoRefractory:
    """Neurons are reset at once: S = N, R = 0."""

    memoryless: ClassVar[bool] = True

    @property
    def mean_duration(self) -> float:
        return 0.0


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
