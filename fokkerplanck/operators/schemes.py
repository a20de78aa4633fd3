"""Two-point flux schemes, each one formula.

At a face with drift μ between two centres at distance d, with diffusion a, conductance κ = a/d and cell Péclet
number Pe = μ/κ, the flux is

    F = W(−μ, κ) n_left − W(μ, κ) n_right,      W(μ, κ) = κ B(μ/κ).

Consistency is B(−x) = B(x) + x, so that W(−μ, κ) = W(μ, κ) + μ (the harmonic mean has it only up to x³); positivity is
B ≥ 0. A diffusion that vanishes is the limit κ → 0, W = max(−μ, 0) (the harmonic mean: 0): upwind, with nothing divided
by zero.

The two slopes ∂W/∂μ = B'(x) and ∂W/∂κ = B(x) − x B'(x) give the exact Jacobian.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, overload

import numpy as np

from ..elements import Elements
from ..models.voltage import VoltageModel
from ..outcomes import InvalidArgument

if TYPE_CHECKING:
    from ..grid import Cells
    from ..models.model import Model
    from ..state import InitialDensity
    from .evolution import Evolution
    from .finite_volumes import FiniteVolumes

SIXTH = 1.0 / 6.0
VANISHING = 690.0
"""Pe from which B, below 1e-297, is nothing."""
STEEPEST = 700.0
"""Largest |Pe| that is told apart from infinity: exp(700) is still a number, and beyond it B is 0 or −Pe anyway."""

SLOWEST = 1e-200
"""Drift that is told from none: over any conductance it is still a number, not zero."""

CALM = (400, 5e-3)
RESTLESS = (600, 1e-4)
"""Default cells, and width of the finest as a share of V_F − V_R: where the rate stays bounded the errors of the bulk
and of the firing flux balance; where it may blow up, the boundary layer is resolved up to N of about 1e4/b."""


class Scheme(Protocol):
    """How the potential is made discrete; `explicit` if it has no Jacobian and needs an explicit stepper."""

    explicit: ClassVar[bool]

    @property
    def gain(self) -> float:
        """By what factor the error shrinks when the resolution is doubled."""
        ...

    def default_grid(
        self, model: Any, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0
    ) -> Cells | Elements:
        """A grid for model and datum, that goes `reach` times as far from where things happen as it should have to."""
        ...

    def discretize(self, model: Any, grid: Any) -> Evolution: ...


def lower_end(model: VoltageModel, datum: InitialDensity, t_span: tuple[float, float], reach: float) -> float:
    """Where a default grid begins: `reach` times as far below V_R as model and datum ask for."""
    return model.V_R - reach * (model.V_R - min(model.lowest_potential(t_span), datum.lowest))


@dataclass(frozen=True)
class FluxScheme(ABC):
    """Base of the two-point schemes: what they claim, and how they meet a model.

    `order` is the order in the cell width, `positive` the largest |Pe| for which B ≥ 0, `bound` the largest B, and
    `reference` the source. A bounded B cannot follow every drift: it is consistent up to x³ only, and W → 0 as κ → 0.
    """

    order: ClassVar[int]
    explicit: ClassVar[bool] = False
    positive: ClassVar[float] = np.inf
    bound: ClassVar[float] = np.inf
    reference: ClassVar[str]

    @abstractmethod
    def weight(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        """W(μ, κ) = κ B(μ/κ), the factor of the density on the right of the face."""

    @abstractmethod
    def slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        """∂W/∂μ = B'(x), x = μ/κ."""

    def conductance_slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        """∂W/∂κ = B(x) − x B'(x); 1 where B is the diffusion plus a function of the drift alone."""
        return np.ones(np.broadcast_shapes(np.shape(mu), np.shape(kappa)))

    def opposite(self, weight: np.ndarray, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        """W(−μ, κ) from W(μ, κ): the factor of the density on the left of the face. Linear, so it holds for slopes."""
        return weight + mu

    def pair(self, mu: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(W(−μ, κ), W(μ, κ)): the smaller of them first, from which adding |μ| to it loses nothing."""
        small = self.weight(np.abs(mu), kappa)
        return small + np.maximum(mu, 0.0), small + np.maximum(-mu, 0.0)

    def face_drift(self, drift: Callable[[np.ndarray], np.ndarray], left: np.ndarray, right: np.ndarray) -> np.ndarray:
        """The drift that represents the interval between two neighbouring unknowns: its middle."""
        return drift(0.5 * (left + right))

    @property
    def gain(self) -> float:
        return float(2**self.order)

    def default_grid(
        self, model: Model, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0
    ) -> Cells:
        """Graded towards V_F, wide enough for the model and the datum; what has no V_F has a grid of its own."""
        if not isinstance(model, VoltageModel):
            return model.default_grid(datum, t_span, reach)
        cells, share = RESTLESS if model.restless else CALM
        v_min = lower_end(model, datum, t_span, reach)
        finest = share * (model.V_F - model.V_R)
        narrow = finest > 0.5 * (model.V_F - v_min) / cells  # equal cells are as fine
        return model.grid(cells, v_min, None if narrow else finest, t_span)

    @overload
    def discretize(self, model: VoltageModel, grid: Cells | Elements) -> FiniteVolumes: ...

    @overload
    def discretize(self, model: Model, grid: Cells | Elements) -> Evolution: ...

    def discretize(self, model: Model, grid: Cells | Elements) -> Evolution:
        """The system of ordinary differential equations that this scheme makes of `model` on `grid`."""
        from .choice import volumes  # which knows all schemes

        if isinstance(grid, Elements):
            raise InvalidArgument(
                f"{self!r} needs cells, not elements: use scheme=fp.Spectral(), or model.grid(cells=...)."
            )
        return volumes(model, grid, self)


@dataclass(frozen=True)
class Upwind(FluxScheme):
    """B(x) = 1 + max(−x, 0). First order; positive for every Péclet number."""

    order = 1
    reference = "Courant, Isaacson, Rees (1952)"

    def weight(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return kappa + np.maximum(-mu, 0.0)

    def slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return np.where(mu < 0.0, -1.0, 0.0)


@dataclass(frozen=True)
class Central(FluxScheme):
    """B(x) = 1 − x/2. Second order; positive only while |Pe| ≤ 2, beyond it the density can oscillate below zero."""

    order = 2
    positive = 2.0
    reference = "central differences; Patankar (1980), ch. 5"

    def weight(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return kappa - 0.5 * mu

    def slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return np.full(np.broadcast_shapes(np.shape(mu), np.shape(kappa)), -0.5)


@dataclass(frozen=True)
class ScharfetterGummel(FluxScheme):
    """B(x) = x/(eˣ − 1), the flux of the exact solution between two centres. Second order; positive always."""

    order = 2
    reference = "Scharfetter, Gummel, IEEE Trans. Electron Devices 16 (1969) 64"

    def weight(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        mu = _told_from_zero(mu)
        x = _peclet(mu, kappa)
        return np.where(x < VANISHING, mu / np.expm1(x), 0.0)

    def slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        x = _peclet(_told_from_zero(mu), kappa)
        small = np.abs(x) < 1e-3  # the closed form cancels there: B' = −1/2 + x/6 − x³/180 + …
        y = np.where(small, 1.0, x)
        bernoulli = y / np.expm1(y)
        return np.where(small, -0.5 + SIXTH * x, bernoulli * (1.0 - y - bernoulli) / y)

    def conductance_slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        """B(x) − x B'(x) = B(x) B(−x) = (x/2)²/sinh²(x/2)."""
        half = 0.5 * _peclet(_told_from_zero(mu), kappa)
        return (half / np.sinh(half)) ** 2


def _told_from_zero(mu: np.ndarray) -> np.ndarray:
    """μ, or a stand-in where μ/κ would be zero; expm1(x) = x to rounding long before."""
    return np.where(np.abs(mu) < SLOWEST, SLOWEST, mu)


def _peclet(mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
    """μ/κ within ±STEEPEST, which spares the division by a vanishing κ."""
    return mu / np.maximum(np.maximum(kappa, np.abs(mu) / STEEPEST), 1e-300)


@dataclass(frozen=True)
class ChangCooper(ScharfetterGummel):
    """The Scharfetter–Gummel weights with the drift averaged between the two centres (Simpson).

    Chang and Cooper choose δ = 1/Pe − 1/(e^Pe − 1) so that the flux vanishes on the equilibrium exp(∫ μ/a dv);
    that is the weight B with Pe the integral of μ/a over the interval. The same as `ScharfetterGummel` when the
    drift is linear. Second order; positive always.
    """

    reference = "Chang, Cooper, J. Comput. Phys. 6 (1970) 1"

    def face_drift(self, drift: Callable[[np.ndarray], np.ndarray], left: np.ndarray, right: np.ndarray) -> np.ndarray:
        return SIXTH * (drift(left) + 4.0 * drift(0.5 * (left + right)) + drift(right))


@dataclass(frozen=True)
class HarmonicMean(FluxScheme):
    """B(x) = 2/(1 + eˣ): the flux −a M ∂v(n/M), M = exp(−(v − c)²/2a), with the harmonic mean of M at the face.

    Second order; positive always. But B ≤ 2: what moves through a face is at most 2κ n, the speed at most 2a/h,
    whatever the drift is. On a fixed grid N cannot exceed about 2.6/h: a blow-up ends in a plateau, so use another
    scheme there.
    """

    order = 2
    bound = 2.0
    reference = "Hu, Liu, Xie, Zhou, J. Comput. Phys. 445 (2021), arXiv:1911.07619"

    def weight(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return 2.0 * kappa / (1.0 + np.exp(_peclet(mu, kappa)))

    def slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return -0.5 / np.cosh(0.5 * _peclet(mu, kappa)) ** 2

    def conductance_slope(self, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        x = _peclet(mu, kappa)
        return 2.0 / (1.0 + np.exp(x)) + 0.5 * x / np.cosh(0.5 * x) ** 2

    def opposite(self, weight: np.ndarray, mu: np.ndarray, kappa: np.ndarray) -> np.ndarray:
        return 2.0 * kappa - weight

    def pair(self, mu: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        small = self.weight(np.abs(mu), kappa)
        large = 2.0 * kappa - small
        return np.where(mu > 0.0, large, small), np.where(mu > 0.0, small, large)


FLUX_SCHEMES: dict[str, type[FluxScheme]] = {
    "upwind": Upwind,
    "central": Central,
    "scharfetter-gummel": ScharfetterGummel,
    "chang-cooper": ChangCooper,
    "harmonic-mean": HarmonicMean,
}
"""The names that TOML files and the command line use. Adding a two-point scheme is one class and one line here."""
