# %% [markdown]
# # Solutions to lesson 4: forgetting the start

# %%
import numpy as np
from scipy.linalg import eig, expm
from scipy.special import exprel

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Since the mass does not change, $H' = \int (u - 1)\,\partial_t n = \int u\,\partial_t n$ with
# $\partial_t n = -\partial_v F + N\,\delta(v - V_R)$. Integrate by parts; at $V_F$ the flux is $N$, and there
# $u = n/P = N/N_\infty$, as both densities vanish with slopes in that ratio:
#
# $$H' = \int F\,\partial_v u\,\mathrm{d}v - \frac{N^2}{N_\infty} + N\,u(V_R).$$
#
# Put $F = u\,F_P - a P\,\partial_v u$. As $F_P$ is $N_\infty$ from $V_R$ to $V_F$ and zero below,
#
# $$\int u\,F_P\,\partial_v u\,\mathrm{d}v = \tfrac12 N_\infty \Big[\frac{N^2}{N_\infty^2} - u(V_R)^2\Big].$$
#
# What has no integral is now $-\frac{N^2}{2 N_\infty} + N\,u(V_R) - \frac12 N_\infty\,u(V_R)^2$, which is
# $-\frac12 N_\infty\,(N/N_\infty - u(V_R))^2$. So the reset costs entropy whenever those who leave at $V_F$ do not
# look like those who are at $V_R$ already.

# %% [markdown]
# ## On the computer
#
# What is left of a start $n$ in the long run is $\psi \cdot n$ times the first mode, with the left eigenvector $\psi$
# of $\lambda_1$. Two starts with different signs of that number can be mixed so that nothing is left; then the second
# mode is the slowest, and $\lambda_2 < 2\lambda_1$.

# %%
V_R, V_F, a, cells = 1.0, 2.0, 1.0, 320
h = V_F / 80
v = V_F - h * (cells - np.arange(cells) - 0.5)
x = np.append(v, V_F)
d, drift = np.diff(x), -0.5 * (x[1:] + x[:-1])
to_right, to_left = a / d / exprel(-drift * d / a), a / d / exprel(drift * d / a)
A = np.diag(-to_right) + np.diag(to_right[:-1], -1)
A += np.diag(to_left[:-1], 1) - np.diag(np.append(0, to_left[:-1]))
A[np.abs(v - V_R) < h, -1] += to_right[-1] / 2
A /= h

# %%
values, left, right = eig(A, left=True)
zero, one, two = np.argsort(-values.real)[:3]
P = right[:, zero].real / (h * right[:, zero].real.sum())
n = (V_F - v[:, None]) * np.exp(-((v[:, None] - [-1.0, 1.5]) ** 2) / (2 * np.array([0.25, 0.02])))
n = n / (h * n.sum(axis=0))
first, second = left[:, one].real @ n
theta = second / (second - first)
print(f"first mode in the starts: {first:.4f} and {second:.4f}; theta = {theta:.6f}")
assert 0 < theta < 1

# %%
mixed = np.column_stack([n, theta * n[:, 0] + (1 - theta) * n[:, 1]])
H = [0.5 * h * P @ (expm(t * A) @ mixed / P[:, None] - 1) ** 2 for t in (3.0, 4.0)]
speed = np.log(H[1] / H[0]) / 2
(state,) = fp.stationary_states(fp.nnlif(b=0.0))
modes = fp.spectrum(fp.nnlif(b=0.0), at=state).eigenvalues.real
print(f"speeds: {speed.round(4)}, eigenvalues {modes[:2].round(4)}")
assert np.allclose(speed[:2], modes[0], rtol=2e-3)
assert np.isclose(speed[2], modes[1], rtol=2e-3)
assert speed[2] < 2 * speed[:2].min()
