"""A connectome: neurons with the chemical synapses of C. elegans against the extended density, fine and coarse."""

from pathlib import Path

import numpy as np
from scipy.sparse import csc_array

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import plot_label_density, plot_synapses, plot_tree_gaps
from fokkerplanck.trees import TreeGap, tree_gaps

CLAIM = Claim(
    title="A connectome of 302 neurons, its extended density, and how coarse a kernel may be",
    statement=(
        "With the synapses of C. elegans, scaled such that no neuron receives more than g, the extended density at "
        "full resolution (a label for each neuron) gives the firing of every single neuron, to a tenth of how much "
        "neurons differ, and trees of up to four vertices to a quarter. More is not to be had: by the scaling of its "
        "synapses this network is far from a limit, single synapses are a tenth of the largest row, and there are "
        "hubs. Coarse kernels (neurons grouped by sign and by what they receive) all give the one-particle law, the "
        "classical mean field included. But that knows nothing of single neurons, and its trees of four vertices, "
        "which see who listens to whom, are too small by an order of magnitude or two; with eight groups by a factor "
        "of up to three, and with forty they are as good as at full resolution."
    ),
    source=(
        "synapses: Cook et al., Nature 571 (2019) 63, see c_elegans.csv; limit: Jabin, Zhou (2023), arXiv:2309.04046; "
        "potentials, rates and g are a model, not data"
    ),
    parameters={"b": "0.8 − v", "σ": 0.5, "ν": "5/(1 + exp(−(v − 1)/0.2))", "g": "1.5, 6", "t": 2},
)

FILE = Path(__file__).with_suffix(".csv")
NEURONS, PAIRS = 302, 3709 - 38  # without those of a neuron on itself
END, SIGMA, DRIVE = 2.0, 0.5, 0.8
DATUM = fp.gaussian(0.2, 0.09)
GAINS = (1.5, 6.0)
GROUPS = (1, 8, 40)
REALISATIONS = {True: 1000, False: 20_000}
CELLS = {True: (120, 1e-5), False: (320, 1e-6)}
"""And rtol."""
SUBSETS = (75, 150, 302)


def rate(v: np.ndarray) -> np.ndarray:
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


def phi(v: np.ndarray) -> np.ndarray:
    return rate(v) / 5.0


NEURON = fp.nnlif(b=0.0, a0=SIGMA**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))


def connectome() -> tuple[list[str], np.ndarray]:
    """The names of the neurons in alphabetical order, and w_ij of the largest row sup_i Σ_j |w_ij| = 1, with signs.

    Synapses of a neuron on itself are left out: who fires is reset, so that to the particles they are nothing.
    """
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    rows = [line.split(",") for line in lines[1:]]
    names = sorted({name for row in rows for name in row[:2]})
    number = {name: i for i, name in enumerate(names)}
    weights = np.zeros((len(names), len(names)))
    for sender, receiver, size, sign in rows:
        weights[number[receiver], number[sender]] += float(size) * float(sign)
    np.fill_diagonal(weights, 0.0)
    return names, weights / np.abs(weights).sum(axis=1).max()


def grouped(weights: np.ndarray, groups: int) -> np.ndarray:
    """To which of about so many groups each neuron belongs: by its sign, then by what it receives."""
    if groups == 1:
        return np.zeros(len(weights), dtype=int)
    inhibits = weights.sum(axis=0) < 0.0
    few = max(1, round(groups / 8))  # of the inhibiting neurons, which are a tenth
    group = np.empty(len(weights), dtype=int)
    begin = 0
    for mine, parts in ((~inhibits, groups - few), (inhibits, few)):
        who = np.flatnonzero(mine)
        order = who[np.argsort(weights.sum(axis=1)[who], kind="stable")]
        group[order] = begin + np.arange(len(order)) * parts // len(order)
        begin += parts
    return group


