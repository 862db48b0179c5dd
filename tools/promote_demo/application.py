"""Call a champion's endpoint as an application does. Nothing here uses the pipeline."""

from __future__ import annotations


def ask(arn: str, *, instruction: str, prompt: str, region: str) -> str:
    """
    Return the champion's answer.

    :param arn: ``endpoint.arn`` in ``champions/<use case>.json``. It stays the same when the champion changes.
    :param instruction: ``prompts.instruction`` of the use case. The model was trained with this text.
    :param prompt: the template ``prompts.answering``, filled in with the document and the question.
    """
    import boto3

    runtime = boto3.client("bedrock-runtime", region_name=region)
    answer = runtime.converse(
        modelId=arn,
        system=[{"text": instruction}],
        messages=[{"role": "user", "content": [{"text": prompt}]}],
        inferenceConfig={"maxTokens": 1024, "temperature": 0},
    )
    text: str = answer["output"]["message"]["content"][0]["text"]
    return text
