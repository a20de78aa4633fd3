"""Figures: every solution can be drawn, what is drawn is what was computed, and pyplot is left alone."""

import sys

import matplotlib.colors
import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.plotting import (
    COLOURS,
    plot_density_image,
    plot_fired,
    plot_generations,
    plot_raster,
    plot_rate,
    plot_snapshots,
    plot_solution,
)


def solve(b=0.5, mean=0.0, variance=0.25, t_end=1.0, cells=80, finest=None, **options):
    laws = {name: options.pop(name) for name in ("refractory", "external", "a1") if name in options}
    model = fp.nnlif(b=b, **laws)
    density = fp.compatible_gaussian if "a1" in laws else fp.gaussian
    grid = model.grid(cells, v_min=-7.0, finest=finest)
    return fp.solve(model, density(mean, variance), (0.0, t_end), grid=grid, **options)


@pytest.fixture(scope="module")
def relaxation():
    return solve(finest=0.0002)


@pytest.fixture(scope="module")
def blow_up():
    return solve(b=3.0, mean=-1.0, variance=0.5, t_end=4.0, cells=160, finest=0.002)


@pytest.fixture
def ax():
    return Figure().subplots()


def lines_in(ax, colour):
    return [line for line in ax.lines if matplotlib.colors.same_color(line.get_color(), COLOURS[colour])]


def texts_in(ax):
    return [text.get_text() for text in ax.texts]


UNUSUAL = {
    "no densities": {"save_at": []},
    "one density": {"save_at": [0.5]},
    "fixed steps": {"stepper": fp.BackwardEuler(0.1)},
    "refractory": {"refractory": fp.ExponentialRefractory(0.2)},
    "shot noise": {"a1": 0.1},
    "I(t)": {"external": np.sin},
    "nobody fires": {"mean": -5.0, "variance": 0.01, "t_end": 1e-4, "cells": 400},
}


@pytest.mark.parametrize("options", UNUSUAL.values(), ids=UNUSUAL)
def test_every_solution_can_be_drawn(options, tmp_path):
    figure = plot_solution(solve(**options))
    figure.savefig(tmp_path / "run.png", dpi=40)
    assert (tmp_path / "run.png").stat().st_size > 2000


def test_a_blow_up_is_marked_in_green_on_a_logarithmic_axis(blow_up, ax):
    lines = plot_rate(ax, blow_up)
    assert ax.get_yscale() == "log"
    (bound,) = lines_in(ax, "bound")
    assert bound in lines
    assert bound.get_xdata()[0] == blow_up.blow_up.time
    assert ax.get_xlim()[1] > blow_up.blow_up.time
    assert bound.get_label() == f"$t^* = {blow_up.blow_up.time:.5g}$"


def test_the_rate_is_drawn_through_every_step(relaxation, ax):
    (line,) = plot_rate(ax, relaxation)
    assert matplotlib.colors.same_color(line.get_color(), COLOURS["rate"])
    t, rate = line.get_data()
    assert set(relaxation.t) <= set(t)
    assert np.array_equal(rate, relaxation.rate_at(t))


def test_the_peak_at_the_start_does_not_flatten_the_rate_but_is_told(relaxation, ax):
    plot_rate(ax, relaxation)
    assert relaxation.rate[0] > 10 * relaxation.rate[-1]
    assert ax.get_yscale() == "linear"
    assert ax.get_ylim()[1] < 2 * relaxation.rate[-1]
    assert texts_in(ax) == ["$N$ begins above this axis"]


def test_the_refractory_pool_is_drawn_with_the_rate(ax):
    lines = plot_rate(ax, solve(refractory=fp.ExponentialRefractory(0.2)))
    assert [line.get_label() for line in lines] == ["$N(t)$", "$R(t)$"]


def columns_of(mesh, solution):
    """The columns of the image that lie at the saved times."""
    edges = mesh.get_coordinates()[0, :, 0]
    found = [int(np.searchsorted(edges, t, side="right")) - 1 for t in solution.saved_t[:-1]]
    return np.asarray(mesh.get_array())[:, [*found, -1]]


