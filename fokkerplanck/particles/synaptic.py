"""Neurons with synapses of their own: `simulate_synapses` moves N of them, in many independent realisations.

Two methods. Where the drift is the leak, the current does not depend on time and the rate is bounded, candidates for
spikes are drawn at the largest rate and accepted with the probability rate(v)/largest ("thinning"; Lewis, Shedler, Nav.
Res. Logist. 26 (1979) 403): no time step, so that all errors are statistical. Everything else goes by steps.

Thinning needs the rate at one potential at a time, which is slow to ask of a Python function. `RateBounds` asks it once
on a fine table and keeps a lower and an upper bound for each cell; a candidate whose uniform number lies below the one
or above the other is decided by that, and only for the rest, about one of 10 000, is the function itself asked. The
result is exactly that of asking it every time.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inputs import checked_span, checked_step, checked_times
from ..models.drift import Drift, Leak, drift_at
from ..models.synapses import SynapseMatrix, as_synapses
from ..models.threshold import SoftThreshold, Threshold
from ..outcomes import InvalidArgument, finite_number, frozen, non_negative, positive, real_array
from . import kernels
from .random import checked_seed, streams, ziggurat

if TYPE_CHECKING:
    from ..trees import Observable, Test, Tree

CELLS = 1 << 16
"""Of the table of bounds: both bounds fit the second cache."""
WIDTHS = 8.0
"""Standard deviations around which the cells are equal; beyond they double."""
FAR = 1e12
"""Times the table's width: as far as the rate is looked at."""
SATURATED, GROWTH = 1e3, 1e-6
"""Times the table's width from which a rate that still grows by this share is taken as unbounded."""
TALL = 100.0
"""Times the largest rate on the equal cells: a larger bound means more candidates than steps would cost."""
LONGEST = 8.0
"""Time after which the exponentials of the exact method start anew: it costs them four digits of sixteen."""
STEP = 0.01
TOGETHER = 1 << 17
"""Neurons that the method of steps moves at a time, whatever the number of threads."""
MOST = 2_000_000_000
"""Potentials that are kept, 16 GB."""
BINS = 100

Initial = Any
"""See `simulate_synapses`."""


