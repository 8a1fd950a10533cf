"""The page as a reader meets it: drawn, sorted, zoomed, unfolded, on a phone, on paper, with and without its script."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from synthetic_studies import factorial, one_factor

from reports.guide import write_guide
from reports.results import StudyResults

EXAMPLES = Path(__file__).parents[3] / "docs" / "examples"
HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">&amp;'\""
AXES = {"residual": ["sresnet", "plain", "sew_add"], "timesteps": ["2", "4"]}

Open = Callable[..., Any]


def crossed() -> StudyResults:
    values: dict[tuple[str, ...], list[float | str]] = {
        (residual, steps): [0.6 + 0.02 * at - 0.05 * AXES["residual"].index(residual) for at in range(4)]
        for residual in AXES["residual"]
        for steps in AXES["timesteps"]
    }
    values["plain", "4"] = [0.5, 0.55, "diverged: loss nan", 0.52]
    return factorial(values, AXES, metrics={"energy_nj": 500.0})


def synchronised(results: StudyResults, **tracking: str) -> StudyResults:
    """The study as it is when its runs are in W&B."""
    runs = results.runs.assign(wandb_run=[f"{number:012x}" for number in range(len(results.runs))])
    return dataclasses.replace(results, runs=runs, study={**results.study, "tracking": {"project": "p", **tracking}})


@pytest.fixture(scope="session")
def guides(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The page of each study."""
    folder = tmp_path_factory.mktemp("guides")
    studies = {name: StudyResults.read(EXAMPLES / name) for name in ("nmnist", "cifar10_small")}
    studies["crossed"] = crossed()
    studies["synchronised"] = synchronised(crossed(), url="https://wandb.example", entity="me")
    studies["offline"] = synchronised(crossed())
    for name, results in studies.items():
        write_guide(results, folder / name)
    return {name: folder / name / "guide.html" for name in studies}


