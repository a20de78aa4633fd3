"""The finite volumes of a polarizing cell: drift towards a wall by what is read off there."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..grid import HalfLine
from ..models.polarization import Polarization, first_moment
from ..outcomes import FokkerPlanckError
from ..state import State
from .evolution import Evolution
from .kernels import eliminate, substitute, transport
from .schemes import FluxScheme
from .system import mass_below

SMALL = 1e-4
"""Below it (1 − e^{−x})/x is its series."""


class Wall(NamedTuple):
    """n(0) = slope · n_1 + offset for a given μ, with the derivatives of both by μ."""

    slope: float
    offset: float
    slope_change: float
    offset_change: float


class PolarizationVolumes(Evolution):
    """Cell averages n, the speed μ and the concentration n_0 = n(0, t) at the wall: y = (n, μ, n_0).

        n' = T(μ) n,   μ' = n_0 − μ/L,   0 = w(n_1, μ) − n_0

    The flux is that of a two-point scheme with the velocity −μ; it vanishes at the far end, and at the wall it is −μ'
    where molecules bind, else nothing. Next to the wall n solves J_0 = −∂z n − μ n with that flux J_0: its average over
    the first cell gives n_0. So the steady states α e^{−αz} are exact on equal cells, however wide these are. With
    instant polarity μ = n_0, the average is (1 − e^{−n_0 h})/h: there is no n_0 if the first cell holds the mass 1.
    """

    model: Polarization
    grid: HalfLine

    def __init__(self, model: Polarization, grid: HalfLine, scheme: FluxScheme) -> None:
        super().__init__(model, grid)
        self.scheme, self.polarity = scheme, model.polarity
        self._decay = 0.0 if self.polarity.instant else 1.0 / self.polarity.L
        self._first = float(grid.width[0])
        # The ends have no two-point flux; one keeps the division harmless.
        self._kappa = 1.0 / np.concatenate([[1.0], np.diff(grid.v), [1.0]])[:, None]
        self._none = np.zeros((self.cells, 1))
        self._fired = np.empty(1)
        self._weights = np.zeros((self.cells + 1, 1)), np.zeros((self.cells + 1, 1))
        self._pivot = np.empty((self.cells, 1))
        self._responses = np.zeros((2, self.cells, 1))
        self._border, self._gain, self._shift = np.eye(2), 0.0, 1.0

    # -- the equation ---------------------------------------------------------------------------------------------

    def speed(self, y: np.ndarray) -> float:
        """μ."""
        return float(y[-1, 0] if self.polarity.instant else y[-2, 0])

    def weights(self, mu: float) -> tuple[np.ndarray, np.ndarray]:
        """(right, left) weights of every face, shape (cells + 1, 1)."""
        return self._closed(*self.scheme.pair(np.full_like(self._kappa, -mu), self._kappa))

    def weight_slopes(self, mu: float) -> tuple[np.ndarray, np.ndarray]:
        """Their derivatives by μ."""
        drift = np.full_like(self._kappa, -mu)
        left = -self.scheme.slope(drift, self._kappa)
        return self._closed(self.scheme.opposite(left, np.full_like(left, -1.0), np.zeros_like(left)), left)

    @staticmethod
    def _closed(right: np.ndarray, left: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        right[0] = left[0] = right[-1] = left[-1] = 0.0
        return right, left

    def wall(self, mu: float) -> Wall:
        """What n_0 is for a given n_1.

        With φ = (1 − e^{−x})/x, x = μh, the average of e^{−μz}: n_0 = n_1/φ at a closed wall. Where molecules bind,
        J_0 = −(n_0 − μ/L), and n_1 = φ n_0 + (1 − φ)(n_0 − μ/L)/μ.
        """
        h = self._first
        x = mu * h
        if abs(x) < SMALL:
            phi, change = 1.0 - x / 2 + x * x / 6, h * (-0.5 + x / 3)
            rest, rest_change = h * (0.5 - x / 6 + x * x / 24), h * h * (-1.0 / 6 + x / 12)
        else:
            phi = -np.expm1(-x) / x
            change = (np.exp(-x) - phi) / mu
            rest = (1.0 - phi) / mu
            rest_change = (-change - rest) / mu
        if not self.polarity.binds:
            return Wall(1.0 / phi, 0.0, -change / phi**2, 0.0)
        whole, whole_change = phi + rest, change + rest_change
        slope, offset = 1.0 / whole, (1.0 - phi) * self._decay / whole
        return Wall(slope, offset, -whole_change * slope**2, (-change * self._decay - offset * whole_change) / whole)

    def _trace(self, first: float, mu: float) -> float:
        """w(n_1, μ); infinite or not a number where there is none."""
        if self.polarity.instant:
            return float(-np.log1p(-self._first * first) / self._first)
        wall = self.wall(mu)
        return wall.slope * first + wall.offset

    def close(self, y: np.ndarray, t: float) -> bool:
        with np.errstate(divide="ignore", invalid="ignore"):
            trace = self._trace(float(y[0, 0]), float(y[-2, 0]))
        if not np.isfinite(trace):
            return False
        y[-1] = trace
        return True

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        transport(y[:-2], *self.weights(self.speed(y)), self._none, self.width, out[:-2], self._fired)
        out[-2] = 0.0 if self.polarity.instant else y[-1] - self._decay * y[-2]
        if self.polarity.binds:
            out[0] -= out[-2] / self._first
        out[-1] = self._trace(float(y[0, 0]), float(y[-2, 0])) - y[-1]
        return out

    # -- linear algebra -------------------------------------------------------------------------------------------

    def factor(self, y: np.ndarray, t: float, shift: float) -> None:
        """Two responses, to a change of μ and to one of n_0, border the tridiagonal matrix."""
        mu, first = self.speed(y), float(y[0, 0])
        self._eliminate(mu, shift)
        by_speed = np.zeros((self.cells, 1))
        transport(y[:-2], *self.weight_slopes(mu), self._none, self.width, by_speed, self._fired)
        by_mu, by_trace = self._responses
        by_mu[...], by_trace[...] = 0.0, 0.0
        (by_trace if self.polarity.instant else by_mu)[...] = by_speed
        if self.polarity.binds:
            by_mu[0] += self._decay / self._first
            by_trace[0] -= 1.0 / self._first
        substitute(by_mu, *self._weights, self.width, self._pivot)
        substitute(by_trace, *self._weights, self.width, self._pivot)
        if self.polarity.instant:
            self._gain, by_itself = 1.0 / (1.0 - self._first * first), 0.0
        else:
            wall = self.wall(mu)
            self._gain, by_itself = wall.slope, wall.slope_change * first + wall.offset_change
        # Rows: s u_μ − (∂μ'/∂…) u, and u_0 − w_n u_1 − w_μ u_μ, where u_1 = x_1 + z_μ u_μ + z_0 u_0.
        feels = 0.0 if self.polarity.instant else 1.0
        self._border = np.array(
            [
                [shift + self._decay, -feels],
                [-self._gain * by_mu[0, 0] - by_itself, 1.0 - self._gain * by_trace[0, 0]],
            ]
        )

    def _eliminate(self, mu: float, shift: float) -> None:
        self._weights = self.weights(mu)
        eliminate(np.array([shift]), *self._weights, self._none, self.width, self._pivot)

    def solve(self, u: np.ndarray) -> np.ndarray:
        substitute(u[:-2], *self._weights, self.width, self._pivot)
        right = np.array([u[-2, 0], u[-1, 0] + self._gain * u[0, 0]])
        u[-2:, 0] = np.linalg.solve(self._border, right)
        u[:-2] += self._responses[0] * u[-2] + self._responses[1] * u[-1]
        return u

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray:
        """One backward-Euler step with the drift of the old μ; binding, relaxation and n_0 implicit.

        With q = μ' of the step, n⁺ = r − q z and n_0⁺ = q + μ⁺/L, both linear in q.
        """
        new, mu = y.copy(), self.speed(y)
        self._eliminate(mu, 1.0 / dt)
        new[:-2] /= dt
        substitute(new[:-2], *self._weights, self.width, self._pivot)
        if not self.polarity.instant:
            wall, response = self.wall(mu), np.zeros((self.cells, 1))
            if self.polarity.binds:
                response[0] = 1.0 / self._first
                substitute(response, *self._weights, self.width, self._pivot)
            trace = wall.slope * new[0] + wall.offset
            q = (trace - self._decay * y[-2]) / (1.0 + dt * self._decay + wall.slope * response[0])
            new[:-2] -= q * response
            new[-2] = y[-2] + dt * q
        if not self.close(new, t):
            new[-1] = np.nan
        return new

    def rate_correction(self, new: np.ndarray, t: float, dt: float, excess: np.ndarray) -> np.ndarray:
        return excess

    def explicit_limit(self, y: np.ndarray, t: float) -> float:
        right, left = self.weights(self.speed(y))
        return 1.0 / float(np.max((right[1:] + left[:-1]) / self.width[:, None]))

    # -- how good it is -------------------------------------------------------------------------------------------

    def mass(self, y: np.ndarray) -> np.ndarray:
        return super().mass(y) + (y[-2] if self.polarity.binds else 0.0)

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """First cell over the thickness 1/μ of the layer, which instant polarity has to resolve."""
        return np.array([self.speed(y) * self._first if self.polarity.instant else 0.0])

    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        """How far the rise of μ carries the molecules, over their mean distance."""
        distance = first_moment(self.unpack(new, t)) / self.model.mass
        return np.array([dt * max(self.speed(new) - self.speed(old), 0.0) / distance])

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """Beyond the far end the density falls like e^{−μz}, or like a Gaussian."""
        return np.asarray(mass_below(y[-3], self.speed(y), 1.0))

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        return (
            f"The density went down to {smallest:.1e} at t = {t:.6g}; use ScharfetterGummel() with a smaller rtol, or "
            f"BackwardEuler, which keeps it positive."
        )

    def unsolvable(self, state: State) -> str:
        """With instant polarity the first cell can hold less than the critical mass 1."""
        held = float(state.density[0] * self._first)
        if held < 1.0:
            raise FokkerPlanckError(f"n(0, t) cannot be read off a first cell that holds the mass {held:g}.")
        return (
            f" (the first cell holds the mass {held:.3g}: from 1 on no concentration at the wall has that average; use "
            f"a smaller `finest`. If it stays above 1 on every grid, this datum blows up at once)"
        )
