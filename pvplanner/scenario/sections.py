"""The sections of a scenario: one frozen model each; every key has a default."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from pvplanner import reference
from pvplanner.reference.products import find_module
from pvplanner.scenario.frozen import Frozen
from pvplanner.scenario.refusals import nearest, refuse

Fraction = Annotated[float, Field(ge=0, le=1)]
Losses = Annotated[float, Field(ge=0, lt=1)]
Rate = Annotated[float, Field(ge=-0.2, le=0.5)]
Positive = Annotated[float, Field(gt=0, le=1e12)]
NotNegative = Annotated[float, Field(ge=0, le=1e12)]


def _known_model(value: str) -> str:
    known = reference.business_models()
    if value not in known:
        raise refuse(
            "name_unknown", kind="business_model", value=value, known=nearest(value, known)
        )
    return value


def _default(name: str) -> float:
    """A default that is kept as data, with its source: ``reference/constants.csv``."""
    return reference.constant(name).value


Model = Annotated[str, AfterValidator(_known_model)]
ProjectClass = Literal[
    "natural_person_household", "non_natural_person_household", "general_commercial"
]
Datum = Literal["wgs84", "cgcs2000", "gcj02", "bd09"]


def _currency(value: str) -> str:
    if not (len(value) == 3 and value.isascii() and value.isupper() and value.isalpha()):
        raise refuse("currency_unknown", value=value)
    return value


class Site(Frozen):
    """``[site]``: where, and the files that say what is there."""

    buildings: str | None = None
    layer: str | None = None
    crs: str | None = None
    datum: Datum = "wgs84"
    columns: dict[str, str] = Field(default_factory=dict)
    weather: str = "typical"
    province: str | None = None
    village: str | None = None
    division_code: str | None = Field(default=None, pattern=r"^\d{12}$")
    households: str | None = None
    household_columns: dict[str, str] = Field(default_factory=dict)
    dsm: str | None = None
    points: str | None = None
    """A point cloud of the village, LAS or LAZ: gridded, it serves where ``dsm`` does."""
    dtm: str | None = None
    dem: str | None = None
    height_unit: Literal["auto", "m", "ft", "us-ft", "dm", "cm", "mm"] = "auto"
    """Unit of the heights in ``dsm`` and ``dtm``; ``auto``: as the files say."""
    planes: str | None = None
    horizon: str | None = None
    """A horizon file that holds for the whole village: PVGIS' or one's own."""
    existing_pv: str | None = None
    """Areas that modules cover already: any vector layer."""
    keep_out: str | None = None
    """Areas where no modules may lie: any vector layer."""
    survey: str | None = None
    """A filled-in survey sheet: what was seen on site overrides what was assumed."""
    transformers: str | None = None
    roads: str | None = None
    water: str | None = None
    boundary: str | None = None
    """Layers drawn under the roofs of the map."""
    synthetic: bool = False
    """The village is made up: said wherever it is shown."""

    @field_validator("province")
    @classmethod
    def _known_province(cls, value: str | None) -> str | None:
        if value is None or value in reference.provinces():
            return value
        named = {row["province_zh"]: row["province"] for row in reference.rows("provinces")}
        short = next((zh for zh in named if value.startswith(zh)), None)
        if short is not None:
            return named[short]
        known = nearest(value, reference.provinces())
        raise refuse("province_unknown", value=value, known=known)


class Weather(Frozen):
    """``[weather]``: how a weather file is read."""

    trusted: Literal["auto", "all", "ghi_dhi", "ghi_dni", "dni_dhi"] = "auto"
    """Which of GHI, DNI and DHI are believed; ``auto``: GHI and DHI for CSWD files, else all."""
    sun_offset_minutes: Literal["auto"] | Annotated[float, Field(ge=-90, le=90)] = "auto"
    """Minutes after an interval's start at which the sun is taken; ``auto``: by the light."""
    seed: Annotated[int, Field(ge=0)] = 0
    """Seed of the typical year."""
    latitude: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude: Annotated[float, Field(ge=-180, le=180)] | None = None
    altitude: float | None = None
    utc_offset_hours: Annotated[float, Field(ge=-14, le=14)] | None = None
    """Place and zone of a plain CSV that does not state them."""


