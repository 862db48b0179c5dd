"""Replace the names of models in a use case with their keys in the catalog."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from include.distill.config.catalog import load_catalog
from include.distill.config.key_problems import KeyProblem, refuse
from include.distill.core.errors import UseCaseError
from include.distill.core.shown_values import shown


def model_keys(names: Iterable[str], path: Callable[[int], tuple[str | int, ...]]) -> tuple[str, ...]:
    """
    Return the keys of models that are named by their keys or inference ids.

    :param path: returns the place of a name, seen from the value that is checked.
    :raises ValidationError: a name is unknown. The error has all unknown names, each with its place.
    """
    keys, problems = [], []
    for index, name in enumerate(names):
        try:
            keys.append(load_catalog().model(name).key)
        except UseCaseError as error:
            problems.append(KeyProblem(path(index), str(error)))
    refuse(problems)
    return tuple(keys)


def different_models(names: Sequence[str]) -> tuple[str, ...]:
    """
    Return the keys of a list of models.

    :raises ValidationError: a name is unknown, or two names stand for the same model.
    """
    keys = model_keys(names, lambda index: (index,))
    refuse(
        KeyProblem((index,), f"found {shown(name)}, which is {key} again; expected a different model")
        for index, (name, key) in enumerate(zip(names, keys, strict=True))
        if key in keys[:index]
    )
    return keys
