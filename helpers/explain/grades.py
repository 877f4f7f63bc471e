"""Grades for maps, where the truth is known."""

import numpy as np


def pointing_game(maps, masks) -> np.ndarray:
    """Return for each map (N, H, W) whether its highest value is inside the mask (N, H, W): a bool array (N,).

    A map with the same value everywhere points nowhere: False. Zhang and others, "Top-down neural attention by
    excitation backprop", 2016. Raises ValueError if the shapes differ.
    """
    maps, masks = _pairs(maps, masks)
    flat = maps.reshape(len(maps), -1)
    return (flat.max(axis=1) > flat.min(axis=1)) & masks.reshape(len(maps), -1)[
        np.arange(len(maps)), flat.argmax(axis=1)
    ]


def overlap(maps, masks) -> np.ndarray:
    """Return how well the hottest pixels of each map, as many as the mask has, agree with the mask: (N,), 0 to 1.

    It is the number of pixels in both, divided by the number in either (intersection over union). Of pixels with the
    same heat, those further up count as hotter. Raises ValueError if the shapes differ.
    """
    maps, masks = _pairs(maps, masks)
    result = np.zeros(len(maps))
    for index, (heat, mask) in enumerate(zip(maps, masks, strict=True)):
        hottest = np.zeros(mask.size, bool)
        hottest[np.argsort(-heat.ravel(), kind="stable")[: mask.sum()]] = True
        result[index] = (hottest & mask.ravel()).sum() / max((hottest | mask.ravel()).sum(), 1)
    return result


def _pairs(maps, masks):
    maps, masks = np.asarray(maps, float), np.asarray(masks, bool)
    if maps.ndim != 3 or maps.shape != masks.shape:
        raise ValueError(f"Need a mask for each map, both (N, H, W), but got {maps.shape} and {masks.shape}.")
    return maps, masks
