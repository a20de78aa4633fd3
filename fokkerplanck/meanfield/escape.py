"""How long dV = (−V + c) dt + √(2a) dW takes to fire when, above V_F, it fires at the rate 1/ε.

The density that never returns solves Weber's equation there. With κ = 1/ε and w = (v − c)/√a it is a Laplace
transform,

    e^{−w²/4} D_{−κ}(w) = e^{−w²/2} M(w)/Γ(κ),   M(w) = ∫_0^∞ s^{κ−1} e^{−sw − s²/2} ds,

so that whatever is needed is a cumulant of the distribution s^{κ−1} e^{−sw − s²/2}/M: its mean m gives the ratio
ρ = D_{−κ}/D_{−κ−1} = κ/m, and −d/dw of a cumulant is the next one. The integrals are taken relative to the peak s* of
s^κ e^{−sw − s²/2}, s* w + s*² = κ; with s = s* e^r the exponent is −κ (e^r − 1 − r) − s*² (e^r − 1)²/2, in which
nothing cancels or overflows for any κ and w. The map r = u + 1 − e^{−u} makes the left tail fall off as fast as the
right one (Takahasi, Mori 1974), and the trapezoidal rule in u converges exponentially.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

POINTS = 240
NEGLIGIBLE = 42.0
"""Where an integrand has fallen by e^{−42} from its peak, the rest is below rounding."""
HALVINGS = 30


def hazard_ratio(w: ArrayLike, kappa: ArrayLike) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """ρ(w) = D_{−κ}(w)/D_{−κ−1}(w), D the parabolic cylinder function, and its first two derivatives.

    A population that fires at the rate N with ε = 1/κ has the density ε N ρ/√a at V_F. ρ is positive, increases with w,
    and solves ρ' = ρ² − wρ − κ, whose right-hand side cancels; the cumulants do not.

    Parameters
    ----------
    w : array
        (V_F − c)/√a.
    kappa : array
        κ = 1/ε > 0.

    >>> rho, slope, _ = hazard_ratio(0.0, 1.0)  # D_{−1}(0)/D_{−2}(0) = √(π/2)
    >>> round(float(rho), 12), round(float(slope), 12)
    (1.253314137316, 0.570796326795)
    """
    w, kappa = np.broadcast_arrays(np.asarray(w, dtype=float), np.asarray(kappa, dtype=float))
    peak, r, weight = _quadrature(w, kappa)
    total = weight.sum(axis=-1)
    shift = np.expm1(r)
    first = (shift * weight).sum(axis=-1) / total
    shift -= first[..., None]
    mean = peak * (1.0 + first)
    variance = peak**2 * (shift**2 * weight).sum(axis=-1) / total
    third = peak**3 * (shift**3 * weight).sum(axis=-1) / total
    rho = kappa / mean
    spread = variance / mean**2
    return rho, kappa * spread, kappa * (2.0 * spread * variance / mean - third / mean**2)


def log_survival(w: ArrayLike, kappa: ArrayLike) -> np.ndarray:
    """log(e^{−w²/4} D_{−κ}(w) Γ(κ)): the shape of the density above V_F, up to a factor.

    >>> float(log_survival(0.0, 1.0).round(9))  # ∫ e^{−s²/2} ds = √(π/2)
    0.225791353
    """
    w, kappa = np.broadcast_arrays(np.asarray(w, dtype=float), np.asarray(kappa, dtype=float))
    peak, _, weight = _quadrature(w, kappa)
    return np.asarray(kappa * np.log(peak) - 0.5 * (peak + w) ** 2 + np.log(weight.sum(axis=-1)))


def _quadrature(w: np.ndarray, kappa: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The peak s*, the nodes r = log(s/s*) and the weights of s^κ e^{−sw − s²/2} dr over its value at the peak."""
    root = np.hypot(w, 2.0 * np.sqrt(kappa))
    above = w > 0.0
    peak = np.where(above, 2.0 * kappa / np.where(above, w + root, 1.0), 0.5 * (root - w))

    def fall(r: np.ndarray, kappa: np.ndarray, peak: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore"):
            shift = np.expm1(r)
            return kappa * (shift - r) + 0.5 * (peak * shift) ** 2

    ends = []
    for side in (-1.0, 1.0):
        low, high = np.full(w.shape, -40.0), np.full(w.shape, 8.0)  # of log |u|
        for _ in range(HALVINGS):
            middle = 0.5 * (low + high)
            beyond = fall(_stretched(side * np.exp(middle)), kappa, peak) > NEGLIGIBLE
            low, high = np.where(beyond, low, middle), np.where(beyond, middle, high)
        ends.append(side * np.exp(high))
    left, right = ends
    width = (right - left) / (POINTS - 1)
    u = left[..., None] + width[..., None] * np.arange(POINTS)
    r = _stretched(u)
    return peak, r, width[..., None] * (1.0 + np.exp(-u)) * np.exp(-fall(r, kappa[..., None], peak[..., None]))


def _stretched(u: np.ndarray) -> np.ndarray:
    with np.errstate(over="ignore"):
        return u - np.expm1(-u)
