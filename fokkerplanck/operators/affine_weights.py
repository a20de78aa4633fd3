"""Scharfetter–Gummel weights for a drift f_j + c_k, their slopes, and the backward-Euler step that makes its own.

W(μ, κ) = κ B(μ/κ) with B(x) = x/(eˣ − 1) = G(x) − x/2, where G(x) = (x/2) coth(x/2) is an even function. So it is made
without the exponential function, which compilers do not vectorise: rows of faces are told apart by their largest
|Péclet number| x, with z = x².

    x ≤ 1    G = 1 + z (1/12 − z/720 + …), a polynomial that interpolates G in Chebyshev nodes to 4e-17;
    beyond   B = x/E with E = eˣ − 1 from a series up to x = 1/2, and by E(2x) = E(x) (E(x) + 2) from there, for x up to
             700, where B is 1e-301; each doubling doubles the relative error, as a relative error of x would;
    no noise the exponential function, with its limits.

Source: Scharfetter, Gummel, IEEE Trans. Electron Devices 16 (1969) 64.
"""

from __future__ import annotations

import numpy as np

from .kernels import inlined_kernel, kernel


@inlined_kernel
def rise_over_square(y: float) -> float:
    """(e^y − 1 − y)/y² for 0 ≤ y ≤ 1/2, to rounding."""
    rise = 2.505210838544172e-08 + y * (
        2.08767569878681e-09 + y * (1.6059043836821613e-10 + y * 1.1470745597729725e-11)
    )
    rise = 2.48015873015873e-05 + y * (2.7557319223985893e-06 + y * (2.755731922398589e-07 + y * rise))
    rise = 0.008333333333333333 + y * (0.001388888888888889 + y * (0.0001984126984126984 + y * rise))
    return 0.5 + y * (0.16666666666666666 + y * (0.041666666666666664 + y * rise))


@inlined_kernel
def bernoulli_slope(x: float, b: float) -> float:
    """B'(x) for x ≥ 0 and b = B(x); near zero, where the closed form cancels, by the series."""
    near = -0.5 + x * (1.0 / 6.0 - x * x * (1.0 / 180.0 - x * x * (1.0 / 5040.0 - x * x / 151200.0)))
    return near if x < 0.05 else b * (1.0 - x - b) / x


