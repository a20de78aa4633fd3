"""Solving for the distribution of firing rates: from one start, or all solutions that can be found."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
from scipy.optimize import brentq

from ..models.degrees import whole
from ..models.plastic_network import PlasticNetwork
from ..outcomes import FokkerPlanckWarning, InvalidArgument, positive, real_array
from .fixedpoint import FixedPoint, fixed_point
from .moments import FIVE, MomentMap
from .ratedistribution import RateDistribution

DEGREE_NODES, NORMAL_NODES = {0: 1, 1: 24, 2: 10, 3: 6}, {0: 1, 1: 10, 2: 8, 3: 6}
"""Quadrature by the number of projections that a population receives; more than three: the last ones."""
START = 10.0
"""Rate of the default start in units of 0.02/τ_m: 10 Hz for τ_m = 20 ms."""
IMPOSSIBLE = 1e-3
"""Probability of a negative variance above which a warning is given."""
RESOLVED, COARSE, MOST_NODES = 1e-7, 1e-3, 12_000
"""Quadrature error that ends refinement, the one that is warned of, and nodes beyond which nothing is refined."""
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

    With one population whose weights are products u(pre) v(post): m_μ is moved through all values that it can have, the
    other four moments are solved for given m_μ, and every change of sign of G_μ − m_μ is followed to a solution. So the
    unstable solutions between stable ones are found too. A pair closer than the step of the scan can be missed, as can
    a second solution of the other four moments at the same m_μ.

    With several populations, or tabulated weights: from starts at which every population is silent, at 0.2/τ_m, or near
    its highest rate, in all combinations. Solutions that repel the iteration are then found by chance only.

    Arguments as for `rate_distribution`.

    Returns
    -------
    tuple of RateDistribution
        All of them converged, sorted by the mean rate of the first population, then of the next.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = fp.PlasticNetwork(neuron, fp.FixedDegree(100), fp.StaticWeight(0.2), mu_ext=10.0, sigma_ext=3.0)
    >>> [round(found.mean, 3) for found in rate_distributions(network)]
    [0.001, 27.893, 236.216]
    """
    tolerance, evaluations = positive("tolerance", tolerance), whole("evaluations", evaluations)
    G = _map_of(network, degree_nodes, normal_nodes)
    coarse = _map_of(network, *SEARCH[len(network.names) > 1])
    starts: list[np.ndarray] = []
    for rates in product(*_levels(network)):
        end = fixed_point(
            coarse, coarse.flat(rates), coarse.scale, coarse.possible, INNER, evaluations, coarse.restored
        )
        if not any(_same(coarse, end.x, other, ROUGHLY) for other in starts):
            starts.append(end.x)
    if G.size == FIVE and len(network.names) == 1:
        starts += _scanned(coarse, evaluations)
    refine = degree_nodes is None and normal_nodes is None
    found: list[RateDistribution] = []
    for x in starts:
        fresh = _map_of(network, degree_nodes, normal_nodes)
        candidate = _solved(fresh, x, tolerance, evaluations, refine, warn=False)
        if candidate.converged and not any(_same(G, candidate._x, other._x, SAME) for other in found):
            found.append(candidate)
    found.sort(key=lambda one: [one.population(k).mean for k in range(len(network.names))])
    for one in found:
        _warn(one)
    return tuple(found)


def _levels(network: PlasticNetwork) -> list[list[float]]:
    """Rates of every population at which iterations begin."""
    tops = [min(neuron.highest_rate, FASTEST / neuron.tau_m) for neuron in network.neurons]
    return [[0.0, middle, 0.9 * top] for middle, top in zip(_start(network, None), tops, strict=True)]


def _same(G: MomentMap, x: np.ndarray, y: np.ndarray, tolerance: float) -> bool:
    return bool(np.max(np.abs(x - y) / G.scale(x), initial=0.0) < tolerance)


def _scanned(G: MomentMap, evaluations: int) -> list[np.ndarray]:
    """Moments near every solution that the scan over m_μ shows."""
    means = _means(G)
    if len(means) < 2:
        return []
    held = _Held(G, evaluations)
    found = []
    x = held.others(means[0], G.flat([0.0])[1:])
    before = held.excess(means[0], x)
    for low, high in pairwise(means):
        x = held.others(high, x[1:])
        after = held.excess(high, x)
        if before * after < 0.0:
            rest = x[1:]
            root = brentq(lambda m: held.excess(m, held.others(m, rest)), low, high, xtol=1e-9 * abs(high - low))  # noqa: B023
            found.append(held.others(float(root), rest))
        before = after
    return found


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