@dataclass(frozen=True, eq=False, repr=False)
class SynapticSolution:
    """Realisations of a network with synapses of its own.

    Attributes
    ----------
    saved_t : array, shape (saves,)
        Times at which the potentials were kept.
    potentials : array, shape (saves, realisations, N)
    spikes : array of int, shape (realisations, N)
        How often each neuron fired.
    t : array, shape (bins + 1,)
        Edges of the intervals in which spikes were counted.
    rate, rate_error : array, shape (bins,)
        Spikes per neuron and time, and the standard error of that: from the differences between realisations, or of one
        alone √(rate/(N Δt)), as if the neurons were independent.
    fired : array of int, shape (realisations, bins)
        Spikes of all neurons in each interval.
    synapses : SynapseMatrix
    exact : bool
        Whether there was no time step.
    settings : dict of str to str
    """

    saved_t: np.ndarray
    potentials: np.ndarray
    spikes: np.ndarray
    t: np.ndarray
    rate: np.ndarray
    rate_error: np.ndarray
    fired: np.ndarray
    synapses: SynapseMatrix
    exact: bool
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Number of neurons N."""
        return self.synapses.count

    @property
    def realisations(self) -> int:
        return len(self.spikes)

    def mean_rate(self, start: float, end: float) -> tuple[float, float]:
        """Spikes per neuron and time in the intervals within [start, end], and the standard error of that.

        Raises
        ------
        InvalidArgument
            If no interval lies within.
        """
        start, end = finite_number("start", start), finite_number("end", end)
        slack = 1e-9 * (self.t[-1] - self.t[0])
        first, last = (int(i) for i in np.searchsorted(self.t, [start - slack, end + slack]))
        last -= 1
        if last <= first:
            raise InvalidArgument(
                f"no interval of `t` lies within `start` = {start:g} and `end` = {end:g}; widen the window."
            )
        duration = self.count * float(self.t[last] - self.t[first])
        value, error = _mean_and_error(self.fired[:, first:last].sum(axis=1) / duration, 1.0 / duration)
        return float(value), float(error)

    def density(self, edges: np.ndarray, index: int = -1) -> tuple[np.ndarray, np.ndarray]:
        """The density of the potentials of all neurons, and its standard error, in cells.

        Parameters
        ----------
        edges : array, shape (cells + 1,)
            Increasing ends of the cells (dimensionless potential).
        index : int
            Of the time in `saved_t`.

        Returns
        -------
        density, error : array, shape (cells,)
            The integral of the former is 1 less the share of neurons in no cell. The latter as `rate_error`.

        Raises
        ------
        InvalidArgument
            If the edges do not increase.
        """
        edges = real_array("edges", edges)
        if edges.ndim != 1 or len(edges) < 2 or not np.all(np.diff(edges) > 0.0):
            raise InvalidArgument("`edges` must be a vector of at least two increasing potentials.")
        counts = np.array([np.histogram(row, edges)[0] for row in self.potentials[index]])
        value, error = _mean_and_error(counts / self.count, 1.0 / self.count)
        return value / np.diff(edges), error / np.diff(edges)

    def observable(self, tree: Tree, test: Test | Sequence[Test] | None = None, index: int = -1) -> Observable:
        """The observable of a tree at a saved time: see `trees.tree_observable`."""
        from ..trees import tree_observable

        return tree_observable(tree, self.synapses, particles=self.potentials[index], test=test)

    def __repr__(self) -> str:
        how = "without a time step" if self.exact else f"in steps of {self.settings.get('dt')}"
        return (
            f"SynapticSolution: {self.realisations} realisations of {self.count} neurons from t = {self.t[0]:.6g} to "
            f"{self.t[-1]:.6g}, {how}; {self.spikes.mean():.4g} spikes per neuron"
        )


def simulate_synapses(
    weights: SynapseMatrix | np.ndarray,
    rate: Callable[[np.ndarray], np.ndarray] | Threshold,
    initial: Initial,
    t_span: tuple[float, float],
    sigma: float,
    drift: Drift = Leak(),
    external: float | np.ndarray | Callable[[float], float] = 0.0,
    reset: float = 0.0,
    realisations: int = 1,
    save_at: Sequence[float] | np.ndarray | None = None,
    bins: int = BINS,
    seed: int = 0,
    dt: float | None = None,
    rate_bound: float | None = None,
    threads: int | None = None,
) -> SynapticSolution:
    """Simulate N neurons with arbitrary synapses, in independent realisations.

        dV_i = (f(V_i) + I_i) dt + σ dW_i + Σ_j w_ij dN_j,   N_i jumps at the rate ν(V_i), and then V_i = V_R

    As N → ∞, with Σ_j |w_ij| + Σ_i |w_ij| bounded and max |w_ij| → 0, the laws of the neurons tend to those of the
    limit equation with S(t, ξ) = ∫ R(t, ζ) w(ξ, dζ). A neuron that fires is at V_R: an autapse w_ii has no effect.

    With the leak f(v) = −v, a constant I and a bounded ν there is no time step and no error but the statistical one.
    Else a step is half a step of drift and noise (exact for the leak, Heun's method for another drift), all spikes of
    the step in their order with hazards at its middle, and the other half: second order in dt as max |w_ij| → 0. With a
    hard threshold, a passage between two steps has the probability of the Brownian bridge and kicks arrive at the ends
    of steps: first order; who is pushed over V_F fires at that instant, and so on, each at most once.

    Parameters
    ----------
    weights : SynapseMatrix, array or sparse array, shape (N, N)
        w_ij, the effect on i of a spike of j (dimensionless).
    rate : callable, SoftThreshold, RandomThreshold or HardThreshold
        ν(v) ≥ 0 for an array of potentials (1/membrane time constant), or a threshold law with its place.
    initial : array, Gaussian or callable
        Potentials, shape (N,) for all realisations or (realisations, N); `fp.gaussian(mean, variance)`, from which the
        neurons are drawn independently, here on the whole line; or initial(xi, generator), which returns potentials of
        the neurons with the labels xi, drawn with a NumPy generator, once for each realisation.
    t_span : (float, float)
        Start and end (membrane time constants).
    sigma : float
        σ, zero or positive: the diffusion is σ²/2.
    drift : callable
        f(v) for an array of potentials. Default: the leak.
    external : float, array or callable
        External current I: one number, one of each neuron, or a function of time.
    reset : float
        V_R (dimensionless). Potentials below it are possible.
    realisations : int
    save_at : sequence of float, optional
        Increasing times at which the potentials are kept. Default: the end.
    bins : int
        Equal intervals in which spikes are counted for the rate.
    seed : int
        The same seed gives the same bits whatever the number of threads, and realisation m the same ones whatever the
        number of realisations.
    dt : float, optional
        A step: chooses the method of steps even where there is an exact one. Default where it is needed: 0.01.
    rate_bound : float, optional
        An upper bound of ν. Default: found by looking at ν, where a rate that still grows far away, or to a hundred
        times what it is in the range of the initial potentials and one volley, counts as unbounded.
    threads : int, optional
        Default: the number of processors.

    Returns
    -------
    SynapticSolution

    Raises
    ------
    InvalidArgument
        If an argument is out of range or does not fit another one, or ν exceeds its bound.

    Source: Jabin, Zhou (2023), arXiv:2309.04046, the system of the introduction; thinning: Lewis, Shedler (1979).

    >>> from fokkerplanck import gaussian
    >>> from fokkerplanck.models.synapses import erdos_renyi
    >>> sigmoid = lambda v: 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))
    >>> sol = simulate_synapses(
    ...     erdos_renyi(200, degree=56.0, strength=2.0), sigmoid, gaussian(0.2, 0.09), (0.0, 2.0), sigma=0.5,
    ...     external=0.8, realisations=50,
    ... )
    >>> sol.exact
    True
    >>> value, error = sol.mean_rate(0.0, 2.0)
    >>> abs(value - 2.13) < 6.0 * error
    True
    """
    synapses = as_synapses(weights)
    law: Any = rate if hasattr(rate, "hazard") else SoftThreshold(rate)  # type: ignore[arg-type]
    if law.absorbing and finite_number("reset", reset) >= law.V_F:
        raise InvalidArgument(f"`reset` = {reset:g} must lie below the threshold, {law.V_F:g}.")
    if not law.absorbing and getattr(law, "V_F", 0.0) is None and not isinstance(law, SoftThreshold):
        raise InvalidArgument(f"`rate` = {law!r} has no place yet; give it a V_F.")
    span = checked_span(t_span)
    sigma, reset = non_negative("sigma", sigma), finite_number("reset", reset)
    parts = _whole("realisations", realisations)
    times = checked_times(save_at, *span)
    times = np.array([span[1]]) if times is None else times
    if len(times) * parts * synapses.count > MOST:
        raise InvalidArgument(
            f"`save_at` asks for {len(times)} × {parts} × {synapses.count} potentials, more than {MOST:.0e}; take "
            f"fewer times, or several runs."
        )
    current = _checked_current(external, synapses.count, span)
    if law.absorbing and not callable(current) and np.ptp(current) > 0.0:
        raise InvalidArgument(
            "`external` must be the same for all neurons where the threshold is hard; use one current, or a "
            "fp.SoftThreshold."
        )
    number = checked_seed(seed)
    start = _starting(initial, synapses, parts, number)
    bound = None if rate_bound is None else positive("rate_bound", rate_bound)
    edges = np.linspace(*span, _whole("bins", bins) + 1)
    task = _Task(
        synapses, law, sigma, drift, current, reset, span, times, streams(number, parts),
        np.empty((len(times), parts, synapses.count)), np.zeros((parts, synapses.count), dtype=np.int32),
        np.zeros((parts, len(edges) - 1), dtype=np.int64), start,
    )  # fmt: skip
    table = None
    if dt is None and isinstance(drift, Leak) and not callable(current) and not law.absorbing:
        table = task.bounds(bound)
    workers = _whole("threads", os.cpu_count() or 1 if threads is None else threads)
    if table is not None:
        found = table

        def work(first: int, last: int) -> None:
            task.exactly(found, first)

        blocks = list(pairwise(range(parts + 1)))
    else:
        step = dt = checked_step("dt", positive("dt", STEP if dt is None else dt), span)

        def work(first: int, last: int) -> None:
            task.by_steps(step, first, last)

        blocks = list(pairwise([*range(0, parts, max(1, TOGETHER // synapses.count)), parts]))
    _share(work, blocks, workers)
    value, error = _mean_and_error(
        task.binned / (synapses.count * np.diff(edges)), 1.0 / synapses.count / np.diff(edges)
    )
    return SynapticSolution(
        saved_t=times,
        potentials=frozen(task.potentials),
        spikes=frozen(task.spikes),
        t=edges,
        rate=value,
        rate_error=error,
        fired=frozen(task.binned),
        synapses=synapses,
        exact=table is not None,
        settings={"seed": str(number), "realisations": str(parts)} | ({"dt": repr(dt)} if table is None else {}),
    )


def _share(work: Callable[[int, int], None], blocks: list[tuple[int, int]], workers: int) -> None:
    """Every thread takes the next block: who does what changes no result."""
    if workers == 1 or len(blocks) == 1:
        for block in blocks:
            work(*block)
        return
    waiting = iter(blocks)  # `next` of a list iterator is atomic

    def take(_: int) -> None:
        for block in waiting:
            work(*block)

    with ThreadPoolExecutor(min(workers, len(blocks))) as pool:
        list(pool.map(take, range(workers)))


def _mean_and_error(samples: np.ndarray, quantum: float | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Over the realisations; of one alone, the error as if counts of `quantum` each were independent."""
    value = samples.mean(axis=0)
    if len(samples) == 1:
        return value, np.sqrt(value * quantum)
    return value, samples.std(axis=0, ddof=1) / np.sqrt(len(samples))


