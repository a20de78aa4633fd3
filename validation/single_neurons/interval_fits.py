"""A neuron fitted to intervals: known parameters are recovered within the errors, and recordings of a receptor."""

import importlib.util
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.special import ndtri
from scipy.stats import chi2

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

RECORDINGS = importlib.util.find_spec("nitime") is not None

CLAIM = Claim(
    title="Integrate-and-fire neurons fitted to intervals",
    statement=(
        "Maximum likelihood through the first-passage density recovers the parameters of simulated neurons within its "
        "own error bars: of 100 fits, at least 90 have each parameter in its interval of 95 % and all of them together "
        "in the likelihood-ratio region of 95 %; the errors are neither too large nor too small, the bias is small "
        "beside them, and they shrink like the root of the number of intervals. Every sample of a neuron whose "
        "refractory time may come out as zero is fitted, and the likelihood ratio has its law there too. If the "
        "package nitime is installed, the recordings of a grasshopper's auditory receptor that it brings are fitted as "
        "well; if not, only simulated intervals are."
    ),
    source=(
        "likelihood: Mullowney, Iyengar, J. Comput. Neurosci. 24 (2008) 179; recordings: the Python package "
        "nitime (new BSD licence), nitime/data/grasshopper_spike_times1.txt and 2.txt"
    ),
    parameters={
        "tau_m": "20 ms",
        "V_th": "20 mV",
        "V_r": "10 mV",
        "intervals per fit": "200, 500 or 1000",
        "recordings": "of the package nitime" if RECORDINGS else "none, as the package nitime is not installed",
    },
)

NEURON = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
TRIALS, LEVEL = 100, 0.95
FEW = 2.29
"""Standard deviations of a binomial number below its mean at which 90 of 100 are."""


class Regime(NamedTuple):
    neuron: fp.LIF
    mu: float
    sigma: float
    free: tuple[str, ...]
    intervals: int
    trials: int = TRIALS


NOISE, BOUND = "driven by noise", "refractory time near its bound"
REGIMES = {
    NOISE: Regime(NEURON, 15.0, 5.0, ("mu", "sigma"), 500),
    "driven by the mean": Regime(NEURON, 25.0, 3.0, ("mu", "sigma"), 500),
    "refractory time": Regime(fp.LIF(20.0, 20.0, 10.0, tau_ref=5.0), 19.0, 12.0, ("mu", "sigma", "tau_ref"), 500),
    BOUND: Regime(NEURON, 25.0, 5.0, ("mu", "sigma", "tau_ref"), 200, 30),
    "membrane time": Regime(NEURON, 18.0, 2.0, ("mu", "sigma", "tau_m"), 1000),
    "reset": Regime(NEURON, 15.0, 5.0, ("mu", "V_r"), 500),
    "clock of 1 ms": Regime(NEURON, 25.0, 3.0, ("mu", "sigma"), 500),
}
CLOCKS = {"clock of 1 ms": 1.0}
RECORDED = {"1": "slow stimulus", "2": "fast stimulus"}
RECEPTOR = fp.LIF(tau_m=5.0, V_th=20.0, V_r=10.0)
RECEPTOR_CLOCK = 0.1
"""ms, as are the times; the membrane time is where the search begins."""


class Trials(NamedTuple):
    names: tuple[str, ...]
    z: np.ndarray  # (trials, parameters), errors over standard errors; none near a bound
    inside: np.ndarray  # (trials, parameters), whether the interval of confidence holds the true value; none likewise
    ratio: np.ndarray  # (trials,), twice the logarithm of the likelihood ratio
    refused: int


class Recording(NamedTuple):
    fit: fp.IntervalFit
    goodness: float  # NaN where it was not computed


class Result(NamedTuple):
    trials: dict[str, Trials]
    shrunk: float
    example: fp.IntervalFit
    membrane: np.ndarray  # (fits,), twice the logarithm of the likelihood ratio
    recordings: dict[str, Recording]


