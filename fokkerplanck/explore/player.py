"""The part of the page that plays time: a document of its own, which loads nothing from anywhere.

It reads what to show from an element of the page around it and looks for it again when the page changes; so it stays,
and goes on playing, while sliders move. And it names them.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
from functools import cache
from pathlib import Path

import numpy as np

from .picture import Picture

PAYLOAD = "explorer-payload"
"""The id of the element that holds what is shown."""
TITLE = "Density, firing rate and entropy over time"
BAR = 56
"""Pixels of the row with the button and the time."""


def player(width: int, height: int) -> str:
    """The frame that shows pictures of that size, as HTML."""
    document = html.escape(_document().replace("TITLE", TITLE).replace("PAYLOAD", PAYLOAD), quote=True)
    style = f"width: 100%; aspect-ratio: {width} / {height + BAR}; border: 0; display: block"
    return f'<iframe title="{TITLE}" style="{style}" srcdoc="{document}"></iframe>'


def payload(picture: Picture | None, label: str) -> str:
    """What the player shows, as a hidden element; nothing where there is no picture.

    >>> payload(None, "")
    '<div id="explorer-payload" data-version="" hidden></div>'
    """
    if picture is None:
        return f'<div id="{PAYLOAD}" data-version="" hidden></div>'
    png = base64.b64encode(picture.png).decode()
    frames = picture.frames | {
        "curves": [curve | {"rows": _packed(curve["rows"])} for curve in picture.frames["curves"]]
    }
    content = json.dumps(
        {"png": png, "width": picture.width, "height": picture.height, "frames": frames, "label": label},
        separators=(",", ":"),
    )
    version = hashlib.sha256(content.encode()).hexdigest()[:16]
    return f'<div id="{PAYLOAD}" data-version="{version}" hidden>{html.escape(content)}</div>'


def _packed(rows: list[list[float]]) -> list[str]:
    """Tenths of pixels, two bytes each: shorter than text, which the page would have to read each time."""
    tenths = np.rint(10.0 * np.array(rows)).astype("<u2")
    return [base64.b64encode(row.tobytes()).decode() for row in tenths]


@cache
def _document() -> str:
    return Path(__file__).with_name("player.html").read_text(encoding="utf-8")
