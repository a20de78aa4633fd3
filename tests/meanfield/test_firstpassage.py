"""The mean first-passage time, its slopes and the profile: against 50-digit quadrature, and by exact identities."""

import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import (
    log_mean_first_passage,
    log_occupation,
    mean_first_passage,
    mean_first_passage_slopes,
    passage_moments,
    scaled_moments,
    scaled_time,
    stationary_density,
)

# (c, a, V_R, V_F): log I, ∂(log I)/∂c, ∂(log I)/∂a. The integral and the closed forms in 80-digit arithmetic (mpmath).
PASSAGES = {
    (0.0, 1.0, 1.0, 2.0): (2.12046384593487179, -1.75443204291373113, -1.96301336656149582),
    (2.0, 1.0, 1.0, 2.0): (-0.103242745657892539, -0.662633646128570181, -0.363495796256555283),
    (-50.0, 1.0, 1.0, 2.0): (1348.96806497965561, -51.9807549804535901, -1351.49962949179334),
    (1e7, 1.0, 1.0, 2.0): (-16.1180955009583177, -1.00000015000000417e-7, -1.00000030000002167e-14),
    (1.5, 1e-3, 1.0, 2.0): (123.162248887074486, -497.983670148847524, -124495.917537211878),
    (0.6, 2.0**-10, 0.5, 1.75): (674.434180477738141, -1176.72914580367754, -692858.121049205348),
    (3.0, 1e-3, 1.0, 2.0): (-0.367053066211091753, -0.720478391965668499, -0.539283639852356302),
    (30.0, 0.25, -2.0, 1.0): (-2.31857696316260252, -0.0328221228382575217, -0.00107786853912722387),
    (-1.0, 400.0, 1.0, 2.0): (-2.66717913446202893, -0.0422570362026446753, -0.00138234118740563434),
    (0.0, 2.0**-5, -40.0, 1.0): (15.2202642023297209, -30.9242997449876767, -494.788799944735406),
    (1000.0, 16.0, -1.0, 8.0): (-4.70703387724668133, -0.0010034935980560515, -1.00699002149931345e-6),
}
# (v, c, a, V_R, V_F): log of the occupation density, in 300-digit arithmetic (mpmath, erfi).
OCCUPATIONS = {
    (1.999999, 0.0, 1.0, 1.0, 2.0): -13.8155095580467075,
    (1.9999999, 1000.0, 1.0, 1.0, 2.0): -16.1181455499594834,
    (1.0, -50.0, 1.0, 1.0, 2.0): 47.5491264464509342,
    (0.0, 1.5, 1e-3, 1.0, 2.0): -998.60966482607915,
    (1.5, 1.25, 1e-3, 1.0, 2.0): 250.289467821657171,
    (1.75, 40.0, 0.01, 1.0, 2.0): -3.64413672517774868,
    (-3.0, 2.5, 0.5, 1.0, 2.0): -28.2989240866693415,
    (-20.0, 0.0, 1.0, 1.0, 2.0): -198.737583739473115,
}

NETWORK = (1.0, 2.0)  # V_R, V_F of the tables


@pytest.mark.parametrize("arguments", PASSAGES)
def test_logarithm_of_the_time(arguments):
    expected = PASSAGES[arguments][0]
    # The absolute error of the logarithm is the relative error of the time.
    assert log_mean_first_passage(*arguments) == pytest.approx(expected, rel=0, abs=3e-14 + 3e-16 * abs(expected))


@pytest.mark.parametrize("arguments", [key for key, value in PASSAGES.items() if value[0] < 700])
def test_time_and_slopes(arguments):
    log_time, by_current, by_noise = PASSAGES[arguments]
    time = mean_first_passage(*arguments)
    assert time == pytest.approx(math.exp(log_time), rel=1e-12)
    np.testing.assert_allclose(np.array(mean_first_passage_slopes(*arguments)) / time, (by_current, by_noise), 3e-15)


def test_published_value_without_input():
    # Reference (30-digit quadrature): I(0) for a = 1, V_R = 1, V_F = 2; hence N = 1/I = 0.119975965239.
    assert mean_first_passage(0.0, 1.0, *NETWORK) == pytest.approx(8.33500274831763, rel=1e-14)


def test_overflow_is_infinity_and_the_logarithm_goes_on():
    assert mean_first_passage(-1000.0, 1.0, *NETWORK) == np.inf
    # log I ≈ w_F²/2 + log(√(2π)/w_F) (1 + 1/w_F² + …) for a far barrier; the start is irrelevant
    w = 1002.0
    asymptotic = w * w / 2 + 0.5 * math.log(2 * math.pi) - math.log(w) + 1 / w**2
    assert log_mean_first_passage(-1000.0, 1.0, *NETWORK) == pytest.approx(asymptotic, abs=1e-9)


