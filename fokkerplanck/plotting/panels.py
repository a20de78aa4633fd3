"""The panels of a solution's figure, each a function of axes and a solution."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..elements import Elements
from ..grid import HalfLine
from ..outcomes import InvalidArgument, Jump
from ..solution import Solution
from .style import COLOURS, DENSITY_MAP, LEGEND, POPULATIONS, SNAPSHOT_MAP

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.lines import Line2D


VISIBLE_MASS = 2e-4
"""Share of the neurons that may lie to the left of the picture, and above it."""
FAR = 10.0
"""The picture shows the bulk alone if all would be this many times as wide."""
COLUMNS, PIECES = 400, 16
"""Least number of pixel columns of an image, and number of its pixel rows for each element."""
FEW = 8
"""Firing events that have their size written above them."""
NOISE = 1e-6
"""A density below minus this is shown as negative; above, it is rounding."""
DECADES = 1e3
"""N is drawn on a logarithmic axis if its largest value exceeds its median by this much."""


def plot_density_image(ax: Axes, solution: Solution) -> QuadMesh:
    """n(v, t) as an image, t to the right and v upwards, with V_R and V_F.

    Each pixel row is one cell, or a piece of an element on which the polynomial is evaluated, at its true place. Every
    saved density is a column; where they are far apart, columns between them are interpolated linearly in time.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
        With at least two saved densities.

    Raises
    ------
    InvalidArgument
        If fewer than two densities were saved.
    """
    _check_one_lane(solution)
    if len(solution.saved_t) < 2:
        raise InvalidArgument("an image needs at least two saved densities; give `solve` more times in `save_at`.")
    faces, n = _rows(solution)
    t, n = _columns(solution.saved_t, np.where((n < 0.0) & (n > -NOISE), 0.0, n))
    edges = np.concatenate([t[:1], 0.5 * (t[1:] + t[:-1]), t[-1:]])
    image = ax.pcolormesh(edges, faces, n.T, cmap=DENSITY_MAP, vmin=0.0, vmax=_brightest(solution), rasterized=True)
    mark_potentials(ax, solution, horizontal=True)
    if solution.blow_up is not None:
        ax.axvline(solution.blow_up.time, color=COLOURS["bound"], lw=1.6)
    x = symbols(solution).x
    ax.set(xlabel="$t$", ylabel=f"${x}$", xlim=visible_times(solution), ylim=visible_potentials(solution))
    return image


def plot_snapshots(ax: Axes, solution: Solution, times: Sequence[float] | None = None) -> list[Line2D]:
    """n(v) at a few times, from light to dark blue, with V_R and V_F.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
    times : sequence of float, optional
        The saved densities nearest to them are drawn. Default: five, such that the density changes by the same
        amount (in L¹) from each to the next.

    Raises
    ------
    InvalidArgument
        If a time lies outside the run.
    """
    _check_one_lane(solution)
    saved, densities = solution.saved_t, solution.density
    if len(saved) == 0:
        saved, densities = np.array([solution.final.t]), solution.final.density[None, :]
    if times is None:
        chosen = _evenly_changing(densities, solution.grid.width, count=5)
    else:
        asked = np.atleast_1d(np.asarray(times, dtype=float))
        if not np.all((asked >= solution.t[0]) & (asked <= solution.t[-1])):
            raise InvalidArgument(f"`times` must lie within [{solution.t[0]:g}, {solution.t[-1]:.9g}].")
        chosen = [int(np.argmin(np.abs(saved - time))) for time in asked]
    v, faces = solution.v, solution.grid.faces
    lines = []
    for i, k in enumerate(chosen):
        colour = SNAPSHOT_MAP(i / (len(chosen) - 1)) if len(chosen) > 1 else COLOURS["density"]
        x, n = v, densities[k]
        if not isinstance(solution.grid, HalfLine):
            x, n = np.append(v, faces[-1]), np.append(n, 0.0)  # n(V_F, t) = 0
        lines += ax.plot(x, n, color=colour, lw=1.6, label=f"$t = {saved[k]:.4g}$")
    mark_potentials(ax, solution, horizontal=False)
    low, high = visible_potentials(solution)
    shown = densities[chosen]
    letter = symbols(solution).x
    ax.set(xlabel=f"${letter}$", ylabel=f"$n({letter}, t)$", xlim=(low, high))
    peaks = shown.max(axis=1)
    if isinstance(solution.grid, HalfLine) and peaks.max() > DECADES * peaks.min():  # all are lines on the axes else
        ax.set(xscale="log", yscale="log", xlim=(0.5 / peaks.max(), high), ylim=(1e-3 * peaks.min(), 2.0 * peaks.max()))
    else:
        ax.set_ylim(min(0.0, 1.1 * shown.min()), 1.08 * shown.max())
    ax.legend(loc="best", **LEGEND)
    return lines


def plot_rate(ax: Axes, solution: Solution) -> list[Line2D]:
    """N(t), and R(t) where neurons are refractory; a blow-up time as a green line, a firing event as an arrow.

    The axis is logarithmic if the rate blows up or ranges over decades.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
    """
    _check_one_lane(solution)
    t = between_steps(solution.t)
    rate = solution.rate_at(t)
    _, N, R = symbols(solution)
    lines = ax.plot(t, rate, color=COLOURS["rate"], lw=1.8, label=f"${N}(t)$")
    if np.any(solution.refractory > 0):
        style: dict[str, Any] = {"color": COLOURS["refractory"], "lw": 1.4, "ls": "-."}
        lines += ax.plot(solution.t, solution.refractory, label=f"${R}(t)$", **style)
    low, high = float(solution.rate.min()), float(rate[t >= _settled(t)].max())
    for jump in solution.jumps:
        lines += _spike(ax, jump, named=len(solution.jumps) <= FEW)
    if solution.blow_up is not None or solution.jumps or high > DECADES * np.median(solution.rate):
        ax.set_yscale("log")
        ax.set_ylim(max(low, 1e-6 * high) / 2, 3 * high)
    else:
        # A datum that does not vanish at V_F starts with an integrable peak; its height is the grid's, so no number.
        hidden = solution.rate[0] > 1.1 * high
        if hidden:
            ax.annotate(f"${N}$ begins above this axis", (0.02, 0.9), xycoords="axes fraction")
        ax.set_ylim(min(0.0, 1.1 * low), (1.25 if hidden else 1.1) * high or 1.0)
    if solution.blow_up is not None:
        time = solution.blow_up.time
        lines.append(ax.axvline(time, color=COLOURS["bound"], lw=1.6, label=f"$t^* = {time:.5g}$"))
    silent = f", ${R}(t)$" if np.any(solution.refractory > 0) else ""
    ax.set(xlabel="$t$", ylabel=f"${N}(t)${silent}", xlim=visible_times(solution))
    if len(lines) > 1:
        ax.legend(loc="best", **LEGEND)
    return lines


def plot_rates(ax: Axes, solution: Solution) -> list[Line2D]:
    """N(t) of each of a few populations, named as in the model; a blow-up time as a green line.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
        Of a model with several lanes.
    """
    t = between_steps(solution.t)
    rate = solution.rate_at(t)
    names = [str(k) for k in range(rate.shape[1])] if solution.model is None else list(solution.model.lane_names)
    lines = []
    for k, name in enumerate(names):
        lines += ax.plot(t, rate[:, k], color=POPULATIONS[k % len(POPULATIONS)], lw=1.8, label=f"$N_{{{name}}}(t)$")
    rate_axis(ax, solution, t, rate)
    if solution.blow_up is not None:
        time = solution.blow_up.time
        lines.append(ax.axvline(time, color=COLOURS["bound"], lw=1.6, label=f"$t^* = {time:.5g}$"))
    ax.set(xlabel="$t$", ylabel="$N(t)$", xlim=visible_times(solution))
    ax.legend(loc="best", **LEGEND)
    return lines


def rate_axis(ax: Axes, solution: Solution, t: np.ndarray, rate: np.ndarray) -> None:
    """Limits for the rates of a few populations, on a logarithmic axis if they blow up or range over decades."""
    high = float(rate[t >= _settled(t)].max())
    if solution.blow_up is not None or solution.jumps or high > DECADES * np.median(rate):
        ax.set_yscale("log")
        ax.set_ylim(max(float(rate.min()), 1e-6 * high) / 2, 3 * high)
    else:
        ax.set_ylim(min(0.0, 1.1 * float(rate.min())), 1.15 * high or 1.0)


def _check_one_lane(solution: Any) -> None:
    """Refuse what has several densities, or is none."""
    if not isinstance(solution, Solution):
        raise InvalidArgument(f"`solution` must be what fp.solve returns; draw {type(solution).__name__} with .plot().")
    if solution.rate.ndim > 1:
        raise InvalidArgument(
            "`solution` has several lanes; draw one of them, `sol.lane(name)`, or all with `sol.plot()`."
        )


class _Symbols(NamedTuple):
    """What the axes of a solution are called."""

    x: str
    N: str
    R: str


def symbols(solution: Solution) -> _Symbols:
    model = solution.model
    if model is None:
        return _Symbols("v", "N", "R")
    return _Symbols(model.coordinate, model.activity, model.companion_name)


def _spike(ax: Axes, jump: Jump, named: bool) -> list[Line2D]:
    """The term Δ δ(t − t*) of N(t)."""
    line = ax.axvline(jump.time, color=COLOURS["bound"], lw=1.4)
    ax.plot([jump.time], [1.0], "^", color=COLOURS["bound"], transform=ax.get_xaxis_transform(), clip_on=False)
    if named:
        place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
        size = rf"${jump.fraction:.3g}\,\delta$"
        ax.annotate(size, (jump.time, 1.0), xytext=(0, 5), ha="center", va="bottom", **place)
    return [line]


def lanes_image(
    ax: Axes, solution: Solution, lanes: np.ndarray, index: int, brightest: float | None = None
) -> QuadMesh:
    """A saved density with the lanes, between the faces `lanes`, to the right and v upwards, with V_R and V_F."""
    density, grid = solution.density[index], solution.grid
    top = float(density.max()) if brightest is None else brightest
    image = ax.pcolormesh(lanes, grid.faces, density.T, cmap=DENSITY_MAP, vmin=0.0, vmax=top, rasterized=True)
    for potential, kind in ((grid.V_R, "reset"), (grid.V_F, "threshold")):
        ax.axhline(potential, color=COLOURS[kind], ls="--", lw=1.0)
    return image


def visible_potentials(solution: Solution) -> tuple[float, float]:
    """Limits of v that hold all but a trace of the mass at every saved time, with V_R and V_F.

    Where that is far wider than what holds nine tenths of it (as for a quadratic drift with a high V_F), the
    neighbourhood of the latter.
    """
    grid = solution.grid
    densities = solution.density if len(solution.density) else solution.final.density[None]
    densities = densities.reshape(-1, grid.cells)  # of all lanes
    left_of = np.cumsum(densities * grid.width, axis=1).max(axis=0)
    right_of = np.cumsum((densities * grid.width)[:, ::-1], axis=1).max(axis=0)

    def holding(outside: float) -> tuple[float, float]:
        lowest = min(int(np.searchsorted(left_of, outside)), grid.cells - 1)
        highest = max(grid.cells - int(np.searchsorted(right_of, outside)), lowest + 1)
        return float(grid.faces[lowest]), float(grid.faces[highest])

    lowest, highest = holding(VISIBLE_MASS)
    if isinstance(grid, HalfLine):
        return 0.0, highest
    low, high = min(lowest, grid.V_R), max(highest, grid.V_F)
    bulk = holding(0.05)
    wide = bulk[1] - bulk[0]
    margin = 0.04 * (high - low)
    if high - low > FAR * wide:
        low, high, margin = max(bulk[0] - wide, low), min(bulk[1] + wide, high), 0.0
    return max(low - margin, grid.v_min), high + margin


def _rows(solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Edges of the pixel rows, and the saved densities in them, shape (times, rows)."""
    grid, densities = solution.grid, solution.density
    if not isinstance(grid, Elements):
        return grid.faces, densities
    ends = np.linspace(-1.0, 1.0, PIECES + 1)
    basis = grid.rule.basis(0.5 * (ends[1:] + ends[:-1]))
    inner = grid.edges[:-1, None] + grid.half * (1.0 + ends[:-1])
    return np.append(inner, grid.v_max), np.array([(grid.spread(n) @ basis.T).ravel() for n in densities])


