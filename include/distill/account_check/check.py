"""Check an account for all use cases, and go on if AWS does not answer one question. Nothing is bought or written."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Protocol

from include.distill.account_check.buckets import SETTINGS, owner_findings, place_of, setting_findings
from include.distill.account_check.findings import (
    CONNECTION,
    Finding,
    Result,
    filled,
    merged,
    missing,
    not_checked,
    ok,
    warning,
)
from include.distill.account_check.keys import key_findings
from include.distill.account_check.models import model_findings
from include.distill.account_check.needed_actions import needed_actions
from include.distill.account_check.needs import Arns, Need, Who
from include.distill.account_check.permissions import permission_findings, principal_of
from include.distill.account_check.pools import pool_findings
from include.distill.account_check.price_age import price_findings
from include.distill.account_check.quotas import quota_findings
from include.distill.account_check.reader import AccountReader, BucketReader, Identity, attempt
from include.distill.account_check.role_trust import role_of_stack, trust_findings
from include.distill.config.catalog import load_catalog
from include.distill.config.layout import Layout
from include.distill.config.loader import UseCases
from include.distill.config.use_case import UseCase
from include.distill.core.errors import (
    DistillError,
    ExpiredCredentialsError,
    NotFoundError,
    RefusedError,
    ServiceError,
    UnreachedError,
)
from include.distill.cost.prices import load_prices

_TASKS: Mapping[Who, str] = {"run": "runs", "promotion": "promotions", "clean_up": "clean-ups"}
# The checks for which AWS is asked. Without a connection that works, each has a row that says so.
_ASKS_AWS = ("models", "training and serving of the student", "quotas", "KMS keys")


class Connector(Protocol):
    """Connect to AWS for the check."""

    def reader(self, use_case: UseCase) -> AccountReader:
        """Return a reader that uses the connection of the check."""

    def store(self, use_case: UseCase) -> BucketReader:
        """Return the buckets of a use case, read with the connection of the check."""

    def identity(self, conn_id: str, region: str) -> Identity:
        """Return who calls AWS with a connection.

        :raises DistillError: the connection does not work.
        """


def check_accounts(
    use_cases: UseCases,
    connector: Connector,
    *,
    pools: Mapping[str, int] | None,
    today: datetime.date,
    chosen: str | None = None,
) -> list[Finding]:
    """
    Return what the check found for all valid use cases, or for one.

    :param pools: the number of slots of each pool of Airflow; ``None`` if they cannot be read here.
    :param chosen: the name of the use case to check; ``None`` for all.
    """
    found: list[tuple[str, Finding]] = []
    for use_case in use_cases.valid:
        name = use_case.name
        if chosen is None and (retired := _retired_models(use_case)):
            # No line can make the run succeed, so the command that checks all the same is not a line to add.
            command = f"python -m bedrock_distill.check_account {name}"
            detail = f"Bedrock has retired {', '.join(retired)}, so no run can succeed. To check it anyway: {command}"
            found.append((name, not_checked(f"use case {name}", detail)))
        elif chosen in (None, name):
            of_use_case = _check(use_case, connector, pools, today, use_cases.valid)
            found += [(name, filled(finding, use_case.environment)) for finding in of_use_case]
    if chosen is None:
        found += [("", missing("use-case file", problem)) for problem in use_cases.problems]
    return merged(found)


def checked_use_cases(use_cases: UseCases, chosen: str | None = None) -> int:
    """Return how many use cases the check covers. Without a choice, those with retired models are left out."""
    return sum(chosen == one.name if chosen else not _retired_models(one) for one in use_cases.valid)


def _retired_models(use_case: UseCase) -> list[str]:
    """Return the models of a use case that the catalog lists as retired, such as those of a published experiment."""
    return [key for key in use_case.all_models if load_catalog().model(key).lifecycle == "retired"]


def _check(
    use_case: UseCase,
    connector: Connector,
    pools: Mapping[str, int] | None,
    today: datetime.date,
    use_cases: Sequence[UseCase],
) -> Iterator[Finding]:
    yield from pool_findings(use_case, pools)
    yield from price_findings(use_case, load_prices(), today)
    identities: dict[str, tuple[Identity, list[Who]]] = {}
    for conn_id, callers in connections(use_case).items():
        identity = _identity(connector, conn_id, use_case)
        if isinstance(identity, Identity):
            identities[conn_id] = (identity, callers)
            yield ok(f"{CONNECTION}{conn_id}", identity.arn)
        else:
            yield identity
            yield not_checked(f"permissions of {_label(conn_id, callers)}", f"See the row of connection {conn_id}")
    if not identities:  # AWS answers nothing, and each request to an unreachable endpoint would wait
        yield from _unasked(use_case)
        return
    reader, store = connector.reader(use_case), connector.store(use_case)
    yield from model_findings(reader, use_case, use_cases)
    yield from quota_findings(reader, use_case)
    yield from key_findings(reader, use_case.kms_keys.values())
    places = {bucket: place_of(store, use_case, bucket) for bucket in use_case.storage.buckets}
    for bucket, place in places.items():
        yield place.finding
        if place.finding.result is Result.OK:
            yield from setting_findings(reader, store, use_case, bucket)
        else:
            yield not_checked(f"bucket {bucket}: {SETTINGS}", f"See the row of bucket {bucket}")
    yield from owner_findings(store, use_case)
    yield from trust_findings(reader, use_case)
    absent = [bucket for bucket, place in places.items() if place.is_absent]
    creations = [need for bucket in absent for need in _creation(use_case, bucket)]
    yield from _permissions(reader, use_case, identities, [*needed_actions(use_case), *creations])


def _unasked(use_case: UseCase) -> Iterator[Finding]:
    """Yield a row for each check that needs an answer of AWS, when no connection of the use case works."""
    checks = [*_ASKS_AWS, *(f"bucket {bucket}" for bucket in use_case.storage.buckets)]
    checks += [f"owner of {root}" for root in Layout(use_case.storage).roots]
    checks += [f"role {use_case.aws.role_arn}", "permissions of the role of jobs"]
    names = ", ".join(connections(use_case))
    for check in checks:
        yield not_checked(check, f"AWS was not asked, because no connection of the use case works ({names})")


def connections(use_case: UseCase) -> dict[str, list[Who]]:
    """Return the Airflow connections of a use case, and which tasks use each."""
    aws = use_case.aws
    named: Mapping[Who, str] = {
        "run": aws.conn_id,
        "promotion": aws.promotion_connection,
        "clean_up": aws.clean_up_connection,
    }
    used: dict[str, list[Who]] = {}
    for who, conn_id in named.items():
        used.setdefault(conn_id, []).append(who)
    return used


def _identity(connector: Connector, conn_id: str, use_case: UseCase) -> Identity | Finding:
    check = f"{CONNECTION}{conn_id}"
    try:
        identity = connector.identity(conn_id, use_case.aws.region)
    except DistillError as error:
        return _no_identity(check, conn_id, error)
    if identity.account != use_case.aws.account:
        detail = (
            f"The connection belongs to account {identity.account} ({identity.arn}), but aws.role_arn to account"
            f" {use_case.aws.account}. Bedrock accepts only roles of the caller's account"
        )
        partition = identity.arn.split(":")[1]
        role = role_of_stack(use_case.environment, identity.account, partition)
        return missing(check, detail, f"DISTILL_ROLE_ARN={role}")
    return identity


def _no_identity(check: str, conn_id: str, error: DistillError) -> Finding:
    """Return whether the connection is wrong, or AWS could not be asked about it."""
    is_refused = isinstance(error, RefusedError | ExpiredCredentialsError)
    if isinstance(error, UnreachedError) or (isinstance(error, ServiceError) and not is_refused):
        return not_checked(check, f"AWS could not be asked, so the credentials may be right or wrong: {error}")
    has_answered = isinstance(error, ExpiredCredentialsError) or (isinstance(error, ServiceError) and error.code)
    problem = "AWS does not accept the credentials" if has_answered else "The connection cannot be used"
    command = f'airflow connections add {conn_id} --conn-type aws --conn-extra \'{{"role_arn": "<role>"}}\''
    return missing(check, f"{problem}: {error}", command)


def _creation(use_case: UseCase, bucket: str) -> list[Need]:
    """Return what a run needs to create a bucket; nothing if it does not create buckets."""
    if not use_case.storage.create_buckets:
        return []
    arn, reason = Arns.of(use_case).bucket(bucket), "creating buckets (storage.create_buckets)"
    return [Need("run", f"s3:{action}", arn, reason) for action in ("CreateBucket", "PutBucketTagging")]


def _permissions(
    reader: AccountReader,
    use_case: UseCase,
    identities: Mapping[str, tuple[Identity, Sequence[Who]]],
    needs: Sequence[Need],
) -> Iterator[Finding]:
    of_jobs = [need for need in needs if need.who == "jobs"]
    if of_jobs:
        yield from permission_findings(reader, use_case, use_case.aws.role_arn, of_jobs, "the role of jobs")
    for conn_id, (identity, callers) in identities.items():
        label = _label(conn_id, callers)
        if identity.is_root:
            detail = f"{identity.arn} is the account's owner, whom no policy of the account limits"
            yield warning(f"permissions of {label}", detail, "attach the policies of deploy/cloudformation to a role")
            continue
        try:
            principal = attempt(f"permissions of {label}", "iam:GetRole", partial(principal_of, reader, identity))
        except NotFoundError as error:
            yield not_checked(f"permissions of {label}", f"{error}")
            continue
        if isinstance(principal, Finding):
            yield principal
        else:
            own = [need for need in needs if need.who in callers]
            yield from permission_findings(reader, use_case, principal, own, label)


def _label(conn_id: str, callers: Sequence[Who]) -> str:
    return f"{' and '.join(_TASKS[who] for who in callers)} (connection {conn_id})"