@inlined_kernel
def face_weights(
    drift: float,
    distance: float,
    strongest: float,
    current: np.ndarray,
    diffusion: np.ndarray,
    inverse: np.ndarray,
    lanes: int,
    right: np.ndarray,
    left: np.ndarray,
) -> None:
    """right = W(−μ, κ), left = W(μ, κ) of one face, μ = drift + current_k, κ = diffusion_k/distance, for k < lanes.

    `inverse` is 1/diffusion, `strongest` at least the largest Péclet number |μ|/κ.
    """
    closeness = 1.0 / distance
    if strongest <= 1.0:
        square = distance * distance
        for k in range(lanes):
            mu = drift + current[k]
            x = mu * inverse[k]
            z = x * x * square
            series = -8.26719218658696e-07 + z * (
                2.0875729194622377e-08 + z * (-5.268988519780863e-10 + z * 1.2257392372635436e-11)
            )
            series = -0.0013888888888851738 + z * (3.306878300926343e-05 + z * series)
            mean = diffusion[k] * closeness * (1.0 + z * (0.0833333333333333 + z * series))
            right[k] = mean + 0.5 * mu
            left[k] = mean - 0.5 * mu
    # Not (… > 1e9): an infinite Péclet number of drift zero is no number.
    elif strongest <= 1e9:
        part, doublings = 1.0, 0
        while part * min(strongest, 700.0) > 0.5:
            part *= 0.5
            doublings += 1
        for k in range(lanes):
            x = abs(drift + current[k]) * distance * inverse[k]
            x = (x if x < 700.0 else 700.0) + 1e-300
            y = x * part
            rise = rise_over_square(y)
            right[k], left[k] = y + y * y * rise, x
        for _ in range(doublings // 2):
            for k in range(lanes):
                rise = right[k] * (right[k] + 2.0)
                right[k] = rise * (rise + 2.0)
        if doublings % 2:
            for k in range(lanes):
                right[k] *= right[k] + 2.0
        for k in range(lanes):
            mu = drift + current[k]
            small = diffusion[k] * closeness * left[k] / right[k]
            right[k] = small + (mu if mu > 0.0 else 0.0)
            left[k] = small + (0.0 if mu > 0.0 else -mu)
    else:
        for k in range(lanes):
            mu = drift + current[k]
            size, kappa = abs(mu), diffusion[k] * closeness
            x = size / max(max(kappa, size / 700.0), 1e-300)
            small = (size / np.expm1(x) if x < 690.0 else 0.0) if x > 0.0 else kappa
            right[k] = small + max(mu, 0.0)
            left[k] = small + max(-mu, 0.0)


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
    numbers of `ScharfetterGummel().pair` to a relative error of 1e-15 (1 + Péclet number), the ends of the grid not
    closed. A diffusion of zero is upwind.
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
        strongest = max(abs(f + low), abs(f + high)) * d * strong
        face_weights(f, d, strongest, current, diffusion, inverse, lanes, right[j], left[j])


@inlined_kernel
def face_slopes(
    drift: float,
    distance: float,
    strongest: float,
    current: np.ndarray,
    diffusion: np.ndarray,
    inverse: np.ndarray,
    lanes: int,
    current_change: np.ndarray,
    diffusion_change: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
) -> None:
    """Changes of the weights of `face_weights` for given changes of current and diffusion.

    With b = B(|x|): ∂W/∂μ is B'(|x|) = b (1 − |x| − b)/|x| on the side that the drift leaves small, one more in size on
    the other; ∂W/∂κ is b (b + |x|) on both. Near x = 0, where that cancels, G' and G − x G' take its place. Absolute
    errors of 1e-14: no slope is larger than one.
    """
    closeness = 1.0 / distance
    if strongest <= 1.0:
        for k in range(lanes):
            x = (drift + current[k]) * distance * inverse[k]
            z = x * x
            # G' = 2 x ∂G/∂z and G − x G' = 1 − Σ (2m − 1) c_m z^m, of the polynomial of `face_weights`.
            odd = -6.613753749269568e-06 + z * (
                2.0875729194622378e-07 + z * (-6.322786223737036e-09 + z * 1.716034932168961e-10)
            )
            odd = -0.005555555555540695 + z * (0.00019841269805558057 + z * odd)
            even = -5.787034530610872e-06 + z * (
                1.8788156275160139e-07 + z * (-5.795887371758949e-09 + z * 1.5934610084426067e-10)
            )
            even = -0.004166666666655522 + z * (0.00016534391504631713 + z * even)
            slope = x * (0.1666666666666666 + z * odd)
            by_diffusion = (1.0 - z * (0.0833333333333333 + z * even)) * closeness * diffusion_change[k]
            right[k] = (slope + 0.5) * current_change[k] + by_diffusion
            left[k] = (slope - 0.5) * current_change[k] + by_diffusion
    else:
        face_weights(drift, distance, strongest, current, diffusion, inverse, lanes, right, left)
        for k in range(lanes):
            mu = drift + current[k]
            size = max(abs(mu), 1e-200)
            kappa = max(max(diffusion[k] * closeness, size / 700.0), 1e-300)
            x, b = size / kappa, min(right[k], left[k]) / kappa
            slope = bernoulli_slope(x, b)
            by_diffusion = b * (b + x) * closeness * diffusion_change[k]
            right[k] = (-slope if mu < 0.0 else slope + 1.0) * current_change[k] + by_diffusion
            left[k] = (-slope - 1.0 if mu < 0.0 else slope) * current_change[k] + by_diffusion


@kernel
def affine_slopes(
    face_drift: np.ndarray,
    current: np.ndarray,
    distance: np.ndarray,
    diffusion: np.ndarray,
    current_change: np.ndarray,
    diffusion_change: np.ndarray,
    right: np.ndarray,
    left: np.ndarray,
) -> None:
    """Changes of the weights of `affine_weights` for given changes of current and diffusion, of shape (lanes,)."""
    faces, lanes = right.shape
    inverse = np.empty(lanes)
    low, high, strong = np.inf, -np.inf, 0.0
    for k in range(lanes):
        low, high = min(low, current[k]), max(high, current[k])
        inverse[k] = 1.0 / diffusion[k]
        strong = max(strong, inverse[k])
    for j in range(faces):
        f, d = face_drift[j], distance[j]
        strongest = max(abs(f + low), abs(f + high)) * d * strong
        face_slopes(
            f, d, strongest, current, diffusion, inverse, lanes, current_change, diffusion_change, right[j], left[j]
        )


@kernel
def affine_transport(
    n: np.ndarray,
    face_drift: np.ndarray,
    current: np.ndarray,
    distance: np.ndarray,
    diffusion: np.ndarray,
    width: np.ndarray,
    out: np.ndarray,
    fired: np.ndarray,
) -> None:
    """`kernels.transport` with the weights of `affine_weights`, for a threshold that absorbs at the last face."""
    cells, lanes = n.shape
    inverse, flux = np.empty(lanes), np.zeros(lanes)
    right, left = np.empty(lanes), np.empty(lanes)
    low, high, strong = np.inf, -np.inf, 0.0
    for k in range(lanes):
        low, high = min(low, current[k]), max(high, current[k])
        inverse[k] = 1.0 / diffusion[k]
        strong = max(strong, inverse[k])
    for i in range(cells):
        f, d, closeness = face_drift[i + 1], distance[i + 1], 1.0 / width[i]
        strongest = max(abs(f + low), abs(f + high)) * d * strong
        face_weights(f, d, strongest, current, diffusion, inverse, lanes, right, left)
        if i < cells - 1:
            for k in range(lanes):
                outward = right[k] * n[i, k] - left[k] * n[i + 1, k]
                out[i, k] = (flux[k] - outward) * closeness
                flux[k] = outward
        else:
            for k in range(lanes):
                fired[k] = right[k] * n[i, k]
                out[i, k] = (flux[k] - fired[k]) * closeness


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
    rate: np.ndarray,
    source: np.ndarray,
) -> None:
    """`kernels.backward_euler` with the weights of `affine_weights`, for a threshold that absorbs at the last face.

    Lanes go through in blocks of 32, whose numbers stay in the nearest caches; beside n and one number of each cell of
    a block nothing is kept. With b_i = 1/pivot_i, the sweep up leaves y_i = (shift h n_i + right_i y_{i−1}) b_i, and
    the sweep back is n_i = y_i + (left_{i+1} b_i) n_{i+1}. There is one, not two: of what is put into cell i the part
    σ_i b_i never gets further up, so that what the deposit r leaves behind, shift Σ h z in `kernels.backward_euler`, is
    known when the sweep up is done; so is N, and n and z N go back as one.
    """
    cells, lanes = n.shape
    first = cells
    deposit = np.zeros(cells)
    for m in range(reset_cells.shape[0]):
        first = min(first, reset_cells[m])
        deposit[reset_cells[m]] += reset_shares[m]
    # One array whose rows have a fixed length: then the compiler sees that they do not overlap, and vectorises.
    block = np.empty((13, 32))
    c, a, inverse, s, right, left = block[0], block[1], block[2], block[3], block[4], block[5]
    stays, arrives, by_reset, content = block[6], block[7], block[8], block[9]
    fired, returns, above = block[10], block[11], block[12]
    kept, response = np.empty((cells, 32)), np.empty((cells - first, 32))
    for begin in range(0, lanes, 32):
        count = min(32, lanes - begin)
        low, high, strong = np.inf, -np.inf, 0.0
        for k in range(count):
            lane = np.uintp(begin + k)  # unsigned: an index that might be negative keeps loops from being vectorised
            c[k], a[k], s[k] = current[lane], diffusion[lane], shift[lane]
            inverse[k] = 1.0 / a[k]
            stays[k] = arrives[k] = by_reset[k] = content[k] = above[k] = 0.0
        for k in range(count):
            low, high, strong = min(low, c[k]), max(high, c[k]), max(strong, inverse[k])
        for i in range(cells):
            f, d, h = face_drift[i + 1], distance[i + 1], width[i]
            strongest = max(abs(f + low), abs(f + high)) * d * strong
            face_weights(f, d, strongest, c, a, inverse, count, right, left)
            if i < first:
                for k in range(count):
                    lane = np.uintp(begin + k)
                    sigma = h * s[k] + stays[k]
                    back = 1.0 / (sigma + right[k])
                    ratio = left[k] * back
                    y = (h * s[k] * n[i, lane] + arrives[k]) * back
                    n[i, lane] = y
                    kept[i, k] = ratio
                    arrives[k] = right[k] * y
                    stays[k] = ratio * sigma
            else:
                share = deposit[i]
                for k in range(count):
                    lane = np.uintp(begin + k)
                    sigma = h * s[k] + stays[k]
                    back = 1.0 / (sigma + right[k])
                    ratio = left[k] * back
                    y = (h * s[k] * n[i, lane] + arrives[k]) * back
                    n[i, lane] = y
                    kept[i, k] = ratio
                    arrives[k] = right[k] * y
                    stays[k] = ratio * sigma
                    z = (share + by_reset[k]) * back
                    response[i - first, k] = z
                    by_reset[k] = right[k] * z
                    content[k] += z * sigma
        for k in range(count):
            lane = np.uintp(begin + k)
            fired[k] = (arrives[k] + by_reset[k] * known[lane]) / (held[lane] + passed[lane] * content[k])
            returns[k] = known[lane] + passed[lane] * fired[k]
        for k in range(count):
            lane = np.uintp(begin + k)
            rate[lane], source[lane] = fired[k], returns[k]
        for i in range(cells - 1, -1, -1):
            if i >= first:
                for k in range(count):
                    n[i, np.uintp(begin + k)] += response[i - first, k] * returns[k]
            for k in range(count):
                lane = np.uintp(begin + k)
                above[k] = n[i, lane] + kept[i, k] * above[k]
                n[i, lane] = above[k]


