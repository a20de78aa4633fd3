"""Threshold laws: where and how a neuron fires."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..outcomes import finite_number


@dataclass(frozen=True)
class HardThreshold:
    """Absorbing boundary: a neuron fires when its potential reaches V_F, so n(V_F, t) = 0 and N = −a ∂v n(V_F, t)."""

    V_F: float

    absorbing: ClassVar[bool] = True
    """Neurons leave by the flux through V_F, where the density vanishes."""

    def __post_init__(self) -> None:
        finite_number("V_F", self.V_F)
