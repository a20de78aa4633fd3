"""WENO of fifth order: its orders, that it neither loses mass nor oscillates, and what it cannot do."""

import dataclasses
import functools

import numpy as np
import pytest
from helpers import orders, system_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.grid import Grid

QUIET = fp.nnlif(b=0.0, a0=0.0)
"""Pure transport."""


def carried(speed):
    """Pure transport at a constant speed."""
    return dataclasses.replace(QUIET, drift=lambda v: speed + 0.0 * v)


def weno(model, cells, v_min=-6.0):
    return fp.Weno5().discretize(model, model.grid(cells, v_min=v_min))


# -- order ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [carried(1.0), carried(-1.0), QUIET], ids=["upwards", "downwards", "leak"])
def test_the_drift_term_has_order_five(model):
    errors = []
    for cells in (64, 128, 256):
        system = weno(model, cells)
        datum = fp.gaussian(-2.0, 0.25)
        density, at_faces = datum.cell_averages(system.grid), datum.value(system.grid.faces, 10.0)
        at_faces /= np.sum(np.diff(system.grid.faces) * 0.5 * (at_faces[1:] + at_faces[:-1]))  # spectral, as it decays
        out = np.empty((cells, 1))
        system.transport(density[:, None], system.inputs_at(np.zeros(1), 0.0), out)
        exact = -np.diff(model.drift(system.grid.faces) * at_faces) / system.width
        errors.append(np.mean(np.abs(out[:, 0] - exact)))
    assert orders(errors)[-1] == pytest.approx(fp.Weno5().drift_order, abs=0.25)


def test_a_density_that_is_only_carried_arrives_with_order_five():
    """Of n' = ∂v(v n) the solution is eᵗ n₀(eᵗ v): a Gaussian whose deviation shrinks by e⁻ᵗ."""
    errors, end = [], 0.5
    for cells in (128, 256):
        grid = QUIET.grid(cells, v_min=-6.0)
        stepper = fp.SspRk3(dt=end / round(20 * (cells / 64) ** (5 / 3)))  # dt³ falls as h⁵
        sol = fp.solve(QUIET, fp.gaussian(-1.0, 0.25), (0.0, end), grid, fp.Weno5(), stepper, estimate_error=False)
        exact = fp.gaussian(-np.exp(-end), 0.25 * np.exp(-2 * end)).cell_averages(grid)
        errors.append(np.mean(np.abs(sol.final.density - exact)))
    assert orders(errors)[-1] == pytest.approx(5.0, abs=0.3)
    assert errors[-1] < 1e-5


GOLDEN = {  # N(0.5) from a discretisation of another kind (hp finite elements), Gaussian(0, 0.25)
    "linear": (fp.nnlif(b=0.0), 0.111243073935),
    "nonlinear": (fp.nnlif(b=0.5), 0.116563117302),
    "refractory": (fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), 0.110743052886),
}
FINEST = 2048


def final_state(model, cells, scheme):
    grid, datum = Grid(np.linspace(-6.0, 2.0, cells + 1), 1.0), fp.gaussian(0.0, 0.25)
    return fp.solve(model, datum, (0.0, 0.5), grid, scheme, rtol=1e-8, atol=1e-11, estimate_error=False).final


@functools.cache
def fine_masses(case):
    state = final_state(GOLDEN[case][0], FINEST, fp.ScharfetterGummel())
    return state.density * state.grid.width


@pytest.mark.parametrize("case", GOLDEN)
def test_the_rate_and_the_density_have_order_two(case):
    model, exact_rate = GOLDEN[case]
    rate_errors, density_errors = [], []
    for cells in (128, 256):
        state = final_state(model, cells, fp.Weno5())
        masses = fine_masses(case).reshape(cells, -1).sum(axis=1)
        rate_errors.append(abs(state.rate - exact_rate))
        density_errors.append(np.sum(np.abs(state.density * state.grid.width - masses)))
    assert orders(rate_errors) == pytest.approx(fp.Weno5().order, abs=0.1)
    assert orders(density_errors) == pytest.approx(fp.Weno5().order, abs=0.1)


def test_a_random_threshold_is_met_with_order_two():
    model = fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.05))
    fine = Grid(np.linspace(-6.0, 6.0, 1537), 1.0, 2.0)
    exact = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), fine, rtol=1e-9, atol=1e-12).rate[-1]
    errors = []
    for cells in (96, 192):
        grid = Grid(np.linspace(-6.0, 6.0, cells + 1), 1.0, 2.0)
        errors.append(abs(fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), grid, fp.Weno5()).rate[-1] - exact))
    assert orders(errors) == pytest.approx(2.0, abs=0.3)


