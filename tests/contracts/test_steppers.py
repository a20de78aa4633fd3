"""What every stepper promises: its order, mass to rounding, and that a stationary state stays where it is."""

import math

import numpy as np
import pytest
from helpers import EXACT, march, orders, system_of

import fokkerplanck as fp

LAGGED, SELF_CONSISTENT, RODAS = fp.BackwardEuler(1.0), fp.BackwardEuler(1.0, self_consistent=True), fp.Rodas5P()
SSP = fp.SspRk3()
every_stepper = pytest.mark.parametrize(
    "stepper", [LAGGED, SELF_CONSISTENT, RODAS, SSP], ids=["lagged", "self-consistent", "rodas5p", "ssp-rk3"]
)
MODELS = {
    "linear": fp.nnlif(b=0.0),
    "excitatory": fp.nnlif(b=0.5),
    "inhibitory": fp.nnlif(b=-5.0),
    "noisy": fp.nnlif(b=0.5, a1=0.3),
    "refractory": fp.nnlif(b=1.5, a1=0.1, refractory=fp.ExponentialRefractory(0.2)),
    "driven": fp.nnlif(b=0.5, external=lambda t: math.sin(3.0 * t)),
}
every_model = pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())


def smooth_start(model, cells):
    """A state at t = 0.1, when what the datum had of discontinuities has gone."""
    system, y = system_of(model, model.grid(cells, v_min=-3.0))
    return system, march(RODAS, system, y, 0.0, 0.1, 50)


def errors_of(stepper, model, cells, steps):
    """Errors of the density (largest) and of the rate at t = 0.6, for each number of steps."""
    system, start = smooth_start(model, cells)
    exact = march(RODAS, system, start, 0.1, 0.6, 3 * steps[-1])
    ends = [march(stepper, system, start, 0.1, 0.6, n) for n in steps]
    return [np.max(np.abs(y - exact)[:-2]) for y in ends], [abs(y[-1, 0] - exact[-1, 0]) for y in ends]


@every_model
@pytest.mark.parametrize("stepper", [LAGGED, SELF_CONSISTENT], ids=["lagged", "self-consistent"])
def test_backward_euler_has_order_one(stepper, model):
    density, rate = errors_of(stepper, model, 40, (60, 120))
    assert orders(density) == pytest.approx(stepper.order, abs=0.02)
    assert orders(rate) == pytest.approx(stepper.order, abs=0.02)


def test_lagging_the_rate_makes_a_difference():
    (lagged,), (consistent,) = (errors_of(s, MODELS["inhibitory"], 40, (60,))[1] for s in (LAGGED, SELF_CONSISTENT))
    assert abs(lagged - consistent) > 0.1 * lagged


# -- the orders of Rodas5P --------------------------------------------------------------------------------------

SMOOTH = 10  # cells, so few that a step is short against the fastest mode: there the classical orders show
FINE = 160
nonlinear = pytest.mark.parametrize("name", [name for name in MODELS if name != "linear"])


@nonlinear
def test_rodas5p_has_order_five(name):
    density, rate = errors_of(RODAS, MODELS[name], SMOOTH, (36, 72))
    assert orders(density) == pytest.approx(RODAS.order, abs=0.1)
    assert orders(rate) == pytest.approx(RODAS.order, abs=0.1)


@pytest.mark.parametrize("cells", [SMOOTH, FINE])
def test_rodas5p_has_at_least_order_five_for_the_linear_equation(cells):
    density, rate = errors_of(RODAS, MODELS["linear"], cells, (16, 32))
    assert orders(density) > RODAS.order - 0.1
    assert orders(rate) > RODAS.order - 0.1


@nonlinear
def test_rodas5p_loses_little_on_a_fine_grid(name):
    # Steps long against the fastest mode: a Rosenbrock method then loses part of its order, first in the rate.
    density, rate = errors_of(RODAS, MODELS[name], FINE, (8, 32))
    assert orders(density) / 2 > 3.9
    assert orders(rate) / 2 > 3.6
    assert rate[1] < 1e-10


@pytest.mark.parametrize("name", ["linear", "excitatory", "inhibitory", "refractory"])
def test_the_error_estimate_of_rodas5p_is_that_of_order_four(name):
    system, start = smooth_start(MODELS[name], SMOOTH)
    estimates = [RODAS.step(system, start, 0.1, dt, EXACT).error for dt in (0.008, 0.004)]
    assert orders(estimates) == pytest.approx(RODAS.embedded_order + 1, abs=0.1)


