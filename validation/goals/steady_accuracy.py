"""The solver's own steady states against the closed formula, for two hundred values of b, and how many there are."""

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.grid import Grid

CLAIM = Claim(
    title="Steady rates to six digits, and the right number of them, for 200 values of b",
    statement=(
        "The density that the scheme itself leaves unchanged fires at a rate that tends to the root of N I(N) = 1 at "
        "second order: extrapolated from 800 and 1600 cells it differs from it by at most 1e-6, on both branches, "
        "up to N = 37 and near the fold. And for each b there are as many states, 0, 1 or 2, as a "
        "quadrature of I(N) = ∫ e^(−s²/2) (e^(s (V_F − bN)) − e^(s (V_R − bN)))/s ds finds changes of sign."
    ),
    source="Cáceres, Carrillo, Perthame (2011), section 3; quadrature by QUADPACK",
    parameters={"a0": 1, "V_R": 1, "V_F": 2, "b": "200 values from −10 to 3 (quick: 40)", "cells": 1600},
)

V_R, V_F = 1.0, 2.0
CELLS = 1600
TOLERANCE = 1e-6
HIGHEST = 1e3
"""Rates looked for by the quadrature: b N = V_F − V_R + O(1/N²) joins none beyond, unless b − 1 < 1e-5."""


def run(quick: bool) -> dict[str, list]:
    result = {"b": np.linspace(-10.0, 3.0, 40 if quick else 200), "counts": [], "rates": []}
    for b in result["b"]:
        states = fp.stationary_states(fp.nnlif(b=b))
        quadrature = rates_by_quadrature(b)
        result["counts"].append((len(states), len(quadrature)))
        for state, rate in zip(states, quadrature, strict=False):
            fine = equal_cells(state)
            rates = [discrete_rate(state, grid) for grid in (fine, Grid(fine.faces[::2], V_R))]
            result["rates"].append((b, rate, state.rate, *rates))
    result["rates"] = np.array(result["rates"])
    return result


# -- the closed formula, by quadrature --------------------------------------------------------------------------


def passage_time(rate: float, b: float) -> float:
    c = b * rate
    # The integrand peaks where s = V_F − c, and is nothing 12 widths beyond.
    peak = max(V_F - c, 0.0)

    def integrand(s: float) -> float:
        return np.exp(-0.5 * s * s + s * (V_F - c)) * -np.expm1(s * (V_R - V_F)) / s

    # Above threshold it decays like e^(−s (c − V_F)) instead: 40 such lengths, if these are shorter.
    end = min(peak + 12.0, 40.0 / max(c - V_F, 1e-3))
    points = sorted({p for p in (0.5 * peak, peak) if 0.0 < p < end})
    return quad(integrand, 0.0, end, points=points or None, epsabs=0.0, epsrel=1e-12, limit=200)[0]


def rates_by_quadrature(b: float) -> list[float]:
    """Every root of N I(N) = 1 that a scan of log N sees."""

    def balance(x: float) -> float:
        return np.exp(x) * passage_time(np.exp(x), b) - 1.0

    lowest = -3.0 if b >= 0 else -6.0
    scan = np.linspace(lowest, np.log(HIGHEST), 60)
    values = np.array([balance(x) if b > 0 or x < 1.0 else 1.0 for x in scan])
    crossings = np.flatnonzero(values[:-1] * values[1:] < 0.0)
    return [float(np.exp(brentq(balance, scan[k], scan[k + 1], xtol=1e-14))) for k in crossings]


# -- the solver's own steady state ------------------------------------------------------------------------------


def discrete_rate(state, grid: fp.Grid) -> float:
    """The N at which the scheme's stationary density, with coefficients frozen at N, fires at N."""

    def excess(rate: float) -> float:
        return fp.discrete_stationary(state.model, grid, rate).rate - rate

    return float(brentq(excess, 0.99 * state.rate, 1.01 * state.rate, xtol=1e-13 * state.rate))


def equal_cells(state) -> Grid:
    """CELLS equal cells down to where the stationary density is e^(−36); every second face makes a grid as well."""
    c = state.current
    lowest = c - np.sqrt(max(c - V_R, 0.0) ** 2 + 72.0)
    above = 2 * int(0.5 * CELLS * (V_F - V_R) / (V_F - lowest))
    below = V_R - (V_F - V_R) / above * np.arange(CELLS - above, 0, -1)
    return Grid(np.concatenate([below, np.linspace(V_R, V_F, above + 1)]), V_R)


# -- what is claimed --------------------------------------------------------------------------------------------


def relative_errors(result: dict[str, list]) -> dict[str, np.ndarray]:
    """Relative differences from the quadrature."""
    _, quadrature, closed, fine, coarse = result["rates"].T
    rates = {
        "closed form": closed,
        "800 cells": coarse,
        "1600 cells": fine,
        "extrapolated": (4.0 * fine - coarse) / 3.0,
    }
    return {name: np.abs(values / quadrature - 1.0) for name, values in rates.items()}


def check(result: dict[str, list]) -> list[Check]:
    counts, errors = np.array(result["counts"]), relative_errors(result)
    wrong = int(np.sum(counts[:, 0] != counts[:, 1]))
    extrapolated, closed = float(errors["extrapolated"].max()), float(errors["closed form"].max())
    order = np.log2(errors["800 cells"] / errors["1600 cells"])
    checks = [
        Check(f"of {len(counts)} values of b, those with a wrong number of states", 0, wrong, kind="equal"),
        Check("closed form against quadrature: largest relative difference", 0.0, closed, 1e-9, "absolute"),
        Check(f"{len(order)} extrapolated rates: largest relative error", 0.0, extrapolated, TOLERANCE, "absolute"),
        Check("observed order in h: smallest", 2.0, float(order.min()), 0.1, "absolute"),
        Check("observed order in h: largest", 2.0, float(order.max()), 0.1, "absolute"),
    ]
    for number in (0, 1, 2):
        checks.append(Check(f"values of b with {number} states", 1, int(np.sum(counts[:, 0] == number)), 0, "at least"))
    return checks


def plot(result: dict[str, list]):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    b, quadrature, _, fine, _ = result["rates"].T
    left.semilogy(b, quadrature, "k.", markersize=3, label="quadrature")
    left.semilogy(b, fine, "o", color="C0", markersize=5, markerfacecolor="none", label=f"scheme, {CELLS} cells")
    left.set(xlabel="connectivity $b$", ylabel="stationary rate $N$", title="two branches, one fold")
    left.legend(fontsize=8)
    for name, error in relative_errors(result).items():
        right.semilogy(b, np.maximum(error, 1e-17), ".", markersize=5, label=name)
    right.axhline(TOLERANCE, color="C2", lw=2, label="limit of the extrapolated")
    right.set(xlabel="connectivity $b$", ylabel="relative difference from the quadrature")
    right.legend(fontsize=8)
    return figure
