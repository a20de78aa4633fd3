"""Firing-rate distributions of plastic networks: the theory, the fixed point on the actual graph, and the spikes."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.stats import ks_2samp

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Rates of plastic networks are distributed as the five moments say",
    statement=(
        "Networks of leaky integrate-and-fire neurons with gamma-distributed in- and out-degrees of correlation r, "
        "whose weights are constant, follow the presynaptic rate, or both rates; excitatory alone and with inhibition. "
        "The simulation goes from event to event until rates and weights are stationary. Means, standard deviations "
        "(without the noise of counting spikes) and Kolmogorov distances of the rates are those of the self-consistent "
        "theory of the degrees that the graph has, within the error of a sample of N neurons, and those of the fixed "
        "point on this graph; averaged over graphs, the latter are those of the theory of the law of degrees. With 25 "
        "inhibitory inputs the sums are least Gaussian, and the mean of E is off by some 2 %."
    ),
    source="Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; Vegué, Roxin, Phys. Rev. E 100 (2019) 022208",
    parameters={
        "tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "mu_ext": "13 mV", "sigma_ext": "5 mV",
        "degrees": "gamma, 100 ± 40", "trace_rate": "0.1/s", "learning_rate": "0.5/s", "delay": "1 ms",
    },
)  # fmt: skip

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
RULES = {
    "constant": fp.StaticWeight(0.1),
    "pre": fp.SaturatingWeight(0.16, 10.0),
    "pre and post": fp.HebbianWeight(0.3, 10.0),
}
CORRELATIONS = (-0.5, 0.0, 0.5)
QUICK = (("constant", 0.5), ("pre", -0.5), ("pre and post", 0.5))
TRACE_RATE = 0.1
"""r_p: some hundred spikes are in a trace, so that it is nearly the rate."""
DELAY = 0.001
KOLMOGOROV = 1.63
"""Over √N: a sample of N numbers is farther from its law with probability 1 %."""


GRAPHS = 12
"""Over which the rates on graphs are averaged: those of one graph rise and fall together."""


class Population(NamedTuple):
    """Of one population: mean and standard deviation (Hz), on four ways, and how far theory and spikes are apart.

    `theory` is that of the law of the degrees, `own` that of the degrees which this graph happens to have, `quenched`
    the fixed point on this graph. `graphs` is the mean of the means on many graphs, and its error.
    """

    label: str
    theory: tuple[float, float]
    own: tuple[float, float]
    quenched: tuple[float, float]
    spikes: tuple[float, float]
    graphs: tuple[float, float]
    distance: float
    rates: np.ndarray
    counted: np.ndarray


def single(rule: str, correlation: float) -> fp.PlasticNetwork:
    return fp.PlasticNetwork(NEURON, fp.GammaDegrees(100.0, 40.0, correlation=correlation), RULES[rule], 13.0, 5.0)


def pair() -> fp.PlasticNetwork:
    """An excitatory and an inhibitory population, each projecting on both."""
    return fp.PlasticNetwork(
        {"E": NEURON, "I": NEURON},
        {
            ("E", "E"): fp.GammaDegrees(100.0, 40.0, correlation=0.7),
            ("E", "I"): fp.GammaDegrees(25.0, 8.0),
            ("I", "E"): fp.GammaDegrees(100.0, 30.0),
            ("I", "I"): fp.GammaDegrees(25.0, 8.0),
        },
        {
            ("E", "E"): fp.SaturatingWeight(0.16, 10.0),
            ("E", "I"): fp.SaturatingWeight(-1.2, 10.0),
            ("I", "E"): fp.StaticWeight(0.1),
            ("I", "I"): fp.StaticWeight(-0.6),
        },
        {"E": 17.0, "I": 16.0},
        5.0,
    )


def measured(label: str, network: fp.PlasticNetwork, counts: dict[str, int], end: float, quick: bool):
    """Theory, graph and spikes of every population; the first third of the run is left out."""
    theory = fp.rate_distribution(network)
    graphs = network.graphs(counts, seed=1)
    on_graph = fp.quenched_rates(network, graphs)
    others = [fp.quenched_rates(network, network.graphs(counts, seed=100 + k)).rate for k in range(GRAPHS)]
    if len(network.names) == 1:  # the law of the degrees that this graph has
        (graph,) = graphs.values()
        own = fp.rate_distribution(replace(network, degrees=fp.TabulatedDegrees.of(graph)))
    else:
        own = theory
    sol = fp.simulate_lif(
        network.sample(counts, DELAY, seed=1),
        (0.0, end),
        trace_rate=TRACE_RATE,
        rates=[theory.population(name).mean for name in network.names],
        finest=0.05 if quick else 0.02,
        seed=2,
    )
    found = []
    for name, part in zip(network.names, sol.populations, strict=True):
        rates, counting = sol.rates[part], sol.rate_errors[part] ** 2  # the second is CV² ν/T, the variance of counts
        means = [float(np.mean(other[name])) for other in others]
        expected = counted(own, name, float(np.mean(counting / rates)))
        found.append(
            Population(
                f"{label}{name and ', ' + name}",
                *(moments(law.population(name)) for law in (theory, own)),
                (float(np.mean(on_graph.rate[name])), float(np.std(on_graph.rate[name]))),
                (float(np.mean(rates)), float(np.sqrt(np.var(rates) - np.mean(counting)))),
                (float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(GRAPHS))),
                float(ks_2samp(rates, expected).statistic),
                rates,
                expected,
            )
        )
    return found


def moments(law) -> tuple[float, float]:
    return law.mean, law.sd


def counted(theory: fp.RateDistribution, name: str, share: float) -> np.ndarray:
    """Rates of the theory with the noise of counting spikes, whose variance is `share` times the rate."""
    rates = theory.sample(100_000, seed=4, name=name).rate
    return rates + np.random.default_rng(3).standard_normal(len(rates)) * np.sqrt(share * rates)


def run(quick: bool) -> list[Population]:
    cases = QUICK if quick else [(rule, r) for rule in RULES for r in CORRELATIONS]
    count, end = (1000, 30.0) if quick else (4000, 150.0)
    found = []
    for rule, r in cases:
        found += measured(f"{rule}, r = {r:g}", single(rule, r), {"": count}, end, quick)
    return found + measured("E and I", pair(), {"E": 4 * count // 5, "I": count // 5}, end, quick)


def check(result: list[Population]) -> list[Check]:
    checks = []
    for p in result:
        count, two = len(p.rates), "E and I" in p.label
        mean, error = p.graphs
        margin = 3.0 * error + (0.03 * p.theory[0] if two else 3e-3 * p.theory[0])
        checks += [
            Check(f"mean (Hz), theory and {GRAPHS} graphs: {p.label}", p.theory[0], mean, margin, "absolute"),
            Check(f"mean (Hz), this graph and spikes: {p.label}", p.quenched[0], p.spikes[0], 0.012),
            Check(f"sd (Hz), this graph and spikes: {p.label}", p.quenched[1], p.spikes[1], 0.06),
        ]
        if not two:
            checks += [
                Check(f"mean (Hz), theory of these degrees and spikes: {p.label}", p.own[0], p.spikes[0], 0.012),
                Check(f"sd (Hz), theory of these degrees and spikes: {p.label}", p.own[1], p.spikes[1], 0.06),
                Check(f"Kolmogorov distance: {p.label}", KOLMOGOROV / count**0.5, p.distance, 0.0, "at most"),
            ]
    return checks


def plot(result: list[Population]):
    from matplotlib.figure import Figure

    columns = min(3, len(result))
    rows = -(-len(result) // columns)
    figure = Figure(figsize=(4.0 * columns, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, p in zip(panels, result, strict=False):
        bins = np.linspace(*np.quantile(p.counted, [1e-4, 1.0 - 1e-4]), 41)
        axes.hist(p.rates, bins, density=True, color="#a6cde3", label=f"{len(p.rates)} neurons")
        axes.hist(p.counted, bins, density=True, histtype="step", color="C1", label="theory, counted as long")
        axes.set(title=f"{p.label}: {p.spikes[0]:.2f} ± {p.spikes[1]:.2f}", xlabel="rate / Hz", yticks=[])
        axes.legend(fontsize="small")
    for axes in panels[len(result) :]:
        axes.set_axis_off()
    return figure
