"""The animals of the critters, as polygons: tables, and the few shapes that they are made of."""

import math
from typing import NamedTuple

import numpy as np

ANIMALS = ("cat", "dog", "rabbit", "bear", "pig", "mouse", "frog", "elephant", "owl", "fox")
PARTS = ("head", "ears", "eyes", "snout", "whiskers")
"""Parts in the order in which masks name them; ``snout`` is nose, muzzle, beak, trunk and mouth."""


class Shape(NamedTuple):
    """A colored polygon that belongs to a part of an animal."""

    part: str
    color: str  # a key of the palette of an animal
    points: np.ndarray  # (n, 2)
    depth: float  # how far in front of the head: such shapes move when the head turns


CIRCLE = np.stack([np.cos(np.arange(28) * math.tau / 28), np.sin(np.arange(28) * math.tau / 28)], axis=1)


def oval(part, color, x, y, wide, high, tilt=0.0, depth=0.0) -> Shape:
    """Return an ellipse with half axes ``wide`` and ``high``, turned by ``tilt`` degrees."""
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    points = CIRCLE * [wide, high] @ np.array([[cos, sin], [-sin, cos]]) + [x, y]
    return Shape(part, color, points, depth)


def shape(part, color, *points, depth=0.0) -> Shape:
    """Return a polygon."""
    return Shape(part, color, np.array(points, float), depth)


def line(part, color, start, end, width=0.07, depth=0.0) -> Shape:
    """Return a thin bar from ``start`` to ``end``."""
    (x0, y0), (x1, y1) = start, end
    length = math.hypot(x1 - x0, y1 - y0)
    dx, dy = (y1 - y0) / length * width / 2, (x0 - x1) / length * width / 2
    return shape(
        part, color, (x0 + dx, y0 + dy), (x1 + dx, y1 + dy), (x1 - dx, y1 - dy), (x0 - dx, y0 - dy), depth=depth
    )


def arc(part, color, x, y, wide, high, start, end, width=0.07, depth=0.0) -> Shape:
    """Return a bent bar: the piece of an ellipse from ``start`` to ``end`` degrees (0 is right, 90 is down)."""
    angles = np.radians(np.linspace(start, end, 12))
    outer, inner = (
        np.stack([x + (wide + sign * width / 2) * np.cos(angles), y + (high + sign * width / 2) * np.sin(angles)], 1)
        for sign in (1, -1)
    )
    return Shape(part, color, np.concatenate([outer, inner[::-1]]), depth)


def both(make, part, color, x, *rest, **options) -> list[Shape]:
    """Return a shape on the right and its mirror image on the left."""
    right = make(part, color, x, *rest, **options)
    return [right._replace(points=right.points * [-1, 1]), right]


def eyes(x=0.38, y=-0.15, size=0.2, pupil=0.11, slit=False) -> list[Shape]:
    """Return two eyes: white with a dark pupil, which is upright and narrow for a ``slit``."""
    return [
        *both(oval, "eyes", "white", x, y, size, size, depth=0.12),
        *both(oval, "eyes", "black", x, y, pupil * (0.5 if slit else 1), pupil * (1.5 if slit else 1), depth=0.16),
    ]


def whiskers(x=0.3, y=0.38, length=0.75) -> list[Shape]:
    """Return three whiskers on each side."""
    ends = [(x + length, y + rise) for rise in (-0.18, 0.02, 0.22)]
    bars = [line("whiskers", "black", (x, y + 0.04 * place), end, 0.045, 0.14) for place, end in enumerate(ends)]
    return [bar._replace(points=bar.points * [sign, 1]) for sign in (-1, 1) for bar in bars]


def ears(*points, inner=0.55, inner_color="inner", color="fur") -> list[Shape]:
    """Return two pointed ears, and a smaller inner part drawn toward the middle of their base."""
    outside = np.array(points, float)
    base = (outside[0] + outside[-1]) / 2
    inside = base + (outside - base) * inner
    pairs = [(color, outside), (inner_color, inside)][: 2 if inner else 1]
    return [Shape("ears", name, some * [sign, 1], -0.1) for sign in (-1, 1) for name, some in pairs]


def nose(x=0.0, y=0.28, size=0.13) -> Shape:
    """Return a small nose, a triangle that points down."""
    return shape("snout", "nose", (x - size, y - 0.6 * size), (x + size, y - 0.6 * size), (x, y + size), depth=0.22)


def smile(y=0.42, wide=0.2) -> list[Shape]:
    """Return the two bent lines below a nose."""
    return [arc("snout", "black", sign * wide, y, wide, 0.16, 0, 180, 0.06, 0.2) for sign in (-1, 1)]


HEAD = oval("head", "fur", 0, 0, 1, 0.95)

