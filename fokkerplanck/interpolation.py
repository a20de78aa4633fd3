"""Dense output: what a solution is between two steps."""

from __future__ import annotations

from collections.abc import Sequence
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
