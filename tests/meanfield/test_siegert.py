"""The firing rate against ten thousand points of multi-precision arithmetic, its limits, its slopes and its inverse."""

import math
from pathlib import Path

import mpmath as mp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import passage_moments, scaled_moments

REFERENCE = np.load(Path(__file__).parents[1] / "data" / "siegert_reference.npz")
BRUNEL = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
# (neuron, E_l + μ, σ): mean first-passage time over τ_m, firing rate
SETS = {
    "S1": (BRUNEL, 15.0, 5.0, 5.184965439133721, 0.0094607998057591),
    "S2": (BRUNEL, 25.0, 3.0, 1.034543421990515, 0.044070591773629),
    "S3": (BRUNEL, 10.0, 4.0, 407.7161727717946, 1.2260425980698e-4),
    "S4": (fp.LIF(1.0, -63.0, -70.0), -63.0, 1.0, 2.93269163390512, 0.34098368489851),
    "S5": (fp.LIF(1.0, 2.0, 1.0), 0.0, math.sqrt(2.0), 8.335002748317627, 0.1199759652391),
    "S6": (BRUNEL, 60.0, 1.0, 0.2230873445002072, 0.15475691280123),
}
every_set = pytest.mark.parametrize("name", SETS)
# Stationary densities, 12 digits
DENSITIES = {
    "S1": {
        0.0: 2.73236322906e-5,
        5.0: 0.00405518658641,
        10.0: 0.0814505999117,
        12.5: 0.118339521920,
        15.0: 0.110702842829,
        17.5: 0.0540913994464,
        19.0: 0.0180999085294,
    },
    "S5": {
        -2.0: 0.0573806818518,
        -1.0: 0.257162374704,
        0.0: 0.423989077198,
        0.5: 0.374169047357,
        1.0: 0.257162374704,
        1.5: 0.0939550224679,
        1.9: 0.0132362261664,
    },
}


def between(low, high):
    return st.floats(low, high, allow_subnormal=False)


def decades(low, high):
    return between(low, high).map(lambda exponent: 10.0**exponent)


@st.composite
def neurons(draw):
    V_r = draw(between(-80.0, 20.0))
    return fp.LIF(
        draw(decades(-2, 2)), V_r + draw(decades(-2, 2)), V_r, draw(between(-80.0, 0.0)), draw(decades(-3, 0))
    )


@st.composite
def inputs(draw, highest=12.0):
    """(mu, sigma, neuron) with a threshold at most `highest` σ above E_l + μ."""
    neuron, sigma = draw(neurons()), draw(decades(-3, 3))
    x_t = draw(between(-5.0, highest) | decades(0, 3).map(lambda x: -x))
    return neuron.V_th - neuron.E_l - sigma * x_t, sigma, neuron


@every_set
def test_published_parameters(name):
    neuron, mu, sigma, time, rate = SETS[name]
    assert fp.siegert_rate(mu, sigma, neuron) == pytest.approx(rate, rel=1e-13)
    found = (1.0 / fp.siegert_rate(mu, sigma, neuron) - neuron.tau_ref) / neuron.tau_m
    assert found == pytest.approx(time, rel=5e-13)
    assert fp.log_siegert_rate(mu, sigma, neuron) == pytest.approx(math.log(rate), abs=1e-13)


def reference_rates():
    """Of all points; a neuron each, since V_r differs."""
    table = REFERENCE
    columns = zip(table["mu"].astype(float), table["sigma"].astype(float), table["V_r"].astype(float), strict=True)
    return [(mu, sigma, fp.LIF(1.0, float(table["V_th"]), V_r, float(table["E_l"]))) for mu, sigma, V_r in columns]


def test_ten_thousand_points_of_multi_precision_arithmetic():
    points = reference_rates()
    assert len(points) == 10_000
    some = range(0, len(points), 7)  # the claim siegert-precision does all of them
    rates = np.array([fp.siegert_rate(*points[k]) for k in some])
    slopes = np.array([fp.siegert_slopes(*points[k]) for k in some])
    time, by_mu, by_sigma = (REFERENCE[name][some] for name in ("time", "by_mu", "by_sigma"))
    assert np.max(np.abs(rates * time - 1.0)) < 1e-13
    normal = 1.0 / time > 1e-300
    assert np.max(np.abs(slopes[:, 0] / (by_mu / time / time) - 1.0)[normal & (by_mu / time / time > 1e-300)]) < 2e-13
    assert (
        np.max(np.abs(slopes[:, 1] / (by_sigma / time / time) - 1.0)[normal & (by_sigma / time / time > 1e-300)])
        < 2e-13
    )


