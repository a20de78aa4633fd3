"""What a stepper needs of a system, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..interpolation import interpolate, mean

ATTEMPTS = 10
"""How often a step that meets rates of its own is repeated with better ones."""
FORESIGHT = 0.1
"""How well they must agree, over the tolerance of the rate."""


class System(Protocol):
    """M y' = F(y, t) with M = diag(1, …, 1, 0): the last row of y is the rate N, bound by 0 = F_N."""

    @property
    def shape(self) -> tuple[int, int]: ...

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray: ...

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None: ...

    def factor(self, y: np.ndarray, t: float, shift: float) -> None: ...

    def solve(self, u: np.ndarray) -> np.ndarray: ...

    def rosenbrock_stages(self, y: np.ndarray, dt: float, method: Any) -> tuple[np.ndarray, np.ndarray] | None: ...

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray: ...

    def close(self, y: np.ndarray, t: float) -> bool: ...

    def rate_correction(self, new: np.ndarray, t: float, dt: float, excess: np.ndarray) -> np.ndarray:
        """What to add to the rates of a backward-Euler step that fires more than they say by `excess`."""
        ...

    def exchange(self, y: np.ndarray, t: float, dt: float) -> bool:
        """Move neurons from lane to lane for the time dt, in place; their rates are set by `close`. False if it is
        too long."""
        ...

    def explicit_limit(self, y: np.ndarray, t: float) -> float: ...

    def start_step(self, t: float) -> None: ...

    def foreseen(
        self, dt: float, old: np.ndarray, new: np.ndarray, bend: tuple[np.ndarray, ...]
    ) -> np.ndarray | None: ...

    def forget_attempt(self) -> None: ...


@dataclass(frozen=True)
class Tolerance:
    """Local error allowed per step, atol + rtol |y|, as in SciPy's `solve_ivp`."""

    rtol: float = 1e-6
    atol: float = 1e-9

    def norm(self, error: np.ndarray, old: np.ndarray, new: np.ndarray) -> float:
        """Scaled error: root mean square over the cells; the pool and the rate must each obey it on their own.

        The rate is one number beside hundreds of cells, and the one that everybody reads; in a common root mean
        square its error would be divided by √cells. Of several lanes the worst counts.
        """
        return float(np.max(self.norms(error, old, new)))

    def norms(self, error: np.ndarray, old: np.ndarray, new: np.ndarray) -> np.ndarray:
        """The same of every lane, shape (lanes,)."""
        scaled = error / (self.atol + self.rtol * np.maximum(np.abs(old), np.abs(new)))
        cells = np.sqrt(np.mean(scaled[:-2] ** 2, axis=0))
        return np.asarray(np.maximum(cells, np.max(np.abs(scaled[-2:]), axis=0)))


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

    @property
    def fired(self) -> np.ndarray:
        """∫ N dt over the step, of each lane. Without a dense output N is the one at the end, as in backward Euler."""
        if not self.bend:
            return self.dt * self.new[-1]
        return self.dt * mean(self.old[-1], self.new[-1], [k[-1] for k in self.bend])


class LaneSystem(System, Protocol):
    """A system of lanes that do not hear each other."""

    def close_lanes(self, y: np.ndarray, t: float, wanted: np.ndarray) -> np.ndarray: ...

    def rosenbrock_lanes(
        self, y: np.ndarray, dt: np.ndarray, method: Any, rtol: float, atol: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None: ...


class LaneStep(NamedTuple):
    """One attempted step of every lane: accepted where its error, shape (lanes,), is at most 1.

    `bend` holds the coefficients of the dense output of the rates, shape (k, lanes).
    """

    new: np.ndarray
    errors: np.ndarray
    bend: np.ndarray


class Stepper(Protocol):
    """Advances a system by one step and proposes the length of the next.

    `adaptive` if it controls its error, `implicit` if it solves linear systems: such a one suits every stiffness.
    """

    @property
    def order(self) -> int: ...

    @property
    def adaptive(self) -> bool: ...

    @property
    def implicit(self) -> bool: ...

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        """Set the rate y[-1] from the density; `fresh` unless y continues a run. False if there is no such rate."""
        ...

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float: ...

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None: ...

    def coarsened(self) -> Stepper:
        """The stepper of a run with half the resolution: twice a fixed step; itself if it controls its error."""
        ...

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float: ...


def advance(stepper: Stepper, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
    """One step, repeated until it agrees with the rates that a delay shorter than it makes it meet; None if it cannot.

    A fixed step takes the last known rate instead, as lagged schemes do: of first order while the delay is shorter.
    """
    system.start_step(t)
    with np.errstate(
        over="ignore", invalid="ignore"
    ):  # a step that leaves the range of numbers is refused by the stepper
        step = stepper.step(system, y, t, dt, tolerance)
        if not stepper.adaptive:
            return step
        for _ in range(ATTEMPTS):
            change = None if step is None else system.foreseen(dt, step.old, step.new, step.bend)
            if step is None or change is None:
                break
            if np.all(change <= FORESIGHT * (tolerance.atol + tolerance.rtol * np.abs(step.new[-1]))):
                break
            step = stepper.step(system, y, t, dt, tolerance)
        else:
            step = None
    if step is None or step.error > 1.0:
        system.forget_attempt()
    return step