def _whole(name: str, value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < 1:
        raise InvalidArgument(f"`{name}` must be a whole number of at least 1, not {value!r}.")
    return int(value)


def _checked_current(external: Any, count: int, span: tuple[float, float]) -> Any:
    """A function of time, or an array with the current of each neuron."""
    if callable(external):

        def current(t: float) -> float:
            return finite_number(f"external({t:g})", external(t))

        current(span[0])
        return current
    values = real_array("external", external)
    if values.shape not in ((), (count,)) or not np.all(np.isfinite(values)):
        raise InvalidArgument(
            f"`external` must be a finite number, one for each of the {count} neurons, or a function."
        )
    return np.full(count, values)


def _starting(initial: Initial, synapses: SynapseMatrix, parts: int, seed: int) -> Callable[[int], np.ndarray]:
    """The potentials at the start, by the number of the realisation."""
    count = synapses.count

    def generator(m: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1, m)))

    if hasattr(initial, "mean") and hasattr(initial, "variance") and not isinstance(initial, np.ndarray):
        mean, deviation = float(initial.mean), float(np.sqrt(initial.variance))
        if hasattr(initial, "log_moment"):
            return lambda m: generator(m).normal(mean, deviation, count)
        raise InvalidArgument(f"`initial` = {initial!r} vanishes at a threshold; use fp.gaussian(mean, variance).")
    if callable(initial):

        def draw(m: int) -> np.ndarray:
            values = real_array("initial", initial(synapses.xi, generator(m)))
            if values.shape != (count,) or not np.all(np.isfinite(values)):
                raise InvalidArgument(f"`initial` must return a finite potential of each of the {count} neurons.")
            return values

        draw(0)
        return draw
    values = real_array("initial", initial)
    if values.shape not in ((count,), (parts, count)) or not np.all(np.isfinite(values)):
        raise InvalidArgument(
            f"`initial` must hold potentials, in the shape ({count},) or ({parts}, {count}), not {values.shape}; "
            f"or be fp.gaussian(mean, variance), or a function initial(xi, generator)."
        )
    whole = np.broadcast_to(values, (parts, count))
    return lambda m: whole[m].copy()


