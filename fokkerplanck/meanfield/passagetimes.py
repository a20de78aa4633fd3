"""The law of the time that the neuron `fp.LIF` takes from reset to threshold, and of its interval between spikes.

Two independent methods: `passage_contour` inverts the Laplace transform, `volterra` solves an integral equation.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import CubicHermiteSpline

from ..models.lif import LIF, require_neuron
from ..outcomes import InvalidArgument, finite_number, frozen, named, positive, real_array
from .intervals import IntervalMoments, isi_moments
from .passage_contour import Contours, PassageTransform
from .volterra import volterra_passage

RAREST = 10.0
"""(V_th − E_l − μ)/(σ/√2) above which the neuron fires less than once in 1e20 membrane times."""
QUANTILES = 600
"""Points of the table from which quantiles are read, evenly spaced in log(P/(1 − P))."""
ITERATIONS = 40
TAIL = 36.0
"""Largest |log(P/(1 − P))| in that table: beyond it a uniform random number never gets."""


@dataclass(frozen=True, eq=False)
class PassageDensity:
    """The law of the time from the start to the threshold, at given times.

    Attributes
    ----------
    t : array
        Times since the start.
    density, cdf : array
        f(t) per unit of time, and P(T ≤ t), of the shape of `t`.
    """

    t: np.ndarray
    density: np.ndarray
    cdf: np.ndarray


def first_passage_density(
    t: ArrayLike, mu: float, sigma: float, neuron: LIF, start: float | None = None, method: str = "laplace"
) -> PassageDensity:
    """Density and distribution function of the first-passage time, without refractory time.

        E e^{−zT/τ_m} = e^{(x_0² − x_t²)/2} D_{−z}(−√2 x_0)/D_{−z}(−√2 x_t),   x_X = (V_X − E_l − μ)/σ

    Parameters
    ----------
    t : array
        Times since the start (the neuron's unit of time); f = 0 for t ≤ 0.
    mu : float
        Mean input from E_l (potential).
    sigma : float
        Noise σ > 0 (potential).
    neuron : LIF
    start : float, optional
        Potential at t = 0, below V_th. Default: V_r.
    method : str
        "laplace": contours of steepest descent, for all t; the error is below 1e-9 of the density itself wherever that
        exceeds 1e-100 of its largest value, and mostly below 1e-12. "volterra": an independent integral equation, for
        thresholds not far below E_l + μ and times of up to some hundred τ_m; absolute error about 1e-11/τ_m.

    Raises
    ------
    InvalidArgument
        If an argument is out of range; if V_th − E_l − μ > 7 σ, where the neuron practically never fires.

    Source: Siegert, Phys. Rev. 81 (1951) 617, for the transform; Buonocore, Nobile, Ricciardi, Adv. Appl. Prob. 19
    (1987) 784, for an integral equation with a kernel that is not singular.

    >>> from fokkerplanck.models.lif import LIF
    >>> neuron = LIF(tau_m=20.0, V_th=20.0, V_r=10.0)
    >>> law = first_passage_density([20.0, 40.0], 15.0, 5.0, neuron)
    >>> [round(float(f) * 20.0, 12) for f in law.density], [round(float(P), 9) for P in law.cdf]
    ([0.145658027402, 0.169530973479], [0.057398636, 0.224927725])
    """
    engine = named("method", METHODS, method)
    x_0, x_t = _ends(mu, sigma, neuron, start)
    times = _times(t)
    f, P = np.zeros(times.shape), np.zeros(times.shape)
    later = times > 0.0
    if np.any(later):
        f[later], P[later] = engine(times[later] / neuron.tau_m, x_0, x_t)
    return PassageDensity(frozen(times), frozen(f / neuron.tau_m), frozen(P))


def _laplace(s: np.ndarray, x_0: float, x_t: float) -> tuple[np.ndarray, np.ndarray]:
    contours = Contours.of(PassageTransform(math.sqrt(2.0) * x_0, math.sqrt(2.0) * x_t))
    f, below, _ = contours.law(s)
    return f, below


def _volterra(s: np.ndarray, x_0: float, x_t: float) -> tuple[np.ndarray, np.ndarray]:
    return volterra_passage(s, x_0, x_t, float(_scaled_moments(x_0, x_t).variance) ** 0.5)


METHODS: dict[str, Callable[[np.ndarray, float, float], tuple[np.ndarray, np.ndarray]]] = {
    "laplace": _laplace,
    "volterra": _volterra,
}


@dataclass(frozen=True, eq=False)
class IntervalLaw:
    """The law of the interval T between spikes: τ_ref plus the first-passage time. Made by `interval_law`.

    Times are in the neuron's unit. Every method takes numbers or arrays.
    """

    neuron: LIF
    mu: float
    sigma: float
    start: float
    moments: IntervalMoments
    contours: Contours = field(repr=False)

    @cached_property
    def table(self) -> CubicHermiteSpline:
        """log of the first-passage time over τ_m, as a function of log(P/(1 − P))."""
        return _quantile_table(self.contours)

    @property
    def decay_rate(self) -> float:
        """Rate λ_1/τ_m at which density and survival finally decay."""
        return self.contours.decay / self.neuron.tau_m

    def density(self, t: ArrayLike) -> np.ndarray:
        """f(t), zero up to τ_ref."""
        return self._later(t, 0, 0.0) / self.neuron.tau_m

    def cdf(self, t: ArrayLike) -> np.ndarray:
        """P(T ≤ t)."""
        return self._later(t, 1, 0.0)

    def survival(self, t: ArrayLike) -> np.ndarray:
        """P(T > t), accurate relative to itself where it is small."""
        return self._later(t, 2, 1.0)

    def hazard(self, t: ArrayLike) -> np.ndarray:
        """f/P(T > t), zero up to τ_ref and λ_1/τ_m where both are below the smallest double."""
        t = _times(t)
        f, survival = self.density(t), self.survival(t)
        return np.where(survival > 0.0, f / np.where(survival > 0.0, survival, 1.0), self.decay_rate)[()]

    def quantile(self, q: ArrayLike) -> np.ndarray:
        """The time t with P(T ≤ t) = q, 0 < q < 1, to ten digits."""
        q = real_array("q", q)
        if not np.all((q > 0.0) & (q < 1.0)):
            raise InvalidArgument("`q` must be probabilities strictly between 0 and 1.")
        s = np.exp(self.table(np.clip(np.log(q) - np.log1p(-q), -TAIL, TAIL)))
        for _ in range(ITERATIONS):  # Newton's, for log P or log(1 − P) as a function of log t
            f, below, above = (part.reshape(s.shape) for part in self.contours.law(np.ravel(s)))
            lower = q < 0.5
            excess = np.where(lower, np.log(below / q), np.log1p(-q) - np.log(above))
            if np.all(np.abs(excess) < 1e-11):
                break
            # Short steps, for between two time scales far apart P is flat.
            s = s * np.exp(np.clip(-excess * np.where(lower, below, above) / (f * s), -0.3, 0.3))
        return np.asarray(self.neuron.tau_ref + self.neuron.tau_m * s)[()]

    def sample(self, n: int, seed: int = 0) -> np.ndarray:
        """n independent intervals, by inverse transform from the table of quantiles (relative error about 1e-8)."""
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
            raise InvalidArgument(f"`n` must be a whole number, zero or positive, not {n!r}.")
        return self.neuron.tau_ref + self.neuron.tau_m * np.exp(
            self.table(np.clip(np.random.default_rng(seed).logistic(size=int(n)), -TAIL, TAIL))
        )

    def _later(self, t: ArrayLike, which: int, before: float) -> np.ndarray:
        since = (_times(t) - self.neuron.tau_ref) / self.neuron.tau_m
        values = np.full(since.shape, before)
        later = since > 0.0
        if np.any(later):
            values[later] = self.contours.law(since[later])[which]
        return values[()]


def interval_law(mu: float, sigma: float, neuron: LIF, start: float | None = None) -> IntervalLaw:
    """The law of the interval between spikes: density, distribution, hazard, quantiles, random intervals, moments.

    Parameters
    ----------
    mu, sigma : float
        Mean input from E_l and noise σ > 0 (potential).
    neuron : LIF
    start : float, optional
        Potential after the refractory time, below V_th. Default: V_r.

    Raises
    ------
    InvalidArgument
        As for `first_passage_density`.

    >>> from fokkerplanck.models.lif import LIF
    >>> law = interval_law(15.0, 5.0, LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0))
    >>> round(float(law.quantile(0.5)), 6), round(law.decay_rate / law.neuron.tau_m, 6)
    (80.256097, 0.000586)
    >>> bool(abs(law.sample(10_000).mean() - law.moments.mean) < 4.0)
    True
    """
    x_0, x_t = _ends(mu, sigma, neuron, start)
    contours = Contours.of(PassageTransform(math.sqrt(2.0) * x_0, math.sqrt(2.0) * x_t))
    beginning = neuron.V_r if start is None else float(start)
    moments = isi_moments(mu, sigma, LIF(neuron.tau_m, neuron.V_th, beginning, neuron.E_l, neuron.tau_ref))
    return IntervalLaw(neuron, float(mu), float(sigma), beginning, moments, contours)


def _quantile_table(contours: Contours) -> CubicHermiteSpline:
    """log t as a function of y = log(P/(1 − P)), with d log t/dy = P (1 − P)/(t f)."""
    coarse = np.geomspace(*contours.span, 402)[1:-1]
    _, below, above = contours.law(coarse)
    good = (below > 0.0) & (above > 0.0)
    y = np.log(below[good]) - np.log(above[good])
    rising = np.concatenate([[True], y[1:] > np.maximum.accumulate(y)[:-1]])
    first = np.interp(np.linspace(-TAIL, TAIL, QUANTILES), y[rising], np.log(coarse[good][rising]))
    t = np.exp(first)
    f, below, above = contours.law(t)
    y = np.log(below) - np.log(above)
    keep = np.concatenate([[True], y[1:] > np.maximum.accumulate(y)[:-1]])
    slope = below * above / (t * f)
    return CubicHermiteSpline(y[keep], np.log(t[keep]), slope[keep])


def _ends(mu: float, sigma: float, neuron: LIF, start: float | None) -> tuple[float, float]:
    """x_0 and x_t."""
    require_neuron(neuron)
    mean, noise = finite_number("mu", mu), positive("sigma", sigma)
    begin = neuron.V_r if start is None else finite_number("start", start)
    if begin >= neuron.V_th:
        raise InvalidArgument(f"`start` = {begin:g} must lie below V_th = {neuron.V_th:g}.")
    x_0, x_t = ((V - neuron.E_l - mean) / noise for V in (begin, neuron.V_th))
    if math.sqrt(2.0) * x_t > RAREST:
        raise InvalidArgument(
            f"`sigma` = {noise:g} is so weak that the neuron practically never fires: the intervals are exponential, "
            "of the rate fp.siegert_rate or exp(fp.log_siegert_rate)."
        )
    return x_0, x_t


def _times(t: ArrayLike) -> np.ndarray:
    times = real_array("t", t)
    if not np.all(np.isfinite(times)):
        raise InvalidArgument("`t` must be finite.")
    return times


def _scaled_moments(x_0: float, x_t: float) -> IntervalMoments:
    return isi_moments(0.0, 1.0, LIF(1.0, x_t, x_0))
