"""Figures of distributions of rates."""

import numpy as np
import pytest

import fokkerplanck as fp
from fokkerplanck.plotting import plot_in_neighbours, plot_rate_distribution, plot_weight_distribution

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)


def solved(degrees=fp.GammaDegrees(100.0, 40.0), rule=fp.SaturatingWeight(0.16, 10.0)):
    return fp.rate_distribution(fp.PlasticNetwork(NEURON, degrees, rule, 13.0, 5.0))


@pytest.mark.parametrize("law", [fp.GammaDegrees(30.0, 12.0, correlation=0.5), fp.PoissonDegrees(20.0)])
def test_in_neighbours(law):
    figure = plot_in_neighbours(law, fp.measured_degrees(law.graph(300)))
    (ax,) = figure.axes
    assert [line.get_label()[:2] for line in ax.lines] == ["ne", "in"]
    assert len(ax.patches) == 2


def test_rates_over_a_histogram():
    found = solved()
    rates = found.sample(500).rate
    (ax,) = plot_rate_distribution(found, rates).axes
    x, y = ax.lines[0].get_data()
    np.testing.assert_allclose(y, found.density(x))
    heights = [patch.get_height() * patch.get_width() for patch in ax.patches]
    assert sum(heights) == pytest.approx(1.0)
    with pytest.raises(fp.InvalidArgument, match="`rates` has 'E'"):
        plot_rate_distribution(found, {"E": rates})


def test_points_are_lines():
    point = solved(fp.FixedDegree(100))
    (ax,) = plot_rate_distribution(point, np.full(10, point.mean)).axes
    assert len(ax.lines) == 1
    assert len(plot_weight_distribution(point.weights()).axes[0].lines) == 1
    assert len(plot_weight_distribution(solved().weights()).axes[0].lines) == 1
