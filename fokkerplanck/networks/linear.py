"""A network linearised about a stationary state: its spectrum, how many modes grow, and the delay that upsets it.

At a fixed input a population answers perturbations e^{λt} of its current and of its diffusion with χ^c and χ^a times
them in its rate (in its own time; formulas in `delays`). In the network

    δN = G(λ) δN,   G_αβ(λ) = [χ^c_α(λτ_α) J_αβ + χ^a_α(λτ_α) a1_αβ] e^{−λ d_αβ},

so that eigenvalues are the zeros of det(1 − G). χ is analytic for Re λ ≥ 0, because a single population at a fixed
input is stable, and so the number of growing modes is the winding number of det(1 − G(iω)): an integer, found from
the axis alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.linalg import eig, eigvals
from scipy.optimize import brentq, linear_sum_assignment
from scipy.sparse.csgraph import connected_components

from ..grid import Grid
from ..meanfield import passage
from ..models.network import Network
from ..operators.schemes import FluxScheme, ScharfetterGummel
from ..outcomes import InvalidArgument
from ..spectrum import MOST_NODES, NODES, _extrapolated, _Linear, _number, _sorted, chebyshev, linear_parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .states import NetworkState

COARSEST, HALVINGS = 60, 2
"""As for one population: cells of each lane on the coarsest of the grids from which eigenvalues are extrapolated."""
RESPONSE_CELLS = 100
HIGHEST = 1e5
"""Angular frequency (in the fastest of the populations' own times) up to which the axis may be followed."""
SETTLED = 0.7
"""Where the norm of G stays below this, nothing winds any more."""
TURN = 0.35
"""Largest turn of det(1 − G) from one frequency to the next, in radians."""
NEAR_ZERO, MOST_FREQUENCIES = 1e-7, 20_000
"""Where |det(1 − G)| is this small on the axis its sign means nothing, and so its turns; and how many are looked at."""


# -- the response of the members ----------------------------------------------------------------------------------


class Lane(NamedTuple):
    """One population on one grid, in its own time: transport, firing, reset, and the responses to c and a."""

    grid: Grid
    density: np.ndarray
    linear: _Linear
    by_a: np.ndarray
    eta_a: float


def lanes_of(at: NetworkState, cells: int, halvings: int, scheme: FluxScheme | None = None) -> list[list[Lane]]:
    """For every population its discretisations on `cells` cells and on each halved again."""
    scheme = ScharfetterGummel() if scheme is None else scheme
    ladders = []
    for k, state in enumerate(at.members):
        noisy = bool(np.any(at.model.noise[k] > 0.0))
        background = at.model.populations[k].noise.a0 if noisy else 0.0
        grid = passage.fitted_grid(state.model, state.current, state.diffusion, cells, background)
        ladder = []
        for _ in range(halvings + 1):
            system, density = scheme.discretize(state.model, grid), state.cell_averages(grid)
            linear = linear_parts(system, density, state.rate, (1.0, 0.0))
            noise = linear_parts(system, density, state.rate, (0.0, 1.0)) if noisy else None
            by_a = np.zeros(len(density)) if noise is None else noise.response
            ladder.append(Lane(grid, density, linear, by_a, 0.0 if noise is None else noise.eta))
            grid = grid.refined()
        ladders.append(ladder)
    return ladders


Response = Callable[[np.ndarray], np.ndarray]


def responses(at: NetworkState, cells: int = RESPONSE_CELLS, halvings: int = HALVINGS) -> Response:
    """λ ↦ (χ^c, χ^a) of every population, for a vector of λ in the common time: shape (2, lanes, len(λ)).

    Extrapolated over grids of which each has half the cell width of the one before; all λ in one sweep.
    """
    ladders = lanes_of(at, cells, halvings)
    refractory = [member.refractory for member in at.model.populations]
    tau = at.model.time_constants

    def response(lam: np.ndarray) -> np.ndarray:
        lam = np.atleast_1d(np.asarray(lam, dtype=complex))
        chi = np.empty((2, len(ladders), len(lam)), dtype=complex)
        for k, ladder in enumerate(ladders):
            own = lam * tau[k]
            passed = np.array([refractory[k].transform(complex(x)) for x in own], dtype=complex)
            zero = own == 0.0
            silence = np.where(zero, refractory[k].mean_duration, (1.0 - passed) / np.where(zero, 1.0, own))
            table = []
            for lane in ladder:
                u, w, z = _swept(lane, own)
                total = silence + passed * z
                table.append(np.stack([-u / total, -w / total]))
            for order in range(1, len(table)):
                table = [y + (y - x) / (4.0**order - 1.0) for x, y in pairwise(table)]
            chi[:, k] = table[0]
        return chi

    return response


def _swept(lane: Lane, lam: np.ndarray) -> np.ndarray:
    """Sums of (λ − T)⁻¹ applied to the responses to c and a and to the reset, for all λ at once; shape (3, len(λ)).

    Elimination without pivots: for Re λ ≥ 0 the columns are diagonally dominant.
    """
    T = lane.linear.transport
    below, diagonal, above = -np.diag(T, -1), -np.diag(T), -np.diag(T, 1)
    sources = np.stack([lane.linear.response, lane.by_a, lane.linear.reset])
    cells = len(diagonal)
    pivot = np.empty((cells, len(lam)), dtype=complex)
    x = np.empty((cells, 3, len(lam)), dtype=complex)
    pivot[0], x[0] = diagonal[0] + lam, sources[:, 0, None]
    for i in range(1, cells):
        factor = below[i - 1] / pivot[i - 1]
        pivot[i] = diagonal[i] + lam - factor * above[i - 1]
        x[i] = sources[:, i, None] - factor * x[i - 1]
    x[-1] /= pivot[-1]
    for i in range(cells - 2, -1, -1):
        x[i] = (x[i] - above[i] * x[i + 1]) / pivot[i]
    return np.asarray(x.sum(axis=0))


def gains(network: Network, chi: np.ndarray, lam: np.ndarray) -> np.ndarray:
    """G(λ), shape (len(λ), lanes, lanes)."""
    G = chi[0].T[:, :, None] * network.J + chi[1].T[:, :, None] * network.noise
    return np.asarray(G * np.exp(-np.asarray(lam)[:, None, None] * network.delays))


# -- how many modes grow ------------------------------------------------------------------------------------------


def unstable_count(network: Network, at: NetworkState, response: Response | None = None) -> int | None:
    """The number of eigenvalues with positive real part, with multiplicity, by the argument principle.

    With D(λ) = det(1 − G(λ)), analytic for Re λ ≥ 0, it is the change of arg D along the boundary of the half-plane
    over 2π. The axis is followed from 0 to where the norm of G stays small; beyond, the eigenvalues g of G are below
    one, and arg D is the sum of the arguments of 1 − g.

    Returns
    -------
    int or None
        None where D passes so close to zero on the axis that its turns cannot be followed, as at a fold or at the
        onset of oscillations, or where what is counted is no integer.
    """
    response = responses(at) if response is None else response
    rates = np.maximum(at.rates, 1e-300)

    def winding(w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        lam = 1j * w
        G = gains(network, response(lam), lam)
        # In units of the rates, in which noise that follows the rates has row sums below one at high frequency.
        size = np.abs(G * rates[None, None, :] / rates[None, :, None]).sum(axis=2).max(axis=1)
        ends = np.angle(1.0 - np.linalg.eigvals(G)).sum(axis=1)
        return np.linalg.det(np.eye(len(rates)) - G), size, ends

    slowest, fastest = float(network.time_constants.max()), float(network.time_constants.min())
    lag = float(network.delays.max(initial=0.0)) + float(network.latencies.max(initial=0.0))
    w = np.concatenate([[0.0], np.geomspace(1e-3 / slowest, HIGHEST / fastest, 161)])
    D, size, ends = winding(w)
    loud = np.flatnonzero(size >= SETTLED)
    last = min((int(loud[-1]) if len(loud) else 0) + 2, len(w) - 1)
    w, D, size, end = w[: last + 1], D[: last + 1], size[: last + 1], float(ends[last])
    while True:
        if not np.all(np.isfinite(D)) or np.abs(D).min() < NEAR_ZERO or len(w) > MOST_FREQUENCIES:
            return None
        turns = np.angle(D[1:] / D[:-1])
        # A delay turns G by e^{−iωd}: whole turns between two frequencies would go unseen.
        unseen = (np.diff(w) * lag > 0.5) & (np.maximum(size[1:], size[:-1]) > 0.1)
        coarse = np.flatnonzero((np.abs(turns) > TURN) | unseen)
        if not len(coarse):
            break
        middle = 0.5 * (w[coarse] + w[coarse + 1])
        more, more_size, _ = winding(middle)
        w, D, size = (
            np.insert(old, coarse + 1, new) for old, new in zip((w, D, size), (middle, more, more_size), strict=True)
        )
    count = (end - float(turns.sum())) / np.pi
    whole = round(count)
    return whole if abs(count - whole) < 0.05 and whole >= 0 else None


def critical_delay(network: Network, at: NetworkState) -> tuple[float, float]:
    """The shortest delay that, put on all synapses alike, makes a state oscillate: what `fp.critical_delay` gives.

    With d_αβ = d the determinant is Π (1 − e^{−λd} g_i(λ)) with the eigenvalues g_i of G without delay, so that
    oscillations e^{iωt} set in where |g_i(iω)| = 1, at d = arg g_i(iω)/ω.

    Returns
    -------
    (float, float)
        Delay and angular frequency; (∞, 0) if the state is stable for every common delay.

    Raises
    ------
    InvalidArgument
        If `at` is not stable without delay, or that is not resolved.
    """
    prompt = Network(network.members, network.J, network.noise, 0.0, network.time_constants)
    response = responses(at)
    unstable = unstable_count(prompt, at, response)
    if unstable is None:
        raise InvalidArgument(f"whether {at.rates} is stable without delay is not resolved; move away from the fold.")
    if unstable:
        raise InvalidArgument(f"the state with rates {at.rates} is unstable without delay already.")

    def loops(w: np.ndarray) -> np.ndarray:
        w = np.atleast_1d(w)
        return np.linalg.eigvals(gains(prompt, response(1j * w), 1j * w))

    def excess(w: np.ndarray) -> np.ndarray:
        """Moduli minus one in falling order: as functions of ω they are continuous."""
        return np.sort(np.abs(loops(w)), axis=1)[:, ::-1] - 1.0

    slowest, fastest = float(network.time_constants.max()), float(network.time_constants.min())
    w = np.concatenate([[0.0], np.geomspace(1e-4 / slowest, 1e4 / fastest, 801)])
    values = excess(w)
    onset = (np.inf, 0.0)
    for i, k in np.argwhere(values[:-1] * values[1:] < 0.0):

        def value(x: float, k: int = k) -> float:
            return float(excess(np.array([x]))[0, k])

        frequency = brentq(value, w[i], w[i + 1], xtol=1e-13, rtol=1e-13)
        g = loops(np.array([frequency]))[0]
        on_circle = g[np.argmin(np.abs(np.abs(g) - 1.0))]
        onset = min(onset, (float(np.angle(on_circle) % (2.0 * np.pi)) / frequency, frequency))
    return onset


# -- the spectrum -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class NetworkSpectrum:
    """The leading part of a network's spectrum, without the zeros that belong to the conservation of each mass.

    Attributes
    ----------
    eigenvalues : complex array, shape (count,)
        In the common time, largest real part first; of a conjugate pair the one with positive imaginary part first.
    modes : tuple of K complex arrays, shape (count, cells)
        Cell averages of the densities of each population, in its own potential, on its grid of `grids`. Scaled so that
        Σ_α (∫|q_α| dv + |R_α|) = 1 and that the largest rate is real and positive.
    rates : complex array, shape (count, K)
        Firing rates of the modes.
    refractory : complex array, shape (count, K)
        Refractory masses of the modes.
    error : array, shape (count,)
        By how much the last step of the extrapolation changed the eigenvalue: as a rule more than the error left.
    grids : tuple of K Grids
    """

    eigenvalues: np.ndarray
    modes: tuple[np.ndarray, ...]
    rates: np.ndarray
    refractory: np.ndarray
    error: np.ndarray
    grids: tuple[Grid, ...]

    def plot(self) -> Figure:
        """The eigenvalues in the complex plane."""
        from ..plotting.states import figure_of_spectrum

        return figure_of_spectrum(self)

    def __repr__(self) -> str:
        rows = [f"{_number(x)}  (± {e:.0e})" for x, e in zip(self.eigenvalues, self.error, strict=True)]
        marks = ["├─"] * (len(rows) - 1) + ["└─"]
        lines = [f"{mark} {row}" for mark, row in zip(marks, rows, strict=True)]
        head = f"NetworkSpectrum: the {len(rows)} leading eigenvalues of {len(self.grids)} populations"
        return "\n".join([head, *lines])


def network_spectrum(
    network: Network, at: NetworkState, count: int = 6, scheme: FluxScheme | None = None
) -> NetworkSpectrum:
    """Leading eigenvalues and modes of a network linearised about a stationary state: `fp.spectrum` of a network.

    The Jacobian of the finite volumes of all populations at once, with lines of Chebyshev nodes for every delay and
    every fixed refractory time, on three grids from which the eigenvalues are extrapolated: see `fp.spectrum`, which it
    equals for K = 1. Each population has a grid of its own, fitted to its state. Dense linear algebra with some 240 K
    unknowns: up to about ten populations.

    Parameters
    ----------
    network : Network
    at : NetworkState
        One of `fp.stationary_states(network)`.
    count : int
        Number of eigenvalues.
    scheme : FluxScheme, optional
        Default `fp.ScharfetterGummel()`.

    Raises
    ------
    InvalidArgument
        If `at` is not a stationary state of `network`, or `count` is out of range.

    Source: as for `fp.spectrum`; two populations: Brunel, J. Comput. Neurosci. 8 (2000) 183.

    >>> from fokkerplanck.models.network import excitatory_inhibitory
    >>> from fokkerplanck.networks.states import network_states
    >>> network = excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
    >>> float(network_spectrum(network, network_states(network)[0]).eigenvalues[0].real.round(4))
    -1.1145
    """
    if getattr(at, "model", None) is not network:
        raise InvalidArgument(f"`at` must be one of fp.stationary_states(network) for this very network, not {at!r}.")
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise InvalidArgument(f"`count` must be a whole number of at least 1, not {count!r}.")
    if count >= COARSEST * network.lanes:
        raise InvalidArgument(f"`count` = {count} is too many; at most {COARSEST * network.lanes - 1}.")
    values, error, finest, levels, nodes = _leading(network, at, count, scheme)
    # A mode of one block of populations drives those that listen to it: it lives in the whole network.
    problem = _reduced(network, levels[-1], nodes)
    own, vectors = eig(problem.matrix)
    chosen = linear_sum_assignment(np.abs(finest[:, None] - own))[1]
    return _with_modes(problem, vectors[:, chosen], levels[-1], values, error)


def leading_eigenvalues(network: Network, at: NetworkState, count: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The eigenvalues of `network_spectrum` and their errors, without the modes."""
    return _leading(network, at, count, None)[:2]


class _Leading(NamedTuple):
    values: np.ndarray
    error: np.ndarray
    finest: np.ndarray
    levels: list[list[Lane]]
    nodes: int


def _leading(network: Network, at: NetworkState, count: int, scheme: FluxScheme | None) -> _Leading:
    """The leading eigenvalues, block by block.

    Populations that act on each other, directly or through others, form a block; between blocks the action goes one
    way, so that the spectrum is the union of theirs. Equal populations apart would spoil the extrapolation otherwise.
    """
    ladders = lanes_of(at, COARSEST, HALVINGS, scheme)
    levels = [[ladder[k] for ladder in ladders] for k in range(HALVINGS + 1)]
    coupled = (network.J != 0.0) | (network.noise != 0.0)
    blocks, block = connected_components(coupled, directed=True, connection="strong")
    values, error, finest, most = [], [], [], NODES
    for number in range(blocks):
        members = np.flatnonzero(block == number)
        part = _part(network, members)
        own = [[lanes[k] for k in members] for lanes in levels]
        nodes = NODES
        while part.depth and nodes < MOST_NODES:
            coarse = eigvals(_reduced(part, own[0], nodes).matrix)
            if np.abs(coarse[_sorted(coarse)[:count]]).max() * part.depth <= nodes / 3.0:
                break
            nodes *= 2
        most = max(most, nodes)
        matrices = [_reduced(part, lanes, nodes).matrix for lanes in own]
        ladder = [eigvals(matrix) for matrix in matrices]
        best, uncertain, order = _extrapolated(ladder, min(count, len(ladder[0]) - 1))
        values.append(best)
        error.append(np.maximum(uncertain, np.finfo(float).eps * max(np.abs(matrix).max() for matrix in matrices)))
        finest.append(ladder[-1][order[-1]])
    joined = np.concatenate(values)
    first = _sorted(joined)[:count]
    return _Leading(joined[first], np.concatenate(error)[first], np.concatenate(finest)[first], levels, most)


def _part(network: Network, members: np.ndarray) -> Network:
    """Some of the populations, and how they act on each other."""
    if len(members) == network.lanes:
        return network
    square = np.ix_(members, members)
    return Network(
        {network.names[k]: network.populations[k] for k in members},
        network.J[square],
        network.noise[square],
        network.delays[square],
        network.time_constants[members],
    )


class _Problem(NamedTuple):
    """The eigenvalue problem for perturbations without mass in any population; `full` takes them to all unknowns.

    `rates` gives δN, `masses` and `pools` the masses of a perturbation, each of shape (lanes, size).
    """

    matrix: np.ndarray
    full: np.ndarray
    rates: np.ndarray
    pools: np.ndarray
    starts: np.ndarray


def _reduced(network: Network, lanes: list[Lane], nodes: int) -> _Problem:
    """The Jacobian in the masses of all cells, the pools, and the rates along all lines of delay.

        x_α' = T_α x_α/τ_α + k^c_α Σ J_αβ N_β(t − d) + k^a_α Σ a1_αβ N_β(t − d) + r_α S_α,
        N = E x + Σ_d H_d N(t − d),   H_d = diag(η^c) J_d + diag(η^a) A_d,

    of which what arrives at once is eliminated: N = (1 − H_0)⁻¹ (E x + …).
    """
    K, tau = network.lanes, network.time_constants
    cells = np.array([len(lane.density) for lane in lanes])
    silence, latency = network.silence, network.latencies
    pooled = (silence > 0.0) & (latency == 0.0)
    starts = np.concatenate([[0], np.cumsum(cells)])
    pool = np.where(pooled, starts[-1] + np.cumsum(pooled) - 1, -1)
    lines: dict[tuple[int, float], int] = {}
    size = int(starts[-1] + np.sum(pooled))
    coupled = (network.J != 0.0) | (network.noise != 0.0)
    wanted = {(j, float(network.delays[i, j])) for i, j in np.argwhere(coupled) if network.delays[i, j] > 0.0}
    wanted |= {(k, float(latency[k])) for k in np.flatnonzero(latency > 0.0)}
    for key in sorted(wanted):
        lines[key] = size
        size += nodes

    fired: np.ndarray = np.zeros((K, size))
    H = np.zeros((K, K))
    for k, lane in enumerate(lanes):
        fired[k, starts[k] : starts[k + 1]] = lane.linear.fired / tau[k]
        for j in range(K):
            eta = lane.linear.eta * network.J[k, j] + lane.eta_a * network.noise[k, j]
            if network.delays[k, j] == 0.0:
                H[k, j] = eta
            elif eta:
                fired[k, lines[j, float(network.delays[k, j])] + nodes - 1] += eta
    if np.max(np.abs(np.linalg.eigvals(H))) >= 1.0 and np.linalg.det(np.eye(K) - H) <= 0.0:
        raise InvalidArgument("the grids are too coarse for the boundary layers at V_F of this state.")
    fired = np.linalg.solve(np.eye(K) - H, fired)

    matrix, masses, pools = np.zeros((size, size)), np.zeros((K, size)), np.zeros((K, size))
    for k, lane in enumerate(lanes):
        own = slice(starts[k], starts[k + 1])
        matrix[own, own] = lane.linear.transport / tau[k]
        masses[k, own] = 1.0
        for j in map(int, np.flatnonzero(coupled[k])):
            delay = float(network.delays[k, j])
            kick = lane.linear.response * network.J[k, j] + lane.by_a * network.noise[k, j]
            if delay == 0.0:
                matrix[own] += np.outer(kick, fired[j])
            else:
                matrix[own, lines[j, delay] + nodes - 1] += kick
        back = fired[k]
        if pooled[k]:
            back = np.zeros(size)
            back[pool[k]] = 1.0 / silence[k]
            matrix[pool[k]] += fired[k] - back
            masses[k, pool[k]] = pools[k, pool[k]] = 1.0
        elif latency[k] > 0.0:
            back = np.zeros(size)
            back[lines[k, float(latency[k])] + nodes - 1] = 1.0
        matrix[own] += np.outer(lane.linear.reset, back)
    for (k, lag), start in lines.items():
        line, D = slice(start, start + nodes), chebyshev(nodes) * (2.0 / lag)
        matrix[line] += np.outer(D[1:, 0], fired[k])
        matrix[line, line] += D[1:, 1:]
        if lag == latency[k]:
            last = np.zeros(nodes)
            last[-1] = 1.0
            masses[k, line] = pools[k, line] = np.linalg.solve(D[1:, 1:].T, -last)

    pivots = [int(starts[k] + np.argmax(lane.density * lane.grid.width)) for k, lane in enumerate(lanes)]
    keep = np.setdiff1d(np.arange(size), pivots)
    full = np.zeros((size, len(keep)))
    full[keep, np.arange(len(keep))] = 1.0
    for k, pivot in enumerate(pivots):
        full[pivot] = -masses[k, keep]
    return _Problem(matrix[keep] @ full, full, fired, pools, starts)


def _with_modes(
    problem: _Problem, vectors: np.ndarray, lanes: list[Lane], values: np.ndarray, error: np.ndarray
) -> NetworkSpectrum:
    unknowns = problem.full @ vectors
    rates, pools = problem.rates @ unknowns, problem.pools @ unknowns
    parts = [unknowns[start:end] for start, end in pairwise(problem.starts)]
    loudest = rates[np.argmax(np.abs(rates), axis=0), np.arange(rates.shape[1])]
    phase = np.where(loudest == 0.0, 1.0, loudest)
    total = sum(np.abs(part).sum(axis=0) for part in parts) + np.abs(pools).sum(axis=0)
    scale = np.conj(phase) / np.abs(phase) / total
    return NetworkSpectrum(
        eigenvalues=values,
        modes=tuple((part * scale).T / lane.grid.width for part, lane in zip(parts, lanes, strict=True)),
        rates=(rates * scale).T,
        refractory=(pools * scale).T,
        error=error,
        grids=tuple(lane.grid for lane in lanes),
    )
