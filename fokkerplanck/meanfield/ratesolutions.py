"""Solving for the distribution of firing rates: from one start, or all solutions that can be found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import combinations, islice, product

import numpy as np

from ..models.degrees import whole
from ..models.plastic_network import PlasticNetwork
from ..outcomes import FokkerPlanckWarning, InvalidArgument, positive, real_array
from .fixedpoint import FEW, FixedPoint, fixed_point, jacobian
from .moments import FIVE, MomentMap, Neurons
from .ratedistribution import RateDistribution

DEGREE_NODES, NORMAL_NODES = {0: 1, 1: 24, 2: 10, 3: 6}, {0: 1, 1: 10, 2: 8, 3: 6}
"""Quadrature by the number of projections that a population receives; more than three: the last ones."""
START = 10.0
"""Rate of the default start in units of 0.02/τ_m: 10 Hz for τ_m = 20 ms."""
IMPOSSIBLE = 1e-3
"""Probability of a negative variance above which a warning is given."""
RESOLVED, COARSE, MOST_NODES = 1e-7, 1e-3, 12_000
"""Quadrature error that ends refinement, the one that is warned of, and nodes beyond which nothing is refined."""
NODES_AT_MOST = 200
"""In each direction: beyond, outer nodes have probabilities that are no floating-point numbers."""
SAME = 1e-7
"""Solutions whose moments differ by less, relative to their scale, are one."""
STEP = 0.1
"""Of the scan, in asinh of the mean input by recurrent synapses over a tenth of V_th − V_r."""
FASTEST = 1e4
"""Without refractory time, mean inputs are scanned that rates up to 1e4/τ_m can make."""
INNER = 1e-9
"""Residual of the other moments at a given mean."""
SEARCH = {False: (12, 6), True: (6, 6)}
"""Quadrature nodes of the search, in one population or several; solutions are then found with those asked for."""
ROUGHLY = 1e-4
"""Relative difference of moments below which two ends of the search are followed up together."""
HALVINGS, CLOSE = 16, 1e-3
"""Of the interval around a change of sign, and G_μ − m_μ relative to m_μ that ends them."""
HELD = 60
"""Evaluations at most for the other moments at one value of m_μ."""
STEPS, SHARES, LENIENT = 30, (1.0, 0.5, 0.25, 0.1, 0.03), 3.0
"""Of Newton's method: steps, shares of one that are tried, growth of the residual allowed beside known solutions."""
ROUNDS, MOST_STARTS, TRIED = 4, 64, 40
"""Of deflated searches; starts of each; rates at which a population alone is looked at."""


def rate_distribution(
    network: PlasticNetwork,
    start: float | Sequence[float] | None = None,
    degree_nodes: int | None = None,
    normal_nodes: int | None = None,
    tolerance: float = 1e-12,
    evaluations: int = 400,
    branch: str = "low",
) -> RateDistribution:
    """Solve for the distribution of firing rates of a network, from one start.

        ν = φ(μ_ext + τ_m Σ w ν, √(σ_ext² + τ_m Σ w² ν)),   the sums approximated as in the module's docstring

    Method: the map of the moments is iterated with Anderson's acceleration, which returns to shorter plain steps where
    it makes things worse, and ended by Newton's method. Averages are over a product of Gauss rules for in-degrees and
    for the two normal variables.

    Parameters
    ----------
    network : PlasticNetwork
    start : float or sequence of float, optional
        Rate of all neurons, or of those of each population, at the beginning. Default 0.2/τ_m (10 Hz for 20 ms).
        Which of several solutions is found depends on it (`rate_distributions` looks for all).
    degree_nodes, normal_nodes : int, optional
        Of the Gauss rules for every in-degree, and for each of the two normal variables. Default: as many as bring
        `quadrature_error` below 1e-7, up to 12 000 combinations.
    tolerance : float
        On the residual.
    evaluations : int
        Of the map at most.
    branch : {"low", "high"}
        With weights that depend on the postsynaptic rate a neuron's own equation can have several solutions; iterations
        for it begin at rate zero or at the highest one.

    Returns
    -------
    RateDistribution
        Also where the iteration did not converge: then with `converged` False, and a warning.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, or the start exceeds the highest rate 1/τ_ref.

    Source: Vegué, Allard, Desrosiers, Netw. Neurosci. 9 (2025) 447; Vegué, Roxin, Phys. Rev. E 100 (2019) 022208.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> degrees = fp.GammaDegrees(100.0, 40.0, correlation=0.7)
    >>> network = fp.PlasticNetwork(neuron, degrees, fp.SaturatingWeight(0.16, 10.0), mu_ext=13.0, sigma_ext=5.0)
    >>> found = fp.rate_distribution(network)
    >>> round(found.mean, 4), round(found.sd, 4)
    (6.5288, 0.8798)
    """
    G = _map_of(network, degree_nodes, normal_nodes, branch)
    x, refine = G.flat(_start(network, start)), degree_nodes is None and normal_nodes is None
    return _solved(G, x, positive("tolerance", tolerance), whole("evaluations", evaluations), refine)