def _until(page: Any, condition: str) -> None:
    """Wait for what the page does in its own time; Playwright's own waiting is against the page's policy."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"still not: {condition}")


def _open_all(page: Any) -> None:
    page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", ["nmnist", "cifar10_small", "crossed"])
def test_every_figure_is_drawn_without_a_complaint(
    name: str, scheme: str, guides: dict[str, Path], opened: Open
) -> None:
    page = opened(guides[name], color_scheme=scheme)
    _open_all(page)
    figures = page.locator("svg.figure").all()
    assert len(figures) >= 4
    for figure in figures:
        assert figure.locator(".point").count() > 0, figure.get_attribute("aria-label")
        box = figure.bounding_box()
        assert box["width"] > 200 and box["height"] > 80
        inside = figure.locator(".point").first.bounding_box()
        assert box["x"] <= inside["x"] <= box["x"] + box["width"] and inside["width"] > 2
    assert page.locator("td.plot svg").count() > 0
    paper, ink = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.body).color]"
    )
    assert (sum(map(int, re.findall(r"\d+", paper))) > sum(map(int, re.findall(r"\d+", ink)))) == (scheme == "light")


def test_a_table_is_sorted_by_number_by_click_and_by_key(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    table = page.locator("#effects-residual table").first
    head = table.locator("thead th", has_text="energy nJ")

    def energies() -> list[float]:
        return [
            float(text.replace(",", "")) for text in table.locator("tbody td[data-label='energy nJ']").all_inner_texts()
        ]

    before = energies()
    assert before != sorted(before)
    head.locator("button").click()
    assert energies() == sorted(before) and head.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert energies() == sorted(before, reverse=True) and head.get_attribute("aria-sort") == "descending"
    page.keyboard.press("Enter")
    assert energies() == before and head.get_attribute("aria-sort") is None
    table.locator("thead th", has_text="verdict").locator("button").click()
    assert table.locator("thead th[aria-sort]").count() == 1, "one column at a time"


def test_what_is_missing_is_sorted_last_both_ways(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    table = page.locator("#effects-residual table").first
    button = table.locator("thead th", has_text="p (Holm)").locator("button")
    for _ in range(2):
        button.click()
        assert table.locator("tbody tr").last.locator("th").inner_text() == "sresnet", "the reference has no p value"


def test_a_row_shows_its_runs_by_click_and_by_key(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["synchronised"])
    row = page.locator("#effects-residual tbody tr", has_text="plain").first
    button = row.locator("th button")
    assert button.get_attribute("aria-expanded") == "false"
    row.locator("td").first.click()
    shown = page.locator("#effects-residual tr.behind")
    assert button.get_attribute("aria-expanded") == "true" and shown.locator("tbody tr").count() == 8
    assert "failed: diverged: loss nan" in shown.inner_text() and "52.00" in shown.inner_text()
    links = [each.get_attribute("href") for each in shown.locator("a").all()]
    assert len(links) == 8 and all(re.fullmatch("https://wandb.example/me/p/runs/[0-9a-f]{12}", each) for each in links)
    page.locator("#effects-residual thead th", has_text="level").locator("button").click()
    following = page.locator("#effects-residual table").first.locator("tr[data-runs]:has(+ tr.behind) th").first
    assert following.inner_text() == "plain", "the runs stay with their row"
    button.focus()
    page.keyboard.press("Enter")
    assert shown.count() == 0 and button.get_attribute("aria-expanded") == "false"


def test_runs_that_are_nowhere_online_are_named_without_a_link(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["offline"])
    page.locator("#effects-residual tbody tr", has_text="plain").first.locator("td").first.click()
    shown = page.locator("#effects-residual tr.behind")
    assert shown.locator("a").count() == 0
    assert "ablate sync synthetic" in shown.inner_text() and re.search("[0-9a-f]{12}", shown.inner_text())


def test_zooming_changes_the_view_and_reset_brings_it_back(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    drawing = page.locator("#pareto .drawing")
    figure, reset = drawing.locator("svg.figure"), drawing.get_by_role("button", name="Reset the zoom")
    home = figure.inner_html()

    def again() -> str:
        html: str = figure.inner_html()
        return html

    assert reset.is_disabled()
    drawing.get_by_role("button", name="Zoom in").click()
    (across,) = re.findall(r"scale\(([\d.]+) ", figure.locator(".stretch").get_attribute("transform") or "")
    assert again() != home and float(across) == pytest.approx(1.6)
    reset.click()
    assert again() == home and reset.is_disabled()

    drawing.scroll_into_view_if_needed()
    box = figure.locator(".ground").bounding_box()
    at = [(box["x"] + share * box["width"], box["y"] + share * box["height"]) for share in (0.3, 0.6)]
    page.mouse.move(*at[0])
    page.mouse.down()
    page.mouse.move(*at[1], steps=4)
    page.mouse.up()
    scale = re.search(r"scale\(([\d.]+)", figure.locator(".stretch").get_attribute("transform") or "")
    assert scale and float(scale.group(1)) == pytest.approx(1 / 0.3, rel=0.02), (
        "the part that was dragged over fills it"
    )
    assert figure.locator(".axis-x text").count() >= 2, "the axis is labelled anew"
    page.keyboard.press("0")
    assert again() == home

    figure.focus()
    page.keyboard.press("+")
    zoomed = again()
    page.keyboard.press("Shift+ArrowRight")
    assert again() not in (home, zoomed)
    page.keyboard.press("0")
    assert again().replace(" asked", "") == home.replace(" asked", "")


def test_the_wheel_scrolls_the_page_and_zooms_only_with_ctrl(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    figure = page.locator("#pareto svg.figure")
    figure.scroll_into_view_if_needed()
    page.evaluate("document.documentElement.style.scrollBehavior = 'auto'")
    figure.locator(".ground").hover()
    before = page.evaluate("scrollY")
    page.mouse.wheel(0, 60)
    _until(page, f"scrollY > {before}")
    assert figure.locator(".stretch").get_attribute("transform") is None
    figure.locator(".ground").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -60)
    page.keyboard.up("Control")
    _until(page, "document.querySelector('#pareto .stretch').hasAttribute('transform')")


def test_a_point_says_what_it_is_by_hovering_and_by_keys(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    tip = page.locator(".tooltip")
    assert not tip.is_visible()
    page.locator("#pareto path.point").nth(2).hover()
    assert tip.is_visible() and "seed blocks" in tip.inner_text()
    page.keyboard.press("Escape")
    assert not tip.is_visible()
    page.locator("#pareto .tools button").first.focus()
    for _ in range(2):  # past the buttons that are disabled
        page.keyboard.press("Tab")
        if tip.is_visible():
            break
    first = tip.inner_text()
    page.keyboard.press("ArrowRight")
    assert first and tip.inner_text() not in ("", first)
    page.locator("#effects-residual td.plot svg .point").first.hover()
    assert "points, worse" in tip.inner_text()


def test_a_cell_of_a_heat_map_says_what_it_is(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["crossed"])
    _open_all(page)
    page.locator("svg.heat .cell").first.hover()
    assert "residual=sresnet, timesteps=2" in page.locator(".tooltip").inner_text()


@pytest.mark.parametrize("name", ["nmnist", "crossed", "synchronised"])
def test_a_phone_need_not_scroll_sideways(name: str, guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides[name], viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    _open_all(page)
    page.locator("#effects-residual tr[data-runs] th").nth(1).tap()
    assert page.locator("tr.behind").count() == 1
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate("document.body.scrollWidth") <= 390
    cut = "(each) => each.scrollWidth > each.clientWidth"
    charts = page.locator(".canvas:has(.chart)")
    assert charts.count() > 2 and not any(each.evaluate(cut) for each in charts.all())
    tables = page.locator(".wide:has(table)")
    assert tables.count() > 2 and not any(each.evaluate(cut) for each in tables.all())


def test_no_line_ends_within_a_level_of_confidence(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    label = page.locator("#effects-residual td").first.get_attribute("data-label")
    assert label == "accuracy % (95\N{NO-BREAK SPACE}%\N{NO-BREAK SPACE}CI)"


def test_names_are_bold_and_sentences_are_not(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    weights = [
        page.locator(f"{section} tbody th").first.evaluate("(each) => getComputedStyle(each).fontWeight")
        for section in ("#effects-residual", "#recommendations")
    ]
    assert weights == ["600", "400"]


def test_paper_shows_what_is_folded(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"], java_script_enabled=False)
    folded = page.locator(".folded details:not([open]) > p").all()
    assert len(folded) > 3 and not any(each.is_visible() for each in folded)
    page.emulate_media(media="print")
    assert all(each.is_visible() for each in folded)
    assert not page.locator("nav").is_visible()


def test_printing_unfolds_and_folds_again(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    closed = page.locator("details:not([open])")
    before = closed.count()
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert closed.count() == 0 < before
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert closed.count() == before


def test_without_a_script_everything_is_there(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"], java_script_enabled=False)
    assert page.locator("button").count() == 0, "what would do nothing is not there"
    assert page.locator("#pareto path.point title").count() >= 11, "the browser's own tooltips"
    assert page.locator("#effects-residual td.plot svg").count() == 3
    section = page.locator("#learning-curves")
    assert not section.locator("table").is_visible()
    section.locator("summary").click()
    assert section.locator("table").is_visible() and section.locator("svg.figure").is_visible()


def test_a_link_to_a_folded_section_opens_it(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"], "#power")
    assert page.locator("#power table").is_visible()
    assert not page.locator("#costs table").is_visible()
    page.get_by_role("link", name="What the levels cost").click()
    page.locator("#costs table").wait_for(state="visible")


def test_the_page_can_be_turned_dark_and_light_again(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["crossed"], color_scheme="light")
    paper = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(paper)
    page.get_by_role("button", name="Dark page").click()
    assert page.evaluate(paper) != light
    page.get_by_role("button", name="Light page").click()
    assert page.evaluate(paper) == light


def test_headings_and_sections_are_in_order(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["nmnist"])
    levels = page.evaluate("[...document.querySelectorAll('h1, h2, h3')].map(each => +each.tagName[1])")
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    titles = page.locator("main > section h2").all_inner_texts()
    opens = [title.partition(" (")[0] for title in titles]
    assert opens[:7] == ["What was compared", "residual", "encoding", "normalization", "timesteps", "Recommendations",
                         "Accuracy against energy"]  # fmt: skip
    assert page.locator("main > section:not(.folded)").count() == 7, "everything else is folded below"
    ids = page.evaluate("[...document.querySelectorAll('[id]')].map(each => each.id)")
    assert len(ids) == len(set(ids))
    assert page.locator("table th:not([scope])").count() == 0


def test_what_has_the_focus_is_outlined(guides: dict[str, Path], opened: Open) -> None:
    page = opened(guides["crossed"])
    for _ in range(40):
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline not in ("none", ""), page.evaluate("document.activeElement.outerHTML")


def test_hostile_names_run_nothing_and_link_nowhere(tmp_path: Path, opened: Open) -> None:
    values = {"baseline": {"": [0.9, 0.92, 0.91]}, "residual": {HOSTILE: [0.8, "diverged: " + HOSTILE, 0.81]}}
    study = synchronised(one_factor(values, baseline={"residual": "sresnet"}, metrics={"energy_nj": 1.0}),
                         url="javascript:alert(1)", entity="e")  # fmt: skip
    write_guide(dataclasses.replace(study, study={**study.study, "name": HOSTILE}), tmp_path)
    page = opened(tmp_path / "guide.html")
    _open_all(page)
    for button in page.locator("tbody th button").all():
        button.click()
    assert HOSTILE in page.locator("tr.behind").first.inner_text() or page.locator("tr.behind").count() > 1
    assert "taken" not in page.title().replace(HOSTILE, "")
    assert page.locator("img").count() == 0 and page.locator("script").count() == 2
    assert all(each.get_attribute("href").startswith("#") for each in page.locator("a").all())
