"""Networks through `solve`: against single populations, exactly, and the closure of many rates against differences."""

import numpy as np
import pytest
import scipy.sparse
from helpers import march, orders, system_of
from hypothesis import given
from hypothesis import strategies as st
from strategies import all_laws_of_silence, between, decades, share_of_examples

import fokkerplanck as fp
from fokkerplanck.interpolation import RateHistory
from fokkerplanck.models import wiring
from fokkerplanck.models.wiring import resolved

EULER = fp.BackwardEuler(dt=0.01)
START = fp.gaussian(0.0, 0.5)
E_I = fp.excitatory_inhibitory(0.5, 0.25, 0.25, 1.0)


def run(model, initial=START, t_span=(0.0, 1.0), **keywords):
    return fp.solve(model, initial, t_span, estimate_error=False, **keywords)


@st.composite
def members(draw):
    V_F = draw(between(0.5, 3.0))
    return fp.nnlif(
        b=0.0,
        a0=draw(decades(0.1, 3.0)),
        V_R=V_F - draw(between(0.5, 2.0)),
        V_F=V_F,
        external=draw(between(-1.0, 2.0)),
        refractory=draw(all_laws_of_silence),
        threshold=draw(st.none() | decades(0.02, 1.0).map(fp.RandomThreshold)),
    )


@st.composite
def networks(draw, prompt=False):
    count = draw(st.integers(1, 4))
    cells = st.lists(between(-2.0, 1.5), min_size=count**2, max_size=count**2)
    late = st.lists(st.just(0.0) | decades(0.05, 1.0), min_size=count**2, max_size=count**2)
    quiet = st.lists(st.just(0.0) | between(0.0, 0.3), min_size=count**2, max_size=count**2)
    return fp.Network(
        [draw(members()) for _ in range(count)],
        J=np.reshape(draw(cells), (count, count)),
        noise=np.reshape(draw(quiet), (count, count)),
        delays=0.0 if prompt else np.reshape(draw(late), (count, count)),
        time_constants=draw(st.lists(decades(0.3, 3.0), min_size=count, max_size=count)),
    )


# -- one population, written as a network -----------------------------------------------------------------------


def test_a_network_of_one_is_the_population():
    single = fp.nnlif(b=0.8, refractory=fp.ExponentialRefractory(0.2))
    network = fp.Network([fp.nnlif(b=0.0, refractory=fp.ExponentialRefractory(0.2))], [[0.8]])
    grid = single.grid(100)
    one, other = run(single, grid=grid, stepper=EULER), run(network, grid=grid, stepper=EULER)
    assert np.allclose(other.rate[:, 0], one.rate, rtol=1e-13, atol=0.0)
    assert np.allclose(other.refractory[:, 0], one.refractory, rtol=1e-13, atol=1e-16)
    assert np.allclose(other.density[:, 0], one.density, rtol=1e-11, atol=1e-14)
    assert other.rate.shape == (len(other.t), 1)
    assert other.lane(0).rate_at(0.5) == pytest.approx(one.rate_at(0.5), rel=1e-12)


def test_a_membrane_time_constant_is_a_unit_of_time():
    """τ dv = (−v + τ J N) dt: J is the effect of a spike, whatever τ is, so that time and rate alone are rescaled."""
    single = fp.nnlif(b=0.8, a0=0.7, external=0.3, refractory=fp.FixedRefractory(0.15))
    network = fp.Network(
        [fp.nnlif(0.0, 0.7, external=0.3, refractory=fp.FixedRefractory(0.15))], [[0.8]], 0.0, 0.0, 2.5
    )
    grid = single.grid(80)
    one = run(single, grid=grid, stepper=EULER)
    other = run(network, t_span=(0.0, 2.5), grid=grid, stepper=fp.BackwardEuler(0.025))
    assert np.allclose(2.5 * other.rate[:, 0], one.rate, rtol=1e-11)


