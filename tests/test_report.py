"""Claims checked side by side are claims checked one by one."""

import re

import pytest

import fokkerplanck as fp
from fokkerplanck.report import reproduce

NAMES = ["poisson-trains", "entropy-decay"]


def numbers(folder):
    """The tables of the report, without the seconds."""
    return [line for line in (folder / "report.md").read_text().splitlines() if re.match(r"\| (?!\[)", line)]


def test_side_by_side_or_one_by_one_the_report_says_the_same(tmp_path, capsys):
    for jobs in (1, 2):
        assert reproduce(NAMES, quick=True, directory=tmp_path / str(jobs), jobs=jobs) == 0
    assert "2 of 2 claims hold" in capsys.readouterr().out
    alone, together = numbers(tmp_path / "1"), numbers(tmp_path / "2")
    assert len(alone) > 6
    assert alone == together
    assert (tmp_path / "2" / "entropy-decay.png").stat().st_size > 10_000


def test_no_claims_at_a_time_is_refused():
    with pytest.raises(fp.InvalidArgument, match="`jobs`"):
        reproduce(NAMES, jobs=0)
