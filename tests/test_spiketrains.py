"""Statistics of spike trains: identities, known processes, honest errors, bad input."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.outcomes import FokkerPlanckWarning, InvalidArgument
from fokkerplanck.spiketrains import as_trains, fano_factor


def gamma_trains(shape, count, duration, rng):
    """Stationary renewal trains of rate 1 with gamma intervals: every `shape`-th spike of Poisson trains."""
    number = int(rng.poisson(shape * duration * count))
    times, who = np.sort(rng.random(number) * duration), rng.integers(count, size=number)
    order = np.argsort(who, kind="stable")
    rank = np.arange(number) - np.searchsorted(who[order], np.arange(count))[who[order]]
    keep = np.zeros(number, dtype=bool)
    keep[order] = (rank + rng.integers(shape, size=count)[who[order]]) % shape == shape - 1
    return fp.SpikeTrains(times[keep], who[keep], count, (0.0, duration))


def gamma_fano(shape, window):
    """Of such trains: of n Poisson spikes and a phase from 0 to shape − 1, ⌊(n + phase)/shape⌋ are left."""
    n = np.arange(int(shape * window + 12 * np.sqrt(shape * window) + 40))
    p = stats.poisson.pmf(n, shape * window)[:, None] / shape
    left = (n[:, None] + np.arange(shape)) // shape
    mean = np.sum(p * left)
    return (np.sum(p * left**2) - mean**2) / mean


def gamma_cv2(shape):
    share = stats.beta(shape, shape)
    return 2.0 * share.expect(lambda x: abs(2.0 * x - 1.0))


# -- the object ---------------------------------------------------------------------------------------------------


def test_a_small_recording_by_hand():
    trains = fp.SpikeTrains([0.1, 0.2, 0.5, 0.9, 1.0], [1, 0, 1, 1, 0], 3, (0.0, 1.1))
    assert trains.counts.tolist() == [2, 3, 0]
    assert trains.train(1).tolist() == [0.1, 0.5, 0.9]
    x, owner = trains.intervals()
    np.testing.assert_allclose(x, [0.8, 0.4, 0.4])
    assert owner.tolist() == [0, 1, 1]
    assert trains.window_counts(0.5).tolist() == [[1, 0], [1, 2], [0, 0]]  # what lies after 1.0 is no whole window
    part = trains.between(0.2, 0.9)
    assert (part.times.tolist(), part.trains.tolist(), part.t_span) == ([0.2, 0.5, 0.9], [0, 1, 1], (0.2, 0.9))


def test_many_trains_sort_like_few():
    rng = np.random.default_rng(1)
    times, who = np.sort(rng.random(4000)), rng.integers(0, 70_000, 4000)
    who[::2] = 69_999  # more trains than the short keys can number
    x, owner = fp.SpikeTrains(times, who, 70_000, (0.0, 1.0)).intervals()
    np.testing.assert_allclose(x[owner == 69_999], np.diff(times[who == 69_999]))


def test_it_cannot_be_changed_and_does_not_change_what_it_was_given():
    times = np.array([0.1, 0.2])
    trains = fp.SpikeTrains(times, [0, 0], 1, (0.0, 1.0))
    with pytest.raises(ValueError, match="read-only"):
        trains.times[0] = 0.0
    times[0] = 0.15
    assert trains.times[0] == 0.1


# -- identities ---------------------------------------------------------------------------------------------------


def test_equal_weights_give_the_plain_estimates():
    trains = gamma_trains(2, 40, 30.0, np.random.default_rng(3))
    found = fp.spike_statistics(trains, windows=3.0, corrected=False)
    x, _ = trains.intervals()
    np.testing.assert_allclose(found.cv, np.std(x, ddof=1) / np.mean(x), rtol=1e-12)
    np.testing.assert_allclose(found.mean_interval, np.mean(x), rtol=1e-12)
    counts = trains.window_counts(3.0)
    np.testing.assert_allclose(found.fano, np.var(counts, ddof=1) / np.mean(counts), rtol=1e-12)
    np.testing.assert_allclose(found.rate, len(trains.times) / (40 * 30.0), rtol=1e-12)
    np.testing.assert_allclose(found.rate_error, np.std(trains.counts / 30.0, ddof=1) / np.sqrt(40), rtol=1e-12)
    assert (found.spikes, found.intervals, found.parts) == (len(trains.times), len(x), 40)


def test_the_jackknife_leaves_out_one_train_after_the_other():
    trains = gamma_trains(2, 25, 30.0, np.random.default_rng(4))
    cv = np.array([
        fp.spike_statistics(np.delete(trains.times, gone), np.delete(trains.trains, gone), (0.0, 30.0), 25).cv
        for gone in (np.flatnonzero(trains.trains == k) for k in range(25))
    ])  # fmt: skip
    expected = np.sqrt(24 / 25 * np.sum((cv - cv.mean()) ** 2))
    np.testing.assert_allclose(fp.spike_statistics(trains).cv_error, expected, rtol=1e-9)


def test_a_clock_is_regular():
    found = fp.spike_statistics(np.arange(400) + 0.5, t_span=(0.0, 400.0), windows=[1.0, 4.0])
    assert found.cv < 1e-12
    assert found.cv2 < 1e-12
    np.testing.assert_allclose(found.fano, 0.0, atol=1e-12)
    np.testing.assert_allclose(found.mean_interval, 1.0)


def test_the_histogram_holds_all_intervals():
    found = fp.spike_statistics(gamma_trains(1, 30, 50.0, np.random.default_rng(2)), bins=[0.0, 0.4, 1.0, 2.0])
    inside = np.sum(found.histogram * np.diff(found.edges))
    np.testing.assert_allclose(inside + found.beyond, 1.0)
    assert abs(found.beyond - np.exp(-2.0)) < 0.04


@share_of_examples(0.3)
@given(st.integers(0, 10**6), st.integers(1, 40), st.floats(0.01, 100.0), st.floats(-5.0, 5.0))
def test_units_of_time_and_numbering_do_not_matter(seed, count, unit, origin):
    rng = np.random.default_rng(seed)
    trains = gamma_trains(2, count, 60.0, rng)
    names = rng.permutation(count)
    moved = fp.SpikeTrains(
        unit * (trains.times + origin), names[trains.trains], count, (unit * origin, unit * (60.0 + origin))
    )
    one, two = (
        fp.spike_statistics(trains, windows=[3.0]),
        fp.spike_statistics(moved, windows=[3.0 * unit * (1 - 1e-12)]),
    )
    for name in ("cv", "cv2", "seen"):
        np.testing.assert_allclose(getattr(one, name), getattr(two, name), rtol=1e-6)
    np.testing.assert_allclose([one.rate, one.mean_interval], [two.rate * unit, two.mean_interval / unit], rtol=1e-6)


# -- known processes ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [1, 2, 5])
def test_gamma_trains(shape):
    found = fp.spike_statistics(gamma_trains(shape, 200, 100.0, np.random.default_rng(shape)), windows=[0.5, 2.0, 10.0])
    for value, error, exact in (
        (found.rate, found.rate_error, 1.0),
        (found.mean_interval, found.mean_interval_error, 1.0),
        (found.cv, found.cv_error, shape**-0.5),
        (found.cv2, found.cv2_error, gamma_cv2(shape)),
        *zip(found.fano, found.fano_error, [gamma_fano(shape, w) for w in (0.5, 2.0, 10.0)], strict=True),
    ):
        assert abs(value - exact) < 4.0 * error
        assert error < 0.05


def test_short_recordings_show_short_intervals_unless_corrected():
    # Between n uniform spikes in a time T there are n − 1 gaps of mean T/(n + 1).
    duration = 12.0
    n = np.arange(2, 80)
    p = stats.poisson.pmf(n, duration)
    plain = np.sum(p * (n - 1) / (n + 1)) * duration / np.sum(p * (n - 1))
    trains = gamma_trains(1, 6000, duration, np.random.default_rng(8))
    kept, corrected = fp.spike_statistics(trains, corrected=False), fp.spike_statistics(trains)
    assert plain < 0.93
    assert abs(kept.mean_interval - plain) < 4.0 * kept.mean_interval_error < 0.02
    assert abs(corrected.mean_interval - 1.0) < 4.0 * corrected.mean_interval_error < 0.03
    assert abs(corrected.cv - 1.0) < 4.0 * corrected.cv_error < 0.03


def test_a_slowly_changing_rate_shows_in_cv_and_not_in_cv2():
    train = fp.PoissonTrain(lambda t: 50.0 * (1.0 + 0.9 * np.sin(0.2 * t)), highest=100.0)
    found = fp.spike_statistics(train.sample(2000.0, seed=2))
    assert found.cv > 1.3
    assert abs(found.cv2 - 1.0) < 4.0 * found.cv2_error + 0.01


# Of 200 recordings; few parts have the quantiles of Student's law, 2.09 instead of 1.96 for 20, which costs 2 %.
@pytest.mark.parametrize("shape", [1, 4])
@pytest.mark.parametrize(("count", "duration"), [(1, 300.0), (5, 100.0), (40, 30.0)])
def test_error_bars_cover_what_they_should(shape, count, duration):
    rng, windows = np.random.default_rng(11), [1.0, 4.0]
    exact = [1.0, 1.0, shape**-0.5, gamma_cv2(shape), *(gamma_fano(shape, w) for w in windows)]
    edges = np.array([0.0, 0.5, 1.0, 2.0])
    exact = np.array([*exact, *(np.diff(stats.gamma(shape, scale=1 / shape).cdf(edges)) / np.diff(edges))])
    covered = np.zeros(len(exact))
    for _ in range(200):
        s = fp.spike_statistics(gamma_trains(shape, count, duration, rng), windows=windows, bins=edges)
        value = np.array([s.rate, s.mean_interval, s.cv, s.cv2, *s.fano, *s.histogram])
        error = np.array([
            s.rate_error, s.mean_interval_error, s.cv_error, s.cv2_error, *s.fano_error, *s.histogram_error
        ])  # fmt: skip
        covered += np.abs(value - exact) < 1.96 * error
    # 0.95 and 0.92 with the binomial deviations 0.015 and 0.019
    assert np.all(covered / 200 > 0.86)
    assert np.all(covered / 200 < 0.995)
    assert 0.9 < np.mean(covered) / 200 < 0.965


# -- what may be given --------------------------------------------------------------------------------------------


def test_times_alone_and_times_with_neurons():
    times, who = np.array([0.1, 0.2, 0.4, 0.5, 0.9, 1.0]), np.array([0, 1, 0, 1, 1, 0])
    assert as_trains(times, t_span=(0.0, 1.0)).count == 1
    assert as_trains(times, who, (0.0, 1.0)).count == 2
    assert as_trains(times, who, (0.0, 1.0), 5).counts.tolist() == [3, 3, 0, 0, 0]


def test_a_simulation_as_it_is():
    sol = fp.simulate(fp.nnlif(b=0.0), 400, fp.gaussian(0.0, 0.25), (0.0, 160.0), seed=1, raster=150)
    trains = as_trains(sol)
    assert (trains.count, len(trains.times)) == (150, len(sol.raster[0]))
    assert trains.t_span == pytest.approx((0.0, 160.0))
    trains = trains.between(5.0, 160.0)
    found = fp.spike_statistics(trains)
    assert abs(found.rate - 0.119975965) < 4.0 * found.rate_error
    silent = fp.simulate(fp.nnlif(b=0.0), 400, fp.gaussian(0.0, 0.25), (0.0, 1.0), seed=1)
    with pytest.raises(InvalidArgument, match="raster=100"):
        fp.spike_statistics(silent)
    with pytest.raises(InvalidArgument, match="leave them out"):
        fp.spike_statistics(sol, t_span=(0.0, 1.0))


def test_a_million_spikes():
    rng = np.random.default_rng(1)
    times, who = np.sort(rng.random(1_000_000)), rng.integers(0, 100, 1_000_000)
    found = fp.spike_statistics(times, who, (0.0, 1.0), 100)
    assert abs(found.cv - 1.0) < 4.0 * found.cv_error < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0.2, 0.1], [0, 0], 1, (0.0, 1.0)), "entry 1 lies before"),
        (([0.1, np.nan], [0, 0], 1, (0.0, 1.0)), "`times` must be finite"),
        (([0.1, 1.2], [0, 0], 1, (0.0, 1.0)), "outside of `t_span`"),
        (([[0.1]], [[0]], 1, (0.0, 1.0)), "vector"),
        (([0.1, 0.2], [0], 1, (0.0, 1.0)), "one per spike"),
        (([0.1, 0.2], [0, 2], 2, (0.0, 1.0)), "`count` − 1 = 1"),
        (([0.1, 0.2], [0, -1], 2, (0.0, 1.0)), "goes from -1"),
        (([0.1, 0.2], [0.0, 1.0], 2, (0.0, 1.0)), "whole numbers"),
        (([0.1], [0], 0, (0.0, 1.0)), "`count`"),
        (([0.1], [0], 1, (1.0, 0.0)), "end after it begins"),
        (([0.1], [0], 1, 3.0), "two times"),
        (([0.1], [0], 1, (0.0, np.inf)), "`t_span` must be finite"),
    ],
)
def test_bad_trains_are_refused(arguments, message):
    with pytest.raises(InvalidArgument, match=message):
        fp.SpikeTrains(*arguments)


REGULAR = np.arange(20) + 0.5


@pytest.mark.parametrize(
    ("times", "options", "message"),
    [
        (REGULAR, {}, "`t_span` is missing"),
        (REGULAR[:3], {"t_span": (0.0, 20.0)}, "3 spikes in 1 trains, which make 2 intervals"),
        (np.empty(0), {"t_span": (0.0, 20.0)}, "0 spikes"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": [30.0]}, "longer than the recording"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": [9.0]}, "has 2; at least 3"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": [0.0]}, "`windows` = 0"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": -1}, "`windows` = -1"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": []}, "`windows` must be one length or several"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": [np.nan]}, "`windows` must be finite"),
        (REGULAR, {"t_span": (0.0, 20.0), "corrected": "no"}, "`corrected` must be True or False"),
        (REGULAR, {"t_span": (0.0, 20.0), "windows": [1e-12]}, "take longer ones"),
        (REGULAR, {"t_span": (0.0, 20.0), "bins": 0}, "`bins`"),
        (REGULAR, {"t_span": (0.0, 20.0), "bins": [1.0, 0.5]}, "increasing order"),
        (REGULAR, {"t_span": (0.0, 20.0), "neurons": np.zeros(20)}, "whole numbers"),
        (np.full(5, 2.0), {"t_span": (0.0, 20.0)}, "no two spikes of one train at different times"),
        ([1.0, 1.0, 1.0, 2.0, 3.0], {"t_span": (0.0, 20.0)}, "counted twice"),
        ([0.0, 0.3, 0.4, 1.0], {"neurons": [0, 1, 1, 0], "t_span": (0.0, 1.0), "count": 2}, "1 trains|2 intervals"),
        ([0.0, 0.1, 0.3, 0.4, 1.0], {"neurons": [0, 1, 1, 1, 0], "t_span": (0.0, 1.0)}, "as long as the recording"),
    ],
)  # fmt: skip
def test_what_has_no_statistics_is_refused(times, options, message):
    with pytest.raises(InvalidArgument, match=message):
        fp.spike_statistics(times, **options)


def test_a_recording_that_hides_long_intervals_warns():
    trains = gamma_trains(1, 2000, 4.0, np.random.default_rng(1))
    with pytest.warns(FokkerPlanckWarning, match="mean intervals"):
        found = fp.spike_statistics(trains)
    assert abs(found.seen - (1.0 - np.exp(-4.0))) < 0.02
    assert found.short
    assert "short recording" in repr(found)


def test_what_a_short_recording_hides_is_what_lies_beyond_its_end():
    trains, T = fp.PoissonTrain(1.0).sample(5.0, trials=20_000, seed=2), 5.0
    with pytest.warns(FokkerPlanckWarning, match="mean intervals"):
        found = fp.spike_statistics(trains)
    moments = [1.0, 1.0 - np.exp(-T) * (1.0 + T), 2.0 - np.exp(-T) * (2.0 + 2.0 * T + T**2)]
    mean, square = (m / (1.0 - np.exp(-T)) for m in moments[1:])
    cut = np.sqrt(square / mean**2 - 1.0)  # of an exponential law that is cut off at T
    assert 0.93 < cut < 0.95
    assert abs(found.cv - cut) < 4.0 * found.cv_error < 0.02
    assert found.cv < 1.0 - 8.0 * found.cv_error
    long = fp.spike_statistics(fp.PoissonTrain(1.0).sample(40.0, trials=500, seed=2))
    assert not long.short
    assert "short" not in repr(long)


def test_stretches_are_named_as_they_are_given():
    trains = fp.SpikeTrains([0.1, 0.2, 0.7], [0, 1, 0], 2, (0.0, 1.0))
    for start, end, message in ((0.2, 0.1, "`start` = 0.2 must lie before `end`"), (0.0, np.nan, "`end`"),
                                (-1.0, 0.5, "within the recording")):  # fmt: skip
        with pytest.raises(InvalidArgument, match=message):
            trains.between(start, end)


def test_windows_without_spikes_are_refused():
    with pytest.raises(InvalidArgument, match="no whole window"):
        fano_factor(fp.SpikeTrains([9.5], [0], 1, (0.0, 10.0)), 3.0)


def test_it_prints_itself():
    text = repr(fp.spike_statistics(gamma_trains(1, 30, 30.0, np.random.default_rng(1))))
    assert all(word in text for word in ("CV2", "Fano", "±", "30 parts"))