def test_another_unit_of_potential_is_mapped_to_the_grid_of_the_first_population():
    """In millivolts: V_R = 10, V_F = 20, a and J scale with the unit."""
    single, large = fp.nnlif(b=0.8), fp.nnlif(0.0, a0=100.0, V_R=10.0, V_F=20.0)
    network = fp.Network([fp.nnlif(0.0), large], [[0.8, 0.0], [0.0, 8.0]])
    grid = single.grid(80)
    one = run(single, grid=grid, stepper=EULER)
    other = run(network, [START, fp.gaussian(0.0, 50.0)], grid=grid, stepper=EULER)
    assert np.allclose(other.rate, one.rate[:, None], rtol=1e-11)
    assert np.allclose(network.potentials(np.array([1.0, 2.0]))[1], [10.0, 20.0])


def test_equal_populations_whose_inputs_add_up_to_b_are_one_population():
    J = np.array([[0.5, -0.1, 0.2], [0.0, 0.4, 0.2], [1.6, -0.5, -0.5]])
    network = fp.Network([fp.nnlif(0.0)] * 3, J, noise=np.full((3, 3), 0.1 / 3))
    single = fp.nnlif(b=0.6, a1=0.1)
    grid = single.grid(100, finest=0.005)
    datum = fp.compatible_gaussian(0.0, 0.5)
    one, other = run(single, datum, grid=grid), run(network, datum, grid=grid)
    assert np.allclose(other.rate_at(one.t), one.rate[:, None], rtol=1e-6)
    assert np.ptp(other.rate, axis=1).max() < 1e-12


def test_without_coupling_they_run_on_their_own_to_rounding():
    soft = fp.RandomThreshold(0.05)
    populations = [
        fp.nnlif(0.0, external=0.5),
        fp.nnlif(0.0, a0=0.4, refractory=fp.ExponentialRefractory(0.2)),
        fp.nnlif(0.0, refractory=fp.FixedRefractory(0.13)),
    ]
    network = fp.Network(populations, np.zeros((3, 3)))
    grid = network.grid(100)
    together = run(network, grid=grid, stepper=EULER)
    for k, alone in enumerate(populations):
        assert np.allclose(together.rate[:, k], run(alone, grid=grid, stepper=EULER).rate, rtol=1e-12)
    # A threshold that is absorbing beside one that is not: the first lane ends inside the grid.
    mixed = fp.Network([populations[0], fp.nnlif(0.0, threshold=soft)], np.zeros((2, 2)))
    grid = mixed.grid(150)
    together = run(mixed, grid=grid, stepper=EULER)
    assert np.allclose(
        together.rate[:, 1], run(fp.nnlif(0.0, threshold=soft), grid=grid, stepper=EULER).rate, rtol=1e-12
    )
    alone = run(populations[0], grid=grid.below_threshold(), stepper=EULER)
    assert np.allclose(together.rate[:, 0], alone.rate, rtol=1e-12)
    assert np.all(together.density[:, 0, grid.v > 2.0] == 0.0)


# -- the equations ----------------------------------------------------------------------------------------------


def differences(system, y, t):
    """∂F/∂y by central differences."""
    flat = y.ravel()
    columns = []
    for k in range(flat.size):
        h = 1e-6 * max(abs(flat[k]), 1e-3)
        ends = []
        for sign in (1.0, -1.0):
            moved = flat.copy()
            moved[k] += sign * h
            ends.append(system.residual(moved.reshape(y.shape), t, np.empty(y.shape)).ravel())
        columns.append((ends[0] - ends[1]) / (2.0 * h))
    return np.array(columns).T


