"""Figures of networks: the phase plane of two populations, and bifurcation diagrams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from contourpy import contour_generator

from ..continuation import BifurcationDiagram
from ..models.network import Network
from ..networks.balance import Balance
from ..networks.states import NetworkState, network_states
from ..outcomes import InvalidArgument, named
from .style import COLOURS, LEGEND, new_figure, styled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

POINTS = 181
"""Rates of each population at which a nullcline is sampled."""
NULLCLINES = (COLOURS["rate"], COLOURS["density"])
"""Colours of the first and the second population."""
DECADES = 50.0
"""A diagram is logarithmic if its largest rate exceeds the least by more."""
FACES: dict[bool | None, str] = {True: "black", False: "white", None: "0.6"}
NAMES: dict[bool | None, str] = {True: "stable", False: "unstable", None: "stability not resolved"}
MARKS = {"fold": ("s", "fold"), "branch": ("P", "branch point"), "hopf": ("D", "Hopf point")}


@styled
def plot_phase_plane(
    network: Network,
    ax: Axes | None = None,
    states: Sequence[NetworkState] | None = None,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
) -> Figure:
    """The nullclines of two populations in the plane of their rates, and the stationary states where they cross.

    On the nullcline of a population its own rate is what the two rates make of it: N_α τ_α (ρ_α + T_α) = 1.

    Parameters
    ----------
    network : Network
        Of two populations.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.
    states : sequence of NetworkState, optional
        Default: all of `fp.stationary_states(network)`.
    limits : ((float, float), (float, float)), optional
        Least and largest rate of the first and of the second population, positive. Default: round the states.

    Raises
    ------
    InvalidArgument
        If the network has not two populations, or the limits are not positive and increasing.

    >>> from fokkerplanck.models.network import excitatory_inhibitory
    >>> figure = plot_phase_plane(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0))
    >>> len(figure.axes)
    1
    """
    if not isinstance(network, Network) or network.lanes != 2:
        raise InvalidArgument(f"a phase plane is drawn for a network of two populations, not for {network!r}.")
    states = network_states(network) if states is None else states
    spans = _limits(states) if limits is None else limits
    for low, high in spans:
        if not 0.0 < low < high:
            raise InvalidArgument(f"`limits` must be positive and increasing, not {limits}.")
    figure, ax = _canvas(ax, (5.6, 4.8))
    wide = [high / low > DECADES for low, high in spans]
    x, y = (
        np.geomspace(low, high, POINTS) if log else np.linspace(low, high, POINTS)
        for (low, high), log in zip(spans, wide, strict=True)
    )
    rates = np.stack(np.meshgrid(x, y, indexing="ij"), axis=-1)
    F = Balance(network).value(np.log(rates))
    for k, (colour, name) in enumerate(zip(NULLCLINES, network.names, strict=True)):
        # Where a rate is far from what its input allows, F is enormous; the contour needs its neighbourhood of zero.
        lines = contour_generator(x, y, np.tanh(F[..., k]).T).lines(0.0)
        for i, line in enumerate(lines):
            ax.plot(*np.asarray(line).T, color=colour, lw=1.8, label=None if i else f"nullcline of {name}")
    for log, scale in zip(wide, (ax.set_xscale, ax.set_yscale), strict=True):
        if log:
            scale("log")
    drawn = set()
    for state in states:
        label = None if state.stable in drawn else NAMES[state.stable]
        drawn.add(state.stable)
        ax.plot(*state.rates, "o", ms=8, mfc=FACES[state.stable], mec="black", mew=1.4, zorder=5, label=label, ls="")
    first, second = (_symbol(name) for name in network.names)
    ax.set(xlabel=first, ylabel=second, xlim=spans[0], ylim=spans[1])
    ax.legend(loc="best", **LEGEND)
    return figure


@styled
def plot_bifurcations(
    diagram: BifurcationDiagram, population: int | str = 0, ax: Axes | None = None, parameter: str = "parameter"
) -> Figure:
    """The rate of one population over the parameter: stable branches solid, unstable ones dashed.

    Without a count of growing modes (`stability=False`) branches are thin and grey.

    Parameters
    ----------
    diagram : BifurcationDiagram
        Of `fokkerplanck.continuation.bifurcations`.
    population : int or str
        Index or name.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.
    parameter : str
        What is written below the axis.

    Raises
    ------
    InvalidArgument
        If there is no such population.

    >>> from fokkerplanck.continuation import bifurcations
    >>> from fokkerplanck.models.catalog import nnlif
    >>> figure = plot_bifurcations(bifurcations(lambda b: nnlif(b=b), (1.0, 2.2), samples=2, stability=False))
    >>> len(figure.axes)
    1
    """
    k = _index(diagram, population)
    figure, ax = _canvas(ax, (6.4, 4.4))
    labels: set[str] = set()

    def once(label: str) -> str | None:
        if label in labels:
            return None
        labels.add(label)
        return label

    values: list[np.ndarray] = []
    for branch in diagram.branches:
        rates = branch.rates[:, k]
        values.append(rates)
        known = branch.unstable >= 0
        if not np.any(known):
            ax.plot(branch.parameter, rates, color="0.4", lw=1.2)
            continue
        # Each piece has the stability of the one of its two ends at which it is known.
        ends = np.where(known[:-1], branch.unstable[:-1], branch.unstable[1:])
        start = 0
        for i in range(1, len(ends) + 1):
            if i == len(ends) or (ends[i] == 0) != (ends[start] == 0) or (ends[i] < 0) != (ends[start] < 0):
                stable = ends[start] == 0
                style: dict[str, Any] = {"color": COLOURS["density"], "lw": 2.0} if stable else {
                    "color": COLOURS["rate"], "lw": 1.5, "ls": (0, (4, 2))
                }  # fmt: skip
                label = once("stable" if stable else "unstable")
                ax.plot(branch.parameter[start : i + 1], rates[start : i + 1], label=label, **style)
                start = i
    for point in diagram.bifurcations:
        marker, name = MARKS[point.kind]
        face = "white" if point.kind == "fold" else "black"
        ax.plot(point.parameter, point.rates[k], marker, ms=6, mfc=face, mec="black", ls="", zorder=5, label=once(name))
    if values:
        every = np.concatenate(values)
        if every.max() > DECADES * every.min():
            ax.set_yscale("log")
            ax.set_ylim(top=min(float(every.max()) * 1.3, 1e4))
    name = diagram.names[k] if len(diagram.names) > 1 else ""
    ax.set(xlabel=parameter, ylabel=_symbol(name), xlim=diagram.span)
    if labels:
        ax.legend(loc="best", **LEGEND)
    return figure


def _canvas(ax: Axes | None, size: tuple[float, float]) -> tuple[Figure, Axes]:
    if ax is not None:
        return ax.get_figure(root=True), ax  # type: ignore[return-value]  # axes are always in one
    figure = new_figure(*size)
    return figure, figure.subplots()


def _index(diagram: BifurcationDiagram, population: int | str) -> int:
    if isinstance(population, str):
        return int(named("population", {name: k for k, name in enumerate(diagram.names)}, population))
    if isinstance(population, bool) or not 0 <= population < len(diagram.names):
        raise InvalidArgument(f"`population` = {population!r}, but there are {len(diagram.names)} populations.")
    return population


def _symbol(name: str) -> str:
    return rf"$N_{{\mathrm{{{name}}}}}$" if name else "$N$"


def _limits(states: Sequence[NetworkState]) -> tuple[tuple[float, float], tuple[float, float]]:
    """Round the states, half a decade beyond them; without states, the usual rates."""
    if not len(states):
        return (1e-2, 10.0), (1e-2, 10.0)
    L = np.array([state.log_rates for state in states])
    low, high = np.exp(np.maximum(L.min(axis=0), -25.0) - 1.5), np.exp(L.max(axis=0) + 1.5)
    return (float(low[0]), float(high[0])), (float(low[1]), float(high[1]))
