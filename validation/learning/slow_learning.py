"""Slow learning: the limit ε → 0 at fixed slow time, with steps that do not know ε; and the orders of the splitting."""

from itertools import pairwise

import numpy as np
from scipy.interpolate import CubicSpline

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.steppers.protocol import Tolerance

CLAIM = Claim(
    title="Slow learning: the same steps for every ε, and the slow equation as the limit",
    statement=(
        "At the slow time s = εt the number of steps does not depend on ε: dt = Δs/ε may be far longer than a membrane "
        "time, the density stays positive and its mass is kept. As ε → 0 the run tends to the equation C_s + ((K N̄ r C "
        "− w) C)_w = 0 of neurons in equilibrium, solved here by another scheme (local Lax–Friedrichs, rates by "
        "quadrature). Strang splitting is of second order around Rodas5P, and of first around backward Euler."
    ),
    source="He, Hu, Zhou, arXiv:2109.04667: schemes that are asymptotic-preserving in ε; Strang (1968)",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "K": -1, "I": 1, "ε": "1e−1 to 1e−6", "s": "0 to 1, 40 steps"},
)

SPEEDS, STEPS, FINER = (1e-1, 1e-2, 1e-3, 1e-4, 1e-6), 40, (40, 80, 160, 320)
LANES, FINE = 64, 400


def shape(w: np.ndarray) -> np.ndarray:
    return np.exp(-(((w + 0.5) / 0.2) ** 2))


def start() -> object:
    return fp.connectivity(shape, fp.compatible_gaussian(0.0, 0.25))


