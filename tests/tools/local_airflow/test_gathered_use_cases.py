"""The local Airflow loads the use cases of the checkout and those of the past, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import load_use_cases
from tests.fakes.variables import VARIABLES
from tools.local_airflow.gathered_use_cases import gather_use_cases
from tools.local_airflow.settings import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(use_cases=tmp_path / "own", past_use_cases=tmp_path / "past", state=tmp_path / "state")
    for folder, names in ((layout.use_cases, ("docs", "both")), (layout.past_use_cases, ("article", "both"))):
        folder.mkdir()
        for name in names:
            (folder / f"{name}.yaml").write_text(f"{name} in {folder.name}")
    return layout


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_file_of_the_checkout_takes_precedence_over_one_of_the_past(layout: Layout) -> None:
    folder = gather_use_cases(layout)
    assert texts(folder) == {
        "article.yaml": "article in past",
        "both.yaml": "both in own",
        "docs.yaml": "docs in own",
    }


def test_changed_new_and_deleted_files_are_followed(layout: Layout) -> None:
    folder = gather_use_cases(layout)
    (layout.use_cases / "docs.yaml").write_text("changed")
    assert texts(folder)["docs.yaml"] == "changed", "the links need not be made again"
    (layout.use_cases / "new.yml").write_text("a name that the loader reports")
    (layout.use_cases / "both.yaml").unlink()
    (layout.past_use_cases / "article.yaml").unlink()
    (folder / "copy.yaml").write_text("not a link")
    (folder / "docs.yaml").unlink()
    (folder / "docs.yaml").symlink_to("/nowhere/docs.yaml")
    gather_use_cases(layout)
    assert texts(folder) == {
        "both.yaml": "both in past",
        "docs.yaml": "changed",
        "new.yml": "a name that the loader reports",
    }


def test_the_use_cases_of_the_past_are_valid_and_could_not_run_today() -> None:
    loaded = load_use_cases(Layout().past_use_cases, VARIABLES)
    assert loaded.problems == ()
    assert loaded.valid
    for use_case in loaded.valid:
        assert any(load_catalog().model(model).lifecycle == "retired" for model in use_case.models), use_case.name
