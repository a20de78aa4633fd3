"""How well a fitted neuron describes recorded intervals: density, distribution and survival."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..meanfield.intervalfit import IntervalFit
from ..outcomes import InvalidArgument
from .style import COLOURS, LEGEND, PAGE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from matplotlib.patches import StepPatch

POINTS = 300
FEWEST_BINS, MOST_BINS = 5, 60
REACH = 0.995
"""Share of the intervals that the histogram shows."""
BAND = 1.358
"""√n times the Kolmogorov distance that a law known before exceeds in 5 % of the cases."""


def plot_fitted_density(ax: Axes, fit: IntervalFit, bins: int | None = None, unit: str | None = None) -> StepPatch:
    """The histogram of the intervals and the fitted density.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    fit : IntervalFit
    bins : int, optional
        Default: the root of the number of intervals, from 5 to 60. With a `resolution` they are whole steps of the
        clock.
    unit : str, optional
        Of time, written at the axes.
    """
    T = fit.intervals
    last = float(np.quantile(T, REACH))
    edges = np.linspace(0.0, last, (bins or int(np.clip(np.sqrt(len(T)), FEWEST_BINS, MOST_BINS))) + 1)
    if fit.resolution is not None:
        stride = max(1, round(edges[1] / fit.resolution)) * fit.resolution
        edges = np.arange(-0.5 * fit.resolution, last + stride, stride)
    counts = np.histogram(T, edges)[0] / (len(T) * np.diff(edges))
    steps = ax.stairs(counts, edges, color=COLOURS["density"], fill=True, alpha=0.35, label="recorded")
    t = np.linspace(0.0, edges[-1], POINTS)
    ax.plot(t, fit.law.density(t), color=COLOURS["rate"], lw=1.6, label="fitted")
    per = "" if unit is None else f" (1/{unit})"
    ax.set(xlabel=_in("interval", unit), ylabel=f"density{per}", xlim=(0.0, edges[-1]), ylim=(0.0, None))
    ax.legend(loc="upper right", **LEGEND)
    return steps


def plot_probabilities(ax: Axes, fit: IntervalFit) -> Line2D:
    """Recorded against fitted probabilities of shorter intervals, with the band of 95 % of a law that was not fitted.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    fit : IntervalFit
    """
    T = np.sort(fit.intervals)
    empirical = (np.arange(len(T)) + 0.5) / len(T)
    width = BAND / np.sqrt(len(T))
    diagonal = np.array([0.0, 1.0])
    ax.fill_between(
        diagonal, diagonal - width, diagonal + width, color=COLOURS["reset"], alpha=0.2, lw=0.0, label="95 %"
    )
    ax.plot(diagonal, diagonal, color=COLOURS["reset"], lw=0.9)
    (line,) = ax.plot(fit.cdf(T), empirical, color=COLOURS["density"], lw=1.4)
    distance, _ = fit.kolmogorov
    ax.set_title(f"Kolmogorov distance {distance:.3g}")
    ax.set(xlabel="fitted probability", ylabel="recorded share", xlim=(0.0, 1.0), ylim=(0.0, 1.0), aspect="equal")
    ax.legend(loc="upper left", **LEGEND)
    return line


def plot_survival(ax: Axes, fit: IntervalFit, unit: str | None = None) -> Line2D:
    """Shares of longer intervals, on a logarithmic axis.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    fit : IntervalFit
    unit : str, optional
        Of time, written at the axis.
    """
    T = np.sort(fit.intervals)
    left = (len(T) - np.arange(len(T)) - 0.5) / len(T)
    (line,) = ax.semilogy(T, left, ".", ms=3, color=COLOURS["density"], label="recorded")
    t = np.linspace(0.0, 1.05 * T[-1], POINTS)
    survival = np.asarray(fit.law.survival(t))
    ax.semilogy(t, survival, color=COLOURS["rate"], lw=1.6, label="fitted")
    ax.set(xlabel=_in("interval", unit), ylabel="share of longer ones", xlim=(0.0, t[-1]), ylim=(0.3 / len(T), 1.3))
    ax.legend(loc="upper right", **LEGEND)
    return line


@styled
def plot_interval_fit(fit: IntervalFit, unit: str | None = None) -> Figure:
    """Histogram and fitted density, P–P plot with its band, survival on a logarithmic axis.

    Parameters
    ----------
    fit : IntervalFit
        Of `fp.fit_isi`.
    unit : str, optional
        Of time, "ms" for example, written at the axes.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=20.0, V_th=20.0, V_r=10.0)
    >>> fit = fp.fit_isi(fp.interval_law(15.0, 5.0, neuron).sample(200), neuron, ("mu", "sigma"))
    >>> len(plot_interval_fit(fit, "ms").axes)
    3
    """
    if not isinstance(fit, IntervalFit):
        raise InvalidArgument(f"`fit` must be what fp.fit_isi returns, not {fit!r:.60}.")
    figure = new_figure(PAGE, 4.0)
    density, probabilities, survival = figure.subplots(1, 3)
    plot_fitted_density(density, fit, unit=unit)
    plot_probabilities(probabilities, fit)
    plot_survival(survival, fit, unit)
    errors = fit.standard_errors
    found = [f"{k} {x:.4g}" + (f" ± {errors[k]:.2g}" if k in errors else "") for k, x in fit.parameters.items()]
    figure.suptitle(", ".join([f"{len(fit.intervals)} intervals", *found]))
    return figure


def _in(quantity: str, unit: str | None) -> str:
    return quantity if unit is None else f"{quantity} ({unit})"
