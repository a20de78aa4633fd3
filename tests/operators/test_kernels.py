"""The compiled loops against dense matrices, lane by lane, and the properties that floating point must not break."""

import numpy as np
import pytest
from helpers import system_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.operators import kernels
from fokkerplanck.operators.schemes import FLUX_SCHEMES

CELLS = 30
TAU = np.resize([0.0, 0.2, 0.0, 3.0, 1e-3, 0.0, 0.7], 19)  # lanes enough for full vectors and a remainder
LANES = len(TAU)


def random_face_weights(rng, lanes=LANES, cells=CELLS, decades=3.0):
    """Positive weights spread over some decades, closed at v_min and absorbing at V_F."""
    right, left = 10.0 ** rng.uniform(-decades / 2, decades / 2, (2, cells + 1, lanes))
    right[0] = left[0] = left[-1] = 0.0
    return right, left


@pytest.fixture
def operator():
    """right, left, width, reset cells, reset shares."""
    rng = np.random.default_rng(0)
    width = 10.0 ** rng.uniform(-1.5, 0.0, CELLS)
    return *random_face_weights(rng), width, np.array([19, 20]), np.array([0.3, 0.7])


def transport(right, left, width):
    """T as a dense matrix: the flux right[j] n_{j−1} − left[j] n_j of face j leaves one cell for the next."""
    T = np.zeros((len(width), len(width)))
    for face in range(1, len(width)):
        for cell, sign in ((face - 1, -1.0), (face, 1.0)):
            T[cell, face - 1] += sign * right[face] / width[cell]
            T[cell, face] -= sign * left[face] / width[cell]
    T[-1, -1] -= right[-1] / width[-1]
    return T


def reset_column(width, cells, shares):
    r = np.zeros(len(width))
    np.add.at(r, cells, shares / width[cells])
    return r


def shifts(lanes=LANES):
    return np.logspace(-3, 5, lanes)


def eliminated(operator, shift):
    right, left, width = operator[:3]
    pivot = np.empty((len(width), len(shift)))
    kernels.eliminate(shift, right, left, width, pivot)
    return pivot


# -- against dense matrices -------------------------------------------------------------------------------------


def test_divergence_is_the_dense_transport(operator):
    right, left, width = operator[:3]
    n = np.random.default_rng(1).uniform(size=(CELLS, LANES))
    out, flux = np.empty_like(n), np.empty(LANES)
    kernels.divergence(n, right, left, width, out, flux)
    for k in range(LANES):
        np.testing.assert_allclose(out[:, k], transport(right[:, k], left[:, k], width) @ n[:, k], rtol=1e-12)
    np.testing.assert_allclose(flux, right[-1] * n[-1], rtol=1e-15)


def test_deposit_adds_the_mass_of_the_source(operator):
    _, _, width, cells, shares = operator
    out, source = np.ones((CELLS, LANES)), np.arange(1.0, LANES + 1.0)
    kernels.deposit(out, source, cells, shares, width)
    np.testing.assert_allclose(out - 1.0, np.outer(reset_column(width, cells, shares), source), atol=1e-14)


def test_solve_is_the_dense_solve(operator):
    right, left, width = operator[:3]
    x = np.random.default_rng(2).uniform(-1.0, 1.0, (CELLS, LANES))
    expected = x.copy()
    kernels.substitute(x, right, left, width, eliminated(operator, shifts()))
    for k, shift in enumerate(shifts()):
        matrix = shift * np.eye(CELLS) - transport(right[:, k], left[:, k], width)
        np.testing.assert_allclose(matrix @ x[:, k], expected[:, k], atol=1e-13 * np.linalg.cond(matrix))
        np.testing.assert_allclose(x[:, k], np.linalg.solve(matrix, expected[:, k]), rtol=1e-9)


def test_backward_euler_is_the_dense_solve(operator):
    right, left, width, cells, shares = operator
    y = np.random.default_rng(3).uniform(size=(CELLS + 2, LANES))
    y[CELLS, TAU == 0.0] = 0.0
    new, scratch = y.copy(), np.empty((2, CELLS, LANES))
    kernels.backward_euler(new, *operator, TAU, shifts(), *scratch)
    for k, (shift, tau) in enumerate(zip(shifts(), TAU, strict=True)):
        # Unknowns n and the reset rate S: shift (n − n_old) = T n + r S, and S = N or τ shift S + S = N + shift R_old.
        matrix = np.zeros((CELLS + 1, CELLS + 1))
        matrix[:-1, :-1] = shift * np.eye(CELLS) - transport(right[:, k], left[:, k], width)
        matrix[:-1, -1] = -reset_column(width, cells, shares)
        matrix[-1, -2:] = -right[-1, k], 1.0 + tau * shift
        expected = np.linalg.solve(matrix, np.append(shift * y[:CELLS, k], shift * y[CELLS, k]))
        np.testing.assert_allclose(new[:CELLS, k], expected[:-1], rtol=1e-9)
        np.testing.assert_allclose(new[CELLS, k], tau * expected[-1], rtol=1e-9)
        np.testing.assert_allclose(new[-1, k], right[-1, k] * expected[-2], rtol=1e-9)


@pytest.mark.parametrize("scheme", [cls() for cls in FLUX_SCHEMES.values()], ids=FLUX_SCHEMES.keys())
@pytest.mark.parametrize("tau", [None, 0.2])
@pytest.mark.parametrize("shift", [0.1, 30.0, 1e4])
def test_bordered_solve_inverts_the_jacobian_of_the_residual(scheme, tau, shift):
    model = fp.nnlif(b=1.5, a1=0.4, external=0.3, refractory=tau and fp.ExponentialRefractory(tau))
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


