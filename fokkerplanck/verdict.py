"""What a run is worth: its blow-up and its error, once a second run of half the resolution has been seen."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .interpolation import RateHistory
from .models.model import Model
from .outcomes import Status
from .problem import Ending
from .steppers.protocol import Tolerance

LARGEST_SHIFT = 0.1
"""A blow-up whose time moves by more than this share when the cells are halved is not believed."""
SMALL = 1e-3
"""Rates below this share of the largest one are compared with that."""
START_UP, RUN_UP = 0.01, 0.9
"""Shares of the time between which errors are compared: a datum that does not vanish at V_F starts with N ~ t^(−1/2),
and close to a blow-up the smallest shift in time is a large difference in N."""
TRANSIENT = 10.0
"""Time that counts as the whole of a longer run where its start is left out: what happens first is no less of interest
because the run goes on for long."""


def comparable(ending: Ending, start: float) -> bool:
    """Whether a run came so far that a second one can be compared with it."""
    return ending.t > start and (ending.blow_up is not None or ending.status in (Status.FINISHED, Status.STOPPED))


def compared(ending: Ending, coarse: Ending | None, start: float) -> Ending:
    """The blow-up with its discretisation error, from the second run.

    A discrete equation has its own folds: near one it can blow up where the equation does not. Then t* moves a lot with
    the grid, and the verdict is left open.
    """
    if ending.blow_up is None:
        return ending
    if coarse is None:
        time = ending.blow_up.time
        why = f" (the rate blows up at t* = {time:.6g}, but no coarser grid can confirm it; use more cells)"
        return Ending(ending.y, ending.t, Status.UNRESOLVED, why)
    here, there = ending.blow_up, coarse.blow_up
    if there is None or abs(there.time - here.time) > LARGEST_SHIFT * (here.time - start):
        other = f"not ({coarse.status.value})" if there is None else f"at t* = {there.time:.6g}"
        why = (
            f" (here the rate blows up at t* = {here.time:.6g}, with half the resolution {other}; "
            f"use a finer grid, or a smaller dt, to decide)"
        )
        return Ending(ending.y, ending.t, Status.UNRESOLVED, why)
    spread = 2.0 * abs(there.time - here.time)
    low, high = here.interval
    confirmed = replace(
        here,
        interval=(min(low, here.time - spread), max(high, here.time + spread)),
        evidence=f"{here.evidence}; with half the resolution t* = {there.time:.9g}",
    )
    return replace(ending, blow_up=confirmed)


def compared_jumps(ending: Ending, coarse: Ending) -> Ending:
    """The firing events with their discretisation errors, where the second run has as many."""
    if len(ending.jumps) != len(coarse.jumps):
        return ending
    pairs = zip(ending.jumps, coarse.jumps, strict=True)
    moved = [(abs(there.time - here.time), abs(there.fraction - here.fraction)) for here, there in pairs]
    jumps = tuple(replace(jump, errors=errors) for jump, errors in zip(ending.jumps, moved, strict=True))
    return replace(ending, jumps=jumps)


def rate_error(
    here: RateHistory,
    there: RateHistory,
    start: float,
    ending: Ending,
    gain: float,
    asked: Tolerance,
    breaks: Sequence[float] = (),
    depth: float = 0.0,
) -> tuple[float, float]:
    """Estimated error of N, the largest over the run: relative to N, and over what was asked.

    `there` are the rates of the second run, whose error is `gain` times as large; infinite if it did not get as far. N
    is compared where it is smooth: not right after the start, nor after the `breaks` at which a jump comes back.
    """
    length = ending.t - start
    last = start + RUN_UP * length if ending.blow_up is not None else ending.t
    if there.t[-1] < last:
        return math.inf, math.inf
    times = here.t[(here.t >= start + START_UP * min(length, TRANSIENT)) & (here.t <= last)]
    layer = START_UP * min(length, 10.0 * depth)
    for jump in breaks:
        times = times[(times < jump - 1e-9 * layer) | (times > jump + layer)]
    for event in ending.jumps:
        times = times[np.abs(times - event.time) > START_UP * min(length, TRANSIENT)]
    rate = here(times)
    apart = np.abs(there(times) - rate)
    relative = np.abs(rate) + SMALL * np.max(np.abs(rate), initial=0.0)
    allowed = asked.atol + asked.rtol * np.abs(rate)
    with np.errstate(invalid="ignore", divide="ignore"):
        largest = [float(np.nanmax(apart / scale, initial=0.0)) / (gain - 1.0) for scale in (relative, allowed)]
    return largest[0], largest[1]


def missed(error: float, rtol: float) -> str:
    return (
        f"The relative error of N is estimated to be {error:.1e}, more than the rtol = {rtol:g} asked for; "
        f"give a `grid` of your own to do better."
    )


def message(ending: Ending, model: Model) -> str:
    if ending.blow_up is None:
        status, events = ending.status.value, len(ending.jumps)
        passed = f", through {events} firing event{'s' if events > 1 else ''}" if events else ""
        return f"{status[0].upper()}{status[1:]}{ending.why} at t = {ending.t:.9g}{passed}."
    low, high = ending.blow_up.interval
    whose = f" of population {model.lane_names[ending.blow_up.lane]}" if model.structured else ""
    whose = f"{model.activity_name}{whose}"
    if low == high:
        return f"The {whose} blows up at once, at t* = {low:g}: {ending.blow_up.evidence}."
    digits = max(4, 2 + math.ceil(math.log10(high / (high - low)))) if 0 < low < high else 6
    return (
        f"The {whose} blows up at t* = {ending.blow_up.time:.{digits}g}, between {low:.{digits}g} and "
        f"{high:.{digits}g}: {ending.blow_up.evidence}."
    )
