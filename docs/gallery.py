"""Draw the gallery's pictures while the pages are built."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "pictures"


def draw(folder: Path) -> list[Path]:
    """Run the example township and draw it."""
    import matplotlib
    from matplotlib.figure import Figure

    import pvplanner as pvp

    matplotlib.rcParams["font.family"] = ["Noto Sans CJK SC", "Noto Sans SC", "DejaVu Sans"]
    matplotlib.rcParams["svg.hashsalt"] = "pvplanner"
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as place:
        results = pvp.plan_region(ROOT / "data/region/region.toml", out=Path(place) / "out")
        drawn = {
            "supply": results.plot.supply_curve(),
            "ranges": results.plot.ranges("energy_kwh"),
            "compare": results.plot.compare("base", "low-price"),
        }
        hours = results.hours.total("region")
        axes = Figure(figsize=(7, 4), layout="constrained").subplots(1, 2, sharey=True)
        for ax, day, name in ((axes[0], 171, "June"), (axes[1], 354, "December")):
            rows = hours[hours["hour"] // 24 == day]
            ax.plot(rows["hour"] % 24, rows["pv_kw"], label="PV, kW", color="#cc4c02")
            ax.plot(rows["hour"] % 24, rows["load_kw"], label="load, kW", color="#14507a")
            ax.set(title=name, xlabel="hour")
        axes[0].legend()
        drawn["days"] = axes[0]
        out = []
        for name, ax in drawn.items():
            out.append(folder / f"{name}.svg")
            ax.figure.savefig(out[-1], metadata={"Date": None})
    return out


def on_pre_build(config: Any) -> None:
    """A hook of MkDocs."""
    draw(PICTURES)
