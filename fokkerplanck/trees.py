"""Observables indexed by trees: the statistics of a network whose neurons all differ in their synapses.

For a rooted tree T with the vertices 1, …, n, 1 being the root, and a function φ_k of the potential at each vertex,

    τ_N(T) = (1/N) Σ_{i_1, …, i_n} Π_{edges j → k} w_{i_j i_k}  E Π_k φ_k(V_{i_k}),                            particles
    τ_∞(T) = ∫_{[0,1]^n} Π_{edges j → k} w(ξ_j, dξ_k) Π_k p_k(ξ_k) dξ_1,   p_k(ξ) = ∫ φ_k(v) f(v, ξ) dv,      densities

where an edge goes from a vertex to its child, and the neuron of the child acts on that of its parent. The vertex alone
is the one-particle law, and φ = 1 gives the homomorphism densities of the kernel. If all τ_N tend to τ_∞ at the start,
they do so ever after: Jabin, Zhou (2023), arXiv:2309.04046; Jabin, Poyato, Soler (2021), arXiv:2112.15406.

Two indices of the sum may name the same neuron; such terms are kept, with φ_j(V_i) φ_k(V_i) at the same V_i. They are a
share O(max |w_ij|) of the sum, so that leaving them out would have the same limit.

The n-fold sum is never built. Messages pass from the leaves to the root: a vertex sends φ(V) times the product of what
its children send, each multiplied by w; the mean of what the root would send is τ. That is a product of w with a vector
for each edge.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations_with_replacement
from typing import Any

import numpy as np

from .models.synapses import Coupling, as_synapses
from .outcomes import InvalidArgument, frozen, real_array

Test = Callable[[np.ndarray], np.ndarray]
"""φ(v), for an array of potentials."""
Nested = tuple["Nested", ...]
"""A tree as the tuple of what hangs at its root."""

TOGETHER = 1 << 20
"""Potentials whose messages are computed at a time."""
LARGEST = 12
"""Vertices up to which all trees are enumerated: there are 4766 with 12."""
MOST_VOLTAGES = 3
MOST_NUMBERS = 100_000_000


@dataclass(frozen=True)
class Tree:
    """A rooted tree; each vertex has the parent `parents[k]`, and the root, the vertex 0, has −1.

    Parameters
    ----------
    parents : tuple of int
        Every vertex but the root comes after its parent.

    Raises
    ------
    InvalidArgument
        If that is not so.

    >>> Tree((-1, 0, 0)), Tree((-1, 0, 1)).name, Tree((-1, 0, 1, 0)).name
    (Tree((-1, 0, 0)), 'chain of 3', '(()(()))')
    """

    parents: tuple[int, ...] = (-1,)

    def __post_init__(self) -> None:
        given = self.parents
        if not isinstance(given, Sequence) or not len(given):
            raise InvalidArgument(f"`parents` must be a sequence of whole numbers that begins with −1, not {given!r}.")
        if not all(isinstance(p, int | np.integer) and not isinstance(p, bool) for p in given):
            raise InvalidArgument(f"`parents` must be whole numbers, not {given!r}.")
        parents = tuple(int(p) for p in given)
        if parents[0] != -1 or not all(0 <= p < k for k, p in enumerate(parents) if k):
            raise InvalidArgument(
                f"`parents` = {parents} must be −1 for the root, the first vertex, and for every other the number of "
                f"a vertex before it."
            )
        object.__setattr__(self, "parents", parents)

    @classmethod
    def nested(cls, subtrees: Nested) -> Tree:
        """The tree of which `subtrees` is the tuple of what hangs at the root, each such a tuple itself.

        >>> Tree.nested(((), ((),))).parents
        (-1, 0, 0, 2)
        """
        parents: list[int] = []

        def add(children: Nested, parent: int) -> None:
            if not isinstance(children, tuple):
                raise InvalidArgument(f"`subtrees` must be nested tuples such as ((), ((),)), not {subtrees!r}.")
            own = len(parents)
            parents.append(parent)
            for child in children:
                add(child, own)

        add(subtrees, -1)
        return cls(tuple(parents))

    @classmethod
    def chain(cls, size: int) -> Tree:
        """Each vertex but the last has one child: root, what acts on it, what acts on that, …"""
        return cls(tuple(range(-1, _size(size) - 1)))

    @classmethod
    def star(cls, size: int) -> Tree:
        """The root has size − 1 children and nobody else has any."""
        return cls((-1,) + (0,) * (_size(size) - 1))

    @classmethod
    def all(cls, size: int) -> tuple[Tree, ...]:
        """All rooted trees of at most `size` vertices, from the smallest up: 1, 1, 2, 4, 9, 20, … of each size.

        >>> [tree.name for tree in Tree.all(4)][:5]
        ['vertex', 'chain of 2', 'chain of 3', 'star of 3', 'chain of 4']
        """
        if _size(size) > LARGEST:
            raise InvalidArgument(f"`size` = {size}, but all trees are enumerated up to {LARGEST} vertices only.")
        by_size: list[list[Nested]] = [[], [()]]
        for n in range(2, size + 1):
            by_size.append([tuple(sorted(forest)) for forest in _forests(n - 1, by_size)])
        return tuple(cls.nested(tree) for trees in by_size for tree in sorted(trees, key=_order))

    @property
    def size(self) -> int:
        """Number of vertices |T|."""
        return len(self.parents)

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) of every edge: the child acts on the parent."""
        return tuple((p, k) for k, p in enumerate(self.parents) if k)

    @cached_property
    def children(self) -> tuple[tuple[int, ...], ...]:
        """Of each vertex."""
        found: list[list[int]] = [[] for _ in self.parents]
        for parent, child in self.edges:
            found[parent].append(child)
        return tuple(tuple(x) for x in found)

    @cached_property
    def forms(self) -> tuple[Nested, ...]:
        """The canonical form of what hangs at each vertex."""
        forms: list[Nested] = [()] * self.size
        for k in reversed(range(self.size)):
            forms[k] = tuple(sorted(forms[child] for child in self.children[k]))
        return tuple(forms)

    @property
    def form(self) -> Nested:
        """Nested tuples, the same for two trees exactly if they differ in the order of their vertices only."""
        return self.forms[0]

    @property
    def name(self) -> str:
        """In words, or with a pair of parentheses for each vertex."""
        if self.size == 1:
            return "vertex"
        if self.form == Tree.chain(self.size).form:
            return f"chain of {self.size}"
        if self.form == Tree.star(self.size).form:
            return f"star of {self.size}"
        return _parentheses(self.form)

    def canonical(self) -> Tree:
        """The same tree with its vertices in the order of the canonical form."""
        return Tree.nested(self.form)

    def grafted(self, vertex: int) -> Tree:
        """T + vertex: with one more leaf, the last vertex. The hierarchy of the observables closes T by these."""
        if not 0 <= vertex < self.size:
            raise InvalidArgument(f"`vertex` = {vertex}, but the tree has the vertices 0 to {self.size - 1}.")
        return Tree((*self.parents, int(vertex)))

    def __repr__(self) -> str:
        return f"Tree({self.parents})"


