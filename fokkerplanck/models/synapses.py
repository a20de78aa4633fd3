"""Who acts on whom: kernels w(ξ, dζ) on the labels [0, 1] of the neurons, actual synapses w_ij, and their scaling.

The first index is always the receiver: w_ij is by how much a spike of neuron j moves neuron i, w(ξ, dζ) its limit, and

    S(t, ξ) = ∫ R(t, ζ) w(ξ, dζ)

the drift that the rates R cause at the label ξ. Weights have a sign: negative ones inhibit. A kernel answers two
questions: `quadrature` what it is on finitely many labels, for the limit equation, and `sample` what it is for finitely
many neurons. The limit is that of Jabin, Zhou (2023), arXiv:2309.04046, which asks of the synapses only

    sup_i Σ_j |w_ij| + sup_j Σ_i |w_ij| ≤ C   and   max |w_ij| → 0   as N → ∞;

`scaling` measures both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Function = Callable[[np.ndarray], np.ndarray]
"""Of labels ξ in [0, 1], for an array, of the same shape."""

SMOOTH_LANES = 32
"""Default labels of a smooth kernel: Gauss–Legendre has converged to rounding for anything that is not oscillating."""
RING_LANES = 200
CHUNK = 1 << 22
"""Synapses drawn at a time, so that drawing takes little more memory than what is drawn."""
ON_NODE = 1e-9
"""Distance from a node, over the spacing, that is rounding."""
BINS, PER_BIN, UNEVEN = 32, 1024, 0.05
"""How a map is tested for preserving measure: points of a fine grid counted in bins, which may differ by so much."""
LARGE = 0.1
"""Share of the largest row from which one synapse is no longer small."""
UNEQUAL = 10.0
"""Largest row over the median row from which there are hubs."""
BOUNDED, VANISHING = 0.2, -0.2
"""Fitted powers of N below which something counts as bounded, and as tending to zero."""


# --- what a kernel is on finitely many labels -------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class LowRankMatrix:
    """The matrix left rightᵀ, which is never built: a product with a vector costs O(lanes · rank).

    Parameters
    ----------
    left, right : array, shape (rows, rank) and (columns, rank)

    >>> K = LowRankMatrix(np.array([[1.0], [2.0]]), np.array([[3.0], [4.0]]))
    >>> (K @ np.array([1.0, 1.0])).tolist(), (K.T @ np.array([1.0, 1.0])).tolist()
    ([7.0, 14.0], [9.0, 12.0])
    """

    left: np.ndarray
    right: np.ndarray

    def __post_init__(self) -> None:
        if self.left.ndim != 2 or self.right.ndim != 2 or self.left.shape[1] != self.right.shape[1]:
            raise InvalidArgument(
                f"`left` and `right` must be arrays with a column for each rank, not of the shapes {self.left.shape} "
                f"and {self.right.shape}."
            )

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.left), len(self.right)

    @property
    def T(self) -> LowRankMatrix:
        return LowRankMatrix(self.right, self.left)

    def __matmul__(self, other: np.ndarray) -> np.ndarray:
        return self.left @ (self.right.T @ other)

    def toarray(self) -> np.ndarray:
        """The matrix itself, shape (rows, columns)."""
        return self.left @ self.right.T

    def __repr__(self) -> str:
        return f"LowRankMatrix({self.shape[0]} × {self.shape[1]} of rank {self.left.shape[1]})"


@dataclass(frozen=True, eq=False, repr=False)
class Coupling:
    """A kernel on finitely many labels.

    Attributes
    ----------
    xi : array, shape (lanes,)
        The labels, in [0, 1].
    weight : array, shape (lanes,)
        Of quadrature: weight @ g is ∫ g dξ.
    matrix : array, sparse array or LowRankMatrix, shape (lanes, lanes)
        With the weights of quadrature in it: matrix @ R is ∫ R(ζ) w(ξ, dζ) at the labels, for R of shape (lanes,) or
        (lanes, anything).
    """

    xi: np.ndarray
    weight: np.ndarray
    matrix: Any

    @property
    def lanes(self) -> int:
        """Number of labels."""
        return len(self.xi)

    def dense(self) -> np.ndarray:
        """The matrix as an array, shape (lanes, lanes)."""
        return self.matrix if isinstance(self.matrix, np.ndarray) else np.asarray(self.matrix.toarray())

    def __repr__(self) -> str:
        return f"Coupling({self.lanes} labels, {type(self.matrix).__name__})"


class Kernel(Protocol):
    """w(ξ, dζ); `lanes` None is what suits the kernel."""

    def quadrature(self, lanes: int | None = None) -> Coupling: ...

    def sample(self, count: int, seed: int = 0) -> SynapseMatrix: ...


@dataclass(frozen=True)
class GaussLegendre:
    """Labels and weights of Gauss and Legendre: of spectral accuracy for kernels and data that are smooth in ξ.

    >>> xi, weight = GaussLegendre()(3)
    >>> round(float(weight @ xi**5), 12)
    0.166666666667
    """

    def __call__(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        from scipy.special import roots_legendre  # of a tridiagonal matrix: thousands of labels take no time

        x, w = roots_legendre(lanes)
        return 0.5 * (x + 1.0), 0.5 * w


@dataclass(frozen=True)
class Midpoint:
    """Equidistant labels (k − ½)/lanes of equal weight: of second order, spectral for what is smooth and periodic."""

    def __call__(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        return labels(lanes), np.full(lanes, 1.0 / lanes)


Rule = Callable[[int], tuple[np.ndarray, np.ndarray]]


def labels(count: int) -> np.ndarray:
    """ξ_i = (i − ½)/count, i = 1, …, count."""
    return (np.arange(count) + 0.5) / count


# --- kernels that have a density --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ConstantKernel:
    """w(ξ, dζ) = w dζ: everybody acts on everybody alike, the classical mean field; Erdős–Rényi graphs tend to it.

    Parameters
    ----------
    w : float
        Strength (dimensionless): positive excites, negative inhibits.

    >>> (ConstantKernel(2.0).quadrature().matrix @ np.array([0.5])).tolist()
    [1.0]
    """

    w: float

    def __post_init__(self) -> None:
        finite_number("w", self.w)

    def quadrature(self, lanes: int | None = None, rule: Rule = GaussLegendre()) -> Coupling:
        """Exact with one label, the default; more are for data that depend on ξ."""
        xi, weight = rule(_lanes(lanes, 1))
        return Coupling(xi, weight, LowRankMatrix(np.full((len(xi), 1), float(self.w)), weight[:, None]))

    def sample(self, count: int, seed: int = 0, degree: float | None = None) -> SynapseMatrix:
        """w_ij = w/N; with a `degree` d, w/d where A_ij = 1, independent of probability d/N. No w_ii."""
        return _sampled(
            lambda xi, zeta: np.full(np.broadcast_shapes(xi.shape, zeta.shape), self.w), count, degree, seed
        )


@dataclass(frozen=True, eq=False)
class BlockKernel:
    """Populations that differ: w(ξ, ζ) = matrix[p, q] for ξ in population p and ζ in population q.

    Parameters
    ----------
    matrix : array, shape (blocks, blocks)
        matrix[p, q] times the rate of q is the drift of p if q were the whole network (dimensionless).
    shares : array, shape (blocks,)
        Of the neurons, positive, of sum 1.

    Raises
    ------
    InvalidArgument
        If the shapes do not fit, a number is not finite, or the shares are not positive of sum 1.

    >>> coupling = BlockKernel([[2.5, -2.0], [3.0, -1.5]], [0.8, 0.2]).quadrature()
    >>> (coupling.matrix @ np.array([1.0, 1.0])).round(12).tolist()
    [1.6, 2.1]
    """

    matrix: np.ndarray
    shares: np.ndarray

    def __post_init__(self) -> None:
        matrix, shares = real_array("matrix", self.matrix), real_array("shares", self.shares)
        if shares.ndim != 1 or not len(shares) or matrix.shape != (len(shares), len(shares)):
            raise InvalidArgument(
                f"`matrix` must have a row and a column for each of the `shares`, but they have the shapes "
                f"{matrix.shape} and {shares.shape}."
            )
        if not np.all(np.isfinite(matrix)):
            raise InvalidArgument("`matrix` must be finite.")
        if not np.all(shares > 0.0) or abs(shares.sum() - 1.0) > 1e-12:
            raise InvalidArgument("`shares` must be positive and of sum 1; divide them by their sum.")
        object.__setattr__(self, "matrix", frozen(matrix))
        object.__setattr__(self, "shares", frozen(shares))

    def block(self, xi: np.ndarray) -> np.ndarray:
        """To which population labels belong, integers of the same shape."""
        inner = np.cumsum(self.shares)[:-1]
        return np.searchsorted(inner, np.asarray(xi), side="right")

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """Exact with a label for each population, the default; more are dealt out by the shares."""
        blocks = len(self.shares)
        lanes = _lanes(lanes, blocks)
        if lanes < blocks:
            raise InvalidArgument(f"`lanes` = {lanes}, but there are {blocks} populations; use at least as many.")
        parts = np.ones(blocks, dtype=int)
        for _ in range(lanes - blocks):  # the next label to the population whose labels stand for most
            parts[np.argmax(self.shares / parts)] += 1
        begins = np.concatenate([[0.0], np.cumsum(self.shares)[:-1]])
        xi = np.concatenate([b + s * labels(k) for b, s, k in zip(begins, self.shares, parts, strict=True)])
        weight, where = np.repeat(self.shares / parts, parts), np.repeat(np.arange(blocks), parts)
        return Coupling(xi, weight, self.matrix[np.ix_(where, where)] * weight)

    def sample(self, count: int, seed: int = 0, degree: float | None = None) -> SynapseMatrix:
        """As `ConstantKernel.sample`; neurons are numbered population by population."""
        return _sampled(lambda xi, zeta: self.matrix[self.block(xi), self.block(zeta)], count, degree, seed)


@dataclass(frozen=True)
class SmoothKernel:
    """w(ξ, dζ) = w(ξ, ζ) dζ for a function w, a graphon with a sign.

    Parameters
    ----------
    function : callable
        w(ξ, ζ) for two arrays of labels that broadcast against each other (dimensionless).
    rule : GaussLegendre or Midpoint
        Where the labels are: the latter where w is periodic, or not smooth.

    >>> kernel = SmoothKernel(lambda xi, zeta: 1.0 + xi * zeta)
    >>> (kernel.quadrature(2).matrix @ np.array([1.0, 1.0])).round(12).tolist()
    [1.105662432703, 1.394337567297]
    """

    function: Callable[[np.ndarray, np.ndarray], np.ndarray]
    rule: Rule = GaussLegendre()

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidArgument(f"`function` must be a function of two arrays of labels, not {self.function!r}.")

    def value(self, xi: np.ndarray, zeta: np.ndarray) -> np.ndarray:
        """w(ξ, ζ); refuses a function that does not return finite numbers of the common shape."""
        shape = np.broadcast_shapes(xi.shape, zeta.shape)
        values = np.asarray(self.function(xi, zeta))
        whole = values.ndim == len(shape) and all(n in (1, m) for n, m in zip(values.shape, shape, strict=True))
        if whole or values.ndim == 0:
            values = np.broadcast_to(values, shape)  # a kernel may depend on one of its arguments only
        if values.dtype.kind not in "biuf" or values.shape != shape or not np.all(np.isfinite(values)):
            raise InvalidArgument(
                f"`function` must map two arrays of labels to finite numbers of their common shape {shape}, not to "
                f"{values!r:.60}."
            )
        return values.astype(float)

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """w(ξ_k, ξ_l) times the weight of ξ_l."""
        xi, weight = self.rule(_lanes(lanes, SMOOTH_LANES))
        return Coupling(xi, weight, self.value(xi[:, None], xi[None, :]) * weight)

    def sample(self, count: int, seed: int = 0, degree: float | None = None) -> SynapseMatrix:
        """w_ij = w(ξ_i, ξ_j)/N; with a `degree` d, w(ξ_i, ξ_j)/d where A_ij = 1, of probability d/N. No w_ii."""
        return _sampled(self.value, count, degree, seed)


@dataclass(frozen=True)
class LowRankKernel:
    """w(ξ, ζ) = Σ_r u_r(ξ) v_r(ζ), whose action costs O(lanes · rank) and so allows many labels.

    Parameters
    ----------
    left, right : sequence of callables
        u_r and v_r, functions of an array of labels (dimensionless).
    rule : GaussLegendre or Midpoint

    >>> kernel = LowRankKernel([lambda xi: 2.0 * xi], [np.ones_like])
    >>> kernel.quadrature(4).matrix
    LowRankMatrix(4 × 4 of rank 1)
    """

    left: Sequence[Function]
    right: Sequence[Function]
    rule: Rule = GaussLegendre()

    def __post_init__(self) -> None:
        for name in ("left", "right"):
            given = getattr(self, name)
            functions = (given,) if callable(given) else tuple(given)
            if not functions or not all(callable(f) for f in functions):
                raise InvalidArgument(f"`{name}` must be a sequence of functions of the label, not {given!r}.")
            object.__setattr__(self, name, functions)
        if len(self.left) != len(self.right):
            raise InvalidArgument(
                f"`left` has {len(self.left)} functions and `right` {len(self.right)}; each rank needs one of both."
            )

    def _factors(self, xi: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return _columns("left", self.left, xi), _columns("right", self.right, xi)

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """Never builds lanes × lanes numbers."""
        xi, weight = self.rule(_lanes(lanes, SMOOTH_LANES))
        left, right = self._factors(xi)
        return Coupling(xi, weight, LowRankMatrix(left, right * weight[:, None]))

    def sample(self, count: int, seed: int = 0, degree: float | None = None) -> SynapseMatrix:
        """As `SmoothKernel.sample`."""

        def value(xi: np.ndarray, zeta: np.ndarray) -> np.ndarray:
            shape = np.broadcast_shapes(xi.shape, zeta.shape)
            u, v = _columns("left", self.left, xi.ravel()), _columns("right", self.right, zeta.ravel())
            if len(shape) == 2:
                return u @ v.T
            return np.einsum("kr,kr->k", u, v)

        return _sampled(value, count, degree, seed)


def in_degree_kernel(receives: Function, sends: Function | None = None) -> LowRankKernel:
    """w(ξ, ζ) = a(ξ) b(ζ): neurons that differ only in how much they receive and how much they send (Chung–Lu).

    Parameters
    ----------
    receives, sends : callable
        a(ξ) and b(ζ) (dimensionless); b = 1 unless it is given.

    >>> in_degree_kernel(lambda xi: 2.0 * xi).quadrature(8).matrix
    LowRankMatrix(8 × 8 of rank 1)
    """
    return LowRankKernel((receives,), (np.ones_like if sends is None else sends,))


# --- kernels that are measures ----------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class RingKernel:
    """w(ξ, dζ) = Σ_m c_m δ(ζ − ξ − s_m mod 1): neurons on a ring that listen to those at given distances.

    No density: this is where graphons fail and measures are needed. On equidistant labels it is a sparse circulant; a
    shift that is no multiple of their spacing is interpolated linearly between two labels, an error of second order.

    Parameters
    ----------
    strengths, shifts : float or array, shape (m,)
        c_m and s_m (dimensionless; the ring has length 1).

    >>> RingKernel([0.5, 0.5], [-0.25, 0.25]).quadrature(4).matrix.toarray().tolist()[0]
    [0.0, 0.5, 0.0, 0.5]
    """

    strengths: np.ndarray
    shifts: np.ndarray

    def __post_init__(self) -> None:
        strengths, shifts = (np.atleast_1d(real_array(name, getattr(self, name))) for name in ("strengths", "shifts"))
        if strengths.ndim != 1 or strengths.shape != shifts.shape or not len(shifts):
            raise InvalidArgument(
                f"`strengths` and `shifts` must be vectors of one length, not of the shapes {strengths.shape} and "
                f"{shifts.shape}."
            )
        if not np.all(np.isfinite(strengths)) or not np.all(np.isfinite(shifts)):
            raise InvalidArgument("`strengths` and `shifts` must be finite.")
        object.__setattr__(self, "strengths", frozen(strengths))
        object.__setattr__(self, "shifts", frozen(shifts))

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """Equidistant labels, a sparse matrix; rows and columns sum to Σ c_m."""
        lanes = _lanes(lanes, RING_LANES)
        xi, weight = Midpoint()(lanes)
        terms = [c * _interpolation(xi + s, lanes) for c, s in zip(self.strengths, self.shifts, strict=True)]
        return Coupling(xi, weight, sum(terms[1:], terms[0]))

    def sample(self, count: int, seed: int = 0, degree: int | None = None) -> SynapseMatrix:
        """Each atom c_m is spread evenly over the `degree` neurons around its place, √N of them unless given.

        A degree that grows more slowly than N is what makes max |w_ij| → 0 while the limit keeps its atoms; degree = 1
        is the ring itself, whose weights do not tend to zero. Nothing is random.
        """
        places = [labels(_count(count)) + s for s in self.shifts]
        return _windows(places, self.strengths, count, degree)


@dataclass(frozen=True, eq=False)
class PermutationKernel:
    """w(ξ, dζ) = c δ(ζ − φ(ξ)), φ a map of [0, 1] that preserves measure: everybody listens to one other label.

    Parameters
    ----------
    strength : float
        c (dimensionless).
    map : callable or sequence of int
        φ(ξ) for an array of labels, with values in [0, 1); or a permutation (p_0, …, p_{n−1}) of n equal intervals.

    Raises
    ------
    InvalidArgument
        If the map leaves [0, 1] or does not preserve measure (which bounds sup_ζ ∫ |w(dξ, ζ)|).

    >>> PermutationKernel(2.0, [1, 2, 0]).quadrature().matrix.toarray().tolist()
    [[0.0, 2.0, 0.0], [0.0, 0.0, 2.0], [2.0, 0.0, 0.0]]
    """

    strength: float
    map: Function | Sequence[int] | np.ndarray

    def __post_init__(self) -> None:
        finite_number("strength", self.strength)
        if not callable(self.map):
            order = np.asarray(self.map)
            if order.ndim != 1 or order.dtype.kind not in "iu" or not len(order):
                raise InvalidArgument("`map` must be a function of the label or a permutation of 0, …, n − 1.")
            if not np.array_equal(np.sort(order), np.arange(len(order))):
                raise InvalidArgument(f"`map` must hold every number from 0 to {len(order) - 1} once.")
            object.__setattr__(self, "map", frozen(order.astype(np.int64)))
            return
        image = self.image(labels(BINS * PER_BIN))
        held = np.histogram(image, np.linspace(0.0, 1.0, BINS + 1))[0] / PER_BIN
        if np.max(np.abs(held - 1.0)) > UNEVEN:
            worst = int(np.argmax(np.abs(held - 1.0)))
            raise InvalidArgument(
                f"`map` must preserve measure, but it carries {held[worst]:.3g} times the length of "
                f"[{worst / BINS:g}, {(worst + 1) / BINS:g}] to there; with a density use SmoothKernel."
            )

    def image(self, xi: np.ndarray) -> np.ndarray:
        """φ(ξ), same shape as xi."""
        if not callable(self.map):
            n = len(self.map)
            cell = np.minimum((xi * n).astype(np.int64), n - 1)
            return (np.asarray(self.map)[cell] + (xi * n - cell)) / n
        values = np.asarray(self.map(xi), dtype=float)
        if values.shape != xi.shape or not np.all((values >= 0.0) & (values <= 1.0)):
            raise InvalidArgument("`map` must map an array of labels in [0, 1] to one of the same shape in [0, 1].")
        return values

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """Equidistant labels; exact for a permutation of n intervals with n labels, its default, or a multiple."""
        lanes = _lanes(lanes, RING_LANES if callable(self.map) else len(self.map))
        xi, weight = Midpoint()(lanes)
        return Coupling(xi, weight, self.strength * _interpolation(self.image(xi), lanes))

    def sample(self, count: int, seed: int = 0, degree: int | None = None) -> SynapseMatrix:
        """As `RingKernel.sample`."""
        return _windows([self.image(labels(_count(count)))], np.array([self.strength]), count, degree)


# --- actual synapses --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class SynapseMatrix:
    """Actual synapses of N neurons: what `simulate_synapses` moves, and a kernel as well, S_i = Σ_j w_ij R_j.

    Parameters
    ----------
    matrix : array or sparse array, shape (N, N)
        w_ij, by how much a spike of neuron j moves neuron i (dimensionless). A dense float array is not copied; sparse
        ones are brought into compressed columns.
    xi : array, shape (N,), optional
        Labels of the neurons in [0, 1]. Default: (i − ½)/N.

    An entry w_ii acts as a kernel like any other, but on neurons it does nothing: who fires is reset. Leave out the
    diagonal where the two are compared.

    Raises
    ------
    InvalidArgument
        If the matrix is not square or not finite, or the labels do not fit it.

    >>> synapses = SynapseMatrix([[0.0, 0.5], [-0.5, 0.0]])
    >>> (synapses.quadrature().matrix @ np.array([1.0, 2.0])).tolist()
    [1.0, -0.5]
    """

    matrix: Any
    xi: np.ndarray = None  # type: ignore[assignment]  # the labels (i − ½)/N

    def __post_init__(self) -> None:
        from scipy.sparse import csc_array, issparse

        if issparse(self.matrix):
            given: Any = self.matrix
            matrix: Any = csc_array(given, dtype=float)
            if not matrix.has_canonical_format:
                matrix = matrix.copy()  # what was given is left as it is
                matrix.sum_duplicates()
            values = matrix.data
        else:
            given = self.matrix
            whole = isinstance(given, np.ndarray) and given.dtype == float
            matrix = values = given if whole else real_array("matrix", given)
        if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or not matrix.shape[0]:
            raise InvalidArgument(f"`matrix` must have as many rows as columns, but it has the shape {matrix.shape}.")
        if values.size and not np.isfinite(values.min() + values.max()):
            raise InvalidArgument("`matrix` must be finite.")
        count = int(matrix.shape[0])
        xi = labels(count) if self.xi is None else real_array("xi", self.xi)
        if xi.shape != (count,) or not np.all((xi >= 0.0) & (xi <= 1.0)):
            raise InvalidArgument(f"`xi` must hold a label from 0 to 1 of each of the {count} neurons.")
        object.__setattr__(self, "matrix", matrix)
        object.__setattr__(self, "xi", frozen(xi))

    @property
    def count(self) -> int:
        """Number of neurons."""
        return len(self.xi)

    @property
    def sparse(self) -> bool:
        return not isinstance(self.matrix, np.ndarray)

    @property
    def synapses(self) -> int:
        """Number of entries that are kept."""
        return int(self.matrix.nnz if self.sparse else self.matrix.size)

    @cached_property
    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of a sparse matrix: where each column begins, the receivers in it (4 bytes each), and w."""
        if not self.sparse:
            raise InvalidArgument("`columns` are those of a sparse matrix; this one is dense, use `.matrix`.")
        indptr = np.asarray(self.matrix.indptr, dtype=np.int64)
        return indptr, np.asarray(self.matrix.indices, dtype=np.int32), self.matrix.data

    @cached_property
    def received(self) -> np.ndarray:
        """Σ_j |w_ij|, shape (N,)."""
        if not self.sparse:
            return frozen(np.abs(self.matrix).sum(axis=1))
        total = np.zeros(self.count)
        indices, values = self.matrix.indices, self.matrix.data
        for first in range(0, len(values), CHUNK):  # 1e8 synapses should not be copied
            part = slice(first, first + CHUNK)
            total += np.bincount(indices[part], np.abs(values[part]), self.count)
        return frozen(total)

    def quadrature(self, lanes: int | None = None) -> Coupling:
        """The matrix itself: a label for each neuron, of weight 1/N."""
        if lanes is not None and lanes != self.count:
            raise InvalidArgument(
                f"`lanes` = {lanes}, but actual synapses have one for each of the {self.count} neurons; leave it out."
            )
        return Coupling(self.xi, np.full(self.count, 1.0 / self.count), self.matrix)

    def sample(self, count: int, seed: int = 0) -> SynapseMatrix:
        """The synapses among `count` neurons drawn without repetition, times N/count so that rows keep their mean."""
        if _count(count) > self.count:
            raise InvalidArgument(f"`count` = {count}, but there are {self.count} neurons to draw from.")
        if count == self.count:
            return self
        who = np.sort(np.random.default_rng(seed).choice(self.count, count, replace=False))
        return SynapseMatrix(self.matrix[who][:, who] * (self.count / count), self.xi[who])

    def __repr__(self) -> str:
        return f"SynapseMatrix({self.count} neurons, {self.synapses} {'sparse ' if self.sparse else ''}synapses)"


