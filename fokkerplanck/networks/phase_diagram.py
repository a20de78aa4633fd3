"""The phase diagram of a sparse network in the plane of inhibition g and external rate ν_ext."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise, product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..meanfield.balanced import BrunelNetwork
from ..outcomes import InvalidArgument, frozen, real_array
from ..progress import progress_bar
from .asynchronous import BalancedState, balanced_states

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUIET = 1e-3
"""Spikes per neuron and membrane time below which a state is called quiescent."""
REGULAR = 0.5
"""Coefficient of variation of the intervals below which firing is called regular; 0 is a clock, 1 a Poisson process."""
FAST = 0.125
"""Share of a cycle that the delay lasts from which on an oscillation is called fast: an eighth."""
SADDLE = "saddle"
LABELS = {
    "Q": f"quiescent: fewer than {QUIET:g} spikes per neuron and membrane time",
    "AR": f"asynchronous, regular: every uniform perturbation dies out, CV below {REGULAR:g}",
    "AI": f"asynchronous, irregular: every uniform perturbation dies out, CV of at least {REGULAR:g}",
    "SR": f"synchronous, regular: an oscillation grows, CV below {REGULAR:g}",
    "SI fast": f"synchronous, irregular: an oscillation grows of which the delay lasts more than {FAST:g} of a cycle",
    "SI slow": f"synchronous, irregular: an oscillation grows of which the delay lasts at most {FAST:g} of a cycle",
    "?": "stability not resolved",
}
"""What the labels mean; states that are no saddles are joined by " + ", from the lowest rate to the highest.

