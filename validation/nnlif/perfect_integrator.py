"""Neurons without leak: an explicit N(t), a stationary rate that noise cannot change, blow-up by one line of proof."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting.style import COLOURS

CLAIM = Claim(
    title="The perfect integrator: exact N(t), one rate for every noise, and blow-up for b ≥ V_F − V_R",
    statement=(
        "Without leak, f = μ > 0, and with ℓ = V_F − V_R. (i) For b = 0 a neuron that starts at V_R has fired its k-th "
        "spike when a free Brownian motion with drift has climbed kℓ, so "
        "N(t) = Σ_k kℓ (4πa t³)^(−1/2) exp(−(kℓ − μt)²/4at). (ii) N = μ/(ℓ − b) is the only stationary rate for b < ℓ, "
        "whatever the noise is, and there is none for b ≥ ℓ. (iii) Every spike lifts the network by b and takes a "
        "neuron back by ℓ: m' = μ + (b − ℓ) N for the mean potential m. So for b ≥ ℓ m rises at least as fast as μt, "
        "while it must stay below V_F: every solution blows up, before t = (V_F − m(0))/μ."
    ),
    source=(
        "(i) renewal of inverse Gaussian intervals: Gerstein, Mandelbrot (1964); Tuckwell (1988); (ii), (iii) first "
        "moment of the equation"
    ),
    parameters={"speed": 1, "a0": "0.01 to 1", "b": "−50 to 3", "V_R": 1, "V_F": 2},
)

SPEED, NOISE, LENGTH = 1.0, 0.1, 1.0
DRIFT = fp.ConstantDrift(SPEED)
START, END = 1.0 / 16.0, 4.0
"""By START one neuron in 10^17 has fired: the density is still the Gaussian of the free motion."""
EARLY = fp.gaussian(1.0 + SPEED * START, 2.0 * NOISE * START)
STATES = [(b, a0) for b in (-50.0, -2.0, -1.0, 0.5, 0.9) for a0 in (0.01, 0.1, 1.0)]
NO_STATE = (1.0, 1.2, 3.0)
BLOWING_UP = (1.2, 1.5, 2.0, 3.0)
"""Without b = ℓ itself: there the error of a grid decides on which side of the limit the run is."""
RUNS = (-2.0, 0.5)
DATA = {"Gaussian(1, 0.05)": (1.0, 0.05), "Gaussian(−1, 0.5)": (-1.0, 0.5)}


def run(quick: bool) -> dict:
    uncoupled = fp.solve(network(0.0), EARLY, (START, END), rtol=1e-6 if quick else 1e-8)
    states = {case: [state.rate for state in fp.stationary_states(network(*case))] for case in STATES}
    return {
        "uncoupled": uncoupled,
        "states": states,
        "none": [len(fp.stationary_states(network(b))) for b in NO_STATE],
        "coupled": {b: coupled(b) for b in RUNS},
        "blow-up": {(b, datum): blown_up(b, *DATA[datum]) for b in BLOWING_UP for datum in DATA},
        "tolerance": 1e-5 if quick else 1e-7,
    }


def network(b: float, a0: float = NOISE) -> fp.Population:
    return fp.nnlif(b=b, a0=a0, drift=DRIFT)


def renewal(t: np.ndarray, spikes: int = 40) -> np.ndarray:
    """N(t) of neurons that were at V_R at t = 0."""
    climbed = LENGTH * np.arange(1, spikes + 1)[:, None]
    gaussian = np.exp(-((climbed - SPEED * t) ** 2) / (4.0 * NOISE * t))
    return np.sum(climbed / np.sqrt(4.0 * np.pi * NOISE * t**3) * gaussian, axis=0)


def coupled(b: float) -> tuple[fp.Solution, float]:
    """The run, and by how much the mean potential misses its law."""
    model = network(b)
    scheme, monitors = fp.Spectral(), {"mean": fp.mean_potential}
    grid = scheme.grid(model, v_min=-6.0)  # with b = −2 the drift is weak, and the density reaches far down
    sol = fp.solve(model, EARLY, (0.0, 12.0), grid, scheme, monitors=monitors, save_at=[], estimate_error=False)
    mean = sol.records["mean"]
    law = mean.value[0] + SPEED * mean.t + (b - LENGTH) * np.interp(mean.t, sol.t, sol.fired)
    return sol, float(np.max(np.abs(mean.value - law)))


def blown_up(b: float, mean: float, variance: float) -> tuple[float, float]:
    """Upper end of the bracket of t*, and the latest time of the theorem."""
    sol = fp.solve(network(b), fp.gaussian(mean, variance), (0.0, 4.0), scheme=fp.ScharfetterGummel(), save_at=[])
    latest = (2.0 - mean) / SPEED
    return (sol.blow_up.interval[1] if sol.blow_up else np.inf), latest


def check(result: dict) -> list[Check]:
    sol = result["uncoupled"]
    times = np.linspace(sol.t[0], sol.t[-1], 400)
    error = float(np.max(np.abs(sol.rate_at(times) - renewal(times))))
    rates = [rate * (LENGTH - b) / SPEED for (b, _), found in result["states"].items() for rate in found]
    checks = [
        Check("b = 0: largest |N(t) − series of inverse Gaussians|", 0.0, error, result["tolerance"], "absolute"),
        Check("networks with b < ℓ: stationary states each", len(STATES), len(rates), kind="equal"),
        Check("largest |N (ℓ − b)/μ − 1| over b and noise", 0.0, float(np.ptp([1.0, *rates])), 1e-12, "absolute"),
        Check("networks with b ≥ ℓ: stationary states", 0, sum(result["none"]), kind="equal"),
    ]
    for b, (run, missed) in result["coupled"].items():
        checks.append(Check(f"b = {b:g}: N at t = 12", SPEED / (LENGTH - b), float(run.rate[-1]), 1e-4))
        checks.append(Check(f"b = {b:g}: largest error of the law of m(t)", 0.0, missed, 1e-6, "absolute"))
    for (b, datum), (time, latest) in result["blow-up"].items():
        checks.append(Check(f"b = {b:g}, {datum}: t* before (V_F − m(0))/μ", latest, time, kind="at most"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    times = np.linspace(START, END, 60)
    left.plot(result["uncoupled"].t, result["uncoupled"].rate, color=COLOURS["rate"], label="computed")
    left.plot(times, renewal(times), "k.", markersize=4, label="series")
    left.set(xlabel="time $t$", ylabel="$N(t)$", title="$b = 0$, all neurons at $V_R$ at $t = 0$")
    b = np.linspace(-3.0, 0.95, 200)
    middle.semilogy(b, SPEED / (LENGTH - b), "k-", lw=1, label=r"$\mu/(V_F - V_R - b)$")
    for marker, a0 in zip("ovs", (0.01, 0.1, 1.0), strict=True):
        found = [
            (b, rate) for (b, noise), rates in result["states"].items() if noise == a0 and b > -3 for rate in rates
        ]
        middle.plot(*np.transpose(found), marker, color=COLOURS["rate"], fillstyle="none", label=f"$a = {a0:g}$")
    middle.set(xlabel="connectivity $b$", ylabel="stationary rate $N$", title="the noise does not matter")
    for k, datum in enumerate(DATA):
        bound = (2.0 - DATA[datum][0]) / SPEED
        right.axhline(bound, color=COLOURS["bound"], ls="-" if k else "--", label=f"latest time, {datum}")
        found = [result["blow-up"][b, datum][0] for b in BLOWING_UP]
        right.plot(BLOWING_UP, found, "^" if k else "v", color=COLOURS["rate"], label=f"$t^*$, {datum}")
    right.set(xlabel="connectivity $b$", ylabel="$t^*$", title="blow-up for $b ≥ V_F − V_R$", ylim=(0, 4.2))
    for axes in (left, middle, right):
        axes.legend(fontsize=8)
    return figure
