"""One colour for one quantity, in every figure; distinguishable with any colour vision (Okabe, Ito 2008)."""

from __future__ import annotations

from matplotlib.colors import LinearSegmentedColormap

COLOURS = {
    "density": "#0072B2",  # blue
    "rate": "#D55E00",  # red
    "refractory": "#CC79A7",  # pink
    "threshold": "black",
    "reset": "0.5",  # grey
    "bound": "#009E73",  # green
}

POPULATIONS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
"""Of the first few populations; excitatory red and inhibitory blue, as is usual."""

DENSITY_MAP = LinearSegmentedColormap.from_list("density", ["white", "#9ecae8", "#0072B2", "#00223d"]).with_extremes(
    under=COLOURS["rate"]
)
"""White where nobody is, darker where more are; a negative density, which no equation allows, shows in red."""

SNAPSHOT_MAP = LinearSegmentedColormap.from_list("snapshots", ["#a6d3f0", "#0072B2", "#00223d"])
