# %% [markdown]
# # Solutions to lesson 7: blow-up, with a certificate

# %%
import numpy as np
from scipy.linalg import solve_banded

import fokkerplanck as fp

V_R, V_F, a = 1.0, 2.0, 1.0

# %% [markdown]
# ## On paper
#
# Integrate by parts, with $n(V_F) = 0$ and $-a\,\partial_v n(V_F) = N$:
#
# $$M_\mu' = \mu \int (-v + bN + \mu a)\,e^{\mu v}\,n\,\mathrm{d}v - N e^{\mu V_F} + N e^{\mu V_R}.$$
#
# With $-v \ge -V_F$ and sorted by $N$,
#
# $$M_\mu' \ge \mu(\mu a - V_F)\,M_\mu + N\,\big[\mu b M_\mu - e^{\mu V_F} + e^{\mu V_R}\big].$$
#
# At the start the bracket is not negative, that is the condition, and $N \ge 0$. So $M_\mu$ grows, the bracket with
# it, and it stays non-negative: the term with $N$ may be dropped, however large $N$ is and however it behaves. What
# remains is $M_\mu' \ge \mu(\mu a - V_F) M_\mu$, exponential growth since $\mu > V_F/a$, towards a ceiling that
# $\int n\,\mathrm{d}v = 1$ forbids to pass.
#
# The argument never says that $N$ becomes infinite: only that there is no solution beyond $T^*$. That it is $N$ by
# which a solution ends is another theorem (Carrillo, González, Gualdani, Schonbek 2013).

# %% [markdown]
# ## On the computer
#
# Long after $t^*$ the drift $bN$ is so strong that everybody travels from $V_R$ to $V_F$ at speed $bN$ and waits in
# the last cell to be let out. Travellers: $N = bN\,n$, so $n = 1/b$ between $V_R$ and $V_F$, together $(V_F -
# V_R)/b$. The others, $1 - (V_F - V_R)/b$, are in the last cell, from which $2a/h$ times their density leaves:
#
# $$N = \frac{2a}{h}\cdot\frac{1 - (V_F - V_R)/b}{h}.$$


# %%
def run(b, start, cells, t_end):
    grid = fp.Grid.uniform(-1.0, V_R, V_F, 3 * cells)
    v, n, h = grid.v, start.cell_averages(grid), grid.width[0]
    t, N, back = 0.0, [0.0], (np.abs(v - V_R) < h) / (2 * h)
    while t < t_end:
        dt = min(2e-5, 0.02 / max(N[-1], 1e-9))
        u = -(v + h / 2) + b * N[-1]
        right, left = np.maximum(u, 0) + a / h, np.maximum(-u, 0) + a / h
        right[-1], left[-1] = 2 * a / h, 0.0
        matrix = np.array([-np.roll(left, 1), h / dt + right + np.roll(left, 1), -right]) * dt / h
        x, y = solve_banded((1, 1), matrix, np.array([n, dt * back]).T).T
        N.append(2 * a / h * x[-1] / (1 - 2 * a / h * y[-1]))
        n, t = x + N[-1] * y, t + dt
    return v, n, np.array(N)


b, cells = 2.0, 40
v, n, N = run(b, fp.gaussian(1.5, 0.005), cells, 0.04)
print(f"n half-way between V_R and V_F: {n[np.searchsorted(v, 1.5)]:.4f}; N = {N[-1]:.2f}")
assert np.isclose(n[np.searchsorted(v, 1.5)], 1.0 / b, rtol=0.01)
assert np.isclose(N[-1], 2 * a * (1 - (V_F - V_R) / b) * cells**2, rtol=0.01)

# %% [markdown]
# For $b < V_F - V_R$ the formula is negative: there is no such state. A volley in which everybody fires once lifts
# the population by $b$, less than the way from the reset to the threshold, and the rate comes down again. For $b =
# 0.5$ this needs a start very close to the threshold.

# %%
_, _, N = run(0.5, fp.gaussian(1.83, 0.003), cells, 0.05)
print(f"largest N: {N.max():.1f}, at the end: {N[-1]:.2f}")
assert N.max() > 20.0 * N[-1]
