"""The spectrum of the equation linearised about a stationary state: which perturbations grow, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, overload

import numpy as np
from scipy.linalg import eig, eigvals
from scipy.optimize import linear_sum_assignment

from .grid import Grid
from .meanfield import passage
from .models.network import Network
from .models.population import Population, require_population
from .operators.schemes import FluxScheme, ScharfetterGummel
from .outcomes import InvalidArgument

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .networks.linear import NetworkSpectrum
    from .networks.states import NetworkState
    from .operators.finite_volumes import FiniteVolumes
    from .stationary import StationaryState

COARSEST, HALVINGS = 60, 2
"""The default extrapolation: eigenvalues on 60, 120 and 240 cells cost half of those on 200 and 400 and are better
(and BLAS does not start threads for matrices this small, which on a busy machine wait for each other)."""
NODES, MOST_NODES = 24, 384
"""Chebyshev nodes along a delay d: they resolve e^{−λd} to rounding for |λ| d up to a third of their number, and are
doubled until that holds for the eigenvalues that are asked for."""


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum:
    """The leading part of a spectrum, without the zero that belongs to the conservation of mass.

    Attributes
    ----------
    eigenvalues : complex array, shape (count,)
        Largest real part first; of a conjugate pair, the one with positive imaginary part first.
    modes : complex array, shape (count, cells)
        Cell averages of the densities q of the eigenfunctions. Each is scaled so that ∫|q| dv + |R| = 1 and so that
        its firing rate is real and positive.
    rate : array, shape (count,)
        Firing rate of each mode.
    refractory : complex array, shape (count,)
        Refractory mass R of each mode: ∫ q dv + R = 0.
    error : array, shape (count,)
        By how much the last step of the extrapolation changed the eigenvalue: an estimate, generous as a rule, of the
        error that is left.
    grid : Grid
        Grid of `modes`.
    """

    eigenvalues: np.ndarray
    modes: np.ndarray
    rate: np.ndarray
    refractory: np.ndarray
    error: np.ndarray
    grid: Grid

    @property
    def v(self) -> np.ndarray:
        """Cell centres, shape (cells,)."""
        return self.grid.v

    def plot(self) -> Figure:
        """The eigenvalues in the complex plane."""
        from .plotting.states import figure_of_spectrum

        return figure_of_spectrum(self)

    def __repr__(self) -> str:
        rows = [f"{_number(x)}  (± {e:.0e})" for x, e in zip(self.eigenvalues, self.error, strict=True)]
        marks = ["├─"] * (len(rows) - 1) + ["└─"]
        lines = [f"{mark} {row}" for mark, row in zip(marks, rows, strict=True)]
        return "\n".join([f"Spectrum: the {len(rows)} leading eigenvalues, on {self.grid!r}", *lines])


@overload
def spectrum(
    model: Network, at: NetworkState, count: int = 6, grid: None = None, scheme: FluxScheme | None = None
) -> NetworkSpectrum: ...
@overload
def spectrum(
    model: Population,
    at: StationaryState,
    count: int = 6,
    grid: Grid | None = None,
    scheme: FluxScheme | None = None,
) -> Spectrum: ...
def spectrum(
    model: Population | Network,
    at: StationaryState | NetworkState,
    count: int = 6,
    grid: Grid | None = None,
    scheme: FluxScheme | None = None,
) -> Spectrum | NetworkSpectrum:
    """Leading eigenvalues and modes of `model` linearised about one of its stationary states (p, N).

        λ q = ∂v[a ∂v q − (f + c) q] − k q + n e^{−λd} (a' ∂vv p − c' ∂v p) + s δ(v − V_R),   λ R = n − s,
        n = ∫ k q dv, or with an absorbing threshold q(V_F) = 0 and n = −a ∂v q(V_F) − n e^{−λd} a' ∂v p(V_F),
        s = n L(λ),   L = 1 without refractory state, 1/(1 + λτ) for an exponential one, e^{−λτ} for a fixed one

    What is diagonalised is the Jacobian of the finite volumes that `solve` integrates. A transmission delay and a
    fixed refractory time carry the rate along a line of their length; this transport is discretised by Chebyshev
    collocation (the infinitesimal generator of the delay equation). The errors are even powers of the cell width, so
    the eigenvalues on grids of 60, 120 and 240 cells (and half as many above V_F, where neurons can exceed it) are
    extrapolated (Richardson), or those on `grid` and on `grid` with every cell halved. With leak and hard threshold
    the relative error was below 1e-6, and mostly below 5e-8, for the three leading eigenvalues in a table of 34 states
    with a1 ≤ 0.5, τ ≤ 1 and N ≤ 11. It grows where so few cells no longer resolve the layers of a strong drift: 3e-4
    at c = 80 √a, and of order one, with the right sign, at c = 150 √a; `error` shows it. A state that hardly ever
    fires (N below 1e-15) and is kept there by an enormous b is at the mercy of rounding. Where a random threshold lets
    a strong drift carry neurons far beyond V_F, those that are about to rest at c have eigenvalues near −1/ε − k of
    their own, hardly excited at all.

    Mass is conserved, so the Jacobian has an eigenvalue zero whose left eigenvector is the mass. It is removed by
    restricting the matrix to perturbations of mass zero. Dropping the eigenvalue nearest to zero instead goes wrong at
    a fold, where a second one vanishes.

    Parameters
    ----------
    model : Population or Network
        For a network see `networks.linear.network_spectrum`; what is said above holds for each of its populations.
    at : StationaryState or NetworkState
        One of `fp.stationary_states(model)`.
    count : int
        Number of eigenvalues.
    grid : Grid, optional
        Where the modes are wanted. Default: 240 cells fitted to the state, graded towards V_F; the only choice for a
        network, each population of which has its own.
    scheme : FluxScheme, optional
        Default `fp.ScharfetterGummel()`. The extrapolation supposes a scheme of second order.

    Raises
    ------
    InvalidArgument
        If `at` is not a stationary state of `model`, `grid` does not fit, or `count` is out of range.

    Source: for the leak the eigenvalues are the zeros of a combination of parabolic cylinder functions; Brunel, Hakim,
    Neural Comput. 11 (1999) 1621, with a transmission delay. Collocation: Breda, Maset, Vermiglio, SIAM J. Sci. Comput.
    27 (2005) 482.

    >>> import fokkerplanck as fp
    >>> model = fp.nnlif(b=1.0)
    >>> (state,) = fp.stationary_states(model)
    >>> float(fp.spectrum(model, at=state).eigenvalues[0].real.round(5))  # for b = V_F − V_R it is −1
    -1.0
    """
    if isinstance(model, Network):
        from .networks.linear import network_spectrum

        if grid is not None:
            raise InvalidArgument(
                "`grid` is of no use for a network: each population has one of its own; leave it out."
            )
        return network_spectrum(model, at, count, scheme)  # type: ignore[arg-type]  # checked there
    _check(model, at, count, grid)
    return _spectrum(model, at, count, grid, scheme)  # type: ignore[arg-type]  # checked


def _spectrum(
    model: Population, at: StationaryState, count: int, grid: Grid | None, scheme: FluxScheme | None
) -> Spectrum:
    scheme = ScharfetterGummel() if scheme is None else scheme
    if grid is None:
        grids, home = [fitted_grid(at)], HALVINGS
        for _ in range(HALVINGS):
            grids.append(grids[-1].refined())
    else:
        at.state(grid)  # refuses a grid that does not fit
        grids, home = [grid, grid.refined()], 0
    if count >= grids[0].cells:
        raise InvalidArgument(f"`count` = {count} needs a `grid` of more than that many cells.")
    nodes = _nodes(model, at, grids[0], scheme, count)
    problems = [_linearised(model, at, g, scheme, nodes) for g in grids]
    own_values, vectors = eig(problems[home].matrix)
    ladder = [own_values if k == home else eigvals(problem.matrix) for k, problem in enumerate(problems)]
    values, error, order = _extrapolated(ladder, count)
    # No eigenvalue is known better than the rounding of the largest entry, which counts on extremely fine cells.
    error = np.maximum(error, np.finfo(float).eps * max(np.abs(problem.matrix).max() for problem in problems))
    masses, pool, rate = _normalised(problems[home], vectors[:, order[home]], grids[home].cells)
    return Spectrum(
        eigenvalues=values,
        modes=masses / grids[home].width,
        rate=rate,
        refractory=pool,
        error=error,
        grid=grids[home],
    )


class _Jacobian(NamedTuple):
    """`matrix` acts on the masses of the cells, the refractory pool and the rates along the lines of delay.

    `rate` is the row that gives δN of a perturbation, `mass` the one that gives its mass: mass @ matrix = 0.
    """

    matrix: np.ndarray
    rate: np.ndarray
    mass: np.ndarray


def jacobian(system: FiniteVolumes, density: np.ndarray, rate: float, nodes: int = NODES) -> _Jacobian:
    """The Jacobian of the discrete equation at (density, rate), with the algebraic equation for the rate eliminated.

    In the masses x_i = h_i n_i of the cells,

        x' = T(A) x + r S,   N = e(A)·x,   A = N(t − d),   S = N | R/τ with R' = N − S | N(t − τ),

    a perturbation changes x' by k δA and N by e·δx + η δA, with k = ∂T/∂A x and η = ∂e/∂A·x. Without delay δA = δN, so
    that δN = e·δx/(1 − η). A delay d adds the unknowns z_j = N(t + θ_j) at the Chebyshev points of [−d, 0): with the
    differentiation matrix D, z' = D (N, z), and the last of them is A, or S.

    Parameters
    ----------
    system : FiniteVolumes
    density : array, shape (cells,)
    rate : float
    nodes : int
        Unknowns along each line of delay.

    Raises
    ------
    InvalidArgument
        If η ≥ 1 without delay: the grid is too coarse for the layer at V_F, the rate no function of the density.
    """
    linear = linear_parts(system, density, rate)
    model = require_population(system.model)
    cells, tau, delay = system.cells, model.refractory.mean_duration, model.coupling.delay
    pooled = tau > 0.0 and not system.latency
    lags = [lag for lag in (delay, system.latency) if lag]
    size = cells + pooled + nodes * len(lags)
    ends = size - nodes * np.arange(len(lags))[::-1]
    unit = np.eye(size)

    fired = np.zeros(size)
    fired[:cells] = linear.fired
    if delay:
        arriving = unit[ends[0] - 1]
        fired = fired + linear.eta * arriving
    elif linear.eta < 1.0:
        arriving = fired = fired / (1.0 - linear.eta)
    else:
        raise InvalidArgument(
            f"`grid` is too coarse for the boundary layer at V_F of a state with N = {rate:.4g}; "
            f"use a smaller `finest`."
        )
    back = unit[-1] if system.latency else unit[cells] / tau if pooled else fired

    matrix = np.zeros((size, size))
    matrix[:cells, :cells] = linear.transport
    matrix[:cells] += np.outer(linear.response, arriving) + np.outer(linear.reset, back)
    mass = np.zeros(size)
    mass[: cells + pooled] = 1.0
    if pooled:
        matrix[cells] = fired - back
    for lag, end in zip(lags, ends, strict=True):
        line, D = slice(end - nodes, end), chebyshev(nodes) * (2.0 / lag)
        matrix[line] = np.outer(D[1:, 0], fired)
        matrix[line, line] += D[1:, 1:]
    if system.latency:  # R = ∫ N ds over the last line, by the weights w for which w·z' = N − S
        mass[line] = np.linalg.solve(D[1:, 1:].T, -unit[-1][line])
    return _Jacobian(matrix, fired, mass)


class _Linear(NamedTuple):
    """Transport T with its losses, response k and η to the activity, readout e and deposit r, in masses."""

    transport: np.ndarray
    response: np.ndarray
    eta: float
    fired: np.ndarray
    reset: np.ndarray


def linear_parts(
    system: FiniteVolumes, density: np.ndarray, rate: float, gains: tuple[float, float] | None = None
) -> _Linear:
    """What `jacobian` is made of; the responses to an activity with these gains ∂c/∂A and ∂a/∂A, by default the own."""
    at, hazard = system.steady_inputs(np.array([rate]), 0.0), system.hazard()[:, 0]
    right, left = (weights[:, 0] for weights in system.weights(at))
    if gains is None:
        model = require_population(system.model)
        gains = model.coupling.gain, model.noise.gain
    more_right, more_left = (weights[:, 0] for weights in system.weight_slopes(at, *gains))
    flux = more_right * np.concatenate([[0.0], density]) - more_left * np.concatenate([density, [0.0]])
    fired = hazard.copy()
    fired[-1] += right[-1] / system.width[-1]
    transport = _tridiagonal(right, left, system.width) - np.diag(hazard)
    reset = np.zeros(system.cells)
    cells, shares = system.grid.deposit(system.model.V_R)
    reset[cells] = shares
    return _Linear(transport, -np.diff(flux), float(flux[-1]), fired, reset)


def chebyshev(nodes: int) -> np.ndarray:
    """Differentiation matrix on the points cos(jπ/nodes), j = 0, …, nodes, of [−1, 1]; Trefethen (2000), ch. 6."""
    j = np.arange(nodes + 1)
    x = np.cos(np.pi * j / nodes)
    c = np.where((j == 0) | (j == nodes), 2.0, 1.0) * (-1.0) ** j
    D = np.outer(c, 1.0 / c) / (x[:, None] - x[None, :] + np.eye(nodes + 1))
    return D - np.diag(D.sum(axis=1))


def fitted_grid(at: StationaryState, cells: int = COARSEST) -> Grid:
    """A grid for the stationary state `at`: it ends where the density does and resolves the layer at V_F."""
    noise = at.model.noise
    return passage.fitted_grid(at.model, at.current, at.diffusion, cells, noise.a0 if noise.gain else 0.0)


# -- details ----------------------------------------------------------------------------------------------------


def _check(model: object, at: object, count: object, grid: object) -> None:
    if getattr(at, "model", None) != model or not hasattr(at, "cell_averages"):
        raise InvalidArgument(f"`at` must be one of fp.stationary_states(model) for this very model, not {at!r}.")
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InvalidArgument(f"`count` must be a whole number of at least 1, not {count!r}.")
    if grid is not None and not isinstance(grid, Grid):
        raise InvalidArgument(f"`grid` must be made by model.grid(cells=...), not {grid!r}.")


class _Problem(NamedTuple):
    """The eigenvalue problem on one grid, for perturbations without mass: x_pivot = −Σ of the other masses."""

    matrix: np.ndarray
    pivot: int
    jacobian: _Jacobian


def _linearised(model: Population, at: StationaryState, grid: Grid, scheme: FluxScheme, nodes: int) -> _Problem:
    """Linearised at the exact profile and rate.

    The discrete stationary state would do as well (both are second order), but near a fold it may not exist.

    The subspace of mass zero is invariant, and the eigenvalue that is left out is exactly that zero.
    """
    density = at.cell_averages(grid)
    full = jacobian(scheme.discretize(model, grid), density, at.rate, nodes)
    pivot = int(np.argmax(density * grid.width))
    keep = np.arange(len(full.mass)) != pivot
    reduced = full.matrix[np.ix_(keep, keep)] - np.outer(full.matrix[keep, pivot], full.mass[keep])
    return _Problem(reduced, pivot, full)


def _nodes(model: Population, at: StationaryState, grid: Grid, scheme: FluxScheme, count: int) -> int:
    """How many unknowns the lines of delay need for the leading eigenvalues; found on the coarsest grid."""
    nodes = NODES
    while model.depth and nodes < MOST_NODES:
        values = eigvals(_linearised(model, at, grid, scheme, nodes).matrix)
        if np.abs(values[_sorted(values)[:count]]).max() * model.depth <= nodes / 3.0:
            break
        nodes *= 2
    return nodes


def _normalised(problem: _Problem, vectors: np.ndarray, cells: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(masses of the cells, R, rate) of the eigenvectors: of total variation one, with a real positive rate."""
    full = problem.jacobian
    others = np.delete(full.mass, problem.pivot)
    unknowns = np.insert(vectors, problem.pivot, -others @ vectors, axis=0)
    masses, pool, rate = unknowns[:cells], full.mass[cells:] @ unknowns[cells:], full.rate @ unknowns
    phase = np.where(rate == 0.0, 1.0, rate)  # it underflows where the state is silent
    scale = np.conj(phase) / np.abs(phase) / (np.abs(masses).sum(axis=0) + np.abs(pool))
    return (masses * scale).T, pool * scale, np.abs(rate * scale)


