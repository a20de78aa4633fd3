"""Figures of spike trains and of the membrane: what is drawn is what was counted."""

import numpy as np
import pytest
from matplotlib.figure import Figure

import fokkerplanck as fp
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.plotting import (
    plot_counts,
    plot_intervals,
    plot_membrane,
    plot_population_rate,
    plot_spikes,
    plot_trains,
)

LAW = fp.PoissonTrain(25.0)
TRAINS = LAW.sample(2.0, trials=60, seed=1)
NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)


@pytest.fixture
def ax():
    return Figure().subplots()


def test_every_spike_has_a_line(ax):
    lines = plot_spikes(ax, TRAINS, first=7)
    assert [line.get_lineoffset() for line in lines] == list(range(7))
    np.testing.assert_array_equal(lines[3].get_positions(), TRAINS.train(3))
    assert ax.get_ylabel() == "first 7 of 60 trains"


def test_the_population_rate_is_that_of_the_windows(ax):
    steps = plot_population_rate(ax, TRAINS, window=0.1, rate=LAW.rate_at)
    np.testing.assert_allclose(steps.get_data().values, TRAINS.window_counts(0.1).mean(axis=0) / 0.1)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), 25.0)


def test_intervals_and_their_law(ax):
    steps = plot_intervals(ax, TRAINS, LAW, bins=20)
    found = fp.spike_statistics(TRAINS, bins=20)
    np.testing.assert_array_equal(steps.get_data().values, found.histogram)
    curve = next(line for line in ax.lines if len(line.get_xdata()) == 400)
    np.testing.assert_allclose(curve.get_ydata(), 25.0 * np.exp(-25.0 * curve.get_xdata()))


def test_bins_lie_around_multiples_of_the_bernoulli_bin(ax):
    law = fp.BernoulliTrain(25.0, 0.002)
    edges = plot_intervals(ax, law.sample(2.0, trials=60, seed=1), law).get_data().edges
    np.testing.assert_allclose((edges / 0.002) % 1.0, 0.5)


def test_counts_and_their_law(ax):
    bars = plot_counts(ax, TRAINS, LAW, window=1.0)
    np.testing.assert_allclose(sum(bar.get_height() for bar in bars), 1.0)
    n = np.array([round(bar.get_x() + bar.get_width() / 2) for bar in bars])
    law = next(line for line in ax.lines if line.get_label() == "law")
    np.testing.assert_allclose(law.get_ydata(), LAW.count_probability(n, 1.0))
    with pytest.raises(InvalidArgument, match="PoissonTrain"):
        plot_counts(ax, TRAINS, law=3.0)


def test_whole_figures():
    assert len(plot_trains(TRAINS, LAW).axes) == 4
    assert len(TRAINS.plot().axes) == 4
    alone = fp.PoissonTrain(25.0).sample(20.0, seed=3)
    assert "1 train," in plot_trains(alone).get_suptitle()


@pytest.mark.parametrize("threshold", ["none", "bridge"])
def test_the_membrane(threshold):
    run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.3), 1e-3, threshold=threshold, trials=4, seed=1)
    (ax,) = plot_membrane(run, paths=2).axes
    paths = [line for line in ax.lines if len(line.get_xdata()) == len(run.t)]
    np.testing.assert_array_equal(paths[1].get_ydata(), run.V[1])
    if threshold == "none":
        mean, _ = fp.membrane_moments(run.t, 15.0, 5.0, NEURON, 10.0)
        np.testing.assert_allclose(paths[2].get_ydata(), mean)
    else:
        spikes = [segment for c in ax.collections for segment in c.get_segments()]
        assert len(spikes) == run.spikes.counts[:2].sum() > 0
    assert len(run.plot().axes) == 1


@pytest.mark.parametrize(("rate", "duration", "trials"), [(25.0, 20.0, 3), (25.0, 2.0, 60), (50.0, 100.0, 1)])
def test_counts_are_drawn_in_windows_of_some_spikes_of_which_there_are_many(ax, rate, duration, trials):
    trains = fp.PoissonTrain(rate).sample(duration, trials=trials, seed=1)
    shares = np.array([bar.get_height() for bar in plot_counts(ax, trains)])
    window = float(ax.get_xlabel().split()[-1])
    assert 3.5 <= rate * window <= 21.0
    number = trials * int(duration / window * (1.0 + 1e-3))
    assert number >= 300
    common = shares > 0.5 * shares.max()  # at half the height the error bars are short
    assert np.all(np.sqrt(shares * (1.0 - shares) / number)[common] < 0.25 * shares[common])


def test_counts_of_bins_are_of_whole_bins(ax):
    law = fp.BernoulliTrain(25.0, 0.003)
    plot_counts(ax, law.sample(3.0, trials=7, seed=1), law)
    bins = float(ax.get_xlabel().split()[-1]) / 0.003
    assert bins == pytest.approx(round(bins), abs=1e-2)


def test_what_cannot_be_drawn_is_left_out():
    silent = fp.SpikeTrains([], [], 1, (0.0, 1.0)).plot()
    assert [ax.get_ylabel() for ax in silent.axes] == ["train"]
    few = fp.SpikeTrains([0.2, 0.4], [0, 1], 2, (0.0, 1.0)).plot()
    assert sorted(ax.get_ylabel() for ax in few.axes) == ["rate per train", "share of the windows", "train"]
    for figure in (silent, few):
        assert figure._repr_png_()[1:4] == b"PNG"


def test_axes_carry_the_unit_of_time():
    labels = [label for ax in TRAINS.plot(unit="s").axes for label in (ax.get_xlabel(), ax.get_ylabel())]
    for expected in ("$t$ (s)", "interval (s)", "density (1/s)", "rate per train (1/s)"):
        assert expected in labels
    assert any(label.startswith("spikes in a time") and label.endswith(" s") for label in labels)
    run = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.1), 1e-3)
    assert run.plot(unit="s").axes[0].get_xlabel() == "$t$ (s)"


def test_the_legend_of_the_membrane_hides_no_trace():
    figure = fp.simulate_membrane(NEURON, 15.0, 5.0, (0.0, 0.3), 1e-3, trials=3, seed=1).plot()
    figure.canvas.draw()
    (ax,) = figure.axes
    assert ax.get_legend().get_window_extent().y0 >= ax.get_window_extent().y1
