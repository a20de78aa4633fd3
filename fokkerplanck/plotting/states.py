"""Stationary states and the spectra of the equation linearised about them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..elapsed_states import ElapsedState
from ..kinetic_states import KineticState
from ..models.polarization import PolarizedState
from ..networks.linear import NetworkSpectrum
from ..outcomes import InvalidArgument
from ..spectrum import Spectrum
from ..stationary import StationaryState
from .style import COLOURS, DENSITY_MAP, LEGEND, PAGE, PANEL, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D

    from .style import SolutionFigure

POINTS = 1200
TRACE = 1e-3
"""Share of the neurons that may lie outside the picture, and of the largest value below which a profile is nothing."""
FURTHEST = 60
"""Doublings by which the picture grows until it holds all but a trace."""


def plot_profile(ax: Axes, state: StationaryState | ElapsedState | PolarizedState) -> Line2D:
    """The density of a stationary state, with V_R and V_F where it has them; its rate is the title.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    state : StationaryState, ElapsedState or PolarizedState
        Of `fp.stationary_states`.

    Raises
    ------
    InvalidArgument
        If it is something else.

    >>> import fokkerplanck as fp
    >>> from matplotlib.figure import Figure
    >>> plot_profile(Figure().subplots(), fp.stationary_states(fp.nnlif(b=0.5))[0]).get_xdata().shape
    (1200,)
    """
    if not isinstance(state, StationaryState | ElapsedState | PolarizedState):
        raise InvalidArgument(f"`state` must be one of fp.stationary_states, of one population, not {state!r:.60}.")
    x = _abscissae(state)
    n = state.density(x)
    ax.fill_between(x, n, color=COLOURS["density"], alpha=0.3, lw=0.0)
    (line,) = ax.plot(x, n, color=COLOURS["density"], lw=1.8)
    letter, N = state.model.coordinate, state.model.activity
    if isinstance(state, StationaryState):
        for potential, name, kind in ((state.model.V_R, "V_R", "reset"), (state.model.V_F, "V_F", "threshold")):
            ax.axvline(potential, color=COLOURS[kind], ls="--", lw=1.2)
            place: dict[str, Any] = {"xycoords": ("data", "axes fraction"), "ha": "center", "va": "bottom"}
            ax.annotate(f"${name}$", (potential, 1.0), xytext=(0, 2), textcoords="offset points", **place)
    room = 0.04 * (x[-1] - x[0])
    ax.set(xlabel=f"${letter}$", ylabel=f"$p({letter})$", ylim=(0.0, 1.08 * float(n.max())), xlim=(x[0], x[-1] + room))
    ax.set_title(f"${N} = {state.rate:.5g}$", loc="left", color=COLOURS["rate"])
    return line


def plot_spectrum(ax: Axes, spectrum: Spectrum | NetworkSpectrum) -> Line2D:
    """Eigenvalues in the complex plane, both of each conjugate pair; those that grow are to the right of the line.

    Parameters
    ----------
    ax : matplotlib.axes.Axes
    spectrum : Spectrum or NetworkSpectrum
        Of `fp.spectrum`.

    Raises
    ------
    InvalidArgument
        If it is something else.

    >>> import fokkerplanck as fp
    >>> from matplotlib.figure import Figure
    >>> model = fp.nnlif(b=0.5)
    >>> found = fp.spectrum(model, fp.stationary_states(model)[0], count=3)
    >>> int(plot_spectrum(Figure().subplots(), found).get_xdata().size) >= 3
    True
    """
    if not isinstance(spectrum, Spectrum | NetworkSpectrum):
        raise InvalidArgument(f"`spectrum` must be what fp.spectrum returns, not {spectrum!r:.60}.")
    values = spectrum.eigenvalues
    cut = (values.imag != 0.0) & ~np.isclose(values[:, None], np.conj(values)).any(axis=1)  # half of a pair
    both = np.concatenate([values, np.conj(values[cut])])
    ax.axvline(0.0, color=COLOURS["threshold"], lw=1.0)
    ax.axhline(0.0, color=COLOURS["reset"], lw=0.6)
    decaying, growing = both[both.real < 0.0], both[both.real >= 0.0]
    (line,) = ax.plot(both.real, both.imag, ls="none")
    ax.plot(decaying.real, decaying.imag, "o", ms=6, color=COLOURS["density"], label="decays")
    if len(growing):
        ax.plot(growing.real, growing.imag, "D", ms=6, color=COLOURS["rate"], label="grows")
        ax.legend(loc="best", **LEGEND)
    low, high = min(float(both.real.min()), 0.0), max(float(both.real.max()), 0.0)
    room = 0.08 * (high - low)
    tall = 1.15 * float(np.abs(both.imag).max()) or 1.0
    ax.set(xlabel=r"growth rate, Re $\lambda$ (1/membrane time constant)", ylabel=r"angular frequency, Im $\lambda$")
    ax.set(xlim=(low - room, high + room), ylim=(-tall, tall))
    return line


@styled
def plot_kinetic_state(state: KineticState) -> Figure:
    """p(v, g) of a stationary state as an image, with V_R, V_F and g_F, and beside it the law of g.

    Parameters
    ----------
    state : KineticState
        Of `fp.stationary_states` for a voltage–conductance equation.

    Raises
    ------
    InvalidArgument
        If it is something else.
    """
    if not isinstance(state, KineticState):
        raise InvalidArgument(f"`state` must be a KineticState, not {state!r:.60}.")
    model, grid = state.model, state.grid
    law = state.density @ grid.width
    lanes = np.flatnonzero(law > TRACE * law.max())
    cells = np.flatnonzero(state.density.max(axis=0) > TRACE * state.density.max())
    figure = new_figure(PAGE, 4.2)
    image, right = figure.subplots(1, 2, width_ratios=[1.3, 1.0])
    mesh = image.pcolormesh(model.g_faces, grid.faces, state.density.T, cmap=DENSITY_MAP, vmin=0.0, rasterized=True)
    figure.colorbar(mesh, ax=image, label="$p(v, g)$", aspect=25, pad=0.08)
    for potential, name, kind in ((grid.V_R, "$V_R$", "reset"), (grid.V_F, "$V_F$", "threshold")):
        image.axhline(potential, color=COLOURS[kind], ls="--", lw=1.2)
        place: dict[str, Any] = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "va": "center"}
        image.annotate(name, (1.0, potential), xytext=(3, 0), **place)
    ends = float(model.g_faces[lanes[0]]), float(model.g_faces[lanes[-1] + 1])
    low, room = min(float(grid.faces[cells[0]]), grid.V_R), 0.05 * (grid.V_F - grid.V_R)
    image.set(xlabel="$g$", ylabel="$v$", xlim=ends, ylim=(low - room, grid.V_F + room))
    right.stairs(law, model.g_faces, color=COLOURS["density"], lw=1.6)
    right.set(xlabel="$g$", ylabel=r"$\int p\,dv$, law of the conductance", xlim=ends, ylim=(0.0, None))
    for panel in (image, right):
        panel.axvline(model.firing_conductance, color=COLOURS["threshold"], ls=":", lw=1.0)
    place = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points", "ha": "center", "va": "bottom"}
    right.annotate("$g_F$", (model.firing_conductance, 1.0), xytext=(0, 2), **place)
    figure.suptitle(f"$N = {state.rate:.5g}$, mean conductance {state.mean_conductance:.4g}")
    return figure


@styled
def figure_of_profile(state: StationaryState | ElapsedState | PolarizedState) -> SolutionFigure:
    """What `state.plot()` shows."""
    figure = new_figure(PANEL, 4.0)
    plot_profile(figure.subplots(), state)
    return figure


@styled
def figure_of_spectrum(spectrum: Spectrum | NetworkSpectrum) -> SolutionFigure:
    """What `spectrum.plot()` shows."""
    figure = new_figure(PANEL, 4.0)
    plot_spectrum(figure.subplots(), spectrum)
    return figure


def _abscissae(state: StationaryState | ElapsedState | PolarizedState) -> np.ndarray:
    """Where the profile is, all but a trace of it."""
    if isinstance(state, StationaryState):
        model = state.model
        grid = model.grid(cells=400)
        n = state.density(grid.v) * grid.width
        below = np.flatnonzero(np.cumsum(n) > TRACE * n.sum())
        above = np.flatnonzero(np.cumsum(n[::-1])[::-1] > TRACE * n.sum())
        low, high = float(grid.faces[below[0]]), float(grid.faces[above[-1] + 1])
        gap = 0.1 * (model.V_F - model.V_R)
        return np.linspace(min(low, model.V_R - gap), max(high, model.V_F), POINTS)
    high, n0 = 1.0, float(state.density(np.array([0.0, 1.0]))[0])
    for _ in range(FURTHEST):
        if float(state.density(np.array([0.0, high]))[-1]) < TRACE * n0:
            break
        high *= 2.0
    x = np.linspace(0.0, high, POINTS)
    seen = np.flatnonzero(state.density(x) >= TRACE * n0)
    return np.linspace(0.0, float(x[min(seen[-1] + 1, POINTS - 1)]), POINTS)
