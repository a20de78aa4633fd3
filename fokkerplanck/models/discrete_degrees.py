"""Laws of whole-numbered in- and out-degrees."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import interpolate, linalg, special, stats

from ..outcomes import InvalidArgument, frozen, number_in, real_array
from .degrees import DegreeLaw, DegreeNodes, degrees_asked, whole
from .graphs import measured_degrees

UNNORMALISED = 1e-9
"""By how much probabilities may miss the sum 1, and mean in- and out-degrees each other (relative)."""
BROADEST = 1e9
"""Variance of the in-degree at most."""
NEGLIGIBLE = 1e-16
"""Probability that is left out at either end of a law on all integers."""


@dataclass(frozen=True, eq=False)
class _Levels:
    """K as a smooth function of a normal score: P(K ≤ k) is met at k + 1/2, and the variance is kept."""

    scores: np.ndarray
    degrees: np.ndarray

    @classmethod
    def of(cls, support: DegreeNodes, mean: float) -> _Levels:
        below, above = np.cumsum(support.weight), np.cumsum(support.weight[::-1])[::-1] - support.weight
        score = np.where(below < 0.5, special.ndtri(below), -special.ndtri(above))
        inside = np.isfinite(score) & (np.abs(score) < 8.0)
        scores, k = score[inside], support.k[inside] + 0.5
        kept = np.concatenate([[True], np.diff(scores) > 1e-9])
        scores, k = scores[kept], k[kept]
        # Σ over whole numbers of a smooth law has a variance larger by 1/12 than the law between them.
        variance = float(support.weight @ (support.k - mean) ** 2)
        k = mean + (k - mean) * np.sqrt(variance / (variance - 1.0 / 12.0))
        return cls(scores, k)

    @cached_property
    def _forward(self) -> Any:
        return interpolate.PchipInterpolator(self.scores, self.degrees, extrapolate=True)

    def in_at(self, score: np.ndarray) -> np.ndarray:
        inside = np.clip(score, self.scores[0], self.scores[-1])
        return np.maximum(self._forward(inside), 0.0)

    def score(self, k: np.ndarray) -> np.ndarray:
        return np.interp(k, self.degrees, self.scores)


class DiscreteDegrees(DegreeLaw):
    """A law on whole numbers, of which a subclass gives `support`."""

    @property
    @abstractmethod
    def support(self) -> DegreeNodes:
        """Every in-degree with its probability and tilt."""

    @property
    def sd(self) -> float:  # type: ignore[override]  # computed, where others have a field
        s = self.support
        return float(np.sqrt(s.weight @ (s.k - self.mean) ** 2))

    def nodes(self, count: int) -> DegreeNodes:
        s = self.support
        if len(s.k) <= count or self.correlated:
            return s
        k, weight = gauss_rule(s.k, s.weight, count)
        return DegreeNodes(k, weight, np.ones(count))

    def tilt(self, k: ArrayLike) -> np.ndarray:
        return self._at(k, self.support.tilt, 1.0)

    def in_degree(self, k: ArrayLike) -> np.ndarray:
        return self._at(k, self.support.weight, 0.0)

    def _at(self, k: ArrayLike, values: np.ndarray, elsewhere: float) -> np.ndarray:
        k, s = degrees_asked(k), self.support.k
        where = np.clip(np.searchsorted(s, k), 0, len(s) - 1)
        return np.where(s[where] == k, values[where], elsewhere)

    @cached_property
    def levels(self) -> _Levels:
        """The law as a smooth function of a normal score."""
        return _Levels.of(self.support, self.mean)

    def in_at(self, score: np.ndarray) -> np.ndarray:
        """K of a normal score, between whole numbers too."""
        return self.levels.in_at(score)

    def score(self, k: np.ndarray) -> np.ndarray:
        """The normal score of an in-degree of `in_at`."""
        return self.levels.score(k)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        s = self.support
        K = rng.choice(s.k, size=count, p=s.weight / s.weight.sum()).astype(int)
        return K, np.full(count, float(self.mean))


@dataclass(frozen=True)
class FixedDegree(DiscreteDegrees):
    """Every neuron has K inputs, drawn from all others alike.

    Parameters
    ----------
    degree : int
        K ≥ 1.

    >>> FixedDegree(100).mean
    100.0
    """

    degree: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "degree", whole("degree", self.degree))

    @property
    def mean(self) -> float:  # type: ignore[override]  # computed, where others have a field
        return float(self.degree)

    @cached_property
    def support(self) -> DegreeNodes:
        return DegreeNodes(np.array([self.mean]), np.ones(1), np.ones(1))


@dataclass(frozen=True)
class PoissonDegrees(DiscreteDegrees):
    """Independent synapses in a large network: K is Poisson and does not depend on L.

    Parameters
    ----------
    mean : float
        E[K], positive.

    >>> round(PoissonDegrees(100.0).sd, 6)
    10.0
    """

    mean: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "mean", number_in("mean", self.mean, lambda x: 0.0 < x <= 1e6, "in (0, 1e6]"))

    @cached_property
    def support(self) -> DegreeNodes:
        law = stats.poisson(self.mean)
        k = np.arange(law.ppf(NEGLIGIBLE), law.isf(NEGLIGIBLE) + 1.0)
        return DegreeNodes(k, law.pmf(k), np.ones(len(k)))


@dataclass(frozen=True)
class BinomialDegrees(DiscreteDegrees):
    """Independent synapses from a number of candidates: K is binomial and does not depend on L.

    Parameters
    ----------
    candidates : int
        How many neurons could send (N − 1 within one population of N).
    probability : float
        Of each synapse, in (0, 1].

    >>> round(BinomialDegrees(1000, 0.1).sd, 6)
    9.486833
    """

    candidates: int
    probability: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "candidates", whole("candidates", self.candidates))
        allowed = number_in("probability", self.probability, lambda p: 0.0 < p <= 1.0, "in (0, 1]")
        object.__setattr__(self, "probability", allowed)
        if self.candidates * allowed * (1.0 - allowed) > BROADEST:
            raise InvalidArgument(
                f"`candidates` × `probability` × (1 − `probability`) must not exceed {BROADEST:g}: every in-degree is "
                f"listed. Use fp.GammaDegrees."
            )

    @property
    def mean(self) -> float:  # type: ignore[override]  # computed, where others have a field
        return self.candidates * self.probability

    @cached_property
    def support(self) -> DegreeNodes:
        law = stats.binom(self.candidates, self.probability)
        k = np.arange(max(law.ppf(NEGLIGIBLE), 0.0), law.isf(NEGLIGIBLE) + 1.0)
        return DegreeNodes(k, law.pmf(k), np.ones(len(k)))


@dataclass(frozen=True, eq=False)
class TabulatedDegrees(DiscreteDegrees):
    """Any joint law on a table of in- and out-degrees.

    Parameters
    ----------
    k, l : array of int
        In-degrees and out-degrees, each increasing, not negative.
    probability : array, shape (len(k), len(l))
        P(K = k, L = l), not negative, of sum 1 and with E[K] = E[L].

    Raises
    ------
    InvalidArgument
        If the shapes do not fit, the probabilities do not sum to 1 or the two mean degrees differ.

    >>> law = TabulatedDegrees([1, 3], [1, 3], [[0.4, 0.1], [0.1, 0.4]])
    >>> law.in_neighbour([1, 3]).round(12).tolist()
    [0.35, 0.65]
    """

    k: np.ndarray
    l: np.ndarray
    probability: np.ndarray

    def __post_init__(self) -> None:
        k, l, p = (real_array(name, getattr(self, name)) for name in ("k", "l", "probability"))
        for name, degrees in (("k", k), ("l", l)):
            if degrees.ndim != 1 or not len(degrees) or not np.all(np.isfinite(degrees)):
                raise InvalidArgument(f"`{name}` must be a list of whole numbers, all finite.")
            if np.any(degrees != np.rint(degrees)) or np.any(degrees < 0):
                raise InvalidArgument(f"`{name}` must be a list of whole numbers that are not negative.")
            if np.any(np.diff(degrees) <= 0):
                raise InvalidArgument(f"`{name}` must increase, each degree being there once.")
        if p.shape != (len(k), len(l)):
            raise InvalidArgument(f"`probability` has shape {p.shape}, but `k` and `l` need ({len(k)}, {len(l)}).")
        if not np.all(np.isfinite(p)) or np.any(p < 0.0):
            raise InvalidArgument("`probability` must be finite and nowhere negative.")
        if abs(p.sum() - 1.0) > UNNORMALISED:
            raise InvalidArgument(f"`probability` has the sum {p.sum():.12g}, not 1; divide it by its sum.")
        into, out = float(p.sum(axis=1) @ k), float(p.sum(axis=0) @ l)
        if into <= 0.0 or abs(into - out) > UNNORMALISED * into:
            raise InvalidArgument(
                f"`probability` gives the mean in-degree {into:.12g} and the mean out-degree {out:.12g}, but every "
                f"synapse has two ends: they must be equal and positive."
            )
        for name, array in (("k", k), ("l", l), ("probability", p)):
            object.__setattr__(self, name, frozen(array))

    @cached_property
    def mean(self) -> float:  # type: ignore[override]  # computed, where others have a field
        return float(self.probability.sum(axis=1) @ self.k)

    @classmethod
    def of(cls, graph: Any) -> TabulatedDegrees:
        """The degrees that the neurons of an actual graph have (square, row = who receives).

        >>> TabulatedDegrees.of([[0, 1, 1], [1, 0, 0], [1, 0, 0]]).mean
        1.3333333333333333
        """
        found = measured_degrees(graph)
        k, row = np.unique(found.in_degree, return_inverse=True)
        l, column = np.unique(found.out_degree, return_inverse=True)
        p = np.zeros((len(k), len(l)))
        np.add.at(p, (row, column), 1.0 / len(row))
        return cls(k, l, p)

    @property
    def correlated(self) -> bool:
        return bool(np.any(np.abs(self.support.tilt - 1.0) > UNNORMALISED))

    @cached_property
    def support(self) -> DegreeNodes:
        weight = self.probability.sum(axis=1)
        there = weight > 0.0
        return DegreeNodes(self.k[there], weight[there], (self.probability @ self.l)[there] / weight[there] / self.mean)

    def draw(self, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        p = self.probability.ravel()
        cell = rng.choice(p.size, size=count, p=p / p.sum())
        return self.k[cell // len(self.l)].astype(int), self.l[cell % len(self.l)]


def gauss_rule(k: np.ndarray, weight: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The Gauss rule of a discrete law: `count` nodes, exact for polynomials up to the degree 2 count − 1.

    Source: Golub, Welsch, Math. Comp. 23 (1969) 221; the recurrence by Lanczos' method with full orthogonalisation.
    """
    centre, half = 0.5 * (k[0] + k[-1]), 0.5 * (k[-1] - k[0])
    x, q = (k - centre) / half, np.sqrt(weight / weight.sum())
    basis = np.zeros((count + 1, len(x)))
    basis[0] = q
    diagonal, beside = [], []
    for i in range(count):
        v = x * basis[i]
        diagonal.append(float(basis[i] @ v))
        for _ in range(2):
            v = v - basis[: i + 1].T @ (basis[: i + 1] @ v)
        beside.append(float(np.linalg.norm(v)))
        basis[i + 1] = v / beside[-1]
    nodes, vectors = linalg.eigh_tridiagonal(np.array(diagonal), np.array(beside[:-1]))
    return centre + half * nodes, vectors[0] ** 2
