"""Scharfetter–Gummel weights of many lanes at once, for a drift f_j + c_k.

W(μ, κ) = κ B(μ/κ) with B(x) = x/(eˣ − 1) = G(x/2) − x/2, where G(t) = t coth t is an even function. Its continued
fraction

    t coth t = 1 + z/(3 + z/(5 + z/(7 + …))),   z = t²,

is a quotient of polynomials with positive coefficients, which compilers vectorise, as they do not the exponential
function. Cut off after 19 it is exact to rounding for |t| ≤ 1.5; and the difference G(t) − t loses a factor of
(e^{2t} − 1)/2 < 10 there. Rows of faces in which a Péclet number exceeds 3 are left to the exponential function.

Source: Scharfetter, Gummel, IEEE Trans. Electron Devices 16 (1969) 64; the continued fraction: Gauss (1813).
"""

from __future__ import annotations

import numpy as np

from .kernels import kernel


@kernel
def affine_weights(
    face_drift: np.ndarray,
    current: np.ndarray,
    distance: np.ndarray,
    diffusion: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
) -> None:
    """right = W(−μ, κ), left = W(μ, κ) for μ = face_drift_j + current_k, κ = diffusion_k/distance_j, at every face.

    `face_drift` and `distance` have shape (faces,), `current` and `diffusion` (lanes,), the results (faces, lanes): the
    numbers of `ScharfetterGummel().pair` to a relative error of 1e-14, the ends of the grid not closed. A diffusion of
    zero is upwind.
    """
    faces, lanes = right.shape
    inverse = np.empty(lanes)
    low, high, strong = np.inf, -np.inf, 0.0
    for k in range(lanes):
        low, high = min(low, current[k]), max(high, current[k])
        inverse[k] = 1.0 / diffusion[k]
        strong = max(strong, inverse[k])
    for j in range(faces):
        f, d = face_drift[j], distance[j]
        closeness = 1.0 / d
        half = 0.5 * d
        # Not (… > 3): an infinite Péclet number of drift zero is no number.
        if max(abs(f + low), abs(f + high)) * d * strong <= 3.0:
            for k in range(lanes):
                mu = f + current[k]
                t = abs(mu) * half * inverse[k]
                z = t * t
                above = 654729075.0 + z * (310134825.0 + z * (18918900.0 + z * (315315.0 + z * (1485.0 + z))))
                below = 654729075.0 + z * (91891800.0 + z * (2837835.0 + z * (25740.0 + z * 55.0)))
                small = diffusion[k] * closeness * (above / below - t)
                right[j, k] = small + (mu if mu > 0.0 else 0.0)
                left[j, k] = small + (0.0 if mu > 0.0 else -mu)
        else:
            for k in range(lanes):
                mu = f + current[k]
                size = abs(mu)
                kappa = diffusion[k] * closeness
                x = size / max(max(kappa, size / 700.0), 1e-300)
                small = (size / np.expm1(x) if x < 690.0 else 0.0) if x > 0.0 else kappa
                right[j, k] = small + max(mu, 0.0)
                left[j, k] = small + max(-mu, 0.0)


