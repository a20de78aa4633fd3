"""What every flux scheme promises, for every class in FLUX_SCHEMES."""

import functools

import numpy as np
import pytest
from helpers import orders

import fokkerplanck as fp
from fokkerplanck.grid import Grid
from fokkerplanck.models.coupling import MeanFieldCoupling
from fokkerplanck.models.noise import ActivityNoise
from fokkerplanck.models.population import Population
from fokkerplanck.models.refractory import NoRefractory
from fokkerplanck.models.reset import FixedReset
from fokkerplanck.models.threshold import HardThreshold
from fokkerplanck.operators.schemes import FLUX_SCHEMES

every_scheme = pytest.mark.parametrize("scheme", [cls() for cls in FLUX_SCHEMES.values()], ids=FLUX_SCHEMES.keys())
UNCONDITIONAL = [name for name, cls in FLUX_SCHEMES.items() if cls.positive == np.inf]
every_positive_scheme = pytest.mark.parametrize(
    "scheme", [FLUX_SCHEMES[name]() for name in UNCONDITIONAL], ids=UNCONDITIONAL
)
BOUNDED = [name for name, cls in FLUX_SCHEMES.items() if cls.bound < np.inf]
every_bounded_scheme = pytest.mark.parametrize("scheme", [FLUX_SCHEMES[name]() for name in BOUNDED], ids=BOUNDED)

PECLET = np.concatenate([-np.logspace(4, -9, 53), [0.0], np.logspace(-9, 4, 53)])
KAPPA = np.array([[1e-6], [0.7], [3e5]])
MU = PECLET * KAPPA


# -- the weight, as a function ----------------------------------------------------------------------------------


@every_scheme
def test_the_two_weights_of_a_face_are_those_of_opposite_drifts(scheme):
    left, right = scheme.weight(MU, KAPPA), scheme.weight(-MU, KAPPA)
    error = np.abs(scheme.opposite(left, MU, KAPPA) - right)
    np.testing.assert_array_less(error, 1e-15 * (KAPPA + np.abs(MU)))


@every_scheme
def test_the_two_weights_of_a_face_differ_by_the_drift(scheme):
    left, right = scheme.weight(MU, KAPPA), scheme.weight(-MU, KAPPA)
    # What is bounded follows the drift to third order in the Péclet number: 2 tanh(x/2) is x − x³/12 + …
    allowed = 0.0 if scheme.bound == np.inf else np.abs(PECLET) ** 3 / 12.0 * KAPPA
    np.testing.assert_array_less(np.abs(right - left - MU), 1e-15 * (KAPPA + np.abs(MU)) + allowed)


@every_bounded_scheme
def test_a_bounded_weight_carries_no_more_than_its_bound(scheme):
    weight = scheme.weight(MU, KAPPA)
    assert np.all(weight <= scheme.bound * KAPPA)
    np.testing.assert_allclose(weight[:, :3], scheme.bound * np.broadcast_to(KAPPA, weight.shape)[:, :3], rtol=1e-14)


def test_one_scheme_is_bounded():
    assert BOUNDED == ["harmonic-mean"]
    with np.errstate(over="ignore"):
        unbounded = [
            cls().weight(np.array([-1e9]), np.ones(1)) for name, cls in FLUX_SCHEMES.items() if name not in BOUNDED
        ]
    assert np.all(np.array(unbounded) > 1e8)


@every_scheme
def test_a_constant_density_without_drift_has_no_flux(scheme):
    zero = np.zeros(1)
    assert scheme.weight(zero, KAPPA[1]) == pytest.approx(KAPPA[1], rel=1e-15)


@every_scheme
def test_the_weight_is_homogeneous_of_degree_one(scheme):
    scaled = scheme.weight(3.7 * MU, 3.7 * KAPPA)
    np.testing.assert_allclose(scaled, 3.7 * scheme.weight(MU, KAPPA), rtol=1e-11, atol=1e-300)


@every_scheme
def test_the_slope_is_the_derivative_of_the_weight(scheme):
    x = np.concatenate([-np.logspace(2, -2, 60), np.logspace(-2, 2, 60)])
    h = 1e-3 * np.minimum(1.0, np.abs(x))  # never across the kink of upwind

    def weight(y):
        return scheme.weight(3.0 * y, np.full_like(y, 3.0)) / 3.0

    by_differences = (8 * (weight(x + h) - weight(x - h)) - (weight(x + 2 * h) - weight(x - 2 * h))) / (12 * h)
    slope = scheme.slope(3.0 * x, np.full_like(x, 3.0))
    np.testing.assert_allclose(slope, by_differences, rtol=0, atol=1e-9)


