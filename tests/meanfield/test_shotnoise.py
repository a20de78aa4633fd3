"""Shot noise: cumulants, characteristic function and distribution against closed forms and exact simulation."""

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad
from scipy.special import gamma
from strategies import decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield.shotnoise import _exponential_integral
from fokkerplanck.outcomes import InvalidArgument

BALANCED = {3.0: -0.092527, 4.0: -0.126491, 4.5: -0.137572, 5.0: -0.146097, 6.0: -0.158015}


@st.composite
def noises(draw, most=30.0):
    signs = draw(st.sampled_from([(1.0,), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0, 1.0)]))
    jumps = [sign * draw(decades(0.2, 5.0)) for sign in signs]
    rates = [draw(decades(0.05, most)) for _ in signs]
    return fp.ShotNoise(draw(decades(0.5, 2.0)), jumps, rates, draw(st.floats(-3.0, 3.0)))


@pytest.mark.parametrize("g", BALANCED)
def test_the_table_of_balanced_inputs(g):
    noise = fp.ShotNoise.balanced(5.0, 0.1, 1000, 250, g, 0.02)
    moments = fp.input_moments(5.0, 0.1, 1000, 250, g, 0.02)
    assert moments.mu == pytest.approx(10.0 - 2.5 * g, abs=1e-12)
    assert moments.sigma**2 == pytest.approx(1.0 + 0.25 * g**2, rel=1e-12)
    assert noise.skewness == pytest.approx(BALANCED[g], abs=5e-7)
    np.testing.assert_allclose(noise.diffusion, (moments.mu, moments.sigma), rtol=1e-12, atol=1e-12)
    assert noise.variance == pytest.approx(0.5 * moments.sigma**2, rel=1e-12)


@share_of_examples(0.3)
@given(decades(0.1, 100.0), st.floats(-1.0, 1.0), st.integers(0, 2000), st.integers(0, 500), st.floats(0.0, 10.0))
def test_charge_and_potential_say_the_same(rate, J, C_E, C_I, g):
    found = fp.input_moments(rate, J, C_E, C_I, g, 0.02)
    assert found.mean == pytest.approx(rate * 0.02 * J * (C_E - g * C_I), rel=1e-12)
    assert found.variance == pytest.approx(0.02 * found.sigma**2, rel=1e-12, abs=1e-300)


def test_charges_of_simulated_trains():
    counts = np.array([80, 20])
    J = np.repeat([0.1, -0.45], counts)
    trains = fp.PoissonTrain(5.0).sample(400.0, trials=100, seed=2)
    expected = fp.input_moments(5.0, 0.1, 80, 20, 4.5, 0.02)
    for window in (0.01, 0.3):
        found = fp.measured_input(trains, 0.02 * J, window)
        assert found.windows == int(400.0 / window + 1e-9)
        assert abs(found.mean - expected.mean) < 4.0 * found.mean_error
        assert abs(found.variance - expected.variance) < 4.0 * found.variance_error < 0.2 * expected.variance


def test_a_charge_in_every_window_by_hand():
    trains = fp.SpikeTrains([0.5, 1.5, 1.6, 2.5, 3.5], [0, 0, 1, 1, 0], 2, (0.0, 4.0))
    found = fp.measured_input(trains, [2.0, -1.0], 1.0)
    charges = np.array([2.0, 1.0, -1.0, 2.0])
    assert (found.mean, found.variance) == pytest.approx((1.0, np.var(charges, ddof=1)))
    assert found.mean_error == pytest.approx(np.std(charges, ddof=1) / 2.0)


@share_of_examples(0.2)
@given(noises(), st.floats(-20.0, 20.0))
def test_the_characteristic_function_is_its_integral(noise, k):
    def integrand(u, part):
        return np.sum(noise.spikes * part((np.exp(1j * k * noise.jumps * u) - 1.0) / u))

    real, imaginary = (quad(integrand, 1e-12, 1.0, args=(part,), limit=500)[0] for part in (np.real, np.imag))
    value = noise.log_characteristic(k)
    np.testing.assert_allclose(value, real + 1j * (imaginary + k * noise.E_l), atol=1e-6 * (1.0 + np.sum(noise.spikes)))


