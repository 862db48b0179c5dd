"""Test what all kinds of jobs have in common, with the real hook and each kind's own operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
from botocore.exceptions import ClientError

from bedrock_distill.hooks.evaluations import EvaluationJobs
from bedrock_distill.hooks.named_jobs import NamedJobs
from bedrock_distill.hooks.prompt_optimizations import PromptOptimizationJobs
from include.distill.core.errors import ThrottledError
from tests.contract.recorded_wire import ARN, RecordedWire, not_found


@dataclass(frozen=True)
class Kind:
    """A kind of jobs: its client, its name in operations and in ARNs, and the field with the deleted jobs."""

    client: type[NamedJobs[Any, Any]]
    operation: str
    resource: str
    deleted: str

    def arn(self, number: int) -> str:
        return f"{ARN}:{self.resource}/job{number:09d}"

    def jobs(self, **answers: Any) -> tuple[RecordedWire, NamedJobs[Any, Any]]:
        wire = RecordedWire({f"{verb}{self.operation}": answer for verb, answer in answers.items()})
        return wire, self.client(wire.hook())


KINDS = [
    Kind(EvaluationJobs, "EvaluationJob", "evaluation-job", "evaluationJobs"),
    Kind(
        PromptOptimizationJobs,
        "AdvancedPromptOptimizationJob",
        "advanced-prompt-optimization-job",
        "advancedPromptOptimizationJobs",
    ),
]


@pytest.fixture(params=KINDS, ids=[kind.resource for kind in KINDS])
def kind(request: pytest.FixtureRequest) -> Kind:
    chosen: Kind = request.param
    return chosen


def refused(code: str) -> Any:
    def refuse(_: Any) -> Any:
        raise ClientError({"Error": {"Code": code, "Message": "m"}}, "Stop")

    return refuse


def test_a_job_that_does_not_exist_is_none(kind: Kind) -> None:
    wire, client = kind.jobs(Get=not_found(f"Get{kind.operation}"))
    assert client.get(kind.arn(1)) is None
    assert [(one.operation, one.violations()) for one in wire.requests] == [(f"Get{kind.operation}", [])]


class TestStop:
    @pytest.mark.parametrize("code", ["ConflictException", "ResourceNotFoundException"])
    def test_a_job_that_has_ended_or_is_gone_is_left_alone(self, kind: Kind, code: str) -> None:
        wire, client = kind.jobs(Stop=refused(code))
        client.stop(kind.arn(1))
        assert [request.arguments for request in wire.requests] == [{"jobIdentifier": kind.arn(1)}]

    def test_another_error_is_raised(self, kind: Kind) -> None:
        _, client = kind.jobs(Stop=refused("ThrottlingException"))
        with pytest.raises(ThrottledError):
            client.stop(kind.arn(1))


class TestDelete:
    def test_at_most_25_jobs_are_named_in_a_request(self, kind: Kind) -> None:
        wire, client = kind.jobs(BatchDelete={"errors": [], kind.deleted: []})
        assert client.delete([kind.arn(number) for number in range(30)]) == {}
        assert [len(request.arguments["jobIdentifiers"]) for request in wire.requests] == [25, 5]
        assert [request.violations() for request in wire.requests] == [[], []]

    def test_a_job_that_is_gone_counts_as_deleted_and_other_reasons_are_returned(self, kind: Kind) -> None:
        errors = [
            {"jobIdentifier": kind.arn(1), "code": "ResourceNotFoundException"},
            {"jobIdentifier": kind.arn(2), "code": "ConflictException", "message": "it is running"},
            {"jobIdentifier": kind.arn(3), "code": "InternalServerException"},
        ]
        _, client = kind.jobs(BatchDelete={"errors": errors, kind.deleted: []})
        assert client.delete([kind.arn(1), kind.arn(2), kind.arn(3)]) == {
            kind.arn(2): "ConflictException: it is running",
            kind.arn(3): "InternalServerException: no reason given",
        }

    def test_without_jobs_no_request_is_sent(self, kind: Kind) -> None:
        wire, client = kind.jobs()
        assert client.delete([]) == {}
        assert wire.requests == []
