"""A plan: the graph of its stages, the runner, the store, and the lazy view that users hold."""

from pvplanner.plan.plan import Plan, open_plan, plan_village
from pvplanner.plan.worth import GRAPH

__all__ = ["GRAPH", "Plan", "open_plan", "plan_village"]
