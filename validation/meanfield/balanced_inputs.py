"""Balanced excitation and inhibition: mean and variance of the input, and how far it is from white noise."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Poisson inputs and their diffusion approximation",
    statement=(
        "C_E excitatory and C_I inhibitory synapses with Poisson trains of rate r bring a charge of mean "
        "r τ J (C_E − g C_I) and variance r (τJ)² (C_E + g² C_I) per unit time: μ and τσ² of the white noise. The free "
        "potential has the variance σ²/2, exactly, but a skewness which the white noise has not; the Kolmogorov "
        "distance of its law from the Gaussian is |skewness|/(6√(2π)) for many weak synapses, about 0.01 for Brunel's "
        "network, and falls like 1/√C at fixed μ and σ; with one strong spike per membrane time it is 0.08, with one "
        "in five membrane times more than 0.2."
    ),
    source=(
        'exercises 6 and 7 of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025; cumulants: '
        "Campbell's theorem; rest of Edgeworth's expansion: own measurement"
    ),
    parameters={"r": "5 Hz", "tau_m": "20 ms", "J": "0.1 mV", "C_E": 1000, "C_I": 250},
)

RATE, TAU, J, C_E, C_I = 5.0, 0.02, 0.1, 1000, 250
TABLE = {
    3.0: (2.5, 3.25, -0.092527),
    4.0: (0.0, 5.0, -0.126491),
    4.5: (-1.25, 6.0625, -0.137572),
    5.0: (-2.5, 7.25, -0.146097),
    6.0: (-5.0, 10.0, -0.158015),
}
"""g: μ, σ², skewness of the free potential."""
WARM = 5.0
"""Membrane times after which the potentials are looked at; of the variance e^−10 is missing then."""
FACTORS = (1.0, 4.0, 16.0, 64.0, 256.0)
"""C over that of a first network, at the same μ and σ."""
STRONG = {1.0: 0.07, 0.2: 0.2}
"""Spikes per membrane time, and a bound below the distance."""
ERRORS = 4.0
"""Standard errors; of the five values of g the samples are the same."""


def strong(spikes: float) -> fp.ShotNoise:
    """Four excitatory spikes for each inhibitory one, which is twice as strong."""
    return fp.ShotNoise(TAU, [1.0, -2.0], np.array([0.8, 0.2]) * spikes / TAU)


def moments(V: np.ndarray) -> dict[str, tuple[float, float]]:
    """Mean, variance and skewness with their standard errors, the last for nearly normal samples."""
    n, z = len(V), V - V.mean()
    variance = float(np.mean(z**2))
    return {
        "mean": (float(V.mean()), float(np.sqrt(variance / n))),
        "variance": (variance, float(np.sqrt((np.mean(z**4) - variance**2) / n))),
        "skewness": (float(np.mean(z**3) / variance**1.5), float(np.sqrt(6.0 / n))),
    }


def run(quick: bool) -> dict:
    samples, length = (100_000, 20.0) if quick else (1_000_000, 200.0)
    # Excitation and inhibition are independent: the same two samples serve every g.
    E, I = (
        fp.ShotNoise(TAU, [J], [RATE * C]).simulate([0.0, WARM * TAU], samples, seed, V_0=RATE * C * TAU * J)[:, 1]
        for seed, C in enumerate((C_E, C_I))
    )
    trains = fp.PoissonTrain(RATE).sample(length, trials=C_E + C_I, seed=3)
    charge = {g: TAU * J * np.repeat([1.0, -g], [C_E, C_I]) for g in TABLE}
    noises = {g: fp.ShotNoise.balanced(RATE, J, C_E, C_I, g, TAU) for g in TABLE}
    few = {spikes: strong(spikes) for spikes in STRONG}
    return {
        "input": {g: fp.measured_input(trains, charge[g], 0.01) for g in TABLE},
        "moments": {g: moments(E - g * I) for g in TABLE},
        "noises": noises,
        "distance": {g: noise.distance() for g, noise in noises.items()},
        "scaled": {
            f: fp.ShotNoise(TAU, np.array([0.5, -2.5]) / np.sqrt(f), np.array([200.0, 50.0]) * f) for f in FACTORS
        },
        "few": few,
        "drawn": {spikes: noise.sample(samples // 10, seed=7) for spikes, noise in few.items()},
    }


def edgeworth(noise: fp.ShotNoise) -> float:
    return abs(noise.skewness) / (6.0 * np.sqrt(2.0 * np.pi))


def check(result: dict) -> list[Check]:
    checks = []
    for g, (mu, square, skewness) in TABLE.items():
        moments = fp.input_moments(RATE, J, C_E, C_I, g, TAU)
        noise, found, seen = result["noises"][g], result["input"][g], result["moments"][g]
        checks += [
            Check(f"g = {g:g}: μ", mu, moments.mu, 1e-12, "absolute"),
            Check(f"g = {g:g}: σ²", square, moments.sigma**2, 1e-12),
            Check(f"g = {g:g}: skewness", skewness, noise.skewness, 5e-7, "absolute"),
            Check(f"g = {g:g}: charge per time", moments.mean, found.mean, ERRORS * found.mean_error, "absolute"),
            Check(
                f"g = {g:g}: variance of the charge per time", moments.variance, found.variance,
                ERRORS * found.variance_error, "absolute",
            ),
        ]  # fmt: skip
        for what in ("mean", "variance", "skewness"):
            value, error = seen[what]
            text = f"g = {g:g}: {what} of simulated potentials"
            checks.append(Check(text, getattr(noise, what), value, ERRORS * error, "absolute"))
        checks.append(Check(f"g = {g:g}: distance to the Gaussian", edgeworth(noise), result["distance"][g], 0.005))
    scaled = [noise.distance() for noise in result["scaled"].values()]
    order = np.log(scaled[-2] / scaled[-1]) / np.log(FACTORS[-1] / FACTORS[-2])
    checks.append(Check("order of the distance in 1/C", 0.5, float(order), 0.01, "absolute"))
    last = result["scaled"][FACTORS[-1]]
    checks.append(Check("256 times as many synapses: distance", edgeworth(last), scaled[-1], 0.002))
    for spikes, noise in result["few"].items():
        V = np.sort(result["drawn"][spikes])
        levels = noise.mean + np.sqrt(noise.variance) * np.linspace(-3.0, 3.0, 60)
        apart = np.max(np.abs(np.searchsorted(V, levels, side="right") / len(V) - noise.cdf(levels)))
        text = f"strong synapses, {spikes:g} spikes per membrane time: "
        checks.append(Check(text + "law against simulation", 0.0, float(apart), 1.8 / np.sqrt(len(V)), "absolute"))
        checks.append(Check(text + "distance to the Gaussian", STRONG[spikes], noise.distance(), 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    skew, distance, law = figure.subplots(1, 3)
    g = np.linspace(0.0, 8.0, 100)
    noises = [fp.ShotNoise.balanced(RATE, J, C_E, C_I, x, TAU) for x in g]
    skew.plot(g, [noise.skewness for noise in noises], "k-", lw=1, label="Campbell")
    values, errors = np.array([moments["skewness"] for moments in result["moments"].values()]).T
    skew.errorbar(list(TABLE), values, errors, fmt="o", capsize=3, label="simulated")
    skew.set(xlabel="$g$", ylabel="skewness of the free potential")
    skew.legend(fontsize=8)
    scaled = result["scaled"].values()
    spikes = [noise.spikes.sum() for noise in scaled]
    distance.loglog(spikes, [noise.distance() for noise in scaled], "o", label="distance")
    distance.loglog(spikes, [edgeworth(noise) for noise in scaled], "k--", lw=1, label=r"|skewness|/(6$\sqrt{2\pi}$)")
    distance.set(xlabel="spikes per membrane time", ylabel="Kolmogorov distance to the Gaussian")
    distance.legend(fontsize=8)
    noise = result["few"][1.0]
    V = np.linspace(-4.0, 4.0, 600)
    drawn = np.sort(result["drawn"][1.0])
    law.plot(drawn, np.arange(1, len(drawn) + 1) / len(drawn), lw=4, alpha=0.3, label="simulated")
    law.plot(V, noise.cdf(V), "C0-", lw=1.2, label="shot noise")
    law.plot(V, noise.gaussian_cdf(V), "k--", lw=1, label="diffusion approximation")
    law.set(xlim=(-4, 4), xlabel="$V - E_l$ over the excitatory jump", ylabel="distribution function")
    law.set_title("one spike per membrane time", fontsize=10)
    law.legend(fontsize=8)
    return figure
