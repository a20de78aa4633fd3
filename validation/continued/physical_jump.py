"""The jump of the continued density is the physical one: the smallest that those who fire can account for."""

import numpy as np
from numpy.polynomial import legendre

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Through the blow-up with the physical jump",
    statement=(
        "In dilated time the density goes through the blow-up, and the fraction that fires while the physical clock "
        "stands still is Δ = inf{z > 0 : P(V ≥ V_F − bz) < z}: until then neurons wait at V_F, at Δ none is left. Δ "
        "follows from the distribution on cells, from the equation of the standing clock, and from a spectral run in "
        "physical time, whose Δ(N) exceeds the limit by the spikes ∫ N dt that are still to come before t*. Where "
        "those who fired end is a convention, and the standing clock has the final density of each."
    ),
    source=(
        "Delarue, Inglis, Rubenthaler, Tanré (2015); Dou, Zhou (2022). t*: a second code, which stopped at "
        "N = 2e4; Δ(2e4): the tail formula on its last density"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2},
)

# label: (b, datum, lower end of the cells, convention, t*, Δ at N = 2e4 by the second code)
CASES = {
    "b = 0.5": (0.5, (1.83, 0.003), 0.0, "discard", 0.0024656661, 0.81220),
    "b = 0.8": (0.8, (1.7, 0.01), -0.5, "discard", 0.0093366733, 0.75140),
    "b = 1.5": (1.5, (1.5, 0.005), -2.0, "none", 0.0401847727, None),
    "b = 3": (3.0, (-1.0, 0.5), -8.0, "none", 3.417374218, None),
}
QUICK = ("b = 0.5", "b = 3")
CELLS = {True: (800, 1e-4), False: (1600, 2.5e-5)}
"""Of the coarsest of three grids, each of half the widths: number of cells, width of the last."""
RTOL = {True: 1e-6, False: 1e-8}
MAPPED = "b = 0.5"
"""The case whose final densities are compared, by all conventions. With b > V_F − V_R only "none" has an end."""
CONVENTIONS = {"none": (0.5, 0.1), "keep": (1.0, 0.15), "discard": (0.65, 0.2)}
"""Order in the cell width of the standing clock, in L1, and its margin. Reset under a rate that diverges, the density
before the event has the edge 1/b at V_R. With "none" that edge is carried along, and transport smears it over
the root of the width; with "keep" the fired fill it up exactly, with "discard" nearly: they start where the outer
density is a little above 1/b."""
AROUND = 0.05
"""Distance to that edge within which cells do not resolve it."""
FIRST = 100.0
"""Smallest rate at which Δ(N) is looked at."""
ORDERS = 1, 2
"""Of Δ in the cell width, also from the distribution: the blow-up comes before the last of the layer at V_F is seen."""
LATER = 1.2
"""End of the runs through the event, over t*."""


def crossing(state: fp.State, b: float) -> float:
    """Δ(N) of a density on spectral elements: where P(V ≥ V_F − bz) − z comes down through zero.

    At once it is negative: in the boundary layer the density falls from 1/b to zero. That is left out.
    """
    if state.rate < FIRST:
        return np.nan
    z, excess = waiting(state, b)
    above = np.flatnonzero(excess > 0.0)
    if not len(above):
        return np.nan
    k = above[0] + int(np.argmax(excess[above[0] :] <= 0.0))
    return z[k - 1] + (z[k] - z[k - 1]) * excess[k - 1] / (excess[k - 1] - excess[k])


def waiting(state: fp.State, b: float) -> tuple[np.ndarray, np.ndarray]:
    """(z, P(V ≥ V_F − bz) − z), from the integrals of the polynomials; z increasing."""
    grid, x = state.grid, np.linspace(-1.0, 1.0, 41)
    integral = legendre.legint(grid.rule.modes(grid.spread(state.density)), lbnd=-1, axis=1)
    masses = grid.half * legendre.legval(x, integral.T)
    below = (masses + (np.cumsum(masses[:, -1]) - masses[:, -1])[:, None]).ravel()
    z = (grid.V_F - (grid.edges[:-1, None] + grid.half * (1.0 + x)).ravel()[::-1]) / b
    return z, below[-1] - below[::-1] - z


def limit(rate: np.ndarray, values: np.ndarray) -> float:
    """Value at N = ∞: N (Δ(N) − Δ) grows like ln N, so 1/N and ln(N)/N are fitted to the last decade."""
    small = rate[-1] / rate[rate > 0.1 * rate[-1]]
    terms = np.column_stack([np.ones_like(small), small, small * np.log(small)])
    return float(np.linalg.lstsq(terms, values[rate > 0.1 * rate[-1]], rcond=None)[0][0])


def extrapolated(values: list[float], *orders: int) -> float:
    """Richardson's value from grids each of half the widths of the one before."""
    table = np.array(values)
    for order in orders:
        table = table[1:] + np.diff(table) / (2.0**order - 1.0)
    return float(table[-1])


