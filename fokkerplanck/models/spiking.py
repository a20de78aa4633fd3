"""A network of leaky integrate-and-fire neurons with actual synapses: what `fp.simulate_lif` moves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import sparse

from ..outcomes import InvalidArgument, frozen, positive, real_array
from .lif import LIF
from .plasticity import PlasticityRule, StaticWeight
from .synapses import SynapseMatrix


@dataclass(frozen=True, eq=False, repr=False)
class Projection:
    """The synapses from one population to another.

    Parameters
    ----------
    graph : sparse matrix, shape (receivers, senders)
        Where there is a synapse. With `rule` None its entries are the weights themselves: by how much the potential of
        the receiver jumps at a spike (potential).
    rule : rule of plasticity, optional
        For example `fp.SaturatingWeight(...)`; then only the places of the graph's entries matter.
    post, pre : int
        Numbers of the receiving and of the sending population.

    Raises
    ------
    InvalidArgument
        If an entry of the graph is not finite, or `rule` is none.
    """

    graph: Any
    rule: PlasticityRule | None = None
    post: int = 0
    pre: int = 0

    def __post_init__(self) -> None:
        if self.rule is not None and not isinstance(self.rule, PlasticityRule):
            raise InvalidArgument(f"`rule` must be None or a rule such as fp.SaturatingWeight, not {self.rule!r}.")
        given = self.graph.matrix if isinstance(self.graph, SynapseMatrix) else self.graph
        if len(np.shape(given)) != 2:
            raise InvalidArgument(f"`graph` must be a matrix, with a row for each receiver, not {given!r}.")
        graph = sparse.csc_array(given, dtype=float, copy=True)
        graph.sum_duplicates()
        graph.eliminate_zeros()
        if not np.all(np.isfinite(graph.data)):
            raise InvalidArgument("`graph` must have finite entries.")
        object.__setattr__(self, "graph", graph)

    def __repr__(self) -> str:
        kind = "" if self.rule is None else f", {self.rule!r}"
        return f"Projection({self.graph.nnz} synapses from {self.pre} to {self.post}{kind})"


@dataclass(frozen=True, eq=False, repr=False, init=False)
class SpikingNetwork:
    """N leaky integrate-and-fire neurons with δ synapses of their own.

        τ_m dV_i = (E_l − V_i + μ_i) dt + σ_i √τ_m dW_i + τ_m Σ_j w_ij Σ_k δ(t − t_j^k − D) dt

    Weights w_ij are constant or follow the spikes by a rule of plasticity.

    Parameters
    ----------
    neuron : LIF, or sequence of (LIF, int)
        One population, of as many neurons as `synapses` says; or several, each with its size.
    synapses : sparse matrix (N, N), SynapseMatrix, or sequence of Projection
        Jumps w_ij of the potential of neuron i when j fires (potential), or where they are and how they change.
    mu, sigma : float or array, shape (N,), or one per population
        External input (potential), σ ≥ 0.
    delay : float
        Transmission delay D > 0 of all synapses (time).
    shots : (float or array, float or array), optional
        Rate (1/time) and jump (potential) of external Poisson trains, one for each neuron.

    Raises
    ------
    InvalidArgument
        If shapes do not fit each other, or a number is out of range.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> SpikingNetwork(neuron, [[0.0, 0.1], [-0.5, 0.0]], mu=15.0, sigma=5.0, delay=0.0015)
    SpikingNetwork(2 neurons, 2 synapses)
    """

    neurons: tuple[tuple[LIF, int], ...]
    projections: tuple[Projection, ...]
    mu: np.ndarray
    sigma: np.ndarray
    delay: float
    shots: tuple[np.ndarray, np.ndarray] | None

    def __init__(
        self,
        neuron: LIF | Sequence[tuple[LIF, int]],
        synapses: Any,
        mu: Any,
        sigma: Any,
        delay: float,
        shots: tuple[Any, Any] | None = None,
    ) -> None:
        projections = tuple(synapses) if _listed(synapses) else (Projection(synapses),)
        neurons = [(neuron, _size(projections))] if isinstance(neuron, LIF) else neuron

        def keep(**values: Any) -> None:
            for name, value in values.items():
                object.__setattr__(self, name, value)

        keep(neurons=_checked_neurons(neurons), projections=projections)
        for p in projections:
            self._check_fit(p)
        keep(mu=self.per_neuron("mu", mu), sigma=self.per_neuron("sigma", sigma, least=0.0))
        keep(delay=positive("delay", delay), shots=self._checked_shots(shots))

    @cached_property
    def populations(self) -> tuple[slice, ...]:
        """The neurons of each population."""
        ends = np.cumsum([size for _, size in self.neurons])
        return tuple(slice(int(end) - size, int(end)) for end, (_, size) in zip(ends, self.neurons, strict=True))

    @property
    def count(self) -> int:
        """Number of neurons N."""
        return self.populations[-1].stop

    @property
    def kind(self) -> np.ndarray:
        """The population of each neuron, shape (N,)."""
        return np.repeat(np.arange(len(self.neurons), dtype=np.int32), [size for _, size in self.neurons])

    @property
    def plastic(self) -> bool:
        """Whether a weight changes."""
        return any(p.rule is not None and not isinstance(p.rule, StaticWeight) for p in self.projections)

    def per_neuron(self, name: str, value: Any, least: float = -np.inf) -> np.ndarray:
        """One number for all, one for each population, or one for each neuron, as an array of shape (N,)."""
        array = real_array(name, value)
        if array.shape == (len(self.neurons),) and array.shape != (self.count,):
            array = array[self.kind]
        if array.shape not in ((), (self.count,)):
            raise InvalidArgument(
                f"`{name}` must be one number, one for each of {len(self.neurons)} populations or one for each of "
                f"{self.count} neurons; its shape is {array.shape}."
            )
        if not np.all(np.isfinite(array)) or np.any(array < least):
            raise InvalidArgument(
                f"`{name}` must be finite" + (f" and at least {least:g}." if least > -np.inf else ".")
            )
        return frozen(np.broadcast_to(array, self.count).astype(float))

    def _check_fit(self, projection: object) -> None:
        if not isinstance(projection, Projection):
            raise InvalidArgument(
                f"`synapses` must be an (N, N) matrix or a list of fp.Projection, not {projection!r}."
            )
        for name in ("post", "pre"):
            number = getattr(projection, name)
            if number not in range(len(self.neurons)):
                raise InvalidArgument(
                    f"`{name}` = {number!r}, but there are {len(self.neurons)} populations, numbered from 0 on."
                )
        shape = (self.neurons[projection.post][1], self.neurons[projection.pre][1])
        if projection.graph.shape != shape:
            raise InvalidArgument(
                f"`graph` has the shape {projection.graph.shape}, but its populations have {shape} neurons."
            )

    def _checked_shots(self, shots: Any) -> tuple[np.ndarray, np.ndarray] | None:
        if shots is None:
            return None
        try:
            rate, jump = shots
        except (TypeError, ValueError):
            raise InvalidArgument(f"`shots` must be a pair (rate, jump), not {shots!r}.") from None
        return self.per_neuron("shots[0]", rate, least=0.0), self.per_neuron("shots[1]", jump)

    def __repr__(self) -> str:
        return f"SpikingNetwork({self.count} neurons, {sum(p.graph.nnz for p in self.projections)} synapses)"


def _listed(synapses: object) -> bool:
    """Whether these are projections, and not a matrix written as lists."""
    return isinstance(synapses, Sequence) and (not synapses or any(isinstance(p, Projection) for p in synapses))


def _size(projections: tuple[Any, ...]) -> int:
    """The number of neurons of a single population."""
    sizes = {size for p in projections if isinstance(p, Projection) for size in p.graph.shape}
    if len(sizes) != 1:
        raise InvalidArgument(
            f"`synapses` of one population must be square matrices of one size, not of {sorted(sizes)} neurons; for "
            f"several populations `neuron` is a list of pairs (fp.LIF, number)."
        )
    return int(sizes.pop())


def _checked_neurons(neurons: Any) -> tuple[tuple[LIF, int], ...]:
    try:
        pairs = tuple((law, size) for law, size in neurons)
    except (TypeError, ValueError):
        pairs = ()
    for law, size in pairs:
        if isinstance(size, bool) or not isinstance(size, int | np.integer) or size < 1 or not isinstance(law, LIF):
            pairs = ()
    if not pairs:
        raise InvalidArgument(f"`neuron` must be an fp.LIF, or a list of pairs (fp.LIF, number), not {neurons!r}.")
    return tuple((law, int(size)) for law, size in pairs)
