"""The spectrum of the equation linearised about a stationary state: which perturbations grow, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import eig, eigvals
from scipy.optimize import linear_sum_assignment

from .grid import Grid
from .operators.schemes import FluxScheme, ScharfetterGummel
from .outcomes import InvalidArgument

if TYPE_CHECKING:
    from .models.population import Population
    from .operators.finite_volumes import FiniteVolumes
    from .stationary import StationaryState

COARSEST, HALVINGS = 60, 2
"""The default extrapolation: eigenvalues on 60, 120 and 240 cells cost half of those on 200 and 400 and are better
(and BLAS does not start threads for matrices this small, which on a busy machine wait for each other)."""
TAIL_EXPONENT = 40.0
"""The default grid starts where the stationary density has fallen by e^{−40} below V_R (or below its peak)."""
FINEST = 0.03
"""Width of the default grid's last cell over the shortest of the lengths that the density has there."""


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

    def __repr__(self) -> str:
        rows = [f"{_number(x)}  (± {e:.0e})" for x, e in zip(self.eigenvalues, self.error, strict=True)]
        marks = ["├─"] * (len(rows) - 1) + ["└─"]
        lines = [f"{mark} {row}" for mark, row in zip(marks, rows, strict=True)]
        return "\n".join([f"Spectrum: the {len(rows)} leading eigenvalues, on {self.grid!r}", *lines])


def spectrum(
    model: Population,
    at: StationaryState,
    count: int = 6,
    grid: Grid | None = None,
    scheme: FluxScheme | None = None,
) -> Spectrum:
    """Leading eigenvalues and modes of `model` linearised about one of its stationary states (p, N).

        λ q = ∂v[a ∂v q − (−v + c) q] + n ∂N[a ∂vv p − c ∂v p] + s δ(v − V_R),   q(V_F) = 0,
        n = −a ∂v q(V_F) − n a'(N) ∂v p(V_F),   λ R = n − s,   s = R/τ  (s = n without refractory state)

    The response of the coefficients to the rate and the refractory pool are included. What is diagonalised is the
    Jacobian of the finite volumes that `solve` integrates. Its errors are even powers of the cell width, so the
    eigenvalues on grids of 60, 120 and 240 cells are extrapolated (Richardson), or those on `grid` and on `grid` with
    every cell halved. At the default the relative error was below 1e-6, and mostly below 5e-8, for the three leading
    eigenvalues in a table of 34 states with a1 ≤ 0.5, τ ≤ 1 and N ≤ 11. It grows where so few cells no longer resolve
    the layers of a strong drift: 3e-4 at c = 80 √a, and of order one, with the right sign, at c = 150 √a; `error` shows
    it. A state that hardly ever fires (N below 1e-15) and is kept there by an enormous b is at the mercy of rounding.

    Mass is conserved, so the Jacobian has an eigenvalue zero with the left eigenvector 1 (mass). It is removed by
    restricting the matrix to perturbations of mass zero. Dropping the eigenvalue nearest to zero instead goes wrong at
    a fold, where a second one vanishes.

    Parameters
    ----------
    model : Population
    at : StationaryState
        One of `fp.stationary_states(model)`.
    count : int
        Number of eigenvalues.
    grid : Grid, optional
        Where the modes are wanted. Default: 240 cells fitted to the state, graded towards V_F.
    scheme : FluxScheme, optional
        Default `fp.ScharfetterGummel()`. The extrapolation supposes a scheme of second order.

    Raises
    ------
    InvalidArgument
        If `at` is not a stationary state of `model`, `grid` does not fit, or `count` is out of range.

    Source: for τ = 0 and a1 = 0 the eigenvalues are the zeros of a combination of parabolic cylinder functions;
    Brunel, Hakim, Neural Comput. 11 (1999) 1621.

    >>> import fokkerplanck as fp
    >>> model = fp.nnlif(b=1.0)
    >>> (state,) = fp.stationary_states(model)
    >>> float(fp.spectrum(model, at=state).eigenvalues[0].real.round(5))  # for b = V_F − V_R it is −1
    -1.0
    """
    _check(model, at, count, grid)
    scheme = ScharfetterGummel() if scheme is None else scheme
    if grid is None:
        grids, home = [fitted_grid(at)], HALVINGS
        for _ in range(HALVINGS):
            grids.append(_halved(grids[-1]))
    else:
        at.state(grid)  # refuses a grid that does not fit
        grids, home = [grid, _halved(grid)], 0
    if count >= grids[0].cells:
        raise InvalidArgument(f"`count` = {count} needs a `grid` of more than that many cells.")
    problems = [_linearised(model, at, g, scheme) for g in grids]
    own_values, vectors = eig(problems[home].matrix)
    ladder = [own_values if k == home else eigvals(problem.matrix) for k, problem in enumerate(problems)]
    values, error, order = _extrapolated(ladder, count)
    # No eigenvalue is known better than the rounding of the largest entry, which counts on extremely fine cells.
    error = np.maximum(error, np.finfo(float).eps * max(np.abs(problem.matrix).max() for problem in problems))
    masses, rate = _normalised(problems[home], vectors[:, order[home]])
    cells = grids[home].cells
    return Spectrum(
        eigenvalues=values,
        modes=masses[:, :cells] / grids[home].width,
        rate=rate,
        refractory=masses[:, cells:].sum(axis=1),
        error=error,
        grid=grids[home],
    )


