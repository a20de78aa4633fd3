"""Compiled loops over (cells, lanes) arrays: the only code here that is written for speed.

A lane is one density on the voltage grid; lanes are contiguous, so the inner loops vectorise across them. Kernels take
arrays and scalars only and read no globals: numba's disk cache does not notice when either changes elsewhere.

Notation. `right[j]` and `left[j]` are the weights of face j, whose flux is F_j = right[j] n_{j−1} − left[j] n_j;
`left[0] = right[0] = 0` (no flux at v_min), `left[cells] = 0`, and `right[cells]` is 0 as well where the grid goes on
above a threshold that is not absorbing. `loss[i]` is the hazard of a neuron in cell i.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., Any])


def kernel(function: Kernel) -> Kernel:
    """Compile, and keep the result on disk where that is possible.

    On a read-only installation without a home directory numba finds no place for its cache and raises at import;
    such a machine compiles in every process instead.
    """
    return _compiled(function)


def inlined_kernel(function: Kernel) -> Kernel:
    """The same for what other kernels of its file call: it becomes part of them, and is optimised there."""
    return _compiled(function, inline="always")


def _compiled(function: Kernel, **more: Any) -> Kernel:
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True, **more}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


@kernel
def transport(
    n: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    loss: np.ndarray,
    width: np.ndarray,
    out: np.ndarray,
    fired: np.ndarray,
) -> None:
    """out_i = (F_i − F_{i+1})/h_i − loss_i n_i; `fired`, shape (lanes,), returns F_cells + Σ loss_i h_i n_i."""
    cells, lanes = width.shape[0], n.shape[1]
    flux = np.zeros(lanes)
    for k in range(lanes):
        fired[k] = 0.0
    for i in range(cells - 1):
        for k in range(lanes):
            outward = right[i + 1, k] * n[i, k] - left[i + 1, k] * n[i + 1, k]
            escaped = loss[i, k] * n[i, k]
            out[i, k] = (flux[k] - outward) / width[i] - escaped
            fired[k] += width[i] * escaped
            flux[k] = outward
    last = cells - 1
    for k in range(lanes):
        outward = right[cells, k] * n[last, k]
        escaped = loss[last, k] * n[last, k]
        out[last, k] = (flux[k] - outward) / width[last] - escaped
        fired[k] += width[last] * escaped + outward


@kernel
def deposit(
    out: np.ndarray, source: np.ndarray, reset_cells: np.ndarray, reset_shares: np.ndarray, width: np.ndarray
) -> None:
    """Add the mass `source`, shape (lanes,), at the reset potential."""
    for m in range(reset_cells.shape[0]):
        i = reset_cells[m]
        for k in range(out.shape[1]):
            out[i, k] += reset_shares[m] * source[k] / width[i]


@kernel
def eliminate(
    shift: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    loss: np.ndarray,
    width: np.ndarray,
    inverse_pivot: np.ndarray,
) -> None:
    """Forward elimination of (shift − T), T the transport between cells and the loss, without a single subtraction.

    The columns of T sum to minus what fires. Carrying that sum σ along instead of subtracting from the
    diagonal (Grassmann, Taksar, Heyman 1985) gives every pivot to full relative accuracy however small the shift is:

        pivot_i = σ_i + right_{i+1},   σ_{i+1} = (shift + loss_{i+1}) h_{i+1} + left_{i+1} σ_i / pivot_i.
    """
    cells, lanes = width.shape[0], right.shape[1]
    sigma = np.empty(lanes)
    for k in range(lanes):
        sigma[k] = (shift[k] + loss[0, k]) * width[0]
        inverse_pivot[0, k] = 1.0 / (sigma[k] + right[1, k])
    for i in range(1, cells):
        for k in range(lanes):
            sigma[k] = (shift[k] + loss[i, k]) * width[i] + left[i, k] * sigma[k] * inverse_pivot[i - 1, k]
            inverse_pivot[i, k] = 1.0 / (sigma[k] + right[i + 1, k])


@kernel
def substitute(
    x: np.ndarray, right: np.ndarray, left: np.ndarray, width: np.ndarray, inverse_pivot: np.ndarray
) -> None:
    """Solve (shift − T) x = x in place, with the pivots of `eliminate`; non-negative data stay non-negative."""
    cells, lanes = width.shape[0], right.shape[1]
    for k in range(lanes):
        x[0, k] *= width[0]
    for i in range(1, cells):
        for k in range(lanes):
            x[i, k] = width[i] * x[i, k] + right[i, k] * inverse_pivot[i - 1, k] * x[i - 1, k]
    for k in range(lanes):
        x[cells - 1, k] *= inverse_pivot[cells - 1, k]
    for i in range(cells - 2, -1, -1):
        for k in range(lanes):
            x[i, k] = (x[i, k] + left[i + 1, k] * x[i + 1, k]) * inverse_pivot[i, k]


@kernel
def backward_euler(
    n: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    loss: np.ndarray,
    width: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    known: np.ndarray,
    passed: np.ndarray,
    held: np.ndarray,
    shift: np.ndarray,
    inverse_pivot: np.ndarray,
    response: np.ndarray,
    rate: np.ndarray,
    source: np.ndarray,
) -> None:
    """Advance n by one backward-Euler step of length 1/shift with given weights; firing and reset are implicit.

    The reset rate is S = known + passed N, and held = 1 − passed. With (shift − T) x = shift n, (shift − T) z = r and e
    the functional that reads N, the balance of mass gives 1 − e z = shift Σ h z, so

        N = (e x + e z known)/(held + passed shift Σ h z),

    again no subtraction, hence positive and conservative to rounding. `rate` and `source` return N and S.
    The two solves are those of `eliminate` and `substitute`, swept together because the sweeps wait on divisions.
    """
    cells, lanes = width.shape[0], n.shape[1]
    response[:] = 0.0
    for m in range(reset_cells.shape[0]):
        response[reset_cells[m], :] += reset_shares[m]
    sigma, content = np.empty(lanes), np.zeros(lanes)
    fired, fired_by_reset = np.zeros(lanes), np.zeros(lanes)
    for k in range(lanes):
        sigma[k] = (shift[k] + loss[0, k]) * width[0]
        inverse_pivot[0, k] = 1.0 / (sigma[k] + right[1, k])
        n[0, k] *= shift[k] * width[0]
    for i in range(1, cells):
        for k in range(lanes):
            back = inverse_pivot[i - 1, k]
            sigma[k] = (shift[k] + loss[i, k]) * width[i] + left[i, k] * sigma[k] * back
            inverse_pivot[i, k] = 1.0 / (sigma[k] + right[i + 1, k])
            carried = right[i, k] * back
            n[i, k] = shift[k] * width[i] * n[i, k] + carried * n[i - 1, k]
            response[i, k] += carried * response[i - 1, k]
    last = cells - 1
    for k in range(lanes):
        n[last, k] *= inverse_pivot[last, k]
        response[last, k] *= inverse_pivot[last, k]
        content[k] = width[last] * response[last, k]
        leaving = right[cells, k] + loss[last, k] * width[last]
        fired[k], fired_by_reset[k] = leaving * n[last, k], leaving * response[last, k]
    for i in range(cells - 2, -1, -1):
        for k in range(lanes):
            n[i, k] = (n[i, k] + left[i + 1, k] * n[i + 1, k]) * inverse_pivot[i, k]
            response[i, k] = (response[i, k] + left[i + 1, k] * response[i + 1, k]) * inverse_pivot[i, k]
            content[k] += width[i] * response[i, k]
            leaving = loss[i, k] * width[i]
            fired[k] += leaving * n[i, k]
            fired_by_reset[k] += leaving * response[i, k]
    for k in range(lanes):
        rate[k] = (fired[k] + fired_by_reset[k] * known[k]) / (held[k] + passed[k] * shift[k] * content[k])
        source[k] = known[k] + passed[k] * rate[k]
    for i in range(cells):
        for k in range(lanes):
            n[i, k] += response[i, k] * source[k]


@kernel
def weno_transport(
    n: np.ndarray,
    mu: np.ndarray,
    kappa: np.ndarray,
    last: np.ndarray,
    beyond: float,
    loss: np.ndarray,
    width: np.ndarray,
    out: np.ndarray,
    fired: np.ndarray,
) -> None:
    """As `transport`, with F_j = mu_j n̂_j − kappa_j (n_j − n_{j−1}) at inner faces and F = last n at the upper end.

    n̂ is the fifth-order WENO reconstruction of Jiang and Shu from the averages of equal cells on the side where the
    drift comes from. Beyond the upper end n is `beyond` times its mirror image, below v_min the mirror image.
    """
    cells, lanes = width.shape[0], n.shape[1]
    padded = np.empty((cells + 6, lanes))
    padded[3 : cells + 3] = n
    tiny = np.zeros(lanes)
    for k in range(lanes):
        for i in range(3):
            padded[2 - i, k] = n[i, k]
            padded[cells + 3 + i, k] = beyond * n[cells - 1 - i, k]
        for i in range(cells):
            tiny[k] = max(tiny[k], abs(n[i, k]))
        # Relative to the peak, so that the unit of the potential does not matter.
        tiny[k] = 1e-6 * tiny[k] * tiny[k] + 1e-100
        fired[k] = 0.0
    flux = np.zeros(lanes)
    for i in range(cells):
        j = i + 1
        for k in range(lanes):
            if j == cells:
                outward = last[k] * n[i, k]
                fired[k] += outward
            else:
                # The five cells along the drift; the face lies between c and d.
                first, step = (j, 1) if mu[j, k] >= 0.0 else (j + 5, -1)
                a, b, c = padded[first, k], padded[first + step, k], padded[first + 2 * step, k]
                d, e = padded[first + 3 * step, k], padded[first + 4 * step, k]
                rough = 13.0 / 12.0 * (a - 2.0 * b + c) ** 2 + 0.25 * (a - 4.0 * b + 3.0 * c) ** 2
                weight = 0.1 / (tiny[k] + rough) ** 2
                total, face = weight, weight * (2.0 * a - 7.0 * b + 11.0 * c)
                rough = 13.0 / 12.0 * (b - 2.0 * c + d) ** 2 + 0.25 * (b - d) ** 2
                weight = 0.6 / (tiny[k] + rough) ** 2
                total, face = total + weight, face + weight * (-b + 5.0 * c + 2.0 * d)
                rough = 13.0 / 12.0 * (c - 2.0 * d + e) ** 2 + 0.25 * (3.0 * c - 4.0 * d + e) ** 2
                weight = 0.3 / (tiny[k] + rough) ** 2
                total, face = total + weight, face + weight * (2.0 * c + 5.0 * d - e)
                outward = mu[j, k] * face / (6.0 * total) - kappa[j, k] * (n[j, k] - n[i, k])
            escaped = loss[i, k] * n[i, k]
            out[i, k] = (flux[k] - outward) / width[i] - escaped
            fired[k] += width[i] * escaped
            flux[k] = outward
