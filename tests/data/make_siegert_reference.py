"""Writes siegert_reference.npz: passage times of ten thousand neurons and their slopes, by mpmath.

    python tests/data/make_siegert_reference.py [number of processes]

Inputs are single-precision numbers, read as exact. For each: I = √π ∫ e^{x²} (1 + erf x) dx over [x_r, x_t] by Gauss
quadrature in panels, and −∂I/∂μ and −∂I/∂σ from the closed forms √π [e^{x²} (1 + erf x)]/σ and
√π [x e^{x²} (1 + erf x)]/σ, with as many digits as they cancel. It takes about ten minutes.
"""

import sys
from multiprocessing import Pool
from pathlib import Path

import mpmath as mp
import numpy as np

E_L, V_TH = -70.3, -50.1
POINTS, DRAWN = 10_000, 11_500


def inputs(seed: int = 20):
    """(mu, sigma, V_r) of every point: five kinds, so that each corner is met."""
    rng = np.random.default_rng(seed)
    sigma = 10.0 ** rng.uniform(-6.0, 5.0, DRAWN)
    kind = rng.integers(6, size=DRAWN)
    x_t = np.choose(
        kind,
        [
            rng.uniform(-6.0, 6.0, DRAWN),
            rng.uniform(0.0, 26.0, DRAWN),
            -(10.0 ** rng.uniform(-3.0, 8.0, DRAWN)),
            10.0 ** rng.uniform(-8.0, 1.4, DRAWN),
            np.zeros(DRAWN),
            rng.uniform(0.0, 26.0, DRAWN),
        ],
    )
    gap = sigma * 10.0 ** rng.uniform(-4.0, np.where(rng.random(DRAWN) < 0.5, 1.0, 5.0))
    midpoint = kind == 5
    gap = np.where(midpoint, 2.0 * sigma * x_t, gap)
    V_r = (V_TH - gap).astype(np.float32)
    mu = np.where(midpoint, 0.5 * (V_TH + V_r.astype(float)), V_TH - sigma * x_t) - E_L
    return mu.astype(np.float32), sigma.astype(np.float32), V_r


def grown(x):
    """e^{x²} (1 + erf x)."""
    return mp.exp(x * x) * mp.erfc(-x)


def reference(point):
    with mp.workdps(60):
        mu, sigma, V_r, V_th, E_l = (mp.mpf(float(x)) for x in (*point, V_TH, E_L))
        x_t, x_r = (V_th - E_l - mu) / sigma, (V_r - E_l - mu) / sigma
        by_mu = mp.sqrt(mp.pi) * (grown(x_t) - grown(x_r)) / sigma
        by_sigma = mp.sqrt(mp.pi) * (x_t * grown(x_t) - x_r * grown(x_r)) / sigma
    with mp.workdps(25):
        edges = {x_r, x_t} | {sign * mp.mpf(8) ** k for k in range(14) for sign in (-1, 1)} | {mp.mpf(0)}
        if x_t > 1:
            edges |= {x_t - mp.mpf(2) ** k / x_t for k in range(0, 12, 2)}
        edges = sorted(x for x in edges if x_r <= x <= x_t)
        time = mp.sqrt(mp.pi) * mp.quad(grown, edges, method="gauss-legendre")
        return float(time), float(by_mu), float(by_sigma)


if __name__ == "__main__":
    mu, sigma, V_r = inputs()
    sensible = V_r < V_TH
    mu, sigma, V_r = mu[sensible], sigma[sensible], V_r[sensible]
    with Pool(int(sys.argv[1]) if len(sys.argv) > 1 else 1) as pool:
        time, by_mu, by_sigma = np.array(pool.map(reference, zip(mu, sigma, V_r, strict=True), chunksize=50)).T
    kept = np.flatnonzero(np.isfinite(time) & np.isfinite(by_mu) & np.isfinite(by_sigma))[:POINTS]
    columns = {"mu": mu, "sigma": sigma, "V_r": V_r, "time": time, "by_mu": by_mu, "by_sigma": by_sigma}
    file = Path(__file__).with_name("siegert_reference.npz")
    np.savez_compressed(file, E_l=E_L, V_th=V_TH, **{name: column[kept] for name, column in columns.items()})
    print(f"{len(kept)} points")
