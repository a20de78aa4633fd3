"""Dense output: what a solution is between two steps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

Theta = TypeVar("Theta", float, np.ndarray)


def interpolate(theta: Theta, old: np.ndarray, new: np.ndarray, bend: Sequence[np.ndarray]) -> np.ndarray:
    """y(t + θ dt) = (1 − θ) old + θ (new + (1 − θ)(k_1 + θ (k_2 + θ k_3 …))), with k the entries of `bend`.

    Linear when `bend` is empty. Arguments broadcast.
    """
    curve: np.ndarray | float = 0.0
    for k in reversed(bend):
        curve = k + theta * curve
    return (1.0 - theta) * old + theta * (new + (1.0 - theta) * curve)


@dataclass(frozen=True, eq=False)
class RateHistory:
    """The firing rate over an interval of time, dense: what delays and a fixed refractory time look back on.

    Attributes
    ----------
    t, rate : array, shape (steps + 1,)
        Steps and the rate N there.
    bend : array, shape (steps, k)
        Coefficients of `interpolate` for each step; k = 0 is linear.
    """

    t: np.ndarray
    rate: np.ndarray
    bend: np.ndarray = field(default_factory=lambda: np.empty((0, 0)))

    def __call__(self, times: float | np.ndarray) -> np.ndarray:
        """N at times within [t[0], t[-1]]; at a step itself, the value there."""
        times = np.asarray(times, dtype=float)
        if len(self.t) == 1:
            return np.full(times.shape, self.rate[0])
        k = np.clip(np.searchsorted(self.t, times, side="right") - 1, 0, len(self.t) - 2)
        theta = (times - self.t[k]) / (self.t[k + 1] - self.t[k])
        return interpolate(theta, self.rate[k], self.rate[k + 1], [column[k] for column in self.bend.T])
