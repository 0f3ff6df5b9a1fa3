"""The ledger: who pays whom what, in whole fen, year by year. What one pays another receives."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

PARTIES = (
    "household",
    "collective",
    "developer",
    "bank",
    "grid_company",
    "state",
    "supplier",
    "operator",
    "insurer",
    "low_income_members",
    "agent",
)
"""Who takes part."""


@dataclass(frozen=True)
class Flow:
    """One kind of payment.

    Attributes
    ----------
    item, payer, payee : str
        What for, from whom, to whom.
    fen : ndarray, shape (households, years + 1) or (years + 1,)
        Whole fen in each year, the first at once; one row for a payment that is not a household's.
        Unknown is nan.
    """

    item: str
    payer: str
    payee: str
    fen: np.ndarray


@dataclass
class Ledger:
    """Payments of one business model.

    Attributes
    ----------
    households, years : int
    owner : str
        Who pays for the modules.
    flows : list of Flow
    balances : dict of str to ndarray
        Cash and reserves at the end of each year, yuan, where a party keeps any.
    """

    households: int
    years: int
    owner: str = ""
    flows: list[Flow] = field(default_factory=list)
    balances: dict[str, np.ndarray] = field(default_factory=dict)

    def pay(
        self, item: str, payer: str, payee: str, yuan: np.ndarray, *, at_once: bool = False
    ) -> np.ndarray:
        """Enter payments, rounded to whole fen; returns them in yuan.

        Parameters
        ----------
        yuan : ndarray
            Shape (households, years) or (years,); with ``at_once`` (households,) or a number.
        """
        amount = np.asarray(yuan, dtype=float)
        if not amount.any() and not np.isnan(amount).any():
            return np.zeros_like(amount)
        fen = np.rint(amount * 100)
        if at_once:
            column = fen[..., None]
            whole = np.concatenate([column, np.zeros((*fen.shape, self.years))], axis=-1)
        else:
            whole = np.concatenate([np.zeros((*fen.shape[:-1], 1)), fen], axis=-1)
        self.flows.append(Flow(item, payer, payee, whole))
        return fen / 100

    def of_households(self) -> np.ndarray:
        """Net receipts of each household, yuan; shape (households, years + 1)."""
        total = np.zeros((self.households, self.years + 1))
        for flow in self.flows:
            if flow.payee == "household":
                total += flow.fen
            if flow.payer == "household":
                total -= flow.fen
        return total / 100

    def paid(self, item: str, payee: str = "") -> np.ndarray:
        """What was paid under an item, yuan; shape (households, years + 1) or (years + 1,).

        With ``payee`` to one party alone.
        """
        total = np.zeros(self.years + 1)
        for flow in self.flows:
            if flow.item == item and payee in ("", flow.payee):
                total = total + flow.fen
        return total / 100

    def paid_at_once(self, payer: str, item: str) -> np.ndarray:
        """What each household's payer paid under an item at the beginning, yuan."""
        total = np.zeros(self.households)
        for flow in self.flows:
            if flow.item == item and flow.payer == payer:
                total += flow.fen[..., 0]
        return total / 100

    def received(self, party: str, item: str) -> np.ndarray:
        """Net receipts of a party under an item over all households, yuan; shape (years + 1,)."""
        only = [flow for flow in self.flows if flow.item == item]
        return Ledger(self.households, self.years, self.owner, only).of_party(party)

    def of_party(self, party: str, without: tuple[str, ...] = ()) -> np.ndarray:
        """Net receipts of a party over all households, yuan; shape (years + 1,).

        ``without`` names items that are left out.
        """
        total = np.zeros(self.years + 1)
        for flow in self.flows:
            sign = (flow.payee == party) - (flow.payer == party)
            if sign and flow.item not in without:
                total += sign * flow.fen.reshape(-1, self.years + 1).sum(axis=0)
        return total / 100

    def table(self, household_id: np.ndarray, model: str) -> pd.DataFrame:
        """Every payment twice, once for each party: ``household_id`` (empty where it is no
        household's), ``model``, ``year``, ``party``, ``item``, ``yuan``.
        """
        parts = []
        for flow in self.flows:
            rows = flow.fen.reshape(-1, self.years + 1)
            names = household_id if flow.fen.ndim == 2 else np.array([""])
            which, year = np.nonzero(rows)
            yuan = rows[which, year] / 100
            for party, sign in ((flow.payer, -1), (flow.payee, 1)):
                parts.append(
                    pd.DataFrame(
                        {
                            "household_id": names[which],
                            "model": model,
                            "year": year,
                            "party": party,
                            "item": flow.item,
                            "yuan": sign * yuan,
                        }
                    )
                )
        columns = ["household_id", "model", "year", "party", "item", "yuan"]
        if not parts:
            return pd.DataFrame(columns=columns)
        return pd.concat(parts, ignore_index=True)[columns]


def divide_fen(total_fen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Divide whole fen by weights: largest remainder, ties by position.

    Parameters
    ----------
    total_fen : ndarray, shape (years,)
        Whole numbers, not negative.
    weight : ndarray, shape (n,)
        Not negative; all zero gives nothing to anybody.

    Returns
    -------
    ndarray, shape (n, years)
        Whole numbers whose columns sum to the totals.
    """
    if weight.sum() <= 0:
        return np.zeros((len(weight), len(total_fen)))
    exact = np.outer(weight / weight.sum(), total_fen)
    whole = np.floor(exact)
    short = np.rint(total_fen - whole.sum(axis=0)).astype(int)
    order = np.argsort(-(exact - whole), axis=0, kind="stable")
    for year, count in enumerate(short):
        whole[order[:count, year], year] += 1
    return whole
