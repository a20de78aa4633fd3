"""At a blow-up, the network of finitely many neurons does what the density does by the clock of the activity."""

import numpy as np
from scipy.interpolate import PchipInterpolator

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="A cascade of spikes is the jump of the density",
    statement=(
        "As the number of neurons grows and the step falls, the instant t* of the cascade, the fraction Δ that fires "
        "in it, and the density after it tend to those of the equation continued by the clock of the activity. Δ "
        "errs by O(√dt): in the last step before it the layer at V_F is thinner than the way of a step, and what "
        "should have fired there fires in the cascade. What comes after tells the conventions for fired neurons apart."
    ),
    source="Delarue, Inglis, Rubenthaler, Tanré (2015), arXiv:1406.1151; Dou, Zhou (2022), arXiv:2206.06972",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "0.5; 5; 3 with τ = 0.1", "neurons": "up to 1e6"},
)

CONVENTIONS = ("keep", "discard", "none")
FIRST = 0.5
"""A cascade of at least that fraction is the event."""


class Case:
    """A model, a datum that blows up, the end of the run, and (convention, neurons, dt, seeds) in quick and full.

    Δ may err by `lag` √dt.
    """

    def __init__(self, model, datum, end, conventions, quick, full, lag, finest=1e-5):
        self.model, self.datum, self.end, self.conventions = model, datum, end, conventions
        self.plans, self.lag, self.finest = {True: quick, False: full}, lag, finest
        self.bins = model.grid(80, v_min=0.0)


CONCENTRATED, MANY, SILENT = "concentrated, b = 0.5", "b = 5, two events", "refractory, b = 3"
CASES = {
    CONCENTRATED: Case(
        fp.nnlif(b=0.5), fp.gaussian(1.83, 0.003), 0.0035, CONVENTIONS,
        [("discard", 10_000, 1e-5, 12), ("discard", 100_000, 4e-5, 8), ("discard", 100_000, 1e-5, 4),
         ("keep", 100_000, 1e-5, 2), ("none", 100_000, 4e-5, 2), ("none", 100_000, 1e-5, 2)],
        [("discard", 10_000, 2.5e-6, 24), ("discard", 100_000, 1e-5, 16), ("discard", 100_000, 2.5e-6, 12),
         ("discard", 1_000_000, 1e-5, 2), ("keep", 100_000, 2.5e-6, 3),
         ("none", 100_000, 4e-5, 4), ("none", 100_000, 2.5e-6, 3)], lag=7.0,
    ),
    MANY: Case(
        fp.nnlif(b=5.0), fp.gaussian(0.0, 0.25), 1.04, ("none",),
        [("none", 40_000, 4e-3, 4), ("none", 40_000, 1e-3, 4)],
        [("none", 100_000, 2e-3, 8), ("none", 100_000, 5e-4, 8)], lag=0.01, finest=2e-5,
    ),
    SILENT: Case(
        fp.nnlif(b=3.0, refractory=fp.ExponentialRefractory(0.1)), fp.gaussian(1.5, 0.02), 0.03, ("discard",),
        [("discard", 50_000, 1.6e-4, 4), ("discard", 50_000, 4e-5, 4)],
        [("discard", 100_000, 8e-5, 8), ("discard", 100_000, 2e-5, 4)], lag=1.5, finest=2e-5,
    ),
}  # fmt: skip
ERRORS = 3.0
"""Standard errors within which the limit must lie."""
LATE = 4.0
"""Steps by which the cascade may come late: kicks arrive at the ends of steps, and the layer at V_F is blurred."""
NARROWER = 1.5
"""Of ten times the neurons; √10 but for the error of the spread of few seeds."""
FALLING = 1.5
"""Of the L1 distance, which holds the noise of the histograms as well."""
ROUNDING = 1e-4
"""Of Δ, where everybody fires and no seed differs from another."""
RIGHT, WRONG = 5.0, 1000.0
"""Standard deviations of χ² at which a convention is accepted, and by which another must be rejected."""


