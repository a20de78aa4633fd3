"""Spike trains without memory: the Poisson process, and the Bernoulli bins whose limit it is."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from ..models.lif import finite_values, known_values
from ..outcomes import (
    FokkerPlanckWarning,
    InvalidArgument,
    finite_number,
    number_in,
    positive,
    real_array,
    whole_number,
)
from ..spiketrains import SpikeTrains

WHOLE = 1e-9
"""Relative difference from a whole number of bins that is rounding."""
NODES, WEIGHTS = np.polynomial.legendre.leggauss(10)
PIECES, MOST_PIECES = 1000, 1_000_000
"""Into which the integral of a rate is divided at first, and at most; each has ten nodes, and so has each half."""
HALVINGS = 40
INTEGRAL = 1e-8
"""Relative accuracy of the integral of a rate."""
LOOSE = 1e-3
"""Share of its bound below which a rate seems never to have been seen where it is high."""
CHUNK = 50_000
"""Pieces that are integrated at a time."""
MOST_SPIKES = 1e8
"""In one sample, candidates included: ten seconds and some gigabytes."""


@dataclass(frozen=True)
class PoissonTrain:
    """A Poisson process: in disjoint times it fires independently, at the rate r(t).

        P(N(T) = n) = m^n e^{−m}/n!,   m = ∫_0^T r dt,   P(x > s) = exp(−∫_0^s r dt)

    Parameters
    ----------
    rate : float or callable
        r ≥ 0 (spikes per time), or a function that takes an array of times and returns the rates at them.
    highest : float, optional
        Of a function: a bound that r(t) never exceeds. Candidates are drawn at this rate and kept with the
        probability r(t)/highest.
    finest : float, optional
        Of a function: the shortest time over which it changes much (time), such as the width of its narrowest peak.
        Its integral begins from pieces of that length. By default it begins from a thousand pieces, whatever the
        length: pieces are halved where that changes the integral, but a peak narrower than a ten-thousandth of the
        time may lie between all nodes and be missed. If then no rate above highest/1000 was met, there is a warning;
        a narrow peak beside other activity is missed in silence, which only `finest` prevents.

    Raises
    ------
    InvalidArgument
        If the rate is negative or not finite, `highest` is missing for a function or given for a number, the integral
        of the rate is not found, or a sample would take more than 1e8 spikes.

    Source: exercises 1 to 5 of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025.

    >>> train = PoissonTrain(25.0)
    >>> round(float(train.count_probability(25, 1.0)), 10)
    0.0795229515
    >>> train.sample(1.0, trials=3, seed=0).count
    3
    """

    rate: float | Callable[[np.ndarray], ArrayLike]
    highest: float | None = None
    finest: float | None = None

    def __post_init__(self) -> None:
        if callable(self.rate):
            if self.highest is None:
                raise InvalidArgument("`highest` is missing: a bound of the function `rate`, which thinning needs.")
            object.__setattr__(self, "highest", positive("highest", self.highest))
            if self.finest is not None:
                object.__setattr__(self, "finest", positive("finest", self.finest))
            return
        for name in ("highest", "finest"):
            if getattr(self, name) is not None:
                raise InvalidArgument(f"`{name}` is for a `rate` that is a function; leave it out.")
        object.__setattr__(self, "rate", _checked_rate(self.rate))

    def rate_at(self, t: ArrayLike) -> np.ndarray:
        """r at the times t."""
        times = finite_values("t", t)
        if not callable(self.rate):
            return np.full(times.shape, self.rate)
        assert self.highest is not None
        rates = _called(self.rate, times)
        if rates.shape not in (times.shape, ()):
            raise InvalidArgument(f"`rate` returns the shape {rates.shape} at times of shape {times.shape}.")
        if not np.all((rates >= 0.0) & (rates <= self.highest * (1.0 + WHOLE))):
            raise InvalidArgument(
                f"`rate` takes values from {np.min(rates):g} to {np.max(rates):g}, but must lie from 0 to `highest` = "
                f"{self.highest:g}; raise `highest`?"
            )
        return np.broadcast_to(rates, times.shape)

    def mean_count(self, duration: float, start: float = 0.0) -> float:
        """⟨N⟩ = ∫ r dt over a time `duration` from `start`."""
        duration, start = positive("duration", duration), finite_number("start", start)
        if not start < start + duration:
            raise InvalidArgument(f"`duration` = {duration:g} is lost in rounding beside `start` = {start:g}.")
        if not callable(self.rate):
            return self.rate * duration
        return float(self._integrals(np.array([start, start + duration]))[0])

    def count_variance(self, duration: float, start: float = 0.0) -> float:
        """Var N, which equals the mean."""
        return self.mean_count(duration, start)

    def fano(self, duration: float) -> float:
        """Var N/⟨N⟩ = 1, whatever the rate."""
        positive("duration", duration)
        return 1.0

    @property
    def interval_cv(self) -> float:
        """Standard deviation of the intervals over their mean: 1 for a constant rate."""
        self._require_constant("`interval_cv`")
        return 1.0

    def count_probability(self, n: ArrayLike, duration: float, start: float = 0.0) -> np.ndarray:
        """P(N = n) in a time `duration` from `start`."""
        return np.asarray(stats.poisson.pmf(_whole_numbers("n", n, "spikes"), self.mean_count(duration, start)))

    def interval_survival(self, x: ArrayLike, start: float = 0.0) -> np.ndarray:
        """The probability that no spike follows one at `start` within x."""
        return np.exp(-self._waited(known_values("x", x), finite_number("start", start)))

    def interval_density(self, x: ArrayLike, start: float = 0.0) -> np.ndarray:
        """Density of the time from a spike at `start` to the next one."""
        times, start = finite_values("x", x), finite_number("start", start)
        return np.where(times >= 0.0, self.rate_at(start + times), 0.0) * self.interval_survival(times, start)

    def sample(self, duration: float, trials: int = 1, seed: int = 0, start: float = 0.0) -> SpikeTrains:
        """Independent trains over a time `duration` from `start`, one for each trial.

        >>> PoissonTrain(lambda t: 20.0 * (1.0 + np.sin(t)), highest=40.0).sample(1.0, seed=1).count
        1
        """
        duration, start = positive("duration", duration), finite_number("start", start)
        trials, rng = whole_number("trials", trials, 1), generator(seed)
        bound = self.rate if self.highest is None else self.highest
        assert not callable(bound)
        _check_number(bound * duration * trials)
        candidates = int(rng.poisson(bound * duration * trials))
        times = np.sort(start + duration * rng.random(candidates))
        if callable(self.rate):
            times = times[rng.random(candidates) * bound < self.rate_at(times)]
        return SpikeTrains(times, rng.integers(trials, size=len(times)), trials, (start, start + duration))

    def _waited(self, times: np.ndarray, start: float) -> np.ndarray:
        """∫ r over a time x from start; 0 for x < 0."""
        times = np.maximum(times, 0.0)
        if not callable(self.rate):
            return self.rate * times if self.rate else np.zeros(times.shape)  # of an infinite time too
        if not np.all(np.isfinite(times)):
            raise InvalidArgument("`x` must be finite where `rate` is a function.")
        ends, place = np.unique(np.append(times, 0.0), return_inverse=True)
        if len(ends) == 1:
            return np.zeros(times.shape)
        waited = np.concatenate([[0.0], np.cumsum(self._integrals(start + ends))])
        return waited[place[:-1]].reshape(times.shape)

    def _integrals(self, ends: np.ndarray) -> np.ndarray:
        """∫ r from each end to the next, by Gauss's rule on pieces that are halved where that changes anything."""
        where, low, length = self._pieces(ends)
        found, first, top = np.zeros(len(ends) - 1), len(low), 0.0
        for _ in range(HALVINGS + 1):
            whole, parts, met = self._sums(low, length)
            top = max(top, met)
            total = float(np.sum(found) + np.sum(parts))
            error = np.abs(parts.sum(axis=1) - whole)
            rough = (error > INTEGRAL * total / first) & (np.sum(error) > INTEGRAL * total)
            np.add.at(found, where[~rough], parts[~rough].sum(axis=1))
            if not np.any(rough) or 2 * np.count_nonzero(rough) > MOST_PIECES:
                break
            half = 0.5 * length[rough]
            low, length = np.concatenate([low[rough], low[rough] + half]), np.concatenate([half, half])
            where = np.concatenate([where[rough], where[rough]])
        if np.any(rough):
            raise InvalidArgument(
                f"the integral of `rate` from {ends[0]:g} to {ends[-1]:g} is not found; give the shortest time over "
                f"which it changes, `finest`, or ask for a shorter time."
            )
        self._warn_of_unseen(top, float(ends[0]), float(ends[-1]))
        return found

    def _pieces(self, ends: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of the first pieces: between which ends each lies, where it begins, and its length."""
        gaps = np.diff(ends)
        usual = (ends[-1] - ends[0]) / PIECES if self.finest is None else self.finest
        if np.sum(np.ceil(gaps / usual)) > MOST_PIECES + len(gaps):
            raise InvalidArgument(
                f"`finest` = {usual:g} makes {np.sum(gaps) / usual:.2g} pieces from {ends[0]:g} to {ends[-1]:g}; at "
                f"most {MOST_PIECES} are integrated. Give a longer `finest`, or ask for a shorter time."
            )
        number = np.ceil(gaps / usual).astype(np.int64)
        where = np.repeat(np.arange(len(gaps)), number)
        rank = np.arange(len(where)) - np.repeat(np.cumsum(number) - number, number)
        length = (gaps / number)[where]
        return where, ends[:-1][where] + rank * length, length

    def _sums(self, low: np.ndarray, length: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
        """The integral over each piece from its ten nodes, over its halves from ten each, and the highest rate met."""
        share = 0.5 * (1.0 + NODES)
        places = np.concatenate([share, 0.5 * share, 0.5 + 0.5 * share])
        sums, top = np.empty((len(low), 3)), 0.0
        for first in range(0, len(low), CHUNK):
            part = slice(first, first + CHUNK)
            rates = self.rate_at((low[part, None] + length[part, None] * places).ravel()).reshape(-1, 3, len(NODES))
            sums[part] = length[part, None] * (rates @ WEIGHTS) * [0.5, 0.25, 0.25]
            top = max(top, float(rates.max()))
        return sums[:, 0], sums[:, 1:], top

    def _warn_of_unseen(self, top: float, start: float, end: float) -> None:
        if self.finest is None and self.highest is not None and top < LOOSE * self.highest:
            warnings.warn(
                f"from {start:g} to {end:g} no `rate` above {top:.3g} was met, far below `highest` = {self.highest:g}; "
                f"if it has a narrow peak there, give its width, `finest`, and if not, a lower `highest`.",
                FokkerPlanckWarning,
                stacklevel=5,
            )

    def _require_constant(self, what: str) -> None:
        if callable(self.rate):
            raise InvalidArgument(f"{what} is known for a constant `rate` only; sample, and ask fp.spike_statistics.")


@dataclass(frozen=True)
class BernoulliTrain:
    """At most one spike in each bin of length ΔT, with the probability p = rΔT: the Poisson process as ΔT → 0.

        P(N(MΔT) = n) = C(M, n) p^n (1 − p)^{M−n},   P(x = kΔT) = p (1 − p)^{k−1}

    Fano factor 1 − p and CV √(1 − p) of the intervals are below those of the limit.

    Parameters
    ----------
    rate : float
        r ≥ 0 (spikes per time).
    bin : float
        ΔT > 0, with rΔT ≤ 1.

    Raises
    ------
    InvalidArgument
        If a parameter is out of range, or rΔT > 1.

    Source: exercises 1 to 3 of the sheet TD3, "Balanced networks", github.com/yfardella/Th_Neuro_TD_2025.

    >>> train = BernoulliTrain(25.0, 0.002)
    >>> round(float(train.count_probability(25, 1.0)), 10)
    0.081588111
    >>> round(train.distance_to_poisson(1.0), 8)
    0.01248042
    """

    rate: float
    bin: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "rate", _checked_rate(self.rate))
        object.__setattr__(self, "bin", positive("bin", self.bin))
        if self.probability > 1.0:
            raise InvalidArgument(
                f"`bin` = {self.bin:g} holds {self.probability:.3g} spikes on average; use at most {1.0 / self.rate:g}."
            )

    @property
    def probability(self) -> float:
        """p = rΔT, of a spike in a bin."""
        return self.rate * self.bin

    def bins(self, duration: float) -> int:
        """M, of which `duration` must be a whole number."""
        ratio = positive("duration", duration) / self.bin
        whole = round(ratio)
        if whole < 1 or abs(ratio - whole) > WHOLE * ratio:
            raise InvalidArgument(
                f"`duration` = {duration:g} is {ratio:.6g} bins; take a whole number, {max(whole, 1) * self.bin:g}."
            )
        return whole

    def mean_count(self, duration: float) -> float:
        """⟨N⟩ = Mp."""
        return self.bins(duration) * self.probability

    def count_variance(self, duration: float) -> float:
        """Var N = Mp (1 − p)."""
        return self.mean_count(duration) * (1.0 - self.probability)

    def fano(self, duration: float) -> float:
        """Var N/⟨N⟩ = 1 − p."""
        self.bins(duration)
        return 1.0 - self.probability

    @property
    def interval_cv(self) -> float:
        """Standard deviation of the intervals over their mean, √(1 − p)."""
        return float(np.sqrt(1.0 - self.probability))

    def count_probability(self, n: ArrayLike, duration: float) -> np.ndarray:
        """P(N = n)."""
        return np.asarray(stats.binom.pmf(_whole_numbers("n", n, "spikes"), self.bins(duration), self.probability))

    def interval_probability(self, k: ArrayLike) -> np.ndarray:
        """P(x = kΔT), k = 1, 2, …"""
        self._require_spikes()
        return np.asarray(stats.geom.pmf(_whole_numbers("k", k, "bins"), self.probability))

    def interval_survival(self, x: ArrayLike) -> np.ndarray:
        """P(interval > x)."""
        self._require_spikes()
        return np.asarray(stats.geom.sf(np.floor(known_values("x", x) / self.bin * (1.0 + WHOLE)), self.probability))

    def distance_to_poisson(self, duration: float) -> float:
        """Total variation ½ Σ_n |P(N = n) − P_Poisson(N = n)| between the counts and those of the Poisson process.

        To first order in ΔT it is p ⟨|(K − m)² − K|⟩/(4m), K being the Poisson count of mean m = rT.
        """
        bins, mean = self.bins(duration), self.mean_count(duration)
        low, high = (int(stats.poisson.ppf(q, mean)) for q in (1e-17, 1.0 - 1e-16))
        n = np.arange(max(low - 1, 0), min(high + 10, bins) + 1)
        apart = np.abs(stats.binom.pmf(n, bins, self.probability) - stats.poisson.pmf(n, mean))
        return float(0.5 * (np.sum(apart) + stats.poisson.sf(n[-1], mean)))

    def sample(self, duration: float, trials: int = 1, seed: int = 0) -> SpikeTrains:
        """Independent trains from time 0, one for each trial; a spike lies in the middle of its bin."""
        bins, trials, rng = self.bins(duration), whole_number("trials", trials, 1), generator(seed)
        _check_number(bins * trials * self.probability)
        places = _successes(bins * trials, self.probability, rng)
        trains, which = np.divmod(places, bins)
        order = np.argsort(which, kind="stable")
        return SpikeTrains((which[order] + 0.5) * self.bin, trains[order], trials, (0.0, bins * self.bin))

    def _require_spikes(self) -> None:
        if self.rate == 0.0:
            raise InvalidArgument("`rate` = 0 has no intervals.")


def generator(seed: object) -> np.random.Generator:
    """The random numbers of a whole-number seed."""
    return np.random.default_rng(whole_number("seed", seed, 0))


def _checked_rate(rate: object) -> float:
    return number_in("rate", rate, lambda r: r >= 0.0, "zero or positive")


def _called(rate: Callable[[np.ndarray], ArrayLike], times: np.ndarray) -> np.ndarray:
    """What the function returns at the times, as numbers."""
    try:
        rates = rate(times)
    except InvalidArgument:
        raise
    except (TypeError, ValueError) as failure:
        raise InvalidArgument(
            f"`rate` fails at an array of times ({failure}); write it with array functions such as np.where, or pass "
            f"np.vectorize(rate, otypes=[float])."
        ) from failure
    return real_array("rate", rates)


def _check_number(spikes: float) -> None:
    """Refuse a sample that no memory holds."""
    if spikes > MOST_SPIKES:
        raise InvalidArgument(
            f"`rate`, `duration` and `trials` make {spikes:.2g} spikes or candidates, more than {MOST_SPIKES:g}; take "
            f"a shorter `duration` or fewer `trials`, with another `seed` for each piece."
        )


def _whole_numbers(name: str, n: ArrayLike, of: str) -> np.ndarray:
    numbers = real_array(name, n)
    if not np.all(numbers == np.round(numbers)):
        raise InvalidArgument(f"`{name}` must be whole numbers of {of}, not {n!r:.60}.")
    return numbers


def _successes(sites: int, p: float, rng: np.random.Generator) -> np.ndarray:
    """Which of `sites` places have a success, by the gaps between them: it costs what there are successes."""
    if p == 0.0:
        return np.empty(0, dtype=np.int64)
    found, last = [], -1
    while last < sites:
        more = int(1.1 * p * (sites - last)) + 20
        places = last + np.cumsum(rng.geometric(p, more))
        found.append(places)
        last = int(places[-1])
    places = np.concatenate(found)
    return places[places < sites]
