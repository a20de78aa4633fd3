"""Who sends to a neuron is not a typical neuron: the in-degree of in-neighbours, in theory and on graphs."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="In-neighbours have larger in-degrees if in- and out-degrees are positively correlated",
    statement=(
        "The in-degree of an in-neighbour has the law rho*(k) = rho(k) E[L | K = k]/E[L]: its mean lies above that of "
        "the neurons for r > 0, below it for r < 0, and equals it for r = 0. Random graphs have this law."
    ),
    source="Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; graphs by Efraimidis, Spirakis (2006)",
    parameters={
        "degrees": "gamma, mean 100, sd 40, or mean 60, sd 30 and 20",
        "copula correlation": "-0.5, 0, 0.5, or 0.7",
        "N": "2000 (quick) or 8000",
    },
)

LAWS = {  # and the seeds of their graphs
    "r = -0.5": (fp.GammaDegrees(100.0, 40.0, correlation=-0.5), 1),
    "r = 0": (fp.GammaDegrees(100.0, 40.0), 1),
    "r = 0.5": (fp.GammaDegrees(100.0, 40.0, correlation=0.5), 1),
    "r = 0.7, mean 60": (fp.GammaDegrees(60.0, 30.0, 20.0, 0.7), 2),
}


def run(quick: bool) -> dict:
    count = 2000 if quick else 8000
    return {label: (law, fp.measured_degrees(law.graph(count, seed))) for label, (law, seed) in LAWS.items()}


def distance(law: fp.GammaDegrees, measured) -> float:
    """Largest difference between the distribution functions of the in-neighbours' in-degrees."""
    edges = np.arange(0.5, 600.0)
    fine = np.linspace(0.0, 600.5, 60051)
    density = law.in_neighbour(fine)
    theory = np.concatenate([[0.0], np.cumsum(0.5 * (density[1:] + density[:-1]) * np.diff(fine))])
    graph = np.cumsum(measured.in_neighbour_share(np.concatenate([[-0.5], edges])))
    return float(np.max(np.abs(np.interp(edges, fine, theory) - graph)))


def check(result: dict) -> list[Check]:
    checks = []
    for label, (law, measured) in result.items():
        r, count = law.correlation, len(measured.in_degree)
        error = measured.in_neighbour_error
        away = (measured.in_neighbour_mean - law.in_neighbour_mean) / error
        shift = (measured.in_neighbour_mean - measured.in_degree.mean()) / error
        noise = 1.63 * np.sqrt((1.0 + (law.out_sd / law.mean) ** 2) / count)  # 99 %, weights L
        # Out-degrees vary about their expectations like binomial numbers.
        pearson = law.pearson / np.sqrt(1.0 + law.mean * (1.0 - law.mean / count) / law.out_sd**2)
        checks += [
            Check(f"{label}: mean of in-neighbours off theory, in errors", 0.0, away, 3.0, "absolute"),
            Check(f"{label}: distance of the distributions", 0.0, distance(law, measured), noise, "at most"),
            Check(
                f"{label}: linear correlation on the graph",
                pearson,
                measured.correlation,
                3.0 * (1.0 - pearson**2) / np.sqrt(count),
                "absolute",
            ),
        ]
        if r:
            checks.append(
                Check(f"{label}: shift in its direction, in errors", 5.0, np.sign(r) * shift, 0.0, "at least")
            )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_in_neighbours

    figure = Figure(figsize=(14, 3.8), layout="constrained")
    for ax, (label, (law, measured)) in zip(figure.subplots(1, 4, sharey=True), result.items(), strict=True):
        plot_in_neighbours(law, measured, ax)
        ax.set(xlim=(0.0, 260.0), title=label)
    return figure