@kernel
def affine_backward_euler_lane(
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
    rate: np.ndarray,
    source: np.ndarray,
) -> None:
    """The same for one lane: what does not depend on the cell before is vectorised along v, the rest has no division.

    With σ_i = p_i/q_i the pivot is q_{i+1}/q_i and the recurrence of `kernels.eliminate` becomes linear,

        q_{i+1} = p_i + right_{i+1} q_i,   p_{i+1} = shift h_{i+1} q_{i+1} + left_{i+1} p_i,

    still without a subtraction; only the quotient of p and q means anything, so that both are scaled now and then.
    """
    cells = n.shape[0]
    density = n.reshape(cells)
    c, a, s = current[0], diffusion[0], shift[0]
    inverse = 1.0 / a
    first = cells
    deposit = np.zeros(cells)
    for m in range(reset_cells.shape[0]):
        first = min(first, reset_cells[m])
        deposit[reset_cells[m]] += reset_shares[m]
    rows = np.empty((9, cells))
    right, left, peclet, below_p, below_q = rows[0], rows[1], rows[2], rows[3], rows[4]
    p, q, pivot, answer = rows[5], rows[6], rows[7], rows[8]
    for i in range(cells):
        mu, d = face_drift[i + 1] + c, distance[i + 1]
        x = abs(mu) * d * inverse
        z = 0.25 * x * x
        above = 654729075.0 + z * (310134825.0 + z * (18918900.0 + z * (315315.0 + z * (1485.0 + z))))
        below = 654729075.0 + z * (91891800.0 + z * (2837835.0 + z * (25740.0 + z * 55.0)))
        small = a * (above - 0.5 * x * below) / (d * below)
        right[i] = small + (mu if mu > 0.0 else 0.0)
        left[i] = small + (0.0 if mu > 0.0 else -mu)
        peclet[i] = x
    for i in range(cells):
        if not peclet[i] <= 3.0:
            mu, kappa = face_drift[i + 1] + c, a / distance[i + 1]
            size = abs(mu)
            x = size / max(max(kappa, size / 700.0), 1e-300)
            small = (size / np.expm1(x) if x < 690.0 else 0.0) if x > 0.0 else kappa
            right[i] = small + max(mu, 0.0)
            left[i] = small + max(-mu, 0.0)
    for i in range(cells - 1):
        gain = s * width[i + 1]
        below_p[i], below_q[i] = gain + left[i], gain * right[i]
    below_p[cells - 1] = below_q[cells - 1] = 0.0
    numerator, denominator = s * width[0], 1.0
    for start in range(0, cells, 8):
        numerator, denominator = numerator / denominator, 1.0
        for i in range(start, min(start + 8, cells)):
            p[i], q[i] = numerator, denominator
            after = numerator + right[i] * denominator
            numerator = below_p[i] * numerator + below_q[i] * denominator
            pivot[i] = denominator = after
    back, stays, carry, ratio, drive = q, p, below_p, below_q, peclet
    for i in range(cells):
        inverse = 1.0 / pivot[i]
        back[i] = q[i] * inverse
        stays[i] = p[i] * inverse
        ratio[i] = left[i] * back[i]
        drive[i] = s * width[i] * density[i] * back[i]
    carry[0] = 0.0
    for i in range(1, cells):
        carry[i] = right[i - 1] * back[i]
    y, z, content = 0.0, 0.0, 0.0
    for i in range(first):
        density[i] = y = drive[i] + carry[i] * y
    for i in range(first, cells):
        density[i] = y = drive[i] + carry[i] * y
        content += (deposit[i] + right[i - 1] * z) * stays[i]
        answer[i] = z = deposit[i] * back[i] + carry[i] * z
    last = right[cells - 1]
    fired = (last * y + last * z * known[0]) / (held[0] + passed[0] * content)
    returns = known[0] + passed[0] * fired
    rate[0], source[0] = fired, returns
    for i in range(first, cells):
        density[i] += answer[i] * returns
    x = 0.0
    for i in range(cells - 1, -1, -1):
        density[i] = x = density[i] + ratio[i] * x


