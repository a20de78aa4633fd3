"""Kernels that are measures: rings and permutations, where graphons fail; and how fast quadratures in ξ converge."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.models.synapses import GaussLegendre, Midpoint
from fokkerplanck.plotting import plot_label_density, plot_synapses, plot_tree_gaps
from fokkerplanck.trees import TreeGap, tree_gaps

CLAIM = Claim(
    title="Kernels that are measures, and the quadrature in ξ",
    statement=(
        "Neurons that listen to the d neighbours of one place on a ring, or of its image under a permutation, tend to "
        "a kernel w(ξ, dζ) = c δ(ζ − φ(ξ)) if d → ∞ and d/N → 0, although no density w(ξ, ζ) exists: the graphon that "
        "coarse blocks suggest tends to a constant and gives another limit. Identical synapses give the classical mean "
        "field. Gauss–Legendre labels converge spectrally for smooth kernels, midpoints at order two, equidistant "
        "labels on a ring are exact where its shift is a multiple of their distance and of order two where it is not."
    ),
    source=(
        "Jabin, Poyato, Soler (2021), arXiv:2112.15406, extended graphons; Jabin, Zhou (2023), arXiv:2309.04046; the "
        "orders are measured"
    ),
    parameters={
        "b": "0.8 − v",
        "σ": 0.5,
        "ν": "5/(1 + exp(−(v − 1)/0.2))",
        "c": 1,
        "I": "1.2 sin 2πξ",
        "t": 1,
        "d": "√N",
    },
)

END, SIGMA, DRIVE, C = 1.0, 0.5, 0.8, 1.0
TREES = fp.Tree.all(4)
RUNS = {True: {144: 250, 576: 70, 2304: 20}, False: {144: 8000, 576: 2000, 2304: 500, 9216: 100}}
"""N: realisations."""
CELLS, LANES, STEP = 160, 24, 0.02
NEAR = {True: 0.08, False: 0.03}
"""Largest |E τ_N/τ_∞ − 1| of the largest networks."""
ORDER = 0.1


def rate(v: np.ndarray) -> np.ndarray:
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


def phi(v: np.ndarray) -> np.ndarray:
    return rate(v) / 5.0


NEURON = fp.nnlif(b=0.0, a0=SIGMA**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))
KERNELS = {
    "ring": fp.RingKernel([0.25, 0.75], [0.25, 0.5]),
    "permutation": fp.PermutationKernel(C, [2, 0, 3, 1]),
}


def wave(xi: np.ndarray, zeta: np.ndarray) -> np.ndarray:
    return 2.0 * (0.4 + 1.2 * xi + 0.6 * np.cos(2.0 * np.pi * (xi - zeta)))


def mean(xi: np.ndarray) -> np.ndarray:
    return 0.2 + 0.4 * np.sin(2.0 * np.pi * np.asarray(xi))


def current(xi: np.ndarray) -> np.ndarray:
    """Beside that of the neuron: it keeps the labels apart."""
    return 1.2 * np.sin(2.0 * np.pi * xi)


START = fp.by_label(lambda xi: fp.gaussian(float(mean(xi)), 0.09))


def start(xi: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    return generator.normal(mean(xi), 0.3)


def solved(kernel: object, lanes: int | None, refined: int = 0, steps: bool = False) -> fp.Solution:
    """With fixed steps errors in t and v are the same for all kernels, and only the labels make a difference."""
    model = fp.ExtendedPopulation(kernel, NEURON, lanes, external=current)
    grid = model.grid(CELLS, v_min=-3.0, v_max=11.0)
    for _ in range(refined):
        grid = grid.refined()
    stepper = fp.BackwardEuler(STEP) if steps else None
    return fp.solve(
        model, START, (0.0, END), grid=grid, stepper=stepper, rtol=1e-6, estimate_error=False, save_at=[END]
    )  # fmt: skip


def observables(sol: fp.Solution, trees: tuple = TREES) -> np.ndarray:
    model, f = sol.model, sol.density[-1]
    assert model is not None
    return np.array([
        fp.tree_observable(T, model.coupling, densities=f, v=sol.v, width=sol.grid.width, test=phi).value for T in trees
    ])  # fmt: skip


def limit(kernel: object, lanes: int | None) -> np.ndarray:
    """τ_∞ of all trees, extrapolated in v."""
    coarse, fine = (observables(solved(kernel, lanes, k)) for k in (0, 1))
    return fine + (fine - coarse) / 3.0


def particles(kernel: object, count: int, realisations: int) -> tuple[object, np.ndarray]:
    """Synapses, and the potentials of all realisations."""
    synapses = kernel.sample(count)  # type: ignore[attr-defined]
    sol = fp.simulate_synapses(
        synapses,
        rate,
        start,
        (0.0, END),
        SIGMA,
        external=DRIVE + current(synapses.xi),
        realisations=realisations,
        bins=1,
    )
    return synapses, sol.potentials[-1]


def quadratures() -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Numbers of labels, and the largest relative error of the observables, on one grid in v."""
    trees, found = fp.Tree.all(3), {}
    exact = observables(solved(fp.SmoothKernel(wave), 32, steps=True), trees)
    turned = fp.RingKernel(C, 1.0 / 3.0)
    on_ring = observables(solved(turned, 96, steps=True), trees)
    cases = {
        "Gauss–Legendre, smooth": (fp.SmoothKernel(wave, GaussLegendre()), (8, 12, 16), exact),
        "midpoints, smooth": (fp.SmoothKernel(wave, Midpoint()), (16, 32, 64), exact),
        "ring, between labels": (turned, (16, 64, 256), on_ring),
        "ring, on labels": (turned, (24, 48), on_ring),
    }
    for name, (kernel, sizes, reference) in cases.items():
        errors = [np.max(np.abs(observables(solved(kernel, n, steps=True), trees) / reference - 1.0)) for n in sizes]
        found[name] = np.array(sizes), np.array(errors)
    return found


