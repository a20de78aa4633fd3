"""The neurons themselves: their arrays, and one step of time for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ..models.drift import Leak, drift_at
from ..models.population import Population
from . import kernels
from .random import BLOCK, ziggurat

BLOCKS_PER_THREAD = 4
"""Fewer are not worth another thread."""


@dataclass(frozen=True)
class Drive:
    """What drives all neurons alike over one step.

    Attributes
    ----------
    t, dt : float
        Start and length of the step.
    kick : float
        What the spikes of the last instant add to every potential at t.
    current : float
        Current I, and what arrives late.
    a : float
        Diffusion.
    reach : float
        Who ends less than this below V_F is a candidate for a cascade.
    """

    t: float
    dt: float
    kick: float
    current: float
    a: float
    reach: float


@dataclass(frozen=True)
class Volley:
    """Who fired within a step, in the order of the neurons, and when (over dt); who is close to V_F at its end."""

    fired: np.ndarray
    when: np.ndarray
    near: np.ndarray


class Crowd:
    """N neurons; `advance` moves them by one step. 24 bytes each, 16 without a refractory state.

    Attributes
    ----------
    potentials : array, shape (count,)
        NaN of those who are silent.
    release : array, shape (count,)
        When they will be back; empty without a refractory state.
    streams : array of uint64, shape (blocks + 1, 4)
        See `random.streams`.
    silent : int
    """

    def __init__(
        self,
        model: Population,
        potentials: np.ndarray,
        release: np.ndarray,
        streams: np.ndarray,
        threads: int,
        bridge: bool,
    ) -> None:
        self.model, self.potentials, self.release, self.streams = model, potentials, release, streams
        self.silent = int(np.count_nonzero(np.isnan(potentials)))
        self.bridge = bridge
        self._marks = np.empty(self.count, dtype=np.int32)
        self._moments = np.empty(self.count, dtype=np.float32)
        blocks = -(-self.count // BLOCK)
        self._counts = np.zeros((blocks, 3), dtype=np.int64)
        parts = max(1, min(threads, blocks // BLOCKS_PER_THREAD))
        edges = np.linspace(0, blocks, parts + 1).round().astype(int).tolist()
        self._parts = list(pairwise(edges))
        self._pool: ThreadPoolExecutor | None = None
        self._refractory = (float(model.refractory.mean_duration), bool(model.refractory.memoryless))
        self._reset_drift = float(drift_at(model.drift, np.array([model.V_R]))[0])
        self._tables = ziggurat()

    @property
    def count(self) -> int:
        return len(self.potentials)

    @property
    def refractory(self) -> bool:
        """Whether who fires is silent for a while."""
        return self._refractory[0] > 0.0

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """With the threads that `advance` uses."""
        if len(self._parts) == 1:
            yield
            return
        with ThreadPoolExecutor(len(self._parts)) as self._pool:
            yield
        self._pool = None

    def advance(self, drive: Drive) -> int:
        """One step of every neuron; returns how many fired in it by themselves."""
        leaky = isinstance(self.model.drift, Leak) and self.model.threshold.absorbing
        work = self._leaky if leaky else self._general
        self._everywhere(lambda begin, end: work(drive, begin, end))
        self.silent = int(self._counts[:, 2].sum())
        return int(self._counts[:, 0].sum())

    def shower(self, kick: float, spread: float) -> np.ndarray:
        """Send spikes of one instant to everybody; returns who meets V_F, left where the spikes carry them."""

        def work(begin: int, end: int) -> None:
            kernels.shower(
                begin, end, BLOCK, self.streams, *self._tables, self.potentials, self._marks, self._counts,
                kick, spread, self.model.V_F,
            )  # fmt: skip

        self._everywhere(work)
        return self.volley().fired

    def resume(self, who: np.ndarray, start: np.ndarray, push: float, noise: float) -> np.ndarray:
        """Reset one after the other to `start`; each receives the spikes of those after it. Returns who meets V_F."""
        left = np.arange(len(who) - 1.0, -1.0, -1.0)
        random = np.empty(len(who))
        kernels.normals(self.streams[-1], *self._tables, random)
        self.potentials[who] = start + push * left + np.sqrt(2.0 * noise * left) * random
        product = (self.model.V_F - start) * (self.model.V_F - self.potentials[who])
        risk = np.exp(-np.maximum(product, 0.0) / np.maximum(noise * left, 1e-300))
        kernels.exponentials(self.streams[-1], random)
        return who[np.exp(-random) < risk]  # e^−x of an exponential number is uniform

    def volley(self) -> Volley:
        """Who fired in the last step."""
        fired, near = (int(self._counts[:, column].sum()) for column in (0, 1))
        volley = Volley(np.empty(fired, np.int32), np.empty(fired, np.float32), np.empty(near, np.int32))
        kernels.collect(BLOCK, self._counts, self._marks, self._moments, volley.fired, volley.when, volley.near)
        return volley

    def above(self, v: float, apart_from: list[np.ndarray]) -> np.ndarray:
        """The numbers of all neurons above the potential v, apart from some."""
        high = self.potentials > v
        for who in apart_from:
            high[who] = False
        return np.flatnonzero(high).astype(np.int32)

    def silence(self, who: np.ndarray, t: float) -> None:
        """Let those who fire at t wait."""
        tau, memoryless = self._refractory
        waits = np.ones(len(who))
        if memoryless:
            kernels.exponentials(self.streams[-1], waits)
        self.release[who] = t + tau * waits
        self.potentials[who] = np.nan
        self.silent += len(who)

    def _everywhere(self, work: Callable[[int, int], None]) -> None:
        if self._pool is None:
            for begin, end in self._parts:
                work(begin, end)
            return
        for done in [self._pool.submit(work, *part) for part in self._parts]:
            done.result()

    def _spread(self, drive: Drive) -> float:
        """Half the variance of the bridge, in a form that is exact for the leak up to the bending of its threshold.

        In the clock of the Brownian motion behind the Ornstein–Uhlenbeck process V_F is a curve; replacing it by its
        chord gives exp(−αβ/(a sinh dt)), wrong by O(dt²).
        """
        if not self.bridge:
            return 0.0
        return drive.a * (np.sinh(drive.dt) if isinstance(self.model.drift, Leak) else drive.dt)

    def _leaky(self, drive: Drive, begin: int, end: int) -> None:
        dt, model = drive.dt, self.model
        kernels.leaky_blocks(
            begin, end, BLOCK, self.streams, *self._tables, self.potentials, self.release,
            self._marks, self._moments, self._counts,
            np.exp(-dt), -np.expm1(-dt) * drive.current, np.sqrt(-np.expm1(-2.0 * dt) * drive.a),
            drive.kick, drive.t, dt, self._spread(drive), drive.reach,
            model.V_R, model.V_F, self._reset_drift + drive.current, drive.a, *self._refractory,
        )  # fmt: skip

    def _general(self, drive: Drive, begin: int, end: int) -> None:
        """Blocks of any drift and threshold: the laws are asked with NumPy."""
        for block in range(begin, end):
            part = slice(block * BLOCK, (block + 1) * BLOCK)
            noise = np.empty_like(self.potentials[part])
            kernels.normals(self.streams[block], *self._tables, noise)
            start = self.potentials[part] + drive.kick
            # The laws refuse NaN; what they say of V_R in its place is not used.
            start = np.where(np.isnan(start), self.model.V_R, start)
            new = self._moved(start, noise, drive)
            if self.model.threshold.absorbing:
                self._absorb(drive, block, part, new)
            else:
                self._escape(drive, block, part, start, new)

    def _moved(self, start: np.ndarray, noise: np.ndarray, drive: Drive) -> np.ndarray:
        """Potentials a step later: exact for the leak, by Heun's method for another drift."""
        dt, drift = drive.dt, self.model.drift
        if isinstance(drift, Leak):
            deviation = np.sqrt(-np.expm1(-2.0 * dt) * drive.a)
            return np.exp(-dt) * start - np.expm1(-dt) * drive.current + deviation * noise
        slope = drift_at(drift, start)
        free = start + drive.current * dt + np.sqrt(2.0 * drive.a * dt) * noise
        ahead = free + slope * dt
        if self.model.threshold.absorbing:
            ahead = np.minimum(ahead, self.model.V_F)  # nobody goes on above it, and the law need not
        return free + 0.5 * dt * (slope + drift_at(drift, ahead))

    def _absorb(self, drive: Drive, block: int, part: slice, new: np.ndarray) -> None:
        model = self.model
        kernels.absorb(
            self.streams[block], *self._tables, part.start, self.potentials[part], new, self.release[part],
            self._marks[part], self._moments[part], self._counts[block],
            drive.kick, drive.t, drive.dt, self._spread(drive), drive.reach,
            model.V_R, model.V_F, self._reset_drift + drive.current, drive.a, *self._refractory,
        )  # fmt: skip

    def _escape(self, drive: Drive, block: int, part: slice, start: np.ndarray, new: np.ndarray) -> None:
        """The hazard of a step is the mean of those at its ends."""
        model = self.model
        hazard = 0.5 * (model.threshold.hazard(start) + model.threshold.hazard(new))
        kernels.escape(
            self.streams[block], *self._tables, part.start, self.potentials[part], new, hazard, self.release[part],
            self._marks[part], self._moments[part], self._counts[block],
            drive.t, drive.dt, model.V_R, self._reset_drift + drive.current, drive.a, *self._refractory,
        )  # fmt: skip
