"""Check the partition of every Region that botocore knows."""

from __future__ import annotations

from botocore.session import get_session

from include.distill.config.partitions import partition_of


def test_partitions_are_those_of_botocore() -> None:
    session = get_session()
    for partition in session.get_available_partitions():
        for region in session.get_available_regions("s3", partition):
            assert partition_of(region) == partition
