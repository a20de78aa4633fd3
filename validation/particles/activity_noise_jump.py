"""Where spikes bring noise, a blow-up is a drift and a diffusion at one instant: neurons, density, closed form."""

import numpy as np
from scipy.interpolate import PchipInterpolator
from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The firing event of a network whose noise grows with its activity",
    statement=(
        "With a(N) = a0 + a1 N, z spikes per neuron at one instant move a potential by bz and add the variance 2 a1 z. "
        'If who fired receives nothing more ("none"), Δ is the least z > 0 with P(V_F met by z) < z, which is known '
        "in closed form. The cascade of finitely many neurons and the density by the clock of the activity meet it, "
        "and from a regular start they agree on t*, on Δ and on the density after it, by every convention."
    ),
    source=(
        "P: reflection principle with drift (inverse Gaussian law); equation: Dou, Zhou (2022), arXiv:2206.06972, of "
        "which a(N) = a0 + a1 N is the case with noise"
    ),
    parameters={"a0": 1, "V_R": 1, "V_F": 2, "(b, a1)": "(−1, 1), (0, 1), (0.5, 0.2)", "neurons": "up to 4e5"},
)

AT_ONCE = fp.compatible_gaussian(1.85, 0.01)
"""Its slope at V_F is beyond the critical 1/a1: the event is at t = 0."""
AT_ONCE_LAWS = ((-1.0, 1.0), (0.0, 1.0), (0.5, 0.2))
AT_ONCE_STEP, AT_ONCE_STEPS = 1e-6, 20
# label: b, a1, datum, end, conventions
CASES = {
    "inhibitory": (-1.0, 1.0, fp.compatible_gaussian(1.5, 0.005), 0.013, ("keep", "discard", "none")),
    "excitatory": (0.5, 0.2, fp.compatible_gaussian(1.6, 0.005), 0.0125, ("discard", "none")),
}
# quick or not: neurons, steps from long to short, seeds of each; for the event at once neurons and seeds
PLANS = {
    True: (100_000, (1.6e-4, 4e-5), (4, 4), 100_000, 6),
    False: (200_000, (1.6e-4, 4e-5, 1e-5), (6, 6, 6), 1_000_000, 8),
}
ERRORS = 4.0
"""Standard errors, of 4 to 16 seeds."""
LATE = 10.0
"""Steps by which the particles may be late: a generation a step, until they fire at more than ten per unit of time."""
LAG = 0.5
"""Δ and fired neurons: kicks late by steps cost at most this, times the square root of the step."""
RIGHT, WRONG = 5.0, 100.0
"""Standard deviations of χ² at which a convention is accepted, and by which another must be rejected."""
FALLING = 1.5
"""Of the L1 distance that falls like √dt, which holds the noise of the histograms as well."""


def met(b: float, a1: float, z: float, away: np.ndarray) -> np.ndarray:
    """P that b s + √(2 a1) W_s reaches `away` for an s up to z."""
    width = np.sqrt(2.0 * a1 * z)
    return ndtr((b * z - away) / width) + np.exp(b * away / a1 + log_ndtr(-(away + b * z) / width))


def closed_form(b: float, a1: float) -> float:
    """Δ of the event at once, by the convention "none"."""
    edges = np.linspace(AT_ONCE.lowest, 2.0, 20_001)
    v = 0.5 * (edges[1:] + edges[:-1])
    share = AT_ONCE.value(v, 2.0) / AT_ONCE.value(v, 2.0).sum()

    def beyond(z: float) -> float:
        return float(share @ met(b, a1, z, 2.0 - v)) - z

    stages = np.linspace(0.01, 1.0, 100)
    first = next(z for z in stages if beyond(z) < 0.0)
    return float(brentq(beyond, first - 0.01, first, xtol=1e-12))


