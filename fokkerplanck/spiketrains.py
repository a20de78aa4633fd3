"""Spike trains, whatever made them, and their statistics: rate, irregularity, variability of counts, intervals."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .outcomes import FokkerPlanckWarning, InvalidArgument, finite_number, frozen, positive, real_array, whole_number

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FEWEST = 3
"""Intervals, from which a CV with an error can be had."""
PARTS = 20
"""Least number of parts into which few trains are cut for the standard errors."""
MOST_PARTS = 500
"""More trains than this are taken together in groups: the error of an error is then 3 %."""
MOST_COUNTS = 200_000_000
"""Windows of one length: what is kept of each takes 8 bytes."""
WINDOWS, FEWEST_BINS, BINS, TAIL = 8, 5, 50, 6.0
"""Default number of windows, of bins at least and at most, and how many mean intervals the bins reach."""
FEWEST_WINDOWS = 50
"""Windows that the longest default one leaves, all trains together."""
SHORT = 8.0
"""Mean intervals times CV² below which a recording is short: of Poisson trains e^−8 of the intervals are longer."""


@dataclass(frozen=True, eq=False, repr=False)
class SpikeTrains:
    """Spikes of several neurons, or of one neuron in several trials, recorded over the same stretch of time.

    Parameters
    ----------
    times : array, shape (spikes,)
        In increasing order (any unit of time, the same everywhere).
    trains : array of int, shape (spikes,)
        Which train each spike belongs to, from 0 to count − 1.
    count : int
        Number of trains, those without a spike included.
    t_span : (float, float)
        When the recording began and ended.

    Raises
    ------
    InvalidArgument
        If times are not finite, not in order or outside t_span, or an index is not that of a train.

    >>> trains = SpikeTrains([0.1, 0.2, 0.7], [0, 1, 0], 2, (0.0, 1.0))
    >>> trains
    SpikeTrains(3 spikes of 2 trains from 0 to 1)
    >>> trains.counts.tolist()
    [2, 1]
    """

    times: np.ndarray
    trains: np.ndarray
    count: int
    t_span: tuple[float, float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "count", whole_number("count", self.count, 1))
        object.__setattr__(self, "t_span", _checked_span(self.t_span))
        times, trains = real_array("times", self.times), np.array(self.trains)
        _check_times(times, self.t_span)
        if trains.shape != times.shape:
            raise InvalidArgument(f"`trains` has the shape {trains.shape}, `times` {times.shape}; give one per spike.")
        if trains.size and trains.dtype.kind not in "iu":
            raise InvalidArgument(f"`trains` must be whole numbers, not of type {trains.dtype}.")
        if trains.size and not 0 <= trains.min() <= trains.max() < self.count:
            raise InvalidArgument(
                f"`trains` goes from {trains.min()} to {trains.max()}, but must lie from 0 to `count` − 1 = "
                f"{self.count - 1}."
            )
        object.__setattr__(self, "times", frozen(times))
        object.__setattr__(self, "trains", frozen(trains.astype(np.int64)))

    @property
    def duration(self) -> float:
        """Length of the recording."""
        return self.t_span[1] - self.t_span[0]

    @property
    def counts(self) -> np.ndarray:
        """Spikes of each train, shape (count,)."""
        return np.bincount(self.trains, minlength=self.count)

    def train(self, k: int) -> np.ndarray:
        """The spike times of train k."""
        if whole_number("k", k, 0) >= self.count:
            raise InvalidArgument(f"`k` = {k}, but there are {self.count} trains, numbered from 0.")
        return self.times[self.trains == k]

    def between(self, start: float, end: float) -> SpikeTrains:
        """What was recorded from `start` to `end`; without the transient of a simulation for example."""
        start, end = finite_number("start", start), finite_number("end", end)
        if not start < end:
            raise InvalidArgument(f"`start` = {start:g} must lie before `end` = {end:g}; swap them?")
        if not self.t_span[0] <= start < end <= self.t_span[1]:
            raise InvalidArgument(
                f"`start` = {start:g} and `end` = {end:g} must lie within the recording, {self.t_span[0]:g} to "
                f"{self.t_span[1]:.9g}."
            )
        part = slice(int(np.searchsorted(self.times, start)), int(np.searchsorted(self.times, end, side="right")))
        return SpikeTrains(self.times[part], self.trains[part], self.count, (start, end))

    def intervals(self) -> tuple[np.ndarray, np.ndarray]:
        """The intervals between the spikes of the same train, train after train, and the train of each.

        Neither the time before the first spike nor that after the last one is an interval.
        """
        order = self._by_train()
        times, trains = self.times[order], self.trains[order]
        same = trains[1:] == trains[:-1]
        return np.diff(times)[same], trains[1:][same]

    def window_counts(self, window: float) -> np.ndarray:
        """Spikes in each whole window [a, a + window), shape (count, windows); a rest at the end is not used."""
        window, whole = self._whole_windows(window)
        index = np.floor((self.times - self.t_span[0]) / window).astype(np.int64)
        used = slice(None) if not len(index) or index[-1] < whole else slice(0, int(np.searchsorted(index, whole)))
        flat = self.trains[used] * whole + index[used]
        return np.bincount(flat, minlength=self.count * whole).reshape(self.count, whole)

    def plot(self, unit: str | None = None) -> Figure:
        """Raster, population rate, intervals and counts, in one figure; `unit` of time, "s", is written at the axes."""
        from .plotting.trains import plot_trains

        return plot_trains(self, unit=unit)

    def _whole_windows(self, window: float, name: str = "window") -> tuple[float, int]:
        window = positive(name, window)
        whole = int(np.floor(min(self.duration / window, 1e18) * (1.0 + 1e-9)))
        if whole < 1:
            raise InvalidArgument(
                f"`{name}` = {window:g} is longer than the recording, {self.duration:g}; take a shorter one."
            )
        if self.count * whole > MOST_COUNTS:
            raise InvalidArgument(f"`{name}` = {window:g} makes {self.count * whole:.2g} windows; take longer ones.")
        return window, whole

    def _by_train(self) -> np.ndarray:
        """The order in which spikes are sorted by train, then by time."""
        narrow = self.trains.astype(np.uint16) if self.count <= 1 << 16 else self.trains  # short keys sort by radix
        return np.argsort(narrow, kind="stable")

    def __repr__(self) -> str:
        trains = "1 train" if self.count == 1 else f"{self.count} trains"
        return f"SpikeTrains({len(self.times)} spikes of {trains} from {self.t_span[0]:.9g} to {self.t_span[1]:.9g})"


@dataclass(frozen=True, eq=False, repr=False)
class SpikeStatistics:
    """What `spike_statistics` finds; every `…_error` is a standard error.

    Attributes
    ----------
    spikes, intervals, parts : int
        How many there were, and into how many parts they were divided for the errors.
    rate, rate_error : float
        Spikes per train and time.
    mean_interval, mean_interval_error : float
    cv, cv_error : float
        Standard deviation of the intervals over their mean, all trains being taken as realisations of one law.
    cv2, cv2_error : float
        Mean of 2|x_{i+1} − x_i|/(x_{i+1} + x_i) over successive intervals of a train, which slow changes of the rate
        and differences between trains leave alone.
    windows, fano, fano_error : array, shape (windows,)
        Lengths of counting windows, and the variance over the mean of the counts in them.
    edges : array, shape (bins + 1,)
    histogram, histogram_error : array, shape (bins,)
        Density of the intervals.
    beyond : float
        Share of the intervals that lie outside the edges.
    seen : float
        Estimate of the share of all intervals that are shorter than the recording, the others being invisible. One,
        but for noise, if the recording is long. Little may be missing and yet matter, since the longest intervals weigh
        most: of Poisson trains over five mean intervals 0.7 % are invisible, which makes the CV 6 % too small.
    short : bool
        The recording is shorter than 8 CV² mean intervals: longer intervals are invisible, so that mean and
        CV come out too small by more than their errors say. Rate and Fano factor do not.
    """

    spikes: int
    intervals: int
    parts: int
    rate: float
    rate_error: float
    mean_interval: float
    mean_interval_error: float
    cv: float
    cv_error: float
    cv2: float
    cv2_error: float
    windows: np.ndarray
    fano: np.ndarray
    fano_error: np.ndarray
    edges: np.ndarray
    histogram: np.ndarray
    histogram_error: np.ndarray
    beyond: float
    seen: float
    short: bool

    def __repr__(self) -> str:
        short = ["├─ short recording: CV and interval come out too small, which their errors do not contain"]
        return "\n".join(
            [
                f"SpikeStatistics: {self.spikes} spikes, {self.intervals} intervals, errors from {self.parts} parts",
                *(short if self.short else []),
                f"├─ rate {self.rate:.6g} ± {self.rate_error:.2g}",
                f"├─ CV   {self.cv:.6g} ± {self.cv_error:.2g}",
                f"├─ CV2  {self.cv2:.6g} ± {self.cv2_error:.2g}",
                f"└─ Fano {self.fano[0]:.6g} ± {self.fano_error[0]:.2g} in windows of {self.windows[0]:.4g} to "
                f"{self.fano[-1]:.6g} ± {self.fano_error[-1]:.2g} in windows of {self.windows[-1]:.4g}",
            ]
        )


def as_trains(
    trains: Any, neurons: Sequence[int] | np.ndarray | None = None, t_span: tuple[float, float] | None = None,
    count: int | None = None,
) -> SpikeTrains:  # fmt: skip
    """Spike trains from what holds spikes: SpikeTrains, the result of a simulation, or an array of times.

    Arguments and errors as for `spike_statistics`.
    """
    if isinstance(trains, SpikeTrains) or isinstance(getattr(trains, "spikes", None), SpikeTrains):
        if neurons is not None or t_span is not None or count is not None:
            raise InvalidArgument("`trains` knows its neurons, its `count` and its `t_span`; leave them out.")
        return trains if isinstance(trains, SpikeTrains) else trains.spikes
    if hasattr(trains, "raster"):
        return _of_simulation(trains, neurons, t_span, count)
    if t_span is None:
        raise InvalidArgument("`t_span` is missing: when the recording began and ended, (0.0, 10.0) for example.")
    times = real_array("trains", trains)
    if neurons is None:
        return SpikeTrains(times, np.zeros(times.shape, dtype=np.int64), 1 if count is None else count, t_span)
    who = np.asarray(neurons)
    if count is None:
        if who.size and who.dtype.kind not in "iu":
            raise InvalidArgument(f"`neurons` must be whole numbers, not of type {who.dtype}.")
        count = int(who.max(initial=0)) + 1
    return SpikeTrains(times, who, count, t_span)


def _of_simulation(solution: Any, neurons: object, t_span: object, count: int | None) -> SpikeTrains:
    """The recorded neurons of a ParticleSolution."""
    if neurons is not None or t_span is not None:
        raise InvalidArgument("`trains` is a simulation, which knows its neurons and its times; leave them out.")
    times, who = solution.raster
    recorded = int(solution.settings.get("raster", 0)) if count is None else whole_number("count", count, 1)
    if not recorded:
        raise InvalidArgument(
            "`trains` is a simulation that recorded no single neurons; give fp.simulate a number of them, raster=100 "
            "for example, or here their `count`."
        )
    order = np.argsort(times, kind="stable")  # the end of one step and the start of the next differ by rounding
    end = max(float(solution.t[-1]), float(np.max(times, initial=-np.inf)))
    return SpikeTrains(times[order], who[order].astype(np.int64), recorded, (float(solution.t[0]), end))


def spike_statistics(
    trains: Any,
    neurons: Sequence[int] | np.ndarray | None = None,
    t_span: tuple[float, float] | None = None,
    count: int | None = None,
    windows: float | Sequence[float] | np.ndarray | None = None,
    bins: int | Sequence[float] | np.ndarray | None = None,
    corrected: bool = True,
) -> SpikeStatistics:
    """Rate, CV, CV2, Fano factor and intervals of stationary spike trains, each with its standard error.

        CV = σ(x)/⟨x⟩,   CV2 = ⟨2|x_{i+1} − x_i|/(x_{i+1} + x_i)⟩,   F(w) = Var n_w/⟨n_w⟩

    An interval x is the time between two spikes of one train; the time before the first spike and that after the last
    are none, since where they begin or end was not seen. In a recording of length T an interval is seen from end to
    end with a probability proportional to T − x, so that the plain mean favours short ones: at 25 spikes per recording
    the mean interval of a Poisson train comes out 4 % too short. Each interval therefore has the weight 1/(T − x),
    each pair of them 1/(T − x_i − x_{i+1}), which is right for any stationary train; intervals longer than T remain
    invisible (`seen`), of which you are warned where it matters.

    Standard errors are those of the jackknife: the spikes are divided into parts, and each part is left out in turn.
    Of 20 or more trains that fired, a part is a train (or of very many a group of trains), and whatever happens within
    a train is allowed for. Of fewer trains, parts are 20 stretches of time or of successive intervals; the errors then
    hold if intervals that far apart are independent.

    Parameters
    ----------
    trains : SpikeTrains, result of a simulation, or array
        `fp.simulate(..., raster=K)` and `fp.simulate_membrane` may be given as they are; or the times of all spikes
        in increasing order, with the next three arguments.
    neurons : array of int, optional
        Of times: which neuron each spike belongs to. Default: all to one.
    t_span : (float, float)
        Of times: when the recording began and ended.
    count : int, optional
        Of times: number of neurons, silent ones included. Default: the largest of `neurons` plus one.
    windows : float or sequence of float, optional
        Lengths of the counting windows. Default: eight, from the mean interval to the longest of which there are fifty.
    bins : int or array
        Of the histogram of the intervals: the number of bins, up to six mean intervals, or their edges. Default: the
        root of the number of intervals, from 5 to 50.
    corrected : bool
        False gives all intervals the same weight.

    Returns
    -------
    SpikeStatistics

    Raises
    ------
    InvalidArgument
        If the times are not in order, not finite or outside t_span, or there are fewer than three intervals.

    Source: CV2 is that of Holt, Softky, Koch, Douglas, J. Neurophysiol. 75 (1996) 1806.

    >>> import fokkerplanck as fp
    >>> found = spike_statistics(fp.PoissonTrain(25.0).sample(1.0, trials=2000, seed=1))
    >>> abs(found.cv - 1.0) < 4 * found.cv_error < 0.03
    True
    """
    record = as_trains(trains, neurons, t_span, count)
    if not isinstance(corrected, bool | np.bool_):
        raise InvalidArgument(f"`corrected` must be True or False, not {corrected!r}.")
    x, owner = record.intervals()
    if len(x) < FEWEST:
        raise InvalidArgument(
            f"`trains` holds {len(record.times)} spikes in {record.count} trains, which make {len(x)} intervals; at "
            f"least {FEWEST} are needed. Record for longer."
        )
    if not np.any(x > 0.0):
        raise InvalidArgument("`trains` has no two spikes of one train at different times.")
    part = _parts_of_intervals(record, owner)
    weight = _weights(record.duration, x, corrected)
    mean, cv = _interval_moments(x, weight, part)
    edges = _checked_edges(bins, x, mean[0])
    if short := record.duration < SHORT * mean[0] * cv[0] ** 2:
        _warn_of_short(record.duration, mean[0])
    histogram, histogram_error, beyond = _histogram(x, weight, part, edges)
    cv2, cv2_error = _cv2(record.duration, x, owner, part, corrected)
    rate, rate_error = _rate(record)
    lengths = _checked_windows(windows, record)
    fano = np.array([fano_factor(record, float(window)) for window in lengths])
    return SpikeStatistics(
        spikes=len(record.times),
        intervals=len(x),
        parts=int(part.max()) + 1,
        rate=rate,
        rate_error=rate_error,
        mean_interval=mean[0],
        mean_interval_error=mean[1],
        cv=cv[0],
        cv_error=cv[1],
        cv2=cv2,
        cv2_error=cv2_error,
        windows=frozen(lengths),
        fano=frozen(fano[:, 0].copy()),
        fano_error=frozen(fano[:, 1].copy()),
        edges=frozen(edges),
        histogram=frozen(histogram),
        histogram_error=frozen(histogram_error),
        beyond=beyond,
        seen=_seen(record, x),
        short=short,
    )


def fano_factor(record: SpikeTrains, window: float) -> tuple[float, float]:
    """Variance over mean of the counts in windows of one length, and its standard error.

    >>> import fokkerplanck as fp
    >>> value, error = fano_factor(fp.PoissonTrain(25.0).sample(1.0, trials=2000, seed=1), 0.1)
    >>> abs(value - 1.0) < 4 * error < 0.06
    True
    """
    counts = record.window_counts(window)
    trains, whole = counts.shape
    centre = float(counts.mean())
    if centre == 0.0:
        raise InvalidArgument(f"`windows` holds {window:g}, but no whole window of that length has a spike.")
    stretches = 1 if trains >= PARTS else min(-(-PARTS // trains), whole)
    starts = np.arange(stretches) * whole // stretches
    away = counts - centre
    size = np.broadcast_to(np.diff([*starts, whole]), (trains, stretches))
    sums = np.array([size, *(np.add.reduceat(z, starts, axis=1) for z in (away, away**2))]).reshape(3, -1)
    if sums.shape[1] > MOST_PARTS:
        groups = np.arange(sums.shape[1]) * MOST_PARTS // sums.shape[1]
        sums = _sums(groups, *sums)

    def fano(s: np.ndarray) -> np.ndarray:
        return (s[2] - s[1] ** 2 / s[0]) / (s[0] - 1.0) / (centre + s[1] / s[0])

    return _floats(_jackknife(fano, sums))


# -- what is asked for ------------------------------------------------------------------------------------------


def _checked_span(t_span: object) -> tuple[float, float]:
    try:
        start, end = (finite_number("t_span", float(t)) for t in t_span)  # type: ignore[attr-defined]
    except (TypeError, ValueError) as refusal:
        if isinstance(refusal, InvalidArgument):
            raise
        raise InvalidArgument(f"`t_span` must be two times, (0.0, 10.0) for example, not {t_span!r}.") from None
    if not start < end:
        raise InvalidArgument(f"`t_span` = ({start:g}, {end:g}) must end after it begins.")
    return start, end


def _check_times(times: np.ndarray, t_span: tuple[float, float]) -> None:
    if times.ndim != 1:
        raise InvalidArgument(f"`times` must be a vector of times, not of shape {times.shape}.")
    if not np.all(np.isfinite(times)):
        raise InvalidArgument("`times` must be finite; leave out what is NaN or infinite.")
    back = np.flatnonzero(times[1:] < times[:-1])
    if len(back):
        raise InvalidArgument(
            f"`times` must not decrease, but entry {back[0] + 1} lies before the one before it; sort them with "
            f"order = np.argsort(times), and the trains with them."
        )
    if len(times) and not t_span[0] <= times[0] <= times[-1] <= t_span[1]:
        raise InvalidArgument(
            f"`times` goes from {times[0]:.9g} to {times[-1]:.9g}, outside of `t_span` = ({t_span[0]:g}, "
            f"{t_span[1]:g}); widen `t_span` or leave those spikes out."
        )


def _checked_edges(bins: object, x: np.ndarray, mean: float) -> np.ndarray:
    if bins is None:
        bins = min(max(FEWEST_BINS, int(np.sqrt(len(x)))), BINS)
    if isinstance(bins, int | np.integer) and not isinstance(bins, bool):
        return np.linspace(0.0, min(TAIL * mean, 1.001 * float(x.max())), whole_number("bins", bins, 1) + 1)
    edges = real_array("bins", bins)
    if edges.ndim != 1 or len(edges) < 2 or not np.all(np.isfinite(edges)) or not np.all(np.diff(edges) > 0.0):
        raise InvalidArgument("`bins` must be a number of bins, or their edges in increasing order.")
    return edges


def _checked_windows(windows: object, record: SpikeTrains) -> np.ndarray:
    if windows is not None:
        lengths = np.atleast_1d(real_array("windows", windows))
        if lengths.ndim != 1 or not len(lengths):
            raise InvalidArgument("`windows` must be one length or several, or left out; it is empty or a matrix.")
        for length in lengths:
            if (whole := record._whole_windows(float(length), "windows")[1]) * record.count < FEWEST:
                raise InvalidArgument(
                    f"`windows` holds {length:g}, of which the recording has {whole * record.count}; at least {FEWEST} "
                    f"are needed for a variance."
                )
        return lengths
    longest = record.duration * min(1.0, record.count / FEWEST_WINDOWS)
    usual = record.duration * record.count / len(record.times)
    return np.geomspace(min(usual, longest), longest, WINDOWS if usual < longest else 1)


# -- estimates ----------------------------------------------------------------------------------------------------


def _jackknife(statistic: Callable[[np.ndarray], np.ndarray], sums: np.ndarray) -> tuple[Any, Any]:
    """The statistic of the sums over all parts, and its standard error; `sums` has the shape (..., parts)."""
    parts = sums.shape[-1]
    total = sums.sum(axis=-1, keepdims=True)
    left_out = statistic(total - sums)
    spread = np.sum((left_out - left_out.mean(axis=-1, keepdims=True)) ** 2, axis=-1)
    return statistic(total)[..., 0], np.sqrt((parts - 1.0) / parts * spread)


def _parts_of_intervals(record: SpikeTrains, owner: np.ndarray) -> np.ndarray:
    """The part of each interval: its train, or a run of successive intervals where few trains have any."""
    first = np.concatenate([[True], owner[1:] != owner[:-1]])
    active = int(np.count_nonzero(first))
    if active < PARTS:
        return np.arange(len(owner)) * min(PARTS, len(owner)) // len(owner)
    return (np.cumsum(first) - 1) * min(active, MOST_PARTS) // active


def _weights(duration: float, length: np.ndarray, corrected: bool) -> np.ndarray:
    """One over the probability to be seen from end to end, up to a factor."""
    if not corrected:
        return np.ones_like(length)
    room = duration - length
    if np.any(room <= 0.0):
        raise InvalidArgument(
            "`trains` has intervals as long as the recording; give corrected=False, or record longer."
        )
    return duration / room


def _warn_of_short(duration: float, mean: float) -> None:
    warnings.warn(
        f"`trains` is {duration:g} long, {duration / mean:.3g} mean intervals: longer intervals are invisible, and "
        f"mean and CV of the intervals come out too small. Record for longer, or trust rate and Fano factor alone.",
        FokkerPlanckWarning,
        stacklevel=3,
    )


def _sums(part: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    parts = int(part.max()) + 1
    return np.array([np.bincount(part, column, minlength=parts) for column in columns])


def _interval_moments(
    x: np.ndarray, weight: np.ndarray, part: np.ndarray
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Mean and CV of the intervals, with their errors."""
    centre = float(np.mean(x))
    away = weight * (x - centre)
    sums = _sums(part, weight, away, away * (x - centre), weight**2)

    def mean(s: np.ndarray) -> np.ndarray:
        return centre + s[1] / s[0]

    def cv(s: np.ndarray) -> np.ndarray:
        variance = s[2] / s[0] - (s[1] / s[0]) ** 2
        return np.sqrt(np.maximum(variance / (1.0 - s[3] / s[0] ** 2), 0.0)) / mean(s)  # of equal intervals rounding

    return _floats(_jackknife(mean, sums)), _floats(_jackknife(cv, sums))


