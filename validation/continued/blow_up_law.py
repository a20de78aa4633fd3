"""How the rate diverges before a firing event, and how it comes down after it."""

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="N ~ (t* − t)^(−1/2), with a coefficient that grows like a logarithm",
    statement=(
        "In dilated time 1/N goes through zero like a linear function, so N (t* − t)^q is bounded with q = 1/2. Local "
        "exponents lie above 1/2 and come down slowly, as 2 N² (t* − t) b²/a =: κ still grows, by about 1/2 whenever N "
        "grows e-fold (measured; so q − 1/2 ≈ 1/(8 κ)). The density outside the boundary layer at V_F tends to 1/b, "
        "like (1 + 1/κ)/b: at y layers b n = ∫ exp(−y' + y'²/2κ) dy' from 0 to y. After the event "
        "N = K (t − t*)^(−1/2), as the density does not vanish at V_F: there it is a function of "
        "(V_F − v)/(t − t*)^(1/2), with K = n(V_F)/∫ exp(−ζ²/4a − bKζ/a) dζ."
    ),
    source="Cáceres, Carrillo, Perthame (2011) for the blow-up; first passages of N: a second code",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "overshoot": "none"},
)

# label: (b, datum, v_min, t*, {N: time of its first passage, and how well that is known})
CASES = {
    "b = 3": (
        3.0, (-1.0, 0.5), -8.0, 3.417374218,
        {10: (3.41508, 3e-5), 30: (3.4170613, 2e-7), 100: (3.417340, 1e-6), 1000: (3.4173738, 1e-7)},
    ),
    "b = 1.5": (
        1.5, (1.5, 0.005), -2.0, 0.0401847775,
        {10: (0.0349022, 1e-7), 30: (0.0392620, 1e-7), 100: (0.0400740, 1e-7), 1000: (0.0401832, 1e-7)},
    ),
}  # fmt: skip
CELLS = {True: (1200, 1e-6), False: (4800, 2.5e-7)}
"""Number of cells, and the width of the last; the boundary layer a/(bN) is as wide at N = 1e6/b."""
RTOL, ATOL = 1e-8, 1e-14
"""Of the run in τ: t* − t is 5e-11 at N = 1e5, and t is one of its unknowns."""
LEVELS = (10.0, 1e2, 1e3, 1e4, 1e5)
"""Rates at which exponents are measured, over a factor of two."""
LAYERS = 5.0
"""Thicknesses a/(bN) from V_F at which the density outside the boundary layer is read."""
TRACED = 100.0, 1000.0
"""Rates at which it is read."""
SHARES = (1e-9, 1e-6)
"""Times since the event, over t*, between which the decay is measured."""


def outside(state: fp.State, b: float) -> float:
    """b n at LAYERS thicknesses of the boundary layer from V_F, by the polynomial of the element there."""
    grid, v = state.grid, state.grid.V_F - LAYERS / (b * max(state.rate, 1.0))
    e = min(max(int(np.searchsorted(grid.edges, v)) - 1, 0), len(grid.edges) - 2)
    x = np.array([(v - grid.edges[e]) / grid.half[e, 0] - 1.0])
    return b * float(grid.rule.basis(x)[0] @ grid.spread(state.density)[e])


def run(quick: bool) -> dict:
    results = {}
    cells, finest = CELLS[quick]
    for label, (b, datum, v_min, time, _) in CASES.items():
        model, initial = fp.nnlif(b=b), fp.gaussian(*datum)
        through = fp.solve(
            model, initial, (0.0, 1.01 * time), grid=model.grid(cells, v_min, finest), rtol=RTOL, atol=ATOL,
            clock=fp.ActivityClock("none"), monitors={"edge": lambda s: s.density[-1]}, estimate_error=False,
        )  # fmt: skip
        spectral = fp.solve(
            model, initial, (0.0, time * (1.0 + 1e-7)), rtol=RTOL, monitors={"outside": lambda s, b=b: outside(s, b)}
        )
        results[label] = {"through": through, "spectral": spectral}
    return results