@pytest.mark.parametrize("sigma", [0.3, 1.0, 10.0])
def test_the_input_exactly_midway_between_reset_and_threshold(sigma):
    # There I = 2√π ∫_0^{x_t} e^{u²} du, as erf is odd
    x = 5.0 / sigma
    expected = BRUNEL.tau_ref + BRUNEL.tau_m * float(mp.pi * mp.erfi(x))
    assert fp.siegert_rate(15.0, sigma, BRUNEL) == pytest.approx(1.0 / expected, rel=1e-13)


def test_the_input_exactly_at_the_threshold():
    with mp.workdps(30):
        for sigma in (1e-3, 1.0, 1e3):
            x = mp.mpf(10) / sigma
            edges = [mp.mpf(0), *(mp.mpf(4) ** k for k in range(-2, 8) if mp.mpf(4) ** k < x), x]
            time = mp.sqrt(mp.pi) * mp.quad(lambda u: mp.exp(u * u) * mp.erfc(u), edges)
            assert fp.siegert_rate(20.0, sigma, BRUNEL) == pytest.approx(float(1 / (2 + 20 * time)), rel=1e-13)


def test_the_deterministic_limit():
    mu = np.array([19.0, 20.0, 20.5, 25.0, 1e6])
    with np.errstate(divide="ignore"):
        expected = np.where(mu > 20.0, 1.0 / (2.0 + 20.0 * np.log1p(10.0 / np.maximum(mu - 20.0, 1e-300))), 0.0)
    np.testing.assert_allclose(fp.siegert_rate(mu, 0.0, BRUNEL), expected, rtol=1e-15)
    assert fp.log_siegert_rate(mu, 0.0, BRUNEL)[0] == -np.inf
    for sigma in (1e-10, 1e-100, 1e-200, 5e-324):
        found = fp.siegert_rate(mu, sigma, BRUNEL)
        np.testing.assert_allclose(found[[0, 2, 3, 4]], expected[[0, 2, 3, 4]], rtol=1e-14)
    # At the threshold the rate falls only like 1/log(1/σ).
    assert fp.siegert_rate(20.0, 1e-250, BRUNEL) == pytest.approx(
        1.0 / (2.0 + 20.0 * (251 * math.log(10.0) + 0.98)), rel=1e-3
    )
    by_mu, by_sigma = fp.siegert_slopes(mu[[0, 2, 3]], 0.0, BRUNEL)
    assert by_mu[0] == 0.0
    assert not np.any(by_sigma)
    np.testing.assert_allclose(by_mu[1:], 20.0 * expected[2:4] ** 2 * (1 / (mu[2:4] - 20) - 1 / (mu[2:4] - 10)), 1e-14)


def test_the_rate_underflows_and_its_logarithm_does_not():
    assert fp.siegert_rate(0.0, 0.5, BRUNEL) == 0.0
    x = 40.0  # I = e^{x²} (√π/x) (1 + 1/(2x²) + 3/(4x⁴) + …)
    expected = -(x * x + math.log(20.0 * math.sqrt(math.pi) / x) + math.log1p(0.5 / x**2 + 0.75 / x**4 + 1.875 / x**6))
    assert fp.log_siegert_rate(0.0, 0.5, BRUNEL) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("near", [3e7, 1e8, 3e8, 1e15, 1e60])
@pytest.mark.parametrize("gap", [1e-9, 1.0, 1e9])
def test_moments_far_above_the_threshold(near, gap):
    """The quadrature meets the asymptotic expansion, whose first correction is of the order 1/w²."""
    length = near * gap
    found = scaled_moments(np.array(length), np.array(-near - length), np.array(-near), 2)
    expected = [math.log1p(gap), gap / (1 + gap) / near, gap * (2 + gap) / (1 + gap) ** 2 / near**2]
    np.testing.assert_allclose(found, expected, rtol=3e-14)