def run(quick: bool) -> dict:
    results = {}
    cells, finest = CELLS[quick]
    for label in QUICK if quick else CASES:
        b, datum, v_min, convention, time, _ = CASES[label]
        model, initial = fp.nnlif(b=b), fp.gaussian(*datum)
        grid = coarsest = model.grid(cells, v_min, finest)
        result = {"time": [], "map": [], "clock": [], "h": [], "before": []}
        for _ in range(3):
            sol = fp.solve(
                model, initial, (0.0, LATER * time), grid=grid, clock=fp.ActivityClock(convention),
                rtol=RTOL[quick], estimate_error=False, save_at=[],
            )  # fmt: skip
            before = sol.before[0]
            result["before"].append(before)
            events = [fp.cascade(model, before, convention, transport) for transport in (False, True)]
            result["time"].append(before.t)
            result["map"].append(events[0].fraction)
            result["clock"].append(events[1].fraction)
            result["h"].append(finest / 2 ** len(result["h"]))
            if label == MAPPED:
                pairs = {o: [fp.cascade(model, before, o, exact) for exact in (False, True)] for o in CONVENTIONS}
                result.setdefault("pairs", []).append(pairs)
            grid = grid.refined()
        result["event"] = events
        result["through"] = fp.solve(
            model, initial, (0.0, LATER * time), grid=coarsest,
            clock=fp.ActivityClock(convention), rtol=RTOL[quick], estimate_error=False,
        )  # fmt: skip
        # The detector settles t* to rtol of what is left of the run: let there be little left.
        result["spectral"] = fp.solve(
            model, initial, (0.0, time * (1.0 + 1e-5)), rtol=RTOL[quick],
            monitors={"delta": lambda state, b=b: crossing(state, b)},
        )  # fmt: skip
        results[label] = result
    return results


def check(results: dict) -> list[Check]:
    checks = []
    for label, result in results.items():
        _, _, _, _, time, at_2e4 = CASES[label]
        sol, delta = result["spectral"], result["spectral"].records["delta"].value
        seen = np.isfinite(delta) & (np.arange(len(delta)) > np.argmin(sol.rate))  # it may start with N ~ t^(−1/2)
        mapped, independent = extrapolated(result["map"], *ORDERS), limit(sol.rate[seen], delta[seen])
        checks += [
            Check(f"{label}: t*, extrapolated", time, extrapolated(result["time"], 2), 3e-7),
            Check(f"{label}: t* of the spectral run", sol.blow_up.time, extrapolated(result["time"], 2), 3e-7),
            Check(f"{label}: Δ, spectral run at N = ∞ and distribution on cells", independent, mapped, 1e-5),
            Check(f"{label}: Δ of the standing clock", mapped, extrapolated(result["clock"], *ORDERS), 1e-4),
            Check(f"{label}: order of its difference to the former", 1.0, order(result), 0.25, "absolute"),
        ]
        if at_2e4 is not None:
            late = seen & (sol.rate > 1e4)
            there = float(np.interp(-2e4, -sol.rate[late][::-1], delta[late][::-1]))
            conserved = delta + sol.fired
            checks += [
                Check(f"{label}: Δ(N) at N = 2e4", at_2e4, there, 1e-4),
                Check(f"{label}: the change of Δ(N) since is ∫ N dt", 0.0, np.ptp(conserved[late]), 2e-6, "at most"),
            ]
        exact, clock = result["event"]
        checks += [
            Check(f"{label}: waiting ≥ 0 up to Δ", 0.0, float(exact.waiting.min()), 1e-12, "at least"),
            Check(f"{label}: waiting ≥ 0, standing clock", 0.0, float(clock.waiting.min()), 1e-12, "at least"),
            Check(f"{label}: nobody waits at Δ", 0.0, float(clock.waiting[-1]), 1e-12, "absolute"),
            Check(f"{label}: waiting, both ways", 0.0, apart(exact, clock), 1e-2, "at most"),
        ]
        through, jump = result["through"], result["through"].jumps[0]
        step = np.diff(through.fired)[np.argmax(through.t[1:] > jump.time)]
        checks += [
            Check(f"{label}: the run goes on", fp.Status.FINISHED.name, through.status.name, kind="equal"),
            Check(f"{label}: ∫ N dt has the step Δ", result["map"][0], float(step), 1e-6),
            Check(f"{label}: mass error", 0.0, through.quality.mass_error, 1e-11, "at most"),
        ]
    checks += densities(results[MAPPED])
    return checks


def order(result: dict) -> float:
    """Of the difference of the two Δ on the two finest grids."""
    errors = np.abs(np.array(result["clock"]) - result["map"])
    return float(np.log2(errors[-2] / errors[-1]))


def apart(exact: fp.Cascade, clock: fp.Cascade) -> float:
    """Largest difference of the numbers of those who wait."""
    common = clock.spikes[clock.spikes <= exact.fraction]
    there = np.interp(common, exact.spikes, exact.waiting)
    return float(np.max(np.abs(there - clock.waiting[: len(common)])))


def distance(one: fp.State, other: fp.State) -> float:
    """∫ |n − n'| dv on the same cells."""
    return float(np.abs(one.density - other.density) @ one.grid.width)


