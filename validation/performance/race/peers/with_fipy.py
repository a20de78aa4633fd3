"""FiPy: implicit terms, second-order backward differences in time with steps that grow, direct solver.

FiPy's own step is backward Euler; the second order is a source. N enters the source at V_R, extrapolated from the last
two steps. The drift is zero at the two ends, where FiPy would let a part of it out beside the diffusion.
"""

import fipy
import numpy as np

from ..clock import fastest

V_R, V_F, V_MIN = 1.0, 2.0, -5.0
GROWTH = 2.0
"""Times of the steps are END (k/steps)^GROWTH: N starts like the root of t."""


def linear(job: dict) -> list[dict]:
    """Transient of the linear problem."""
    found = []
    for cells, steps in job["sizes"]:
        end = job["times"][-1]
        seconds, (times, rates) = fastest(
            lambda cells=cells, steps=steps, end=end: run(cells, steps, end), repeats=2, warm=lambda: run(20, 3, 1.0)
        )
        kept = times >= job["times"][0]
        setting = f"BDF2, {cells} cells, {steps} steps"
        found.append(
            {"setting": setting, "seconds": seconds, "times": times[kept].tolist(), "rate": rates[kept].tolist(),
             "name": "FiPy"}
        )  # fmt: skip
    return found


def run(cells: int, steps: int, end: float) -> tuple[np.ndarray, np.ndarray]:
    h = (V_F - V_MIN) / cells
    mesh = fipy.Grid1D(nx=cells, dx=h) + np.array([[V_MIN]])
    v = mesh.cellCenters.value[0]
    density = np.exp(-2.0 * v**2)
    n = fipy.CellVariable(mesh=mesh, hasOld=True, value=density / (density.sum() * h))
    n.constrain(0.0, mesh.facesRight)
    speed = -mesh.faceCenters.value.copy()
    speed[0, mesh.exteriorFaces.value] = 0.0
    drift = fipy.CentralDifferenceConvectionTerm(coeff=fipy.FaceVariable(mesh=mesh, rank=1, value=speed))
    k = round((V_R - V_MIN) / h)
    deposit = np.zeros(cells)
    deposit[k - 1 : k + 1] = 0.5 / h
    source, weight = fipy.CellVariable(mesh=mesh, value=0.0), fipy.Variable(1.0)
    equation = fipy.TransientTerm(coeff=weight) + drift == fipy.DiffusionTerm(coeff=1.0) + source
    solver = fipy.LinearLUSolver()
    times = end * (np.arange(steps + 1) / steps) ** GROWTH
    rates = np.zeros(steps + 1)
    rates[0] = 2.0 * n.value[-1] / h
    older, before = n.value.copy(), 0.0
    for k in range(steps):
        dt = times[k + 1] - times[k]
        ratio = dt / before if before else 0.0
        here = n.value.copy()
        coming = rates[k] + ratio * (rates[k] - rates[k - 1]) if before else rates[k]
        weight.value = (1.0 + 2.0 * ratio) / (1.0 + ratio)
        source.value = deposit * coming + ratio**2 / (1.0 + ratio) / dt * (here - older)
        n.updateOld()
        equation.solve(var=n, dt=dt, solver=solver)
        rates[k + 1] = 2.0 * n.value[-1] / h
        older, before = here, dt
    return times, rates