class Roof(Frozen):
    """``[roof]``: roof planes and the part of them that can be used."""

    tilt: dict[str, Annotated[float, Field(ge=0, le=75)]] = Field(default_factory=dict)
    """Tilt by roof type, degrees, over the packaged table's."""
    usable_low: dict[str, Fraction] = Field(default_factory=dict)
    usable_middle: dict[str, Fraction] = Field(default_factory=dict)
    usable_high: dict[str, Fraction] = Field(default_factory=dict)
    """Usable share of a plane's area by roof type, over the packaged table's."""
    default_type: Literal["infer", "gable", "hip", "flat", "shed"] = "infer"
    """Roof type of buildings that state none."""
    rules: dict[str, NotNegative] = Field(default_factory=dict)
    """Rules of usable area (setbacks, margins, ...) over the packaged table's, for all levels."""
    water_heaters: Literal["stay", "go"] = "stay"
    """Whether solar water heaters that stand on roofs are kept clear, or make room for modules."""
    wind_kn_per_m2: Annotated[float, Field(ge=0, le=3)] | None = None
    """Basic wind pressure (50 years); of the nearest known place if not given."""

    @field_validator("rules")
    @classmethod
    def _known_rules(cls, value: dict[str, float]) -> dict[str, float]:
        known = reference.listed_in("usable_rules", "rule")
        odd = [rule for rule in value if rule not in known]
        if odd:
            raise refuse("name_unknown", kind="rule", value=odd[0], known=", ".join(known))
        return value

    @field_validator("tilt", "usable_low", "usable_middle", "usable_high")
    @classmethod
    def _known_types(cls, value: dict[str, float]) -> dict[str, float]:
        known = reference.listed_in("roof_types", "roof_type")
        odd = [kind for kind in value if kind not in known]
        if odd:
            raise refuse("name_unknown", kind="roof_kind", value=odd[0], known=", ".join(known))
        return value


class Module(Frozen):
    """``[module]``: the modules and where they go."""

    product: str = "Reference 182 mm 72-cell 580 W"
    """Of the packaged catalogue, or pvlib's name in the CEC list."""
    flat_tilt: Annotated[float, Field(ge=0, le=60)] = 15.0
    """Tilt of the rows on flat roofs, degrees."""
    row_spacing_m: NotNegative | None = None
    """Distance from row front to row front on flat roofs; by GB 50797 if not given."""
    yield_share_min: Fraction = _default("yield_share_min")
    """A plane joins from this share of the village's best yield (NREL's suitability rule: 0.70)."""
    building_limit_kwp: Positive | None = None
    """Most capacity on one building, best planes first."""
    village_limit_kwp: Positive | None = None
    """Most capacity of all, best planes first."""
    min_modules: Annotated[int, Field(ge=1)] = 4
    """Groups smaller than this are not built: about the shortest string of a small inverter."""
    orientation: Literal["auto", "portrait", "landscape"] = "auto"
    """The long side up the slope, along the eaves, or whichever holds more."""
    gap_m: Annotated[float, Field(ge=0, le=0.5)] = 0.02
    """Between neighbouring modules, for clamps."""
    flat_layout: Literal["auto", "rows", "east_west", "canopy"] = "auto"
    """On flat roofs; ``auto``: a canopy where ``system.mount`` is one, else tilted rows, or
    east-west beyond 45 degrees of latitude."""
    row_azimuth: Literal["building", "equator"] = "building"
    """Which way rows on flat roofs face: with the walls nearest to south (north), or due south."""
    east_west_tilt: Annotated[float, Field(ge=0, le=30)] = 10.0
    canopy_tilt: Annotated[float, Field(ge=0, le=30)] = 5.0
    canopy_height_m: Annotated[float, Field(ge=0.5, le=10)] = 2.2
    height_limit_m: Positive | None = None
    """Most height over a flat roof; the local rule if not given and known."""
    household_limit_kwp: Positive | None = None
    """Most capacity for each household of a building."""
    connection_limit_kw: Positive | None = None
    """Most AC power at one connection (a building)."""

    @field_validator("product")
    @classmethod
    def _known_product(cls, value: str) -> str:
        find_module(value)
        return value


