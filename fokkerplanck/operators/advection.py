"""Transport along the lanes: what learning does to the synaptic weights.

    ∂t n + ∂w F = 0,   F_j = α_j (n_{j−1} + s_{j−1}) + β_j (n_j − s_j),   α ≥ 0 ≥ β at the faces, zero at both ends

Every row of an array (rows, lanes) is moved by the same face speeds; for a velocity u that is given, α = u⁺ and
β = −u⁻. A step is Heun's method: two Euler steps, averaged with the start. The slopes are limited,

    s = minmod(a, b, (a + b)/4),

a and b the differences to the two neighbours: the limiter of van Leer (1977) that is called MC. Of second order where n
is smooth and not extremal. Since |s_j| ≤ min(|a|, |b|) exactly, face values lie between 0 and 2 n_j even in
floating-point numbers, and as long as

    max(α, −β) dt/dw ≤ 1/2

no cell loses more than it has: nothing becomes negative, sums over lanes are kept to rounding, and for a constant
velocity the total variation does not grow.

Source: B. van Leer, J. Comput. Phys. 23 (1977) 276; positivity: B. Perthame, C.-W. Shu, Numer. Math. 73 (1996) 119.
"""

from __future__ import annotations

import math

import numpy as np

from ..outcomes import InvalidArgument
from .kernels import kernel

POSITIVE = 0.4999
"""Largest share α dt/dw of a step: the half that keeps every density positive, less what rounding could do to it."""
MOST_STEPS = 10_000
"""More steps within one call than this mean that the call is wrong, not that it is long."""


def advect(n: np.ndarray, ahead: np.ndarray, back: np.ndarray, dt: float, width: float) -> int:
    """Move every row of n along the lanes for the time dt, in place, in as few equal steps as keep it positive.

    Parameters
    ----------
    n : array, shape (rows, lanes)
        Densities.
    ahead, back : array, shape (lanes + 1,)
        α ≥ 0 and β ≤ 0 at the faces between the lanes, zero at the first and the last. For second order in time speeds
        that vary are to be given at the middle of the interval: freezing them there costs O(dt³).
    dt : float
        Length of the time interval, zero or positive.
    width : float
        Width dw of the lanes.

    Returns
    -------
    int
        The number of steps, ceil(2 max(α, −β) dt/dw); none if nothing moves. Speeds that are proportional to a small ε
        ask for no steps of the length ε.

    Raises
    ------
    InvalidArgument
        If the speeds have the wrong sign, are not finite, do not vanish at the ends, or ask for more than 10 000 steps.

    >>> n = np.array([[0.0, 1.0, 1.0, 0.0]])
    >>> advect(n, np.array([0.0, 1.0, 1.0, 1.0, 0.0]), np.zeros(5), dt=0.25, width=1.0)
    1
    >>> n
    array([[0.  , 0.75, 1.  , 0.25]])
    """
    if ahead[0] != 0.0 or ahead[-1] != 0.0 or back[0] != 0.0 or back[-1] != 0.0:
        raise InvalidArgument(
            "`ahead` and `back` must be zero at the first and the last face: nothing leaves the lanes."
        )
    if not (np.all(ahead >= 0.0) and np.all(back <= 0.0)):
        raise InvalidArgument("`ahead` must not be negative and `back` not positive: exchange them?")
    courant = max(float(np.max(ahead)), -float(np.min(back))) * dt / width
    if not courant / POSITIVE <= MOST_STEPS:
        raise InvalidArgument(
            f"`ahead` and `back` move the density by {courant:.3g} lanes in one step; use a smaller `dt`."
        )
    steps = math.ceil(courant / POSITIVE)
    if steps:
        share = dt / (steps * width)
        move_lanes(n, np.tile(ahead * share, (steps, 1)), np.tile(back * share, (steps, 1)))
    return steps


class Hebbian:
    """∂t n + ε ∂w[(Φ − w) n] = 0, Φ = K N N̄, for every row of n, where N_k = e_k m_k is read off one row m.

    The equation is nonlinear, and a frozen velocity neither has its order nor is stable beyond one lane a step: what
    changes N travels with 2Φ − w. So the row m is moved first, on its own, in steps of its own: each predicts the
    speeds at its middle. All other rows then follow at these speeds, in one sweep. Of second order in time.

    Parameters
    ----------
    rule, faces : array, shape (lanes + 1,)
        K and w at the faces between the lanes.
    speed : float
        ε ≥ 0.
    """

    def __init__(self, rule: np.ndarray, faces: np.ndarray, speed: float) -> None:
        self.rule, self.faces, self.speed = rule, faces, speed
        self._ahead, self._back = np.zeros((1, len(faces))), np.zeros((1, len(faces)))

    def advance(self, n: np.ndarray, row: np.ndarray, emission: np.ndarray, dt: float) -> int:
        """Move n, shape (rows, lanes), in place; return the number of steps.

        Parameters
        ----------
        n : array, shape (rows, lanes)
            Densities.
        row : array, shape (lanes,)
            m, for an absorbing threshold the density in the last cell; it is moved as well, so give a copy.
        emission : array, shape (lanes,)
            e, for an absorbing threshold the weight of the last face.
        dt : float
            Length of the time interval.

        Returns
        -------
        int
            −1, and n as it was, if the interval is too long for 10 000 steps.
        """
        if self.speed == 0.0:
            return 0
        start, limit = row.copy(), 0.9 * POSITIVE
        while True:
            steps = plan_learning(
                row, emission, self.rule, self.faces, self.speed, dt, limit, POSITIVE, self._ahead, self._back
            )
            if steps >= 0:
                break
            if len(self._ahead) > MOST_STEPS or not np.all(np.isfinite(row)):
                return -1
            row[:] = start
            self._ahead = np.zeros((4 * len(self._ahead), len(self.faces)))
            self._back = np.zeros_like(self._ahead)
        move_lanes(n, self._ahead[:steps], self._back[:steps])
        return steps


