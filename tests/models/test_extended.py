"""The extended density f(t, v, ξ): what it must reduce to, what it must conserve, and how it converges in ξ."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array

import fokkerplanck as fp
from fokkerplanck.models.extended import as_kernel
from fokkerplanck.models.synapses import (
    Coupling,
    GaussLegendre,
    LowRankMatrix,
    Midpoint,
    erdos_renyi,
    in_degree_kernel,
    labels,
)
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.trees import Tree, tree_observable


def sigmoid(v):
    return 5.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


SOFT = fp.SoftThreshold(sigmoid)
PLACE = {"a0": 0.125, "V_R": 0.0, "V_F": 1.0, "external": 0.8}
NEURON = fp.nnlif(b=0.0, threshold=SOFT, **PLACE)
HARD = fp.nnlif(b=0.0, **(PLACE | {"external": 0.3}))
LAWS = {
    "soft": NEURON,
    "hard": HARD,
    "random": fp.nnlif(b=0.0, threshold=fp.RandomThreshold(0.1), **PLACE),
    "refractory": fp.nnlif(b=0.0, threshold=SOFT, refractory=fp.ExponentialRefractory(0.2), **PLACE),
    "silent": fp.nnlif(b=0.0, threshold=SOFT, refractory=fp.FixedRefractory(0.15), **PLACE),
    "driven": fp.nnlif(b=0.0, threshold=SOFT, **(PLACE | {"external": lambda t: 0.8 + 0.5 * np.sin(t)})),
}
DATUM = fp.gaussian(0.2, 0.09)
END = 0.6
STEP = fp.BackwardEuler(0.02)
WAVE = fp.by_label(lambda xi: fp.gaussian(0.2 + 0.3 * np.sin(2.0 * np.pi * xi), 0.09))


def wave(xi, zeta):
    return 2.0 * (0.4 + 1.2 * xi + 0.6 * np.cos(2.0 * np.pi * (xi - zeta)))


def cells(model, count=120, high=9.0):
    return model.grid(count, v_min=-2.5, v_max=high if model.open else None)


def solved(model, initial=DATUM, stepper=STEP, end=END, **keywords):
    return fp.solve(
        model, initial, (0.0, end), grid=cells(model), stepper=stepper, estimate_error=False, **keywords
    )  # fmt: skip


def with_coupling(neuron, b, delay=0.0):
    coupling = dataclasses.replace(neuron.coupling, b=b, delay=delay)
    return dataclasses.replace(neuron, coupling=coupling)


def same(one, other, rtol=1e-11):
    """The rates of two runs on the same steps."""
    assert np.array_equal(one.t, other.t)
    np.testing.assert_allclose(one.rate, other.rate, rtol=rtol, atol=1e-14)


# --- what is known already --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stepper", [STEP, fp.BackwardEuler(0.02, self_consistent=True)], ids=["lagged", "own"])
@pytest.mark.parametrize("w", [1.4, -1.4])
@pytest.mark.parametrize("law", LAWS)
def test_a_constant_kernel_is_the_classical_mean_field(law, w, stepper):
    neuron = LAWS[law]
    model = fp.ExtendedPopulation(fp.ConstantKernel(w), neuron, lanes=5)
    many, one = solved(model, stepper=stepper), solved(with_coupling(neuron, w), stepper=stepper)
    assert np.array_equal(many.t, one.t)
    np.testing.assert_allclose(many.rate, np.tile(one.rate[:, None], 5), rtol=1e-10)
    np.testing.assert_allclose(many.final.density, np.tile(one.final.density, (5, 1)), rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize("kernel", [fp.ConstantKernel(1.4), np.full((7, 7), 0.2), csr_array(np.full((7, 7), 0.2))])
def test_by_the_default_stepper_as_well(kernel):
    many = solved(fp.ExtendedPopulation(kernel, NEURON), stepper=None)
    one = solved(with_coupling(NEURON, 1.4), stepper=None)
    times = np.linspace(0.0, END, 40)
    np.testing.assert_allclose(many.rate_at(times)[:, 0], one.rate_at(times), rtol=2e-5)
    assert np.ptp(many.rate, axis=1).max() < 1e-12


@pytest.mark.parametrize("delay", [0.0, 0.1])
def test_equal_rows_may_be_unequal_columns(delay):
    """Where the start is the same for all, S(ξ) = R ∫ w(ξ, dζ): rows of equal sums are a classical network."""
    rng = np.random.default_rng(4)
    matrix = rng.normal(size=(9, 9))
    matrix += (0.7 - matrix.sum(axis=1, keepdims=True)) / 9
    many = solved(fp.ExtendedPopulation(matrix, NEURON, delay=delay))
    one = solved(with_coupling(NEURON, 0.7, delay))
    np.testing.assert_allclose(many.rate, np.tile(one.rate[:, None], 9), rtol=1e-10)


@pytest.mark.parametrize("delay", [0.0, 0.13])
@pytest.mark.parametrize("neuron", [NEURON, HARD], ids=["soft", "hard"])
def test_a_block_kernel_is_a_network(neuron, delay):
    J, shares = np.array([[1.0, -2.0], [1.4, -1.5]]), np.array([0.8, 0.2])
    data = [fp.gaussian(0.2, 0.04), fp.gaussian(0.5, 0.04)]
    blocks = fp.ExtendedPopulation(fp.BlockKernel(J, shares), neuron, delay=delay)
    network = fp.Network([neuron, neuron], J * shares, delays=delay)
    same(solved(blocks, data), solved(network, data))
    split = fp.ExtendedPopulation(fp.BlockKernel(J, shares), neuron, lanes=10, delay=delay)
    each = [data[p] for p in fp.BlockKernel(J, shares).block(split.xi)]
    fine, whole = solved(split, each), solved(blocks, data)
    where = fp.BlockKernel(J, shares).block(split.xi)
    np.testing.assert_allclose(fine.rate, whole.rate[:, where], rtol=1e-10)


def test_external_currents_of_labels_are_those_of_populations():
    matrix, currents = np.array([[0.0, 1.0], [-0.5, 0.2]]), np.array([0.3, -0.2])
    model = fp.ExtendedPopulation(matrix, NEURON, external=currents)
    members = [
        dataclasses.replace(NEURON, coupling=dataclasses.replace(NEURON.coupling, external=0.8 + c)) for c in currents
    ]
    same(solved(model), solved(fp.Network(members, matrix)))
    same(
        solved(model), solved(fp.ExtendedPopulation(matrix, NEURON, external=lambda xi: np.where(xi < 0.5, 0.3, -0.2)))
    )


# --- symmetry ---------------------------------------------------------------------------------------------------------


@settings(max_examples=12, deadline=None)
@given(
    count=st.integers(2, 6),
    seed=st.integers(0, 2**31),
    delay=st.sampled_from([0.0, 0.05]),
    sparse=st.booleans(),
)
def test_numbers_of_neurons_are_only_names_and_mass_and_sign_are_kept(count, seed, delay, sparse):
    rng = np.random.default_rng(seed)
    matrix = rng.normal(size=(count, count)) * (rng.random((count, count)) < 0.7) * 3.0 / count
    means, order = rng.uniform(-0.3, 0.8, count), rng.permutation(count)
    kind = csr_array if sparse else np.array
    currents = rng.normal(size=count) * 0.3

    def run(who):
        model = fp.ExtendedPopulation(kind(matrix[np.ix_(who, who)]), NEURON, external=currents[who], delay=delay)
        return solved(model, [fp.gaussian(mean, 0.05) for mean in means[who]], end=0.3)

    plain, renamed = run(np.arange(count)), run(order)
    np.testing.assert_allclose(renamed.rate, plain.rate[:, order], rtol=1e-9)
    np.testing.assert_allclose(renamed.final.density, plain.final.density[order], rtol=1e-9, atol=1e-13)
    assert plain.quality.mass_error < 1e-12
    assert plain.quality.smallest_density >= 0.0
    np.testing.assert_allclose(plain.final.density @ plain.grid.width, 1.0, rtol=1e-12)
    # A neuron on its own, given the input that it had, is what it was: lanes meet through their currents only.
    received = matrix @ plain.rate[-1]
    np.testing.assert_allclose(fp.ExtendedPopulation(kind(matrix), NEURON).drives(plain.rate[-1]), received, rtol=1e-9)


@pytest.mark.parametrize("steps", [1, 7])
def test_a_ring_can_be_turned(steps):
    lanes = 20
    model = fp.ExtendedPopulation(fp.RingKernel([1.5, -0.8], [0.1, -0.25]), NEURON, lanes)
    means = 0.2 + 0.4 * np.sin(2.0 * np.pi * model.xi)
    data = [fp.gaussian(mean, 0.05) for mean in means]
    plain = solved(model, data)
    turned = solved(model, data[steps:] + data[:steps])
    np.testing.assert_allclose(turned.rate, np.roll(plain.rate, -steps, axis=1), rtol=1e-11)
    assert np.ptp(plain.rate[-1]) > 0.05


def test_a_permutation_of_intervals_is_exact_with_any_multiple_of_them():
    kernel = fp.PermutationKernel(1.2, [2, 0, 3, 1])
    data = [fp.gaussian(mean, 0.05) for mean in (0.0, 0.2, 0.4, 0.6)]
    few = solved(fp.ExtendedPopulation(kernel, NEURON), data)
    many = solved(fp.ExtendedPopulation(kernel, NEURON, 12), [datum for datum in data for _ in range(3)])
    np.testing.assert_allclose(many.rate, np.repeat(few.rate, 3, axis=1), rtol=1e-11)
    # Everybody listens to one other: four neurons in a cycle.
    matrix = 1.2 * np.eye(4)[[2, 0, 3, 1]]
    same(few, solved(fp.ExtendedPopulation(matrix, NEURON), data))


# --- the form of the matrix -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("stepper", [STEP, None], ids=["euler", "default"])
def test_low_rank_is_the_dense_matrix(stepper):
    turn = 2.0 * np.pi
    parts = (
        [lambda x: 0.8 + 2.4 * x, lambda x: 1.2 * np.cos(turn * x), lambda x: 1.2 * np.sin(turn * x)],
        [np.ones_like, lambda x: np.cos(turn * x), lambda x: np.sin(turn * x)],
    )
    thin = solved(fp.ExtendedPopulation(fp.LowRankKernel(*parts), NEURON, 16), WAVE, stepper)
    dense = solved(fp.ExtendedPopulation(wave, NEURON, 16), WAVE, stepper)
    times = np.linspace(0.0, END, 30)
    np.testing.assert_allclose(thin.rate_at(times), dense.rate_at(times), rtol=1e-8 if stepper is None else 1e-11)


@pytest.mark.parametrize("neuron", [NEURON, HARD], ids=["soft", "hard"])
@pytest.mark.parametrize("stepper", [STEP, None], ids=["euler", "default"])
def test_sparse_is_the_dense_matrix(stepper, neuron):
    synapses = erdos_renyi(30, 6.0, 0.9, seed=3)
    data = [fp.gaussian(0.1 + 0.3 * xi, 0.05) for xi in synapses.xi]
    sparse = solved(fp.ExtendedPopulation(synapses, neuron), data, stepper)
    dense = solved(fp.ExtendedPopulation(synapses.matrix.toarray(), neuron), data, stepper)
    times = np.linspace(0.0, END, 30)
    np.testing.assert_allclose(sparse.rate_at(times), dense.rate_at(times), rtol=1e-7 if stepper is None else 1e-11)


def test_more_lanes_than_are_eliminated_agree_with_fewer(monkeypatch):
    synapses = erdos_renyi(24, 6.0, 1.5, seed=3)
    model = fp.ExtendedPopulation(synapses, NEURON)
    direct = solved(model, stepper=fp.BackwardEuler(0.05, self_consistent=True))
    monkeypatch.setattr("fokkerplanck.models.wiring.DENSE", 2)
    same(direct, solved(model, stepper=fp.BackwardEuler(0.05, self_consistent=True)), rtol=1e-9)


# --- convergence ------------------------------------------------------------------------------------------------------


def averaged(kernel, lanes, initial=WAVE):
    model = fp.ExtendedPopulation(kernel, NEURON, lanes)
    sol = solved(model, initial)
    coupling = model.coupling
    return np.array(
        [
            tree_observable(
                tree, coupling, densities=sol.final.density, v=sol.v, width=sol.grid.width, test=sigmoid
            ).value
            for tree in Tree.all(3)
        ]
    )


def test_gauss_legendre_converges_spectrally_and_midpoints_at_order_two():
    exact = averaged(fp.SmoothKernel(wave), 40)
    spectral = [np.abs(averaged(fp.SmoothKernel(wave, GaussLegendre()), n) / exact - 1.0).max() for n in (6, 12, 20)]
    assert spectral[0] > 30.0 * spectral[1] > 900.0 * spectral[2]
    assert spectral[2] < 1e-9
    middle = [np.abs(averaged(fp.SmoothKernel(wave, Midpoint()), n) / exact - 1.0).max() for n in (10, 20, 40)]
    np.testing.assert_allclose(np.log2(np.array(middle[:-1]) / middle[1:]), 2.0, atol=0.1)


def test_a_ring_is_of_order_two_where_its_shift_lies_between_labels():
    """A third lies at a third between two of 4ⁿ labels, and on one of 48 or 96."""
    kernel = fp.RingKernel(1.5, 1.0 / 3.0)
    exact = averaged(kernel, 96)
    errors = np.array([np.abs(averaged(kernel, n) / exact - 1.0).max() for n in (16, 64, 256)])
    np.testing.assert_allclose(0.5 * np.log2(errors[:-1] / errors[1:]), 2.0, atol=0.1)
    np.testing.assert_allclose(averaged(kernel, 48), exact, rtol=1e-9)


def test_actual_synapses_at_full_resolution_tend_to_their_kernel():
    """No particles: the same labels and densities with w_ij = w(ξ_i, ξ_j)/N are the midpoint rule but for w_ii."""
    exact = averaged(fp.SmoothKernel(wave), 40)
    errors = []
    for count in (40, 80):
        synapses = fp.SmoothKernel(wave).sample(count)
        errors.append(np.abs(averaged(synapses, None) / exact - 1.0).max())
    assert 1.8 < errors[0] / errors[1] < 2.2


def test_a_soft_threshold_that_hardens_tends_to_the_hard_one():
    def rate(epsilon):
        neuron = fp.nnlif(b=0.0, threshold=fp.RandomThreshold(epsilon), **PLACE)
        model = fp.ExtendedPopulation(fp.ConstantKernel(-0.5), neuron, 2)
        return fp.solve(model, DATUM, (0.0, 1.0), estimate_error=False).rate[-1, 0]

    hard = fp.solve(with_coupling(fp.nnlif(b=0.0, **PLACE), -0.5), DATUM, (0.0, 1.0)).rate[-1]
    gaps = [hard - rate(epsilon) for epsilon in (4e-2, 1e-2, 2.5e-3)]
    np.testing.assert_allclose(np.log2(np.array(gaps[:-1]) / gaps[1:]), 1.0, atol=0.2)  # √ε: a factor of 2


# --- noise and no noise -----------------------------------------------------------------------------------------------


def test_without_noise_nothing_goes_below_the_reset_and_the_flux_there_is_the_rate():
    neuron = dataclasses.replace(NEURON, noise=dataclasses.replace(NEURON.noise, a0=0.0))
    model = fp.ExtendedPopulation(fp.ConstantKernel(2.0), neuron, 2)
    grid = model.grid(2800, v_min=-0.5, v_max=8.0)
    sol = fp.solve(model, fp.gaussian(1.0, 0.01), (0.0, 3.0), grid=grid, estimate_error=False)
    first = int(np.searchsorted(grid.faces, 0.0))
    assert sol.final.density[:, : first - 1].max() < 1e-12  # the source is spread over two cells
    speed = 0.8 + model.drives(sol.final.rate)
    ratio = sol.final.density[:, first] * speed / sol.final.rate
    np.testing.assert_allclose(ratio, 1.0, atol=0.01)
    np.testing.assert_allclose(sol.final.rate, 2.7288, rtol=3e-3)


# --- what solve asks --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kernel", "lanes", "initial"),
    [
        (fp.ConstantKernel(2.0), None, DATUM),
        (fp.SmoothKernel(wave), 16, WAVE),
        (fp.BlockKernel([[2.5, -2.0], [3.0, -1.5]], [0.8, 0.2]), None, DATUM),
        (in_degree_kernel(lambda xi: 7.0 * xi**2), 12, DATUM),
        (fp.RingKernel([3.0, -5.0], [0.1, 0.5]), 10, WAVE),
    ],
    ids=["constant", "smooth", "blocks", "low rank", "ring"],
)
@pytest.mark.filterwarnings("error::fokkerplanck.FokkerPlanckWarning")
def test_the_default_grid_holds_the_mass(kernel, lanes, initial):
    model = fp.ExtendedPopulation(kernel, NEURON, lanes)
    sol = fp.solve(model, initial, (0.0, 2.0), grid=model.grid(200, finest=0.02), estimate_error=False, rtol=1e-5)
    assert sol.quality.truncated_mass < 1e-9
    assert sol.quality.mass_error < 1e-12


def test_the_reach_of_inhibition_and_excitation_is_that_of_a_network():
    J, shares = np.array([[2.0, -9.0], [2.0, -9.0]]), np.array([0.6, 0.4])
    blocks = fp.ExtendedPopulation(fp.BlockKernel(J, shares), NEURON)
    thin = fp.ExtendedPopulation(LowRank(J * shares), NEURON)
    sparse = fp.ExtendedPopulation(csr_array(J * shares), NEURON)
    assert blocks.lowest_potential() == pytest.approx(sparse.lowest_potential(), rel=1e-9)
    assert blocks.highest_potential() == pytest.approx(sparse.highest_potential(), rel=1e-9)
    assert thin.lowest_potential() <= blocks.lowest_potential() < NEURON.lowest_potential()
    assert thin.highest_potential() >= blocks.highest_potential() > NEURON.highest_potential()


class LowRank:
    """A kernel of one's own: anything with a `quadrature`."""

    def __init__(self, matrix):
        self.matrix = matrix

    def quadrature(self, lanes=None):
        xi, weight = Midpoint()(len(self.matrix))
        return Coupling(xi, weight, LowRankMatrix(self.matrix, np.eye(len(xi))))


