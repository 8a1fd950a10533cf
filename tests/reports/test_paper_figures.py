"""Figures as files for papers: what a journal asks of them, repeatable, and with names drawn as they are."""

from __future__ import annotations

import dataclasses
import os
import re
import subprocess
import sys
import warnings
from io import BytesIO
from itertools import combinations
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from PIL import Image

from reports.analyses.card import Card
from reports.analyses.figure import Chart, Figure, HeatMap, Point, Series
from reports.analyses.pareto import Pareto
from reports.render import palette, paper
from reports.render.paper.drawing import printed
from reports.render.paper.style import decimals_of, drawable, log_ticks, short
from reports.results import StudyResults

CODE = r"$x_1^2$ & 100 % #{}~\<b>'"
HOSTILE = CODE + "\x1b[31m\N{CJK UNIFIED IDEOGRAPH-6F22}"


def forest(name: str = "plain") -> Chart:
    points = (
        Point(-3.0, 0, x_low=-4.0, x_high=-2.0, text="a"),
        Point(0.5, 1, x_low=-0.5, x_high=1.5, text="b", filled=False),
    )
    return Chart("difference, points", "", (Series("difference", points),), "A caption.", rows=(name, "sew_add"),
                 zero=True, margin=1.0)  # fmt: skip


def front(label: str = "cell") -> Chart:
    on = tuple(Point(10.0**at, 50 + at, 49 + at, 51 + at, 0.5, 10.0 ** (at + 0.1), "t", label=label) for at in range(3))
    off = (Point(20, 40, text="t"),)
    return Chart("energy, nJ", "accuracy, %", (Series(label, on, joined=True), Series("off", off)), "A caption.",
                 x_log=True)  # fmt: skip


def curves() -> Chart:
    series = tuple(
        Series(
            f"cell {at}", tuple(Point(x, x + at, x + at - 1, x + at + 1, text="t") for x in range(1, 40)), True, True
        )
        for at in range(7)
    )
    return Chart("epoch", "accuracy, %", series, "A caption.")


def bars() -> Chart:
    series = Series("share", tuple(Point(share, at, text="t") for at, share in enumerate((70.0, 0.0, 30.0))), bars=True)
    return Chart("share, %", "", (series,), "A caption.", rows=("a", "b", "c"))


def heat(name: str = "plain") -> HeatMap:
    return HeatMap("timesteps", "residual", ("2", name), (name, "b"), ((50.0, 60.0), (None, 70.0)),
                   (("50.0 (5)", "60.0 (5)"), ("-", name)), "accuracy, %", "A caption.")  # fmt: skip


def crowd(count: int) -> Chart:
    """Points so near to each other that their names have no room."""
    points = tuple(Point(100.0 + at, 50 + 0.5 * at, 40, 80, text="t", label=f"cell={at}") for at in range(count))
    return Chart("energy, nJ", "accuracy, %", (Series("s", (*points, Point(1, 1, text="t"))),), "A caption.")


FIGURES: dict[str, Figure] = {
    "forest": forest(), "front": front(), "curves": curves(), "bars": bars(), "heat map": heat(),
    "one point": Chart("x", "y", (Series("s", (Point(1, 1, text="t"),)),), "A caption."),
    "hundreds of rows": Chart("x", "", (Series("s", tuple(Point(at, at, text="t") for at in range(300))),),
                              "A caption.", rows=tuple(f"row {at}" for at in range(300))),
    "crowd": crowd(39),
    "hostile forest": forest(HOSTILE * 5), "hostile front": front(HOSTILE), "hostile heat map": heat(HOSTILE),
}  # fmt: skip


def content(figure: Figure) -> dict[str, bytes]:
    with paper.Press() as press:
        press.take(Card("key", "title", figure=figure))
        return {name.partition(".")[2]: made for name, made in press.files()}


