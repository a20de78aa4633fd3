"""The logarithm of the first-passage density, with its derivatives by the parameters, at many times at once.

The contours give the density and its derivatives by both ends at Chebyshev points of log t. What is interpolated is the
remainder over the density of a free Brownian motion,

    log f(t) = −(w_F − w_R)²/4t − (3/2) log t + log(w_F − w_R) − ½ log 4π + ψ(log t),

for ψ tends to a constant as t → 0, where log f does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev
from scipy.fft import dct
from scipy.interpolate import BSpline, make_interp_spline

from .passage_contour import Contours, PassageTransform

DEGREES = (24, 48, 96, 192, 384)
"""Each Chebyshev grid contains the one before."""
SMALL = 1e-10
"""Size of the last coefficients of ψ at which the degree suffices."""
LAST = 3
CHUNK = 8192
"""Times at which the polynomials are evaluated at once: 65 of them take 4 MB."""
SCAN, NODES = 48, 2000
"""Times at which the law is looked at to see where it lies, and at which its density is integrated."""
NOTHING = 1e-13
"""Probability that is left out of either end."""
TINY = 1e-100
"""Of a step off the real axis."""
CLOCK = 5
"""Gauss nodes on either half of the triangle that a clock of finite steps smears an interval over."""
COARSE = 4
"""Of the table of saddle points, which need not be exact and is made for every set of parameters."""
MARGIN = 1e-6
"""Of log t, inside the times between which the density is a positive double."""
FAINTEST = 1e-280
"""Density below which its logarithm is continued."""
NARROWEST = 1e-2
"""Shortest range of log t that is interpolated."""

VALUE, A, B, S, AA, AB, BB, AS, BS, SS = range(10)
"""Columns of `LogDensity.jet`: log f and its derivatives, A by w_R, B by w_F, S by the time."""


@dataclass(frozen=True, eq=False)
class LogDensity:
    """log f and its derivatives, for dw = −w ds + √2 dW from w_R to w_F.

    Attributes
    ----------
    w_R, w_F : float
    ends : (float, float)
        Range of log t that is interpolated. Below it ψ is constant; above it log f is a straight line in t.
    coefficients : array, shape (degree + 1, 15)
        Chebyshev coefficients of ψ, of its derivatives by w_R, w_F, w_R², w_R w_F, w_F², and of ∂/∂log t of these six
        and ∂²/∂(log t)² of the first three.
    """

    w_R: float
    w_F: float
    ends: tuple[float, float]
    coefficients: np.ndarray

    @classmethod
    def of(cls, w_R: float, w_F: float, first: float, last: float) -> LogDensity:
        """For times from `first` to `last`."""
        contours = Contours.of(PassageTransform(w_R, w_F), COARSE)
        low, high = _visible(contours, math.log(first), math.log(last))
        series = _interpolated(contours, low, high)
        scale = 2.0 / (high - low)
        once, twice = scale * chebyshev.chebder(series), scale**2 * chebyshev.chebder(series[:, :3], 2)
        parts = [np.pad(part, ((0, len(series) - len(part)), (0, 0))) for part in (series, once, twice)]
        return cls(w_R, w_F, (low, high), np.hstack(parts))

    def jet(self, t: np.ndarray) -> np.ndarray:
        """log f and its derivatives at times t > 0, shape (times, 10), in the order of VALUE, A, …, SS."""
        low, high = self.ends
        x = np.log(t)
        within = np.clip(x, low, high)
        where = (2.0 * within - (low + high)) / (high - low)
        known = chebyshev.chebvander(where, len(self.coefficients) - 1) @ self.coefficients
        early, late = x < low, x > high
        known[early, 6:] = 0.0
        out = self._assembled(np.where(late, np.exp(high), t), known)
        if np.any(late):
            out[late] = _straight(out[late], known[late], self.w_F - self.w_R, t[late], math.exp(high))
        return out

    def _assembled(self, t: np.ndarray, known: np.ndarray) -> np.ndarray:
        """From ψ and its derivatives those of log f."""
        gap = self.w_F - self.w_R
        out = np.empty((len(t), 10))
        slope, bend = 0.5 * gap / t - 1.0 / gap, 0.5 / t + 1.0 / gap**2
        out[:, VALUE] = known[:, 0] - 0.25 * gap**2 / t - 1.5 * np.log(t) + math.log(gap / math.sqrt(4.0 * math.pi))
        out[:, A], out[:, B] = known[:, 1] + slope, known[:, 2] - slope
        out[:, AA], out[:, AB], out[:, BB] = known[:, 3] - bend, known[:, 4] + bend, known[:, 5] - bend
        out[:, S] = known[:, 6] / t + 0.25 * (gap / t) ** 2 - 1.5 / t
        out[:, AS], out[:, BS] = known[:, 7] / t - 0.5 * gap / t**2, known[:, 8] / t + 0.5 * gap / t**2
        out[:, SS] = (known[:, 12] - known[:, 6]) / t**2 - 0.5 * gap**2 / t**3 + 1.5 / t**2
        return out


def _straight(at_end: np.ndarray, known: np.ndarray, gap: float, t: np.ndarray, end: float) -> np.ndarray:
    """The tangent at the last time, continued to times t beyond it: there f decays exponentially."""
    out, later = at_end.copy(), t - end
    out[:, VALUE] += later * at_end[:, S]
    out[:, A] += later * at_end[:, AS]
    out[:, B] += later * at_end[:, BS]
    bend = 0.5 / end**2
    for column, k, sign in ((AA, 9, 1.0), (AB, 10, -1.0), (BB, 11, 1.0)):
        out[:, column] += later * (known[:, k] / end + sign * bend)
    out[:, SS] = 0.0
    return out


def _visible(contours: Contours, low: float, high: float) -> tuple[float, float]:
    """The part of a range of log t in which the density is no smaller than doubles can be."""
    bounds = math.log(contours.span[0]) + MARGIN, math.log(contours.span[1]) - MARGIN
    low, high = (min(max(x, bounds[0]), bounds[1]) for x in (low, high))
    if high - low < NARROWEST:
        low, high = max(bounds[0], low - NARROWEST), min(bounds[1], high + NARROWEST)
    if np.all(contours.law(np.exp([low, high]))[0] > FAINTEST):
        return low, high
    x = np.linspace(*bounds, SCAN)
    seen = x[contours.law(np.exp(x))[0] > FAINTEST]
    low, high = (float(min(max(edge, seen[0]), seen[-1])) for edge in (low, high))
    if high - low < NARROWEST:
        low, high = max(float(seen[0]), low - NARROWEST), min(float(seen[-1]), high + NARROWEST)
    return low, high


def _interpolated(contours: Contours, low: float, high: float) -> np.ndarray:
    """Chebyshev coefficients, shape (degree + 1, 6), of ψ and its derivatives by the ends, as functions of log t."""
    values = np.empty((0, 6))
    series = values
    for degree in DEGREES:
        u = np.cos(np.pi * np.arange(degree + 1) / degree)
        fresh = np.ones(degree + 1, dtype=bool)
        if len(values):
            fresh[::2] = False
        both = np.empty((degree + 1, 6))
        both[~fresh] = values
        both[fresh] = _remainder(contours, np.exp(0.5 * (low + high) + 0.5 * (high - low) * u[fresh]))
        values = both
        series = _coefficients(values)
        if np.max(np.abs(series[-LAST:, 0])) < SMALL * max(1.0, 1e-3 * np.max(np.abs(series[:, 0]))):
            break
    return series


def _coefficients(values: np.ndarray) -> np.ndarray:
    """Of the polynomial through values at cos(πk/degree)."""
    degree = len(values) - 1
    series = dct(values, type=1, axis=0) / degree
    series[[0, -1]] *= 0.5
    return np.asarray(series)


def _remainder(contours: Contours, t: np.ndarray) -> np.ndarray:
    """ψ and its derivatives by the ends, shape (times, 6)."""
    gap = contours.transform.w_F - contours.transform.w_R
    f, *derivatives = contours.sensitivities(t)
    a, b, aa, ab, bb = (part / f for part in derivatives)
    slope, bend = 0.5 * gap / t - 1.0 / gap, 0.5 / t + 1.0 / gap**2
    log_f = np.log(f) + 0.25 * gap**2 / t + 1.5 * np.log(t) - math.log(gap / math.sqrt(4.0 * math.pi))
    columns = [log_f, a - slope, b + slope, aa - a * a + bend, ab - a * b - bend, bb - b * b + bend]
    return np.stack(columns, axis=1)


@dataclass(frozen=True, eq=False)
class Intervals:
    """Distinct intervals, how often each occurs, and what a clock makes of them.

    Attributes
    ----------
    T, count : array, shape (distinct,)
        Intervals in increasing order, and how many are equal to each.
    offsets, weights : array, shape (nodes,)
        An interval that is read as T was T + offset with these weights: (0) and (1) of a clock without steps.
    """

    T: np.ndarray
    count: np.ndarray
    offsets: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, intervals: np.ndarray, resolution: float | None) -> Intervals:
        T, count = np.unique(intervals, return_counts=True)
        if resolution is None:
            return cls(T, count.astype(float), np.zeros(1), np.ones(1))
        # Both spikes are read on a clock with this step: the error of their difference has a triangular density.
        nodes, weights = np.polynomial.legendre.leggauss(CLOCK)
        u, weights = 0.5 + 0.5 * nodes, 0.5 * weights
        offsets, weights = (
            np.concatenate([-u[::-1], u]),
            np.concatenate([(weights * (1.0 - u))[::-1], weights * (1.0 - u)]),
        )
        return cls(T, count.astype(float), resolution * offsets, weights)

    @property
    def least(self) -> float:
        """No refractory time can be as long."""
        return float(self.T[0] + self.offsets[-1])

    def log_likelihood(self, w_R: float, w_F: float, tau_m: float, tau_ref: float) -> LogLikelihood:
        """Σ log f of the intervals, with gradient and Hessian by (w_R, w_F, log τ_m, τ_ref)."""
        first, last = (self.T[:1] + self.offsets - tau_ref) / tau_m, (self.T[-1] + self.offsets[-1] - tau_ref) / tau_m
        law = LogDensity.of(w_R, w_F, float(np.min(first[first > 0.0])), float(last))
        parts = [
            self._part(law, self.T[k : k + CHUNK], self.count[k : k + CHUNK], tau_m, tau_ref)
            for k in range(0, len(self.T), CHUNK)
        ]
        return LogLikelihood(
            sum(part.value for part in parts),
            np.sum([part.gradient for part in parts], axis=0),
            np.sum([part.hessian for part in parts], axis=0),
            self._outside(law, tau_m, tau_ref),
        )

    def _outside(self, law: LogDensity, tau_m: float, tau_ref: float) -> int:
        """How many intervals lie where the density is below the smallest double."""
        low, high = tau_ref + tau_m * np.exp(law.ends)
        late = self.T + self.offsets[0] > high * (1.0 + MARGIN) + MARGIN * tau_m
        early = self.T + self.offsets[-1] < low * (1.0 - MARGIN) - MARGIN * tau_m
        return int(np.sum(self.count[late | early]))

    def _part(
        self, law: LogDensity, T: np.ndarray, count: np.ndarray, tau_m: float, tau_ref: float
    ) -> LogLikelihood:  # fmt: skip
        values = [_canonical(law, (T + offset - tau_ref) / tau_m, tau_m) for offset in self.offsets]
        if len(values) == 1:
            log_f, gradient, hessian = values[0]
            return LogLikelihood(float(count @ log_f), gradient @ count, hessian @ count)
        log_f = np.array([value[0] for value in values])
        top = log_f.max(axis=0)
        share = self.weights[:, None] * np.exp(log_f - top)
        whole = share.sum(axis=0)
        share /= whole
        mean = sum(p * value[1] for p, value in zip(share, values, strict=True))
        square = sum(
            p * (value[2] + value[1][:, None] * value[1][None]) for p, value in zip(share, values, strict=True)
        )
        square = square - mean[:, None] * mean[None]
        return LogLikelihood(float(count @ (top + np.log(whole))), mean @ count, square @ count)


class LogLikelihood(NamedTuple):
    """A log likelihood, its gradient and its Hessian, and for how many intervals log f was continued."""

    value: float
    gradient: np.ndarray
    hessian: np.ndarray
    continued: int = 0


def _canonical(law: LogDensity, s: np.ndarray, tau_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """log f per unit of time, its gradient (4, times) and Hessian (4, 4, times) by (w_R, w_F, log τ_m, τ_ref).

    Where s ≤ 0 the density is zero, log f = −∞, and the derivatives are left zero, for they have no weight.
    """
    later = s > 0.0
    log_f, gradient, hessian = np.full(s.shape, -np.inf), np.zeros((4, *s.shape)), np.zeros((4, 4, *s.shape))
    if not np.any(later):
        return log_f, gradient, hessian
    s, jet = s[later], law.jet(s[later]).T
    log_f[later] = jet[VALUE] - math.log(tau_m)
    gradient[:, later] = [jet[A], jet[B], -s * jet[S] - 1.0, -jet[S] / tau_m]
    A_K, A_D, B_K, B_D = -s * jet[AS], -jet[AS] / tau_m, -s * jet[BS], -jet[BS] / tau_m
    K_K, K_D, D_D = s * s * jet[SS] + s * jet[S], (s * jet[SS] + jet[S]) / tau_m, jet[SS] / tau_m**2
    hessian[:, :, later] = [
        [jet[AA], jet[AB], A_K, A_D],
        [jet[AB], jet[BB], B_K, B_D],
        [A_K, B_K, K_K, K_D],
        [A_D, B_D, K_D, D_D],
    ]
    return log_f, gradient, hessian


@dataclass(frozen=True, eq=False)
class PassageDistribution:
    """P(S ≤ s) of the first-passage time, to about 1e-9, by integration of the interpolated density over log s."""

    spline: BSpline
    ends: tuple[float, float]

    @classmethod
    def of(cls, w_R: float, w_F: float) -> PassageDistribution:
        contours = Contours.of(PassageTransform(w_R, w_F), COARSE)
        t = np.exp(np.linspace(math.log(contours.span[0]) + MARGIN, math.log(contours.span[1]) - MARGIN, SCAN))
        _, below, above = contours.law(t)
        inside = np.flatnonzero((below > NOTHING) & (above > NOTHING))
        first, last = t[max(inside[0] - 1, 0)], t[min(inside[-1] + 1, SCAN - 1)]
        law = LogDensity.of(w_R, w_F, float(first), float(last))
        x = np.linspace(*law.ends, NODES)
        density = make_interp_spline(x, np.exp(law.jet(np.exp(x))[:, VALUE] + x), k=5)
        return cls(density.antiderivative(), law.ends)

    def __call__(self, s: np.ndarray) -> np.ndarray:
        s = np.maximum(np.asarray(s, dtype=float), 0.0)
        low, high = self.ends
        with np.errstate(divide="ignore"):
            x = np.clip(np.log(s), low, high)
        return np.asarray(np.clip(self.spline(x) - self.spline(low), 0.0, 1.0))


def passage_cumulants(w_R: float, w_F: float) -> tuple[float, float]:
    """Mean and variance of the first-passage time: Λ'(0) and −Λ''(0), by a complex step."""
    _, slope = PassageTransform(w_R, w_F)(np.array([1j * TINY]))
    return float(slope[0].real), float(-slope[0].imag / TINY)
