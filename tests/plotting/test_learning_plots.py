"""Pictures of learning networks."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.plotting import plot_learned, plot_learning, plot_weights_image

START = fp.connectivity(lambda w: np.exp(-(((w + 0.5) / 0.2) ** 2)), fp.compatible_gaussian(0.0, 0.25))


def solution(speed=0.5, **more):
    model = fp.learning((-1.0, 0.0), lanes=8, signal=1.0, speed=speed)
    keywords = {"grid": model.grid(cells=40), "stepper": fp.BackwardEuler(0.1), "estimate_error": False} | more
    return fp.solve(model, START, (0.0, 2.0), **keywords)


@pytest.mark.parametrize("speed", [0.0, 0.5])
def test_images_connectivities_and_rates_in_one_figure(speed, tmp_path):
    sol = solution(speed)
    figure = plot_learning(sol)
    figure.savefig(tmp_path / "learning.png")
    images = [ax for ax in figure.axes if ax.get_title().startswith("$t = ")]
    assert 2 <= len(images) <= 4
    assert images[0].get_title() == "$t = 0$"
    assert images[-1].get_title() == "$t = 2$"
    labels = [ax.get_ylabel() for ax in figure.axes]
    assert {"$C(w, t)$, connectivity", "$N(w, t)$, output", r"$\bar N(t)$"} <= set(labels)


def test_an_image_shows_the_density_of_every_lane():
    sol = solution()
    mesh = plot_weights_image(Figure().subplots(), sol, -1)
    np.testing.assert_array_equal(np.asarray(mesh.get_array()).reshape(40, 8), sol.density[-1].T)


def test_times_can_be_chosen():
    figure = plot_learning(solution(save_at=[0.0, 1.0, 2.0]), times=[0.9, 2.0])
    assert [ax.get_title() for ax in figure.axes[:2]] == ["$t = 1$", "$t = 2$"]


def test_the_learned_connectivity_ends_at_its_edge():
    sol = solution()
    (state,) = fp.learned_connectivity(sol.model)
    ax = Figure().subplots()
    lines = plot_learned(ax, state, sol.grid.width @ sol.final.density.T)
    w, C = lines[0].get_data()
    assert np.all(C[w < state.edge] == 0.0)
    assert C[w > state.edge][0] > 1.0
    low, high = ax.get_xlim()
    assert low < state.edge
    assert high == 0.0


def test_what_is_refused():
    one = fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 0.1), estimate_error=False)
    with pytest.raises(fp.InvalidArgument, match="learning network"):
        plot_learning(one)
    with pytest.raises(fp.InvalidArgument, match="two saved densities"):
        plot_learning(solution(save_at=[1.0]))
    with pytest.raises(fp.InvalidArgument, match="within"):
        plot_learning(solution(), times=[3.0])
    frozen = fp.learning(lanes=4, signal=1.0, speed=0.0)
    spectral = fp.solve(frozen, START, (0.0, 0.1), scheme=fp.Spectral(1e-4), rtol=1e-3, estimate_error=False)
    with pytest.raises(fp.InvalidArgument, match="elements"):
        plot_learning(spectral)