def test_balance_of_many_lanes_is_that_of_each_alone(operator):
    right, left, width, cells, shares = operator
    y = np.random.default_rng(5).uniform(size=(CELLS + 2, LANES))
    together = np.empty_like(y)
    kernels.balance(y, *operator, TAU, together)
    for k in range(LANES):
        lane, alone = slice(k, k + 1), np.empty((CELLS + 2, 1))
        one = np.ascontiguousarray
        kernels.balance(
            one(y[:, lane]), one(right[:, lane]), one(left[:, lane]), width, cells, shares, TAU[lane], alone
        )
        assert np.array_equal(together[:, lane], alone)


def all_solves(right, left, width, cells, shares, tau, shift, y):
    """What every solver returns for these lanes."""
    lanes = right.shape[1]
    pivot, response = np.empty((CELLS, lanes)), np.ones((CELLS, lanes))
    kernels.eliminate(shift, right, left, width, pivot)
    kernels.substitute(response, right, left, width, pivot)
    bordered, gain = y.copy(), 0.1 + right[-1] * response[-1]
    kernels.bordered_solve(bordered, right, left, width, pivot, cells, shares, tau, shift, response, gain)
    stepped, scratch = y.copy(), np.empty((2, CELLS, lanes))
    kernels.backward_euler(stepped, right, left, width, cells, shares, tau, shift, *scratch)
    return np.concatenate([pivot, response, bordered, stepped])


def test_the_solves_of_many_lanes_are_bitwise_those_of_each_alone(operator):
    right, left, width, cells, shares = operator
    y = np.random.default_rng(6).uniform(size=(CELLS + 2, LANES))
    together = all_solves(*operator, TAU, shifts(), y)
    for k in range(LANES):
        lane = slice(k, k + 1)
        alone = all_solves(
            right[:, lane].copy(),
            left[:, lane].copy(),
            width,
            cells,
            shares,
            TAU[lane],
            shifts()[lane],
            y[:, lane].copy(),
        )
        assert np.array_equal(together[:, lane], alone)


# -- what floating point must not break -------------------------------------------------------------------------

seeds = st.integers(0, 2**32 - 1)


@given(seeds, decades(1e-4, 1e4))
def test_solutions_of_non_negative_data_are_non_negative(seed, shift):
    rng = np.random.default_rng(seed)
    right, left = random_face_weights(rng, lanes=3, decades=8.0)
    width = 10.0 ** rng.uniform(-3.0, 0.0, CELLS)
    shift = np.full(3, shift)
    x = rng.uniform(size=(CELLS, 3)) * (rng.uniform(size=(CELLS, 3)) < 0.2)
    kernels.substitute(x, right, left, width, eliminated((right, left, width), shift))
    assert np.all(x >= 0.0)


@given(seeds, decades(1e-4, 1e4), st.sampled_from([0.0, 1e-3, 0.5, 10.0]))
def test_a_backward_euler_step_keeps_sign_and_mass(seed, shift, tau):
    rng = np.random.default_rng(seed)
    right, left = random_face_weights(rng, lanes=3, decades=8.0)
    width = 10.0 ** rng.uniform(-3.0, 0.0, CELLS)
    y = rng.uniform(size=(CELLS + 2, 3)) * (rng.uniform(size=(CELLS + 2, 3)) < 0.5)
    y[CELLS] *= tau > 0.0
    before = width @ y[:CELLS] + y[CELLS]
    reset = rng.integers(0, CELLS - 1) + np.arange(2)
    shares = rng.dirichlet([1.0, 1.0])
    scratch = np.empty((2, CELLS, 3))
    kernels.backward_euler(y, right, left, width, reset, shares, np.full(3, tau), np.full(3, shift), *scratch)
    assert np.all(y >= 0.0)
    after = width @ y[:CELLS] + y[CELLS]
    np.testing.assert_allclose(after, before, rtol=40 * np.finfo(float).eps)


@given(seeds, between(0.0, 1.0))
def test_what_the_balance_takes_from_one_cell_it_gives_to_another(seed, pool):
    rng = np.random.default_rng(seed)
    right, left = random_face_weights(rng, lanes=1)
    width = 10.0 ** rng.uniform(-1.5, 0.0, CELLS)
    y = np.vstack([rng.uniform(size=(CELLS, 1)), [[pool]], [[0.0]]])
    out = np.empty_like(y)
    kernels.balance(y, right, left, width, np.array([19, 20]), np.array([0.3, 0.7]), np.array([0.2]), out)
    scale = np.max(np.abs(right) + np.abs(left)) + 1.0
    assert abs(width @ out[:CELLS, 0] + out[CELLS, 0]) < 40 * np.finfo(float).eps * scale


def test_a_tiny_shift_loses_no_accuracy():
    # 1/shift is a step a billion times the relaxation time: subtracting on the diagonal would lose nine digits.
    width = np.full(CELLS, 0.1)
    right, left = random_face_weights(np.random.default_rng(7), lanes=1, decades=0.0)
    right[-1] = 0.0  # nothing leaves: the solution for a uniform source is its equilibrium
    x = np.ones((CELLS, 1))
    shift = np.array([1e-9])
    kernels.substitute(x, right, left, width, eliminated((right, left, width), shift))
    np.testing.assert_allclose(x, 1e9, rtol=1e-13)
