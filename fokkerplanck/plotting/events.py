"""Pictures of firing events and of the neurons that make them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..outcomes import InvalidArgument, Jump
from .figure import parameters
from .style import COLOURS, LEGEND, PAGE, SNAPSHOT_MAP, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import PathCollection
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from ..cascades import Cascade
    from ..particles.solution import ParticleSolution
    from ..solution import Solution

WINDOWS = 200
"""Means of the rate over a run."""
STAGES = 5
"""Densities of a cascade that are drawn."""


def plot_fired(ax: Axes, solutions: Mapping[str, Solution | ParticleSolution]) -> list[Line2D]:
    """Spikes per neuron since the start, ∫ N dt, with a step where a fraction of the population fires at once.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solutions : mapping of str to Solution or ParticleSolution
        What to call each; the first is drawn as a broad line, the others thin and over it.
    """
    lines: list[Line2D] = []
    for k, (label, solution) in enumerate(solutions.items()):
        colour = COLOURS["rate"] if k == 0 else SNAPSHOT_MAP(k / len(solutions))
        width, alpha = (3.5, 0.45) if k == 0 else (1.2, 1.0)
        lines += ax.plot(solution.t, solution.fired, color=colour, label=label, lw=width, alpha=alpha)
    ax.set(xlabel="$t$", ylabel=r"$\int_0^t N\,ds$, spikes per neuron", ylim=(0.0, None))
    ax.legend(loc="upper left", **LEGEND)
    return lines


def plot_raster(ax: Axes, particles: ParticleSolution) -> PathCollection:
    """A point for every recorded spike, time to the right; firing events as lines behind the points.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    particles : ParticleSolution
        With a raster: give `fp.simulate` a number of neurons, `raster=100`.

    Raises
    ------
    InvalidArgument
        If no spikes were recorded because no neurons were.
    """
    times, neurons = particles.raster
    if len(times) == 0:
        raise InvalidArgument("`particles` has no raster; give `simulate` a number of neurons, such as raster=100.")
    for jump in particles.jumps:
        ax.axvline(jump.time, color=COLOURS["bound"], lw=3.0, alpha=0.3)
    points = ax.scatter(times, neurons, s=3.0, color=COLOURS["density"], linewidths=0.0, rasterized=True)
    ax.set(xlabel="$t$", ylabel="neuron", xlim=(particles.t[0], particles.t[-1]), ylim=(-1.0, neurons.max() + 1.0))
    return points


def plot_generations(ax: Axes, jump: Jump) -> list[Line2D]:
    """The fraction of neurons that fires in each generation of a cascade, each set off by the one before.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    jump : Jump
        Of particles; that of a density has a continuum of generations.

    Raises
    ------
    InvalidArgument
        If the event has no generations.
    """
    if not jump.generations:
        raise InvalidArgument("`jump` has no generations: it is that of a density, not of particles.")
    numbers = np.arange(len(jump.generations))
    lines = ax.plot(numbers, jump.generations, "o-", ms=3.0, lw=1.0, color=COLOURS["rate"])
    ax.set(xlabel="generation", ylabel="fraction that fires", yscale="log")
    ax.set_title(rf"$t^* = {jump.time:.5g}$, $\Delta = {jump.fraction:.4g}$")
    return lines


@styled
def plot_cascade(cascade: Cascade) -> Figure:
    """A firing event in dilated time, where the physical clock stands still: the density by stages, and who waits.

    Parameters
    ----------
    cascade : Cascade
        From `fp.cascade(model, state)`.
    """
    figure = new_figure(PAGE, 4.0)
    left, right = figure.subplots(1, 2, width_ratios=[2, 1])
    grid = cascade.before.grid
    chosen = np.unique(np.linspace(0, len(cascade.spikes) - 1, STAGES).round().astype(int))
    for k, i in enumerate(chosen):
        colour = SNAPSHOT_MAP(k / max(len(chosen) - 1, 1))
        left.plot(grid.v, cascade.density[i], color=colour, lw=1.6, label=f"$z = {cascade.spikes[i]:.3g}$")
    for potential, name, kind in ((grid.V_R, "$V_R$", "reset"), (grid.V_F, "$V_F$", "threshold")):
        left.axvline(potential, color=COLOURS[kind], ls="--", lw=1.2)
        left.annotate(name, (potential, 1.0), xycoords=("data", "axes fraction"), ha="center", va="bottom")
    visible = np.cumsum(cascade.density.max(axis=0) * grid.width)
    first = float(grid.faces[int(np.searchsorted(visible, 1e-3 * visible[-1]))])
    left.set(xlabel="$v$", ylabel="density", xlim=(min(first, grid.V_R - 0.1 * (grid.V_F - grid.V_R)), grid.V_F))
    # A peak of a cell or two, where fired neurons meet the layer that was below V_R, may leave the picture.
    left.set_ylim(0.0, 1.1 * max(float(np.sort(n)[-3]) for n in cascade.density[chosen]))
    left.legend(loc="best", title="spikes per neuron", **LEGEND)
    right.fill_between(cascade.spikes, cascade.waiting, color=COLOURS["rate"], alpha=0.3, lw=0.0)
    right.plot(cascade.spikes, cascade.waiting, color=COLOURS["rate"], lw=1.8)
    right.set(
        xlabel="spikes sent per neuron, $z$", ylabel="spikes that wait, $B(z)$", ylim=(0.0, None), xlim=(0.0, None)
    )
    end = "never ends" if cascade.eternal else rf"ends at $\Delta = {cascade.fraction:.5g}$"
    title = rf"At $t^* = {cascade.before.t:.6g}$ the clock stands still; the event {end}"
    figure.suptitle(title if cascade.fraction else "Nothing happens: no spike sets off another at this instant")
    return figure


def window_rates(particles: ParticleSolution, windows: int = WINDOWS) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Middles of windows wide enough for the eye, the rates in them (NaN without a spike) and their standard errors.

    The rate of one step is mostly noise.
    """
    edges = window_edges(particles, windows)
    t, spikes = particles.t[edges], np.diff(particles.fired[edges])
    mean, error = spikes / np.diff(t), np.sqrt(spikes / particles.count) / np.diff(t)
    least = 1.0 / (particles.count * float(np.diff(t).max()))
    # A difference of sums leaves rounding where nobody fired.
    return 0.5 * (t[1:] + t[:-1]), np.where(mean > 0.5 * least, mean, np.nan), error


