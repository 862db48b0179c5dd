"""Published figures are read, checked, and named by use cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from include.distill.config.catalog import load_catalog
from include.distill.config.loader import load_use_case
from include.distill.config.published import PUBLISHED_FOLDER, load_published, published_names
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import article_use_case, make_use_case
from tools.local_airflow.settings import Layout

ARTICLE = load_published("article")


@pytest.mark.parametrize("name", published_names())
def test_every_published_file_names_models_of_the_catalog_and_a_source_for_each_figure(name: str) -> None:
    results = load_published(name)
    assert results.url.startswith("https://")
    assert results.figures
    for figure in results.figures:
        assert load_catalog().model(figure.judge).key == figure.judge
        assert figure.source


def test_the_articles_arms_and_comparisons_are_those_of_its_use_case() -> None:
    use_case = load_use_case(Layout().use_case_file("article"))
    assert use_case.published == "article"
    assert set(ARTICLE.arms) == {arm.name for arm in use_case.arms}
    compared = {(pair.candidate, pair.baseline) for pair in use_case.pairs}
    assert {(figure.candidate, figure.baseline) for figure in ARTICLE.figures} <= compared
    assert {figure.judge for figure in ARTICLE.figures} == set(use_case.judges)


def test_a_use_case_names_only_files_that_exist() -> None:
    assert article_use_case().published == "article"
    assert make_use_case().published is None
    with pytest.raises(
        UseCaseError,
        match=r"published: .*found 'nobody', but include/published has no such file; expected one of article",
    ):
        make_use_case(published="nobody")


def test_a_use_case_needs_all_arms_that_the_figures_compare_and_may_have_more() -> None:
    arms = [arm.model_dump() for arm in article_use_case().arms]
    assert make_use_case(published="article", arms=[*arms, {"name": "more"}]).published == "article"
    with pytest.raises(UseCaseError) as refused:
        make_use_case(published="article", arms=[arms[0], {"name": "tuned"}, arms[2]])
    message = str(refused.value)
    assert message.startswith("test: published: found 'article', whose figures compare the arms base (the untrained")
    assert "few (500 originals), many (2,000 originals), mixed (500 originals and 1,500 synthetic pairs)" in message
    assert "the use case has no arm few and no arm mixed; expected arms with all these names" in message
    assert message.endswith("Add the arms, or remove the key published")


@pytest.mark.parametrize(
    ("arm", "problem"),
    [
        (
            {"name": "few", "kind": "base", "prompt": "optimized"},
            "arms.1.prompt: found prompt: optimized, but the published figures of the arm few are of 500 originals;"
            " expected kind: fine_tuned without the key prompt. Remove the key prompt and set kind: fine_tuned, or"
            " remove the key published",
        ),
        (
            {"name": "few", "kind": "base"},
            "arms.1.kind: found base, but the published figures of the arm few are of 500 originals; expected"
            " fine_tuned. Set kind: fine_tuned, or give the arm another name, or remove the key published",
        ),
        ({"name": "few", "kind": "distilled", "teacher": "nova-pro"}, "arms.1.kind: found distilled, but"),
        ({"name": "base"}, "arms.0.kind: found fine_tuned, but the published figures of the arm base are of the untr"),
        ({"name": "base", "kind": "champion"}, "arms.0.kind: found champion, but"),
        (
            {"name": "base", "kind": "base", "prompt": "optimized"},
            "arms.0.prompt: found prompt: optimized, but the published figures of the arm base are of the untrained"
            " student; expected kind: base without the key prompt. Remove the key prompt, or",
        ),
    ],
)
def test_the_kinds_of_arms_must_be_those_of_the_published_figures(arm: dict[str, Any], problem: str) -> None:
    arms = [given.model_dump() for given in article_use_case().arms]
    replaced = [arm if given["name"] == arm["name"] else given for given in arms]
    plain = {"name": "plain", "kind": "base"}  # an arm that the figures do not compare may have any kind
    prompted = {"name": "prompted", "kind": "base", "prompt": "optimized"}
    assert make_use_case(published="article", arms=[*arms, plain, prompted])
    with pytest.raises(UseCaseError) as refused:
        make_use_case(published="article", arms=[*replaced, plain])
    assert str(refused.value).startswith(f"test: {problem}")


def article(**changes: Any) -> dict[str, Any]:
    raw = yaml.safe_load((PUBLISHED_FOLDER / "article.yaml").read_text(encoding="utf-8"))
    return {**raw, **changes}


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"wins": 291}, "expected both wins and losses, or neither of them"),
        ({"wins": 200, "losses": 143}, "the preference 0.848 is not 200 wins of 343 decided questions"),
        ({"wins": 0, "losses": 0}, "the preference 0.848 is not 0 wins of 0 decided questions"),
        ({"candidate": "tuned"}, r"the figures name the arms \['tuned'\], which are not listed under arms"),
        ({"preference": 84.8}, "figures.0.preference: found 84.8, expected a number from 0 to 1"),
        ({"colour": "red"}, "figures.0.colour: unknown key; expected one of candidate, "),
    ],
)
def test_figures_that_cannot_be_true_are_refused(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    first = {**article()["figures"][0], **changes}
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(article(figures=[first])))
    with pytest.raises(UseCaseError, match=f"include/published/wrong.yaml is not valid: .*{problem}"):
        load_published("wrong", tmp_path)


def test_only_arms_of_the_experiment_were_fine_tuned(tmp_path: Path) -> None:
    (tmp_path / "wrong.yaml").write_text(yaml.safe_dump(article(fine_tuned=["few", "gone"])))
    with pytest.raises(UseCaseError, match=r"fine_tuned: found the arms \['gone'\], which are not listed under arms"):
        load_published("wrong", tmp_path)


def test_published_counts_are_accepted_if_they_give_the_preference(tmp_path: Path) -> None:
    first = {**article()["figures"][0], "wins": 291, "losses": 52}
    (tmp_path / "counted.yaml").write_text(yaml.safe_dump(article(figures=[first])))
    assert load_published("counted", tmp_path).figures[0].wins == 291


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"title: [open", "cannot be read as YAML in UTF-8: while parsing a flow sequence"),
        (b"title: \xe9t\xe9", "cannot be read as YAML in UTF-8: 'utf-8' codec can't decode byte 0xe9 in position 7"),
        (b"", "is not valid: expected a mapping with the keys title and figures, found an empty file. "),
        (b"# only a comment", "found an empty file. "),
        (b"- title", "expected a mapping with the keys title and figures, found a list. "),
        (b"title: x", "is not valid: url: the key is missing; expected a text; "),
    ],
)
def test_a_file_that_cannot_be_read_is_named_with_the_problem_and_the_next_step(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "broken.yaml").write_bytes(content)
    with pytest.raises(UseCaseError) as refused:
        load_published("broken", tmp_path)
    message = str(refused.value)
    assert message.startswith("include/published/broken.yaml ")
    assert problem in message
    assert message.endswith("Correct the file, or remove the key published from the use-case file.")
