# %% [markdown]
# # 12. Learning: what a network can represent and tell apart
#
# Now the neurons differ. Each has a synaptic weight $w \le 0$ with which it hears the activity $\bar N$ of all, so
# that every synapse inhibits, and it receives its part $I(w)$ of a signal. If the weights change slowly, the neurons
# of each weight are in equilibrium with their input, and fire at the rate
#
# $$N(w) = \frac{C(w)}{T\big(I(w) + w \bar N\big)}, \qquad \bar N = \int N\,\mathrm{d}w,
# \qquad T(c) = \sqrt\pi \int_{x_R}^{x_F} \operatorname{erfcx}(-x)\,\mathrm{d}x,
# \quad x_i = \frac{V_i - c}{\sqrt{2a}},$$
#
# where $C(w)$, the *connectivity*, says how many have the weight $w$, and $T(c)$ is the mean time from reset to spike
# under the input $c$. The signal goes in as $I(w)$, the answer comes out as $N(w)$; what the network knows, sits in
# $C$.

# %% [markdown]
# ## Predict first
#
# All that a neuron learns of the others is one number, $\bar N$. Can the answer to the signal $I = 1$ have any shape
# one likes, say the skyline of a town?
#
# And suppose that another signal $J$ is stronger here and there. It excites some neurons, and these inhibit all the
# others more. Can the feedback be so good that both signals have the same answer?

# %% [markdown]
# ## By hand
#
# The mean time by Gauss's quadrature, a connectivity of mass 1 for an answer that is wanted up to its size, and the
# answer of a connectivity to a signal.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import brentq
from scipy.special import erfcx

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a = 1.0, 2.0, 1.0
skyline = np.repeat([0, 2, 5, 3, 3, 7, 4, 6, 6, 2, 8, 1, 4, 3, 0], 4)
lanes = len(skyline)
w, dw = (np.arange(lanes) + 0.5) / lanes - 1.0, 1.0 / lanes
nodes, weights = np.polynomial.legendre.leggauss(40)


# %% tags=["by-hand"]
def T(c):  # the mean time from V_R to V_F, for an array of inputs
    width = (V_F - V_R) / np.sqrt(2 * a)
    x = (V_R - c[:, None]) / np.sqrt(2 * a) + width * (1 + nodes) / 2
    return np.sqrt(np.pi) * width / 2 * erfcx(-x) @ weights


def represent(I, wanted):  # C of mass 1 with N = scale * wanted
    def C_of(scale):
        N = scale * wanted
        return N * T(I + w * N.sum() * dw)

    scale = brentq(lambda scale: C_of(scale).sum() * dw - 1, 0.0, 10.0)
    return C_of(scale), scale * wanted


def answer(I, C):
    total = brentq(lambda total: (C / T(I + w * total)).sum() * dw - total, 0.0, 10.0)
    return C / T(I + w * total)


# %% [markdown]
# ## The library agrees
#
# It finds the same connectivity, and no other. Then the equation itself, a density in $v$ for each weight, with this
# connectivity and weights that stand still: what does it put out in the end?

# %%
I = np.ones(lanes)


def stronger(w):
    return 1.0 + 0.8 * np.exp(-(((w + 0.3) / 0.15) ** 2))


J = stronger(w)
C, N_I = represent(I, skyline)
model = fp.learning((-1.0, 0.0), lanes=lanes, signal=1.0, speed=0.0, a0=a, V_R=V_R, V_F=V_F)
(found,) = fp.representing_connectivity(model, skyline)
start = fp.connectivity(C, fp.compatible_gaussian(0.0, 0.25))
sol = fp.solve(model, start, (0.0, 12.0), scheme=fp.Spectral(1e-4), rtol=1e-5, save_at=[], estimate_error=False)
print(f"total rate by hand: {N_I.sum() * dw:.9f}, in theory: {found.total:.9f}, ", end="")
print(f"by the equation: {model.total_rate(sol.final.rate):.9f}")
assert np.allclose(C, found.C, rtol=1e-10)
assert np.abs(sol.final.rate - N_I).max() < 1e-6 * N_I.max()

# %% [markdown]
# ## The picture
#
# To the right 150 pairs of random signals, each given to a random connectivity: how far apart are the signals, and
# how far the answers?

# %%
random = np.random.default_rng(2017)


def slope(c):  # of the rate 1/T
    rise = np.subtract(*(erfcx((c - V) / np.sqrt(2 * a)) for V in (V_F, V_R))) * np.sqrt(np.pi / (2 * a))
    return rise / T(c) ** 2


def sides(I, J, C):  # of the inequality, with the constant of its proof
    answers = [answer(signal, C) for signal in (I, J)]
    inputs = np.concatenate([s + w * N.sum() * dw for s, N in zip((I, J), answers, strict=True)])
    rho = slope(np.linspace(inputs.min(), inputs.max(), 50)).min()
    c = 1 / (1 / rho + (C * np.abs(w)).sum() * dw)
    return c * (C * np.abs(I - J)).sum() * dw, np.abs(answers[0] - answers[1]).sum() * dw


