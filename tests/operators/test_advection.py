"""Transport along the lanes: order, sign, mass, total variation, and the nonlinear transport of learning."""

from itertools import pairwise

import numpy as np
import pytest
from helpers import orders
from hypothesis import given
from hypothesis import strategies as st
from strategies import between

import fokkerplanck as fp
from fokkerplanck.models.learning import learning
from fokkerplanck.operators.advection import POSITIVE, Hebbian, advect, learning_speeds, move_lanes

EPS = np.finfo(float).eps
seeds = st.integers(0, 2**32 - 1)


def split(u):
    """α and β of a given velocity at the faces, closed at the ends."""
    u = np.array(u, dtype=float)
    u[0] = u[-1] = 0.0
    return np.maximum(u, 0.0), np.minimum(u, 0.0)


def plain(n, ahead, back, steps):
    """The same in a few lines of NumPy."""

    def euler(n):
        padded = np.pad(n, ((0, 0), (1, 1)), mode="edge")
        d = np.diff(padded, axis=1)
        a, b = d[:, :-1], d[:, 1:]
        size = np.minimum(np.minimum(np.abs(a), np.abs(b)), 0.25 * np.abs(a + b))
        half = np.where((a > 0.0) == (b > 0.0), np.sign(a + b) * size, 0.0)
        flux = np.zeros((len(n), n.shape[1] + 1))
        flux[:, 1:-1] = ahead[1:-1] * (n + half)[:, :-1] + back[1:-1] * (n - half)[:, 1:]
        return n - np.diff(flux, axis=1)

    for _ in range(steps):
        n = 0.5 * (n + euler(euler(n)))
    return n


@given(seeds, st.integers(4, 70), st.integers(1, 3))
def test_the_kernel_does_what_a_few_lines_of_numpy_do(seed, lanes, steps):
    rng = np.random.default_rng(seed)
    n = rng.uniform(size=(5, lanes)) * (rng.uniform(size=(5, lanes)) < 0.7)
    ahead, back = split(rng.uniform(-POSITIVE, POSITIVE, lanes + 1))
    expected = plain(n, ahead, back, steps)
    move_lanes(n, np.tile(ahead, (steps, 1)), np.tile(back, (steps, 1)))
    np.testing.assert_allclose(n, expected, rtol=0.0, atol=4 * EPS * steps)


@given(seeds, st.integers(4, 70))
def test_nothing_becomes_negative_and_nothing_gets_lost(seed, lanes):
    rng = np.random.default_rng(seed)
    n = 10.0 ** rng.uniform(-12.0, 0.0, (6, lanes)) * (rng.uniform(size=(6, lanes)) < 0.5)
    before = n.sum(axis=1)
    # Up to the bound exactly, with speeds on both sides of a face as the flux of learning has them.
    ahead, back = rng.uniform(0.0, POSITIVE, lanes + 1), -rng.uniform(0.0, POSITIVE, lanes + 1)
    ahead[rng.uniform(size=lanes + 1) < 0.3] = POSITIVE
    back[rng.uniform(size=lanes + 1) < 0.3] = -POSITIVE
    both = rng.uniform(size=lanes + 1)
    back[both < 0.4] = 0.0
    ahead[both > 0.6] = 0.0
    ahead[0] = ahead[-1] = back[0] = back[-1] = 0.0
    move_lanes(n, np.tile(ahead, (20, 1)), np.tile(back, (20, 1)))
    assert np.all(n >= 0.0)
    np.testing.assert_allclose(n.sum(axis=1), before, rtol=100 * EPS, atol=1e-300)


@given(seeds, between(-0.49, 0.49))
def test_a_constant_velocity_adds_no_variation(seed, courant):
    rng = np.random.default_rng(seed)
    n = np.zeros((3, 60))
    n[:, 20:40] = rng.uniform(size=(3, 20)) * (rng.uniform(size=(3, 20)) < 0.5)
    before = np.abs(np.diff(n, axis=1)).sum(axis=1)
    advect(n, *split(np.full(61, courant)), 10.0, 1.0)
    assert np.all(np.abs(np.diff(n, axis=1)).sum(axis=1) <= before * (1.0 + 100 * EPS) + EPS)


