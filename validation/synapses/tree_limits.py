"""Observables indexed by trees: neurons with synapses of their own tend to the extended density."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.models.synapses import ParetoDegrees, chung_lu, erdos_renyi, in_degree_kernel
from fokkerplanck.plotting import plot_tree_gaps
from fokkerplanck.trees import Observable, TreeGap

CLAIM = Claim(
    title="Tree observables of non-identical neurons tend to those of the extended density",
    statement=(
        "τ_N(T) → τ_∞(T) for all eight rooted trees of up to four vertices: an Erdős–Rényi graph whose degree grows "
        "like √N, a smooth graphon, excitatory and inhibitory blocks, degrees of a heavy tail. The expectation is off "
        "by O(1/N) for dense synapses and by O(1/degree) for sparse ones; a single realisation by O(N^(−1/2))."
    ),
    source=(
        "Jabin, Zhou (2023), arXiv:2309.04046, main theorem (without rates: these are measured); reference values: an "
        "independent program, central fluxes and Crank–Nicolson, extrapolated"
    ),
    parameters={"b": "0.8 − v", "σ": 0.5, "ν": "5/(1 + exp(−(v − 1)/0.2))", "t": 2, "degree": "4 √N"},
)

END, SIGMA, DRIVE, SPREAD = 2.0, 0.5, 0.8, 0.3
TREES = fp.Tree.all(4)
DEGREES = ParetoDegrees(2.5, cap=8.0)
# In the order of the trees: (), chain of 2, chain of 3, star of 3, chain of 4, ((()())), (()(())), star of 4
REFERENCE = {
    "Erdős–Rényi": [0.5378348, 0.5785325, 0.6223097, 0.6223097, 0.6693996, 0.6693996, 0.6693996, 0.6693996],
    "smooth": [0.5077491, 0.5517201, 0.6062582, 0.6710294, 0.6681183, 0.7424139, 0.7513436, 0.8763503],
    "blocks": [0.4418267, 0.3138894, 0.1893718, 0.2267345, 0.1106471, 0.1091862, 0.1371909, 0.1668463],
    "heavy tail": [0.4843517, 0.5306954, 0.5814733, 0.8162857, 0.6371098, 0.8943894, 0.8943894, 1.6889837],
}
# N: (graphs, realisations of each)
RUNS = {
    True: {
        "Erdős–Rényi": {100: (24, 60), 400: (16, 30), 1600: (8, 16)},
        "smooth": {100: (1, 2500), 400: (1, 640)},
        "blocks": {100: (1, 2500), 400: (1, 640)},
        "heavy tail": {400: (16, 30), 1600: (8, 16)},
    },
    False: {
        "Erdős–Rényi": {200: (32, 800), 800: (32, 200), 3200: (32, 50), 12800: (16, 12)},
        "smooth": {200: (1, 30_000), 800: (1, 8_000), 3200: (1, 1_200)},
        "blocks": {200: (1, 30_000), 800: (1, 8_000), 3200: (1, 1_200)},
        "heavy tail": {200: (24, 800), 800: (24, 200), 3200: (24, 50), 12800: (12, 12)},
    },
}
CELLS = {True: (300, 1e-6, 5e-5), False: (800, 1e-8, 5e-6)}
"""Of the coarser grid, rtol, and how well τ_∞ is then known."""
ERRORS = 3.0
"""Standard errors that a fitted exponent may be off."""
CURVATURE = 0.15
"""And by this, of sparse graphs: the next order, 1/degree^2, is still seen at their sizes."""
NEAR = {True: 0.08, False: 0.02}
"""Largest |τ_N − τ_∞|/τ_∞ of the largest networks."""


def rate(v: np.ndarray) -> np.ndarray:
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


def phi(v: np.ndarray) -> np.ndarray:
    return rate(v) / 5.0


NEURON = fp.nnlif(b=0.0, a0=SIGMA**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))
SMOOTH = fp.SmoothKernel(lambda x, y: 2.0 * (0.4 + 1.2 * x + 0.6 * np.cos(2.0 * np.pi * (x - y))))
BLOCKS = fp.BlockKernel([[2.5, -2.0], [3.0, -1.5]], [0.8, 0.2])


def equal(xi: np.ndarray) -> np.ndarray:
    return np.full(np.shape(xi), 0.2)


def wavy(xi: np.ndarray) -> np.ndarray:
    return 0.2 + 0.3 * np.sin(2.0 * np.pi * np.asarray(xi))


def by_block(xi: np.ndarray) -> np.ndarray:
    return np.where(BLOCKS.block(xi) == 0, 0.2, 0.5)


# kernel, labels, mean of the initial potentials by label, synapses of N neurons
CASES = {
    "Erdős–Rényi": (fp.ConstantKernel(2.0), 2, equal, lambda n, seed: erdos_renyi(n, 4 * n**0.5, 2.0, seed)),
    "smooth": (SMOOTH, 16, wavy, lambda n, seed: SMOOTH.sample(n)),
    "blocks": (BLOCKS, 2, by_block, lambda n, seed: BLOCKS.sample(n)),
    "heavy tail": (
        in_degree_kernel(lambda xi: 2.0 * DEGREES(xi)), 24, equal,
        lambda n, seed: chung_lu(n, 4 * n**0.5, 2.0, DEGREES, noise=0.5, seed=seed),
    ),
}  # fmt: skip


def limits(name: str, cells: int, rtol: float) -> np.ndarray:
    """τ_∞ of all trees, from two grids and the second order of the scheme."""
    kernel, lanes, mean, _ = CASES[name]
    model = fp.ExtendedPopulation(kernel, NEURON, lanes)
    start = fp.by_label(lambda xi: fp.gaussian(float(mean(xi)), SPREAD**2))
    grid = model.grid(cells)
    values = []
    for _ in range(2):
        end = fp.solve(model, start, (0.0, END), grid=grid, rtol=rtol, estimate_error=False, save_at=[]).final
        values.append([
            fp.tree_observable(T, model.coupling, densities=end.density, v=grid.v, width=grid.width, test=phi).value
            for T in TREES
        ])  # fmt: skip
        grid = grid.refined()
    coarse, fine = np.array(values)
    return fine + (fine - coarse) / 3.0


class Networks:
    """All realisations of networks of one size."""

    def __init__(self, name: str, count: int, graphs: int, realisations: int) -> None:
        _, _, mean, synapses = CASES[name]

        def start(xi: np.ndarray, generator: np.random.Generator) -> np.ndarray:
            return generator.normal(mean(xi), SPREAD)

        self.count, self.graphs, samples = count, graphs, []
        for graph in range(graphs):
            weights = synapses(count, graph)
            sol = fp.simulate_synapses(
                weights, rate, start, (0.0, END), SIGMA, external=DRIVE, realisations=realisations, bins=1,
                seed=1000 + graph,
            )  # fmt: skip
            samples.append([sol.observable(tree, phi).samples for tree in TREES])
        self.samples = np.array(samples)  # graphs, trees, realisations
        self.scaling = fp.scaling(weights)
        independent = self.samples.mean(axis=2) if graphs > 1 else self.samples[0].T  # the former hold graphs in common
        self.value = independent.mean(axis=0)
        self.error = independent.std(axis=0, ddof=1) / np.sqrt(len(independent))
        self.spread = self.samples.std(axis=(0, 2), ddof=1)

    def gaps(self, limit: np.ndarray) -> list[TreeGap]:
        return [
            TreeGap(tree, Observable(float(value), float(error), self.samples[:, k].ravel()), float(at))
            for k, (tree, value, error, at) in enumerate(zip(TREES, self.value, self.error, limit, strict=True))
        ]


def run(quick: bool) -> dict:
    return {
        "quick": quick,
        "limits": {name: limits(name, *CELLS[quick][:2]) for name in CASES},
        "networks": {
            name: [Networks(name, count, *how) for count, how in sizes.items()] for name, sizes in RUNS[quick].items()
        },
    }


def exponent(networks: list[Networks], limit: np.ndarray, tree: int) -> tuple[float, float]:
    """Of N in |E τ_N − τ_∞|, with its standard error."""
    counts = np.log([some.count for some in networks])
    bias = np.array([some.value[tree] - limit[tree] for some in networks])
    weights = (bias / np.array([some.error[tree] for some in networks])) ** 2
    away = counts - np.average(counts, weights=weights)
    square = np.sum(weights * away**2)
    return float(np.sum(weights * away * np.log(np.abs(bias))) / square), float(square**-0.5)


def check(result: dict) -> list[Check]:
    checks = []
    for name, networks in result["networks"].items():
        limit = result["limits"][name]
        off = float(np.max(np.abs(limit / REFERENCE[name] - 1.0)))
        checks.append(
            Check(
                f"{name}: τ_∞ of eight trees against the reference, largest relative error",
                0.0,
                off,
                CELLS[result["quick"]][2],
                "absolute",
            )
        )
        most = networks[-1]
        near = float(np.max(np.abs(most.value / limit - 1.0)))
        checks.append(
            Check(f"{name}, N = {most.count}: largest |E τ_N/τ_∞ − 1|", NEAR[result["quick"]], near, 0.0, "at most")
        )
        counts = np.log([some.count for some in networks])
        if name in ("smooth", "blocks"):
            for tree in (1, 7):
                power, error = exponent(networks, limit, tree)
                checks.append(
                    Check(
                        f"{name}: exponent of N in the bias, {TREES[tree].name}",
                        -1.0,
                        power,
                        ERRORS * error,
                        "absolute",
                    )
                )
            for tree in (1, 7):
                power = float(np.polyfit(counts, np.log([some.spread[tree] for some in networks]), 1)[0])
                checks.append(
                    Check(f"{name}: exponent of N in the spread, {TREES[tree].name}", -0.5, power, 0.08, "absolute")
                )
        if name == "Erdős–Rényi":
            p = limit[0]
            powers = np.array([p * (2.0 * p) ** (tree.size - 1) for tree in TREES])
            checks.append(
                Check(
                    "Erdős–Rényi: τ_∞(T) = p (2p)^(|T| − 1), largest difference",
                    0.0,
                    float(np.max(np.abs(limit - powers))),
                    CELLS[result["quick"]][2],
                    "absolute",
                )
            )
            for tree in (0, 1):
                power, error = exponent(networks, limit, tree)
                checks.append(
                    Check(
                        f"{name}: exponent of N in the bias, {TREES[tree].name}",
                        -0.5,
                        power,
                        CURVATURE + ERRORS * error,
                        "absolute",
                    )
                )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 7.5), layout="constrained")
    above, below = figure.subplots(2, 4)
    for (name, networks), top, bottom in zip(result["networks"].items(), above, below, strict=True):
        limit = result["limits"][name]
        plot_tree_gaps(top, {f"N = {some.count}": some.gaps(limit) for some in networks})
        top.set_title(name)
        counts = np.array([some.count for some in networks])
        for k, tree in enumerate(TREES):
            bias = np.array([some.value[k] - limit[k] for some in networks])
            error = np.array([some.error[k] for some in networks])
            bottom.errorbar(
                counts * (1.0 + 0.02 * k), np.abs(bias), error, fmt="o-", ms=3, lw=0.8, capsize=2, label=tree.name
            )
        dense = name in ("smooth", "blocks")
        first = max(abs(networks[0].value[1] - limit[1]), 1e-6)
        bottom.plot(
            counts,
            first * (counts[0] / counts) ** (1.0 if dense else 0.5),
            "k--",
            lw=1,
            label="1/N" if dense else "$N^{-1/2}$ ~ 1/degree",
        )
        bottom.set(xscale="log", yscale="log", xlabel="neurons N", ylabel=r"$|E\tau_N - \tau_\infty|$")
        bottom.legend(fontsize=6)
    return figure