class Runs:
    """The events and the pooled histogram of some seeds."""

    def __init__(self, case: Case, overshoot: str, count: int, dt: float, seeds: int):
        self.bins, self.overshoot, self.count, self.dt, self.seeds = case.bins, overshoot, count, dt, seeds
        runs = [
            fp.simulate(
                case.model, count, case.datum, (0.0, case.end), dt=dt, seed=seed, overshoot=overshoot,
                save_at=[case.end], bins=case.bins,
            )
            for seed in range(seeds)
        ]  # fmt: skip
        self.jumps = [[jump for jump in run.jumps if jump.fraction >= FIRST] for run in runs]
        self.refractory = np.array([run.refractory[-1] for run in runs])
        shares = np.mean([run.density[-1] for run in runs], axis=0) * case.bins.width
        self.shares = np.append(shares, 1.0 - shares.sum())  # the last: silent, or below the histogram

    def events(self, number: int = 0) -> np.ndarray:
        """t* and Δ of one event, a row a seed; not a number where it did not happen."""
        missing = [np.nan, np.nan]
        return np.array([[j[number].time, j[number].fraction] if len(j) > number else missing for j in self.jumps])

    def mean(self, number: int = 0) -> np.ndarray:
        return self.events(number).mean(axis=0)

    def spread(self, number: int = 0) -> np.ndarray:
        return self.events(number).std(axis=0, ddof=1)

    def error(self, number: int = 0) -> np.ndarray:
        return self.spread(number) / np.sqrt(self.seeds)

    def distance(self, sol: fp.Solution) -> float:
        """L1 distance of the histogram from the density at the end."""
        return float(np.abs(self.shares - shares_of(sol, self.bins)).sum())

    def deviation(self, sol: fp.Solution) -> float:
        """χ² of the histogram, less its mean and over its standard deviation."""
        total, p = self.count * self.seeds, shares_of(sol, self.bins)
        seen = p * total >= 10.0
        expected = total * np.append(p[seen], max(p[~seen].sum(), 1.0 / total))
        found = total * np.append(self.shares[seen], self.shares[~seen].sum())
        freedom = len(expected) - 1
        return float((np.sum((found - expected) ** 2 / expected) - freedom) / np.sqrt(2.0 * freedom))


def shares_of(sol: fp.Solution, bins: fp.Grid) -> np.ndarray:
    """Of the density at the end in the cells of a histogram, and what is in none of them."""
    grid = sol.grid
    with np.errstate(over="ignore"):
        below = PchipInterpolator(grid.faces, np.concatenate([[0.0], np.cumsum(sol.final.density * grid.width)]))
    shares = np.diff(below(bins.faces))
    return np.append(shares, 1.0 - shares.sum())


def run(quick: bool) -> dict:
    densities, runs = {}, {}
    for label, case in CASES.items():
        grid = case.model.grid(1600 if quick else 3200, finest=case.finest if quick else 0.5 * case.finest)
        for overshoot in case.conventions:
            densities[label, overshoot] = fp.solve(
                case.model, case.datum, (0.0, case.end), grid=grid, clock=fp.ActivityClock(overshoot=overshoot),
                save_at=[0.0, case.end], estimate_error=False,
            )  # fmt: skip
        runs[label] = [Runs(case, *plan) for plan in case.plans[quick]]
    return {"densities": densities, "runs": runs}


def steps(result: dict, label: str, overshoot: str) -> tuple[Runs, Runs]:
    """The runs of a convention at the longest and at the shortest step, with the same number of neurons."""
    runs = sorted((r for r in result["runs"][label] if r.overshoot == overshoot), key=lambda r: (r.count, -r.dt))
    by_count = [[r for r in runs if r.count == count] for count in {r.count for r in runs}]
    most = max((group for group in by_count if len(group) > 1), key=lambda group: group[0].count)
    return most[0], most[-1]


