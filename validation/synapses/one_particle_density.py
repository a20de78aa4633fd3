"""The law of one neuron: it tends to the extended density where synapses scale, and does not where they do not."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.models.synapses import (
    FamilyScaling,
    ParetoDegrees,
    SynapseMatrix,
    chung_lu,
    family_scaling,
    hub_network,
    in_degree_kernel,
)

CLAIM = Claim(
    title="The one-particle density, with and without the scaling of synapses",
    statement=(
        "If Σ_j |w_ij| + Σ_i |w_ij| ≤ C and max |w_ij| → 0, the distribution of the potentials of all neurons tends "
        "to ∫ f(v, ξ) dξ: sup |F_N − F| falls like 1/N in the mean for a dense kernel, like 1/degree for a sparse "
        "graph, and like N^(−1/2) for a single network. It does not if one hub acts on all by synapses of order one. "
        "Degrees of a heavy tail satisfy the condition where they are capped and not where they are free; there hub "
        "rows grow like a power of N, and what is measured is how slowly, if at all, the law converges."
    ),
    source="Jabin, Zhou (2023), arXiv:2309.04046, hypotheses and main theorem; the rates are measured",
    parameters={"b": "0.8 − v", "σ": 0.5, "ν": "5/(1 + exp(−(v − 1)/0.2))", "w": "2 (hub: 1)", "hub": 0.5, "t": 2},
)

END, SIGMA, DRIVE, W, HUB = 2.0, 0.5, 0.8, 2.0, 0.5
DATUM = fp.gaussian(0.2, 0.09)
CAPPED, FREE = ParetoDegrees(2.5, cap=8.0), ParetoDegrees(2.2, cap=None)
# N: (graphs, realisations of each)
RUNS = {
    True: {100: (12, 120), 400: (12, 40), 1600: (6, 20)},
    False: {200: (24, 800), 800: (24, 200), 3200: (24, 50), 12800: (12, 12)},
}
CELLS = {True: 400, False: 1600}
EDGES = np.linspace(-2.0, 12.0, 141)
DENSE_SIZES = {True: {100: 6000, 400: 1600}, False: {200: 30_000, 800: 8_000, 3200: 1_500}}


def rate(v: np.ndarray) -> np.ndarray:
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


NEURON = fp.nnlif(b=0.0, a0=SIGMA**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))


def sparse(count: int, seed: int) -> SynapseMatrix:
    return fp.ConstantKernel(W).sample(count, seed, degree=4.0 * count**0.5)


MANY = 1600
"""Neurons of which the hub is one, in its limit: the law hardly depends on how many there are."""


def hub(count: int, seed: int) -> SynapseMatrix:
    return hub_network(count, 4.0 * count**0.5, 1.0, HUB, seed)


def tails(degrees: ParetoDegrees):
    return lambda count, seed: chung_lu(count, 4.0 * count**0.5, W, degrees, noise=0.5, seed=seed)


# limit kernel, labels, synapses of N neurons
FAMILIES = {
    "Erdős–Rényi": (fp.ConstantKernel(W), 1, sparse),
    "heavy tail, capped": (in_degree_kernel(lambda xi: W * CAPPED(xi)), 24, tails(CAPPED)),
    "heavy tail, free": (in_degree_kernel(lambda xi: W * FREE(xi)), 48, tails(FREE)),
    # The hub as a label of its own, of measure 1/N: its mean drive is in the limit, what remains are its single spikes.
    "hub": (fp.BlockKernel([[0.0, 1.0], [HUB * MANY, 1.0]], (1.0 / MANY, 1.0 - 1.0 / MANY)), 2, hub),
}


def limit(kernel: object, lanes: int, cells: int) -> np.ndarray:
    """F(v) = ∫ f dξ below the edges at the end."""
    model = fp.ExtendedPopulation(kernel, NEURON, lanes)
    grid = model.grid(cells)
    end = fp.solve(model, DATUM, (0.0, END), grid=grid, rtol=1e-6, estimate_error=False, save_at=[]).final
    from scipy.interpolate import PchipInterpolator

    mass = np.concatenate([[0.0], np.cumsum(model.average(end.density) * grid.width)])
    return np.asarray(PchipInterpolator(grid.faces, mass)(np.clip(EDGES, grid.v_min, grid.v_max)))


def below(potentials: np.ndarray) -> np.ndarray:
    """The empirical distribution at the edges, of each realisation."""
    return np.array([np.searchsorted(np.sort(row), EDGES) for row in potentials]) / potentials.shape[-1]


def distances(synapses, sizes: dict, F: np.ndarray) -> dict:
    """Of every N: sup |E F_N − F| with its standard error, and the mean of sup |F_N − F| of single networks."""
    found = {}
    for count, (graphs, realisations) in sizes.items():
        means, single, matrices = [], [], []
        for seed in range(graphs):
            weights = synapses(count, seed)
            sol = fp.simulate_synapses(
                weights, rate, DATUM, (0.0, END), SIGMA, external=DRIVE, realisations=realisations, bins=1, seed=seed
            )
            each = below(sol.potentials[-1])
            means.append(each.mean(axis=0))
            single.append(np.abs(each - F).max(axis=1).mean())
            matrices.append(fp.scaling(weights))
        independent = np.array(means) if graphs > 1 else each
        mean, error = independent.mean(axis=0), independent.std(axis=0, ddof=1) / np.sqrt(len(independent))
        worst = int(np.argmax(np.abs(mean - F)))
        found[count] = {
            "bias": float(abs(mean[worst] - F[worst])), "error": float(error[worst]), "single": float(np.mean(single)),
            "scaling": matrices[0], "F": mean,
        }  # fmt: skip
    return found


def run(quick: bool) -> dict:
    limits = {name: limit(kernel, lanes, CELLS[quick]) for name, (kernel, lanes, _) in FAMILIES.items()}
    found = {name: distances(synapses, RUNS[quick], limits[name]) for name, (_, _, synapses) in FAMILIES.items()}
    dense = {count: (1, realisations) for count, realisations in DENSE_SIZES[quick].items()}
    found["dense"] = distances(lambda count, seed: fp.ConstantKernel(W).sample(count), dense, limits["Erdős–Rényi"])
    limits["dense"] = limits["Erdős–Rényi"]
    scalings = {name: family_scaling([some["scaling"] for some in sizes.values()]) for name, sizes in found.items()}
    return {"quick": quick, "limits": limits, "found": found, "scalings": scalings}


def slope(sizes: dict, what: str) -> float:
    counts = np.log(list(sizes))
    return float(np.polyfit(counts, np.log([some[what] for some in sizes.values()]), 1)[0])


def slope_error(sizes: dict) -> float:
    """Of the exponent of the bias."""
    counts = np.log(list(sizes))
    away = counts - counts.mean()
    relative = np.array([some["error"] / some["bias"] for some in sizes.values()])
    return float(np.sqrt(np.sum((away * relative) ** 2)) / np.sum(away**2))


def check(result: dict) -> list[Check]:
    found, scalings = result["found"], result["scalings"]
    checks = []
    for name, power in (("dense", -1.0), ("Erdős–Rényi", -0.5)):
        tolerance = 0.2 + 3.0 * slope_error(found[name])
        checks.append(
            Check(f"{name}: exponent of N in sup |E F_N − F|", power, slope(found[name], "bias"), tolerance, "absolute")
        )
        checks.append(
            Check(
                f"{name}: exponent of N in sup |F_N − F| of one network",
                -0.5,
                slope(found[name], "single"),
                0.1,
                "absolute",
            )
        )
    last = {name: list(sizes.values())[-1] for name, sizes in found.items()}
    first = {name: next(iter(sizes.values())) for name, sizes in found.items()}
    for name in ("dense", "Erdős–Rényi", "heavy tail, capped"):
        checks.append(
            Check(
                f"{name}: sup |E F_N − F|, largest over smallest N",
                0.6,
                last[name]["bias"] / first[name]["bias"],
                0.0,
                "at most",
            )
        )
    certain = last["hub"]["bias"] - 3.0 * last["hub"]["error"]
    checks.append(
        Check("hub: sup |E F_N − F| at the largest N, less three standard errors", 0.02, certain, 0.0, "at least")
    )
    checks.append(
        Check(
            "hub: sup |F_N − F| of one network, largest over smallest N",
            0.6,
            last["hub"]["single"] / first["hub"]["single"],
            0.0,
            "at least",
        )
    )
    checks.append(
        Check(
            "free over capped tail: sup |E F_N − F| at the largest N",
            1.5,
            last["heavy tail, free"]["bias"] / last["heavy tail, capped"]["bias"],
            0.0,
            "at least",
        )
    )
    expected = {
        "dense": (True, True),
        "Erdős–Rényi": (True, True),
        "heavy tail, capped": (True, True),
        "heavy tail, free": (False, None),
        "hub": (False, False),
    }
    for name, (bounded, vanishing) in expected.items():
        checks.append(
            Check(
                f"{name}: rows and columns stay bounded (N^{scalings[name].growth:.2f})",
                bounded,
                scalings[name].bounded,
                kind="equal",
            )
        )
        if vanishing is not None:
            checks.append(
                Check(
                    f"{name}: max |w| → 0 (N^{scalings[name].decay:.2f})",
                    vanishing,
                    scalings[name].vanishing,
                    kind="equal",
                )
            )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 4.4), layout="constrained")
    bias, single, sizes, law = figure.subplots(1, 4)
    for k, (name, found) in enumerate(result["found"].items()):
        counts = np.array(list(found))
        bias.errorbar(
            counts,
            [s["bias"] for s in found.values()],
            [2 * s["error"] for s in found.values()],
            fmt="o-",
            ms=4,
            capsize=2,
            color=f"C{k}",
            label=name,
        )
        single.plot(counts, [s["single"] for s in found.values()], "o-", ms=4, color=f"C{k}", label=name)
        family: FamilyScaling = result["scalings"][name]
        sizes.plot(counts, [m.total for m in family.members], "o-", ms=4, color=f"C{k}", label=name)
        sizes.plot(counts, [m.largest for m in family.members], "s--", ms=3, color=f"C{k}")
    bias.set(xscale="log", yscale="log", xlabel="neurons N", title="sup |E F$_N$ − F|")
    single.set(xscale="log", yscale="log", xlabel="neurons N", title="sup |F$_N$ − F|, one network")
    sizes.set(xscale="log", yscale="log", xlabel="neurons N", title="rows + columns (solid), max |w| (dashed)")
    middle = 0.5 * (EDGES[1:] + EDGES[:-1])
    for k, name in ((1, "heavy tail, capped"), (3, "hub")):
        law.plot(middle, np.diff(result["limits"][name]) / np.diff(EDGES), color=f"C{k}", lw=1, label=f"{name}: limit")
        last = list(result["found"][name].items())[-1]
        law.plot(middle, np.diff(last[1]["F"]) / np.diff(EDGES), ".", ms=3, color=f"C{k}", label=f"N = {last[0]}")
    law.set(xlabel="v", xlim=(-1.5, 8.0), title=f"density at t = {END:g}")
    for axes in (bias, single, sizes, law):
        axes.legend(fontsize=6)
    return figure