def _map_of(
    network: PlasticNetwork, degree_nodes: int | None, normal_nodes: int | None, branch: str = "low"
) -> MomentMap:
    if not isinstance(network, PlasticNetwork):
        raise InvalidArgument(f"`network` must be an fp.PlasticNetwork, not {network!r}.")
    if branch not in ("low", "high"):
        raise InvalidArgument(f"`branch` must be 'low' or 'high', not {branch!r}.")
    most = min(max(len(network.into(k)) for k in range(len(network.names))), 3)
    counts = (
        DEGREE_NODES[most] if degree_nodes is None else whole("degree_nodes", degree_nodes),
        NORMAL_NODES[most] if normal_nodes is None else whole("normal_nodes", normal_nodes),
    )
    for name, count in zip(("degree_nodes", "normal_nodes"), counts, strict=True):
        if count > NODES_AT_MOST:
            raise InvalidArgument(f"`{name}` = {count}, but at most {NODES_AT_MOST} nodes can be told apart.")
    G = MomentMap(network, *counts)
    G.from_above = branch == "high"
    return G


def _start(network: PlasticNetwork, start: float | Sequence[float] | None) -> list[float]:
    if start is None:
        return [min(0.02 * START / neuron.tau_m, 0.5 * neuron.highest_rate) for neuron in network.neurons]
    rates = real_array("start", start)
    if rates.ndim == 0:
        rates = np.full(len(network.names), float(rates))
    if rates.shape != (len(network.names),):
        raise InvalidArgument(f"`start` has the shape {rates.shape}, but there are {len(network.names)} populations.")
    for rate, neuron in zip(rates, network.neurons, strict=True):
        if not 0.0 <= rate <= neuron.highest_rate or not np.isfinite(rate):
            raise InvalidArgument(
                f"`start` = {rate:g}, but rates lie between 0 and 1/tau_ref = {neuron.highest_rate:g}."
            )
    return [float(rate) for rate in rates]


def _solved(
    G: MomentMap, x: np.ndarray, tolerance: float, evaluations: int, refine: bool, warn: bool = True
) -> RateDistribution:
    """From x, with the nodes of G; with more of them, if `refine`, until averages no longer depend on their number."""
    used = 0
    while True:
        end: FixedPoint = fixed_point(G, x, G.scale, G.possible, tolerance, evaluations, G.restored)
        used += end.evaluations
        finer = _finer(G)
        error = float(np.max(np.abs(finer(end.x) - end.x) / G.scale(end.x), initial=0.0))
        if not refine or not end.converged or error < RESOLVED or _size(finer) > MOST_NODES:
            break
        G, x = finer, end.x
    found = RateDistribution(G.network, end.converged, end.residual, used, end.message, error, G, end.x)
    if warn:
        _warn(found)
    return found


