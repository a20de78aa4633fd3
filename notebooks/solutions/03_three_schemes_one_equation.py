# %% [markdown]
# # Solutions to lesson 3: three schemes, one equation

# %%
import numpy as np

# %% [markdown]
# ## On paper
#
# With a constant drift $\mu = I - v$ the equation $a\,\partial_v n = \mu\,n - F$ has the solutions
# $n = F/\mu + C\,e^{\mu v/a}$. Put the left end at $v = 0$ and the right one at $v = d$, with $x = \mu d/a$:
#
# $$n_\ell = F/\mu + C, \qquad n_r = F/\mu + C\,e^x \qquad\Rightarrow\qquad
# F = \mu\,\frac{e^x\,n_\ell - n_r}{e^x - 1}
#   = \frac{a}{d}\,\Big[\frac{x\,e^x}{e^x - 1}\,n_\ell - \frac{x}{e^x - 1}\,n_r\Big],$$
#
# and $x\,e^x/(e^x - 1) = -x/(e^{-x} - 1) = B(-x)$. For small $x$, $B(x) = 1 - x/2 + x^2/12 - \ldots$: central
# differences are its first two terms, and wrong where $x$ is not small. For large $|x|$, $B(x) \to \max(-x, 0)$: pure
# transport from the side where the neurons come from. Upwind is that limit plus the diffusion, $1$, which it keeps in
# full where Scharfetter and Gummel know that hardly any of it is left. That surplus is its error of first order.

# %% [markdown]
# ## On the computer
#
# The step multiplies by $1 + \Delta t\,A$. Its entries off the diagonal are nonnegative anyhow; those on it are as
# long as $\Delta t \le 1/\max_i |A_{ii}|$. As the columns of $A$ sum to zero, the step is then a table of
# probabilities: no density gets negative, none explodes. A longer step takes more out of a cell than there is.

# %%
B = {"upwind": lambda x: 1 + np.maximum(-x, 0), "Scharfetter–Gummel": lambda x: x / np.expm1(x)}
V_F, a, I = 2.0, 0.1, 2.5


def matrix(B, cells):
    h = V_F / cells
    v = np.append(h * (np.arange(cells) + 0.5), V_F)
    d, middle = np.diff(v), 0.5 * (v[1:] + v[:-1])
    x = (I - middle) * d / a
    to_right, to_left = a / d * B(-x), a / d * B(x)
    A = np.diag(-to_right) + np.diag(to_right[:-1], -1)
    A += np.diag(to_left[:-1], 1) - np.diag(np.append(0, to_left[:-1]))
    A[cells // 2 - 1 : cells // 2 + 1, -1] += to_right[-1] / 2
    return A / h


def after(A, dt, steps, start):
    return np.linalg.matrix_power(np.eye(len(A)) + dt * A, steps) @ start


# %% [markdown]
# All neurons start in the cell that empties fastest: on fine grids the one at the threshold, whose neighbour is only
# half a cell away, so that it loses $3a/h^2$ and the step is bounded by $h^2/(3a)$, four times less for cells half as
# wide.

# %%
for name, weight in B.items():
    longest = []
    for cells in (20, 40, 80, 160, 320):
        A = matrix(weight, cells)
        dt, worst = 1 / np.abs(np.diag(A)).max(), np.eye(cells)[np.abs(np.diag(A)).argmax()]
        longest.append(dt)
        assert after(A, dt, 50, worst).min() >= -1e-12
        assert after(A, 1.01 * dt, 1, worst).min() < 0
    ratios, explosion = np.divide(longest[:-1], longest[1:]), np.abs(after(A, 2 * dt, 200, worst)).max()
    print(f"{name}: longest steps {np.array(longest).round(6)}, ratios {ratios.round(2)}")
    print(f"    twice the step on {cells} cells: after 200 steps the density is {explosion:.0e}")
    assert explosion > 1e6
    assert 3.9 < ratios[-1] < 4.1
    assert abs(3 * a * dt * (cells / V_F) ** 2 - 1) < 0.05
