"""Different signals have different outputs: the inequality, sampled."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Discrimination: outputs differ at least as much as signals",
    statement=(
        "For two signals I and J and one connectivity, ∫|N_I − N_J| dw ≥ c ∫ L C |I − J| dw. The proof gives 1/c = sup "
        "L/ρ + Λ ∫ L C |w| dw with ρ the smallest slope of the rate of a neuron over the inputs that occur and Λ the "
        "Lipschitz constant of σ. It holds for every sampled pair, and the proof's c is below the best one by a factor "
        "that the samples show."
    ),
    source="Perthame, Salort, Wainrib (2017), theorem on discrimination; the constant of the proof, kept explicit",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "L": "1, |w|", "pairs": "201 (1200), random signals and connectivities"},
)

KINDS = {
    "inhibitory, σ(x) = x": ((-2.0, 0.0), None),
    "excitatory, σ = x/(1 + x)": ((0.0, 2.0), fp.Saturating()),
    "both, σ = tanh": ((-1.0, 1.0), fp.HyperbolicTangent()),
}
WEIGHTS = {"1": None, "|w|": np.abs}
LANES = 10


def signals(random: np.random.Generator, low: float, high: float):
    """A smooth random signal of size about 1, and a second one that is near it or not."""
    x = np.linspace(0.0, 1.0, 6)
    one = random.uniform(-0.5, 2.0) + random.normal(0.0, 0.7, 6)
    other = one + 10.0 ** random.uniform(-3.0, 0.0) * random.normal(0.0, 1.0, 6)
    return [lambda w, v=v: np.interp((w - low) / (high - low), x, v) for v in (one, other)]


def run(quick: bool) -> dict:
    random, found = np.random.default_rng(2017), {}
    for name, ((low, high), law) in KINDS.items():
        rows = []
        for k in range(67 if quick else 400):
            pair = [
                fp.learning((low, high), lanes=LANES, signal=s, saturation=law, speed=0.0)
                for s in signals(random, low, high)
            ]
            C = random.uniform(size=LANES) ** random.integers(1, 6)
            C /= C.sum() * pair[0].dw
            label = list(WEIGHTS)[k % len(WEIGHTS)]
            rows.append(fp.discrimination(*pair, C, WEIGHTS[label]))
        found[name] = rows
    # The same, once, by the equation itself.
    pair = [fp.learning((-1.0, 0.0), lanes=6, signal=s, speed=0.0) for s in (1.0, lambda w: 1.0 + 0.5 * w)]
    start = fp.connectivity(lambda w: -w, fp.compatible_gaussian(0.0, 0.25))
    ends = [
        fp.solve(m, start, (0.0, 20.0), scheme=fp.Spectral(1e-6), rtol=1e-6, save_at=[], estimate_error=False)
        for m in pair
    ]
    measured = float(np.abs(ends[0].final.rate - ends[1].final.rate).sum() * pair[0].dw)
    return {"found": found, "equation": (measured, fp.discrimination(*pair, pair[0].shares(start)))}


def check(result: dict) -> list[Check]:
    checks = []
    everything = [row for rows in result["found"].values() for row in rows]
    checks.append(Check("number of pairs", 200, len(everything), 0, "at least"))
    for name, rows in result["found"].items():
        violated = sum(not row.holds for row in rows)
        slack = min(row.outputs / (row.constant * row.signals) for row in rows)
        checks.append(Check(f"{name}: pairs that violate the inequality", 0, violated, kind="equal"))
        checks.append(Check(f"{name}: smallest outputs/(c signals)", 1.0, slack, 0, "at least"))
        # A constant that is never off by much less than this says something; one off by 10⁶ would not.
        sharp = np.median([row.outputs / (row.constant * row.signals) for row in rows])
        checks.append(Check(f"{name}: median of outputs/(c signals)", 100.0, float(sharp), 0, "at most"))
    measured, row = result["equation"]
    checks.append(Check("by the equation: ∫|N_I − N_J| dw", row.outputs, measured, 1e-5))
    checks.append(
        Check("by the equation: at least c ∫ C|I − J| dw", row.constant * row.signals, measured, 0, "at least")
    )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (name, rows) in enumerate(result["found"].items()):
        bound = np.array([row.constant * row.signals for row in rows])
        outputs = np.array([row.outputs for row in rows])
        left.loglog(bound, outputs, ".", color=f"C{k}", ms=4, label=name)
        best = outputs / np.array([row.signals for row in rows])
        right.loglog([row.constant for row in rows], best, ".", color=f"C{k}", ms=4)
    for axes in (left, right):
        ends = np.array([max(axes.get_xlim()[0], 1e-12), axes.get_xlim()[1]])
        axes.plot(ends, ends, "k-", lw=1.0)
        axes.set_xlim(*ends)
    left.set(xlabel=r"$c\int LC|I-J|\,dw$", ylabel=r"$\int|N_I-N_J|\,dw$", title="no pair below the line")
    right.set(
        xlabel="$c$ of the proof", ylabel=r"$\int|N_I-N_J|\,dw\;/\int LC|I-J|\,dw$", title="the best $c$ of each pair"
    )
    left.legend(fontsize=8)
    return figure
