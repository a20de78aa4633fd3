# %% [markdown]
# # 9. Noise does not help
#
# Lesson 6 was reassuring: an inhibitory network, $b < 0$, never blows up. It took for granted that the noise is
# that of the outside world. But spikes arrive irregularly, and part of the noise is made by the network itself:
#
# $$a(N) = a_0 + a_1 N.$$
#
# Excitatory and inhibitory spikes both add to it. Noise blurs, and blurring takes the edge off: one would say that
# it can only help.

# %% [markdown]
# ## Predict first
#
# The neurons start around $v = 1.5$, with $b = -1$ and $a_0 = 1$. For $a_1 = 0$ the rate rises to 1.5 at most, then
# inhibition brings it down. With $a_1 = 0.3$ the noise at that rate is $1.45$ instead of 1, half as much again;
# with $a_1 = 0.6$ it is nearly twice as much.
#
# How high does $N$ rise for $a_1 = 0.3$, and how high for $a_1 = 0.6$? If it is too high for your taste: does ten
# times as much inhibition help?

# %% [markdown]
# ## By hand
#
# As in lesson 6, the rate of the step before stands in the drift, and now in the noise too. Look at the line for
# `N`: the slope of the new density, times the noise that the *old* spikes made. In one step a spike causes $a_1 s$
# others, where $s = -\partial_v n(V_F)$ is that slope.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a0, b = 1.0, 2.0, 1.0, -1.0
start = fp.compatible_gaussian(mean=1.5, variance=0.02)
grid = fp.Grid.uniform(-4.0, V_R, V_F, 480)


# %% tags=["by-hand"]
def run(a1, n, v, h, dt, t_end):
    back = (np.abs(v - V_R) < h) / (2 * h)
    slope = 2 * n[-1] / h
    N = [a0 * slope / (1 - a1 * slope)]
    while len(N) < t_end / dt and N[-1] < 100.0:
        a, u = a0 + a1 * N[-1], -(v + h / 2) + b * N[-1]
        right, left = np.maximum(u, 0) + a / h, np.maximum(-u, 0) + a / h
        right[-1], left[-1] = 2 * a / h, 0.0
        matrix = np.array([-np.roll(left, 1), h / dt + right + np.roll(left, 1), -right]) * dt / h
        x, y = solve_banded((1, 1), matrix, np.array([n, dt * back]).T).T
        N.append(a * 2 / h * x[-1] / (1 - a * 2 / h * y[-1]))
        n = x + N[-1] * y
    return dt * np.arange(len(N)), np.array(N)


# %% [markdown]
# ## The library agrees
#
# Number by number for $a_1 = 0.3$, with the same scheme and step. (Both are of first order, and on these 480 cells
# the largest rate comes out some per cent too high; the fine grids of the picture below give 3.77.) For $a_1 = 1$
# our rate passes 100 when the library says that it is about to be infinite, up to what a scheme of first order
# leaves: some per cent.

# %%
dt, given = 2e-5, (start.cell_averages(grid), grid.v, grid.width[0])
model = fp.nnlif(b=b, a0=a0, a1=0.3)
t, N = run(0.3, *given, dt, 0.03)
sol = fp.solve(model, start, (0.0, 0.03), grid=grid, scheme=fp.Upwind(), stepper=fp.BackwardEuler(dt))
print(f"a1 = 0.3: largest N by hand {N.max():.10f}, by the library {sol.rate.max():.10f}")
assert np.allclose(N[1:], sol.rate[1 : len(N)], rtol=1e-9, atol=0.0)


def follow(b, a1, start, t_end):
    model = fp.nnlif(b=b, a0=a0, a1=a1)
    return fp.solve(model, start, (0.0, t_end), grid=model.grid(400, finest=1e-5), estimate_error=False)


t, _ = run(1.0, *given, dt, 0.03)
noisy = follow(b, 1.0, start, 0.06)
print(f"a1 = 1: N > 100 by hand at t = {t[-1]:.5f}, t* by the library: {noisy.blow_up.time:.5f}")
assert np.isclose(t[-1], noisy.blow_up.time, rtol=0.08)

# %% [markdown]
# ## The picture
#
# Beside the course of $N$ for some $a_1$, the height that it reaches for all of them, at three strengths of
# inhibition.

# %%
runs = {a1: follow(b, a1, start, 0.08) for a1 in (0.0, 0.15, 0.3, 0.45, 0.6)} | {1.0: noisy}
a1 = np.linspace(0.0, 1.6, 41)
axes, cells = {"b": [0.0, -1.0, -10.0], "a1": a1}, model.grid(300, finest=1e-4)
known = {"metrics": ["status", "peak"], "estimate_error": False, "workers": 1}
table = fp.sweep(model, axes, initial=start, t_span=(0.0, 0.2), grid=cells, **known)
peaks = np.where(np.asarray(table["status"]) == "finished", np.asarray(table["peak"]), np.nan)
latest = fp.blow_up_criterion(fp.nnlif(b=b, a0=a0, a1=1.0), start).latest_time

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(9.5, 4.0), layout="constrained", width_ratios=(1.2, 1))
for (strength, sol), width in zip(runs.items(), (1, 1.4, 1.8, 2.2, 2.6, 3.0), strict=True):
    ax.loglog(sol.t[1:], sol.rate[1:], color=COLOURS["rate"], lw=width)
    (x, y), turn = (sol.t[np.argmax(sol.rate)], sol.rate.max()), 90 if sol.blow_up else 0
    place = (x, 26.0) if turn else (0.82 * x, 1.06 * y)
    ax.text(*place, f"$a_1 = {strength:g}$ ", rotation=turn, ha="right" if turn else "center", fontsize=8)