def check(result: dict) -> list[Check]:
    checks = []
    for label, overshoot in ((CONCENTRATED, "discard"), (MANY, "none"), (SILENT, "discard")):
        sol = result["densities"][label, overshoot]
        coarse, fine = steps(result, label, overshoot)
        for runs in (r for r in result["runs"][label] if r.overshoot == overshoot):
            name, counts = f"{label}, N = {runs.count:g}, dt = {runs.dt:g}:", {len(jumps) for jumps in runs.jumps}
            checks.append(Check(f"{name} events", {len(sol.jumps)}, counts, kind="equal"))
            for number, jump in enumerate(sol.jumps):
                allowed = (number + 1) * LATE * runs.dt + ERRORS * runs.error(number)[0]
                time, fraction = runs.mean(number)
                checks.append(Check(f"{name} t* of event {number + 1}", jump.time, time, allowed, "absolute"))
                allowed = CASES[label].lag * np.sqrt(runs.dt) + ERRORS * runs.error(number)[1]
                checks.append(Check(f"{name} Δ of event {number + 1}", jump.fraction, fraction, allowed, "absolute"))
        # Of order 1/2 in dt: Δ(0) = Δ(dt) + (Δ(dt) − Δ(q dt))/(√q − 1).
        weight = 1.0 / (np.sqrt(coarse.dt / fine.dt) - 1.0)
        limit = fine.mean()[1] + weight * (fine.mean()[1] - coarse.mean()[1])
        spread = max(coarse.spread()[1], fine.spread()[1])  # few seeds may lie close together by chance
        error = spread * np.hypot((1.0 + weight) / np.sqrt(fine.seeds), weight / np.sqrt(coarse.seeds))
        allowed = ERRORS * error + ROUNDING
        checks.append(Check(f"{label}: Δ, dt to zero", sol.jumps[0].fraction, limit, allowed, "absolute"))
    coarse, fine = steps(result, CONCENTRATED, "discard")
    fraction = result["densities"][CONCENTRATED, "discard"].jumps[0].fraction
    far, near = (runs.mean()[1] - fraction for runs in (coarse, fine))
    q = np.log(coarse.dt / fine.dt)
    spread = max(coarse.spread()[1], fine.spread()[1])
    allowed = ERRORS * spread * np.hypot(1.0 / far / np.sqrt(coarse.seeds), 1.0 / near / np.sqrt(fine.seeds)) / q
    text = f"{CONCENTRATED}: order in dt of the error of Δ"
    checks.append(Check(text, 0.5, float(np.log(far / near) / q), min(allowed, 0.4), "absolute"))
    few, many = spreads(result)
    for k, quantity in enumerate(("t*", "Δ")):
        text = f"{CONCENTRATED}: spread of {quantity} at N = {few.count:g} over that at {many.count:g}"
        checks.append(Check(text, NARROWER, float(few.spread()[k] / many.spread()[k]), 0.0, "at least"))
    return checks + after(result)


def spreads(result: dict) -> tuple[Runs, Runs]:
    """Few and ten times as many neurons, at the same step."""
    few = min(result["runs"][CONCENTRATED], key=lambda r: r.count)
    return few, next(r for r in result["runs"][CONCENTRATED] if (r.count, r.dt) == (10 * few.count, few.dt))


