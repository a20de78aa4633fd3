"""What must hold for every model, grid, density and step that a user can ask for."""

import numpy as np
import pytest
from helpers import solve
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import between, decades, densities, models, problems, share_of_examples

import fokkerplanck as fp

positive_schemes = st.sampled_from([fp.Upwind(), fp.ScharfetterGummel(), fp.ChangCooper()])


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
