"""Check that every release says first what is bought again, and that the version has a section."""

from __future__ import annotations

import re

from include.distill.core.paths import PROJECT_ROOT
from include.distill.core.version import VERSION

TEXT = (PROJECT_ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
SECTIONS = re.findall(r"^## \[(.+?)\](.*)\n((?:(?!^## ).*\n?)*)", TEXT, re.MULTILINE)


def test_the_first_section_is_about_the_version_of_the_pipeline() -> None:
    name, rest, _ = SECTIONS[0]
    assert name == VERSION or (name, rest.strip()) == ("Unreleased", f"({VERSION})")


def test_every_release_begins_with_what_is_bought_again_and_what_to_do_before_the_upgrade() -> None:
    for name, _, body in SECTIONS[:-1]:  # the last section is the state before the first release
        assert re.findall(r"^### (.+)$", body, re.MULTILINE)[:2] == ["Bought again", "Before you upgrade"], name
    assert SECTIONS[-1][0] == "0.1.0"
