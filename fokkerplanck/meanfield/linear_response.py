"""How the rate of a leaky integrate-and-fire neuron answers a small modulation of its input.

With x = (V − E_l − μ)/σ and s = λ τ_m let ψ be the solution of ψ''/2 − x ψ' = s ψ that is bounded as x → −∞ (with the
parabolic cylinder function, ψ = e^{x²/2} D_{−s}(−√2 x)). The time T from reset to spike has E e^{−λT} = ψ(x_r)/ψ(x_t),
and modulations δμ e^{λt}, δ(σ²) e^{λt} change the rate by χ^μ δμ + χ^σ δ(σ²),

    χ^μ = ν/(σ (1 + s)) · [ψ'(x_t) − ψ'(x_r)]/[ψ(x_t) − e^{−λτ_ref} ψ(x_r)],
    χ^σ = ν/(2σ² (2 + s)) · [ψ''(x_t) − ψ''(x_r)]/[ψ(x_t) − e^{−λτ_ref} ψ(x_r)].

(Multiply the linearised equation by ψ and integrate; ψ' and ψ'' solve the same equation with s + 1 and s + 2, which
gives their means over the stationary density.) What is computed is R = ψ'/ψ and Q = ∫ R dx from x_r to x_t, which
neither overflow nor oscillate: far below the reset R is a continued fraction, and from there on ψ is continued by
Taylor series, the other solution dying out on the way. Nothing cancels for small λ, where both ends of the fractions
are of order s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..models.lif import LIF
from ..operators.kernels import kernel
from ..outcomes import InvalidArgument, finite_number, positive

STATIC = 1e-14
"""λ = 0 stands for this share of the rate: the relative error is as large."""
FRACTION_STEPS = 10.0
"""Taylor steps that take as long as one continued fraction."""


@kernel
def log1p(z: complex) -> complex:
    """log(1 + z), accurate for small z as well."""
    w = 1.0 + z
    if w == 1.0:
        return z
    return np.log(w) * (z / (w - 1.0))


@kernel
def fraction(x: float, s: complex) -> complex:
    """R at x ≤ −3: R = √2 ρ_0, ρ_k = (s + k)/(y + ρ_{k+1}), y = −√2 x."""
    y = -np.sqrt(2.0) * x
    depth = 90
    rho = 0.5 * (np.sqrt(y * y + 4.0 * (s + depth)) - y)
    for k in range(depth - 1, -1, -1):
        rho = (s + k) / (y + rho)
    return np.sqrt(2.0) * rho


@kernel
def continued(x: float, end: float, R: complex, s: complex) -> tuple[complex, complex]:
    """R at `end` and the logarithm of ψ(end)/ψ(x), from R at x: Taylor series of ψ in short steps."""
    Q = 0.0 * s
    swift = np.sqrt(2.0 * np.abs(s))
    while x < end:
        h = 1.5 / max(2.0, abs(x), swift)
        if h > end - x:
            h = end - x
        before, here = 1.0 + 0.0 * s, R
        slope, rise, power = R, R * h, h
        for n in range(40):
            after = (2.0 * x * (n + 1) * here + 2.0 * (n + s) * before) / ((n + 1.0) * (n + 2.0))
            slope += (n + 2) * after * power
            power *= h
            rise += after * power
            before, here = here, after
            if n > 6 and (abs(after) + abs(before)) * power * (n + 2) <= 1e-17 * abs(rise):
                break
        R = slope / (1.0 + rise)
        Q += log1p(rise)
        x = x + h if x + h > x else end
    return R, Q


@kernel
def oscillating(x: float, s: complex) -> complex:
    """R for large |p|, p² = x² + 2s, up to O(p⁻⁵): R² + R' = 2xR + 2s solved by iteration from R = x + p."""
    p = np.sqrt(x * x + 2.0 * s)
    first = -(1.0 + x / p) / (2.0 * p)
    slope = x / (2.0 * p**3) - 1.0 / (2.0 * p**2) + x * x / p**4
    return x + p + first - (slope + first * first) / (2.0 * p)