@share_of_examples(0.4)
@given(networks(), decades(1.0, 100.0))
def test_the_linear_solver_inverts_the_jacobian(network, shift):
    """Against differences of the residual, through all lags, pools and thresholds, absorbing or not."""
    grid = network.grid(24, v_min=network.V_R - 4.0 * (network.V_F - network.V_R))
    system = fp.ScharfetterGummel().discretize(network, grid)
    if network.depth:
        past = RateHistory(np.array([-network.depth, 0.0]), np.full((2, network.lanes), 0.1))
        system.remember(past)
    inside = np.where(np.array(grid.v)[:, None] < network.V_F, 1.0, network.absorbing * -1.0 + 1.0)
    n = 0.05 * (1.0 + np.cos(np.arange(24.0))[:, None] * np.arange(1, network.lanes + 1) / 10.0) * inside
    y = np.concatenate([n, np.full((1, network.lanes), 0.02), np.full((1, network.lanes), 0.1)])
    mass = np.ones(y.shape)
    mass[-1] = 0.0
    rng = np.random.default_rng(1)
    rhs = rng.normal(size=y.shape)
    rhs[:-2] *= inside
    rhs[-2] *= network.silence > 0.0  # without a refractory state there is no pool to solve for
    system.factor(y, 0.0, shift)
    x = system.solve(rhs.copy())
    if np.all(np.isfinite(x)):
        back = shift * mass * x - (differences(system, y, 0.0) @ x.ravel()).reshape(y.shape)
        assert np.allclose(back, rhs, atol=2e-5 * max(1.0, float(np.abs(x).max())))


def test_an_unreachable_rate_is_no_solution_of_the_linear_system():
    assert resolved(np.array([[2.0]]), None, np.array([0.5]), np.zeros(1)) is None
    assert resolved(np.diag([2.0, 0.0]), None, np.array([0.6, 1.0]), np.zeros(2)) is None
    assert resolved(np.diag([-2.0, 0.0]), None, np.array([0.6, 1.0]), np.zeros(2)) is not None


@given(st.integers(2, 30), st.integers(0, 10**6))
def test_elimination_and_iteration_find_the_same_rates(lanes, seed):
    rng = np.random.default_rng(seed)
    J, A = rng.normal(size=(lanes, lanes)) / lanes, rng.random((lanes, lanes)) / lanes
    slopes, x = rng.random((2, lanes)), rng.normal(size=lanes)
    exact = np.linalg.solve(np.eye(lanes) - slopes[0][:, None] * J - slopes[1][:, None] * A, x)
    for matrix in (J, scipy.sparse.csr_array(J)):
        direct = resolved(matrix, A, *slopes)
        assert direct is None or np.allclose(direct(x), exact, rtol=1e-9, atol=1e-12)
        assert np.allclose(wiring._iterated(matrix, A, *slopes)(x), exact, rtol=1e-9, atol=1e-10)


@given(networks(prompt=True))
def test_the_rates_at_the_start_are_what_is_fired(network):
    grid = network.grid(40, v_min=network.V_R - 5.0 * (network.V_F - network.V_R))
    system = fp.ScharfetterGummel().discretize(network, grid)
    averages = fp.compatible_gaussian(network.V_R - 0.3, 0.2).cell_averages(grid)
    y = system.pack(np.tile(averages, (network.lanes, 1)))
    if network.depth:
        system.remember(RateHistory(np.array([-network.depth, 0.0]), np.zeros((2, network.lanes))))
    if system.close(y, 0.0):
        fired = system.firing(y[:-2], system.inputs(y, 0.0))[0]
        assert np.allclose(fired, y[-1], rtol=1e-9, atol=1e-11 * np.abs(y[-1]).max())


@share_of_examples(0.5)
@given(networks(), decades(1e-3, 1.0))
def test_backward_euler_keeps_masses_and_signs_of_every_population(network, dt):
    grid = network.grid(40, v_min=network.V_R - 6.0 * (network.V_F - network.V_R))
    datum = fp.compatible_gaussian(network.V_R - 0.5 * (network.V_F - network.V_R), 0.1)
    system = fp.ScharfetterGummel().discretize(network, grid)
    if network.depth:
        system.remember(RateHistory(np.array([-network.depth, 0.0]), np.zeros((2, network.lanes))))
    rows = [datum.cell_averages(grid)] * network.lanes
    y = system.pack(np.array(rows))
    if not system.close(y, 0.0):
        return
    system.begin(y, 0.0)
    mass = system.mass(y)
    for k in range(20):
        system.start_step(k * dt)
        y = system.implicit_step(y, (k + 1) * dt, dt)
        system.accept(y, (k + 1) * dt, dt, ())
    assert np.all(y[:-2] >= 0.0)
    assert np.all(y[-2] >= -1e-13)
    assert np.allclose(system.mass(y), mass, atol=1e-12)