@kernel
def affine_rosenbrock(
    y: np.ndarray,
    dt: np.ndarray,
    face_drift: np.ndarray,
    distance: np.ndarray,
    width: np.ndarray,
    external: np.ndarray,
    coupling: np.ndarray,
    quiet: np.ndarray,
    noise: np.ndarray,
    tau: np.ndarray,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    stages: np.ndarray,
    memory: np.ndarray,
    gamma: float,
    rtol: float,
    atol: float,
    new: np.ndarray,
    errors: np.ndarray,
    rates: np.ndarray,
) -> None:
    """One step of a Rosenbrock method in every lane, with its own length and without the final closure of the rate.

    c = `external` + `coupling` N and a = `quiet` + `noise` N are shared by no two lanes; V_F absorbs at the last face.
    `stages` and `memory` are the coefficients a_ij and C_ij of `steppers.rosenbrock`, `tau` the mean refractory times.
    Returned are the new state, the norm of the error that `Tolerance.norms` takes, and the rows u_i of the rate, shape
    (stages, lanes). It is `Rodas5P.step` with `PopulationSystem.factor` and `solve` written out: lanes go through in
    blocks of 32, and each stage goes up and down the cells once, so that all it reads stays in the cache.
    """
    cells, lanes, count = width.shape[0], dt.shape[0], stages.shape[0]
    deposit = np.zeros(cells)
    for m in range(reset_cells.shape[0]):
        deposit[reset_cells[m]] += reset_shares[m]
    row = np.empty((29, 32))
    c, a, inverse, s, right, left = row[0], row[1], row[2], row[3], row[4], row[5]
    stays, arrives, above, flux, into, share = row[6], row[7], row[8], row[9], row[10], row[11]
    here, after, kept, fired, pool, rate = row[12], row[13], row[14], row[15], row[16], row[17]
    total, by_current, by_noise, instant, leak, passed = row[18], row[19], row[20], row[21], row[22], row[23]
    held, step, carried, outward, recalled = row[24], row[25], row[26], row[27], row[28]
    ends = np.empty((2, count, 32))  # what becomes of the pool and of the rate in each stage
    block = np.empty((count + 6, cells, 32))
    old, goes, back, ratio, response, state = block[0], block[1], block[2], block[3], block[4], block[5]
    u = block[6:]
    for begin in range(0, lanes, 32):
        for k in range(32):
            lane = min(begin + k, lanes - 1)  # the last block is filled up with copies
            N = y[cells + 1, lane]
            c[k], a[k] = external[lane] + coupling[lane] * N, quiet[lane] + noise[lane] * N
            by_current[k], by_noise[k] = coupling[lane], noise[lane]
            step[k] = dt[lane]
            s[k] = 1.0 / (gamma * dt[lane])
            inverse[k] = 1.0 / a[k]
            instant[k] = 1.0 if tau[lane] == 0.0 else 0.0
            leak[k] = 0.0 if tau[lane] == 0.0 else 1.0 / tau[lane]
            passed[k] = 1.0 / (1.0 + tau[lane] * s[k])
            held[k] = 0.0 if tau[lane] == 0.0 else 1.0 / (leak[k] + s[k])
            stays[k] = arrives[k] = above[k] = flux[k] = 0.0
        for i in range(cells):
            for k in range(32):
                old[i, k] = y[i, min(begin + k, lanes - 1)]
        # The matrix, and what a change of the rate does to the density.
        low, high, strong = np.inf, -np.inf, 0.0
        for k in range(32):
            low, high, strong = min(low, c[k]), max(high, c[k]), max(strong, inverse[k])
        for i in range(cells):
            f, d, h, put = face_drift[i + 1], distance[i + 1], width[i], deposit[i]
            strongest = max(abs(f + low), abs(f + high)) * d * strong
            face_weights(f, d, strongest, c, a, inverse, 32, right, left)
            closeness = 1.0 / d
            for k in range(32):  # their slopes, as in `face_slopes`
                mu = f + c[k]
                size = max(abs(mu), 1e-200)
                kappa = max(max(a[k] * closeness, size / 700.0), 1e-300)
                x, b = size / kappa, min(right[k], left[k]) / kappa
                slope = bernoulli_slope(x, b)
                change = b * (b + x) * closeness * by_noise[k]
                here[k] = (-slope if mu < 0.0 else slope + 1.0) * by_current[k] + change
                after[k] = (-slope - 1.0 if mu < 0.0 else slope) * by_current[k] + change
            beyond = 1.0 if i + 1 < cells else 0.0
            upper = min(i + 1, cells - 1)
            for k in range(32):
                outward[k] = here[k] * old[i, k] - beyond * after[k] * old[upper, k]
                sigma = h * s[k] + stays[k]
                b = 1.0 / (sigma + right[k])
                q = left[k] * b
                x = (flux[k] - outward[k] + put * passed[k] + arrives[k]) * b
                goes[i, k], back[i, k], ratio[i, k], response[i, k] = right[k], b, q, x
                arrives[k] = right[k] * x
                stays[k] = q * sigma
                flux[k] = outward[k]
        for i in range(cells - 1, -1, -1):
            for k in range(32):
                above[k] = response[i, k] + ratio[i, k] * above[k]
                response[i, k] = above[k]
        for k in range(32):
            share[k] = 1.0 - (flux[k] + goes[cells - 1, k] * response[cells - 1, k])
        for j in range(count):
            for k in range(32):
                lane = min(begin + k, lanes - 1)
                pool[k], rate[k], recalled[k] = y[cells, lane], y[cells + 1, lane], 0.0
                after[k] = old[cells - 1, k]
            for m in range(j):
                weight, again = stages[j, m], memory[j, m]
                for k in range(32):
                    pool[k] += weight * ends[0, m, k]
                    rate[k] += weight * ends[1, m, k]
                    recalled[k] += again * ends[0, m, k]
                    after[k] += weight * u[m, cells - 1, k]
            for k in range(32):
                lane = min(begin + k, lanes - 1)
                c[k], a[k] = external[lane] + by_current[k] * rate[k], quiet[lane] + by_noise[k] * rate[k]
                inverse[k] = 1.0 / a[k]
            low, high, strong = np.inf, -np.inf, 0.0
            for k in range(32):
                low, high, strong = min(low, c[k]), max(high, c[k]), max(strong, abs(inverse[k]))
            f, d = float(face_drift[cells]), float(distance[cells])
            for k in range(32):
                mu, kappa = f + c[k], a[k] / d
                size = max(abs(mu), 1e-200)
                x = size / max(max(kappa, size / 700.0), 1e-300)
                fired[k] = (size / np.expm1(x) + (mu if mu > 0.0 else 0.0)) * after[k]
            for k in range(32):
                source = instant[k] * fired[k] + leak[k] * pool[k]
                kept[k] = fired[k] - source + recalled[k] / step[k]
                rate[k] = fired[k] - rate[k]
                into[k] = source + passed[k] * (kept[k] - rate[k])
                flux[k] = arrives[k] = above[k] = 0.0
                here[k] = old[0, k]
            for m in range(j):
                weight = stages[j, m]
                for k in range(32):
                    here[k] += weight * u[m, 0, k]
            for i in range(cells):
                f, d, h, put = face_drift[i + 1], distance[i + 1], width[i], deposit[i]
                strongest = max(abs(f + low), abs(f + high)) * d * strong
                face_weights(f, d, strongest, c, a, inverse, 32, right, left)
                beyond = 1.0 if i + 1 < cells else 0.0
                upper = min(i + 1, cells - 1)
                for k in range(32):
                    after[k], carried[k] = old[upper, k], 0.0
                for m in range(j):
                    weight, again = stages[j, m], memory[j, m]
                    for k in range(32):
                        after[k] += weight * u[m, upper, k]
                        carried[k] += again * u[m, i, k]
                for k in range(32):
                    out = beyond * (right[k] * here[k] - left[k] * after[k]) + (1.0 - beyond) * fired[k]
                    x = flux[k] - out + h * carried[k] / step[k] + put * into[k] + arrives[k]
                    x *= back[i, k]
                    u[j, i, k] = x
                    arrives[k] = goes[i, k] * x
                    flux[k] = out
                    state[i, k] = here[k]
                    here[k] = after[k]
            for k in range(32):
                total[k] = (arrives[k] + rate[k]) / share[k]
                ends[0, j, k] = (kept[k] + total[k] - rate[k]) * held[k]
                ends[1, j, k] = total[k]
            for i in range(cells - 1, -1, -1):
                for k in range(32):
                    above[k] = u[j, i, k] + ratio[i, k] * above[k]
                    u[j, i, k] = above[k] + response[i, k] * total[k]
        last = count - 1
        for k in range(32):
            total[k] = 0.0
        for i in range(cells):
            for k in range(32):
                error = u[last, i, k]
                value = state[i, k] + error
                state[i, k] = value
                scaled = error / (atol + rtol * max(abs(old[i, k]), abs(value)))
                total[k] += scaled * scaled
        for k in range(min(32, lanes - begin)):
            lane = begin + k
            worst = np.sqrt(total[k] / cells)
            for e in range(2):
                value = y[cells + e, lane]
                for m in range(last):
                    value += stages[last, m] * ends[e, m, k]
                value += ends[e, last, k]
                new[cells + e, lane] = value
                scaled = abs(ends[e, last, k]) / (atol + rtol * max(abs(y[cells + e, lane]), abs(value)))
                worst = scaled if not scaled <= worst else worst  # also if it is not a number
            errors[lane] = worst
            for m in range(count):
                rates[m, lane] = ends[1, m, k]
        for i in range(cells):
            for k in range(min(32, lanes - begin)):
                new[i, begin + k] = state[i, k]


