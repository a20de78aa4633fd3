"""The network itself: `simulate` moves every neuron, where `solve` moves their density."""

from __future__ import annotations

import math
import os
import signal
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from ..grid import Grid
from ..inputs import checked_flag, checked_span, checked_step, checked_times
from ..models.drift import drift_at
from ..models.overshoot import checked_overshoot
from ..models.population import Population, require_population
from ..models.voltage import VoltageModel
from ..outcomes import FokkerPlanckWarning, InvalidArgument, Jump, Status, number_in, positive, whole_number
from ..progress import progress_bar
from ..state import InitialDensity, State
from . import kernels
from .cascade import LARGE, Cascade, instant, noisy_cascade, uniform_cascade
from .crowd import Crowd, Drive, Volley
from .solution import ParticleSolution, ParticleState
from .start import starting_neurons

STEP = 0.01
"""Default step, over the membrane time and over the time (V_F − V_R)²/a0 of diffusing from reset to threshold."""
STRIDE = 0.1
"""Share of the way from reset to threshold that the drift may cover in a default step."""
RISK = 0.2
"""Default step times the hazard at V_F."""
CELLS, SAVES = 100, 101
SATURATED = 0.5
"""Share of the way from V_R to V_F by the late kicks of one step from which the user is told."""
MOST_STEPS = 5e7
"""Of one run: what is kept of each takes 40 bytes."""
RANGE = 20.0
"""Depth of the default histogram below V_F, over V_F − V_R, where that of a grid for the model is far too large."""
WHOLE = 1e-9
"""Relative difference from a whole number of steps that is rounding."""
AHEAD = 2.0
"""Candidates for a cascade are kept as far below V_F as this many times the last shift by an ordinary step."""

FAST = 10.0
"""With a1 > 0: firing rate from which a volley counts as large, however short the step."""

_NOT_ALIKE = (
    "`model` is of type {}, but fp.simulate moves neurons that are all alike; use fp.simulate_synapses(weights, rate, "
    "initial, t_span, sigma), with the actual synapses as `weights`: kernel.sample(1000) of the kernel of an "
    "ExtendedPopulation, fp.BlockKernel(matrix, shares).sample(1000) for several populations."
)