def rising(sol: fp.Solution) -> tuple[np.ndarray, np.ndarray]:
    """(t* − t, N) before the first event, from where N exceeds 3 for good."""
    time = sol.jumps[0].time
    before = np.flatnonzero(sol.t < time)
    first = before[np.flatnonzero(sol.rate[before] < 3.0)[-1] + 1]
    kept = before[(before >= first) & np.isfinite(sol.rate[before])]
    return time - sol.t[kept], sol.rate[kept]


def exponent(remaining: np.ndarray, rate: np.ndarray, level: float) -> float:
    """−d ln N/d ln(t* − t) around N = level."""
    near = (rate > level / np.sqrt(2.0)) & (rate < level * np.sqrt(2.0))
    return -float(np.polyfit(np.log(remaining[near]), np.log(rate[near]), 1)[0])


def coefficient(remaining: np.ndarray, rate: np.ndarray, b: float, level: float) -> float:
    """κ = 2 N² (t* − t) b²/a at N = level."""
    return float(np.interp(np.log(level), np.log(rate), 2.0 * (b * rate) ** 2 * remaining))


def first_passage(sol: fp.Solution, level: float) -> float:
    """The time at which N reaches `level`, from the dense output."""
    k = int(np.argmax((sol.rate >= level) & (np.arange(len(sol.t)) > np.argmin(sol.rate))))
    return brentq(lambda t: float(sol.rate_at(t)) - level, sol.t[k - 1], sol.t[k], xtol=1e-14)


def decay(sol: fp.Solution) -> tuple[np.ndarray, np.ndarray]:
    """(t − t*, N) after the event."""
    time = sol.jumps[0].time
    after = (sol.t > time + SHARES[0] * time) & (sol.t < time + SHARES[1] * time)
    return sol.t[after] - time, sol.rate[after]


def after_the_event(density: float, b: float) -> float:
    """K with K ∫_0^∞ exp(−ζ²/4 − bKζ) dζ = n(V_F): diffusion, and the drift b K (t − t*)^(−1/2)."""

    def excess(K: float) -> float:
        return K * quad(lambda zeta: np.exp(-0.25 * zeta**2 - b * K * zeta), 0.0, np.inf)[0] - density

    return brentq(excess, 0.0, 2.0 * density, xtol=1e-16)


def check(results: dict) -> list[Check]:
    checks = []
    for label, (b, _, _, time, passages) in CASES.items():
        through, spectral = results[label]["through"], results[label]["spectral"]
        for level, (predicted, digit) in passages.items():
            measured = first_passage(spectral, level)
            checks.append(Check(f"{label}: time of N = {level}", predicted, measured, digit, "absolute"))
        checks.append(Check(f"{label}: t*", time, spectral.blow_up.time, 1e-7))
        remaining, rate = rising(through)
        exponents = [exponent(remaining, rate, level) for level in LEVELS]
        kappas = [coefficient(remaining, rate, b, level) for level in LEVELS]
        checks.append(Check(f"{label}: exponents fall", True, bool(np.all(np.diff(exponents) < 0.0)), kind="equal"))
        fitted = (rate > 100.0) & (rate < 1e5)
        slope = -float(np.polyfit(np.log(remaining[fitted]), np.log(rate[fitted]), 1)[0])
        checks += [
            Check(f"{label}: q over 100 < N < 1e5", 0.5, slope, 0.03, "absolute"),
            Check(f"{label}: q at N = 1e5", 0.5, exponents[-1], 0.015, "absolute"),
            Check(f"{label}: q at N = 1e5, with the logarithm", 0.5 + 0.125 / kappas[-1], exponents[-1], 5e-3),
            Check(f"{label}: growth of κ per ln N, 1e4 to 1e5", 0.5,
                  (kappas[-1] - kappas[-2]) / np.log(LEVELS[-1] / LEVELS[-2]), 0.08, "absolute"),
        ]  # fmt: skip
        doublings = np.array(spectral.blow_up.doubling_times)
        checks.append(
            Check(f"{label}: q of the last doublings, in t", exponent(remaining, rate, spectral.rate[-1] / 3),
                  float(np.log(2.0) / np.log(doublings[-2] / doublings[-1])), 3e-3)
        )  # fmt: skip
        late = spectral.rate > 0.5 * TRACED[0]
        late[: np.argmin(spectral.rate)] = False
        traces = np.interp(TRACED, spectral.rate[late], spectral.records["outside"].value[late])
        for level, measured in zip(TRACED, traces, strict=True):
            kappa = coefficient(remaining, rate, b, level)
            predicted = quad(lambda y, kappa=kappa: np.exp(-y + 0.5 * y**2 / kappa), 0.0, LAYERS)[0]
            name = f"{label}: b n at {LAYERS:g} layers from V_F, N = {level:g}"
            checks.append(Check(name, predicted, float(measured), 0.05))
        checks.append(Check(f"{label}: it falls towards 1", traces[0], traces[1], -1e-3, "at most"))
        since, falling = decay(through)
        slope = float(np.polyfit(np.log(since), np.log(falling), 1)[0])
        density = through.records["edge"].value[int(np.argmax(through.t > through.jumps[0].time))]
        checks += [
            Check(f"{label}: exponent after the event", -0.5, slope, 3e-3, "absolute"),
            Check(f"{label}: K = N (t − t*)^(1/2) after the event", after_the_event(density, b),
                  float(falling[0] * np.sqrt(since[0])), 2e-3),
        ]  # fmt: skip
    return checks


