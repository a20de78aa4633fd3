# %% [markdown]
# # Solutions to lesson 6: inhibition saves the day

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Let $g = C e^t f$, and let $N(t) \ge 0$ be the rate of the true solution, which stands in the drift. Of itself $g$
# fires $N_g = -a\,\partial_v g(V_F) = C e^t a/(V_F - V_R)$. Between the reset and the threshold $f$ is a straight
# line, so $\partial_{vv} g = 0$ but for the kink at $V_R$:
#
# $$-a\,\partial_{vv} g = \frac{a\,C e^t}{V_F - V_R}\,\delta(v - V_R) = N_g\,\delta(v - V_R),$$
#
# precisely what comes back at the reset. With $\partial_t g = g$ the rest is
#
# $$\partial_t g + \partial_v\big((-v + bN)\,g\big) = g - g + (-v + bN)\,\partial_v g = (-v + bN)\,\partial_v g.$$
#
# Below $V_R$ this is 0. Above, $\partial_v g < 0$, and $-v + bN \le 0$ because $v \ge V_R \ge 0$ and $bN \le 0$. So
# the rest is never negative: $g$ is a supersolution. The equation with given drift is linear and keeps what is
# non-negative non-negative, $g - n$ among it. At $V_F$ both vanish, so the slopes are ordered too: $N \le N_g$.
#
# For $b > 0$ the sign of $-v + bN$ is lost as soon as $bN > V_R$; for $V_R < 0$ it is lost between $V_R$ and 0 even
# without spikes. The second is mended by a faster exponential: with $e^{kt}$ for $e^t$ there is $(k - 1)\,g$ to
# spare, which is enough if $k = 1 + |V_R|/V_F$. The first is not, since $N$ may be anything: that is lesson 7.

# %% [markdown]
# ## On the computer
#
# Five starts, each a few heaps at random places. The leading eigenvalue of the equation linearised at the steady
# state predicts the rate.

# %%
model, random = fp.nnlif(b=-1.0), np.random.default_rng(1)
(state,) = fp.stationary_states(model)
grid = model.grid(400, finest=2e-3)
gap = -fp.spectrum(model, state).eigenvalues[0].real
times = np.linspace(7.0, 10.0, 31)
for _ in range(5):
    centres, weights = random.uniform(-1.0, 1.8, 4), random.uniform(0.1, 1.0, 4)

    def heaps(v, centres=centres, weights=weights):
        return (2.0 - v) * (weights[:, None] * np.exp(-200 * (v - centres[:, None]) ** 2)).sum(axis=0)

    sol = fp.solve(model, heaps, (0.0, 25.0), grid=grid, rtol=1e-10, atol=1e-14, save_at=[], estimate_error=False)
    decay = -np.polyfit(times, np.log(np.abs(sol.rate_at(times) - sol.rate[-1])), 1)[0]
    print(f"N = {sol.rate[-1]:.6f} (steady {state.rate:.6f}), at the rate {decay:.4f} (eigenvalue {gap:.4f})")
    assert abs(sol.rate[-1] - state.rate) < 1e-3 * state.rate
    assert abs(decay - gap) < 1e-2 * gap
