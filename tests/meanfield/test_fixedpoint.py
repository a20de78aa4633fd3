"""Fixed points of maps, also of those whose plain iteration diverges."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fokkerplanck.meanfield.fixedpoint import fixed_point, jacobian


def solve(G, start, **options):
    return fixed_point(G, np.array(start), lambda x: np.ones_like(x), lambda x: bool(np.all(np.isfinite(x))), **options)


@given(st.integers(1, 6), st.floats(-20.0, 0.9), st.integers(0, 1000))
def test_linear_maps(size, slope, seed):
    b = np.random.default_rng(seed).normal(size=size)
    end = solve(lambda x: slope * x + b, np.zeros(size))
    assert end.converged
    np.testing.assert_allclose(end.x, b / (1.0 - slope), atol=1e-11)


def test_an_oscillating_map():
    end = solve(lambda x: 10.0 * np.exp(-x), [0.0])  # slope −1.7 at the solution
    assert end.x[0] == pytest.approx(1.7455280027406994, abs=1e-11)


def test_without_a_fixed_point_it_says_so():
    end = solve(lambda x: x + 1.0, [0.0], evaluations=30)
    assert not end.converged
    assert end.message.startswith("not converged")


def test_the_jacobian():
    x = np.array([0.3, 1.2])

    def G(x):
        return np.array([x[0] * x[1], np.sin(x[0])])

    J = jacobian(G, x, G(x), np.ones(2), lambda x: bool(x[1] < 1.2 + 1e-9))
    np.testing.assert_allclose(J, [[1.2, 0.3], [np.cos(0.3), 0.0]], atol=1e-6)
