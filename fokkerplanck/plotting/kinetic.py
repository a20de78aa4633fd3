"""Pictures of neurons with a conductance: the density over conductance and potential, its law of g, and the rate."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..models.kinetic import VoltageConductance
from ..outcomes import InvalidArgument, real_array
from .panels import lanes_image
from .style import COLOURS, LEGEND, PAGE, SNAPSHOT_MAP, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

    from ..solution import Solution

IMAGES = 4
"""Densities p(v, g) that are drawn beside each other."""
FAINT = 1e-3
"""Share of the largest value from which on the law of g belongs into the picture."""
BRIGHT = 0.999
"""Share of the cells of all images that the colours tell apart; a start that is narrow would leave the others white."""


@styled
def plot_kinetic(solution: Solution, times: Sequence[float] | None = None) -> Figure:
    """p(v, g) at several times, and below them the law of g and the total rate N(t).

    The dotted line is the conductance g_F = g_L V_F/(V_E − V_F), to the right of which neurons pass V_F.

    Parameters
    ----------
    solution : Solution
        Of a voltage–conductance equation, with at least two saved densities.
    times : sequence of float, optional
        The saved densities nearest to them are drawn. Default: four, equally far apart in time.

    Raises
    ------
    InvalidArgument
        If the solution is not of such a model, fewer than two densities were saved, or a time lies outside the run.

    >>> import fokkerplanck as fp
    >>> model = fp.voltage_conductance(0.1, nu=20.0, f_E=0.05, sigma_E=0.2, V_E=2.0, lanes=16)
    >>> sol = fp.solve(model, fp.gaussian(0.5, 0.01), (0.0, 0.1), grid=model.grid(40, v_min=-0.4))
    >>> len(plot_kinetic(sol).axes)  # four images with a colour bar, and two panels
    7
    """
    model = _kinetic(solution)
    chosen = _chosen(solution, times)
    figure = new_figure(PAGE, 6.4)
    above, below = figure.subfigures(2, 1, height_ratios=[1.15, 1.0], squeeze=False)[:, 0]
    images = np.atleast_1d(above.subplots(1, len(chosen), sharex=True, sharey=True))
    shown = solution.density[chosen]
    top = float(np.quantile(shown[shown > FAINT * shown.max()], BRIGHT))
    ends = _ends(solution, chosen)
    for ax, k in zip(images, chosen, strict=True):
        mesh = plot_kinetic_image(ax, solution, k, top)
        ax.set(title=f"$t = {solution.saved_t[k]:.4g}$", ylabel="", xlim=ends, ylim=_lowest(solution, chosen))
    images[0].set_ylabel("$v$")
    above.colorbar(
        mesh, ax=list(images), label="$p(v, g)$", aspect=25, extend="max" if shown.max() > top else "neither"
    )
    left, right = below.subplots(1, 2)
    laws = solution.density @ solution.grid.width
    for i, k in enumerate(chosen):
        colour = SNAPSHOT_MAP(i / max(len(chosen) - 1, 1))
        left.stairs(laws[k], model.g_faces, color=colour, lw=1.5, label=f"$t = {solution.saved_t[k]:.4g}$")
    left.axvline(model.firing_conductance, color=COLOURS["threshold"], ls=":", lw=1.0)
    left.set(xlabel="$g$", ylabel="$\\int p\\,dv$, law of the conductance", xlim=ends, ylim=(0.0, None))
    left.legend(loc="best", **LEGEND)
    right.plot(solution.t, model.total_rate(solution.rate), color=COLOURS["rate"], lw=1.6)
    right.set(xlabel="$t$", ylabel="$N(t)$", xlim=(solution.t[0], solution.t[-1]), ylim=(0.0, None))
    return figure


def plot_kinetic_image(ax: Axes, solution: Solution, index: int, brightest: float | None = None) -> QuadMesh:
    """p(v, g) at `solution.saved_t[index]` as an image, g to the right and v upwards, with V_R, V_F and g_F.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    solution : Solution
        Of a voltage–conductance equation.
    index : int
        Which of the saved densities.
    brightest : float, optional
        The density with the darkest colour; the largest one by default.

    Raises
    ------
    InvalidArgument
        If the solution is not of such a model.
    """
    model = _kinetic(solution)
    image = lanes_image(ax, solution, model.g_faces, index, brightest)
    ax.axvline(model.firing_conductance, color=COLOURS["threshold"], ls=":", lw=1.0)
    ax.set(xlabel="$g$", ylabel="$v$")
    return image


def _kinetic(solution: Solution) -> VoltageConductance:
    if not isinstance(solution.model, VoltageConductance):
        raise InvalidArgument(f"`solution` must be one of fp.voltage_conductance(), not of {solution.model!r}.")
    return solution.model


def _chosen(solution: Solution, times: Sequence[float] | None) -> list[int]:
    saved = solution.saved_t
    if len(saved) < 2:
        raise InvalidArgument("`solution` needs at least two saved densities; leave out `save_at`, or name more times.")
    wanted = np.linspace(saved[0], saved[-1], IMAGES) if times is None else np.atleast_1d(real_array("times", times))
    if not np.all((wanted >= saved[0]) & (wanted <= saved[-1])):
        raise InvalidArgument(f"`times` must lie within the run, {saved[0]:g} to {saved[-1]:g}.")
    return sorted({int(np.argmin(np.abs(saved - t))) for t in wanted})


def _ends(solution: Solution, chosen: list[int]) -> tuple[float, float]:
    """The conductances that somebody has."""
    model = _kinetic(solution)
    laws = (solution.density[chosen] @ solution.grid.width).max(axis=0)
    seen = np.flatnonzero(laws > FAINT * laws.max())
    low, high = float(model.g_faces[seen[0]]), float(model.g_faces[seen[-1] + 1])
    return min(low, model.firing_conductance - model.dg), max(high, model.firing_conductance + model.dg)


def _lowest(solution: Solution, chosen: list[int]) -> tuple[float, float]:
    """The potentials that somebody has, and a little more above V_F."""
    grid = solution.grid
    profile = solution.density[chosen].max(axis=(0, 1))
    low = float(grid.faces[np.argmax(profile > FAINT * profile.max())])
    room = 0.05 * (grid.V_F - min(low, grid.V_R))
    return min(low, grid.V_R) - room, grid.V_F + room
