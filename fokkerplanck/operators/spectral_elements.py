"""The system of equations that spectral elements make of a population."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from scipy.linalg.lapack import dgbtrf, dgbtrs

from ..elements import Elements
from ..models.voltage import VoltageModel
from ..models.wiring import Inputs
from ..outcomes import InvalidArgument
from .system import Change, PopulationSystem, mass_above, mass_below


class SpectralElements(PopulationSystem):
    """Nodal values n, tested with every nodal polynomial φ_i, all integrals by the Gauss–Lobatto–Legendre rule:

        w_i n_i' = ∫ φ_i' (μ n − a ∂v n) dv − ∫ φ_i k n dv + S φ_i(V_R)

    That rule on the nodes themselves makes the mass matrix diagonal. No flux leaves where nothing is said of the
    boundary; at an absorbing V_F, n = 0, and what fires is what the polynomial of that node receives. As the φ_i add up
    to one, mass is exact. Each lane has an operator of its own, `ElementOperator`.

    Source: Karniadakis, Sherwin, Spectral/hp Element Methods for Computational Fluid Dynamics (2005), chapter 2.
    """

    grid: Elements
    undershoot: ClassVar[float] = 1e-3  # it is not positive, least so in the first instants of a concentrated datum

    def __init__(self, model: VoltageModel, grid: Elements) -> None:
        super().__init__(model, grid)
        if model.open and np.any(model.absorbing):
            raise InvalidArgument(
                "spectral elements need all thresholds absorbing, or none, but those of `model` differ; "
                "use fp.ScharfetterGummel()."
            )
        nodes = grid.nodes
        # The hazard may jump at an edge: each element sees its own side of it.
        inside = nodes.copy()
        inside[:, 0], inside[:, -1] = np.nextafter(nodes[:, 0], np.inf), np.nextafter(nodes[:, -1], -np.inf)
        drift, hazard = model.drift_of_lanes(nodes.ravel()), model.hazard_of_lanes(inside.ravel())
        absorbing = not model.open
        self._operators = [
            ElementOperator(
                grid,
                drift[:, k % drift.shape[1]].reshape(nodes.shape),
                hazard[:, k % hazard.shape[1]].reshape(nodes.shape),
                absorbing,
            )
            for k in range(self.lanes)
        ]
        self._reset = int(np.searchsorted(grid.v, model.V_R))

    def _each(self, *values: Change) -> Iterator[tuple[Any, ...]]:
        """Every lane's number, operator and its own of the values."""
        rows = [np.broadcast_to(value, (self.lanes,)) for value in values]
        for k, operator in enumerate(self._operators):
            yield k, operator, *(float(row[k]) for row in rows)

    # -- the operator -------------------------------------------------------------------------------------------

    def transport(self, n: np.ndarray, inputs: Inputs, out: np.ndarray) -> np.ndarray:
        fired = np.empty(self.lanes)
        for k, operator, c, a in self._each(*inputs):
            fired[k] = operator.transport(n[:, k], c, a, out[:, k])
        return fired

    def transport_slope(
        self, n: np.ndarray, inputs: Inputs, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        fired = np.empty(self.lanes)
        for k, operator, by_c, by_a in self._each(current, diffusion):
            fired[k] = operator.transport_slope(n[:, k], by_c, by_a, out[:, k])
        return fired

    def firing(self, n: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = np.empty((3, self.lanes))
        for k, operator, c, a in self._each(*inputs):
            rows[:, k] = operator.firing(n[:, k], c, a)
        return rows[0], rows[1], rows[2]

    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        out[self._reset] += source / self.width[self._reset]

    # -- linear algebra -----------------------------------------------------------------------------------------

    def eliminate(self, inputs: Inputs, shift: Change) -> None:
        for _, operator, c, a, own_shift in self._each(*inputs, shift):
            operator.eliminate(c, a, own_shift)

    def substitute(self, u: np.ndarray) -> None:
        for k, operator in enumerate(self._operators):
            u[:, k] = operator.substituted(u[:, k])

    def emitted(self, u: np.ndarray) -> np.ndarray:
        return np.array([operator.leaving @ u[:, k] for k, operator in enumerate(self._operators)])

    # -- how good it is -----------------------------------------------------------------------------------------

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Mean distance h/p of the nodes of the last element over a/μ: up to 1 it resolves e^{−μ(V_F − v)/a}."""
        inputs = self.inputs(y, t)
        return np.array([operator.layer(c, a) for _, operator, c, a in self._each(*inputs)])

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """n a/|μ| at v_min, as for a Gaussian tail, and at the upper end n over the decay by the hazard there."""
        inputs = self.inputs(y, t)
        return np.array([operator.tail(y[0, k], y[-3, k], c, a) for k, operator, c, a in self._each(*inputs)])

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        where = float(self.grid.v[np.unravel_index(np.argmin(y[:-2]), y[:-2].shape)[0]])
        return (
            f"The density went down to {smallest:.1e} at t = {t:.6g}: near v = {where:.4g} it varies too fast for "
            f"elements of degree {self.grid.degree}, or for the time step; "
            f"use a smaller `accuracy` of Spectral and a smaller rtol, or fp.ScharfetterGummel()."
        )

    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """No step keeps it positive; within this one explicit Euler is stable (the matrix norm of T at most 1/dt)."""
        return 1.0 / max(operator.norm(c, a) for _, operator, c, a in self._each(*self.inputs(y, t)))


class ElementOperator:
    """T = T_f + c T_1 + a T_2 and e of one lane on elements. The half-bandwidth is p: a solve costs O(cells p)."""

    def __init__(self, grid: Elements, drift: np.ndarray, hazard: np.ndarray, absorbing: bool) -> None:
        rule = grid.rule
        self.grid, self.cells, self.width = grid, grid.cells, grid.width
        self._absorbing, self._drift = absorbing, drift
        self._weight, self._slope = rule.w, rule.D
        self._stretch = 1.0 / grid.half
        self._escape = grid.gathered(grid.half * rule.w * hazard)[: self.cells]
        self._loss = self._escape / self.width
        self._assemble()
        # What `eliminate` leaves for the solves.
        self._factors, self._pivots = np.empty(0), np.empty(0, dtype=int)
        self.leaving = np.empty(self.cells)
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

    def _received(self, n: np.ndarray, drift: np.ndarray | float, diffusion: float) -> np.ndarray:
        """∫ φ_i' (μ n − a ∂v n) dv of every node, V_F included."""
        self._padded[: self.cells] = n
        u = self._padded.take(self.grid.index)
        flux = drift * u
        flux -= (diffusion * self._stretch) * (u @ self._slope.T)
        flux *= self._weight
        return self.grid.gathered(flux @ self._slope)

    def transport(self, n: np.ndarray, c: float, a: float, out: np.ndarray) -> float:
        """Write T n to `out`; return e·n."""
        received = self._received(n, self._drift + c, a)
        received[: self.cells] -= self._escape * n
        out[...] = received[: self.cells] / self.width
        return float(received[-1] if self._absorbing else self._escape @ n)

    def transport_slope(self, n: np.ndarray, current: float, diffusion: float, out: np.ndarray) -> float:
        """The same for changes of current and diffusion."""
        received = self._received(n, current, diffusion)
        out[...] = received[: self.cells] / self.width
        return float(received[-1]) if self._absorbing else 0.0

    def firing(self, n: np.ndarray, c: float, a: float) -> tuple[float, float, float]:
        """e·n, and its derivatives by c and a."""
        if not self._absorbing:
            return float(self._escape @ n), 0.0, 0.0
        by_drift, by_current, by_diffusion = (float(x) for x in self._exit @ n[-self.grid.degree :])
        return by_drift + c * by_current + a * by_diffusion, by_current, by_diffusion

    def _matrix(self, c: float, a: float, shift: float) -> np.ndarray:
        """w (shift − T), as `_assemble` stores it."""
        matrix = -c * self._bands[1]
        matrix -= a * self._bands[2]
        matrix -= self._bands[0]
        matrix[:, 2 * self.grid.degree] += shift * self.width
        return matrix

    def eliminate(self, c: float, a: float, shift: float) -> None:
        """Prepare `substituted` and `leaving`."""
        p = self.grid.degree
        self._factors, self._pivots, _ = dgbtrf(self._matrix(c, a, shift).T, p, p, overwrite_ab=True)
        self.leaving[:] = self._escape
        self.leaving[-p:] += self._exit[0] + c * self._exit[1] + a * self._exit[2]

    def substituted(self, u: np.ndarray) -> np.ndarray:
        """x with (shift − T) x = u."""
        p = self.grid.degree
        return np.asarray(dgbtrs(self._factors, p, p, self.width * u, self._pivots, overwrite_b=True)[0])

    def layer(self, c: float, a: float) -> float:
        """See `SpectralElements.layer`."""
        spacing = 2.0 * self.grid.half[-1, 0] / self.grid.degree
        return max(self._drift[-1, -1] + c, 0.0) * spacing / a if self._absorbing and a > 0.0 else 0.0

    def tail(self, lowest: float, highest: float, c: float, a: float) -> float:
        """Mass beyond the ends, for these densities at the first and the last node."""
        below = mass_below(lowest, self._drift[0, 0] + c, a)
        above = 0.0 if self._absorbing else mass_above(highest, self._drift[-1, -1] + c, a, self._loss[-1])
        return float(below + above)

    def norm(self, c: float, a: float) -> float:
        """The matrix norm of T."""
        return float((np.abs(self._matrix(c, a, 0.0)).sum(axis=1) / self.width).max())
