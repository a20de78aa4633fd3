"""The equations of a model once the potential is discrete: what every discretisation in v shares."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, Protocol

import numpy as np

from ..interpolation import RateHistory
from ..models.voltage import VoltageModel
from ..models.wiring import Inputs, one_sided_slope
from ..outcomes import InvalidArgument
from ..state import State
from .evolution import Evolution
from .memory import SLACK, Memory, breaks

if TYPE_CHECKING:
    from ..elements import Elements
    from ..grid import Grid

Change = float | np.ndarray
"""Of a coefficient: a number, or one for each lane."""
CLOSURE_TOLERANCE = 1e-14
CLOSURE_ITERATIONS = 100
SILENT = 1e-3
"""Share of the largest rate below which the others are found to its accuracy."""


class Reset(NamedTuple):
    """The reset rate in a backward-Euler step, S = known + passed N, with held = 1 − passed; each of shape (lanes,)."""

    known: np.ndarray
    passed: np.ndarray
    held: np.ndarray


class Rosenbrock(Protocol):
    """The coefficients of a Rosenbrock method."""

    @property
    def a(self) -> np.ndarray: ...

    @property
    def C(self) -> np.ndarray: ...

    @property
    def gamma(self) -> float: ...


class PopulationSystem(Evolution):
    """The semi-discrete equations of neurons, as a differential-algebraic system M y' = F(y, t).

    y has shape (cells + 2, lanes): the density n of each cell (or node), the refractory pool R, and the rate N, which
    is not differentiated: 0 = e·n − N says that N is exactly what the scheme removes (M = 1, …, 1, 1, 0).

        n' = T n + r S,   R' = e·n − S,   S = e·n | R/τ | N(t − τ)

    T and e of a lane depend on its current c and its diffusion a, and these on the rates of all lanes, at once or after
    a transmission delay. So the Jacobian is T plus two columns, ∂/∂c and ∂/∂a, times what the rates do to c and a. A
    discretisation answers what T and e do, and solves (shift − T) x = y; the rest is here. The buffers belong to this
    object: one system serves one run.
    """

    def __init__(self, model: VoltageModel, grid: Grid | Elements) -> None:
        super().__init__(model, grid)
        self.wiring = model.wiring
        self._separate = self.lanes == 1 or self.wiring.separate
        self.depth, self.latency = model.depth, float(model.latencies.max())
        self._latent = model.latencies > 0.0
        fixed = np.unique(model.latencies[self._latent])
        self._latencies = [(float(latency), model.latencies == latency) for latency in fixed]
        # 1/τ of the pool, none of which is left over without one; a fixed time empties it by other means.
        self._tau = np.where(self._latent, np.inf, model.silence)
        self._leak = np.where(self._tau > 0.0, 1.0 / np.where(self._tau > 0.0, self._tau, 1.0), 0.0)
        self._instant = (self._tau == 0.0).astype(float)
        self._pooled, self._finite = self._tau > 0.0, np.where(self._latent, 1.0, self._tau)
        self._nothing = np.zeros(self.lanes)
        self._late = any(lag > 0.0 for lag in self.wiring.lags)
        self._memory: Memory | None = None
        self._breaks: Iterator[float] = iter(())
        self._next_break = np.inf
        self._since = 0.0
        self._passed, self._kept, self._share = (np.zeros(self.lanes) for _ in range(3))
        self._by_reset, self._by_current, self._by_diffusion = (np.zeros((self.cells, self.lanes)) for _ in range(3))
        self._resolved: Callable[[np.ndarray], np.ndarray] | None = None
        self._arrived: list[np.ndarray] = []

    # -- what a discretisation answers --------------------------------------------------------------------------

    @abstractmethod
    def transport(self, n: np.ndarray, inputs: Inputs, out: np.ndarray) -> np.ndarray:
        """Write T(c, a) n to `out` and return e(c, a)·n, shape (lanes,)."""

    @abstractmethod
    def transport_slope(
        self, n: np.ndarray, inputs: Inputs, current: Change, diffusion: Change, out: np.ndarray
    ) -> np.ndarray:
        """The same for the change of T and e that changes of the current c and of the diffusion a cause."""

    @abstractmethod
    def firing(self, n: np.ndarray, inputs: Inputs) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """e(c, a)·n and its derivatives by c and by a, each of shape (lanes,)."""

    @abstractmethod
    def deposit(self, out: np.ndarray, source: np.ndarray) -> None:
        """Add r S for the reset rate `source`, shape (lanes,)."""

    @abstractmethod
    def eliminate(self, inputs: Inputs, shift: Change) -> None:
        """Prepare `substitute` and `emitted` for shift − T(c, a), where every lane may have a shift of its own."""

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
    def transport_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the density positive if the scheme is."""

    # -- the equations ------------------------------------------------------------------------------------------

    def inputs(self, y: np.ndarray, t: float) -> Inputs:
        """Current and diffusion of every lane."""
        return self.inputs_at(y[-1], t)

    def inputs_at(self, rate: np.ndarray, t: float) -> Inputs:
        """The same for the rates N(t)."""
        return self.wiring.inputs(self._arriving(rate, t), t)

    def steady_inputs(self, rate: np.ndarray, t: float) -> Inputs:
        """The same for rates that have been N for as long as anything looks back."""
        return self.wiring.inputs([rate] * len(self.wiring.lags), t)

    def _arriving(self, rate: np.ndarray, t: float) -> list[np.ndarray]:
        """N(t − d) for every transmission delay d."""
        return [self._recalled(t, lag) if lag else rate for lag in self.wiring.lags]

    def residual(self, y: np.ndarray, t: float, out: np.ndarray) -> np.ndarray:
        """F(y, t), written to `out`."""
        fired = self.transport(y[:-2], self.inputs(y, t), out[:-2])
        source = self._instant * fired + self._leak * y[-2] + self._returning(t)
        out[-2], out[-1] = fired - source, fired - y[-1]
        self.deposit(out[:-2], source)
        return out

    def time_derivative(self, y: np.ndarray, t: float, dt: float) -> np.ndarray | None:
        """∂F/∂t at the start of a step, or None when the equation does not depend on time."""
        wiring = self.wiring
        if not (wiring.time_dependent or self._late or self.latency):
            return None
        # One-sided, of second order and within the step: I(t) need not be defined outside the run.
        h = min(0.5 * dt, 1e-5)
        times = [t + k * h for k in range(3)]
        arriving = self._arriving(y[-1], t)
        late = [one_sided_slope([self._recalled(s, lag) for s in times], h) if lag else None for lag in wiring.lags]
        current, diffusion = wiring.change(arriving, late)
        out = np.zeros(self.shape)
        inputs = wiring.inputs(arriving, t)
        fired = self.transport_slope(y[:-2], inputs, current + wiring.external_slope(t, h), diffusion, out[:-2])
        source = self._instant * fired
        if self.latency:
            source = source + one_sided_slope([self._returning(s) for s in times], h)
        self.deposit(out[:-2], source)
        out[-2], out[-1] = fired - source, fired
        return out

    def explicit_limit(self, y: np.ndarray, t: float) -> float:
        """Longest step for which explicit Euler keeps the density and the pool positive if the scheme is."""
        pools = self._tau[self._leak > 0.0]
        return min(self.transport_limit(y, t), float(pools.min(initial=np.inf)))

    def _returning(self, t: float) -> np.ndarray:
        """S(t) = N(t − τ) of the lanes whose refractory time τ is fixed."""
        if not self.latency:
            return self._nothing
        back = np.zeros(self.lanes)
        for latency, mine in self._latencies:
            back[mine] = self._recalled(t, latency)[mine]
        return back

    # -- linear algebra -----------------------------------------------------------------------------------------

    def factor(self, y: np.ndarray, t: float, shift: Change) -> None:
        """Prepare `solve` for the matrix shift·M − ∂F/∂y at (y, t); lanes that are separate may have their own shifts.

        With k = ∂(T n)/∂c and η = ∂(e·n)/∂c at fixed density, δc = J u_N, and the same for a, the linearised equations
        give in every lane

            u_n = x + z δc + z_r u_N,   (1 − e z_r) u_N − (η + e z) J u_N = e x + ρ_N,

        where (shift − T) x = ρ_n + r p (ρ_R − ρ_N), (shift − T) z = k, (shift − T) z_r = r p, and p is the share
        1/(1 + τ shift) of what fires that is reset within the step. What arrives late does not depend on y: no δc.
        """
        inputs = self.inputs(y, t)
        self.eliminate(inputs, shift)
        self._passed = 1.0 / (1.0 + self._tau * shift)
        self._kept = np.where(self._pooled, 1.0 / (self._leak + shift), 0.0)
        self._arrived = self._arriving(y[-1], t)
        if self._separate and self.wiring.prompt:
            # The changes of c and a, and what is reset, are multiples of one rate: one column instead of three.
            change = self.wiring.change(self._arrived, self._prompt_change(np.ones(self.lanes)))
            eta: Change = self.transport_slope(y[:-2], inputs, change.current, change.diffusion, self._by_reset)
        else:
            self._by_reset[...] = eta = 0.0
        self.deposit(self._by_reset, self._passed)
        self.substitute(self._by_reset)
        self._share = 1.0 - (eta + self.emitted(self._by_reset))
        self._resolved = None
        if self._separate or not self.wiring.prompt or not np.all(self._share > 0.0):
            return
        gains = [np.zeros(self.lanes), np.zeros(self.lanes)]
        responses = [(self._by_current, (1.0, 0.0)), (self._by_diffusion, (0.0, 1.0))]
        for k, (response, by) in enumerate(responses if self.wiring.noisy else responses[:1]):
            eta = self.transport_slope(y[:-2], inputs, *by, response)
            self.substitute(response)
            gains[k] = (eta + self.emitted(response)) / self._share
        self._resolved = self.wiring.resolved(self._arrived, *gains)

    def solve(self, u: np.ndarray) -> np.ndarray:
        """Solve (shift·M − ∂F/∂y) u = u in place, with the matrix of the last `factor`."""
        self.deposit(u[:-2], self._passed * (u[-2] - u[-1]))
        self.substitute(u[:-2])
        rate = (self.emitted(u[:-2]) + u[-1]) / self._share
        if not self._separate and self.wiring.prompt:
            if self._resolved is None:  # the step is too long for these rates: its error is to say so
                u[...] = np.nan
                return u
            rate = self._resolved(rate)
            current, diffusion = self.wiring.change(self._arrived, self._prompt_change(rate))
            u[:-2] += self._by_current * current
            if self.wiring.noisy:
                u[:-2] += self._by_diffusion * diffusion
        u[-2] = (u[-2] + rate - u[-1]) * self._kept
        u[-1] = rate
        u[:-2] += self._by_reset * rate
        return u

    def _prompt_change(self, rate: np.ndarray) -> list[np.ndarray | None]:
        """A change of the rates, where it acts at once."""
        return [None if lag else rate for lag in self.wiring.lags]

    def implicit_step(self, y: np.ndarray, t: float, dt: float) -> np.ndarray:
        """One backward-Euler step to time t with the coefficients of the old rate y[-1]; firing and reset implicit."""
        new = y.copy()
        reset = self._reset_within(y, t, dt)
        rate, source = self.implicit_density(new[:-2], self.inputs(y, t), dt, reset)
        pool = y[-2] + dt * rate
        # After a fixed time a pool that has run empty is zero up to the rounding of what went in and out.
        new[-2] = pool * reset.held
        if self.latency:
            new[-2, self._latent] = (pool - dt * source)[self._latent]
        new[-1] = rate
        return new

    def implicit_density(self, n: np.ndarray, inputs: Inputs, dt: float, reset: Reset) -> tuple[np.ndarray, np.ndarray]:
        """Advance n in place by one backward-Euler step; return N and S."""
        self.eliminate(inputs, 1.0 / dt)
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

    def rate_correction(self, new: np.ndarray, t: float, dt: float, excess: np.ndarray) -> np.ndarray:
        """The change of the rates by Newton's method, where a step to `new` fires `excess` more than they say."""
        if not self.wiring.prompt:
            return excess
        self.factor(new, t, 1.0 / dt)
        return excess if self._resolved is None else self._resolved(excess)

    def _reset_within(self, y: np.ndarray, t: float, dt: float) -> Reset:
        """What comes back in a backward-Euler step to t."""
        whole = self._finite + dt
        known, passed, held = np.where(self._pooled, y[-2], 0.0) / whole, dt / whole, self._finite / whole
        for latency, mine in self._latencies:
            assert self._memory is not None
            # What comes back in the step fired one duration earlier, a part of it perhaps within this very step.
            known[mine] = self._memory.fired(t - dt - latency, min(t - latency, t - dt))[mine] / dt
            passed[mine], held[mine] = max(dt - latency, 0.0) / dt, min(latency / dt, 1.0)
        return Reset(known, passed, held)

    def close(self, y: np.ndarray, t: float) -> bool:
        """Set y[-1] to the rates N that solve N = e(N, t)·n; False (and y unchanged) if there are none.

        e is convex in N, so with one lane Newton's iteration from N = 0 climbs to the smallest root; it meets a slope
        ≥ 0 of e·n − N only if there is no root: the density at V_F has reached 1/b, or a1 |∂v n| has reached 1. Of
        several lanes the root is the one that Newton's iteration reaches from the last rates, or else from zero.
        """
        if not self.wiring.prompt:
            y[-1] = self.firing(y[:-2], self.inputs(y, t))[0]
            return True

        def newton(rate: np.ndarray) -> np.ndarray | None:
            for _ in range(CLOSURE_ITERATIONS):
                arriving = self._arriving(rate, t)
                fired, *slopes = self.firing(y[:-2], self.wiring.inputs(arriving, t))
                if not np.all(np.isfinite(fired)):
                    return None
                resolved = self.wiring.resolved(arriving, *slopes)
                if resolved is None:
                    return None
                change = resolved(fired - rate)
                rate = rate + change
                # The rates of silent lanes are known no better than the others allow.
                size = np.maximum(np.abs(rate), SILENT * np.max(np.abs(rate)))
                if np.all(np.abs(change) <= CLOSURE_TOLERANCE * size + 1e-300):
                    return rate
            return rate if np.all(np.abs(change) <= 1e-10 * size) else None

        rate = newton(y[-1])
        if rate is None:
            rate = newton(np.zeros(self.lanes))
        if rate is None:
            return False
        y[-1] = rate
        return True

    def rosenbrock_lanes(
        self, y: np.ndarray, dt: np.ndarray, method: Rosenbrock, rtol: float, atol: float
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
        """A step of its own length dt in every lane, where there are compiled loops for it, else None.

        The new y but for the final closure of its rates; the norm of its error, see `Tolerance.norms`, shape (lanes,);
        and the increments of the rate, shape (stages, lanes).
        """
        return None

    def close_lanes(self, y: np.ndarray, t: float, wanted: np.ndarray) -> np.ndarray:
        """`close` for lanes that are separate: which of the `wanted` have a rate; y[-1] is set in these.

        Both arrays of bool have the shape (lanes,).
        """
        found = np.zeros(self.lanes, dtype=bool)
        for start in (y[-1].copy(), np.zeros(self.lanes)):
            rate, reached = self._newton_of_lanes(y, start, t, wanted & ~found)
            y[-1] = np.where(reached, rate, y[-1])
            found |= reached
            if np.all(found == wanted):
                break
        return found

    def _newton_of_lanes(
        self, y: np.ndarray, rate: np.ndarray, t: float, alive: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Newton's iteration for N = e(N)·n in every lane `alive` by itself: where it ended, and where at a root."""
        gain = self.wiring.change([rate], [np.ones(self.lanes)])
        settled, change = np.zeros(self.lanes, dtype=bool), np.full(self.lanes, np.inf)
        for _ in range(CLOSURE_ITERATIONS):
            before = np.abs(change)
            fired, by_current, by_diffusion = self.firing(y[:-2], self.wiring.inputs([rate], t))
            slope = 1.0 - by_current * gain.current - by_diffusion * gain.diffusion
            alive = alive & np.isfinite(fired) & (slope > 0.0)
            change = np.where(alive & ~settled, (fired - rate) / np.where(alive, slope, 1.0), 0.0)
            rate = rate + change
            size, moved = np.abs(rate), np.abs(change)
            # Close to the root each change is far smaller than the one before, until rounding is all that is left.
            rounding = (moved <= 1e-10 * size) & (moved >= 0.1 * before)
            settled |= alive & ((moved <= CLOSURE_TOLERANCE * size + 1e-300) | rounding)
            if np.all(settled | ~alive):
                break
        return rate, settled

    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        """How much further than expected the rise of N within one step moves a neuron, over the way from V_R to V_F.

        A step to t that resolves the activity keeps this small; for a lagged rate it is the error of the lag.
        """
        if not self.wiring.prompt:  # nothing is lagged but what is late
            return np.zeros(self.lanes)
        gap = self.model.V_F - self.model.V_R
        rise = self._prompt_change(new[-1] - old[-1])
        current, diffusion = self.wiring.change(self._arriving(new[-1], t), rise)
        return dt * np.maximum(np.maximum(current / gap, diffusion / gap**2), 0.0)

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
            self._breaks = breaks(self._memory.jumps, self.model.lags, smoothing=not self._jumps_for_ever)
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
        self._memory.accept(dt, t, y[-1], tuple(k[-1].copy() for k in bend))
        if not self._jumps_for_ever or abs(t - self._next_break) > SLACK * self.depth:
            return False
        self._since = t
        self.close(y, t)
        self._memory.jump(y[-1])
        return True

    @property
    def _jumps_for_ever(self) -> bool:
        """Whether the noise follows the delayed rate: then N(t) ~ a(N(t − d)), and a jump comes back undiminished."""
        return self._late and self.wiring.noisy

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

    def final(self, y: np.ndarray, t: float) -> State:
        """The State from which another run can go on."""
        state = self.unpack(y, t)
        history = None if self._memory is None else self._memory.history(self.model.structured)
        return replace(state, history=history)

    def mass(self, y: np.ndarray) -> np.ndarray:
        """∫ n dv + R of each lane."""
        return super().mass(y) + y[-2]

    def edge(self, y: np.ndarray) -> float:
        """At v_min, and where neurons can exceed V_F at v_max too."""
        return max(float(np.abs(y[0]).max()), super().edge(y) if self.model.open else 0.0)

    def truncation(self, mass: float) -> str:
        return (
            f"A mass of up to {mass:.1e} would lie beyond the ends of the grid, "
            f"{self.grid.v_min:.6g} and {self.grid.v_max:.6g}; use a grid with a lower v_min"
            + (" or a higher v_max." if self.model.open else ".")
        )

    def reproduction(self, trace: np.ndarray) -> float:
        """b n(V_F) where the rate acts at once."""
        return self.wiring.reproduction(trace)

    @cached_property
    def presses(self) -> bool:
        return bool(self.wiring.push().max() > 0.0)

    @property
    def lost(self) -> str:
        return " (no finite rate satisfies N = e(N) n; use a finer grid near V_F)"

    def unsolvable(self, state: State) -> str:
        """Why a datum has no rate. Refuses a1 |∂v n0(V_F)| ≥ 1, for which N = a0 g/(1 − a1 g) does not exist."""
        nearest = np.atleast_2d(state.density)[:, -1]
        slopes = nearest / (state.grid.v_max - state.grid.v[-1])
        silent = [np.zeros(self.lanes)] * len(self.wiring.lags)
        by_rate = self.wiring.change(silent, [None if lag else slopes for lag in self.wiring.lags])
        steepest = float(np.max(by_rate.diffusion, initial=0.0))
        if steepest >= 1.0:
            raise InvalidArgument(
                f"`initial` has a1 |∂v n(V_F)| = {steepest:.3g} ≥ 1, for which the rate "
                f"N = a0 g/(1 − a1 g) does not exist; use a less concentrated fp.compatible_gaussian(mean, variance)."
            )
        return (
            f" (b n(V_F) = {self.reproduction(nearest):.3g} in the cell next to V_F: from 1 on no finite rate "
            f"satisfies N = e(N) n. If it falls below 1 on a finer grid, use that one; if not, this datum blows up at "
            f"once)"
        )


def mass_below(n: Change, mu: Change, a: Change) -> np.ndarray:
    """Mass beyond the lower end, where the density is n: that of a tail falling like e^{−|μ| x/a}, or a Gaussian's."""
    return np.abs(n) * a / np.maximum(np.maximum(np.abs(mu), np.sqrt(np.maximum(a, 0.0))), 1e-300)


def mass_above(n: Change, mu: Change, a: Change, hazard: Change) -> np.ndarray:
    """Mass beyond the upper end, where a hazard k lets the density fall like e^{−λx}, λ = 2k/(μ + √(μ² + 4ak))."""
    k = np.maximum(hazard, 1e-300)
    return np.abs(n) * (mu + np.sqrt(mu**2 + 4.0 * np.maximum(a, 0.0) * k)) / (2.0 * k)
