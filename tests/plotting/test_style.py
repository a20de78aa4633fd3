"""How figures look: axes first, nothing global, and colours that everybody can tell apart."""

import inspect
from itertools import combinations

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

import fokkerplanck as fp
import fokkerplanck.plotting as plotting
from fokkerplanck.plotting.style import COLOURS, DASHES, POPULATIONS, STYLE

MAKE_FIGURES = {
    "plot_bifurcations", "plot_cascade", "plot_characteristics", "plot_fates", "plot_in_neighbours",
    "plot_interval_fit", "plot_kinetic", "plot_kinetic_state", "plot_learning", "plot_membrane", "plot_particles",
    "plot_phase_diagram", "plot_phase_plane", "plot_populations", "plot_rate_distribution", "plot_solution",
    "plot_trains", "plot_weight_distribution",
}  # fmt: skip
"""Whole figures with all that belongs to them; the other functions draw into axes."""
FUNCTIONS = sorted(name for name in plotting.__all__ if name.startswith("plot_"))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_takes_axes_and_returns_artists_or_makes_a_figure(name):
    function = getattr(plotting, name)
    first, returned = next(iter(inspect.signature(function).parameters)), function.__annotations__["return"]
    if name in MAKE_FIGURES:
        assert (first != "ax", returned) == (True, "Figure")
    else:
        assert first == "ax"
        assert returned not in ("None", "Figure", "Axes")


def test_figures_have_the_sizes_of_the_style_and_leave_the_settings_alone(tmp_path):
    before = dict(mpl.rcParams)
    with mpl.rc_context({"font.size": 22.0, "xtick.labelsize": 22.0}):
        figure = fp.stationary_states(fp.nnlif(b=0.5))[0].plot()
        figure.savefig(tmp_path / "state.png", dpi=40)
        (ax,) = figure.axes
        assert ax.xaxis.label.get_size() == STYLE["axes.labelsize"]
        assert ax.get_xticklabels()[0].get_size() == STYLE["xtick.labelsize"]
    assert dict(mpl.rcParams) == before


def test_axes_that_are_passed_keep_the_settings_of_their_owner():
    with mpl.rc_context({"legend.fontsize": 17.0}):
        ax = Figure().subplots()
        degrees = fp.GammaDegrees(100.0, 40.0)
        plotting.plot_in_neighbours(degrees, ax=ax)
        assert ax.get_legend().get_texts()[0].get_size() == 17.0
        (own,) = plotting.plot_in_neighbours(degrees).axes
        assert own.get_legend().get_texts()[0].get_size() == STYLE["legend.fontsize"]


# Viénot, Brettel, Mollon, Color Research and Application 24 (1999) 243: cone responses to the primaries of a screen,
# and what is left of them for dichromats.
CONES = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.0, 2.02344, -2.52581], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    "deuteranopia": np.array([[1.0, 0.0, 0.0], [0.494207, 0.0, 1.24827], [0.0, 0.0, 1.0]]),
}
# IEC 61966-2-1, and CIE 15 for L*a*b*.
XYZ = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
MARGIN = 18.0
"""In L*a*b*, where 2.3 can just be told apart side by side; lines are thin and lie apart."""


def lab(colour, vision):
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.linalg.solve(CONES, VISION[vision] @ CONES @ linear), 0.0, 1.0)
    ratio = XYZ @ seen / (XYZ @ np.ones(3))
    f = np.where(ratio > (6 / 29) ** 3, np.cbrt(ratio), ratio / (3 * (6 / 29) ** 2) + 4 / 29)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(one, other, vision):
    return float(np.linalg.norm(lab(one, vision) - lab(other, vision)))


def test_the_distance_is_that_of_the_standard_and_sees_a_confusion():
    np.testing.assert_allclose(lab("white", "normal"), [100.0, 0.0, 0.0], atol=1e-3)
    np.testing.assert_allclose(lab("red", "normal"), [53.24, 80.09, 67.20], atol=0.05)
    for vision in ("protanopia", "deuteranopia"):
        np.testing.assert_allclose(lab("0.5", vision), lab("0.5", "normal"), atol=0.5)  # greys stay
    assert distance("#c08000", "#80a000", "normal") > 2 * distance("#c08000", "#80a000", "deuteranopia")


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize("pair", list(combinations(sorted(COLOURS), 2)), ids="-".join)
def test_quantities_can_be_told_apart(pair, vision):
    assert distance(*(COLOURS[name] for name in pair), vision) > MARGIN


@pytest.mark.parametrize("vision", VISION)
def test_populations_can_be_told_apart(vision):
    assert min(distance(*pair, vision) for pair in combinations(POPULATIONS, 2)) > MARGIN


def test_there_is_a_line_style_for_each_colour():
    assert len(set(DASHES)) == len(DASHES) == len(POPULATIONS)
