"""Checks claims and writes the report: statement, source, predicted and measured numbers, verdict, figure."""

from __future__ import annotations

import hashlib
import html
import json
import os
import platform
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .claims import Check, ClaimFile, find_claims, validation_folder
from .outcomes import InvalidArgument, named
from .pool import processors, stoppable
from .shell import plain
from .storage import atomic_write

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Verdict:
    """What came of one claim. `error` is the traceback if the claim's own code failed."""

    file: ClaimFile
    checks: tuple[Check, ...]
    seconds: float
    figure: str | None
    error: str | None = None

    @property
    def holds(self) -> bool:
        return self.error is None and len(self.checks) > 0 and all(check.passed for check in self.checks)


def reproduce(
    names: Sequence[str] = (),
    quick: bool = False,
    directory: str | Path = "reports/latest",
    jobs: int | None = None,
    resume: bool = False,
) -> int:
    """Check the named claims (all if none is named), write the report, print its path; 0 if every claim holds.

    As many at a time as `jobs` says, or as there are processors; those that measure the machine one by one. Ctrl-C
    writes the report of what is finished; with `resume` the same call goes on from there, if no source has changed.
    """
    from tqdm.auto import tqdm

    if jobs is not None and jobs < 1:
        raise InvalidArgument(f"`jobs` = {jobs}, but at least one claim at a time must be checked.")
    claims = find_claims()
    chosen = [named("claim", claims, name) for name in names] or list(claims.values())
    folder = Path(directory).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    verdicts = _held_before(chosen, quick, folder) if resume else {}
    left = [file for file in chosen if file.name not in verdicts]
    try:
        # Silent (disable=None) where nobody watches.
        with (
            stoppable(),
            tqdm(total=len(chosen), initial=len(verdicts), unit="claim", dynamic_ncols=True, disable=None) as bar,
        ):
            for verdict in _verdicts(left, quick, folder, jobs or processors(), bar.set_description):
                verdicts[verdict.file.name] = verdict
                bar.update()
                if not verdict.holds:
                    bar.write(f"does not hold: {verdict.file.name}{_first_failure(verdict)}", file=sys.stderr)
    except KeyboardInterrupt:
        page = write_report([verdicts[file.name] for file in chosen if file.name in verdicts], quick, folder)
        print(f"{len(verdicts)} of {len(chosen)} claims checked; --resume goes on. Report: {page}", file=sys.stderr)
        raise
    in_order = [verdicts[file.name] for file in chosen]
    page = write_report(in_order, quick, folder)
    held = sum(verdict.holds for verdict in in_order)
    checks = sum(len(verdict.checks) for verdict in in_order)
    print(f"{held} of {len(in_order)} claims hold ({checks} numbers compared). Report: {page}")
    return 0 if held == len(in_order) else 1


def _verdicts(
    files: Sequence[ClaimFile], quick: bool, folder: Path, jobs: int, announce: Callable[[str], object]
) -> Iterator[Verdict]:
    """As they come: first what may share the machine, then what may not."""
    together = [file for file in files if not file.claim.alone] if jobs > 1 and len(files) > 1 else []
    if together:
        with _workers(jobs) as pool:
            waiting = {pool.submit(_judge_named, file.name, quick, folder): file for file in together}
            for done in as_completed(waiting):
                announce(waiting[done].name)
                yield _outcome(waiting[done], done)
    for file in files:
        if file not in together:
            announce(file.name)
            yield judge(file, quick, folder)


@contextmanager
def _workers(jobs: int) -> Iterator[ProcessPoolExecutor]:
    """Processes with one thread of linear algebra each, that Ctrl-C ends at once."""
    before = os.environ.get("OMP_NUM_THREADS")
    os.environ["OMP_NUM_THREADS"] = before or "1"  # read when they load NumPy
    pool = ProcessPoolExecutor(jobs, get_context("spawn"), signal.signal, (signal.SIGINT, signal.SIG_DFL))
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
        if before is None:
            del os.environ["OMP_NUM_THREADS"]


_kept_claims = cache(find_claims)
"""Loaded once by a process that checks many of them."""


def _judge_named(name: str, quick: bool, folder: Path) -> tuple:
    """What `judge` finds, without the claim's functions: those do not travel between processes."""
    verdict = judge(_kept_claims()[name], quick, folder)
    return verdict.checks, verdict.seconds, verdict.figure, verdict.error


