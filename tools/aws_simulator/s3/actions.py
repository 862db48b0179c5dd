"""
List the actions that a request to S3 needs, with their condition keys.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html lists the actions of each
operation. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html lists the actions and
condition keys. The pages of the operations name the further actions of headers, such as s3:PutObjectTagging for tags.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from urllib.parse import parse_qs, unquote

from tools.aws_simulator.account.calls import ACCOUNT_ID
from tools.aws_simulator.s3.changes import ObjectRequest

# The parts of a bucket's configuration, by the query that names them. Most actions are called Get... and Put...
_SETTINGS = {
    "accelerate": "AccelerateConfiguration",
    "acl": "BucketAcl",
    "cors": "BucketCORS",
    "encryption": "EncryptionConfiguration",
    "inventory": "InventoryConfiguration",
    "lifecycle": "LifecycleConfiguration",
    "location": "BucketLocation",
    "logging": "BucketLogging",
    "notification": "BucketNotification",
    "object-lock": "BucketObjectLockConfiguration",
    "ownershipControls": "BucketOwnershipControls",
    "policy": "BucketPolicy",
    "policyStatus": "BucketPolicyStatus",
    "publicAccessBlock": "BucketPublicAccessBlock",
    "replication": "ReplicationConfiguration",
    "requestPayment": "BucketRequestPayment",
    "tagging": "BucketTagging",
    "versioning": "BucketVersioning",
    "website": "BucketWebsite",
}
# All other parts are deleted with the action that sets them.
_DELETED = ("BucketPolicy", "BucketWebsite")
_LISTS = {"versions": "s3:ListBucketVersions", "uploads": "s3:ListBucketMultipartUploads"}
# What belongs to an object. Version is inserted before or after Object if the request names a version.
_PARTS = {
    "acl": "{verb}Object{version}Acl",
    "attributes": "{verb}Object{version}Attributes",
    "legal-hold": "{verb}ObjectLegalHold",
    "retention": "{verb}ObjectRetention",
    "tagging": "{verb}Object{version}Tagging",
}
_VERBS = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}
# The actions that a write needs besides s3:PutObject, by the header that asks for more.
_ADDED = {
    "x-amz-acl": "s3:PutObjectAcl",
    "x-amz-tagging": "s3:PutObjectTagging",
    "x-amz-object-lock-legal-hold": "s3:PutObjectLegalHold",
    "x-amz-object-lock-mode": "s3:PutObjectRetention",
}
# The actions that a new bucket needs besides s3:CreateBucket.
_NEW_BUCKET = {
    "x-amz-acl": ("s3:PutBucketAcl",),
    "x-amz-bucket-object-lock-enabled": ("s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"),
    "x-amz-object-ownership": ("s3:PutBucketOwnershipControls",),
}
_GRANT, _COPY = "x-amz-grant-", "x-amz-copy-source"
# The condition keys that have the name and the value of a header, and those that have them of an argument.
_HEADER_KEYS = (
    *("x-amz-acl", "x-amz-copy-source", "x-amz-metadata-directive", "x-amz-server-side-encryption"),
    *("x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-customer-algorithm"),
    *("x-amz-storage-class", "x-amz-website-redirect-location", "x-amz-content-sha256", "if-match", "if-none-match"),
)
_ARGUMENT_KEYS = ("prefix", "delimiter", "max-keys")


@dataclass(frozen=True)
class Needed:
    """An action that a request needs on a bucket or an object. An empty ``key`` means the bucket itself."""

    action: str
    bucket: str
    key: str = ""
    context: Mapping[str, str | list[str]] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The ARN of the resource; ``*`` if the action has none."""
        if not self.bucket:
            return "*"
        return f"arn:aws:s3:::{self.bucket}" + (f"/{self.key}" if self.key else "")


def needed(request: ObjectRequest) -> list[Needed]:
    """Return the actions that a request needs. DeleteObjects needs them for each key: see :func:`needed_to_delete`."""
    if request.method == "OPTIONS":
        return []  # browsers ask without credentials what a page may do
    if not request.bucket:
        return [Needed("s3:ListAllMyBuckets", "")]
    if not request.key:
        actions = [] if request.method == "POST" else _bucket_actions(request)
        return [Needed(action, request.bucket, "", _context(request, action)) for action in actions]
    found = [Needed(action, request.bucket, request.key, _context(request, action)) for action in _actions(request)]
    return [*_source(request), *found]


def needed_to_delete(request: ObjectRequest, key: str, version: str | None, *, matches: bool) -> list[Needed]:
    """Return the actions that DeleteObjects needs for one key.

    :param matches: the request states the ETag that the object must have.
    """
    context = {**_context(request, ""), **({"s3:versionid": version} if version else {})}
    action = "s3:DeleteObjectVersion" if version else "s3:DeleteObject"
    actions = [action, *(["s3:GetObject"] if matches else [])]
    return [Needed(name, request.bucket, key, context) for name in actions]


