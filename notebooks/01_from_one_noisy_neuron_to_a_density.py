# %% [markdown]
# # 1. From one noisy neuron to a density
#
# A neuron forgets, is driven, and is shaken by noise; when it reaches the threshold $V_F$ it fires and starts again
# at $V_R$:
#
# $$\mathrm{d}V = (-V + I)\,\mathrm{d}t + \sqrt{2a}\,\mathrm{d}W, \qquad V(t^-) = V_F \;\Rightarrow\; V(t) = V_R.$$
#
# No two of them ever do the same. Yet the share of neurons near a potential $v$ at the time $t$, their density
# $n(v, t)$, is as predictable as the spreading of heat. Let $\varphi$ be any smooth function. By Itô's rule, and
# because each spike takes $\varphi(V)$ from $\varphi(V_F)$ to $\varphi(V_R)$,
#
# $$\frac{\mathrm{d}}{\mathrm{d}t} \int \varphi\,n\,\mathrm{d}v
#   = \int \big[(I - v)\,\varphi' + a\,\varphi''\big]\,n\,\mathrm{d}v + N(t)\,\big[\varphi(V_R) - \varphi(V_F)\big],$$
#
# where $N(t)$ counts the spikes per neuron and unit of time. Integrate by parts, and this says
#
# $$\partial_t n + \partial_v[(I - v)\,n] - a\,\partial_{vv} n = N(t)\,\delta(v - V_R), \qquad n(V_F, t) = 0,
# \qquad N(t) = -a\,\partial_v n(V_F, t).$$

# %% [markdown]
# ## Predict first
#
# Take a pencil. All neurons run into $V_F$, and all of them come back at one and the same point $V_R$.
#
# 1. Draw $n$ between $V_R$ and $V_F$. Is there a heap of neurons waiting at $V_F$? Is there a peak at $V_R$?
# 2. A histogram of 100 neurons is wrong by about a third (so much is the area between it and the curve). How many
#    neurons does it take until it is wrong by one per cent?

# %% [markdown]
# ## By hand
#
# Euler–Maruyama: in each step every neuron drifts and gets a normal random number (all times are in units of the
# membrane's time constant). One thing must not be overlooked: a path that is below $V_F$ at both ends of a step may
# have been above it in between. For a Brownian path the probability is known,
# $\exp(-(V_F - x)(V_F - y)/(a\,\Delta t))$ from $x$ to $y$, and if $y > V_F$ the same formula gives more than 1: the
# neuron fires for sure.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, I = 1.0, 2.0, 1.0, 1.5
M, t_end, steps = 100_000, 1.5, 300
rng = np.random.default_rng(1)

# %% tags=["by-hand"]
dt = t_end / steps
V, fired = rng.normal(0.0, 0.5, size=M), np.zeros(M)
path, marks = [V[:20].copy()], []

for k in range(steps):
    new = V + (I - V) * dt + np.sqrt(2 * a * dt) * rng.normal(size=M)
    fires = rng.random(M) < np.exp(-(V_F - V) * (V_F - new) / (a * dt))
    V = np.where(fires, V_R, new)
    fired += fires
    path.append(V[:20].copy())
    marks += [(k + 1) * dt] * fires[:20].sum()

# %% [markdown]
# ## The library agrees
#
# `fp.simulate` moves neurons, `fp.solve` moves their density; both take the same model. A histogram is to be compared
# with the averages of the density over its bins: we solve on cells that are eight times finer, and merge them thrice.

# %%
model, start = fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F, external=I), fp.gaussian(mean=0.0, variance=0.25)
bins = model.grid(40, v_min=-3.7)
sol = fp.solve(model, start, (0.0, t_end), grid=bins.refined().refined().refined())
n = sol.final.coarsened().coarsened().coarsened().density
particles = fp.simulate(model, M, start, (0.0, t_end), bins=bins, save_at=[t_end])


def histogram(potentials):
    return np.histogram(potentials, bins.faces)[0] / len(potentials) / bins.width


def distance(density):
    return np.abs(density - n) @ bins.width


# %% [markdown]
# Two ways to be wrong must be allowed for: chance, which leaves a distance of $\sqrt{K/M}$ on $K$ bins (see below)
# with a spread of about $1/\sqrt M$, and the step, since a neuron that fires goes on from $V_R$ only when the step is
# over.

