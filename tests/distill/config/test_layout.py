from __future__ import annotations

import datetime
import inspect
from typing import Any

import pytest

from include.distill.config.layout import Layout, RunFolder
from include.distill.config.sections import Storage
from include.distill.core.storage import split_uri

FOLDER = RunFolder("s3://training/a/runs/b/runs/manual-1-abcdef01")


def test_a_run_is_in_the_training_bucket_and_its_metrics_are_in_the_output_bucket() -> None:
    layout = Layout(Storage(training_bucket="training", output_bucket="output", prefix="team/distill"))
    new = f"nightly-{'0' * 32}"
    assert layout.run_uri("docs", new) == f"s3://training/team/distill/runs/docs/{new}"
    assert layout.run_uri("docs", new) == f"{layout.runs('docs')}{new}"
    assert layout.run_uri("docs", "nightly-00000000") == "s3://training/team/distill/runs/nightly-00000000"
    assert layout.training_output("0123456789abcdef") == "s3://output/team/distill/training/0123456789ab/"


def test_the_run_key_and_the_root_are_found_even_when_the_prefix_contains_runs() -> None:
    assert FOLDER.run_key == "manual-1-abcdef01"
    assert FOLDER.root == "s3://training/a/runs/b"


@pytest.mark.parametrize("prefix", ["p", "a/runs/b", "runs", "runs/runs"])
@pytest.mark.parametrize("use_case", ["docs", "runs"])
def test_the_parts_of_a_run_folder_are_found_for_every_prefix_and_use_case(prefix: str, use_case: str) -> None:
    layout = Layout(Storage(training_bucket="training", output_bucket="output", prefix=prefix))
    folder = RunFolder(layout.run_uri(use_case, f"nightly-{'0' * 32}"))
    assert (folder.root, folder.use_case_name) == (f"s3://training/{prefix}", use_case)
    assert not folder.is_former
    former = folder.former
    assert former == RunFolder(f"s3://training/{prefix}/runs/nightly-00000000")
    assert (former.root, former.use_case_name, former.is_former, former.former) == (folder.root, "", True, None)


@pytest.mark.parametrize("uri", [FOLDER.responses, FOLDER.dataset("0" * 64, "train.jsonl")])
def test_objects_that_runs_share_are_outside_the_folder_of_a_run(uri: str) -> None:
    assert uri.startswith(f"{FOLDER.root}/")
    assert "manual-1" not in uri


PARTS = ("run_key", "root", "is_former", "former", "use_case_name")


def all_uris() -> list[str]:
    """Return the URIs of all objects of a run, for two values of each argument."""
    days = (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    values: dict[Any, tuple[Any, ...]] = {"str": ("x", "y"), "int": (0, 1), "datetime.datetime": days}
    uris: list[str] = []
    for name, kind in vars(RunFolder).items():
        if isinstance(kind, property) and name not in PARTS:
            uris.append(getattr(FOLDER, name))
        elif inspect.isfunction(kind) and not name.startswith("_"):
            types = [parameter.annotation for parameter in list(inspect.signature(kind).parameters.values())[1:]]
            uris += [kind(FOLDER, *(values[type_][which] for type_ in types)) for which in (0, 1)]
    return uris


def test_no_two_objects_have_the_same_uri() -> None:
    uris = all_uris()
    assert len(uris) > 20
    assert len(set(uris)) == len(uris)
    assert all(split_uri(uri)[0] == "training" for uri in uris)


def test_the_release_records_of_an_arm_are_in_the_folder_of_that_arm() -> None:
    assert FOLDER.release_record("tuned", 1).startswith(FOLDER.release_records("tuned"))
    assert not FOLDER.release_record("tuned_more", 1).startswith(FOLDER.release_records("tuned"))