COLOURS = {"b = 3": "#0072B2", "b = 1.5": "#D55E00"}


def plot(results: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 8), layout="constrained")
    (law, local), (growth, after) = figure.subplots(2, 2)
    for label, colour in COLOURS.items():
        b = CASES[label][0]
        through, spectral = results[label]["through"], results[label]["spectral"]
        remaining, rate = rising(through)
        law.loglog(remaining, rate, color=colour, label=label)
        beyond = spectral.rate > 3.0
        law.loglog(
            spectral.blow_up.time - spectral.t[beyond][::15], spectral.rate[beyond][::15], "o", ms=3, color=colour
        )
        levels = np.geomspace(5.0, 2e5, 40)
        local.semilogx(levels, [exponent(remaining, rate, level) for level in levels], color=colour, label=label)
        kappas = [coefficient(remaining, rate, b, level) for level in levels]
        local.semilogx(levels[8:], 0.5 + 0.125 / np.array(kappas[8:]), ":", color=colour, label=r"$1/2 + 1/(8\kappa)$")
        growth.semilogx(levels, kappas, color=colour, label=label)
        since, falling = decay(through)
        after.loglog(since, falling, color=colour, label=label)
    reach = np.array([1e-11, 1e-2])
    law.loglog(reach, 0.5 * reach**-0.5, "k:", label="$(t^* - t)^{-1/2}$")
    law.set(xlabel="$t^* - t$", ylabel="$N$", title="before the event (dots: spectral run in $t$)", xlim=reach)
    local.axhline(0.5, color="k", lw=0.8)
    local.set(
        xlabel="$N$", ylabel=r"$-\mathrm{d}\ln N / \mathrm{d}\ln(t^* - t)$", title="local exponent", ylim=(0.49, 0.7)
    )
    levels = np.geomspace(1e3, 2e5, 5)
    growth.semilogx(levels, 6.9 + 0.5 * np.log(levels / 1e3), "k:", label=r"$\frac{1}{2}\ln N$ + const")
    growth.set(xlabel="$N$", ylabel=r"$\kappa = 2 N^2 (t^* - t)\, b^2 / a$", title="coefficient of the square root")
    reach = np.array(after.get_xlim())
    after.loglog(reach, 1e-3 * reach**-0.5, "k:", label="$(t - t^*)^{-1/2}$")
    after.set(xlabel="$t - t^*$", ylabel="$N$", title="after the event")
    for axes in (law, local, growth, after):
        axes.legend(fontsize=8)
    return figure