def test_the_image_has_one_row_for_each_cell_and_a_column_for_each_saved_time(relaxation, ax):
    mesh = plot_density_image(ax, relaxation)
    corners = mesh.get_coordinates()
    assert np.array_equal(corners[:, 0, 1], relaxation.grid.faces)
    assert corners[0, 0, 0] == relaxation.saved_t[0]
    assert corners[0, -1, 0] == relaxation.saved_t[-1]
    expected = np.maximum(relaxation.density.T, 0.0)  # no more than rounding
    assert np.array_equal(columns_of(mesh, relaxation), expected)


def test_the_image_is_interpolated_between_saved_times_that_are_far_apart(ax):
    solution = solve(save_at=[0.0, 0.4, 1.0])
    mesh = plot_density_image(ax, solution)
    edges, n = mesh.get_coordinates()[0, :, 0], np.asarray(mesh.get_array())
    assert np.diff(edges).max() < 1.0 / 390
    assert np.array_equal(columns_of(mesh, solution), solution.density.T)
    middle = int(np.searchsorted(edges, 0.7))
    halfway = 0.5 * (solution.density[1] + solution.density[2])
    np.testing.assert_allclose(n[:, middle], halfway, atol=0.01 * halfway.max())


def test_elements_are_drawn_by_their_polynomials(ax):
    model = fp.nnlif(b=0.5)
    solution = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 1.0), estimate_error=False)
    mesh = plot_density_image(ax, solution)
    corners, n = mesh.get_coordinates(), np.asarray(mesh.get_array())
    assert np.array_equal(np.isin(solution.grid.edges, corners[:, 0, 1]), np.ones(len(solution.grid.edges), dtype=bool))
    v = 0.5 * (corners[1:, 0, 1] + corners[:-1, 0, 1])
    np.testing.assert_allclose(n[:, 0], fp.gaussian(0.0, 0.25).value(v, 2.0), atol=1e-3)


def test_a_negative_density_is_shown_in_red_and_rounding_is_not(ax):
    with pytest.warns(fp.FokkerPlanckWarning, match="negative density"):
        solution = solve(external=30.0, scheme=fp.Central(), cells=60)
    mesh = plot_density_image(ax, solution)
    values = np.asarray(mesh.get_array())
    red = np.all(mesh.to_rgba(values) == matplotlib.colors.to_rgba(COLOURS["rate"]), axis=-1)
    assert np.any(red)
    assert np.array_equal(red, values < 0.0)
    drawn, held = columns_of(mesh, solution), solution.density.T
    assert np.array_equal(drawn < 0.0, held < -1e-6)
    assert np.array_equal(drawn[held < -1e-6], held[held < -1e-6])


def test_an_image_of_one_density_is_refused(ax):
    with pytest.raises(fp.InvalidArgument, match="at least two saved densities"):
        plot_density_image(ax, solve(save_at=[0.5]))


def test_snapshots_reach_zero_at_the_threshold(relaxation, ax):
    lines = plot_snapshots(ax, relaxation)
    assert len(lines) == 5
    for line in lines:
        v, n = line.get_data()
        assert (v[-1], n[-1]) == (relaxation.grid.V_F, 0.0)
    assert lines[0].get_label() == "$t = 0$"
    assert lines[-1].get_label() == "$t = 1$"


def test_snapshots_at_given_times_are_the_nearest_saved_ones(relaxation, ax):
    (line,) = plot_snapshots(ax, relaxation, times=[0.5])
    nearest = np.argmin(np.abs(relaxation.saved_t - 0.5))
    assert np.array_equal(line.get_ydata()[:-1], relaxation.density[nearest])
    with pytest.raises(fp.InvalidArgument, match=r"within \[0, 1\]"):
        plot_snapshots(ax, relaxation, times=[0.5, 1.5])


