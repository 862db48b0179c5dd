"""Say how a person deletes or stops a resource without Airflow: the page of the Bedrock console, and the command."""

from __future__ import annotations

from enum import Enum


class ByHand(Enum):
    """The kinds of resources that cost money, each with its page in the console and the command that ends it."""

    THROUGHPUT = ("provisioned-throughput", "delete-provisioned-model-throughput --provisioned-model-id")
    # The documentation names this page "Custom model on-demand"; its URL is UNVERIFIED.
    # https://docs.aws.amazon.com/bedrock/latest/userguide/delete-custom-model-deployment.html
    DEPLOYMENT = ("custom-model-on-demand", "delete-custom-model-deployment --custom-model-deployment-identifier")
    CUSTOM_MODEL = ("custom-models", "delete-custom-model --model-identifier")
    TRAINING_JOB = ("custom-models", "stop-model-customization-job --job-identifier")
    EVALUATION_JOB = ("eval/evaluation", "stop-evaluation-job --job-identifier")
    # The documentation does not state the URL of this page, so it is UNVERIFIED.
    # https://docs.aws.amazon.com/bedrock/latest/userguide/advanced-prompt-optimization-jobs.html
    OPTIMIZATION_JOB = ("advanced-prompt-optimization", "stop-advanced-prompt-optimization-job --job-identifier")
    BATCH_JOB = ("batch-inference", "stop-model-invocation-job --job-identifier")

    def command(self, name_or_arn: str, region: str | None = None) -> str:
        """
        Return the command of the AWS CLI that deletes or stops the resource.

        :param region: the Region of the resource; ``None`` uses the Region of the person's own AWS profile.
        """
        command = f"aws bedrock {self.value[1]} {name_or_arn}"
        return f"{command} --region {region}" if region else command

    def page(self, region: str | None = None) -> str:
        """Return the URL of the page in the Bedrock console that lists such resources."""
        if region is None:
            return f"https://console.aws.amazon.com/bedrock/home#/{self.value[0]}"
        return f"https://{region}.console.{_console_domain(region)}/bedrock/home?region={region}#/{self.value[0]}"

    def ways(self, name_or_arn: str, region: str | None = None) -> str:
        """Return the end of a sentence that tells a person to delete or stop the resource."""
        return f"on the page {self.page(region)} or with `{self.command(name_or_arn, region)}`"


# For each kind of endpoint, the command that puts another model behind it. The endpoint's name or ARN follows the first
# string, and the model's ARN follows the second.
_SWITCHES = {
    ByHand.DEPLOYMENT: ("update-custom-model-deployment --custom-model-deployment-identifier", "--model-arn"),
    ByHand.THROUGHPUT: ("update-provisioned-model-throughput --provisioned-model-id", "--desired-model-id"),
}


def switch_command(endpoint: ByHand, name_or_arn: str, model_arn: str, region: str | None = None) -> str:
    """
    Return the command of the AWS CLI that puts another model behind an endpoint.

    :param endpoint: ``ByHand.DEPLOYMENT`` or ``ByHand.THROUGHPUT``.
    :param region: the Region of the endpoint; ``None`` uses the Region of the person's own AWS profile.
    """
    command, option = _SWITCHES[endpoint]
    place = f" --region {region}" if region else ""
    return f"aws bedrock {command} {name_or_arn} {option} {model_arn}{place}"


def _console_domain(region: str) -> str:
    if region.startswith("cn-"):
        return "amazonaws.cn"
    return "amazonaws-us-gov.com" if region.startswith("us-gov-") else "aws.amazon.com"
