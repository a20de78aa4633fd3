"""Compiled loops over (cells, lanes) arrays: the only code here that is written for speed.

A lane is one density on the voltage grid; lanes are contiguous, so the inner loops vectorise across them. Kernels take
arrays and scalars only and read no globals: numba's disk cache does not notice when either changes elsewhere.

Notation. `right[j]` and `left[j]` are the weights of face j, whose flux is F_j = right[j] n_{j−1} − left[j] n_j;
`left[0] = right[0] = 0` (no flux at v_min), `left[cells] = 0` (n = 0 at V_F), so F_cells is the firing rate.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
import numpy as np

Kernel = TypeVar("Kernel", bound=Callable[..., None])


def kernel(function: Kernel) -> Kernel:
    """Compile, and keep the result on disk where that is possible.

    On a read-only installation without a home directory numba finds no place for its cache and raises at import;
    such a machine compiles in every process instead.
    """
    options: dict[str, Any] = {"error_model": "numpy", "nogil": True}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:
        return numba.njit(**options)(function)


@kernel
def divergence(
    n: np.ndarray, right: np.ndarray, left: np.ndarray, width: np.ndarray, out: np.ndarray, flux: np.ndarray
) -> None:
    """out_i = (F_i − F_{i+1})/h_i; `flux`, shape (lanes,), returns what leaves through the last face."""
    cells, lanes = width.shape[0], n.shape[1]
    for k in range(lanes):
        flux[k] = 0.0
    for i in range(cells - 1):
        for k in range(lanes):
            outward = right[i + 1, k] * n[i, k] - left[i + 1, k] * n[i + 1, k]
            out[i, k] = (flux[k] - outward) / width[i]
            flux[k] = outward
    for k in range(lanes):
        outward = right[cells, k] * n[cells - 1, k]
        out[cells - 1, k] = (flux[k] - outward) / width[cells - 1]
        flux[k] = outward


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
def balance(
    y: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    width: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    tau: np.ndarray,
    out: np.ndarray,
) -> None:
    """Right-hand side of the density, the refractory pool and the closure 0 = F_cells − N.

    y and out, shape (cells + 2, lanes): density, then the pool R, then the rate N.
    """
    cells, lanes = width.shape[0], y.shape[1]
    flux, source = np.empty(lanes), np.empty(lanes)
    divergence(y[:cells], right, left, width, out[:cells], flux)
    for k in range(lanes):
        source[k] = y[cells, k] / tau[k] if tau[k] > 0.0 else flux[k]
        out[cells, k] = flux[k] - source[k]
        out[cells + 1, k] = flux[k] - y[cells + 1, k]
    deposit(out[:cells], source, reset_cells, reset_shares, width)


@kernel
def eliminate(
    shift: np.ndarray, right: np.ndarray, left: np.ndarray, width: np.ndarray, inverse_pivot: np.ndarray
) -> None:
    """Forward elimination of (shift − T), T the transport between cells, without a single subtraction.

    The columns of T sum to minus the loss at V_F. Carrying that sum σ along instead of subtracting from the
    diagonal (Grassmann, Taksar, Heyman 1985) gives every pivot to full relative accuracy however small the shift is:

        pivot_i = σ_i + right_{i+1},   σ_{i+1} = shift h_{i+1} + left_{i+1} σ_i / pivot_i.
    """
    cells, lanes = width.shape[0], right.shape[1]
    for k in range(lanes):
        inverse_pivot[0, k] = 1.0 / (shift[k] * width[0] + right[1, k])
    sigma = shift * width[0]
    for i in range(1, cells):
        for k in range(lanes):
            sigma[k] = shift[k] * width[i] + left[i, k] * sigma[k] * inverse_pivot[i - 1, k]
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
def bordered_solve(
    u: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    width: np.ndarray,
    inverse_pivot: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    tau: np.ndarray,
    shift: np.ndarray,
    response: np.ndarray,
    gain: np.ndarray,
) -> None:
    """Solve (shift M − J) u = u in place: tridiagonal, plus the rank one that ties it to the rate.

    With e the functional that reads the firing rate off a density, r the reset, k = ∂(T n)/∂N and η = ∂(e n)/∂N
    at fixed density, the linearised equations give u_N = (e x + ρ_N)/(1 − η − e z) and u_n = x + z u_N, where
    (shift − T) x = ρ_n + r (ρ_R − ρ_N)/(1 + τ shift) and `response` z solves (shift − T) z = k + r/(1 + τ shift).
    `gain` is η + e z.
    """
    cells, lanes = width.shape[0], u.shape[1]
    released = (u[cells] - u[cells + 1]) / (1.0 + tau * shift)
    deposit(u[:cells], released, reset_cells, reset_shares, width)
    substitute(u[:cells], right, left, width, inverse_pivot)
    for k in range(lanes):
        rate = (right[cells, k] * u[cells - 1, k] + u[cells + 1, k]) / (1.0 - gain[k])
        if tau[k] > 0.0:
            u[cells, k] = (u[cells, k] + rate - u[cells + 1, k]) * tau[k] / (1.0 + tau[k] * shift[k])
        else:
            u[cells, k] = 0.0
        u[cells + 1, k] = rate
    for i in range(cells):
        for k in range(lanes):
            u[i, k] += response[i, k] * u[cells + 1, k]


@kernel
def backward_euler(
    y: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
    width: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    tau: np.ndarray,
    shift: np.ndarray,
    inverse_pivot: np.ndarray,
    response: np.ndarray,
) -> None:
    """Advance y by one backward-Euler step of length 1/shift with given weights; firing and reset are implicit.

    With (shift − T) x = shift n and (shift − T) z = r, the balance of mass gives 1 − e z = shift Σ h z, so
    N = ((τ + dt) e x + (e z) R) / (τ + Σ h z): again no subtraction, hence positive and conservative to rounding.
    The two solves are those of `eliminate` and `substitute`, swept together because the sweeps wait on divisions.
    """
    cells, lanes = width.shape[0], y.shape[1]
    response[:] = 0.0
    for m in range(reset_cells.shape[0]):
        response[reset_cells[m], :] += reset_shares[m]
    sigma, content = shift * width[0], np.zeros(lanes)
    for k in range(lanes):
        inverse_pivot[0, k] = 1.0 / (sigma[k] + right[1, k])
        y[0, k] *= shift[k] * width[0]
    for i in range(1, cells):
        for k in range(lanes):
            back = inverse_pivot[i - 1, k]
            sigma[k] = shift[k] * width[i] + left[i, k] * sigma[k] * back
            inverse_pivot[i, k] = 1.0 / (sigma[k] + right[i + 1, k])
            carried = right[i, k] * back
            y[i, k] = shift[k] * width[i] * y[i, k] + carried * y[i - 1, k]
            response[i, k] += carried * response[i - 1, k]
    last = cells - 1
    for k in range(lanes):
        y[last, k] *= inverse_pivot[last, k]
        response[last, k] *= inverse_pivot[last, k]
        content[k] = width[last] * response[last, k]
    for i in range(cells - 2, -1, -1):
        for k in range(lanes):
            y[i, k] = (y[i, k] + left[i + 1, k] * y[i + 1, k]) * inverse_pivot[i, k]
            response[i, k] = (response[i, k] + left[i + 1, k] * response[i + 1, k]) * inverse_pivot[i, k]
            content[k] += width[i] * response[i, k]
    for k in range(lanes):
        dt = 1.0 / shift[k]
        fired, fired_by_reset = right[cells, k] * y[last, k], right[cells, k] * response[last, k]
        rate = ((tau[k] + dt) * fired + fired_by_reset * y[cells, k]) / (tau[k] + content[k])
        content[k] = (y[cells, k] + dt * rate) / (tau[k] + dt)  # from here on the reset rate S
        y[cells, k] = tau[k] * content[k]
        y[cells + 1, k] = rate
    for i in range(cells):
        for k in range(lanes):
            y[i, k] += response[i, k] * content[k]
