"""An excitatory and an inhibitory population on the way to their steady state, by cells and by spectral elements."""

import numpy as np

import fokkerplanck as fp
from fokkerplanck.claims import Check, Claim
from fokkerplanck.plotting import SolutionFigure, plot_density_image, plot_rates

CLAIM = Claim(
    title="Excitatory and inhibitory populations relax to the steady state",
    statement=(
        "With (b_EE, b_EI, b_IE, b_II) = (0.5, 0.25, 0.25, 1) both densities converge to the one steady state of the "
        "system, whose rates solve N_E I(c_E) = N_I I(c_I) = 1. Spectral elements reach the quadrature to 1e-6 and "
        "better, cells with second order in their width. Populations without coupling run as if alone, to rounding."
    ),
    source=(
        "Cáceres, Schneider, Kinet. Relat. Models 10 (2017) 587, figure 4 (the same parameters); reference rates from "
        "a collocation of the two equations by other means, six digits"
    ),
    parameters={"(b_EE, b_EI, b_IE, b_II)": "(0.5, 0.25, 0.25, 1)", "initial": "Gaussian(0, 0.5), both"},
)

NETWORK = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)
START = fp.gaussian(0.0, 0.5)
REFERENCE = {
    0.1: (0.089368, 0.085867),
    0.5: (0.125196, 0.111823),
    1.0: (0.131670, 0.112507),
    5.0: (0.128179, 0.105326),
}
"""(N_E, N_I) at these times."""


def apart() -> float:
    """Largest relative difference between a network without coupling and its populations run one by one."""
    members = [
        fp.nnlif(0.0, external=0.5),
        fp.nnlif(0.0, a0=0.4, refractory=fp.ExponentialRefractory(0.2)),
        fp.nnlif(0.0, refractory=fp.FixedRefractory(0.13)),
    ]
    network = fp.Network(members, np.zeros((3, 3)))
    grid, stepper = network.grid(200), fp.BackwardEuler(0.005)

    def run(model: fp.Network | fp.Population) -> fp.Solution:
        return fp.solve(model, START, (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)

    together = run(network)
    return max(float(np.max(np.abs(together.rate[:, k] / run(m).rate - 1.0))) for k, m in enumerate(members))


def run(quick: bool) -> dict:
    (state,) = fp.stationary_states(NETWORK)
    sol = fp.solve(NETWORK, START, (0.0, 5.0), scheme=fp.Spectral())
    long = fp.solve(NETWORK, sol.final, (5.0, 40.0), scheme=fp.Spectral())
    errors = []
    for cells in (400, 800, 1600) if quick else (400, 800, 1600, 3200):
        steady = fp.solve(NETWORK, START, (0.0, 25.0), grid=NETWORK.grid(cells, v_min=-7.0), estimate_error=False)
        errors.append(np.abs(steady.rate[-1] / state.rates - 1.0))
    return {"state": state, "sol": sol, "long": long, "errors": np.array(errors), "apart": apart()}


def check(result: dict) -> list[Check]:
    sol, state = result["sol"], result["state"]
    checks = []
    for time, rates in REFERENCE.items():
        for k, name in enumerate(NETWORK.names):
            measured = float(sol.rate_at(time)[k])
            checks.append(Check(f"N_{name}({time:g})", rates[k], measured, 2e-5))
    orders = np.log2(result["errors"][:-1] / result["errors"][1:])[-1]
    for k, name in enumerate(NETWORK.names):
        steady = float(result["long"].rate[-1, k])
        checks.append(Check(f"N_{name} at t = 40, spectral, against quadrature", state.rates[k], steady, 1e-8))
        checks.append(Check(f"order of steady N_{name} in the cell width", 2.0, float(orders[k]), 0.03, "absolute"))
    checks += [
        Check("stable by its spectrum", True, state.stable, kind="equal"),
        Check("estimated error of N, asked 1e-6", 0.0, sol.error_estimate, 1e-5, "at most"),
        Check("mass error", 0.0, sol.quality.mass_error, 1e-12, "at most"),
        Check("uncoupled populations against runs alone", 0.0, result["apart"], 1e-11, "at most"),
    ]
    return checks


def plot(result: dict) -> SolutionFigure:
    sol, state = result["sol"], result["state"]
    figure = SolutionFigure(figsize=(11.0, 4.6), layout="constrained")
    panels = figure.subplot_mosaic([["E", "rates"], ["I", "rates"]])
    for name in NETWORK.names:
        mesh = plot_density_image(panels[name], sol.lane(name))
        panels[name].set(title=f"population {name}")
        figure.colorbar(mesh, ax=panels[name], label="$n(v, t)$")
    plot_rates(panels["rates"], sol)
    for rate in state.rates:
        panels["rates"].axhline(rate, color="0.6", lw=0.8, ls=":", zorder=0)
    for time, rates in REFERENCE.items():
        panels["rates"].plot([time] * 2, rates, "k.", ms=6)
    panels["rates"].set(ylim=(0.075, 0.145), title="rates, reference values (dots) and steady state (dotted)")
    return figure