@dataclass(frozen=True, eq=False, repr=False)
class Observable:
    """τ of a tree.

    Attributes
    ----------
    value : float or array
        An array of shape (cells,)·|T| if it is a density in the potentials of the vertices.
    error : float or array
        Standard error over the realisations; NaN of one realisation, 0 of densities.
    samples : array, shape (realisations,) or (0,)
        The value of each realisation, if it is a number.
    """

    value: Any
    error: Any
    samples: np.ndarray

    def __repr__(self) -> str:
        if np.ndim(self.value):
            return f"Observable(density of the shape {np.shape(self.value)})"
        return f"Observable({self.value:.6g} ± {self.error:.2g}, {len(self.samples)} realisations)"


def tree_observable(
    tree: Tree,
    weights: object,
    *,
    particles: np.ndarray | None = None,
    densities: np.ndarray | None = None,
    v: np.ndarray | None = None,
    width: np.ndarray | float | None = None,
    test: Test | Sequence[Test] | None = None,
) -> Observable:
    """τ(T) of particles or of densities, by messages from the leaves to the root.

    Parameters
    ----------
    tree : Tree
    weights : SynapseMatrix, array, sparse array or Coupling
        The synapses of the particles, shape (N, N), or of densities what a kernel's `quadrature` returns.
    particles : array, shape (N,) or (realisations, N)
        Potentials (dimensionless).
    densities : array, shape (lanes, cells)
        f(v, ξ) at the labels of the coupling.
    v, width : array, shape (cells,)
        Of densities: cell centres, and widths (or one width).
    test : callable or sequence of callables
        φ, or φ_k for each vertex. Default: φ = 1.

    Returns
    -------
    Observable

    Raises
    ------
    InvalidArgument
        If shapes or numbers of functions do not fit.

    Source: Jabin, Zhou (2023), arXiv:2309.04046, definition of τ_N and τ_∞.

    >>> w = np.array([[0.0, 1.0], [0.5, 0.0]])
    >>> tree_observable(Tree.chain(2), w, particles=np.array([3.0, 5.0]), test=lambda v: v).value
    11.25
    """
    tests = _tests(tree, test)
    if (particles is None) == (densities is None):
        raise InvalidArgument("give either `particles` or `densities`.")
    if particles is None:
        coupling, f, h = _checked_densities(weights, densities, width)
        at = np.zeros(f.shape[1]) if test is None else _centres(v, f)
        values = [(f * h) @ _evaluated(phi, at) for phi in tests]
        message = _messages(tree, coupling.matrix, [p[:, None] for p in values], tests)
        return Observable(float(coupling.weight @ message[:, 0]), 0.0, frozen(np.empty(0)))
    matrix, V = _checked_particles(weights, particles)
    parts = []
    for rows in _batches(V):
        states = np.ascontiguousarray(rows.T)
        known: dict[int, np.ndarray] = {}
        for phi in tests:
            if id(phi) not in known:
                known[id(phi)] = _evaluated(phi, states)
        parts.append(_messages(tree, matrix, [known[id(phi)] for phi in tests], tests).mean(axis=0))
    samples = np.concatenate(parts)
    error = float(samples.std(ddof=1) / np.sqrt(len(samples))) if len(samples) > 1 else np.nan
    return Observable(float(samples.mean()), error, frozen(samples))


