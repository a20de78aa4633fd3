"""The phase diagram of a sparse network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.patches import Patch

from ..networks.phase_diagram import PhaseDiagram
from ..outcomes import InvalidArgument
from .style import LEGEND, PANEL, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

REGIONS = {
    "Q": "#e8e8e8",
    "Q + SR": "#cfcfcf",
    "AI": "#cfe6f5",
    "AR": "#9ecae8",
    "SI fast": "#f6c9a8",
    "SI slow": "#f4e3a1",
    "SR": "#e0a0a0",
}
OTHERS = ("#d9c7e3", "#c5e3d4", "#b9a3c9", "#9fd0b8", "#e3c7d6", "#f0f0d0")
"""Colours of the usual regions, and of combinations that occur besides."""

CONTOURED = 60
"""Grid points in the synchronous irregular regions from which on contours of the frequency are smooth enough."""


@styled
def plot_phase_diagram(diagram: PhaseDiagram, ax: Axes | None = None) -> Figure:
    """Regions of the phase diagram in colour, the lines between them, and the frequency of what oscillates.

    Lines are black, and located more finely than the grid. Dotted lines, with their values in the inverse unit of time,
    are frequencies of fast oscillations.

    Parameters
    ----------
    diagram : PhaseDiagram
        Of `fp.phase_diagram`.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.

    Raises
    ------
    InvalidArgument
        If `diagram` is no PhaseDiagram.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.BrunelNetwork(neuron, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015)
    >>> diagram = fp.phase_diagram(network, g=[5.0, 6.0], nu_ext=[20.0, 40.0], bisections=2)
    >>> len(plot_phase_diagram(diagram).axes)
    1
    """
    if not isinstance(diagram, PhaseDiagram):
        raise InvalidArgument(f"`diagram` must come from fp.phase_diagram, not {diagram!r:.80}.")
    if ax is None:
        figure: Figure = new_figure(PANEL, 4.8)
        ax = figure.subplots()
    else:
        figure = ax.get_figure(root=True)  # type: ignore[assignment]  # axes are always in one
    scale = 1.0 / diagram.network.threshold_rate
    names = sorted(diagram.regions, key=lambda name: list(REGIONS).index(name) if name in REGIONS else 99)
    spare = iter(OTHERS * len(names))
    colours = {name: REGIONS.get(name) or next(spare) for name in names}
    for name in names:
        polygons = [polygon * [1.0, scale] for polygon in diagram.regions[name]]
        ax.add_collection(PolyCollection(polygons, facecolors=colours[name], edgecolors=colours[name], linewidths=0.5))
    for lines in diagram.boundaries.values():
        for line in lines:
            ax.plot(line[:, 0], scale * line[:, 1], color="black", lw=1.2)
    frequency = np.where(diagram.label == "SI fast", diagram.frequency, np.nan)
    if np.count_nonzero(np.isfinite(frequency)) > CONTOURED:
        contours = ax.contour(
            diagram.g, scale * diagram.nu_ext, frequency.T, levels=4, colors="0.25", linewidths=0.8, linestyles="dotted"
        )
        ax.clabel(contours, fontsize=7, fmt="%g")
    ax.set(
        xlabel="relative strength of inhibition $g$", ylabel=r"external rate $\nu_{\mathrm{ext}}/\nu_{\mathrm{thr}}$"
    )
    ax.set(xlim=(diagram.g[0], diagram.g[-1]), ylim=(scale * diagram.nu_ext[0], scale * diagram.nu_ext[-1]))
    patches = [Patch(facecolor=colours[name], edgecolor="0.4", label=name) for name in names]
    figure.legend(handles=patches, loc="outside right upper", fontsize=8, **LEGEND)
    return figure
