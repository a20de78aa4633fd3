"""Regions of the plane of inhibition and external rate, and the lines between them."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

import fokkerplanck as fp
from fokkerplanck.networks import phase_diagram
from fokkerplanck.networks.phase_diagram import LABELS, _Cells, _chained, _changes, network_label, state_label

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
NETWORK = fp.BrunelNetwork(NEURON, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015)


@dataclass(frozen=True)
class Place:
    """As much of a network as labels that are given depend on."""

    g: float
    nu_ext: float


@pytest.fixture(scope="module")
def diagram():
    return fp.phase_diagram(NETWORK, g=[5.2, 6.0, 7.0], nu_ext=[6.0, 9.0, 20.0, 40.0], bisections=12)


@pytest.mark.parametrize(
    ("g", "nu_ext", "label"),
    [(3.0, 20.0, "SR"), (6.0, 40.0, "SI fast"), (5.0, 20.0, "AI"), (4.5, 9.0, "SI slow"), (3.8, 30.0, "AR"),
     (6.0, 3.0, "Q"), (3.0, 6.0, "Q + SR")],
)  # fmt: skip
def test_labels(g, nu_ext, label):
    assert network_label(replace(NETWORK, g=g, nu_ext=nu_ext)) == label


def test_a_state_between_two_others_is_a_saddle():
    labels = [state_label(state) for state in fp.balanced_states(replace(NETWORK, g=3.0, nu_ext=6.0))]
    assert labels == ["Q", "saddle", "SR"]


def test_the_arrays_are_those_of_the_states(diagram):
    assert set(np.unique(diagram.label)) <= set(LABELS)
    state = fp.balanced_states(replace(NETWORK, g=7.0, nu_ext=40.0))[-1]
    assert diagram.rate[2, 3] == state.rate
    assert diagram.cv[2, 3] == state.cv[0]
    assert diagram.frequency[2, 3] == state.frequency
    assert diagram.growth_rate[2, 3] == state.growth_rate > 0.0
    assert diagram.count.tolist() == np.ones((3, 4), dtype=int).tolist()
    assert not diagram.rate.flags.writeable


def test_on_the_line_of_fast_oscillations_a_mode_neither_grows_nor_decays(diagram):
    (line,) = diagram.boundaries["AI", "SI fast"]
    assert len(line) == 3
    assert line[0, 0] == 6.0 or line[-1, 0] == 6.0 or line[1, 0] == 6.0
    for g, nu_ext in line:
        (state,) = fp.balanced_states(replace(NETWORK, g=g, nu_ext=nu_ext))
        assert abs(state.growth_rate) * NEURON.tau_m < 5e-3
        assert 160.0 < state.frequency < 200.0


def test_segments_become_lines_whatever_their_order():
    points = [(float(k), float(k * k)) for k in range(6)]
    segments = [(points[k], points[k + 1]) if k % 2 else (points[k + 1], points[k]) for k in (3, 0, 4, 1, 2)]
    (line,) = _chained(segments)
    assert sorted(map(tuple, line.tolist())) == points
    assert np.all(np.abs(np.diff(line[:, 0])) == 1.0)


# -- cells, from labels that are given ------------------------------------------------------------------------------


def divided(monkeypatch, label, g=(0.0, 1.0, 2.0), nu_ext=(0.0, 1.0, 2.0), bisections=12):
    """Polygons and lines of a diagram whose labels are this function of (g, ν_ext)."""
    monkeypatch.setattr(phase_diagram, "network_label", lambda network: label(network.g, network.nu_ext))
    at = Place(0.0, 0.0)
    g, nu_ext = np.array(g), np.array(nu_ext)
    labels = np.array([[label(x, y) for y in nu_ext] for x in g], dtype=object)
    cells = _Cells(g, nu_ext, labels, _changes(at, g, nu_ext, labels, bisections, False))
    cells.divide()
    return cells


def inside(polygons, point):
    """How many of the polygons a point lies in."""
    return sum(Path(polygon).contains_point(point) for polygon in polygons)


def straight(x, y):
    return "low" if x + 0.1 * y < 0.7 else "middle" if x + 0.1 * y < 0.8 else "high"


def strip(x, y):
    return "strip" if abs(y - 0.26 - 0.01 * x) < 0.05 else "around"


def wedges(x, y):
    return "right" if x > 1.3 else "above" if y > 1.6 else "below"


@pytest.mark.parametrize("label", [straight, wedges])
def test_regions_cover_the_diagram_once_and_agree_with_the_labels(monkeypatch, label):
    cells = divided(monkeypatch, label)
    names = set(cells.polygons)
    rng = np.random.default_rng(0)
    for x, y in rng.uniform(0.0, 2.0, (300, 2)):
        found = {name: inside(cells.polygons[name], (x, y)) for name in names}
        assert sum(found.values()) == 1
        if label is straight or max(abs(x - 1.3), abs(y - 1.6)) > 0.5:  # not where three meet, known to half a cell
            assert found[label(x, y)] == 1, (x, y)


def test_two_changes_along_a_side_are_two_boundaries(monkeypatch):
    cells = divided(monkeypatch, straight)
    assert set(cells.segments) == {("low", "middle"), ("high", "middle")}  # and no ("high", "low")
    for pair, where in ((("low", "middle"), 0.7), (("high", "middle"), 0.8)):
        for x, y in np.reshape(cells.segments[pair], (-1, 2)):
            assert x + 0.1 * y == pytest.approx(where, abs=2.0**-12)


def test_a_strip_between_the_points_of_the_grid_goes_through_the_cells(monkeypatch):
    cells = divided(monkeypatch, lambda x, y: "under" if y < 0.1 else strip(x, y))
    for x in (0.3, 0.9, 1.7):
        assert inside(cells.polygons["strip"], (x, 0.26 + 0.01 * x)) == 1
        assert inside(cells.polygons["around"], (x, 0.26 + 0.01 * x)) == 0


def test_a_strip_that_ends_within_a_cell_has_a_tip(monkeypatch):
    def label(x, y):
        return "under" if y < 0.1 else strip(x, y) if x < 0.5 else "around"

    cells = divided(monkeypatch, label, nu_ext=(0.0, 1.0))
    (tip,) = cells.polygons["strip"]
    np.testing.assert_allclose(np.mean(tip, axis=0), [0.5 / 3.0, 0.26], atol=1e-3)


areas = st.lists(st.sampled_from("abcd"), min_size=9, max_size=9)


@given(areas)
def test_whatever_the_labels_the_cells_are_covered(names):
    g = nu_ext = np.arange(3.0)
    labels = np.array(names, dtype=object).reshape(3, 3)
    changes = {}
    for i in range(3):
        for j in range(3):
            for along, (k, m) in enumerate(((i + 1, j), (i, j + 1))):
                if k < 3 and m < 3 and labels[i, j] != labels[k, m]:
                    changes[i, j, along] = [((0.5 * (i + k), 0.5 * (j + m)), labels[i, j], labels[k, m])]
    cells = _Cells(g, nu_ext, labels, changes)
    cells.divide()
    x, y = (
        [np.array(polygon)[:, axis] for polygons in cells.polygons.values() for polygon in polygons] for axis in (0, 1)
    )
    area = [0.5 * np.sum(a * np.roll(b, -1) - b * np.roll(a, -1)) for a, b in zip(x, y, strict=True)]
    assert min(area) > 0.0
    assert sum(area) == pytest.approx(4.0)
    assert set(cells.polygons) == set(names)
    assert all(first < last for first, last in cells.segments)


def test_every_boundary_is_one_between_labels_next_to_it():
    diagram = fp.phase_diagram(NETWORK, g=[3.5, 4.0], nu_ext=[7.5, 9.5], bisections=5)
    assert {name for pair in diagram.boundaries for name in pair} == set(diagram.regions)
    for pair, lines in diagram.boundaries.items():
        for line in lines:
            for g, nu_ext in (line[0], line[-1]):
                if nu_ext in diagram.nu_ext or g in diagram.g:  # not in the middle of a cell
                    near = {
                        network_label(replace(NETWORK, g=g + x * 0.5 / 32, nu_ext=nu_ext + y * 2.0 / 32))
                        for x, y in ((-1, 0), (1, 0), (0, -1), (0, 1))
                    }
                    assert set(pair) <= near


def test_progress_is_shown(capsys):
    fp.phase_diagram(NETWORK, g=[5.0, 6.0], nu_ext=[20.0, 40.0], bisections=1, progress=True)
    shown = capsys.readouterr().err
    assert "4/4" in shown
    assert "2/2" in shown


def test_without_a_state_there_is_no_diagram():
    network = replace(NETWORK, neuron=replace(NEURON, tau_ref=0.0))
    assert fp.balanced_states(replace(network, g=0.5)) == ()
    with pytest.raises(fp.InvalidArgument, match=r"`g` = 0.5.*refractory"):
        fp.phase_diagram(network, g=[0.5, 6.0], nu_ext=[20.0, 40.0])


def test_where_modes_cannot_be_followed_nothing_is_claimed_of_them():
    network = fp.BrunelNetwork(NEURON, 1e9, 0.25, 1e-7, g=5.0, nu_ext=20.0)
    diagram = fp.phase_diagram(network, g=[5.0, 6.0], nu_ext=[20.0, 40.0], bisections=1)
    assert np.unique(diagram.label).tolist() == ["?"]
    assert np.all(np.isnan(diagram.growth_rate))
    assert diagram.boundaries == {}


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"progress": 1}, "progress"),
        ({"network": NETWORK.two_populations()}, "network"),
        ({"g": [5.0]}, "`g`"),
        ({"g": [6.0, 5.0]}, "`g`"),
        ({"g": [-1.0, 5.0]}, "`g`"),
        ({"nu_ext": [0.0, 5.0]}, "`nu_ext`"),
        ({"nu_ext": [1.0, np.inf]}, "`nu_ext`"),
        ({"bisections": 0}, "bisections"),
    ],
)
def test_axes_that_are_none_are_refused(changes, named):
    with pytest.raises(fp.InvalidArgument, match=named):
        fp.phase_diagram(**{"network": NETWORK, "g": [5.0, 6.0], "nu_ext": [20.0, 30.0]} | changes)
