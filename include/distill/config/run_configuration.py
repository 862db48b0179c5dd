"""
Refuse unknown keys in the configuration of a triggered run.

Airflow checks the values of known keys, but accepts unknown keys without a warning. A misspelt key would have no
effect: a run with ``{"document": 8}`` would use all documents, and pay for them.
"""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from include.distill.core.errors import InputError


def refuse_unknown_keys(
    given: Mapping[str, object],
    known: Collection[str],
    *,
    dag_id: str,
    state: str,
    elsewhere: Mapping[str, str] | None = None,
) -> None:
    """
    Raise an error if a run's configuration has a key that has no effect.

    :param given: the configuration of the run.
    :param known: the keys that the DAG reads.
    :param state: a sentence that says what was done before this check, such as "Nothing was bought.".
    :param elsewhere: keys that a run cannot set, each with the place where it can be set.
    :raises InputError: a key is unknown. For each such key, the message names the nearest known key.
    """
    problems = [_problem(key, given[key], sorted(known), elsewhere or {}) for key in given if key not in known]
    if not problems:
        return
    keys = f"the keys {', '.join(sorted(known))}" if known else "no configuration"
    raise InputError(
        f"The configuration of this run of {dag_id} has unknown keys, which would have no effect:"
        f" {'; '.join(problems)}.",
        left=state,
        to_do=f"Trigger {dag_id} again. It accepts {keys}. Clearing a task of this run keeps the configuration.",
    )


def _problem(key: str, value: object, known: Collection[str], elsewhere: Mapping[str, str]) -> str:
    names = [key, *(f"{key}.{inner}" for inner in value)] if isinstance(value, Mapping) else [key]
    meant = list(dict.fromkeys(nearest for name in names for nearest in _nearest(name, known)))
    if meant:
        return f"{key!r} (did you mean {' and '.join(map(repr, meant))}?)"
    return f"{key!r} ({elsewhere[key]})" if key in elsewhere else repr(key)


def _nearest(name: str, known: Collection[str]) -> Iterator[str]:
    """Yield the known key that is most like ``name``, or like the last part of a name such as ``source.documents``."""
    plain = {_plain(key): key for key in known}
    for text in dict.fromkeys((_plain(name), _plain(name.rpartition(".")[2]))):
        if nearest := difflib.get_close_matches(text, plain, n=1, cutoff=0.65):
            yield plain[nearest[0]]
            return


def _plain(name: str) -> str:
    """Return a key in lower case and without separators, so that ``Dry-Run`` and ``dry_run`` are the same."""
    return "".join(character for character in name.casefold() if character.isalnum() or character == ".")