class LossItems(Frozen):
    """``[system.loss_items]``: losses from plane to inverter, as fractions (PVWatts v5)."""

    soiling: Losses | Annotated[list[Losses], Field(min_length=12, max_length=12)] = 0.02
    """One value, or twelve for the months."""
    shading: Losses = 0.03
    snow: Losses | Annotated[list[Losses], Field(min_length=12, max_length=12)] = 0.0
    """One value, or twelve for the months."""
    mismatch: Losses = 0.02
    wiring: Losses = 0.02
    connections: Losses = 0.005
    light_induced: Losses = 0.0
    """PVWatts has 0.015 here; zero by default since ``finance.degradation_first_year`` holds it."""
    nameplate: Losses = 0.01
    availability: Losses = 0.03


class System(Frozen):
    """``[system]``: from sunlight to the meter."""

    mount: Literal["roof", "open_rack", "canopy", "flush", "integrated"] = "roof"
    """How the back is cooled: ``flush`` on tiles without a gap, ``integrated`` in their place."""
    transposition: Literal["perez", "haydavies"] = "perez"
    temperature: Literal["sapm", "faiman"] = "faiman"
    """Cell temperature model; both know the mount. Faiman is within 3 % of PVWatts v8's yields."""
    wind_height_m: Annotated[float, Field(gt=0.5, le=100)] | None = None
    """Height over the ground to which the file's wind (of 10 m) is brought; taken as it is if not
    given."""
    albedo: Fraction = 0.2
    losses: Losses | None = None
    """All losses as one fraction; overrides ``loss_items``."""
    loss_items: LossItems = LossItems()
    dc_ac_ratio: Annotated[float, Field(gt=0.3, le=3)] = 1.2
    inverter_efficiency: Annotated[float, Field(gt=0.5, le=1)] = 0.96
    inverter_sizes: Literal["standard", "exact"] = "standard"
    """AC power by sizes that are made, or by ``dc_ac_ratio`` itself."""
    ac_cable: Losses = 0.0
    """Share lost between inverter and meter."""
    night_w_per_kw: Annotated[float, Field(ge=0, le=20)] = 0.0
    """What the inverter uses in the dark, W per kW of its rating."""
    low_light: bool = False
    """Whether modules are less efficient in low light (ADR) than PVWatts has it."""
    bifaciality: Fraction = 0.0
    """Of modules on racks and canopies, whose back sees the ground; 0: one-sided."""
    shade: Literal["area", "string"] = "area"
    """What partial shade takes: the light of the shaded area (an optimiser at each module), or what
    a string with bypass diodes loses."""
    single_phase_limit_kw: Positive = 8.0
    """Connections up to this are single-phase (assumption: grid companies' usual rule)."""


class Doubt(Frozen):
    """``[doubt]``: how sure the energy is."""

    draws: Annotated[int, Field(ge=100, le=100_000)] = 1000
    seed: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    """Both did something while ranges were drawn; they are reckoned now, and neither is read."""
    area_shared: Fraction = 0.5
    """Share of the variance of usable area that all roofs have in common (the coefficient itself);
    the rest is each roof's own: assumption."""
    sigma: dict[str, Annotated[float, Field(ge=0, le=0.5)]] = Field(default_factory=dict)
    """One-sigma fractions by component, over the packaged table's."""


class Demand(Frozen):
    """``[demand]``: what households use, and batteries."""

    archetype: str = "family"
    """Load archetype of households that state none: elderly_pair, family, homestay, workshop,
    public_building, or one of ``archetypes``."""
    archetypes: str | None = None
    """A CSV of archetypes in place of the packaged one."""
    profile: Annotated[list[NotNegative], Field(min_length=24, max_length=24)] | None = None
    """A 24-hour profile for households of ``archetype``."""
    meter: str | None = None
    """Metered loads: hours or finer, a dial's readings, or 96-point days."""
    meter_unit: Literal["auto", "kWh", "Wh", "MWh", "kW", "W"] = "auto"
    """Unit of the meter's values, whatever its heading says; ``auto``: as the heading says."""
    self_use_share: Fraction | None = None
    """A flat share of the generation used at home, in place of the simulation by the hour."""
    use_by_minutes: Fraction = _default("use_by_minutes")
    """Share of the self-use by hours that is left by minutes, in homes without a battery."""
    battery_kwh: NotNegative = 0.0
    """Of each household."""
    battery_kw: NotNegative | None = None
    """Half the capacity per hour if not given."""
    battery_cost_per_kwh: NotNegative | None = None
    """What a household's battery costs; not counted, and said so, if not given."""
    battery_life_years: Annotated[int, Field(ge=1, le=40)] = 10
    battery_efficiency: Annotated[float, Field(gt=0.3, le=1)] = 0.9
    """There and back."""
    village_battery_kwh: NotNegative = 0.0