def as_synapses(weights: object) -> SynapseMatrix:
    """The SynapseMatrix itself, or that of an array; refuses a kernel that has not been sampled."""
    if isinstance(weights, SynapseMatrix):
        return weights
    if hasattr(weights, "sample"):
        raise InvalidArgument(f"`weights` = {weights!r} is a kernel; say for how many neurons: .sample(1000).")
    return SynapseMatrix(weights)


# --- the hypothesis of the limit --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Scaling:
    """How large synapses are.

    Attributes
    ----------
    count : int
        Number of neurons N.
    rows, columns : float
        sup_i Σ_j |w_ij|, what a neuron may receive, and sup_j Σ_i |w_ij|, what it may send.
    largest : float
        max |w_ij|.
    spread : float
        √(Σ w_ij²/N): the size of what single spikes and differing inputs add to the limit.
    unevenness : float
        The largest row over the median one.
    """

    count: int
    rows: float
    columns: float
    largest: float
    spread: float
    unevenness: float

    @property
    def total(self) -> float:
        """sup_i Σ_j |w_ij| + sup_j Σ_i |w_ij|."""
        return self.rows + self.columns

    @property
    def verdict(self) -> str:
        """What the numbers of one matrix can say, in a sentence."""
        found = []
        if self.largest > LARGE * max(self.rows, self.columns):
            found.append(f"single synapses are not small (max |w| = {self.largest:.3g})")
        if self.unevenness > UNEQUAL:
            found.append(f"there are hubs (the largest row is {self.unevenness:.3g} times the median)")
        if self.columns > UNEQUAL * self.rows:
            found.append(f"some neurons send {self.columns / self.rows:.3g} times what any receives")
        if found:
            return f"Far from the limit: {'; '.join(found)}."
        return (
            f"Nothing speaks against the limit: max |w| = {self.largest:.3g} is small against rows and columns of at "
            f"most {self.rows:.3g} and {self.columns:.3g}. Whether they stay bounded, only a family of matrices tells."
        )

    def __str__(self) -> str:
        return (
            f"N = {self.count}: rows ≤ {self.rows:.4g}, columns ≤ {self.columns:.4g}, max |w| = {self.largest:.4g}, "
            f"√(Σ w²/N) = {self.spread:.4g}, largest/median row {self.unevenness:.3g}. {self.verdict}"
        )


