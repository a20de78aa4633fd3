"""The time-elapsed model along its characteristics: exact where it can be, of second order elsewhere."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Time elapsed: cells that grow older are exact without coupling, of second order with it",
    statement=(
        "∂t n + ∂s n + p(s, JX) n = 0, n(0, t) = N = ∫ p n ds, in cells of the width of a step. For p = 1_{s > 1} "
        "without coupling, N(t) is known: from the uniform density on [0, 1] it is 1 − e^{−t} up to t = 1, met to "
        "rounding; from e^{−s} it is e^{−1} cosh t up to t = 1, and then e^{−t} (cosh 1 + (e^{2(t−1)} − 1)/4 + "
        "(t − 1)/2) up to t = 2, met to order 2. With a hazard that is smooth in age and activity, N is of order 2 for "
        "X = N, for a distributed and for a fixed delay. Every steady state of the equation, N (1 + σ(JN)) = 1, is "
        "one of the scheme, to rounding; and so is the mass kept."
    ),
    source=(
        "Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55, for model and steady states; the closed form of N(t) "
        "derived here"
    ),
    parameters={"coupled": "p = (1 − e^{−s})/(1 + e^{(0.6 − X)/0.2}) · 2", "datum": "e^{−s}"},
)

SMOOTH = fp.SigmoidHazard(maximum=2.0, threshold=0.6, slope=0.2, recovery=1.0)
FEEDBACK = {"X = N": {}, "distributed delay": {"spread": 0.25}, "delay": {"delay": 0.5}}
DATUM, END = fp.exponential(1.0), 24.0
TIMES = np.array([1.25, 2.0, 3.0])
BISTABLE = fp.HillDuration(quiet=6.0, active=0.25, half=0.4, steepness=8.0)


def exact(t: np.ndarray) -> np.ndarray:
    w = t - 1.0
    later = np.exp(-t) * (np.cosh(1.0) + 0.25 * np.expm1(2.0 * w) + 0.5 * w)
    return np.where(t <= 1.0, np.exp(-1.0) * np.cosh(t), later)


def run(quick: bool) -> dict:
    free = fp.time_elapsed(fp.StepHazard(1.0))
    linear = [
        fp.solve(free, DATUM, (0.0, 2.0), grid=free.grid(cells, end=40.0), estimate_error=False)
        for cells in (800, 1600)
    ]
    grid = free.grid(800, end=40.0)
    block = np.where(grid.v < 1.0, 1.0, 0.0)
    uniform = fp.solve(free, block, (0.0, 1.0), grid=grid, estimate_error=False)
    rates = {}
    for name, options in FEEDBACK.items():
        model = fp.time_elapsed(SMOOTH, **options)
        rates[name] = []
        for cells in (192, 384, 768, 1536, *(() if quick else (3072, 6144))):
            sol = fp.solve(model, DATUM, (0.0, 3.0), grid=model.grid(cells, end=END), estimate_error=False)
            rates[name].append(sol.rate_at(TIMES))
    model = fp.time_elapsed(fp.StepHazard(BISTABLE))
    grid = model.grid(400, end=30.0)
    states = fp.stationary_states(model)
    stable = [state for state in states if state.stable]
    kept = [fp.solve(model, state.state(grid), (0.0, 4.5), estimate_error=False) for state in stable]
    return {
        "linear": linear,
        "uniform": uniform,
        "rates": rates,
        "states": states,
        "kept": list(zip(stable, kept, strict=True)),
    }


def orders(rates: list[np.ndarray]) -> np.ndarray:
    change = np.max(np.abs(np.diff(rates, axis=0)), axis=1)
    return np.log2(change[:-1] / change[1:])


def check(result: dict) -> list[Check]:
    uniform, (coarse, fine) = result["uniform"], result["linear"]
    error = np.max(np.abs(uniform.rate + np.expm1(-uniform.t)))
    errors = [np.max(np.abs(sol.rate - exact(sol.t))) for sol in (coarse, fine)]
    checks = [
        Check("uniform start, no coupling: largest error of N", 0.0, float(error), 2e-14, "absolute"),
        Check("exponential start: largest error of N", 0.0, float(errors[1]), 3e-5, "absolute"),
        Check("exponential start: order of N", 2.0, float(np.log2(errors[0] / errors[1])), 0.05, "absolute"),
        Check("error of the mass", 0.0, max(sol.quality.mass_error for sol in (uniform, fine)), 1e-12, "absolute"),
        Check("smallest density", 0.0, fine.quality.smallest_density, 0.0, "at least"),
    ]
    for name, rates in result["rates"].items():
        checks.append(Check(f"{name}: order of N", 2.0, float(orders(rates)[-1]), 0.1, "absolute"))
    checks.append(Check("steady states of a bistable network", 3, len(result["states"]), kind="equal"))
    for state in result["states"]:
        balance = state.rate * (1.0 + BISTABLE(state.rate))
        checks.append(Check(f"N (1 + σ(N)) at N = {state.rate:.6g}", 1.0, balance, 1e-12, "absolute"))
    for state, sol in result["kept"]:
        drift = np.max(np.abs(sol.rate - state.rate))
        checks.append(Check(f"run from N = {state.rate:.6g}: change of N", 0.0, float(drift), 1e-12, "absolute"))
    stable = [state.stable for state in result["states"]]
    checks.append(Check("stable, unstable, stable", [True, False, True], stable, kind="equal"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    linear = result["linear"][0]
    t = np.linspace(0.0, 2.0, 201)
    left.plot(t, exact(t), "k", lw=3, alpha=0.3, label="exact")
    left.plot(linear.t, linear.rate, "C0", label="computed")
    left.set(xlabel="$t$", ylabel="$N(t)$", title=r"$p = 1_{s > 1}$, no coupling, from $e^{-s}$")
    left.legend(loc="upper center")
    left.set_ylim(top=0.62)
    for name, rates in result["rates"].items():
        change = np.max(np.abs(np.diff(rates, axis=0)), axis=1)
        middle.loglog(END / (192 * 2.0 ** np.arange(len(change))), change, "o-", label=name)
    h = np.array([0.02, 0.1])
    middle.loglog(h, 0.02 * h**2, "k--", lw=1, label="$h^2$")
    middle.set(xlabel="cell width $h$", ylabel="change of $N$ when $h$ is halved", title="smooth hazard")
    middle.set_xticks([0.01, 0.03, 0.1], ["0.01", "0.03", "0.1"])
    middle.set_xticks([], minor=True)
    middle.legend(fontsize=8)
    N = np.linspace(0.0, 1.0, 400)
    right.plot(N, [x * (1.0 + BISTABLE(x)) for x in N], "C0")
    right.axhline(1.0, color="k", lw=0.8)
    for state in result["states"]:
        right.plot(
            state.rate, 1.0, "o", color="C2" if state.stable else "C3", fillstyle="full" if state.stable else "none"
        )
    right.set(xlabel="$N$", title=r"$N (1 + \sigma(N)) = 1$: steady states")
    return figure