# -- structure --------------------------------------------------------------------------------------------------

laws = st.fixed_dictionaries(
    {
        "b": st.floats(-5.0, 5.0),
        "a0": st.just(0.0) | decades(0.03, 30.0),
        "external": st.floats(-10.0, 10.0),
        "refractory": st.sampled_from([None, fp.ExponentialRefractory(0.2)]),
        "threshold": st.sampled_from([None, fp.RandomThreshold(0.05)]),
    }
)


@given(laws, st.integers(0, 2**32 - 1), st.integers(30, 60))
def test_the_rate_is_what_is_removed(parameters, seed, cells):
    model = fp.nnlif(**parameters)
    below = model.grid(cells, v_min=-3.0) if model.threshold.absorbing else Grid.uniform(-3.0, 1.0, 2.0, cells)
    grid = below if model.threshold.absorbing else below.extended(2.0 + 10 * below.width[-1], 10)
    system = fp.Weno5().discretize(model, grid)
    y = system.pack(np.random.default_rng(seed).uniform(size=grid.cells), 0.1 if parameters["refractory"] else 0.0, 0.3)
    y[:-2] /= system.width @ y[:-2]
    out = system.residual(y, 0.0, np.empty_like(y))
    scale = float(system.width @ np.abs(out[:-2, 0])) + 1.0
    assert abs(float(system.width @ out[:-2, 0] + out[-2, 0])) < 1e-14 * scale
    assert out[-1, 0] + 0.3 == pytest.approx(system.firing(y[:-2], system.inputs(y, 0.0))[0][0], rel=1e-12, abs=1e-14)


@pytest.mark.parametrize("b", [-5.0, 0.5])
@pytest.mark.parametrize("external", [-3.0, 0.0, 10.0])
def test_a_run_keeps_its_mass_and_stays_stable(b, external):
    model = fp.nnlif(b=b, external=external, refractory=fp.ExponentialRefractory(0.2))
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5), model.grid(101, v_min=-10.0), fp.Weno5())
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.mass_error < 1e-13
    assert sol.quality.smallest_density > -1e-9
    reference = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.5)).rate[-1]
    assert sol.rate[-1] == pytest.approx(reference, rel=0.1)


def box_after(scheme, speed=1.0):
    model = carried(speed)
    grid = model.grid(200, v_min=-6.0)
    box = fp.solve(model, lambda v: np.where(abs(v + 2.0) < 0.5, 1.0, 0.0), (0.0, 1e-9), grid, estimate_error=False)
    averages = box.density[0]
    stepper = fp.SspRk3(dt=0.01)
    return averages, fp.solve(model, averages, (0.0, 1.5), grid, scheme, stepper, estimate_error=False).final.density


@pytest.mark.filterwarnings("ignore:Weno5")  # not positive, only nearly so
@pytest.mark.parametrize("speed", [-1.0, 1.0])
def test_a_steep_front_hardly_oscillates(speed):
    before, after = box_after(fp.Weno5(), speed)
    assert after.min() > -1e-3 * before.max()
    assert after.max() < (1.0 + 1e-3) * before.max()
    assert np.sum(np.abs(np.diff(after))) < (1.0 + 2e-3) * np.sum(np.abs(np.diff(before)))
    front = np.count_nonzero((after > 0.05 * before.max()) & (after < 0.95 * before.max()))
    assert front <= 12  # the two fronts, of which first-order upwind makes about thirty cells each


def test_central_differences_do_oscillate_there():
    with pytest.warns(fp.FokkerPlanckWarning, match=r"Central\(\) gave a negative density"):
        before, after = box_after(fp.Central())
    assert after.min() < -0.05 * before.max()


@given(decades(1e-3, 1e3))
@share_of_examples(0.2)
def test_the_unit_of_the_potential_does_not_matter(k):
    one, grid = fp.nnlif(b=0.5), fp.nnlif(b=0.5).grid(60, v_min=-4.0)
    other = fp.nnlif(b=0.5 * k, a0=k**2, V_R=k, V_F=2.0 * k)
    density = fp.gaussian(0.5, 0.05).cell_averages(grid)
    here, y = system_of(one, grid, density, scheme=fp.Weno5())
    there, x = system_of(other, Grid(k * grid.faces, k), density / k, scheme=fp.Weno5())
    slope = here.residual(y, 0.0, np.empty_like(y))
    scaled = there.residual(x, 0.0, np.empty_like(x))
    np.testing.assert_allclose(k * scaled[:-2], slope[:-2], rtol=0, atol=1e-9 * np.max(np.abs(slope)))


