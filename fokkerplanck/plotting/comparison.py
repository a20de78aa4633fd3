"""Solutions laid over each other: rates, densities, and how far they are from the first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..elements import Elements
from ..grid import HalfLine
from ..outcomes import InvalidArgument
from ..particles.solution import ParticleSolution
from ..solution import Solution
from .events import window_edges, window_rates
from .figure import FEW
from .moments import SavedDensities
from .panels import between_steps, mark_potentials, rate_axis, symbols, visible_potentials
from .scenes import lane_labels
from .style import COLOURS, DASHES, LEGEND, PAGE, POPULATIONS, SolutionFigure, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST = len(DASHES)
"""Solutions that can be told apart."""
MOMENTS = 3
"""Times at which densities are drawn."""
TIMES = 1000
"""At which N_k − N_1 is evaluated, besides the steps of both."""
WINDOWS = 60
"""In which spikes of neurons are counted."""
FAINT = 0.02
"""Share of the differences that may lie below the picture: where curves cross they vanish."""
SMALLEST = 1e-16
"""Differences below this, over the largest rate, are rounding."""
GAUSS = np.polynomial.legendre.leggauss(6)


@styled
def compare(*solutions: Solution | ParticleSolution, labels: Sequence[str] | None = None) -> SolutionFigure:
    """Lay solutions over each other: N(t), its difference to the first on a logarithmic axis, and densities.

    They may differ in everything but the number of populations: model, scheme, grid, length, density against neurons.
    The difference |N_k − N_1| is shown on the span that both have. That to finitely many neurons is one of means over
    windows, with the standard error as a thin line: what lies around it is chance. Densities are drawn as they are, on
    their own grids, at the start, in the middle and at the end of the time for which all of them were saved (of neurons
    the nearest histogram).

    Parameters
    ----------
    *solutions : Solution or ParticleSolution
        Two to five; the first is what the others are compared with.
    labels : sequence of str, optional
        One for each, for the legend. Default: what they were computed with.

    Returns
    -------
    SolutionFigure

    Raises
    ------
    InvalidArgument
        If there are fewer than two or more than five, their numbers of populations differ or exceed five, they share
        no time, or there is not one label for each.

    >>> import fokkerplanck as fp
    >>> model, start = fp.nnlif(b=0.5), fp.compatible_gaussian(0.0, 0.25)
    >>> grid = model.grid(100)
    >>> runs = [fp.solve(model, start, (0.0, 1.0), grid=grid, scheme=s) for s in (None, fp.Upwind())]
    >>> len(compare(*runs, labels=["second order", "first order"]).axes)  # N, its difference, three densities
    5
    """
    names = _checked(solutions, labels)
    lanes = lane_labels(solutions[0]) if isinstance(solutions[0], Solution) else []
    times = _common_times(solutions)
    if not lanes:
        figure = new_figure(PAGE, 6.2)
        panels = figure.subplot_mosaic(_layout(len(times)), width_ratios=[1.35, 1.0][: 1 + bool(len(times))])
        _rates(panels["rate"], panels["difference"], solutions, names)
        for k, t in enumerate(times):
            _densities(panels[f"density {k}"], solutions, t, last=k == len(times) - 1)
        return figure
    figure = new_figure(PAGE, 7.4)
    axes = figure.subplots(3 if len(times) else 2, len(lanes), height_ratios=[1.4, 0.9, 1.4][: 3 if len(times) else 2])
    axes = np.reshape(axes, (-1, len(lanes)))
    for k, lane in enumerate(lanes):
        parts = [solution.lane(k) for solution in solutions if isinstance(solution, Solution)]
        _rates(axes[0, k], axes[1, k], parts, names, f"N_{{{lane}}}", legend=k == 0)
        if len(times):
            _densities(axes[2, k], parts, times[-1], last=True)
    return figure


def _layout(moments: int) -> Any:
    """Rate above difference, beside them the densities, one above the other."""
    left = ["rate"] * 4 + ["difference"] * 2
    if not moments:
        return [[name] for name in left]
    return [[name, f"density {i * moments // len(left)}"] for i, name in enumerate(left)]


def _rates(
    ax: Axes,
    below: Axes,
    solutions: Sequence[Solution | ParticleSolution],
    names: Sequence[str],
    N: str | None = None,
    legend: bool = True,
) -> None:
    """N(t) of each, and below it the difference to the first."""
    first = solutions[0]
    N = N or (symbols(first).N if isinstance(first, Solution) else "N")
    limits, ends = [], []
    for k, (solution, name) in enumerate(zip(solutions, names, strict=True)):
        style: dict[str, Any] = {"color": POPULATIONS[k], "ls": DASHES[k], "label": name}
        if isinstance(solution, Solution):
            t = between_steps(solution.t)
            rate = solution.rate_at(t)
            ax.plot(t, rate, lw=1.8, zorder=3, **style)
            ax.set_yscale("linear")  # whatever the one before needed
            rate_axis(ax, solution, t, rate)
            limits.append((ax.get_yscale(), *ax.get_ylim()))
            if solution.blow_up is not None:
                time = solution.blow_up.time
                ax.axvline(time, color=COLOURS["bound"], ls=DASHES[k], lw=1.2, label=f"$t^* = {time:.5g}$")
        else:
            t, rate, error = window_rates(solution, WINDOWS)
            ax.fill_between(t, np.maximum(rate - error, 0.0), rate + error, color=POPULATIONS[k], alpha=0.3, lw=0.0)
            ax.plot(t, rate, lw=1.0, **style | {"ls": "-"})
            limits.append(("log" if solution.jumps else "linear", np.nanmin(rate) / 2, 1.15 * np.nanmax(rate)))
        if k:
            ends += _difference(below, first, solution, {"color": POPULATIONS[k], "ls": DASHES[k], "lw": 1.4})
    scales, lows, highs = zip(*limits, strict=True)
    if "log" in scales:
        positive = [low for low in lows if low > 0.0]
        ax.set(yscale="log", ylim=(min(positive) if positive else None, max(highs)))
    else:
        ax.set(yscale="linear", ylim=(min(0.0, *lows), max(highs)))
    start, end = min(s.t[0] for s in solutions), max(s.t[-1] for s in solutions)
    for panel in (ax, below):
        panel.set_xlim(start, end)
    ax.set(ylabel=f"${N}(t)$")
    note = "" if _span(solutions) == (start, end) else "; each difference where both are known"
    below.set(yscale="log", xlabel=f"$t$ (membrane time constants){note}", ylabel=f"$|{N} - {N}^{{(1)}}|$")
    if ends:
        below.set_ylim(min(low for low, _ in ends), max(high for _, high in ends))
    else:  # nothing to show on a logarithmic axis
        below.set(yscale="linear", yticks=[])
    if legend:
        ax.legend(loc="best", **LEGEND)


def _difference(
    ax: Axes, first: Solution | ParticleSolution, other: Solution | ParticleSolution, style: dict[str, Any]
) -> list[tuple[float, float]]:
    """|N − N_1| where both are known, zeros left out; the limits that show it."""
    limits: list[tuple[float, float]] = []
    span = max(first.t[0], other.t[0]), min(first.t[-1], other.t[-1])
    particles = [run for run in (first, other) if isinstance(run, ParticleSolution)]
    if particles:
        edges = particles[0].t[window_edges(particles[0], WINDOWS)]
        edges = edges[(edges >= span[0]) & (edges <= span[1])]
        if len(edges) < 2:
            return limits
        t = 0.5 * (edges[1:] + edges[:-1])
        difference = np.abs(_means(first, edges) - _means(other, edges))
        variance = sum(_means(run, edges) / (run.count * np.diff(edges)) for run in particles)
        error = np.sqrt(variance)
        ax.plot(
            t, np.where(error > 0.0, error, np.nan), color=style["color"], lw=0.8, label="standard error of the neurons"
        )
        ax.legend(loc="lower right", **LEGEND)
    elif isinstance(first, Solution) and isinstance(other, Solution):
        t = np.unique(np.concatenate([np.linspace(*span, TIMES), first.t, other.t]))
        t = t[(t >= span[0]) & (t <= span[1])]
        difference = np.abs(first.rate_at(t) - other.rate_at(t))
    largest = np.nanmax(np.abs(first.rate))
    shown = np.where(difference > SMALLEST * largest, difference, np.nan)
    if np.any(np.isfinite(shown)):
        ax.plot(t, shown, **style)
        low = 0.5 * float(np.nanquantile(shown, FAINT))
        limits.append((low, 2.0 * float(np.nanmax(shown))))
    else:
        ax.plot([], [], **style)
        ax.annotate("no difference beyond rounding", (0.5, 0.5), xycoords="axes fraction", ha="center")
    return limits


def _means(run: Solution | ParticleSolution, edges: np.ndarray) -> np.ndarray:
    """Spikes per neuron and time in each window."""
    if isinstance(run, ParticleSolution) or run.jumps:
        return np.diff(np.interp(edges, run.t, run.fired)) / np.diff(edges)
    nodes, weights = GAUSS
    t = edges[:-1, None] + 0.5 * np.diff(edges)[:, None] * (1.0 + nodes)
    return np.asarray(run.rate_at(t) @ (0.5 * weights))


def _densities(ax: Axes, solutions: Sequence[Solution | ParticleSolution], t: float, last: bool) -> None:
    low, high, top = np.inf, -np.inf, 0.0
    for k, solution in enumerate(solutions):
        style: dict[str, Any] = {"color": POPULATIONS[k], "ls": DASHES[k]}
        like: Any = solution
        if isinstance(solution, Solution):
            v, n = solution.v, SavedDensities(solution)(t)
            if not isinstance(solution.grid, HalfLine):
                v, n = np.append(v, solution.grid.faces[-1]), np.append(n, 0.0)
            ax.plot(v, n, lw=1.6, zorder=3, **style)
        else:
            n = solution.density[int(np.argmin(np.abs(solution.saved_t - t)))]
            ax.stairs(n, solution.grid.faces, color=POPULATIONS[k], alpha=0.35, fill=True, lw=0.0)
        ends = visible_potentials(like)
        low, high, top = min(low, ends[0]), max(high, ends[1]), max(top, float(n.max()))
    reference: Any = solutions[0]
    mark_potentials(ax, reference, horizontal=False)
    ax.set(xlim=(low, high), ylim=(0.0, 1.1 * top), ylabel="density")
    ax.set_title(f"$t = {t:.4g}$", loc="left")
    if last:
        ax.set_xlabel(f"${symbols(reference).x if isinstance(reference, Solution) else 'v'}$")


# -- what is accepted -------------------------------------------------------------------------------------------


def _checked(solutions: Sequence[Any], labels: Sequence[str] | None) -> list[str]:
    """The labels."""
    for solution in solutions:
        if not isinstance(solution, Solution | ParticleSolution):
            raise InvalidArgument(f"`solutions` must be what fp.solve or fp.simulate returns, not {solution!r:.60}.")
    if not 2 <= len(solutions) <= MOST:
        raise InvalidArgument(
            f"`solutions` must be two to {MOST}, of which more cannot be told apart, not {len(solutions)}."
        )
    counts = [solution.rate.shape[1] if solution.rate.ndim == 2 else 1 for solution in solutions]
    if len(set(counts)) > 1:
        raise InvalidArgument(
            f"`solutions` have {', '.join(map(str, counts))} populations; take those you mean with `sol.lane(name)`."
        )
    if counts[0] > FEW:
        raise InvalidArgument(f"`solutions` of {counts[0]} lanes are too many; compare some with `sol.lane(k)`.")
    start, end = _span(solutions)
    if not start < end:
        raise InvalidArgument("`solutions` have no time in common; let their `t_span` overlap.")
    if labels is None:
        return [f"({k + 1}) {_description(solution)}" for k, solution in enumerate(solutions)]
    if isinstance(labels, str) or len(labels) != len(solutions):
        raise InvalidArgument(f"`labels` must be {len(solutions)} names, one for each solution, not {labels!r}.")
    # Matplotlib leaves out of its legends what begins with an underscore.
    return [f" {label}" if str(label).startswith("_") else str(label) for label in labels]


def _description(solution: Solution | ParticleSolution) -> str:
    if isinstance(solution, ParticleSolution):
        return f"{solution.count} neurons"
    scheme = solution.settings.get("scheme", "solution").split("(")[0]
    return f"{scheme}, {solution.grid.cells} {'nodes' if isinstance(solution.grid, Elements) else 'cells'}"


def _span(solutions: Sequence[Solution | ParticleSolution]) -> tuple[float, float]:
    return max(float(s.t[0]) for s in solutions), min(float(s.t[-1]) for s in solutions)


def _common_times(solutions: Sequence[Solution | ParticleSolution]) -> np.ndarray:
    """Times at which there is a density of every one of them."""
    if any(len(s.saved_t) == 0 for s in solutions):
        return np.empty(0)
    start, end = max(float(s.saved_t[0]) for s in solutions), min(float(s.saved_t[-1]) for s in solutions)
    if start > end:
        return np.empty(0)
    return np.unique(np.linspace(start, end, MOMENTS))