def block_kernel(weights: np.ndarray, group: np.ndarray) -> fp.BlockKernel:
    """What a neuron of each group receives from each group, in the mean."""
    member = (group[:, None] == np.arange(group.max() + 1)).astype(float)
    count = member.sum(axis=0)
    shares = count / count.sum()
    received = (member.T @ weights @ member) / count[:, None]
    return fp.BlockKernel(received / shares, shares / shares.sum())


class Comparison:
    """Particles on the connectome times g, and the extended densities of its kernels."""

    def __init__(self, weights: np.ndarray, gain: float, quick: bool) -> None:
        self.gain = gain
        self.synapses = fp.SynapseMatrix(csc_array(gain * weights))
        self.scaling = fp.scaling(self.synapses)
        sol = fp.simulate_synapses(
            self.synapses, rate, DATUM, (0.0, END), SIGMA, external=DRIVE, realisations=REALISATIONS[quick], bins=1
        )
        V = sol.potentials[-1]
        self.firing = phi(V).mean(axis=0)
        self.firing_error = phi(V).std(axis=0) / np.sqrt(len(V))
        self.solutions: dict[str, fp.Solution] = {}
        self.gaps: dict[str, tuple[TreeGap, ...]] = {}
        self.predicted: dict[str, np.ndarray] = {}
        self.start: dict[str, tuple[TreeGap, ...]] = {}
        full = fp.ExtendedPopulation(self.synapses, NEURON)
        grid = full.grid(CELLS[quick][0], v_min=-4.0)
        kernels: dict[str, tuple[object, np.ndarray]] = {"full": (self.synapses, np.arange(NEURONS))}
        for groups in GROUPS if gain == GAINS[-1] else GROUPS[:1]:
            group = grouped(weights, groups)
            kernels[f"{groups} groups" if groups > 1 else "classical"] = block_kernel(gain * weights, group), group
        first = np.random.default_rng(1).normal(DATUM.mean, DATUM.variance**0.5, (20, NEURONS))
        for name, (kernel, group) in kernels.items():
            model = fp.ExtendedPopulation(kernel, NEURON)
            sol = fp.solve(
                model, DATUM, (0.0, END), grid=grid, rtol=CELLS[quick][1], estimate_error=False, save_at=[0.0, END]
            )
            self.solutions[name] = sol
            rest = (model.coupling, sol.density[-1], sol.v, grid.width, phi)
            self.gaps[name] = tree_gaps(4, self.synapses, V, *rest)
            self.start[name] = tree_gaps(3, self.synapses, first, model.coupling, sol.density[0], sol.v, grid.width)
            self.predicted[name] = ((sol.density[-1] * grid.width) @ phi(sol.v))[group]

    def off(self, name: str, sizes: tuple[int, ...]) -> float:
        """The largest |τ_N/τ_∞ − 1| of the trees of these sizes."""
        return max(abs(gap.found.value / gap.limit - 1.0) for gap in self.gaps[name] if gap.tree.size in sizes)

    def miss(self, name: str) -> float:
        """Root mean square over the neurons of what is predicted of E φ(V_i), less what chance does."""
        square = np.mean((self.predicted[name] - self.firing) ** 2 - self.firing_error**2)
        return float(np.sqrt(max(square, 0.0)))


def run(quick: bool) -> dict:
    names, weights = connectome()
    whole = fp.SynapseMatrix(csc_array(weights))
    return {
        "names": names,
        "weights": weights,
        "compared": {gain: Comparison(weights, gain, quick) for gain in GAINS},
        "subsets": [fp.scaling(whole.sample(count, seed=1)) for count in SUBSETS],
    }