@dataclass(frozen=True)
class FamilyScaling:
    """How the sizes of synapses change along a family of growing networks: powers of N, fitted by least squares.

    Attributes
    ----------
    members : tuple of Scaling
    growth : float
        Of sup_i Σ_j |w_ij| + sup_j Σ_i |w_ij| ~ N^growth, which has to stay bounded.
    decay : float
        Of max |w_ij| ~ N^decay, which has to tend to zero.
    """

    members: tuple[Scaling, ...]
    growth: float
    decay: float

    @property
    def bounded(self) -> bool:
        return self.growth < BOUNDED

    @property
    def vanishing(self) -> bool:
        return self.decay < VANISHING

    @property
    def verdict(self) -> str:
        """Whether the hypothesis of the limit holds as far as these sizes show, in a sentence."""
        failing = []
        if not self.bounded:
            rows, columns = (_power(self.members, name) for name in ("rows", "columns"))
            which = "rows" if rows >= columns else "columns"
            failing.append(f"the {which} of hubs grow like N^{max(rows, columns):.2g} instead of staying bounded")
        if not self.vanishing:
            failing.append(f"max |w| goes like N^{self.decay:.2g} instead of tending to zero")
        sizes = f"from N = {self.members[0].count} to {self.members[-1].count}"
        if failing:
            return f"The hypothesis of the mean-field limit fails {sizes}: {' and '.join(failing)}."
        return (
            f"The hypothesis of the mean-field limit holds as far as is seen {sizes}: rows and columns go like "
            f"N^{self.growth:.2g}, max |w| like N^{self.decay:.2g}."
        )

    def __str__(self) -> str:
        return self.verdict


