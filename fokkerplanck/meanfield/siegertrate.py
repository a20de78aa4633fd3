"""The stationary rate of many neurons at once, in the units of the laboratory."""

from __future__ import annotations

import numpy as np
from scipy.special import erfcx

from ..models.lif import LIF
from .firstpassage import log_mean_first_passage

NODES, WEIGHTS = (0.5 * np.polynomial.legendre.leggauss(28)[0] + 0.5, 0.5 * np.polynomial.legendre.leggauss(28)[1])
WIDEST, HIGHEST, LOWEST = 3.5, 6.0, -30.0
"""Where 28 nodes on the whole of [x_R, x_F] are enough for 1e-13: x_F − x_R at most, x_F at most, x_R at least."""
SLOWEST = 690.0
"""e^690 is still a number; a mean interval beyond it is a rate of zero."""
AT_ONCE = 200_000
"""Neurons at a time: 28 numbers each are held in memory."""


def rates(neuron: LIF, mu: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """ν = 1/(τ_ref + τ_m I(μ, σ)) of neurons under the mean inputs μ and variances σ² (arrays of one shape).

    σ² = 0 is the neuron without noise: silent below threshold, periodic above. A rate below e^{−690}/τ_m is zero.
    """
    mu, variance = np.broadcast_arrays(np.asarray(mu, dtype=float), np.asarray(variance, dtype=float))
    if mu.size > AT_ONCE:
        parts = np.array_split(np.arange(mu.size), mu.size // AT_ONCE + 1)
        each = [rates(neuron, mu.ravel()[part], variance.ravel()[part]) for part in parts]
        return np.concatenate(each).reshape(mu.shape)
    words = neuron.dictionary()
    current, diffusion = mu / words.unit, 0.5 * variance / words.unit**2
    interval = np.empty(mu.shape)
    noisy = diffusion > 0.0
    scale = np.sqrt(2.0 * diffusion, where=noisy, out=np.ones(mu.shape))
    high, low = (words.V_F - current) / scale, (words.V_R - current) / scale
    easy = noisy & (high < HIGHEST) & (low > LOWEST) & (high - low < WIDEST)
    hard = noisy & ~easy
    gap = high[easy] - low[easy]
    values = erfcx(-(low[easy][:, None] + gap[:, None] * NODES))
    interval[easy] = np.sqrt(np.pi) * gap * np.einsum("ij,j->i", values, WEIGHTS)
    if np.any(hard):
        log = log_mean_first_passage(current[hard], diffusion[hard], words.V_R, words.V_F)
        interval[hard] = np.where(log < SLOWEST, np.exp(np.minimum(log, SLOWEST)), np.inf)
    if not np.all(noisy):
        interval[~noisy] = _without_noise(current[~noisy], words.V_R, words.V_F)
    return np.asarray(1.0 / (neuron.tau_ref + neuron.tau_m * interval))


def _without_noise(current: np.ndarray, V_R: float, V_F: float) -> np.ndarray:
    """log((c − V_R)/(c − V_F)), infinite for c ≤ V_F."""
    above = current > V_F
    margin = np.where(above, current - V_F, 1.0)
    return np.where(above, np.log1p((V_F - V_R) / margin), np.inf)
