"""The self-consistent rates of a sparse network: all of them, their inputs, and where two of them merge."""

import numpy as np
from scipy.optimize import brentq

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.meanfield.balanced import input_of

CLAIM = Claim(
    title="Self-consistent rates of a sparse network, all of them",
    statement=(
        "ν = φ(μ(ν), σ(ν)) has the rates, inputs and coefficients of variation of fourteen published regimes; one "
        "solution where inhibition prevails or the external rate exceeds its threshold, and three where excitation "
        "prevails and it does not: quiescent, saturated, and one between them, which merges with the quiescent one "
        "where a real eigenvalue passes zero. As two populations the network has the same rates. None exceeds 1/τ_ref."
    ),
    source="Brunel, J. Comput. Neurosci. 8 (2000) 183, section 3.1; reference: two quadratures of 30 digits",
    parameters={
        "tau_m": "20 ms",
        "V_th, V_r": "20, 10 mV",
        "tau_ref": "2 ms",
        "C_E": 1000,
        "gamma": 0.25,
        "J": "0.1 mV",
    },
)

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
TABLE = {
    # (g, ν_ext/ν_thr): rate (Hz), mean and standard deviation of the input (mV), CV
    (3.0, 2.0): (327.008479295, 203.5042396, 14.71582521, 0.1167940931),
    (6.0, 4.0): (55.8412623762, 24.15873762, 10.93995086, 0.7361249650),
    (5.0, 2.0): (37.9496970858, 21.02515146, 7.682907052, 0.6753285860),
    (4.5, 0.9): (6.51670226842, 16.37082443, 3.114723343, 0.7760618170),
    (4.0, 2.0): (105.201992490, 40.0, 10.44997572, None),
    (3.5, 2.0): (226.100844440, 96.52521111, 13.70061809, None),
    (4.5, 2.0): (56.6953376587, 25.82616559, 8.528956379, None),
    (4.5, 1.5): (35.8814766306, 21.02963084, 6.819552068, None),
    (5.0, 1.0): (7.82662042223, 16.08668979, 3.65357354, None),
    (5.0, 3.0): (65.0422887907, 27.47885560, 10.01555384, None),
    (5.0, 4.0): (90.7246919813, 34.63765401, 11.81316229, None),
    (8.0, 2.0): (12.9875246213, 14.02495076, 6.939566536, None),
    (3.0, 0.9): (304.599806311, 170.2999032, 14.13470460, None),
    (2.0, 0.9): (400.787179396, 418.7871794, 12.73243385, None),
}
SEVERAL = {(3.0, 0.6): 3, (2.0, 0.3): 3, (3.5, 0.75): 3, (3.0, 1.2): 1, (4.5, 0.6): 1, (4.2, 0.5): 1}
FOLD_AT = 3.0
"""g at which the fold in the external rate is located."""


def network(g: float, eta: float) -> fp.BrunelNetwork:
    return fp.BrunelNetwork(NEURON, C_E=1000, gamma=0.25, J=0.1, g=g, nu_ext=10.0 * eta, delay=0.0015)


def scanned(brunel: fp.BrunelNetwork, points: int) -> list[float]:
    """Roots of log ν − log φ on a grid of log ν from 1e-150 Hz to the ceiling: nothing is shared but φ."""

    def excess(L):
        mu, sigma = input_of(brunel, [np.exp(L)])
        return L - np.log(float(fp.siegert_rate(mu[0], sigma[0], NEURON)))

    grid = np.linspace(np.log(1e-150), np.log(499.999), points)
    values = [excess(L) for L in grid]
    brackets = [k for k in range(points - 1) if values[k] * values[k + 1] < 0.0]
    return [float(np.exp(brentq(excess, grid[k], grid[k + 1], xtol=1e-14))) for k in brackets]


def fold(low: float, high: float) -> float:
    """The external rate over its threshold at which three states become one."""
    while high - low > 1e-10:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if len(fp.balanced_states(network(FOLD_AT, middle))) == 3 else (low, middle)
    return low


