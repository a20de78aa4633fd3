"""Relaxation and diffusion along the lanes: what a conductance does between spikes.

    ∂t n + ∂g F = 0,   F = ((g_in − g) n − a ∂g n)/σ,   no flux at either end

In space the weights of Chang and Cooper, whose equilibrium is the Gaussian exp(−(g − g_in)²/2a) at the centres. In time
the L-stable method of order two with R(z) = (1 + (1 − 2γ) z)/(1 − γz)², γ = 1 − √½: two backward-Euler solves and one
explicit step, made in as many parts as keep the last one positive. The solves are eliminations without a subtraction,
so that nothing becomes negative and sums over lanes are kept to rounding.

Source: J. S. Chang, G. Cooper, J. Comput. Phys. 6 (1970) 1; for the method in time: R. Alexander, SIAM J. Numer. Anal.
14 (1977) 1006.
"""

from __future__ import annotations

import math

import numpy as np

from ..outcomes import InvalidArgument
from .kernels import kernel

GAMMA = 1.0 - math.sqrt(0.5)
MOST_STEPS = 1_000_000
"""More parts of one step than this mean that the step is wrong, not that it is long."""
STEEPEST = 690.0
"""Péclet number beyond which the weights are those of upwind."""


class Relaxation:
    """∂t n = −∂g F for every row of n, shape (rows, lanes), with the lanes between equally spaced `faces`."""

    def __init__(self, faces: np.ndarray, sigma: float) -> None:
        self.faces, self.sigma = np.array(faces), sigma
        self._ahead, self._back = np.zeros(len(faces)), np.zeros(len(faces))

    def advance(self, n: np.ndarray, drive: float, variance: float, dt: float) -> int:
        """Move n in place for the time dt at constant g_in and a; return the number of parts, −1 if there are too many.

        >>> n = np.array([[0.0, 1.0, 0.0]])
        >>> Relaxation(np.array([0.0, 1.0, 2.0, 3.0]), sigma=1.0).advance(n, drive=1.5, variance=1.0, dt=20.0)
        13
        >>> (n / n[0, 1]).round(6)  # exp(−(g − g_in)²/2a)
        array([[0.606531, 1.      , 0.606531]])
        """
        if not (variance >= 0.0 and math.isfinite(drive)):
            raise InvalidArgument("`drive` must be finite and `variance` not negative.")
        fastest = conductance_rates(self.faces, drive, variance, self.sigma, STEEPEST, self._ahead, self._back)
        parts = math.ceil((1.0 - 2.0 * GAMMA) * fastest * dt) if math.isfinite(fastest) else MOST_STEPS + 1
        if parts > MOST_STEPS:
            return -1
        if parts:
            relax(n, self._ahead, self._back, dt / parts, parts, GAMMA)
        return parts


@kernel
def conductance_rates(
    faces: np.ndarray, drive: float, variance: float, sigma: float, steepest: float, ahead: np.ndarray, back: np.ndarray
) -> float:
    """Rates of passage through the faces, to the right and back; returns the largest rate at which a lane is left."""
    lanes = faces.shape[0] - 1
    dg = (faces[lanes] - faces[0]) / lanes
    kappa = variance / (sigma * dg)
    ahead[0], back[0], ahead[lanes], back[lanes] = 0.0, 0.0, 0.0, 0.0
    for j in range(1, lanes):
        mu = (drive - faces[j]) / sigma
        size = abs(mu)
        if size == 0.0:
            small = kappa
        elif size < steepest * kappa:
            small = size / np.expm1(size / kappa)
        else:
            small = 0.0
        ahead[j] = (small + max(mu, 0.0)) / dg
        back[j] = (small + max(-mu, 0.0)) / dg
    largest = 0.0
    for k in range(lanes):
        largest = max(largest, ahead[k + 1] + back[k])
    return largest


@kernel
def relax(n: np.ndarray, ahead: np.ndarray, back: np.ndarray, dt: float, parts: int, gamma: float) -> None:
    """`parts` steps of length dt of every row of n: two implicit solves with γ dt, then (1 − 2γ) dt explicitly.

    With s_0 = 1, s_k = 1 + τ back_k s_{k−1}/pivot_{k−1} the pivots are s_k + τ ahead_{k+1}: sums of positive numbers.
    """
    rows, lanes = n.shape
    tau, rest = gamma * dt, (1.0 - 2.0 * gamma) * dt
    pivot, up, down = np.empty(lanes), np.zeros(lanes), np.zeros(lanes)
    kept = 1.0
    for k in range(lanes):
        if k > 0:
            kept = 1.0 + tau * back[k] * kept / pivot[k - 1]
            up[k] = tau * ahead[k] / pivot[k - 1]
        pivot[k] = kept + tau * ahead[k + 1]
        down[k] = tau * back[k + 1]
    # Lanes first: the recurrences along the lanes then vectorise over the rows.
    u = np.empty((lanes, rows))
    for i in range(rows):
        for k in range(lanes):
            u[k, i] = n[i, k]
    flux, outward = np.empty(rows), np.empty(rows)
    for _ in range(parts):
        for _ in range(2):
            for k in range(1, lanes):
                for i in range(rows):
                    u[k, i] += up[k] * u[k - 1, i]
            for i in range(rows):
                u[lanes - 1, i] /= pivot[lanes - 1]
            for k in range(lanes - 2, -1, -1):
                share = 1.0 / pivot[k]
                for i in range(rows):
                    u[k, i] = (u[k, i] + down[k] * u[k + 1, i]) * share
        flux[:] = 0.0
        for k in range(lanes):
            leaving = rest * (ahead[k + 1] + back[k])
            if k < lanes - 1:
                for i in range(rows):
                    come = rest * back[k + 1] * u[k + 1, i]
                    gone = rest * ahead[k + 1] * u[k, i]
                    outward[i] = gone
                    u[k, i] = u[k, i] * (1.0 - leaving) + come + flux[i]
                    flux[i] = outward[i]
            else:
                for i in range(rows):
                    u[k, i] = u[k, i] * (1.0 - leaving) + flux[i]
    for i in range(rows):
        for k in range(lanes):
            n[i, k] = u[k, i]
