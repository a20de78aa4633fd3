"""Reset laws: where a neuron that has fired comes back."""

from __future__ import annotations

from dataclasses import dataclass

from ..outcomes import finite_number


@dataclass(frozen=True)
class FixedReset:
    """Every neuron comes back at the same potential: the source term is S(t) δ(v − V_R)."""

    V_R: float

    def __post_init__(self) -> None:
        finite_number("V_R", self.V_R)
