"""How many steady states an excitatory and an inhibitory population have: even or odd, and all of them."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.meanfield.firstpassage import log_mean_first_passage
from fokkerplanck.models.network import Network, excitatory_inhibitory

CLAIM = Claim(
    title="Excitatory and inhibitory populations: the parity of the number of steady states",
    statement=(
        "With constant noise, all four connectivities positive and Δ = V_F − V_R, the number of steady states is even "
        "(or 0) if Δ² + Δ (b_II − b_EE) + b_EI b_IE − b_EE b_II < 0, and odd if it is > 0, without refractory state; "
        "in other words if what the excitatory population feels when N_E → ∞, b_eff = b_EE − b_EI b_IE/(Δ + b_II), is "
        "above or below Δ. A refractory inhibitory population fires at most at the rate 1/τ, and b_EE takes the place "
        "of b_eff; with a refractory excitatory population the number is odd. The published (b_EE, b_EI, b_IE, b_II) = "
        "(0.5, 0.25, 0.25, 1) has one state, and (3, 0.75, 0.5, 0.25), which blows up, has none."
    ),
    source=(
        "Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587, section 3 and Figs. 3 and 4; with refractory states "
        "ESAIM: Math. Model. Numer. Anal. 52 (2018) 1733; the condition itself is "
        "derived here, from the limits N_E → ∞, and not compared with theirs word by word"
    ),
    parameters={"random networks": "a0 0.2 to 3, V_F = 2, V_R 0 to 1.5, I −1 to 1, b 0.05 to 4, τ none or 0.02 to 0.5"},
)

# (b_EE, b_EI, b_IE, b_II, τ): rates of the states
CASES = {
    (3.0, 0.75, 0.5, 0.25, 0.0): 0,
    (0.5, 0.25, 0.25, 1.0, 0.0): 1,
    (1.8, 0.75, 0.5, 0.25, 0.0): 2,
    (2.45, 0.75, 0.5, 0.25, 0.2): 3,
}
PUBLISHED = (0.1281114127, 0.1052675208)
CRITICAL = 1e-2
"""Networks whose b_eff is within this share of Δ are not drawn: there a state goes to infinity."""
KINDS = ("no refractory state", "refractory I", "refractory E", "both refractory")


def network(b_EE: float, b_EI: float, b_IE: float, b_II: float, tau: float) -> Network:
    return excitatory_inhibitory(b_EE, b_EI, b_IE, b_II, refractory=fp.ExponentialRefractory(tau) if tau else None)


def drawn(random: np.random.Generator, kind: str) -> Network:
    """A random network of this kind, not at the border between even and odd."""
    while True:
        silent = {"refractory I": (0, 1), "refractory E": (1, 0), "both refractory": (1, 1)}.get(kind, (0, 0))
        laws = tuple(fp.ExponentialRefractory(random.uniform(0.02, 0.5)) if s else None for s in silent)
        candidate = excitatory_inhibitory(
            *random.uniform(0.05, 4.0, 4),
            a0=tuple(np.exp(random.uniform(np.log(0.2), np.log(3.0), 2))),
            V_R=tuple(random.uniform(0.0, 1.5, 2)),
            external=tuple(random.uniform(-1.0, 1.0, 2)),
            refractory=laws,
        )
        felt, gap = limit(candidate)
        if abs(felt / gap - 1.0) > CRITICAL:
            return candidate


def limit(model: Network) -> tuple[float, float]:
    """The connectivity that the excitatory population feels as N_E → ∞, and its Δ."""
    excitatory, inhibitory = model.populations
    felt = model.J[0, 0]
    if inhibitory.refractory.mean_duration == 0.0:
        felt = felt + model.J[0, 1] * model.J[1, 0] / (inhibitory.V_F - inhibitory.V_R - model.J[1, 1])
    if excitatory.refractory.mean_duration > 0.0:
        felt = 0.0
    return float(felt), excitatory.V_F - excitatory.V_R


def along_nullcline(model: Network) -> int:
    """An independent count: N_I on the nullcline of E is an explicit function of N_E, and crossings are counted on it.

    At a given rate N_E exactly one input makes E fire at it, so that N_I = (b_EE − b(N_E)) N_E/b_EI with the curve b(N)
    of a single population.
    """
    excitatory, inhibitory = model.populations
    shortest = excitatory.refractory.mean_duration
    highest = np.log(1e5) if not shortest else np.log((1.0 - 1e-9) / shortest)
    rate = np.exp(np.linspace(-300.0, highest, 4000))
    if shortest:  # states may lie very close to the bound of the rate
        rate = np.union1d(rate, (1.0 - np.geomspace(1e-9, 0.5, 1000)) / shortest)
    b, _ = fp.bifurcation_curve(excitatory, rate)
    other = (b - model.J[0, 0]) * rate / model.J[0, 1]
    fires = other > 0.0
    other = np.where(fires, other, 1.0)
    c = inhibitory.coupling.external_at(0.0) + model.J[1, 0] * rate + model.J[1, 1] * other
    log_time = log_mean_first_passage(c, inhibitory.noise.a0, inhibitory.V_R, inhibitory.V_F)
    pause = inhibitory.refractory.mean_duration
    excess = np.log(other) + np.logaddexp(np.log(pause) if pause else -np.inf, log_time)
    # Where the nullcline meets N_I = 0 the inhibitory population would fire faster: the sign there is that of −1.
    sign = np.where(fires, np.sign(excess), -1.0)
    return int(np.sum(sign[1:] != sign[:-1]))


def run(quick: bool) -> dict:
    random = np.random.default_rng(7)
    sample = []
    for kind in KINDS:
        for _ in range(20 if quick else 200):
            model = drawn(random, kind)
            states = fp.stationary_states(model)
            felt, gap = limit(model)
            sample.append(
                (kind, felt / gap, len(states), states.complete, max([s.residual for s in states], default=0))
            )
            if len(sample) % 10 == 0:
                sample[-1] = (*sample[-1], along_nullcline(model))
    cases = {key: fp.stationary_states(network(*key)) for key in CASES}
    # Just beyond the border the second state is about to escape to infinity, along a ray.
    near = excitatory_inhibitory(1.0 + 0.75 * 0.5 / 1.25 + 1e-3, 0.75, 0.5, 0.25)
    escaping = fp.stationary_states(near)[-1].rates
    return {"sample": sample, "cases": cases, "escaping": escaping}


def check(result: dict) -> list[Check]:
    sample, checks = result["sample"], []
    for kind in KINDS:
        rows = [row for row in sample if row[0] == kind]
        wrong = sum((row[2] % 2 == 0) != (row[1] > 1.0) for row in rows)
        checks.append(Check(f"{kind}: of {len(rows)} networks, those with the wrong parity", 0, wrong, kind="equal"))
    undecided = sum(not row[3] for row in sample)
    checks.append(Check("networks of which a part was left undecided", 0, undecided, kind="equal"))
    checks.append(Check("largest residual of any state", 0.0, max(row[4] for row in sample), 1e-10, "absolute"))
    scanned = [(row[2], row[5]) for row in sample if len(row) > 5]
    checks.append(
        Check(f"of {len(scanned)} networks counted along a nullcline too, those with another number", 0,
              sum(a != b for a, b in scanned), kind="equal")
    )  # fmt: skip
    several = sum(row[2] >= 2 for row in sample)
    checks.append(Check("networks of the sample with two states or more, at least", 10, several, 0, "at least"))
    for key, number in CASES.items():
        name = "(b_EE, b_EI, b_IE, b_II, τ) = ({:g}, {:g}, {:g}, {:g}, {:g})".format(*key)
        states = result["cases"][key]
        checks.append(Check(f"{name}: number of states", number, len(states), kind="equal"))
        b_EE, b_EI, b_IE, b_II, tau = key
        odd = tau > 0.0 or 1.0 + b_II - b_EE + b_EI * b_IE - b_EE * b_II > 0.0
        checks.append(Check(f"{name}: odd", odd, len(states) % 2 == 1, kind="equal"))
        checks.append(Check(f"{name}: every range of rates decided by theorems", True, states.proved, kind="equal"))
    (state,) = result["cases"][0.5, 0.25, 0.25, 1.0, 0.0]
    for name, published, rate in zip("EI", PUBLISHED, state.rates, strict=True):
        checks.append(Check(f"(0.5, 0.25, 0.25, 1): N_{name}", published, rate, 1e-9))
    checks.append(Check("(0.5, 0.25, 0.25, 1): stable", True, state.stable, kind="equal"))
    stable = [state.stable for state in result["cases"][2.45, 0.75, 0.5, 0.25, 0.2]]
    checks.append(Check("three states: those that are stable", [True, False, False], stable, kind="equal"))
    ratio = float(result["escaping"][1] / result["escaping"][0])
    checks.append(Check("N_I/N_E of the state that escapes, b_IE/(Δ + b_II)", 0.5 / 1.25, ratio, 5e-3))
    return checks


def plot(result: dict):
    from matplotlib.figure import Figure

    from fokkerplanck.plotting.networks import plot_phase_plane

    figure = Figure(figsize=(10, 8), layout="constrained")
    axes = figure.subplots(2, 2).ravel()
    limits = (((0.01, 10.0), (0.01, 10.0)), None, ((0.05, 20.0), (0.05, 10.0)), None)
    for ax, key, window in zip(axes, CASES, limits, strict=True):
        states = result["cases"][key]
        plot_phase_plane(network(*key), ax, states, window)
        *b, tau = key
        pause = rf", $\tau = {tau:g}$" if tau else ""
        numbers = ", ".join(f"{x:g}" for x in b)
        ax.set_title(rf"$(b_{{EE}}, b_{{EI}}, b_{{IE}}, b_{{II}})$ = ({numbers}){pause}: {len(states)}", fontsize=10)
    return figure
