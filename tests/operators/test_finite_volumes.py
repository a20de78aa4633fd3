"""The semi-discrete equations: the rate is the flux, the closure has the right root, mass goes where it should."""

import math

import numpy as np
import pytest
from helpers import system_of
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.optimize import brentq
from strategies import any_models, between, decades, densities, grids, problems

import fokkerplanck as fp
from fokkerplanck.interpolation import RateHistory
from fokkerplanck.models.wiring import Inputs
from fokkerplanck.operators.schemes import FLUX_SCHEMES

schemes = st.sampled_from([cls() for cls in FLUX_SCHEMES.values()])
MODEL = fp.nnlif(b=0.5, a1=0.1, refractory=fp.ExponentialRefractory(0.2))
GRID = MODEL.grid(40, v_min=-3.0, finest=0.01)


# -- the rate is the flux ---------------------------------------------------------------------------------------


@given(st.data(), schemes, decades(1e-5, 10.0))
def test_the_rate_is_what_a_step_takes_away_at_the_threshold(data, scheme, dt):
    model, grid, density = data.draw(problems())
    system = scheme.discretize(model, grid)
    system.remember(RateHistory(np.array([-1e3, 0.0]), np.full(2, 0.2)))
    old = system.pack(density, 0.0)
    old[-1] = 0.3
    system.begin(old, 0.0)
    new = system.implicit_step(old, dt, dt)
    assume(np.all(np.isfinite(new)))
    lost = float(grid.width @ (old[:-2, 0] - new[:-2, 0]))
    tau = model.refractory.mean_duration
    if isinstance(model.refractory, fp.FixedRefractory):  # who fired at the rate 0.2, and at N⁺ once dt is longer
        returned = 0.2 * min(dt, tau) + float(new[-1, 0]) * max(dt - tau, 0.0)
    else:
        returned = dt * float(new[-2, 0]) / tau if tau else dt * float(new[-1, 0])
    assert lost + returned == pytest.approx(dt * float(new[-1, 0]), rel=1e-12, abs=1e-13)


def test_the_rate_converges_to_the_slope_at_the_threshold():
    # a ∂v n at V_F = 2 of n = (2 − v) exp(−2 v²)/Z, where the drift does not matter because n vanishes
    datum = fp.compatible_gaussian(0.0, 0.25)
    slope = -(datum.value(np.array([2.0]), 2.0) - datum.value(np.array([2.0 - 1e-6]), 2.0))[0] / 1e-6
    model = fp.nnlif(b=0.0, a0=0.7)
    rates = np.array([system_of(model, model.grid(cells, v_min=-3.0))[1][-1, 0] for cells in (1000, 4000)])
    errors = np.abs(rates / (0.7 * slope) - 1.0)
    assert errors[1] < 0.01
    assert errors[1] == pytest.approx(errors[0] / 4, rel=0.1)  # half a cell from V_F; second order once n'' has settled


def test_the_algebraic_row_is_the_flux_minus_the_rate():
    system, y = system_of(MODEL, GRID)
    out = np.empty(system.shape)
    right, _ = system.weights(system.inputs_at(y[-1], 0.0))
    assert abs(system.residual(y, 0.0, out)[-1, 0]) < 1e-15
    y[-1] += 0.25
    right, _ = system.weights(system.inputs_at(y[-1], 0.0))
    assert system.residual(y, 0.0, out)[-1, 0] == pytest.approx(right[-1, 0] * y[-3, 0] - y[-1, 0], rel=1e-14)


def test_nothing_flows_through_the_lower_end_and_nothing_comes_back_over_the_threshold():
    system, y = system_of(MODEL, GRID)
    right, left = system.weights(system.inputs_at(y[-1], 0.0))
    assert right[0, 0] == left[0, 0] == left[-1, 0] == 0.0
    assert right[-1, 0] > 0.0


# -- the closure ------------------------------------------------------------------------------------------------


def flux_at_threshold(system, y, rate):
    right, _ = system.weights(system.inputs_at(np.array([rate]), 0.0))
    return float(right[-1, 0] * y[-3, 0])


@given(
    between(-3.0, 5.0),
    st.just(0.0) | between(0.01, 1.0),
    decades(1e-3, 3.0),
    st.sampled_from([0.0, 0.1, 3.0, 1e3]),
    schemes,
)
def test_close_finds_the_smallest_root_or_says_that_there_is_none(b, a1, last, guess, scheme):
    model = fp.nnlif(b=b, a1=a1)
    system = scheme.discretize(model, model.grid(20, v_min=-3.0, finest=0.05))
    y = np.full(system.shape, last)
    y[-1] = guess
    before = y.copy()
    closed = system.close(y, 0.0)

    rates = np.concatenate([[0.0], np.logspace(-6, 9, 4000)])
    excess = system.weights(Inputs(b * rates, 1.0 + a1 * rates))[0][-1] * last - rates
    assume(np.min(np.abs(excess[1:] / rates[1:])) > 1e-4 or np.any(excess < 0.0))  # not a double root by a hair
    if np.any(excess <= 0.0):
        k = int(np.argmax(excess <= 0.0))
        root = brentq(lambda n: flux_at_threshold(system, y, n) - n, rates[k - 1], rates[k], xtol=1e-300, rtol=1e-14)
        assert closed
        assert y[-1, 0] == pytest.approx(root, rel=1e-9)
        assert np.array_equal(y[:-1], before[:-1])
    else:
        assert not closed
        assert np.array_equal(y, before)