@every_scheme
def test_the_slope_by_the_diffusion_is_the_derivative_of_the_weight(scheme):
    x = np.concatenate([-np.logspace(2, -2, 60), np.logspace(-2, 2, 60)])
    kappa, h = np.full_like(x, 3.0), 1e-3
    # With x = μ/κ fixed at the middle, κ itself changes by a factor.
    values = {s: scheme.weight(3.0 * x, kappa * (1.0 + s * h)) for s in (-2, -1, 1, 2)}
    by_differences = (8 * (values[1] - values[-1]) - (values[2] - values[-2])) / (12 * 3.0 * h)
    np.testing.assert_allclose(scheme.conductance_slope(3.0 * x, kappa), by_differences, rtol=0, atol=1e-7)


@every_scheme
def test_the_slopes_of_the_two_weights_are_those_of_opposite_drifts(scheme):
    mu, zero, one = np.delete(MU, PECLET == 0.0, axis=1), np.zeros(1), np.ones(1)
    by_drift = scheme.opposite(scheme.slope(mu, KAPPA), one, zero)
    np.testing.assert_allclose(-scheme.slope(-mu, KAPPA), by_drift, atol=1e-12)
    by_diffusion = scheme.opposite(scheme.conductance_slope(mu, KAPPA), zero, one)
    np.testing.assert_allclose(scheme.conductance_slope(-mu, KAPPA), by_diffusion, atol=1e-12)


@every_scheme
def test_the_slopes_of_the_two_weights_differ_by_one(scheme):
    mu, peclet = np.delete(MU, PECLET == 0.0, axis=1), PECLET[PECLET != 0.0]
    allowed = 0.0 if scheme.bound == np.inf else peclet**2 / 4.0  # the derivative of x³/12
    gap = -scheme.slope(-mu, KAPPA) - scheme.slope(mu, KAPPA) - 1.0
    np.testing.assert_array_less(np.abs(gap), 1e-12 + np.broadcast_to(allowed, gap.shape))


@every_scheme
def test_the_slope_has_no_step_where_its_formula_changes(scheme):
    x = np.array([-1e-3, 1e-3])
    before, after = (scheme.slope(x * factor, np.ones(2)) for factor in (1 - 1e-9, 1 + 1e-9))
    np.testing.assert_allclose(before, after, atol=1e-10)


DRIFTS = np.array([-1e3, -2.0, -1e-3, 1e-3, 2.0, 1e3])


@every_positive_scheme
@pytest.mark.parametrize("kappa", [1e-100, 0.0])
def test_the_weight_for_a_vanishing_diffusion_is_upwind_or_bounded(scheme, kappa):
    mu = np.append(DRIFTS, 0.0)
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        weight = scheme.weight(mu, np.full_like(mu, kappa))
    upwind = np.maximum(-mu, 0.0)
    limit = upwind if scheme.bound == np.inf else np.minimum(upwind, scheme.bound * kappa)
    np.testing.assert_allclose(weight, limit, rtol=1e-15, atol=1e-99)


@every_positive_scheme
@pytest.mark.parametrize("kappa", [3e-11, 1e-100, 0.0])
def test_the_slope_for_a_vanishing_diffusion_is_upwind_or_zero(scheme, kappa):
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        slope = scheme.slope(DRIFTS, np.full_like(DRIFTS, kappa))
    limit = np.where((DRIFTS < 0) & (scheme.bound == np.inf), -1.0, 0.0)
    np.testing.assert_allclose(slope, limit, atol=1e-12)


@every_scheme
def test_the_weights_are_positive_within_the_claimed_range(scheme):
    peclet = PECLET[np.abs(PECLET) <= scheme.positive]
    assert np.all(scheme.weight(peclet, np.ones_like(peclet)) >= 0.0)
    assert scheme.weight(np.array([-1.0]), np.ones(1)) > 0.0


def test_central_is_negative_beyond_its_range():
    scheme = fp.Central()
    assert scheme.weight(np.array([1.001 * scheme.positive]), np.ones(1)) < 0.0
    assert scheme.weight(np.array([scheme.positive]), np.ones(1)) == 0.0


@every_scheme
def test_a_scheme_says_where_it_comes_from(scheme):
    assert scheme.order in (1, 2)
    assert any(year.isdigit() for year in scheme.reference.replace("(", " ").replace(")", " ").split())


# -- Chang–Cooper is Scharfetter–Gummel with another average of the drift ----------------------------------------


def cubic(v):
    return -v - 0.3 * v**3


def with_drift(drift):
    return Population(
        drift, ActivityNoise(1.0), HardThreshold(2.0), FixedReset(1.0), NoRefractory(), MeanFieldCoupling(0.5)
    )


