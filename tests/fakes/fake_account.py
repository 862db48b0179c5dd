"""Answer the questions of the check of the account from memory, and record what was asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from include.distill.account_check.reader import Decision, Identity, NotPermittedError, QuotaFact, RoleFacts
from include.distill.config.use_case import UseCase
from include.distill.core.errors import NotFoundError, ServiceError
from tests.fakes.memory_store import MemoryStore

ACCOUNT = "123456789012"
JOBS_ROLE = f"arn:aws:iam::{ACCOUNT}:role/r"
RUN_ROLE = f"arn:aws:iam::{ACCOUNT}:role/teams/airflow"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/airflow/i-0123"
CONDITION = {
    "StringEquals": {"aws:SourceAccount": ACCOUNT},
    "ArnEquals": {
        "aws:SourceArn": [
            f"arn:aws:bedrock:us-east-1:{ACCOUNT}:{kind}/*"
            for kind in ("model-customization-job", "model-invocation-job", "evaluation-job")
        ]
    },
}


def trust(**changes: Any) -> dict[str, Any]:
    """Return a trust policy that lets Bedrock assume the role for the jobs of this account."""
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": "bedrock.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": CONDITION,
        **changes,
    }
    return {"Version": "2012-10-17", "Statement": [statement]}


BLOCKED = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
TLS_ONLY = {
    "Statement": [
        {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    ]
}
RULES = [
    {
        "Status": "Enabled",
        "Filter": {"Prefix": "distill/"},
        "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
    },
    {"Status": "Enabled", "Filter": {"Prefix": "distill/runs/"}, "Expiration": {"Days": 90}},
]


class FakeAccount(MemoryStore):
    """
    An account that has everything, and the store of its buckets.

    A test takes something away. ``refused`` has the names of methods that the identity of the check may not use, and
    ``broken`` those to which AWS does not answer. ``not_allowed`` has the actions that no policy allows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.roles = {"r": RoleFacts(JOBS_ROLE, trust()), "airflow": RoleFacts(RUN_ROLE, {})}
        self.not_allowed: set[tuple[str, str]] = set()
        self.decision = Decision(is_allowed=False)
        self.simulated: list[tuple[str, str, str]] = []
        self.contexts: dict[tuple[str, str], Mapping[str, Sequence[str]]] = {}
        self.found_quotas: list[QuotaFact] = []
        self.keys: dict[str, str] = {}
        self.absent_buckets: set[str] = set()
        self.encryptions: dict[str, tuple[str, str] | None] = {}
        self.blocks: Mapping[str, bool] = BLOCKED
        self.bucket_policy: Mapping[str, Any] = TLS_ONLY
        self.rules: Sequence[Mapping[str, Any]] = RULES
        self.refused: set[str] = set()
        self.broken: set[str] = set()
        self.details: dict[str, dict[str, Any]] = {}
        self.availability: dict[str, Any] = {}
        self.deployments: list[str] = []
        self.absent_profiles: set[str] = set()

    def _asked(self, method: str) -> None:
        if method in self.refused:
            raise NotPermittedError(f"{method}: AccessDenied.")
        if method in self.broken:
            raise ServiceError(f"{method}: not implemented.")

    def foundation_model(self, model_id: str) -> dict[str, Any]:
        self._asked("foundation_model")
        active = {"modelLifecycle": {"status": "ACTIVE"}, "customizationsSupported": ["FINE_TUNING", "DISTILLATION"]}
        return self.details.get(model_id, active)

    def model_availability(self, model_id: str) -> dict[str, Any]:
        self._asked("model_availability")
        return self.availability

    def list_deployments(self) -> Sequence[Any]:
        self._asked("list_deployments")
        return [SimpleNamespace(name=name) for name in self.deployments]

    def profile_status(self, profile_id: str) -> str:
        self._asked("profile_status")
        if profile_id in self.absent_profiles:
            raise NotFoundError(f"get_inference_profile {profile_id}: ResourceNotFoundException.")
        return "ACTIVE"

    def identity(self) -> Identity:
        return Identity(SESSION, ACCOUNT)

    def role(self, name: str) -> RoleFacts:
        self._asked("role")
        if name not in self.roles:
            raise NotFoundError(f"get_role {name}: NoSuchEntity.")
        return self.roles[name]

    def simulate(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> dict[str, Decision]:
        self._asked("simulate")
        assert actions
        self.simulated += [(principal, action, resource) for action in actions]
        self.contexts |= {(action, resource): context for action in actions}
        return {
            action: self.decision if (principal, action) in self.not_allowed else Decision(is_allowed=True)
            for action in actions
        }

    def quotas(self) -> Sequence[QuotaFact]:
        self._asked("quotas")
        return self.found_quotas

    def quota(self, code: str) -> QuotaFact:
        self._asked("quota")
        for one in self.found_quotas:
            if one.code == code:
                return one
        raise NotFoundError(f"get_service_quota {code}: NoSuchResourceException.")

    def key_state(self, key: str) -> str:
        self._asked("key_state")
        if key not in self.keys:
            raise NotFoundError(f"describe_key {key}: NotFoundException.")
        return self.keys[key]

    def ensure_bucket(self, bucket: str, *, region: str, create: bool, **_: Any) -> str | None:
        assert not create, "the check may not create buckets"
        self._asked("ensure_bucket")
        if bucket in self.absent_buckets:
            raise NotFoundError(f"bucket {bucket} does not exist; create it")
        return None

    def encryption(self, bucket: str) -> tuple[str, str] | None:
        self._asked("encryption")
        return self.encryptions.get(bucket, ("AES256", ""))

    def public_access_block(self, bucket: str) -> Mapping[str, bool]:
        self._asked("public_access_block")
        return self.blocks

    def policy(self, bucket: str) -> Mapping[str, Any]:
        self._asked("policy")
        return self.bucket_policy

    def lifecycle_rules(self, bucket: str) -> Sequence[Mapping[str, Any]]:
        self._asked("lifecycle_rules")
        return self.rules


class FakeConnector:
    """Connect to a fake account. ``identities`` has another identity, or an error, by connection."""

    def __init__(self, account: FakeAccount) -> None:
        self.account = account
        self.identities: dict[str, Identity | ServiceError] = {}

    def reader(self, use_case: UseCase) -> FakeAccount:
        return self.account

    def store(self, use_case: UseCase) -> FakeAccount:
        return self.account

    def identity(self, conn_id: str, region: str) -> Identity:
        found = self.identities.get(conn_id, self.account.identity())
        if isinstance(found, ServiceError):
            raise found
        return found
