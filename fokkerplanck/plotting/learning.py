"""Pictures of learning networks: the density over potential and weight, connectivities and rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..elements import Elements
from ..models.learning import Learning
from ..outcomes import InvalidArgument, real_array
from .panels import lanes_image
from .style import COLOURS, LEGEND, PAGE, SNAPSHOT_MAP, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from ..learned import LearnedState
    from ..solution import Solution

IMAGES = 4
"""Densities p(v, w) that are drawn beside each other."""
ROOM = 0.12
"""Margin of a picture, over the size of what it shows."""
FAINT = 1e-3
"""Share of the largest value from which on a profile belongs into the picture."""


@styled
def plot_learning(solution: Solution, times: Sequence[float] | None = None) -> Figure:
    """p(v, w) at several times, and below them C(w), N(w) and the total rate N̄(t).

    Parameters
    ----------
    solution : Solution
        Of a learning network, on cells, with at least two saved densities.
    times : sequence of float, optional
        The saved densities nearest to them are drawn; four at most show well. Default: the start, the end, and between
        them such that C(w) changes by the same amount (in L¹) from each to the next.

    Raises
    ------
    InvalidArgument
        If the solution is not one of a learning network on cells, fewer than two densities were saved, or a time lies
        outside the run.

    >>> import fokkerplanck as fp
    >>> model = fp.learning(lanes=8, signal=1.0)
    >>> start = fp.connectivity(lambda w: np.ones_like(w), fp.compatible_gaussian(0.0, 0.25))
    >>> sol = fp.solve(model, start, (0.0, 1.0), grid=model.grid(cells=50), stepper=fp.BackwardEuler(0.1))
    >>> len(plot_learning(sol).axes)  # four images with a colour bar, and three panels
    8
    """
    model = _learning_of(solution)
    chosen = _chosen(solution, times)
    figure = new_figure(PAGE, 6.4)
    above, below = figure.subfigures(2, 1, height_ratios=[1.15, 1.0], squeeze=False)[:, 0]
    images = np.atleast_1d(above.subplots(1, len(chosen), sharex=True, sharey=True))
    top = _brightest(solution, chosen)
    low = _lowest_visible(solution, chosen)
    for ax, k in zip(images, chosen, strict=True):
        mesh = plot_weights_image(ax, solution, k, top)
        ax.set(title=f"$t = {solution.saved_t[k]:.4g}$", ylabel="", ylim=(low, solution.grid.v_max))
        ax.locator_params(axis="x", nbins=3)
    images[0].set_ylabel("$v$")
    for potential, name in ((solution.grid.V_R, "$V_R$"), (solution.grid.V_F, "$V_F$")):
        place = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        images[-1].annotate(name, (1.0, potential), xytext=(3, 0), **place)
    extend = "max" if float(solution.density[chosen].max()) > top else "neither"
    above.colorbar(mesh, ax=list(images), label="$p(v, w)$", aspect=25, extend=extend)
    left, middle, right = below.subplots(1, 3)
    # Who is refractory has a weight as well.
    silent = solution.refractory[np.searchsorted(solution.t, solution.saved_t).clip(0, len(solution.t) - 1)]
    masses = solution.density @ solution.grid.width + silent
    rates = solution.rate_at(solution.saved_t)
    for i, k in enumerate(chosen):
        colour = SNAPSHOT_MAP(i / max(len(chosen) - 1, 1))
        label = f"$t = {solution.saved_t[k]:.4g}$"
        left.stairs(masses[k], model.w_faces, color=colour, lw=1.5, label=label)
        middle.stairs(rates[k], model.w_faces, color=colour, lw=1.5, label=label)
    settled = rates[chosen[1:]].max() if len(chosen) > 1 else rates[chosen].max()
    left.set(xlabel="$w$", ylabel="$C(w, t)$, connectivity", ylim=(0.0, None), xlim=(model.w_min, model.w_max))
    middle.set(xlabel="$w$", ylabel="$N(w, t)$, output", ylim=(0.0, 1.1 * settled), xlim=(model.w_min, model.w_max))
    left.legend(loc="best", **LEGEND)
    total = solution.rate @ np.full(model.lanes, model.dw)
    right.plot(solution.t, total, color=COLOURS["rate"], lw=1.6)
    late = total[solution.t >= solution.t[0] + 0.01 * (solution.t[-1] - solution.t[0])]
    right.set(xlabel="$t$", ylabel=r"$\bar N(t)$", xlim=(solution.t[0], solution.t[-1]), ylim=(0.0, 1.1 * late.max()))
    return figure


def plot_weights_image(ax: Axes, solution: Solution, index: int, brightest: float | None = None) -> QuadMesh:
    """p(v, w) at `solution.saved_t[index]` as an image, w to the right and v upwards, with V_R and V_F.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
        Of a learning network, on cells.
    index : int
        Which of the saved densities.
    brightest : float, optional
        The density with the darkest colour; the largest one by default.

    Raises
    ------
    InvalidArgument
        If the solution is not one of a learning network on cells.
    """
    image = lanes_image(ax, solution, _learning_of(solution).w_faces, index, brightest)
    ax.set(xlabel="$w$", ylabel="$v$")
    return image


def plot_learned(ax: Axes, state: LearnedState, C: np.ndarray | None = None, label: str = "computed") -> list[Line2D]:
    """A learned connectivity C(w) and its output N(w) in closed form, and C as computed by a run, in steps.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    state : LearnedState
        From `fp.learned_connectivity(model)`.
    C : array, shape (lanes,), optional
        Averages of C over the lanes of `state.model`, for example `sol.grid.width @ sol.final.density.T`.
    label : str
        What to call them.
    """
    model = state.model
    w = np.linspace(model.w_min, model.w_max, 2001)
    w = np.sort(np.append(w, state.edge * np.array([1.0 - 1e-9, 1.0 + 1e-9])))
    lines = ax.plot(w, state.connectivity(w), color="0.25", lw=1.4, label="$C(w)$, closed form")
    lines += ax.plot(w, state.rate(w), color=COLOURS["rate"], lw=1.4, label="$N(w)$, closed form")
    if C is not None:
        ax.stairs(real_array("C", C), model.w_faces, color=COLOURS["density"], lw=1.6, alpha=0.8, label=label)
    ax.axvline(state.edge, color=COLOURS["bound"], ls=":", lw=1.2)
    ax.annotate(
        f"$w^* = {state.edge:.4f}$", (state.edge, 1.0), xycoords=("data", "axes fraction"), va="bottom", ha="center"
    )
    ax.set(xlabel="weight $w$", xlim=_around(state), ylim=(0.0, None))
    ax.legend(loc="best", **LEGEND)
    return lines


def _around(state: LearnedState) -> tuple[float, float]:
    """Limits of w that show the interval from 0 to w* and a little more, within the weights."""
    low, high = min(state.edge, 0.0), max(state.edge, 0.0)
    more = 2.0 * ROOM * (high - low)
    return max(low - more, state.model.w_min), min(high + more, state.model.w_max)


def _learning_of(solution: Solution) -> Learning:
    model = solution.model
    if not isinstance(model, Learning):
        raise InvalidArgument(f"`solution` must be one of a learning network, fp.learning(...), not of {model!r}.")
    if isinstance(solution.grid, Elements):
        raise InvalidArgument("`solution` is on elements; repeat the run with grid=model.grid(cells=400).")
    return model


def _chosen(solution: Solution, times: Sequence[float] | None) -> list[int]:
    """Indices of the saved densities to draw."""
    saved = solution.saved_t
    if len(saved) < 2:
        raise InvalidArgument("images need at least two saved densities; give `solve` more times in `save_at`.")
    if times is not None:
        asked = np.atleast_1d(real_array("times", times))
        if not np.all((asked >= solution.t[0]) & (asked <= solution.t[-1])):
            raise InvalidArgument(f"`times` must lie within [{solution.t[0]:g}, {solution.t[-1]:.9g}].")
        return list(dict.fromkeys(int(np.argmin(np.abs(saved - time))) for time in asked))
    # Who is refractory has a weight as well.
    silent = solution.refractory[np.searchsorted(solution.t, solution.saved_t).clip(0, len(solution.t) - 1)]
    masses = solution.density @ solution.grid.width + silent
    change = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(masses, axis=0)).sum(axis=1))])
    if not change[-1] > 0.0:  # frozen weights
        change = np.linspace(0.0, 1.0, len(saved))
    return list(dict.fromkeys(int(np.argmin(np.abs(change - c))) for c in np.linspace(0.0, change[-1], IMAGES)))


def _brightest(solution: Solution, chosen: Sequence[int]) -> float:
    """The darkest colour: a concentrated start may exceed it, lest all that follows be pale."""
    peaks = solution.density[chosen].max(axis=(1, 2))
    return float(min(peaks.max(), 1.5 * np.median(peaks)))


def _lowest_visible(solution: Solution, chosen: Sequence[int]) -> float:
    """Below it lies next to nobody."""
    shown = solution.density[chosen]
    rows = shown.max(axis=(0, 1)) > FAINT * float(shown.max())
    first = float(solution.grid.faces[int(np.argmax(rows))])
    return max(first - ROOM * (solution.grid.v_max - first), solution.grid.v_min)
