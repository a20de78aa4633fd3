"""At b = V_F − V_R the mean potential decays like exp(−t), exactly and in the nonlinear problem."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The mean potential at b = V_F − V_R: an exact law of the nonlinear problem",
    statement=(
        "Every spike lifts the network by b and takes a neuron back by V_F − V_R, so m' = −m + (b − (V_F − V_R)) N "
        "for the mean potential m. At b = V_F − V_R the rate drops out: m(t) = m(0) exp(−t), whatever the datum, the "
        "noise and its dependence on N."
    ),
    source="First moment of the equation (integrate v times it over v ≤ V_F)",
    parameters={"b": "V_F − V_R = 1", "a0": 1, "V_R": 1, "V_F": 2},
)

CASES = {
    "Gaussian(0.8, 0.05), a1 = 0": (fp.nnlif(b=1.0), fp.gaussian(0.8, 0.05)),
    "Gaussian(−1, 0.5), a1 = 0": (fp.nnlif(b=1.0), fp.gaussian(-1.0, 0.5)),
    "compatible(0.5, 0.1), a1 = 0.3": (fp.nnlif(b=1.0, a1=0.3), fp.compatible_gaussian(0.5, 0.1)),
}
TIMES = np.linspace(0.0, 3.0, 31)


def run(quick: bool) -> dict:
    cells = (800, 1600) if quick else (1600, 3200)
    errors, curves = {}, {}
    for label, (model, datum) in CASES.items():
        for n in cells:
            monitors = {"mean": fp.mean_potential}
            sol = fp.solve(model, datum, (0.0, 3.0), grid=model.grid(n), monitors=monitors, rtol=1e-9, atol=1e-12)
            mean = sol.records["mean"]
            errors[label, n] = float(np.max(np.abs(mean.value - mean.value[0] * np.exp(-mean.t))))
            curves[label] = (mean, sol)
    return {"errors": errors, "curves": curves, "cells": cells}


def check(result: dict) -> list[Check]:
    (coarse, fine), errors = result["cells"], result["errors"]
    checks = []
    for label in CASES:
        order = np.log2(errors[label, coarse] / errors[label, fine])
        checks.append(Check(f"largest |m(t) − m(0)e^(−t)|, {label}", 0.0, errors[label, fine], 3e-6, "absolute"))
        checks.append(Check(f"order at which it vanishes with the cells, {label}", 2.0, float(order), 0.05, "absolute"))
        spread = np.ptp(result["curves"][label][1].rate)
        checks.append(Check(f"N(t) meanwhile varies by, {label}", 0.05, float(spread), 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (label, (mean, sol)) in enumerate(result["curves"].items()):
        left.semilogy(mean.t, np.abs(mean.value), color=f"C{k}", label=label)
        left.semilogy(TIMES, abs(mean.value[0]) * np.exp(-TIMES), "k.", markersize=4)
        right.plot(sol.t, sol.rate, color=f"C{k}")
    left.set(xlabel="time $t$", ylabel="|mean potential|", title="computed (lines), $|m(0)|e^{-t}$ (dots)")
    left.legend(fontsize=8)
    right.set(xlabel="time $t$", ylabel="$N(t)$", title="the rate meanwhile", ylim=(0, 1))
    return figure
