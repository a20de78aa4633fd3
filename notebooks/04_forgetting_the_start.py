# %% [markdown]
# # 4. Forgetting the start
#
# Neurons that do not hear each other ($b = 0$) have one equilibrium $P$, with the rate $N_\infty$, and wherever they
# start, they end there. How fast? Measure the distance by the relative entropy of $n$ to $P$, with $u = n/P$:
#
# $$H(t) = \tfrac12 \int P\,(u - 1)^2\,\mathrm{d}v, \qquad
# \frac{\mathrm{d}H}{\mathrm{d}t} = -a \int P\,|\partial_v u|^2\,\mathrm{d}v
#   - \tfrac12 N_\infty \Big(\frac{N}{N_\infty} - u(V_R)\Big)^2.$$
#
# Both terms have a sign. The first is what noise evens out; the second comes from the reset. So $H$ falls whatever
# the firing rate does in the meantime. It must be finite to begin with: $P$ vanishes at $V_F$, and $n^2/P$ can only be
# integrated if $n$ vanishes there too. All our starts have the factor $V_F - v$ (and variances below $2a$).

# %% [markdown]
# ## Predict first
#
# A membrane without threshold forgets its mean potential like $e^{-t}$, and the entropy falls like $e^{-2t}$ in the
# long run. Now add threshold and reset: again and again neurons that had drifted apart are put together at one and
# the same point. Take $a = 1$, and no current.
#
# 1. Does that make the population forget its start more slowly, or faster?
# 2. Ten populations start: some narrow, some wide, one far below the reset, one right at the threshold. Which of them
#    forgets slowest in the long run?

# %% [markdown]
# ## By hand
#
# The matrix $A$ of lesson 3, with Scharfetter and Gummel's $B(x) = x/(e^x - 1)$, which SciPy knows as
# `1 / exprel(x)`, without $0/0$ at $x = 0$. As $b = 0$, $n' = A\,n$ has the solution $e^{tA}\,n(0)$: there is no
# error in time at all.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import eigh, expm
from scipy.special import exprel

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, cells, t_end, dt = 1.0, 2.0, 1.0, 320, 6.0, 0.02
h = V_F / 80
v = V_F - h * (cells - np.arange(cells) - 0.5)
mean = np.array([-3.0, -2.0, -1.0, -0.3, 0.0, 0.5, 0.9, 1.0, 1.5, 1.8])
variance = np.array([0.1, 0.05, 0.25, 1.2, 0.25, 0.1, 0.5, 0.01, 0.02, 0.01])

# %% tags=["by-hand"]
x = np.append(v, V_F)
d, drift = np.diff(x), -0.5 * (x[1:] + x[:-1])
to_right, to_left = a / d / exprel(-drift * d / a), a / d / exprel(drift * d / a)
A = np.diag(-to_right) + np.diag(to_right[:-1], -1)
A += np.diag(to_left[:-1], 1) - np.diag(np.append(0, to_left[:-1]))
A[np.abs(v - V_R) < h, -1] += to_right[-1] / 2
A /= h
P = np.linalg.solve(np.vstack([np.full(cells, h), A[1:]]), np.eye(cells)[0])

n = (V_F - v[:, None]) * np.exp(-((v[:, None] - mean) ** 2) / (2 * variance))
n = n / (h * n.sum(axis=0))
step, H, N = expm(dt * A), [], []
for _ in range(round(t_end / dt) + 1):
    H.append(0.5 * h * P @ (n / P[:, None] - 1) ** 2)
    N.append(to_right[-1] * n[-1])
    n = step @ n
H, N, t = np.array(H), np.array(N), dt * np.arange(len(H))

# %% [markdown]
# ## The library agrees
#
# `fp.relative_entropy` is $H$. `fp.spectrum` gives the eigenvalues of the equation about its equilibrium. The one
# nearest to zero, $\lambda_1$, is the speed at which the last memory fades; $H$ is a square, so it falls like
# $e^{2\lambda_1 t}$. Between the two stands the error of our cells, of the order $h^2$.

# %%
model = fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F)
grid = model.grid(cells, v_min=-6.0)
start = (V_F - grid.v) * np.exp(-((grid.v - mean[0]) ** 2) / (2 * variance[0]))
sol = fp.solve(model, start / (start @ grid.width), (0.0, 1.0), grid=grid, scheme=fp.ScharfetterGummel())
entropy = fp.relative_entropy(sol.final, fp.discrete_stationary(model, grid))
print(f"H(1): by hand {H[round(1 / dt), 0]:.6f}, by the library {entropy:.6f}")
assert np.isclose(H[round(1 / dt), 0], entropy, rtol=1e-3)

(state,) = fp.stationary_states(model)
first = fp.spectrum(model, at=state).eigenvalues[0].real
late = np.polyfit(t[-50:], np.log(H[-50:]), 1)[0]
print(f"H in the end: exponents by hand {late.min():.5f} to {late.max():.5f}, twice the eigenvalue {2 * first:.5f}")
assert np.allclose(late, 2 * first, rtol=1e-3)