def run(quick: bool) -> Result:
    half = {name: REGIMES[name]._replace(trials=REGIMES[name].trials // 2) for name in (NOISE, BOUND)}
    trials = {name: _trials(name, regime) for name, regime in (half if quick else REGIMES).items()}
    law = fp.interval_law(15.0, 5.0, NEURON)
    few, many = (fp.fit_isi(law.sample(n, seed=3), NEURON, ("mu", "sigma")) for n in (1000, 100_000))
    shrunk = many.standard_errors["mu"] / few.standard_errors["mu"]
    recordings = _recordings(quick) if RECORDINGS else {}
    return Result(trials, shrunk, few, _membrane(3 if quick else 20), recordings)


def _trials(name: str, regime: Regime) -> Trials:
    neuron, mu, sigma, free, n, trials = regime
    truth = {"mu": mu, "sigma": sigma} | {key: getattr(neuron, key) for key in ("V_r", "tau_m", "tau_ref")}
    fixed = {key: truth[key] for key in ("mu", "sigma") if key not in free}
    drawn = fp.interval_law(mu, sigma, neuron).sample(trials * n, seed=7).reshape(trials, n)
    clock = CLOCKS.get(name)
    if clock is not None:  # both spikes of an interval are read on it
        drawn = clock * np.floor(drawn / clock + np.random.default_rng(8).random(drawn.shape))
    z, inside, ratio, refused = [], [], [], 0
    for T in drawn:
        try:
            fit = fp.fit_isi(T, neuron, free, resolution=clock, **fixed)
        except fp.InvalidArgument:
            refused += 1
            continue
        known = fp.fit_isi(T, neuron, (), mu=mu, sigma=sigma, resolution=clock)
        ratio.append(2.0 * (fit.log_likelihood - known.log_likelihood))
        if name == BOUND:  # errors are not normal there, and what lies on the bound has none
            continue
        errors, bars = fit.standard_errors, fit.confidence(LEVEL)
        z.append([_distance(key, fit.parameters[key], truth[key]) / errors[key] for key in free])
        inside.append([bars[key][0] < truth[key] < bars[key][1] for key in free])
    return Trials(free, np.array(z), np.array(inside), np.array(ratio), refused)


def _distance(name: str, value: float, truth: float) -> float:
    """To be compared with the standard error: of σ and τ_m it is the logarithm that is nearly normal."""
    return value * np.log(value / truth) if name in ("sigma", "tau_m") else value - truth


def _membrane(fits: int) -> np.ndarray:
    """Twice the logarithm of the likelihood ratio for neurons whose potential was simulated step by step."""
    ratio = []
    for seed in range(fits):
        run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 20_000.0), 0.05, trials=5, seed=seed)
        fit, known = fp.fit_isi(run, NEURON, ("mu", "sigma")), fp.fit_isi(run, NEURON, (), mu=15.0, sigma=5.0)
        ratio.append(2.0 * (fit.log_likelihood - known.log_likelihood))
    return np.array(ratio)


def _recordings(quick: bool) -> dict[str, Recording]:
    found = {}
    for name in RECORDED:
        T = receptor_intervals(name)
        fit = fp.fit_isi(T, RECEPTOR, ("mu", "sigma", "tau_m"), resolution=RECEPTOR_CLOCK)
        found[name] = Recording(fit, np.nan if quick else fit.goodness(samples=99))
    return found


def receptor_intervals(name: str) -> np.ndarray:
    """In ms, of 10 s under a stimulus of random amplitude; the file has them in microseconds, on a clock of 0.1 ms."""
    folder = Path(importlib.util.find_spec("nitime").origin).parent / "data"
    return np.round(np.diff(np.loadtxt(folder / f"grasshopper_spike_times{name}.txt")) / 1000.0, 1)


