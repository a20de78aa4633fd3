"""A network of LIF neurons from event to event, compiled.

Kernels take arrays and scalars and read no globals. `random` is the state of a generator and `scale`, `inside`,
`height` the tables of the normal distribution: see `kernels`.

What is known of neuron i: its potential `V[i]` at the time `now[i]`, which lies in the future while it is silent, where
`V[i]` is the reset. `cells[k]` = (τ_m, V_th, V_r, τ_ref) of the neurons of kind k.
"""

from __future__ import annotations

import numpy as np

from ..operators.kernels import kernel
from .kernels import exponential, normal, passage, uniform


@kernel
def advance(
    i: int,
    until: float,
    V: np.ndarray,
    now: np.ndarray,
    rest: float,
    half: float,
    tau: float,
    V_th: float,
    finest: float,
    random: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
) -> float:
    """Move neuron i to the time `until` or to its next spike, whichever comes first; return the time of the spike.

    The potential relaxes to `rest` and has the stationary variance `half` = σ²/2. Over a step of length h its end is
    drawn from the Ornstein–Uhlenbeck law. On the clock s = (σ²/2)(e^{2h/τ} − 1) the motion is Brownian and the
    threshold a curve; the curve is replaced by its chord, which a Brownian bridge meets with a known probability, at a
    time with a known law. The chord is off by (h/τ)²/8 of V_th − rest at most: `finest` bounds h/τ, unless the
    threshold is too far to be met (seven standard deviations and the drift in half of the way).
    """
    while now[i] < until:
        gap = V_th - V[i]
        u = (until - now[i]) / tau
        if half > 0.0:
            far = gap * gap / (392.0 * half)  # √(2 half u) · 14 = gap
            rising = 2.0 * (rest - V[i])
            if rising * far > gap:
                far = gap / rising
            u = min(u, max(far, finest))
        fall = np.exp(-u)
        if half == 0.0:
            if rest > V_th and (rest - V[i]) * fall <= rest - V_th:
                spike = now[i] + tau * np.log((rest - V[i]) / (rest - V_th))
                return min(spike, until)
            V[i] = rest + (V[i] - rest) * fall
            now[i] = until
            return np.inf
        variance = half * (1.0 - fall * fall)
        end = rest + (V[i] - rest) * fall + np.sqrt(variance) * normal(random, scale, inside, height)
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
            return min(now[i] + 0.5 * tau * np.log1p(share * (1.0 / (fall * fall) - 1.0)), until)
        V[i] = end
        now[i] = min(now[i] + u * tau, until)
        if until - now[i] < 1e-12 * tau:
            now[i] = until
    return np.inf


@kernel
def note(
    i: int, spike: float, start: float, last: np.ndarray, moments: np.ndarray, trace: np.ndarray, r: float
) -> None:
    """Keep of a spike: its trace; from `start` on the number of spikes, and the sum and the squares of intervals."""
    if r > 0.0:
        trace[i] = trace[i] * np.exp(-r * (spike - last[i])) + r
    if spike >= start:
        moments[i, 0] += 1.0
        if moments[i, 0] > 1.0:
            moments[i, 1] += spike - last[i]
            moments[i, 2] += (spike - last[i]) ** 2
    last[i] = spike


@kernel
def window(
    arrivals: np.ndarray,
    senders: np.ndarray,
    until: float,
    start: float,
    V: np.ndarray,
    now: np.ndarray,
    last: np.ndarray,
    moments: np.ndarray,
    trace: np.ndarray,
    trace_rate: float,
    kind: np.ndarray,
    cells: np.ndarray,
    rest: np.ndarray,
    half: np.ndarray,
    shot_rate: np.ndarray,
    shot_size: np.ndarray,
    shot_next: np.ndarray,
    first: np.ndarray,
    targets: np.ndarray,
    per_sender: np.ndarray,
    per_synapse: np.ndarray,
    finest: float,
    random: np.ndarray,
    scale: np.ndarray,
    inside: np.ndarray,
    height: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Move all neurons to `until`; return who fired and when.

    The spikes of `senders` arrive at the increasing times `arrivals`, and none of those fired meanwhile arrives before
    `until`: neurons do not see each other. Sender j has the synapses first[p·N + j] … first[p·N + j + 1] in the
    projection p, on `targets`, each of which moves by per_sender[p·N + j], times per_synapse[s] unless that is empty.
    """
    count = V.shape[0]
    projections = (first.shape[0] - 1) // count
    individual = per_synapse.shape[0] > 0
    shots = shot_rate.shape[0] > 0
    times = np.empty(max(64, count // 4))
    fired = np.empty(times.shape[0], dtype=np.int32)
    spikes = 0
    for e in range(arrivals.shape[0] + 1):
        everybody = e == arrivals.shape[0]
        moment = until if everybody else arrivals[e]
        for p in range(1 if everybody else projections):
            low, high, jump = 0, count, 0.0
            if not everybody:
                row = p * count + senders[e]
                low, high, jump = first[row], first[row + 1], per_sender[row]
            for s in range(low, high):
                i = s if everybody else targets[s]
                push = jump * per_synapse[s] if individual and not everybody else jump
                tau, V_th, V_r, tau_ref = cells[kind[i], 0], cells[kind[i], 1], cells[kind[i], 2], cells[kind[i], 3]
                while True:
                    stop, shot = moment, False
                    if shots and shot_next[i] < moment:
                        stop, shot = shot_next[i], True
                    spike = advance(i, stop, V, now, rest[i], half[i], tau, V_th, finest, random, scale, inside, height)
                    done = False
                    if spike == np.inf:
                        awake = now[i] <= stop
                        if shot:
                            shot_next[i] += exponential(random) / shot_rate[i]
                            if awake:
                                V[i] += shot_size[i]
                        else:
                            done = True
                            if awake:
                                V[i] += push
                        if awake and V[i] >= V_th:
                            spike = stop
                    if spike < np.inf:
                        if spikes == times.shape[0]:
                            longer, more = np.empty(2 * spikes), np.empty(2 * spikes, dtype=np.int32)
                            longer[:spikes], more[:spikes] = times, fired
                            times, fired = longer, more
                        times[spikes], fired[spikes] = spike, i
                        spikes += 1
                        note(i, spike, start, last, moments, trace, trace_rate)
                        V[i], now[i] = V_r, spike + tau_ref
                    if done:
                        break
    return times[:spikes], fired[:spikes]
