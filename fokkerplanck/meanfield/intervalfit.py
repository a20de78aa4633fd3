"""The noisy leaky integrate-and-fire neuron fitted to recorded intervals between spikes, by maximum likelihood.

The intervals T = τ_ref + τ_m S of a neuron that forgets everything at a spike are independent, with the density of the
first-passage time S between two ends:

    log L = Σ_i log f((T_i − τ_ref)/τ_m; w_R, w_F)/τ_m,   w_X = √2 (V_X − E_l − μ)/σ

Four numbers, w_R, w_F, τ_m and τ_ref, are all that intervals can tell: of μ, σ and V_r one has to be known, and V_th
and E_l are the scale and the origin of potentials.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.special import chdtrc, kolmogorov, ndtri

from ..models.lif import LIF, require_neuron
from ..outcomes import (
    InvalidArgument,
    did_you_mean,
    finite_number,
    frozen,
    number_in,
    positive,
    real_array,
    whole_number,
)
from ..spiketrains import SpikeTrains, as_trains
from .intervalsearch import (
    NAMES,
    SIGMA,
    TAU_M,
    Frame,
    Search,
    covariance_of,
    likeliest,
    maximum,
    passage_ends,
    starting_points,
)
from .passage_likelihood import Intervals, PassageDistribution
from .passagetimes import IntervalLaw, interval_law

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 20
LONGEST, SHORTEST = 1000.0, 0.01
"""Mean interval over τ_m beyond which units are taken to be mixed up."""
STIFFEST = 1e-3
"""CV below which the intervals are those of a clock."""
VAGUE = 0.5
"""Standard error of log σ or log τ_m from which these are not known."""
UNLIKELY = 0.01
"""Probability, for a renewal process, of serial correlations that are mentioned."""
STEP_NODES = 5
"""Gauss nodes on a step of the clock."""
LAGS = 5
"""Up to which correlations of intervals are looked at."""
SHIFTED = 0.5
"""Standard errors of the mean interval by which long ones, cut off, must shift it to be mentioned."""
TIED = 0.05
"""Share of equal intervals from which a clock is mentioned."""
MOST_TRAINS = 0.05
"""Share of steps downwards up to which numbers are taken for the spike times of several trains."""
OUTLYING = 1e-6
"""Chance, under the fit, of an interval as long as the longest, from which that is mentioned."""
LEAST_P = 1e-15
"""Below it a p-value is not written out."""


@dataclass(frozen=True, eq=False, repr=False)
class IntervalFit:
    """A neuron fitted to intervals. Made by `fit_isi`.

    Attributes
    ----------
    neuron : LIF
        With the fitted V_r, τ_m and τ_ref where these were free.
    mu, sigma : float
        Mean input and noise, fitted or as given (potential).
    free, estimated : tuple of str
        What was asked for; of that what lies inside its range and so has a standard error. A refractory time that
        comes out as zero is in the first only.
    covariance : array, shape (estimated, estimated)
        Inverse of the observed information −∂² log L.
    log_likelihood : float
        Of densities per unit of time, or of what the clock reads if `resolution` was given times 1/resolution.
    intervals : array
    resolution : float or None
    correlations, correlation_errors : array, shape (5,)
        Of intervals with those that follow them, the next one, the one after, …, and standard errors if there are
        none, as in a renewal process, which the fitted neuron is.
    notes : tuple of str
        What is to be known about the fit, in sentences.
    """

    neuron: LIF
    mu: float
    sigma: float
    free: tuple[str, ...]
    estimated: tuple[str, ...]
    covariance: np.ndarray
    log_likelihood: float
    intervals: np.ndarray = field(repr=False)
    resolution: float | None
    correlations: np.ndarray
    correlation_errors: np.ndarray
    notes: tuple[str, ...]

    @property
    def parameters(self) -> dict[str, float]:
        """The fitted value of everything that was free."""
        return {name: self._value(name) for name in self.free}

    @property
    def standard_errors(self) -> dict[str, float]:
        """Of everything that was estimated."""
        return dict(zip(self.estimated, np.sqrt(np.diag(self.covariance)).tolist(), strict=True))

    @property
    def aic(self) -> float:
        """2k − 2 log L, with k free parameters."""
        return 2.0 * len(self.free) - 2.0 * self.log_likelihood

    @property
    def bic(self) -> float:
        """k log n − 2 log L, with n intervals."""
        return len(self.free) * math.log(len(self.intervals)) - 2.0 * self.log_likelihood

    @cached_property
    def law(self) -> IntervalLaw:
        """Density, distribution, moments, … of the intervals of the fitted neuron."""
        return interval_law(self.mu, self.sigma, self.neuron)

    @cached_property
    def distribution(self) -> PassageDistribution:
        """P(S ≤ s), fast at many times."""
        w_R, w_F = passage_ends(self.neuron, self.mu, self.sigma)
        return PassageDistribution.of(w_R, w_F)

    def cdf(self, t: np.ndarray) -> np.ndarray:
        """P(T ≤ t), as `law.cdf`, but to 1e-8 and fast at many times."""
        return self.distribution(self._passages(t))

    @cached_property
    def kolmogorov(self) -> tuple[float, float]:
        """Largest distance of the empirical distribution from the fitted one, and its p-value for a law known before.

        That p-value is too large, for the law was fitted to the same intervals; `goodness` gives the right one.
        """
        distance = self._distance()
        return distance, float(kolmogorov(math.sqrt(len(self.intervals)) * distance))

    def confidence(self, level: float = 0.95) -> dict[str, tuple[float, float]]:
        """Intervals of confidence of all that was estimated: those of log σ and log τ_m, and of the others, are normal.

        That of τ_ref is cut at its bound 0.

        >>> fit = fit_isi(interval_law(15.0, 5.0, LIF(20.0, 20.0, 10.0)).sample(300), LIF(20.0, 20.0, 10.0), ("mu",),
        ...               sigma=5.0)
        >>> low, high = fit.confidence()["mu"]
        >>> low < fit.mu < high
        True
        """
        level = number_in("level", level, lambda x: 0.0 < x < 1.0, "a probability between 0 and 1")
        z = float(ndtri(0.5 + 0.5 * level))
        found = {}
        for name, error in self.standard_errors.items():
            value = self._value(name)
            if name in ("sigma", "tau_m"):
                found[name] = (value * math.exp(-z * error / value), value * math.exp(z * error / value))
            else:
                low = value - z * error
                found[name] = (max(low, 0.0) if name == "tau_ref" else low, value + z * error)
        return found

    def goodness(self, samples: int = 99, seed: int = 0) -> float:
        """p-value of the Kolmogorov distance by a parametric bootstrap.

        As many intervals as were recorded are drawn from the fitted neuron, on the same clock, and fitted in the same
        way; the p-value is the share (1 + those whose distance is at least as large)/(1 + samples). About 0.2 s for
        each sample of a thousand intervals.
        """
        samples = whole_number("samples", samples, 1)
        generator = np.random.default_rng(seed)
        larger = 0
        for _ in range(samples):
            drawn = self._drawn(int(generator.integers(2**62)), generator)
            again = self._fitted_again(drawn)
            larger += again._distance() >= self._distance()
        return (1.0 + larger) / (1.0 + samples)

    def plot(self, unit: str | None = None) -> Figure:
        """Histogram and density, P–P plot with its band, survival; `unit` of time, "ms", is written at the axes."""
        from ..plotting.intervalfits import plot_interval_fit

        return plot_interval_fit(self, unit=unit)

    def _value(self, name: str) -> float:
        return float(getattr(self if name in ("mu", "sigma") else self.neuron, name))

    def _passages(self, t: np.ndarray) -> np.ndarray:
        """First-passage times over τ_m of intervals."""
        return (np.asarray(t) - self.neuron.tau_ref) / self.neuron.tau_m

    def _distance(self) -> float:
        T, count = np.unique(self.intervals, return_counts=True)
        after = np.cumsum(count) / len(self.intervals)
        if self.resolution is not None:  # a reading up to T means a time up to T, or with falling chance one step more
            nodes, weights = np.polynomial.legendre.leggauss(STEP_NODES)
            later = self.cdf(T[:, None] + self.resolution * (0.5 + 0.5 * nodes))
            return float(np.max(np.abs(after - later @ (0.5 * weights))))
        P = self.cdf(T)
        return float(max(np.max(after - P), np.max(P - after + count / len(self.intervals))))

    def _drawn(self, seed: int, generator: np.random.Generator) -> np.ndarray:
        """As many random intervals, read on the same clock."""
        T = self.law.sample(len(self.intervals), seed)
        if self.resolution is None:
            return T
        phase = generator.random(len(T))
        read: np.ndarray = self.resolution * np.floor(T / self.resolution + phase)
        return read

    def _fitted_again(self, T: np.ndarray) -> IntervalFit:
        given = (self.neuron, self.free, self.mu, self.sigma)
        starts = [self._point(), *starting_points(T, *given)]
        try:
            return _fitted(T, self.resolution, *given, starts)
        except InvalidArgument as error:
            raise InvalidArgument(
                f"intervals drawn from the fit cannot be fitted themselves, so that there is no bootstrap; name fewer "
                f"in `free`. {error}"
            ) from None

    def _point(self) -> tuple[float, ...]:
        return tuple(self._value(name) for name in NAMES)

    def __repr__(self) -> str:
        errors = self.standard_errors
        lines = [f"mean {np.mean(self.intervals):.6g}, CV {np.std(self.intervals) / np.mean(self.intervals):.4g}"]
        for name in self.free:
            error = f" ± {errors[name]:.2g}" if name in errors else ", at its bound"
            lines.append(f"{name} {self._value(name):.6g}{error}")
        fixed = [f"{name} {self._value(name):.6g}" for name in NAMES if name not in self.free]
        lines.append(f"given: {', '.join(fixed)}, V_th {self.neuron.V_th:g}, E_l {self.neuron.E_l:g}")
        lines.append(f"log L {self.log_likelihood:.8g}, AIC {self.aic:.8g}, BIC {self.bic:.8g}")
        distance, p = self.kolmogorov
        lines.append(f"Kolmogorov distance {distance:.3g}, p < {max(p, LEAST_P):.2g} (of the fit itself: .goodness())")
        lines += [f"! {note}" for note in self.notes]
        head = f"IntervalFit: fp.LIF, {len(self.intervals)} intervals"
        return "\n".join([head, *(f"├─ {line}" for line in lines[:-1]), f"└─ {lines[-1]}"])


def fit_isi(
    intervals: Any,
    neuron: LIF,
    free: Sequence[str] = ("mu", "sigma", "tau_ref"),
    *,
    mu: float | None = None,
    sigma: float | None = None,
    resolution: float | None = None,
) -> IntervalFit:
    """Maximum-likelihood fit of the noisy leaky integrate-and-fire neuron to intervals between spikes.

    Each interval is one refractory time and one passage from V_r to V_th, independent of the others:

        log L = Σ_i log f(T_i − τ_ref),   f from `fp.first_passage_density`

    Gradient and Hessian of log L are exact, the search is Newton's, and the standard errors are those of the observed
    information. Units are those of `neuron`: times in seconds if its τ_m is, potentials in millivolts if its V_th is.

    Parameters
    ----------
    intervals : array or SpikeTrains
        Of one neuron, in the order in which they were recorded (time); or spike trains, or the result of a simulation,
        all of whose intervals are taken to have one law.
    neuron : LIF
        The values of what is not free, and where the search for what is free begins. V_th and E_l, the scale and the
        origin of potentials, are always taken from here.
    free : sequence of str
        What is fitted: some of "mu", "sigma", "V_r", "tau_m", "tau_ref"; not "mu", "sigma" and "V_r" together, as
        intervals fix only two combinations of these. With () the likelihood of given parameters is computed.
    mu, sigma : float
        Their values where they are not free (potential).
    resolution : float, optional
        Step of the clock on which the spikes were read (time). Each interval then has the probability of its reading:
        the density weighted with a triangle of half-width `resolution`. Needed if the law changes within a step.

    Raises
    ------
    InvalidArgument
        If there are fewer than 20 intervals, or some are masked, NaN, negative or zero (without `resolution`), or they
        look like spike times, like another unit of time, or like a clock (CV < 0.001); if `free` is redundant; if the
        intervals do not fix what is free, or the search for it stalls.

    Source: Mullowney, Iyengar, J. Comput. Neurosci. 24 (2008) 179, for this likelihood from the Laplace transform and
    the numbers that intervals can fix; Paninski, Haith, Szirtes, same volume, 69, for derivatives of the likelihood.

    >>> neuron = LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
    >>> fit = fit_isi(interval_law(15.0, 5.0, neuron).sample(1000, seed=1), neuron, ("mu", "sigma"))
    >>> abs(fit.mu - 15.0) < 3 * fit.standard_errors["mu"] < 1.5
    True
    """
    T, following = _recorded(intervals)
    require_neuron(neuron)
    names = _checked_free(free)
    step = None if resolution is None else positive("resolution", resolution)
    given = {"mu": mu, "sigma": sigma}
    _check_given(given, names)
    _check_intervals(T, neuron, names, step)
    fixed_mu = 0.0 if mu is None else finite_number("mu", mu)
    fixed_sigma = 1.0 if sigma is None else positive("sigma", sigma)
    starts = starting_points(T, neuron, names, fixed_mu, fixed_sigma)
    fit = _fitted(T, step, neuron, names, fixed_mu, fixed_sigma, starts, following)
    short = _note_of_short(intervals, T)
    return replace(fit, notes=(*fit.notes, *short)) if short else fit


# -- what is fitted to --------------------------------------------------------------------------------------------


def _recorded(intervals: Any) -> tuple[np.ndarray, np.ndarray]:
    """Intervals, and for each but the last whether the next one follows it."""
    if isinstance(intervals, SpikeTrains) or hasattr(intervals, "raster") or hasattr(intervals, "spikes"):
        T, owner = as_trains(intervals).intervals()
        return T, owner[1:] == owner[:-1]
    if np.ma.isMaskedArray(intervals) and np.any(np.ma.getmaskarray(intervals)):
        raise InvalidArgument(
            f"`intervals` masks {np.ma.count_masked(intervals)} of its entries; give `.compressed()` if what is left "
            "still is one row of intervals, or the spike trains without them."
        )
    T = real_array("intervals", intervals)
    if T.ndim != 1:
        raise InvalidArgument(f"`intervals` must be one row of numbers, but has the shape {T.shape}; use np.ravel.")
    return T, np.ones(max(len(T) - 1, 0), dtype=bool)


def _checked_free(free: Sequence[str]) -> tuple[str, ...]:
    try:
        names = (free,) if isinstance(free, str) else tuple(free)
    except TypeError:
        raise InvalidArgument(
            f"`free` = {free!r:.40} must name some of {', '.join(NAMES)}; () to compute a likelihood only."
        ) from None
    for name in names:
        if name not in NAMES:
            raise InvalidArgument(
                f"`free` names {name!r}{did_you_mean(name, dict.fromkeys(NAMES))} Of {', '.join(NAMES)} it may name "
                "some; V_th and E_l are the scale and the origin of potentials, which intervals do not tell."
            )
    if len(set(names)) < len(names):
        raise InvalidArgument(f"`free` = {names} names something twice.")
    if {"mu", "sigma", "V_r"} <= set(names):
        raise InvalidArgument(
            "`free` names mu, sigma and V_r, but intervals depend on them through (V_r − E_l − mu)/sigma and "
            "(V_th − E_l − mu)/sigma only: two numbers do not fix three. Take one of them from elsewhere."
        )
    return tuple(name for name in NAMES if name in names)


def _check_given(given: dict[str, float | None], names: tuple[str, ...]) -> None:
    for name, value in given.items():
        if name in names and value is not None:
            raise InvalidArgument(f"`{name}` is given, but `free` names it; leave out one of them.")
        if name not in names and value is None:
            raise InvalidArgument(f"`{name}` is missing: give its value, or name it in `free`.")


def _check_intervals(T: np.ndarray, neuron: LIF, names: tuple[str, ...], resolution: float | None) -> None:
    if len(T) < FEWEST:
        raise InvalidArgument(f"`intervals` holds {len(T)}; at least {FEWEST} are needed. Record for longer.")
    if bad := np.count_nonzero(~np.isfinite(T)):
        raise InvalidArgument(f"`intervals` holds {bad} that are NaN or infinite; leave these out, with np.isfinite.")
    if np.any(T < 0.0):
        raise InvalidArgument(
            f"`intervals` holds {np.count_nonzero(T < 0.0)} negative ones; sort the spike times of each train before "
            "np.diff, and do not take differences across trains."
        )
    _check_order(np.diff(T))
    if resolution is None and np.any(T == 0.0):
        raise InvalidArgument(
            f"`intervals` holds {np.count_nonzero(T == 0.0)} zeros, which have no density; remove spikes that were "
            "counted twice, or give the step of the clock as `resolution`."
        )
    _check_units(T, neuron, names, 0.0 if resolution is None else resolution)
    if resolution is not None and resolution > 0.5 * np.mean(T):
        raise InvalidArgument(
            f"`resolution` = {resolution:g} must be below half the mean interval, {T.mean():g}; is it in the same unit?"
        )
    if np.std(T) < STIFFEST * np.mean(T):
        raise InvalidArgument(
            f"`intervals` are as regular as a clock, with the CV {np.std(T) / np.mean(T):.2g}: sigma tends to zero and "
            "has no estimate with an error. Is this a pacemaker, or the clock of the recording?"
        )


def _check_order(steps: np.ndarray) -> None:
    """Of n independent intervals all but k follow a shorter one with a probability of at most (k + 1)^n/n!."""
    downwards = int(np.count_nonzero(steps <= 0.0))
    if downwards <= MOST_TRAINS * len(steps):
        several = f", but for {downwards} places where another train may begin" if downwards else ""
        raise InvalidArgument(
            f"`intervals` increase from first to last{several}, as spike times do; give np.diff(times) of each train, "
            "or fp.SpikeTrains. If these are intervals that were sorted, give them in the order in which they were "
            "recorded."
        )
    if np.all(steps <= 0.0) and np.any(steps < 0.0):
        raise InvalidArgument(
            "`intervals` decrease from first to last, as sorted ones do; give them in the order in which they were "
            "recorded."
        )


def _check_units(T: np.ndarray, neuron: LIF, names: tuple[str, ...], resolution: float) -> None:
    ratio = float(np.mean(T)) / neuron.tau_m
    if not SHORTEST < ratio < LONGEST:
        way = "divide" if ratio > 1.0 else "multiply"
        why = "so rare spikes fix a rate only" if ratio > 1.0 else "no membrane acts within so short a time"
        raise InvalidArgument(
            f"`intervals` have the mean {np.mean(T):.4g}, {ratio:.3g} times `neuron.tau_m` = {neuron.tau_m:g}. Are "
            f"they in another unit of time than tau_m? Then {way} them by 1000, or give tau_m in theirs. If not, there "
            f"is nothing to fit: {why}."
        )
    early = np.count_nonzero(T + resolution <= neuron.tau_ref)
    if "tau_ref" not in names and early:
        raise InvalidArgument(
            f"`neuron.tau_ref` = {neuron.tau_ref:g} is no shorter than {early} of the "
            f"`intervals`, of which the shortest is {np.min(T):g}; take a shorter one, or name tau_ref in `free`."
        )


def _note_of_short(intervals: Any, T: np.ndarray) -> list[str]:
    if not (isinstance(intervals, SpikeTrains) or hasattr(intervals, "raster") or hasattr(intervals, "spikes")):
        return []
    # An interval x is seen in a time D with a probability ∝ D − x, so that the mean loses a share variance/(D mean).
    loss, cv = float(np.var(T) / np.mean(T)) / as_trains(intervals).duration, float(np.std(T) / np.mean(T))
    if loss < SHIFTED * cv / math.sqrt(len(T)):
        return []
    return [
        f"the trains are short: long intervals are missing, which makes the mean {100.0 * loss:.2g} % too small; the "
        "errors do not contain that"
    ]


# -- the result ---------------------------------------------------------------------------------------------------


def _fitted(
    T: np.ndarray, resolution: float | None, neuron: LIF, names: tuple[str, ...], mu: float, sigma: float,
    starts: list[tuple[float, ...]], following: np.ndarray | None = None,
) -> IntervalFit:  # fmt: skip
    frame, data = Frame(neuron), Intervals.of(T, resolution)
    search = Search(data, frame)
    free = [NAMES.index(name) for name in names]
    x, best, moving = maximum(search, likeliest(search, [frame.inward(start) for start in starts]), free)
    covariance = covariance_of(best, moving) * np.outer(frame.scales(x)[moving], frame.scales(x)[moving])
    mu, sigma, V_r, tau_m, tau_ref = frame.outward(x)
    fitted = replace(
        neuron,
        V_r=V_r if "V_r" in names else neuron.V_r,
        tau_m=tau_m if "tau_m" in names else neuron.tau_m,
        tau_ref=tau_ref if "tau_ref" in names else neuron.tau_ref,
    )
    correlations, errors = _correlations(T, following)
    notes = _notes(
        T,
        resolution,
        [NAMES[k] for k in free if k not in moving],
        covariance,
        moving,
        sigma,
        tau_m,
        correlations,
        errors,
    )
    if best.continued:
        notes.append(
            f"{best.continued} intervals have a density below the smallest double under this neuron, which does not "
            "describe them; log L is extrapolated there"
        )
    made = IntervalFit(
        neuron=fitted,
        mu=mu,
        sigma=sigma,
        free=names,
        estimated=tuple(NAMES[k] for k in moving),
        covariance=frozen(covariance),
        log_likelihood=best.value,
        intervals=frozen(T.copy()),
        resolution=resolution,
        correlations=correlations,
        correlation_errors=errors,
        notes=tuple(notes),
    )
    return replace(made, notes=(*notes, *_note_of_outliers(made))) if names else made


def _note_of_outliers(fit: IntervalFit) -> list[str]:
    """The chance that one of so many intervals is as long as the longest, for which the decay of the density is known.

    A long interval among many pulls the fit towards itself, and is unlikely nevertheless.
    """
    longest, n = float(np.max(fit.intervals)), len(fit.intervals)
    chance = n * float(fit.law.survival(longest))
    if not chance < OUTLYING:
        return []
    return [
        f"the longest interval, {longest:.6g}, would occur among {n} with a chance of "
        + (f"{chance:.1g}" if chance > LEAST_P else f"less than {LEAST_P:g}")
        + " if the fit were right: it may be an error of the recording, and one such interval can move the fit by "
        "more than the errors. Fit without it as well"
    ]


def _correlations(T: np.ndarray, following: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
    """At the first few lags, with errors for independent intervals; `following` says where the next one follows."""
    away = (T - T.mean()) / T.std()
    follows = np.ones(len(T) - 1, dtype=bool) if following is None else following
    use = follows
    found, errors = np.zeros(LAGS), np.full(LAGS, np.inf)
    for lag in range(1, LAGS + 1):
        if pairs := np.count_nonzero(use):
            found[lag - 1] = np.mean(away[:-lag][use] * away[lag:][use])
            errors[lag - 1] = 1.0 / math.sqrt(pairs)
        use = use[:-1] & follows[lag:]
    return frozen(found), frozen(errors)


def _notes(
    T: np.ndarray, resolution: float | None, bound: list[str], covariance: np.ndarray, moving: list[int], sigma: float,
    tau_m: float, correlations: np.ndarray, errors: np.ndarray,
) -> list[str]:  # fmt: skip
    notes = []
    if bound:
        notes.append("tau_ref comes out at its bound 0 and has no standard error; the others hold for tau_ref = 0")
    for k, value in ((SIGMA, sigma), (TAU_M, tau_m)):
        if k in moving and math.sqrt(covariance[moving.index(k), moving.index(k)]) > VAGUE * value:
            notes.append(
                f"{NAMES[k]} is hardly known: intervals as close to one simple law as these fix fewer numbers; errors "
                "so large are not those of a normal law. Name fewer in `free`"
            )
    z = correlations / errors
    if abs(z[0]) > -float(ndtri(0.5 * UNLIKELY)) or chdtrc(LAGS, float(z @ z)) < UNLIKELY:
        k = int(np.argmax(np.abs(z)))
        notes.append(
            f"intervals are correlated with later ones, {correlations[0]:.3f} ± {errors[0]:.2g} with the next and "
            f"{correlations[k]:.3f} with number {k + 1}; no renewal process is, and the errors are not to be trusted"
        )
    ties = 1.0 - len(np.unique(T)) / len(T)
    if resolution is None and ties > TIED:
        notes.append(
            f"{100.0 * ties:.0f} % of the intervals repeat another, which times on a continuous scale do not: if "
            "they were read on a clock, give its step as `resolution`; if they are in the data twice, the errors are "
            "too small"
        )
    return notes
