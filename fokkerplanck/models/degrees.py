"""How many inputs a neuron has and how many neurons it reaches: joint laws of in- and out-degrees.

Write K for the in-degree of a neuron and L for its out-degree. A neuron is met as somebody's presynaptic partner L
times, so the in-degree of an in-neighbour has the law

    ρ*_K(k) = ρ_K(k) E[L | K = k]/E[L],

shifted to larger k when K and L are positively correlated, to smaller k when negatively. E[L | K]/E[L] is the `tilt`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import interpolate, special, stats

from ..outcomes import InvalidArgument, finite_number, number_in, positive, real_array
from .graphs import connected

INNER = 64
"""Gauss–Hermite nodes for E[L | K] of a continuous law."""
MANY, SPAN = 801, 16.0
"""Scores whose tilts are computed one by one; others are interpolated over [−16, 16]."""
LARGEST = 1e9
"""Mean degree at most."""
FARTHEST = 8.2
"""Normal scores beyond ±8.2 have a probability of 2e-16."""


class DegreeNodes(NamedTuple):
    """A quadrature rule for the in-degree: E h(K) = Σ weight h(k), E over in-neighbours = Σ weight tilt h(k)."""

    k: np.ndarray
    weight: np.ndarray
    tilt: np.ndarray


def hermite(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights of Gauss–Hermite quadrature for a standard normal variable."""
    # numpy's rule overflows from about 180 nodes, scipy's does not but has other last digits.
    x, w = np.polynomial.hermite_e.hermegauss(count) if count <= 100 else special.roots_hermitenorm(count)
    return x, w / w.sum()


