"""The rates of the past, for a transmission delay and for a refractory time of fixed length."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator

import numpy as np

from ..interpolation import RateHistory, interpolate

Past = RateHistory | Callable[[float], float]
"""N(s) for times s before the start."""

PRUNED = 4096
"""Steps kept beyond those that are still looked back on, before the oldest are dropped."""
PAST_SAMPLES = 201
"""Times at which a function for the past is kept in a State."""
SMOOTH_AFTER = 6
"""A jump of N at the start comes back after every delay, each time smoother by one derivative: beyond the order of the
steppers after so many."""


class Memory:
    """N(s) up to the present, and within the step under way what an earlier attempt at this very step has found.

    Method of steps: a look-back shorter than the step meets rates that are not computed yet. They are foreseen by the
    last rate, and by the dense output of the attempt itself once there is one; `foreseen` then asks for another one
    until the two agree.
    """

    def __init__(self, past: Past, start: float, depth: float, lanes: int) -> None:
        self._past, self._start, self._depth, self._lanes = past, start, depth, lanes
        self._t: list[float] = []
        self._rate: list[np.ndarray] = []
        self._bend: list[tuple[np.ndarray, ...]] = []
        if isinstance(past, RateHistory):  # the steps of the run that this one goes on with
            self._t = [float(t) for t in past.t]
            self._rate = [np.array([rate]) for rate in past.rate]
            self._bend = [tuple(np.array([k]) for k in row) for row in past.bend]
            self._bend += [()] * (len(self._t) - 1 - len(self._bend))
            self._start = self._t[0]
        self._attempt: tuple[float, tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...]]] | None = None
        self.looked_ahead = False

    def begin(self, t: float, rate: np.ndarray) -> None:
        """The rate at the start, unless the past has it already."""
        if not self._t:
            self._t.append(t)
            self._rate.append(rate.copy())

    def accept(self, t: float, rate: np.ndarray, bend: tuple[np.ndarray, ...]) -> None:
        """Add the step that ends at t."""
        self._bend.append(bend)
        self._t.append(t)
        self._rate.append(rate.copy())
        self._attempt, self.looked_ahead = None, False
        old = bisect_right(self._t, t - self._depth) - 2
        if old > PRUNED:
            del self._t[:old], self._rate[:old], self._bend[:old]

    def at(self, s: float, since: float) -> np.ndarray:
        """N(s), for a step that looks back on times from `since`; where N jumps, at the start, from its side."""
        rounding = 1e-9 * self._depth
        if s < self._start - rounding or (s <= self._start + rounding and since < self._start - rounding):
            return np.full(self._lanes, float(self._past(s)))
        if not self._t:  # the first rate is just being determined
            return np.full(self._lanes, float(self._past(self._start)))
        now = self._t[-1]
        if s <= now:
            k = min(max(bisect_right(self._t, s) - 1, 0), len(self._bend) - 1)
            if k < 0 or s <= self._t[k]:
                return self._rate[max(k, 0)]
            theta = (s - self._t[k]) / (self._t[k + 1] - self._t[k])
            return interpolate(theta, self._rate[k], self._rate[k + 1], self._bend[k])
        self.looked_ahead = True
        if self._attempt is None:
            return self._rate[-1]
        dt, (old, new, bend) = self._attempt
        return interpolate((s - now) / dt, old, new, bend)

    def fired(self, first: float, last: float) -> np.ndarray:
        """∫ N ds over [first, last], before now; the rate of a step is the one at its end, as backward Euler has it."""
        total = np.zeros(self._lanes)
        if first < self._start:
            end = min(last, self._start)
            past, half = self._past, 0.5 * (end - first)
            nodes, weights = np.polynomial.legendre.leggauss(8)
            total += half * sum(w * past(first + half * (1.0 + x)) for x, w in zip(nodes, weights, strict=True))
        k = max(bisect_right(self._t, first) - 1, 0)
        while k < len(self._bend) and self._t[k] < last:
            length = min(self._t[k + 1], last) - max(self._t[k], first)
            total += max(length, 0.0) * self._rate[k + 1]
            k += 1
        return total

    def foreseen(self, dt: float, old: np.ndarray, new: np.ndarray, bend: tuple[np.ndarray, ...]) -> np.ndarray:
        """By how much this attempt's rates differ from those it was based on; the next one is based on them."""
        now = self._t[-1]
        change = np.zeros(self._lanes)
        for theta in (0.25, 0.5, 0.75, 1.0):
            before = self.at(now + theta * dt, now)
            change = np.maximum(change, np.abs(interpolate(theta, old, new, bend) - before))
        self._attempt, self.looked_ahead = (dt, (old, new, bend)), False
        return change

    def forget_attempt(self) -> None:
        self._attempt, self.looked_ahead = None, False

    def history(self) -> RateHistory:
        """The rates as far back as they are looked at, of the first lane."""
        k = max(bisect_right(self._t, self._t[-1] - self._depth) - 1, 0)
        t = np.array(self._t[k:])
        rate = np.array([r[0] for r in self._rate[k:]])
        bends = [[float(b[0]) for b in bend] for bend in self._bend[k:]]
        coefficients = max((len(b) for b in bends), default=0)
        bend = np.zeros((len(bends), coefficients))
        for row, values in zip(bend, bends, strict=True):
            row[: len(values)] = values
        if t[0] > t[-1] - self._depth and not isinstance(
            self._past, RateHistory
        ):  # part of the past lies before the start
            return self._with_past(t, rate, bend)
        return RateHistory(t, rate, bend)

    def _with_past(self, t: np.ndarray, rate: np.ndarray, bend: np.ndarray) -> RateHistory:
        """A sample of the past before the start in front; the jump at the start takes a sliver of a step."""
        times = np.linspace(t[-1] - self._depth, np.nextafter(t[0], -np.inf), PAST_SAMPLES)
        before = np.array([float(self._past(float(s))) for s in times])
        straight = np.zeros((PAST_SAMPLES, bend.shape[1]))
        return RateHistory(np.append(times, t), np.append(before, rate), np.vstack([straight, bend]))


def breaks(start: float, lags: tuple[float, ...]) -> Iterator[float]:
    """The times, in order, at which a jump of N at the start comes back smoothed only a little."""
    times = {0.0}
    found: set[float] = set()
    for _ in range(SMOOTH_AFTER):
        times = {t + lag for t in times for lag in lags}
        found |= times
    return iter(sorted(start + t for t in found))
