"""For given data there is a largest b up to which the solution is global: the fold of the steady states."""

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Blow-up threshold in b for given data",
    statement=(
        "For a given datum the solution is global for b below some B > 0. For Gaussian(0, 1/4) the threshold is the "
        "fold b* = 2.100967760 of the steady states: just below, N(t) settles on the lower state; just above, N(t) "
        "lingers near the fold, for ever longer as b comes down to b*, and then blows up."
    ),
    source="Carrillo, Perthame, Salort, Smets (2015), existence for b ≤ B(n0); times: reference of 12 digits",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(0, 1/4)"},
)

DATUM = fp.gaussian(0.0, 0.25)
SETTLES = {2.05: 0.3230504861, 2.09: 0.371711419876}
BLOWS_UP = {2.11: 36.892, 2.15: 14.4976, 2.5: 3.80607}  # time of N = 1000


def run(quick: bool) -> dict[float, fp.Solution]:
    solutions = {}
    for b in (*SETTLES, *BLOWS_UP):
        model = fp.nnlif(b=b)
        # Close to the fold a small error of the equation is a large one of the passage time: hence the fine grid.
        grid = model.grid(1600 if quick else 3200, finest=1e-4)
        end = 60.0 if b in SETTLES else 50.0
        solutions[b] = fp.solve(model, DATUM, (0.0, end), grid=grid, rtol=1e-7, atol=1e-10)
    return solutions


def check(solutions: dict[float, fp.Solution]) -> list[Check]:
    checks = []
    for b, rate in SETTLES.items():
        checks.append(Check(f"b = {b}: status", fp.Status.FINISHED.name, solutions[b].status.name, kind="equal"))
        checks.append(Check(f"b = {b}: N at the end", rate, float(solutions[b].rate[-1]), 1e-4))
    for b, time in BLOWS_UP.items():
        sol = solutions[b]
        checks.append(Check(f"b = {b}: status", fp.Status.BLOW_UP.name, sol.status.name, kind="equal"))
        measured = sol.blow_up.time if sol.blow_up else float("nan")
        checks.append(Check(f"b = {b}: t*", time, measured, 1e-3))
    return checks


def plot(solutions: dict[float, fp.Solution]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), layout="constrained")
    axes = figure.subplots()
    for k, (b, sol) in enumerate(solutions.items()):
        axes.semilogy(sol.t, sol.rate, color=f"C{k}", label=f"$b = {b}$")
        if sol.blow_up:
            axes.axvline(sol.blow_up.time, color=f"C{k}", lw=0.8, ls=":")
    axes.axhline(0.4242243597863, color="0.6", lw=0.8, ls="--")
    axes.text(51, 0.45, "fold", color="0.4")
    axes.set(xlabel="time $t$", ylabel="$N(t)$", ylim=(5e-2, 1e3), xlim=(0, 60), title="$b^* = 2.1009678$")
    axes.legend(loc="upper right")
    return figure
