"""The rates of the neurons of one actual graph, without the noise of counting spikes.

Between the theory of distributions and a simulation: the graph is the simulation's, neurons answer to their inputs as
in the theory, and no sum is replaced by a normal variable.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..models.degrees import whole
from ..models.plastic_network import Pathway, PlasticNetwork
from ..outcomes import FokkerPlanckWarning, InvalidArgument, frozen, positive, real_array
from .fixedpoint import FixedPoint, fixed_point
from .siegertrate import rates

RUNAWAY = 1e6
"""Rates beyond 1e6/τ_m are on their way to infinity."""


class _RanAway(Exception):
    """The last rates that were not, and the largest of those that were."""

    def __init__(self, nu: np.ndarray, rate: float) -> None:
        super().__init__()
        self.nu, self.rate = nu, rate


@dataclass(frozen=True, eq=False, repr=False)
class QuenchedRates:
    """Rates of every neuron of a graph.

    Attributes
    ----------
    rate : dict from name to array, shape (neurons,)
    converged : bool
    residual : float
        Largest change of a rate by one more evaluation, relative to the root mean square of all.
    evaluations : int
    message : str
    """

    rate: dict[str, np.ndarray]
    converged: bool
    residual: float
    evaluations: int
    message: str

    @property
    def rates(self) -> np.ndarray:
        """Of a single population, or of all of them in their order; shape (neurons,)."""
        return np.concatenate(list(self.rate.values()))

    def __repr__(self) -> str:
        each = (f"{name + ': ' if name else ''}mean {r.mean():.6g}, sd {r.std():.6g}" for name, r in self.rate.items())
        return f"QuenchedRates({'; '.join(each)}; {self.message})"


def quenched_rates(
    network: PlasticNetwork,
    graphs: Any,
    start: float | np.ndarray | None = None,
    tolerance: float = 1e-10,
    evaluations: int = 400,
) -> QuenchedRates:
    """Solve ν_i = φ(μ_ext + τ_m Σ_j A_ij w_ij ν_j, √(σ_ext² + τ_m Σ_j A_ij w_ij² ν_j)), w_ij = f(ν_j, ν_i), on a graph.

    Parameters
    ----------
    network : PlasticNetwork
        Its degree laws are not used.
    graphs : matrix, or mapping from (post, pre) to matrix; of a population without synapses, from its name to an int
        Who receives (row) from whom (column), as `network.graphs` makes them; of one population the matrix itself will
        do. Entries are numbers of synapses. A population in no projection needs its number of neurons, under its name.
    start : float or array, optional
        Rates at the beginning. Default 0.2/τ_m of the first population.
    tolerance, evaluations : float and int
        Of the iteration: residual, and evaluations at most.

    Raises
    ------
    InvalidArgument
        If a graph is missing, or its shape does not fit those of the others.

    A FokkerPlanckWarning says so if the iteration does not converge, or the rates run away (beyond 1e6/τ_m).

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.PlasticNetwork(neuron, fp.GammaDegrees(100.0, 40.0), fp.StaticWeight(0.1), 13.0, 5.0)
    >>> quenched_rates(network, network.graphs(1000)).converged
    True
    """
    matrices = _matrices(network, graphs)
    ends = np.concatenate([[0], np.cumsum(_sizes(network, matrices, graphs))])

    def part(nu: np.ndarray, k: int) -> np.ndarray:
        return nu[ends[k] : ends[k + 1]]

    def answer(nu: np.ndarray) -> np.ndarray:
        out = np.empty_like(nu)
        for k, neuron in enumerate(network.neurons):
            A, B = np.zeros((2, ends[k + 1] - ends[k]))
            for p, matrix in zip(network.projections, matrices, strict=True):
                if p.post == k:
                    more = _sums(p, matrix, part(nu, p.pre), part(nu, k))
                    A, B = A + more[0], B + more[1]
            mu_ext, sigma_ext = network.inputs[k]
            part(out, k)[:] = rates(neuron, mu_ext + neuron.tau_m * A, sigma_ext**2 + neuron.tau_m * B)
            if np.any(part(out, k) > RUNAWAY / neuron.tau_m):
                raise _RanAway(nu, float(out[ends[k] : ends[k + 1]].max()))
        return out

    first = 0.2 / network.neurons[0].tau_m if start is None else start
    given = real_array("start", first)
    if given.shape not in ((), (1,), (int(ends[-1]),)):
        raise InvalidArgument(f"`start` has the shape {given.shape}, but there are {int(ends[-1])} neurons.")
    beginning = np.array(np.broadcast_to(given, (int(ends[-1]),)))
    if not np.all(np.isfinite(beginning)) or np.any(beginning < 0.0):
        raise InvalidArgument("`start` must be finite and nowhere negative.")
    highest = max(neuron.highest_rate for neuron in network.neurons)
    if np.any(beginning > highest):
        raise InvalidArgument(f"`start` = {beginning.max():g}, but no rate exceeds 1/tau_ref = {highest:g}.")

    def possible(nu: np.ndarray) -> bool:
        return bool(np.all(np.isfinite(nu)) and np.all(nu >= 0.0))

    def scale(nu: np.ndarray) -> np.ndarray:
        size = float(np.sqrt(np.mean(nu**2)))
        return np.full(nu.shape, size if size > 0.0 else 1.0)

    tolerance, evaluations = positive("tolerance", tolerance), whole("evaluations", evaluations)
    try:
        end = fixed_point(answer, beginning, scale, possible, tolerance, evaluations)
    except _RanAway as run:
        message = f"not converged: the rates ran away, beyond {run.rate:.1g}; a refractory time `tau_ref` bounds them"
        end = FixedPoint(run.nu, float("inf"), evaluations, False, message)
    if not end.converged:
        warnings.warn(f"the rates on the graph are {end.message}.", FokkerPlanckWarning, stacklevel=2)
    found = {name: frozen(part(end.x, k).copy()) for k, name in enumerate(network.names)}
    return QuenchedRates(found, end.converged, end.residual, end.evaluations, end.message)


def _sums(p: Pathway, matrix: Any, pre: np.ndarray, post: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(Σ w ν, Σ w² ν) of every receiving neuron."""
    if p.rule.factors is not None:
        u, v = p.rule.factors
        f, g = u(pre), v(post)
        return g * (matrix @ (f * pre)), g * g * (matrix @ (f * f * pre))
    rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
    x = pre[matrix.indices]
    w = p.rule.weight(x, post[rows])
    each = matrix.data * x * w
    return np.bincount(rows, each, matrix.shape[0]), np.bincount(rows, each * w, matrix.shape[0])