def _outcome(file: ClaimFile, done: Future) -> Verdict:
    try:
        return Verdict(file, *done.result())
    except BrokenProcessPool:
        return Verdict(file, (), 0.0, None, "A process that checked claims was killed (by lack of memory?).\n")


def judge(file: ClaimFile, quick: bool, folder: Path) -> Verdict:
    """Run, check and draw one claim. An error in a claim is its verdict, so that the others are still checked."""
    start = time.perf_counter()
    try:
        result = file.run(quick)
        checks = tuple(file.check(result))
        figure = _save_figure(file.plot(result), folder / f"{file.name}.png")
        return Verdict(file, checks, time.perf_counter() - start, figure)
    except Exception:
        return Verdict(file, (), time.perf_counter() - start, None, traceback.format_exc())


def write_report(verdicts: Sequence[Verdict], quick: bool, folder: Path) -> Path:
    """Write report.md, report.html and report.json into `folder`; return the path of the HTML page."""
    page = folder / "report.html"
    texts = {
        folder / "report.md": _markdown(verdicts, quick),
        folder / "report.json": json.dumps(as_data(verdicts, quick), indent=1, allow_nan=False, ensure_ascii=False),
        page: _html(verdicts, quick),
    }
    for path, text in texts.items():
        with atomic_write(path) as file:
            file.write(text.encode())
    return page


def as_data(verdicts: Sequence[Verdict], quick: bool) -> dict[str, Any]:
    """The report as numbers, texts, lists and dictionaries that strict JSON can hold.

    NaN and the infinities, which JSON has no words for, become the strings "nan", "inf" and "-inf".
    """
    return {
        "form": _form(quick),
        "versions": _versions(),
        "source": source_code(),
        "claims": [_claim_as_data(verdict) for verdict in verdicts],
    }


def _claim_as_data(verdict: Verdict) -> dict[str, Any]:
    claim = verdict.file.claim
    return {
        "name": verdict.file.name,
        "title": claim.title,
        "statement": claim.statement,
        "source": claim.source,
        "parameters": plain(claim.parameters, nan="nan"),
        "holds": bool(verdict.holds),
        "seconds": verdict.seconds,
        "figure": verdict.figure,
        "error": verdict.error,
        "checks": [
            {
                "quantity": check.quantity,
                "predicted": plain(check.predicted, nan="nan"),
                "measured": plain(check.measured, nan="nan"),
                "kind": check.kind,
                "tolerance": check.tolerance,
                "passed": bool(check.passed),
            }
            for check in verdict.checks
        ],
    }


def source_code() -> str:
    """A fingerprint of the package and of all claims: a verdict is worth as much as the code that found it."""
    package = Path(__file__).resolve().parent
    found = hashlib.sha256()
    for path in [*sorted(package.rglob("*.py")), *sorted(validation_folder().rglob("*.py"))]:
        found.update(path.name.encode() + b"\0" + path.read_bytes())
    return found.hexdigest()


def _held_before(files: Sequence[ClaimFile], quick: bool, folder: Path) -> dict[str, Verdict]:
    """The claims that hold in the report of the folder, if it is of the same form and of the code as it is now."""
    try:
        data = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if (data["form"], data["versions"], data["source"]) != (_form(quick), _versions(), source_code()):
            return {}
    except (OSError, ValueError, KeyError):
        return {}
    told = {claim["name"]: claim for claim in data["claims"] if claim["holds"]}
    return {file.name: _verdict_from_data(file, told[file.name]) for file in files if file.name in told}


def _verdict_from_data(file: ClaimFile, claim: dict[str, Any]) -> Verdict:
    names = ("quantity", "predicted", "measured", "tolerance", "kind")
    checks = tuple(Check(*(check[name] for name in names)) for check in claim["checks"])
    return Verdict(file, checks, claim["seconds"], claim["figure"])


def _form(quick: bool) -> str:
    return "quick" if quick else "full"


def _save_figure(figure: Figure, path: Path) -> str:
    with atomic_write(path) as file:
        figure.savefig(file, format="png", dpi=130)
    return path.name


def _first_failure(verdict: Verdict) -> str:
    if verdict.error:
        return f"\n{verdict.error}"
    if not verdict.checks:
        return " (it compared nothing)"
    failed = next(check for check in verdict.checks if not check.passed)
    return f" ({failed.quantity}: predicted {_number(failed.predicted)}, measured {_number(failed.measured)})"


