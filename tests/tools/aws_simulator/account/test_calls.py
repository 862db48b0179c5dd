"""Test the functions that most operations share: fingerprints, repeated requests, list pages, tags."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tools.aws_simulator.account.calls import Call, check_project, find_repeated, list_page, new_arn, read_tags
from tools.aws_simulator.account.state import Resource, State
from tools.aws_simulator.protocol.errors import ConflictException, TooManyTagsException, ValidationException

REQUEST = {"jobName": "a", "clientRequestToken": "token"}


def resource(number: int) -> Resource[Any]:
    return Resource("job", f"arn:{number}", "us-east-1", f"job-{number}", float(number), {"status": "Completed"})


def always(_: Resource[Any]) -> bool:
    return True


def names(page: list[Resource[Any]]) -> list[str]:
    return [found.name for found in page]


def test_a_fingerprint_depends_on_everything_but_the_token() -> None:
    fingerprint = Call(REQUEST, "us-east-1").fingerprint
    assert Call({**REQUEST, "clientRequestToken": "other"}, "us-east-1").fingerprint == fingerprint
    assert Call({**REQUEST, "jobName": "b"}, "us-east-1").fingerprint != fingerprint


@pytest.mark.parametrize("name", ["clientRequestToken", "clientToken"])
def test_both_names_of_the_client_token_are_known(name: str) -> None:
    plain, first = Call({"a": 1}, "us-east-1"), Call({"a": 1, name: "t"}, "us-east-1")
    assert (plain.client_token, first.client_token) == (None, "t")
    assert plain.fingerprint == first.fingerprint


def test_a_new_arn_has_the_region_the_account_and_a_unique_id() -> None:
    first, second = (new_arn("us-west-2", "custom-model/x") for _ in range(2))
    assert first.startswith("arn:aws:bedrock:us-west-2:123456789012:custom-model/x/")
    assert len(first.rpartition("/")[2]) == 12
    assert first != second


def test_a_repeated_request_finds_the_resource_that_the_first_request_created(tmp_path: Path) -> None:
    state, call = State(tmp_path / "state.sqlite"), Call(REQUEST, "us-east-1")
    assert find_repeated(state.jobs, call, ConflictException) is None
    body: Any = {"fingerprint": call.fingerprint}
    state.jobs.add(Resource("job", "arn:1", "us-east-1", "a", 1.0, body, "token"))
    found = find_repeated(state.jobs, call, ConflictException)
    assert found is not None
    assert found.arn == "arn:1"
    with pytest.raises(ConflictException, match="token was already used"):
        find_repeated(state.jobs, Call({**REQUEST, "jobName": "b"}, "us-east-1"), ConflictException)
    assert find_repeated(state.jobs, Call({"jobName": "b"}, "us-east-1"), ConflictException) is None
    state.close()


def test_a_list_is_newest_first_and_comes_in_pages() -> None:
    resources = [resource(number) for number in range(1, 6)]
    first, token = list_page(resources, {"maxResults": 2}, always)
    second, next_token = list_page(resources, {"maxResults": 2, "nextToken": token}, always)
    last, no_token = list_page(resources, {"maxResults": 2, "nextToken": next_token}, always)
    assert [names(page) for page in (first, second, last)] == [["job-5", "job-4"], ["job-3", "job-2"], ["job-1"]]
    assert no_token is None


def test_a_page_that_holds_exactly_the_remaining_resources_is_the_last() -> None:
    page, token = list_page([resource(1), resource(2)], {"maxResults": 2}, always)
    assert (names(page), token) == (["job-2", "job-1"], None)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        pytest.param({"sortOrder": "Ascending"}, ["job-1", "job-2", "job-3"], id="order"),
        pytest.param({"nameContains": "b-2"}, ["job-2"], id="name"),
        pytest.param({"creationTimeAfter": 1.0}, ["job-3", "job-2"], id="after"),
        pytest.param({"creationTimeBefore": 3.0}, ["job-2", "job-1"], id="before"),
    ],
)
def test_a_list_is_filtered_by_its_arguments(arguments: dict[str, Any], expected: list[str]) -> None:
    page, _ = list_page([resource(number) for number in (1, 2, 3)], arguments, always)
    assert names(page) == expected


@pytest.mark.parametrize("order", ["Ascending", "Descending"])
def test_a_page_follows_the_last_item_of_the_page_before_even_if_the_item_has_left_the_list(order: str) -> None:
    resources, found = [resource(number) for number in range(1, 6)], []
    arguments: dict[str, Any] = {"maxResults": 2, "sortOrder": order}
    while True:
        page, token = list_page(resources, arguments, always)
        found += names(page)
        resources = [each for each in resources if each not in page]
        if token is None:
            break
        arguments["nextToken"] = token
    assert found == sorted(found, reverse=order == "Descending")
    assert len(found) == 5


@pytest.mark.parametrize("changes", [{"nameContains": "job"}, {"sortOrder": "Ascending"}])
def test_a_page_token_with_other_filters_is_refused(changes: dict[str, Any]) -> None:
    resources = [resource(1), resource(2)]
    _, token = list_page(resources, {"maxResults": 1}, always)
    assert names(list_page(resources, {"maxResults": 5, "nextToken": token}, always)[0]) == ["job-1"]
    with pytest.raises(ValidationException, match="nextToken is invalid"):
        list_page(resources, {"nextToken": token, **changes}, always)


def test_a_page_token_of_another_list_is_refused() -> None:
    _, token = list_page([resource(1), resource(2)], {"maxResults": 1}, always)
    models = [Resource("custom_model", "arn:1", "us-east-1", "model", 1.0, {})]
    with pytest.raises(ValidationException, match="nextToken is invalid"):
        list_page(models, {"nextToken": token}, always)


def test_a_resource_was_not_created_after_or_before_the_time_that_its_answer_shows() -> None:
    created = Resource("job", "arn:1", "us-east-1", "job-1", 1795736698.1234567, {})
    shown = 1795736698.123
    assert list_page([created], {"creationTimeAfter": shown}, always) == ([], None)
    assert list_page([created], {"creationTimeBefore": shown}, always) == ([], None)
    assert list_page([created], {"creationTimeAfter": shown - 0.001}, always) == ([created], None)
    assert list_page([created], {"creationTimeBefore": shown + 0.001}, always) == ([created], None)


@pytest.mark.parametrize(
    "token", ["?", "bm90LWEtam9i", "MQ==", "WyJqb2IgdXMtZWFzdC0xIiwgIjQ0MTM2ZmEzIiwgIngiLCAiYXJuOjEiXQ=="]
)
def test_an_unknown_page_token_is_refused(token: str) -> None:
    with pytest.raises(ValidationException, match="nextToken is invalid"):
        list_page([resource(1)], {"nextToken": token}, always)


def test_a_resource_can_have_at_most_fifty_tags() -> None:
    tags = [{"key": f"k{number}", "value": "v"} for number in range(51)]
    assert len(read_tags(tags[:50])) == 50
    assert read_tags(None) == {}
    with pytest.raises(TooManyTagsException, match="it would have 51"):
        read_tags(tags)


def test_only_the_default_project_exists() -> None:
    arn = "arn:aws:bedrock:us-east-1:123456789012:project"
    for project in ({}, {"projectIdentifier": "default"}, {"projectIdentifier": f"{arn}/default"}):
        check_project(project)
    for name in ("mine", f"{arn}/mine"):
        with pytest.raises(ValidationException, match=f"{name} does not exist"):
            check_project({"projectIdentifier": name})
