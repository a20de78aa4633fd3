"""The spectrum of the equation linearised about a stationary state: which perturbations grow, and how fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

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

CELLS = 200
"""Cells of the default grid; the second one of the extrapolation has twice as many."""
TAIL_EXPONENT = 40.0
"""The default grid starts where the stationary density has fallen by e^{−40} below V_R (or below its peak)."""
FINEST = 0.02
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
        By how much the extrapolation from two grids changed the eigenvalue of the finer one: a generous estimate of
        the error of `eigenvalues`.
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
    eigenvalues on `grid` and on `grid` with every cell halved are extrapolated (Richardson). At the default the
    relative error of the leading eigenvalue was below 1e-5 in every case of a table of 24 states, with a1 ≤ 0.5,
    τ ≤ 1 and N up to 11; each further one has up to four times the error of the one before.

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
        Where the modes are wanted. Default: 200 cells fitted to the state, graded towards V_F.
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
    grid = fitted_grid(at) if grid is None else grid
    if count >= grid.cells:
        raise InvalidArgument(f"`count` = {count}, but a grid of {grid.cells} cells has only {grid.cells - 1} modes.")
    jacobian, mass, rate = _linearised(model, at, grid, scheme)
    pivot = int(np.argmax(mass))
    coarse, vectors = eig(_without_mass(jacobian, pivot))
    fine_jacobian, fine_mass, _ = _linearised(model, at, _halved(grid), scheme)
    fine = eigvals(_without_mass(fine_jacobian, int(np.argmax(fine_mass))))
    order, values, error = _extrapolated(coarse, fine, count)
    vectors = np.insert(vectors[:, order], pivot, -vectors[:, order].sum(axis=0), axis=0)
    speed = rate @ vectors
    speed = np.where(speed == 0.0, 1.0, speed)  # it underflows where the state is silent
    vectors = vectors * (np.conj(speed) / np.abs(speed)) / np.abs(vectors).sum(axis=0)
    return Spectrum(
        eigenvalues=values,
        modes=vectors[: grid.cells].T / grid.width,
        rate=np.real(rate @ vectors),
        refractory=vectors[grid.cells :].sum(axis=0),
        error=error,
        grid=grid,
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
    more_right, more_left = (weights[:, 0] for weights in system._derivative(at, 0.0, *gains))
    flux = more_right * np.concatenate([[0.0], density]) - more_left * np.concatenate([density, [0.0]])
    if not flux[-1] < 1.0:
        raise InvalidArgument(
            f"`grid` is too coarse for the boundary layer at V_F of a state with N = {rate:.4g}; "
            f"use a smaller `finest`."
        )
    fired = np.zeros(system.cells)
    fired[-1] = right[-1] / system.width[-1] / (1.0 - flux[-1])
    transport = _tridiagonal(right, left, system.width) - np.outer(np.diff(flux), fired)
    reset = np.zeros(system.cells)
    cells, shares = system.grid.deposit(system.model.V_R)
    reset[cells] = shares
    tau = system.model.refractory.mean_duration
    if tau == 0:
        return transport + np.outer(reset, fired), fired
    pooled = np.block([[transport, reset[:, None] / tau], [fired, -1.0 / tau]])
    return pooled, np.append(fired, 0.0)


def fitted_grid(at: StationaryState, cells: int = CELLS) -> Grid:
    """A grid for the stationary state `at`: it ends where the density does and resolves the layer at V_F.

    `model.grid` must hold whatever a solution may do; one state needs less, and a wide domain would waste the cells.
    """
    V_R, V_F, c, a = at.model.V_R, at.model.V_F, at.current, at.diffusion
    v_min = c - float(np.sqrt(max(c - V_R, 0.0) ** 2 + 2.0 * TAIL_EXPONENT * a))
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


def _linearised(
    model: Population, at: StationaryState, grid: Grid, scheme: FluxScheme
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Jacobian, masses and rate functional at the exact profile and rate.

    The discrete stationary state would do as well (both are second order), but near a fold it may not exist.
    """
    density = at.cell_averages(grid)
    matrix, rate = jacobian(scheme.discretize(model, grid), density, at.rate)
    return matrix, density * grid.width, rate


def _tridiagonal(right: np.ndarray, left: np.ndarray, width: np.ndarray) -> np.ndarray:
    """T, acting on masses: its columns sum to minus the loss at V_F."""
    outward, inward = right[1:] / width, left[:-1] / width
    return np.diag(-(outward + inward)) + np.diag(outward[:-1], -1) + np.diag(inward[1:], 1)


def _without_mass(matrix: np.ndarray, pivot: int) -> np.ndarray:
    """The matrix on the subspace of sum zero, in the coordinates without x_pivot = −Σ of the others.

    The subspace is invariant because the columns sum to zero, and the eigenvalue that is left out is exactly that zero.
    """
    keep = np.arange(len(matrix)) != pivot
    return matrix[np.ix_(keep, keep)] - matrix[keep, pivot][:, None]


def _halved(grid: Grid) -> Grid:
    """Every cell split in two, in the ratio in which the widths of its neighbours change.

    The two grids are then samples of one smooth map at spacing 1 and 1/2, which Richardson extrapolation needs.
    """
    ratio = np.sqrt(grid.width[1:] / grid.width[:-1])
    middles = grid.faces[:-1] + grid.width / (1.0 + np.append(ratio, ratio[-1]))
    return Grid(np.sort(np.concatenate([grid.faces, middles])), grid.V_R)


def _extrapolated(coarse: np.ndarray, fine: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The `count` leading values extrapolated, the coarse indices they belong to, and how far they were moved."""
    leading = _sorted(fine)[: min(count + 4, len(coarse))]
    distance = np.abs(fine[leading][:, None] - coarse)
    rows, order = linear_sum_assignment(distance)
    old, new = coarse[order], fine[leading][rows]
    apart = np.abs(fine[leading][:, None] - fine)
    apart[np.arange(len(leading)), leading] = np.inf
    # Two eigenvalues about to collide (a fold of the spectrum: real to complex) are not smooth in the cell width.
    smooth = np.abs(new - old) < 0.25 * apart.min(axis=1)
    values = np.where(smooth, new + (new - old) / 3.0, new)
    error = np.where(smooth, np.abs(values - new), np.abs(new - old))
    best = _sorted(values)[:count]
    return order[best], values[best], error[best]


def _sorted(values: np.ndarray) -> np.ndarray:
    """Indices by falling real part; of a conjugate pair the one with positive imaginary part first."""
    return np.lexsort((-values.imag, -values.real))


def _number(value: complex) -> str:
    return f"{value.real:.8g}" if value.imag == 0 else f"{value.real:.8g} {value.imag:+.8g}i"
