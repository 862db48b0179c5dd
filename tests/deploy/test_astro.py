"""The files for an Astro project agree with the use cases, and with the packages that production needs."""

from __future__ import annotations

import re

import yaml

from include.distill.config.loader import load_use_cases
from include.distill.core.paths import PROJECT_ROOT
from include.distill.inference.pools import required_pools
from include.distill.pools import airflow_settings
from tests.fakes.variables import VARIABLES
from tests.tools.mwaa.test_requirements import required

ASTRO = PROJECT_ROOT / "deploy" / "astro"
# Packages that Astro Runtime brings, or that only docker-compose.yaml needs.
NOT_INSTALLED = {
    "apache-airflow",
    "apache-airflow-providers-celery",
    "apache-airflow-providers-postgres",
    "apache-airflow-providers-standard",
    "celery",
    "sqlalchemy",
}


def test_the_pools_are_those_of_the_shipped_use_cases() -> None:
    written = yaml.safe_load((ASTRO / "airflow_settings.yaml").read_text(encoding="utf-8"))
    assert written == airflow_settings(required_pools(load_use_cases(environment=VARIABLES).valid))
    assert written["airflow"]["pools"]


def test_the_packages_are_those_that_the_runtime_lacks() -> None:
    needed = required((PROJECT_ROOT / "requirements.txt").read_text(encoding="utf-8"))
    installed = required((ASTRO / "requirements.txt").read_text(encoding="utf-8"))
    assert installed == [one for one in needed if one.name not in NOT_INSTALLED]
    assert {one.name for one in needed} >= NOT_INSTALLED


def test_the_image_is_the_plain_runtime_and_needs_no_package_of_the_operating_system() -> None:
    lines = [line for line in (ASTRO / "Dockerfile").read_text().splitlines() if not line.startswith("#")]
    assert len(lines) == 1
    assert re.fullmatch(r"FROM astrocrpublic\.azurecr\.io/runtime:3\.3-\d+", lines[0])
    assert (ASTRO / "packages.txt").read_text() == ""


def test_secrets_and_private_rows_stay_out_of_the_image() -> None:
    ignored = (ASTRO / ".dockerignore").read_text().splitlines()
    assert {".env", "include/data/mine", "airflow_settings.yaml"} <= set(ignored)
