"""The sections of money: tariff, loan, finance, bodies and contracts."""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, field_validator

from pvplanner import reference
from pvplanner.scenario.frozen import Frozen
from pvplanner.scenario.kinds import (
    Fraction,
    Losses,
    Model,
    NotNegative,
    ProjectClass,
    Rate,
    default_of,
    known_currency,
)
from pvplanner.scenario.refusals import nearest, refuse


class Tariff(Frozen):
    """``[tariff]``: what a kilowatt-hour is worth."""

    project_class: ProjectClass = "natural_person_household"
    """Of buildings that state none."""
    connection_date: dt.date = dt.date(2026, 1, 1)
    """The money's day: years are calendar years, the first and last in part if it is not 1 January.
    """
    mechanism_share: Fraction | None = None
    mechanism_bid: NotNegative | None = None
    """CNY/kWh; the result of the province's auction if not given, else its cap. Paid: the bid,
    between the province's floor and cap."""
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
    case_low: Annotated[float, Field(ge=0, le=1)] = default_of("case_low")
    case_high: Annotated[float, Field(ge=1, le=3)] = default_of("case_high")
    """Parts of the market price for a low and a high market, where it is stated or fewer than two
    whole years were found."""
    commercial_price: NotNegative | None = None
    """What halls, schools and workshops pay for power: no household tier is theirs."""
    export_price: NotNegative | None = None
    """One price for all exports in all years: overrides mechanism and market."""
    self_use_price: NotNegative | None = None
    """One price for what a household buys; the province's tiers if not given."""
    self_use_factor: NotNegative = 1.0
    """All prices that households and halls buy at are multiplied by this, tiers and hours alike."""
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
    settlement_delay_months: Annotated[int, Field(ge=0, le=24)] = int(
        default_of("settlement_delay_months")
    )
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
    currency: Annotated[str, AfterValidator(known_currency)] = "CNY"
    """By its three letters (ISO 4217)."""
    capex_per_w: NotNegative = default_of("capex_per_w")
    opex_per_w_year: NotNegative = default_of("opex_per_w_year")
    cost_growth: Annotated[float, Field(ge=-0.05, le=0.2)] = 0.0
    """Yearly growth of running costs and insurance."""
    insurance_per_w_year: NotNegative = 0.0
    inverter_cost_per_w: NotNegative = default_of("inverter_cost_per_w")
    inverter_life_years: Annotated[int, Field(ge=1, le=40)] = int(default_of("inverter_life_years"))
    book_life_years: Annotated[int, Field(ge=1, le=40)] = int(default_of("book_life_years"))
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
    vat_rate: Fraction = default_of("vat_rate")
    """On the sales of small taxpayers that reach the threshold."""
    vat_reduced_until: dt.date = reference.last_day("vat_reduced_until")
    """Last day of ``vat_rate``."""
    vat_rate_after: Fraction = default_of("vat_rate_after")
    vat_free_per_month: NotNegative = default_of("vat_free_per_month")
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
    discount_rate: Rate = default_of("discount_rate")
    life_years: Annotated[int, Field(ge=1, le=40)] = int(default_of("life_years"))
    degradation_first_year: Losses = default_of("degradation_first_year")
    """Lost over the first year, light-induced loss included."""
    degradation_per_year: Losses = default_of("degradation_per_year")
    rent_basis: Literal["module", "m2", "kwp", "lump"] = "module"
    rent: NotNegative = default_of("rent")
    """A year, per module, m2 of module, kWp or household."""
    rent_once: NotNegative = 0.0
    """At the beginning, per module."""
    rent_growth: Annotated[float, Field(ge=-0.05, le=0.2)] = 0.0
    lease_years: Annotated[int, Field(ge=1, le=40)] = int(default_of("lease_limit_years"))
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
        return min(self.lease_years, int(default_of("lease_limit_years")))

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
    volume_share: Annotated[float, Field(ge=default_of("volume_share_least"), le=1)] = default_of(
        "volume_share_least"
    )
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

    discount: Fraction = default_of("developer_discount")
    """Off the household's price for self-used power."""
    export_share: Fraction = 0.0
    """Of the export revenue, to the household."""
    pays_rent: bool = True
    taxpayer: Literal["auto", "small", "general"] = "auto"
    """For VAT; ``auto``: general from the year on in which this plant alone sells for over 5 M."""
    hurdle_rate: Rate = default_of("hurdle_rate")
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
