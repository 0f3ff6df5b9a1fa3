"""Headings of a bank's statement and of published prices, as they are sent."""

from __future__ import annotations

RECEIPT: dict[str, tuple[str, ...]] = {
    "date": (
        "date",
        "交易日期",
        "入账日期",
        "记账日期",
        "日期",
        "到账日期",
        "记账日",
        "交易日",
        "交易时间",
    ),
    "amount": (
        "amount",
        "贷方金额",
        "收入金额",
        "收入",
        "金额",
        "到账金额",
        "贷方发生额",
        "进账",
        "进账金额",
        "交易金额",
        "发生额",
        "credit",
    ),
    "account": ("account", "grid_account", "发电户号", "户号", "客户编号", "发电客户编号"),
    "text": ("text", "摘要", "用途", "附言", "备注", "对方户名", "payer"),
}
"""Names under which the columns of a bank's statement are found."""

PRICES: dict[str, tuple[str, ...]] = {
    "month": ("month", "月份", "结算年月"),
    "price": ("price", "market_price", "电价", "市场均价", "市场交易电价"),
}
"""Names under which the columns of published prices are found."""

BILLS: dict[str, tuple[str, ...]] = {
    "month": ("month", "date", "月份", "日期", "账单日期", "开票日期", "记账日期"),
    "item": ("item", "项目", "费用项目", "科目", "类别"),
    "amount": ("amount", "金额", "价税合计", "应付金额", "费用"),
    "covers": ("covers", "所属期", "费用所属期", "服务期", "期间"),
    "books": ("village", "books", "村", "账套", "所属村"),
    "text": ("text", "摘要", "备注", "说明", "开票单位"),
}
"""Names under which the columns of a table of bills are found."""

OWNERS: dict[str, tuple[str, ...]] = {
    "owner": (
        "owner",
        "village",
        "产权村",
        "所有者",
        "权属村",
        "出资村",
        "村名",
        "村",
        "产权人",
    ),
    "share": ("share", "份额", "占比", "比例", "股比", "持股比例", "产权比例"),
}
"""Names under which the owners of a joint plant and their shares are found."""

OWNED_BY = ("household_id", "户号", "农户", "发电户号", "房屋编号")
"""Names of the household whose roof carries a joint plant."""

BILLED_AS: dict[str, tuple[str, ...]] = {
    "running": ("运维", "运维费", "维护费", "维修费", "运行维护费", "维护", "维修", "清洗费"),
    "insurance": ("保险", "保险费", "保费"),
    "inverter": ("逆变器", "逆变器更换"),
    "battery": ("储能", "户用储能", "电池"),
    "decommissioning": ("拆除", "拆除费"),
    "event": ("事件", "灾损修复", "翻修"),
}
"""How bills write what they are for."""

JOINED = r"\s*[+＋、,，/;；和]\s*"
"""What stands between the names of several owners."""

MONEY_SIGNS = r"[¥￥元圆\s]"
"""What stands beside a sum of money."""

UNTIL = r"\.\.|至|到|~|～|—"
"""What stands between two months."""

POWER = r"电费|电力|供电|电网|光伏|上网|发电|结算|power|electric|grid|feed"
"""Words by which a line of a statement is known as the grid company's money."""
