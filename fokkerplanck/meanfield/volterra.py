"""The first-passage density by an integral equation, which shares nothing with the Laplace transform.

For dx = −x dt + dW from x_0 to S > x_0, with f the free transition density of that process,

    g(t) = f(S, t | x_0) [(S − x_0 e^{−t})/V − S] − S ∫_0^t g(u) κ(t − u) du,   V = (1 − e^{−2t})/2,
    κ(θ) = tanh(θ/2) e^{−S² tanh(θ/2)} / √(π (1 − e^{−2θ}))

The flux through S of what fires at S has been combined with the fact that the density vanishes there so that the kernel
does: κ ~ √θ. What remains of the square root is a matter of end corrections to the trapezoidal rule, exact for √θ times
polynomials; g itself vanishes with all its derivatives at t = 0.
"""

from __future__ import annotations

import numpy as np
from scipy.interpolate import make_interp_spline
from scipy.special import gamma, zeta

from ..outcomes import InvalidArgument

CORRECTIONS = 8
"""Points of the end correction."""
MOST_STEPS = 40_000
STEEPEST = 3.0
"""−S from which the kernel, of the size e^{S²}, leaves fewer than ten digits."""
FINENESS = 90.0
"""Steps per shortest of the time scales of datum and kernel."""


def volterra_passage(t: np.ndarray, x_0: float, S: float, spread: float) -> tuple[np.ndarray, np.ndarray]:
    """g and its integral at times t > 0; `spread` is the standard deviation of the passage time.

    Raises
    ------
    InvalidArgument
        If S < −3, or the last time is too many steps away.
    """
    if S < -STEEPEST:
        raise InvalidArgument(
            f"`method` = 'volterra' cancels for a threshold {-S:.3g} σ below E_l + mu; use method='laplace'."
        )
    scale = min(spread, (S - x_0) ** 2 / 6.0, 1.0 / (1.0 + S * S))
    last = float(np.max(t))
    steps = max(200, int(np.ceil(FINENESS * last / scale)))
    if steps > MOST_STEPS:
        raise InvalidArgument(
            f"`t` reaches to {last:.3g} tau_m, {steps} steps for method='volterra'; use method='laplace'."
        )
    grid = np.linspace(0.0, last, steps + 1)
    spline = make_interp_spline(grid, _solve(grid, x_0, S), k=7)
    return np.asarray(spline(t)), np.asarray(spline.antiderivative()(t))


def _solve(grid: np.ndarray, x_0: float, S: float) -> np.ndarray:
    h, theta = grid[1], grid[1:]
    V = -0.5 * np.expm1(-2.0 * theta)
    missing = S - x_0 * np.exp(-theta)
    datum = np.exp(-0.5 * missing**2 / V) / np.sqrt(2.0 * np.pi * V) * (missing / V - S)
    slope = np.tanh(0.5 * theta)
    kernel = S * h * slope * np.exp(-S * S * slope) / np.sqrt(2.0 * np.pi * V)
    # κ/√θ at 0, and from its values at the next points
    smooth = np.concatenate(
        [[S * h * 0.5 / np.sqrt(2.0 * np.pi)], kernel[: CORRECTIONS - 1] / np.sqrt(theta[: CORRECTIONS - 1])]
    )
    correction = end_correction(CORRECTIONS) * np.sqrt(h) * smooth
    kernel[: CORRECTIONS - 1] -= correction[1:]
    g = np.zeros(len(grid))
    backwards = kernel[::-1]
    for n in range(1, len(grid)):
        g[n] = (datum[n - 1] - backwards[len(backwards) - n :] @ g[:n]) / (1.0 - correction[0])
    return g


def end_correction(points: int) -> np.ndarray:
    """ω with Σ_j ω_j j^i = ζ(−1/2 − i): h Σ_{j≥1} √θ_j q_j − h^{3/2} Σ_j ω_j q_j is ∫ √θ q dθ for polynomials q."""
    i = np.arange(points)
    s = 1.5 + i
    # ζ(1 − s) = 2 (2π)^{−s} cos(πs/2) Γ(s) ζ(s)
    values = 2.0 * (2.0 * np.pi) ** -s * np.cos(0.5 * np.pi * s) * gamma(s) * zeta(s)
    return np.asarray(np.linalg.solve(np.vander(i.astype(float), increasing=True).T, values))
