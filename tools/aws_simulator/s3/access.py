"""
Refuse requests that the caller's policies or the policy of the bucket do not allow.

A request for an object that does not exist gets status 404 only if the caller may list the bucket. The condition key
``s3:prefix`` then has the key of the object: https://github.com/ceph/ceph/pull/68577. A bucket that does not exist is
reported to everyone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol
from xml.etree.ElementTree import Element, SubElement, fromstring, register_namespace, tostring

from tools.aws_simulator.s3.actions import Needed, needed, needed_to_delete, needed_to_upload
from tools.aws_simulator.s3.changes import ObjectRequest, current_object
from tools.aws_simulator.s3.encryption_keys import key_uses
from tools.aws_simulator.s3.errors import S3Error
from tools.aws_simulator.s3.post_policies import key_of_form

_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
Answer = tuple[int, dict[str, str], bytes | str]
_READS = ("s3:GetObject", "s3:GetObjectAcl", "s3:GetObjectAttributes", "s3:GetObjectTagging")


class Refusal(Protocol):
    """A function that returns AWS's message if the caller may not do an action, and None if it may."""

    def __call__(
        self,
        action: str,
        resource_arn: str,
        region: str,
        context: Mapping[str, str | list[str]],
        *,
        resource_policy: str | None,
    ) -> str | None:
        """Return the message or None."""


class Access:
    """
    What a caller may do in S3.

    :param refusal: decides about one action.
    :param buckets: moto's buckets by name.
    :param policy_of: returns the policy of a bucket; None if it has none.
    """

    def __init__(self, refusal: Refusal, buckets: Mapping[str, Any], policy_of: Callable[[str], str | None]) -> None:
        self._refusal = refusal
        self._buckets = buckets
        self._policy_of = policy_of

    def check(self, request: ObjectRequest) -> None:
        """Check a request other than DeleteObjects.

        :raises S3Error: it is refused. If the key of a form is missing, moto refuses the form.
        """
        wanted = needed(request)
        if request.method == "POST" and not request.key:
            key = key_of_form(request.headers, request.body)
            wanted = needed_to_upload(request, key) if key else []
        self._check(wanted)
        for one in wanted:
            if one.action in _READS and one.key and self._is_missing(one):
                self._check([Needed("s3:ListBucket", one.bucket, "", {**one.context, "s3:prefix": one.key})])
        for use in key_uses(self._buckets, request):
            message = self._refusal(use.action, use.key_arn, use.region, use.context, resource_policy=None)
            if message:
                raise S3Error("AccessDenied", message, 403)

    def _is_missing(self, one: Needed) -> bool:
        return one.bucket in self._buckets and current_object(self._buckets[one.bucket], one.key) is None

    def _check(self, wanted: Iterable[Needed]) -> None:
        for one in wanted:
            if message := self._message(one):
                raise S3Error("AccessDenied", message, 403)

    def _message(self, one: Needed) -> str | None:
        region = str(self._buckets[one.bucket].region_name) if one.bucket in self._buckets else None
        if region is None and one.action not in ("s3:ListAllMyBuckets", "s3:CreateBucket"):
            return None
        policy = self._policy_of(one.bucket) if region else None
        message = self._refusal(one.action, one.arn, region or "us-east-1", one.context, resource_policy=policy)
        # S3 puts the resource in quotation marks: https://github.com/Privado-Inc/privado/issues/573
        return message and message.replace(f"on resource: {one.arn} ", f'on resource: "{one.arn}" ', 1)

    def delete(self, request: ObjectRequest, perform: Callable[[ObjectRequest], Answer]) -> Answer:
        """Answer DeleteObjects. The response has an error for each key that the caller may not delete.

        :param perform: deletes the keys of a request.
        """
        root = fromstring(request.body)  # noqa: S314 - check_xml has accepted it
        errors: list[dict[str, str]] = []
        for item in root.findall("{*}Object"):
            key, version = item.findtext("{*}Key") or "", item.findtext("{*}VersionId")
            wanted = needed_to_delete(request, key, version, matches=item.find("{*}ETag") is not None)
            message = next(filter(None, map(self._message, wanted)), None)
            if message:
                named = {"Key": key, "VersionId": version} if version else {"Key": key}
                errors.append({**named, "Code": "AccessDenied", "Message": message})
                root.remove(item)
        if not errors:
            return perform(request)
        register_namespace("", _NAMESPACE)  # moto does not understand prefixes
        if root.find("{*}Object") is None:
            return 200, {"content-type": "application/xml"}, _with_errors("", errors)
        status, headers, content = perform(_with_body(request, bytes(tostring(root))))
        return status, headers, _with_errors(content, errors) if status < 300 else content


def is_deletion(request: ObjectRequest) -> bool:
    """Return whether a request is DeleteObjects."""
    return request.method == "POST" and not request.key and "delete" in request.arguments


def _with_body(request: ObjectRequest, body: bytes) -> ObjectRequest:
    """Return the request with another body, without the headers that describe the old body."""
    names = [name for name in request.headers if "checksum" in name or name in ("content-md5", "x-amz-content-sha256")]
    headers = {name: value for name, value in request.headers.items() if name not in names}
    headers["content-length"] = str(len(body))
    return ObjectRequest(request.method, request.bucket, request.key, request.query, headers, body)


def _with_errors(content: bytes | str, errors: Iterable[Mapping[str, str]]) -> bytes:
    """Return the response of DeleteObjects with an error for each key that was refused.

    :param content: the response for the other keys; empty if there are no other keys.
    """
    root = fromstring(content) if content else Element(f"{{{_NAMESPACE}}}DeleteResult")  # noqa: S314 - moto wrote it
    space = root.tag.partition("}")[0] + "}" if root.tag.startswith("{") else ""
    for error in errors:
        element = SubElement(root, f"{space}Error")
        for name, text in error.items():
            SubElement(element, space + name).text = text
    return bytes(tostring(root, encoding="utf-8", xml_declaration=True))
