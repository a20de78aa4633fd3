"""The network without noise: silent below threshold; driven it follows its characteristics, to a blow-up if b > 0."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Noise induces the blow-up of undriven networks; driven across V_F a deterministic one blows up by itself",
    statement=(
        "With a0 = a1 = 0 and I ≤ V_F the drift at V_F points inwards: N = 0 solves for all times, also for the data "
        "that blow up with noise; if b n0(V_F) > 1 the least noise is enough for a blow-up at once. With I > V_F the "
        "rate is N = (I − V_F) n(V_F)/(1 − b n(V_F)), infinite when b n(V_F) reaches 1, which for b > 0 happened in "
        "every run and for b > V_F − V_R must. For b = 0 solutions are periodic and for b < 0 they tend to the "
        "stationary state n = N/(c − v), at the rate of the linearised equation. With little noise N differs from this "
        "by O(a0). That the deterministic equation does not blow up is true of subthreshold drive only."
    ),
    source="Cáceres, Carrillo, Perthame (2011), introduction, read with care; for the long run compare Mauroy, "
    "Sepulchre (2013), IEEE Trans. Automat. Contr. 58, 1154, on pulse-coupled oscillators",
    parameters={"a0": 0, "a1": 0, "I": 3, "V_R": 1, "V_F": 2, "datum": "Gaussian(0, 0.25), and of the blow-up papers"},
)

# The data of the excitatory blow-up.
SILENT = {"b = 1.5": (1.5, (1.5, 0.005)), "b = 3": (3.0, (-1.0, 0.5))}
I, V_R, V_F = 3.0, 1.0, 2.0
PERIOD = float(np.log((I - V_R) / (I - V_F)))
DATUM, FOOT = fp.gaussian(0.0, 0.25), -3.0
FOLLOWED, INHIBITORY, BLOWS_UP = (-1.0, 0.1), -0.5, 0.9
PUSH = 1e-6
EXCITATORY = (0.05, 0.1, 0.2, 0.5, 0.9, 1.5)
END, LONG = 2.5, 30.0
# Before the first neurons come back; and with those that come to V_F for the second, third and fourth time.
WINDOWS = {"first arrivals": np.linspace(0.02, 0.65, 141), "returns": np.linspace(0.8, END, 341)}
AT_THRESHOLD, SUBTHRESHOLD, GAINS = fp.gaussian(1.9, 0.01), 1.0, (0.9, 1.1)


def driven(b: float, a0: float = 0.0, external: float = I):
    return fp.nnlif(b=b, a0=a0, external=external)


def run(quick: bool) -> dict:
    cells = (1600, 3200) if quick else (3200, 6400, 12800)
    noises = (1e-3, 1e-4) if quick else (1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4)
    exact = {b: fp.characteristics(driven(b), DATUM, (0.0, LONG)) for b in (*FOLLOWED, INHIBITORY, 0.0, *EXCITATORY)}
    schemes = (fp.Upwind(), fp.ScharfetterGummel())
    return {
        "silent": silent(),
        "still": fp.characteristics(fp.nnlif(b=3.0, a0=0.0), fp.gaussian(-1.0, 0.5), (0.0, 4.0)),
        "exact": exact,
        "upwind": {b: [on_cells(b, count, END) for count in cells] for b in FOLLOWED},
        "fitted": [on_cells(FOLLOWED[0], cells[0], END, scheme).rate for scheme in schemes],
        "blow-up": [on_cells(BLOWS_UP, count, 1.0) for count in cells],
        "pushed": {b: pushed(b) for b in FOLLOWED},
        "noisy": {b: [(a0, with_noise(b, a0)) for a0 in noises] for b in FOLLOWED},
        "at threshold": {(gain, a0): at_threshold(gain, a0) for gain in GAINS for a0 in (1e-2, 1e-3, 1e-4)},
    }


def silent() -> dict:
    runs = {}
    for label, (b, datum) in SILENT.items():
        for a0 in (0.0, 0.1, 1.0):
            runs[label, a0] = fp.solve(fp.nnlif(b=b, a0=a0), fp.gaussian(*datum), (0.0, 4.0), scheme=fp.Upwind())
    return runs


def on_cells(b: float, cells: int, end: float, scheme: object = None) -> fp.Solution:
    model = driven(b)
    grid = model.grid(cells, v_min=FOOT)
    return fp.solve(model, DATUM, (0.0, end), grid=grid, scheme=scheme or fp.Upwind(), rtol=1e-6, estimate_error=False)


def with_noise(b: float, a0: float) -> fp.Solution:
    return fp.solve(driven(b, a0), DATUM, (0.0, END), estimate_error=False)


def at_threshold(gain: float, a0: float) -> fp.Solution:
    """A subthreshold drive and a datum with b n0(V_F) = gain."""
    b = gain / float(AT_THRESHOLD.value(np.array([V_F]), V_F)[0])
    model = driven(b, a0, SUBTHRESHOLD)
    grid = model.grid(800, finest=0.02 * a0)
    return fp.solve(model, AT_THRESHOLD, (0.0, 0.2), grid=grid, scheme=fp.ScharfetterGummel(), estimate_error=False)


def pushed(b: float) -> fp.CharacteristicSolution:
    """From the stationary state and a little of its first mode."""
    (state,) = fp.deterministic_states(driven(b))
    return fp.characteristics(
        driven(b), lambda v: state.density(v) + PUSH * state.mode(v).real, (0.0, 3.0), breaks=[V_R]
    )  # fmt: skip


def errors(solution: fp.Solution, exact: fp.CharacteristicSolution) -> np.ndarray:
    """∫ |error of N| dt over ∫ N dt in each window."""
    return np.array([distance(solution.rate_at(t), exact.rate_at(t)) for t in WINDOWS.values()])


def distance(N: np.ndarray, exact: np.ndarray) -> float:
    return float(np.sum(np.abs(N - exact)) / np.sum(exact))


def extrapolated(coarse: fp.Solution, fine: fp.Solution, exact: fp.CharacteristicSolution) -> np.ndarray:
    return np.array([distance(2.0 * fine.rate_at(t) - coarse.rate_at(t), exact.rate_at(t)) for t in WINDOWS.values()])


def check(result: dict) -> list[Check]:
    return [
        *check_silence(result),
        *check_rate(result),
        *check_blow_up(result),
        *check_noise(result),
        *check_long_run(result["exact"]),
        *check_modes(result["pushed"]),
    ]


def check_silence(result: dict) -> list[Check]:
    checks = []
    for (label, a0), sol in result["silent"].items():
        if a0 == 0.1:
            continue
        status = fp.Status.FINISHED if a0 == 0.0 else fp.Status.BLOW_UP
        checks.append(Check(f"{label}, a0 = {a0:g}: status", status.name, sol.status.name, kind="equal"))
        if a0 == 0.0:
            # The datum's tail beyond the first face below V_F is all that could fire.
            checks.append(Check(f"{label}, a0 = 0: largest N", 0.0, float(sol.rate.max()), 0.0, "at most"))
    noisy = result["silent"]["b = 1.5", 0.1].status.name
    checks.append(Check("b = 1.5, a0 = 0.1: too little noise", fp.Status.FINISHED.name, noisy, kind="equal"))
    still = result["still"]
    checks.append(Check("b = 3, a0 = 0, by characteristics: largest N", 0.0, float(still.rate.max()), 0.0, "at most"))
    for (gain, a0), sol in result["at threshold"].items():
        status = fp.Status.BLOW_UP if gain > 1.0 else fp.Status.FINISHED
        checks.append(
            Check(f"I < V_F, b n0(V_F) = {gain:g}, a0 = {a0:g}: status", status.name, sol.status.name, kind="equal")
        )
        if gain > 1.0 and sol.blow_up:
            checks.append(
                Check(f"I < V_F, b n0(V_F) = {gain:g}, a0 = {a0:g}: t*", 0.0, sol.blow_up.time, 1e-6, "at most")
            )
    return checks


def check_rate(result: dict) -> list[Check]:
    checks = []
    for b, solutions in result["upwind"].items():
        exact = result["exact"][b]
        t = np.linspace(0.01, END, 60)
        p = np.array([exact.density(V_F - 1e-12, s) for s in t])
        formula = float(np.max(np.abs((I - V_F) * p / (1.0 - b * p) / exact.rate_at(t) - 1.0)))
        checks.append(Check(f"I > V_F, b = {b:g}: N against (I − V_F) n/(1 − b n)", 0.0, formula, 1e-9, "absolute"))
        *_, coarse, fine = solutions
        orders = np.log2(errors(coarse, exact) / errors(fine, exact))
        for name, order, rest in zip(WINDOWS, orders, extrapolated(coarse, fine, exact), strict=True):
            checks.append(Check(f"b = {b:g}, {name}: order of the upwind scheme", 1.0, float(order), 0.1, "absolute"))
            checks.append(
                Check(f"b = {b:g}, {name}: N, extrapolated: relative error", 0.0, float(rest), 5e-3, "absolute")
            )
    same = float(np.max(np.abs(np.subtract(*result["fitted"]))))
    # One in compiled loops, the other not: the rounding of adaptive runs is between them.
    checks.append(Check("Scharfetter–Gummel at a0 = 0 is upwind: difference of N", 0.0, same, 1e-9, "absolute"))
    return checks


def check_blow_up(result: dict) -> list[Check]:
    exact = result["exact"][BLOWS_UP]
    *_, coarse, fine = result["blow-up"]
    measured = [sol.blow_up.time if sol.blow_up else np.nan for sol in (coarse, fine)]
    last = float(BLOWS_UP * exact.threshold_density(exact.blow_up.time))
    return [
        Check(f"b = {BLOWS_UP:g}: upwind, status", fp.Status.BLOW_UP.name, fine.status.name, kind="equal"),
        Check(f"b = {BLOWS_UP:g}: b n(V_F) at t*, by characteristics", 1.0, last, 1e-9, "absolute"),
        Check(f"b = {BLOWS_UP:g}: t*", exact.blow_up.time, measured[1], 1e-2),
        Check(f"b = {BLOWS_UP:g}: t*, extrapolated", exact.blow_up.time, 2 * measured[1] - measured[0], 2e-3),
    ]


def check_noise(result: dict) -> list[Check]:
    checks = []
    for b, runs in result["noisy"].items():
        (a, first), (c, second) = runs[-2:]
        before, after = (errors(sol, result["exact"][b]) for sol in (first, second))
        for name, order in zip(WINDOWS, np.log(before / after) / np.log(a / c), strict=True):
            checks.append(
                Check(f"b = {b:g}, {name}: N tends to that of a0 = 0 with order", 1.0, float(order), 0.1, "absolute")
            )
    return checks


def check_long_run(exact: dict) -> list[Check]:
    t = np.linspace(4 * PERIOD, LONG - 5 * PERIOD, 400)
    repeated = np.max(np.abs(exact[0.0].rate_at(t + 5 * PERIOD) - exact[0.0].rate_at(t)))
    checks = [Check("b = 0: N(t + 5T) − N(t), T = ln((I − V_R)/(I − V_F))", 0.0, float(repeated), 1e-10, "absolute")]
    (state,) = fp.deterministic_states(driven(INHIBITORY))
    sol = exact[INHIBITORY]
    late, later = (
        float(np.max(np.abs(sol.rate_at(np.linspace(T - 5, T, 999)) - state.rate))) for T in (LONG - 10, LONG)
    )
    checks.append(Check(f"b = {INHIBITORY:g}: N − N_∞ at t = {LONG:g}", 0.0, later, 3e-4, "absolute"))
    decay = np.log(later / late) / 10.0
    checks.append(Check(f"b = {INHIBITORY:g}: decay of N − N_∞", state.limiting_growth, decay, 0.05))
    for b in EXCITATORY:
        status = exact[b].status.name
        checks.append(Check(f"b = {b:g}: blow-up before t = {LONG:g}", fp.Status.BLOW_UP.name, status, kind="equal"))
    none = len(fp.deterministic_states(driven(V_F - V_R)))
    return [*checks, Check("b = V_F − V_R: stationary states", 0, none, kind="equal")]


def check_modes(runs: dict) -> list[Check]:
    checks = []
    for b, sol in runs.items():
        (state,) = fp.deterministic_states(driven(b))
        t = np.linspace(0.0, 3.0, 301)
        predicted = np.exp(state.eigenvalue() * t).real
        error = float(np.max(np.abs((sol.rate_at(t) - state.rate) / PUSH - predicted)))
        checks.append(Check(f"b = {b:g}: N − N_∞ against e^(λt), from a mode", 0.0, error, 1e-3, "absolute"))
        sign = float(np.sign(state.eigenvalue().real))
        checks.append(Check(f"b = {b:g}: sign of Re λ", float(np.sign(b)), sign, kind="equal"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 8.5), layout="constrained")
    (undriven, followed), (noise, long_run) = figure.subplots(2, 2)
    plot_silence(undriven, result["silent"])
    plot_rate(followed, result)
    plot_noise(noise, result)
    plot_long_run(long_run, result["exact"])
    return figure


def plot_silence(axes, runs: dict) -> None:
    for k, ((label, a0), sol) in enumerate(runs.items()):
        if a0:
            axes.plot(
                sol.t, np.maximum(sol.rate, 1e-9), color=f"C{k // 3}", ls="-" if a0 == 1.0 else "--",
                label=f"{label}, a₀ = {a0:g}",
            )  # fmt: skip
    axes.set(xscale="log", yscale="log", ylim=(1e-4, 1e4), xlim=(1e-3, 4), xlabel="time $t$", ylabel="$N$")
    axes.set_title("no drive: blow-up only with (enough) noise; without noise N = 0")
    axes.legend(fontsize=8)


def plot_rate(axes, result: dict) -> None:
    for k, b in enumerate((*FOLLOWED, BLOWS_UP)):
        sol = result["exact"][b]
        t = np.linspace(0.0, min(END, sol.t[-1] * (1 - 1e-9)), 1500)
        axes.semilogy(t, sol.rate_at(t), color=f"C{k}", label=f"b = {b:g}, characteristics")
        fine = (result["blow-up"] if b == BLOWS_UP else result["upwind"][b])[-1]
        at = np.linspace(0.01, 0.999 * min(END, fine.t[-1]), 50)
        axes.semilogy(at, fine.rate_at(at), "k.", ms=4, label=None if k else "upwind, finest grid")
    axes.axvline(result["exact"][BLOWS_UP].blow_up.time, color="C2", lw=0.8, ls=":")
    axes.set(xlabel="time $t$", ylabel="$N$", ylim=(1e-2, 1e3), title=f"driven across V_F (I = {I:g}): N, and $t^*$")
    axes.legend(fontsize=8)


def plot_noise(axes, result: dict) -> None:
    for k, (b, runs) in enumerate(result["noisy"].items()):
        a0 = np.array([a0 for a0, _ in runs])
        deviation = np.array([errors(sol, result["exact"][b]) for _, sol in runs])
        for j, name in enumerate(WINDOWS):
            axes.loglog(a0, deviation[:, j], "o-" if j == 0 else "s--", color=f"C{k}", label=f"b = {b:g}, {name}")
    axes.loglog(a0, 3 * a0, "k:", label="∝ a₀")
    axes.set(xlabel="$a_0$", ylabel="∫ |N − N(a₀ = 0)| / ∫ N", title="little noise changes a driven network by O(a₀)")
    axes.legend(fontsize=8)


def plot_long_run(axes, exact: dict) -> None:
    for k, b in enumerate((0.0, 0.1, INHIBITORY)):
        sol = exact[b]
        t = np.linspace(0.0, min(12.0, sol.t[-1] * (1 - 1e-9)), 4000)
        axes.semilogy(t, sol.rate_at(t), color=f"C{k}", lw=1, label=f"b = {b:g}")
    (state,) = fp.deterministic_states(driven(INHIBITORY))
    axes.axhline(state.rate, color="C2", ls=":", lw=0.8)
    axes.axvline(exact[0.1].blow_up.time, color="C1", ls=":", lw=0.8)
    axes.set(xlabel="time $t$", ylabel="$N$", ylim=(1e-1, 1e2), title="b = 0 periodic, b > 0 blows up, b < 0 settles")
    axes.legend(fontsize=8, loc="upper right")
