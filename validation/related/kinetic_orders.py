"""The scheme for potential and conductance: second order in both and in time, positive, conservative."""

import math
from itertools import pairwise

import numpy as np
from scipy.integrate import quad

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.kinetic_states import kinetic_states

CLAIM = Claim(
    title="Finite volumes in (v, g): second order, positive, conservative; moments as they must be",
    statement=(
        "Frozen conductances: N(t) along characteristics, of second order in the cells. Uncoupled neurons: g is an "
        "Ornstein–Uhlenbeck process, mean and variance of second order in the lanes, and with g ≥ 0 it ends in the "
        "Gaussian exp(−(g − g_in)²/2a) cut at 0. Coupled neurons: N(t) of second order when cells, lanes and step are "
        "halved together. Along a run (V_F − V_R) N = ⟨−g_L v + g (V_E − v)⟩ − d⟨v⟩/dt and σ_E d⟨g⟩/dt = g_in − ⟨g⟩ + "
        "a ∫p(v, 0) dv. A long run ends in the stationary state that the linear equation and N_out(N) = N give."
    ),
    source="derived here; the equation: Cai, Tao, Rangan, McLaughlin (2006); Perthame, Salort (2013)",
    parameters={"g_L": 1, "V_E": 2, "V_R": 0, "V_F": 1, "S_E": 0.1, "nu": 20, "f_E": 0.05, "σ_E": 0.2, "N_E": 100},
)

LOW, HIGH, FROZEN_END = 0.1, 0.7, 0.3
COUPLED = {"S_E": 0.1, "nu": 20.0, "f_E": 0.05, "sigma_E": 0.2, "N_E": 100.0, "V_E": 2.0}


def bump(v: np.ndarray) -> np.ndarray:
    return np.maximum((v - LOW) * (HIGH - v), 0.0) ** 4


def frozen_errors(cells: list[int]) -> list[float]:
    """∫|N − exact| dt with the conductances 0.25, 0.75, …, 3.75, for a time in which nobody fires twice."""
    model = fp.voltage_conductance(0.0, 0.0, 0.0, 1e12, V_E=2.0, g_max=4.0, lanes=8)
    mass = quad(bump, LOW, HIGH, epsabs=1e-16)[0]
    rate = model.g_L + model.g
    rest = model.g * model.V_E / rate
    speed = np.maximum(model.drift_of_lanes(np.array([1.0]))[0], 0.0)
    errors = []
    for n in cells:
        start = fp.kinetic_density(bump, lambda g: np.ones_like(g))
        sol = fp.solve(model, start, (0.0, FROZEN_END), grid=model.grid(n), save_at=[], estimate_error=False)
        origin = rest + (1.0 - rest) * np.exp(np.outer(sol.t, rate))
        exact = np.where(speed > 0.0, speed * bump(origin) / mass * np.exp(np.outer(sol.t, rate)) / model.g_max, 0.0)
        errors.append(float(np.trapezoid(np.abs(sol.rate - exact).sum(axis=1) * model.dg, sol.t)))
    return errors


def marginal(lanes: int, g_min: float) -> fp.Solution:
    """Uncoupled neurons that start with a narrow law of g, σ_E = 0.2, a = 0.125, g_in = 1."""
    model = fp.voltage_conductance(0.0, 20.0, 0.05, 0.2, V_E=2.0, g_min=g_min, g_max=4.0, lanes=lanes)
    start = fp.kinetic_density(fp.gaussian(0.4, 0.002), fp.gaussian(1.8, 0.05))

    def mean(state: fp.State) -> float:
        return float(model.g @ (state.density @ state.grid.width)) * model.dg

    def square(state: fp.State) -> float:
        return float((model.g**2 - model.dg**2 / 12.0) @ (state.density @ state.grid.width)) * model.dg

    grid = model.grid(40, v_min=-0.4)
    return fp.solve(
        model, start, (0.0, 2.0), grid=grid, monitors={"g": mean, "g2": square}, save_at=[2.0], estimate_error=False
    )


