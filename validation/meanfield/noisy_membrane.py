"""Euler–Maruyama for the noisy integrate-and-fire neuron: orders, moments, and what it does to the firing rate."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.meanfield.firstpassage import mean_first_passage

CLAIM = Claim(
    title="What Euler–Maruyama does to a noisy membrane",
    statement=(
        "Without threshold Euler–Maruyama has strong and weak order 1, relaxes by the factor (1 − dt/τ) a step and has "
        "the stationary variance (σ²/2)/(1 − dt/(2τ)). A threshold that is compared at the ends of steps acts like one "
        "higher by 0.5826 σ√(dt/τ): at dt = 0.1 ms the rate of a usual neuron is 8.82 Hz instead of 9.46 Hz. The exact "
        "step with the Brownian bridge has the right rate and CV at five times that step."
    ),
    source=(
        'exercises 8 and 9 and notebook of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025; '
        "shift −ζ(1/2)/√(2π): Broadie, Glasserman, Kou, Math. Finance 7 (1997) 325; bridge: Gobet (2000), Stoch. "
        "Process. Appl. 87, 167; rates: Siegert (1951)"
    ),
    parameters={
        "neuron": "τ = 20 ms, V_th = 20, V_r = 10 mV, τ_ref = 2 ms, μ = 15, σ = 5 mV",
        "notebook": "τ = 1, E_l = −70, V_th = −63, V_r = −70, μ = 7, σ = 1, dt = 0.01",
    },
)

SHIFT = 0.5825971579
"""−ζ(1/2)/√(2π)."""
NEURON, MU, SIGMA = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002), 15.0, 5.0
NOTEBOOK = fp.LIF(tau_m=1.0, V_th=-63.0, V_r=-70.0, E_l=-70.0)
EXACT, CV = 9.4607998057591, 0.81475721165945
PREDICTED = {5e-4: 8.0714, 1e-4: 8.8212, 2e-5: 9.1710}
"""Rates in Hz of the raised threshold, by dt in seconds."""
STEPS = (5, 10, 20, 40, 80)
LENGTH = 0.03
# trials and duration of each step for the rates, and paths for the orders
QUICK = {
    "ends": {5e-4: (4000, 3.0), 1e-4: (4000, 1.2), 2e-5: (2000, 0.8)},
    "bridge": {5e-4: (4000, 3.0), 1e-4: (4000, 1.0)},
}
FULL = {
    "ends": {5e-4: (4000, 50.0), 1e-4: (4000, 20.0), 2e-5: (4000, 5.0)},
    "bridge": {5e-4: (4000, 50.0), 1e-4: (4000, 20.0)},
}
SKIPPED = 0.2
"""After a start at the reset, so many seconds are left out."""
ERRORS = 3.5
"""Standard errors; a dozen estimates are looked at."""
NEXT = 1.0
"""What the raised threshold leaves out of the relative rate is of the next order: so many times dt/τ at most."""


def siegert(neuron: fp.LIF, mu: float, sigma: float) -> float:
    words = neuron.dictionary()
    return 1.0 / (
        neuron.tau_ref + neuron.tau_m * float(mean_first_passage(*words.input(mu, sigma), words.V_R, words.V_F))
    )


def raised(neuron: fp.LIF, sigma: float, dt: float) -> fp.LIF:
    higher = neuron.V_th + SHIFT * sigma * np.sqrt(dt / neuron.tau_m)
    return fp.LIF(neuron.tau_m, higher, neuron.V_r, neuron.E_l, neuron.tau_ref)


def statistics(neuron, mu, sigma, dt, method, threshold, trials, duration, skipped) -> fp.SpikeStatistics:
    end = skipped + duration
    run = fp.simulate_membrane(neuron, mu, sigma, (0.0, end), dt, method, threshold, trials, seed=3, save_every=10**9)
    return fp.spike_statistics(run.spikes.between(skipped, end))


def run(quick: bool) -> dict:
    plan = QUICK if quick else FULL
    trials = 20_000 if quick else 200_000
    h = 0.4
    span = (0.0, 20 * h * NEURON.tau_m)
    free = fp.simulate_membrane(
        NEURON, MU, SIGMA, span, h * NEURON.tau_m, "euler", "none", trials, V_0=0.0, seed=1, save_every=1
    )
    usual = (NEURON, MU, SIGMA)
    return {
        "errors": fp.euler_errors(*usual, LENGTH, STEPS, V_0=0.0, trials=trials // 5, seed=1),
        "free": free,
        "h": h,
        "ends": {dt: statistics(*usual, dt, "euler", "end of step", *p, SKIPPED) for dt, p in plan["ends"].items()},
        "bridge": {dt: statistics(*usual, dt, "exact", "bridge", *p, SKIPPED) for dt, p in plan["bridge"].items()},
        "notebook": statistics(NOTEBOOK, 7.0, 1.0, 0.01, "euler", "end of step", 2000, 60.0 if quick else 600.0, 20.0),
    }


def order(errors: fp.EulerErrors, name: str) -> tuple[float, float]:
    """Of the last two steps, and its standard error (as if the two were independent, which is a bound)."""
    value, error = getattr(errors, name), getattr(errors, f"{name}_error")
    spread = np.hypot(*(error[-2:] / value[-2:])) / np.log(2.0)
    return float(np.log2(value[-2] / value[-1])), float(spread)


def check(result: dict) -> list[Check]:
    checks = [Check("rate in closed form", EXACT, siegert(NEURON, MU, SIGMA), 1e-10)]
    for name in ("strong", "weak"):
        value, error = order(result["errors"], name)
        checks.append(Check(f"{name} order", 1.0, value, min(0.04 + ERRORS * error, 0.25), "absolute"))
    free, h = result["free"], result["h"]
    mean, variance = free.V.mean(axis=0), free.V.var(axis=0)
    away = (mean[6] - MU) / (free.V[0, 0] - MU)
    spread = np.sqrt(variance[6] / free.trials) / MU
    checks.append(Check("relaxation in six steps of 0.4 τ", (1.0 - h) ** 6, float(away), ERRORS * spread, "absolute"))
    stationary = 0.5 * SIGMA**2 / (1.0 - 0.5 * h)
    allowed = ERRORS * np.sqrt(2.0 / free.trials)
    checks.append(Check("stationary variance at dt = 0.4 τ", stationary, float(variance[-1]), allowed))
    for dt, found in result["ends"].items():
        text = f"Euler, ends of steps, dt = {1e3 * dt:g} ms: "
        predicted = siegert(raised(NEURON, SIGMA, dt), MU, SIGMA)
        checks.append(Check(text + "rate of the raised threshold", PREDICTED[dt], predicted, 5e-5, "absolute"))
        allowed = ERRORS * found.rate_error + NEXT * dt / NEURON.tau_m * EXACT
        checks.append(Check(text + "measured rate", predicted, found.rate, allowed, "absolute"))
        if dt > 5e-5:
            seen = found.rate + ERRORS * found.rate_error
            checks.append(Check(text + "below the exact rate", EXACT, seen, 0.0, "at most"))
    for dt, found in result["bridge"].items():
        text = f"exact step with bridge, dt = {1e3 * dt:g} ms: "
        checks.append(Check(text + "rate", EXACT, found.rate, ERRORS * found.rate_error, "absolute"))
        checks.append(Check(text + "CV", CV, found.cv, ERRORS * found.cv_error, "absolute"))
    found, predicted = result["notebook"], siegert(raised(NOTEBOOK, 1.0, 0.01), 7.0, 1.0)
    checks.append(Check("notebook: exact rate", 0.34098368489851, siegert(NOTEBOOK, 7.0, 1.0), 1e-10))
    checks.append(Check("notebook: rate of the raised threshold", 0.3290048, predicted, 5e-8, "absolute"))
    allowed = ERRORS * found.rate_error + NEXT * 0.01 * predicted
    checks.append(Check("notebook: measured rate", predicted, found.rate, allowed, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    errors = result["errors"]
    for name, values, bars in (
        ("strong, rms", errors.strong, errors.strong_error),
        ("weak, of the mean", np.abs(errors.weak), errors.weak_error),
    ):
        left.errorbar(1e3 * errors.dt, values, bars, fmt="o-", capsize=3, label=name)
    left.plot(1e3 * errors.dt, errors.strong[-1] * errors.dt / errors.dt[-1], "k--", lw=1, label="order 1")
    left.set(xscale="log", yscale="log", xlabel="dt / ms", ylabel="error at 30 ms / mV", title="without threshold")
    left.set_xticks([0.5, 1.0, 2.0, 5.0], ["0.5", "1", "2", "5"])
    left.minorticks_off()
    left.legend(fontsize=8)
    free, h = result["free"], result["h"]
    n = np.arange(len(free.t))
    schemes = {
        "Euler": fp.euler_moments(n, h * 0.02, MU, SIGMA, NEURON, 0.0),
        "exact": fp.membrane_moments(free.t, MU, SIGMA, NEURON, 0.0),
    }
    for (name, (mean, variance)), style in zip(schemes.items(), ("C0-", "k--"), strict=True):
        middle.plot(1e3 * free.t, mean, style, lw=1.2, label=f"{name}: mean")
        middle.plot(1e3 * free.t, variance, style, lw=1.2, alpha=0.6, label=f"{name}: variance")
    middle.plot(1e3 * free.t, free.V.mean(axis=0), "C0o", ms=4)
    middle.plot(1e3 * free.t, free.V.var(axis=0), "C0o", ms=4, alpha=0.6)
    middle.set(xlabel="t / ms", ylabel="mV or mV²", title=f"dt = {h:g} τ (dots: simulated)")
    middle.legend(fontsize=8)
    fine = np.geomspace(1e-5, 1e-3, 40)
    right.plot(
        1e3 * fine,
        [siegert(raised(NEURON, SIGMA, dt), MU, SIGMA) for dt in fine],
        "C3-",
        lw=1,
        label="raised threshold",
    )
    for name, colour, label in (("ends", "C3", "Euler, ends of steps"), ("bridge", "C0", "exact step, bridge")):
        dt = 1e3 * np.array(list(result[name]))
        found = result[name].values()
        right.errorbar(
            dt, [s.rate for s in found], [s.rate_error for s in found], fmt="o", color=colour, capsize=3, label=label
        )
    right.axhline(EXACT, color="k", lw=1, ls="--", label="Siegert")
    right.set(xscale="log", xlabel="dt / ms", ylabel="rate / Hz", title="with threshold")
    right.legend(fontsize=8)
    return figure
