"""Steady states of the time-elapsed model, how fast an uncoupled population forgets its start, and a guaranteed rate.

A steady state is n(s) = N S(s; JN), S(s; x) = exp(−∫₀ˢ p(u, x) du), with N ∫ S ds = 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq, minimize_scalar
from scipy.special import lambertw

from .grid import HalfLine
from .interpolation import RateHistory
from .models.elapsed import Hazard, StepHazard, TimeElapsed, as_hazard
from .outcomes import InvalidArgument, finite_number, real_array, whole_number
from .state import State

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SCAN = np.geomspace(1e-6, 1e4, 401)
"""Rates between which steady states are looked for: forty to a decade."""
NEVER = 1e3
"""ln(N ∫ S) where ∫ S is infinite: beyond all that is finite."""
TOUCHING = 1e-12
"""An extremum of N ∫ S − 1 this close to zero is a double solution."""
SMALL_STEP = 1e-5
"""Relative step of the difference quotient in x."""
FREQUENCIES, POINTS = 1500, 1001
"""Of the Nyquist curve (with a hazard in closed form twenty times as many), and ages of its quadrature."""
HIGHEST, WEAK = 20.0, 0.3
"""Frequency up to which that curve is followed, over the largest rate there is, or until a distributed delay has made
the feedback that weak: beyond it has settled."""
MISSED = 1e-6
"""Mass that a grid may miss."""
SEEDS, TURNS = 40, 12.0
"""Of Newton's iterations in each direction of the complex plane; highest frequency, in turns per mean interval."""
CELLS, FINER, CONFIRMED = 400, 4, 1e-4
"""Of the quadrature with which modes are looked for; how much finer the one is that confirms them; and how closely,
relative to 1 + |z|."""
LARGEST_EXPONENT = 500.0
"""e to this can be formed with room to spare."""


