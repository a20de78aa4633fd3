"""Curves of solutions of F(x, p) = 0 in a parameter p, followed by their length, so that folds are no obstacle.

Source: Keller, in: Applications of Bifurcation Theory (1977), 359; Allgower, Georg, Introduction to Numerical
Continuation Methods (2003), ch. 2 and 6.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

Residual = Callable[[np.ndarray, float], np.ndarray]
Jacobian = Callable[[np.ndarray, float], np.ndarray]

STEPS, SHORTEST = 4000, 1e-9
TOLERANCE = 1e-11
"""Of the Newton correction, in the units of x."""
ITERATIONS = 8
BENT = 0.15
"""Largest angle between the tangents at the ends of a step, in radians."""


class Point(NamedTuple):
    """A point (x, p) of the curve and the unit tangent there; x and p/scale are measured alike."""

    x: np.ndarray
    p: float
    tangent: np.ndarray


class Curve(NamedTuple):
    """F, its Jacobian by x, the length of p that counts as one, and the values of p for which F is defined."""

    residual: Residual
    jacobian: Jacobian
    scale: float
    span: tuple[float, float] = (-np.inf, np.inf)

    def extended(self, x: np.ndarray, p: float) -> np.ndarray:
        """(∂F/∂x, scale ∂F/∂p), shape (n, n + 1)."""
        h = 1e-6 * self.scale
        low, high = max(min(p, self.span[1]) - h, self.span[0]), min(max(p, self.span[0]) + h, self.span[1])
        by_p = (self.residual(x, high) - self.residual(x, low)) / (high - low)
        return np.column_stack([self.jacobian(x, p), self.scale * by_p])

    def tangent(self, x: np.ndarray, p: float, like: np.ndarray) -> np.ndarray:
        """The unit tangent, on the side of `like`."""
        A = self.extended(x, p)
        _, _, V = np.linalg.svd(A)
        t = V[-1]
        return np.asarray(t if t @ like >= 0.0 else -t)

    def correct(self, x: np.ndarray, p: float, normal: np.ndarray) -> tuple[np.ndarray, float] | None:
        """The point of the curve in the plane through (x, p) that `normal` is normal to, by Newton's iteration."""
        start = np.append(x, p / self.scale)
        z = start.copy()
        for _ in range(ITERATIONS):
            F = np.append(self.residual(z[:-1], z[-1] * self.scale), normal @ (z - start))
            if not np.all(np.isfinite(F)):
                return None
            try:
                change = np.linalg.solve(np.vstack([self.extended(z[:-1], z[-1] * self.scale), normal]), -F)
            except np.linalg.LinAlgError:
                return None
            size = float(np.abs(change).max())
            if not size < 1.0:
                return None
            z += change
            if size <= TOLERANCE * (1.0 + np.abs(z).max()):
                return z[:-1], float(z[-1] * self.scale)
        return None

    def at(self, point: Point, length: float) -> Point | None:
        """The point of the curve this far beyond `point`, measured along its tangent."""
        found = self.correct(
            point.x + length * point.tangent[:-1], point.p + length * point.tangent[-1] * self.scale, point.tangent
        )
        if found is None:
            return None
        return Point(*found, self.tangent(*found, point.tangent))


def follow(curve: Curve, start: Point, longest: float, first: float | None = None) -> Iterator[tuple[Point, float]]:
    """The points of the curve from `start` on, in the direction of its tangent: (point, length of the step to it).

    Steps are shortened until Newton's iteration succeeds and the tangent turns little; it ends where it cannot go on.
    """
    point, length = start, longest * 0.2 if first is None else first
    for _ in range(STEPS):
        while True:
            new = curve.at(point, length)
            if new is not None and new.tangent @ point.tangent >= np.cos(BENT):
                break
            length *= 0.5
            if length < SHORTEST:
                return
        yield new, length
        turned = float(np.arccos(np.clip(new.tangent @ point.tangent, -1.0, 1.0)))
        length = min(longest, length * (1.6 if turned < 0.4 * BENT else 1.0))
        point = new
