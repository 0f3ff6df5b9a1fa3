"""A scenario from whatever holds it; workbooks are opened only where there is one."""

from __future__ import annotations

import os
from pathlib import Path

from pvplanner.errors import ConfigError
from pvplanner.scenario import Scenario

WORKBOOKS = (".xlsx", ".xlsm")


def open_scenario(path: str | os.PathLike[str]) -> Scenario:
    """A scenario from its TOML file, its form, or the folder that holds one of them.

    Raises
    ------
    ConfigError
        If a folder holds both and they say otherwise, or neither.
    """
    place = Path(path)
    if place.is_dir():
        both = [place / "scenario.toml", place / "input.xlsx"]
        there = [file for file in both if file.is_file()]
        if not there:
            raise ConfigError("folder_no_scenario", where=str(place))
        if len(there) == 2:
            from pvplanner.form.reading import of_two

            return of_two(*there)
        return open_scenario(there[0])
    if place.suffix.lower() in WORKBOOKS:
        from pvplanner.form.reading import read_form

        return read_form(place)
    return Scenario.from_toml(place)
