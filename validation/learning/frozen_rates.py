"""Rates of a network whose weights stand still: the equation against quadrature."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Frozen weights: the rates of every weight, in equilibrium",
    statement=(
        "Without learning (ε = 0) the neurons of every weight keep their number C(w), and the equation relaxes to N(w) "
        "= C(w) r(I(w) + w σ(N̄)), N̄ = ∫ N dw, with r(c) the rate of one neuron: one scalar equation, with exactly one "
        "solution where weights inhibit. Spectral elements meet it to 1e-6, cells with their second order."
    ),
    source="Perthame, Salort, Wainrib (2017), section 3; reference: quadrature of the mean first-passage time",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "weights": "[−1, 0], [0, 1], [−1, 1]", "lanes": "8 (16)"},
)

CASES = {
    "inhibitory, σ(x) = x": {"weights": (-1.0, 0.0), "signal": lambda w: 1.0 + np.sin(3.0 * w)},
    "excitatory, σ = x/(1 + x)": {"weights": (0.0, 1.0), "signal": 0.5, "saturation": fp.Saturating()},
    "both, σ = tanh, τ = 0.2": {
        "weights": (-1.0, 1.0), "signal": lambda w: 1.0 - w**2, "saturation": fp.HyperbolicTangent(),
        "refractory": fp.ExponentialRefractory(0.2),
    },
}  # fmt: skip
CELLS = (50, 100, 200, 400)


def run(quick: bool) -> dict:
    lanes, result = 8 if quick else 16, {}
    for name, arguments in CASES.items():
        model = fp.learning(lanes=lanes, speed=0.0, **arguments)
        middle = 0.5 * (model.w_min + model.w_max)
        start = fp.connectivity(lambda w, m=middle: np.exp(-((w - m) ** 2) / 0.18), fp.compatible_gaussian(0.0, 0.25))
        states = fp.frozen_rates(model, model.shares(start))
        spectral = fp.solve(
            model, start, (0.0, 20.0), scheme=fp.Spectral(1e-8), rtol=1e-7, atol=1e-10, save_at=[],
            estimate_error=False,
        )  # fmt: skip
        on_cells = [
            fp.solve(
                model, start, (0.0, 20.0), grid=model.grid(cells=cells), rtol=1e-7, save_at=[], estimate_error=False
            )
            for cells in CELLS[: 3 if quick else 4]
        ]
        result[name] = {"model": model, "states": states, "spectral": spectral, "cells": on_cells}
    return result


def errors(case: dict) -> list[float]:
    """The largest relative errors of N(w) on more and more cells."""
    N = case["states"][0].N
    return [float(np.max(np.abs(sol.final.rate / N - 1.0))) for sol in case["cells"]]


def check(result: dict) -> list[Check]:
    checks = []
    for name, case in result.items():
        N, sol = case["states"][0].N, case["spectral"]
        worst = float(np.max(np.abs(sol.final.rate / N - 1.0)))
        measured = errors(case)
        order = float(np.log2(measured[-2] / measured[-1]))
        kept = max(run.quality.mass_error for run in [sol, *case["cells"]])
        checks += [
            Check(f"{name}: number of quasi-static states", 1, len(case["states"]), kind="equal"),
            Check(f"{name}: relative error of N(w), spectral elements", 0.0, worst, 1e-6, "absolute"),
            Check(
                f"{name}: relative error of N(w), {case['cells'][-1].grid.cells} cells",
                0.0,
                measured[-1],
                1e-3,
                "absolute",
            ),
            Check(f"{name}: observed order of the cells", 2.0, order, 0.25, "absolute"),
            Check(f"{name}: change of any C(w)", 0.0, kept, 1e-12, "absolute"),
        ]
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (name, case) in enumerate(result.items()):
        model = case["model"]
        left.stairs(case["spectral"].final.rate, model.w_faces, color=f"C{k}", lw=1.5, label=name)
        left.plot(model.w, case["states"][0].N, "o", color=f"C{k}", ms=4)
        cells = [sol.grid.cells for sol in case["cells"]]
        right.loglog(cells, errors(case), "o-", color=f"C{k}", ms=4, label=name)
    right.loglog(cells, errors(case)[0] * (cells[0] / np.array(cells)) ** 2.0, "k:", label="second order")
    left.set(xlabel="weight $w$", ylabel="$N(w)$", title="the equation (steps) and quadrature (dots)")
    right.set(xlabel="cells", ylabel="largest relative error of $N(w)$", title="Scharfetter–Gummel cells")
    right.set_xticks(cells, [str(c) for c in cells])
    right.minorticks_off()
    left.legend(fontsize=8)
    right.legend(fontsize=8)
    return figure
