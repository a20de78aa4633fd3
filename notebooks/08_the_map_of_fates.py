# %% [markdown]
# # 8. The map of fates
#
# Lesson 5 counted the steady states: one for $b \le V_F - V_R = 1$, two from there to $b \approx 2.1$, none beyond.
# Lesson 7 found starts that blow up. Put the two together and ask of each network, and of each start: does it come
# to rest, or does it blow up? One question at many points is a map.
#
# On its horizontal axis is $b$, on the vertical one the place $m$ around which the neurons start, $n(v, 0) \sim
# (V_F - v)\,e^{-(v - m)^2/0.1}$.

# %% [markdown]
# ## Predict first
#
# Take $b = 1.5$, with two steady states: $N \approx 0.19$ and $N \approx 2.29$. Start further and further up, with
# $m$ from $-1$ to $1.9$. Some starts will end at the lower state. Which share of the others ends at the upper
# state?
#
# And is there a $b$ from which on $m$ does not matter?

# %% [markdown]
# ## By hand
#
# The scheme of lessons 6 and 7, and a judge: *blow-up* if $N$ exceeds 100, *steady* if $N$ stands still from one
# step to the next. That will do for 25 points; a judge for 441 has to look more closely.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS, plot_fates

V_R, V_F, a = 1.0, 2.0, 1.0
start = fp.compatible_gaussian(mean=0.0, variance=0.05)
coarse = fp.Grid.uniform(-5.0, V_R, V_F, 280)
v, h = coarse.v, coarse.width[0]
back = (np.abs(v - V_R) < h) / (2 * h)


# %% tags=["by-hand"]
def fate(b, m):
    n = np.maximum(V_F - v, 0.0) * np.exp(-((v - m) ** 2) / 0.1)
    n, N, t = n / n.sum() / h, 0.0, 0.0
    while t < 40.0:
        dt = min(0.05, 0.02 / max(N, 1e-9))
        u = -(v + h / 2) + b * N
        right, left = np.maximum(u, 0) + a / h, np.maximum(-u, 0) + a / h
        right[-1], left[-1] = 2 * a / h, 0.0
        matrix = np.array([-np.roll(left, 1), h / dt + right + np.roll(left, 1), -right]) * dt / h
        x, y = solve_banded((1, 1), matrix, np.array([n, dt * back]).T).T
        before, N = N, 2 * a / h * x[-1] / (1 - 2 * a / h * y[-1])
        n, t = x + N * y, t + dt
        if N > 100.0:
            return "blow-up"
        if t > 1.0 and abs(N - before) < 1e-5 * N * dt:
            return "steady"
    return "?"


# %% [markdown]
# ## The library agrees
#
# `fp.sweep` makes the whole map, every point with steps of its own and the detector of lesson 7 as its judge. At
# every fifth point we ask our own.

# %%
b, m = np.linspace(-0.5, 3.7, 21), np.linspace(-1.0, 1.9, 21)
model = fp.nnlif(b=0.0)
grid = model.grid(300, v_min=-6.5, finest=1e-4)
axes = {"b": b, "initial.mean": m}
table = fp.sweep(model, axes, initial=start, t_span=(0.0, 40.0), grid=grid, estimate_error=False, workers=1)
status = np.asarray(table["status"])
by_hand = np.array([[fate(one, where) for where in m[::5]] for one in b[::5]])
print(by_hand.T[::-1])
assert np.array_equal(by_hand, status[::5, ::5])

# %% [markdown]
# ## The picture
#
# The certificate of lesson 7 for each place $m$, read the other way round: from which $b$ on does it promise a
# blow-up? And for $b = 1.5$ the watershed between the two fates, by bisection.

# %%
least = np.array([fp.certified_connectivity(model, fp.compatible_gaussian(where, 0.05)) for where in m])
certified = b[:, None] >= least


