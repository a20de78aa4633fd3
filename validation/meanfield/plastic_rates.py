"""Firing-rate distributions of plastic networks: the theory, the fixed point on the actual graph, and the spikes."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
from scipy.sparse import csc_array, csr_array
from scipy.stats import ks_2samp

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Rates of plastic networks are distributed as the five moments say",
    statement=(
        "Networks of leaky integrate-and-fire neurons with gamma-distributed in- and out-degrees of correlation r, "
        "whose weights are constant, follow the presynaptic rate, or both rates; excitatory alone and with inhibition. "
        "The simulation goes from event to event; that rates no longer drift and weights are f(rates) is checked. "
        "Means and standard deviations (without the noise of counting spikes) are those of the fixed point on the "
        "graph and of the self-consistent theory for the degrees that the graph has, and so is the distribution, "
        "within three errors of the sample and one or two percent for the finite traces. Averaged over graphs, the "
        "fixed points are those of the theory of the law of degrees. With 25 inhibitory inputs the sums are least "
        "Gaussian: a few percent."
    ),
    source="Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; Vegué, Roxin, Phys. Rev. E 100 (2019) 022208",
    parameters={
        "tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "mu_ext": "13 mV (E, I: 17, 16)",
        "sigma_ext": "5 mV", "degrees": "gamma, 100 ± 40", "trace_rate": "0.1/s", "learning_rate": "0.5/s",
        "delay": "1 ms", "N": "1000; in full 4000, and 10 000 once",
    },
)  # fmt: skip

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
RULES = {
    "constant": fp.StaticWeight(0.1),
    "pre": fp.SaturatingWeight(0.16, 10.0),
    "pre and post": fp.HebbianWeight(0.3, 10.0),
}
CORRELATIONS = (-0.5, 0.0, 0.5)
QUICK = (("pre and post", 0.5),)
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
    the fixed point on this graph. `graphs` is the mean of the means on many graphs, and its error; `errors` are those
    that counting spikes leaves in the mean and in the standard deviation of `spikes`.
    """

    label: str
    theory: tuple[float, float]
    own: tuple[float, float]
    quenched: tuple[float, float]
    spikes: tuple[float, float]
    errors: tuple[float, float]
    graphs: tuple[float, float]
    drift: tuple[float, float]
    distance: float
    rates: np.ndarray
    counted: np.ndarray


class Weights(NamedTuple):
    """Of one projection: the mean weight by theory, in the simulation, and of f at the rates of the simulation (mV)."""

    label: str
    theory: float
    simulated: float
    at_rest: float


def single(rule: str, correlation: float) -> fp.PlasticNetwork:
    return fp.PlasticNetwork(NEURON, fp.GammaDegrees(100.0, 40.0, correlation=correlation), RULES[rule], 13.0, 5.0)