@dataclass(frozen=True, eq=False, repr=False)
class ElapsedState:
    """A steady state of the time-elapsed model.

    Attributes
    ----------
    model : TimeElapsed
    rate : float
        N = X.
    residual : float
        N ∫ S ds − 1 as evaluated.
    """

    model: TimeElapsed
    rate: float
    residual: float

    @property
    def input(self) -> float:
        """x = J N."""
        return self.model.input(self.rate)

    def density(self, s: ArrayLike) -> np.ndarray:
        """n at the ages s, in increasing order."""
        return self.rate * self.model.hazard.survival(real_array("s", s), self.input)

    def cell_averages(self, grid: HalfLine) -> np.ndarray:
        """Averages over the cells; of the last one, with all that is older in it."""
        exponent, stay = self.model.hazard.over(grid.faces, self.input)
        reached = np.exp(-np.concatenate([[0.0], np.cumsum(exponent[:-1])]))
        stay[-1] = 1.0 / self.model.hazard.final_rate(self.input)
        return self.rate * reached * stay / grid.width

    def state(self, grid: HalfLine) -> State:
        """The state on a grid, accepted by `fp.solve(model, initial=...)`.

        With a distributed delay its `refractory` is X. It is no mass: for `fp.relative_entropy` of the density alone
        set it to zero.

        Raises
        ------
        InvalidArgument
            If the grid is not one of ages, or too short.
        """
        self.model.check_grid(grid)
        density = self.cell_averages(grid)
        lost = 1.0 - float(density @ grid.width)
        if abs(lost) > MISSED:
            raise InvalidArgument(
                f"`grid` ends at {grid.v_max:g}, where the hazard still changes: a mass of {lost:.2g} is missed; use a "
                f"larger `end`."
            )
        delay = self.model.delay
        history = RateHistory(np.array([-delay, 0.0]), np.full(2, self.rate)) if delay else None
        return State(0.0, grid, density, self.rate, self.rate if self.model.spread else 0.0, history)

    @property
    def response(self) -> float:
        """d/dX of ∫ p(s, JX) n(s) ds at X = N: how much activity one unit of it causes at once.

        Above 1 the equation without delay has no continuous solution near this state.
        """
        if not self.model.couples:
            return 0.0
        return float(np.real(self.model.connectivity * self.rate * self._caused(np.array([np.inf]))[0]))

    @cached_property
    def stable(self) -> bool | None:
        """Whether small perturbations die out; None where that is not resolved.

        They grow like e^{zt} where Δ(z) = 0, Re z > 0:

            Δ(z) = ∫ S e^{−zs} ds − J N K(z) ∫ ∂p/∂x(u) e^{zu} ∫_u^∞ S e^{−zs} ds du,   K = e^{−zd}/(1 + λz).

        Counted by the turns of (1 + z) Δ(z) around 0 along the imaginary axis.
        """
        model = self.model
        if not model.couples:
            return True
        prompt = model.spread == 0.0
        if prompt and (abs(self.response) >= 1.0 if model.delay else self.response >= 1.0):
            return False
        top = HIGHEST * max(self.rate, model.hazard.final_rate(self.input))
        top = max(top, abs(self.response) / (WEAK * model.spread) if model.spread else 0.0)
        closed = isinstance(model.hazard, StepHazard)
        z = 1j * np.linspace(0.0, top, FREQUENCIES * (20 if closed else 1))
        kernel = np.exp(-z * model.delay) / (1.0 + model.spread * z)
        curve = (1.0 + z) * model.hazard.transform(z, self.input, 200)
        curve -= model.connectivity * self.rate * kernel * self._caused(z)
        turn = np.angle(curve[1:] / curve[:-1])
        if np.abs(turn).max() > 1.0 or not curve[0].real:
            return None
        # Half a curve turns half as often; it starts and, but for what the delay turns it by, ends on the real axis.
        turns = round(
            (float(np.sum(turn)) - float(np.angle(curve[-1]))) / math.pi + (0.0 if curve[0].real > 0 else 1.0)
        )
        return turns == 0

    def _caused(self, z: np.ndarray) -> np.ndarray:
        """(1 + z) ∫ ∂p/∂x(u) e^{zu} ∫_u^∞ S e^{−zs} ds du, and its limit ∫ ∂p/∂x S du at infinity."""
        hazard, x = self.model.hazard, self.input
        step = SMALL_STEP * max(abs(x), 1.0)
        finite = np.where(np.isinf(z), 0.0, z)
        if isinstance(hazard, StepHazard):
            slope = (hazard.duration(x + step) - hazard.duration(max(x - step, 0.0))) / (step + min(step, x))
            share = np.where(np.isinf(z), 1.0, (1.0 + finite) / (hazard.height + finite))
            return -hazard.height * slope * share
        ages = np.linspace(0.0, hazard.old_age(x), POINTS)
        survival = hazard.survival(ages, x)
        slope = (hazard(ages, x + step) - hazard(ages, x - step)) / (2.0 * step)
        caused = []
        for frequency, infinite in zip(finite, np.isinf(z), strict=True):
            if infinite:
                caused.append(np.trapezoid(slope * survival, ages))
                continue
            damped = survival * np.exp(-frequency * ages)
            parts = 0.5 * np.diff(ages) * (damped[1:] + damped[:-1])
            older = np.append(np.cumsum(parts[::-1])[::-1], 0.0)
            older += damped[-1] / (hazard.final_rate(x) + frequency)
            caused.append((1.0 + frequency) * np.trapezoid(slope * np.exp(frequency * ages) * older, ages))
        return np.array(caused)

    def plot(self) -> Figure:
        """The density of ages, and the rate."""
        from .plotting.states import figure_of_profile

        return figure_of_profile(self)

    def __repr__(self) -> str:
        verdict = {True: "stable", False: "unstable", None: "stability not resolved"}[self.stable]
        return f"ElapsedState(rate={self.rate:.9g}, {verdict})"


def elapsed_states(model: TimeElapsed) -> tuple[ElapsedState, ...]:
    """All steady states with rates from 1e-6 to 1e4, by increasing rate; see `fp.stationary_states`.

        N ∫_0^∞ exp(−∫_0^s p(u, JN) du) ds = 1;   for p = 1_{s > σ(x)}:   N (1 + σ(JN)) = 1

    A pair closer together than a fortieth of a decade is found if the extremum between it is.

    >>> [round(state.rate, 9) for state in elapsed_states(TimeElapsed(StepHazard(1.0)))]
    [0.5]
    """

    def excess(log_rate: float) -> float:
        rate = math.exp(log_rate)
        interval = float(np.real(model.hazard.transform(0.0, model.input(rate))))
        return log_rate + math.log(interval) if interval < math.inf else NEVER

    nodes = np.log(SCAN) if model.couples else np.log(SCAN[:: len(SCAN) - 1])
    values = np.array([excess(node) for node in nodes])
    turning = np.flatnonzero((np.diff(values)[1:] * np.diff(values)[:-1] < 0.0) & (np.abs(values[1:-1]) < 0.1))
    for i in turning:
        sign = math.copysign(1.0, values[i + 2] - values[i + 1])
        best = minimize_scalar(
            lambda y, sign=sign: sign * excess(y),
            bounds=(nodes[i], nodes[i + 2]),
            method="bounded",
            options={"xatol": 1e-10},
        ).x
        nodes, values = np.append(nodes, best), np.append(values, excess(best))
    order = np.argsort(nodes)
    nodes, values = nodes[order], values[order]
    values[np.abs(values) < TOUCHING] = 0.0
    roots = list(nodes[values == 0.0])
    roots += [
        brentq(excess, nodes[i], nodes[i + 1], xtol=1e-15, rtol=1e-15)
        for i in np.flatnonzero(values[:-1] * values[1:] < 0.0)
    ]
    return tuple(ElapsedState(model, math.exp(root), math.expm1(excess(root))) for root in sorted(roots))