@pytest.mark.parametrize(
    ("stepper", "order", "steps", "within"),
    [
        (fp.BackwardEuler(1.0), 1, 128, 0.02),
        (fp.BackwardEuler(1.0, self_consistent=True), 1, 128, 0.02),
        (fp.Rodas5P(), 4.3, 8, 0.4),  # stiffness costs it up to one order, as with one population
    ],
    ids=["lagged", "self-consistent", "rodas5p"],
)
def test_orders_in_time(stepper, order, steps, within):
    network = fp.Network(
        [fp.nnlif(0.0, external=0.4), fp.nnlif(0.0, a0=0.6, refractory=fp.ExponentialRefractory(0.3))],
        [[0.6, -0.4], [0.5, -0.7]],
        noise=[[0.05, 0.0], [0.1, 0.02]],
        time_constants=[1.0, 0.7],
    )
    grid = network.grid(40, v_min=-5.0)
    system, y = system_of(network, grid, np.tile(fp.compatible_gaussian(0.0, 0.3).cell_averages(grid), (2, 1)))
    exact = march(fp.Rodas5P(), system, y, 0.0, 0.5, 128)[-1]
    errors = [np.abs(march(stepper, system, y, 0.0, 0.5, steps * 2**k)[-1] - exact).max() for k in range(3)]
    assert orders(errors)[-1] == pytest.approx(order, abs=within)


def test_self_consistent_steps_fire_what_their_rates_say():
    sol = run(E_I, grid=E_I.grid(80), stepper=fp.BackwardEuler(0.05, self_consistent=True))
    system = fp.ScharfetterGummel().discretize(E_I, sol.grid)
    y = system.pack(sol.density[-1], 0.0, sol.rate[-1])
    assert np.allclose(system.firing(y[:-2], system.inputs(y, 1.0))[0], sol.rate[-1], rtol=1e-12)


# -- delays -----------------------------------------------------------------------------------------------------


def test_each_pair_has_its_own_delay():
    """A chain 0 → 1 → 2: until the delay is over, a population is uncoupled."""
    J = np.array([[0.0, 0, 0], [3.0, 0, 0], [0, 3.0, 0]])
    delays = np.array([[0.0, 0, 0], [0.3, 0, 0], [0, 0.5, 0]])
    network = fp.Network([fp.nnlif(0.0, external=1.0), fp.nnlif(0.0), fp.nnlif(0.0)], J, delays=delays)
    grid = network.grid(100, v_min=-6.0)
    chain, free = run(network, t_span=(0.0, 1.2), grid=grid), run(fp.nnlif(0.0), t_span=(0.0, 1.2), grid=grid)

    def apart(k, t):
        return abs(float(chain.rate_at(t)[k] - free.rate_at(t))) / float(free.rate_at(t))

    assert apart(1, 0.29) < 1e-5 < 1e-3 < apart(1, 0.4)
    # What reaches 2 by t = 0.75 left 1 at 0.25, when nothing had reached it: uncoupled but for the constant part.
    late = fp.Network([fp.nnlif(0.0), fp.nnlif(0.0)], [[0.0, 0.0], [3.0, 0.0]], delays=0.5)
    relayed = run(late, t_span=(0.0, 1.2), grid=grid)
    assert float(chain.rate_at(0.75)[2]) == pytest.approx(float(relayed.rate_at(0.75)[1]), rel=1e-5)
    assert abs(float(chain.rate_at(1.2)[2]) - float(relayed.rate_at(1.2)[1])) > 1e-3


