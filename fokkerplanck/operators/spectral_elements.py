"""The system of equations that spectral elements make of a population."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from scipy.linalg.lapack import dgbtrf, dgbtrs

from ..elements import Elements
from ..models.drift import drift_at
from ..models.population import Population
from ..outcomes import InvalidArgument
from .system import Change, PopulationSystem, mass_above, mass_below


class SpectralElements(PopulationSystem):
    """Nodal values n, tested with every nodal polynomial φ_i, all integrals by the Gauss–Lobatto–Legendre rule:

        w_i n_i' = ∫ φ_i' (μ n − a ∂v n) dv − ∫ φ_i k n dv + S φ_i(V_R)

    That rule on the nodes themselves makes the mass matrix diagonal. No flux leaves where nothing is said of the
    boundary; at an absorbing V_F, n = 0, and what fires is what the polynomial of that node receives. As the φ_i add up
    to one, mass is exact. T = T_f + c T_1 + a T_2 has the half-bandwidth p, so that a solve costs O(cells p).

    Source: Karniadakis, Sherwin, Spectral/hp Element Methods for Computational Fluid Dynamics (2005), chapter 2.
    """

    grid: Elements
    undershoot: ClassVar[float] = 1e-3  # it is not positive, least so in the first instants of a concentrated datum

    def __init__(self, model: Population, grid: Elements) -> None:
        if model.lanes != 1:
            raise InvalidArgument("spectral elements solve one population at a time; use fp.ScharfetterGummel().")
        super().__init__(model, grid)
        rule, nodes = grid.rule, grid.nodes
        self._absorbing = model.threshold.absorbing
        self._weight, self._slope = rule.w, rule.D
        self._drift = drift_at(model.drift, nodes.ravel()).reshape(nodes.shape)
        self._stretch = 1.0 / grid.half
        # The hazard may jump at an edge: each element sees its own side of it.
        inside = nodes.copy()
        inside[:, 0], inside[:, -1] = np.nextafter(nodes[:, 0], np.inf), np.nextafter(nodes[:, -1], -np.inf)
        hazard = np.asarray(model.threshold.hazard(inside.ravel()), dtype=float).reshape(nodes.shape)
        self._escape = grid.gathered(grid.half * rule.w * hazard)[: self.cells]
        self._loss = self._escape / self.width
        self._reset = int(np.searchsorted(grid.v, model.V_R))
        self._assemble()
        # What `eliminate` leaves for the solves.
        self._factors, self._pivots = np.empty(0), np.empty(0, dtype=int)
        self._leaving = np.empty(self.cells)
        self._padded = np.zeros(grid.index.size - len(grid.half) + 1)

    def _assemble(self) -> None:
        """w_i T_ij of f and k, of the current and of the diffusion, in LAPACK's band form, and the same of e."""
        grid, p, w, D = self.grid, self.grid.degree, self._weight, self._slope
        by_current = np.broadcast_to(w * D.T, (len(grid.half), p + 1, p + 1))
        local = np.stack(
            [by_current * self._drift[:, None, :], by_current, -self._stretch[:, :, None] * ((w * D.T) @ D)]
        )
        row, column = (np.broadcast_to(part, local.shape[1:]) for part in (grid.index[:, :, None], grid.index[:, None]))
        # Stored as (column, place in the band): its transpose is what LAPACK takes, with room for p rows of fill-in.
        size = len(grid.half) * p + 1
        bands = np.zeros((3, size, 3 * p + 1))
        for band, part in zip(bands, local, strict=True):
            np.add.at(band, (column, 2 * p + row - column), part)
        self._bands = np.ascontiguousarray(bands[:, : self.cells])
        if self._absorbing:  # the row of V_F is not one of the matrix: it is e
            self._bands[:, np.arange(self.cells - p, self.cells), np.arange(3 * p, 2 * p, -1)] = 0.0
        self._bands[0, :, 2 * p] -= self._escape
        self._exit = local[:, -1, -1, :-1].copy() if self._absorbing else np.zeros((3, p))

    # -- the operator -------------------------------------------------------------------------------------------

    def _received(self, n: np.ndarray, drift: np.ndarray | float, diffusion: float) -> np.ndarray:
        """∫ φ_i' (μ n − a ∂v n) dv of every node, V_F included."""
        self._padded[: self.cells] = n[:, 0]
        u = self._padded.take(self.grid.index)
        flux = drift * u
        flux -= (diffusion * self._stretch) * (u @ self._slope.T)
        flux *= self._weight
        return self.grid.gathered(flux @ self._slope)

    def _coefficients(self, activity: np.ndarray, t: float) -> tuple[float, float]:
        """Current c and diffusion a."""
        A = float(activity[0])
        return float(self.model.coupling.current(A, t)), float(self.model.noise.diffusion(A))  # type: ignore[arg-type]

    def transport(self, n: np.ndarray, activity: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        c, a = self._coefficients(activity, t)
        received = self._received(n, self._drift + c, a)
        received[: self.cells] -= self._escape * n[:, 0]
        out[:, 0] = received[: self.cells] / self.width
        return received[-1:] if self._absorbing else self._escape @ n

    def transport_slope(
        self, n: np.ndarray, activity: np.ndarray, t: float, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        received = self._received(n, float(np.squeeze(current)), float(np.squeeze(diffusion)))
        out[:, 0] = received[: self.cells] / self.width
        return received[-1:] if self._absorbing else np.zeros(1)

    def firing(self, n: np.ndarray, activity: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        if not self._absorbing:
            return self._escape @ n, np.zeros(1)
        c, a = self._coefficients(activity, t)
        by_drift, by_current, by_diffusion = self._exit @ n[-self.grid.degree :]
        slope = by_current * self.model.coupling.gain + by_diffusion * self.model.noise.gain
        return by_drift + c * by_current + a * by_diffusion, slope

    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        out[self._reset] += source / self.width[self._reset]

    # -- linear algebra -----------------------------------------------------------------------------------------

    def _matrix(self, activity: np.ndarray, t: float, shift: float) -> np.ndarray:
        """w (shift − T), as `_assemble` stores it."""
        c, a = self._coefficients(activity, t)
        matrix = -c * self._bands[1]
        matrix -= a * self._bands[2]
        matrix -= self._bands[0]
        matrix[:, 2 * self.grid.degree] += shift * self.width
        return matrix

    def eliminate(self, activity: np.ndarray, t: float, shift: float) -> None:
        p, (c, a) = self.grid.degree, self._coefficients(activity, t)
        self._factors, self._pivots, _ = dgbtrf(self._matrix(activity, t, shift).T, p, p, overwrite_ab=True)
        self._leaving[:] = self._escape
        self._leaving[-p:] += self._exit[0] + c * self._exit[1] + a * self._exit[2]

    def substitute(self, u: np.ndarray) -> None:
        p = self.grid.degree
        u[:, 0] = dgbtrs(self._factors, p, p, self.width * u[:, 0], self._pivots, overwrite_b=True)[0]

    def emitted(self, u: np.ndarray) -> np.ndarray:
        return self._leaving @ u

    # -- how good it is -----------------------------------------------------------------------------------------

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Mean distance h/p of the nodes of the last element over a/μ: up to 1 it resolves e^{−μ(V_F − v)/a}."""
        c, a = self._coefficients(self.activity(y, t), t)
        spacing = 2.0 * self.grid.half[-1, 0] / self.grid.degree
        return np.array([max(self._drift[-1, -1] + c, 0.0) * spacing / a if self._absorbing and a > 0.0 else 0.0])

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """n a/|μ| at v_min, as for a Gaussian tail, and at the upper end n over the decay by the hazard there."""
        c, a = self._coefficients(self.activity(y, t), t)
        below = mass_below(y[0], self._drift[0, 0] + c, a)
        return below if self._absorbing else below + mass_above(y[-3], self._drift[-1, -1] + c, a, self._loss[-1])

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        where = float(self.grid.v[np.argmin(y[:-2, 0])])
        return (
            f"The density went down to {smallest:.1e} at t = {t:.6g}: near v = {where:.4g} it varies too fast for "
            f"elements of degree {self.grid.degree}, or for the time step; "
            f"use a smaller `accuracy` of Spectral and a smaller rtol, or fp.ScharfetterGummel()."
        )

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """No step keeps it positive; within this one explicit Euler is stable (the matrix norm of T at most 1/dt)."""
        columns = np.abs(self._matrix(self.activity(y, t), t, 0.0)).sum(axis=1) / self.width
        return 1.0 / float(columns.max())
