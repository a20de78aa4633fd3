"""The Laplace transform of the first-passage time of dw = −w ds + √2 dW, compiled.

E e^{−zT} = h(w_R)/h(w_F) = e^{−Λ(z)} for T from w_R to w_F, where h'' = w h' + z h and h stays algebraic as w → −∞ (it
is e^{w²/4} D_{−z}(−w)). What is computed is r = h'/h, which is never large or small by exponentials:

    Λ = ∫_{w_R}^{w_F} r dw,   r' = z + w r − r²,   r(z, −y) = z/(y + (z + 1)/(y + (z + 2)/(y + …))),

by the continued fraction and Gauss quadrature where w is well below zero, and from there upwards, the stable direction,
by Taylor series of h. ∂/∂z is carried along.
"""

from __future__ import annotations

import numpy as np

from ..operators.kernels import kernel


@kernel
def log_of_one_plus(u: complex) -> complex:
    """log(1 + u), principal, with relative accuracy for small u."""
    return complex(0.5 * np.log1p(2.0 * u.real + u.real * u.real + u.imag * u.imag), np.arctan2(u.imag, 1.0 + u.real))


@kernel
def reciprocal(z: complex) -> complex:
    """1/z, not a number for z = 0, where numba would raise."""
    return z.conjugate() * (1.0 / (z.real * z.real + z.imag * z.imag))


@kernel
def levels(z: complex, y: float) -> int:
    """How deep the continued fraction has to begin."""
    # Level n damps the error by e^{−y/√|z + n|} or more, but hardly while z + n is close to −y²/4.
    terms = 10.0 + 330.0 / (y * y) + 36.0 * np.sqrt(abs(z)) / y
    if abs(z + 0.25 * y * y) < 0.1 * y * y:
        # For y > 100 only the ends of contours come there, where nothing is left to integrate.
        terms += min(max(0.0, -z.real), 3000.0)
    return int(min(terms, 20000.0))


@kernel
def fraction(z: complex, y: float) -> tuple[complex, complex]:
    """r(z, −y) and ∂r/∂z."""
    terms = levels(z, y)
    last = np.sqrt(y * y + 4.0 * (z + terms))
    ratio, slope = 0.5 * (last - y), 1.0 / last
    for k in range(terms - 1, -1, -1):
        inverse = reciprocal(y + ratio)
        ratio = (z + k) * inverse
        slope = (1.0 - ratio * slope) * inverse
    return ratio, slope


@kernel
def settled(z: complex, w: float) -> tuple[complex, complex]:
    """r(z, w) and ∂r/∂z for large |z + w²/4|, to second order; going on upwards damps the error."""
    Q = z - 0.5 + 0.25 * w * w
    root = np.sqrt(Q)
    return 0.5 * w + root - w / (8.0 * Q), 0.5 / root + w / (8.0 * Q * Q)


@kernel
def exponents(
    z: np.ndarray,
    w_R: float,
    w_F: float,
    low: float,
    nodes: np.ndarray,
    weights: np.ndarray,
    value: np.ndarray,
    slope: np.ndarray,
    end: np.ndarray,
    end_slope: np.ndarray,
    begin: np.ndarray,
    begin_slope: np.ndarray,
) -> None:
    """Λ and Λ' at each z, and r and ∂r/∂z at w_F and at w_R. Below `low` < 0 the quadrature, above it the series."""
    terms = 28  # of the Taylor series
    inverse_of = 1.0 / np.arange(1.0, terms + 2.0)
    for j in range(z.size):
        s = z[j]
        total, total_slope = 0.0j, 0.0j
        r_R, r_R_z = 0.0j, 0.0j
        # What happened further below w_R than `memory` is forgotten before w_R is reached: the series can start there,
        # and does where that is less work than the quadrature.
        root = np.sqrt(s + 0.25 * w_R * w_R)
        memory = w_R - 20.0 / (abs(root.real) + 1e-300)
        steps = 0.5 * (w_F - memory) * (abs(memory) + np.sqrt(abs(s)) + 2.0)
        work = nodes.size * (levels(s, -w_R) + levels(s, -min(w_F, low)))
        fast = abs(root) > 5.0 and abs(root.real) > 0.05 * abs(root) and (w_R >= low or 28.0 * steps < work)
        if w_R < low and not fast:
            r_R, r_R_z = fraction(s, -w_R)
            # in the variable log(1 − w)
            first, last = 1.0 - min(w_F, low), 1.0 - w_R
            decades = np.log(last / first)
            if last < 2.0 * first:
                decades = np.log1p((min(w_F, low) - w_R) / first)
            panels = int(np.ceil(0.5 * decades))
            for i in range(panels * nodes.size):
                share = (i // nodes.size + nodes[i % nodes.size]) / panels
                weight = decades / panels * weights[i % nodes.size]
                y = first * np.exp(decades * share)
                r, r_z = fraction(s, y - 1.0)
                total += weight * y * r
                total_slope += weight * y * r_z
        if w_F <= low and not fast:
            r, r_z = fraction(s, -w_F)
        else:
            w = low
            if fast and (w_R <= low or memory > low):
                w = memory
                r, r_z = settled(s, w)
            else:
                r, r_z = fraction(s, -low)
            while w < w_F:
                if w == w_R:
                    r_R, r_R_z = r, r_z
                stop = w_R if w < w_R else w_F
                d = min(stop - w, 2.0 / (abs(w) + np.sqrt(abs(s)) + 2.0))
                # c_n = h^(n) d^n/n! over h(w), and its derivative by z
                c0, c1, b0, b1 = 1.0 + 0.0j, r * d, 0.0j, r_z * d
                h, g, h_z, g_z = c1, c1, b1, b1
                wd, dd = w * d, d * d
                for n in range(terms):
                    # Real factors apart from complex ones: half the multiplications, and a short way from c1 to c2.
                    along = wd * inverse_of[n + 1]
                    across = dd * inverse_of[n + 1] * inverse_of[n]
                    x, y = across * (n + s.real), across * s.imag
                    c2 = complex(
                        along * c1.real + (x * c0.real - y * c0.imag), along * c1.imag + (x * c0.imag + y * c0.real)
                    )
                    b2 = complex(
                        along * b1.real + (x * b0.real - y * b0.imag + across * c0.real),
                        along * b1.imag + (x * b0.imag + y * b0.real + across * c0.imag),
                    )
                    h += c2
                    g += complex((n + 2.0) * c2.real, (n + 2.0) * c2.imag)
                    h_z += b2
                    g_z += complex((n + 2.0) * b2.real, (n + 2.0) * b2.imag)
                    c0, c1, b0, b1 = c1, c2, b1, b2
                inverse = reciprocal(1.0 + h)
                if w >= w_R:
                    total += log_of_one_plus(h)
                    total_slope += h_z * inverse
                r = g * inverse / d
                r_z = (g_z / d - r * h_z) * inverse
                w = stop if d == stop - w else w + d
        value[j], slope[j] = total, total_slope
        end[j], end_slope[j], begin[j], begin_slope[j] = r, r_z, r_R, r_R_z