@dataclass(frozen=True)
class DoeblinBound:
    """Whatever the start, n(·, time) holds the share `share` of one and the same density.

    Two solutions of the uncoupled equation then approach each other in L¹ by the factor 1 − share in every `time`, so
    at least like exp(−rate t)/(1 − share).
    """

    time: float
    share: float

    @property
    def rate(self) -> float:
        """−ln(1 − share)/time."""
        return -math.log1p(-self.share) / self.time


def _lasting(hazard: Hazard, x: float) -> Hazard:
    """The hazard, if all neurons fire at last."""
    if hazard.old_age(x) == math.inf:
        raise InvalidArgument(f"`hazard` lets neurons never fire at x = {x:g}; it must be positive at last.")
    return hazard


def doeblin_bound(hazard: Hazard | Callable[[np.ndarray, float], np.ndarray], x: float = 0.0) -> DoeblinBound:
    """A guaranteed rate of convergence of the uncoupled time-elapsed model, the best of its kind.

    At time τ ≥ s*, s* an age from which on p ≥ p_min, at least p_min e^{−p_max τ} fires whatever the ages at the start.
    Of those born since s* the share e^{−p_max s} is still there at time t0:

        n(s, t0) ≥ p_min e^{−p_max t0} for s < t0 − s*,   share = p_min (t0 − s*) e^{−p_max t0};

    for p = h 1_{s > σ} those that are younger than σ are safe, so that share = e^{−hσ} − e^{−h t0} for σ ≤ t0 ≤ 2σ, and
    e^{−h(t0 − σ)} (1 + h(t0 − 2σ)) − e^{−h t0} later. The best t0 (and s*) is taken. p_min and p_max of other laws are
    taken over 4001 ages up to one that hardly a neuron reaches.

    Parameters
    ----------
    hazard : Hazard or callable
        A law, or a function p(s, x) of an array of ages and one input.
    x : float
        The input at which it is frozen.

    Source: Cañizo, Yoldaş, Nonlinearity 32 (2019) 464, where t0 = 2 s*.

    >>> bound = doeblin_bound(StepHazard(1.0))
    >>> 0.1 < bound.rate < 0.3
    True
    """
    x = finite_number("x", x)
    hazard = _lasting(as_hazard(hazard), x)
    if isinstance(hazard, StepHazard) and hazard.duration(x) > 0.0:
        height, sigma = hazard.height, hazard.duration(x)

        def share(time: float) -> float:
            # Born later than σ ago: all of them are there. Born before: they have been exposed since.
            young = math.exp(-height * max(time - sigma, sigma)) - math.exp(-height * time)
            return young + height * max(time - 2.0 * sigma, 0.0) * math.exp(-height * (time - sigma))

        return _best(share, sigma, sigma + 1.0 / height)
    ages = np.linspace(0.0, hazard.old_age(x), 4001)
    p = hazard(ages, x)
    largest, least = float(p.max()), np.minimum.accumulate(p[::-1])[::-1]

    def share_from(k: int) -> Callable[[float], float]:
        return lambda time: float(least[k] * (time - ages[k]) * math.exp(-largest * time))

    starts = [k for k in range(0, len(ages), 40) if least[k] > 0.0]
    bounds = [_best(share_from(k), float(ages[k]), 1.0 / largest) for k in starts]
    return max(bounds, key=lambda bound: bound.rate)


def _best(share: Callable[[float], float], earliest: float, scale: float) -> DoeblinBound:
    """The bound with the largest rate, over times after `earliest`."""
    times = earliest + scale * np.geomspace(1e-3, 1e2, 401)
    rates = [-math.log1p(-share(time)) / time for time in times]
    k = int(np.argmax(rates))
    low, high = times[max(k - 1, 0)], times[min(k + 1, len(times) - 1)]
    best = float(minimize_scalar(lambda t: math.log1p(-share(t)) / t, bounds=(low, high), method="bounded").x)
    return DoeblinBound(best, share(best))


