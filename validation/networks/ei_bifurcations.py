"""Where the steady states of an excitatory and an inhibitory population merge, and where they begin to oscillate."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.continuation import BifurcationDiagram, bifurcations
from fokkerplanck.models.network import Network, excitatory_inhibitory
from fokkerplanck.plotting.networks import plot_bifurcations

CLAIM = Claim(
    title="Excitatory and inhibitory populations: folds, and oscillations by delay",
    statement=(
        "With a refractory state an excitatory and an inhibitory population have one or three steady states, between "
        "two folds; the middle one is unstable, and the upper one becomes so by a Hopf bifurcation. The number of "
        "growing modes, an integer by the argument principle, changes by one at folds and by two at Hopf points, where "
        "an eigenvalue is zero or ±iω. Strong inhibition that arrives late makes the one state of a network "
        "oscillate. Two equal populations whose rows of J add up to b begin to oscillate together at the b of one."
    ),
    source=(
        "Cáceres, Schneider, ESAIM: Math. Model. Numer. Anal. 52 (2018) 1733, who see all of this in simulations; "
        "Brunel, J. Comput. Neurosci. 8 (2000) 183; the equal populations: thresholds of one population, roots of "
        "its characteristic equation"
    ),
    parameters={
        "(b_EI, b_IE, b_II)": "(0.75, 0.5, 0.25)",
        "τ": 0.2,
        "delays": "(b_EE, b_EI, b_IE, b_II) = (1, 20, 10, 30)",
    },
)

STRONG = (1.0, 20.0, 10.0, 30.0)
EQUAL = (-41.9643854, 2.264965)
"""One population with delay 1: b at the onset of oscillations, and ω."""


def refractory(b: float) -> Network:
    return excitatory_inhibitory(b, 0.75, 0.5, 0.25, refractory=fp.ExponentialRefractory(0.2))


def late(delay: float) -> Network:
    return excitatory_inhibitory(*STRONG, delays=delay)


def scaled(strength: float) -> Network:
    b_EE, *inhibition = STRONG
    return excitatory_inhibitory(b_EE, *(strength * b for b in inhibition))


def equal(b: float) -> Network:
    return Network([fp.nnlif(b=0.0)] * 2, [[0.7 * b, 0.3 * b], [0.3 * b, 0.7 * b]], delays=1.0)


def run(quick: bool) -> dict:
    (prompt,) = fp.stationary_states(late(0.0))
    onset = fp.critical_delay(prompt.model, prompt)
    by_b = bifurcations(refractory, (2.2, 2.7) if quick else (1.5, 3.5), samples=3 if quick else 9)
    offsets = (-4e-7, -1e-7, 1e-7, 4e-7)
    near = [[fp.stationary_states(refractory(fold.parameter + x)) for x in offsets] for fold in by_b.folds]
    (hopf,) = by_b.hopf_points
    spans = {"delay": (0.98 * onset.value, 1.02 * onset.value), "equal": (-42.5, -41.5)}
    if not quick:
        spans = {"delay": (0.5 * onset.value, 1.5 * onset.value), "equal": (-46.0, -38.0)}
    by_delay = bifurcations(late, spans["delay"], samples=2)
    together = bifurcations(equal, spans["equal"], samples=2)
    strengths = np.geomspace(0.3, 10.0, 5 if quick else 24)
    onsets = []
    for strength in strengths:
        (state,) = fp.stationary_states(scaled(strength))
        onsets.append(fp.critical_delay(state.model, state).value)
    return {
        "strengths": strengths,
        "onsets": np.array(onsets),
        "by b": by_b,
        "near": near,
        "at hopf": _nearest(refractory(hopf.parameter), hopf.rates),
        "beyond": [_nearest(refractory(hopf.parameter + x), hopf.rates) for x in (-3e-3, 3e-3)],
        "onset": onset,
        "by delay": by_delay,
        "at onset": fp.stationary_states(late(onset.value))[0],
        "together": together,
    }


def _nearest(model: Network, rates: np.ndarray):
    return min(fp.stationary_states(model), key=lambda state: float(np.abs(np.log(state.rates / rates)).max()))


def check(result: dict) -> list[Check]:
    diagram: BifurcationDiagram = result["by b"]
    checks = [
        Check("refractory: folds in b_EE", 2, len(diagram.folds), kind="equal"),
        Check("refractory: Hopf points in b_EE", 1, len(diagram.hopf_points), kind="equal"),
        Check("refractory: at every sample the branches hold all states", True, diagram.complete, kind="equal"),
    ]
    for name, fold, near, side in zip(("left", "right"), diagram.folds, result["near"], (1, -1), strict=True):
        ordered = near[::side]  # from one state to three
        counts = [len(states) for states in ordered]
        label = f"{name} fold, b = {fold.parameter:.9f}"
        checks.append(Check(f"{label}: states on both sides of it", [1, 1, 3, 3], counts, kind="equal"))
        close, far = (next(s.growth_rate for s in states if s.unstable == 1) for states in ordered[2:])
        checks.append(Check(f"{label}: growth rate at 4e-7 over that at 1e-7 (square root)", 2.0, far / close, 0.02))
    (hopf,) = diagram.hopf_points
    z = result["at hopf"].eigenvalue
    checks.append(Check("Hopf point: Re λ of the spectrum", 0.0, z.real, 1e-5, "absolute"))
    checks.append(Check("Hopf point: Im λ of the spectrum", hopf.frequency, z.imag, 1e-6))
    checks.append(
        Check("growing modes just below and above it", [0, 2], [s.unstable for s in result["beyond"]], kind="equal")
    )
    signs = [s.growth_rate > 0.0 for s in result["beyond"]]
    checks.append(Check("growth rate positive below and above it", [False, True], signs, kind="equal"))
    (branch,) = diagram.branches
    first, second = sorted(f.rates[0] for f in diagram.folds)
    rate = branch.rates[:, 0]
    middle = set(branch.unstable[(rate > 1.001 * first) & (rate < 0.999 * second)].tolist())
    checks.append(Check("growing modes on the middle branch", {1}, middle, kind="equal"))
    onset = result["onset"]
    z = result["at onset"].eigenvalue
    checks.append(Check("critical delay: Re λ of the spectrum there", 0.0, z.real, 1e-5, "absolute"))
    checks.append(Check("critical delay: Im λ of the spectrum there", onset.frequency, z.imag, 1e-6))
    (by_delay,) = result["by delay"].hopf_points
    checks.append(Check("the same delay along a branch", onset.value, by_delay.parameter, 1e-6))
    checks.append(Check("its ω", onset.frequency, by_delay.frequency, 1e-6))
    points = [h for h in result["together"].hopf_points if np.allclose(*h.rates)]
    nearest = min(points, key=lambda h: abs(h.parameter - EQUAL[0]))
    checks.append(Check("equal populations: b at the onset", EQUAL[0], nearest.parameter, 1e-6))
    checks.append(Check("equal populations: ω at the onset", EQUAL[1], nearest.frequency, 1e-6))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 4.2), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    plot_bifurcations(result["by b"], "E", left, "$b_{EE}$")
    plot_bifurcations(result["by b"], "I", middle, "$b_{EE}$")
    right.loglog(result["strengths"], result["onsets"], color="C0")
    right.loglog(1.0, result["onset"].value, "Dk", markersize=6, label="followed along a branch")
    right.set(xlabel="strength $s$ of inhibition", ylabel="critical delay $d$")
    right.legend(fontsize=9)
    left.set_title("refractory state, excitatory rate", fontsize=10)
    middle.set_title("its inhibitory rate", fontsize=10)
    right.set_title(r"$b = (1, 20s, 10s, 30s)$: stable below", fontsize=10)
    return figure
