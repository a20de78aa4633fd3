"""Grids: V_R and V_F are faces to the last bit, graded cells grow geometrically, a deposit keeps its mean."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.grid import MIN_CELLS, Grid


@st.composite
def intervals(draw, nearest=1 / 15, farthest=0.95):
    """v_min < V_R < V_F, with V_F − V_R between these shares of the whole."""
    V_F = draw(between(-2.0, 3.0))
    length = draw(decades(0.1, 100.0))
    return V_F - length, V_F - length * draw(between(nearest, farthest)), V_F


@given(intervals(), st.integers(40, 500))
def test_a_uniform_grid_fits_the_reset_and_the_threshold(interval, cells):
    v_min, V_R, V_F = interval
    grid = Grid.uniform(v_min, V_R, V_F, cells)
    assert grid.cells == cells
    assert grid.V_F == V_F
    assert V_R in grid.faces
    assert np.ptp(grid.width) < 1e-12 * (abs(v_min) + abs(V_F))
    assert grid.v_min <= v_min + 1e-12 * (abs(v_min) + abs(V_F))


@given(intervals(), st.integers(40, 500))
def test_a_uniform_grid_reaches_little_further_than_asked(interval, cells):
    v_min, V_R, V_F = interval
    grid = Grid.uniform(v_min, V_R, V_F, cells)
    above = np.sum(grid.v > V_R)
    assert v_min - grid.v_min < (V_F - v_min) / above + 1e-12 * (abs(v_min) + abs(V_F))


@given(intervals(farthest=0.5), st.integers(40, 500), decades(1e-3, 0.9))
def test_a_graded_grid_grows_by_a_constant_ratio_away_from_the_threshold(interval, cells, share):
    v_min, V_R, V_F = interval
    finest = share * (V_F - v_min) / cells
    grid = Grid.graded(v_min, V_R, V_F, cells, finest)
    assert grid.cells == cells
    assert grid.v_min == v_min
    assert grid.V_F == V_F
    assert V_R in grid.faces
    ratio = grid.width[:-1] / grid.width[1:]
    assert np.all(ratio > 1.0 - 1e-9)
    rounding = 1e-15 * (abs(v_min) + abs(V_F)) / grid.width[-1]
    assert np.ptp(ratio) < 20 * rounding + 1e-11
    assert 0.3 < grid.width[-1] / finest < 3.0


@given(intervals(), st.integers(MIN_CELLS, 500), decades(1e-300, 10.0))
@example((0.0, 0.005, 0.31), 25, 9e-9)
@example((-4.0, 1.0, 2.0), 100, 1e-308)
def test_any_finest_width_gives_a_grid_or_a_refusal(interval, cells, finest):
    try:
        grid = Grid.graded(*interval, cells, finest)
    except fp.InvalidArgument:
        return
    assert np.all(grid.width > 0.0)


def test_the_width_of_the_finest_cell_is_near_the_one_asked_for():
    grid = fp.nnlif(b=0.5).grid(cells=600, finest=1e-4)
    assert grid.width[-1] == pytest.approx(1e-4, rel=0.05)
    assert grid.width.max() / grid.width.min() > 100


@given(intervals(), between(0.0, 1.0))
def test_a_deposit_has_the_mean_it_is_asked_for(interval, place):
    v_min, V_R, V_F = interval
    grid = Grid.graded(v_min, V_R, V_F, 40, 0.01 * (V_F - v_min) / 40)
    v = grid.v[0] + place * (grid.v[-1] - grid.v[0])
    cells, shares = grid.deposit(v)
    assert np.all((shares >= -1e-12) & (cells >= 0) & (cells < grid.cells))
    assert np.sum(shares) == pytest.approx(1.0, rel=1e-15)
    assert shares @ grid.v[cells] == pytest.approx(v, abs=1e-13 * (abs(v_min) + abs(V_F)))


def test_centres_and_widths_belong_to_the_faces():
    grid = Grid(np.array([0.0, 0.1, 0.3, 0.4, 0.7, 1.0, 1.5, 1.6, 2.0, 2.1]), 1.0)
    np.testing.assert_allclose(grid.v, (grid.faces[:-1] + grid.faces[1:]) / 2)
    np.testing.assert_allclose(grid.width, np.diff(grid.faces))
    assert (grid.cells, grid.v_min, grid.V_F) == (9, 0.0, 2.1)


def test_a_grid_keeps_its_own_faces():
    faces = np.linspace(0.0, 2.0, 21)
    grid = Grid(faces, 1.0)
    faces[0] = -7.0
    assert grid.v_min == 0.0
    with pytest.raises(ValueError, match="read-only"):
        grid.faces[0] = -7.0


def test_a_grid_says_what_it_is():
    assert repr(Grid.uniform(-3.0, 1.0, 2.0, 100)) == (
        "Grid(100 cells on [-3, 2], widths 0.05 to 0.05, V_R = 1 on a face)"
    )


@pytest.mark.parametrize(
    ("faces", "V_R", "message"),
    [
        (np.linspace(0, 2, 8), 1.0, "at least 9"),
        (np.zeros((9, 2)), 1.0, "vector"),
        (np.linspace(2, 0, 11), 1.0, "increasing"),
        (np.append(np.linspace(0, 2, 11), 2.0), 1.0, "increasing"),
        (np.append(np.linspace(0, 2, 11), np.nan), 1.0, "finite"),
        (np.append(np.linspace(0, 2, 11), np.inf), 1.0, "finite"),
        (np.linspace(0, 2, 11), 1.05, "one of the inner faces"),
        (np.linspace(0, 2, 11), 0.0, "one of the inner faces"),
        (np.linspace(0, 2, 11), 2.0, "one of the inner faces"),
        (np.linspace(0, 2, 11), np.nan, "one of the inner faces"),
    ],
)
def test_faces_that_are_no_grid_are_refused(faces, V_R, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        Grid(faces, V_R)


def test_too_few_cells_above_the_reset_are_refused_with_the_number_needed():
    with pytest.raises(fp.InvalidArgument, match="use at least 40"):
        Grid.uniform(-18.0, 1.0, 2.0, 39)
    assert Grid.uniform(-18.0, 1.0, 2.0, 40).cells == 40
