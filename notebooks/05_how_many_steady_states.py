# %% [markdown]
# # 5. How many steady states?
#
# Let neurons hear each other: a spike of one moves all by $b$ over their number, so that a network which fires at the
# rate $N$ gives everybody the input $bN$. Tell a neuron that the network fires at $N$. It climbs from $V_R$ to $V_F$
# in a mean time $I(N)$, so its own rate, its *answer*, is $1/I(N)$. The network is in a steady state where it fires
# as it hears:
#
# $$N = \frac{1}{I(N)}, \qquad I(N) = \sqrt\pi \int_{x_R}^{x_F} \mathrm{erfcx}(-x)\,\mathrm{d}x, \qquad
# x_{R,F} = \frac{V_{R,F} - bN}{\sqrt{2a}}.$$
#
# Here $\mathrm{erfcx}(x) = e^{x^2}\,\mathrm{erfc}(x)$; the formula is the stationary Fokker–Planck equation,
# integrated twice, and $N\,I(N) = \int n\,\mathrm{d}v = 1$ says that everybody is somewhere.

# %% [markdown]
# ## Predict first
#
# Turn the connectivity up, from $b = 0$, where the network fires at $N = 0.12$, to $b = 4$.
#
# 1. Does the stationary rate grow steadily with $b$, does it grow to infinity at some $b$, or does something else
#    happen?
# 2. For which $b$ are there two steady states: never, for small, for large, or for middling $b$?

# %% [markdown]
# ## By hand
#
# Gauss's quadrature does the integral; a steady state is where $\log (N I(N))$ changes its sign. We look between
# $N = 0.01$ and $10$ (beyond, $\mathrm{erfcx}$ overflows for inhibitory networks).

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a = 1.0, 2.0, 1.0

# %% tags=["by-hand"]
nodes, weights = np.polynomial.legendre.leggauss(60)


def climb(N, b):
    x_R, x_F = (V_R - b * N) / np.sqrt(2 * a), (V_F - b * N) / np.sqrt(2 * a)
    x = x_R + (x_F - x_R) * (nodes + 1) / 2
    return np.sqrt(np.pi) * (x_F - x_R) / 2 * (weights @ erfcx(-x))


def steady_rates(b):
    def excess(N):
        return np.log(N * climb(N, b))

    trial = np.geomspace(0.01, 10.0, 400)
    sign = np.sign([excess(N) for N in trial])
    return [brentq(excess, trial[k], trial[k + 1], xtol=1e-13) for k in np.flatnonzero(np.diff(sign))]


# %% [markdown]
# ## The library agrees
#
# `fp.stationary_states` finds them all, however close to each other or far up, and tells which are stable.
# `fp.fold_points` gives the $b$ at which two of them merge.

# %%
model = fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F)
(fold,) = fp.fold_points(model)
print(f"two steady states merge at b = {fold.b:.6f}, where N = {fold.rate:.6f}")

connectivity, heard = np.arange(-15, 21) / 5, np.geomspace(0.03, 10.0, 300)
found = [steady_rates(b) for b in connectivity]
for b, rates in zip(connectivity, found, strict=True):
    states = fp.stationary_states(fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F))
    assert len(states) == len(rates)
    assert np.allclose([state.rate for state in states], rates, rtol=1e-10)

# %% [markdown]
# ## The picture
#
# Left: what neurons answer (red) to a network that fires at $N$, for six $b$ (the numbers); steady states are where
# they say what they hear (black). A full dot is stable, an open one is not, and a square is where two merge. Right:
# the steady states for all $b$, dashed where they are unstable; the small dots are ours.

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(9.5, 4.4), sharey=True, layout="constrained")
ax.loglog(heard, heard, color="black", lw=1)
ax.plot(fold.rate, fold.rate, "ks", mfc="0.8", zorder=3)
for b in (-3.0, 0.0, 1.0, 1.5, fold.b, 4.0):
    answer = np.array([1 / climb(N, b) for N in heard])
    ax.loglog(heard, answer, color=COLOURS["rate"], lw=1.2)
    rates, k = steady_rates(b), np.flatnonzero((answer > 0.04) & (heard < 0.9))[-1]
    ax.plot(rates[:1], rates[:1], "o", color=COLOURS["rate"])
    ax.plot(rates[1:], rates[1:], "o", color=COLOURS["rate"], mfc="white")
    ax.text(heard[k], answer[k], f"${b:.2g}$", ha="center", va="center", bbox={"fc": "white", "ec": "none", "pad": 0})
