# %% [markdown]
# # Solutions to lesson 2: what leaves must come back

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Let $m_k$ be the mass after step $k$. A step with the late reset loses $\Delta t\,N_{k+1}$ at $V_F$ (backward Euler
# takes the flux at the new time) and gets back $\Delta t\,N_k$:
#
# $$m_{k+1} = m_k - \Delta t\,N_{k+1} + \Delta t\,N_k.$$
#
# The sum telescopes: $m_k = m_0 - \Delta t\,(N_k - N_0)$. What is missing is one step's worth of spikes, nothing more,
# at whatever time one looks: the error does not grow with time, but it never goes away either, and it is of first order
# in $\Delta t$, whatever the order of the scheme.

# %% [markdown]
# ## On the computer
#
# Now $\int n\,\mathrm{d}v + R$ is conserved, where $R(t)$ is the share of neurons that wait, $R' = N - R/\tau$, and
# what comes back is $R/\tau$. The density alone loses as much as $R$ gains.

# %%
model = fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.1))
grid = model.grid(200)
sol = fp.solve(model, fp.gaussian(0.0, 0.25), (0.0, 3.0), grid=grid, save_at=np.linspace(0.0, 3.0, 31))
density = sol.density @ grid.width
waiting = np.interp(sol.saved_t, sol.t, sol.refractory)
print(f"at the end: {density[-1]:.6f} in the density, {waiting[-1]:.6f} waiting")
assert abs(density[-1] + sol.refractory[-1] - 1.0) < 1e-12
assert density[-1] < 0.99

# %% [markdown]
# In equilibrium $R = \tau N$: as many enter the pause as leave it.

# %%
(state,) = fp.stationary_states(model)
print(f"tau N = {0.1 * sol.rate[-1]:.6f}, R = {sol.refractory[-1]:.6f}")
assert abs(0.1 * state.rate - sol.refractory[-1]) < 1e-2 * state.rate
