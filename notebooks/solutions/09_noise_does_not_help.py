# %% [markdown]
# # Solutions to lesson 9: noise does not help

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# The moment $M_\mu = \int e^{\mu v} n\,\mathrm{d}v$ now fulfils
#
# $$M_\mu' = \mu \int \big(-v + bN + \mu\,(a_0 + a_1 N)\big)\,e^{\mu v}\,n\,\mathrm{d}v
# - N e^{\mu V_F} + N e^{\mu V_R},$$
#
# and sorted by $N$, with $-v \ge -V_F$,
#
# $$M_\mu' \ge \mu(\mu a_0 - V_F)\,M_\mu + N\,\big[\mu\,(b + \mu a_1)\,M_\mu - e^{\mu V_F} + e^{\mu V_R}\big].$$
#
# So $b$ has become $b + \mu a_1$, and for large $\mu$ the sign of $b$ is of no interest: those near $V_F$ only see
# the noise. The rest of the proof is as before.
#
# For a start that fulfils the condition choose first $\mu > V_F/a_0$ so large that $\mu\,(b + \mu a_1) \ge 2$. Then
# let all neurons start between $V_F - \delta$ and $V_F$, with a density that vanishes at $V_F$ with slope 0, and
# $\delta \le (\ln 2)/\mu$: $M_\mu(0) \ge e^{\mu(V_F - \delta)} \ge e^{\mu V_F}/2$.

# %% [markdown]
# ## On the computer
#
# $N = (a_0 + a_1 N)\,s$ with the slope $s = -\partial_v n(V_F)$, hence $s = N/(a_0 + a_1 N)$. When $N \to \infty$
# this comes to $1/a_1$: not to infinity.

# %%
start = fp.compatible_gaussian(mean=1.5, variance=0.02)
for a1 in (0.6, 1.0, 2.0):
    model = fp.nnlif(b=-1.0, a1=a1)
    sol = fp.solve(model, start, (0.0, 0.06), grid=model.grid(400, finest=1e-5), estimate_error=False)
    slope = 2.0 * sol.final.density[-1] / sol.grid.width[-1]
    print(f"a1 = {a1:g}: N = {sol.rate[-1]:.0f}, slope {slope:.4f}, 1/a1 = {1 / a1:.4f}")
    assert sol.status is fp.Status.BLOW_UP
    assert np.isclose(slope, 1.0 / a1, rtol=0.01)
    assert slope < 1.0 / a1
