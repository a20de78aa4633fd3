"""Grids: cells between faces; on the voltage they fit the reset and the threshold."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

import numpy as np

from .outcomes import InvalidArgument, finite_number, frozen, positive, real_array

if TYPE_CHECKING:
    from .state import InitialDensity

MIN_CELLS = 8
STEEPEST = 1e150
"""Largest ratio of the grading considered: beyond all use, short of overflow."""


class Cells(ABC):
    """What all grids of cells have, given their `faces`."""

    faces: np.ndarray

    @property
    def cells(self) -> int:
        """Number of cells."""
        return len(self.faces) - 1

    @cached_property
    def v(self) -> np.ndarray:
        """Cell centres, shape (cells,)."""
        return frozen(0.5 * (self.faces[1:] + self.faces[:-1]))

    @cached_property
    def width(self) -> np.ndarray:
        """Cell widths h, shape (cells,)."""
        return frozen(np.diff(self.faces))

    @property
    def v_min(self) -> float:
        return float(self.faces[0])

    @property
    def v_max(self) -> float:
        return float(self.faces[-1])

    @cached_property
    def squares(self) -> np.ndarray:
        """What replaces v² in ∫ v² n dv for cell averages of a smooth n (Sheppard's correction), shape (cells,)."""
        return frozen(self.v**2 - self.width**2 / 12.0)

    def sample(self, datum: InitialDensity) -> np.ndarray:
        """What a density is on this grid: its cell averages."""
        return datum.cell_averages(self)

    @abstractmethod
    def coarsened(self) -> Self:
        """The grid with every second face."""

    def restrict(self, density: np.ndarray) -> tuple[Self, np.ndarray]:
        """`coarsened()`, and the cell averages there: the masses of merged cells added up."""
        coarse = self.coarsened()
        first = np.searchsorted(self.faces, coarse.faces[:-1])
        return coarse, np.add.reduceat(density * self.width, first, axis=-1) / coarse.width


@dataclass(frozen=True, eq=False, repr=False)
class Grid(Cells):
    """Cells between `faces`, of which one is the reset V_R and one, as a rule the last, the threshold V_F.

    Unknowns live at the cell centres `v`. Build it with `model.grid(...)`, `Grid.uniform` or `Grid.graded`.

    Parameters
    ----------
    faces : array, shape (cells + 1,)
        Strictly increasing cell boundaries (dimensionless potential).
    V_R : float
        Reset potential, one of the inner faces.
    V_F : float, optional
        Firing threshold, a face above V_R; the last one unless it is given.

    Raises
    ------
    InvalidArgument
        If the faces do not increase or V_R and V_F are not among them.
    """

    faces: np.ndarray
    V_R: float
    V_F: float = np.nan

    def __post_init__(self) -> None:
        faces = _checked_faces(self.faces)
        if self.V_R not in faces[1:-1]:
            raise InvalidArgument(f"V_R = {self.V_R:g} must be one of the inner faces, or the scheme loses an order.")
        V_F = float(faces[-1]) if np.isnan(self.V_F) else self.V_F
        if V_F not in faces[faces > self.V_R]:
            raise InvalidArgument(f"V_F = {V_F:g} must be one of the faces above V_R, or the scheme loses an order.")
        object.__setattr__(self, "faces", frozen(faces))
        object.__setattr__(self, "V_F", V_F)

    @classmethod
    def uniform(cls, v_min: float, V_R: float, V_F: float, cells: int) -> Grid:
        """Equal cells of width (V_F − V_R)/k; v_min is lowered, by less than its k-th part, so that V_R is a face."""
        cells, v_min = _checked(cells, v_min, V_R, V_F)
        above = int(cells * (V_F - V_R) / (V_F - v_min))
        if above < 2:
            needed = math.ceil(2 * (V_F - v_min) / (V_F - V_R))
            raise InvalidArgument(
                f"`cells` = {cells} leaves fewer than two cells between V_R = {V_R:g} and V_F = {V_F:g}; "
                f"use at least {needed}, or a graded grid (`finest`)."
            )
        faces = V_F - (V_F - V_R) / above * np.arange(cells, -1, -1)
        return cls(_pinned(faces, cells - above, V_R, V_F), V_R)

    @classmethod
    def graded(cls, v_min: float, V_R: float, V_F: float, cells: int, finest: float) -> Grid:
        """Cells growing geometrically away from V_F, where the first has about the width `finest`.

        With L = V_F − v_min, the number of cells within the distance d of V_F is cells · ln(1 + x d/L)/ln(1 + x): the
        width grows linearly with d, from about (L/cells) ln(1 + x)/x. Of the numbers x that put V_R on a face, the one
        that comes nearest to `finest` is taken.
        """
        cells, v_min = _checked(cells, v_min, V_R, V_F)
        finest = positive("finest", finest)
        length, part = V_F - v_min, (V_F - V_R) / (V_F - v_min)
        if finest >= length / cells:
            raise InvalidArgument(
                f"`finest` = {finest:g} is not finer than {cells} equal cells ({length / cells:.3g}); leave it out."
            )
        if finest < 1e-14 * length:
            raise InvalidArgument(f"`finest` = {finest:g} is lost in rounding; use at least {1e-14 * length:.1g}.")

        def share(x: float) -> float:  # of the cells that lie above V_R
            return math.log1p(x * part) / math.log1p(x)

        asked = _root(lambda x: math.log1p(x) / x - finest * cells / length)
        above = min(max(round(cells * share(asked)), math.floor(cells * part) + 1), cells - 1)
        if not share(1e-13) < above / cells < share(STEEPEST):
            raise InvalidArgument(
                f"no graded grid of {cells} cells on [{v_min:g}, {V_F:g}] has V_R = {V_R:g} on a face; "
                f"use more `cells`."
            )
        x = _root(lambda x: share(x) - above / cells)
        faces = V_F - length / x * np.expm1(math.log1p(x) / cells * np.arange(cells, -1, -1))
        faces[0] = v_min
        return cls(_pinned(faces, cells - above, V_R, V_F), V_R)

    def extended(self, v_max: float, cells: int) -> Grid:
        """The grid with `cells` more above V_F, growing geometrically from the width of the last one, up to v_max."""
        length, first = finite_number("v_max", v_max) - self.V_F, float(self.width[-1])
        if not length > 0.0:
            raise InvalidArgument(f"`v_max` = {v_max:g} must lie above V_F = {self.V_F:g}.")

        def reach(x: float) -> float:  # of cells that grow by the factor e^x each, over the first
            return math.expm1(x * cells) / math.expm1(x) if x else float(cells)

        rate = 0.0
        if first * cells < length:
            from scipy.optimize import brentq  # only where it is needed: loading it takes long

            rate = brentq(lambda x: reach(x) * first - length, 0.0, 700.0 / cells, xtol=1e-14)
        steps = np.arange(1, cells + 1)
        ends = np.expm1(rate * steps) if rate else steps.astype(float)
        above = self.V_F + length * ends / ends[-1]
        above[-1] = v_max
        return Grid(np.concatenate([self.faces, above]), self.V_R, self.V_F)

    def refined(self) -> Grid:
        """Every cell split in two, in the ratio in which the widths change on its side of V_F.

        The two grids are then samples of one smooth map at spacing 1 and 1/2, which Richardson extrapolation needs.
        """
        ratio = np.sqrt(self.width[1:] / self.width[:-1])
        threshold = int(np.searchsorted(self.faces, self.V_F))
        ratio = np.append(ratio, ratio[-1])
        ratio[threshold - 1] = ratio[threshold - 2]
        middles = self.faces[:-1] + self.width / (1.0 + ratio)
        return Grid(np.sort(np.concatenate([self.faces, middles])), self.V_R, self.V_F)

    def coarsened(self) -> Grid:
        """The grid with every second face, counted from V_F, and with V_R."""
        parity = int(np.searchsorted(self.faces, self.V_F)) % 2
        kept = np.unique(np.concatenate([self.faces[:1], self.faces[parity::2], [self.V_R, self.v_max]]))
        return Grid(kept, self.V_R, self.V_F) if len(kept) > MIN_CELLS else self

    def below_threshold(self) -> Grid:
        """The part of the grid below V_F."""
        return self if self.v_max == self.V_F else Grid(self.faces[self.faces <= self.V_F], self.V_R)

    def deposit(self, v: float) -> tuple[np.ndarray, np.ndarray]:
        """Where a unit of mass put at potential v goes: two neighbouring cells and their shares.

        The shares have sum 1 and mean potential v. Putting the mass in one cell instead moves it by up to half
        a width and costs every scheme an order.

        >>> cells, shares = Grid(np.linspace(0.0, 1.0, 9), 0.5).deposit(0.5)
        >>> cells.tolist(), shares.tolist()
        ([3, 4], [0.5, 0.5])
        """
        centres = self.v
        left = int(np.clip(np.searchsorted(centres, v) - 1, 0, self.cells - 2))
        right_share = (v - centres[left]) / (centres[left + 1] - centres[left])
        return np.array([left, left + 1]), np.array([1.0 - right_share, right_share])

    def __repr__(self) -> str:
        width = self.width
        return (
            f"Grid({self.cells} cells on [{self.v_min:.6g}, {self.v_max:.6g}], "
            f"widths {width.min():.3g} to {width.max():.3g}, V_R = {self.V_R:g} on a face"
            + ("" if self.v_max == self.V_F else f", V_F = {self.V_F:g} too")
            + ")"
        )


@dataclass(frozen=True, eq=False, repr=False)
class HalfLine(Cells):
    """Cells on [0, end], for what has no threshold: a distance from a wall, an age.

    Build it with `model.grid(...)`, `HalfLine.uniform` or `HalfLine.graded`.

    Parameters
    ----------
    faces : array, shape (cells + 1,)
        Strictly increasing cell boundaries, the first of them 0 (dimensionless).

    Raises
    ------
    InvalidArgument
        If the faces do not increase or do not start at 0.

    >>> HalfLine.uniform(10.0, 100)
    HalfLine(100 cells on [0, 10], widths 0.1 to 0.1)
    """

    faces: np.ndarray

    def __post_init__(self) -> None:
        object.__setattr__(self, "faces", frozen(_checked_faces(self.faces)))
        if self.faces[0] != 0.0:
            raise InvalidArgument(f"`faces` must start at 0, not at {self.faces[0]:g}.")

    @classmethod
    def uniform(cls, end: float, cells: int) -> HalfLine:
        """Equal cells on [0, end]."""
        return cls(positive("end", end) / cell_count(cells) * np.arange(cell_count(cells) + 1))

    @classmethod
    def graded(cls, end: float, cells: int, finest: float) -> HalfLine:
        """Cells growing geometrically away from 0, where the first is `finest` wide."""
        end, cells, finest = positive("end", end), cell_count(cells), positive("finest", finest)
        if not 1e-14 * end < finest < end / cells:
            raise InvalidArgument(
                f"`finest` = {finest:g} must be smaller than {cells} equal cells on [0, {end:g}] ({end / cells:.3g}), "
                f"and large enough to be told from rounding; leave it out for equal cells."
            )
        growth = _root(lambda x: finest / end - math.expm1(math.log1p(x) / cells) / x)
        faces = end / growth * np.expm1(math.log1p(growth) / cells * np.arange(cells + 1))
        faces[-1] = end
        return cls(faces)

    def refined(self) -> HalfLine:
        """Every cell split in two, in the ratio in which the widths change; see `Grid.refined`."""
        ratio = np.sqrt(self.width[1:] / self.width[:-1])
        middles = self.faces[:-1] + self.width / (1.0 + np.append(ratio, ratio[-1]))
        return HalfLine(np.sort(np.concatenate([self.faces, middles])))

    def coarsened(self) -> HalfLine:
        """The grid with every second face, and with the last one."""
        kept = np.unique(np.append(self.faces[::2], self.faces[-1]))
        return HalfLine(kept) if len(kept) > MIN_CELLS else self

    def __repr__(self) -> str:
        width = self.width
        return f"HalfLine({self.cells} cells on [0, {self.v_max:.6g}], widths {width.min():.3g} to {width.max():.3g})"


def _checked_faces(faces: object) -> np.ndarray:
    values = real_array("faces", faces)
    if values.ndim != 1 or len(values) < MIN_CELLS + 1:
        raise InvalidArgument(f"`faces` must be a vector of at least {MIN_CELLS + 1} numbers.")
    if not np.all(np.isfinite(values)) or not np.all(np.diff(values) > 0):
        raise InvalidArgument("`faces` must be finite and strictly increasing.")
    return values


def cell_count(cells: object, least: int = MIN_CELLS) -> int:
    """`cells` as an int, or the refusal of what is no number of cells."""
    if isinstance(cells, bool) or not isinstance(cells, int | np.integer) or cells < least:
        raise InvalidArgument(f"`cells` must be a whole number of at least {least}, not {cells!r}.")
    return int(cells)


def _checked(cells: int, v_min: float, V_R: float, V_F: float) -> tuple[int, float]:
    cells = cell_count(cells)
    v_min = finite_number("v_min", v_min)
    if not finite_number("V_R", V_R) < finite_number("V_F", V_F):
        raise InvalidArgument(f"the reset V_R = {V_R:g} must lie below the threshold V_F = {V_F:g}; swap them?")
    if not math.isfinite((V_F - v_min) * cells):
        raise InvalidArgument(f"`v_min` = {v_min:g} and V_F = {V_F:g} are too far apart for double precision.")
    if v_min >= V_R:
        raise InvalidArgument(f"`v_min` = {v_min:g} must lie below V_R = {V_R:g}.")
    return cells, v_min


def _root(function: Callable[[float], float]) -> float:
    """The zero of a monotone function of x in (1e-13, STEEPEST), found in ln x."""
    from scipy.optimize import brentq

    return math.exp(brentq(lambda s: function(math.exp(s)), -30.0, math.log(STEEPEST), xtol=1e-14))


def _pinned(faces: np.ndarray, reset: int, V_R: float, V_F: float) -> np.ndarray:
    """Remove the rounding error of the two potentials that must be met exactly."""
    faces[reset], faces[-1] = V_R, V_F
    return faces
