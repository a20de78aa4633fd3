"""Reference rates by mpmath: 1/ν = τ_ref + τ_m √π ∫ e^{x²} (1 + erf x) dx over [x_r, x_t], with thirty digits."""

import mpmath as mp
import numpy as np


def rate(mu: float, sigma: float, neuron: list[float]) -> "mp.mpf":
    tau_m, V_th, V_r, tau_ref = (mp.mpf(number) for number in neuron)
    low, high = (V_r - mp.mpf(mu)) / mp.mpf(sigma), (V_th - mp.mpf(mu)) / mp.mpf(sigma)
    edges = [low, *(low + (high - low) * k / 8 for k in range(1, 8)), high]
    return 1 / (tau_ref + tau_m * mp.sqrt(mp.pi) * mp.quad(lambda x: mp.exp(x * x) * mp.erfc(-x), edges))


def rates(job: dict) -> list[float]:
    """Of the sampled neurons."""
    rng = np.random.default_rng(job["seed"])
    mu, sigma = (rng.uniform(*job[name], job["count"]) for name in ("mu", "sigma"))
    with mp.workdps(30):
        return [float(rate(float(mu[k]), float(sigma[k]), job["neuron"])) for k in job["sample"]]


def fixed_points(job: dict) -> list[float]:
    """Rates of the network near the given ones, by the secant method of mpmath."""
    tau_m = job["neuron"][0]
    C, J, size = job["K"], job["J"], len(job["K"])

    def excess(*nu):
        values = []
        for i in range(size):
            ext = mp.mpf(job["K_ext"][i]) * mp.mpf(job["J_ext"][i]) * job["nu_ext"]
            mean = ext + sum(mp.mpf(C[i][j]) * mp.mpf(J[i][j]) * nu[j] for j in range(size))
            power = ext * mp.mpf(job["J_ext"][i]) + sum(
                mp.mpf(C[i][j]) * mp.mpf(J[i][j]) ** 2 * nu[j] for j in range(size)
            )
            values.append(rate(tau_m * mean, mp.sqrt(tau_m * power), job["neuron"]) - nu[i])
        return values

    with mp.workdps(30):
        return [float(nu) for nu in mp.findroot(excess, job["near"], tol=1e-40)]
