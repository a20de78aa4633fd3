"""What the command line reads and prints: `NAME=VALUE`, axes, JSON, CSV."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from .outcomes import BlowUp, InvalidArgument
from .storage import atomic_write

if TYPE_CHECKING:
    from .solution import Solution

RANGE = 3
"""Parts of START:STOP:COUNT."""


def read_setting(word: str) -> tuple[str, Any]:
    """The name and the value of `NAME=VALUE`; the value as in a TOML file, but a lone word needs no quotes.

    >>> read_setting("model.b=1.2"), read_setting("run.scheme=upwind"), read_setting("run.t_span=[0, 4.0]")
    (('model.b', 1.2), ('run.scheme', 'upwind'), ('run.t_span', [0, 4.0]))
    """
    name, equals, text = word.partition("=")
    name, text = name.strip(), text.strip()
    if equals and "." not in name and name != "title":
        raise InvalidArgument(f"--set {word}: name the table too, as in --set model.{name}={text}.")
    if not equals or not text or not all(name.split(".")):
        raise InvalidArgument(f"--set {word}: write NAME=VALUE, as in --set model.b=1.2.")
    try:
        (value,) = tomllib.loads(f"value = {text}").values()
    except ValueError:
        value = text
    return name, value


def read_axis(word: str) -> tuple[str, np.ndarray]:
    """The name and the values of `NAME=START:STOP:COUNT` or `NAME=VALUE,VALUE,…`.

    >>> read_axis("b=0:3:4")
    ('b', array([0., 1., 2., 3.]))
    >>> read_axis("initial.mean=-1,0.5")
    ('initial.mean', array([-1. ,  0.5]))
    """
    name, _, text = word.partition("=")
    parts = text.split(":")
    try:
        if not name.strip():
            raise ValueError
        if len(parts) == RANGE and int(parts[2]) > 0:
            return name.strip(), np.linspace(float(parts[0]), float(parts[1]), int(parts[2]))
        return name.strip(), np.array([float(part) for part in text.split(",")])
    except ValueError:
        raise InvalidArgument(
            f"--axis {word}: write NAME=START:STOP:COUNT or NAME=VALUE,VALUE, as in --axis b=0:3:25."
        ) from None


def as_json(value: Any) -> str:
    """Strict JSON: what is not a number is null, infinities are texts."""
    return json.dumps(plain(value), indent=2, ensure_ascii=False, allow_nan=False)


def plain(value: Any, nan: str | None = None) -> Any:
    """The same in what strict JSON knows: `nan` for what is not a number, infinities and objects as texts.

    >>> plain({"rate": np.array([1.0, np.nan, np.inf])})
    {'rate': [1.0, None, 'inf']}
    """
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(name): plain(part, nan) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part, nan) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return nan if math.isnan(value) else str(value)
    return value if isinstance(value, bool | int | float | str | None) else str(value)


def summary(solution: Solution) -> dict[str, Any]:
    """What a solution is, in numbers and texts; the histories stay in its file."""
    quality = solution.quality
    return {
        "status": solution.status.name.lower().replace("_", "-"),
        "message": solution.message,
        "t": [solution.t[0], solution.t[-1]],
        "rate": solution.rate[-1] if solution.model is None else solution.model.shown_rate(solution.rate[-1]),
        "largest_rate": solution.largest_rate,
        "blow_up": None if solution.blow_up is None else _blow_up(solution.blow_up),
        "jumps": [{"time": jump.time, "fraction": jump.fraction} for jump in solution.jumps],
        "error_estimate": quality.error_estimate,
        "mass_error": quality.mass_error,
        "smallest_density": quality.smallest_density,
        "truncated_mass": quality.truncated_mass,
        "steps": quality.steps,
        "rejected": quality.rejected,
        "model": None if solution.model is None else repr(solution.model),
        "settings": dict(solution.settings),
    }


def rows_of(table: Any, axes: Sequence[str]) -> list[dict[str, Any]]:
    """A row for each point of a sweep: the axes, then the metrics."""
    if isinstance(table, np.recarray):
        columns: dict[str, np.ndarray] = {name: table[name].ravel() for name in table.dtype.names or ()}
    else:
        stacked = table.to_dataframe().reset_index()
        columns = {name: stacked[name].to_numpy() for name in (*axes, *table.data_vars)}
    rows = zip(*(column.tolist() for column in columns.values()), strict=True)
    return [dict(zip(columns, row, strict=True)) for row in rows]


def write_csv(rows: Sequence[Mapping[str, Any]], path: str | os.PathLike[str]) -> None:
    """Numbers in full precision; what is not a number is empty."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: "" if value != value else value for name, value in row.items()} for row in rows)
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())


def counted(words: Sequence[str]) -> Iterator[str]:
    """Each word once with how often it stands there, the most frequent first."""
    counts = {word: words.count(word) for word in dict.fromkeys(words)}
    for word, count in sorted(counts.items(), key=lambda pair: -pair[1]):
        yield f"{count} {word}"


def _blow_up(found: BlowUp) -> dict[str, Any]:
    return {"time": found.time, "interval": found.interval, "largest_rate": found.rate, "evidence": found.evidence}
