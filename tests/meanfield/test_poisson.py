"""Poisson trains and Bernoulli bins: laws against closed forms, samples against laws."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from strategies import decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.outcomes import InvalidArgument

COURSE = fp.BernoulliTrain(25.0, 0.002)


def wave(t):
    return 20.0 * (1.0 + np.sin(2.0 * np.pi * t))


WAVE = fp.PoissonTrain(wave, highest=40.0)


def test_the_numbers_of_the_course():
    n = [15, 20, 25, 30, 35]
    poisson = [0.0098909606, 0.0519174686, 0.0795229515, 0.0454127851, 0.0113842810]
    binomial = [0.0090459177, 0.0516161925, 0.0815881110, 0.0456184448, 0.0106174261]
    np.testing.assert_allclose(fp.PoissonTrain(25.0).count_probability(n, 1.0), poisson, atol=5e-11)
    np.testing.assert_allclose(COURSE.count_probability(n, 1.0), binomial, atol=5e-11)
    assert COURSE.distance_to_poisson(1.0) == pytest.approx(0.01248042, abs=5e-9)
    assert (COURSE.probability, COURSE.fano(1.0)) == (0.05, 0.95)
    assert COURSE.interval_cv == pytest.approx(0.97468, abs=5e-6)


@share_of_examples(0.5)
@given(decades(0.01, 100.0), st.integers(1, 400), st.floats(0.001, 0.999))
def test_moments_are_those_of_the_probabilities(rate, bins, p):
    duration = bins * p / rate
    for train in (fp.PoissonTrain(rate), fp.BernoulliTrain(rate, p / rate)):
        n = np.arange(int(bins * p + 20 * np.sqrt(bins * p) + 60))
        law = train.count_probability(n, duration)
        mean = np.sum(n * law)
        np.testing.assert_allclose(np.sum(law), 1.0, rtol=1e-9)
        np.testing.assert_allclose(mean, train.mean_count(duration), rtol=1e-8)
        variance = np.sum((n - mean) ** 2 * law)
        np.testing.assert_allclose(variance, train.count_variance(duration), rtol=1e-7)
        np.testing.assert_allclose(variance / mean, train.fano(duration), rtol=1e-7)
        # No spike in a time is an interval longer than that, for either process.
        np.testing.assert_allclose(train.interval_survival(duration), law[0], rtol=1e-9)


@pytest.mark.parametrize("train", [fp.PoissonTrain(25.0), COURSE])
def test_intervals_have_the_cv_that_is_said(train):
    k = np.arange(1, 2000)
    if train is COURSE:
        x, share = k * 0.002, train.interval_probability(k)
    else:
        nodes, weights = np.polynomial.legendre.leggauss(200)
        x, share = 1.0 + nodes, weights * train.interval_density(1.0 + nodes)
    mean = np.sum(x * share)
    np.testing.assert_allclose(mean, 0.04, rtol=1e-8)
    np.testing.assert_allclose(np.sqrt(np.sum((x - mean) ** 2 * share)) / mean, train.interval_cv, rtol=1e-8)


def test_survival_sums_the_probabilities_of_longer_intervals():
    k = np.arange(1, 3000)
    longer = [np.sum(COURSE.interval_probability(k[k * 0.002 > x + 1e-12])) for x in (0.0, 0.002, 0.003, 0.1)]
    np.testing.assert_allclose(COURSE.interval_survival([0.0, 0.002, 0.003, 0.1]), longer, rtol=1e-10)


@share_of_examples(0.3)
@given(decades(0.3, 300.0), st.integers(1, 2000))
def test_the_distance_to_poisson_is_the_sum_over_all_counts(mean, extra):
    bins = int(mean) + extra
    train = fp.BernoulliTrain(mean / bins, 1.0)
    n = np.arange(bins + int(mean + 20 * np.sqrt(mean)) + 60)
    apart = np.abs(stats.binom.pmf(n, bins, mean / bins) - stats.poisson.pmf(n, mean))
    np.testing.assert_allclose(train.distance_to_poisson(bins), 0.5 * np.sum(apart), atol=1e-13)


def test_the_distance_is_of_first_order_with_the_constant_that_is_said():
    n = np.arange(200)
    constant = np.sum(stats.poisson.pmf(n, 25.0) * np.abs((n - 25.0) ** 2 - n)) / (4.0 * 25.0)
    distance = [fp.BernoulliTrain(25.0, bin).distance_to_poisson(1.0) / (25.0 * bin) for bin in (4e-5, 2e-5, 1e-5)]
    np.testing.assert_allclose(distance[-1], constant, rtol=2e-4)
    # The next term is of second order again.
    assert abs(distance[0] - constant) > 1.8 * abs(distance[1] - constant) > 3.2 * abs(distance[2] - constant)


def test_a_rate_that_changes():
    assert WAVE.mean_count(0.5) == pytest.approx(10.0 + 20.0 / np.pi, rel=1e-9)
    assert WAVE.mean_count(0.25, start=0.5) == pytest.approx(5.0 - 10.0 / np.pi, rel=1e-9)
    x = np.array([[0.3, 0.1], [0.0, 0.1]])
    expected = np.exp(-20.0 * x - 10.0 / np.pi * (1.0 - np.cos(2.0 * np.pi * x)))
    np.testing.assert_allclose(WAVE.interval_survival(x), expected, rtol=1e-9)
    np.testing.assert_allclose(WAVE.interval_density(x), wave(x) * expected, rtol=1e-9)
    assert WAVE.interval_density(-0.1) == 0.0
    with pytest.raises(InvalidArgument, match="constant `rate`"):
        WAVE.interval_cv  # noqa: B018


@pytest.mark.parametrize("train", [fp.PoissonTrain(25.0), COURSE, WAVE])
def test_samples_have_the_law_of_counts(train):
    counts = train.sample(1.0, trials=4000, seed=3).counts
    edges = np.array([0, 15, 18, 20, 22, 24, 26, 28, 30, 33, 200])
    law = train.count_probability(np.arange(200), 1.0)
    expected = [4000 * law[a:b].sum() for a, b in pairwise(edges)]
    expected = np.array(expected) * 4000 / np.sum(expected)
    found = np.histogram(counts, edges)[0]
    assert stats.chisquare(found, expected).pvalue > 1e-3


def test_thinned_spikes_have_the_density_of_the_rate():
    times = WAVE.sample(1.0, trials=2000, seed=4).times
    assert stats.kstest(times, lambda t: t + (1.0 - np.cos(2.0 * np.pi * t)) / (2.0 * np.pi)).pvalue > 1e-3


def test_intervals_of_samples():
    x, _ = fp.PoissonTrain(25.0).sample(400.0, seed=1).intervals()
    assert stats.kstest(x, stats.expon(scale=0.04).cdf).pvalue > 1e-3
    k = np.round(COURSE.sample(400.0, seed=1).intervals()[0] / 0.002).astype(int)
    found = np.bincount(np.minimum(k, 60))[1:]
    law = COURSE.interval_probability(np.arange(1, 60))
    assert stats.chisquare(found, len(k) * np.append(law, 1.0 - law.sum())).pvalue > 1e-3


def test_a_bin_holds_at_most_one_spike():
    trains = fp.BernoulliTrain(0.5, 1.0).sample(300.0, trials=5, seed=2)
    assert len(np.unique(trains.trains * 300.0 + trains.times)) == len(trains.times)
    np.testing.assert_array_equal(trains.times % 1.0, 0.5)


def test_certain_and_absent_spikes():
    full = fp.BernoulliTrain(4.0, 0.25).sample(2.0, trials=3)
    assert full.counts.tolist() == [8, 8, 8]
    for silent in (fp.BernoulliTrain(0.0, 0.25), fp.PoissonTrain(0.0)):
        assert len(silent.sample(2.0, trials=3).times) == 0
        assert silent.count_probability(0, 2.0) == 1.0


def test_seeds():
    one, same, other = (fp.PoissonTrain(25.0).sample(1.0, trials=5, seed=s) for s in (1, 1, 2))
    np.testing.assert_array_equal(one.times, same.times)
    np.testing.assert_array_equal(one.trains, same.trains)
    assert not np.array_equal(one.times, other.times)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: fp.PoissonTrain(-1.0), "`rate` = -1"),
        (lambda: fp.PoissonTrain(np.inf), "`rate` must be finite"),
        (lambda: fp.PoissonTrain(wave), "`highest` is missing"),
        (lambda: fp.PoissonTrain(1.0, highest=2.0), "leave it out"),
        (lambda: fp.PoissonTrain(wave, highest=0.0), "`highest` = 0"),
        (lambda: fp.PoissonTrain(wave, highest=30.0).sample(1.0, trials=50), "raise `highest`"),
        (lambda: fp.PoissonTrain(lambda t: -wave(t), highest=30.0).mean_count(1.0), "from 0 to"),
        (lambda: fp.PoissonTrain(lambda t: np.nan * t, highest=30.0).mean_count(1.0), "from 0 to"),
        (lambda: fp.PoissonTrain(lambda t: np.ones(3), highest=30.0).sample(1.0), "returns the shape"),
        (lambda: fp.PoissonTrain(1.0).sample(0.0), "`duration` = 0"),
        (lambda: fp.PoissonTrain(1.0).sample(1.0, trials=0), "`trials`"),
        (lambda: fp.PoissonTrain(1.0).sample(1.0, seed=-1), "`seed`"),
        (lambda: fp.PoissonTrain(1.0).count_probability(1.5, 1.0), "whole"),
        (lambda: fp.BernoulliTrain(25.0, 0.05), "use at most 0.04"),
        (lambda: fp.BernoulliTrain(25.0, 0.0), "`bin` = 0"),
        (lambda: fp.BernoulliTrain(25.0, 0.03).sample(1.0), "0.99"),
        (lambda: fp.BernoulliTrain(0.0, 0.03).interval_probability(1), "no intervals"),
    ],
)
def test_bad_input_is_refused(wrong, message):
    with pytest.raises(InvalidArgument, match=message):
        wrong()


def bump(t):
    """At 5.003, 1e-5 wide, 1000 high; its integral is 1e-2 √π."""
    return 1e3 * np.exp(-(((t - 5.003) / 1e-5) ** 2))


@pytest.mark.parametrize("width", [1e-4, 3e-3, 0.1])
def test_a_peak_of_the_rate_is_found(width):
    train = fp.PoissonTrain(lambda t: 1e3 * np.exp(-(((t - 5.0) / width) ** 2)), highest=1e3)
    assert train.mean_count(10.0) == pytest.approx(1e3 * width * np.sqrt(np.pi), rel=1e-8)


def test_a_narrow_peak_needs_its_width_or_warns():
    expected = 1e-2 * np.sqrt(np.pi)
    at = 5.0031234
    moved = {"rate": lambda t: bump(t - at + 5.003), "highest": 1e3}
    assert fp.PoissonTrain(**moved, finest=1e-4).mean_count(10.0) == pytest.approx(expected, rel=1e-8)
    # Halfway between two nodes it is not seen at all, and that is said.
    pieces = 10.0 / 1000 * np.add.outer(np.arange(1000), 0.5 * (1.0 + np.polynomial.legendre.leggauss(10)[0]))
    halves = 10.0 / 2000 * np.add.outer(np.arange(2000), 0.5 * (1.0 + np.polynomial.legendre.leggauss(10)[0]))
    nodes = np.sort(np.concatenate([pieces.ravel(), halves.ravel()]))
    gap = int(np.argmax(np.diff(nodes)))
    at = 0.5 * (nodes[gap] + nodes[gap + 1])
    with pytest.warns(fp.FokkerPlanckWarning, match="`finest`"):
        assert fp.PoissonTrain(**moved).mean_count(10.0) < 1e-6
    assert fp.PoissonTrain(**moved, finest=1e-4).interval_survival(10.0) == pytest.approx(np.exp(-expected), rel=1e-9)


@share_of_examples(0.3)
@given(decades(0.1, 1e4), st.floats(0.0, 6.0), decades(0.01, 20.0))
def test_the_integral_of_a_fast_wave(frequency, phase, duration):
    train = fp.PoissonTrain(lambda t: 20.0 * (1.0 + np.sin(frequency * t + phase)), highest=40.0)
    swing = 20.0 / frequency * (np.cos(phase) - np.cos(frequency * duration + phase))
    assert train.mean_count(duration) == pytest.approx(20.0 * duration + swing, rel=1e-7)


def test_the_integral_of_steps_and_its_pieces():
    train = fp.PoissonTrain(lambda t: np.where(t < np.sqrt(2.0), 5.0, 3.0), highest=5.0)
    assert train.mean_count(10.0) == pytest.approx(30.0 + 2.0 * np.sqrt(2.0), rel=1e-7)
    x = np.array([3.0, -1.0, 0.5, np.sqrt(2.0)])
    waited = [3.0 * 3.0 + 2.0 * np.sqrt(2.0), 0.0, 2.5, 5.0 * np.sqrt(2.0)]
    np.testing.assert_allclose(train.interval_survival(x), np.exp(np.negative(waited)), rtol=1e-6)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: fp.PoissonTrain(lambda t: 5 if t < 1 else 3, highest=20.0).sample(10.0), r"`rate` fails.*np\.where"),
        (lambda: fp.PoissonTrain(lambda t: "a", highest=20.0).sample(10.0), "`rate` must be numbers"),
        (lambda: fp.PoissonTrain(lambda t: 5.0 * np.sin(1e9 * t) ** 2, highest=5.0).mean_count(10.0), "`finest`"),
        (lambda: fp.PoissonTrain(wave, highest=40.0, finest=1e-9).mean_count(10.0), "`finest` = 1e-09 makes"),
        (lambda: fp.PoissonTrain(wave, highest=40.0, finest=0.0), "`finest`"),
        (lambda: fp.PoissonTrain(5.0, finest=1.0), "`finest` is for a `rate` that is a function"),
        (lambda: fp.PoissonTrain(1e12).sample(1.0), "make 1e.12 spikes"),
        (lambda: fp.BernoulliTrain(1e12, 1e-12).sample(1.0), "make 1e.12 spikes"),
        (lambda: fp.PoissonTrain(5.0).interval_survival(np.nan), "`x` holds NaN"),
        (lambda: fp.PoissonTrain(5.0).interval_density([np.nan]), "`x` must be finite"),
        (lambda: COURSE.interval_survival(np.nan), "`x` holds NaN"),
        (lambda: COURSE.interval_probability([1.5]), "`k` must be whole numbers of bins"),
        (lambda: COURSE.count_probability([1.5], 1.0), "`n` must be whole numbers of spikes"),
        (lambda: WAVE.mean_count(1e-3, start=1e15), "`duration` = 0.001 is lost"),
    ],
)
def test_what_has_no_answer_is_refused(ask, message):
    with pytest.raises(InvalidArgument, match=message):
        ask()


def test_survival_of_no_spikes_and_of_infinite_times():
    np.testing.assert_array_equal(fp.PoissonTrain(5.0).interval_survival([0.0, np.inf]), [1.0, 0.0])
    assert fp.PoissonTrain(0.0).interval_survival(np.inf) == 1.0
    assert COURSE.interval_survival(np.inf) == 0.0