def test_a_uniform_delay_is_that_of_the_population():
    single = fp.nnlif(b=-4.0, delay=0.4)
    network = fp.Network([fp.nnlif(0.0)] * 2, [[-1.0, -3.0], [-4.0, 0.0]], delays=0.4)
    grid = single.grid(80)
    one, other = run(single, grid=grid, stepper=EULER), run(network, grid=grid, stepper=EULER)
    assert np.allclose(other.rate, one.rate[:, None], rtol=1e-11)


def test_a_run_with_delays_goes_on_where_it_ended():
    network = fp.excitatory_inhibitory(
        0.5, 2.0, 1.0, 1.0, delays=[[0.1, 0.3], [0.2, 0.1]], refractory=(None, fp.FixedRefractory(0.125))
    )
    grid, stepper = network.grid(60), fp.BackwardEuler(0.0625)
    whole = run(network, t_span=(0.0, 2.0), grid=grid, stepper=stepper)
    first = run(network, t_span=(0.0, 1.0), grid=grid, stepper=stepper)
    second = run(network, first.final, (1.0, 2.0), stepper=stepper)
    assert np.array_equal(second.rate[-1], whole.rate[-1])
    assert np.array_equal(second.density[-1], whole.density[-1])


def test_a_history_may_differ_between_populations():
    network = fp.Network([fp.nnlif(0.0)] * 2, [[0.0, -2.0], [-1.0, 0.0]], delays=0.5)
    grid = network.grid(60)
    sol = run(network, t_span=(0.0, 0.4), grid=grid, history=[0.3, 0.7], stepper=EULER)
    alone = run(fp.nnlif(0.0, external=-2.0 * 0.7), t_span=(0.0, 0.4), grid=grid, stepper=EULER)
    assert np.allclose(sol.rate[:, 0], alone.rate, rtol=1e-12)


# -- blow-up ----------------------------------------------------------------------------------------------------


def test_who_can_blow_up():
    def may(J, delays=0.0, threshold=None):
        return fp.Network([fp.nnlif(0.0, threshold=threshold)] * len(J), J, delays=delays).may_blow_up

    assert may([[1.0]])
    assert not may([[-1.0]])
    assert not may([[0.0, 3.0], [0.0, 0.0]])  # nobody excites himself, not even through others
    assert may([[0.0, 3.0], [0.1, 0.0]])
    assert not may([[0.0, 3.0], [0.1, 0.0]], delays=[[0.0, 0.1], [0.0, 0.0]])
    assert not may([[0.0, 3.0], [0.1, 0.0]], threshold=fp.RandomThreshold(0.1))


def test_the_population_that_blows_up_is_named():
    network = fp.Network({"calm": fp.nnlif(0.0), "wild": fp.nnlif(0.0)}, [[0.0, -0.1], [0.0, 3.0]])
    sol = run(network, fp.gaussian(1.0, 0.1), (0.0, 2.0), grid=network.grid(200, finest=1e-4))
    assert sol.status is fp.Status.BLOW_UP
    assert network.names[sol.blow_up.lane] == "wild"
    assert sol.lane("wild").blow_up is not None
    assert sol.lane("calm").blow_up is None


def test_a_pair_that_excites_each_other_blows_up_like_one_population():
    single = fp.nnlif(b=3.0)
    pair = fp.Network([fp.nnlif(0.0)] * 2, [[0.0, 3.0], [3.0, 0.0]])
    grid = single.grid(200, finest=1e-4)
    one, other = (run(model, fp.gaussian(1.0, 0.1), (0.0, 2.0), grid=grid) for model in (single, pair))
    assert other.blow_up.time == pytest.approx(one.blow_up.time, rel=1e-6)
    at_once = run(pair, fp.gaussian(1.83, 0.003), (0.0, 1.0), grid=grid)
    assert at_once.status is fp.Status.BLOW_UP
