"""Check the console pages and commands with which a person ends what costs money."""

from __future__ import annotations

import pytest

from include.distill.core.by_hand import ByHand, switch_command

CONSOLE = "console.aws.amazon.com/bedrock/home"


@pytest.mark.parametrize(
    ("kind", "page", "command"),
    [
        (ByHand.THROUGHPUT, "provisioned-throughput", "delete-provisioned-model-throughput --provisioned-model-id"),
        (ByHand.CUSTOM_MODEL, "custom-models", "delete-custom-model --model-identifier"),
        (ByHand.TRAINING_JOB, "custom-models", "stop-model-customization-job --job-identifier"),
        (ByHand.EVALUATION_JOB, "eval/evaluation", "stop-evaluation-job --job-identifier"),
        (
            ByHand.OPTIMIZATION_JOB,
            "advanced-prompt-optimization",
            "stop-advanced-prompt-optimization-job --job-identifier",
        ),
        (ByHand.BATCH_JOB, "batch-inference", "stop-model-invocation-job --job-identifier"),
    ],
)
def test_each_kind_has_a_page_and_a_command(kind: ByHand, page: str, command: str) -> None:
    assert kind.ways("x", "eu-west-1") == (
        f"on the page https://eu-west-1.{CONSOLE}?region=eu-west-1#/{page} or with"
        f" `aws bedrock {command} x --region eu-west-1`"
    )
    assert kind.ways("x") == f"on the page https://{CONSOLE}#/{page} or with `aws bedrock {command} x`"


@pytest.mark.parametrize(
    ("region", "host"),
    [
        ("us-gov-west-1", "us-gov-west-1.console.amazonaws-us-gov.com"),
        ("cn-north-1", "cn-north-1.console.amazonaws.cn"),
        ("us-east-1", "us-east-1.console.aws.amazon.com"),
    ],
)
def test_the_page_is_that_of_the_partition_of_the_region(region: str, host: str) -> None:
    assert ByHand.THROUGHPUT.page(region).startswith(f"https://{host}/bedrock/home?region={region}#/")


def test_a_command_puts_another_model_behind_an_endpoint() -> None:
    assert switch_command(ByHand.DEPLOYMENT, "arn:e", "arn:m", "eu-west-1") == (
        "aws bedrock update-custom-model-deployment --custom-model-deployment-identifier arn:e --model-arn arn:m"
        " --region eu-west-1"
    )
    assert switch_command(ByHand.THROUGHPUT, "arn:e", "arn:m") == (
        "aws bedrock update-provisioned-model-throughput --provisioned-model-id arn:e --desired-model-id arn:m"
    )