class Runs:
    """Events and pooled histogram of some seeds."""

    def __init__(self, model, datum, end: float, overshoot: str, count: int, dt: float, seeds: int):
        self.bins, self.count, self.dt, self.seeds = model.grid(80, v_min=0.0), count, dt, seeds
        runs = [
            fp.simulate(
                model, count, datum, (0.0, end), dt=dt, seed=seed, overshoot=overshoot, save_at=[end], bins=self.bins
            )
            for seed in range(seeds)
        ]
        first = [run.jumps[0] if run.jumps else None for run in runs]
        self.numbers = {len(run.jumps) for run in runs}
        rows = [
            [j.time if j else np.nan, j.fraction if j else np.nan, r.fired[-1]]
            for j, r in zip(first, runs, strict=True)
        ]
        self.mean, self.error = np.mean(rows, axis=0), np.std(rows, axis=0, ddof=1) / np.sqrt(seeds)
        self.generations = first[0].generations if first[0] else ()
        shares = np.mean([run.density[-1] for run in runs], axis=0) * self.bins.width
        self.shares = np.append(shares, 1.0 - shares.sum())

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
    mass = np.concatenate([[0.0], np.cumsum(sol.final.density * sol.grid.width)])
    shares = np.diff(PchipInterpolator(sol.grid.faces, mass)(bins.faces))
    return np.append(shares, 1.0 - shares.sum())


def run(quick: bool) -> dict:
    count, steps, seeds, count_at_once, seeds_at_once = PLANS[quick]
    cells = 1600 if quick else 3200
    at_once, densities, runs = {}, {}, {}
    for b, a1 in AT_ONCE_LAWS:
        model = fp.nnlif(b=b, a1=a1)
        grid = model.grid(cells, finest=0.08 / cells)
        event = fp.cascade(model, fp.State(0.0, grid, AT_ONCE.cell_averages(grid), np.inf), "none")
        end = AT_ONCE_STEPS * AT_ONCE_STEP
        particles = Runs(model, AT_ONCE, end, "none", count_at_once, AT_ONCE_STEP, seeds_at_once)
        at_once[b, a1] = (closed_form(b, a1), event.fraction, particles)
    for label, (b, a1, datum, end, conventions) in CASES.items():
        model = fp.nnlif(b=b, a1=a1)
        for overshoot in conventions:
            densities[label, overshoot] = fp.solve(
                model, datum, (0.0, end), grid=model.grid(cells, finest=0.008 / cells), save_at=[0.0, end],
                clock=fp.ActivityClock(overshoot=overshoot), estimate_error=False,
            )  # fmt: skip
            runs[label, overshoot] = [
                Runs(model, datum, end, overshoot, count, *plan) for plan in zip(steps, seeds, strict=True)
            ]
    return {"at once": at_once, "densities": densities, "runs": runs}


def check(result: dict) -> list[Check]:
    checks = []
    for (b, a1), (exact, density, particles) in result["at once"].items():
        name = f"at once, b = {b:g}, a1 = {a1:g}: Δ of"
        checks.append(Check(f"{name} the density", exact, density, 1e-5))
        fraction, error = particles.mean[1], particles.error[1]
        checks.append(Check(f"{name} the particles", exact, fraction, ERRORS * error, "absolute"))
        checks.append(Check(f"{name} the particles: its standard error", 2e-3, error, 0.0, "at most"))
    for (label, overshoot), runs in result["runs"].items():
        sol = result["densities"][label, overshoot]
        checks.append(Check(f"{label}, {overshoot}: events of the density", 1, len(sol.jumps), kind="equal"))
        expected = (sol.jumps[0].time, sol.jumps[0].fraction, sol.fired[-1])
        spread = np.max([r.error * np.sqrt(r.seeds) for r in runs], axis=0)  # few may lie close together by chance
        for r in runs:
            name, lag = f"{label}, {overshoot}, dt = {r.dt:g}:", LAG * np.sqrt(r.dt)
            checks.append(Check(f"{name} events", {1}, r.numbers, kind="equal"))
            lags = (LATE * r.dt, lag, lag)
            for quantity, value, found, error, late in zip(
                ("t*", "Δ", "spikes per neuron"), expected, r.mean, spread / np.sqrt(r.seeds), lags, strict=True
            ):
                checks.append(Check(f"{name} {quantity}", value, found, late + ERRORS * error, "absolute"))
        checks += after(result, label, overshoot)
    return checks