def run(quick: bool) -> dict:
    branches = {}
    for g in (3.0, 3.5, 4.5, 6.0):
        etas = np.linspace(0.3, 2.0, 18 if quick else 120)
        branches[g] = [(eta, state.rate) for eta in etas for state in fp.balanced_states(network(g, eta))]
    edge = fold(0.6, 0.95)
    return {
        "states": {key: fp.balanced_states(network(*key))[-1] for key in TABLE},
        "pairs": {
            key: fp.balanced_states(network(*key).two_populations()) for key in list(TABLE)[: 2 if quick else 14]
        },
        "several": {key: [state.rate for state in fp.balanced_states(network(*key))] for key in SEVERAL},
        "scanned": {key: scanned(network(*key), 1500 if quick else 20_000) for key in SEVERAL},
        "fold": edge,
        "merging": fp.balanced_states(network(FOLD_AT, edge)),
        "branches": branches,
    }


def check(result: dict) -> list[Check]:
    checks = []
    for key, (rate, mu, sigma, cv) in TABLE.items():
        state, label = result["states"][key], f"g = {key[0]:g}, ν_ext/ν_thr = {key[1]:g}"
        checks.append(Check(f"{label}: rate (Hz)", rate, state.rate, 5e-12))
        checks.append(Check(f"{label}: mean input (mV)", mu, float(state.mu[0]), 5e-10))
        checks.append(Check(f"{label}: σ (mV)", sigma, float(state.sigma[0]), 2e-9))
        if cv is not None:
            checks.append(Check(f"{label}: CV", cv, float(state.cv[0]), 1e-9))
    for key, states in result["pairs"].items():
        gap = np.max(np.abs(states[-1].rates / result["states"][key].rate - 1.0))
        checks.append(Check(f"{key}: as two populations, relative difference", 0.0, float(gap), 1e-9, "absolute"))
    for key, count in SEVERAL.items():
        mine, theirs = result["several"][key], result["scanned"][key]
        checks.append(Check(f"{key}: number of states", count, len(mine), kind="equal"))
        checks.append(Check(f"{key}: number found by scanning", count, len(theirs), kind="equal"))
        if len(mine) == len(theirs):
            gap = np.max(np.abs(np.array(theirs) / np.array(mine) - 1.0))
            checks.append(Check(f"{key}: relative difference to the scan", 0.0, float(gap), 1e-9, "absolute"))
    quiet, saddle, saturated = result["merging"]
    checks.append(Check("at the fold: rates of the two that merge", quiet.rate, saddle.rate, 1e-3))
    slope = float(quiet.loop.determinant(np.zeros(1))[0].real)
    checks.append(Check("at the fold: 1 − G(0)", 0.0, slope, 1e-3, "absolute"))
    fastest = max(rate for points in result["branches"].values() for _, rate in points)
    checks.append(Check("no rate exceeds 1/τ_ref (Hz)", NEURON.highest_rate, fastest, 0.0, "at most"))
    checks.append(Check("the saturated state comes near to it (Hz)", 250.0, saturated.rate, 0.0, "at least"))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    ax = figure.subplots()
    for k, (g, points) in enumerate(result["branches"].items()):
        eta, rate = np.array(points).T
        ax.semilogy(eta, rate, ".", color=f"C{k}", label=f"$g = {g:g}$")
    for (_, eta), rates in ((key, rates) for key, rates in result["scanned"].items() if key[0] in result["branches"]):
        ax.plot([eta] * len(rates), rates, "o", mfc="none", mec="black", ms=8)
    ax.axhline(NEURON.highest_rate, color="0.5", ls="--", lw=1.0)
    ax.text(2.0, 1.08 * NEURON.highest_rate, r"$1/\tau_{\mathrm{ref}}$", ha="right", va="bottom")
    ax.axvline(result["fold"], color="0.7", ls=":")
    ax.text(result["fold"], 2e-4, " fold ($g = 3$)", ha="left")
    ax.set(xlabel=r"$\nu_{\mathrm{ext}}/\nu_{\mathrm{thr}}$", ylabel=r"rate $\nu$ (Hz)", ylim=(1e-4, 1500.0))
    ax.set_title("All stationary states (dots) and roots found by scanning (circles)", fontsize=10)
    ax.legend(loc="lower right")
    return figure
