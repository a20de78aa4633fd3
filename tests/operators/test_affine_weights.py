"""Weights, slopes, transport and steps of many lanes at once against those of the scheme, and against mpmath."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import decades

import fokkerplanck as fp
from fokkerplanck.operators.affine_weights import (
    affine_backward_euler,
    affine_backward_euler_lane,
    affine_slopes,
    affine_transport,
    affine_weights,
)
from fokkerplanck.operators.kernels import backward_euler, transport
from fokkerplanck.operators.schemes import ScharfetterGummel


def both(face_drift, current, distance, diffusion):
    results = np.full((2, len(face_drift), len(current)), np.nan)
    affine_weights(face_drift, current, distance, diffusion, *results)
    mu = face_drift[:, None] + current
    return results, np.array(ScharfetterGummel().pair(mu, diffusion / distance[:, None]))


@given(st.integers(0, 2**32 - 1), st.integers(1, 70), decades(1e-9, 1e3), decades(1e-2, 1e2))
def test_they_are_those_of_the_scheme(seed, lanes, spacing, noise):
    rng = np.random.default_rng(seed)
    distance = spacing * rng.uniform(0.5, 2.0, 12)
    diffusion = noise * rng.uniform(0.5, 2.0, lanes)
    found, expected = both(rng.uniform(-8.0, 2.0, 12), rng.uniform(-3.0, 3.0, lanes), distance, diffusion)
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-90)
    assert np.all(found >= 0.0)


@pytest.mark.parametrize("edge", [1.0, 3.0, 6.0, 48.0, 96.0])
def test_the_formulas_meet(edge):
    x = edge * np.array([0.6, 0.97, 0.999999, 1.0, 1.000001, 1.03, 1.3])
    for sign in (-1.0, 1.0):
        found, expected = both(sign * x, np.zeros(3), np.ones(7), np.ones(3))
        np.testing.assert_allclose(found, expected, rtol=2e-15 * (1.0 + edge), atol=0.0)


def exact(mu):
    """W(−μ, 1), W(μ, 1) and their derivatives by μ and by κ."""
    with mpmath.workdps(300):
        x = mpmath.mpf(mu)
        weight = x / mpmath.expm1(x)
        slope = (mpmath.expm1(x) - x * mpmath.exp(x)) / mpmath.expm1(x) ** 2
        values = weight + x, weight, slope + 1, slope, weight - x * slope, weight - x * slope
        return [float(value) for value in values]


@pytest.mark.parametrize("largest", [0.1, 1.0, 3.0, 20.0, 96.0, 300.0])
@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_weights_and_slopes_are_those_of_the_theory(largest, sign):
    # Together in one row they all take the formula of the largest, each in a row of its own its own formula.
    mu = sign * np.concatenate([np.geomspace(1e-12, 1e-2, 11), np.linspace(0.02, 1.0, 23)]) * largest
    expected = np.array([exact(x) for x in mu]).T
    for drift, current in ((np.zeros(1), mu), (mu, np.zeros(1))):
        ones, none = np.ones(len(current)), np.zeros(len(current))
        common = drift, current, np.ones(len(drift)), ones
        found = np.empty((6, len(drift), len(current)))
        affine_weights(*common, *found[:2])
        affine_slopes(*common, ones, none, *found[2:4])
        affine_slopes(*common, none, ones, *found[4:])
        found = found.reshape(6, len(mu))
        assert np.all(np.abs(found[:2] / expected[:2] - 1.0) < 1.5e-15 * (1.0 + np.abs(mu)))
        np.testing.assert_allclose(found[2:], expected[2:], rtol=0.0, atol=2e-14)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), decades(1e-6, 1e3), st.booleans())
def test_slopes_are_those_of_the_scheme(seed, lanes, spacing, noisy):
    rng, scheme = np.random.default_rng(seed), ScharfetterGummel()
    drift, current, distance = rng.uniform(-8.0, 2.0, 9), rng.uniform(-2.0, 2.0, lanes), spacing * rng.uniform(1, 2, 9)
    diffusion, by_current, by_diffusion = noisy * rng.uniform(0.5, 2.0, lanes), *rng.uniform(-1.0, 1.0, (2, lanes))
    found = np.empty((2, 9, lanes))
    affine_slopes(drift, current, distance, diffusion, by_current, by_diffusion, *found)
    mu, kappa = drift[:, None] + current, diffusion / distance[:, None]
    more = by_diffusion / distance[:, None]
    left = scheme.slope(mu, kappa) * by_current + scheme.conductance_slope(mu, kappa) * more
    scale = np.abs(by_current) + np.abs(more)
    # The closed form of the scheme cancels near its switch at a Péclet number of 1e-3.
    assert np.all(np.abs(found - [left + by_current, left]) < 2e-12 * scale)


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), decades(1e-3, 10.0))
def test_the_transport_that_makes_its_own_weights_is_the_transport_with_given_weights(seed, lanes, spacing):
    rng = np.random.default_rng(seed)
    n, width, distance = rng.uniform(size=(20, lanes)), rng.uniform(0.5, 2.0, 20), spacing * rng.uniform(0.5, 2.0, 21)
    common = rng.uniform(-8.0, 2.0, 21), rng.uniform(-2.0, 2.0, lanes), distance, rng.uniform(0.5, 1.0, lanes)
    right, left = np.empty((2, 21, lanes))
    affine_weights(*common, right, left)
    right[0] = left[0] = left[-1] = 0.0
    expected, found = np.empty((2, 20, lanes)), np.empty((2, lanes))
    transport(n, right, left, np.zeros_like(n), width, expected[0], found[0])
    affine_transport(n, *common, width, expected[1], found[1])
    np.testing.assert_allclose(*expected, rtol=0.0, atol=1e-13 * np.max(right + left))
    np.testing.assert_allclose(*found, rtol=1e-14)


def test_one_lane_steps_as_two_of_the_same_do():
    single, pair = fp.nnlif(b=0.0, a0=0.4), fp.Network([fp.nnlif(b=0.0, a0=0.4)] * 2, np.zeros((2, 2)))
    grid, start = single.grid(60, v_min=-3.0), fp.gaussian(0.0, 0.25)
    runs = [
        fp.solve(model, start, (0.0, 0.5), grid, stepper=fp.BackwardEuler(0.01), estimate_error=False)
        for model in (single, pair)
    ]
    np.testing.assert_allclose(runs[1].rate[:, 0], runs[0].rate, rtol=1e-11)


def test_small_and_vanishing_drift():
    found, expected = both(np.array([0.0, 1e-300, -1e-12, 1e-8]), np.zeros(2), np.full(4, 0.1), np.array([1.0, 0.3]))
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_without_noise_they_are_upwind():
    found, expected = both(np.array([-1.0, 0.0, 2.0]), np.zeros(2), np.full(3, 0.1), np.zeros(2))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[0, :, 0], [0.0, 0.0, 2.0])


@pytest.mark.parametrize("step", [affine_backward_euler, affine_backward_euler_lane])
@given(st.integers(0, 2**32 - 1), st.integers(1, 40), decades(1e-3, 10.0), decades(1e-3, 1e4))
def test_the_step_that_makes_its_own_weights_is_the_step_with_given_weights(step, seed, lanes, spacing, shift):
    lanes = 1 if step is affine_backward_euler_lane else lanes
    rng = np.random.default_rng(seed)
    cells = 20
    n, known, passed = rng.uniform(size=(cells, lanes)), rng.uniform(size=lanes), rng.uniform(size=lanes)
    width, distance = spacing * rng.uniform(0.5, 2.0, cells), spacing * rng.uniform(0.5, 2.0, cells + 1)
    drift, current, diffusion = rng.uniform(-8.0, 2.0, cells + 1), rng.uniform(-2.0, 2.0, lanes), np.full(lanes, 0.7)
    reset, shares = np.array([14, 15]), np.array([0.4, 0.6])
    common = known, passed, 1.0 - passed, np.full(lanes, shift)
    right, left = np.empty((2, cells + 1, lanes))
    affine_weights(drift, current, distance, diffusion, right, left)
    right[0] = left[0] = left[-1] = 0.0
    results = []
    for fused in (False, True):
        x, rate, source = n.copy(), np.empty(lanes), np.empty(lanes)
        if fused:
            step(x, drift, current, distance, diffusion, width, reset, shares, *common, rate, source)
        else:
            backward_euler(
                x,
                right,
                left,
                np.zeros_like(n),
                width,
                reset,
                shares,
                *common,
                *np.empty((2, cells, lanes)),
                rate,
                source,
            )
        results.append((x, rate, source))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=0.0)
    x, rate, source = results[1]
    assert np.all(x >= 0.0)
    np.testing.assert_allclose(shift * (width @ x) + rate, shift * (width @ n) + source, rtol=1e-13)
