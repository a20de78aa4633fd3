"""States of a population and the initial densities."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from .grid import Grid
from .interpolation import RateHistory
from .outcomes import InvalidArgument, finite_number, positive, real_array

if TYPE_CHECKING:
    from .elements import Elements

TAIL_WIDTHS = 8.0
"""A Gaussian has a mass below 1e-15 beyond 8 standard deviations."""
SMALLEST_PART = 1e-12
"""A Gaussian with less than this share of its mass below V_F cannot be normalised there in double precision."""


@dataclass(frozen=True, eq=False)
class State:
    """A population at one instant; `solve` accepts it as `initial`.

    Attributes
    ----------
    t : float
        Time (membrane time constants).
    grid : Grid or Elements, or HalfLine for what has no threshold
    density : array, shape (cells,) or (lanes, cells)
        Cell averages of n(v, t), or its values at the nodes of elements.
    rate : float, or array of shape (lanes,)
        Firing rate N(t): the flux that the scheme removes at V_F.
    refractory : float, or array of shape (lanes,)
        Mass R(t) of the refractory pool; for what is no neuron, the number that evolves beside the density.
    history : RateHistory or None
        The rate before t, as far back as a transmission delay or a fixed refractory time looks.
    """

    t: float
    grid: Any  # Grid or Elements of potentials, or HalfLine
    density: np.ndarray
    rate: Any  # a float, or an array where there are several lanes
    refractory: Any = 0.0
    history: RateHistory | None = None

    @property
    def v(self) -> np.ndarray:
        """Cell centres (or nodes)."""
        return self.grid.v

    def coarsened(self) -> State:
        """The same state on `grid.coarsened()`, with the masses of merged cells added up."""
        coarse, density = self.grid.restrict(self.density)
        return replace(self, grid=coarse, density=density)


class InitialDensity(Protocol):
    """A probability density on (−∞, V_F] that can be averaged over cells."""

    def cell_averages(self, grid: Any) -> np.ndarray: ...

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray: ...

    @property
    def lowest(self) -> float:
        """A potential below which the density is negligible; infinite if it cannot tell."""
        ...

    @property
    def narrowest(self) -> tuple[float, float]:
        """Where the density varies most, and over what length; (nan, inf) if it cannot tell."""
        ...


@dataclass(frozen=True)
class _Bell:
    """What densities with a Gaussian factor share."""

    mean: float
    variance: float

    def __post_init__(self) -> None:
        finite_number("mean", self.mean)
        positive("variance", self.variance)

    @property
    def lowest(self) -> float:
        return self.mean - TAIL_WIDTHS * float(np.sqrt(self.variance))

    @property
    def narrowest(self) -> tuple[float, float]:
        return self.mean, float(np.sqrt(self.variance))


@dataclass(frozen=True)
class Gaussian(_Bell):
    """n0(v) = exp(−(v − mean)²/(2 variance))/Z on v ≤ V_F (or the upper end of the grid), Z the integral up to there.

    It does not vanish at V_F: N(t) starts like t^(−1/2), and for a1 > 0 the datum is inadmissible unless its
    value there is negligible; use `compatible_gaussian` then.
    """

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        """n0 at the potentials v."""
        s = np.sqrt(self.variance)
        return np.exp(-(((v - self.mean) / s) ** 2) / 2) / (np.sqrt(2 * np.pi) * s * self._part(V_F))

    def log_moment(self, mu: float, V_F: float) -> float:
        """ln ∫ exp(μ v) n0 dv, in closed form."""
        s = np.sqrt(self.variance)
        shifted = (V_F - self.mean - mu * self.variance) / s
        return float(mu * self.mean + 0.5 * mu**2 * self.variance + log_ndtr(shifted) - log_ndtr((V_F - self.mean) / s))

    def cell_averages(self, grid: Grid) -> np.ndarray:
        """Exact cell averages, shape (cells,)."""
        z = (grid.faces - self.mean) / np.sqrt(self.variance)
        return _normal_mass(z) / (grid.width * self._part(grid.v_max))

    def _part(self, V_F: float) -> float:
        part = float(ndtr((V_F - self.mean) / np.sqrt(self.variance)))
        if part < SMALLEST_PART:
            raise InvalidArgument(
                f"the initial density cannot be normalised: Gaussian(mean={self.mean:g}, variance={self.variance:g}) "
                f"has no mass below V_F = {V_F:g}; move the mean below V_F."
            )
        return part


@dataclass(frozen=True)
class CompatibleGaussian(_Bell):
    """n0(v) = (V_F − v) exp(−(v − mean)²/(2 variance))/Z: vanishes at V_F, as the equation asks of n(·, t)."""

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        """n0 at the potentials v."""
        s = np.sqrt(self.variance)
        return np.maximum(V_F - v, 0.0) * np.exp(-(((v - self.mean) / s) ** 2) / 2) / self._integral(V_F)

    def cell_averages(self, grid: Grid) -> np.ndarray:
        """Exact cell averages, shape (cells,); zero above V_F."""
        s = np.sqrt(self.variance)
        z = (np.minimum(grid.faces, grid.V_F) - self.mean) / s
        bell = np.exp(-(z**2) / 2)
        mass = (grid.V_F - self.mean) * s * np.sqrt(2 * np.pi) * _normal_mass(z) + s**2 * np.diff(bell)
        # The closed form cancels in narrow cells next to V_F, where Gauss quadrature is exact to rounding.
        nodes, weights = np.polynomial.legendre.leggauss(6)
        v = grid.v[:, None] + 0.5 * grid.width[:, None] * nodes
        quadrature = (np.maximum(grid.V_F - v, 0.0) * np.exp(-(((v - self.mean) / s) ** 2) / 2)) @ (0.5 * weights)
        return np.where(grid.width < 0.1 * s, quadrature, mass / grid.width) / self._integral(grid.V_F)

    def _integral(self, V_F: float) -> float:
        s = np.sqrt(self.variance)
        z = (V_F - self.mean) / s
        # ∫ = s² (z √(2π) Φ(z) + e^{−z²/2}); for z < 0 the two cancel, least so when scaled by e^{z²/2}.
        if z < 0:
            integral = float(s**2 * np.exp(-(z**2) / 2) * (1.0 + z * np.sqrt(np.pi / 2) * erfcx(-z / np.sqrt(2))))
        else:
            integral = float(s**2 * (z * np.sqrt(2 * np.pi) * ndtr(z) + np.exp(-(z**2) / 2)))
        if z < 0 and ndtr(z) < SMALLEST_PART:
            raise InvalidArgument(
                f"the initial density cannot be normalised: its Gaussian factor (mean={self.mean:g}, "
                f"variance={self.variance:g}) has no mass below V_F = {V_F:g}; move the mean below V_F."
            )
        return integral


@dataclass(frozen=True)
class Exponential:
    """n0(x) = e^{−x/scale}/scale on x ≥ 0, for what lives on a half-line."""

    scale: float

    def __post_init__(self) -> None:
        positive("scale", self.scale)

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        """n0 at the points v."""
        v = np.asarray(v, dtype=float)
        return np.where(v >= 0.0, np.exp(-np.maximum(v, 0.0) / self.scale) / self.scale, 0.0)

    def cell_averages(self, grid: Any) -> np.ndarray:
        """Exact cell averages, shape (cells,)."""
        faces = np.maximum(grid.faces, 0.0) / self.scale
        return np.exp(-faces[:-1]) * -np.expm1(-np.diff(faces)) / grid.width

    @property
    def lowest(self) -> float:
        return 0.0

    @property
    def narrowest(self) -> tuple[float, float]:
        return 0.0, self.scale


@dataclass(frozen=True)
class FromFunction:
    """A density given by a function of v, up to a constant factor; it is normalised on the grid's interval."""

    function: Callable[[np.ndarray], np.ndarray]

    @property
    def lowest(self) -> float:
        return np.inf

    @property
    def narrowest(self) -> tuple[float, float]:
        return np.nan, np.inf

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        """The function at the potentials v, not normalised."""
        v = np.atleast_1d(v)
        try:
            values = real_array("initial", self.function(v))
        except TypeError as error:
            raise InvalidArgument(f"`initial` must be a function of one array of points: {error}.") from error
        if values.shape != v.shape:
            raise InvalidArgument(
                f"`initial` must map an array of potentials to an array of the same shape; "
                f"{v.size} potentials gave shape {values.shape}."
            )
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise InvalidArgument("`initial` must be a finite, non-negative function of v on the grid.")
        return values

    def cell_averages(self, grid: Grid) -> np.ndarray:
        """Cell averages by five-point Gauss quadrature, divided by their mass."""
        nodes, weights = np.polynomial.legendre.leggauss(5)
        v = grid.v[:, None] + 0.5 * grid.width[:, None] * nodes
        averages = self.value(v.ravel(), grid.v_max).reshape(v.shape) @ (0.5 * weights)
        return averages / self.checked_mass(float(averages @ grid.width))

    def checked_mass(self, mass: float) -> float:
        """The integral of the function, by which it is divided."""
        if not np.isfinite(mass) or mass <= 0:
            raise InvalidArgument("the initial density cannot be normalised: `initial` is zero on the whole grid.")
        return mass


