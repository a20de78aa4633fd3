"""Fifty populations in one call: a ring of excitatory–inhibitory pairs."""

import time

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import SolutionFigure

CLAIM = Claim(
    title="A network of networks: fifty populations",
    statement=(
        "Twenty-five excitatory–inhibitory pairs on a ring, whose excitatory populations excite their neighbours, are "
        "solved in one call. If all pairs are equal each is the pair with the neighbours' connectivity added to its "
        "own, to rounding. With a different input to each pair the rates converge to the solution of the fifty "
        "equations N_k I(c_k) = 1. The same steps take less time for each population than in a network of two."
    ),
    source="identity between two runs of this program; steady states by quadrature",
    parameters={
        "pairs": 25,
        "(b_EE, b_EI, b_IE, b_II)": "(0.5, 0.25, 0.25, 1)",
        "b of each neighbour": 0.15,
        "I_E of pair k": "0.5 + 0.5 cos(2πk/25)",
    },
)

PAIRS, NEIGHBOUR = 25, 0.15
START = fp.gaussian(0.0, 0.5)


def connectivity() -> np.ndarray:
    """Populations in the order E_0, I_0, E_1, I_1, …"""
    J = np.kron(np.eye(PAIRS), [[0.5, -0.25], [0.25, -1.0]])
    for k in range(PAIRS):
        for neighbour in (k - 1, (k + 1) % PAIRS):
            J[2 * k, 2 * (neighbour % PAIRS)] += NEIGHBOUR
    return J


def ring(inputs: np.ndarray) -> fp.Network:
    populations = {}
    for k, external in enumerate(inputs):
        populations[f"E{k}"] = fp.nnlif(b=0.0, external=float(external))
        populations[f"I{k}"] = fp.nnlif(b=0.0)
    return fp.Network(populations, connectivity())


def run(quick: bool) -> dict:
    equal, pair = ring(np.zeros(PAIRS)), fp.excitatory_inhibitory(0.5 + 2.0 * NEIGHBOUR, 0.25, 0.25, 1.0)
    grid, stepper = pair.grid(200), fp.BackwardEuler(0.01)
    runs, seconds = [], []
    for model in (pair, equal):
        fp.solve(model, START, (0.0, 0.02), grid=grid, stepper=stepper, estimate_error=False)
        begun = time.perf_counter()
        runs.append(fp.solve(model, START, (0.0, 2.0), grid=grid, stepper=stepper, estimate_error=False))
        seconds.append(time.perf_counter() - begun)
    one, all_pairs = runs
    different = ring(0.5 + 0.5 * np.cos(2.0 * np.pi * np.arange(PAIRS) / PAIRS))
    states = fp.stationary_states(different)
    cells = 480 if quick else 2400
    errors = []
    for count in (cells // 2, cells):
        sol = fp.solve(different, START, (0.0, 20.0), grid=different.grid(count, v_min=-6.5), estimate_error=False)
        errors.append(float(np.max(np.abs(sol.rate[-1] / states[0].rates - 1.0))))
    return {
        "apart": float(np.max(np.abs(all_pairs.rate.reshape(-1, PAIRS, 2) / one.rate[:, None, :] - 1.0))),
        "ratio": (seconds[1] / 50.0) / (seconds[0] / 2.0),
        "states": states,
        "sol": sol,
        "errors": errors,
    }


def check(result: dict) -> list[Check]:
    sol, errors = result["sol"], result["errors"]
    return [
        Check("equal pairs against one pair", 0.0, result["apart"], 1e-11, "at most"),
        Check("steady states found", 1, len(result["states"]), kind="equal"),
        Check(
            "rates at t = 20 against quadrature, extrapolated",
            0.0,
            abs(4.0 * errors[1] - errors[0]) / 3.0,
            1e-5,
            "at most",
        ),
        Check("order in the cell width", 2.0, float(np.log2(errors[0] / errors[1])), 0.05, "absolute"),
        Check("mass error of the worst population", 0.0, sol.quality.mass_error, 1e-12, "at most"),
        Check("time per population, over that in a network of two", 1.0, result["ratio"], kind="at most"),
    ]


def plot(result: dict) -> SolutionFigure:
    sol, state = result["sol"], result["states"][0]
    figure = SolutionFigure(figsize=(11.0, 4.2), layout="constrained")
    image, steady = figure.subplots(1, 2)
    t = np.linspace(0.05, 8.0, 300)
    rates = sol.rate_at(t)[:, ::2]
    mesh = image.pcolormesh(t, np.arange(PAIRS), rates.T, shading="nearest", rasterized=True)
    figure.colorbar(mesh, ax=image, label="$N_E(t)$")
    image.set(xlabel="$t$", ylabel="pair")
    for offset, name, colour in ((0, "E", "#D55E00"), (1, "I", "#0072B2")):
        steady.plot(state.rates[offset::2], color=colour, lw=1.0, label=f"$N_{name}$, quadrature")
        steady.plot(sol.rate[-1, offset::2], "o", color=colour, ms=4, label=f"$N_{name}(20)$")
    steady.set(xlabel="pair", ylabel="rate")
    steady.legend()
    return figure
