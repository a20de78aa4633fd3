# %% [markdown]
# # Solutions to lesson 10: a pause is not enough

# %%
import numpy as np

import fokkerplanck as fp

# %% [markdown]
# ## On paper
#
# Multiply the equation by $e^{\mu v}$ and integrate by parts. At $V_F$, where $n = 0$, the diffusion leaves
# $-N e^{\mu V_F}$; the source brings $e^{\mu V_R} R/\tau$:
#
# $$M' = \mu \int (bN - v + \mu a)\,e^{\mu v}\,n\,\mathrm{d}v - N e^{\mu V_F} + \frac{R}{\tau}\,e^{\mu V_R}
# \;\ge\; N\,\big(\mu b M - e^{\mu V_F}\big) + \mu\,(\mu a - V_F)\,M,$$
#
# since $v \le V_F$ and $R \ge 0$. If the bracket is not negative at the start, then $M$ grows, the bracket stays so,
# and $M(t) \ge M(0)\,e^{\mu(\mu a - V_F)t}$ for ever. But no more than all the mass can sit at $V_F$:
# $M \le e^{\mu V_F}$. So the solution ends, and at the latest at
#
# $$T^* = \frac{\mu V_F - \ln M(0)}{\mu\,(\mu a - V_F)}.$$
#
# The pause appears only in the term with $R/\tau$, which was thrown away: hence no $\tau$ in $T^*$. Without a pause
# that term is $N e^{\mu V_R}$, belongs into the bracket and softens the condition to
# $\mu b M(0) \ge e^{\mu V_F} - e^{\mu V_R}$. With a pause it may be zero, as it is at the start.

# %%
b, near = 3.0, fp.gaussian(mean=1.5, variance=0.005)
prompt, paused = fp.nnlif(b=b), fp.nnlif(b=b, refractory=fp.ExponentialRefractory(0.2))
without, with_pause = (fp.blow_up_criterion(model, near).latest_time for model in (prompt, paused))
print(f"latest time without a pause: {without:.5f}, with any pause: {with_pause:.5f}")
assert without < with_pause

# %% [markdown]
# ## On the computer
#
# Halve the interval of pauses, with a run at each that says how it ended; then once more with cells of half the
# width.

# %%
far = fp.gaussian(mean=-1.0, variance=0.5)


def blows_up(pause, cells, finest):
    model = fp.nnlif(b=b, refractory=fp.ExponentialRefractory(pause))
    grid = model.grid(cells, v_min=-7.0, finest=finest)
    return fp.solve(model, far, (0.0, 40.0), grid=grid, rtol=1e-4, estimate_error=False).status is fp.Status.BLOW_UP


def long_enough(cells, finest, low=0.1, high=1.0):
    assert blows_up(low, cells, finest)
    assert not blows_up(high, cells, finest)
    while high - low > 1e-3:
        middle = 0.5 * (low + high)
        low, high = (middle, high) if blows_up(middle, cells, finest) else (low, middle)
    return high


found = [long_enough(300, 3e-4), long_enough(600, 1.5e-4)]
print("the smallest pause that prevents the blow-up:", np.round(found, 4))
assert abs(found[0] - found[1]) < 5e-3

# %% [markdown]
# It is no small pause, nearly half a membrane time. Just below it most of a rising volley still gets through, and
# just above it the rate climbs high and comes down again: two fates again, as on the map of lesson 8.