# %%
def random_signal(size):
    return size * np.interp(w, np.linspace(-1.0, 0.0, 6), random.normal(size=6))


pairs = []
for _ in range(150):
    one, crowd = 1.0 + random_signal(0.7), random.uniform(size=lanes) ** random.integers(1, 6)
    pairs.append(sides(one, one + random_signal(10.0 ** random.uniform(-3.0, 0.0)), crowd / (crowd.sum() * dw)))
bounds, outputs = np.transpose(pairs)
N_J = answer(J, C)

# %% tags=["picture"]
fig, axes = plt.subplot_mosaic("ac;bc", figsize=(10, 4.6), layout="constrained", height_ratios=[2, 3])
top, out, pair = axes["a"], axes["b"], axes["c"]
edges = np.linspace(-1.0, 0.0, lanes + 1)
top.stairs(C, edges, fill=True, color=COLOURS["density"], alpha=0.5)
top.set(ylim=(0, 1.5 * C.max()), ylabel="connectivity $C$")
signals = top.twinx()
signals.plot(w, I, "k-", label="signal $I$")
signals.plot(w, J, "k--", label="signal $J$")
signals.set(ylim=(0, 2.8), ylabel="signal")
signals.legend(loc="upper left", ncols=2)
out.stairs(skyline * N_I.max() / skyline.max(), edges, fill=True, color="0.85", label="wanted")
out.stairs(sol.final.rate, edges, color=COLOURS["rate"], lw=1.5, label="answer to $I$")
out.stairs(N_J, edges, color=COLOURS["rate"], ls="--", lw=1.5, label="answer to $J$")
out.set(xlabel="weight $w$", ylabel="rate $N(w)$", ylim=(0, 1.5 * N_J.max()))
out.legend(loc="upper left", ncols=3)
pair.loglog(bounds, outputs, ".", color=COLOURS["rate"])
pair.axline((1e-4, 1e-4), (1.0, 1.0), color=COLOURS["bound"])
pair.set(xlabel=r"$c \int C\,|I - J|\,dw$", ylabel=r"$\int |N_I - N_J|\,dw$")
pair.set_title("no pair below the line")
plt.show()

# %% [markdown]
# The skyline comes out, tower by tower. The formula says why: for whatever $N(w)$ one wants, everything but $C$ is
# then known, and $C = N\,T(I + w\bar N)$ is the connectivity. Only the size of the answer cannot be chosen, since $C$
# has to have mass 1. And no feedback makes two signals look the same: all pairs lie above the line.

# %% [markdown]
# ## The theorem
#
# *For every signal and every $N(w) \ge 0$ on $w \le 0$ there is exactly one scale at which it is the answer of a
# connectivity of mass 1 (representation). For two signals and one connectivity
# $\int |N_I - N_J|\,\mathrm{d}w \ge c \int C\,|I - J|\,\mathrm{d}w$ with some $c > 0$ (discrimination).* (Perthame,
# Salort, Wainrib 2017; here with $1/c = 1/\rho + \int C|w|\,\mathrm{d}w$, $\rho$ the smallest slope of the rate $1/T$
# over the inputs that occur.)

# %% tags=["theorem"]
assert np.allclose(answer(I, C), N_I, rtol=1e-10)
assert abs(C.sum() * dw - 1.0) < 1e-12
assert np.all(outputs >= bounds)
other = fp.learning((-1.0, 0.0), lanes=lanes, signal=stronger, speed=0.0, a0=a, V_R=V_R, V_F=V_F)
apart = fp.discrimination(model, other, C)
bound, output = sides(I, J, C)
print(f"answers apart by {output:.6f}, by the library {apart.outputs:.6f}; at least {bound:.6f}")
assert apart.holds
assert abs(output / apart.outputs - 1.0) < 1e-9
assert abs(bound / (apart.constant * apart.signals) - 1.0) < 0.05

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Prove the inequality. (Compare $N_I/C$ with $N_J/C$ at each $w$, and then integrate.) And where would
#    your proof of the existence of exactly one scale fail if weights were positive?
# 2. *On the computer.* Where does $C$ come from? By Hebb's rule, who fires together, wires together: weights move by
#    $w' = \varepsilon\,(K N(w) \bar N - w)$ with $K = -1$. In the end $w = K N \bar N$ wherever there are neurons,
#    which are the weights between some $w^*$ and 0. Find $w^*$ and $\bar N$ for $I = 1$ from two equations, and
#    compare with `fp.learned_connectivity`.
#
# Solutions: [solutions/12_learning.ipynb](solutions/12_learning.ipynb)
#
# ## An open challenge
#
# Let the network learn the signal $I$ by Hebb's rule, freeze the weights, and give it $J$. How well can one read from
# the answer that it was $J$ and not $I$, if the rates are counts of finitely many spikes?