class Tariff(Frozen):
    """``[tariff]``: what a kilowatt-hour is worth."""

    project_class: ProjectClass = "natural_person_household"
    """Of buildings that state none."""
    connection_date: dt.date = dt.date(2026, 1, 1)
    """The money's day: years are calendar years, the first and last in part if it is not 1 January.
    """
    mechanism_share: Fraction | None = None
    mechanism_bid: NotNegative | None = None
    """CNY/kWh; the result of the province's auction if not given, else its cap. Paid: the lower of
    bid and cap."""
    mechanism_years: Annotated[int, Field(ge=0, le=30)] | None = None
    """The province's term if not given."""
    market_path: Literal["low", "middle", "high"] = "middle"
    market_price: NotNegative | None = None
    """Market price of PV; the province's by ``market_path`` if not given."""
    market_months: Annotated[list[NotNegative], Field(min_length=12, max_length=12)] | None = None
    """Market price of PV in each month, in place of ``market_price``."""
    own_price: Literal["auto", "settlement", "hours"] = "auto"
    """A roof's own market price: the settlement's mean, or that of its own hours; ``auto``: as the
    province has it, ``hours`` where ``market_hourly`` is stated."""
    case_low: Annotated[float, Field(ge=0, le=1)] = _default("case_low")
    case_high: Annotated[float, Field(ge=1, le=3)] = _default("case_high")
    """Parts of a stated market price for a low and a high market."""
    commercial_price: NotNegative | None = None
    """What halls, schools and workshops pay for power: no household tier is theirs."""
    export_price: NotNegative | None = None
    """One price for all exports in all years: overrides mechanism and market."""
    self_use_price: NotNegative | None = None
    """One price for what a household buys; the province's tiers if not given."""
    file: str | None = None
    """A household tariff as CSV: up_to_kwh, flat, peak, valley."""
    time_of_use: bool = False
    peak_hours: (
        Annotated[list[Annotated[int, Field(ge=0, le=24)]], Field(min_length=2, max_length=8)]
        | None
    ) = None
    """Begin and end of each peak, such as ``[11, 17, 20, 22]``; the province's if not given and
    known, else 8 to 22."""
    valley_hours: (
        Annotated[list[Annotated[int, Field(ge=0, le=24)]], Field(min_length=2, max_length=8)]
        | None
    ) = None
    """Of each valley; what lies between peak and valley is at the tier's price. All that is no peak
    if not given and not known."""
    market_hourly: Annotated[list[NotNegative], Field(min_length=24, max_length=24)] | None = None
    """Worth of an export by the hour of the day, over the market price."""
    price_factor: NotNegative = 1.0
    """All export prices are multiplied by this: for stress tests."""
    market_decline_per_year: Annotated[float, Field(ge=0, le=0.2)] = 0.0
    """Midday prices sink as photovoltaics grow: the solar capture ratio falls by this a year."""
    market_path_prices: list[NotNegative] | None = None
    """Market price of each year, in place of ``market_price``; as long as the life."""
    settlement_delay_months: Annotated[int, Field(ge=0, le=24)] = 1
    """Months from generation to the grid company's payment, in the account by months."""
    subsidy_per_kwh: NotNegative = 0.0
    subsidy_until: dt.date | None = None
    """Subsidy on all generation up to a day, whole years counted."""

    @field_validator("peak_hours", "valley_hours")
    @classmethod
    def _in_pairs(cls, value: list[int] | None) -> list[int] | None:
        if value is not None and len(value) % 2:
            raise refuse("hours_odd", value=", ".join(map(str, value)))
        return value


