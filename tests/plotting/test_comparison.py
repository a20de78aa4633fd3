"""Solutions laid over each other: what is drawn is what was computed, on the time that both have."""

import numpy as np
import pytest
from matplotlib.colors import same_color

import fokkerplanck as fp
from fokkerplanck.plotting.style import POPULATIONS

START = fp.compatible_gaussian(0.0, 0.25)


def solved(end=1.0, scheme=None, cells=80, b=0.5, **options):
    model = fp.nnlif(b=b)
    return fp.solve(model, START, (0.0, end), grid=model.grid(cells), scheme=scheme, estimate_error=False, **options)


@pytest.fixture(scope="module")
def runs():
    return solved(), solved(0.7, fp.Upwind(), 50)


@pytest.fixture(scope="module")
def neurons():
    return fp.simulate(fp.nnlif(b=0.5), 4000, START, (0.0, 1.0), dt=2e-3, save_at=[0.0, 0.5, 1.0], seed=3)


def lines_of(ax, k):
    return [line for line in ax.lines if same_color(line.get_color(), POPULATIONS[k])]


def panels_of(figure):
    """N, its difference, and the densities."""
    (below,) = [ax for ax in figure.axes if ax.get_ylabel().startswith("$|")]
    return figure.axes[0], below, [ax for ax in figure.axes if ax.get_ylabel() == "density"]


def test_rates_and_their_difference_are_those_of_the_solutions(runs):
    one, other = runs
    rate, below, _ = panels_of(fp.compare(one, other))
    for k, run in enumerate(runs):
        (line,) = lines_of(rate, k)
        assert set(run.t) <= set(line.get_xdata())
        np.testing.assert_array_equal(line.get_ydata(), run.rate_at(line.get_xdata()))
    (line,) = lines_of(below, 1)
    t, difference = line.get_data()
    assert t[-1] == other.t[-1] < one.t[-1]
    known = np.isfinite(difference)
    np.testing.assert_array_equal(difference[known], np.abs(one.rate_at(t) - other.rate_at(t))[known])
    assert known.mean() > 0.9
    assert below.get_yscale() == "log"
    assert "where both are known" in below.get_xlabel()
    assert "known" not in panels_of(fp.compare(one, one))[1].get_xlabel()


def test_solutions_differ_in_colour_and_in_line_style(runs):
    rate = fp.compare(*runs, runs[0]).axes[0]
    drawn = rate.lines[:3]
    assert len({line.get_color() for line in drawn}) == 3
    assert len({line._unscaled_dash_pattern for line in drawn if isinstance(line._unscaled_dash_pattern, tuple)}) == 3


def test_densities_are_drawn_on_their_own_grids_at_common_times(runs):
    figure = fp.compare(*runs, labels=["fine", "coarse"])
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["fine", "coarse"]
    panels = panels_of(figure)[2]
    assert [panel.get_title(loc="left") for panel in panels] == ["$t = 0$", "$t = 0.35$", "$t = 0.7$"]
    for k, run in enumerate(runs):
        (line,) = lines_of(panels[0], k)
        np.testing.assert_array_equal(line.get_ydata()[:-1], run.density[0])
        np.testing.assert_array_equal(line.get_xdata()[:-1], run.v)


def test_what_does_not_differ_is_said(runs):
    below = panels_of(fp.compare(runs[0], runs[0]))[1]
    assert [text.get_text() for text in below.texts] == ["no difference beyond rounding"]


def test_neurons_are_compared_by_windows_with_their_standard_error(runs, neurons):
    one, _ = runs
    rate, below, _ = panels_of(fp.compare(one, neurons))
    error, difference = lines_of(below, 1)
    (means,) = lines_of(rate, 1)
    spikes = np.nan_to_num(means.get_ydata()) @ np.full(len(means.get_xdata()), 1.0 / len(means.get_xdata()))
    assert spikes == pytest.approx(neurons.fired[-1], rel=0.02)  # windows are nearly of the same length
    t, seen = difference.get_data()
    exact = np.abs(one.rate_at(t) - np.interp(t, means.get_xdata(), np.nan_to_num(means.get_ydata())))
    np.testing.assert_allclose(seen, exact, atol=2e-3)
    known = np.isfinite(error.get_ydata()) & np.isfinite(seen)
    assert np.mean(seen[known] < 3.0 * error.get_ydata()[known]) > 0.9
    fp.compare(neurons, one, neurons)


