"""The voltage–conductance equation: what its model says, and what runs keep."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.kinetic_states import kinetic_states
from fokkerplanck.plotting import plot_kinetic
from fokkerplanck.steppers.protocol import Tolerance

CASE = {"S_E": 0.1, "nu": 20.0, "f_E": 0.05, "sigma_E": 0.2, "V_E": 2.0, "g_max": 4.0, "lanes": 16}
"""x_F − x_R = ln 2, g_F = 1, g_in = 1 + 0.1 N, a = 0.125 for N_E = ∞."""


def network(**changes):
    return fp.voltage_conductance(**(CASE | changes))


def run(model, end=0.2, start=None, cells=30, **keywords):
    start = fp.kinetic_density(lambda v: np.maximum((v - 0.2) * (0.9 - v), 0.0) ** 2) if start is None else start
    return fp.solve(model, start, (0.0, end), grid=model.grid(cells, v_min=-0.1), estimate_error=False, **keywords)


# -- the model --------------------------------------------------------------------------------------------------


def test_drive_and_variance_are_those_of_campbells_theorem():
    # g jumps by f/σ at rate ν and decays in σ: mean f ν, variance f² ν/(2σ); and so does the network with S/N_E.
    model = network(N_E=50.0)
    assert float(model.drive(3.0)) == pytest.approx(0.05 * 20.0 + 0.1 * 3.0)
    assert float(model.variance(3.0)) == pytest.approx((0.05**2 * 20.0 + 0.1**2 * 3.0 / 50.0) / 0.4)


def test_in_x_the_drift_of_v_is_additive():
    model = network()
    v = np.linspace(-1.0, 0.9, 7)
    x = model.additive(v)
    slope = 1.0 / (model.V_E - v[:, None])  # dx/dv
    expected = model.g - model.g_L * np.expm1(x)[:, None]
    assert np.allclose(model.drift_of_lanes(v) * slope, expected, rtol=1e-13)
    assert np.allclose(model.potential(x), v, rtol=1e-13, atol=1e-14)
    assert model.critical_coupling == pytest.approx(math.log(2.0))


def test_at_g_F_the_drift_vanishes_at_the_threshold():
    model = network(g_L=1.7, V_F=0.9)
    assert -model.g_L * 0.9 + model.firing_conductance * (model.V_E - 0.9) == pytest.approx(0.0, abs=1e-14)
    default = fp.voltage_conductance(0.1, nu=20.0, f_E=0.05, sigma_E=0.2, V_E=2.0)
    assert np.min(np.abs(default.g_faces - default.firing_conductance)) < 1e-12  # a face


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"S_E": -1.0}, "S_E"),
        ({"sigma_E": 0.0}, "sigma_E"),
        ({"N_E": 0}, "N_E"),
        ({"V_F": 2.5}, "V_F"),
        ({"V_R": -0.5}, "V_R"),
        ({"g_min": 0.5}, "g_min"),
        ({"g_max": 0.9}, "g_max"),
        ({"lanes": 2}, "lanes"),
        ({"S_E": 0.8, "g_max": None}, "g_max="),
    ],
)
def test_what_is_out_of_range_is_refused_by_name(changes, named):
    with pytest.raises(fp.InvalidArgument, match=named):
        network(**changes)


def test_other_schemes_and_conductances_outside_are_refused():
    model = network()
    with pytest.raises(fp.InvalidArgument, match="VanLeer"):
        run(model, scheme=fp.ScharfetterGummel())
    with pytest.raises(fp.InvalidArgument, match="g_max="):
        run(model, start=fp.kinetic_density(fp.gaussian(0.5, 0.003), fp.gaussian(3.5, 0.3)))
    with pytest.raises(fp.InvalidArgument, match="conductance"):
        run(model, start=fp.kinetic_density(fp.gaussian(0.5, 0.003), 7.0))
    with pytest.raises(fp.InvalidArgument, match="conductance"):
        run(model, start=fp.kinetic_density(fp.gaussian(0.5, 0.003), np.ones(5)))


@pytest.mark.parametrize("law", [None, 1.3, fp.gaussian(1.3, 0.05), lambda g: g * np.exp(-g)])
def test_a_law_of_the_conductance_has_mass_one(law):
    model = network()
    averages = fp.kinetic_density(fp.gaussian(0.5, 0.003), law).lane_averages(model)
    assert averages.sum() * model.dg == pytest.approx(1.0, abs=1e-12)
    assert np.all(averages >= 0.0)
    if law == 1.3:
        assert averages @ model.g * model.dg == pytest.approx(1.3, abs=1e-12)


# -- runs -------------------------------------------------------------------------------------------------------


@settings(max_examples=8)
@given(
    st.floats(0.0, 1.5), st.floats(0.0, 60.0), st.floats(0.003, 3.0), st.floats(1.2, 8.0), st.sampled_from([0.0, -3.0])
)
def test_runs_are_positive_and_keep_their_mass(S_E, nu, sigma, V_E, g_min):
    g_F = 1.0 / (V_E - 1.0)
    model = network(S_E=S_E, nu=nu, sigma_E=sigma, V_E=V_E, g_min=g_min, g_max=4.0 + 2.0 * g_F, lanes=12)
    start = fp.kinetic_density(lambda v: np.maximum(v * (1.0 - v), 0.0), lambda g: np.ones_like(g))
    system = fp.VanLeer().discretize(model, model.grid(24, v_min=-0.1))
    data = model.densities(start)[0].cell_averages(system.grid)
    density = model.shares(start)[:, None] * data
    y = system.pack(density, 0.0)
    system.close(y, 0.0)
    stepper = fp.Splitting(fp.SspRk3())
    for _ in range(20):
        dt = stepper.next_step(system, y, 0.0, 0.0, 0.0)
        y = stepper.step(system, y, 0.0, dt, Tolerance()).new
        assert np.all(y >= 0.0)
    assert abs(model.mass_errors(system.mass(y), system.mass(y))[0]) < 1e-13


def test_what_is_reset_never_gets_below_the_leak():
    model = network()
    sol = run(model, end=1.5)
    below = sol.grid.faces[1:] <= 0.0
    assert below.sum() >= 2
    assert sol.density[:, :, below].max() == 0.0
    assert float(model.total_rate(sol.fired)[-1]) > 0.3


def test_a_run_goes_on_from_its_final_state():
    model = network()
    whole = run(model, end=0.2, stepper=fp.SspRk3(dt=1e-3))
    half = run(model, end=0.1, stepper=fp.SspRk3(dt=1e-3))
    rest = fp.solve(model, half.final, (0.1, 0.2), stepper=fp.SspRk3(dt=1e-3), estimate_error=False)
    assert np.allclose(rest.final.density, whole.final.density, rtol=0.0, atol=1e-12)


def test_total_rate_is_the_integral_over_the_lanes():
    model = network()
    sol = run(model)
    assert np.allclose(model.total_rate(sol.rate), sol.rate.sum(axis=1) * model.dg)
    assert sol.status is fp.Status.FINISHED
    assert model.may_blow_up  # the detector listens


def test_a_network_that_outgrows_its_conductances_is_told():
    model = network(S_E=3.0, nu=40.0, g_max=6.0)
    with pytest.warns(fp.FokkerPlanckWarning, match="g_max="):
        sol = run(model, end=0.6)
    assert sol.quality.truncated_mass > 1e-3


def test_one_that_does_not_is_not():
    assert run(network(), end=0.2).quality.truncated_mass < 1e-9


def test_conductances_alone_are_an_ornstein_uhlenbeck_process():
    model = network(S_E=0.0, g_min=-2.0, lanes=120)
    sol = run(model, end=0.3, start=fp.kinetic_density(fp.gaussian(0.4, 0.005), fp.gaussian(1.5, 0.05)), cells=20)
    law = sol.final.density @ sol.grid.width * model.dg
    mean, decay = float(model.g @ law), math.exp(-0.3 / 0.2)
    assert law.sum() == pytest.approx(1.0, abs=1e-12)
    assert mean == pytest.approx(1.0 + 0.5 * decay, abs=1e-3)
    assert float((model.g - mean) ** 2 @ law) == pytest.approx(0.125 + (0.05 - 0.125) * decay**2, abs=2e-3)


# -- stationary states ------------------------------------------------------------------------------------------


def test_a_stationary_state_stays_where_it_is():
    model = network()
    (state,) = kinetic_states(model, cells=30)
    assert abs(state.residual) < 1e-8
    assert state.density.min() > -1e-8
    assert (state.density @ state.grid.width).sum() * model.dg == pytest.approx(1.0, abs=1e-12)
    assert 0.0 < state.gain < 1.0
    sol = fp.solve(model, state.start, (0.0, 0.5), estimate_error=False)
    assert np.ptp(model.total_rate(sol.rate)) < 2e-4 * state.rate
    assert state.rate < model.largest_rate
    assert "N = " in repr(state)


def test_the_law_of_g_in_a_stationary_state_is_a_cut_gaussian():
    # Firing leaves g alone, and N is constant.
    model = network()
    (state,) = fp.stationary_states(model)
    law = state.density @ state.grid.width
    expected = np.exp(-((model.g - float(model.drive(state.rate))) ** 2) / (2.0 * float(model.variance(state.rate))))
    assert np.allclose(law, expected / (expected.sum() * model.dg), rtol=1e-6, atol=1e-9)


def test_pictures():
    sol = run(network(), end=0.3)
    assert len(plot_kinetic(sol).axes) == 7
    assert len(sol.plot().axes) == 7
    with pytest.raises(fp.InvalidArgument, match="times"):
        plot_kinetic(sol, [7.0])
    with pytest.raises(fp.InvalidArgument, match="voltage_conductance"):
        plot_kinetic(fp.solve(fp.nnlif(0.1), fp.gaussian(0.0, 0.25), (0.0, 0.1)))


@pytest.mark.parametrize("silent", [{"nu": 0.0, "f_E": 0.1}, {"nu": 3.0, "f_E": 0.0}])
@pytest.mark.parametrize("S_E", [0.0, 0.1])
def test_without_input_nobody_fires(silent, S_E):
    model = fp.voltage_conductance(S_E=S_E, sigma_E=0.2, lanes=16, **silent)
    assert fp.stationary_states(model) == ()
    sol = fp.solve(model, fp.gaussian(0.5, 0.005), (0.0, 0.2), grid=model.grid(40, v_min=-0.2))
    assert sol.status is fp.Status.FINISHED
    assert np.all(sol.records["N"].value < 1e-3)


def test_a_law_far_outside_the_conductances_is_refused():
    model = fp.voltage_conductance(S_E=0.1, nu=3.0, f_E=0.1, sigma_E=0.2, lanes=16)
    with pytest.raises(fp.InvalidArgument, match="hardly any"):
        fp.solve(model, fp.kinetic_density(fp.gaussian(0.5, 0.005), fp.gaussian(-5.0, 0.1)), (0.0, 0.2))