def test_a_gap_of_hundreds_of_decades():
    # ∫ φ(−y) dy over [0, Y] = log Y + const
    values = [scaled_moments(np.array(Y), np.array(-Y), np.array(0.0), 0)[0] for Y in (1e7, 1e9, 1e200, 1e290)]
    np.testing.assert_allclose(np.diff(values), np.log(10.0) * np.array([2, 191, 90]), rtol=1e-13)
    assert np.all(np.isfinite(passage_moments(1.0, 1e-300, 0.0, 1.0, order=2)[1]))


@given(inputs())
def test_slopes_are_differences_of_the_rate(point):
    mu, sigma, neuron = point
    by_mu, by_sigma = fp.siegert_slopes(mu, sigma, neuron)
    rate = fp.siegert_rate(mu, sigma, neuron)
    gap = neuron.V_th - neuron.V_r
    h = 1e-3 * min(sigma / (1.0 + abs(neuron.V_th - neuron.E_l - mu) / sigma), max(gap, sigma))
    rounding = 1e-15 * (abs(mu) + sigma + abs(neuron.V_th) + abs(neuron.V_r) + abs(neuron.E_l)) / h
    for slope, move in ((by_mu, (1.0, 0.0)), (by_sigma, (0.0, 1.0))):
        f = [fp.siegert_rate(mu + k * h * move[0], sigma + k * h * move[1], neuron) for k in (-2, -1, 1, 2)]
        difference = (8.0 * (f[2] - f[1]) - (f[3] - f[0])) / (12.0 * h)
        assert difference == pytest.approx(slope, rel=1e-8 + 10 * rounding, abs=1e-12 * rate / h)


@given(inputs(), inputs())
def test_the_rate_rises_with_mean_and_noise_below_its_ceiling(point, other):
    mu, sigma, neuron = point
    rate = fp.siegert_rate(mu, sigma, neuron)
    assert 0.0 <= rate <= neuron.highest_rate
    assert fp.siegert_rate(mu + 0.1 * other[1], sigma, neuron) >= rate * (1.0 - 1e-13)
    assert fp.siegert_rate(mu, 1.1 * sigma, neuron) >= rate * (1.0 - 1e-13)


@given(inputs(), decades(-3, 3), decades(-3, 3), between(-50.0, 50.0))
def test_units_and_origin_do_not_matter(point, volt, second, shift):
    mu, sigma, neuron = point
    other = fp.LIF(
        second * neuron.tau_m,
        volt * (neuron.V_th + shift),
        volt * (neuron.V_r + shift),
        volt * (neuron.E_l + shift),
        second * neuron.tau_ref,
    )
    x = abs(neuron.V_th - neuron.E_l - mu) / sigma
    distance = min(neuron.V_th - neuron.V_r, sigma)
    condition = (1.0 + x) * (200.0 + abs(mu)) / distance  # the shifted potentials are rounded
    found = second * fp.siegert_rate(volt * mu, volt * sigma, other)
    assert found == pytest.approx(fp.siegert_rate(mu, sigma, neuron), rel=1e-13 + 1e-15 * condition)


@given(inputs())
def test_the_inverse(point):
    mu, sigma, neuron = point
    rate = fp.siegert_rate(mu, sigma, neuron)
    if not 0.0 < rate < neuron.highest_rate * (1.0 - 1e-12):
        return
    found = fp.siegert_input(rate, sigma, neuron)
    slope, _ = fp.siegert_slopes(mu, sigma, neuron)
    lost = 4e-13 / (1.0 - rate / neuron.highest_rate)  # 1/ν − τ_ref cancels
    assert abs(found - mu) * slope <= rate * lost + 1e-13 * slope * (abs(neuron.V_th) + abs(neuron.E_l) + abs(mu))


def test_the_inverse_without_noise_and_over_a_table():
    rates = np.array([1e-12, 1e-3, 0.1, 0.4, 0.49999])
    sigma = np.array([[0.0], [1e-6], [1.0], [100.0]])
    mu = fp.siegert_input(rates, sigma, BRUNEL)
    assert mu.shape == (4, 5)
    np.testing.assert_allclose(fp.siegert_rate(mu, sigma, BRUNEL)[2:], np.broadcast_to(rates, (2, 5)), rtol=1e-11)
    assert mu[0, 2] == pytest.approx(20.0 + 10.0 / math.expm1(0.4), rel=1e-15)
    np.testing.assert_allclose(mu[1], mu[0], rtol=1e-5)


