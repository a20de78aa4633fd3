"""The compiled loops against dense matrices, lane by lane, and the properties that floating point must not break."""

import numpy as np
import pytest
from helpers import system_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import decades, problems

import fokkerplanck as fp
from fokkerplanck.interpolation import RateHistory
from fokkerplanck.operators import kernels
from fokkerplanck.operators.schemes import FLUX_SCHEMES

CELLS = 30
EPS = np.finfo(float).eps
LANES = 19  # enough for full vectors and a remainder
PASSED = np.resize([1.0, 0.8, 1.0, 0.0, 1e-3, 1.0, 0.3], LANES)
"""Shares of what fires that are reset within a step: all of it, a part, or nothing."""


def random_face_weights(rng, lanes=LANES, cells=CELLS, decades=3.0):
    """Positive weights spread over some decades, closed at v_min and absorbing at V_F."""
    right, left = 10.0 ** rng.uniform(-decades / 2, decades / 2, (2, cells + 1, lanes))
    right[0] = left[0] = left[-1] = 0.0
    return right, left


def random_loss(rng, lanes=LANES, cells=CELLS, decades=3.0):
    """Hazards spread over some decades, zero in half of the cells."""
    loss = 10.0 ** rng.uniform(-decades / 2, decades / 2, (cells, lanes))
    return loss * (rng.uniform(size=loss.shape) < 0.5)


@pytest.fixture
def operator():
    """right, left, loss, width, reset cells, reset shares; the grid of every third lane is closed at its upper end."""
    rng = np.random.default_rng(0)
    width = 10.0 ** rng.uniform(-1.5, 0.0, CELLS)
    right, left = random_face_weights(rng)
    right[-1, ::3] = 0.0
    return right, left, random_loss(rng), width, np.array([19, 20]), np.array([0.3, 0.7])


def transport(right, left, loss, width):
    """T as a dense matrix: the flux right[j] n_{j−1} − left[j] n_j of face j leaves one cell for the next."""
    T = -np.diag(loss)
    for face in range(1, len(width)):
        for cell, sign in ((face - 1, -1.0), (face, 1.0)):
            T[cell, face - 1] += sign * right[face] / width[cell]
            T[cell, face] -= sign * left[face] / width[cell]
    T[-1, -1] -= right[-1] / width[-1]
    return T


def firing(right, loss, width):
    """e as a dense row: the flux through the last face, and what escapes from every cell."""
    e = loss * width
    e[-1] += right[-1]
    return e


def reset_column(width, cells, shares):
    r = np.zeros(len(width))
    np.add.at(r, cells, shares / width[cells])
    return r


def shifts(lanes=LANES):
    return np.logspace(-3, 5, lanes)


def eliminated(operator, shift):
    right, left, loss, width = operator[:4]
    pivot = np.empty((len(width), len(shift)))
    kernels.eliminate(shift, right, left, loss, width, pivot)
    return pivot


def stepped(operator, n, known, passed, shift):
    """n⁺, N and S of a backward-Euler step."""
    n, lanes = n.copy(), n.shape[1]
    scratch, rate, source = np.empty((2, *n.shape)), np.empty(lanes), np.empty(lanes)
    kernels.backward_euler(n, *operator, known, passed, 1.0 - passed, shift, *scratch, rate, source)
    return n, rate, source


# -- against dense matrices -------------------------------------------------------------------------------------


def test_transport_is_the_dense_transport(operator):
    right, left, loss, width = operator[:4]
    n = np.random.default_rng(1).uniform(size=(CELLS, LANES))
    out, fired = np.empty_like(n), np.empty(LANES)
    kernels.transport(n, right, left, loss, width, out, fired)
    for k in range(LANES):
        T = transport(right[:, k], left[:, k], loss[:, k], width)
        np.testing.assert_allclose(out[:, k], T @ n[:, k], rtol=1e-12, atol=1e-12 * np.max(np.abs(T)))
        assert fired[k] == pytest.approx(firing(right[:, k], loss[:, k], width) @ n[:, k], rel=1e-14)


def test_deposit_adds_the_mass_of_the_source(operator):
    *_, width, cells, shares = operator
    out, source = np.ones((CELLS, LANES)), np.arange(1.0, LANES + 1.0)
    kernels.deposit(out, source, cells, shares, width)
    np.testing.assert_allclose(out - 1.0, np.outer(reset_column(width, cells, shares), source), atol=1e-14)


