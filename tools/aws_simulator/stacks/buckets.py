"""
Turn the buckets of a stack into the S3 requests that configure them.

https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-s3-bucket.html
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ParamValidationError
from botocore.model import ListShape, Shape, StructureShape
from botocore.serialize import create_serializer

from tools.aws_simulator.protocol.specification import load_service
from tools.aws_simulator.stacks.parameters import as_text
from tools.aws_simulator.stacks.properties import check_known, objects_of, tags_of
from tools.aws_simulator.stacks.yaml_files import StackError

_RULE = {
    "Id": "ID",
    "Status": "Status",
    "AbortIncompleteMultipartUpload": "AbortIncompleteMultipartUpload",
    "NoncurrentVersionExpiration": "NoncurrentVersionExpiration",
}
_EXPIRATION = {
    "ExpirationInDays": "Days",
    "ExpirationDate": "Date",
    "ExpiredObjectDeleteMarker": "ExpiredObjectDeleteMarker",
}
_FILTER = {
    "Prefix": "Prefix",
    "ObjectSizeGreaterThan": "ObjectSizeGreaterThan",
    "ObjectSizeLessThan": "ObjectSizeLessThan",
}
_CORS = {
    "Id": "ID",
    "AllowedHeaders": "AllowedHeaders",
    "AllowedMethods": "AllowedMethods",
    "AllowedOrigins": "AllowedOrigins",
    "ExposedHeaders": "ExposeHeaders",
    "MaxAge": "MaxAgeSeconds",
}
_TRANSITION = {"TransitionInDays": "Days", "TransitionDate": "Date", "StorageClass": "StorageClass"}


def _encryption(where: str, value: Mapping[str, Any]) -> dict[str, Any]:
    check_known(where, value, ["ServerSideEncryptionConfiguration"])
    rules = []
    for rule in objects_of(where, value, "ServerSideEncryptionConfiguration"):
        check_known(where, rule, ["ServerSideEncryptionByDefault", "BucketKeyEnabled"])
        names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
        rules.append({names.get(name, name): item for name, item in rule.items()})
    return {"Rules": rules}


def _lifecycle(where: str, value: Mapping[str, Any]) -> dict[str, Any]:
    check_known(where, value, ["Rules"])
    known = [*_RULE, *_EXPIRATION, *_FILTER, "Transitions", "TagFilters"]
    rules = []
    for index, rule in enumerate(objects_of(where, value, "Rules")):
        place = f"{where}.Rules[{index}]"
        check_known(place, rule, known)
        stored = _renamed(rule, _RULE)
        stored["Filter"] = _filter(place, rule)
        if expiration := _renamed(rule, _EXPIRATION):
            stored["Expiration"] = expiration
        if transitions := objects_of(place, rule, "Transitions"):
            stored["Transitions"] = [_renamed(transition, _TRANSITION) for transition in transitions]
        rules.append(stored)
    return {"Rules": rules}


def _filter(where: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filter of a life-cycle rule. Several conditions are combined with And."""
    conditions, tags = _renamed(rule, _FILTER), objects_of(where, rule, "TagFilters")
    if len(conditions) + len(tags) > 1:
        return {"And": {**conditions, **({"Tags": tags} if tags else {})}}
    if tags:
        return {"Tag": tags[0]}
    return conditions or {"Prefix": ""}


def _renamed(value: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {new: value[old] for old, new in names.items() if old in value}


def _cors(where: str, value: Mapping[str, Any]) -> dict[str, Any]:
    check_known(where, value, ["CorsRules"])
    rules = []
    for index, rule in enumerate(objects_of(where, value, "CorsRules")):
        check_known(f"{where}.CorsRules[{index}]", rule, _CORS)
        rules.append(_renamed(rule, _CORS))
    return {"CORSRules": rules}


def _unchanged(_: str, value: Mapping[str, Any]) -> dict[str, Any]:
    return dict(value)


# The operation that sets a property, the member of its request, and the function that converts the property.
_OPERATIONS: dict[str, tuple[str, str, Callable[[str, Mapping[str, Any]], dict[str, Any]]]] = {
    "BucketEncryption": ("PutBucketEncryption", "ServerSideEncryptionConfiguration", _encryption),
    "CorsConfiguration": ("PutBucketCors", "CORSConfiguration", _cors),
    "LifecycleConfiguration": ("PutBucketLifecycleConfiguration", "LifecycleConfiguration", _lifecycle),
    "OwnershipControls": ("PutBucketOwnershipControls", "OwnershipControls", _unchanged),
    "PublicAccessBlockConfiguration": ("PutPublicAccessBlock", "PublicAccessBlockConfiguration", _unchanged),
    "VersioningConfiguration": ("PutBucketVersioning", "VersioningConfiguration", _unchanged),
}


def settings(
    where: str, properties: Mapping[str, Any], stack_tags: Mapping[str, str]
) -> Iterator[tuple[str, str, bytes]]:
    """Yield the name of each property of a bucket, and the query and body of the PUT request that sets it.

    :param where: the place of the properties in the template.
    :raises StackError: a property is not valid, or the simulator does not have it.
    """
    check_known(where, properties, [*_OPERATIONS, "BucketName", "Tags"])
    for name, (operation, member, convert) in _OPERATIONS.items():
        if name in properties:
            yield name, *_request(f"{where}.{name}", operation, {member: convert(f"{where}.{name}", properties[name])})
    if tags := tags_of(where, properties, stack_tags):
        tag_set = [{"Key": key, "Value": value} for key, value in tags.items()]
        yield "Tags", *_request(f"{where}.Tags", "PutBucketTagging", {"Tagging": {"TagSet": tag_set}})


def location(region: str) -> bytes:
    """Return the body of the request that creates a bucket in a Region. us-east-1 must not be named."""
    if region == "us-east-1":
        return b""
    configuration = {"CreateBucketConfiguration": {"LocationConstraint": region}}
    return _request(region, "CreateBucket", configuration)[1]


def _request(where: str, operation: str, arguments: dict[str, Any]) -> tuple[str, bytes]:
    """Return the query and the body of a request, as botocore writes it."""
    serializer = create_serializer("rest-xml", include_validation=True)
    try:
        model = load_service("s3").operation_model(operation)
        request = serializer.serialize_to_request(_typed(model.input_shape, {"Bucket": "bucket", **arguments}), model)
    except ParamValidationError as error:
        raise StackError(f"{where}: {' '.join(str(error).split())}") from None
    return request["url_path"].partition("?")[2], request["body"]


def _typed(shape: Shape | None, value: Any) -> Any:
    """Turn texts into the numbers and booleans that S3 expects, and numbers into texts, as CloudFormation does.

    The value of a parameter is a text even if its type is Number.
    """
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        return {name: _typed(shape.members.get(name), item) for name, item in value.items()}
    if isinstance(shape, ListShape) and isinstance(value, list):
        return [_typed(shape.member, item) for item in value]
    kind = shape.type_name if shape else ""
    if kind in ("integer", "long") and isinstance(value, str) and value.isdecimal():
        return int(value)
    if kind == "boolean" and value in ("true", "false"):
        return value == "true"
    return as_text(value) if kind == "string" and isinstance(value, bool | int | float) else value
