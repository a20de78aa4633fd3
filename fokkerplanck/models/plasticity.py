"""Synaptic weights that follow the rates of the two neurons they join.

A synapse of weight w from a neuron with the spike trace x̂ to one with the trace ŷ (both in hertz) follows

    dw/dt = source(x̂, ŷ) − decay(x̂, ŷ) w,

and rests at f = source/decay. The mean-field theory reads f, a simulation reads source and decay.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from ..outcomes import InvalidArgument, number_in, positive

Function = Callable[[np.ndarray], np.ndarray]
STRONGEST = 1e30
"""Weights at most."""
PROBES = np.array([0.0, 1e-3, 0.1, 1.0, 10.0, 100.0, 500.0])
"""Rates at which a user's weight is tried out before anything is computed."""


class PlasticityRule:
    """What all rules have in common: weights relax to f(pre, post) at a rate that may depend on both neurons.

    `needs_post` says whether f depends on the postsynaptic rate. `factors` is (u, v) with f = u(pre) v(post) where f
    has that form, and None where it has not.
    """

    learning_rate: float
    needs_post: bool = False

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        """The weight at rest, f(pre, post) (potential); rates in hertz, broadcast against each other."""
        raise NotImplementedError

    def decay(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        """By which rate the weight relaxes (1/time)."""
        return np.full(_shape(pre, post), self.learning_rate)

    def source(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        """decay × weight (potential/time)."""
        return np.asarray(self.decay(pre, post) * self.weight(pre, post))

    @property
    def factors(self) -> tuple[Function, Function] | None:
        if self.needs_post:
            return None
        return self.weight, np.ones_like


@dataclass(frozen=True)
class StaticWeight(PlasticityRule):
    """w = J, for every synapse and for ever.

    Parameters
    ----------
    J : float
        How far the membrane potential jumps at a spike (potential); negative inhibits.
    learning_rate : float
        By which a weight that is not J would relax to it (1/time), positive.

    >>> StaticWeight(0.1).weight([1.0, 50.0]).tolist()
    [0.1, 0.1]
    """

    J: float
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        _set(self, J=_weight("J", self.J), learning_rate=positive("learning_rate", self.learning_rate))

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        return np.full(_shape(pre, post), self.J)


@dataclass(frozen=True)
class SaturatingWeight(PlasticityRule):
    """dw/dt = r_w (w_max x̂/(x̂ + ν_h) − w): synapses of neurons that fire are strengthened, up to w_max.

    Parameters
    ----------
    w_max : float
        Largest weight (potential); negative inhibits.
    nu_h : float
        Presynaptic rate of half that weight, positive (1/time).
    learning_rate : float
        r_w, positive (1/time).

    >>> SaturatingWeight(0.16, 10.0).weight([0.0, 10.0]).tolist()
    [0.0, 0.08]
    """

    w_max: float
    nu_h: float
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        _set(self, w_max=_weight("w_max", self.w_max), **_positive(self, "nu_h", "learning_rate"))

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        return np.broadcast_to(self.w_max * _half(pre, self.nu_h), _shape(pre, post))


@dataclass(frozen=True)
class DepressingWeight(PlasticityRule):
    """dw/dt = r_w (w_0 − w (1 + x̂/ν_h)): synapses of neurons that fire are weakened.

    The law is linear in the trace x̂, so that its fluctuations leave the mean weight almost as it is.

    Parameters
    ----------
    w_0 : float
        The weight of a silent neuron (potential); negative inhibits.
    nu_h : float
        Presynaptic rate of half that weight, positive (1/time).
    learning_rate : float
        r_w, positive (1/time).

    >>> DepressingWeight(0.3, 10.0).weight([0.0, 10.0]).tolist()
    [0.3, 0.15]
    """

    w_0: float
    nu_h: float
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        _set(self, w_0=_weight("w_0", self.w_0), **_positive(self, "nu_h", "learning_rate"))

    def decay(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        rate = self.learning_rate * (1.0 + np.asarray(pre, dtype=float) / self.nu_h)
        return np.broadcast_to(rate, _shape(pre, post))

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        value = self.w_0 / (1.0 + np.asarray(pre, dtype=float) / self.nu_h)
        return np.broadcast_to(value, _shape(pre, post))


@dataclass(frozen=True)
class HebbianWeight(PlasticityRule):
    """dw/dt = r_w (w_max h(x̂) h(ŷ) − w), h(ν) = ν/(ν + ν_h): strengthened where both neurons fire, up to w_max.

    Parameters
    ----------
    w_max : float
        Largest weight (potential); negative inhibits.
    nu_h : float
        Rate at which h = 1/2, positive (1/time).
    learning_rate : float
        r_w, positive (1/time).

    >>> HebbianWeight(0.4, 10.0).weight([0.0, 10.0], 10.0).tolist()
    [0.0, 0.1]
    """

    w_max: float
    nu_h: float
    learning_rate: float = 0.5
    needs_post: bool = field(default=True, init=False, repr=False)

    def __post_init__(self) -> None:
        _set(self, w_max=_weight("w_max", self.w_max), **_positive(self, "nu_h", "learning_rate"))

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        if post is None:
            raise InvalidArgument("`post`: this weight depends on the postsynaptic rate as well; give it.")
        return np.asarray(self.w_max * _half(pre, self.nu_h) * _half(post, self.nu_h))

    @property
    def factors(self) -> tuple[Function, Function]:
        return lambda x: self.w_max * _half(x, self.nu_h), lambda y: _half(y, self.nu_h)


@dataclass(frozen=True, eq=False)
class PlasticWeight(PlasticityRule):
    """A rule of one's own: dw/dt = r_w (f(x̂, ŷ) − w).

    Parameters
    ----------
    function : callable
        f(pre), or f(pre, post) with `needs_post=True`: arrays of rates to an array of weights (potential) of the same
        shape.
    needs_post : bool
        Whether `function` has two arguments.
    learning_rate : float
        r_w, positive (1/time).

    Raises
    ------
    InvalidArgument
        If the function does not map rates to finite weights of the same shape.

    >>> PlasticWeight(lambda pre: 0.2 * np.exp(-pre / 20.0)).weight([0.0]).tolist()
    [0.2]
    """

    function: Callable[..., np.ndarray]
    needs_post: bool = False
    learning_rate: float = 0.5

    def __post_init__(self) -> None:
        if not callable(self.function):
            raise InvalidArgument(f"`function` must be a function of rates, not {self.function!r}.")
        _set(self, learning_rate=positive("learning_rate", self.learning_rate))
        self.weight(PROBES, PROBES[:, None] if self.needs_post else None)

    def weight(self, pre: ArrayLike, post: ArrayLike | None = None) -> np.ndarray:
        if self.needs_post and post is None:
            raise InvalidArgument("`post`: this weight depends on the postsynaptic rate as well; give it.")
        rates = [np.asarray(pre, dtype=float), *([np.asarray(post, dtype=float)] if self.needs_post else [])]
        rates = list(np.broadcast_arrays(*rates))
        try:
            value = np.asarray(self.function(*rates))
        except TypeError as error:
            raise InvalidArgument(
                f"`function` could not be called with {len(rates)} array(s) of rates ({error}); it takes the "
                f"presynaptic rate, and with `needs_post=True` the postsynaptic one as well."
            ) from None
        except ValueError as error:
            raise InvalidArgument(
                f"`function` could not be computed of an array of rates ({error}); where it says `a if x > c else b`, "
                f"write np.where(x > c, a, b)."
            ) from None
        value = np.broadcast_to(value, rates[0].shape) if value.ndim == 0 else value
        if value.dtype.kind not in "iuf" or value.shape != rates[0].shape or not np.all(np.isfinite(value)):
            raise InvalidArgument(
                f"`function` must map rates to finite weights of the same shape {rates[0].shape}, not to {value!r:.60}."
            )
        return np.broadcast_to(value.astype(float), _shape(pre, post))


def _half(rate: ArrayLike, nu_h: float) -> np.ndarray:
    """h(ν) = ν/(ν + ν_h)."""
    rate = np.asarray(rate, dtype=float)
    return np.asarray(rate / (rate + nu_h))


def _shape(pre: ArrayLike, post: ArrayLike | None) -> tuple[int, ...]:
    return np.shape(pre) if post is None else np.broadcast_shapes(np.shape(pre), np.shape(post))


def _positive(rule: object, *names: str) -> dict[str, float]:
    return {name: positive(name, getattr(rule, name)) for name in names}


def _weight(name: str, value: object) -> float:
    return number_in(name, value, lambda w: abs(w) <= STRONGEST, f"between ±{STRONGEST:g}: powers of it are computed")


def _set(rule: object, **values: float) -> None:
    for name, value in values.items():
        object.__setattr__(rule, name, value)
