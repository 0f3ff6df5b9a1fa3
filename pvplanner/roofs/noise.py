"""What a surface model's heights are like: noise, blur and grain, from a sample of its houses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from pvplanner.roofs import regions, surface
from pvplanner.roofs.windows import Outlines, look
from pvplanner.terrain import Raster

SIGMA_M = (0.025, 0.05, 0.10, 0.20)
"""Noise that is believed, m: cluttered roofs look noisier than any sensor. Few steps, so that one
odd building more or less changes nothing about the others."""

GRAINS = (1.0, 8.0)
"""Cells that err together: each for itself (lidar), or in clods (matched images)."""

GRAINY_SIGMA_M, GRAINY_LOCAL = (0.10, 0.30), 0.7
"""Noise that is believed of clods, m, and its part within a small window."""

QUIET = 0.2
"""Quantile of the local misfits that is taken as noise."""

SAMPLE = 48
SAMPLE_M2 = 40.0
"""Noise and blur are those of the sensor: from this many buildings of at least this size."""

HIDDEN, LOUDER, ABOUT = 3.0, 1.4, 1.2
"""Residuals about fitted planes show a third of the clods and seven tenths of their noise; about
the true roof heights lie a fifth further off than the clods' own noise."""

CLODS = (2.8, 5.0)
"""Cells that err together from which on they are clods; in a raster that is warped as it is read,
where neighbours share what lay between them."""

SHARP = 1.25
"""Cells over which a sharp step seems to fall."""

BROAD_M = 2.8
"""Area over half the length of the outline: a square of 5.6 m."""

COMPACT = 0.35
"""Outlines that fill less of a circle than this are no sample: slivers, rings, spikes."""

SMALLEST_M2 = 2.0
STEEPEST = float(np.tan(np.radians(68.0)))


@dataclass(frozen=True)
class Noise:
    """What a surface model's heights are like.

    Attributes
    ----------
    sigma, local : float
        About a whole plane and within a small window, m.
    blur : int
        How many cells from an outline hold a part of the wall's fall.
    grain : float
        Cells that err together: 1 where each errs for itself.
    spread : float
        One sigma of the blur that steps show, cells.
    """

    sigma: float
    local: float
    blur: int
    grain: float
    spread: float = 0.0

    @property
    def together(self) -> float:
        """Cells that err together: a plane's own fit hides some of a coarse grain."""
        return HIDDEN * self.grain if self.grainy else self.grain

    @property
    def grainy(self) -> bool:
        """Whether cells err together."""
        return self.grain > GRAINS[0]

    @property
    def about(self) -> float:
        """Noise about the true roof, m."""
        return ABOUT * self.sigma if self.grainy else self.sigma


def measure_noise(
    raster: Raster, outlines: Outlines, shapes: np.ndarray, common: tuple[float, float]
) -> Noise:
    """Noise, blur and grain of a surface model, from a sample of the buildings on it.

    Parameters
    ----------
    raster : Raster
    outlines : Outlines
        Of ``shapes``.
    shapes : ndarray of geometry
    common : tuple of float
        The village's offset, m.
    """
    windows = [w for k in _sample(shapes) if (w := look(raster, *outlines.of(k), common))]
    widths = np.array([w.width for w in windows if np.isfinite(w.width)])
    width = float(np.median(widths)) if len(widths) else 1.6
    blur = int(np.clip(round((width - 1.25) / 0.7), 0, 2))
    local = [surface.local_noise(w.heights, w.inside, raster.cell, blur, QUIET) for w in windows]
    local = [value for value in local if np.isfinite(value)]
    quiet = _nearest(float(np.median(local)) if local else 0.05, SIGMA_M)
    rms, grain = [], []
    for window in windows:
        labels, planes = surface.find_planes(
            window.heights, window.inside, raster.cell,
            1.5 * quiet, quiet, blur, 1.0, SMALLEST_M2, STEEPEST,
        )  # fmt: skip
        good = planes[:, 4] * raster.cell**2 >= 12.0
        rms += planes[good, 3].tolist()
        together = regions.alike(window.heights, labels, planes, raster.cell)
        grain += together[good & np.isfinite(together)].tolist()
    alike = float(np.clip(np.median(grain) if grain else 0.0, 0.0, 0.9))
    # Gaussian noise of correlation r from cell to cell errs together over 4 pi s2 cells.
    clods = alike > 0.05 and -np.pi / np.log(alike) >= CLODS[raster.warped]
    cells = GRAINS[1] if clods else GRAINS[0]
    misfit = float(np.quantile(rms, 0.4)) if rms else quiet
    sigma = max(_nearest(misfit, SIGMA_M), quiet)
    if cells > GRAINS[0]:
        sigma = _nearest(LOUDER * misfit, GRAINY_SIGMA_M)
        quiet = GRAINY_LOCAL * sigma
    # A step that is sharp falls over 1.25 cells as they are sampled; a Gaussian's over 2.5 sigma.
    spread = np.sqrt(max(width**2 - SHARP**2, 0.0)) / 2.507
    return Noise(sigma, quiet, blur, cells, float(np.round(4 * spread) / 4))


def _sample(shapes: np.ndarray) -> np.ndarray:
    """Some of the larger plain buildings, spread by chance that depends on their place alone."""
    area = shapely.area(shapes)
    plain = (shapely.get_num_geometries(shapes) == 1) & (area > 0)
    plain &= 4 * np.pi * area >= COMPACT * np.maximum(shapely.length(shapes), 1e-9) ** 2
    plain &= shapely.get_num_interior_rings(shapes) == 0
    rows = np.flatnonzero(plain)
    large = rows[area[rows] >= SAMPLE_M2]
    rows = large if len(large) >= SAMPLE // 4 else rows
    if len(rows):
        # Across a narrow building one wall's fall runs into the other's.
        broad = 2.0 * area[rows] / shapely.length(shapes[rows])
        rows = rows[broad >= min(BROAD_M, float(np.median(broad)))]
    place = shapely.get_coordinates(shapely.centroid(shapes[rows])).round(1)
    chance = np.modf(np.abs(np.sin(place @ np.array([12.9898, 78.233])) * 43_758.5453))[0]
    return rows[np.argsort(chance, kind="stable")[:SAMPLE]]


def _nearest(value: float, steps: tuple[float, ...]) -> float:
    """The step nearest to a value by ratio."""
    return steps[int(np.argmin(np.abs(np.log(np.array(steps)) - np.log(max(value, 1e-6)))))]
