"""Spectral elements: exponential convergence, exact mass, the exact Jacobian, in every slot of the model."""

import numpy as np
import pytest
from helpers import system_of

import fokkerplanck as fp
from fokkerplanck.elements import lobatto

DATUM = fp.gaussian(0.0, 0.25)
LINEAR = fp.nnlif(b=0.0)
EXACT = {1.0: 0.125383979484189, 2.0: 0.123001444137345, 4.0: 0.120284789083162}
"""N of the linear problem (a = 1, V_R = 1, V_F = 2) from `DATUM`, by the renewal equation of first-passage times."""
TAU = fp.ExponentialRefractory(0.2)


def solve(model, datum, end, accuracy=1e-8, **more):
    options = {"scheme": fp.Spectral(accuracy), "rtol": accuracy, "atol": 1e-3 * accuracy, "estimate_error": False}
    return fp.solve(model, datum, (0.0, end), save_at=[], **(options | more))


# -- the rule ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [3, 8, 16, 40])
def test_the_rule_is_exact_and_differentiates(p):
    rule = lobatto(p)
    for k in range(2 * p):
        assert rule.w @ rule.x**k == pytest.approx(2.0 / (k + 1) if k % 2 == 0 else 0.0, abs=1e-14)
    k = np.arange(p + 1)
    powers = rule.x[:, None] ** k
    slopes = k * rule.x[:, None] ** np.maximum(k - 1, 0)
    np.testing.assert_allclose(rule.D @ powers, slopes, atol=1e-15 * p**4)
    np.testing.assert_allclose(rule.basis(rule.x), np.eye(p + 1), atol=1e-13)


# -- the grid ---------------------------------------------------------------------------------------------------


def test_a_boundary_lies_between_each_two_nodes():
    for model in (fp.nnlif(b=0.5), fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.05))):
        grid = fp.Spectral(1e-6).grid(model, DATUM)
        assert len(grid.faces) == grid.cells + 1
        assert np.all(grid.faces[1:-1] > grid.v[:-1])
        assert np.all(grid.faces[1:-1] < grid.v[1:])
        assert (grid.faces[0], grid.faces[-1]) == (grid.v_min, grid.v_max)
        assert {grid.V_R, grid.V_F} <= set(grid.edges)


@pytest.mark.parametrize("datum", [DATUM, fp.gaussian(1.5, 0.005), fp.compatible_gaussian(0.0, 0.25)])
def test_a_sample_has_the_moments_of_the_datum(datum):
    elements = fp.Spectral(1e-6).grid(LINEAR, datum)
    cells = LINEAR.grid(8000, v_min=elements.v_min)
    ours, theirs = (fp.State(0.0, grid, grid.sample(datum), 0.0) for grid in (elements, cells))
    for moment in (fp.mass, fp.mean_potential, fp.second_moment):
        assert moment(ours) == pytest.approx(moment(theirs), abs=1e-6)
    assert fp.mass(ours) == pytest.approx(1.0, abs=1e-12)
    inner = slice(0, -1)  # the last node has the mass of V_F as well
    np.testing.assert_allclose(ours.density[inner], datum.value(elements.v[inner], 2.0), atol=1e-5 * ours.density.max())


def test_restriction_conserves_mass_and_mean():
    grid = fp.Spectral(1e-8).grid(LINEAR, DATUM)
    fine = fp.State(0.0, grid, grid.sample(DATUM), 0.0)
    coarse = fine.coarsened()
    assert coarse.grid.degree == 9
    assert fp.mass(coarse) == pytest.approx(fp.mass(fine), abs=1e-14)
    assert fp.mean_potential(coarse) == pytest.approx(fp.mean_potential(fine), abs=1e-10)


def test_a_function_and_an_array_are_data_too():
    grid = fp.Spectral(1e-8).grid(LINEAR, DATUM)
    function = solve(LINEAR, lambda v: np.exp(-2.0 * v**2), 1.0, grid=grid)
    array = np.maximum(grid.sample(DATUM), 0.0)
    assert function.rate[-1] == pytest.approx(EXACT[1.0], rel=1e-8)
    assert solve(LINEAR, array / (array @ grid.width), 1.0, grid=grid).rate[-1] == pytest.approx(EXACT[1.0], rel=1e-8)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"V_R": 0.3}, "inner edges"),
        ({"V_F": 1.7}, "edges above V_R"),
        ({"degree": 2}, "degree"),
        ({"degree": 8.0}, "degree"),
        ({"edges": np.array([0.0, 1.0, 1.0, 2.0])}, "increasing"),
    ],
)
def test_elements_that_do_not_fit_are_refused(change, words):
    good = {"edges": np.array([-3.0, 0.0, 1.0, 2.0]), "degree": 8, "V_R": 1.0}
    assert fp.Elements(**good).cells == 24
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.Elements(**(good | change))


