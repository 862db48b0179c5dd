from __future__ import annotations

from typing import Any

import pytest

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator.builders import refused

CUSTOM_UNITS = "L-BE77399C"
LIMITS = {
    "us.amazon.nova-micro-v1:0": {"rpm": 400, "tpm": 8_000_000},
    "amazon.nova-lite-v1:0": {"rpm": 100},
    "claude-sonnet-4-6": {"tpm": 5},
    "global.anthropic.claude-haiku-4-5-20251001-v1:0": {"rpm": 7},
    "arn:aws:bedrock:us-east-1:123456789012:provisioned-model/abc": {"rpm": 7},
}


def quotas(simulator: RunningSimulator, region: str = "us-east-1") -> dict[str, Any]:
    pages = simulator.boto("service-quotas", region=region).get_paginator("list_service_quotas")
    found = pages.paginate(ServiceCode="bedrock", PaginationConfig={"PageSize": 2})
    return {quota["QuotaCode"]: quota for page in found for quota in page["Quotas"]}


def test_model_units_follow_the_settings(simulator: RunningSimulator) -> None:
    client = simulator.boto("service-quotas")
    simulator.admin("PUT", "settings", {"model_units": 3})
    quota = client.get_service_quota(ServiceCode="bedrock", QuotaCode=CUSTOM_UNITS)["Quota"]
    assert quota["Value"] == 3
    assert quota["QuotaName"] == "Model units no-commitment Provisioned Throughputs across custom models"
    assert quota["QuotaArn"] == f"arn:aws:servicequotas:us-east-1:123456789012:bedrock/{CUSTOM_UNITS}"
    default = client.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode=CUSTOM_UNITS)["Quota"]
    assert default["Value"] == 0
    assert {code for code in quotas(simulator) if code.startswith("L-")} == {CUSTOM_UNITS, "L-FE44174A"}
    listed = client.list_aws_default_service_quotas(ServiceCode="bedrock")["Quotas"]
    assert {CUSTOM_UNITS, "L-FE44174A"} < {entry["QuotaCode"] for entry in listed}


def test_custom_model_deployments_have_quotas_of_their_own(simulator: RunningSimulator) -> None:
    rate = "(Model customization) Sum of on demand custom model deployment requests per minute for"
    simulator.admin("PUT", "settings", {"deployments": 12, "quotas": {"custom-model-deployment/nova-pro": {"rpm": 7}}})
    east = {quota["QuotaName"]: (quota["Value"], quota["Adjustable"]) for quota in quotas(simulator).values()}
    assert east["(Model customization) Total custom model deployments"] == (12, True)
    assert east["(Model customization) In-progress custom model deployments"] == (2, True)
    assert east[f"{rate} Amazon Nova Micro"] == (2000, False)
    assert east[f"{rate} Amazon Nova Pro"] == (7, False)
    assert east[f"{rate.replace('requests', 'tokens')} Amazon Nova Pro"] == (800_000, False)
    assert f"{rate} Meta Llama 3.3 70B Instruct" not in east
    west = {quota["QuotaName"]: quota["Value"] for quota in quotas(simulator, "us-west-2").values()}
    assert (west[f"{rate} Meta Llama 3.3 70B Instruct"], f"{rate} Amazon Nova Pro" in west) == (4, False)
    code = "SIMULATED-custom-model-deployment-nova-pro-requests"
    default = simulator.boto("service-quotas").get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode=code)
    assert default["Quota"]["Value"] == 200


def test_prompt_optimization_jobs_have_a_quota_where_bedrock_offers_them(simulator: RunningSimulator) -> None:
    code = "SIMULATED-concurrent-prompt-optimization-jobs"
    simulator.admin("PUT", "settings", {"optimization_jobs": 3})
    client = simulator.boto("service-quotas", region="eu-central-1")
    assert client.get_service_quota(ServiceCode="bedrock", QuotaCode=code)["Quota"]["Value"] == 3
    assert client.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode=code)["Quota"]["Value"] == 20
    assert code not in quotas(simulator, "eu-north-1")


def test_rate_quotas_follow_the_settings(simulator: RunningSimulator) -> None:
    simulator.admin("PUT", "settings", {"quotas": LIMITS})
    found = {quota["QuotaName"]: (code, quota["Value"]) for code, quota in quotas(simulator).items()}
    found = {name: value for name, value in found.items() if not name.startswith("(")}
    of, scope = "model inference", "ross-region model inference"
    assert found[f"C{scope} requests per minute for Amazon Nova Micro"] == ("L-3F110E0F", 400)
    assert found[f"C{scope} tokens per minute for Amazon Nova Micro"] == ("L-DC7FF66C", 8_000_000)
    nova_lite = found[f"On-demand {of} requests per minute for Amazon Nova Lite"]
    assert nova_lite == ("SIMULATED-On-demand-nova-lite-requests", 100)
    sonnet = found[f"C{scope} tokens per minute for Anthropic Claude Sonnet 4.6"]
    assert sonnet == ("SIMULATED-Cross-region-claude-sonnet-4-6-tokens", 5)
    assert f"Global c{scope} requests per minute for Anthropic Claude Haiku 4.5" in found
    assert len(found) == 2 + 5
    with refused("NoSuchResourceException", "does not know AWS's default"):
        client = simulator.boto("service-quotas")
        client.get_aws_default_service_quota(ServiceCode="bedrock", QuotaCode="L-3F110E0F")


@pytest.mark.parametrize(
    ("service", "code", "text"),
    [("bedrock", "L-00000000", "has no quota L-00000000"), ("ec2", CUSTOM_UNITS, "has quotas of bedrock only")],
)
def test_what_does_not_exist(simulator: RunningSimulator, service: str, code: str, text: str) -> None:
    with refused("NoSuchResourceException", text):
        simulator.boto("service-quotas").get_service_quota(ServiceCode=service, QuotaCode=code)


def test_refusals(simulator: RunningSimulator) -> None:
    client = simulator.boto("service-quotas")
    with refused("NoSuchResourceException", "has quotas of bedrock only"):
        client.list_service_quotas(ServiceCode="lambda")
    with refused("InvalidPaginationTokenException"):
        client.list_service_quotas(ServiceCode="bedrock", NextToken="abcd")
    with refused("UnknownOperationException", "does not implement RequestServiceQuotaIncrease"):
        client.request_service_quota_increase(ServiceCode="bedrock", QuotaCode=CUSTOM_UNITS, DesiredValue=9)
    assert client.list_service_quotas(ServiceCode="bedrock", QuotaAppliedAtLevel="RESOURCE")["Quotas"] == []
