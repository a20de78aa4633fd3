"""The equations that stationary rates of a network solve, their derivatives, and bounds of both over whole boxes.

In L_α = log N_α, with T the mean time from reset to spike under the input of the population, in its own time,

    F_α(L) = L_α + log τ_α + log(ρ_α + T_α(c_α, a_α)) = 0,
    c_α = I_α + τ_α Σ_β J_αβ N_β,   a_α = a0_α + τ_α Σ_β a1_αβ N_β,   ρ_α the mean refractory time,
    ∂F_α/∂L_β = δ_αβ + τ_α N_β (J_αβ ∂log T/∂c + a1_αβ ∂log T/∂a) T/(ρ_α + T).

For the leak and the hard threshold T is a Laplace integral with moments m_k > 0 (`meanfield.firstpassage`), ∂log T/∂c =
−m_1/m_0 and ∂log T/∂a = −m_2/(2 m_0). Both ratios fall with c and with a: the derivative of m_1/m_0 by c is −(m_2 m_0 −
m_1²)/m_0² ≤ 0 by Cauchy and Schwarz, and the others are minus the covariances of σ and σ², of σ² and itself under the
weight of m_0, which are positive because both increase. So the extremes of T and of its logarithmic derivatives over a
box of rates are taken at two corners of the box of inputs, and nothing has to be guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple, Protocol

import numpy as np
from scipy.interpolate import CubicSpline

from ..meanfield.passage import Discrete, LeakyHard, Passage, SmoothPassage, passage_of
from ..models.coupling import MeanFieldCoupling
from ..models.network import Network
from ..models.noise import ActivityNoise
from ..models.population import Population
from ..models.refractory import NoRefractory
from ..outcomes import InvalidArgument

WIDENED = 0.5
"""Derivatives whose extremes are not known are sampled, and their range is widened by this share on each side."""
TABLE_STEP = 0.08
"""Steps of a numerical passage time's table, in asinh((c − V_F)/√a)."""
SLOWEST = 590.0
"""log T up to which a numerical passage time is tabulated."""


class Slopes(NamedTuple):
    """log T and its derivatives by the input c and the diffusion a."""

    log: np.ndarray
    by_c: np.ndarray
    by_a: np.ndarray


class Law(Protocol):
    """The passage time of one population; `proved` if `bounds` is known to hold."""

    proved: bool

    def slopes(self, c: np.ndarray, a: np.ndarray) -> Slopes: ...

    def bounds(self, c: tuple[np.ndarray, np.ndarray], a: tuple[np.ndarray, np.ndarray]) -> tuple[Slopes, Slopes]:
        """Least and largest values over c[0] ≤ c ≤ c[1], a[0] ≤ a ≤ a[1]."""
        ...


@dataclass(frozen=True)
class Known:
    """A passage time with its derivatives."""

    passage: SmoothPassage

    def slopes(self, c: np.ndarray, a: np.ndarray) -> Slopes:
        jet = self.passage.jet(c, a)
        return Slopes(jet.log, jet.c, jet.a)


@dataclass(frozen=True)
class Monotone(Known):
    """Leak and hard threshold: every quantity has its extremes at the corners (see above)."""

    proved = True

    def bounds(self, c: tuple[np.ndarray, np.ndarray], a: tuple[np.ndarray, np.ndarray]) -> tuple[Slopes, Slopes]:
        slow, fast = self.slopes(c[0], a[0]), self.slopes(c[1], a[1])
        return Slopes(fast.log, slow.by_c, slow.by_a), Slopes(slow.log, fast.by_c, fast.by_a)


@dataclass(frozen=True)
class Sampled(Known):
    """T falls with c; of its derivatives, and of how it follows a, the extremes are taken from samples and widened."""

    proved = False

    def bounds(self, c: tuple[np.ndarray, np.ndarray], a: tuple[np.ndarray, np.ndarray]) -> tuple[Slopes, Slopes]:
        constant = bool(np.all(a[0] == a[1]))
        rows = [0.0] if constant else [0.0, 0.5, 1.0]
        found = [
            self.slopes(c[0] + x * (c[1] - c[0]), a[0] + y * (a[1] - a[0])) for x in (0.0, 0.25, 0.5, 0.75, 1.0)
            for y in rows
        ]  # fmt: skip
        low, high = (Slopes(*(take(x, axis=0) for x in zip(*found, strict=True))) for take in (np.min, np.max))
        margin = [WIDENED * (y - x) for x, y in zip(low, high, strict=True)]
        if constant:
            margin[0] = np.zeros_like(margin[0])
        return (
            Slopes(*(x - m for x, m in zip(low, margin, strict=True))),
            Slopes(*(x + m for x, m in zip(high, margin, strict=True))),
        )


