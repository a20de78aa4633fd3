"""The normal numbers are normal, and independent."""

import numpy as np
import pytest
from scipy import stats

from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.particles import kernels
from fokkerplanck.particles.random import checked_seed, streams, ziggurat

DRAWS = 2_000_000


@pytest.fixture(scope="module")
def numbers():
    out = np.empty(DRAWS)
    kernels.normals(streams(5, 0)[0], *ziggurat(), out)
    return out


@pytest.mark.parametrize("k", range(1, 7))
def test_moments(numbers, k):
    moment, square = stats.norm.moment(k), stats.norm.moment(2 * k)
    assert abs(np.mean(numbers**k) - moment) < 4.0 * np.sqrt((square - moment**2) / DRAWS)


def test_distribution(numbers):
    assert stats.kstest(numbers, "norm").pvalue > 1e-3


@pytest.mark.parametrize("v", [0.2, 1.0, 2.0, 3.0, 3.6541528853610088, 4.0])
def test_both_tails(numbers, v):
    p = stats.norm.sf(v)
    for beyond in (np.mean(numbers > v), np.mean(numbers < -v)):
        assert abs(beyond - p) < 4.5 * np.sqrt(p / DRAWS)


@pytest.mark.parametrize("power", [1, 2])
@pytest.mark.parametrize("lag", [1, 2, 3, 256])
def test_successive_numbers_are_uncorrelated(numbers, lag, power):
    x = numbers**power
    assert abs(np.corrcoef(x[:-lag], x[lag:])[0, 1]) < 4.0 / np.sqrt(DRAWS)


def test_the_streams_of_blocks_are_uncorrelated():
    states, out = streams(5, 1), np.empty((2, 400_000))
    for state, row in zip(states, out, strict=True):
        kernels.normals(state, *ziggurat(), row)
    assert abs(np.corrcoef(out)[0, 1]) < 4.0 / np.sqrt(out.shape[1])


def test_one_by_one_they_are_the_same():
    together, state = np.empty(5000), streams(5, 0)[0]
    kernels.normals(streams(5, 0)[0], *ziggurat(), together)
    assert [kernels.normal(state, *ziggurat()) for _ in range(5000)] == together.tolist()


def test_the_generator_is_xoshiro256_plus_plus():
    # The first outputs of the reference implementation for the state (1, 2, 3, 4).
    state = np.array([1, 2, 3, 4], dtype=np.uint64)
    assert [int(kernels.bits(state)) for _ in range(3)] == [41943041, 58720359, 3588806011781223]


def test_exponential_numbers():
    out = np.empty(200_000)
    kernels.exponentials(streams(5, 0)[0], out)
    assert stats.kstest(out, "expon").pvalue > 1e-3


def test_the_layers_of_the_ziggurat_close():
    scale, inside, height = ziggurat()
    x = scale * 2.0**52
    area = x[0] * height[1]
    assert np.allclose(x[1:] * np.diff(height[1:]), area, rtol=1e-10)
    assert np.allclose(inside[:-1] * scale[:-1], x[1:])


@pytest.mark.parametrize("seed", [-1, 1.5, True, "1"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InvalidArgument, match="`seed` must be a whole number"):
        checked_seed(seed)
