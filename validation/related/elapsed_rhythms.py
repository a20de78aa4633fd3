"""The time-elapsed model between weak and strong connectivity: self-sustained rhythms, one of them in closed form."""

import itertools
import warnings

import numpy as np
from scipy.special import lambertw

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Time elapsed: spontaneous rhythms at intermediate connectivity, and a periodic solution in closed form",
    statement=(
        "p = 1_{s > σ(JX)}, σ falling. (i) With a distributed delay and J between the weak and the strong case the "
        "one steady state is unstable, and solutions tend to a periodic one: its period and its range do not depend"
        " on the start, do not change over fifty periods and hardly with the grid. (ii) X = N: the T-periodic N = A"
        " + B e^{−t} on (0, T), A (1 + T) + B = 1, solves the equation for σ(x) = T + κq − W((x/A − 1) e^{κq}), κ ="
        " B/A, q = e^{−T}: N falls until the neurons that discharged together reach the age σ, and then jumps back "
        "to A + B. Started from its density the run repeats it for ten periods, each short by two cells at most."
    ),
    source=(
        "Pakdaman, Perthame, Salort, Nonlinearity 23 (2010) 55, for (i); that families of periodic solutions can be "
        "written down: the same, SIAM J. Appl. Math. (2013), arXiv:1109.3014; this one, with Lambert's W, derived here "
        "from N + ∫_{t−σ(N)}^t N ds = 1, which holds as long as σ grows no faster than t"
    ),
    parameters={"(i)": "σ = 1/2 + 5/2 / (1 + (x/0.4)^4), J = 1, λ = 0.3", "(ii)": "T = 3, A = 0.15"},
)

DURATION = fp.HillDuration(quiet=3.0, active=0.5, half=0.4, steepness=4.0)
SPREAD, UNTIL = 0.3, 200.0
STARTS = {"e^{−s}": fp.exponential(1.0), "e^{−s/4}/4": fp.exponential(4.0)}
T, A = 3.0, 0.15
B, Q = 1.0 - A * (1.0 + T), np.exp(-T)
KAPPA = B / A
HIGH, LOW, PERIODS = A + B, A + B * Q, 10


def duration(x: float) -> float:
    """σ of the explicit solution, constant where N never is."""
    share = max(x / A - 1.0, 0.0) * np.exp(KAPPA * Q)
    return max(float(T + KAPPA * Q - lambertw(share).real), 0.0)


def explicit(t: np.ndarray) -> np.ndarray:
    return A + B * np.exp(-np.mod(t, T))


def explicit_start(s: np.ndarray) -> np.ndarray:
    """n(s, 0+): who was born at the phase u of a period, times the share that the time above σ has left."""
    period = np.ceil(np.maximum(s, 1e-12) / T)
    u = period * T - s
    crossing = np.clip(u - KAPPA * (np.exp(-u) - Q), 0.0, T)  # the phase at which σ is overtaken, a period later
    exposed = np.where(period >= 2, T - crossing + (period - 2) * T, 0.0)
    return (A + B * np.exp(-u)) * np.exp(-exposed)


