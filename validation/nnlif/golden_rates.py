"""N(t), mean potential and refractory mass of ten regimes against a reference of twelve digits."""

import csv
from pathlib import Path

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="N(t) to four digits in ten regimes",
    statement=(
        "From the truncated Gaussian of mean 0 and variance 1/4 (or the datum named), N(t) follows the reference for "
        "linear, excitatory, inhibitory, strongly inhibitory, refractory and noisy networks, from the start-up layer "
        "at t = 0.05 to the stationary state at t = 10; so do the mean potential and the refractory mass."
    ),
    source="Reference: hp-spectral elements in v with Radau IIA (order 5) in t, two meshes agreeing to 2e-12",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(0, 1/4) unless named", "cells": "1600 or 3200, graded"},
)

TOLERANCE = 1e-4
GAUSSIAN, COMPATIBLE = fp.gaussian(0.0, 0.25), fp.compatible_gaussian(0.0, 0.25)
REGIMES = {
    "b = 0": (fp.nnlif(b=0.0), GAUSSIAN),
    "b = 0.5": (fp.nnlif(b=0.5), GAUSSIAN),
    "b = 1": (fp.nnlif(b=1.0), GAUSSIAN),
    "b = 1.5": (fp.nnlif(b=1.5), GAUSSIAN),
    "b = -1": (fp.nnlif(b=-1.0), GAUSSIAN),
    "b = -10": (fp.nnlif(b=-10.0), GAUSSIAN),
    "b = -100, Gaussian(1.5, 0.01)": (fp.nnlif(b=-100.0), fp.gaussian(1.5, 0.01)),
    "b = 0.5, refractory 0.2": (fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), GAUSSIAN),
    "b = 0.5, a1 = 0.1, compatible": (fp.nnlif(b=0.5, a1=0.1), COMPATIBLE),
    "b = -1, a1 = 0.5, compatible": (fp.nnlif(b=-1.0, a1=0.5), COMPATIBLE),
}


def reference(regime: str, quantity: str) -> tuple[np.ndarray, np.ndarray]:
    """Times and values of one column of golden_rates.csv."""
    with Path(__file__).with_suffix(".csv").open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if (row["regime"], row["quantity"]) == (regime, quantity)]
    return np.array([float(row["t"]) for row in rows]), np.array([float(row["value"]) for row in rows])


def run(quick: bool) -> dict[str, fp.Solution]:
    solutions = {}
    for label, (model, datum) in REGIMES.items():
        times, _ = reference(label, "N")
        # N(0) is read off the cell next to V_F, to first order in its width: hence so fine a cell there.
        grid = model.grid(1600 if quick else 3200, finest=1e-5)
        solutions[label] = fp.solve(model, datum, (0.0, times[-1]), grid=grid, save_at=times, rtol=1e-8, atol=1e-11)
    return solutions


def check(solutions: dict[str, fp.Solution]) -> list[Check]:
    checks = []
    for label, sol in solutions.items():
        width = sol.grid.width
        computed = {
            "N": sol.rate_at(sol.saved_t),
            "mean potential": sol.density @ (width * sol.v),
            "R": 1.0 - sol.density @ width,
        }
        for quantity, values in computed.items():
            times, expected = reference(label, quantity)
            if not len(times):
                continue
            scale = 1.0 if quantity == "mean potential" else expected  # the mean passes through zero
            error = np.max(np.abs(values[np.isin(sol.saved_t, times)] - expected) / scale)
            name = "error of the mean potential" if quantity == "mean potential" else f"relative error of {quantity}"
            checks.append(Check(f"{label}: largest {name}", 0.0, float(error), TOLERANCE, "absolute"))
    return checks


def plot(solutions: dict[str, fp.Solution]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 5), layout="constrained")
    axes = figure.subplots()
    for k, (label, sol) in enumerate(solutions.items()):
        dense = np.geomspace(2e-3, sol.t[-1], 400)
        axes.loglog(dense, sol.rate_at(dense), color=f"C{k}", label=label)
        times, values = reference(label, "N")
        axes.plot(times[times > 0], values[times > 0], "o", color=f"C{k}", markersize=4)
    axes.set(xlabel="time $t$", ylabel="firing rate $N(t)$", ylim=(1e-3, 0.4))
    axes.set_title("Computed (lines) and reference (dots)")
    axes.legend(fontsize=8, ncols=2)
    return figure
