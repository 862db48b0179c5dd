"""Define what the check of the account reads from AWS. The plugin's hook implements the protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from include.distill.account_check.findings import ENVIRONMENT, Finding, Result, not_checked
from include.distill.core.errors import NotFoundError, ServiceError
from include.distill.core.storage import ObjectStore
from include.distill.cost.model_check import ModelReader
from include.distill.cost.serving_check import DeploymentReader

ValueT = TypeVar("ValueT")


class NotPermittedError(Exception):
    """
    AWS refused to let the identity of the check read something.

    It is no ``RefusedError``, so that no check takes it for a problem of the resource.
    """


@dataclass(frozen=True)
class Identity:
    """The caller of AWS according to GetCallerIdentity."""

    arn: str
    account: str

    @property
    def is_root(self) -> bool:
        """Whether the caller is the owner of the account, whom no policy of the account limits."""
        return self.arn.endswith(":root")

    @property
    def role_name(self) -> str | None:
        """The name of the role whose session the caller has; ``None`` if the caller is no role."""
        kind, _, rest = self.arn.split(":", 5)[5].partition("/")
        return rest.split("/", 1)[0] if kind == "assumed-role" else None


@dataclass(frozen=True)
class RoleFacts:
    """A role as GetRole describes it."""

    arn: str
    trust: Mapping[str, Any]


@dataclass(frozen=True)
class QuotaFact:
    """A quota as Service Quotas describes it."""

    code: str
    name: str
    value: float
    is_adjustable: bool


@dataclass(frozen=True)
class Decision:
    """
    What IAM's policy simulator says about one action.

    :param missing_context: condition keys that the policies use and the simulated request did not have.
    """

    is_allowed: bool
    is_denied: bool = False
    missing_context: tuple[str, ...] = ()


class PolicySimulator(Protocol):
    """Ask IAM what the policies of a role or user allow."""

    def role(self, name: str) -> RoleFacts:
        """Return a role of the account.

        :raises NotFoundError: the role does not exist.
        """

    def simulate(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> dict[str, Decision]:
        """Return what IAM's policy simulator says, by action.

        :param principal: the ARN of the role or user whose policies are asked.
        """


class BucketReader(ObjectStore, Protocol):
    """Read the settings of buckets, and the objects in them."""

    def ensure_bucket(self, bucket: str, *, region: str, create: bool) -> str | None:
        """Return a message if a bucket is not in ``region``; otherwise ``None``.

        :raises NotFoundError: the bucket does not exist.
        """

    def encryption(self, bucket: str) -> tuple[str, str] | None:
        """Return the default encryption and the key of a bucket; ``None`` if it has none."""

    def public_access_block(self, bucket: str) -> Mapping[str, bool]:
        """Return the settings that block public access; empty if there are none."""

    def policy(self, bucket: str) -> Mapping[str, Any]:
        """Return the policy of a bucket; empty if it has none."""

    def lifecycle_rules(self, bucket: str) -> Sequence[Mapping[str, Any]]:
        """Return the life-cycle rules of a bucket that are enabled."""


class AccountReader(ModelReader, DeploymentReader, PolicySimulator, Protocol):
    """Read from one account and Region. Nothing that this reads costs anything."""

    def identity(self) -> Identity:
        """Return who calls AWS."""

    def profile_status(self, profile_id: str) -> str:
        """Return the status of an inference profile, such as ``ACTIVE``.

        :raises RefusedError: the profile does not exist in this Region.
        """

    def quotas(self) -> Sequence[QuotaFact]:
        """Return all of Bedrock's quotas in the Region."""

    def quota(self, code: str) -> QuotaFact:
        """Return one of Bedrock's quotas."""

    def key_state(self, key: str) -> str:
        """Return the state of a KMS key, such as ``Enabled``."""


def listed(value: Any) -> list[Any]:
    """Return a part of a policy as a list. In a policy, one value may stand without a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def attempt(check: str, permission: str, ask: Callable[[], ValueT]) -> ValueT | Finding:
    """
    Return what ``ask`` returns, or a finding if AWS does not answer the question.

    :param check: what is checked.
    :param permission: the actions that the identity of the check needs for it, separated by commas.
    :raises NotFoundError: what is asked for does not exist. The caller knows what this means.
    """
    try:
        return ask()
    except NotPermittedError as error:
        return Finding(
            check,
            Result.NOT_PERMITTED,
            f"{error} Attach the managed policy bedrock-distill-{ENVIRONMENT}-check of"
            " deploy/cloudformation to the identity of the check",
            json.dumps({"Effect": "Allow", "Action": permission.split(", "), "Resource": "*"}),
        )
    except NotFoundError:
        raise
    except ServiceError as error:
        return not_checked(check, f"AWS did not answer: {error.happened}")