def _finer(G: MomentMap) -> MomentMap:
    degree_nodes, normal_nodes = G.counts
    counts = max(degree_nodes + 2, int(1.5 * degree_nodes)), max(normal_nodes + 2, int(1.2 * normal_nodes))
    finer = MomentMap(G.network, *counts)
    finer.from_above = G.from_above
    return finer


def _size(G: MomentMap) -> int:
    """Quadrature nodes; twice as many where rates depend on themselves and take several evaluations."""
    post = any(p.rule.needs_post for p in G.network.projections)
    return sum(cloud.weight.size for cloud in G.clouds) * (2 if post else 1)


def _warn(found: RateDistribution) -> None:
    if not found.converged:
        warnings.warn(f"the distribution of rates is {found.message}.", FokkerPlanckWarning, stacklevel=4)
    elif found.quadrature_error > COARSE:
        warnings.warn(
            f"the moments change by {found.quadrature_error:.1g} (relative) with the number of quadrature nodes: rates "
            f"depend on the inputs almost like a step; give more `degree_nodes` and `normal_nodes`.",
            FokkerPlanckWarning,
            stacklevel=4,
        )
    for name, share in found.negative_variance.items():
        if share > IMPOSSIBLE:
            warnings.warn(
                f"the normal approximation gives a negative variance with probability {share:.2g}"
                f"{' in ' + name if name else ''}: too few or too strong inputs for it.",
                FokkerPlanckWarning,
                stacklevel=4,
            )


def rate_distributions(
    network: PlasticNetwork,
    degree_nodes: int | None = None,
    normal_nodes: int | None = None,
    tolerance: float = 1e-12,
    evaluations: int = 400,
) -> tuple[RateDistribution, ...]:
    """The distributions of firing rates of a network that were found, by increasing mean rate.

    Iterations begin where every population is silent, at 0.2/τ_m, or near its highest rate, in all combinations. Then:

    - One population whose weights are products u(pre) v(post): m_μ is moved through all values that it can have, up and
      down; the other four moments are solved for given m_μ, and every change of sign of G_μ − m_μ is followed. So the
      unstable solutions between stable ones are found too.
    - Several populations: the equation of each one alone, with equal rates in every population, is solved for several
      rates of the others; Newton's method begins at all combinations of its solutions.
    - As long as the signs of det(1 − ∂G/∂x) over all solutions do not add up to 1, as they must where rates are
      bounded, Newton's method with the known solutions deflated begins halfway between any two of them, and
      where all neurons fire at one of 23 rates.

    What the sum of signs does not show, such as a missing pair of a stable and an unstable solution, can still be
    missed. With tabulated weights (no products) no signs are counted. Neurons whose own equation has several solutions
    (weights that depend on the postsynaptic rate) are on the lower one: branch "low" of `rate_distribution`.

    Arguments as for `rate_distribution`.

    Returns
    -------
    tuple of RateDistribution
        All of them converged, sorted by the mean rate of the first population, then of the next. A FokkerPlanckWarning
        says so if nothing converged (with the reason), or if the sum of signs shows that a solution is missing.

    Source: deflation as in Farrell, Birkisson, Funke, SIAM J. Sci. Comput. 37 (2015) A2026.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.PlasticNetwork(neuron, fp.FixedDegree(100), fp.StaticWeight(0.2), mu_ext=10.0, sigma_ext=3.0)
    >>> [round(found.mean, 3) for found in rate_distributions(network)]
    [0.001, 27.893, 236.216]
    """
    tolerance, evaluations = positive("tolerance", tolerance), whole("evaluations", evaluations)
    G = _map_of(network, degree_nodes, normal_nodes)
    coarse = _map_of(network, *SEARCH[len(network.names) > 1])
    ends = [
        fixed_point(coarse, coarse.flat(rates), coarse.scale, coarse.possible, INNER, evaluations, coarse.restored)
        for rates in product(*_levels(network))
    ]
    found = _Found(G, tolerance, evaluations, refine=degree_nodes is None and normal_nodes is None)
    counted = 0 < G.size <= FEW and all(np.isfinite(neuron.highest_rate) for neuron in network.neurons)
    settled = [end.x for end in ends if end.converged]
    # What ran away settles nowhere, and following it up costs seconds.
    starts = settled if settled or counted else [end.x for end in ends[:1]]
    if G.size == FIVE and len(network.names) == 1 and settled:
        starts = starts + _scanned(coarse, evaluations)
    elif counted and len(network.names) > 1:
        starts = starts + [end.x for end in (newton(coarse, x, []) for x in combined(coarse)) if end.converged]
    for x in _different(coarse, starts):
        found.follow(x)
    if counted:
        found.complete(coarse)
    found.one.sort(key=lambda one: [one.population(k).mean for k in range(len(network.names))])
    for one in found.one:
        _warn(one)
    found.warn(counted)
    return tuple(found.one)