def _cv2(duration: float, x: np.ndarray, owner: np.ndarray, part: np.ndarray, corrected: bool) -> tuple[float, float]:
    pair = owner[1:] == owner[:-1]
    both, apart = (x[1:] + x[:-1])[pair], np.abs(x[1:] - x[:-1])[pair]
    if not len(both):
        raise InvalidArgument("`trains` has no three spikes in one train, which CV2 needs. Record for longer.")
    if np.any(both == 0.0):
        raise InvalidArgument("`trains` has three spikes of one train at the same time; are they counted twice?")
    weight, of = _weights(duration, both, corrected), part[:-1][pair]
    sums = _sums(of, weight, 2.0 * weight * apart / both)
    sums = sums[:, sums[0] > 0.0]  # parts without a pair
    if sums.shape[1] < 2:
        raise InvalidArgument("`trains` has too few intervals for an error of CV2. Record for longer.")
    return _floats(_jackknife(lambda s: s[1] / s[0], sums))


def _histogram(
    x: np.ndarray, weight: np.ndarray, part: np.ndarray, edges: np.ndarray
) -> tuple[np.ndarray, np.ndarray, float]:
    bins, parts = len(edges) - 1, int(part.max()) + 1
    which = np.searchsorted(edges, x, side="right") - 1
    which[x == edges[-1]] = bins - 1
    inside = (which >= 0) & (which < bins)
    flat = np.bincount(which[inside] * parts + part[inside], weight[inside], minlength=bins * parts)
    sums = np.concatenate([flat.reshape(bins, parts), _sums(part, weight)])
    width = np.diff(edges)[:, None]
    density, error = _jackknife(lambda s: s[:-1] / s[-1] / width, sums)
    return density, error, 1.0 - float(np.sum(density * width[:, 0]))


def _rate(record: SpikeTrains) -> tuple[float, float]:
    stretches = 1 if record.count >= PARTS else -(-PARTS // record.count)
    counts = record.window_counts(record.duration / stretches).ravel() / (record.duration / stretches)
    rate = len(record.times) / (record.count * record.duration)
    return rate, float(np.std(counts, ddof=1) / np.sqrt(len(counts)))


def _seen(record: SpikeTrains, x: np.ndarray) -> float:
    room = record.duration - x
    return float(np.sum(record.duration / room[room > 0.0])) / len(record.times)


def _floats(pair: tuple[Any, Any]) -> tuple[float, float]:
    return float(pair[0]), float(pair[1])
