from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from bedrock_distill.lifecycle.rollback_place import RollbackPlace
from include.distill.config.use_case import UseCase
from include.distill.core.errors import InputError, RefusedError
from include.distill.core.naming import run_key
from include.distill.core.storage import write_json
from tests.fakes.memory_store import MemoryStore
from tests.fakes.rollback_run import CHAMPION, CHOICE, ENDPOINT, ROOT, champion, write_use_case


@pytest.fixture
def place(store: MemoryStore, context: Any, use_case: UseCase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(RollbackPlace, "use_cases", tmp_path)
    write_use_case(tmp_path, use_case, serve="on_demand")
    context["params"] = {"use_case": "aws_docs_qa", "to": "previous"}
    place = RollbackPlace()
    place.log = logging.getLogger(__name__)
    place.__dict__["store"] = store
    return place


def test_the_use_case_of_the_form_says_where_everything_is(place: Any, context: Any) -> None:
    place.pre_execute(context)
    assert (place.root, place.change_key) == (ROOT, run_key("d", "r"))
    assert (place.aws_conn_id, place.region_name) == ("aws_default", "us-east-1")
    assert (place.champion_uri, place.choice_uri) == (CHAMPION, CHOICE)
    assert place.site.root == ROOT
    assert place.smoke_usage_uri(3) is None
    assert (place.champion(), place.choice()) == (None, None)


def test_a_rollback_uses_the_connection_for_promotions(
    place: Any, context: Any, use_case: UseCase, tmp_path: Path
) -> None:
    promoting = use_case.aws.model_copy(update={"promotion_conn_id": "aws_promotion"})
    write_use_case(tmp_path, use_case.model_copy(update={"aws": promoting}), serve="on_demand")
    place.open_place(context)
    assert place.aws_conn_id == "aws_promotion"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("payroll", "is unknown. The use cases are: aws_docs_qa"),
        ("../aws_docs_qa", "is unknown"),
        ("broken", "is not valid: broken.yaml: "),
    ],
)
def test_the_form_must_name_a_valid_use_case(place: Any, context: Any, tmp_path: Path, name: str, problem: str) -> None:
    (tmp_path / "broken.yaml").write_text("name: broken\nteachr: x\n")
    context["params"]["use_case"] = name
    with pytest.raises(InputError) as caught:
        place.open_place(context)
    assert problem in caught.value.happened
    assert caught.value.left == "The champion and its endpoint are unchanged."


def test_records_of_another_environment_are_not_touched(place: Any, context: Any, store: MemoryStore) -> None:
    write_json(store, f"{ROOT}/environment.json", {"environment": "other"})
    with pytest.raises(RefusedError, match="belongs to environment other"):
        place.open_place(context)


@pytest.mark.parametrize(
    ("serve", "recorded", "kind"),
    [
        ("none", None, None),
        ("on_demand", None, "on_demand"),
        ("provisioned", None, "provisioned"),
        ("none", ENDPOINT, "on_demand"),  # the endpoint exists, so applications may call it
        ("provisioned", ENDPOINT, "on_demand"),
    ],
)
def test_the_recorded_endpoint_comes_before_the_setting(
    place: Any, context: Any, use_case: UseCase, tmp_path: Path, serve: str, recorded: Any, kind: str | None
) -> None:
    write_use_case(tmp_path, use_case, serve=serve)
    place.open_place(context)
    assert place.endpoint_kind(champion("new", endpoint=recorded)) == kind
