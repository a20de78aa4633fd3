"""The linear equation forgets its start at the rate of the spectral gap."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Linear equation: exponential convergence at the spectral rate",
    statement=(
        "Without coupling (b = 0) the density stays a probability density and converges exponentially to the unique "
        "stationary state P: |N(t) − N∞| decays like exp(λ₁ t) and the quadratic relative entropy ∫ (n − P)²/P like "
        "exp(2 λ₁ t), with λ₁ the first non-zero eigenvalue. The network desynchronises totally."
    ),
    source="Cáceres, Carrillo, Perthame (2011), Thm 2.1; λ₁ from the parabolic-cylinder equation of the eigenvalues",
    parameters={"b": 0, "a": 1, "V_R": 1, "V_F": 2, "datum": "Gaussian(0, 1/4)"},
)

LAMBDA_1 = -1.19096709239064
N_INFINITY = 0.119975965239
POINCARE_RATE = 2.3710565  # the rate that the Poincaré inequality alone guarantees for the entropy
WINDOW = (8.0, 14.0)  # later modes have died out by then


def run(quick: bool) -> dict:
    model = fp.nnlif(b=0.0)
    grid = model.grid(800 if quick else 3200, finest=2e-3)
    times = np.linspace(0.0, WINDOW[1], 161)
    sol = fp.solve(
        model, fp.gaussian(0.0, 0.25), (0.0, 40.0), grid=grid, save_at=[*times, 40.0], rtol=1e-10, atol=1e-14
    )
    P = sol.density[-1]  # of the scheme itself: the entropy of a sampled P would stop at the discretisation error
    entropy = ((sol.density[:-1] - P) ** 2 / P) @ grid.width
    gap = np.abs(sol.rate_at(times) - sol.rate[-1])
    return {
        "sol": sol,
        "times": times,
        "entropy": entropy,
        "gap": gap,
        "rate of N": _slope(times, gap),
        "rate of the entropy": _slope(times, entropy),
        "spectrum": fp.spectrum(model, at=fp.stationary_states(model)[0], count=3).eigenvalues.real,
    }


def _slope(times: np.ndarray, values: np.ndarray) -> float:
    chosen = (times >= WINDOW[0]) & (times <= WINDOW[1])
    return float(np.polyfit(times[chosen], np.log(values[chosen]), 1)[0])


def check(result: dict) -> list[Check]:
    sol, entropy = result["sol"], result["entropy"]
    bound = entropy[0] * np.exp(-POINCARE_RATE * result["times"])
    return [
        Check("stationary rate N∞", N_INFINITY, float(sol.rate[-1]), 1e-5),
        Check("λ₁ from the spectrum of the discrete operator", LAMBDA_1, float(result["spectrum"][0]), 1e-6),
        Check("rate of |N(t) − N∞|", LAMBDA_1, result["rate of N"], 1e-4),
        Check("rate of the quadratic entropy", 2 * LAMBDA_1, result["rate of the entropy"], 1e-4),
        Check("entropy over its Poincaré bound, largest", 1.0, float(np.max(entropy / bound)), 1e-12, "at most"),
        Check("largest increase of the entropy", 0.0, float(np.max(np.diff(entropy))), 1e-15, "at most"),
        Check("mass error", 0.0, sol.quality.mass_error, 1e-12, "at most"),
        Check("smallest density", 0.0, sol.quality.smallest_density, 1e-12, "at least"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_density_image

    times = result["times"]
    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    plot_density_image(left, result["sol"])
    left.set(title="n(v, t)", xlim=(0, 4))
    right.semilogy(times, result["gap"], color="C3", label="$|N - N_\\infty|$")
    right.semilogy(times, result["entropy"], color="C0", label="$\\int (n-P)^2/P$")
    guide = times[times > 2]
    for values, factor, colour in ((result["gap"], 1, "C3"), (result["entropy"], 2, "C0")):
        start = values[times > 2][0]
        right.semilogy(guide, 2 * start * np.exp(factor * LAMBDA_1 * (guide - guide[0])), "--", color=colour, lw=1)
    right.set(xlabel="time $t$", title=f"dashed: predicted, $\\lambda_1 = {LAMBDA_1:.4f}$ and $2\\lambda_1$")
    right.legend()
    return figure
