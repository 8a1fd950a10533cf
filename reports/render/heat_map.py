"""A heat map as SVG: each cell says its value in text; the colour repeats it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from reports.analyses.figure import HeatMap
from reports.render.scale import label
from reports.render.svg import CHARACTER, picture, shortened, tag

_WIDEST, _NARROWEST, _ROW, _TEXT = 132.0, 46.0, 38.0, 13.0
_ROOM, _NAME = 680.0, 26
_STEPS = 24

_LOW, _MIDDLE, _HIGH = (178, 88, 10), (247, 247, 245), (20, 94, 148)
"""Brown to blue through white: told apart with every kind of colour vision."""


@dataclass(frozen=True)
class _Shades:
    """Colours of values: around zero where they lie on both sides of it, else from the least to the greatest."""

    low: float
    high: float
    around_zero: bool

    def of(self, value: float) -> tuple[int, int, int]:
        """Red, green and blue."""
        if self.around_zero:
            share = value / max(-self.low, self.high)
            return _mixed(_MIDDLE, _HIGH if share > 0 else _LOW, abs(share))
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.5
        return _mixed(_MIDDLE, _HIGH, 0.05 + 0.95 * share)

    @property
    def ends(self) -> tuple[float, float]:
        reach = max(-self.low, self.high)
        return (-reach, reach) if self.around_zero else (self.low, self.high)


def draw(heat: HeatMap, title: str) -> str:
    """The heat map as an `<svg>` element."""
    known = [value for row in heat.values for value in row if value is not None]
    low, high = min(known, default=0.0), max(known, default=1.0)
    shades = _Shades(low, high, around_zero=low < 0 < high)
    left = 22 + CHARACTER * min(_NAME, max(len(name) for name in (heat.y_label, *heat.rows)))
    width = min(_WIDEST, max(_NARROWEST, (_ROOM - left - 8) / len(heat.columns)))
    slanted = any(len(shortened(name, _NAME)) * CHARACTER > width - 6 for name in heat.columns)
    top = 34 + (CHARACTER * 0.6 * min(_NAME, max(len(name) for name in heat.columns)) if slanted else 18)
    bottom = top + _ROW * len(heat.rows)
    whole = max(_ROOM, left + width * len(heat.columns) + (60 if slanted else 8))
    parts = [
        tag("text", heat.x_label, class_="label", x=left + width * len(heat.columns) / 2, y=14, text_anchor="middle"),
        tag("text", shortened(heat.y_label, _NAME), class_="label", x=left - 10, y=top - 8, text_anchor="end"),
        *_column_names(heat, left, top, width, slanted=slanted),
        *_rows(heat, shades, left, top, width),
        *_key(heat, shades, left, bottom + 18),
    ]
    return picture("heat", whole, bottom + 62, title, heat, parts)


def _column_names(heat: HeatMap, left: float, top: float, width: float, *, slanted: bool) -> Iterator[str]:
    for at, name in enumerate(heat.columns):
        x, y = left + width * (at + 0.5), top - 8
        turn = f"rotate(-35 {x:.2f} {y:.2f})" if slanted else None
        anchor = "start" if slanted else "middle"
        yield tag("text", shortened(name, _NAME), class_="name", x=x, y=y, text_anchor=anchor, transform=turn)


def _rows(heat: HeatMap, shades: _Shades, left: float, top: float, width: float) -> Iterator[str]:
    for down, name in enumerate(heat.rows):
        y = top + _ROW * down
        yield tag("text", shortened(name, _NAME), class_="name", x=left - 10, y=y + _ROW / 2 + 4, text_anchor="end")
        for across, column in enumerate(heat.columns):
            value, text = heat.values[down][across], heat.texts[down][across]
            told = f"{heat.y_label}={name}, {heat.x_label}={column}: {text or 'none'}"
            yield _cell(value, text, told, shades, (left + width * across, y, width))


def _cell(value: float | None, text: str, told: str, shades: _Shades, place: tuple[float, float, float]) -> str:
    x, y, width = place
    colour = shades.of(value) if value is not None else None
    size = min(_TEXT, _TEXT * (width - 8) / (CHARACTER * max(1, len(text))))
    return tag("g", [
        tag("title", told),
        tag("rect", x=x + 1, y=y + 1, width=width - 2, height=_ROW - 2, rx=2, class_=None if colour else "none",
            fill=_written(colour) if colour else None),
        tag("text", text, x=x + width / 2, y=y + _ROW / 2 + size * 0.36, text_anchor="middle", font_size=size,
            class_=None if colour else "none", fill=_ink(colour) if colour else None),
    ], class_="point cell")  # fmt: skip


def _key(heat: HeatMap, shades: _Shades, left: float, top: float) -> list[str]:
    """Which colour is which value."""
    low, high = shades.ends
    width = 9.0
    steps = [low + (high - low) * (at + 0.5) / _STEPS for at in range(_STEPS)]
    bars = [tag("rect", x=left + width * at, y=top, width=width + 0.3, height=10, fill=_written(shades.of(value)))
            for at, value in enumerate(steps)]  # fmt: skip
    step = (high - low) / 50 or abs(low) / 50 or 0.01
    ends = [
        tag("text", label(low, step), class_="tick", x=left, y=top + 24),
        tag("text", label(high, step), class_="tick", x=left + width * _STEPS, y=top + 24, text_anchor="end"),
    ]
    name = tag("text", heat.value_label, class_="tick", x=left + width * _STEPS + 12, y=top + 9)
    return [*bars, *ends, name]


def _mixed(start: tuple[int, int, int], end: tuple[int, int, int], share: float) -> tuple[int, int, int]:
    red, green, blue = (round(a + (b - a) * min(1.0, share)) for a, b in zip(start, end, strict=True))
    return red, green, blue


def _written(colour: tuple[int, int, int]) -> str:
    return "#" + "".join(f"{part:02x}" for part in colour)


def _ink(colour: tuple[int, int, int]) -> str:
    """Black or white, whichever stands out more (relative luminance of WCAG 2)."""
    return "#ffffff" if luminance(colour) < 0.179 else "#000000"


def luminance(colour: tuple[int, int, int]) -> float:
    """Relative luminance, 0 for black to 1 for white."""
    parts = [part / 255 for part in colour]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
