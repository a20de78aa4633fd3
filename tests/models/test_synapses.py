"""Kernels on labels, actual synapses, and the measurement of their scaling."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import coo_array, csc_array, csr_array

from fokkerplanck.models.synapses import (
    BlockKernel,
    ConstantKernel,
    GaussLegendre,
    LowRankKernel,
    LowRankMatrix,
    Midpoint,
    ParetoDegrees,
    PermutationKernel,
    RingKernel,
    SmoothKernel,
    SynapseMatrix,
    as_synapses,
    chung_lu,
    erdos_renyi,
    family_scaling,
    hub_network,
    in_degree_kernel,
    labels,
    scaling,
)
from fokkerplanck.outcomes import InvalidArgument


def wave(xi, zeta):
    return 2.0 * (0.4 + 1.2 * xi + 0.6 * np.cos(2.0 * np.pi * (xi - zeta)))


SMOOTH = SmoothKernel(wave)
BLOCKS = BlockKernel([[2.5, -2.0], [3.0, -1.5]], [0.8, 0.2])
RING = RingKernel([0.7, -0.4], [0.05, -0.3])
TURN = PermutationKernel(1.5, lambda xi: (xi + 0.3) % 1.0)
KERNELS = {
    "constant": ConstantKernel(-1.3),
    "blocks": BLOCKS,
    "smooth": SMOOTH,
    "low rank": LowRankKernel([lambda x: x, np.cos], [np.exp, np.ones_like]),
    "in-degree": in_degree_kernel(lambda xi: 2.0 * xi),
    "ring": RING,
    "permutation": PermutationKernel(2.0, [2, 0, 3, 1]),
    "map": TURN,
    "actual": erdos_renyi(40, 10.0, -2.0),
}
every_kernel = pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())


# --- on labels --------------------------------------------------------------------------------------------------------


@every_kernel
def test_a_coupling_is_a_matrix_with_a_transpose(kernel):
    coupling = kernel.quadrature(None if isinstance(kernel, SynapseMatrix) else 12)
    K, lanes = coupling.dense(), coupling.lanes
    x = np.random.default_rng(1).normal(size=(lanes, 3))
    assert coupling.xi.shape == coupling.weight.shape == (lanes,)
    assert coupling.weight.sum() == pytest.approx(1.0, abs=1e-14)
    assert coupling.matrix.shape == K.shape == (lanes, lanes)
    assert np.allclose(coupling.matrix @ x, K @ x, atol=1e-13)
    assert np.allclose(coupling.matrix @ x[:, 0], K @ x[:, 0], atol=1e-13)
    assert np.allclose(coupling.matrix.T @ x, K.T @ x, atol=1e-13)


@every_kernel
def test_the_mean_drift_of_rate_one_is_the_mass_of_the_kernel(kernel):
    known = {
        id(SMOOTH): 2.0, id(BLOCKS): 0.8 * 1.6 + 0.2 * 2.1, id(RING): 0.3, id(TURN): 1.5,
    }.get(id(kernel))  # fmt: skip
    if known is not None:
        coupling = kernel.quadrature(64)
        assert coupling.weight @ (coupling.matrix @ np.ones(64)) == pytest.approx(known, abs=1e-12)


def test_blocks_are_exact_with_one_label_each_and_with_more():
    few, many = BLOCKS.quadrature(), BLOCKS.quadrature(9)
    rates = np.array([0.3, 0.7])
    drift = few.matrix @ rates
    assert drift == pytest.approx([2.5 * 0.24 - 2.0 * 0.14, 3.0 * 0.24 - 1.5 * 0.14], abs=1e-15)
    where = BLOCKS.block(many.xi)
    assert np.bincount(where).tolist() == [7, 2]
    assert many.matrix @ rates[where] == pytest.approx(drift[where], abs=1e-14)
    assert many.weight @ where == pytest.approx(0.2, abs=1e-15)


def test_a_smooth_kernel_converges_spectrally_and_by_the_midpoint_rule_at_order_two():
    def drift(rule, lanes):  # at ξ = 0.3, of R = 1 + ζ
        xi, weight = rule(lanes)
        values = SMOOTH.value(np.array([[0.3]]), xi[None, :])
        return values[0] @ (weight * (1.0 + xi))

    exact = 2.0 * 0.76 * 1.5 + 1.2 * -math.sin(2.0 * math.pi * 0.3) / (2.0 * math.pi)
    assert drift(GaussLegendre(), 16) == pytest.approx(exact, abs=1e-13)
    errors = [abs(drift(Midpoint(), lanes) - exact) for lanes in (20, 40, 80)]
    assert -np.diff(np.log2(errors)) == pytest.approx([2.0, 2.0], abs=0.05)


def test_a_ring_is_exact_on_labels_and_of_second_order_between():
    def error(lanes, shift):
        coupling = RingKernel(2.0, shift).quadrature(lanes)
        wave = np.sin(2 * np.pi * coupling.xi)
        return np.max(np.abs(coupling.matrix @ wave - 2.0 * np.sin(2 * np.pi * (coupling.xi + shift))))

    assert error(40, 0.25) < 1e-13
    assert error(40, -0.275) < 1e-13
    between = [error(lanes, 5.5 / lanes) for lanes in (50, 100, 200)]
    assert -np.diff(np.log2(between)) == pytest.approx([2.0, 2.0], abs=0.02)


@given(st.integers(2, 60), st.floats(-3.0, 3.0), st.floats(-2.0, 2.0))
def test_rows_and_columns_of_a_ring_sum_to_its_strength(lanes, shift, strength):
    matrix = RingKernel(strength, shift).quadrature(lanes).matrix
    assert matrix.sum(axis=0) == pytest.approx(strength, abs=1e-12)
    assert matrix.sum(axis=1) == pytest.approx(strength, abs=1e-12)
    assert matrix.nnz <= 2 * lanes


@given(st.permutations(range(7)), st.integers(1, 4))
def test_a_permutation_carries_rates_where_it_should(order, times):
    coupling = PermutationKernel(-2.0, order).quadrature(7 * times)
    matrix = coupling.dense()
    assert sorted(np.count_nonzero(matrix, axis=0)) == sorted(np.count_nonzero(matrix, axis=1)) == [1] * 7 * times
    rates = np.arange(7.0)[np.minimum((coupling.xi * 7).astype(int), 6)]
    assert coupling.matrix @ rates == pytest.approx(-2.0 * np.asarray(order)[np.repeat(np.arange(7), times)])


def test_a_low_rank_kernel_is_the_smooth_kernel_of_its_sum():
    kernel = KERNELS["low rank"]
    # A function of one label, or of none, need not broadcast by itself.
    assert np.array_equal(
        SmoothKernel(lambda x, z: 2.0).quadrature(3).dense(), ConstantKernel(2.0).quadrature(3).dense()
    )
    assert np.allclose(
        SmoothKernel(lambda x, z: x).quadrature(3).dense().sum(axis=1), SmoothKernel(wave).quadrature(3).xi
    )
    same = SmoothKernel(lambda x, z: x * np.exp(z) + np.cos(x) * np.ones_like(z))
    assert isinstance(kernel.quadrature(10).matrix, LowRankMatrix)
    assert np.allclose(kernel.quadrature(10).dense(), same.quadrature(10).dense(), atol=1e-14)
    assert np.allclose(kernel.sample(20).matrix, same.sample(20).matrix, atol=1e-15)
    assert abs(kernel.sample(300, 3, 20.0).matrix - same.sample(300, 3, 20.0).matrix).max() < 1e-15


# --- actual synapses --------------------------------------------------------------------------------------------------


def test_samples_of_a_density_are_the_kernel_over_n_without_autapses():
    synapses = SMOOTH.sample(50)
    i, j = 7, 31
    assert synapses.xi == pytest.approx((np.arange(50) + 0.5) / 50)
    assert synapses.matrix[i, j] == pytest.approx(wave(synapses.xi[i], synapses.xi[j]) / 50)
    assert np.all(np.diag(synapses.matrix) == 0.0)


def test_an_erdos_renyi_graph_has_independent_edges_of_the_right_probability():
    count, degree = 2000, 80.0
    matrix = erdos_renyi(count, degree, 2.0, seed=4).matrix
    pairs, p = count * (count - 1), degree / count
    assert abs(matrix.nnz - pairs * p) < 4.0 * math.sqrt(pairs * p)
    assert np.all(matrix.data == 2.0 / degree)
    assert matrix.diagonal().max() == 0.0
    for axis in (0, 1):  # degrees are binomial
        degrees = matrix.sum(axis=axis) * degree / 2.0
        assert np.var(degrees) == pytest.approx(count * p * (1.0 - p), rel=4.0 * math.sqrt(2.0 / count))
    assert (erdos_renyi(count, degree, 2.0, seed=4).matrix != matrix).nnz == 0
    assert (erdos_renyi(count, degree, 2.0, seed=5).matrix != matrix).nnz > 0
    assert erdos_renyi(30, 30.0).synapses == 30 * 29


def test_drawing_in_chunks_changes_nothing_but_the_stream(monkeypatch):
    from fokkerplanck.models import synapses

    monkeypatch.setattr(synapses, "CHUNK", 500)
    matrix = SMOOTH.sample(400, 2, 50.0).matrix
    assert abs(matrix.nnz - 400 * 399 * 0.125) < 4.0 * math.sqrt(400 * 399 * 0.125)
    assert matrix.has_canonical_format
    rows = matrix.tocoo()
    xi = labels(400)
    assert rows.data == pytest.approx(wave(xi[rows.coords[0]], xi[rows.coords[1]]) / 50.0)


def test_a_chung_lu_graph_has_the_degrees_that_it_should():
    count, degree = 1500, 60.0
    total = np.zeros(count)
    for seed in range(10):
        synapses = chung_lu(count, degree, 2.0, seed=seed)
        total[np.rint(synapses.xi * count - 0.5).astype(int)] += synapses.matrix.sum(axis=1)
    expected = 2.0 * ParetoDegrees()(labels(count))
    groups = [(total[a:b].mean() / 10, expected[a:b].mean()) for a, b in ((0, 500), (500, 1000), (1000, 1450))]
    for found, wanted in groups:
        assert found == pytest.approx(wanted, rel=0.02)


@given(st.floats(2.1, 5.0), st.floats(1.5, 50.0))
def test_the_degrees_have_mean_one_and_the_cap(exponent, cap):
    degrees = ParetoDegrees(exponent, cap)
    u, weight = GaussLegendre()(200)
    assert weight @ degrees(u) == pytest.approx(1.0, rel=1e-4)
    assert degrees.quantile(np.array([0.0, 1.0])) == pytest.approx([1.0, cap])


def test_without_a_cap_the_degrees_have_mean_one_and_the_largest_grows():
    degrees = ParetoDegrees(3.0, None)  # Q = (1 − u)^(−1/2), of mean 2
    assert degrees(np.array([0.0, 0.75])) == pytest.approx([0.5, 1.0])


@pytest.mark.parametrize("kernel", [RING, TURN], ids=["ring", "map"])
def test_atoms_are_spread_over_windows_that_shrink(kernel):
    few, many = kernel.sample(100), kernel.sample(6400)

    def R(xi):
        return 1.0 + np.sin(2 * np.pi * xi)

    exact = {
        id(RING): lambda xi: 0.7 * R(xi + 0.05) - 0.4 * R(xi - 0.3),
        id(TURN): lambda xi: 1.5 * R(xi + 0.3),
    }[id(kernel)]
    errors = [np.max(np.abs(s.matrix @ R(s.xi) - exact(s.xi))) for s in (few, many)]
    assert errors[1] < 0.02
    assert errors[1] < errors[0]
    family = family_scaling([kernel.sample(n) for n in (100, 400, 1600)])
    assert family.bounded
    assert family.decay == pytest.approx(-0.5, abs=0.03)
    assert not family_scaling([kernel.sample(n, degree=1) for n in (100, 400)]).vanishing


def test_actual_synapses_come_in_every_form_and_are_left_alone():
    dense = np.array([[0.0, 1.0, 0.0], [2.0, 0.0, -3.0], [0.0, 0.5, 0.0]])
    for form in (csc_array, csr_array, coo_array):
        synapses = SynapseMatrix(form(dense))
        assert np.array_equal(synapses.matrix.toarray(), dense)
        assert synapses.columns[1].dtype == np.int32
        assert synapses.received == pytest.approx([1.0, 5.0, 0.5])
    doubled = csc_array((np.ones(4), np.array([0, 0, 1, 1]), np.array([0, 2, 4])), shape=(2, 2))
    assert SynapseMatrix(doubled).matrix.toarray().tolist() == [[2.0, 0.0], [0.0, 2.0]]
    assert doubled.nnz == 4
    part = SynapseMatrix(dense).sample(2, seed=1)
    assert part.count == 2
    assert as_synapses(dense).synapses == 9


# --- scaling ----------------------------------------------------------------------------------------------------------


@given(st.integers(1, 30), st.integers(0, 2**20), st.floats(0.05, 1.0))
def test_scaling_is_what_it_says(count, seed, density):
    rng = np.random.default_rng(seed)
    W = rng.normal(size=(count, count)) * (rng.random((count, count)) < density)
    for form in (W, csc_array(W)):
        found = scaling(form)
        assert found.rows == pytest.approx(np.abs(W).sum(axis=1).max())
        assert found.columns == pytest.approx(np.abs(W).sum(axis=0).max())
        assert found.largest == pytest.approx(np.abs(W).max())
        assert found.spread == pytest.approx(math.sqrt((W**2).sum() / count))
    turned = scaling(W.T)
    assert (turned.rows, turned.columns) == pytest.approx((found.columns, found.rows))


SIZES = (200, 800, 3200)


def test_the_families_of_the_theory_pass_and_hubs_fail():
    capped, free = ParetoDegrees(2.5, 8.0), ParetoDegrees(2.5, None)
    graphs = {
        "Erdős–Rényi": [erdos_renyi(n, 4 * math.sqrt(n), 2.0) for n in SIZES],
        "capped": [chung_lu(n, 4 * math.sqrt(n), 2.0, capped, noise=0.5) for n in SIZES],
        "uncapped": [chung_lu(n, 4 * math.sqrt(n), 2.0, free, noise=0.5) for n in SIZES],
        "hub": [hub_network(n, 4 * math.sqrt(n), 2.0) for n in SIZES],
    }
    found = {name: family_scaling(graph) for name, graph in graphs.items()}
    assert {name: (f.bounded, f.vanishing) for name, f in found.items()} == {
        "Erdős–Rényi": (True, True), "capped": (True, True), "uncapped": (False, True), "hub": (False, False),
    }  # fmt: skip
    assert found["Erdős–Rényi"].decay == pytest.approx(-0.5, abs=1e-9)
    assert 0.35 < found["uncapped"].growth < 0.75
    assert found["hub"].growth == pytest.approx(1.0, abs=0.1)
    assert "fails" in found["uncapped"].verdict
    assert "hubs grow like N^" in found["uncapped"].verdict
    assert "holds as far as is seen" in str(found["capped"])
    assert "hubs" in scaling(graphs["uncapped"][-1]).verdict
    assert "send" in scaling(graphs["hub"][-1]).verdict


def test_the_sizes_of_the_published_cases():
    smooth = scaling(SMOOTH.sample(200))
    assert smooth.rows == pytest.approx(3.17, abs=0.01)
    assert smooth.columns == pytest.approx(2.04, abs=0.01)
    assert (smooth.largest, smooth.spread) == pytest.approx((0.0220, 0.160), rel=0.01)
    assert "Nothing speaks against" in str(smooth)
    large = scaling(np.array([[0.0, 1.0], [1.0, 0.0]]))
    assert "not small" in large.verdict
    assert scaling(np.zeros((3, 3))).unevenness == 1.0


# --- refusals ---------------------------------------------------------------------------------------------------------

REFUSED = [
    (lambda: ConstantKernel(math.nan), "w"),
    (lambda: ConstantKernel(1.0).quadrature(0), "lanes"),
    (lambda: ConstantKernel(1.0).sample(0), "count"),
    (lambda: ConstantKernel(1.0).sample(10, degree=11.0), "degree"),
    (lambda: BlockKernel([[1.0]], [0.5]), "shares"),
    (lambda: BlockKernel([[1.0, 2.0]], [0.5, 0.5]), "matrix"),
    (lambda: BlockKernel([[math.inf]], [1.0]), "matrix"),
    (lambda: BLOCKS.quadrature(1), "lanes"),
    (lambda: SmoothKernel(3.0), "function"),
    (lambda: SmoothKernel(lambda x, z: x[:, 0]).quadrature(3), "function"),
    (lambda: LowRankKernel([], []), "left"),
    (lambda: LowRankKernel([np.cos], [np.cos, np.sin]), "right"),
    (lambda: in_degree_kernel(lambda xi: 1.0).quadrature(3), "left"),
    (lambda: LowRankMatrix(np.ones((2, 1)), np.ones((2, 2))), "right"),
    (lambda: RingKernel([1.0], [0.1, 0.2]), "shifts"),
    (lambda: RingKernel([math.nan], [0.1]), "strengths"),
    (lambda: RING.sample(10, degree=11), "degree"),
    (lambda: PermutationKernel(1.0, [0, 0]), "map"),
    (lambda: PermutationKernel(1.0, [0.5]), "map"),
    (lambda: PermutationKernel(1.0, lambda xi: xi**2), "preserve measure"),
    (lambda: PermutationKernel(1.0, lambda xi: xi + 0.5), "map"),
    (lambda: SynapseMatrix(np.ones((2, 3))), "matrix"),
    (lambda: SynapseMatrix([[math.nan]]), "matrix"),
    (lambda: SynapseMatrix([[1.0]], xi=[2.0]), "xi"),
    (lambda: SynapseMatrix([[1.0]]).quadrature(2), "lanes"),
    (lambda: SynapseMatrix([[1.0]]).sample(2), "count"),
    (lambda: SynapseMatrix([[1.0]]).columns, "columns"),
    (lambda: as_synapses(RING), "sample"),
    (lambda: family_scaling([np.ones((2, 2))]), "sizes"),
    (lambda: family_scaling([np.ones((2, 2)), np.zeros((3, 3))]), "without synapses"),
    (lambda: ParetoDegrees(2.0), "exponent"),
    (lambda: ParetoDegrees(2.5, 1.0), "cap"),
    (lambda: chung_lu(10, 2.0, noise=-1.0), "noise"),
]


@pytest.mark.parametrize(("call", "word"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(call, word):
    with pytest.raises(InvalidArgument, match=word):
        call()


def test_a_map_that_is_not_one_to_one_may_preserve_measure():
    coupling = PermutationKernel(1.0, lambda xi: (2.0 * xi) % 1.0).quadrature(400)
    R = np.sin(2 * np.pi * coupling.xi)
    assert np.max(np.abs(coupling.matrix @ R - np.sin(4 * np.pi * coupling.xi))) < 1e-3