@every_model
@pytest.mark.parametrize("theta", [0.3, 0.5, 0.8])
def test_the_dense_output_of_rodas5p_has_order_four(model, theta):
    system, start = smooth_start(model, SMOOTH)
    density, rate = [], []
    for dt in (0.008, 0.004):
        exact = march(RODAS, system, start, 0.1, 0.1 + theta * dt, 16)
        gap = np.abs(RODAS.step(system, start, 0.1, dt, EXACT).at(theta) - exact)
        density.append(np.max(gap[:-2]))
        rate.append(gap[-1, 0])
    assert orders(density) == pytest.approx(RODAS.dense_order + 1, abs=0.2)
    assert orders(rate) > RODAS.dense_order - 0.1  # the algebraic unknown has no factor dt to gain


def test_a_step_meets_its_ends_exactly():
    system, start = smooth_start(MODELS["excitatory"], SMOOTH)
    step = RODAS.step(system, start, 0.1, 0.05, EXACT)
    assert np.array_equal(step.at(0.0), step.old)
    assert np.array_equal(step.at(1.0), step.new)


# -- the order of SspRk3, and how long its steps are ------------------------------------------------------------


@every_model
def test_ssp_rk3_has_order_three(model):
    density, rate = errors_of(SSP, model, SMOOTH, (40, 80))
    assert orders(density) == pytest.approx(SSP.order, abs=0.1)
    assert orders(rate) == pytest.approx(SSP.order, abs=0.15)


def test_ssp_rk3_agrees_with_rodas5p_on_the_same_grid():
    model = MODELS["refractory"]
    grid, datum = model.grid(60, v_min=-5.0), fp.compatible_gaussian(0.0, 0.25)
    reference = fp.solve(model, datum, (0.0, 1.0), grid, rtol=1e-10, atol=1e-13, estimate_error=False)
    explicit = fp.solve(model, datum, (0.0, 1.0), grid, stepper=SSP, estimate_error=False)
    assert explicit.rate[-1] == pytest.approx(reference.rate[-1], rel=1e-6)
    np.testing.assert_allclose(explicit.final.density, reference.final.density, atol=1e-7)


def test_a_step_of_ssp_rk3_is_a_share_of_the_longest_positive_one():
    system, y = smooth_start(MODELS["excitatory"], 40)
    limit = system.explicit_limit(y, 0.1)
    assert fp.SspRk3(share=0.25).next_step(system, y, 0.1, 1.0, 0.0) == 0.25 * limit
    assert fp.SspRk3(dt=1e-4).next_step(system, y, 0.1, 1.0, 0.0) == 1e-4
    assert fp.SspRk3(dt=1e-4).coarsened() == fp.SspRk3(dt=2e-4)
    right, left = system.weights(system.inputs(y, 0.1))
    leaving = np.max((right[1:] + left[:-1])[:, 0] / system.width)
    assert limit == pytest.approx(1.0 / leaving, rel=1e-14)


# -- a stepper knows nothing of neurons: two small systems with known solutions ----------------------------------


class Small:
    """M y' = F(y, t) of three unknowns, of which the last is algebraic, with dense matrices."""

    shape = (3, 1)

    def __init__(self, right_hand_side, jacobian, by_time):
        self.right_hand_side, self.jacobian, self.by_time = right_hand_side, jacobian, by_time

    def rosenbrock_stages(self, y, dt, method):
        return None

    def residual(self, y, t, out):
        out[:, 0] = self.right_hand_side(*y[:, 0], t)
        return out

    def time_derivative(self, y, t, dt):
        return np.array(self.by_time(*y[:, 0], t))[:, None]

    def factor(self, y, t, shift):
        self.matrix = np.diag([shift, shift, 0.0]) - np.array(self.jacobian(*y[:, 0], t))

    def solve(self, u):
        u[...] = np.linalg.solve(self.matrix, u)
        return u

    def close(self, y, t):
        return True


def prothero_robinson(stiffness):
    """x' = −λ (x − sin t) + cos t, whose solution is sin t whatever λ is; and N = x."""
    return Small(
        lambda x, r, n, t: (-stiffness * (x - math.sin(t)) + math.cos(t), n - r, x - n),
        lambda x, r, n, t: ((-stiffness, 0, 0), (0, -1, 1), (1, 0, -1)),
        lambda x, r, n, t: (stiffness * math.cos(t) - math.sin(t), 0, 0),
    )


def prothero_robinson_errors(stiffness, steps):
    start = np.zeros((3, 1))
    ends = [march(RODAS, prothero_robinson(stiffness), start, 0.0, 1.0, n) for n in steps]
    return [abs(y[0, 0] - math.sin(1.0)) for y in ends]


def test_order_for_an_equation_that_depends_on_time():
    assert orders(prothero_robinson_errors(1.0, (8, 16))) == pytest.approx(RODAS.order, abs=0.1)