class RateBounds:
    """Bounds of a rate on a table of cells: equal ones on [low, high], doubling ones beyond.

    Between two points of the table the rate is taken to lie between its values there, and where these rise and fall
    within three cells, to exceed them by at most their difference. The points are close enough for every rate that is
    monotone, or smooth on the scale of (high − low)/65 536; a rate that is found to be neither is refused.
    """

    def __init__(
        self, hazard: Callable[[np.ndarray], np.ndarray], low: float, high: float, bound: float | None
    ) -> None:
        self.hazard, self.low, self.high = hazard, low, high
        h = (high - low) / CELLS
        doubling = int(np.ceil(np.log2(FAR * CELLS)))
        self.below = self.above = frozen(np.concatenate([[0.0], h * 2.0 ** np.arange(doubling)]))
        wings = len(self.below) - 1
        edges = np.concatenate([low - self.below[:0:-1], np.linspace(low, high, CELLS + 1), high + self.above[1:]])
        ends, middles = hazard(edges), hazard(0.5 * (edges[1:] + edges[:-1]))
        samples = np.stack([ends[:-1], middles, ends[1:]])
        least, most = samples.min(axis=0), samples.max(axis=0)
        # Of a cell and its neighbours: the samples in order, to see whether they are monotone.
        rising = np.all(np.diff(samples, axis=0) >= 0.0, axis=0)
        falling = np.all(np.diff(samples, axis=0) <= 0.0, axis=0)
        calm = _with_neighbours(rising, np.minimum) | _with_neighbours(falling, np.minimum)
        slack = np.where(calm, 0.0, _with_neighbours(most, np.maximum) - _with_neighbours(least, np.minimum))
        floor, ceiling = np.maximum(least - slack, 0.0), most + slack
        near = np.abs(edges - 0.5 * (low + high)) < SATURATED * (high - low)
        saturated = ends.max() <= (1.0 + GROWTH) * ends[near].max()
        self.bounded = bool(saturated and ends.max() <= TALL * ends[wings : wings + CELLS + 1].max())
        self.bound = float(ceiling.max()) if bound is None else bound
        self.given = bound is not None
        if bound is not None and least[wings : wings + CELLS].max() > bound:
            raise InvalidArgument(
                f"`rate_bound` = {bound:g}, but the rate reaches {least[wings : wings + CELLS].max():g}; raise it."
            )
        order = [np.arange(wings, wings + CELLS), np.arange(wings - 1, -1, -1), np.arange(wings + CELLS, len(floor))]
        self.floor, self.ceiling = (frozen(x[np.concatenate(order)]) for x in (floor, ceiling))
        self.inverse = CELLS / (high - low)

    def at(self, v: float) -> float:
        """The rate itself; refuses one that is outside of its bounds."""
        value = float(self.hazard(np.array([v]))[0])
        if value > self.bound:
            raise InvalidArgument(
                f"`rate` is {value:g} at v = {v:.6g}, more than its bound {self.bound:g}; give `rate_bound`, or a `dt`."
            )
        cell = kernels.cell_of(v, self.low, self.high, self.inverse, CELLS, self.below, self.above)
        if cell >= 0 and not self.floor[cell] <= value <= self.ceiling[cell]:
            raise InvalidArgument(
                f"`rate` varies so fast near v = {v:.6g} that a table misses its maxima; smooth it, or give a `dt`."
            )
        return value


