"""Inhibition: one bound on the rate for every b ≤ 0 and every concentration, and convergence at the spectral rate."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="b ≤ 0: N is bounded whatever the inhibition, and the network converges",
    statement=(
        "For b ≤ 0, constant noise and V_R ≥ 0, f(v) = min(1, (V_F − v)/(V_F − V_R)) times C e^t, C = max n0/f, is a "
        "supersolution for every b at once: n ≤ C e^t f and N ≤ C a e^t/(V_F − V_R), however concentrated the datum. "
        "For small |b| the density converges exponentially to the one stationary state; for strong inhibition that is "
        "observed as well, at the rate of the linearised operator."
    ),
    source="Carrillo, Perthame, Salort, Smets (2015), supersolution derived anew; rates: eigenvalues by two methods",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "0 to −1000", "data": "compatible Gaussians, variance down to 1e-4"},
)

# The maximum of n0/f is at v0, since n0 is the Gaussian factor times (V_F − V_R) f/Z above V_R: C = (V_F − V_R)/Z.
DATUM, C = (1.6, 0.04), 4.965697
# largest N/e^t for the datum (1.6, 0.04): hp elements
LARGEST = {0.0: 2.76781, -1.0: 2.01214, -10.0: 0.885708, -100.0: 0.672036, -1000.0: 0.672036}
NARROW = ((1.6, 0.04), (1.8, 1e-3), (1.9, 1e-4))
# b: leading eigenvalue, window in which the decay is measured
RATES = {-10.0: (-1.672513309, 10.0), -1.0: (-1.306914879, 8.0), -0.5: (-1.2546950075, 8.0), 0.5: (-1.1099622657, 9.0)}


def run(quick: bool) -> dict:
    bounded, ratios = {}, {}
    for b in LARGEST:
        for datum in NARROW if b in (0.0, -100.0) else NARROW[:1]:
            model, initial = fp.nnlif(b=b), fp.compatible_gaussian(*datum)
            grid = model.grid(800 if quick else 3200, finest=2e-6)  # for b = −1000 the drift at t = 0 is −670
            v = np.linspace(-2.0, grid.V_F, 200_001)[:-1]
            constant = float(np.max(initial.value(v, grid.V_F) / supersolution(v, grid)))
            sol = fp.solve(
                model, initial, (0.0, 1.0), grid=grid, rtol=1e-7, estimate_error=False, save_at=[],
                monitors={"n over its bound": lambda s, c=constant: over_bound(s, c)},
            )  # fmt: skip
            bounded[b, datum], ratios[b, datum] = sol, constant
    decay = {}
    for b, (_, end) in RATES.items():
        model = fp.nnlif(b=b)
        sol = fp.solve(
            model, fp.gaussian(0.0, 0.25), (0.0, 25.0), grid=model.grid(800 if quick else 3200, finest=2e-3),
            rtol=1e-10, atol=1e-14, estimate_error=False, save_at=[],
        )  # fmt: skip
        times = np.linspace(end - 2.5, end + 1.5, 81)
        gap = np.abs(sol.rate_at(times) - sol.rate[-1])
        decay[b] = (sol, float(np.polyfit(times, np.log(gap), 1)[0]))
    return {"bounded": bounded, "C": ratios, "decay": decay}


def supersolution(v: np.ndarray, grid: fp.Grid) -> np.ndarray:
    """f(v)."""
    return np.minimum(1.0, (grid.V_F - v) / (grid.V_F - grid.V_R))


def over_bound(state: fp.State, constant: float) -> float:
    """Largest n/(C e^t f), from cell averages: f is linear in every cell, since V_R is a face."""
    return float(np.max(state.density / supersolution(state.v, state.grid))) * np.exp(-state.t) / constant


def check(result: dict) -> list[Check]:
    checks = [Check("C = max n0/f", C, result["C"][0.0, DATUM], 1e-4)]
    for (b, datum), sol in result["bounded"].items():
        name, constant = f"b = {b:g}, data {datum}", result["C"][b, datum]
        scaled = float(np.max(sol.rate * np.exp(-sol.t))) / constant
        if datum == DATUM:
            checks.append(Check(f"{name}: largest N/e^t", LARGEST[b], scaled * constant, 1e-3))
        checks.append(Check(f"{name}: N over its bound C a e^t/(V_F − V_R)", 1.0, scaled, 0.0, "at most"))
        largest = float(np.max(sol.records["n over its bound"].value))
        checks.append(Check(f"{name}: n over its bound", 1.0, largest, 2e-3, "at most"))
        checks.append(Check(f"{name}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
    for b, (sol, rate) in result["decay"].items():
        (state,) = fp.stationary_states(fp.nnlif(b=b))
        checks.append(Check(f"b = {b:g}: N(25) is that of the stationary state", state.rate, float(sol.rate[-1]), 1e-5))
        checks.append(Check(f"b = {b:g}: rate of convergence", RATES[b][0], rate, 2e-3))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, b in enumerate(LARGEST):
        sol = result["bounded"][b, DATUM]
        left.plot(sol.t, sol.rate, color=f"C{k}", label=f"b = {b:g}")
    t = np.linspace(0.0, 1.0, 101)
    left.plot(t, C * np.exp(t), "k--", lw=1, label="$C\\,a\\,e^t/(V_F - V_R)$")
    left.set(xlabel="time $t$", ylabel="$N$", yscale="log", ylim=(1e-3, 30), title="one bound for every inhibition")
    left.legend(fontsize=8)
    for k, (b, (sol, _)) in enumerate(result["decay"].items()):
        times = np.linspace(0.0, 12.0, 241)
        right.semilogy(times, np.abs(sol.rate_at(times) - sol.rate[-1]), color=f"C{k}", label=f"b = {b:g}")
        guide = times[times > 2.0]
        start = np.abs(sol.rate_at(2.0) - sol.rate[-1])
        right.semilogy(guide, 2 * start * np.exp(RATES[b][0] * (guide - 2.0)), "--", color=f"C{k}", lw=1)
    right.set(xlabel="time $t$", ylabel="$|N - N_\\infty|$", ylim=(1e-12, 1), title="dashed: leading eigenvalue")
    right.legend(fontsize=8)
    return figure
