"""What films show: figures of which little moves."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.collections import PolyCollection

from ..grid import HalfLine
from ..models.extended import ExtendedPopulation
from ..models.kinetic import VoltageConductance
from ..models.learning import Learning
from ..outcomes import InvalidArgument
from ..particles.solution import ParticleSolution
from ..stationary import StationaryState
from .events import window_rates
from .figure import FEW, parameters, title_of
from .moments import SavedDensities
from .panels import (
    DECADES,
    NOISE,
    between_steps,
    mark_potentials,
    rate_axis,
    symbols,
    visible_potentials,
    visible_times,
)
from .style import COLOURS, DENSITY_MAP, LEGEND, POPULATIONS, new_figure

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from ..solution import Solution

SIZE = (9.0, 3.8)
"""In inches."""
HIGHEST = 2.5
"""A density may be this many times as high as it usually is and still be in the picture; a short peak leaves it."""
FAINT = 1e-3
"""Share of the fullest lane from which on a lane belongs into the picture."""
PIXELS = 320
"""Of an image, to the right and upwards."""
ALONE, SHARED = 0.3, 0.15
"""Opacity of the area below one density, and below each of several."""
POINTS, FINE = 4000, 600
"""Of N(t) at most, and of a stationary profile."""


class Scene(ABC):
    """A figure with two panels, the density and N(t), whose `moving` artists are drawn again for each picture."""

    def __init__(self, title: str) -> None:
        self.figure = new_figure(*SIZE)
        self.figure.suptitle(title)
        self.left, self.right = self.figure.subplots(1, 2, width_ratios=[1.15, 1.0])
        self.moving: list[Artist] = []
        self._clock = self.right.set_title("$t = 0$", loc="left")
        self.moving.append(self._clock)

    def show(self, t: float) -> None:
        """Everything as it is at time t."""
        self._clock.set_text(f"$t = {t:.4g}$")
        self._show_density(t)
        self._show_rate(t)

    @abstractmethod
    def _show_density(self, t: float) -> None: ...

    @abstractmethod
    def _show_rate(self, t: float) -> None: ...


class _Evolution(Scene):
    """Of a density: N(t), or the rates of a few populations, is drawn up to the present, with a dot at its end."""

    def __init__(self, solution: Solution) -> None:
        super().__init__(title_of(solution))
        self.solution = solution
        self._rates()

    def _rates(self) -> None:
        solution = self.solution
        self._t, curves = _curves(solution)
        lanes = curves.shape[1]
        names = lane_labels(solution) if lanes > 1 else []
        colours = POPULATIONS if lanes > 1 else (COLOURS["rate"],)
        self._curves, self._lines, self._dots = curves, [], []
        N = symbols(solution).N
        for k in range(lanes):
            label = f"$N_{{{names[k]}}}(t)$" if names else f"${N}(t)$"
            # All of it at first, for the legend to find its place.
            (line,) = self.right.plot(self._t, curves[:, k], color=colours[k % len(colours)], lw=1.8, label=label)
            (dot,) = self.right.plot(
                [], [], "o", ms=6, color=colours[k % len(colours)], mec="white", mew=0.8, clip_on=False
            )
            self._lines.append(line)
            dot.set_in_layout(False)  # it has no place yet
            self._dots.append(dot)
        rate_axis(self.right, solution, self._t, curves)
        self.right.set(xlabel="$t$", ylabel=f"${N}(t)$", xlim=visible_times(solution))
        self._events = [
            (jump.time, self.right.axvline(jump.time, color=COLOURS["bound"], lw=1.4)) for jump in solution.jumps
        ]
        if solution.blow_up is not None:
            time = solution.blow_up.time
            self.right.axvline(time, color=COLOURS["bound"], lw=1.6, label=f"$t^* = {time:.5g}$")
        self._fired = self.right.set_title("", loc="right", color=COLOURS["bound"])
        self.moving += [self._fired, *(line for _, line in self._events), *self._lines, *self._dots]

    def _show_rate(self, t: float) -> None:
        seen = int(np.searchsorted(self._t, t, side="right"))
        now = np.atleast_1d(_rate(self.solution, self.solution.rate_at(t)))
        low, high = self.right.get_ylim()
        for k, (line, dot) in enumerate(zip(self._lines, self._dots, strict=True)):
            line.set_data(np.append(self._t[:seen], t), np.append(self._curves[:seen, k], now[k]))
            dot.set_data([t], [now[k]])
            dot.set_visible(bool(low <= now[k] <= high))
        past = [jump for jump in self.solution.jumps if jump.time <= t]
        for time, line in self._events:
            line.set_visible(time <= t)
        if past:
            self._fired.set_text(rf"${past[-1].fraction:.3g}$ fired at $t^* = {past[-1].time:.4g}$")
        else:
            self._fired.set_text("")


class Profiles(_Evolution):
    """n(v, t), or the densities of a few populations, as curves."""

    def __init__(self, solution: Solution, stationary: StationaryState | None = None) -> None:
        super().__init__(solution)
        names = lane_labels(solution)
        parts = [solution.lane(k) for k in range(len(names))] or [solution]
        self._profiles = []
        for k, part in enumerate(parts):
            colour = POPULATIONS[k % len(POPULATIONS)] if names else COLOURS["density"]
            self._profiles.append(_Profile(self.left, part, colour, SHARED if names else ALONE))
        self._limits(parts)
        self.moving += [artist for profile in self._profiles for artist in profile.moving]
        letter = symbols(solution).x
        self.left.set(xlabel=f"${letter}$", ylabel=f"$n({letter}, t)$")
        if stationary is not None:
            self._compare_with(stationary, solution)
        self.moving += mark_potentials(self.left, parts[0], horizontal=False)
        if names or stationary is not None or solution.blow_up is not None:
            self.right.legend(loc="best", **LEGEND)

    def _limits(self, parts: list[Solution]) -> None:
        ends = np.array([visible_potentials(part) for part in parts])
        low, high = float(ends[:, 0].min()), float(ends[:, 1].max())
        peaks = np.max([part.density.max(axis=1) for part in parts], axis=0)
        self.left.set_xlim(low, high)
        if isinstance(parts[0].grid, HalfLine) and peaks.max() > DECADES * peaks.min():
            self._top = 2.0 * float(peaks.max())
            self.left.set(xscale="log", yscale="log", xlim=(0.5 / peaks.max(), high))
            self.left.set_ylim(1e-3 * float(peaks.min()), self._top)
        else:
            t = parts[0].saved_t
            usual = float(np.median(np.interp(np.linspace(t[0], t[-1], 500), t, peaks)))
            self._top = 1.08 * min(float(peaks.max()), HIGHEST * usual)
            least = min(float(part.density.min()) for part in parts)
            self.left.set_ylim(1.1 * least if least < -NOISE else 0.0, self._top)
        place: dict[str, Any] = {"xycoords": "axes fraction", "va": "top"}
        self._above = self.left.annotate("", (0.03, 0.96), color=COLOURS["density"], **place)
        self.moving.append(self._above)

    def _compare_with(self, state: StationaryState, solution: Solution) -> None:
        low, high = self.left.get_xlim()
        v = np.linspace(max(low, solution.grid.v_min), min(high, solution.grid.v_max), FINE)
        style: dict[str, Any] = {"color": COLOURS["bound"], "ls": (0, (5, 2))}
        self.moving += self.left.plot(v, state.density(v), lw=1.4, **style)
        self.right.axhline(state.rate, lw=1.4, label=f"steady, $N = {state.rate:.4g}$", **style)

    def _show_density(self, t: float) -> None:
        peak = max(profile.show(t) for profile in self._profiles)
        self._above.set_text(rf"peak ${peak:.3g}\uparrow$" if peak > self._top else "")


class _Profile:
    """One density as a line over a filled area."""

    def __init__(self, ax: Axes, part: Solution, colour: str, opacity: float) -> None:
        self.at = SavedDensities(part)
        self.closed = not isinstance(part.grid, HalfLine)
        self.v = np.append(part.v, part.grid.faces[-1]) if self.closed else part.v
        (self.line,) = ax.plot([], [], color=colour, lw=1.8)
        self.area = PolyCollection([], facecolors=colour, alpha=opacity, linewidths=0.0)
        ax.add_collection(self.area, autolim=False)
        self.moving: list[Artist] = [self.area, self.line]

    def show(self, t: float) -> float:
        """Draws it; its largest value."""
        n = self.at(t)
        n = np.append(n, 0.0) if self.closed else n  # n(V_F, t) = 0
        self.line.set_data(self.v, n)
        self.area.set_verts([np.column_stack([np.r_[self.v[0], self.v, self.v[-1]], np.r_[0.0, n, 0.0]])])
        return float(n.max())


class Lanes(_Evolution):
    """The density over potential and weight, conductance, label or lane, as an image of colours."""

    def __init__(self, solution: Solution) -> None:
        super().__init__(solution)
        self._at, grid = SavedDensities(solution), solution.grid
        edges, name, across = _lane_axis(solution)
        held = (solution.density @ grid.width).max(axis=0)
        seen = np.flatnonzero(held > FAINT * held.max())
        ends = (float(edges[seen[0]]), float(edges[seen[-1] + 1]))
        potentials = visible_potentials(solution)
        if solution.blow_up is not None:
            self.right.legend(loc="best", **LEGEND)
        self.right.set_ylabel("$N(t)$" if isinstance(solution.model, VoltageConductance) else r"$\bar N(t)$")
        self._lane = _nearest(edges, ends)
        self._cell = _nearest(grid.faces, potentials)
        self._across = across
        extent = (*potentials, *ends) if across else (*ends, *potentials)
        image = self._image(solution.saved_t[0])
        self.image = self.left.imshow(
            image, extent=extent, origin="lower", aspect="auto", cmap=DENSITY_MAP, vmin=0.0, vmax=self._brightest(),
            interpolation="nearest",
        )  # fmt: skip
        self.figure.colorbar(self.image, ax=self.left, label="density", extend="max", aspect=25, pad=0.08)
        self.left.set(xlabel="$v$" if across else name, ylabel=name if across else "$v$")
        self.moving.append(self.image)
        self.moving += mark_potentials(self.left, solution, horizontal=not across)
        if isinstance(solution.model, VoltageConductance):
            firing = self.left.axvline(solution.model.firing_conductance, color=COLOURS["threshold"], ls=":", lw=1.0)
            self.moving.append(firing)
        self.moving += self.left.spines.values()

    def _brightest(self) -> float:
        peaks = self._at.density.max(axis=(1, 2))
        return float(min(peaks.max(), 2.0 * np.median(peaks)))

    def _image(self, t: float) -> np.ndarray:
        n = self._at(t)[np.ix_(self._lane, self._cell)]
        n[:, self._cell < 0] = 0.0  # above V_F there is nobody
        n = np.where((n < 0.0) & (n > -NOISE), 0.0, n)
        return n if self._across else n.T

    def _show_density(self, t: float) -> None:
        self.image.set_data(self._image(t))


class Neurons(Scene):
    """Histograms of finitely many neurons, and the mean rate in windows up to the present."""

    def __init__(self, particles: ParticleSolution) -> None:
        super().__init__(f"{particles.count} neurons, {parameters(particles.model)}")
        self.particles = particles
        grid, density = particles.grid, particles.density
        self.steps = self.left.stairs(density[0], grid.faces, color=COLOURS["density"], fill=True, alpha=0.35)
        self.outline = self.left.stairs(density[0], grid.faces, color=COLOURS["density"], lw=1.4)
        self.moving += [self.steps, self.outline]
        like: Any = particles  # it has the grid and the densities that are asked for
        self.moving += mark_potentials(self.left, like, horizontal=False)
        peaks = density.max(axis=1)
        top = min(float(peaks.max()), HIGHEST * float(np.median(peaks)))
        self.left.set(xlabel="$v$", ylabel="histogram", xlim=visible_potentials(like), ylim=(0.0, 1.1 * top))
        self._t, self._rates, _ = window_rates(particles)
        (self.line,) = self.right.plot([], [], color=COLOURS["rate"], lw=1.4)
        (self.dot,) = self.right.plot([], [], "o", ms=6, color=COLOURS["rate"], mec="white", mew=0.8, clip_on=False)
        self.dot.set_in_layout(False)  # it has no place yet
        self._events = [
            (jump.time, self.right.axvline(jump.time, color=COLOURS["bound"], lw=1.4)) for jump in particles.jumps
        ]
        self.moving += [*(line for _, line in self._events), self.line, self.dot]
        largest, least = float(np.nanmax(self._rates)), float(np.nanmin(self._rates))
        self.right.set(xlabel="$t$", ylabel="$N(t)$, mean over a window", xlim=(particles.t[0], particles.t[-1]))
        if particles.jumps:
            self.right.set(yscale="log", ylim=(0.5 * least, 3.0 * largest))
        else:
            self.right.set_ylim(0.0, 1.1 * largest)

    def _show_density(self, t: float) -> None:
        density = self.particles.density[int(np.argmin(np.abs(self.particles.saved_t - t)))]
        self.steps.set_data(density)
        self.outline.set_data(density)

    def _show_rate(self, t: float) -> None:
        seen = int(np.searchsorted(self._t, t, side="right"))
        self.line.set_data(self._t[:seen], self._rates[:seen])
        self.dot.set_data(self._t[:seen][-1:], self._rates[:seen][-1:])
        for time, line in self._events:
            line.set_visible(time <= t)


def scene_of(solution: Solution | ParticleSolution, stationary: StationaryState | None = None) -> Scene:
    """What a film of `solution` shows."""
    one = isinstance(solution, ParticleSolution) or solution.rate.ndim == 1
    if stationary is not None and not (isinstance(stationary, StationaryState) and one):
        raise InvalidArgument("`stationary` must be one of fp.stationary_states, and `solution` of one population.")
    if isinstance(solution, ParticleSolution):
        if stationary is not None:
            raise InvalidArgument("`stationary` is drawn with densities; leave it out for neurons.")
        return Neurons(solution)
    if isinstance(solution.model, Learning | VoltageConductance | ExtendedPopulation):
        return Lanes(solution)
    if solution.rate.ndim == 2 and solution.rate.shape[1] > FEW:
        return Lanes(solution)
    return Profiles(solution, stationary)


def lane_labels(solution: Solution) -> list[str]:
    """Names of the populations, none if there is one."""
    if solution.rate.ndim == 1:
        return []
    return [str(k) for k in range(solution.rate.shape[1])] if solution.model is None else [*solution.model.lane_names]


def _rate(solution: Solution, rate: np.ndarray) -> np.ndarray:
    """What is drawn of the rates: those of a few populations, and of many lanes their total or mean."""
    model = solution.model
    if isinstance(model, Learning | VoltageConductance):
        return np.asarray(rate @ np.full(model.lanes, model.dw if isinstance(model, Learning) else model.dg))
    if isinstance(model, ExtendedPopulation):
        return np.asarray(model.average(rate, axis=-1))
    if rate.ndim and solution.rate.ndim == 2 and solution.rate.shape[1] > FEW:
        return np.asarray(rate.mean(axis=-1))
    return rate


def _curves(solution: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Times, and N at them, a column for each curve."""
    t = between_steps(solution.t)
    if len(t) > POINTS:
        t = solution.t[:: max(1, len(solution.t) // POINTS)]
    return t, _rate(solution, solution.rate_at(t)).reshape(len(t), -1)


def _lane_axis(solution: Solution) -> tuple[np.ndarray, str, bool]:
    """Edges of the lanes, what they are called, and whether they are upwards."""
    model = solution.model
    if isinstance(model, Learning):
        return model.w_faces, "$w$", False
    if isinstance(model, VoltageConductance):
        return model.g_faces, "$g$", False
    if isinstance(model, ExtendedPopulation):
        return np.concatenate([[0.0], np.cumsum(model.weight)]), r"$\xi$", True
    return np.arange(solution.rate.shape[1] + 1) - 0.5, "lane", True


def _nearest(faces: np.ndarray, ends: tuple[float, float]) -> np.ndarray:
    """The cell in which the middle of each pixel lies, −1 if in none."""
    edges = np.linspace(*ends, PIXELS + 1)
    cells = np.searchsorted(faces, 0.5 * (edges[1:] + edges[:-1]), side="right") - 1
    return np.where(cells < len(faces) - 1, cells, -1)
