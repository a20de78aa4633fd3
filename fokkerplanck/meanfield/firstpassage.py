"""How long the process dV = (−V + c) dt + √(2a) dW takes from V_R to V_F, and where it spends that time.

Everything follows from one Laplace integral,

    I(c, a) = ∫_0^∞ e^{−aσ²/2 − cσ} (e^{σV_F} − e^{σV_R})/σ dσ.

It shows at once that −∂/∂c multiplies the integrand by σ and −∂/∂a by σ²/2. Hence with the moments

    m_k = ∫_0^∞ σ^{k−1} e^{−aσ²/2 − cσ} (e^{σV_F} − e^{σV_R}) dσ > 0,

I = m_0, ∂I/∂c = −m_1, ∂I/∂a = −m_2/2, and so on to any order. The integral itself cannot be evaluated like this (it
overflows for c far below V_F); what is integrated is, with w_X = (V_X − c)/√a and the derivatives φ_k = φ^(k) of
φ(w) = √(π/2) erfcx(−w/√2),

    m_k = a^{−k/2} ∫_{w_R}^{w_F} φ_k(w) dw,

over w > 0 with the growth e^{w²/2} taken out, and over w < 0 in the variable log(1 − w), in which the algebraic decay
is smooth. Both integrands are positive and analytic, so 64 Gauss nodes each give full relative accuracy; below
w = −1e8 only the leading term k!/|w|^{k+1} is left, and its integral is elementary. The closed
forms m_1 = [φ]/√a, m_2 = [φ']/a are equal but cancel when V_R and V_F lie close to each other on the scale of w.

All arguments broadcast.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.polynomial.chebyshev import chebinterpolate, chebval
from numpy.typing import ArrayLike
from scipy.special import dawsn, erfcx, gamma, ndtr

from ..outcomes import InvalidArgument

NODES, WEIGHTS = (0.5 * np.polynomial.legendre.leggauss(64)[0] + 0.5, 0.5 * np.polynomial.legendre.leggauss(64)[1])
NEGLIGIBLE = 40.0
"""Where an integrand has fallen by e^{−40} from its largest value, the rest is below rounding."""
FRACTIONS = 70
"""Depth of the continued fraction for φ_k(−y), y ≥ 2: enough for 1e-15."""
FAR = 1e8
"""From here on φ_k(−y) is k!/y^{k+1} to the last digit."""
MODERATE = 1e4
"""Bound of w and of the gap up to which the zeroth moment is tried in closed form."""
SHARE = 0.1
"""Below this share of its terms, a difference of closed forms is not trusted with 1e-13."""
DEGREE = 26
"""Of the interpolant of ∫ erfcx, in 2/(2 + x): enough for the last digits but one."""


def passage_moments(
    c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike, order: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The moments m_0, …, m_order of the module's docstring, without overflow.

    Parameters
    ----------
    c, a : array
        Input and diffusion of dV = (−V + c) dt + √(2a) dW.
    V_R, V_F : array
        Start and target, V_R < V_F.
    order : int
        Highest moment.

    Returns
    -------
    log_scale : array
        Of the shape to which the arguments broadcast; zero for c ≥ V_F.
    moments : array, shape (order + 1, ...)
        m_k e^{−log_scale}.

    Raises
    ------
    InvalidArgument
        If a ≤ 0, V_R ≥ V_F or an argument is not finite.

    >>> log_scale, m = passage_moments(0.0, 1.0, 1.0, 2.0, order=1)
    >>> bool(np.isclose(m[0] * np.exp(log_scale), 8.33500274831763))
    True
    """
    c, a, V_R, V_F = _checked(c, a, V_R, V_F)
    root = np.sqrt(a)
    gap, w_F, w_R = (V_F - V_R) / root, (V_F - c) / root, (V_R - c) / root
    moments = scaled_moments(gap, w_R, w_F, order)
    return 0.5 * np.maximum(w_F, 0.0) ** 2, moments / root ** np.arange(order + 1).reshape(-1, *[1] * root.ndim)


def scaled_moments(gap: np.ndarray, w_R: np.ndarray, w_F: np.ndarray, order: int) -> np.ndarray:
    """e^{−max(w_F, 0)²/2} ∫ φ_k dw over [w_R, w_F] for k = 0, …, order; `gap` is w_F − w_R, before it was rounded."""
    top, near, far = np.maximum(w_F, 0.0), np.maximum(-w_F, 0.0), np.maximum(-w_R, 0.0)
    moments = _above_rest(top, np.minimum(gap, top), order)
    return np.asarray(moments + np.exp(-0.5 * top**2) * _below_rest(near, np.minimum(gap, far), order))


