"""A step that falls to the rounding of the time ends the run with a status; it never runs on the spot."""

import math
import warnings

import numpy as np
import pytest

import fokkerplanck as fp

GRID = fp.nnlif(b=0.5).grid(40, v_min=-6.0)
DATUM = fp.compatible_gaussian(0.0, 0.25)
SMALLEST_SHARE = 1e-14
"""Of the time itself: a shorter step is mostly rounding, since t + dt is known to 1.1e-16 t only."""
PATIENCE = 600


def solve(external=0.0, t_span=(0.5, 1.5), **options):
    """A run that is broken off, as no user could, when it takes too many steps."""
    seen = []

    def patience(state):
        seen.append(state.t)
        if len(seen) > PATIENCE:
            raise TimeoutError(f"{PATIENCE} steps, the last from t = {seen[-2]!r} to {seen[-1]!r}")
        return False

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return fp.solve(
            fp.nnlif(b=0.5, external=external), DATUM, t_span, GRID, stop_when=[patience], save_at=[], **options
        )


def pole(power):
    """A current that goes to infinity at t = 1."""
    return lambda t: abs(1.0 - t) ** -power if t != 1.0 else 1e300


STEEP = {
    "a pole of order 1/2": pole(0.5),
    "a pole of order 1": pole(1.0),
    "a pole of order 2": pole(2.0),
    "a jump by 1e8": lambda t: 1e8 if t > 1.0 else 0.0,
}
every_current = pytest.mark.parametrize("external", STEEP.values(), ids=STEEP.keys())


@every_current
def test_underflow_of_the_adaptive_step_ends_with_a_status(external):
    sol = solve(external)
    if external is STEEP["a jump by 1e8"] and sol.status is fp.Status.FINISHED:
        assert sol.error_estimate > 0.1  # rounding may let it through; it is told what that is worth
        return
    assert sol.status is not fp.Status.FINISHED
    assert sol.t[-1] <= 1.0 + 1e-3
    assert f"at t = {sol.t[-1]:.9g}" in sol.message or sol.blow_up is not None
    assert np.all(np.diff(sol.t) > 0.0)
    assert np.all(np.isfinite(sol.rate))


@pytest.mark.parametrize("name", ["a pole of order 2", "a jump by 1e8"])
def test_underflow_is_told_before_a_step_is_rounding(name):
    sol = solve(STEEP[name])
    assert np.min(np.diff(sol.t) / sol.t[1:]) >= SMALLEST_SHARE


TOO_SHORT = {
    "fixed": {"stepper": fp.BackwardEuler(1e-20)},
    "fixed, self-consistent": {"stepper": fp.BackwardEuler(1e-20, self_consistent=True)},
    "limited": {"max_step": 1e-20},
}


@pytest.mark.parametrize("options", TOO_SHORT.values(), ids=TOO_SHORT.keys())
def test_underflow_of_a_step_that_was_asked_for_is_refused_or_ends_with_a_status(options):
    try:
        sol = solve(t_span=(1.0, 2.0), **options)
    except fp.InvalidArgument:
        return
    assert sol.status is not fp.Status.FINISHED


@pytest.mark.parametrize("start", [1.0, 1e6, 1e9, 1e15])
def test_underflow_far_from_zero_is_told_and_nearer_the_run_goes_on(start):
    sol = solve(t_span=(start, start + 1.0))
    assert sol.status is (fp.Status.FINISHED if start <= 1e9 else fp.Status.STALLED)
    assert np.all(np.diff(sol.t) > 0.0)


def test_a_span_of_one_rounding_is_one_step():
    sol = solve(t_span=(1.0, math.nextafter(1.0, 2.0)))
    assert sol.status is fp.Status.FINISHED
    assert sol.t.tolist() == [1.0, math.nextafter(1.0, 2.0)]
