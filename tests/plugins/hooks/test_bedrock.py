"""The hook's verbs that only a clean-up needs, at the edges that fakes do not show: pages, batches, refusals."""

from __future__ import annotations

from typing import Any

import pytest

from bedrock_distill.hooks import s3 as s3_hook
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.cleanup.expiry import PROJECT_TAG
from include.distill.core.errors import ConflictError, ContractError, NotFoundError, OutcomeError, TransientError
from tests.fakes.fake_bedrock import CREATED


class Scripted(BedrockDistillHook):
    """A hook whose calls are answered from a list, and noted."""

    def __init__(self, *answers: Any) -> None:
        super().__init__()
        self.answers = list(answers)
        self.calls: list[dict[str, Any]] = []

    def call(self, service: str, method: str, what: str = "", **parameters: Any) -> Any:
        self.calls.append({"method": method, **parameters})
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def model(name: str) -> dict[str, Any]:
    return {"modelName": name, "modelArn": f"arn:{name}", "creationTime": CREATED}


def test_models_are_listed_page_after_page() -> None:
    hook = Scripted({"modelSummaries": [model("a")], "nextToken": "t"}, {"modelSummaries": [model("b")]})
    assert [found.name for found in hook.list_custom_models()] == ["a", "b"]
    assert [call.get("nextToken") for call in hook.calls] == [None, "t"]


def test_a_page_that_fails_is_an_error_and_no_short_list() -> None:
    hook = Scripted({"provisionedModelSummaries": [], "nextToken": "t"}, TransientError("500"))
    with pytest.raises(TransientError):
        hook.list_throughputs()


@pytest.mark.parametrize(
    ("answer", "gone"),
    [
        pytest.param({}, True, id="deleted"),
        pytest.param(NotFoundError("no such model"), True, id="absent"),
        pytest.param(ConflictError("in use"), False, id="in use"),
    ],
)
def test_a_deleted_model_is_gone_unless_something_uses_it(answer: Any, gone: bool) -> None:
    assert Scripted(answer).delete_custom_model("arn:m") is gone


def test_many_objects_go_in_batches_that_s3_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3_hook, "DELETE_BATCH_SIZE", 2)
    hook = Scripted({}, {})
    S3ObjectStore(hook).delete_all(["s3://b/1", "s3://b/2", "s3://b/3/4"])
    assert [[key["Key"] for key in call["Delete"]["Objects"]] for call in hook.calls] == [["1", "2"], ["3/4"]]


def test_nothing_to_delete_asks_nothing() -> None:
    S3ObjectStore(Scripted()).delete_all([])


def test_an_object_that_s3_keeps_is_an_error_though_the_call_succeeded() -> None:
    hook = Scripted({"Errors": [{"Key": "1", "Code": "AccessDenied", "Message": "no"}]})
    with pytest.raises(OutcomeError, match="kept 1 of 2 objects, first s3://b/1: AccessDenied no"):
        S3ObjectStore(hook).delete_all(["s3://b/1", "s3://b/2"])


@pytest.mark.parametrize(
    ("answer", "tags"),
    [
        pytest.param({"TagSet": [{"Key": "project", "Value": PROJECT_TAG}]}, {"project": PROJECT_TAG}, id="tagged"),
        pytest.param(ContractError("NoSuchTagSet: none"), {}, id="untagged"),
        pytest.param(NotFoundError("NoSuchBucket"), None, id="absent"),
    ],
)
def test_a_buckets_tags_tell_untagged_from_absent(answer: Any, tags: Any) -> None:
    assert S3ObjectStore(Scripted(answer)).bucket_tags("b") == tags


def test_another_refusal_of_a_buckets_tags_is_an_error() -> None:
    with pytest.raises(ContractError):
        S3ObjectStore(Scripted(ContractError("Teapot"))).bucket_tags("b")


def test_a_bucket_that_once_kept_versions_says_so() -> None:
    store = S3ObjectStore(Scripted({"Status": "Suspended"}, {}))
    assert (store.has_versions("b"), store.has_versions("b")) == (True, False)
