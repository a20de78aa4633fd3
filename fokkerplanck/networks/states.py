"""Stationary states of a network of populations."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import qmc

from ..grid import Grid
from ..models.coupling import MeanFieldCoupling
from ..models.network import Network
from ..models.noise import ActivityNoise
from ..outcomes import FokkerPlanckWarning, InvalidArgument
from ..stationary import FASTEST_DISCRETE, QUIETEST, STABILITY, StationaryState
from .arclength import Curve, Point, follow
from .balance import Balance, check_network
from .exclusion import SILENT, Box, search
from .linear import leading_eigenvalues, unstable_count

EXHAUSTIVE = 3
"""Populations up to which all states are found by exclusion; the number of boxes grows like a power of theirs."""
STARTS = 64
"""Starts of Newton's iteration where there are more."""
LOUD = 4
"""Rates of a population that is alone in firing, from which it is looked for as well."""
SAME = 1e-7
"""Two solutions closer than this, relative to 1 + |log N|, are one."""
CONVERGED = 1e-13


@dataclass(frozen=True, eq=False, repr=False)
class NetworkState:
    """A stationary state of a network: a profile and a rate for each of its K populations.

    Attributes
    ----------
    model : Network
    log_rates : array, shape (K,)
        log N_α, which exists also where N_α itself is below the smallest double; N in spikes per unit of common time.
    residual : float
        The largest |N_α τ_α (ρ_α + T_α) − 1| as evaluated.
    """

    model: Network
    log_rates: np.ndarray
    residual: float

    @property
    def rates(self) -> np.ndarray:
        """Firing rates N_α, shape (K,)."""
        return np.exp(self.log_rates)

    @property
    def rate(self) -> np.ndarray:
        """The same as `rates`."""
        return self.rates

    @property
    def currents(self) -> np.ndarray:
        """c_α = I_α + τ_α Σ_β J_αβ N_β, shape (K,), in the populations' own units."""
        return Balance(self.model).inputs(self.rates)[0]

    @property
    def diffusions(self) -> np.ndarray:
        """a_α = a0_α + τ_α Σ_β a1_αβ N_β, shape (K,)."""
        return Balance(self.model).inputs(self.rates)[1]

    @property
    def refractory(self) -> np.ndarray:
        """Refractory masses R_α = N_α times the mean silence, shape (K,)."""
        return self.model.silence * self.rates

    @cached_property
    def members(self) -> tuple[StationaryState, ...]:
        """Each population by itself, under the constant input that the network gives it, in its own time."""
        alone = []
        for member, c, a, L, tau in zip(
            self.model.populations, self.currents, self.diffusions, self.log_rates, self.model.time_constants,
            strict=True,
        ):  # fmt: skip
            frozen = replace(member, coupling=MeanFieldCoupling(0.0, external=float(c)), noise=ActivityNoise(float(a)))
            alone.append(StationaryState(frozen, float(L + np.log(tau)), self.residual))
        return tuple(alone)

    def density(self, v: ArrayLike) -> np.ndarray:
        """The profiles at potentials v of the grid, shape (K, len(v)); per unit of that potential."""
        potentials = self.model.potentials(np.asarray(v, dtype=float))
        rows = zip(self.members, potentials, self.model.scales, strict=True)
        return np.array([scale * member.density(own) for member, own, scale in rows])

    def cell_averages(self, grid: Grid) -> np.ndarray:
        """Averages of the profiles over the cells of a grid of the network, shape (K, cells).

        Raises
        ------
        InvalidArgument
            If the grid is not made for the network.
        """
        model = self.model
        if not isinstance(grid, Grid) or (grid.V_R, grid.V_F) != (model.V_R, model.V_F):
            raise InvalidArgument(f"`grid` must fit the model; build it with `model.grid(cells=...)`, not {grid!r}.")
        rows = []
        for state, scale, own in zip(self.members, model.scales, model.potentials(grid.faces), strict=True):
            place = grid
            if scale != 1.0 or state.model.V_R != model.V_R:
                # V_R and V_F stay faces, whatever rounding the map leaves on them.
                faces = own.copy()
                faces[np.searchsorted(grid.faces, model.V_R)] = state.model.V_R
                faces[np.searchsorted(grid.faces, model.V_F)] = state.model.V_F
                place = Grid(faces, state.model.V_R, state.model.V_F)
            rows.append(scale * state.cell_averages(place))
        return np.array(rows)

    @cached_property
    def _leading(self) -> tuple[np.ndarray, np.ndarray]:
        return leading_eigenvalues(self.model, self)

    @property
    def eigenvalue(self) -> complex:
        """The eigenvalue of the linearised network with the largest real part, in the common time."""
        return complex(self._leading[0][0])

    @property
    def growth_rate(self) -> float:
        """Real part of `eigenvalue`."""
        return self.eigenvalue.real

    @cached_property
    def unstable(self) -> int | None:
        """Number of growing modes, counted around the right half-plane: see `networks.linear.unstable_count`."""
        return unstable_count(self.model, self)

    @property
    def stable(self) -> bool | None:
        """Whether every small perturbation decays: no mode grows. None at a fold or at the onset of oscillations."""
        return None if self.unstable is None else self.unstable == 0

    def __repr__(self) -> str:
        z = self.eigenvalue
        turning = f" ± {abs(z.imag):.4g}i" if z.imag else ""
        rates = ", ".join(f"N_{name} = {N:.9g}" for name, N in zip(self.model.names[:6], self.rates, strict=False))
        more = ", …" if self.model.lanes > 6 else ""
        return f"NetworkState({rates}{more}, {STABILITY[self.stable]}: λ = {z.real:.4g}{turning})"


