"""First-passage densities: a closed form, published numbers, two methods and the density solver against each other."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import log_ndtr

import fokkerplanck as fp
from fokkerplanck.meanfield.passage_contour import PassageTransform
from fokkerplanck.meanfield.volterra import end_correction

BRUNEL = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)
NOTEBOOK = fp.LIF(1.0, -63.0, -70.0)
UNIT = fp.LIF(1.0, 2.0, 1.0)
# t/τ_m: density τ_m f and distribution function, by Talbot's inversion of the Laplace transform in multi-precision
TABLE = {
    "S1": (BRUNEL, 15.0, 5.0, [
        (0.25, 0.0023255335130354, 6.8250174398023e-5), (0.5, 0.048563817008023, 0.0053595105535448),
        (1, 0.14565802740229, 0.057398636027019), (2, 0.16953097347873, 0.22492772524028),
        (5, 0.090760469011099, 0.61222025649554), (10, 0.028161530314163, 0.87977168005166),
        (20, 0.0027063984229561, 0.98844574269756),
    ]),
    "S2": (BRUNEL, 25.0, 3.0, [
        (0.5, 0.22274155160106, 0.012122114687392), (0.8, 1.3167179107874, 0.25552161196212),
        (1, 1.2704263698323, 0.52553770353751), (1.5, 0.3372134073949, 0.90898896501249),
        (2.5, 0.0071830674274801, 0.99821422983581),
    ]),
    "S4": (NOTEBOOK, -63.0, 1.0, [
        (1, 0.0016874244252799, 8.9855384826e-5), (1.5, 0.14600813057319, 0.023451082570663),
        (2, 0.44052411041872, 0.1763141256582), (2.5, 0.46974486150071, 0.41487109821565),
        (3, 0.34946721035321, 0.6216743040799),
        (4, 0.14238117029976, 0.85609600616297), (6, 0.019573092937601, 0.98042309831667),
    ]),
    "S5": (UNIT, 0.0, math.sqrt(2.0), [
        (0.02, 1.7532689745701e-4, 2.7045636641623e-7), (0.1, 0.34514637949859, 0.011943530911858),
        (0.25, 0.39657430415149, 0.074472494880291), (0.5, 0.24298848015897, 0.1524874917931),
        (1, 0.12893857247356, 0.23934367762839), (2, 0.075539275604491, 0.33462659248565),
        (5, 0.04792576362233, 0.50898299964173), (10, 0.029360080984329, 0.69817491073087),
    ]),
}  # fmt: skip


@pytest.mark.parametrize("method", ["laplace", "volterra"])
@pytest.mark.parametrize("name", TABLE)
def test_published_values(name, method):
    neuron, mu, sigma, rows = TABLE[name]
    law = fp.first_passage_density([neuron.tau_m * t for t, _, _ in rows], mu, sigma, neuron, method=method)
    np.testing.assert_allclose(law.density * neuron.tau_m, [f for _, f, _ in rows], rtol=1e-12, atol=2e-12)
    np.testing.assert_allclose(law.cdf, [P for _, _, P in rows], rtol=1e-11, atol=1e-13)


def closed_form(t, x):
    """log f and log P(T < t) for x_t = 0, x_r = −x, with s = (e^{2t} − 1)/2."""
    log_s = 2.0 * t + np.log(-0.5 * np.expm1(-2.0 * t))
    log_f = np.log(x) - 0.5 * np.log(2.0 * np.pi) - 1.5 * log_s - 0.5 * x**2 * np.exp(-log_s) + 2.0 * t
    return log_f, np.log(2.0) + log_ndtr(-x * np.exp(-0.5 * log_s))


@pytest.mark.parametrize("x", [1e-6, 1e-3, 0.1, 1.0, 7.0, 30.0, 1e3])
def test_the_closed_form_for_a_threshold_at_the_resting_potential(x):
    middle = math.log1p(x * x)
    t = np.concatenate([np.geomspace(x * x / 400.0, 0.5, 30) if x < 10 else [], middle + np.linspace(-1.5, 30.0, 30)])
    t = t[t > 0.0]
    law = fp.first_passage_density(t, 0.0, 1.0, fp.LIF(1.0, 0.0, -x))
    log_f, log_P = closed_form(t, x)
    seen = log_f > -600.0
    assert seen.sum() > 20
    np.testing.assert_allclose(law.density[seen], np.exp(log_f[seen]), rtol=1e-10)
    seen = log_P > -600.0
    np.testing.assert_allclose(law.cdf[seen], np.exp(log_P[seen]), rtol=1e-10)
    survival = fp.interval_law(0.0, 1.0, fp.LIF(1.0, 0.0, -x)).survival(t)
    later = t > middle
    np.testing.assert_allclose(survival[later], -np.expm1(log_P[later]), rtol=1e-9, atol=1e-15)


@settings(max_examples=10)
@given(st.floats(-2.5, 4.0), st.floats(-0.5, 0.8), st.floats(-0.5, 1.0))
def test_two_methods_agree(x_t, gap, span):
    neuron = fp.LIF(1.0, x_t, x_t - 10.0**gap)
    deviation = float(fp.isi_moments(0.0, 1.0, neuron).variance) ** 0.5
    t = np.linspace(0.0, min(10.0**span * (1.0 + 10.0**gap), 20.0 * deviation), 40)
    one, other = (fp.first_passage_density(t, 0.0, 1.0, neuron, method=method) for method in ("laplace", "volterra"))
    scale = max(1.0, float(np.max(one.density)))
    np.testing.assert_allclose(one.density, other.density, rtol=0, atol=1e-9 * scale)
    np.testing.assert_allclose(one.cdf, other.cdf, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("w_F", "exponent"), [(-40.0, 0.5), (-2.0, 1.0), (1.0, -2.0), (3.0, 0.0), (7.0, 0.0)])
def test_the_law_is_one(w_F, exponent):
    """Mass and mean of the density, by quadrature over the quantiles; monotone; f is the derivative of P."""
    neuron = fp.LIF(1.0, w_F, w_F - 10.0**exponent)
    law = fp.interval_law(0.0, math.sqrt(2.0), neuron)
    edges = np.log(law.quantile(1.0 / (1.0 + np.exp(-np.linspace(-34.0, 34.0, 35)))))
    edges = np.unique(np.concatenate([edges, np.arange(edges[0], edges[-1], 0.7)]))
    nodes, weights = np.polynomial.legendre.leggauss(10)
    half = 0.5 * np.diff(edges)[:, None]
    t = np.exp(edges[:-1, None] + half * (1.0 + nodes))
    mass = half * weights * t * law.density(t)
    assert np.sum(mass) == pytest.approx(1.0, abs=5e-9)
    assert np.sum(mass * t) == pytest.approx(float(law.moments.mean), rel=5e-9)
    np.testing.assert_allclose(np.sum(mass, axis=1), np.diff(law.cdf(np.exp(edges))), rtol=1e-7, atol=1e-12)


def test_published_transform():
    # E e^{−zT} = e^{(x_0² − x_t²)/2} D_{−z}(−√2 x_0)/D_{−z}(−√2 x_t), D_{−1}(−w) = √(2π) e^{w²/4} Φ(w), for z = 1
    for w_R, w_F in ((-1.0, 2.0), (-8.0, -4.0), (1.0, 5.0)):
        value, _ = PassageTransform(w_R, w_F)(np.array([1.0]))
        expected = 0.5 * (w_F**2 - w_R**2) + log_ndtr(w_F) - log_ndtr(w_R)
        assert value[0].real == pytest.approx(expected, rel=1e-13)
        assert value[0].imag == 0.0


@pytest.mark.parametrize(("w_F", "pole"), [(0.0, 1.0), (1.0, 2.0), (math.sqrt(3.0), 3.0)])
def test_the_decay_rate_where_it_is_known(w_F, pole):
    """D_n is a Hermite polynomial: its largest zero y makes λ_1 = n for the threshold at w = −y."""
    found = PassageTransform(-w_F - 1.0, -w_F).decay_rate()
    assert found == pytest.approx(pole, rel=1e-12)


def test_far_below_threshold_the_decay_rate_is_the_rate():
    neuron = fp.LIF(20.0, 20.0, 10.0)
    law = fp.interval_law(0.0, 4.0, neuron)
    assert law.decay_rate == pytest.approx(float(fp.siegert_rate(0.0, 4.0, neuron)), rel=1e-8)
    assert law.hazard(1e4) == pytest.approx(law.decay_rate, rel=1e-8)


def test_the_renewal_equation_of_the_density_solver():
    """Without coupling the rate of the population is N = f_0 + f * N, f_0 the density of the first passage."""
    words = fp.LIF(tau_m=1.0, V_th=2.0, V_r=1.0).dictionary()
    model = words.population(1.5, 0.5)
    centre, variance = 0.2, 0.02
    times = np.linspace(0.0, 4.0, 401)
    sol = fp.solve(model, fp.gaussian(centre, variance), (0.0, 4.0), rtol=1e-9, atol=1e-11)
    N = sol.rate_at(times[1:])
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)
    starts = centre + math.sqrt(variance) * nodes
    first = sum(
        weight * fp.first_passage_density(times[20::20], 1.5, 0.5, words.neuron, start=start).density
        for weight, start in zip(weights / weights.sum(), starts, strict=True)
    )
    f = fp.first_passage_density(times, 1.5, 0.5, words.neuron).density
    # One of the two vanishes with all derivatives at either end: the trapezoidal rule is exact.
    full = np.concatenate([[0.0], N])
    renewed = np.array([0.01 * (f[: k + 1] @ full[k::-1]) for k in range(20, 401, 20)])
    np.testing.assert_allclose(first + renewed, N[19::20], rtol=0, atol=1e-8)


def test_another_start():
    neuron = fp.LIF(20.0, 20.0, 10.0)
    from_reset = fp.first_passage_density([10.0, 50.0], 15.0, 5.0, neuron)
    moved = fp.first_passage_density([10.0, 50.0], 15.0, 5.0, fp.LIF(20.0, 20.0, 3.0), start=10.0)
    assert from_reset.density.tolist() == moved.density.tolist()
    law = fp.interval_law(15.0, 5.0, BRUNEL, start=19.0)
    assert law.moments.mean < fp.isi_moments(15.0, 5.0, BRUNEL).mean


def test_an_interval_law_has_its_refractory_time():
    law = fp.interval_law(15.0, 5.0, BRUNEL)
    bare = fp.first_passage_density(np.array([5.0, 38.0]), 15.0, 5.0, BRUNEL)
    assert law.density([0.0, 1.0, 2.0]).tolist() == [0.0, 0.0, 0.0]
    assert law.hazard(-1.0) == law.cdf(1.9) == 0.0
    assert law.survival(2.0) == 1.0
    np.testing.assert_allclose(law.density([7.0, 40.0]), bare.density, rtol=1e-13)
    np.testing.assert_allclose(law.cdf([7.0, 40.0]), bare.cdf, rtol=1e-13)
    assert np.ndim(law.density(3.0)) == np.ndim(law.quantile(0.3)) == 0


@pytest.mark.parametrize("x_t", [-40.0, -2.0, 1.0, 5.0])
def test_quantiles_and_random_intervals(x_t):
    neuron = fp.LIF(1.0, x_t, x_t - 2.0, tau_ref=0.1)
    law = fp.interval_law(0.0, 1.0, neuron)
    q = np.array([1e-12, 1e-3, 0.2, 0.5, 0.8, 0.999, 1.0 - 1e-12])
    np.testing.assert_allclose(law.cdf(law.quantile(q))[:4], q[:4], rtol=1e-9)
    np.testing.assert_allclose(law.survival(law.quantile(q))[3:], 1.0 - q[3:], rtol=1e-9)
    draws = np.sort(law.sample(4000, seed=1))
    distance = np.max(np.abs(law.cdf(draws[::40]) - (np.arange(0, 4000, 40) + 0.5) / 4000))
    assert distance < 1.95 / math.sqrt(4000)  # Kolmogorov, one in a thousand
    assert law.sample(3, seed=5).tolist() == law.sample(3, seed=5).tolist()


def test_end_corrections_are_exact_for_square_roots_times_polynomials():
    h = 1.0 / 128
    theta = h * np.arange(0, 129)
    smooth = np.where(theta < 1.0, (1.0 - theta) ** 14, 0.0)  # nothing is left to correct at the other end
    correction = h**1.5 * end_correction(8) @ smooth[:8]
    exact = math.gamma(1.5) * math.gamma(15.0) / math.gamma(16.5)
    assert h * np.sqrt(theta) @ smooth - correction == pytest.approx(exact, rel=1e-9)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: fp.first_passage_density(1.0, 15.0, 0.0, BRUNEL), "`sigma`"),
        (lambda: fp.first_passage_density(1.0, 15.0, [1.0, 2.0], BRUNEL), "`sigma`"),
        (lambda: fp.first_passage_density(np.nan, 15.0, 1.0, BRUNEL), "`t` must be finite"),
        (lambda: fp.first_passage_density(1.0, np.inf, 1.0, BRUNEL), "`mu`"),
        (lambda: fp.first_passage_density(1.0, 15.0, 1.0, None), "`neuron`"),
        (lambda: fp.first_passage_density(1.0, 15.0, 5.0, BRUNEL, start=20.0), "`start` = 20"),
        (lambda: fp.first_passage_density(1.0, 0.0, 1.0, BRUNEL), "practically never"),
        (lambda: fp.first_passage_density(1.0, 15.0, 5.0, BRUNEL, method="talbot"), "Unknown method"),
        (lambda: fp.first_passage_density(1.0, 60.0, 1.0, BRUNEL, method="volterra"), "`method`"),
        (lambda: fp.first_passage_density(1e6, 15.0, 5.0, BRUNEL, method="volterra"), "`t` reaches"),
        (lambda: fp.interval_law(15.0, 5.0, BRUNEL).quantile([0.5, 1.0]), "`q`"),
        (lambda: fp.interval_law(15.0, 5.0, BRUNEL).sample(1.5), "`n`"),
    ],
)
def test_refusals(call, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        call()