def _with_neighbours(values: np.ndarray, combine: Any) -> np.ndarray:
    padded = np.concatenate([values[:1], values, values[-1:]])
    return np.asarray(combine(combine(padded[:-2], padded[1:-1]), padded[2:]))


@dataclass(frozen=True, eq=False)
class _Task:
    """What a run is, and where its results go."""

    synapses: SynapseMatrix
    law: Any
    sigma: float
    drift: Drift
    current: Any
    reset: float
    span: tuple[float, float]
    times: np.ndarray
    streams: np.ndarray
    potentials: np.ndarray
    spikes: np.ndarray
    binned: np.ndarray
    start: Callable[[int], np.ndarray]
    columns: tuple[np.ndarray, ...] = ()

    def __post_init__(self) -> None:
        if self.synapses.sparse:
            columns = (np.empty((0, 0)), *self.synapses.columns)
        else:
            dense = np.ascontiguousarray(self.synapses.matrix.T)
            columns = (dense, np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32), np.empty(0))
        object.__setattr__(self, "columns", columns)

    @property
    def per_bin(self) -> float:
        """Intervals per unit of time."""
        return self.binned.shape[1] / (self.span[1] - self.span[0])

    # --- without a time step ------------------------------------------------------------------------------------------

    def bounds(self, bound: float | None) -> RateBounds | None:
        """A table where the potentials will be, or None if the rate has no bound."""
        reach = WIDTHS * self.sigma
        rows = float(self.synapses.received.max())
        start = self.start(0)
        places = [float(x) for x in (start.min(), start.max(), self.current.min(), self.current.max(), self.reset)]
        low, high = min(places) - reach - rows, max(places) + reach + rows
        try:
            table = RateBounds(self.law.hazard, low, max(high, low + 1e-6), bound)
        except InvalidArgument:
            if bound is not None:
                raise
            self.law.hazard(np.array(places))  # what is wrong near by is refused for itself
            return None
        return table if table.bounded or table.given else None

    def exactly(self, table: RateBounds, m: int) -> None:
        """Realisation m."""
        tables, begin = ziggurat(), self.span[0]
        u = self.start(m) - self.current
        last = np.full(len(u), begin)
        clock = np.array([begin, begin, 0.0, 0.0, 0.0, 0.0])
        for s, end in enumerate([*self.times, self.span[1]]):
            while kernels.thin(
                self.streams[m], *tables, u, last, self.spikes[m], self.binned[m], clock, self.current, self.sigma,
                self.reset, table.bound, table.low, table.high, table.inverse, table.below, table.above, table.floor,
                table.ceiling, begin, self.per_bin, end, LONGEST, *self.columns,
            ):  # fmt: skip
                clock[5] = 1.0 if clock[4] < table.at(clock[3]) else -1.0
            if s < len(self.times):
                kernels.settle_potentials(
                    self.streams[m], *tables, u, last, clock, self.current, self.sigma, self.potentials[s, m]
                )

    # --- by steps -----------------------------------------------------------------------------------------------------

    def by_steps(self, dt: float, first: int, last: int) -> None:
        """Realisations first, …, last − 1."""
        V = np.stack([self.start(m) for m in range(first, last)])
        step = self._passages if self.law.absorbing else self._escapes
        t = self.span[0]
        for s, end in enumerate([*self.times, self.span[1]]):
            steps = int(np.ceil((end - t) / dt * (1.0 - 1e-9)))
            edges = np.linspace(t, end, steps + 1)
            for begin, stop in pairwise(edges):
                step(V, first, last, float(begin), float(stop - begin))
            t = end
            if s < len(self.times):
                self.potentials[s, first:last] = V

    def _flowed(self, V: np.ndarray, first: int, last: int, t: float, dt: float) -> np.ndarray:
        """Where drift and noise carry the potentials: the leak exactly, another drift by Heun's method."""
        noise = np.empty_like(V)
        kernels.normal_rows(self.streams[first:last], *ziggurat(), noise)
        current = self.current(t + 0.5 * dt) if callable(self.current) else self.current
        if isinstance(self.drift, Leak):
            decay = np.exp(-dt)
            return decay * V - np.expm1(-dt) * current + self.sigma * np.sqrt(-0.5 * np.expm1(-2.0 * dt)) * noise
        noise *= self.sigma * np.sqrt(dt)
        slope = drift_at(self.drift, V) + current
        predicted = V + dt * slope + noise
        return V + 0.5 * dt * (slope + drift_at(self.drift, predicted) + current) + noise

    def _escapes(self, V: np.ndarray, first: int, last: int, t: float, dt: float) -> None:
        V[:] = self._flowed(V, first, last, t, 0.5 * dt)
        hazard, pushed = self.law.hazard(V), np.empty_like(V)
        kernels.drifts(hazard, pushed, *self.columns)
        hazard = self.law.hazard(V + 0.5 * dt * pushed)
        after = float(self.law.hazard(np.array([self.reset]))[0])
        kernels.jump(
            self.streams[first:last], V, hazard, after, self.reset, dt, t, self.span[0], self.per_bin,
            self.spikes[first:last], self.binned[first:last], *self.columns,
        )  # fmt: skip
        V[:] = self._flowed(V, first, last, t + 0.5 * dt, 0.5 * dt)

    def _passages(self, V: np.ndarray, first: int, last: int, t: float, dt: float) -> None:
        new = self._flowed(V, first, last, t, dt)
        current = self.current(t + 0.5 * dt) if callable(self.current) else float(self.current[0])
        speed = float(drift_at(self.drift, np.array([self.reset]))[0]) + current
        a, V_F = 0.5 * self.sigma**2, float(self.law.V_F)
        count = V.shape[1]
        marks, moments = np.empty(count, dtype=np.int32), np.empty(count, dtype=np.float32)
        counts, silent = np.zeros(3, dtype=np.int64), np.empty(0)
        bin_ = min(int((t + 0.5 * dt - self.span[0]) * self.per_bin), self.binned.shape[1] - 1)
        for m in range(last - first):
            kernels.absorb(
                self.streams[first + m], *ziggurat(), 0, V[m], new[m], silent, marks, moments, counts,
                0.0, t, dt, a * dt, 0.0, self.reset, V_F, speed, a, 0.0, False,
            )  # fmt: skip
            self.binned[first + m, bin_] += kernels.volley(
                V[m], marks, int(counts[0]), V_F, self.reset, self.spikes[first + m], *self.columns
            )
