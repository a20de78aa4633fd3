"""Learning one signal, then being shown others."""

from itertools import pairwise

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Learn a signal, then test: the learned one is answered by a ramp, others are not",
    statement=(
        "A network learns a signal I for a long time (K = −1), and its output becomes the ramp N(w) = w/(K N̄), "
        "whatever I is. Then its weights are frozen and it is shown signals J. Shown I again it returns to the learned "
        "output; every other one is answered by another output, further away the more J differs, and at least as far "
        "away as the inequality of discrimination says. What is answered is N(w) = C(w) r(J(w) + w σ(N̄))."
    ),
    source=(
        "the learning-testing experiment of He, Hu, Zhou, arXiv:2109.04667, in spirit: their parameters are not known "
        "here, these are our own; theorems of Perthame, Salort, Wainrib (2017)"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "K": -1, "I": "2 exp(−(w − m)²/0.02), m = −0.2", "ε": 0.5, "lanes": 64},
)

LEARNED, SHOWN = -0.2, (-0.2, -0.25, -0.3, -0.35, -0.4)
SPEED, LEARNING, TESTING = 0.5, 50.0, 20.0


def hill(middle: float):
    return lambda w: 2.0 * np.exp(-((w - middle) ** 2) / 0.02)


def network(middle: float, speed: float, lanes: int = 64) -> fp.Learning:
    return fp.learning((-0.8, 0.0), lanes=lanes, signal=hill(middle), rule=-1.0, speed=speed)


def run(quick: bool) -> dict:
    model = network(LEARNED, SPEED)
    grid, stepper = model.grid(cells=100 if quick else 400), fp.BackwardEuler(0.05)
    start = fp.connectivity(lambda w: np.ones_like(w), fp.compatible_gaussian(0.0, 0.25))
    common = {"stepper": stepper, "estimate_error": False}
    learnt = fp.solve(model, start, (0.0, LEARNING), grid=grid, save_at=np.linspace(0.0, LEARNING, 101), **common)
    # Silence in between, so that a test does not begin with the answer.
    silent = fp.learning((-0.8, 0.0), lanes=64, signal=-1.0, rule=-1.0, speed=0.0)
    rest = fp.solve(silent, learnt.final, (0.0, TESTING), save_at=[], **common).final
    tests = {m: fp.solve(network(m, 0.0), rest, (0.0, TESTING), save_at=[], **common) for m in SHOWN}
    return {"learnt": learnt, "rest": rest, "tests": tests}


def connectivity_of(result: dict) -> np.ndarray:
    state = result["learnt"].final
    return state.grid.width @ state.density.T


def distances(result: dict) -> dict[float, float]:
    """∫ |N_J − N_I| dw, N_I what was put out at the end of learning."""
    learnt = result["learnt"]
    return {
        m: float(np.abs(sol.final.rate - learnt.final.rate).sum() * learnt.model.dw)
        for m, sol in result["tests"].items()
    }


def check(result: dict) -> list[Check]:
    learnt, C = result["learnt"], connectivity_of(result)
    model = learnt.model
    (closed,) = fp.learned_connectivity(model)
    total = float(model.total_rate(learnt.final.rate))
    inside = (model.w_faces[:-1] > closed.edge + model.dw) & (model.w_faces[1:] < -model.dw)
    ramp = model.w / (model.rule_at(model.w) * total)
    bent = float(np.max(np.abs(learnt.final.rate - ramp)[inside]) / np.max(ramp))
    apart = distances(result)
    at_rest = float(model.total_rate(result["rest"].rate)) / total
    checks = [
        Check("learned: N̄ against the closed form", closed.total, total, 2e-2),
        Check("learned: distance of N(w) from the ramp w/(K N̄), over its height", 0.0, bent, 3e-2, "absolute"),
        Check("silence in between: N̄ over that while learning", 0.5, at_rest, 0, "at most"),
        Check("shown again: ∫|N − N learned| dw", 0.0, apart[LEARNED], 1e-5, "absolute"),
    ]
    others = [m for m in SHOWN if m != LEARNED]
    rising = all(apart[a] < apart[b] for a, b in pairwise(SHOWN))
    checks.append(Check("the further away the signal, the further the answer", True, rising, kind="equal"))
    for m in others:
        row = fp.discrimination(network(LEARNED, 0.0), network(m, 0.0), C)
        checks.append(
            Check(
                f"signal at {m:g}: ∫|N_J − N_I| dw at least c ∫ C|I − J| dw",
                row.constant * row.signals,
                apart[m],
                0,
                "at least",
            )
        )
    for m, sol in result["tests"].items():
        (state,) = fp.frozen_rates(sol.model, C)
        gap = float(np.abs(sol.final.rate - state.N).sum() * model.dw) / state.total
        checks.append(Check(f"signal at {m:g}: answer against quadrature", 0.0, gap, 5e-3, "absolute"))
        checks.append(Check(f"signal at {m:g}: change of any C(w)", 0.0, sol.quality.mass_error, 1e-12, "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    learnt, C = result["learnt"], connectivity_of(result)
    model = learnt.model
    figure = Figure(figsize=(11, 3.9), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    (closed,) = fp.learned_connectivity(model)
    w = np.linspace(model.w_min, model.w_max, 1001)
    left.stairs(C, model.w_faces, color="C0", lw=1.4, label="$C(w)$ learned")
    left.plot(w, closed.connectivity(w), color="0.3", lw=1.0, label="closed form")
    left.plot(w, model.signal_at(w), "C2--", lw=1.2, label="signal $I(w)$")
    left.set(xlabel="weight $w$", title="the connectivity learned")
    left.legend(fontsize=8)
    for k, (m, sol) in enumerate(result["tests"].items()):
        name = "learned signal" if m == LEARNED else f"hill at {m:g}"
        middle.stairs(sol.final.rate, model.w_faces, color=f"C{k}", lw=2.4 if m == LEARNED else 1.2, label=name)
    middle.plot(w, closed.rate(w), color="0.3", lw=1.0, label="$w/(K\\bar N)$")
    middle.set(xlabel="weight $w$", ylabel="$N(w)$", title="answers, weights frozen")
    middle.legend(fontsize=8)
    apart = distances(result)
    bound = []
    for m in SHOWN:
        row = fp.discrimination(network(LEARNED, 0.0), network(m, 0.0), C)
        bound.append(row.constant * row.signals)
    shift = LEARNED - np.array(SHOWN)
    right.plot(shift, list(apart.values()), "o-", label=r"$\int|N_J-N_I|\,dw$")
    right.plot(shift, bound, "k:", label=r"$c\int C|I-J|\,dw$")
    right.set(xlabel="shift of the hill", title="how different the answer is", ylim=(0.0, None))
    right.legend(fontsize=8)
    return figure
