"""Learning networks in quasi-static equilibrium: what a connectivity puts out, and which connectivity is learned.

When the weights change slowly, the neurons of every weight w are in equilibrium with their input, and everything
follows from the rate r(c) = 1/(τ + T(c)) of one neuron, T the mean time from V_R to V_F under the input c:

    N(w) = C(w) r(I(w) + w σ(N̄)),   N̄ = ∫ N dw.

Here are the theorems of Perthame, Salort and Wainrib (2017) made numbers, by quadrature only. C counts all neurons of
the weight w, silent ones included.

Every unknown scalar is found by excluding intervals: as T falls and σ does not fall with their arguments, the equation
has an upper and a lower bound on any interval, and what is left over when all intervals are excluded on which the
bounds have the same sign shrinks to the solutions. None of them can hide between points of a scan.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar

from .meanfield.passage import closed_passage_of
from .models.learning import Learning
from .models.population import Population, require_population
from .outcomes import InvalidArgument, real_array

Function = Callable[[float], float]
Bounds = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]

FASTEST = 1e6
"""Total rates beyond this one, which only excitatory networks without refractory state or saturation can have, are not
looked for."""
RESOLUTION, CLOSELY = 2.0**-16, 65
"""Width in log x at which intervals that cannot be excluded are put together, and the number of points at which each
such cluster is looked at; around a nearly double solution it is about 0.01 wide."""
TOUCHING = 1e-12
"""An extremum this close to zero is a double solution, to rounding."""
MANY = 20_000
"""More intervals than this left at once mean that the equation is zero to rounding on a whole interval."""
PIECES, NODES = 24, np.polynomial.legendre.leggauss(16)
"""Quadrature over the weights from 0 to w*: that many equal pieces with as many Gauss nodes."""


# -- one neuron -------------------------------------------------------------------------------------------------


def firing_rate(neuron: Population, c: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """The rate r(c) = 1/(τ + T(c, a)) of a neuron under the input c, and its derivative r'(c) > 0.

    Parameters
    ----------
    neuron : Population
        With the leak and a hard or random threshold, such as the `neuron` of a learning network; its noise is a0, its
        own connectivity and external current play no role.
    c : array
        Inputs (dimensionless).

    Returns
    -------
    rate, slope : array
        Of the shape of c; 0 where they are below the smallest double.

    Raises
    ------
    InvalidArgument
        If the mean time from reset to spike is not known in closed form, or there is no noise.

    >>> from fokkerplanck import nnlif
    >>> rate, slope = firing_rate(nnlif(b=0.0), 0.0)
    >>> round(float(rate), 12), round(float(slope), 6)
    (0.119975965239, 0.21049)
    """
    passage = closed_passage_of(require_population(neuron), "the slope of the rate is known")
    jet = passage.jet(c, neuron.noise.a0)
    tau = neuron.refractory.mean_duration
    with np.errstate(over="ignore", under="ignore"):
        time = np.exp(jet.log)
        rate = 1.0 / (tau + time)
        # −T'/(τ + T)², and 1/(τ + T) times the share of T in it does not overflow.
        share = 1.0 / (1.0 + tau * np.exp(-jet.log))
        return np.asarray(rate), np.asarray(-jet.c * share * rate)


def _cycle(model: Learning, c: np.ndarray) -> np.ndarray:
    """τ + T(c), the mean time between two spikes; infinite beyond the largest double."""
    log_time = closed_passage_of(model.neuron, "the mean time between spikes is known").log_time(
        c, model.neuron.noise.a0
    )
    with np.errstate(over="ignore"):
        return np.asarray(model.neuron.refractory.mean_duration + np.exp(log_time))


def _rate(model: Learning, c: np.ndarray) -> np.ndarray:
    return 1.0 / _cycle(model, c)


# -- what a connectivity puts out -------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class FrozenState:
    """Rates of a network whose weights stand still.

    Attributes
    ----------
    model : Learning
    C : array, shape (lanes,)
        Connectivity.
    N : array, shape (lanes,)
        Rates N(w), a density in w.
    total : float
        N̄ = ∫ N dw.
    """

    model: Learning
    C: np.ndarray
    N: np.ndarray
    total: float

    def __repr__(self) -> str:
        return f"FrozenState(N̄ = {self.total:.12g}, {self.model.lanes} lanes)"


def frozen_rates(model: Learning, C: ArrayLike) -> tuple[FrozenState, ...]:
    """The rates of a network with the connectivity C, by increasing N̄.

        N(w) = C(w) r(I(w) + w σ(N̄)),   N̄ = ∫ C r(I + w σ(N̄)) dw

    There is exactly one solution if C lives on w ≤ 0, and there may be none or several if it does not.

    Parameters
    ----------
    model : Learning
        Its signal, saturation, neuron and lanes; integrals over w are sums over the lanes (midpoint rule). σ must not
        decrease.
    C : array, shape (lanes,)
        Connectivity, not negative, of any mass.

    Returns
    -------
    tuple of FrozenState
        All solutions with N̄ ≤ 10⁶.

    Raises
    ------
    InvalidArgument
        If C is negative somewhere or of another shape, or σ decreases.

    Source: Perthame, Salort, Wainrib (2017), section 3.

    >>> from fokkerplanck.models.learning import learning
    >>> model = learning(weights=(-1.0, 0.0), lanes=100, signal=1.0)
    >>> state, = frozen_rates(model, np.ones(100))
    >>> round(state.total, 4)
    0.3868
    """
    C = _connectivity_on(model, C)
    _require_rising(model, FASTEST)
    positive, mass = model.w > 0.0, C * model.dw

    def output(total: np.ndarray, part: np.ndarray) -> np.ndarray:
        c = model.external[part] + model.w[part] * model.saturation(total)[:, None]
        return _rate(model, c) @ mass[part]

    def bounds(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        least = output(low, positive) + output(high, ~positive) - high
        return least, output(high, positive) + output(low, ~positive) - low

    def excess(total: float) -> float:
        at = np.array([total])
        return float((output(at, positive) + output(at, ~positive) - at)[0])

    quiet = float(output(np.zeros(1), positive | ~positive)[0])
    if quiet == 0.0:
        totals = [0.0]
    else:
        # The lanes that inhibit only fire less than now: without the others N̄ cannot exceed what it is at silence.
        top = 2.0 * quiet if not np.any(mass[positive]) else FASTEST
        totals = _zeros_in_logarithm(excess, bounds, min(1e-300, quiet), top)
    return tuple(_frozen(model, C, total) for total in totals)


def _frozen(model: Learning, C: np.ndarray, total: float) -> FrozenState:
    c = model.external + model.w * model.saturation(np.array(total))
    return FrozenState(model, C, C * _rate(model, c), total)


# -- representation ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class Representation:
    """A connectivity of mass 1 whose output has a given shape.

    Attributes
    ----------
    scale : float
        κ with N = κ N_target.
    total : float
        N̄.
    N, C : array, shape (lanes,)
        Rates and connectivity.
    """

    scale: float
    total: float
    N: np.ndarray
    C: np.ndarray

    def __repr__(self) -> str:
        return f"Representation(κ = {self.scale:.12g}, N̄ = {self.total:.12g})"


def representing_connectivity(
    model: Learning, target: Callable[[np.ndarray], np.ndarray] | ArrayLike
) -> tuple[Representation, ...]:
    """The connectivities of mass 1 whose output is proportional to a given function of w.

        C(w) = κ N_target(w) (τ + T(I(w) + w σ(κ ∫ N_target dw))),   ∫ C dw = 1

    For every output there is a connectivity; its mass fixes the scale κ. If N_target lives on w ≤ 0 the mass increases
    with κ from 0 to infinity, so that there is exactly one.

    Parameters
    ----------
    model : Learning
        Its signal, saturation, neuron and lanes; integrals over w are sums over the lanes (midpoint rule). σ must not
        decrease.
    target : callable or array, shape (lanes,)
        N_target(w) ≥ 0.

    Returns
    -------
    tuple of Representation
        All by increasing κ, with N̄ ≤ 10⁶; empty if there is none.

    Raises
    ------
    InvalidArgument
        If the target is negative somewhere, zero everywhere or of another shape, or σ decreases.

    Source: Perthame, Salort, Wainrib (2017), theorem on representation.

    >>> from fokkerplanck.models.learning import learning
    >>> model = learning(weights=(-1.0, 0.0), lanes=2000, signal=1.0)
    >>> representing_connectivity(model, lambda w: np.exp(-((w + 0.5) ** 2) / 0.02))
    (Representation(κ = 1.53535743502, N̄ = 0.384856815195),)
    """
    shape = _density_on(model, "target", target(model.w) if callable(target) else target)
    content = float(shape.sum() * model.dw)
    if not content > 0.0:
        raise InvalidArgument("`target` is zero for every weight; an output needs somebody who fires.")
    _require_rising(model, FASTEST)
    unit, positive = shape / content * model.dw, model.w > 0.0

    def cycle(total: np.ndarray, part: np.ndarray) -> np.ndarray:
        c = model.external[part] + model.w[part] * model.saturation(total)[:, None]
        # A lane without output needs no neurons, however rarely they would fire.
        with np.errstate(invalid="ignore"):
            return np.where(unit[part] > 0.0, _cycle(model, c) * unit[part], 0.0).sum(axis=1)

    def bounds(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        least = low * (cycle(high, positive) + cycle(low, ~positive)) - 1.0
        return least, high * (cycle(low, positive) + cycle(high, ~positive)) - 1.0

    def excess(total: float) -> float:
        at = np.array([total])
        return float((at * (cycle(at, positive) + cycle(at, ~positive)) - 1.0)[0])

    totals = _zeros_in_logarithm(excess, bounds, 1e-300, FASTEST)
    found = []
    for total in totals:
        N = total / content * shape
        c = model.external + model.w * model.saturation(np.array(total))
        with np.errstate(invalid="ignore"):
            C = np.where(N > 0.0, N * _cycle(model, c), 0.0)
        found.append(Representation(total / content, total, N, C))
    return tuple(found)


# -- discrimination ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Discrimination:
    """Both sides of ∫ |N_I − N_J| dw ≥ c ∫ L C |I − J| dw.

    Attributes
    ----------
    outputs : float
        ∫ |N_I − N_J| dw.
    signals : float
        ∫ L C |I − J| dw.
    constant : float
        c of the proof, positive.
    rounding : float
        By how much rounding may change `outputs`.
    """

    outputs: float
    signals: float
    constant: float
    rounding: float

    @property
    def holds(self) -> bool:
        """Whether the inequality does, up to rounding."""
        return self.outputs + self.rounding >= self.constant * self.signals


def discrimination(
    one: Learning, other: Learning, C: ArrayLike, weight: Callable[[np.ndarray], np.ndarray] | None = None
) -> Discrimination:
    """How well a network with the connectivity C tells two signals apart: both sides of the inequality.

        ∫ |N_I − N_J| dw ≥ c ∫ L C |I − J| dw,   1/c = sup L/ρ + Λ ∫ L C |w| dw

    ρ is the smallest r' over the inputs that occur and Λ the Lipschitz constant of σ over the rates that occur; for
    r(I + wσ(N̄_I)) − r(J + wσ(N̄_J)) is at least ρ |I − J| − ρ |w| Λ |N̄_I − N̄_J|. ρ is bounded from below by the
    monotony of T and T', not sampled.

    Parameters
    ----------
    one, other : Learning
        Networks that differ in their signal only.
    C : array, shape (lanes,)
        Connectivity, not negative.
    weight : callable, optional
        L(w) ≥ 0, bounded; 1 unless it is given.

    Raises
    ------
    InvalidArgument
        If the networks differ in more than their signals, one of them has no quasi-static state, or C or L is negative.

    Source: Perthame, Salort, Wainrib (2017), theorem on discrimination.

    >>> from fokkerplanck.models.learning import learning
    >>> one, other = (learning(lanes=50, signal=signal) for signal in (0.5, 1.0))
    >>> discrimination(one, other, np.ones(50)).holds
    True
    """
    for name in ("neuron", "w_min", "w_max", "lanes", "saturation"):
        if getattr(one, name) != getattr(other, name):
            raise InvalidArgument(
                f"`one` and `other` must differ in their `signal` only, but `{name}` differs as well."
            )
    C = _connectivity_on(one, C)
    L = np.ones(one.lanes) if weight is None else _density_on(one, "weight", weight(one.w))
    states = []
    for name, model in (("one", one), ("other", other)):
        found = frozen_rates(model, C)
        if not found:
            raise InvalidArgument(f"`{name}` has no quasi-static state with this connectivity.")
        states.append(found[0])
    occupied = C > 0.0
    inputs = [s.model.external + s.model.w * s.model.saturation(np.array(s.total)) for s in states]
    rho = _least_slope(one.neuron, min(c[occupied].min() for c in inputs), max(c[occupied].max() for c in inputs))
    low, high = sorted(s.total for s in states)
    steepest = float(np.max(np.abs(one.saturation.slope(np.linspace(0.0, high, 1001)))))
    if high > low:  # the slope that the proof really uses
        rise = one.saturation(np.array([low, high]))
        steepest = max(steepest, abs(float(rise[1] - rise[0])) / (high - low))
    constant = 1.0 / (float(L[occupied].max()) / rho + steepest * float((L * C * np.abs(one.w)).sum() * one.dw))
    outputs = float(np.abs(states[0].N - states[1].N).sum() * one.dw)
    signals = float((L * C * np.abs(one.external - other.external)).sum() * one.dw)
    return Discrimination(outputs, signals, constant, 1e-11 * (low + high))


def _least_slope(neuron: Population, low: float, high: float) -> float:
    """A lower bound of r' = −T'/(τ + T)² on [low, high], sharp to a few percent: T and −T' both fall with c."""
    edges = np.linspace(low, high, 401)
    rate, slope = firing_rate(neuron, edges)
    with np.errstate(divide="ignore", invalid="ignore"):
        bound = (slope / rate**2)[1:] * rate[:-1] ** 2
    return float(np.min(np.where(np.isfinite(bound), bound, 0.0))) if high > low else float(slope[0])


