"""The firing rate of the neuron `fp.LIF` under constant input and white noise, with its slopes and its inverse.

    1/ν = τ_ref + τ_m I,   I = √π ∫_{x_r}^{x_t} erfcx(−x) dx,   x_X = (V_X − E_l − μ)/σ

I is a sum of positive integrals, of which the factor e^{x_t²} is taken out for x_t > 0 (see `firstpassage`). There
digits get lost: an error δ of x_t is one of 2 x_t δ in the rate. So V_th − E_l − μ and the square of its ratio
to σ are computed in twice the working precision, and the rate is that of the numbers given, not of rounded differences.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from ..models.lif import LIF, require_neuron
from ..outcomes import InvalidArgument, real_array
from .firstpassage import log_occupation, scaled_moments, scaled_time

SQRT2 = np.sqrt(2.0)
UNDERFLOW = 1e4
"""Where e^{−x²} is zero in any case, the rounding of x² no longer matters."""
STEPS = 200
"""Iterations of the inverse at most; halving alone needs about a hundred."""


def siegert_rate(mu: ArrayLike, sigma: ArrayLike, neuron: LIF) -> np.ndarray:
    """The stationary firing rate ν = φ(μ, σ).

        1/ν = τ_ref + τ_m √π ∫_{x_r}^{x_t} erfcx(−x) dx,   x_X = (V_X − E_l − μ)/σ,   erfcx(x) = e^{x²} erfc(x)

    Without noise, 1/ν = τ_ref + τ_m log((E_l + μ − V_r)/(E_l + μ − V_th)), and ν = 0 for E_l + μ ≤ V_th. The relative
    error is below 1e-13 for all arguments as long as ν is a normal number; a smaller rate underflows, finally to 0.0
    (`log_siegert_rate` does not).

    Parameters
    ----------
    mu : array
        Mean input μ, measured from E_l (potential).
    sigma : array
        Noise σ ≥ 0 (potential); the potential without threshold has the variance σ²/2. Broadcasts with `mu`.
    neuron : LIF

    Returns
    -------
    array
        Rates, per unit of the neuron's time.

    Raises
    ------
    InvalidArgument
        If an argument is not finite, σ < 0, or `neuron` is not an fp.LIF.

    Source: Siegert, Phys. Rev. 81 (1951) 617; Brunel, J. Comput. Neurosci. 8 (2000) 183, section 4.

    >>> from fokkerplanck.models.lif import LIF
    >>> neuron = LIF(tau_m=0.020, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> [round(float(rate), 9) for rate in siegert_rate([15.0, 15.0, 25.0], [5.0, 0.0, 0.0], neuron)]
    [9.460799806, 0.0, 41.714906874]
    """
    return _rate(passage_cycle(mu, sigma, neuron, 0))


def log_siegert_rate(mu: ArrayLike, sigma: ArrayLike, neuron: LIF) -> np.ndarray:
    """log ν, finite also where ν underflows; −inf where there is no noise and the input does not reach the threshold.

    Arguments and errors as for `siegert_rate`.

    >>> from fokkerplanck.models.lif import LIF
    >>> float(siegert_rate(0.0, 0.5, LIF(0.02, 20.0, 10.0)))
    0.0
    >>> round(float(log_siegert_rate(0.0, 0.5, LIF(0.02, 20.0, 10.0))), 9)
    -1592.971775228
    """
    cycle = passage_cycle(mu, sigma, neuron, 0)
    with np.errstate(divide="ignore"):
        log_time = np.log(neuron.tau_m) + cycle.exponent + np.log(cycle.lift * cycle.moments[0])
        return np.asarray(-np.logaddexp(np.log(neuron.tau_ref), log_time))[()]


def siegert_slopes(mu: ArrayLike, sigma: ArrayLike, neuron: LIF) -> tuple[np.ndarray, np.ndarray]:
    """(∂ν/∂μ, ∂ν/∂σ): how the rate answers to its two inputs, both positive.

        ∂ν/∂μ = τ_m ν² √π [erfcx(−x)]_{x_r}^{x_t}/σ,   ∂ν/∂σ = τ_m ν² √π [x erfcx(−x)]_{x_r}^{x_t}/σ

    evaluated as integrals of positive functions, because the brackets cancel for a small gap x_t − x_r. Without noise
    they are the slope of the deterministic rate and 0.

    Parameters and errors as for `siegert_rate`; besides, E_l + μ = V_th with σ = 0 is refused, where the slope is
    infinite from one side and 0 from the other.

    Returns
    -------
    (array, array)
        Rates per potential.

    >>> from fokkerplanck.models.lif import LIF
    >>> by_mean, by_noise = siegert_slopes(15.0, 5.0, LIF(0.020, 20.0, 10.0, tau_ref=0.002))
    >>> round(float(by_mean), 9), round(float(by_noise), 9)
    (2.907291063, 3.449968349)
    """
    cycle = passage_cycle(mu, sigma, neuron, 2)
    if np.any(cycle.quiet & (cycle.below == 0.0)):
        raise InvalidArgument("`sigma` = 0 at E_l + `mu` = V_th, where the rate has no slope; move one of the two.")
    rate = _rate(cycle)
    # ν e^{x_t²}, in which nothing overflows
    lifted = 1.0 / (neuron.tau_ref * np.exp(-cycle.exponent) + neuron.tau_m * cycle.lift * cycle.moments[0])
    common = neuron.tau_m * rate * lifted * cycle.lift
    by_mean = common * cycle.moments[1] * SQRT2 / cycle.sigma
    by_noise = common * cycle.moments[2] / cycle.sigma
    if np.any(cycle.quiet):
        above = np.where(cycle.quiet & (cycle.below < 0.0), -cycle.below, np.inf)
        calm = neuron.tau_m * rate**2 * cycle.gap / (above * (above + cycle.gap))
        by_mean, by_noise = np.where(cycle.quiet, calm, by_mean), np.where(cycle.quiet, 0.0, by_noise)
    return by_mean[()], by_noise[()]


def siegert_input(rate: ArrayLike, sigma: ArrayLike, neuron: LIF) -> np.ndarray:
    """The mean input μ under which the neuron fires at the given rate: the inverse of `siegert_rate`.

    The rate rises with μ, so there is exactly one.

    Safeguarded Newton's iteration on log I as a function of x_t, to the last digits of x_t. Without noise
    μ = V_th − E_l + (V_th − V_r)/(e^{(1/ν − τ_ref)/τ_m} − 1).

    Parameters
    ----------
    rate : array
        ν with 0 < ν < 1/τ_ref.
    sigma : array
        σ ≥ 0 (potential); broadcasts with `rate`.
    neuron : LIF

    Raises
    ------
    InvalidArgument
        If a rate is not positive or not below 1/τ_ref, or an argument is not finite.

    >>> from fokkerplanck.models.lif import LIF
    >>> round(float(siegert_input(9.4607998057591, 5.0, LIF(0.020, 20.0, 10.0, tau_ref=0.002))), 11)
    15.0
    """
    require_neuron(neuron)
    nu, noise = _together("rate", _finite("rate", rate), _noise(sigma))
    if np.any(nu <= 0.0):
        raise InvalidArgument(f"`rate` = {np.min(nu):g} must be positive: no finite input keeps the neuron silent.")
    time = (1.0 / nu - neuron.tau_ref) / neuron.tau_m
    if np.any(time <= 0.0):
        raise InvalidArgument(f"`rate` = {np.max(nu):g} must lie below 1/tau_ref = {neuron.highest_rate:g}.")
    gap, above = neuron.V_th - neuron.V_r, neuron.V_th - neuron.E_l
    with np.errstate(over="ignore"):
        calm = gap / np.expm1(time)
    quiet = (noise * 1e150 < calm) | (noise * 1e290 < gap)
    root = np.where(quiet, gap, noise / SQRT2)
    found = -root * _level(np.log(time), gap / root, -calm / root)
    return np.asarray(above + np.where(quiet, calm, found))[()]


def voltage_density(V: ArrayLike, mu: ArrayLike, sigma: ArrayLike, neuron: LIF) -> np.ndarray:
    """The stationary density of the membrane potential of those neurons that are not refractory.

        p(V) = (2 ν τ_m/σ) e^{−x²} ∫_{max(x, x_r)}^{x_t} e^{u²} du,   x = (V − E_l − μ)/σ,   ∫ p dV = 1 − ν τ_ref

    Parameters
    ----------
    V : array
        Potentials; p = 0 from the threshold on.
    mu, sigma : array
        As for `siegert_rate`, but σ > 0. All broadcast.
    neuron : LIF

    Returns
    -------
    array
        Densities per unit of potential.

    Raises
    ------
    InvalidArgument
        If an argument is not finite, σ is not positive, or `neuron` is not an fp.LIF.

    Source: Brunel (2000), section 4, in the variable x.

    >>> from fokkerplanck.models.lif import LIF
    >>> round(float(voltage_density(10.0, 15.0, 5.0, LIF(0.020, 20.0, 10.0, tau_ref=0.002))), 12)
    0.081450599912
    """
    log_rate = log_siegert_rate(mu, sigma, neuron)
    noise, mean, V = _noise(sigma), _finite("mu", mu), _finite("V", V)
    diffusion = 0.5 * noise**2
    if np.any(diffusion <= 0.0):
        raise InvalidArgument("`sigma` must be positive: without noise the potential has no density below threshold.")
    log_time = log_occupation(V, neuron.E_l + mean, diffusion, neuron.V_r, neuron.V_th)
    return np.asarray(np.exp(np.log(neuron.tau_m) + log_rate + log_time))[()]


# -- one cycle from reset to spike ---------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Cycle:
    """I = e^{exponent} lift moments[0] and its relatives, for every (μ, σ).

    `below` is V_th − E_l − μ, `gap` V_th − V_r, and `lift` is one but for the rounding of the exponent. `quiet` marks
    where the noise is zero, or too small beside these two for their ratio to be a number: there `sigma` is replaced.
    """

    neuron: LIF
    sigma: np.ndarray
    below: np.ndarray
    gap: float
    quiet: np.ndarray
    exponent: np.ndarray
    lift: np.ndarray
    moments: np.ndarray

    @property
    def w_F(self) -> np.ndarray:
        """(V_th − E_l − μ)/(σ/√2)."""
        return SQRT2 * self.below / self.sigma

    @property
    def w_gap(self) -> np.ndarray:
        """(V_th − V_r)/(σ/√2)."""
        return SQRT2 * self.gap / self.sigma


def passage_cycle(mu: ArrayLike, sigma: ArrayLike, neuron: LIF, order: int) -> Cycle:
    require_neuron(neuron)
    mean, noise = _together("mu", _finite("mu", mu), _noise(sigma))
    gap = neuron.V_th - neuron.V_r
    below, error = _difference(neuron.V_th, neuron.E_l, mean)
    quiet = (noise * 1e150 < np.abs(below)) | (noise * 1e290 < gap)
    noise = np.where(quiet, np.maximum(np.abs(below), gap), noise)
    root = noise / SQRT2
    w_F = below / root
    exponent, missing = _square_of_ratio(np.maximum(below, 0.0), np.where(below > 0.0, error, 0.0), noise)
    lift = np.where(exponent < UNDERFLOW, 1.0 + missing, 1.0)
    reach = (gap / root, w_F - gap / root, w_F)
    moments = scaled_moments(*reach, order) if order else scaled_time(*reach)[None]
    if np.any(quiet):
        with np.errstate(divide="ignore"):
            calm = np.where(below < 0.0, np.log1p(gap / np.abs(below)), np.inf)
        exponent, lift = np.where(quiet, 0.0, exponent), np.where(quiet, 1.0, lift)
        moments = np.concatenate([np.where(quiet, calm, moments[0])[None], moments[1:]])
    return Cycle(neuron, noise, below, gap, quiet, exponent, lift, moments)


def _rate(cycle: Cycle) -> np.ndarray:
    with np.errstate(over="ignore"):
        time = np.exp(cycle.exponent) * (cycle.lift * cycle.moments[0])
        return np.asarray(1.0 / (cycle.neuron.tau_ref + cycle.neuron.tau_m * time))[()]


def _level(log_time: np.ndarray, gap: np.ndarray, start: np.ndarray) -> np.ndarray:
    """The w for which log ∫_{w − gap}^{w} φ is `log_time`; it rises with w."""
    low, high = np.full(start.shape, -np.inf), np.full(start.shape, np.inf)
    w, stride = np.minimum(start, 0.0), np.maximum(1.0, 1e-3 * np.abs(start))
    for _ in range(STEPS):
        m = scaled_moments(gap, w - gap, w, 1)
        excess = 0.5 * np.maximum(w, 0.0) ** 2 + np.log(m[0]) - log_time
        low, high = np.where(excess <= 0.0, w, low), np.where(excess >= 0.0, w, high)
        following = w - excess * m[0] / m[1]
        # Outside of the bracket or far beyond what is known: by strides that double, then by halves
        reach = np.where(excess > 0.0, low, high)
        stray = np.where(np.isfinite(reach), 0.5 * (low + high), w - np.sign(excess) * stride)
        inside = (following > low) & (following < high) & (np.abs(following - w) <= stride)
        following = np.where(inside | (excess == 0.0), following, stray)
        stride = 2.0 * stride
        done = np.abs(following - w) <= 2e-16 * np.abs(w)
        w = following
        if np.all(done):
            break
    return w


def _difference(V: float, E: float, mu: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """V − E − μ as a number and its rounding error."""
    first, lost = _two_sum(np.asarray(V), np.asarray(-E))
    second, lost_too = _two_sum(first, -mu)
    return _two_sum(second, lost + lost_too)


def _two_sum(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a + b as rounded, and the error (Knuth)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def _two_product(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """a b as rounded, and the error (Dekker), by the mantissas so that no intermediate overflows."""
    (m, i), (n, j) = np.frexp(a), np.frexp(b)
    product = m * n
    high_m, high_n = _upper_half(m), _upper_half(n)
    low_m, low_n = m - high_m, n - high_n
    error = ((high_m * high_n - product) + high_m * low_n + low_m * high_n) + low_m * low_n
    return np.ldexp(product, i + j), np.ldexp(error, i + j)


def _upper_half(a: np.ndarray) -> np.ndarray:
    """The leading 26 bits."""
    shifted = a * 134217729.0
    return np.asarray(shifted - (shifted - a))


def _square_of_ratio(a: np.ndarray, error: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """((a + error)/b)² as a number and what is missing of it."""
    ratio = a / b
    back, lost = _two_product(ratio, b)
    missing = ((a - back) - lost + error) / b
    square, rounding = _two_product(ratio, ratio)
    return square, rounding + 2.0 * ratio * missing


# -- what is accepted ----------------------------------------------------------------------------------------------


def _together(name: str, first: np.ndarray, noise: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    try:
        first, noise = np.broadcast_arrays(first, noise)
    except ValueError:
        shapes = f"{first.shape} and {noise.shape}"
        raise InvalidArgument(f"`{name}` and `sigma` must broadcast, but are of shapes {shapes}.") from None
    return first, noise


def _finite(name: str, value: ArrayLike) -> np.ndarray:
    array = real_array(name, value)
    if not np.all(np.isfinite(array)):
        raise InvalidArgument(f"`{name}` must be finite, but holds {array[~np.isfinite(array)][0]}.")
    return array


def _noise(sigma: ArrayLike) -> np.ndarray:
    noise = _finite("sigma", sigma)
    if np.any(noise < 0.0):
        raise InvalidArgument(f"`sigma` = {np.min(noise):g}, but the strength of noise must be zero or positive.")
    return noise
