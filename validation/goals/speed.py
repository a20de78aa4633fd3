"""One backward-Euler step beside the same step written with SciPy's banded solver, timed in the same run."""

import time

import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="A step of 400 cells is no slower than the loop one would write with SciPy",
    statement=(
        "One lagged backward-Euler step of the package, weights included, takes at most as long as the same step with "
        "NumPy weights and one call of LAPACK's tridiagonal solver (scipy.linalg.solve_banded) for two right-hand "
        "sides. Both give the same density. Only the ratio of the two, taken in turns in the same run, is held against "
        "a limit; the times themselves belong to the machine and are shown."
    ),
    source="LAPACK dgtsv by way of scipy.linalg.solve_banded; the step: Hu, Liu, Xie, Zhou (2021)",
    parameters={"cells": 400, "b": 0.5, "dt": 1e-3, "scheme": "Scharfetter–Gummel"},
    alone=True,
)

CELLS = 400
DT = 1e-3
LARGEST_RATIO = 1.25
STEPS = 200
"""In each turn; the fastest turn counts, as the one least disturbed by the rest of the machine."""


def run(quick: bool) -> dict:
    model = fp.nnlif(b=0.5)
    grid = model.grid(CELLS)
    system = fp.ScharfetterGummel().discretize(model, grid)
    start = system.pack(fp.compatible_gaussian(0.0, 0.25).cell_averages(grid))
    system.close(start, 0.0)
    banded = banded_step(model, grid)
    seconds: dict[str, list[float]] = {"fokkerplanck": [], "solve_banded": []}
    for _ in range(15 if quick else 60):
        y, seconds_ours = timed(lambda y: system.implicit_step(y, 0.0, DT), start)
        n, seconds_theirs = timed(banded, (start[:-2, 0], start[-1, 0]))
        seconds["fokkerplanck"].append(seconds_ours / STEPS)
        seconds["solve_banded"].append(seconds_theirs / STEPS)
    difference = float(np.max(np.abs(y[:-2, 0] - n[0])) / np.max(n[0]))
    return {"seconds": seconds, "difference": difference, "whole run": whole_run(model, grid)}


def timed(step, state) -> tuple:
    began = time.perf_counter()
    for _ in range(STEPS):
        state = step(state)
    return state, time.perf_counter() - began


def whole_run(model: fp.Population, grid: fp.Grid) -> float:
    """Seconds a step of `fp.solve`, with everything it records."""
    began = time.perf_counter()
    fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 2.0), grid, stepper=fp.BackwardEuler(DT), save_at=[])
    return (time.perf_counter() - began) / (2.0 / DT)


def banded_step(model: fp.Population, grid: fp.Grid):
    """(n, N) one step later: (1/dt − T) x = n/dt and (1/dt − T) z = r at once, and N such that nothing is lost."""
    unknowns = np.concatenate([grid.v[:1], grid.v, [grid.V_F]])
    distance = np.append(1.0, np.diff(unknowns)[1:])
    middle, width, (cells, shares) = 0.5 * (unknowns[1:] + unknowns[:-1]), grid.width, grid.deposit(model.V_R)
    b, a = model.coupling.b, model.noise.a0
    reset = np.zeros(grid.cells)
    reset[cells] = shares / width[cells]

    def step(state: tuple[np.ndarray, float]) -> tuple[np.ndarray, float]:
        n, rate = state
        drift = b * rate - middle
        left = drift / np.expm1(drift * distance / a)
        right = left + drift
        left[0] = right[0] = left[-1] = 0.0
        matrix = np.zeros((3, grid.cells))
        matrix[0, 1:] = -left[1:-1] / width[:-1]
        matrix[1] = 1.0 / DT + (left[:-1] + right[1:]) / width
        matrix[2, :-1] = -right[1:-1] / width[1:]
        sides = np.column_stack([n / DT, reset])
        x, z = solve_banded((1, 1), matrix, sides, overwrite_ab=True, overwrite_b=True, check_finite=False).T
        fired = right[-1] * x[-1] / (1.0 - right[-1] * z[-1])
        return x + fired * z, fired

    return step


def check(result: dict) -> list[Check]:
    fastest = {name: min(values) for name, values in result["seconds"].items()}
    ratio = fastest["fokkerplanck"] / fastest["solve_banded"]
    shown = [(f"microseconds a step, {name} (shown)", value) for name, value in fastest.items()]
    shown.append(("microseconds a step of a whole run (shown)", result["whole run"]))
    return [
        Check("the two densities: largest relative difference", 0.0, result["difference"], 1e-11, "absolute"),
        Check("time of a step over that with solve_banded", LARGEST_RATIO, ratio, 0.0, "at most"),
        *(Check(name, float("inf"), 1e6 * seconds, kind="at most") for name, seconds in shown),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in result["seconds"].items():
        axes.plot(1e6 * np.array(values), ".-", lw=0.6, label=f"{name}: {1e6 * min(values):.1f} µs at best")
    axes.axhline(1e6 * result["whole run"], color="0.5", ls=":", label=f"whole run: {1e6 * result['whole run']:.1f} µs")
    axes.set(xlabel=f"turn, of {STEPS} steps each", ylabel="µs a step", title=f"backward Euler, {CELLS} cells")
    axes.set_ylim(bottom=0.0)
    axes.legend()
    return figure
