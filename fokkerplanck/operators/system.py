"""The equations of a population once the potential is discrete: what every discretisation in v shares."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, NamedTuple

import numpy as np

from ..interpolation import RateHistory
from ..models.population import Population
from ..state import State
from .memory import SLACK, Memory, breaks

if TYPE_CHECKING:
    from ..elements import Elements
    from ..grid import Grid

Change = float | np.ndarray
"""Of a coefficient: a number, or one for each lane."""
CLOSURE_TOLERANCE = 1e-14
CLOSURE_ITERATIONS = 100


class Reset(NamedTuple):
    """The reset rate in a backward-Euler step, S = known + passed N, with held = 1 − passed; each of shape (lanes,)."""

    known: np.ndarray
    passed: np.ndarray
    held: np.ndarray


class PopulationSystem(ABC):
    """The semi-discrete equations, as a differential-algebraic system M y' = F(y, t).

    y has shape (cells + 2, lanes): the density n of each cell (or node), the refractory pool R, and the rate N, which
    is not differentiated: 0 = e·n − N says that N is exactly what the scheme removes (M = 1, …, 1, 1, 0).

        n' = T n + r S,   R' = e·n − S,   S = e·n | R/τ | N(t − τ)

    T and e depend on the activity A, which is N, or N(t − d) with a transmission delay. So the Jacobian is T plus one
    column times a row. A discretisation answers what T and e do, and solves (shift − T) x = y; the rest is here.
    The buffers belong to this object: one system serves one run.
    """

    undershoot: ClassVar[float] = 1e-6
    """A density below minus this share of its peak is no rounding or tolerance effect, and is reported."""

    def __init__(self, model: Population, grid: Grid | Elements) -> None:
        self.model, self.grid = model, grid
        self.cells, self.lanes, self.width = grid.cells, model.lanes, grid.width
        self.delay, self.latency, self.depth = model.coupling.delay, model.latency, model.depth
        # 1/τ of the pool, none of which is left over without one; a fixed time empties it by other means.
        self._tau = np.full(self.lanes, np.inf if self.latency else model.refractory.mean_duration)
        self._leak = np.where(self._tau > 0.0, 1.0 / np.where(self._tau > 0.0, self._tau, 1.0), 0.0)
        self._prompt = (self._tau == 0.0).astype(float)
        self._memory: Memory | None = None
        self._breaks: Iterator[float] = iter(())
        self._next_break = np.inf
        self.breaks_met: list[float] = []
        self._since = 0.0
        self._passed, self._kept, self._gain = (np.zeros(self.lanes) for _ in range(3))
        self._response = np.zeros((self.cells, self.lanes))

    @property
    def shape(self) -> tuple[int, int]:
        """Shape of y."""
        return self.cells + 2, self.lanes

    # -- what a discretisation answers --------------------------------------------------------------------------

    @abstractmethod
    def transport(self, n: np.ndarray, activity: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        """Write T(A, t) n to `out` and return e(A, t)·n, shape (lanes,)."""

    @abstractmethod
    def transport_slope(
        self, n: np.ndarray, activity: np.ndarray, t: float, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        """The same for the change of T and e that changes of the current c and of the diffusion a cause."""

    @abstractmethod
    def firing(self, n: np.ndarray, activity: np.ndarray, t: float) -> tuple[np.ndarray, np.ndarray]:
        """e(A, t)·n and its derivative by A, each of shape (lanes,)."""

    @abstractmethod
    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        """Add r S for the reset rate `source`, shape (lanes,)."""

    @abstractmethod
    def eliminate(self, activity: np.ndarray, t: float, shift: float) -> None:
        """Prepare `substitute` and `emitted` for shift − T(A, t)."""

    @abstractmethod
    def substitute(self, u: np.ndarray) -> None:
        """Solve (shift − T) u = u in place, as prepared."""

    @abstractmethod
    def emitted(self, u: np.ndarray) -> np.ndarray:
        """e·u, as prepared."""

    @abstractmethod
    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        """Spacing at V_F over the thickness a/μ of the boundary layer that the drift presses against it."""

    @abstractmethod
    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """Estimate of the mass that lies beyond the ends of the grid."""

    @abstractmethod
    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        """What gave a density as negative as `smallest` at (y, t), and what to do about it."""

    @abstractmethod
    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the density positive if the scheme is."""

    # -- the equations ------------------------------------------------------------------------------------------

    def activity(self, y: np.ndarray, t: float) -> np.ndarray:
        """A(t), the rate that drift and noise depend on."""
        return self._recalled(t, self.delay) if self.delay else y[-1]

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        """F(y, t), written to `out`."""
        fired = self.transport(y[:-2], self.activity(y, t), t, out[:-2])
        source = self._prompt * fired + self._leak * y[-2] + self._returning(t)
        out[-2], out[-1] = fired - source, fired - y[-1]
        self.deposit(out[:-2], source)
        return out

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None:
        """∂F/∂t at the start of a step, or None when the equation does not depend on time."""
        coupling = self.model.coupling
        if not (coupling.time_dependent or self.delay or self.latency):
            return None
        # One-sided, of second order and within the step: I(t) need not be defined outside the run.
        h = min(0.5 * dt, 1e-5)

        def slope(values: list[np.ndarray]) -> np.ndarray:
            return (4.0 * values[1] - 3.0 * values[0] - values[2]) / (2.0 * h)

        times = [t + k * h for k in range(3)]
        arriving = slope([self._recalled(s, self.delay) for s in times]) if self.delay else np.zeros(self.lanes)
        external = slope([np.full(self.lanes, coupling.external_at(s)) for s in times])
        current, diffusion = coupling.gain * arriving + external, self.model.noise.gain * arriving
        out = np.zeros(self.shape)
        fired = self.transport_slope(y[:-2], self.activity(y, t), t, current, diffusion, out[:-2])
        source = self._prompt * fired
        if self.latency:
            source = slope([self._returning(s) for s in times])
        self.deposit(out[:-2], source)
        out[-2], out[-1] = fired - source, fired
        return out

    def explicit_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the density and the pool positive if the scheme is."""
        pools = self._tau[self._leak > 0.0]
        return min(self.transport_limit(y, t), float(pools.min(initial=np.inf)))

    def _returning(self, t: float) -> np.ndarray:
        """S(t) = N(t − τ) after a refractory time of fixed length."""
        return self._recalled(t, self.latency) if self.latency else np.zeros(self.lanes)

    # -- linear algebra -----------------------------------------------------------------------------------------

    def factor(self, y: np.ndarray, t: float, shift: float) -> None:
        """Prepare `solve` for the matrix shift·M − ∂F/∂y at (y, t).

        With k = ∂(T n)/∂A and η = ∂(e·n)/∂A at fixed density, the linearised equations give

            u_N = (e x + ρ_N)/(1 − η − e z),   u_n = x + z u_N,

        where (shift − T) x = ρ_n + r p (ρ_R − ρ_N), (shift − T) z = k + r p, and p is the share 1/(1 + τ shift) of what
        fires that is reset within the step. A delayed A does not depend on y: k = 0, η = 0.
        """
        activity = self.activity(y, t)
        self.eliminate(activity, t, shift)
        self._passed = 1.0 / (1.0 + self._tau * shift)
        self._kept = np.where(self._tau > 0.0, 1.0 / (self._leak + shift), 0.0)
        gains = (0.0, 0.0) if self.delay else (self.model.coupling.gain, self.model.noise.gain)
        eta = self.transport_slope(y[:-2], activity, t, *gains, self._response)
        self.deposit(self._response, self._passed)
        self.substitute(self._response)
        self._gain = eta + self.emitted(self._response)

    def solve(self, u: np.ndarray) -> np.ndarray:
        """Solve (shift·M − ∂F/∂y) u = u in place, with the matrix of the last `factor`."""
        self.deposit(u[:-2], self._passed * (u[-2] - u[-1]))
        self.substitute(u[:-2])
        rate = (self.emitted(u[:-2]) + u[-1]) / (1.0 - self._gain)
        u[-2] = (u[-2] + rate - u[-1]) * self._kept
        u[-1] = rate
        u[:-2] += self._response * rate
        return u

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray:
        """One backward-Euler step to time t with the coefficients of the old rate y[-1]; firing and reset implicit."""
        new = y.copy()
        reset = self._reset_within(y, t, dt)
        rate, source = self.implicit_density(new[:-2], self.activity(y, t), t, dt, reset)
        pool = y[-2] + dt * rate
        # After a fixed time a pool that has run empty is zero up to the rounding of what went in and out.
        new[-2] = pool - dt * source if self.latency else pool * reset.held
        new[-1] = rate
        return new

    def implicit_density(
        self, n: np.ndarray, activity: np.ndarray, t: float, dt: float, reset: Reset
    ) -> tuple[np.ndarray, np.ndarray]:
        """Advance n in place by one backward-Euler step to t; return N and S."""
        self.eliminate(activity, t, 1.0 / dt)
        before = self.width @ n
        n /= dt
        response = np.zeros_like(n)
        self.deposit(response, np.ones(self.lanes))
        self.substitute(n)
        self.substitute(response)
        # Not e·n: the rate is what the masses say, so that the rounding of the solves leaves no trace in their sum.
        content = self.width @ response
        gone = before - self.width @ n
        rate = (gone + reset.known * (dt - content)) / (reset.passed * content + dt * reset.held)
        source = reset.known + reset.passed * rate
        n += response * source
        return rate, source

    def _reset_within(self, y: np.ndarray, t: float, dt: float) -> Reset:
        """What comes back in a backward-Euler step to t."""
        if not self.latency:
            whole = self._tau + dt
            return Reset(np.where(self._tau > 0.0, y[-2], 0.0) / whole, dt / whole, self._tau / whole)
        assert self._memory is not None
        # What comes back in the step fired one duration earlier, a part of it perhaps within this very step.
        passed = max(dt - self.latency, 0.0) / dt
        known = self._memory.fired(t - dt - self.latency, min(t - self.latency, t - dt)) / dt
        return Reset(known, np.full(self.lanes, passed), np.full(self.lanes, min(self.latency / dt, 1.0)))

    def close(self, y: np.ndarray, t: float) -> bool:
        """Set y[-1] to the rate N that solves N = e(N, t)·n; False (and y unchanged) if there is none.

        e is convex in N, so Newton's iteration from N = 0 climbs to the smallest root; it meets a slope ≥ 0 of
        e·n − N only if there is no root: the density at V_F has reached 1/b, or a1 |∂v n| has reached 1.
        """
        if self.delay:
            y[-1] = self.firing(y[:-2], self.activity(y, t), t)[0]
            return True

        def newton(rate: np.ndarray) -> np.ndarray | None:
            for _ in range(CLOSURE_ITERATIONS):
                fired, by_rate = self.firing(y[:-2], rate, t)
                slope = 1.0 - by_rate
                if np.any(slope <= 0.0) or not np.all(np.isfinite(fired)):
                    return None
                change = (fired - rate) / slope
                rate = rate + change
                if np.all(np.abs(change) <= CLOSURE_TOLERANCE * np.abs(rate) + 1e-300):
                    return rate
            return rate if np.all(np.abs(change) <= 1e-10 * np.abs(rate)) else None

        rate = newton(y[-1])
        if rate is None:
            rate = newton(np.zeros(self.lanes))
        if rate is None:
            return False
        y[-1] = rate
        return True

    def surge(self, old: np.ndarray, new: np.ndarray, dt: float) -> np.ndarray:
        """How much further than expected the rise of N within one step moves a neuron, over the way from V_R to V_F.

        A step that resolves the activity keeps this small; for a lagged rate it is the error of the lag.
        """
        if self.delay:  # nothing is lagged but what is late
            return np.zeros(self.lanes)
        gap = self.model.V_F - self.model.V_R
        coupling, noise = self.model.coupling, self.model.noise
        return (new[-1] - old[-1]) * dt * max(coupling.gain / gap, noise.gain / gap**2, 0.0)

    # -- the past -----------------------------------------------------------------------------------------------

    def remember(self, past: RateHistory) -> None:
        """Give the rates before the start of the run; a model that does not look back needs none."""
        if self.depth:
            self._memory = Memory(past, self.depth, self.lanes)
            self._since = self._memory.now

    def begin(self, y: np.ndarray, t: float) -> None:
        """The rate at the start is known; it may differ from that of the past."""
        if self._memory is not None:
            self._memory.jump(y[-1])
            lags = tuple(sorted({lag for lag in (self.delay, self.latency) if lag}))
            self._breaks = breaks(self._memory.jumps, lags, smoothing=not self._jumps_for_ever)
            self._next_break = next(self._breaks, np.inf)

    def forget_past(self) -> None:
        """The past is not what a history of rates can say: the last state is not to remember it."""
        self._memory = None

    def start_step(self, t: float) -> None:
        """A step from t is about to be made: of a jump at its ends it sees its own side."""
        self._since = t

    def accept(self, y: np.ndarray, t: float, dt: float, bend: tuple[np.ndarray, ...]) -> bool:
        """The step of length dt that ended with y at t is past. True if N jumps there, and y[-1] with it."""
        if self._memory is None:
            return False
        self._memory.accept(dt, t, y[-1], tuple(k[-1] for k in bend))
        if not self._jumps_for_ever or abs(t - self._next_break) > SLACK * self.depth:
            return False
        self._since = t
        self.close(y, t)
        self._memory.jump(y[-1])
        return True

    @property
    def _jumps_for_ever(self) -> bool:
        """Whether the noise follows the delayed rate: then N(t) ~ a(N(t − d)), and a jump comes back undiminished."""
        return self.delay > 0.0 and self.model.noise.gain > 0.0

    def next_break(self, t: float) -> float:
        """The next time at which a derivative of the solution jumps; an accurate step ends there."""
        while self._next_break <= t + SLACK * self.depth:
            self.breaks_met.append(self._next_break)
            self._next_break = next(self._breaks, np.inf)
        return self._next_break

    def foreseen(self, dt: float, old: np.ndarray, new: np.ndarray, bend: tuple[np.ndarray, ...]) -> np.ndarray | None:
        """By how much the rates of a step differ from those it had to foresee, shape (lanes,); None if it had none."""
        if self._memory is None or not self._memory.looked_ahead:
            return None
        return self._memory.foreseen(dt, old[-1], new[-1], tuple(k[-1] for k in bend))

    def forget_attempt(self) -> None:
        """A step of another length is tried from the same time."""
        if self._memory is not None:
            self._memory.forget_attempt()

    def _recalled(self, t: float, lag: float) -> np.ndarray:
        """N(t − lag)."""
        assert self._memory is not None, "a system with a delay needs `remember` first"
        return self._memory.at(t - lag, self._since - lag)

    # -- to and from the user's objects -------------------------------------------------------------------------

    def pack(self, density: np.ndarray, refractory: float = 0.0, rate: float = 0.0) -> np.ndarray:
        """y of a single population."""
        y = np.empty(self.shape)
        y[:-2] = density[:, None]
        y[-2], y[-1] = refractory, rate
        return y

    def unpack(self, y: np.ndarray, t: float) -> State:
        """The State of a single population."""
        return State(t, self.grid, y[:-2, 0].copy(), float(y[-1, 0]), float(y[-2, 0]))

    def final(self, y: np.ndarray, t: float) -> State:
        """The State from which another run can go on."""
        state = self.unpack(y, t)
        history = None if self._memory is None else self._memory.history()
        return State(t, state.grid, state.density, state.rate, state.refractory, history)

    def mass(self, y: np.ndarray) -> np.ndarray:
        """∫ n dv + R of each lane."""
        return self.width @ y[:-2] + y[-2]


def mass_below(n: np.ndarray, mu: Change, a: Change) -> np.ndarray:
    """Mass beyond the lower end, where the density is n: that of a tail falling like e^{−|μ| x/a}, or a Gaussian's."""
    return np.abs(n) * a / np.maximum(np.maximum(np.abs(mu), np.sqrt(np.maximum(a, 0.0))), 1e-300)


def mass_above(n: np.ndarray, mu: Change, a: Change, hazard: Change) -> np.ndarray:
    """Mass beyond the upper end, where a hazard k lets the density fall like e^{−λx}, λ = 2k/(μ + √(μ² + 4ak))."""
    k = np.maximum(hazard, 1e-300)
    return np.abs(n) * (mu + np.sqrt(mu**2 + 4.0 * np.maximum(a, 0.0) * k)) / (2.0 * k)
