"""Fixed points x = G(x) of maps that cost milliseconds: guarded Anderson acceleration, then Newton's method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Map = Callable[[np.ndarray], np.ndarray]
MEMORY = 6
"""Earlier iterates that Anderson's method combines."""
GROWTH = 3.0
"""An accelerated step whose residual exceeds the best one by more is taken back."""
SLOWEST = 1.0 / 64.0
"""Smallest share of a plain step."""
NEAR, FEW = 1e-3, 60
"""Newton's method begins at this residual, with at most so many unknowns."""
PATIENCE = 40
"""Evaluations after which Anderson's method gives way to relaxation, if it has not come near a solution."""
FIRST, SHORTER = 0.1, 6
"""First step of the relaxation, and how often it is shortened in vain before it ends."""
CHORD = 0.05
"""A Jacobian that reduces the residual to this share is used again."""
DIFFERENCE = 1e-6
"""Step of the differences for the Jacobian, relative to the scale of each unknown."""


@dataclass(frozen=True, eq=False)
class FixedPoint:
    """Where an iteration ended.

    Attributes
    ----------
    x : array
    residual : float
        max |G(x) − x| over the scale of x.
    evaluations : int
        Of G.
    converged : bool
    message : str
        How it ended, in a sentence.
    """

    x: np.ndarray
    residual: float
    evaluations: int
    converged: bool
    message: str


def fixed_point(
    G: Map,
    start: np.ndarray,
    scale: Map,
    possible: Callable[[np.ndarray], bool],
    tolerance: float = 1e-12,
    evaluations: int = 400,
    restored: Callable[[np.ndarray, np.ndarray], np.ndarray] = lambda x, g: x,
) -> FixedPoint:
    """Solve x = G(x) from `start`.

    Parameters
    ----------
    G, start : callable and array, shape (unknowns,)
    scale : callable
        The size that each unknown has at x: what residuals are relative to.
    possible : callable
        Whether G may be asked at x. Values of G are possible, and so is what lies between two possible points.
    tolerance : float
        On the residual.
    evaluations : int
        Of G at most.
    restored : callable
        (x, g) to x with what must be taken from g, the last value of G, for x to be possible.
    """
    run = _Run(G, scale, possible, restored, evaluations, start)
    run.accelerate(tolerance, evaluations if start.size > FEW else min(PATIENCE, evaluations))
    if run.residual > NEAR and start.size <= FEW:
        run.relax(tolerance)
    while run.residual > tolerance and run.left > start.size + 1:
        if run.residual > NEAR or start.size > FEW or not run.newton(tolerance):
            before = run.residual
            run.accelerate(tolerance, min(run.used + PATIENCE, evaluations))
            if run.residual > 0.1 * before and start.size <= FEW:
                run.relax(tolerance)
    return FixedPoint(run.x, run.residual, run.used, run.residual <= tolerance, _sentence(run, tolerance))