@kernel
def affine_closure(
    density: np.ndarray,
    drift: float,
    distance: float,
    external: np.ndarray,
    coupling: np.ndarray,
    quiet: np.ndarray,
    noise: np.ndarray,
    tolerance: float,
    iterations: int,
    wanted: np.ndarray,
    rate: np.ndarray,
    found: np.ndarray,
) -> None:
    """`PopulationSystem.close_lanes` where what fires is the flux through the last face, whose cell has `density`."""
    for k in range(rate.shape[0]):
        found[k] = False
        for attempt in range(2):
            if found[k] or not wanted[k]:
                continue
            N = rate[k] if attempt == 0 else 0.0
            moved = np.inf
            for _ in range(iterations):
                mu, kappa = drift + external[k] + coupling[k] * N, (quiet[k] + noise[k] * N) / distance
                size = max(abs(mu), 1e-200)
                x = size / max(max(kappa, size / 700.0), 1e-300)
                part, doublings = 1.0, 0
                while part * x > 0.5:
                    part *= 0.5
                    doublings += 1
                v = x * part
                rise = rise_over_square(v)
                rise = v + v * v * rise
                for _ in range(doublings):
                    rise *= rise + 2.0
                b = x / rise
                slope = bernoulli_slope(x, b)
                by_current = -slope if mu < 0.0 else slope + 1.0
                by_noise = b * (b + x) / distance
                fired = density[k] * (size * b / x + max(mu, 0.0))
                left = 1.0 - density[k] * (by_current * coupling[k] + by_noise * noise[k])
                if not (left > 0.0 and abs(fired) < np.inf):
                    break
                before = moved
                change = (fired - N) / left
                N += change
                moved = abs(change)
                # Close to the root each change is far smaller than the one before, until only rounding is left.
                if moved <= tolerance * abs(N) + 1e-300 or (moved <= 1e-10 * abs(N) and moved >= 0.1 * before):
                    rate[k], found[k] = N, True
                    break


