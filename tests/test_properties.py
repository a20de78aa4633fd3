"""What must hold for every model, grid, density and step that a user can ask for."""

import dataclasses
import warnings

import numpy as np
import pytest
from hypothesis import example, given, reject
from hypothesis import strategies as st
from strategies import between, decades, densities, models, problems, share_of_examples

import fokkerplanck as fp
from fokkerplanck.grid import Grid

positive_schemes = st.sampled_from([fp.Upwind(), fp.ScharfetterGummel(), fp.ChangCooper()])


def solve(*arguments, **keywords):
    """`fp.solve`, except for data whose rate does not exist and for warnings, which are other tests' business."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", fp.FokkerPlanckWarning)
        try:
            return fp.solve(*arguments, **keywords)
        except fp.InvalidArgument as refusal:
            if "does not exist" in str(refusal):
                reject()
            raise


NOISY = fp.nnlif(b=0.0, a1=0.5, V_R=0.25, V_F=1.0)

# -- mass and sign ----------------------------------------------------------------------------------------------


@given(problems(), positive_schemes, decades(1e-4, 1.0))
@share_of_examples(4)
def test_backward_euler_keeps_mass_and_sign_for_every_step(problem, scheme, dt):
    model, grid, density = problem
    sol = solve(model, density, (0.0, 30 * dt), grid, scheme, fp.BackwardEuler(dt))
    assert sol.quality.mass_error <= 1e-12
    assert sol.quality.smallest_density >= 0.0
    assert np.all(sol.rate >= 0.0)
    assert np.all(sol.refractory >= 0.0)


@given(problems(), positive_schemes, decades(1e-4, 1.0))
@share_of_examples(0.5)
@example((NOISY, NOISY.grid(16, v_min=0.0), np.linspace(2.0, 0.0, 17)[1:] / 0.9375), fp.Upwind(), 1.0)
def test_self_consistent_backward_euler_keeps_mass_and_sign(problem, scheme, dt):
    model, grid, density = problem
    sol = solve(model, density, (0.0, 15 * dt), grid, scheme, fp.BackwardEuler(dt, self_consistent=True))
    assert sol.quality.mass_error <= 1e-12
    assert sol.quality.smallest_density >= -1e-12  # Newton's iteration ends at rounding, not at zero
    assert np.all(sol.rate >= 0.0)


@given(problems(), st.sampled_from([fp.Central(), fp.ScharfetterGummel()]), decades(1e-6, 1e-3))
@share_of_examples(0.5)
def test_rodas5p_keeps_mass(problem, scheme, rtol):
    model, grid, density = problem
    sol = solve(model, density, (0.0, 0.1), grid, scheme, rtol=rtol)
    assert sol.quality.mass_error <= 1e-12
    assert np.all(np.isfinite(sol.rate))


# -- invariance -------------------------------------------------------------------------------------------------


def shifted(model, grid, s):
    """v → v + s: the leak −v becomes −(v' − s), which is the leak of v' with the current I + s."""
    moved = dataclasses.replace(
        model,
        threshold=dataclasses.replace(model.threshold, V_F=model.V_F + s),
        reset=dataclasses.replace(model.reset, V_R=model.V_R + s),
        coupling=dataclasses.replace(model.coupling, external=model.coupling.external + s),
    )
    return moved, Grid(grid.faces + s, model.V_R + s)


def scaled(model, grid, k):
    """v → k v: drift, current and connectivity are potentials, a diffusion is a potential squared."""
    stretched = fp.nnlif(
        b=k * model.coupling.b,
        a0=k**2 * model.noise.a0,
        a1=k**2 * model.noise.a1,
        V_R=k * model.V_R,
        V_F=k * model.V_F,
        external=k * model.coupling.external,
        refractory=model.refractory,
    )
    return stretched, Grid(k * grid.faces, k * model.V_R)


def same_rates(one, other, end):
    """Whether two runs give the same N(t), as far as both go."""
    end = min(end, one.t[-1], other.t[-1])
    times = np.linspace(0.0, end, 50)
    reference = one.rate_at(times)
    np.testing.assert_allclose(other.rate_at(times), reference, rtol=0, atol=1e-9 * np.max(np.abs(reference)) + 1e-300)


@given(problems(), between(-10.0, 10.0), decades(1e-3, 0.1))
def test_the_rate_does_not_depend_on_the_origin_of_the_potential(problem, s, dt):
    model, grid, density = problem
    moved, its_grid = shifted(model, grid, s)
    its_density = density * grid.width / its_grid.width  # the same mass in each cell, to the last bit
    stepper = fp.BackwardEuler(dt)
    same_rates(
        solve(model, density, (0.0, 20 * dt), grid, stepper=stepper),
        solve(moved, its_density, (0.0, 20 * dt), its_grid, stepper=stepper),
        20 * dt,
    )


@given(problems(), decades(1e-3, 1e3), decades(1e-3, 0.1))
def test_the_rate_does_not_depend_on_the_unit_of_the_potential(problem, k, dt):
    model, grid, density = problem
    stretched, its_grid = scaled(model, grid, k)
    its_density = density * grid.width / its_grid.width
    stepper = fp.BackwardEuler(dt)
    same_rates(
        solve(model, density, (0.0, 20 * dt), grid, stepper=stepper),
        solve(stretched, its_density, (0.0, 20 * dt), its_grid, stepper=stepper),
        20 * dt,
    )


@given(problems(models(b=between(-5.0, 0.5), a1=st.just(0.0))), between(-5.0, 5.0), decades(0.1, 10.0))
@share_of_examples(0.2)
def test_the_adaptive_stepper_sees_neither_origin_nor_unit(problem, s, k):
    model, grid, density = problem
    density = (density + 0.1 * np.max(density)) / ((density + 0.1 * np.max(density)) @ grid.width)
    relative_only = {"rtol": 1e-4, "atol": 1e-250}  # a density has a unit, and so would atol have
    one = solve(model, density, (0.0, 0.1), grid, **relative_only)
    for other, its_grid in (shifted(model, grid, s), scaled(model, grid, k)):
        its_density = density * grid.width / its_grid.width
        same_rates(one, solve(other, its_density, (0.0, 0.1), its_grid, **relative_only), 0.1)


# -- entropy ----------------------------------------------------------------------------------------------------

CONVEX = {
    "quadratic": lambda u: (u - 1.0) ** 2,
    "logarithmic": lambda u: np.where(u > 0.0, u * np.log(np.where(u > 0.0, u, 1.0)) - u + 1.0, 1.0),
}


@given(st.data(), positive_schemes, decades(1e-4, 10.0))
@pytest.mark.parametrize("H", CONVEX.values(), ids=CONVEX.keys())
def test_relative_entropy_never_increases_without_coupling(H, data, scheme, dt):
    model = data.draw(models(b=st.just(0.0), a1=st.just(0.0)))
    grid = model.grid(data.draw(st.integers(16, 64)), v_min=min(model.V_R, 0.0) - 3.0, finest=0.01)
    system = scheme.discretize(model, grid)
    y = system.pack(data.draw(densities(grid)), 0.0)
    stationary = y
    for _ in range(3):  # the sampled continuous stationary state would not do: the discrete one is its own
        stationary = system.implicit_step(stationary, 0.0, 1e12)
    weight = np.append(grid.width, 1.0)[:, None] * stationary[:-1]
    here = weight[:, 0] > 1e-250  # a refractory pool that stays empty, and cells far out, carry no entropy

    def entropy(y):
        return float(weight[here, 0] @ H(y[:-1, 0][here] / stationary[:-1, 0][here]))

    values = [entropy(y)]
    for _ in range(30):
        y = system.implicit_step(y, 0.0, dt)
        values.append(entropy(y))
    assert np.all(np.diff(values) <= 1e-13 * np.array(values[:-1]) + 1e-14)
    assert values[0] > 0.0


# -- no blow-up without excitation ------------------------------------------------------------------------------


@given(models(b=between(-5.0, 0.0), a1=st.just(0.0)), st.data())
@share_of_examples(0.5)
def test_an_inhibitory_network_never_blows_up(model, data):
    length = 6.0 * (model.V_F - model.V_R)
    grid = model.grid(60, v_min=model.V_F - length, finest=1e-3 * length)
    bump = data.draw(densities(grid))  # as concentrated at V_F as it may be
    sol = solve(model, bump, (0.0, 0.3), grid, rtol=1e-4)
    assert sol.status is fp.Status.FINISHED
    assert sol.blow_up is None