@pytest.mark.parametrize(
    ("kernel", "neuron", "delay", "possible"),
    [
        (fp.ConstantKernel(1.0), HARD, 0.0, True),
        (fp.ConstantKernel(1.0), HARD, 0.1, False),
        (fp.ConstantKernel(-1.0), HARD, 0.0, False),
        (fp.ConstantKernel(1.0), NEURON, 0.0, False),
        (np.array([[-1.0, 0.1], [-1.0, -1.0]]), HARD, 0.0, True),
        (csr_array([[-1.0, 0.1], [-1.0, -1.0]]), HARD, 0.0, True),
        (csr_array([[-1.0, 0.0], [-1.0, -1.0]]), HARD, 0.0, False),
    ],
)
def test_where_rates_may_beget_each_other(kernel, neuron, delay, possible):
    model = fp.ExtendedPopulation(kernel, neuron, delay=delay)
    assert model.may_blow_up is possible
    assert model.restless is (possible or (delay > 0.0 and neuron is HARD))
    assert model.always_noisy
    assert model.quiet_diffusion == 0.125


def test_a_blow_up_is_that_of_the_classical_network():
    neuron = fp.nnlif(b=0.0)
    datum = fp.gaussian(1.0, 0.01)
    model = fp.ExtendedPopulation(fp.ConstantKernel(3.0), neuron, 3)
    one = fp.solve(fp.nnlif(b=3.0), datum, (0.0, 1.0), grid=fp.nnlif(b=3.0).grid(400, finest=1e-4))
    many = fp.solve(model, datum, (0.0, 1.0), grid=model.grid(400, finest=1e-4))
    assert many.status is one.status is fp.Status.BLOW_UP
    assert many.blow_up.time == pytest.approx(one.blow_up.time, rel=1e-4)


