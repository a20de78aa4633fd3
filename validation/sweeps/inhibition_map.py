"""The plane of inhibition and external rate as a sweep: states, their rates, and the published regions."""

import numpy as np
from matplotlib.colors import LogNorm

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.networks.phase_diagram import network_label
from fokkerplanck.plotting import SolutionFigure

CLAIM = Claim(
    title="A sparse network over (g, ν_ext)",
    statement=(
        "Every rate in the map solves ν = φ(μ, σ) with the mean and the variance that ν itself makes. Where inhibition "
        "dominates the rate is linear in the external one, ν ≈ (ν_ext − ν_thr)/(gγ − 1), and where excitation does it "
        "comes close to 1/τ_ref. The map has the labels of the phase diagram, and the published states lie in theirs."
    ),
    source="Brunel, J. Comput. Neurosci. 8 (2000) 183, section 4 and figure 2",
    parameters={
        "tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "C_E": 1000, "gamma": 0.25, "J": "0.1 mV",
        "delay": "1.5 ms",
    },
)  # fmt: skip

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
C_E, GAMMA, J = 1000, 0.25, 0.1
THRESHOLD = 10.0
"""ν_thr = V_th/(C_E J τ_m) (Hz)."""
SHADE = {"facecolor": "black", "alpha": 0.5, "linewidth": 0.0, "pad": 1.5}
PUBLISHED = {(3.0, 2.0): "SR", (6.0, 4.0): "SI fast", (5.0, 2.0): "AI", (4.5, 0.9): "SI slow"}


def point(g: float, eta: float) -> dict:
    """The label of the network, and the number of its states and the highest rate (Hz)."""
    network = fp.BrunelNetwork(NEURON, C_E=C_E, gamma=GAMMA, J=J, g=g, nu_ext=THRESHOLD * eta, delay=0.0015)
    states = fp.balanced_states(network)
    return {"label": network_label(network), "states": len(states), "rate": float(np.max(states[-1].rates))}


def run(quick: bool) -> dict:
    g = np.array([3.0, 4.5, 5.0, 6.0, 8.0]) if quick else np.linspace(2.5, 8.0, 45)
    eta = np.array([0.9, 2.0, 4.0]) if quick else np.linspace(0.2, 4.0, 39)
    table = fp.sweep(point, {"g": g, "eta": eta}, workers=1)
    published = {place: point(*place)["label"] for place in PUBLISHED}
    network = fp.BrunelNetwork(NEURON, C_E=C_E, gamma=GAMMA, J=J, g=5.0, nu_ext=20.0, delay=0.0015)
    diagram = fp.phase_diagram(network, g[::8], THRESHOLD * eta[::8], bisections=1) if not quick else None
    return {"g": g, "eta": eta, "table": table, "published": published, "diagram": diagram}


def check(result: dict) -> list[Check]:
    table = result["table"]
    g, eta, rate = result["g"][:, None], result["eta"], np.asarray(table["rate"])
    checks = [
        Check(f"g = {place[0]:g}, ν_ext = {place[1]:g} ν_thr", PUBLISHED[place], label, kind="equal")
        for place, label in result["published"].items()
    ]
    external = THRESHOLD * eta
    tau = NEURON.tau_m
    mu = C_E * J * tau * (external + rate * (1.0 - g * GAMMA))
    sigma = J * np.sqrt(C_E * tau * (external + rate * (1.0 + g**2 * GAMMA)))
    again = fp.siegert_rate(mu, sigma, NEURON)
    gap = float(np.max(np.abs(again / rate - 1.0)))
    checks.append(Check("ν against φ(μ, σ), largest relative difference", 0.0, gap, 1e-8, "absolute"))
    # The law is that of strong recurrent inhibition; the distance of the mean from threshold is what it leaves out.
    inhibited = (g > 4.75) & (eta >= 2.0)
    excess = np.where(inhibited, external - THRESHOLD, 1.0)  # elsewhere the law has no rate, or a negative one
    linear = excess / np.where(inhibited, g * GAMMA - 1.0, 1.0)
    worst = float(np.max(np.abs(rate / linear - 1.0)[inhibited]))
    checks.append(Check("inhibited: ν over (ν_ext − ν_thr)/(gγ − 1), off 1", 0.0, worst, 0.35, "absolute"))
    excited = rate[(g <= 3.0) & (eta >= 1.5)] * NEURON.tau_ref
    checks.append(Check("excited: least ν τ_ref", 0.5, float(excited.min()), kind="at least"))
    if result["diagram"] is not None:
        diagram = result["diagram"]
        same = np.asarray(table["label"])[::8, ::8] == diagram.label
        checks.append(Check("labels that fp.phase_diagram has too", same.size, int(same.sum()), kind="equal"))
        apart = float(np.max(np.abs(rate[::8, ::8] / diagram.rate - 1.0)))
        checks.append(Check("rates against fp.phase_diagram", 0.0, apart, 1e-9, "absolute"))
    return checks


def plot(result: dict):
    table = result["table"]
    figure = SolutionFigure(figsize=(6.6, 4.4), layout="constrained")
    ax = figure.subplots()
    g, eta, rate = result["g"], result["eta"], np.asarray(table["rate"])
    norm = LogNorm(max(float(rate.min()), 1e-2), float(rate.max()))
    image = ax.pcolormesh(g, eta, rate.T, norm=norm, cmap="cividis", shading="nearest")
    figure.colorbar(image, ax=ax, label="firing rate (Hz)")
    number = np.asarray(table["states"]).T
    if number.max() > number.min():
        ax.contour(g, eta, number, levels=[1.5], colors="white", linewidths=1.2)
    for (x, y), label in PUBLISHED.items():
        ax.plot(x, y, "o", color="white", mec="black", ms=5)
        ax.annotate(label, (x, y), (5, 4), textcoords="offset points", fontsize=8, color="white", bbox=SHADE)
    ax.set(
        xlabel="relative strength of inhibition $g$", ylabel=r"external rate $\nu_{\mathrm{ext}}/\nu_{\mathrm{thr}}$"
    )
    return figure
