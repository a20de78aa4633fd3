"""Stationary states and spectra: what is drawn is what was computed, and holds nearly all neurons."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.plotting import plot_kinetic_state, plot_profile, plot_spectrum


@pytest.fixture
def ax():
    return Figure().subplots()


STATES = {
    "hard": lambda: fp.stationary_states(fp.nnlif(b=1.5))[1],
    "random": lambda: fp.stationary_states(fp.nnlif(b=0.5, external=2.0, threshold=fp.RandomThreshold(0.2)))[0],
    "ages": lambda: fp.stationary_states(fp.time_elapsed(fp.StepHazard(1.0)))[0],
    "polarized": lambda: fp.PolarizedState(fp.cell_polarization(mass=1.0), 3.0),
}


@pytest.mark.parametrize("make", STATES.values(), ids=STATES)
def test_a_profile_is_drawn_where_the_neurons_are(make, ax, tmp_path):
    state = make()
    line = plot_profile(ax, state)
    x, n = line.get_data()
    np.testing.assert_allclose(n, state.density(x), rtol=1e-12)
    assert np.trapezoid(n, x) == pytest.approx(1.0, abs=5e-3)
    assert f"{state.rate:.5g}" in ax.get_title(loc="left")
    state.plot().savefig(tmp_path / "state.png", dpi=40)


def test_reset_and_threshold_are_marked(ax):
    state = STATES["hard"]()
    plot_profile(ax, state)
    assert [line.get_xdata()[0] for line in ax.lines[1:]] == [state.model.V_R, state.model.V_F]


def test_a_growing_eigenvalue_stands_out(ax, tmp_path):
    model = fp.nnlif(b=1.5)
    found = fp.spectrum(model, fp.stationary_states(model)[1], count=3)
    line = plot_spectrum(ax, found)
    np.testing.assert_array_equal(np.sort(line.get_xdata()), np.sort(found.eigenvalues.real))
    growing = [line for line in ax.lines if line.get_label() == "grows"]
    assert [x for line in growing for x in line.get_xdata()] == [x.real for x in found.eigenvalues if x.real > 0]
    found.plot().savefig(tmp_path / "spectrum.png", dpi=40)


def test_both_of_a_pair_are_drawn(ax):
    model = fp.nnlif(b=-4.0, external=3.0, delay=0.5)
    (state,) = fp.stationary_states(model)
    for count in (3, 4):  # the first cuts a pair in two
        found = fp.spectrum(model, state, count=count)
        assert np.sum(found.eigenvalues.imag > 0) == 2
        line = plot_spectrum(ax, found)
        np.testing.assert_allclose(np.sort(line.get_ydata()), np.sort(-line.get_ydata()), rtol=1e-9)
        assert len(line.get_ydata()) == 4


def test_the_state_of_conductances_is_drawn(tmp_path):
    model = fp.voltage_conductance(0.1, nu=20.0, f_E=0.05, sigma_E=0.2, V_E=2.0, lanes=12)
    from fokkerplanck.kinetic_states import kinetic_states

    (state,) = kinetic_states(model, cells=30)
    figure = plot_kinetic_state(state)
    mesh = figure.axes[0].collections[0]
    np.testing.assert_array_equal(np.asarray(mesh.get_array()), state.density.T)
    low, high = figure.axes[0].get_xlim()
    inside = (model.g > low) & (model.g < high)
    assert (state.density @ state.grid.width)[inside].sum() * model.dg > 0.995
    state.plot().savefig(tmp_path / "state.png", dpi=40)


def test_what_is_no_state_is_refused(ax):
    with pytest.raises(fp.InvalidArgument, match="`state`"):
        plot_profile(ax, 0.3)
    with pytest.raises(fp.InvalidArgument, match="`spectrum`"):
        plot_spectrum(ax, [1.0])
    with pytest.raises(fp.InvalidArgument, match="KineticState"):
        plot_kinetic_state(STATES["hard"]())