def tree_density(
    tree: Tree,
    weights: object,
    *,
    particles: np.ndarray | None = None,
    densities: np.ndarray | None = None,
    edges: np.ndarray | None = None,
) -> Observable:
    """τ(T) as a density in the potentials of all vertices, for trees of at most three.

    Of particles it is a histogram, of densities the values on their own cells; integrated against Π φ_k it is
    `tree_observable`.

    Parameters
    ----------
    tree : Tree
    weights, particles, densities
        As for `tree_observable`.
    edges : array, shape (cells + 1,)
        Of particles: increasing ends of the cells of the histogram. Who lies in none is left out.

    Returns
    -------
    Observable
        `value`[c_1, …, c_n] for the vertices in their order.

    Raises
    ------
    InvalidArgument
        If the tree is larger, or shapes do not fit.

    >>> w = np.array([[0.0, 1.0], [0.5, 0.0]])
    >>> pair = tree_density(Tree.chain(2), w, particles=np.array([0.2, 0.7]), edges=np.array([0.0, 0.5, 1.0]))
    >>> pair.value.tolist()
    [[0.0, 2.0], [1.0, 0.0]]
    """
    _tests(tree, None)
    if tree.size > MOST_VOLTAGES:
        raise InvalidArgument(
            f"`tree` has {tree.size} vertices, but densities are for at most {MOST_VOLTAGES}; use tree_observable with "
            f"test functions."
        )
    if (particles is None) == (densities is None):
        raise InvalidArgument("give either `particles` or `densities`.")
    if particles is None:
        coupling, f, _ = _checked_densities(weights, densities, 1.0)
        _check_numbers(f.shape[0], f.shape[1], tree)
        value = np.tensordot(coupling.weight, _spread_messages(tree, coupling.matrix, f), axes=1)
        return Observable(value, np.zeros_like(value), frozen(np.empty(0)))
    matrix, V = _checked_particles(weights, particles)
    if edges is None:
        raise InvalidArgument("`edges` is missing: the ends of the cells of the histogram.")
    faces = real_array("edges", edges)
    if faces.ndim != 1 or len(faces) < 2 or not np.all(np.diff(faces) > 0.0):
        raise InvalidArgument("`edges` must be a vector of at least two increasing potentials.")
    cells = len(faces) - 1
    _check_numbers(V.shape[1], cells, tree)
    total, squares = (np.zeros((cells,) * tree.size) for _ in range(2))
    for row in V:
        where = np.searchsorted(faces, row, side="right") - 1
        where[row == faces[-1]] = cells - 1
        held = (where[:, None] == np.arange(cells)) / np.diff(faces)
        one = _spread_messages(tree, matrix, held).mean(axis=0)
        total += one
        squares += one**2
    count = len(V)
    mean = total / count
    if count == 1:
        return Observable(mean, np.full_like(mean, np.nan), frozen(np.empty(0)))
    variance = np.maximum(squares / count - mean**2, 0.0) * count / (count - 1)
    return Observable(mean, np.sqrt(variance / count), frozen(np.empty(0)))


