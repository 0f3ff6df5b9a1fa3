"""Keys set on the command line: ``--set key=value``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from pvplanner.errors import ConfigError


def read_setting(text: str) -> tuple[str, Any]:
    """Key and value, read as TOML where it is some; no value is ``None``.

    Raises
    ------
    ConfigError
        If there is no key or no equals sign.
    """
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError("set_syntax", where="--set", value=text)
    if not value.strip():
        return key.strip(), None
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    return key.strip(), read


def paths_from_here(changes: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths given on the command line: from here if the file is, else from the scenario."""
    from pvplanner.scenario import PATH_KEYS

    out = dict(changes)
    for key in PATH_KEYS:
        value = changes.get(f"site.{key}")
        if isinstance(value, str) and value and not (key == "weather" and value == "typical"):
            here = Path(value)
            out[f"site.{key}"] = str(here.resolve() if here.exists() else folder / value)
    return out