@dataclass(frozen=True)
class Tabulated(Sampled):
    """A numerical T at one diffusion: a spline through log T, in the coordinate in which it bends evenly.

    Roots are found with it and then polished with T itself.
    """

    model: Population
    a: float
    reach: tuple[float, float]

    @cached_property
    def _spline(self) -> CubicSpline:
        low, high = self._coordinate(np.array(self.reach))
        y = np.linspace(low, high, max(8, int(np.ceil((high - low) / TABLE_STEP))))
        c = self.model.V_F + np.sqrt(self.a) * np.sinh(y)
        log = np.minimum(self.passage.log_time(c, np.full(c.shape, self.a)), SLOWEST)
        return CubicSpline(y, log)

    def _coordinate(self, c: np.ndarray) -> np.ndarray:
        return np.asarray(np.arcsinh((np.clip(c, *self.reach) - self.model.V_F) / np.sqrt(self.a)))

    def slopes(self, c: np.ndarray, a: np.ndarray) -> Slopes:
        y = self._coordinate(c)
        inside = (c >= self.reach[0]) & (c <= self.reach[1])
        by_c = np.where(inside, self._spline(y, 1), 0.0) / (np.sqrt(self.a) * np.cosh(y))
        return Slopes(self._spline(y), by_c, np.zeros_like(by_c))


class Enclosure(NamedTuple):
    """Bounds over boxes: of log(ρ + T), shape (boxes, lanes), and of ∂F_α/∂L_β, shape (boxes, lanes, lanes)."""

    log: tuple[np.ndarray, np.ndarray]
    jacobian: tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, eq=False)
