"""Figures of random networks: in-degrees of neurons and of in-neighbours, distributions of rates and of weights."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ..meanfield.ratedistribution import RateDistribution
from ..meanfield.ratelaw import Law
from ..models.degrees import CopulaDegrees, DegreeLaw
from ..models.discrete_degrees import DiscreteDegrees
from ..models.graphs import MeasuredDegrees
from ..outcomes import InvalidArgument, real_array
from .style import COLOURS, LEGEND, POPULATIONS, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 401
TALLEST, STEEP = 0.975, 2.0
"""Densities above twice their 0.975 quantile are cut off."""
VISIBLE = 1e-3
"""Probability of a single rate that is shown."""
EDGE = 5e-4
"""Probability beyond either end of the axis."""


@styled
def plot_in_neighbours(degrees: DegreeLaw, measured: MeasuredDegrees | None = None, ax: Axes | None = None) -> Figure:
    """In-degrees of neurons, ρ_K, and of their in-neighbours, ρ*_K; with those of an actual graph as steps behind.

    Parameters
    ----------
    degrees : DegreeLaw
    measured : MeasuredDegrees, optional
        Of `measured_degrees`.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.

    >>> from fokkerplanck.models.degrees import GammaDegrees
    >>> len(plot_in_neighbours(GammaDegrees(100.0, 40.0, correlation=0.5)).axes)
    1
    """
    figure, ax = _canvas(ax, (6.0, 4.0))
    smooth = isinstance(degrees, CopulaDegrees)
    nodes = degrees.nodes(64)
    if isinstance(degrees, DiscreteDegrees):
        nodes = degrees.support
    seen = nodes.k[nodes.weight > (1e-4 if smooth else 1e-6)]
    low, high = (seen.min(), seen.max()) if smooth else (seen.min() - 0.5, seen.max() + 0.5)
    k = np.linspace(low, high, POINTS) if smooth else nodes.k
    if measured is not None:
        edges = np.linspace(low, high, 31) if smooth else np.append(k - 0.5, k[-1] + 0.5)
        own = np.histogram(measured.in_degree, edges)[0] / len(measured.in_degree)
        met = measured.in_neighbour_share(edges)
        for share, colour in ((own, COLOURS["density"]), (met, COLOURS["rate"])):
            ax.stairs(share / np.diff(edges), edges, fill=True, color=colour, alpha=0.25)
    # A density that diverges at k = 0 must not set the height of the figure: its upper tenth of a percent is cut off.
    both = np.concatenate([degrees.in_degree(k), degrees.in_neighbour(k)])
    highest = float(np.max(both))
    top = STEEP * float(np.quantile(both[np.isfinite(both)], TALLEST))
    style: dict[str, Any] = {} if smooth else {"marker": ".", "ls": ""}
    ax.plot(k, degrees.in_degree(k), color=COLOURS["density"], label=r"neurons, $\rho_K$", **style)
    ax.plot(k, degrees.in_neighbour(k), color=COLOURS["rate"], label=r"in-neighbours, $\rho^*_K$", **style)
    ax.set(
        xlabel="in-degree $k$",
        ylabel="density" if smooth else "probability",
        xlim=(low, high),
        ylim=(0, top if smooth and highest > top else None),
    )
    ax.legend(**LEGEND)
    return figure


@styled
def plot_rate_distribution(
    found: RateDistribution, rates: object = None, ax: Axes | None = None, label: str = "neurons of a graph"
) -> Figure:
    """The density of the rates of every population, with the rates of simulated neurons as a histogram behind.

    Parameters
    ----------
    found : RateDistribution
    rates : array, or mapping from name to array, optional
        Rates of individual neurons; of several populations a mapping such as `QuenchedRates.rate`.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.
    label : str
        What the histogram is of.

    Raises
    ------
    InvalidArgument
        If the rates are those of a population that is not there, or of several populations without saying whose, or
        are not finite.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.PlasticNetwork(neuron, fp.GammaDegrees(100.0, 40.0), fp.StaticWeight(0.1), 13.0, 5.0)
    >>> len(plot_rate_distribution(fp.rate_distribution(network)).axes)
    1
    """
    figure, ax = _canvas(ax, (6.0, 4.0))
    names = found.network.names
    if rates is not None and not isinstance(rates, Mapping) and len(names) > 1:
        raise InvalidArgument(
            "`rates` must be a mapping from the names of populations to arrays, such as `QuenchedRates.rate`, where "
            "there are several."
        )
    given = dict(rates) if isinstance(rates, Mapping) else {} if rates is None else {names[0]: rates}
    for name in given:
        if name not in names:
            raise InvalidArgument(f"`rates` has {name!r}, but the populations are {', '.join(map(repr, names))}.")
    for k, name in enumerate(names):
        law, colour = found.population(name), POPULATIONS[k % len(POPULATIONS)]
        if name in given:
            values = real_array("rates", given[name]).ravel()
            if not values.size or not np.all(np.isfinite(values)):
                raise InvalidArgument("`rates` must be finite, and at least one.")
            ax.hist(
                values, bins=_bins(law, values), density=True, color=colour, alpha=0.3, label=f"{name} {label}".strip()
            )
        if not law.spread:
            ax.axvline(law.mean, color=colour, label=f"{name} all at {law.mean:.4g}".strip())
            continue
        x = np.linspace(law.quantile(EDGE), law.quantile(1.0 - EDGE), POINTS)
        y = law.density(x)
        ax.plot(x, y, color=colour, label=f"{name} theory".strip())
        for nu in _points(law)[:1]:
            ax.axvline(nu, color=colour, ls=":", label=f"{name} {law.cdf(nu):.2g} at {nu:.4g}".strip())
    ax.set(xlabel=r"firing rate $\nu$", ylabel="density", ylim=(0, None))
    ax.margins(y=0.25)  # room for the legend
    ax.set_ylim(0.0, None)
    ax.legend(**LEGEND)
    return figure


@styled
def plot_weight_distribution(law: Law, ax: Axes | None = None) -> Figure:
    """The density of the synaptic weights of a projection.

    Parameters
    ----------
    law : Law
        Of `RateDistribution.weights`.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.
    """
    figure, ax = _canvas(ax, (6.0, 4.0))
    if law.spread:
        x = np.linspace(law.quantile(EDGE), law.quantile(1.0 - EDGE), POINTS)
        ax.plot(x, law.density(x), color=COLOURS["bound"])
    else:
        ax.axvline(law.mean, color=COLOURS["bound"])
    ax.set(xlabel="synaptic weight $w$", ylabel="density", ylim=(0, None))
    return figure


def _points(law: Law) -> list[float]:
    """The lowest rate if it has a positive probability, as that of neurons without synapses: no density shows it."""
    low = float(law.values.min())
    low += 1e-12 * abs(low)
    return [low] if law.cdf(low) > VISIBLE else []


def _bins(law: Law, values: np.ndarray) -> list[float]:
    low, high = (law.quantile(EDGE), law.quantile(1.0 - EDGE)) if law.spread else (values.min(), values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    return list(np.linspace(min(low, values.min()), max(high, values.max()), 41))


def _canvas(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if ax is not None:
        return ax.get_figure(root=True), ax  # type: ignore[return-value]  # axes are always in one
    figure = new_figure(*size)
    return figure, figure.subplots()
