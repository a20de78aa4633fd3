# %% [markdown]
# # Solutions to lesson 12: learning

# %%
import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Write $r = 1/T$, which increases, $c_I = I + w\bar N_I$ and $c_J = J + w\bar N_J$. At each $w$
#
# $$|N_I - N_J| = C\,|r(c_I) - r(c_J)| \ge \rho\,C\,|c_I - c_J|
# \ge \rho\,C\,|I - J| - \rho\,C\,|w|\,|\bar N_I - \bar N_J|.$$
#
# Integrate, and note that $|\bar N_I - \bar N_J| \le \int |N_I - N_J|\,\mathrm{d}w$: the feedback can take away no
# more than the answers differ anyway. So
#
# $$\Big(1 + \rho\!\int\! C\,|w|\,\mathrm{d}w\Big) \int |N_I - N_J|\,\mathrm{d}w \ge \rho \int C\,|I - J|\,\mathrm{d}w,
# \qquad \frac1c = \frac1\rho + \int C\,|w|\,\mathrm{d}w.$$
#
# For the representation let $N = \kappa f$ with $\int f\,\mathrm{d}w = 1$, so that $\bar N = \kappa$. The mass of
# $C = \kappa f\,T(I + w\kappa)$ has to be 1. As $T$ decreases and $w \le 0$, each factor grows with $\kappa$, and the
# mass goes from 0 to infinity: exactly one $\kappa$. With $w > 0$ the second factor falls, for large $\kappa$ as
# $T \approx (V_F - V_R)/(w\kappa)$, and the mass tends to $(V_F - V_R)\int f/w\,\mathrm{d}w$. If that is less than 1,
# it may pass through 1 twice or not at all:

# %%
for signal in (-1.0, 2.0):
    excitatory = fp.learning((1.5, 2.5), lanes=50, signal=signal)
    found = fp.representing_connectivity(excitatory, np.ones(50))
    print(f"I = {signal}, all weights excite: {len(found)} connectivities for a flat answer")
    assert len(found) == (2 if signal < 0.0 else 0)

# %% [markdown]
# ## On the computer
#
# With $K = -1$ the condition $w = K N \bar N$ is $N(w) = |w|/\bar N$ on $[w^*, 0]$. Its integral is $\bar N$, and the
# mass of $C = N\,T(I + w\bar N)$ is 1:
#
# $$\bar N^2 = \int_{w^*}^0 |w|\,\mathrm{d}w = \frac{(w^*)^2}{2},
# \qquad \frac{1}{\bar N}\int_{w^*}^0 |w|\,T(1 + w\bar N)\,\mathrm{d}w = 1.$$

# %%
nodes, weights = np.polynomial.legendre.leggauss(40)


def T(c):
    x = (1.0 - c[:, None]) / np.sqrt(2.0) + (1.0 + nodes) / np.sqrt(8.0)
    return np.sqrt(np.pi / 8.0) * erfcx(-x) @ weights


def excess_mass(edge):
    w, total = edge * (1.0 + nodes) / 2.0, -edge / np.sqrt(2.0)
    return (-edge / 2.0) * weights @ (-w * T(1.0 + w * total)) / total - 1.0


edge = brentq(excess_mass, -5.0, -1e-3, xtol=1e-14)
total = -edge / np.sqrt(2.0)
(learned,) = fp.learned_connectivity(fp.learning((-1.0, 0.0), signal=1.0, rule=-1.0))
print(f"w* = {edge:.9f}, total rate {total:.9f}; by the library {learned.edge:.9f} and {learned.total:.9f}")
assert abs(edge - learned.edge) < 1e-10
assert abs(total - learned.total) < 1e-10

# %% [markdown]
# And the equation with its weights in motion, from a flat connectivity. It stops at the edge within one of its lanes.

# %%
model = fp.learning((-1.0, 0.0), lanes=16, signal=1.0, rule=-1.0, speed=0.5)
start = fp.connectivity(lambda w: np.ones_like(w), fp.compatible_gaussian(0.0, 0.25))
stepper = fp.BackwardEuler(0.2)
sol = fp.solve(model, start, (0.0, 30.0), grid=model.grid(cells=80), stepper=stepper, save_at=[], estimate_error=False)
reached = float(model.total_rate(sol.final.rate))
print(f"total rate by the equation with 16 lanes: {reached:.5f}")
assert abs(reached - total) < model.dw**2