def scaling(matrix: object) -> Scaling:
    """Measure rows, columns and largest entry of synapses, of which the mean-field limit asks that
    sup_i Σ_j |w_ij| + sup_j Σ_i |w_ij| ≤ C and max |w_ij| → 0.

    Parameters
    ----------
    matrix : SynapseMatrix, array or sparse array, shape (N, N)
        w_ij, the effect on i of a spike of j (dimensionless).

    Raises
    ------
    InvalidArgument
        If it is not a square matrix of finite numbers.

    Source: Jabin, Zhou (2023), arXiv:2309.04046, hypotheses of the theorem.

    >>> scaling(np.full((100, 100), 0.02)).verdict[:33]
    'Nothing speaks against the limit:'
    """
    synapses = as_synapses(matrix)
    size = abs(synapses.matrix)
    rows, columns = synapses.received, np.asarray(size.sum(axis=0)).ravel()
    entries = size.data if synapses.sparse else size
    median = float(np.median(rows))
    top = float(rows.max())
    return Scaling(
        count=synapses.count,
        rows=top,
        columns=float(columns.max()),
        largest=float(entries.max(initial=0.0)),
        spread=float(np.sqrt(np.vdot(entries, entries) / synapses.count)),
        unevenness=top / median if median > 0.0 else (np.inf if top > 0.0 else 1.0),
    )


