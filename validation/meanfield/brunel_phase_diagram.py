"""Where a sparse network is synchronous or asynchronous, regular or irregular, and how fast it oscillates."""

from dataclasses import replace

import numpy as np
from scipy.optimize import least_squares

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.networks.phase_diagram import network_label

CLAIM = Claim(
    title="The phase diagram of a sparse network",
    statement=(
        "The four states A to D of the published diagram are synchronous regular, fast synchronous irregular, "
        "asynchronous irregular and slow synchronous irregular. The leading eigenvalue, from the response in closed "
        "form, is that of the finite volumes, and it is growth rate and frequency of small perturbations of the "
        "delayed nonlinear equation. Fast oscillations set in at a delay, a g and an external rate where "
        "det(1 − G(2πif)) = 0, the delay being the one that the finite volumes give; their period is some four delays."
    ),
    source="Brunel, J. Comput. Neurosci. 8 (2000) 183, figures 2 and 8; Brunel, Hakim, Neural Comput. 11 (1999) 1621",
    parameters={
        "tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "C_E": 1000, "gamma": 0.25, "J": "0.1 mV",
        "delay": "1.5 ms",
    },
)  # fmt: skip

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
POINTS = {"A": (3.0, 2.0), "B": (6.0, 4.0), "C": (5.0, 2.0), "D": (4.5, 0.9)}
"""(g, ν_ext/ν_thr) of the published states: where spiking networks are compared with rates, CVs and frequencies."""
LABELS = {"A": "SR", "B": "SI fast", "C": "AI", "D": "SI slow"}
FREQUENCIES = {"A": 660.6, "B": 190.2, "D": 29.0}
"""Of the growing modes (Hz), computed here and kept: onset theory, of which saturated oscillations may differ."""
EVOLVED = {"B": (1.0, 3.0), "D": (4.0, 14.0), "g = 8": (0.8, 2.8)}
"""Runs of the nonlinear equation, and the times (in τ_m) between which they are fitted."""


def network(g: float, eta: float) -> fp.BrunelNetwork:
    return fp.BrunelNetwork(NEURON, C_E=1000, gamma=0.25, J=0.1, g=g, nu_ext=10.0 * eta, delay=0.0015)


def evolved(brunel: fp.BrunelNetwork, start: float, end: float, cells: int) -> complex:
    """Growth rate and angular frequency (1/s) of the rate after a small perturbation of the stationary density."""
    model = brunel.population()
    (still,) = fp.stationary_states(model)
    grid = model.grid(cells=cells)
    state = still.state(grid)
    density = state.density * (1.0 + 1e-3 * np.sin(3.0 * grid.v))
    density *= (state.density @ grid.width) / (density @ grid.width)
    sol = fp.solve(model, replace(state, density=density), (0.0, end), grid=grid, rtol=1e-7, atol=1e-11)
    t = np.linspace(start, end, 2000)
    x = sol.rate_at(t)

    def misfit(z):
        wave = np.exp((z[0] + 1j * z[1]) * (t - start))
        basis = np.stack([np.ones_like(t), t - start, wave.real, wave.imag], axis=1)
        return (basis @ np.linalg.lstsq(basis, x, rcond=None)[0] - x) / np.ptp(x)

    spectrum = np.abs(np.fft.rfft((x - x.mean()) * np.hanning(len(x))))
    guess = 2.0 * np.pi * max(int(np.argmax(spectrum)), 1) / (end - start)
    growth, frequency = least_squares(misfit, [0.0, guess], x_scale=[1.0, guess]).x
    return complex(growth, frequency) / NEURON.tau_m


