"""The moments that close the theory of firing-rate distributions, and the map whose fixed points they are.

For the synapses from a population to another, with in-neighbours j of rate ν_j and weight w_j,

    m_μ = E*[w ν],  m_σ = E*[w² ν],  s_μ² = Var*[w ν],  s_σ² = Var*[w² ν],  c_μσ = Cov*[w ν, w² ν],

where E* is over the law of an in-neighbour. Sums over K of them are approximated by K (m_μ, m_σ) + √K (W, Z) with
(W, Z) normal of mean zero. Sums of normal variables over several populations are normal: two variables per neuron
suffice.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.polynomial import chebyshev

from ..models.degrees import DegreeNodes, hermite
from ..models.plastic_network import Pathway, PlasticNetwork
from ..outcomes import InvalidArgument
from .siegertrate import rates

FIVE = 5
"""m_μ, m_σ, s_μ², s_σ², c_μσ."""
TABLE = 40
"""Postsynaptic rates at which the moments of a weight that is no product are tabulated."""
BEND = 0.2
"""These rates are equally spread, in the sense of Chebyshev, in asinh(ν τ_m/0.2)."""
SETTLED, SWEEPS = 1e-13, 120
"""A rate that depends on itself: accuracy relative to rate + 1e-6/τ_m, and how many steps it may take."""
NOTHING = 1e-200
"""Scale of what is zero: any difference from it counts."""
VANISHING = 1e-14
"""Variances below this, relative to the squared mean, are rounding."""
LOWEST_SLOPE = 0.05
"""Secants of F(ν) − ν flatter than this are not trusted."""


class Spread(NamedTuple):
    """Mean and covariance of (Σ w ν, Σ w² ν) of some neurons, given their in-degrees."""

    A: np.ndarray
    B: np.ndarray
    AA: np.ndarray
    BB: np.ndarray
    AB: np.ndarray

    def sums(self, z1: np.ndarray, z2: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(Σ w ν, Σ w² ν) for two independent standard normal variables, by Cholesky's factor of the covariance."""
        l11 = np.sqrt(self.AA)
        l21 = np.divide(self.AB, l11, out=np.zeros(np.shape(l11)), where=l11 > 0.0)
        # Equal to zero where weights are equal; rounding makes it ±1e-17.
        l22 = np.sqrt(np.maximum(self.BB - l21**2, 0.0))
        return self.A + l11 * z1, self.B + l21 * z1 + l22 * z2


class Neurons(NamedTuple):
    """Neurons of one population: in-degrees (projections, neurons) and two standard normal variables."""

    K: np.ndarray
    z1: np.ndarray
    z2: np.ndarray


class Drive(NamedTuple):
    """What neurons receive and how they answer; `variance` may be negative, which no actual sum is."""

    mu: np.ndarray
    variance: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True, eq=False)
class Cloud:
    """The quadrature nodes of one population.

    Attributes
    ----------
    neurons : Neurons
    weight : array, shape (nodes,)
        Of sum 1.
    tilt : array, shape (nodes,)
        E[L | K]/E[L] for the synapses within the population.
    """

    neurons: Neurons
    weight: np.ndarray
    tilt: np.ndarray


def cloud(network: PlasticNetwork, post: int, degree_nodes: int, normal_nodes: int) -> Cloud:
    """The product of the rules for all in-degrees of a population and for two normal variables."""
    into = network.into(post)
    laws = [p.degrees.nodes(degree_nodes) for p in into]
    x, w = hermite(normal_nodes)
    axes = [*(law.k for law in laws), x, x]
    places = np.meshgrid(*(np.arange(len(axis)) for axis in axes), indexing="ij")
    values = [axis[place.ravel()] for axis, place in zip(axes, places, strict=True)]
    weight = np.ones(values[0].size)
    for each, place in zip([*(law.weight for law in laws), w, w], places, strict=True):
        weight = weight * each[place.ravel()]
    K = np.array(values[:-2]).reshape(len(into), values[-1].size)
    return Cloud(Neurons(K, values[-2], values[-1]), weight / weight.sum(), own_tilt(into, laws, places))


def own_tilt(into: Sequence[Pathway], laws: Sequence[DegreeNodes], places: Sequence[np.ndarray]) -> np.ndarray:
    """The tilt of the synapses within a population at nodes that are numbered by `places`."""
    for p, law, place in zip(into, laws, places, strict=False):
        if p.pre == p.post:
            return law.tilt[place.ravel()]
    return np.ones(places[0].size)


