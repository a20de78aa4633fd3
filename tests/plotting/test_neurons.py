"""Figures of one neuron: what is drawn where."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.plotting import plot_interval_laws, plot_rate_map, plot_rate_surface

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
RANGES = ((0.0, 40.0), (0.0, 12.0))
DOTS = (np.array([15.0, 25.0]), np.array([5.0, 3.0]), np.array([9.46, 44.07]))


def test_dots_that_agree_have_the_colour_of_their_surroundings():
    ax = Figure().subplots()
    filled = plot_rate_map(ax, NEURON, *RANGES, DOTS)
    dots = ax.collections[-1]
    np.testing.assert_allclose(dots.get_offsets(), np.transpose(DOTS[:2]))
    for value, colour in zip(DOTS[2], dots.to_rgba(dots.get_array()), strict=True):
        band = np.searchsorted(filled.levels, value) - 1
        nearby = filled.to_rgba(filled.levels[[band, band + 1]])
        assert np.all(colour >= np.min(nearby, axis=0) - 0.02)
        assert np.all(colour <= np.max(nearby, axis=0) + 0.02)
    assert ax.get_xlim() == RANGES[0]


def test_the_surface_and_the_distance_of_each_dot():
    ax = Figure().add_subplot(projection="3d")
    plot_rate_surface(ax, NEURON, *RANGES, (*DOTS[:2], 1.1 * DOTS[2]))
    lengths = [np.diff(line.get_data_3d()[2])[0] for line in ax.lines]
    np.testing.assert_allclose(lengths, 0.1 * DOTS[2], rtol=2e-3)


def test_intervals():
    laws = {"a": fp.interval_law(25.0, 3.0, NEURON), "b": fp.interval_law(15.0, 5.0, NEURON)}
    ax = Figure().subplots()
    lines = plot_interval_laws(ax, laws, {"a": laws["a"].sample(2000)})
    assert [line.get_label() for line in lines] == ["a", "b"]
    t, f = lines[0].get_data()
    np.testing.assert_array_equal(f, laws["a"].density(t))
    (histogram,) = ax.patches
    heights, edges, _ = histogram.get_data()
    assert np.sum(heights * np.diff(edges)) == pytest.approx(0.999, abs=0.003)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda ax: plot_rate_map(ax, NEURON, (1.0, 1.0), (0.0, 1.0)), "`mu` must be a range"),
        (lambda ax: plot_rate_map(ax, NEURON, (0.0, 1.0), (-1.0, 1.0)), "`sigma` = -1"),
        (lambda ax: plot_rate_map(ax, NEURON, *RANGES, ([1.0], [1.0], [1.0, 2.0])), "`dots` must be three"),
        (lambda ax: plot_interval_laws(ax, {}), "`laws` must be"),
        (
            lambda ax: plot_interval_laws(ax, {"a": fp.interval_law(25.0, 3.0, NEURON)}, {"b": [1.0]}),
            "`samples` holds 'b'",
        ),
    ],
)
def test_refusals(call, message):
    with pytest.raises(fp.InvalidArgument, match=message):
        call(Figure().subplots())