def test_initial_data_in_all_their_forms():
    model = fp.ExtendedPopulation(fp.ConstantKernel(1.0), NEURON, 3)
    grid = cells(model)
    data = [fp.gaussian(0.2 + 0.3 * xi, 0.09) for xi in model.xi]
    plain = solved(model, data)
    same(plain, solved(model, fp.by_label(lambda xi: fp.gaussian(0.2 + 0.3 * xi, 0.09))))
    same(plain, solved(model, tuple(data)))
    same(plain, solved(model, np.array([grid.sample(datum) for datum in data])))
    same(plain, solved(model, fp.by_label(lambda xi: lambda v: np.exp(-((v - 0.2 - 0.3 * xi) ** 2) / 0.18))), 1e-7)
    half = solved(model, data, end=END / 2)
    rest = fp.solve(model, half.final, (END / 2, END), stepper=STEP, estimate_error=False)
    np.testing.assert_allclose(rest.rate[-1], plain.rate[-1], rtol=1e-10)


def test_averages_are_integrals():
    model = fp.ExtendedPopulation(wave, NEURON, 12)
    assert model.average(model.xi**2) == pytest.approx(1.0 / 3.0)
    assert model.average(np.ones((4, 12, 5)), axis=1).shape == (4, 5)
    assert model.weight.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(model.drives(np.ones(12)), 0.8 + 2.4 * model.xi, rtol=1e-12, atol=1e-2)


