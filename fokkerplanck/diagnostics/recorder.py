"""Keeps what a run produces, in memory that does not grow with the density times the number of steps."""

from __future__ import annotations

import warnings
from array import array
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

import numpy as np

from ..interpolation import RateHistory
from ..models.model import Model
from ..outcomes import BlowUp, FokkerPlanckWarning, InvalidArgument, Jump, Status
from ..solution import Quality, Record, Solution
from ..state import State

if TYPE_CHECKING:
    from ..operators.evolution import Evolution

Monitor = Callable[[State], float | np.ndarray]

VISIBLE_POOL = 1e-4
"""Size of a negative refractory pool that is told: what has fired and what comes back are integrated apart."""
BENDS = 3
"""Coefficients of the dense output of N that every stepper which meets a jump at once has."""
FRAMES = 400
"""Densities kept when the user names no times: above twice as many, every second one is dropped."""
MOST_NUMBERS = 16_000_000
"""Of densities kept when the user names no times: many lanes leave room for fewer."""
FEWEST = 20
"""Densities kept even so."""
MOST_STEPS = 50_000
"""Steps without dense output whose numbers are kept; of twice as many every second one, of four times every fourth."""
VISIBLE_TAIL = 1e-6
"""A mass beyond the ends of the grid above which the user is told."""


class Taken(Protocol):
    """A step that was accepted, whatever clock it was made by."""

    @property
    def new(self) -> np.ndarray: ...

    @property
    def bend(self) -> tuple[np.ndarray, ...]: ...

    @property
    def fired(self) -> np.ndarray: ...

    def at(self, theta: float) -> np.ndarray: ...


