"""Every link, anchor and path in the documentation points at something that exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from include.distill.core.paths import PROJECT_ROOT

AT_THE_TOP = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")
WITH_PAGES = ("docs", "deploy")
PAGES = [
    *(PROJECT_ROOT / name for name in AT_THE_TOP),
    *(page for folder in WITH_PAGES for page in sorted((PROJECT_ROOT / folder).rglob("*.md"))),
]
FOLDERS = "include|plugins|tools|tests|dags|container|docs|deploy"
# Signs of a pattern or of a file that the reader makes.
PLACEHOLDERS = re.compile(r"[<*{…$]|\bmy_|hr_questions|in_batches")

by_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(PROJECT_ROOT).as_posix())


def prose(page: Path) -> Iterator[str]:
    """Yield the lines of a page that are not in a code block."""
    in_code = False
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("```"):
            in_code = not in_code
        elif not in_code:
            yield line


def anchor(heading: str) -> str:
    """Return the anchor that GitHub makes of a heading."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading.strip().lower())
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")


def anchors(page: Path) -> set[str]:
    return {anchor(line.lstrip("#")) for line in prose(page) if line.startswith("#")}


def test_there_are_pages_with_links() -> None:
    """Guard this file: an empty list of pages would pass every other test."""
    assert len(PAGES) > 30
    assert anchors(PROJECT_ROOT / "docs" / "README.md") >= {"documentation", "by-reader"}


@by_page
def test_every_link_has_a_target(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", "\n".join(prose(page))):
        if link.startswith("http"):
            continue
        path, _, fragment = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (fragment and fragment not in anchors(target)):
            broken.append(link)
    assert broken == []


@by_page
def test_every_path_that_is_named_exists(page: Path) -> None:
    named = set(re.findall(rf"`((?:{FOLDERS})/[^`\s]*)`", page.read_text(encoding="utf-8")))
    paths = {path for path in named if not PLACEHOLDERS.search(path)}
    assert sorted(path for path in paths if not (PROJECT_ROOT / path.partition(":")[0].rstrip("/")).exists()) == []
