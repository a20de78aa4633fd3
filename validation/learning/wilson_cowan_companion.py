"""The Wilson–Cowan equations with Hebbian learning beside the density model, in what the two share."""

from dataclasses import dataclass

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Wilson–Cowan with Hebbian learning: the finite-dimensional companion",
    statement=(
        "(1) With frozen weights the two models have the same equilibria: x_k = N(w_k)/C(w_k) solves the Wilson–Cowan "
        "equations x_i' = −x_i + r(Σ_j w_i C_j dw x_j + I_i) in which the gain σ is the rate r(c) of one "
        "integrate-and-fire neuron. (2) Learning with w_ij' = k x_i x_j − w_ij or with Φ = K N N̄ makes the weight that "
        "a neuron receives proportional to its own output: N and w lie on one ray, whatever the signal. (3) With k, K "
        "< 0 the answer grows with the signal after learning as before, but less, in both. They do not share more: "
        "Wilson–Cowan populations keep their signals and change their weights, neurons of the density model change the "
        "population; learned numbers are not equal, and are not compared."
    ),
    source="Wilson, Cowan (1972); Perthame, Salort, Wainrib (2017), introduction: w_ij' = k_ij N_i N_j − w_ij",
    parameters={"a": 1, "V_R": 1, "V_F": 2, "weights": "[−1, 0]", "k, K": -1, "I": "0.5, 1, 1.5, 2"},
)

LANES, SIGNALS = 12, (0.5, 1.0, 1.5, 2.0)


@dataclass(frozen=True)
class FiringRate:
    """r(c) of the neuron of `fp.nnlif(b=0)` as the gain of Wilson–Cowan equations."""

    def __call__(self, x: np.ndarray) -> np.ndarray:
        return fp.firing_rate(fp.nnlif(b=0.0), x)[0]

    def slope(self, x: np.ndarray) -> np.ndarray:
        return fp.firing_rate(fp.nnlif(b=0.0), x)[1]


def start() -> object:
    return fp.connectivity(lambda w: np.exp(-((w + 0.5) ** 2) / 0.08), fp.compatible_gaussian(0.0, 0.25))


def run(quick: bool) -> dict:
    frozen = fp.learning((-1.0, 0.0), lanes=LANES, signal=lambda w: 1.0 + 0.5 * np.sin(6.0 * w), speed=0.0)
    C = frozen.shares(start())
    density = fp.solve(
        frozen, start(), (0.0, 20.0), scheme=fp.Spectral(1e-8), rtol=1e-7, save_at=[], estimate_error=False
    )
    W = frozen.w[:, None] * C * frozen.dw
    companion = fp.WilsonCowan(frozen.external, speed=0.0, saturation=FiringRate()).simulate(40.0, weights=W)
    learned, companions = {}, {}
    for level in SIGNALS:
        model = fp.learning((-1.2, 0.0), lanes=48, signal=level, rule=-1.0, speed=0.5)
        learned[level] = fp.solve(
            model, start(), (0.0, 40.0), grid=model.grid(cells=100 if quick else 400), save_at=[0.0, 40.0],
            stepper=fp.BackwardEuler(0.1), estimate_error=False,
        )  # fmt: skip
        network = fp.WilsonCowan(level * np.linspace(0.5, 1.0, 6), rule=-1.0, speed=0.5, saturation=FiringRate())
        companions[level] = network.simulate(60.0)
    return {"frozen": (frozen, C, density, companion), "learned": learned, "companions": companions}


def received(run: fp.WilsonCowan) -> tuple[np.ndarray, np.ndarray]:
    """Rates x_i at the end, and the weight that i receives for each spike of the others."""
    x, W = run.rates[-1], run.weights[-1]
    return x, W @ x / x.sum()


def bend(x: np.ndarray, y: np.ndarray) -> float:
    """Distance of y from the best multiple of x, over the largest y."""
    return float(np.max(np.abs(y - x * (x @ y) / (x @ x))) / np.max(np.abs(y)))


