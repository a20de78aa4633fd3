# %% [markdown]
# # 6. Inhibition saves the day
#
# In an excitatory network, $b > 0$, spikes make spikes, and $N$ may blow up. With $b < 0$ each spike pushes
# everybody away from the threshold. That sounds safe, but is it a bound? The neurons may all start a hair below
# $V_F$ and fire before anyone is pushed. They may then be pushed so far down that they return together, for a
# second volley.
#
# To ask for the worst, give the start a ceiling, $n(v, 0) \le C f(v)$, with
#
# $$f(v) = \min\Big(1, \frac{V_F - v}{V_F - V_R}\Big),$$
#
# flat up to the reset and a straight line from there to zero at the threshold. Below it anything is allowed.

# %% [markdown]
# ## Predict first
#
# All neurons are packed under the ceiling as close to $V_F$ as it lets them, with $C = 10$. So the slope at $V_F$ is
# $-10$, and with $a = 1$ the rate begins at $N(0) = 10$. Follow them for $b = 0$, $-1$ and $-1000$.
#
# A bound on $N$ that holds until $t = 1$ will depend on $C$. How does it depend on $b$: must it grow with $|b|$
# because of the second volley, may it shrink because of the push, or neither?

# %% [markdown]
# ## By hand
#
# Cells again, but at each face the drift $-v + bN$ takes the density from the side that it comes from (upwind). `N`
# is that of the step before in the drift, and new in the reset: one linear system per step, as long or short as we
# like.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, C = 1.0, 2.0, 1.0, 10.0
grid = fp.nnlif(b=-10.0).grid(220)


def f(v):
    return np.minimum(1.0, (V_F - v) / (V_F - V_R))


def packed(grid, wish):
    """The mass 1, filled up to the ceiling in one cell after the other, where `wish` is largest first."""
    order, room = np.argsort(-wish), C * f(grid.v) * grid.width
    before = np.cumsum(room[order]) - room[order]
    n = np.zeros(grid.cells)
    n[order] = np.clip(1.0 - before, 0.0, room[order]) / grid.width[order]
    return n


# %% tags=["by-hand"]
v, h = grid.v, grid.width[0]
face = grid.faces[1:]  # the right end of every cell; the last one is V_F
from_left, from_right = np.eye(v.size), np.eye(v.size, k=1)  # the last row of from_right: n(V_F) = 0
gap = np.append(np.full(v.size - 1, h), h / 2)[:, None]
spread = -a * (from_right - from_left) / gap
N = spread[-1]
reset = (np.abs(v - V_R) < h) / (2 * h)


def run(n, b, times):
    rates, worst = [N @ n], [(n / (C * f(v))).max()]
    for dt in np.diff(times):
        u = (-face + b * rates[-1])[:, None]
        F = np.maximum(u, 0) * from_left + np.minimum(u, 0) * from_right + spread
        F[-1] = N
        leaves = np.diff(F, axis=0, prepend=0.0) / h
        n = np.linalg.solve(np.eye(v.size) + dt * (leaves - np.outer(reset, N)), n)
        rates, worst = [*rates, N @ n], [*worst, (n / (C * f(v))).max()]
    return np.array(rates), np.array(worst)


# %% [markdown]
# ## The library agrees
#
# This is `fp.Upwind` with `fp.BackwardEuler`, number by number.

# %%
model, times = fp.nnlif(b=-10.0), np.linspace(0.0, 1.0, 201)
start = fp.compatible_gaussian(mean=0.0, variance=0.25)
rates, _ = run(start.cell_averages(grid), -10.0, times)
sol = fp.solve(model, start, (0.0, 1.0), grid=grid, scheme=fp.Upwind(), stepper=fp.BackwardEuler(times[1]))
print(f"N(1) by hand: {rates[-1]:.12f}, by the library: {sol.rate[-1]:.12f}")
assert np.allclose(rates[1:], sol.rate[1:], rtol=1e-9, atol=0.0)

# %% [markdown]
# ## The picture
#
# Fifty wild starts, each with its own $b$ between $0$ and $-1000$: lots decide which stripes are filled to the
# ceiling and which stay empty. To them come the three of the question, packed towards $V_F$. The drift $bN$ away from
# the threshold leaves a layer only $a/|bN| = 10^{-4}$ thick, so the cells at $V_F$ must be much thinner than that.

# %%
random = np.random.default_rng(6)


def wild(v):
    """Stripes 0.04 wide between 0 and V_F, some favoured and some not."""
    favour = np.append(random.permutation(50), -1)
    return favour[np.clip(np.floor(25 * v), -1, 49).astype(int)]


def follow(b, landscape):
    model = fp.nnlif(b=b)
    grid = model.grid(300, finest=1e-6)
    n = packed(grid, landscape(grid.v))
    sol = fp.solve(model, n, (0.0, 1.0), grid=grid, rtol=1e-4, save_at=[0.0], estimate_error=False)
    assert sol.status is fp.Status.FINISHED
    return sol


