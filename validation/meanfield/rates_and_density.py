"""Two theories of one network: with equal degrees and weights the distribution of rates is one stationary state."""

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim

CLAIM = Claim(
    title="Equal degrees and weights: the rate of the Fokker–Planck equation",
    statement=(
        "If every neuron has K inputs of weight J, all rates are equal and the five moments shrink to the stationary "
        "states of the Fokker–Planck equation with b = K J/s and a = a0 + a1 N, a1 = K J²/(2 s²): the same number of "
        "them and the same rates to 1e-8, also the unstable ones."
    ),
    source="the dictionary between a neuron in millivolts and the dimensionless equation; Brunel (2000), section 3",
    parameters={"tau_m": 0.02, "V_th": 20, "V_r": 10, "tau_ref": 0.002},
)

NEURON = fp.LIF(tau_m=0.02, V_th=20.0, V_r=10.0, tau_ref=0.002)
CASES = {  # K, J, mu_ext, sigma_ext
    "excitation": (100, 0.1, 13.0, 5.0),
    "inhibition": (1000, -0.1, 25.0, 5.0),
    "three states": (100, 0.2, 10.0, 3.0),
    "three states, one of 1e-22 Hz": (50, 0.5, 5.0, 2.0),
    "few strong synapses": (5, 2.0, 12.0, 4.0),
}


def run(quick: bool) -> dict:
    words = NEURON.dictionary()
    found = {}
    for label, (K, J, mu, sigma) in CASES.items():
        network = fp.PlasticNetwork(NEURON, fp.FixedDegree(K), fp.StaticWeight(J), mu, sigma)
        states = fp.stationary_states(words.population(mu, sigma, *words.coupling(K, J)))
        found[label] = [d.mean for d in fp.rate_distributions(network)], [float(words.rate(s.rate)) for s in states]
    return found


def check(found: dict) -> list[Check]:
    checks = []
    for label, (rates, states) in found.items():
        checks.append(Check(f"{label}: how many", len(states), len(rates), kind="equal"))
        checks += [
            Check(f"{label}: rate {state:.4g} Hz", state, rate, 1e-8)
            for rate, state in zip(rates, states, strict=False)
        ]
    return checks


def plot(found: dict):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.5, 4.5), layout="constrained")
    ax = figure.subplots()
    for label, (rates, states) in found.items():
        ax.loglog(states, rates, "o", label=label)
    ax.plot([1e-22, 400.0], [1e-22, 400.0], color="0.6", lw=0.8)
    ax.set(xlabel="stationary state of the equation (Hz)", ylabel="distribution of rates, its one point (Hz)")
    ax.legend(fontsize=8)
    return figure
