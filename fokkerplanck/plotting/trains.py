"""Spike trains: raster and population rate, intervals and counts beside a law; the membrane potential."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.ticker import MaxNLocator

from ..outcomes import InvalidArgument, whole_number
from ..particles.membrane import membrane_moments
from ..spiketrains import BINS, as_trains, fano_factor, spike_statistics
from .style import COLOURS, LEGEND, PAGE, SNAPSHOT_MAP, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import EventCollection
    from matplotlib.container import BarContainer
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import StepPatch

    from ..particles.membrane import Membrane
    from ..spiketrains import SpikeTrains

SHOWN, TICKS = 50, 6
"""Trains of a raster by default, and how many of them are numbered."""
WINDOWS = 100
"""Of the population rate, and spikes that each of them holds at least on average."""
ENOUGH = 10.0
FEWEST_COUNTS, USUAL_COUNTS = 50, 400
"""Windows, all trains together, whose counts make a histogram, at least and usually."""
FEW_SPIKES, MANY_SPIKES = 4.0, 20.0
"""That such a window holds on average: fewer make two bars, more make bars of single windows."""
ABOVE: dict[str, Any] = {"loc": "lower right", "bbox_to_anchor": (1.0, 1.0), "ncols": 4, "frameon": False}
"""A legend above the axes, where it hides nothing."""
PATHS = 3
"""Trials whose potential is drawn."""
BAND = 2.0
"""Half the width of the band around a mean, in standard deviations."""


def plot_spikes(ax: Axes, trains: Any, first: int = SHOWN, unit: str | None = None) -> list[EventCollection]:
    """A line for every spike of the first few trains, time to the right and trains upwards.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trains : SpikeTrains, or the result of a simulation
    first : int
        How many trains are drawn.
    unit : str, optional
        Of time, written at the axis.
    """
    record = as_trains(trains)
    shown = min(whole_number("first", first, 1), record.count)
    rows = [record.train(k) for k in range(shown)]
    lines: Any = ax.eventplot(
        rows, lineoffsets=list(range(shown)), colors=COLOURS["density"], linelengths=0.8, linewidths=0.9
    )
    label = "train" if shown == record.count else f"first {shown} of {record.count} trains"
    ax.set(xlabel=_in("$t$", unit), ylabel=label, xlim=record.t_span, ylim=(-0.7, shown - 0.3))
    ax.set_yticks(np.unique(np.linspace(0, shown - 1, TICKS).round()))
    return lines


def plot_population_rate(
    ax: Axes, trains: Any, window: float | None = None, rate: Callable[[np.ndarray], np.ndarray] | None = None,
    unit: str | None = None,
) -> StepPatch:  # fmt: skip
    """Spikes per train and time in successive windows, with the standard error across trains.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trains : SpikeTrains, or the result of a simulation
    window : float, optional
        Default: a hundredth of the recording, or so long that ten spikes fall into it on average.
    rate : callable, optional
        r(t), drawn as a line.
    unit : str, optional
        Of time, written at the axes.
    """
    record = as_trains(trains)
    if window is None:
        windows = int(np.clip(len(record.times) / ENOUGH, 1, WINDOWS))
        window = record.duration / windows
    counts = record.window_counts(window) / window
    edges = record.t_span[0] + window * np.arange(counts.shape[1] + 1)
    mean = counts.mean(axis=0)
    if record.count > 1:
        error = counts.std(axis=0, ddof=1) / np.sqrt(record.count)
        ax.stairs(mean + error, edges, baseline=mean - error, fill=True, color=COLOURS["rate"], alpha=0.3, lw=0.0)
    steps = ax.stairs(mean, edges, color=COLOURS["rate"], lw=1.2, baseline=None)
    if rate is not None:
        t = np.linspace(*record.t_span, 400)
        ax.plot(t, rate(t), color=COLOURS["threshold"], lw=1.2, ls="--", label="$r(t)$")
        ax.legend(loc="best", **LEGEND)
    ax.set(xlabel=_in("$t$", unit), ylabel=_per("rate per train", unit), xlim=record.t_span, ylim=(0.0, None))
    return steps


def plot_intervals(
    ax: Axes, trains: Any, law: Any = None, bins: int | np.ndarray | None = None, unit: str | None = None
) -> StepPatch:
    """The density of the intervals with its standard errors, and a law over it.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trains : SpikeTrains, or the result of a simulation
    law : PoissonTrain, BernoulliTrain or callable, optional
        A train, or the density of the intervals as a function of an array.
    bins : int or array
        As for `spike_statistics`; for a BernoulliTrain, whose intervals are multiples of its bin, about so many, each
        centred on a few of them.
    unit : str, optional
        Of time, written at the axes.
    """
    record = as_trains(trains)
    lattice = hasattr(law, "interval_probability")
    if lattice and not isinstance(bins, np.ndarray):
        reach = 6.0 / (law.rate * law.bin)
        stride = max(1, round(reach / (bins or BINS)))
        bins = (0.5 + stride * np.arange(int(reach / stride) + 1)) * law.bin
    found = spike_statistics(record, bins=bins)
    steps = ax.stairs(found.histogram, found.edges, color=COLOURS["density"], fill=True, alpha=0.35)
    middle = 0.5 * (found.edges[1:] + found.edges[:-1])
    ax.errorbar(
        middle, found.histogram, found.histogram_error, fmt="none", ecolor=COLOURS["density"], elinewidth=0.9
    )  # fmt: skip
    if lattice:
        k = np.arange(1, int(found.edges[-1] / law.bin) + 1)
        ax.plot(k * law.bin, law.interval_probability(k) / law.bin, ".", ms=3, color=COLOURS["rate"], label="geometric")
    elif law is not None:
        density = law.interval_density if hasattr(law, "interval_density") else law
        x = np.linspace(found.edges[0], found.edges[-1], 400)
        ax.plot(x, density(x), color=COLOURS["rate"], lw=1.6, label="law")
    ax.set_title(f"CV ${found.cv:.4g} \\pm {found.cv_error:.1g}$")
    ax.set(xlabel=_in("interval", unit), ylabel=_per("density", unit), xlim=found.edges[[0, -1]], ylim=(0.0, None))
    if law is not None:
        ax.legend(loc="upper right", **LEGEND)
    return steps


def plot_counts(
    ax: Axes, trains: Any, law: Any = None, window: float | None = None, unit: str | None = None
) -> BarContainer:
    """How many windows hold n spikes, as a share, and the probabilities of a law.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    trains : SpikeTrains, or the result of a simulation
    law : PoissonTrain or BernoulliTrain, optional
        Of constant rate; anything with `count_probability(n, duration)`.
    window : float, optional
        Default: such that a window holds 4 to 20 spikes on average and there are 50 windows at least, where the
        recording allows that; whole bins of a BernoulliTrain.
    unit : str, optional
        Of time, written at the axis.
    """
    record = as_trains(trains)
    if window is None:
        window = _window_of_counts(record, getattr(law, "bin", None))
    counts = record.window_counts(window).ravel()
    n = np.arange(counts.min(), counts.max() + 1)
    share = np.bincount(counts - n[0], minlength=len(n)) / len(counts)
    error = np.sqrt(share * (1.0 - share) / len(counts))
    bars = ax.bar(n, share, width=0.9, yerr=error, color=COLOURS["density"], alpha=0.35, error_kw={"elinewidth": 0.9})
    if law is not None:
        if not hasattr(law, "count_probability"):
            raise InvalidArgument(f"`law` must be such as fp.PoissonTrain(25.0), not {law!r:.60}.")
        ax.plot(n, law.count_probability(n, window), "o-", ms=3, lw=1.0, color=COLOURS["rate"], label="law")
        ax.legend(loc="upper right", **LEGEND)
    if len(counts) > 2 and counts.any():
        ax.set_title("Fano factor ${:.4g} \\pm {:.1g}$".format(*fano_factor(record, window)))
    ax.set(
        xlabel=f"spikes in a time {window:.4g}" + ("" if unit is None else f" {unit}"),
        ylabel="share of the windows",
        ylim=(0.0, None),
    )
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    return bars


@styled
def plot_trains(trains: Any, law: Any = None, first: int = SHOWN, unit: str | None = None) -> Figure:
    """Raster, population rate, intervals and counts, in one figure.

    Without enough intervals for statistics their panel is left out, and without a spike all but the raster.

    Parameters
    ----------
    trains : SpikeTrains, or the result of a simulation
    law : PoissonTrain or BernoulliTrain, optional
        Of constant rate, drawn beside intervals and counts.
    first : int
        How many trains the raster shows.
    unit : str, optional
        Of time, "s" for example, written at the axes.

    >>> import fokkerplanck as fp
    >>> law = fp.PoissonTrain(25.0)
    >>> len(plot_trains(law.sample(1.0, trials=50, seed=1), law).axes)
    4
    """
    record = as_trains(trains)
    figure = new_figure(PAGE, 6.2)
    rows: Any = _rows(record)
    panels = figure.subplot_mosaic(rows, width_ratios=[1.4, 1.0][: len(rows[0])])
    plot_spikes(panels["raster"], record, first, unit)
    if "rate" in panels:
        plot_population_rate(panels["rate"], record, unit=unit)
        plot_counts(panels["counts"], record, law, unit=unit)
    if "intervals" in panels:
        plot_intervals(panels["intervals"], record, law, unit=unit)
    number = "1 train" if record.count == 1 else f"{record.count} trains"
    figure.suptitle(f"{number}, {len(record.times)} spikes" + ("" if law is None else f"; law: {_named(law)}"))
    return figure


@styled
def plot_membrane(run: Membrane, paths: int = PATHS, unit: str | None = None) -> Figure:
    """The potential of a few trials with their spikes above the threshold; without threshold, mean ± 2 standard
    deviations of all trials, with the closed form.

    Parameters
    ----------
    run : Membrane
        From `fp.simulate_membrane`.
    paths : int
        How many trials are drawn.
    unit : str, optional
        Of time, written at the axis.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0)
    >>> len(plot_membrane(fp.simulate_membrane(neuron, 15.0, 5.0, (0.0, 0.1), 1e-4)).axes)
    1
    """
    figure = new_figure(PAGE, 4.2)
    ax = figure.subplots()
    neuron = run.neuron
    shown = min(whole_number("paths", paths, 1), run.trials)
    for k in range(shown):
        ax.plot(run.t, run.V[k], color=SNAPSHOT_MAP((k + 1) / (shown + 1)), lw=0.9)
    ax.axhline(neuron.E_l + run.mu, color=COLOURS["bound"], lw=1.2, ls=":", label=r"$E_l + \mu$")
    if run.settings["threshold"] == "none":
        _plot_free_moments(ax, run)
    else:
        ax.axhline(neuron.V_th, color=COLOURS["threshold"], lw=1.2, ls="--", label="$V_{th}$")
        ax.axhline(neuron.V_r, color=COLOURS["reset"], lw=1.2, ls="--", label="$V_r$")
        top = neuron.V_th + 0.4 * (neuron.V_th - neuron.V_r)
        for k in range(shown):
            times = run.spikes.train(k)
            ax.vlines(times, neuron.V_th, top, color=SNAPSHOT_MAP((k + 1) / (shown + 1)), lw=0.9)
    ax.set(xlabel=_in("$t$", unit), ylabel="$V$", xlim=(run.t[0], run.t[-1]))
    ax.legend(**ABOVE)
    return figure


def _plot_free_moments(ax: Axes, run: Membrane) -> list[Line2D]:
    mean, variance = membrane_moments(run.t - run.t[0], run.mu, run.sigma, run.neuron, float(run.V[:, 0].mean()))
    variance = variance + np.var(run.V[:, 0]) * np.exp(-2.0 * (run.t - run.t[0]) / run.neuron.tau_m)
    lines = ax.plot(
        run.t, mean, color=COLOURS["threshold"], lw=1.4, label=r"$\langle V\rangle \pm 2\sqrt{\mathrm{Var}}$"
    )
    for sign in (-BAND, BAND):
        lines += ax.plot(run.t, mean + sign * np.sqrt(variance), color=COLOURS["threshold"], lw=1.0, ls="--")
    if run.trials > 1:
        seen, spread = run.V.mean(axis=0), BAND * run.V.std(axis=0, ddof=1)
        label = f"{run.trials} trials"
        ax.fill_between(run.t, seen - spread, seen + spread, color=COLOURS["density"], alpha=0.2, lw=0.0, label=label)
    return lines


def _rows(record: SpikeTrains) -> list[list[str]]:
    """Which panels of a figure of trains there are, row by row."""
    if not len(record.times):
        return [["raster"]]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what there is to say is said when the panel is drawn
            spike_statistics(record)
    except InvalidArgument:
        return [["raster", "counts"], ["rate", "counts"]]
    return [["raster", "intervals"], ["rate", "counts"]]


def _window_of_counts(record: SpikeTrains, bin: float | None) -> float:
    """Length of the windows whose counts are drawn: neither nearly empty nor nearly all different."""
    spikes = len(record.times)
    number = max(float(np.clip(spikes / FEW_SPIKES, FEWEST_COUNTS, USUAL_COUNTS)), spikes / MANY_SPIKES)
    window = record.duration / max(1, round(number / record.count))
    return window if bin is None else max(1, round(window / bin)) * bin


def _in(quantity: str, unit: str | None) -> str:
    return quantity if unit is None else f"{quantity} ({unit})"


def _per(quantity: str, unit: str | None) -> str:
    return quantity if unit is None else f"{quantity} (1/{unit})"


def _named(law: Any) -> str:
    bin = getattr(law, "bin", None)
    rate = "function of time" if callable(law.rate) else f"rate {law.rate:g}"
    return f"Poisson, {rate}" if bin is None else f"Bernoulli, {rate}, bins of {bin:g}"
