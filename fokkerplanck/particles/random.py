"""Where chance comes from: one generator for every block of neurons, and the tables of the normal distribution.

A block is a fixed range of neurons with a xoshiro256++ state of its own. Who computes it does not matter, so the same
seed gives the same bits for every number of threads.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from scipy.special import erfc

from ..outcomes import InvalidArgument, frozen

BLOCK = 4096
"""Neurons per block: their potentials and as many normal numbers fit the nearest caches."""
LAYERS = 256
RIGHTMOST = 3.6541528853610087963519472518
"""Where the tail begins if 256 layers of equal area are to close at zero: Marsaglia and Tsang (2000)."""


def streams(seed: int, blocks: int) -> np.ndarray:
    """The xoshiro256++ states of all blocks, and one more for what concerns them all; shape (blocks + 1, 4), uint64."""
    return np.random.SeedSequence(seed).generate_state(4 * (blocks + 1), np.uint64).reshape(blocks + 1, 4)


def sampler(seed: int) -> np.random.Generator:
    """The generator that draws the initial potentials; independent of the blocks."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))


def checked_seed(seed: object) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise InvalidArgument(f"`seed` must be a whole number, zero or positive, not {seed!r}.")
    return int(seed)


@cache
def ziggurat() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The layers of the ziggurat, in the form in which the kernels want them.

    With x_0 > x_1 = r > x_2 > … > x_256 = 0 the right ends of layers of equal area under exp(−x²/2), x_0 that of a
    rectangle as large as the lowest layer with its tail, layer i turns a 53-bit integer |j| < 2^52 into j x_i / 2^52,
    which is accepted at once if |j| < 2^52 x_{i+1}/x_i.

    Returns
    -------
    scale, shape (256,)
        x_i / 2^52.
    inside, shape (256,)
        2^52 x_{i+1}/x_i.
    height, shape (257,)
        exp(−x_i²/2), 1 at the end.

    Source: Marsaglia, Tsang, J. Stat. Softw. 5(8) (2000); 53 bits and separate bits for the layer after Doornik (2005).
    """
    density = np.exp(-0.5 * RIGHTMOST**2)
    area = RIGHTMOST * density + np.sqrt(np.pi / 2) * erfc(RIGHTMOST / np.sqrt(2.0))
    x = np.empty(LAYERS + 1)
    x[0], x[1], x[LAYERS] = area / density, RIGHTMOST, 0.0
    for i in range(2, LAYERS):
        x[i] = np.sqrt(-2.0 * np.log(area / x[i - 1] + np.exp(-0.5 * x[i - 1] ** 2)))
    return frozen(x[:-1] / 2.0**52), frozen(x[1:] / x[:-1] * 2.0**52), frozen(np.exp(-0.5 * x**2))