def explicit_masses(per_unit: int) -> np.ndarray:
    """The masses of cells of ages up to 60, by Gauss quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(5)
    s = (np.arange(60 * per_unit)[:, None] + 0.5 * (1.0 + nodes)) / per_unit
    return explicit_start(s) @ (0.5 * weights) / per_unit


def cycle(sol: fp.Solution, first: float, last: float) -> tuple[float, float, float]:
    """Period, smallest and largest N between two times: from the upward crossings of the mean."""
    seen = (sol.t >= first) & (sol.t <= last)
    t, N = sol.t[seen], sol.rate[seen]
    level = 0.5 * (N.min() + N.max())
    k = np.flatnonzero((N[:-1] < level) & (N[1:] >= level))
    up = t[k] + (level - N[k]) / (N[k + 1] - N[k]) * (t[k + 1] - t[k])
    return float(np.mean(np.diff(up))), float(N.min()), float(N.max())


def run(quick: bool) -> dict:
    model = fp.time_elapsed(fp.StepHazard(DURATION), spread=SPREAD)
    (state,) = fp.stationary_states(model)
    fine = 600 if quick else 2400
    runs = {}
    for name, start in STARTS.items():
        for cells in (fine // 2, fine):
            grid = model.grid(cells, end=30.0)
            datum = grid.sample(start)
            datum[-1] += (1.0 - datum @ grid.width) / grid.width[-1]  # who is older is in the last cell
            runs[name, cells] = fp.solve(model, datum, (0.0, UNTIL), grid=grid, estimate_error=False, save_at=[])
    orbit = fp.time_elapsed(fp.StepHazard(duration), start=HIGH)
    explicits = {}
    for per_unit in (20, 40, 80, *(() if quick else (160, 320))):
        # All who are older than T + κq are alike: the last cell holds them.
        grid = orbit.grid(int(4.0 * per_unit), end=4.0)
        masses = explicit_masses(per_unit)
        datum = np.append(masses[: grid.cells - 1], masses[grid.cells - 1 :].sum()) / grid.width
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)  # of the jumps
            explicits[per_unit] = fp.solve(
                orbit, datum / (datum @ grid.width), (0.0, PERIODS * T), grid=grid, estimate_error=False, save_at=[]
            )
    return {"state": state, "runs": runs, "explicit": explicits}


def jumps(sol: fp.Solution) -> np.ndarray:
    """The times at which N has jumped up."""
    return sol.t[1:][np.diff(sol.rate) > 0.5 * (HIGH - LOW)]


def distance(sol: fp.Solution) -> float:
    """Largest difference from the explicit solution over the run, of phases counted from the last jump."""
    ends = np.concatenate([[0.0], jumps(sol), [sol.t[-1]]])
    largest = 0.0
    for start, end in itertools.pairwise(ends):
        inside = (sol.t >= start) & (sol.t < end)
        phase = np.minimum(sol.t[inside] - start, T * (1.0 - 1e-9))
        largest = max(largest, float(np.max(np.abs(sol.rate[inside] - explicit(phase)), initial=0.0)))
    return largest


def check(result: dict) -> list[Check]:
    runs, fine = result["runs"], max(cells for _, cells in result["runs"])
    checks = [Check("(i) the steady state is stable", False, result["state"].stable, kind="equal")]
    period, low, high = cycle(runs["e^{−s}", fine], 0.5 * UNTIL, UNTIL)
    early = cycle(runs["e^{−s}", fine], 0.25 * UNTIL, 0.5 * UNTIL)
    coarse = cycle(runs["e^{−s}", fine // 2], 0.5 * UNTIL, UNTIL)
    other = cycle(runs["e^{−s/4}/4", fine], 0.5 * UNTIL, UNTIL)
    for name, (again, lowest, highest) in {"earlier": early, "from another start": other, "coarser": coarse}.items():
        tolerance = 0.005 if name == "coarser" else 1e-3
        checks.append(Check(f"(i) period {name}", period, again, tolerance))
        checks.append(Check(f"(i) range of N {name}", high - low, highest - lowest, 2.0 * tolerance))
    checks.append(Check("(i) range of N over its mean", 1.0, (high - low) / result["state"].rate, 0.0, "at least"))
    for per_unit, sol in result["explicit"].items():
        times, h = jumps(sol), 1.0 / per_unit
        checks.append(Check(f"(ii) h = 1/{per_unit}: jumps of N", PERIODS, len(times), 1, "absolute"))
        late = np.max(np.abs(np.diff(times)[: PERIODS - 2] - T))
        checks.append(
            Check(f"(ii) h = 1/{per_unit}: error of the period over h", 2.0, float(late / h), 0.01, "at most")
        )
    errors = [distance(sol) for sol in result["explicit"].values()]
    checks.append(Check("(ii) largest error of N on the finest grid", 0.0, errors[-1], 2.0 / per_unit, "at most"))
    checks.append(Check("(ii) order of that error", 1.0, float(np.log2(errors[-2] / errors[-1])), 0.3, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6), layout="constrained")
    above, below = figure.subplots(2, 1)
    fine = max(cells for _, cells in result["runs"])
    for k, name in enumerate(STARTS):
        sol = result["runs"][name, fine]
        above.plot(sol.t, sol.rate, color=f"C{k}", label=f"from ${name.replace('−', '-')}$")
    above.axhline(result["state"].rate, color="k", lw=0.8, ls=":", label="steady state, unstable")
    above.set(xlim=(0, 40), ylabel="$N(t)$", title=f"(i) distributed delay of mean {SPREAD:g}")
    above.set_ylim(0.0, 0.9)
    above.legend(loc="upper right", ncols=3)
    t = np.linspace(0.0, PERIODS * T, 6001)
    below.plot(t, explicit(t), "k", lw=3, alpha=0.3, label="explicit")
    for k, (per_unit, sol) in enumerate(list(result["explicit"].items())[-2:]):
        below.plot(sol.t, sol.rate, color=f"C{k}", lw=1, label=f"computed, $h = 1/{per_unit}$")
    below.set(xlabel="$t$", ylabel="$N(t)$", title="(ii) X = N: the explicit periodic solution")
    below.set_ylim(0.1, 0.7)
    below.legend(loc="upper right", ncols=3)
    return figure
