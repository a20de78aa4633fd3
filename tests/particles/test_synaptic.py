"""`simulate_synapses`: exact laws, the same bits, and the limits that are known."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad, solve_ivp
from scipy.sparse import csc_array

import fokkerplanck as fp
from fokkerplanck.models.synapses import SmoothKernel, erdos_renyi
from fokkerplanck.models.threshold import HardThreshold, RandomThreshold
from fokkerplanck.outcomes import InvalidArgument
from fokkerplanck.particles import kernels
from fokkerplanck.particles.synaptic import RateBounds, simulate_synapses
from fokkerplanck.trees import Tree

DATUM = fp.gaussian(0.2, 0.09)
ERRORS = 4.5
"""Standard errors."""


def phi(v):
    return 1.0 / (1.0 + np.exp(-(v - 1.0) / 0.2))


def sigmoid(v):
    return 5.0 * phi(v)


def never(v):
    return np.zeros(np.shape(v))


def weights(count, seed=0, size=1.0):
    W = np.random.default_rng(seed).normal(size=(count, count)) * size / math.sqrt(count)
    np.fill_diagonal(W, 0.0)
    return W


def run(W, rate=sigmoid, initial=DATUM, t_span=(0.0, 1.0), sigma=0.5, external=0.8, **keywords):
    return simulate_synapses(W, rate, initial, t_span, sigma, external=external, **keywords)


# --- closed forms -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [None, 0.25])
def test_without_spikes_each_neuron_is_an_ornstein_uhlenbeck_process(dt):
    current = np.linspace(-1.0, 1.0, 50)
    start = np.linspace(2.0, 0.0, 50)
    sol = run(np.zeros((50, 50)), never, start, (1.0, 2.5), 0.7, current, realisations=1000, dt=dt)
    V, fade = sol.potentials[0], math.exp(-1.5)
    mean, variance = current + (start - current) * fade, 0.5 * 0.49 * (1.0 - fade**2)
    assert np.all(np.abs(V.mean(axis=0) - mean) < ERRORS * math.sqrt(variance / 1000))
    assert np.all(np.abs(V.var(axis=0) / variance - 1.0) < ERRORS * math.sqrt(2.0 / 1000))
    assert sol.spikes.sum() == 0
    assert sol.exact == (dt is None)


@pytest.mark.parametrize("dt", [None, 0.05])
def test_at_a_constant_rate_spikes_are_poisson_and_two_moments_of_every_neuron_are_known(dt):
    # m' = −(1 + ν) m + I + ν Σ_j w_ij,  q' = −(2 + ν) q + 2 (I + ν Σ_j w_ij) m + σ² + ν Σ_j w_ij²
    W, nu, count, parts, end = weights(12), 1.7, 12, 8_000, 1.3
    np.fill_diagonal(W, 9.0)  # an autapse does nothing
    start = np.linspace(-1.0, 1.0, count)
    sol = run(W, lambda v: np.full(np.shape(v), nu), start, (0.0, end), realisations=parts, dt=dt)
    w = W - np.diag(np.diag(W))
    a, b = 0.8 + nu * w.sum(axis=1), 0.25 + nu * (w**2).sum(axis=1)

    def rhs(t, y):
        m, q = y[:count], y[count:]
        return np.concatenate([a - (1 + nu) * m, 2 * a * m + b - (2 + nu) * q])

    m, q = solve_ivp(rhs, (0.0, end), np.concatenate([start, start**2]), rtol=1e-10).y[:, -1].reshape(2, -1)
    V = sol.potentials[0]
    slack = 0.0 if dt is None else 2.0 * dt**2
    assert np.all(np.abs(V.mean(axis=0) - m) < ERRORS * V.std(axis=0) / math.sqrt(parts) + slack)
    assert np.all(np.abs((V**2).mean(axis=0) - q) < ERRORS * (V**2).std(axis=0) / math.sqrt(parts) + 3 * slack)
    mean, variance = sol.spikes.mean(), sol.spikes.var()
    assert mean == pytest.approx(nu * end, abs=ERRORS * math.sqrt(nu * end / (parts * count)))
    assert variance == pytest.approx(nu * end, rel=ERRORS * math.sqrt(3.0 / (parts * count)))


@pytest.mark.parametrize(
    "rate", [sigmoid, RandomThreshold(0.2, V_F=0.5), fp.SoftThreshold(lambda v: np.exp(-20.0 * (v - 0.7) ** 2))],
    ids=["sigmoid", "jump", "not monotone"],
)  # fmt: skip
def test_without_noise_and_synapses_the_time_of_the_first_spike_has_its_law(rate):
    hazard = rate.hazard if hasattr(rate, "hazard") else rate
    count = 40_000
    sol = run(csc_array((count, count)), rate, np.full(count, 0.1), (0.0, 1.5), 0.0, 1.2, bins=6, reset=-60.0)

    def at(t):
        return float(hazard(np.array([1.2 - 1.1 * math.exp(-t)]))[0])

    jump = math.log(1.1 / 0.7)
    survival = [math.exp(-quad(at, 0.0, t, points=[jump] if t > jump else None)[0]) for t in sol.t[1:]]
    alive = 1.0 - np.cumsum(sol.fired[0]) / count
    assert np.max(np.abs(alive - survival)) < ERRORS * 0.5 / math.sqrt(count)


def test_the_order_of_the_steps_is_two():
    W = SmoothKernel(lambda x, y: 2.0 + 0.0 * x * y).sample(100)
    exact = run(W, t_span=(0.0, 1.2), realisations=2500, seed=1)
    errors = []
    for dt in (0.3, 0.15):
        sol = run(W, t_span=(0.0, 1.2), realisations=2000, seed=2, dt=dt)
        assert exact.exact
        assert not sol.exact
        errors.append([exact.potentials.mean() - sol.potentials.mean(), exact.spikes.mean() - sol.spikes.mean()])
    assert np.all(np.array(errors[0]) > 3.0 * np.array(errors[1]))


def test_another_drift_goes_by_heun_and_agrees_with_the_leak():
    W = weights(60, size=0.3)
    leak = run(W, realisations=500, dt=0.02)
    same = run(W, realisations=500, dt=0.02, drift=lambda v: -v)
    assert np.max(np.abs(leak.potentials.mean(axis=1) - same.potentials.mean(axis=1))) < 0.05
    assert same.potentials.mean() == pytest.approx(leak.potentials.mean(), abs=8e-3)
    timed = run(W, realisations=500, external=lambda t: 0.8)
    assert not timed.exact
    assert timed.potentials.mean() == pytest.approx(leak.potentials.mean(), abs=8e-3)


def test_an_unbounded_rate_goes_by_steps_and_agrees_with_a_bounded_one():
    def rate(v):
        return np.exp(2.0 * np.minimum(v, 300.0) - 1.0)

    W = np.full((100, 100), 0.005)
    steps = run(W, rate, realisations=1000)
    assert not steps.exact
    capped = run(W, lambda v: np.minimum(rate(v), 40.0), realisations=1000, seed=1)
    assert capped.exact
    difference = abs(steps.spikes.mean() - capped.spikes.mean())
    assert difference < ERRORS * math.hypot(*(s.spikes.mean(axis=1).std() / math.sqrt(1000) for s in (steps, capped)))


# --- a hard threshold -------------------------------------------------------------------------------------------------


def test_a_hard_threshold_fires_at_the_stationary_rate_that_is_known():
    start = fp.solve(fp.nnlif(b=0.0), fp.compatible_gaussian(0.0, 0.25), (0.0, 8.0), estimate_error=False).final
    rng = np.random.default_rng(0)
    cumulated = np.concatenate([[0.0], np.cumsum(np.maximum(start.density, 0.0) * start.grid.width)])
    faces = np.concatenate([[start.grid.v_min], start.grid.v_min + np.cumsum(start.grid.width)])
    V = np.interp(rng.random(20_000) * cumulated[-1], cumulated, faces)
    silent = csc_array((len(V), len(V)))
    sol = run(silent, HardThreshold(2.0), V, (0.0, 4.0), math.sqrt(2.0), 0.0, reset=1.0, dt=0.02)
    value, error = sol.mean_rate(0.0, 4.0)
    assert value == pytest.approx(0.1199759652, abs=3.5 * error + 0.002)
    assert sol.potentials.max() < 2.0


def test_a_cascade_goes_from_neuron_to_neuron_within_an_instant():
    W = np.zeros((4, 4))
    W[1, 0], W[2, 1], W[3, 2] = 0.5, 0.5, 0.1
    sol = run(csc_array(W), HardThreshold(1.0), [0.99, 0.7, 0.6, 0.5], (0.0, 0.1), 0.0, 2.0, dt=0.02)
    assert sol.spikes.tolist() == [[1, 1, 1, 0]]
    assert sol.fired.sum() == 3
    leak = math.exp(-0.1)
    assert sol.potentials[0, 0, 3] == pytest.approx(2.0 - 1.5 * leak + 0.1 * math.exp(-0.08), abs=1e-12)


# --- bits -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", [{}, {"dt": 0.05}, {"rate": HardThreshold(1.0)}], ids=["exact", "steps", "hard"])
def test_neither_threads_nor_other_realisations_nor_the_form_of_the_matrix_change_a_bit(how):
    W = weights(80, size=0.2)
    one = run(W, realisations=5, seed=3, threads=1, save_at=[0.4, 1.0], **how)
    for other in (
        run(W, realisations=5, seed=3, threads=3, save_at=[0.4, 1.0], **how),
        run(W, realisations=8, seed=3, save_at=[0.4, 1.0], **how),
        run(csc_array(W), realisations=5, seed=3, save_at=[0.4, 1.0], **how),
    ):
        assert np.array_equal(one.potentials, other.potentials[:, :5])
        assert np.array_equal(one.spikes, other.spikes[:5])
        assert np.array_equal(one.fired, other.fired[:5])
    assert not np.array_equal(one.potentials, run(W, realisations=5, seed=4, save_at=[0.4, 1.0], **how).potentials)


def test_blocks_of_realisations_change_no_bit(monkeypatch):
    from fokkerplanck.particles import synaptic

    W = weights(80, size=0.2)
    one = run(W, realisations=7, dt=0.05)
    monkeypatch.setattr(synaptic, "TOGETHER", 160)
    assert np.array_equal(one.potentials, run(W, realisations=7, dt=0.05, threads=2).potentials)


def test_asking_the_rate_itself_every_time_changes_no_bit(monkeypatch):
    W = weights(50, size=0.5)
    one = run(W, realisations=3)
    init = RateBounds.__init__

    def ignorant(self, *arguments):
        init(self, *arguments)
        self.floor, self.ceiling = np.zeros_like(self.floor), np.full_like(self.ceiling, np.inf)

    monkeypatch.setattr(RateBounds, "__init__", ignorant)
    assert np.array_equal(one.potentials, run(W, realisations=3).potentials)


def test_a_long_run_renews_its_frame():
    sol = run(np.zeros((500, 500)), never, np.zeros(500), (0.0, 100.0), 1.0, 0.0, rate_bound=5.0)
    V = sol.potentials[0, 0]
    assert abs(V.mean()) < ERRORS * math.sqrt(0.5 / 500)
    assert V.var() == pytest.approx(0.5, rel=ERRORS * math.sqrt(2.0 / 500))
    silent = run(np.zeros((5, 5)), never, np.ones(5), (0.0, 30.0), 0.0, 0.0, rate_bound=50.0)
    assert silent.potentials[0, 0] == pytest.approx(math.exp(-30.0), rel=1e-9)


# --- bounds of the rate -----------------------------------------------------------------------------------------------

SHAPES = [
    fp.SoftThreshold(sigmoid).hazard,
    RandomThreshold(0.1, V_F=0.3).hazard,
    lambda v: 3.0 * np.exp(-((v - 0.7) ** 2) / 0.02),
    lambda v: 2.0 + np.sin(5.0 * np.clip(v, -3.0, 4.0)),
    lambda v: np.where(v > 1.0, 1.0, 4.0),
]


@settings(max_examples=60)
@given(st.sampled_from(SHAPES), st.floats(-30.0, 30.0), st.floats(-1e7, 1e7))
def test_the_bounds_hold_everywhere(rate, near, far):
    table = RateBounds(rate, -3.0, 4.0, None)
    for v in (near, far, -3.0, 4.0, np.nextafter(4.0, 0.0)):
        value = float(rate(np.array([v]))[0])
        cell = kernels.cell_of(v, table.low, table.high, table.inverse, 1 << 16, table.below, table.above)
        assert cell >= 0
        assert table.floor[cell] <= value <= table.ceiling[cell]
        assert table.at(v) == value <= table.bound
    assert (table.ceiling - table.floor)[: 1 << 16].mean() < 2e-3


def test_a_rate_that_swings_where_cells_are_wide_is_refused():
    table = RateBounds(lambda v: 2.0 + np.sin(5.0 * np.clip(v, -20.0, 20.0)), -3.0, 4.0, None)
    with pytest.raises(fp.InvalidArgument, match="varies so fast near v = -18"):
        table.at(-18.0)


def test_cells_are_found_on_both_wings():
    table = RateBounds(fp.SoftThreshold(sigmoid).hazard, -1.0, 1.0, None)
    cells, h = 1 << 16, 2.0 / (1 << 16)

    def find(v):
        return kernels.cell_of(v, table.low, table.high, table.inverse, cells, table.below, table.above)

    assert find(-1.0) == 0
    assert find(np.nextafter(1.0, 0.0)) == cells - 1
    assert find(-1.0 - 0.5 * h) == cells
    assert find(-1.0 - 1.5 * h) == cells + 1
    wing = len(table.below) - 1
    assert find(1.0) == cells + wing
    assert find(1.0 + 1.5 * h) == cells + wing + 1
    assert find(1e300) == find(-1e300) == -1


# --- the limit --------------------------------------------------------------------------------------------------------

SMOOTH = SmoothKernel(lambda x, y: 2.0 * (0.4 + 1.2 * x + 0.6 * np.cos(2.0 * np.pi * (x - y))))


def smooth_start(xi, rng):
    return rng.normal(0.2 + 0.3 * np.sin(2.0 * np.pi * xi), 0.3)


def test_the_bias_of_the_observables_falls_like_one_over_n():
    # Limit values by a second-order solution of the limit equation with 16 labels, extrapolated.
    limits = {Tree(): 0.5077491, Tree.chain(2): 0.5517201, Tree.chain(3): 0.6062582, Tree.star(4): 0.8763503}
    runs = [
        run(SMOOTH.sample(count), initial=smooth_start, t_span=(0.0, 2.0), realisations=parts, seed=5)
        for count, parts in ((200, 5000), (800, 1250))
    ]
    for tree, limit in limits.items():
        few, many = (sol.observable(tree, phi) for sol in runs)
        bias = [few.value - limit, many.value - limit]
        assert abs(bias[0] - 4.0 * bias[1]) < ERRORS * math.hypot(few.error, 4.0 * many.error)
        assert few.samples.std() / many.samples.std() == pytest.approx(2.0, rel=0.1)  # of one realisation: N^(−1/2)
    assert runs[0].observable(Tree.chain(2), phi).value - 0.5517201 == pytest.approx(-1.42e-2, abs=2e-3)


def test_sparse_graphs_are_near_their_limit():
    sol = run(erdos_renyi(1600, 160.0, 2.0, seed=2), t_span=(0.0, 2.0), realisations=60, bins=10)
    one = sol.observable(Tree(), phi)
    assert one.value == pytest.approx(0.5378348, abs=8e-3)
    assert sol.rate[-1] == pytest.approx(5.0 * one.value, rel=0.03)
    density, error = sol.density(np.linspace(-3.0, 6.0, 46))
    assert density.sum() * 0.2 == pytest.approx(1.0, abs=1e-3)
    assert np.all(error < 0.02)
    value, se = sol.mean_rate(0.0, 2.0)
    assert value == pytest.approx(sol.spikes.mean() / 2.0)
    assert 0.0 < se < 0.02
    assert "60 realisations of 1600 neurons" in repr(sol)


def test_one_realisation_has_the_error_of_independent_neurons():
    sol = run(np.zeros((3000, 3000)), lambda v: np.full(np.shape(v), 2.0), bins=4)
    assert sol.rate_error == pytest.approx(np.sqrt(sol.rate / (3000 * 0.25)))
    assert np.all(np.abs(sol.rate - 2.0) < ERRORS * sol.rate_error)
    _, error = sol.density(np.array([-5.0, 0.0, 5.0]))
    assert error == pytest.approx(np.sqrt([0.2 / 3000 / 25] * 2), rel=1.5)


# --- refusals ---------------------------------------------------------------------------------------------------------

W3 = np.zeros((3, 3))
REFUSED = [
    ({"W": np.zeros((2, 3))}, "matrix"),
    ({"W": SMOOTH}, "sample"),
    ({"rate": 3.0}, "rate"),
    ({"rate": lambda v: -np.ones_like(v)}, "rate"),
    ({"rate": HardThreshold(0.0)}, "reset"),
    ({"initial": [0.0, 1.0]}, "initial"),
    ({"initial": [0.0, math.nan, 0.0]}, "initial"),
    ({"initial": lambda xi, rng: xi[:2]}, "initial"),
    ({"initial": fp.compatible_gaussian(0.0, 1.0)}, "fp.gaussian"),
    ({"t_span": (1.0, 0.0)}, "t_span"),
    ({"sigma": -1.0}, "sigma"),
    ({"external": [1.0, 2.0]}, "external"),
    ({"external": lambda t: math.nan}, "external"),
    ({"external": [0.0, 1.0, 2.0], "rate": HardThreshold(2.0), "initial": [0.0, 0.0, 0.0]}, "external"),
    ({"realisations": 0}, "realisations"),
    ({"save_at": [2.0]}, "save_at"),
    ({"bins": 0}, "bins"),
    ({"seed": -1}, "seed"),
    ({"dt": 0.0}, "dt"),
    ({"rate_bound": 1.0}, "rate_bound"),
    ({"threads": 0}, "threads"),
    ({"save_at": np.linspace(0, 1, 1000), "realisations": 1_000_000}, "save_at"),
]


@pytest.mark.parametrize(("change", "word"), REFUSED)
def test_what_makes_no_sense_is_refused_by_name(change, word):
    with pytest.raises(InvalidArgument, match=word):
        run(**({"W": W3} | change))


def test_a_rate_with_a_peak_between_the_points_of_the_table_is_found_out():
    def rate(v):
        return np.where(np.abs(v - 0.3) < 1e-7, 9.0, 1.0)

    assert not np.any(RateBounds(rate, -1.0, 1.0, None).ceiling > 1.0)
    with pytest.raises(InvalidArgument, match="more than its bound"):
        RateBounds(rate, -1.0, 1.0, None).at(0.3)
    with pytest.raises(InvalidArgument, match="varies so fast"):
        RateBounds(rate, -1.0, 1.0, 20.0).at(0.3)


def test_windows_and_cells_are_checked():
    sol = run(W3)
    with pytest.raises(InvalidArgument, match="window"):
        sol.mean_rate(0.101, 0.109)
    with pytest.raises(InvalidArgument, match="edges"):
        sol.density(np.array([1.0, 0.0]))
