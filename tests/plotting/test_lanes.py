"""Panels of neurons that differ in their synapses: what is drawn is what was computed."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from scipy.sparse import csc_array

import fokkerplanck as fp
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.plotting import plot_label_density, plot_synapses, plot_tree_gaps
from fokkerplanck.trees import Observable, TreeGap

NEURON = fp.nnlif(
    b=0.0, a0=0.125, V_R=0.0, V_F=1.0, threshold=fp.SoftThreshold(lambda v: 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2)))
)


@pytest.fixture
def ax():
    return Figure().subplots()


@pytest.fixture(scope="module")
def solution():
    model = fp.ExtendedPopulation(lambda x, y: x - y, NEURON, 6, external=lambda xi: xi)
    grid = model.grid(80, v_min=-2.5, v_max=6.0)
    return fp.solve(model, fp.gaussian(0.2, 0.09), (0.0, 0.4), grid=grid, save_at=[0.0, 0.4], estimate_error=False)


def test_the_density_of_every_label_has_the_height_of_its_weight(ax, solution):
    image = plot_label_density(ax, solution)
    np.testing.assert_array_equal(np.asarray(image.get_array()).reshape(6, -1), solution.density[-1])
    edges = image.get_coordinates()[:, 0, 1]
    np.testing.assert_allclose(np.diff(edges), solution.model.weight, rtol=1e-12)
    low, high = ax.get_xlim()
    held = (solution.v > low) & (solution.v < high)
    assert solution.model.average(solution.density[-1])[held] @ solution.grid.width[held] > 0.999


def test_lanes_can_be_put_in_another_order(ax, solution):
    image = plot_label_density(ax, solution, 0, labels=-solution.model.xi)
    np.testing.assert_array_equal(np.asarray(image.get_array()).reshape(6, -1), solution.density[0][::-1])


def test_what_cannot_be_drawn_is_refused(ax, solution):
    with pytest.raises(InvalidArgument, match="index"):
        plot_label_density(ax, solution, 2)
    with pytest.raises(InvalidArgument, match="labels"):
        plot_label_density(ax, solution, labels=[1.0])
    other = fp.solve(fp.nnlif(b=0.0), fp.gaussian(0.0, 0.25), (0.0, 0.1), estimate_error=False)
    with pytest.raises(InvalidArgument, match="solution"):
        plot_label_density(ax, other)


@pytest.mark.parametrize("kind", [np.array, csc_array, lambda m: fp.SynapseMatrix(m)])
def test_synapses_are_pixels(ax, kind):
    matrix = np.array([[0.0, 1.0, 0.0], [-2.0, 0.0, 0.5], [0.0, 0.0, 0.0]])
    np.testing.assert_array_equal(plot_synapses(ax, kind(matrix)).get_array(), matrix)
    turned = plot_synapses(ax, kind(matrix), order=[2, 0, 1]).get_array()
    np.testing.assert_array_equal(turned, matrix[np.ix_([2, 0, 1], [2, 0, 1])])


@pytest.mark.parametrize("kind", [np.array, csc_array])
def test_many_synapses_are_means(ax, kind):
    matrix = np.random.default_rng(1).normal(size=(600, 600))
    pixels = np.asarray(plot_synapses(ax, kind(matrix)).get_array())
    assert pixels.shape == (256, 256)
    where = np.arange(600) * 256 // 600
    first = matrix[np.ix_(where == 3, where == 7)]
    assert pixels[3, 7] == pytest.approx(first.mean())


def test_a_network_without_synapses_can_be_drawn(ax):
    assert not np.any(plot_synapses(ax, np.zeros((4, 4))).get_array())


@pytest.mark.parametrize(("limits", "scale"), [([0.5, 0.9], "linear"), ([0.01, 0.9], "log"), ([-0.1, 0.9], "linear")])
def test_observables_stand_beside_their_limits(ax, limits, scale):
    gaps = [
        TreeGap(fp.Tree.chain(k + 1), Observable(at + 0.01, np.nan, np.empty(0)), at) for k, at in enumerate(limits)
    ]
    diagonal, points = plot_tree_gaps(ax, {"N = 10": gaps})
    np.testing.assert_allclose(points.get_xydata(), [[at, at + 0.01] for at in limits])
    np.testing.assert_array_equal(*diagonal.get_data())
    assert ax.get_xscale() == scale
    assert ax.get_xlim()[0] < min(limits)
