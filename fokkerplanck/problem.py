"""A run: all that determines it, and how it ended."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .interpolation import RateHistory
from .models.model import Model
from .operators.evolution import Evolution
from .operators.schemes import Scheme
from .outcomes import BlowUp, Jump, Status
from .state import State
from .steppers.protocol import Stepper, Tolerance

if TYPE_CHECKING:
    from .clocks import Clock

LOOSER = 30.0
"""Tolerance of the second run on half the cells, over that of the first."""
LATER = 3.0
"""How many times as long the second run may take to a blow-up."""


def loosened(tolerance: Tolerance) -> Tolerance:
    """The tolerance of the second run."""
    return Tolerance(LOOSER * tolerance.rtol, LOOSER * tolerance.atol)


@dataclass(frozen=True)
class Problem:
    """All that determines a run, except what is watched."""

    model: Model
    scheme: Scheme
    stepper: Stepper
    state: State
    fresh: bool
    past: RateHistory
    trace: np.ndarray
    t_span: tuple[float, float]
    tolerance: Tolerance
    max_step: float
    clock: Clock

    def system(self) -> Evolution:
        """The semi-discrete equations, at the start of the run."""
        system = self.scheme.discretize(self.model, self.state.grid)
        system.remember(self.past)
        return system

    def settings(self, rtol: float, atol: float) -> dict[str, str]:
        """What a Solution says of its making."""
        made = {"scheme": self.scheme, "stepper": self.stepper, "clock": self.clock}
        return {name: repr(value) for name, value in made.items()} | {"rtol": f"{rtol:g}", "atol": f"{atol:g}"}

    def coarsened(self, ending: Ending) -> Problem:
        """The problem with half the resolution in all, for as long as a run with that `ending` can be compared."""
        start, until = self.t_span[0], ending.t
        if ending.blow_up is not None:
            # On the coarser grid the rate may reach its blow-up later.
            until = start + LATER * (ending.blow_up.time - start)
            if self.model.time_dependent:  # I(t) need not be defined beyond the end
                until = min(self.t_span[1], until)
        return replace(
            self,
            stepper=self.stepper.coarsened(),
            state=self.state.coarsened(),
            t_span=(start, until),
            tolerance=loosened(self.tolerance),
        )


@dataclass(frozen=True)
class Ending:
    """Where and why the time loop ended; `why` is the part of the sentence that is not in the status."""

    y: np.ndarray
    t: float
    status: Status
    why: str = ""
    blow_up: BlowUp | None = None
    jumps: tuple[Jump, ...] = ()