# -- the learned connectivity -----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False, repr=False)
class LearnedState:
    """A connectivity that the learning rule leaves as it is, on the weights between 0 and w*.

    Attributes
    ----------
    model : Learning
    edge : float
        w*, where the connectivity jumps to zero.
    total : float
        N̄.
    residual : float
        Mass of C minus 1, as evaluated.
    """

    model: Learning
    edge: float
    total: float
    residual: float

    def rate(self, w: ArrayLike) -> np.ndarray:
        """N(w) = w/(K(w) N̄) between 0 and w*, zero elsewhere."""
        w = np.asarray(w, dtype=float)
        inside = (w * np.sign(self.edge) > 0.0) & (np.abs(w) <= abs(self.edge))
        out = np.zeros(w.shape)
        out[inside] = w[inside] / (self.model.rule_at(w[inside]) * self.total)
        return out

    def connectivity(self, w: ArrayLike) -> np.ndarray:
        """C(w) = N(w) (τ + T(I(w) + w σ(N̄)))."""
        w, N = np.asarray(w, dtype=float), self.rate(w)
        inside, out = N > 0.0, np.zeros(np.shape(w))
        c = self.model.signal_at(w[inside]) + w[inside] * self.model.saturation(np.array(self.total))
        out[inside] = N[inside] * _cycle(self.model, c)
        return out

    def lane_averages(self) -> np.ndarray:
        """Averages of C over the lanes of the model, shape (lanes,), also in the lane that w* divides."""
        model, out = self.model, np.zeros(self.model.lanes)
        low = np.clip(model.w_faces[:-1], min(self.edge, 0.0), max(self.edge, 0.0))
        high = np.clip(model.w_faces[1:], min(self.edge, 0.0), max(self.edge, 0.0))
        nodes, weights = np.polynomial.legendre.leggauss(6)
        part = high > low
        middle, half = 0.5 * (low + high)[part, None], 0.5 * (high - low)[part, None]
        out[part] = (self.connectivity(middle + half * nodes) * half) @ weights / model.dw
        return out

    def __repr__(self) -> str:
        return f"LearnedState(w* = {self.edge:.12g}, N̄ = {self.total:.12g}, residual {self.residual:.0e})"


