"""Distributions of rates: identities between engines, published and independent numbers, refusals."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield.firstpassage import log_mean_first_passage
from fokkerplanck.meanfield.siegertrate import rates

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
LAW = fp.GammaDegrees(100.0, 40.0, correlation=0.7)
HEBBIAN = fp.HebbianWeight(0.3, 10.0)


def network(rule=fp.SaturatingWeight(0.16, 10.0), degrees=LAW, mu_ext=13.0, sigma_ext=5.0, neuron=NEURON):
    return fp.PlasticNetwork(neuron, degrees, rule, mu_ext, sigma_ext)


@pytest.fixture(scope="module")
def found():
    return fp.rate_distribution(network())


# -- the rate of one neuron -------------------------------------------------------------------------------------


@given(st.floats(-30.0, 200.0), st.floats(0.05, 60.0))
def test_rates_are_those_of_the_mean_first_passage(mu, sigma):
    words = NEURON.dictionary()
    log = float(log_mean_first_passage(*words.input(mu, sigma), words.V_R, words.V_F))
    exact = 0.0 if log > 690.0 else 1.0 / (0.002 + 0.02 * np.exp(log))
    assert rates(NEURON, np.array([mu]), np.array([sigma**2]))[0] == pytest.approx(exact, rel=3e-13)


def test_a_neuron_without_noise_is_silent_below_threshold_and_periodic_above():
    below, at, above = rates(NEURON, np.array([19.0, 20.0, 30.0]), np.zeros(3))
    assert (below, at) == (0.0, 0.0)
    assert above == pytest.approx(1.0 / (0.002 + 0.02 * np.log(20.0 / 10.0)), rel=1e-14)
    assert rates(NEURON, np.array([30.0]), np.array([1e-10]))[0] == pytest.approx(above, rel=1e-10)


# -- identities -------------------------------------------------------------------------------------------------


@share_of_examples(0.2)
@given(st.integers(1, 1000), st.floats(-30.0, 8.0), st.floats(5.0, 25.0), st.floats(1.0, 8.0))
def test_equal_neurons_fire_at_the_stationary_rate_of_the_equation(K, total, mu_ext, sigma_ext):
    words = NEURON.dictionary()
    model = words.population(mu_ext, sigma_ext, *words.coupling(K, total / K))
    states = [float(words.rate(state.rate)) for state in fp.stationary_states(model)]
    found = fp.rate_distribution(network(fp.StaticWeight(total / K), fp.FixedDegree(K), mu_ext, sigma_ext))
    assert found.converged
    assert min(abs(found.mean / rate - 1.0) for rate in states) < 1e-8
    assert found.sd <= 1e-9 * found.mean


def test_all_three_states_of_the_equation_are_found():
    words = NEURON.dictionary()
    states = fp.stationary_states(words.population(10.0, 3.0, *words.coupling(100, 0.2)))
    solutions = fp.rate_distributions(network(fp.StaticWeight(0.2), fp.FixedDegree(100), 10.0, 3.0))
    expected = [float(words.rate(state.rate)) for state in states]
    assert [one.mean for one in solutions] == pytest.approx(expected, rel=1e-8)
    assert [one.repelling for one in solutions] == [False, True, False]
    assert states[1].stable is False


def test_a_table_of_the_poisson_law_is_the_poisson_law():
    law = fp.PoissonDegrees(12.0)
    k = law.support.k
    table = fp.TabulatedDegrees(k, k, np.outer(law.support.weight, law.support.weight) / law.support.weight.sum() ** 2)
    one, other = (fp.rate_distribution(network(degrees=each, rule=fp.StaticWeight(0.8))) for each in (law, table))
    assert other.mean == pytest.approx(one.mean, rel=1e-10)
    assert other.sd == pytest.approx(one.sd, rel=1e-8)
    nu = one.quantile([0.1, 0.5, 0.9])
    np.testing.assert_allclose(other.cdf(nu), [0.1, 0.5, 0.9], atol=1e-8)


def test_a_product_and_its_table_agree():
    product = fp.rate_distribution(network(HEBBIAN), degree_nodes=12, normal_nodes=6)
    table = fp.rate_distribution(
        network(fp.PlasticWeight(lambda x, y: 0.3 * x / (x + 10) * y / (y + 10), needs_post=True)),
        degree_nodes=12,
        normal_nodes=6,
    )
    assert table.mean == pytest.approx(product.mean, rel=1e-7)
    assert table.sd == pytest.approx(product.sd, rel=1e-6)
    with pytest.raises(fp.InvalidArgument, match="no products"):
        table.moments()


def test_two_populations_that_are_one():
    half = fp.GammaDegrees(50.0, 50.0 * 0.4)
    pairs = [(a, b) for a in "XY" for b in "XY"]
    neurons = {"X": NEURON, "Y": NEURON}
    two = fp.PlasticNetwork(neurons, dict.fromkeys(pairs, fp.FixedDegree(50)), fp.StaticWeight(0.1), 13.0, 5.0)
    one = network(fp.StaticWeight(0.1), fp.FixedDegree(100))
    assert fp.rate_distribution(two).population("Y").mean == pytest.approx(fp.rate_distribution(one).mean, rel=1e-10)
    both = fp.rate_distribution(fp.PlasticNetwork(neurons, dict.fromkeys(pairs, half), fp.StaticWeight(0.1), 13.0, 5.0))
    assert both.population("X").mean == pytest.approx(both.population("Y").mean, rel=1e-10)
    with pytest.raises(fp.InvalidArgument, match="say which population: X, Y"):
        both.mean  # noqa: B018


def test_without_synapses_there_is_the_external_input_only():
    alone = fp.rate_distribution(fp.PlasticNetwork(NEURON, {}, {}, 15.0, 5.0))
    assert alone.mean == pytest.approx(9.4607998057591, rel=1e-11)
    assert alone.sd == pytest.approx(0.0, abs=1e-12)
    assert [one.mean for one in fp.rate_distributions(alone.network)] == [alone.mean]
    with pytest.raises(fp.InvalidArgument, match="no synapses"):
        alone.weights()


# -- numbers ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "r", "mu_ext", "mean", "sd"),
    [
        (fp.StaticWeight(0.1), 0.7, 13.0, 10.32143, 2.77996),
        (fp.SaturatingWeight(0.16, 10.0), -0.7, 13.0, 6.11054, 0.68109),
        (fp.DepressingWeight(0.3, 10.0), 0.7, 13.0, 15.12277, 5.17350),
        (HEBBIAN, 0.7, 13.0, 5.47756, 0.45652),
        (fp.SaturatingWeight(-0.6, 10.0), 0.7, 18.0, 8.04855, 3.47501),
    ],
)
def test_numbers_of_another_programme(rule, r, mu_ext, mean, sd):
    one = fp.rate_distribution(network(rule, fp.GammaDegrees(100.0, 40.0, correlation=r), mu_ext))
    assert (one.mean, one.sd) == pytest.approx((mean, sd), abs=1e-5)
    assert one.quadrature_error < 1e-7


# -- the law ----------------------------------------------------------------------------------------------------


def test_the_law_agrees_with_synthetic_neurons(found):
    drawn = found.sample(100_000, seed=1)
    assert found.population().distance(drawn.rate) < 1.63 / np.sqrt(100_000)
    m = found.moments()
    assert drawn.W.var() == pytest.approx(m.s_mu2, rel=0.02)
    assert drawn.Z.var() == pytest.approx(m.s_sigma2, rel=0.02)
    assert np.mean(drawn.W * drawn.Z) == pytest.approx(m.c_mu_sigma, rel=0.02)
    np.testing.assert_allclose(rates(NEURON, drawn.mu, drawn.sigma**2), drawn.rate, rtol=1e-12)


def test_moments_density_quantiles_and_in_neighbours_hang_together(found):
    law = found.population()
    q = np.array([1e-6, 0.01, 0.3, 0.5, 0.99, 1 - 1e-6])
    np.testing.assert_allclose(law.cdf(law.quantile(q)), q, atol=1e-10)
    nu = np.linspace(law.quantile(1e-9), law.quantile(1 - 1e-9), 4001)
    density = law.density(nu)
    assert np.trapezoid(density, nu) == pytest.approx(1.0, abs=1e-6)
    assert np.trapezoid(density * nu, nu) == pytest.approx(law.mean, rel=1e-6)
    np.testing.assert_allclose(np.gradient(law.cdf(nu), nu)[5:-5], density[5:-5], atol=1e-4 * density.max())
    met = found.in_neighbours()
    w = found.network.rule.weight(met.values)
    assert met.average(w * met.values) == pytest.approx(found.moments().m_mu, rel=1e-8)
    assert met.mean > law.mean


def test_rates_by_in_degree_add_up_to_the_law(found):
    k, weight, _ = LAW.nodes(12)
    each = [found.given_degree(value) for value in k]
    assert weight @ [one.mean for one in each] == pytest.approx(found.mean, rel=1e-9)
    second = weight @ [one.sd**2 + one.mean**2 for one in each]
    assert np.sqrt(second - found.mean**2) == pytest.approx(found.sd, rel=1e-6)


def test_the_law_of_the_weights(found):
    law = found.weights()
    nu = found.in_neighbours().quantile([0.2, 0.8])
    np.testing.assert_allclose(law.quantile([0.2, 0.8]), found.network.rule.weight(nu), rtol=1e-6)
    depressing = fp.rate_distribution(network(fp.DepressingWeight(0.3, 10.0)))
    nu = depressing.in_neighbours().quantile(0.2)
    assert depressing.weights().cdf(0.3 / (1.0 + nu / 10.0)) == pytest.approx(0.8, abs=1e-6)
    hebbian = fp.rate_distribution(network(HEBBIAN)).weights()
    assert 0.0 < hebbian.quantile(0.01) < hebbian.mean < 0.3


def test_a_law_that_is_a_point():
    point = fp.rate_distribution(network(fp.StaticWeight(0.1), fp.FixedDegree(100)))
    assert point.skewness == 0.0
    assert point.quantile(0.3) == pytest.approx(point.mean, rel=1e-12)
    with pytest.raises(fp.InvalidArgument, match="use `cdf`"):
        point.density(8.0)


def test_a_negative_variance_is_reported():
    few = network(fp.StaticWeight(-7.5), fp.GammaDegrees(4.0, 3.2, correlation=0.5), 25.0, 0.5)
    with pytest.warns(fp.FokkerPlanckWarning, match="negative variance with probability 0.022"):
        one = fp.rate_distribution(few, degree_nodes=24, normal_nodes=10)
    m, (k, weight, _) = one.moments(), few.degrees.nodes(60)
    expected = weight @ ndtr((-(0.5**2) / 0.02 - k * m.m_sigma) / np.sqrt(k * m.s_sigma2))
    assert one.negative_variance[""] == pytest.approx(expected, rel=0.02)
    assert fp.rate_distribution(network()).negative_variance[""] < 1e-12


def test_what_does_not_converge_says_so():
    with pytest.warns(fp.FokkerPlanckWarning, match="not converged: after 3 evaluations"):
        one = fp.rate_distribution(network(), evaluations=3)
    assert not one.converged
    assert "still decreasing" in one.message


@share_of_examples(0.3)
@given(
    st.sampled_from(
        [fp.StaticWeight, lambda w: fp.SaturatingWeight(2 * w, 10.0), lambda w: fp.DepressingWeight(w, 5.0)]
    ),
    st.floats(-200.0, 40.0),
    st.floats(-0.9, 0.9),
    st.floats(0.0, 40.0),
    st.floats(0.0, 10.0),
    st.sampled_from([20.0, 100.0, 1000.0]),
)
def test_nothing_is_ever_not_a_number(rule, total, r, mu_ext, sigma_ext, K):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        one = fp.rate_distribution(
            network(rule(total / K), fp.GammaDegrees(K, 0.3 * K, correlation=r), mu_ext, sigma_ext), None, 10, 6
        )
    law = one.population()
    values = [*one.moments(), law.mean, law.sd, law.skewness, *law.quantile([0.1, 0.9]), *law.cdf([0.0, 5.0, 500.0])]
    assert np.all(np.isfinite(values))
    assert np.all((law.values >= 0.0) & (law.values <= 500.0))
    assert one.converged or "not converged" in one.message


# -- actual graphs ----------------------------------------------------------------------------------------------


def test_rates_on_a_graph_solve_their_equations():
    net = network(HEBBIAN)
    A = LAW.graph(600, seed=1)
    nu = fp.quenched_rates(net, A).rates
    w = 0.3 * (nu / (nu + 10))[None, :] * (nu / (nu + 10))[:, None] * A.toarray()
    expected = rates(NEURON, 13.0 + 0.02 * w @ nu, 25.0 + 0.02 * w**2 @ nu)
    np.testing.assert_allclose(nu, expected, rtol=1e-8)
    general = network(fp.PlasticWeight(lambda x, y: 0.3 * x / (x + 10) * y / (y + 10), needs_post=True))
    np.testing.assert_allclose(fp.quenched_rates(general, A).rates, nu, rtol=1e-8)


@pytest.mark.parametrize("rule", [fp.StaticWeight(0.1), fp.SaturatingWeight(-0.6, 10.0)])
def test_rates_on_a_graph_have_the_law_of_its_degrees(rule):
    net = network(rule, mu_ext=13.0 if rule == fp.StaticWeight(0.1) else 18.0)
    A = LAW.graph(1500, seed=2)
    actual = fp.quenched_rates(net, A)
    theory = fp.rate_distribution(network(rule, fp.TabulatedDegrees.of(A), net.mu_ext))
    assert actual.converged
    assert actual.rates.mean() == pytest.approx(theory.mean, rel=0.01)
    assert actual.rates.std() == pytest.approx(theory.sd, rel=0.03)
    assert theory.population().distance(actual.rates) < 1.63 / np.sqrt(1500)


# -- refusals ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda: fp.rate_distribution(LAW), "`network`"),
        (lambda: fp.rate_distribution(network(), start=600.0), "`start` = 600.*500"),
        (lambda: fp.rate_distribution(network(), start=[1.0, 2.0]), "`start` has the shape"),
        (lambda: fp.rate_distribution(network(), degree_nodes=0.5), "`degree_nodes`"),
        (lambda: fp.rate_distribution(network(), tolerance=0.0), "`tolerance`"),
        (lambda: fp.rate_distribution(network(), branch="middle"), "`branch`"),
        (lambda: fp.quenched_rates(network(), np.ones((3, 4))), "`graphs` give population"),
        (lambda: fp.quenched_rates(network(), np.full((3, 3), np.nan)), "`graphs` must hold"),
        (lambda: fp.quenched_rates(network(), np.ones((3, 3)), start=-1.0), "`start`"),
        (lambda: fp.quenched_rates(network(), np.ones((3, 3)), start=501.0), "1/tau_ref"),
    ],
)
def test_refusals(ask, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        ask()


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (lambda found: found.population("E"), "`name` = 'E': Unknown population"),
        (lambda found: found.population(1), "there is 1 population"),
        (lambda found: found.quantile(1.0), "`q` must lie between"),
        (lambda found: found.given_degree(-3.0), "`degree`"),
        (lambda found: found.sample(0), "`count`"),
        (lambda found: found.population().distance([]), "`values`"),
        (lambda found: found.cdf("a"), "`x` must be numbers"),
    ],
)
def test_refusals_of_results(found, ask, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        ask(found)


def test_a_table_of_weights_needs_a_highest_rate():
    general = fp.PlasticWeight(lambda x, y: 0.1 + 0.0 * x * y, needs_post=True)
    with pytest.raises(fp.InvalidArgument, match="refractory time `tau_ref` > 0"):
        fp.rate_distribution(network(general, neuron=fp.LIF(0.02, 20.0, 10.0)))