@pytest.mark.parametrize("figure", FIGURES.values(), ids=FIGURES)
def test_every_figure_comes_in_three_formats_that_fit_a_page(figure: Figure) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a missing glyph, a layout that collapsed
        made = content(figure)
    assert made["svg"].startswith(b"<?xml") and made["pdf"].startswith(b"%PDF")
    picture = Image.open(BytesIO(made["png"]))
    assert len(set(picture.convert("L").tobytes())) > 2, "an empty picture"
    width, height = (round(size / 300, 2) for size in picture.size)
    assert width <= 7.0 and height <= 9.0
    assert picture.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_a_paper_can_embed_the_fonts_as_truetype() -> None:
    """Journals refuse Type 3 fonts and fonts that are only named."""
    pdf = content(forest())["pdf"]
    assert b"/Type3" not in pdf
    assert b"/CIDFontType2" in pdf and b"/FontFile2" in pdf


def test_a_pdf_embeds_its_font_once() -> None:
    """Ligatures and minus signs would have a second one, and embedding takes the longest."""
    chart = dataclasses.replace(forest("off"), x_label="difference of firing")
    assert "\N{MINUS SIGN}" in content(chart)["svg"].decode()
    assert content(chart)["pdf"].count(b"/FontFile2 ") == 1


def test_the_text_of_a_vector_figure_is_text() -> None:
    assert "sew_add" in content(forest())["svg"].decode()


def test_names_are_drawn_as_they_are() -> None:
    """A dollar is no mathematics, markup is no markup; what cannot be printed appears as its code."""
    svg = content(forest(CODE))["svg"].decode()
    drawn = "".join(re.findall(r"<text[^>]*>([^<]*)</text>", svg))
    assert r"$x_1^2$ &amp; 100 % #{}~\&lt;b&gt;" in drawn
    assert drawable("a\x1b\N{CJK UNIFIED IDEOGRAPH-6F22}") == r"a\x1bU+6F22"


def texts(figure: Figure) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", content(figure)["svg"].decode())


def test_names_without_room_beside_their_points_stand_below_under_numbers_from_left_to_right() -> None:
    drawn = texts(crowd(8))
    assert [f"{at + 1}: cell={at}" for at in range(8)] == [each for each in drawn if "cell" in each]
    assert {*map(str, range(1, 9))} <= {*drawn}, "each number stands beside its point"
    assert [each for each in texts(front()) if "cell" in each] == ["cell"] * 4  # three points and the legend


@pytest.mark.parametrize("name", ["cifar10_small", "nmnist"])
def test_every_cell_of_a_small_study_is_named_on_the_front_of_a_paper(name: str) -> None:
    results = StudyResults.read(Path(__file__).parents[2] / "docs" / "examples" / name)
    figure = Pareto().compute(results).figure
    assert figure is not None
    drawn = {each.rpartition(": ")[2] for each in texts(figure)}
    assert {str(cell["cell"]) for cell in results.study["cells"]} <= drawn


def test_neither_date_nor_program_is_in_a_figure_but_the_version_in_the_svg() -> None:
    made = content(forest())
    assert b"CreationDate" not in made["pdf"] and b"matplotlib" not in made["pdf"]
    assert b"matplotlib" not in made["png"]
    assert f"matplotlib {matplotlib.__version__}" in made["svg"].decode()
    assert "dc:date" not in made["svg"].decode()


PRINT = (
    "import sys, hashlib; sys.path.insert(0, 'tests/reports'); import test_paper_figures as t; "
    "made = [each for figure in (t.forest(), t.front(), t.heat()) for each in t.content(figure).values()]; "
    "print([hashlib.sha256(each).hexdigest() for each in made])"
)


def test_the_same_figure_gives_the_same_bytes_in_every_process() -> None:
    """Also where strings hash otherwise, and after a user's own style was set."""
    root = Path(__file__).parents[2]
    made = {
        subprocess.run([sys.executable, "-c", code], cwd=root, env={**os.environ, "PYTHONHASHSEED": seed}, check=True,
                       capture_output=True, text=True).stdout
        for seed, code in (("1", PRINT), ("2", "import matplotlib; matplotlib.rcParams['font.size'] = 20; " + PRINT))
    }  # fmt: skip
    assert len(made) == 1