class Loan(Frozen):
    """``[loan]``: on whatever the investor of a model pays."""

    share: Fraction = 0.0
    """Of the capital; the rest is the down payment."""
    rate: Annotated[float, Field(ge=0, le=0.36)] = 0.035
    """Nominal, per year (five-year prime rate of 2026)."""
    years: Annotated[int, Field(ge=1, le=40)] = 10
    kind: Literal["annuity", "equal_principal", "interest_first"] = "annuity"
    instalments: Literal["monthly", "quarterly", "yearly"] = "monthly"
    pledge: str = ""
    guarantor: str = ""
    reserve_account: str = ""
    """What a dossier states of the security, in the borrower's words."""


class Event(Frozen):
    """``[[finance.events]]``: something that happens to a share of the roofs in a year."""

    kind: Literal["roof_rebuilding", "demolition", "typhoon", "outage", "inverter_failure"]
    year: Annotated[int, Field(ge=1, le=40)]
    """Of the plant's life."""
    roofs: list[str] = Field(default_factory=list)
    """Which roofs it hits: ids of buildings or of households."""
    share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Share of the roofs with modules that it hits, drawn by ``seed``; all if neither is given."""
    seed: Annotated[int, Field(ge=0, le=1_000_000_000)] = 0
    back_after_years: Annotated[int, Field(ge=1, le=40)] | None = None
    """A demolished roof is built on again so many years later; never if not given."""
    outage_months: Annotated[float, Field(ge=0, le=12)] = 0.0
    cost_per_w: NotNegative = 0.0
    """Removal and reinstatement, or repair."""
    insured: Fraction = 0.0
    """Share of the cost above the deductible that the insurer pays."""
    deductible_per_w: NotNegative = 0.0

    @property
    def everywhere(self) -> bool:
        """Whether it hits every roof."""
        return not self.roofs and self.share is None


class Finance(Frozen):
    """``[finance]``: who pays, and what is asked of the money. Money is nominal."""

    model: Model = "self_invest"
    model_by_class: dict[ProjectClass, Model] = Field(default_factory=dict)
    """Model for buildings of a project class, where it differs from ``model``."""
    currency: Annotated[str, AfterValidator(_currency)] = "CNY"
    """By its three letters (ISO 4217)."""
    capex_per_w: NotNegative = _default("capex_per_w")
    opex_per_w_year: NotNegative = _default("opex_per_w_year")
    cost_growth: Annotated[float, Field(ge=-0.05, le=0.2)] = 0.0
    """Yearly growth of running costs and insurance."""
    insurance_per_w_year: NotNegative = 0.0
    inverter_cost_per_w: NotNegative = _default("inverter_cost_per_w")
    inverter_life_years: Annotated[int, Field(ge=1, le=40)] = int(_default("inverter_life_years"))
    book_life_years: Annotated[int, Field(ge=1, le=40)] = int(_default("book_life_years"))
    """Over which the collective's books write the plant off; its money is never a dividend."""
    body: Literal["collective", "cooperative", "company"] = "collective"
    """Who owns the plant of the model ``cooperative``: the village's share cooperative, a farmers'
    specialised cooperative, or a company; each distributes by its own law."""
    may_borrow: bool = True
    """Whether the collective may take a bank's loan: some townships forbid it."""
    tax_rate: Fraction | None = None
    """On the profit of collective or developer; by law if not given (small-profit rate to its end,
    then 20 %, above its limit 25 %)."""
    tax_holiday: bool = False
    """Three years free and three halved: disputed for rooftops, which are only filed."""
    vat_rate: Fraction = _default("vat_rate")
    """On the sales of small taxpayers that reach the threshold."""
    vat_reduced_until: dt.date = dt.date(2027, 12, 31)
    """Last day of ``vat_rate``."""
    vat_rate_after: Fraction = _default("vat_rate_after")
    vat_free_per_month: NotNegative = _default("vat_free_per_month")
    """Sales a month below which nothing is owed: three times that in a quarter."""
    vat_free_until: dt.date | None = None
    """Last day of the threshold; it stays if not given (VAT Law art. 23)."""
    person_vat: Literal["by_month", "by_sale"] = "by_month"
    """How a person's sales are held against the threshold: summed by the month, or each by itself
    (1,000 yuan): not settled."""
    rent_taxed: Literal["spread", "at_once"] = "spread"
    """Whether a year's rent is income of its twelve months, or of the one in which it is paid."""
    dividend_tax: Fraction = 0.0
    """Income tax on what members get; village dividends in practice: unknown (20 % if taxed)."""
    in_town: bool = False
    """Inside a city, county town or market town, where house and land tax are owed."""
    grant_per_w: dict[ProjectClass, NotNegative] = Field(default_factory=dict)
    """Grant to whoever builds on a class of building, once."""
    decommission_per_w: NotNegative = 0.0
    """Taking the plant down at the end, or at the end of the lease; 0: not counted."""
    residual_share: Fraction = 0.0
    """What the plant still brings at the end, of its capital."""
    discount_rate: Rate = _default("discount_rate")
    life_years: Annotated[int, Field(ge=1, le=40)] = int(_default("life_years"))
    degradation_first_year: Losses = _default("degradation_first_year")
    """Lost over the first year, light-induced loss included."""
    degradation_per_year: Losses = _default("degradation_per_year")
    rent_basis: Literal["module", "m2", "kwp", "lump"] = "module"
    rent: NotNegative = _default("rent")
    """A year, per module, m2 of module, kWp or household."""
    rent_once: NotNegative = 0.0
    """At the beginning, per module."""
    rent_growth: Annotated[float, Field(ge=-0.05, le=0.2)] = 0.0
    lease_years: Annotated[int, Field(ge=1, le=40)] = 20
    """What is beyond 20 years is void (Civil Code art. 705) and not counted."""
    lease_end: Literal["removal", "handover", "renewal"] = "removal"
    """What follows: the plant goes, the household gets it, or both renew at the last rent."""
    lease_renewed: bool = False
    """The older name of ``lease_end = "renewal"``."""
    rural_income_per_head: NotNegative | None = None
    """Rural disposable income per head of the place; the packaged one if not given and known."""
    events: list[Event] = Field(default_factory=list)

    @property
    def costs_stated(self) -> bool:
        """Whether the costs of a place outside China are stated, in a currency of its own."""
        return (
            self.currency != "CNY" and {"capex_per_w", "opex_per_w_year"} <= self.model_fields_set
        )

    @property
    def rent_stated(self) -> bool:
        """Whether the rent is in the plan's currency: the default is in yuan."""
        return self.currency == "CNY" or "rent" in self.model_fields_set

    @property
    def lease_term(self) -> int:
        """Years of the lease that hold."""
        return min(self.lease_years, int(_default("lease_limit_years")))

    @property
    def after_lease(self) -> str:
        """``removal``, ``handover`` or ``renewal``."""
        return "renewal" if self.lease_renewed else self.lease_end

    @property
    def models_used(self) -> tuple[str, ...]:
        """The business models that are chosen for any class of project."""
        return tuple(dict.fromkeys([self.model, *self.model_by_class.values()]))