@inlined_kernel
def along_weights(
    face_drift: np.ndarray, distance: np.ndarray, current: float, diffusion: float, right: np.ndarray, left: np.ndarray
) -> None:
    """right = W(−μ, κ), left = W(μ, κ) of one lane at every face but the first, by the doublings of `face_weights`."""
    cells = right.shape[0]
    strongest = 0.0
    for i in range(cells):
        mu, kappa = face_drift[i + 1] + current, diffusion / distance[i + 1]
        size = abs(mu)
        x = size / max(max(kappa, size / 700.0), 1e-300) + 1e-300
        right[i], left[i] = x, mu
        strongest = max(strongest, x)
    part, doublings = 1.0, 0
    while part * strongest > 0.5:
        part *= 0.5
        doublings += 1
    for i in range(cells):
        x = right[i]
        y = x * part
        rise = rise_over_square(y)
        rise = y + y * y * rise
        for _ in range(doublings):
            rise *= rise + 2.0
        mu = left[i]
        # Without noise |μ|/E(700) is nothing beside |μ|.
        small = (abs(mu) / rise) if abs(mu) > 1e-200 else diffusion / distance[i + 1]
        right[i] = small + (mu if mu > 0.0 else 0.0)
        left[i] = small + (0.0 if mu > 0.0 else -mu)