class Balance:
    """F of a network, for vectors of log-rates L of shape (..., lanes)."""

    network: Network

    @cached_property
    def passages(self) -> tuple[Passage, ...]:
        # The noise of a member may come from the network alone; a passage does not look at it.
        return tuple(passage_of(replace(m, noise=ActivityNoise(1.0))) for m in self.network.populations)

    @cached_property
    def _alike(self) -> tuple[tuple[Passage, np.ndarray], ...]:
        """A passage for all populations with the same laws, and who they are: large networks have few kinds."""
        kinds: dict[Population, list[int]] = {}
        for k, member in enumerate(self.network.populations):
            bare = replace(member, noise=ActivityNoise(1.0), coupling=MeanFieldCoupling(0.0), refractory=NoRefractory())
            kinds.setdefault(bare, []).append(k)
        return tuple((self.passages[lanes[0]], np.array(lanes)) for lanes in kinds.values())

    def coupled(self, network: Network) -> Balance:
        """The same for a network of the same populations that hear each other differently: they keep their passages."""
        other = Balance(network)
        vars(other).update(passages=self.passages, _alike=self._alike)
        return other

    @cached_property
    def external(self) -> np.ndarray:
        return np.array([member.coupling.external_at(0.0) for member in self.network.populations], dtype=float)

    @cached_property
    def a0(self) -> np.ndarray:
        return np.array([member.noise.a0 for member in self.network.populations], dtype=float)

    @cached_property
    def noisy(self) -> np.ndarray:
        """Whether the diffusion of a population follows any rate."""
        return np.any(self.network.noise > 0.0, axis=1)

    @cached_property
    def silence(self) -> np.ndarray:
        """ρ: the mean refractory times, in the populations' own time."""
        return np.array([member.refractory.mean_duration for member in self.network.populations], dtype=float)

    @cached_property
    def log_silence(self) -> np.ndarray:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(self.silence))

    @cached_property
    def _log_tau(self) -> np.ndarray:
        return np.log(self.network.time_constants)

    def inputs(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """c and a of every population in its own time; rates of shape (..., lanes)."""
        tau = self.network.time_constants
        return self.external + tau * (rates @ self.network.J.T), self.a0 + tau * (rates @ self.network.noise.T)

    def input_bounds(
        self, low: np.ndarray, high: np.ndarray
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
        """Least and largest c and a for rates between `low` and `high`."""
        tau, J = self.network.time_constants, self.network.J
        up, down = np.maximum(J, 0.0).T, np.minimum(J, 0.0).T
        c = self.external + tau * (low @ up + high @ down), self.external + tau * (high @ up + low @ down)
        return c, (self.inputs(low)[1], self.inputs(high)[1])

    def value(self, L: np.ndarray) -> np.ndarray:
        """F(L)."""
        c, a = self.inputs(np.exp(L))
        log = np.empty_like(c)
        for passage, lanes in self._alike:
            log[..., lanes] = passage.log_time(c[..., lanes], a[..., lanes])
        return self._log_tau + L + np.logaddexp(self.log_silence, log)

    def jacobian(self, L: np.ndarray) -> np.ndarray:
        """∂F_α/∂L_β at one point, shape (lanes, lanes); of numerical passage times by differences."""
        N = np.exp(L)
        c, a = self.inputs(N)
        log, by_c, by_a = np.empty_like(c), np.empty_like(c), np.empty_like(c)
        for passage, lanes in self._alike:
            log[lanes], by_c[lanes], by_a[lanes] = _slopes(passage, c[lanes], a[lanes], bool(np.any(self.noisy[lanes])))
        share = np.exp(log - np.logaddexp(self.log_silence, log))
        by_c, by_a = by_c * share, by_a * share
        gains = by_c[:, None] * self.network.J + by_a[:, None] * self.network.noise
        return np.eye(len(N)) + self.network.time_constants[:, None] * gains * N

    def laws(self, low: np.ndarray, high: np.ndarray) -> tuple[Law, ...] | None:
        """What bounds the passage times for rates between `low` and `high`; None if one of them cannot be bounded."""
        (c_low, c_high), _ = self.input_bounds(low, high)
        laws: list[Law] = []
        for k, passage in enumerate(self.passages):
            if isinstance(passage, LeakyHard):
                laws.append(Monotone(passage))
            elif not isinstance(passage, Discrete):
                laws.append(Sampled(passage))  # type: ignore[arg-type]  # closed, so it is smooth
            elif not self.noisy[k]:
                reach = (float(c_low[k]) - 1e-6, float(c_high[k]) + 1e-6)
                laws.append(Tabulated(passage, passage.model, float(self.a0[k]), reach))  # type: ignore[arg-type]
            else:
                return None
        return tuple(laws)

    def enclosure(self, laws: Sequence[Law], low: np.ndarray, high: np.ndarray) -> Enclosure:
        """Bounds over the boxes low ≤ L ≤ high, each of shape (boxes, lanes)."""
        rates = np.exp(low), np.exp(high)
        c, a = self.input_bounds(*rates)
        J, A, tau = self.network.J, self.network.noise, self.network.time_constants
        square = (*low.shape, low.shape[1])
        log, jacobian = (np.empty_like(low), np.empty_like(low)), (np.empty(square), np.empty(square))
        for k, law in enumerate(laws):
            least, most = law.bounds((c[0][:, k], c[1][:, k]), (a[0][:, k], a[1][:, k]))
            silence = self.log_silence[k]
            log[0][:, k], log[1][:, k] = np.logaddexp(silence, least.log), np.logaddexp(silence, most.log)
            share = np.exp(least.log - log[0][:, k]), np.exp(most.log - log[1][:, k])
            by_c, by_a = _product((least.by_c, most.by_c), share), _product((least.by_a, most.by_a), share)
            for j in range(low.shape[1]):
                by_rate = tuple(x + y for x, y in zip(_times(J[k, j], by_c), _times(A[k, j], by_a), strict=True))
                spread = _product(by_rate, (rates[0][:, j], rates[1][:, j]))  # type: ignore[arg-type]
                for end in range(2):
                    jacobian[end][:, k, j] = (k == j) + tau[k] * spread[end]
        return Enclosure(log, jacobian)


def _slopes(passage: Passage, c: np.ndarray, a: np.ndarray, noisy: bool) -> Slopes:
    """log T and its derivatives, by central differences where they are not known."""
    if not isinstance(passage, Discrete):
        jet = passage.jet(c, a)  # type: ignore[attr-defined]  # closed
        return Slopes(jet.log, jet.c, jet.a)
    h = 1e-4 * np.sqrt(a)

    log = passage.log_time
    by_a = (log(c, a * (1.0 + 1e-4)) - log(c, a * (1.0 - 1e-4))) / (2e-4 * a) if noisy else np.zeros_like(c)
    return Slopes(np.asarray(log(c, a)), np.asarray((log(c + h, a) - log(c - h, a)) / (2.0 * h)), np.asarray(by_a))


Interval = tuple[np.ndarray, np.ndarray]


def _product(x: Interval, y: Interval) -> Interval:
    ends = [p * q for p in x for q in y]
    return np.minimum.reduce(ends), np.maximum.reduce(ends)


def _times(number: float, x: Interval) -> Interval:
    return (number * x[0], number * x[1]) if number >= 0.0 else (number * x[1], number * x[0])


def check_network(network: Network) -> None:
    """Refuse a network that can have no stationary state."""
    for k, (name, member) in enumerate(network.members.items()):
        if member.coupling.time_dependent:
            raise InvalidArgument(
                f"`external` of population {name!r} is a function of time, so there is no stationary state; give it a "
                f"number, for example the mean of the current."
            )
        if member.noise.a0 == 0.0 and not np.any(network.noise[k] > 0.0):
            raise InvalidArgument(
                f"population {name!r} has no noise at all, so it has no stationary density; give it a positive `a0`."
            )
