"""Integrators that share nothing agree: the package's steppers, SciPy's Radau, and the matrix exponential."""

import warnings

import numpy as np
from scipy.integrate import solve_ivp
from scipy.linalg import expm

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Independent integrators agree to 1e-6",
    statement=(
        "The same semi-discrete equations, solved by the package as a differential-algebraic system and by SciPy's "
        "Radau IIA as ordinary differential equations in which N is eliminated, have the same N(t) and the same "
        "density to 1e-6; in the linear equation so does the exponential of the matrix, which has no steps at all."
    ),
    source="Hairer, Wanner, Solving ODEs II (Radau IIA, order 5); matrix exponential by Padé approximation",
    parameters={"cells": "120 (quick: 40)", "t": "0 to 1", "datum": "compatible Gaussian(0, 1/4)", "rtol": "1e-9"},
)

LIMIT = 1e-6
T = 1.0
TIMES = np.linspace(0.0, T, 41)
DATUM = fp.compatible_gaussian(0.0, 0.25)
MODELS = {
    "linear": fp.nnlif(b=0.0),
    "b = 1.5": fp.nnlif(b=1.5),
    "b = −5": fp.nnlif(b=-5.0),
    "b = 0.5, refractory 0.2": fp.nnlif(b=0.5, refractory=fp.ExponentialRefractory(0.2)),
    "b = 0.5, a1 = 0.3": fp.nnlif(b=0.5, a1=0.3),
    "driven": fp.nnlif(b=0.5, external=lambda t: float(np.sin(6.0 * t))),
}


def run(quick: bool) -> dict[str, dict]:
    result = {}
    for label, model in MODELS.items():
        grid = model.grid(40 if quick else 120, v_min=-6.0, finest=0.02)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
            sol = fp.solve(model, DATUM, (0.0, T), grid, rtol=1e-9, atol=1e-12, save_at=TIMES)
        result[label] = {"Rodas5P": (sol.rate_at(TIMES), sol.density[-1]), "Radau": radau(model, grid)}
        if label == "linear":
            result[label]["exponential"] = exponential(model, grid)
    return result


def radau(model: fp.Population, grid: fp.Grid) -> tuple[np.ndarray, np.ndarray]:
    """N at TIMES and the last density, from SciPy: the unknowns are the density and the pool, N is closed for each."""
    system = fp.ScharfetterGummel().discretize(model, grid)

    def closed(u: np.ndarray, t: float) -> np.ndarray:
        y = system.pack(u[:-1], float(u[-1]))
        if not system.close(y, t):
            raise ArithmeticError(f"no rate exists at t = {t:g}")
        return y

    def slope(t: float, u: np.ndarray) -> np.ndarray:
        y = closed(u, t)
        return system.residual(y, t, out=np.empty_like(y))[:-1, 0]

    start = np.append(DATUM.cell_averages(grid), 0.0)
    answer = solve_ivp(slope, (0.0, T), start, method="Radau", t_eval=TIMES, rtol=1e-9, atol=1e-12)
    rates = np.array([closed(u, t)[-1, 0] for t, u in zip(answer.t, answer.y.T, strict=True)])
    return rates, answer.y[:-1, -1]


def exponential(model: fp.Population, grid: fp.Grid) -> tuple[np.ndarray, np.ndarray]:
    """The same for the linear equation, from e^{tA}: A and the rate functional are read off unit densities."""
    system = fp.ScharfetterGummel().discretize(model, grid)
    columns, fires = [], []
    for unit in np.eye(grid.cells):
        y = system.pack(unit)
        system.close(y, 0.0)
        columns.append(system.residual(y, 0.0, out=np.empty_like(y))[:-2, 0])
        fires.append(y[-1, 0])
    advance, n = expm(TIMES[1] * np.array(columns).T), DATUM.cell_averages(grid)
    rates = [np.dot(fires, n)]
    for _ in TIMES[1:]:
        n = advance @ n
        rates.append(np.dot(fires, n))
    return np.array(rates), n


def check(result: dict[str, dict]) -> list[Check]:
    checks = []
    for label, answers in result.items():
        rate, density = answers["Rodas5P"]
        for name, (other_rate, other_density) in answers.items():
            if name == "Rodas5P":
                continue
            of_rate = float(np.max(np.abs(rate / other_rate - 1.0)))
            of_density = float(np.max(np.abs(density - other_density)) / np.max(other_density))
            checks.append(
                Check(f"{label}: N against {name}, largest relative difference", 0.0, of_rate, LIMIT, "absolute")
            )
            checks.append(Check(f"{label}: density against {name}", 0.0, of_density, LIMIT, "absolute"))
    return checks


def plot(result: dict[str, dict]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for k, (label, answers) in enumerate(result.items()):
        rate = answers["Rodas5P"][0]
        left.semilogy(TIMES, rate, color=f"C{k}", label=label)
        left.semilogy(TIMES[::4], answers["Radau"][0][::4], "o", color=f"C{k}", markersize=4)
        for name, (other, _) in answers.items():
            if name != "Rodas5P":
                difference = np.maximum(np.abs(rate / other - 1.0), 1e-17)
                right.semilogy(TIMES, difference, "-" if name == "Radau" else ":", color=f"C{k}")
    left.set(xlabel="time $t$", ylabel="$N(t)$", title="Rodas5P (lines) and Radau (dots)")
    left.legend(fontsize=8)
    right.axhline(LIMIT, color="C2", lw=2, label="limit")
    right.set(xlabel="time $t$", ylabel="relative difference of $N$", title="dotted: matrix exponential")
    right.legend(fontsize=8)
    return figure
