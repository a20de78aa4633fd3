"""Moments of the interval between spikes: multi-precision arithmetic, the Laplace transform, limits, particles."""

import math

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.meanfield.passage_contour import PassageTransform

BRUNEL = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
# (neuron, E_l + μ, σ): mean, standard deviation, coefficient of variation, variance of the passage time over τ_m²
SETS = {
    "S1": (BRUNEL, 15.0, 5.0, 105.69930878267, 86.119274098103, 0.81475721165945, 18.54132342796047),
    "S2": (BRUNEL, 25.0, 3.0, 22.69086843981, 6.6897416785973, 0.29482087458849, 0.1118816093159033),
    "S3": (BRUNEL, 10.0, 4.0, 8156.3234554359, 8133.8181346654, 0.99724075180522, 165397.4936195301),
    "S4": (
        fp.LIF(1.0, -63.0, -70.0),
        -63.0,
        1.0,
        2.9326916339051,
        1.1062305800084,
        0.37720657951867,
        1.223746096145668,
    ),
    "S5": (
        fp.LIF(1.0, 2.0, 1.0),
        0.0,
        math.sqrt(2.0),
        8.3350027483176,
        9.9716185118766,
        1.1963545559585,
        99.4331757463993,
    ),
    "S6": (BRUNEL, 60.0, 1.0, 6.4617468900041, 0.2119963198246, 0.0328078959813, 1.123560990479847e-4),
}


@pytest.mark.parametrize("name", SETS)
def test_published_parameters(name):
    neuron, mu, sigma, mean, deviation, cv, variance = SETS[name]
    moments = fp.isi_moments(mu, sigma, neuron)
    assert moments.mean == pytest.approx(mean, rel=1e-12)
    assert moments.variance**0.5 == pytest.approx(deviation, rel=1e-12)
    assert moments.cv == pytest.approx(cv, rel=1e-12)
    assert moments.variance / neuron.tau_m**2 == pytest.approx(variance, rel=3e-13)
    assert moments.rate == pytest.approx(float(fp.siegert_rate(mu, sigma, neuron)), rel=1e-13)


@pytest.mark.parametrize(("x_r", "x_t"), [(-1.0, 1.0), (-6.0, -4.0), (0.7, 1.4), (3.0, 3.001)])
def test_the_double_integral_in_multi_precision_arithmetic(x_r, x_t):
    """2π ∫ dy e^{y²} (1 + erf y)² ∫ e^{x²} dx, the inner integral in closed form; y runs below x, and x from x_r on."""
    with mp.workdps(30 + int(max(abs(x_r), abs(x_t)) ** 2 / 2)):
        x_r, x_t = mp.mpf(x_r), mp.mpf(x_t)

        def integrand(y):
            return mp.exp(y * y) * mp.erfc(-y) ** 2 * (mp.erfi(x_t) - mp.erfi(max(y, x_r)))

        edges = (
            {x_r, x_t, mp.mpf(0)}
            | {-(mp.mpf(2) ** k) for k in range(-2, 12)}
            | {x_t - mp.mpf(2) ** -k for k in range(9)}
        )
        edges |= {x_r - (mp.mpf(2) ** k) / (2 + abs(x_r)) for k in range(-3, 8)}
        edges = sorted(y for y in edges if x_r - 60 / (2 + abs(x_r)) <= y <= x_t)
        with mp.workdps(mp.mp.dps):
            expected = 2 * mp.pi * mp.sqrt(mp.pi) / 2 * mp.quad(integrand, edges)
        found = fp.isi_moments(0.0, 1.0, fp.LIF(1.0, float(x_t), float(x_r))).variance
    assert found == pytest.approx(float(expected), rel=1e-10)


def cumulants(w_R, w_F):
    """The first three, by Cauchy's integral of the exponent of the Laplace transform round z = 0."""
    transform = PassageTransform(w_R, w_F)
    radius = 0.3 * transform.decay_rate()
    angles = 2j * np.pi * (np.arange(32) + 0.5) / 32
    exponent, _ = transform(radius * np.exp(angles))
    return [
        (-1) ** (k + 1) * math.factorial(k) * np.mean(exponent * np.exp(-k * angles)).real / radius**k
        for k in (1, 2, 3)
    ]


def between(low, high):
    return st.floats(low, high, allow_subnormal=False)


