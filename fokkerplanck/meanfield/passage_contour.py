"""The law of the first-passage time from its Laplace transform, by integrals over contours of steepest descent.

    t f(t) = (1/2πi) ∫ e^{zt} Λ'(z) e^{−Λ(z)} dz,   P(T > t) = (1/2πi) ∫ e^{zt} (1 − e^{−Λ(z)})/z dz

All singularities lie on the negative real axis, the first at z = −λ_1. The contour is the hyperbola

    z = z_0 + ρ (1 − cosh θ + i sinh θ)

through the saddle z_0(t) of the first integrand, with the curvature 1/ρ of the path of steepest descent there. The
integrand falls off like a Gaussian or faster, the trapezoidal rule converges exponentially, and nothing cancels: the
relative error is small however small f is, whether t is short, or long, where z_0 approaches −λ_1 and the hyperbola
closes around it. The transform of t f is taken rather than that of f because it has a saddle for every gap between
start and threshold.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import PchipInterpolator

from .passage_kernels import exponents

GAUSS = (0.5 * np.polynomial.legendre.leggauss(32)[0] + 0.5, 0.5 * np.polynomial.legendre.leggauss(32)[1])
LOWEST, HIGHEST = -15.0, -3.0
"""The Taylor series takes over from the continued fraction at w_R, but not below or above these."""
CALM = 100.0
"""−w_F from which λ_1 is not computed."""
STEP, REACH = 0.3, 9.5
"""Of the trapezoidal rule on half of a contour, in standard deviations of the Gaussian."""
ANGLE = 0.14
"""Longest step in the parameter θ of the hyperbola; the singularities lie at a distance π/4 from the real axis of θ."""
STRAIGHT, SKEW = 0.01, 1.5
"""Skewness (of the law tilted to its saddle) below which the contour is a straight line, and from which the Gaussian no
longer says where the integrand is negligible."""
SADDLES, SPACING = 60, 0.2
"""Saddle points that are tabulated around 0, and their logarithmic spacing elsewhere; they need not be exact."""
FLAT = 1e-9
"""Curvature of K in units of the distance from −λ_1 that is told from rounding."""
RADIUS, CIRCLE = 0.25, 8
"""Of the circles, over the distance from −λ_1, and points on them, by which derivatives are taken."""
AWAY = 2.0
"""Least distance of a contour from the pole 0, in the same units."""
DEEPEST = 800.0
"""−log of f from which it is zero to a double."""


@dataclass(frozen=True, eq=False)
class PassageTransform:
    """E e^{−zT} = e^{−Λ(z)}, T the time of dw = −w ds + √2 dW from w_R to w_F."""

    w_R: float
    w_F: float

    def __call__(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(Λ, Λ') at complex z off the singularities."""
        value, slope, *_ = self._all(z)
        return value, slope

    def _all(self, z: np.ndarray) -> tuple[np.ndarray, ...]:
        """Λ, Λ', then r and ∂r/∂z at w_F, and the same two at w_R, with r = h'/h."""
        flat = np.ascontiguousarray(np.ravel(z), dtype=complex)
        out = tuple(np.empty_like(flat) for _ in range(6))
        exponents(flat, self.w_R, self.w_F, min(max(self.w_R, LOWEST), HIGHEST), *GAUSS, *out)
        return tuple(part.reshape(np.shape(z)) for part in out)

    def decay_rate(self) -> float:
        """λ_1, the first zero of h(w_F) as a function of −z: Newton's iteration from the right, which never overshoots.

        Far above threshold a lower bound: there f has vanished long before the pole is felt.
        """
        y = max(-self.w_F, 0.0)
        if y > CALM:
            return 0.25 * y * y - 0.5
        # from so far below that the zeros of h(w_R) do not interfere
        far = PassageTransform(min(2.0 * self.w_F, self.w_F - 10.0), self.w_F)
        z = -max(0.25 * y * y - 0.5, 1e-3 / (1.0 + abs(far._all(np.array([1e-300]))[2][0]) * 1e300))
        for _ in range(200):
            following = z - 1.0 / float(far(np.array([z]))[1][0].real)
            if not following < z * (1.0 + 1e-14):
                break
            z = following
        return float(-z)

    def derivatives(self, z: np.ndarray, radius: np.ndarray) -> np.ndarray:
        """K^(k) radius^k, k = 0, …, 3, of K = log(Λ' e^{−Λ}) at real z, by Cauchy's integrals over circles."""
        angles = 2j * np.pi * np.arange(CIRCLE) / CIRCLE
        exponent, slope = self(z[:, None] + radius[:, None] * np.exp(angles))
        values = np.log(slope) - exponent
        return np.array([math.factorial(k) * np.mean(values * np.exp(-k * angles), axis=1).real for k in range(4)])


