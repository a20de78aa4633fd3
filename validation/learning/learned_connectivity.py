"""What Hebbian learning leads to: the closed form, runs from ten starts, and the excitatory case mapped."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import plot_learned

CLAIM = Claim(
    title="The learned connectivity: a ramp of outputs up to a shock at w*",
    statement=(
        "The rule Φ = K(w) N N̄ leads to N(w) = w/(K N̄) and C(w) = N T(I + w σ(N̄)) between 0 and w*, where C jumps to "
        "zero; w* and N̄ solve two equations. Inhibitory learning has exactly one such state, and runs from ten "
        "different starts all end there, up to the lane in which w* lies. With σ(x) = x or x/(1 + x/m) and a "
        "constant signal excitatory learning has none, one or two."
    ),
    source=(
        "Perthame, Salort, Wainrib (2017), theorem on the connectivity arising from a learning rule; the shock: "
        "entropy solution of C_s + ((K N̄ r C − w) C)_w = 0; reference: quadrature and root finding to 1e-12"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "K": "−1, 1", "I": "0, 1, 2, a hill", "ε": 0.5, "lanes": "32, 64, 128"},
)


def hill(w: np.ndarray) -> np.ndarray:
    return 2.0 * np.exp(-((w + 0.2) ** 2) / 0.02)


TABLE = {  # weights, signal, rule, saturation: w*, N̄
    "K = −1, I = 0": (((-1.5, 0.0), 0.0, -1.0, None), (-0.165837206980, 0.117264613628)),
    "K = −1, I = 1": (((-1.5, 0.0), 1.0, -1.0, None), (-0.569183283408, 0.402473359436)),
    "K = −1, I = 2": (((-1.5, 0.0), 2.0, -1.0, None), (-1.047512901239, 0.740703475847)),
    "K = −1, I a hill": (((-1.5, 0.0), hill, -1.0, None), (-0.434561219086, 0.307281184856)),
    "K = 1, σ = x/(1 + x), I = 0": (((0.0, 1.5), 0.0, 1.0, fp.Saturating()), (0.173455898640, 0.122651842165)),
    "K = 1, σ = x/(1 + x), I = 1": (((0.0, 1.5), 1.0, 1.0, fp.Saturating()), (0.826443376866, 0.584383716049)),
}
STARTS = {
    "flat": lambda w: np.ones_like(w),
    "strong": lambda w: np.exp(-(((w + 0.85) / 0.08) ** 2)),
    "weak": lambda w: np.exp(-(((w + 0.1) / 0.08) ** 2)),
    "middle": lambda w: np.exp(-(((w + 0.5) / 0.15) ** 2)),
    "narrow": lambda w: np.exp(-(((w + 0.4) / 0.04) ** 2)),
    "two hills": lambda w: np.exp(-(((w + 0.8) / 0.06) ** 2)) + np.exp(-(((w + 0.2) / 0.06) ** 2)),
    "a block": lambda w: np.where((w > -0.9) & (w < -0.1), 1.0, 0.0),
    "rising": lambda w: 1.0 + w,
    "falling": lambda w: -w,
    "waves": lambda w: 1.0 + np.cos(20.0 * w),
}
RESOLUTIONS = (32, 64, 128)
SPEED, END = 0.5, 25.0


def long_run(lanes: int, C, cells: int = 100) -> tuple[fp.Learning, fp.Solution]:
    model = fp.learning((-1.0, 0.0), lanes=lanes, signal=1.0, speed=SPEED)
    start = fp.connectivity(C, fp.compatible_gaussian(0.0, 0.25))
    return model, fp.solve(
        model, start, (0.0, END / SPEED), grid=model.grid(cells=cells), stepper=fp.BackwardEuler(0.1), save_at=[],
        estimate_error=False,
    )  # fmt: skip


def run(quick: bool) -> dict:
    found = {
        name: fp.learned_connectivity(fp.learning(weights, signal=signal, rule=rule, saturation=law))
        for name, ((weights, signal, rule, law), _) in TABLE.items()
    }
    runs = {name: long_run(64 if quick else 128, C) for name, C in STARTS.items()}
    finer = {lanes: long_run(lanes, STARTS["flat"], 200) for lanes in RESOLUTIONS}
    levels = (np.inf, 3.0, 1.0) if quick else (np.inf, 10.0, 3.0, 1.0)
    inputs = (0.0, 1.0, 1.5) if quick else np.arange(-1.0, 2.01, 0.125)
    excited = {}
    for most in levels:
        law = None if most == np.inf else fp.Saturating(most)
        for I in inputs:
            model = fp.learning((0.0, 20.0), signal=float(I), rule=1.0, saturation=law)
            excited[most, float(I)] = tuple((s.edge, s.total) for s in fp.learned_connectivity(model))
    return {"found": found, "runs": runs, "finer": finer, "excited": excited}


def distance(model: fp.Learning, sol: fp.Solution) -> tuple[float, float]:
    """Errors of N̄ and, in L¹, of C."""
    (state,) = fp.learned_connectivity(model)
    C = sol.grid.width @ sol.final.density.T
    return (
        abs(float(model.total_rate(sol.final.rate)) - state.total),
        float(np.abs(C - state.lane_averages()).sum() * model.dw),
    )


def check(result: dict) -> list[Check]:
    checks = []
    for name, (_, (edge, total)) in TABLE.items():
        states = result["found"][name]
        checks.append(Check(f"{name}: number of learned states", 1, len(states), kind="equal"))
        checks.append(Check(f"{name}: w*", edge, states[0].edge, 1e-10))
        checks.append(Check(f"{name}: N̄", total, states[0].total, 1e-10))
    for name, (model, sol) in result["runs"].items():
        total, apart = distance(model, sol)
        checks.append(Check(f"from {name}: error of N̄", 0.0, total, 2e-4, "absolute"))
        checks.append(Check(f"from {name}: error of C in L¹", 0.0, apart, 6e-3, "absolute"))
    # A shock inside a lane: the error of C in L¹ is at most a share of the jump times dw, that of N̄ far smaller.
    for lanes, (model, sol) in result["finer"].items():
        (state,) = fp.learned_connectivity(model)
        jump = float(state.connectivity(np.array([state.edge]))[0])
        total, apart = distance(model, sol)
        checks.append(
            Check(
                f"{lanes} lanes: error of C in L¹, over the jump at w* times dw",
                0.2,
                apart / (jump * model.dw),
                0,
                "at most",
            )
        )
        checks.append(Check(f"{lanes} lanes: error of N̄ over dw²", 0.0, total / model.dw**2, 1.0, "absolute"))
    kept = max(sol.quality.mass_error for _, sol in [*result["runs"].values(), *result["finer"].values()])
    least = min(sol.quality.smallest_density for _, sol in result["runs"].values())
    checks.append(Check("error of the total mass", 0.0, kept, 1e-12, "absolute"))
    checks.append(Check("smallest density", 0.0, least, 0, "at least"))
    counts = {key: len(states) for key, states in result["excited"].items()}
    checks += [
        Check("excitatory, σ(x) = x: states at I = 0", 2, counts[np.inf, 0.0], kind="equal"),
        Check("excitatory, σ(x) = x: states at I = 1.5", 0, counts[np.inf, 1.5], kind="equal"),
        Check("excitatory, σ < 3: states at I = 1", 2, counts[3.0, 1.0], kind="equal"),
        Check("excitatory, σ < 3: states at I = 1.5 below w = 20", 0, counts[3.0, 1.5], kind="equal"),
        Check("excitatory, σ < 1: states at I = 1.5", 1, counts[1.0, 1.5], kind="equal"),
        Check(
            "inputs at which some excitatory network has two", 1, sum(n == 2 for n in counts.values()), 0, "at least"
        ),
    ]
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7.4), layout="constrained")
    (first, second), (third, fourth) = figure.subplots(2, 2)
    model, sol = result["runs"]["flat"]
    (state,) = fp.learned_connectivity(model)
    plot_learned(first, state, sol.grid.width @ sol.final.density.T, f"the equation, {model.lanes} lanes")
    first.set_title(f"learned with $I = 1$, $K = -1$: $t = {sol.t[-1]:g}$", pad=16)
    for name, (own, run) in result["runs"].items():
        total = run.rate @ np.full(own.lanes, own.dw)
        second.semilogy(run.t[1:] * own.speed, np.abs(total[1:] - state.total), lw=1.2, label=name)
    second.set(
        xlabel=r"slow time $\varepsilon t$", ylabel=r"$|\bar N - \bar N^*|$", title="from ten starts", ylim=(1e-7, 1.0)
    )
    second.legend(fontsize=7, ncols=2)
    lanes = list(result["finer"])
    apart = np.array([distance(*result["finer"][k]) for k in lanes])
    third.loglog(lanes, apart[:, 1], "o-", label="$C$ in $L^1$")
    third.loglog(lanes, apart[:, 0], "s-", label=r"$\bar N$")
    third.loglog(lanes, 0.1 * lanes[0] / np.array(lanes), "k:", lw=1.0, label="first order")
    third.set(xlabel="lanes", ylabel="error at the end", title="200 cells in $v$")
    third.set_xticks(lanes, [str(k) for k in lanes])
    third.minorticks_off()
    third.legend(fontsize=8)
    levels = list(dict.fromkeys(most for most, _ in result["excited"]))
    for k, most in enumerate(levels):
        points = [(I, edge) for (m, I), states in result["excited"].items() if m == most for edge, _ in states]
        none = [I for (m, I), states in result["excited"].items() if m == most and not states]
        label = r"$\sigma(x) = x$" if most == np.inf else rf"$\sigma(x) = x/(1 + x/{most:g})$"
        fourth.semilogy(*np.array(points).T, "o", color=f"C{k}", ms=5 - 0.8 * k, label=label)
        fourth.plot(none, np.full(len(none), 0.006 * 1.5**k), "x", color=f"C{k}", ms=5)
    fourth.annotate("crosses: no learned state", (0.03, 0.04), xycoords="axes fraction", fontsize=8, color="0.3")
    fourth.set(
        xlabel="signal $I$", ylabel="$w^*$", title="excitatory learning, $K = 1$: none, one or two", ylim=(3e-3, 30)
    )
    fourth.legend(fontsize=8, loc="upper left")
    return figure