def simulate(
    model: Population,
    count: int | None = None,
    initial: ParticleState | State | InitialDensity | Callable[[np.ndarray], np.ndarray] | np.ndarray | None = None,
    t_span: tuple[float, float] | None = None,
    dt: float | None = None,
    seed: int | None = None,
    overshoot: str = "discard",
    save_at: Sequence[float] | np.ndarray | None = None,
    bins: int | Grid | None = None,
    raster: int = 0,
    synchrony: float = 0.05,
    history: float | Callable[[float], float] | None = None,
    threads: int | None = None,
    bridge: bool = True,
    progress: bool = False,
) -> ParticleSolution:
    """Simulate the network of N neurons whose limit N → ∞ is the equation of `fp.solve`.

        dV_i = (f(V_i) + I(t)) dt + (b/N) Σ_{j≠i} dM_j(t − d) + √(2a) dW_i,   a = a0 + a1 A

    M_j counts the spikes of neuron j and A is the activity that arrives: a spike moves everybody by b/N and, where
    a1 > 0, adds the variance 2 a1/N. A neuron fires when it reaches V_F (or at the rate k(V_i)), is silent for the time
    of the refractory law, and comes back at V_R.

    The leak is integrated exactly, another drift by Heun's method. Between two steps a potential meets V_F with the
    probability of the Brownian bridge, at a time that is drawn as well, and a neuron that fires goes on from V_R for
    the rest of the step: the error of the firing rate is O(dt), from the kicks, which arrive at the ends of steps.
    Kicks that push others over V_F at the same instant are resolved within the step: see `particles.cascade`. Up to
    such an event N ~ (t* − t)^(−1/2), and the spikes of its last step count as part of it: the size of an event is
    found to O(√dt), and its time is the end of the step; with a long step one event of the density may even come as
    two. Take a short dt where events matter.

    Parameters
    ----------
    model : Population
        The same object that `fp.solve` takes, for example `fp.nnlif(b=0.5)`.
    count : int
        Number of neurons N. Default 100 000, or as many as `initial` holds.
    initial : initial density, callable, State, ParticleState or array
        What `fp.solve` accepts, from which the neurons are drawn independently; the `.final` of another run, which
        then goes on bit by bit as if it had not stopped; or the potentials themselves.
    t_span : (float, float)
        Start and end (membrane time constants).
    dt : float, optional
        Step; reduced a little if t_span is not a whole number of steps. Default: that of a ParticleState, else the
        least of 0.01, 0.01 (V_F − V_R)²/a0, a tenth of V_F − V_R over the fastest drift between them, the transmission
        delay, and 0.2 over the hazard at V_F.
    seed : int, optional
        The same seed gives the same bits, whatever the number of threads. Default 0; for a ParticleState, what its
        generators go on with.
    overshoot : str
        What neurons that fired do with the rest of a cascade, "keep", "discard" or "none": see `models.overshoot`.
    save_at : sequence of float, optional
        Increasing times at which a histogram of the potentials is kept: at the end of the step that reaches them, once
        for all times that one step reaches. Default: 101 equally spaced ones.
    bins : int or Grid
        Cells of the histograms, uniform below V_F; or the grid itself. Neurons in none of them are counted as
        `outside`.
    raster : int
        The spikes of the first so many neurons are recorded one by one.
    synchrony : float
        Share of the population from which a cascade, what sets it off included, is recorded in `jumps`.
    history : float or callable, optional
        The rate before the start, as for `fp.solve`.
    threads : int, optional
        Default: the number of processors.
    bridge : bool
        False tests the threshold at the ends of steps only: the error is then O(√dt). To see the difference.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ParticleSolution
        A cascade that never ends is a result (`status`), not an exception: the run stops with the neurons as they were
        before it. Ctrl-C returns what there is.

    Raises
    ------
    InvalidArgument
        If an argument is out of range, or model and initial neurons do not fit each other.

    Source: the network is that of Cáceres, Carrillo, Perthame (2011), section 1; the bridge is that of Gobet, Stoch.
    Process. Appl. 87 (2000) 167; the cascades are those of Delarue, Inglis, Rubenthaler, Tanré (2015).

    >>> import fokkerplanck as fp
    >>> sol = fp.simulate(fp.nnlif(b=0.5), 10_000, fp.gaussian(0.0, 0.25), (0.0, 1.0))
    >>> sol.status
    <Status.FINISHED: 'reached the end of t_span'>
    >>> rate, error = sol.mean_rate(0.5, 1.0)
    >>> abs(rate - 0.1308) < 4 * error
    True
    """
    if isinstance(model, VoltageModel) and model.structured:
        raise InvalidArgument(_NOT_ALIKE.format(type(model).__name__))
    require_population(model)
    checked_overshoot(overshoot)
    if initial is None:
        raise InvalidArgument("`initial` is missing; give for example fp.gaussian(0.0, 0.25).")
    if hasattr(initial, "final"):
        raise InvalidArgument(f"`initial` is a whole {type(initial).__name__}; pass its .final.")
    span = checked_span(t_span)
    times = checked_times(save_at, *span)
    synchrony = number_in("synchrony", synchrony, lambda x: 0 < x <= 1, "from above 0 to 1")
    workers = whole_number("threads", os.cpu_count() or 1 if threads is None else threads, 1)
    bridged = checked_flag("bridge", bridge)
    model.coupling.external_at(span[0])  # refuses what is no current before anything depends on it
    clock = _clock(model, initial, span, dt)
    grid = _checked_grid(model, bins, span)
    state = starting_neurons(model, initial, count, (clock.start, span[1]), clock.dt, seed, history)
    recorded = whole_number("raster", raster, 0)
    if recorded > state.count:
        raise InvalidArgument(f"`raster` = {recorded}, but there are {state.count} neurons.")
    record = _Record(clock, grid, state.count, times, recorded)
    run = _Run(model, state, clock, overshoot, synchrony, bridged, workers)
    status = run.through(record, progress)
    _warn_of_saturation(model, record.largest_rate, clock.dt)
    settings = {
        "count": str(state.count),
        "dt": repr(clock.dt),
        "seed": _seed_in_words(seed, initial),
        "overshoot": overshoot,
        "synchrony": repr(synchrony),
        "bridge": str(bridged),
        "raster": str(recorded),
    }
    return record.solution(model, status, tuple(run.jumps), run.state(), settings)


def _seed_in_words(seed: int | None, initial: object) -> str:
    if seed is None:
        return "that of `initial`" if isinstance(initial, ParticleState) else "0"
    return str(seed)


@dataclass(frozen=True)
class _Clock:
    """The steps: they end at origin + (ticks + i) dt, i = 1, …, steps."""

    origin: float
    ticks: int
    dt: float
    steps: int

    def at(self, i: int) -> float:
        return self.origin + (self.ticks + i) * self.dt

    @property
    def start(self) -> float:
        return self.at(0)

    def reached(self, times: np.ndarray) -> np.ndarray:
        """The numbers of the steps at whose ends the times are reached."""
        steps = np.ceil((times - self.start) / self.dt - WHOLE * self.steps).astype(int)
        return np.unique(np.clip(steps, 0, self.steps))