def family_scaling(matrices: Sequence[object]) -> FamilyScaling:
    """Measure a family of networks of growing N: do rows and columns stay bounded, does max |w_ij| tend to zero?

    Parameters
    ----------
    matrices : sequence of SynapseMatrix, array, sparse array or Scaling
        Of at least two different N.

    Raises
    ------
    InvalidArgument
        If all have the same number of neurons, or one has no synapses.

    Source: Jabin, Zhou (2023), arXiv:2309.04046, hypotheses of the theorem.

    >>> family = family_scaling([ConstantKernel(1.0).sample(count) for count in (50, 100, 200)])
    >>> family.bounded, round(family.decay, 9)
    (True, -1.0)
    """
    members = sorted((m if isinstance(m, Scaling) else scaling(m) for m in matrices), key=lambda m: m.count)
    if len({member.count for member in members}) < 2:
        raise InvalidArgument("`matrices` must be networks of at least two different sizes.")
    if not all(member.largest > 0.0 for member in members):
        raise InvalidArgument("`matrices` holds one without synapses; leave it out.")
    family = tuple(members)
    return FamilyScaling(family, _power(family, "total"), _power(family, "largest"))


def _power(members: Sequence[Scaling], name: str) -> float:
    """The exponent of N in an attribute."""
    sizes = np.log([member.count for member in members])
    values = np.log([getattr(member, name) for member in members])
    sizes = sizes - sizes.mean()
    return float(sizes @ (values - values.mean()) / (sizes @ sizes))


