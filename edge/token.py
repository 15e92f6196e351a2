"""The edge's own credential at central: a token that names its edge, `vde_NAME.SECRET`."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from edge.credentials import Secret, private_text
from edge.errors import SettingsError

VARIABLE = "VEDETTE_EDGE_TOKEN"
_HINT = "`vedette central add-edge NAME --data ...` prints one"
_FORM = re.compile(r"vde_(?P<name>[A-Za-z0-9][A-Za-z0-9._-]{0,63})\.[A-Za-z0-9_-]{20,}")


@dataclass(frozen=True, slots=True)
class Token:
    edge_id: str
    text: Secret


def load(file: Path | None, data: Path) -> Token:
    """From `file`; without one from the environment, else from `token` in the data folder. Raises SettingsError."""
    if file is not None or VARIABLE not in os.environ:
        where = file or data / "token"
        if file is None and not where.exists():
            raise SettingsError(
                f"no token for central: there is neither {where} nor {VARIABLE}", hint=f"{_HINT}; keep it in {where}"
            )
        source, text = str(where), private_text(where)
    else:
        source, text = VARIABLE, os.environ[VARIABLE]
    match = _FORM.fullmatch(text.strip())
    if match is None:
        what = "holds no token" if text.strip() else "is empty"
        raise SettingsError(f"{source} {what}", hint=f"{_HINT}, like vde_NAME.SECRET; take it over whole")
    return Token(match["name"], Secret(text.strip()))