def run(quick: bool) -> dict:
    g = [2.5, 3.2, 3.8, 4.5, 5.2, 6.0, 8.0] if quick else np.linspace(2.5, 8.0, 40)
    nu_ext = (
        [4.0, 7.0, 9.0, 10.5, 16.0, 25.0, 40.0]
        if quick
        else np.concatenate([np.linspace(2.0, 8.0, 7), np.linspace(8.25, 11.0, 12), np.linspace(12.0, 40.0, 21)])
    )
    places = POINTS | {"g = 8": (8.0, 2.0)}
    fast = network(*POINTS["B"])
    onsets = {
        "delay": fp.oscillation_onset(fast, "delay", (0.0005, 0.002)),
        "g": fp.oscillation_onset(fast, "g", (5.0, 6.0)),
        "nu_ext": fp.oscillation_onset(fast, "nu_ext", (20.0, 40.0)),
    }
    volumes = {}
    for name in ("B", "D"):
        (state,) = fp.stationary_states(network(*POINTS[name]).population())
        volumes[name] = complex(fp.spectrum(state.model, state, count=1).eigenvalues[0]) / NEURON.tau_m
    model = fast.population()
    runs = {name: times for name, times in EVOLVED.items() if not quick or name == "B"}
    return {
        "diagram": fp.phase_diagram(network(5.0, 2.0), g, nu_ext, bisections=4 if quick else 8),
        "states": {name: fp.balanced_states(network(*place))[-1] for name, place in places.items()},
        "labels": {name: network_label(network(*place)) for name, place in POINTS.items()},
        "onsets": onsets,
        "volumes": volumes,
        "critical": fp.critical_delay(model, fp.stationary_states(model)[0]),
        "evolved": {
            name: evolved(network(*places[name]), *times, 400 if quick else 800) for name, times in runs.items()
        },
    }


def check(result: dict) -> list[Check]:
    checks = [Check(f"state {name}", LABELS[name], label, kind="equal") for name, label in result["labels"].items()]
    for name, frequency in FREQUENCIES.items():
        measured = result["states"][name].frequency
        checks.append(Check(f"state {name}: frequency of the growing mode (Hz)", frequency, measured, 1e-3))
    for name, value in result["volumes"].items():
        gap = abs(result["states"][name].eigenvalue / value - 1.0)
        checks.append(Check(f"state {name}: eigenvalue, relative to the finite volumes", 0.0, gap, 1e-6, "absolute"))
    for name, value in result["evolved"].items():
        z = result["states"][name].eigenvalue
        gap = abs(value - z) / abs(z)
        checks.append(Check(f"{name}: λ of the nonlinear evolution, relative difference", 0.0, gap, 3e-3, "absolute"))
    onset, critical = result["onsets"]["delay"], result["critical"]
    checks.append(Check("critical delay (s), finite volumes", critical.value * NEURON.tau_m, onset.value, 1e-6))
    frequency = critical.frequency / (2.0 * np.pi * NEURON.tau_m)
    checks.append(Check("its frequency (Hz), finite volumes", frequency, onset.frequency, 1e-6))
    for name, onset in result["onsets"].items():
        left = abs(onset.state.loop.determinant(np.array([2j * np.pi * onset.frequency]))[0])
        checks.append(Check(f"onset in {name}: |det(1 − G)|", 0.0, float(left), 1e-8, "absolute"))
        cycle = onset.frequency * float(onset.state.network.delays.max())
        checks.append(Check(f"onset in {name}: share of the delay in a cycle", 0.25, cycle, 0.04, "absolute"))
    diagram = result["diagram"]
    line = np.concatenate(diagram.boundaries["AI", "SI fast"])
    off = np.interp(result["onsets"]["g"].value, *line[np.argsort(line[:, 0])].T) / diagram.network.threshold_rate
    checks.append(Check("the line of fast oscillations at the onset in g", 4.0, float(off), 0.03))
    for label in ("SR", "AR", "AI", "SI fast", "SI slow", "Q"):
        checks.append(Check(f"there is a region {label}", True, label in diagram.label, kind="equal"))
    return checks


def plot(result: dict):
    from fokkerplanck.plotting import plot_phase_diagram

    figure = plot_phase_diagram(result["diagram"])
    ax = figure.axes[0]
    for name, (g, eta) in POINTS.items():
        ax.plot(g, eta, "o", color="black", ms=4, clip_on=False, zorder=5)
        ax.annotate(name, (g, eta), xytext=(5, -11 if eta > 3.5 else 4), textcoords="offset points", fontweight="bold")
    return figure
