from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from include.distill.core.errors import InputError
from tools.mwaa import package as package_module
from tools.mwaa.package import build, has_package, write_archive


def test_the_package_contains_everything_that_mwaa_needs(tmp_path: Path, settings: dict[str, str]) -> None:
    package = build(settings, tmp_path / "mwaa")
    assert "aws_docs_qa" in package.use_cases
    assert package.problems == ()
    names = {path.name for path in package.folder.iterdir()}
    assert names == {"dags", "plugins.zip", "requirements.txt", "startup.sh", "pools.json", "create_pools.sh"}
    with zipfile.ZipFile(package.folder / "plugins.zip") as archive:
        assert {"bedrock_distill_plugin.py", "include/distill/core/paths.py"} <= set(archive.namelist())
    assert "export DISTILL_ENVIRONMENT=prod" in (package.folder / "startup.sh").read_text()
    assert json.loads((package.folder / "pools.json").read_text())["actions"]
    assert (package.folder / "create_pools.sh").stat().st_mode & 0o111


def test_the_startup_script_exports_the_settings(tmp_path: Path, settings: dict[str, str]) -> None:
    package = build({**settings, "DISTILL_SCHEDULES": "off"}, tmp_path / "mwaa")
    script = (package.folder / "startup.sh").read_text()
    assert {line for line in script.splitlines() if line.startswith("export")} == {
        *(f"export {name}={value}" for name, value in settings.items()),
        "export DISTILL_SCHEDULES=off",
    }


def test_a_failure_while_the_package_is_written_leaves_the_earlier_one_and_no_other_folder(
    tmp_path: Path, settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = build(settings, tmp_path / "mwaa").folder
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    def fail(*_: object) -> object:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(package_module, "pools_request", fail)
    with pytest.raises(OSError, match="No space left"):
        build({**settings, "DISTILL_PREFIX": "other"}, folder)
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert list(tmp_path.iterdir()) == [folder]


def test_a_folder_with_a_part_of_a_package_is_known(tmp_path: Path) -> None:
    assert not has_package(tmp_path / "mwaa")
    assert not has_package(tmp_path)
    (tmp_path / "startup.sh").touch()
    assert has_package(tmp_path)


def test_a_folder_that_cannot_be_created_is_reported(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "file").touch()
    for place in ("file", "file/mwaa"):
        with pytest.raises(InputError, match=r"cannot be created: .*No package was built"):
            build(settings, tmp_path / place)


def test_equal_files_give_equal_archives(tmp_path: Path) -> None:
    file = tmp_path / "a.py"
    file.write_text("A = 1\n")
    write_archive({"b.py": file, "a.py": file}, tmp_path / "1.zip")
    file.touch()
    write_archive({"a.py": file, "b.py": file}, tmp_path / "2.zip")
    assert (tmp_path / "1.zip").read_bytes() == (tmp_path / "2.zip").read_bytes()


def test_an_earlier_package_is_replaced(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "dags" / "removed.py").write_text("")
    build(settings, tmp_path)
    assert not (tmp_path / "dags" / "removed.py").exists()


def test_a_folder_with_other_files_is_left_as_it_is(tmp_path: Path, settings: dict[str, str]) -> None:
    (tmp_path / "dags").mkdir()
    (tmp_path / "thesis.txt").write_text("")
    with pytest.raises(InputError, match=r"contains thesis.txt.*no file was changed"):
        build(settings, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dags", "thesis.txt"]


def test_settings_with_which_no_use_case_is_valid_build_nothing(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"No use case is valid.*no package was built(?s:.*)DISTILL_ROLE_ARN"):
        build({"DISTILL_ENVIRONMENT": "prod"}, tmp_path / "mwaa")
    assert not (tmp_path / "mwaa").exists()
