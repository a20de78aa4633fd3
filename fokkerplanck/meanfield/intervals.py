"""Mean, variance and skewness of the interval between two spikes of the neuron `fp.LIF`, in closed form.

With w = √2 x the cumulants of the time T from reset to threshold (in τ_m) are integrals over [w_R, w_F] of functions of
w alone,

    κ_1 = ∫ φ dw,   κ_2 = ∫ g dw,   κ_3 = ∫ h dw,
    φ' = w φ + 1,   g' = w g + 2 φ²,   h' = w h + 6 φ g,

which are the expansion in z of the logarithmic derivative r of the Laplace transform, r' = z + w r − r². Solved for the
branch that does not explode as w → −∞,

    g(w) = 2 ∫_0^∞ φ(w − s)² e^{ws − s²/2} ds,   h(w) = 6 ∫_0^∞ φ(w − s) g(w − s) e^{ws − s²/2} ds.

Everything that is integrated is positive. For w > 0 the growth e^{w²/2}, e^{w²}, e^{3w²/2} of the three is taken out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtr

from ..models.lif import LIF
from ..outcomes import frozen
from .firstpassage import FAR, NEGLIGIBLE, phi_derivatives
from .siegert import Cycle, passage_cycle

NODES, WEIGHTS = (0.5 * np.polynomial.legendre.leggauss(40)[0] + 0.5, 0.5 * np.polynomial.legendre.leggauss(40)[1])
CHUNK = 64
"""Points (μ, σ) that are done at once: the nested quadratures take 20 kB for each, 400 kB with the skewness."""
DECAYED = 20.0
"""Logarithm of |w| over which the integral of g, which falls like |w|^{−3}, has been exhausted."""
CALM = 1e8
"""In place of an infinite gap on the scale of the noise, where the noise is zero and the input is at the threshold."""

Function = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, eq=False)
class IntervalMoments:
    """Moments of the interval between spikes, refractory time included; arrays of the shape of (μ, σ).

    Attributes
    ----------
    mean : array
        Unit of the neuron's time; inf where it overflows.
    variance : array
        Unit of time squared; inf where it overflows. The refractory time does not contribute.
    cv : array
        Coefficient of variation √variance/mean; a number everywhere.
    skewness : array
        κ_3/κ_2^{3/2}.
    """

    mean: np.ndarray
    variance: np.ndarray
    cv: np.ndarray
    skewness: np.ndarray

    @property
    def rate(self) -> np.ndarray:
        """1/mean."""
        with np.errstate(divide="ignore"):
            return np.asarray(1.0 / self.mean)[()]


def isi_moments(mu: ArrayLike, sigma: ArrayLike, neuron: LIF) -> IntervalMoments:
    """Mean, variance, coefficient of variation and skewness of the interval between spikes.

        mean = τ_ref + τ_m √π ∫_{x_r}^{x_t} erfcx(−x) dx
        variance = 2π τ_m² ∫_{x_r}^{x_t} dx e^{x²} ∫_{−∞}^x e^{y²} (1 + erf y)² dy

    Without noise the variance is zero above threshold; below it the mean is infinite, and `cv` and `skewness` are their
    limits for σ → 0, 1 and 2.

    Parameters
    ----------
    mu, sigma : array
        Mean input from E_l and noise σ ≥ 0 (potential). They broadcast.
    neuron : LIF

    Raises
    ------
    InvalidArgument
        If an argument is not finite, σ < 0, or `neuron` is not an fp.LIF.

    Source: Tuckwell, Introduction to Theoretical Neurobiology, vol. 2 (1988), chapter 9; in the form above, Brunel,
    J. Comput. Neurosci. 8 (2000) 183.

    >>> from fokkerplanck.models.lif import LIF
    >>> moments = isi_moments(15.0, 5.0, LIF(tau_m=20.0, V_th=20.0, V_r=10.0, tau_ref=2.0))
    >>> round(float(moments.mean), 9), round(float(moments.variance) ** 0.5, 9), round(float(moments.cv), 12)
    (105.699308783, 86.119274098, 0.814757211659)
    """
    cycle = passage_cycle(mu, sigma, neuron, 0)
    shape = cycle.below.shape
    still = cycle.quiet & (cycle.below == 0.0)
    w_F, w_gap = np.ravel(cycle.w_F), np.ravel(np.where(still, CALM, cycle.w_gap))
    parts = [_higher(w_F[k : k + CHUNK], w_gap[k : k + CHUNK]) for k in range(0, w_F.size, CHUNK)]
    second, third = (np.concatenate([part[k] for part in parts] or [w_F]).reshape(shape) for k in (0, 1))
    return _assembled(cycle, still, second, third)


def _assembled(cycle: Cycle, still: np.ndarray, second: np.ndarray, third: np.ndarray) -> IntervalMoments:
    """`second` and `third` are κ_2 and κ_3 in units of e^{w_F²} and e^{3w_F²/2}."""
    neuron = cycle.neuron
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        scale = np.exp(cycle.exponent) * cycle.lift
        mean = neuron.tau_ref + neuron.tau_m * scale * cycle.moments[0]
        variance = (neuron.tau_m * scale) ** 2 * second
        cv = np.sqrt(second) / (cycle.moments[0] + neuron.tau_ref / neuron.tau_m / scale)
        skewness = third / second**1.5
    never, calm = cycle.quiet & (cycle.below > 0.0), cycle.quiet & (cycle.below < 0.0)
    fixed = [(variance, np.inf, 0.0), (cv, 1.0, 0.0), (skewness, 2.0, 0.0)]
    variance, cv, skewness = (np.where(never, below, np.where(calm, above, x)) for x, below, above in fixed)
    cv = np.where(still, 0.0, cv)
    return IntervalMoments(*(frozen(np.asarray(x)) for x in (mean, variance, cv, skewness)))


# -- the nested integrals ------------------------------------------------------------------------------------------


def _higher(w_F: np.ndarray, gap: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """κ_2 e^{−top²} and κ_3 e^{−3 top²/2}, top = max(w_F, 0)."""
    top, near = np.maximum(w_F, 0.0), np.maximum(-w_F, 0.0)
    above, below = np.minimum(gap, top), np.minimum(gap, np.maximum(gap - w_F, 0.0))
    second = _above(_g_above, top, above, 2) + np.exp(-(top**2)) * _below(_g_below, near, below)
    third = _above(_h_above, top, above, 3) + np.exp(-1.5 * top**2) * _below(_h_below, near, below)
    far = near > FAR
    ratio = 2.0 * np.log1p(gap / np.maximum(near, 1.0))
    second = np.where(far, -np.expm1(-ratio) / np.maximum(near, 1.0) ** 2, second)
    third = np.where(far, -3.0 * np.expm1(-2.0 * ratio) / np.maximum(near, 1.0) ** 4, third)
    return second, third


def _sum(values: np.ndarray) -> np.ndarray:
    return np.einsum("...j,j->...", values, WEIGHTS)


def _above(f: Function, top: np.ndarray, length: np.ndarray, power: int) -> np.ndarray:
    """∫ f(w) e^{−power (top² − w²)/2} dw over [top − length, top], 0 ≤ length ≤ top."""
    last = np.sqrt(np.maximum(top**2 - 2.0 * NEGLIGIBLE, 0.0))
    length = np.minimum(length, 2.0 * NEGLIGIBLE / np.maximum(top + last, 1e-300))
    d = length[..., None] * NODES
    return length * _sum(f(top[..., None] - d) * np.exp(-0.5 * power * d * (2.0 * top[..., None] - d)))


def _below(f: Function, near: np.ndarray, length: np.ndarray) -> np.ndarray:
    """∫ f(y) dy over [near, near + length], of a function of y = −w ≥ 0."""
    decades = np.minimum(np.log1p(length / (1.0 + near)), DECAYED)
    y = near[..., None] + (1.0 + near[..., None]) * np.expm1(decades[..., None] * NODES)
    return decades * _sum((1.0 + y) * f(y))


def _phi_above(w: np.ndarray) -> np.ndarray:
    """φ(w) e^{−w²/2}."""
    return np.sqrt(2.0 * np.pi) * ndtr(w)


def _phi_below(y: np.ndarray) -> np.ndarray:
    """φ(−y)."""
    return phi_derivatives(-y, 0)[0]


def _memory(f: Function, y: np.ndarray) -> np.ndarray:
    """∫_0^∞ f(y + s) e^{−ys − s²/2} ds."""
    length = 2.0 * NEGLIGIBLE / (y + np.sqrt(y * y + 2.0 * NEGLIGIBLE))
    s = length[..., None] * NODES
    return length * _sum(f(y[..., None] + s) * np.exp(-s * (y[..., None] + 0.5 * s)))


def _g_below(y: np.ndarray) -> np.ndarray:
    """g(−y)."""
    return 2.0 * _memory(lambda x: _phi_below(x) ** 2, y)


def _g_above(w: np.ndarray) -> np.ndarray:
    """g(w) e^{−w²}."""
    return G_AT_ZERO * np.exp(-0.5 * w**2) + 2.0 * _above(lambda x: _phi_above(x) ** 2, w, w, 1)


def _h_below(y: np.ndarray) -> np.ndarray:
    """h(−y)."""
    return 6.0 * _memory(lambda x: _phi_below(x) * _g_below(x), y)


def _h_above(w: np.ndarray) -> np.ndarray:
    """h(w) e^{−3w²/2}."""
    return H_AT_ZERO * np.exp(-(w**2)) + 6.0 * _above(lambda x: _phi_above(x) * _g_above(x), w, w, 2)


G_AT_ZERO, H_AT_ZERO = float(_g_below(np.zeros(()))), float(_h_below(np.zeros(())))
