"""The parts that the page is put together from: scales, names beside points, numbers to sort by, runs, colours."""

from __future__ import annotations

import json
import math
import re
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import reports.render
from reports.analyses.card import Table
from reports.analyses.figure import Chart, HeatMap, Point, Series
from reports.render import marks
from reports.render.headings import anchors, heading
from reports.render.heat_map import luminance
from reports.render.labels import Box, Label, Line, Placed, Spot, find_places
from reports.render.run_data import RunData
from reports.render.scale import Scale, label
from reports.render.sorting import printed_number, sort_value
from reports.render.svg import describe, draw
from reports.run_list import ListedRun, RunList, is_web

STYLE = (Path(reports.render.__file__).parent / "templates" / "guide.css").read_text()
PAIRS = dict(re.findall(r"--(\w+): light-dark\((#\w{6}, #\w{6})\)", STYLE))


def texts(scale: Scale, wanted: int = 6) -> list[str]:
    return [text for _, text in scale.ticks(wanted)]


def test_ticks_are_round_numbers_with_the_decimals_they_need() -> None:
    assert texts(Scale(-0.9, 10.2, 100)) == ["0", "2", "4", "6", "8", "10"]
    assert texts(Scale(0.11, 0.26, 100), 4) == ["0.15", "0.20", "0.25"]
    assert texts(Scale(-12000, 3000, 100), 4) == ["\N{MINUS SIGN}10,000", "\N{MINUS SIGN}5,000", "0"]


def test_ticks_of_a_logarithmic_scale_are_1_2_and_5_times_powers_of_ten_or_these_alone() -> None:
    assert texts(Scale.over([1, 100], 100, log=True)) == ["1", "2", "5", "10", "20", "50", "100"]
    assert texts(Scale.over([1e-3, 1e9], 100, log=True, pad=0)) == ["0.001", "0.1", "10", "1,000", "100,000",
                                                                    "10,000,000", "1,000,000,000"]  # fmt: skip
    assert texts(Scale.over([400, 1900], 100, log=True, pad=0)) == ["500", "1,000", "1,500"]


def test_ticks_that_a_figure_asks_for_are_taken() -> None:
    assert [text for _, text in Scale.over([2, 8], 10, log=True).ticks(at=(2.0, 4.0, 8.0))] == ["2", "4", "8"]


def test_a_scale_maps_its_ends_to_its_ends() -> None:
    assert (Scale(2, 4, 100)(2), Scale(2, 4, 100)(3)) == (0, 50)
    assert (Scale(2, 4, 100, down=True)(2), Scale(2, 4, 100, down=True)(4)) == (100, 0)
    assert Scale.over([1, 100], 100, log=True, pad=0)(10) == pytest.approx(50)


def test_a_logarithmic_scale_with_nothing_positive_is_linear() -> None:
    assert not Scale.over([0.0, 5.0], 100, log=True).log


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e6))
def test_every_scale_has_two_to_twenty_labels_in_order(low: float, size: float) -> None:
    scale = Scale(low, low + size, 100)
    if scale.high - scale.low < 1e-9 * abs(low):
        return  # beyond the precision of numbers
    places = [place for place, _ in scale.ticks()]
    assert 2 <= len(places) <= 20
    assert all(one < other for one, other in pairwise(places)) and places[0] >= -1 and places[-1] <= 101


def test_labels_have_no_negative_zero() -> None:
    assert label(-0.0001, 0.1) == "0.0" and label(-0.2, 0.1) == "\N{MINUS SIGN}0.2"


WHOLE = Box(0, 0, 200, 100)


def room(labels: list[Label], points: list[Spot], lines: list[Line] | None = None) -> list[Placed | None]:
    return find_places(labels, points, lines or [], WHOLE, mark=5, gap=9)


def test_a_name_stands_beside_its_point_inside_the_picture_or_nowhere() -> None:
    (found,) = room([Label(100, 50, 40, 14)], [(100, 50)])
    assert found == Placed(Box(109, 43, 149, 57))
    (found,) = room([Label(190, 50, 40, 14)], [(190, 50)])
    assert found == Placed(Box(141, 43, 181, 57)), "no room to the right"
    assert room([Label(100, 50, 300, 14)], [(100, 50)]) == [None], "wider than the picture"


def test_a_name_lies_on_no_interval_and_no_mark() -> None:
    cross = [((100.0, 20.0), (100.0, 80.0)), ((85.0, 50.0), (115.0, 50.0))]
    (found,) = room([Label(100, 50, 40, 14)], [(100, 50), (125, 40)], cross)
    assert found and not any(found.box.crossed(line) for line in cross)
    assert not found.box.meets(Box(120, 35, 130, 45))


