# %% [markdown]
# # 10. A pause is not enough
#
# After a spike a real neuron is deaf for a while. Let those that fired wait in a *refractory state* $R(t)$, from
# which they come back to $V_R$ after a time $\tau$ on average:
#
# $$\partial_t n + \partial_v\big((-v + bN)\,n\big) - a\,\partial_{vv} n = \frac{R}{\tau}\,\delta(v - V_R),
# \qquad R'(t) = N - \frac{R}{\tau}, \qquad \int n\,\mathrm{d}v + R = 1.$$
#
# This tames the network in several ways. Who waits hears nothing, so there are fewer and fewer whom a spike can
# excite. On average nobody can fire more often than once per $\tau$. And there is always somewhere to go to: while
# with $b = 3$ and no pause there is no steady state at all (lesson 5), with a pause there is one for every $b$.

# %% [markdown]
# ## Predict first
#
# The connectivity is $b = 3$, and all neurons start close below the threshold, where lesson 7 saw the rate explode.
# How long must the pause be so that it does not? A tenth of the membrane's time constant, one, ten? And does a longer
# pause at least put the blow-up off?

# %% [markdown]
# ## By hand
#
# The matrices of lesson 2 with one more row and column for $R$: what fires goes there, what leaves it comes back at
# $V_R$. The activity enters the drift, so that there are two of them: $y' = (A + bN B)\,y$. A step of backward Euler
# takes $N$ in the drift from the step before.

# %%
import matplotlib.pyplot as plt
import numpy as np
from scipy.sparse import csc_matrix, identity
from scipy.sparse.linalg import spsolve

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, b, tau = 1.0, 2.0, 1.0, 3.0, 0.2
model = fp.nnlif(b=b, a0=a, V_R=V_R, V_F=V_F, refractory=fp.ExponentialRefractory(tau))
grid = model.grid(250, v_min=-0.5)
start, dt, t_end = fp.gaussian(mean=1.5, variance=0.005), 4e-5, 0.0226

# %% tags=["by-hand"]
x, h = np.append(grid.v, V_F), grid.v[1] - grid.v[0]  # the centres of the cells and the threshold
n_at = np.vstack([np.eye(grid.cells), np.zeros(grid.cells)])
mean, gap = (n_at[1:] + n_at[:-1]) / 2, np.diff(x)[:, None]
F = -(x[1:] + x[:-1])[:, None] / 2 * mean - a * np.diff(n_at, axis=0) / gap  # through each face, if N = 0
back = (np.abs(grid.v - V_R) < h)[:, None] / (2 * h)


def network(flux, rate):  # of the state (n, R), given the flux and the rate at which the pause ends
    leaves = -np.diff(flux, axis=0, prepend=0.0) / h
    return csc_matrix(np.block([[leaves, rate * back], [flux[-1:], np.full((1, 1), -rate)]]))


A, B = network(F, 1 / tau), network(mean, 0.0)
y, N, history = np.append(start.cell_averages(grid), 0.0), 0.0, []
for _ in range(round(t_end / dt)):
    y = spsolve(identity(len(y), format="csc") - dt * (A + b * N * B), y)
    N = F[-1] @ y[:-1] + b * N * (mean[-1] @ y[:-1])
    history.append((h * y[:-1].sum(), y[-1], N))
n, R, N = np.transpose(history)

# %% [markdown]
# ## The library agrees
#
# The same cells and steps first; then the library by its own choice of both, which follows the rate to its end.

# %%
same = {"grid": grid, "scheme": fp.Central(), "stepper": fp.BackwardEuler(dt), "estimate_error": False}
sol = fp.solve(model, start, (0.0, t_end), **same)
print(f"by hand N({t_end}) = {N[-1]:.9f} and R = {R[-1]:.9f}")
print(f"library N({t_end}) = {sol.rate[-1]:.9f} and R = {sol.refractory[-1]:.9f}")
assert np.allclose(N[1:], sol.rate[2:], rtol=1e-8, atol=0.0)
assert np.allclose(R, sol.refractory[1:], atol=1e-10)
to_the_end = fp.solve(model, start, (0.0, 1.0), rtol=1e-4)
print(to_the_end.message)
print(f"by then a share of {to_the_end.fired[-1]:.4f} has fired, and R = {to_the_end.refractory[-1]:.4f}")

# %% [markdown]
# ## The picture
#
# To the left what is written by hand. To the right the time of the blow-up against the length of the pause, for this
# start and for one that is far from the threshold.

# %%
pauses, far = np.geomspace(0.02, 5.0, 13), fp.gaussian(mean=-1.0, variance=0.5)


