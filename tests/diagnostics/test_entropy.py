"""Relative entropy: exact values, the discrete identity, and decay under the structure-preserving stepper."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import grids, models

import fokkerplanck as fp

FUNCTIONS = [fp.Quadratic(), fp.Logarithmic(), fp.Absolute()]
every_function = pytest.mark.parametrize("H", FUNCTIONS, ids=lambda H: type(H).__name__)
MODEL = fp.nnlif(b=0.0)
GRID = MODEL.grid(100, v_min=-5.0)


@every_function
def test_a_convex_function_is_convex_and_vanishes_at_one(H):
    x, y = np.random.default_rng(0).uniform(1e-3, 5.0, (2, 1000))
    assert H(np.ones(1)) == 0.0
    assert np.all(H(0.5 * (x + y)) <= 0.5 * (H(x) + H(y)) + 1e-15)
    general = H(x) - H(y) - H.slope(y) * (x - y)
    np.testing.assert_allclose(H.bregman(x, y), general, atol=1e-14)


def test_the_bregman_distance_does_not_cancel():
    y, rise = 0.3, 1e-7
    expected = 0.5 * rise**2 / y - rise**3 / (6 * y**2)
    assert fp.Logarithmic().bregman(np.array(y + rise), np.array(y)) == pytest.approx(expected, rel=1e-8)
    assert fp.Logarithmic().bregman(np.array(0.0), np.array(y)) == pytest.approx(y)


def test_the_absolute_entropy_is_the_l1_distance():
    P = fp.discrete_stationary(MODEL, GRID)
    state = fp.solve(MODEL, fp.gaussian(0.0, 0.25), (0.0, 0.1), grid=GRID).final
    assert fp.relative_entropy(state, P, fp.Absolute()) == pytest.approx(
        np.abs(state.density - P.density) @ GRID.width, rel=1e-12
    )


@every_function
@given(model=models(), data=st.data())
def test_the_identity_holds_exactly_in_the_linear_equation(H, model, data):
    model = fp.Population(
        model.drift,
        fp.nnlif(b=0.0, a0=model.noise.a0).noise,
        model.threshold,
        model.reset,
        model.refractory,
        MODEL.coupling,
    )
    grid = data.draw(grids(model))
    P = fp.discrete_stationary(model, grid)
    tilt = data.draw(st.floats(0.0, 0.9))
    bent = P.density * (1.0 + tilt * np.sin(3.0 * grid.v))
    pool = P.refractory * (1.0 - tilt)
    state = fp.State(0.0, grid, bent, P.rate * (1.0 + tilt * np.sin(3.0 * grid.v[-1])), pool)
    balance = fp.entropy_balance(model, state, P, H=H)
    assert min(balance.diffusion, balance.jump) >= -1e-15 * (abs(balance.change) + 1.0)
    assert abs(balance.coupling) <= 1e-10 * (balance.diffusion + balance.jump) + 1e-13


def test_the_stationary_state_of_the_scheme_stays():
    model = fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.3))
    P = fp.discrete_stationary(model, GRID)
    assert fp.mass(P) == pytest.approx(1.0, abs=1e-12)
    after = fp.solve(model, P, (0.0, 5.0), stepper=fp.BackwardEuler(0.1)).final
    np.testing.assert_allclose(after.density, P.density, rtol=1e-10, atol=1e-13)


def test_another_grid_is_refused():
    with pytest.raises(fp.InvalidArgument, match="same grid"):
        fp.relative_entropy(fp.discrete_stationary(MODEL, MODEL.grid(50)), fp.discrete_stationary(MODEL, GRID))


@pytest.mark.parametrize(
    ("laws", "named"),
    [({"delay": 0.2}, "transmission delay"), ({"refractory": fp.FixedRefractory(0.2)}, "fixed refractory time")],
)
def test_a_model_that_looks_back_has_no_balance(laws, named):
    model = fp.nnlif(b=0.0, **laws)
    P = fp.discrete_stationary(model, GRID)
    with pytest.raises(fp.InvalidArgument, match=f"{named}.* use a model"):
        fp.entropy_balance(model, P, P)


def test_cells_without_stationary_density_are_left_out():
    """Far below, the Gaussian tail underflows; what a run or rounding puts there is neither NaN nor a warning."""
    grid = MODEL.grid(600, v_min=-60.0)
    P = fp.stationary_states(MODEL)[0].state(grid)
    assert P.density[0] == 0.0
    bent = P.density * (1.0 + 0.5 * np.sin(3.0 * grid.v))
    for rest in (0.0, 1e-300):
        state = fp.State(0.0, grid, bent + rest * (P.density == 0.0), P.rate, 0.0)
        balance = fp.entropy_balance(MODEL, state, P)
        assert 0.01 < fp.relative_entropy(state, P) < 0.1
        assert balance.diffusion > 0.01
        assert np.isfinite([balance.change, balance.jump, balance.coupling]).all()