def test_a_stiff_equation_is_followed_the_better_the_stiffer_it_is():
    stiff, stiffer = (prothero_robinson_errors(stiffness, (8, 16)) for stiffness in (1e5, 1e7))
    assert orders(stiff) > 2.9  # an error of dt³/λ
    np.testing.assert_allclose(stiffer, np.array(stiff) / 100, rtol=0.05)


def test_order_for_a_nonlinear_system_with_an_algebraic_unknown():
    """x' = −x N + sin 3t, r' = N − r x, N = x²/(1 + t)."""
    system = Small(
        lambda x, r, n, t: (-x * n + math.sin(3 * t), n - r * x, x * x / (1 + t) - n),
        lambda x, r, n, t: ((-n, 0, -x), (-r, -x, 1), (2 * x / (1 + t), 0, -1)),
        lambda x, r, n, t: (3 * math.cos(3 * t), 0, -x * x / (1 + t) ** 2),
    )
    start = np.array([[1.0], [0.5], [1.0]])
    exact = march(RODAS, system, start, 0.0, 1.0, 1024)
    errors = [np.abs(march(RODAS, system, start, 0.0, 1.0, n) - exact) for n in (64, 128)]
    np.testing.assert_allclose(orders(errors), RODAS.order, atol=0.1)


# -- structure --------------------------------------------------------------------------------------------------


@every_model
@every_stepper
def test_mass_is_kept_to_rounding(stepper, model):
    system, y = smooth_start(model, 40)
    after = march(stepper, system, y, 0.1, 2.1 if stepper.implicit else 0.2, 60)
    assert abs(system.mass(after)[0] - system.mass(y)[0]) < 1e-14


@pytest.mark.parametrize("name", [name for name in MODELS if name != "driven"])
@every_stepper
def test_a_stationary_state_stays_where_it_is(stepper, name):
    system, y = system_of(MODELS[name], MODELS[name].grid(40, v_min=-3.0))
    stationary = march(SELF_CONSISTENT, system, y, 0.0, 1e5, 40)
    end, steps = (10.0, 5) if stepper.implicit else (0.5, 125)  # short enough to be stable
    after = march(stepper, system, stationary, 0.0, end, steps)
    np.testing.assert_allclose(after, stationary, rtol=0, atol=1e-13)


@every_stepper
def test_a_step_leaves_the_old_state_alone(stepper):
    system, y = smooth_start(MODELS["refractory"], 40)
    before = y.copy()
    step = stepper.step(system, y, 0.1, 0.05 if stepper.implicit else 0.002, EXACT)
    assert step.old is y
    assert np.array_equal(y, before)


@every_stepper
def test_a_fresh_density_gets_a_rate_and_a_state_that_has_one_keeps_it(stepper):
    system, y = smooth_start(MODELS["excitatory"], 40)
    fresh = y.copy()
    fresh[-1] = np.nan
    assert stepper.begin(system, fresh, 0.1, fresh=True)
    assert fresh[-1, 0] == pytest.approx(y[-1, 0], rel=0.2 if stepper.order == 1 else 1e-12)
    again = y.copy()
    assert stepper.begin(system, again, 0.1, fresh=False)
    assert np.array_equal(again, y)


@every_stepper
def test_a_density_without_a_rate_cannot_begin(stepper):
    model = fp.nnlif(b=3.0)
    system, y = system_of(model, model.grid(40, v_min=-3.0))
    y[-3] = 1.0  # n next to V_F is far above 1/b
    assert not stepper.begin(system, y, 0.0, fresh=True)


def test_lagging_starts_from_what_one_step_sees_of_an_infinite_rate():
    # A datum that does not vanish at V_F: the grid cuts N = ∞ off at a value that has no meaning.
    grid = MODELS["excitatory"].grid(600, finest=1e-4)
    system, y = system_of(MODELS["excitatory"], grid, fp.gaussian(1.0, 1.0).cell_averages(grid))
    assert y[-1, 0] > 1000.0
    assert fp.BackwardEuler(0.01).begin(system, y, 0.0, fresh=True)
    assert y[-1, 0] < 10.0


@every_stepper
def test_a_stepper_says_what_it_is(stepper):
    assert stepper.order >= 1
    assert isinstance(stepper.adaptive, bool)
    assert isinstance(stepper.implicit, bool)
    assert eval(repr(stepper), vars(fp)) == stepper


def test_the_step_control_accepts_one_more_power_than_the_estimate():
    def after(error):
        return RODAS.next_step(system, y, 0.1, 1.0, error)

    system, y = smooth_start(MODELS["excitatory"], SMOOTH)
    assert after(2.0**5) == pytest.approx(0.9 / 2)
    assert after(0.0) == 6.0
    assert after(1e30) == 0.2
    assert LAGGED.next_step(system, y, 0.1, 0.3, 0.0) == LAGGED.dt
