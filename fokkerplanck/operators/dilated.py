"""The same equation by two other clocks: one that runs with the activity, and one that counts spikes only.

With dτ = (1 + N) dt and m = 1/(1 + N) every coefficient is bounded, however large N is:

    ∂τ n + ∂v[(m (f + I) + (1 − m) b) n] − (m a0 + (1 − m) a1) ∂vv n = (1 − m) δ(v − V_R),    dt = m dτ,

and what fires per unit of τ is 1 − m. The share m is the unknown that N was. A blow-up is the instant at which m = 0:
each spike then sets off one other, which is F(0) = 1 for

    F(m) = the flux at V_F under the coefficients of m.

From there on the physical clock stands still. `StandingClock` is the equation with m = 0, in which z counts the spikes
per neuron; what F(0) exceeds 1 waits to be sent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, NoReturn

import numpy as np
from scipy.optimize import brentq

from ..grid import Grid
from ..models.coupling import MeanFieldCoupling
from ..models.noise import ActivityNoise
from ..models.population import Population, require_population
from ..models.refractory import NoRefractory
from ..outcomes import InvalidArgument
from .finite_volumes import FiniteVolumes
from .kernels import eliminate, substitute, transport
from .schemes import FluxScheme

STRIDE = 1e-5
"""Of the differences that stand for a derivative by t."""
NEAREST = 1e-13
"""Relative accuracy to which the share m is found."""


class Dilated:
    """The system in τ, M y' = F(y) with y = (n, R, t, m): one row more than that of the finite volumes it is made from.

        n' = T(m, t) n + r S,   R' = F − S,   t' = m,   0 = F − (1 − m),      S = F | m R/τ_R | m N(t − τ_R)

    N(t − τ_R), after a fixed refractory time, is what `returning` answers. The row of t holds the time since `origin`,
    which the loop moves along: else a late t would have a large tolerance.
    """

    def __init__(self, volumes: FiniteVolumes) -> None:
        self.volumes, self.model, self.scheme = volumes, require_population(volumes.model), volumes.scheme
        self.cells = volumes.cells
        self.latency = volumes.latency
        self.pool = 0.0 if self.latency else float(self.model.refractory.mean_duration)
        self.returning: Callable[[float], float] = lambda t: 0.0
        self._b, self._a0, self._a1 = (
            self.model.coupling.gain,
            float(self.model.noise.diffusion(np.zeros(1))[0]),
            self.model.noise.gain,
        )
        self.origin, self.end = 0.0, np.inf
        self._pivot = np.empty((self.cells, 1))
        self._response = np.zeros((self.cells, 1))

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of y."""
        return self.cells + 3, 1

    # -- coefficients -------------------------------------------------------------------------------------------

    def _coefficients(self, m: float, t: float, faces: slice = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Drift μ and conductance κ of the faces, per unit of τ."""
        own = self.volumes.face_drift[faces] + self._external(t)
        return m * own + (1.0 - m) * self._b, (m * self._a0 + (1.0 - m) * self._a1) / self.volumes.distance[faces]

    def _external(self, t: float) -> float:
        """I(t), which need not be defined beyond the end of the run: a step that goes too far is cut short later."""
        return self.model.coupling.external_at(min(t, self.end))

    def _slopes(
        self, m: float, t: float, drift: np.ndarray, diffusion: float, faces: slice = slice(None)
    ) -> tuple[np.ndarray, np.ndarray]:
        """Change of the (right, left) weights when drift and diffusion change by these."""
        mu, kappa = self._coefficients(m, t, faces)
        more = diffusion / self.volumes.distance[faces]
        left = self.scheme.slope(mu, kappa) * drift + self.scheme.conductance_slope(mu, kappa) * more
        return self.volumes.close_ends(self.scheme.opposite(left, drift, more), left, faces)

    def _by_share(self, t: float, faces: slice = slice(None)) -> tuple[np.ndarray, float]:
        """∂μ/∂m and ∂a/∂m."""
        own = self.volumes.face_drift[faces] + self._external(t)
        return own - self._b, self._a0 - self._a1

    def _last_weight(self, m: float, t: float) -> float:
        """F(m) over the density in the last cell."""
        mu, kappa = self._coefficients(m, t, slice(-1, None))
        return float(self.scheme.pair(mu, kappa)[0][0, 0])

    def branching(self, y: np.ndarray) -> float:
        """F(0): how many neurons each spike makes fire. At one, N is infinite."""
        return self._last_weight(0.0, self.origin) * float(y[self.cells - 1, 0])

    # -- the equations ------------------------------------------------------------------------------------------

    def _transport(self, n: np.ndarray, weights: tuple[np.ndarray, np.ndarray], out: np.ndarray) -> float:
        fired = np.empty(1)
        transport(n, *weights, self.volumes.hazard(), self.volumes.width, out, fired)
        return float(fired[0])

    def residual(self, y: np.ndarray, tau: float, out: np.ndarray) -> np.ndarray:
        """F(y), written to `out`; the equation does not depend on τ itself."""
        n, R, t, m = self.parts(y)
        weights = self.volumes.close_ends(*self.scheme.pair(*self._coefficients(m, t)))
        fired = self._transport(n, weights, out[: self.cells])
        source = m * self.returning(t) if self.latency else m * R / self.pool if self.pool else fired
        self.volumes.deposit(out[: self.cells], np.array([source]))
        out[-3], out[-2], out[-1] = fired - source, m, fired - (1.0 - m)
        return out

    def time_derivative(self, y: np.ndarray, tau: float, dtau: float) -> None:
        """None: t is one of the unknowns."""
        return None

    def parts(self, y: np.ndarray) -> tuple[np.ndarray, float, float, float]:
        """(n, R, t, m)."""
        return y[: self.cells], float(y[-3, 0]), self.time(y), float(y[-1, 0])

    def time(self, y: np.ndarray) -> float:
        """t."""
        return self.origin + float(y[-2, 0])

    def pack(self, y: np.ndarray) -> np.ndarray:
        """From (n, R, N) of the finite volumes, at the time `origin`; m is set by `close`."""
        return np.concatenate([y[:-1], [[0.0], [1.0]]])

    def unpack(self, y: np.ndarray) -> np.ndarray:
        """(n, R, N) with N = F(m)/m, in which a small N does not drown as it would in (1 − m)/m."""
        n, _, t, m = self.parts(y)
        fired = self._last_weight(m, t) * float(n[-1, 0])
        return np.concatenate([y[:-2], [[fired / m if m > 0.0 else np.inf]]])

    def close(self, y: np.ndarray, tau: float) -> bool:
        """Set m to the solution of F(m) = 1 − m; where there is none, F(0) ≥ 1, m is left as it is.

        A step that ends beyond the blow-up is of use: its dense output tells when the blow-up was.
        """
        last, t = float(y[self.cells - 1, 0]), self.time(y)

        def excess(m: float) -> float:
            return self._last_weight(m, t) * last - (1.0 - m)

        if excess(0.0) < 0.0 < excess(1.0):
            y[-1] = brentq(excess, 0.0, 1.0, xtol=1e-300, rtol=NEAREST)
        elif last <= 0.0:
            y[-1] = 1.0 - last * self._last_weight(1.0, t)
        return True

    # -- linear algebra -----------------------------------------------------------------------------------------

    def factor(self, y: np.ndarray, tau: float, shift: float) -> None:
        """Prepare `solve` for shift·M − ∂F/∂y.

        With η = ∂F/∂m and k = ∂(T n)/∂m (and the like for t), u_t = (ρ_t + u_m)/shift, and the reset
        u_S = s_0 + s_1 u_m is known but for u_m; so there is one column, solved for once.
        """
        n, R, t, m = self.parts(y)
        right, left = self.volumes.close_ends(*self.scheme.pair(*self._coefficients(m, t)))
        self._weights, self._shift, self._share, self._silent = (right, left), shift, m, R
        eliminate(np.array([shift]), right, left, self.volumes.hazard(), self.volumes.width, self._pivot)
        eta = self._transport(n, self._slopes(m, t, *self._by_share(t)), self._response)
        self._by_time, self._eta_time = np.zeros_like(self._response), 0.0
        if self.model.coupling.time_dependent:
            drift = np.full_like(
                self.volumes.face_drift,
                m * _slope(self._external, t, STRIDE if t + 2.0 * STRIDE <= self.end else -STRIDE),
            )
            self._eta_time = self._transport(n, self._slopes(m, t, drift, 0.0), self._by_time)
            self._response += self._by_time / shift
        # The reset u_S = s_0 + s_1 u_m: with a pool S = m R/τ_R and (shift + m/τ_R) u_R = ρ_R − ρ_m − (1 + R/τ_R) u_m.
        self._kept, self._returned = 1.0 / shift, 0.0
        if self.latency:
            self._returned = m * _slope(self.returning, t, min(STRIDE, 0.1 * self.latency)) / shift
            self._passed = self.returning(t) + self._returned
        elif self.pool:
            self._kept = 1.0 / (shift + m / self.pool)
            self._passed = R / self.pool - m / self.pool * self._kept * (1.0 + R / self.pool)
        else:
            self._passed = -1.0
        self.volumes.deposit(self._response, np.array([self._passed]))
        self._substitute(self._response)
        self._gain = 1.0 + eta + self._eta_time / shift + self._emitted(self._response)

    def solve(self, u: np.ndarray) -> np.ndarray:
        """Solve (shift·M − ∂F/∂y) u = u in place, with the matrix of the last `factor`."""
        x, (rho_R, rho_t, rho_m) = u[: self.cells], (float(row) for row in u[-3:, 0])
        if self.latency:
            known = self._returned * rho_t
        else:
            known = self._share / self.pool * self._kept * (rho_R - rho_m) if self.pool else -rho_m
        x += self._by_time * (rho_t / self._shift)
        self.volumes.deposit(x, np.array([known]))
        self._substitute(x)
        share = -(rho_m + self._emitted(x) + self._eta_time * rho_t / self._shift) / self._gain
        x += self._response * share
        if self.latency:
            u[-3] = self._kept * (rho_R - rho_m - share - known - self._passed * share)
        elif self.pool:
            u[-3] = self._kept * (rho_R - rho_m - share * (1.0 + self._silent / self.pool))
        else:
            u[-3] = self._kept * rho_R
        u[-2], u[-1] = (rho_t + share) / self._shift, share
        return u

    def _substitute(self, x: np.ndarray) -> None:
        substitute(x, *self._weights, self.volumes.width, self._pivot)

    def _emitted(self, x: np.ndarray) -> float:
        return float(self._weights[0][-1, 0] * x[-1, 0])

    # -- what the stepper asks besides --------------------------------------------------------------------------

    def start_step(self, tau: float) -> None:
        """Nothing is remembered."""

    def foreseen(self, *_: object) -> None:
        return None

    def forget_attempt(self) -> None:
        """Nothing to forget."""

    def rate_correction(self, *_: object) -> NoReturn:
        """Refused, as `implicit_step` is."""
        raise InvalidArgument("the dilated time needs an adaptive stepper, fp.Rodas5P().")

    def exchange(self, y: np.ndarray, t: float, dt: float) -> bool:
        """There is one lane."""
        return True

    def rosenbrock_stages(self, y: np.ndarray, dt: float, method: object) -> None:
        """There are no compiled loops for whole steps."""

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> NoReturn:
        """Refused: a fixed step in τ would meet a blow-up anywhere within it."""
        raise InvalidArgument("the dilated time needs an adaptive stepper, fp.Rodas5P().")

    def explicit_limit(self, y: np.ndarray, t: float) -> NoReturn:
        """Refused, as `implicit_step` is."""
        raise InvalidArgument("the dilated time needs an adaptive stepper, fp.Rodas5P().")


def _slope(function: Callable[[float], float], t: float, h: float) -> float:
    """One-sided, of second order; h may be negative."""
    return (4.0 * function(t + h) - 3.0 * function(t) - function(t + 2.0 * h)) / (2.0 * h)


@dataclass(frozen=True)
class _Silence:
    """Who has fired stays silent until the clock moves on."""

    memoryless: ClassVar[bool] = True

    @property
    def mean_duration(self) -> float:
        return np.inf

    def transform(self, lam: complex) -> complex:
        return 0.0


class StandingClock(FiniteVolumes):
    """The equation while the physical clock stands still; its time z counts the spikes sent, per neuron.

        ∂z n + b ∂v n − a1 ∂vv n = S δ(v − V_R),     F = the flux at V_F,     S = F | 1 | 0

    for overshoot = "keep", "discard" and "none" or a refractory state. A linear population without a leak: its y is
    (n, R, F), and R holds who has fired and not been reset.
    """

    whole_steps = False

    def __init__(self, model: Population, grid: Grid, scheme: FluxScheme, overshoot: str) -> None:
        prompt = overshoot == "keep" and model.refractory.mean_duration == 0.0
        cascading = Population(
            drift=np.zeros_like,
            noise=ActivityNoise(model.noise.gain),
            threshold=model.threshold,
            reset=model.reset,
            refractory=NoRefractory() if prompt else _Silence(),
            coupling=MeanFieldCoupling(0.0, external=model.coupling.gain),
        )
        super().__init__(cascading, grid, scheme)
        self._released = np.full(1, float(overshoot == "discard" and model.refractory.mean_duration == 0.0))

    def _returning(self, t: float) -> np.ndarray:
        return self._released
