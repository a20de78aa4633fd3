"""What must hold for every model, grid, density and step that a user can ask for."""

import functools

import numpy as np
import pytest
from helpers import EXACT, solve
from hypothesis import example, given, reject
from hypothesis import strategies as st
from strategies import any_models, between, decades, densities, models, problems, share_of_examples

import fokkerplanck as fp
from fokkerplanck.interpolation import RateHistory

positive_schemes = st.sampled_from([fp.Upwind(), fp.ScharfetterGummel(), fp.ChangCooper(), fp.HarmonicMean()])


NOISY = fp.nnlif(b=0.0, a1=0.5, V_R=0.25, V_F=1.0)

# -- mass and sign ----------------------------------------------------------------------------------------------


@given(problems(), positive_schemes, decades(1e-4, 1.0))
@share_of_examples(4)
def test_backward_euler_keeps_mass_and_sign_for_every_step(problem, scheme, dt):
    model, grid, density = problem
    sol = solve(model, density, (0.0, 30 * dt), grid, scheme, fp.BackwardEuler(dt), estimate_error=False)
    assert sol.quality.mass_error <= 1e-12
    assert sol.quality.smallest_density >= 0.0
    # Where b n(V_F) ≥ 1 from the start there is no rate, and no step is made.
    assert np.all(sol.rate >= 0.0) or (len(sol.t) == 1 and sol.status in (fp.Status.UNRESOLVED, fp.Status.BLOW_UP))
    # After a fixed silence R is what went in minus what came out, to rounding.
    assert np.all(sol.refractory >= (0.0 if model.refractory.memoryless else -1e-15))


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


@given(problems(), positive_schemes, between(0.3, 1.0), st.integers(1, 40))
@share_of_examples(2)
def test_ssp_rk3_keeps_mass_and_sign_up_to_the_longest_step(problem, scheme, share, steps):
    model, grid, density = problem
    system = scheme.discretize(model, grid)
    system.remember(RateHistory(np.array([-model.depth, 0.0]), np.zeros(2)))
    stepper, y, t = fp.SspRk3(share=share), system.pack(density), 0.0
    if not stepper.begin(system, y, t, fresh=True):
        reject()  # the datum has no rate
    system.begin(y, t)
    for _ in range(steps):
        dt = stepper.next_step(system, y, t, 0.0, 0.0)
        step = stepper.step(system, y, t, dt, EXACT)
        if step is None:
            break  # the rate blows up
        # The weights follow the rate, so that the limit may fall within the step.
        if stepper.next_step(system, step.new, t + dt, dt, 0.0) < share * dt:
            break
        y, t = step.new, t + dt
        system.accept(step.new, t, dt, step.bend)
        assert y[:-2].min() >= 0.0
        # After a fixed silence R = ∫ N − ∫ N(t − τ), each to the accuracy of its own steps.
        assert y[-2, 0] >= (-1e-15 if model.refractory.memoryless else -1e-2)
        assert y[-1, 0] >= 0.0
        assert abs(system.mass(y)[0] - 1.0) <= 1e-13


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


# -- determinism and restart ------------------------------------------------------------------------------------


@given(problems(), decades(1e-3, 0.3))
@share_of_examples(0.5)
def test_a_run_can_be_repeated_bit_by_bit(problem, dt):
    model, grid, density = problem
    options = {"stepper": fp.BackwardEuler(dt), "estimate_error": False}
    one, other = (solve(model, density, (0.0, 10 * dt), grid, **options) for _ in range(2))
    assert np.array_equal(one.rate, other.rate)
    assert np.array_equal(one.final.density, other.final.density)


@given(problems(), decades(1e-3, 0.3), st.sampled_from([0.0, 0.2, 3.0]), st.integers(1, 14))
def test_a_run_in_two_parts_is_that_run(problem, dt, past, first):
    model, grid, density = problem
    if model.refractory.mean_duration * past > 0.9:
        reject()  # more neurons than there are would be silent at the start
    run = functools.partial(solve, model, stepper=fp.BackwardEuler(dt), estimate_error=False)
    past = past if model.depth else None
    whole = run(density, (0.0, 15 * dt), grid, history=past)
    if whole.status is not fp.Status.FINISHED:
        reject()
    middle = run(density, (0.0, first * dt), grid, history=past).final
    parts = run(middle, (middle.t, 15 * dt))
    assert parts.quality.mass_error <= 1e-12
    assert parts.quality.smallest_density >= 0.0
    assert parts.refractory.min() >= -1e-13
    np.testing.assert_allclose(parts.rate[-1], whole.rate[-1], rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(parts.final.refractory, whole.final.refractory, rtol=1e-9, atol=1e-12)


# -- two discretisations ----------------------------------------------------------------------------------------


@given(any_models(b=between(-5.0, 0.3)), between(0.3, 1.5), decades(0.1, 0.5))
@share_of_examples(0.1)
def test_elements_and_cells_agree_as_well_as_they_say(model, distance, width):
    gap = model.V_F - model.V_R
    try:
        model.highest_potential()
    except fp.InvalidArgument:  # a quadratic drift outruns a bounded hazard
        reject()
    datum = fp.compatible_gaussian(model.V_F - distance * gap, (width * gap) ** 2)
    elements = solve(model, datum, (0.0, 0.5), scheme=fp.Spectral(1e-5), rtol=1e-5)
    cells = solve(model, datum, (0.0, 0.5), scheme=fp.ScharfetterGummel(), rtol=1e-5)
    assert elements.status is cells.status
    if cells.status is not fp.Status.FINISHED or not np.isfinite(cells.error_estimate + elements.error_estimate):
        reject()
    times = np.linspace(0.01, 0.5, 40)
    rate = elements.rate_at(times)
    apart = np.max(np.abs(cells.rate_at(times) - rate) / (np.abs(rate) + 1e-4))
    assert apart <= 5.0 * (cells.error_estimate + elements.error_estimate) + 1e-5