DRAWINGS: dict[str, list[Shape]] = {
    "cat": [
        *ears((0.12, -0.8), (0.85, -1.55), (0.95, -0.3)),
        HEAD,
        *eyes(slit=True, pupil=0.14),
        *smile(),
        nose(),
        *whiskers(),
    ],
    "dog": [
        HEAD,
        *both(oval, "ears", "dark", 1.0, 0.05, 0.33, 0.85, -12, depth=0.02),
        oval("snout", "light", 0, 0.42, 0.52, 0.42, depth=0.16),
        shape("snout", "tongue", (-0.16, 0.7), (0.16, 0.7), (0.14, 1.12), (0, 1.22), (-0.14, 1.12), depth=0.16),
        *eyes(y=-0.22, size=0.17),
        oval("snout", "black", 0, 0.22, 0.23, 0.17, depth=0.26),
    ],
    "rabbit": [
        *both(oval, "ears", "fur", 0.42, -1.45, 0.26, 0.85, 8, depth=-0.1),
        *both(oval, "ears", "inner", 0.42, -1.45, 0.13, 0.62, 8, depth=-0.08),
        HEAD,
        *eyes(),
        *both(oval, "snout", "light", 0.2, 0.42, 0.26, 0.2, depth=0.16),
        shape("snout", "white", (-0.16, 0.52), (0.16, 0.52), (0.16, 0.86), (-0.16, 0.86), depth=0.2),
        line("snout", "black", (0, 0.52), (0, 0.86), 0.05, 0.2),
        nose(size=0.12),
        *whiskers(),
    ],
    "bear": [
        *both(oval, "ears", "fur", 0.72, -0.78, 0.36, 0.36, depth=-0.1),
        *both(oval, "ears", "dark", 0.72, -0.78, 0.2, 0.2, depth=-0.08),
        HEAD,
        *eyes(size=0.12, pupil=0.1),
        oval("snout", "light", 0, 0.4, 0.48, 0.4, depth=0.18),
        oval("snout", "black", 0, 0.22, 0.21, 0.15, depth=0.28),
        line("snout", "black", (0, 0.3), (0, 0.58), 0.06, 0.24),
        arc("snout", "black", 0, 0.52, 0.22, 0.14, 10, 170, 0.06, 0.22),
    ],
    "pig": [
        HEAD,
        *ears((0.3, -0.86), (1.18, -1.0), (0.95, -0.25), inner=0.0, color="dark"),
        *eyes(y=-0.2, size=0.15),
        oval("snout", "inner", 0, 0.35, 0.46, 0.34, depth=0.22),
        *both(oval, "snout", "black", 0.17, 0.35, 0.09, 0.15, depth=0.24),
        arc("snout", "black", 0, 0.66, 0.3, 0.12, 20, 160, 0.06, 0.14),
    ],
    "mouse": [
        *both(oval, "ears", "fur", 0.95, -0.75, 0.66, 0.66, depth=-0.1),
        *both(oval, "ears", "inner", 0.95, -0.75, 0.44, 0.44, depth=-0.08),
        shape("head", "fur", *(CIRCLE * [0.92, 0.9] * np.where(CIRCLE[:, 1:] > 0, [[0.86, 1.18]], 1))),
        *eyes(x=0.34, y=-0.08, size=0.16, pupil=0.12),
        oval("snout", "nose", 0, 0.72, 0.17, 0.14, depth=0.2),
        *whiskers(x=0.2, y=0.66, length=0.7),
    ],
    "frog": [
        *both(oval, "head", "fur", 0.58, -0.72, 0.42, 0.42),
        oval("head", "fur", 0, 0.12, 1.15, 0.8),
        *eyes(x=0.58, y=-0.76, size=0.29, pupil=0.17),
        oval("snout", "light", 0, 0.5, 0.8, 0.36, depth=0.02),
        arc("snout", "black", 0, -0.05, 0.88, 0.56, 15, 165, 0.09, 0.04),
        *both(oval, "snout", "black", 0.12, 0.1, 0.05, 0.05, depth=0.1),
    ],
    "elephant": [
        *both(oval, "ears", "fur", 1.22, -0.1, 0.72, 0.92, 6, depth=-0.1),
        *both(oval, "ears", "dark", 1.24, -0.08, 0.5, 0.68, 6, depth=-0.08),
        oval("head", "fur", 0, -0.05, 0.88, 0.9),
        *eyes(x=0.4, y=-0.25, size=0.15, pupil=0.1),
        *both(shape, "snout", "white", (0.22, 0.5), (0.44, 0.42), (0.62, 1.0), depth=0.06),
        shape(
            "snout", "dark",
            (-0.26, 0.1), (0.26, 0.1), (0.24, 0.8), (0.3, 1.35), (0.1, 1.65), (-0.16, 1.5), (-0.22, 0.8), depth=0.16,
        ),
        *(line("snout", "fur", (-0.2, y), (0.22, y), 0.05, 0.16) for y in (0.6, 0.85, 1.1)),
    ],
    "owl": [
        *ears((0.25, -0.75), (0.95, -1.25), (0.95, -0.3), inner=0.0, color="dark"),
        oval("head", "fur", 0, 0.1, 1.0, 1.08),
        *both(oval, "head", "light", 0.43, -0.12, 0.5, 0.52, depth=0.04),
        *eyes(x=0.42, y=-0.12, size=0.34, pupil=0.2),
        shape("snout", "beak", (-0.18, 0.14), (0.18, 0.14), (0, 0.62), depth=0.24),
        arc("head", "dark", 0, 0.78, 0.17, 0.14, 0, 180, 0.06, 0.02),
        *both(arc, "head", "dark", 0.36, 0.72, 0.17, 0.14, 0, 180, 0.06, 0.02),
    ],
    "fox": [
        *ears((0.08, -0.62), (0.9, -1.6), (1.08, -0.2), color="dark", inner_color="light", inner=0.6),
        shape(
            "head", "fur",
            (-0.75, -0.7), (0, -0.86), (0.75, -0.7), (1.25, 0.2), (0.5, 0.72), (0, 1.15), (-0.5, 0.72), (-1.25, 0.2),
        ),
        *both(shape, "head", "light", (0.1, 0.3), (0.62, 0.02), (1.25, 0.2), (0.5, 0.72), (0.04, 1.1), depth=0.02),
        *eyes(x=0.4, y=-0.12, size=0.16, slit=True, pupil=0.12),
        oval("snout", "black", 0, 1.02, 0.19, 0.16, depth=0.16),
    ],
}  # fmt: skip
