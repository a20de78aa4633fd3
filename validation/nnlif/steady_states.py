"""How many steady states: the table, the bifurcation diagram, its folds, and which branches are stable."""

import csv
from pathlib import Path

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Steady states: none, one, two or three, and where they merge",
    statement=(
        "Stationary rates solve N (τ + I(N)) = 1, I the mean first-passage time from V_R to V_F. For b ≤ 0 and "
        "constant noise there is exactly one. Without refractory state this excitatory network (as any without input "
        "and with V_R + V_F > 0) has one for 0 < b < V_F − V_R, two up to the fold, b* = 2.100967760456, and none "
        "beyond; with one it has an odd number, three between two folds. The lower branch is stable, the middle one "
        "unstable. The values 2.319 (b = 1.5) and 0.1377 (b = 0) that circulate are no solutions."
    ),
    source="Cáceres, Carrillo, Perthame (2011), Thm 3.1; Cáceres, Perthame (2014); reference: 30-digit quadrature",
    parameters={"a0": 1, "V_R": 1, "V_F": 2, "a1": "0, 0.1, 0.5", "τ": "0, 0.025, 0.2, 1", "b": "−10 to 3"},
)

# (a1, tau): folds as (rate, b)
FOLDS = {
    (0.0, 0.0): [(0.4242243597863, 2.100967760456)],
    (0.0, 0.025): [(0.4280837667615, 2.123469179356), (5.95766055762, 1.405184717439)],
    (0.0, 0.2): [(0.4722217509059, 2.29618029771), (1.288111304759, 2.167734940726)],
    (0.0, 1.0): [],
    (0.1, 0.0): [(0.4343738292681, 2.020560247486)],
    (0.1, 0.2): [(0.4909790036097, 2.221539430451), (1.229077747873, 2.124959314357)],
    (0.5, 0.0): [(0.486537481779, 1.717634746821)],
    (0.5, 0.2): [(0.6343921745417, 1.94995341725), (0.9255143464462, 1.943686512528)],
}
# b: leading eigenvalue of each state, by increasing rate (a1 = 0, no refractory state)
EIGENVALUES = {
    0.0: [-1.1909670924],
    1.0: [-1.0],
    1.5: [-0.83043544857, 3.8817950746],
    2.0: [-0.43136437221, 0.71340735019],
}
CIRCULATING = {1.5: 2.319, 0.0: 0.1377}


def network(b: float, a1: float = 0.0, tau: float = 0.0) -> fp.Population:
    return fp.nnlif(b=b, a1=a1, refractory=fp.ExponentialRefractory(tau) if tau else None)


def table() -> list[tuple[fp.Population, np.ndarray]]:
    """The models of steady_states.csv and all their rates."""
    with Path(__file__).with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        (network(float(r["b"]), float(r["a1"]), float(r["tau"])), np.array([float(x) for x in r["rates"].split()]))
        for r in rows
    ]


def run(quick: bool) -> dict:
    found = [(model, rates, fp.stationary_states(model)) for model, rates in table()]
    return {
        "found": found,
        "folds": {key: fp.fold_points(network(0.0, *key)) for key in FOLDS},
        "states": {b: fp.stationary_states(network(b)) for b in EIGENVALUES},
        "curves": {tau: fp.bifurcation_curve(network(0.0, tau=tau)) for tau in (0.0, 0.025, 0.2, 1.0)},
        "beyond": len(fp.stationary_states(network(2.11))),
    }


def check(result: dict) -> list[Check]:
    found = result["found"]
    counts = sum(len(states) != len(rates) for _, rates, states in found)
    pairs = [(s.rate, r) for _, rates, states in found for s, r in zip(states, rates, strict=False)]
    worst = max(abs(rate / reference - 1.0) for rate, reference in pairs)
    residual = max(abs(s.residual) for _, _, states in found for s in states)
    checks = [
        Check(f"of {len(found)} models, those with a wrong number of states", 0, counts, kind="equal"),
        Check(f"largest relative error of {len(pairs)} rates", 0.0, worst, 1e-11, "absolute"),
        Check("largest residual of N (τ + I) = 1", 0.0, residual, 1e-12, "absolute"),
        Check("states at b = 2.11, just beyond the fold", 0, result["beyond"], kind="equal"),
    ]
    for (a1, tau), folds in FOLDS.items():
        measured = result["folds"][a1, tau]
        checks.append(Check(f"a1 = {a1:g}, τ = {tau:g}: number of folds", len(folds), len(measured), kind="equal"))
        for (rate, b), fold in zip(folds, measured, strict=False):
            checks.append(Check(f"a1 = {a1:g}, τ = {tau:g}: b at the fold", b, fold.b, 1e-11))
            checks.append(Check(f"a1 = {a1:g}, τ = {tau:g}: N at the fold", rate, fold.rate, 1e-6))
    for b, eigenvalues in EIGENVALUES.items():
        for state, eigenvalue in zip(result["states"][b], eigenvalues, strict=True):
            label = f"b = {b:g}, N = {state.rate:.4f}"
            checks.append(Check(f"{label}: leading eigenvalue", eigenvalue, state.growth_rate, 1e-5))
            checks.append(Check(f"{label}: stable", eigenvalue < 0, state.stable, kind="equal"))
    for b, circulating in CIRCULATING.items():
        nearest = min(abs(state.rate / circulating - 1.0) for state in result["states"][b])
        checks.append(
            Check(f"b = {b:g}: distance of the circulating {circulating} from any state", 0.01, nearest, 0, "at least")
        )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for k, (tau, (b, rate)) in enumerate(result["curves"].items()):
        # Without refractory state the lower branch, where b rises along the curve, is the stable one.
        axes.semilogy(b, rate, color=f"C{k}", label=rf"$\tau = {tau:g}$" if tau else "no refractory state")
        for fold in result["folds"].get((0.0, tau), ()):
            axes.plot(fold.b, fold.rate, "o", color=f"C{k}", markersize=6)
    for b, states in result["states"].items():
        for state in states:
            axes.plot(b, state.rate, "s" if state.stable else "x", color="k", markersize=6)
    axes.plot(
        list(CIRCULATING), list(CIRCULATING.values()), "+", color="C3", markersize=11, label="circulating, no solution"
    )
    axes.plot([], [], "sk", label="stable")
    axes.plot([], [], "xk", label="unstable")
    axes.set(xlabel="connectivity $b$", ylabel="stationary rate $N$", xlim=(-5, 3.5), ylim=(3e-2, 1e2))
    axes.set_title("Steady states and folds (dots)")
    axes.legend(fontsize=8, loc="upper left")
    return figure