# -- the equations ----------------------------------------------------------------------------------------------

MODELS = {
    "noise": fp.nnlif(b=0.5, a1=0.2),
    "pool": fp.nnlif(b=-2.0, a1=0.1, refractory=TAU),
    "soft": fp.nnlif(b=1.0, a1=0.1, refractory=TAU, threshold=fp.RandomThreshold(0.05)),
    "drift": fp.nnlif(b=0.5, V_R=-1.0, drift=fp.QuadraticDrift()),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_a_solve_inverts_the_derivative_of_the_residual(model):
    scheme = fp.Spectral(degree=6)
    grid = fp.Elements([-4.0, model.V_R, 1.5, 2.0] + ([] if model.threshold.absorbing else [3.0]), 6, model.V_R, 2.0)
    density = grid.sample(fp.compatible_gaussian(0.3, 0.5))
    system, y = system_of(model, grid, density, refractory=0.1, scheme=scheme)
    shift = 7.0
    jacobian = np.empty((y.size, y.size))
    for j in range(y.size):
        h = np.zeros(system.shape)
        h[j] = 1e-6
        plus, minus = (system.residual(z, 0.0, np.empty(system.shape)).copy() for z in (y + h, y - h))
        jacobian[:, j] = (plus - minus)[:, 0] / 2e-6
    matrix = shift * np.diag(np.append(np.ones(y.size - 1), 0.0)) - jacobian
    rhs = np.random.default_rng(1).normal(size=system.shape)
    if model.refractory.mean_duration == 0.0:
        rhs[-2] = 0.0
    system.factor(y, 0.0, shift)
    found = system.solve(rhs.copy())
    expected = np.linalg.solve(matrix, rhs)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-8 * np.max(np.abs(expected)))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_what_leaves_the_density_is_the_rate(model):
    grid = fp.Spectral(1e-6).grid(model)
    datum = fp.compatible_gaussian(0.3, 0.5) if model.threshold.absorbing else fp.gaussian(0.3, 0.5)
    system, y = system_of(model, grid, grid.sample(datum), refractory=0.1, scheme=fp.Spectral())
    out = system.residual(y, 0.0, np.empty(system.shape))
    assert abs(out[-1, 0]) < 1e-10 * y[-1, 0]
    assert grid.width @ out[:-2, 0] + out[-2, 0] == pytest.approx(0.0, abs=1e-11 * y[-1, 0])


# -- the answers ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The density went down")
def test_the_error_falls_exponentially_with_the_degree():
    datum, edges = fp.compatible_gaussian(0.0, 0.5), np.append(np.arange(-8.0, 1.5, 1.0), [1.5, 1.8, 2.0])
    best, *rates = (
        solve(LINEAR, datum, 1.0, 1e-10, grid=fp.Elements(edges, degree, 1.0)).rate[-1] for degree in (12, 3, 4, 6)
    )
    errors = np.abs(np.array(rates) / best - 1.0)
    assert np.all(errors[1:] < 0.1 * errors[:-1])
    assert errors[-1] < 1e-8


@pytest.mark.parametrize("accuracy", [1e-4, 1e-6, 1e-8])
def test_the_linear_problem(accuracy):
    sol = solve(LINEAR, DATUM, 4.0, accuracy)
    for t, N in EXACT.items():
        assert sol.rate_at(t) == pytest.approx(N, rel=accuracy)
    assert sol.quality.mass_error < 1e-13


GOLDEN = [
    (fp.nnlif(b=1.5), DATUM, {0.5: 0.129229034650, 2.0: 0.183395601326}),
    (fp.nnlif(b=-10.0), DATUM, {0.5: 0.061162177332}),
    (fp.nnlif(b=0.5, refractory=TAU), DATUM, {1.0: 0.128344213243}),
    (fp.nnlif(b=0.5, a1=0.1), fp.compatible_gaussian(0.0, 0.25), {1.0: 0.129271225277}),
]
"""N at some times, from finite volumes on grids up to 12800 cells, extrapolated."""


@pytest.mark.parametrize(("model", "datum", "rates"), GOLDEN)
def test_golden_rates(model, datum, rates):
    sol = solve(model, datum, max(rates))
    for t, N in rates.items():
        assert sol.rate_at(t) == pytest.approx(N, rel=1e-8)
    assert sol.quality.mass_error < 1e-13


def test_the_pool_has_its_golden_mass():
    assert solve(GOLDEN[2][0], DATUM, 1.0).refractory[-1] == pytest.approx(0.024274552475, rel=1e-8)