@dataclass(frozen=True)
class TreeGap:
    """τ_N of particles against τ_∞ of densities, for one tree.

    Attributes
    ----------
    tree : Tree
    found : Observable
        Of the particles.
    limit : float
    """

    tree: Tree
    found: Observable
    limit: float

    @property
    def difference(self) -> float:
        """τ_N − τ_∞."""
        return float(self.found.value - self.limit)

    def __str__(self) -> str:
        error = "" if np.isnan(self.found.error) else f" ± {self.found.error:.2g}"
        return f"{self.tree.name}: {self.found.value:.6g}{error}, limit {self.limit:.6g}, {self.difference:+.3g}"


def tree_gaps(
    size: int,
    weights: object,
    particles: np.ndarray,
    coupling: Coupling,
    densities: np.ndarray,
    v: np.ndarray,
    width: np.ndarray | float,
    test: Test | None = None,
) -> tuple[TreeGap, ...]:
    """How far particles are from densities in the observables of all trees up to a size.

    At the start this is the hypothesis of the limit theorem: whoever has synapses (a connectome) and a kernel that may
    stand for them can see, before simulating anything, whether they belong together.

    Parameters
    ----------
    size : int
        Vertices of the largest trees.
    weights, particles, coupling, densities, v, width, test
        As for `tree_observable`: the synapses and potentials, the kernel on its labels and f on its cells.

    Returns
    -------
    tuple of TreeGap
        From the smallest tree up.

    Raises
    ------
    InvalidArgument
        As `tree_observable`.

    Source: Jabin, Zhou (2023), arXiv:2309.04046, the assumption τ_N(t = 0) → τ_∞(t = 0).

    >>> from fokkerplanck.models.synapses import ConstantKernel
    >>> kernel = ConstantKernel(2.0)
    >>> f, v = np.array([[1.0, 1.0]]), np.array([0.25, 0.75])
    >>> for gap in tree_gaps(2, kernel.sample(100), np.full(100, 0.5), kernel.quadrature(), f, v, 0.5):
    ...     print(gap)
    vertex: 1, limit 1, +0
    chain of 2: 1.98, limit 2, -0.02
    """
    return tuple(
        TreeGap(
            tree,
            tree_observable(tree, weights, particles=particles, test=test),
            tree_observable(tree, coupling, densities=densities, v=v, width=width, test=test).value,
        )
        for tree in Tree.all(size)
    )


# --- messages ---------------------------------------------------------------------------------------------------------


def _messages(tree: Tree, matrix: Any, values: list[np.ndarray], tests: Sequence[object]) -> np.ndarray:
    """What the root would send, same shape as each of `values`; like branches with like functions send it once."""
    sent: dict[object, np.ndarray] = {}
    keys: list[object] = [None] * tree.size
    message = values[0]
    for k in reversed(range(tree.size)):
        keys[k] = (id(tests[k]), tuple(sorted((keys[child] for child in tree.children[k]), key=repr)))
        if k and keys[k] in sent:
            continue
        message = values[k]
        for child in tree.children[k]:
            message = message * sent[keys[child]]
        if k:
            sent[keys[k]] = matrix @ message
    return message


def _spread_messages(tree: Tree, matrix: Any, f: np.ndarray) -> np.ndarray:
    """As `_messages`, but with an axis for the potential of each vertex: shape (lanes, cells, …, cells)."""

    def sent(k: int) -> tuple[np.ndarray, list[int]]:
        message, order = f, [k]
        for child in tree.children[k]:
            branch, theirs = sent(child)
            flat = matrix @ branch.reshape(len(branch), -1)
            message = message.reshape(len(f), -1)[:, :, None] * flat[:, None, :]
            order += theirs
        return message.reshape(len(f), *[f.shape[1]] * len(order)), order

    message, order = sent(0)
    return np.transpose(message, [0, *[1 + order.index(k) for k in range(tree.size)]])


# --- trees ------------------------------------------------------------------------------------------------------------