# --- random families --------------------------------------------------------------------------------------------------


def erdos_renyi(count: int, degree: float, strength: float = 1.0, seed: int = 0) -> SynapseMatrix:
    """Each of the other neurons acts on a neuron with probability d/N, by w/d; the limit is `ConstantKernel(w)`.

    Parameters
    ----------
    count : int
        Number of neurons N.
    degree : float
        Mean number d of synapses of a neuron, above 0 and at most N. The limit asks that it grow with N.
    strength : float
        w (dimensionless).
    seed : int

    Raises
    ------
    InvalidArgument
        If an argument is out of range.

    >>> erdos_renyi(400, degree=20.0, seed=1).sparse
    True
    """
    return ConstantKernel(strength).sample(count, seed, degree)


@dataclass(frozen=True)
class ParetoDegrees:
    """Degrees of a heavy tail: quantiles of the density ~ x^−exponent on 1 ≤ x ≤ cap, as functions of the level u.

    Parameters
    ----------
    exponent : float
        Above 2, so that there is a mean.
    cap : float or None
        Largest over smallest degree; None is no cap, and the largest of N goes like N^(1/(exponent − 1)).

    >>> ParetoDegrees(2.5, cap=8.0).quantile(np.array([0.0, 1.0])).round(12).tolist()
    [1.0, 8.0]
    """

    exponent: float = 2.5
    cap: float | None = 8.0

    def __post_init__(self) -> None:
        if finite_number("exponent", self.exponent) <= 2.0:
            raise InvalidArgument(f"`exponent` = {self.exponent:g}, but it must be above 2, or there is no mean.")
        if self.cap is not None and finite_number("cap", self.cap) <= 1.0:
            raise InvalidArgument(f"`cap` = {self.cap:g} is largest over smallest degree and must be above 1.")

    def quantile(self, u: np.ndarray) -> np.ndarray:
        """Q(u), from 1 to the cap."""
        tail = self.exponent - 1.0
        return (1.0 - u * self._part) ** (-1.0 / tail)

    def __call__(self, u: np.ndarray) -> np.ndarray:
        """Q(u) over its mean ∫ Q du."""
        power = 1.0 - 1.0 / (self.exponent - 1.0)
        return self.quantile(u) * (self._part * power) / (1.0 - (1.0 - self._part) ** power)

    @property
    def _part(self) -> float:
        return 1.0 if self.cap is None else 1.0 - self.cap ** (1.0 - self.exponent)