class MomentMap:
    """x ↦ G(x): the moments that the rates have which the moments x give; see the module's docstring.

    x stacks, for every projection, m_μ, m_σ, s_μ², s_σ², c_μσ. Where f = u(pre) v(post) these are the moments of u and
    the rate of a neuron solves ν = φ(μ_ext + τ_m v(ν) A, σ_ext² + τ_m v(ν)² B). Any other f(pre, post) has five moments
    for each of `TABLE` postsynaptic rates, interpolated between them. (The law of ν then depends on the moments at each
    rate alone, as long as ν = φ has one solution: P(ν < y) = P(φ at y < y).)
    """

    def __init__(self, network: PlasticNetwork, degree_nodes: int = 24, normal_nodes: int = 14) -> None:
        self.network = network
        self.counts = degree_nodes, normal_nodes
        self.clouds = [cloud(network, k, degree_nodes, normal_nodes) for k in range(len(network.names))]
        self.tables = [_table(network, p) for p in network.projections]
        sizes = [FIVE * (1 if table is None else len(table)) for table in self.tables]
        self.ends = np.concatenate([[0], np.cumsum(sizes)])
        self._last: list[np.ndarray | None] = [None] * len(network.names)
        self.from_above = False

    @property
    def size(self) -> int:
        """How many unknowns there are."""
        return int(self.ends[-1])

    def part(self, x: np.ndarray, projection: int) -> np.ndarray:
        """The moments of one projection, shape (5, postsynaptic rates)."""
        return x[self.ends[projection] : self.ends[projection + 1]].reshape(FIVE, -1)

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return self.moments(self.rates(x))

    def rates(self, x: np.ndarray) -> list[np.ndarray]:
        """The rate at every node of every population."""
        found = []
        for k, nodes in enumerate(self.clouds):
            rate = self.drive(x, k, nodes.neurons, self._last[k]).rate
            self._last[k] = rate
            found.append(rate)
        return found

    def moments(self, found: Sequence[np.ndarray]) -> np.ndarray:
        """The five moments of every projection, of the rates at the nodes."""
        x = np.empty(self.size)
        for i, p in enumerate(self.network.projections):
            nodes, nu = self.clouds[p.pre], found[p.pre]
            weight = nodes.weight * nodes.tilt if p.pre == p.post else nodes.weight
            factors, table = p.rule.factors, self.tables[i]
            f = factors[0](nu)[None] if factors else p.rule.weight(nu[None], np.asarray(table)[:, None])
            self.part(x, i)[:] = _five(weight / weight.sum(), f * nu, f * f * nu)
        return x

    def flat(self, rate: Sequence[float]) -> np.ndarray:
        """The moments if all neurons of a population fired at one rate."""
        return self.moments([np.full(nodes.weight.size, r) for nodes, r in zip(self.clouds, rate, strict=True)])

    def drive(self, x: np.ndarray, post: int, neurons: Neurons, guess: np.ndarray | None = None) -> Drive:
        """Input and rate of some neurons of a population."""
        neuron = self.network.neurons[post]
        ways = [(i, p) for i, p in enumerate(self.network.projections) if p.post == post]

        def answer(nu: np.ndarray | None, some: Neurons) -> Drive:
            A, B = self._spread(x, ways, some.K, nu).sums(some.z1, some.z2)
            mu_ext, sigma_ext = self.network.inputs[post]
            mu, variance = mu_ext + neuron.tau_m * A, sigma_ext**2 + neuron.tau_m * B
            return Drive(mu, variance, rates(neuron, mu, np.maximum(variance, 0.0)))

        if not any(p.rule.needs_post for _, p in ways):
            return answer(None, neurons)

        def again(nu: np.ndarray, where: np.ndarray) -> np.ndarray:
            some = Neurons(neurons.K[:, where], neurons.z1[where], neurons.z2[where])
            return answer(nu, some).rate

        ceiling = self._ceiling(post)
        if guess is None or guess.shape != neurons.z1.shape:
            guess = np.full(neurons.z1.shape, ceiling if self.from_above else 0.0)
        nu = settle(again, guess, ceiling, 1e-6 / neuron.tau_m)
        return answer(nu, neurons)._replace(rate=nu)

    def _ceiling(self, post: int) -> float:
        neuron = self.network.neurons[post]
        return min(neuron.highest_rate, 1e4 / neuron.tau_m)

    def _spread(
        self, x: np.ndarray, ways: Sequence[tuple[int, Pathway]], K: np.ndarray, nu: np.ndarray | None
    ) -> Spread:
        total = [np.zeros(K.shape[1:]) for _ in range(FIVE)]
        for k, (i, p) in zip(K, ways, strict=True):
            part, factors = self.part(x, i), p.rule.factors
            if not p.rule.needs_post:
                of = part[:, 0]
            elif factors:
                assert nu is not None
                v = factors[1](nu)
                of = part * np.array([v, v**2, v**2, v**4, v**3])
            else:
                assert nu is not None
                of = chebyshev.chebval(self._place(i, nu), self._coefficients(part))
                of[2:4] = np.maximum(of[2:4], 0.0)  # interpolated variances near zero
            for sum_, value in zip(total, of, strict=True):
                sum_ += k * value
        m1, m2, s11, s22, s12 = total
        return Spread(m1, m2, s11, s22, s12)

    def _place(self, projection: int, nu: np.ndarray) -> np.ndarray:
        """Where a postsynaptic rate lies in the table, between −1 and 1."""
        neuron = self.network.neurons[self.network.projections[projection].post]
        bend = BEND / neuron.tau_m
        return np.asarray(2.0 * np.arcsinh(nu / bend) / np.arcsinh(neuron.highest_rate / bend) - 1.0)

    @cached_property
    def _inverse(self) -> np.ndarray:
        """From values at the Chebyshev nodes to coefficients, (nodes, nodes)."""
        return np.asarray(np.linalg.inv(chebyshev.chebvander(chebyshev.chebpts1(TABLE), TABLE - 1)))

    def _coefficients(self, part: np.ndarray) -> np.ndarray:
        return np.asarray(self._inverse @ part.T)

    def possible(self, x: np.ndarray) -> bool:
        """Whether all covariance matrices are positive semidefinite, to rounding."""
        return bool(np.all(np.isfinite(x))) and all(_possible(self.part(x, i)) for i in range(len(self.tables)))

    def restored(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        """x with the covariances of g = G(x) where those of x are impossible, or where those of g vanish to rounding.

        So rates that are equal stay so: a step of Newton's method leaves a variance of ±1e-17, a spread of 1e-8.
        """
        out, size = x.copy(), self.scale(g)
        for i in range(len(self.tables)):
            mine, theirs = self.part(out, i), self.part(g, i)
            negligible = bool(np.all(theirs[2:4] <= VANISHING * self.part(size, i)[2:4]))
            if negligible or not _possible(mine):
                mine[2:] = theirs[2:]
        return out

    def scale(self, x: np.ndarray) -> np.ndarray:
        """The size that each moment has by its neighbours: what an error is relative to."""
        out = np.empty_like(x)
        for i in range(len(self.tables)):
            m1, m2, s11, s22, _ = self.part(x, i)
            first, second = np.sqrt(np.max(m1**2 + s11)), np.sqrt(np.max(m2**2 + s22))
            sizes = np.array([first, second, first**2, second**2, first * second])
            self.part(out, i)[:] = np.maximum(sizes, NOTHING)[:, None]
        return out


def _possible(part: np.ndarray) -> bool:
    """Whether the covariance matrices of one projection are positive semidefinite, to rounding."""
    _, _, s11, s22, s12 = part
    return bool(np.all(s11 >= 0.0) and np.all(s22 >= 0.0) and np.all(s12**2 <= s11 * s22 * (1.0 + 1e-6) + 1e-300))


def _five(weight: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Means, variances and covariance of x and y, each (rates, nodes); shape (5, rates)."""
    m1, m2 = x @ weight, y @ weight
    dx, dy = x - m1[:, None], y - m2[:, None]
    return np.array([m1, m2, dx**2 @ weight, dy**2 @ weight, (dx * dy) @ weight])


def _table(network: PlasticNetwork, p: Pathway) -> np.ndarray | None:
    """The postsynaptic rates of the table, if the weight depends on them and is no product."""
    if p.rule.factors is not None:
        return None
    neuron = network.neurons[p.post]
    if not np.isfinite(neuron.highest_rate):
        raise InvalidArgument(
            "`neuron` needs a refractory time `tau_ref` > 0 where a weight f(pre, post) is not a product: the moments "
            "are tabulated up to the highest rate."
        )
    bend = BEND / neuron.tau_m
    s = 0.5 * (chebyshev.chebpts1(TABLE) + 1.0) * np.arcsinh(neuron.highest_rate / bend)
    return np.asarray(bend * np.sinh(s))


def settle(
    answer: Callable[[np.ndarray, np.ndarray], np.ndarray], start: np.ndarray, ceiling: float, floor: float
) -> np.ndarray:
    """Solve ν = F(ν) for many neurons, from `start`; F maps [0, ceiling] into itself, so there is a solution.

    Secants within an interval over which F(ν) − ν changes sign; where they leave it, it is halved (in log(ν + floor)).
    """
    every = np.arange(start.size)
    low, high = np.zeros(start.size), np.full(start.size, ceiling)
    y, g = start.copy(), answer(start, every) - start
    next_ = np.clip(y + g, 0.0, ceiling)
    active = every[np.abs(g) > SETTLED * (y + floor)]
    for _ in range(SWEEPS):
        if not active.size:
            break
        y0, g0, y1 = y[active], g[active], next_[active]
        low[active] = np.where(g0 > 0.0, np.maximum(low[active], y0), low[active])
        high[active] = np.where(g0 < 0.0, np.minimum(high[active], y0), high[active])
        g1 = answer(y1, active) - y1
        a = np.where(g1 > 0.0, np.maximum(low[active], y1), low[active])
        b = np.where(g1 < 0.0, np.minimum(high[active], y1), high[active])
        slope = np.divide(g1 - g0, y1 - y0, out=np.full(y1.shape, -1.0), where=y1 != y0)
        y2 = y1 - g1 / np.where(slope < -LOWEST_SLOPE, slope, -1.0)
        middle = np.sqrt((a + floor) * (b + floor)) - floor
        next_[active] = np.where((y2 > a) & (y2 < b), y2, middle)
        y[active], g[active] = y1, g1
        active = active[(np.abs(g1) > SETTLED * (y1 + floor)) & (b - a > SETTLED * (b + floor))]
    return y
