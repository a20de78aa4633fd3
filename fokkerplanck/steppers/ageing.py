"""Steps along characteristics: for systems that can follow them exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ..outcomes import InvalidArgument
from .protocol import Step, System, Tolerance


@dataclass(frozen=True)
class Moved(Step):
    """A step that knows what was born in it."""

    births: float | np.ndarray = 0.0

    @property
    def fired(self) -> np.ndarray:
        return np.atleast_1d(self.dt * self.births)


@dataclass(frozen=True)
class Ageing:
    """The system moves along its characteristics by one cell in each step; see `operators.characteristics`.

    Order 2 with an activity in the middle of the step, dense output of N linear.

    >>> Ageing().order
    2
    """

    order: ClassVar[int] = 2
    adaptive: ClassVar[bool] = False
    implicit: ClassVar[bool] = False

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        if not hasattr(system, "age"):
            raise InvalidArgument(f"`stepper` = {self!r} moves ages, which this model has not; leave it out.")
        return system.close(y, t)

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return system.explicit_limit(y, t)

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        return system.explicit_limit(y, t)

    def coarsened(self) -> Ageing:
        return self

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        moved = system.age(y, t, dt)  # type: ignore[attr-defined]
        return None if moved is None else Moved(y, moved[0], dt, 0.0, births=moved[1])