def test_kernels_in_all_their_forms():
    assert isinstance(as_kernel(wave), fp.SmoothKernel)
    assert isinstance(as_kernel([[0.0, 1.0], [1.0, 0.0]]), fp.SynapseMatrix)
    kernel = fp.BlockKernel([[1.0]], [1.0])
    assert as_kernel(kernel) is kernel
    coupling = kernel.quadrature()
    assert fp.ExtendedPopulation(coupling, NEURON).coupling is coupling
    model = fp.ExtendedPopulation(wave, NEURON, 8, delay=0.1)
    again = dataclasses.replace(model, external=0.3)
    assert (again.lanes, again.delay, again.currents[0]) == (8, 0.1, 0.3)
    assert "SmoothKernel" in repr(model)
    assert "8 labels" in repr(model)
    assert fp.ExtendedPopulation(fp.ConstantKernel(1.0), NEURON, external=lambda xi: xi).lanes == 32


CASES = {
    "a number": (lambda: fp.ExtendedPopulation(2.0, NEURON), "ConstantKernel"),
    "a class": (lambda: fp.ExtendedPopulation(fp.ConstantKernel, NEURON), "kernel"),
    "a text": (lambda: fp.ExtendedPopulation("ring", NEURON), "kernel"),
    "not square": (lambda: fp.ExtendedPopulation(np.ones((2, 3)), NEURON), "matrix"),
    "own coupling": (lambda: fp.ExtendedPopulation(wave, with_coupling(NEURON, 1.0)), "kernel"),
    "own noise": (lambda: fp.ExtendedPopulation(wave, fp.nnlif(b=0.0, a1=0.1)), "a1"),
    "no neuron": (lambda: fp.ExtendedPopulation(wave, 1.0), "model"),
    "lanes of a matrix": (lambda: fp.ExtendedPopulation(np.ones((2, 2)), NEURON, 3), "lanes"),
    "lanes": (lambda: fp.ExtendedPopulation(wave, NEURON, 2.5), "lanes"),
    "lanes of a coupling": (lambda: fp.ExtendedPopulation(fp.ConstantKernel(1.0).quadrature(2), NEURON, 3), "lanes"),
    "delay": (lambda: fp.ExtendedPopulation(wave, NEURON, delay=-1.0), "delay"),
    "external": (lambda: fp.ExtendedPopulation(wave, NEURON, 4, external=np.ones(3)), "external"),
    "external of time": (lambda: fp.ExtendedPopulation(wave, NEURON, 4, external=lambda t: 1.0), "external"),
    "not finite": (lambda: fp.ExtendedPopulation(wave, NEURON, 4, external=np.nan), "external"),
    "a kernel that is none": (lambda: fp.ExtendedPopulation(Wrong(), NEURON), "quadrature"),
    "labels": (lambda: fp.by_label(fp.gaussian(0.0, 1.0)), "density"),
    "one label": (lambda: solved(fp.ExtendedPopulation(fp.ConstantKernel(1.0), NEURON), WAVE), "lanes"),
    "too few data": (lambda: solved(fp.ExtendedPopulation(wave, NEURON, 4), [DATUM] * 3), "initial"),
    "rates": (lambda: fp.ExtendedPopulation(wave, NEURON, 4).drives(np.ones(3)), "rates"),
    "values": (lambda: fp.ExtendedPopulation(wave, NEURON, 4).average(np.ones((4, 3)), 1), "values"),
    "span": (lambda: fp.ExtendedPopulation(wave, LAWS["driven"], 4).grid(), "t_span"),
    "particles": (
        lambda: fp.simulate(fp.ExtendedPopulation(wave, NEURON, 4), 100, DATUM, (0.0, 1.0)),
        "simulate_synapses",
    ),
    "network": (
        lambda: fp.simulate(fp.Network([NEURON], [[1.0]]), 100, DATUM, (0.0, 1.0)),
        "simulate_synapses",
    ),
}


class Wrong:
    def quadrature(self, lanes=None):
        return np.ones((2, 2))


@pytest.mark.parametrize(("call", "word"), CASES.values(), ids=CASES)
def test_what_makes_no_sense_is_refused_by_name(call, word):
    with pytest.raises(InvalidArgument, match=word):
        call()


def test_a_solution_can_be_kept(tmp_path):
    sol = solved(fp.ExtendedPopulation(fp.RingKernel(1.0, 0.25), NEURON, 4))
    with pytest.warns(fp.FokkerPlanckWarning, match="not stored"):
        sol.save(tmp_path / "run.nc")
    assert np.array_equal(fp.load(tmp_path / "run.nc").rate, sol.rate)
    assert np.array_equal(labels(4), sol.model.xi)