def check(result: dict) -> list[Check]:
    weak, strong = (result["compared"][gain] for gain in GAINS)
    spread = float(np.std(strong.firing))
    correlation = float(np.corrcoef(strong.firing, strong.predicted["full"])[0, 1])
    checks = [
        Check("neurons", NEURONS, len(result["names"]), kind="equal"),
        Check("pairs with a synapse", PAIRS, int(np.count_nonzero(result["weights"])), kind="equal"),
        Check("the scaling speaks against the limit", True, strong.scaling.verdict.startswith("Far"), kind="equal"),
        Check("max |w| over the largest row", 0.1095, strong.scaling.largest / strong.scaling.rows, 1e-3),
        Check("g = 6, full: correlation of E φ(V_i) of all neurons", 0.98, correlation, 0.0, "at least"),
        Check("g = 6, full: error of E φ(V_i) over its spread", 0.25, strong.miss("full") / spread, 0.0, "at most"),
        Check(
            "g = 6: error of the classical mean field over that",
            3.0,
            strong.miss("classical") / strong.miss("full"),
            0.0,
            "at least",
        ),
        Check("g = 6, full: one-particle law", 0.02, strong.off("full", (1,)), 0.0, "at most"),
        Check("g = 6, full: trees of up to four vertices", 0.25, strong.off("full", (1, 2, 3, 4)), 0.0, "at most"),
        Check("g = 1.5, full: one-particle law", 0.01, weak.off("full", (1,)), 0.0, "at most"),
        Check(
            "full: error of E φ(V_i) at g = 1.5 over that at g = 6",
            0.6,
            weak.miss("full") / strong.miss("full"),
            0.0,
            "at most",
        ),
        Check("g = 6, 8 groups: one-particle law", 0.05, strong.off("8 groups", (1,)), 0.0, "at most"),
        Check("g = 6, classical: one-particle law", 0.05, strong.off("classical", (1,)), 0.0, "at most"),
        Check(
            "g = 6, classical: trees of four vertices, |τ_N/τ_∞ − 1|",
            10.0,
            strong.off("classical", (4,)),
            0.0,
            "at least",
        ),
        Check(
            "g = 6, 8 groups: trees of four vertices, |τ_N/τ_∞ − 1|", 0.3, strong.off("8 groups", (4,)), 0.0, "at least"
        ),
    ]
    fine = strong.off("40 groups", (1, 2, 3, 4))
    checks.append(Check("g = 6, 40 groups: trees of up to four vertices", 0.25, fine, 0.0, "at most"))
    at_start = max(abs(gap.found.value / gap.limit - 1.0) for gap in strong.start["full"])
    checks.append(Check("at the start, full: trees of up to three vertices", 0.0, at_start, 1e-9, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 8), layout="constrained")
    (matrix, kernel, density), (trees, single, sizes) = figure.subplots(2, 3)
    strong = result["compared"][GAINS[-1]]
    group = grouped(result["weights"], 8)
    order = np.argsort(group, kind="stable")
    plot_synapses(matrix, strong.synapses, order)
    matrix.set_title("synapses, ordered by group")
    coarse = block_kernel(strong.gain * result["weights"], group)
    plot_synapses(kernel, (coarse.matrix / NEURONS)[np.ix_(np.sort(group), np.sort(group))])
    kernel.set_title("kernel of 8 groups")
    full = strong.solutions["full"]
    drives = full.model.drives(full.final.rate)
    figure.colorbar(plot_label_density(density, full, labels=drives), ax=density, label="f(v, ξ)")
    density.set(title=f"density at t = {END:g}, by the drive S", ylabel="share of neurons")
    plot_tree_gaps(trees, strong.gaps)
    trees.set_title(f"trees, g = {strong.gain:g}")
    for name in ("full", "8 groups", "classical"):
        single.errorbar(strong.predicted[name], strong.firing, strong.firing_error, fmt=".", ms=4, lw=0.5, label=name)
    single.plot([0, 1], [0, 1], color="0.6", lw=1)
    single.set(xlabel="density: ∫ φ f(v, ξ$_i$) dv", ylabel="neurons: E φ(V$_i$)", title="every neuron")
    counts = [some.count for some in result["subsets"]]
    for name in ("rows", "columns", "largest", "spread"):
        sizes.plot(counts, [getattr(some, name) for some in result["subsets"]], "o-", ms=4, label=name)
    sizes.set(xscale="log", yscale="log", xlabel="neurons kept", title="scaling of random parts (largest row 1)")
    for axes in (single, sizes):
        axes.legend(fontsize=7)
    return figure
