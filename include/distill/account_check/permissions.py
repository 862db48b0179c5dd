"""Ask IAM's policy simulator whether the identities of a use case may do what they need to do."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence

from include.distill.account_check.findings import Finding, missing, not_checked, ok, warning
from include.distill.account_check.needs import Need, Who, statement
from include.distill.account_check.reader import Decision, Identity, PolicySimulator, attempt
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError

SIMULATE = "iam:SimulatePrincipalPolicy"
# The ends of the names of the managed policies of deploy/cloudformation/bedrock-distill.yaml.
_POLICIES: Mapping[Who, tuple[str, ...]] = {
    "run": ("run", "run-models", "run-storage", "iam-pass-role"),
    "promotion": ("promote",),
    "clean_up": ("clean-up",),
}
# If more statements are missing, the line attaches the whole policies of the template.
_MOST_STATEMENTS = 5


def principal_of(reader: PolicySimulator, identity: Identity) -> str:
    """
    Return the ARN of the role or user whose policies decide about an identity.

    The ARN of a session does not contain the path of its role, so the role is looked up.

    :raises NotFoundError: the role does not exist in the account of the check.
    """
    name = identity.role_name
    return identity.arn if name is None else reader.role(name).arn


def permission_findings(
    reader: PolicySimulator, use_case: UseCase, principal: str, needs: Sequence[Need], label: str
) -> Iterator[Finding]:
    """
    Yield a finding for each IAM statement that is missing, and one finding if nothing is missing.

    :param principal: the ARN of the role or user.
    :param needs: what the role or user needs.
    :param label: who the role or user is, such as ``runs (connection aws_default)``.
    """
    check = f"permissions of {label}"
    decisions: dict[Need, Decision] = {}
    is_complete = True
    for group in _grouped(needs):
        found = _ask(reader, use_case, principal, group, check)
        if isinstance(found, Finding):
            yield found
            is_complete = False
            break  # IAM gives the same answer to the other questions
        decisions |= {need: found.get(need.action, Decision(is_allowed=False)) for need in group}
    refused = {need: decision for need, decision in decisions.items() if not decision.is_allowed}
    if not refused and is_complete:
        yield ok(check, f"{principal} may do all of {len(decisions)} actions on their resources")
        return
    statements = _statements(refused)
    required = [needs for needs in statements if needs[0].is_required]
    if len(required) > _MOST_STATEMENTS:
        yield _all_refused(use_case, principal, required, check)
        statements = [needs for needs in statements if not needs[0].is_required]
    yield from (_refusal(use_case, principal, needs, refused, check) for needs in statements)


def _grouped(needs: Sequence[Need]) -> list[list[Need]]:
    """Return the needs in groups with the same resource and the same condition keys, because one call asks for each."""
    groups: dict[tuple[object, ...], dict[str, Need]] = {}
    for need in needs:
        group = groups.setdefault((need.resource, need.tags, need.conditions), {})
        if need.action not in group or need.is_required:
            group[need.action] = need
    return [list(group.values()) for group in groups.values()]


def _ask(
    reader: PolicySimulator, use_case: UseCase, principal: str, group: Sequence[Need], check: str
) -> dict[str, Decision] | Finding:
    first = group[0]
    resource = first.example(use_case.aws.region)

    def ask() -> dict[str, Decision]:
        return reader.simulate(principal, [need.action for need in group], resource, first.context(use_case))

    try:
        return attempt(check, SIMULATE, ask)
    except NotFoundError as error:
        return not_checked(check, f"IAM does not know {principal}: {error.happened}")


def _statements(refused: Mapping[Need, Decision]) -> list[list[Need]]:
    """Return the refused needs in groups, each of which one IAM statement can allow."""
    by_resource: dict[tuple[object, ...], list[Need]] = {}
    for need, decision in refused.items():
        key = (need.resource, need.tags, need.conditions, need.is_required, decision)
        by_resource.setdefault(key, []).append(need)
    statements: dict[tuple[object, ...], list[Need]] = {}
    for (_, *rest), needs in by_resource.items():
        statements.setdefault((frozenset(need.action for need in needs), *rest), []).extend(needs)
    return list(statements.values())


def _refusal(
    use_case: UseCase, principal: str, needs: Sequence[Need], refused: Mapping[Need, Decision], check: str
) -> Finding:
    first, decision = needs[0], refused[needs[0]]
    actions, resources = _names(need.action for need in needs), _names(need.resource for need in needs)
    why = ""
    if decision.is_denied:
        why = ". A policy denies this explicitly, so another Allow cannot help"
    elif decision.missing_context:
        why = f". A policy also asks for {', '.join(decision.missing_context)}, which the check does not know"
    reasons = _names(need.reason for need in needs)
    detail = f"{principal} may not do {actions} on {resources}, which is needed for {reasons}{why}"
    make = missing if first.is_required else warning
    return make(check, detail, "" if decision.is_denied else json.dumps(statement(needs, use_case)))


def _all_refused(use_case: UseCase, principal: str, statements: Sequence[Sequence[Need]], check: str) -> Finding:
    """Return one finding if most of a policy is missing, with the commands that attach the template's policies."""
    needs = [need for group in statements for need in group]
    kind, _, name = principal.split(":", 5)[5].rpartition("/")
    kind = kind.partition("/")[0]
    if all(need.who == "jobs" for need in needs):
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement(one, use_case) for one in statements]})
        command = f"aws iam put-role-policy --role-name {name} --policy-name bedrock-customization --policy-document"
        line = f"{command} '{document}'"
    else:
        account, partition = use_case.aws.account, principal.split(":")[1]
        policy = f"arn:{partition}:iam::{account}:policy/bedrock-distill-{use_case.environment}"
        ends = dict.fromkeys(end for need in needs for end in _POLICIES[need.who])
        attach = f"aws iam attach-{kind}-policy --{kind}-name {name} --policy-arn"
        line = " && ".join(f"{attach} {policy}-{end}" for end in ends)
    actions = _names(need.action for need in needs)
    detail = f"{principal} lacks {len(statements)} statements ({actions}). The stack of deploy/cloudformation has them"
    return missing(check, detail, line)


def _names(texts: Iterable[str]) -> str:
    return ", ".join(dict.fromkeys(texts))
