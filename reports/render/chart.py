"""A chart as SVG. Marks keep their size when a reader zooms: what stretches and what only moves are apart."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from reports.analyses.figure import Chart, Point, Series
from reports.render import marks
from reports.render.labels import Box, Label, Line, find_places
from reports.render.scale import Scale
from reports.render.svg import CHARACTER, number, picture, shortened, tag

WIDTH, HEIGHT, ROW = 520.0, 300.0, 30.0  # as wide as its text can still be read on a phone
_RIGHT, _BOTTOM = 14.0, 46.0
_NAME = 36
_CROWDED = 80
_MARK, _GAP, _LETTERS = 5.0, 9.0, 14.0  # radius of a mark, distance of a name from its point, height of a name


@dataclass(frozen=True)
class _Frame:
    """Where the plotting area lies in the picture, and the scales within it."""

    left: float
    top: float
    x: Scale
    y: Scale

    @property
    def width(self) -> float:
        return self.x.length

    @property
    def height(self) -> float:
        return self.y.length


def draw(chart: Chart, title: str) -> str:
    """The chart as an `<svg>` element."""
    frame = _frame(chart)
    area = tag(
        "svg",
        [tag("rect", class_="ground", width=frame.width, height=frame.height), *_contents(chart, frame)],
        class_="area", x=frame.left, y=frame.top, width=frame.width, height=frame.height,
    )  # fmt: skip
    scales = {f"data_{name}": _described(scale) for name, scale in (("x", frame.x), ("y", frame.y))}
    if chart.rows:
        del scales["data_y"]  # rows are not zoomed
    height = frame.top + frame.height + _BOTTOM
    return picture("chart", WIDTH, height, title, chart, [*_axes(chart, frame), area], **scales)


def _described(scale: Scale) -> str:
    """What the page's script needs to label a part of the scale."""
    return f"{scale.low!r} {scale.high!r}{' log' if scale.log else ''}"


def _points(chart: Chart) -> Iterator[Point]:
    return (point for point in chart.points if math.isfinite(point.x + point.y))


def _frame(chart: Chart) -> _Frame:
    xs = [value for each in _points(chart) for value in (each.x, each.x_low, each.x_high) if value is not None]
    xs += [0.0] if chart.zero or chart.barred else []
    xs += [-chart.margin, chart.margin] if chart.margin is not None else []
    if chart.rows:
        left = 16 + CHARACTER * min(_NAME, max(len(name) for name in chart.rows))
        top, height = 10.0, ROW * len(chart.rows)
        y = Scale(-0.5, len(chart.rows) - 0.5, height)
    else:
        ys = [value for each in _points(chart) for value in (each.y, each.low, each.high) if value is not None]
        top, height = 30.0, HEIGHT
        y = Scale.over(ys, height, down=True)
        left = 16 + CHARACTER * max((len(text) for _, text in y.ticks()), default=1)
    return _Frame(left, top, Scale.over(xs, WIDTH - left - _RIGHT, log=chart.x_log), y)


def _axes(chart: Chart, frame: _Frame) -> list[str]:
    below = frame.top + frame.height
    across = [
        tag("g", [
            tag("line", class_="grid", x1=at, x2=at, y1=frame.top, y2=below),
            tag("text", text, class_="tick", x=at, y=below + 17, text_anchor="middle"),
        ])
        for at, text in ((frame.left + place, text) for place, text in frame.x.ticks(at=chart.x_ticks))
    ]  # fmt: skip
    up = [tag("g", each) for each in (_row_names(chart, frame) if chart.rows else _ticks_up(frame))]
    names = [tag("text", chart.x_title, class_="label", x=frame.left + frame.width / 2, y=below + 37,
                 text_anchor="middle")]  # fmt: skip
    names += [] if chart.rows else [tag("text", chart.y_label, class_="label", x=2, y=15)]
    base = tag("line", class_="base", x1=frame.left, x2=frame.left + frame.width, y1=below, y2=below)
    return [tag("g", across, class_="axis-x"), tag("g", up, class_="axis-y"), base, *names]


def _ticks_up(frame: _Frame) -> Iterator[list[str]]:
    for place, text in frame.y.ticks():
        at = frame.top + place
        yield [tag("line", class_="grid", x1=frame.left, x2=frame.left + frame.width, y1=at, y2=at),
               tag("text", text, class_="tick", x=frame.left - 8, y=at + 4, text_anchor="end")]  # fmt: skip


def _row_names(chart: Chart, frame: _Frame) -> Iterator[list[str]]:
    for at, name in enumerate(chart.rows):
        y = frame.top + frame.y(at)
        text = tag("text", shortened(name, _NAME), class_="name", x=frame.left - 10, y=y + 4, text_anchor="end")
        yield [tag("line", class_="grid", x1=frame.left, x2=frame.left + frame.width, y1=y, y2=y), text]


def _contents(chart: Chart, frame: _Frame) -> list[str]:
    crowded = sum(len(series.points) for series in chart.series) > _CROWDED
    stretched, series = [_reference(chart, frame)], []
    for at, each in enumerate(chart.series):
        offset = _offset(chart, at)
        drawn = [(point, frame.x(point.x), frame.y(point.y + offset)) for point in each.points
                 if math.isfinite(point.x + point.y)]  # fmt: skip
        stretched.append(tag("g", _lines(each, drawn, frame, at, offset), class_=marks.colour(at), data_series=at))
        shown = [_mark(point, x, y, at, bare=each.bars) for point, x, y in drawn]
        classes = f"series {marks.colour(at)}{' small' if crowded else ''}"
        series.append(tag("g", shown, class_=classes, data_series=at))
    return [tag("g", stretched, class_="stretch"), *series, *_labels(chart, frame)]