def test_firing_events_may_lie_on_both_sides(tmp_path):
    model, start = fp.nnlif(b=0.5), fp.gaussian(1.83, 0.003)
    density = fp.solve(
        model, start, (0.0, 0.02), grid=model.grid(120, finest=1e-3), clock=fp.ActivityClock(), estimate_error=False
    )
    neurons = fp.simulate(model, 1000, start, (0.0, 0.02), dt=1e-4)
    figure = fp.compare(density, neurons)
    assert figure.axes[0].get_yscale() == "log"
    figure.savefig(tmp_path / "events.png", dpi=40)


def test_populations_have_a_column_each(tmp_path):
    runs = []
    for b in (0.25, 1.0):
        network = fp.excitatory_inhibitory(0.5, b, 0.25, 1.0)
        runs.append(fp.solve(network, START, (0.0, 0.3), grid=network.grid(60), estimate_error=False))
    figure = fp.compare(*runs)
    assert len(figure.axes) == 6
    assert [ax.get_ylabel() for ax in figure.axes[:2]] == ["$N_{E}(t)$", "$N_{I}(t)$"]
    line = figure.axes[1].lines[1]
    np.testing.assert_array_equal(line.get_ydata(), runs[1].rate_at(line.get_xdata())[:, 1])
    figure.savefig(tmp_path / "network.png", dpi=40)


def test_without_saved_densities_rates_are_compared_alone(runs):
    assert len(fp.compare(runs[0], solved(save_at=[])).axes) == 2
    late = solved(save_at=[0.9, 1.0])
    assert len(fp.compare(runs[1], late).axes) == 2  # the other one ends at 0.7


def test_what_cannot_be_compared_is_refused(runs):
    one, other = runs
    network = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    two = fp.solve(network, START, (0.0, 0.1), grid=network.grid(60), estimate_error=False)
    later = fp.solve(one.model, one.final, (1.0, 1.1), estimate_error=False)
    for solutions, options, message in (
        ((one,), {}, "two to 5"),
        ((one,) * 6, {}, "two to 5"),
        ((one, two), {}, r"1, 2 populations.*sol\.lane"),
        ((one, later), {}, "no time in common"),
        ((one, other.rate), {}, r"fp\.solve or fp\.simulate"),
        ((one, other), {"labels": ["a"]}, "`labels`"),
        ((one, other), {"labels": "ab"}, "`labels`"),
    ):
        with pytest.raises(fp.InvalidArgument, match=message):
            fp.compare(*solutions, **options)


def test_equal_solutions_have_a_picture_too(tmp_path):
    model = fp.nnlif(b=0.5)
    sol = fp.solve(model, fp.compatible_gaussian(0.0, 0.25), (0.0, 0.5), grid=model.grid(60))
    figure = fp.compare(sol, sol, labels=["_one", "the same"])
    figure.savefig(tmp_path / "equal.png")
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == [" _one", "the same"]
    assert any("no difference" in text.get_text() for ax in figure.axes for text in ax.texts)


def test_a_blow_up_beside_one_that_is_none(tmp_path):
    runs = [
        fp.solve(model, fp.gaussian(-1.0, 0.5), (0.0, 4.0), grid=model.grid(160, finest=0.002), estimate_error=False)
        for model in (fp.nnlif(b=3.0), fp.nnlif(b=0.5))
    ]
    fp.compare(*runs).savefig(tmp_path / "both.png")  # Matplotlib's warnings are errors here