class NetworkStates(tuple[NetworkState, ...]):
    """The states of a network, by increasing rate of its first population.

    Attributes
    ----------
    complete : bool
        Whether every part of the range of rates was decided: there are no other states in it.
    proved : bool
        Whether the bounds used for that are theorems (leak and hard threshold), up to rounding.
    undecided : array, shape (boxes, 2, K)
        Ranges of rates (least, largest) of which it could not be decided whether they hold a state; as a rule none, or
        one around two states that merge.
    """

    complete: bool
    proved: bool
    undecided: np.ndarray

    def __new__(
        cls, states: Sequence[NetworkState], complete: bool, proved: bool, undecided: np.ndarray
    ) -> NetworkStates:
        self = super().__new__(cls, states)
        self.complete, self.proved, self.undecided = complete, proved, undecided
        return self

    def __repr__(self) -> str:
        return super().__repr__() + ("" if self.complete else " and perhaps others")


def network_states(network: Network) -> NetworkStates:
    """The stationary states of a network: what `fp.stationary_states` gives for one.

        N_α τ_α (ρ_α + T_α(c_α, a_α)) = 1,   c_α = I_α + τ_α Σ_β J_αβ N_β,   a_α = a0_α + τ_α Σ_β a1_αβ N_β

    ρ_α is the mean refractory time and T_α the mean time from reset to spike, both in the population's own time (see
    `fp.stationary_states`); transmission delays do not matter.

    Up to three populations all states are found: boxes of rates are bisected until each is shown to hold none or
    exactly one (`networks.exclusion`). For leak and hard threshold the bounds of T and its derivatives that this needs
    are theorems (`networks.balance`); for random thresholds those of the derivatives are widened samples, and a
    numerical T (other drifts and thresholds) is bounded through a table: then `.proved` is False. Boxes that stay
    undecided, as where two states merge to rounding, are kept in `.undecided`, and a warning names them.

    For more populations, and for a numerical T under noise that follows the rates, states are looked for along the
    curve that starts at the uncoupled network when the coupling is turned up from 0 to 1, through its folds, and from
    64 quasi-random starts of Newton's iteration. This may miss states: `.complete` is False.

    How many there are, for one excitatory and one inhibitory population with constant noise, leak, hard thresholds and
    Δ = V_F − V_R: with refractory excitatory neurons an odd number. Without, where all four b are positive and neither
    population has a refractory state, N_E → ∞ makes b_IE N_E − b_II N_I = Δ_I N_I, so that the excitatory population
    feels b_eff = b_EE − b_EI b_IE/(Δ_I + b_II): the number is even, or 0, if b_eff > Δ_E, and odd if b_eff < Δ_E. With
    refractory inhibitory neurons N_I stays below 1/τ, and b_EE takes the place of b_eff.

    Parameters
    ----------
    network : Network
        With constant external currents.

    Returns
    -------
    NetworkStates
        A tuple, empty if there is no state. Not looked for: rates above 1e6 without refractory
        state or random threshold; where a0 = 0, rates below 1e-12.

    Raises
    ------
    InvalidArgument
        If an external current depends on time, or a population has no noise at all.

    Source: Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587, section 3; with refractory states ESAIM: Math.
    Model. Numer. Anal. 52 (2018) 1733. The numbers above: degree theory with the limits as N_E → ∞.

    >>> from fokkerplanck.models.network import excitatory_inhibitory
    >>> states = network_states(excitatory_inhibitory(0.5, 0.25, 0.25, 1.0))
    >>> [state.rates.round(9).tolist() for state in states], states.complete, states.proved
    ([[0.128111413, 0.105267521]], True, True)
    >>> len(network_states(excitatory_inhibitory(3.0, 0.75, 0.5, 0.25)))
    0
    """
    if not isinstance(network, Network):
        raise InvalidArgument(
            f"`network` must be a network such as fp.Network([fp.nnlif(b=0.0)], [[0.5]]), not {network!r}."
        )
    check_network(network)
    balance = Balance(network)
    start = _range(balance)
    laws = balance.laws(np.exp(start.low), np.exp(start.high)) if network.lanes <= EXHAUSTIVE else None
    if laws is None:
        return _collected(balance, _looked_for(balance, start), False, False, [])
    result = search(balance, laws, start)
    found: list[tuple[np.ndarray, Box]] = []
    undecided = list(result.undecided)
    for box in result.isolated:
        L = polish(balance, 0.5 * (box.low + box.high))
        if L is None:  # numerical T: the table has a solution that T itself has not
            undecided.append(box)
        elif not any(_same(L, other) or _holds(there, L) for other, there in found):
            found.append((L, box))
    # A box at the edge of one with exactly one solution may have stayed open because of that very solution.
    undecided = [box for box in undecided if not any(_overlap(box, there) for _, there in found)]
    proved = all(law.proved for law in laws)
    return _collected(balance, [L for L, _ in found], not undecided, proved and not undecided, undecided)