class DegreeLaw(ABC):
    """A joint law of in-degree K and out-degree L with E[K] = E[L]."""

    mean: float
    """E[K] = E[L]."""
    sd: float
    """Standard deviation of the in-degree."""

    smooth: bool = False
    """Whether K is taken for a smooth function `in_at` of a normal score, with `score` its inverse."""

    @property
    def correlated(self) -> bool:
        """Whether E[L | K] depends on K."""
        return False

    def tilt(self, k: ArrayLike) -> np.ndarray:
        """E[L | K = k]/E[L], the density of ρ*_K with respect to ρ_K."""
        return np.ones(np.shape(k))

    @abstractmethod
    def nodes(self, count: int) -> DegreeNodes:
        """A rule with `count` nodes. (A discrete law may return each of its values.)"""

    @abstractmethod
    def in_degree(self, k: ArrayLike) -> np.ndarray:
        """ρ_K(k): a density (gamma with sd > mean: infinite at 0), or the probability of k of a discrete law."""

    def in_neighbour(self, k: ArrayLike) -> np.ndarray:
        """ρ*_K(k) = ρ_K(k) E[L | K = k]/E[L], of the same kind as `in_degree`."""
        return np.asarray(self.in_degree(k) * self.tilt(k))

    @cached_property
    def in_neighbour_mean(self) -> float:
        """E*[K] = E[K L]/E[L], the mean in-degree of an in-neighbour."""
        rule = self.nodes(INNER)
        return float(np.sum(rule.weight * rule.tilt * rule.k))

    @abstractmethod
    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        """In-degrees (whole numbers) and propensities to send (proportional to L) of `count` neurons."""

    def sample(self, count: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """(K, L) of `count` neurons, shapes (count,). K is a whole number; L is the expected out-degree."""
        return self.draw(whole("count", count), generator(seed))

    def graph(self, count: int, seed: int = 0, senders: int | None = None) -> Any:
        """A graph with this law: a scipy.sparse CSR array of ones, row = who receives, column = who sends.

        Each row has exactly the in-degree that was drawn; its senders are drawn without repetition, one after another.
        Who sends more than others is soon among those already drawn: the probabilities are corrected for it, so that
        the expected out-degrees are proportional to L. Out-degrees vary about these almost like binomial numbers, which
        makes their spread larger, and their correlation with K smaller, than those of the law by about the factor
        √(1 + κ/s_L²). No neuron is its own sender.

        Parameters
        ----------
        count : int
            Receiving neurons.
        seed : int
        senders : int, optional
            Of another population. Default: the receiving neurons themselves.

        Raises
        ------
        InvalidArgument
            If an in-degree exceeds the number of senders, or too few neurons send at all.

        A FokkerPlanckWarning says so where a propensity asks for more receivers than there are: such a neuron sends to
        98 % of them.

        Source: Efraimidis, Spirakis, Inf. Process. Lett. 97 (2006) 181, algorithm A.

        >>> from fokkerplanck.models.discrete_degrees import FixedDegree
        >>> A = FixedDegree(3).graph(10)
        >>> A.sum(axis=1).tolist()
        [3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0, 3.0]
        """
        count = whole("count", count)
        rng = generator(seed)
        K, L = self.draw(count, rng)
        if senders is not None:
            L = self.draw(whole("senders", senders), rng)[1]
        return connected(K, L, rng, own=senders is None)


# -- continuous laws --------------------------------------------------------------------------------------------


class CopulaDegrees(DegreeLaw):
    """Continuous marginal laws joined by a Gaussian copula: the normal scores of K and L have the correlation r.

    A subclass gives `in_at` and `out_at`, the degrees of a normal score, and `score`, the inverse of the former.
    """

    correlation: float
    smooth = True

    @abstractmethod
    def in_at(self, score: np.ndarray) -> np.ndarray:
        """K of a normal score g: P(K ≤ in_at(g)) = Φ(g)."""

    @abstractmethod
    def out_at(self, score: np.ndarray) -> np.ndarray:
        """L of a normal score."""

    @abstractmethod
    def score(self, k: np.ndarray) -> np.ndarray:
        """The normal score of an in-degree, between ±8.2 (there also outside of the support)."""

    @property
    def correlated(self) -> bool:
        return self.correlation != 0.0

    @cached_property
    def _out_mean(self) -> float:
        x, w = hermite(INNER)
        return float(w @ self.out_at(x))

    def tilt_at(self, score: np.ndarray) -> np.ndarray:
        """E[L | K]/E[L] at a normal score of K: E Q_L(r g + √(1 − r²) ξ)/E[L]."""
        score = np.asarray(score, dtype=float)
        if not self.correlated:
            return np.ones(score.shape)
        if score.size > MANY:
            return np.asarray(self._tilt_between(np.clip(score, -SPAN, SPAN)))
        x, w = hermite(INNER)
        r = self.correlation
        return np.asarray(self.out_at(r * score[..., None] + np.sqrt(1.0 - r * r) * x) @ w / self._out_mean)

    @cached_property
    def _tilt_between(self) -> interpolate.CubicSpline:
        """`tilt_at` for many scores: to 1e-8 between equally spaced ones."""
        grid = np.linspace(-SPAN, SPAN, MANY)
        return interpolate.CubicSpline(grid, self.tilt_at(grid))

    def tilt(self, k: ArrayLike) -> np.ndarray:
        return self.tilt_at(self.score(degrees_asked(k)))

    def nodes(self, count: int) -> DegreeNodes:
        x, w = hermite(count)
        tilt = self.tilt_at(x)
        return DegreeNodes(self.in_at(x), w, tilt / (w @ tilt))

    @cached_property
    def pearson(self) -> float:
        """The linear correlation coefficient of K and L, which is closer to zero than that of the scores."""
        rule = self.nodes(INNER)
        x, w = hermite(INNER)
        L = self.out_at(x)
        spread = np.sqrt(w @ L**2 - (w @ L) ** 2) * np.sqrt(rule.weight @ rule.k**2 - (rule.weight @ rule.k) ** 2)
        return float(self._out_mean * np.sum(rule.weight * (rule.tilt - 1.0) * rule.k) / spread)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        g, h = rng.standard_normal((2, count))
        r = self.correlation
        # Up or down at random: to the nearest whole number would change the mean of small degrees.
        K = np.floor(self.in_at(g) + rng.random(count)).astype(int)
        return K, self.out_at(r * g + np.sqrt(1.0 - r * r) * h)


@dataclass(frozen=True)
class GammaDegrees(CopulaDegrees):
    """Gamma-distributed in- and out-degrees, joined by a Gaussian copula.

    Neurons of a graph have whole in-degrees: K is rounded up or down at random, so that its mean is κ. This adds a
    variance of up to 1/4, and takes as much from the correlation: of note for degrees of a few only.

    Parameters
    ----------
    mean : float
        κ = E[K] = E[L], positive.
    sd : float
        Standard deviation of the in-degree, positive.
    out_sd : float, optional
        Of the out-degree. Default: `sd`.
    correlation : float
        r between −1 and 1, of the normal scores of K and L. (`pearson` is that of the degrees themselves.)

    Raises
    ------
    InvalidArgument
        If a parameter is not finite or out of range.

    Source: the law is free in Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; for E[L | K] linear in K,
    E*[K] = κ + r s_K s_L/κ.

    >>> law = GammaDegrees(100.0, 40.0, correlation=0.7)
    >>> round(law.in_neighbour_mean, 3)
    111.083
    """

    mean: float
    sd: float
    out_sd: float | None = None
    correlation: float = 0.0

    def __post_init__(self) -> None:
        mean = number_in("mean", self.mean, lambda x: 0.0 < x <= LARGEST, f"in (0, {LARGEST:g}]")
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "sd", _spread("sd", self.sd, mean))
        object.__setattr__(self, "out_sd", self.sd if self.out_sd is None else _spread("out_sd", self.out_sd, mean))
        object.__setattr__(self, "correlation", _correlation(self.correlation))

    def in_at(self, score: np.ndarray) -> np.ndarray:
        return _gamma_at(score, self.mean, self.sd)

    def out_at(self, score: np.ndarray) -> np.ndarray:
        assert self.out_sd is not None
        return _gamma_at(score, self.mean, self.out_sd)

    def score(self, k: np.ndarray) -> np.ndarray:
        shape, scale = (self.mean / self.sd) ** 2, self.sd**2 / self.mean
        x = np.maximum(k, 0.0) / scale
        lower = special.gammainc(shape, x)
        below, above = special.ndtri(lower), -special.ndtri(special.gammaincc(shape, x))
        return np.clip(np.where(lower < 0.5, below, above), -FARTHEST, FARTHEST)

    def in_degree(self, k: ArrayLike) -> np.ndarray:
        return np.asarray(stats.gamma.pdf(degrees_asked(k), (self.mean / self.sd) ** 2, scale=self.sd**2 / self.mean))


