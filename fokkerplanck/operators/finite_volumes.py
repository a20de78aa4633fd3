"""The system of equations that a two-point flux scheme makes of a population on a grid."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from ..grid import Grid
from ..models.drift import drift_at
from ..models.population import Population
from .kernels import backward_euler, deposit, eliminate, substitute, transport
from .schemes import FluxScheme
from .system import Change, PopulationSystem, Reset, mass_above, mass_below

GAUSS = np.polynomial.legendre.leggauss(5)
LARGEST_RATE = 1e15
"""A bounded flux fires less than this, or without bound."""
BISECTIONS = 80
"""Halvings of a bracket for the rate: down to rounding."""
MANY_CELLS = 20_000
"""More cells than this are no advice."""


class FiniteVolumes(PopulationSystem):
    """Cell averages n, with the flux F = right n_left − left n_right at every face: T is tridiagonal.

    What fires is the flux through the last face if the threshold is absorbing, and the hazard times the mass of every
    cell if it is not; then the grid goes on above V_F and its last face is closed. A solve costs O(cells).
    """

    grid: Grid

    def __init__(self, model: Population, grid: Grid, scheme: FluxScheme) -> None:
        super().__init__(model, grid)
        self.scheme = scheme
        unknowns = np.concatenate([grid.v[:1], grid.v, [grid.v_max]])
        # The first face has no flux, so its distance never matters; one keeps the division harmless.
        self.distance = np.concatenate([[1.0], np.diff(unknowns)[1:]])[:, None]
        self.face_drift = scheme.face_drift(partial(drift_at, model.drift), unknowns[:-1], unknowns[1:])[:, None]
        self._loss = _cell_averages(model.threshold.hazard, grid)[:, None] * np.ones(self.lanes)
        self._escape = self._loss * self.width[:, None]
        self._no_loss = np.zeros_like(self._loss)
        self._reset = grid.deposit(model.V_R)
        # What `eliminate` leaves for `substitute`.
        self._factor_weights = np.zeros((self.cells + 1, self.lanes)), np.zeros((self.cells + 1, self.lanes))
        self._leaving = np.zeros((self.cells, self.lanes))
        self._pivot = np.empty((self.cells, self.lanes))

    # -- fluxes -------------------------------------------------------------------------------------------------

    def weights(self, activity: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """(right, left) weights of every face for the activity, each of shape (cells + 1, lanes)."""
        return self.close_ends(*self.scheme.pair(*self._coefficients(activity, t)))

    def weight_slopes(
        self, activity: np.ndarray, t: float, current: Change, diffusion: Change, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change of the (right, left) weights for given changes of the current c and of the diffusion a."""
        mu, kappa = self._coefficients(activity, t, faces)
        left = self.scheme.slope(mu, kappa) * current
        more = np.zeros_like(kappa)
        if np.any(diffusion):
            more += diffusion / self.distance[faces]
            left = left + self.scheme.conductance_slope(mu, kappa) * more
        return self.close_ends(self.scheme.opposite(left, np.asarray(current), more), left, faces)

    def hazard(self) -> np.ndarray:
        """Rate at which a neuron fires in each cell, without the flux through V_F; shape (cells, lanes)."""
        return self._loss

    def _coefficients(
        self, activity: np.ndarray, t: float, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Drift μ and conductance κ = a/d of the faces."""
        mu = self.face_drift[faces] + self.model.coupling.current(activity, t)
        return mu, self.model.noise.diffusion(activity) / self.distance[faces]

    def close_ends(
        self, right: np.ndarray, left: np.ndarray, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """No flux at v_min; at the upper end n = 0 beyond an absorbing threshold, or no flux either."""
        if faces == slice(None):
            right[0] = left[0] = 0.0
        left[-1] = 0.0
        if not self.model.threshold.absorbing:
            right[-1] = 0.0
        return right, left

    # -- the operator -------------------------------------------------------------------------------------------

    def transport(self, n: np.ndarray, activity: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        fired = np.empty(self.lanes)
        transport(n, *self.weights(activity, t), self._loss, self.width, out, fired)
        return fired

    def transport_slope(
        self, n: np.ndarray, activity: np.ndarray, t: float, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        fired = np.empty(self.lanes)
        slopes = self.weight_slopes(activity, t, current, diffusion)
        transport(n, *slopes, self._no_loss, self.width, out, fired)
        return fired

    def firing(self, n: np.ndarray, activity: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        escaping = (self._escape * n).sum(axis=0)
        if not self.model.threshold.absorbing:
            return escaping, np.zeros(self.lanes)
        last, face = n[-1], slice(-1, None)
        mu, kappa = self._coefficients(activity, t, face)
        right = self.scheme.pair(mu, kappa)[0][0]
        slopes = self.weight_slopes(activity, t, self.model.coupling.gain, self.model.noise.gain, face)
        return escaping + last * right, last * slopes[0][0]

    def close(self, y: np.ndarray, t: float) -> bool:
        """As the base class has it; for a bounded flux, whose e is not convex, by bisection up to the bound."""
        if super().close(y, t):
            return True
        if not np.isfinite(self.scheme.bound):
            return False

        def excess(rate: np.ndarray) -> np.ndarray:
            return self.firing(y[:-2], rate, t)[0] - rate

        low, high = np.zeros(self.lanes), np.maximum(y[-1], 1.0)
        while np.any(below := excess(high) > 0.0):
            low, high = np.where(below, high, low), np.where(below, 2.0 * high, high)
            if np.any(high > LARGEST_RATE):  # with a1 > 0 the bound itself grows with N
                return False
        for _ in range(BISECTIONS):
            middle = 0.5 * (low + high)
            above = excess(middle) > 0.0
            low, high = np.where(above, middle, low), np.where(above, high, middle)
        y[-1] = 0.5 * (low + high)
        return True

    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        deposit(out, source, *self._reset, self.width)

    # -- linear algebra -----------------------------------------------------------------------------------------

    def eliminate(self, activity: np.ndarray, t: float, shift: float) -> None:
        right, left = self._factor_weights = self.weights(activity, t)
        self._leaving[...] = self._escape
        self._leaving[-1] += right[-1]
        eliminate(np.full(self.lanes, shift), right, left, self._loss, self.width, self._pivot)

    def substitute(self, u: np.ndarray) -> None:
        substitute(u, *self._factor_weights, self.width, self._pivot)

    def emitted(self, u: np.ndarray) -> np.ndarray:
        return np.einsum("ik,ik->k", self._leaving, u)

    def implicit_density(
        self, n: np.ndarray, activity: np.ndarray, t: float, dt: float, reset: Reset
    ) -> tuple[np.ndarray, np.ndarray]:
        """As the base class has it, in one sweep and without a subtraction: see the kernel."""
        rate, source = np.empty(self.lanes), np.empty(self.lanes)
        shift = np.full(self.lanes, 1.0 / dt)
        right, left = self.weights(activity, t)
        backward_euler(
            n, right, left, self._loss, self.width, *self._reset, *reset, shift,
            self._pivot, self._response, rate, source,
        )  # fmt: skip
        return rate, source

    # -- how good it is -----------------------------------------------------------------------------------------

    def peclet(self, y: np.ndarray, t: float) -> np.ndarray:
        """Largest cell Péclet number |μ| d/a of each lane."""
        mu, kappa = self._coefficients(self.activity(y, t), t)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nanmax(np.abs(mu[1:]) / kappa[1:], axis=0)

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Last cell width over the thickness a/μ of the boundary layer; without noise there is none to resolve."""
        mu, kappa = self._coefficients(self.activity(y, t), t, slice(-1, None))
        if not self.model.threshold.absorbing:
            return np.zeros(self.lanes)
        return np.where(kappa > 0.0, 2.0 * np.maximum(mu, 0.0) / np.where(kappa > 0.0, kappa, 1.0), 0.0)[0]

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """n a/|μ| at v_min, as for a Gaussian tail; at the upper end n over the decay that the hazard causes there."""
        activity = self.activity(y, t)
        mu, kappa = self._coefficients(activity, t, slice(1, 2))
        below = mass_below(y[0], mu[0], kappa[0] * self.distance[1])
        if self.model.threshold.absorbing:
            return below
        mu, kappa = self._coefficients(activity, t, slice(-1, None))
        return below + mass_above(y[-3], mu[0], kappa[0] * self.distance[-1], self._loss[-1])

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        peclet, scheme = float(self.peclet(y, t)[0]), self.scheme
        if peclet > scheme.positive:
            cells = self.cells * peclet / scheme.positive
            more = f" or {int(np.ceil(cells))} cells" if cells <= MANY_CELLS else ""
            return (
                f"{type(scheme).__name__}() gave a negative density ({smallest:.1e}) at t = {t:.6g} (cell Péclet "
                f"number {peclet:.2g} > {scheme.positive:g}); use ScharfetterGummel(){more}."
            )
        return (
            f"The density went down to {smallest:.1e} at t = {t:.6g}: the time step is not positive at this tolerance; "
            f"use a smaller rtol, or BackwardEuler, which keeps it positive."
        )

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        right, left = self.weights(self.activity(y, t), t)
        return 1.0 / float(np.max((right[1:] + left[:-1]) / self.width[:, None] + self._loss))


def _cell_averages(function: Callable[[np.ndarray], np.ndarray], grid: Grid) -> np.ndarray:
    """Averages over the cells by five-point Gauss quadrature; jumps at faces do no harm."""
    nodes, weights = GAUSS
    v = grid.v[:, None] + 0.5 * grid.width[:, None] * nodes
    return np.asarray(function(v.ravel()), dtype=float).reshape(v.shape) @ (0.5 * weights)
