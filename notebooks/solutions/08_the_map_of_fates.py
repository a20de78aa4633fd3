# %% [markdown]
# # Solutions to lesson 8: the map of fates

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Without noise the density is only carried along, $\partial_t n + \partial_v((-v + bN)\,n) = N\,\delta(v - V_R)$,
# and what crosses $V_F$ is
#
# $$N = (-V_F + bN)_+\;n(V_F, t).$$
#
# As long as $N = 0$, every potential decays, $v(t) = v(0)\,e^{-t}$, so that whoever was below $V_F > 0$ stays below
# it, at a distance, and $n(V_F, t) = 0$. Then $N = 0$ solves the equation for ever. A neuron needs a push to reach
# the threshold, pushes come from spikes, and nobody makes the first one. Noise does.

# %%
sure = fp.characteristics(fp.nnlif(b=3.0, a0=0.0), fp.compatible_gaussian(1.6, 0.05), (0.0, 5.0))
print(f"without noise: {sure.status}, largest N = {sure.rate.max():g}")
assert sure.status is fp.Status.FINISHED
assert sure.rate.max() == 0.0

# %% [markdown]
# ## On the computer
#
# More noise, more blow-up: with little of it hardly anybody reaches $V_F$, the few spikes do not add up, and the
# network rests. In between it is the steady state that ceases to exist.

# %%
a0 = np.linspace(0.1, 1.0, 19)
table = fp.sweep(
    fp.nnlif(b=3.0),
    {"a0": a0},
    initial=fp.compatible_gaussian(0.0, 0.05),
    t_span=(0.0, 60.0),
    estimate_error=False,
    workers=1,
)
blown = np.asarray(table["status"]) == "blow-up"
rest = np.array([len(fp.stationary_states(fp.nnlif(b=3.0, a0=a))) for a in a0])
for a, fate, count in zip(a0, np.asarray(table["status"]), rest, strict=True):
    print(f"a0 = {a:.2f}: {fate}, {count} steady states")
assert np.all(np.diff(blown.astype(int)) >= 0)
assert blown[-1]
assert not blown[0]
assert np.all(blown == (rest == 0))
