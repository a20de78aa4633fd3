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


def test_rates_of_several_populations_need_their_names():
    net = fp.PlasticNetwork(
        {"X": NEURON, "Y": NEURON}, {("X", "X"): fp.FixedDegree(10)}, fp.StaticWeight(0.1), 13.0, 5.0
    )
    with pytest.raises(fp.InvalidArgument, match="`rates` must be a mapping"):
        fp.rate_distribution(net).plot(np.ones(5))


@pytest.mark.parametrize("rates", [[], [np.nan, 1.0]])
def test_rates_must_be_numbers(rates):
    with pytest.raises(fp.InvalidArgument, match="`rates` must be finite"):
        solved().plot(rates)


def test_neurons_without_synapses_are_a_line():
    found = solved(fp.PoissonDegrees(3.0), fp.StaticWeight(0.5))
    (ax,) = found.plot(found.sample(100).rate, label="drawn").axes
    labels = ax.get_legend_handles_labels()[1]
    assert any(label.startswith("0.05 at") for label in labels)
    assert "drawn" in labels


def test_a_diverging_density_does_not_set_the_height():
    (ax,) = plot_in_neighbours(fp.GammaDegrees(100.0, 300.0, correlation=0.5)).axes
    assert ax.get_ylim()[1] < 0.1
    (ax,) = plot_in_neighbours(fp.FixedDegree(10)).axes  # without a warning of equal limits
    assert ax.get_xlim() == (9.5, 10.5)


def test_points_are_lines():
    point = solved(fp.FixedDegree(100))
    (ax,) = plot_rate_distribution(point, np.full(10, point.mean)).axes
    assert len(ax.lines) == 1
    assert len(plot_weight_distribution(point.weights()).axes[0].lines) == 1
    assert len(plot_weight_distribution(solved().weights()).axes[0].lines) == 1