# %%
by_hand, spikes = distance(histogram(V)), np.trapezoid(sol.rate, sol.t)
print(f"distance to the density: {by_hand:.4f} by hand, {distance(particles.density[-1]):.4f} for fp.simulate")
print(f"spikes per neuron: {fired.mean():.4f} by hand, {particles.fired[-1]:.4f} fp.simulate, {spikes:.4f} fp.solve")
chance = (np.sqrt(bins.cells) + 4) / np.sqrt(M)
assert by_hand < chance + dt
assert distance(particles.density[-1]) < chance
assert abs(fired.mean() - spikes) < 4 * np.sqrt(spikes / M) + dt

# %% [markdown]
# ## The picture

# %% tags=["picture"]
fig, (ax, *beside) = plt.subplots(
    1, 4, figsize=(9.5, 3.8), sharey=True, width_ratios=(2, 1, 1, 1), layout="constrained"
)
t, path, often = np.linspace(0.0, t_end, steps + 1), np.array(path), np.argmax(fired[:20])
ax.plot(t, path, color=COLOURS["density"], lw=0.4, alpha=0.5)
ax.plot(t, path[:, often], color=COLOURS["density"], lw=1.3)
ax.plot(marks, np.full(len(marks), V_F), "|", color=COLOURS["rate"], ms=12, mew=1.5)
ax.text(0.03, V_F + 0.22, "$V_F$; red: spikes")
ax.text(0.03, V_R + 0.12, "$V_R$")
ax.set(xlabel="time $t$", ylabel="potential $v$", title="20 neurons", xlim=(0, t_end), ylim=(-2.5, 2.5))
for panel, count in zip(beside, (100, 10_000, 100_000), strict=True):
    seen = histogram(V[:count])
    panel.stairs(seen, bins.faces, orientation="horizontal", fill=True, color=COLOURS["density"], alpha=0.35)
    panel.plot(sol.final.density, sol.v, color=COLOURS["density"])
    panel.set(xlabel="density", title=f"{count:,} neurons", xlim=(0, 1))
    panel.text(0.95, -2.2, f"distance {distance(seen):.3f}", ha="right")
for panel in (ax, *beside):
    panel.axhline(V_F, color=COLOURS["threshold"], ls="--", lw=1)
    panel.axhline(V_R, color=COLOURS["reset"], lw=1)
plt.show()

# %% [markdown]
# Nobody waits at $V_F$ (dashed): whoever is close to it is shaken over it at once, so that the density is *zero*
# there, and only its slope says how many fire. Nor is there a peak at $V_R$ (grey): those who come back are shaken
# away as fast as they arrive, and all that is left of the reset is a kink. Ten times closer takes a hundred times as
# many neurons: for one per cent, some hundred thousand.

# %% [markdown]
# ## The theorem
#
# *The law of one neuron solves the Fokker–Planck equation, and the histogram of $M$ independent neurons on $K$ bins
# is in the mean at a distance of at most $\sqrt{K/M}$ from it.* For the equation see Cáceres, Carrillo and Perthame
# (2011, section 1). The distance: a bin of probability $p_k$ has a binomial count, so its share is wrong by at most
# $\sqrt{p_k/M}$ in the mean, and by Cauchy and Schwarz $\sum_k \sqrt{p_k} \le \sqrt K$. We cut the neurons into
# groups of $m$ to have means.

# %% tags=["theorem"]
sizes = np.array([100, 1000, 10_000, 100_000])
distances = np.array([np.mean([distance(histogram(group)) for group in V.reshape(-1, m)]) for m in sizes])
slope = np.polyfit(np.log(sizes), np.log(distances), 1)[0]
print(f"mean distances {distances.round(4)}, that is M to the power {slope:.3f}")
assert np.all(distances <= np.sqrt(bins.cells / sizes))
assert abs(slope + 0.5) < 0.05

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Do the integration by parts, with $n$ smooth on either side of $V_R$ and continuous there. Which
#    terms are left at $V_R$ and $V_F$, and by how much must the slope of $n$ jump at $V_R$?
# 2. *On the computer.* Forget what happens between two steps and let neurons fire only if they end above $V_F$
#    (`fp.simulate(..., bridge=False)`). Show that no number of neurons repairs this, and find the order in
#    $\Delta t$.
#
# Solutions:
# [solutions/01_from_one_noisy_neuron_to_a_density.ipynb](solutions/01_from_one_noisy_neuron_to_a_density.ipynb)
#
# ## An open challenge
#
# Couple the neurons: every spike moves all others by $b/M$. They are no longer independent. Does the distance still
# fall like $M^{-1/2}$, with which factor, and what becomes of that factor when $b$ comes near the value at which the
# stationary state is lost (lesson 5)?
