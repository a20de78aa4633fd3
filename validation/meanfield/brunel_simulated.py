"""The published states of the sparse network, spike by spike: rates, irregularity, and what oscillates how fast."""

from typing import NamedTuple

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Spiking networks are in the states of the phase diagram",
    statement=(
        "Sparse networks of excitatory and inhibitory neurons with delta synapses, from event to event. The "
        "asynchronous irregular network fires at the self-consistent rate; the fluctuations of its population rate "
        "fall like 1/√N, those of a synchronous network do not. Where the theory finds a growing mode the population "
        "oscillates: the fast mode near to its frequency, the slow one, far from its onset, more slowly. What "
        "the theory does not know is that the spikes that arrive are not Poisson: a neuron that is fed with Poisson "
        "trains of the same rate is as irregular as the first passage says, in the network it is less so."
    ),
    source="Brunel, J. Comput. Neurosci. 8 (2000) 183, figure 8; Dummer, Wieland, Lindner, Front. Comput. Neurosci. 8 "
    "(2014) 104 for the spectra of the spikes that arrive",
    parameters={
        "tau_m": "20 ms", "V_th, V_r": "20, 10 mV", "tau_ref": "2 ms", "C_E": 1000, "gamma": 0.25, "J": "0.1 mV",
        "delay": "1.5 ms",
    },
)  # fmt: skip

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
POINTS = {"AI": (8.0, 2.0), "SI fast": (6.0, 4.0), "SI slow": (4.5, 0.9)}
"""(g, ν_ext/ν_thr)"""
BIN = 0.0005
RECORDED, SHOWN = 2000, 60


class State(NamedTuple):
    """What theory and spikes say of one state."""

    theory: fp.BalancedState
    rate: float
    rate_error: float
    cv: float
    cv_error: float
    frequency: float
    fluctuation: float
    t: np.ndarray
    activity: np.ndarray
    spikes: fp.SpikeTrains


def network(g: float, eta: float) -> fp.BrunelNetwork:
    return fp.BrunelNetwork(NEURON, C_E=1000, gamma=0.25, J=0.1, g=g, nu_ext=10.0 * eta, delay=0.0015)