def classical() -> float:
    """Largest relative difference of rates: identical synapses, as a matrix of 30 neurons, and nnlif(b)."""
    model = fp.ExtendedPopulation(np.full((30, 30), C / 30), NEURON)
    one = fp.nnlif(b=C, a0=SIGMA**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))
    stepper, datum, grid = fp.BackwardEuler(0.01), fp.gaussian(0.2, 0.09), one.grid(CELLS)
    many, single = (
        fp.solve(m, datum, (0.0, END), grid=grid, stepper=stepper, estimate_error=False).rate for m in (model, one)
    )
    return float(np.max(np.abs(many / single[:, None] - 1.0)))


def run(quick: bool) -> dict:
    networks: dict[str, dict[int, tuple[TreeGap, ...]]] = {}
    for name, kernel in KERNELS.items():
        sol = solved(kernel, LANES, 1)
        model = sol.model
        assert model is not None
        networks[name] = {}
        for count, realisations in RUNS[quick].items():
            synapses, V = particles(kernel, count, realisations)
            networks[name][count] = tree_gaps(
                4, synapses, V, model.coupling, sol.density[-1], sol.v, sol.grid.width, phi
            )
    ring = KERNELS["ring"]
    return {
        "quick": quick,
        "networks": networks,
        "limits": {name: limit(kernel, LANES) for name, kernel in KERNELS.items()},
        "constant": limit(fp.ConstantKernel(C), LANES),  # the graphon that finer and finer blocks of equal size tend to
        "full": observables(solved(ring.sample(576), None, steps=True)) / observables(solved(ring, LANES, steps=True)),
        "sizes": fp.scaling(ring.sample(2304)),
        "quadratures": quadratures(),
        "classical": classical(),
        "picture": solved(ring, 4 * LANES, steps=True),
    }


