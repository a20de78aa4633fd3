# %% [markdown]
# # 13. After the blow-up
#
# Lesson 7 followed the rate until it was infinite at a time $t^*$, and there the solution ended. The network does not
# end there: it consists of neurons, and a computer can count what they do. A neuron with $v_i \ge V_F$ fires, waits,
# and comes back to $V_R$ after a time $\tau$ on average; each spike moves all those that listen by $b/M$, where $M$
# is the number of neurons. If that takes others over the threshold, they fire too, *at the same instant*, and so on:
# a cascade.

# %% [markdown]
# ## Predict first
#
# The start and the connectivity are those of lesson 10, with $t^* = 0.0228$. At $t^*$ the rate is infinite. What does
# this mean for the neurons at that instant? Does each of them fire again and again, does everyone fire once, or only
# some? And what becomes of the network afterwards?

# %% [markdown]
# ## By hand
#
# Steps of the noisy neuron of lesson 1, all $M$ at once, and after each step the cascade: those at the `front` fire
# and move the others, which is the next front, until nobody follows.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, b, tau = 1.0, 2.0, 1.0, 3.0, 0.2
M, dt, t_end = 5000, 2e-4, 1.35
random = np.random.default_rng(4)

# %% tags=["by-hand"]
v, waits = 1.5 + np.sqrt(0.005) * random.standard_normal(M), np.zeros(M, bool)
spikes, largest, before = [], 0, None
for _ in range(round(t_end / dt)):
    v = np.where(waits, v, v - v * dt + np.sqrt(2 * a * dt) * random.standard_normal(M))
    comes_back = waits & (random.random(M) < dt / tau)
    poised, fired, sizes = v[~waits], np.zeros(M, bool), []
    front = ~waits & (v >= V_F)
    while front.any():
        fired |= front
        sizes.append(int(front.sum()))
        v[~waits & ~fired] += b * front.sum() / M
        front = ~waits & ~fired & (v >= V_F)
    if fired.sum() > largest:
        largest, before, generations = fired.sum(), poised, sizes
    v[fired] = V_R
    waits = (waits & ~comes_back) | fired
    spikes.append(fired)
t, spikes = dt * np.arange(1, len(spikes) + 1), np.array(spikes)
event = spikes.sum(axis=1).argmax()
print(f"at t = {t[event]:.4f} {largest} of {M} neurons fire at once, generation by generation: {generations}")

# %% [markdown]
# ## The library agrees
#
# `fp.simulate` moves such neurons, too. And the density goes through the blow-up if it is followed by a clock that
# runs with the activity: while the physical clock stands still, that one goes on. Neurons are as good as their number
# and their step: a share of $M$ is uncertain by $1/\sqrt M$, and who looks at the threshold every $\Delta t$ only,
# sees a cascade that is off by some $\sqrt{\Delta t}$.

# %%
model, start = fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F, refractory=fp.ExponentialRefractory(tau)), fp.gaussian(1.5, 0.005)
grid = model.grid(300, v_min=-6.0, finest=5e-4)
settings = {"clock": fp.ActivityClock(), "rtol": 1e-5, "estimate_error": False}
sol = fp.solve(model, start, (0.0, t_end), grid=grid, **settings)
neurons = fp.simulate(model, M, start, (0.0, t_end), dt=dt, seed=1, save_at=[])
jump = sol.jumps[0]
for name, time, share in (
    ("by hand", t[event], largest / M),
    ("neurons of the library", neurons.jumps[0].time, neurons.jumps[0].fraction),
    ("density", jump.time, jump.fraction),
):
    print(f"{name:>22}: at t = {time:.5f} a share of {share:.4f}")
    assert abs(time - jump.time) < 2e-3
    assert abs(share - jump.fraction) < 1.5 * np.sqrt(dt) + 1 / np.sqrt(M)
for later in sol.jumps[1:]:
    print(f"the density again: at t = {later.time:.5f} a share of {later.fraction:.4f}")

# %% [markdown]
# ## The picture
#
# Neurons are not the only ones. The front of a cell that is about to move gathers markers which carry further markers
# there: their density obeys $\partial_t n = \partial_{zz} n + n(0, t)\,\partial_z n$ on $z \ge 0$, nothing passing
# the wall at $z = 0$. Again the density at the edge drives everything towards the edge. To the right, $n(0, t)$ for
# three masses $\int n\,\mathrm{d}z$, from $n = m\,e^{-z}$.

# %%
masses = {1.5: "-", 1.0: "--", 0.7: ":"}
cells = {mass: fp.cell_polarization(mass) for mass in masses}
settings = {"rtol": 1e-4, "estimate_error": False}
walls = {mass: fp.solve(cell, fp.exponential(1.0), (0.0, 2.2), **settings) for mass, cell in cells.items()}
latest = fp.blow_up_criterion(cells[1.5], fp.exponential(1.0)).latest_time