def chung_lu(
    count: int, degree: float, strength: float = 1.0, degrees: ParetoDegrees = ParetoDegrees(), noise: float = 0.0,
    seed: int = 0,
) -> SynapseMatrix:  # fmt: skip
    """A graph of given expected degrees: w_ij = (w/d) X_ij with probability min(1, d a_i b_j/N), else 0.

    a and b are independent permutations of the N quantiles at the levels (i − ½)/N, divided by their mean; ξ_i is the
    level of a_i, and X_ij a log-normal factor of mean 1. The limit is `in_degree_kernel`(w · degrees): what a neuron
    sends does not depend on what it receives.

    Parameters
    ----------
    count : int
        Number of neurons N.
    degree : float
        Mean degree d, positive.
    strength : float
        w (dimensionless).
    degrees : ParetoDegrees
        Without a cap the rows of hubs grow like a power of N, and the hypothesis of the limit fails.
    noise : float
        Standard deviation of ln X, zero or positive.
    seed : int

    Raises
    ------
    InvalidArgument
        If an argument is out of range.

    Source: Chung, Lu, Ann. Comb. 6 (2002) 125; drawn in classes of like degrees, in O(N + synapses).

    >>> chung_lu(300, degree=30.0, seed=2).count
    300
    """
    count, degree = _count(count), positive("degree", degree)
    finite_number("strength", strength)
    non_negative("noise", noise)
    rng = np.random.default_rng(seed)
    levels = labels(count)
    quantiles = degrees.quantile(levels)
    quantiles = quantiles / quantiles.mean()
    receiver, sender = rng.permutation(count), rng.permutation(count)
    a, b = quantiles[receiver], quantiles[sender]
    rows, columns = [], []
    for i, j in _products(a, b, degree / count, rng):
        kept = i != j
        rows.append(i[kept].astype(np.int32))
        columns.append(j[kept].astype(np.int32))
    i, j = np.concatenate(rows), np.concatenate(columns)
    values = np.full(len(i), strength / degree)
    if noise:
        values *= rng.lognormal(-0.5 * noise**2, noise, len(i))
    return SynapseMatrix(_by_columns(values, i, j, count), levels[receiver])


def hub_network(count: int, degree: float, strength: float = 1.0, hub: float = 0.1, seed: int = 0) -> SynapseMatrix:
    """An Erdős–Rényi graph with one neuron that acts on everybody by `hub`, whatever N: the limit does not apply.

    Parameters
    ----------
    count, degree, strength, seed
        As for `erdos_renyi`.
    hub : float
        Weight of the synapses of neuron 0, of order one (dimensionless).

    >>> family = [hub_network(count, degree=20.0) for count in (100, 200, 400)]
    >>> family_scaling(family).verdict[:65]
    'The hypothesis of the mean-field limit fails from N = 100 to 400:'
    """
    background = erdos_renyi(count, degree, strength, seed).matrix
    others = np.arange(1, count)
    star = _by_columns(np.full(count - 1, finite_number("hub", hub)), others, np.zeros_like(others), count)
    return SynapseMatrix(background + star)


# --- helpers ----------------------------------------------------------------------------------------------------------


def _count(count: object) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InvalidArgument(f"`count` must be a whole number of neurons, at least 1, not {count!r}.")
    return int(count)


def _lanes(lanes: object, default: int) -> int:
    if lanes is None:
        return default
    if isinstance(lanes, bool) or not isinstance(lanes, int | np.integer) or lanes < 1:
        raise InvalidArgument(f"`lanes` must be a whole number of labels, at least 1, not {lanes!r}.")
    return int(lanes)


def _columns(name: str, functions: Sequence[Function], xi: np.ndarray) -> np.ndarray:
    """The functions at the labels, shape (lanes, rank)."""
    values = [np.asarray(f(xi)) for f in functions]
    if any(v.shape != xi.shape or v.dtype.kind not in "biuf" or not np.all(np.isfinite(v)) for v in values):
        raise InvalidArgument(f"`{name}` must map an array of labels to finite numbers of the same shape.")
    return np.stack(values, axis=-1).astype(float)


