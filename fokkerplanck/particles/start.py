"""Where the neurons are at the start: drawn from a density, taken from a state, or given one by one."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..elements import Elements
from ..inputs import check_pool, check_single, checked_past, silent_before
from ..interpolation import RateHistory
from ..models.population import Population
from ..operators.memory import Memory
from ..outcomes import InvalidArgument, real_array
from ..state import TAIL_WIDTHS, State, as_density
from .random import BLOCK, checked_seed, sampler, streams
from .solution import ParticleState

DEFAULT_COUNT = 100_000
MOST = 1_000_000_000
POINTS = 40_001
"""Potentials between which the distribution function of an initial density is interpolated."""
PER_ELEMENT = 64
PER_LATENCY = 2001
CHUNK = 1 << 16
"""Neurons drawn at a time, so that drawing takes no memory to speak of."""


def checked_count(count: object) -> int:
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or not 2 <= count <= MOST:
        raise InvalidArgument(f"`count` must be a whole number of neurons from 2 to 1e9, not {count!r}.")
    return int(count)


def starting_neurons(
    model: Population, initial: object, count: int | None, t_span: tuple[float, float], dt: float, seed: object,
    history: object,
) -> ParticleState:  # fmt: skip
    """The neurons to start with; what the arrays of a ParticleState hold is copied."""
    start = t_span[0]
    if isinstance(initial, ParticleState):
        if history is not None:
            raise InvalidArgument("`history` is given, but the ParticleState `initial` has its own; leave it out.")
        return _continued(model, initial, count, start, dt, seed)
    number = checked_seed(0 if seed is None else seed)
    past = checked_past(model, history, initial, start)
    if isinstance(initial, np.ndarray | list | tuple):
        potentials = _given(model, initial, count)
        pool = float(silent_before(model, past)[0])
        if pool > 0.0:
            raise InvalidArgument("`history` puts neurons into the refractory state; give `initial` as a density then.")
        release = np.empty(0)
    else:
        count = DEFAULT_COUNT if count is None else checked_count(count)
        potentials, release = _drawn(model, initial, count, t_span, past, sampler(number))
    count = len(potentials)
    if model.refractory.mean_duration > 0.0 and not len(release):
        release = np.full(count, start)
    return ParticleState(
        t=start,
        potentials=potentials,
        release=release,
        streams=streams(number, -(-count // BLOCK)),
        shot=0.0,
        past=count * _spikes(past, lag_steps(model, dt), dt),
        dt=dt,
        origin=start,
        ticks=0,
    )


def lag_steps(model: Population, dt: float) -> int:
    """How many steps the past of a transmission delay holds."""
    return int(np.floor(model.coupling.delay / dt * (1.0 + 1e-12))) + 1 if model.coupling.delay else 0


def _continued(
    model: Population, state: ParticleState, count: int | None, start: float, dt: float, seed: object
) -> ParticleState:
    if count is not None and checked_count(count) != state.count:
        raise InvalidArgument(f"`count` = {count}, but `initial` holds {state.count} neurons; leave `count` out.")
    blocks = -(-state.count // BLOCK)
    refractory = model.refractory.mean_duration > 0.0
    check_pool(model, state.refractory)
    # A state at a cascade that never ends holds some above V_F, by the kicks of the first generation.
    if model.threshold.absorbing and np.nanmax(state.potentials, initial=-np.inf) > model.V_F + abs(
        model.coupling.gain
    ):
        raise InvalidArgument(f"`initial` holds potentials far above V_F = {model.V_F:g}: it is of another model.")
    release = state.release + (start - state.t) if len(state.release) else np.full(state.count, start)
    same = start == state.t and dt == state.dt
    return replace(
        state,
        t=start,
        potentials=state.potentials.copy(),
        release=release if refractory else np.empty(0),
        streams=state.streams.copy() if seed is None else streams(checked_seed(seed), blocks),
        past=_rebinned(state.past, state.dt, dt, lag_steps(model, dt)),
        dt=dt,
        origin=state.origin if same else start,
        ticks=state.ticks if same else 0,
    )


def _rebinned(past: np.ndarray, old: float, new: float, steps: int) -> np.ndarray:
    """Numbers of spikes in the last `steps` steps of another length, as if those of a step were spread over it."""
    if old == new and len(past) == steps:
        return past.copy()
    sums = np.concatenate([[0.0], np.cumsum(past[::-1])])
    return np.diff(np.interp(new * np.arange(steps + 1), old * np.arange(len(sums)), sums))[::-1].copy()


def _spikes(past: RateHistory, steps: int, dt: float) -> np.ndarray:
    """Spikes per neuron in the last `steps` steps before the start."""
    if not steps:
        return np.empty(0)
    first, start = float(past.t[0]), float(past.t[-1])
    memory = Memory(past, start - first, 1)
    edges = np.maximum(start - dt * np.arange(steps, -1, -1), first)
    return np.array([float(memory.fired(a, b)[0]) for a, b in pairwise(edges)])


def _given(model: Population, initial: object, count: int | None) -> np.ndarray:
    potentials = real_array("initial", initial)
    if potentials.ndim != 1 or not np.all(np.isfinite(potentials)):
        raise InvalidArgument("`initial` must be a vector of finite potentials, one of each neuron.")
    checked_count(len(potentials))
    if count is not None and checked_count(count) != len(potentials):
        raise InvalidArgument(f"`count` = {count}, but `initial` holds {len(potentials)} potentials; leave it out.")
    if model.threshold.absorbing and potentials.max() >= model.V_F:
        raise InvalidArgument(f"`initial` holds potentials of V_F = {model.V_F:g} or more; start them below V_F.")
    return potentials


def _drawn(
    model: Population,
    initial: object,
    count: int,
    t_span: tuple[float, float],
    past: RateHistory,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Independent neurons from a density or a State: potentials, and when the silent ones come back."""
    if isinstance(initial, State):
        check_single(initial, "initial")
    v, share = _of_state(model, initial) if isinstance(initial, State) else _of_density(model, initial, t_span)
    pool = initial.refractory if isinstance(initial, State) else float(silent_before(model, past)[0])
    check_pool(model, pool)
    if pool > 1.0:
        raise InvalidArgument(
            f"`history` puts {pool:.3g} of the neurons into the refractory state; at most all can be."
        )
    potentials = np.empty(count)
    for first in range(0, count, CHUNK):
        part = potentials[first : first + CHUNK]
        part[:] = np.interp(rng.random(len(part)), share, v)
    if not model.refractory.mean_duration:
        return potentials, np.empty(0)
    start = float(past.t[-1])
    release = np.full(count, start)
    for first in range(0, count, CHUNK) if pool > 0.0 else ():
        silent = first + np.flatnonzero(rng.random(min(CHUNK, count - first)) < pool)
        potentials[silent] = np.nan
        release[silent] = start + _waits(model, past, len(silent), rng)
    return potentials, release


