"""The picture of a view: four panels drawn once, and the curve of every instant to lay over them.

A front end shows the picture and moves a curve and a cursor on it; the solver is not asked again to play time.
"""

from __future__ import annotations

import io
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..diagnostics.entropy import Absolute, discrete_stationary, relative_entropy
from ..elements import Elements
from ..grid import HalfLine
from ..models.elapsed import TimeElapsed
from ..models.learning import Learning
from ..models.network import Network
from ..models.polarization import Polarization
from ..models.population import Population
from ..operators.schemes import FLUX_SCHEMES, FluxScheme
from ..outcomes import FokkerPlanckError
from ..solution import Solution
from ..state import State
from .view import Rest, View, total_rate

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.legend import Legend

WIDTH, HEIGHT, DPI = 9.6, 5.4, 100
POINTS, FRAMES, LAST = 180, 64, 26
"""Points of a curve, frames at equal times, and steps before a blow-up that are frames as well."""
IMAGE_TIMES = 300
ENORMOUS = 1e6
CLOSELY = 1e-12
INSTANTS = 120
"""Times at which the entropy is evaluated, at most."""
PER_ELEMENT = 12
NEURONS_COLOUR = "#737373"
LEFT = 0.05
"""Where the legend begins, as a share of the figure."""
TRIED, SPARE = 4, 0.03
"""How often its letters are made smaller, and by how much more than in proportion."""
APART = 3.0
"""A level so many times as high as the curve is shown on a logarithmic axis, or neither could be seen."""
HIGHEST = 3.0
"""Where a density piles up at a wall the axis ends at so many times its first maximum."""
DECADES = 1e3
STYLE: Any = {
    "font.size": 12.0,
    "axes.titlesize": 12.5,
    "axes.titlelocation": "left",
    "axes.titley": 1.02,  # a fixed place; by default it is looked for, which takes as long as the curves
    "legend.fontsize": 11.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_local = threading.local()


@dataclass(frozen=True)
class Curve:
    """A line of the density panel that changes in time: shape (times, points)."""

    label: str
    colour: str
    values: np.ndarray


@dataclass(frozen=True)
class Still:
    """A line that does not."""

    label: str
    colour: str
    dashes: str
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Scene:
    """What is in the four panels, in numbers.

    Attributes
    ----------
    t : array, shape (times,)
        Of the frames.
    x : array, shape (points,)
        Of the density panel, and the upward axis of the image.
    curves : list of Curve
        The density of every lane at these times.
    profiles : list of Still
        Stationary profiles.
    rates, levels : list of Still
        What is drawn over time in the panel of the rates, and the stationary levels.
    distance : list of Still
        The relative entropy, or another distance to the stationary state.
    """

    t: np.ndarray
    x: np.ndarray
    curves: list[Curve]
    names: dict[str, str]
    profiles: list[Still] = field(default_factory=list)
    rates: list[Still] = field(default_factory=list)
    levels: list[Still] = field(default_factory=list)
    distance: list[Still] = field(default_factory=list)
    distance_name: str = ""
    marks: tuple[tuple[float, str, str], ...] = ()


@dataclass(frozen=True)
class Picture:
    """A figure as a PNG and what to lay over it, in its pixels.

    Attributes
    ----------
    png : bytes
    width, height : int
        In pixels.
    frames : dict
        "t", the times; "x", the pixel columns of the curve; "curves", for each lane its colour and its pixel rows at
        every time; "steps", the same of the histogram of the neurons; "cursors", the panels over time as (top, bottom)
        with the pixel column of every time.
    """

    png: bytes
    width: int
    height: int
    frames: dict[str, Any]


def picture_of(view: View) -> Picture:
    """Draw a view as a front end needs it.

    >>> from fokkerplanck.explore.view import choices_of, view_of
    >>> picture = picture_of(view_of(choices_of("weakly-excitatory")))
    >>> picture.png[1:4], picture.width > picture.height
    (b'PNG', True)
    """
    from PIL import Image  # Matplotlib's own; its writer would draw everything once more

    scene = scene_of(view)
    canvas = _canvas()
    panels = draw(canvas.figure, view, scene)
    canvas.draw()
    file = io.BytesIO()
    Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB").save(file, "png", compress_level=1)
    frames = _frames(canvas.figure.bbox.height, panels, scene, view)
    return Picture(file.getvalue(), round(WIDTH * DPI), round(HEIGHT * DPI), frames)


def draw(figure: Figure, view: View, scene: Scene | None = None) -> tuple[Axes, Axes, Axes, Axes]:
    """The four panels, on any figure: density, rates, image and distance, without the curve that moves.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What is on it is taken away.
    view : View
        With a solution.
    scene : Scene, optional
        That of the view, if it is there already.
    """
    import matplotlib

    scene = scene_of(view) if scene is None else scene
    figure.clear()
    with matplotlib.rc_context(STYLE):
        figure.subplots_adjust(left=0.085, right=0.975, top=0.89, bottom=0.095, wspace=0.2, hspace=0.5)
        (density, rates), (image, distance) = figure.subplots(2, 2)
        _draw_density(density, scene, view)
        _draw_image(image, scene, view)
        _draw_rates(rates, scene, view)
        _draw_distance(distance, scene, view)
        for axes in (image, rates, distance):
            axes.set_xlim(scene.t[0], scene.t[-1])
            axes.set_xlabel("time $t$")
        for axes in (density, image, rates, distance):
            # A fixed place for each label, so that the layout of the ticks is not computed twice.
            axes.xaxis.set_label_coords(0.5, -0.15)
            axes.yaxis.set_label_coords(-0.16, 0.5)
            axes.xaxis.set_major_locator(matplotlib.ticker.MaxNLocator(5, steps=[1, 2, 5, 10]))
        handles, labels = density.get_legend_handles_labels()
        _fit(figure.legend(
            handles, labels, loc="upper left", bbox_to_anchor=(LEFT, 1.005), ncols=min(len(labels), 5), frameon=False,
            columnspacing=1.4, handlelength=1.8, borderaxespad=0.1,
        ))  # fmt: skip
    return density, rates, image, distance


def _fit(legend: Legend) -> None:
    """Letters so small that the legend does not end outside."""
    figure = legend.get_figure()
    assert figure is not None
    for _ in range(TRIED):  # handles and gaps keep their width, so that once may not be enough
        share = (1.0 - LEFT) * figure.bbox.width / legend.get_window_extent().width
        if share >= 1.0:
            return
        for text in legend.get_texts():
            text.set_fontsize((share - SPARE) * float(text.get_fontsize()))


def scene_of(view: View) -> Scene:
    """The numbers of the four panels."""
    solution = view.solution
    assert solution is not None
    if isinstance(solution.model, Learning):
        return _learning_scene(view, solution)
    return _density_scene(view, solution)


def _canvas() -> Any:
    """One for each thread, used again: it remembers the mathematical labels that it has set."""
    if not hasattr(_local, "canvas"):
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        _local.canvas = FigureCanvasAgg(Figure(figsize=(WIDTH, HEIGHT), dpi=DPI))
    return _local.canvas


# -- numbers ----------------------------------------------------------------------------------------------------


def frame_times(solution: Solution) -> np.ndarray:
    """Equal steps; towards a blow-up the last steps of the solver as well, which are short."""
    t = np.linspace(solution.t[0], solution.t[-1], FRAMES)
    return t if solution.blow_up is None else np.unique(np.concatenate([t, solution.t[-LAST:]]))


def _between(times: np.ndarray, saved: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Linear interpolation of rows in time."""
    right = np.clip(np.searchsorted(saved, times), 1, len(saved) - 1)
    length = saved[right] - saved[right - 1]
    share = np.divide(times - saved[right - 1], length, out=np.ones_like(times), where=length > 0.0)
    share = np.clip(share, 0.0, 1.0).reshape(-1, *[1] * (values.ndim - 1))
    return np.asarray((1.0 - share) * values[right - 1] + share * values[right])


def _density_scene(view: View, solution: Solution) -> Scene:
    from ..plotting.panels import visible_potentials
    from ..plotting.style import COLOURS, POPULATIONS

    model = solution.model
    assert model is not None
    lanes = [solution] if solution.rate.ndim == 1 else [solution.lane(k) for k in range(solution.rate.shape[1])]
    several = len(lanes) > 1
    low, high = visible_potentials(solution)
    x, t = np.linspace(low, high, POINTS), frame_times(solution)
    curves, rates, fine = [], [], np.unique(np.concatenate([np.linspace(t[0], t[-1], 500), solution.t]))
    for k, lane in enumerate(lanes):
        name = f"_{{{model.lane_names[k]}}}" if several else ""
        points, n = _sampled(lane)
        n = _between(t, lane.saved_t, n)
        values = np.array([np.interp(x, points, row, right=0.0) for row in n])
        curves.append(Curve(f"$n{name}$", POPULATIONS[k] if several else COLOURS["density"], values))
        colour = POPULATIONS[k] if several else COLOURS["rate"]
        activity = f"{model.activity}{name}"
        rates.append(Still(f"${activity}(t)$", colour, "-", fine, lane.rate_at(fine)))
        if np.any(lane.refractory > 0.0) and not several:
            rates.append(
                Still(f"${model.companion_name}(t)$", COLOURS["refractory"], "-.", lane.t, lane.refractory)
            )  # fmt: skip
    distance, distance_name = _distances(view, solution)
    letter = model.coordinate
    names = {
        "x": f"${letter}$",
        "letter": f"${letter}$",
        "y": f"$n({letter}, t)$",
        "rate": f"${model.activity}(t)$",
        "title": "density at the time shown",
    }
    return Scene(
        t, x, curves, names, _profiles(view.states, x, several), rates, _levels(view.states, several), distance,
        distance_name, _marks(solution),
    )  # fmt: skip


def _sampled(lane: Solution) -> tuple[np.ndarray, np.ndarray]:
    """Points, with the threshold where the density vanishes, and the saved densities there."""
    from ..plotting.panels import NOISE

    grid, n = lane.grid, lane.density
    if isinstance(grid, Elements):
        ends = np.linspace(-1.0, 1.0, PER_ELEMENT, endpoint=False)
        basis = grid.rule.basis(ends)
        points = (grid.edges[:-1, None] + grid.half * (1.0 + ends)).ravel()
        n = np.array([(grid.spread(row) @ basis.T).ravel() for row in n])
    else:
        points = grid.v
    n = np.where((n < 0.0) & (n > -NOISE), 0.0, n)
    if isinstance(grid, HalfLine):
        return points, n
    end = float(grid.v_max)
    return np.append(points, end), np.column_stack([n, np.zeros(len(n))])


def mathematical(text: str) -> str:
    """Plain letters with an index, such as N_E, as Matplotlib sets them.

    >>> mathematical("N_E = 1")
    '$N_{E}$ = 1'
    """
    return re.sub(r"([A-Za-z])_(\w+)", r"$\1_{\2}$", text)


def _marks(solution: Solution) -> tuple[tuple[float, str, str], ...]:
    grid = solution.grid
    if isinstance(grid, HalfLine):
        return ()
    return (grid.V_R, "reset", "$V_R$"), (grid.V_F, "threshold", "$V_F$")


def _dashes(rest: Rest) -> str:
    return ":" if rest.stability == "unstable" else "--"


def _profiles(states: tuple[Rest, ...], x: np.ndarray, several: bool) -> list[Still]:
    from ..plotting.style import POPULATIONS

    stills = []
    for number, rest in enumerate(states):
        members = rest.exact.members if several else [rest.exact]
        for k, member in enumerate(members):
            inside = x[x <= getattr(member.model, "V_F", np.inf)] if _absorbing(member.model) else x
            colour = POPULATIONS[k] if several else "#00223d"
            named = (
                f"{mathematical(rest.symbol)} = {', '.join(f'{rate:.3g}' for rate in rest.rates)} ({rest.stability})"
            )
            label = "" if k else named if number else f"stationary: {named}"
            stills.append(Still(label, colour, _dashes(rest), inside, member.density(inside)))
    return stills


def _absorbing(model: Any) -> bool:
    return isinstance(model, Population) and bool(model.threshold.absorbing)


def _levels(states: tuple[Rest, ...], several: bool) -> list[Still]:
    from ..plotting.style import COLOURS, POPULATIONS

    nothing = np.empty(0)
    return [
        Still(
            "" if k else rest.stability,
            POPULATIONS[k] if several else COLOURS["rate"],
            _dashes(rest),
            nothing,
            np.array([rate]),
        )
        for rest in states
        for k, rate in enumerate(rest.rates)
    ]


def _distances(view: View, solution: Solution) -> tuple[list[Still], str]:
    """The relative entropy with respect to the lowest stable state (or the lowest there is)."""
    from ..plotting.style import COLOURS, POPULATIONS

    if isinstance(solution.model, Polarization):
        moment = solution.records["first_moment"]
        return [Still("$J(t)$", COLOURS["bound"], "-", moment.t, moment.value)], "first moment $J$"
    if not view.states:
        return [], "no stationary state, so no relative entropy"
    rest = next((state for state in view.states if state.stability == "stable"), view.states[0])
    try:
        reference = _reference(rest, solution, view.choices.scheme)
        chosen = np.unique(np.linspace(0, len(solution.saved_t) - 1, INSTANTS).astype(int))
        t, pool = solution.saved_t[chosen], solution.refractory
        kept = np.searchsorted(solution.t, t)
        if isinstance(solution.model, TimeElapsed):
            pool = np.zeros_like(pool)
        seen = [
            State(time, solution.grid, solution.density[i], solution.rate[j], pool[j])
            for time, i, j in zip(t, chosen, kept, strict=True)
        ]
        entropy, name = np.array([relative_entropy(state, reference) for state in seen]), "relative entropy"
        if not entropy.max() < ENORMOUS:  # squares over a tiny tail of P: of the same distance in the mean of |n − P|
            entropy, name = (
                np.array([relative_entropy(state, reference, Absolute()) for state in seen]),
                "distance in $L^1$",
            )
    except FokkerPlanckError as error:
        return [], f"no relative entropy: {str(error).split(';')[0]}"
    columns = entropy.reshape(len(t), -1)
    colours = POPULATIONS if columns.shape[1] > 1 else (COLOURS["bound"],)
    names = solution.model.lane_names if solution.model is not None and columns.shape[1] > 1 else ("",)
    lines = [
        Still(f"${lane}$" if lane else "", colours[k], "-", t, column)
        for k, (lane, column) in enumerate(zip(names, columns.T, strict=True))
    ]
    return lines, f"{name} to {f'the {rest.stability} state' if len(lines) > 1 else rest}"


def _reference(rest: Rest, solution: Solution, scheme: str) -> State:
    """The stationary state on the grid of the run: that of the scheme, where it is a flux scheme."""
    from dataclasses import replace

    model, grid = solution.model, solution.grid
    if isinstance(model, Population | Network) and scheme in FLUX_SCHEMES:
        return _discrete_reference(model, grid, np.array(rest.rates), FLUX_SCHEMES[scheme]())
    state: State = rest.exact.state(grid)
    return replace(state, refractory=0.0) if isinstance(model, TimeElapsed) else state


def _discrete_reference(model: Population | Network, grid: Any, exact: np.ndarray, scheme: FluxScheme) -> State:
    """Where the run ends on this grid: with the exact rates the entropy would stop falling at their difference."""
    from scipy.optimize import root  # only where it is needed: loading it takes long

    def gap(rates: np.ndarray) -> np.ndarray:
        return np.atleast_1d(discrete_stationary(model, grid, _scalar(rates), scheme).rate) - rates

    found = root(gap, exact, tol=CLOSELY)
    return discrete_stationary(model, grid, _scalar(found.x if found.success else exact), scheme)


def _scalar(rates: np.ndarray) -> Any:
    return rates if len(rates) > 1 else float(rates[0])


def _learning_scene(view: View, solution: Solution) -> Scene:
    """The connectivity C(w, t) in place of a density, and its distance to the learned one."""
    from ..plotting.style import COLOURS

    model = solution.model
    assert isinstance(model, Learning)
    x, t = model.w, frame_times(solution)
    C = solution.density @ solution.grid.width + np.array(
        [solution.refractory[i] for i in np.searchsorted(solution.t, solution.saved_t)]
    )
    profiles = [
        Still(f"learned: $w^* = {rest.exact.edge:.4g}$", "#00223d", "--", x, rest.exact.lane_averages())
        for rest in view.states
    ]
    distance, name = [], "nothing is learned that stays"
    if profiles:
        gap = np.abs(C - profiles[0].y).sum(axis=1) * model.dw
        distance, name = [Still("", COLOURS["bound"], "-", solution.saved_t, gap)], r"$\int |C - C_\infty|\,dw$"
    names = {
        "x": "weight $w$",
        "letter": "$w$",
        "y": "$C(w, t)$",
        "rate": r"$\bar N(t)$",
        "title": "connectivity at the time shown",
    }
    return Scene(
        t, x, [Curve("$C$", COLOURS["density"], _between(t, solution.saved_t, C))],
        names,
        profiles, [Still(r"$\bar N(t)$", COLOURS["rate"], "-", solution.t, total_rate(solution))],
        [Still("learned", COLOURS["rate"], "--", np.empty(0), np.array(rest.rates)) for rest in view.states],
        distance, name,
    )  # fmt: skip


# -- panels -----------------------------------------------------------------------------------------------------


def _draw_density(ax: Axes, scene: Scene, view: View) -> None:
    from ..plotting.style import COLOURS

    top = max(float(curve.values.max()) for curve in scene.curves)
    first = max(float(curve.values[0].max()) for curve in scene.curves)
    top = min(top, HIGHEST * first) if isinstance(_model(view), Polarization) else top
    peaks = [float(still.y.max()) for still in scene.profiles]
    top = max([top, *(peak for peak in peaks if peak < HIGHEST * top)])
    several = len(scene.curves) > 1
    for curve in scene.curves:
        ax.plot([], [], color=curve.colour, lw=2.6, label=curve.label if several else scene.names["y"])
    for k, curve in enumerate(scene.curves):
        ax.plot(scene.x, curve.values[0], color=curve.colour, lw=1.2, alpha=0.4, label="" if k else "at the start")
    for still in scene.profiles:
        ax.plot(still.x, still.y, color=still.colour, ls=still.dashes, lw=1.6, label=still.label)
    if view.neurons is not None:
        ax.plot([], [], color=NEURONS_COLOUR, lw=1.4, label=f"{view.neurons.count} neurons")
    ax.set(xlim=(scene.x[0], scene.x[-1]), ylim=(0.0, 1.08 * top), xlabel=scene.names["x"], title=scene.names["title"])
    for position, kind, name in scene.marks:
        ax.axvline(position, color=COLOURS[kind], ls="--", lw=1.2)
        ax.annotate(
            name, (position, 1.0), xytext=(-3, -2), xycoords=("data", "axes fraction"), textcoords="offset points",
            ha="right", va="top", color=COLOURS[kind],
        )  # fmt: skip


def _draw_image(ax: Axes, scene: Scene, view: View) -> None:
    from ..plotting.style import COLOURS, DENSITY_MAP

    curve = scene.curves[0]
    times = np.linspace(scene.t[0], scene.t[-1], IMAGE_TIMES)
    pixels = _between(times, scene.t, curve.values)
    half = 0.5 * (scene.x[1] - scene.x[0])
    top = float(np.quantile(pixels, 0.999)) or 1.0
    ax.imshow(
        pixels.T, origin="lower", aspect="auto", cmap=DENSITY_MAP, vmin=0.0, vmax=top, interpolation="nearest",
        extent=(scene.t[0], scene.t[-1], scene.x[0] - half, scene.x[-1] + half),
    )  # fmt: skip
    for position, kind, name in scene.marks:
        ax.axhline(position, color=COLOURS[kind], ls="--", lw=1.2)
        ax.annotate(
            name, (1.0, position), xytext=(4, 0), xycoords=("axes fraction", "data"), textcoords="offset points",
            va="center", color=COLOURS[kind],
        )  # fmt: skip
    label = curve.label if len(scene.curves) > 1 else scene.names["y"]
    ax.set(ylabel=scene.names["letter"], title=f"{label} over time")


def _draw_rates(ax: Axes, scene: Scene, view: View) -> None:
    from ..plotting.style import COLOURS

    solution = view.solution
    assert solution is not None
    for still in scene.rates:
        y = np.where((still.x == still.x[0]) & (still.y > 2.0 * still.y[1:].max()), np.nan, still.y)
        ax.plot(still.x, y, color=still.colour, ls=still.dashes, lw=2.2, label=still.label)
    late = scene.rates[0].x >= scene.t[0] + 0.01 * (scene.t[-1] - scene.t[0])
    high = max(float(still.y[late].max()) for still in scene.rates if len(still.y) == len(late))
    if solution.blow_up is not None or high > DECADES * np.median(scene.rates[0].y):
        low = min(float(still.y.min()) for still in scene.rates)
        _logarithmic(ax, max(low, 1e-5 * high), 3.0 * high)
        if solution.blow_up is not None:
            ax.set_ylim(top=1.05 * high)  # what goes to infinity leaves at the top
    else:
        _show_levels(ax, scene, high)
    low, high = ax.get_ylim()
    for level in scene.levels:
        if low <= level.y[0] <= high:
            ax.axhline(level.y[0], color=level.colour, ls=level.dashes, lw=1.3, alpha=0.8)
            ax.annotate(
                level.label, (1.0, level.y[0]), xytext=(-3, 3), xycoords=("axes fraction", "data"),
                textcoords="offset points", ha="right", color=level.colour, fontsize=10,
                bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5},
            )  # fmt: skip
    if view.neurons is not None:
        t, rate = _neuron_rate(view)
        ax.plot(t, rate, color=NEURONS_COLOUR, lw=1.0, drawstyle="steps-mid", label="neurons", zorder=1)
    title = f"{scene.names['rate']}"
    if solution.blow_up is not None:
        ax.axvline(scene.t[-1], color=COLOURS["bound"], lw=4.0)
        title += f": blow-up at $t^* = {solution.blow_up.time:.5g}$"
    ax.set_title(title)
    if len(ax.get_legend_handles_labels()[1]) > 1:
        ax.legend(loc="best", frameon=True, framealpha=0.8, edgecolor="none")


def _show_levels(ax: Axes, scene: Scene, high: float) -> None:
    """An axis with the curves, up to `high`, and all stationary levels."""
    levels = [float(level.y[0]) for level in scene.levels if level.y[0] < DECADES * high]
    if max(levels, default=0.0) <= APART * high:
        ax.set_ylim(0.0, 1.25 * max([high, *levels]) or 1.0)
        return
    later = scene.rates[0].y[len(scene.rates[0].y) // 100 :]
    _logarithmic(ax, max(float(later.min()), 0.1 * min([high, *levels])), 2.0 * max(levels))


def _draw_distance(ax: Axes, scene: Scene, view: View) -> None:
    for still in scene.distance:
        ax.plot(still.x, still.y, color=still.colour, ls=still.dashes, lw=2.2, label=still.label or None)
    if not scene.distance:
        ax.set(yticks=[], title="relative entropy")
        ax.text(0.5, 0.5, scene.distance_name, ha="center", va="center", transform=ax.transAxes, wrap=True, color="0.3")
        return
    positive = np.concatenate([still.y[still.y > 0.0] for still in scene.distance])
    if len(positive) and not isinstance(_model(view), Polarization):
        _logarithmic(ax, max(float(positive.min()), 1e-12 * float(positive.max())), float(positive.max()))
    ax.set_title(scene.distance_name)
    if len(scene.distance) > 1:
        ax.legend(loc="best", frameon=False)


def _logarithmic(ax: Axes, low: float, high: float) -> None:
    """Whole decades, and labels at them alone."""
    from matplotlib.ticker import LogLocator, NullFormatter

    ax.set_yscale("log")
    ax.set_ylim(10.0 ** np.floor(np.log10(low)), 10.0 ** np.ceil(np.log10(high)))
    ax.yaxis.set_major_locator(LogLocator(numticks=6))
    ax.yaxis.set_minor_formatter(NullFormatter())


def _model(view: View) -> Any:
    assert view.solution is not None
    return view.solution.model


def _neuron_rate(view: View) -> tuple[np.ndarray, np.ndarray]:
    """The rate of the neurons, averaged between the times at which their histograms were kept."""
    neurons = view.neurons
    assert neurons is not None
    kept = np.searchsorted(neurons.t, neurons.saved_t)
    t, fired = neurons.t[kept], neurons.fired[kept]
    return 0.5 * (t[1:] + t[:-1]), np.diff(fired) / np.diff(t)


# -- what is laid over ------------------------------------------------------------------------------------------


def _frames(height: float, panels: tuple[Axes, Axes, Axes, Axes], scene: Scene, view: View) -> dict[str, Any]:
    density, *over_time = panels

    def rows(values: np.ndarray) -> list[list[float]]:
        low, high = density.get_ylim()
        y = density.transData.transform(np.column_stack([np.zeros(values.size), np.clip(values, low, high).ravel()]))[
            :, 1
        ]
        return [[round(float(pixel), 1) for pixel in row] for row in (height - y).reshape(values.shape)]

    def columns(axes: Axes, x: np.ndarray) -> list[float]:
        pixels = axes.transData.transform(np.column_stack([x, np.full(len(x), axes.get_ylim()[0])]))[:, 0]
        return [round(float(pixel), 1) for pixel in pixels]

    cursors = []
    for axes in over_time:
        box = axes.get_window_extent()
        cursors.append({"top": height - box.y1, "bottom": height - box.y0, "x": columns(axes, scene.t)})
    frames = {
        "t": [f"{time:.4g}" for time in scene.t],
        "seconds": [float(time) for time in scene.t],
        "x": columns(density, scene.x),
        "curves": [{"colour": curve.colour, "rows": rows(curve.values)} for curve in scene.curves],
        "steps": None,
        "neurons": NEURONS_COLOUR,
        "cursors": cursors,
    }
    if view.neurons is not None:
        grid, kept = view.neurons.grid, view.neurons.saved_t
        nearest = np.abs(kept[None, :] - scene.t[:, None]).argmin(axis=1)
        inside = (grid.faces[:-1] >= scene.x[0]) & (grid.faces[1:] <= scene.x[-1])
        faces = np.repeat(np.append(grid.faces[:-1][inside], grid.faces[1:][inside][-1]), 2)[1:-1]
        heights = np.repeat(view.neurons.density[:, inside], 2, axis=1)
        frames["steps"] = {"x": columns(density, faces), "rows": rows(heights), "nearest": nearest.tolist()}
    return frames
