"""Read what the check of the account needs: identity, roles, policies, quotas, keys and settings of buckets."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from airflow.sdk.exceptions import AirflowException

from bedrock_distill.hooks.aws import credentials_source
from bedrock_distill.hooks.aws_error_table import load_error_table
from bedrock_distill.hooks.bedrock import BedrockDistillHook
from bedrock_distill.hooks.s3 import S3ObjectStore
from include.distill.account_check.reader import Decision, Identity, NotPermittedError, QuotaFact, RoleFacts
from include.distill.core.errors import NotFoundError, RefusedError

_BEDROCK = "bedrock"  # the code of the service in Service Quotas
# For these methods, a refusal says something about the bucket. S3ObjectStore turns it into a message.
_ABOUT_THE_BUCKET = frozenset({"head_bucket", "get_bucket_location", "head_object"})
# IAM describes a list of context values with a type of its own.
_LIST_KEYS = frozenset({"aws:TagKeys"})
_BOOLEAN_KEYS = frozenset({"aws:SecureTransport"})


class AccountHook(BedrockDistillHook):
    """
    Read from an account. Answers about roles, quotas and permissions are kept, because several use cases ask the same.

    Each method raises :class:`NotPermittedError` if the identity of the check may not read the answer.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._roles: dict[str, RoleFacts] = {}
        self._quotas: list[QuotaFact] | None = None
        self._decisions: dict[tuple[str, str, str], Decision] = {}

    def call(self, service: str, method: str, what: str = "", *, extra_seconds: int = 0, **parameters: Any) -> Any:
        """Call AWS as :meth:`AwsClients.call` does, and tell a missing permission of the check apart from other errors.

        :raises NotPermittedError: AWS refused access.
        :raises RefusedError: Airflow cannot make a session from the connection.
        """
        try:
            return super().call(service, method, what, extra_seconds=extra_seconds, **parameters)
        except RefusedError as error:
            meaning = load_error_table().for_code(error.code, "")
            if meaning is None or meaning.kind != "access" or method in _ABOUT_THE_BUCKET:
                raise
            raise NotPermittedError(error.happened) from error
        except AirflowException as error:
            source = credentials_source(self.aws_conn_id)
            raise RefusedError(f"The credentials of {source} cannot be used: {error}.") from error

    def identity(self) -> Identity:
        """Return who calls AWS. This needs no permission.

        :raises DistillError: AWS does not accept the credentials, or the connection cannot be used.
        """
        answer = self.call("sts", "get_caller_identity")
        return Identity(answer["Arn"], answer["Account"])

    def role(self, name: str) -> RoleFacts:
        """Return a role of the account."""
        if name not in self._roles:
            answer = self.call("iam", "get_role", name, RoleName=name)["Role"]
            self._roles[name] = RoleFacts(answer["Arn"], _document(answer.get("AssumeRolePolicyDocument", "{}")))
        return self._roles[name]

    def simulate(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> dict[str, Decision]:
        """Return what IAM's policy simulator says about actions on one resource, by action."""
        conditions = json.dumps({key: list(values) for key, values in context.items()}, sort_keys=True)
        key = (principal, f"{resource} {conditions}")
        wanted = [action for action in actions if (*key, action) not in self._decisions]
        if wanted:
            for action, decision in self._simulated(principal, wanted, resource, context).items():
                self._decisions[*key, action] = decision
        return {action: found for action in actions if (found := self._decisions.get((*key, action)))}

    def _simulated(
        self, principal: str, actions: Sequence[str], resource: str, context: Mapping[str, Sequence[str]]
    ) -> dict[str, Decision]:
        pages = self.pages(
            "iam",
            "simulate_principal_policy",
            principal,
            marker="Marker",
            PolicySourceArn=principal,
            ActionNames=list(actions),
            ContextEntries=[_entry(name, values) for name, values in context.items()],
            ResourceArns=[resource],
        )
        results = (result for page in pages for result in page["EvaluationResults"])
        return {result["EvalActionName"]: _decision(result) for result in results}

    def profile_status(self, profile_id: str) -> str:
        """Return the status of an inference profile, such as ``ACTIVE``."""
        answer = self.call("bedrock", "get_inference_profile", profile_id, inferenceProfileIdentifier=profile_id)
        return str(answer["status"])

    def quotas(self) -> Sequence[QuotaFact]:
        """Return all of Bedrock's quotas in the Region."""
        if self._quotas is None:
            pages = self.pages(
                "service-quotas", "list_service_quotas", _BEDROCK, marker="NextToken", ServiceCode=_BEDROCK
            )
            self._quotas = [_quota(entry) for page in pages for entry in page["Quotas"]]
        return self._quotas

    def quota(self, code: str) -> QuotaFact:
        """Return one of Bedrock's quotas."""
        return _quota(
            self.call("service-quotas", "get_service_quota", code, ServiceCode=_BEDROCK, QuotaCode=code)["Quota"]
        )

    def key_state(self, key: str) -> str:
        """Return the state of a KMS key, such as ``Enabled``."""
        return str(self.call("kms", "describe_key", key, KeyId=key)["KeyMetadata"]["KeyState"])


class BucketSettings(S3ObjectStore):
    """Read the settings of buckets, and the objects in them."""

    def encryption(self, bucket: str) -> tuple[str, str] | None:
        """Return the default encryption of a bucket and its key; ``None`` if the bucket has none."""
        answer: Mapping[str, Any] = {}
        with _unless_never_made("ServerSideEncryptionConfigurationNotFoundError"):
            answer = self._clients.call("s3", "get_bucket_encryption", bucket, Bucket=bucket)
        for rule in answer.get("ServerSideEncryptionConfiguration", {}).get("Rules", ()):
            if default := rule.get("ApplyServerSideEncryptionByDefault"):
                return default["SSEAlgorithm"], default.get("KMSMasterKeyID", "")
        return None

    def public_access_block(self, bucket: str) -> Mapping[str, bool]:
        """Return the settings that block public access; empty if there are none."""
        answer: Mapping[str, Any] = {}
        with _unless_never_made("NoSuchPublicAccessBlockConfiguration"):
            answer = self._clients.call("s3", "get_public_access_block", bucket, Bucket=bucket)
        return dict(answer.get("PublicAccessBlockConfiguration", {}))

    def policy(self, bucket: str) -> Mapping[str, Any]:
        """Return the policy of a bucket; empty if it has none."""
        with _unless_never_made("NoSuchBucketPolicy"):
            return _document(self._clients.call("s3", "get_bucket_policy", bucket, Bucket=bucket)["Policy"])
        return {}

    def lifecycle_rules(self, bucket: str) -> Sequence[Mapping[str, Any]]:
        """Return the life-cycle rules of a bucket that are enabled."""
        answer: Mapping[str, Any] = {}
        with _unless_never_made("NoSuchLifecycleConfiguration"):
            answer = self._clients.call("s3", "get_bucket_lifecycle_configuration", bucket, Bucket=bucket)
        return [rule for rule in answer.get("Rules", ()) if rule["Status"] == "Enabled"]


@contextmanager
def _unless_never_made(code: str) -> Iterator[None]:
    """Leave the block if S3 answers that a setting of a bucket was never made.

    :param code: S3's error code for that.
    """
    try:
        yield
    except NotFoundError as error:
        if error.code != code:
            raise


def _document(policy: Any) -> dict[str, Any]:
    """Return a policy document. botocore has already parsed the documents of IAM, but not those of S3."""
    return dict(json.loads(unquote(policy))) if isinstance(policy, str) else dict(policy)


def _entry(name: str, values: Sequence[str]) -> dict[str, Any]:
    kind = "stringList" if name in _LIST_KEYS else "boolean" if name in _BOOLEAN_KEYS else "string"
    return {"ContextKeyName": name, "ContextKeyValues": list(values), "ContextKeyType": kind}


def _decision(result: Mapping[str, Any]) -> Decision:
    decision = result["EvalDecision"]
    by_organization = result.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations", True)
    return Decision(
        is_allowed=decision == "allowed" and by_organization,
        is_denied=decision == "explicitDeny" or not by_organization,
        missing_context=tuple(result.get("MissingContextValues", ())),
    )


def _quota(entry: Mapping[str, Any]) -> QuotaFact:
    return QuotaFact(entry["QuotaCode"], entry["QuotaName"], float(entry["Value"]), bool(entry.get("Adjustable")))
