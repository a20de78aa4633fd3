# %% [markdown]
# # Solutions to lesson 13: after the blow-up

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Number those that listen from the threshold downwards, $v_1 \ge v_2 \ge \dots$ Call a set of neurons *closed* if no
# other listener is taken over the threshold by the spikes of the set, that is, if all others have $v_i < V_F - bk/M$,
# where $k$ is the size of the set. A cascade, in whatever order, ends with a closed set.
#
# Let $k^*$ be the smallest $k$ with $v_{k+1} < V_F - bk/M$ (or the number of all listeners). The set of the first
# $k^*$ is closed, and it contains whatever fires, by induction: as long as all that fired are among the first $k^*$,
# they are at most $k^*$, and who is not among these is below $V_F - bk^*/M$ and is not reached. So at most $k^*$
# fire. And a closed set of fewer, $k < k^*$, does not exist: by the choice of $k^*$ there are at least $k + 1$
# listeners with $v_i \ge V_F - bk/M$, one of whom is not in the set and would follow. So the first $k^*$ fire, in
# every order. Divided by $M$ this is $\inf\{z > 0 : P(V \ge V_F - bz) < z\}$ up to one neuron, and counting from
# zero, as `np.argmax` does, it is the first index that is too far.

# %%
random = np.random.default_rng(1)


def one_after_the_other(v, kick):
    v, listens, fired = v.copy(), np.ones(len(v), bool), 0
    while np.any(listens & (v >= 2.0)):
        listens[random.choice(np.flatnonzero(listens & (v >= 2.0)))] = False
        v[listens] += kick
        fired += 1
    return fired


for _ in range(20):
    v, kick = random.normal(1.5, 0.4, 300), random.uniform(0.5, 3.0) / 300
    nearest = np.append(np.sort(v)[::-1], -np.inf)
    first_too_far = np.argmax(nearest < 2.0 - kick * np.arange(301))
    assert one_after_the_other(v, kick) == one_after_the_other(v, kick) == first_too_far

# %% [markdown]
# ## On the computer
#
# From $n = m\,e^{-z}$ with $\int z\,n\,\mathrm{d}z = m$ the theorem's time is $1/(m - 1)$.

# %%
shares = []
for mass in (3.0, 1.5, 1.2, 1.1, 1.05, 1.02):
    cell = fp.cell_polarization(mass)
    latest = fp.blow_up_criterion(cell, fp.exponential(1.0)).latest_time
    sol = fp.solve(cell, fp.exponential(1.0), (0.0, latest), rtol=1e-4, estimate_error=False)
    shares.append(sol.blow_up.time / latest)
    print(f"mass {mass:4g}: t* = {sol.blow_up.time:8.4f}, not later than {latest:8.4f}: {shares[-1]:.3f} of it")
assert max(shares) < 1.0
assert np.all(np.diff(shares) > 0.0)
assert abs(shares[-1] - 0.5) < 0.02

# %% [markdown]
# It tends to one half. Close to the critical mass the density has time to be nearly an exponential, for which
# $n(0, t) = m^2/J$ with $J = \int z\,n\,\mathrm{d}z$, and $J' = -(m - 1)\,n(0, t)$ gives
# $J^2 = J(0)^2 - 2(m - 1)\,m^2 t$. The theorem knows only that a density which does not increase has at least half of
# that at the wall, $n(0, t) \ge m^2/(2J)$.
