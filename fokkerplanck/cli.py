"""The command line: `fokkerplanck run CASE.toml`, `show`, `list`, `reproduce`, `schema`.

Exit status: 0 if what was asked held, 1 if it did not, 2 if the input is not valid, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import inspect
import os
import sys
import textwrap
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

# Nothing that loads numba, SciPy, pydantic or matplotlib: --help answers at once. Each handler imports what it needs.
from . import __version__
from .outcomes import FokkerPlanckError, FokkerPlanckWarning, InvalidArgument, Status

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HELD, DID_NOT_HOLD, BAD_INPUT, INTERRUPTED = 0, 1, 2, 130
EXIT = {Status.FINISHED: HELD, Status.BLOW_UP: HELD, Status.STOPPED: HELD, Status.INTERRUPTED: INTERRUPTED}
"""A blow-up is a result. Any other status: DID_NOT_HOLD."""
PICTURES = (".png", ".pdf", ".svg")


def main(argv: Sequence[str] | None = None) -> int:
    """Do what the words of the command line ask; return the exit status."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal without Unicode shows ? for what it lacks
            stream.reconfigure(errors="replace")
    words = _parser().parse_args(argv)
    with warnings.catch_warnings():
        warnings.simplefilter("always", FokkerPlanckWarning)
        warnings.showwarning = _show_warning
        try:
            status = int(words.handler(words))
            sys.stdout.flush()
            return status
        except FokkerPlanckError as error:
            print(f"error: {error}", file=sys.stderr)
            return BAD_INPUT
        except BrokenPipeError:  # the reader of our output, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return HELD
        except OSError as error:
            if error.filename is None:
                raise
            print(f"error: {error.strerror}: {error.filename}", file=sys.stderr)
            return BAD_INPUT
        except KeyboardInterrupt:
            print("interrupted", file=sys.stderr)
            return INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="fokkerplanck", description="The Fokker-Planck equations of neural networks.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"fokkerplanck {__version__}")
    jobs = parser.add_subparsers(metavar="JOB", required=True)

    run = jobs.add_parser("run", help="solve a case and save the solution", allow_abbrev=False)
    run.add_argument("case", metavar="CASE.toml", type=Path, help="description of the run; see `schema` and `list`")
    run.add_argument("-o", "--output", metavar="FILE.nc", type=Path, help="default: CASE.nc in the current folder")
    run.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the solution (png, pdf or svg)")
    run.add_argument("--quiet", action="store_true", help="print nothing but errors and warnings")
    run.set_defaults(handler=_run)

    show = jobs.add_parser("show", help="print, and draw, a saved solution", allow_abbrev=False)
    show.add_argument("file", metavar="FILE.nc", type=Path)
    show.add_argument("--plot", metavar="FILE.png", type=Path, help="draw the solution (png, pdf or svg)")
    show.set_defaults(handler=_show)

    names = jobs.add_parser("list", help="list claims, example cases, and the names that a case may use")
    names.set_defaults(handler=_list)

    reproduce = jobs.add_parser("reproduce", help="check claims and write a report", allow_abbrev=False)
    reproduce.add_argument("claims", metavar="CLAIM", nargs="*", help="names from `list`; default: all")
    reproduce.add_argument("--quick", action="store_true", help="the short form of each claim")
    reproduce.add_argument("--report", metavar="DIR", type=Path, help="folder of the report")
    reproduce.add_argument("--jobs", metavar="N", type=int, help="claims checked at a time; default: one per processor")
    reproduce.set_defaults(handler=_reproduce)

    schema = jobs.add_parser("schema", help="print the JSON schema of a case")
    schema.set_defaults(handler=_schema)
    return parser


def _run(words: argparse.Namespace) -> int:
    from .cases import load_case
    from .storage import check_writable

    case = load_case(words.case)
    output = words.output or Path(f"{words.case.stem}.nc")
    check_writable(output)  # before the run, not after it
    _check_picture(words.plot)
    if _same_file(output, words.case) or _same_file(output, words.plot):
        raise InvalidArgument(f"{output} would be written over; give another name with -o.")
    solution = case.run(progress=not words.quiet and sys.stderr.isatty())
    solution.save(output)
    if not words.quiet:
        print(solution)
        print(f"Saved: {output}")
    if words.plot:
        _draw(solution.plot(), words.plot, words.quiet)
    return EXIT.get(solution.status, DID_NOT_HOLD)