def test_campbell_is_the_derivative_of_the_characteristic_function():
    noise = fp.ShotNoise(0.5, [1.0, -2.0], [3.0, 1.5], -1.0)
    with mp.workdps(40):

        def log_phi(k):
            return mp.mpc(0, 1) * k * noise.E_l + sum(
                a * mp.quad(lambda u, J=J: (mp.expj(k * J * u) - 1) / u, [mp.mpf(10) ** -30, 1])
                for a, J in zip(noise.spikes, noise.jumps, strict=True)
            )

        series = mp.taylor(log_phi, 0, 4, h=mp.mpf(10) ** -6)
    for n in range(1, 5):
        cumulant = complex(series[n]) * np.prod(np.arange(1, n + 1)) / 1j**n
        assert cumulant == pytest.approx(noise.cumulant(n), rel=1e-5)


@pytest.mark.parametrize("a", [0.01, 0.1, 0.5, 1.0, 2.5])
def test_one_kind_of_spikes_has_dickmans_law(a):
    # F = e^{−γa}/Γ(1 + a) x^a up to one jump.
    noise = fp.ShotNoise(0.1, [2.0], [10.0 * a], -3.0)
    x = np.array([1e-9, 1e-3, 0.1, 0.5, 0.999, 1.0])
    expected = np.exp(-np.euler_gamma * a) / gamma(1.0 + a) * x**a
    np.testing.assert_allclose(noise.cdf(-3.0 + 2.0 * x), expected, atol=1e-8)
    assert noise.cdf([-3.0, -4.0]).tolist() == [0.0, 0.0]
    np.testing.assert_allclose(noise._inverted(np.array([-1e-6, -1.0, -5.0])), 0.0, atol=1e-9)
    mirrored = fp.ShotNoise(0.1, [-2.0], [10.0 * a], 3.0)
    np.testing.assert_allclose(mirrored.cdf(3.0 - 2.0 * x), 1.0 - expected, atol=1e-8)


@share_of_examples(0.3)
@given(noises(most=10.0))
def test_at_rest_the_law_is_that_just_before_a_spike(noise):
    # V = (V' + J) e^{−s/τ} with the law of V' that of V: V ≤ E_l if and only if V' ≤ E_l − J.
    share = noise.rates / noise.rates.sum()
    np.testing.assert_allclose(noise.cdf(noise.E_l), share @ noise.cdf(noise.E_l - noise.jumps), atol=1e-8)
    width = np.sqrt(noise.variance)
    F = noise.cdf(noise.mean + width * np.linspace(-12.0, 12.0, 200))
    assert np.all(np.diff(F) > -1e-8)
    assert np.all((F > -1e-8) & (F < 1.0 + 1e-8))


def test_the_law_obeys_its_balance_equation():
    # y f(y) = Σ a_j [F(y) − F(y − J_j)], integrated: what decays through y is what jumps over it.
    noise = fp.ShotNoise(1.0, [1.0, -1.5], [4.0, 2.0])
    y, h = np.array([-2.3, -0.7, 0.4, 1.9]), 1e-3
    density = (noise.cdf(y - 2 * h) - 8 * noise.cdf(y - h) + 8 * noise.cdf(y + h) - noise.cdf(y + 2 * h)) / (12 * h)
    jumps = sum(a * (noise.cdf(y) - noise.cdf(y - J)) for a, J in zip(noise.spikes, noise.jumps, strict=True))
    np.testing.assert_allclose(y * density, jumps, atol=2e-6)


