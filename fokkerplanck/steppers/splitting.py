"""Two flows in turns: what a lane does by itself, and what neurons do that move from lane to lane."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ..outcomes import InvalidArgument
from .protocol import Step, Stepper, System, Tolerance
from .rosenbrock import GROW, SAFETY, SHRINK, Rodas5P


@dataclass(frozen=True)
class Splitting:
    """Strang splitting: half a step of exchange between the lanes, a step of the rest, half a step of exchange.

        y⁺ = E(dt/2) ∘ V(dt) ∘ E(dt/2) y

    Of second order if `inner`, which advances V, is of second order at least. With an inner method of first order the
    exchange is made once, before it: nothing would be gained. Where `inner` controls its error, every step is made
    twice, whole and in two halves; the halves are kept, and a third of the difference is the error. The exchange makes
    as many steps of its own as keep it positive, so that a slow one does not shorten dt.

    Parameters
    ----------
    inner : Stepper
        What advances the lanes by themselves, for example `fp.BackwardEuler(dt=0.01)`.

    Source: G. Strang, SIAM J. Numer. Anal. 5 (1968) 506.

    >>> Splitting().order
    2
    """

    inner: Stepper = field(default_factory=Rodas5P)

    @property
    def order(self) -> int:
        """Two, or that of `inner` if it is less."""
        return min(2, self.inner.order)

    @property
    def adaptive(self) -> bool:
        return self.inner.adaptive

    @property
    def implicit(self) -> bool:
        return self.inner.implicit

    @property
    def dt(self) -> float | None:
        """The fixed step, if there is one."""
        return getattr(self.inner, "dt", None)

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        return self.inner.begin(system, y, t, fresh)

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        return self.inner.first_step(system, y, t, tolerance)

    def coarsened(self) -> Splitting:
        return Splitting(self.inner.coarsened())

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        if not self.adaptive:
            return self.inner.next_step(system, y, t, dt, error)
        factor = SAFETY * error ** (-1.0 / (self.order + 1)) if error > 0 else GROW
        return dt * min(GROW, max(SHRINK, factor))

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        if self.inner.order == 1:
            moved = y.copy()
            if not self._exchanged(system, moved, t, dt):
                return None
            inner = self.inner.step(system, moved, t, dt, tolerance)
            return None if inner is None else Step(y, inner.new, dt, inner.error)
        if not self.adaptive:
            whole = self._strang(system, y, t, dt, tolerance)
            return None if whole is None else Step(y, whole[0], dt, whole[1])
        whole = self._strang(system, y, t, dt, tolerance)
        first = self._strang(system, y, t, 0.5 * dt, tolerance)
        if whole is None or first is None:
            return None
        second = self._strang(system, first[0], t + 0.5 * dt, 0.5 * dt, tolerance)
        if second is None:
            return None
        new = second[0]
        error = max(first[1], second[1], tolerance.norm((new - whole[0]) / 3.0, y, new))
        # The middle is known, to second order: a parabola for the dense output.
        return Step(y, new, dt, error, (4.0 * first[0] - 2.0 * (y + new),))

    def _strang(
        self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance
    ) -> tuple[np.ndarray, float] | None:
        """The new y, and the error of the inner step."""
        moved = y.copy()
        if not self._exchanged(system, moved, t, 0.5 * dt) or not system.close(moved, t):
            return None
        inner = self.inner.step(system, moved, t, dt, tolerance)
        if inner is None:
            return None
        new = inner.new.copy()
        if not self._exchanged(system, new, t + dt, 0.5 * dt):
            return None
        if not np.all(np.isfinite(new)) or not system.close(new, t + dt):
            return None
        return new, inner.error

    def _exchanged(self, system: System, y: np.ndarray, t: float, dt: float) -> bool:
        """Whether the exchange could be made; a fixed step that is too long for it is the user's."""
        if system.exchange(y, t, dt):
            return True
        if not self.adaptive and np.all(np.isfinite(y)):
            raise InvalidArgument(f"`dt` = {dt:g} is too long for the exchange between the lanes; use a smaller one.")
        return False
