"""Dense output: what a solution is between two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np

Value = TypeVar("Value", float, np.ndarray)


def interpolate(theta: float | np.ndarray, old: Value, new: Value, bend: Sequence[Value]) -> Value:
    """y(t + θ dt) = (1 − θ) old + θ (new + (1 − θ)(k_1 + θ (k_2 + θ k_3 …))), with k the entries of `bend`.

    Linear when `bend` is empty. Arguments broadcast; plain numbers stay plain, for searches that call it very often.
    """
    curve: Any = 0.0
    for k in reversed(bend):
        curve = k + theta * curve
    return (1.0 - theta) * old + theta * (new + (1.0 - theta) * curve)


def mean(old: np.ndarray, new: np.ndarray, bend: Sequence[np.ndarray] | np.ndarray) -> np.ndarray:
    """∫₀¹ of `interpolate` over θ: (old + new)/2 + k_1/6 + k_2/12 + k_3/20 …"""
    return np.asarray(0.5 * (old + new) + sum(k / ((j + 2.0) * (j + 3.0)) for j, k in enumerate(bend)))


@dataclass(frozen=True, eq=False)
class RateHistory:
    """The firing rate over an interval of time, dense: what delays and a fixed refractory time look back on.

    Where two successive times are equal the rate jumps.

    Attributes
    ----------
    t : array, shape (steps + 1,)
        Ends of the steps.
    rate : array, shape (steps + 1,) or (steps + 1, lanes)
        The rate N there.
    bend : array, shape (steps, k) or (steps, k, lanes)
        Coefficients of `interpolate` for each step; k = 0 is linear.
    held : array of bool, shape (steps,)
        Steps in whose balance of mass the rate is the one at their end (backward Euler), not the dense one.
    """

    t: np.ndarray
    rate: np.ndarray
    bend: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))
    held: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=bool))

    def __call__(self, times: float | np.ndarray) -> np.ndarray:
        """N at times within [t[0], t[-1]], shape (…,) or (…, lanes); where it jumps, the later value."""
        times = np.asarray(times, dtype=float)
        if len(self.t) == 1:
            return np.broadcast_to(self.rate[0], times.shape + self.rate.shape[1:]).copy()
        k = np.clip(np.searchsorted(self.t, times, side="right") - 1, 0, len(self.t) - 2)
        length = self.t[k + 1] - self.t[k]
        theta = np.where(length > 0.0, (times - self.t[k]) / np.where(length > 0.0, length, 1.0), 1.0)
        theta = theta.reshape(theta.shape + (1,) * (self.rate.ndim - 1))
        columns = np.moveaxis(self.bend, 1, 0)
        return interpolate(theta, self.rate[k], self.rate[k + 1], [column[k] for column in columns])

    def shifted(self, by: float) -> RateHistory:
        """The same rates, later by `by`."""
        return self if by == 0.0 else RateHistory(self.t + by, self.rate, self.bend, self.held)


@dataclass(frozen=True, eq=False)
class Stretch:
    """One step of a history, of every lane: from time t over dt, `old` to `new`; see `interpolate` for `bend`."""

    t: float
    dt: float
    old: np.ndarray
    new: np.ndarray
    bend: tuple[np.ndarray, ...] = ()
    held: bool = False

    def __call__(self, t: float) -> np.ndarray:
        return interpolate((t - self.t) / self.dt if self.dt else 1.0, self.old, self.new, self.bend)

    def integral(self, first: float, last: float) -> np.ndarray:
        """∫ N from max(first, t) to min(last, t + dt), zero if there is nothing between."""
        first, last = max(first, self.t), min(last, self.t + self.dt)
        half = 0.5 * max(last - first, 0.0)
        if self.held or not half:
            return 2.0 * half * self.new
        # Exact for the quintics of the dense output.
        return half * sum((w * self(first + half * (1.0 + x)) for x, w in GAUSS), start=np.zeros_like(self.new))


GAUSS = tuple(zip(*np.polynomial.legendre.leggauss(3), strict=True))
