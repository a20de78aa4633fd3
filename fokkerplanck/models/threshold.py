"""Threshold laws: where and how a neuron fires.

A law is a hazard k(v), the rate at which a neuron at the potential v fires, and whether V_F is in addition an
absorbing boundary. Without one the potential may exceed V_F, and N(t) = ∫ k n dv.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Protocol

import numpy as np

from ..outcomes import InvalidArgument, finite_number, positive, real_array


class Threshold(Protocol):
    """`absorbing` if neurons leave by the flux through V_F, where the density vanishes."""

    absorbing: ClassVar[bool]

    @property
    def V_F(self) -> float | None: ...

    def hazard(self, v: np.ndarray) -> np.ndarray: ...

    def placed(self, V_F: float) -> Threshold:
        """The same law with its threshold at V_F."""
        ...


@dataclass(frozen=True)
class HardThreshold:
    """Absorbing boundary: a neuron fires when it reaches V_F, so n(V_F, t) = 0 and N(t) = −a ∂v n(V_F, t)."""

    V_F: float

    absorbing: ClassVar[bool] = True

    def __post_init__(self) -> None:
        finite_number("V_F", self.V_F)

    def hazard(self, v: np.ndarray) -> np.ndarray:
        """Zero: below V_F nothing fires, above it nothing is."""
        return np.zeros(np.shape(v))

    def placed(self, V_F: float) -> HardThreshold:
        return _placed(self, V_F)


@dataclass(frozen=True)
class RandomThreshold:
    """Above V_F a neuron fires at the rate 1/ε: N(t) = (1/ε) ∫_{v > V_F} n dv ≤ 1/ε, for every connectivity.

    Parameters
    ----------
    epsilon : float
        Mean time to fire above V_F, positive (membrane time constants). ε → 0 is the hard threshold, to O(√ε).
    V_F : float, optional
        Threshold potential; `fp.nnlif` puts its own.

    Source: Cáceres, Perthame (2014), J. Theor. Biol. 350; N = + ∫, the minus sign in some transcriptions is a slip.

    >>> RandomThreshold(0.02, V_F=2.0).hazard(np.array([1.9, 2.1])).tolist()
    [0.0, 50.0]
    """

    epsilon: float
    V_F: float | None = None

    absorbing: ClassVar[bool] = False

    def __post_init__(self) -> None:
        positive("epsilon", self.epsilon)
        if self.V_F is not None:
            finite_number("V_F", self.V_F)

    def hazard(self, v: np.ndarray) -> np.ndarray:
        """k(v) = 1/ε for v > V_F, else 0."""
        return np.where(np.asarray(v) > self.V_F, 1.0 / self.epsilon, 0.0)

    def placed(self, V_F: float) -> RandomThreshold:
        return _placed(self, V_F)


@dataclass(frozen=True)
class SoftThreshold:
    """Escape noise: a neuron at v fires at the rate k(v), N(t) = ∫ k n dv.

    Parameters
    ----------
    rate : callable
        k(v) ≥ 0 for an array of potentials (1/membrane time constant), of the same shape.
    V_F : float, optional
        Potential around which k rises; grids are finest there. `fp.nnlif` puts its own. A jump of k belongs there.

    Source: Gerstner, Kistler, Spiking Neuron Models (2002), section 5.3.

    >>> SoftThreshold(lambda v: np.exp(4.0 * (v - 2.0)), V_F=2.0).hazard(np.array([2.0])).tolist()
    [1.0]
    """

    rate: Callable[[np.ndarray], np.ndarray]
    V_F: float | None = None

    absorbing: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not callable(self.rate):
            raise InvalidArgument(f"`rate` must be a function of the potential, not {self.rate!r}.")
        if self.V_F is not None:
            finite_number("V_F", self.V_F)

    def hazard(self, v: np.ndarray) -> np.ndarray:
        """k(v); refuses a function that does not return finite numbers ≥ 0 of the shape of v."""
        v = np.asarray(v, dtype=float)
        with np.errstate(all="ignore"):  # what becomes of it is refused
            values = real_array("rate", self.rate(v))
        if values.shape != v.shape:
            raise InvalidArgument(
                f"`rate` must map an array of potentials to an array of the same shape; {v.shape} gave {values.shape}."
            )
        if not np.all(np.isfinite(values)) or np.any(values < 0.0):
            where = float(v.ravel()[np.argmin(np.where(np.isfinite(values), values, -np.inf))])
            raise InvalidArgument(f"`rate` must be finite and not negative, but it is not at v = {where:.4g}.")
        return values

    def placed(self, V_F: float) -> SoftThreshold:
        return _placed(self, V_F)


def _placed(law, V_F):  # type: ignore[no-untyped-def]
    if law.V_F is not None and law.V_F != V_F:
        raise InvalidArgument(f"`threshold` lies at {law.V_F:g}, but `V_F` = {V_F:g}; give V_F once.")
    return replace(law, V_F=V_F)
