"""How a township's own tables head their columns, compared without case."""

from __future__ import annotations

SCENARIO = ("name", "scenario", "名称", "情景")
VILLAGE = ("village", "村", "村名", "village_name", "name")
BOUNDARY = ("name", "shapename", "名称")
FREE = ("free_kw", "可开放容量", "可开放容量kW")
COST = ("cost", "投资")
YES = {"yes": True, "true": True, "是": True, "1": True, "y": True, "no": False, "false": False,
       "否": False, "0": False, "n": False}  # fmt: skip

NOT_SAID = ("", "-", "--", "/", "?", "不详", "未知", "n/a", "na", "nan")
"""Cells of a township's own table that say nothing."""

MORE = {"village": ("行政村", "村庄", "village_name"), "division_code": ("code", "adcode")}
"""More names under which ledgers and boundaries call a village."""

PARTS = ";；、|"
"""What stands between identifiers in one cell."""