@pytest.mark.parametrize("panel", [plot_snapshots, plot_density_image])
def test_reset_and_threshold_are_marked(panel, relaxation, ax):
    panel(ax, relaxation)
    place = "get_xdata" if panel is plot_snapshots else "get_ydata"
    for colour, potential in (("reset", relaxation.grid.V_R), ("threshold", relaxation.grid.V_F)):
        (line,) = [line for line in lines_in(ax, colour) if line.get_linestyle() == "--"]
        assert set(getattr(line, place)()) == {potential}
    assert texts_in(ax) == ["$V_R$", "$V_F$"]


def test_the_limits_of_v_show_where_the_mass_is(blow_up, ax):
    plot_snapshots(ax, blow_up)
    low, high = ax.get_xlim()
    assert blow_up.grid.v_min < low < -3.0
    assert high > blow_up.grid.V_F
    outside = (blow_up.density * blow_up.grid.width)[:, blow_up.v < low].sum(axis=1)
    assert outside.max() < 1e-3


def test_a_figure_shows_itself_in_a_notebook_and_leaves_pyplot_alone(relaxation):
    figure = relaxation.plot()
    assert figure._repr_png_().startswith(b"\x89PNG")
    assert figure.get_suptitle() == "$b = 0.5$, $a = 1$:  $t \\leq 1$"
    if "matplotlib.pyplot" in sys.modules:
        assert sys.modules["matplotlib.pyplot"].get_fignums() == []


@pytest.mark.parametrize(
    ("laws", "title"),
    [
        ({"threshold": fp.RandomThreshold(0.02), "delay": 0.1}, "$b = 3$, $a = 1$, $\\varepsilon = 0.02$, $d = 0.1$:"),
        (
            {"refractory": fp.ExponentialRefractory(0.2), "drift": fp.QuadraticDrift()},
            "$b = 3$, $a = 1$, $\\tau = 0.2$, quadratic drift:",
        ),
        (
            {"refractory": fp.FixedRefractory(0.2), "drift": fp.ExponentialDrift(0.5, 1.0)},
            "$b = 3$, $a = 1$, $\\tau = 0.2$ (fixed), exponential drift:",
        ),
        (
            {"threshold": fp.SoftThreshold(lambda v: np.exp(v - 2.0)), "drift": lambda v: -2.0 * v},
            "$b = 3$, $a = 1$, soft threshold, drift $f(v)$:",
        ),
    ],
)
def test_the_title_names_the_laws_that_are_not_the_default(laws, title, tmp_path):
    model = fp.nnlif(b=3.0, **laws)
    datum = fp.gaussian(0.0, 0.25)
    solution = fp.solve(model, datum, (0.0, 0.01), model.grid(90, v_min=-9.0), estimate_error=False)
    figure = solution.plot()
    assert figure.get_suptitle().startswith(title)
    figure.savefig(tmp_path / "run.png", dpi=40)


def test_what_is_above_the_threshold_is_in_the_picture(ax):
    model = fp.nnlif(b=0.5, external=3.0, threshold=fp.RandomThreshold(0.5))
    solution = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 2.0), model.grid(120), estimate_error=False)
    plot_snapshots(ax, solution)
    outside = (solution.density * solution.grid.width)[:, solution.v > ax.get_xlim()[1]].sum(axis=1)
    assert outside.max() < 1e-3
    assert ax.get_xlim()[1] > 3.0


@pytest.mark.parametrize("panel", [plot_snapshots, plot_density_image])
def test_a_threshold_far_away_is_named_and_does_not_hide_the_density(panel, ax):
    model = fp.nnlif(b=0.0, V_R=-100.0, V_F=100.0, external=0.5, drift=fp.QuadraticDrift())
    solution = fp.solve(model, fp.gaussian(-1.0, 0.5), (0.0, 2.0), rtol=1e-3, estimate_error=False)
    panel(ax, solution)
    low, high = ax.get_xlim() if panel is plot_snapshots else ax.get_ylim()
    assert -60.0 < low < -3.0 < 3.0 < high < 60.0
    assert [text.split("\\")[0] for text in texts_in(ax)] == ["$V_R = -100", "$V_F = 100"]