@kernel
def affine_rosenbrock_lane(
    y: np.ndarray,
    dt: float,
    face_drift: np.ndarray,
    distance: np.ndarray,
    width: np.ndarray,
    external: float,
    coupling: float,
    quiet: float,
    noise: float,
    tau: float,
    reset_cells: np.ndarray,
    reset_shares: np.ndarray,
    stages: np.ndarray,
    memory: np.ndarray,
    gamma: float,
    u: np.ndarray,
    state: np.ndarray,
) -> None:
    """The stages of `affine_rosenbrock` for one lane, along v: the increments u_i of y, shape (stages, cells + 2), and
    the state that the last of them is to be added to.

    What does not depend on the cell before is vectorised; the recurrences of the matrix have no division, see
    `affine_backward_euler_lane`.
    """
    cells, count = width.shape[0], stages.shape[0]
    put = np.zeros(cells)
    for m in range(reset_cells.shape[0]):
        put[reset_cells[m]] += reset_shares[m]
    row = np.empty((13, cells))
    right, left, more, less, back, ratio = row[0], row[1], row[2], row[3], row[4], row[5]
    carry, response, goes, flux, p, q, gain = row[6], row[7], row[8], row[9], row[10], row[11], row[12]
    s = 1.0 / (gamma * dt)
    instant = 1.0 if tau == 0.0 else 0.0
    leak = 0.0 if tau == 0.0 else 1.0 / tau
    passed, held = 1.0 / (1.0 + tau * s), 0.0 if tau == 0.0 else 1.0 / (leak + s)
    last = cells - 1
    # The matrix, and what a change of the rate does to the density.
    N = y[cells + 1]
    c, a = external + coupling * N, quiet + noise * N
    along_weights(face_drift, distance, c, a, goes, left)
    for i in range(cells):
        mu, d = face_drift[i + 1] + c, distance[i + 1]
        size = max(abs(mu), 1e-200)
        kappa = max(max(a / d, size / 700.0), 1e-300)
        x, b = size / kappa, min(goes[i], left[i]) / kappa
        slope = bernoulli_slope(x, b)
        by_noise = b * (b + x) / d * noise
        more[i] = (-slope if mu < 0.0 else slope + 1.0) * coupling + by_noise
        less[i] = (-slope - 1.0 if mu < 0.0 else slope) * coupling + by_noise
    for i in range(last):
        flux[i] = more[i] * y[i] - less[i] * y[i + 1]
    flux[last] = more[last] * y[last]
    for i in range(last):
        grown = s * width[i + 1]
        p[i], q[i] = grown + left[i], grown * goes[i]
    p[last] = q[last] = 0.0
    numerator, denominator = s * width[0], 1.0
    for start in range(0, cells, 8):
        numerator, denominator = numerator / denominator, 1.0
        for i in range(start, min(start + 8, cells)):
            gain[i] = denominator
            after = numerator + goes[i] * denominator
            numerator = p[i] * numerator + q[i] * denominator
            back[i] = denominator = after
    for i in range(cells):
        back[i] = gain[i] / back[i]
        ratio[i] = left[i] * back[i]
    carry[0] = 0.0
    for i in range(1, cells):
        carry[i] = goes[i - 1] * back[i]
    response[0] = (put[0] * passed - flux[0]) * back[0]
    for i in range(1, cells):
        response[i] = (put[i] * passed + flux[i - 1] - flux[i]) * back[i]
    x = 0.0
    for i in range(cells):
        response[i] = x = response[i] + carry[i] * x
    for i in range(last - 1, -1, -1):
        response[i] = x = response[i] + ratio[i] * x
    share = 1.0 - (flux[last] + goes[last] * response[last])
    for j in range(count):
        state[:] = y
        kept = u[j]
        kept[:] = 0.0
        for m in range(j):
            weight, again, before = stages[j, m], memory[j, m], u[m]
            for i in range(cells + 2):
                state[i] += weight * before[i]
                kept[i] += again * before[i]
        N = state[cells + 1]
        along_weights(face_drift, distance, external + coupling * N, quiet + noise * N, right, left)
        for i in range(last):
            flux[i] = right[i] * state[i] - left[i] * state[i + 1]
        flux[last] = right[last] * state[last]
        fired = flux[last]
        source = instant * fired + leak * state[cells]
        pool = fired - source + kept[cells] / dt
        rate = fired - N
        into = source + passed * (pool - rate)
        over = 1.0 / dt
        kept[0] = (width[0] * kept[0] * over - flux[0] + put[0] * into) * back[0]
        for i in range(1, cells):
            kept[i] = (width[i] * kept[i] * over + flux[i - 1] - flux[i] + put[i] * into) * back[i]
        x = 0.0
        for i in range(cells):
            kept[i] = x = kept[i] + carry[i] * x
        total = (goes[last] * x + rate) / share
        for i in range(last - 1, -1, -1):
            kept[i] = x = kept[i] + ratio[i] * x
        for i in range(cells):
            kept[i] += response[i] * total
        kept[cells], kept[cells + 1] = (pool + total - rate) * held, total