def _number(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _requirement(check: Check) -> str:
    bound = f"{check.tolerance:.1e}"
    return {
        "relative": f"relative difference ≤ {bound}",
        "absolute": f"difference ≤ {bound}",
        "at most": "at most" if check.tolerance == 0 else f"at most, margin {bound}",
        "at least": "at least" if check.tolerance == 0 else f"at least, margin {bound}",
        "equal": "equal",
    }[check.kind]


def _preamble(verdicts: Sequence[Verdict], quick: bool) -> str:
    held = sum(verdict.holds for verdict in verdicts)
    seconds = sum(verdict.seconds for verdict in verdicts)
    versions = ", ".join(f"{name} {number}" for name, number in _versions().items())
    return f"{held} of {len(verdicts)} claims hold, {_form(quick)} form, {seconds:.1f} s; {versions}."


def _versions() -> dict[str, str]:
    from . import __version__

    libraries = {name: version(name) for name in ("numpy", "scipy", "numba")}
    return {"fokkerplanck": __version__, "Python": platform.python_version(), **libraries}


def _rows(verdict: Verdict) -> list[tuple[str, str, str, str, str]]:
    return [
        (c.quantity, _number(c.predicted), _number(c.measured), _requirement(c), "holds" if c.passed else "FAILS")
        for c in verdict.checks
    ]


HEADER = ("quantity", "predicted", "measured", "required", "verdict")


def _markdown(verdicts: Sequence[Verdict], quick: bool) -> str:
    parts = ["# Claims", "", _preamble(verdicts, quick), ""]
    parts += ["| claim | verdict | s |", "|---|---|---|"]
    parts += [
        f"| [{v.file.claim.title}](#{v.file.name}) | {'holds' if v.holds else '**does not hold**'} | {v.seconds:.1f} |"
        for v in verdicts
    ]
    for v in verdicts:
        claim = v.file.claim
        parts += ["", f'## <a id="{v.file.name}"></a>{claim.title}', "", claim.statement, "", f"*{claim.source}*", ""]
        parts += [", ".join(f"{key} = {value}" for key, value in claim.parameters.items()), ""]
        if v.error:
            parts += ["```", v.error.rstrip(), "```"]
        parts += ["| " + " | ".join(HEADER) + " |", "|---|---|---|---|---|"]
        parts += ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in _rows(v)]
        if v.figure:
            parts += ["", f"![{claim.title}]({v.figure})"]
    return "\n".join(parts) + "\n"


STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
table { border-collapse: collapse; margin: 1rem 0; font-size: 0.9rem }
td, th { border-bottom: 1px solid #ddd; padding: 0.25rem 0.8rem; text-align: left }
.holds { color: #17692f } .fails { color: #b3261e; font-weight: bold }
.source { color: #555; font-style: italic } img { max-width: 100% } pre { overflow-x: auto; background: #f6f6f6 }
"""


def _html(verdicts: Sequence[Verdict], quick: bool) -> str:
    e = html.escape
    body = [f"<h1>Claims</h1><p>{e(_preamble(verdicts, quick))}</p><table><tr><th>claim<th>verdict<th>s</tr>"]
    for v in verdicts:
        body.append(
            f'<tr><td><a href="#{v.file.name}">{e(v.file.claim.title)}</a><td>{_html_verdict(v.holds)}'
            f"<td>{v.seconds:.1f}</tr>"
        )
    body.append("</table>")
    for v in verdicts:
        claim = v.file.claim
        body.append(f'<h2 id="{v.file.name}">{e(claim.title)}</h2><p>{e(claim.statement)}</p>')
        body.append(f'<p class="source">{e(claim.source)}</p>')
        body.append(f"<p>{e(', '.join(f'{k} = {x}' for k, x in claim.parameters.items()))}</p>")
        if v.error:
            body.append(f"<pre>{e(v.error)}</pre>")
        body.append(f"<table><tr>{''.join(f'<th>{name}' for name in HEADER)}</tr>")
        for row, check in zip(_rows(v), v.checks, strict=True):
            cells = "".join(f"<td>{e(cell)}" for cell in row[:-1])
            body.append(f"<tr>{cells}<td>{_html_verdict(check.passed)}</tr>")
        body.append("</table>")
        if v.figure:
            body.append(f'<img src="{v.figure}" alt="{e(claim.title)}">')
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>fokkerplanck: claims</title>'
        f"<style>{STYLE}</style>\n" + "\n".join(body) + "\n</html>\n"
    )


def _html_verdict(holds: bool) -> str:
    return '<span class="holds">holds</span>' if holds else '<span class="fails">does not hold</span>'