@kernel
def move_lanes(n: np.ndarray, ahead: np.ndarray, back: np.ndarray) -> None:
    """Steps of every row of n with α dt/dw = `ahead` and β dt/dw = `back`, of modulus at most 1/2.

    Of shape (steps, lanes + 1): the speeds of each step.
    """
    rows, lanes = n.shape
    steps = ahead.shape[0]
    # One more cell at either end, of the same value: the slope there is zero. Shifted views of one row rather than
    # shifted indices, which compilers do not vectorise as they could be negative.
    old, row, half, flux = np.empty(lanes), np.empty(lanes + 2), np.zeros(lanes + 2), np.zeros(lanes + 1)
    below, here, above, slope = row[:lanes], row[1 : lanes + 1], row[2:], half[1 : lanes + 1]
    right, right_slope, into, out = row[1:], half[1:], flux[:lanes], flux[1:]
    for i in range(rows):
        for k in range(lanes):
            here[k] = n[i, k]
        for step in range(steps):
            for k in range(lanes):
                old[k] = here[k]
            for stage in range(2):
                row[0], row[lanes + 1] = row[1], row[lanes]
                for k in range(lanes):
                    a, b = here[k] - below[k], above[k] - here[k]
                    mean = 0.25 * (a + b)
                    size = min(min(abs(a), abs(b)), abs(mean))
                    signed = size if mean > 0.0 else -size
                    slope[k] = signed if (a > 0.0) == (b > 0.0) else 0.0
                for j in range(lanes + 1):
                    flux[j] = ahead[step, j] * (row[j] + half[j]) + back[step, j] * (right[j] - right_slope[j])
                if stage == 0:
                    for k in range(lanes):
                        here[k] += into[k] - out[k]
                else:
                    for k in range(lanes):
                        here[k] = 0.5 * (old[k] + (here[k] + (into[k] - out[k])))
        for k in range(lanes):
            n[i, k] = here[k]


@kernel
def learning_speeds(
    rates: np.ndarray, rule: np.ndarray, faces: np.ndarray, speed: float, ahead: np.ndarray, back: np.ndarray
) -> float:
    """α and β of `Learning.face_speeds`, and the largest modulus of any speed, ε max(|Φ − w|, |2Φ − w|)."""
    lanes = rates.shape[0]
    half = np.zeros(lanes)
    for k in range(1, lanes - 1):
        a, b = rates[k] - rates[k - 1], rates[k + 1] - rates[k]
        size = min(min(abs(a), abs(b)), 0.25 * abs(a + b))
        half[k] = (size if b > 0.0 else -size) if (a > 0.0) == (b > 0.0) else 0.0
    total = 0.0
    for k in range(lanes):
        total += rates[k]
    total *= (faces[lanes] - faces[0]) / lanes
    ahead[0], back[0], ahead[lanes], back[lanes] = 0.0, 0.0, 0.0, 0.0
    largest = 0.0
    for j in range(1, lanes):
        w, drive = faces[j], rule[j] * total
        left, right = drive * (rates[j - 1] + half[j - 1]), drive * (rates[j] - half[j])
        slowest = min(min(min(left, right) - w, 2.0 * min(left, right) - w), 0.0)
        fastest = max(max(max(left, right) - w, 2.0 * max(left, right) - w), 0.0)
        spread = fastest - slowest
        part = speed / spread if spread > 0.0 else 0.0
        ahead[j] = fastest * (left - w - slowest) * part
        back[j] = slowest * (fastest - (right - w)) * part
        largest = max(largest, speed * max(fastest, -slowest))
    return largest


@kernel
def plan_learning(
    row: np.ndarray,
    emission: np.ndarray,
    rule: np.ndarray,
    faces: np.ndarray,
    speed: float,
    dt: float,
    limit: float,
    most: float,
    ahead: np.ndarray,
    back: np.ndarray,
) -> int:
    """Move `row` for the time dt and write the speeds of each step to `ahead` and `back`, in lanes a step.

    Steps move by `limit` lanes at most as they start, and `most` in their middle. Returns their number, or −1 if there
    is no room for all of them.
    """
    lanes = row.shape[0]
    width = (faces[lanes] - faces[0]) / lanes
    one, other = np.empty((1, lanes + 1)), np.empty((1, lanes + 1))
    middle = np.empty((1, lanes))
    left, steps = dt, 0
    while left > 0.0:
        if steps == ahead.shape[0]:
            return -1
        largest = learning_speeds(emission * row, rule, faces, speed, one[0], other[0])
        # Equal steps for what is left, so that the last one is no sliver.
        step = left / max(1.0, np.ceil(left * largest / (limit * width)))
        while True:
            for k in range(lanes):
                middle[0, k] = row[k]
            move_lanes(middle, one * (0.5 * step / width), other * (0.5 * step / width))
            largest = learning_speeds(emission * middle[0], rule, faces, speed, ahead[steps], back[steps])
            if not largest * step > most * width:
                break
            step *= 0.5
        for j in range(lanes + 1):
            ahead[steps, j] *= step / width
            back[steps, j] *= step / width
        for k in range(lanes):
            middle[0, k] = row[k]
        move_lanes(middle, ahead[steps : steps + 1], back[steps : steps + 1])
        for k in range(lanes):
            row[k] = middle[0, k]
        left = left - step if left - step > 1e-12 * dt else 0.0
        steps += 1
    return steps
