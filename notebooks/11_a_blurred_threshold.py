# %% [markdown]
# # 11. A blurred threshold: spontaneous activity
#
# No real neuron has a threshold as sharp as a knife. Let a neuron above $V_F$ fire not at once but at the rate
# $1/\varepsilon$, so that $v$ runs over the whole line:
#
# $$\partial_t n + \partial_v\big((-v + bN)\,n\big) - a\,\partial_{vv} n + \frac{1}{\varepsilon}\,\mathbf 1_{v > V_F}\,n
# = \frac{R}{\tau}\,\delta(v - V_R), \qquad R' = N - \frac{R}{\tau}, \qquad
# N(t) = \frac{1}{\varepsilon}\int_{V_F}^\infty n\,\mathrm{d}v.$$
#
# There are never more than all the neurons above the threshold, so $N \le 1/\varepsilon$: whatever $b$ is, there is
# no blow-up. For the first time in this course we may follow a strongly excitatory network for as long as we like.

# %% [markdown]
# ## Predict first
#
# Take $b = 3$, a pause $\tau = 0.2$, and $\varepsilon = 0.02$. Nothing that acts on the network depends on time. It
# has exactly one steady state, with $N = 2.5$. What becomes of a population that starts quietly at rest: does it
# forget its start and settle at 2.5, as in lesson 4? Does the excitation drive it up to the bound
# $1/\varepsilon = 50$, to stay there?

# %% [markdown]
# ## By hand
#
# As nothing explodes, any program for ordinary differential equations will do: cells in $v$, the flux between them,
# and time is left to `solve_ivp`.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.integrate import solve_ivp

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, b, tau, eps = 1.0, 2.0, 1.0, 3.0, 0.2, 0.02


def network(epsilon):
    refractory, threshold = fp.ExponentialRefractory(tau), fp.RandomThreshold(epsilon)
    return fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F, refractory=refractory, threshold=threshold)


model, grid = network(eps), fp.Grid(np.linspace(-5.0, 6.0, 276), V_R, V_F)
start, t = fp.gaussian(mean=1.0, variance=0.1), np.linspace(0.0, 6.0, 6001)

# %% tags=["by-hand"]
v, h, between = grid.v, grid.v[1] - grid.v[0], grid.faces[1:-1]
hazard = (v > V_F) / eps
back = (np.abs(v - V_R) < h) / (2 * h)


def change(t, y):
    n, R = y[:-1], y[-1]
    N = h * hazard @ n
    flux = (b * N - between) * (n[1:] + n[:-1]) / 2 - a * np.diff(n) / h
    n_change = -np.diff(flux, prepend=0.0, append=0.0) / h - hazard * n + back * R / tau
    return np.append(n_change, N - R / tau)


def run(n, R):
    y = solve_ivp(change, (0.0, t[-1]), np.append(n, R), method="BDF", t_eval=t, rtol=1e-6, atol=1e-9).y
    return h * hazard @ y[:-1], y[-1], h * y[:-1].sum(axis=0)


N, R, listening = run(start.cell_averages(grid), 0.0)

# %% [markdown]
# ## The library agrees
#
# On the same cells. `fp.stationary_states` finds all steady states and the eigenvalue that decides about each: here
# its real part is positive. Who is displaced a little, moves away, spiralling.

# %%
sol = fp.solve(model, start, (0.0, t[-1]), grid=grid, scheme=fp.Central(), rtol=1e-6, estimate_error=False)
print(f"N({t[-1]:g}) by hand: {N[-1]:.6f}, by the library: {sol.rate[-1]:.6f}")
apart = np.abs(N - sol.rate_at(t)).max()
print(f"largest difference at any time: {apart:.1e}")
assert apart < 1e-3 * N.max()
(steady,) = fp.stationary_states(model)
print(f"steady state: N = {steady.rate:.6f}, eigenvalue {steady.eigenvalue:.3f}")

# %% [markdown]
# ## The picture
#
# A second run starts at the steady state, one neuron in a hundred taken from the density and put to wait. To the
# right, one pulse each for sharper and sharper thresholds.

# %%
nudged = 0.99 * steady.cell_averages(grid)
N_near, R_near, listening_near = run(nudged, 1.0 - h * nudged.sum())


def pulse(epsilon):  # the last whole one, and the time from its peak
    sharper = network(epsilon)
    cells = sharper.grid(300, v_min=-7.0, finest=3e-3)
    long = fp.solve(sharper, start, (0.0, 5.0), grid=cells, rtol=1e-4, estimate_error=False)
    times = np.linspace(2.5, 5.0, 25001)
    rate = long.rate_at(times)
    peaks = times[1:-1][(rate[1:-1] > rate[:-2]) & (rate[1:-1] > rate[2:]) & (rate[1:-1] > 0.5 * rate.max())]
    return times - peaks[-2], rate, np.diff(peaks)[-1]