def window_edges(particles: ParticleSolution, windows: int = WINDOWS) -> np.ndarray:
    """Indices of the steps between which the rate is averaged."""
    return np.unique(np.linspace(0, len(particles.t) - 1, windows + 1).round().astype(int))


def _least(particles: ParticleSolution) -> float:
    """The rate that one spike in a window means."""
    return 1.0 / (particles.count * float(np.diff(particles.t[window_edges(particles)]).max()))


@styled
def plot_particles(particles: ParticleSolution) -> Figure:
    """Raster, if there is one, rate with its standard error, spikes per neuron, and histograms with their errors.

    Parameters
    ----------
    particles : ParticleSolution
        From `fp.simulate`.
    """
    figure = new_figure(PAGE, 6.2)
    rows: list[Any] = [["raster", "density"], ["rate", "density"], ["fired", "density"]]
    panels = figure.subplot_mosaic(rows if len(particles.raster[0]) else rows[1:], width_ratios=[1.4, 1.0])
    if "raster" in panels:
        plot_raster(panels["raster"], particles)
    rate, fired, density = panels["rate"], panels["fired"], panels["density"]
    if len(particles.t) > 1:
        middle, seen, error = window_rates(particles)
        low = np.maximum(seen - error, 0.5 * _least(particles))
        rate.fill_between(middle, low, seen + error, color=COLOURS["rate"], alpha=0.3, lw=0.0)
        rate.plot(middle, seen, color=COLOURS["rate"], lw=1.2)
    fired.plot(particles.t, particles.fired, color=COLOURS["rate"], lw=1.6)
    for jump in particles.jumps:
        for panel in (rate, fired):
            panel.axvline(jump.time, color=COLOURS["bound"], lw=1.4)
    if particles.jumps:
        rate.set_yscale("log")
    span = (particles.t[0], particles.t[-1])
    rate.set(ylabel="$N(t)$, mean over a window", xlim=span)
    fired.set(xlabel="$t$", ylabel="spikes per neuron", xlim=span, ylim=(0.0, None))
    chosen = np.unique(np.linspace(0, len(particles.saved_t) - 1, STAGES).round().astype(int))
    for k, i in enumerate(chosen if len(particles.saved_t) else []):
        colour, n, error = SNAPSHOT_MAP(k / len(chosen)), particles.density[i], particles.density_error[i]
        label = f"$t = {particles.saved_t[i]:.4g}$"
        density.stairs(n, particles.grid.faces, color=colour, lw=1.4, label=label)
        density.errorbar(particles.v, n, error, fmt="none", ecolor=colour, elinewidth=0.8)
    seen = np.flatnonzero(particles.density.max(axis=0, initial=0.0) > 0.0)
    if len(seen):
        density.set_xlim(particles.grid.faces[seen[0]], particles.grid.faces[seen[-1] + 1])
    density.set(xlabel="$v$", ylabel="density", ylim=(0.0, None))
    if len(particles.saved_t):
        density.legend(loc="best", **LEGEND)
    figure.suptitle(f"{particles.count} neurons, {parameters(particles.model)}:  $t \\leq {particles.t[-1]:.4g}$")
    return figure
