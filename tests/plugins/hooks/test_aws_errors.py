from __future__ import annotations

import re

import pytest
import urllib3
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    InvalidRegionError,
    LoginRefreshRequired,
    MissingDependencyException,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    ReadTimeoutError,
    ResponseStreamingError,
    SSLError,
    SSOTokenLoadError,
    TokenRetrievalError,
    UnauthorizedSSOTokenError,
    UnknownRegionError,
)

from bedrock_distill.hooks.aws_errors import named_errors, refused_only_if
from include.distill.core.errors import (
    ConcurrencyLimitError,
    ConflictError,
    ContractError,
    DailyQuotaError,
    ExpiredCredentialsError,
    InvalidRequestError,
    ModelNotReadyError,
    NotFoundError,
    PossiblyBilledError,
    RefusedError,
    ServiceError,
    ThrottledError,
    TransientError,
    UnreachedError,
)


def client_error(code: str, message: str = "reason", status: int = 400) -> ClientError:
    return ClientError(
        {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}},  # type: ignore[typeddict-item]
        "Operation",
    )


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (client_error("ThrottlingException", status=429), ThrottledError),
        (client_error("SlowDown", status=503), ThrottledError),
        (client_error("ModelTimeoutException", status=408), PossiblyBilledError),
        (client_error("ModelErrorException", status=424), TransientError),
        (client_error("ModelNotReadyException", status=429), ModelNotReadyError),
        (client_error("ExpiredTokenException", status=403), ExpiredCredentialsError),
        (client_error("InternalServerException", status=500), TransientError),
        (client_error("NeverHeardOf", status=502), TransientError),
        (client_error("NeverHeardOf", status=418), ContractError),
        (client_error("ResourceNotFoundException", status=404), NotFoundError),
        (client_error("NoSuchKey", status=404), NotFoundError),
        (client_error("ConflictException"), ConflictError),
        (client_error("ValidationException", "The provided job name is currently in use."), ConflictError),
        (client_error("ValidationException", "malformed"), InvalidRequestError),
        (client_error("AccessDeniedException", status=403), RefusedError),
        (client_error("ServiceQuotaExceededException"), RefusedError),
        (EndpointConnectionError(endpoint_url="http://x"), TransientError),
        (ReadTimeoutError(endpoint_url="http://x"), TransientError),
        (NoCredentialsError(), RefusedError),
        (PartialCredentialsError(provider="env", cred_var="AWS_SECRET_ACCESS_KEY"), RefusedError),
        (ProfileNotFound(profile="nightly"), RefusedError),
        (UnauthorizedSSOTokenError(), RefusedError),
        (SSOTokenLoadError(error_msg="Token does not exist"), RefusedError),
        (TokenRetrievalError(provider="sso", error_msg="Token has expired and refresh failed"), RefusedError),
        (LoginRefreshRequired(), RefusedError),
        (CredentialRetrievalError(provider="custom-process", error_msg="exit code 1"), RefusedError),
        (CredentialRetrievalError(provider="container-role", error_msg="Read timeout"), TransientError),
        (SSLError(endpoint_url="https://x", error="[SSL: CERTIFICATE_VERIFY_FAILED] self-signed"), UnreachedError),
        (SSLError(endpoint_url="https://x", error="EOF occurred in violation of protocol"), TransientError),
        (ProxyConnectionError(proxy_url="http://p", error="407 Proxy Authentication Required"), UnreachedError),
        (ProxyConnectionError(proxy_url="http://p", error="timed out"), TransientError),
        (ConnectTimeoutError(endpoint_url="https://x"), TransientError),
        (UnknownRegionError(region_name="moon", error_msg="no"), RefusedError),
        (InvalidRegionError(region_name="us east 1"), RefusedError),
        (NoRegionError(), RefusedError),
        (MissingDependencyException(msg="install botocore[crt]"), RefusedError),
        (ParamValidationError(report="modelUnits"), InvalidRequestError),
    ],
    ids=lambda value: str(value)[:40],
)
def test_every_aws_failure_becomes_a_named_error(error: Exception, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as raised, named_errors("call of thing"):
        raise error
    assert type(raised.value) is kind
    assert raised.value.__cause__ is error


def test_a_message_names_the_call_quotes_aws_and_says_what_to_do() -> None:
    with (
        pytest.raises(ThrottledError, match=r"converse nova: ThrottlingException: slow\. The quota refills"),
        named_errors("converse nova"),
    ):
        raise client_error("ThrottlingException", "slow.")


def test_errors_that_are_not_from_aws_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), named_errors("call"):
        raise ZeroDivisionError


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="http://x"),
        ConnectionClosedError(endpoint_url="http://x"),
        SSLError(endpoint_url="https://x", error="[SSL: DECRYPTION_FAILED_OR_BAD_RECORD_MAC] decryption failed"),
        HTTPClientError(error="Received response with content-encoding: gzip, but failed to decode it."),
        ResponseStreamingError(error="Connection broken"),
        IncompleteReadError(actual_bytes=1, expected_bytes=2),
        urllib3.exceptions.SSLError("bad record mac"),
        client_error("504", "Gateway Timeout", status=504),
        client_error("GatewayTimeoutException", status=504),
        client_error("ModelTimeoutException", status=408),
    ],
    ids=lambda error: str(error)[:40],
)
def test_a_model_call_whose_answer_is_lost_may_be_billed(error: Exception) -> None:
    with (
        pytest.raises(PossiblyBilledError, match=r"converse m: .*\bbills? "),
        named_errors("converse m", is_billed=True),
    ):
        raise error


