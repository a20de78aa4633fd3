"""The texts of the page, as HTML."""

from __future__ import annotations

import re
from html import escape

from .picture import picture_of
from .player import payload
from .presets import Preset
from .view import View


def mathematics(text: str) -> str:
    """Plain text as HTML, with the letters after an underscore as an index.

    >>> mathematics("b < V_F")
    'b &lt; V<sub>F</sub>'
    """
    return re.sub(r"([A-Za-z])_(\w+)", r"\1<sub>\2</sub>", escape(text))


def theorem(preset: Preset) -> str:
    """What the theorem says, who proved it, and what to try.

    >>> from fokkerplanck.explore.presets import PRESETS
    >>> theorem(PRESETS["inhibitory"]).startswith("<section")
    True
    """
    return (
        f'<section class="theorem"><div role="heading" aria-level="1">{escape(preset.title)}</div>'
        f"<p>{mathematics(preset.sentence)} <cite>{escape(preset.source)}</cite></p>"
        f"<p><b>Try:</b> {mathematics(preset.try_this)}</p></section>"
    )


def verdict(view: View) -> str:
    """What happened, with the certificate and the picture for the player."""
    picture = None if view.solution is None else picture_of(view)
    certificate = f"<p>{mathematics(view.certificate)}</p>" if view.certificate else ""
    said = f'<p class="said">{mathematics(view.verdict)}</p>{certificate}'
    shown = payload(picture, view.verdict)
    return f'<section class="verdict {view.tone}" role="status">{said}</section>{shown}'


def details(view: View) -> str:
    """Stationary states, and all that solver and particles had to say."""
    items = [f"<li>Stationary state: {escape(str(rest))}</li>" for rest in view.states]
    items += [f"<li>{escape(note)}</li>" for note in view.notes]
    code = "<div role='heading' aria-level='2'>The same in Python</div>" if view.code else ""
    return f'<section class="details"><ul>{"".join(items)}</ul>{code}</section>'