def test_a_negative_density_says_what_to_do():
    model = fp.nnlif(b=0.0, a0=1e-4, external=5.0)
    with pytest.warns(fp.FokkerPlanckWarning, match=r"Weno5\(\) gave a negative density .* use more than 20 cells"):
        fp.solve(model, lambda v: np.where(abs(v) < 0.5, 1.0, 0.0), (0.0, 0.2), model.grid(20, v_min=-6.0), fp.Weno5())


# -- grids and steppers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("threshold", [None, fp.RandomThreshold(0.05)])
def test_the_default_grid_has_equal_cells_and_the_default_stepper_is_explicit(threshold):
    model = fp.nnlif(b=0.5, threshold=threshold)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.01), scheme=fp.Weno5())
    np.testing.assert_allclose(sol.grid.width, sol.grid.width[0], rtol=1e-9)
    assert abs(sol.grid.cells - 400) < 20
    assert sol.grid.v_min <= model.lowest_potential()
    assert sol.grid.v_max >= model.highest_potential()
    assert sol.settings["stepper"] == "SspRk3(dt=None, share=0.9)"


@pytest.mark.parametrize("cells", [100, 101, 102, 103])
def test_any_number_of_equal_cells_can_be_halved_for_the_error_estimate(cells):
    model = fp.nnlif(b=0.5)
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 0.2), model.grid(cells, v_min=-6.2), fp.Weno5())
    assert 1e-4 < sol.error_estimate < 0.1


@pytest.mark.parametrize("cells", [100, 101, 102, 103])
def test_equal_cells_may_have_been_halved_twice(cells):
    grid = fp.nnlif(b=0.5).grid(cells, v_min=-6.2).coarsened()
    for halved in (grid, grid.coarsened()):
        fp.Weno5().discretize(fp.nnlif(b=0.5), halved)


@pytest.mark.parametrize("face", [10, -2])
@pytest.mark.parametrize("shift", [1e-3, 0.3])
def test_a_face_out_of_place_is_refused(face, shift):
    model = fp.nnlif(b=0.5)
    faces = model.grid(100, v_min=-6.2).faces.copy()
    faces[face] += shift * (faces[1] - faces[0])
    with pytest.raises(fp.InvalidArgument, match="equal cells"):
        fp.Weno5().discretize(model, Grid(faces, model.V_R))


def test_a_half_cell_in_the_middle_is_refused():
    model = fp.nnlif(b=0.5)
    faces = model.grid(100, v_min=-6.2).faces
    with pytest.raises(fp.InvalidArgument, match="equal cells"):
        fp.Weno5().discretize(model, Grid(np.sort(np.append(faces, 0.5 * (faces[20] + faces[21]))), model.V_R))


def test_a_graded_grid_is_refused():
    model = fp.nnlif(b=0.5)
    with pytest.raises(fp.InvalidArgument, match=r"equal cells.* use model\.grid\(cells=400\)"):
        fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), model.grid(60, finest=0.01), fp.Weno5())
    model = fp.nnlif(b=0.5, threshold=fp.RandomThreshold(0.05))
    with pytest.raises(fp.InvalidArgument, match="leave `grid` out"):
        fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), model.grid(60), fp.Weno5())


@pytest.mark.parametrize("stepper", [fp.BackwardEuler(0.01), fp.Rodas5P()], ids=["backward-euler", "rodas5p"])
def test_an_implicit_stepper_is_refused(stepper):
    model = fp.nnlif(b=0.5)
    with pytest.raises(fp.InvalidArgument, match=r"use an explicit stepper, fp\.SspRk3\(\)"):
        fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), None, fp.Weno5(), stepper)


def test_what_needs_a_jacobian_is_refused():
    system, y = system_of(fp.nnlif(b=0.5), fp.nnlif(b=0.5).grid(40), scheme=fp.Weno5())
    for ask in (
        lambda: system.factor(y, 0.0, 1.0),
        lambda: system.substitute(y[:-2]),
        lambda: system.implicit_step(y, 0.1, 0.1),
        lambda: system.weights(system.inputs(y, 0.0)),
        lambda: system.transport_slope(y[:-2], system.inputs(y, 0.0), 1.0, 0.0, y[:-2]),
    ):
        with pytest.raises(fp.InvalidArgument, match="has no Jacobian"):
            ask()