def _matrices(network: PlasticNetwork, graphs: Any) -> list[Any]:
    from scipy.sparse import csr_array

    if not isinstance(graphs, Mapping):
        if len(network.projections) != 1:
            raise InvalidArgument("`graphs` must be a mapping from (post, pre) where there are several projections.")
        graphs = {(network.names[p.post], network.names[p.pre]): graphs for p in network.projections}
    found = []
    for p in network.projections:
        pair = network.names[p.post], network.names[p.pre]
        if pair not in graphs:
            raise InvalidArgument(f"`graphs` lacks the pair {pair!r}.")
        if len(np.shape(graphs[pair])) != 2 or 0 in np.shape(graphs[pair]):
            raise InvalidArgument(
                f"`graphs` must hold matrices of receivers and senders, not of the shape {np.shape(graphs[pair])}."
            )
        matrix = csr_array(graphs[pair], dtype=float)
        if not np.all(np.isfinite(matrix.data)) or np.any(matrix.data < 0.0):
            raise InvalidArgument("`graphs` must hold numbers of synapses: finite, nowhere negative.")
        found.append(matrix)
    return found


def _sizes(network: PlasticNetwork, matrices: list[Any], graphs: Any) -> list[int]:
    counts = graphs if isinstance(graphs, Mapping) else {}
    sizes: list[int | None] = [whole("graphs", counts[name]) if name in counts else None for name in network.names]
    for p, matrix in zip(network.projections, matrices, strict=True):
        for k, size in ((p.post, matrix.shape[0]), (p.pre, matrix.shape[1])):
            if sizes[k] not in (None, size):
                raise InvalidArgument(
                    f"`graphs` give population {network.names[k]!r} both {sizes[k]} and {size} neurons."
                )
            sizes[k] = int(size)
    for name, size in zip(network.names, sizes, strict=True):
        if size is None:
            raise InvalidArgument(
                f"`graphs` do not say how many neurons {name!r} has: it takes part in no projection. Give their number "
                f"under its name, {{{name!r}: 100}}."
            )
    return [int(size) for size in sizes if size is not None]
