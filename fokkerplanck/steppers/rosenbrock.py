"""Rosenbrock–Wanner methods: L-stable, adaptive, no Newton iteration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .protocol import LaneStep, LaneSystem, Step, System, Tolerance

SAFETY, SHRINK, GROW = 0.9, 0.2, 6.0


def _lower(rows: list[list[float]]) -> np.ndarray:
    """A strictly lower triangular matrix from its rows."""
    matrix = np.zeros((len(rows) + 1, len(rows) + 1))
    for i, row in enumerate(rows, start=1):
        matrix[i, :i] = row
    return matrix


_LAST = [-7.502846399306121, 2.561846144803919, -11.627539656261098, -0.18268767659942256, 0.030198172008377946]


@dataclass(frozen=True)
class Rodas5P:
    """The default stepper: Steinebach's Rodas5P, eight stages, order 5 with an embedded order 4.

    With the exact Jacobian J and s = 1/(γ dt), every stage is one linear solve with the same matrix,

        (s M − J) u_i = F(t + c_i dt, y + Σ_j a_ij u_j) + M Σ_j (C_ij/dt) u_j + d_i dt ∂F/∂t,

    the step is y⁺ = y_8 + u_8 and its error estimate u_8. Stiffly accurate, so the closure 0 = e·n − N holds at the
    end of a step; L-stable. Dense output of order 4. On fine grids stiffness lowers the observed order to between 3.4
    and 5, at errors below 1e-10 for dt = 1/64. Conserves mass to the rounding of each unit of time (a linear
    invariant); positivity holds to the tolerance only, use `BackwardEuler` where it must be exact.

    Source: G. Steinebach, Construction of Rosenbrock–Wanner method Rodas5P and numerical benchmarks within the Julia
    Differential Equations package, BIT Numer. Math. 63:27 (2023). `tests/` checks the order.

    >>> Rodas5P().order
    5
    """

    order: ClassVar[int] = 5
    adaptive: ClassVar[bool] = True
    implicit: ClassVar[bool] = True
    embedded_order: ClassVar[int] = 4
    dense_order: ClassVar[int] = 4

    gamma: ClassVar[float] = 0.21193756319429014
    a: ClassVar[np.ndarray] = _lower(
        [
            [3.0],
            [2.849394379747939, 0.45842242204463923],
            [-6.954028509809101, 2.489845061869568, -10.358996098473584],
            [2.8029986275628964, 0.5072464736228206, -0.3988312541770524, -0.04721187230404641],
            _LAST,
            [*_LAST, 1.0],
            [*_LAST, 1.0, 1.0],
        ]
    )
    C: ClassVar[np.ndarray] = _lower(
        [
            [-14.155112264123755],
            [-17.97296035885952, -2.859693295451294],
            [147.12150275711716, -1.41221402718213, 71.68940251302358],
            [165.43517024871676, -0.4592823456491126, 42.90938336958603, -5.961986721573306],
            [24.854864614690072, -3.0009227002832186, 47.4931110020768, 5.5814197821558125, -0.6610691825249471],
            [
                30.91273214028599,
                -3.1208243349937974,
                77.79954646070892,
                34.28646028294783,
                -19.097331116725623,
                -28.087943162872662,
            ],
            [
                37.80277123390563,
                -3.2571969029072276,
                112.26918849496327,
                66.9347231244047,
                -40.06618937091002,
                -54.66780262877968,
                -9.48861652309627,
            ],
        ]
    )
    c: ClassVar[tuple[float, ...]] = (
        0.0, 0.6358126895828704, 0.4095798393397535, 0.9769306725060716, 0.4288403609558664, 1.0, 1.0, 1.0,
    )  # fmt: skip
    d: ClassVar[tuple[float, ...]] = (
        0.21193756319429014, -0.42387512638858027, -0.3384627126235924, 1.8046452872882734, 2.325825639765069,
        0.0, 0.0, 0.0,
    )  # fmt: skip
    H: ClassVar[np.ndarray] = np.array(
        [
            [
                25.948786856663858, -2.5579724845846235, 10.433815404888879, -2.3679251022685204,
                0.524948541321073, 1.1241088310450404, 0.4272876194431874, -0.17202221070155493,
            ],
            [
                -9.91568850695171, -0.9689944594115154, 3.0438037242978453, -24.495224566215796,
                20.176138334709044, 15.98066361424651, -6.789040303419874, -6.710236069923372,
            ],
            [
                11.419903575922262, 2.8879645146136994, 72.92137995996029, 80.12511834622643,
                -52.072871366152654, -59.78993625266729, -0.15582684282751913, 4.883087185713722,
            ],
        ]
    )  # fmt: skip

    def begin(self, system: System, y: np.ndarray, t: float, fresh: bool) -> bool:
        return system.close(y, t)

    def first_step(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> float:
        """A hundredth of the time in which the solution changes by itself, in the norm of the tolerance."""
        return float(np.min(self.first_steps(system, y, t, tolerance)))

    def first_steps(self, system: System, y: np.ndarray, t: float, tolerance: Tolerance) -> np.ndarray:
        """The same of every lane, shape (lanes,)."""
        slope = system.residual(y, t, out=np.empty(system.shape))
        slope[-1] = 0.0
        size, speed = tolerance.norms(y, y, y), tolerance.norms(slope, y, y)
        return np.where(speed > 0.0, 0.01 * size / np.where(speed > 0.0, speed, 1.0), 1e-3)

    def coarsened(self) -> Rodas5P:
        return self

    def next_step(self, system: System, y: np.ndarray, t: float, dt: float, error: float) -> float:
        factor = SAFETY * error ** (-1.0 / (self.embedded_order + 1)) if error > 0 else GROW
        return dt * min(GROW, max(SHRINK, factor))

    def next_steps(self, dt: np.ndarray, errors: np.ndarray) -> np.ndarray:
        """The same of every lane, a quarter of the step where it failed."""
        with np.errstate(divide="ignore"):
            factor = SAFETY * errors ** (-1.0 / (self.embedded_order + 1))
        return dt * np.where(np.isinf(errors), 0.25, np.clip(factor, SHRINK, GROW))

    def step(self, system: System, y: np.ndarray, t: float, dt: float, tolerance: Tolerance) -> Step | None:
        flat, state = self._stages(system, y, t, dt)
        last = flat[-1].reshape(system.shape)
        new = state + last
        if not np.all(np.isfinite(new)) or not system.close(new, t + dt):
            return None
        bend = tuple((row @ flat).reshape(system.shape) for row in self.H)
        return Step(y, new, dt, tolerance.norm(last, y, new), bend)

    def step_lanes(
        self, system: LaneSystem, y: np.ndarray, dt: np.ndarray, wanted: np.ndarray, tolerance: Tolerance
    ) -> LaneStep:
        """A step of its own length for every lane of an equation that knows no time, whose lanes are separate.

        Each lane that is `wanted` is what `step` makes of it alone; one that fails has an infinite error.
        """
        done = system.rosenbrock_lanes(y, dt, self, tolerance.rtol, tolerance.atol)
        if done is None:
            flat, state = self._stages(system, y, 0.0, dt)
            last = flat[-1].reshape(system.shape)
            new, rates = state + last, flat.reshape(-1, *system.shape)[:, -1]
            errors = tolerance.norms(last, y, new)
        else:
            new, errors, rates = done
        whole = system.close_lanes(new, 0.0, wanted & np.isfinite(errors))
        return LaneStep(new, np.where(whole, errors, np.inf), self.H @ rates)

    def _stages(self, system: System, y: np.ndarray, t: float, dt: Any) -> tuple[np.ndarray, np.ndarray]:
        """The increments u_i, flattened, and the state that the last of them is to be added to."""
        stages = len(self.c)
        done = None if isinstance(dt, np.ndarray) else system.rosenbrock_stages(y, dt, self)
        if done is not None:
            return done[0].reshape(stages, -1), done[1]
        u = np.empty((stages, *system.shape))
        flat = u.reshape(stages, -1)
        system.factor(y, t, 1.0 / (self.gamma * dt))
        drift = system.time_derivative(y, t, dt)
        for i in range(stages):
            state = y + (self.a[i, :i] @ flat[:i]).reshape(system.shape)
            system.residual(state, t + self.c[i] * dt, out=u[i])
            u[i, :-1] += (self.C[i, :i] @ flat[:i]).reshape(system.shape)[:-1] / dt
            if drift is not None:
                u[i] += self.d[i] * dt * drift
            system.solve(u[i])
        return flat, state
