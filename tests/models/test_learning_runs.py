"""Learning networks as they are solved: frozen weights, what is kept, exact solutions, restarts and refusals."""

import warnings

import numpy as np
import pytest
from helpers import orders
from hypothesis import given
from hypothesis import strategies as st
from strategies import between, decades

import fokkerplanck as fp
from fokkerplanck.models.learning import FunctionSaturation, Identity

BELL = fp.compatible_gaussian(0.0, 0.25)


def start(centre=-0.5, width=0.2):
    return fp.connectivity(lambda w: np.exp(-(((w - centre) / width) ** 2)), BELL)


def run(model, initial, t_end, dt, cells=60, **more):
    return fp.solve(
        model, initial, (0.0, t_end), grid=model.grid(cells=cells), stepper=fp.BackwardEuler(dt), save_at=[t_end],
        estimate_error=False, **more,
    )  # fmt: skip


# -- frozen weights ---------------------------------------------------------------------------------------------


def test_with_one_weight_every_lane_is_a_population():
    # All lanes have nearly the weight w, so that w N̄ is b N: with σ(x) = x the network is fp.nnlif(b=w).
    w, lanes = -0.8, 5
    model = fp.learning((w - 1e-9, w + 1e-9), lanes=lanes, signal=0.7, speed=0.0)
    initial = fp.connectivity(np.full(lanes, 1.0 / (lanes * model.dw)), BELL)
    population = fp.nnlif(b=w, external=0.7)
    grid, stepper = population.grid(cells=80), fp.BackwardEuler(0.01)
    many = fp.solve(model, initial, (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)
    one = fp.solve(population, BELL, (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)
    scale = lanes * model.dw
    # δw/w = 1e-9 separates the lanes from their mean.
    np.testing.assert_allclose(many.rate * scale, np.repeat(one.rate[:, None], lanes, axis=1), rtol=1e-8)
    np.testing.assert_allclose(many.final.density * scale, np.tile(one.final.density, (lanes, 1)), rtol=1e-8)


def test_without_a_current_of_the_network_a_lane_is_a_linear_population():
    model = fp.learning((-1.0, 1.0), lanes=4, signal=lambda w: 0.5 + w, saturation=lambda x: 0.0 * x, speed=0.0)
    initial = fp.connectivity(np.full(4, 0.25 / model.dw), BELL)
    grid, stepper = model.grid(cells=80), fp.BackwardEuler(0.01)
    many = fp.solve(model, initial, (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)
    for k in range(4):
        alone = fp.nnlif(b=0.0, external=float(model.external[k]))
        one = fp.solve(alone, BELL, (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)
        np.testing.assert_allclose(4 * model.dw * many.rate[:, k], one.rate, rtol=1e-10)


@pytest.mark.parametrize(("low", "high", "law"), [(-1.0, 0.0, None), (0.0, 1.0, fp.Saturating())])
def test_spectral_elements_find_the_quasi_static_rates_of_frozen_weights(low, high, law):
    model = fp.learning((low, high), lanes=6, signal=lambda w: 1.0 + np.sin(3.0 * w), saturation=law, speed=0.0)
    initial = start(0.5 * (low + high), 0.3)
    sol = fp.solve(
        model, initial, (0.0, 25.0), scheme=fp.Spectral(accuracy=1e-9), rtol=1e-8, atol=1e-11, save_at=[],
        estimate_error=False,
    )  # fmt: skip
    (state,) = fp.frozen_rates(model, model.shares(initial))
    np.testing.assert_allclose(sol.final.rate, state.N, rtol=1e-9)
    assert sol.quality.mass_error < 1e-12


def test_cells_find_them_with_second_order():
    model = fp.learning((-1.0, 0.0), lanes=8, signal=1.0, speed=0.0)
    (state,) = fp.frozen_rates(model, model.shares(start()))
    errors = []
    for cells in (40, 80, 160):
        sol = fp.solve(
            model, start(), (0.0, 60.0), grid=model.grid(cells=cells), save_at=[], estimate_error=False,
            stepper=fp.BackwardEuler(0.5, self_consistent=True),
        )  # fmt: skip
        assert sol.status is fp.Status.FINISHED
        errors.append(np.max(np.abs(sol.final.rate / state.N - 1.0)))
    assert np.all(orders(errors) > 1.8)
    assert errors[-1] < 1e-3


def test_a_refractory_state_keeps_its_part_of_every_weight():
    model = fp.learning((-1.0, 0.0), lanes=6, signal=1.5, speed=0.0, refractory=fp.ExponentialRefractory(0.3))
    sol = run(model, start(), 40.0, 0.25, cells=200)
    (state,) = fp.frozen_rates(model, model.shares(start()))
    np.testing.assert_allclose(sol.final.rate, state.N, rtol=2e-3)
    np.testing.assert_allclose(sol.final.refractory, 0.3 * sol.final.rate, rtol=1e-9)
    assert sol.quality.mass_error < 1e-12


# -- what is kept -----------------------------------------------------------------------------------------------


@st.composite
def networks(draw):
    low, high = draw(st.sampled_from([(-1.0, 0.0), (0.0, 1.0), (-1.0, 1.0)]))
    law = draw(st.sampled_from([fp.Saturating(), fp.HyperbolicTangent(0.5)] + ([None] if high == 0.0 else [])))
    return fp.learning(
        (low, high),
        lanes=draw(st.integers(4, 20)),
        signal=draw(between(-1.0, 2.0)),
        rule=draw(between(-2.0, 2.0)),
        saturation=law,
        speed=draw(decades(1e-3, 10.0)),
        refractory=draw(st.sampled_from([None, fp.ExponentialRefractory(0.2)])),
    )


@given(networks(), decades(1e-2, 10.0), between(-1.0, 1.0))
def test_no_density_is_negative_and_no_neuron_is_lost_however_long_the_step(model, dt, centre):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)  # of mass beyond the grid, for strong inputs
        sol = run(model, start(centre, 0.5), 20.0 * dt, dt, cells=40)
    assert sol.status is fp.Status.FINISHED
    assert sol.quality.smallest_density >= 0.0
    assert np.all(sol.final.refractory >= 0.0)
    assert sol.quality.mass_error < 1e-12


def test_mass_is_kept_over_long_runs():
    model = fp.learning((-1.0, 0.0), lanes=16, signal=1.0, speed=0.2)
    sol = run(model, start(), 1000.0, 0.1)
    assert sol.quality.steps == 10_000
    assert sol.quality.mass_error < 1e-12
    assert sol.quality.smallest_density >= 0.0


def test_each_connectivity_is_kept_where_nothing_is_learnt():
    model = fp.learning((-1.0, 0.0), lanes=16, signal=1.0, speed=0.0)
    sol = run(model, start(), 100.0, 0.1)
    C = model.shares(start())
    np.testing.assert_allclose(sol.grid.width @ sol.final.density.T, C, rtol=0.0, atol=1e-12)
    assert sol.quality.mass_error < 1e-12


def test_a_lost_connectivity_is_an_error_of_mass_although_the_total_is_kept():
    model = fp.learning((-1.0, 0.0), lanes=4, speed=0.0)
    C = np.array([1.0, 1.0, 1.0, 1.0])
    moved = C + np.array([0.1, -0.1, 0.0, 0.0])
    assert np.max(np.abs(model.mass_errors(C, C))) == 0.0
    np.testing.assert_allclose(model.mass_errors(moved, C), [0.1, -0.1, 0.0, 0.0, 0.0], atol=1e-15)
    learns = fp.learning((-1.0, 0.0), lanes=4, speed=0.1)
    np.testing.assert_allclose(learns.mass_errors(moved, C), [0.0], atol=1e-15)


# -- exact solutions --------------------------------------------------------------------------------------------


def test_without_a_rule_weights_decay_like_characteristics():
    # K = 0: ∂t C = ε ∂w(w C), so C(w, t) = e^{εt} C0(w e^{εt}), whatever the neurons do.
    speed, t_end, errors = 0.5, 1.0, []
    for lanes in (32, 64, 128, 256):
        model = fp.learning((-1.0, 1.0), lanes=lanes, rule=0.0, saturation=fp.Saturating(), speed=speed)
        sol = run(model, start(0.3, 0.2), t_end, 0.05, cells=24)
        # Averages of the exact solution are differences of the exact distribution function.
        grow = np.exp(speed * t_end)
        fine = fp.learning((-1.0, 1.0), lanes=20_000, rule=0.0)
        F = np.append(0.0, np.cumsum(fine.shares(start(0.3, 0.2))) * fine.dw)
        exact = np.diff(np.interp(np.clip(model.w_faces * grow, -1.0, 1.0), fine.w_faces, F)) / model.dw
        errors.append(np.abs(sol.grid.width @ sol.final.density.T - exact).sum() * model.dw)
    # Second order but for the cells next to an extremum, where the slopes are limited.
    assert np.mean(orders(errors)) > 1.7
    assert errors[-1] < 2e-3


def test_an_unused_weight_stays_at_zero():
    # Nobody fires: all weights decay, and at w = 0 nothing moves.
    model = fp.learning((-1.0, 1.0), lanes=16, signal=-6.0, speed=1.0, saturation=fp.Saturating())
    sol = fp.solve(
        model, start(0.5, 0.3), (0.0, 8.0), grid=model.grid(cells=40), stepper=fp.BackwardEuler(0.1), save_at=[8.0],
        estimate_error=False,
    )  # fmt: skip
    C = sol.grid.width @ sol.final.density.T
    assert np.sum(C[7:9]) * model.dw > 0.99


# -- restarts, storage, refusals --------------------------------------------------------------------------------


@pytest.mark.parametrize("consistent", [False, True])
def test_a_run_can_be_continued_bit_by_bit(consistent, tmp_path):
    model = fp.learning((-1.0, 0.0), lanes=8, signal=1.0, speed=0.3)
    grid, stepper = model.grid(cells=40), fp.BackwardEuler(0.0625, self_consistent=consistent)

    def go_on(initial, *span):
        return fp.solve(model, initial, span, stepper=stepper, estimate_error=False)

    whole = fp.solve(model, start(), (0.0, 2.0), grid=grid, stepper=stepper, estimate_error=False)
    half = fp.solve(model, start(), (0.0, 1.0), grid=grid, stepper=stepper, estimate_error=False)
    np.testing.assert_array_equal(go_on(half.final, 1.0, 2.0).final.density, whole.final.density)
    half.save(tmp_path / "half.nc")
    loaded = fp.load(tmp_path / "half.nc")
    np.testing.assert_array_equal(loaded.density, half.density)
    np.testing.assert_array_equal(go_on(loaded.final, 1.0, 2.0).final.density, whole.final.density)


def test_what_is_refused():
    model = fp.learning(lanes=8, speed=0.1)
    cases = [
        ({"initial": fp.gaussian(0.0, 0.25)}, "fp.connectivity"),
        ({"initial": fp.connectivity}, "call fp.connectivity"),
        ({"initial": fp.connectivity(np.ones(7), BELL)}, "8 lanes"),
        ({"scheme": fp.Spectral()}, "speed=0"),
        ({"scheme": fp.Weno5()}, "speed=0"),
        ({"grid": fp.nnlif(b=0.0, V_F=3.0).grid(cells=50)}, "threshold"),
    ]
    for arguments, words in cases:
        with pytest.raises(fp.InvalidArgument, match=words):
            fp.solve(**({"model": model, "initial": start(), "t_span": (0.0, 1.0)} | arguments))
    state = run(model, start(), 0.1, 0.1).final
    with pytest.raises(fp.InvalidArgument, match="shape"):
        fp.solve(fp.learning(lanes=9), state, (0.0, 1.0))


def test_another_signal_can_go_on_from_a_state():
    learnt = run(fp.learning(lanes=8, signal=1.0, speed=0.5), start(), 2.0, 0.1).final
    test = fp.learning(lanes=8, signal=lambda w: 1.0 + w, speed=0.0)
    sol = fp.solve(test, learnt, (0.0, 1.0), stepper=fp.BackwardEuler(0.1), estimate_error=False)
    assert sol.quality.mass_error < 1e-13


# -- what the numerics ask --------------------------------------------------------------------------------------


@given(st.integers(4, 30), st.integers(0, 1000), st.sampled_from([Identity(), fp.Saturating()]))
def test_the_rank_one_system_is_solved(lanes, seed, law):
    rng = np.random.default_rng(seed)
    model = fp.learning((-1.0, 0.5), lanes=lanes, saturation=law)
    rates, by_current, x = rng.uniform(size=lanes), rng.uniform(size=lanes), rng.uniform(-1.0, 1.0, lanes)
    u, v = model.current_slope(rates)
    matrix = np.eye(lanes) - np.outer(by_current * u, v)
    solve = model.wiring.resolved([rates], by_current, np.zeros(lanes))
    if np.linalg.det(matrix) > 0.0:
        np.testing.assert_allclose(matrix @ solve(x), x, rtol=0.0, atol=1e-12)
    else:
        assert solve is None
    change = model.wiring.change([rates], [x])
    np.testing.assert_allclose(change.current, np.outer(u, v) @ x, rtol=0.0, atol=1e-13)
    assert not np.any(change.diffusion)


def test_rates_that_beget_each_other_have_no_resolution():
    model = fp.learning((0.0, 1.0), lanes=4)
    assert model.wiring.resolved([np.ones(4)], np.full(4, 10.0), np.zeros(4)) is None
    assert model.wiring.reproduction(np.full(4, 2.0)) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("weights", "law", "possible"),
    [
        ((-1.0, 0.0), None, False),
        ((-1.0, 1.0), None, True),
        ((-1.0, 1.0), fp.Saturating(), False),
        ((0.0, 1.0), fp.HyperbolicTangent(), False),
        ((0.0, 1.0), FunctionSaturation(np.log1p), True),
    ],
)
def test_only_unbounded_excitation_may_blow_up(weights, law, possible):
    assert fp.learning(weights, saturation=law).may_blow_up is possible


def test_excitation_without_bound_does_blow_up():
    model = fp.learning((1.0, 3.0), lanes=8, speed=0.0)
    initial = fp.connectivity(lambda w: np.ones_like(w), fp.gaussian(1.5, 0.05))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        sol = fp.solve(model, initial, (0.0, 1.0), grid=model.grid(cells=600, finest=1e-4), save_at=[])
    assert sol.status is fp.Status.BLOW_UP


def test_the_grid_reaches_below_all_currents():
    model = fp.learning((-4.0, 0.0), lanes=16, signal=3.0, speed=0.0)
    sol = run(model, start(-2.0, 1.0), 20.0, 0.02, cells=200)
    assert sol.quality.truncated_mass < 1e-9
