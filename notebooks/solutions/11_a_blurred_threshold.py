# %% [markdown]
# # Solutions to lesson 11: a blurred threshold

# %%
import numpy as np
from scipy.optimize import brentq

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Integrate the equation over the whole line. Drift and diffusion only move neurons, so what remains is
#
# $$\frac{\mathrm{d}}{\mathrm{d}t}\int n\,\mathrm{d}v
# = \frac{R}{\tau} - \frac{1}{\varepsilon}\int_{V_F}^\infty n\,\mathrm{d}v,
# \qquad \frac{\mathrm{d}R}{\mathrm{d}t} = N - \frac{R}{\tau}.$$
#
# The sum stands still only if $N = +\frac{1}{\varepsilon}\int_{V_F}^\infty n\,\mathrm{d}v$. (With the minus sign
# neurons that fire would also be taken out of the pause, and the total mass would fall at the rate $2|N|$.) As those
# above the threshold are not waiting, $\int_{V_F}^\infty n\,\mathrm{d}v \le 1 - R$, and the bound that comes with it
# is
#
# $$N(t) \le \frac{1 - R(t)}{\varepsilon}.$$

# %%
tau = 0.2


def network(epsilon, b=4.0):
    return fp.nnlif(b=b, refractory=fp.ExponentialRefractory(tau), threshold=fp.RandomThreshold(epsilon))


def run(epsilon, t_end=13.0):
    model = network(epsilon)
    grid = model.grid(200, finest=0.015)
    return fp.solve(model, fp.gaussian(1.5, 0.05), (0.0, t_end), grid=grid, rtol=1e-5, estimate_error=False)


sol = run(0.02, t_end=3.0)
print(f"largest N ε/(1 − R): {np.max(sol.rate * 0.02 / (1.0 - sol.refractory)):.3f}")
assert np.all(sol.rate <= (1.0 - sol.refractory) / 0.02)

# %% [markdown]
# ## On the computer
#
# Near its steady state the network moves as $e^{\lambda t}$ with the leading eigenvalue $\lambda$. The rhythm begins
# where its real part goes through zero (a *Hopf bifurcation*), with the period $2\pi/\operatorname{Im}\lambda$.


# %%
def leading(epsilon):
    (state,) = fp.stationary_states(network(epsilon))
    return state.eigenvalue


onset = brentq(lambda epsilon: leading(epsilon).real, 0.05, 0.06, xtol=1e-4)
period = 2.0 * np.pi / abs(leading(onset).imag)
print(f"the rhythm begins at ε = {onset:.4f}, with the period {period:.4f}")

# %% [markdown]
# Now look: below it the rate keeps beating, with a similar period; above it, it comes to rest.

# %%
times = np.linspace(10.0, 13.0, 6001)
below, above = (run(factor * onset).rate_at(times) for factor in (0.8, 1.25))
up = times[1:][(below[:-1] < below.mean()) & (below[1:] >= below.mean())]
print(f"ε a fifth below: N between {below.min():.3f} and {below.max():.3f}, period {np.diff(up).mean():.4f}")
print(f"ε a quarter above: N between {above.min():.3f} and {above.max():.3f}")
assert abs(np.diff(up).mean() / period - 1.0) < 0.15
assert np.ptp(below) > 1.0
assert np.ptp(above) < 0.01
