"""Figures of one neuron in laboratory units: its firing rate as a function of mean and noise, its passage times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ..meanfield.passagetimes import IntervalLaw
from ..meanfield.siegert import siegert_rate
from ..models.lif import LIF
from ..outcomes import InvalidArgument, real_array
from .style import COLOURS, LEGEND, POPULATIONS

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet
    from matplotlib.lines import Line2D

POINTS = 121
"""Of each axis of the map, and curves are drawn with three times as many."""
LEVELS = 24
LEAST = 1e-3
"""Rates smaller than this, over the largest, have the colour of silence."""
SHARE = 0.999
"""Of the intervals that are seen."""


def plot_rate_map(
    ax: Axes,
    neuron: LIF,
    mu: tuple[float, float],
    sigma: tuple[float, float],
    dots: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
) -> QuadContourSet:
    """φ(μ, σ) as filled contours, and rates that were found otherwise as dots in the same colours.

    A dot that agrees with the theory has the colour of its surroundings.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    neuron : LIF
    mu, sigma : (float, float)
        Ranges of the axes (potential), σ from 0 or above.
    dots : (array, array, array), optional
        μ, σ and the rates there, of any shape they have in common: of the neurons of a rate distribution, of the
        population of a network, of the density solver, of a simulation.

    Raises
    ------
    InvalidArgument
        If a range does not increase, or the three arrays of dots differ in shape.

    >>> from matplotlib.figure import Figure
    >>> ax = Figure().subplots()
    >>> _ = plot_rate_map(ax, LIF(0.02, 20.0, 10.0, tau_ref=0.002), (0.0, 40.0), (0.0, 12.0), ([15.0], [5.0], [9.46]))
    >>> len(ax.collections) > 1
    True
    """
    from matplotlib.colors import LogNorm

    x, y, rates = _surface(neuron, mu, sigma)
    found = _dots(dots)
    largest = max([float(np.max(rates)), *np.ravel(found[2])]) if found else float(np.max(rates))
    least = LEAST * largest
    norm = LogNorm(least, largest)
    levels = np.geomspace(least, largest, LEVELS + 1)
    filled = ax.contourf(x, y, np.maximum(rates, least), levels, norm=norm, cmap="viridis")
    ax.axvline(neuron.V_th - neuron.E_l, color=COLOURS["threshold"], linestyle=":", linewidth=1)
    if found:
        colours = np.maximum(found[2], least)
        ax.scatter(found[0], found[1], c=colours, norm=norm, cmap="viridis", s=26, edgecolors="white", linewidths=0.8)
    if ax.figure:
        bar = ax.figure.colorbar(filled, ax=ax, label="rate $\\nu$")
        bar.set_ticks([tick for tick in 10.0 ** np.arange(-12, 13) if least <= tick <= largest])
    ax.set(xlabel="mean input $\\mu$", ylabel="noise $\\sigma$", xlim=mu, ylim=sigma)
    return filled


def plot_rate_surface(
    ax: Any,
    neuron: LIF,
    mu: tuple[float, float],
    sigma: tuple[float, float],
    dots: tuple[ArrayLike, ArrayLike, ArrayLike] | None = None,
) -> Artist:
    """φ(μ, σ) as a surface, and rates that were found otherwise as dots, each with a line to the surface.

    Parameters
    ----------
    ax : Axes3D
        `figure.add_subplot(projection="3d")`.
    neuron, mu, sigma, dots
        As for `plot_rate_map`, which shows small rates as well.
    """
    x, y, rates = _surface(neuron, mu, sigma)
    surface: Artist = ax.plot_surface(x, y, rates, cmap="viridis", alpha=0.75, linewidth=0, rcount=60, ccount=60)
    found = _dots(dots)
    if found:
        flat = [np.ravel(part) for part in found]
        for m, s, value in zip(*flat, strict=True):
            theory = float(siegert_rate(m, s, neuron))
            ax.plot([m, m], [s, s], [theory, value], color=COLOURS["rate"], linewidth=1)
        ax.scatter(*flat, color=COLOURS["rate"], s=16, depthshade=False)
    ax.set(xlabel="mean input $\\mu$", ylabel="noise $\\sigma$", zlabel="rate $\\nu$")
    ax.view_init(elev=25.0, azim=-125.0)
    return surface


def plot_interval_laws(
    ax: Axes, laws: Mapping[str, IntervalLaw], samples: Mapping[str, ArrayLike] | None = None
) -> list[Line2D]:
    """Densities of the interval between spikes, one curve for each law, over histograms of observed intervals.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    laws : dict of str to IntervalLaw
        From `fp.interval_law`, by the names for the legend.
    samples : dict of str to array, optional
        Observed intervals, by some of the same names.

    Raises
    ------
    InvalidArgument
        If there is no law, or a sample has the name of none.

    >>> from matplotlib.figure import Figure
    >>> from fokkerplanck.meanfield.passagetimes import interval_law
    >>> law = interval_law(25.0, 3.0, LIF(0.02, 20.0, 10.0, tau_ref=0.002))
    >>> len(plot_interval_laws(Figure().subplots(), {"above threshold": law}, {"above threshold": law.sample(1000)}))
    1
    """
    samples = {} if samples is None else samples
    if not laws or not all(isinstance(law, IntervalLaw) for law in laws.values()):
        raise InvalidArgument("`laws` must be at least one result of fp.interval_law, with a name for it.")
    unknown = sorted(set(samples) - set(laws))
    if unknown:
        raise InvalidArgument(f"`samples` holds {unknown[0]!r}, but `laws` only {', '.join(laws)}.")
    last = max(float(law.quantile(SHARE)) for law in laws.values())
    t = np.linspace(0.0, last, 3 * POINTS)
    lines = []
    for k, (name, law) in enumerate(laws.items()):
        colour = POPULATIONS[k % len(POPULATIONS)]
        if name in samples:
            observed = real_array("samples", samples[name])
            edges = np.linspace(0.0, float(law.quantile(SHARE)), max(10, min(80, int(np.sqrt(len(observed))))))
            heights = np.histogram(observed, edges)[0] / (len(observed) * np.diff(edges))
            ax.stairs(heights, edges, fill=True, color=colour, alpha=0.25)
        lines += ax.plot(t, law.density(t), color=colour, label=name)
    ax.set(xlabel="interval $t$", ylabel="density", xlim=(0.0, last), ylim=(0.0, None))
    ax.legend(**LEGEND)
    return lines


def _surface(
    neuron: LIF, mu: tuple[float, float], sigma: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    for name, (low, high) in (("mu", mu), ("sigma", sigma)):
        if not low < high:
            raise InvalidArgument(f"`{name}` must be a range from low to high, not {(low, high)}.")
    x, y = np.meshgrid(np.linspace(*mu, POINTS), np.linspace(*sigma, POINTS))
    return x, y, siegert_rate(x, y, neuron)


def _dots(dots: tuple[ArrayLike, ArrayLike, ArrayLike] | None) -> tuple[np.ndarray, ...] | None:
    if dots is None:
        return None
    found = tuple(real_array("dots", part) for part in dots)
    if len(found) != 3 or len({part.shape for part in found}) != 1:
        raise InvalidArgument("`dots` must be three arrays of one shape: mu, sigma and the rates.")
    return found
