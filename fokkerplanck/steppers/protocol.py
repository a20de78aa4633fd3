"""What a stepper needs of a system, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np

from ..interpolation import interpolate


class System(Protocol):
    """M y' = F(y, t) with M = diag(1, …, 1, 0): the last row of y is the rate N, bound by 0 = F_N."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray: ...

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None: ...

    def factor(self, y: np.ndarray, t: float, shift: float) -> None: ...

    def solve(self, u: np.ndarray) -> np.ndarray: ...

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray: ...

    def close(self, y: np.ndarray, t: float) -> bool: ...


@dataclass(frozen=True)
class Tolerance:
    """Local error allowed per step, atol + rtol |y|, as in SciPy's `solve_ivp`."""

    rtol: float = 1e-6
    atol: float = 1e-9

    def norm(self, error: np.ndarray, old: np.ndarray, new: np.ndarray) -> float:
        """Scaled error: root mean square over the cells; the pool and the rate must each obey it on their own.

        The rate is one number beside hundreds of cells, and the one that everybody reads; in a common root mean
        square its error would be divided by √cells.
        """
        scaled = error / (self.atol + self.rtol * np.maximum(np.abs(old), np.abs(new)))
        cells = np.sqrt(np.mean(scaled[:-2] ** 2))
        return float(max(cells, np.max(np.abs(scaled[-2:]))))


@dataclass(frozen=True)
class Step:
    """One attempted step from `old` to `new` of length dt; accepted when error ≤ 1.

    `bend` holds the coefficients of the dense output, see `interpolation.interpolate`.
    """

    old: np.ndarray
    new: np.ndarray
    dt: float
    error: float
    bend: tuple[np.ndarray, ...] = ()

    def at(self, theta: float) -> np.ndarray:
        """y at t + θ dt, 0 ≤ θ ≤ 1."""
        return interpolate(theta, self.old, self.new, self.bend)


class Stepper(Protocol):
    """Advances a system by one step and proposes the length of the next; `adaptive` if it controls its error."""

    order: ClassVar[int]
    adaptive: ClassVar[bool]

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        """Set the rate y[-1] from the density; `fresh` unless y continues a run. False if there is no such rate."""
        ...

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float: ...

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None: ...

    def coarsened(self) -> Stepper:
        """The stepper of a run with half the resolution: twice a fixed step; itself if it controls its error."""
        ...

    def next_step(self, dt: float, error: float) -> float: ...
