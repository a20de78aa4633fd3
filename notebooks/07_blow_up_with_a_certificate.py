# %% [markdown]
# # 7. Blow-up, with a certificate
#
# With $b > 0$ every spike lifts everybody a little, and the lifted ones may fire at once. If enough neurons wait
# close together below $V_F$, the rate becomes infinite at a finite time $t^*$: the solution *blows up*.
#
# How would a computer know? Infinity is not a number that it prints. And how would we know that a large number on
# the screen is not simply a bad scheme? Here a theorem helps, and in a way that is rare: from the start alone one
# computes a time by which the blow-up must have happened. A certificate.

# %% [markdown]
# ## Predict first
#
# Let $b = 3$ and the neurons start around $v = 1.5$, with a spread so small that nearly none is at $V_F = 2$:
# $N(0)$ is below $10^{-7}$. A program with cells of width $h = 1/20$ says that $N$ rises to 533 and stays there.
#
# You refine, as one should: $h = 1/40$, then $h = 1/80$. What will the two new numbers be? And is there anything in
# the result on which the three runs agree?

# %% [markdown]
# ## By hand
#
# The certificate first. Let $M_\mu(t) = \int e^{\mu v} n\,\mathrm{d}v$, a moment that weighs those near $V_F$ most.
# If for some $\mu > V_F/a$
#
# $$\mu\,b\,M_\mu(0) \ge e^{\mu V_F} - e^{\mu V_R}, \qquad\text{then}\qquad
# M_\mu(t) \ge M_\mu(0)\,e^{\mu(\mu a - V_F)\,t},$$
#
# however the spikes fall (exercise 1). But nobody is above $V_F$, so that $M_\mu \le e^{\mu V_F}$ always. Where the
# two meet there is no more solution. `certificate` takes the $\mu$ for which that is soonest.
#
# `run` is the scheme of lesson 6 with short steps where $N$ is large, so that the rate of the step before may stand
# in the drift. Each step solves for what is there and for what comes back, $n = x + N y$, and finds $N$ from the
# sum.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, b = 1.0, 2.0, 1.0, 3.0
model = fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F)
start = fp.gaussian(mean=1.5, variance=0.005)


# %% tags=["by-hand"]
def certificate(v, n, h):
    mu = np.linspace(V_F / a, 20.0, 5001)[1:]
    M = np.exp(np.outer(mu, v)) @ n * h
    latest = (mu * V_F - np.log(M)) / (mu * (mu * a - V_F))
    latest[mu * b * M < np.exp(mu * V_F) - np.exp(mu * V_R)] = np.inf
    return mu[latest.argmin()], latest.min()


def run(v, n, h, t_end):
    t, N, back = [0.0], [0.0], (np.abs(v - V_R) < h) / (2 * h)
    while t[-1] < t_end:
        dt = min(2e-5, 0.02 / max(N[-1], 1e-9))
        u = -(v + h / 2) + b * N[-1]
        right, left = np.maximum(u, 0) + a / h, np.maximum(-u, 0) + a / h
        right[-1], left[-1] = 2 * a / h, 0.0
        matrix = np.array([-np.roll(left, 1), h / dt + right + np.roll(left, 1), -right]) * dt / h
        x, y = solve_banded((1, 1), matrix, np.array([n, dt * back]).T).T
        N.append(2 * a / h * x[-1] / (1 - 2 * a / h * y[-1]))
        n, t = x + N[-1] * y, [*t, t[-1] + dt]
    return np.array(t), np.array(N)


# %% [markdown]
# ## The library agrees
#
# `fp.blow_up_criterion` is the certificate. `fp.solve` watches how long each doubling of $N$ takes: at a blow-up
# these times shrink by a factor, their sum is finite, and where it ends is $t^*$.

# %%
grids = {cells: fp.Grid.uniform(-1.0, V_R, V_F, 3 * cells) for cells in (20, 40, 80)}
data = {cells: (grid.v, start.cell_averages(grid), grid.width[0]) for cells, grid in grids.items()}
runs = {cells: run(*given, t_end=0.026) for cells, given in data.items()}
mu, T = certificate(*data[80])
criterion = fp.blow_up_criterion(model, start)
print(f"T* by hand: {T:.5f} (mu = {mu:.3f}), by the library: {criterion.latest_time:.5f} (mu = {criterion.mu:.3f})")
assert np.isclose(T, criterion.latest_time, rtol=2e-3)

sol = fp.solve(model, start, (0.0, T), grid=model.grid(400, finest=1e-4))
print(f"N > 100 by hand from t = {[float(t[np.argmax(N > 100)].round(4)) for t, N in runs.values()]}")
print(f"t* by the library: {sol.blow_up.time:.6f}")
for t, N in runs.values():
    assert np.isclose(t[np.argmax(N > 100.0)], sol.blow_up.time, rtol=0.03)