def densities(result: dict) -> list[Check]:
    """What the conventions promise of the density after the event, and the standing clock beside it."""
    b = CASES[MAPPED][0]
    checks = []
    for convention, (predicted, margin) in CONVENTIONS.items():
        events = [pairs[convention] for pairs in result["pairs"]]
        apart = [distance(exact.after, clock.after) for exact, clock in events]
        exact = events[-1][0]
        after, grid, shift = exact.after, exact.after.grid, exact.shift
        name = f'{MAPPED}, "{convention}"'
        checks += [
            Check(f"{name}: mass after the event", 1.0, float(after.density @ grid.width), 1e-12),
            Check(f"{name}: L1 difference to the standing clock falls with order", predicted,
                  float(np.log2(apart[-2] / apart[-1])), margin, "absolute"),
            Check(f"{name}: L1 difference", 0.0, apart[-1], 0.06, "at most"),
        ]  # fmt: skip
        # Those who did not fire: the old density, moved. Those who did: by convention.
        inside = (grid.v > grid.V_R + AROUND) & (grid.v < grid.V_R + shift - AROUND)
        before = result["before"][-1]
        others = np.interp(grid.v - shift, before.grid.v, before.density)
        fired = after.density - others
        if convention == "none":
            expected = np.zeros(grid.cells)
        elif convention == "discard":
            expected = np.full(grid.cells, 1.0 / b)
        else:
            expected = np.interp(grid.v - shift + grid.V_F - grid.V_R, before.grid.v, before.density)
        error = float(np.max(np.abs(fired - expected)[inside]))
        checks.append(Check(f"{name}: density of those who fired, × b", 0.0, b * error, 1e-3, "absolute"))
    return checks


COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7")
STYLES = {"none": ("#009E73", "-."), "keep": ("#0072B2", "-"), "discard": ("#D55E00", "--")}


def plot(results: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (tails, limits), (grids, after) = figure.subplots(2, 2)
    for colour, (label, result) in zip(COLOURS, results.items(), strict=False):
        at_2e4 = CASES[label][-1]
        exact, clock = result["event"]
        tails.plot(exact.spikes, exact.waiting, color=colour, label=label)
        tails.plot(clock.spikes[::4], clock.waiting[::4], "o", ms=3, color=colour)
        widths = np.array(result["h"]) / result["h"][0]
        errors = np.abs(np.array(result["clock"]) - extrapolated(result["map"], *ORDERS))
        grids.loglog(widths, errors, "o--", color=colour, label=f"{label}: standing clock")
        errors = np.abs(np.array(result["map"]) - extrapolated(result["map"], *ORDERS))
        grids.loglog(widths, errors, "s-", mfc="none", color=colour, label=f"{label}: distribution")
        if at_2e4 is not None:
            sol, delta = result["spectral"], result["spectral"].records["delta"].value
            known = np.isfinite(delta) & (np.arange(len(delta)) > np.argmin(sol.rate))
            rate, final = sol.rate[known], limit(sol.rate[known], delta[known])
            to_come = limit(rate, sol.fired[known]) - sol.fired[known]
            limits.loglog(rate, delta[known] - final, color=colour, label=f"{label}: $\\Delta(N) - \\Delta$")
            limits.loglog(rate[::8], to_come[::8], "o", ms=3, color=colour, label="$\\int_t^{t^*} N\\, dt$")
            limits.loglog(2e4, at_2e4 - final, "s", ms=9, mfc="none", color=colour)
    tails.axhline(0.0, color="k", lw=0.8)
    tails.set(xlabel="spikes $z$ sent, per neuron", ylabel="$P(V \\geq V_F - bz) - z$",
              title="who waits at $V_F$ (line: distribution; dots: standing clock)")  # fmt: skip
    limits.set(xlabel="$N$", ylabel="spikes still to come before $t^*$",
               title="spectral run in $t$ (square: other code at $N = 2\\cdot 10^4$)")  # fmt: skip
    grids.loglog(widths, 1e-3 * widths, "k:", label="order 1")
    grids.set(xlabel="cell width (coarsest: 1)", ylabel="error of $\\Delta$", title="$\\Delta$ on three grids")
    grids.set_xticks(widths, [f"{w:g}" for w in widths])
    grids.minorticks_off()
    grids.set_ylim(1e-11, 3e-3)
    pairs = results[MAPPED]["pairs"][-1]
    for convention, (exact, clock) in pairs.items():
        colour, line = STYLES[convention]
        v = exact.after.v
        after.plot(v, exact.after.density, color=colour, ls=line, label=f'"{convention}"')
        after.plot(v, clock.after.density, color=colour, lw=3, alpha=0.25)
    before = results[MAPPED]["before"][-1]
    after.plot(before.v, before.density, color="0.6", lw=1, label="before")
    after.set(xlabel="$v$", ylabel="$n$", xlim=(0.85, 2.0), ylim=(0.0, 9.0),
              title=f"{MAPPED}: density after the event (wide: standing clock)")  # fmt: skip
    for axes in (tails, limits, after):
        axes.legend(fontsize=8)
    grids.legend(fontsize=7, ncols=2)
    return figure