class Cooperative(Frozen):
    """``[cooperative]``: the collective invests and distributes."""

    mode: Literal["full_feed_in", "self_use"] = "full_feed_in"
    grant: NotNegative = 0.0
    """From the state, once; at most the capital."""
    reserve_rate: Fraction | None = None
    """Reserve and welfare fund out of the net surplus, by the charter; at least the province's,
    which holds if not given."""
    equal_share: Fraction | None = None
    """Part of the dividend that goes to all member households alike. The rest of a collective's or
    company's goes by the capacity on each roof (its members' quantified shares, taken as what they
    put in); a specialised cooperative's is what does not go by volume, if not given."""
    volume_share: Annotated[float, Field(ge=0.6, le=1)] = 0.6
    """Of a specialised cooperative: what goes by the kilowatt-hours of each member's roof."""
    low_income_share: Fraction = 0.0
    """Part of the dividend that goes to low-income members alone."""
    pays_rent: bool = False
    free_kwh_per_month: NotNegative = 0.0
    """For each member household, at the first tier's price."""
    free_kwh_paid_by: Literal["collective", "state"] = "collective"
    member_loan_share: Fraction = 0.0
    """Part of the capital that members lend, by the capacity on their roofs: money to be repaid is
    a loan, as no article lets a collective pay capital back."""
    member_loan_rate: Annotated[float, Field(ge=0, le=0.24)] = 0.0
    member_loan_years: Annotated[int, Field(ge=1, le=40)] = 10
    provision: bool = False
    """Whether money for new inverters and for taking the plant down is set aside year by year: no
    rule that asks it was found."""
    agent: bool = False
    """Whether a county's settlement agent sells the power: at 13 % VAT, and passes the rest on."""
    agent_fee: Fraction = 0.0
    """What the agent keeps, of the price without VAT."""
    owners: dict[str, Fraction] = Field(default_factory=dict)
    """Shares of the villages that own the plant together; they sum to 1."""

    @field_validator("owners")
    @classmethod
    def _whole(cls, value: dict[str, float]) -> dict[str, float]:
        if value and abs(sum(value.values()) - 1) > 1e-6:
            raise refuse("owners_sum", total=f"{sum(value.values()):g}")
        return value


