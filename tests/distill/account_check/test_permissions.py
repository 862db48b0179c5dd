from __future__ import annotations

import json
from typing import Any

import pytest

from include.distill.account_check.findings import Finding, Result
from include.distill.account_check.needed_actions import needed_actions
from include.distill.account_check.needs import Arns, Need
from include.distill.account_check.permissions import permission_findings, principal_of
from include.distill.account_check.reader import Decision, Identity
from include.distill.core.errors import ServiceError
from tests.distill.conftest import make_use_case
from tests.fakes.fake_account import ACCOUNT, JOBS_ROLE, RUN_ROLE, SESSION, FakeAccount

USE_CASE = make_use_case()
RUN = [need for need in needed_actions(USE_CASE) if need.who == "run"]


def findings(account: FakeAccount, needs: list[Need] = RUN, principal: str = RUN_ROLE) -> list[Finding]:
    return list(permission_findings(account, USE_CASE, principal, needs, "runs"))


def without(*actions: str, principal: str = RUN_ROLE) -> FakeAccount:
    account = FakeAccount()
    account.not_allowed = {(principal, action) for action in actions}
    return account


def test_a_role_that_may_do_everything_is_ok_and_every_action_was_asked_for() -> None:
    account = FakeAccount()
    (found,) = findings(account)
    assert (found.result, found.check) == (Result.OK, "permissions of runs")
    asked = {(action, resource) for _, action, resource in account.simulated}
    assert asked == {(need.action, need.example("us-east-1")) for need in RUN}


@pytest.mark.parametrize("action", sorted({need.action for need in RUN if need.is_required}))
def test_each_missing_action_is_found_with_its_statement(action: str) -> None:
    found = [one for one in findings(without(action)) if one.result is Result.MISSING]
    assert found
    allowed = [json.loads(one.line) for one in found if one.line.startswith("{")]
    for one in allowed:
        assert one["Action"] == action
    resources = {need.resource for need in RUN if need.action == action and need.is_required}
    listed = [one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]] for one in allowed]
    assert {resource for part in listed for resource in part} == resources


def test_an_action_that_no_run_needs_to_succeed_is_a_warning() -> None:
    found = findings(without("bedrock:CountTokens"))
    assert {one.result for one in found} == {Result.WARNING}
    assert "exact token counts in the estimate" in found[0].detail


def test_the_needed_tags_and_the_service_are_part_of_the_question() -> None:
    account = FakeAccount()
    findings(account)
    context = next(one for (action, _), one in account.contexts.items() if action == "iam:PassRole")
    assert context["iam:PassedToService"] == ["bedrock.amazonaws.com"]


def test_an_explicit_deny_has_no_line_because_no_allow_can_help() -> None:
    account = without("iam:PassRole")
    account.decision = Decision(is_allowed=False, is_denied=True)
    (found,) = findings(account)
    assert (found.result, found.line) == (Result.MISSING, "")
    assert "denies this explicitly" in found.detail


def test_a_condition_that_the_check_does_not_know_is_named() -> None:
    account = without("iam:PassRole")
    account.decision = Decision(is_allowed=False, missing_context=("aws:SourceVpce",))
    assert "aws:SourceVpce" in findings(account)[0].detail


def test_if_most_statements_are_missing_the_line_attaches_the_policies_of_the_template() -> None:
    account = without(*(need.action for need in RUN))
    found = [one for one in findings(account) if one.result is Result.MISSING]
    assert len(found) == 1
    commands = found[0].line.split(" && ")
    assert commands[0] == (
        "aws iam attach-role-policy --role-name airflow --policy-arn"
        f" arn:aws:iam::{ACCOUNT}:policy/bedrock-distill-{USE_CASE.environment}-run"
    )
    assert [command.rpartition(f"-{USE_CASE.environment}-")[2] for command in commands] == [
        "run",
        "run-models",
        "run-storage",
        "iam-pass-role",
    ]


def test_if_the_role_of_jobs_lacks_its_policy_the_line_writes_it() -> None:
    arns = Arns.of(USE_CASE)
    needs = [Need("jobs", f"s3:Action{n}", f"{arns.bucket('output')}/{n}/*", f"reason {n}") for n in range(7)]
    account = without(*(need.action for need in needs), principal=JOBS_ROLE)
    (found,) = findings(account, needs, JOBS_ROLE)
    command, _, document = found.line.partition(" --policy-document ")
    assert command == "aws iam put-role-policy --role-name r --policy-name bedrock-customization"
    assert {one["Action"] for one in json.loads(document.strip("'"))["Statement"]} == {need.action for need in needs}


@pytest.mark.parametrize(("method", "result"), [("refused", Result.NOT_PERMITTED), ("broken", Result.NOT_CHECKED)])
def test_without_the_policy_simulator_there_is_one_finding_and_not_one_for_each_action(
    method: str, result: Result
) -> None:
    account = FakeAccount()
    getattr(account, method).add("simulate")
    assert [one.result for one in findings(account)] == [result]


def test_the_policies_of_a_session_are_those_of_its_role_with_its_path() -> None:
    assert principal_of(FakeAccount(), Identity(SESSION, ACCOUNT)) == RUN_ROLE
    user = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert principal_of(FakeAccount(), Identity(user, ACCOUNT)) == user


def test_what_was_found_before_iam_stopped_to_answer_is_not_lost() -> None:
    class Stopping(FakeAccount):
        def simulate(self, *arguments: Any) -> dict[str, Decision]:
            if self.simulated:
                raise ServiceError("simulate_principal_policy: Throttling.")
            return super().simulate(*arguments)

    first, *_ = RUN
    account = Stopping()
    account.not_allowed = {(RUN_ROLE, first.action)}
    unanswered, refused = findings(account)
    assert (unanswered.result, first.action in refused.detail) == (Result.NOT_CHECKED, True)
    (alone,) = findings(Stopping())  # nothing was refused, but not everything was asked
    assert alone.result is Result.NOT_CHECKED
