"""Limited linear reconstruction in the potential, and relaxation along the conductances."""

import dataclasses
import math

import numpy as np
import pytest
from helpers import orders
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import expm

import fokkerplanck as fp
from fokkerplanck.operators.conductance import GAMMA, Relaxation

QUIET = fp.nnlif(b=0.0, a0=0.0)


def carried(speed):
    return dataclasses.replace(QUIET, drift=lambda v: speed + 0.0 * v)


# -- transport --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("speed", [1.0, -1.0])
def test_a_density_that_is_carried_arrives_with_order_two(speed):
    model, errors, end = carried(speed), [], 0.5
    for cells in (100, 200, 400):
        grid = model.grid(cells, v_min=-6.0)
        sol = fp.solve(model, fp.gaussian(-2.0, 0.09), (0.0, end), grid, fp.VanLeer(), estimate_error=False)
        exact = fp.gaussian(-2.0 + speed * end, 0.09).cell_averages(grid)
        errors.append(float(np.abs(sol.final.density - exact) @ grid.width))
        assert sol.quality.smallest_density >= 0.0
        assert sol.quality.mass_error < 1e-13
    assert orders(errors)[-1] == pytest.approx(2.0, abs=0.25)


def test_what_fires_is_the_flux_of_the_characteristics():
    # n' + 2 n_v = 0: N(t) = 2 n0(V_F − 2t), and what is reset comes back a passage later.
    model, errors = carried(2.0), []
    datum = fp.gaussian(1.0, 0.01)
    for cells in (100, 200, 400):
        grid = model.grid(cells, v_min=-2.0)
        sol = fp.solve(model, datum, (0.0, 1.2), grid, fp.VanLeer(), estimate_error=False, save_at=[])
        back = sol.t[:, None] - 0.5 * np.arange(3)  # passages take half a unit of time
        first = 2.0 * datum.value(2.0 - 2.0 * back.ravel(), 2.0).reshape(back.shape)
        exact = np.where(back > 0.0, first, 0.0).sum(axis=1)
        errors.append(float(np.trapezoid(np.abs(sol.rate - exact), sol.t)))
    assert orders(errors)[-1] == pytest.approx(2.0, abs=0.4)
    assert errors[-1] < 0.05  # of two spikes


def test_a_driven_deterministic_network_blows_up_with_this_scheme_too():
    model = fp.nnlif(b=0.9, a0=0.0, external=3.0)
    sol = fp.solve(model, fp.gaussian(0.5, 0.09), (0.0, 2.0), model.grid(800, v_min=-1.5), fp.VanLeer())
    assert sol.status is fp.Status.BLOW_UP


def test_models_with_noise_and_implicit_steppers_are_refused():
    with pytest.raises(fp.InvalidArgument, match="noise"):
        fp.solve(fp.nnlif(b=0.1), fp.gaussian(0.0, 0.25), (0.0, 1.0), scheme=fp.VanLeer())
    with pytest.raises(fp.InvalidArgument, match="Jacobian"):
        fp.solve(QUIET, fp.gaussian(0.0, 0.25), (0.0, 1.0), scheme=fp.VanLeer(), stepper=fp.Rodas5P())
    with pytest.raises(fp.InvalidArgument, match="along w"):
        fp.VanLeer().discretize(fp.learning(), fp.learning().grid(50))


def test_a_line_is_reconstructed_exactly_on_unequal_cells():
    model = carried(1.0)
    faces = np.sort(np.append(2.0 - 3.0 * np.linspace(0.0, 1.0, 13)[1:] ** 1.5, [1.0, 2.0]))
    system = fp.VanLeer().discretize(model, fp.Grid(faces, 1.0))
    n = 1.0 + 0.1 * system.grid.v[:, None]
    out = np.empty_like(n)
    fired = system.transport(n, system.inputs_at(np.zeros(1), 0.0), out)
    assert fired[0] == pytest.approx(1.2, abs=1e-13)
    assert np.allclose(out[1:], -0.1, atol=1e-12)  # but for the closed end


# -- relaxation -------------------------------------------------------------------------------------------------


def generator(faces, drive, variance, sigma):
    relaxation, lanes = Relaxation(faces, sigma), len(faces) - 1
    relaxation.advance(np.zeros((1, lanes)), drive, variance, 0.0)
    ahead, back = relaxation._ahead, relaxation._back
    return np.diag(ahead[1:-1], -1) + np.diag(back[1:-1], 1) - np.diag(ahead[1:] + back[:-1])


@settings(max_examples=40)
@given(
    st.floats(-20.0, 20.0), st.floats(0.0, 1e3), st.floats(1e-3, 1e3), st.floats(1e-6, 10.0), st.integers(0, 2**32 - 1)
)
def test_relaxation_is_positive_and_keeps_mass(drive, variance, sigma, dt, seed):
    n = np.random.default_rng(seed).exponential(size=(3, 9)) ** 4
    before = n.sum(axis=1)
    parts = Relaxation(np.linspace(-1.0, 2.0, 10), sigma).advance(
        n, drive, variance, min(dt, 1e3 * sigma / (1 + variance))
    )
    assert parts >= 0
    assert np.all(n >= 0.0)
    assert np.allclose(n.sum(axis=1), before, rtol=1e-15 * (10 + 30 * parts))


def test_relaxation_has_order_two_in_time():
    faces = np.linspace(0.0, 3.0, 13)
    matrix = generator(faces, 1.2, 0.4, 0.5)
    start = np.linspace(1.0, 2.0, 12)
    exact, errors = expm(matrix) @ start, []
    for steps in (32, 64, 128):
        n = start[None].copy()
        for _ in range(steps):
            Relaxation(faces, 0.5).advance(n, 1.2, 0.4, 1.0 / steps)
        errors.append(np.abs(n[0] - exact).max())
    assert orders(errors)[-1] == pytest.approx(2.0, abs=0.1)
    assert pytest.approx(1.0 - math.sqrt(0.5)) == GAMMA


def test_the_equilibrium_is_the_gaussian_at_the_centres():
    faces = np.linspace(0.0, 3.0, 31)
    g = 0.5 * (faces[1:] + faces[:-1])
    expected = np.exp(-((g - 1.1) ** 2) / (2.0 * 0.3))
    assert np.allclose(generator(faces, 1.1, 0.3, 0.2) @ expected, 0.0, atol=1e-11)


def test_without_diffusion_it_is_upwind_relaxation():
    matrix = generator(np.linspace(0.0, 4.0, 5), 2.0, 0.0, 1.0)
    assert matrix[1, 0] == pytest.approx(1.0)
    assert matrix[0, 1] == 0.0
    assert np.allclose(matrix.sum(axis=0), 0.0)
