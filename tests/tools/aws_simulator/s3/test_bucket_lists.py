from __future__ import annotations

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import fresh, refused
from tools.aws_simulator.s3.bucket_lists import list_buckets
from tools.aws_simulator.s3.errors import S3Error


def test_pages_of_buckets(simulator: RunningSimulator) -> None:
    s3, prefix = simulator.boto("s3"), fresh("paged")
    for letter in "cab":
        s3.create_bucket(Bucket=f"{prefix}-{letter}")
    page = s3.list_buckets(MaxBuckets=1, Prefix=prefix)
    assert ([bucket["Name"] for bucket in page["Buckets"]], page["Prefix"]) == ([f"{prefix}-a"], prefix)
    s3.delete_bucket(Bucket=f"{prefix}-a")
    rest = s3.list_buckets(MaxBuckets=5, Prefix=prefix, ContinuationToken=page["ContinuationToken"])
    assert [bucket["Name"] for bucket in rest["Buckets"]] == [f"{prefix}-b", f"{prefix}-c"]
    assert "ContinuationToken" not in rest
    assert s3.list_buckets(BucketRegion="eu-west-1", Prefix=prefix)["Buckets"] == []
    with refused("InvalidArgument", "The continuation token provided is incorrect"):
        s3.list_buckets(ContinuationToken="jünk")


@pytest.mark.parametrize("most", ["0", "10001", "x", "-1"])
def test_a_wrong_number(most: str) -> None:
    with pytest.raises(S3Error, match="max-buckets"):
        list_buckets([], {"max-buckets": [most]})