def test_a_name_that_would_be_as_near_to_another_point_gets_a_slanting_line_to_its_own() -> None:
    points = [(100.0, 50.0), (118.0, 50.0), (82.0, 50.0), (100.0, 32.0), (100.0, 68.0)]
    (found,) = room([Label(*points[0], 30, 10)], points)
    assert found and found.leader
    start, end = found.leader
    assert math.dist(start, points[0]) == pytest.approx(5), "it begins at the rim of the mark"
    assert end == found.box.nearest(*points[0])
    assert not any(Box(x - 5, y - 5, x + 5, y + 5).crossed(found.leader) for x, y in points[1:])
    assert min(abs(end[0] - start[0]), abs(end[1] - start[1])) > 0, "neither upright nor level, like an interval"


def test_a_name_does_not_stand_at_the_end_of_the_interval_of_another_point() -> None:
    """The name of the right point has room to the left and none elsewhere, right above the bar of the left point."""
    bar = ((160.0, 35.0), (160.0, 80.0))
    (found,) = room([Label(190, 25, 40, 10)], [(190, 25), (160, 60)], [bar])
    assert found is None or found.leader or not found.box.wider(9).crossed(bar)


def test_no_two_names_lie_on_each_other() -> None:
    points = [(90.0, 50.0), (110.0, 50.0), (100.0, 40.0), (100.0, 60.0)]
    found = [each.box for each in room([Label(*point, 40, 10) for point in points], points) if each]
    assert len(found) == 4
    assert not any(one.meets(other) for one, other in combinations(found, 2))


@pytest.mark.parametrize(
    ("line", "crossed"),
    [(((0, 0), (10, 10)), True), (((0, 0), (3, 3)), False), (((0, 6), (10, 6)), True), (((0, 4), (10, 4)), False),
     (((5, 5), (5.5, 5.5)), True), (((0, 9), (3, 6)), False)],
)  # fmt: skip
def test_a_line_crosses_a_box_where_a_part_of_it_lies_inside(line: Line, crossed: bool) -> None:
    assert Box(4, 4, 8, 8).crossed(line) is crossed


@pytest.mark.parametrize(
    ("text", "number"),
    [("91.6 (90.2, 93.0)", 91.6), ("-9.4 (-12.3, -6.4)", -9.4), ("14,606", 14606.0), ("+0.3", 0.3), ("<0.001", 0.0005),
     ("5 (4 to 9)", 5.0), ("3 of 5", 3.0)],
)  # fmt: skip
def test_a_printed_cell_is_sorted_by_its_first_number(text: str, number: float) -> None:
    assert float(printed_number(text) or "nan") == number


def test_what_is_no_number_is_sorted_by_none() -> None:
    assert printed_number("-") is None and printed_number("reference") is None


def test_unrounded_numbers_come_before_printed_ones_and_missing_ones_stay_missing() -> None:
    table = Table(("a", "b"), (("x", "0.1"), ("y", "-")), (False, True), values=((None, 0.149), (None, None)))
    assert (sort_value(table, 0, 1), sort_value(table, 1, 1), sort_value(table, 0, 0)) == ("0.149", None, None)


def test_titles_and_anchors() -> None:
    assert heading("residual (around x (y); 5)") == ("residual", "around x (y); 5")
    assert heading("no brackets (at) all") == ("no brackets (at) all", "")
    assert anchors(["a", "effects-x y", "effects-x-y", "\"><b>", "runs"]) == [
        "a", "effects-x-y", "effects-x-y-2", "b", "runs-2",
    ]  # fmt: skip


def test_the_list_of_runs_is_compact_and_cannot_end_its_element() -> None:
    runs = [ListedRun(f"c-{seed}", "</script><b>", seed, "complete", 0.5, "w") for seed in range(6)]
    data = RunData(RunList((*runs, ListedRun("d-0", "d", 0, "missing", None)), "https://w/e/p/runs/"))
    assert "<" not in data.json()
    content = json.loads(data.json())
    assert content["cells"] == ["</script><b>", "d"] and content["outcomes"] == ["complete", "missing"]
    assert content["runs"][5:] == [["c-5", 0, 5, 0, 0.5, "w"], ["d-0", 1, 0, 1, None, ""]]
    assert data.numbers(["d-0", "c-1", "c-0", "c-2", "nowhere"]) == "0-2 6" and data.numbers([]) == ""


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "https://", "http://[", "//x", "https://x y", "file:///x", ""]
)
def test_only_addresses_of_the_web_become_links(url: str) -> None:
    assert not is_web(url)


def test_web_addresses_may_have_a_port_and_a_path() -> None:
    assert is_web("http://127.0.0.1:8080") and is_web("https://wandb.example/hosted")