def _collected(
    balance: Balance, found: list[np.ndarray], complete: bool, proved: bool, undecided: list[Box]
) -> NetworkStates:
    states = [
        NetworkState(balance.network, L, float(np.max(np.abs(np.expm1(balance.value(L))))))
        for L in sorted(found, key=lambda L: tuple(L))
    ]
    boxes = np.exp(np.array([[box.low, box.high] for box in undecided]).reshape(-1, 2, balance.network.lanes))
    if len(boxes):
        spans = "; ".join(
            ", ".join(f"N_{n} {x:.6g} to {y:.6g}" for n, x, y in zip(balance.network.names, low, high, strict=True))
            for low, high in boxes[:3]
        )
        warnings.warn(
            f"whether there is a stationary state with {spans} is not decided ({len(boxes)} such ranges); two states "
            f"about to merge look like this. Change a parameter a little to see.",
            FokkerPlanckWarning,
            stacklevel=3,
        )
    return NetworkStates(states, complete, proved, boxes)


def _same(L: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all(np.abs(L - other) <= SAME * (1.0 + np.abs(L))))


def _holds(box: Box, L: np.ndarray) -> bool:
    return bool(np.all((box.low <= L) & (box.high >= L)))


def _overlap(box: Box, other: Box) -> bool:
    """Whether they meet, or nearly: where other has a solution at its edge."""
    gap = 1e-6 * (1.0 + np.abs(box.low))
    return bool(np.all((box.low <= other.high + gap) & (other.low <= box.high + gap)))


def _range(balance: Balance) -> Box:
    """log-rates between which all states lie that are looked for.

    The rates that the inputs within a box allow bound the rates further, again and again.
    """
    network = balance.network
    fastest = np.log(FASTEST_DISCRETE)
    shortest = balance.silence + [passage.shortest for passage in balance.passages]
    with np.errstate(divide="ignore"):
        high = np.minimum(fastest, -np.log(shortest)) - np.log(network.time_constants)
    quiet = bool(np.any(balance.a0 == 0.0))
    low = np.full(network.lanes, np.log(QUIETEST) if quiet else -np.inf)
    for _ in range(40):
        with np.errstate(over="ignore", invalid="ignore"):
            (c_low, c_high), (a_low, a_high) = balance.input_bounds(np.exp(low), np.exp(high))
            slowest = _log_total(balance, c_low, a_low, a_high, max)
            fastest_ = _log_total(balance, c_high, a_low, a_high, min)
        new_low = np.maximum(low, -np.log(network.time_constants) - slowest - 1e-9 * (1.0 + np.abs(slowest)))
        new_high = np.minimum(high, -np.log(network.time_constants) - fastest_ + 1e-9 * (1.0 + np.abs(fastest_)))
        done = np.all(new_low <= low + 1e-3) and np.all(new_high >= high - 1e-3)
        low, high = new_low, new_high
        if done:
            break
    return Box(np.minimum(low, high - 1e-6), high)


