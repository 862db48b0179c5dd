"""Every key of a use case gets wrong values, and every message is in words of this project, under the right key."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from include.distill.config.expected_values import members, unwrapped
from include.distill.config.parsing import parse_use_case
from include.distill.config.use_case import UseCase
from include.distill.core.errors import UseCaseError
from tests.distill.conftest import make_use_case

Path = tuple[str | int, ...]
SCALE = [{"definition": "no", "value": 0}, {"definition": "yes", "value": 1}]
METRIC = {"name": "grounded", "instructions": "{{prompt}} {{prediction}}", "rating_scale": SCALE}
JUDGE = {"model": "claude-sonnet-4-6", "metric": "quality", "instructions": "{{prompt}} {{response}}"}
# An entry in each list and mapping, so that the keys of its elements are checked too.
ENTRIES: dict[str, Any] = {
    "tags": ["sample"],
    "timezone": "Europe/Berlin",
    "ready_by": "06:00",
    "notify": [
        {"on": "all", "slack": {"conn_id": "slack"}},
        {"on": ["failed"], "smtp": {"to": ["ml@example.com"], "from_email": "airflow@example.com"}},
        {"on": ["verdict"], "sns": {"topic_arn": "arn:aws:sns:us-east-1:123456789012:distill", "conn_id": "aws"}},
        {
            "on": ["late", "drift"],
            "sqs": {"queue_url": "https://sqs.us-east-1.amazonaws.com/123456789012/q", "conn_id": "aws"},
        },
        {"on": ["budget"], "notifier": {"import_path": "my_company.Pager", "arguments": {"text": "{text}"}}},
    ],
    "aws": {
        "role_arn": "arn:aws:iam::123456789012:role/jobs",
        "tags": {"cost-center": "1234"},
        "vpc": {"subnet_ids": ["subnet-01234567"], "security_group_ids": ["sg-01234567"]},
    },
    "storage": {"training_bucket": "training", "output_bucket": "output", "bucket_owners": {"other": "123456789012"}},
    "source": {
        "training_csv": "train.csv",
        "allowed_prefixes": ["s3://other/folder/"],
        "encoding": {"old.csv": "cp1252"},
        "columns": {"document": "text"},
    },
    "prompts": {"examples": [{"question": "q", "answer": "a"}]},
    "curation": {"critic": {"model": "nova-lite", "max_spend_usd": 1}},
    "prompt_optimization": {"judge": JUDGE},
    "evaluations": {
        "pointwise": {
            "evaluators": ["nova-pro"],
            "metrics": ["Builtin.Refusal"],
            "custom_metrics": [METRIC],
            "arms": ["tuned"],
        },
        "human": {},
    },
    "promotion": {"ask_a_person": True, "approvers": [{"id": "ada", "name": "Ada"}]},
    "approval": {"approvers": [{"id": "ada", "name": "Ada"}]},
    "training": {"hyperparameters": {"epochCount": 2}},
    "arms": [
        {"name": "base", "kind": "base"},
        {"name": "tuned"},
        {"name": "managed", "kind": "distilled", "teacher": "nova-pro", "golden_answers": "ours"},
        {"name": "rewritten", "kind": "base", "prompt": "optimized"},
    ],
    "comparisons": [{"candidate": "tuned", "baseline": "base"}, {"candidate": "tuned", "baseline": "rewritten"}],
    "quotas": {"nova-micro": {"requests_per_minute": 1}},
}
WRONG: list[Any] = [
    *(True, None, 5, -1.5, 10**9, float("nan"), "", "x y", "x" * 7_000),
    *([], ["q"], [5], [{"zz": 1}], list(range(60)), {}, {"zz": 1}, {"zz": ["a"]}),
]
# Words of pydantic and of the types in the code, which mean nothing to a person who writes a use case.
WORDS_OF_PYDANTIC = re.compile(
    r"Input should|[A-Z]\w+ should|Value error|Field required|Extra inputs|[Uu]nable to|after validation|"
    r"valid (string|integer|number|tuple|list|dictionary|boolean|decimal)|instance of|should match|type=|input_value|"
    r"validation error|constrained-|function-|literal\[|tuple\[|dict\[|list\[|nullable|\[key\]|Arm\b"
)


# Sections in which two keys contradict each other, so that the message names both.
CONTRADICTIONS = {"prompt_optimization", "ready_by", *(f"notify.{index}" for index in range(5))}


def every_key() -> dict[str, Any]:
    """Return a use case in which every key is set, also those with a default."""
    raw = make_use_case(**ENTRIES).model_dump(mode="json")
    del raw["environment"]  # no file may contain it
    for arm in raw["arms"]:
        arm |= {key: arm.get(key) for key in ("teacher", "golden_answers", "prompt")}
    return raw


RAW = every_key()


def paths(value: Any, above: Path = ()) -> Iterator[Path]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in entries:
        yield (*above, key)
        yield from paths(inner, (*above, key))


def changed(path: Path, value: Any) -> dict[str, Any]:
    raw: Any = copy.deepcopy(RAW)
    place = raw
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return raw  # type: ignore[no-any-return]


def refusal(raw: Any) -> str | None:
    try:
        parse_use_case(raw, origin="test")
    except UseCaseError as error:
        return str(error).removeprefix("test: ")
    return None


def dotted(path: Path) -> str:
    return ".".join(map(str, path))


def sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yield the sections that a type contains, and the sections in them."""
    for member in members(annotation):
        kind, _ = unwrapped(member)
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield kind
            for field in kind.model_fields.values():
                yield from sections(field.annotation)
        elif get_origin(kind) in (tuple, dict):
            for argument in get_args(kind):
                yield from sections(argument)