def check(result: Result) -> list[Check]:
    checks = [c for name, trials in result.trials.items() for c in _checked(name, trials)]
    checks.append(Check("error of mu from 100 times as many intervals, over that before", 0.1, result.shrunk, 0.05))
    checks.append(
        Check("simulated membranes: largest 2 log L/L_0", chi2.ppf(0.9998, 2), result.membrane.max(), 0.0, "at most")
    )
    for name, (fit, goodness) in result.recordings.items():
        distance, _ = fit.kolmogorov
        checks.append(Check(f"receptor {name}: Kolmogorov distance of the fit", 0.04, distance, 0.0, "at most"))
        if not np.isnan(goodness):
            checks.append(Check(f"receptor {name}: p-value of that distance", 0.01, goodness, 0.0, "at least"))
    return checks


def _checked(regime: str, trials: Trials) -> list[Check]:
    count, parameters = len(trials.ratio) + trials.refused, len(trials.names)
    fewest = int(LEVEL * count - FEW * np.sqrt(LEVEL * (1.0 - LEVEL) * count))
    region = int(np.sum(trials.ratio < chi2.ppf(LEVEL, parameters)))
    spread = 4.0 * np.sqrt(2.0 * parameters / count)
    return [
        Check(f"{regime}: samples of {count} that are refused", 0, trials.refused, 0.0, "equal"),
        *_checked_errors(regime, trials, fewest),
        Check(f"{regime}: fits of {count} with all in the region of 95 %", fewest, region, 0.0, "at least"),
        Check(f"{regime}: mean of 2 log L/L_0", float(parameters), trials.ratio.mean(), spread, "absolute"),
    ]


def _checked_errors(regime: str, trials: Trials, fewest: int) -> list[Check]:
    count, checks = len(trials.z), []
    if not count:
        return checks
    four = 4.0 / np.sqrt(count)
    square = np.mean(trials.z**2, axis=0)
    for k, name in enumerate(trials.names):
        covered = int(np.sum(trials.inside[:, k]))
        checks += [
            Check(f"{regime}: fits of {count} with {name} in its interval of 95 %", fewest, covered, 0.0, "at least"),
            Check(
                f"{regime}: mean error of {name} over its standard error", 0.0, trials.z[:, k].mean(), four, "absolute"
            ),
            Check(f"{regime}: mean square of that", 1.0, square[k], np.sqrt(2.0) * four, "absolute"),
        ]
    return checks


def plot(result: Result):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_fitted_density, plot_probabilities

    shown = {"simulated": result.example} | {f"receptor {k}": rec.fit for k, rec in result.recordings.items()}
    figure = Figure(figsize=(4.0 * (1 + len(shown)), 7.2), layout="constrained")
    axes = figure.subplots(2, 1 + len(shown))
    for k, (regime, trials) in enumerate(result.trials.items()):
        quantiles = ndtri((np.arange(len(trials.z)) + 0.5) / max(len(trials.z), 1))
        for name, z, marker in zip(trials.names, np.transpose(trials.z), ".+x", strict=False):
            axes[0, 0].plot(quantiles, np.sort(z), marker, ms=4, color=f"C{k}", label=f"{name}, {regime}")
        share = np.arange(1, len(trials.ratio) + 1) / len(trials.ratio)
        axes[1, 0].plot(chi2.cdf(np.sort(trials.ratio), len(trials.names)), share, color=f"C{k}", label=regime)
    axes[0, 0].legend(fontsize=5, loc="upper left")
    axes[0, 0].set_title("errors of the parameters")
    axes[1, 0].set_title("likelihood-ratio regions")
    axes[0, 0].axline((0.0, 0.0), slope=1.0, color="0.5", lw=0.9)
    axes[0, 0].set(xlabel="normal quantile", ylabel="error over standard error")
    axes[1, 0].axline((0.0, 0.0), slope=1.0, color="0.5", lw=0.9)
    axes[1, 0].set(xlabel="level of the likelihood-ratio region", ylabel="share of the fits in it")
    axes[1, 0].legend(fontsize=7)
    for k, (name, fit) in enumerate(shown.items(), start=1):
        plot_fitted_density(axes[0, k], fit, unit="ms")
        axes[0, k].set_title(name)
        plot_probabilities(axes[1, k], fit)
    return figure
