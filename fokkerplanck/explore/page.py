"""The texts of the page, as HTML."""

from __future__ import annotations

import re
from html import escape

from .picture import picture_of
from .player import payload
from .presets import Preset
from .view import View

NUMBERS = "<small>Numbers have a decimal point; what lies beyond the end of a slider becomes its end.</small>"
OWN = (
    '<section class="theorem"><div role="heading" aria-level="1">Your own model</div>'
    "<p>The theorem in the menu is about another model. Choose one there to come back to it.</p></section>"
)


def mathematics(text: str) -> str:
    """Plain text as HTML: what follows a letter and an underscore as an index, what is in backquotes as code.

    >>> mathematics("b < V_F, `v_min`")
    'b &lt; V<sub>F</sub>, <code>v_min</code>'
    """
    said = escape(text).split("`")
    said[::2] = [re.sub(r"([A-Za-z])_(\w+)", r"\1<sub>\2</sub>", part) for part in said[::2]]
    said[1::2] = [f"<code>{part}</code>" for part in said[1::2]]
    return "".join(said)


def theorem(preset: Preset, own: bool = True) -> str:
    """What the theorem says, who proved it, what to try, and the lesson about it; `own`: with the model it is about.

    >>> from fokkerplanck.explore.presets import PRESETS
    >>> theorem(PRESETS["inhibitory"]).startswith("<section")
    True
    """
    if not own:
        return OWN
    number, name = preset.lesson[:2].lstrip("0"), escape(preset.lesson)
    lesson = f"<p><b>Lesson {number}:</b> <code>notebooks/{name}.ipynb</code></p>" if preset.lesson else ""
    return (
        f'<section class="theorem"><div role="heading" aria-level="1">{escape(preset.title)}</div>'
        f"<p>{mathematics(preset.sentence)} <cite>{escape(preset.source)}</cite></p>"
        f"<p><b>Try:</b> {mathematics(preset.try_this)}</p>{lesson}</section>"
    )


def unknown_preset(text: str) -> str:
    """What to say of an address that asks for a preset that there is not; nothing of any other."""
    return f'<p role="alert">{escape(text)}</p>' if text else ""


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
    items += [f"<li>{mathematics(note)}</li>" for note in view.notes]
    code = "<div role='heading' aria-level='2'>The same in Python</div>" if view.code else ""
    return f'<section class="details"><ul>{"".join(items)}</ul>{code}</section>'