def slow_equation(lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """w and C at s = 1 of the reduced equation with I = 1, K = −1, by local Lax–Friedrichs on `lanes` cells."""
    model = fp.learning((-1.0, 0.0), lanes=lanes, signal=1.0, speed=0.0)
    C, faces, s, total = model.shares(start()), model.w_faces, 0.0, 0.3
    c = np.linspace(0.0, 1.0, 2001)  # N̄ < 1
    rate = CubicSpline(c, fp.firing_rate(model.neuron, c)[0])
    while s < 1.0:
        for _ in range(20):  # Newton: N̄ = ∫ C r(1 + w N̄) dw
            r, slope = rate(1.0 + model.w * total), rate(1.0 + model.w * total, 1)
            excess = float(np.sum(C * r) * model.dw) - total
            total -= excess / (float(np.sum(C * slope * model.w) * model.dw) - 1.0)
            if abs(excess) < 1e-10:
                break
        velocity = -total * r * C  # of Φ, at the centres
        left, right = C[:-1], C[1:]
        flux_left, flux_right = (velocity[:-1] - faces[1:-1]) * left, (velocity[1:] - faces[1:-1]) * right
        fastest = np.maximum(np.abs(2 * velocity[:-1] - faces[1:-1]), np.abs(2 * velocity[1:] - faces[1:-1]))
        flux = np.concatenate([[0.0], 0.5 * (flux_left + flux_right - fastest * (right - left)), [0.0]])
        ds = min(0.45 * model.dw / float(fastest.max()), 1.0 - s)
        C = C - ds / model.dw * np.diff(flux)
        s += ds
    return model.w, C


def coarse(C: np.ndarray) -> np.ndarray:
    """Averages over LANES of averages over more cells."""
    edges = np.linspace(0.0, 1.0, len(C) + 1)
    F = np.append(0.0, np.cumsum(C)) / len(C)
    return np.diff(np.interp(np.linspace(0.0, 1.0, LANES + 1), edges, F)) * LANES


def slow_run(speed: float, steps: int = STEPS) -> fp.Solution:
    model = fp.learning((-1.0, 0.0), lanes=LANES, signal=1.0, speed=speed)
    stepper = fp.BackwardEuler(1.0 / (steps * speed), self_consistent=True)
    return fp.solve(
        model, start(), (0.0, 1.0 / speed), grid=model.grid(cells=200), stepper=stepper, save_at=[],
        estimate_error=False,
    )  # fmt: skip


def order(inner, steps: tuple[int, ...]) -> np.ndarray:
    """L¹ differences of N(w) at t = 1 between runs of more and more steps, from a state without a layer at V_F."""
    model = fp.learning((-1.0, 0.0), lanes=24, signal=1.0, speed=0.2)
    state = fp.solve(
        model, start(), (0.0, 1.0), grid=model.grid(cells=60), stepper=fp.BackwardEuler(0.01), estimate_error=False
    ).final
    ends, scale = [], Tolerance(rtol=1e-300, atol=1.0)
    for count in steps:
        system = fp.ScharfetterGummel().discretize(model, state.grid)
        y = system.pack(state.density, state.refractory)
        system.close(y, 0.0)
        for i in range(count):
            y = fp.Splitting(inner).step(system, y, i / count, 1.0 / count, scale).new
        ends.append(y[-1])
    return np.array([np.abs(a - b).sum() * model.dw for a, b in pairwise(ends)])


def run(quick: bool) -> dict:
    return {
        "runs": {speed: slow_run(speed) for speed in SPEEDS},
        "finer": [slow_run(SPEEDS[-1], steps) for steps in FINER],
        "limit": [coarse(slow_equation(lanes)[1]) for lanes in ((FINE, 2 * FINE) if quick else (4 * FINE, 8 * FINE))],
        "orders": {
            "Rodas5P": ((5, 10, 20, 40), order(fp.Rodas5P(), (5, 10, 20, 40))),
            "BackwardEuler": ((20, 40, 80, 160), order(fp.BackwardEuler(0.1), (20, 40, 80, 160))),
        },
    }


def connectivities(result: dict) -> dict[float, np.ndarray]:
    return {speed: sol.grid.width @ sol.final.density.T for speed, sol in result["runs"].items()}


def extrapolated(result: dict) -> np.ndarray:
    """The limit from two resolutions of a scheme of first order."""
    first, second = result["limit"]
    return 2.0 * second - first


def check(result: dict) -> list[Check]:
    checks, C, limit = [], connectivities(result), extrapolated(result)
    gaps = {speed: float(np.abs(C[speed] - C[SPEEDS[-1]]).sum() / LANES) for speed in SPEEDS[:-1]}
    for speed, sol in result["runs"].items():
        checks += [
            Check(f"ε = {speed:g}: steps", STEPS, sol.quality.steps, kind="equal"),
            Check(f"ε = {speed:g}: error of the mass", 0.0, sol.quality.mass_error, 1e-12, "absolute"),
            Check(f"ε = {speed:g}: smallest density", 0.0, sol.quality.smallest_density, 0, "at least"),
        ]
    ratios = [gaps[a] / gaps[b] for a, b in pairwise(SPEEDS[:4])]
    # ε over ten: the distance from the limit is proportional to ε once it is small, up to that of the steps.
    checks.append(Check("distance from the limit in C, ε = 0.01 over 0.001", 10.0, ratios[1], 0.3))
    checks.append(Check("the same, ε = 0.001 over 0.0001", 10.0, ratios[2], 0.3))
    finer = [sol.grid.width @ sol.final.density.T for sol in result["finer"]]
    apart = [float(np.abs(a - b).sum() / LANES) for a, b in pairwise(finer)]
    for (few, many), ratio in zip(pairwise(FINER), np.divide(apart[:-1], apart[1:]), strict=False):
        checks.append(
            Check(f"ε = 1e−6, {few} and {many} steps: the difference over the next one", 2.0, float(ratio), 0.3)
        )
    end = float(np.abs(2.0 * finer[-1] - finer[-2] - limit).sum() / LANES)
    checks.append(Check("ε = 1e−6, Δs → 0: distance in C (L¹) from the slow equation", 0.0, end, 5e-3, "absolute"))
    moved = float(np.abs(limit - result["runs"][SPEEDS[0]].model.shares(start())).sum() / LANES)
    checks.append(Check("how far the weights have moved by then (L¹)", 0.3, moved, 0, "at least"))
    for name, expected, least in (("Rodas5P", 2.0, 1.6), ("BackwardEuler", 1.0, 0.85)):
        _, apart = result["orders"][name]
        measured = np.log2(apart[:-1] / apart[1:])
        checks.append(
            Check(f"smallest observed order around {name} ({expected:g})", least, float(measured.min()), 0, "at least")
        )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    C, faces = connectivities(result), np.linspace(-1.0, 0.0, LANES + 1)
    left.stairs(result["runs"][SPEEDS[0]].model.shares(start()), faces, color="0.7", label="start")
    for k, speed in enumerate((SPEEDS[0], SPEEDS[1], SPEEDS[-1])):
        left.stairs(C[speed], faces, color=f"C{k}", lw=1.3, label=rf"$\varepsilon = {speed:g}$")
    finest = result["finer"][-1]
    left.stairs(finest.grid.width @ finest.final.density.T, faces, color="C3", lw=1.3, label=f"{FINER[-1]} steps")
    left.plot(0.5 * (faces[1:] + faces[:-1]), extrapolated(result), "k.", ms=3, label="slow equation")
    left.set(xlabel="weight $w$", ylabel="$C(w)$", title=rf"$\varepsilon t = 1$, {STEPS} steps each")
    left.legend(fontsize=8)
    gaps = [float(np.abs(C[speed] - C[SPEEDS[-1]]).sum() / LANES) for speed in SPEEDS[:-1]]
    middle.loglog(SPEEDS[:-1], gaps, "o-")
    middle.loglog(SPEEDS[:-1], gaps[-1] * np.array(SPEEDS[:-1]) / SPEEDS[-2], "k:", label=r"$\sim\varepsilon$")
    middle.set(
        xlabel=r"$\varepsilon$", ylabel=r"distance of $C$ from $\varepsilon = 10^{-6}$, $L^1$", title="to the limit"
    )
    middle.legend(fontsize=8)
    for k, (name, (steps, apart)) in enumerate(result["orders"].items()):
        right.loglog(1.0 / np.array(steps[:-1]), apart, "o-", color=f"C{k}", label=name)
        right.loglog(1.0 / np.array(steps[:-1]), apart[0] * (steps[0] / np.array(steps[:-1])) ** (2 - k), "k:", lw=1.0)
    right.set_xticks([0.01, 0.02, 0.05, 0.1, 0.2], ["0.01", "0.02", "0.05", "0.1", "0.2"])
    right.minorticks_off()
    right.set(xlabel="dt", ylabel="difference of $N(w)$ to dt/2, $L^1$", title="orders 2 and 1 of the splitting")
    right.legend(fontsize=8)
    return figure