def test_the_first_moment_decays_exactly_where_coupling_and_reset_cancel():
    sol = solve(fp.nnlif(b=1.0), DATUM, 1.0, monitors={"mean": fp.mean_potential})
    mean = sol.records["mean"]
    np.testing.assert_allclose(mean.value, mean.value[0] * np.exp(-mean.t), atol=1e-9)


@pytest.mark.parametrize(
    "model",
    [
        fp.nnlif(b=0.5, refractory=fp.FixedRefractory(0.2)),
        fp.nnlif(b=-5.0, delay=0.3),
        fp.nnlif(b=0.5, V_R=-1.0, drift=fp.QuadraticDrift()),
        fp.nnlif(b=0.5, external=lambda t: np.sin(3.0 * t)),
        fp.nnlif(b=2.0, refractory=TAU, threshold=fp.RandomThreshold(0.05)),
        fp.nnlif(b=0.5, threshold=fp.SoftThreshold(lambda v: np.exp(4.0 * (v - 2.0)))),
    ],
    ids=["fixed", "delay", "drift", "external", "random", "soft"],
)
def test_finite_volumes_agree(model):
    datum, span = fp.compatible_gaussian(0.0, 0.25), (0.0, 1.0)
    sol = fp.solve(model, datum, span, scheme=fp.Spectral(1e-6), save_at=[1.0])
    cells = model.grid(800, v_min=sol.grid.v_min, finest=2e-3, t_span=span, v_max=sol.grid.v_max)
    other = fp.solve(model, datum, span, cells, save_at=[1.0], estimate_error=False)
    assert sol.rate[-1] == pytest.approx(other.rate[-1], rel=1e-4)
    assert np.interp(0.3, sol.v, sol.density[-1]) == pytest.approx(np.interp(0.3, cells.v, other.density[-1]), rel=2e-3)
    assert sol.error_estimate < 1e-4
    assert sol.quality.mass_error < 1e-12


def test_the_blow_up_time_of_a_concentrated_datum():
    sol = solve(fp.nnlif(b=1.5), fp.gaussian(1.5, 0.005), 1.0, 1e-6)
    assert sol.status is fp.Status.BLOW_UP
    assert sol.blow_up.time == pytest.approx(0.0401847775, rel=1e-6)
    assert sol.quality.smallest_density > -1e-4 * sol.final.density.max()


# -- as part of the package -------------------------------------------------------------------------------------


def test_a_state_on_elements_goes_on_without_naming_the_scheme(tmp_path):
    half = fp.solve(LINEAR, DATUM, (0.0, 1.0), scheme=fp.Spectral(), rtol=1e-8, atol=1e-11, estimate_error=False)
    half.save(tmp_path / "half.nc")
    loaded = fp.load(tmp_path / "half.nc")
    assert repr(loaded.grid) == repr(half.grid)
    assert np.array_equal(loaded.grid.v, half.grid.v)
    rest = fp.solve(LINEAR, loaded.final, (1.0, 2.0), rtol=1e-8, atol=1e-11, estimate_error=False)
    assert rest.settings["scheme"] == repr(fp.Spectral())
    assert rest.rate[-1] == pytest.approx(EXACT[2.0], rel=1e-8)


def test_the_error_estimate_covers_the_error():
    sol = fp.solve(LINEAR, DATUM, (0.0, 4.0), scheme=fp.Spectral(1e-5), rtol=1e-5, atol=1e-8)
    error = max(abs(float(sol.rate_at(t)) / N - 1.0) for t, N in EXACT.items())
    assert error < sol.error_estimate < 1e-4


@pytest.mark.parametrize(
    ("model", "options", "words"),
    [
        (LINEAR, {"grid": LINEAR.grid(50)}, r"Spectral\(\).grid\(model\)"),
        (LINEAR, {"grid": fp.Spectral().grid(LINEAR), "scheme": fp.Central()}, r"fp.Spectral\(\)"),
        (fp.nnlif(b=0.0, a0=0.0), {}, r"fp.Upwind\(\)"),
        (fp.nnlif(b=0.0, V_F=2.5), {"grid": fp.Spectral().grid(LINEAR)}, "threshold"),
        (LINEAR, {"grid": fp.Spectral().grid(LINEAR), "stepper": fp.Rodas5P}, "stepper"),
    ],
)
def test_what_does_not_fit_is_refused(model, options, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        fp.solve(model, DATUM, (0.0, 1.0), **({"scheme": fp.Spectral()} | options))


@pytest.mark.parametrize("wrong", [{"accuracy": 0.0}, {"accuracy": 2.0}, {"degree": 100}, {"degree": 7.5}])
def test_the_scheme_refuses_what_it_cannot_do(wrong):
    with pytest.raises(fp.InvalidArgument):
        fp.Spectral(**wrong)
