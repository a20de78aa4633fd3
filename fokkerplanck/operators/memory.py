"""The rates of the past, for a transmission delay and for a refractory time of fixed length."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator

import numpy as np

from ..interpolation import RateHistory, Stretch

PRUNED = 4096
"""Steps kept beyond those that are still looked back on, before the oldest are dropped."""
SMOOTH_AFTER = 6
"""A jump of N comes back after every delay, each time smoother by one derivative: beyond the order of the steppers
after so many. Not so if the noise follows the delayed rate: N is proportional to it, and jumps for ever."""
NO_JUMP = 1e-7
"""A relative difference that is the rounding and the tolerance of another run."""
SLACK = 1e-11
"""Breaks closer than this share of the lag are the same."""


class Memory:
    """N(s) up to the present, and within the step under way what an earlier attempt at this very step has found.

    Method of steps: a look-back shorter than the step meets rates that are not computed yet. They are foreseen by the
    last rate, and by the dense output of the attempt itself once there is one; `foreseen` then asks for another one
    until the two agree.
    """

    def __init__(self, past: RateHistory, depth: float, lanes: int) -> None:
        self._depth, self._lanes = depth, lanes
        bends = [tuple(np.broadcast_to(k, lanes) for k in row) for row in past.bend]
        bends += [()] * (len(past.t) - 1 - len(bends))
        held = past.held if len(past.held) else np.zeros(len(past.t) - 1, dtype=bool)
        rates = [np.broadcast_to(rate, lanes) for rate in past.rate]
        self._steps = [
            Stretch(float(t), float(end - t), old, new, bend, bool(h))
            for t, end, old, new, bend, h in zip(past.t, past.t[1:], rates, rates[1:], bends, held, strict=False)
        ]
        self._ends = [step.t + step.dt for step in self._steps]
        self._last = rates[-1]
        self.now = float(past.t[-1])
        self._attempt: Stretch | None = None
        self.looked_ahead = False

    @property
    def jumps(self) -> list[float]:
        """The times at which N jumps."""
        return [step.t for step in self._steps if step.dt == 0.0]

    def jump(self, rate: np.ndarray) -> None:
        """From now on N is `rate`, whatever it has been."""
        if np.any(np.abs(rate - self._last) > NO_JUMP * np.abs(self._last)):
            self._append(Stretch(self.now, 0.0, self._last, rate.copy()))

    def accept(self, dt: float, t: float, rate: np.ndarray, bend: tuple[np.ndarray, ...]) -> None:
        """Add the step of length dt that ends at t; one without dense output is of backward Euler's kind."""
        self._append(Stretch(self.now, t - self.now, self._last, rate.copy(), bend, held=not bend))
        self.forget_attempt()
        old = bisect_right(self._ends, t - self._depth) - 1
        if old > PRUNED:
            del self._steps[:old], self._ends[:old]

    def _append(self, step: Stretch) -> None:
        self._steps.append(step)
        self.now = step.t + step.dt
        self._ends.append(self.now)
        self._last = step.new

    def at(self, s: float, since: float) -> np.ndarray:
        """N(s), for a step that looks back on times from `since`; where N jumps, from the side of that step."""
        # Of rounding only: right after a jump N may vary within 1e-12.
        slack = 8.0 * float(np.spacing(abs(self.now) + self._depth))
        if s > self.now + slack:
            self.looked_ahead = True
            return self._last if self._attempt is None else self._attempt(s)
        # At the end of a step that began before a jump, the jump has not happened yet.
        later = since >= s - slack
        k = bisect_right(self._ends, s + slack) if later else bisect_right(self._ends, s - slack)
        if k == len(self._steps):
            return self._last
        step = self._steps[k]
        return step.old if s <= step.t else step(min(s, self._ends[k]))

    def fired(self, first: float, last: float) -> np.ndarray:
        """∫ N ds over [first, last], all of it past."""
        total = np.zeros(self._lanes)
        for k in range(bisect_right(self._ends, first), len(self._steps)):
            if self._steps[k].t >= last:
                break
            total += self._steps[k].integral(first, last)
        return total

    def foreseen(self, dt: float, old: np.ndarray, new: np.ndarray, bend: tuple[np.ndarray, ...]) -> np.ndarray:
        """By how much this attempt's rates differ from those it was based on; the next one is based on them."""
        attempt = Stretch(self.now, dt, old.copy(), new.copy(), bend)
        change = np.zeros(self._lanes)
        for theta in (0.25, 0.5, 0.75, 1.0):
            s = self.now + theta * dt
            before = self._last if self._attempt is None else self._attempt(s)
            change = np.maximum(change, np.abs(attempt(s) - before))
        self._attempt, self.looked_ahead = attempt, False
        return change

    def forget_attempt(self) -> None:
        self._attempt, self.looked_ahead = None, False

    def history(self, structured: bool = False) -> RateHistory:
        """The rates as far back as they are looked at; without an axis for the lanes unless `structured`."""
        kept = self._steps[bisect_right(self._ends, self.now - self._depth * (1.0 + SLACK)) :]
        columns = max((len(step.bend) for step in kept), default=0)
        bend = np.zeros((len(kept), columns, self._lanes))
        for row, step in zip(bend, kept, strict=True):
            row[: len(step.bend)] = np.reshape(step.bend, (-1, self._lanes))
        rate = np.array([step.old for step in kept] + [self._last])
        return RateHistory(
            np.array([step.t for step in kept] + [self.now]),
            rate if structured else rate[:, 0],
            bend if structured else bend[:, :, 0],
            np.array([step.held for step in kept], dtype=bool),
        )


def breaks(jumps: list[float], lags: tuple[float, ...], smoothing: bool) -> Iterator[float]:
    """The times, in order, at which the jumps come back: as long as it takes to smooth them, or for ever."""
    waiting = sorted(jump + lag for jump in jumps for lag in lags)
    generation = dict.fromkeys(waiting, 1)
    tolerance = SLACK * min(lags, default=0.0)
    last = -np.inf
    while waiting:
        t = waiting.pop(0)
        if t - last <= tolerance:
            continue
        last = t
        yield t
        if not smoothing or generation[t] < SMOOTH_AFTER:
            for lag in lags:
                generation.setdefault(t + lag, generation[t] + 1)
                waiting.append(t + lag)
            waiting.sort()