class Developer(Frozen):
    """``[developer]``: a company invests on the household's roof."""

    discount: Fraction = _default("developer_discount")
    """Off the household's price for self-used power."""
    export_share: Fraction = 0.0
    """Of the export revenue, to the household."""
    pays_rent: bool = True
    taxpayer: Literal["auto", "small", "general"] = "auto"
    """For VAT; ``auto``: general from the year on in which this plant alone sells for over 5 M."""
    hurdle_rate: Rate = _default("hurdle_rate")
    """Return below which nobody builds."""


Parties = Literal["", "investor", "household", "collective", "installer", "insurer"]


class Contract(Frozen):
    """``[contract]``: what the parties have agreed on; what is not stated is named as missing."""

    plant_owner: Parties = ""
    """Whose the plant is (Civil Code art. 322: as agreed)."""
    filed_as: Literal["", "investor", "household"] = ""
    """In whose name it is filed with the grid company."""
    removal_paid_by: Parties = ""
    leak_repair_by: Parties = ""
    """Upkeep is the lessor's unless agreed otherwise (art. 712)."""
    compensation_to: Parties = ""
    """Who gets the plant's part when the house is taken (art. 243)."""
    papers: list[str] = Field(default_factory=list)
    """Papers at hand, by the names of ``reference/papers.csv``."""

    @field_validator("papers")
    @classmethod
    def _known_papers(cls, value: list[str]) -> list[str]:
        known = reference.listed_in("papers", "paper")
        odd = [paper for paper in value if paper not in known]
        if odd:
            raise refuse("name_unknown", kind="paper", value=odd[0], known=nearest(odd[0], known))
        return value


class Carbon(Frozen):
    """``[carbon]``: what the air is spared."""

    factor_year: Annotated[int, Field(ge=2000, le=2060)] = 2023
    factor_kg_per_kwh: Annotated[float, Field(ge=0, le=2)] | None = None
    """kgCO2/kWh; the province's average factor of ``factor_year`` if not given."""
    method: Literal["grid_average", "combined_margin", "footprint"] = "grid_average"
    pathway: Literal["frozen", "trend", "neutral_2060"] = "trend"
    """How the factor goes on over the years: no authoritative path exists, so it is named."""
    pathway_file: str | None = None
    """A CSV of one's own: year, factor_kg_per_kwh."""
    embodied_kg_per_kwp: Annotated[float, Field(ge=0, le=10_000)] | None = None
    """kgCO2e per kWp of the whole system; the packaged middle if not given."""
    claim: Literal["none", "ccer", "green_certificate", "local_inclusive"] = "none"
    """Under which scheme the environmental claim is sold: one, so it is counted once."""
    claim_share: Fraction = 1.0
    claim_price: NotNegative | None = None
    claim_price_growth: Annotated[float, Field(ge=-0.2, le=0.3)] = 0.0
    """Yearly growth of the claim's price: the price path, an assumption."""
    coal_convention: Literal[
        "302.4_gce_per_kwh",
        "305.5_gce_per_kwh",
        "400_gce_per_kwh",
        "122.9_gce_per_kwh",
        "2.77_kgco2_per_kgce",
        "2.66_kgco2_per_kgce",
        "2.46_kgco2_per_kgce",
    ] = "302.4_gce_per_kwh"


class Press(Frozen):
    """``[[press]]``: what was said of a project elsewhere, to be set beside the plan."""

    name: str
    energy_kwh: Positive
    income: Positive
    payback_years: Positive | None = None
    coal_t: Positive | None = None
    co2_t: Positive | None = None
    note: str = ""
    source: str


class Grid(Frozen):
    """``[grid]``: what the grid takes."""

    curtailment: Fraction = 0.0
    """Share of the generation that the grid does not take: it earns and spares nothing."""
