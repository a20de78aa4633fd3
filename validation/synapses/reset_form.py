"""How a neuron comes back: by a source at the reset on the whole line, or by a boundary value there."""

import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="The reset is a source on the whole line; its boundary value belongs to σ = 0",
    statement=(
        "With noise, neurons that have fired start again at V = 0 by a source δ_0(v) R on the whole line: that is what "
        "the particles do. The form f(0+) = R/(b(0) + S) on v > 0 is that of σ = 0, where the drift carries all reset "
        "neurons upwards; with σ > 0 it holds up to a part that vanishes with σ. A half line on which potentials are "
        "reflected at 0 conserves mass as well, but is another model: its rate differs by 1.5 % at σ = 0.5."
    ),
    source=(
        "Jabin, Zhou (2023), arXiv:2309.04046, eq. (1) (the boundary value) and the hierarchy (the source); the table "
        "is that of an independent program with central fluxes and Crank–Nicolson"
    ),
    parameters={"b": "0.8 − v", "ν": "5/(1 + exp(−(v − 1)/0.2))", "w": 2, "data": "N(1, 0.1²)", "t": 3},
)

END, W, DRIVE = 3.0, 2.0, 0.8
DATUM = fp.gaussian(1.0, 0.01)
# σ: rate on the whole line, rate with reflection, f(0+)(b(0) + S)/R
TABLE = {
    0.5: (2.689171, 2.729500, 1.0031),
    0.25: (2.718902, 2.728909, 1.0008),
    0.1: (2.727227, 2.728824, 1.0001),
    0.05: (2.728415, 2.728814, 1.0000),
}
LIMIT = 2.72881
"""Rate at σ = 0."""
# σ: width of the cells of the coarser grid, cell Péclet numbers of at most about 3; relative tolerance of the rates
SIZES = {0.5: (0.02, 2e-5), 0.25: (0.005, 2e-5), 0.1: (0.001, 5e-5), 0.05: (0.0005, 2e-4)}
NOISELESS = 0.005
STEP = 0.01
"""Of the coarser run with reflection."""
PARTICLES = {True: (1000, 40), False: (4000, 200)}
# The value at 0 of the parabola with given averages over [h, 2h], [2h, 3h] and [3h, 4h].
FROM_RIGHT = np.linalg.solve([[1.0, 1.0, 1.0], [1.5, 2.5, 3.5], [7 / 3, 19 / 3, 37 / 3]], [1.0, 0.0, 0.0])


def rate(v: np.ndarray) -> np.ndarray:
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


def neuron(sigma: float) -> fp.Population:
    return fp.nnlif(b=0.0, a0=sigma**2 / 2, V_R=0.0, V_F=1.0, external=DRIVE, threshold=fp.SoftThreshold(rate))


def whole_line(sigma: float, width: float) -> np.ndarray:
    """R, f(0+)(b(0) + S)/R and P(V < 0) at the end, on cells of one width."""
    model = fp.ExtendedPopulation(fp.ConstantKernel(W), neuron(sigma))
    below = round((2.0 if sigma else 0.2) / width) * width
    cells = round((below + 8.0) / width)
    grid = fp.Grid.uniform(-below, 0.0, 8.0, cells)
    grid = fp.Grid(grid.faces, 0.0, 1.0)
    end = fp.solve(model, DATUM, (0.0, END), grid=grid, rtol=1e-8, estimate_error=False, save_at=[]).final
    first = int(np.searchsorted(grid.faces, 0.5 * width)) - 1  # the cell above 0
    f = end.density[0]
    # The source is spread over the cells on its two sides, and without noise it stays so: those next to them tell.
    at_reset = FROM_RIGHT @ f[first + 1 : first + 4]
    speed = DRIVE + model.drives(end.rate)[0]
    return np.array([end.rate[0], at_reset * speed / end.rate[0], f[:first].sum() * width])


def reflected(sigma: float, width: float, dt: float) -> float:
    """R where potentials are reflected at 0 and neurons come back just above it.

    A separate program, for the library has no such boundary: central fluxes, Crank–Nicolson, S extrapolated in time.
    """
    v = width * (np.arange(round(8.0 / width)) + 0.5)
    faces, a, k = width * np.arange(1, len(v)), sigma**2 / 2, rate(v)
    n = np.exp(-0.5 * ((v - 1.0) / 0.1) ** 2)
    n /= n.sum() * width
    old = float(k @ n * width)
    now = old
    for _ in range(round(END / dt)):
        mu = DRIVE - faces + W * (1.5 * now - 0.5 * old)
        left, right = (0.5 * mu + a / width) / width, (0.5 * mu - a / width) / width  # of the flux over the width
        diagonal = -k.copy()
        diagonal[:-1] -= left
        diagonal[1:] += right
        # T n, and the reset into the first cell, whose row holds the hazard of all: Sherman–Morrison.
        moved = diagonal * n
        moved[:-1] -= right * n[1:]
        moved[1:] += left * n[:-1]
        moved[0] += k @ n
        bands = np.zeros((3, len(v)))
        bands[0, 1:], bands[1], bands[2, :-1] = 0.5 * dt * right, 1.0 - 0.5 * dt * diagonal, -0.5 * dt * left
        unit = np.zeros_like(n)
        unit[0] = 1.0
        x, z = solve_banded((1, 1), bands, np.stack([n + 0.5 * dt * moved, unit], axis=1)).T
        n = x + z * (0.5 * dt * (k @ x)) / (1.0 - 0.5 * dt * (k @ z))
        old, now = now, float(k @ n * width)
    return now