def pair(correlation: float) -> fp.PlasticNetwork:
    """An excitatory and an inhibitory population, each projecting on both."""
    return fp.PlasticNetwork(
        {"E": NEURON, "I": NEURON},
        {
            ("E", "E"): fp.GammaDegrees(100.0, 40.0, correlation=correlation),
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
    """Theory, graph and spikes of every population and projection; the first third of the run is left out."""
    theory = fp.rate_distribution(network)
    graphs = network.graphs(counts, seed=1)
    on_graph = fp.quenched_rates(network, graphs)
    others = [fp.quenched_rates(network, network.graphs(counts, seed=100 + k)).rate for k in range(GRAPHS)]
    own = fp.rate_distribution(replace(network, degrees={pair: degrees_of(*pair, A) for pair, A in graphs.items()}))
    sol = fp.simulate_lif(
        network.sample(counts, DELAY, seed=1),
        (0.0, end),
        trace_rate=TRACE_RATE,
        rates=[theory.population(name).mean for name in network.names],
        finest=0.05 if quick else 0.02,
        seed=2,
    )
    populations, weights = [], []
    for k, (name, part) in enumerate(zip(network.names, sol.populations, strict=True)):
        rates, counting = sol.rates[part], sol.rate_errors[part] ** 2  # the second is the variance of counting
        means = [float(np.mean(other[name])) for other in others]
        expected = counted(own, name, float(np.mean(counting / rates)))
        populations.append(
            Population(
                f"{label}{name and ', ' + name}",
                *(moments(law.population(name)) for law in (theory, own)),
                (float(np.mean(on_graph.rate[name])), float(np.std(on_graph.rate[name]))),
                *without_counting(rates, counting),
                (float(np.mean(means)), float(np.std(means, ddof=1) / np.sqrt(GRAPHS))),
                drift(sol, k),
                float(ks_2samp(rates, expected).statistic),
                rates,
                expected,
            )
        )
    for found, p, graph in zip(sol.weights, network.projections, graphs.values(), strict=True):
        if isinstance(p.rule, fp.StaticWeight):
            continue
        pair = (network.names[p.post], network.names[p.pre])
        graph = csc_array(graph)
        senders = np.repeat(np.arange(graph.shape[1]), np.diff(graph.indptr))
        pre, post = sol.rates[sol.populations[p.pre]][senders], sol.rates[sol.populations[p.post]][graph.indices]
        at_rest = p.rule.weight(pre, post)
        each = found if len(found) == len(senders) else found[senders]
        name = f"{label}{', ' + ' to '.join(pair[::-1]) if pair[0] else ''}"
        weights.append(Weights(name, own.weights(*pair).mean, float(np.mean(each)), float(np.mean(at_rest))))
    return populations, weights


def degrees_of(post: str, pre: str, graph) -> fp.TabulatedDegrees:
    """The law of the degrees of a graph; between populations the out-degrees are those of other neurons."""
    if post == pre:
        return fp.TabulatedDegrees.of(graph)
    k, share = np.unique(np.diff(csr_array(graph).indptr), return_counts=True)
    share = share / share.sum()
    return fp.TabulatedDegrees(k, k, np.outer(share, share))


def without_counting(rates: np.ndarray, counting: np.ndarray) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and standard deviation of the rates behind the counts, and what counting leaves of error in both."""
    count, noise = len(rates), float(np.mean(counting))
    variance = float(np.var(rates)) - noise
    of_variance = np.sqrt((2.0 * noise**2 + 4.0 * noise * variance) / count)
    return (float(np.mean(rates)), variance**0.5), ((noise / count) ** 0.5, float(of_variance / (2.0 * variance**0.5)))


def drift(sol: fp.LIFSolution, k: int) -> tuple[float, float]:
    """By how much the rate of a population (Hz) is higher in the second half of what was measured, and its error."""
    late = sol.activity[k][sol.t[:-1] >= sol.settle]
    blocks = np.array([block.mean() for block in np.array_split(late, 20)])
    halves = blocks[:10], blocks[10:]
    error = np.sqrt(sum(np.var(half, ddof=1) / 10 for half in halves))
    return float(halves[1].mean() - halves[0].mean()), float(error)


def moments(law) -> tuple[float, float]:
    return law.mean, law.sd


def counted(theory: fp.RateDistribution, name: str, share: float) -> np.ndarray:
    """Rates of the theory with the noise of counting spikes, whose variance is `share` times the rate."""
    rates = theory.sample(100_000, seed=4, name=name).rate
    return rates + np.random.default_rng(3).standard_normal(len(rates)) * np.sqrt(share * rates)


def run(quick: bool) -> tuple[list[Population], list[Weights]]:
    cases = QUICK if quick else [(rule, r) for rule in RULES for r in CORRELATIONS]
    count, end = (1000, 20.0) if quick else (4000, 150.0)
    jobs = [(f"{rule}, r = {r:g}", single(rule, r), {"": count}) for rule, r in cases]
    jobs += [("E and I", pair(0.5), {"E": 4 * count // 5, "I": count // 5})]
    if not quick:
        jobs += [(f"E and I, r = {r:g}", pair(r), {"E": 3200, "I": 800}) for r in (-0.5, 0.0)]
        jobs += [("pre, r = 0.5, N = 10 000", single("pre", 0.5), {"": 10_000})]
    populations, weights = [], []
    for job in jobs:
        found = measured(*job, end, quick)
        populations += found[0]
        weights += found[1]
    return populations, weights


def check(result: tuple[list[Population], list[Weights]]) -> list[Check]:
    checks = []
    for p in result[0]:
        two = "E and I" in p.label
        (mean, sd), (of_mean, of_sd) = p.spikes, p.errors
        averaged, error = p.graphs
        few = 0.03 if two else 0.005  # Gaussian sums over 25 inputs
        of_mean, of_sd = 3.0 * of_mean + 0.01 * mean, 3.0 * of_sd + 0.02 * sd
        checks += [
            Check(f"mean (Hz), theory and {GRAPHS} graphs: {p.label}", p.theory[0], averaged,
                  3.0 * error + few * averaged, "absolute"),
            Check(f"mean (Hz), this graph and spikes: {p.label}", p.quenched[0], mean, of_mean, "absolute"),
            Check(f"sd (Hz), this graph and spikes: {p.label}", p.quenched[1], sd, of_sd, "absolute"),
            Check(f"mean (Hz), theory of these degrees and spikes: {p.label}", p.own[0], mean,
                  of_mean + few * mean, "absolute"),
            Check(f"sd (Hz), theory of these degrees and spikes: {p.label}", p.own[1], sd,
                  of_sd + (few + 0.01) * sd, "absolute"),
            Check(f"Kolmogorov distance: {p.label}", KOLMOGOROV / len(p.rates) ** 0.5 + few, p.distance, 0.0,
                  "at most"),
            Check(f"drift of the rate (Hz): {p.label}", 0.0, p.drift[0], 3.5 * p.drift[1], "absolute"),
        ]  # fmt: skip
    for w in result[1]:
        checks += [
            Check(f"mean weight (mV), f(rates) and simulation: {w.label}", w.at_rest, w.simulated, 0.02),
            Check(f"mean weight (mV), theory and simulation: {w.label}", w.theory, w.simulated, 0.03),
        ]
    return checks


def plot(result: tuple[list[Population], list[Weights]]):
    from matplotlib.figure import Figure

    populations = result[0]
    columns = min(3, len(populations))
    rows = -(-len(populations) // columns)
    figure = Figure(figsize=(4.0 * columns, 2.8 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, p in zip(panels, populations, strict=False):
        bins = np.linspace(*np.quantile(p.counted, [1e-4, 1.0 - 1e-4]), 41)
        axes.hist(p.rates, bins, density=True, color="#a6cde3", label=f"{len(p.rates)} neurons")
        axes.hist(p.counted, bins, density=True, histtype="step", color="C1", label="theory, counted as long")
        axes.set(title=f"{p.label}: {p.spikes[0]:.2f} ± {p.spikes[1]:.2f}", xlabel="rate / Hz", yticks=[])
        axes.legend(fontsize="small")
    for axes in panels[len(populations) :]:
        axes.set_axis_off()
    return figure
