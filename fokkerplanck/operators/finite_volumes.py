"""The system of equations that a two-point flux scheme makes of a population on a grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import numpy as np

from ..grid import Grid
from ..models.voltage import VoltageModel
from ..models.wiring import Inputs
from .kernels import backward_euler, deposit, eliminate, substitute, transport
from .schemes import ChangCooper, FluxScheme, ScharfetterGummel
from .system import (
    CLOSURE_ITERATIONS,
    CLOSURE_TOLERANCE,
    Change,
    PopulationSystem,
    Reset,
    Rosenbrock,
    mass_above,
    mass_below,
)

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

    whole_steps: ClassVar[bool] = True
    """Whether the compiled steps are those of this class; not so where a subclass changes the equations."""
    grid: Grid

    def __init__(self, model: VoltageModel, grid: Grid, scheme: FluxScheme) -> None:
        super().__init__(model, grid)
        self.scheme = scheme
        unknowns = np.concatenate([grid.v[:1], grid.v, [grid.v_max]])
        # The first face has no flux, so its distance never matters; one keeps the division harmless.
        self.distance = np.concatenate([[1.0], np.diff(unknowns)[1:]])[:, None]
        self.face_drift = scheme.face_drift(model.drift_of_lanes, unknowns[:-1], unknowns[1:])
        if np.all(self.face_drift == self.face_drift[:, :1]):  # one law, given for each lane
            self.face_drift = self.face_drift[:, :1]
        self._hazard = _cell_averages(model.hazard_of_lanes, grid) * np.ones(self.lanes)
        self._loss = self._hazard.copy()
        self._loss_change = np.zeros_like(self._loss)
        # The face at V_F: the last one, unless the grid goes on above it.
        self._exit = int(np.searchsorted(grid.faces, grid.V_F))
        self._absorbing, self._open = model.absorbing, model.open
        self._absorbs = bool(np.any(self._absorbing))
        # Lanes with an absorbing threshold beside others without one end inside the grid.
        self._inner = self._absorbing & self._open
        self._ends_inside = bool(np.any(self._inner))
        if self._ends_inside:
            self._end_lanes_at_threshold(scheme, unknowns)
        self._reset = grid.deposit(model.V_R)
        # Lanes that share all but their currents and diffusions: compiled weights, the same up to rounding.
        shared = self.face_drift.shape[1] == self.distance.shape[1] == 1
        exponential = shared and type(scheme) in (ScharfetterGummel, ChangCooper)
        self._affine, self._fused = exponential and self.lanes > 1, exponential and not self._open
        self._own = self._own_coefficients() if self._fused and self.whole_steps else None
        self._shared_drift, self._shared_distance = self.face_drift[:, 0].copy(), self.distance[:, 0].copy()
        # What `eliminate` leaves for `substitute`.
        self._factor_weights = np.zeros((self.cells + 1, self.lanes)), np.zeros((self.cells + 1, self.lanes))
        self._leaving = np.zeros((self.cells, self.lanes))
        self._pivot = np.empty((self.cells, self.lanes))

    def _own_coefficients(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray] | None:
        """I, b, a0 and a1 of lanes that hear only themselves and know no time, whose steps are compiled as a whole."""
        wiring = self.wiring
        if not self._separate or wiring.time_dependent or self._late or self.latency:
            return None
        silent = [np.zeros(self.lanes) for _ in wiring.lags]
        quiet, by_rate = wiring.inputs(silent, 0.0), wiring.change(silent, [np.ones(self.lanes) for _ in wiring.lags])
        return tuple(
            np.ascontiguousarray(part) for part in (quiet.current, by_rate.current, quiet.diffusion, by_rate.diffusion)
        )  # type: ignore[return-value]

    def _end_lanes_at_threshold(self, scheme: FluxScheme, unknowns: np.ndarray) -> None:
        """Where n = 0 at V_F inside the grid, the face there is half a cell away from the last centre below it."""
        exit, ends = self._exit, self._inner
        self.distance = np.repeat(self.distance, self.lanes, axis=1)
        self.face_drift = np.broadcast_to(self.face_drift, (self.cells + 1, self.lanes)).copy()
        below, V_F = unknowns[exit : exit + 1], np.array([self.grid.V_F])
        self.distance[exit, ends] = V_F - below
        at_end = np.broadcast_to(scheme.face_drift(self.model.drift_of_lanes, below, V_F), (1, self.lanes))
        self.face_drift[exit, ends] = at_end[0, ends]
        self._hazard[:, ends] = self._loss[:, ends] = 0.0

    # -- fluxes -------------------------------------------------------------------------------------------------

    def weights(self, inputs: Inputs) -> tuple[np.ndarray, np.ndarray]:
        """(right, left) weights of every face, each of shape (cells + 1, lanes)."""
        pair = self.close_ends(*self.face_weights(inputs))
        return self._diverted(pair, self._loss, self._hazard)

    def face_weights(self, inputs: Inputs, faces: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """The same before the ends of the grid are closed, of some faces."""
        if not self._affine:
            return self.scheme.pair(*self._coefficients(inputs, faces))
        from .affine_weights import affine_weights  # one lane needs no more kernels than it has

        drift, distance = self._shared_drift[faces], self._shared_distance[faces]
        right, left = np.empty((len(drift), self.lanes)), np.empty((len(drift), self.lanes))
        affine_weights(drift, inputs.current, distance, inputs.diffusion, right, left)
        return right, left

    def weight_slopes(
        self, inputs: Inputs, current: Change, diffusion: Change, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change of the (right, left) weights for given changes of the current c and of the diffusion a."""
        if self._affine:
            return self.close_ends(*self._affine_slopes(inputs, current, diffusion, faces), faces)
        mu, kappa = self._coefficients(inputs, faces)
        left = self.scheme.slope(mu, kappa) * current
        more = np.zeros_like(kappa)
        if np.any(diffusion):
            more = more + diffusion / self.distance[faces]
            left = left + self.scheme.conductance_slope(mu, kappa) * more
        return self.close_ends(self.scheme.opposite(left, np.asarray(current), more), left, faces)

    def _affine_slopes(
        self, inputs: Inputs, current: Change, diffusion: Change, faces: slice
    ) -> tuple[np.ndarray, np.ndarray]:
        from .affine_weights import affine_slopes

        drift, distance = self._shared_drift[faces], self._shared_distance[faces]
        changes = np.full(self.lanes, current), np.full(self.lanes, diffusion)
        right, left = np.empty((len(drift), self.lanes)), np.empty((len(drift), self.lanes))
        affine_slopes(drift, inputs.current, distance, inputs.diffusion, *changes, right, left)
        return right, left

    def _diverted(
        self, pair: tuple[np.ndarray, np.ndarray], loss: np.ndarray, hazard: np.ndarray | float
    ) -> tuple[np.ndarray, np.ndarray]:
        """The weights, where lanes end inside the grid with their flux through V_F as a loss of the last cell there."""
        right, left = pair
        if self._ends_inside:
            exit, ends = self._exit, self._inner
            kept = hazard if isinstance(hazard, float) else hazard[exit - 1, ends]
            loss[exit - 1, ends] = kept + right[exit, ends] / self.width[exit - 1]
            right[exit:, ends] = left[exit:, ends] = 0.0
        return right, left

    def hazard(self) -> np.ndarray:
        """Rate at which a neuron fires in each cell, without the flux through V_F; shape (cells, lanes)."""
        return self._hazard

    def _coefficients(self, inputs: Inputs, faces: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Drift μ and conductance κ = a/d of the faces."""
        return self.face_drift[faces] + inputs.current, inputs.diffusion / self.distance[faces]

    def close_ends(
        self, right: np.ndarray, left: np.ndarray, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """No flux at v_min; at the upper end n = 0 beyond an absorbing threshold, or no flux either."""
        if faces == slice(None):
            right[0] = left[0] = 0.0
        if faces == slice(None) or faces.stop is None:
            left[-1] = 0.0
            if self._open:
                right[-1] = 0.0
        return right, left

    # -- the operator -------------------------------------------------------------------------------------------

    def transport(self, n: np.ndarray, inputs: Inputs, out: np.ndarray) -> np.ndarray:
        fired = np.empty(self.lanes)
        if self._affine and self._fused:
            from .affine_weights import affine_transport

            affine_transport(
                n, self._shared_drift, inputs.current, self._shared_distance, inputs.diffusion, self.width, out, fired
            )
        else:
            transport(n, *self.weights(inputs), self._loss, self.width, out, fired)
        return fired

    def transport_slope(
        self, n: np.ndarray, inputs: Inputs, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        fired = np.empty(self.lanes)
        slopes = self.weight_slopes(inputs, current, diffusion)
        transport(n, *self._diverted(slopes, self._loss_change, 0.0), self._loss_change, self.width, out, fired)
        return fired

    def firing(self, n: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        none = np.zeros(self.lanes)
        fired = np.einsum("ik,i,ik->k", self._hazard, self.width, n) if self._open else none
        if not self._absorbs:
            return fired, none, none
        last, face = n[self._exit - 1], slice(self._exit, self._exit + 1)
        if self._open:
            last = np.where(self._absorbing, last, 0.0)
        through = self.face_weights(inputs, face)[0][0]
        by_current = last * self.weight_slopes(inputs, 1.0, 0.0, face)[0][0]
        by_diffusion = last * self.weight_slopes(inputs, 0.0, 1.0, face)[0][0] if self.wiring.noisy else none
        return fired + last * through, by_current, by_diffusion

    def close(self, y: np.ndarray, t: float) -> bool:
        """As the base class has it; for a bounded flux, whose e is not convex, by bisection up to the bound."""
        if self._own is not None and self.lanes == 1:
            return bool(self.close_lanes(y, t, np.ones(1, dtype=bool))[0])
        if super().close(y, t):
            return True
        if not np.isfinite(self.scheme.bound) or self.lanes > 1:
            return False

        def excess(rate: np.ndarray) -> np.ndarray:
            return self.firing(y[:-2], self.inputs_at(rate, t))[0] - rate

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

    def eliminate(self, inputs: Inputs, shift: Change) -> None:
        right, left = self._factor_weights = self.weights(inputs)
        np.multiply(self._loss, self.width[:, None], out=self._leaving)
        self._leaving[-1] += right[-1]
        eliminate(np.full(self.lanes, shift), right, left, self._loss, self.width, self._pivot)

    def substitute(self, u: np.ndarray) -> None:
        substitute(u, *self._factor_weights, self.width, self._pivot)

    def emitted(self, u: np.ndarray) -> np.ndarray:
        return np.einsum("ik,ik->k", self._leaving, u)

    def implicit_density(self, n: np.ndarray, inputs: Inputs, dt: float, reset: Reset) -> tuple[np.ndarray, np.ndarray]:
        """As the base class has it, in one sweep and without a subtraction: see the kernel."""
        rate, source = np.empty(self.lanes), np.empty(self.lanes)
        shift = np.full(self.lanes, 1.0 / dt)
        if self._fused:
            from .affine_weights import affine_backward_euler, affine_backward_euler_lane

            step = affine_backward_euler_lane if self.lanes == 1 else affine_backward_euler
            step(
                n, self._shared_drift, inputs.current, self._shared_distance, inputs.diffusion, self.width,
                *self._reset, *reset, shift, rate, source,
            )  # fmt: skip
            return rate, source
        right, left = self.weights(inputs)
        backward_euler(
            n, right, left, self._loss, self.width, *self._reset, *reset, shift,
            self._pivot, self._by_reset, rate, source,
        )  # fmt: skip
        return rate, source

    # -- whole steps of lanes that hear only themselves ---------------------------------------------------------

    def rosenbrock_stages(self, y: np.ndarray, dt: float, method: Rosenbrock) -> tuple[np.ndarray, np.ndarray] | None:
        if self._own is None or self.lanes > 1:
            return None
        from .affine_weights import affine_rosenbrock_lane

        external, b, a0, a1 = (float(part[0]) for part in self._own)
        u, state = np.empty((len(method.a), *self.shape)), np.empty(self.shape)
        affine_rosenbrock_lane(
            y[:, 0], dt, self._shared_drift, self._shared_distance, self.width, external, b, a0, a1,
            float(self._tau[0]), *self._reset, method.a, method.C, method.gamma, u[:, :, 0], state[:, 0],
        )  # fmt: skip
        return u, state

    def rosenbrock_lanes(
        self, y: np.ndarray, dt: np.ndarray, method: Rosenbrock, rtol: float, atol: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        if self._own is None:
            return None
        from .affine_weights import affine_rosenbrock

        new, errors, rates = np.empty(self.shape), np.empty(self.lanes), np.empty((len(method.a), self.lanes))
        affine_rosenbrock(
            y, dt, self._shared_drift, self._shared_distance, self.width, *self._own, self._tau, *self._reset,
            method.a, method.C, method.gamma, rtol, atol, new, errors, rates,
        )  # fmt: skip
        return new, errors, rates

    def close_lanes(self, y: np.ndarray, t: float, wanted: np.ndarray) -> np.ndarray:
        if self._own is None:
            return super().close_lanes(y, t, wanted)
        from .affine_weights import affine_closure

        found = np.empty(self.lanes, dtype=bool)
        affine_closure(
            y[-3], float(self._shared_drift[-1]), float(self._shared_distance[-1]), *self._own, CLOSURE_TOLERANCE,
            CLOSURE_ITERATIONS, wanted, y[-1], found,
        )  # fmt: skip
        return found

    # -- how good it is -----------------------------------------------------------------------------------------

    def peclet(self, y: np.ndarray, t: float) -> np.ndarray:
        """Largest cell Péclet number |μ| d/a of each lane."""
        mu, kappa = self._coefficients(self.inputs(y, t))
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.nanmax(np.abs(mu[1:]) / kappa[1:], axis=0)

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Last cell width over the thickness a/μ of the boundary layer; without noise there is none to resolve."""
        mu, kappa = self._coefficients(self.inputs(y, t), slice(self._exit, self._exit + 1))
        presses = (kappa > 0.0) & self._absorbing
        return np.where(presses, 2.0 * np.maximum(mu, 0.0) / np.where(kappa > 0.0, kappa, 1.0), 0.0)[0]

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """n a/|μ| at v_min, as for a Gaussian tail; at the upper end n over the decay that the hazard causes there."""
        inputs = self.inputs(y, t)
        mu, kappa = self._coefficients(inputs, slice(1, 2))
        below = mass_below(y[0], mu[0], kappa[0] * self.distance[1])
        if not self._open:
            return below
        mu, kappa = self._coefficients(inputs, slice(-1, None))
        above = mass_above(y[-3], mu[0], kappa[0] * self.distance[-1], self._loss[-1])
        return below + np.where(self._absorbing, 0.0, above)

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        peclet, scheme = float(np.max(self.peclet(y, t))), self.scheme
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
        right, left = self.weights(self.inputs(y, t))
        return 1.0 / float(np.max((right[1:] + left[:-1]) / self.width[:, None] + self._loss))


def _cell_averages(function: Callable[[np.ndarray], np.ndarray], grid: Grid) -> np.ndarray:
    """Averages over the cells, shape (cells, lanes), by five-point Gauss quadrature; jumps at faces do no harm."""
    nodes, weights = GAUSS
    v = grid.v[:, None] + 0.5 * grid.width[:, None] * nodes
    values = np.asarray(function(v.ravel()), dtype=float).reshape(*v.shape, -1)
    return np.asarray(np.einsum("iqk,q->ik", values, 0.5 * weights))
