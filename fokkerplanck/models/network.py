"""Several populations, each with laws of its own, coupled through a matrix of rates."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any

import numpy as np

from ..outcomes import InvalidArgument, number_in, real_array
from ..state import CompatibleGaussian, FromArray, FromFunction, Gaussian, InitialDensity, as_density
from .catalog import nnlif
from .coupling import Current, MeanFieldCoupling
from .noise import ActivityNoise
from .population import Population
from .refractory import Refractory
from .threshold import Threshold
from .voltage import CURRENT_SAMPLES, VoltageModel, rough_rate
from .wiring import AffineWiring, Synapses, as_matrix

SETTLING = 60
"""Sweeps of the quick estimate of how strongly the populations push each other."""
SHOWN = 4
"""Names that a network prints."""
FASTEST = 100.0
"""Rate at which that estimate stops: what blows up needs no wider grid."""


@dataclass(frozen=True, eq=False, init=False)
class Network(VoltageModel):
    """K populations, coupled through a matrix of rates. For population α, with its membrane time constant τ_α,

        ∂t n_α + ∂v[((f_α(v) + I_α)/τ_α + Σ_β J_αβ N_β(t − d_αβ)) n_α] − a_α ∂vv n_α = S_α δ(v − V_R,α),
        a_α = a0_α/τ_α + Σ_β a1_αβ N_β(t − d_αβ),   N_α = −a_α ∂v n_α(V_F,α) (or ∫ k n_α dv/τ_α),   ∫ n_α dv + R_α = 1.

    J_αβ is how far one spike of every neuron of β moves a neuron of α: row = who receives, column = who fires. Its
    sign is that of the effect. Each population has its own V_R, V_F, drift, noise a0, external current, refractory and
    threshold law, given in its own membrane time; rates of the network are spikes per unit of the common time.

    Parameters
    ----------
    populations : sequence of Population, or mapping of names to them
        For example `[fp.nnlif(b=0.0), fp.nnlif(b=0.0, a0=0.5)]`, without a coupling of their own (b = a1 = delay = 0).
    J : array, shape (K, K)
        Connectivity; positive excites, negative inhibits (dimensionless).
    noise : array, shape (K, K), or number, optional
        a1_αβ ≥ 0, diffusion per unit of the rate of β; a number stands for all pairs. Default none.
    delays : array, shape (K, K), or number
        Transmission delays d_αβ ≥ 0 from β to α; a number stands for all pairs.
    time_constants : sequence of K numbers, or number
        Membrane time constants τ_α > 0, in units of the common time.

    Raises
    ------
    InvalidArgument
        If shapes do not fit, a number is out of range, or a population has a coupling of its own.

    Notes
    -----
    All lanes share one voltage grid: that of the first population. The potential of another one is mapped to it by
    v ↦ V_R,1 + (v − V_R,α)/s_α, s_α = (V_F,α − V_R,α)/(V_F,1 − V_R,1), the identity where thresholds and resets are
    equal; `potentials(v)` maps back. The densities of a solution or a State are per unit of the potential of the grid,
    and so are moments of them; `solution.lane(name)` has them in the population's own. Initial densities are given in
    each population's own potential, arrays of cell averages in that of the grid.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183; Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587.

    >>> network = Network({"E": nnlif(b=0.0), "I": nnlif(b=0.0)}, J=[[0.5, -0.25], [0.25, -1.0]])
    >>> network.names, network.lanes
    (('E', 'I'), 2)
    """

    populations: tuple[Population, ...]
    names: tuple[str, ...]
    J: np.ndarray
    noise: np.ndarray
    delays: np.ndarray
    time_constants: np.ndarray

    def __init__(
        self,
        populations: Sequence[Population] | Mapping[str, Population],
        J: Any,
        noise: Any = None,
        delays: Any = 0.0,
        time_constants: Any = 1.0,
        names: Sequence[str] | None = None,
    ) -> None:
        if names is not None:
            if isinstance(populations, Mapping) or len(names) != len(populations):
                raise InvalidArgument("`names` must be one for each of a list of `populations`; a mapping has its own.")
            populations = dict(zip(names, populations, strict=True))
            if len(populations) != len(names):
                raise InvalidArgument(f"`names` = {tuple(names)!r} names two populations alike.")
        if isinstance(populations, Mapping):
            labels, members = tuple(populations), tuple(populations.values())
            for name in labels:
                if not isinstance(name, str) or not name:  # 1 and "1" would be two populations of one name
                    raise InvalidArgument(f"`populations` must be named by texts, such as 'E' and 'I', not {name!r}.")
        else:
            if isinstance(populations, Population | str) or not isinstance(populations, Sequence):
                raise InvalidArgument(
                    f"`populations` must be a list of populations, such as [fp.nnlif(b=0.0)], not {populations!r}."
                )
            members = tuple(populations)
            labels = tuple(str(k) for k in range(len(members)))
        if not members:
            raise InvalidArgument("`populations` is empty; a network has at least one.")
        for name, member in zip(labels, members, strict=True):
            if not isinstance(member, Population):
                raise InvalidArgument(
                    f"population {name!r} in `populations` must be one such as fp.nnlif(b=0.0), not {member!r:.80}."
                )
            coupling = member.coupling
            if coupling.gain or member.noise.gain or coupling.delay:
                raise InvalidArgument(
                    f"population {name!r} has its own coupling (b = {coupling.gain:g}, a1 = {member.noise.gain:g}, "
                    f"delay = {coupling.delay:g}); build it with b=0, and give these in `J`, `noise` and `delays`."
                )
        count = len(members)
        values = {
            "populations": members,
            "names": labels,
            "J": as_matrix("J", J, count)
            if isinstance(J, Sequence | np.ndarray) or count == 1
            else _no_matrix(J, count),
            "noise": _not_negative("noise", as_matrix("noise", 0.0 if noise is None else noise, count)),
            "delays": _not_negative("delays", as_matrix("delays", delays, count)),
            "time_constants": _time_constants(time_constants, count),
        }
        for name, value in values.items():
            object.__setattr__(self, name, value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Network):
            return NotImplemented
        arrays = ("J", "noise", "delays", "time_constants")
        return (self.names, self.populations) == (other.names, other.populations) and all(
            np.array_equal(getattr(self, name), getattr(other, name)) for name in arrays
        )

    def __hash__(self) -> int:
        return hash((self.names, tuple(self.J.ravel().tolist()), tuple(self.delays.ravel().tolist())))

    def __repr__(self) -> str:
        shown = ", ".join(self.names[:SHOWN]) + (", …" if self.lanes > SHOWN else "")
        return f"Network({self.lanes} populations: {shown})"

    def with_J(self, J: Any) -> Network:
        """The same network with another connectivity."""
        return Network(self.members, J, self.noise, self.delays, self.time_constants)

    @property
    def members(self) -> dict[str, Population]:
        """The populations by their names."""
        return dict(zip(self.names, self.populations, strict=True))

    # -- the potential of the grid ------------------------------------------------------------------------------

    @cached_property
    def scales(self) -> np.ndarray:
        """s_α = (V_F,α − V_R,α)/(V_F,1 − V_R,1), shape (lanes,)."""
        gaps = np.array([member.V_F - member.V_R for member in self.populations])
        return np.asarray(gaps / gaps[0])

    def potentials(self, v: np.ndarray) -> np.ndarray:
        """The potentials of every population at the points v of the grid, shape (lanes, len(v))."""
        v = np.asarray(v, dtype=float)
        rows = [
            v if scale == 1.0 and member.V_R == self.V_R else member.V_R + scale * (v - self.V_R)
            for member, scale in zip(self.populations, self.scales, strict=True)
        ]
        return np.array(rows)

    @property
    def V_F(self) -> float:
        return self.populations[0].V_F

    @property
    def V_R(self) -> float:
        return self.populations[0].V_R

    # -- what the numerics ask ----------------------------------------------------------------------------------

    @property
    def lanes(self) -> int:
        return len(self.populations)

    @property
    def lane_names(self) -> tuple[str, ...]:
        return self.names

    @cached_property
    def absorbing(self) -> np.ndarray:
        return np.array([member.threshold.absorbing for member in self.populations])

    @cached_property
    def silence(self) -> np.ndarray:
        return self.time_constants * [member.refractory.mean_duration for member in self.populations]

    @cached_property
    def latencies(self) -> np.ndarray:
        return self.time_constants * [member.latency for member in self.populations]

    def drift_of_lanes(self, v: np.ndarray) -> np.ndarray:
        return np.stack([
            member.drift_of_lanes(own)[:, 0] / (scale * tau)
            for member, own, scale, tau in zip(
                self.populations, self.potentials(v), self.scales, self.time_constants, strict=True
            )
        ], axis=1)  # fmt: skip

    def hazard_of_lanes(self, v: np.ndarray) -> np.ndarray:
        # A jump of the hazard at V_F must stay there: the mapped potential is not to fall on its other side.
        columns = []
        for member, own, tau in zip(self.populations, self.potentials(v), self.time_constants, strict=True):
            above = v > self.V_F
            own = np.where(above, np.maximum(own, np.nextafter(member.V_F, np.inf)), np.minimum(own, member.V_F))
            columns.append(member.hazard_of_lanes(own)[:, 0] / tau)
        return np.stack(columns, axis=1)

    @cached_property
    def wiring(self) -> AffineWiring:
        groups = []
        for delay in np.unique(self.delays[(self.J != 0.0) | (self.noise != 0.0)]):
            mine = self.delays == delay
            current = np.where(mine, self.J, 0.0) / self.scales[:, None]
            noise = np.where(mine, self.noise, 0.0) / self.scales[:, None] ** 2
            groups.append(Synapses(float(delay), current, noise if np.any(noise) else None))
        moving = any(member.coupling.time_dependent for member in self.populations)
        a0 = [member.noise.a0 for member in self.populations]
        return AffineWiring(
            external=partial(_external, self) if moving else _external(self, 0.0),
            a0=np.array(a0) / (self.scales**2 * self.time_constants),
            synapses=tuple(groups),
        )

    @property
    def quiet_diffusion(self) -> float:
        own = np.array([member.noise.a0 for member in self.populations]) / self.time_constants
        return float(np.min(np.where(own > 0.0, own, 0.1 * self.noise.sum(axis=1)) / self.scales**2))

    @property
    def always_noisy(self) -> bool:
        return all(member.noise.a0 > 0.0 for member in self.populations)

    @property
    def may_blow_up(self) -> bool:
        """Whether rates can beget each other without delay: a loop of excitation among absorbing thresholds.

        Without one every rate follows others with a delay or through a bounded hazard, or is only inhibited.
        """
        from scipy.sparse.csgraph import connected_components

        prompt = (self.delays == 0.0) & self.absorbing[:, None] & self.absorbing
        excites = prompt & ((self.J > 0.0) | (self.noise > 0.0))
        _, loop = connected_components(excites, directed=True, connection="strong")
        return bool(np.any(excites & (loop[:, None] == loop)))

    def densities(self, initial: object) -> tuple[InitialDensity, ...]:
        """One density for all populations, one for each, or a mapping of their names.

        Densities are given in the potential of their population, arrays of cell averages in that of the grid.
        """
        if isinstance(initial, Mapping):
            if set(initial) != set(self.names):
                raise InvalidArgument(
                    f"`initial` names the populations {sorted(map(str, initial))!r:.200}, "
                    f"but those of `model` are {sorted(self.names)}."
                )
            initial = [initial[name] for name in self.names]
        if isinstance(initial, list | tuple) and not initial:
            raise InvalidArgument("`initial` is an empty list; give one density for all populations, or one for each.")
        if isinstance(initial, np.ndarray) and initial.ndim == 2:
            initial = list(initial)
        if isinstance(initial, list | tuple) and not np.isscalar(initial[0]):
            if len(initial) != self.lanes:
                raise InvalidArgument(f"`initial` has {len(initial)} densities for {self.lanes} populations.")
            data = tuple(as_density(datum) for datum in initial)
        else:
            data = (as_density(initial),) * self.lanes
        return tuple(
            datum if scale == 1.0 and member.V_R == self.V_R else _on_grid(datum, member.V_R, self.V_R, float(scale))
            for datum, member, scale in zip(data, self.populations, self.scales, strict=True)
        )

    def lane_potentials(self, k: int) -> tuple[float, float]:
        member = self.populations[k]
        return member.V_R, member.V_F

    def lane_model(self, k: int) -> Population | None:
        others = np.arange(self.lanes) != k
        if np.any(self.J[k, others]) or np.any(self.noise[k, others]) or self.time_constants[k] != 1.0:
            return None
        member = self.populations[k]
        return replace(
            member,
            coupling=replace(member.coupling, b=float(self.J[k, k]), delay=float(self.delays[k, k])),
            noise=replace(member.noise, a1=float(self.noise[k, k])),
        )

    def lowest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """A potential of the grid below which all densities are negligible, under the inhibition of usual rates.

        The rates follow from the drifts and these from the rates: sweeps with a rough rate for each drift find how low
        the currents get. Rates far above may push lower; the solution reports what mass could lie below the grid.
        """
        lowest = []
        external = [_extreme(min, member, t_span) for member in self.populations]
        rates, least = self._usual_rates(external)
        for k, member in enumerate(self.populations):
            pushed = external[k] + self.time_constants[k] * float(np.minimum(self.J[k], 0.0) @ least)
            alone = self._alone(k, pushed, rates)
            lowest.append(self.V_R + (alone.lowest_potential() - member.V_R) / self.scales[k])
        return float(min(lowest))

    def highest_potential(self, t_span: tuple[float, float] | None = None) -> float:
        """V_F, or where thresholds are not absorbing a potential of the grid above which densities are negligible."""
        highest = [self.V_F]
        if self.open:
            external = [_extreme(max, member, t_span) for member in self.populations]
            _, rates = self._usual_rates(external)
            for k, member in enumerate(self.populations):
                pushed = external[k] + self.time_constants[k] * float(np.maximum(self.J[k], 0.0) @ rates)
                alone = self._alone(k, pushed, rates)
                highest.append(self.V_R + (alone.highest_potential() - member.V_R) / self.scales[k])
        return float(max(highest))

    def _alone(self, k: int, current: float, rates: np.ndarray) -> Population:
        """Population k by itself, under a constant current and the noise of these rates."""
        member = self.populations[k]
        a = member.noise.a0 + self.time_constants[k] * float(self.noise[k] @ rates)
        return replace(member, coupling=MeanFieldCoupling(0.0, external=current), noise=ActivityNoise(a))

    def _usual_rates(self, external: Sequence[float]) -> tuple[np.ndarray, np.ndarray]:
        """Rough rates under these currents, settled, and the largest on the way there."""
        own = np.array(external) / self.time_constants
        a0 = np.array([member.noise.a0 for member in self.populations])
        rates = most = np.zeros(self.lanes)
        for _ in range(SETTLING):
            c = self.time_constants * (own + self.J @ rates)
            a = a0 + self.time_constants * (self.noise @ rates)
            aim = [_rough_rate(member, ck, ak) for member, ck, ak in zip(self.populations, c, a, strict=True)]
            rates = 0.5 * (rates + np.minimum(aim / self.time_constants, FASTEST))
            most = np.maximum(most, rates)
        return rates, most


def _on_grid(datum: InitialDensity, V_R: float, origin: float, scale: float) -> InitialDensity:
    """A density given in the potential v of its population, on the grid with the potential u.

    u = origin + (v − V_R)/scale, where the density is `scale` times as high; Gaussians stay Gaussians.
    """
    if isinstance(datum, Gaussian | CompatibleGaussian):
        return type(datum)(origin + (datum.mean - V_R) / scale, datum.variance / scale**2)
    if isinstance(datum, FromFunction):
        return FromFunction(lambda u: datum.function(V_R + scale * (u - origin)))
    assert isinstance(datum, FromArray)  # cell averages are those of the grid already
    return datum


def excitatory_inhibitory(
    b_EE: float,
    b_EI: float,
    b_IE: float,
    b_II: float,
    a0: float | tuple[float, float] = 1.0,
    V_R: float | tuple[float, float] = 1.0,
    V_F: float | tuple[float, float] = 2.0,
    external: Current | tuple[Current, Current] = 0.0,
    refractory: Refractory | tuple[Refractory | None, Refractory | None] | None = None,
    threshold: Threshold | tuple[Threshold | None, Threshold | None] | None = None,
    noise: Any = None,
    delays: Any = 0.0,
    time_constants: float | tuple[float, float] = 1.0,
) -> Network:
    """An excitatory and an inhibitory population, in the sign convention of the papers: all four b are ≥ 0.

        drift of E: −v + b_EE N_E(t − d_EE) − b_EI N_I(t − d_EI) + I_E,
        drift of I: −v + b_IE N_E(t − d_IE) − b_II N_I(t − d_II) + I_I

    The first letter is who receives, the second who fires: the b^α_k of the papers, connectivity from k to α, is b_αk.

    Parameters
    ----------
    b_EE, b_EI, b_IE, b_II : float
        Connectivities, zero or positive (dimensionless); the minus signs of inhibition are in the equation.
    a0, V_R, V_F, external, refractory, threshold, time_constants
        As in `fp.nnlif` and `fp.Network`; one for both populations, or a pair (E, I).
    noise : array, shape (2, 2), or number, optional
        a1_αk ≥ 0, rows E and I.
    delays : array, shape (2, 2), or number
        d_αk ≥ 0, rows E and I.

    Raises
    ------
    InvalidArgument
        If a connectivity is negative, or a parameter out of range.

    Source: Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587, eq. (1.1), without its external firing rate; with
    delays and refractory states ESAIM: Math. Model. Numer. Anal. 52 (2018) 1733.

    >>> excitatory_inhibitory(0.5, 0.25, 0.25, 1.0).J.tolist()
    [[0.5, -0.25], [0.25, -1.0]]
    """
    strengths = {"b_EE": b_EE, "b_EI": b_EI, "b_IE": b_IE, "b_II": b_II}
    for name, strength in strengths.items():
        number_in(name, strength, lambda b: b >= 0.0, "zero or positive: the sign of inhibition is in the equation")
    slots = {"a0": a0, "V_R": V_R, "V_F": V_F, "external": external, "refractory": refractory, "threshold": threshold}
    pairs = {name: _pair(name, value) for name, value in slots.items()}
    populations = {kind: nnlif(b=0.0, **{name: pair[k] for name, pair in pairs.items()}) for k, kind in enumerate("EI")}
    return Network(populations, [[b_EE, -b_EI], [b_IE, -b_II]], noise, delays, time_constants)


def _pair(name: str, value: Any) -> tuple[Any, Any]:
    """One for each of the two populations."""
    if not isinstance(value, tuple | list | np.ndarray):
        return value, value
    if len(value) != 2:
        raise InvalidArgument(f"`{name}` must be one for both populations or a pair (E, I), not {value!r}.")
    return value[0], value[1]


def _external(network: Network, t: float) -> np.ndarray:
    """I_α(t)/τ_α in the potential of the grid, shape (lanes,)."""
    own = np.array([member.coupling.external_at(t) for member in network.populations], dtype=float)
    return np.asarray(own / (network.scales * network.time_constants))


def _no_matrix(J: object, count: int) -> np.ndarray:
    raise InvalidArgument(f"`J` must be a matrix of shape ({count}, {count}), not {J!r}.")


def _not_negative(name: str, matrix: np.ndarray) -> np.ndarray:
    if np.any(matrix < 0.0):
        raise InvalidArgument(f"`{name}` must be zero or positive, but has the entry {matrix.min():g}.")
    return matrix


def _time_constants(value: Any, count: int) -> np.ndarray:
    given = real_array("time_constants", value)
    if given.shape not in ((), (count,)):
        raise InvalidArgument(f"`time_constants` has shape {given.shape}; give one number, or one for each population.")
    constants = np.broadcast_to(given, (count,)).astype(float)
    if not np.all(np.isfinite(constants) & (constants > 0.0)):
        raise InvalidArgument(f"`time_constants` must be positive, not {value!r}.")
    constants.setflags(write=False)
    return constants


def _extreme(which: Callable[..., float], member: Population, t_span: tuple[float, float] | None) -> float:
    """The smallest or largest external current of a run."""
    coupling = member.coupling
    if not coupling.time_dependent:
        return coupling.external_at(0.0)
    if t_span is None:
        raise InvalidArgument("`external` is a function of time: give `grid` the `t_span` of the run, or `v_min`.")
    return which(coupling.external_at(float(t)) for t in np.linspace(*t_span, CURRENT_SAMPLES))


def _rough_rate(member: Population, c: float, a: float) -> float:
    """A rate for the current c and the diffusion a in the member's own time, right to a factor of a few."""
    drift = float(np.mean(member.drift_of_lanes(np.linspace(member.V_R, member.V_F, 9)))) + c
    rate = float(rough_rate(np.asarray(drift), np.asarray(a), member.V_F - member.V_R))
    return rate / (1.0 + rate * member.refractory.mean_duration)