class _Found:
    """The solutions so far."""

    def __init__(self, G: MomentMap, tolerance: float, evaluations: int, refine: bool) -> None:
        self.G, self.tolerance, self.evaluations, self.refine = G, tolerance, evaluations, refine
        self.one: list[RateDistribution] = []
        self.lost: list[RateDistribution] = []

    def follow(self, x: np.ndarray) -> bool:
        """Whether a solution not yet known is reached from x."""
        fresh = MomentMap(self.G.network, *self.G.counts)
        close = newton(fresh, x, [])
        candidate = _solved(
            fresh, close.x if close.converged else x, self.tolerance, self.evaluations, self.refine, warn=False
        )
        if not candidate.converged:
            self.lost.append(candidate)
        elif not any(_same(self.G, candidate._x, other._x, SAME) for other in self.one):
            self.one.append(candidate)
            return True
        return False

    @property
    def index(self) -> int:
        """Sum of the signs of det(1 − ∂G/∂x): 1 if none is missing."""
        return sum(-1 if one.repelling else 1 for one in self.one)

    def complete(self, coarse: MomentMap) -> None:
        """Look for what is missing, with the known solutions deflated."""
        for _ in range(ROUNDS):
            known = [one._x for one in self.one]
            if self.index == 1 or not known:
                return
            halves = [0.5 * (x + y) for x, y in combinations(known, 2)][:MOST_STARTS]
            top = [levels[-1] for levels in _levels(coarse.network)]
            flat = [coarse.flat([10.0**-power * rate for rate in top]) for power in np.arange(0.25, 6.0, 0.25)]
            ends = (newton(coarse, coarse(x), known) for x in (*halves, *flat))
            if not any([self.follow(end.x) for end in ends if end.converged]):
                return

    def warn(self, counted: bool) -> None:
        """Say what is missing."""
        if not self.one:
            reason = min(self.lost, key=lambda one: one.residual).message if self.lost else "no iteration settled"
            unbounded = not all(np.isfinite(neuron.highest_rate) for neuron in self.G.network.neurons)
            hint = ". Without a refractory time `tau_ref` nothing bounds the rates: they may run away" * unbounded
            text = f"no distribution of rates was found: {reason}{hint}."
        elif counted and self.index != 1:
            text = (
                f"at least one solution is missing: the signs of det(1 − ∂G/∂x) over the {len(self.one)} found add up "
                f"to {self.index}, not 1; try `rate_distribution` from other starts."
            )
        else:
            return
        warnings.warn(text, FokkerPlanckWarning, stacklevel=3)


def _levels(network: PlasticNetwork) -> list[list[float]]:
    """Rates of every population at which iterations begin."""
    tops = [min(neuron.highest_rate, FASTEST / neuron.tau_m) for neuron in network.neurons]
    return [[0.0, middle, 0.9 * top] for middle, top in zip(_start(network, None), tops, strict=True)]


def _same(G: MomentMap, x: np.ndarray, y: np.ndarray, tolerance: float) -> bool:
    return bool(np.max(np.abs(x - y) / G.scale(x), initial=0.0) < tolerance)


