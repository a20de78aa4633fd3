"""The finite volumes of a polarizing cell against exact solutions, and what they keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import brentq
from scipy.special import erfcx

import fokkerplanck as fp

POLARITIES = [fp.InstantPolarity(), fp.RelaxingPolarity(0.7, 0.3), fp.MembraneExchange(0.7, 0.3)]
each_polarity = pytest.mark.parametrize("polarity", POLARITIES, ids=lambda law: type(law).__name__)


def self_similar(mass):
    """α of n = G(z/τ)/τ, G(y) = α exp(−αy − y²/2), τ = √(1 + 2t): an exact solution with instant polarity."""
    return brentq(lambda a: a * np.sqrt(np.pi / 2) * erfcx(a / np.sqrt(2)) - mass, 1e-12, 1e3)


@pytest.mark.parametrize(
    ("scheme", "order"), [(fp.ScharfetterGummel(), 2), (fp.Central(), 2), (fp.ChangCooper(), 2), (fp.Upwind(), 1)]
)
def test_the_order_against_the_self_similar_solution(scheme, order):
    alpha, errors = self_similar(0.7), []
    for k in (2, 3):
        grid = fp.HalfLine.graded(40.0, 100 * 2**k, 0.02 / 2**k)
        sol = fp.solve(
            fp.cell_polarization(0.7), lambda z: np.exp(-alpha * z - z**2 / 2), (0.0, 4.0),
            grid=grid, scheme=scheme, rtol=1e-9, atol=1e-12, estimate_error=False,
        )  # fmt: skip
        errors.append(abs(sol.rate[-1] / (alpha / 3.0) - 1.0))
    assert errors[1] < 1e-2
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.03)


@each_polarity
@pytest.mark.parametrize("scheme", [fp.ScharfetterGummel(), fp.Central(), fp.HarmonicMean(), fp.Upwind()])
def test_the_jacobian_is_exact(polarity, scheme):
    model = fp.cell_polarization(0.9, polarity)
    system = scheme.discretize(model, fp.HalfLine.graded(8.0, 12, 0.2))
    y = system.pack(system.grid.sample(fp.exponential(1.0)) * 0.6, 0.3)
    assert system.close(y, 0.0)
    rows = len(y)

    def F(y):
        return system.residual(y.reshape(-1, 1), 0.0, np.empty((rows, 1))).ravel()

    J = np.array([(F(y.ravel() + d) - F(y.ravel() - d)) / 2e-6 for d in 1e-6 * np.eye(rows)]).T
    M = np.diag([*np.ones(rows - 1), 0.0])
    system.factor(y, 0.0, 3.7)
    u = np.random.default_rng(0).normal(size=(rows, 1))
    assert (3.7 * M - J) @ system.solve(u.copy()) == pytest.approx(u, abs=1e-8)


@settings(max_examples=25)
@given(
    mass=st.floats(0.05, 3.0), L=st.floats(0.2, 3.0), start=st.floats(0.0, 0.9), dt=st.floats(1e-3, 10.0),
    scale=st.floats(0.2, 2.0), kind=st.sampled_from([fp.InstantPolarity, fp.RelaxingPolarity, fp.MembraneExchange]),
)  # fmt: skip
def test_backward_euler_keeps_mass_and_sign(mass, L, start, dt, scale, kind):
    polarity = kind() if kind is fp.InstantPolarity else kind(L, start * mass)
    model = fp.cell_polarization(mass, polarity)
    system = fp.ScharfetterGummel().discretize(model, fp.HalfLine.uniform(50.0, 60))
    y = system.pack(system.grid.sample(fp.exponential(scale)) * model.shares(None), model.companion)
    before = system.mass(y)
    for _ in range(3):
        if not system.close(y, 0.0):  # the first cell holds the critical mass: there is no rate
            assert polarity.instant
            return
        y = system.implicit_step(y, 0.0, dt)
        assert system.mass(y) == pytest.approx(before, rel=1e-12)
        assert y[:-1].min() >= 0.0


@pytest.mark.parametrize("speed", [0.3, 2.0])
def test_steady_states_on_equal_cells_are_exact(speed):
    model = fp.cell_polarization(0.5, fp.RelaxingPolarity(L=2.0, start=speed))
    grid = fp.HalfLine.uniform(100.0, 200)
    sol = fp.solve(model, fp.exponential(1.0 / speed), (0.0, 5.0), grid=grid, estimate_error=False)
    assert sol.records["mu"].value == pytest.approx(np.full(len(sol.t), speed), rel=1e-9)


@each_polarity
def test_a_run_goes_on_from_its_end(polarity):
    model, grid = fp.cell_polarization(0.9, polarity), fp.HalfLine.uniform(30.0, 100)
    options = {"grid": grid, "stepper": fp.BackwardEuler(dt=0.0625), "estimate_error": False}
    whole = fp.solve(model, fp.exponential(1.0), (0.0, 2.0), **options)
    half = fp.solve(model, fp.exponential(1.0), (0.0, 1.0), **options)
    rest = fp.solve(model, half.final, (1.0, 2.0), **options)
    assert np.array_equal(rest.final.density, whole.final.density)
    assert rest.final.refractory == whole.final.refractory


@each_polarity
def test_steppers_agree(polarity):
    model, grid = fp.cell_polarization(0.9, polarity), fp.HalfLine.uniform(30.0, 100)

    def end(stepper):
        return fp.solve(
            model, fp.exponential(1.0), (0.0, 1.0), grid=grid, stepper=stepper, rtol=1e-11, estimate_error=False
        ).rate[-1]

    exact = end(fp.Rodas5P())
    for stepper, dt, ratio in ((fp.BackwardEuler, 0.01, 2.0), (fp.SspRk3, 0.02, 8.0)):
        errors = [abs(end(stepper(dt=step)) - exact) for step in (dt, 0.5 * dt)]
        assert errors[0] < 1e-2
        assert errors[0] / errors[1] == pytest.approx(ratio, rel=0.1)


def test_a_first_cell_with_the_critical_mass_is_told():
    grid = fp.HalfLine.uniform(40.0, 40)
    sol = fp.solve(fp.cell_polarization(2.0), fp.exponential(0.5), (0.0, 1.0), grid=grid)
    assert sol.status is fp.Status.UNRESOLVED
    assert "first cell holds the mass" in sol.message


def test_files_hold_it(tmp_path):
    sol = fp.solve(fp.cell_polarization(0.5, fp.MembraneExchange()), fp.exponential(1.0), (0.0, 1.0))
    sol.save(tmp_path / "cell.nc")
    loaded = fp.load(tmp_path / "cell.nc")
    assert loaded.model == sol.model
    assert np.array_equal(loaded.grid.faces, sol.grid.faces)
    rest = [fp.solve(sol.model, one.final, (1.0, 1.5)).rate for one in (sol, loaded)]
    assert np.array_equal(*rest)


def test_data_away_from_the_wall():
    # At first less than 1e-300 of the mass is at the wall.
    sol = fp.solve(
        fp.cell_polarization(2.0), lambda z: np.where((z > 3.0) & (z < 4.0), 1.0, 0.0), (0.0, 20.0), rtol=1e-3
    )
    assert sol.blow_up.time == pytest.approx(6.9200, abs=2e-3)
