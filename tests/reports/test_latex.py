"""The LaTeX of a guide, compiled: nothing runs off the page, every table stands alone, names are only names."""

from __future__ import annotations

import dataclasses
import re
import subprocess
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path

import pytest
from synthetic_studies import factorial, one_factor

from reports.analyses.card import Card, Table
from reports.analyses.figure import Chart, Point, Series
from reports.guide import cards, write_guide
from reports.render import latex
from reports.render.escaping import latex_breakable, latex_length, unbroken
from reports.render.latex_table import floats, tabulars
from reports.results import StudyResults

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
HOSTILE = r"=cmd|' /C calc'!A0<script>$x_1^2$&%$#_{}~^\"[x](y)*b*`c`\end{document}" + "\x1b[31m漢字"
OVERFULL = 1.0
"""Points by which a line may stick out; a letter is five wide."""


def hostile() -> StudyResults:
    worse = [0.87, 0.90, 0.87, 0.90, 0.89]
    levels = {HOSTILE: worse, HOSTILE.replace(" ", "") * 3: worse, "lost": [f"boom {HOSTILE}"] * 2 + [0.8, 0.81, 0.82]}
    study = one_factor({"baseline": {"": [0.90, 0.92, 0.91, 0.93, 0.92]}, "residual": levels},
                       baseline={"residual": "$sresnet_0"})  # fmt: skip
    energies = [1.0 + at for at in range(len(study.runs))]
    return dataclasses.replace(
        study, study={**study.study, "file": f"residual: {HOSTILE}\n{'y' * 300}"},
        runs=study.runs.assign(energy_nj=energies),
    )  # fmt: skip


def wide() -> StudyResults:
    """Interactions of 14 levels: more columns than a page has room for, more rows in the table of power than one."""
    axes = {
        "residual": [f"level{at}(alpha=0.{at})" for at in range(45)],
        "normalization": [f"n{at}" for at in range(14)],
    }
    values = {levels: [0.5, 0.6 + 0.001 * at] for at, levels in enumerate(product(*axes.values()))}
    return factorial(values, axes)


def compiled(folder: Path, name: str) -> str:
    """The log of pdflatex, which stops at the first mistake."""
    done = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", name], cwd=folder, timeout=120,
                          capture_output=True)  # fmt: skip
    log = (folder / name).with_suffix(".log").read_text(encoding="latin-1")
    assert done.returncode == 0, log[-2000:]
    return log


def too_wide(log: str) -> list[float]:
    return [
        float(size) for size in re.findall(r"Overfull \\hbox \(([\d.]+)pt too wide\)", log) if float(size) > OVERFULL
    ]


STUDIES = {
    **{name: (lambda name=name: StudyResults.read(EXAMPLES / name)) for name in ("cifar10_small", "nmnist")},
    "hostile": hostile, "wide": wide,
}  # fmt: skip


