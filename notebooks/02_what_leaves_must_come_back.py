# %% [markdown]
# # 2. What leaves must come back
#
# A neuron that reaches the threshold $V_F$ fires and starts again at $V_R$. In the equation for the density
# $n(v, t)$ of a population,
#
# $$\partial_t n - \partial_v(v\,n) - a\,\partial_{vv} n = N(t)\,\delta(v - V_R), \qquad n(V_F, t) = 0,
# \qquad N(t) = -a\,\partial_v n(V_F, t),$$
#
# the rate $N$ stands twice: it is what leaves at $V_F$, and what comes back at $V_R$. Integrate over $v$: the two
# cancel, and $\int n\,\mathrm{d}v = 1$ for ever. One may also read it backwards: among all numbers that could stand
# before $\delta(v - V_R)$, $N$ is the one that keeps the mass at 1, the *Lagrange multiplier* of that constraint.
#
# A program has to keep this balance too, and it is surprisingly easy to lose.

# %% [markdown]
# ## Predict first
#
# A step of length $\Delta t$ computes the new density, and with it the new $N$. The obvious way to program the
# right-hand side is to put back what left *in the step before*, since that is known.
#
# Up to $t = 3$, how much mass is then lost or made: less than $10^{-12}$, some $10^{-4}$, a few per cent? And what
# happens to it if the step is halved?

# %% [markdown]
# ## By hand
#
# Cells of width $h$, and between two neighbours the flux $F = -v\,\bar n - a\,\delta n / \delta v$ with the mean and
# the difference of their densities; the last cell has the threshold as its neighbour, where $n = 0$. Backward Euler in
# time, so that no step is too long. `same_step` decides whether the reset stands in the matrix or comes a step late.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a = 1.0, 2.0, 1.0
model = fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F)
grid = model.grid(210, v_min=-5.0)
start, t_end = fp.gaussian(mean=-0.5, variance=0.25), 3.0

# %% tags=["by-hand"]
x = np.append(grid.v, V_F)  # the centres of the cells, and the threshold
n_at = np.vstack([np.eye(grid.cells), np.zeros(grid.cells)])  # n_at @ n: the density there, 0 at V_F
h, half_way, gap = x[1] - x[0], 0.5 * (x[1:] + x[:-1])[:, None], np.diff(x)[:, None]
F = -half_way * (n_at[1:] + n_at[:-1]) / 2 - a * (n_at[1:] - n_at[:-1]) / gap  # F @ n: through each face
N = F[-1]
leaves = -np.diff(np.vstack([np.zeros(grid.cells), F]), axis=0) / h
back = (np.abs(grid.v - V_R) < h) / (2 * h)  # V_R is a face: the two cells beside it share what comes back


def run(steps, same_step):
    n, dt = start.cell_averages(grid), t_end / steps
    step = np.linalg.inv(np.eye(grid.cells) - dt * (leaves + same_step * np.outer(back, N)))
    mass, rate = [n.sum() * h], [N @ n]
    for _ in range(steps):
        n = step @ (n if same_step else n + dt * back * (N @ n))
        mass, rate = [*mass, n.sum() * h], [*rate, N @ n]
    return np.array(mass), np.array(rate)


# %% [markdown]
# ## The library agrees
#
# `fp.nnlif(b=0)` is this equation, `fp.Central` and `fp.BackwardEuler` are this scheme. `quality` tells how far the
# mass strayed from where it was.

# %%
steps = 600
mass, rate = run(steps, same_step=True)
sol = fp.solve(model, start, (0.0, t_end), grid=grid, scheme=fp.Central(), stepper=fp.BackwardEuler(t_end / steps))
print(f"N({t_end:g}) by hand: {rate[-1]:.12f}, by the library: {sol.rate[-1]:.12f}")
print(f"mass error by hand: {np.abs(mass - mass[0]).max():.1e}, of the library: {sol.quality.mass_error:.1e}")
assert np.allclose(rate[1:], sol.rate[1:], rtol=1e-10, atol=0.0)

# %% [markdown]
# ## The picture

# %%
late, late_rate = run(steps, same_step=False)
late_half, _ = run(2 * steps, same_step=False)

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
t, t_half = np.linspace(0.0, t_end, steps + 1), np.linspace(0.0, t_end, 2 * steps + 1)
ax.semilogy(t, np.abs(late - late[0]), color=COLOURS["density"], label=f"one step late, Δt = {t[1]:g}")
ax.semilogy(t_half, np.abs(late_half - late[0]), color=COLOURS["density"], ls="--", label=f"Δt = {t_half[1]:g}")
ax.semilogy(t, np.abs(mass - mass[0]), color=COLOURS["bound"], label="in the same step")
ax.axhline(1e-12, color=COLOURS["threshold"], ls=":", lw=1)
ax.set(xlabel="time $t$", ylabel="mass lost or made", ylim=(1e-17, 1))
ax.legend(loc="center right")
beside.plot(t, rate, color=COLOURS["rate"])
beside.set(xlabel="time $t$", ylabel="firing rate $N(t)$", ylim=(0, None))
plt.show()

# %% [markdown]
# What is still missing is what is under way, $\Delta t\,(N(t) - N(0))$: the blue curves follow the red one and halve
# with the step. This is no rounding error and no rerun makes it go away; at a blow-up, where $N$ is huge, it is
# everything. Put back in the same step, all that is lost is what the computer rounds off.

# %% [markdown]
# ## The theorem
#
# *A solution keeps its mass, and $N$ is the multiplier of that constraint.* For the scheme this is exact: the columns
# of `leaves + np.outer(back, N)` sum to zero, so that no step, however long, makes or loses mass but by rounding.

# %% tags=["theorem"]
assert np.abs(mass - mass[0]).max() <= 1e-12
assert np.abs(late - late[0]).max() > 1e-4
assert 1.9 < np.abs(late - late[0]).max() / np.abs(late_half - late[0]).max() < 2.1

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Show that with the late reset the mass after step $k$ is $1 - \Delta t\,(N_k - N_0)$ exactly, and so
#    read the blue curves off the red one.
# 2. *On the computer.* Give the neurons a refractory state, in which those that fired wait for a time $\tau$ on
#    average before they come back. What is conserved now? Check it with `fp.ExponentialRefractory(0.1)`.
#
# Solutions: [solutions/02_what_leaves_must_come_back.ipynb](solutions/02_what_leaves_must_come_back.ipynb)
#
# ## An open challenge
#
# Replace the multiplier by a penalty: put back, one step late, $N + (1 - \int n\,\mathrm{d}v)/\varepsilon$. For which
# $\varepsilon$ and $\Delta t$ is the mass kept to $10^{-6}$, and what becomes of the entropy of lesson 4?
