"""Ages and potentials: with the hazard of a noisy integrate-and-fire neuron the time-elapsed model has its N(t)."""

import numpy as np
from scipy.special import pbdv

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Time elapsed and noisy LIF: with the first-passage hazard both have the same N(t)",
    statement=(
        "Without coupling let p(s) = f(s)/P(T > s), f the density of the time T from V_R to V_F of the noisy leaky "
        "integrate-and-fire neuron. Start from n(s, 0) ∝ P(T > s) g(s) in ages and n0(v) ∝ ∫ g(s) q(v, s) ds in "
        "potentials, q(·, s) being the density of those that were reset a time s ago and have not fired. Then the "
        "time-elapsed model and the Fokker–Planck equation give the same N(t): the difference is of order 2 in the "
        "cells of ages. For g = e^{−γs}, n0 is the resolvent of the Fokker–Planck operator at V_R, in closed form "
        "with parabolic cylinder functions; a difference of two of them leaves out the neurons that have just "
        "fired. N relaxes at the rate λ_1 of that operator with its reset, though ages relax more slowly."
    ),
    source="Dumont, Henry, Tarniceriu, J. Math. Biol. (2016), arXiv:1512.03785",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": 0},
)

V_R, V_F, UNTIL, END = 1.0, 2.0, 4.0, 20.0
DECAY = 1.19096709239
"""−λ_1 of the Fokker–Planck equation with reinjection: E e^{−λT} = 1, by parabolic cylinder functions."""
STARTS = {"g = e^{−2s}": ((2.0, 1.0),), "g = e^{−2s} − e^{−5s}": ((2.0, 1.0), (5.0, -1.0))}
"""Sums of weight · e^{−γs}, as pairs (γ, weight)."""


def resolvent(v: np.ndarray, gamma: float) -> np.ndarray:
    """∫ e^{−γs} q(v, s) ds: the solution of n'' + (v n)' − γ n + δ(v − V_R) = 0, n(V_F) = 0."""

    def left(v):
        return np.exp(-0.25 * np.square(v)) * pbdv(-gamma, -np.asarray(v))[0]

    def right(v):
        other = np.exp(-0.25 * np.square(v)) * pbdv(-gamma, np.asarray(v))[0]
        return other * left(V_F) - left(v) * np.exp(-0.25 * V_F**2) * pbdv(-gamma, V_F)[0]

    step = 1e-5
    jump = (right(V_R + step) - right(V_R - step)) * left(V_R) - (left(V_R + step) - left(V_R - step)) * right(V_R)
    return np.where(v < V_R, left(v) * right(V_R), left(V_R) * right(v)) * 2.0 * step / -jump


def run(quick: bool) -> dict:
    hazard = fp.lif_hazard(0.0, np.sqrt(2.0), fp.LIF(tau_m=1.0, V_th=V_F, V_r=V_R))
    model, neuron = fp.time_elapsed(hazard), fp.nnlif(b=0.0, V_R=V_R, V_F=V_F)
    late = fp.solve(
        model, lambda s: hazard.survival(s) * np.exp(-2.0 * s), (0.0, 8.0), grid=model.grid(4000, end=40.0),
        estimate_error=False,
    )  # fmt: skip
    result = {
        "late": late,
        "rate": 1.0 / float(hazard.transform(0.0)),
        "theory": fp.stationary_states(neuron)[0].rate,
        "runs": {},
    }
    for name, parts in STARTS.items():
        reference = fp.solve(
            neuron,
            lambda v, parts=parts: np.maximum(sum(weight * resolvent(v, gamma) for gamma, weight in parts), 0.0),
            (0.0, UNTIL), rtol=1e-9, atol=1e-12,
        )  # fmt: skip

        def ages(s, parts=parts):
            return hazard.survival(s) * sum(weight * np.exp(-gamma * s) for gamma, weight in parts)

        widths = (400, 800, 1600) if quick else (400, 800, 1600, 3200, 6400)
        grids = [model.grid(cells, end=END) for cells in widths]
        solutions = [fp.solve(model, ages, (0.0, UNTIL), grid=grid, estimate_error=False) for grid in grids]
        result["runs"][name] = reference, solutions
    return result


def errors(reference: fp.Solution, solutions: list[fp.Solution]) -> np.ndarray:
    times = np.arange(0.1, UNTIL, 0.05)
    return np.array([np.max(np.abs(sol.rate_at(times) - reference.rate_at(times))) for sol in solutions])


def check(result: dict) -> list[Check]:
    checks = [Check("steady rate from the hazard", result["theory"], result["rate"], 1e-9)]
    before, after = result["late"].rate_at([7.0, 8.0]) - result["rate"]
    checks.append(Check("decay rate of N in ages, and λ_1 of potentials", DECAY, float(np.log(before / after)), 1e-4))
    for name, (reference, solutions) in result["runs"].items():
        apart = errors(reference, solutions)
        checks.append(
            Check(f"{name}: order of the difference", 2.0, float(np.log2(apart[-2] / apart[-1])), 0.1, "absolute")
        )
        checks.append(Check(f"{name}: difference on the finest grid", 0.0, float(apart[-1]), 2e-5, "at most"))
        span = np.ptp(reference.rate_at(np.arange(0.1, UNTIL, 0.05)))
        checks.append(Check(f"{name}: by how much N changes", 0.02, float(span), 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    t = np.linspace(0.0, UNTIL, 400)
    for k, (name, (reference, solutions)) in enumerate(result["runs"].items()):
        label = name.replace("−", "-").replace("g = ", "")
        left.plot(t, reference.rate_at(t), color=f"C{k}", lw=4, alpha=0.35, label=f"potentials, $g = {label}$")
        left.plot(solutions[-1].t, solutions[-1].rate, color=f"C{k}", lw=1.2, label=f"ages, $g = {label}$")
        h = [sol.grid.width[0] for sol in solutions]
        right.loglog(h, errors(reference, solutions), "o-", color=f"C{k}", label=f"$g = {label}$")
    right.loglog(h, 0.02 * np.square(h), "k--", lw=1, label="$h^2$")
    left.set(xlabel="$t$", ylabel="$N(t)$")
    right.set(xlabel="width of the cells of ages $h$", ylabel="largest difference of $N$")
    left.legend(fontsize=8)
    right.legend()
    return figure
