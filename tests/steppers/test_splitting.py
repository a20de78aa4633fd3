"""Strang splitting: its orders, what it keeps, and how long its steps may be."""

from itertools import pairwise

import numpy as np
import pytest
from helpers import EXACT, orders

import fokkerplanck as fp

INITIAL = fp.connectivity(lambda w: np.exp(-(((w + 0.4) / 0.2) ** 2)), fp.compatible_gaussian(0.0, 0.25))


def beginning(speed=0.2, lanes=24, cells=60, **more):
    """A network that has forgotten the layer at its start, as a system and its y."""
    model = fp.learning((-1.0, 0.0), lanes=lanes, signal=1.0, speed=speed, **more)
    state = fp.solve(
        model, INITIAL, (0.0, 1.0), grid=model.grid(cells=cells), stepper=fp.BackwardEuler(0.01), estimate_error=False
    ).final
    system = fp.ScharfetterGummel().discretize(model, state.grid)
    y = system.pack(state.density, state.refractory)
    assert system.close(y, 0.0)
    return model, system, y


def differences(stepper, steps, **more):
    """L¹ differences of the rates and of C(w) at t = 1 between runs of more and more steps."""
    ends = []
    for count in steps:
        model, system, y = beginning(**more)
        for i in range(count):
            y = stepper.step(system, y, i / count, 1.0 / count, EXACT).new
        ends.append((y[-1], system.mass(y)))
    return [np.array([np.abs(a[k] - b[k]).sum() * model.dw for a, b in pairwise(ends)]) for k in (0, 1)]


@pytest.mark.parametrize("more", [{}, {"refractory": fp.ExponentialRefractory(0.2)}], ids=["", "refractory"])
def test_second_order_around_an_accurate_stepper(more):
    for apart in differences(fp.Splitting(fp.Rodas5P()), (5, 10, 20, 40), **more):
        # The limiter in w bends the curve a little: between two and a half and one and a half.
        assert np.all(orders(apart) > 1.6)
        assert apart[-1] < 1e-4


@pytest.mark.parametrize("consistent", [False, True])
def test_first_order_around_backward_euler(consistent):
    stepper = fp.Splitting(fp.BackwardEuler(0.1, self_consistent=consistent))
    for apart in differences(stepper, (20, 40, 80, 160)):
        observed = orders(apart)
        assert np.all((observed > 0.85) & (observed < 1.3))


def test_it_claims_no_more_than_its_inner_stepper_has():
    assert fp.Splitting(fp.BackwardEuler(0.1)).order == 1
    assert fp.Splitting(fp.Rodas5P()).order == 2


def test_solve_splits_by_itself_where_neurons_move():
    model = fp.learning(lanes=4, speed=0.1)
    grid = model.grid(cells=30)
    sol = fp.solve(model, INITIAL, (0.0, 0.2), grid=grid, stepper=fp.BackwardEuler(0.1), estimate_error=False)
    assert sol.settings["stepper"] == "Splitting(inner=BackwardEuler(dt=0.1, self_consistent=False))"
    frozen = fp.learning(lanes=4, speed=0.0)
    sol = fp.solve(frozen, INITIAL, (0.0, 0.2), grid=grid, stepper=fp.BackwardEuler(0.1), estimate_error=False)
    assert "Splitting" not in sol.settings["stepper"]


def test_the_adaptive_one_meets_its_tolerance_in_time():
    ends = []
    for rtol in (1e-3, 1e-4, 1e-6):
        model = fp.learning((-1.0, 0.0), lanes=12, signal=1.0, speed=0.5)
        sol = fp.solve(
            model, INITIAL, (0.0, 1.0), grid=model.grid(cells=40), rtol=rtol, atol=1e-3 * rtol, save_at=[],
            estimate_error=False,
        )  # fmt: skip
        assert sol.quality.mass_error < 1e-12
        ends.append((sol.final.rate, sol.quality.steps))
    scale = np.max(ends[-1][0])
    assert np.max(np.abs(ends[0][0] - ends[-1][0])) < 2e-2 * scale
    assert np.max(np.abs(ends[1][0] - ends[-1][0])) < 3e-3 * scale
    assert ends[0][1] < ends[1][1] < ends[2][1]


def test_slow_learning_does_not_shorten_the_steps():
    # The same slow time s = εt = 1 in ten steps: dt grows from 1 to 10⁵, and the limit exists.
    totals = []
    for speed in (1e-1, 1e-2, 1e-4, 1e-6):
        model = fp.learning((-1.0, 0.0), lanes=16, signal=1.0, speed=speed)
        stepper = fp.BackwardEuler(0.1 / speed, self_consistent=True)
        sol = fp.solve(
            model, INITIAL, (0.0, 1.0 / speed), grid=model.grid(cells=40), stepper=stepper, save_at=[],
            estimate_error=False,
        )  # fmt: skip
        assert sol.status is fp.Status.FINISHED
        assert sol.quality.steps == 10
        assert sol.quality.smallest_density >= 0.0
        assert sol.quality.mass_error < 1e-12
        totals.append(float(model.total_rate(sol.final.rate)))
    apart = np.abs(np.diff(totals))
    assert apart[1] < 0.5 * apart[0]
    assert apart[2] < 0.1 * apart[1]


def test_it_does_not_matter_in_which_array_the_neurons_are_moved():
    model, system, y = beginning()
    before = y.copy()
    step = fp.Splitting(fp.BackwardEuler(0.1)).step(system, y, 0.0, 0.1, EXACT)
    np.testing.assert_array_equal(y, before)
    np.testing.assert_array_equal(step.old, before)
    np.testing.assert_allclose(model.dw * system.mass(step.new).sum(), 1.0, rtol=1e-13)
