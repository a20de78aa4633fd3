"""What is our own in the benchmark of validation/performance/race: its reference and its tables, without any peer."""

import sys
from pathlib import Path

import numpy as np
import pytest

import fokkerplanck as fp

sys.path.insert(0, str(Path(__file__).parent.parent / "validation" / "performance"))
from race import linear, passages
from race.results import Item, Row, against, cheapest, milliseconds, table


def test_the_transform_of_the_linear_problem_meets_values_of_another_program():
    known = np.array(list(linear.EXACT.values()))
    assert linear.rate(np.array(list(linear.EXACT))) == pytest.approx(known, rel=2e-11)


def test_the_transform_has_the_pole_of_the_stationary_rate():
    (state,) = fp.stationary_states(fp.nnlif(b=0.0))
    assert (1e-9 * linear.transform(np.array([1e-9 + 0j]))[0]).real == pytest.approx(state.rate, rel=1e-8)


def test_initial_moments_are_those_of_the_gaussian_cut_off_at_the_threshold():
    v, weight = np.polynomial.legendre.leggauss(200)
    v = -1.5 + 3.5 * v
    density = weight * np.exp(-2.0 * v**2)
    expected = [np.sum(density * v**n) / np.sum(density) for n in range(5)]
    assert linear.moments()[:5] * [1, 1, 2, 6, 24] == pytest.approx(expected, rel=1e-7, abs=1e-9)


@pytest.mark.parametrize("problem", passages.PROBLEMS)
def test_closed_densities_of_passage_times_have_the_mass_one(problem):
    exact, job = passages.PROBLEMS[problem]
    t = np.linspace(0.0, 40.0, 400_001)[1:]
    assert np.trapezoid(exact(t, job["drift"]), t) == pytest.approx(1.0, abs=1e-6)


def test_the_closed_density_is_that_of_the_neuron_whose_mean_input_is_its_threshold():
    t = np.array([0.05, 0.3, 2.0])
    neuron = fp.LIF(tau_m=1.0, V_th=passages.BOUND, V_r=passages.START)
    law = fp.first_passage_density(t, passages.BOUND, np.sqrt(2.0), neuron)
    assert passages.towards_its_mean(t, passages.BOUND) == pytest.approx(law.density, rel=1e-11)


ROWS = [
    Row("fokkerplanck", "default", 0.0123, 4e-4),
    Row("fokkerplanck", "rtol 1e-08", 1.2, 3e-9),
    Row("another one", "100 cells", 0.3, 9e-4, note="slow"),
]


def test_a_table_has_columns():
    assert table(ROWS[:1] + ROWS[2:]) == [
        "                setting      error    ms",
        "  fokkerplanck  default    4.0e-04  12.3",
        "  another one   100 cells  9.0e-04   300  slow",
    ]


def test_times_have_three_digits():
    assert [milliseconds(s) for s in (1.2345e-6, 0.00123, 0.0123, 0.123, 12.3)] == [
        "0.00123", "1.23", "12.3", "123", "12300",
    ]  # fmt: skip


def test_a_bar_is_held_by_the_fastest_run_that_is_accurate_enough():
    ours, peer = cheapest(ROWS[:2], 1e-3), cheapest(ROWS[2:], 1e-3)
    assert against("bar", ours, peer, 20.0).held
    assert not against("bar", ours, peer, 30.0).held
    assert "ratio 24" in str(against("bar", ours, peer, 30.0))
    assert cheapest(ROWS, 1e-12) is None
    assert not against("bar", None, peer, 1.0).held
    assert against("bar", ours, None, 1.0).held


def test_an_item_is_printed_with_its_problems_apart_and_its_verdicts_last():
    item = Item(
        7, "Title", "largest", "label", rows=[Row("a", "s", 1.0, 1e-3, "first"), Row("a", "s", 1.0, 1e-3, "then")]
    )
    item.verdicts.append(against("bar", item.rows[0], None, 2.0))
    lines = item.text().splitlines()
    assert lines[:3] == ["7. Title", "", "error: largest"]
    assert lines.index("  first") < lines.index("  then")
    assert lines[-1].startswith("held: bar")
