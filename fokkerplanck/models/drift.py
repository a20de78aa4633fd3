"""Drift laws f(v): what the membrane does without input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Drift(Protocol):
    """A drift law answers f(v) for an array of potentials."""

    def __call__(self, v: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Leak:
    """The leak f(v) = −v of the integrate-and-fire neuron (time in membrane time constants).

    >>> Leak()(np.array([0.0, 2.0]))
    array([-0., -2.])
    """

    def __call__(self, v: np.ndarray) -> np.ndarray:
        return -v
