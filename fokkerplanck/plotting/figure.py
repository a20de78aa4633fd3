"""The figure of a solution."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..models.drift import ConstantDrift, ExponentialDrift, Leak, QuadraticDrift
from ..models.elapsed import TimeElapsed
from ..models.extended import ExtendedPopulation
from ..models.kinetic import VoltageConductance
from ..models.learning import Learning
from ..models.population import Population
from ..models.threshold import HardThreshold, RandomThreshold
from ..outcomes import Status
from .panels import NOISE, plot_density_image, plot_rate, plot_rates, plot_snapshots, visible_potentials
from .style import DENSITY_MAP, PAGE, new_figure, styled

if TYPE_CHECKING:
    from matplotlib.collections import QuadMesh
    from matplotlib.figure import Figure

    from ..models.model import Model
    from ..solution import Solution

FEW = 5
"""Populations that have an image each."""
BAR: dict[str, Any] = {"location": "right", "anchor": (0.0, 1.0), "shrink": 0.55, "aspect": 25, "pad": 0.06}
DRIFTS: dict[type, str] = {
    ConstantDrift: "no leak",
    QuadraticDrift: "quadratic drift",
    ExponentialDrift: "exponential drift",
}


@styled
def plot_solution(solution: Solution) -> Figure:
    """Density over (t, v), snapshots of n(v), and N(t), in one figure; of several populations those of each, and of
    learning neurons the density over (w, v) at several times.

    Parameters
    ----------
    solution : Solution
        Of `solve`, or loaded from a file. With fewer than two saved densities the image is left out.

    >>> import fokkerplanck as fp
    >>> figure = plot_solution(fp.solve(fp.nnlif(b=0.5), fp.gaussian(0.0, 0.25), (0.0, 1.0)))
    >>> len(figure.axes)  # three panels and a colour bar
    4
    """
    if isinstance(solution.model, VoltageConductance):
        from .kinetic import plot_kinetic

        return plot_kinetic(solution)
    if isinstance(solution.model, Learning):
        from .learning import plot_learning

        return plot_learning(solution)
    if solution.rate.ndim == 2:
        return plot_populations(solution)
    figure = new_figure(PAGE, 6.2)
    figure.suptitle(title_of(solution))
    if len(solution.saved_t) < 2:
        snapshots, rate = figure.subplots(1, 2)
    else:
        panels = figure.subplot_mosaic(
            [["image", "snapshots"], ["rate", "snapshots"]], width_ratios=[1.4, 1.0], height_ratios=[1.4, 1.0]
        )
        snapshots, rate, image = panels["snapshots"], panels["rate"], panels["image"]
        image.sharex(rate)
        mesh = plot_density_image(image, solution)
        # Taken from both, so that the two time axes stay aligned.
        figure.colorbar(mesh, ax=[image, rate], label=f"$n({_letter(solution)}, t)$", extend=_beyond(mesh), **BAR)
    plot_snapshots(snapshots, solution)
    plot_rate(rate, solution)
    return figure


@styled
def plot_populations(solution: Solution) -> Figure:
    """Of a few populations the density over (t, v) and the rate of each; of many, the rates over (t, lane) and the last
    density over (lane, v).

    Parameters
    ----------
    solution : Solution
        Of a model with several lanes.

    >>> import fokkerplanck as fp
    >>> network = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    >>> figure = plot_populations(fp.solve(network, fp.gaussian(0.0, 0.5), (0.0, 1.0)))
    >>> len(figure.axes)  # an image with its colour bar for each population, and their rates
    5
    """
    lanes = solution.rate.shape[1]
    names = [str(k) for k in range(lanes)] if solution.model is None else list(solution.model.lane_names)
    if lanes > FEW:
        return _many(solution)
    figure = new_figure(PAGE, 2.4 + 2.2 * lanes)
    figure.suptitle(title_of(solution))
    images = len(solution.saved_t) >= 2
    axes = np.atleast_1d(figure.subplots(lanes * images + 1, 1, sharex=images))
    for k in range(lanes * images):
        lane = solution.lane(k)
        mesh = plot_density_image(axes[k], lane)
        axes[k].set(title=f"population {names[k]}", xlabel="")
        figure.colorbar(mesh, ax=axes[k], label="$n(v, t)$", extend=_beyond(mesh), pad=0.04, aspect=12)
    plot_rates(axes[-1], solution)
    return figure


def _many(solution: Solution) -> Figure:
    """Rates over (t, lane), and the last density over (lane, v)."""
    figure = new_figure(PAGE, 4.6)
    figure.suptitle(title_of(solution))
    rates, densities = figure.subplots(1, 2)
    lanes, name = np.arange(solution.rate.shape[1] + 1) - 0.5, "lane"
    if isinstance(solution.model, ExtendedPopulation):
        xi, name = solution.model.xi, r"label $\xi$"
        lanes = np.concatenate([[0.0], 0.5 * (xi[1:] + xi[:-1]), [1.0]])
    t = np.linspace(solution.t[0], solution.t[-1], 400)
    N = solution.rate_at(t)
    settled = N[t > t[0] + 0.01 * (t[-1] - t[0])]
    edges = np.concatenate([t[:1], 0.5 * (t[1:] + t[:-1]), t[-1:]])
    mesh = rates.pcolormesh(edges, lanes, N.T, vmin=0.0, vmax=settled.max() or 1.0, rasterized=True)
    figure.colorbar(mesh, ax=rates, label="$N(t)$", extend=_beyond(mesh))
    rates.set(xlabel="$t$", ylabel=name)
    final = solution.final
    n = np.where((final.density < 0.0) & (final.density > -NOISE), 0.0, final.density)
    shown = densities.pcolormesh(lanes, final.grid.faces, n.T, cmap=DENSITY_MAP, vmin=0.0, rasterized=True)
    figure.colorbar(shown, ax=densities, label=f"$n(v, t = {final.t:.4g})$", extend=_beyond(shown))
    densities.set(xlabel=name, ylabel="$v$", ylim=visible_potentials(solution))
    return figure


def _beyond(mesh: QuadMesh) -> str:
    """Which ends of the colour scale are exceeded."""
    values = np.asarray(mesh.get_array())
    below, above = bool(np.any(values < mesh.norm.vmin)), bool(np.any(values > mesh.norm.vmax))
    return {(False, False): "neither", (True, False): "min", (False, True): "max", (True, True): "both"}[below, above]


def _letter(solution: Solution) -> str:
    return "v" if solution.model is None else solution.model.coordinate


def title_of(solution: Solution) -> str:
    """Parameters and outcome."""
    outcome = solution.status.name.lower().replace("_", "-")
    if solution.status is Status.FINISHED:
        outcome = f"$t \\leq {solution.t[-1]:.4g}$"
    elif solution.blow_up is not None:
        outcome = f"blow-up at $t^* = {solution.blow_up.time:.5g}$"
    return outcome if solution.model is None else f"{parameters(solution.model)}:  {outcome}"


def parameters(model: Model) -> str:
    """What differs from the default; laws that are code by their slot alone."""
    if isinstance(model, TimeElapsed):
        parts = [type(model.hazard).__name__, f"$J = {model.connectivity:g}$"]
        parts += [f"$d = {model.delay:g}$"] if model.delay else []
        return ", ".join(parts + ([f"$\\lambda = {model.spread:g}$"] if model.spread else []))
    if not isinstance(model, Population):
        return repr(model)
    coupling, noise, pause = model.coupling, model.noise, model.refractory.mean_duration
    drift, threshold = model.drift, model.threshold
    parts = [
        f"$b = {coupling.b:g}$",
        f"$a = {noise.a0:g}$" if noise.a1 == 0 else f"$a = {noise.a0:g} + {noise.a1:g} N$",
    ]
    if coupling.time_dependent:
        parts.append("$I = I(t)$")
    elif coupling.external_at(0.0) != 0:
        parts.append(f"$I = {coupling.external_at(0.0):g}$")
    if pause > 0:
        parts.append(f"$\\tau = {pause:g}$" if model.refractory.memoryless else f"$\\tau = {pause:g}$ (fixed)")
    if isinstance(threshold, RandomThreshold):
        parts.append(f"$\\varepsilon = {threshold.epsilon:g}$")
    elif not isinstance(threshold, HardThreshold):
        parts.append("soft threshold")
    if coupling.delay > 0:
        parts.append(f"$d = {coupling.delay:g}$")
    if not isinstance(drift, Leak):
        parts.append(DRIFTS.get(type(drift), "drift $f(v)$"))
    return ", ".join(parts)
