"""Contestants run in processes of their own, and peers in virtual environments that are thrown away afterwards."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from .worker import MARK

WORKER = Path(__file__).with_name("worker.py")
VERSION = """
import importlib.metadata, sys
print(importlib.metadata.version(sys.argv[1]))
"""


@dataclass(frozen=True)
class Contestant:
    """Who takes part: what its environment needs (nothing: the one that this process runs in), and what it calls.

    The first of `needs` is the package whose version is printed.
    """

    name: str
    module: str
    function: str
    needs: tuple[str, ...] = ()


@dataclass
class Environments:
    """Virtual environments below a temporary folder, one for each set of packages; a context manager."""

    threads: int = 1
    skipped: dict[str, str] = field(default_factory=dict)
    """A sentence for every contestant that did not run."""
    _pythons: dict[tuple[str, ...], list[str] | None] = field(default_factory=dict)
    _folder: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Environments:
        self._folder = tempfile.TemporaryDirectory(prefix="race-")
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._folder is not None
        self._folder.cleanup()

    def ask(self, contestant: Contestant, job: dict[str, Any]) -> Any:
        """What `contestant` answers to `job`; None, and a sentence in `skipped`, where it does not install or run."""
        python = self.python(contestant)
        if python is None:
            return None
        threads = {name: str(self.threads) for name in ("NUMBA_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        done = subprocess.run(
            [*python, str(WORKER), contestant.module, contestant.function],
            input=json.dumps(job), capture_output=True, text=True, check=False, env=os.environ | threads,
        )  # fmt: skip
        answers = [line.removeprefix(MARK) for line in done.stdout.splitlines() if line.startswith(MARK)]
        if done.returncode or not answers:
            self.skipped[contestant.name] = f"skipped, because it does not run here: {last_line(done.stderr)}"
            return None
        return json.loads(answers[-1])

    def version(self, contestant: Contestant) -> str:
        """Of the first package that it needs, or of fokkerplanck."""
        if not contestant.needs:
            import fokkerplanck

            return fokkerplanck.__version__
        python = self.python(contestant)
        if python is None:
            return "not installed"
        package = contestant.needs[0]
        done = subprocess.run([*python, "-c", VERSION, package], capture_output=True, text=True, check=False)
        return done.stdout.strip() or "unknown"

    def python(self, contestant: Contestant) -> list[str] | None:
        """How its Python is called, made when first asked for."""
        if not contestant.needs:
            return [sys.executable]
        if contestant.needs not in self._pythons:
            self._pythons[contestant.needs] = self._installed(contestant)
        python = self._pythons[contestant.needs]
        if python is None:
            self.skipped.setdefault(contestant.name, f"skipped like others that need {contestant.needs[0]}")
        return python

    def _installed(self, contestant: Contestant) -> list[str] | None:
        assert self._folder is not None
        folder = Path(self._folder.name) / f"{len(self._pythons)}"
        venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt").create(folder)
        python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        command = installer(python)
        if command is None:
            self.skipped[contestant.name] = "skipped, because there is neither uv nor pip to install it with"
            return None
        done = subprocess.run([*command, *contestant.needs], capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipped[contestant.name] = f"skipped, because it does not install here: {last_line(done.stderr)}"
            return None
        return [str(python), "-I"]


def installer(python: Path) -> list[str] | None:
    """The command that installs packages into the environment of `python`, which has no pip itself."""
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.executable).parent))
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", str(python)]
    if importlib.util.find_spec("pip"):
        return [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-user"]
    return None


def last_line(text: str) -> str:
    return (text.strip().splitlines() or ["no reason given"])[-1].strip()