sharpness = {0.02: "-", 0.01: "--", 0.005: ":"}
pulses = {epsilon: pulse(epsilon) for epsilon in sharpness}

# %% tags=["picture"]
fig, (ax, loop, peak) = plt.subplots(1, 3, figsize=(11.5, 3.9), layout="constrained")
ax.plot(t, N, color=COLOURS["rate"], label="$N$")
ax.plot(t, 10 * R, color=COLOURS["refractory"], lw=1, label="$10\\,R$")
ax.axhline(steady.rate, color="0.4", ls="--", lw=1, label="steady $N$")
ax.set(xlabel="time $t$", ylabel="firing rate $N(t)$", ylim=(0, 13), title="a rhythm from nowhere")
ax.legend(loc="upper left", ncols=3, columnspacing=1.0, handlelength=1.2)
loop.semilogy(R, N, color=COLOURS["rate"], lw=2.5, alpha=0.45, label="from rest")
loop.semilogy(R_near, N_near, color="black", ls="--", lw=1, label="from beside the steady state")
loop.plot(tau * steady.rate, steady.rate, "o", color="0.4", label="steady state")
loop.set(xlabel="share that waits, $R$", ylabel="firing rate $N$", xlim=(0, 0.8), ylim=(0.01, 60))
loop.set_title("two starts, one loop")
loop.legend(loc="lower right")
for epsilon, style in sharpness.items():
    since, rate, period = pulses[epsilon]
    peak.semilogy(since, rate, color=COLOURS["rate"], ls=style, label=rf"$\varepsilon$ = {epsilon:g}")
    peak.axhline(1 / epsilon, color=COLOURS["bound"], ls=style, lw=1)
peak.set(xlabel="time from the peak", ylabel="firing rate $N$", xlim=(-0.25, 0.35), ylim=(0.01, 500))
peak.set_title(r"green: the bounds $1/\varepsilon$")
peak.legend(loc="lower left")
plt.show()

# %% [markdown]
# Neither. The network beats by itself, about once per membrane time, without a clock anywhere. A volley starts when
# enough neurons have come near the threshold; each spike excites the others, and within a moment most of the
# population has fired and waits. Then nobody is left to be excited, $N$ falls, and they come back one by one and
# climb again. The rate stays far below its bound, and both starts end on the same loop in the plane of $R$ and $N$.
#
# To the right the threshold is sharpened. Each time $\varepsilon$ is halved the pulse becomes half as wide and twice
# as high, so that it always holds as many spikes: it is on the way to a spike of infinite height, and this is the
# blow-up of lesson 10. What lies behind it is the subject of lesson 13.

# %% [markdown]
# ## The theorem
#
# *With a random threshold $N(t) \le 1/\varepsilon$ for all times and every $b$; solutions are global* (Cáceres,
# Perthame 2014). That the network beats is seen, not proved: the steady state is unstable and the return map closes,
# that is, the pause $R$ at which $N$ rises through the steady rate is the same from one beat to the next.

# %% tags=["theorem"]
assert np.abs(listening + R - 1.0).max() < 1e-8
for rate, epsilon in ((N, eps), (N_near, eps), *((pulses[e][1], e) for e in sharpness)):
    assert rate.min() >= 0.0
    assert rate.max() <= 1.0 / epsilon


def returns(N, R):
    up = np.flatnonzero((N[:-1] < steady.rate) & (N[1:] >= steady.rate))
    share = (steady.rate - N[up]) / (N[up + 1] - N[up])
    return t[up] + share * t[1], R[up] + share * (R[up + 1] - R[up])


for rate, pool in ((N, R), (N_near, R_near)):
    times, section = returns(rate, pool)
    print("periods:", np.diff(times).round(4), "  R:", section.round(4))
    assert abs(section[-1] - section[-2]) < 1e-3
    assert abs(np.diff(times)[-1] - pulses[eps][2]) < 0.01 * pulses[eps][2]
assert steady.eigenvalue.real > 0.0

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Suppose the integral for $N$ had a minus sign, a slip easily made. Show from the balance of
#    $\int n + R$ that it must be plus. What is the sharper bound that comes with it?
# 2. *On the computer.* Take $b = 4$. With $\varepsilon = 0.1$ the steady state is stable, with $0.02$ it is not.
#    Where in between does the rhythm begin, and with what period? Predict both from the eigenvalue, and then look.
#
# Solutions: [solutions/11_a_blurred_threshold.ipynb](solutions/11_a_blurred_threshold.ipynb)
#
# ## An open challenge
#
# Prove that there is a periodic solution. Or, as a beginning: remove the voltage and find two or three equations for
# $R$, $N$ and one more quantity that beat like this one, with a loop of the same shape.