@pytest.mark.parametrize(
    "error",
    [
        EndpointConnectionError(endpoint_url="http://x"),
        ConnectTimeoutError(endpoint_url="http://x"),
        ProxyConnectionError(proxy_url="http://p", error="timed out"),
        SSLError(endpoint_url="https://x", error="EOF occurred in violation of protocol"),
        client_error("InternalServerException", status=500),
        client_error("502", "Bad Gateway", status=502),
        client_error("ModelErrorException", status=424),
    ],
    ids=lambda error: str(error)[:40],
)
def test_a_call_that_the_model_did_not_answer_is_not_billed(error: Exception) -> None:
    with pytest.raises(TransientError) as raised, named_errors("converse m", is_billed=True):
        raise error
    assert type(raised.value) is TransientError


def test_a_broken_encrypted_connection_while_an_object_is_read_can_be_retried() -> None:
    with (
        pytest.raises(TransientError, match=r"SSLError: bad record mac\. A repeated call never buys") as raised,
        named_errors("get"),
    ):
        raise urllib3.exceptions.SSLError("bad record mac")
    assert type(raised.value) is TransientError


@pytest.mark.parametrize(
    ("code", "message", "kind"),
    [
        ("ThrottlingException", "Too many tokens per day, please wait before trying again.", DailyQuotaError),
        ("ThrottlingException", "Too many requests per day.", DailyQuotaError),
        ("TooManyRequestsException", "You exceeded your daily token quota.", DailyQuotaError),
        ("ServiceQuotaExceededException", "Max tokens per day is 100", DailyQuotaError),
        ("ThrottlingException", "You have exceeded your tokens_per_day quota.", DailyQuotaError),
        ("ThrottlingException", "DailyTokenLimitExceeded", DailyQuotaError),
        ("ThrottlingException", "max_daily_tokens exceeded", DailyQuotaError),
        ("ThrottlingException", "Limit of 10,000 requests every day reached", DailyQuotaError),
        ("TooManyRequestsException", "The quota for the day is used up", DailyQuotaError),
        ("TooManyRequestsException", "Too many tokens in the last 24 hrs", DailyQuotaError),
        ("TooManyRequestsException", "Rate limit of your 1-day window exceeded", DailyQuotaError),
        ("429", "Quota resets at midnight UTC", DailyQuotaError),
        ("429", "Tokens a day: limit 1000", DailyQuotaError),
        ("ThrottlingException", "Too many tokens per minute for model daybreak-1 in 24 requests", ThrottledError),
        ("ThrottlingException", "Rate exceeded for endpoint holiday", ThrottledError),
        ("ThrottlingException", "Exceeded 24 requests per minute", ThrottledError),
        ("ThrottlingException", "Too many tokens, please wait before trying again.", ThrottledError),
        ("ThrottlingException", "Too many requests per minute. Try again some days later.", ThrottledError),
        ("ValidationException", "The report is daily", InvalidRequestError),
    ],
)
def test_a_quota_per_day_is_final(code: str, message: str, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as raised, named_errors("converse m"):
        raise client_error(code, message, status=429)
    assert type(raised.value) is kind


FORM = "Model use case details have not been submitted for this account. Fill out the Anthropic use case details form"
MARKETPLACE = "not authorized to perform the required AWS Marketplace actions (aws-marketplace:Subscribe)"
MANY_JOBS = "You have reached the maximum number of concurrent model customization jobs"
NO_UNITS = "Your account does not currently have any no commitment model units reserved for meta.llama3-1-8b"


@pytest.mark.parametrize(
    ("code", "message", "kind", "advice"),
    [
        ("AuthorizationHeaderMalformed", "the region 'us-east-1' is wrong", RefusedError, "in another Region"),
        ("301", "Moved Permanently", RefusedError, "in another Region"),
        ("IllegalLocationConstraintException", "", RefusedError, "in another Region"),
        ("OptInRequired", "", RefusedError, "Enable the Region"),
        ("RequestTimeTooSkewed", "The difference is too large", RefusedError, "Synchronize the clock"),
        ("InvalidSignatureException", "Signature expired: 20261126T is now earlier", RefusedError, "Synchronize the"),
        ("InvalidSignatureException", "The request signature we calculated", RefusedError, "secret key"),
        ("SignatureDoesNotMatch", "", RefusedError, "secret key"),
        ("IncompleteSignature", "", RefusedError, "secret key"),
        ("InvalidToken", "malformed", RefusedError, "Copy the access key, secret key and session token"),
        ("InvalidClientTokenId", "The security token included is invalid", RefusedError, "mistyped, deactivated"),
        ("UnrecognizedClientException", "", RefusedError, "mistyped, deactivated"),
        ("MissingAuthenticationToken", "", RefusedError, "no credentials"),
        ("TokenRefreshRequired", "", ExpiredCredentialsError, "Renew the credentials"),
        ("InvalidObjectState", "storage class", RefusedError, "Restore the object"),
        ("KMS.DisabledException", "arn is disabled", RefusedError, "Enable the key"),
        ("KMS.KMSInvalidStateException", "pending deletion", RefusedError, "Cancel the deletion"),
        ("KMS.InvalidStateException", "pending deletion", RefusedError, "Cancel the deletion"),
        ("KMS.NotFoundException", "", RefusedError, "KMS key does not exist"),
        ("DisabledException", "", RefusedError, "Enable the key"),
        ("AccessDenied", "not authorized to perform: kms:Decrypt on the resource", RefusedError, "kms:GenerateDataKey"),
        ("AccessDenied", "with an explicit deny in a service control policy", RefusedError, "another Allow cannot"),
        ("AccessDenied", "", RefusedError, "section 4"),
        ("AccessDeniedException", "iam:PassRole is missing", RefusedError, "may not pass the role"),
        ("403", "Forbidden", RefusedError, "HeadObject needs s3:GetObject on the object"),
        ("AccessDeniedException", MARKETPLACE, RefusedError, "aws-marketplace:ViewSubscriptions"),
        ("AccessDeniedException", "INVALID_PAYMENT_INSTRUMENT", RefusedError, "Billing console"),
        ("AccessDeniedException", "You don't have access to the model", RefusedError, "model catalog"),
        ("AllAccessDisabled", "", RefusedError, "blocked the account"),
        ("ResourceNotFoundException", FORM, RefusedError, "PutUseCaseForModelAccess"),
        ("ResourceNotFoundException", "You have not filled out the request form", RefusedError, "15 minutes"),
        ("FTUFormNotFilled", "", RefusedError, "PutUseCaseForModelAccess"),
        ("ValidationException", "Operation not allowed", RefusedError, "support case"),
        ("ValidationException", "Input is too long for requested model.", InvalidRequestError, "Shorten"),
        ("ValidationException", "The provided model identifier is invalid.", RefusedError, "does not know this model"),
        (
            "ConflictException",
            "The model ARN is already in use by another throughput",
            ConflictError,
            "another endpoint",
        ),
        ("ValidationException", "ARN is already in use by another throughput", ConflictError, "another endpoint"),
        ("ValidationException", "The provided job name is currently in use.", ConflictError, "rename the use case"),
        ("ServiceQuotaExceededException", MANY_JOBS, ConcurrencyLimitError, "may be submitted again"),
        ("ServiceQuotaExceededException", "Too many jobs in progress", ConcurrencyLimitError, "may be submitted again"),
        ("ServiceQuotaExceededException", NO_UNITS, RefusedError, "model units"),
        ("ServiceQuotaExceededException", "100 custom models", RefusedError, "Delete what is no longer needed"),
        ("OperationAborted", "", TransientError, "Another operation"),
        ("412", "Precondition Failed", TransientError, "replaced"),
        ("403", "Forbidden", RefusedError, "no reason for a HEAD request"),
        ("404", "Not Found", NotFoundError, "whether the resource was deleted"),
        ("400", "Bad Request", ExpiredCredentialsError, "expired session token"),
        ("BadDigest", "", TransientError, "damaged"),
        ("TooManyTagsException", "", RefusedError, "more than 50 tags"),
    ],
)
def test_each_error_says_what_it_means_and_what_to_do(
    code: str, message: str, kind: type[ServiceError], advice: str
) -> None:
    with pytest.raises(ServiceError, match="(?i)" + re.escape(advice)) as raised, named_errors("call of thing"):
        raise client_error(code, message)
    assert type(raised.value) is kind
    assert raised.value.code == code
    assert str(raised.value).startswith(f"call of thing: {code}: {message}".rstrip(".: "))


ASSUMED = "User: arn:aws:sts::123456789012:assumed-role/run/x"
NO_POLICY = "because no identity-based policy allows the"


@pytest.mark.parametrize(
    ("action", "on", "resource", "policy"),
    [
        ("iam:PassRole", " on resource: arn:aws:iam::1:role/jobs", "arn:aws:iam::1:role/jobs", "iam-pass-role"),
        ("bedrock:ListModelInvocationJobs", "", "any resource", "run"),
        ("bedrock:InvokeModel", " on resource: arn:aws:bedrock:::x/m", "arn:aws:bedrock:::x/m", "run-models"),
        ("s3:PutObject", ' on resource: "arn:aws:s3:::bucket/a"', "arn:aws:s3:::bucket/a", "run-storage"),
    ],
)
def test_a_missing_permission_names_the_action_the_resource_and_the_policy_to_attach(
    monkeypatch: pytest.MonkeyPatch, action: str, on: str, resource: str, policy: str
) -> None:
    monkeypatch.setenv("DISTILL_ENVIRONMENT", "prod")
    code = "AccessDenied" if action.startswith("s3:") else "AccessDeniedException"
    message = f"{ASSUMED} is not authorized to perform: {action}{on} {NO_POLICY} {action} action"
    with pytest.raises(RefusedError) as raised, named_errors("call of thing", connection="the connection aws_run"):
        raise client_error(code, message, status=403)
    advice = raised.value.to_do
    assert advice.startswith(f"The identity of the connection aws_run may not do {action} on {resource}. ")
    assert re.search(rf"deploy/cloudformation/bedrock-distill\.yaml, .* bedrock-distill-prod-{policy}\b[^-]", advice)
    assert raised.value.then_clear
    assert "{" not in advice


@pytest.mark.parametrize(
    "message", ["with an explicit deny in a resource-based policy", "because no permissions boundary allows the"]
)
def test_a_permission_that_a_policy_or_a_boundary_takes_away_is_not_missing_from_the_template(message: str) -> None:
    with pytest.raises(RefusedError, match="another Allow cannot help"), named_errors("call"):
        raise client_error("AccessDenied", f"{ASSUMED} is not authorized to perform: s3:GetObject on x {message}")


def test_an_error_about_a_bucket_names_the_region_in_which_s3_says_it_is() -> None:
    error = client_error("301", "Moved Permanently", status=301)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {"x-amz-bucket-region": "eu-west-1"}
    with pytest.raises(RefusedError, match="the bucket is in eu-west-1") as raised, named_errors("head_bucket b"):
        raise error
    assert raised.value.bucket_region == "eu-west-1"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, ContractError),
        (404, ContractError),
        (0, ContractError),
        (401, RefusedError),
        (403, RefusedError),
        (408, TransientError),
        (429, ThrottledError),
        (500, TransientError),
        (503, TransientError),
    ],
)
def test_an_unknown_code_is_judged_by_its_status(status: int, kind: type[ServiceError]) -> None:
    with pytest.raises(ServiceError) as raised, named_errors("call"):
        raise client_error("NeverHeardOf", status=status)
    assert type(raised.value) is kind
    if kind in (ContractError, RefusedError):
        assert "report the error as a bug" in str(raised.value)


@pytest.mark.parametrize(
    ("code", "exists", "kind"),
    [
        ("AccessDeniedException", False, NotFoundError),
        ("AccessDeniedException", True, RefusedError),
        ("ServiceQuotaExceededException", False, RefusedError),
        ("ConflictException", False, ConflictError),
    ],
)
def test_a_refusal_for_a_resource_that_does_not_exist_means_that_it_is_not_found(
    code: str, exists: bool, kind: type[ServiceError]
) -> None:
    with pytest.raises(ServiceError) as raised, refused_only_if(lambda: exists), named_errors("delete x"):
        raise client_error(code)
    assert type(raised.value) is kind
