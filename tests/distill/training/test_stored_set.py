from __future__ import annotations

import hashlib

import pytest

from include.distill.training.records import DatasetManifest
from include.distill.training.stored_set import find_change
from tests.fakes.memory_store import MemoryStore

TRAIN, VALIDATION = "s3://b/datasets/d/train.jsonl", "s3://b/datasets/d/validation.jsonl"
BODIES = {TRAIN: b'{"prompt": "a"}\n' * 100_000, VALIDATION: b'{"prompt": "b"}\n'}


def stored(*uris: str) -> tuple[MemoryStore, DatasetManifest]:
    store = MemoryStore()
    store.objects.update({uri: BODIES[uri] for uri in uris})
    return store, {
        "train_uri": TRAIN,
        "validation_uri": VALIDATION if VALIDATION in uris else None,
        "sha256": hashlib.sha256(b"\0".join(BODIES[uri] for uri in uris)).hexdigest(),
        "records": 1,
        "tokens": 1,
        "uploaded": True,
    }


@pytest.mark.parametrize("uris", [[TRAIN], [TRAIN, VALIDATION]])
def test_an_unchanged_set_is_accepted(uris: list[str]) -> None:
    store, dataset = stored(*uris)
    assert find_change(store, dataset) is None


@pytest.mark.parametrize("uri", [TRAIN, VALIDATION])
@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda body: body + b"{}\n", id="a line was appended"),
        pytest.param(lambda body: body[:-1], id="the last byte is missing"),
        pytest.param(lambda body: body.replace(b"prompt", b"Prompt", 1), id="one letter"),
        pytest.param(lambda body: b"", id="empty"),
        pytest.param(lambda body: b"\xef\xbb\xbf" + body, id="a byte order mark"),
        pytest.param(lambda body: body.replace(b"\n", b"\r\n"), id="other line ends"),
    ],
)
def test_a_changed_file_is_reported_with_both_hashes(uri: str, change: object) -> None:
    store, dataset = stored(TRAIN, VALIDATION)
    store.objects[uri] = change(store.objects[uri])  # type: ignore[operator]
    assert f"expected {dataset['sha256']}" in str(find_change(store, dataset))


def test_rows_that_were_moved_between_the_files_are_reported() -> None:
    store, dataset = stored(TRAIN, VALIDATION)
    store.objects[TRAIN], store.objects[VALIDATION] = store.objects[TRAIN] + BODIES[VALIDATION], b""
    assert find_change(store, dataset)


@pytest.mark.parametrize("uri", [TRAIN, VALIDATION])
def test_a_missing_file_is_reported(uri: str) -> None:
    store, dataset = stored(TRAIN, VALIDATION)
    del store.objects[uri]
    assert find_change(store, dataset) == f"{uri} does not exist"
