"""Many populations at once: the lanes of one system, each with its own steps and its own end.

What `solve` does one after the other with `Rodas5P` on cells, done abreast, where the compiled loops vectorise. Lanes
that have come to their end give their place to the next ones, so that the loops stay wide.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from .clocks.physical import judged, stuck, too_short
from .diagnostics.blowup import FIRST_LEVEL, BlowUpDetector
from .diagnostics.recorder import faults
from .grid import Grid
from .interpolation import RateHistory, mean
from .models.population import Population
from .models.side_by_side import SideBySide
from .operators.schemes import FluxScheme
from .operators.system import PopulationSystem
from .outcomes import Status
from .problem import LATER, LOOSER, Ending, loosened
from .solution import Quality, Solution
from .state import State
from .steppers.protocol import LaneStep, Tolerance
from .steppers.rosenbrock import Rodas5P
from .verdict import comparable, compared, message, rate_error

LANES = 64
"""Lanes abreast: wide enough for the vector units, and all that a step reads stays in the cache."""
VACANT = 8
"""Lanes that have ended before their places are given away, which costs as much as a step."""


@dataclass(frozen=True)
class Settings:
    """What all lanes have in common.

    Attributes
    ----------
    scheme : FluxScheme
    tolerance : Tolerance
    steady : float or None
        A lane ends where ∫ |∂t n| dv, the change of the density per membrane time, falls below.
    keep : bool
        Keep the density after every step, not only the last one.
    estimate_error : bool
        Run everything again with half the resolution; a blow-up is compared with such a run in any case.
    max_step : float
        Longest step.
    """

    scheme: FluxScheme
    tolerance: Tolerance
    steady: float | None = None
    keep: bool = False
    estimate_error: bool = True
    max_step: float = math.inf


def solve_side_by_side(
    models: Sequence[Population], states: Sequence[State], end: float, settings: Settings
) -> Iterator[tuple[int, Solution | None]]:
    """The solutions of all models from the states given, all on one grid and from one time, as `fp.solve` has them.

    Each comes with its number, in their order. None where a state has no rate to begin with: that is for `solve` to
    explain.
    """
    start, grid = states[0].t, states[0].grid
    fine = [_Track(model, state, end, settings.tolerance) for model, state in zip(models, states, strict=True)]
    _march(fine, grid, settings)
    again = [k for k, track in enumerate(fine) if track.ending is not None and _asks(track.ending, start, settings)]
    coarse = _coarse_tracks([fine[k] for k in again], start, settings)
    if coarse:
        loose = replace(settings, tolerance=loosened(settings.tolerance), steady=None, keep=False)
        _march(coarse, grid.coarsened(), loose)
    second = dict(zip(again, coarse, strict=True))
    for k, track in enumerate(fine):
        yield k, None if track.ending is None else _solution(track, second.get(k), start, settings)


def _asks(ending: Ending, start: float, settings: Settings) -> bool:
    return comparable(ending, start) and (settings.estimate_error or ending.blow_up is not None)


def _coarse_tracks(fine: Sequence[_Track], start: float, settings: Settings) -> list[_Track]:
    """The same runs on half the cells, for as long as they can be compared."""
    tracks = []
    for track in fine:
        assert track.ending is not None
        blow_up = track.ending.blow_up
        until = track.ending.t if blow_up is None else start + LATER * (blow_up.time - start)
        tracks.append(_Track(track.model, track.state.coarsened(), until, loosened(settings.tolerance)))
    return tracks


@dataclass(eq=False)
class _Track:
    """One lane from its start to its end."""

    model: Population
    state: State
    end: float
    tolerance: Tolerance
    ending: Ending | None = None
    t: list[np.ndarray] = field(default_factory=list)
    rate: list[np.ndarray] = field(default_factory=list)
    pool: list[np.ndarray] = field(default_factory=list)
    fired: list[np.ndarray] = field(default_factory=list)
    bend: list[np.ndarray] = field(default_factory=list)
    saved: list[np.ndarray] = field(default_factory=list)
    rejected: int = 0
    mass_error: float = 0.0
    smallest: float = math.inf
    peak: float = 0.0
    beyond: float = 0.0
    remarks: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        span = self.end - self.state.t
        self.detector = BlowUpDetector(narrow=self.tolerance.rtol * span, possible=self.model.may_blow_up)
        self.pressed = self.model.coupling.gain > 0.0

    def finish(self, ending: Ending, system: PopulationSystem, y: np.ndarray) -> None:
        """The run is over; what there is to say about it."""
        self.ending, told = ending, faults(system, self.mass_error, self.beyond)
        if self.smallest < -system.undershoot * max(1.0, self.peak):
            told.append(system.remedy(self.smallest, y, ending.t))
        self.remarks = tuple(told)

    def rates(self) -> RateHistory:
        """N over the run, dense in time."""
        t, bend = np.concatenate(self.t), np.concatenate(self.bend) if self.bend else np.empty((0, 0))
        return RateHistory(t, np.concatenate(self.rate), bend)


class _Log:
    """What was accepted since the lanes last moved: rows of numbers, one for each lane."""

    def __init__(self) -> None:
        self.which: list[np.ndarray] = []
        self.rows: list[tuple[np.ndarray, ...]] = []
        self.bend: list[np.ndarray] = []
        self.saved: list[np.ndarray] = []

    def hand_over(self, tracks: Sequence[_Track]) -> None:
        """Give every lane what is its own."""
        if not self.which:
            return
        which, rows, bend = np.array(self.which), np.array(self.rows), np.array(self.bend)
        for k, track in enumerate(tracks):
            mine = which[:, k]
            for kept, column in zip((track.t, track.rate, track.pool, track.fired), rows[mine, :, k].T, strict=True):
                kept.append(column)
            track.bend.append(bend[mine, :, k])
            track.saved += [n[:, k].copy() for n, taken in zip(self.saved, mine, strict=False) if taken]


class _Abreast:
    """The lanes that are under way: one column each of y, and of the vectors t and dt."""

    def __init__(self, grid: Grid, settings: Settings) -> None:
        self.grid, self.settings, self.stepper = grid, settings, Rodas5P()
        self.tracks: list[_Track] = []
        self.log = _Log()
        self.running, self.failed, self.watched = (np.empty(0, dtype=bool) for _ in range(3))
        self.y = np.empty((grid.cells + 2, 0))
        self.t, self.dt, self.end, self.fired = (np.empty(0) for _ in range(4))
        self.system: PopulationSystem

    def refill(self, waiting: deque[_Track]) -> None:
        """Close up, and let the next ones in."""
        self.log.hand_over(self.tracks)
        self.log = _Log()
        kept = np.flatnonzero(self.running)
        fresh = [waiting.popleft() for _ in range(min(len(waiting), LANES - len(kept)))]
        self.tracks = [self.tracks[k] for k in kept] + fresh
        if not self.tracks:
            self.running = np.empty(0, dtype=bool)
            return
        model = SideBySide(tuple(track.model for track in self.tracks))
        self.system = self.settings.scheme.discretize(model, self.grid)
        y = np.zeros((self.grid.cells + 2, len(self.tracks)))
        y[:, : len(kept)] = self.y[:, kept]
        for k, track in enumerate(fresh, start=len(kept)):
            y[:-2, k], y[-2, k] = track.state.density, track.state.refractory
        with np.errstate(over="ignore", invalid="ignore"):
            closed = self.system.close_lanes(y, 0.0, np.arange(len(self.tracks)) >= len(kept))
            first = self.stepper.first_steps(self.system, y, 0.0, self.settings.tolerance)[len(kept) :]
        start, none = np.array([track.state.t for track in fresh]), np.zeros(len(fresh), dtype=bool)
        self.y, self.t = y, np.concatenate([self.t[kept], start])
        self.dt = np.concatenate([self.dt[kept], np.maximum(first, 1e3 * np.spacing(start))])
        self.fired = np.concatenate([self.fired[kept], np.zeros(len(fresh))])
        self.end = np.array([track.end for track in self.tracks])
        self.failed = np.concatenate([self.failed[kept], none])
        self.watched = np.concatenate([self.watched[kept], none])
        self.running = np.concatenate([np.ones(len(kept), dtype=bool), closed[len(kept) :]])
        self._begin(range(len(kept), len(self.tracks)))

    def _begin(self, fresh: range) -> None:
        for k in fresh:
            track, column = self.tracks[k], slice(k, k + 1)
            starts = self.t[column], self.y[-1, column], self.y[-2, column], np.zeros(1)
            for kept, value in zip((track.t, track.rate, track.pool, track.fired), starts, strict=True):
                kept.append(value.copy())
            track.detector.observe(float(self.t[k]), float(self.y[-1, k]))
            self.watched[k] = bool(track.detector.crossings)
            if self.settings.keep:
                track.saved.append(self.y[:-2, k].copy())
        self._judge(np.isin(np.arange(len(self.tracks)), fresh))

    def _judge(self, which: np.ndarray) -> None:
        """What the discretisation has done to the densities."""
        n = self.y[:-2]
        seen = np.abs(self.system.mass(self.y) - 1.0), n.min(axis=0), n.max(axis=0), self.system.tail(self.y, 0.0)
        for k, numbers in zip(np.flatnonzero(which).tolist(), np.array(seen).T[which].tolist(), strict=True):
            track, (mass_error, smallest, largest, beyond) = self.tracks[k], numbers
            track.mass_error, track.beyond = max(track.mass_error, mass_error), max(track.beyond, beyond)
            track.smallest, track.peak = min(track.smallest, smallest), max(track.peak, largest)

    def step(self) -> None:
        """One attempt in every lane."""
        left, longest = self.end - self.t, np.minimum(self.dt, self.settings.max_step)
        dt = np.where(left < 1.000001 * longest, left, longest)
        for k in np.flatnonzero(self.running & too_short(dt, self.t, left)).tolist():
            detector, failed = self.tracks[k].detector, bool(self.failed[k])
            self._end(k, stuck(detector, self._column(k), float(self.t[k]), failed, self.system.lost))
        with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
            step = self.stepper.step_lanes(self.system, self.y, dt, self.running, self.settings.tolerance)
            accepted = self.running & (step.errors <= 1.0)
            self.failed = np.isinf(step.errors)
            self.dt = self.stepper.next_steps(dt, step.errors)
            self._accept(step, accepted, dt, np.where(dt == left, self.end, self.t + dt))
        for k in np.flatnonzero(self.running & ~accepted).tolist():
            self.tracks[k].rejected += 1

    def _accept(self, step: LaneStep, which: np.ndarray, dt: np.ndarray, t: np.ndarray) -> None:
        if not np.any(which):
            return
        old_t, old_rate = self.t, self.y[-1].copy()
        change = self.grid.width @ np.abs(step.new[:-2] - self.y[:-2]) + np.abs(step.new[-2] - self.y[-2])
        spikes = dt * mean(self.y[-1], step.new[-1], step.bend)
        self.t, self.fired = np.where(which, t, self.t), np.where(which, self.fired + spikes, self.fired)
        np.copyto(self.y, step.new, where=which)
        rate, layer = self.y[-1], self.system.layer(self.y, 0.0)
        self.log.which.append(which)
        self.log.rows.append((self.t, rate.copy(), self.y[-2].copy(), self.fired))
        self.log.bend.append(step.bend)
        if self.settings.keep:
            self.log.saved.append(self.y[:-2].copy())
        self._judge(which)
        # A low rate says nothing of a blow-up, unless it was high before.
        for k in np.flatnonzero(which & (self.watched | (rate > FIRST_LEVEL))).tolist():
            track, strain = self.tracks[k], float(layer[k]) if rate[k] > FIRST_LEVEL else 0.0
            track.detector.skip_to(float(old_t[k]), float(old_rate[k]))
            pressed = strain if track.pressed else 0.0
            ending = judged(track.detector, self._column(k), float(self.t[k]), float(rate[k]), strain, pressed)
            self.watched[k] = bool(track.detector.crossings)
            if ending is not None:
                self._end(k, ending)
        steady = 0.0 if self.settings.steady is None else self.settings.steady
        calm = np.zeros(len(t), dtype=bool) if self.settings.steady is None else change <= steady * dt
        for k in np.flatnonzero(which & self.running & (calm | (self.t >= self.end))).tolist():
            why = f" (steady: the density changes by less than {steady:g} per unit of time)" if calm[k] else ""
            status = Status.STOPPED if calm[k] else Status.FINISHED
            self._end(k, Ending(self._column(k), float(self.t[k]), status, why))

    def _end(self, k: int, ending: Ending) -> None:
        self.tracks[k].finish(replace(ending, y=self._column(k)), self.system, self.y)
        self.running[k] = False

    def _column(self, k: int) -> np.ndarray:
        return self.y[:, k : k + 1].copy()


def _march(tracks: Sequence[_Track], grid: Grid, settings: Settings) -> None:
    """Bring every track to its end; one whose datum has no rate keeps none."""
    waiting, lanes = deque(tracks), _Abreast(grid, settings)
    while waiting or np.any(lanes.running):
        vacant = np.count_nonzero(~lanes.running)
        if vacant >= VACANT or vacant == len(lanes.running) or (waiting and len(lanes.running) < LANES):
            lanes.refill(waiting)
        if np.any(lanes.running):
            lanes.step()
    lanes.log.hand_over(lanes.tracks)


def _solution(track: _Track, coarse: _Track | None, start: float, settings: Settings) -> Solution:
    """What `solve` would say of it."""
    ending, error = track.ending, math.nan
    assert ending is not None
    if coarse is not None and coarse.ending is not None:
        if settings.estimate_error:
            gain = min(settings.scheme.gain, LOOSER)
            error, _ = rate_error(track.rates(), coarse.rates(), start, ending, gain, settings.tolerance)
        ending = compared(ending, coarse.ending, start)
    elif _asks(ending, start, settings):
        ending = compared(ending, None, start)
    column, grid = ending.y[:, 0], track.state.grid
    history = track.rates()
    density = np.array(track.saved) if settings.keep else column[None, :-2]
    return Solution(
        model=track.model,
        grid=grid,
        t=history.t,
        rate=history.rate,
        refractory=np.concatenate(track.pool),
        saved_t=history.t if settings.keep else history.t[-1:],
        density=density,
        records={},
        status=ending.status,
        message=" ".join([message(ending, track.model), *track.remarks]),
        blow_up=ending.blow_up,
        final=State(ending.t, grid, column[:-2], rate=float(column[-1]), refractory=float(column[-2])),
        quality=Quality(track.mass_error, track.smallest, track.beyond, len(history.t) - 1, track.rejected, error),
        settings={
            "scheme": repr(settings.scheme),
            "stepper": repr(Rodas5P()),
            "rtol": f"{settings.tolerance.rtol:g}",
            "atol": f"{settings.tolerance.atol:g}",
        },
        bend=history.bend,
        fired=np.concatenate(track.fired),
    )