def _log_total(balance: Balance, c: np.ndarray, a_low: np.ndarray, a_high: np.ndarray, which: object) -> np.ndarray:
    """The largest or least log(ρ + T) at these currents for diffusions between those; T rises or falls with a."""
    values = []
    for k, passage in enumerate(balance.passages):
        row = [float(passage.log_time(c[k], a)) for a in np.linspace(a_low[k], a_high[k], 9 if balance.noisy[k] else 1)]
        margin = 0.0 if len(row) == 1 else 0.5 * (max(row) - min(row))
        extreme = max(row) + margin if which is max else min(row) - margin
        # A numerical T that is given up on is at least this large.
        values.append(extreme if np.isfinite(extreme) else 1e6)
    return np.asarray(np.logaddexp(balance.log_silence, np.array(values)))


def polish(balance: Balance, L: np.ndarray) -> np.ndarray | None:
    """The solution of F = 0 next to L, by damped Newton iteration; None if there is none."""
    L = np.array(L, dtype=float)
    F = balance.value(L)
    error = float(np.abs(F).max())
    for _ in range(60):
        if not np.isfinite(error):
            return None
        try:
            step = np.linalg.solve(balance.jacobian(L), -F)
        except np.linalg.LinAlgError:
            return None
        length = float(np.abs(step).max())
        if not np.isfinite(length):
            return None
        step *= min(1.0, 2.0 / max(length, 1e-300))
        for _ in range(12):
            trial = balance.value(L + step)
            size = float(np.abs(trial).max())
            if size < error:
                break
            step *= 0.5
        if not size < error:
            break
        L, F, error = L + step, trial, size
        if length <= CONVERGED * (1.0 + float(np.abs(L).max())):
            break
    return L if error <= 1e-9 * (1.0 + float(np.abs(L).max())) else None


# -- many populations -------------------------------------------------------------------------------------------


def _looked_for(balance: Balance, reach: Box) -> list[np.ndarray]:
    """States on the curve from the uncoupled network, and those that Newton's iteration finds from many starts."""
    found: list[np.ndarray] = []

    def add(L: np.ndarray | None) -> None:
        if L is not None and not any(_same(L, other) for other in found):
            found.append(L)

    for L in _turned_up(balance):
        add(polish(balance, L))
    low, high = np.maximum(reach.low, SILENT / 4.0), np.maximum(np.minimum(reach.high, np.log(50.0)), SILENT / 4.0 + 1)
    starts = qmc.Sobol(balance.network.lanes, seed=0).random(STARTS)
    for start in low + (high - low) * starts:
        add(polish(balance, start))
    # One population that silences all others: far from the curve and from random starts. The others answer to it.
    for k, loudest in enumerate(high):
        for rate in np.linspace(-1.0, loudest, LOUD):
            alone = np.full(balance.network.lanes, SILENT)
            alone[k] = rate
            answer = alone - balance.value(alone)
            answer[k] = rate
            add(polish(balance, answer))
    return found


def _turned_up(balance: Balance) -> list[np.ndarray]:
    """Where the curve of states in the strength of the coupling, from 0 on, meets the strength 1."""
    network = balance.network
    if np.any(balance.a0 == 0.0):
        return []  # uncoupled, it would have no noise

    def weakened(s: float) -> Balance:
        return balance.coupled(replace_coupling(network, s))

    L = balance.log_silence  # uncoupled: L = −log τ − log(ρ + T)
    c, a = balance.external, balance.a0
    log = np.array([float(p.log_time(c[k], a[k])) for k, p in enumerate(balance.passages)])
    L = -np.log(network.time_constants) - np.logaddexp(balance.log_silence, log)
    curve = Curve(lambda x, s: weakened(s).value(x), lambda x, s: weakened(s).jacobian(x), 1.0)
    point = Point(L, 0.0, curve.tangent(L, 0.0, np.append(np.zeros(len(L)), 1.0)))
    crossings = []
    for new, _ in follow(curve, point, 0.3):
        if (point.p - 1.0) * (new.p - 1.0) <= 0.0 and new.p != point.p:
            share = (1.0 - point.p) / (new.p - point.p)
            crossings.append(point.x + share * (new.x - point.x))
        point = new
        if not -0.5 < point.p < 3.0 or np.any(point.x > np.log(1e4)) or len(crossings) > 20:
            break
    return crossings


def replace_coupling(network: Network, s: float) -> Network:
    """The network with J and noise s times as strong; negative noise is none."""
    return Network(
        network.members, s * network.J, np.maximum(s, 0.0) * network.noise, network.delays, network.time_constants
    )