def follow(where):
    datum, high = fp.compatible_gaussian(where, 0.05), lambda state: state.rate > 100.0
    return fp.solve(fp.nnlif(b=1.5), datum, (0.0, 6.0), grid=grid, rtol=1e-4, stop_when=[high], estimate_error=False)


lower, upper = fp.stationary_states(fp.nnlif(b=1.5))
calm, wild = 1.2, 1.4
while wild - calm > 1e-5:
    middle = 0.5 * (calm + wild)
    calm, wild = (calm, middle) if follow(middle).rate[-1] > upper.rate else (middle, wild)

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained", width_ratios=(1.25, 1))
fig.get_layout_engine().set(wspace=0.06)
plot_fates(table, ax, certified=certified, labels=("connectivity $b$", "place of the start $m$"))
ax.axvline(1.5, color="black", ls=":", lw=1)
cases = {calm: ("-", f"$m = {calm:.5f}$"), wild: ("--", f"$m = {wild:.5f}$"), 0.0: (":", "$m = 0$")}
for where, (dashes, label) in cases.items():
    sol = follow(where)
    beside.semilogy(sol.t, sol.rate, color=COLOURS["rate"], ls=dashes, label=label)
beside.axhline(upper.rate, color="0.4", lw=1, ls="-.", label=f"steady, unstable: {upper.rate:.2f}")
beside.axhline(lower.rate, color="0.4", lw=1, label=f"steady, stable: {lower.rate:.2f}")
beside.set(xlabel="time $t$", ylabel="firing rate $N(t)$ for $b = 1.5$", xlim=(0, 6), ylim=(0.01, 100))
beside.legend(fontsize=8, loc="lower right")
plt.show()

# %% [markdown]
# None does. The upper state is unstable: starts on the watershed come to it and stay a while, then fall to the
# lower state or go up to infinity, and a difference in the fifth digit of $m$ decides which. One network, two
# fates.
#
# The left edge of the lower brown block is where the steady states cease to exist, $b \approx 2.1$. Beyond, no
# start has anywhere to rest, and $m$ only tells how long it takes. For $b < 1$ the one steady state is stable, and
# still some starts blow up: stable only means that it calls back those that are near. The certificate, hatched,
# sees the starts close to $V_F$. It is never wrong, but it knows little.

# %% [markdown]
# ## The theorem
#
# *Let the noise be constant, with no input from outside and no delay. For $b \le 0$ there is no blow-up. For every
# $b > 0$ there are starts that blow up, and for every start there is a $b$ from which on it blows up: all that fulfil
# the condition of lesson 7.* (Carrillo, González, Gualdani, Schonbek 2013; Cáceres, Carrillo, Perthame 2011, Theorem
# 2.2.) *For $b$ large enough all starts blow up.* (Roux, Salort 2021.)
#
# Without noise there is no blow-up at all if nothing comes from outside (exercise 1): what the map shows is the
# work of the noise.

# %% tags=["theorem"]
assert np.all(status[b <= 0.0] == "steady")
assert certified.any()
assert np.all(status[certified] == "blow-up")
(fold,) = fp.fold_points(model)
print(f"two steady states up to b = {fold.b:.4f}, none beyond")
assert np.all(status[b > fold.b] == "blow-up")
assert follow(calm).rate[-1] < upper.rate < follow(wild).rate[-1]

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Let $a = 0$ and no input from outside. Show that nobody ever fires, whatever $b$ is, unless neurons
#    start at $V_F$ itself.
# 2. *On the computer.* So noise is needed for a blow-up. Does more of it make it likelier or less likely? Take $b =
#    3$, start at $m = 0$, and sweep over $a_0$.
#
# Solutions: [solutions/08_the_map_of_fates.ipynb](solutions/08_the_map_of_fates.ipynb)
#
# ## An open challenge
#
# The watershed is a surface in the space of all densities, and $m$ is one way across it. Take another family of
# starts, say two heaps, and find two starts with the same mean and the same variance but different fates. Which
# number read off the start tells the fate best?
