"""Regions of the plane of inhibition and external rate, and the lines between them."""

from dataclasses import replace

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.networks.phase_diagram import LABELS, _chained, network_label, state_label

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
NETWORK = fp.BrunelNetwork(NEURON, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015)


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


@pytest.mark.parametrize(
    ("changes", "named"),
    [
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
