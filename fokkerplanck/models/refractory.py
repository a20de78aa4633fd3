"""Refractory laws: how long a neuron that has fired stays silent before it is reset.

A law is a pool R(t) of silent neurons, fed by the firing rate N and emptied by the reset rate S:
R' = N − S, with ∫ n dv + R = 1. Absence is a law too, so that nothing else has to ask.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ..outcomes import positive


class Refractory(Protocol):
    """A memoryless refractory law is told by the mean time spent in the pool (0: the pool stays empty)."""

    @property
    def mean_duration(self) -> float: ...


@dataclass(frozen=True)
class NoRefractory:
    """Neurons are reset at once: S = N, R = 0."""

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

    def __post_init__(self) -> None:
        positive("tau", self.tau)

    @property
    def mean_duration(self) -> float:
        return self.tau