def test_drawing_leaves_the_settings_of_matplotlib_alone() -> None:
    before = dict(matplotlib.rcParams)
    printed(forest(), ("svg",))
    assert dict(matplotlib.rcParams) == before


def test_matplotlib_is_loaded_only_when_a_figure_is_drawn() -> None:
    code = "import sys, reports.guide; list(reports.guide.paper.Press().files()); print('matplotlib' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert answer.stdout.strip() == "False"


def test_the_plotting_state_of_a_user_is_not_touched() -> None:
    """No pyplot: it would choose a window system and keep every figure alive."""
    code = PRINT + "; print('matplotlib.pyplot' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True,
                            check=True)  # fmt: skip
    assert answer.stdout.splitlines()[-1] == "False"


# Machado, Oliveira and Fernandes, A Physiologically-based Model for Simulation of Color Vision Deficiency (2009),
# severity 1, on linear RGB.
SEEN_BY = {
    "everyone": np.eye(3),
    "protanopes": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
    "deuteranopes": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "tritanopes": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602],
                            [0.004733, 0.691367, 0.303900]]),
}  # fmt: skip
TO_XYZ = np.array([[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750],
                   [0.0193339, 0.1191920, 0.9503041]])  # fmt: skip


def linear(colour: str) -> np.ndarray:
    values = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float((TO_XYZ @ linear(colour))[1])


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* under D65."""
    x, y, z = (TO_XYZ @ np.clip(light, 0, 1)) / np.array([0.95047, 1.0, 1.08883])
    f = [value ** (1 / 3) if value > 216 / 24389 else (24389 / 27 * value + 16) / 116 for value in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", SEEN_BY)
def test_series_differ_in_colour_for_all_eyes(eyes: str) -> None:
    """A distance of 15 is some six times what is just noticeable; none is told by colour alone in any case."""
    seen = [lab(SEEN_BY[eyes] @ linear(colour)) for colour in palette.SERIES]
    assert min(float(np.linalg.norm(one - other)) for one, other in combinations(seen, 2)) > 15


def test_series_stand_out_from_white_paper() -> None:
    """WCAG asks 3 to 1 of graphics; the last two colours come only where six or seven series share a figure."""
    contrasts = [1.05 / (luminance(colour) + 0.05) for colour in palette.SERIES]
    assert min(contrasts[:5]) >= 3 and min(contrasts) >= 2.2


def test_series_are_told_apart_without_colour_too() -> None:
    looks = list(zip(palette.MARKERS, palette.DASHES, strict=True))
    assert len({marker for marker, _ in looks}) == len({dashes for _, dashes in looks}) == len(palette.SERIES)


def test_a_heat_map_grows_darker_throughout() -> None:
    shades = [luminance(colour) for colour in palette.SEQUENTIAL]
    assert shades == sorted(shades, reverse=True)


def test_a_tick_is_printed_where_it_is() -> None:
    assert decimals_of([25.0, 27.5, 30.0]) == 1, "27.5 must not be printed as 28"
    assert decimals_of([0, 20, 40]) == 0
    assert decimals_of([0.18, 0.2]) == 2


@pytest.mark.parametrize(
    ("low", "high", "ticks"), [(1, 1000, [1, 10, 100, 1000]), (300, 2100, [500, 1000, 2000]), (2, 30, [3, 10, 30])]
)
def test_a_logarithmic_axis_has_round_ticks(low: float, high: float, ticks: list[float]) -> None:
    assert log_ticks(low, high) == pytest.approx(ticks)


def test_a_long_name_keeps_its_beginning_and_its_end() -> None:
    name = short("residual=" + "x" * 100 + "=end", 30)
    assert len(name) == 30 and name.startswith("residual=") and name.endswith("=end")
    assert short("residual=sew_add") == "residual=sew_add"
