"""Figures of fitted intervals."""

import numpy as np
import pytest
from matplotlib.figure import Figure
from numpy.testing import assert_allclose

import fokkerplanck as fp
from fokkerplanck.plotting import plot_fitted_density, plot_interval_fit, plot_probabilities, plot_survival

NEURON = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0)


@pytest.fixture(scope="module")
def fit():
    return fp.fit_isi(fp.interval_law(15.0, 5.0, NEURON).sample(300, seed=1), NEURON, ("mu", "sigma"))


def test_the_whole_figure(fit):
    figure = fit.plot("ms")
    assert [ax.get_xlabel() for ax in figure.axes] == ["interval (ms)", "fitted probability", "interval (ms)"]
    assert "±" in figure.get_suptitle()


def test_the_histogram_holds_the_intervals(fit):
    steps = plot_fitted_density(Figure().subplots(), fit)
    counts, edges, _ = steps.get_data()
    assert_allclose(np.sum(counts * np.diff(edges)), np.mean(fit.intervals <= edges[-1]))


def test_bins_are_whole_steps_of_the_clock(fit):
    read = 4.0 * np.floor(fit.intervals / 4.0 + 0.5)
    clocked = fp.fit_isi(read, NEURON, ("mu", "sigma"), resolution=4.0)
    _, edges, _ = plot_fitted_density(Figure().subplots(), clocked).get_data()
    assert_allclose(np.diff(edges) % 4.0, 0.0, atol=1e-9)
    assert_allclose(edges[0], -2.0)


def test_probabilities_and_survival_are_those_of_the_data(fit):
    line = plot_probabilities(Figure().subplots(), fit)
    assert_allclose(line.get_xdata(), fit.law.cdf(np.sort(fit.intervals)), atol=1e-8)
    ax = Figure().subplots()
    plot_survival(ax, fit)
    t, left = ax.lines[1].get_data()
    assert_allclose(left, fit.law.survival(t))


def test_only_fits_are_drawn():
    with pytest.raises(fp.InvalidArgument, match="fit_isi"):
        plot_interval_fit(3)
