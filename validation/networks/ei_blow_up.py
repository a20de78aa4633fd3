"""The excitatory population blows up in spite of inhibition; what prevents it and what does not."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import COLOURS, SolutionFigure
from fokkerplanck.plotting.style import POPULATIONS

CLAIM = Claim(
    title="Blow-up of the excitatory population, and its prevention",
    statement=(
        "If b_EE is large the excitatory rate becomes infinite in finite time although an inhibitory population holds "
        "against it; the inhibitory rate follows with a smaller power of it. Excitatory neurons that start near V_F "
        "blow up however strong the inhibition is, which comes too late. Stronger inhibition delays and then prevents "
        "the blow-up of a spread datum; a refractory state does not prevent it, a transmission delay from E to E does."
    ),
    source=(
        "Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587, theorem on blow-up and figure 3; ESAIM: Math. Model. "
        "Numer. Anal. 52 (2018) 1733 on delays and refractory states"
    ),
    parameters={"(b_EE, b_EI, b_IE, b_II)": "(3, 0.75, 0.5, 0.25)", "initial": "Gaussian(0, 0.5), both"},
)

START, NEAR = fp.gaussian(0.0, 0.5), fp.gaussian(1.83, 0.003)
REFERENCE = {0.5: (0.172672, 0.126826), 1.0: (0.236071, 0.137161), 2.0: (0.412448, 0.149319)}
THOUSAND = 2.746200
"""When N_E = 1000. Both by other means, to about 1e-4 where N_E grows fast."""


def network(b_EE: float = 3.0, b_EI: float = 0.75, **laws: object) -> fp.Network:
    return fp.excitatory_inhibitory(b_EE, b_EI, 0.5, 0.25, **laws)


def evolve(model: fp.Network, end: float, datum: object = START) -> fp.Solution:
    grid = model.grid(300, v_min=-7.0 - 1.5 * float(-model.J.min()), finest=3e-4)
    return fp.solve(model, datum, (0.0, end), grid=grid, estimate_error=False)


def run(quick: bool) -> dict:
    inhibition = (0.25, 0.75, 1.0, 1.2, 4.0, 16.0) if quick else (*np.linspace(0.0, 1.4, 15), 2.0, 4.0, 8.0, 16.0)
    excitation = (2.0, 4.0) if quick else (1.6, 1.8, 2.0, 2.2, 2.5, 3.0, 4.0, 6.0)
    delays = [[0.1, 0.0], [0.0, 0.0]]
    return {
        "reference": fp.solve(network(), START, (0.0, 4.0), scheme=fp.Spectral(), estimate_error=False),
        "by inhibition": {b: evolve(network(b_EI=float(b)), 8.0) for b in inhibition},
        "by excitation": {b: evolve(network(float(b)), 8.0) for b in excitation},
        "near": {b: evolve(network(b_EI=b), 0.2, [NEAR, START]) for b in (0.75, 16.0, 64.0)},
        "silence": evolve(network(refractory=fp.ExponentialRefractory(0.025)), 5.0),
        "late": evolve(network(delays=delays), 3.2),
    }


def power(sol: fp.Solution) -> float:
    """d log N_I/d log N_E while N_E grows from a tenth of its last value to that."""
    rising = (sol.t > 2.0) & (sol.rate[:, 0] > 0.1 * sol.rate[-1, 0])
    log_E, log_I = np.log(sol.rate[rising]).T
    return float(np.polyfit(log_E, log_I, 1)[0])


def blown(sol: fp.Solution) -> bool:
    return sol.status is fp.Status.BLOW_UP


def check(result: dict) -> list[Check]:
    reference, late = result["reference"], result["late"]
    checks = [
        Check(f"N_{'EI'[k]}({time:g})", rates[k], float(reference.rate_at(time)[k]), 1e-4)
        for time, rates in REFERENCE.items()
        for k in range(2)
    ]
    rising = reference.t > 2.0  # the datum does not vanish at V_F: N starts from infinity as well
    thousand = float(np.interp(1000.0, reference.rate[rising, 0], reference.t[rising]))
    checks += [
        Check("time at which N_E = 1000", THOUSAND, thousand, 2e-6),
        Check("N_E blows up", True, blown(reference), kind="equal"),
        Check("the population that does", 0, reference.blow_up.lane if blown(reference) else None, kind="equal"),
        Check("power p in N_I ~ N_E^p, over the last decade", 0.5, power(reference), kind="at most"),
        Check("and N_I does grow with N_E", 0.2, power(reference), kind="at least"),
        Check("spikes per inhibitory neuron until t*", 0.5, float(reference.fired[-1, 1]), kind="at most"),
        Check("no steady state to converge to", 0, len(fp.stationary_states(network())), kind="equal"),
    ]
    times = {b: sol.blow_up.time for b, sol in result["by inhibition"].items() if blown(sol)}
    strengths = list(result["by inhibition"])
    checks += [
        Check("stronger inhibition blows up later", True, list(times.values()) == sorted(times.values()), kind="equal"),
        Check("what blows up are the weak ones", strengths[: len(times)], list(times), kind="equal"),
        Check("strong inhibition (b_EI ≥ 4) prevents it", 0, sum(b >= 4.0 for b in times), kind="equal"),
    ]
    for b, sol in result["near"].items():
        checks.append(Check(f"E starts near V_F, b_EI = {b:g}: it blows up", True, blown(sol), kind="equal"))
    weak = result["by excitation"]
    checks += [
        Check("b_EE = 2: the run reaches its end", fp.Status.FINISHED, weak[2.0].status, kind="equal"),
        Check("b_EE = 4 blows up before b_EE = 3", True, weak[4.0].blow_up.time < thousand, kind="equal"),
        Check("with a refractory state it blows up all the same", True, blown(result["silence"]), kind="equal"),
        Check("and later", True, result["silence"].blow_up.time > thousand, kind="equal"),
        Check("with d_EE = 0.1 the run goes on past t*", 3.2, float(late.t[-1]), 1e-9),
        Check(
            "with a finite rate", 1e4, float(late.rate.max(where=late.t[:, None] > 0.05, initial=0.0)), kind="at most"
        ),
    ]
    return checks


def plot(result: dict) -> SolutionFigure:
    figure = SolutionFigure(figsize=(11.0, 4.2), layout="constrained")
    rates, times = figure.subplots(1, 2)
    shown = {"no delay": result["reference"], "d_EE = 0.1": result["late"], "refractory": result["silence"]}
    for (name, sol), style in zip(shown.items(), ("-", "--", ":"), strict=True):
        for k in range(2):
            rates.plot(sol.t, sol.rate[:, k], style, color=POPULATIONS[k], label=f"$N_{'EI'[k]}$, {name}")
    rates.axvline(result["reference"].blow_up.time, color=COLOURS["bound"], lw=1.2)
    rates.set(yscale="log", xlabel="$t$", ylabel="$N(t)$", ylim=(0.05, 2e3), xlim=(0.0, 3.2))
    rates.legend(fontsize="small")
    for name, label, marker in (
        ("by inhibition", "$b_{EI}$ varied, $b_{EE} = 3$", "o-"),
        ("by excitation", "$b_{EE}$ varied, $b_{EI} = 0.75$", "s-"),
    ):
        found = [(b, sol.blow_up.time) for b, sol in result[name].items() if blown(sol)]
        times.plot(*np.transpose(found), marker, label=label)
    calm = [b for name in ("by inhibition", "by excitation") for b, s in result[name].items() if not blown(s)]
    times.plot(calm, [8.0] * len(calm), "x", color="0.4", label="no blow-up until $t = 8$")
    times.set(xlabel="connectivity", ylabel="$t^*$", ylim=(0.0, 8.6))
    times.legend(fontsize="small")
    return figure