def chart(**changes: object) -> Chart:
    points = tuple(Point(x, x * x, x * x - 1, x * x + 1, text=f"point {x}") for x in (1.0, 2.0, 4.0))
    series = (Series("<one>", points, joined=True, band=True), Series("two", points[:2]))
    return Chart(**{"x_label": "x & y", "y_label": "y", "series": series, "caption": "", **changes})  # type: ignore[arg-type]


def test_a_chart_has_a_mark_for_every_point_and_says_what_it_is() -> None:
    drawn = str(draw(chart(), "Title <b>"))
    assert drawn.count('class="point"') == 5 and drawn.count("<title>point") == 5
    assert (
        drawn.count('class="band"') == 1 and drawn.count('class="line"') == 1 and drawn.count('class="interval"') == 1
    )
    assert 'aria-label="Title &lt;b&gt;"' in drawn and "x &amp; y" in drawn and "<b>" not in drawn
    assert "5 points in 2 series: <one>, two" in describe(chart())


def test_rows_are_named_and_points_of_several_series_lie_beside_each_other() -> None:
    series = tuple(Series(name, (Point(1.0, 0.0, text=name),)) for name in "ab")
    drawn = str(draw(chart(series=series, rows=("first",), zero=True, margin=0.5), "t"))
    assert ">first</text>" in drawn and 'class="zero"' in drawn and 'class="margin"' in drawn
    places = re.findall(r"translate\(([\d.]+) ([\d.]+)\)", drawn)
    assert len({y for _, y in places}) == 2 and len({x for x, _ in places}) == 1


def test_a_line_in_steps_is_told_from_the_intervals_that_it_lies_on() -> None:
    points = tuple(Point(x, x, x - 1, x + 1, text="point") for x in (1.0, 2.0))
    assert 'class="line stepped"' in draw(chart(series=(Series("", points, joined=True, stepped=True),)), "t")
    assert "stepped" not in draw(chart(series=(Series("", points, joined=True),)), "t")


def test_a_mark_lies_on_the_bar_of_its_row() -> None:
    bars = Series("levels", (Point(4, 0, text="levels"), Point(2, 1, text="levels")), bars=True)
    marks = Series("by chance", (Point(1, 0, text="chance"), Point(3, 1, text="chance")))
    drawn = str(draw(Chart("share", "", (bars, marks), "", rows=("one", "two")), "t"))
    at = re.findall(r"translate\([\d.]+ ([\d.]+)\)", drawn)
    assert len(at) == 4 and at[:2] == at[2:]


def test_a_chart_of_one_point_and_one_without_any_can_be_drawn() -> None:
    assert "<svg" in draw(chart(series=(Series("", (Point(3.0, 3.0),)),)), "t")
    assert "<svg" in draw(chart(series=()), "t")


def test_the_text_in_a_heat_map_stands_out_from_every_colour() -> None:
    values = tuple((low, None, high) for low, high in ((-5.0, 1.0), (-0.5, 5.0), (0.0, 2.5)))
    texts_ = tuple(tuple("-" if each is None else f"{each}" for each in row) for row in values)
    heat = HeatMap("x", "y", ("a", "b", "c"), ("d", "e", "f"), values, texts_, "points", "")
    drawn = str(draw(heat, "t"))
    cells = re.findall(r'rx="2" fill="(#\w{6})"/><text [^>]*fill="(#\w{6})"', drawn)
    assert len(cells) == 6 and min(contrast(*cell) for cell in cells) >= 4.5


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2."""
    found = (luminance((int(each[1:3], 16), int(each[3:5], 16), int(each[5:7], 16))) for each in (one, other))
    low, high = sorted(found)
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_text_stands_out_from_the_paper_as_wcag_aa_asks(scheme: int) -> None:
    colours = {name: pair.split(", ")[scheme] for name, pair in PAIRS.items()}
    for name in ("ink", "soft", "mark", "better", "worse"):
        for ground in ("paper", "shade"):
            assert contrast(colours[name], colours[ground]) >= 4.5, (name, ground)


@pytest.mark.parametrize("scheme", [0, 1], ids=["light", "dark"])
def test_marks_stand_out_from_the_paper_as_wcag_asks_of_graphics(scheme: int) -> None:
    colours = {name: pair.split(", ")[scheme] for name, pair in PAIRS.items()}
    series = [name for name in colours if re.fullmatch(r"c\d", name)]
    assert len(series) == marks.COLOURS
    assert min(contrast(colours[name], colours["paper"]) for name in series) >= 3


def test_no_two_of_many_series_share_colour_and_shape() -> None:
    looks = [(marks.colour(at), marks.shape(at)) for at in range(marks.COLOURS * len(marks.SHAPES))]
    assert len(set(looks)) == len(looks)
    assert len({marks.shape(at) for at in range(7)}) == 7, "told apart without colour"
