"""Initial densities: their cell averages against quadrature, their mass, and what they refuse."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from scipy.integrate import quad
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.grid import Grid
from fokkerplanck.state import as_density

GRIDS = [Grid.uniform(-8.0, 1.0, 2.0, 200), Grid.graded(-8.0, 1.0, 2.0, 600, 1e-4), Grid.uniform(-8.0, 1.0, 2.0, 12000)]
every_grid = pytest.mark.parametrize("grid", GRIDS, ids=["uniform", "graded", "very fine"])
every_bell = pytest.mark.parametrize("bell", [fp.gaussian, fp.compatible_gaussian])
MOMENTS = [(0.0, 0.25), (-1.0, 0.01), (0.0, 1.0), (1.9, 1e-3), (2.5, 0.1), (4.0, 0.3)]


@every_grid
@every_bell
@pytest.mark.parametrize(("mean", "variance"), MOMENTS)
def test_cell_averages_are_those_of_the_density(bell, mean, variance, grid):
    datum = bell(mean, variance)
    averages = datum.cell_averages(grid)
    sample = np.unique(np.linspace(0, grid.cells - 1, 15).astype(int))
    exact = [
        quad(lambda v: float(datum.value(np.array([v]), 2.0)[0]), *grid.faces[i : i + 2], epsabs=0.0, epsrel=1e-13)[0]
        / grid.width[i]
        for i in sample
    ]
    np.testing.assert_allclose(averages[sample], exact, rtol=1e-9, atol=1e-200)


@every_grid
@every_bell
@pytest.mark.parametrize(("mean", "variance"), MOMENTS)
def test_the_mass_is_one(bell, mean, variance, grid):
    averages = bell(mean, variance).cell_averages(grid)
    assert averages @ grid.width == pytest.approx(1.0, abs=2e-14)
    assert np.all(averages >= 0.0)


@every_bell
@given(between(-3.0, 2.0), decades(1e-3, 1.0))
def test_the_value_integrates_to_one(bell, mean, variance):
    datum = bell(mean, variance)
    spread = np.sqrt(variance)
    breaks = np.clip(mean + spread * np.array([-12.0, -3.0, 0.0, 3.0, 12.0]), -20.0, 2.0)
    pieces = [quad(lambda v: float(datum.value(np.array([v]), 2.0)[0]), a, b)[0] for a, b in pairwise(breaks)]
    assert sum(pieces) == pytest.approx(1.0, abs=1e-9)


@given(between(-3.0, 2.0), decades(1e-3, 1.0))
def test_a_compatible_gaussian_vanishes_at_the_threshold_and_is_the_gaussian_times_the_distance(mean, variance):
    v = np.linspace(-3.0, 2.0, 11)
    compatible = fp.compatible_gaussian(mean, variance).value(v, 2.0)
    product = (2.0 - v) * fp.gaussian(mean, variance).value(v, 2.0)
    assert compatible[-1] == 0.0
    shown = product > 1e-250
    ratio = compatible[shown] / product[shown]
    np.testing.assert_allclose(ratio, ratio[:1].repeat(len(ratio)), rtol=1e-9)


def test_a_gaussian_cut_in_its_far_tail_is_still_accurate():
    datum = fp.gaussian(5.0, 0.25)  # V_F = 2 is six deviations below the mean
    assert datum.cell_averages(GRIDS[0]) @ GRIDS[0].width == pytest.approx(1.0, abs=1e-14)


@every_bell
def test_no_mass_below_the_threshold_is_refused(bell):
    with pytest.raises(fp.InvalidArgument, match="no mass below V_F = 2; move the mean"):
        bell(6.0, 0.25).cell_averages(GRIDS[0])


@pytest.mark.parametrize("factor", [5.0, 1e-9])
def test_a_function_is_averaged_and_normalised(factor):
    grid = GRIDS[0]
    averages = as_density(lambda v: factor * np.exp(-2.0 * v**2)).cell_averages(grid)
    np.testing.assert_allclose(averages, fp.gaussian(0.0, 0.25).cell_averages(grid), rtol=1e-9, atol=1e-30)
    assert averages @ grid.width == pytest.approx(1.0, abs=1e-15)


def test_cell_averages_are_taken_as_they_are():
    grid = GRIDS[0]
    averages = fp.gaussian(0.0, 0.25).cell_averages(grid)
    assert np.array_equal(as_density(averages).cell_averages(grid), averages)
    assert np.array_equal(as_density(averages.tolist()).cell_averages(grid), averages)


def test_the_datum_does_not_hold_on_to_the_array_of_the_caller():
    grid = GRIDS[0]
    averages = fp.gaussian(0.0, 0.25).cell_averages(grid)
    datum = as_density(averages).cell_averages(grid)
    averages[:] = 0.0
    assert datum @ grid.width == pytest.approx(1.0)


# -- numbers of a state -----------------------------------------------------------------------------------------


def state_of(density, grid, refractory=0.0):
    return fp.State(0.0, grid, density, 0.1, refractory)


def test_mass_counts_the_pool():
    averages = fp.gaussian(0.0, 0.25).cell_averages(GRIDS[0])
    assert fp.mass(state_of(0.75 * averages, GRIDS[0], 0.25)) == pytest.approx(1.0, rel=1e-14)


@given(between(-2.0, -0.5), decades(0.05, 0.15))
def test_moments_of_a_gaussian(mean, variance):
    h = GRIDS[0].width[0]
    state = state_of(fp.gaussian(mean, variance).cell_averages(GRIDS[0]), GRIDS[0])
    assert fp.mean_potential(state) == pytest.approx(mean, abs=1e-9)
    assert fp.second_moment(state) == pytest.approx(mean**2 + variance, abs=0.2 * h**2)


def test_the_moments_of_a_smooth_density_are_exact_on_a_coarse_grid():
    grid = Grid.uniform(-6.0, 1.0, 4.0, 50)
    averages = fp.gaussian(0.3, 0.16).cell_averages(grid)
    assert fp.mean_potential(state_of(averages, grid)) == pytest.approx(0.3, abs=1e-12)
    assert fp.second_moment(state_of(averages, grid)) == pytest.approx(0.3**2 + 0.16, rel=1e-12)


def test_the_smallest_density_is_shown_with_its_sign():
    density = fp.gaussian(0.0, 0.25).cell_averages(GRIDS[0])
    density[3] = -0.01
    assert fp.smallest_density(state_of(density, GRIDS[0])) == -0.01
