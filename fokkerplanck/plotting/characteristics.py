"""The network without noise: its rate, and its density at a few times."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..meanfield.characteristics import CharacteristicSolution
from ..outcomes import InvalidArgument
from .style import COLOURS, LEGEND, PAGE, SNAPSHOT_MAP, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOMENTS = (0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0)
"""Of the run, at which the density is drawn."""
REACH, POINTS = 4.0, 1200
"""Of V_F − V_R, that are drawn below V_F."""


@styled
def plot_characteristics(solution: CharacteristicSolution, times: ArrayLike | None = None) -> Figure:
    """N(t), on a logarithmic axis if it becomes infinite, and the density at a few times.

    Parameters
    ----------
    solution : CharacteristicSolution
        Of `fp.characteristics`.
    times : array, optional
        At which the density is drawn; default: four from the first to the last.

    >>> import fokkerplanck as fp
    >>> solution = fp.characteristics(fp.nnlif(b=0.9, a0=0.0, external=3.0), fp.gaussian(0.5, 0.09), (0.0, 2.0))
    >>> plot_characteristics(solution).axes[0].get_yscale()
    'log'
    """
    if not isinstance(solution, CharacteristicSolution):
        raise InvalidArgument(f"`solution` must be what fp.characteristics returns, not {solution!r:.60}.")
    figure = new_figure(PAGE, 3.8)
    rate, density = figure.subplots(1, 2)
    shown = np.isfinite(solution.rate)
    if solution.blow_up is not None:
        shown &= solution.rate > 0.0
        rate.set_yscale("log")
        time = solution.blow_up.time
        rate.axvline(time, color=COLOURS["bound"], lw=1.6, label=f"$t^* = {time:.6g}$")
        rate.legend(loc="upper left", **LEGEND)
    rate.plot(solution.t[shown], solution.rate[shown], color=COLOURS["rate"], lw=1.8)
    rate.set(xlabel="$t$", ylabel="$N(t)$")
    first, last = solution.t[[0, -1]]
    model = solution.model
    v = np.linspace(model.V_F - REACH * (model.V_F - model.V_R), model.V_F, POINTS)
    drawn = (
        first + (last - first) * np.array(MOMENTS) if times is None else np.atleast_1d(np.asarray(times, dtype=float))
    )
    for k, t in enumerate(drawn):
        colour = SNAPSHOT_MAP(k / max(len(drawn) - 1, 1))
        density.plot(v, solution.density(v, min(float(t), float(last))), color=colour, lw=1.6, label=f"$t = {t:.4g}$")
    for potential, kind in ((model.V_R, "reset"), (model.V_F, "threshold")):
        density.axvline(potential, color=COLOURS[kind], ls="--", lw=1.2)
    density.set(xlabel="$v$", ylabel="$n(v, t)$", xlim=(v[0], v[-1]), ylim=(0.0, None))
    density.legend(loc="upper left", **LEGEND)
    return figure
