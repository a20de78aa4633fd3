# %% [markdown]
# # Solutions to lesson 1: from one noisy neuron to a density

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# With the flux $J = (I - v)\,n - a\,\partial_v n$, integrating by parts once gives
# $\int [(I - v)\varphi' + a\varphi'']\,n = \int \varphi' J - [\ldots]$, and twice, on each side of $V_R$,
#
# $$\int \varphi\,\partial_t n = -\int \varphi\,\partial_v J + \varphi(V_F)\,J(V_F) + a\,\varphi'(V_F)\,n(V_F)
#   - \varphi(V_R)\,\big[J(V_R^+) - J(V_R^-)\big] + N\,\varphi(V_R) - N\,\varphi(V_F).$$
#
# This holds for every $\varphi$. Functions that vanish near $V_R$ and $V_F$ give the equation
# $\partial_t n + \partial_v J = 0$. As $\varphi'(V_F)$ is free, $n(V_F) = 0$; as $\varphi(V_F)$ is free,
# $N = J(V_F) = -a\,\partial_v n(V_F)$; as $\varphi(V_R)$ is free, $J(V_R^+) - J(V_R^-) = N$. Since $n$ is continuous,
# only the slope can make that jump:
#
# $$\partial_v n(V_R^-) - \partial_v n(V_R^+) = N/a.$$
#
# So the slope falls at $V_R$ by exactly as much as it has to bring to zero at $V_F$. In the solution:

# %%
model, start = fp.nnlif(b=0.0, external=1.5), fp.gaussian(mean=0.0, variance=0.25)
sol = fp.solve(model, start, (0.0, 1.5), grid=model.grid(800, v_min=-3.7))
n, v = sol.final.density, sol.v
below, above = v < model.V_R, v > model.V_R
left = np.polyval(np.polyder(np.polyfit(v[below][-4:], n[below][-4:], 2)), model.V_R)
right = np.polyval(np.polyder(np.polyfit(v[above][:4], n[above][:4], 2)), model.V_R)
print(f"jump of the slope {left - right:.4f}, N/a = {sol.rate[-1]:.4f}")
assert abs(left - right - sol.rate[-1]) < 0.01 * sol.rate[-1]

# %% [markdown]
# ## On the computer
#
# The spikes that are overlooked do not depend on the number of neurons: it is the threshold itself that is not where
# we think, but higher, by the distance that the noise covers in a step, $\sqrt{2a\,\Delta t}$, times a number (it is
# 0.5826; Broadie, Glasserman and Kou 1997 met it with options). So the error is of order $\sqrt{\Delta t}$, and a
# hundred times as many steps are needed for one more digit.

# %%
M, spikes, steps_of = 100_000, np.trapezoid(sol.rate, sol.t), np.array([0.04, 0.01, 0.0025])
for bridge in (True, False):
    runs = [fp.simulate(model, M, start, (0.0, 1.5), dt=dt, seed=2, bridge=bridge) for dt in steps_of]
    missing = 1.0 - np.array([run.fired[-1] for run in runs]) / spikes
    print(f"bridge={bridge}: share of the spikes that are overlooked {missing.round(4)} for dt = {steps_of}")
order = np.polyfit(np.log(steps_of), np.log(missing), 1)[0]
print(f"without the bridge: order {order:.2f} in dt")
assert abs(order - 0.5) < 0.1

# %% [markdown]
# Ten times fewer neurons overlook the same share: what is wrong is not chance. And if the threshold is lowered by
# what was said, the spikes are all there, without any bridge:

# %%
few = fp.simulate(model, M // 10, start, (0.0, 1.5), dt=0.04, seed=3, bridge=False)
lower = fp.nnlif(b=0.0, external=1.5, V_F=model.V_F - 0.5826 * np.sqrt(2 * 0.01))
moved = fp.simulate(lower, M, start, (0.0, 1.5), dt=0.01, seed=2, bridge=False)
few_missing, moved_missing = 1.0 - few.fired[-1] / spikes, 1.0 - moved.fired[-1] / spikes
print(f"dt = 0.04: {M // 10} neurons overlook {few_missing:.3f}, {M} neurons {missing[0]:.3f}")
print(f"dt = 0.01: {missing[1]:.3f} overlooked, with the lower threshold {moved_missing:.3f}")
assert abs(few_missing - missing[0]) < 4.0 / np.sqrt(spikes * M / 10)
assert abs(moved_missing) < 0.1 * missing[1]