def _offset(chart: Chart, at: int) -> float:
    """Several series on one row lie beside each other, but what is marked on a bar lies on it."""
    count = len(chart.series)
    return (at - (count - 1) / 2) * min(0.22, 0.7 / count) if chart.rows and count > 1 and not chart.barred else 0.0


def _reference(chart: Chart, frame: _Frame) -> str:
    parts = []
    if chart.margin is not None and not frame.x.log:
        start, end = frame.x(-chart.margin), frame.x(chart.margin)
        parts.append(tag("rect", class_="margin", x=start, y=-1, width=end - start, height=frame.height + 2))
    if chart.zero and not frame.x.log:
        zero = frame.x(0.0)
        parts.append(tag("path", class_="zero", d=f"M{number(zero)} 0V{number(frame.height)}"))
    return tag("g", parts)


def _lines(series: Series, drawn: list[tuple[Point, float, float]], frame: _Frame, at: int, offset: float) -> list[str]:
    """Band, line, bars and intervals of a series."""
    parts = []
    if series.bars:
        from_zero = "".join(f"M{number(frame.x(0.0))} {number(y)}H{number(x)}" for _, x, y in drawn)
        parts.append(tag("path", class_="bar", d=from_zero))
    ends = [(x, frame.y(point.low), frame.y(point.high)) for point, x, _ in drawn
            if series.band and point.low is not None and point.high is not None]  # fmt: skip
    if len(ends) > 1:
        outline = [(x, high) for x, _, high in ends] + [(x, low) for x, low, _ in reversed(ends)]
        parts.append(tag("path", class_="band", d=_path(outline) + "Z"))
    if line := series.line():
        path = _path([(frame.x(x), frame.y(y + offset)) for x, y in line])
        kind = "line stepped" if series.stepped else "line"
        parts.append(tag("path", class_=kind, d=path, stroke_dasharray=marks.dash(at)))
    bars = "".join(_bars(point, x, y, frame, offset, upright=not series.band) for point, x, y in drawn)
    return [*parts, tag("path", class_="interval", d=bars)] if bars else parts


def _bars(point: Point, x: float, y: float, frame: _Frame, offset: float, *, upright: bool) -> str:
    path = ""
    if upright and point.low is not None and point.high is not None:
        low, high = frame.y(point.low + offset), frame.y(point.high + offset)
        path += f"M{number(x)} {number(low)}V{number(high)}"
    if point.x_low is not None and point.x_high is not None:
        path += f"M{number(frame.x(point.x_low))} {number(y)}H{number(frame.x(point.x_high))}"
    return path


def _path(places: list[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in places)


def _mark(point: Point, x: float, y: float, at: int, *, bare: bool) -> str:
    """A point; the end of a bar is only there to be asked."""
    kind = "point bare" if bare else "point" if point.filled else "point hollow"
    return tag(
        "path", [tag("title", point.text)] if point.text else [], class_=kind,
        d=marks.shape(at), transform=f"translate({number(x)} {number(y)})",
    )  # fmt: skip


def _labels(chart: Chart, frame: _Frame) -> list[str]:
    """The names of points, where there is room for them; each point has its name in its text anyway."""
    points = [(point, frame.x(point.x), frame.y(point.y)) for point in _points(chart)]
    named = [(shortened(point.label, _NAME), x, y) for point, x, y in points if point.label]
    labels = [Label(x, y, len(text) * (CHARACTER - 0.6), _LETTERS) for text, x, y in named]
    whole = Box(0, 0, frame.width, frame.height)
    found = find_places(labels, [(x, y) for _, x, y in points], _obstacles(chart, frame), whole, _MARK, _GAP)
    parts = []
    for (text, x, y), placed in zip(named, found, strict=True):
        if placed is None:
            continue
        box = placed.box
        beside = (("start", box.left) if box.left > x else ("end", box.right) if box.right < x
                  else ("middle", (box.left + box.right) / 2))  # fmt: skip
        drawn = [tag("text", text, x=beside[1] - x, y=box.bottom - 4 - y, text_anchor=beside[0])]
        if placed.leader:
            (from_x, from_y), (to_x, to_y) = placed.leader
            drawn.insert(0, tag("line", class_="leader", x1=from_x - x, y1=from_y - y, x2=to_x - x, y2=to_y - y))
        parts.append(tag("g", drawn, class_="tag", transform=f"translate({number(x)} {number(y)})"))
    return parts


def _obstacles(chart: Chart, frame: _Frame) -> list[Line]:
    """Intervals and joining lines: no name lies on them."""
    lines: list[Line] = []
    for series in chart.series:
        drawn = [(point, frame.x(point.x), frame.y(point.y)) for point in series.points
                 if math.isfinite(point.x + point.y)]  # fmt: skip
        for point, x, y in drawn:
            if point.low is not None and point.high is not None:
                lines.append(((x, frame.y(point.low)), (x, frame.y(point.high))))
            if point.x_low is not None and point.x_high is not None:
                lines.append(((frame.x(point.x_low), y), (frame.x(point.x_high), y)))
        lines += pairwise((frame.x(x), frame.y(y)) for x, y in series.line())
    return lines