def final_rate(model, cells, scheme):
    grid = model.grid(cells, v_min=-5.0, finest=0.2 / cells)
    options = {"rtol": 1e-9, "atol": 1e-12, "estimate_error": False}
    return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.3), grid, scheme, **options).rate[-1]


def test_chang_cooper_equals_scharfetter_gummel_for_the_leak():
    model = fp.nnlif(b=0.5)
    chang_cooper, scharfetter_gummel = (
        final_rate(model, 64, scheme) for scheme in (fp.ChangCooper(), fp.ScharfetterGummel())
    )
    assert chang_cooper == pytest.approx(scharfetter_gummel, rel=1e-12)


def test_chang_cooper_differs_for_a_nonlinear_drift_and_has_the_same_limit():
    model = with_drift(cubic)
    gap = [
        abs(final_rate(model, cells, fp.ChangCooper()) - final_rate(model, cells, fp.ScharfetterGummel()))
        for cells in (64, 128, 256)
    ]
    assert gap[0] > 1e-6
    assert orders(gap)[-1] == pytest.approx(2.0, abs=0.1)


# -- order in the cell width ------------------------------------------------------------------------------------

T = 0.5
CASES = {  # N(0.5) from a discretisation of another kind (hp finite elements), Gaussian(0, 0.25)
    "linear": (fp.nnlif(b=0.0), 0.111243073935),
    "nonlinear": (fp.nnlif(b=0.5), 0.116563117302),
    "refractory": (fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), 0.110743052886),
}
FINEST = 2048


@functools.cache
def finest_faces(kind):
    """Coarser grids take every 2nd, 4th, ... face of this one, so that their cell averages can be compared."""
    if kind == "uniform":
        return np.linspace(-6.0, 2.0, FINEST + 1)
    # Widths grow as 1 + 6 (2 − v), by 49 in all; half of the cells lie above V_R = 1, as ln 7 is half of ln 49.
    faces = 2.0 - np.expm1(np.linspace(np.log(49.0), 0.0, FINEST + 1)) / 6.0
    faces[FINEST // 2] = 1.0
    return faces


def final_state(kind, model, cells, scheme):
    grid = Grid(finest_faces(kind)[:: FINEST // cells], 1.0)
    options = {"rtol": 1e-8, "atol": 1e-11, "estimate_error": False}
    return fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, T), grid, scheme, **options).final


@functools.cache
def fine_masses(kind, case):
    fine = final_state(kind, CASES[case][0], FINEST, fp.ScharfetterGummel())
    return fine.density * fine.grid.width


@pytest.mark.parametrize("kind", ["uniform", "graded"])
@pytest.mark.parametrize("case", CASES)
@every_scheme
def test_order_in_the_cell_width(scheme, case, kind):
    model, exact_rate = CASES[case]
    rate_errors, density_errors = [], []
    for cells in (128, 256):
        state = final_state(kind, model, cells, scheme)
        masses = fine_masses(kind, case).reshape(cells, -1).sum(axis=1)
        rate_errors.append(abs(state.rate - exact_rate))
        density_errors.append(np.sum(np.abs(state.density * state.grid.width - masses)))
    assert orders(rate_errors) == pytest.approx(scheme.order, abs=0.06)
    assert orders(density_errors) == pytest.approx(scheme.order, abs=0.06)


@every_scheme
def test_the_pair_of_weights_is_as_accurate_as_each_alone(scheme):
    mu = np.concatenate([-np.geomspace(1e-6, 30.0, 60), [0.0], np.geomspace(1e-6, 30.0, 60)])
    kappa = np.full_like(mu, 1.0)
    right, left = scheme.pair(mu, kappa)
    np.testing.assert_allclose(left, scheme.weight(mu, kappa), rtol=1e-13)
    # W(−μ) as W(μ) + μ would have lost ten digits for a drift against the flux.
    np.testing.assert_allclose(right, scheme.weight(-mu, kappa), rtol=1e-13)


@pytest.mark.parametrize("scheme", [fp.ScharfetterGummel(), fp.ChangCooper()])
@pytest.mark.parametrize("mu", [0.0, 5e-324, -1e-310, 1e-250])
def test_a_drift_too_small_to_be_divided_is_none(scheme, mu):
    mu, kappa = np.array([mu]), np.array([1e6])
    assert scheme.weight(mu, kappa) == pytest.approx(1e6, rel=1e-15)
    assert scheme.slope(mu, kappa) == pytest.approx(-0.5, rel=1e-15)
    assert scheme.conductance_slope(mu, kappa) == pytest.approx(1.0, rel=1e-15)