def needed_to_upload(request: ObjectRequest, key: str) -> list[Needed]:
    """Return the actions that an upload by a form needs."""
    context = {**_context(request, "s3:PutObject"), "s3:authtype": "POST"}
    return [Needed("s3:PutObject", request.bucket, key, context)]


def _bucket_actions(request: ObjectRequest) -> list[str]:
    arguments, method = request.arguments, request.method
    for name, part in _SETTINGS.items():
        if name in arguments:
            verb = "Put" if method == "DELETE" and part not in _DELETED else _VERBS[method]
            return [f"s3:{verb}{part}"]
    for name, action in _LISTS.items():
        if name in arguments:
            return [action]
    if method == "PUT":
        added = (actions for name, actions in _NEW_BUCKET.items() if _has(request.headers, name))
        return ["s3:CreateBucket", *chain.from_iterable(added)]
    return ["s3:DeleteBucket" if method == "DELETE" else "s3:ListBucket"]


def _has(headers: Mapping[str, str], name: str) -> bool:
    """Return whether a request has a header, or for the header of a canned ACL, one of the headers of grants."""
    return name in headers or (name == "x-amz-acl" and any(header.startswith(_GRANT) for header in headers))


def _actions(request: ObjectRequest) -> Iterator[str]:
    """Yield the actions that a request needs on its object."""
    arguments, method, headers = request.arguments, request.method, request.headers
    version = "Version" if "versionId" in arguments else ""
    part = next((name for name in _PARTS if name in arguments), None)
    if part is not None:
        yield "s3:" + _PARTS[part].format(verb=_VERBS[method], version=version)
        if part == "attributes":
            yield f"s3:GetObject{version}"
    elif "restore" in arguments:
        yield "s3:RestoreObject"
    elif "uploadId" in arguments and method in ("GET", "DELETE"):
        yield "s3:ListMultipartUploadParts" if method == "GET" else "s3:AbortMultipartUpload"
    elif method in ("GET", "HEAD"):
        yield f"s3:GetObject{version}"
    elif method == "DELETE":
        yield f"s3:DeleteObject{version}"
        if headers.get("x-amz-bypass-governance-retention", "").lower() == "true":
            yield "s3:BypassGovernanceRetention"
        yield from _to_compare(headers)
    else:
        yield "s3:PutObject"
        yield from _to_compare(headers)
        for name, action in _ADDED.items():
            if _has(headers, name):
                yield action


def _to_compare(headers: Mapping[str, str]) -> Iterator[str]:
    """
    Yield the action that a write needs if it depends on the object's ETag.

    https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-delete-enforce.html and
    conditional-writes-enforce.html next to it: the ETag may be compared only by callers who may read the object.
    """
    if headers.get("if-match", "*") != "*":
        yield "s3:GetObject"


def _source(request: ObjectRequest) -> list[Needed]:
    """Return what CopyObject and UploadPartCopy need on the object that they read."""
    source = copy_source(request)
    if source is None:
        return []
    bucket, key, version = source
    return [Needed("s3:GetObjectVersion" if version else "s3:GetObject", bucket, key)]


def copy_source(request: ObjectRequest) -> tuple[str, str, str | None] | None:
    """Return the bucket, the key and the version of the object that a request copies; None if it copies nothing."""
    if request.method != "PUT" or _COPY not in request.headers:
        return None
    path, _, query = request.headers[_COPY].partition("?")
    bucket, _, key = unquote(path).lstrip("/").partition("/")
    return (bucket, key, parse_qs(query).get("versionId", [None])[-1]) if key else None


def _context(request: ObjectRequest, action: str) -> dict[str, str | list[str]]:
    """Return the condition keys that describe a request."""
    arguments, headers = request.arguments, request.headers
    presigned = not {"X-Amz-Signature", "Signature"}.isdisjoint(arguments)
    context: dict[str, str | list[str]] = {
        "s3:authtype": "REST-QUERY-STRING" if presigned else "REST-HEADER",
        "s3:signatureversion": "AWS4-HMAC-SHA256",
        "s3:resourceaccount": ACCOUNT_ID,
    }
    context |= {f"s3:{name}": headers[name] for name in _HEADER_KEYS if name in headers}
    if action in ("s3:ListBucket", "s3:ListBucketVersions"):
        context |= {f"s3:{name}": arguments[name][-1] for name in _ARGUMENT_KEYS if name in arguments}
    if "versionId" in arguments:
        context["s3:versionid"] = arguments["versionId"][-1]
    if action == "s3:PutObject":
        # Only these three operations create an object.
        makes_part = "uploads" in arguments or (request.method == "PUT" and "uploadId" in arguments)
        context["s3:objectcreationoperation"] = "false" if makes_part else "true"
    if tags := parse_qs(headers.get("x-amz-tagging", ""), keep_blank_values=True):
        context |= {f"s3:requestobjecttag/{name.lower()}": values[-1] for name, values in tags.items()}
        context["s3:requestobjecttagkeys"] = list(tags)
    return context
