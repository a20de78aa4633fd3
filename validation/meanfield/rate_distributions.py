"""Distributions of firing rates: six plastic networks, an excitatory-inhibitory one, and actual graphs."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The distribution of firing rates in plastic networks",
    statement=(
        "The closed system of five moments gives mean, spread and skewness of the rates for static, saturating, "
        "depressing and Hebbian weights, excitatory or inhibitory; the rates of all neurons of an actual graph, solved "
        "for one by one, have this distribution. A network takes "
        "fewer than a hundred evaluations of the map of the moments."
    ),
    source="Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447: the equations; numbers by another programme",
    parameters={
        "neuron": "tau_m = 20 ms, V_th = 20 mV, V_r = 10 mV, tau_ref = 2 ms",
        "degrees": "gamma, mean 100, sd 40 (A': 30), copula correlation 0.7 (B-: -0.7)",
        "sigma_ext": 5,
    },
)

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
FOLLOWING = fp.GammaDegrees(100.0, 40.0, correlation=0.7)
AGAINST = fp.GammaDegrees(100.0, 40.0, correlation=-0.7)
B = fp.SaturatingWeight(0.16, 10.0)
CASES = {  # degrees, rule, mu_ext, start; mean, sd, skewness; m_mu, m_sigma, s_mu2, s_sigma2, c
    "A static": (FOLLOWING, fp.StaticWeight(0.1), 13.0, 10.0, (10.32143, 2.77996, 1.128)),
    "A' static, narrow": (fp.GammaDegrees(100.0, 30.0, correlation=0.7), fp.StaticWeight(0.1), 13.0, 10.0,
                          (9.55893, 1.78870, None)),
    "B saturating": (FOLLOWING, B, 13.0, 10.0, (6.52878, 0.87976, 1.040)),
    "B- saturating, r < 0": (AGAINST, B, 13.0, 10.0, (6.11054, 0.68109, 1.007)),
    "C depressing": (FOLLOWING, fp.DepressingWeight(0.3, 10.0), 13.0, 10.0, (15.12277, 5.17350, 1.064)),
    "D Hebbian": (FOLLOWING, fp.HebbianWeight(0.3, 10.0), 13.0, 10.0, (5.47756, 0.45652, 1.414)),
    "E inhibitory": (FOLLOWING, fp.SaturatingWeight(-0.6, 10.0), 18.0, 10.0, (8.04855, 3.47501, 0.048)),
}  # fmt: skip
MOMENTS = {
    "A static": (1.10851, 0.110851, 0.0912801, 9.12801e-4, 9.12801e-3),
    "B saturating": (0.440332, 0.0288320, 0.0100754, 8.55088e-5, 9.26895e-4),
    "B- saturating, r < 0": (0.354999, 0.0213282, 3.70310e-3, 2.68550e-5, 3.15052e-4),
    "C depressing": (1.82342, 0.209303, 0.0523735, 2.47266e-4, -3.26345e-3),
    "D Hebbian": (0.605421, 0.0656467, 8.42711e-3, 2.03939e-4, 1.30958e-3),
    "E inhibitory": (-1.92035, 0.543798, 1.72752, 0.220312, -0.612684),
}
SATURATED = {
    "static, J = 0.15": (fp.StaticWeight(0.15), 160.82),
    "saturating": (fp.SaturatingWeight(0.3, 10.0), 315.05),
}
POPULATIONS = fp.PlasticNetwork(
    {"E": NEURON, "I": NEURON},
    {
        ("E", "E"): FOLLOWING,
        ("E", "I"): fp.GammaDegrees(25.0, 8.0),
        ("I", "E"): fp.GammaDegrees(100.0, 30.0),
        ("I", "I"): fp.GammaDegrees(25.0, 8.0),
    },
    {
        ("E", "E"): B,
        ("E", "I"): fp.SaturatingWeight(-1.2, 10.0),
        ("I", "E"): fp.StaticWeight(0.1),
        ("I", "I"): fp.StaticWeight(-0.6),
    },
    {"E": 17.0, "I": 16.0},
    5.0,
)
CLOSE = 0.015
"""Of distribution functions: the degrees are those of the graph, so the sampling error of neurons is no measure."""
TWO = {"E": (14.99332, 5.95380), "I": (11.91544, 4.27393)}


def run(quick: bool) -> dict:
    found = {}
    for label, (degrees, rule, mu_ext, start, _) in CASES.items():
        network = fp.PlasticNetwork(NEURON, degrees, rule, mu_ext, 5.0)
        found[label] = fp.rate_distribution(network, start)
    graphs = {}
    for label in ("A static", "C depressing", "D Hebbian", "E inhibitory"):
        degrees, rule, mu_ext, *_ = CASES[label]
        graph = degrees.graph(2000 if quick else 5000, seed=1)
        network = fp.PlasticNetwork(NEURON, fp.TabulatedDegrees.of(graph), rule, mu_ext, 5.0)
        graphs[label] = fp.rate_distribution(network), fp.quenched_rates(network, graph).rates
    saturated = {
        label: [d.mean for d in fp.rate_distributions(fp.PlasticNetwork(NEURON, FOLLOWING, rule, 13.0, 5.0))]
        for label, (rule, _) in SATURATED.items()
    }
    three = fp.rate_distributions(
        fp.PlasticNetwork(NEURON, fp.GammaDegrees(100.0, 40.0, correlation=0.5), fp.StaticWeight(0.2), 8.0, 3.0)
    )
    both = fp.rate_distribution(POPULATIONS)
    return {"found": found, "graphs": graphs, "saturated": saturated, "three": three, "both": both}


def mean_and_sd(label: str, expected: tuple[float, float], law) -> list[Check]:
    mean, sd = expected
    return [
        Check(f"{label}: mean", mean, law.mean, 1e-5, "absolute"),
        Check(f"{label}: sd", sd, law.sd, 1e-5, "absolute"),
    ]


def check(result: dict) -> list[Check]:
    checks = []
    for label, (*_, (mean, sd, skewness)) in CASES.items():
        d = result["found"][label]
        checks += [
            Check(f"{label}: mean", mean, d.mean, 1e-5, "absolute"),
            Check(f"{label}: sd", sd, d.sd, 1e-5, "absolute"),
        ]
        if skewness is not None:
            checks.append(Check(f"{label}: skewness", skewness, d.skewness, 6e-4, "absolute"))
        if label in MOMENTS:
            off = np.max(np.abs(np.array(d.moments()) / np.array(MOMENTS[label]) - 1.0))
            checks.append(Check(f"{label}: moments, largest relative error", 0.0, off, 1e-5, "at most"))
        checks.append(Check(f"{label}: quadrature", 0.0, d.quadrature_error, 1e-7, "at most"))
    for label, (theory, rates) in result["graphs"].items():
        levels = (np.arange(len(rates)) + 0.5) / len(rates)
        gap = np.max(np.abs(theory.cdf(np.sort(rates)) - levels))
        checks += [
            Check(f"{label}: mean on a graph", theory.mean, rates.mean(), 0.005),
            Check(f"{label}: sd on a graph", theory.sd, rates.std(), 0.03),
            Check(f"{label}: distance to the rates on a graph", 0.0, gap, CLOSE, "at most"),
        ]
    for label, (_, mean) in SATURATED.items():
        rounded = tuple(round(m, 2) for m in result["saturated"][label])
        checks.append(Check(f"{label}: means of all solutions", (mean,), rounded, kind="equal"))
    three = result["three"]
    checks.append(Check("J = 0.2, mu_ext = 8: three solutions", 3, len(three), kind="equal"))
    checks.append(Check("the middle one repels", (False, True, False), tuple(d.repelling for d in three), kind="equal"))
    for name, (mean, sd) in TWO.items():
        law = result["both"].population(name)
        checks += [
            Check(f"{name}: mean", mean, law.mean, 1e-5, "absolute"),
            Check(f"{name}: sd", sd, law.sd, 1e-5, "absolute"),
        ]
    most = max(one.evaluations for one in (*result["found"].values(), result["both"]))
    checks.append(Check("evaluations of the map, at most", 100, most, 0.0, "at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_rate_distribution, plot_weight_distribution

    figure = Figure(figsize=(13, 6.5), layout="constrained")
    axes = figure.subplots(2, 3)
    for ax, (label, (_, rates)) in zip(axes.flat, result["graphs"].items(), strict=False):
        plot_rate_distribution(result["found"][label], rates, ax)
        ax.set_title(label)
    plot_rate_distribution(result["both"], ax=axes[1, 1])
    axes[1, 1].set_title("E and I")
    plot_weight_distribution(result["found"]["C depressing"].weights(), axes[1, 2])
    axes[1, 2].set_title("weights of C")
    return figure
