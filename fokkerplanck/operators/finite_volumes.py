"""The system of equations that a two-point flux scheme makes of a population on a grid."""

from __future__ import annotations

import numpy as np

from ..grid import Grid
from ..models.population import Population
from ..outcomes import InvalidArgument
from ..state import State
from .kernels import backward_euler, balance, bordered_solve, deposit, divergence, eliminate, substitute
from .schemes import FluxScheme

CLOSURE_TOLERANCE = 1e-14
CLOSURE_ITERATIONS = 100


class FiniteVolumes:
    """The semi-discrete equations, as a differential-algebraic system M y' = F(y, t).

    y has shape (cells + 2, lanes): the density n of each cell, the refractory pool R, and the rate N, which is not
    differentiated: 0 = e(N)·n − N says that N is exactly the flux the scheme removes at V_F (M = 1, …, 1, 1, 0).

        n' = T(N, t) n + r S,   R' = e·n − S,   S = R/τ  (S = e·n without refractoriness)

    The Jacobian is tridiagonal plus one column times a row, so a linear solve costs O(cells). The buffers belong to
    this object: one system serves one run.
    """

    def __init__(self, model: Population, grid: Grid, scheme: FluxScheme) -> None:
        _check_laws(model)
        self.model, self.grid, self.scheme = model, grid, scheme
        self.cells, self.lanes, self.width = grid.cells, model.lanes, grid.width
        unknowns = np.concatenate([grid.v[:1], grid.v, [grid.V_F]])
        # The first face has no flux, so its distance never matters; one keeps the division harmless.
        self._distance = np.concatenate([[1.0], np.diff(unknowns)[1:]])[:, None]
        self._face_drift = scheme.face_drift(model.drift, unknowns[:-1], unknowns[1:])[:, None]
        self._reset = grid.deposit(model.V_R)
        self._tau = np.full(self.lanes, model.refractory.mean_duration)
        # What `factor` leaves for `solve`.
        self._factor_weights = self.weights(np.zeros(self.lanes), 0.0)
        self._shift, self._gain = np.ones(self.lanes), np.zeros(self.lanes)
        self._pivot, self._response = np.empty((self.cells, self.lanes)), np.empty((self.cells, self.lanes))

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of y."""
        return self.cells + 2, self.lanes

    # -- the equations ------------------------------------------------------------------------------------------

    def weights(self, rate: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """(right, left) weights of every face for the activity `rate`, each of shape (cells + 1, lanes)."""
        mu, kappa = self._transport(rate, t)
        left = self.scheme.weight(mu, kappa)
        return _close_ends(left + mu, left)

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        """F(y, t), written to `out`."""
        balance(y, *self.weights(y[-1], t), self.width, *self._reset, self._tau, out)
        return out

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None:
        """∂F/∂t at the start of a step, or None when the equation does not depend on time."""
        coupling = self.model.coupling
        if not coupling.time_dependent:
            return None
        # One-sided, of second order and within the step: I(t) need not be defined outside the run.
        h = min(0.5 * dt, 1e-5)
        here, near, far = (coupling.external_at(t + k * h) for k in range(3))
        slope = (4.0 * near - 3.0 * here - far) / (2.0 * h)
        out = np.zeros(self.shape)
        fired = self._divergence(y, *self.weight_slopes(y[-1], t, current=slope, diffusion=0.0), out=out[:-2])
        reset = np.where(self._tau > 0, 0.0, fired)
        deposit(out[:-2], reset, *self._reset, self.width)
        out[-2], out[-1] = fired - reset, fired
        return out

    def peclet(self, y: np.ndarray, t: float) -> np.ndarray:
        """Largest cell Péclet number |μ| d/a of each lane."""
        mu, kappa = self._transport(y[-1], t)
        return np.max(np.abs(mu[1:]) / kappa[1:], axis=0)

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Last cell width over the thickness a/μ of the boundary layer that the drift presses against V_F."""
        mu, kappa = self._transport(y[-1], t, slice(-1, None))
        return (2.0 * np.maximum(mu, 0.0) / kappa)[0]

    def surge(self, old: np.ndarray, new: np.ndarray, dt: float) -> np.ndarray:
        """How much further than expected the rise of N within one step moves a neuron, over the way from V_R to V_F.

        A step that resolves the activity keeps this small; for a lagged rate it is the error of the lag.
        """
        gap = self.grid.V_F - self.grid.V_R
        coupling, noise = self.model.coupling, self.model.noise
        return (new[-1] - old[-1]) * dt * max(coupling.gain / gap, noise.gain / gap**2, 0.0)

    # -- linear algebra -----------------------------------------------------------------------------------------

    def factor(self, y: np.ndarray, t: float, shift: float) -> None:
        """Prepare `solve` for the matrix shift·M − ∂F/∂y at (y, t)."""
        right, left = self._factor_weights = self.weights(y[-1], t)
        self._shift[...] = shift
        eliminate(self._shift, right, left, self.width, self._pivot)
        coupling, noise = self.model.coupling, self.model.noise
        by_rate = self.weight_slopes(y[-1], t, current=coupling.gain, diffusion=noise.gain)
        eta = self._divergence(y, *by_rate, out=self._response)
        deposit(self._response, 1.0 / (1.0 + self._tau * shift), *self._reset, self.width)
        substitute(self._response, right, left, self.width, self._pivot)
        self._gain[...] = eta + right[-1] * self._response[-1]

    def solve(self, u: np.ndarray) -> np.ndarray:
        """Solve (shift·M − ∂F/∂y) u = u in place, with the matrix of the last `factor`."""
        right, left = self._factor_weights
        bordered_solve(
            u, right, left, self.width, self._pivot, *self._reset, self._tau, self._shift, self._response, self._gain
        )
        return u

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray:
        """One backward-Euler step to time t with the coefficients of the old rate y[-1]; firing and reset implicit."""
        new = y.copy()
        right, left = self.weights(y[-1], t)
        shift = np.full(self.lanes, 1.0 / dt)
        backward_euler(new, right, left, self.width, *self._reset, self._tau, shift, self._pivot, self._response)
        return new

    def close(self, y: np.ndarray, t: float) -> bool:
        """Set y[-1] to the rate N that solves N = e(N, t)·n; False (and y unchanged) if there is none.

        e is convex in N, so Newton's iteration from N = 0 climbs to the smallest root; it meets a slope ≥ 0 of
        e·n − N only if there is no root: the density at V_F has reached 1/b, or a1 |∂v n| has reached 1.
        """
        last = y[-3]

        def newton(rate: np.ndarray) -> np.ndarray | None:
            for _ in range(CLOSURE_ITERATIONS):
                mu, kappa = self._transport(rate, t, slice(-1, None))
                fired = last * (self.scheme.weight(mu, kappa) + mu)[0]
                by_rate = self.weight_slopes(rate, t, self.model.coupling.gain, self.model.noise.gain, slice(-1, None))
                slope = 1.0 - last * by_rate[0][0]
                if np.any(slope <= 0.0) or not np.all(np.isfinite(fired)):
                    return None
                change = (fired - rate) / slope
                rate = rate + change
                if np.all(np.abs(change) <= CLOSURE_TOLERANCE * np.abs(rate) + 1e-300):
                    return rate
            return rate if np.all(np.abs(change) <= 1e-10 * np.abs(rate)) else None

        rate = newton(y[-1])
        if rate is None:
            rate = newton(np.zeros(self.lanes))
        if rate is None:
            return False
        y[-1] = rate
        return True

    # -- to and from the user's objects -------------------------------------------------------------------------

    def pack(self, density: np.ndarray, refractory: float = 0.0, rate: float = 0.0) -> np.ndarray:
        """y of a single population."""
        y = np.empty(self.shape)
        y[:-2] = density[:, None]
        y[-2], y[-1] = refractory, rate
        return y

    def unpack(self, y: np.ndarray, t: float) -> State:
        """The State of a single population."""
        return State(t, self.grid, y[:-2, 0].copy(), float(y[-1, 0]), float(y[-2, 0]))

    def mass(self, y: np.ndarray) -> np.ndarray:
        """∫ n dv + R of each lane."""
        return self.width @ y[:-2] + y[-2]

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """Estimate of the mass that lies below v_min: for a Gaussian tail, n(v_min) a/|μ(v_min)| of each lane."""
        mu, kappa = self._transport(y[-1], t, slice(1, 2))
        diffusion = kappa[0] * self._distance[1]
        inward = np.maximum(mu[0], np.sqrt(diffusion))
        return np.abs(y[0]) * diffusion / inward

    # -- details ------------------------------------------------------------------------------------------------

    def _transport(self, rate: np.ndarray, t: float, faces: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Drift μ and conductance κ = a/d of the faces."""
        mu = self._face_drift[faces] + self.model.coupling.current(rate, t)
        return mu, self.model.noise.diffusion(rate) / self._distance[faces]

    def weight_slopes(
        self, rate: np.ndarray, t: float, current: float, diffusion: float, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change of the (right, left) weights for given changes of the current c and of the diffusion a."""
        mu, kappa = self._transport(rate, t, faces)
        slope = self.scheme.slope(mu, kappa)
        left = slope * current
        if diffusion:
            left = left + (self.scheme.weight(mu, kappa) - mu * slope) * (diffusion / self.model.noise.diffusion(rate))
        return _close_ends(left + current, left, faces)

    def _divergence(self, y: np.ndarray, right: np.ndarray, left: np.ndarray, out: np.ndarray) -> np.ndarray:
        flux = np.empty(self.lanes)
        divergence(y[:-2], right, left, self.width, out, flux)
        return flux


def _check_laws(model: Population) -> None:
    """A law that answers other questions than these would be solved as if it were the nearest known one."""
    if not getattr(model.threshold, "absorbing", False):
        raise InvalidArgument(f"finite volumes have no threshold law {model.threshold!r} yet; use a HardThreshold.")
    if not getattr(model.refractory, "memoryless", False):
        raise InvalidArgument(
            f"finite volumes have no refractory law {model.refractory!r} yet; use fp.ExponentialRefractory(tau)."
        )


def _close_ends(right: np.ndarray, left: np.ndarray, faces: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
    """No flux at v_min; n = 0 beyond V_F."""
    if faces == slice(None):
        right[0] = left[0] = 0.0
    left[-1] = 0.0
    return right, left
