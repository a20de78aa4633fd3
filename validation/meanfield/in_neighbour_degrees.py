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
    parameters={"degrees": "gamma, mean 100, sd 40", "copula correlation": "-0.5, 0, 0.5", "N": "2000 (quick) or 8000"},
)

CORRELATIONS = (-0.5, 0.0, 0.5)


def run(quick: bool) -> dict:
    count = 2000 if quick else 8000
    laws = {r: fp.GammaDegrees(100.0, 40.0, correlation=r) for r in CORRELATIONS}
    return {r: (law, fp.measured_degrees(law.graph(count, seed=1))) for r, law in laws.items()}


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
    for r, (law, measured) in result.items():
        error = measured.in_neighbour_error
        away = (measured.in_neighbour_mean - law.in_neighbour_mean) / error
        shift = (measured.in_neighbour_mean - measured.in_degree.mean()) / error
        noise = 1.63 * np.sqrt(1.16 / len(measured.in_degree))  # 99 %, weights L of variance 0.16
        checks += [
            Check(f"r = {r:g}: mean of in-neighbours off theory, in errors", 0.0, away, 3.0, "absolute"),
            Check(f"r = {r:g}: distance of the distributions", 0.0, distance(law, measured), noise, "at most"),
            Check(f"r = {r:g}: linear correlation on the graph", law.pearson, measured.correlation, 0.06, "absolute"),
        ]
        if r:
            checks.append(
                Check(f"r = {r:g}: shift in its direction, in errors", 5.0, np.sign(r) * shift, 0.0, "at least")
            )
        else:
            checks.append(Check("r = 0: theory shifts nothing", 100.0, law.in_neighbour_mean, 1e-12))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_in_neighbours

    figure = Figure(figsize=(12, 3.8), layout="constrained")
    for ax, (r, (law, measured)) in zip(figure.subplots(1, 3, sharey=True), result.items(), strict=True):
        plot_in_neighbours(law, measured, ax)
        ax.set(xlim=(0.0, 260.0), title=f"$r = {r:g}$")
    return figure
