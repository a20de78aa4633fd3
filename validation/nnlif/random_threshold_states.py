"""A random threshold: how many steady states, and which of them are stable."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Random threshold: steady states and their stability",
    statement=(
        "If neurons fire at the rate 1/ε above V_F, N < 1/(τ + ε) whatever the connectivity: it cannot blow up, and "
        "there is always a steady state. Strong excitation gives three for a small ε or τ, or one that has lost its "
        "stability to oscillations. 1/N = τ + I(N) + ε + ε [D_{−κ}(w)/D_{−κ−1}(w)] √(π/2) erfcx(−w/√2), "
        "w = (V_F − bN)/√a, κ = 1/ε, D the parabolic cylinder function."
    ),
    source=(
        "Cáceres, Perthame (2014), J. Theor. Biol. 350; reference rates: 30-digit parabolic cylinder functions; "
        "eigenvalues: roots of the characteristic equation"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "ε": "0.1, 0.02", "τ": "0.025, 0.2, 1", "b": "0 to 4"},
)

# (ε, τ, b): rates, and of each the leading eigenvalue
STATES = {
    (0.1, 0.2, 0.0): [(0.060151839, -1.1014)],
    (0.1, 0.2, 1.5): [(0.074195818, -0.93907)],
    (0.1, 0.2, 3.0): [(0.106513606, -0.6384)],
    (0.1, 0.2, 4.0): [(2.214433098, -1.95637 + 9.75291j)],
    (0.1, 0.025, 3.0): [(0.110999511, -0.62345), (0.590248788, 1.20278), (4.804955448, -18.00537 + 20.279j)],
    (0.02, 0.2, 0.0): [(0.086830450, -1.12135)],
    (0.02, 0.2, 0.5): [(0.094514416, -1.06032)],
    (0.02, 0.2, 2.0): [(0.138831243, -0.76439)],
    (0.02, 0.2, 2.5): [(0.179007008, -0.55145), (1.111549160, 0.73128), (1.488209301, -1.53274 + 2.86017j)],
    (0.02, 0.2, 3.0): [(2.502239776, 3.29775 + 11.15319j)],
    (0.02, 0.2, 4.0): [(3.171494046, 5.70337 + 20.04833j)],
    (0.02, 1.0, 4.0): [(0.410822023, -0.56796 + 1.22971j)],
}
COUNT = 14  # a strong drift adds real eigenvalues near −1/ε − k, of neurons that have run far beyond V_F


def network(epsilon: float, tau: float, b: float = 0.0) -> fp.Population:
    threshold = fp.RandomThreshold(epsilon) if epsilon else None
    return fp.nnlif(b=b, threshold=threshold, refractory=fp.ExponentialRefractory(tau))


def run(quick: bool) -> dict:
    found, eigenvalues = {}, {}
    for key, expected in STATES.items():
        if quick and key[2] < 2.5:
            continue
        model = network(*key)
        found[key] = fp.stationary_states(model)
        for state, (_, eigenvalue) in zip(found[key], expected, strict=False):
            values = fp.spectrum(model, state, COUNT if abs(eigenvalue) > 20.5 else 1).eigenvalues
            nearest = values[np.argmin(np.abs(values - eigenvalue))]
            eigenvalues[key, state.rate] = complex(nearest), float(values[0].real)
    stay = fp.stationary_states(network(0.02, 0.2, 2.5))[0]
    run = fp.solve(stay.model, stay.state(stay.model.grid(400, finest=5e-3)), (0.0, 5.0), estimate_error=False)
    return {
        "found": found,
        "eigenvalues": eigenvalues,
        "curves": {eps: fp.bifurcation_curve(network(eps, 0.2)) for eps in (0.1, 0.02, 0.0)},
        "folds": {eps: fp.fold_points(network(eps, 0.2)) for eps in (0.1, 0.02, 0.0)},
        "stay": abs(float(run.rate[-1]) / stay.rate - 1.0),
    }


def check(result: dict) -> list[Check]:
    checks = []
    for key, states in result["found"].items():
        name, expected = "ε = {:g}, τ = {:g}, b = {:g}".format(*key), STATES[key]
        checks.append(Check(f"{name}: number of states", len(expected), len(states), kind="equal"))
        for state, (rate, eigenvalue) in zip(states, expected, strict=False):
            nearest, leading = result["eigenvalues"][key, state.rate]
            checks.append(Check(f"{name}: rate", rate, state.rate, 6e-10, "absolute"))
            checks.append(Check(f"{name}: N = {rate:.4f}, Re λ", eigenvalue.real, nearest.real, 5e-5, "absolute"))
            checks.append(Check(f"{name}: N = {rate:.4f}, Im λ", eigenvalue.imag, nearest.imag, 2e-4, "absolute"))
            checks.append(Check(f"{name}: N = {rate:.4f} is stable", eigenvalue.real < 0, leading < 0, kind="equal"))
    residual = max(abs(s.residual) for states in result["found"].values() for s in states)
    checks.append(Check("largest residual of N (τ + I) = 1", 0.0, residual, 1e-12, "absolute"))
    checks.append(
        Check("the solver stays at the lowest of three: relative change", 0.0, result["stay"], 1e-3, "absolute")
    )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for k, (epsilon, (b, rate)) in enumerate(result["curves"].items()):
        label = rf"$\varepsilon = {epsilon:g}$" if epsilon else "hard threshold"
        axes.semilogy(b, rate, color=f"C{k}", label=label)
        for fold in result["folds"][epsilon]:
            axes.plot(fold.b, fold.rate, "o", color=f"C{k}", markersize=6)
    for ((_, tau, b), rate), (_, growth) in result["eigenvalues"].items():
        if tau == 0.2:
            axes.plot(b, rate, "s" if growth < 0.0 else "x", color="k", markersize=6)
    axes.plot([], [], "sk", label="stable")
    axes.plot([], [], "xk", label="unstable")
    axes.set(xlabel="connectivity $b$", ylabel="stationary rate $N$", xlim=(-2, 5), ylim=(3e-2, 6))
    axes.set_title(r"Steady states with a random threshold, $\tau = 0.2$; folds (dots)")
    axes.legend(fontsize=8, loc="upper left")
    return figure
