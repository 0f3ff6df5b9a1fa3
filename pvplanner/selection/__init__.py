"""Selection: which households come first, under a budget and what the grid takes, and why."""

from __future__ import annotations

from pvplanner.selection.choosing import Chosen, best_of, choose, conflict, who_moves
from pvplanner.selection.fronts import front, hangs_on, totals_of
from pvplanner.selection.problem import Problem, tied
from pvplanner.selection.programme import Choice, InfeasibleError, Programme

__all__ = [
    "Choice",
    "Chosen",
    "InfeasibleError",
    "Problem",
    "Programme",
    "best_of",
    "choose",
    "conflict",
    "front",
    "hangs_on",
    "tied",
    "totals_of",
    "who_moves",
]
