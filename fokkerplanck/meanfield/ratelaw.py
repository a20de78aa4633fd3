"""Laws of quantities that are smooth functions of independent normal variables: distribution, density, quantiles.

Rates depend on normal scores ξ of in-degrees and on two normal variables. Turn the axes so that one of them, t, is the
direction in which the rate changes most, E[ν ξ]; on every line along it the rate is known on a grid in t, and

    P(ν ≤ x) = Σ_lines weight × (measure of {t: ν(t) ≤ x}),   density = Σ_lines weight Σ_{ν(t) = x} m'(t)/|ν'(t)|.

The measure m along a line is the normal one, or the normal one tilted. A whole level set is met by one line after
another, so the sum over lines converges fast, and nothing is smoothed.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_simpson
from scipy.special import ndtr

from ..models.degrees import FARTHEST, hermite
from ..outcomes import InvalidArgument, real_array

HERMITE, REACH = 24, 0.75
"""Lines in one direction up to which Gauss' rule is taken, and how far others reach, as a share of 8.2."""
POINTS = 161
"""Of the grid along a line."""
HALVINGS, BRACKETS = 60, 129
"""Of the interval in which a quantile is looked for; intervals of the table that brackets it."""
AT_ONCE = 4_000_000
"""Comparisons of nodes with values that are held in memory at a time."""
LEVELS, EXACT, TINY = 500, 1e-6, 1e-300
"""Values at which distribution functions are compared first, accuracy of their distance, and a step below zero."""
FEW = 24
"""Values up to which the lines are not searched one by one."""
ATOM = 1e-12
"""Lines along which the quantity varies by less, relative to its size, are points of positive probability."""


def line_grid() -> np.ndarray:
    """The grid along a line."""
    return np.linspace(-FARTHEST, FARTHEST, POINTS)


