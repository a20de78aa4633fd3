"""The grid of spectral elements: polynomials between edges that fit the reset and the threshold."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import legendre

from .outcomes import InvalidArgument, frozen, real_array
from .state import CompatibleGaussian, FromArray, FromFunction

if TYPE_CHECKING:
    from .state import InitialDensity

LOWEST_DEGREE, HIGHEST_DEGREE = 3, 48
NEGLIGIBLE = 1e-7
"""A density above minus this is none that is negative."""
PANELS = (1, 4, 16, 64)
"""Into how many panels an element is cut, until the masses of a datum no longer change."""


@dataclass(frozen=True, eq=False)
class Rule:
    """The Gauss–Lobatto–Legendre rule of a degree p on [−1, 1], exact for polynomials of degree 2p − 1.

    Attributes
    ----------
    x, w : array, shape (p + 1,)
        Nodes, the zeros of (1 − x²) P_p'(x), and weights 2/(p(p + 1) P_p(x)²).
    D : array, shape (p + 1, p + 1)
        D_qi = ℓ_i'(x_q), the derivative of each nodal polynomial at each node.

    Source: Canuto, Hussaini, Quarteroni, Zang, Spectral Methods (2006), section 2.3.
    """

    x: np.ndarray
    w: np.ndarray
    D: np.ndarray

    def modes(self, values: np.ndarray) -> np.ndarray:
        """Legendre coefficients of the interpolant of nodal values, along the last axis."""
        p = len(self.x) - 1
        norm = 1.0 / np.append(np.arange(p) + 0.5, 0.5 * p)  # ∫ P_k² by this rule: 2/p for the last
        return (values * self.w) @ legendre.legvander(self.x, p) / norm

    def basis(self, x: np.ndarray) -> np.ndarray:
        """ℓ_i(x) of every nodal polynomial, shape (len(x), p + 1)."""
        return legendre.legvander(x, len(self.x) - 1) @ self.modes(np.eye(len(self.x))).T


@lru_cache(maxsize=64)
def lobatto(degree: int) -> Rule:
    """The rule of this degree, by Newton's iteration for (1 − x²) P_p'."""
    p = degree
    x = -np.cos(np.pi * np.arange(p + 1) / p)
    for _ in range(100):
        P = legendre.legvander(x, p)
        step = (x * P[:, p] - P[:, p - 1]) / ((p + 1) * P[:, p])
        x = x - step
        if np.max(np.abs(step)) < 1e-15:
            break
    x = 0.5 * (x - x[::-1])
    top = legendre.legvander(x, p)[:, p]
    gaps = x[:, None] - x + np.eye(p + 1)
    D = top[:, None] / (top * gaps)
    np.fill_diagonal(D, 0.0)
    np.fill_diagonal(D, -D.sum(axis=1))  # a constant has no slope, to rounding
    return Rule(x, 2.0 / (p * (p + 1) * top**2), D)


@dataclass(frozen=True, eq=False, repr=False)
class Elements:
    """Elements between `edges`, of which one is the reset V_R and one, as a rule the last, the threshold V_F.

    On every element the density is a polynomial, given by its values at the Gauss–Lobatto–Legendre nodes; neighbours
    share the node at their edge. Unknowns live at the nodes `v`. Where V_F is the upper end the density vanishes there,
    and that node is no unknown. Build it with `fp.Spectral().grid(model)`.

    Parameters
    ----------
    edges : array, shape (elements + 1,)
        Strictly increasing (dimensionless potential).
    degree : int
        Degree p of the polynomials.
    V_R : float
        Reset potential, one of the inner edges: the density has a kink there.
    V_F : float, optional
        Firing threshold, an edge above V_R; the last one unless it is given.

    Raises
    ------
    InvalidArgument
        If the edges do not increase, or V_R and V_F are not among them, or the degree is out of range.

    Source: Karniadakis, Sherwin, Spectral/hp Element Methods (2005), chapter 2.

    >>> Elements([-1.0, 0.0, 1.0], degree=4, V_R=0.0).cells
    8
    """

    edges: np.ndarray
    degree: int
    V_R: float
    V_F: float = np.nan

    def __post_init__(self) -> None:
        edges, p = real_array("edges", self.edges), self.degree
        if edges.ndim != 1 or len(edges) < 3 or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0):
            raise InvalidArgument("`edges` must be at least three finite, strictly increasing potentials.")
        whole = isinstance(p, int | np.integer) and not isinstance(p, bool)
        if not whole or not LOWEST_DEGREE <= p <= HIGHEST_DEGREE:
            raise InvalidArgument(f"`degree` must be a whole number, {LOWEST_DEGREE} to {HIGHEST_DEGREE}, not {p!r}.")
        if self.V_R not in edges[1:-1]:
            raise InvalidArgument(f"V_R = {self.V_R:g} must be one of the inner edges: the density has a kink there.")
        V_F = float(edges[-1]) if np.isnan(self.V_F) else self.V_F
        if V_F not in edges[edges > self.V_R]:
            raise InvalidArgument(f"V_F = {V_F:g} must be one of the edges above V_R.")
        for name, value in (("edges", frozen(edges)), ("degree", int(p)), ("V_F", V_F)):
            object.__setattr__(self, name, value)
        if not np.all(np.diff(self.faces) > 0.0):
            raise InvalidArgument("the shortest of the elements is lost in rounding; use fewer `edges` near V_F.")

    # -- nodes --------------------------------------------------------------------------------------------------

    @property
    def rule(self) -> Rule:
        """Nodes, weights and derivatives on [−1, 1]."""
        return lobatto(self.degree)

    @cached_property
    def half(self) -> np.ndarray:
        """Half the length of each element, shape (elements, 1)."""
        return frozen(0.5 * np.diff(self.edges)[:, None])

    @cached_property
    def nodes(self) -> np.ndarray:
        """The nodes of each element, both ends included, shape (elements, degree + 1)."""
        nodes = self.edges[:-1, None] + self.half * (1.0 + self.rule.x)
        nodes[:, 0], nodes[:, -1] = self.edges[:-1], self.edges[1:]
        return frozen(nodes)

    @property
    def open(self) -> bool:
        """Whether the potential may exceed V_F; otherwise the density vanishes there."""
        return self.v_max > self.V_F

    @property
    def cells(self) -> int:
        """Number of unknowns."""
        return (len(self.edges) - 1) * self.degree + int(self.open)

    @cached_property
    def v(self) -> np.ndarray:
        """Nodes that are unknowns, shape (cells,)."""
        return frozen(np.append(self.nodes[:, :-1], self.v_max)[: self.cells])

    @cached_property
    def width(self) -> np.ndarray:
        """Weights of the unknowns, shape (cells,): `density @ width` is the mass."""
        return frozen(self.gathered(self.half * self.rule.w)[: self.cells])

    @cached_property
    def faces(self) -> np.ndarray:
        """A boundary between each two nodes: where the weights up to there add up to; shape (cells + 1,)."""
        upto = self.edges[:-1, None] + self.half * np.cumsum(self.rule.w)[:-1]
        return frozen(np.concatenate([[self.v_min], upto.ravel()[: self.cells - 1], [self.v_max]]))

    @property
    def v_min(self) -> float:
        return float(self.edges[0])

    @property
    def v_max(self) -> float:
        return float(self.edges[-1])

    @cached_property
    def squares(self) -> np.ndarray:
        """What ∫ v² n dv needs: v², shape (cells,)."""
        return frozen(self.v**2)

    # -- elements and nodes -------------------------------------------------------------------------------------

    @cached_property
    def index(self) -> np.ndarray:
        """Number of each node of each element among all nodes, shape (elements, degree + 1)."""
        return frozen(np.arange(len(self.edges) - 1)[:, None] * self.degree + np.arange(self.degree + 1))

    def spread(self, density: np.ndarray) -> np.ndarray:
        """Values at the nodes of each element, zero at an absorbing V_F; shape (elements, degree + 1)."""
        return (density if self.open else np.append(density, 0.0))[self.index]

    def gathered(self, parts: np.ndarray) -> np.ndarray:
        """Sum of what the elements contribute to every node, an absorbing V_F included; the inverse shape."""
        whole = np.empty(self.index.size - len(parts) + 1)
        whole[0] = 0.0
        whole[1:] = parts[:, 1:].ravel()
        whole[: -1 : self.degree] += parts[:, 0]
        return whole

    def _from_masses(self, parts: np.ndarray) -> np.ndarray:
        """The density with these masses ∫ n φ_i dv. What belongs to an absorbing V_F joins the node next to it.

        There is a share of about h/p² of n(V_F) there, h the length of the last element; it would fire at once.
        """
        masses = self.gathered(parts)
        if not self.open:
            masses[-2] += masses[-1]
        return masses[: self.cells] / self.width

    # -- densities ----------------------------------------------------------------------------------------------

    def sample(self, datum: InitialDensity) -> np.ndarray:
        """What a density is on this grid: w_i n_i = ∫ n0 φ_i dv, so that mass and low moments are exact."""
        if isinstance(datum, FromArray):
            return datum.cell_averages(self)
        top = self.V_F if isinstance(datum, CompatibleGaussian) else self.v_max
        parts = np.full(self.index.shape, np.inf)
        for panels in PANELS:
            before, parts = parts, self._integrals(datum, top, panels)
            if np.max(np.abs(parts - before)) <= 1e-14 * np.max(np.abs(parts)):
                break
        if isinstance(datum, FromFunction):
            parts = parts / datum.checked_mass(float(parts.sum()))
        return self._from_masses(parts)

    def _integrals(self, datum: InitialDensity, top: float, panels: int) -> np.ndarray:
        """∫ n0 φ_i dv over each element, by Gauss quadrature in each of its panels.

        Where n0 is no polynomial, so that one of them is negative, φ_i is replaced by the hat function of the node:
        mass and mean stay exact.
        """
        x, w = legendre.leggauss(self.degree + 4)
        x = ((x + 1.0 + 2.0 * np.arange(panels)[:, None]) / panels - 1.0).ravel()
        v = self.edges[:-1, None] + self.half * (1.0 + x)
        values = self.half * np.reshape(datum.value(v.ravel(), top), v.shape) * np.tile(w / panels, panels)
        parts = values @ self.rule.basis(x)
        rough = np.min(parts / (self.half * self.rule.w), axis=1) < -NEGLIGIBLE
        hats = np.array([np.interp(x, self.rule.x, row) for row in np.eye(self.degree + 1)]).T
        parts[rough] = values[rough] @ hats
        return parts

    def coarsened(self) -> Elements:
        """The same elements with about three quarters of the degree."""
        return replace(self, degree=max(LOWEST_DEGREE, 3 * self.degree // 4))

    def restrict(self, density: np.ndarray) -> tuple[Elements, np.ndarray]:
        """`coarsened()`, and the density there (of every lane) with the same mass and low moments."""
        coarse = self.coarsened()
        if density.ndim == 2:
            return coarse, np.array([self.restrict(row)[1] for row in density])
        parts = self.half * (self.spread(density) * self.rule.w) @ coarse.rule.basis(self.rule.x)
        return coarse, coarse._from_masses(parts)

    def __repr__(self) -> str:
        length = np.diff(self.edges)
        return (
            f"Elements({len(length)} of degree {self.degree} on [{self.v_min:.6g}, {self.v_max:.6g}], "
            f"lengths {length.min():.3g} to {length.max():.3g}, V_R = {self.V_R:g} on an edge"
            + (f", V_F = {self.V_F:g} too" if self.open else "")
            + ")"
        )