def moment_errors(sol: fp.Solution) -> tuple[float, float]:
    """Largest errors of mean and variance, 1 + 0.8 e^{−t/σ} and 0.125 − 0.075 e^{−2t/σ}."""
    decay, g = np.exp(-sol.t / 0.2), sol.records["g"].value
    variance = sol.records["g2"].value - g**2
    return float(np.max(np.abs(g - 1.0 - 0.8 * decay))), float(np.max(np.abs(variance - 0.125 + 0.075 * decay**2)))


def coupled(level: int) -> fp.Solution:
    """Cells, lanes and step halved from level to level; the firing conductance is a face between lanes at each."""
    model = fp.voltage_conductance(**COUPLED, g_max=4.0, lanes=16 * 2**level)
    start = fp.kinetic_density(bump, fp.gaussian(2.0, 0.05))

    def speed(state: fp.State) -> float:
        drift = model.drift_of_lanes(state.grid.v) * state.density.T * state.grid.width[:, None]
        return float(drift.sum()) * model.dg

    def mean(state: fp.State) -> float:
        return float((state.density @ (state.grid.v * state.grid.width)).sum()) * model.dg

    def conductance(state: fp.State) -> float:
        return float(model.g @ (state.density @ state.grid.width)) * model.dg

    faces = model.potential(np.linspace(-2.0 / 25.0, 1.0, 28) * model.critical_coupling)
    faces[2], faces[-1] = 0.0, 1.0
    for _ in range(level):
        middle = model.potential(0.5 * (model.additive(faces[1:]) + model.additive(faces[:-1])))
        faces = np.sort(np.append(faces, middle))
    grid = fp.Grid(faces, 0.0)
    monitors = {"v": mean, "speed": speed, "g": conductance}
    return fp.solve(model, start, (0.0, 1.0), grid=grid, monitors=monitors, save_at=[1.0], estimate_error=False)


def run(quick: bool) -> dict:
    cells = [100, 200, 400] if quick else [200, 400, 800, 1600]
    runs = [coupled(level) for level in range(4 if quick else 5)]
    model = fp.voltage_conductance(**COUPLED, g_max=3.6, lanes=36)
    (state,) = kinetic_states(model, cells=60)
    end = 6.0 if quick else 12.0
    long = fp.solve(model, fp.gaussian(0.5, 0.002), (0.0, end), grid=state.grid, save_at=[], estimate_error=False)
    return {
        "cells": cells,
        "frozen": frozen_errors(cells),
        "line": [marginal(lanes, -2.0) for lanes in (60, 120)],
        "half": [marginal(lanes, 0.0) for lanes in (20, 40)],
        "coupled": runs,
        "state": state,
        "long": long,
    }


