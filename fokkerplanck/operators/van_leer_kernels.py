"""The compiled loop of limited linear reconstruction."""

from __future__ import annotations

import numpy as np

from .kernels import kernel


@kernel
def van_leer_transport(
    n: np.ndarray,
    mu: np.ndarray,
    loss: np.ndarray,
    width: np.ndarray,
    by_left: np.ndarray,
    by_right: np.ndarray,
    kinds: np.ndarray,
    out: np.ndarray,
    fired: np.ndarray,
) -> None:
    """out_i = (F_i − F_{i+1})/h_i − loss_i n_i; `fired`, shape (lanes,), returns F_cells + Σ loss_i h_i n_i.

    F = μ⁺ (n + half)_left + μ⁻ (n − half)_right, where half = by_left (n_i − n_{i−1}) + by_right (n_{i+1} − n_i) is
    limited by those two differences: |half| ≤ n. `kinds[i]` is −1 where there is no difference on the left, 1 where
    there is none on the right, else 0. Through the first face nothing passes; through the last μ⁺ (n + half).
    """
    cells, lanes = width.shape[0], n.shape[1]
    half, left, flux = np.empty(lanes), np.zeros(lanes), np.zeros(lanes)
    for k in range(lanes):
        fired[k] = 0.0
    for i in range(cells):
        below, above = i - 1 if kinds[i] >= 0 else i + 1, i + 1 if kinds[i] <= 0 else i - 1
        # A difference that there is not is replaced by the other one, with its own sign.
        first, second = 1.0 if kinds[i] >= 0 else -1.0, 1.0 if kinds[i] <= 0 else -1.0
        for k in range(lanes):
            a, b = first * (n[i, k] - n[below, k]), second * (n[above, k] - n[i, k])
            mean = by_left[i] * a + by_right[i] * b
            size = min(min(abs(a), abs(b)), min(abs(mean), n[i, k]))
            signed = size if mean > 0.0 else -size
            half[k] = signed if (a > 0.0) == (b > 0.0) else 0.0
        if i > 0:
            for k in range(lanes):
                drift = mu[i, k]
                outward = max(drift, 0.0) * left[k] + min(drift, 0.0) * (n[i, k] - half[k])
                escaped = loss[i - 1, k] * n[i - 1, k]
                out[i - 1, k] = (flux[k] - outward) / width[i - 1] - escaped
                fired[k] += width[i - 1] * escaped
                flux[k] = outward
        for k in range(lanes):
            left[k] = n[i, k] + half[k]
    last = cells - 1
    for k in range(lanes):
        outward = max(mu[cells, k], 0.0) * left[k]
        escaped = loss[last, k] * n[last, k]
        out[last, k] = (flux[k] - outward) / width[last] - escaped
        fired[k] += outward + width[last] * escaped


@kernel
def van_leer_trace(n: np.ndarray, by_difference: float, trace: np.ndarray) -> None:
    """n at V_F−, from the last two cells, as `van_leer_transport` has it; shape (lanes,)."""
    last = n.shape[0] - 1
    for k in range(n.shape[1]):
        a = n[last, k] - n[last - 1, k]
        size = min(min(abs(a), abs(by_difference * a)), n[last, k])
        trace[k] = n[last, k] + (size if a > 0.0 else -size)