fifty = [follow(b, wild) for b in -np.geomspace(1e-2, 1e3, 50)]
three = {b: follow(b, lambda v: v) for b in (0.0, -1.0, -1000.0)}
for b, sol in three.items():
    print(f"b = {b:g}: N(0) = {sol.rate[0]:.3f}, and {np.interp(1e-8, sol.t, sol.rate):.3f} at t = 1e-8")
    assert np.isclose(sol.rate[0], C * a / (V_F - V_R), rtol=0.01)

# %% tags=["picture"]
fig, (below, ax) = plt.subplots(1, 2, figsize=(9.5, 3.9), layout="constrained", width_ratios=(1, 1.5))
for sol, alpha in zip((three[0.0], fifty[5]), (0.9, 0.4), strict=True):
    below.fill_between(sol.v, 0, sol.density[0], step="mid", color=COLOURS["density"], alpha=alpha, lw=0)
below.plot([-1, V_R, V_F], [C, C, 0], color=COLOURS["bound"], lw=2.5, label="ceiling $C f(v)$")
below.axvline(V_R, color=COLOURS["reset"], lw=1)
below.axvline(V_F, color=COLOURS["threshold"], ls="--", lw=1)
below.set(xlabel="potential $v$", ylabel="$n(v, 0)$ of two starts", xlim=(-0.3, 2.05), ylim=(0, 11.5))
below.set_xticks([0, V_R, V_F], ["0", "$V_R$", "$V_F$"])
below.legend(loc="upper right", fontsize=8)
for sol in fifty:
    ax.loglog(sol.t[1:], sol.rate[1:], color=COLOURS["rate"], lw=0.7, alpha=0.5)
for (b, sol), dashes in zip(three.items(), ("-", "--", ":"), strict=True):
    ax.loglog(sol.t[1:], sol.rate[1:], color=COLOURS["rate"], lw=2, ls=dashes, label=f"packed, $b = {b:g}$")
t = np.geomspace(1e-10, 1.0, 100)
ax.loglog(t, C * a * np.exp(t) / (V_F - V_R), color=COLOURS["bound"], lw=2.5, label="$C\\,a\\,e^t/(V_F - V_R)$")
ax.set(xlabel="time $t$ (membrane time constants)", ylabel="firing rate $N(t)$", xlim=(1e-10, 1), ylim=(1e-3, 200))
ax.legend(ncols=2, loc="upper center", fontsize=8)
plt.show()

# %% [markdown]
# Neither: one green line for all $b \le 0$. At the first instant nobody has been pushed yet, and $N(0) = 10$
# whatever $b$ is, so the bound cannot shrink. (With $b = -1000$ that instant is short: by $t = 10^{-8}$ the rate has
# halved. On cells of $10^{-3}$ the scheme would begin at 3.6.) And the second volley never comes: the first few that
# return and fire push all the others back. The worst case is no inhibition at all.

# %% [markdown]
# ## The theorem
#
# *Let $b \le 0$, $a$ constant, $V_R \ge 0$. If $n(v, 0) \le C f(v)$, then $n(v, t) \le C e^t f(v)$ for all times,
# hence $N(t) \le C\,a\,e^t / (V_F - V_R)$: no blow-up, whatever $b$ is.* (The existence theorem of Carrillo,
# Perthame, Salort, Smets 2015 rests on such a *supersolution*; this one is simple enough for exercise 1.)
#
# The scheme by hand keeps it exactly, with $1/(1 - \Delta t)$ for the factor $e^{\Delta t}$ of each step. It starts
# on the bound; how close does it come to it later?

# %% tags=["theorem"]
for b in (-1.0, -10.0):
    steps = np.geomspace(1e-6, 1.0, 150)
    _, share = run(packed(grid, v), b, steps)
    growth = np.append(1.0, np.cumprod(1.0 / (1.0 - np.diff(steps))))
    print(f"by hand, b = {b:g}: from the first step on n is at most {(share / growth)[1:].max():.6f} of the bound")
    assert np.all(share <= growth * (1.0 + 1e-12))
for sol in (*fifty, *three.values()):
    assert np.all(sol.rate <= C * a * np.exp(sol.t) / (V_F - V_R))

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Put $C e^t f(v)$ into the equation. What cancels, what is left over, and what sign has it? Where
#    does the argument break for $b > 0$, and where for $V_R < 0$?
# 2. *On the computer.* Bounded is not yet at rest. Take five wild starts with $b = -1$ and show that $N(t)$ comes
#    to the same value from all of them, and at the same exponential rate. `fp.stationary_states` and `fp.spectrum`
#    tell which.
#
# Solutions: [solutions/06_inhibition_saves_the_day.ipynb](solutions/06_inhibition_saves_the_day.ipynb)
#
# ## An open challenge
#
# For small $|b|$ it is proved that all starts end in the one steady state, exponentially fast. For strong
# inhibition every computation says so too, and no proof is known to us. Look for what a proof would need: a
# quantity that decreases along all solutions with $b = -100$. Is it the relative entropy of lesson 4?