def _tridiagonal(right: np.ndarray, left: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Transport between cells, acting on masses: its columns sum to minus the loss at V_F."""
    outward, inward = right[1:] / width, left[:-1] / width
    return np.diag(-(outward + inward)) + np.diag(outward[:-1], -1) + np.diag(inward[1:], 1)


def _extrapolated(ladder: list[np.ndarray], count: int) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """The `count` leading values for a cell width of zero, their errors, and their indices on each grid.

    Neville's scheme in the square of the width, from grids of which each has half the width of the one before.
    """
    finest = ladder[-1]
    leading = _sorted(finest)[: min(count + 4, len(ladder[0]))]
    best = finest[leading]
    order = [linear_sum_assignment(np.abs(best[:, None] - values))[1] for values in ladder[:-1]] + [leading]
    table = [values[indices] for values, indices in zip(ladder, order, strict=True)]
    apart = np.abs(best[:, None] - finest)
    apart[np.arange(len(leading)), leading] = np.inf
    # Two eigenvalues about to collide (real ones that become a pair) are no smooth functions of the width.
    near, distance = 0.5 * apart.min(axis=1), [np.abs(values - best) for values in table]
    error = distance[-2]
    for level in range(1, len(ladder)):
        table = [fine + (fine - coarse) / (4.0**level - 1.0) for coarse, fine in pairwise(table)]
        smooth = distance[-1 - level] < near
        error = np.where(smooth, np.abs(table[-1] - best), error)
        best = np.where(smooth, table[-1], best)
    first = _sorted(best)[:count]
    return best[first], error[first], [indices[first] for indices in order]


def _sorted(values: np.ndarray) -> np.ndarray:
    """Indices by falling real part; of a conjugate pair the one with positive imaginary part first."""
    return np.lexsort((-values.imag, -values.real))


def _number(value: complex) -> str:
    return f"{value.real:.8g}" if value.imag == 0 else f"{value.real:.8g} {value.imag:+.8g}i"
