"""The neuron in the units of the laboratory, and the dictionary between them and the dimensionless equation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..outcomes import InvalidArgument, finite_number, non_negative, positive, real_array
from .catalog import nnlif
from .drift import Leak
from .population import Population, require_population
from .refractory import FixedRefractory, NoRefractory
from .threshold import HardThreshold


def finite_values(name: str, value: object, least: float = -np.inf) -> np.ndarray:
    """Finite numbers of at least `least`, as an array of the shape of `value`."""
    values = real_array(name, value)
    if not np.all(np.isfinite(values)):
        raise InvalidArgument(f"`{name}` must be finite, not {value!r:.60}; leave out what is NaN or infinite.")
    if np.any(values < least):
        raise InvalidArgument(f"`{name}` must be at least {least:g}, but holds {np.min(values):g}.")
    return values


def known_values(name: str, value: object) -> np.ndarray:
    """Numbers, of which some may be infinite as rates at a blow-up are."""
    values = real_array(name, value)
    if np.any(np.isnan(values)):
        raise InvalidArgument(f"`{name}` holds NaN; leave out, with np.isnan, what is not known.")
    return values


def broadcast_values(given: dict[str, tuple[ArrayLike, float]]) -> list[np.ndarray]:
    """Arrays of one shape from finite numbers or arrays by name, each with its least value."""
    values = [finite_values(name, value, least) for name, (value, least) in given.items()]
    try:
        return list(np.broadcast_arrays(*values))
    except ValueError:
        shapes = ", ".join(f"`{name}` {value.shape}" for name, value in zip(given, values, strict=True))
        raise InvalidArgument(f"these shapes do not broadcast: {shapes}; add axes, as in x[:, None].") from None


@dataclass(frozen=True)
class LIF:
    """The leaky integrate-and-fire neuron under white noise.

        τ_m dV = (E_l − V + μ) dt + σ √τ_m dW,   V = V_th: a spike, silence for τ_ref, V = V_r

    Without a threshold V has the variance σ²/2. Any consistent units do: with times in seconds and potentials in
    millivolts, μ and σ are in millivolts and rates in hertz.

    Parameters
    ----------
    tau_m : float
        Membrane time constant τ_m > 0 (time).
    V_th, V_r : float
        Threshold and reset, V_r < V_th (potential).
    E_l : float
        Resting potential (potential). The mean input μ is measured from it.
    tau_ref : float
        Refractory time τ_ref ≥ 0 (time).

    Raises
    ------
    InvalidArgument
        If a parameter is not finite or out of range, or V_r ≥ V_th.

    Source: Brunel, J. Comput. Neurosci. 8 (2000) 183, eq. (1) and section 3.

    >>> LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002).highest_rate
    500.0
    """

    tau_m: float
    V_th: float
    V_r: float
    E_l: float = 0.0
    tau_ref: float = 0.0

    def __post_init__(self) -> None:
        for name, law in (
            ("tau_m", positive),
            ("V_th", finite_number),
            ("V_r", finite_number),
            ("E_l", finite_number),
            ("tau_ref", non_negative),
        ):
            object.__setattr__(self, name, law(name, getattr(self, name)))
        if self.V_r >= self.V_th:
            raise InvalidArgument(f"`V_r` = {self.V_r:g} must lie below `V_th` = {self.V_th:g}; swap them?")

    @property
    def highest_rate(self) -> float:
        """1/τ_ref, which no input exceeds; infinite without refractory time."""
        return 1.0 / self.tau_ref if self.tau_ref else np.inf

    def dictionary(self, unit: float | None = None) -> Dictionary:
        """The dimensionless variables of this neuron, with potentials in `unit` (default V_th − V_r)."""
        return Dictionary(self, self.V_th - self.V_r if unit is None else unit)


def require_neuron(neuron: object, name: str = "neuron") -> None:
    """Refuse what is no LIF."""
    if not isinstance(neuron, LIF):
        raise InvalidArgument(f"`{name}` must be an fp.LIF, not {neuron!r:.60}.")


@dataclass(frozen=True)
class Dictionary:
    """Between a neuron in the units of the laboratory and the dimensionless equation: every quantity, both ways.

        v = (V − E_l)/s,   time in units of τ_m,   N = τ_m ν,   I = μ/s,   a = σ²/(2s²),
        V_F = (V_th − E_l)/s,   V_R = (V_r − E_l)/s,   τ = τ_ref/τ_m,   n(v) = s p(V)

    and, where each of C synapses per neuron moves V by J at a spike,

        b = Σ C J/s,   a1 = Σ C J²/(2s²)

    Every method takes numbers or arrays; what is no number, NaN or a negative σ, a or C is refused.

    Parameters
    ----------
    neuron : LIF
    unit : float
        s > 0 (potential). Nothing measurable depends on it; with s = V_th − V_r, E_l = 0, V_th = 20, V_r = 10 become
        the V_F = 2, V_R = 1 of the mathematical literature.

    >>> words = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002).dictionary()
    >>> I, a = words.input(15.0, 5.0)
    >>> float(I), float(a)
    (1.5, 0.125)
    >>> words.population(15.0, 5.0).V_F
    2.0
    """

    neuron: LIF
    unit: float

    def __post_init__(self) -> None:
        require_neuron(self.neuron)
        object.__setattr__(self, "unit", positive("unit", self.unit))

    @classmethod
    def of(cls, model: Population, tau_m: float, unit: float, E_l: float = 0.0) -> Dictionary:
        """The dictionary by which `model` (leak, hard threshold) is a neuron with the given τ_m, s and E_l."""
        require_population(model)
        refractory = model.refractory
        if not isinstance(model.drift, Leak) or not isinstance(model.threshold, HardThreshold):
            raise InvalidArgument(f"`model` must have the leak drift and the hard threshold of fp.LIF, not {model!r}.")
        if not isinstance(refractory, NoRefractory | FixedRefractory):
            raise InvalidArgument(f"`model` must have no refractory time or a fixed one, not {refractory!r}.")
        tau_m, unit = positive("tau_m", tau_m), positive("unit", unit)
        V_th, V_r = (E_l + unit * v for v in (model.V_F, model.V_R))
        return cls(LIF(tau_m, V_th, V_r, E_l, tau_m * refractory.mean_duration), unit)

    @property
    def V_F(self) -> float:
        return (self.neuron.V_th - self.neuron.E_l) / self.unit

    @property
    def V_R(self) -> float:
        return (self.neuron.V_r - self.neuron.E_l) / self.unit

    @property
    def silence(self) -> float:
        """τ_ref/τ_m."""
        return self.neuron.tau_ref / self.neuron.tau_m

    def input(self, mu: ArrayLike, sigma: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(I, a) of (μ, σ), σ ≥ 0."""
        mean, noise = finite_values("mu", mu)[()], finite_values("sigma", sigma, 0.0)[()]
        return mean / self.unit, 0.5 * (noise / self.unit) ** 2

    def drive(self, current: ArrayLike, diffusion: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """(μ, σ) of (I, a), a ≥ 0: the inverse of `input`."""
        mean, noise = finite_values("current", current)[()], finite_values("diffusion", diffusion, 0.0)[()]
        return self.unit * mean, self.unit * np.sqrt(2.0 * noise)

    def coupling(self, count: ArrayLike, jump: ArrayLike) -> tuple[float, float]:
        """(b, a1) of C ≥ 0 synapses with the jumps J; of several kinds, arrays of one length."""
        number, size = finite_values("count", count, 0.0), finite_values("jump", jump) / self.unit
        if number.shape != size.shape:
            raise InvalidArgument(
                f"`count` has the shape {number.shape}, `jump` {size.shape}; give one number of synapses and one jump "
                f"for each kind."
            )
        return float(np.sum(number * size)), float(0.5 * np.sum(number * size**2))

    def activity(self, rate: ArrayLike) -> np.ndarray:
        """N = τ_m ν."""
        return self.neuron.tau_m * known_values("rate", rate)[()]

    def rate(self, activity: ArrayLike) -> np.ndarray:
        """ν = N/τ_m."""
        return known_values("activity", activity)[()] / self.neuron.tau_m

    def voltage(self, v: ArrayLike) -> np.ndarray:
        """V = E_l + s v."""
        return self.neuron.E_l + self.unit * known_values("v", v)[()]

    def potential(self, V: ArrayLike) -> np.ndarray:
        """v = (V − E_l)/s."""
        return (known_values("V", V)[()] - self.neuron.E_l) / self.unit

    def seconds(self, t: ArrayLike) -> np.ndarray:
        """Dimensionless times in the neuron's unit of time."""
        return self.neuron.tau_m * known_values("t", t)[()]

    def clock(self, time: ArrayLike) -> np.ndarray:
        """Times over τ_m: the inverse of `seconds`."""
        return known_values("time", time)[()] / self.neuron.tau_m

    def population(self, mu: float, sigma: float, b: float = 0.0, a1: float = 0.0, delay: float = 0.0) -> Population:
        """The equation's model under the external input (μ, σ); `b` and `a1` from `coupling`, `delay` in seconds."""
        current, diffusion = self.input(finite_number("mu", mu), non_negative("sigma", sigma))
        return nnlif(
            b=b,
            a0=float(diffusion),
            a1=a1,
            V_R=self.V_R,
            V_F=self.V_F,
            external=float(current),
            refractory=FixedRefractory(self.silence) if self.silence else None,
            delay=non_negative("delay", delay) / self.neuron.tau_m,
        )
