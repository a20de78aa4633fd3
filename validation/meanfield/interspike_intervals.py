"""Mean, variance and coefficient of variation of the interspike interval, and the intervals of simulated neurons."""

from typing import NamedTuple

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.meanfield.passage_contour import PassageTransform

CLAIM = Claim(
    title="How irregular the noisy LIF fires",
    statement=(
        "Mean, variance and coefficient of variation of the interspike interval follow from positive double "
        "integrals to ten digits; they agree with the derivatives of the Laplace transform of the first-passage "
        "time. The coefficient of variation tends to 1 far below the threshold and to 0 far above it. The "
        "intervals of simulated neurons have the distribution that is computed."
    ),
    source="Tuckwell, Introduction to Theoretical Neurobiology, vol. 2 (1988), chapter 9",
    parameters={"tau_m": "20 ms", "V_th": "20 mV", "V_r": "10 mV", "tau_ref": "2 ms"},
)

NEURON = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
SETS = {  # (neuron, E_l + mu, sigma): mean, standard deviation, coefficient of variation
    "S1": (NEURON, 15.0, 5.0, 105.69930878267, 86.119274098103, 0.81475721165945),
    "S2": (NEURON, 25.0, 3.0, 22.69086843981, 6.6897416785973, 0.29482087458849),
    "S3": (NEURON, 10.0, 4.0, 8156.3234554359, 8133.8181346654, 0.99724075180522),
    "S4": (fp.LIF(1.0, -63.0, -70.0), -63.0, 1.0, 2.9326916339051, 1.1062305800084, 0.37720657951867),
    "S5": (fp.LIF(1.0, 2.0, 1.0), 0.0, 2.0**0.5, 8.3350027483176, 9.9716185118766, 1.1963545559585),
    "S6": (NEURON, 60.0, 1.0, 6.4617468900041, 0.2119963198246, 0.0328078959813),
}
SIMULATED = {"below threshold": (15.0, 5.0), "above threshold": (25.0, 3.0)}
SIGNIFICANCE = 1.95
"""Kolmogorov's distance times the root of the number of intervals, exceeded once in a thousand."""


class Result(NamedTuple):
    published: np.ndarray
    transform: float
    limits: np.ndarray  # cv far below and far above
    laws: dict[str, fp.IntervalLaw]
    intervals: dict[str, np.ndarray]


def run(quick: bool) -> Result:
    published = []
    for neuron, mu, sigma, mean, deviation, cv in SETS.values():
        found = fp.isi_moments(mu, sigma, neuron)
        published.append(np.array([found.mean, found.variance**0.5, found.cv]) / (mean, deviation, cv) - 1.0)
    rng = np.random.default_rng(1)
    transform = max(_against_transform(*rng.uniform((-15.0, -2.0), (6.0, 1.5))) for _ in range(40 if quick else 1000))
    limits = fp.isi_moments([-50.0, 1e5], [5.0, 5.0], fp.LIF(20.0, 20.0, 10.0)).cv
    laws = {name: fp.interval_law(*point, NEURON) for name, point in SIMULATED.items()}
    intervals = {name: _simulated(*point, 500 if quick else 5000) for name, point in SIMULATED.items()}
    return Result(np.array(published), transform, limits, laws, intervals)


def _against_transform(w_F: float, exponent: float) -> float:
    """Relative distance of mean and variance from the derivatives of log E e^{-zT} at z = 0, by Cauchy's integrals."""
    w_R = w_F - 10.0**exponent
    transform = PassageTransform(w_R, w_F)
    radius = 0.3 * transform.decay_rate()
    angles = 2j * np.pi * (np.arange(32) + 0.5) / 32
    values, _ = transform(radius * np.exp(angles))
    first, second = (np.mean(values * np.exp(-k * angles)).real / radius**k for k in (1, 2))
    moments = fp.isi_moments(0.0, 2.0**0.5, fp.LIF(1.0, w_F, w_R))
    return max(abs(float(moments.mean) / first - 1.0), abs(float(moments.variance) / (-2.0 * second) - 1.0))


def _simulated(mu: float, sigma: float, count: int) -> np.ndarray:
    """The first complete interval of each neuron; those cut off by the end of the run are too few to be seen."""
    words = NEURON.dictionary()
    model = words.population(mu, sigma)
    last = 60.0 if mu < 20.0 else 12.0
    start = fp.gaussian(0.5, 0.05)
    sol = fp.simulate(model, count, start, (0.0, last), dt=0.005, raster=count, seed=7, bins=20, save_at=[last])
    when, who = sol.raster
    order = np.lexsort((when, who))
    when, who = when[order], who[order]
    first = np.flatnonzero(np.diff(who, prepend=-1))
    first = first[first + 1 < len(who)]
    first = first[who[first + 1] == who[first]]
    return words.seconds(when[first + 1] - when[first])


def distance(law: fp.IntervalLaw, intervals: np.ndarray) -> float:
    """Kolmogorov's, times the root of the number."""
    n = len(intervals)
    return float(np.max(np.abs(law.cdf(np.sort(intervals)) - (np.arange(n) + 0.5) / n)) * np.sqrt(n))


def check(result: Result) -> list[Check]:
    names = ("mean", "standard deviation", "coefficient of variation")
    return [
        *(
            Check(f"{name}: largest relative error in six sets", 0.0, float(error), 1e-10, "absolute")
            for name, error in zip(names, np.max(np.abs(result.published), axis=0), strict=True)
        ),
        Check("distance from the derivatives of the Laplace transform", 0.0, result.transform, 1e-10, "absolute"),
        Check("coefficient of variation far below the threshold", 1.0, float(result.limits[0]), 1e-9),
        Check("coefficient of variation far above the threshold", 0.0, float(result.limits[1]), 0.01, "absolute"),
        *(
            Check(
                f"{name}: intervals simulated, scaled Kolmogorov distance",
                SIGNIFICANCE,
                distance(law, x),
                0.0,
                "at most",
            )
            for name, law, x in ((name, law, result.intervals[name]) for name, law in result.laws.items())
        ),
    ]


def plot(result: Result):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_interval_laws

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    mu = np.linspace(0.0, 60.0, 200)
    for sigma in (0.5, 1.0, 2.0, 5.0, 10.0):
        left.plot(mu, fp.isi_moments(mu, sigma, NEURON).cv, label=f"{sigma:g}")
    left.axvline(NEURON.V_th, color="black", linestyle=":", linewidth=1)
    left.set(xlabel="mean input $\\mu$ in mV", ylabel="coefficient of variation")
    left.legend(title="$\\sigma$ in mV")
    plot_interval_laws(right, result.laws, result.intervals)
    right.set(xlabel="interval in ms", title="computed, and simulated neurons")
    return figure