def _clock(model: Population, initial: object, span: tuple[float, float], dt: object) -> _Clock:
    start, end = span
    state = initial if isinstance(initial, ParticleState) else None
    if dt is not None:
        asked = checked_step("dt", positive("dt", dt), span)
        if asked > (end - start) * (1.0 + WHOLE):
            raise InvalidArgument(f"`dt` = {asked:g} is longer than the run, t_span = ({start:g}, {end:g}).")
    else:
        asked = min(state.dt if state else _default_step(model, start), end - start)
    _check_step(model, asked, start)
    if (end - start) / asked > MOST_STEPS:
        raise InvalidArgument(
            f"`dt` = {asked:g} takes {(end - start) / asked:.2g} steps from {start:g} to {end:g}, more than can be "
            f"kept; use at least {(end - start) / MOST_STEPS:.2g}, or several runs, each from the .final of the last."
        )
    steps = max(1, math.ceil((end - start) / asked * (1.0 - WHOLE)))
    step = asked if abs(steps * asked - (end - start)) <= WHOLE * (end - start) else (end - start) / steps
    if state and step == state.dt and abs(state.t - start) <= WHOLE * step:
        return _Clock(state.origin, state.ticks, step, steps)
    return _Clock(start, 0, step, steps)


def _upward_speed(model: Population, t: float) -> float:
    """How fast the potential rises at most between V_R and V_F, without the network."""
    slope = drift_at(model.drift, np.linspace(model.V_R, model.V_F, 21))
    return max(float(slope.max()) + model.coupling.external_at(t), 0.0)


def _default_step(model: Population, start: float) -> float:
    way, speed = model.V_F - model.V_R, _upward_speed(model, start)
    lengths = [STEP]
    if model.noise.a0 > 0.0:
        lengths.append(STEP * way**2 / model.noise.a0)
    if speed > 0.0:
        lengths.append(STRIDE * way / speed)
    if model.coupling.delay > 0.0:
        lengths.append(model.coupling.delay)
    if not model.threshold.absorbing:
        hazard = float(model.threshold.hazard(np.array([np.nextafter(model.V_F, np.inf)]))[0])
        lengths.append(RISK / max(hazard, RISK))
    return min(lengths)


def _check_step(model: Population, dt: float, start: float) -> None:
    """Refuse a step in which a neuron may cross the whole way from reset to threshold, or that is late for a delay."""
    way = model.V_F - model.V_R
    moved = dt * _upward_speed(model, start) + math.sqrt(2.0 * model.noise.a0 * dt)
    if moved > way:
        raise InvalidArgument(
            f"`dt` = {dt:g} is too long: drift and noise move a potential up by {moved:.3g} in one step, more than "
            f"V_F − V_R = {way:g}; the default is {_default_step(model, start):.3g}."
        )
    if 0.0 < model.coupling.delay < dt:
        raise InvalidArgument(
            f"`dt` = {dt:g} is longer than the transmission delay, {model.coupling.delay:g}; use at most that."
        )


def _checked_grid(model: Population, bins: object, span: tuple[float, float]) -> Grid:
    if isinstance(bins, Grid):
        model.check_grid(bins, "bins")
        return bins
    if bins is None:
        try:
            return model.grid(CELLS, t_span=span)
        except InvalidArgument:  # so wide that its cells would show nothing
            top = None if model.threshold.absorbing else model.V_F + RANGE * (model.V_F - model.V_R)
            return model.grid(2 * CELLS, v_min=model.V_F - RANGE * (model.V_F - model.V_R), v_max=top)
    if isinstance(bins, bool) or not isinstance(bins, int | np.integer):
        raise InvalidArgument(f"`bins` must be a number of cells or a grid such as model.grid(100), not {bins!r}.")
    try:
        return model.grid(int(bins), t_span=span)
    except InvalidArgument as refusal:
        raise InvalidArgument(f"`bins` = {bins} cells do not make a grid: {refusal} Or give `bins` a grid.") from None


def _warn_of_saturation(model: Population, rate: float, dt: float) -> None:
    """Kicks that arrive late are spread over a step, in which nobody fires twice."""
    carried = model.coupling.gain * rate * dt / (model.V_F - model.V_R) if model.coupling.delay else 0.0
    if carried > SATURATED:
        warnings.warn(
            f"`dt` = {dt:g} is too long for a rate of {rate:.3g}: the kicks of one step carry a neuron {carried:.2g} "
            f"times from V_R to V_F, but it fires once in it; use a shorter dt.",
            FokkerPlanckWarning,
            stacklevel=3,
        )


