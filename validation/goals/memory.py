"""A million steps in little memory: what a run keeps for each step, and what its saved densities take."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="A million steps with a thousand saved densities fit into 400 MB",
    statement=(
        "A run keeps times, rates and pools for every step, a few tens of bytes each, but densities only where it was "
        "asked: the peak memory of a process that takes a million steps and saves a thousand densities stays below "
        "400 MB, and it grows by less than 250 bytes a step."
    ),
    source="peak resident memory of a process of its own; growth: what Python allocates (tracemalloc)",
    parameters={"steps": "1e6 (quick: 1,000, extrapolated)", "saved": 1000, "cells": 100, "dt": 1e-3},
    alone=True,
)

STEPS = 1_000_000
LIMIT = 400.0
LARGEST_GROWTH = 250.0
"""Bytes a step."""
RUN = """
import json, re, resource, sys, tracemalloc
import numpy as np
import fokkerplanck as fp

model, dt = fp.nnlif(b=0.5), 1e-3

def run(steps):
    sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, steps * dt), grid=model.grid(100),
                   stepper=fp.BackwardEuler(dt), save_at=np.linspace(0.0, steps * dt, 1000))
    assert sol.status is fp.Status.FINISHED and sol.density.shape == (1000, 100) and len(sol.t) >= steps
"""
MEASURE = """
run(int(sys.argv[1]))
try:  # on Linux getrusage begins with the peak of the parent process
    print(1024 * int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read()).group(1)))
except OSError:
    unit = 1 if sys.platform == "darwin" else 1024
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit)
"""
COUNT = """
tracemalloc.start()
peaks = []
for steps in json.loads(sys.argv[1]):
    tracemalloc.reset_peak()
    run(steps)
    peaks.append([steps, tracemalloc.get_traced_memory()[1]])
print(json.dumps(peaks))
"""
COUNTED = [500, 1_500, 2_500]


def run(quick: bool) -> dict:
    steps = 1_000 if quick else STEPS
    return {"steps": steps, "peak": answer(MEASURE, steps), "counted": answer(COUNT, COUNTED)}


def answer(code: str, argument: object) -> Any:
    """What a process of its own prints: the peak of this one would say nothing."""
    package = str(Path(fp.__file__).resolve().parent.parent)
    command = [sys.executable, "-c", RUN + code, json.dumps(argument)]
    environment = os.environ | {"PYTHONPATH": package}
    return json.loads(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def growth(result: dict) -> float:
    """Bytes that each further step takes while the run lasts, as Python counts them."""
    steps, peak = np.array(result["counted"]).T
    return float(np.polyfit(steps, peak, 1)[0])


def check(result: dict) -> list[Check]:
    peak = result["peak"] + growth(result) * (STEPS - result["steps"])
    how = "" if result["steps"] == STEPS else ", extrapolated"
    return [
        Check(f"peak memory of {STEPS:.0e} steps (MB){how}", LIMIT, 1e-6 * peak, 0.0, "at most"),
        Check("growth (bytes a step)", LARGEST_GROWTH, growth(result), 0.0, "at most"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    steps = np.array([0, STEPS])
    before = result["peak"] - growth(result) * result["steps"]
    axes.plot(steps, 1e-6 * (before + growth(result) * steps), "C0:", label=f"{growth(result):.0f} bytes a step")
    axes.plot(result["steps"], 1e-6 * result["peak"], "C0o", label="peak of the process, measured")
    axes.axhline(LIMIT, color="C2", lw=2, label="limit")
    axes.set(xlabel="steps", ylabel="MB", ylim=(0, 1.1 * LIMIT), title="1,000 saved densities of 100 cells")
    axes.legend(loc="lower right")
    return figure