def extrapolated(values: list, order: float = 2.0) -> np.ndarray:
    """From two widths of which one is half the other; the error is of that order."""
    coarse, fine = (np.asarray(value) for value in values)
    return fine + (fine - coarse) / (2.0**order - 1.0)


def particles(sigma: float, count: int, realisations: int) -> tuple[float, float]:
    """E ν(V) of neurons on the whole line, extrapolated from N/2 and N as the bias is of order 1/N; standard error."""
    found = []
    for size, parts in ((count // 2, 2 * realisations), (count, realisations)):
        sol = fp.simulate_synapses(
            fp.ConstantKernel(W).sample(size),
            rate,
            DATUM,
            (0.0, END),
            sigma,
            external=DRIVE,
            realisations=parts,
            bins=1,
        )
        seen = sol.observable(fp.Tree(), rate)
        found.append((seen.value, seen.error))
    return 2.0 * found[1][0] - found[0][0], float(np.hypot(2.0 * found[1][1], found[0][1]))


def run(quick: bool) -> dict:
    sigmas = list(TABLE)[:2] if quick else list(TABLE)
    whole = {s: extrapolated([whole_line(s, SIZES[s][0] / k) for k in (1, 2)]) for s in sigmas}
    return {
        "whole": whole,
        "reflected": {s: extrapolated([reflected(s, SIZES[s][0] / k, STEP / k) for k in (1, 2)]) for s in sigmas},
        "none": extrapolated([whole_line(0.0, NOISELESS / k) for k in (1, 2)], 1.0),  # upwind
        "particles": particles(0.5, *PARTICLES[quick]),
    }


def check(result: dict) -> list[Check]:
    checks = []
    for sigma, (line, half, ratio) in TABLE.items():
        if sigma not in result["whole"]:
            continue
        found = result["whole"][sigma]
        # Below 0 there is no flux: f(v) = f(0) exp((μ v − v²/2)/a), μ = b(0) + S, but for what fires and changes there.
        a, mu = sigma**2 / 2, DRIVE + W * found[0]
        below = found[1] * found[0] / mu * a / mu * (1.0 - a / mu**2)
        checks += [
            Check(f"σ = {sigma:g}: rate on the whole line", line, found[0], SIZES[sigma][1]),
            Check(
                f"σ = {sigma:g}: rate with reflection at 0", half, float(result["reflected"][sigma]), SIZES[sigma][1]
            ),
            Check(f"σ = {sigma:g}: f(0+)(b(0) + S)/R", ratio, found[1], 2e-4),
            Check(f"σ = {sigma:g}: share of neurons below 0", below, found[2], 0.02),
        ]
    value, error = result["particles"]
    line, half, _ = TABLE[0.5]
    checks += [
        Check(
            "σ = 0.5: particles against the whole line, in standard errors",
            3.0,
            abs(value - line) / error,
            0.0,
            "at most",
        ),
        Check(
            "σ = 0.5: particles against reflection, in standard errors", 5.0, abs(value - half) / error, 0.0, "at least"
        ),
        Check("σ = 0: rate", LIMIT, result["none"][0], 1e-4),
        Check("σ = 0: f(0+)(b(0) + S)/R", 1.0, result["none"][1], 2e-3),
    ]
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 4), layout="constrained")
    rates, ratios, densities = figure.subplots(1, 3)
    sigmas = np.array(list(result["whole"]))
    rates.plot(sigmas, [result["whole"][s][0] for s in sigmas], "o-", label="source on the whole line")
    rates.plot(sigmas, [float(result["reflected"][s]) for s in sigmas], "s--", label="reflected at 0")
    value, error = result["particles"]
    rates.errorbar([0.5], [value], [2.0 * error], fmt="k^", capsize=3, label="neurons, two standard errors")
    rates.axhline(LIMIT, color="0.6", lw=1, label="σ = 0")
    rates.set(xlabel="σ", ylabel="R(3)", title="rate")
    ratios.plot(sigmas, [result["whole"][s][1] - 1.0 for s in sigmas], "o-", label="f(0+)(b(0) + S)/R − 1")
    ratios.plot(sigmas, [result["whole"][s][2] for s in sigmas], "s-", label="P(V < 0)")
    ratios.set(xlabel="σ", xscale="log", yscale="log", title="what the boundary value leaves out")
    for sigma in (*sigmas, 0.0):
        model = fp.ExtendedPopulation(fp.ConstantKernel(W), neuron(sigma))
        grid = fp.Grid(fp.Grid.uniform(-2.0, 0.0, 8.0, 1000).faces, 0.0, 1.0)
        end = fp.solve(model, DATUM, (0.0, END), grid=grid, rtol=1e-6, estimate_error=False, save_at=[]).final
        densities.plot(end.v, end.density[0], lw=1.2, label=f"σ = {sigma:g}")
    densities.axhline(
        result["none"][0] / (DRIVE + W * result["none"][0]), color="k", ls=":", lw=1, label="R/(b(0) + S)"
    )
    densities.set(xlabel="v", ylabel="f(3, v)", xlim=(-1.0, 6.0), title="densities at t = 3")
    for axes in (rates, ratios, densities):
        axes.legend(fontsize=7)
    return figure
