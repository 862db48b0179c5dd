"""List the clients: what is installed for each, and which cases its script has."""

from __future__ import annotations

from dataclasses import dataclass

CASES = {
    "hello": "an answer to a prompt",
    "stream": "the same answer as a stream",
    "tools": "a tool call, its result and the answer; with instructor, a structured answer by a forced tool call",
    "structured": "an answer that follows a JSON schema",
    "s3": "files in S3, some of them uploaded in parts",
    "jobs": "a customization job and a batch job, created by deferrable operators and awaited by their triggers",
}
MODEL_CASES = ("hello", "stream", "tools", "structured")


@dataclass(frozen=True)
class Client:
    """
    A client library.

    :param name: the distribution whose version the table shows.
    :param script: the module in ``scripts``.
    :param packages: all packages to install, such as ``anthropic[bedrock]``. If empty, only ``name`` is installed.
    :param endpoint_variable: the environment variable with the client's endpoint. It is set only for a client that
        ignores AWS's own variables, such as ``AWS_ENDPOINT_URL``.
    """

    name: str
    script: str
    cases: tuple[str, ...] = MODEL_CASES
    packages: tuple[str, ...] = ()
    endpoint_variable: str = ""

    @property
    def requirements(self) -> tuple[str, ...]:
        """The requirements that are passed to the package installer."""
        return self.packages or (self.name,)


CLIENTS = (
    Client("boto3", "boto3_client", (*MODEL_CASES, "s3"), ("boto3", "pydantic")),
    # awscli offers no operation that answers with an event stream.
    Client("awscli", "awscli_client", ("hello", "tools", "structured", "s3"), ("awscli", "pydantic")),
    Client(
        "litellm", "litellm_client", packages=("litellm", "boto3"), endpoint_variable="AWS_BEDROCK_RUNTIME_ENDPOINT"
    ),
    Client("langchain-aws", "langchain_aws_client"),
    Client("llama-index-llms-bedrock-converse", "llama_index_client"),
    Client("strands-agents", "strands_agents_client"),
    Client("pydantic-ai-slim", "pydantic_ai_client", packages=("pydantic-ai-slim[bedrock]",)),
    # instructor can stream only partial objects, not text, and with Bedrock it cannot stream at all.
    Client("instructor", "instructor_client", ("hello", "tools", "structured"), ("instructor", "boto3")),
    Client("anthropic", "anthropic_client", packages=("anthropic[bedrock]",)),
    Client("s3fs", "s3fs_client", ("s3",)),
    Client(
        "apache-airflow-providers-amazon",
        "airflow_client",
        ("jobs",),
        ("apache-airflow-providers-amazon[aiobotocore]==9.39.0", "apache-airflow==3.3.2"),
    ),
)


def select(names: list[str]) -> list[Client]:
    """Return the clients whose names contain one of ``names``, or all if there are no names.

    :raises ValueError: a name matches no client.
    """
    for name in names:
        if not any(name in client.name for client in CLIENTS):
            known = ", ".join(client.name for client in CLIENTS)
            raise ValueError(f"No client has {name!r} in its name. Nothing was installed. The clients are: {known}.")
    return [client for client in CLIENTS if not names or any(name in client.name for name in names)]
