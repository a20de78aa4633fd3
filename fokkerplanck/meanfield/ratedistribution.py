"""The distribution of firing rates, and of synaptic weights, in a large random network with plastic synapses.

    ν = φ(μ, σ),   (μ − μ_ext, σ² − σ_ext²)/τ_m = Σ_populations K (m_μ, m_σ) + √K (W, Z),

K the in-degree, (W, Z) normal with the variances s_μ², s_σ² and the covariance c_μσ. The five moments are those of w ν
and w² ν over an in-neighbour, whose rate obeys the same equation with the in-degree law ρ*_K: a closed system.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..models.degrees import CopulaDegrees, DegreeLaw, DegreeNodes, whole
from ..models.discrete_degrees import BinomialDegrees, PoissonDegrees
from ..models.plastic_network import PlasticNetwork
from ..outcomes import FokkerPlanckWarning, InvalidArgument, finite_number, named
from .fixedpoint import jacobian
from .moments import MomentMap, Neurons, own_tilt
from .ratelaw import Law, across_rule, line_grid, turned

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_LINES, MOST_ATOMS = 2000, 576
"""Lines of a law, and combinations of in-degrees of several discrete laws."""
LINES_AGREE, LINES_DIFFER = 5e-4, 5e-3
"""Change of a distribution function with the number of lines that is enough, and that which is warned of."""
BROAD, BROAD_ALONE, UNSEEN = 3.0, 50.0, 1e-9
"""Standard deviation from which a Poisson or binomial law is taken for smooth, and probabilities left out of laws."""


class Moments(NamedTuple):
    """Of the inputs over one projection: means, variances and covariance of w ν and w² ν of an in-neighbour.

    Where w = u(pre) v(post), of u ν and u² ν.
    """

    m_mu: float
    m_sigma: float
    s_mu2: float
    s_sigma2: float
    c_mu_sigma: float


class SyntheticNeurons(NamedTuple):
    """Neurons drawn from the theory, arrays of shape (neurons,); `degrees` and `W`, `Z` by presynaptic population.

    With several presynaptic populations W and Z belong to the whole sum: Σ w ν − its mean given K, and so for w² ν.
    """

    degrees: dict[str, np.ndarray]
    W: np.ndarray
    Z: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    rate: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class RateDistribution:
    """A solution of the closed system: the law of the rates of every population.

    Attributes
    ----------
    network : PlasticNetwork
    converged : bool
    residual : float
        Largest change of a moment by one more evaluation of the map, relative to the moment's scale.
    evaluations : int
        Of the map.
    message : str
        How the iteration ended, in a sentence.
    quadrature_error : float
        Largest change of a moment, on the same scale, if the map is evaluated with more nodes.
    """

    network: PlasticNetwork
    converged: bool
    residual: float
    evaluations: int
    message: str
    quadrature_error: float
    _map: MomentMap
    _x: np.ndarray

    def moments(self, post: str | int | None = None, pre: str | int | None = None) -> Moments:
        """The five moments of the synapses from `pre` to `post`; names can be left out if there is one population.

        Raises
        ------
        InvalidArgument
            If there are no such synapses, or their weight is no product of functions of the two rates.
        """
        i = self._projection(post, pre)
        if self.network.projections[i].rule.factors is None:
            raise InvalidArgument(
                "`post`, `pre`: these weights are no products u(pre) v(post); their moments vary with post."
            )
        return Moments(*(float(value) for value in self._map.part(self._x, i)[:, 0]))

    def population(self, name: str | int | None = None) -> Law:
        """The law of the rates of one population, by name or place; the name can be left out if there is only one.

        Its `error` tells by how much the distribution function depends on the number of lines on which it is computed;
        beyond 0.005 there is a FokkerPlanckWarning. Poisson and binomial in-degrees with a standard deviation above 50
        (above 3 beside other projections) are taken for continuous: where rates vary by little more than the
        in-degrees make them, the distribution function is off by up to half the probability of one in-degree.
        """
        k = self._place("name", name)
        return self._cached(k, tilted=False)

    def in_neighbours(self, name: str | int | None = None) -> Law:
        """The rates of a population as its own neurons see them: each neuron counted with its out-degree within it."""
        return self._cached(self._place("name", name), tilted=True)

    def _cached(self, k: int, tilted: bool) -> Law:
        if (k, tilted) not in self._laws:
            self._laws[k, tilted] = self._law(k, tilted=tilted)
        return self._laws[k, tilted]

    @cached_property
    def _laws(self) -> dict[tuple[int, bool], Law]:
        return {}

    @property
    def mean(self) -> float:
        """Mean rate of a single population; of several see `population(name)`. So for all that follows."""
        return self.population().mean

    @property
    def sd(self) -> float:
        """Standard deviation of the rates."""
        return self.population().sd

    @property
    def skewness(self) -> float:
        """Third standardised moment of the rates."""
        return self.population().skewness

    def cdf(self, nu: ArrayLike) -> np.ndarray:
        """P(rate ≤ ν)."""
        return self.population().cdf(nu)

    def density(self, nu: ArrayLike) -> np.ndarray:
        """The density of the rates at ν (time)."""
        return self.population().density(nu)

    def quantile(self, q: ArrayLike) -> np.ndarray:
        """The rate that a share q of all neurons does not exceed."""
        return self.population().quantile(q)

    def given_degree(self, degree: float | Mapping[str, float], name: str | int | None = None) -> Law:
        """The law of the rates of the neurons with the given in-degree.

        Parameters
        ----------
        degree : float, or mapping from presynaptic population to float
            In-degree, zero or positive; of every projection that the population receives.
        name : str or int, optional
            The population.
        """
        k = self._place("name", name)
        into = self.network.into(k)
        asked = degree if isinstance(degree, Mapping) else {self.network.names[p.pre]: degree for p in into[:1]}
        if len(into) == 1 and isinstance(degree, Mapping) and self.network.names == ("",) and "" not in degree:
            raise InvalidArgument("`degree`: the only population has no name; give its in-degree as a number.")
        missing = [self.network.names[p.pre] for p in into if self.network.names[p.pre] not in asked]
        if missing:
            raise InvalidArgument(
                f"`degree` must be a mapping that has the in-degrees from {', '.join(map(repr, missing))} as well."
            )
        foreign = [key for key in asked if key not in {self.network.names[p.pre] for p in into}]
        if foreign:
            raise InvalidArgument(f"`degree` has {foreign[0]!r}, from which there are no synapses.")
        fixed = [finite_number("degree", asked[self.network.names[p.pre]]) for p in into]
        if any(value < 0.0 for value in fixed):
            raise InvalidArgument("`degree` must be zero or positive.")
        return self._law(k, fixed)

    def weights(self, post: str | int | None = None, pre: str | int | None = None) -> Law:
        """The law of the weight of a synapse drawn at random among all of a projection.

        Its presynaptic rate is that of an in-neighbour, P(w ≤ x) = P*(f(ν) ≤ x). If f depends on the postsynaptic rate
        as well, the receiving neuron is drawn independently, in proportion to its in-degree (64 quantiles of its law).

        Raises
        ------
        InvalidArgument
            If there is no such projection.
        """
        i, j, _, rule = self.network.projections[self._projection(post, pre)]
        senders = self._cached(j, tilted=i == j)
        if not rule.needs_post:
            return Law(np.asarray(rule.weight(senders.values)), senders.weight, senders.measure, senders.slope)
        receivers = self._law(i, by_degree=[p.pre for p in self.network.into(i)].index(j))
        levels = receivers.quantile((np.arange(64) + 0.5) / 64)
        values = rule.weight(senders.values[None], levels[:, None, None]).reshape(-1, senders.values.shape[1])
        return Law(
            values, np.tile(senders.weight / 64, 64), np.tile(senders.measure, (64, 1)), np.tile(senders.slope, (64, 1))
        )

    @cached_property
    def negative_variance(self) -> dict[str, float]:
        """Of every population the probability that the normal approximation gives a neuron σ² < 0.

        No sum of w² ν is negative; such neurons were taken to be free of noise, σ = 0.
        """
        found = {}
        for k, name in enumerate(self.network.names):
            if any(p.rule.needs_post for p in self.network.into(k)):
                nodes = self._map.clouds[k]
                found[name] = float(nodes.weight @ (self._map.drive(self._x, k, nodes.neurons).variance < 0.0))
                continue
            nodes = self._map.clouds[k]
            ways = [(i, p) for i, p in enumerate(self.network.projections) if p.post == k]
            spread = self._map._spread(self._x, ways, nodes.neurons.K, None)
            least = -(self.network.inputs[k][1] ** 2) / self.network.neurons[k].tau_m
            sd = np.sqrt(spread.BB)
            below = np.where(sd > 0.0, ndtr((least - spread.B) / np.where(sd > 0.0, sd, 1.0)), least > spread.B)
            found[name] = float(nodes.weight @ below)
        return found

    def sample(self, count: int, seed: int = 0, name: str | int | None = None) -> SyntheticNeurons:
        """Synthetic neurons: K from its law, (W, Z) normal, and what follows from them.

        Parameters
        ----------
        count : int
        seed : int
        name : str or int, optional
            The population.
        """
        count = whole("count", count)
        k, rng = self._place("name", name), np.random.default_rng(seed)
        into = self.network.into(k)
        K = np.array([_drawn(p.degrees, count, rng) for p in into]).reshape(len(into), count)
        z1, z2 = rng.standard_normal((2, count))
        drive = self._map.drive(self._x, k, Neurons(K, z1, z2))
        ways = [(i, p) for i, p in enumerate(self.network.projections) if p.post == k]
        spread = self._map._spread(self._x, ways, K, drive.rate)
        A, B = spread.sums(z1, z2)
        root = np.sqrt(K[0]) if len(into) == 1 else np.ones(count)
        root = np.where(root > 0.0, root, 1.0)
        degrees = {self.network.names[p.pre]: row for p, row in zip(into, K, strict=True)}
        W, Z = (A - spread.A) / root, (B - spread.B) / root
        return SyntheticNeurons(degrees, W, Z, drive.mu, np.sqrt(np.maximum(drive.variance, 0.0)), drive.rate)

    @cached_property
    def gain(self) -> np.ndarray:
        """Eigenvalues of ∂G/∂x, the map of the moments linearised at the solution, by decreasing real part."""
        G, x = self._map, self._x
        value = G(x)
        return np.sort_complex(np.linalg.eigvals(jacobian(G, x, value, G.scale(value), G.possible)))[::-1]

    @property
    def repelling(self) -> bool:
        """Whether det(1 − ∂G/∂x) < 0: an odd number of real eigenvalues of the gain exceeds 1.

        Rates that follow their inputs, however slowly, then leave the solution without oscillation. The converse does
        not hold: what is not repelling in this sense may still be unstable, by oscillations for example.
        """
        return bool(np.prod(1.0 - self.gain).real < 0.0)

    # -- laws ---------------------------------------------------------------------------------------------------

    def _place(self, what: str, name: str | int | None) -> int:
        names = self.network.names
        if name is None:
            if len(names) > 1:
                raise InvalidArgument(f"`{what}`: say which population: {', '.join(names)}.")
            return 0
        if isinstance(name, str):
            if names == ("",) and name:
                raise InvalidArgument(
                    f"`{what}` = {name!r}: Unknown population; the only one has no name, leave it out."
                )
            return int(named("population", {n: k for k, n in enumerate(names)}, name))
        if isinstance(name, bool) or not isinstance(name, (int, np.integer)):
            raise InvalidArgument(f"`{what}` = {name!r}, but it must be the name of a population or its place.")
        if not 0 <= name < len(names):
            count = f"there are {len(names)} populations" if len(names) > 1 else "there is 1 population"
            raise InvalidArgument(f"`{what}` = {name!r}, but {count}: places begin at 0.")
        return int(name)

    def _projection(self, post: str | int | None, pre: str | int | None) -> int:
        pair = self._place("post", post), self._place("pre", pre)
        for i, p in enumerate(self.network.projections):
            if (p.post, p.pre) == pair:
                return i
        raise InvalidArgument(f"`post`, `pre`: there are no synapses from {pre!r} to {post!r}.")

    def _law(
        self, k: int, fixed: Sequence[float] | None = None, tilted: bool = False, by_degree: int | None = None
    ) -> Law:
        """Of the rates of population k; see `ratelaw`. `by_degree` weighs neurons by one of their in-degrees.

        With more and more lines, until the distribution function no longer depends on their number.
        """
        into = self.network.into(k)
        if fixed is not None:
            smooth: list[int] = []
            rows = np.array(fixed, dtype=float).reshape(-1, 1), np.ones(1), np.ones(1)
        else:
            smooth = [i for i, p in enumerate(into) if _is_smooth(p.degrees, alone=len(into) == 1)]
            rows = self._atoms(k, smooth)
        counts, *more = _line_counts(len(smooth) + 1, rows[1].size)
        law = self._on_lines(k, (smooth, fixed, rows), counts, (tilted, by_degree))
        for counts in more:
            finer = self._on_lines(k, (smooth, fixed, rows), counts, (tilted, by_degree))
            law = replace(finer, error=law.apart(finer))
            if law.error < LINES_AGREE:
                break
        if law.error > LINES_DIFFER:
            warnings.warn(
                f"a distribution function is known to about {law.error:.1g} only: the in-degrees vary too much.",
                FokkerPlanckWarning,
                stacklevel=4,
            )
        return law

    def _on_lines(
        self,
        k: int,
        degrees: tuple[list[int], Sequence[float] | None, tuple[np.ndarray, np.ndarray, np.ndarray]],
        counts: Sequence[int],
        weighed: tuple[bool, int | None],
    ) -> Law:
        """The law on a given number of lines in each direction across them."""
        smooth, fixed, (atoms, share, odds) = degrees
        tilted, by_degree = weighed
        into = self.network.into(k)
        turn = turned(self._steepest(k, smooth, fixed))
        rules = [across_rule(count) for count in counts]
        grids = np.meshgrid(*(x for x, _ in rules), indexing="ij")
        weight = np.ones(1)
        for _, w in rules:
            weight = np.multiply.outer(weight, w).ravel()
        xi = np.multiply.outer(turn[:, 0], line_grid())[:, None, :]
        xi = xi + (turn[:, 1:] @ np.array([g.ravel() for g in grids]))[:, :, None]
        lines, points = xi.shape[1:]
        K = np.empty((len(into), atoms.shape[1], lines, points))
        factor = np.ones((atoms.shape[1], lines, points)) * odds[:, None, None] ** tilted
        for i, p in enumerate(into):
            if i in smooth:
                score = xi[smooth.index(i)]
                K[i] = p.degrees.in_at(score)  # type: ignore[attr-defined]
                if tilted and p.pre == k and isinstance(p.degrees, CopulaDegrees) and p.degrees.correlated:
                    factor = factor * p.degrees.tilt_at(score)
            else:
                K[i] = atoms[i][:, None, None]
        if by_degree is not None:
            factor = factor * K[by_degree] / into[by_degree].degrees.mean
        z1, z2 = (np.broadcast_to(z, factor.shape).ravel() for z in xi[-2:])
        rate = self._map.drive(self._x, k, Neurons(K.reshape(len(into), factor.size), z1, z2)).rate.reshape(-1, points)
        each = np.multiply.outer(share, weight).ravel()
        plain = not tilted and by_degree is None
        return Law.of(rate, each, None if plain else factor.reshape(-1, points))

    def _atoms(self, k: int, smooth: Sequence[int]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """All combinations of in-degrees with discrete laws: values (projections, atoms), probabilities, tilts."""
        into = self.network.into(k)
        discrete = [i for i in range(len(into)) if i not in smooth]
        few = max(3, int(MOST_ATOMS ** (1.0 / max(len(into), 1))))
        laws = [_few(into[i].degrees, few if len(into) > 1 else 2000) for i in discrete]
        places = np.meshgrid(*(np.arange(len(law.k)) for law in laws), indexing="ij") if laws else [np.zeros(1, int)]
        atoms, share = np.zeros((len(into), places[0].size)), np.ones(places[0].size)
        for i, law, place in zip(discrete, laws, places, strict=False):
            atoms[i] = law.k[place.ravel()]
            share = share * law.weight[place.ravel()]
        return atoms, share, own_tilt([into[i] for i in discrete], laws, places)

    def _steepest(self, k: int, smooth: Sequence[int], fixed: Sequence[float] | None) -> np.ndarray:
        """E[ν ξ] = E[∂ν/∂ξ] over the normal scores of the smooth in-degrees and the two normal variables."""
        nodes = self._map.clouds[k]
        K = nodes.neurons.K
        if fixed is not None:
            K = np.broadcast_to(np.array(fixed, dtype=float).reshape(-1, 1), K.shape)
        rate = self._map.drive(self._x, k, Neurons(K, nodes.neurons.z1, nodes.neurons.z2)).rate
        scores = [self.network.into(k)[i].degrees.score(K[i]) for i in smooth]  # type: ignore[attr-defined]
        away = nodes.weight * (rate - nodes.weight @ rate)
        return np.array([away @ xi for xi in (*scores, nodes.neurons.z1, nodes.neurons.z2)])

    def plot(self, rates: object = None, label: str = "neurons of a graph") -> Figure:
        """The density of the rates, with `rates` of simulated neurons behind: see `plotting.plot_rate_distribution`."""
        from ..plotting.rates import plot_rate_distribution

        return plot_rate_distribution(self, rates, label=label)

    def __repr__(self) -> str:
        lines = [f"RateDistribution: {self.message}"]
        for name in self.network.names:
            law = self.population(name)
            lines.append(f"  {name + ': ' if name else ''}mean {law.mean:.6g}, sd {law.sd:.6g}")
        return "\n".join(lines)


def _is_smooth(law: DegreeLaw, alone: bool) -> bool:
    """Whether the law is continuous, or so broad that its whole numbers are hardly seen; sooner beside other laws."""
    independent = isinstance(law, (PoissonDegrees, BinomialDegrees))
    return law.smooth or (independent and law.sd > (BROAD_ALONE if alone else BROAD))


def _few(law: DegreeLaw, count: int) -> DegreeNodes:
    """At most so many in-degrees: all of them, a Gauss rule, or, where K and L are correlated, means of groups."""
    nodes = law.nodes(count)
    kept = nodes.weight > UNSEEN
    nodes = DegreeNodes(nodes.k[kept], nodes.weight[kept] / nodes.weight[kept].sum(), nodes.tilt[kept])
    if len(nodes.k) <= count:
        return nodes
    group = np.minimum((count * (np.cumsum(nodes.weight) - 0.5 * nodes.weight)).astype(int), count - 1)
    group = np.unique(group, return_inverse=True)[1]
    weight = np.bincount(group, nodes.weight)
    means = [np.bincount(group, nodes.weight * value) / weight for value in (nodes.k, nodes.tilt)]
    return DegreeNodes(means[0], weight, means[1])


def _line_counts(across: int, atoms: int) -> list[tuple[int, ...]]:
    """Lines in each direction across them, more and more; the last direction matters least, the first most."""
    last = 4
    first: list[tuple[int, ...]]
    if across == 1:
        first = [(6,), (12,), (24,), (48,)]
    elif across == 2:
        first = [(24, last), (48, last), (96, last), (192, last), (384, last)]
    else:
        first = [(*[n] * (across - 1), last) for n in (4, 6, 9, 13, 20)]
    lines = [counts for counts in first if atoms * int(np.prod(counts)) <= MOST_LINES]
    return lines or first[:1]


def _drawn(law: object, count: int, rng: np.random.Generator) -> np.ndarray:
    """In-degrees of the theory: not rounded where the law is continuous."""
    if isinstance(law, CopulaDegrees):
        return law.in_at(rng.standard_normal(count))
    return law.draw(count, rng)[0].astype(float)  # type: ignore[attr-defined]
