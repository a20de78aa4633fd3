"""A transmission delay: no blow-up for excitation, however strong, and periodic activity for inhibition."""

import numpy as np
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Transmission delay: no blow-up; oscillations of inhibitory networks",
    statement=(
        "With b N(t − d), d > 0, solutions are global for every b: data that blow up at once without delay stay "
        "finite. For b > V_F − V_R the rate may still grow without bound, by b/(V_F − V_R) in every delay, with a "
        "density that flattens to 1/(V_F − V_R) between V_R and V_F. Up to t = d a network that was silent before is "
        "the uncoupled one. Strongly inhibitory networks with delay settle into periodic activity; without it they "
        "converge."
    ),
    source=(
        "Cáceres, Roux, Salort, Schneider (2019); Cáceres, Ramos-Lora (2021); Ikeda, Roux, Salort, Smets (2022), "
        "figures 2 and 4: periods by hp elements"
    ),
    parameters={"d": "1 (inhibition), 0.1 (excitation)", "a": "0.2 and 1", "b": "−45, −35, −50; 1.5, 3"},
)

# label: b, V_R, V_F, centre of the datum, end; period, largest N; stationary rate
CYCLES = {
    "b = −45, V_R = 0, V_F = 1": ((-45.0, 0.0, 1.0, -1.0, 45.0), (2.83878, 0.0211424), 0.00869543351227),
    "b = −35, V_R = −2, V_F = 0": ((-35.0, -2.0, 0.0, -3.0, 24.0), (3.6974, 0.4056), 0.032457484287),
}
A, D = 0.2, 1.0
# N of b = −50, a = 1, d = 1
SILENT_BEFORE = {0.5: 0.111243074, 1.0: 0.125383980, 3.0: 0.0033157, 5.0: 0.0074999, 10.0: 0.0380620}
UNCOUPLED = (0.5, 1.0)
EXCITED = (1.5, (1.5, 0.005), 0.1)
GROWING, GROWING_DELAY, DELAYS = 3.0, 0.1, 12


def run(quick: bool) -> dict:
    cells, rtol = (500, 1e-6) if quick else (2000, 1e-8)
    options = {"rtol": rtol, "atol": 1e-4 * rtol, "estimate_error": False}
    cycles, calm = {}, {}
    for label, ((b, V_R, V_F, centre, end), _, _) in CYCLES.items():
        for d in (0.0, D):
            model = fp.nnlif(b=b, a0=A, V_R=V_R, V_F=V_F, delay=d)
            wide = V_R < 0.0  # the input takes the density down to bN ≈ −14
            grid = model.grid(2 * cells if wide else cells, v_min=-9.0 if wide else -4.0, finest=2.0 / cells)
            (cycles if d else calm)[label] = fp.solve(
                model, fp.gaussian(centre, A), (0.0, end if d else 15.0), grid=grid, **options
            )
    model = fp.nnlif(b=-50.0, delay=1.0)
    silent = fp.solve(
        model, fp.gaussian(0.0, 0.25), (0.0, 10.0), grid=model.grid(2 * cells, finest=1.0 / cells), **options
    )
    b, datum, d = EXCITED
    finite = {}
    for delay in (0.0, d):
        model = fp.nnlif(b=b, delay=delay)
        grid = model.grid(800, finest=1e-5)
        finite[delay] = fp.solve(model, fp.gaussian(*datum), (0.0, 1.0), grid=grid, rtol=1e-5)
    model = fp.nnlif(b=GROWING, delay=GROWING_DELAY)
    growing = fp.solve(
        model, fp.gaussian(1.0, 0.1), (0.0, DELAYS * GROWING_DELAY), grid=model.grid(cells, finest=1e-6), rtol=1e-5,
        estimate_error=False,
    )  # fmt: skip
    return {"cycles": cycles, "calm": calm, "silent": silent, "finite": finite, "growing": growing}


