"""Trees and their observables, against the sums that they stand for."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csc_array

from fokkerplanck.models.synapses import BlockKernel, ConstantKernel, RingKernel, SmoothKernel, erdos_renyi
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.trees import Tree, tree_density, tree_gaps, tree_observable

ROOTED = [1, 1, 2, 4, 9, 20, 48, 115, 286]
"""Rooted trees with 1, 2, 3, … vertices."""


@st.composite
def trees(draw, largest=5):
    size = draw(st.integers(1, largest))
    return Tree((-1, *(draw(st.integers(0, k - 1)) for k in range(1, size))))


def brute(tree, W, V, tests):
    """The n-fold sum as it is written, of one realisation."""
    total = 0.0
    for who in itertools.product(range(len(V)), repeat=tree.size):
        term = math.prod(W[who[j], who[k]] for j, k in tree.edges)
        total += term * math.prod(phi(V[i]) for phi, i in zip(tests, who, strict=True))
    return total / len(V)


TESTS = [np.cos, np.sin, lambda v: v, lambda v: 1.0 / (1.0 + v * v), lambda v: v * v]


# --- trees ------------------------------------------------------------------------------------------------------------


def test_all_rooted_trees_are_there_once():
    every = Tree.all(9)
    assert [sum(tree.size == n for tree in every) for n in range(1, 10)] == ROOTED
    assert len({tree.form for tree in every}) == len(every)
    assert all(tree.canonical() == tree or tree.canonical().form == tree.form for tree in every)


@given(trees(7))
def test_every_tree_is_among_all(tree):
    assert sum(other.form == tree.form for other in Tree.all(tree.size)) == 1
    assert Tree.nested(tree.form).form == tree.form
    assert tree.canonical().canonical() == tree.canonical()
    assert tree.grafted(tree.size - 1).size == tree.size + 1


@given(trees(6), st.randoms(use_true_random=False))
def test_the_form_does_not_depend_on_the_order_of_the_vertices(tree, random):
    order = [0]  # a random order in which parents come first
    waiting = list(tree.children[0])
    while waiting:
        k = waiting.pop(random.randrange(len(waiting)))
        order.append(k)
        waiting += tree.children[k]
    place = {k: i for i, k in enumerate(order)}
    assert Tree(tuple(place.get(tree.parents[k], -1) for k in order)).form == tree.form


def test_names():
    assert [t.name for t in Tree.all(4)] == [
        "vertex", "chain of 2", "chain of 3", "star of 3", "chain of 4", "((()()))", "(()(()))", "star of 4",
    ]  # fmt: skip
    assert Tree.chain(4).edges == ((0, 1), (1, 2), (2, 3))
    assert Tree.star(4).children == ((1, 2, 3), (), (), ())
    assert Tree.chain(3).grafted(0).form == Tree((-1, 0, 0, 1)).form


# --- particles --------------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(trees(5), st.integers(1, 5), st.integers(0, 2**20), st.booleans())
def test_messages_give_the_sum_over_all_indices(tree, count, seed, sparse):
    rng = np.random.default_rng(seed)
    W, V = rng.normal(size=(count, count)), rng.normal(size=(3, count))
    form = csc_array(W * (rng.random(W.shape) < 0.6)) if sparse else W
    dense = form.toarray() if sparse else W
    for tests in ([np.cos] * tree.size, TESTS[: tree.size]):
        found = tree_observable(tree, form, particles=V, test=tests[0] if tests[0] is tests[-1] else tests)
        wanted = np.array([brute(tree, dense, row, tests) for row in V])
        assert found.samples == pytest.approx(wanted, rel=1e-9, abs=1e-9)
        assert found.value == pytest.approx(wanted.mean(), rel=1e-9, abs=1e-9)
        assert found.error == pytest.approx(wanted.std(ddof=1) / math.sqrt(3), rel=1e-6, abs=1e-9)


def test_the_formulas_for_up_to_four_vertices():
    rng = np.random.default_rng(3)
    W, V = rng.normal(size=(30, 30)) / 30, rng.normal(size=(30, 4))
    P = np.tanh(V)
    a = W @ P
    b, d = W @ (P * a), W @ (P * a * a)
    c = W @ (P * b)
    known = {
        (-1,): P, (-1, 0): P * a, (-1, 0, 1): P * b, (-1, 0, 0): P * a * a, (-1, 0, 1, 2): P * c,
        (-1, 0, 0, 0): P * a**3, (-1, 0, 1, 1): P * d, (-1, 0, 0, 1): P * a * b,
    }  # fmt: skip
    for parents, root in known.items():
        found = tree_observable(Tree(parents), W, particles=V.T, test=np.tanh)
        assert found.samples == pytest.approx(root.mean(axis=0), rel=1e-12)


def test_batches_change_nothing(monkeypatch):
    from fokkerplanck import trees as module

    rng = np.random.default_rng(0)
    W, V = rng.normal(size=(20, 20)), rng.normal(size=(9, 20))
    one = tree_observable(Tree.star(3), W, particles=V, test=np.cos)
    monkeypatch.setattr(module, "TOGETHER", 60)
    assert tree_observable(Tree.star(3), W, particles=V, test=np.cos).samples == pytest.approx(one.samples, rel=1e-13)


def test_a_single_realisation_has_no_error_and_no_test_counts_homomorphisms():
    W = erdos_renyi(400, 40.0, 2.0, seed=1)
    found = tree_observable(Tree.star(3), W, particles=np.zeros(400))
    assert found.value == pytest.approx(np.mean(W.matrix.sum(axis=1) ** 2))
    assert math.isnan(found.error)
    assert "Observable(" in repr(found)


# --- densities --------------------------------------------------------------------------------------------------------

CELLS = 60
EDGES = np.linspace(-3.0, 3.0, CELLS + 1)
CENTRES, WIDTH = 0.5 * (EDGES[1:] + EDGES[:-1]), 0.1


def bells(xi):
    f = np.exp(-0.5 * ((CENTRES - 0.5 * np.cos(2 * np.pi * xi[:, None])) / 0.4) ** 2)
    return f / (f.sum(axis=1, keepdims=True) * WIDTH)


def squashed(v):
    return 1.0 / (1.0 + np.exp(-5.0 * v))


def test_a_constant_kernel_gives_powers():
    coupling = ConstantKernel(2.0).quadrature(3)
    f = bells(np.full(3, 0.2))
    p = (f[0] * squashed(CENTRES)).sum() * WIDTH
    for tree in Tree.all(5):
        found = tree_observable(tree, coupling, densities=f, v=CENTRES, width=WIDTH, test=squashed)
        assert found.value == pytest.approx((2.0 * p) ** (tree.size - 1) * p, rel=1e-13)
        assert found.error == 0.0


KERNELS = {
    "constant": ConstantKernel(-0.7),
    "blocks": BlockKernel([[2.5, -2.0], [3.0, -1.5]], [0.8, 0.2]),
    "smooth": SmoothKernel(lambda x, z: 1.0 + x * np.cos(z)),
    "ring": RingKernel([0.5, -1.0], [0.1, 0.25]),
}


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_messages_give_the_integral_over_all_labels(kernel):
    coupling = kernel.quadrature(6)
    K, f = coupling.dense(), bells(coupling.xi)
    for tree in Tree.all(4):
        tests = TESTS[: tree.size]
        p = [(f * phi(CENTRES)).sum(axis=1) * WIDTH for phi in tests]
        wanted = sum(
            coupling.weight[who[0]]
            * math.prod(K[who[j], who[k]] for j, k in tree.edges)
            * math.prod(p[k][q] for k, q in enumerate(who))
            for who in itertools.product(range(6), repeat=tree.size)
        )
        found = tree_observable(tree, coupling, densities=f, v=CENTRES, width=np.full(CELLS, WIDTH), test=tests)
        assert found.value == pytest.approx(wanted, rel=1e-12, abs=1e-14)


def test_independent_neurons_tend_to_their_density():
    kernel = KERNELS["smooth"]
    coupling = kernel.quadrature(12)
    synapses = kernel.sample(400)
    rng = np.random.default_rng(2)
    V = 0.5 * np.cos(2 * np.pi * synapses.xi) + 0.4 * rng.normal(size=(200, 400))
    for tree in Tree.all(4):
        limit = tree_observable(tree, coupling, densities=bells(coupling.xi), v=CENTRES, width=WIDTH, test=squashed)
        found = tree_observable(tree, synapses, particles=V, test=squashed)
        assert found.value == pytest.approx(limit.value, abs=4.0 * found.error + 3.0 * tree.size / 400)


def test_the_wrong_kernel_is_seen_at_the_start():
    synapses = erdos_renyi(900, 90.0, 2.0, seed=3)
    V = 0.5 + 0.4 * np.random.default_rng(1).normal(size=(100, 900))
    worst = []
    for w in (2.0, 2.5):
        coupling = ConstantKernel(w).quadrature()
        gaps = tree_gaps(4, synapses, V, coupling, bells(np.zeros(1)), CENTRES, WIDTH, squashed)
        assert [gap.tree.size for gap in gaps] == [1, 2, 3, 3, 4, 4, 4, 4]
        worst.append(max(abs(gap.difference / gap.limit) for gap in gaps))
        assert "chain of 2: " in str(gaps[1])
    assert worst[0] < 0.05 < 0.4 < worst[1]


# --- as densities in the potentials -----------------------------------------------------------------------------------


@given(trees(3), st.integers(0, 2**20))
@settings(max_examples=30)
def test_the_histogram_holds_all_step_functions(tree, seed):
    rng = np.random.default_rng(seed)
    W, V = rng.normal(size=(6, 6)), rng.uniform(-1.0, 1.0, size=(2, 6))
    edges = np.array([-1.0, -0.2, 0.5, 1.0])
    found = tree_density(tree, csc_array(W), particles=V, edges=edges)
    volume = 1.0
    for _ in range(tree.size):
        volume = np.multiply.outer(volume, np.diff(edges))
    for cells in itertools.product(range(3), repeat=tree.size):
        tests = [lambda v, c=c: ((v >= edges[c]) & (v < edges[c + 1])).astype(float) for c in cells]
        wanted = tree_observable(tree, W, particles=V, test=tests)
        assert found.value[cells] * volume[cells] == pytest.approx(wanted.value, abs=1e-12)
        assert found.error[cells] * volume[cells] == pytest.approx(wanted.error, abs=1e-7)


@pytest.mark.parametrize("tree", [*Tree.all(3), Tree((-1, 0, 0))], ids=lambda tree: tree.name)
def test_the_density_of_the_limit_integrates_to_its_observable(tree):
    coupling = KERNELS["blocks"].quadrature()
    f = bells(coupling.xi)
    value = tree_density(tree, coupling, densities=f).value
    assert value.shape == (CELLS,) * tree.size
    tests = TESTS[: tree.size]
    for phi in reversed(tests):
        value = value @ (phi(CENTRES) * WIDTH)
    wanted = tree_observable(tree, coupling, densities=f, v=CENTRES, width=WIDTH, test=tests).value
    assert float(value) == pytest.approx(wanted, rel=1e-12)


def test_one_realisation_of_a_histogram():
    found = tree_density(Tree(), np.zeros((4, 4)), particles=[0.0, 1.0, 1.0, 5.0], edges=[0.0, 0.5, 1.0])
    assert found.value.tolist() == [0.5, 1.0]  # the last cell is closed
    assert np.all(np.isnan(found.error))
    assert "density of the shape (2,)" in repr(found)


# --- refusals ---------------------------------------------------------------------------------------------------------

W, V, F = np.zeros((3, 3)), np.zeros((2, 3)), np.ones((1, 4))
ONE = ConstantKernel(1.0).quadrature()
REFUSED = [
    (lambda: Tree(()), "parents"),
    (lambda: Tree((0,)), "parents"),
    (lambda: Tree((-1, 1)), "parents"),
    (lambda: Tree((-1, 0.5)), "parents"),
    (lambda: Tree.nested([()]), "subtrees"),
    (lambda: Tree.chain(0), "size"),
    (lambda: Tree.all(13), "size"),
    (lambda: Tree().grafted(1), "vertex"),
    (lambda: tree_observable((-1,), W, particles=V), "tree"),
    (lambda: tree_observable(Tree(), W), "particles"),
    (lambda: tree_observable(Tree(), W, particles=V, densities=F), "densities"),
    (lambda: tree_observable(Tree(), W, particles=np.zeros((2, 4))), "particles"),
    (lambda: tree_observable(Tree.chain(2), W, particles=V, test=[np.cos]), "test"),
    (lambda: tree_observable(Tree(), W, particles=V, test=lambda v: v[0]), "test"),
    (lambda: tree_observable(Tree(), ConstantKernel(1.0), densities=F, width=1.0), "quadrature"),
    (lambda: tree_observable(Tree(), W, densities=F, width=1.0), "Coupling"),
    (lambda: tree_observable(Tree(), ONE, densities=np.ones((2, 4)), width=1.0), "densities"),
    (lambda: tree_observable(Tree(), ONE, densities=F), "width"),
    (lambda: tree_observable(Tree(), ONE, densities=F, width=np.ones(3)), "width"),
    (lambda: tree_observable(Tree(), ONE, densities=F, width=1.0, test=np.cos), "`v` is missing"),
    (lambda: tree_observable(Tree(), ONE, densities=F, width=1.0, test=np.cos, v=np.ones(3)), "v"),
    (lambda: tree_density(Tree.chain(4), W, particles=V, edges=[0.0, 1.0]), "tree"),
    (lambda: tree_density(Tree(), W), "particles"),
    (lambda: tree_density(Tree(), W, particles=V), "edges"),
    (lambda: tree_density(Tree(), W, particles=V, edges=[1.0, 0.0]), "edges"),
    (lambda: tree_density(Tree.chain(3), ONE, densities=np.ones((1, 1000))), "numbers"),
]


@pytest.mark.parametrize(("call", "word"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(call, word):
    with pytest.raises(InvalidArgument, match=word):
        call()
