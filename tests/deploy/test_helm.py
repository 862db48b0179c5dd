"""The values for the Helm chart use keys of the chart, options of Airflow, and variables of the pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from airflow.configuration import conf

from include.distill.core.paths import PROJECT_ROOT
from tests.docs.pages import names, page, rows

HELM = PROJECT_ROOT / "deploy" / "helm"
FILES = {path.stem.removeprefix("values-"): path for path in sorted(HELM.glob("values-*.yaml"))}
VALUES: dict[str, dict[str, Any]] = {name: yaml.safe_load(path.read_text("utf-8")) for name, path in FILES.items()}
CHART = [
    line
    for line in Path(__file__).with_name("chart_keys.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]
DOCUMENTED = {name for cells in rows(page("reference/environment.md")) for name in names(cells[0])}
COMPOSE = yaml.safe_load((PROJECT_ROOT / "docker-compose.yaml").read_text("utf-8"))
SECRETS = set(re.findall(r"`(distill-airflow-[\w-]+)`", page("how-to/run_on_kubernetes.md")))

each_file = pytest.mark.parametrize("values", VALUES.values(), ids=VALUES)


def paths(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the path of each value, such as ``images.airflow.tag``."""
    if isinstance(value, dict) and value:
        for key, below in value.items():
            # A key with a period or slash, such as an annotation, is one part of a path.
            yield from paths(below, f"{prefix}{re.sub(r'[./]', '_', key)}.")
    else:
        yield prefix.rstrip("."), value


def is_chart_key(path: str) -> bool:
    return any(path == key or (key.endswith(".*") and path.startswith(key[:-1])) for key in CHART)


def test_there_is_a_file_for_each_executor() -> None:
    assert {name: values["executor"] for name, values in VALUES.items()} == {
        "celery": "CeleryExecutor",
        "kubernetes": "KubernetesExecutor",
    }


@each_file
def test_every_key_is_a_key_of_the_chart(values: dict[str, Any]) -> None:
    assert [path for path, _ in paths(values) if not is_chart_key(path)] == []


def test_the_check_finds_a_key_that_the_chart_does_not_have() -> None:
    for path in ("webserver.replicas", "images.airflow.version", "workers.replicas", "configuration.core.x"):
        assert not is_chart_key(path)


@each_file
def test_every_option_is_one_of_airflow(values: dict[str, Any]) -> None:
    known = conf.configuration_description
    unknown = [
        f"{section}.{option}"
        for section, options in values["config"].items()
        for option in options
        if option not in known.get(section, {}).get("options", {})
    ]
    assert unknown == []


@each_file
def test_the_variables_of_the_pipeline_are_documented_and_passed_to_compose_too(values: dict[str, Any]) -> None:
    given = [entry["name"] for entry in values["env"]]
    assert set(given) <= DOCUMENTED
    assert set(given) <= COMPOSE["x-airflow-environment"].keys()
    assert {"DISTILL_ENVIRONMENT", "DISTILL_ROLE_ARN", "DISTILL_TRAINING_BUCKET", "DISTILL_OUTPUT_BUCKET"} <= set(given)


@each_file
def test_no_secret_is_in_the_file_and_the_page_says_how_to_create_each_of_them(values: dict[str, Any]) -> None:
    named = {value for path, value in paths(values) if path.endswith("SecretName") or path == "jwtSecretName"}
    assert len(named) >= 4
    assert named <= SECRETS
    assert not [path for path, _ in paths(values) if re.search(r"(?i)password|secretKey$|fernetKey$", path)]
    assert values["createUserJob"] == {"enabled": False}


def test_every_secret_of_the_page_is_used() -> None:
    used = {value for values in VALUES.values() for path, value in paths(values) if "SecretName" in path}
    assert {*used, *(values["jwtSecretName"] for values in VALUES.values())} == SECRETS


@each_file
def test_only_components_that_call_aws_get_a_role_and_no_file_is_kept_on_a_disk(values: dict[str, Any]) -> None:
    found = [path for path, _ in paths(values) if path.endswith("eks_amazonaws_com_role-arn")]
    worker = "kubernetes" if values["executor"] == "KubernetesExecutor" else "celery"
    assert [path.partition(".serviceAccount")[0] for path in found] == [f"workers.{worker}", "triggerer", "apiServer"]
    assert {value for path, value in paths(values) if path.endswith(("persistence.enabled", "gitSync.enabled"))} == {
        False
    }


@each_file
def test_the_job_does_what_the_service_of_compose_does(values: dict[str, Any]) -> None:
    assert values["migrateDatabaseJob"]["args"] == COMPOSE["services"]["airflow-init"]["command"]


@each_file
def test_the_version_of_airflow_is_the_locked_one(values: dict[str, Any]) -> None:
    locked = re.search(r"^apache-airflow==(\S+) ", (PROJECT_ROOT / "requirements.lock").read_text(), re.MULTILINE)
    assert locked is not None
    assert values["airflowVersion"] == values["defaultAirflowTag"] == locked[1]


def test_the_image_adds_only_its_locked_packages_to_the_production_image() -> None:
    text = (HELM / "Dockerfile").read_text("utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    assert lines[:2] == ["ARG IMAGE=bedrock-distill", "FROM ${IMAGE}"]
    assert [line.split()[0] for line in lines[2:]] == ["COPY", "RUN"]