def scaled_time(gap: np.ndarray, w_R: np.ndarray, w_F: np.ndarray) -> np.ndarray:
    """The zeroth of `scaled_moments` to 3e-14, many times faster: in closed form wherever that does not cancel."""
    shape = np.shape(w_F)
    gap, w_R, w_F = (np.ravel(part) for part in (gap, w_R, w_F))
    moment, trusted = np.empty(w_F.shape), (np.abs(w_F) < MODERATE) & (gap < MODERATE)
    closed, size = _closed(gap[trusted], w_R[trusted], w_F[trusted])
    moment[trusted] = closed
    trusted[trusted] = closed > SHARE * size
    if not np.all(trusted):
        rest = ~trusted
        moment[rest] = scaled_moments(gap[rest], w_R[rest], w_F[rest], 0)[0]
    return moment.reshape(shape)


def _closed(gap: np.ndarray, w_R: np.ndarray, w_F: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The zeroth of the scaled moments as a difference, and the sum of the sizes of its terms.

        ∫_0^w φ dw = √π G(w/√2),   G(x) = 2 e^{x²} D(max(x, 0)) − E(|x|),   E(x) = ∫_0^x erfcx

    with Dawson's function D, everything times e^{−max(x_F, 0)²}.
    """
    x_R, x_F = np.sqrt(0.5) * w_R, np.sqrt(0.5) * w_F
    scale = np.exp(-(np.maximum(x_F, 0.0) ** 2))
    small_R, small_F = _integral_of_erfcx(np.abs(x_R)), _integral_of_erfcx(np.abs(x_F))
    high_R, high_F = 2.0 * dawsn(np.maximum(x_R, 0.0)), 2.0 * dawsn(np.maximum(x_F, 0.0))
    high_R *= np.exp(-np.sqrt(0.5) * gap * (x_F + np.maximum(x_R, 0.0)), where=x_R > 0.0, out=np.zeros(x_R.shape))
    value = high_F - high_R + scale * (small_R - small_F)
    return np.sqrt(np.pi) * value, np.sqrt(np.pi) * (high_F + high_R + scale * (1.0 + small_R + small_F))


def mean_first_passage(c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike) -> np.ndarray:
    """Mean time that dV = (−V + c) dt + √(2a) dW takes from V_R to V_F.

        I(c, a) = √π ∫_{x_R}^{x_F} erfcx(−x) dx,   x_X = (V_X − c)/√(2a),   erfcx(x) = e^{x²} erfc(x)

    Parameters
    ----------
    c, a : array
        Input and diffusion, a > 0.
    V_R, V_F : array
        Start and target, V_R < V_F.

    Returns
    -------
    array
        In membrane time constants; inf where it exceeds the largest double (`log_mean_first_passage` does not).

    Raises
    ------
    InvalidArgument
        If a ≤ 0, V_R ≥ V_F or an argument is not finite.

    Source: Siegert, Phys. Rev. 81 (1951) 617; for this model Cáceres, Carrillo, Perthame (2011), section 3.

    >>> round(float(mean_first_passage(0.0, 1.0, 1.0, 2.0)), 12)
    8.335002748318
    """
    log_scale, moments = passage_moments(c, a, V_R, V_F)
    with np.errstate(over="ignore"):
        return np.asarray(np.exp(log_scale) * moments[0])


def log_mean_first_passage(c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike) -> np.ndarray:
    """Logarithm of `mean_first_passage`, finite also where the time itself overflows.

    >>> round(float(log_mean_first_passage(-1000.0, 1.0, 1.0, 2.0)), 6)
    501996.009186
    """
    log_scale, moments = passage_moments(c, a, V_R, V_F)
    return np.asarray(log_scale + np.log(moments[0]))


def mean_first_passage_slopes(
    c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """(∂I/∂c, ∂I/∂a), both negative functions of the input and of the diffusion.

        ∂I/∂c = −(φ(w_F) − φ(w_R))/√a,   ∂I/∂a = −(w_F φ(w_F) − w_R φ(w_R))/(2a),
        φ(w) = √(π/2) erfcx(−w/√2),   w_X = (V_X − c)/√a

    evaluated as −m_1 and −m_2/2, which do not cancel. Arguments and errors as for `mean_first_passage`.

    >>> by_current, by_noise = mean_first_passage_slopes(0.0, 1.0, 1.0, 2.0)
    >>> round(float(by_current), 6), round(float(by_noise), 6)
    (-14.623196, -16.361722)
    """
    log_scale, moments = passage_moments(c, a, V_R, V_F, order=2)
    with np.errstate(over="ignore"):
        scale = np.exp(log_scale)
        return np.asarray(-scale * moments[1]), np.asarray(-0.5 * scale * moments[2])


def log_occupation(v: ArrayLike, c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike) -> np.ndarray:
    """Logarithm of the occupation density: the mean time spent at v, per unit of v, on the way from V_R to V_F.

        g(v) = (1/a) e^{−(v−c)²/2a} ∫_{max(v, V_R)}^{V_F} e^{(s−c)²/2a} ds,   ∫ g dv = I,   g = 0 for v ≥ V_F

    The integrand is largest at an end of the interval; each of its two sides is integrated from there, with the
    exponent taken relative to v. Nothing cancels near V_F and nothing overflows. −inf for v ≥ V_F.

    Arguments and errors as for `mean_first_passage`; v any potential.

    >>> round(float(np.exp(log_occupation(1.0, 0.0, 1.0, 1.0, 2.0))), 12)
    2.143449099919
    """
    c, a, V_R, V_F = _checked(c, a, V_R, V_F)
    here: np.ndarray = np.minimum(np.asarray(v, dtype=float), V_F)
    root, start = np.sqrt(a), np.maximum(here, V_R)
    gap = (V_F - start) / root
    high, low = np.maximum((V_F - c) / root, 0.0), np.maximum((c - start) / root, 0.0)
    log_high = (V_F - here) * (V_F + here - 2.0 * c) / (2.0 * a)
    log_low = (start - here) * (start + here - 2.0 * c) / (2.0 * a)
    with np.errstate(divide="ignore"):
        log_high = log_high + np.log(_rise(high, np.minimum(gap, high)))
        log_low = log_low + np.log(_rise(low, np.minimum(gap, low)))
    return np.asarray(np.logaddexp(log_high, log_low) - np.log(root))


def stationary_density(
    v: ArrayLike, rate: ArrayLike, c: ArrayLike, a: ArrayLike, V_R: ArrayLike, V_F: ArrayLike
) -> np.ndarray:
    """The stationary density of a population that fires at `rate` under the input c and the diffusion a.

        p(v) = (N/a) e^{−(v−c)²/2a} ∫_{max(v, V_R)}^{V_F} e^{(s−c)²/2a} ds

    Parameters
    ----------
    v : array
        Potentials; p = 0 for v ≥ V_F.
    rate : array
        Firing rate N ≥ 0. The mass of p is N I(c, a), whatever N is.
    c, a : array
        Input and diffusion, a > 0.
    V_R, V_F : array
        Reset and threshold, V_R < V_F.

    Raises
    ------
    InvalidArgument
        If a ≤ 0, V_R ≥ V_F or an argument is not finite.

    Source: Cáceres, Carrillo, Perthame (2011), section 3.

    >>> round(float(stationary_density(1.0, 0.119975965239, 0.0, 1.0, 1.0, 2.0)), 10)
    0.2571623747
    """
    with np.errstate(divide="ignore"):
        log_rate = np.log(rate)
    return np.asarray(np.exp(log_rate + log_occupation(v, c, a, V_R, V_F)))


# -- the integrals ----------------------------------------------------------------------------------------------


def _checked(*arguments: ArrayLike) -> list[np.ndarray]:
    c, a, V_R, V_F = np.broadcast_arrays(*(np.asarray(x, dtype=float) for x in arguments))
    if not all(np.all(np.isfinite(x)) for x in (c, a, V_R, V_F)):
        raise InvalidArgument("`c`, `a`, `V_R` and `V_F` must be finite.")
    if np.any(a <= 0.0):
        raise InvalidArgument(f"`a` = {np.min(a):g}, but a diffusion must be positive.")
    if np.any(V_R >= V_F):
        raise InvalidArgument("`V_R` must lie below `V_F`; swap them?")
    return [c, a, V_R, V_F]


def _integral_of_erfcx(x: np.ndarray) -> np.ndarray:
    """∫_0^x erfcx for x ≥ 0, with an absolute error of a few 1e-15: log(1 + x)/√π and a remainder that is bounded."""
    return np.asarray(np.log1p(x) / np.sqrt(np.pi) + chebval(4.0 / (2.0 + x) - 1.0, _remainder()))


@cache
def _remainder() -> np.ndarray:
    """Chebyshev coefficients of ∫_0^x erfcx − log(1 + x)/√π in the variable 4/(2 + x) − 1."""

    def remainder(z: np.ndarray) -> np.ndarray:
        x = 4.0 / (1.0 + z) - 2.0
        decades = np.log1p(x)
        y = np.expm1(decades[:, None] * NODES)
        return np.asarray(decades * (_sum((1.0 + y) * erfcx(y)) - 1.0 / np.sqrt(np.pi)))

    return chebinterpolate(remainder, DEGREE)


def _sum(values: np.ndarray) -> np.ndarray:
    """Gauss quadrature over the last axis; not with @, whose result depends on how many integrals are done at once."""
    return np.einsum("...j,j->...", values, WEIGHTS)


def _reach(top: np.ndarray, length: np.ndarray) -> np.ndarray:
    """How much of [top − length, top] matters for an integrand that grows like e^{w²/2}."""
    last = np.sqrt(np.maximum(top**2 - 2.0 * NEGLIGIBLE, 0.0))
    return np.minimum(length, 2.0 * NEGLIGIBLE / np.maximum(top + last, 1e-300))


def _rise(top: np.ndarray, length: np.ndarray) -> np.ndarray:
    """∫ e^{(w² − top²)/2} dw over [top − length, top], 0 ≤ length ≤ top."""
    length = _reach(top, length)
    d = length[..., None] * NODES
    return length * _sum(np.exp(-0.5 * d * (2.0 * top[..., None] - d)))


def _above_rest(top: np.ndarray, length: np.ndarray, order: int) -> np.ndarray:
    """∫ φ_k(w) e^{−top²/2} dw over [top − length, top], 0 ≤ length ≤ top, for k = 0, …, order."""
    length = _reach(top, length)
    d = length[..., None] * NODES
    w = top[..., None] - d
    phi = [np.sqrt(2.0 * np.pi) * ndtr(w) * np.exp(-0.5 * d * (2.0 * top[..., None] - d))]
    _climb(phi, w, np.exp(-0.5 * top[..., None] ** 2), order)
    return length * _sum(np.array(phi))


def _below_rest(near: np.ndarray, length: np.ndarray, order: int) -> np.ndarray:
    """∫ φ_k(−y) dy over [near, near + length], near ≥ 0, for k = 0, …, order."""
    start = np.maximum(near, FAR)
    nearby = np.minimum(length, start - near)
    decades = np.log1p(nearby / (1.0 + near))
    shift = (1.0 + near[..., None]) * np.expm1(decades[..., None] * NODES)
    y = near[..., None] + shift
    return decades * _sum((1.0 + y) * np.array(_phi_below(y, order))) + _far_below(start, length - nearby, order)


def _far_below(start: np.ndarray, length: np.ndarray, order: int) -> np.ndarray:
    """∫ k!/y^{k+1} dy over [start, start + length], start ≥ FAR: hundreds of decades, if need be."""
    decades = np.log1p(length / start)
    return np.array([-np.expm1(-k * decades) * gamma(k) / start**k if k else decades for k in range(order + 1)])


def phi_derivatives(w: np.ndarray, order: int) -> np.ndarray:
    """φ_k(w) e^{−max(w, 0)²/2} for k = 0, …, order, without cancellation; shape (order + 1, ...)."""
    w = np.asarray(w, dtype=float)
    above = [np.sqrt(2.0 * np.pi) * ndtr(w)]
    _climb(above, w, np.exp(-0.5 * w**2), order)
    return np.where(w > 0.0, np.array(above), np.array(_phi_below(np.maximum(-w, 0.0), order)))


def _phi_below(y: np.ndarray, order: int) -> list[np.ndarray]:
    """φ_k(−y), y ≥ 0, for k = 0, …, order."""
    phi = [np.sqrt(0.5 * np.pi) * erfcx(np.sqrt(0.5) * y)]
    if order:
        _climb(phi, -np.minimum(y, 2.0), 1.0, order)
        # Where climbing cancels, the ratios φ_k/φ_{k−1} come from a continued fraction.
        for k, ratio in enumerate(_ratios(np.maximum(y, 2.0), order), start=1):
            phi[k] = np.where(y > 2.0, phi[k - 1] * ratio, phi[k])
    return phi


def _climb(phi: list[np.ndarray], w: np.ndarray, one: np.ndarray | float, order: int) -> None:
    """φ_1 = 1 + w φ_0 and φ_{k+1} = w φ_k + k φ_{k−1}, appended; `one` is the 1 in the units of φ_0."""
    for k in range(order):
        phi.append(w * phi[k] + (k * phi[k - 1] if k else one))


def _ratios(y: np.ndarray, order: int) -> list[np.ndarray]:
    """φ_k(−y)/φ_{k−1}(−y) = k/(y + (k+1)/(y + (k+2)/(y + …))) for k = 1, …, order."""
    ratio = 0.5 * (np.sqrt(y * y + 4.0 * (FRACTIONS + 1)) - y)
    ratios = []
    for k in range(FRACTIONS, 0, -1):
        ratio = k / (y + ratio)
        if k <= order:
            ratios.append(ratio)
    return ratios[::-1]
