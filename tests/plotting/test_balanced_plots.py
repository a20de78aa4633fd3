"""The figure of a phase diagram."""

import numpy as np
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.plotting import plot_phase_diagram
from fokkerplanck.plotting.balanced import REGIONS

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
NETWORK = fp.BrunelNetwork(NEURON, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015)


def test_regions_and_lines_are_drawn_in_units_of_the_threshold_rate():
    diagram = fp.phase_diagram(NETWORK, g=[5.0, 6.0, 7.0], nu_ext=[20.0, 40.0], bisections=4)
    ax = Figure().subplots()
    figure = plot_phase_diagram(diagram, ax)
    assert figure is ax.figure
    assert ax.get_ylim() == (2.0, 4.0)
    ((line,),) = [lines for lines in diagram.boundaries.values()]
    np.testing.assert_allclose(ax.lines[0].get_xydata(), line * [1.0, 0.1])
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["AI", "SI fast"]


def test_the_colours_change_where_the_lines_are():
    diagram = fp.phase_diagram(NETWORK, g=[5.0, 6.0], nu_ext=[20.0, 40.0], bisections=8)
    ax = Figure().subplots()
    plot_phase_diagram(diagram, ax)
    colours = {to_hex(collection.get_facecolor()[0]): collection for collection in ax.collections}
    ((line,),) = diagram.boundaries.values()
    x, y = np.mean(line, axis=0) * [1.0, 0.1]  # AI below and to the left of it, away from the nearest points

    def coloured(name, point):
        return any(path.contains_point(point) for path in colours[REGIONS[name]].get_paths())

    assert coloured("AI", (x - 0.01, y - 0.01))
    assert not coloured("SI fast", (x - 0.01, y - 0.01))
    assert coloured("SI fast", (x + 0.01, y + 0.01))
    assert not coloured("AI", (x + 0.01, y + 0.01))


def test_something_else_is_refused():
    with pytest.raises(fp.InvalidArgument, match="diagram"):
        plot_phase_diagram(None)
