"""Fits to intervals: closed forms, the likelihood as a plain sum, invariances, the clock, and what is refused."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

import fokkerplanck as fp
from fokkerplanck.meanfield.intervalsearch import Frame, maximum
from fokkerplanck.meanfield.passage_likelihood import Intervals, LogLikelihood, PassageDistribution, passage_cumulants

NEURON = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
LAW = fp.interval_law(15.0, 5.0, NEURON)
T = LAW.sample(400, seed=4)


def ends(neuron, mu, sigma):
    return [math.sqrt(2.0) * (V - neuron.E_l - mu) / sigma for V in (neuron.V_r, neuron.V_th)]


@pytest.fixture(scope="module")
def fit():
    return fp.fit_isi(T, NEURON, ("mu", "sigma"))


# -- the likelihood ------------------------------------------------------------------------------------------------


@settings(max_examples=12)
@given(st.floats(-12.0, 5.0), st.floats(-1.0, 1.0), st.floats(0.0, 3.0))
def test_the_likelihood_is_the_sum_of_the_logarithms_of_the_density(w_F, exponent, tau_ref):
    w_R = w_F - 10.0**exponent
    law = fp.interval_law(0.0, math.sqrt(2.0), fp.LIF(7.0, w_F, w_R, tau_ref=tau_ref))
    x = tau_ref + (float(law.moments.mean) - tau_ref) * np.exp(
        min(2.0, 2.5 * float(law.moments.cv)) * np.linspace(-1.0, 1.0, 25)
    )
    total = Intervals.of(x, None).log_likelihood(w_R, w_F, 7.0, tau_ref)
    assert_allclose(total.value, np.sum(np.log(law.density(x))), rtol=1e-11, atol=1e-8)


@pytest.mark.parametrize("resolution", [None, 1.0])
@pytest.mark.parametrize("point", [(-1.4, 1.4), (-6.0, -2.0), (1.0, 3.5)])
def test_gradient_and_hessian_are_those_of_the_likelihood(point, resolution):
    neuron = fp.LIF(20.0, point[1], point[0], tau_ref=2.0)
    data = Intervals.of(np.ceil(fp.interval_law(0.0, math.sqrt(2.0), neuron).sample(100, 1)) + 1.0, resolution)
    x = np.array([*point, math.log(20.0), 2.0])

    def at(y):
        return data.log_likelihood(y[0], y[1], math.exp(y[2]), y[3])

    here = at(x)
    for k, h in enumerate(1e-4 * np.array([point[1] - point[0], point[1] - point[0], 1.0, 1.0])):
        up, down = at(x + h * np.eye(4)[k]), at(x - h * np.eye(4)[k])
        size = math.sqrt(abs(here.hessian[k, k]))
        assert_allclose((up.value - down.value) / (2.0 * h), here.gradient[k], rtol=1e-5, atol=1e-5 * size)
        scale = size * np.sqrt(np.abs(np.diag(here.hessian)))
        assert np.all(np.abs((up.gradient - down.gradient) / (2.0 * h) - here.hessian[k]) < 1e-5 * scale)


@settings(max_examples=20)
@given(st.floats(-30.0, 8.0), st.floats(-2.0, 1.5))
def test_cumulants_by_a_complex_step(w_F, exponent):
    w_R = w_F - 10.0**exponent
    moments = fp.isi_moments(0.0, math.sqrt(2.0), fp.LIF(1.0, w_F, w_R))
    assert_allclose(passage_cumulants(w_R, w_F), (moments.mean, moments.variance), rtol=1e-10)


@pytest.mark.parametrize("point", [(-1.4, 1.4), (-30.0, -20.0), (2.0, 5.0), (-0.1, -0.05), (-8.0, 4.0)])
def test_the_fast_distribution(point):
    law = fp.interval_law(0.0, math.sqrt(2.0), fp.LIF(1.0, point[1], point[0]))
    x = law.sample(50, 2)
    fast = PassageDistribution.of(*point)
    t = np.concatenate([x, [0.0, 0.5 * x.min(), 3.0 * x.max()]])
    assert_allclose(fast(t), law.cdf(t), atol=1e-9)


# -- closed forms --------------------------------------------------------------------------------------------------


def test_a_threshold_at_the_mean_has_its_estimate_in_closed_form():
    # With s = (e^{2t} − 1)/2 it is the passage of a Brownian motion over x: Σ log f = n log x − x²/2 Σ1/s.
    neuron = fp.LIF(10.0, 5.0, 0.0, E_l=1.0, tau_ref=1.0)
    x = fp.interval_law(4.0, 3.0, neuron).sample(300, 5)
    s = 0.5 * np.expm1(2.0 * (x - 1.0) / 10.0)
    best = math.sqrt(len(x) / np.sum(1.0 / s))
    fitted = fp.fit_isi(x, neuron, ("sigma",), mu=4.0)
    assert_allclose(fitted.sigma, 5.0 / best, rtol=1e-7)
    assert_allclose(fitted.standard_errors["sigma"], fitted.sigma / math.sqrt(2.0 * len(x)), rtol=1e-7)
    fitted = fp.fit_isi(x, neuron, ("V_r",), mu=4.0, sigma=3.0)
    assert_allclose(fitted.neuron.V_r, 5.0 - 3.0 * best, rtol=1e-6)
    assert_allclose(fitted.standard_errors["V_r"], 3.0 * best / math.sqrt(2.0 * len(x)), rtol=1e-6)


def test_a_slow_membrane_makes_the_inverse_gaussian():
    # Far above threshold and with τ_m → ∞ the drift is v, and 1/v = mean/gap, D = gap² (mean of 1/T − 1/mean).
    x = np.random.default_rng(3).wald(1.0, 4.0, 500)
    slow = []
    for tau_m in (20.0, 80.0):
        fitted = fp.fit_isi(x, fp.LIF(tau_m, 10.0, 0.0), ("mu", "sigma"))
        v, D = (fitted.mu - 5.0) / tau_m, fitted.sigma**2 / tau_m
        slow.append([v * x.mean() / 10.0 - 1.0, D / (100.0 * (np.mean(1.0 / x) - 1.0 / x.mean())) - 1.0])
    assert np.all(np.abs(slow[1]) < 0.02)
    assert np.all(np.abs(slow[1]) < 0.35 * np.abs(slow[0]) + 1e-3)  # of the order of mean/τ_m


# -- the maximum ---------------------------------------------------------------------------------------------------


def test_nothing_near_the_maximum_is_likelier_and_the_curvature_is_the_information(fit):
    information = np.linalg.inv(fit.covariance)
    for k, name in enumerate(fit.estimated):
        h = 0.05 / math.sqrt(information[k, k])
        values = fit.parameters
        drops = []
        for step in (-h, h):
            moved = values | {name: values[name] + step}
            drops.append(fit.log_likelihood - fp.fit_isi(T, NEURON, (), **moved).log_likelihood)
        assert min(drops) > 0.0
        assert_allclose(np.mean(drops), 0.5 * 0.05**2, rtol=1e-3)


def test_units_do_not_matter(fit):
    lab = fp.LIF(0.02, 20e-3 - 0.07, 10e-3 - 0.07, -0.07, 0.002)  # volts and seconds, at a resting potential of −70 mV
    other = fp.fit_isi(1e-3 * T, lab, ("mu", "sigma"))
    assert_allclose([other.mu, other.sigma], [1e-3 * fit.mu, 1e-3 * fit.sigma], rtol=1e-7)
    assert_allclose(other.covariance, 1e-6 * fit.covariance, rtol=1e-5)
    assert_allclose(other.log_likelihood, fit.log_likelihood + len(T) * math.log(1e3), rtol=1e-11)


def test_the_reset_in_place_of_the_noise(fit):
    same = fp.fit_isi(T, NEURON, ("mu", "V_r"), sigma=5.0)
    assert_allclose(same.log_likelihood, fit.log_likelihood, rtol=1e-11)
    assert_allclose(ends(same.neuron, same.mu, same.sigma), ends(fit.neuron, fit.mu, fit.sigma), rtol=1e-5)
    assert same.parameters.keys() == {"mu", "V_r"}
    assert same.neuron.V_th == 20.0


def test_twice_the_same_intervals(fit):
    twice = fp.fit_isi(np.concatenate([T, T]), NEURON, ("mu", "sigma"))
    assert_allclose(twice.log_likelihood, 2.0 * fit.log_likelihood, rtol=1e-11)
    assert_allclose(twice.covariance, 0.5 * fit.covariance, rtol=1e-5)
    assert_allclose(twice.bic - twice.aic, 2.0 * (math.log(2 * len(T)) - 2.0))
    assert any("repeat another" in note for note in twice.notes)


@settings(max_examples=4)
@given(st.floats(-4.0, 2.5), st.floats(-0.3, 0.6), st.integers(0, 1000))
def test_known_parameters_are_recovered(w_F, exponent, seed):
    mu, sigma = 20.0 - w_F * 5.0, math.sqrt(2.0) * 5.0
    neuron = fp.LIF(20.0, 20.0, 20.0 - 5.0 * 10.0**exponent, tau_ref=3.0)
    found = fp.fit_isi(fp.interval_law(mu, sigma, neuron).sample(1000, seed), neuron, ("mu", "sigma"))
    away = np.array([found.mu - mu, found.sigma - sigma])
    assert away @ np.linalg.solve(found.covariance, away) < 30.0  # χ² with two degrees of freedom: e^{−15}


def test_four_numbers_from_many_intervals():
    neuron = fp.LIF(20.0, 20.0, 10.0, tau_ref=4.0)
    start = fp.LIF(12.0, 20.0, 10.0)
    x = fp.interval_law(18.0, 2.0, neuron).sample(6000, 6)
    found = fp.fit_isi(x, start, ("mu", "sigma", "tau_m", "tau_ref"))
    true = fp.fit_isi(x, neuron, (), mu=18.0, sigma=2.0)
    assert found.estimated == ("mu", "sigma", "tau_m", "tau_ref")
    assert 0.0 < 2.0 * (found.log_likelihood - true.log_likelihood) < 25.0  # χ² with four degrees of freedom: 5e-5


def test_a_refractory_time_at_its_bound():
    x = fp.interval_law(15.0, 5.0, fp.LIF(20.0, 20.0, 10.0)).sample(400, 8)
    late = x[x > 12.0] - 9.0  # shorter than any neuron of this kind fires: the likelihood would like a negative one
    found = fp.fit_isi(late, NEURON)
    fixed = fp.fit_isi(late, fp.LIF(20.0, 20.0, 10.0), ("mu", "sigma"))
    assert found.neuron.tau_ref == 0.0
    assert found.estimated == ("mu", "sigma")
    assert "tau_ref comes out at its bound" in found.notes[0]
    assert_allclose(
        [found.mu, found.sigma, found.log_likelihood], [fixed.mu, fixed.sigma, fixed.log_likelihood], rtol=1e-6
    )
    assert_allclose(found.aic, fixed.aic + 2.0)
    assert "tau_ref 0, at its bound" in repr(found)


@pytest.mark.parametrize(("mu", "sigma", "tau_ref"), [(19.0, 12.0, 0.0), (25.0, 5.0, 2.0)])
def test_a_search_that_comes_to_the_bound_goes_on_along_it(mu, sigma, tau_ref):
    """On the bound the step points out of it, for log L is tilted; the others have something to gain all the same."""
    true = fp.LIF(20.0, 20.0, 10.0, tau_ref=tau_ref)
    x = fp.interval_law(mu, sigma, true).sample(200, seed=3)
    found = fp.fit_isi(x, true)
    fixed = [fp.fit_isi(x, fp.LIF(20.0, 20.0, 10.0, tau_ref=t), ("mu", "sigma")).log_likelihood for t in (0.0, 0.01)]
    assert found.neuron.tau_ref == 0.0
    assert_allclose(found.log_likelihood, fixed[0], atol=1e-7)
    assert fixed[0] > fixed[1]
    assert 0.0 < found.goodness(samples=1) <= 1.0


@settings(max_examples=2)
@given(st.integers(0, 10**6), st.floats(0.0, 1.0))
def test_no_sample_of_a_neuron_that_is_hardly_refractory_is_refused(seed, tau_ref):
    true = fp.LIF(20.0, 20.0, 10.0, tau_ref=tau_ref)
    x = fp.interval_law(25.0, 5.0, true).sample(150, seed)
    found = fp.fit_isi(x, true)
    assert found.neuron.tau_ref >= 0.0
    assert found.log_likelihood >= fp.fit_isi(x, true, ("mu", "sigma")).log_likelihood - 1e-7


class Bowl:
    """log L = rise·μ − (μ − 1)²·curvature in place of that of intervals, with a gradient of a given sign."""

    frame = Frame(NEURON)

    def __init__(self, rise, curvature, sign):
        self.rise, self.curvature, self.sign = rise, curvature, sign

    def __call__(self, x):
        gradient, hessian = np.zeros(5), np.zeros((5, 5))
        gradient[0] = self.sign * (self.rise - 2.0 * self.curvature * (x[0] - 1.0))
        hessian[0, 0] = -2.0 * self.curvature
        return LogLikelihood(self.rise * x[0] - self.curvature * (x[0] - 1.0) ** 2, gradient, hessian, 0)


def test_a_rising_likelihood_and_a_search_that_stalls_are_told_apart():
    x = Bowl.frame.inward((15.0, 5.0, 10.0, 20.0, 2.0))
    assert maximum(Bowl(0.0, 1.0, 1.0), x, [0])[0][0] == pytest.approx(1.0)
    with pytest.raises(fp.InvalidArgument, match="rises towards the bounds"):
        maximum(Bowl(1.0, 0.0, 1.0), x, [0])
    with pytest.raises(fp.InvalidArgument, match="stalls near mu = 15"):
        maximum(Bowl(0.0, 1.0, -1.0), x, [0])


# -- the clock -----------------------------------------------------------------------------------------------------


def test_the_readings_of_a_clock_have_the_probabilities_of_the_triangle():
    step, k = 4.0, np.arange(1, 30)
    nodes, weights = np.polynomial.legendre.leggauss(30)
    cells = np.array([weights @ LAW.cdf((j + 0.5 + 0.5 * nodes) * step) for j in range(31)]) / 2.0
    expected = np.diff(cells)[k - 1]  # the second difference of the integral of the distribution
    w = ends(NEURON, 15.0, 5.0)
    found = [Intervals.of(np.array([j * step]), step).log_likelihood(*w, 20.0, 2.0).value for j in k]
    assert_allclose(np.exp(found) * step, expected, rtol=2e-4, atol=1e-7)


def test_a_coarse_clock():
    neuron = fp.LIF(20.0, 20.0, 10.0, tau_ref=2.0)
    x = fp.interval_law(40.0, 2.0, neuron).sample(4000, 9)
    read = 2.0 * np.floor(x / 2.0 + np.random.default_rng(1).random(len(x)))
    exact = fp.fit_isi(x, neuron, ("mu", "sigma"))
    clocked = fp.fit_isi(read, neuron, ("mu", "sigma"), resolution=2.0)
    naive = fp.fit_isi(read, neuron, ("mu", "sigma"))
    assert abs(clocked.sigma - 2.0) < 4.0 * clocked.standard_errors["sigma"]
    assert clocked.standard_errors["sigma"] > 1.1 * exact.standard_errors["sigma"]
    assert naive.sigma - 2.0 > 10.0 * naive.standard_errors["sigma"]
    assert clocked.kolmogorov[0] < 0.03
    fine = fp.fit_isi(x, neuron, ("mu", "sigma"), resolution=1e-4)
    assert_allclose([fine.mu, fine.sigma], [exact.mu, exact.sigma], rtol=1e-6)
    assert_allclose(fine.log_likelihood, exact.log_likelihood, atol=1e-4)


# -- the result ----------------------------------------------------------------------------------------------------


def test_the_law_is_that_of_the_fit(fit):
    assert fit.law.mu == fit.mu
    assert_allclose(fit.log_likelihood, np.sum(np.log(fit.law.density(T))), rtol=1e-11)
    assert_allclose(fit.cdf(T), fit.law.cdf(T), atol=1e-9)
    from scipy.stats import kstest

    assert_allclose(fit.kolmogorov[0], kstest(T, fit.law.cdf).statistic, atol=1e-9)


def test_confidence(fit):
    low, high = fit.confidence(0.6827)["mu"]
    assert_allclose([fit.mu - low, high - fit.mu], fit.standard_errors["mu"], rtol=1e-4)
    low, high = fit.confidence()["sigma"]
    assert_allclose(low * high, fit.sigma**2)
    with pytest.raises(fp.InvalidArgument, match="`level`"):
        fit.confidence(95.0)


def test_no_confidence_in_negative_refractory_times():
    x = fp.interval_law(18.0, 5.0, NEURON).sample(1000, seed=3)
    found = fp.fit_isi(x, NEURON)
    assert found.neuron.tau_ref < 1.9 * found.standard_errors["tau_ref"]
    low, high = found.confidence()["tau_ref"]
    assert low == 0.0
    assert_allclose(high - found.neuron.tau_ref, 1.96 * found.standard_errors["tau_ref"], rtol=1e-3)


def test_an_interval_that_the_fit_cannot_have_made(fit):
    wrong = fp.fit_isi(np.append(T, 1e5), NEURON, ("mu", "sigma"))
    assert abs(wrong.mu - fit.mu) > 5.0 * fit.standard_errors["mu"]
    assert "the longest interval, 100000, would occur among 401" in wrong.notes[-1]
    assert "p < 1e-15" in repr(wrong)
    assert not fp.fit_isi(np.append(T, 2.0 * T.max()), NEURON, ("mu", "sigma")).notes


def test_the_report_is_a_tree(fit):
    lines = repr(fit).splitlines()
    assert lines[0] == "IntervalFit: fp.LIF, 400 intervals"
    assert any(line.startswith("├─ sigma ") and "±" in line for line in lines)
    assert "given: V_r 10, tau_m 20, tau_ref 2, V_th 20" in repr(fit)
    assert lines[-1].startswith("└─ Kolmogorov")


def test_the_bootstrap_tells_right_from_wrong(fit):
    assert fit.goodness(samples=4, seed=2) > 0.2
    rng = np.random.default_rng(2)
    two = np.where(rng.random(300) < 0.5, rng.normal(30.0, 2.0, 300), rng.normal(90.0, 5.0, 300))
    assert fp.fit_isi(two, NEURON, ("mu", "sigma")).goodness(samples=4) == 0.2


def test_correlations_that_no_renewal_process_has(fit):
    assert not fit.notes
    assert np.all(np.abs(fit.correlations) < 3.0 * fit.correlation_errors)
    slow = np.sort(T)[np.argsort(np.arange(len(T)) + np.random.default_rng(0).normal(0.0, 150.0, len(T)))]
    found = fp.fit_isi(slow, NEURON, ("mu", "sigma"))
    assert np.all(found.correlations > 0.2)
    assert "correlated with later ones" in found.notes[-1]
    assert_allclose(found.mu, fit.mu)  # the order does not matter for anything else


def test_spike_trains_are_taken_as_they_are():
    times = np.concatenate([np.cumsum(T[:200]), np.cumsum(T[200:])])
    owner = np.repeat([0, 1], 200)
    order = np.argsort(times, kind="stable")
    trains = fp.SpikeTrains(times[order], owner[order], 2, (0.0, 1e6))
    found = fp.fit_isi(trains, NEURON, ("mu", "sigma"))
    assert len(found.intervals) == 398
    same = fp.fit_isi(np.concatenate([T[1:200], T[201:]]), NEURON, ("mu", "sigma"))
    assert_allclose([found.mu, found.sigma], [same.mu, same.sigma], rtol=1e-6)
    pairs = (199 - 1 - np.arange(5)) * 2
    assert_allclose(found.correlation_errors, 1.0 / np.sqrt(pairs))  # no pair across trains
    assert_allclose(same.correlation_errors, 1.0 / np.sqrt(397 - np.arange(5)))
    short = fp.SpikeTrains(times[order], owner[order], 2, (0.0, times.max()))
    assert not fp.fit_isi(short, NEURON, ("mu", "sigma")).notes
    pieces = [(k, np.cumsum(T[4 * k : 4 * k + 4])) for k in range(100)]
    pieces = sorted((t, k) for k, row in pieces for t in row if t < 200.0)
    cut = fp.SpikeTrains([t for t, _ in pieces], [k for _, k in pieces], 100, (0.0, 200.0))
    assert "the trains are short" in fp.fit_isi(cut, NEURON, ("mu", "sigma")).notes[-1]


def test_parameters_that_intervals_hardly_tell():
    x = fp.interval_law(25.0, 3.0, NEURON).sample(200, 3)
    found = fp.fit_isi(x, NEURON, ("mu", "sigma", "tau_m"))
    assert any("tau_m is hardly known" in note for note in found.notes)


def test_an_interval_too_long_for_its_density_to_be_a_double():
    found = fp.fit_isi(np.append(T, 1e5), NEURON, (), mu=15.0, sigma=5.0)
    decayed = math.log(LAW.density(2000.0)) - LAW.decay_rate * (1e5 - 2000.0)  # f is exponential long before that
    assert_allclose(found.log_likelihood, np.sum(np.log(LAW.density(T))) + decayed, rtol=1e-9)
    assert found.notes[-1].startswith("1 intervals have a density below")


# -- refusals ------------------------------------------------------------------------------------------------------

BAD = {
    "at least 20": T[:19],
    "NaN": np.append(T, np.nan),
    "negative": np.append(T, -1.0),
    "zeros": np.append(T, 0.0),
    "np.diff": np.cumsum(T),
    "but for 1 places": np.concatenate([np.cumsum(T[:200]), np.cumsum(T[200:])]),
    "decrease from first to last": np.sort(T)[::-1],
    r"masks 1 of its entries; give `\.compressed": np.ma.masked_greater_equal(T, T.max()),
    "divide them by 1000": 1e3 * T,
    "multiply them by 1000": 1e-4 * T,
    "as regular as a clock": np.full(30, 50.0),
    "np.ravel": T.reshape(20, 20),
    "must be numbers": ["a", "b"],
    "no shorter than 1 of": np.append(T, 1.5),
}


@pytest.mark.parametrize("words", BAD)
def test_bad_intervals_are_refused(words):
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.fit_isi(BAD[words], NEURON, ("mu", "sigma"))


@pytest.mark.parametrize(
    ("free", "given", "words"),
    [
        (("mu", "sigma", "V_r"), {}, "two numbers do not fix three"),
        (("mu", "sgma"), {}, "did you mean 'sigma'"),
        (("mu", "V_th"), {}, "the scale and the origin"),
        (("mu", "mu"), {}, "twice"),
        (None, {}, r"must name some of mu, .*\(\)"),
        (("mu",), {}, "`sigma` is missing"),
        (("mu", "sigma"), {"mu": 15.0}, "leave out one"),
        (("mu",), {"sigma": -1.0}, "`sigma`"),
        (("mu", "sigma"), {"resolution": 0.0}, "`resolution`"),
        (("mu", "sigma"), {"resolution": 100.0}, "below half the mean"),
        ((), {"mu": -100.0, "sigma": 1.0}, "practically never fires"),
    ],
)
def test_what_cannot_be_fitted_is_refused(free, given, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.fit_isi(T, NEURON, free, **given)


def test_the_neuron_must_be_one():
    with pytest.raises(fp.InvalidArgument, match=r"fp\.LIF"):
        fp.fit_isi(T, 20.0)
