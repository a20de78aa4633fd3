"""NNMT: the rates of neurons with delta synapses, in volts and seconds."""

import numpy as np
from nnmt.lif import delta

from ..clock import fastest


def rates(job: dict) -> list[dict]:
    """Rates of many neurons at once."""
    rng = np.random.default_rng(job["seed"])
    mu, sigma = (rng.uniform(*job[name], job["count"]) for name in ("mu", "sigma"))
    mean, noise, (tau_m, V_th, V_r, tau_ref) = 1e-3 * mu, 1e-3 * sigma, job["neuron"]
    seconds, nu = fastest(
        lambda: delta._firing_rates_for_given_input(mean, noise, 1e-3 * V_r, 1e-3 * V_th, tau_m, tau_ref)
    )
    return [
        {"name": "NNMT", "setting": f"{job['count']} neurons", "seconds": seconds, "rates": nu[job["sample"]].tolist()}
    ]


def fixed_points(job: dict) -> list[dict]:
    """Rates of a network, by the two methods it has, from silence."""
    tau_m, V_th, V_r, tau_ref = job["neuron"]
    J, K = 1e-3 * np.array(job["J"]), np.array(job["K"], dtype=float)
    J_ext, K_ext = 1e-3 * np.array(job["J_ext"])[:, None], np.array(job["K_ext"], dtype=float)[:, None]
    found = []
    for method in ("ODE", "LSTSQ"):

        def work(method=method):
            return delta._firing_rates(
                J, K, 1e-3 * V_r, 1e-3 * V_th, tau_m, tau_ref, J_ext, K_ext, np.array([job["nu_ext"]]),
                fixpoint_method=method,
            )  # fmt: skip

        try:
            seconds, nu = fastest(work)
        except RuntimeError:  # it says so where it does not converge
            continue
        found.append({"name": "NNMT", "setting": method, "seconds": seconds, "rates": np.atleast_1d(nu).tolist()})
    return found