def check(result: dict) -> list[Check]:
    frozen = result["frozen"]
    checks = [Check("frozen g: order of N in the cells", 2.0, math.log2(frozen[-2] / frozen[-1]), 0.1)]
    for name, sols in (("line", result["line"]), ("half", result["half"])):
        for sol in sols:
            checks.append(Check(f"uncoupled, {name}: mass error", 0.0, sol.quality.mass_error, 1e-12, "at most"))
            checks.append(
                Check(f"uncoupled, {name}: smallest density", 0.0, sol.quality.smallest_density, kind="at least")
            )
    off = [moment_errors(sol) for sol in result["line"]]
    for k, name in enumerate(("⟨g⟩(t)", "variance(t)")):
        checks.append(Check(f"line: {name}, the largest error with 120 lanes", 0.0, off[1][k], 5e-3, "absolute"))
        checks.append(Check(f"line: {name}, its order in the lanes", 2.0, math.log2(off[0][k] / off[1][k]), 0.25))
    sol = result["half"][-1]
    law, cut = sol.density[0] @ sol.grid.width, np.exp(-((sol.model.g - 1.0) ** 2) / 0.25)
    cut /= cut.sum() * sol.model.dg
    checks.append(Check("g ≥ 0: the law of g at the end, cut at 0", 0.0, np.max(np.abs(law - cut)), 2e-4, "absolute"))
    runs = result["coupled"]
    rates = [run.model.total_rate(run.rate_at(np.linspace(0.05, 1.0, 96))) for run in runs]
    errors = [float(np.mean(np.abs(a - b))) for a, b in pairwise(rates)]
    checks.append(
        Check("coupled: order of N, from successive differences", 2.0, math.log2(errors[-2] / errors[-1]), 0.2)
    )
    run = runs[-1]
    spent = (
        float(np.trapezoid(run.records["speed"].value, run.t)) - run.records["v"].value[-1] + run.records["v"].value[0]
    )
    fired = float(run.fired[-1].sum()) * run.model.dg
    checks.append(Check("coupled: (V_F − V_R) ∫N dt by the first moment of v", spent, fired, 2e-3))
    edge = 1.5 * run.density[-1][0] - 0.5 * run.density[-1][1]
    N = float(run.model.total_rate(run.rate[-1]))
    slope = float(np.gradient(run.records["g"].value[-3:], run.t[-3:], edge_order=2)[-1])
    pushed = (
        float(run.model.drive(N))
        - run.records["g"].value[-1]
        + float(run.model.variance(N)) * float(edge @ run.grid.width)
    )
    checks.append(Check("coupled: σ_E d⟨g⟩/dt at the end", pushed, run.model.sigma_E * slope, 2e-4, "absolute"))
    checks.append(Check("coupled: mass error", 0.0, max(r.quality.mass_error for r in runs), 1e-11, "at most"))
    checks.append(
        Check("coupled: smallest density", 0.0, min(r.quality.smallest_density for r in runs), kind="at least")
    )
    state, long = result["state"], result["long"]
    checks.append(
        Check("stationary rate, by a long run", state.rate, float(long.model.total_rate(long.rate[-1])), 1e-4)
    )
    apart = np.abs(long.final.density - state.density).max() / state.density.max()
    checks.append(Check("stationary density, by a long run", 0.0, apart, 1e-3, "absolute"))
    return checks


def plot(result: dict):
    import matplotlib.pyplot as plt

    from fokkerplanck.plotting import COLOURS
    from fokkerplanck.plotting.style import DENSITY_MAP

    fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12.0, 3.8), layout="constrained")
    cells = np.array(result["cells"])
    left.loglog(1.0 / cells, result["frozen"], "o-", label="frozen $g$: $N$")
    runs = result["coupled"]
    rates = [run.model.total_rate(run.rate_at(np.linspace(0.05, 1.0, 96))) for run in runs]
    errors = [float(np.mean(np.abs(a - b))) for a, b in pairwise(rates)]
    widths = [1.0 / run.grid.cells for run in runs[:-1]]
    left.loglog(widths, errors, "s-", label="coupled: $N$, differences")
    left.loglog(widths, errors[-1] * (np.array(widths) / widths[-1]) ** 2, "k:", label="second order")
    left.set(xlabel="1/cells", ylabel="error")
    left.xaxis.set_minor_formatter("")
    left.legend(fontsize="small")
    sol = result["half"][-1]
    middle.stairs(sol.density[0] @ sol.grid.width, sol.model.g_faces, color=COLOURS["density"], label="computed")
    g = np.linspace(0.0, sol.model.g_max, 400)
    cut = np.exp(-((g - 1.0) ** 2) / 0.25)
    middle.plot(g, cut / np.trapezoid(cut, g), "k--", lw=1.0, label="Gaussian cut at 0")
    middle.set(xlabel="$g$", ylabel="$\\int p\\,dv$", title="uncoupled, at the end", xlim=(0.0, 3.0))
    middle.legend(fontsize="small")
    state = result["state"]
    right.pcolormesh(state.model.g_faces, state.grid.faces, state.density.T, cmap=DENSITY_MAP, rasterized=True)
    right.axvline(state.model.firing_conductance, color=COLOURS["threshold"], ls=":", lw=1.0)
    right.set(xlabel="$g$", ylabel="$v$", title=f"stationary state, $N = {state.rate:.4f}$")
    return fig