# %% [markdown]
# ## The picture
#
# The green line is what the theorem below promises for the start whose entropy is largest, the grey one what a
# membrane without threshold would do.

# %%
face_weight = (to_right[:-1] * P[:-1] + to_left[:-1] * P[1:]) / 2
difference = np.diff(np.eye(cells), axis=0)
gamma = eigh(difference.T @ (face_weight[:, None] * difference), np.diag(h * P), eigvals_only=True)[1]
bound = H[0] * np.exp(-2 * gamma * t[:, None])

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(9.5, 4), width_ratios=(1.2, 1), layout="constrained")
ax.semilogy(t, H[:, 1:], color=COLOURS["density"], lw=1)
ax.semilogy(t, H[:, 0], color=COLOURS["density"], lw=1, label="ten starts")
ax.semilogy(t, bound[:, H[0].argmax()], color=COLOURS["bound"], ls="--", label=f"theorem: slope −{2 * gamma:.3f}")
ax.semilogy(t, 1e-4 * np.exp(-2 * t), color=COLOURS["reset"], ls=":", label="no threshold: slope −2")
ax.set(xlabel="time $t$", ylabel="relative entropy $H(t)$", xlim=(0, t_end), ylim=(1e-9, 1e3))
ax.legend(loc="upper right")
beside.semilogy(t, N, color=COLOURS["rate"], lw=1)
beside.axhline(state.rate, color=COLOURS["threshold"], ls=":", lw=1)
beside.text(3.04, state.rate, r"$N_\infty$", va="center")
beside.set(xlabel="time $t$", ylabel="firing rate $N(t)$", xlim=(0, 3), ylim=(1e-3, 30))
plt.show()

# %% [markdown]
# All ten end on parallel lines: no start is forgotten more slowly than another, since what is left of each of them is
# the same fading mode, more of it or less (exercise 2 makes an exception). And here it fades *faster* than without
# threshold: when a neuron fires is a matter of chance, and having fired, it no longer knows where it came from.
# Meanwhile rates may overshoot and dip (right); $H$ does not care.
#
# That is no law. Little noise and a current beyond the threshold make a clock of each neuron: it fires at nearly equal
# intervals, and keeps its place in the round. Then the reset *preserves* the memory, and the population forgets more
# slowly than without threshold, beating as it does so. The last lines below compute it.

# %% [markdown]
# ## The theorem
#
# *Let $b = 0$, with constant noise, and $H(0) < \infty$. Then $H(t) \le H(0)\,e^{-2a\gamma t}$, where $\gamma$ is the
# constant of Poincaré's inequality with the weight $P$: $\gamma \int P\,(u - 1)^2 \le \int P\,|\partial_v u|^2$
# whenever $\int P\,(u - 1) = 0$* (Cáceres, Carrillo, Perthame 2011). The proof throws the second term, that of the
# reset, away; little is lost by that here. On cells the same inequality holds with a $\gamma$ of their own, the
# second eigenvalue of a symmetric matrix, so that the bound can be checked without any tolerance but rounding.

# %% tags=["theorem"]
print(f"a gamma = {gamma:.5f}, −λ1 = {-first:.5f}, and 1 without threshold")
assert np.all(np.diff(H, axis=0) < 0)
assert (H / bound).max() <= 1 + 1e-9
assert 1 < gamma < -first

clock = fp.nnlif(b=0.0, a0=0.01, external=2.5)
(beat,) = fp.stationary_states(clock)
slow = fp.spectrum(clock, at=beat).eigenvalues[0]
print(f"a = 0.01, current 2.5: λ1 = {slow.real:.3f} ± {abs(slow.imag):.2f}i")
assert -1 < slow.real < 0

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Prove the formula for $\mathrm{d}H/\mathrm{d}t$. (Write the flux as $F = u\,F_P - a P\,\partial_v u$,
#    where $F_P$, the flux of $P$, is $N_\infty$ between $V_R$ and $V_F$ and zero below; and $u(V_F) = N/N_\infty$.)
# 2. *On the computer.* Mix two of the ten starts, $\theta\,n_1 + (1 - \theta)\,n_2$, so that the mixture forgets more
#    than twice as fast as either.
#
# Solutions:
# [solutions/04_forgetting_the_start.ipynb](solutions/04_forgetting_the_start.ipynb)
#
# ## An open challenge
#
# With $b \ne 0$ a third term appears in $\mathrm{d}H/\mathrm{d}t$, and it has no sign (`fp.entropy_balance` tells the
# three apart). Find a start and a $b$ for which $H$ grows at first. For strong inhibition every run that we know of
# ends in the one stationary state; a functional that falls from every start, which would prove it, we do not know.
