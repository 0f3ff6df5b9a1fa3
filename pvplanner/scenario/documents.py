"""What documents say of themselves: for whom, by whom, of which day."""

from __future__ import annotations

import datetime as dt

from pydantic import Field

from pvplanner.scenario.frozen import Frozen


class Documents(Frozen):
    """``[documents]``: the head of a document that gets signed. No figure hangs on it."""

    date: dt.date | None = None
    """Of the document; left to be written in if not given, never today's."""
    recipient: str | None = Field(default=None, max_length=200)
    issuer: str | None = Field(default=None, max_length=200)
    version: str = Field(default="1", min_length=1, max_length=40)
    installer: str | None = Field(default=None, max_length=200)
    licence: str | None = Field(default=None, max_length=200)
    """Of the installer."""
    inverter: str | None = Field(default=None, max_length=200)
    """Model of the inverters, for lists that ask for it."""
    controllable: str | None = Field(default=None, max_length=200)
    """How the plants are observed and controlled, for the grid company."""
