"""Every action of the template's policies is needed: the pipeline's calls go through with it, and not without it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from include.distill.core.errors import DistillError
from tests.policies import probes
from tests.policies.policed_account import (
    CHECK,
    CLEAN_UP,
    CREATED_CLEAN_UP,
    CREATED_RUN,
    PROMOTION,
    RUN,
    PolicedAccount,
)
from tests.policies.probes import Probe
from tests.policies.template_statements import Permission, permissions, removed

# The caller and the probes of each managed policy.
TABLES = {
    "RunPolicy": (RUN, probes.RUN),
    "RunModelsPolicy": (RUN, probes.RUN),
    "RunStoragePolicy": (RUN, probes.RUN),
    "PassRolePolicy": (RUN, probes.RUN),
    "PromotionPolicy": (PROMOTION, probes.PROMOTION),
    "CleanUpPolicy": (CLEAN_UP, probes.CLEAN_UP),
    "CheckPolicy": (CHECK, probes.CHECK),
}
# Bedrock does this with the credentials of the caller while a prompt optimization job runs.
CHECKED_BY_BEDROCK = "bedrock:InvokeModelWithResponseStream"
NOT_ACCESSIBLE = "Verify that the role has permission to invoke the model"
# AWS allows this to everybody, whatever a policy says.
NEEDS_NO_POLICY = "sts:GetCallerIdentity"
CREATING = {"RunStoragePolicy": CREATED_RUN, "CleanUpPolicy": CREATED_CLEAN_UP}


@dataclass(frozen=True)
class Case:
    permission: Permission
    caller: str
    probe: Probe | None


def cases() -> Iterator[Case]:
    """Return a case for each permission of a managed policy, even if it has no probe."""
    for one in permissions("policed"):
        if one.policy in TABLES and one.action != NEEDS_NO_POLICY:
            caller, table = TABLES[one.policy]
            yield Case(one, caller, table.get(one.sid, {}).get(one.action))
    for one in permissions("created"):
        if one.policy in CREATING and one.sid in probes.CREATING:
            yield Case(one, CREATING[one.policy], probes.CREATING[one.sid].get(one.action))


def refusals(account: PolicedAccount, case: Case) -> set[str]:
    """Return the actions that were refused to the caller since the last call of this function."""
    return {
        entry["action"]
        for entry in account.access()
        if not entry["allowed"] and f"/{case.caller}/" in f"{entry['caller']}/"
    }


@pytest.mark.parametrize("case", [pytest.param(case, id=str(case.permission)) for case in cases()])
def test_a_call_of_the_pipeline_needs_the_action(case: Case, account: PolicedAccount) -> None:
    assert case.probe, f"no probe shows that {case.permission} is needed; add one to tests/policies/probes.py"
    account.access()
    case.probe(account, case.caller)
    assert refusals(account, case) == set()
    failed = ""
    with removed(account, case.permission):
        try:
            case.probe(account, case.caller)
        except DistillError as error:
            failed = error.happened
    if case.permission.action == CHECKED_BY_BEDROCK:
        assert NOT_ACCESSIBLE in failed
    else:
        assert case.permission.action in refusals(account, case)


def test_every_probe_is_about_an_action_of_the_template() -> None:
    probed = {(case.caller, case.permission.sid, case.permission.action) for case in cases()}
    tables = [*TABLES.values(), (CREATED_RUN, probes.CREATING), (CREATED_CLEAN_UP, probes.CREATING)]
    written = {(caller, sid, action) for caller, table in tables for sid, part in table.items() for action in part}
    # Several statements share a table, such as the reads of resources, so a table may have more than a statement needs.
    assert {sid for _, sid, _ in written} == {sid for _, sid, _ in probed}
    assert probed <= written
