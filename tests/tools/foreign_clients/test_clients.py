from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tools.foreign_clients import scripts
from tools.foreign_clients.clients import CASES, CLIENTS, Client, select
from tools.foreign_clients.measurement import ROOT

FOLDER = ROOT / "tools" / "foreign_clients" / "scripts"


def cases_of(client: Client) -> list[str]:
    """Return the cases that the script of a client has, without importing the client's library."""
    tree = ast.parse((FOLDER / f"{client.script}.py").read_text(encoding="utf-8"))
    return [
        case.pattern.value.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Match)
        for case in node.cases
        if isinstance(case.pattern, ast.MatchValue) and isinstance(case.pattern.value, ast.Constant)
    ]


@pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)
def test_a_script_has_the_cases_of_its_client(client: Client) -> None:
    assert cases_of(client) == list(client.cases)
    assert set(client.cases) <= set(CASES)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_scripts_import_nothing_of_the_pipeline_or_the_simulator(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    own = {name for name in imported if name.split(".")[0] in ("tools", "include", "bedrock_distill", "dags")}
    assert own <= {scripts.__name__}


def test_the_clients_of_the_acceptance_are_all_there() -> None:
    wanted = (
        "litellm langchain-aws llama-index-llms-bedrock-converse strands-agents pydantic-ai-slim instructor anthropic"
        " awscli s3fs"
    )
    assert set(wanted.split()) <= {client.name for client in CLIENTS}


def test_requirements() -> None:
    assert Client("a", "a_client").requirements == ("a",)
    assert Client("a", "a_client", packages=("a[b]", "c")).requirements == ("a[b]", "c")


def test_select() -> None:
    assert select([]) == list(CLIENTS)
    assert [client.name for client in select(["s3fs", "anthropic"])] == ["anthropic", "s3fs"]
    with pytest.raises(ValueError, match=r"No client has 'nothing' in its name. Nothing was installed."):
        select(["s3fs", "nothing"])
