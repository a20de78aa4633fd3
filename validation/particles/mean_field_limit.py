"""Many neurons are the equation: errors fall like 1/√N, and what two neurons share falls like 1/N."""

import numpy as np
from scipy.interpolate import CubicHermiteSpline, PchipInterpolator

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The mean-field limit, and chaos that propagates",
    statement=(
        "As the number N of neurons grows, their empirical density and the spikes they fire tend to those of the "
        "equation, with errors of order N^(−1/2). Neurons that start independent stay so in the limit: the covariance "
        "of two of them is of order 1/N, and without connections it is zero."
    ),
    source=(
        "Cáceres, Carrillo, Perthame (2011), section 1; propagation of chaos: Delarue, Inglis, Rubenthaler, Tanré "
        "(2015), AAP 25, 2096; the order is that of the central limit theorem"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "−2, 0, 0.5; with τ = 0.2; 1.5 with a delay of 0.25; −4, 0.8 (pairs)"},
)

DATUM, END, WINDOWS, CELLS = fp.compatible_gaussian(1.0, 0.1), 1.0, 5, 50
MODELS = {
    "b = −2": fp.nnlif(b=-2.0),
    "b = 0": fp.nnlif(b=0.0),
    "b = 0.5": fp.nnlif(b=0.5),
    "refractory": fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)),
    "delayed": fp.nnlif(b=1.5, delay=0.25),
}
# neurons: seeds; and dt, for which the error of order dt is below the statistical one at the largest number
SEEDS = {
    True: {1_000: 32, 10_000: 10, 100_000: 3},
    False: {1_000: 100, 10_000: 40, 100_000: 10, 1_000_000: 2},
}
STEP = {True: 5e-3, False: 2.5e-3}
# b: numbers of neurons; and how many networks of each. Inhibition tells more: the spread of a mean hides less.
PAIRS = {
    True: ({-4.0: (50, 300, 2000), 0.0: (50,)}, 300),
    False: ({-4.0: (50, 200, 800, 2000), 0.8: (50, 200, 800), 0.0: (50, 800)}, 1500),
}
PAIR_END, PAIR_STEP = 1.0, 0.04
ORDER = 0.1
"""Of the exponents around −1/2."""
ERRORS = 3.0
"""Standard errors that a window may be off, one of 25; standard deviations of χ²."""
PAIR_ERRORS = 3.0


def reference(model: fp.Population) -> tuple[np.ndarray, np.ndarray]:
    """Spikes per neuron in the windows, and the share in each cell of the histogram."""
    sol = fp.solve(
        model, DATUM, (0.0, END), grid=model.grid(1600, finest=5e-4), rtol=1e-8, estimate_error=False,
        save_at=[0.0, END],
    )  # fmt: skip
    fired = CubicHermiteSpline(sol.t, sol.fired, sol.rate)(np.linspace(0.0, END, WINDOWS + 1))
    mass = np.concatenate([[0.0], np.cumsum(sol.final.density * sol.grid.width)])
    shares = np.diff(PchipInterpolator(sol.grid.faces, mass)(bins(model).faces))
    return np.diff(fired), np.append(shares, 1.0 - shares.sum())


def bins(model: fp.Population) -> fp.Grid:
    return model.grid(CELLS, v_min=-1.0)


