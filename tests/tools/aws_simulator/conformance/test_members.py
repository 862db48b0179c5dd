"""
No input member of an implemented operation is dropped silently: code names it, or a table here says what becomes of it.

Code "names" a member if its name is a string or a key in the module of the operation's handler, or in a module of the
simulator that this module imports, directly or through others. What code does with the value is for the tests of the
operation; this test finds members that nobody has thought of, for example new ones in an update of botocore.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.model import Shape

from tests.fakes.aws_simulator import RunningSimulator
from tests.tools.aws_simulator import builders
from tests.tools.aws_simulator.builders import refused
from tests.tools.aws_simulator.conformance.operations import MODULES, OPERATIONS, call
from tools.aws_simulator.catalog import catalog

PACKAGE = "tools.aws_simulator"
ROOT = Path(catalog.__file__).parents[3]
# By the end of a member's path. Members inside of a member that is listed here are not listed again.
STORED_ONLY = {
    "inputDataConfig.s3InputDataConfig.s3InputFormat": "shown by Get; its only value is JSONL",
    "inputDataConfig.s3InputDataConfig.s3BucketOwner": "shown by Get; the account owns all buckets",
    "outputDataConfig.s3OutputDataConfig.s3EncryptionKeyId": "shown by Get; objects are not encrypted",
    "outputDataConfig.s3OutputDataConfig.s3BucketOwner": "shown by Get; the account owns all buckets",
    "vpcConfig.subnetIds": "shown by Get, or refused with vpcConfig",
    "vpcConfig.securityGroupIds": "shown by Get, or refused with vpcConfig",
}
WITHOUT_EFFECT = {
    "sortBy": "its only value is the order of every list",
    "submitTimeAfter": "read as creationTimeAfter of the other lists",
    "submitTimeBefore": "read as creationTimeBefore of the other lists",
    "s3Location.bucketOwner": "the account owns all buckets",
    "guardContent.text.qualifiers": "qualifiers are for guardrails, and every guardrail is refused",
    "system.guardContent.text.qualifiers": "qualifiers are for guardrails, and every guardrail is refused",
    "guardrailConfig.guardrailVersion": "every guardrail is refused",
    "guardrailConfig.trace": "every guardrail is refused",
    "guardrailConfig.streamProcessingMode": "every guardrail is refused",
    "guardrailVersion": "every guardrail is refused",
    "trace": "the trace of guardrails, and every guardrail is refused",
    "accept": "every answer is JSON",
    "reasoningContent.redactedContent": "the simulated models do not read encrypted thoughts",
    "citations.sourceContent": "the models read the text of citations only",
    "citations.location": "the models read the text of citations only",
}
REFUSED = {
    "trainingDataConfig.invocationLogsConfig.usePromptResponse": "refused with invocationLogsConfig",
    "trainingDataConfig.invocationLogsConfig.invocationLogSource": "refused with invocationLogsConfig",
    "trainingDataConfig.invocationLogsConfig.requestMetadataFilters": "refused with invocationLogsConfig",
    "customizationConfig.rftConfig": "refused with customizationConfig",
    "inferenceConfig.ragConfigs": "the simulator has no knowledge bases",
    "content.toolAddition": "an unknown kind of content block",
    "content.toolRemoval": "an unknown kind of content block",
}
TABLE = {**STORED_ONLY, **WITHOUT_EFFECT, **REFUSED}


def paths(shape: Shape, path: tuple[str, ...] = (), seen: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the paths of the members of a shape, outer members before inner ones."""
    if shape.type_name == "structure" and shape.name not in seen and not getattr(shape, "is_document_type", False):
        for name, member in shape.members.items():
            yield ".".join((*path, name))
            yield from paths(member, (*path, name), (*seen, shape.name))
    elif shape.type_name == "list":
        yield from paths(shape.member, path, seen)
    elif shape.type_name == "map":
        yield from paths(shape.value, path, seen)