@dataclass(frozen=True, eq=False)
class Contours:
    """The contours for one transform, as functions of log t: tabulated over the saddle points."""

    transform: PassageTransform
    decay: float
    saddle: PchipInterpolator
    width: PchipInterpolator
    bend: PchipInterpolator
    span: tuple[float, float]

    @classmethod
    def of(cls, transform: PassageTransform, coarseness: int = 1) -> Contours:
        """With a table of saddle points that is a whole number of times as coarse."""
        decay = transform.decay_rate()
        # z_0 = −λ_1 (1 − e^{−v}): geometrically towards −λ_1 and towards ∞, and fine around 0 if the noise is weak
        curvature = transform.derivatives(np.zeros(1), np.array([RADIUS * decay]))[2, 0]
        unit = min(1.0, RADIUS / math.sqrt(curvature))
        # as far as t → 0, where −log f ~ (w_F − w_R)²/4t, weak noise and the last relaxation to a threshold can need
        furthest = (2.0 * DEEPEST / (transform.w_F - transform.w_R)) ** 2 + 4.0 * DEEPEST + 60.0 * unit * decay
        largest = math.log(furthest) - math.log(decay)
        near = unit * np.sinh(np.linspace(0.0, np.arcsinh(1.0 / unit), SADDLES // coarseness, endpoint=False))
        spacing = SPACING * coarseness
        v = np.concatenate([-np.arange(largest, 1.0, -spacing), -near[:0:-1], near, np.arange(1.0, 9.0, spacing)])
        z, radius = decay * np.expm1(-v), RADIUS * decay * np.exp(-v)
        K, first, second, third = transform.derivatives(z, radius)
        times = -first / radius
        # the stretch round z_0 = 0 on which e^{K + zt} is a positive double
        hidden, centre = np.flatnonzero(~(K + z * times > -DEEPEST)), np.searchsorted(-z, 0.0)
        begin, end = max(hidden[hidden < centre], default=-1) + 1, min(hidden[hidden >= centre], default=len(z))
        # Of two time scales far apart, K is constant between them: there its curvature is rounding.
        seen = np.arange(begin, end)
        seen = seen[second[seen] > FLAT]
        log_t, width = np.log(times[seen]), radius[seen] / np.sqrt(second[seen])
        tables = (v[seen], np.log(width), third[seen] / second[seen] ** 1.5)
        span = (float(times[seen][0]), float(times[seen][-1]))
        saddle, log_width, bend = (PchipInterpolator(log_t, table) for table in tables)
        return cls(transform, decay, saddle, log_width, bend, span)

    def law(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """f, P(T ≤ t) and P(T > t) at times t > 0, shape (times,).

        Of the two probabilities the smaller one is accurate relative to itself.
        """
        early = t < self.span[1]
        f, below, above = np.zeros(t.shape), np.where(early, 0.0, 1.0), np.where(early, 1.0, 0.0)
        inside = (t > self.span[0]) & early  # elsewhere f is below the smallest double
        t = t[inside]
        z_0, width, bend = self._saddles(t)
        # Where the law is narrow, e^{−Λ}/z is integrated left or right of its pole 0, but not close to it.
        wide, late = (width * t < 2.0) & (z_0 * t < 1.0), z_0 < -AWAY * width
        f[inside], part = self._integrals(t, z_0, width, bend, wide)
        again = (~wide & ~late & (z_0 < AWAY * width)) | (wide & (part > 0.5))
        wide &= ~again
        late &= ~again
        if np.any(again):
            right = np.maximum(z_0, AWAY * width)[again]
            _, part[again] = self._integrals(t[again], right, width[again], bend[again], wide[again])
        below[inside] = np.where(wide, 1.0 - part, np.where(late, 1.0 + part, part))
        above[inside] = np.where(wide, part, np.where(late, -part, 1.0 - part))
        return f, below, above

    def sensitivities(self, t: np.ndarray) -> np.ndarray:
        """f and its derivatives by w_R, w_F, w_R², w_R w_F and w_F² at times within the span, shape (6, times).

        The transform h(w_R)/h(w_F) is differentiated: each derivative is it times a q(z) of r = h'/h at both ends.
        """
        z, measure, first = self._contour(t, *self._saddles(t))
        exponent, slope, r_F, d_F, r_R, d_R = self.transform._all(z)
        w_R, w_F = self.transform.w_R, self.transform.w_F
        wave = np.exp(z * np.repeat(t, np.diff(first, append=len(z))) - exponent) * measure
        factors = (  # q and ∂q/∂z
            (np.ones_like(z), 0.0),
            (r_R, d_R),
            (-r_F, -d_F),
            (w_R * r_R + z, w_R * d_R + 1.0),
            (-r_R * r_F, -d_R * r_F - r_R * d_F),
            (2.0 * r_F**2 - w_F * r_F - z, (4.0 * r_F - w_F) * d_F - 1.0),
        )
        return np.array([np.add.reduceat((wave * (slope * q - q_z)).real, first) / t for q, q_z in factors])

    def _integrals(
        self, t: np.ndarray, z_0: np.ndarray, width: np.ndarray, bend: np.ndarray, wide: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """f, and the integral of e^{zt} (1 − e^{−Λ})/z if the law is wide, of e^{zt − Λ}/z otherwise."""
        z, measure, first = self._contour(t, z_0, width, bend)
        exponent, slope = self.transform(z)
        time, whole = (np.repeat(values, np.diff(first, append=len(z))) for values in (t, wide))
        wave = np.exp(z * time - exponent) * measure
        f = np.add.reduceat((wave * slope).real, first) / t
        return f, np.add.reduceat(
            (wave * np.where(whole, np.expm1(np.where(whole, exponent, 0.0)), 1.0) / z).real, first
        )

    def _saddles(self, t: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        log_t = np.log(t)
        return self.decay * np.expm1(-self.saddle(log_t)), np.exp(self.width(log_t)), self.bend(log_t)

    @staticmethod
    def _contour(
        t: np.ndarray, z_0: np.ndarray, width: np.ndarray, bend: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z on the upper halves, one after the other; dz/(πi), as real parts count twice; where each begins."""
        rho = 3.0 * width / np.maximum(-bend, STRAIGHT)
        gaussian = width / rho  # in the variable θ
        step = np.minimum(ANGLE, STEP * gaussian)
        last = np.where(-bend < SKEW, REACH * gaussian, np.arccosh(1.0 + 135.0 / (rho * np.minimum(t, 1.0 / width))))
        count = np.ceil(last / step).astype(int) + 1
        first = np.cumsum(count) - count
        which = np.repeat(np.arange(len(t)), count)
        theta = (np.arange(len(which)) - first[which]) * step[which]
        z = z_0[which] + rho[which] * (1j * np.sinh(theta) - 2.0 * np.sinh(0.5 * theta) ** 2)
        weight = (rho * step / np.pi)[which] * np.where(theta > 0.0, 1.0, 0.5)
        return z, weight * (np.cosh(theta) + 1j * np.sinh(theta)), first