def check(result: dict) -> list[Check]:
    checks = []
    for name, sizes in result["networks"].items():
        limits = result["limits"][name]
        off = [
            np.max(np.abs([gap.found.value / at - 1.0 for gap, at in zip(gaps, limits, strict=True)]))
            for gaps in sizes.values()
        ]
        counts = list(sizes)
        checks.append(
            Check(f"{name}, N = {counts[-1]}: largest |E τ_N/τ_∞ − 1|", NEAR[result["quick"]], off[-1], 0.0, "at most")
        )
        checks.append(
            Check(
                f"{name}: that of N = {counts[0]} over that of N = {counts[-1]}", 3.0, off[0] / off[-1], 0.0, "at least"
            )
        )
    ring, constant = result["limits"]["ring"], result["constant"]
    apart = float(np.max(np.abs(constant / ring - 1.0)))
    checks += [
        Check("ring: how far the constant graphon is from τ_∞", 0.05, apart, 0.0, "at least"),
        Check(
            "ring, 576 actual synapses at full resolution: |τ/τ_∞ − 1|",
            0.0,
            float(np.max(np.abs(result["full"] - 1.0))),
            0.01,
            "absolute",
        ),
        Check("ring, N = 2304: Σ_j |w_ij| + Σ_i |w_ij|", 2.0, result["sizes"].total, 1e-9),
        Check("ring, N = 2304: max |w_ij| = 0.75/d", 0.75 / 48, result["sizes"].largest, 1e-9),
        Check(
            "identical synapses are the classical mean field, relative difference",
            0.0,
            result["classical"],
            1e-11,
            "absolute",
        ),
    ]
    for name in ("midpoints, smooth", "ring, between labels"):
        sizes, errors = result["quadratures"][name]
        order = -float(np.log(errors[-1] / errors[-2]) / np.log(sizes[-1] / sizes[-2]))
        checks.append(Check(f"order of {name}", 2.0, order, ORDER, "absolute"))
    _, errors = result["quadratures"]["Gauss–Legendre, smooth"]
    checks.append(Check("Gauss–Legendre, 16 labels: error", 0.0, errors[-1], 1e-5, "absolute"))
    checks.append(
        Check(
            "Gauss–Legendre, each four labels more: factor of the error",
            5.0,
            float(np.min(errors[:-1] / errors[1:])),
            0.0,
            "at least",
        )
    )
    checks.append(
        Check("ring, on labels: error", 0.0, result["quadratures"]["ring, on labels"][1].max(), 1e-9, "absolute")
    )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14, 7.5), layout="constrained")
    (matrix, density, orders), (ring, permutation, growth) = figure.subplots(2, 3)
    plot_synapses(matrix, KERNELS["ring"].sample(144))
    matrix.set_title("ring of 144 neurons, d = 12")
    figure.colorbar(plot_label_density(density, result["picture"]), ax=density, label="f(v, ξ)")
    density.set_title(f"ring: density at t = {END:g}")
    for name, (sizes, errors) in result["quadratures"].items():
        orders.loglog(sizes, np.maximum(errors, 1e-16), "o-", ms=4, label=name)
    orders.set(xlabel="labels", ylabel="relative error of τ", title="quadrature in ξ")
    for axes, name in ((ring, "ring"), (permutation, "permutation")):
        plot_tree_gaps(axes, {f"N = {count}": gaps for count, gaps in result["networks"][name].items()})
        axes.set_title(name)
    ring.plot(result["limits"]["ring"], result["constant"], "kx", label="constant graphon")
    for name, sizes in result["networks"].items():
        for k in (1, 7):
            limits = result["limits"][name]
            bias = [abs(gaps[k].found.value / limits[k] - 1.0) for gaps in sizes.values()]
            error = [gaps[k].found.error / limits[k] for gaps in sizes.values()]
            growth.errorbar(list(sizes), bias, error, fmt="o-", ms=4, capsize=2, label=f"{name}, {TREES[k].name}")
    growth.set(xscale="log", yscale="log", xlabel="neurons N", ylabel=r"$|E\tau_N/\tau_\infty - 1|$")
    for axes in (ring, orders, growth):
        axes.legend(fontsize=7)
    return figure