def jacobian(system: FiniteVolumes, density: np.ndarray, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The Jacobian of the discrete equation at (density, rate), with the algebraic equation for the rate eliminated.

    In the masses x_i = h_i n_i of the cells, followed by the refractory mass R if there is a refractory state,

        x' = T(N) x + r S,   R' = N − S,   0 = e(N)·x − N,

    a perturbation changes the rate by δN = e·δx/(1 − η), η = ∂e/∂N·x, so that with k = ∂T/∂N x

        J = T + (k + r) eᵀ/(1 − η)     or, with the pool,     [T + k eᵀ/(1 − η), r/τ; eᵀ/(1 − η), −1/τ].

    Every column sums to zero: mass is conserved.

    Parameters
    ----------
    system : FiniteVolumes
    density : array, shape (cells,)
    rate : float

    Returns
    -------
    jacobian : array, shape (cells, cells) or (cells + 1, cells + 1)
    rate : array
        The row that gives δN of a perturbation.

    Raises
    ------
    InvalidArgument
        If η ≥ 1: the grid is too coarse for the layer at V_F and the rate is not a function of the density.
    """
    at = np.array([rate])
    right, left = (weights[:, 0] for weights in system.weights(at, 0.0))
    gains = system.model.coupling.gain, system.model.noise.gain
    more_right, more_left = (weights[:, 0] for weights in system.weight_slopes(at, 0.0, *gains))
    flux = more_right * np.concatenate([[0.0], density]) - more_left * np.concatenate([density, [0.0]])
    if not flux[-1] < 1.0:
        raise InvalidArgument(
            f"`grid` is too coarse for the boundary layer at V_F of a state with N = {rate:.4g}; "
            f"use a smaller `finest`."
        )
    fired = system.hazard()[:, 0].copy()
    fired[-1] += right[-1] / system.width[-1]
    fired /= 1.0 - flux[-1]
    transport = _tridiagonal(right, left, system.width) - np.diag(system.hazard()[:, 0])
    transport -= np.outer(np.diff(flux), fired)
    reset = np.zeros(system.cells)
    cells, shares = system.grid.deposit(system.model.V_R)
    reset[cells] = shares
    tau = system.model.refractory.mean_duration
    if tau == 0:
        return transport + np.outer(reset, fired), fired
    pooled = np.block([[transport, reset[:, None] / tau], [fired, -1.0 / tau]])
    return pooled, np.append(fired, 0.0)


def fitted_grid(at: StationaryState, cells: int = COARSEST) -> Grid:
    """A grid for the stationary state `at`: it ends where the density does and resolves the layer at V_F.

    `model.grid` must hold whatever a solution may do; one state needs less, and a wide domain would waste the cells.
    """
    V_R, V_F, c, a = at.model.V_R, at.model.V_F, at.current, at.diffusion
    v_min = c - float(np.sqrt(max(c - V_R, 0.0) ** 2 + 2.0 * TAIL_EXPONENT * a))
    v_min = min(v_min, V_R - 0.1 * (V_F - V_R))  # a strong drift leaves nothing below V_R, but V_R must be a face
    # With a1 > 0 the rate feeds back on itself through the slope at V_F, on the length a0/|V_F − c|.
    layer = a / max(c - V_F, 1e-300) if at.model.noise.gain == 0 else at.model.noise.a0 / max(abs(c - V_F), 1e-300)
    finest = min(FINEST * min(V_F - V_R, np.sqrt(a), 5.0 * layer), 0.9 * (V_F - v_min) / cells)
    return Grid.graded(v_min, V_R, V_F, cells, float(finest))


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
    rate: np.ndarray


def _linearised(model: Population, at: StationaryState, grid: Grid, scheme: FluxScheme) -> _Problem:
    """Linearised at the exact profile and rate.

    The discrete stationary state would do as well (both are second order), but near a fold it may not exist.

    The subspace of sum zero is invariant because the columns of the Jacobian sum to zero, and the eigenvalue that is
    left out is exactly that zero.
    """
    density = at.cell_averages(grid)
    matrix, rate = jacobian(scheme.discretize(model, grid), density, at.rate)
    pivot = int(np.argmax(density * grid.width))
    keep = np.arange(len(matrix)) != pivot
    return _Problem(matrix[np.ix_(keep, keep)] - matrix[keep, pivot][:, None], pivot, rate)


def _normalised(problem: _Problem, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(masses, rate) of the eigenvectors: all masses, of total variation one, with a real positive rate."""
    masses = np.insert(vectors, problem.pivot, -vectors.sum(axis=0), axis=0)
    masses = masses / np.abs(masses).sum(axis=0)
    rate = problem.rate @ masses
    phase = np.where(rate == 0.0, 1.0, rate)  # it underflows where the state is silent
    return (masses * (np.conj(phase) / np.abs(phase))).T, np.abs(rate)


def _tridiagonal(right: np.ndarray, left: np.ndarray, width: np.ndarray) -> np.ndarray:
    """Transport between cells, acting on masses: its columns sum to minus the loss at V_F."""
    outward, inward = right[1:] / width, left[:-1] / width
    return np.diag(-(outward + inward)) + np.diag(outward[:-1], -1) + np.diag(inward[1:], 1)


def _halved(grid: Grid) -> Grid:
    """Every cell split in two, in the ratio in which the widths of its neighbours change.

    The two grids are then samples of one smooth map at spacing 1 and 1/2, which Richardson extrapolation needs.
    """
    ratio = np.sqrt(grid.width[1:] / grid.width[:-1])
    middles = grid.faces[:-1] + grid.width / (1.0 + np.append(ratio, ratio[-1]))
    return Grid(np.sort(np.concatenate([grid.faces, middles])), grid.V_R)


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
