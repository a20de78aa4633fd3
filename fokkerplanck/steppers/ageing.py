"""Steps along characteristics: for systems that can follow them exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol, cast

import numpy as np

from .protocol import Step, System, Tolerance


class Ages(System, Protocol):
    """A system that can follow its characteristics."""

    def age(self, y: np.ndarray, t: float, dt: float) -> tuple[np.ndarray, np.ndarray] | None:
        """y a time dt later, and the mean rate until then; None if there is none."""
        ...


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
        return system.close(y, t)

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return system.explicit_limit(y, t)

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        return system.explicit_limit(y, t)

    def coarsened(self) -> Ageing:
        return self

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        moved = cast(Ages, system).age(y, t, dt)
        return None if moved is None else Moved(y, moved[0], dt, 0.0, births=moved[1])