class _Record:
    """What is kept of a run, step by step."""

    def __init__(self, clock: _Clock, grid: Grid, count: int, times: np.ndarray | None, raster: int) -> None:
        self._clock, self._grid, self._count, self.raster = clock, grid, count, raster
        self._spikes = np.zeros(clock.steps + 1, dtype=np.int64)
        self._silent = np.zeros(clock.steps + 1, dtype=np.int64)
        wanted = np.linspace(clock.start, clock.at(clock.steps), SAVES) if times is None else times
        self._wanted = iter(clock.reached(wanted))
        self._next = next(self._wanted, -1)
        self._saved: list[int] = []
        self._histograms: list[np.ndarray] = []
        self._raster: list[tuple[np.ndarray, np.ndarray]] = []
        self._done = 0

    def step(self, i: int, spikes: int, crowd: Crowd, kick: float) -> None:
        """What there is at the end of step i (0: at the start)."""
        self._spikes[i], self._silent[i], self._done = spikes, crowd.silent, i
        if i == self._next:
            histogram = np.zeros(self._grid.cells + 1, dtype=np.int64)
            kernels.histogram(crowd.potentials, kick, self._grid.faces, histogram)
            self._saved.append(i)
            self._histograms.append(histogram)
            self._next = next(self._wanted, -1)

    @property
    def largest_rate(self) -> float:
        """Of all steps so far."""
        return float(self._spikes[: self._done + 1].max()) / (self._count * self._clock.dt)

    def spikes_of(self, who: np.ndarray, when: np.ndarray) -> None:
        """Keep the spikes of the neurons that are recorded one by one."""
        kept = who < self.raster
        if np.any(kept):
            order = np.argsort(when[kept], kind="stable")
            self._raster.append((when[kept][order], who[kept][order]))

    def solution(
        self,
        model: Population,
        status: Status,
        jumps: tuple[Jump, ...],
        final: ParticleState,
        settings: dict[str, str],
    ) -> ParticleSolution:
        last, count, dt, width = self._done + 1, self._count, self._clock.dt, self._grid.width
        spikes = self._spikes[:last]
        rate = np.concatenate([[np.nan], spikes[1:] / (count * dt)])
        shape = (len(self._histograms), len(width) + 1)
        shares = np.array(self._histograms, dtype=float).reshape(shape) / count
        t = np.array([self._clock.at(i) for i in range(last)])
        raster = [(np.empty(0), np.empty(0, dtype=np.int64)), *self._raster]
        times, neurons = (np.concatenate(column) for column in zip(*raster, strict=True))
        return ParticleSolution(
            model=model,
            grid=self._grid,
            t=t,
            rate=rate,
            rate_error=np.sqrt(rate / (count * dt)),
            fired=np.cumsum(spikes) / count,
            refractory=self._silent[:last] / count,
            saved_t=t[self._saved],
            density=shares[:, :-1] / width,
            density_error=np.sqrt(shares * (1.0 - shares) / count)[:, :-1] / width,
            outside=shares[:, -1],
            jumps=jumps,
            status=status,
            message=f"{status.value[0].upper()}{status.value[1:]} at t = {t[-1]:.9g}.",
            final=final,
            raster=(times, neurons),
            settings=settings,
        )


