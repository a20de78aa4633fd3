"""The compiled step of many lanes is the step of the general system, and of each lane alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fokkerplanck as fp
from fokkerplanck.models.side_by_side import SideBySide
from fokkerplanck.operators.system import PopulationSystem
from fokkerplanck.steppers.protocol import Tolerance
from fokkerplanck.steppers.rosenbrock import Rodas5P

TOLERANCE = Tolerance(1e-5, 1e-8)
STEPPER = Rodas5P()


def lanes_of(models, cells, mean=0.3, finest=2e-3):
    """A system of the models and a state in which every lane has a rate."""
    model = SideBySide(tuple(models))
    grid = model.grid(cells, v_min=-5.0, finest=finest)
    system = fp.ScharfetterGummel().discretize(model, grid)
    y = np.zeros(system.shape)
    y[:-2] = 0.9 * fp.compatible_gaussian(mean, 0.2).cell_averages(grid)[:, None]
    y[-2] = 0.1 * (model.silence > 0.0)
    assert np.all(system.close_lanes(y, 0.0, np.ones(system.lanes, dtype=bool)))
    return system, y


def by_the_general_form(system, y, dt):
    flat, state = STEPPER._stages(system, y, 0.0, dt)
    last = flat[-1].reshape(system.shape)
    return state + last, TOLERANCE.norms(last, y, state + last), flat.reshape(-1, *system.shape)[:, -1]


neurons = st.builds(
    fp.nnlif,
    b=st.floats(-3.0, 2.0),
    a0=st.floats(0.2, 2.0),
    a1=st.sampled_from([0.0, 0.2]),
    external=st.floats(-1.0, 2.0),
    refractory=st.sampled_from([None, fp.ExponentialRefractory(0.2)]),
)


@settings(max_examples=15)
@given(st.lists(neurons, min_size=1, max_size=70), st.floats(-4.0, -0.5), st.integers(20, 60))
def test_it_is_the_general_step(models, exponent, cells):
    system, y = lanes_of(models, cells)
    dt = 10.0**exponent * np.linspace(1.0, 2.0, len(models))
    here = system.rosenbrock_lanes(y, dt, STEPPER, TOLERANCE.rtol, TOLERANCE.atol)
    there = by_the_general_form(system, y, dt)
    scale = np.abs(there[0]).max(axis=0)
    fine = there[1] < 1e6  # a step that is far too long is nothing but rounding, magnified
    np.testing.assert_allclose((here[0] / scale)[:, fine], (there[0] / scale)[:, fine], atol=1e-9)
    np.testing.assert_allclose(here[1][fine], there[1][fine], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(here[2][:, fine], there[2][:, fine], rtol=1e-6, atol=1e-8)


def test_strong_drift_and_hardly_any_noise():
    models = [fp.nnlif(b=1.0, a0=a0, external=external) for a0 in (1e-4, 1e-2, 1.0) for external in (-30.0, 0.0, 40.0)]
    system, y = lanes_of(models, 80)
    dt = np.full(len(models), 1e-3)
    here = system.rosenbrock_lanes(y, dt, STEPPER, TOLERANCE.rtol, TOLERANCE.atol)
    there = by_the_general_form(system, y, dt)
    np.testing.assert_allclose(here[0], there[0], atol=1e-10 * np.abs(there[0]).max())


def test_every_lane_keeps_its_mass():
    models = [fp.nnlif(b=b, refractory=fp.ExponentialRefractory(0.1)) for b in np.linspace(-2.0, 2.0, 45)]
    system, y = lanes_of(models, 100)
    new, _, _ = system.rosenbrock_lanes(y, np.geomspace(1e-3, 0.1, 45), STEPPER, 1e-5, 1e-8)
    np.testing.assert_allclose(system.mass(new), system.mass(y), rtol=1e-13)


def test_lanes_with_drifts_of_their_own_take_the_general_form():
    drifts = [None, fp.QuadraticDrift()]
    system, y = lanes_of([fp.nnlif(b=0.5, drift=drift) for drift in drifts], 60)
    assert system.rosenbrock_lanes(y, np.full(2, 0.01), STEPPER, 1e-5, 1e-8) is None


@settings(max_examples=20)
@given(st.lists(neurons, min_size=1, max_size=40), st.floats(0.1, 30.0))
def test_the_closure_is_that_of_the_general_form(models, factor):
    system, y = lanes_of(models, 40)
    y[:-2] *= factor  # until the density next to V_F has no rate any more
    wanted = np.arange(len(models)) % 3 != 1
    y[-1] = 0.5
    here, there = y.copy(), y.copy()
    found = system.close_lanes(here, 0.0, wanted)
    expected = PopulationSystem.close_lanes(system, there, 0.0, wanted)
    np.testing.assert_array_equal(found, expected)
    assert not np.any(found & ~wanted)
    np.testing.assert_allclose(here[-1], there[-1], rtol=1e-12)
    if len(models) == 1 and wanted[0]:
        assert system.close(y, 0.0) == found[0]


def test_a_lane_that_blows_up_fails_by_itself():
    system, y = lanes_of([fp.nnlif(b=0.5), fp.nnlif(b=3.0), fp.nnlif(b=0.8)], 60, mean=1.2)
    dt = np.array([1e-3, 10.0, 1e-3])
    with np.errstate(all="ignore"):
        step = STEPPER.step_lanes(system, y, dt, np.ones(3, dtype=bool), TOLERANCE)
        alone = STEPPER.step_lanes(
            *lanes_of([fp.nnlif(b=0.5)], 60, mean=1.2), dt[:1], np.ones(1, dtype=bool), TOLERANCE
        )
    assert step.errors[1] > 1.0
    assert np.all(np.isfinite(step.errors[[0, 2]]))
    np.testing.assert_allclose(step.new[:, 0], alone.new[:, 0], rtol=1e-10, atol=1e-14)
    assert step.errors[0] == pytest.approx(alone.errors[0], rel=1e-6)


@settings(max_examples=25)
@given(neurons, st.floats(-4.0, -0.5), st.integers(20, 80), st.sampled_from([None, fp.QuadraticDrift()]))
def test_the_stages_of_one_population_are_those_of_the_general_form(model, exponent, cells, drift):
    model = fp.nnlif(
        b=model.coupling.b, a0=model.noise.a0, a1=model.noise.a1, external=model.coupling.external, drift=drift,
        refractory=fp.ExponentialRefractory(0.3) if model.refractory.mean_duration else None,
    )  # fmt: skip
    grid = model.grid(cells, v_min=-5.0, finest=5e-3)
    system = fp.ScharfetterGummel().discretize(model, grid)
    y = system.pack(fp.compatible_gaussian(0.3, 0.2).cell_averages(grid), 0.0)
    assert system.close(y, 0.0)
    there = y.copy()
    there[-1] = 0.0
    assert PopulationSystem.close(system, there, 0.0)
    assert y[-1] == pytest.approx(there[-1], rel=1e-12)
    u, state = system.rosenbrock_stages(y, 10.0**exponent, STEPPER)
    system._own = None
    flat, expected = STEPPER._stages(system, y, 0.0, 10.0**exponent)
    scale = np.abs(flat).max()
    if scale < 1e6:
        np.testing.assert_allclose(u.reshape(flat.shape), flat, atol=1e-9 * scale)
        np.testing.assert_allclose(state, expected, atol=1e-9 * np.abs(expected).max())
