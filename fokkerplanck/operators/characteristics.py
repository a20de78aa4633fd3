"""Cells that grow older together: the time-elapsed model along its characteristics s − t = const.

A step is as long as a cell is wide, so that every cell hands its survivors to the next one and nothing is smeared. With
the age faces f_i and the survival S(s) = exp(−∫ p) at the activity of the step,

    m_{i+1}⁺ = m_i A_{i+1}/A_i,   A_i = ∫ S ds over cell i,   m_0⁺ = D = Σ m_i − Σ m_{i+1}⁺,   N = D/A_0.

What leaves is what is born, so the mass is kept to rounding; nothing becomes negative. The ratios are exact wherever n
is a multiple of S within a cell: stationary states of the model are those of the scheme, with the same N. The last cell
stands for [f, ∞), with the hazard at the end of the grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple

import numpy as np

from ..grid import HalfLine
from ..models.elapsed import TimeElapsed
from ..outcomes import InvalidArgument
from ..state import State
from .evolution import Evolution
from .memory import Memory

if TYPE_CHECKING:
    from ..interpolation import RateHistory
    from ..models.model import Model
    from ..state import InitialDensity

UNEQUAL = 1e-9
"""Relative difference of widths that counts as one."""
WHOLE = 2e-6
"""A step this close to the width of a cell is a whole one: the time loop stretches its last step that far."""
SETTLED, SOLVED = 1e-14, 1e-9
"""Difference of X and what it causes, relative to them: sought, and largest accepted."""
ITERATIONS = 400
OVERSHOOT, LONGEST_LEAP, LONGER = 1.2, 20.0, 1.5
"""The zero that a secant foresees is passed by a fifth, to bracket it; but no leap is longer than that many times the
step of the plain iteration, lest a pair of solutions be jumped over. The limit grows by the third number from leap to
leap, or a nearly double solution would be crept up to."""
JUMP = 1e-7
"""Relative difference of the rates before and after a time that is a jump, brought by the delay from an earlier one."""
BOUNDLESS = 1e12
"""Times the rates at the start, or 1: from there on the activity runs away for ever."""
AT_ONCE = 40.0
"""∫ p over a step that nobody survives."""
NOBODY = 1e-14
"""A mass in the last cell for which it makes no difference what happens to it."""
FEW, WELL = 3.0, 0.1
"""Cells in the time of a run from which on it can be resolved at all; width, over the ages in which the hazard changes,
up to which these are resolved well."""
RUN_AWAY = 2.0
"""Growth of the difference on the way to a solution that tells a jump from following it."""


@dataclass(frozen=True)
class Characteristics:
    """Exact ageing: each step moves every cell of ages to the next one, times the share that survives.

    Order 2 in the cell width where n and p are smooth; exact in N where n is a multiple of the survival function within
    each cell. Positive; keeps the mass. Steps are as long as a cell is wide; a shorter one (the last of a run, or with
    `max_step`) is upwind of that Courant number.

    Source: characteristics of the renewal equation; upwind, and when N is continuous: Sepúlveda, Torres, Villada,
    arXiv:2310.02068.

    >>> Characteristics().order
    2
    """

    order: ClassVar[int] = 2
    explicit: ClassVar[bool] = False

    @property
    def gain(self) -> float:
        return float(2**self.order)

    def default_grid(self, model: Model, datum: InitialDensity, t_span: tuple[float, float], reach: float = 1.0) -> Any:
        return model.default_grid(datum, t_span, reach)

    def discretize(self, model: Model, grid: Any) -> AgeCells:
        if not isinstance(model, TimeElapsed):
            raise InvalidArgument(f"`scheme` = {self!r} is for fp.time_elapsed(...), not for {model!r}; leave it out.")
        return AgeCells(model, grid)


class Law(NamedTuple):
    """What a hazard does to every cell within a step, at one input."""

    survival: np.ndarray
    """Share of each cell that reaches the next; of the last one, that stays in it."""
    rate: np.ndarray
    """Mean of p over each cell, weighted with the survival function."""
    newborn: float
    """A_0."""


class AgeCells(Evolution):
    """The masses of cells of ages, moved along the characteristics; y as in `Evolution`, with R = X."""

    def __init__(self, model: TimeElapsed, grid: HalfLine) -> None:
        super().__init__(model, grid)
        self.step_width = float(grid.width[0])
        if np.any(np.abs(grid.width[:-1] - self.step_width) > UNEQUAL * self.step_width):
            raise InvalidArgument(
                "`grid` must have cells of equal width, for ages; build it with model.grid(cells=...)."
            )
        # The last cell stands for all older ages, so that its own width does not matter.
        self._faces = self.step_width * np.arange(grid.cells + 1)
        self._laws: tuple[float, Law] | None = None
        self._memory: Memory | None = None
        self._start = model.start
        self.jumps: list[float] = []
        self._boundless = False
        self._began = self._now = 0.0

    # -- the law at one input -----------------------------------------------------------------------------------------

    def law(self, X: float) -> Law:
        """Survival and rates of the cells at the activity X; the last one asked for is kept."""
        x = self.model.input(X) if self.model.couples else 0.0
        if self._laws is None or self._laws[0] != x:
            self._laws = x, self._made_law(x)
        return self._laws[1]

    def _made_law(self, x: float) -> Law:
        exponent, stay = self.model.hazard.over(self._faces, x)
        last = float(np.asarray(self.model.hazard(self._faces[-1:], x))[0])
        share = np.exp(-exponent)
        rate = -np.expm1(-exponent) / stay
        survival = np.empty_like(share)
        # A ratio of integrals of a function that does not increase: above 1 by rounding only.
        survival[:-1] = np.minimum(share[:-1] * (stay[1:] / stay[:-1]), 1.0)
        survival[-1], rate[-1] = math.exp(-last * self.step_width), last
        return Law(survival, rate, float(stay[0]))

    def _rate(self, masses: np.ndarray, X: float) -> float:
        """∫ p n ds at one instant."""
        return float(masses @ self.law(X).rate)

    def _births(self, masses: np.ndarray, X: float, share: float) -> float:
        """Mean rate over a step that is the `share` of a whole one."""
        law = self.law(X)
        lost = 1.0 - law.survival if share == 1.0 else -np.expm1(share * np.log(np.maximum(law.survival, 1e-300)))
        return float(masses @ lost) / (share * law.newborn)

    # -- what the stepper asks ----------------------------------------------------------------------------------------

    def explicit_limit(self, y: np.ndarray, t: float) -> float:
        return self.step_width

    def close(self, y: np.ndarray, t: float) -> bool:
        masses = self.width * y[:-2, 0]
        if not self.model.couples:
            y[-1] = self._rate(masses, 0.0)
            return True
        if self.model.spread:
            y[-1] = self._rate(masses, float(y[-2, 0]))
            return True
        if self._memory is not None:
            y[-1] = self._rate(masses, self._delayed(t, t))
            return True
        start = float(y[-1, 0]) or self._start
        rate = self._settled(lambda X: self._rate(masses, X), start, t)
        if rate is None:
            return False
        y[-1] = rate
        return True

    def age(self, y: np.ndarray, t: float, dt: float) -> tuple[np.ndarray, np.ndarray] | None:
        """y a time dt later along the characteristics, and the mean rate until then; None if there is none."""
        share = dt / self.step_width
        share = 1.0 if abs(share - 1.0) < WHOLE else share
        masses = self.width * y[:-2, 0]
        found = self._activity(masses, y, t, dt, share)
        if found is None:
            return None
        X, births, driven = found
        new = np.empty_like(y)
        new[:-2, 0] = self._aged(masses, X, share) / self.width
        spread = self.model.spread
        new[-2] = y[-2] * math.exp(-dt / spread) - math.expm1(-dt / spread) * driven if spread else 0.0
        new[-1] = X
        if self._memory is not None and not spread:  # where the past jumps at t + dt, that is still to come
            new[-1] = self._rate(self.width * new[:-2, 0], self._delayed(t + dt, t))
        elif not self.close(new, t + dt):
            return None
        return new, np.array([births])

    def _activity(
        self, masses: np.ndarray, y: np.ndarray, t: float, dt: float, share: float
    ) -> tuple[float, float, float] | None:
        """X in the middle of the step, the mean rate N of the step, and the rate that drives X."""
        model, past, weight = self.model, 0.0, 1.0
        if not model.couples:
            births = self._births(masses, 0.0, share)
            return births, births, births
        if model.spread:
            weight = -math.expm1(-0.5 * dt / model.spread)
            past = (1.0 - weight) * float(y[-2, 0])
        if self._memory is not None:
            driven = self._delayed(t + 0.5 * dt, t + 0.5 * dt)
            X = past + weight * driven
            return X, self._births(masses, X, share), driven
        start = float(y[-2 if model.spread else -1, 0])
        solved = self._settled(lambda X: past + weight * self._births(masses, X, share), start, t)
        if solved is None:
            return None
        births = self._births(masses, solved, share)
        return solved, births, births

    def _aged(self, masses: np.ndarray, X: float, share: float) -> np.ndarray:
        """The masses after the step: births take the place of what has fired."""
        survival = self.law(X).survival
        if share == 1.0:
            alive = survival * masses
            new = np.empty_like(masses)
            new[1:] = alive[:-1]
            new[-1] += alive[-1]
            new[0] = masses @ (1.0 - survival)
            return new
        alive = np.maximum(survival, 1e-300) ** share * masses
        new = (1.0 - share) * alive
        new[1:] += share * alive[:-1]
        new[-1] += share * alive[-1]
        new[0] += float(np.sum(masses - alive))
        return new

    def _settled(self, caused: Callable[[float], float], start: float, t: float) -> float | None:
        """The solution of X = caused(X) that X' = caused(X) − X leads to from `start`; None if there is none."""
        X, gap = start, caused(start) - start
        bound = BOUNDLESS * max(abs(X), abs(X + gap), 1.0)
        first, largest, limit, before = abs(gap), abs(gap), LONGEST_LEAP, None
        for _ in range(ITERATIONS):
            if abs(gap) <= SETTLED * max(abs(X), abs(X + gap)):
                break
            leap = gap
            if before is not None:
                slope = (gap - before[1]) / (X - before[0])
                leap = OVERSHOOT * abs(gap / slope) if slope < 0.0 else math.inf
                leap = math.copysign(min(max(leap, abs(gap)), limit * abs(gap)), gap)
                limit *= LONGER
            ahead = X + leap
            if not abs(ahead) < bound:
                self._boundless = True
                return None
            other = caused(ahead) - ahead
            if gap * other <= 0.0:
                from scipy.optimize import brentq  # only where it is needed: loading it takes long

                X = brentq(lambda z: caused(z) - z, X, ahead, xtol=1e-300, rtol=4e-15)
                if abs(caused(X) - X) > SOLVED * max(abs(X), largest):  # a jump of p with x, and no solution
                    return None
                break
            before, X, gap = (X, gap), ahead, other
            largest = max(largest, abs(gap))
        else:
            return None
        if largest > RUN_AWAY * first and (not self.jumps or t - self.jumps[-1] > 1.5 * self.step_width):
            self.jumps.append(t)
        return X

    # -- the past -----------------------------------------------------------------------------------------------------

    def remember(self, past: RateHistory) -> None:
        if self.model.delay:
            self._memory = Memory(past, self.model.depth, 1)

    def begin(self, y: np.ndarray, t: float) -> None:
        self._boundless, self._began, self._now = False, t, t
        self.jumps.clear()  # on the way to the first rate nothing has jumped
        if self._memory is not None:
            self._memory.jump(y[-1])

    def accept(self, y: np.ndarray, t: float, dt: float, bend: tuple[np.ndarray, ...]) -> bool:
        self._now = t
        if self._memory is None:
            return False
        before = y[-1].copy()
        self._memory.accept(dt, t, before, bend)
        self.close(y, t)
        if np.all(np.abs(y[-1] - before) <= JUMP * np.abs(before)):
            y[-1] = before
            return False
        self._memory.jump(y[-1])
        self.breaks_met.append(t)
        return True

    def final(self, y: np.ndarray, t: float) -> State:
        state = self.unpack(y, t)
        return state if self._memory is None else replace(state, history=self._memory.history())

    def _delayed(self, t: float, since: float) -> float:
        """N(t − d) for a step that began at `since`, before a jump at t; a delay below half a step is half a step."""
        assert self._memory is not None
        delay = self.model.delay
        return float(np.asarray(self._memory.at(t - delay, since - delay)).ravel()[0])

    # -- how good it is -----------------------------------------------------------------------------------------------

    @property
    def presses(self) -> bool:
        return False

    @property
    def unresolved(self) -> str:
        """Why cells are too wide for any error to be estimated; empty if they are not."""
        width, delay, scale = self.step_width, self.model.delay, self.model.scale
        lasted, end = self._now - self._began, self.grid.v_max
        if self._brief:
            what, need = f"a run of length {lasted:.3g}", lasted / FEW
        elif 0.0 < delay < 0.5 * width:
            what, need = f"a `delay` of {delay:g}: it is as if it were half a cell", 2.0 * delay
        elif 0.0 < scale < width:
            what, need = f"the ages below {scale:.3g}, over which the hazard changes", scale / FEW
        else:
            return ""
        cells = math.ceil(end / need * (1.0 - WHOLE))
        return (
            f"The cells of width {width:.3g}, which is the length of a step, do not resolve {what}; use "
            f"model.grid(cells, end) with at least {cells} cells, or an earlier `end`, since the last cell holds all "
            f"who are older."
        )

    @property
    def _brief(self) -> bool:
        """Whether the run took so few steps that nothing can be compared."""
        lasted = self._now - self._began
        return 0.0 < lasted < FEW * self.step_width * (1.0 - WHOLE)

    @property
    def remark(self) -> str:
        # A run may go on from another one by a step: of that nothing is said where cells resolve the hazard well.
        fine = self._brief and self.step_width <= WELL * self.model.scale
        return " ".join(filter(None, ("" if fine else self.unresolved, self._jumped)))

    @property
    def _jumped(self) -> str:
        if not self.jumps:
            return ""
        if self.model.spread:
            return (
                f"X moved from one solution of a step to another, first at t = {self.jumps[0]:.6g}: the cells of width "
                f"{self.step_width:.3g} do not resolve a `spread` of {self.model.spread:g}; use more cells."
            )
        times = f"{len(self.jumps)} times, first" if len(self.jumps) > 1 else "once,"
        return (
            f"N jumped {times} at t = {self.jumps[0]:.6g}: the solution of N = ∫ p(s, JN) n ds that it had followed "
            f"ceased to exist, and it went to the one that a vanishing distributed delay (`spread`) leads to."
        )

    def unsolvable(self, state: State) -> str:
        return self.lost

    @property
    def lost(self) -> str:
        if self._boundless:
            return (
                " (no N satisfies N = ∫ p(s, JN) n ds: p grows with the activity faster than the activity itself; give "
                "the model a smaller `connectivity` or a `delay`, or a hazard that is bounded in x)"
            )
        return (
            " (no N satisfies N = ∫ p(s, JN) n ds: p jumps with the activity; give the model a `delay` or a `spread`, "
            "or a hazard that is continuous in x)"
        )

    def layer(self, y: np.ndarray, t: float) -> np.ndarray:
        return np.zeros(1)

    def surge(self, old: np.ndarray, new: np.ndarray, t: float, dt: float) -> np.ndarray:
        return np.zeros(1)

    def tail(self, y: np.ndarray, t: float) -> np.ndarray:
        """The mass of the last cell, as far as the hazard still changes beyond the grid."""
        mass, settled = float(self.width[-1] * y[-3, 0]), self.model.changes[1]
        if mass < NOBODY or not math.isfinite(y[-1, 0]):
            return np.array([mass])
        # Those in the last cell are as if of the age `end`.
        ages = self.grid.v_max * np.array([1.0, 2.0])
        ages = np.append(ages, 2.0 * settled) if ages[-1] < settled < math.inf else ages
        p = np.asarray(self.model.hazard(ages, self.model.input(float(y[-1, 0])) if self.model.couples else 0.0))
        if np.min(p) * self.step_width > AT_ONCE:
            return np.zeros(1)
        change = np.max(np.abs(p - p[0]) / np.maximum(np.maximum(p, p[0]), 1e-300))
        return np.array([mass * change])

    def remedy(self, smallest: float, y: np.ndarray, t: float) -> str:
        return f"The density went down to {smallest:.1e} at t = {t:.6g}: `initial` is negative somewhere."
