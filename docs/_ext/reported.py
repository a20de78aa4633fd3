"""Numbers, tables and figures of the site come from a report of `fokkerplanck reproduce`, none is typed.

    {measured}`claim:quantity`             the measured number; `claim:quantity:predicted` the predicted one
    {claims}                               a table of claims: of :folder:, whose :source: contains a text, or as named
    {outcome}                              how many claims hold, followed by the body
    {gallery}                              the figures of all claims, by folder

The pages claims/FOLDER.md are made at the start of a build, a section for each claim.
"""

from __future__ import annotations

import difflib
import io
import json
import math
import os
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import ClassVar

from docutils import nodes
from docutils.statemachine import StringList
from PIL import Image
from sphinx.application import Sphinx
from sphinx.errors import ConfigError
from sphinx.util.docutils import SphinxDirective, SphinxRole

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = {
    "nnlif": "The NNLIF equation",
    "continued": "Through the blow-up",
    "particles": "Neurons and their density",
    "networks": "Networks of populations",
    "synapses": "Non-identical synapses",
    "learning": "Learning",
    "meanfield": "Rates, intervals and balanced networks",
    "related": "Relatives of the equation",
    "single_neurons": "Single neurons",
    "sweeps": "Maps over parameters",
    "goals": "What the program promises",
}
"""Headings of the folders below validation/, in the order of the pages."""
UNFOLDED = 12
"""Numbers of a claim that are shown without being asked for."""
THUMBNAIL_WIDTH, THUMBNAIL_BYTES = 480, 40_000


# -- the report -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Report:
    """What `reproduce` found, by the names of the claims."""

    folder: Path

    @cached_property
    def data(self) -> dict:
        path = self.folder / "report.json"
        if not path.is_file():
            raise SystemExit(  # a sentence, where Sphinx would print a page about itself
                f"error: {path} does not exist. The numbers of the site come from a report: run "
                "`python -m fokkerplanck reproduce --quick` first, or set FOKKERPLANCK_REPORT to the folder of one."
            )
        return json.loads(path.read_text(encoding="utf-8"))

    @cached_property
    def claims(self) -> dict[str, dict]:
        return {claim["name"]: claim | {"file": _file_of(claim["name"])} for claim in self.data["claims"]}

    @property
    def form(self) -> str:
        versions = ", ".join(f"{name} {number}" for name, number in self.data["versions"].items())
        return f"{self.data['form']} form; {versions}"

    @property
    def outcome(self) -> str:
        claims = list(self.claims.values())
        held, numbers = sum(c["holds"] for c in claims), sum(len(c["checks"]) for c in claims)
        return f"{held} of {len(claims)} claims hold, {numbers} numbers were compared"

    def claim(self, name: str) -> dict:
        if name not in self.claims:
            raise LookupError(f"the report has no claim {name!r}{_near(name, self.claims)}")
        return self.claims[name]

    def in_folder(self, folder: str) -> list[dict]:
        return [claim for claim in self.claims.values() if claim["file"].parent.name == folder]


def _file_of(name: str) -> Path:
    for path in (ROOT / "validation").glob(f"*/{name.replace('-', '_')}.py"):
        if "\nCLAIM = " in path.read_text(encoding="utf-8"):
            return path
    raise ConfigError(f"The report has a claim {name!r} which validation/ has not: run `reproduce` again.")


def _near(name: str, names) -> str:
    near = difflib.get_close_matches(name, list(names), n=4, cutoff=0.3)
    return f"; near: {', '.join(map(repr, near))}" if near else ""


def _typed(quantity: str) -> str:
    """The name of a quantity with the minus sign that keyboards have."""
    return " ".join(quantity.replace("−", "-").split())


REPORT = Report(Path(os.environ.get("FOKKERPLANCK_REPORT", ROOT / "reports" / "latest")).resolve())


# -- numbers as they are read -----------------------------------------------------------------------------------


def number(value: object, digits: int = 4, zeros: bool = False) -> str:
    """A number for readers: so many significant digits, powers of ten where it is far from one.

    `zeros` keeps those at the end, which say how accurate it is.
    """
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(number(entry, digits, zeros) for entry in value)
    if not isinstance(value, float):
        return str(value)
    mantissa, e, exponent = (f"{value:#.{digits}g}" if zeros else f"{value:.{digits}g}").partition("e")
    mantissa = mantissa.removesuffix(".").replace("-", "−")
    if not e:
        return mantissa
    power = str(int(exponent)).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"10{power}" if mantissa == "1" else f"{mantissa}·10{power}"


def compared(check: dict, which: str, least: int = 3) -> str:
    """The predicted or the measured number of a check, with the digits that its tolerance makes meaningful."""
    digits = digits_of(check)
    return number(check[which], max(digits, least), zeros=digits > 3)