def simulated(g: float, eta: float, count: int, end: float) -> State:
    """The first third of the run is left out."""
    brunel = network(g, eta)
    (theory,) = fp.balanced_states(brunel)
    sol = fp.simulate_lif(brunel.sample(count, seed=3), (0.0, end), bins=round(end / BIN), raster=RECORDED, seed=4)
    sizes = [part.stop - part.start for part in sol.populations]
    activity = np.average(sol.activity, axis=0, weights=sizes)
    late = activity[len(activity) // 3 :]
    power = np.abs(np.fft.rfft(late - late.mean())) ** 2
    frequencies = np.fft.rfftfreq(len(late), BIN)
    audible = (frequencies > 5.0) & (frequencies < 400.0)
    smooth = np.convolve(power * audible, np.hanning(7), "same")
    trains = fp.spike_statistics(sol.spikes.between(sol.settle, end))
    parts = [part.mean() for part in np.array_split(late, 10)]
    return State(
        theory,
        float(sol.rates.mean()),
        float(np.std(parts, ddof=1) / np.sqrt(10)),
        trains.cv,
        trains.cv_error,
        float(frequencies[np.argmax(smooth)]),
        float(late.std() / late.mean()),
        sol.t[:-1],
        activity,
        sol.spikes,
    )


def fed_with_poisson(theory: fp.BalancedState, count: int, end: float) -> tuple[float, float, float, float]:
    """Rate and CV of neurons of the network in a bath of as many Poisson trains, each with its error."""
    brunel, relay = theory.network, fp.LIF(0.02, 20.0, 10.0)  # fires at every shot of 30 mV
    bath = {0: (10_000, 1000, brunel.J), 1: (2500, 250, -brunel.g * brunel.J)}
    projections = [
        fp.Projection(jump * fp.FixedDegree(degree).graph(count, seed=pre, senders=senders), None, 2, pre)
        for pre, (senders, degree, jump) in bath.items()
    ]
    network = fp.SpikingNetwork(
        [*((relay, senders) for senders, _, _ in bath.values()), (NEURON, count)],
        projections,
        mu=[0.0, 0.0, brunel.mu_ext[0]],
        sigma=[0.0, 0.0, brunel.sigma_ext[0]],
        delay=brunel.delay,
        shots=([theory.rate, theory.rate, 0.0], 30.0),
    )
    sol = fp.simulate_lif(network, (0.0, end), settle=0.2, raster=12_500 + count)
    listening = sol.spikes.trains >= 12_500
    trains = fp.SpikeTrains(sol.spikes.times[listening], sol.spikes.trains[listening] - 12_500, count, (0.0, end))
    found = fp.spike_statistics(trains.between(0.2, end))
    return found.rate, found.rate_error, found.cv, found.cv_error


def run(quick: bool) -> dict:
    counts = (2500, 5000) if quick else (5000, 12_500)
    times = {"AI": 0.75, "SI fast": 0.2, "SI slow": 0.6} if quick else {"AI": 3.0, "SI fast": 1.0, "SI slow": 3.0}
    sizes = {"AI": counts, "SI fast": counts, "SI slow": (4000,) if quick else counts[:1]}
    states = {name: [simulated(*POINTS[name], count, times[name]) for count in sizes[name]] for name in POINTS}
    return {
        "counts": counts,
        "states": states,
        "bath": fed_with_poisson(states["AI"][0].theory, 200 if quick else 1000, 2.2 if quick else 8.2),
    }


def check(result: dict) -> list[Check]:
    (few, many), states = result["counts"], result["states"]
    quiet, fast, slow = states["AI"][-1], states["SI fast"][-1], states["SI slow"][-1]
    rate, _, cv, cv_error = result["bath"]
    fall = [states[name][1].fluctuation / states[name][0].fluctuation for name in ("AI", "SI fast")]
    theory = float(quiet.theory.cv[0])
    return [
        Check("AI: rate (Hz)", quiet.theory.rate, quiet.rate, 3.0 * quiet.rate_error, "absolute"),
        Check("AI in a Poisson bath: rate (Hz)", quiet.theory.rate, rate, 0.05),
        Check("AI in a Poisson bath: CV", theory, cv, 0.02 + 2.0 * cv_error, "absolute"),
        Check("AI: CV at most that in the Poisson bath", cv, quiet.cv, 0.0, "at most"),
        Check("AI: CV, irregular", 0.5, quiet.cv, 0.0, "at least"),
        Check(f"AI: fluctuation of {many} over that of {few} neurons", (few / many) ** 0.5, fall[0], 0.12, "absolute"),
        Check("SI fast: the same, which stays", 1.0, fall[1], 0.15, "absolute"),
        Check("SI fast: a growing mode", False, fast.theory.stable, 0.0, "equal"),
        Check("SI fast: frequency (Hz)", fast.theory.frequency, fast.frequency, 0.15),
        Check("SI slow: a growing mode", False, slow.theory.stable, 0.0, "equal"),
        Check("SI slow: frequency (Hz), below that of the mode", slow.theory.frequency, slow.frequency, 0.0, "at most"),
        Check("SI slow: slow", 50.0, slow.frequency, 0.0, "at most"),
    ]


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting import plot_spikes

    figure = Figure(figsize=(10, 5.5), layout="constrained")
    axes = figure.subplots(2, 3, sharex="col", height_ratios=[2, 1])
    for k, (name, found) in enumerate(result["states"].items()):
        state = found[-1]
        end = state.t[-1]
        shown = state.spikes.between(end - min(0.2, 0.6 * end), end)
        plot_spikes(axes[0, k], shown, first=SHOWN)
        late = state.t >= shown.t_span[0]
        axes[1, k].plot(state.t[late], state.activity[late], lw=0.8)
        axes[1, k].axhline(state.theory.rate, color="C1", ls="--")
        axes[0, k].set_title(f"{name}: {state.rate:.1f} Hz (theory {state.theory.rate:.1f}), CV {state.cv:.2f}")
        axes[1, k].set(xlabel="time / s", ylabel="rate / Hz" if k == 0 else None)
    return figure
