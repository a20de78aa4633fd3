"""The map of fates shows what the table says."""

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.plotting import plot_fates

PLACES = {"b": [0.5, 1.5, 3.0], "m": [-1.0, 0.0]}
STATUS = np.array([["steady", "steady"], ["finished", "blow-up"], ["blow-up", "blow-up"]])
T_STAR = np.array([[np.nan, np.nan], [np.nan, 2.0], [0.5, 0.01]])


def record():
    b, m = np.meshgrid(PLACES["b"], PLACES["m"], indexing="ij")
    kinds = [("b", float), ("m", float), ("status", "U9"), ("t_star", float)]
    return np.rec.fromarrays([b, m, STATUS, T_STAR], dtype=kinds)


def dataset():
    xarray = pytest.importorskip("xarray")
    return xarray.Dataset({"status": (("b", "m"), STATUS), "t_star": (("b", "m"), T_STAR)}, coords=PLACES)


@pytest.mark.parametrize("table", [record, dataset], ids=["record array", "xarray"])
def test_the_times_are_where_the_axes_say(table):
    figure = plot_fates(table(), certified=STATUS == "blow-up")
    ax, bar = figure.axes
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("b", "m")
    fates, times = ax.collections[:2]
    shown = times.get_array().reshape(2, 3)
    np.testing.assert_array_equal(np.ma.filled(shown, np.nan), T_STAR.T)
    assert np.ma.count(fates.get_array()) == 3
    assert bar.get_ylabel().startswith("time of blow-up")
    words = [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    assert words == ["steady", "finished", "certified by the theorem"]


def test_exactly_the_certified_cells_are_hatched():
    certified = np.array([[False, True], [False, False], [True, True]])
    table = record()[::-1]  # what is certified is sorted with the table
    ax = plot_fates(table, certified=certified[::-1]).axes[0]
    (hatched,) = [patch for patch in ax.patches if patch.get_hatch()]
    corners = sorted((*cell.min(axis=0), *cell.max(axis=0)) for cell in hatched.get_path().to_polygons())
    # Between the points cells meet in the middle, b = 0.5 | 1.0 | 1.5 | 2.25 | 3.0 and m = −1 | −0.5 | 0.
    assert corners == [(0.0, -0.5, 1.0, 0.5), (2.25, -1.5, 3.75, -0.5), (2.25, -0.5, 3.75, 0.5)]
    outline = ax.collections[-1].get_segments()
    assert len(outline) == 4 + 6


def test_without_a_blow_up_there_are_no_times():
    table = record()
    table["status"] = "steady"
    assert len(plot_fates(table).axes) == 1


def test_what_is_no_map_is_refused():
    with pytest.raises(fp.InvalidArgument, match="must come from"):
        plot_fates({"status": 1.0})
    with pytest.raises(fp.InvalidArgument, match="two axes, not 1"):
        plot_fates(record()[0])


def test_an_axis_may_run_backwards_and_times_may_be_negative():
    table, backwards = record(), record()[::-1]
    times = [plot_fates(one).axes[0].collections[1].get_array() for one in (table, backwards)]
    np.testing.assert_array_equal(np.ma.filled(times[0], np.nan), np.ma.filled(times[1], np.nan))
    early = record()
    early["t_star"] -= 5.0
    shown = plot_fates(early).axes[0].collections[1].get_array()
    assert np.ma.count(shown) == 3
    assert shown.min() == pytest.approx(-4.99)


def test_what_is_certified_has_the_shape_of_the_map():
    with pytest.raises(fp.InvalidArgument, match="`certified` must be True or False at"):
        plot_fates(record(), certified=np.ones(3, dtype=bool))
    plot_fates(record()[:1], certified=np.ones((1, 2), dtype=bool))
