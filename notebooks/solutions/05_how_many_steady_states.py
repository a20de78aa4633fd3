# %% [markdown]
# # Solutions to lesson 5: how many steady states?

# %%
import numpy as np
from scipy.optimize import bisect
from scipy.special import erfcx

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# In $I(N)$ an interval of fixed length, $(V_F - V_R)/\sqrt{2a}$, moves over the function $\mathrm{erfcx}(-x)$, which
# increases and is positive. If $b \le 0$ it moves to the right as $N$ grows, or stays, so $I$ does not decrease. Then
# $N\,I(N)$ increases strictly, from $0$ to infinity: it is $1$ exactly once.
#
# If $b > 0$ the interval moves to the left for ever, where $\mathrm{erfcx}(-x) \approx -1/(\sqrt\pi\,x)$, and
#
# $$I(N) \approx \int_{x_R}^{x_F} \frac{\mathrm{d}x}{-x} = \log \frac{bN - V_R}{bN - V_F}
# \approx \frac{V_F - V_R}{bN},$$
#
# the time it takes the drift $bN$ to carry a neuron from $V_R$ to $V_F$. So $N\,I(N)$ goes from $0$ to
# $(V_F - V_R)/b$, and if that is more than $1$ it passes $1$ on its way.

# %%
nodes, weights = np.polynomial.legendre.leggauss(60)


def climb(N, b, a=1.0, V_R=1.0, V_F=2.0):
    x_R, x_F = (V_R - b * N) / np.sqrt(2 * a), (V_F - b * N) / np.sqrt(2 * a)
    x = x_R + (x_F - x_R) * (nodes + 1) / 2
    return np.sqrt(np.pi) * (x_F - x_R) / 2 * (weights @ erfcx(-x))


assert np.all(np.diff([climb(N, b=-1.0) for N in np.geomspace(0.01, 10.0, 200)]) > 0)
print(f"b = 0.8: N I(N) = {1e4 * climb(1e4, b=0.8):.5f} at N = 10000; the limit is {1 / 0.8:.5f}")
assert abs(1e4 * climb(1e4, b=0.8) - 1 / 0.8) < 1e-3

# %% [markdown]
# ## On the computer
#
# Nobody can answer more than $1/\tau$, so $N\,(\tau + I(N))$ grows to infinity for every $b$: where there was no
# steady state there is one now, close to $1/\tau$, and where there were two there is a third one above them. The
# counts are 1 and 3, and *none* is no longer possible.


# %%
def count(b, tau):
    N = np.geomspace(0.01, 0.9999 / tau, 1000)
    excess = [rate * (tau + climb(rate, b)) - 1 for rate in N]
    return int(np.count_nonzero(np.diff(np.sign(excess))))


def model(b, tau):
    return fp.nnlif(b=b, refractory=fp.ExponentialRefractory(tau))


for tau in (0.025, 0.2):
    counts = [count(b, tau) for b in (0.5, 1.2, 1.6, 2.0, 2.2, 3.0)]
    print(f"tau = {tau}: {counts} states for b = 0.5, 1.2, 1.6, 2.0, 2.2, 3.0")
    assert counts == [len(fp.stationary_states(model(b, tau))) for b in (0.5, 1.2, 1.6, 2.0, 2.2, 3.0)]
    assert set(counts) == {1, 3}

# %% [markdown]
# There are three between two folds. With growing $\tau$ the folds approach each other and merge in a cusp. We count
# folds on either side of it:

# %%
cusp = bisect(lambda tau: len(fp.fold_points(model(0.0, tau))) - 1, 0.2, 0.5, xtol=1e-3)
near = fp.fold_points(model(0.0, cusp - 2e-3))
print(
    f"to a thousandth: one steady state for every b from tau = {cusp:.3f} on; the last fold is near b = {near[0].b:.2f}"
)
assert len(near) == 2
assert len(fp.fold_points(model(0.0, cusp + 2e-3))) == 0
assert max(count(b, cusp + 2e-3) for b in np.linspace(near[1].b - 0.1, near[0].b + 0.1, 21)) == 1