@dataclass(frozen=True, eq=False)
class FromArray:
    """A density given by its cell averages; its mass must already be 1, it is not rescaled."""

    values: np.ndarray

    @property
    def lowest(self) -> float:
        return np.inf

    @property
    def narrowest(self) -> tuple[float, float]:
        return np.nan, np.inf

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        return np.full(np.shape(v), np.nan)  # an array of cell averages has no value at a point

    def cell_averages(self, grid: Grid | Elements) -> np.ndarray:
        """The array itself: cell averages, or values at the nodes of elements."""
        values = real_array("initial", self.values)
        if values.shape != (grid.cells,):
            raise InvalidArgument(f"`initial` has shape {values.shape}, but the grid has {grid.cells} cells.")
        if not np.all(np.isfinite(values)) or np.any(values < 0):
            raise InvalidArgument("`initial` must be finite and non-negative in every cell.")
        mass = float(values @ grid.width)
        if abs(mass - 1.0) > 1e-9:
            raise InvalidArgument(
                f"`initial` has mass {mass:.9g}, not 1; divide it by (initial @ grid.width) if that is what you mean."
            )
        return values


@dataclass(frozen=True, eq=False)
class Together:
    """The mean of several densities: what a grid must resolve that is to hold them all."""

    parts: tuple[InitialDensity, ...]

    def cell_averages(self, grid: Grid) -> np.ndarray:
        return np.asarray(np.mean([part.cell_averages(grid) for part in self.parts], axis=0))

    def value(self, v: np.ndarray, V_F: float) -> np.ndarray:
        return np.asarray(np.mean([part.value(v, V_F) for part in self.parts], axis=0))

    @property
    def lowest(self) -> float:
        return min(part.lowest for part in self.parts)

    @property
    def narrowest(self) -> tuple[float, float]:
        return min((part.narrowest for part in self.parts), key=lambda where: where[1])


