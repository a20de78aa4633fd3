"""py-pde: its compiled operators and explicit steps, which are as long as they may be for stability.

Its implicit solvers iterate to a fixed point and need steps as short; its adaptive ones and those of SciPy behind it
were slower. The stepper is made once, for it compiles; a run goes on from time to time and reads N off.
"""

import numpy as np
import pde

from ..clock import fastest

V_R, V_F, V_MIN = 1.0, 2.0, -5.0


class Linear(pde.PDEBase):
    """∂t n = ∂vv n + ∂v(v n) + N δ(v − V_R), N = 2 n/h in the last cell, what the operator lets out at V_F."""

    explicit_time_dependence = False

    def __init__(self, grid: pde.CartesianGrid):
        super().__init__()
        self.v, self.h = grid.axes_coords[0], float(grid.discretization[0])
        k = round((V_R - V_MIN) / self.h)
        self.deposit = np.zeros(len(self.v))
        self.deposit[k - 1 : k + 1] = 0.5 / self.h

    def evolution_rate(self, state, t=0.0):
        raise NotImplementedError

    def make_evolution_rate(self, state, backend):
        ends = {"x-": {"value": 0}, "x+": {"value": 0}}
        laplace = state.grid.make_operator("laplace", bc=ends, backend=backend, dtype=state.dtype)
        slope = state.grid.make_operator("d_dx", bc=ends, backend=backend, dtype=state.dtype)
        v, deposit, h = self.v, self.deposit, self.h

        def rhs(n, t=0.0):
            return laplace(n) + slope(v * n) + deposit * (2.0 * n[-1] / h)

        return rhs


def linear(job: dict) -> list[dict]:
    """Transient of the linear problem, with Euler's and Runge and Kutta's steps."""
    found = []
    for cells in job["cells"]:
        for solver, share in ((pde.EulerSolver, 0.45), (pde.RungeKuttaSolver, 0.6)):
            found.append(measured(cells, solver, share, job["times"][::4]))
    return found


def measured(cells: int, solver, share: float, times: list[float]) -> dict:
    grid = pde.CartesianGrid([[V_MIN, V_F]], cells)
    equation = Linear(grid)
    start = pde.ScalarField(grid, np.exp(-2.0 * grid.axes_coords[0] ** 2))
    start /= start.integral
    dt = share * equation.h**2
    stepper = solver(equation, backend="numba").make_stepper(start.copy(), dt)

    def work() -> list[float]:
        state, now, rates = start.copy(), 0.0, []
        for time in times:
            now = stepper(state, now, time)
            rates.append(2.0 * float(state.data[-1]) / equation.h)
        return rates

    seconds, rates = fastest(work)
    setting = f"{solver.name}, {cells} cells, dt {dt:.1e}"
    return {"setting": setting, "seconds": seconds, "times": times, "rate": rates, "name": f"py-pde {solver.name}"}