@kernel
def log_slopes(x_r: float, x_t: float, s: np.ndarray, out: np.ndarray) -> None:
    """R(x_r), R(x_t) and Q = log ψ(x_t)/ψ(x_r) for every s, in the rows of `out`, shape (3, len(s)).

    Where |e^{−Q}| is below rounding nothing is felt of the reset: R(x_r) = 0 and Re Q = 100 are returned, and R is
    followed over the last stretch only.
    """
    for k in range(len(s)):
        z = s[k]
        if ((np.sqrt(x_r * x_r + 2.0 * z)).real + x_r) * (x_t - x_r) > 45.0:
            swift = np.sqrt(2.0 * z)
            x = max(x_r, x_t - max(2.0, 44.0 - 4.0 * np.log(np.abs(swift))) / (2.0 * swift.real))
            R, _ = continued(x, x_t, oscillating(x, z), z)
            out[0, k], out[1, k], out[2, k] = 0.0, R, 100.0
        else:
            x = min(x_r, -3.0) - 1.0
            R_r, _ = continued(x, x_r, fraction(x, z), z)
            R_t, Q = continued(x_r, x_t, R_r, z)
            out[0, k], out[1, k], out[2, k] = R_r, R_t, Q


def response_work(neuron: LIF, mu: float, sigma: float, lam: np.ndarray) -> np.ndarray:
    """How many Taylor steps `rate_response` takes for every λ, up to a factor of two; shape (len(lam),).

    Below threshold or above it alike they grow as 1/σ², the square of the distance on the scale of the noise.
    """
    x_r, x_t, s = *_ends(neuron, mu, sigma), neuron.tau_m * lam
    swift = np.sqrt(2.0 * s)
    forgotten = ((np.sqrt(x_r * x_r + 2.0 * s)).real + x_r) * (x_t - x_r) > 45.0
    with np.errstate(divide="ignore", invalid="ignore"):  # at λ = 0, where the reset is felt
        last = (44.0 - 4.0 * np.log(np.abs(swift))).clip(min=2.0) / (2.0 * swift.real)
    start = np.where(forgotten, np.maximum(x_r, x_t - last), min(x_r, -3.0) - 1.0)
    steepest = np.maximum(np.maximum(np.abs(start), abs(x_t)), np.maximum(np.abs(swift), 2.0))
    return np.asarray(FRACTION_STEPS + (x_t - start) * steepest / 1.5)


def _ends(neuron: LIF, mu: float, sigma: float) -> tuple[float, float]:
    """Reset and threshold on the scale of the noise."""
    return (neuron.V_r - neuron.E_l - mu) / sigma, (neuron.V_th - neuron.E_l - mu) / sigma


def rate_response(neuron: LIF, mu: float, sigma: float, rate: float, lam: ArrayLike) -> np.ndarray:
    """(χ^μ, χ^σ), the responses of the rate ν = φ(μ, σ) to δμ e^{λt} and to δ(σ²) e^{λt}.

    Parameters
    ----------
    neuron : LIF
    mu, sigma, rate : float
        Stationary input (potentials) and the rate that belongs to it: one state at a time, no arrays. The work grows as
        1/σ² once σ is small against the distance of μ from reset and threshold.
    lam : complex array
        λ in 1/time. For Re λ < 0 there are poles, the eigenvalues of the neuron at fixed input; far to the left of them
        (Re λ below −5/τ_m) nothing was checked.

    Returns
    -------
    array, shape (2, len(lam))
        Rate per potential, and rate per potential squared.

    Raises
    ------
    InvalidArgument
        If `neuron` is no LIF, μ, σ or the rate is not a number, σ or the rate is not positive, or λ is not finite.

    Source: Brunel, Hakim, Neural Comput. 11 (1999) 1621, without refractory time; with it Lindner, Schimansky-Geier,
    Phys. Rev. Lett. 86 (2001) 2934.

    >>> neuron = LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> by_mean, by_variance = rate_response(neuron, 15.0, 5.0, 9.4607998057591, [0.0])
    >>> round(float(by_mean[0].real), 4)  # the slope of φ
    2.9073
    """
    if not isinstance(neuron, LIF):
        raise InvalidArgument(f"`neuron` must be an fp.LIF, not {neuron!r:.80}.")
    mu, sigma, rate = finite_number("mu", mu), positive("sigma", sigma), positive("rate", rate)
    lam = np.array(lam, dtype=complex).ravel()
    if not np.all(np.isfinite(lam)):
        raise InvalidArgument("`lam` must be finite.")
    lam[lam == 0.0] = STATIC * max(rate, 1e-200)
    s = neuron.tau_m * lam
    x_r, x_t = _ends(neuron, mu, sigma)
    out = np.empty((3, len(s)), dtype=complex)
    log_slopes(float(x_r), float(x_t), s, out)
    R_r, R_t, Q = out
    past = np.exp(-Q)
    stays = -np.expm1(-Q - lam * neuron.tau_ref)
    by_mean = (R_t - R_r * past) / ((1.0 + s) * sigma * stays)
    by_variance = (x_t * R_t + s - (x_r * R_r + s) * past) / ((2.0 + s) * sigma**2 * stays)
    return rate * np.stack([by_mean, by_variance])
