"""Any output can be represented: the connectivity for it, and the equation run with that connectivity."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Representation: for every signal and output there is a connectivity",
    statement=(
        "For a signal I(w) and a function N(w) ≥ 0 the connectivity C(w) = N(w) T(I(w) + w σ(N̄)), T the mean time "
        "between spikes, puts out N. Its mass must be 1, which fixes the scale of N, uniquely where weights inhibit. "
        "The equation run with this C and frozen weights ends with that N(w)."
    ),
    source="Perthame, Salort, Wainrib (2017), theorem on representation",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "weights": "[−1, 0]", "κ, N̄": "I = 1, N ~ exp(−(w + 0.5)²/0.02)"},
)

REFERENCE = 1.5353574350, 0.3848568152  # κ and N̄ of the first case, 2000 lanes
CASES = {
    "one hill": (1.0, lambda w: np.exp(-((w + 0.5) ** 2) / 0.02)),
    "two hills": (
        lambda w: 1.0 + w,
        lambda w: np.exp(-((w + 0.75) ** 2) / 0.005) + 0.5 * np.exp(-((w + 0.25) ** 2) / 0.01),
    ),
    "a box": (lambda w: 2.0 * np.exp(-((w + 0.2) ** 2) / 0.02), lambda w: np.where(np.abs(w + 0.5) < 0.2, 1.0, 0.0)),
}  # fmt: skip


def run(quick: bool) -> dict:
    lanes, result = 16 if quick else 40, {}
    for name, (signal, target) in CASES.items():
        model = fp.learning((-1.0, 0.0), lanes=lanes, signal=signal, speed=0.0)
        found = fp.representing_connectivity(model, target)
        start = fp.connectivity(found[0].C, fp.compatible_gaussian(0.0, 0.25))
        sol = fp.solve(
            model, start, (0.0, 20.0), scheme=fp.Spectral(1e-8), rtol=1e-7, atol=1e-10, save_at=[],
            estimate_error=False,
        )  # fmt: skip
        result[name] = {"model": model, "found": found, "sol": sol}
    signal, target = CASES["one hill"]
    result["fine"] = fp.representing_connectivity(fp.learning((-1.0, 0.0), lanes=2000, signal=signal), target)[0]
    return result


def check(result: dict) -> list[Check]:
    fine = result["fine"]
    checks = [
        Check("one hill: scale κ of N", REFERENCE[0], fine.scale, 1e-9),
        Check("one hill: N̄", REFERENCE[1], fine.total, 1e-9),
    ]
    for name in CASES:
        case = result[name]
        model, wanted, got = case["model"], case["found"][0], case["sol"].final.rate
        target = CASES[name][1](model.w)
        apart = float(np.max(np.abs(got - wanted.N)) / np.max(wanted.N))
        shape = float(np.max(np.abs(wanted.N - wanted.scale * target)))
        checks += [
            Check(f"{name}: number of connectivities", 1, len(case["found"]), kind="equal"),
            Check(f"{name}: mass of C", 1.0, float(wanted.C.sum() * model.dw), 1e-10),
            Check(f"{name}: N(w) − κ N_target(w)", 0.0, shape, 1e-12, "absolute"),
            Check(f"{name}: |N(w) of the equation − N(w) wanted| over the peak", 0.0, apart, 1e-6, "absolute"),
        ]
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 3), CASES, strict=True):
        case = result[name]
        model, wanted = case["model"], case["found"][0]
        axes.stairs(wanted.C, model.w_faces, color="0.6", fill=True, alpha=0.4, label="connectivity $C(w)$")
        axes.plot(model.w, model.external, color="C2", lw=1.2, ls="--", label="signal $I(w)$")
        axes.plot(model.w, wanted.N, "o", color="C1", ms=4, label=r"wanted, $\kappa N_{\mathrm{target}}(w)$")
        axes.stairs(case["sol"].final.rate, model.w_faces, color="C0", lw=1.5, label="put out by the equation")
        axes.set(xlabel="weight $w$", title=rf"{name}: $\kappa = {wanted.scale:.4g}$, $\bar N = {wanted.total:.4g}$")
    figure.axes[0].legend(fontsize=8, loc="upper left")
    return figure