class Recorder:
    """Collects accepted steps and turns them into a Solution."""

    def __init__(self, system: Evolution, save_at: np.ndarray | None, monitors: Mapping[str, Monitor]) -> None:
        taken = sorted(set(system.model.monitors) & set(monitors))
        if taken:
            raise InvalidArgument(f"`monitors`: this model records {', '.join(taken)} by itself; use other names.")
        self.system, self.save_at, self.monitors = system, save_at, {**system.model.monitors, **monitors}
        self.rejected = 0
        self._lanes = system.lanes
        self._frames = max(FEWEST, min(FRAMES, MOST_NUMBERS // (system.cells * system.lanes)))
        # What is kept at every step, or every `_every` of them: numbers, one for each lane.
        self._steps, self._every, self._jumped = 0, 1, False
        self._t, self._rate, self._pool, self._bend = array("d"), array("d"), array("d"), array("d")
        self._fired, self._spikes = array("d"), np.zeros(system.lanes)
        self._saved: list[tuple[float, np.ndarray]] = []
        self._stride = 1
        self.before: list[State] = []
        self._pinned: list[tuple[float, np.ndarray]] = []
        self._values: dict[str, list[float | np.ndarray]] = {name: [] for name in self.monitors}
        self._masses = np.ones(system.lanes)  # at the start
        self._mass_error = self._edge = self._tail = 0.0
        self._smallest, self._peak = np.inf, 0.0
        self._negative: str | None = None

    def begin(self, y: np.ndarray, t: float) -> None:
        """Record the initial state."""
        self._masses = self.system.mass(y)
        self._observe(y, t)
        self._fired.frombytes(self._spikes.tobytes())
        if self.save_at is None or (len(self.save_at) and self.save_at[0] == t):
            self._saved.append((t, _density(y)))

    def accept(self, step: Taken, t: float) -> None:
        """Record an accepted step that ends at t."""
        before, passed = self._t[-1], self._steps % self._every
        self._observe(step.new, t)  # first, since a monitor may raise
        self._steps += 1
        for k in step.bend:
            self._bend.frombytes(k[-1].tobytes())
        self._fire(step.fired)
        if passed:  # the end of the step before is not kept: it was only the last one so far
            self._drop(slice(-2, -1))
        elif len(self._t) > 2 * MOST_STEPS and not self._bend and not self._jumped:
            self._every *= 2
            self._drop(slice(1, None, 2))
        if self.save_at is None:
            if self._steps % self._stride == 0:
                self._saved.append((t, _density(step.new)))
            if len(self._saved) > 2 * self._frames:
                self._saved = self._saved[::2]
                self._stride *= 2
            return
        for s in self.save_at[(self.save_at > before) & (self.save_at <= t)]:
            self._saved.append((float(s), _density(step.at((s - before) / (t - before)))))

    def jump(self, y: np.ndarray, t: float, before: State | None = None, fraction: float = 0.0) -> None:
        """Record that the rate jumps at t, just after which y holds: its time is the next number after t.

        If a `fraction` of the population fires at that instant the density jumps as well, and is kept on both sides.
        """
        after, steps, self._jumped = float(np.nextafter(t, np.inf)), len(self._t) - 1, True
        self._observe(y, after)
        self._steps += 1
        self._bend.extend(0.0 for _ in range(len(self._bend) // steps if steps else BENDS * self._lanes))
        self._fire(np.full(self._lanes, fraction))
        if before is not None:
            self.before.append(before)
            if self.save_at is None:
                self._pinned += [(t, np.atleast_2d(before.density)), (after, _density(y))]

    def beyond(self, mass: float) -> None:
        """Take note of a mass that an event has put beyond the ends of the grid."""
        self._tail = max(self._tail, mass)

    @property
    def work(self) -> float:
        """Unknowns times steps: what the run has cost."""
        return float(self.system.cells * self._lanes * (self._steps + 1))

    @property
    def tail(self) -> float:
        """Largest estimate of the mass beyond the ends of the grid."""
        return self._tail

    def solution(
        self,
        model: Model,
        status: Status,
        message: str,
        blow_up: BlowUp | None,
        settings: dict[str, str],
        y: np.ndarray,
        t: float,
        error_estimate: float,
        remark: str = "",
        jumps: tuple[Jump, ...] = (),
    ) -> Solution:
        """Everything recorded, with the last state; what the user should know is warned of, with `remark`."""
        told = (remark, self.system.remark, self._negative, *faults(self.system, self._mass_error, self._tail))
        for sentence in filter(None, told):
            warnings.warn(sentence, FokkerPlanckWarning, stacklevel=3)
            message = f"{message} {sentence}"
        if self.save_at is None and self._saved[-1][0] != t:
            self._saved.append((t, _density(y)))
        # What was kept of events is not thinned out; of two frames at one time it is the one that stays.
        saved = dict(sorted((dict(self._saved) | dict(self._pinned)).items()))
        rates = self.rates()
        times, structured = rates.t, model.structured
        density = np.array(list(saved.values())).reshape(-1, self._lanes, self.system.cells)
        return Solution(
            model=model,
            grid=self.system.grid,
            t=times,
            rate=rates.rate if structured else rates.rate[:, 0],
            refractory=self._by_lane(self._pool, structured),
            saved_t=np.array(list(saved)),
            density=density if structured else density[:, 0],
            records={name: Record(times, np.array(values)) for name, values in self._values.items()},
            status=status,
            message=message,
            blow_up=blow_up,
            final=self.system.final(y, t),
            quality=Quality(self._mass_error, self._smallest, self._tail, self._steps, self.rejected, error_estimate),
            settings=settings,
            bend=rates.bend if structured else rates.bend[:, :, 0],
            fired=self._by_lane(self._fired, structured),
            jumps=jumps,
            before=tuple(self.before),
        )

    def rates(self) -> RateHistory:
        """N of every lane over the run so far, dense in time."""
        steps = len(self._t) - 1
        bend = np.array(self._bend).reshape(
            steps, len(self._bend) // (steps * self._lanes) if steps else 0, self._lanes
        )
        return RateHistory(np.array(self._t), self._by_lane(self._rate, True), bend)

    def _drop(self, rows: slice) -> None:
        """Forget some rows of what is kept at every step; with dense output none, for it joins one row to the next."""
        del self._t[rows]
        for values in self._values.values():
            del values[rows]
        if rows == slice(-2, -1):  # of very many steps, one after the other: not by a copy of all the others
            for kept in (self._rate, self._pool, self._fired):
                del kept[-2 * self._lanes : -self._lanes]
            return
        for kept in (self._rate, self._pool, self._fired):
            rest = np.delete(np.array(kept).reshape(-1, self._lanes), rows, axis=0)
            kept[:] = array("d", rest.tobytes())

    def _by_lane(self, kept: array[float], structured: bool) -> np.ndarray:
        """What was kept at every step, with an axis for the lanes if there is one."""
        values = np.array(kept).reshape(-1, self._lanes)
        return values if structured else values[:, 0]

    def _fire(self, spikes: np.ndarray) -> None:
        """Add what was fired in a step, of every lane."""
        self._spikes = self._spikes + spikes
        self._fired.frombytes(self._spikes.tobytes())

    def _observe(self, y: np.ndarray, t: float) -> None:
        # The user's functions come first: if one raises, nothing of this step has been recorded.
        values = {name: _numbers(name, monitor(self.system.unpack(y, t))) for name, monitor in self.monitors.items()}
        for name, value in values.items():
            self._values[name].append(value)
        self._t.append(t)
        self._rate.frombytes(y[-1].tobytes())
        self._pool.frombytes(y[-2].tobytes())
        errors = self.system.model.mass_errors(self.system.mass(y), self._masses)
        self._mass_error = max(self._mass_error, float(np.abs(errors).max()))
        edge = self.system.edge(y)
        if edge > self._edge:  # the tail grows with the density at the ends; there is no need to ask at every step
            self._edge = edge
            self._tail = max(self._tail, float(self.system.tail(y, t).max()))
        smallest, pool = float(y[:-2].min()), float(y[-2].min())
        if pool < -VISIBLE_POOL:
            self._negative = f"The refractory pool went down to {pool:.1e} at t = {t:.6g}; use a smaller rtol."
        self._peak = max(self._peak, float(y[:-2].max()))
        if smallest < min(self._smallest, -self.system.undershoot * max(1.0, self._peak)):
            self._negative = self.system.remedy(smallest, y, t)
        self._smallest = min(self._smallest, smallest)


def faults(system: Evolution, mass_error: float, beyond: float) -> list[str]:
    """What the user should know of a mass that is wrong, or lies beyond the ends of the grid."""
    told = [system.truncation(beyond)] if beyond > VISIBLE_TAIL else []
    return told + (
        [f"The mass is wrong by up to {mass_error:.1e}: do not trust this run."] if mass_error > VISIBLE_TAIL else []
    )


def _density(y: np.ndarray) -> np.ndarray:
    """A copy of the density, shape (lanes, cells)."""
    return y[:-2].T.copy()


def _numbers(name: str, value: object) -> float | np.ndarray:
    """What a monitor may return: a number, or one for each lane."""
    if isinstance(value, np.ndarray) and value.ndim == 1 and value.dtype.kind in "biuf":
        return value.astype(float)
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InvalidArgument(
            f"monitor `{name}` must return one number for a State, or a vector of them, not {value!r:.60}."
        ) from None