def test_solve_is_the_dense_solve(operator):
    right, left, loss, width = operator[:4]
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (CELLS, LANES))
    expected = x.copy()
    kernels.substitute(x, right, left, width, eliminated(operator, shifts()))
    for k, shift in enumerate(shifts()):
        matrix = shift * np.eye(CELLS) - transport(right[:, k], left[:, k], loss[:, k], width)
        np.testing.assert_allclose(matrix @ x[:, k], expected[:, k], atol=1e-13 * np.linalg.cond(matrix))
        np.testing.assert_allclose(x[:, k], np.linalg.solve(matrix, expected[:, k]), rtol=1e-9)


def test_backward_euler_is_the_dense_solve(operator):
    right, left, loss, width, cells, shares = operator
    rng = np.random.default_rng(3)
    n, known = rng.uniform(size=(CELLS, LANES)), rng.uniform(size=LANES) * (rng.uniform(size=LANES) < 0.5)
    new, rate, source = stepped(operator, n, known, PASSED, shifts())
    for k, shift in enumerate(shifts()):
        # Unknowns n and the reset rate S: shift (n − n_old) = T n + r S, and S = known + passed e n.
        matrix = np.zeros((CELLS + 1, CELLS + 1))
        matrix[:-1, :-1] = shift * np.eye(CELLS) - transport(right[:, k], left[:, k], loss[:, k], width)
        matrix[:-1, -1] = -reset_column(width, cells, shares)
        matrix[-1] = np.append(-PASSED[k] * firing(right[:, k], loss[:, k], width), 1.0)
        expected = np.linalg.solve(matrix, np.append(shift * n[:, k], known[k]))
        np.testing.assert_allclose(new[:, k], expected[:-1], rtol=1e-9)
        np.testing.assert_allclose(source[k], expected[-1], rtol=1e-9)
        np.testing.assert_allclose(rate[k], firing(right[:, k], loss[:, k], width) @ expected[:-1], rtol=1e-9)


LAWS = {
    "hard": None,
    "random": fp.RandomThreshold(0.05),
    "soft": fp.SoftThreshold(lambda v: 20.0 / (1.0 + np.exp(5.0 * (2.0 - v)))),
}


@pytest.mark.parametrize("scheme", [cls() for cls in FLUX_SCHEMES.values()], ids=FLUX_SCHEMES.keys())
@pytest.mark.parametrize("tau", [None, 0.2])
@pytest.mark.parametrize("shift", [0.1, 30.0, 1e4])
@pytest.mark.parametrize("threshold", LAWS.values(), ids=LAWS.keys())
def test_the_system_solves_with_the_jacobian_of_its_residual(scheme, tau, shift, threshold):
    refractory = tau and fp.ExponentialRefractory(tau)
    model = fp.nnlif(b=1.5, a1=0.4, external=0.3, refractory=refractory, threshold=threshold)
    grid = model.grid(16, v_min=-2.0, finest=0.05)
    system, y = system_of(model, grid, refractory=0.1 if tau else 0.0, scheme=scheme)
    y[-1] = 0.7  # the Jacobian must be right away from the constraint as well: Newton's iteration passes there
    mass_matrix = np.diag([1.0] * (grid.cells + 1) + [0.0])
    matrix = shift * mass_matrix - jacobian_by_differences(system, y)
    system.factor(y, 0.0, shift)
    wanted = np.random.default_rng(4).uniform(-1.0, 1.0, grid.cells + 2)
    if tau is None:
        wanted[-2] = 0.0  # the pool stays empty
    found = system.solve((matrix @ wanted)[:, None])[:, 0]
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-8)


def jacobian_by_differences(system, y):
    columns = []
    for i in range(len(y)):
        h = np.zeros_like(y)
        h[i] = 1e-3
        far, near = (
            system.residual(y + s * h, 0.0, np.empty_like(y)) - system.residual(y - s * h, 0.0, np.empty_like(y))
            for s in (2.0, 1.0)
        )
        columns.append(((8.0 * near - far) / (12.0 * 1e-3))[:, 0])
    return np.array(columns).T


# -- lanes ------------------------------------------------------------------------------------------------------


def results(operator, n, known, passed, shift):
    """What every kernel makes of these lanes."""
    right, left, loss, width, *reset = operator
    moved, fired = np.empty_like(n), np.empty(n.shape[1])
    kernels.transport(n, right, left, loss, width, moved, fired)
    added = n.copy()
    kernels.deposit(added, known, *reset, width)
    pivot, solved = eliminated(operator, shift), n.copy()
    kernels.substitute(solved, right, left, width, pivot)
    new, rate, source = stepped(operator, n, known, passed, shift)
    return np.concatenate([moved, fired[None], added, pivot, solved, new, rate[None], source[None]])