def after(result: dict) -> list[Check]:
    """The density after the event, by its own convention and by the others."""
    checks = []
    for label, overshoot in ((CONCENTRATED, "keep"), (CONCENTRATED, "discard"), (SILENT, "discard")):
        fine = finest(result, label, overshoot)
        deviation = fine.deviation(result["densities"][label, overshoot])
        text = f"{label}, {overshoot}: χ² of what comes after it, in standard deviations"
        checks.append(Check(text, 0.0, deviation, RIGHT, "at most"))
    for overshoot in CONVENTIONS:
        fine = finest(result, CONCENTRATED, overshoot)
        for other in CONVENTIONS:
            if other != overshoot:
                deviation = fine.deviation(result["densities"][CONCENTRATED, other])
                text = f'"{overshoot}" against the density of "{other}": χ², in standard deviations'
                checks.append(Check(text, WRONG, deviation, 0.0, "at least"))
    # Who fires in the last step before the event receives its kicks, who fires within it does not: of order 1/2.
    coarse, fine = (f(result, CONCENTRATED, "none") for f in (lambda *of: steps(*of)[0], finest))
    far, near = (runs.distance(result["densities"][CONCENTRATED, "none"]) for runs in (coarse, fine))
    text = f"{CONCENTRATED}, none: L1 distance after it, dt = {fine.dt:g}; from dt = {coarse.dt:g} by order 1/2"
    checks.append(Check(text, FALLING * far * np.sqrt(fine.dt / coarse.dt), near, 0.0, "at most"))
    sol, fine = result["densities"][SILENT, "discard"], finest(result, SILENT, "discard")
    error = fine.refractory.std(ddof=1) / np.sqrt(fine.seeds)
    allowed = ERRORS * error + LATE * fine.dt / CASES[SILENT].model.refractory.mean_duration
    text = f"{SILENT}: silent neurons after it"
    checks.append(Check(text, sol.final.refractory, float(fine.refractory.mean()), allowed, "absolute"))
    return checks


def finest(result: dict, label: str, overshoot: str) -> Runs:
    """The runs of a convention at the shortest step."""
    runs = (r for r in result["runs"][label] if r.overshoot == overshoot)
    return min(runs, key=lambda r: (r.dt, -r.count))


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    (falling, timing, growing), below = figure.subplots(2, 3)
    for k, label in enumerate((CONCENTRATED, SILENT)):
        jump = result["densities"][label, "discard"].jumps[0]
        runs = [r for r in result["runs"][label] if r.overshoot == "discard" and r.count >= 50_000]
        dt = np.array([r.dt for r in runs])
        for axes, column, exact in ((timing, 0, jump.time), (falling, 1, jump.fraction)):
            away = np.array([r.mean()[column] - exact for r in runs])
            error = np.array([r.error()[column] for r in runs])
            axes.errorbar(dt, away, error, fmt="o", color=f"C{k}", capsize=3, label=label)
    reach = np.array([4e-6, 2e-4])
    falling.plot(reach, 5.0 * np.sqrt(reach), "k--", lw=1, label="$5\\sqrt{dt}$")
    timing.plot(reach, 3.0 * reach, "k--", lw=1, label="$3\\,dt$")
    falling.set(xscale="log", yscale="log", xlabel="dt", title="Δ of the particles − Δ of the density")
    timing.set(xscale="log", xlabel="dt", title="t* of the particles − t* of the density")
    for r in result["runs"][CONCENTRATED]:
        if r.overshoot == "discard":
            name = f"N = {r.count:g}, dt = {r.dt:g}"
            growing.semilogy(np.cumsum(r.jumps[0][0].generations), ".-", ms=3, lw=0.8, label=name)
    growing.axhline(result["densities"][CONCENTRATED, "discard"].jumps[0].fraction, color="k", lw=0.8)
    growing.set(title="b = 0.5: three cascades", xlabel="generation", ylabel="fraction fired so far")
    for axes, overshoot in zip(below, CONVENTIONS, strict=True):
        fine = finest(result, CONCENTRATED, overshoot)
        for k, other in enumerate(CONVENTIONS):
            values = shares_of(result["densities"][CONCENTRATED, other], fine.bins)[:-1] / fine.bins.width
            axes.stairs(values, fine.bins.faces, color=f"C{k + 3}", lw=1, label=f"density, {other}")
        axes.plot(fine.bins.v, fine.shares[:-1] / fine.bins.width, "k.", ms=4, label=f"particles, {overshoot}")
        axes.set(title=f"after it, {overshoot}", xlabel="v", xlim=(0.8, 2), ylim=(1e-2, 30), yscale="log")
    for axes in (falling, timing, growing, *below):
        axes.legend(fontsize=7)
    return figure
