"""Rows, verdicts and their tables: plain text that stays the same while the numbers do, to be kept in a repository."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """One run: who, how, seconds of processor time, and the error that the item defines."""

    name: str
    setting: str
    seconds: float
    error: float
    problem: str = ""
    note: str = ""


@dataclass(frozen=True)
class Verdict:
    """A bar, whether it is held, and the numbers that say so."""

    bar: str
    held: bool
    numbers: str

    def __str__(self) -> str:
        return f"{'held' if self.held else 'NOT HELD'}: {self.bar}: {self.numbers}"


@dataclass
class Item:
    """One discipline of the race: its error in words and on an axis, and whether the rows of one name are a curve."""

    number: int
    title: str
    error: str
    error_label: str
    rows: list[Row] = field(default_factory=list)
    verdicts: list[Verdict] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    curves: bool = True

    def text(self) -> str:
        lines = [f"{self.number}. {self.title}", "", f"error: {self.error}", ""]
        versions = ", ".join(f"{name} {version}" for name, version in self.versions.items())
        lines += [f"versions: {versions}", ""] if versions else []
        for problem in dict.fromkeys(row.problem for row in self.rows):
            lines += [f"  {problem}"] if problem else []
            lines += [*table([row for row in self.rows if row.problem == problem]), ""]
        return "\n".join([*lines, *self.remarks, *(str(verdict) for verdict in self.verdicts)]).rstrip() + "\n"


def table(rows: Sequence[Row]) -> list[str]:
    """Lines of equal columns: contestant, setting, error, milliseconds, note."""
    cells = [("", "setting", "error", "ms", "")]
    cells += [(row.name, row.setting, f"{row.error:.1e}", milliseconds(row.seconds), row.note) for row in rows]
    widths = [max(len(line[column]) for line in cells) for column in range(5)]
    return [
        f"  {name:{widths[0]}}  {setting:{widths[1]}}  {error:>{widths[2]}}  {ms:>{widths[3]}}  {note}".rstrip()
        for name, setting, error, ms, note in cells
    ]


def milliseconds(seconds: float) -> str:
    """With three digits."""
    ms = 1e3 * seconds
    return f"{ms:.0f}" if ms >= 100.0 else f"{ms:.{max(0, 2 - math.floor(math.log10(max(ms, 1e-3))))}f}"


def cheapest(rows: Sequence[Row], error: float) -> Row | None:
    """The fastest of the rows whose error is at most `error`."""
    return min((row for row in rows if row.error <= error), key=lambda row: row.seconds, default=None)


def against(bar: str, ours: Row | None, peer: Row | None, factor: float) -> Verdict:
    """Whether `ours` is at least `factor` times faster than `peer`; with nothing to compare it is not held."""
    if ours is None:
        return Verdict(bar, False, "fokkerplanck does not reach that error")
    if peer is None:
        return Verdict(bar, True, f"{described(ours)}; no peer reaches that error")
    ratio = peer.seconds / ours.seconds
    return Verdict(bar, ratio >= factor, f"{described(ours)}, {described(peer)}: ratio {ratio:.2g}")


def described(row: Row) -> str:
    return f"{row.name} ({row.setting}) {row.error:.1e} in {milliseconds(row.seconds)} ms"
