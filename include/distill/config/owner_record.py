"""Read and write the records that name the owner of a folder. Such a record is written once and never replaced."""

from __future__ import annotations

from typing import TypeVar

from include.distill.core.errors import ContractError, NotFoundError
from include.distill.core.storage import ObjectStore, read_json

RecordT = TypeVar("RecordT")


def read_owner_record(store: ObjectStore, uri: str, kind: type[RecordT], *, problem: ContractError) -> RecordT | None:
    """
    Return the record of an owner; ``None`` if the record or the bucket does not exist.

    :param kind: the type of the record. The value of each of its keys is a string.
    :param problem: the error to raise if the object at ``uri`` is not such a record.
    :raises ContractError: the record cannot be read or has a newer format, so the owner is unknown.
    """
    try:
        record = read_json(store, uri, kind)
    except NotFoundError:
        return None
    except ValueError:
        raise problem from None
    if not isinstance(record, dict) or not all(isinstance(record.get(key), str) for key in kind.__annotations__):
        raise problem
    return record