@pytest.mark.parametrize("name", DENSITIES)
def test_stationary_density(name):
    neuron, mu, sigma, _, _ = SETS[name]
    table = DENSITIES[name]
    found = fp.voltage_density(list(table), mu, sigma, neuron)
    np.testing.assert_allclose(found, list(table.values()), rtol=5e-12)
    assert fp.voltage_density([neuron.V_th, neuron.V_th + 1.0], mu, sigma, neuron).tolist() == [0.0, 0.0]


@every_set
def test_the_mass_of_the_density(name):
    neuron, mu, sigma, _, rate = SETS[name]
    low = min(mu, neuron.V_r) - 7.0 * sigma
    edges = np.unique(np.concatenate([np.linspace(low, neuron.V_th, 120), [neuron.V_r]]))
    nodes, weights = np.polynomial.legendre.leggauss(20)
    half = 0.5 * np.diff(edges)[:, None]
    V = edges[:-1, None] + half * (1.0 + nodes)
    mass = np.sum(half * weights * fp.voltage_density(V, mu, sigma, neuron))
    assert mass == pytest.approx(1.0 - rate * neuron.tau_ref, abs=1e-11)


def test_the_density_solver_agrees():
    words = BRUNEL.dictionary()
    for mu, sigma in ((15.0, 5.0), (25.0, 3.0)):
        (state,) = fp.stationary_states(words.population(mu, sigma))
        assert words.rate(state.rate) == pytest.approx(fp.siegert_rate(mu, sigma, BRUNEL), rel=1e-11)
        V = np.linspace(0.0, 19.9, 50)
        expected = state.density(words.potential(V)) / words.unit
        np.testing.assert_allclose(fp.voltage_density(V, mu, sigma, BRUNEL), expected, rtol=1e-9)


def test_arguments_broadcast():
    mu, sigma = np.linspace(0.0, 33.0, 4)[:, None], np.array([0.0, 1.0, 5.0])
    assert fp.siegert_rate(mu, sigma, BRUNEL).shape == (4, 3)
    assert [part.shape for part in fp.siegert_slopes(mu, sigma, BRUNEL)] == [(4, 3)] * 2
    assert fp.siegert_rate([], 1.0, BRUNEL).shape == (0,)
    assert np.ndim(fp.siegert_rate(1.0, 1.0, BRUNEL)) == 0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fp.siegert_rate(1.0, -1.0, BRUNEL), "`sigma` = -1"),
        (lambda: fp.siegert_rate(np.nan, 1.0, BRUNEL), "`mu` must be finite"),
        (lambda: fp.siegert_rate(1.0, np.inf, BRUNEL), "`sigma` must be finite"),
        (lambda: fp.siegert_rate("high", 1.0, BRUNEL), "`mu` must be numbers"),
        (lambda: fp.siegert_rate(1.0, 1.0, fp.nnlif(b=0.0)), "`neuron` must be an fp.LIF"),
        (lambda: fp.siegert_rate([1.0, 2.0], [1.0, 2.0, 3.0], BRUNEL), "broadcast"),
        (lambda: fp.siegert_slopes(20.0, 0.0, BRUNEL), "`sigma` = 0 at"),
        (lambda: fp.siegert_input(0.5, 1.0, BRUNEL), "`rate` = 0.5 must lie below"),
        (lambda: fp.siegert_input(0.0, 1.0, BRUNEL), "`rate` = 0 must be positive"),
        (lambda: fp.siegert_input(np.nan, 1.0, BRUNEL), "`rate` must be finite"),
        (lambda: fp.siegert_input([0.1, 0.2], [1.0, 2.0, 3.0], BRUNEL), "broadcast"),
        (lambda: fp.voltage_density(0.0, 1.0, 0.0, BRUNEL), "`sigma` must be positive"),
        (lambda: fp.voltage_density(np.nan, 1.0, 1.0, BRUNEL), "`V` must be finite"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        call()
