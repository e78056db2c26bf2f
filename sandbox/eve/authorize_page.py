"""The page on which a pilot consents: a button for each character, and one to refuse."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from html import escape

from contracts.plurals import counted
from sandbox.eve.roster import Pilot
from sandbox.eve.universe import Universe

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; margin: 0; background: #10151c; color: #dfe6ee }
main { max-width: 60rem; margin: 0 auto; padding: 1.5rem }
h1 { font-size: 1.4rem } ul.scopes { color: #9db0c4 }
.pilots { display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: .6rem; padding: 0 }
.pilots li { list-style: none }
button { font: inherit; width: 100%; text-align: left; padding: .6rem .8rem; color: inherit; background: #1b2430;
  border: 1px solid #33445a; border-radius: .4rem; cursor: pointer }
button:hover, button:focus-visible { border-color: #7db3ff } small { color: #9db0c4; display: block }
button.deny { width: auto; background: none }
"""


def authorize_page(
    request: Mapping[str, str], scopes: Iterable[str], pilots: Iterable[tuple[Pilot, int]], universe: Universe
) -> str:
    """HTML. `pilots` come with how many killmails ESI lists to them."""
    hidden = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">' for name, value in request.items()
    )
    wanted = "".join(f"<li><code>{escape(scope)}</code></li>" for scope in scopes) or "<li>only who you are</li>"
    buttons = "".join(_button(pilot, listed, universe) for pilot, listed in pilots)
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Log in with EVE Online (sandbox)</title><style>{_STYLE}</style></head>
<body><main>
<h1>Log in with EVE Online <small>(sandbox: these pilots are made up)</small></h1>
<p><strong>{escape(request.get("client_id", ""))}</strong> requests:</p><ul class="scopes">{wanted}</ul>
<form method="post" action="/v2/oauth/authorize">{hidden}
<p>Choose a character:</p><ul class="pilots">{buttons}</ul>
<button class="deny" name="deny" value="1">Deny</button>
</form></main></body></html>"""


def _button(pilot: Pilot, listed: int, universe: Universe) -> str:
    corporation = universe.corporations.get(pilot.corporation_id)
    about = [corporation.name if corporation else "", "director" if pilot.director else "", counted(listed, "killmail")]
    return (
        f'<li><button name="character_id" value="{pilot.character_id}">{escape(pilot.name)}'
        f"<small>{escape(' · '.join(part for part in about if part))}</small></button></li>"
    )