class Crowds:
    """Networks of one number of neurons against the equation."""

    def __init__(self, model: fp.Population, count: int, seeds: int, dt: float, fired: np.ndarray, shares: np.ndarray):
        self.count, self.seeds, self.shares = count, seeds, shares
        off, histograms = [], []
        for seed in range(seeds):
            sol = fp.simulate(model, count, DATUM, (0.0, END), dt=dt, seed=1000 + seed, save_at=[END], bins=bins(model))
            off.append(np.diff(np.interp(np.linspace(0.0, END, WINDOWS + 1), sol.t, sol.fired)) - fired)
            found = sol.density[-1] * sol.grid.width
            histograms.append(np.append(found, 1.0 - found.sum()))  # the last: silent, or below the histogram
        self.off, self.found = np.array(off), np.array(histograms)

    def errors(self) -> dict[str, np.ndarray]:
        """One a seed; of the rate the mean square over the windows."""
        return {
            "density (L1)": np.abs(self.found - self.shares).sum(axis=1),
            "spikes per neuron": np.abs(np.cumsum(self.off, axis=1)).max(axis=1),
            "rate in windows": np.sqrt(np.mean((self.off * WINDOWS / END) ** 2, axis=1)),
        }

    def deviation(self) -> float:
        """χ² of the pooled histogram, less its mean and over its standard deviation."""
        total = self.count * self.seeds
        seen = self.shares * total >= 10.0
        expected = total * np.append(self.shares[seen], max(self.shares[~seen].sum(), 1.0 / total))
        pooled = self.found.mean(axis=0)
        found = total * np.append(pooled[seen], pooled[~seen].sum())
        freedom = len(expected) - 1
        return float((np.sum((found - expected) ** 2 / expected) - freedom) / np.sqrt(2.0 * freedom))


def covariance(model: fp.Population, count: int, networks: int) -> tuple[float, float]:
    """N times the covariance of "has fired" for two neurons of a network, and its standard error."""
    means = np.empty(networks)
    for seed in range(networks):
        sol = fp.simulate(
            model, count, DATUM, (0.0, PAIR_END), dt=PAIR_STEP, seed=seed, save_at=[], bins=bins(model), raster=count,
            threads=1,
        )  # fmt: skip
        means[seed] = len(np.unique(sol.raster[1])) / count
    share, variance = means.mean(), means.var(ddof=1)
    single = share * (1.0 - share) + variance / networks  # of one neuron, over all networks
    factor = count / (1.0 - 1.0 / count)
    return float(factor * (variance - single / count)), float(factor * variance * np.sqrt(2.0 / (networks - 1)))


def run(quick: bool) -> dict:
    crowds = {}
    for label, model in MODELS.items():
        expected = reference(model)
        crowds[label] = [Crowds(model, count, seeds, STEP[quick], *expected) for count, seeds in SEEDS[quick].items()]
    counts, networks = PAIRS[quick]
    pairs = {b: {n: covariance(fp.nnlif(b=b), n, networks) for n in numbers} for b, numbers in counts.items()}
    return {"crowds": crowds, "pairs": pairs}


