"""Random models, grids and initial densities: everything a user may legally ask for."""

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st

import fokkerplanck as fp


def share_of_examples(share, at_least=1):
    """Settings with a share (above 1: a multiple) of the profile's examples."""
    return settings(max_examples=max(at_least, round(share * settings().max_examples)))


def between(low, high):
    return st.floats(low, high, allow_subnormal=False)


def decades(low, high):
    """Evenly spread in the logarithm."""
    return between(math.log10(low), math.log10(high)).map(lambda exponent: 10.0**exponent)


laws_of_silence = st.none() | decades(0.02, 2.0).map(fp.ExponentialRefractory)
all_laws_of_silence = laws_of_silence | decades(0.02, 2.0).map(fp.FixedRefractory)
thresholds = st.none() | decades(0.01, 1.0).map(fp.RandomThreshold)
delays = st.just(0.0) | decades(0.01, 2.0)


@st.composite
def drifts(draw, V_R, V_F):
    """None is the leak."""
    kind = draw(st.sampled_from([None, "constant", "quadratic", "exponential"]))
    if kind == "constant":
        return fp.ConstantDrift(draw(between(0.5, 3.0)))
    if kind == "exponential":
        gap = V_F - V_R
        return fp.ExponentialDrift(sharpness=draw(between(0.3, 1.0)) * gap, V_T=V_F - draw(between(0.0, 1.0)) * gap)
    return fp.QuadraticDrift() if kind else None


@st.composite
def models(
    draw,
    b=between(-5.0, 5.0),
    a1=st.just(0.0) | between(0.0, 1.0),
    refractory=laws_of_silence,
    threshold=st.none(),
    delay=st.just(0.0),
    any_drift=False,
):
    """The leaky model with a hard threshold and nothing delayed, unless other laws are asked for."""
    V_F = draw(between(0.5, 3.0))
    V_R = V_F - draw(between(0.2, 2.0))
    return fp.nnlif(
        b=draw(b),
        a0=draw(decades(0.03, 30.0)),
        a1=draw(a1),
        V_R=V_R,
        V_F=V_F,
        external=draw(between(-2.0, 2.0)),
        refractory=draw(refractory),
        threshold=draw(threshold),
        delay=draw(delay),
        drift=draw(drifts(V_R, V_F)) if any_drift else None,
    )


def any_models(**slots):
    """Models made of all the laws there are."""
    slots = {"refractory": all_laws_of_silence, "threshold": thresholds, "delay": delays, "any_drift": True} | slots
    return models(**slots)


@st.composite
def grids(draw, model):
    """Uniform or graded, reaching between 1.2 and 6 times V_F − V_R below V_F, and up to twice as much above it."""
    cells = draw(st.integers(16, 64))
    gap = model.V_F - model.V_R
    length = draw(between(1.2, 6.0)) * gap
    finest = draw(st.none() | decades(1e-3, 0.5).map(lambda share: share * length / cells))
    if model.threshold.absorbing:
        return model.grid(cells, v_min=model.V_F - length, finest=finest)
    v_max = model.V_F + draw(between(0.5, 2.0)) * gap
    return model.grid(cells + cells // 2, v_min=model.V_F - length, finest=finest, v_max=v_max)


@st.composite
def densities(draw, grid):
    """Cell averages of mass 1 that fall to zero towards the upper end: a bump anywhere on the grid, or any cells."""
    if draw(st.booleans()):
        length = grid.v_max - grid.v_min
        centre = grid.v_min + draw(between(0.05, 0.95)) * length
        values = np.exp(-(((grid.v - centre) / (draw(decades(0.03, 1.0)) * length)) ** 2)) + 1e-12
    else:
        values = np.array(draw(st.lists(between(0.0, 1.0), min_size=grid.cells, max_size=grid.cells)))
        values[draw(st.integers(0, grid.cells - 1))] += 0.1  # some mass somewhere
    values = values * (grid.v_max - grid.v)
    return values / (values @ grid.width)


@st.composite
def problems(draw, model=any_models()):
    """A model, a grid of it and a density on that grid."""
    drawn = draw(model)
    grid = draw(grids(drawn))
    return drawn, grid, draw(densities(grid))
