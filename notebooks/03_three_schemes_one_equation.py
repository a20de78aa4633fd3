# %% [markdown]
# # 3. Three schemes, one equation
#
# Let a strong current $I > V_F$ drive a neuron with little noise: it climbs to the threshold, fires, climbs again. In
# equilibrium its density solves
#
# $$\partial_v F = N\,\delta(v - V_R), \qquad F = (I - v)\,n - a\,\partial_v n, \qquad n(V_F) = 0, \qquad N = F(V_F).$$
#
# Cut the potentials into cells. What is a good formula for the flux $F$ between two neighbours with the densities
# $n_\ell$ and $n_r$, at a distance $d$? Three answers that are in use differ in one function $B$ of one number only,
# the *cell Péclet number* $x$ (what drift carries over what noise evens out):
#
# $$F = \frac{a}{d}\,\big[B(-x)\,n_\ell - B(x)\,n_r\big], \qquad x = \frac{(I - v)\,d}{a}.$$
#
# | scheme | $B(x)$ | idea |
# |---|---|---|
# | upwind | $1 + \max(-x, 0)$ | neurons bring along the density of the cell they come from |
# | central | $1 - x/2$ | take the mean of the two: more symmetric, hence of second order |
# | Scharfetter–Gummel | $x/(e^x - 1)$ | solve the equation between the two, exactly |

# %% [markdown]
# ## Predict first
#
# Upwind is of first order, the other two are of second. One of the three computes *negative* densities on a coarse
# grid.
#
# 1. Which one, and where: at the threshold, at the reset, or where nobody is at all?
# 2. On 20 cells, which of the three comes closest to the true density?

# %% [markdown]
# ## By hand
#
# The cells are $h$ wide, and the last one has the threshold as its neighbour, at a distance of $h/2$, where $n = 0$.
# What leaves there is put back into the two cells beside $V_R$. The columns of the matrix sum to zero (lesson 2), so
# one of its rows says nothing new; its place is taken by $\int n\,\mathrm{d}v = 1$.

# %%
import matplotlib.pyplot as plt
import numpy as np

import fokkerplanck as fp
from fokkerplanck.plotting import COLOURS

V_R, V_F, a, I = 1.0, 2.0, 0.006, 2.5

# %% tags=["by-hand"]
B = {
    "upwind": lambda x: 1 + np.maximum(-x, 0),
    "central": lambda x: 1 - x / 2,
    "Scharfetter–Gummel": lambda x: x / np.expm1(x),
}