def cycle(sol: fp.Solution, level: float) -> tuple[float, float]:
    """Last period, between upward crossings of `level`, and the largest N within it."""
    up = np.flatnonzero((sol.rate[:-1] < level) & (sol.rate[1:] >= level))
    before, after = (brentq(lambda t: float(sol.rate_at(t)) - level, sol.t[k], sol.t[k + 1]) for k in up[-2:])
    return after - before, float(sol.rate_at(np.linspace(before, after, 4001)).max())


def check(result: dict) -> list[Check]:
    checks = []
    for label, (_, (period, largest), stationary) in CYCLES.items():
        measured = cycle(result["cycles"][label], stationary)
        checks.append(Check(f"{label}, d = 1: period", period, measured[0], 1e-3))
        checks.append(Check(f"{label}, d = 1: largest N", largest, measured[1], 3e-3))
        calm = result["calm"][label]
        checks.append(Check(f"{label}, d = 0: N converges to", stationary, float(calm.rate[-1]), 1e-4))
    for t, rate in SILENT_BEFORE.items():
        tolerance = 5e-5 if t in UNCOUPLED else 3e-3  # beyond d, N is the tail of a density that b pushed away
        checks.append(Check(f"b = −50, d = 1: N({t:g})", rate, float(result["silent"].rate_at(t)), tolerance))
    without, with_delay = result["finite"][0.0], result["finite"][EXCITED[2]]
    checks.append(Check("b = 1.5, d = 0: status", fp.Status.BLOW_UP.name, without.status.name, kind="equal"))
    checks.append(Check("b = 1.5, d = 0.1: status", fp.Status.FINISHED.name, with_delay.status.name, kind="equal"))
    sol = result["growing"]
    checks.append(Check("b = 3, d = 0.1: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
    middle = GROWING_DELAY * (np.arange(DELAYS - 3, DELAYS) + 0.5)
    factors = sol.rate_at(middle[1:]) / sol.rate_at(middle[:-1])
    checks.append(Check("b = 3: factor per delay, → b/(V_F − V_R)", GROWING, float(factors[-1]), 2e-2))
    plateau = sol.final.density[(sol.v > 1.1) & (sol.v < 1.9)]
    checks.append(Check("b = 3: plateau of n, → 1/(V_F − V_R)", 1.0, float(plateau.mean()), 2e-2))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_density_image

    figure = Figure(figsize=(12, 7), layout="constrained")
    (image, beat, silent), (other, excited, plateau) = figure.subplots(2, 3)
    second = result["cycles"]["b = −35, V_R = −2, V_F = 0"]
    plot_density_image(image, second)
    image.set(title="b = −35, d = 1", xlim=(12, 24), ylim=(-6, 0.1))
    for axes, label in ((beat, "b = −45, V_R = 0, V_F = 1"), (other, "b = −35, V_R = −2, V_F = 0")):
        axes.plot(result["cycles"][label].t, result["cycles"][label].rate, color="C3", label="d = 1")
        axes.plot(result["calm"][label].t, result["calm"][label].rate, color="C0", label="d = 0")
        axes.axhline(CYCLES[label][2], color="k", lw=0.8, ls="--")
        axes.set(xlabel="time $t$", ylabel="$N$", xlim=(0, 24), ylim=(0, 1.3 * CYCLES[label][1][1]), title=label)
        axes.legend(fontsize=8)
    sol = result["silent"]
    silent.semilogy(sol.t, sol.rate, color="C3")
    silent.set(xlabel="time $t$", ylabel="$N$", ylim=(1e-8, 1), title="b = −50: uncoupled until t = d")
    for d, run_ in result["finite"].items():
        excited.semilogy(run_.t, run_.rate, label=f"d = {d:g}")
    excited.set(xlabel="time $t$", ylabel="$N$", ylim=(1e-1, 1e4), title="b = 1.5, concentrated")
    excited.legend(fontsize=8)
    sol = result["growing"]
    plateau.plot(sol.v, sol.final.density, color="C0")
    plateau.axhline(1.0, color="k", ls="--", lw=0.8)
    plateau.set(xlabel="$v$", ylabel="$n$", xlim=(-1, 2.05), title=f"b = 3, d = 0.1, N = {sol.rate[-1]:.3g}")
    return figure
