from __future__ import annotations

from typing import Any

import pytest

from tools.aws_simulator.s3.xml_checks import check_xml
from tools.aws_simulator.stacks.buckets import location, settings
from tools.aws_simulator.stacks.yaml_files import StackError


def found(properties: dict[str, Any], tags: dict[str, str] | None = None) -> dict[str, str]:
    """Return the bodies of the requests by query, without the namespace. S3 must accept each of them."""
    requests = {query: body for _, query, body in settings("Resources.B.Properties", properties, tags or {})}
    for query, body in requests.items():
        check_xml({query: [""]}, body)
    return {
        query: body.decode().replace(' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"', "")
        for query, body in requests.items()
    }


def test_each_property_becomes_a_request() -> None:
    rules = [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}]
    requests = found(
        {
            "BucketName": "b",
            "BucketEncryption": {"ServerSideEncryptionConfiguration": rules},
            "CorsConfiguration": {"CorsRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"], "MaxAge": 5}]},
            "PublicAccessBlockConfiguration": {"BlockPublicAcls": True},
            "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            "VersioningConfiguration": {"Status": "Enabled"},
            "Tags": [{"Key": "Owner", "Value": "team"}],
        },
        {"Cost": "1"},
    )
    assert list(requests) == ["encryption", "cors", "ownershipControls", "publicAccessBlock", "versioning", "tagging"]
    assert "<SSEAlgorithm>aws:kms</SSEAlgorithm><KMSMasterKeyID>key</KMSMasterKeyID>" in requests["encryption"]
    assert "<AllowedOrigin>*</AllowedOrigin><MaxAgeSeconds>5</MaxAgeSeconds>" in requests["cors"]
    assert "<BlockPublicAcls>true</BlockPublicAcls>" in requests["publicAccessBlock"]
    assert "<Key>Cost</Key><Value>1</Value></Tag><Tag><Key>Owner</Key>" in requests["tagging"]


@pytest.mark.parametrize(
    ("rule", "xml"),
    [
        ({"ExpirationInDays": 3, "Prefix": "runs/"}, "<Filter><Prefix>runs/</Prefix></Filter>"),
        ({"ExpirationInDays": 3}, "<Expiration><Days>3</Days></Expiration>"),
        ({"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}}, "<Filter><Prefix /></Filter>"),
        (
            {"AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7}},
            "<AbortIncompleteMultipartUpload><DaysAfterInitiation>7</DaysAfterInitiation>",
        ),
        ({"NoncurrentVersionExpiration": {"NoncurrentDays": 2}}, "<NoncurrentDays>2</NoncurrentDays>"),
        (
            {"Transitions": [{"StorageClass": "GLACIER", "TransitionInDays": 9}]},
            "<Transition><Days>9</Days><StorageClass>GLACIER</StorageClass></Transition>",
        ),
        (
            {"ExpirationInDays": 1, "Prefix": "a", "TagFilters": [{"Key": "k", "Value": "v"}]},
            "<And><Prefix>a</Prefix><Tag><Key>k</Key><Value>v</Value></Tag></And>",
        ),
        (
            {"ExpirationInDays": 1, "TagFilters": [{"Key": "k", "Value": "v"}]},
            "<Filter><Tag><Key>k</Key><Value>v</Value></Tag></Filter>",
        ),
    ],
)
def test_rules_of_the_life_cycle_are_converted(rule: dict[str, Any], xml: str) -> None:
    properties = {"LifecycleConfiguration": {"Rules": [{"Id": "one", "Status": "Enabled", **rule}]}}
    assert xml in found(properties)["lifecycle"]


def test_texts_and_numbers_become_what_s3_expects() -> None:
    properties = {
        "PublicAccessBlockConfiguration": {"BlockPublicAcls": "true", "BlockPublicPolicy": "false"},
        "LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpirationInDays": "30"}]},
        "Tags": [{"Key": "cost-center", "Value": 7}],
    }
    requests = found(properties)
    assert "<BlockPublicAcls>true</BlockPublicAcls>" in requests["publicAccessBlock"]
    assert "<BlockPublicPolicy>false</BlockPublicPolicy>" in requests["publicAccessBlock"]
    assert "<Days>30</Days>" in requests["lifecycle"]
    assert "<Value>7</Value>" in requests["tagging"]


def test_only_other_regions_are_named_when_a_bucket_is_created() -> None:
    assert location("us-east-1") == b""
    assert b"<LocationConstraint>us-west-2</LocationConstraint>" in location("us-west-2")


@pytest.mark.parametrize(
    ("properties", "message"),
    [
        ({"WebsiteConfiguration": {}}, r"^Resources\.B\.Properties\.WebsiteConfiguration: .* does not have"),
        (
            {"LifecycleConfiguration": {"Rules": [{"Status": "Enabled", "ExpiredObjects": 1}]}},
            r"LifecycleConfiguration\.Rules\[0\]\.ExpiredObjects: .* does not have",
        ),
        ({"VersioningConfiguration": {"Status": ["Enabled"]}}, r"VersioningConfiguration: .*Status"),
        ({"OwnershipControls": {"Rule": []}}, r"OwnershipControls: .*Rules"),
    ],
)
def test_what_would_be_ignored_or_refused_is_named(properties: dict[str, Any], message: str) -> None:
    with pytest.raises(StackError, match=message):
        found(properties)
