"""Check that a stored training set still has the bytes that its hash was computed from."""

from __future__ import annotations

import hashlib

from include.distill.core.errors import NotFoundError
from include.distill.core.storage import ObjectStore
from include.distill.training.records import DatasetManifest
from include.distill.training.training_set import FILE_SEPARATOR

CHUNK_BYTES = 2**20


def find_change(store: ObjectStore, dataset: DatasetManifest) -> str | None:
    """Read a stored training set, and return how it has changed since it was hashed; ``None`` if it has not changed.

    Anyone who may write to the bucket can change the files. A job would then train on rows that were not
    checked. The files are streamed.
    """
    digest = hashlib.sha256()
    uris = [uri for uri in (dataset["train_uri"], dataset["validation_uri"]) if uri]
    for number, uri in enumerate(uris):
        if number:
            digest.update(FILE_SEPARATOR)
        try:
            with store.reader(uri) as body:
                while chunk := body.read(CHUNK_BYTES):
                    digest.update(chunk)
        except NotFoundError:
            return f"{uri} does not exist"
    if digest.hexdigest() == dataset["sha256"]:
        return None
    return f"{' and '.join(uris)}: the SHA-256 is {digest.hexdigest()}, expected {dataset['sha256']}"