def test_close_without_activity_dependence_is_the_flux():
    system, y = system_of(fp.nnlif(b=0.0), fp.nnlif(b=0.0).grid(20))
    assert y[-1, 0] == pytest.approx(flux_at_threshold(system, y, 0.0), rel=1e-15)


def test_close_keeps_an_empty_last_cell_silent():
    system = fp.ScharfetterGummel().discretize(MODEL, GRID)
    y = system.pack(np.zeros(GRID.cells), 0.0)
    assert system.close(y, 0.0)
    assert y[-1, 0] == 0.0


# -- time and activity ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("refractory", [None, fp.ExponentialRefractory(0.2)])
def test_the_time_derivative_is_that_of_the_residual(refractory):
    model = fp.nnlif(b=0.5, external=lambda t: math.sin(2.0 * t), refractory=refractory)
    system, y = system_of(model, model.grid(40, v_min=-3.0), refractory=0.1 if refractory else 0.0, t=0.7)
    h = 1e-3
    far, near = (
        system.residual(y, 0.7 + s * h, np.empty(system.shape))
        - system.residual(y, 0.7 - s * h, np.empty(system.shape))
        for s in (2.0, 1.0)
    )
    derivative = system.time_derivative(y, 0.7, dt=0.1)
    np.testing.assert_allclose(derivative, (8 * near - far) / (12 * h), rtol=0, atol=1e-8 * np.max(np.abs(derivative)))


def test_an_equation_without_time_has_no_time_derivative():
    system, y = system_of(MODEL, GRID)
    assert system.time_derivative(y, 0.0, dt=0.1) is None


def test_the_current_is_asked_for_within_the_run_only():
    asked = []

    def external(t):
        asked.append(t)
        return math.sqrt(t) + math.sqrt(0.1 - t)  # undefined before the start and after the end

    model = fp.nnlif(b=0.5, external=external)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.1), model.grid(40, v_min=-6.0))
    assert sol.status is fp.Status.FINISHED
    assert min(asked) == 0.0
    assert max(asked) == 0.1


def test_peclet_is_the_largest_drift_over_conductance():
    model = fp.nnlif(b=0.0)
    grid = model.grid(50, v_min=-3.0)
    system, y = system_of(model, grid)
    faces = np.append(grid.faces[1:-1], grid.V_F - grid.width[-1] / 4)
    distances = np.append(np.diff(grid.v), grid.width[-1] / 2)
    assert system.peclet(y, 0.0)[0] == pytest.approx(np.max(np.abs(faces) * distances), rel=1e-13)


# -- mass -------------------------------------------------------------------------------------------------------


@given(st.data())
def test_a_deposit_has_mass_one_and_mean_at_the_reset(data):
    model = data.draw(any_models())
    grid = data.draw(grids(model))
    cells, shares = grid.deposit(model.V_R)
    assert cells[1] == cells[0] + 1
    assert np.all(shares > 0.0)
    assert np.sum(shares) == pytest.approx(1.0, rel=1e-15)
    assert shares @ grid.v[cells] == pytest.approx(model.V_R, abs=1e-12 * (1.0 + abs(model.V_R)))
    assert grid.faces[cells[1]] == model.V_R


@given(st.data())
def test_mass_is_that_of_the_cells_and_of_the_pool(data):
    model = data.draw(any_models())
    grid = data.draw(grids(model))
    density = data.draw(densities(grid))
    system = fp.ScharfetterGummel().discretize(model, grid)
    assert system.mass(system.pack(0.75 * density, 0.25))[0] == pytest.approx(1.0, rel=1e-14)


def test_a_state_is_packed_and_unpacked_without_loss():
    system, y = system_of(MODEL, GRID, refractory=0.125)
    state = system.unpack(y, 0.5)
    assert (state.t, state.refractory, state.rate) == (0.5, 0.125, y[-1, 0])
    assert np.array_equal(system.pack(state.density, state.refractory)[:-1], y[:-1])
    state.density[:] = 0.0  # a copy: the state outlives the buffers of the run
    assert y[:-2].max() > 0.0


def test_the_tail_estimates_the_mass_below_the_grid():
    model = fp.nnlif(b=0.0)
    stationary = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 20.0), model.grid(400), rtol=1e-8).final
    below = float(
        stationary.density[stationary.grid.faces[1:] <= -3.0] @ stationary.grid.width[stationary.grid.faces[1:] <= -3.0]
    )
    with pytest.warns(fp.FokkerPlanckWarning, match="lower v_min"):
        cut = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 20.0), model.grid(200, v_min=-3.0), rtol=1e-8)
    assert below / 3 < cut.quality.truncated_mass < 3 * below


@pytest.mark.parametrize("last", np.linspace(0.01, 1.5, 30))
@pytest.mark.parametrize("scheme", [fp.HarmonicMean(), fp.ScharfetterGummel(), fp.Upwind()])
def test_a_rate_is_found_exactly_where_there_is_one(scheme, last):
    model = fp.nnlif(b=3.0)
    system = scheme.discretize(model, model.grid(100, v_min=-4.0))
    y = system.pack(np.full(system.cells, last))
    scan = np.append(0.0, np.geomspace(0.01, 1e6, 200))
    excess = np.array([system.firing(y[:-2], system.inputs_at(np.array([N]), 0.0))[0][0] - N for N in scan])
    there_is_one = bool(np.any(excess <= 0.0))
    assert system.close(y, 0.0) == there_is_one
    if there_is_one:
        assert system.firing(y[:-2], system.inputs_at(y[-1], 0.0))[0] == pytest.approx(y[-1], rel=1e-9)