@pytest.fixture(scope="module")
def eventful():
    model = fp.nnlif(b=0.5)
    grid = model.grid(200, finest=1e-3)
    return fp.solve(model, fp.gaussian(1.83, 0.003), (0.0, 0.1), grid=grid, clock=fp.ActivityClock())


def test_a_firing_event_is_an_arrow_with_its_size(eventful, ax):
    plot_rate(ax, eventful)
    (jump,) = eventful.jumps
    assert [line.get_xdata()[0] for line in lines_in(ax, "bound")] == [jump.time, jump.time]
    assert any(f"{jump.fraction:.3g}" in text for text in texts_in(ax))
    assert ax.get_yscale() == "log"
    plot_solution(eventful)


def test_what_has_fired_is_drawn_with_its_step(eventful, ax):
    (line,) = plot_fired(ax, {"density": eventful})
    assert np.array_equal(line.get_xdata(), eventful.t)
    assert np.array_equal(line.get_ydata(), eventful.fired)


@pytest.mark.parametrize("overshoot", ["keep", "none"])
def test_a_cascade_is_drawn_stage_by_stage(overshoot, tmp_path):
    model = fp.nnlif(b=0.9)
    grid = model.grid(100, v_min=-2.0)
    state = fp.State(0.0, grid, fp.gaussian(1.9, 0.02).cell_averages(grid), np.inf)
    found = fp.cascade(model, state, overshoot)
    figure = found.plot()
    left, right = figure.axes
    stages = [line for line in left.lines if len(line.get_xdata()) == grid.cells]
    assert len(stages) == 5
    assert np.array_equal(stages[-1].get_ydata(), found.density[-1])
    assert np.array_equal(right.lines[0].get_ydata(), found.waiting)
    figure.savefig(tmp_path / "cascade.png", dpi=40)


@pytest.mark.parametrize("raster", [0, 20])
def test_particles_are_drawn(raster, tmp_path):
    sol = fp.simulate(fp.nnlif(b=0.8), 2000, fp.gaussian(1.8, 0.01), (0.0, 0.1), dt=1e-3, raster=raster)
    assert len(sol.jumps) == 1
    figure = sol.plot()
    assert len(figure.axes) == (4 if raster else 3)
    figure.savefig(tmp_path / "particles.png", dpi=40)
    axes = Figure().subplots()
    (line,) = plot_generations(axes, sol.jumps[0])
    assert line.get_ydata().sum() == pytest.approx(sol.jumps[0].fraction)
    if raster:
        points = plot_raster(Figure().subplots(), sol)
        assert len(points.get_offsets()) == len(sol.raster[0])


def test_what_was_not_recorded_is_not_drawn(eventful, ax):
    sol = fp.simulate(fp.nnlif(b=0.5), 10, fp.gaussian(0.0, 0.25), (0.0, 0.1))
    with pytest.raises(fp.InvalidArgument, match=r"has no raster.*raster=100"):
        plot_raster(ax, sol)
    with pytest.raises(fp.InvalidArgument, match="no generations"):
        plot_generations(ax, eventful.jumps[0])
    sol.plot()


@pytest.mark.parametrize("draw", [plot_rate, plot_density_image, plot_snapshots])
def test_what_is_no_single_density_is_refused_with_what_to_do(draw):
    pair = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    networks = fp.solve(pair, fp.gaussian(0.0, 0.25), (0.0, 0.1), grid=pair.grid(60), estimate_error=False)
    neurons = fp.simulate(fp.nnlif(b=0.5), 100, fp.gaussian(0.0, 0.25), (0.0, 0.1), seed=0)
    ax = Figure().subplots()
    with pytest.raises(fp.InvalidArgument, match=r"sol\.lane"):
        draw(ax, networks)
    with pytest.raises(fp.InvalidArgument, match=r"ParticleSolution with \.plot\(\)"):
        draw(ax, neurons)
