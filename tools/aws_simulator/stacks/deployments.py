"""
Read stack deployment files, which name a template and the values of its parameters.

The format is that of CloudFormation's Git sync, with two differences. The path of the template is relative to the
deployment file, not to the top of the repository. The key ``region`` names the stack's Region; Git sync has a setting
for it outside the file.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/git-sync-concepts-terms.html
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.aws_simulator.catalog.regions import all_regions
from tools.aws_simulator.stacks.parameters import as_text
from tools.aws_simulator.stacks.template import REGION, RenderedStack, render
from tools.aws_simulator.stacks.yaml_files import StackError, read_yaml

_TEMPLATE = "template-file-path"
_KEYS = frozenset({_TEMPLATE, "parameters", "tags", "region"})


@dataclass(frozen=True)
class Deployment:
    """A template, the values of its parameters, and the tags and the Region of the stack."""

    template: Path
    parameters: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    region: str = REGION


def read_deployment(path: Path) -> Deployment:
    """Read a stack deployment file. A template is a deployment with the default values of its parameters.

    :raises StackError: the file is neither a template nor a deployment file.
    """
    content = read_yaml(path)
    if _TEMPLATE not in content:
        return Deployment(path)
    if unknown := sorted(map(str, content.keys() - _KEYS)):
        raise StackError(f"{path}: a stack deployment file has no key {unknown[0]}.")
    texts: dict[str, dict[str, str]] = {}
    for name in ("parameters", "tags"):
        values = content.get(name) or {}
        if not isinstance(values, dict) or any(isinstance(value, dict | list) for value in values.values()):
            raise StackError(f"{path}: {name} must be an object of texts.")
        texts[name] = {str(key): as_text(value) for key, value in values.items()}
    region = str(content.get("region", REGION))
    if region not in all_regions():
        raise StackError(f"{path}: region: {region!r} is not a Region.")
    return Deployment(path.parent / str(content[_TEMPLATE]), texts["parameters"], texts["tags"], region)


def render_deployment(path: Path) -> tuple[RenderedStack, Deployment]:
    """Render the stack that a template or a stack deployment file describes.

    The name of the stack is the stem of the file's name.

    :raises StackError: a file is not valid.
    """
    deployment = read_deployment(path)
    parameters, region = deployment.parameters, deployment.region
    try:
        return render(deployment.template, parameters, stack_name=path.stem, region=region), deployment
    except StackError as error:
        if deployment.template == path:
            raise
        raise StackError(f"{path}: {error}") from None