@kernel
def affine_backward_euler(
    n: np.ndarray,
    face_drift: np.ndarray,
    current: np.ndarray,
    distance: np.ndarray,
    diffusion: np.ndarray,
    width: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    known: np.ndarray,
    passed: np.ndarray,
    held: np.ndarray,
    shift: np.ndarray,
    left: np.ndarray,
    inverse_pivot: np.ndarray,
    response: np.ndarray,
    rate: np.ndarray,
    source: np.ndarray,
) -> None:
    """`kernels.backward_euler` with the weights of `affine_weights`, for a threshold that absorbs at the last face.

    The weights are made on the way, where they meet the divisions that the sweep waits for, and only `left`, of shape
    (cells, lanes) without the first face, is kept. And there is one sweep back, not two: of what is put into cell i the
    part σ_i/(σ_i + right_{i+1}) never gets further up, so that what the deposit r leaves behind, shift Σ h z in
    `kernels.backward_euler`, is known when the sweep up is done; so is N, and n and z N go back as one. `response`, of
    the shape of n, returns in the cells from the first of `reset_cells` on what the sweep up makes of r.
    """
    cells, lanes = n.shape
    first = reset_cells[0]
    for m in range(reset_cells.shape[0]):
        first = min(first, reset_cells[m])
    response[first:] = 0.0
    for m in range(reset_cells.shape[0]):
        response[reset_cells[m], :] += reset_shares[m]
    inverse, small, sigma, content = np.empty(lanes), np.empty(lanes), np.zeros(lanes), np.zeros(lanes)
    right, before, back = np.zeros(lanes), np.zeros(lanes), np.zeros(lanes)
    density, answer = np.zeros(lanes), np.zeros(lanes)
    low, high, strong = np.inf, -np.inf, 0.0
    for k in range(lanes):
        low, high = min(low, current[k]), max(high, current[k])
        inverse[k] = 1.0 / diffusion[k]
        strong = max(strong, inverse[k])
    for i in range(cells):
        f, d, h = face_drift[i + 1], distance[i + 1], width[i]
        closeness = 1.0 / d
        half = 0.5 * d
        if max(abs(f + low), abs(f + high)) * d * strong <= 3.0:
            for k in range(lanes):
                t = abs(f + current[k]) * half * inverse[k]
                z = t * t
                above = 654729075.0 + z * (310134825.0 + z * (18918900.0 + z * (315315.0 + z * (1485.0 + z))))
                below = 654729075.0 + z * (91891800.0 + z * (2837835.0 + z * (25740.0 + z * 55.0)))
                small[k] = diffusion[k] * closeness * (above / below - t)
        else:
            for k in range(lanes):
                size = abs(f + current[k])
                kappa = diffusion[k] * closeness
                x = size / max(max(kappa, size / 700.0), 1e-300)
                small[k] = (size / np.expm1(x) if x < 690.0 else 0.0) if x > 0.0 else kappa
        # `right`, `before` (the left weight) and `back` (the inverse pivot) are those of the face and cell below.
        if i > first:
            for k in range(lanes):
                answer[k] = response[i, k] + right[k] * back[k] * answer[k]
                response[i, k] = answer[k]
        elif i == first:
            for k in range(lanes):
                answer[k] = response[i, k]
        for k in range(lanes):
            mu = f + current[k]
            sigma[k] = shift[k] * h + before[k] * sigma[k] * back[k]
            density[k] = shift[k] * h * n[i, k] + right[k] * back[k] * density[k]
            right[k] = small[k] + (mu if mu > 0.0 else 0.0)
            before[k] = small[k] + (0.0 if mu > 0.0 else -mu)
            back[k] = 1.0 / (sigma[k] + right[k])
            n[i, k] = density[k]
            left[i, k], inverse_pivot[i, k] = before[k], back[k]
        if i >= first:
            for k in range(lanes):
                content[k] += answer[k] * sigma[k] * back[k]
    for k in range(lanes):
        fired, fired_by_reset = right[k] * back[k] * density[k], right[k] * back[k] * answer[k]
        rate[k] = (fired + fired_by_reset * known[k]) / (held[k] + passed[k] * content[k])
        source[k] = known[k] + passed[k] * rate[k]
    last = cells - 1
    for k in range(lanes):
        density[k] = (n[last, k] + (response[last, k] * source[k] if last >= first else 0.0)) * back[k]
        n[last, k] = density[k]
    for i in range(cells - 2, -1, -1):
        if i >= first:
            for k in range(lanes):
                n[i, k] += response[i, k] * source[k]
        for k in range(lanes):
            density[k] = (n[i, k] + left[i, k] * density[k]) * inverse_pivot[i, k]
            n[i, k] = density[k]