@dataclass(frozen=True)
class PowerLawDegrees(CopulaDegrees):
    """In- and out-degrees with the density C k^(−exponent) between two bounds, joined by a Gaussian copula.

    Parameters
    ----------
    exponent : float
        Positive. The heavier the tail, the more nodes the quadrature needs.
    lowest, highest : float
        0 < lowest < highest.
    correlation : float
        r between −1 and 1, of the normal scores of K and L.

    >>> law = PowerLawDegrees(2.5, 50.0, 500.0)
    >>> round(law.mean, 3)
    105.915
    """

    exponent: float
    lowest: float
    highest: float
    correlation: float = 0.0

    def __post_init__(self) -> None:
        for name in ("exponent", "lowest", "highest"):
            object.__setattr__(self, name, positive(name, getattr(self, name)))
        if self.lowest >= self.highest:
            raise InvalidArgument(f"`lowest` = {self.lowest:g} must lie below `highest` = {self.highest:g}.")
        object.__setattr__(self, "correlation", _correlation(self.correlation))

    def _moment(self, order: int) -> float:
        """∫ k^(order − exponent) dk between the bounds."""
        q = order - self.exponent + 1.0
        ratio = np.log(self.highest / self.lowest)
        return float(self.lowest**q * ratio * special.exprel(q * ratio))

    @property
    def mean(self) -> float:  # type: ignore[override]  # computed, where others have a field
        return self._moment(1) / self._moment(0)

    @property
    def sd(self) -> float:  # type: ignore[override]  # computed, where others have a field
        return float(np.sqrt(self._moment(2) / self._moment(0) - self.mean**2))

    def in_at(self, score: np.ndarray) -> np.ndarray:
        q = 1.0 - self.exponent
        ratio, u = np.log(self.highest / self.lowest), special.ndtr(score)
        # k^q runs linearly in u from lowest^q to highest^q; for q → 0 it is log k that does.
        grown = u * ratio if abs(q * ratio) < 1e-9 else np.log1p(u * np.expm1(q * ratio)) / q
        return np.asarray(self.lowest * np.exp(grown))

    out_at = in_at

    def score(self, k: np.ndarray) -> np.ndarray:
        q = 1.0 - self.exponent
        ratio, x = np.log(self.highest / self.lowest), np.log(np.clip(k, self.lowest, self.highest) / self.lowest)
        u = x * special.exprel(q * x) / (ratio * special.exprel(q * ratio))
        return np.clip(special.ndtri(u), -FARTHEST, FARTHEST)

    def in_degree(self, k: ArrayLike) -> np.ndarray:
        k = degrees_asked(k)
        inside = (k >= self.lowest) & (k <= self.highest)
        return np.where(inside, np.where(inside, k, 1.0) ** -self.exponent / self._moment(0), 0.0)


# -- helpers -----------------------------------------------------------------------------------------------------------


def _gamma_at(score: np.ndarray, mean: float, sd: float) -> np.ndarray:
    """The gamma quantile of a normal score, each tail from its own side."""
    score = np.asarray(score, dtype=float)
    shape, scale = (mean / sd) ** 2, sd**2 / mean
    lower = special.gammaincinv(shape, special.ndtr(np.minimum(score, 0.0)))
    upper = special.gammainccinv(shape, special.ndtr(-np.maximum(score, 0.0)))
    return np.asarray(scale * np.where(score < 0.0, lower, upper))


def whole(name: str, value: object) -> int:
    """Return `value` as a whole number of at least 1, or refuse it."""
    number = finite_number(name, value)
    if number != int(number) or number < 1:
        raise InvalidArgument(f"`{name}` must be a whole number of at least 1, not {value!r}.")
    return int(number)


def generator(seed: object) -> np.random.Generator:
    """Random numbers from a whole number, or a refusal."""
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or seed < 0:
        raise InvalidArgument(f"`seed` must be a whole number, zero or positive, not {seed!r}.")
    return np.random.default_rng(int(seed))


def degrees_asked(k: ArrayLike) -> np.ndarray:
    """Degrees as an array, or a refusal of what is no number."""
    array = real_array("k", k)
    if np.any(np.isnan(array)):
        raise InvalidArgument("`k` must be degrees, but has one that is no number (nan).")
    return array


def _spread(name: str, value: object, mean: float) -> float:
    sd = number_in(name, value, lambda x: x > 0.0, "positive (without spread use fp.FixedDegree)")
    return number_in(
        name, sd, lambda x: 1e-6 * mean <= x <= 100.0 * mean, f"between 1e-6 and 100 times the mean {mean:g}"
    )


def _correlation(value: object) -> float:
    return number_in("correlation", value, lambda r: -1.0 <= r <= 1.0, "between −1 and 1")