def _show(words: argparse.Namespace) -> int:
    from .storage import load

    _check_picture(words.plot)
    solution = load(words.file)
    print(solution)
    print(f"Model: {solution.model if solution.model is not None else 'not stored'}")
    print("".join(f"{name}: {value}\n" for name, value in solution.settings.items()), end="")
    if words.plot:
        _draw(solution.plot(), words.plot)
    return HELD


def _list(words: argparse.Namespace) -> int:
    from .cases import INITIALS, SCHEMES, STEPPERS
    from .claims import find_claims, validation_folder
    from .models.description import DRIFTS, HAZARDS, MODELS, POLARITIES, REFRACTORY, THRESHOLDS

    try:
        folder = validation_folder()
        _print_list("Claims", {name: file.claim.title for name, file in find_claims(folder).items()})
        _print_list("Example cases", {_from_here(p): _title(p) for p in sorted(folder.glob("cases/*.toml"))})
    except InvalidArgument as error:  # an installed package has neither
        print(f"Claims: {error}\n")
    _print_list("Models", {name: _with_source(model) for name, model in MODELS.items()})
    named: dict[str, Mapping[str, object]] = {
        "Refractory laws": REFRACTORY,
        "Threshold laws": THRESHOLDS,
        "Drift laws": DRIFTS,
        "Polarities": POLARITIES,
        "Hazards": HAZARDS,
        "Initial densities": INITIALS,
        "Schemes": SCHEMES,
        "Steppers": STEPPERS,
    }
    for heading, table in named.items():
        _print_list(heading, {name: _first_line(thing) for name, thing in table.items()})
    return HELD


def _reproduce(words: argparse.Namespace) -> int:
    from .report import reproduce

    place = {} if words.report is None else {"directory": words.report}
    return reproduce(words.claims, quick=words.quick, jobs=words.jobs, **place)


def _schema(words: argparse.Namespace) -> int:
    import json

    from .cases import schema

    print(json.dumps(schema(), indent=2))
    return HELD


# -- details ----------------------------------------------------------------------------------------------------


def _check_picture(path: Path | None) -> None:
    from .storage import check_writable

    if path is None:
        return
    if path.suffix.lower() not in PICTURES:
        raise InvalidArgument(f"--plot {path}: the name must end in {', '.join(PICTURES)}.")
    check_writable(path)


def _draw(figure: Figure, path: Path, quiet: bool = False) -> None:
    from .storage import atomic_write

    with atomic_write(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=150)
    if not quiet:
        print(f"Drawn: {path}")


def _same_file(one: Path, other: Path | None) -> bool:
    return other is not None and one.resolve() == other.resolve()


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _title(path: Path) -> str:
    from .cases import load_case

    return load_case(path).title


def _first_line(thing: object) -> str:
    return (thing.__doc__ or "").strip().split("\n")[0]


def _with_source(thing: object) -> str:
    """The first line of its documentation, and the sources it names."""
    paragraphs = (inspect.getdoc(thing) or "").split("\n\n")
    sources = [" ".join(part.split()).removeprefix("Source: ") for part in paragraphs if part.startswith("Source:")]
    return "\n      ".join([_first_line(thing), *(part for text in sources for part in textwrap.wrap(text, 100))])


def _print_list(heading: str, entries: dict[str, str]) -> None:
    width = max(map(len, entries), default=0)
    print(f"{heading}:")
    for name, text in entries.items():
        print(f"  {name:<{width}}  {text}")
    print()


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Ours in one line without its place in the code; the others as Python shows them."""
    ours = issubclass(category, FokkerPlanckWarning)
    text = f"warning: {message}\n" if ours else warnings.formatwarning(message, category, filename, lineno, line)
    sys.stderr.write(text)