def _interpolation(places: np.ndarray, lanes: int) -> csr_array:
    """The matrix that interpolates linearly between the labels (k − ½)/lanes of a ring."""
    from scipy.sparse import csr_array

    x = places * lanes - 0.5
    left = np.floor(x + ON_NODE)
    part = np.maximum(x - left, 0.0)
    part[part < 2.0 * ON_NODE] = 0.0
    left = left.astype(np.int64)
    rows = np.tile(np.arange(len(places)), 2)
    columns = np.concatenate([left % lanes, (left + 1) % lanes])
    matrix = csr_array((np.concatenate([1.0 - part, part]), (rows, columns)), shape=(len(places), lanes))
    matrix.eliminate_zeros()
    return matrix


def _windows(places: list[np.ndarray], strengths: np.ndarray, count: int, degree: object) -> SynapseMatrix:
    """Each atom spread evenly over the `degree` neurons around its place."""
    count = _count(count)
    size = max(1, round(np.sqrt(count))) if degree is None else degree
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or not 1 <= size <= count:
        raise InvalidArgument(f"`degree` must be a whole number of neurons from 1 to {count}, not {size!r}.")
    offsets = np.arange(size) - 0.5 * (size - 1)
    rows, columns, values = [], [], []
    for place, c in zip(places, strengths, strict=True):
        targets = np.floor(place[:, None] * count + offsets + ON_NODE).astype(np.int64) % count
        rows.append(np.repeat(np.arange(count), size))
        columns.append(targets.ravel())
        values.append(np.full(count * size, c / size))
    return SynapseMatrix(_by_columns(np.concatenate(values), np.concatenate(rows), np.concatenate(columns), count))


def _by_columns(values: np.ndarray, rows: np.ndarray, columns: np.ndarray, count: int) -> Any:
    from scipy.sparse import csc_array

    return csc_array((values, (rows, columns)), shape=(count, count))


def _sampled(
    value: Callable[[np.ndarray, np.ndarray], np.ndarray], count: int, degree: object, seed: int
) -> SynapseMatrix:
    """w(ξ_i, ξ_j)/N, or w(ξ_i, ξ_j) A_ij/d with A_ij = 1 of probability d/N; no w_ii, which would do nothing."""
    count = _count(count)
    xi = labels(count)
    if degree is None:
        matrix = value(xi[:, None], xi[None, :]) / count
        np.fill_diagonal(matrix, 0.0)
        return SynapseMatrix(matrix, xi)
    d = positive("degree", degree)
    if d > count:
        raise InvalidArgument(f"`degree` = {d:g} must be at most the number of neurons, {count}.")
    from scipy.sparse import csc_array

    rng = np.random.default_rng(seed)
    indptr = np.zeros(count + 1, dtype=np.int64)
    room = int(min(count * d + 10.0 * np.sqrt(count * d) + 10.0, count * (count - 1)))
    indices, values = np.empty(room, dtype=np.int32), np.empty(room)
    done, wide = 0, max(1, int(CHUNK / (d + 1.0)))
    for first in range(0, count, wide):
        last = min(first + wide, count)
        # A column has count − 1 places: that of the diagonal is skipped.
        hit = np.concatenate(list(_hits((last - first) * (count - 1), d / count, rng)))
        column, row = np.divmod(hit, max(count - 1, 1))
        indptr[first + 1 : last + 1] = np.bincount(column, minlength=last - first)
        column += first
        row += row >= column
        end = done + len(row)
        indices[done:end] = row  # ten standard deviations of room
        values[done:end] = value(xi[row], xi[column])
        values[done:end] /= d
        done = end
    indptr = np.cumsum(indptr)
    if done < np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    return SynapseMatrix(csc_array((values[:done], indices[:done], indptr), shape=(count, count)), xi)


def _hits(trials: int, p: float, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """The numbers of the successes among independent trials, in order, by the gaps between them."""
    if p >= 1.0:
        yield np.arange(trials)
        return
    done = -1
    while True:
        expected = (trials - done) * p
        gaps = rng.geometric(p, int(min(expected + 4.0 * np.sqrt(expected) + 8.0, CHUNK)))
        np.cumsum(gaps, out=gaps)
        gaps += done
        if gaps[-1] >= trials:
            yield gaps[: np.searchsorted(gaps, trials)]
            return
        yield gaps
        done = int(gaps[-1])


def _products(
    a: np.ndarray, b: np.ndarray, factor: float, rng: np.random.Generator
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pairs (i, j), each with probability min(1, factor a_i b_j), independently.

    Within a class a and b vary by a factor of two, so at least about a quarter of the candidates, which are drawn with
    the largest probability of two classes, are kept.
    """
    classes = [
        [np.flatnonzero(octave == k) for k in np.unique(octave)]
        for octave in (np.floor(np.log2(x)).astype(int) for x in (a, b))
    ]
    for rows in classes[0]:
        for columns in classes[1]:
            bound = min(1.0, factor * float(a[rows].max() * b[columns].max()))
            for hit in _hits(len(rows) * len(columns), bound, rng):
                i, j = rows[hit % len(rows)], columns[hit // len(rows)]
                kept = rng.random(len(i)) * bound < np.minimum(1.0, factor * a[i] * b[j])
                yield i[kept], j[kept]
