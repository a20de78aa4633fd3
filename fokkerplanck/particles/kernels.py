"""What is done to every neuron in every step, compiled: the only code of this folder that is written for speed.

Kernels take arrays and scalars and read no globals. A neuron that is silent has the potential NaN, which fails every
comparison: the loops over all neurons find it together with those that come near V_F, without a second test.

`state` is a generator, xoshiro256++ (Blackman, Vigna, ACM Trans. Math. Softw. 47 (2021) 36), four uint64; `scale`,
`inside`, `height` are the tables of `random.ziggurat`.
"""

from __future__ import annotations

import numpy as np

from ..operators.kernels import kernel


@kernel
def bits(state: np.ndarray) -> np.uint64:
    """The next 64 random bits."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    total = s0 + s3
    result = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
    shifted = s1 << np.uint64(17)
    s2 ^= s0
    s3 ^= s1
    state[0], state[1] = s0 ^ s3, s1 ^ s2
    state[2] = s2 ^ shifted
    state[3] = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
    return result


@kernel
def uniform(state: np.ndarray) -> float:
    """A number from (0, 1): 52 bits and a half, so that neither end is met."""
    return (float(bits(state) >> np.uint64(12)) + 0.5) * 2.220446049250313e-16


@kernel
def exponential(state: np.ndarray) -> float:
    """A number from the exponential distribution of mean 1."""
    return -np.log(uniform(state))


@kernel
def exponentials(state: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` with exponential numbers."""
    for i in range(out.shape[0]):
        out[i] = exponential(state)


@kernel
def finished(
    state: np.ndarray, layer: np.int64, x: float, scale: np.ndarray, inside: np.ndarray, height: np.ndarray
) -> float:
    """A normal number, after x fell into the part of its layer that the density may not cover."""
    while True:
        if layer == 0:  # the tail beyond r, from two exponentials: Marsaglia (1964)
            right = scale[1] * 4503599627370496.0
            while True:
                far, above = exponential(state) / right, exponential(state)
                if 2.0 * above > far * far:
                    return right + far if x > 0.0 else -right - far
        low, high = height[layer], height[layer + 1]
        if low + uniform(state) * (high - low) < np.exp(-0.5 * x * x):
            return x
        word = bits(state)
        layer = np.int64(word & np.uint64(255))
        j = np.int64(word) >> 11
        x = j * scale[layer]
        if abs(j) < inside[layer]:
            return x


@kernel
def normal(state: np.ndarray, scale: np.ndarray, inside: np.ndarray, height: np.ndarray) -> float:
    """One number from the normal distribution."""
    word = bits(state)
    layer = np.int64(word & np.uint64(255))
    j = np.int64(word) >> 11
    x = j * scale[layer]
    return x if abs(j) < inside[layer] else finished(state, layer, x, scale, inside, height)