def _columns(t: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The densities n at the times t, and between those that are far apart their linear interpolation."""
    pieces = np.ceil(np.diff(t) / ((t[-1] - t[0]) / COLUMNS)).astype(int)
    between = [np.arange(count) / count for count in pieces]
    left = np.append(np.repeat(np.arange(len(pieces)), pieces), len(t) - 2)
    share = np.append(np.concatenate(between), 1.0)
    times = np.append(t[left[:-1]] + share[:-1] * np.diff(t)[left[:-1]], t[-1])
    return times, (1.0 - share[:, None]) * n[left] + share[:, None] * n[left + 1]


def mark_potentials(ax: Axes, solution: Solution, horizontal: bool) -> list[Line2D]:
    """Dashed lines at the reset and at the threshold, named at their end; an arrow to what is out of the picture."""
    if isinstance(solution.grid, HalfLine):
        return []
    lines = []
    line = ax.axhline if horizontal else ax.axvline
    low, high = visible_potentials(solution)
    place: dict[str, Any]
    for potential, name, kind in (
        (solution.grid.V_R, "$V_R$", "reset"),
        (solution.grid.V_F, "$V_F$", "threshold"),
    ):
        lines.append(line(potential, color=COLOURS[kind], ls="--", lw=1.2))
        if not low <= potential <= high:
            end, arrow = (1.0, ("right", "up")) if potential > high else (0.0, ("left", "down"))
            far = f"${name.strip('$')} = {potential:g}\\{arrow[horizontal]}arrow$"
            place = {"xytext": (3, 0) if horizontal else (0, 2), "va": "center" if horizontal else "bottom"}
            place |= {"ha": "left" if horizontal or end == 0.0 else "right"}
            at = (1.0, end) if horizontal else (end, 1.0)
            ax.annotate(far, at, xycoords="axes fraction", textcoords="offset points", **place)
        elif horizontal:
            place = {"xy": (1.0, potential), "xytext": (3, 0), "ha": "left", "va": "center"}
            ax.annotate(name, xycoords=("axes fraction", "data"), textcoords="offset points", **place)
        else:
            place = {"xy": (potential, 1.0), "xytext": (0, 2), "ha": "center", "va": "bottom"}
            ax.annotate(name, xycoords=("data", "axes fraction"), textcoords="offset points", **place)
    return lines


def _brightest(solution: Solution) -> float:
    """The density with the darkest colour: a short-lived peak may exceed it, lest all that follows be pale."""
    peak = solution.density.max(axis=1)
    usual = np.median(np.interp(np.linspace(solution.saved_t[0], solution.saved_t[-1], 500), solution.saved_t, peak))
    return float(min(peak.max(), 2.0 * usual))


def visible_times(solution: Solution) -> tuple[float, float]:
    """From the start to the end, or a little past the blow-up."""
    start, end = float(solution.t[0]), float(solution.t[-1])
    if solution.blow_up is not None:
        end = max(end, solution.blow_up.time)
        end += 0.02 * (end - start)
    return start, end if end > start else start + 1.0


def _settled(t: np.ndarray) -> float:
    """The time from which N determines the scale of its axis."""
    return float(t[0] + 0.01 * (t[-1] - t[0]))


def _evenly_changing(densities: np.ndarray, width: np.ndarray, count: int) -> list[int]:
    """Indices of densities between which the summed L¹ change is the same."""
    change = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(densities, axis=0)) @ width)])
    return list(dict.fromkeys(int(np.argmin(np.abs(change - c))) for c in np.linspace(0.0, change[-1], count)))


def between_steps(t: np.ndarray, pieces: int = 8) -> np.ndarray:
    """The steps with equally spaced times between them, for a smooth curve."""
    if len(t) == 1:
        return t
    fractions = np.arange(pieces) / pieces
    return np.append((t[:-1, None] + np.diff(t)[:, None] * fractions).ravel(), t[-1])
