"""Without noise a network whose drive stays below the threshold is silent; one that is driven across it can blow up."""

import numpy as np
from scipy.integrate import solve_ivp

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Noise induces the blow-up; the deterministic network blows up only if driven across V_F",
    statement=(
        "With a0 = a1 = 0 and I ≤ V_F the drift at V_F points inwards: N = 0 solves for all times, also for the data "
        "that blow up with noise. With I > V_F the rate is N = (I − V_F) n(V_F)/(1 − b n(V_F)), which becomes "
        "infinite when b n(V_F−) reaches 1: that the deterministic equation does not blow up is true of subthreshold "
        "drive only."
    ),
    source="Cáceres, Carrillo, Perthame (2011), introduction, read with care; the second part by characteristics",
    parameters={"a0": 0, "a1": 0, "V_R": 1, "V_F": 2, "datum": "as in the excitatory blow-up; Gaussian(0.5, 0.09)"},
)

# The data of the excitatory blow-up.
SILENT = {"b = 1.5": (1.5, (1.5, 0.005)), "b = 3": (3.0, (-1.0, 0.5))}
I, DATUM = 3.0, fp.gaussian(0.5, 0.09)
BLOWS_UP, PASSES = 0.9, 0.4
V_R, V_F = 1.0, 2.0


def run(quick: bool) -> dict:
    silent = {}
    for label, (b, datum) in SILENT.items():
        for a0 in (0.0, 1.0):
            model = fp.nnlif(b=b, a0=a0)
            silent[label, a0] = fp.solve(model, fp.gaussian(*datum), (0.0, 4.0), scheme=fp.Upwind())
    driven, exact = {}, {}
    for b in (BLOWS_UP, PASSES):
        model = fp.nnlif(b=b, a0=0.0, external=I)
        end = 2.0 if b == BLOWS_UP else 0.6
        grids = [model.grid(cells, v_min=-1.5) for cells in ((1600, 3200, 6400) if quick else (6400, 12800, 25600))]
        driven[b] = [
            fp.solve(model, DATUM, (0.0, end), grid=g, scheme=fp.Upwind(), rtol=1e-6, estimate_error=False)
            for g in grids
        ]
        exact[b] = characteristics(b, end)
    return {"silent": silent, "driven": driven, "exact": exact}


def characteristics(b: float, end: float):
    """N(t) and the time when b n(V_F) = 1, as long as no neuron comes to V_F a second time.

    What reaches V_F at t started at x(t) with x' = e^t (V_F − I − b N), and n(V_F, t) = n0(x) e^t.
    """

    def trace(t: float, x: float) -> float:
        return float(DATUM.value(np.array([x]), V_F)[0]) * np.exp(t)

    def rate(t: float, x: float) -> float:
        p = trace(t, x)
        return (I - V_F) * p / (1.0 - b * p)

    def infinite(t: float, x: np.ndarray) -> float:
        return 1.0 - b * trace(t, x[0]) - 1e-6

    infinite.terminal = True
    path = solve_ivp(
        lambda t, x: np.exp(t) * (V_F - I - b * np.array([rate(t, x[0])])),
        (0.0, end), [V_F], rtol=1e-11, atol=1e-13, events=infinite, dense_output=True,
    )  # fmt: skip
    ending = path.t_events[0][0] if len(path.t_events[0]) else np.nan
    return lambda t: np.array([rate(s, path.sol(s)[0]) for s in t]), ending


def check(result: dict) -> list[Check]:
    checks = []
    for (label, a0), sol in result["silent"].items():
        status = fp.Status.FINISHED if a0 == 0.0 else fp.Status.BLOW_UP
        checks.append(Check(f"{label}, a0 = {a0:g}: status", status.name, sol.status.name, kind="equal"))
        if a0 == 0.0:
            # The datum's tail beyond the first face below V_F is all that could fire.
            checks.append(Check(f"{label}, a0 = 0: largest N", 0.0, float(sol.rate.max()), 0.0, "at most"))
    rate, _ = result["exact"][PASSES]
    times = np.linspace(0.05, 0.6, 50)
    computed = [sol.rate_at(times) for sol in result["driven"][PASSES]]
    errors = [float(np.max(np.abs(N - rate(times)))) for N in computed]
    order = np.log2(errors[-2] / errors[-1])
    extrapolated = float(np.max(np.abs(2.0 * computed[-1] - computed[-2] - rate(times))) / rate(times).max())
    checks.append(Check("I > V_F, b = 0.4: N, extrapolated: error over its peak", 0.0, extrapolated, 3e-3, "absolute"))
    checks.append(Check("I > V_F, b = 0.4: order of the upwind scheme", 1.0, float(order), 0.1, "absolute"))
    _, ending = result["exact"][BLOWS_UP]
    *_, coarse, fine = result["driven"][BLOWS_UP]
    checks.append(Check("I > V_F, b = 0.9: status", fp.Status.BLOW_UP.name, fine.status.name, kind="equal"))
    measured = [sol.blow_up.time if sol.blow_up else np.nan for sol in (coarse, fine)]
    checks.append(Check("I > V_F, b = 0.9: t*", ending, measured[1], 1e-2))
    checks.append(Check("I > V_F, b = 0.9: t*, extrapolated", ending, 2 * measured[1] - measured[0], 2e-3))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, ((label, a0), sol) in enumerate(result["silent"].items()):
        left.plot(
            sol.t, np.maximum(sol.rate, 1e-9), color=f"C{k // 2}", ls="-" if a0 else "--", label=f"{label}, a₀ = {a0:g}"
        )
    left.set(yscale="log", ylim=(1e-4, 1e4), xlabel="time $t$", ylabel="$N$", title="no drive: noise makes the blow-up")
    left.text(0.98, 0.04, "without noise: N = 0", transform=left.transAxes, ha="right")
    left.legend(fontsize=8)
    for k, (b, solutions) in enumerate(result["driven"].items()):
        sol, (rate, ending) = solutions[-1], result["exact"][b]
        right.semilogy(sol.t, sol.rate, color=f"C{k}", label=f"b = {b:g}, upwind")
        times = np.linspace(0.02, np.nanmin([ending * (1 - 1e-6), sol.t[-1]]), 300)
        right.semilogy(times, rate(times), "k:", lw=1.5, label=None if k else "characteristics")
    right.axvline(result["exact"][BLOWS_UP][1], color="C0", lw=0.8)
    right.set(xlabel="time $t$", ylabel="$N$", ylim=(1e-3, 1e3), title=f"driven across V_F: I = {I:g}")
    right.legend(fontsize=8)
    return figure