def blow_up_time(start, pause):
    paused = fp.nnlif(b=b, refractory=fp.ExponentialRefractory(pause))
    cells = paused.grid(300, v_min=-7.0, finest=3e-4)
    end = fp.solve(paused, start, (0.0, 20.0), grid=cells, rtol=1e-4, estimate_error=False)
    return end.blow_up.time if end.status is fp.Status.BLOW_UP else np.nan


near_times, far_times = ([blow_up_time(datum, pause) for pause in pauses] for datum in (start, far))
spared = np.isnan(far_times)
t, t_star = dt * np.arange(1, len(N) + 1), near_times[0]
latest = fp.blow_up_criterion(model, start).latest_time

# %% tags=["picture"]
fig, (ax, beside) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
ax.stackplot(t, n, R, colors=[COLOURS["density"], COLOURS["refractory"]], alpha=0.5)
ax.set(xlabel="time $t$", ylabel="share of the neurons", xlim=(0, 0.0245), ylim=(0, 1.05))
ax.axvline(t_star, color="black", ls=":")
ax.annotate("waiting, $R$", (t[-10], n[-1] + 0.7 * R[-1]), (0.009, 0.86), arrowprops={"arrowstyle": "->"})
ax.text(0.0015, 0.55, r"listening, $\int n\,dv$")
ax.text(t_star, 0.2, "$t^*$ ", ha="right")
rate = ax.twinx()
rate.semilogy(t, N, color=COLOURS["rate"], lw=2.5)
rate.set(ylim=(0.01, 300))
rate.set_ylabel("firing rate $N(t)$", color=COLOURS["rate"])
beside.loglog(pauses, far_times, "s--", color=COLOURS["rate"], ms=5, label="far start")
beside.loglog(pauses[spared], np.full(sum(spared), 550.0), "x", color="0.4")
beside.text(0.8 * pauses[spared][0], 550.0, "far start, no blow-up:", ha="right", va="center", color="0.3")
beside.axhline(latest, color=COLOURS["bound"], lw=2, label="near start: the theorem's latest time")
beside.loglog(pauses, near_times, "o-", color=COLOURS["rate"], ms=5, label="near start")
beside.set(xlabel=r"mean pause $\tau$", ylabel="time of the blow-up $t^*$", ylim=(0.01, 1000))
beside.legend(loc="upper left", bbox_to_anchor=(0.0, 0.9))
plt.show()

# %% [markdown]
# No pause is long enough, and a longer one does not even put the blow-up off: in the right picture the lower line is
# flat. The left one says why. At $t^*$ only one neuron in sixteen has fired yet, and it takes no more: the others are
# still there to be excited, all of them close to the threshold. What those that fired do afterwards, and when they
# come back, happens too late to matter.
#
# The pause does help the network that starts far away. It takes some time until its neurons get to the threshold, by
# then a good part of them may be waiting, and from some $\tau$ on it calms down to the steady state.

# %% [markdown]
# ## The theorem
#
# *If $b > 0$ (constant noise, no input from outside, no delay) and $\mu\,b\,M_\mu(0) \ge e^{\mu V_F}$ for some
# $\mu > V_F/a$, with $M_\mu = \int n\,e^{\mu v}\,\mathrm{d}v$, the solution blows up no later than
# $T^* = (\mu V_F - \ln M_\mu(0)) / (\mu(\mu a - V_F))$, with whatever $\tau$ the neurons pause.* (Cáceres, Perthame
# 2014; the constants as in lesson 7.) The condition has lost the term $e^{\mu V_R}$ of lesson 7; exercise 1 tells
# why.

# %% tags=["theorem"]
assert np.abs(n + R - 1.0).max() < 1e-12
for pause in pauses:
    criterion = fp.blow_up_criterion(fp.nnlif(b=b, refractory=fp.ExponentialRefractory(pause)), start)
    assert criterion.satisfied
    assert criterion.latest_time == latest
assert max(near_times) < latest
assert np.ptp(near_times) < 1e-5 * t_star
assert spared.any()
assert not spared.all()

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Derive the inequality for $M_\mu(t)$ that lesson 7 used, now with the pause. Why does its latest time
#    not depend on $\tau$? Which term is lost, and what did it do in lesson 7?
# 2. *On the computer.* Which pause is long enough for the far start? Find the smallest $\tau$ to two digits, and
#    check that it does not depend on the grid.
#
# Solutions: [solutions/10_a_pause_is_not_enough.ipynb](solutions/10_a_pause_is_not_enough.ipynb)
#
# ## An open challenge
#
# At $t^*$ one neuron in sixteen has fired. How small can this share be made by the choice of the start and of $b$,
# and how large can it be if $b$ is the smallest with which the start still blows up?
