"""What a person would measure of a spheroid."""

from __future__ import annotations

import numpy as np

from coverslip.samples.spheroids.finding import Found

FEATURES = {
    "area": "pixels of the spheroid, as a share of the crop",
    "diameter": "of a circle of that area, as a share of the side of the crop",
    "perimeter": "as a share of the side of the crop",
    "circularity": "4π area / perimeter²; 1 for a circle",
    "solidity": "area over that of its convex hull",
    "eccentricity": "0 for a circle, near 1 for a line",
    "roughness": "deviation of the radius over directions, as a share of the radius",
    "light": "mean share of light that comes through",
    "light_centre": "the same within .3 of the radius",
    "light_middle": "between .3 and .7",
    "light_edge": "between .7 and 1",
    "rim": "brightest ring around the edge, share of the empty field's light",
    "dark_core": "share of the spheroid that absorbs more than a ball as dense as its outer part would",
    "core_darkness": "1 − light of the centre over that of the edge",
    "debris_area": "area of the debris over that of the spheroid",
    "debris_count": "specks, as log(1 + n)",
    "texture": "deviation of fine detail inside, share of the light there",
    "coarse_texture": "deviation of coarser detail",
}
"""Name to meaning."""


def spheroid_features(found: Found, side: int) -> dict[str, float]:
    """Measure a spheroid.

    Parameters
    ----------
    found : Found
    side : int
        Of the crop, pixels; lengths are shares of it.

    Returns
    -------
    dict of str to float
        As `FEATURES` lists them; all 0 where there is no spheroid.
    """
    from scipy.ndimage import distance_transform_edt, gaussian_filter, label
    from skimage.measure import regionprops

    mask, light = found.spheroid, found.light
    if not mask.any():
        return dict.fromkeys(FEATURES, 0.0)
    body = regionprops(mask.astype(np.uint8))[0]
    diameter = float(body.equivalent_diameter_area)
    perimeter = max(float(body.perimeter), 1.0)
    outside, inside = distance_transform_edt(~mask), distance_transform_edt(mask)
    depth = inside / max(float(inside.max()), 1.0)  # 0 at the edge, 1 in the middle, whatever the shape
    ring = mask & (depth < 0.3)
    centre, middle = mask & (depth > 0.7), mask & (depth >= 0.3) & (depth <= 0.7)
    of_ring, of_centre, of_middle = (_mean(light, part) for part in (ring, centre, middle))
    near = (outside > 0) & (outside < max(0.1 * diameter, 3)) & ~found.debris
    sigma = diameter / 40
    detail = light - gaussian_filter(light, max(sigma, 0.7))
    coarse = gaussian_filter(light, max(sigma, 0.7)) - gaussian_filter(light, max(4 * sigma, 2.8))
    deep = mask & (depth > 0.2)
    mean = max(_mean(light, mask), 1e-3)
    count = label(found.debris)[1]
    edge = _radii(mask, body.centroid)
    return {
        "area": float(body.area) / side**2,
        "diameter": diameter / side,
        "perimeter": perimeter / side,
        "circularity": float(min(4 * np.pi * body.area / perimeter**2, 1.2)),
        "solidity": float(body.solidity),
        "eccentricity": float(body.eccentricity),
        "roughness": float(edge.std() / max(edge.mean(), 1e-6)),
        "light": mean,
        "light_centre": of_centre,
        "light_middle": of_middle,
        "light_edge": of_ring,
        "rim": float(np.quantile(light[near], 0.9)) if near.any() else 1.0,
        "dark_core": float((_excess(light, depth, mask) > 0.15).mean()),
        "core_darkness": 1 - of_centre / max(of_ring, 1e-3),
        "debris_area": float(found.debris.sum() / body.area),
        "debris_count": float(np.log1p(count)),
        "texture": float(detail[deep].std() / mean) if deep.any() else 0.0,
        "coarse_texture": float(coarse[deep].std() / mean) if deep.any() else 0.0,
    }


def _mean(light: np.ndarray, part: np.ndarray) -> float:
    return float(light[part].mean()) if part.any() else 0.0


def _excess(light: np.ndarray, depth: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Absorption beyond that of an even ball, in each pixel of the mask, as a share of the outer part's full one."""
    absorbed = -np.log(np.clip(light[mask], 1e-3, None))
    way = np.sqrt(1 - (1 - depth[mask]) ** 2)  # through a ball, as a share of its diameter
    outer = (depth[mask] > 0.1) & (depth[mask] < 0.35)
    density = float(np.median(absorbed[outer] / way[outer])) if outer.any() else float(absorbed.mean())
    return np.asarray((absorbed - density * way) / max(density, 1e-3))


def _radii(mask: np.ndarray, centroid: tuple[float, float]) -> np.ndarray:
    """Distance of the outermost pixel in each of 72 directions."""
    y, x = np.nonzero(mask)
    dy, dx = y - centroid[0], x - centroid[1]
    sector = ((np.arctan2(dy, dx) + np.pi) / (2 * np.pi) * 72).astype(int) % 72
    radii = np.zeros(72)
    np.maximum.at(radii, sector, np.hypot(dy, dx))
    return radii[radii > 0]
