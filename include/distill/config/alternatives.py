"""Name models that can take the place of a model that a use case may not use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from include.distill.config.catalog import Model, load_catalog

_MOST = 3


def alternatives(
    refused: Model, able: Callable[[Model], bool], *, used: Iterable[str] = (), costs: Mapping[str, float] | None = None
) -> tuple[str, ...]:
    """
    Return the keys of up to three active models that can take the place of ``refused``.

    Models of the same provider come first, and cheaper models before more expensive ones.

    :param able: whether a model can do what ``refused`` cannot.
    :param used: keys of models that the use case already uses, which are left out.
    :param costs: one price for each model, by the model's key.
    """
    known = costs or {}
    left_out = {refused.key, *used}
    others = [
        model
        for model in load_catalog().models.values()
        if model.lifecycle == "active" and model.key not in left_out and able(model)
    ]
    others.sort(key=lambda model: (model.provider != refused.provider, known.get(model.key, float("inf")), model.key))
    return tuple(model.key for model in others[:_MOST])


def suggestion(keys: Iterable[str]) -> str:
    """
    Return advice to name another model, as the end of an error message.

    The advice lists the models in ``keys``. If there are none, it names the file in which to look for a model.
    """
    named = list(keys)
    if not named:
        return "name another model of include/models.yaml in the use-case file"
    return f"name another model in the use-case file, such as {', '.join(named)}"