@pytest.mark.parametrize(
    ("jumps", "rates"),
    [([1.0], [0.3]), ([1.0, -2.0], [0.3, 0.2]), ([0.5, -1.0], [6.0, 2.0]), ([0.1, -0.5], [100.0, 25.0])],
)
def test_exact_simulation_has_this_law(jumps, rates):
    noise = fp.ShotNoise(1.0, jumps, rates, -60.0)
    V = noise.sample(20_000, seed=5)
    assert abs(V.mean() - noise.mean) < 4.0 * np.sqrt(noise.variance / len(V))
    levels = noise.mean + np.sqrt(noise.variance) * np.linspace(-2.5, 2.5, 41)
    levels = levels[np.abs(levels + 60.0) > 1e-6]
    found = np.searchsorted(np.sort(V), levels, side="right") / len(V)
    assert np.max(np.abs(found - noise.cdf(levels))) < 1.8 / np.sqrt(len(V))


def test_paths_decay_and_forget():
    noise = fp.ShotNoise(0.02, [0.1, -0.5], [5000.0, 1250.0], -60.0)
    t = np.array([0.0, 0.01, 0.03])
    V = noise.simulate(t, trials=6000, seed=1, V_0=-50.0)
    np.testing.assert_array_equal(V[:, 0], -50.0)
    decay = np.exp(-t[1:] / 0.02)
    mean, variance = noise.mean + (-50.0 - noise.mean) * decay, noise.variance * (1.0 - decay**2)
    assert np.all(np.abs(V[:, 1:].mean(axis=0) - mean) < 4.0 * np.sqrt(variance / 6000))
    assert np.all(np.abs(V[:, 1:].var(axis=0) / variance - 1.0) < 4.0 * np.sqrt(2.0 / 6000))
    np.testing.assert_array_equal(V, noise.simulate(t, trials=6000, seed=1, V_0=-50.0))


def test_the_distance_falls_like_the_skewness():
    # The same mean and variance from ever more and weaker synapses, J ~ 1/√C.
    ratio, skew = [], []
    for factor in (1, 16, 256):
        noise = fp.ShotNoise(0.02, np.array([0.5, -1.0]) / np.sqrt(factor), np.array([400.0, 100.0]) * factor)
        ratio.append(noise.distance() / (abs(noise.skewness) / (6.0 * np.sqrt(2.0 * np.pi))))
        skew.append(abs(noise.skewness))
    np.testing.assert_allclose(np.divide(skew[1:], skew[:-1]), 0.25)
    assert abs(ratio[-1] - 1.0) < 1e-3
    assert abs(ratio[0] - 1.0) > 3.0 * abs(ratio[1] - 1.0) > 9.0 * abs(ratio[2] - 1.0)


def test_few_strong_synapses_are_no_diffusion():
    assert fp.ShotNoise(0.02, [1.0, -1.0], [2.0, 2.0]).distance() > 0.2
    noise = fp.ShotNoise(0.02, [1.0], [50.0])  # one spike per membrane time
    # Furthest at rest, below which nothing is: mean 1, variance 1/2.
    assert noise.distance() == pytest.approx(stats.norm.cdf(-np.sqrt(2.0)), rel=1e-9)
    V = np.linspace(-1.0, 6.0, 1001)
    assert np.max(np.abs(noise.cdf(V) - noise.gaussian_cdf(V))) < noise.distance()
    assert noise.kurtosis > 0.0