def across_rule(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Places and weights of lines: Gauss' for few, equally spread for many, which bear kinks better."""
    if count <= HERMITE:
        return hermite(count)
    x = np.linspace(-FARTHEST, FARTHEST, count) * REACH
    w = np.exp(-0.5 * x**2)
    return x, w / w.sum()


def turned(direction: np.ndarray) -> np.ndarray:
    """An orthogonal matrix whose first column is the unit vector of `direction`."""
    size = float(np.linalg.norm(direction))
    first = direction / size if size > 0.0 else np.eye(len(direction))[0]
    Q, _ = np.linalg.qr(np.column_stack([first, np.eye(len(direction))]))
    Q[:, 0] = first
    return np.asarray(Q)


@dataclass(frozen=True, eq=False, repr=False)
class Law:
    """The law of a rate or of a weight.

    Attributes
    ----------
    values : array, shape (lines, points)
        On the grid of every line.
    weight : array, shape (lines,)
        Of sum 1.
    measure, slope : array, shape (lines, points)
        m(t), from 0 to 1 along the line up to its share, and m'(t).
    error : float
        By how much the distribution function changed when the number of lines was doubled; not a number if not known.
    """

    values: np.ndarray
    weight: np.ndarray
    measure: np.ndarray
    slope: np.ndarray
    error: float = float("nan")

    @classmethod
    def of(cls, values: np.ndarray, weight: np.ndarray, tilt: np.ndarray | None = None) -> Law:
        """Lines with normal variables, or with those tilted by positive factors (lines, points)."""
        t = line_grid()
        slope = np.broadcast_to(np.exp(-0.5 * t**2) / np.sqrt(2.0 * np.pi), values.shape)
        if tilt is None:
            return cls(values, weight / weight.sum(), np.broadcast_to(ndtr(t), values.shape), slope)
        slope = slope * tilt
        measure = cumulative_simpson(slope, x=t, axis=1, initial=0.0)
        total = float(weight @ measure[:, -1])
        return cls(values, weight / total, measure, slope)

    @cached_property
    def _mass(self) -> np.ndarray:
        """Weights of the nodes, (lines, points): the trapezoidal rule, which is accurate for normal tails."""
        mass = self.weight[:, None] * self.slope * (2.0 * FARTHEST / (POINTS - 1))
        return np.asarray(mass / mass.sum())

    def average(self, function_values: np.ndarray) -> float:
        """E of what has these values at the nodes, (lines, points)."""
        return float(np.sum(self._mass * function_values))

    @cached_property
    def mean(self) -> float:
        return self.average(self.values)

    @cached_property
    def sd(self) -> float:
        """Standard deviation."""
        size = float(np.max(np.abs(self.values)))
        if size == 0.0:
            return 0.0
        return size * float(np.sqrt(self.average(((self.values - self.mean) / size) ** 2)))

    @cached_property
    def skewness(self) -> float:
        """Of a law without spread 0."""
        if not self.spread:
            return 0.0
        return self.average(((self.values - self.mean) / self.sd) ** 3)

    @cached_property
    def spread(self) -> bool:
        """Whether the law is more than one point."""
        return bool(np.ptp(self.values) > ATOM * np.max(np.abs(self.values)))

    @cached_property
    def silent(self) -> float:
        """P(ν = 0)."""
        return float(self.cdf(0.0))

    def cdf(self, x: ArrayLike) -> np.ndarray:
        """P(· ≤ x)."""
        x = numbers("x", x)
        return np.clip(self._crossings(x)[0], 0.0, 1.0).reshape(x.shape)[()]

    def density(self, x: ArrayLike) -> np.ndarray:
        """The density at x; of what has a density: a point of positive probability is not in it.

        Raises
        ------
        InvalidArgument
            If the law is a single point.
        """
        if not self.spread:
            raise InvalidArgument(
                f"`density`: all probability lies at {self.values.flat[0]:.12g}, so there is none; use `cdf`."
            )
        x = numbers("x", x)
        return self._crossings(x)[1].reshape(x.shape)[()]

    def quantile(self, q: ArrayLike) -> np.ndarray:
        """The least x with P(· ≤ x) ≥ q, for 0 < q < 1."""
        q = real_array("q", q)
        if not np.all((q > 0.0) & (q < 1.0)):
            raise InvalidArgument("`q` must lie between 0 and 1, both excluded.")
        if not self.spread:
            return np.full(q.shape, self.values.min())[()]
        return self._inverse(q.ravel()).reshape(q.shape)[()]

    def _inverse(self, q: np.ndarray) -> np.ndarray:
        """Brackets from a table of the distribution function, closed by chords and halvings in turn."""
        order = np.argsort(self.values, axis=None)
        reached = np.cumsum(self._mass.ravel()[order])
        places = np.searchsorted(reached, np.linspace(0.0, 1.0, BRACKETS)).clip(0, reached.size - 1)
        x = np.unique(np.concatenate([self.values.ravel()[order[places]], self.values.ravel()[order[[0, -1]]]]))
        F = self.cdf(x)
        at = np.searchsorted(F, q)  # the first x with P(· ≤ x) ≥ q
        high = x[np.minimum(at, x.size - 1)]
        low, F_low, F_high = x[np.maximum(at - 1, 0)], F[np.maximum(at - 1, 0)], F[np.minimum(at, x.size - 1)]
        open_ = np.flatnonzero((at > 0) & (at < x.size))
        for k in range(2 * HALVINGS):
            open_ = open_[high[open_] - low[open_] > ATOM * np.maximum(np.abs(high[open_]), np.abs(low[open_]))]
            if not open_.size:
                break
            a, b, Fa, Fb = low[open_], high[open_], F_low[open_], F_high[open_]
            share = 0.5 if k % 3 == 2 else np.clip((q[open_] - Fa) / np.maximum(Fb - Fa, 1e-300), 1e-3, 1.0 - 1e-3)
            middle = a + share * (b - a)
            F_middle = self.cdf(middle)
            enough = F_middle >= q[open_]
            low[open_], F_low[open_] = np.where(enough, a, middle), np.where(enough, Fa, F_middle)
            high[open_], F_high[open_] = np.where(enough, middle, b), np.where(enough, F_middle, Fb)
        return high

    def apart(self, other: Law) -> float:
        """Largest difference of the two distribution functions at 199 quantiles of the other one."""
        order = np.argsort(other.values, axis=None)
        reached = np.cumsum(other._mass.ravel()[order])
        some = other.values.ravel()[order[np.searchsorted(reached, np.arange(1, 200) / 200.0).clip(0, order.size - 1)]]
        some = np.unique(some) * (1.0 + ATOM)
        return float(np.max(np.abs(self.cdf(some) - other.cdf(some))))

    def distance(self, values: ArrayLike) -> float:
        """Largest difference between this distribution function and that of observed values (Kolmogorov, Smirnov).

        Both sides of every jump are compared, of this law's as of the values'. Values that differ by less than 1e-12
        (relative) are one, so that rounding does not move them past a point of positive probability.
        """
        x = np.sort(real_array("values", values).ravel())
        if not x.size or not np.all(np.isfinite(x)):
            raise InvalidArgument("`values` must be finite, and at least one.")
        first = np.flatnonzero(np.concatenate([[True], np.diff(x) > ATOM * np.abs(x[1:])]))
        last = np.concatenate([first[1:], [x.size]]) - 1
        before, after = first / x.size, (last + 1) / x.size
        low, high = x[first] - ATOM * np.abs(x[first]) - TINY, x[last] + ATOM * np.abs(x[last])
        # A stretch of values between two known ones cannot differ by more than the larger one's distribution function
        # from the smaller one's: only those stretches are looked into that can still matter.
        F_low, F_high = np.full(low.size, np.nan), np.full(low.size, np.nan)
        ask = np.unique(np.linspace(0, low.size - 1, LEVELS).astype(int))
        while True:
            F_low[ask], F_high[ask] = np.split(self.cdf(np.concatenate([low[ask], high[ask]])), 2)
            known = np.flatnonzero(np.isfinite(F_low))
            gaps = np.maximum(np.abs(F_low[known] - before[known]), np.abs(F_high[known] - after[known]))
            a, b = known[:-1], known[1:]
            most = np.maximum(F_low[b] - after[a], before[b] - F_high[a])
            open_ = (b - a > 1) & (most > np.max(gaps) + EXACT)
            if not np.any(open_):
                return float(np.max(gaps))
            ask = np.unique(np.concatenate([a[open_] + (b - a)[open_] * k // 4 for k in (1, 2, 3)]))
            ask = ask[~np.isfinite(F_low[ask])]

    def __repr__(self) -> str:
        if not self.spread:
            return f"Law(all at {self.mean:.6g})"
        return f"Law(mean {self.mean:.6g}, sd {self.sd:.6g}; {len(self.weight)} lines)"

    # -- level sets ---------------------------------------------------------------------------------------------

    @cached_property
    def _climb(self) -> np.ndarray:
        """∂ν/∂t at the nodes, to fourth order inside."""
        f, h = self.values, 2.0 * FARTHEST / (POINTS - 1)
        d = np.gradient(f, h, axis=1)
        d[:, 2:-2] = (f[:, :-4] - 8.0 * f[:, 1:-3] + 8.0 * f[:, 3:-1] - f[:, 4:]) / (12.0 * h)
        return np.asarray(d)

    @cached_property
    def _order(self) -> np.ndarray:
        """Of every line 1 if its values never fall, −1 if they never rise, 0 otherwise."""
        steps = np.diff(self.values, axis=1)
        return np.where(np.all(steps >= 0.0, axis=1), 1, np.where(np.all(steps <= 0.0, axis=1), -1, 0))

    def _crossings(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distribution function and density at each of x."""
        flat = x.ravel()
        total, density = np.zeros(flat.size), np.zeros(flat.size)
        # Of a few values all lines are compared at once; of many, each line is searched where it can be.
        alone = self._order * (flat.size > FEW)
        for line in np.flatnonzero(alone):
            self._add_monotone(int(line), flat, total, density)
        winding = np.flatnonzero(alone == 0)
        step = max(1, AT_ONCE // max(winding.size * POINTS, 1))
        for begin in range(0, flat.size if winding.size else 0, step):
            part = slice(begin, begin + step)
            self._add_winding(winding, flat[part], total[part], density[part])
        return total, density

    def _add_monotone(self, line: int, x: np.ndarray, total: np.ndarray, density: np.ndarray) -> None:
        rising = self._order[line] > 0
        values = self.values[line] if rising else self.values[line, ::-1]
        count = np.searchsorted(values, x, side="right")
        weight = self.weight[line]
        total[count == POINTS] += weight * self.measure[line, -1]
        inside = np.flatnonzero((count > 0) & (count < POINTS))
        if not inside.size:
            return
        cell = count[inside] - 1 if rising else POINTS - 1 - count[inside]
        mass, per_value = self._within(x[inside], np.full(inside.size, line), cell)
        total[inside] += weight * (mass if rising else self.measure[line, -1] - mass)
        density[inside] += weight * per_value

    def _add_winding(self, lines: np.ndarray, x: np.ndarray, total: np.ndarray, density: np.ndarray) -> None:
        """Lines that rise and fall: every cell in which x is crossed upwards or downwards."""
        below = self.values[None, lines] <= x[:, None, None]
        total += below[:, :, -1] @ (self.weight[lines] * self.measure[lines, -1])
        which, place, cell = np.nonzero(below[:, :, :-1] != below[:, :, 1:])
        if not which.size:
            return
        line = lines[place]
        mass, per_value = self._within(x[which], line, cell)
        signed = np.where(below[which, place, cell], mass, -mass) * self.weight[line]
        total += np.bincount(which, signed, x.size)
        density += np.bincount(which, per_value * self.weight[line], x.size)

    def _within(self, x: np.ndarray, line: np.ndarray, cell: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """m and m'/|ν'| where ν = x within a cell: cubic interpolation of both."""
        h = 2.0 * FARTHEST / (POINTS - 1)
        left, right = (line, cell), (line, cell + 1)
        v0, v1 = self.values[left], self.values[right]
        chord = v1 - v0
        s = (x - v0) / chord
        d0, d1 = h * self._climb[left], h * self._climb[right]
        # Beyond three times the chord a cubic turns round within its cell; there the chord is taken.
        smooth = (d0 * chord > 0.0) & (d1 * chord > 0.0) & (np.maximum(d0 / chord, d1 / chord) < 3.0)
        d0, d1 = np.where(smooth, d0, chord), np.where(smooth, d1, chord)
        for _ in range(3):
            value, slope = _hermite(s, v0, v1, d0, d1)
            s = np.clip(s - (value - x) / np.where(slope * chord > 0.0, slope, chord), 0.0, 1.0)
        _, climb = _hermite(s, v0, v1, d0, d1)
        climb = np.where(climb * chord > 0.0, climb, chord)
        mass, share = _hermite(s, self.measure[left], self.measure[right], h * self.slope[left], h * self.slope[right])
        return mass, np.maximum(share, 0.0) / np.abs(climb)


def numbers(name: str, value: object) -> np.ndarray:
    """An array of floats, or infinite ones, but none that is no number."""
    array = real_array(name, value)
    if np.any(np.isnan(array)):
        raise InvalidArgument(f"`{name}` must be numbers, but has one that is none (nan).")
    return array


def _hermite(
    s: np.ndarray, v0: np.ndarray, v1: np.ndarray, d0: np.ndarray, d1: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Cubic with values v and slopes d at s = 0 and s = 1, and its slope."""
    c2, c3 = 3.0 * (v1 - v0) - 2.0 * d0 - d1, d0 + d1 - 2.0 * (v1 - v0)
    return v0 + s * (d0 + s * (c2 + s * c3)), d0 + s * (2.0 * c2 + 3.0 * s * c3)
