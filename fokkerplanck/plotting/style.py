"""How figures look: one colour for one quantity, one place for sizes. Nothing here changes Matplotlib's global state.

Colours are those of Okabe and Ito ("Color universal design", 2008), which can be told apart with any colour vision; a
test simulates the common deficiencies.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
from cycler import cycler
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

P = ParamSpec("P")
T = TypeVar("T")

COLOURS = {
    "density": "#0072B2",  # blue
    "rate": "#D55E00",  # red
    "refractory": "#CC79A7",  # pink
    "threshold": "black",
    "reset": "0.37",  # grey, darker than green and pink are to who does not see them
    "bound": "#009E73",  # green
}

POPULATIONS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
"""Of the first few populations; excitatory red and inhibitory blue, as is usual."""

DASHES = ("-", (0, (5, 2)), (0, (1, 1.2)), (0, (6, 2, 1, 2)), (0, (3, 1, 1, 1, 1, 1)))
"""Line styles of solutions that lie over each other, which colours alone would not tell apart on paper."""

DENSITY_MAP = LinearSegmentedColormap.from_list("density", ["white", "#9ecae8", "#0072B2", "#00223d"]).with_extremes(
    under=COLOURS["rate"]
)
"""White where nobody is, darker where more are; a negative density, which no equation allows, shows in red."""

SNAPSHOT_MAP = LinearSegmentedColormap.from_list("snapshots", ["#a6d3f0", "#0072B2", "#00223d"])

STYLE: Any = {
    "font.size": 10.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 10.0,
    "xtick.labelsize": 9.0,
    "ytick.labelsize": 9.0,
    "legend.fontsize": 9.0,
    "figure.titlesize": 11.0,
    "lines.linewidth": 1.6,
    "axes.linewidth": 0.8,
    "axes.prop_cycle": cycler(color=POPULATIONS),
    "axes.formatter.use_mathtext": True,
    "pdf.fonttype": 42,  # journals refuse the outlines that are Matplotlib's default
}
"""Settings of the figures that the package makes; axes that you pass keep your own."""

PAGE, PANEL = 11.0, 6.4
"""Widths in inches: of figures with several panels, and of those with one."""

LEGEND: dict[str, Any] = {"frameon": True, "framealpha": 0.85, "edgecolor": "none"}


class SolutionFigure(Figure):
    """A figure that notebooks show by itself, without pyplot and its list of open figures."""

    def _repr_png_(self) -> bytes:
        picture = io.BytesIO()
        self.savefig(picture, format="png")
        return picture.getvalue()

    def draw(self, renderer: Any) -> None:
        """Draw with the settings it was made with: ticks, for one, are not made before."""
        with mpl.rc_context(STYLE):
            super().draw(renderer)

    def savefig(self, *args: Any, **kwargs: Any) -> None:
        """As Matplotlib's, with these settings."""
        with mpl.rc_context(STYLE):
            super().savefig(*args, **kwargs)


def styled(function: Callable[P, T]) -> Callable[P, T]:
    """Run a function that makes a figure with `STYLE`, unless it is to draw into axes of somebody else."""
    takes = signature(function)

    @wraps(function)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        if takes.bind(*args, **kwargs).arguments.get("ax") is not None:
            return function(*args, **kwargs)
        with mpl.rc_context(STYLE):
            return function(*args, **kwargs)

    return made


def new_figure(width: float, height: float) -> SolutionFigure:
    """A figure of this size in inches whose panels do not overlap."""
    return SolutionFigure(figsize=(width, height), layout="constrained")
