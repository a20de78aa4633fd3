"""Spiking populations on a random graph whose synapses follow the rates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from ..outcomes import InvalidArgument, finite_number, named, non_negative
from .degrees import DegreeLaw, whole
from .lif import LIF
from .plasticity import PlasticityRule
from .spiking import Projection, SpikingNetwork


class Pathway(NamedTuple):
    """All synapses from one population to another: who receives, who sends (their places), degrees and weights."""

    post: int
    pre: int
    degrees: DegreeLaw
    rule: PlasticityRule


@dataclass(frozen=True, eq=False, repr=False)
class PlasticNetwork:
    """Leaky integrate-and-fire neurons on a random graph with plastic synapses, in one population or in several.

        τ_m dV_i = (E_l − V_i + μ_ext) dt + σ_ext √τ_m dW_i + τ_m Σ_j w_ij dN_j,   dw_ij/dt = source − decay · w_ij

    Where all rates are stationary, neuron i is under the mean input and the variance

        μ_i = μ_ext + τ_m Σ_j w_ij ν_j,   σ_i² = σ_ext² + τ_m Σ_j w_ij² ν_j,   w_ij = f(ν_j, ν_i).

    Parameters
    ----------
    neuron : LIF, or mapping from name to LIF
        One population, or the names and neurons of several.
    degrees : DegreeLaw, or mapping from (post, pre) to DegreeLaw
        In-degree of a neuron of `post` counting its inputs from `pre`; within one population jointly with the
        out-degree. Pairs that are not there have no synapses.
    rule : PlasticityRule, or mapping from (post, pre) to PlasticityRule
        For the same pairs; a single rule is for all of them.
    mu_ext, sigma_ext : float, or mapping from name to float
        Mean and standard deviation of the external input (potential); a number is for all.

    Raises
    ------
    InvalidArgument
        If a name is unknown, a pair lacks its rule, or degrees between different populations are correlated (in- and
        out-degree are then those of different neurons).

    Source: Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; without plasticity Vegué, Roxin, Phys. Rev. E 100
    (2019) 022208.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> fp.PlasticNetwork(neuron, fp.GammaDegrees(100.0, 40.0), fp.StaticWeight(0.1), mu_ext=13.0, sigma_ext=5.0)
    PlasticNetwork(1 population, 1 projection)
    """

    neuron: LIF | Mapping[str, LIF]
    degrees: DegreeLaw | Mapping[tuple[str, str], DegreeLaw]
    rule: PlasticityRule | Mapping[tuple[str, str], PlasticityRule]
    mu_ext: float | Mapping[str, float]
    sigma_ext: float | Mapping[str, float]
    names: tuple[str, ...] = field(init=False)
    neurons: tuple[LIF, ...] = field(init=False)
    inputs: tuple[tuple[float, float], ...] = field(init=False)
    projections: tuple[Pathway, ...] = field(init=False)

    def __post_init__(self) -> None:
        neurons = self.neuron if isinstance(self.neuron, Mapping) else {"": self.neuron}
        if not neurons:
            raise InvalidArgument("`neuron` names no population.")
        for name, neuron in neurons.items():
            if not isinstance(neuron, LIF):
                raise InvalidArgument(f"`neuron` must be an fp.LIF{' for ' + name if name else ''}, not {neuron!r}.")
        names = tuple(neurons)
        mu = _for_each("mu_ext", self.mu_ext, names)
        sigma = _for_each("sigma_ext", self.sigma_ext, names)
        object.__setattr__(self, "names", names)
        object.__setattr__(self, "neurons", tuple(neurons.values()))
        object.__setattr__(
            self,
            "inputs",
            tuple((finite_number("mu_ext", m), non_negative("sigma_ext", s)) for m, s in zip(mu, sigma, strict=True)),
        )
        object.__setattr__(self, "projections", self._projections())
        for name in ("neuron", "degrees", "rule", "mu_ext", "sigma_ext"):
            value = getattr(self, name)
            if isinstance(value, Mapping):
                object.__setattr__(self, name, MappingProxyType(dict(value)))

    def _projections(self) -> tuple[Pathway, ...]:
        degrees: Mapping[Any, Any]
        if isinstance(self.degrees, Mapping):
            degrees = self.degrees
        elif len(self.names) > 1:
            raise InvalidArgument("`degrees` must be a mapping from (post, pre) where there are several populations.")
        else:
            degrees = {(self.names[0], self.names[0]): self.degrees}
        place = {name: k for k, name in enumerate(self.names)}
        rules: Mapping[Any, Any] = self.rule if isinstance(self.rule, Mapping) else dict.fromkeys(degrees, self.rule)
        for pair in rules:
            if pair not in degrees:
                raise InvalidArgument(f"`rule` has the pair {pair!r}, but `degrees` has not.")
        made = []
        for pair, law in degrees.items():
            if not isinstance(pair, tuple) or len(pair) != 2:
                raise InvalidArgument(f"`degrees` must be a mapping from (post, pre), not from {pair!r}.")
            post, pre = (int(named("population", place, name)) for name in pair)
            if pair not in rules:
                raise InvalidArgument(f"`rule` lacks the pair {pair!r}, for which there are `degrees`.")
            if not isinstance(law, DegreeLaw):
                raise InvalidArgument(f"`degrees` must be a law such as fp.GammaDegrees, not {law!r}.")
            if not isinstance(rules[pair], PlasticityRule):
                raise InvalidArgument(f"`rule` must be one such as fp.StaticWeight, not {rules[pair]!r}.")
            if post != pre and law.correlated:
                raise InvalidArgument(
                    f"`degrees` from {pair[1]!r} to {pair[0]!r} correlate the in-degree of one neuron with the "
                    f"out-degree of another; use correlation 0 between different populations."
                )
            made.append(Pathway(post, pre, law, rules[pair]))
        return tuple(made)

    def into(self, post: int) -> tuple[Pathway, ...]:
        """The projections that a population receives, by its place among `names`."""
        return tuple(p for p in self.projections if p.post == post)

    def graphs(self, counts: int | Mapping[str, int], seed: int = 0) -> dict[tuple[str, str], Any]:
        """A graph for every projection (post, pre): scipy.sparse arrays of ones, row = who receives.

        Parameters
        ----------
        counts : int, or mapping from name to int
            Neurons of each population; a number is for all.
        seed : int
            The projections have the seeds seed, seed + 1, … in their order.

        Raises
        ------
        InvalidArgument
            If an in-degree exceeds the number of neurons to receive from.
        """
        sizes = [whole("counts", value) for value in _for_each("counts", counts, self.names)]
        return {
            (self.names[p.post], self.names[p.pre]): p.degrees.graph(
                sizes[p.post], seed + i, None if p.pre == p.post else sizes[p.pre]
            )
            for i, p in enumerate(self.projections)
        }

    def sample(self, counts: int | Mapping[str, int], delay: float, seed: int = 0) -> SpikingNetwork:
        """Actual neurons and synapses, as `fp.simulate_lif` moves them; populations in the order of their names.

        Parameters
        ----------
        counts : int, or mapping from name to int
            Neurons of each population.
        delay : float
            Transmission delay, positive (time). Stationary rates do not depend on it.
        seed : int
            Of the graphs: those of `graphs`.

        Raises
        ------
        InvalidArgument
            If an in-degree exceeds the number of neurons to receive from.
        """
        sizes = [whole("counts", value) for value in _for_each("counts", counts, self.names)]
        graphs = self.graphs(counts, seed).values()
        means, spreads = zip(*self.inputs, strict=True)
        return SpikingNetwork(
            list(zip(self.neurons, sizes, strict=True)),
            [Projection(graph, p.rule, p.post, p.pre) for graph, p in zip(graphs, self.projections, strict=True)],
            np.array(means),
            np.array(spreads),
            delay,
        )

    def __repr__(self) -> str:
        count, ways = len(self.names), len(self.projections)
        return f"PlasticNetwork({count} population{'s' * (count > 1)}, {ways} projection{'s' * (ways != 1)})"


def _for_each(name: str, value: object, names: tuple[str, ...]) -> list[Any]:
    """A value for each population: the one number, or what the mapping says."""
    if not isinstance(value, Mapping):
        return [value] * len(names)
    for key in value:
        named("population", dict.fromkeys(names), key)
    missing = [key for key in names if key not in value]
    if missing:
        raise InvalidArgument(f"`{name}` lacks {', '.join(missing)}.")
    return [value[key] for key in names]
