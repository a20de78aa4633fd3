"""Inhibition that arrives late makes a network oscillate: onset, frequency and growth against characteristic roots."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import SolutionFigure
from fokkerplanck.plotting.style import POPULATIONS

CLAIM = Claim(
    title="Periodic solutions from delayed inhibition",
    statement=(
        "With (b_EE, b_EI, b_IE, b_II) = (1, 20, 10, 30) and one delay d for all pairs, the only steady state loses "
        "its stability at a critical delay. Below it small deviations die away, above it they grow, at the rate and "
        "the frequency of the leading characteristic root; the oscillation they lead to is periodic and starts with "
        "the period of the root. The square of its amplitude grows linearly from zero at the critical delay."
    ),
    source=(
        "Cáceres, Schneider, ESAIM: Math. Model. Numer. Anal. 52 (2018) 1733 (periodic solutions seen in simulations); "
        "the roots are those of the linearised system of this program, by other means than its runs"
    ),
    parameters={"(b_EE, b_EI, b_IE, b_II)": "(1, 20, 10, 30)", "d": "0.9 to 1.5 times the critical one"},
)

STRONG = (1.0, 20.0, 10.0, 30.0)
START = fp.gaussian(0.0, 0.5)
CELLS = 160


def late(delay: float) -> fp.Network:
    return fp.excitatory_inhibitory(*STRONG, delays=delay)


def evolve(delay: float, end: float) -> fp.Solution:
    model = late(delay)
    return fp.solve(model, START, (0.0, end), grid=model.grid(CELLS, v_min=-7.5, finest=0.01), estimate_error=False)


def crests(sol: fp.Solution, after: float) -> tuple[np.ndarray, np.ndarray]:
    """Times of the maxima of N_E, and how far each lies above the minimum that follows."""
    t = np.linspace(after, sol.t[-1], 60 * int(sol.t[-1] - after))
    N = sol.rate_at(t)[:, 0]

    def tops(sign: float) -> tuple[np.ndarray, np.ndarray]:
        x = sign * N
        top = np.flatnonzero((x[1:-1] > x[:-2]) & (x[1:-1] >= x[2:])) + 1
        # The vertex of the parabola through three samples.
        left, here, right = x[top - 1], x[top], x[top + 1]
        shift = 0.5 * (left - right) / (left - 2.0 * here + right)
        return t[top] + shift * (t[1] - t[0]), sign * (here - 0.25 * (left - right) * shift)

    (at, high), (below, low) = tops(1.0), tops(-1.0)
    follows = np.searchsorted(below, at)
    whole = follows < len(below)
    return at[whole], high[whole] - low[follows[whole]]


def decay(sol: fp.Solution, after: float) -> tuple[float, float]:
    """Growth rate and frequency of the oscillation."""
    times, swings = crests(sol, after)
    return float(np.polyfit(times, np.log(swings), 1)[0]), float(2.0 * np.pi / np.mean(np.diff(times)))


def run(quick: bool) -> dict:
    (prompt,) = fp.stationary_states(late(0.0))
    onset = fp.critical_delay(prompt.model, prompt)
    shares = (1.05, 1.1, 1.5) if quick else (1.03, 1.05, 1.1, 1.2, 1.3, 1.5, 2.0)
    below = late(0.9 * onset.value)
    (calm,) = fp.stationary_states(below)
    return {
        "onset": onset,
        "calm": evolve(0.9 * onset.value, 120.0),
        "root": complex(fp.spectrum(below, at=calm, count=2).eigenvalues[0]),
        "shares": np.array(shares),
        "runs": [evolve(share * onset.value, 300.0 if share < 1.15 else 100.0) for share in shares],
    }


def summary(result: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Of every run its period at the end, how much the last swings still vary, and their size."""
    rows = []
    for sol in result["runs"]:
        times, swings = crests(sol, sol.t[-1] - 40.0)
        rows.append((np.mean(np.diff(times)), np.ptp(swings) / swings[-1], swings[-1]))
    return tuple(np.array(rows).T)  # type: ignore[return-value]


def check(result: dict) -> list[Check]:
    onset, root = result["onset"], result["root"]
    growth, frequency = decay(result["calm"], 70.0)
    periods, uneven, swings = summary(result)
    first = slice(0, 2)
    line = np.polyfit(result["shares"][first], swings[first] ** 2, 1)
    at_onset = np.polyfit(swings[first] ** 2, periods[first], 1)[1]
    return [
        Check("d = 0.9 critical: growth rate of deviations", root.real, growth, 0.02),
        Check("its frequency", abs(root.imag), frequency, 0.002),
        Check("delay at which the amplitude vanishes, over the critical one", 1.0, -line[1] / line[0], 0.01),
        Check("period for vanishing amplitude", 2.0 * np.pi / onset.frequency, float(at_onset), 0.005),
        Check("d = 1.5 critical: how far the last swings differ", 0.0, float(uneven[-1]), 1e-3, "at most"),
        Check("the period grows with the delay", True, bool(np.all(np.diff(periods) > 0.0)), kind="equal"),
        Check("so does the amplitude", True, bool(np.all(np.diff(swings) > 0.0)), kind="equal"),
    ]


def plot(result: dict) -> SolutionFigure:
    figure = SolutionFigure(figsize=(11.0, 4.4), layout="constrained")
    panels = figure.subplot_mosaic([["below", "law"], ["above", "law"]])
    for name, sol in (("below", result["calm"]), ("above", result["runs"][-1])):
        t = np.linspace(max(0.0, sol.t[-1] - 60.0) if name == "above" else 0.5, sol.t[-1], 2000)
        for k in range(2):
            panels[name].plot(t, sol.rate_at(t)[:, k], color=POPULATIONS[k], label=f"$N_{'EI'[k]}$")
        delay = sol.model.delays[0, 0]
        panels[name].set(xlabel="$t$", ylabel="$N(t)$", title=f"$d = {delay:.4g}$")
        panels[name].legend(loc="upper right")
    _, _, swings = summary(result)
    shares, critical = result["shares"], result["onset"].value
    line = np.polyfit(shares[:2], swings[:2] ** 2, 1)
    near = np.array([-line[1] / line[0], 1.2])
    panels["law"].plot(shares, swings**2, "o", label="runs")
    panels["law"].plot(near, np.polyval(line, near), "k--", lw=1.0, label="line through the first two")
    panels["law"].set(xlabel="$d/d_c$", ylabel="(largest − smallest $N_E)^2$", title=f"onset at $d_c = {critical:.7g}$")
    panels["law"].legend()
    return figure
