"""Panels for neurons that differ in their synapses: densities over (v, ξ), synapses, observables against limits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.extended import ExtendedPopulation
from ..models.synapses import Coupling, as_synapses
from ..outcomes import InvalidArgument
from .panels import NOISE, VISIBLE_MASS
from .style import COLOURS, DENSITY_MAP, LEGEND

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.image import AxesImage
    from matplotlib.lines import Line2D

    from ..solution import Solution
    from ..trees import TreeGap

PIXELS = 256
"""Rows and columns of a picture of synapses at most: of more neurons each pixel is a mean."""
BRIGHT = 99.0
"""Percentile of the pixels that are not zero which has the full colour."""
WIDE = 20.0
"""Largest over smallest observable from which axes are logarithmic."""


def plot_label_density(
    ax: Axes, solution: Solution, index: int = -1, labels: Sequence[float] | None = None
) -> QuadMesh:
    """f(v, ξ) at one time as an image, v to the right and the labels ξ upwards.

    Each label has the height of its weight of quadrature, so that areas are shares of the neurons.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
        Of an `ExtendedPopulation`.
    index : int
        Of the time in `solution.saved_t`.
    labels : array, shape (lanes,), optional
        What to put the lanes in order by, in place of ξ: for actual synapses for example the drives S.

    Raises
    ------
    InvalidArgument
        If the solution is that of another model, or nothing was saved at `index`.
    """
    model = solution.model
    if not isinstance(model, ExtendedPopulation):
        raise InvalidArgument(f"`solution` must be that of an ExtendedPopulation, not of {model!r:.60}.")
    if not -len(solution.saved_t) <= index < len(solution.saved_t):
        raise InvalidArgument(f"`index` = {index}, but {len(solution.saved_t)} densities were saved.")
    by = model.xi if labels is None else np.asarray(labels, dtype=float)
    if by.shape != (model.lanes,):
        raise InvalidArgument(f"`labels` must be one number for each of {model.lanes} lanes, not {by.shape}.")
    order = np.argsort(by, kind="stable")
    edges = np.concatenate([[0.0], np.cumsum(model.weight[order])])
    grid, f = solution.grid, solution.density[index][order]
    mixture = model.average(solution.density[index]) * grid.width
    seen = np.flatnonzero((np.cumsum(mixture) > VISIBLE_MASS) & (np.cumsum(mixture[::-1])[::-1] > VISIBLE_MASS))
    image = ax.pcolormesh(
        grid.faces, edges, np.where((f < 0.0) & (f > -NOISE), 0.0, f), cmap=DENSITY_MAP, vmin=0.0, rasterized=True
    )  # fmt: skip
    for potential, kind in ((model.V_R, "reset"), (model.V_F, "threshold")):
        ax.axvline(potential, color=COLOURS[kind], ls="--", lw=1.2)
    low, high = min(grid.faces[seen[0]], model.V_R), max(grid.faces[seen[-1] + 1], model.V_F)
    ax.set(xlim=(low, high), ylim=(0.0, 1.0), xlabel="$v$", ylabel=r"$\xi$" if labels is None else "share of neurons")
    return image


def plot_synapses(ax: Axes, weights: Any, order: Sequence[int] | None = None) -> AxesImage:
    """w_ij as an image, who receives downwards and who sends to the right; excitation red, inhibition blue.

    Of more than 256 neurons a pixel is the mean of the synapses in it. The full colour is that of the 99th percentile
    of the pixels that are not zero, so that single large synapses do not hide the rest.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    weights : SynapseMatrix, array, sparse array or Coupling
        w_ij, shape (N, N).
    order : sequence of int, optional
        The neurons in the order in which they are drawn.
    """
    matrix = weights.matrix if isinstance(weights, Coupling) else as_synapses(weights).matrix
    count = int(matrix.shape[0])
    place = np.empty(count, dtype=np.int64)
    place[np.arange(count) if order is None else np.asarray(order)] = np.arange(count)
    pixels = min(count, PIXELS)
    where = place * pixels // count
    size = np.bincount(where, minlength=pixels)
    image = np.zeros((pixels, pixels))
    if hasattr(matrix, "tocoo"):
        entries = matrix.tocoo()
        np.add.at(image, (where[entries.coords[0]], where[entries.coords[1]]), entries.data)
    else:
        whole = matrix if isinstance(matrix, np.ndarray) else matrix.toarray()
        rows = np.zeros((pixels, count))
        np.add.at(rows, where, whole)
        np.add.at(image.T, where, rows.T)
    image /= size[:, None] * size[None, :]
    sizes = np.abs(image[image != 0.0])
    bright = float(np.percentile(sizes, BRIGHT)) if len(sizes) else 1.0
    shown = ax.imshow(
        image, cmap="RdBu_r", vmin=-bright, vmax=bright, extent=(0, count, count, 0), interpolation="nearest"
    )
    ax.set(xlabel="sender $j$", ylabel="receiver $i$")
    return shown


def plot_tree_gaps(ax: Axes, gaps: Mapping[str, Sequence[TreeGap]], errors: float = 2.0) -> list[Line2D]:
    """τ_N of particles against τ_∞, one colour for each network, with bars of `errors` standard errors.

    The axes are logarithmic where the observables are positive and range widely.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    gaps : mapping of str to sequence of TreeGap
        For each network, by the name that the legend gives it.
    errors : float
        Length of the bars in standard errors.
    """
    lines: list[Line2D] = []
    limits = [gap.limit for some in gaps.values() for gap in some]
    values = [*limits, *(float(gap.found.value) for some in gaps.values() for gap in some)]
    low, high = min(values), max(values)
    if 0.0 < WIDE * low < high:
        ax.set(xscale="log", yscale="log")
        ends = [0.8 * low, 1.25 * high]
    else:
        margin = 0.05 * (high - low)
        ends = [low - margin, high + margin]
    lines += ax.plot(ends, ends, color="0.6", lw=1.0, zorder=0)
    for name, some in gaps.items():
        bars = ax.errorbar(
            [gap.limit for gap in some],
            [float(gap.found.value) for gap in some],
            [errors * float(np.nan_to_num(gap.found.error)) for gap in some],
            fmt="o", ms=4, capsize=2, label=name,
        )  # fmt: skip
        lines.append(bars[0])
    ax.set(xlabel=r"$\tau_\infty$", ylabel=r"$\tau_N$", xlim=ends)
    ax.legend(loc="best", **LEGEND)
    return lines