def digits_of(check: dict) -> int:
    """As many as the tolerance makes meaningful, and one more; between 3 and 10."""
    tolerance, predicted = check["tolerance"], check["predicted"]
    if check["kind"] == "absolute" and predicted and isinstance(predicted, int | float):
        tolerance /= abs(predicted)
    if check["kind"] not in ("relative", "absolute") or not predicted or not 0.0 < tolerance < 1.0:
        return 3
    return min(10, max(3, math.ceil(-math.log10(tolerance)) + 1))


def requirement(check: dict) -> str:
    bound = number(check["tolerance"], 2)
    return {
        "relative": f"relative difference ≤ {bound}",
        "absolute": f"difference ≤ {bound}",
        "at most": "at most" if check["tolerance"] == 0 else f"at most, margin {bound}",
        "at least": "at least" if check["tolerance"] == 0 else f"at least, margin {bound}",
        "equal": "equal",
    }[check["kind"]]


def largest_deviation(claim: dict) -> str:
    """The largest relative difference between measured and predicted numbers, where that is what is bounded."""
    found = [
        abs(check["measured"] - check["predicted"]) / abs(check["predicted"])
        for check in claim["checks"]
        if check["kind"] == "relative" and check["predicted"] and isinstance(check["measured"], int | float)
    ]
    return number(max(found), 2) if found else "–"


# -- MyST text --------------------------------------------------------------------------------------------------


def escaped(text: str) -> str:
    return re.sub(r"([\\`*_{}\[\]<>|#$~^])", r"\\\1", text).replace("\n", "\n\n")


def in_row(text: str) -> str:
    return " ".join(escaped(text).split())


