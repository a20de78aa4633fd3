"""Observed orders in h and in dt over four grids: every scheme, every stepper, density and rate, three networks."""

import itertools

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.grid import Grid
from fokkerplanck.operators.schemes import FLUX_SCHEMES
from fokkerplanck.steppers.protocol import Tolerance

CLAIM = Claim(
    title="Every scheme and every stepper has the order it claims",
    statement=(
        "Over four grids, each twice as fine as the one before, the errors of the density (L¹) and of the rate N fall "
        "like h to the order of the scheme; over four step lengths those of the density (largest) and of N fall like "
        "dt to the order of the stepper. Rodas5P is measured on so few cells that no mode is stiff; in the linear "
        "equation, where fewer order conditions remain, it does better than its order five."
    ),
    source="h: N(0.5) from hp-spectral elements, densities by Richardson extrapolation; dt: fine steps",
    parameters={
        "datum": "Gaussian(0, 1/4)",
        "T": 0.5,
        "cells": "128 to 1024 (quick: 64 to 512, one network)",
        "V_R": 1,
        "V_F": 2,
    },
)

MARGIN = 0.1
T = 0.5
DATUM = fp.gaussian(0.0, 0.25)
# label: (model, N(T))
MODELS = {
    "linear": (fp.nnlif(b=0.0), 0.111243073935),
    "nonlinear": (fp.nnlif(b=0.5), 0.116563117302),
    "refractory": (fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)), 0.110743052886),
}
FINEST = 4096
"""Cells of the reference."""
# label: (stepper as a function of dt, cells, end, numbers of steps)
STEPPERS = {
    "backward Euler": (lambda dt: fp.BackwardEuler(dt), 40, 0.6, (40, 80, 160, 320)),
    "backward Euler, self-consistent": (
        lambda dt: fp.BackwardEuler(dt, self_consistent=True),
        40,
        0.6,
        (40, 80, 160, 320),
    ),
    "Rodas5P": (lambda dt: fp.Rodas5P(), 10, 0.2, (12, 18, 24, 36)),
}
FREE = Tolerance(rtol=1e-300, atol=1.0)
"""No step control: every step is accepted at its length."""


def run(quick: bool) -> dict[str, dict]:
    cells, networks = ((64, 128, 256, 512), ["refractory"]) if quick else ((128, 256, 512, 1024), MODELS)
    return {
        "h": {label: in_space(label, cells) for label in networks},
        "dt": {label: in_time(label) for label in MODELS},
    }


# -- order in h -------------------------------------------------------------------------------------------------


def in_space(label: str, cells: tuple[int, ...]) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """1/cells, errors of the density and of N, for each scheme."""
    model, rate = MODELS[label]
    finer, fine = (at_end(model, fp.ScharfetterGummel(), n) for n in (4 * cells[-1], 2 * cells[-1]))
    errors = {}
    for name, scheme in FLUX_SCHEMES.items():
        states = [at_end(model, scheme(), n) for n in cells]
        exact = [(4.0 * masses(finer, n) - masses(fine, n)) / 3.0 for n in cells]
        density = [np.sum(np.abs(masses(s, n) - x)) for s, n, x in zip(states, cells, exact, strict=True)]
        errors[name] = 1.0 / np.array(cells), np.array(density), np.array([abs(s.rate - rate) for s in states])
    return errors


def at_end(model: fp.Population, scheme, cells: int) -> fp.State:
    grid = Grid(nested_faces(cells), 1.0)
    return fp.solve(model, DATUM, (0.0, T), grid, scheme, rtol=1e-8, atol=1e-11, save_at=[]).final


def nested_faces(cells: int) -> np.ndarray:
    """Graded faces on [−6, 2], every second of which make the next coarser grid.

    Widths grow as 1 + 6 (2 − v), by 49 in all; half of the cells lie above V_R = 1, as ln 7 is half of ln 49.
    """
    faces = 2.0 - np.expm1(np.linspace(np.log(49.0), 0.0, FINEST + 1)) / 6.0
    faces[FINEST // 2] = 1.0
    return faces[:: FINEST // cells]


def masses(state: fp.State, cells: int) -> np.ndarray:
    """Masses of the state's cells, merged to those of a coarser grid."""
    return (state.density * state.grid.width).reshape(cells, -1).sum(axis=1)


# -- order in dt ------------------------------------------------------------------------------------------------


def in_time(label: str) -> dict[str, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """dt, errors of the density and of N, for each stepper on a grid of its own."""
    model, _ = MODELS[label]
    errors = {}
    for name, (stepper, cells, end, steps) in STEPPERS.items():
        grid = model.grid(cells, v_min=-3.0)
        system = fp.ScharfetterGummel().discretize(model, grid)
        start = system.pack(fp.compatible_gaussian(0.0, 0.25).cell_averages(grid))
        system.close(start, 0.0)
        exact = march(fp.Rodas5P(), system, start, end, 400)
        ends = [march(stepper(end / n), system, start, end, n) for n in steps]
        density = np.array([np.max(np.abs(y - exact)[:-2]) for y in ends])
        rate = np.array([abs(float((y - exact)[-1, 0])) for y in ends])
        errors[name] = end / np.array(steps), density, rate
    return errors


def march(stepper, system, y: np.ndarray, length: float, steps: int) -> np.ndarray:
    dt = length / steps
    for k in range(steps):
        y = stepper.step(system, y, k * dt, dt, FREE).new
    return y


# -- what is claimed --------------------------------------------------------------------------------------------


def order(size: np.ndarray, error: np.ndarray) -> float:
    """Slope of the straight line through the four points in logarithms."""
    return float(np.polyfit(np.log(size), np.log(error), 1)[0])


def claimed(kind: str, name: str) -> int:
    return FLUX_SCHEMES[name].order if kind == "h" else STEPPERS[name][0](1.0).order


def check(result: dict[str, dict]) -> list[Check]:
    checks = []
    for kind, label in itertools.product(result, MODELS):
        for name, (size, *errors) in result[kind].get(label, {}).items():
            for quantity, error in zip(("density", "N"), errors, strict=True):
                text = f"{label}, {name}: order of the {quantity} in {kind}"
                better = (label, name) == ("linear", "Rodas5P")
                expected, rule = float(claimed(kind, name)), "at least" if better else "absolute"
                checks.append(Check(text, expected, order(size, error), MARGIN, rule))
    return checks


def plot(result: dict[str, dict]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 7), layout="constrained")
    panels = figure.subplots(2, 3, sharey="row")
    for row, (kind, networks) in zip(panels, result.items(), strict=True):
        for axes, (label, curves) in zip(row, networks.items(), strict=False):
            for k, (name, (size, density, rate)) in enumerate(curves.items()):
                axes.loglog(
                    size, density, "o-", color=f"C{k}", markersize=4, label=f"{name} ({order(size, density):.2f})"
                )
                axes.loglog(size, rate, "s--", color=f"C{k}", markersize=3)
            axes.set(xlabel="1/cells" if kind == "h" else "dt", title=f"{label}, in {kind}")
            axes.tick_params(which="minor", labelbottom=False)
            axes.legend(fontsize=7)
        for unused in row[len(networks) :]:
            unused.set_visible(False)
        row[0].set_ylabel("error: density (solid), N (dashed)")
    return figure
