"""What is planned, and on which assumptions: frozen models read from TOML.

A scenario is immutable. ``override`` gives a changed copy, checked again from the ground up, so an
impossible combination can't slip in by way of a single value. Unknown keys are refused and the
nearest known one is suggested. Every key has a default; ``Scenario()`` alone is valid.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import tomlkit
from pydantic import AfterValidator, Field, ValidationError, model_validator

from pvplanner.errors import LANGUAGES, ConfigError
from pvplanner.scenario.contracts import (
    Contract,
    Cooperative,
    Developer,
    Event,
    Finance,
    Loan,
    Tariff,
)
from pvplanner.scenario.documents import Documents
from pvplanner.scenario.installation import Installation
from pvplanner.scenario.refusals import config_error, refuse
from pvplanner.scenario.sections import (
    Carbon,
    Demand,
    Doubt,
    Frozen,
    Grid,
    LossItems,
    Module,
    Press,
    Roof,
    Selection,
    Site,
    System,
    Weather,
)
from pvplanner.texts import decode_text, visible

__all__ = [
    "OTHER_PATHS",
    "PATH_KEYS",
    "Carbon",
    "Contract",
    "Cooperative",
    "Demand",
    "Developer",
    "Doubt",
    "Event",
    "Finance",
    "Grid",
    "Loan",
    "LossItems",
    "Module",
    "Press",
    "Roof",
    "Scenario",
    "Selection",
    "Site",
    "System",
    "Tariff",
    "Weather",
    "read_toml",
]

OTHER_PATHS = (
    ("demand", "archetypes"),
    ("demand", "meter"),
    ("tariff", "file"),
    ("carbon", "pathway_file"),
    ("selection", "file"),
    ("selection", "facts"),
    ("selection", "meeting"),
)
"""Keys of other sections that hold paths."""

PATH_KEYS = (
    "roads",
    "water",
    "boundary",
    "horizon",
    "existing_pv",
    "buildings",
    "weather",
    "dsm",
    "points",
    "dtm",
    "dem",
    "planes",
    "keep_out",
    "survey",
    "households",
    "transformers",
    "lines",
    "net",
)
"""Keys of ``[site]`` that hold paths."""


def _shown(value: str) -> str:
    """A name as pages, sheets and terminals may show it."""
    told = visible(value)
    if not told:
        raise refuse("name_invisible")
    return told


def _known_language(value: str) -> str:
    if value not in LANGUAGES:
        raise refuse("name_unknown", kind="language", value=value, known=", ".join(LANGUAGES))
    return value


class Scenario(Frozen):
    """A plan's question: a site and the assumptions to answer it on.

    Examples
    --------
    >>> dearer = Scenario().override({"finance.capex_per_w": 3.2})
    >>> dearer.finance.capex_per_w
    3.2
    """

    name: Annotated[str, AfterValidator(_shown)] = Field(
        default="village", min_length=1, max_length=200
    )
    language: Annotated[str, AfterValidator(_known_language)] = "zh"
    site: Site = Site()
    weather: Weather = Weather()
    roof: Roof = Roof()
    module: Module = Module()
    system: System = System()
    doubt: Doubt = Doubt()
    demand: Demand = Demand()
    tariff: Tariff = Tariff()
    finance: Finance = Finance()
    loan: Loan = Loan()
    cooperative: Cooperative = Cooperative()
    developer: Developer = Developer()
    contract: Contract = Contract()
    carbon: Carbon = Carbon()
    press: list[Press] = Field(default_factory=list)
    grid: Grid = Grid()
    selection: Selection = Selection()
    documents: Documents = Documents()
    installation: Installation = Installation()

    @model_validator(mode="after")
    def _light_induced_once(self) -> Self:
        counted = self.system.losses is None and self.system.loss_items.light_induced > 0
        if counted and self.finance.degradation_first_year > 0:
            raise refuse("light_induced_twice")
        return self

    @model_validator(mode="after")
    def _terms_fit(self) -> Self:
        life = self.finance.life_years
        if self.loan.share > 0 and self.loan.years > life:
            raise refuse("loan_too_long", key="loan.years", years=self.loan.years, life=life)
        coop = self.cooperative
        if coop.member_loan_share > 0 and coop.member_loan_years > life:
            told = {"key": "cooperative.member_loan_years", "years": coop.member_loan_years}
            raise refuse("loan_too_long", **told, life=life)
        path = self.tariff.market_path_prices
        if path is not None and len(path) < life:
            raise refuse("price_path_short", years=len(path), life=life)
        if (self.cooperative.equal_share or 0.0) + self.cooperative.low_income_share > 1:
            raise refuse("dividend_over")
        return self

    def __init__(self, **data: Any) -> None:
        try:
            super().__init__(**data)
        except ValidationError as error:
            raise config_error(error, type(self)) from None

    @classmethod
    def from_toml(cls, path: str | os.PathLike[str]) -> Scenario:
        """Read a scenario file; its paths are relative to it.

        Parameters
        ----------
        path : path-like
            A TOML file.

        Raises
        ------
        ConfigError
            If the file is missing, is not TOML, or holds an unknown key or impossible value.
        """
        file = Path(path)
        data = read_toml(file)
        try:
            scenario = cls(**data)
        except ConfigError as error:
            key = f" [{error.where}]" if error.where else ""
            raise ConfigError(error.code, where=f"{file}{key}", **error.params) from None
        return scenario._with_paths_from(file.resolve().parent)

    def override(self, changes: Mapping[str, Any]) -> Scenario:
        """A copy with some values changed, validated again.

        Parameters
        ----------
        changes : mapping
            Dotted keys to values, such as ``{"finance.capex_per_w": 3.2}``.

        Raises
        ------
        ConfigError
            If a key is unknown or a value impossible.
        """
        data = self.model_dump(exclude_unset=True)
        for key, value in changes.items():
            _set_dotted(data, key, value)
        return type(self)(**data)

    def paths(self) -> dict[str, str]:
        """Every input file that the scenario names, by its key."""
        found = {key: getattr(self.site, key) for key in PATH_KEYS}
        found |= {f"{part}.{key}": getattr(getattr(self, part), key) for part, key in OTHER_PATHS}
        return {key: path for key, path in found.items() if path and path != "typical"}

    def to_toml(self, folder: str | os.PathLike[str] | None = None) -> str:
        """The whole scenario as TOML, defaults included; paths relative to ``folder`` if given."""
        data = self.model_dump(mode="json", exclude_none=True)
        if folder is not None:
            base = Path(folder).resolve()
            for key, value in _site_paths(data["site"]):
                data["site"][key] = _relative(value, base)
            for section, key in OTHER_PATHS:
                if data[section].get(key):
                    data[section][key] = _relative(data[section][key], base)
        if self.finance.currency != "CNY":
            # Defaults are in yuan: only what was stated is in this currency.
            for key in set(data["finance"]) - self.finance.model_fields_set - {"currency"}:
                if key in _MONEY_KEYS:
                    del data["finance"][key]
        data["tariff"]["connection_date"] = self.tariff.connection_date
        data["finance"]["vat_reduced_until"] = self.finance.vat_reduced_until
        if self.finance.vat_free_until is not None:
            data["finance"]["vat_free_until"] = self.finance.vat_free_until
        if self.tariff.subsidy_until is not None:
            data["tariff"]["subsidy_until"] = self.tariff.subsidy_until
        return tomlkit.dumps(data)

    def _with_paths_from(self, folder: Path) -> Scenario:
        site = self.site.model_dump(exclude_unset=True)
        found = {f"site.{key}": _from(folder, value) for key, value in _site_paths(site)}
        for section, key in OTHER_PATHS:
            value = getattr(getattr(self, section), key)
            if value:
                found[f"{section}.{key}"] = _from(folder, value)
        return self.override(found)


_MONEY_KEYS = ("capex_per_w", "opex_per_w_year", "inverter_cost_per_w", "rent")


def _site_paths(site: Mapping[str, Any]) -> list[tuple[str, str]]:
    return [
        (key, site[key])
        for key in PATH_KEYS
        if site.get(key) and not (key == "weather" and site[key] == "typical")
    ]


def _from(folder: Path, value: str) -> str:
    """A path of a scenario from its folder; one written on Windows is understood elsewhere."""
    own = folder / value
    if "\\" in value and os.sep == "/" and not own.exists():
        own = folder / value.replace("\\", "/")
    return str(own)


def _relative(path: str, folder: Path) -> str:
    try:
        return Path(os.path.relpath(Path(path).resolve(), folder)).as_posix()
    except ValueError:  # another drive on Windows
        return path


def read_toml(file: Path) -> dict[str, Any]:
    """A TOML file in UTF-8 or GB18030.

    Raises
    ------
    ConfigError
        If it is missing, unreadable or no TOML.
    """
    try:
        # Notepad on a Chinese Windows saves GBK.
        return tomllib.loads(decode_text(file.read_bytes())[0])
    except FileNotFoundError:
        raise ConfigError("file_missing", where=str(file)) from None
    except (IsADirectoryError, PermissionError, OSError) as error:
        raise ConfigError("file_unreadable", where=str(file), reason=str(error.strerror)) from None
    except UnicodeDecodeError:
        raise ConfigError(
            "scenario_not_toml", where=str(file), reason="neither UTF-8 nor GB18030"
        ) from None
    except (tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError("scenario_not_toml", where=str(file), reason=str(error)) from None


def _set_dotted(data: dict[str, Any], key: str, value: Any) -> None:
    *sections, last = key.split(".")
    for section in sections:
        inner = data.get(section)
        if not isinstance(inner, dict):
            inner = {}
            data[section] = inner
        data = inner
    data[last] = value
