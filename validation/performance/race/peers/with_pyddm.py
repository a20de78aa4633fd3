"""PyDDM: two bounds at ±B, of which the lower is so far away that it does not matter.

All steps are powers of two, so that start and bounds are points of the grid; elsewhere its error is of first order.
"""

import math

import numpy as np
import pyddm

from ..clock import fastest

DRIFTS = {
    "Brownian": lambda job: pyddm.DriftConstant(drift=job["drift"]),
    "Ornstein–Uhlenbeck": lambda job: pyddm.DriftLinear(drift=job["drift"], x=-1.0, t=0.0),
}


def densities(job: dict) -> list[dict]:
    """f(t) of the passage through the upper bound, by each of the two solvers of its own."""
    found = []
    for method in ("Crank–Nicolson", "implicit"):
        found += [measured(job, method, *size) for size in job["sizes"][method]]
    return found


def measured(job: dict, method: str, finest: int, ratio: float) -> dict:
    """With dx = 2^−finest and dt = ratio dx."""
    dx = 2.0**-finest
    dt = ratio * dx

    def model(dx=dx, dt=dt) -> pyddm.Model:
        return pyddm.Model(
            drift=DRIFTS[job["process"]](job), noise=pyddm.NoiseConstant(noise=math.sqrt(2.0)),
            bound=pyddm.BoundConstant(B=job["bound"]), IC=pyddm.ICPoint(x0=job["start"]),
            overlay=pyddm.OverlayNone(), T_dur=job["end"], dx=dx, dt=dt,
        )  # fmt: skip

    def work(dx=dx, dt=dt) -> pyddm.Solution:
        here = model(dx, dt)
        return here.solve_numerical_cn() if method == "Crank–Nicolson" else here.solve_numerical_c()

    seconds, solution = fastest(work, repeats=3, warm=lambda: work(0.125, 0.125))
    setting = f"dx 2^-{finest}, dt {dt:.1e}"
    density = np.asarray(solution.pdf("correct"))
    return {"setting": setting, "seconds": seconds, "times": solution.t_domain.tolist(), "density": density.tolist(),
            "name": f"PyDDM, {method}"}  # fmt: skip
