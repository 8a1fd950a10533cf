"""C code is compiled once for a machine; what is wrong with a compiler is said in words."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from lightning_modules.kernels import library

SOURCE = "int twice(int x) { return FACTOR * x; }"
needs_compiler = pytest.mark.skipif(library.problem() is not None, reason="nothing can be compiled here")


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty cache, and no memory of the compiler."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library.problem.cache_clear()
    yield tmp_path / "ablate" / "kernels"
    library.problem.cache_clear()


@needs_compiler
def test_code_is_compiled_once_for_its_macros(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.compiled(SOURCE, {"FACTOR": 2}).twice(4) == 8
    assert library.compiled(SOURCE, {"FACTOR": 3}).twice(4) == 12
    made = sorted(cache.iterdir())
    assert len(made) == 2
    monkeypatch.setattr(library, "_compile", None)  # a call would fail
    assert library.compiled(SOURCE, {"FACTOR": 2}).twice(4) == 8
    assert sorted(cache.iterdir()) == made


@needs_compiler
def test_what_the_compiler_refuses_is_in_its_own_words(cache: Path) -> None:
    with pytest.raises(library.CompilationError, match="error"):
        library.compiled("int broken(", {})
    assert not list(cache.iterdir())


@needs_compiler
def test_a_compiler_without_threads_makes_code_for_one(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "int threads(void) {\n#ifdef _OPENMP\nreturn 1;\n#else\nreturn 0;\n#endif\n}"
    known = cache.parent / "cc"
    known.parent.mkdir(parents=True)
    known.write_text(f'#!/bin/sh\ncase "$*" in *-fopenmp\\ *) exit 1;; esac\nexec {library.compiler()} "$@"\n')
    known.chmod(0o755)
    monkeypatch.setenv("CC", str(known))
    assert library.problem() is None
    assert library.compiled(source, {}).threads() == 0


def test_a_missing_compiler_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler -O1")
    assert library.problem() == "no C compiler (no-such-compiler -O1)"


@pytest.mark.skipif(shutil.which("false") is None, reason="no command that fails")
def test_a_compiler_that_does_not_work_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "false")
    assert library.problem() == "the C compiler (false) does not work: false ended with 1"


@needs_compiler
def test_a_cache_that_cannot_be_written_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ablate").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    library.problem.cache_clear()
    try:
        assert "does not work" in str(library.problem())
    finally:
        library.problem.cache_clear()
