"""The sections of a scenario: one frozen model each; every key has a default."""

from __future__ import annotations

import itertools
from typing import Annotated, Literal

from pydantic import Field, field_validator

from pvplanner import reference
from pvplanner.reference.products import find_module
from pvplanner.scenario.frozen import Frozen
from pvplanner.scenario.kinds import (
    Datum,
    Fraction,
    Losses,
    Model,
    NotNegative,
    Positive,
    default_of,
)
from pvplanner.scenario.refusals import nearest, refuse


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
    """Transformers and what stands over them: a layer, or a table."""
    lines: str | None = None
    """Low-voltage lines between transformers and houses: a layer of lines."""
    net: str | None = None
    """A low-voltage net as pandapower saves it (JSON), for voltages."""
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
    yield_share_min: Fraction = default_of("yield_share_min")
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
    use_by_minutes: Fraction = default_of("use_by_minutes")
    """Share of the self-use by hours that is left by minutes, in homes without a battery."""
    battery_kwh: NotNegative = 0.0
    """Of each household."""
    battery_kw: NotNegative | None = None
    """Half the capacity per hour if not given."""
    battery_cost_per_kwh: NotNegative | None = None
    """What a household's battery costs; not counted, and said so, if not given."""
    battery_life_years: Annotated[int, Field(ge=1, le=40)] = int(default_of("battery_life_years"))
    battery_efficiency: Annotated[float, Field(gt=0.3, le=1)] = 0.9
    """There and back."""
    village_battery_kwh: NotNegative = 0.0


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
    reverse_load: Annotated[float, Field(gt=0, le=1)] = default_of("grid_reverse_load")
    """Beta of DL/T 2041: share of a transformer's rating that may flow backwards."""
    output_rate: Annotated[float, Field(gt=0.1, le=1)] = default_of("grid_output_rate")
    """Tau_max of DL/T 2041: largest output of photovoltaics over their capacity."""
    power_factor: Annotated[float, Field(ge=0.5, le=1)] = default_of("grid_power_factor")
    """Of transformers whose row states none."""
    reach_m: Positive = default_of("grid_reach_m")
    """A roof with no stated transformer takes the nearest within this distance."""
    export_limit: Literal["none", "transformer"] = "none"
    """Whether roofs are cut where more flows back than a transformer bears; it then reaches energy,
    money and carbon."""
    house_export_share: Annotated[float, Field(gt=0, le=1)] | None = None
    """Most output of each plant over its AC rating; none if not given."""
    source_voltage: Annotated[float, Field(ge=0.9, le=1.1)] | None = None
    """Voltage over its nominal one at the head of the net; as the net says, else nominal."""
    cost_export_limit: NotNegative | None = None
    cost_control: NotNegative | None = None
    """A limiter, and what makes a plant observable and controllable: money a plant."""
    cost_storage_per_kwh: NotNegative | None = None
    cost_transformer_per_kva: NotNegative | None = None
    cost_pooled_per_kva: NotNegative | None = None
    """Of ways out of a full transformer; what is not stated has no cost, and that is said."""


class Selection(Frozen):
    """``[selection]``: which households come first, and why."""

    file: str | None = None
    """A list that was chosen: household_id, and as known model, phase, reason. Only those on it are
    built."""
    facts: str | None = None
    """What ``pvplanner select`` found beside the list."""
    budget: (
        NotNegative | Annotated[list[NotNegative], Field(min_length=1, max_length=20)] | None
    ) = None
    """Capital that may be built for in each phase, whoever pays it; one for all, or a list."""
    phases: (
        Annotated[int, Field(ge=1, le=20)]
        | Annotated[
            list[Annotated[int, Field(ge=2000, le=2100)]], Field(min_length=1, max_length=20)
        ]
    ) = 1
    """How many phases, a year after the other from the connection's on; or their years."""
    phase: Annotated[int, Field(ge=1, le=20)] = 1
    """The phase that pages call this one."""
    weights: dict[str, NotNegative] = Field(default_factory=lambda: {"npv": 1.0})
    """What is sought, and how much: npv, income, energy, carbon, low_income."""
    min_share: dict[str, Fraction] = Field(default_factory=dict)
    """Least share of the households chosen: low_income, a hamlet's name, or hamlet for each."""
    must: list[str] = Field(default_factory=list)
    never: list[str] = Field(default_factory=list)
    """Households, or buildings, that are chosen at any rate, or not at all."""
    models: list[Model] = Field(default_factory=list)
    """Business models that may be chosen for a household; its own if none is given."""
    price_case: Literal["planned", "not_won", "market_low", "market_high", "poor_years",
                        "together", "expected", "worst"] = "planned"  # fmt: skip
    """The price case that is sought in; the mean of all, or the worst of them."""
    reuse: Fraction = 0.0
    """Share of the income of earlier phases that is built with again."""
    capacity_kw: NotNegative | None = None
    """Most AC power of all phases together."""
    gap: Annotated[float, Field(ge=0, le=0.2)] = 0.002
    """The search ends when the best found is proven to lie so close to the best there can be."""
    nodes: Annotated[int, Field(ge=1, le=10_000_000)] = 5_000
    """Or when it has looked at so many branches."""
    meeting: str | None = None
    """What the village's meeting said: objections, changes, the resolution (TOML)."""

    def years(self, first: int) -> list[int]:
        """The year of each phase; ``first`` is that of the connection."""
        if isinstance(self.phases, list):
            return self.phases
        return [first + n for n in range(self.phases)]

    @field_validator("phases")
    @classmethod
    def _one_after_the_other(cls, value: int | list[int]) -> int | list[int]:
        if isinstance(value, list) and any(b <= a for a, b in itertools.pairwise(value)):
            raise refuse("phases_order", value=", ".join(map(str, value)))
        return value

    @field_validator("weights")
    @classmethod
    def _known_weights(cls, value: dict[str, float]) -> dict[str, float]:
        odd = [name for name in value if name not in GOALS]
        if odd:
            raise refuse("name_unknown", kind="goal", value=odd[0], known=", ".join(GOALS))
        if not any(value.values()):
            raise refuse("weights_zero")
        return value


GOALS = ("npv", "income", "energy", "carbon", "low_income")
"""What a selection may seek."""