def _different(G: MomentMap, starts: Sequence[np.ndarray]) -> list[np.ndarray]:
    kept: list[np.ndarray] = []
    for x in starts:
        if not any(_same(G, x, other, ROUGHLY) for other in kept):
            kept.append(x)
    return kept


def newton(G: MomentMap, x: np.ndarray, known: Sequence[np.ndarray]) -> FixedPoint:
    """Damped Newton steps for M(x) (G(x) − x) = 0 with M = Π (1 + 1/|x − known|²), which leads away from what is known.

    The deflated step is the plain one times 1/(1 + ∇log M · step): the direction is the same.
    """
    g, used = G(x), 1
    residual = _residual(G, x, g)
    for _ in range(STEPS):
        size = np.maximum(G.scale(x), G.scale(g))
        if residual < INNER:
            break
        J = jacobian(G, x, g, size, G.possible)
        used += x.size
        step = size * np.linalg.lstsq(np.eye(x.size) - J, (g - x) / size, rcond=1e-13)[0]
        away = _deflation(known, x, step, size)
        for share in SHARES:
            candidate = G.restored(x + share * away * step, g)
            if G.possible(candidate):
                value = G(candidate)
                used += 1
                new = _residual(G, candidate, value)
                if new < (1.0 - 0.1 * share) * residual or (known and new < LENIENT * residual):
                    break
        else:
            break
        x, g, residual = candidate, value, new
    return FixedPoint(x, residual, used, residual < INNER, "")


def _residual(G: MomentMap, x: np.ndarray, g: np.ndarray) -> float:
    return float(np.max(np.abs(g - x) / np.maximum(G.scale(x), G.scale(g)), initial=0.0))


def _deflation(known: Sequence[np.ndarray], x: np.ndarray, step: np.ndarray, size: np.ndarray) -> float:
    slope = 0.0
    for other in known:
        gap = (x - other) / size
        far = max(float(gap @ gap), 1e-12)
        slope -= 2.0 * float(gap @ (step / size)) / far / (1.0 + far)
    return float(np.clip(1.0 / (1.0 - slope), -3.0, 3.0)) if slope != 1.0 else 1.0


def combined(G: MomentMap) -> list[np.ndarray]:
    """Moments at the combinations of rates at which one population after another agrees with itself."""
    network = G.network
    levels = _levels(network)
    own: list[list[float]] = []
    for k in range(len(levels)):
        roots = list(levels[k][1:2])
        for others in product(*(level if j != k else [0.0] for j, level in enumerate(levels))):
            roots += _own_rates(G, k, others)
        own.append(_thinned(roots))
    return [G.flat(rates) for rates in islice(product(*own), MOST_STARTS)]


def _own_rates(G: MomentMap, k: int, others: Sequence[float]) -> list[float]:
    """Rates ν_k that equal neurons of population k reproduce, if the other populations fire at given ones."""
    top, floor = min(G.network.neurons[k].highest_rate, FASTEST / G.network.neurons[k].tau_m), 1e-4
    ways = [(i, p) for i, p in enumerate(G.network.projections) if p.post == k]
    zero = np.zeros(1)
    middle = Neurons(np.array([[p.degrees.mean] for _, p in ways]).reshape(len(ways), 1), zero, zero)
    tried = floor * (np.geomspace(1.0, 1.0 + top / floor, TRIED) - 1.0)
    excess = []
    for rate in tried:
        x = G.flat([rate if j == k else other for j, other in enumerate(others)])
        excess.append(float(G.drive(x, k, middle).rate[0]) - rate)
    e = np.array(excess)
    where = np.flatnonzero(e[:-1] * e[1:] <= 0.0)
    return [float(tried[i] + (tried[i + 1] - tried[i]) * e[i] / (e[i] - e[i + 1] or 1.0)) for i in where]