# %% [markdown]
# ## The picture

# %%
M = sol.density @ (np.exp(mu * sol.v) * sol.grid.width) / np.exp(mu * V_F)
least = M[0] * np.exp(mu * (mu * a - V_F) * np.array([0.0, T]))

# %% tags=["picture"]
fig, (ax, zoom) = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained", width_ratios=(1.2, 1))
ax.semilogy(sol.saved_t, M, color=COLOURS["density"], lw=2.5, label="$M_\\mu(t)$ of the solution")
ax.plot(sol.saved_t[-1], M[-1], "X", ms=10, color=COLOURS["rate"], label="$N = \\infty$: blow-up at $t^*$")
ax.plot([0.0, T], least, color=COLOURS["bound"], ls="--", lw=2, label="what $M_\\mu$ is at least")
ax.axhline(1.0, color=COLOURS["threshold"], lw=1.5, label="ceiling: all neurons at $V_F$")
ax.axvspan(T, 0.15, color=COLOURS["bound"], alpha=0.25, lw=0)
ax.axvline(T, color=COLOURS["bound"], lw=3)
ax.text(0.136, 0.25, "no solution\ngets here", rotation=90, ha="center", va="center")
ax.set(xlabel="time $t$", ylabel="$M_\\mu(t) / e^{\\mu V_F}$", xlim=(0, 0.15), ylim=(0.04, 1.3))
ax.set_xticks([0, 0.05, 0.1, T], ["0", "0.05", "0.1", "$T^*$"])
ax.legend(loc="lower center", bbox_to_anchor=(0.47, 0.02), fontsize=8)
for (cells, (t, N)), dashes in zip(runs.items(), (":", "--", "-"), strict=True):
    zoom.semilogy(t, N, color=COLOURS["rate"], ls=dashes, label=f"$h = 1/{cells}$: $N$ ends at {N[-1]:.0f}")
zoom.axvline(sol.blow_up.time, color="0.3", lw=1, label=f"$t^* = {sol.blow_up.time:.4f}$ (library)")
zoom.set(xlabel="time $t$", ylabel="firing rate $N(t)$, by hand", xlim=(0.005, 0.026), ylim=(0.05, 3e4))
zoom.legend(loc="upper left", fontsize=8)
plt.show()

# %% [markdown]
# Four times as much with every halving: 533, 2133, 8533, and so on without end. The height is that of the grid, not
# of the network, which is how infinity looks from inside a computer. The *time* is that of the network: there the
# three runs agree within a few per cent.
#
# And the certificate? It promised a blow-up before $T^* \approx 0.123$ and it came at $t^* \approx 0.023$. A proof
# may be generous; it may not be late.

# %% [markdown]
# ## The theorem
#
# *Let $b > 0$ and the noise be constant, with no input from outside, no pause and no delay. If
# $\mu\,b\,M_\mu(0) \ge e^{\mu V_F} - e^{\mu V_R}$ for some $\mu > V_F/a$, the solution blows up no later than
# $T^* = (\mu V_F - \ln M_\mu(0)) / (\mu(\mu a - V_F))$. So it does if $b$ is large enough for the start, or the
# start concentrated enough near $V_F$ for the $b$, however small.* (Cáceres, Carrillo, Perthame 2011, Theorem 2.2,
# with the constants of its proof.)

# %% tags=["theorem"]
assert sol.status is fp.Status.BLOW_UP
assert sol.blow_up.time <= T
assert np.all(M[1:] > M[0] * np.exp(mu * (mu * a - V_F) * sol.saved_t[1:]))
assert np.all(M <= 1.0)
heights = [N[-1] for _, N in runs.values()]
assert np.allclose(np.divide(heights[1:], heights[:-1]), 4.0, rtol=0.01)

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Multiply the equation by $e^{\mu v}$ and integrate. Use $v \le V_F$ and the condition to show that
#    $M_\mu' \ge \mu(\mu a - V_F) M_\mu$ as long as there is a solution. Where does $N$ go?
# 2. *On the computer.* In the runs by hand, what is the density long after $t^*$? Derive from it that $N = 2a\,(1 -
#    (V_F - V_R)/b)/h^2$ and test this with $b = 2$. What do you expect for $b = 0.5$?
#
# Solutions: [solutions/07_blow_up_with_a_certificate.ipynb](solutions/07_blow_up_with_a_certificate.ipynb)
#
# ## An open challenge
#
# Between $t^*$ and $T^*$ lies a factor of five. Improve the certificate: other weights than $e^{\mu v}$, or the
# moment followed by the computer for a while before the theorem is applied to where it then stands. How close can
# you come?
