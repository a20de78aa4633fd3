"""How a run ends, and how bad input is refused.

Blow-up is a result of the equation, so it is a `Status` with a `BlowUp` record; a typo is an exception.
"""

from __future__ import annotations

import enum
import math
import numbers
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np


class FokkerPlanckError(ValueError):
    """Base of every error raised on purpose; the message names the argument and the way out."""


class InvalidArgument(FokkerPlanckError):
    """An argument is out of its range, of the wrong kind, or does not fit another one."""


class FokkerPlanckWarning(UserWarning):
    """Something the user should know about a result that is nevertheless returned."""


class Status(enum.Enum):
    """Why `solve` returned. Each value is the sentence that `Solution.message` begins with."""

    FINISHED = "reached the end of t_span"
    BLOW_UP = "the firing rate blows up in finite time"
    STOPPED = "stopped by a condition that the user gave"
    ETERNAL = "a cascade of spikes never ends: each neuron would fire again and again at one instant"
    UNRESOLVED = "the step or the grid no longer resolves the activity"
    STALLED = "the step became too small to go on, without the signature of a blow-up"
    INTERRUPTED = "interrupted by the user; what was computed is here and can be continued from .final"


@dataclass(frozen=True)
class BlowUp:
    """Finite-time blow-up of the firing rate, N(t) → ∞ as t → t*.

    Attributes
    ----------
    time : float
        Estimate of t*, extrapolated from the shrinking doubling times of N (dimensionless).
    interval : tuple of float
        Bracket for t*: from the doubling times of N, widened by twice the change of t* when the cells are
        halved and the tolerance is multiplied by thirty (or a fixed step doubled). It starts from the initial state of
        this run: what an earlier run did to that state is not in it.
    rate : float
        Largest N that was computed.
    evidence : str
        What was seen, in a sentence with its numbers.
    doubling_times : tuple of float
        Times that N took for its last doublings; for N ~ C (t* − t)^(−1/2) each is a quarter of the one before.
    lane : int
        Of several populations the number of the one whose rate is largest.
    """

    time: float
    interval: tuple[float, float]
    rate: float
    evidence: str
    doubling_times: tuple[float, ...]
    lane: int = 0


@dataclass(frozen=True)
class Jump:
    """A firing event of a whole fraction of the population at one instant: N(t) holds a term Δ δ(t − t*).

    Attributes
    ----------
    time : float
        The instant t*.
    fraction : float
        Δ, spikes per neuron fired at that instant.
    shift : float
        By how much those who did not fire were moved: bΔ.
    overshoot : str
        The convention for those who fired: "keep", "discard" or "none".
    generations : tuple of float
        Of particles: the fraction that fired by itself, that which this set off, and so on; they add up to Δ.
    errors : (float, float)
        Of a density: how far time and fraction move when the resolution is halved; not a number if that is not known.
    """

    time: float
    fraction: float
    shift: float
    overshoot: str
    generations: tuple[float, ...] = ()
    errors: tuple[float, float] = (math.nan, math.nan)


def finite_number(name: str, value: object) -> float:
    """Return `value` as a float, or refuse what is not one finite real number."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise InvalidArgument(f"`{name}` must be a number, not {value!r}.")
    try:
        number = float(value)
    except OverflowError:
        raise InvalidArgument(f"`{name}` is too large for a floating-point number.") from None
    if not math.isfinite(number):
        raise InvalidArgument(f"`{name}` must be finite, not {number}.")
    return number


def real_array(name: str, value: object) -> np.ndarray:
    """Return a copy of `value` as an array of floats, or refuse what is none; its entries may be anything."""
    import numpy as np  # not above: the command line's --help reads this module

    try:
        array = np.array(value)
        if array.dtype.kind in "biuf":
            return array.astype(float)
    except ValueError:  # rows of different lengths
        pass
    raise InvalidArgument(f"`{name}` must be numbers, not {value!r:.60}.")


def frozen(array: np.ndarray) -> np.ndarray:
    """The array itself, which can no longer be written to."""
    array.flags.writeable = False
    return array


def number_in(name: str, value: object, allowed: Callable[[float], bool], meaning: str) -> float:
    """Return `value` as a finite float for which `allowed` holds; `meaning` completes the refusal."""
    number = finite_number(name, value)
    if not allowed(number):
        raise InvalidArgument(f"`{name}` = {number:g}, but it must be {meaning}.")
    return number


def positive(name: str, value: object) -> float:
    return number_in(name, value, lambda x: x > 0, "positive")


def non_negative(name: str, value: object) -> float:
    return number_in(name, value, lambda x: x >= 0, "zero or positive")


def time_span(t_span: Any) -> tuple[float, float]:
    """Start and end of a run."""
    try:
        start, end = t_span
    except (TypeError, ValueError):
        raise InvalidArgument(f"`t_span` must be a pair (start, end), not {t_span!r}.") from None
    start, end = finite_number("t_span[0]", start), finite_number("t_span[1]", end)
    if not end > start:
        raise InvalidArgument(f"`t_span` = ({start:g}, {end:g}) runs backwards; the end must come after the start.")
    return start, end


def whole_number(name: str, value: object, least: int) -> int:
    """Return `value` as an int of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or value < least:
        raise InvalidArgument(f"`{name}` must be a whole number of at least {least}, not {value!r}.")
    return int(value)


def named(what: str, table: Mapping[str, Any], name: object) -> Any:
    """`table[name]`, or a refusal that lists the right names."""
    if isinstance(name, str) and name in table:
        return table[name]
    raise InvalidArgument(f"Unknown {what} {name!r}{did_you_mean(name, table)} Available: {', '.join(table)}.")


def did_you_mean(name: object, names: Mapping[str, Any]) -> str:
    """A full stop, or the closest of the right names as a question."""
    small = {known.lower(): known for known in names}
    close = get_close_matches(str(name).lower(), list(small), n=1)
    return f"; did you mean {small[close[0]]!r}?" if close else "."
