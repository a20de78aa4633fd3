"""The detector on rates whose fate is known, and the theorem against its closed form for Gaussian data."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import log_ndtr
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.diagnostics.blowup import BlowUpDetector

# -- the detector -----------------------------------------------------------------------------------------------


def watch(rate, times, narrow=1e-6, strain=0.0):
    """What the detector says, and when."""
    detector = BlowUpDetector(narrow)
    for t in times:
        found = detector.observe(t, rate(t), strain)
        if found is not None:
            return found
    return None


def up_to(end, per_decade=60):
    """Times that approach `end` geometrically, as an adaptive stepper does."""
    return end * (1.0 - np.logspace(0, -14, 14 * per_decade))


@given(decades(0.1, 10.0), decades(1e-3, 10.0), between(0.4, 1.0))
def test_a_power_law_is_a_blow_up_at_its_pole(amplitude, pole, power):
    found = watch(lambda t: amplitude * (pole - t) ** -power, up_to(pole), narrow=1e-6 * pole)
    assert found is not None
    assert found.time == pytest.approx(pole, rel=1e-6)
    low, high = found.interval
    assert low <= found.time <= high
    assert low < pole < high * (1 + 1e-9)


def test_the_doubling_times_of_an_inverse_square_root_shrink_to_a_quarter():
    found = watch(lambda t: (1.0 - t) ** -0.5, up_to(1.0, 2000))
    last = np.array(found.doubling_times[-4:])
    np.testing.assert_allclose(last[1:] / last[:-1], 0.25, rtol=1e-2)


@pytest.mark.parametrize(
    "rate",
    [
        lambda t: math.exp(20.0 * t),
        lambda t: 1e6 * t,
        lambda t: 1.0 + 1e4 * t**3,
        lambda t: 1e5,
        lambda t: 500.0 * math.exp(-(((t - 0.5) / 0.05) ** 2)),
        lambda t: 3.0 / math.sqrt(1.01 - t),
    ],
    ids=["exponential", "linear", "cubic", "large", "pulse", "pole after the end"],
)
def test_a_rate_that_stays_finite_is_no_blow_up(rate):
    assert watch(rate, np.linspace(0.0, 1.0, 5000)) is None


def test_a_blow_up_after_a_pulse_is_seen():
    def rate(t):
        return 30.0 * math.exp(-(((t - 0.2) / 0.02) ** 2)) + (1.0 - t) ** -0.5

    times = np.concatenate([np.linspace(0.0, 0.5, 2000), 0.5 + 0.5 * up_to(1.0)])
    assert watch(rate, times).time == pytest.approx(1.0, rel=1e-5)


def test_a_rate_that_has_begun_to_fall_does_not_blow_up():
    detector = BlowUpDetector(narrow=1e-4)
    for k in range(10):
        assert detector.observe(1.0 - 0.4**k, 2.0**k) is None
    almost = detector.latest - 0.5e-4  # the bracket would be narrow enough
    assert detector.observe(almost, 500.0) is None
    rising = BlowUpDetector(narrow=1e-4, crossings=list(detector.crossings), level=detector.level)
    rising.skip_to(1.0 - 0.4**9, 512.0)
    assert rising.observe(almost, 900.0) is not None


def test_under_strain_the_detector_speaks_earlier_and_less_precisely():
    calm, strained = (watch(lambda t: (1.0 - t) ** -0.5, up_to(1.0), strain=strain) for strain in (0.0, 2.0))
    assert strained.rate < calm.rate
    assert strained.interval[0] < 1.0 <= strained.interval[1]
    assert np.ptp(strained.interval) > np.ptp(calm.interval)
    assert "a smaller `finest` or dt" in strained.evidence


# -- the theorem ------------------------------------------------------------------------------------------------


def log_moment(mu, mean, variance, V_F=2.0):
    """ln ∫ exp(μ v) n0 dv of a Gaussian cut at V_F."""
    s = math.sqrt(variance)
    whole = mu * mean + mu**2 * variance / 2
    return whole + log_ndtr((V_F - mean - mu * variance) / s) - log_ndtr((V_F - mean) / s)


@pytest.mark.parametrize(
    ("mean", "variance", "threshold"),  # smallest b for which the theorem applies, best μ, reset term included
    [(-1.0, 0.5, 64.325), (0.0, 0.25, 14.338), (0.0, 0.5, 9.4036), (1.5, 0.005, 1.1635), (1.83, 0.003, 0.43618904)],
)
def test_the_theorem_applies_above_its_threshold_only(mean, variance, threshold):
    datum = fp.gaussian(mean, variance)
    assert fp.blow_up_criterion(fp.nnlif(b=1.0005 * threshold), datum).satisfied
    assert not fp.blow_up_criterion(fp.nnlif(b=0.9995 * threshold), datum).satisfied


@pytest.mark.parametrize(("mean", "variance"), [(0.0, 0.25), (1.5, 0.005), (1.83, 0.003)])
@pytest.mark.parametrize("refractory", [None, fp.ExponentialRefractory(0.1)])
def test_moment_and_bound_at_a_given_exponent(mean, variance, refractory):
    model = fp.nnlif(b=200.0, a1=0.1, refractory=refractory)
    found = fp.blow_up_criterion(model, fp.gaussian(mean, variance), mu=4.0)
    assert found.mu == 4.0
    assert math.log(found.moment) == pytest.approx(log_moment(4.0, mean, variance), abs=1e-4)
    reset = 0.0 if refractory else math.exp(4.0)
    assert found.bound == pytest.approx((math.exp(8.0) - reset) / (4.0 * (200.0 + 4.0 * 0.1)), rel=1e-12)
    assert found.latest_time == pytest.approx((8.0 - math.log(found.moment)) / (4.0 * (4.0 - 2.0)), rel=1e-12)


@pytest.mark.parametrize(
    ("b", "mean", "variance", "latest", "actual"),
    [(1.5, 1.5, 0.005, 0.36039, 0.0401847727), (3.0, 1.5, 0.005, 0.12304, None), (30.0, 0.0, 0.25, 2.482, 0.18048555)],
)
def test_the_latest_time(b, mean, variance, latest, actual):
    found = fp.blow_up_criterion(fp.nnlif(b=b), fp.gaussian(mean, variance))
    assert found.satisfied
    assert found.latest_time == pytest.approx(latest, rel=1e-3)
    assert actual is None or actual < found.latest_time


def test_the_theorem_says_nothing_about_inhibition_with_constant_noise():
    found = fp.blow_up_criterion(fp.nnlif(b=-1.0), fp.gaussian(1.9, 0.001))
    assert not found.satisfied
    assert found.latest_time == math.inf


def test_activity_noise_makes_the_theorem_apply_to_inhibition():
    found = fp.blow_up_criterion(fp.nnlif(b=-1.0, a1=1.0), fp.gaussian(1.5, 0.005))
    assert found.satisfied
    assert 0.009776009 < found.latest_time < 10.0


def test_the_theorem_asks_for_an_exponent_at_which_noise_outweighs_inhibition():
    model = fp.nnlif(b=-5.0, a1=1.0)  # b + μ a1 > 0 from μ = 5 on
    with pytest.raises(fp.InvalidArgument, match="`mu` = 4 must be larger"):
        fp.blow_up_criterion(model, fp.gaussian(1.5, 0.005), mu=4.0)
    assert fp.blow_up_criterion(model, fp.gaussian(1.5, 0.005), mu=5.5).bound > 0.0


@pytest.mark.parametrize("mu", [None, 3.0])
def test_the_theorem_says_nothing_with_a_delay(mu):
    datum = fp.gaussian(1.5, 0.005)
    assert fp.blow_up_criterion(fp.nnlif(b=1.5), datum).satisfied
    delayed = fp.blow_up_criterion(fp.nnlif(b=1.5, delay=0.1), datum, mu)
    assert not delayed.satisfied
    assert delayed.latest_time == np.inf
    assert np.isnan(delayed.mu)


def test_the_law_of_the_refractory_time_does_not_matter_to_the_theorem():
    exponential, fixed = (
        fp.blow_up_criterion(fp.nnlif(b=3.0, refractory=law), fp.gaussian(1.5, 0.005))
        for law in (fp.ExponentialRefractory(0.2), fp.FixedRefractory(0.2))
    )
    assert exponential == fixed
    assert fixed.satisfied


@given(
    mean=st.floats(-0.5, 1.5), variance=st.floats(0.02, 0.5), a0=st.floats(0.3, 2.0), tau=st.sampled_from([0.0, 0.3])
)  # fmt: skip
def test_the_least_connectivity_that_is_certified(mean, variance, a0, tau):
    law = fp.ExponentialRefractory(tau) if tau else None
    datum = fp.gaussian(mean, variance)
    least = fp.certified_connectivity(fp.nnlif(b=0.0, a0=a0, refractory=law), datum)
    for factor, certified in ((1.01, True), (0.99, False)):
        model = fp.nnlif(b=factor * least, a0=a0, refractory=law)
        assert fp.blow_up_criterion(model, datum).satisfied is certified


def test_no_connectivity_is_certified_where_the_theorem_is_not_stated():
    for law in ({"external": 1.0}, {"delay": 0.1}, {"a0": 0.0, "a1": 1.0}, {"a1": 0.5}):
        with pytest.raises(fp.InvalidArgument, match="b\\* of the theorem"):
            fp.certified_connectivity(fp.nnlif(b=0.0, **law), fp.gaussian(0.0, 0.25))
