"""Coupling laws: the current that the network and the outside world send to each neuron."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ..outcomes import InvalidArgument, finite_number, non_negative

Current = float | Callable[[float], float]


@dataclass(frozen=True)
class MeanFieldCoupling:
    """All-to-all coupling and an external current: c = b A + I(t) is added to the drift, with A(t) = N(t − d).

    A is the activity that arrives at the synapses: the firing rate, or what it was a transmission delay d ago.

    Parameters
    ----------
    b : float
        Connectivity: positive excitatory, negative inhibitory, 0 uncoupled (dimensionless).
    external : float or callable
        External current I, a number or a function of time I(t) (dimensionless).
    delay : float
        Transmission delay d, zero or positive (membrane time constants).
    """

    b: float
    external: Current = 0.0
    delay: float = 0.0

    def __post_init__(self) -> None:
        finite_number("b", self.b)
        non_negative("delay", self.delay)
        if not callable(self.external):
            finite_number("external", self.external)

    def current(self, activity: np.ndarray, t: float) -> np.ndarray:
        """c = b A + I(t), same shape as `activity`."""
        return self.b * activity + self.external_at(t)

    @property
    def gain(self) -> float:
        """∂c/∂A."""
        return self.b

    @property
    def time_dependent(self) -> bool:
        return callable(self.external)

    def external_at(self, t: float) -> float:
        """I(t); refuses a function that does not return one finite number."""
        if not callable(self.external):
            return self.external
        value = self.external(t)
        try:
            current = float(value)
        except (TypeError, ValueError):
            raise InvalidArgument(f"`external` must return one number, but external({t:g}) is {value!r}.") from None
        if not np.isfinite(current):
            raise InvalidArgument(f"`external` must be finite, but external({t:g}) is {current}.")
        return current