@settings(max_examples=20)
@given(between(-15.0, 6.0), between(-2.0, 1.5), between(0.0, 1.0))
def test_derivatives_of_the_laplace_transform(w_F, exponent, refractory):
    gap = 10.0**exponent
    mean, variance, third = cumulants(w_F - gap, w_F)
    # in these units σ = √2 has w = v
    moments = fp.isi_moments(0.0, math.sqrt(2.0), fp.LIF(1.0, w_F, w_F - gap, 0.0, refractory))
    rounding = 3e-15 * abs(w_F) / gap  # of the gap
    assert moments.mean - refractory == pytest.approx(mean, rel=1e-11 + rounding, abs=4e-16 * refractory)
    assert moments.variance == pytest.approx(variance, rel=1e-11 + rounding)
    assert moments.cv == pytest.approx(math.sqrt(variance) / (mean + refractory), rel=1e-11 + rounding)
    assert moments.skewness == pytest.approx(third / variance**1.5, rel=1e-8 + rounding)


def test_far_below_threshold_intervals_are_exponential_and_far_above_regular():
    far = fp.isi_moments([-1e3, 0.0, 5.0], [10.0, 1.0, 2.0], BRUNEL)
    np.testing.assert_allclose(far.cv, 1.0, rtol=1e-6)
    np.testing.assert_allclose(far.skewness, 2.0, rtol=1e-6)
    assert np.all(np.diff(fp.isi_moments([21.0, 30.0, 100.0, 1e4], 1.0, BRUNEL).cv) < 0.0)
    # Var T = (σ²/2) (1/(E_l + μ − V_th)² − 1/(E_l + μ − V_r)²) to first order
    for sigma in (1e-5, 1e-9, 1e-60):
        found = fp.isi_moments(25.0, sigma, BRUNEL)
        assert found.variance == pytest.approx(400.0 * 0.5 * sigma**2 * (1 / 25 - 1 / 225), rel=1e-10)


def test_without_noise():
    moments = fp.isi_moments([10.0, 20.0, 25.0], 0.0, BRUNEL)
    assert moments.mean.tolist()[:2] == [np.inf, np.inf]
    assert moments.mean[2] == pytest.approx(2.0 + 20.0 * math.log(3.0), rel=1e-15)
    assert moments.variance[2] == moments.cv[2] == moments.skewness[2] == 0.0
    assert (moments.cv[0], moments.skewness[0], moments.cv[1]) == (1.0, 2.0, 0.0)
    assert moments.variance[1] == pytest.approx(400.0 * math.pi**2 / 8, rel=1e-12)  # log of a half-normal variable
    assert moments.rate.tolist()[:2] == [0.0, 0.0]


def test_intervals_in_the_particle_simulator():
    words = BRUNEL.dictionary()
    model = words.population(15.0, 5.0)
    sol = fp.simulate(
        model, 400, fp.gaussian(1.0, 0.1), (0.0, 150.0), dt=0.01, raster=400, seed=3, bins=20, save_at=[150.0]
    )
    intervals = np.concatenate([np.diff(np.sort(times)) for times in trains(sol) if len(times) > 1])
    expected = fp.isi_moments(15.0, 5.0, BRUNEL)
    n = len(intervals)
    assert n > 8000
    # The end of the run cuts off long intervals: of the order of one in 28.
    assert words.seconds(intervals.mean()) == pytest.approx(float(expected.mean), rel=0.06)
    assert intervals.std() / intervals.mean() == pytest.approx(float(expected.cv), rel=0.06)


def trains(sol):
    """The spike times of each recorded neuron."""
    when, who = sol.raster
    return [when[who == k] for k in range(who.max() + 1)]


def test_arguments_broadcast_and_results_are_frozen():
    moments = fp.isi_moments(np.linspace(0.0, 30.0, 70)[:, None], [0.0, 1.0, 5.0], BRUNEL)
    assert moments.cv.shape == moments.skewness.shape == (70, 3)
    assert moments.cv[40, 2] == fp.isi_moments(30.0 * 40 / 69, 5.0, BRUNEL).cv
    with pytest.raises(ValueError, match="read-only"):
        moments.mean[0] = 1.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((1.0, -1.0, BRUNEL), "`sigma` = -1"),
        ((np.nan, 1.0, BRUNEL), "`mu` must be finite"),
        ((1.0, 1.0, None), "`neuron` must be an fp.LIF"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        fp.isi_moments(*arguments)