@functools.cache
def source(module: str) -> ast.Module | None:
    path = ROOT / Path(*module.split("."))
    path = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.parse(path.read_text(encoding="utf-8")) if path.exists() else None


@functools.cache
def imported(module: str) -> frozenset[str]:
    found: set[str] = set()
    for node in ast.walk(source(module) or ast.Module([], [])):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(PACKAGE):
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(name for name in found if source(name))


@functools.cache
def words(module: str) -> frozenset[str]:
    """Return the strings, the annotated names and the names of arguments in a module."""
    found: set[str] = set()
    for node in ast.walk(source(module) or ast.Module([], [])):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            found.add(node.target.id)
        elif isinstance(node, ast.keyword) and node.arg:
            found.add(node.arg)
    return frozenset(found)


def used_by(module: str) -> set[str]:
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        module = waiting.pop()
        if module not in reached:
            reached.add(module)
            waiting += imported(module)
    return set().union(*(words(name) for name in reached))


def is_listed(path: str) -> bool:
    return any(path == entry or path.endswith(f".{entry}") for entry in TABLE)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_every_member_is_named_by_code_or_listed(operation: str) -> None:
    names, dropped = used_by(MODULES[operation]), []
    for path in paths(OPERATIONS[operation].input_shape):
        inside_listed = any(is_listed(path[:end]) for end in range(len(path)) if path[end] == ".")
        if path.rpartition(".")[2] not in names and not is_listed(path) and not inside_listed:
            dropped.append(path)
    assert dropped == []


def test_the_table_has_only_members_of_the_service_model() -> None:
    everything = {path for model in OPERATIONS.values() for path in paths(model.input_shape)}
    assert [entry for entry in TABLE if not any(p == entry or p.endswith(f".{entry}") for p in everything)] == []


def test_a_member_that_nobody_names_is_found() -> None:
    assert "noSuchMember" not in used_by(f"{PACKAGE}.resources.throughput")
    assert "provisionedModelName" in used_by(f"{PACKAGE}.resources.throughput")


def test_what_a_batch_job_only_stores_is_shown(simulator: RunningSimulator, no_batch_left_running: None) -> None:
    request = builders.batch_request(simulator)
    request["inputDataConfig"]["s3InputDataConfig"] |= {"s3InputFormat": "JSONL", "s3BucketOwner": "123456789012"}
    key = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    request["outputDataConfig"]["s3OutputDataConfig"] |= {"s3EncryptionKeyId": key, "s3BucketOwner": "123456789012"}
    arn = call(simulator, "CreateModelInvocationJob", request)["jobArn"]
    shown = builders.batch_state(simulator, arn)
    assert {name: shown[name] for name in ("inputDataConfig", "outputDataConfig")} == {
        name: request[name] for name in ("inputDataConfig", "outputDataConfig")
    }


@pytest.mark.parametrize("kind", ["toolAddition", "toolRemoval"])
def test_content_blocks_of_unknown_kinds_are_refused(simulator: RunningSimulator, kind: str) -> None:
    block = {kind: {"tool": {"name": "clock"}}}
    with refused("ValidationException", kind):
        builders.converse(simulator, messages=[{"role": "user", "content": [{"text": "Hello"}, block]}])


LOGS = {"invocationLogSource": {"s3Uri": "s3://bucket/logs/"}}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        pytest.param({"trainingDataConfig": {"invocationLogsConfig": LOGS}}, "invocationLogsConfig", id="logs"),
        pytest.param(
            {"trainingDataConfig": {"s3Uri": "s3://bucket/train.jsonl", "invocationLogsConfig": LOGS}},
            "invocationLogsConfig",
            id="a file and logs",
        ),
        pytest.param(
            {"customizationConfig": {"rftConfig": {"hyperParameters": {"epochCount": 1}}}}, "rftConfig", id="grader"
        ),
    ],
)
def test_data_and_methods_that_the_simulator_does_not_have_are_refused(
    simulator: RunningSimulator, changes: dict[str, object], complaint: str
) -> None:
    with refused("ValidationException", complaint):
        builders.create_job(simulator, **changes)
