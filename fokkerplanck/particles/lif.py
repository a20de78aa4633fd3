"""Networks of LIF neurons with actual synapses, in laboratory units: `simulate_lif` goes from event to event."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..inputs import checked_flag, checked_span
from ..meanfield.siegert import siegert_rate
from ..models.plasticity import PlasticityRule, StaticWeight
from ..models.spiking import Projection, SpikingNetwork
from ..outcomes import InvalidArgument, Status, finite_number, frozen, non_negative, number_in, whole_number
from ..progress import progress_bar
from ..spiketrains import SpikeTrains
from . import kernels
from .random import checked_seed, sampler, streams, ziggurat
from .simulate import patience

if TYPE_CHECKING:
    from os import PathLike

FINEST, COARSEST = 0.02, 0.2
"""Longest step near the threshold, over τ_m, and the longest that is accepted."""
SHIFT = 1e-4
"""By how much the chord may shift the threshold, over σ/√2 and over V_th − V_r, at the default `finest`."""
REFRESH = 0.01
"""Time between two changes of plastic weights, over that in which they or the traces change by e."""
LOOK = 50
"""Windows of a network of constant weights between two looks for Ctrl-C."""
BINS = 500
"""Of the activity of a run."""
PHASE = 1.0 / 6.0
"""Variance of a number of spikes that the position of the window among regular spikes makes."""
FEWEST = 5
"""Intervals of a neuron, from which its own CV enters the error of its rate."""
RUNAWAY = 100.0
"""Times a spike per neuron, per delay and per τ_m, and what the neurons fire by themselves: the network ran away."""


@dataclass(frozen=True, eq=False, repr=False)
class LIFState:
    """All neurons and synapses at one instant; `simulate_lif` accepts it as `initial` and goes on."""

    t: float
    V: np.ndarray
    now: np.ndarray
    last: np.ndarray
    trace: np.ndarray
    shot_next: np.ndarray
    arrivals: np.ndarray
    senders: np.ndarray
    weights: tuple[np.ndarray, ...]
    random: np.ndarray

    def save(self, path: str | PathLike[str]) -> None:
        """Write it to a NumPy archive (`.npz`), atomically; `LIFState.load` reads it back bit by bit."""
        from ..storage import atomic_write

        own: dict[str, Any] = {field.name: getattr(self, field.name) for field in fields(self)}
        own |= {f"weights_{k}": w for k, w in enumerate(own.pop("weights"))}
        with atomic_write(path) as file:
            np.savez(file, **own)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> LIFState:
        """Read what `save` has written.

        Raises
        ------
        InvalidArgument
            If there is no such file, or it is damaged or not ours.
        """
        try:
            with np.load(path, allow_pickle=False) as stored:
                found = {name: stored[name] for name in stored.files}
            weights = tuple(found.pop(f"weights_{k}") for k in range(sum(n.startswith("weights_") for n in found)))
            return cls(t=float(found.pop("t")), weights=weights, **found)
        except OSError as error:
            raise InvalidArgument(f"cannot read {path}: {error.strerror}.") from None
        except Exception:  # damage meets NumPy's reader as an exception of any type
            raise InvalidArgument(f"{path} is damaged, or was not written by LIFState.save.") from None

    def __repr__(self) -> str:
        silent = float(np.mean(self.now > self.t))
        return f"LIFState({len(self.V)} neurons at t = {self.t:.9g}, {silent:.3g} of them silent)"


@dataclass(frozen=True, eq=False, repr=False)
class LIFSolution:
    """A run of `simulate_lif`.

    Attributes
    ----------
    t : array, shape (bins + 1,)
        Edges of the intervals in which the spikes of each population were counted (time).
    activity : array, shape (populations, bins)
        Spikes per neuron and time.
    rates, rate_errors : array, shape (N,)
        What each neuron fired per time from `settle` on, and the standard error of that: √(CV² n + 1/6)/T of n spikes,
        with the neuron's own CV from six spikes on and CV = 1 below; 1/T of a neuron that did not fire. A run that
        ended before `settle` has measured nothing: zero, with infinite errors.
    intervals : array of int, shape (N,)
        Interspike intervals in that time.
    interval_means, interval_variances : array, shape (N,)
        Of those intervals; zero where there are fewer than one and than two.
    weights : tuple of array
        Of each projection the weights, averaged over that time: one for each sender where the rule looks at the sender
        alone, else one for each entry of `graph` in the order of its columns (CSC).
    spikes : SpikeTrains
        Of the first `raster` neurons, over the whole run.
    settle : float
        When measuring began.
    populations : tuple of slice
        The neurons of each population.
    status : Status
        FINISHED, or INTERRUPTED by Ctrl-C: then what there is up to `final.t`.
    final : LIFState
    """

    t: np.ndarray
    activity: np.ndarray
    rates: np.ndarray
    rate_errors: np.ndarray
    intervals: np.ndarray
    interval_means: np.ndarray
    interval_variances: np.ndarray
    weights: tuple[np.ndarray, ...]
    spikes: SpikeTrains
    settle: float
    populations: tuple[slice, ...]
    status: Status
    final: LIFState

    @property
    def count(self) -> int:
        """Number of neurons N."""
        return len(self.rates)

    def cv(self, fewest: int = 20) -> np.ndarray:
        """Coefficients of variation of the intervals of those neurons that have at least `fewest` of them."""
        many = self.intervals >= max(whole_number("fewest", fewest, 2), 2)
        return np.asarray(np.sqrt(self.interval_variances[many]) / self.interval_means[many])

    def __repr__(self) -> str:
        return (
            f"LIFSolution({self.status.name}: {self.count} neurons to t = {self.final.t:.6g}, "
            f"mean rate {np.mean(self.rates):.5g} from t = {self.settle:.6g} on)"
        )


def simulate_lif(
    network: SpikingNetwork,
    t_span: tuple[float, float],
    settle: float | None = None,
    seed: int = 0,
    initial: LIFState | np.ndarray | None = None,
    bins: int = BINS,
    raster: int = 0,
    trace_rate: float = 0.0,
    rates: Any = 0.0,
    finest: float = FINEST,
    progress: bool = False,
) -> LIFSolution:
    """Simulate a network of leaky integrate-and-fire neurons with synapses of their own, from event to event.

        τ_m dV_i = (E_l − V_i + μ_i) dt + σ_i √τ_m dW_i + τ_m Σ_j w_ij Σ_k δ(t − t_j^k − D) dt

    A neuron whose potential reaches V_th fires, is silent for τ_ref, in which what arrives is lost, and comes back at
    V_r. Between two events the potential has the exact Ornstein–Uhlenbeck law, and its first passage of the threshold,
    between the ends of a step as well, is drawn at its own time: there is no time step whose length would shift the
    threshold. What is left of discretisation is the curvature of the threshold on the clock on which the motion is
    Brownian, over `finest` τ_m; without noise (σ = 0, external shots) there is none.

    Weights may be plastic. Each neuron carries a trace ν̂, which jumps by r_p at its spikes and decays at the rate r_p,
    so that its mean is the rate; the rules see the traces, and weights move by the exact solution of their linear
    equation over a hundredth of the shortest of the times 1/r_p and 1/(learning rate), or one delay.

    Parameters
    ----------
    network : SpikingNetwork
        Or a realisation of a network that is known by its laws: `fp.BrunelNetwork(...).sample(5000)`,
        `fp.PlasticNetwork(...).sample(2000, delay=0.001)`.
    t_span : (float, float)
        Start and end (time).
    settle : float, optional
        From when on rates, intervals and weights are measured; default: after a third of the run.
    seed : int
    initial : LIFState or array, shape (N,), optional
        The `final` of another run with the same network, whose random numbers go on (`seed` and `rates` play no role):
        after a whole number of delays bit by bit as if there had been no stop. Or potentials below V_th. Default:
        uniform between V_r and V_th, which neurons that fire regularly are slow to forget.
    bins : int
        Equal intervals of t_span in which the spikes of a population are counted.
    raster : int
        The spikes of the first so many neurons are kept one by one.
    trace_rate : float
        r_p (1/time), needed if a weight is plastic.
    rates : float or array, shape (N,) or one per population
        Where the traces begin, and the plastic weights with them, at their steady values (1/time).
    finest : float
        See above, over τ_m, at most 0.2. Shorter steps are taken where a strong drive needs them.
    progress : bool
        Show a progress bar.

    Returns
    -------
    LIFSolution
        Its status is BLOW_UP where a network without refractory time ran away.

    Raises
    ------
    InvalidArgument
        If an argument does not fit the network.

    >>> import fokkerplanck as fp
    >>> neuron = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
    >>> alone = fp.SpikingNetwork([(neuron, 200)], [], mu=25.0, sigma=3.0, delay=0.0015)
    >>> bool(abs(simulate_lif(alone, (0.0, 1.0)).rates.mean() - 44.0706) < 1.0)
    True
    """
    if not isinstance(network, SpikingNetwork):
        raise InvalidArgument(f"`network` must be an fp.SpikingNetwork, or made by .sample(...), not {network!r}.")
    run = _Run(
        network,
        checked_span(t_span),
        non_negative("trace_rate", trace_rate),
        number_in("finest", finest, lambda x: 0.0 < x <= COARSEST, f"above 0 and at most {COARSEST:g}"),
    )
    if network.plastic and not trace_rate:
        raise InvalidArgument("`trace_rate` must be positive, because there are plastic weights; 0.1/s is slow.")
    start, end = run.t_span
    settle = start + (end - start) / 3.0 if settle is None else finite_number("settle", settle)
    if not start <= settle < end:
        raise InvalidArgument(f"`settle` = {settle:g} must lie within t_span = ({start:g}, {end:g}).")
    bins, raster = whole_number("bins", bins, 1), whole_number("raster", raster, 0)
    if isinstance(initial, LIFState):
        state = run.check(initial)
    else:
        state = run.begin(initial, _checked_rates(rates, network), checked_seed(seed))
    return run.go(state, settle, bins, min(raster, network.count), checked_flag("progress", progress))


def _checked_rates(rates: Any, network: SpikingNetwork) -> np.ndarray:
    array = network.per_neuron("rates", rates, least=0.0)
    highest = np.array([law.highest_rate for law, _ in network.neurons])[network.kind]
    if np.any(array > highest):
        raise InvalidArgument(f"`rates` reaches {np.max(array):g}, beyond the refractory ceiling {np.min(highest):g}.")
    return array


# -- the synapses as the kernel wants them --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class Connections:
    """One projection by its senders, as `kernels.windows` wants it: see there.

    `senders` and `receivers` number the neurons of the two ends of each synapse. `individual` tells whether synapses of
    one sender may differ.
    """

    rule: PlasticityRule | None
    first: np.ndarray
    senders: np.ndarray
    receivers: np.ndarray
    pre: slice
    weights: np.ndarray
    individual: bool

    @classmethod
    def of(cls, projection: Projection, network: SpikingNetwork) -> Connections:
        pre, post = network.populations[projection.pre], network.populations[projection.post]
        graph, rule = projection.graph, projection.rule
        degrees = np.zeros(network.count, dtype=np.int64)
        degrees[pre] = np.diff(graph.indptr)
        weights = graph.data
        alike = len(weights) == 0 or bool(np.all(weights == weights[0]))
        if alike:
            weights = np.full(pre.stop - pre.start, weights[0] if len(weights) else 0.0)
        return cls(
            rule=rule,
            first=np.concatenate([[0], np.cumsum(degrees)]),
            senders=np.repeat(np.arange(network.count, dtype=np.int32), degrees),
            receivers=(graph.indices + post.start).astype(np.int32),
            pre=pre,
            weights=weights,
            individual=not alike if rule is None else rule.needs_post,
        )

    def at_rest(self, traces: np.ndarray) -> np.ndarray:
        """The weights that belong to constant traces: one for each sender, or each synapse."""
        return self.weights if self.rule is None else np.array(self.rule.weight(*self._seen(traces)), dtype=float)

    def moved(self, weights: np.ndarray, traces: np.ndarray, h: float) -> np.ndarray:
        """The weights a time h later, the traces held."""
        if self.rule is None or isinstance(self.rule, StaticWeight):
            return weights
        seen = self._seen(traces)
        rest = self.rule.weight(*seen)
        return np.asarray(rest + (weights - rest) * np.exp(-h * self.rule.decay(*seen)))

    @property
    def constant(self) -> bool:
        return self.rule is None or isinstance(self.rule, StaticWeight)

    def _seen(self, traces: np.ndarray) -> tuple[np.ndarray, ...]:
        return (traces[self.senders], traces[self.receivers]) if self.individual else (traces[self.pre],)


# -- the run --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Run:
    """What stays as it is: the network, and what the kernel reads of it."""

    network: SpikingNetwork
    t_span: tuple[float, float]
    trace_rate: float
    finest: float

    @cached_property
    def connections(self) -> tuple[Connections, ...]:
        return tuple(Connections.of(projection, self.network) for projection in self.network.projections)

    @cached_property
    def constants(self) -> np.ndarray:
        """(τ_m, V_th, V_r, τ_ref) of each population."""
        return np.array([[law.tau_m, law.V_th, law.V_r, law.tau_ref] for law, _ in self.network.neurons])

    @cached_property
    def rest(self) -> np.ndarray:
        """E_l + μ of each neuron."""
        return self.network.mu + np.array([law.E_l for law, _ in self.network.neurons])[self.kind]

    @cached_property
    def half(self) -> np.ndarray:
        """σ²/2 of each neuron."""
        return np.asarray(0.5 * self.network.sigma**2)

    @cached_property
    def kind(self) -> np.ndarray:
        return self.network.kind

    @property
    def steps(self) -> np.ndarray:
        """The longest step near the threshold of each neuron, over τ_m: `finest`, and shorter for a strong drive.

        A step u replaces the threshold by one that is off by u²/8 of V_th − rest, which may be SHIFT of what matters.
        """
        _, V_th, V_r, _ = self.constants[self.kind].T
        matters = np.minimum(np.sqrt(self.half), V_th - V_r)
        with np.errstate(divide="ignore"):
            fine = np.sqrt(8.0 * SHIFT * matters / np.abs(V_th - self.rest)) * (self.finest / FINEST)
        return np.minimum(self.finest, fine)

    @property
    def runaway(self) -> float:
        """Spikes within one delay that no network has that does not run away: far beyond those of neurons alone."""
        alone = [
            siegert_rate(self.network.mu[part], self.network.sigma[part], law).sum()
            for (law, _), part in zip(self.network.neurons, self.network.populations, strict=True)
        ]
        rate = sum(alone) + self.shots[0].sum()
        scale = self.network.count * (1.0 + self.network.delay / self.constants[:, 0].min())
        return RUNAWAY * float(scale + self.network.delay * rate)

    @property
    def shots(self) -> tuple[np.ndarray, np.ndarray]:
        """Rates and jumps; empty where nothing ever comes."""
        shots = self.network.shots
        return shots if shots is not None and np.any(shots[0] > 0.0) else (np.empty(0), np.empty(0))

    def begin(self, initial: np.ndarray | None, rates: np.ndarray, seed: int) -> LIFState:
        """Neurons that have not fired, with the traces and the weights of the given rates."""
        count, (random,) = self.network.count, streams(seed, 0)
        _, top, reset, _ = self.constants[self.kind].T
        if initial is None:
            V = reset + (top - reset) * sampler(seed).random(count)
        else:
            V = self.network.per_neuron("initial", initial)
            if np.any(top <= V):
                raise InvalidArgument(f"`initial` reaches {np.max(V):g}, but potentials lie below V_th.")
        start = self.t_span[0]
        wait = np.empty(len(self.shots[0]))
        kernels.exponentials(random, wait)
        with np.errstate(divide="ignore"):
            wait /= self.shots[0]
        return LIFState(
            t=start,
            V=V,
            now=np.full(count, start),
            last=np.full(count, start),
            trace=rates,
            shot_next=start + wait,
            arrivals=np.empty(0),
            senders=np.empty(0, dtype=np.int32),
            weights=tuple(c.at_rest(rates) for c in self.connections),
            random=random,
        )

    def check(self, state: LIFState) -> LIFState:
        """The state of another run, if it is one of this network."""
        mine = [c.at_rest(np.zeros(self.network.count)).shape for c in self.connections]
        fits = len(state.V) == self.network.count and [w.shape for w in state.weights] == mine
        if not fits or len(state.shot_next) != len(self.shots[0]):
            raise InvalidArgument("`initial` is the state of another network; give the same neurons and synapses.")
        if state.t != self.t_span[0]:
            raise InvalidArgument(f"`t_span` must begin where `initial` ended, at {state.t!r}.")
        return state

    def go(self, state: LIFState, settle: float, bins: int, raster: int, progress: bool) -> LIFSolution:
        """Window after window, each of one delay; as many at a time as the weights may stay as they are."""
        start, end = self.t_span
        delay = self.network.delay
        windows = max(1, math.ceil((end - start) / delay * (1.0 - 1e-12)))
        edges = np.append(start + delay * np.arange(1, windows), end)
        tally = _Tally(self.network, self.t_span, settle, bins, raster)
        now = _Moving(self, state, tally)
        status, together = Status.FINISHED, self._together()
        with patience() as interrupted, progress_bar(progress, windows, "delay") as advanced:
            for done in range(0, windows, together):
                if not now.move(edges[done : done + together], self.runaway):
                    status = Status.BLOW_UP
                elif interrupted():
                    status = Status.INTERRUPTED
                if status is not Status.FINISHED:
                    break
                advanced(min(done + together, windows))
        return tally.solution(now, status)

    def _together(self) -> int:
        """Windows between two looks at the weights, or, where these are constant, at the keyboard."""
        rates = [c.rule.learning_rate for c in self.connections if c.rule is not None and not c.constant]
        if not rates:
            return LOOK
        return max(1, int(REFRESH / (max(self.trace_rate, *rates) * self.network.delay)))


class _Moving:
    """A state on the move: the arrays that the kernel writes into."""

    def __init__(self, run: _Run, state: LIFState, tally: _Tally) -> None:
        self.run, self.tally, self.t, self.random = run, tally, state.t, state.random.copy()
        nothing = np.zeros(run.network.count)
        tau, V_th, V_r, tau_ref = run.constants[run.kind].T
        self.neurons = np.column_stack([state.V, state.now, run.rest, run.half, tau, V_th, V_r, run.steps])
        rate, size = run.shots if len(run.shots[0]) else (nothing, nothing)
        shot_next = state.shot_next if len(state.shot_next) else nothing
        self.memories = np.column_stack(
            [state.last, nothing, nothing, nothing, state.trace, rate, size, shot_next, tau_ref]
        )
        self.arrivals, self.senders = state.arrivals, state.senders
        self.weights = [w.copy() for w in state.weights]
        self.refreshed = state.t
        connections, count = run.connections, run.network.count
        ends = np.cumsum([0, *(len(c.receivers) for c in connections)])
        rows = [c.first[:-1] + end for c, end in zip(connections, ends, strict=False)]
        self.first = np.concatenate([*rows, ends[-1:]])
        self.targets = np.concatenate([*(c.receivers for c in connections), np.empty(0, dtype=np.int32)])
        self.entries = [slice(*pair) for pair in pairwise(ends)]
        self.per_sender = np.ones(count * len(connections))
        self.per_synapse = np.ones(ends[-1] if any(c.individual for c in connections) else 0)
        self._write()

    def _write(self) -> None:
        """The weights to where the kernel reads them."""
        for p, (c, weights) in enumerate(zip(self.run.connections, self.weights, strict=True)):
            if c.individual:
                self.per_synapse[self.entries[p]] = weights
            else:
                self.per_sender[p * self.run.network.count :][c.pre] = weights

    def move(self, edges: np.ndarray, runaway: float) -> bool:
        """Move everybody from edge to edge, and then the weights; False if the network ran away on the way."""
        run, tally = self.run, self.tally
        times, fired, self.arrivals, self.senders, reached = kernels.windows(
            edges, runaway, run.network.delay, self.arrivals, self.senders, self.neurons, self.memories, tally.settle,
            run.trace_rate, len(run.shots[0]) > 0, self.first, self.targets, self.per_sender, self.per_synapse,
            self.random, *ziggurat(),
        )  # fmt: skip
        tally.add(times, fired)
        self.t = float(edges[reached - 1])
        self.refresh(self.t)
        return bool(reached == len(edges))

    def refresh(self, t: float) -> None:
        """Let the weights follow the traces over the time since this was last done."""
        h, self.refreshed = t - self.refreshed, t
        if h <= 0.0 or all(c.constant for c in self.run.connections):
            return
        last, trace = self.memories[:, 0], self.memories[:, 4]
        traces = trace * np.exp(-self.run.trace_rate * (t - last))
        moved = [c.moved(w, traces, h) for c, w in zip(self.run.connections, self.weights, strict=True)]
        self.weights = moved
        self._write()
        self.tally.weigh(moved, t, h)

    @property
    def moments(self) -> np.ndarray:
        """Numbers of spikes since measuring began, sums of their intervals and of the squares, shape (3, N)."""
        return self.memories[:, 1:4].T

    def state(self) -> LIFState:
        V, now = self.neurons[:, :2].T.copy()
        shot_next = self.memories[:, 7].copy() if len(self.run.shots[0]) else np.empty(0)
        return LIFState(
            self.t, V, now, self.memories[:, 0].copy(), self.memories[:, 4].copy(), shot_next, self.arrivals,
            self.senders, tuple(self.weights), self.random,
        )  # fmt: skip


class _Tally:
    """What is kept of a run."""

    def __init__(
        self, network: SpikingNetwork, t_span: tuple[float, float], settle: float, bins: int, raster: int
    ) -> None:
        self.network, self.t_span, self.settle, self.raster = network, t_span, settle, raster
        self.kind = network.kind
        self.counts = np.zeros((len(network.neurons), bins), dtype=np.int64)
        self.times: list[np.ndarray] = []
        self.fired: list[np.ndarray] = []
        self.weights: list[np.ndarray] = []
        self.weighed = 0.0

    def add(self, times: np.ndarray, fired: np.ndarray) -> None:
        """Spikes, in the order of time."""
        start, end = self.t_span
        bins = self.counts.shape[1]
        place = np.minimum(((times - start) * (bins / (end - start))).astype(np.int64), bins - 1)
        place += bins * self.kind[fired]
        self.counts += np.bincount(place, minlength=self.counts.size).reshape(self.counts.shape)
        if self.raster:
            kept = fired < self.raster
            self.times.append(times[kept])
            self.fired.append(fired[kept])

    def weigh(self, weights: list[np.ndarray], t: float, h: float) -> None:
        """Weights that were held for the time h up to t."""
        h = min(h, t - self.settle)
        if h > 0.0:
            totals = self.weights or [np.zeros_like(w) for w in weights]
            self.weights = [total + h * w for total, w in zip(totals, weights, strict=True)]
            self.weighed += h

    def solution(self, now: _Moving, status: Status) -> LIFSolution:
        duration = now.t - self.settle
        spikes, total, squares = now.moments
        intervals = np.maximum(spikes - 1.0, 0.0)
        means = total / np.maximum(intervals, 1.0)
        spread = np.maximum(squares - intervals * means**2, 0.0)
        variances = np.where(intervals > 1.0, spread / np.maximum(intervals - 1.0, 1.0), 0.0)
        own = (intervals >= FEWEST) & (means > 0.0)
        cv2 = np.where(own, variances / np.where(own, means, 1.0) ** 2, 1.0)
        errors = np.where(spikes > 0.0, np.sqrt(cv2 * spikes + PHASE), 1.0)
        start, end = self.t_span
        edges = np.linspace(start, end, self.counts.shape[1] + 1)
        sizes = np.array([p.stop - p.start for p in self.network.populations])
        reached = int(np.searchsorted(edges, now.t * (1.0 + 1e-12), side="right"))
        none = np.empty(0)
        return LIFSolution(
            t=frozen(edges[:reached]),
            activity=frozen(self.counts[:, : reached - 1] / (sizes[:, None] * (edges[1] - edges[0]))),
            rates=frozen(spikes / duration if duration > 0.0 else spikes),
            rate_errors=frozen(errors / duration if duration > 0.0 else np.full(len(spikes), np.inf)),
            intervals=frozen(intervals.astype(np.int64)),
            interval_means=frozen(means),
            interval_variances=frozen(variances),
            weights=tuple(frozen(w / self.weighed) for w in self.weights) or tuple(map(frozen, now.weights)),
            spikes=SpikeTrains(
                np.concatenate([none, *self.times]),
                np.concatenate([none.astype(np.int32), *self.fired]),
                max(self.raster, 1),
                (start, now.t),
            ),
            settle=self.settle,
            populations=self.network.populations,
            status=status,
            final=now.state(),
        )
