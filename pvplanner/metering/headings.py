"""Headings of generation files, as meters, portals and grid companies write them."""

from __future__ import annotations

ALIASES: dict[str, tuple[str, ...]] = {
    "account": ("household_id", "grid_account", "account", "户号", "发电户号", "电网户号",
                "用电户号", "用户编号", "电站", "电站名称", "plant"),
    "meter": ("meter", "表号", "电表编号", "电表资产号", "逆变器", "逆变器序列号", "sn",
              "inverter"),
    "month": ("month", "月份", "账期", "电费年月"),
    "date": ("date", "日期", "数据日期", "day"),
    "time": ("time", "时间", "timestamp", "datetime", "日期时间", "数据时间", "采集时间"),
    "dial": ("dial", "register", "reading", "示数", "表底", "累计发电量", "总发电量", "累计电量",
             "正向有功总", "正向有功电量"),
    "energy": ("kwh", "energy", "generation", "发电量", "日发电量", "当日发电量", "月发电量",
               "电量", "上网电量", "yield", "value", "wh", "mwh", "度"),
    "power": ("kw", "power", "功率", "有功功率", "发电功率", "w"),
}  # fmt: skip
"""Names under which the columns of a generation file are found."""

DIMENSIONS = {"energy": "energy", "dial": "energy", "power": "power"}

OF_HOME = ("household_id", "户号", "农户")
"""Names of a household beside its account, in a table that joins them."""