@kernel
def normals(state: np.ndarray, scale: np.ndarray, inside: np.ndarray, height: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` with normal numbers. The generator is written out here, to keep its state in registers."""
    s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
    for i in range(out.shape[0]):
        total = s0 + s3
        word = ((total << np.uint64(23)) | (total >> np.uint64(41))) + s0
        shifted = s1 << np.uint64(17)
        s2 ^= s0
        s3 ^= s1
        s1 ^= s2
        s0 ^= s3
        s2 ^= shifted
        s3 = (s3 << np.uint64(45)) | (s3 >> np.uint64(19))
        layer = np.int64(word & np.uint64(255))
        j = np.int64(word) >> 11
        x = j * scale[layer]
        if abs(j) >= inside[layer]:
            state[0], state[1], state[2], state[3] = s0, s1, s2, s3
            x = finished(state, layer, x, scale, inside, height)
            s0, s1, s2, s3 = state[0], state[1], state[2], state[3]
        out[i] = x
    state[0], state[1], state[2], state[3] = s0, s1, s2, s3


@kernel
def resumed(
    state: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    rest: float,
    V_R: float,
    speed: float,
    a: float,
) -> float:
    """The potential of a neuron that left V_R a time `rest` < dt ago, where the drift is `speed`; NaN before that."""
    if rest < 0.0:
        return np.nan
    return V_R + speed * rest + np.sqrt(2.0 * a * rest) * normal(state, scale, inside, height)


@kernel
def silenced(state: np.ndarray, tau: float, memoryless: bool) -> float:
    """How long a neuron that fires now is silent; τ = 0 is not at all."""
    return tau * exponential(state) if memoryless and tau > 0.0 else tau


@kernel
def passage(state: np.ndarray, scale: np.ndarray, inside: np.ndarray, height: np.ndarray, u: float) -> float:
    """When a Brownian bridge that does reach the threshold reaches it first, over the length of the bridge.

    With the distances α, β of its ends from the threshold and the variance v, θ/(1 − θ) is inverse Gaussian with mean
    α/β and shape α²/v; `u` is v/(2αβ) and what is returned the smaller root over the mean, as Michael, Schucany, Haas
    (Am. Stat. 30 (1976) 88) draw it. No variance (u = 0) gives 1, the motion along a straight line.
    """
    w = u * normal(state, scale, inside, height) ** 2
    root = 1.0 / (1.0 + w + np.sqrt(w * (2.0 + w)))
    return root if uniform(state) * (1.0 + root) < 1.0 else 1.0 / root


@kernel
def absorb(
    state: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    first: int,
    V: np.ndarray,
    new: np.ndarray,
    release: np.ndarray,
    marks: np.ndarray,
    moments: np.ndarray,
    counts: np.ndarray,
    kick: float,
    t: float,
    dt: float,
    spread: float,
    reach: float,
    V_R: float,
    V_F: float,
    speed: float,
    a: float,
    tau: float,
    memoryless: bool,
) -> None:
    """Move one block from V + kick to `new`, and let fire who meets V_F on the way.

    Between its ends αβ > 0 below V_F the potential has met V_F with the probability exp(−αβ/spread); `spread` = 0 asks
    at the end of the step only. Who fires goes on from V_R for the rest of the step, after its silence.

    `marks` and `moments` return the number of who fired and when, over dt, in front; at the back, the numbers of those
    who end less than `reach` below V_F. `counts` returns how many these are, and how many are silent at the end.
    """
    size = V.shape[0]
    fired, near, silent = 0, 0, 0
    limit = max(37.0 * spread, 1e-300)  # e^−37 is less than the resolution of a uniform number
    for i in range(size):
        start = V[i] + kick
        alpha, beta = V_F - start, V_F - new[i]
        product = alpha * beta
        if product >= limit and beta >= reach and alpha > 0.0:
            V[i] = new[i]
            continue
        if start != start:  # silent
            rest = t + dt - release[i]
            silent += rest < 0.0
            V[i] = resumed(state, scale, inside, height, rest, V_R, speed, a)
            continue
        crossed = alpha <= 0.0 or beta <= 0.0
        if not crossed and spread > 0.0 and product < limit:
            crossed = uniform(state) < np.exp(-product / spread)
        if not crossed:
            V[i] = new[i]
            if beta < reach:
                near += 1
                marks[size - near] = first + i
            continue
        if alpha <= 0.0:
            moment = 0.0
        elif beta == 0.0:
            moment = 1.0
        else:
            ratio = alpha * passage(state, scale, inside, height, spread / abs(product))
            moment = ratio / (abs(beta) + ratio)
        marks[fired], moments[fired] = first + i, moment
        fired += 1
        wait = silenced(state, tau, memoryless)
        rest = (1.0 - moment) * dt - wait
        if rest < 0.0:
            release[i] = t + moment * dt + wait
            silent += 1
        V[i] = resumed(state, scale, inside, height, rest, V_R, speed, a)
    counts[0], counts[1], counts[2] = fired, near, silent


@kernel
def escape(
    state: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    first: int,
    V: np.ndarray,
    new: np.ndarray,
    hazard: np.ndarray,
    release: np.ndarray,
    marks: np.ndarray,
    moments: np.ndarray,
    counts: np.ndarray,
    t: float,
    dt: float,
    V_R: float,
    speed: float,
    a: float,
    tau: float,
    memoryless: bool,
) -> None:
    """`absorb` for a threshold that is a hazard: who draws an exponential number below `hazard` · dt fires."""
    fired, silent = 0, 0
    for i in range(V.shape[0]):
        if V[i] != V[i]:
            rest = t + dt - release[i]
            silent += rest < 0.0
            V[i] = resumed(state, scale, inside, height, rest, V_R, speed, a)
            continue
        V[i] = new[i]
        risk = hazard[i] * dt
        if risk == 0.0:
            continue
        moment = exponential(state) / risk
        if moment >= 1.0:
            continue
        marks[fired], moments[fired] = first + i, moment
        fired += 1
        wait = silenced(state, tau, memoryless)
        rest = (1.0 - moment) * dt - wait
        if rest < 0.0:
            release[i] = t + moment * dt + wait
            silent += 1
        V[i] = resumed(state, scale, inside, height, rest, V_R, speed, a)
    counts[0], counts[1], counts[2] = fired, 0, silent


@kernel
def leaky_blocks(
    begin: int,
    end: int,
    size: int,
    streams: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    potentials: np.ndarray,
    release: np.ndarray,
    marks: np.ndarray,
    moments: np.ndarray,
    counts: np.ndarray,
    decay: float,
    shift: float,
    deviation: float,
    kick: float,
    t: float,
    dt: float,
    spread: float,
    reach: float,
    V_R: float,
    V_F: float,
    speed: float,
    a: float,
    tau: float,
    memoryless: bool,
) -> None:
    """One step of the blocks from `begin` to `end`, with the leak: new = decay (V + kick) + shift + deviation · ξ."""
    buffer = np.empty(size)
    for block in range(begin, end):
        state, first = streams[block], block * size
        last = min(first + size, potentials.shape[0])
        V, new = potentials[first:last], buffer[: last - first]
        normals(state, scale, inside, height, new)
        for i in range(last - first):
            new[i] = decay * (V[i] + kick) + shift + deviation * new[i]
        absorb(
            state,
            scale,
            inside,
            height,
            first,
            V,
            new,
            release[first:last],
            marks[first:last],
            moments[first:last],
            counts[block],
            kick,
            t,
            dt,
            spread,
            reach,
            V_R,
            V_F,
            speed,
            a,
            tau,
            memoryless,
        )


@kernel
def shower(
    begin: int,
    end: int,
    size: int,
    streams: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    potentials: np.ndarray,
    marks: np.ndarray,
    counts: np.ndarray,
    kick: float,
    spread: float,
    V_F: float,
) -> None:
    """Spikes at one instant: everybody moves by kick + √(2 spread) ξ; `marks`, `counts` return who meets V_F."""
    deviation = np.sqrt(2.0 * spread)
    for block in range(begin, end):
        state, first, fired = streams[block], block * size, 0
        for i in range(first, min(first + size, potentials.shape[0])):
            alpha = V_F - potentials[i]
            if alpha != alpha:
                continue
            potentials[i] += kick + deviation * normal(state, scale, inside, height)
            product = max(alpha, 0.0) * (V_F - potentials[i])
            if product <= 0.0 or (product < 37.0 * spread and uniform(state) < np.exp(-product / spread)):
                marks[first + fired] = i
                fired += 1
        counts[block, 0], counts[block, 1] = fired, 0


@kernel
def pushed_over(levels: np.ndarray, before: int, push: float, V_F: float) -> int:
    """How many of `levels`, from the highest down, are pushed over V_F after `before` others, each by all those."""
    for k in range(levels.shape[0]):
        if levels[k] + push * (before + k) < V_F:
            return k
    return levels.shape[0]


@kernel
def collect(
    size: int,
    counts: np.ndarray,
    marks: np.ndarray,
    moments: np.ndarray,
    fired: np.ndarray,
    when: np.ndarray,
    near: np.ndarray,
) -> None:
    """The marks of all blocks, in the order of the neurons."""
    k, m = 0, 0
    for block in range(counts.shape[0]):
        first, last = block * size, min((block + 1) * size, marks.shape[0])
        for i in range(first, first + counts[block, 0]):
            fired[k], when[k] = marks[i], moments[i]
            k += 1
        for i in range(counts[block, 1]):
            near[m] = marks[last - 1 - i]
            m += 1


@kernel
def histogram(potentials: np.ndarray, kick: float, faces: np.ndarray, counts: np.ndarray) -> None:
    """`counts`, one more than there are cells, returns how many V + kick each cell holds, and who lies in none."""
    cells = faces.shape[0] - 1
    for i in range(potentials.shape[0]):
        v = potentials[i] + kick
        if v >= faces[0] and v <= faces[cells]:
            counts[min(np.searchsorted(faces, v, side="right") - 1, cells - 1)] += 1
        elif v == v:
            counts[cells] += 1


# --- neurons with synapses of their own: one realisation at a time ----------------------------------------------------
#
# Synapses come in one of two forms, told apart by `dense.shape[0]`: `dense[j]` holds the column j of w, or `indptr`,
# `indices`, `values` its entries that are not zero; the other form is empty.
#
# Between spikes the exact method keeps u_i = (V_i − m_i) e^(t − t_0) instead of V_i, m_i being where the leak carries
# it: without noise u_i is constant, and a kick w at the time s adds w e^(s − t_0), whether or not the noise of neuron i
# has been drawn up to s. So a spike costs one addition per synapse, and the noise of a neuron is drawn only when it is
# asked whether it fires.


@kernel
def kick(
    u: np.ndarray,
    j: int,
    factor: float,
    dense: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
) -> None:
    """u_i += factor w_ij for all i."""
    if dense.shape[0] > 0:
        column = dense[j]
        for i in range(u.shape[0]):
            u[i] += factor * column[i]
    else:
        for k in range(indptr[j], indptr[j + 1]):
            u[indices[k]] += factor * values[k]


@kernel
def cell_of(v: float, low: float, high: float, inverse: float, cells: int, below: np.ndarray, above: np.ndarray) -> int:
    """Which row of the bounds is that of v: first the equal cells on [low, high], then those below, then above.

    `below` and `above` are increasing distances from the ends, beginning with zero; what lies beyond the last has no
    bounds, −1.
    """
    if v >= low and v < high:
        return min(int((v - low) * inverse), cells - 1)
    if v < low:
        k = int(np.searchsorted(below, low - v, side="left"))
        return cells + k - 1 if 0 < k < below.shape[0] else -1
    k = int(np.searchsorted(above, v - high, side="right"))
    return cells + below.shape[0] - 1 + k - 1 if 0 < k < above.shape[0] else -1


@kernel
def thin(
    state: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    u: np.ndarray,
    last: np.ndarray,
    spikes: np.ndarray,
    binned: np.ndarray,
    clock: np.ndarray,
    mean: np.ndarray,
    sigma: float,
    reset: float,
    bound: float,
    low: float,
    high: float,
    inverse: float,
    below: np.ndarray,
    above: np.ndarray,
    floor: np.ndarray,
    ceiling: np.ndarray,
    begin: float,
    per_bin: float,
    end: float,
    longest: float,
    dense: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
) -> int:
    """Go on to the time `end`: 0 if it was reached, 1 if the rate at one potential has to be known exactly.

    Candidates for spikes come at the rate N · bound; one at v is a spike with the probability rate(v)/bound. With a
    uniform number q that is decided if q · bound is below floor or not below ceiling, the bounds of the rate in the
    cell of v; else 1 is returned, with clock = (t, t_0, neuron, v, q · bound, 0), and what is asked for is the answer
    in clock[5]: 1 if the candidate is a spike, −1 if it is none.

    After `longest` the frame t_0 of u is renewed, so that no exponential grows without bound.
    """
    count = u.shape[0]
    cells = floor.shape[0] - (below.shape[0] - 1) - (above.shape[0] - 1)
    bins = binned.shape[0]
    t, frame = clock[0], clock[1]
    answered = clock[5] != 0.0
    i, fires = 0, False
    while True:
        if answered:
            i, fires = int(clock[2]), clock[5] > 0.0
            clock[5] = 0.0
            answered = False
        else:
            t += exponential(state) / (count * bound)
            if t >= end:
                break
            if t - frame > longest:
                shrink = np.exp(frame - t)
                for k in range(count):
                    u[k] *= shrink
                frame = t
            i = min(int(uniform(state) * count), count - 1)
            fade = np.exp(frame - t)
            if sigma > 0.0:
                spread = sigma * np.sqrt(-0.5 * np.expm1(2.0 * (last[i] - t)))
                u[i] += spread * normal(state, scale, inside, height) / fade
                last[i] = t
            v = mean[i] + u[i] * fade
            drawn = uniform(state) * bound
            cell = cell_of(v, low, high, inverse, cells, below, above)
            if cell >= 0 and drawn < floor[cell]:
                fires = True
            elif cell >= 0 and drawn >= ceiling[cell]:
                fires = False
            else:
                clock[0], clock[1], clock[2], clock[3], clock[4] = t, frame, i, v, drawn
                return 1
        if fires:
            grown = np.exp(t - frame)
            kick(u, i, grown, dense, indptr, indices, values)
            u[i] = (reset - mean[i]) * grown
            spikes[i] += 1
            binned[min(int((t - begin) * per_bin), bins - 1)] += 1
    clock[0], clock[1] = end, frame
    return 0


@kernel
def settle_potentials(
    state: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
    u: np.ndarray,
    last: np.ndarray,
    clock: np.ndarray,
    mean: np.ndarray,
    sigma: float,
    out: np.ndarray,
) -> None:
    """Bring all neurons up to date; `out` returns their potentials."""
    t, fade = clock[0], np.exp(clock[1] - clock[0])
    for i in range(u.shape[0]):
        if sigma > 0.0:
            spread = sigma * np.sqrt(-0.5 * np.expm1(2.0 * (last[i] - t)))
            u[i] += spread * normal(state, scale, inside, height) / fade
            last[i] = t
        out[i] = mean[i] + u[i] * fade


@kernel
def normal_rows(states: np.ndarray, scale: np.ndarray, inside: np.ndarray, height: np.ndarray, out: np.ndarray) -> None:
    """Fill each row with normal numbers of the generator of its own."""
    for m in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[m, i] = normal(states[m], scale, inside, height)


@kernel
def drifts(
    rates: np.ndarray,
    out: np.ndarray,
    dense: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
) -> None:
    """out[m, i] = Σ_j w_ij rates[m, j]."""
    for m in range(rates.shape[0]):
        out[m, :] = 0.0
        for j in range(rates.shape[1]):
            if rates[m, j] != 0.0:
                kick(out[m], j, rates[m, j], dense, indptr, indices, values)


@kernel
def jump(
    states: np.ndarray,
    V: np.ndarray,
    hazard: np.ndarray,
    after: float,
    reset: float,
    dt: float,
    t: float,
    begin: float,
    per_bin: float,
    spikes: np.ndarray,
    binned: np.ndarray,
    dense: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
) -> None:
    """The spikes of a step of length dt, in their order: each moves the others and resets its neuron.

    Until its first spike a neuron fires at the rate `hazard`, then at `after`, that of the reset potential.
    """
    count = V.shape[1]
    who, when = np.empty(count, dtype=np.int64), np.empty(count)
    for m in range(V.shape[0]):
        state, fired = states[m], 0
        for i in range(count):
            if not hazard[m, i] > 0.0:
                continue
            moment = exponential(state) / hazard[m, i]
            while moment < dt:
                if fired == who.shape[0]:
                    longer, later = np.empty(2 * fired, dtype=np.int64), np.empty(2 * fired)
                    longer[:fired], later[:fired] = who, when
                    who, when = longer, later
                who[fired], when[fired] = i, moment
                fired += 1
                moment += exponential(state) / after if after > 0.0 else dt
        for k in np.argsort(when[:fired]):
            i = who[k]
            kick(V[m], i, 1.0, dense, indptr, indices, values)
            V[m, i] = reset
            spikes[m, i] += 1
            binned[m, min(int((t + when[k] - begin) * per_bin), binned.shape[1] - 1)] += 1


@kernel
def volley(
    V: np.ndarray,
    marks: np.ndarray,
    fired: int,
    threshold: float,
    reset: float,
    spikes: np.ndarray,
    dense: np.ndarray,
    indptr: np.ndarray,
    indices: np.ndarray,
    values: np.ndarray,
) -> int:
    """Send the spikes of those who met the threshold within a step, and of all who are pushed over it by that.

    marks[:fired] are the former, already reset; `marks`, as long as there are neurons, returns who fires at the instant
    itself, which everybody does at most once: who fires there ends at `reset` and receives nothing more.
    """
    done = np.zeros(V.shape[0], dtype=np.bool_)
    for k in range(fired):
        spikes[marks[k]] += 1
        own = V[marks[k]]
        kick(V, marks[k], 1.0, dense, indptr, indices, values)
        V[marks[k]] = own
    total, wave = fired, 0
    while True:
        wave = 0
        for i in range(V.shape[0]):
            if V[i] >= threshold and not done[i]:
                done[i] = True
                marks[wave] = i
                wave += 1
        if wave == 0:
            break
        for k in range(wave):
            spikes[marks[k]] += 1
            kick(V, marks[k], 1.0, dense, indptr, indices, values)
        total += wave
    for i in range(V.shape[0]):
        if done[i]:
            V[i] = reset
    return total


# -- networks of actual synapses, from event to event ---------------------------------------------------------------
#
# A row of `neurons` is what is read whenever something arrives, one line of the cache: (V, now, rest, σ²/2, τ_m, V_th,
# V_r, finest). V is the potential at the time now, which lies in the future while the neuron is silent and V its reset;
# rest = E_l + μ; finest bounds the steps near the threshold. A row of `memories` is what is needed at its spikes and
# external shots: (time of the last spike, number of spikes since measuring began, sum of their intervals, sum of their
# squares, trace, rate of the shots, their size, time of the next, τ_ref). `random` is the generator.


@kernel
def advance(
    neuron: np.ndarray,
    until: float,
    random: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
) -> float:
    """Move a neuron to the time `until` or to its next spike, whichever comes first; return the time of the spike.

    The potential relaxes to `rest` and has the stationary variance `half` = σ²/2. Over a step of length h its end is
    drawn from the Ornstein–Uhlenbeck law. On the clock s = (σ²/2)(e^{2h/τ} − 1) the motion is Brownian and the
    threshold a curve; the curve is replaced by its chord, which a Brownian bridge meets with a known probability, at a
    time with a known law. The chord is off by (h/τ)²/8 of V_th − rest at most: finest bounds h/τ, unless the
    threshold is too far to be met (seven standard deviations and the drift in half of the way).
    """
    V, now, rest, half, tau, V_th, finest = neuron[0], neuron[1], neuron[2], neuron[3], neuron[4], neuron[5], neuron[7]
    spike = np.inf
    while now < until:
        gap = V_th - V
        u = (until - now) / tau
        if u > finest and half > 0.0:
            far = gap * gap / (392.0 * half)  # √(2 half u) · 14 = gap
            rising = 2.0 * (rest - V)
            if rising * far > gap:
                far = gap / rising
            u = min(u, max(far, finest))
        fall = np.exp(-u)
        if half == 0.0:
            if rest > V_th and (rest - V) * fall <= rest - V_th:
                spike = min(now + tau * np.log((rest - V) / (rest - V_th)), until)
                break
            V, now = rest + (V - rest) * fall, until
            break
        variance = half * (1.0 - fall * fall)
        end = rest + (V - rest) * fall + np.sqrt(variance) * normal(random, scale, inside, height)
        # 2αβ over the variance of the bridge, α and β the distances of its ends from the chord
        twice = 2.0 * gap * (V_th - end) * fall / variance
        crossed = twice <= 0.0
        if not crossed and twice < 37.0:  # e^−37 is less than the resolution of a uniform number
            crossed = uniform(random) < np.exp(-twice)
        if crossed:
            beta = abs(V_th - end) / fall
            share = 1.0
            if beta > 0.0:
                ratio = gap * passage(random, scale, inside, height, 1.0 / abs(twice))
                share = ratio / (beta + ratio)
            spike = min(now + 0.5 * tau * np.log1p(share * (1.0 / (fall * fall) - 1.0)), until)
            break
        V = end
        now = min(now + u * tau, until)
        if until - now < 1e-12 * tau:
            now = until
    neuron[0], neuron[1] = V, now
    return spike


@kernel
def note(memory: np.ndarray, spike: float, start: float, r: float) -> None:
    """Keep of a spike: its trace; from `start` on the number of spikes, and the sum and the squares of intervals."""
    if r > 0.0:
        memory[4] = memory[4] * np.exp(-r * (spike - memory[0])) + r
    if spike >= start:
        memory[1] += 1.0
        if memory[1] > 1.0:
            memory[2] += spike - memory[0]
            memory[3] += (spike - memory[0]) ** 2
    memory[0] = spike


@kernel
def windows(
    edges: np.ndarray,
    most: float,
    delay: float,
    arrivals: np.ndarray,
    senders: np.ndarray,
    neurons: np.ndarray,
    memories: np.ndarray,
    start: float,
    trace_rate: float,
    shots: bool,
    first: np.ndarray,
    targets: np.ndarray,
    per_sender: np.ndarray,
    per_synapse: np.ndarray,
    random: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, int]:
    """Move all neurons from edge to edge, which are one `delay` apart at most: in between they do not see each other.

    The spikes of `senders` arrive at the increasing times `arrivals`. Sender j has the synapses first[p·N + j] …
    first[p·N + j + 1] in the projection p, on `targets`, each of which moves by per_sender[p·N + j], times
    per_synapse[s] unless that is empty.

    Returns when and who fired, in the order of time; what has not arrived yet, and from whom; and the number of edges
    reached, fewer than all if more than `most` spikes fell between two of them.
    """
    count = neurons.shape[0]
    projections = (first.shape[0] - 1) // count
    individual = per_synapse.shape[0] > 0
    times, fired = np.empty(max(64, count)), np.empty(max(64, count), dtype=np.int32)
    spikes, before = 0, 0
    for k in range(edges.shape[0]):
        arrive = np.searchsorted(arrivals, edges[k], side="right")
        for e in range(arrive + 1):
            everybody = e == arrive  # all are moved to the edge, where nothing pushes them
            moment = edges[k] if everybody else arrivals[e]
            for p in range(1 if everybody else projections):
                low, high, jump = 0, count, 0.0
                if not everybody:
                    row = p * count + senders[e]
                    low, high, jump = first[row], first[row + 1], per_sender[row]
                for s in range(low, high):
                    i = s if everybody else targets[s]
                    push = jump * per_synapse[s] if individual and not everybody else jump
                    neuron, memory = neurons[i], memories[i]
                    arrived = False
                    while not arrived:
                        shot = shots and memory[7] < moment
                        stop = memory[7] if shot else moment
                        spike = advance(neuron, stop, random, scale, inside, height)
                        if spike == np.inf:
                            arrived = not shot
                            if shot:
                                memory[7] += exponential(random) / memory[5]
                            if neuron[1] <= stop:  # what arrives at a silent neuron is lost
                                neuron[0] += memory[6] if shot else push
                                if neuron[0] >= neuron[5]:
                                    spike = stop
                        if spike < np.inf:
                            if spikes == times.shape[0]:
                                longer, more = np.empty(2 * spikes), np.empty(2 * spikes, dtype=np.int32)
                                longer[:spikes], more[:spikes] = times, fired
                                times, fired = longer, more
                            times[spikes], fired[spikes] = spike, i
                            spikes += 1
                            note(memory, spike, start, trace_rate)
                            neuron[0], neuron[1] = neuron[6], spike + memory[8]
        order = before + np.argsort(times[before:spikes])
        times[before:spikes], fired[before:spikes] = times[order], fired[order]
        arrivals = np.concatenate((arrivals[arrive:], times[before:spikes] + delay))
        senders = np.concatenate((senders[arrive:], fired[before:spikes]))
        if spikes - before > most:
            return times[:spikes], fired[:spikes], arrivals, senders, k + 1
        before = spikes
    return times[:spikes], fired[:spikes], arrivals, senders, edges.shape[0]
