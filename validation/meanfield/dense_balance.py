"""Dense networks balance: linear rates, irregular spikes, corrections of order 1/√K."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Dense balanced networks: linear rates and irregular spikes",
    statement=(
        "With K synapses of strength j/√K per pair of populations and a drive of the same kind the rates tend to the "
        "solution of the linear equations j ν + j_ext ν_ext = 0, with an error of (j⁻¹ μ/τ)/√K, μ being the mean input "
        "at which the noise that remains makes neurons fire at ν; the coefficient of variation tends to that of this "
        "input and is of order one. With J ~ 1/K noise dies out, and firing becomes regular; with J fixed noise grows, "
        "and firing becomes more irregular without end."
    ),
    source="van Vreeswijk, Sompolinsky, Neural Comput. 10 (1998) 1321; Renart et al., Science 327 (2010) 587",
    parameters={"tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "j": "[[4, -12], [6, -10]] mV"},
)

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
PAIR = {"E": NEURON, "I": NEURON}
J, J_EXT, NU_EXT = np.array([[4.0, -12.0], [6.0, -10.0]]), np.array([7.0, 4.0]), 10.0
EXPECTED = np.array([6.875, 8.125])
DRIVES = np.array([2.0, 5.0, 10.0, 20.0, 40.0])
CONTROL, REFERENCE = fp.dense_balance([NEURON], [[-5.0]], 8.0, nu_ext=20.0), 1000.0
"""An inhibitory network on its own, scaled in three ways that agree at K = 1000."""


def scaled(K: float, power: float) -> fp.LIFNetwork:
    """K synapses of a strength ~ K^{−power}."""
    strength = REFERENCE ** (power - 0.5) * K**-power
    return fp.LIFNetwork(
        CONTROL.neurons, C=K, J=strength * CONTROL.j, C_ext=K, J_ext=strength * CONTROL.j_ext, nu_ext=CONTROL.nu_ext
    )


def run(quick: bool) -> dict:
    limit = fp.dense_balance(PAIR, J, J_EXT, NU_EXT)
    sizes = np.array([1e2, 1e4, 1e6, 1e7]) if quick else np.geomspace(1e2, 1e7, 11)
    controls = np.geomspace(100.0, 1e5, 4) if quick else np.geomspace(100.0, 1e6, 9)
    drive = DRIVES[1::2] if quick else DRIVES
    return {
        "limit": limit,
        "sizes": sizes,
        "states": [fp.balanced_states(limit.network(K)) for K in sizes],
        "drive": drive,
        "answers": {
            K: [fp.balanced_states(fp.dense_balance(PAIR, J, J_EXT, nu).network(K))[-1].rates for nu in drive]
            for K in (1e4, 1e6)
        },
        "controls": controls,
        "control": {power: [fp.balanced_states(scaled(K, power))[-1] for K in controls] for power in (0.5, 1.0, 0.0)},
    }


def check(result: dict) -> list[Check]:
    limit, sizes = result["limit"], result["sizes"]
    checks = [
        Check("linear rates (Hz): largest error", 0.0, float(np.abs(limit.rates - EXPECTED).max()), 1e-12, "absolute")
    ]
    for K, states in zip(sizes, result["states"], strict=True):
        checks.append(Check(f"K = {K:.0f}: number of states", 1, len(states), kind="equal"))
    rates = np.array([states[-1].rates for states in result["states"]])
    gap = rates - limit.rates
    order = -np.polyfit(np.log(sizes[-2:]), np.log(np.abs(gap[-2:])), 1)[0]
    for k, name in enumerate(limit.names):
        checks.append(Check(f"{name}: order of the error in 1/K", 0.5, float(order[k]), 0.01, "absolute"))
        coefficient = float(np.sqrt(sizes[-1]) * gap[-1, k])
        checks.append(Check(f"{name}: √K times the error (Hz)", float(limit.correction[k]), coefficient, 0.01))
    irregular = np.array([states[-1].cv for states in result["states"]])
    for k, name in enumerate(limit.names):
        checks.append(Check(f"{name}: CV, K → ∞", float(limit.cv[k]), float(irregular[-1, k]), 1e-3))
    checks.append(Check("least CV at any K", 0.6, float(irregular.min()), 0.0, "at least"))
    line = np.array([fp.dense_balance(PAIR, J, J_EXT, nu).rates for nu in result["drive"]])
    far, near = (float(np.abs(np.array(answers) - line).max()) for answers in result["answers"].values())
    checks.append(Check("distance from the straight line at K = 1e4 over that at 1e6", 10.0, far / near, 0.25))
    cv = {power: [float(state.cv[0]) for state in states] for power, states in result["control"].items()}
    checks.append(
        Check("J ~ 1/√K: change of the CV over the last decade", 0.0, cv[0.5][-1] - cv[0.5][-2], 0.05, "absolute")
    )
    checks.append(Check("J ~ 1/K: the CV dies out", 0.15, cv[1.0][-1], 0.0, "at most"))
    checks.append(Check("J fixed: the CV grows", 2.0 * cv[0.5][-1], cv[0.0][-1], 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    limit, sizes = result["limit"], result["sizes"]
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    left, middle, right = figure.subplots(1, 3)
    gap = np.array([states[-1].rates for states in result["states"]]) - limit.rates
    for k, name in enumerate(limit.names):
        left.loglog(sizes, np.abs(gap[:, k]), "o", color=f"C{k}", label=f"{name}: $|\\nu(K) - \\nu|$")
        left.loglog(sizes, np.abs(limit.correction[k]) / np.sqrt(sizes), color=f"C{k}", lw=1.0, label="predicted")
    left.set(xlabel="$K$", ylabel="distance from the linear rates (Hz)")
    left.legend(fontsize=8)
    for k, name in enumerate(limit.names):
        middle.plot(
            result["drive"], EXPECTED[k] / NU_EXT * result["drive"], color=f"C{k}", lw=1.0, label=f"{name}, linear"
        )
        for K, marker in zip(result["answers"], "s.", strict=True):
            rates = np.array(result["answers"][K])[:, k]
            middle.plot(
                result["drive"], rates, marker, color=f"C{k}", mfc="none", label=f"$K = 10^{{{np.log10(K):.0f}}}$"
            )
    middle.set(xlabel=r"$\nu_{\mathrm{ext}}$ (Hz)", ylabel=r"$\nu$ (Hz)")
    middle.legend(fontsize=8)
    names = {0.5: r"$J \sim 1/\sqrt{K}$", 1.0: r"$J \sim 1/K$", 0.0: "$J$ fixed"}
    for power, states in result["control"].items():
        right.loglog(result["controls"], [state.cv[0] for state in states], "o-", ms=3, label=names[power])
    right.set(xlabel="$K$", ylabel="CV of the intervals")
    right.legend(fontsize=8)
    return figure
