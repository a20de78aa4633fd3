"""Laws of degrees and their graphs: normalisation, tilts, quadrature, and what cannot be realised."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from strategies import share_of_examples

import fokkerplanck as fp
from fokkerplanck.models.degrees import hermite
from fokkerplanck.models.graphs import connected

shares = st.floats(0.1, 0.9)
correlations = st.floats(-0.95, 0.95)


@st.composite
def continuous_laws(draw):
    r = draw(correlations)
    if draw(st.booleans()):
        mean = draw(st.floats(5.0, 1000.0))
        return fp.GammaDegrees(mean, draw(shares) * mean, draw(shares) * mean, r)
    low = draw(st.floats(1.0, 50.0))
    return fp.PowerLawDegrees(draw(st.floats(0.5, 4.0)), low, low * draw(st.floats(1.5, 20.0)), r)


@share_of_examples(0.3)
@given(continuous_laws())
def test_densities_of_neurons_and_of_in_neighbours_have_mass_one_and_the_stated_means(law):
    t = np.linspace(-8.0, 8.0, 4001)
    k = np.unique(law.in_at(t))
    for density, mean in ((law.in_degree(k), law.mean), (law.in_neighbour(k), law.in_neighbour_mean)):
        assert integrate.simpson(density, x=k) == pytest.approx(1.0, abs=2e-5)
        assert integrate.simpson(k * density, x=k) == pytest.approx(mean, rel=1e-4)


@given(continuous_laws())
def test_the_in_neighbours_shift_with_the_sign_of_the_correlation(law):
    shift = law.in_neighbour_mean - law.mean
    assert shift * law.correlation >= -1e-9 * law.mean
    spread = law.sd * (law.out_sd if isinstance(law, fp.GammaDegrees) else law.sd)
    assert shift == pytest.approx(law.pearson * spread / law.mean, rel=1e-5, abs=1e-8 * law.mean)  # E*[K] − κ = cov/κ


@given(continuous_laws(), st.integers(20, 40))
def test_the_quadrature_gives_mean_and_spread(law, count):
    k, weight, tilt = law.nodes(count)
    assert weight @ k == pytest.approx(law.mean, rel=1e-4)
    assert np.sqrt(weight @ (k - law.mean) ** 2) == pytest.approx(law.sd, rel=3e-3)
    assert weight @ tilt == pytest.approx(1.0, rel=1e-12)


@given(continuous_laws(), st.floats(-5.0, 5.0))
def test_scores_and_degrees_are_inverse(law, score):
    assert law.score(law.in_at(np.array(score))) == pytest.approx(score, abs=1e-6)


def test_numbers_of_the_gamma_law():
    for r, mean in ((0.7, 111.083), (-0.7, 89.457), (0.0, 100.0)):
        assert fp.GammaDegrees(100.0, 40.0, correlation=r).in_neighbour_mean == pytest.approx(mean, abs=1e-3)
    law = fp.GammaDegrees(100.0, 40.0, correlation=0.7)
    many = np.linspace(-4.0, 4.0, 2001)  # so many are interpolated
    np.testing.assert_allclose(law.tilt_at(many)[::20], law.tilt_at(many[::20]), rtol=1e-9)


@pytest.mark.parametrize("law", [fp.PoissonDegrees(80.0), fp.BinomialDegrees(500, 0.2), fp.FixedDegree(7)])
def test_discrete_laws(law):
    k = np.arange(0, 1000)
    assert law.in_degree(k).sum() == pytest.approx(1.0, abs=1e-12)
    assert law.in_degree(k) @ k == pytest.approx(law.mean, rel=1e-12)
    assert law.in_neighbour(k) @ k == pytest.approx(law.in_neighbour_mean, rel=1e-12)
    rule = law.nodes(12)
    assert len(rule.k) <= 12
    for power in (1, 2, 3, 11, 23):
        exact = law.support.weight @ (law.support.k / law.mean) ** power
        assert rule.weight @ (rule.k / law.mean) ** power == pytest.approx(exact, rel=1e-10)


def test_a_table_of_degrees():
    law = fp.TabulatedDegrees([0, 2, 4], [1, 3], [[0.3, 0.0], [0.2, 0.2], [0.0, 0.3]])
    assert law.mean == pytest.approx(2.0)
    np.testing.assert_allclose(law.tilt([0, 2, 4]), [0.5, 1.0, 1.5])
    assert law.in_neighbour([0, 2, 4]).sum() == pytest.approx(1.0)
    K, L = law.sample(4000, seed=1)
    for k, l, p in ((0, 1, 0.3), (2, 3, 0.2), (4, 3, 0.3)):
        assert np.mean((k == K) & (l == L)) == pytest.approx(p, abs=0.03)


@pytest.mark.parametrize("law", [fp.GammaDegrees(40.0, 15.0, correlation=-0.6), fp.PoissonDegrees(30.0)])
def test_graphs_have_the_degrees_drawn_no_loop_and_no_double_synapse(law):
    A = law.graph(300, seed=4)
    assert np.all(A.data == 1.0)
    assert A.diagonal().sum() == 0.0
    A.sum_duplicates()
    assert A.data.max() == 1.0
    assert np.array_equal(np.diff(A.indptr), law.draw(300, np.random.default_rng(4))[0])
    other = law.graph(300, seed=4, senders=200)
    assert other.shape == (300, 200)
    assert (law.graph(300, seed=4) != A).nnz == 0
    assert (law.graph(300, seed=5) != A).nnz > 0


def test_senders_are_met_in_proportion_to_their_propensity():
    law = fp.TabulatedDegrees([2], [1, 3], [[0.5, 0.5]])
    _, L = law.draw(2000, np.random.default_rng(0))
    out = fp.measured_degrees(law.graph(2000, seed=0)).out_degree
    counts = out[L == 3].mean() / out[L == 1].mean()
    assert counts == pytest.approx(3.0, rel=0.1)


@pytest.mark.parametrize("r", [-0.8, 0.0, 0.8])
def test_in_neighbours_on_graphs(r):
    law = fp.GammaDegrees(60.0, 24.0, correlation=r)
    found = fp.measured_degrees(law.graph(1500, seed=3))
    assert abs(found.in_neighbour_mean - law.in_neighbour_mean) < 3.5 * found.in_neighbour_error
    assert found.correlation == pytest.approx(law.pearson, abs=0.08)
    edges = np.array([0.0, 40.0, 60.0, 90.0, 1000.0])
    assert found.in_neighbour_share(edges).sum() == pytest.approx(1.0)
    empirical = fp.TabulatedDegrees.of(law.graph(1500, seed=3))
    assert empirical.in_neighbour_mean == pytest.approx(found.in_neighbour_mean, rel=1e-12)
    assert empirical.mean == pytest.approx(found.in_degree.mean(), rel=1e-12)


def test_dense_graphs_meet_senders_in_proportion_to_their_propensity():
    K = np.tile([50, 100, 150], 80)
    L = np.linspace(20.0, 180.0, 240)
    met = np.zeros(240)
    for seed in range(20):
        met += connected(K, L, np.random.default_rng(seed), own=False).sum(axis=0) / 20
    np.testing.assert_allclose(met, L, atol=4.5 * np.sqrt(240 / 4 / 20))  # without correction: off by 33


def test_a_propensity_that_cannot_be_met_is_told():
    law = fp.TabulatedDegrees([20], [10, 200], [[18 / 19, 1 / 19]])
    with pytest.warns(fp.FokkerPlanckWarning, match="`count`: the propensities ask some neurons for"):
        law.graph(100, seed=1)


def test_small_degrees_keep_their_mean():
    K, _ = fp.GammaDegrees(0.4, 0.2, correlation=0.7).sample(20_000)
    assert K.mean() == pytest.approx(0.4, abs=4.0 * K.std() / np.sqrt(20_000))


def test_a_large_poisson_law_as_a_smooth_one():
    law = fp.PoissonDegrees(400.0)
    x, w = hermite(64)
    k = law.in_at(x)
    assert w @ k == pytest.approx(400.0, rel=1e-5)
    assert np.sqrt(w @ (k - 400.0) ** 2) == pytest.approx(20.0, rel=1e-3)
    np.testing.assert_allclose(law.score(law.in_at(np.array([-3.0, 0.0, 3.0]))), [-3.0, 0.0, 3.0], atol=1e-3)


def test_samples_of_the_gamma_law_pass_a_test_of_fit():
    K, L = fp.GammaDegrees(200.0, 60.0, 30.0, 0.5).sample(2000, seed=2)
    fit = stats.kstest(K + np.random.default_rng(0).uniform(-0.5, 0.5, K.size), stats.gamma(100 / 9, scale=18.0).cdf)
    assert fit.pvalue > 0.01
    assert L.std() == pytest.approx(30.0, rel=0.06)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: fp.GammaDegrees(-1.0, 4.0), "`mean`"),
        (lambda: fp.GammaDegrees(10.0, 0.0), "`sd`.*FixedDegree"),
        (lambda: fp.GammaDegrees(10.0, 3.0, -1.0), "`out_sd`"),
        (lambda: fp.GammaDegrees(10.0, 3.0, correlation=1.5), "`correlation`"),
        (lambda: fp.GammaDegrees(10.0, float("nan")), "`sd` must be finite"),
        (lambda: fp.PowerLawDegrees(2.0, 50.0, 10.0), "`lowest`"),
        (lambda: fp.FixedDegree(0), "`degree`"),
        (lambda: fp.FixedDegree(2.5), "`degree`"),
        (lambda: fp.PoissonDegrees(0.0), "`mean`"),
        (lambda: fp.BinomialDegrees(10, 1.5), "`probability`"),
        (lambda: fp.TabulatedDegrees([1, 2], [1, 2], [[0.5, 0.0], [0.0, 0.4]]), "`probability` has the sum 0.9"),
        (lambda: fp.TabulatedDegrees([1, 2], [1, 2], [[0.0, 0.5], [0.0, 0.5]]), "two ends"),
        (lambda: fp.TabulatedDegrees([1, 2], [1, 2], [[-0.5, 0.5], [0.5, 0.5]]), "nowhere negative"),
        (lambda: fp.TabulatedDegrees([1, 2], [1], [[0.5, 0.5]]), "`probability` has shape"),
        (lambda: fp.TabulatedDegrees([1.5], [1], [[1.0]]), "`k` must be"),
        (lambda: fp.TabulatedDegrees([2, 1], [1], [[0.5], [0.5]]), "`k` must increase"),
        (lambda: fp.FixedDegree(10).graph(10), "`count`: an in-degree of 10"),
        (lambda: fp.TabulatedDegrees([0, 2], [0, 2], [[0.9, 0.0], [0.0, 0.1]]).graph(6, seed=0), "`count`"),
        (lambda: fp.FixedDegree(10).graph(20.5), "`count`"),
        (lambda: fp.FixedDegree(10).graph(20, senders=5), "only 5 neurons"),
        (lambda: fp.measured_degrees(np.ones((2, 3))), "`graph`"),
        (lambda: fp.measured_degrees(np.zeros((2, 2))), "no synapse"),
        (lambda: fp.measured_degrees(np.full((2, 2), np.nan)), "`graph` must be finite"),
        (lambda: fp.TabulatedDegrees([1, np.inf], [1, 3], [[0.4, 0.1], [0.1, 0.4]]), "`k` must be .*finite"),
        (lambda: fp.GammaDegrees(1e300, 1e290), "`mean`"),
        (lambda: fp.GammaDegrees(1.0, 1e-9), "`sd`"),
        (lambda: fp.BinomialDegrees(10**12, 0.5), "`candidates`"),
        (lambda: fp.GammaDegrees(10.0, 3.0, correlation=0.5).tilt(np.nan), "`k` must be"),
        (lambda: fp.PoissonDegrees(10.0).in_degree([1.0, np.nan]), "`k` must be"),
        (lambda: fp.FixedDegree(3).graph(10, seed=-1), "`seed`"),
        (lambda: fp.FixedDegree(3).graph(10, seed="a"), "`seed`"),
    ],
)
def test_refusals(make, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        make()
