"""Keep bookish words, at which a reader stumbles, out of code and documentation."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT

BOOKISH = re.compile(
    r"\b(mends?|mended|anew|beside|parted|reckon(s|ed|ing)?|manieth|lies (in|at|under)|stand-in|thereof|whereof)\b",
    re.IGNORECASE,
)
SUFFIXES = {".py", ".md", ".j2", ".yaml", ".toml", ".css"}
FOLDERS = ("dags", "plugins", "include", "tools", "container", "tests", "docs")
# Texts by other authors, and the files that contain the words on purpose.
EXEMPT = ("include/data/", "tests/data/", "tests/test_language.py", "CHANGELOG.md")


def texts() -> list[Path]:
    files = [path for folder in FOLDERS for path in (PROJECT_ROOT / folder).rglob("*") if path.suffix in SUFFIXES]
    files += [
        path for path in PROJECT_ROOT.iterdir() if path.suffix in SUFFIXES or path.name in ("Makefile", "Dockerfile")
    ]
    return sorted(path for path in files if not path.relative_to(PROJECT_ROOT).as_posix().startswith(EXEMPT))


@pytest.mark.parametrize("text", ["Mend the prompt.", "It stands beside the bill.", "where the cause lies in the data"])
def test_bookish_words_are_found(text: str) -> None:
    assert BOOKISH.search(text)


@pytest.mark.parametrize("text", ["amendments", "besides", "It relies in part on it."])
def test_other_words_are_not(text: str) -> None:
    assert not BOOKISH.search(text)


def test_the_list_of_texts_is_not_empty() -> None:
    """Guard this file: an empty list would pass every other test."""
    assert {"README.md", "distill.py", "report.html.j2"} <= {path.name for path in texts()}


def test_no_text_contains_a_bookish_word() -> None:
    found = [
        f"{path.relative_to(PROJECT_ROOT).as_posix()} line {number}: {line.strip()}"
        for path in texts()
        if BOOKISH.search(text := path.read_text(encoding="utf-8"))
        for number, line in enumerate(text.splitlines(), 1)
        if BOOKISH.search(line)
    ]
    assert not found, "\n".join(found)