def together(parts: tuple[InitialDensity, ...]) -> InitialDensity:
    """One density that stands for all of them when a grid is made."""
    distinct = tuple({id(part): part for part in parts}.values())
    return distinct[0] if len(distinct) == 1 else Together(distinct)


def gaussian(mean: float, variance: float) -> Gaussian:
    """The Gaussian initial density of the papers, normalised on v ≤ V_F.

    Parameters
    ----------
    mean, variance : float
        Centre and variance of the untruncated Gaussian (dimensionless; the variance, not its square root).

    Raises
    ------
    InvalidArgument
        If they are not finite or the variance is not positive.

    >>> gaussian(-1.0, 0.5).variance
    0.5
    """
    return Gaussian(mean, variance)


def compatible_gaussian(mean: float, variance: float) -> CompatibleGaussian:
    """n0(v) = (V_F − v) exp(−(v − mean)²/(2 variance))/Z, which vanishes at V_F (needed when a1 > 0).

    Parameters
    ----------
    mean, variance : float
        Of the Gaussian factor (dimensionless).

    Raises
    ------
    InvalidArgument
        If they are not finite or the variance is not positive.

    >>> float(compatible_gaussian(0.0, 0.25).value(np.array([2.0]), 2.0)[0])
    0.0
    """
    return CompatibleGaussian(mean, variance)


def exponential(scale: float) -> Exponential:
    """n0(x) = e^{−x/scale}/scale on x ≥ 0, for models on a half-line.

    Parameters
    ----------
    scale : float
        Mean, positive (dimensionless).

    Raises
    ------
    InvalidArgument
        If it is not positive.

    >>> exponential(2.0).scale
    2.0
    """
    return Exponential(scale)


def as_density(initial: object) -> InitialDensity:
    """Accept an initial density, a function of v, or an array of cell averages."""
    if isinstance(initial, Gaussian | CompatibleGaussian | Exponential | FromFunction | FromArray):
        return initial
    if isinstance(initial, np.ndarray | list | tuple):
        return FromArray(real_array("initial", initial))
    if initial in (gaussian, compatible_gaussian, exponential):
        arguments = "scale" if initial is exponential else "mean, variance"
        raise InvalidArgument(f"`initial` must be an initial density: call fp.{initial.__name__}({arguments}).")
    if callable(initial):
        return FromFunction(initial)
    raise InvalidArgument(
        f"`initial` must be fp.gaussian(mean, variance), fp.compatible_gaussian(mean, variance), or a function of v "
        f"(for fp.solve also an array of cell averages or a State), not {initial!r}."
    )


def _normal_mass(z: np.ndarray) -> np.ndarray:
    """Normal probability of each interval [z_i, z_{i+1}], from the tail in which it does not cancel."""
    from_left, from_right = np.diff(ndtr(z)), -np.diff(ndtr(-z))
    return np.where(z[:-1] > 0, from_right, from_left)
