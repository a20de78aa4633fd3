"""A very long delay: the rate goes from equilibrium to equilibrium, and may never settle."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Long delays: the sequence of pseudo-equilibria",
    statement=(
        "With a long transmission delay the rate settles within each delay in the equilibrium of the activity that "
        "arrives: N_{k+1} = 1/I(b N_k). For weak inhibition the sequence converges to the steady state, beyond "
        "b = −9.4597865 it ends in a cycle of two rates; excitation leads from silence to the lower steady state, or "
        "without bound if there is none. A run with a long delay visits the rates of the sequence."
    ),
    source=(
        "Cáceres, Cañizo, Ramos-Lora (2024); reference: 30-digit quadrature of I and its derivative (the onset of "
        "the cycle is sometimes put at −9.4601682, where the slope is −1.0000243)"
    ),
    parameters={"a": 1, "V_R": 1, "V_F": 2, "b": "−20 to 2.2", "d of the run": 12},
)

# b: where the sequence from 0 ends
LIMITS = {
    -5.0: (0.0648598462327,),
    -9.0: (0.0498979996898,),
    -10.0: (0.0226860284469, 0.0788016051593),
    -20.0: (1.10578915151e-4, 0.119511104877),
    1.5: (0.192364012568,),
}
CYCLE = -9.459786496977  # where the slope of the map passes −1
DELAY = 12.0


def run(quick: bool) -> dict:
    sequences = {b: fp.pseudo_equilibria(fp.nnlif(b=b), count=1000) for b in LIMITS}
    delays = 3 if quick else 6
    sol = fp.solve(fp.nnlif(b=-20.0, delay=DELAY), fp.gaussian(0.0, 0.25), (0.0, delays * DELAY), estimate_error=False)
    return {
        "sequences": sequences,
        "diverging": fp.pseudo_equilibria(fp.nnlif(b=2.2), count=200),
        "swings": {
            b: np.ptp(fp.pseudo_equilibria(fp.nnlif(b=b), count=8000)[-2:]) for b in (CYCLE + 0.02, CYCLE - 0.02)
        },
        "sol": sol,
        "visited": sol.rate_at((np.arange(delays) + 1.0) * DELAY * (1.0 - 1e-9)),
        "expected": fp.pseudo_equilibria(fp.nnlif(b=-20.0), count=delays)[1:],
    }


def check(result: dict) -> list[Check]:
    checks = []
    for b, limits in LIMITS.items():
        for limit, measured in zip(limits, np.sort(result["sequences"][b][-len(limits) :]), strict=True):
            checks.append(Check(f"b = {b:g}: limit of the sequence", limit, float(measured), 1e-10))
    checks.append(Check("b = 2.2: the sequence is unbounded", np.inf, float(result["diverging"][-1]), kind="equal"))
    before, beyond = result["swings"].values()
    checks.append(Check("0.02 before the onset of the cycle: swing", 0.0, float(before), 1e-6, "at most"))
    checks.append(Check("0.02 beyond the onset of the cycle: swing", 5e-3, float(beyond), 0.0, "at least"))
    for k, (expected, visited) in enumerate(zip(result["expected"], result["visited"], strict=True), start=1):
        label = f"b = −20, d = {DELAY:g}: N at the end of delay {k}"
        checks.append(Check(label, float(expected), float(visited), 1e-3 * float(result["expected"][0]), "absolute"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout="constrained")
    left, right = figure.subplots(1, 2)
    for b, sequence in result["sequences"].items():
        left.plot(np.arange(31), sequence[:31], ".-", lw=0.8, label=f"b = {b:g}")
    left.set(xlabel="$k$", ylabel="$N_k$", title="pseudo-equilibria")
    left.legend(fontsize=8)
    sol, expected = result["sol"], result["expected"]
    right.plot(sol.t / DELAY, sol.rate, color="C0", label="run")
    right.hlines(expected, np.arange(len(expected)), np.arange(len(expected)) + 1.0, color="C3", ls="--", lw=1,
                 label="pseudo-equilibrium")  # fmt: skip
    right.set(xlabel="time over the delay", ylabel="$N$", ylim=(0.0, 0.2), title=f"$b = -20$, $d = {DELAY:g}$")
    right.legend(fontsize=8)
    return figure