def after(result: dict, label: str, overshoot: str) -> list[Check]:
    """The density after the event, by its own convention and by the others."""
    coarse, fine = result["runs"][label, overshoot][0], result["runs"][label, overshoot][-1]
    sol, checks = result["densities"][label, overshoot], []
    if overshoot == "none":  # who fires just before the event receives its kicks, who fires within it does not
        bound = FALLING * coarse.distance(sol) * np.sqrt(fine.dt / coarse.dt)
        text = f"{label}, none: L1 distance after it, dt = {fine.dt:g}; from dt = {coarse.dt:g} by order 1/2"
        checks.append(Check(text, bound, fine.distance(sol), 0.0, "at most"))
    else:
        text = f"{label}, {overshoot}: χ² of what comes after it, in standard deviations"
        checks.append(Check(text, 0.0, fine.deviation(sol), RIGHT, "at most"))
    for (which, other), density in result["densities"].items():
        if which == label and other != overshoot:
            text = f'{label}, "{overshoot}" against the density of "{other}": χ², in standard deviations'
            checks.append(Check(text, WRONG, fine.deviation(density), 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(13, 7), layout="constrained")
    (once, generations, falling), below = figure.subplots(2, 3)
    for k, ((b, a1), (exact, _, particles)) in enumerate(result["at once"].items()):
        z = np.linspace(1e-3, 1.0, 200)
        edges = np.linspace(AT_ONCE.lowest, 2.0, 2001)
        v = 0.5 * (edges[1:] + edges[:-1])
        share = AT_ONCE.value(v, 2.0) / AT_ONCE.value(v, 2.0).sum()
        once.plot(z, [share @ met(b, a1, x, 2.0 - v) for x in z], color=f"C{k}", label=f"b = {b:g}, $a_1$ = {a1:g}")
        once.errorbar(exact, particles.mean[1], particles.error[1], fmt="o", ms=5, color=f"C{k}", capsize=3)
    once.plot([0, 1], [0, 1], "k--", lw=1)
    once.set(xlabel="spikes per neuron z", title="P($V_F$ met by z); Δ of the particles (dots)")
    for k, ((label, overshoot), runs) in enumerate(result["runs"].items()):
        name = f"{label}, {overshoot}"
        generations.plot(runs[-1].generations, ".-", color=f"C{k}", lw=1, label=name)
        jump = result["densities"][label, overshoot].jumps[0]
        away, error = [r.mean[1] - jump.fraction for r in runs], [r.error[1] for r in runs]
        dt = np.array([r.dt for r in runs]) * (1.0 + 0.06 * k)
        falling.errorbar(dt, away, error, fmt="o-", color=f"C{k}", capsize=3, label=name)
    generations.set(xlabel="generation", ylabel="fraction of the neurons", title="a cascade, generation by generation")
    falling.axhline(0.0, color="k", lw=0.8)
    falling.set(xscale="log", xlabel="dt", title="Δ of the particles − Δ of the density")
    for axes, overshoot in zip(below, CASES["inhibitory"][4], strict=True):
        fine = result["runs"]["inhibitory", overshoot][-1]
        for k, other in enumerate(CASES["inhibitory"][4]):
            values = shares_of(result["densities"]["inhibitory", other], fine.bins)[:-1] / fine.bins.width
            axes.stairs(values, fine.bins.faces, color=f"C{k + 3}", lw=1, label=f"density, {other}")
        axes.plot(fine.bins.v, fine.shares[:-1] / fine.bins.width, "k.", ms=4, label=f"particles, {overshoot}")
        axes.set(title=f"inhibitory, after it, {overshoot}", xlabel="v", xlim=(0, 2), ylim=(1e-2, 10), yscale="log")
    for axes in (once, generations, falling, *below):
        axes.legend(fontsize=7)
    return figure