ax.set(xlabel="what they hear: $N$", ylabel="what they answer: $1/I(N)$", xlim=(0.03, 10), ylim=(0.03, 10))
for rate, style in ((np.geomspace(0.03, fold.rate), "-"), (np.geomspace(fold.rate, 10), "--")):
    beside.plot(*fp.bifurcation_curve(model, rate), style, color=COLOURS["rate"])
beside.plot(fold.b, fold.rate, "ks", mfc="0.8", zorder=3)
beside.plot(np.repeat(connectivity, [len(rates) for rates in found]), np.concatenate(found), "k.", ms=4)
beside.vlines([V_F - V_R, fold.b], *ax.get_ylim(), color=COLOURS["reset"], ls=":")
for b, count in ((-1.0, "one"), (1.75, "two"), (3.1, "none")):
    beside.text(b, 5.0, count, ha="center", fontsize="large")
beside.set(xlabel="connectivity $b$", ylabel="steady rate $N$", xlim=(-3.1, 4.1))
plt.show()

# %% [markdown]
# The rate grows with $b$, but neither for ever nor to infinity: at $b = 2.1$, while it is a modest 0.42, the steady
# state meets a twin and both are gone. Beyond, whatever the network hears, it answers more, and no rate can be kept
# (lesson 7 tells what happens instead). The twin comes down from infinity at $b = V_F - V_R$, and one can see why:
# when so many spikes arrive that leak and noise no longer matter, each neuron receives $bN$ and pays $V_F - V_R$ for
# each spike, so it answers $bN/(V_F - V_R)$. For $b < V_F - V_R$ that is less than it hears. There are two states for
# middling $b$ only. How far this picture holds for other networks the theorem says: one thing in it depends on where
# the reset lies.

# %% [markdown]
# ## The theorem
#
# *With constant noise and no pause there is exactly one steady state for $b \le 0$, at least one for
# $0 < b < V_F - V_R$, and none if $b$ is large* (Cáceres, Carrillo, Perthame 2011). *If $V_R + V_F > 0$, that is, if
# the reset is not too low, there is exactly one for $0 < b \le V_F - V_R$ too, and for larger $b$ there are two, one
# where these two merge, or none.* This follows from Descartes' rule of signs for Laplace transforms (Karlin 1968):
# $I(N) = \int_0^\infty e^{-bN\sigma}\,\psi(\sigma)\,\mathrm{d}\sigma$ with
# $\psi = e^{-a\sigma^2/2}\,(e^{\sigma V_F} - e^{\sigma V_R})/\sigma$, which starts at $V_F - V_R$ and, under this
# condition, rises once and falls once. Without it there may be three states: see the last network below.

# %% tags=["theorem"]
counts = np.array([len(rates) for rates in found])
expected = np.where(connectivity <= V_F - V_R, 1, np.where(connectivity < fold.b, 2, 0))
assert np.array_equal(counts, expected)
low, high = fp.stationary_states(fp.nnlif(b=1.5, a0=a, V_R=V_R, V_F=V_F))
print(f"b = 1.5: a small disturbance of N = {low.rate:.4f} grows like exp({low.growth_rate:.3f} t),")
print(f"         and one of N = {high.rate:.4f} like exp({high.growth_rate:.3f} t)")
assert low.growth_rate < 0 < high.growth_rate
deep = fp.stationary_states(fp.nnlif(b=2.7, a0=0.1, V_R=-2.0, V_F=1.0))
print("V_R = -2, V_F = 1, a = 0.1, b = 2.7:", ", ".join(f"N = {state.rate:.4f}" for state in deep))
assert len(deep) == 3

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Show that $I$ does not decrease with $N$ if $b \le 0$, and count. Show that $N\,I(N)$ tends to
#    $(V_F - V_R)/b$ as $N \to \infty$ if $b > 0$, and find at least one steady state for $b < V_F - V_R$. (For
#    $x \to \infty$, $\mathrm{erfcx}(x) \approx 1/(\sqrt\pi\,x)$.)
# 2. *On the computer.* A neuron that has fired is silent for a time $\tau$, so that its answer is $1/(\tau + I)$. How
#    many steady states are there now, for $\tau = 0.025$ and $0.2$? From which $\tau$ on is there one only, whatever
#    $b$?
#
# Solutions:
# [solutions/05_how_many_steady_states.ipynb](solutions/05_how_many_steady_states.ipynb)
#
# ## An open challenge
#
# Spikes that arrive at random times bring noise along: $a = a_0 + a_1 N$. Map the number of steady states over $b$
# and $a_1$. Is there an inhibitory network ($b < 0$) with three of them, and which of the three do runs end in?
