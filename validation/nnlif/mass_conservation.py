"""What leaves at V_F comes back at V_R: the mass over a million implicit steps."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Mass is conserved to rounding, step after step",
    statement=(
        "∫ n dv + R = 1 for all times, and N is the Lagrange multiplier of that constraint: the one number for which "
        "what is put in at V_R balances what transport loses at V_F. Backward Euler with firing and reset in the same "
        "step keeps it to rounding over a million steps without renormalising, and stays positive, under every law."
    ),
    source=("Conservation law of the equation; elimination without subtraction after Grassmann, Taksar, Heyman (1985)"),
    parameters={"dt": 1e-3, "cells": 400, "steps": "1e6 (quick: 1e4)"},
)

DT = 1e-3
MODELS = {
    "b = 0.5": fp.nnlif(b=0.5),
    "b = −10": fp.nnlif(b=-10.0),
    "b = 2, refractory 0.2": fp.nnlif(b=2.0, refractory=fp.ExponentialRefractory(0.2)),
    "b = 2, refractory exactly 0.2": fp.nnlif(b=2.0, refractory=fp.FixedRefractory(0.2)),
    "b = 4, random threshold 0.02": fp.nnlif(
        b=4.0, refractory=fp.ExponentialRefractory(0.2), threshold=fp.RandomThreshold(0.02)
    ),
    "b = −20, delay 1": fp.nnlif(b=-20.0, delay=1.0),
}
LIMIT = 1e-12


def run(quick: bool) -> dict[str, fp.Solution]:
    steps = 10_000 if quick else 1_000_000
    solutions = {}
    for label, model in MODELS.items():
        solutions[label] = fp.solve(
            model,
            fp.gaussian(0.0, 0.25),
            (0.0, steps * DT),
            grid=model.grid(400),
            stepper=fp.BackwardEuler(DT),
            save_at=[],
            monitors={"mass": fp.mass},
            estimate_error=False,
        )
    return solutions


def multiplier(model: fp.Population, state: fp.State) -> float:
    """The source at V_R that keeps the mass of n + dt (T n + N r) at that of n: what the transport alone loses."""
    system = fp.ScharfetterGummel().discretize(model, state.grid)
    change = np.empty((system.cells, 1))
    system.transport(state.density[:, None], system.steady_inputs(np.array([state.rate]), state.t), change)
    return -float(state.grid.width @ change[:, 0])


def check(solutions: dict[str, fp.Solution]) -> list[Check]:
    checks = []
    for label, sol in solutions.items():
        checks.append(Check(f"{label}: status", fp.Status.FINISHED.name, sol.status.name, kind="equal"))
        checks.append(Check(f"{label}: worst |mass − 1|", 0.0, sol.quality.mass_error, LIMIT, "at most"))
        checks.append(Check(f"{label}: smallest density", 0.0, sol.quality.smallest_density, 0.0, "at least"))
        if label in ("b = 0.5", "b = −10"):
            measured = multiplier(sol.model, sol.final)
            checks.append(Check(f"{label}: N as the multiplier of the mass", sol.final.rate, measured, 1e-9))
    return checks


def plot(solutions: dict[str, fp.Solution]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    for label, sol in solutions.items():
        mass = sol.records["mass"]
        every = max(1, len(mass.t) // 2000)
        axes.semilogy(mass.t[::every] / DT, np.maximum(np.abs(mass.value - 1.0), 1e-17)[::every], lw=0.8, label=label)
    axes.axhline(LIMIT, color="C2", lw=2, label="limit")
    axes.set(xlabel="steps", ylabel="|mass − 1|", ylim=(1e-17, 1e-10))
    axes.legend()
    return figure
