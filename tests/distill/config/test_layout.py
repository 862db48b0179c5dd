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
    assert layout.run_uri("key-1") == "s3://training/team/distill/runs/key-1"
    assert layout.training_output("0123456789abcdef") == "s3://output/team/distill/training/0123456789ab/"


def test_the_run_key_and_the_root_are_found_even_when_the_prefix_contains_runs() -> None:
    assert FOLDER.run_key == "manual-1-abcdef01"
    assert FOLDER.root == "s3://training/a/runs/b"


@pytest.mark.parametrize("uri", [FOLDER.responses, FOLDER.dataset("0" * 64, "train.jsonl")])
def test_objects_that_runs_share_are_outside_the_folder_of_a_run(uri: str) -> None:
    assert uri.startswith(f"{FOLDER.root}/")
    assert "manual-1" not in uri


def all_uris() -> list[str]:
    """Return the URIs of all objects of a run, for two values of each argument."""
    days = (datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC), datetime.datetime(2026, 1, 2, tzinfo=datetime.UTC))
    values: dict[Any, tuple[Any, ...]] = {"str": ("x", "y"), "int": (0, 1), "datetime.datetime": days}
    uris: list[str] = []
    for name, kind in vars(RunFolder).items():
        if isinstance(kind, property) and name not in ("run_key", "root"):
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