def stationary(B, cells):
    h = V_F / cells
    v = np.append(h * (np.arange(cells) + 0.5), V_F)  # from 0 on: further down there is nobody
    d, middle = np.diff(v), 0.5 * (v[1:] + v[:-1])
    x = (I - middle) * d / a
    to_right, to_left = a / d * B(-x), a / d * B(x)
    A = np.diag(-to_right) + np.diag(to_right[:-1], -1)
    A += np.diag(to_left[:-1], 1) - np.diag(np.append(0, to_left[:-1]))
    A[cells // 2 - 1 : cells // 2 + 1, -1] += to_right[-1] / 2
    A[0] = h
    n = np.linalg.solve(A, np.eye(cells)[0])
    return n, to_right[-1] * n[-1]


# %% [markdown]
# ## The library agrees
#
# `fp.discrete_stationary` is the equilibrium *of a scheme*, with its errors; `fp.stationary_states` gives that of the
# equation itself, by quadrature.

# %%
model, coarse = fp.nnlif(b=0.0, a0=a, V_R=V_R, V_F=V_F, external=I), 20
grid = model.grid(coarse, v_min=0.0)
(exact,) = fp.stationary_states(model)
print(f"exact: N = {exact.rate:.6f}")
for name, scheme in zip(B, (fp.Upwind(), fp.Central(), fp.ScharfetterGummel()), strict=True):
    n, N = stationary(B[name], coarse)
    same = fp.discrete_stationary(model, grid, scheme=scheme)
    print(f"{name}: N = {N:.6f}, by the library {same.rate:.6f}; smallest density {n.min():.2g}")
    assert np.allclose(n, same.density, rtol=0.0, atol=1e-10)

# %% [markdown]
# ## The picture

# %%
counts = 20 * 2 ** np.arange(7)
error = {name: [] for name in B}
for count in counts:
    averages = exact.cell_averages(model.grid(int(count), v_min=0.0))
    for name, weight in B.items():
        error[name].append(np.abs(stationary(weight, count)[0] - averages).sum() * V_F / count)
order = {name: np.log2(e[-2] / e[-1]) for name, e in error.items()}

# %% tags=["picture"]
fig, axes = plt.subplots(1, 4, figsize=(9.5, 3.6), width_ratios=(1, 1, 1, 1.2), layout="constrained")
fine = np.linspace(0.0, V_F, 1001)
for panel, (name, weight) in zip(axes, B.items(), strict=False):
    n, _ = stationary(weight, coarse)
    panel.stairs(np.maximum(n, 0), grid.faces, fill=True, color=COLOURS["density"], alpha=0.35)
    panel.stairs(np.minimum(n, 0), grid.faces, fill=True, color=COLOURS["rate"])
    panel.plot(fine, exact.density(fine), color=COLOURS["density"])
    panel.axvline(V_R, color=COLOURS["reset"], lw=1)
    panel.axvline(V_F, color=COLOURS["threshold"], ls="--", lw=1)
    panel.set(title=f"{name}\n{coarse} cells", xlabel="potential $v$", ylim=(-0.25, 2.5))
axes[0].set_ylabel("density $n$")
for (name, e), style in zip(error.items(), ("o--", "s:", "^-"), strict=True):
    axes[3].loglog(counts, e, style, color=COLOURS["density"], ms=4, label=f"{name} {order[name]:.2f}")
axes[3].set(title="error of the density\nand its order", xlabel="number of cells", ylim=(1e-5, 1))
axes[3].legend(loc="lower left", fontsize="small", frameon=False, handlelength=1.8)
plt.show()

# %% [markdown]
# Central differences go negative (red) *below the reset*, where there should be nobody at all: there the density has
# to come down within less than a cell, and with $x > 2$ the factor $1 - x/2$ is negative, so that each cell pushes
# its neighbour to the other side of zero. At the threshold it is the same. On 20 cells the crudest scheme has the
# best *density*: an order is a promise about fine grids, and on the finest one here upwind is the worst by far. (The
# *rate* on 20 cells, printed above, is closest with the central differences, wiggles and all: which scheme is the
# best depends on what you ask it for.)
#
# Scharfetter and Gummel have both, the order and the sign, and it is their scheme that the library takes on cells
# unless it is told otherwise.

# %% [markdown]
# ## The theorem
#
# *If $B \ge 0$ then the density is nonnegative, in equilibrium and after any implicit step, on any grid.* For then
# $A$ has nonnegative entries off the diagonal and columns that sum to zero, so that all entries of
# $(1 - \Delta t\,A)^{-1}$ are nonnegative, and the equilibrium is the eigenvector of Perron (1907) and Frobenius
# (1912). For central differences, $B \ge 0$ means $|x| \le 2$ at all faces. (What is below $10^{-12}$ is rounding.)

# %% tags=["theorem"]
for count in counts:
    smallest = {name: stationary(weight, count)[0].min() for name, weight in B.items()}
    largest_x = (I - V_F / count) * V_F / count / a
    print(f"{count:5d} cells, x up to {largest_x:6.2f}: central has {smallest['central']:9.2g}")
    assert smallest["upwind"] > -1e-12
    assert smallest["Scharfetter–Gummel"] > -1e-12
    assert smallest["central"] > -1e-12 or largest_x > 2
assert stationary(B["central"], coarse)[0].min() < -0.01
assert abs(order["upwind"] - 1) < 0.15
assert all(abs(order[name] - 2) < 0.1 for name in ("central", "Scharfetter–Gummel"))

# %% [markdown]
# ## Exercises
#
# 1. *On paper.* Between two neighbours take $F$, $I - v$ and $a$ as constants, and solve
#    $F = (I - v)\,n - a\,\partial_v n$ with the given densities at both ends. Show that $F$ is the flux of
#    Scharfetter and Gummel. Where do upwind and central differences come out as limits?
# 2. *On the computer.* The explicit step, $n + \Delta t\,A\,n$, costs no linear system. How long may it be until the
#    density of the *positive* schemes gets negative? What happens with twice that, and by how much does the bound
#    shrink when the cells are halved?
#
# Solutions:
# [solutions/03_three_schemes_one_equation.ipynb](solutions/03_three_schemes_one_equation.ipynb)
#
# ## An open challenge
#
# Is there a function $B \ge 0$ of second order with a smaller error than that of Scharfetter and Gummel? What must
# $B$ fulfil besides $B(-x) = B(x) + x$? `fp.HarmonicMean` has chosen $2/(1 + e^x)$: find out what that one cannot do.