def _thinned(rates: Sequence[float]) -> list[float]:
    """Those that differ by more than 20 %."""
    kept: list[float] = []
    for rate in sorted(rates):
        if not kept or rate > 1.2 * kept[-1] + 1e-3:
            kept.append(rate)
    return kept


def _scanned(G: MomentMap, evaluations: int) -> list[np.ndarray]:
    """Moments near every solution that scans over m_μ show, upwards and downwards.

    The other moments may have several solutions at one m_μ; each scan follows one as long as it is there.
    """
    means = _means(G)
    if len(means) < 2:
        return []
    held, top = _Held(G, min(evaluations, HELD)), _levels(G.network)[0][-1]
    return held.crossings(means, G.flat([0.0])) + held.crossings(means[::-1], G.flat([top]))


def _means(G: MomentMap) -> np.ndarray:
    """The values of m_μ to be tried: all that rates can make, from the one nearest to zero."""
    neuron, (projection,) = G.network.neurons[0], G.network.projections
    assert projection.rule.factors is not None
    rates = min(neuron.highest_rate, FASTEST / neuron.tau_m) * np.linspace(0.0, 1.0, 2001) ** 3
    sent = projection.rule.factors[0](rates) * rates
    unit = 0.1 * (neuron.V_th - neuron.V_r) / (neuron.tau_m * projection.degrees.mean)
    low, high = np.arcsinh(sent.min() / unit), np.arcsinh(sent.max() / unit)
    if low == high:
        return np.array([])
    means = unit * np.sinh(np.linspace(low, high, int(np.ceil((high - low) / STEP)) + 1))
    return means if abs(low) < abs(high) else means[::-1]


class _Held:
    """The map of the moments with m_μ held."""

    def __init__(self, G: MomentMap, evaluations: int) -> None:
        self.G, self.evaluations = G, evaluations

    def others(self, m: float, rest: np.ndarray) -> np.ndarray:
        """All moments, of which those but m_μ = m reproduce themselves."""

        def whole(y: np.ndarray) -> np.ndarray:
            return np.concatenate([[m], y])

        end = fixed_point(
            lambda y: self.G(whole(y))[1:],
            rest,
            lambda y: self.G.scale(whole(y))[1:],
            lambda y: self.G.possible(whole(y)),
            INNER,
            self.evaluations,
            lambda y, g: self.G.restored(whole(y), whole(g))[1:],
        )
        return whole(end.x)

    def excess(self, m: float, x: np.ndarray) -> float:
        """G_μ − m_μ."""
        return float(self.G(x)[0] - m)

    def crossings(self, means: np.ndarray, x: np.ndarray) -> list[np.ndarray]:
        """Moments where G_μ − m_μ changes its sign as m_μ takes these values in turn, the others following from x."""
        x = self.others(means[0], x[1:])
        before, found = self.excess(means[0], x), []
        for m in means[1:]:
            y = self.others(m, x[1:])
            after = self.excess(m, y)
            if before * after < 0.0:
                found.append(self.between(x, before, y, after))
            x, before = y, after
        return found

    def between(self, x: np.ndarray, f: float, y: np.ndarray, g: float) -> np.ndarray:
        """The zero between two moments with G_μ − m_μ of opposite signs, by chords and halvings.

        Each guess starts from the nearer end. If the others jump to another branch in between, this ends at the jump:
        a start like any other.
        """
        for k in range(HALVINGS):
            share = 0.5 if k % 3 == 2 else float(np.clip(f / (f - g), 0.02, 0.98))
            m = x[0] + share * (y[0] - x[0])
            z = self.others(float(m), (x if share < 0.5 else y)[1:])
            h = self.excess(float(m), z)
            if h * f > 0.0:
                x, f = z, h
            else:
                y, g = z, h
            if min(abs(f), abs(g)) < CLOSE * abs(x[0]) or abs(y[0] - x[0]) < CLOSE**2 * abs(x[0]):
                break
        return x if abs(f) < abs(g) else y