def table(header: list[str], rows: list[list[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in [header, ["---"] * len(header), *rows]]


def verdict(holds: bool) -> str:
    return "holds" if holds else "**does not hold**"


def link(claim: dict) -> str:
    return f"[{in_row(claim['title'])}](#claim-{claim['name']})"


def download(claim: dict) -> str:
    path = claim["file"].relative_to(ROOT)
    return f"{{download}}`{path.name} </../{path.as_posix()}>`"


def summary(claims: list[dict]) -> list[str]:
    rows = [[link(c), str(len(c["checks"])), largest_deviation(c), verdict(c["holds"])] for c in claims]
    return table(["claim", "numbers", "largest relative deviation", "verdict"], rows)


def section(claim: dict) -> list[str]:
    """The section of one claim on its page."""
    parameters = ", ".join(f"{key} = {number(value)}" for key, value in claim["parameters"].items())
    lines = [f"(claim-{claim['name']})=", f"## {in_row(claim['title'])}", "", escaped(claim["statement"]), ""]
    lines += [f"*Source:* {in_row(claim['source'])}", ""]
    if parameters:
        lines += [f"*Parameters:* {in_row(parameters)}", ""]
    lines += [f"*Check it:* `fokkerplanck reproduce {claim['name']}`, {download(claim)}", ""]
    if claim["figure"]:
        lines += [f"![{in_row(claim['title'])}](figures/{claim['figure']}){{.figure loading=lazy}}", ""]
    if claim["error"]:
        lines += ["```", claim["error"].rstrip(), "```", ""]
    rows = [row_of(check) for check in claim["checks"]]
    numbers = table(["quantity", "predicted", "measured", "required", "verdict"], rows)
    if len(rows) > UNFOLDED:
        heading = f"<details><summary>{len(rows)} numbers</summary>"
        numbers = ["```{raw} html", heading, "```", "", *numbers, "", "```{raw} html", "</details>", "```"]
    return [*lines, *numbers, ""]


def row_of(check: dict) -> list[str]:
    predicted, measured = (in_row(compared(check, which, least=4)) for which in ("predicted", "measured"))
    return [in_row(check["quantity"]), predicted, measured, requirement(check), verdict(check["passed"])]


def page(folder: str, claims: list[dict]) -> str:
    lines = [f"# Claims: {FOLDERS[folder]}", "", f"Checked in the {REPORT.form}.", ""]
    return "\n".join(lines + [line for claim in claims for line in section(claim)]) + "\n"


# -- pages and pictures made at the start of a build ------------------------------------------------------------


def make_pages(app: Sphinx) -> None:
    target = Path(app.srcdir) / "claims"
    wanted: dict[Path, bytes] = {}
    for folder in FOLDERS:
        if claims := REPORT.in_folder(folder):
            wanted[target / f"{folder}.md"] = page(folder, claims).encode()
    for claim in REPORT.claims.values():
        if claim["file"].parent.name not in FOLDERS:
            raise ConfigError(f"validation/{claim['file'].parent.name} needs a heading in FOLDERS of {__file__}.")
        if claim["figure"]:
            picture = REPORT.folder / claim["figure"]
            wanted[target / "figures" / picture.name] = picture.read_bytes()
    for old in set(target.rglob("*.*")) - set(wanted):
        if old.is_file() and "thumbnails" not in old.parts:
            old.unlink()
    for path, content in wanted.items():
        if path.exists() and path.read_bytes() == content:
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        if path.suffix == ".png":
            small = target / "thumbnails" / path.name
            small.parent.mkdir(exist_ok=True)
            small.write_bytes(thumbnail(path))


def thumbnail(path: Path) -> bytes:
    """A small PNG of few colours, at most THUMBNAIL_BYTES long."""
    with Image.open(path) as picture:
        full = picture.convert("RGB")
    for width in range(THUMBNAIL_WIDTH, 100, -40):
        small = full.resize((width, round(full.height * width / full.width)), Image.Resampling.LANCZOS)
        buffer = io.BytesIO()
        small.quantize(64, dither=Image.Dither.NONE).save(buffer, "PNG", optimize=True)
        if buffer.tell() <= THUMBNAIL_BYTES:
            return buffer.getvalue()
    raise ConfigError(f"{path} has no thumbnail of {THUMBNAIL_BYTES} bytes.")


# -- roles and directives ---------------------------------------------------------------------------------------


class Measured(SphinxRole):
    """{measured}`claim:quantity`"""

    def run(self):
        self.env.note_dependency(str(REPORT.folder / "report.json"))
        try:
            return [nodes.inline("", self.look_up(), classes=["measured"])], []
        except LookupError as error:
            message = self.inliner.reporter.error(f"{{measured}}`{self.text}`: {error.args[0]}", line=self.lineno)
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]

    def look_up(self) -> str:
        name, _, quantity = self.text.partition(":")
        which = "measured"
        if quantity.endswith((":predicted", ":measured")):
            quantity, _, which = quantity.rpartition(":")
        checks = {_typed(check["quantity"]): check for check in REPORT.claim(name.strip())["checks"]}
        check = checks.get(_typed(quantity))
        if check is None:
            raise LookupError(f"{name!r} compares no {quantity!r}{_near(quantity, checks)}")
        return compared(check, which)


class Outcome(SphinxDirective):
    """How many claims hold, in half a sentence that the body goes on with."""

    has_content = True

    def run(self):
        return parsed(self, [f"{REPORT.outcome} {' '.join(self.content)}"])


class Claims(SphinxDirective):
    """A table of the claims of a folder, of a source, or of those named in the body, one a line."""

    has_content = True
    option_spec: ClassVar = {"folder": str, "source": str}

    def run(self):
        try:
            claims = self.chosen()
        except LookupError as error:
            raise self.error(str(error.args[0])) from None
        return parsed(self, summary(claims))

    def chosen(self) -> list[dict]:
        claims = [REPORT.claim(name) for line in self.content for name in line.replace(",", " ").split()]
        for claim in REPORT.claims.values():
            if claim["file"].parent.name == self.options.get("folder") or (
                "source" in self.options and self.options["source"] in claim["source"]
            ):
                claims.append(claim)
        if not claims and "folder" in self.options and self.options["folder"] not in FOLDERS:
            raise LookupError(
                f"validation/ has no folder {self.options['folder']!r}{_near(self.options['folder'], FOLDERS)}"
            )
        return claims


class AllClaims(SphinxDirective):
    """The tables of all folders, and how many claims hold."""

    def run(self):
        lines = [f"{REPORT.outcome} ({REPORT.form}).", ""]
        for folder, heading in FOLDERS.items():
            if chosen := REPORT.in_folder(folder):
                lines += [f"**[{heading}](claims/{folder}.md)**", "", *summary(chosen), ""]
        pages = [f"claims/{folder}" for folder in FOLDERS if REPORT.in_folder(folder)]
        return parsed(self, [*lines, "```{toctree}", ":hidden:", "", *pages, "```"])


class Gallery(SphinxDirective):
    """The figures of all claims as thumbnails that lead to their claims, a section for each folder."""

    def run(self):
        sections = []
        for folder, heading in FOLDERS.items():
            cards = [line for claim in REPORT.in_folder(folder) if claim["figure"] for line in self.card(claim)]
            if cards:
                section = nodes.section("", nodes.title(heading, heading), ids=[f"figures-{folder}"], names=[])
                section += parsed(self, [":::::{container} gallery", *cards, ":::::"])
                sections.append(section)
        return sections

    def card(self, claim: dict) -> list[str]:
        title = in_row(claim["title"])
        picture = f"[![{title}](/claims/thumbnails/{claim['figure']}){{loading=lazy}}](#claim-{claim['name']})"
        return ["::::{container} card", picture, "", link(claim), "", download(claim), "::::"]


def parsed(directive: SphinxDirective, lines: list[str]) -> list[nodes.Node]:
    directive.env.note_dependency(str(REPORT.folder / "report.json"))
    node = nodes.container()
    node.document = directive.state.document
    directive.state.nested_parse(StringList(lines, "report.json"), directive.content_offset, node, match_titles=True)
    return node.children


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_role("measured", Measured())
    app.add_directive("outcome", Outcome)
    app.add_directive("claims", Claims)
    app.add_directive("all-claims", AllClaims)
    app.add_directive("gallery", Gallery)
    app.connect("builder-inited", make_pages)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
