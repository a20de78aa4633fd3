"""Sparse networks of leaky integrate-and-fire neurons in the units of the laboratory, and their dense balanced limit.

A neuron that receives many small jumps at the rates ν_β sees white noise of the mean μ and the intensity σ,

    μ_α = μ_ext,α + τ_α Σ_β C_αβ J_αβ ν_β,   σ_α² = σ_ext,α² + τ_α Σ_β C_αβ J_αβ² ν_β,

and fires at φ(μ_α, σ_α) in turn. Stationary states ν_α = φ(μ_α, σ_α), and whether they are stable, are the business of
`networks.asynchronous`; here is what they are asked of.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from ..models.catalog import nnlif
from ..models.degrees import whole
from ..models.discrete_degrees import FixedDegree
from ..models.lif import LIF, Dictionary, require_neuron
from ..models.network import Network
from ..models.population import Population
from ..models.refractory import FixedRefractory
from ..models.spiking import Projection, SpikingNetwork
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array
from .intervals import isi_moments
from .siegert import siegert_rate

FARTHEST = 500.0
"""|μ − V_th|/σ of a balanced limit that is not looked beyond: the linear rates are then next to 0 or to 1/τ_ref."""


@dataclass(frozen=True)
class BrunelNetwork:
    """Excitatory and inhibitory neurons alike: each receives C_E jumps J, γ C_E jumps −gJ and C_ext external jumps J.

        μ = C_ext J τ ν_ext + C_E J τ (1 − γg) ν,   σ² = C_ext J² τ ν_ext + C_E J² τ (1 + γg²) ν,   ν = φ(μ, σ)

    τ is the membrane time constant of `neuron`. As an equation for the density it is `fp.nnlif` (see `population`) with

        b = C_E J (1 − γg)/s,   a1 = C_E J² (1 + γg²)/(2s²),   I = C_ext J τ ν_ext/s,   a0 = C_ext J² τ ν_ext/(2s²).

    Parameters
    ----------
    neuron : LIF
    C_E : float
        Excitatory synapses per neuron from the network, positive.
    gamma : float
        Inhibitory over excitatory synapses, γ = C_I/C_E ≥ 0.
    J : float
        Jump of the potential at an excitatory spike, positive (potential).
    g : float
        Inhibitory jumps are −gJ, g ≥ 0. Inhibition prevails for g > 1/γ.
    nu_ext : float
        Rate of each external synapse, positive (1/time): without it a silent network has no noise at all.
    C_ext : float, optional
        External synapses per neuron. Default: C_E.
    delay : float
        Transmission delay, zero or positive (time). Default: 0, which `sample` refuses.

    Raises
    ------
    InvalidArgument
        If a number is out of range.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183, model A, section 3.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> network = BrunelNetwork(neuron, C_E=1000, gamma=0.25, J=0.1, g=5.0, nu_ext=20.0, delay=0.0015)
    >>> network.threshold_rate
    10.0
    >>> round(network.population().coupling.b, 12), round(network.population().noise.a1, 12)
    (-2.5, 0.3625)
    """

    neuron: LIF
    C_E: float
    gamma: float
    J: float
    g: float
    nu_ext: float
    C_ext: float | None = None
    delay: float = 0.0

    def __post_init__(self) -> None:
        require_neuron(self.neuron)
        if self.C_ext is None:
            object.__setattr__(self, "C_ext", self.C_E)
        laws = {
            "C_E": positive,
            "gamma": non_negative,
            "J": positive,
            "g": non_negative,
            "nu_ext": positive,
            "C_ext": positive,
            "delay": non_negative,
        }
        for name, law in laws.items():
            object.__setattr__(self, name, law(name, getattr(self, name)))

    @property
    def external_synapses(self) -> float:
        """C_ext, by default C_E."""
        assert self.C_ext is not None  # filled in above
        return self.C_ext

    @property
    def threshold_rate(self) -> float:
        """ν_thr = (V_th − E_l)/(C_ext J τ): the external rate that alone brings the mean input to the threshold."""
        return (self.neuron.V_th - self.neuron.E_l) / (self.external_synapses * self.J * self.neuron.tau_m)

    # -- the interface that every network of this module has -----------------------------------------------------

    names = ("neurons",)

    @property
    def neurons(self) -> tuple[LIF, ...]:
        """One population: excitatory and inhibitory neurons fire at one rate."""
        return (self.neuron,)

    @property
    def mu_ext(self) -> np.ndarray:
        """Mean external input, shape (1,) (potential)."""
        return np.array([self.external_synapses * self.J * self.neuron.tau_m * self.nu_ext])

    @property
    def sigma_ext(self) -> np.ndarray:
        """Intensity of the external noise, shape (1,) (potential)."""
        return np.sqrt(self.J * self.mu_ext)

    @property
    def mean_gain(self) -> np.ndarray:
        """τ C_E J (1 − γg), shape (1, 1): mean input per rate of the network."""
        return np.array([[self.neuron.tau_m * self.C_E * self.J * (1.0 - self.gamma * self.g)]])

    @property
    def variance_gain(self) -> np.ndarray:
        """τ C_E J² (1 + γg²), shape (1, 1): σ² per rate of the network."""
        return np.array([[self.neuron.tau_m * self.C_E * self.J**2 * (1.0 + self.gamma * self.g**2)]])

    @property
    def delays(self) -> np.ndarray:
        """The delay, shape (1, 1)."""
        return np.array([[self.delay]])

    def population(self, unit: float | None = None) -> Population:
        """The same network as `fp.nnlif`, with potentials in `unit` (default V_th − V_r) and times in τ_m."""
        words = self.neuron.dictionary(unit)
        b, a1 = words.coupling([self.C_E, self.gamma * self.C_E], [self.J, -self.g * self.J])
        return words.population(float(self.mu_ext[0]), float(self.sigma_ext[0]), b, a1, self.delay)

    def model(self) -> Population:
        """What `fp.stationary_states`, `fp.spectrum` and `fp.solve` take: the same as `population()`."""
        return self.population()

    def sample(self, count: int, seed: int = 0) -> SpikingNetwork:
        """N neurons with synapses drawn at random, the first N/(1 + γ) excitatory: see `LIFNetwork.sample`.

        Raises
        ------
        InvalidArgument
            As there, or if the `delay` is zero.
        """
        if not self.delay:
            raise InvalidArgument("`delay` must be positive for an actual network; give the BrunelNetwork a `delay`.")
        excitatory = round(whole("count", count) / (1.0 + self.gamma))
        if not 0 < excitatory < count:
            raise InvalidArgument(f"`count` = {count} leaves no neurons of one kind at `gamma` = {self.gamma:g}.")
        return self.two_populations().sample([excitatory, count - excitatory], seed)

    def two_populations(self) -> LIFNetwork:
        """The same network with its excitatory and its inhibitory neurons apart."""
        C = np.array([self.C_E, self.gamma * self.C_E])
        J = np.array([self.J, -self.g * self.J])
        return LIFNetwork(
            {"E": self.neuron, "I": self.neuron},
            C=np.stack([C, C]),
            J=np.stack([J, J]),
            C_ext=self.external_synapses,
            J_ext=self.J,
            nu_ext=self.nu_ext,
            delays=self.delay,
        )


@dataclass(frozen=True, eq=False, init=False, repr=False)
class LIFNetwork:
    """P populations of leaky integrate-and-fire neurons; a neuron of α receives C_αβ synapses J_αβ from β.

        μ_α = μ_ext,α + C_ext,α J_ext,α τ_α ν_ext,α + τ_α Σ_β C_αβ J_αβ ν_β,
        σ_α² = σ_ext,α² + C_ext,α J_ext,α² τ_α ν_ext,α + τ_α Σ_β C_αβ J_αβ² ν_β,   ν_α = φ_α(μ_α, σ_α)

    Rows receive, columns fire. As an equation for the densities it is an `fp.Network` (see `model`): each population in
    its own unit s_α = V_th − V_r, the common time in units of the first membrane time constant τ_1, so that rates are
    N_α = τ_1 ν_α, with J = C_αβ J_αβ/s_α, noise C_αβ J_αβ²/(2s_α²), delays d_αβ/τ_1 and time constants τ_α/τ_1.

    Parameters
    ----------
    neurons : mapping of names to LIF, or sequence of LIF
    C : array, shape (P, P)
        Synapses per neuron, zero or positive.
    J : array, shape (P, P)
        Jump of the potential at one spike, negative for inhibition (potential).
    mu_ext, sigma_ext : number or array, shape (P,)
        External white noise (potential).
    C_ext, J_ext, nu_ext : number or array, shape (P,)
        External Poisson spikes: synapses, jumps (potential), rates (1/time).
    delays : number or array, shape (P, P)
        Transmission delays, zero or positive (time).

    Raises
    ------
    InvalidArgument
        If shapes do not fit, a number is out of range, or a population has no external noise.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183, model B, appendix.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> J = [[0.1, -0.5], [0.1, -0.5]]
    >>> network = LIFNetwork({"E": neuron, "I": neuron}, [[1000, 250]] * 2, J, C_ext=1000, J_ext=0.1, nu_ext=20.0)
    >>> network.model().J.round(12).tolist()
    [[10.0, -12.5], [10.0, -12.5]]
    """

    names: tuple[str, ...]
    neurons: tuple[LIF, ...]
    C: np.ndarray
    J: np.ndarray
    mu_ext: np.ndarray
    sigma_ext: np.ndarray
    delays: np.ndarray

    def __init__(
        self,
        neurons: Mapping[str, LIF] | Sequence[LIF],
        C: ArrayLike,
        J: ArrayLike,
        mu_ext: ArrayLike = 0.0,
        sigma_ext: ArrayLike = 0.0,
        C_ext: ArrayLike = 0.0,
        J_ext: ArrayLike = 0.0,
        nu_ext: ArrayLike = 0.0,
        delays: ArrayLike = 0.0,
    ) -> None:
        names, members = named_neurons(neurons)
        count = len(members)
        vector, square = (count,), (count, count)
        tau = np.array([neuron.tau_m for neuron in members])
        C_ext, nu_ext = (
            _table(name, value, vector, signed=False) for name, value in {"C_ext": C_ext, "nu_ext": nu_ext}.items()
        )
        jump = _table("J_ext", J_ext, vector)
        sigma = _table("sigma_ext", sigma_ext, vector, signed=False)
        values = {
            "names": names,
            "neurons": members,
            "C": _table("C", C, square, signed=False),
            "J": _table("J", J, square),
            "mu_ext": _table("mu_ext", mu_ext, vector) + C_ext * jump * tau * nu_ext,
            "sigma_ext": np.sqrt(sigma**2 + C_ext * jump**2 * tau * nu_ext),
            "delays": _table("delays", delays, square, signed=False),
        }
        for name, value in values.items():
            object.__setattr__(self, name, frozen(value) if isinstance(value, np.ndarray) else value)
        for name, intensity in zip(names, self.sigma_ext, strict=True):
            if intensity == 0.0:
                raise InvalidArgument(
                    f"population {name!r} has no external noise, so that it has none when the network is silent; give "
                    f"it a positive `sigma_ext`, or spikes by `C_ext`, `J_ext` and `nu_ext`."
                )

    def __repr__(self) -> str:
        return f"LIFNetwork({', '.join(self.names)})"

    @property
    def mean_gain(self) -> np.ndarray:
        """τ_α C_αβ J_αβ, shape (P, P)."""
        return self._tau[:, None] * self.C * self.J

    @property
    def variance_gain(self) -> np.ndarray:
        """τ_α C_αβ J_αβ², shape (P, P)."""
        return self._tau[:, None] * self.C * self.J**2

    @property
    def _tau(self) -> np.ndarray:
        return np.array([neuron.tau_m for neuron in self.neurons])

    def with_delay(self, delay: float) -> LIFNetwork:
        """The same network with one delay on all synapses (time)."""
        return LIFNetwork(
            dict(zip(self.names, self.neurons, strict=True)),
            self.C,
            self.J,
            mu_ext=self.mu_ext,
            sigma_ext=self.sigma_ext,
            delays=delay,
        )

    def sample(self, counts: Sequence[int], seed: int = 0) -> SpikingNetwork:
        """Actual neurons, each with C_αβ different presynaptic partners drawn at random, for `fp.simulate_lif`.

        External spikes are the white noise of their mean and variance.

        Parameters
        ----------
        counts : sequence of int
            Neurons of each population.
        seed : int

        Raises
        ------
        InvalidArgument
            If a number of synapses is not whole or exceeds that of the neurons, there is not one positive delay, or the
            seed is negative or not whole.
        """
        seed = _checked_seed(seed)
        sizes = [whole("counts", count) for count in counts]
        if len(sizes) != len(self.names):
            raise InvalidArgument(f"`counts` must have one number for each of {', '.join(self.names)}.")
        if np.any(np.round(self.C) != self.C):
            raise InvalidArgument(f"`C` = {self.C.tolist()} must be whole numbers for an actual network.")
        if np.ptp(self.delays) or not self.delays.flat[0]:
            raise InvalidArgument("`delays` must be one positive number for an actual network.")
        projections: list[Projection] = []
        for (post, pre), degree in np.ndenumerate(self.C):
            if degree:
                partners = None if post == pre else sizes[pre]
                graph = FixedDegree(int(degree)).graph(sizes[post], seed + len(projections), partners)
                projections.append(Projection(self.J[post, pre] * graph, None, post, pre))
        neurons = list(zip(self.neurons, sizes, strict=True))
        return SpikingNetwork(neurons, projections, self.mu_ext, self.sigma_ext, float(self.delays.flat[0]))

    @cached_property
    def dictionaries(self) -> tuple[Dictionary, ...]:
        """Of every population, in its own unit of potential."""
        return tuple(neuron.dictionary() for neuron in self.neurons)

    def model(self) -> Network:
        """What `fp.stationary_states`, `fp.spectrum` and `fp.solve` take."""
        clock = self._tau[0]
        units = np.array([words.unit for words in self.dictionaries])[:, None]
        populations = {}
        for k, (name, words) in enumerate(zip(self.names, self.dictionaries, strict=True)):
            current, diffusion = words.input(self.mu_ext[k], self.sigma_ext[k])
            populations[name] = nnlif(
                b=0.0,
                a0=float(diffusion),
                V_R=words.V_R,
                V_F=words.V_F,
                external=float(current),
                refractory=FixedRefractory(words.silence) if words.silence else None,
            )
        return Network(
            populations,
            J=self.C * self.J / units,
            noise=0.5 * self.C * (self.J / units) ** 2,
            delays=self.delays / clock,
            time_constants=self._tau / clock,
        )


SparseNetwork = BrunelNetwork | LIFNetwork


def input_of(network: SparseNetwork, rates: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """(μ, σ) of every population at these rates, each of shape (P,)."""
    rates = np.asarray(rates, dtype=float)
    mu = network.mu_ext + network.mean_gain @ rates
    return mu, np.sqrt(network.sigma_ext**2 + network.variance_gain @ rates)


# -- the limit of dense networks ----------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class DenseBalance:
    """What becomes of a network in which K synapses of strength 1/√K per pair of populations balance.

        J_αβ = j_αβ/√K,   μ_α = √K τ_α (Σ_β j_αβ ν_β + j_ext,α ν_ext,α),
        Σ_β j_αβ ν_β + j_ext,α ν_ext,α → 0 as K → ∞,   σ_α² = τ_α (Σ_β j_αβ² ν_β + j_ext,α² ν_ext,α)

    Each of the inputs is of order √K; only rates at which they cancel are possible, and these are linear in the drive.
    What is left, μ_α = O(1), is whatever makes a neuron with the noise σ_α fire at ν_α: fluctuations remain, and so
    does irregular firing. The next order is known as well: ν(K) = ν + `correction`/√K + O(1/K). At small K there may be
    other states besides (`fp.balanced_states`), such as a silent one.

    Attributes
    ----------
    names, neurons : tuples
    rates : array, shape (P,)
        ν (1/time).
    mu, sigma, cv : arrays, shape (P,)
        Residual mean input, noise (potential), coefficient of variation of the intervals, all for K → ∞.
    correction : array, shape (P,)
        j⁻¹ (μ/τ): the coefficient of 1/√K (1/time).
    j : array, shape (P, P)
    j_ext, nu_ext : arrays, shape (P,)
    delays : array, shape (P, P)
    """

    names: tuple[str, ...]
    neurons: tuple[LIF, ...]
    rates: np.ndarray
    mu: np.ndarray
    sigma: np.ndarray
    cv: np.ndarray
    correction: np.ndarray
    j: np.ndarray
    j_ext: np.ndarray
    nu_ext: np.ndarray
    delays: np.ndarray

    def network(self, K: float) -> LIFNetwork:
        """The network with K synapses per pair of populations, and K external ones, of strength j/√K."""
        K = positive("K", K)
        return LIFNetwork(
            dict(zip(self.names, self.neurons, strict=True)),
            C=np.full(self.j.shape, K),
            J=self.j / math.sqrt(K),
            C_ext=K,
            J_ext=self.j_ext / math.sqrt(K),
            nu_ext=self.nu_ext,
            delays=self.delays,
        )


def dense_balance(
    neurons: Mapping[str, LIF] | Sequence[LIF],
    j: ArrayLike,
    j_ext: ArrayLike,
    nu_ext: ArrayLike,
    delays: ArrayLike = 0.0,
) -> DenseBalance:
    """The balanced state of a network whose K synapses per pair have the strength j_αβ/√K, as K → ∞.

        Σ_β j_αβ ν_β + j_ext,α ν_ext,α = 0

    For an excitatory and an inhibitory population with drive j_E ν, j_I ν it exists, with positive rates, if
    j_E/j_I > j_EI/j_II > j_EE/j_IE or both signs are turned round (moduli of the entries; the first order is the one
    that is stable).

    Parameters
    ----------
    neurons : mapping of names to LIF, or sequence of LIF
    j : array, shape (P, P)
        √K times the jumps, negative for inhibition (potential).
    j_ext : number or array, shape (P,)
        √K times the jumps of the external synapses (potential).
    nu_ext : number or array, shape (P,)
        Rate of each of the K external synapses (1/time).
    delays : number or array, shape (P, P)
        Transmission delays (time), for `DenseBalance.network`.

    Raises
    ------
    InvalidArgument
        If `j` is singular, a rate of the solution is not positive or not below 1/τ_ref: then there is no balance.

    Source: van Vreeswijk, Sompolinsky, Neural Comput. 10 (1998) 1321, section 3 (binary neurons, the same equations for
    the rates); Renart et al., Science 327 (2010) 587. The noise-driven μ and the correction: expand ν = φ in 1/√K.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> limit = dense_balance({"E": neuron, "I": neuron}, [[4.0, -10.0], [5.0, -9.0]], [6.0, 4.0], nu_ext=10.0)
    >>> limit.rates.round(9).tolist()
    [10.0, 10.0]
    """
    names, members = named_neurons(neurons)
    count = len(members)
    weights = _table("j", j, (count, count))
    drive, rate = _table("j_ext", j_ext, (count,)), _table("nu_ext", nu_ext, (count,), signed=False)
    lags = _table("delays", delays, (count, count), signed=False)
    if np.linalg.matrix_rank(weights) < count:
        raise InvalidArgument("`j` is singular: its inputs cannot balance an arbitrary drive; change one entry.")
    rates = -np.linalg.solve(weights, drive * rate)
    for name, neuron, nu in zip(names, members, rates, strict=True):
        if nu <= 0.0:
            raise InvalidArgument(
                f"`j` and `j_ext` do not balance: population {name!r} would fire at {nu:.4g}; for two populations "
                f"j_E/j_I > j_EI/j_II > j_EE/j_IE is needed, so strengthen the drive of {name!r} or the inhibition."
            )
        if nu >= neuron.highest_rate:
            raise InvalidArgument(
                f"`nu_ext` is too large: population {name!r} would fire at {nu:.4g}, above 1/τ_ref = "
                f"{neuron.highest_rate:.4g}."
            )
    tau = np.array([neuron.tau_m for neuron in members])
    sigma = np.sqrt(tau * (weights**2 @ rates + drive**2 * rate))
    mu = np.array([_mean_for(neuron, float(s), float(nu)) for neuron, s, nu in zip(members, sigma, rates, strict=True)])
    cv = np.array([isi_moments(m, s, neuron).cv for neuron, m, s in zip(members, mu, sigma, strict=True)])
    correction = np.linalg.solve(weights, mu / tau)
    arrays = (rates, mu, sigma, cv, correction, weights, drive, rate, lags)
    return DenseBalance(names, members, *(frozen(array) for array in arrays))


def _mean_for(neuron: LIF, sigma: float, rate: float) -> float:
    """The μ at which φ(μ, σ) = ν."""
    target = math.log(rate)

    def excess(x: float) -> float:
        return math.log(float(siegert_rate(neuron.V_th - neuron.E_l + x * sigma, sigma, neuron))) - target

    low, high = -1.0, 1.0
    while excess(low) > 0.0 and low > -25.0:
        low *= 2.0
    while excess(high) < 0.0 and high < FARTHEST * max(1.0, (neuron.V_th - neuron.V_r) / sigma):
        high *= 2.0
    return neuron.V_th - neuron.E_l + sigma * float(brentq(excess, low, high, xtol=1e-13))


# -- arguments -------------------------------------------------------------------------------------------------------


def require_network(network: object) -> SparseNetwork:
    """The network itself, or a refusal."""
    if not isinstance(network, BrunelNetwork | LIFNetwork):
        raise InvalidArgument(f"`network` must be an fp.BrunelNetwork or an fp.LIFNetwork, not {network!r:.80}.")
    return network


def _checked_seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidArgument(f"`seed` must be a whole number, zero or positive, not {seed!r}.")
    return int(seed)


def named_neurons(neurons: object) -> tuple[tuple[str, ...], tuple[LIF, ...]]:
    if isinstance(neurons, Mapping):
        names, members = tuple(neurons), tuple(neurons.values())
    elif isinstance(neurons, Sequence) and not isinstance(neurons, str):
        names, members = tuple(str(k) for k in range(len(neurons))), tuple(neurons)
    else:
        raise InvalidArgument(f"`neurons` must be a mapping of names to fp.LIF or a list of them, not {neurons!r:.80}.")
    if not members:
        raise InvalidArgument("`neurons` is empty; a network has at least one population.")
    for member in members:
        require_neuron(member, "neurons")
    return names, members


def _table(name: str, value: Any, shape: tuple[int, ...], signed: bool = True) -> np.ndarray:
    """An array of this shape; a number stands for all its entries."""
    array = real_array(name, value)
    if array.shape not in ((), shape):
        raise InvalidArgument(f"`{name}` has the shape {array.shape}; give a number or an array of shape {shape}.")
    for entry in array.ravel().tolist():
        (finite_number if signed else non_negative)(name, entry)
    return np.array(np.broadcast_to(array, shape))
