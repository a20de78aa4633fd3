"""Graphs with given in-degrees and propensities to send, and the degrees that a graph has."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..outcomes import FokkerPlanckWarning, InvalidArgument, frozen

FULLEST = 0.98
"""Share of all rows that one column is met by, at most."""
GROUPS, CORRECTIONS, MET = 12, 40, 1e-4
"""Groups of in-degrees for the correction of propensities, its steps at most, the relative accuracy that ends it."""


@dataclass(frozen=True, eq=False)
class MeasuredDegrees:
    """The degrees of an actual graph.

    Attributes
    ----------
    in_degree, out_degree : array, shape (neurons,)
    correlation : float
        Of the two, linear; zero where one of them does not vary.
    in_neighbour_mean, in_neighbour_error : float
        Mean in-degree of an in-neighbour, Σ K L/Σ L, and the standard error of this ratio over neurons drawn anew.
    """

    in_degree: np.ndarray
    out_degree: np.ndarray
    correlation: float
    in_neighbour_mean: float
    in_neighbour_error: float

    def in_neighbour_share(self, edges: np.ndarray) -> np.ndarray:
        """Which share of all synapses starts from a neuron with in-degree in [edges[i], edges[i + 1])."""
        counts, _ = np.histogram(self.in_degree, bins=edges, weights=self.out_degree)
        return np.asarray(counts / self.out_degree.sum())


def measured_degrees(graph: Any) -> MeasuredDegrees:
    """Degrees of a graph within one population, and how its in-neighbours differ from its neurons.

    Parameters
    ----------
    graph : matrix, shape (neurons, neurons)
        Sparse or dense; what is not zero is a synapse, row = who receives.

    >>> from fokkerplanck.models.degrees import GammaDegrees
    >>> found = measured_degrees(GammaDegrees(30.0, 12.0, correlation=0.7).graph(400))
    >>> bool(found.in_neighbour_mean > found.in_degree.mean())
    True
    """
    from scipy.sparse import csr_array

    A: Any = csr_array(graph, copy=True)
    if A.shape[0] != A.shape[1]:
        raise InvalidArgument(f"`graph` has the shape {A.shape}, but in-neighbours need a square one.")
    if not np.all(np.isfinite(A.data)):
        raise InvalidArgument("`graph` must be finite numbers of synapses.")
    A.eliminate_zeros()
    K = np.diff(A.indptr).astype(float)
    L = np.bincount(A.indices, minlength=A.shape[1]).astype(float)
    if L.sum() == 0.0:
        raise InvalidArgument("`graph` has no synapse.")
    mean = float(K @ L / L.sum())
    error = float(np.sqrt(np.sum(L**2 * (K - mean) ** 2)) / L.sum())
    varies = K.std() > 0.0 and L.std() > 0.0
    return MeasuredDegrees(frozen(K), frozen(L), float(np.corrcoef(K, L)[0, 1]) if varies else 0.0, mean, error)


def connected(K: np.ndarray, L: np.ndarray, rng: np.random.Generator, own: bool) -> Any:
    """Row i gets K_i of the columns, drawn without repetition, in all in proportion to L; not column i if `own`."""
    from scipy.sparse import csr_array

    sending = np.flatnonzero(L > 0.0)
    most, others = int(K.max(initial=0)), len(sending) - (1 if own else 0)
    if most > others:
        raise InvalidArgument(
            f"`count`: an in-degree of {most} was drawn, but there are only {others} neurons to receive from; use more "
            f"neurons or smaller degrees."
        )
    ends = np.concatenate([[0], np.cumsum(K)])
    columns = np.empty(ends[-1], dtype=np.int32 if len(L) < 2**31 else np.int64)
    alike = bool(np.all(L[sending] == L[sending[0]])) if len(sending) else True
    inverse = 1.0 / L[sending] if alike else 1.0 / waiting_rates(K, L[sending])
    where = np.full(max(len(K), len(L)), -1)
    where[sending] = np.arange(len(sending))
    for i in np.flatnonzero(K):
        skipped = where[i] if own else -1
        first = _alike(len(sending), K[i], skipped, rng) if alike else _first(inverse, K[i], skipped, rng)
        columns[ends[i] : ends[i + 1]] = sending[np.sort(first)]
    return csr_array((np.ones(ends[-1]), columns, ends), shape=(len(K), len(L)))


def waiting_rates(K: np.ndarray, L: np.ndarray) -> np.ndarray:
    """Rates λ of waiting times with which rows that take the first K_i columns meet these in proportion to L.

    Row i has met column j with the probability 1 − exp(−λ_j t_i) at the time t_i at which it has met K_i of them. The
    mean of this over the rows is to be L_j ΣK/(rows ΣL).
    """
    target = L * (K.mean() / L.sum())
    if target.max(initial=0.0) > FULLEST:
        warnings.warn(
            f"`count`: the propensities ask some neurons for {target.max():.3g} times as many receivers as there are; "
            f"they get {FULLEST:g}. Use more neurons, or out-degrees that vary less.",
            FokkerPlanckWarning,
            stacklevel=4,
        )
        target = np.minimum(target, FULLEST)
    groups = np.array_split(np.sort(K[K > 0]), min(GROUPS, int(np.sum(K > 0))) or 1)
    k, share = np.array([[g.mean() if g.size else 0.0, g.size / len(K)] for g in groups]).T
    rate = -np.log1p(-target)
    t = k / target.sum()
    for _ in range(CORRECTIONS):
        for _ in range(3):
            left = np.exp(-np.multiply.outer(t, rate))
            t = np.maximum(t + (k - np.sum(1.0 - left, axis=1)) / np.maximum(left @ rate, 1e-300), 0.1 * t)
        met = share @ -np.expm1(-np.multiply.outer(t, rate))
        rate = rate * np.log1p(-target) / np.log1p(-met)
        if np.max(np.abs(met / target - 1.0)) < MET:
            break
    return rate


def _first(inverse: np.ndarray, count: int, skipped: int, rng: np.random.Generator) -> np.ndarray:
    """The first `count` of exponential waiting times with the rates 1/inverse: who comes first, second, …"""
    key = rng.standard_exponential(len(inverse)) * inverse
    if skipped >= 0:
        key[skipped] = np.inf
    return np.argpartition(key, count - 1)[:count]


def _alike(size: int, count: int, skipped: int, rng: np.random.Generator) -> np.ndarray:
    """`count` different numbers below `size`, all with one probability, without the one that is skipped."""
    if skipped < 0:
        return rng.choice(size, count, replace=False, shuffle=False)
    found = rng.choice(size - 1, count, replace=False, shuffle=False)
    return found + (found >= skipped)
