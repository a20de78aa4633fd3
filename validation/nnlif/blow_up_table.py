"""Wherever the theorem says that a datum blows up, the detector finds it, and before the theorem's latest time."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The blow-up criterion against the blow-up detector",
    statement=(
        "For b > 0, if μ b M_μ(0) ≥ e^{μ V_F} − e^{μ V_R} for some μ > V_F/a (M_μ = ∫ e^{μv} n dv), the solution "
        "blows up no later than (μ V_F − ln M_μ(0))/(μ(μ a − V_F)). Over a table of b, centre and variance the "
        "detector must find every one of them, in time. The theorem is only sufficient: the table also shows what it "
        "leaves open."
    ),
    source="Cáceres, Carrillo, Perthame (2011), Thm 2.2, with the constants of its proof",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "0.3 to 40", "v0": "0 to 1.9", "variance": "0.001 to 0.25"},
)

DATA = ((0.0, 0.25), (1.0, 0.05), (1.5, 0.02), (1.5, 0.005), (1.75, 0.01), (1.83, 0.003), (1.9, 0.001))
STRENGTHS = (0.3, 0.5, 0.8, 1.2, 2.0, 5.0, 12.0, 40.0)
# (v0, variance): least b for which the criterion holds, with the best μ
THRESHOLDS = {(0.0, 0.25): 14.338, (1.5, 0.005): 1.1635, (1.83, 0.003): 0.43618904, (1.9, 0.001): 0.25744754}
UNTIL = 3.0


def run(quick: bool) -> dict:
    strengths = STRENGTHS[::2] if quick else STRENGTHS
    table = {}
    for datum in DATA:
        for b in strengths:
            model, initial = fp.nnlif(b=b), fp.gaussian(*datum)
            criterion = fp.blow_up_criterion(model, initial)
            end = min(UNTIL, 1.01 * criterion.latest_time)
            grid = model.grid(400 if quick else 800, finest=2e-5)
            sol = fp.solve(model, initial, (0.0, end), grid=grid, rtol=1e-5, save_at=[], estimate_error=False)
            table[datum, b] = (criterion, sol)
    return {"table": table, "strengths": strengths, "thresholds": {d: least_strength(d) for d in THRESHOLDS}}


def least_strength(datum: tuple[float, float]) -> float:
    """The b at which the criterion starts to hold, by bisection."""
    low, high = 0.01, 100.0
    while high - low > 1e-7 * high:
        middle = 0.5 * (low + high)
        holds = fp.blow_up_criterion(fp.nnlif(b=middle), fp.gaussian(*datum)).satisfied
        low, high = (low, middle) if holds else (middle, high)
    return high


def check(result: dict) -> list[Check]:
    checks = []
    for datum, predicted in THRESHOLDS.items():
        name = f"data {datum}: least b that the criterion accepts"
        checks.append(Check(name, predicted, result["thresholds"][datum], 3e-4))  # at the end of the range of μ
    accepted = {key: row for key, row in result["table"].items() if row[0].satisfied}
    found = [sol.status is fp.Status.BLOW_UP for _, sol in accepted.values()]
    checks.append(Check("cases in which the criterion holds", 5, len(found), 0.0, "at least"))
    # Where b n0(V_F) ≥ 1 already, the blow-up is at once: t* = 0.
    checks.append(Check("of these the detector finds", len(found), sum(found), kind="equal"))
    late = [sol.blow_up.time / criterion.latest_time for criterion, sol in accepted.values() if sol.blow_up]
    checks.append(Check("t* over the latest time, largest", 1.0, max(late, default=np.nan), 0.0, "at most"))
    open_cases = [sol.status for criterion, sol in result["table"].values() if not criterion.satisfied]
    decided = sum(status in (fp.Status.BLOW_UP, fp.Status.FINISHED) for status in open_cases)
    checks.append(
        Check("cases that the criterion leaves open: decided by the run", len(open_cases), decided, kind="equal")
    )
    return checks


def plot(result: dict):
    from matplotlib.colors import LogNorm
    from matplotlib.figure import Figure

    strengths = result["strengths"]
    times = np.full((len(DATA), len(strengths)), np.nan)
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    for i, datum in enumerate(DATA):
        for j, b in enumerate(strengths):
            criterion, sol = result["table"][datum, b]
            times[i, j] = sol.blow_up.time if sol.blow_up else np.nan
            text = f"{times[i, j]:.3g}" if sol.blow_up else "steady"
            bound = f"\n≤ {criterion.latest_time:.3g}" if criterion.satisfied else ""
            axes.text(j, i, text + bound, ha="center", va="center", fontsize=8, color="k")
    image = axes.imshow(times, aspect="auto", cmap="viridis_r", norm=LogNorm(1e-4, 1.0), alpha=0.7)
    axes.set_xticks(range(len(strengths)), [f"{b:g}" for b in strengths])
    axes.set_yticks(range(len(DATA)), [f"{v0:g}, {s2:g}" for v0, s2 in DATA])
    axes.set(
        xlabel="connectivity $b$",
        ylabel="$v_0$, variance",
        title="blow-up time $t^*$; second line: the theorem's bound",
    )
    figure.colorbar(image, ax=axes, label="$t^*$")
    return figure