def settled(sol: fp.Solution) -> tuple[np.ndarray, np.ndarray]:
    """Weights and rates of the lanes that the neurons have not left, without those next to the ends of the interval."""
    (closed,) = fp.learned_connectivity(sol.model)
    model = sol.model
    inside = (model.w_faces[:-1] > closed.edge + model.dw) & (model.w_faces[1:] < -model.dw)
    return model.w[inside], sol.final.rate[inside]


def before_and_after(result: dict) -> dict[str, np.ndarray]:
    """Total answers with the initial weights and after learning, shape (2, signals)."""
    density = []
    for sol in result["learned"].values():
        (first,) = fp.frozen_rates(sol.model, sol.model.shares(start()))
        density.append((first.total, float(sol.model.total_rate(sol.final.rate))))
    finite = []
    for run in result["companions"].values():
        untaught = run.network.saturation(run.network.signal)  # the weights begin at zero
        finite.append((untaught.mean(), run.rates[-1].mean()))
    return {"density": np.array(density).T, "Wilson–Cowan": np.array(finite).T}


def check(result: dict) -> list[Check]:
    frozen, C, density, companion = result["frozen"]
    x = companion.rates[-1]
    (state,) = fp.frozen_rates(frozen, C)
    checks = [
        Check("(1) Wilson–Cowan x C against quadrature", 0.0, float(np.max(np.abs(x * C - state.N))), 1e-7, "absolute"),
        Check(
            "(1) Wilson–Cowan x C against the density",
            0.0,
            float(np.max(np.abs(x * C - density.final.rate))),
            1e-6,
            "absolute",
        ),
    ]
    for level in SIGNALS:
        rates, weights = received(result["companions"][level])
        w, N = settled(result["learned"][level])
        checks.append(
            Check(
                f"(2) I = {level:g}: Wilson–Cowan, weights off the ray of the rates",
                0.0,
                bend(rates, weights),
                1e-6,
                "absolute",
            )
        )
        checks.append(Check(f"(2) I = {level:g}: density, N(w) off the ray of w", 0.0, bend(w, N), 2e-2, "absolute"))
    for name, (before, after) in before_and_after(result).items():
        growth = np.diff(after)
        checks.append(
            Check(
                f"(3) {name}: the answer grows with the signal by at least", 0.0, float(growth.min()), -1e-3, "at least"
            )
        )
        checks.append(
            Check(
                f"(3) {name}: growth from I = 0.5 to 2, after over before learning",
                1.0,
                float((after[-1] - after[0]) / (before[-1] - before[0])),
                0,
                "at most",
            )
        )
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    frozen, C, density, companion = result["frozen"]
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    left.stairs(density.final.rate, frozen.w_faces, lw=1.5, label="density model")
    left.plot(frozen.w, companion.rates[-1] * C, "o", ms=5, color="C1", label="Wilson–Cowan, $x_k C_k$")
    left.set(xlabel="weight $w$", ylabel="$N(w)$", title="(1) frozen weights: the same")
    left.legend(fontsize=8)
    for k, level in enumerate(SIGNALS):
        w, N = settled(result["learned"][level])
        rates, weights = received(result["companions"][level])
        middle.plot(-w / np.max(-w), N / np.max(N), "-", color=f"C{k}", lw=1.5, label=f"$I = {level:g}$")
        middle.plot(weights / weights.min(), rates / rates.max(), "o", color=f"C{k}", ms=4)
    middle.set(
        xlabel="learned weight, over the largest",
        ylabel="rate, over the largest",
        title="(2) on one ray (dots: Wilson–Cowan)",
    )
    middle.legend(fontsize=8)
    for k, (name, (before, after)) in enumerate(before_and_after(result).items()):
        right.plot(SIGNALS, before, "--", color=f"C{k}", lw=1.2, label=f"{name}, before")
        right.plot(SIGNALS, after, "o-", color=f"C{k}", ms=4, label=f"{name}, after learning")
    right.set(
        xlabel="signal $I$",
        ylabel=r"$\bar N$, or the mean of $x_i$",
        title="(3) learning flattens the answer",
        ylim=(0.0, None),
    )
    right.legend(fontsize=8)
    return figure
