"""Drift laws f(v): what the membrane does without input. Any function of an array of potentials is one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..outcomes import InvalidArgument, finite_number, positive

Drift = Callable[[np.ndarray], np.ndarray]
"""f(v) for an array of potentials, of the same shape."""


def drift_at(drift: Drift, v: np.ndarray) -> np.ndarray:
    """f(v); refuses a function that does not return finite numbers of the shape of v."""
    with np.errstate(all="ignore"):  # what becomes of it is refused
        values = np.asarray(drift(v))
    wanted = "`drift` must map an array of potentials to finite numbers of the same shape"
    if values.dtype.kind not in "iuf" or values.shape != np.shape(v):
        raise InvalidArgument(f"{wanted}.")
    if not np.all(np.isfinite(values)):
        where = float(np.ravel(v)[np.argmin(np.isfinite(values))])
        raise InvalidArgument(f"{wanted}, but it is not finite at v = {where:.4g}.")
    return values.astype(float)


@dataclass(frozen=True)
class Leak:
    """The leak f(v) = −v of the integrate-and-fire neuron (time in membrane time constants).

    >>> Leak()(np.array([0.0, 2.0]))
    array([-0., -2.])
    """

    def __call__(self, v: np.ndarray) -> np.ndarray:
        return -v


@dataclass(frozen=True)
class ConstantDrift:
    """The perfect integrate-and-fire neuron, which does not leak: f(v) = speed.

    With a hard threshold it has closed forms that the leaky neuron lacks: under the drift μ = speed + bN > 0 the mean
    time between spikes is (V_F − V_R)/μ whatever the noise is, so that N = speed/(V_F − V_R − b) is the stationary
    rate, and the intervals follow the inverse Gaussian law.

    Parameters
    ----------
    speed : float
        Drift of the potential without input (potential over time). Without leak nothing else pulls the density
        together: a total drift that is not positive has no stationary state.

    Source: Gerstein, Mandelbrot, Biophys. J. 4 (1964) 41; Tuckwell, Introduction to Theoretical Neurobiology 2 (1988),
    section 9.6.

    >>> ConstantDrift(0.5)(np.array([-1.0, 2.0])).tolist()
    [0.5, 0.5]
    """

    speed: float

    def __post_init__(self) -> None:
        finite_number("speed", self.speed)

    def __call__(self, v: np.ndarray) -> np.ndarray:
        return np.full(np.shape(v), float(self.speed))


@dataclass(frozen=True)
class QuadraticDrift:
    """The quadratic integrate-and-fire neuron, f(v) = v², with its spike cut off at the finite V_F.

    Source: Ermentrout, Kopell, SIAM J. Appl. Math. 46 (1986) 233: the normal form of a saddle-node on a circle.

    >>> QuadraticDrift()(np.array([-1.0, 2.0])).tolist()
    [1.0, 4.0]
    """

    def __call__(self, v: np.ndarray) -> np.ndarray:
        return v * v


@dataclass(frozen=True)
class ExponentialDrift:
    """The exponential integrate-and-fire neuron, f(v) = −v + Δ exp((v − V_T)/Δ), with V_F above V_T.

    Parameters
    ----------
    sharpness : float
        Δ, the range of potentials over which a spike starts, positive.
    V_T : float
        Potential where the spike starts.

    Source: Fourcaud-Trocmé, Hansel, van Vreeswijk, Brunel, J. Neurosci. 23 (2003) 11628, eq. (5).

    >>> ExponentialDrift(0.5, V_T=1.0)(np.array([1.0])).tolist()
    [-0.5]
    """

    sharpness: float
    V_T: float

    def __post_init__(self) -> None:
        positive("sharpness", self.sharpness)
        finite_number("V_T", self.V_T)

    def __call__(self, v: np.ndarray) -> np.ndarray:
        return -v + self.sharpness * np.exp((v - self.V_T) / self.sharpness)