def learned_connectivity(model: Learning) -> tuple[LearnedState, ...]:
    """The connectivities that Hebbian learning leads to, by increasing |w*|.

        N = w/(K N̄),   C = N (τ + T(I + w σ(N̄)))   between 0 and w*,
        N̄² = ∫ (w/K) |dw|,   ∫ (w/K) (τ + T(I + w σ(N̄))) |dw| = N̄   (integrals between 0 and w*)

    Nothing moves where w = Φ = K N N̄; that the neurons fill one interval from 0 to w* is selected by vanishing noise in
    w: the slow equation C_s + ((K N̄ r C − w) C)_w = 0 is of Burgers' type, and its entropy solution ends with a shock
    at w*, whose sign is that of K. If that is negative (inhibitory learning) and σ does not decrease there is exactly
    one solution, within [w_min, w_max] at most one. If it is positive there are none, one or several.

    Parameters
    ----------
    model : Learning
        Its neuron, signal, rule, saturation and the ends of its weights, which bound the search; not its lanes.

    Returns
    -------
    tuple of LearnedState

    Raises
    ------
    InvalidArgument
        If K changes sign or vanishes between 0 and the end of the weights on its side, there are no weights on that
        side, or σ decreases.

    Source: Perthame, Salort, Wainrib (2017), theorem on the connectivity arising from a learning rule.

    >>> from fokkerplanck.models.learning import learning
    >>> learned_connectivity(learning(weights=(-1.5, 0.0), signal=1.0, rule=-1.0))  # doctest: +ELLIPSIS
    (LearnedState(w* = -0.569183283408, N̄ = 0.402473359436, residual ...),)
    """
    if not model.w_min <= 0.0 <= model.w_max:
        raise InvalidArgument(
            f"`weights` from {model.w_min:g} to {model.w_max:g} leave out 0, from where what is learned reaches to w*; "
            f"use an interval that contains it."
        )
    side = _side(model)
    reach = abs(model.w_max if side > 0.0 else model.w_min)
    nodes, weights = NODES

    def quadrature(edge: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weights w between 0 and each edge, the part of |dw| of each, and w/K there; shape (edges, points)."""
        fractions = (np.arange(PIECES)[:, None] + 0.5 + 0.5 * nodes).ravel() / PIECES
        s = edge[:, None] * fractions
        parts = edge[:, None] * np.tile(0.5 * weights, PIECES) / PIECES
        return side * s, parts, s / np.abs(model.rule_at(side * s))

    def filled(edge: np.ndarray, total: np.ndarray) -> np.ndarray:
        w, parts, ratio = quadrature(edge)
        c = model.signal_at(w) + w * model.saturation(total)[:, None]
        return (parts * ratio * _cycle(model, c)).sum(axis=1)

    def total_of(edge: np.ndarray) -> np.ndarray:
        _, parts, ratio = quadrature(edge)
        return np.sqrt((parts * ratio).sum(axis=1))

    def bounds(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        # Both sides over N̄; T is longest where the current of the network is weakest.
        first, last = total_of(low), total_of(high)
        fast, slow = (last, first) if side > 0.0 else (first, last)
        with np.errstate(invalid="ignore", divide="ignore"):
            return filled(low, fast) / last - 1.0, filled(high, slow) / first - 1.0

    def excess(edge: float) -> float:
        at = np.array([edge])
        total = total_of(at)
        return float((filled(at, total) / total - 1.0)[0])

    _require_rising(model, float(total_of(np.array([reach]))[0]))
    edges = _zeros_in_logarithm(excess, bounds, 1e-12 * reach, reach)
    return tuple(LearnedState(model, side * s, float(total_of(np.array([s]))[0]), excess(s)) for s in edges)


def _side(model: Learning) -> float:
    """The sign of K, and so of the weights that are learned."""
    sides = [side for side, end in ((-1.0, -model.w_min), (1.0, model.w_max)) if end > 0.0]
    found = []
    for side in sides:
        end = model.w_max if side > 0.0 else -model.w_min
        K = model.rule_at(side * np.linspace(0.0, end, 2001)[1:])
        if np.all(side * K > 0.0):
            found.append(side)
        elif np.any(side * K >= 0.0):
            raise InvalidArgument(
                f"`rule` changes sign or vanishes on the {'positive' if side > 0 else 'negative'} weights; a learned "
                f"connectivity on one interval needs a sign of its own."
            )
    if not found:
        raise InvalidArgument("`rule` must have the sign of the weights it is to keep; widen the interval `weights`.")
    if len(found) == 2:
        raise InvalidArgument("`rule` keeps weights of both signs; give the `weights` of one sign only.")
    return found[0]


# -- solutions that cannot hide ---------------------------------------------------------------------------------


def _zeros_in_logarithm(f: Function, bounds: Bounds, low: float, high: float) -> list[float]:
    """All zeros of f in [low, high], 0 < low, by halving intervals of log x.

    `bounds` gives a lower and an upper bound of f on intervals [x, y]. What is excluded has bounds of one sign.
    """
    left, right = np.array([np.log(low)]), np.array([np.log(high)])
    finest = RESOLUTION
    while len(left) and float(np.max(right - left)) > finest:
        middle = 0.5 * (left + right)
        left, right = np.concatenate([left, middle]), np.concatenate([middle, right])
        least, most = bounds(np.exp(left), np.exp(right))
        keep = ~((least > 0.0) | (most < 0.0))  # bounds that are no numbers exclude nothing
        left, right = left[keep], right[keep]
        if len(left) > MANY:
            raise InvalidArgument("the equation for the total rate is zero to rounding on a whole interval of rates.")
    if not len(left):
        return []
    order = np.argsort(left)
    left, right = left[order], right[order]
    new = np.concatenate([[True], left[1:] > right[:-1] + 0.1 * finest])
    starts, ends = left[new], right[np.append(np.flatnonzero(new)[1:] - 1, len(right) - 1)]

    def g(L: float) -> float:
        return f(float(np.exp(L)))

    found: list[float] = []
    for a, b in zip(starts, ends, strict=True):
        found.extend(float(np.exp(L)) for L in _zeros_between(g, float(a), float(b)))
    return found


def _zeros_between(g: Function, a: float, b: float) -> list[float]:
    """The zeros of g between two points close to each other, a double one once."""
    x = np.linspace(a, b, CLOSELY)
    values = np.array([g(float(z)) for z in x])
    for i in range(1, CLOSELY - 1):  # a pair may hide at an extremum, on the side of zero where g is not
        sign = np.sign(values[i])
        if sign and np.all(sign * values[i - 1 : i + 2] > 0.0) and abs(values[i]) <= min(abs(values[[i - 1, i + 1]])):
            best = minimize_scalar(
                lambda z, sign=sign: sign * g(z),
                bounds=(x[i - 1], x[i + 1]),
                method="bounded",
                options={"xatol": 1e-12},
            ).x
            at = g(float(best))
            x[i], values[i] = best, 0.0 if abs(at) <= TOUCHING else at
    crossed = np.flatnonzero(values[:-1] * values[1:] < 0.0)
    found = [float(z) for z in x[values == 0.0]]
    return sorted(found + [brentq(g, x[i], x[i + 1], xtol=1e-15, rtol=1e-15) for i in crossed])


def _require_rising(model: Learning, highest: float) -> None:
    values = model.saturation(np.concatenate([[0.0], np.geomspace(1e-6, highest, 2000)]))
    if np.any(np.diff(values) < -1e-12 * np.max(np.abs(values))):
        raise InvalidArgument("`saturation` decreases somewhere; the solutions are isolated for a rising σ only.")


def _connectivity_on(model: Learning, C: ArrayLike) -> np.ndarray:
    values = _density_on(model, "C", C)
    if not np.any(values > 0.0):
        raise InvalidArgument("`C` is zero for every weight; a network needs neurons.")
    return values


def _density_on(model: Learning, name: str, values: ArrayLike) -> np.ndarray:
    array = real_array(name, values)
    if array.shape != (model.lanes,):
        raise InvalidArgument(f"`{name}` has shape {array.shape}, but the model has {model.lanes} lanes.")
    if not np.all(np.isfinite(array)) or np.any(array < 0.0):
        raise InvalidArgument(f"`{name}` must be finite and not negative for every weight.")
    return array