@pytest.fixture(scope="module")
def guides(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a study's guide, written when it is first asked for."""

    @cache
    def written(study: str) -> Path:
        folder = tmp_path_factory.mktemp("guide")
        write_guide(STUDIES[study](), folder)
        return folder

    return written


@pytest.mark.latex
@pytest.mark.parametrize("study", STUDIES)
def test_the_whole_document_compiles_and_stays_on_the_page(study: str, guides: Callable[[str], Path]) -> None:
    log = compiled(guides(study), "guide.tex")
    assert too_wide(log) == []
    assert "Overfull \\vbox" not in log
    assert "Missing character" not in log


ALONE = r"""\documentclass{article}
\usepackage[T1]{fontenc}
\usepackage{textcomp}
\usepackage{booktabs}
\begin{document}
\footnotesize
%s
\end{document}
"""


@pytest.mark.latex
@pytest.mark.parametrize("study", STUDIES)
def test_every_table_compiles_alone_with_booktabs(study: str, guides: Callable[[str], Path]) -> None:
    names = sorted(path.stem for path in (guides(study) / "tables").iterdir())
    assert names
    inputs = "\n\\clearpage\n".join(rf"\input{{tables/{name}}}" for name in names)
    (guides(study) / "paper.tex").write_text(ALONE % inputs)
    compiled(guides(study), "paper.tex")


@pytest.mark.latex
def test_the_lines_of_the_documentation_put_a_table_and_a_figure_into_a_paper(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "guide.md").read_text()
    (lines,) = re.findall(r"```latex\n(.*?)```", guide, re.DOTALL)
    paths = re.findall(r"\{(report/[^}]+)\}", lines)
    write_guide(StudyResults.read(EXAMPLES / "nmnist"), tmp_path / "report")
    paper = "\\documentclass{article}\n\\usepackage[T1]{fontenc}\n"
    (tmp_path / "paper.tex").write_text(paper + lines.replace("% ...\n", "\\begin{document}\n") + "\\end{document}\n")
    assert len(paths) == 2
    log = compiled(tmp_path, "paper.tex")
    assert all(path in log for path in paths)


def table(cells: tuple[str, ...], rows: int = 1, numeric: bool = False) -> Table:
    return Table(tuple(f"h{at}" for at in range(len(cells))), (cells,) * rows, (numeric,) * len(cells))


def test_a_narrow_table_is_one_tabular_with_columns_as_wide_as_they_are() -> None:
    assert tabulars(Table(("level", "p"), (("plain", "0.01"),), (False, True))) == (
        "\\begin{tabular}{@{}lr@{}}\n\\toprule\nlevel & p \\tabularnewline\n\\midrule\nplain & 0.01 \\tabularnewline\n"
        "\\bottomrule\n\\end{tabular}"
    )


def test_text_that_is_too_wide_is_wrapped_and_numbers_never_are() -> None:
    made = tabulars(Table(("a", "b"), (("word " * 60, "1,234"),), (False, True)))
    assert re.search(r"\\begin\{tabular\}\{@\{\}p\{[\d.]+em\}r@\{\}\}", made)


def test_a_table_with_too_many_columns_is_split_and_its_first_column_repeated() -> None:
    made = tabulars(table(("name", *["93.1 (92.6, 93.6)"] * 11), numeric=True))
    assert made.count(r"\begin{tabular}") == 2
    assert made.count("h0 &") == 2 and all(made.count(f"h{at} ") == 1 for at in range(1, 12))


def test_a_long_table_goes_on_over_the_page() -> None:
    long = table(("name", "1"), rows=100)
    assert tabulars(long).count(r"\begin{tabular}") == 3 and tabulars(long).count("name &") == 100
    (made,) = floats(long, "caption")
    assert made.count(r"\begin{longtable}") == 1 and r"\endhead" in made and made.count("caption") == 1
    assert "longtable" not in floats(table(("name", "1"), rows=40), "caption")[0]


@pytest.mark.parametrize("rows", [3, 100])
def test_the_parts_of_a_table_share_its_number(rows: int) -> None:
    first, second = floats(table(("name", *["93.1 (92.6, 93.6)"] * 11), rows, numeric=True), r"\caption{C}\label{l}")
    assert r"\caption{C}\label{l}" in first and "addtocounter" not in first
    assert second.startswith(r"\addtocounter{table}{-1}") and r"\caption{Continued.}" in second


def test_figures_and_tables_have_captions_and_labels_and_the_file_of_a_table_has_them_as_a_comment() -> None:
    chart = Chart("x", "y", (Series("s", (Point(1, 1, text="t"),)),), "Drawn.")
    printed = dataclasses.replace(table(("a_b",)), caption="50 % of\nall.")
    card = Card("odd key", "title", table=printed, figure=chart)
    written, files = latex.render("t", [card]), latex.tables([card])
    assert r"\caption{Drawn.}\label{fig:odd-key}" in written
    caption = r"\caption{50~\% of all.}\label{tab:odd-key}"
    assert caption in written
    assert files["odd key.tex"].startswith(f"% {caption}\n\\begin{{tabular}}")


@pytest.mark.parametrize("study", STUDIES)
def test_every_table_of_a_guide_has_a_caption(study: str) -> None:
    found = [card.table for card in cards(STUDIES[study]()) if card.table]
    assert found and all(each.caption.endswith(".") for each in found)


def test_a_header_is_broken_into_lines_of_about_the_same_length() -> None:
    made = tabulars(Table(("level", "accuracy % (95 % CI)"), (("plain", "93.1 (92.6, 93.6)"),), (False, True)))
    assert r" & accuracy \% \tabularnewline" + "\n" + r"level & (95~\%~CI) \tabularnewline" in made


def test_long_words_may_break_behind_punctuation() -> None:
    assert latex_breakable("short words stay", 5) == "short words stay"
    assert latex_breakable("residual=sew_add", 5) == r"residual=\allowbreak{}sew\_\allowbreak{}add"
    assert latex_length("漢a") == 7


def test_a_hyphen_before_a_number_is_a_minus_sign_and_in_a_name_a_hyphen() -> None:
    minus = r"\ensuremath{-}"
    assert latex.latex("-1.5 (-2.0, -1.0)") == f"{minus}1.5 ({minus}2.0, {minus}1.0)"
    assert latex.latex("nmnist-v1 2026-11-27 1e-5 - --steps") == ("nmnist{-}v1 2026{-}11{-}27 1e{-}5 {-} {-}{-}steps")


def test_no_line_ends_between_a_number_and_its_per_cent() -> None:
    assert unbroken("a 95 % CI, accuracy % (5 %)") == "a 95\xa0%\xa0CI, accuracy % (5\xa0%)"
    assert latex_breakable("a 95 % CI") == r"a 95~\%~CI"


@pytest.mark.latex
@pytest.mark.parametrize(("lines", "page"), [(20, 1), (50, 2)])
def test_a_table_without_room_goes_to_the_next_page_and_what_follows_fills_this_one(
    lines: int, page: int, tmp_path: Path
) -> None:
    listing = (("listing", "\n".join(["x" * 60] * lines)),)
    heading = Card("b", "Heading", ("said",), table=table(("cell",), rows=15), notes=("noted",))
    written = latex.render("t", [Card("a", "Before", code=listing), heading])
    for word in ("said", "h0", "noted"):  # written to the log when a page is complete
        written = written.replace(word, rf"\write-1{{{word} is on page \thepage}}{word}")
    (tmp_path / "guide.tex").write_text(written)
    found = dict(re.findall(r"(\w+) is on page (\d)", compiled(tmp_path, "guide.tex")))
    assert found == {"said": "1", "h0": str(page), "noted": "1"}


def test_short_lines_of_a_long_listing_stand_in_two_columns() -> None:
    def written(lines: int, length: int) -> str:
        return latex.render("t", [Card("k", "title", code=(("Study file", "\n".join(["x" * length] * lines)),))])

    assert r"\begin{multicols}{2}[Study file:]" in written(lines=21, length=46)
    assert r"\begin{multicols}" not in written(lines=20, length=46) + written(lines=21, length=47)


def test_a_figure_is_included_with_its_caption_only_where_there_is_one() -> None:
    plain = latex.render("t", [Card("k", "title", ("said",))])
    assert "includegraphics" not in plain
    write = latex.render("t", [Card("k", "title", status="failed", reason="why_not")])
    assert r"why\_not" in write and "includegraphics" not in write
