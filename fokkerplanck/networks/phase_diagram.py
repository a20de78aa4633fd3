"""The phase diagram of a sparse network in the plane of inhibition g and external rate ν_ext."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from ..meanfield.balanced import BrunelNetwork
from ..outcomes import InvalidArgument, frozen, real_array
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
"""What the labels mean; several stable possibilities are joined by " + ", from the lowest rate to the highest."""


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
        Leading eigenvalue λ of that state: Re λ (1/time) and Im λ/2π (1/time), see `BalancedState.eigenvalue`.
    label : array of str, shape (n, m)
        One of `LABELS`, or several joined by " + " where several states are no saddles.
    boundaries : dict
        For every pair of labels that border on each other a tuple of lines, each an array of points (g, ν_ext).
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

    def plot(self) -> Figure:
        """The regions, with the lines between them."""
        from ..plotting import plot_phase_diagram

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


def phase_diagram(network: BrunelNetwork, g: ArrayLike, nu_ext: ArrayLike, bisections: int = 8) -> PhaseDiagram:
    """Regions of quiescence, asynchronous and synchronous, regular and irregular activity over (g, ν_ext).

    On every side of the grid at whose ends the labels differ the place where they change is found by bisection; within
    each cell these places are joined to lines, and where three regions meet, to a point in their middle. Regular and
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

    Raises
    ------
    InvalidArgument
        If `network` is no BrunelNetwork, or an axis is not increasing or out of range.

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
    shape = (len(across), len(up))
    count, stable = np.zeros(shape, dtype=int), np.zeros(shape, dtype=bool)
    table = np.zeros((6, *shape))
    label = np.empty(shape, dtype=object)
    for i, j in product(range(shape[0]), range(shape[1])):
        states = balanced_states(replace(network, g=float(across[i]), nu_ext=float(up[j])))
        label[i, j] = _joined([state_label(state) for state in states])
        top = states[-1]
        count[i, j], stable[i, j] = len(states), bool(top.stable)
        table[:, i, j] = top.rate, top.mu[0], top.sigma[0], top.cv[0], top.growth_rate, top.frequency
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
        boundaries=_boundaries(network, across, up, label, int(bisections)),
    )


# -- the lines between regions ------------------------------------------------------------------------------------

Point = tuple[float, float]
Pair = tuple[str, str]


def _boundaries(
    network: BrunelNetwork, g: np.ndarray, nu_ext: np.ndarray, label: np.ndarray, bisections: int
) -> dict[Pair, tuple[np.ndarray, ...]]:
    crossings = {}
    for i, j in product(range(len(g)), range(len(nu_ext))):
        for along, (k, m) in enumerate(((i + 1, j), (i, j + 1))):
            if k < len(g) and m < len(nu_ext) and label[i, j] != label[k, m]:
                ends = (float(g[i]), float(nu_ext[j])), (float(g[k]), float(nu_ext[m]))
                crossings[i, j, along] = _located(network, ends, (label[i, j], label[k, m]), bisections)
    segments: dict[Pair, list[tuple[Point, Point]]] = {}
    for i, j in product(range(len(g) - 1), range(len(nu_ext) - 1)):
        sides = [(i, j, 0), (i, j, 1), (i, j + 1, 0), (i + 1, j, 1)]
        here: dict[Pair, list[Point]] = {}
        for side in sides:
            if side in crossings:
                pair, point = crossings[side]
                here.setdefault(pair, []).append(point)
        loose = [(pair, points.pop()) for pair, points in here.items() if len(points) % 2]
        for pair, points in here.items():
            segments.setdefault(pair, []).extend(zip(points[::2], points[1::2], strict=True))
        if len(loose) > 1:  # lines of different regions meet
            x, y = np.mean([point for _, point in loose], axis=0)
            for pair, point in loose:
                segments.setdefault(pair, []).append((point, (float(x), float(y))))
    return {pair: _chained(parts) for pair, parts in sorted(segments.items()) if parts}


def _located(network: BrunelNetwork, ends: tuple[Point, Point], labels: Pair, bisections: int) -> tuple[Pair, Point]:
    """Where the label changes between two points, and the labels on both sides of it in alphabetic order."""
    (low, high), (first, last) = ends, labels
    for _ in range(bisections):
        middle = (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]))
        between = network_label(replace(network, g=middle[0], nu_ext=middle[1]))
        if between == first:
            low = middle
        else:
            high, last = middle, between
    first, last = sorted((first, last))
    return (first, last), (0.5 * (low[0] + high[0]), 0.5 * (low[1] + high[1]))


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


def _joined(labels: list[str]) -> str:
    return " + ".join(label for label in labels if label != SADDLE)


def _axis(name: str, value: ArrayLike) -> np.ndarray:
    axis = real_array(name, value)
    if axis.ndim != 1 or len(axis) < 2 or not np.all(np.isfinite(axis)) or np.any(np.diff(axis) <= 0.0):
        raise InvalidArgument(f"`{name}` must be at least two increasing numbers, not {value!r:.60}.")
    return frozen(axis)
