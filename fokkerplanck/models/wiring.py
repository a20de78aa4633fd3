"""How the rates of many populations act on each other: what a system of lanes asks of its synapses.

A lane is one density on the voltage grid: a population of a network, a label ξ, a synaptic weight w. Rates act on the
current c and on the diffusion a of every lane, and on nothing else of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple, Protocol

import numpy as np

from ..outcomes import InvalidArgument

Matrix = Any
"""A matrix that can be applied: a NumPy array, a sparse one, or an object with `@`, `.T`, `.shape` and `.toarray()`."""
DENSE = 512
"""Lanes up to which a linear system with the matrix of the rates is solved directly, by LAPACK."""
KRYLOV = 60
"""Vectors that GMRES keeps; as a rule a dozen are enough, for within a step the rates respond weakly."""
RESTARTS = 5
"""How often GMRES begins anew before the matrix is eliminated after all."""
SOLVED = 1e-13
"""Relative residual at which GMRES ends."""


class Inputs(NamedTuple):
    """Current c and diffusion a of every lane, each of shape (lanes,)."""

    current: np.ndarray
    diffusion: np.ndarray


class Wiring(Protocol):
    """What the rates do to the coefficients: c = c(N(t − d_1), N(t − d_2), …, t), and a likewise.

    `lags` are the transmission delays d, each once, in increasing order: 0 among them if something arrives at once.
    """

    @property
    def lags(self) -> tuple[float, ...]: ...

    @property
    def time_dependent(self) -> bool:
        """Whether c depends on time by itself."""
        ...

    @property
    def noisy(self) -> bool:
        """Whether the diffusion follows the rates."""
        ...

    @property
    def prompt(self) -> bool:
        """Whether some rate acts at once."""
        ...

    @property
    def separate(self) -> bool:
        """Whether every lane hears itself alone."""
        ...

    def inputs(self, arriving: Sequence[np.ndarray], t: float) -> Inputs:
        """Coefficients for the rates N(t − d), one array of shape (lanes,) for each of `lags`."""
        ...

    def change(self, arriving: Sequence[np.ndarray], by: Sequence[np.ndarray | None]) -> Inputs:
        """What small changes of those rates change, to first order; None for rates that stay."""
        ...

    def external_slope(self, t: float, h: float) -> np.ndarray:
        """∂c/∂t at constant rates, from values within [t, t + 2h]."""
        ...

    def resolved(
        self, arriving: Sequence[np.ndarray], by_current: np.ndarray, by_diffusion: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        """x ↦ (1 − G)⁻¹ x, where G u = by_current δc + by_diffusion δa for a change u of the rates that act at once.

        None if 1 − G has no positive determinant: then the rates beget each other without end. (With more lanes than
        `DENSE` the determinant is not known; the answer is then that of the linear system.)
        """
        ...

    def push(self) -> np.ndarray:
        """Largest (∂c_i/∂N_j)_+ of every lane i, whatever the delay."""
        ...

    def reproduction(self, by_current: np.ndarray) -> float:
        """How many spikes each spike sets off at once, if the rates answer to the currents by `by_current`."""
        ...


def one_sided_slope(values: Sequence[np.ndarray], h: float) -> np.ndarray:
    """Derivative at the first of three values that are h apart, to second order."""
    return np.asarray((4.0 * values[1] - 3.0 * values[0] - values[2]) / (2.0 * h))


@dataclass(frozen=True, eq=False)
class Synapses:
    """All synapses with the same transmission delay: δc = current @ N(t − delay), δa = noise @ N(t − delay)."""

    delay: float
    current: Matrix
    noise: Matrix | None = None


@dataclass(frozen=True, eq=False)
class AffineWiring:
    """c = I(t) + Σ_d J_d N(t − d),   a = a0 + Σ_d A_d N(t − d).

    Parameters
    ----------
    external : array or callable
        I or I(t), of shape (lanes,).
    a0 : array, shape (lanes,)
    synapses : tuple of Synapses
        One entry for each delay, in increasing order.
    """

    external: np.ndarray | Callable[[float], np.ndarray]
    a0: np.ndarray
    synapses: tuple[Synapses, ...]

    @property
    def time_dependent(self) -> bool:
        return callable(self.external)

    def external_at(self, t: float) -> np.ndarray:
        """I(t), shape (lanes,)."""
        return self.external(t) if callable(self.external) else self.external

    @property
    def separate(self) -> bool:
        return len(self.a0) == 1

    @cached_property
    def lags(self) -> tuple[float, ...]:
        return tuple(group.delay for group in self.synapses)

    @cached_property
    def noisy(self) -> bool:
        return any(group.noise is not None for group in self.synapses)

    def inputs(self, arriving: Sequence[np.ndarray], t: float) -> Inputs:
        c, a = self.external_at(t), self.a0
        for group, rate in zip(self.synapses, arriving, strict=True):
            c = c + _applied(group.current, rate)
            if group.noise is not None:
                a = a + _applied(group.noise, rate)
        return Inputs(c, a)

    def change(self, arriving: Sequence[np.ndarray], by: Sequence[np.ndarray | None]) -> Inputs:
        c, a = np.zeros_like(self.a0), np.zeros_like(self.a0)
        for group, rate in zip(self.synapses, by, strict=True):
            if rate is not None:
                c = c + _applied(group.current, rate)
                if group.noise is not None:
                    a = a + _applied(group.noise, rate)
        return Inputs(c, a)

    def external_slope(self, t: float, h: float) -> np.ndarray:
        if not self.time_dependent:
            return np.zeros_like(self.a0)
        return one_sided_slope([self.external_at(t + k * h) for k in range(3)], h)

    @cached_property
    def prompt(self) -> bool:
        group = self._prompt
        return group is not None and (group.noise is not None or _acts(group.current))

    @property
    def _prompt(self) -> Synapses | None:
        """What arrives at once."""
        return self.synapses[0] if self.synapses and self.synapses[0].delay == 0.0 else None

    def resolved(
        self, arriving: Sequence[np.ndarray], by_current: np.ndarray, by_diffusion: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        prompt = self._prompt
        if prompt is None:
            return lambda x: x
        return resolved(prompt.current, prompt.noise, by_current, by_diffusion)

    def push(self) -> np.ndarray:
        return np.max([np.zeros_like(self.a0), *(_largest(group.current) for group in self.synapses)], axis=0)

    def reproduction(self, by_current: np.ndarray) -> float:
        """The spectral abscissa of diag(by_current) J; not a number where the slopes are not known."""
        prompt = self._prompt
        if prompt is None or not np.all(np.isfinite(by_current)):
            return np.nan
        return float(np.max(np.linalg.eigvals(by_current[:, None] * dense(prompt.current)).real))


@dataclass(frozen=True, eq=False)
class OwnWiring:
    """c_k = I_k + b_k N_k and a_k = a0_k + a1_k N_k: each lane hears itself, at once, and no other.

    Parameters
    ----------
    external, b, a0, a1 : array, shape (lanes,)
    """

    external: np.ndarray
    b: np.ndarray
    a0: np.ndarray
    a1: np.ndarray

    lags: ClassVar[tuple[float, ...]] = (0.0,)
    time_dependent: ClassVar[bool] = False
    prompt: ClassVar[bool] = True
    separate: ClassVar[bool] = True

    @cached_property
    def noisy(self) -> bool:
        return bool(np.any(self.a1))

    def inputs(self, arriving: Sequence[np.ndarray], t: float) -> Inputs:
        (rate,) = arriving
        return Inputs(self.external + self.b * rate, self.a0 + self.a1 * rate)

    def change(self, arriving: Sequence[np.ndarray], by: Sequence[np.ndarray | None]) -> Inputs:
        rate = by[0] if by[0] is not None else np.zeros_like(self.b)
        return Inputs(self.b * rate, self.a1 * rate)

    def external_slope(self, t: float, h: float) -> np.ndarray:
        return np.zeros_like(self.external)

    def resolved(
        self, arriving: Sequence[np.ndarray], by_current: np.ndarray, by_diffusion: np.ndarray
    ) -> Callable[[np.ndarray], np.ndarray] | None:
        slope = 1.0 - self.b * by_current - self.a1 * by_diffusion
        return (lambda x: x / slope) if np.all(slope > 0.0) else None

    def push(self) -> np.ndarray:
        return np.maximum(self.b, 0.0)

    def reproduction(self, by_current: np.ndarray) -> float:
        return float(np.max(self.b * by_current))


def _applied(matrix: Matrix, rate: np.ndarray) -> np.ndarray:
    """matrix @ rate; a product of numbers where there is one lane, which is asked for most often."""
    return np.asarray(matrix[0] * rate if len(rate) == 1 and isinstance(matrix, np.ndarray) else matrix @ rate)


def resolved(
    current: Matrix, noise: Matrix | None, by_current: np.ndarray, by_diffusion: np.ndarray
) -> Callable[[np.ndarray], np.ndarray] | None:
    """x ↦ (1 − diag(by_current) J − diag(by_diffusion) A)⁻¹ x for the matrices J and A of prompt synapses.

    One lane by a division, up to `DENSE` of them by elimination, more by GMRES: then J is only applied.
    """
    lanes = len(by_current)
    if lanes == 1:
        slope = 1.0 - by_current * _entry(current)
        if noise is not None:
            slope = slope - by_diffusion * _entry(noise)
        return (lambda x: x / slope) if slope[0] > 0.0 else None
    if lanes <= DENSE:
        return _eliminated(current, noise, by_current, by_diffusion)
    return _iterated(current, noise, by_current, by_diffusion)


def _eliminated(
    current: Matrix, noise: Matrix | None, by_current: np.ndarray, by_diffusion: np.ndarray
) -> Callable[[np.ndarray], np.ndarray] | None:
    from scipy.linalg import lu_factor, lu_solve

    border = np.eye(len(by_current)) - by_current[:, None] * dense(current)
    if noise is not None:
        border -= by_diffusion[:, None] * dense(noise)
    if not np.all(np.isfinite(border)):
        return None
    lu, pivots = lu_factor(border, check_finite=False)
    swaps = np.count_nonzero(pivots != np.arange(len(pivots)))
    sign = np.prod(np.sign(np.diag(lu))) * (-1.0) ** swaps
    if not sign > 0.0:
        return None
    return lambda x: lu_solve((lu, pivots), x, check_finite=False)


def _iterated(
    current: Matrix, noise: Matrix | None, by_current: np.ndarray, by_diffusion: np.ndarray
) -> Callable[[np.ndarray], np.ndarray]:
    from scipy.sparse.linalg import LinearOperator, gmres

    def apply(x: np.ndarray) -> np.ndarray:
        y = x - by_current * (current @ x)
        return y if noise is None else y - by_diffusion * (noise @ x)

    lanes = len(by_current)
    operator = LinearOperator((lanes, lanes), matvec=apply, dtype=float)

    def solve(x: np.ndarray) -> np.ndarray:
        size = float(np.linalg.norm(x))
        if size == 0.0 or not np.isfinite(size):
            return x
        u, failed = gmres(operator, x, rtol=SOLVED, restart=KRYLOV, maxiter=RESTARTS)
        if not failed:
            return np.asarray(u)
        # Strong coupling: elimination takes long, but it does not fail. Without rates a step must be refused.
        direct = _eliminated(current, noise, by_current, by_diffusion)
        return np.full_like(x, np.nan) if direct is None else direct(x)

    return solve


def dense(matrix: Matrix) -> np.ndarray:
    """The matrix as an array."""
    return np.asarray(matrix.toarray() if hasattr(matrix, "toarray") else matrix, dtype=float)


def _entry(matrix: Matrix) -> np.ndarray:
    """The single entry of a matrix of one lane, shape (1,)."""
    return np.asarray(matrix[0]) if isinstance(matrix, np.ndarray) else dense(matrix).reshape(1)


def _acts(matrix: Matrix) -> bool:
    """Whether an array has an entry that is not zero; of other matrices it is taken for granted."""
    return bool(np.any(matrix)) if isinstance(matrix, np.ndarray) else True


def _largest(matrix: Matrix) -> np.ndarray:
    """The largest positive entry of each row, zero if there is none; shape (lanes,)."""
    if isinstance(matrix, np.ndarray):
        return np.maximum(matrix.max(axis=1), 0.0)
    if hasattr(matrix, "tocsr"):
        return np.maximum(np.asarray(matrix.tocsr().max(axis=1).toarray()).ravel(), 0.0)
    return np.maximum(np.max(dense(matrix), axis=1), 0.0)


def as_matrix(name: str, value: object, lanes: int) -> np.ndarray:
    """A finite array of shape (lanes, lanes), or its refusal."""
    try:
        matrix = np.array(value)
        if matrix.dtype.kind not in "iuf":  # texts such as "1" would become numbers
            raise TypeError
        matrix = matrix.astype(float)
    except (TypeError, ValueError):
        raise InvalidArgument(f"`{name}` must be a matrix of numbers, not {value!r:.60}.") from None
    if matrix.ndim == 0:
        matrix = np.full((lanes, lanes), float(matrix))
    if matrix.shape != (lanes, lanes):
        raise InvalidArgument(
            f"`{name}` has shape {matrix.shape}, but {lanes} populations need ({lanes}, {lanes}): "
            f"row = who receives, column = who fires."
        )
    if not np.all(np.isfinite(matrix)):
        raise InvalidArgument(f"`{name}` must be finite.")
    matrix.setflags(write=False)
    return matrix