class _Run:
    """Where the iteration is: x, g = G(x), the residual, and what was used."""

    def __init__(
        self,
        G: Map,
        scale: Map,
        possible: Callable[[np.ndarray], bool],
        restored: Callable[[np.ndarray, np.ndarray], np.ndarray],
        evaluations: int,
        x: np.ndarray,
    ) -> None:
        self._map, self._scale, self.possible, self.restored, self.most = G, scale, possible, restored, evaluations
        self.used, self.seen = 0, []  # type: int, list[float]
        self.move(x, self.G(x))

    def G(self, x: np.ndarray) -> np.ndarray:
        self.used += 1
        return self._map(x)

    @property
    def left(self) -> int:
        return self.most - self.used

    def move(self, x: np.ndarray, g: np.ndarray) -> None:
        self.x, self.g, self.residual = x, g, self.size(x, g)
        self.seen.append(self.residual)

    def scale(self, x: np.ndarray, g: np.ndarray) -> np.ndarray:
        return np.maximum(self._scale(x), self._scale(g))

    def size(self, x: np.ndarray, g: np.ndarray) -> float:
        """The residual of x."""
        return float(np.max(np.abs(g - x) / self.scale(x, g), initial=0.0))

    def accelerate(self, tolerance: float, until: int) -> None:
        """Anderson's method, until the residual is small enough for Newton's or `until` evaluations are used."""
        goal = max(tolerance, NEAR) if self.x.size <= FEW else tolerance
        xs: list[np.ndarray] = []
        gs: list[np.ndarray] = []
        share, best = 1.0, self.residual
        while self.residual > goal and self.used < until:
            xs, gs = [*xs[-MEMORY:], self.x], [*gs[-MEMORY:], self.g]
            candidate = self.restored(_accelerated(xs, gs, self.scale(self.x, self.g)), self.g)
            if not self.possible(candidate):
                candidate = self.x + share * (self.g - self.x)
                xs, gs = [], []
            value = self.G(candidate)
            if self.size(candidate, value) > GROWTH * best and len(xs) > 1:
                share = max(0.5 * share, SLOWEST)
                xs, gs = [], []
                candidate = self.x + share * (self.g - self.x)
                value = self.G(candidate)
            self.move(candidate, value)
            best = min(best, self.residual)

    def jacobian(self) -> np.ndarray:
        return jacobian(self.G, self.x, self.g, self.scale(self.x, self.g), self.possible)

    def newton(self, tolerance: float) -> bool:
        """Newton's method with a Jacobian that is kept while it serves; whether the residual became smaller."""
        J, began = self.jacobian(), self.residual
        while self.residual > tolerance and self.left > self.x.size + 1:
            x = self.restored(self.x + self._step(np.eye(self.x.size) - J), self.g)
            if not self.possible(x):
                break
            g, before = self.G(x), self.residual
            if self.size(x, g) > 0.5 * before:
                break
            self.move(x, g)
            if self.residual > CHORD * before and self.residual > tolerance:
                J = self.jacobian()
        return self.residual < 0.5 * began

    def relax(self, tolerance: float) -> None:
        """Implicit steps of dx/ds = G(x) − x, longer as the residual falls: slow, but not thrown about by a steep G.

        Source: Kelley, Keyes, SIAM J. Numer. Anal. 35 (1998) 508, pseudo-transient continuation.
        """
        length = FIRST
        while self.residual > max(tolerance, NEAR) and self.left > self.x.size + 1:
            J = self.jacobian()
            for _ in range(SHORTER):
                x = self.restored(self.x + self._step((1.0 + 1.0 / length) * np.eye(self.x.size) - J), self.g)
                if self.possible(x):
                    g, before = self.G(x), self.residual
                    if self.size(x, g) < GROWTH * before:
                        self.move(x, g)
                        length *= float(np.clip(before / max(self.residual, 1e-300), 0.5, 4.0)) * 1.2
                        break
                length *= 0.2
            else:
                return

    def _step(self, matrix: np.ndarray) -> np.ndarray:
        size = self.scale(self.x, self.g)
        return np.asarray(size * np.linalg.lstsq(matrix, (self.g - self.x) / size, rcond=1e-13)[0])


def _accelerated(xs: list[np.ndarray], gs: list[np.ndarray], scale: np.ndarray) -> np.ndarray:
    """The combination of earlier values of G whose residuals nearly cancel (Anderson 1965, type II)."""
    if len(xs) == 1:
        return gs[0]
    residuals = np.array([(g - x) / scale for x, g in zip(xs, gs, strict=True)])
    changes = np.diff(residuals, axis=0).T
    combination = np.linalg.lstsq(changes, residuals[-1], rcond=1e-10)[0]
    return np.asarray(gs[-1] - np.diff(np.array(gs), axis=0).T @ combination)


def jacobian(
    G: Map, x: np.ndarray, g: np.ndarray, scale: np.ndarray, possible: Callable[[np.ndarray], bool]
) -> np.ndarray:
    """∂G/∂x in units of the scales, by differences towards the possible side."""
    columns = []
    for i in range(x.size):
        shifted = x.copy()
        h = DIFFERENCE * scale[i]
        shifted[i] += h
        if not possible(shifted):
            shifted[i] -= 2.0 * h
            h = -h
        columns.append((G(shifted) - g) / scale / (h / scale[i]) if possible(shifted) else np.zeros(x.size))
    return np.array(columns).T.reshape(x.size, x.size)


def _sentence(run: _Run, tolerance: float) -> str:
    if run.residual <= tolerance:
        return f"converged to a residual of {run.residual:.1e} in {run.used} evaluations"
    late = run.seen[-10:]
    if min(late) > 0.5 * min(run.seen[: -len(late)] or [np.inf]):
        how = "it no longer decreases: the iteration goes round a solution, or there are discontinuities"
    else:
        how = "it was still decreasing: allow more `evaluations`"
    return f"not converged: after {run.used} evaluations the residual is {run.residual:.1e}, and {how}"