@pytest.mark.parametrize("c", [0.0, 1.5, 5.0, 300.0])
def test_the_laplace_integral(c):
    def integrand(s, k):
        return s ** (k - 1) * math.exp(-0.35 * s * s - s * c) * (math.exp(2.0 * s) - math.exp(s))

    log_scale, moments = passage_moments(c, 0.7, *NETWORK, order=4)
    expected = [quad(integrand, 0, 60 / max(c - 2, 4), args=(k,), epsabs=0, epsrel=1e-13)[0] for k in range(5)]
    np.testing.assert_allclose(np.exp(log_scale) * moments, expected, 1e-12)


def test_it_is_deterministic_above_threshold_without_noise():
    assert mean_first_passage(3.0, 1e-9, *NETWORK) == pytest.approx(math.log(2.0), rel=1e-8)


def test_arguments_broadcast():
    c, a = np.linspace(-3.0, 30.0, 7)[:, None], np.array([0.5, 1.0, 2.0])
    times = mean_first_passage(c, a, *NETWORK)
    assert times.shape == (7, 3)
    assert times[4, 1] == pytest.approx(float(mean_first_passage(c[4, 0], a[1], *NETWORK)), rel=1e-15)
    assert log_occupation(np.zeros((5, 1)), 0.0, a, *NETWORK).shape == (5, 3)
    assert passage_moments(c, a, *NETWORK, order=3)[1].shape == (4, 7, 3)


@pytest.mark.parametrize("arguments", OCCUPATIONS)
def test_occupation(arguments):
    expected = OCCUPATIONS[arguments]
    assert log_occupation(*arguments) == pytest.approx(expected, rel=3e-16, abs=1e-13)


# Reference values of the profile (a1 = 0, τ = 0), 12 digits
PROFILES = {
    (0.0, 0.119975965239): "0.057380681852 0.257162374704 0.423989077198 0.374169047357 "
    "0.257162374704 0.168106709737 0.093955022468 0.038066095675",
    (0.5, 0.134775079935): "0.050499481395 0.242099937741 0.426980415462 0.389721318883 "
    "0.277029967627 0.183212136196 0.103532469011 0.042375532401",
    (1.5, 0.192364012568): "0.032435576437 0.193989081672 0.426813818668 0.435119586898 "
    "0.345465891137 0.237107044299 0.138816066938 0.058718541609",
    (-10.0, 0.047335337249): "0.126932089140 0.354354859770 0.363924150172 0.253475907997 "
    "0.137495624500 0.082499219200 0.042544433215 0.016017010778",
}


@pytest.mark.parametrize(("b", "rate"), PROFILES)
def test_published_profiles(b, rate):
    v = np.array([-2.0, -1.0, 0.0, 0.5, 1.0, 1.25, 1.5, 1.75])
    expected = np.array(PROFILES[b, rate].split(), dtype=float)
    np.testing.assert_allclose(stationary_density(v, rate, b * rate, 1.0, *NETWORK), expected, rtol=0, atol=1.2e-12)


def test_the_profile_near_the_threshold_does_not_cancel():
    # p = (N/a) (V_F − v) (1 + (V_F − v)(V_F − c)/2a + …)
    distance = 2.0**-30
    p = stationary_density(2.0 - distance, 0.3, -8.0, 0.5, *NETWORK)
    assert p == pytest.approx(0.3 / 0.5 * distance * (1 + distance * 10.0), rel=1e-15)
    assert stationary_density([2.0, 2.5, 1e6], 0.3, -8.0, 0.5, *NETWORK).tolist() == [0.0, 0.0, 0.0]


def between(low, high):
    return st.floats(low, high, allow_subnormal=False)


@st.composite
def passages(draw):
    """(c, a, V_R, V_F) for which the time itself does not overflow."""
    V_R = draw(between(-3.0, 3.0))
    V_F = V_R + 10.0 ** draw(between(-2.0, 1.0))
    a = 10.0 ** draw(between(-3.0, 2.0))
    lowest = V_F - 36.0 * math.sqrt(a)
    c = draw(between(lowest, V_F + 5.0) | between(0.0, 7.0).map(lambda x: V_F + 10.0**x))
    return c, a, V_R, V_F


@given(passages(), between(0.01, 0.99))
def test_times_add_up(passage, share):
    """The strong Markov property: to reach V_F the process must pass every potential between."""
    c, a, V_R, V_F = passage
    between = V_R + share * (V_F - V_R)
    parts = mean_first_passage(c, a, V_R, between) + mean_first_passage(c, a, between, V_F)
    assert mean_first_passage(c, a, V_R, V_F) == pytest.approx(parts, rel=3e-13)


@given(passages(), between(-3.0, 3.0))
def test_the_unit_of_potential_does_not_matter(passage, exponent):
    c, a, V_R, V_F = passage
    unit = 10.0**exponent
    scaled = mean_first_passage(unit * c, unit**2 * a, unit * V_R, unit * V_F)
    # V_F − c is rounded anew: what matters is its effect on w_F²
    condition = 1.0 + abs(V_F - c) * max(abs(c), abs(V_F)) / a + max(abs(V_F), abs(V_R)) / (V_F - V_R)
    assert scaled == pytest.approx(mean_first_passage(c, a, V_R, V_F), rel=1e-15 * condition + 1e-13)


