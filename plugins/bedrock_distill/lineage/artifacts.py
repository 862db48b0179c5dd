"""
Name what tasks read and write, as OpenLineage names datasets.

A dataset of OpenLineage has a namespace and a name. An S3 object has the namespace ``s3://<bucket>`` and its key as the
name. A model, a job or an endpoint of Bedrock is named by its ARN, which is split before the resource. The namespace, a
colon and the name are therefore the ARN, as OpenLineage prescribes for tables of AWS Glue.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from include.distill.config.catalog import Model
from include.distill.config.partitions import partition_of

LOCAL_NAMESPACE = "file"
ArtifactKind = Literal["FILE", "MODEL", "JOB", "ENDPOINT"]


@dataclass(frozen=True)
class Artifact:
    """
    A thing that a task reads or writes.

    :ivar description: what it is, in one sentence. It contains no text of rows, prompts or answers.
    :ivar rows: number of records that the task wrote to it; ``None`` if it is not known or has no records.
    :ivar files: number of files that the task wrote to it; ``None`` if it is not known.
    :ivar columns: the keys of its records.
    """

    namespace: str
    name: str
    kind: ArtifactKind
    description: str
    rows: int | None = None
    files: int | None = None
    columns: tuple[str, ...] = field(default=())


class TaskLineage(NamedTuple):
    """What a task reads and writes."""

    inputs: tuple[Artifact, ...] = ()
    outputs: tuple[Artifact, ...] = ()


def stored(
    uri: str, description: str, *, rows: int | None = None, files: int | None = None, record: type | None = None
) -> Artifact:
    """
    Return the artifact of a file, or of all files whose URIs begin with ``uri``.

    :param uri: a URI of S3, or the path of a local file.
    :param record: the type of its records, a typed dictionary.
    """
    namespace, name = LOCAL_NAMESPACE, uri
    if uri.startswith("s3://"):
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        namespace, name = f"s3://{bucket}", key.rstrip("/") or "/"
    columns = tuple(record.__annotations__) if record else ()
    return Artifact(namespace, name, "FILE", description, rows=rows, files=files, columns=columns)


def bedrock_resource(arn: str, kind: ArtifactKind, description: str) -> Artifact:
    """Return the artifact of a custom model, a job or an endpoint in Bedrock."""
    # A resource can contain colons, as in custom-model/amazon.nova-micro-v1:0:128k/abc.
    *place, resource = arn.split(":", 5)
    return Artifact(":".join(place), resource, kind, description)


def foundation_model(model: Model, region: str, description: str) -> Artifact:
    """Return the artifact of a model of the catalog. Its ARN names no account, because all accounts share the model."""
    arn = f"arn:{partition_of(region)}:bedrock:{region}::foundation-model/{model.foundation_id}"
    return bedrock_resource(arn, "MODEL", description)