class _Run:
    """The loop over the steps, and what it carries from one to the next."""

    def __init__(
        self,
        model: Population,
        state: ParticleState,
        clock: _Clock,
        overshoot: str,
        synchrony: float,
        bridge: bool,
        threads: int,
    ) -> None:
        self.model, self.clock, self.overshoot, self.synchrony = model, clock, overshoot, synchrony
        self.crowd = Crowd(model, state.potentials, state.release, state.streams, threads, bridge)
        self.jumps: list[Jump] = []
        self._kick, self._shot, self._reach = 0.0, state.shot, 0.0
        self._past = state.past
        self._done = 0
        delay = model.coupling.delay
        self._lag = delay / clock.dt
        self._uniform = instant(model) and model.coupling.gain > 0.0 and model.noise.gain == 0.0
        self._noisy = instant(model) and model.noise.gain > 0.0
        self._push = model.coupling.gain / state.count
        self._prompt = delay == 0.0 and (self._push != 0.0 or self._noisy)

    def through(self, record: _Record, progress: bool) -> Status:
        """All steps, or as many as there are until something ends the run."""
        record.step(0, 0, self.crowd, self._kick)
        with self.crowd.at_work(), patience() as stopped, progress_bar(progress, self.clock.steps, "step") as show:
            for i in range(self.clock.steps):
                try:
                    drive = self._drive(i)
                except KeyboardInterrupt:  # of the function I(t)
                    return Status.INTERRUPTED
                cascade = self._step(drive, record)
                self._done = i + 1
                record.step(self._done, cascade.fired, self.crowd, self._kick)
                show(self._done)
                if cascade.eternal:
                    return Status.ETERNAL
                if stopped():
                    return Status.INTERRUPTED
        return Status.FINISHED

    def state(self) -> ParticleState:
        """The neurons, with all kicks that have arrived."""
        self.crowd.potentials += self._kick
        self._kick = 0.0
        past, clock = self._past, self.clock
        if len(past):
            past = np.roll(past, -(self._done % len(past)))
        return ParticleState(
            t=clock.at(self._done),
            potentials=self.crowd.potentials,
            release=self.crowd.release,
            streams=self.crowd.streams,
            shot=self._shot,
            past=past,
            dt=clock.dt,
            origin=clock.origin,
            ticks=clock.ticks + self._done,
        )

    def _drive(self, i: int) -> Drive:
        """The coefficients of a step: I in its middle, and as a current the spikes that arrive during it."""
        model, clock = self.model, self.clock
        t, dt = clock.at(i), clock.dt
        current, arrived = model.coupling.external_at(t + 0.5 * dt), self._shot
        if len(self._past):
            arrived = self._arriving(i)
            current += model.coupling.gain * arrived / dt
        return Drive(t, dt, self._kick, current, model.noise.a0 + model.noise.a1 * arrived / dt, self._reach)

    def _arriving(self, i: int) -> float:
        """Spikes per neuron fired between t − d and t + dt − d, those of a step being spread over it."""
        size = len(self._past)  # entry i % size is the oldest, of the step that began size · dt ago
        whole = size - 1
        part = max(self._lag - whole, 0.0)
        newer, older = self._past[(i - whole) % size], self._past[(i - whole - 1) % size]
        return float((1.0 - part) * newer + part * older) / self.crowd.count

    def _step(self, drive: Drive, record: _Record) -> Cascade:
        crowd, count = self.crowd, self.crowd.count
        fired, end = crowd.advance(drive), drive.t + drive.dt
        cascade = Cascade(fired, fired, [fired])
        if fired and (self._prompt or record.raster):
            volley = crowd.volley()
            cascade = self._resolved(volley, end)
            if record.raster:
                record.spikes_of(volley.fired, drive.t + volley.when.astype(float) * drive.dt)
                for who in cascade.pushed:
                    record.spikes_of(who, np.full(len(who), end))
        self._deliver(cascade)
        if not cascade.eternal and cascade.spikes >= self.synchrony * count and len(cascade.generations) > 1:
            share = cascade.spikes / count
            sizes = tuple(size / count for size in cascade.generations)
            self.jumps.append(Jump(end, share, self.model.coupling.gain * share, self.overshoot, sizes))
        return cascade

    def _resolved(self, volley: Volley, end: float) -> Cascade:
        """What the spikes of a step set off."""
        if self._uniform:
            return uniform_cascade(self.crowd, volley, self._push, self._reach, self.overshoot, end)
        if self._noisy:
            return noisy_cascade(self.crowd, volley, self.overshoot, end, min(LARGE, FAST * self.clock.dt))
        first = len(volley.fired)
        if self._prompt:  # who fired receives what comes after
            order = volley.fired[np.argsort(volley.when, kind="stable")]
            self.crowd.potentials[order] -= self._push * np.arange(1, first + 1)
        return Cascade(first, first, [first])

    def _deliver(self, cascade: Cascade) -> None:
        """Give the spikes to those who receive them: at the start of the next step, or after the delay."""
        if len(self._past):
            self._past[self._done % len(self._past)] = cascade.spikes
            return
        self._kick = self._push * cascade.pending
        self._shot = cascade.pending / self.crowd.count if self.model.noise.gain else 0.0
        expected = min(cascade.pending, LARGE * self.crowd.count)  # after an event the next step is quiet
        self._reach = AHEAD * self._push * expected if self._uniform else 0.0


@contextmanager
def patience() -> Iterator[Callable[[], bool]]:
    """Ctrl-C lets the step under way end, so that what is returned is a state of the network."""
    if threading.current_thread() is not threading.main_thread():
        yield lambda: False
        return
    asked: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _: asked.append(number))
    try:
        yield lambda: bool(asked)
    finally:
        signal.signal(signal.SIGINT, before)
