"""The Poisson process as the limit of Bernoulli bins: counts, intervals, and how far from it a bin of 2 ms is."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="From Bernoulli bins to the Poisson process",
    statement=(
        "With at most one spike in a bin ΔT, of probability p = rΔT, the counts are binomial, with Fano factor 1 − p, "
        "and the intervals geometric, with CV √(1 − p). As ΔT → 0 they become Poisson and exponential, Fano factor and "
        "CV become 1, and the total variation distance of the counts falls in proportion to ΔT. At 25 spikes per "
        "second and ΔT = 2 ms it is 0.01248, and 2000 trials of a second tell the two processes apart."
    ),
    source='exercises 1 to 5 and notebook of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025',
    parameters={"rate": "25 Hz", "bin": "2 ms", "duration": "1 s", "trials": 2000},
)

RATE, BIN, DURATION, TRIALS = 25.0, 0.002, 1.0, 2000
COUNTS = (15, 20, 25, 30, 35)
TABLE = {
    "Poisson": (0.0098909606, 0.0519174686, 0.0795229515, 0.0454127851, 0.0113842810),
    "Bernoulli": (0.0090459177, 0.0516161925, 0.0815881110, 0.0456184448, 0.0106174261),
}
DISTANCE = 0.01248042
TRAINS = {"Poisson": fp.PoissonTrain(RATE), "Bernoulli": fp.BernoulliTrain(RATE, BIN)}
BINS = (0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2.5e-4)
WINDOW = 0.02
"""Of the Fano factor: of short windows there are many, and the Fano factor does not depend on them here."""
ERRORS = 3.5
"""Standard errors; eight estimates are looked at."""


def covered(repeats: int) -> np.ndarray:
    """Share of short recordings whose error bars of 1.96 standard errors hold the true CV and the true Fano factor."""
    hits = []
    for seed in range(repeats):
        found = fp.spike_statistics(TRAINS["Poisson"].sample(2.0, trials=50, seed=seed), windows=WINDOW, bins=5)
        hits.append(
            [abs(found.cv - 1.0) < 1.96 * found.cv_error, abs(found.fano[0] - 1.0) < 1.96 * found.fano_error[0]]
        )
    return np.mean(hits, axis=0)


def run(quick: bool) -> dict:
    trials = TRIALS if quick else 20 * TRIALS
    samples = {name: train.sample(DURATION, trials, seed=1) for name, train in TRAINS.items()}
    repeats = 400 if quick else 4000
    return {
        "samples": samples,
        "found": {name: fp.spike_statistics(sample, windows=[WINDOW]) for name, sample in samples.items()},
        "distance": {bin: fp.BernoulliTrain(RATE, bin).distance_to_poisson(DURATION) for bin in BINS},
        "covered": covered(repeats),
        "repeats": repeats,
    }


def check(result: dict) -> list[Check]:
    checks = []
    for name, train in TRAINS.items():
        law = train.count_probability(COUNTS, DURATION)
        checks += [
            Check(f"{name}: P({n} spikes)", value, float(p), 5e-11, "absolute")
            for n, value, p in zip(COUNTS, TABLE[name], law, strict=True)
        ]
        found = result["found"][name]
        for what, exact, value, error in (
            ("rate", RATE, found.rate, found.rate_error),
            ("CV", train.interval_cv, found.cv, found.cv_error),
            ("Fano factor", train.fano(DURATION), found.fano[0], found.fano_error[0]),
        ):
            checks.append(Check(f"{name}: {what} of {found.spikes} spikes", exact, value, ERRORS * error, "absolute"))
    bernoulli = result["found"]["Bernoulli"]
    away = min((1.0 - bernoulli.cv) / bernoulli.cv_error, (1.0 - bernoulli.fano[0]) / bernoulli.fano_error[0])
    checks.append(Check("Bernoulli: standard errors between CV or Fano factor and 1", ERRORS, away, 0.0, "at least"))
    distance = result["distance"]
    checks.append(Check("total variation at 2 ms", DISTANCE, distance[BIN], 5e-9, "absolute"))
    order = np.log(distance[BINS[-2]] / distance[BINS[-1]]) / np.log(BINS[-2] / BINS[-1])
    checks.append(Check("order of the distance in the bin", 1.0, float(order), 0.01, "absolute"))
    n, mean = np.arange(200), RATE * DURATION
    law = TRAINS["Poisson"].count_probability(n, DURATION)
    leading = np.sum(law * np.abs((n - mean) ** 2 - n)) / (4.0 * mean) * RATE
    checks.append(Check("distance over the bin, leading term", leading, distance[BINS[-1]] / BINS[-1], 0.01))
    spread = ERRORS * np.sqrt(0.95 * 0.05 / result["repeats"])
    for what, share in zip(("CV", "Fano factor"), result["covered"], strict=True):
        checks.append(Check(f"share of error bars that hold the true {what}", 0.95, share, spread + 0.02, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_counts, plot_intervals, plot_spikes

    figure = Figure(figsize=(11, 6.4), layout="constrained")
    raster, intervals, counts, order = figure.subplots(2, 2).ravel()
    plot_spikes(raster, result["samples"]["Bernoulli"], first=10)
    plot_intervals(intervals, result["samples"]["Bernoulli"], TRAINS["Bernoulli"])
    plot_counts(counts, result["samples"]["Bernoulli"], TRAINS["Bernoulli"])
    n = np.arange(8, 46)
    poisson = TRAINS["Poisson"].count_probability(n, DURATION)
    counts.plot(n, poisson, "k--", lw=1, label="Poisson")
    counts.lines[-2].set_label("binomial")
    counts.legend(fontsize=8)
    bins = np.array(BINS)
    order.loglog(bins, list(result["distance"].values()), "o-", label="total variation of counts in 1 s")
    order.loglog(bins, DISTANCE * bins / BIN, "k--", lw=1, label="order 1")
    order.set(xlabel="bin / s", ylabel="distance to the Poisson law")
    order.legend(fontsize=8)
    return figure