def _forests(vertices: int, by_size: list[list[Nested]]) -> Iterator[Nested]:
    """All multisets of trees with so many vertices together."""

    def fill(left: int, largest: int) -> Iterator[Nested]:
        if left == 0:
            yield ()
            return
        for size in range(min(left, largest), 0, -1):
            for times in range(1, left // size + 1):
                for chosen in combinations_with_replacement(by_size[size], times):
                    for rest in fill(left - times * size, size - 1):
                        yield chosen + rest

    return fill(vertices, vertices)


def _order(form: Nested) -> tuple[int, int, str]:
    """Deep trees first."""
    return _vertices(form), -_depth(form), _parentheses(form)


def _vertices(form: Nested) -> int:
    return 1 + sum(map(_vertices, form))


def _depth(form: Nested) -> int:
    return 1 + max(map(_depth, form), default=0)


def _parentheses(form: Nested) -> str:
    return "(" + "".join(map(_parentheses, form)) + ")"


def _size(size: object) -> int:
    if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1:
        raise InvalidArgument(f"`size` must be a whole number of vertices, at least 1, not {size!r}.")
    return int(size)


# --- what is accepted -------------------------------------------------------------------------------------------------


def _one(v: np.ndarray) -> np.ndarray:
    return np.ones(np.shape(v))


def _tests(tree: object, test: object) -> list[Test]:
    if not isinstance(tree, Tree):
        raise InvalidArgument(f"`tree` must be a Tree, such as Tree.chain(3), not {tree!r}.")
    if test is None or callable(test):
        return [_one if test is None else test] * tree.size
    if not isinstance(test, Sequence) or len(test) != tree.size or not all(callable(phi) for phi in test):
        raise InvalidArgument(f"`test` must be a function of the potential, or one for each of {tree.size} vertices.")
    return list(test)


def _evaluated(phi: Test, v: np.ndarray) -> np.ndarray:
    values = real_array("test", phi(v))
    if values.shape == ():
        return np.full(v.shape, float(values))
    if values.shape != v.shape or not np.all(np.isfinite(values)):
        raise InvalidArgument("`test` must map an array of potentials to finite numbers of the same shape.")
    return values


def _checked_particles(weights: object, particles: object) -> tuple[Any, np.ndarray]:
    matrix = as_synapses(weights).matrix
    V = np.atleast_2d(np.asarray(particles))
    if V.dtype.kind not in "iuf" or V.ndim != 2 or V.shape[1] != matrix.shape[0] or not len(V):
        raise InvalidArgument(
            f"`particles` must be the potentials of {matrix.shape[0]} neurons, or a row of them for each realisation, "
            f"not of the shape {V.shape}."
        )
    return matrix, V


def _checked_densities(weights: object, densities: object, width: object) -> tuple[Coupling, np.ndarray, Any]:
    if hasattr(weights, "quadrature") and not isinstance(weights, Coupling):
        raise InvalidArgument("`weights` is a kernel; say on how many labels: .quadrature(lanes).")
    if not isinstance(weights, Coupling):
        raise InvalidArgument(
            f"`weights` must be the Coupling that a kernel's .quadrature() returns, not {weights!r:.60}."
        )
    f = real_array("densities", densities)
    if f.ndim != 2 or f.shape[0] != weights.lanes:
        raise InvalidArgument(
            f"`densities` must have a row for each of {weights.lanes} labels, not the shape {f.shape}."
        )
    if width is None:
        raise InvalidArgument("`width` is missing: that of the cells.")
    h = real_array("width", width)
    if h.shape not in ((), f.shape[1:]):
        raise InvalidArgument(f"`width` must be one number or one for each of {f.shape[1]} cells, not {h.shape}.")
    return weights, f, h


def _centres(v: object, f: np.ndarray) -> np.ndarray:
    if v is None:
        raise InvalidArgument("`v` is missing: the centres of the cells, where `test` is evaluated.")
    centres = real_array("v", v)
    if centres.shape != f.shape[1:]:
        raise InvalidArgument(f"`v` must hold the centres of {f.shape[1]} cells, not {centres.shape}.")
    return centres


def _check_numbers(lanes: int, cells: int, tree: Tree) -> None:
    if lanes * float(cells) ** tree.size > MOST_NUMBERS:
        raise InvalidArgument(
            f"{lanes} labels and {cells} cells make {lanes * float(cells) ** tree.size:.1e} numbers for `tree`; use "
            f"fewer cells, or tree_observable with test functions."
        )


def _batches(V: np.ndarray) -> Iterator[np.ndarray]:
    together = max(1, TOGETHER // V.shape[1])
    for first in range(0, len(V), together):
        yield V[first : first + together]