def test_many_lanes_are_bitwise_each_alone(operator):
    right, left, loss, width, *reset = operator
    rng = np.random.default_rng(6)
    n, known = rng.uniform(size=(CELLS, LANES)), rng.uniform(size=LANES)
    together = results(operator, n, known, PASSED, shifts())
    for k in range(LANES):
        lane = slice(k, k + 1)
        alone = (right[:, lane].copy(), left[:, lane].copy(), loss[:, lane].copy(), width, *reset)
        expected = results(alone, n[:, lane].copy(), known[lane], PASSED[lane], shifts()[lane])
        assert np.array_equal(together[:, lane], expected)


# -- what floating point must not break -------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


def random_operator(rng, decades):
    """As `operator`, over more decades; the upper end is closed, the threshold random, or both as with a hard one."""
    right, left = random_face_weights(rng, lanes=3, decades=decades)
    right[-1, 1] = 0.0
    loss = random_loss(rng, lanes=3, decades=decades)
    loss[:, 0] = 0.0
    reset = rng.integers(0, CELLS - 1) + np.arange(2)
    return right, left, loss, 10.0 ** rng.uniform(-3.0, 0.0, CELLS), reset, rng.dirichlet([1.0, 1.0])


@given(seeds, decades(1e-4, 1e4))
def test_solutions_of_non_negative_data_are_non_negative(seed, shift):
    rng = np.random.default_rng(seed)
    right, left, _, width, *_ = operator = random_operator(rng, 8.0)
    x = rng.uniform(size=(CELLS, 3)) * (rng.uniform(size=(CELLS, 3)) < 0.2)
    kernels.substitute(x, right, left, width, eliminated(operator, np.full(3, shift)))
    assert np.all(x >= 0.0)


@given(seeds, decades(1e-4, 1e4), st.sampled_from([0.0, 1e-3, 0.5, 1.0]), st.booleans())
def test_a_backward_euler_step_keeps_sign_and_mass(seed, shift, passed, waiting):
    rng = np.random.default_rng(seed)
    *_, width, _, _ = operator = random_operator(rng, 8.0)
    n = rng.uniform(size=(CELLS, 3)) * (rng.uniform(size=(CELLS, 3)) < 0.5)
    known = rng.uniform(size=3) * waiting
    new, rate, source = stepped(operator, n, known, np.full(3, passed), np.full(3, shift))
    assert np.all(new >= 0.0)
    assert np.all(rate >= 0.0)
    assert np.all(source >= 0.0)
    # What is reset and has not fired within the step was outside before it.
    np.testing.assert_allclose(shift * (width @ new) + rate, shift * (width @ n) + source, rtol=40 * EPS)


@given(seeds)
def test_what_the_transport_takes_from_one_cell_it_gives_to_another(seed):
    rng = np.random.default_rng(seed)
    right, left, loss, width, *_ = random_operator(rng, 3.0)
    n, out, fired = rng.uniform(size=(CELLS, 3)), np.empty((CELLS, 3)), np.empty(3)
    kernels.transport(n, right, left, loss, width, out, fired)
    scale = np.max(np.abs(right) + np.abs(left)) + width @ loss
    assert np.all(np.abs(width @ out + fired) < 40 * EPS * scale)


@given(st.data())
def test_what_the_balance_takes_from_one_place_it_gives_to_another(data):
    model, grid, density = data.draw(problems())
    system = fp.ScharfetterGummel().discretize(model, grid)
    system.remember(RateHistory(np.array([-1e3, 0.0]), np.full(2, 0.3)))
    y = system.pack(0.75 * density, 0.25, rate=0.3)
    system.begin(y, 0.0)
    out = system.residual(y, 0.0, np.empty_like(y))
    scale = float(system.width @ np.abs(out[:-2, 0])) + 1.0
    assert abs(float(system.width @ out[:-2, 0] + out[-2, 0])) < 40 * EPS * scale


def test_a_tiny_shift_loses_no_accuracy():
    # 1/shift is a step a billion times the relaxation time: subtracting on the diagonal would lose nine digits.
    width = np.full(CELLS, 0.1)
    right, left = random_face_weights(np.random.default_rng(7), lanes=1, decades=0.0)
    right[-1] = 0.0  # nothing leaves: the solution for a uniform source is its equilibrium
    x = np.ones((CELLS, 1))
    shift = np.array([1e-9])
    kernels.substitute(x, right, left, width, eliminated((right, left, np.zeros_like(x), width), shift))
    np.testing.assert_allclose(x, 1e9, rtol=1e-13)