@pytest.mark.parametrize(
    ("q", "z"), [(1.05, 1e-12), (1.2, 1e-30), (1.5, 0.3), (3.7, -20.0), (2.0, 400.0), (40.0, 50.0)]
)
def test_exponential_integrals(q, z):
    with mp.workdps(30):
        exact = complex(mp.expint(q, mp.mpc(0, z)))
    np.testing.assert_allclose(_exponential_integral(q, np.array([z, 0.0])), [exact, 1.0 / (q - 1.0)], rtol=1e-12)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: fp.input_moments(-1.0, 0.1, 10, 10, 4.0, 0.02), "`rate`"),
        (lambda: fp.input_moments(1.0, 0.1, -10, 10, 4.0, 0.02), "`C_E`"),
        (lambda: fp.input_moments(1.0, np.nan, 10, 10, 4.0, 0.02), "`J`"),
        (lambda: fp.input_moments(1.0, 0.1, 10, 10, 4.0, 0.0), "`tau_m`"),
        (lambda: fp.ShotNoise(0.02, [1.0, 0.0], [1.0, 1.0]), "not zero"),
        (lambda: fp.ShotNoise(0.02, [1.0], [1.0, 1.0]), "one length"),
        (lambda: fp.ShotNoise(0.02, [1.0], [0.0]), "silent"),
        (lambda: fp.ShotNoise.balanced(0.0, 0.1, 10, 10, 4.0, 0.02), "no spike moves"),
        (lambda: fp.ShotNoise(0.02, [1.0], [1.0]).cdf(np.nan), "`V` (must be finite|holds NaN)"),
        (lambda: fp.ShotNoise(0.02, [1.0], [1.0]).cumulant(0), "`n`"),
        (lambda: fp.ShotNoise(0.02, [1.0], [1.0]).simulate([0.0, 0.0]), "increase"),
        (lambda: fp.ShotNoise(0.02, [1e-9, 1.0], [1.0, 1.0]).cdf(np.zeros(100)), "such different sizes"),
        (lambda: fp.measured_input([0.1], [1.0], 0.1), "fp.SpikeTrains"),
        (lambda: fp.measured_input(fp.SpikeTrains([0.1], [0], 1, (0.0, 1.0)), [1.0, 2.0], 0.1), "1 trains"),
        (lambda: fp.measured_input(fp.SpikeTrains([0.1], [0], 1, (0.0, 1.0)), [1.0], 0.4), "2 windows"),
    ],
)
def test_bad_input_is_refused(wrong, message):
    with pytest.raises(InvalidArgument, match=message):
        wrong()


def test_the_normal_law_beside_it():
    noise = fp.ShotNoise.balanced(5.0, 0.1, 1000, 250, 5.0, 0.02, E_l=-60.0)
    expected = stats.norm(-62.5, np.sqrt(3.625)).cdf([-64.0, -62.5, -60.0])
    np.testing.assert_allclose(noise.gaussian_cdf([-64.0, -62.5, -60.0]), expected, rtol=1e-12)


def test_the_moments_of_the_input_broadcast():
    rates, g = np.array([1.0, 5.0, 20.0]), np.array([[3.0], [5.0]])
    found = fp.input_moments(rates, 0.1, 1000, 250, g, 0.02)
    assert found.mu.shape == (2, 3)
    for i, j in np.ndindex(2, 3):
        one = fp.input_moments(rates[j], 0.1, 1000, 250, g[i, 0], 0.02)
        for name in ("mean", "variance", "mu", "sigma"):
            assert isinstance(getattr(one, name), float)
            assert getattr(found, name)[i, j] == pytest.approx(getattr(one, name), rel=1e-14)


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: fp.input_moments(5.0, 1e200, 1000, 250, 5.0, 0.02), "overflows; take smaller"),
        (lambda: fp.input_moments([1.0, 2.0], 0.1, [1, 2, 3], 250, 5.0, 0.02), "do not broadcast"),
        (lambda: fp.input_moments(5.0, 0.1, 1000, [250, -1], 5.0, 0.02), "`C_I` must be at least 0"),
        (lambda: fp.input_moments(5.0, 0.1, 1000, 250, 5.0, 0.0), "`tau_m` must be positive"),
        (lambda: fp.ShotNoise.balanced([5.0, 6.0], 0.1, 1000, 250, 5.0, 0.02), "`rate` must be a number"),
        (lambda: fp.ShotNoise(0.02, [1.0], [5.0]).simulate([]), "`times`"),
        (lambda: fp.ShotNoise(0.02, [1.0], [5.0]).log_characteristic(np.nan), "`k` must be finite"),
        (lambda: fp.ShotNoise(0.02, [1.0], [5.0]).gaussian_cdf(np.nan), "`V` holds NaN"),
    ],
)
def test_what_has_no_moments_is_refused(ask, message):
    with pytest.raises(InvalidArgument, match=message):
        ask()


def test_no_potentials_have_no_probabilities():
    assert fp.ShotNoise(0.02, [1.0], [5.0]).cdf([]).shape == (0,)
