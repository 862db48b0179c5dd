"""List the actions that a use case needs because of its KMS keys and its network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from include.distill.account_check.needs import Arns, Need, Who
from include.distill.config.use_case import UseCase

_NETWORK = ("DhcpOptions", "NetworkInterfaces", "SecurityGroups", "Subnets", "Vpcs")
_OBJECT_ACTIONS = ("Decrypt", "GenerateDataKey")
_JOB_ACTIONS = ("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKey")


def key_needs(use_case: UseCase, *, has_jobs: bool) -> Iterator[Need]:
    """
    Yield the needs for the keys of a use case.

    A request that names the alias of a key is decided by the key, which the use case does not name. So an alias has no
    needs here.

    :param has_jobs: whether Bedrock assumes the role of jobs.
    """
    roles: tuple[Who, ...] = ("jobs",) if has_jobs else ()
    of_objects: Mapping[Who, tuple[str, ...]] = dict.fromkeys(("run", "promotion", "clean_up", *roles), _OBJECT_ACTIONS)
    of_jobs: Mapping[Who, tuple[str, ...]] = dict.fromkeys(("run", *roles), _JOB_ACTIONS)
    for setting, arn in use_case.kms_keys.items():
        if arn is None or ":key/" not in arn:
            continue
        is_of_objects = setting.startswith("storage.")
        service = f"{'s3' if is_of_objects else 'bedrock'}.{use_case.aws.region}.amazonaws.com"
        for who, actions in (of_objects if is_of_objects else of_jobs).items():
            for action in actions:
                yield Need(who, f"kms:{action}", arn, setting, conditions=(("kms:ViaService", service),))


def network_needs(use_case: UseCase, arns: Arns) -> Iterator[Need]:
    """Yield what the role of jobs needs for jobs in the network of a use case."""
    if use_case.aws.vpc is None:
        return
    for what in _NETWORK:
        yield Need("jobs", f"ec2:Describe{what}", "*", "aws.vpc")
    create, place = "ec2:CreateNetworkInterface", f"arn:{arns.partition}:ec2:{arns.region}:{arns.account}"
    managed = (("aws:RequestTag/BedrockManaged", "true"),)
    yield Need("jobs", create, f"{place}:network-interface/*", "aws.vpc", conditions=managed)
    for subnet in use_case.aws.vpc.subnet_ids:
        yield Need("jobs", create, f"{place}:subnet/{subnet}", "aws.vpc")
    for group in use_case.aws.vpc.security_group_ids:
        yield Need("jobs", create, f"{place}:security-group/{group}", "aws.vpc")