# %% tags=["picture"]
fig, (raster, stairs, wall) = plt.subplots(1, 3, figsize=(11.5, 4), layout="constrained", width_ratios=[1.4, 1, 1])
when, who = np.nonzero(spikes[:, :80])
raster.plot(t[when], who + 1, "|", color=COLOURS["rate"], ms=5, mew=1.5)
raster.set(xlabel="time $t$", ylabel="neuron", xlim=(-0.08, t_end), ylim=(0, 81))
raster.set_title(f"{M} neurons, the first 80", fontsize=10)
stairs.plot(sol.t, sol.fired, color=COLOURS["density"], lw=3, alpha=0.5, label="density")
stairs.plot(t, np.cumsum(spikes.mean(axis=1)), color=COLOURS["rate"], ls="--", label="neurons, by hand")
stairs.annotate(f"Δ = {jump.fraction:.2f}", (jump.time, 0.5 * jump.fraction), (0.12, 0.4), va="center",
                arrowprops={"arrowstyle": "->"})  # fmt: skip
stairs.set(xlabel="time $t$", xlim=(-0.02, t_end), ylim=(0, None))
stairs.set_title("spikes per neuron so far", fontsize=10)
stairs.legend(loc="upper left")
for (mass, style), height in zip(masses.items(), (60.0, 1.2, 0.22), strict=True):
    wall.semilogy(walls[mass].t, walls[mass].rate, color=COLOURS["rate"], ls=style)
    wall.text(0.7, height, f"mass {mass:g}")
wall.axvline(latest, color=COLOURS["bound"], lw=2)
wall.text(latest - 0.04, 60.0, "latest time, mass 1.5", rotation=90, ha="right", va="center")
wall.set(xlabel="time $t$", xlim=(0, 2.2), ylim=(0.1, 3e3))
wall.set_title("cell: density at the wall, $n(0, t)$", fontsize=10)
plt.show()

# %% [markdown]
# Everyone who listens, and each just once: the raster has a full column. What is missing in it are those who fired
# just before and wait. An infinite rate for no time at all has become $N(t) = \Delta\,\delta(t - t^*)$ plus what is
# regular. Then life goes on: those that fired come back from their pause, gather below the threshold, and fire
# together again, though from now on only some of them, as $\Delta$ says; the others are too far from the threshold
# for so few spikes. It is the rhythm of lesson 11, with its threshold made sharp.
#
# The cell has the same two fates as the network, with mass in the place of $b$: below the critical mass 1 the markers
# spread, above it the density at the wall explodes, before a time that a moment gives. At exactly 1 the start
# $e^{-z}$ stays what it is, hence the flat line: with $m = 1$ every $\alpha e^{-\alpha z}$ is in equilibrium, since
# what the drift $n(0, t) = \alpha$ brings, diffusion takes back. With any other mass there is no equilibrium at all.

# %% [markdown]
# ## The theorem
#
# *At a blow-up the physical share is $\Delta = \inf\{z > 0 : P(V \ge V_F - bz) < z\}$* (Delarue, Inglis, Rubenthaler,
# Tanré 2015): so many are close enough to the threshold that their own spikes take them over it, and no more. For
# finitely many neurons it is the cascade, to the last neuron. *The cell blows up, if its mass $m$ is above 1 and $n$
# does not increase with $z$, not later than $\left(\int z\,n\,\mathrm{d}z\right)^2 / \big((m - 1)\,m^2\big)$*
# (Calvez, Hawkins, Meunier, Voituriez 2012).

# %% tags=["theorem"]
nearest = np.sort(before)[::-1]
too_far = np.append(nearest < V_F - b * np.arange(len(nearest)) / M, True)  # the last: nobody is left
assert np.argmax(too_far) == largest
assert abs(fp.cascade(model, sol.before[0]).fraction - jump.fraction) < 1e-6
assert [walls[mass].status is fp.Status.BLOW_UP for mass in masses] == [True, False, False]
assert walls[1.5].blow_up.time < latest

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* In the cascade the front fires as a whole. Show that the same neurons fire in the end if the front
#    fires one after the other, in any order, and that there are `np.argmax(too_far)` of them.
# 2. *On the computer.* How good is the theorem's time for the cell? Compare it with the blow-up of $n = m\,e^{-z}$
#    for masses that approach 1.
#
# Solutions: [solutions/13_after_the_blow_up.ipynb](solutions/13_after_the_blow_up.ipynb)
#
# ## An open challenge
#
# Without a pause one must say what a neuron that fired does with the rest of the cascade: hear it at $V_R$, lose it,
# or hear even what came before its spike (`overshoot` of `fp.ActivityClock`). For which of them, and which $b$, does
# the cascade end at all? And which one would you call physical?