The CV is that of the theory, in which inputs are white noise; neurons of an actual network fire more regularly, so that
there AR reaches further into AI than here (`BalancedState.cv`)."""


@dataclass(frozen=True, eq=False)
class PhaseDiagram:
    """The states of a network over a grid of g and ν_ext, and the lines between regions of one label.

    Of several states the arrays tell of the one with the highest rate. Index [i, j] belongs to g[i], nu_ext[j].

    Attributes
    ----------
    network : BrunelNetwork
    g, nu_ext : arrays, shapes (n,), (m,)
    count : int array, shape (n, m)
        Number of stationary states, saddles included.
    rate, mu, sigma, cv : arrays, shape (n, m)
        Of the state with the highest rate.
    stable : bool array, shape (n, m)
        Whether its uniform perturbations die out; False where that is not resolved (label "?").
    growth_rate, frequency : arrays, shape (n, m)
        Leading eigenvalue λ of that state: Re λ (1/time) and Im λ/2π (1/time), see `BalancedState.eigenvalue`. NaN
        where no mode can be looked for, the noise being too weak (label "?" or "Q").
    label : array of str, shape (n, m)
        One of `LABELS`, or several joined by " + " where several states are no saddles.
    boundaries : dict
        For every pair of labels, in alphabetic order, that border on each other a tuple of lines, each an array of
        points (g, ν_ext). A strip between two points of the grid has its lines as well, though no point of the grid
        its label; what lies within a cell and nowhere on its sides, or within a side whose ends have one label, is not
        seen.
    regions : dict
        For every label a tuple of polygons, each an array of points (g, ν_ext): within every cell of the grid they are
        bounded by the lines, and together they cover the diagram once.
    """

    network: BrunelNetwork
    g: np.ndarray
    nu_ext: np.ndarray
    count: np.ndarray
    rate: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    cv: np.ndarray
    stable: np.ndarray
    growth_rate: np.ndarray
    frequency: np.ndarray
    label: np.ndarray
    boundaries: dict[tuple[str, str], tuple[np.ndarray, ...]]
    regions: dict[str, tuple[np.ndarray, ...]]

    def plot(self) -> Figure:
        """The regions, with the lines between them."""
        from ..plotting.balanced import plot_phase_diagram

        return plot_phase_diagram(self)

    def __repr__(self) -> str:
        return f"PhaseDiagram({len(self.g)} × {len(self.nu_ext)} points: {', '.join(np.unique(self.label))})"


def state_label(state: BalancedState) -> str:
    """The region to which a stationary state belongs: one of `LABELS`, or "saddle".

    A saddle has an odd number of real growing modes: det(1 − G(0)) < 0. It separates two other states.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.BrunelNetwork(neuron, 1000, 0.25, 0.1, g=6.0, nu_ext=40.0, delay=0.0015)
    >>> state_label(fp.balanced_states(network)[0])
    'SI fast'
    """
    if state.loop.determinant(np.zeros(1))[0].real < 0.0:
        return SADDLE
    tau = min(neuron.tau_m for neuron in state.network.neurons)
    if np.max(state.rates) * tau < QUIET:
        return "Q"
    if state.stable is None:
        return "?"
    regular = float(np.min(state.cv)) < REGULAR
    if state.stable or regular:
        return ("A" if state.stable else "S") + ("R" if regular else "I")
    return "SI fast" if state.frequency * float(state.network.delays.max()) > FAST else "SI slow"


def network_label(network: BrunelNetwork) -> str:
    """The labels of all states that are no saddles, by increasing rate."""
    return _joined([state_label(state) for state in balanced_states(network)])


def phase_diagram(
    network: BrunelNetwork, g: ArrayLike, nu_ext: ArrayLike, bisections: int = 8, progress: bool = False
) -> PhaseDiagram:
    """Regions of quiescence, asynchronous and synchronous, regular and irregular activity over (g, ν_ext).

    On every side of the grid at whose ends the labels differ the places where they change are found by bisection;
    within each cell these places are joined to lines, and where three regions meet, to a point in their middle. A
    region smaller than the cells of the grid is missed if no point of the grid, and no bisected side, falls into it:
    the slow oscillations next to g = 4.5, ν_ext = 0.9 ν_thr are easily lost. Regular and
    irregular, slow and fast are told apart by the coefficient of variation and by the frequency, which change
    gradually: where these lines lie is a convention (`LABELS`).

    In the white-noise limit, modulations of the variance pass at every frequency. Where nearly all noise is the
    network's own (saturated states that ν_ext < ν_thr alone would not keep up) there are therefore growing modes of
    very high frequency, and the label SR hangs on modes that spikes of finite rise would not carry.

    Parameters
    ----------
    network : BrunelNetwork
        Its g and ν_ext play no role.
    g : array, shape (n,)
        Increasing, n ≥ 2.
    nu_ext : array, shape (m,)
        Increasing (1/time), m ≥ 2.
    bisections : int
        Halvings of a side of the grid on which a boundary is located.
    progress : bool
        Show a progress bar. A point of the grid takes some 0.03 s, a bisected side `bisections` times as long.

    Raises
    ------
    InvalidArgument
        If `network` is no BrunelNetwork, an axis is not increasing or out of range, or there is no stationary state.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183, figures 2 and 8.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.BrunelNetwork(neuron, 1000, 0.25, 0.1, g=5.0, nu_ext=20.0, delay=0.0015)
    >>> diagram = phase_diagram(network, g=[5.0, 6.0], nu_ext=[20.0, 40.0], bisections=4)
    >>> diagram.label.tolist()
    [['AI', 'AI'], ['AI', 'SI fast']]
    """
    if not isinstance(network, BrunelNetwork):
        raise InvalidArgument(f"`network` must be an fp.BrunelNetwork, not {network!r:.80}.")
    across, up = _axis("g", g), _axis("nu_ext", nu_ext)
    if isinstance(bisections, bool) or not isinstance(bisections, int | np.integer) or bisections < 1:
        raise InvalidArgument(f"`bisections` must be a whole number of at least 1, not {bisections!r}.")
    replace(network, g=float(across[0]), nu_ext=float(up[0]))  # refuses what is out of range
    if not isinstance(progress, bool | np.bool_):
        raise InvalidArgument(f"`progress` must be True or False, not {progress!r}.")
    shape = (len(across), len(up))
    count, stable = np.zeros(shape, dtype=int), np.zeros(shape, dtype=bool)
    table = np.zeros((6, *shape))
    label = np.empty(shape, dtype=object)
    with progress_bar(progress, label.size, "point") as step:
        for done, (i, j) in enumerate(product(range(shape[0]), range(shape[1])), start=1):
            states = balanced_states(replace(network, g=float(across[i]), nu_ext=float(up[j])))
            top = _highest(states, float(across[i]), float(up[j]))
            label[i, j] = _joined([state_label(state) for state in states])
            count[i, j], stable[i, j] = len(states), bool(top.stable)
            leading = (top.growth_rate, top.frequency) if top.loop.followed else (np.nan, np.nan)
            table[:, i, j] = top.rate, top.mu[0], top.sigma[0], top.cv[0], *leading
            step(done)
    cells = _Cells(across, up, label, _changes(network, across, up, label, int(bisections), progress))
    cells.divide()
    rate, mu, sigma, cv, growth_rate, frequency = (frozen(row) for row in table)
    return PhaseDiagram(
        network=network,
        g=across,
        nu_ext=up,
        count=frozen(count),
        rate=rate,
        mu=mu,
        sigma=sigma,
        cv=cv,
        stable=frozen(stable),
        growth_rate=growth_rate,
        frequency=frequency,
        label=frozen(label.astype(str)),
        boundaries={pair: _chained(parts) for pair, parts in sorted(cells.segments.items())},
        regions={
            name: tuple(frozen(np.array(polygon)) for polygon in polygons)
            for name, polygons in sorted(cells.polygons.items())
        },
    )


# -- the lines between regions ------------------------------------------------------------------------------------

Point = tuple[float, float]
Pair = tuple[str, str]
Change = tuple[Point, str, str]
"""Where the label changes, the labels before and after."""


def _changes(
    network: BrunelNetwork, g: np.ndarray, nu_ext: np.ndarray, label: np.ndarray, bisections: int, progress: bool
) -> dict[tuple[int, int, int], list[Change]]:
    """On every side of the grid with two labels, (i, j, 0) to the right and (i, j, 1) upwards of (g[i], nu_ext[j])."""
    sides = []
    for i, j in product(range(len(g)), range(len(nu_ext))):
        for along, (k, m) in enumerate(((i + 1, j), (i, j + 1))):
            if k < len(g) and m < len(nu_ext) and label[i, j] != label[k, m]:
                ends = (float(g[i]), float(nu_ext[j])), (float(g[k]), float(nu_ext[m]))
                sides.append(((i, j, along), ends, (str(label[i, j]), str(label[k, m]))))
    found = {}
    with progress_bar(progress, len(sides), "side") as step:
        for done, (where, ends, labels) in enumerate(sides, start=1):
            found[where] = _located(network, ends, labels, bisections)
            step(done)
    return found


def _located(network: BrunelNetwork, ends: tuple[Point, Point], labels: Pair, bisections: int) -> list[Change]:
    """Where the label changes between two points: once between equal neighbours, more often if others lie between."""
    (low, high), (first, last) = ends, labels
    middle = (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]))
    if first == last:
        return []
    if not bisections:
        return [(middle, first, last)]
    between = network_label(replace(network, g=middle[0], nu_ext=middle[1]))
    return [
        *_located(network, (low, middle), (first, between), bisections - 1),
        *_located(network, (middle, high), (between, last), bisections - 1),
    ]


Arc = tuple[str, list[Point]]
"""A stretch of the rim of a cell with one label, from one change to the next, both included."""


@dataclass
class _Cells:
    """Polygons of one label, and the segments between them, cell by cell."""

    g: np.ndarray
    nu_ext: np.ndarray
    label: np.ndarray
    changes: dict[tuple[int, int, int], list[Change]]
    polygons: dict[str, list[list[Point]]] = field(default_factory=dict)
    segments: dict[Pair, list[tuple[Point, Point]]] = field(default_factory=dict)

    def divide(self) -> None:
        for i, j in product(range(len(self.g) - 1), range(len(self.nu_ext) - 1)):
            arcs = self._arcs(i, j)
            middle = (float(self.g[i : i + 2].mean()), float(self.nu_ext[j : j + 2].mean()))
            while len(arcs) > 1 and self._pocket(arcs, middle):
                pass
            if len(arcs) == 1:
                self._fill(*arcs[0])
            else:
                self._star(arcs)

    def _arcs(self, i: int, j: int) -> list[Arc]:
        """The rim of a cell, anticlockwise, cut where the label changes."""
        corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
        sides = [(i, j, 0), (i + 1, j, 1), (i, j + 1, 0), (i, j, 1)]
        arcs: list[Arc] = []
        here: Arc = (str(self.label[i, j]), [])
        for turn, ((k, m), side) in enumerate(zip(corners, sides, strict=True)):
            here[1].append((float(self.g[k]), float(self.nu_ext[m])))
            found = self.changes.get(side, [])
            for point, before, after in found if turn < 2 else [(x, b, a) for x, a, b in reversed(found)]:
                assert before == here[0]
                here[1].append(point)
                arcs.append(here)
                here = (after, [point])
        if not arcs:
            return [here]
        arcs[0] = (here[0], here[1] + arcs[0][1])
        return arcs

    def _pocket(self, arcs: list[Arc], middle: Point) -> bool:
        """Cut off one arc between two of the same label, the shortest; False if there is none.

        It is cut off by a straight line. Of a strip that is met on one side of the cell only, and comes last, nobody
        knows how far it reaches: it is given a tip halfway through the cell.
        """
        n = len(arcs)
        pockets = [k for k in range(n) if arcs[k - 1][0] == arcs[(k + 1) % n][0]]
        if not pockets:
            return False
        k = min(pockets, key=lambda k: ((len(arcs[k][1]) == 2) == (n > 2), self._length(arcs[k][1])))
        (label, rim), (around, before), (_, after) = arcs[k], arcs[k - 1], arcs[(k + 1) % n]
        tip = [_tip(rim[0], rim[1], middle)] if len(rim) == 2 else []
        self._fill(label, rim + tip)
        for start, end in pairwise([rim[-1], *tip, rim[0]]):
            self._divides(label, around, start, end)
        arcs[k] = (around, before + tip if n == 2 else before + tip + after)
        for gone in sorted({(k - 1) % n, (k + 1) % n}, reverse=True):
            del arcs[gone]
        return True

    def _length(self, rim: list[Point]) -> float:
        """Distance of the ends, on the scale of the axes."""
        (x, y), (u, v) = rim[0], rim[-1]
        return float(np.hypot((x - u) / np.ptp(self.g), (y - v) / np.ptp(self.nu_ext)))

    def _star(self, arcs: list[Arc]) -> None:
        """Lines from every change to the middle of them all: where three regions meet."""
        x, y = np.mean([rim[0] for _, rim in arcs], axis=0)
        for k, (label, rim) in enumerate(arcs):
            self._fill(label, [*rim, (float(x), float(y))])
            self._divides(label, arcs[k - 1][0], rim[0], (float(x), float(y)))

    def _fill(self, label: str, rim: list[Point]) -> None:
        self.polygons.setdefault(label, []).append(rim)

    def _divides(self, one: str, other: str, start: Point, end: Point) -> None:
        first, last = sorted((one, other))
        self.segments.setdefault((first, last), []).append((start, end))


def _tip(start: Point, end: Point, middle: Point) -> Point:
    """Inside a cell, next to the middle of a stretch of one of its sides."""
    if start[0] == end[0]:
        return middle[0], 0.5 * (start[1] + end[1])
    return 0.5 * (start[0] + end[0]), middle[1]


def _chained(segments: list[tuple[Point, Point]]) -> tuple[np.ndarray, ...]:
    """Segments that share end points, joined to lines."""
    lines: list[list[Point]] = []
    for first, last in segments:
        joined = [first, last]
        for other in [line for line in lines if {line[0], line[-1]} & {first, last}]:
            if joined[0] in (other[0], other[-1]):
                joined.reverse()
            if joined[-1] not in (other[0], other[-1]):
                continue
            lines.remove(other)
            joined += other[1:] if other[0] == joined[-1] else other[-2::-1]
        lines.append(joined)
    return tuple(frozen(np.array(line)) for line in lines)


def _highest(states: tuple[BalancedState, ...], g: float, nu_ext: float) -> BalancedState:
    if not states:
        raise InvalidArgument(
            f"at `g` = {g:g}, `nu_ext` = {nu_ext:g} the network has no stationary state: nothing bounds its rate; give "
            f"the neurons a refractory time, or start at a larger g."
        )
    return states[-1]


def _joined(labels: list[str]) -> str:
    return " + ".join(label for label in labels if label != SADDLE)


def _axis(name: str, value: ArrayLike) -> np.ndarray:
    axis = real_array(name, value)
    if axis.ndim != 1 or len(axis) < 2 or not np.all(np.isfinite(axis)) or np.any(np.diff(axis) <= 0.0):
        raise InvalidArgument(f"`{name}` must be at least two increasing numbers, not {value!r:.60}.")
    return frozen(axis)
