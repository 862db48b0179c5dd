"""The lock files pin every package with hashes, and everything that installs them verifies the hashes."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from packaging.markers import Marker

from include.distill.core.paths import PROJECT_ROOT
from tools.test_all.interpreters import VERSIONS

LOCKS = [
    *("requirements.lock", "requirements-dev.lock", "requirements-uv.lock"),
    *("deploy/helm/requirements.lock", "tools/fuzz/requirements.lock"),
]
WITHOUT_AIRFLOW = ("requirements-uv.lock", "tools/fuzz/requirements.lock")
LINE = re.compile(r"(?P<name>[a-z0-9.-]+(\[[a-z0-9,-]+\])?)==(?P<version>[\w.+!-]+)( ; (?P<marker>[^\\]+))? \\")
HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}(?P<more> \\)?")
INSTALLERS = ["Makefile", "Dockerfile", "deploy/helm/Dockerfile", ".ci/run"]


def read_lock(name: str) -> dict[str, tuple[str, int]]:
    """Return the version and the number of hashes of each package. Every line must be a package or a hash."""
    packages: dict[str, tuple[str, int]] = {}
    for line in (PROJECT_ROOT / name).read_text(encoding="utf-8").splitlines():
        if HASH.fullmatch(line):
            package, (version, hashes) = packages.popitem()
            packages[package] = (version, hashes + 1)
        else:
            match = LINE.fullmatch(line)
            assert match, f"{name}: neither a package nor a hash: {line!r}"
            packages[match["name"]] = (match["version"], 0)
    return packages


@pytest.mark.parametrize("name", LOCKS)
def test_every_package_has_an_exact_version_and_hashes_and_no_index_is_named(name: str) -> None:
    packages = read_lock(name)
    assert packages
    assert [package for package, (_, hashes) in packages.items() if not hashes] == []


def test_production_and_development_use_the_same_versions() -> None:
    production, development = read_lock("requirements.lock"), read_lock("requirements-dev.lock")
    assert production.items() < development.items()
    assert not {"pytest", "moto", "ruff"} & production.keys()


@pytest.mark.parametrize("python", VERSIONS)
@pytest.mark.parametrize("lock", [lock for lock in LOCKS if lock not in WITHOUT_AIRFLOW])
def test_every_package_has_one_version_for_each_supported_python(lock: str, python: str) -> None:
    environment = {"python_version": python, "python_full_version": f"{python}.5"}
    lines = [LINE.fullmatch(line) for line in (PROJECT_ROOT / lock).read_text(encoding="utf-8").splitlines()]
    markers = [(line["name"], line["marker"]) for line in lines if line]
    installed = [name for name, marker in markers if marker is None or Marker(marker.strip()).evaluate(environment)]
    assert [name for name, count in Counter(installed).items() if count > 1] == []
    assert {"apache-airflow", "sqlalchemy"} <= set(installed)
    assert {name for name, _ in markers} - set(installed) <= {
        "async-timeout",
        "colorama",
        "httpx2-jsfetch",
        "pyyaml-ft",
    }


def test_the_image_for_kubernetes_keeps_the_packages_of_production() -> None:
    production, added = read_lock("requirements.lock"), read_lock("deploy/helm/requirements.lock")
    assert {name: version for name, (version, _) in added.items() if name in production} == {
        name: version for name, (version, _) in production.items() if name in added
    }
    assert added.keys() >= {"apache-airflow-providers-cncf-kubernetes", "apache-airflow-providers-fab"}


@pytest.mark.parametrize(("lock", "sources"), [("requirements.lock", 1), ("requirements-dev.lock", 2)])
def test_every_required_package_is_locked(lock: str, sources: int) -> None:
    names = ["requirements.txt", "requirements-dev.txt"][:sources]
    lines = [line for name in names for line in (PROJECT_ROOT / name).read_text().splitlines()]
    required = {match[0].lower().replace("_", "-") for line in lines if (match := re.match(r"[A-Za-z][\w.-]*", line))}
    assert required - read_lock(lock).keys() == set()


def test_everything_that_installs_a_package_verifies_hashes() -> None:
    installs = []
    for name in INSTALLERS:
        text = (PROJECT_ROOT / name).read_text(encoding="utf-8").replace("\\\n", " ")
        installs += [line for line in text.splitlines() if re.search(r"\bpip (install|sync)\b", line)]
    assert len(installs) >= 4
    for line in installs:
        assert "--require-hashes" in line, line
        assert re.search(
            r" (tools/fuzz/)?requirements(-dev|-uv)?\.lock( \|\| rm -rf \S+)?$", line.split("#")[0].rstrip()
        ), line
        assert "--no-verify-hashes" not in line


def test_the_check_finds_an_entry_without_a_hash_and_a_line_that_is_no_entry() -> None:
    for line in ("numpy==2.4.0", "--find-links wheels", "numpy>=2 \\", "# from https://x.invalid"):
        assert not LINE.fullmatch(line)
        assert not HASH.fullmatch(line)
