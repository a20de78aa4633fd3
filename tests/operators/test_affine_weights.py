"""The weights of many lanes at once against those of the scheme, one by one."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from strategies import decades

from fokkerplanck.operators.affine_weights import affine_backward_euler, affine_weights
from fokkerplanck.operators.kernels import backward_euler
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


def test_the_two_formulas_meet():
    x = np.array([2.0, 2.9, 2.999999, 3.0, 3.000001, 3.1, 4.0])
    for sign in (-1.0, 1.0):
        found, expected = both(sign * x, np.zeros(3), np.ones(7), np.ones(3))
        np.testing.assert_allclose(found, expected, rtol=1e-14)


def test_small_and_vanishing_drift():
    found, expected = both(np.array([0.0, 1e-300, -1e-12, 1e-8]), np.zeros(2), np.full(4, 0.1), np.array([1.0, 0.3]))
    np.testing.assert_allclose(found, expected, rtol=1e-15)


def test_without_noise_they_are_upwind():
    found, expected = both(np.array([-1.0, 0.0, 2.0]), np.zeros(2), np.full(3, 0.1), np.zeros(2))
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(found[0, :, 0], [0.0, 0.0, 2.0])


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), decades(1e-3, 10.0), decades(1e-3, 1e4))
def test_the_step_that_makes_its_own_weights_is_the_step_with_given_weights(seed, lanes, spacing, shift):
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
        kept, pivot, response = np.empty((3, cells, lanes))
        if fused:
            affine_backward_euler(
                x, drift, current, distance, diffusion, width, reset, shares, *common, kept, pivot, response, rate,
                source,
            )  # fmt: skip
        else:
            backward_euler(
                x, right, left, np.zeros_like(n), width, reset, shares, *common, pivot, response, rate, source
            )
        results.append((x, rate, source))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-13, atol=0.0)
    x, rate, source = results[1]
    assert np.all(x >= 0.0)
    np.testing.assert_allclose(shift * (width @ x) + rate, shift * (width @ n) + source, rtol=1e-13)