def test_the_example_has_every_key_of_every_section() -> None:
    present = {path[-1] for path in paths(RAW)}
    expected = {name for section in {*sections(UseCase)} for name in section.model_fields} - {"environment"}
    assert expected <= present
    assert refusal(RAW) is None


@pytest.mark.parametrize("path", [pytest.param(path, id=dotted(path)) for path in paths(RAW)])
def test_a_wrong_value_is_refused_in_plain_words_under_its_key(path: Path) -> None:
    refused = [(value, text) for value in WRONG if (text := refusal(changed(path, value)))]
    assert refused
    for value, text in refused:
        assert not WORDS_OF_PYDANTIC.search(text), text
        keys = re.findall(r"(?:^|; )([a-z_]+(?:\.[\w-]+)*): ", text)
        assert keys
        assert all(f"{key}.".startswith(f"{dotted(path)}.") or key in CONTRADICTIONS for key in keys), text
        assert re.search("(?i)expected|did you mean", text), text
        assert len(text) < 2_500
        if isinstance(value, str | list) and len(value) > 50 and "found " in text:
            assert "…" in text or "found the unknown" in text or "; and " in text, text


def section_paths() -> list[Path]:
    """Return the places of all sections: the mappings whose keys are defined by the code."""
    free = {("storage", "bucket_owners"), ("source", "encoding"), ("source", "columns"), ("quotas",)}
    free |= {("training", "hyperparameters"), ("aws", "tags"), ("notify", 4, "notifier", "arguments")}
    values: dict[Path, Any] = {(): RAW}
    for path in paths(RAW):
        values[path] = values[path[:-1]][path[-1]]
    return [path for path, value in values.items() if isinstance(value, dict) and path not in free]


@pytest.mark.parametrize("path", [pytest.param(path, id=dotted(path) or "file") for path in section_paths()])
def test_an_unknown_key_is_refused_with_its_place_and_the_known_keys(path: Path) -> None:
    text = refusal(changed((*path, "zzzzzzzz"), 1))
    assert text is not None
    assert text.startswith(f"{dotted((*path, 'zzzzzzzz'))}: unknown key; expected one of ")
    assert ";" not in text.split("expected one of")[1]


@pytest.mark.parametrize(
    ("path", "value", "text"),
    [
        (("arms", 2, "golden_answers"), True, "arms.2.golden_answers: found true, expected ours, or null"),
        (("arms", 2, "originals"), "many", "arms.2.originals: found 'many', expected all or a whole number of at leas"),
        (("tags",), "a", "tags: found 'a', expected a list of texts of 1 to 100 characters"),
        (("quotas",), [1], "quotas: found [1], expected a mapping in which each value is a mapping with the keys req"),
        (
            ("aws", "region"),
            "Virginia",
            "aws.region: found 'Virginia', expected the name of an AWS Region, such as us-e",
        ),
        (("source", "encoding"), {"a.csv": 1}, "source.encoding.a.csv: found 1, expected a text that is not blank"),
        (("source", "encoding"), 1, "source.encoding: found 1, expected a text that is not blank or a mapping in whi"),
        (("storage", "bucket_owners"), {"B": "1" * 12}, "storage.bucket_owners.B: found 'B', expected the name of a g"),
        (
            ("aws", "tags"),
            {"run-ID": "a"},
            "aws.tags.run-ID: found 'run-ID', expected a key that the pipeline does not",
        ),
        (("aws", "tags"), {"team": 1}, "aws.tags.team: found 1, expected a text"),
        (("aws", "kms_key_arn"), "alias/key", "aws.kms_key_arn: found 'alias/key', expected the ARN of a KMS key, not"),
        (
            ("aws", "vpc", "subnet_ids"),
            [],
            "aws.vpc.subnet_ids: found [], expected a list of 1 to 16 entries, each the id of",
        ),
        (
            ("prompts", "examples"),
            [{"question": "q"}],
            "prompts.examples.0.answer: the key is missing; expected a text",
        ),
        (("promotion", "approvers"), [{"id": [1]}], "promotion.approvers.0.id: found [1], expected a text"),
        (("max_spend_usd",), float("inf"), "max_spend_usd: found inf, expected a finite number above 0"),
        (("owner",), "o" * 600, f"owner: found '{'o' * 79}… (600 characters), expected a text of at most 500 charact"),
    ],
)
def test_the_words_of_a_message(path: Path, value: Any, text: str) -> None:
    found = refusal(changed(path, value))
    assert found is not None
    assert found.startswith(text)
    assert "; " not in found.removeprefix(text).split(": ")[0] or "missing; " in found


def test_a_wrong_rating_causes_no_second_message_about_the_number_of_ratings() -> None:
    path = ("evaluations", "pointwise", "custom_metrics", 0, "rating_scale")
    text = refusal(changed(path, [SCALE[0], {"definition": "yes", "value": "good"}]))
    assert text == f"{dotted(path)}.1.value: found 'good', expected a number"
    text = refusal(changed(path, [{"definition": "yes", "value": "good"}]))
    assert text is not None
    assert f"{dotted(path)}: found [" in text
    assert "expected a list of 2 to 10 mappings with the keys definition, value" in text
