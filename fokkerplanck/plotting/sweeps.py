"""Tables of sweeps: which fate a solution has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, LogNorm, Normalize
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from ..outcomes import InvalidArgument
from .style import LEGEND, PANEL, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FATES = {
    "steady": "#cfe6f5",
    "finished": "#f4f0c8",
    "unresolved": "#b0b0b0",
    "stalled": "#808080",
    "eternal": "#3a0a2a",
    "set aside": "white",
    "not computed": "white",
}
"""Colours of what is no blow-up."""
BLOW_UP = LinearSegmentedColormap.from_list("blow-up", ["#5a1e00", "#D55E00", "#f9d3b8"])
"""Dark is early."""


@styled
def plot_fates(
    table: Any, ax: Axes | None = None, certified: np.ndarray | None = None, labels: tuple[str, str] | None = None
) -> Figure:
    """The map of fates: where solutions blow up, with t* as colour, and where they come to rest or go on.

    Parameters
    ----------
    table : xarray.Dataset or numpy.recarray
        Of `fp.sweep` over two axes, with the metrics "status" and "t_star". The first axis runs to the right.
    ax : matplotlib.axes.Axes, optional
        Default: a new figure.
    certified : array of bool, optional
        Of the shape of the table: the points for which a theorem says that they blow up; their cells are hatched.
    labels : (str, str), optional
        Of the axes; default: their names.

    Raises
    ------
    InvalidArgument
        If the table has not two axes, or not these metrics, or `certified` does not fit it.

    >>> import fokkerplanck as fp
    >>> axes = {"b": [0.5, 3.0], "initial.mean": [-1.0, 0.0]}
    >>> table = fp.sweep(fp.nnlif(b=0.0), axes, initial=fp.gaussian(0.0, 0.25), t_span=(0.0, 10.0), workers=1)
    >>> len(plot_fates(table).axes)  # the map and its colour bar
    2
    """
    names, (x, y), status, t_star = _map(table)
    if certified is not None:
        certified = np.asarray(certified)
        if certified.shape != status.shape or certified.dtype != bool:
            raise InvalidArgument(f"`certified` must be True or False at {status.shape} points, not {certified.shape}.")
    rows, columns = np.argsort(x), np.argsort(y)
    x, y, order = x[rows], y[columns], np.ix_(rows, columns)
    status, t_star = status[order], t_star[order]
    certified = None if certified is None else certified[order]
    if ax is None:
        figure: Figure = new_figure(PANEL, 4.6)
        ax = figure.subplots()
    else:
        figure = ax.get_figure(root=True)  # type: ignore[assignment]  # axes are always in one
    shown = [word for word in FATES if np.any(status == word)]
    number = np.full(status.shape, np.nan)
    for k, word in enumerate(shown):
        number[status == word] = k
    if shown:
        colours = ListedColormap([FATES[word] for word in shown])
        ax.pcolormesh(x, y, number.T, cmap=colours, vmin=-0.5, vmax=len(shown) - 0.5, shading="nearest")
    blown = np.where(status == "blow-up", t_star, np.nan)
    if np.any(np.isfinite(blown)):
        # Logarithmic where the time begins at zero: data that blow up at once are shown with the earliest others.
        shown_times = blown[blown > 0.0] if np.nanmin(blown) >= 0.0 and np.nanmax(blown) > 0.0 else blown
        low, high = float(np.nanmin(shown_times)), float(np.nanmax(shown_times))
        norm = LogNorm(low, high if high > low else 1.1 * low) if low > 0.0 else Normalize(low, max(high, low + 1e-9))
        image = ax.pcolormesh(x, y, np.maximum(blown, low).T, cmap=BLOW_UP, norm=norm, shading="nearest")
        figure.colorbar(image, ax=ax, pad=0.02, label="time of blow-up $t^*$ (membrane time constants)")
    patches = [Patch(facecolor=FATES[word], edgecolor="0.4", label=word) for word in shown]
    if certified is not None and np.any(certified) and min(certified.shape) > 1:
        _hatch(ax, _edges(x), _edges(y), certified)
        patches.append(Patch(facecolor="none", edgecolor="black", hatch="////", label="certified by the theorem"))
    named = labels or names
    ax.set(xlabel=named[0], ylabel=named[1])
    if patches:
        figure.legend(handles=patches, loc="outside upper center", ncols=len(patches), **LEGEND)
    return figure


def _edges(centres: np.ndarray) -> np.ndarray:
    """Of the cells that `shading="nearest"` draws about the points."""
    middle = 0.5 * (centres[1:] + centres[:-1])
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _hatch(ax: Axes, x: np.ndarray, y: np.ndarray, chosen: np.ndarray) -> None:
    """Hatch the chosen cells, given the edges of all, and draw a line around them."""
    # One path for all cells, so that the hatching runs through; a contour would cut cells in halves.
    cells = [Path([(x[i], y[j]), (x[i + 1], y[j]), (x[i + 1], y[j + 1]), (x[i], y[j + 1]), (x[i], y[j])], closed=True)
             for i, j in np.argwhere(chosen)]  # fmt: skip
    ax.add_patch(PathPatch(Path.make_compound_path(*cells), facecolor="none", edgecolor="black", hatch="////", lw=0))
    around = np.pad(chosen, 1)
    upright = [[(x[i], y[j]), (x[i], y[j + 1])] for i, j in np.argwhere(np.diff(around, axis=0)[:, 1:-1])]
    level = [[(x[i], y[j]), (x[i + 1], y[j])] for i, j in np.argwhere(np.diff(around, axis=1)[1:-1])]
    ax.add_collection(LineCollection(upright + level, colors="black", linewidths=0.8))


def _map(table: Any) -> tuple[tuple[str, str], tuple[np.ndarray, np.ndarray], np.ndarray, np.ndarray]:
    """Names and values of the two axes, status and t*."""
    try:
        status, t_star = np.asarray(table["status"]), np.asarray(table["t_star"])
    except (KeyError, ValueError, TypeError, IndexError):
        raise InvalidArgument("`table` must come from fp.sweep and have the metrics `status` and `t_star`.") from None
    if status.ndim != 2:
        raise InvalidArgument(f"`table` must have two axes, not {status.ndim}; choose one value of the others.")
    if hasattr(table, "dims"):
        first, second = table["status"].dims
        values = table[first].values, table[second].values
    else:
        first, second = table.dtype.names[:2]
        values = table[first][:, 0], table[second][0]
    return (first, second), values, status, t_star