@given(passages())
def test_slopes_are_differences(passage):
    """Richardson-extrapolated central differences of log I, on the scale on which it bends."""
    c, a, V_R, V_F = passage
    time = mean_first_passage(c, a, V_R, V_F)
    by_current, by_noise = np.array(mean_first_passage_slopes(c, a, V_R, V_F)) / time

    def difference(f, h):
        central = [(f(s * h) - f(-s * h)) / (2 * s * h) for s in (1.0, 2.0)]
        return (4 * central[0] - central[1]) / 3

    h = 1e-3 * (math.sqrt(a) + max(c - V_F, 0.0))
    rounding = 1e-15 * (1 + abs(math.log(time)) + abs(V_F - c) * max(abs(c), abs(V_F)) / a) / 1e-3
    found = difference(lambda x: log_mean_first_passage(c + x, a, V_R, V_F), h)
    assert found == pytest.approx(by_current, rel=1e-8, abs=rounding * 1e-3 / h)
    found = difference(lambda x: log_mean_first_passage(c, a * math.exp(x), V_R, V_F), 1e-3)
    assume(abs(math.log(time)) < 100)  # else the fifth derivative in log a is not small
    assert found == pytest.approx(a * by_noise, rel=1e-8, abs=rounding)


@given(passages())
def test_the_time_spent_everywhere_is_the_time(passage):
    """∫ g dv = I, by Gauss quadrature in panels that follow the peak at c, the kink at V_R and the layer at V_F."""
    c, a, V_R, V_F = passage
    low = c - math.sqrt(max(c - V_R, 0.0) ** 2 + 80.0 * a)
    layers = np.concatenate([[0.0], a / max(abs(c - V_R), math.sqrt(a)) * 2.0 ** np.arange(-5.0, 12.0)])
    edges = np.concatenate([np.linspace(low, V_F, 60), V_R - layers, V_R + layers, V_F - layers])
    edges = np.unique(edges[(edges >= low) & (edges <= V_F)])
    nodes, weights = np.polynomial.legendre.leggauss(12)
    half = 0.5 * np.diff(edges)
    v = 0.5 * (edges[1:] + edges[:-1])[:, None] + half[:, None] * nodes
    log_time = log_mean_first_passage(c, a, V_R, V_F)
    assert half @ np.exp(log_occupation(v, c, a, V_R, V_F) - log_time) @ weights == pytest.approx(1.0, abs=1e-9)


@given(passages(), between(0.02, 0.98))
def test_the_profile_solves_the_equation(passage, share):
    """(c − v) g − a g' = 1 between V_R and V_F, 0 below V_R: the flux of one passage per passage."""
    c, a, V_R, V_F = passage
    length = min(V_F - V_R, a / max(abs(c - V_R), abs(c - V_F), math.sqrt(a)))
    for v, flux in ((V_F - share * length, 1.0), (V_R - share * length, 0.0)):
        h = 1e-2 * share * length
        g = {s: math.exp(log_occupation(v + s * h, c, a, V_R, V_F)) for s in (-2, -1, 0, 1, 2)}
        slope = (8 * (g[1] - g[-1]) - (g[2] - g[-2])) / (12 * h)
        scale = max(abs(c - v) * g[0], a * abs(slope), 1.0)
        rounding = 1e-15 * (1.0 + abs(V_R) + abs(V_F)) / h  # of v ± h on the length h, and of g in its slope
        rounding += 1e-15 * (1.0 + abs(math.log(g[0]))) * a * g[0] / (h * scale)
        assert ((c - v) * g[0] - a * slope - flux) / scale == pytest.approx(0.0, abs=3e-9 + rounding)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0.0, 0.0, 1.0, 2.0), "`a` = 0"),
        ((0.0, -1.0, 1.0, 2.0), "positive"),
        ((0.0, 1.0, 2.0, 1.0), "swap"),
        ((0.0, 1.0, 1.0, 1.0), "below"),
        ((np.nan, 1.0, 1.0, 2.0), "finite"),
        ((0.0, 1.0, 1.0, np.inf), "finite"),
    ],
)
def test_refusals(arguments, message):
    for call in (mean_first_passage, log_mean_first_passage, mean_first_passage_slopes, passage_moments):
        with pytest.raises(fp.InvalidArgument, match=message):
            call(*arguments)
    with pytest.raises(fp.InvalidArgument, match=message):
        stationary_density(0.0, 0.1, *arguments)


def test_the_closed_form_of_the_time_is_the_integral_wherever_one_passes_into_the_other():
    rng = np.random.default_rng(3)
    w_F = np.concatenate([rng.uniform(-12.0, 12.0, 3000), -(10.0 ** rng.uniform(-3.0, 6.0, 1000)), [0.0, 30.0]])
    gap = 10.0 ** rng.uniform(-4.0, 3.0, w_F.size)
    expected = scaled_moments(gap, w_F - gap, w_F, 0)[0]
    found = scaled_time(gap, w_F - gap, w_F)
    assert np.abs(found / expected - 1.0).max() < 5e-14
    assert (found != expected).mean() > 0.3  # or only the integral has been compared with itself
