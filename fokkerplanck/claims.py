"""Claims: theorems and published numbers that the program checks, each in a file of its own under validation/.

A claim's file defines `CLAIM`, and three functions: `run(quick)` computes, `check(result)` holds what came out against
what is predicted, `plot(result)` draws it. `quick` may cost accuracy or cases, never the ability to fail.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np

from .outcomes import InvalidArgument

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Check:
    """One measured number beside the predicted one.

    `kind` says what must hold: "relative" and "absolute" bound the difference by `tolerance`, "at most" and "at least"
    allow it as a margin, "equal" compares exactly.
    """

    quantity: str
    predicted: Any
    measured: Any
    tolerance: float = 0.0
    kind: str = "relative"

    @property
    def passed(self) -> bool:
        if self.kind == "equal":
            return bool(self.predicted == self.measured)
        predicted, measured = float(self.predicted), float(self.measured)
        if not np.isfinite(measured):
            return False
        if self.kind == "relative":
            return abs(measured - predicted) <= self.tolerance * abs(predicted)
        if self.kind == "absolute":
            return abs(measured - predicted) <= self.tolerance
        if self.kind == "at most":
            return measured <= predicted + self.tolerance
        if self.kind == "at least":
            return measured >= predicted - self.tolerance
        raise ValueError(f"unknown kind of check {self.kind!r}")


@dataclass(frozen=True)
class Claim:
    """What is claimed, by whom, and with which numbers.

    `statement` is the theorem or the published number in our words, `source` names paper and equation, `parameters`
    are those of the run. `alone` says that it measures the machine and bears no other work beside it.
    """

    title: str
    statement: str
    source: str
    parameters: dict[str, Any] = field(default_factory=dict)
    alone: bool = False


@dataclass(frozen=True)
class ClaimFile:
    """A claim as found on disk."""

    name: str
    claim: Claim
    run: Callable[[bool], Any]
    check: Callable[[Any], list[Check]]
    plot: Callable[[Any], Figure]


def validation_folder() -> Path:
    """The folder of the claims; they come with a clone of the repository, not with an installed wheel."""
    folder = Path(__file__).resolve().parent.parent / "validation"
    if not folder.is_dir():
        raise InvalidArgument(
            "the claims are not part of an installed package; run `python3 run.py reproduce` in a clone of the "
            "repository."
        )
    return folder


def find_claims(folder: Path | None = None) -> dict[str, ClaimFile]:
    """Every claim below `folder`, by name (its file's name), in the order of their folders and names."""
    claims: dict[str, ClaimFile] = {}
    for path in sorted((folder or validation_folder()).glob("*/*.py")):
        if "\nCLAIM = " not in path.read_text(encoding="utf-8"):
            continue
        module = _load(path)
        name = path.stem.replace("_", "-")
        if name in claims:
            raise InvalidArgument(f"two claims are called {name!r}; rename {path.name}.")
        claims[name] = ClaimFile(name, module.CLAIM, module.run, module.check, module.plot)
    return claims


def _load(path: Path) -> ModuleType:
    name = f"fokkerplanck_validation_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InvalidArgument(f"{path} cannot be read as a Python file.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module