def _waits(model: Population, past: RateHistory, count: int, rng: np.random.Generator) -> np.ndarray:
    """How long those who are silent at the start will still be."""
    tau = model.refractory.mean_duration
    if model.refractory.memoryless:
        return rng.exponential(tau, count)
    start = float(past.t[-1])
    times = np.linspace(start - tau, start, PER_LATENCY)
    rates = past(times)
    sums = np.concatenate([[0.0], np.cumsum(rates[1:] + rates[:-1])])
    return np.interp(rng.random(count), sums / sums[-1], times) + tau - start


def _of_state(model: Population, state: State) -> tuple[np.ndarray, np.ndarray]:
    """Potentials and the distribution function there. What is negative by the tolerance of a scheme counts as zero."""
    grid = state.grid
    if grid.V_F != model.V_F or grid.V_R != model.V_R or (model.threshold.absorbing and grid.v_max > grid.V_F):
        raise InvalidArgument("`initial` is a State of a model with another reset or threshold; solve this one first.")
    if isinstance(grid, Elements):
        x = np.linspace(-1.0, 1.0, PER_ELEMENT + 1)
        values = np.maximum(grid.spread(state.density) @ grid.rule.basis(x).T, 0.0)
        masses = 0.5 * (values[:, 1:] + values[:, :-1]) * grid.half / PER_ELEMENT
        lengths = np.broadcast_to(grid.half * 2.0 / PER_ELEMENT, masses.shape).ravel()
        return _distribution(grid.edges[0] + np.concatenate([[0.0], np.cumsum(lengths)]), masses.ravel())
    return _distribution(grid.faces, np.maximum(state.density, 0.0) * grid.width)


def _of_density(model: Population, initial: object, t_span: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    datum = as_density(initial)
    centre, width = datum.narrowest
    known = np.isfinite(datum.lowest)
    low = datum.lowest if known else model.lowest_potential(t_span)
    high = model.highest_potential(t_span)
    if known:
        high = min(high, max(centre + TAIL_WIDTHS * width, low + width))
    v = np.linspace(min(low, high - width) if known else low, high, POINTS)
    values = datum.value(v, model.V_F)
    masses = 0.5 * (values[1:] + values[:-1]) * np.diff(v)
    if not masses.sum() > 0.0:
        raise InvalidArgument("the initial density cannot be normalised: `initial` is zero wherever neurons can be.")
    return _distribution(v, masses)


def _distribution(v: np.ndarray, masses: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    sums = np.concatenate([[0.0], np.cumsum(masses)])
    return v, sums / sums[-1]