def test_a_velocity_that_varies_in_space_is_second_order():
    # w' = −w has the solution C(w, t) = e^t C0(w e^t).
    def averages(lanes, t):
        w = np.linspace(-1.0, 1.0, lanes + 1)
        nodes, weights = np.polynomial.legendre.leggauss(5)
        points = 0.5 * (w[1:] + w[:-1])[:, None] + nodes / lanes
        return np.exp(t) * np.exp(-40.0 * (points * np.exp(t) - 0.4) ** 2) @ (0.5 * weights)

    errors = []
    for lanes in (80, 160, 320, 640):
        n, w = averages(lanes, 0.0)[None, :], np.linspace(-1.0, 1.0, lanes + 1)
        for _ in range(lanes // 20):
            advect(n, *split(-w), 10.0 / lanes, 2.0 / lanes)
        errors.append(np.abs(n[0] - averages(lanes, 0.5)).sum() * 2.0 / lanes)
    assert orders(errors)[-1] > 1.9


def test_a_velocity_that_varies_in_time_is_second_order_if_taken_at_the_middle():
    def run(lanes, share):
        dt, n = 2.0 / lanes, np.exp(-60.0 * (np.linspace(0.0, 2.0, 2 * lanes + 1)[1::2] - 0.7) ** 2)[None, :]
        for i in range(lanes // 2):
            advect(n, *split(np.full(lanes + 1, np.cos(3.0 * (i + share) * dt))), dt, 2.0 / lanes)
        w = np.linspace(0.0, 2.0, 2 * lanes + 1)[1::2]
        return np.abs(n[0] - np.exp(-60.0 * (w - 0.7 - np.sin(3.0) / 3.0) ** 2)).sum() * 2.0 / lanes

    assert orders([run(lanes, 0.5) for lanes in (100, 200, 400, 800)])[-1] > 1.9
    assert orders([run(lanes, 0.0) for lanes in (200, 400, 800)])[-1] < 1.3


def test_a_slow_velocity_needs_no_small_steps():
    n = np.ones((2, 10))
    assert advect(n, *split(np.full(11, 1e-9)), 1e3, 0.1) == 1
    assert advect(n, *split(np.zeros(11)), 1e3, 0.1) == 0
    assert advect(n, *split(np.full(11, 1.0)), 1.0, 0.1) == 21


@pytest.mark.parametrize(
    ("ahead", "back", "dt", "words"),
    [
        (np.ones(5), np.zeros(5), 0.1, "zero at the first"),
        ([0, -1, 0, 0, 0], np.zeros(5), 0.1, "exchange them"),
        ([0, np.nan, 0, 0, 0], np.zeros(5), 0.1, "exchange them"),
        ([0, 1, 0, 0, 0], np.zeros(5), 1e9, "smaller `dt`"),
    ],
)
def test_what_is_refused(ahead, back, dt, words):
    with pytest.raises(fp.InvalidArgument, match=words):
        advect(np.ones((1, 4)), np.array(ahead, dtype=float), back, dt, 1.0)


# -- learning ---------------------------------------------------------------------------------------------------


def hebbian(model):
    return Hebbian(np.array(model.rule_at(model.w_faces)), np.array(model.w_faces), model.speed)


@given(seeds, st.integers(4, 40), between(-2.0, 2.0), between(0.0, 1.0))
def test_the_compiled_speeds_are_those_of_the_model(seed, lanes, rule, speed):
    model = learning(weights=(-1.0, 1.0), lanes=lanes, rule=rule, speed=speed)
    N = np.random.default_rng(seed).uniform(size=lanes)
    ahead, back = np.empty(lanes + 1), np.empty(lanes + 1)
    largest = learning_speeds(N, np.full(lanes + 1, rule), model.w_faces, speed, ahead, back)
    np.testing.assert_allclose([ahead, back], model.face_speeds(N), rtol=1e-12, atol=1e-14)
    assert largest >= max(ahead.max(), -back.min()) * (1.0 - 1e-12)


def slow(lanes, steps, rate=0.8):
    """The slow equation with r constant: C_s + ((K N̄ r C − w) C)_w = 0."""
    model = learning(weights=(-1.0, 0.0), lanes=lanes, speed=1.0)
    C = np.exp(-((model.w + 0.5) ** 2) / 0.02)
    C /= C.sum() * model.dw
    n, law = np.array([C, 2.0 * C]), hebbian(model)
    for _ in range(steps):
        law.advance(n, n[0].copy(), np.full(lanes, rate), 0.2 / steps)
    return n


def test_learning_is_second_order():
    # The number of steps grows with that of the lanes.
    coarse = [slow(lanes, 4)[0].reshape(40, -1).mean(axis=1) for lanes in (40, 80, 160, 320, 640)]
    changes = [np.abs(a - b).sum() for a, b in pairwise(coarse)]
    assert orders(changes)[-1] > 1.6


def test_all_rows_are_moved_alike_and_keep_their_mass():
    n = slow(64, 3)
    np.testing.assert_allclose(n[1], 2.0 * n[0], rtol=1e-12)
    assert abs(n[0].sum() / 64 - 1.0) < 1e-13
    assert n.min() >= 0.0


def test_learning_ends_at_the_profile_with_one_shock():
    # r constant: N = −w/N̄ on (w*, 0), C = N/r; mass 1 gives N̄ = r, w* = −√2 N̄.
    rate, lanes = 0.6, 200
    model = learning(weights=(-1.2, 0.0), lanes=lanes, speed=1.0)
    C = np.where((model.w > -1.0) & (model.w < -0.4), 1.0, 0.0)  # has to spread towards zero as well
    n, law = (C / (C.sum() * model.dw))[None, :], hebbian(model)
    law.advance(n, n[0].copy(), np.full(lanes, rate), 20.0)
    N = rate * n[0]
    assert abs(N.sum() * model.dw / rate - 1.0) < 1e-13
    expected = np.where(model.w > -np.sqrt(2.0) * rate, -model.w / rate, 0.0)
    wrong = np.abs(N - expected)
    assert wrong.sum() * model.dw < 5e-3
    # All of it in the lanes that the shock divides, and in the one at zero.
    assert np.sort(wrong)[:-4].max() < 6e-3


def test_no_learning_is_no_work():
    n = np.ones((1, 8))
    assert hebbian(learning(lanes=8, speed=0.0)).advance(n, n[0].copy(), np.ones(8), 1.0) == 0


def test_an_endless_step_is_not_made():
    law, n = hebbian(learning(lanes=8, speed=1.0)), np.ones((1, 8))
    assert law.advance(n, np.ones(8), np.ones(8), 1e5) == -1
    assert np.all(n == 1.0)


def test_an_adaptive_run_shortens_a_step_that_is_too_long_for_the_exchange():
    """Without activity the solution rests, and the steps grow: a fixed step is the user's, an adaptive one is not."""
    model = learning(weights=(-1.0, 0.0), lanes=8, rule=0.0, speed=1.0)
    start, grid = fp.connectivity(lambda w: np.ones_like(w), fp.gaussian(0.0, 0.25)), model.grid(24)
    sol = fp.solve(model, start, (0.0, 1e4), grid=grid, rtol=1e-3, estimate_error=False, save_at=[])
    assert sol.status is fp.Status.FINISHED
    with pytest.raises(fp.InvalidArgument, match="too long for the exchange"):
        fp.solve(model, start, (0.0, 1e4), grid=grid, stepper=fp.BackwardEuler(5e3), estimate_error=False)
