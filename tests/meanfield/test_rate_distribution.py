"""Distributions of rates: identities between engines, published and independent numbers, refusals."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.meanfield import ratesolutions
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


# -- several solutions -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("net", "signs"),
    [
        (network(fp.StaticWeight(-0.5), fp.GammaDegrees(1000.0, 100.0), 30.0, 2.0), [1]),
        (network(fp.StaticWeight(0.5), fp.FixedDegree(100), 13.0, 0.0), [1, -1, 1]),
    ],
)
def test_changes_of_sign_are_followed_from_the_end_they_were_seen_from(net, signs):
    found = fp.rate_distributions(net, degree_nodes=8, normal_nodes=4)
    assert [-1 if one.repelling else 1 for one in found] == signs


def test_two_populations_apart_have_all_products_of_their_solutions():
    alone = [one.mean for one in fp.rate_distributions(network(fp.StaticWeight(0.2), fp.FixedDegree(100), 10.0, 3.0))]
    both = {"X": NEURON, "Y": NEURON}
    degrees = {("X", "X"): fp.FixedDegree(100), ("Y", "Y"): fp.FixedDegree(100)}
    found = fp.rate_distributions(fp.PlasticNetwork(both, degrees, fp.StaticWeight(0.2), 10.0, 3.0))
    rates_ = [(one.population("X").mean, one.population("Y").mean) for one in found]
    np.testing.assert_allclose(rates_, [(x, y) for x in alone for y in alone], rtol=1e-7)
    degrees = {("X", "X"): fp.FixedDegree(100), ("Y", "X"): fp.FixedDegree(10)}
    found = fp.rate_distributions(fp.PlasticNetwork(both, degrees, fp.StaticWeight(0.2), 10.0, 3.0))
    np.testing.assert_allclose([one.population("X").mean for one in found], alone, rtol=1e-7)


def test_a_missing_solution_is_found_by_deflation_or_told(monkeypatch):
    net = network(fp.StaticWeight(0.2), fp.FixedDegree(100), 10.0, 3.0)
    monkeypatch.setattr(ratesolutions, "_scanned", lambda *_: [])  # the repelling one is then no one's start
    assert [round(one.mean, 2) for one in fp.rate_distributions(net)] == [0.0, 27.89, 236.22]
    monkeypatch.setattr(ratesolutions, "ROUNDS", 0)
    with pytest.warns(fp.FokkerPlanckWarning, match="over the 2 found add up to 2, not 1"):
        assert len(fp.rate_distributions(net)) == 2


def test_rates_that_run_away_are_told():
    net = network(fp.StaticWeight(0.3), fp.GammaDegrees(100.0, 40.0), neuron=fp.LIF(0.02, 20.0, 10.0))
    with pytest.warns(fp.FokkerPlanckWarning, match="no distribution of rates was found: .*they may run away"):
        assert fp.rate_distributions(net, degree_nodes=6, normal_nodes=4, evaluations=60) == ()
    with pytest.warns(fp.FokkerPlanckWarning, match="ran away"):
        actual = fp.quenched_rates(net, net.degrees.graph(300))
    assert not actual.converged
    assert np.isinf(actual.residual)
    assert np.all(np.isfinite(actual.rates))


# -- points of positive probability ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("degrees", "J"), [(fp.FixedDegree(100), 0.1), (fp.PoissonDegrees(3.0), 0.5), (fp.GammaDegrees(50.0, 20.0), 0.1)]
)
def test_the_distance_to_its_own_neurons_is_that_of_noise(degrees, J):
    one = fp.rate_distribution(network(fp.StaticWeight(J), degrees))
    drawn = one.sample(5000, seed=1).rate
    distance = one.population().distance(drawn)
    assert distance < 1.63 / np.sqrt(5000)
    if isinstance(degrees, fp.FixedDegree):
        assert distance < 1e-12
    if isinstance(degrees, fp.GammaDegrees):  # every value is looked at
        F, n = one.cdf(np.sort(drawn)), np.arange(5001) / 5000
        assert distance == pytest.approx(max(np.max(np.abs(F - n[:-1])), np.max(np.abs(F - n[1:]))), abs=2e-6)


# -- laws of degrees that are broad, large or many ----------------------------------------------------------------


@pytest.mark.parametrize("degrees", [fp.GammaDegrees(100.0, 200.0, correlation=0.5), fp.PowerLawDegrees(1.0, 0.1, 1e4)])
def test_broad_degrees(degrees):
    one = fp.rate_distribution(network(fp.StaticWeight(0.05), degrees))
    law = one.population()
    assert law.error < 1.5e-3
    drawn = np.sort(one.sample(100_000, seed=1).rate)
    gap = law.cdf(drawn[::500]) - np.arange(0, 100_000, 500) / 100_000
    assert np.max(np.abs(gap)) < 1.63 / np.sqrt(100_000) + law.error


@pytest.mark.parametrize("degrees", [fp.PoissonDegrees(1000.0), fp.PoissonDegrees(1e6), fp.BinomialDegrees(10**6, 0.5)])
def test_large_discrete_degrees(degrees):
    one = fp.rate_distribution(network(fp.StaticWeight(10.0 / degrees.mean), degrees))
    law = one.population()
    assert law.mean == pytest.approx(one._map.clouds[0].weight @ one._map.rates(one._x)[0], rel=1e-6)
    assert law.distance(one.sample(20_000, seed=2).rate) < 1.63 / np.sqrt(20_000)
    assert len(law.weight) < 3000


def test_many_discrete_degrees_together():
    names = ("X", "Y", "Z")
    degrees = dict.fromkeys([(a, b) for a in names for b in names], fp.PoissonDegrees(50.0))
    one = fp.rate_distribution(
        fp.PlasticNetwork(dict.fromkeys(names, NEURON), degrees, fp.StaticWeight(0.03), 13.0, 5.0), None, 4, 4
    )
    law = one.population("X")
    assert law.distance(one.sample(20_000, 1, "X").rate) < 1.63 / np.sqrt(20_000)
    assert law.values.size < 1_000_000


def test_rates_of_many_neurons_are_computed_in_parts(monkeypatch):
    mu = np.linspace(-10.0, 60.0, 1001)
    whole = rates(NEURON, mu, np.full(mu.size, 4.0))
    monkeypatch.setattr("fokkerplanck.meanfield.siegertrate.AT_ONCE", 100)
    np.testing.assert_array_equal(rates(NEURON, mu, np.full(mu.size, 4.0)), whole)


def test_many_nodes_are_numbers():
    one = fp.rate_distribution(network(), degree_nodes=4, normal_nodes=190)
    assert one.converged
    assert one.mean == pytest.approx(6.5288, abs=0.01)


def test_a_law_says_what_it_is(found):
    assert repr(found.weights()).startswith("Law(mean 0.0")
    point = fp.rate_distribution(network(fp.StaticWeight(0.1), fp.FixedDegree(100)))
    assert repr(point.population()) == "Law(all at 8.88146)"


def test_a_population_without_synapses_on_graphs():
    apart = fp.PlasticNetwork(
        {"X": NEURON, "Y": NEURON}, {("X", "X"): fp.FixedDegree(10)}, fp.StaticWeight(0.1), 13.0, 5.0
    )
    A = apart.graphs(50)
    with pytest.raises(fp.InvalidArgument, match="how many neurons 'Y' has"):
        fp.quenched_rates(apart, A)
    actual = fp.quenched_rates(apart, {**A, "Y": 7})
    np.testing.assert_allclose(actual.rate["Y"], np.full(7, rates(NEURON, np.array([13.0]), np.array([25.0]))[0]))


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
        (lambda: fp.rate_distribution(network(), degree_nodes=300), "`degree_nodes` = 300"),
        (lambda: fp.rate_distribution(network(), degree_nodes=4, normal_nodes=400), "`normal_nodes` = 400"),
        (lambda: fp.rate_distribution(network(), tolerance=0.0), "`tolerance`"),
        (lambda: fp.rate_distribution(network(), branch="middle"), "`branch`"),
        (lambda: fp.quenched_rates(network(), np.ones((3, 4))), "`graphs` give population"),
        (lambda: fp.quenched_rates(network(), np.zeros((0, 0))), "`graphs` must hold matrices"),
        (lambda: fp.quenched_rates(network(), np.zeros(5)), "`graphs` must hold matrices"),
        (lambda: fp.quenched_rates(network(), np.ones((3, 3)), start=[1.0, 2.0]), "`start` has the shape"),
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
        (lambda found: found.population("E"), "Unknown population; the only one has no name"),
        (lambda found: found.population(1), "there is 1 population:"),
        (lambda found: found.population(1.5), "`name` = 1.5, but it must be the name"),
        (lambda found: found.given_degree({"Q": 3.0}), "the only population has no name"),
        (lambda found: found.cdf(np.nan), "`x` must be numbers"),
        (lambda found: found.density([1.0, np.nan]), "`x` must be numbers"),
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