def renewal_modes(
    hazard: Hazard | Callable[[np.ndarray, float], np.ndarray], x: float = 0.0, count: int = 3
) -> np.ndarray:
    """How the rate of an uncoupled population relaxes: the z ≠ 0 with 1 = ∫ f(s) e^{−zs} ds, f = p S.

    Largest Re z first. Equivalently ∫ S e^{−zs} ds = 0. N(t) − N∞ holds terms e^{zt} of them; the L¹ distance of the
    density decays like the slower of the first of them and e^{−p(∞) t}, the rate at which the oldest ages die out.

    Parameters
    ----------
    hazard : Hazard or callable
        A law, or a function p(s, x) of an array of ages and one input.
    x : float
        The input at which it is frozen.
    count : int
        How many with Im z ≥ 0 at most; each complex one comes with its conjugate, which is left out.

    Returns
    -------
    array of complex
        For `fp.StepHazard` z = −h + W_k(hσ e^{hσ})/σ in closed form, k = 1, 2, …. For others those with Re z > −p(∞)
        and Im z up to twelve times 2π over the mean interval that a finer quadrature confirms, of which there may be
        fewer, or none (as for a function with a jump). Their real parts are negative.

    >>> mode = renewal_modes(StepHazard(3.0))[0]
    >>> bool(abs(mode + 1.0 - np.exp(-3.0 * mode)) < 1e-12)
    True
    """
    hazard = _lasting(as_hazard(hazard), finite_number("x", x))
    count, x = whole_number("count", count, 1), finite_number("x", x)
    if isinstance(hazard, StepHazard):
        sigma, height = hazard.duration(x), hazard.height
        if sigma == 0.0:
            return np.empty(0, dtype=complex)
        k = np.arange(1, count + 1)
        return np.asarray(-height + _lambert_of_exp(math.log(height * sigma) + height * sigma, k) / sigma)
    deepest, mean = hazard.final_rate(x), float(np.real(hazard.transform(0.0, x)))
    real = -deepest * np.linspace(0.0, 0.98, SEEDS)
    seeds = np.add.outer(real, 2j * math.pi / mean * np.linspace(0.0, TURNS, 3 * SEEDS))
    size, transform = np.abs(hazard.transform(seeds, x, 200)), hazard.transformed(x, CELLS)
    finer, highest = hazard.transformed(x, FINER * CELLS), 2.0 * math.pi / mean * (TURNS + 0.5)
    inner = np.pad(size, 1, constant_values=np.inf)
    neighbours = [
        inner[1 + i : inner.shape[0] - 1 + i, 1 + j : inner.shape[1] - 1 + j] for i in (-1, 0, 1) for j in (-1, 0, 1)
    ]
    found: list[complex] = []
    for z in seeds[size <= np.min(neighbours, axis=0)]:
        coarse = _newton(transform, -deepest, highest, complex(z))
        root = None if coarse is None else _newton(finer, -deepest, highest, coarse)
        if coarse is None or root is None or abs(root - coarse) > CONFIRMED * (1.0 + abs(root)):
            continue
        # |∫ S e^{−zs} ds| for Re z ≥ 0 has no zero, since S decreases.
        if root.real >= 0.0 or root.imag < -1e-9:
            continue
        if all(abs(root - other) > 1e-6 * (1.0 + abs(root)) for other in found):
            found.append(root)
    return np.array(sorted(found, key=lambda z: -z.real)[:count], dtype=complex)


def _lambert_of_exp(y: float, k: np.ndarray) -> np.ndarray:
    """W_k(e^y), also where e^y overflows: w + ln w = y + 2πik."""
    if y < LARGEST_EXPONENT:
        return np.asarray(lambertw(math.exp(y), k))
    target = y + 2j * math.pi * k
    w = target - np.log(target)
    for _ in range(6):  # of Newton's method: w is large, the equation nearly linear
        w -= (w + np.log(w) - target) * w / (1.0 + w)
    return np.asarray(w)


def _newton(
    transform: Callable[[np.ndarray], np.ndarray], leftmost: float, highest: float, z: complex
) -> complex | None:
    """The zero of the transform near z, with a larger real part than `leftmost` and |Im z| up to `highest`."""
    for _ in range(50):
        h = 1e-5 * (1.0 + abs(z))
        low, here, high = transform(np.array([z - h, z, z + h]))
        step = complex(here * 2.0 * h / (high - low))
        z -= step
        # Far to the right or up there is nothing, but e^{−zs} beyond what the quadrature resolves.
        if not (leftmost < z.real < -leftmost and abs(z.imag) <= highest):
            return None
        if abs(step) < 1e-13 * (1.0 + abs(z)):
            return z
    return z if abs(step) < 1e-9 * (1.0 + abs(z)) else None