def falling(crowds: list[Crowds], quantity: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Numbers of neurons, errors, and their standard errors; the relative spread is that of the most seeds."""
    many = crowds[0].errors()[quantity]
    means = np.array([c.errors()[quantity].mean() for c in crowds])
    relative = many.std(ddof=1) / many.mean() / np.sqrt([c.seeds for c in crowds])
    return np.array([c.count for c in crowds]), means, relative * means


def slope(x: np.ndarray, y: np.ndarray, relative: np.ndarray) -> tuple[float, float]:
    """Exponent of y in x, weighted by its relative errors, and the standard error of that."""
    weights = 1.0 / relative**2
    away = np.log(x) - np.average(np.log(x), weights=weights)
    return float(np.sum(weights * away * np.log(y)) / np.sum(weights * away**2)), float(
        np.sum(weights * away**2) ** -0.5
    )


def check(result: dict) -> list[Check]:
    checks = []
    for label, crowds in result["crowds"].items():
        for quantity in crowds[0].errors():
            counts, values, errors = falling(crowds, quantity)
            exponent, _ = slope(counts, values, errors / values)
            checks.append(Check(f"{label}: exponent of the error, {quantity}", -0.5, exponent, ORDER, "absolute"))
        most = crowds[-1]
        # The variance of what is fired in a window is c/N; c is taken from all runs but those that are tested.
        scaled = [c.count * c.off.var(axis=0, ddof=1) * (c.seeds - 1) for c in crowds[:-1]]
        spread = np.sqrt(np.sum(scaled, axis=0) / sum(c.seeds - 1 for c in crowds[:-1]))
        away = most.off.mean(axis=0) / spread * np.sqrt(most.count * most.seeds)
        text = f"{label}, N = {most.count:g}: rate in {WINDOWS} windows, largest distance in standard errors"
        checks.append(Check(text, ERRORS, float(np.abs(away).max()), 0.0, "at most"))
        text = f"{label}, N = {most.count:g}: χ² of the histogram, in standard deviations"
        checks.append(Check(text, ERRORS, most.deviation(), 0.0, "at most"))
    for b, rows in result["pairs"].items():
        counts, (values, errors) = np.array(list(rows)), np.array(list(rows.values())).T
        if b == 0.0:
            for count, value, error in zip(counts, values, errors, strict=True):
                text = f"b = 0, N = {count}: N Cov, without connections"
                checks.append(Check(text, 0.0, float(value), PAIR_ERRORS * float(error), "absolute"))
            continue
        mean, error = np.average(values, weights=errors**-2), np.sum(errors**-2) ** -0.5
        text = f"b = {b:g}: N Cov with the sign of b, in standard errors"
        checks.append(Check(text, 5.0, float(np.sign(b) * mean / error), 0.0, "at least"))
        chi2 = float(np.sum(((values - mean) / errors) ** 2))
        freedom = len(values) - 1
        text, allowed = f"b = {b:g}: N Cov is the same for all N, χ²", PAIR_ERRORS * np.sqrt(2.0 * freedom)
        checks.append(Check(text, freedom, chi2, allowed, "at most"))
        exponent, error = slope(counts, np.abs(values) / counts, errors / np.abs(values))
        checks.append(Check(f"b = {b:g}: exponent of Cov", -1.0, exponent, PAIR_ERRORS * error, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 7), layout="constrained")
    panels, (histogram, windows, pairs) = figure.subplots(2, 3)
    names = list(next(iter(result["crowds"].values()))[0].errors())
    for axes, name in zip(panels, names, strict=True):
        for k, (label, crowds) in enumerate(result["crowds"].items()):
            counts, values, errors = falling(crowds, name)
            axes.errorbar(counts * (1.0 + 0.05 * k), values, errors, fmt="o", ms=4, capsize=2, label=label)
        axes.loglog(counts, values[0] * np.sqrt(counts[0] / counts), "k--", lw=1, label="$N^{-1/2}$")
        axes.set(xlabel="neurons N", title=f"error: {name}")
        axes.legend(fontsize=7)
    for k, (label, crowds) in enumerate(result["crowds"].items()):
        most = crowds[-1]
        faces = bins(MODELS[label]).faces
        histogram.stairs(most.shares[:-1] / np.diff(faces), faces, color=f"C{k}", lw=1, label=label)
        found = most.found.mean(axis=0)[:-1] / np.diff(faces)
        histogram.plot(0.5 * (faces[1:] + faces[:-1]), found, ".", ms=4, color=f"C{k}")
        middle = (np.arange(WINDOWS) + 0.5) * END / WINDOWS
        error = most.off.mean(axis=0) * WINDOWS / END
        spread = np.sqrt(crowds[1].off.var(axis=0, ddof=1) * crowds[1].count / most.count / most.seeds) * WINDOWS / END
        windows.errorbar(middle + 0.01 * k, error, spread, fmt="o", ms=4, capsize=2, color=f"C{k}", label=label)
    histogram.set(xlabel="v", title=f"t = {END:g}: {most.count:.0e} neurons (dots)")
    windows.axhline(0.0, color="k", lw=0.8)
    windows.set(xlabel="time t", title="rate, neurons − equation")
    for k, (b, rows) in enumerate(result["pairs"].items()):
        values, errors = np.array(list(rows.values())).T
        pairs.errorbar(list(rows), values, errors, fmt="o-", capsize=3, color=f"C{k + 5}", label=f"b = {b:g}")
    pairs.axhline(0.0, color="k", lw=0.8)
    pairs.set(xscale="log", xlabel="neurons N", title='N · Cov of two neurons ("has fired")')
    for axes in (histogram, windows, pairs):
        axes.legend(fontsize=7)
    return figure