ax.axvline(latest, color=COLOURS["bound"], lw=3, label="$T^*$ for $a_1 = 1$")
ax.set(xlabel="time $t$", ylabel="firing rate $N(t)$ for $b = -1$", xlim=(2e-3, 0.08), ylim=(0.1, 60))
ax.set_xticks([2e-3, 5e-3, 0.01, 0.02, 0.05], ["0.002", "0.005", "0.01", "0.02", "0.05"])
ax.minorticks_off()
ax.legend(loc="lower right", bbox_to_anchor=(0.9, 0.02))
for strength, peak, dashes in zip((0, -1, -10), peaks, (":", "-", "--"), strict=True):
    first = a1[np.isnan(peak)][0]
    beside.semilogy(a1, peak, color=COLOURS["rate"], ls=dashes, lw=2, label=f"$b = {strength}$")
    beside.axvline(first, color=COLOURS["rate"], ls=dashes, lw=1)
    beside.text(first + 0.015, 0.13, "blow-up", rotation=90, fontsize=8)
beside.set(xlabel="noise per spike $a_1$", ylabel="largest $N$", xlim=(0, 1.6), ylim=(0.1, 60))
beside.legend(loc="upper center")
plt.show()

# %% [markdown]
# The rate rises to 3.8 for $a_1 = 0.3$, and beyond every number for $a_1 = 0.6$. It is not the little more of noise
# that does it, but what it starts: a spike makes noise, noise carries others over the threshold, $a_1 s$ of them
# for each spike, they make noise. In all $1 + a_1 s + (a_1 s)^2 + \dots$, so that $N = a_0 s / (1 - a_1 s)$, and at
# $a_1 s = 1$ the sum is infinite. All this happens at once, at the threshold, while inhibition has yet to carry the
# density away.
#
# Ten times as much inhibition helps this start, up to $a_1 \approx 1.4$. Then one starts closer to $V_F$, and it
# does not help any more: see the last two cases below.

# %% [markdown]
# ## The theorem
#
# *Let $a_1 > 0$, with no input from outside and no delay. If
# $\mu\,(b + \mu a_1)\,M_\mu(0) \ge e^{\mu V_F} - e^{\mu V_R}$ for some $\mu > V_F/a_0$ with $b + \mu a_1 > 0$, the
# solution blows up no later than $T^* = (\mu V_F - \ln M_\mu(0))/(\mu(\mu a_0 - V_F))$. So for every $b$, however
# negative, there are starts that blow up.* (Carrillo, Perthame, Salort, Smets 2015.)

# %% tags=["theorem"]
close, closer = fp.compatible_gaussian(1.9, 2e-4), fp.compatible_gaussian(1.98, 1e-5)
for inhibition, strength, near in ((-1.0, 1.0, start), (-10.0, 0.6, close), (-100.0, 0.6, closer)):
    criterion = fp.blow_up_criterion(fp.nnlif(b=inhibition, a0=a0, a1=strength), near)
    sol, plain = (follow(inhibition, some, near, 1.1 * criterion.latest_time) for some in (strength, 0.0))
    print(f"b = {inhibition:g}: t* = {sol.blow_up.time:.2e}, T* = {criterion.latest_time:.2e}, ", end="")
    print(f"without a1 N reaches {plain.rate.max():.1f}")
    assert criterion.satisfied
    assert sol.blow_up.time <= criterion.latest_time
    assert plain.status is fp.Status.FINISHED

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Go through the proof of lesson 7, exercise 1, with $a(N) = a_0 + a_1 N$. Where does $a_1$ enter?
#    Show that for every $b$ and every $a_1 > 0$ there is a start for which the condition holds.
# 2. *On the computer.* At the blow-up of lesson 7 the slope at $V_F$ becomes infinite. Which value does it have
#    here when $N$ is about to be infinite? Look at `sol.final` for $b = -1$ and three values of $a_1$.
#
# Solutions: [solutions/09_noise_does_not_help.ipynb](solutions/09_noise_does_not_help.ipynb)
#
# ## An open challenge
#
# For $b = -1$ and this start there is a critical $a_1$, close to one half. Find it to four digits. How does the
# largest $N$ grow as $a_1$ comes close to it: like a logarithm, like a power? Is it the same power for $b = 0$,
# $-10$?
