"""
Check that a JSON value has the form of a record, which is a ``TypedDict`` from a package's ``records.py``.

Pydantic cannot check a ``TypedDict`` in Python 3.11. This check is also faster than pydantic's, fast enough to check
every line of a large file. Keys that the type does not have are ignored, because a newer version may add keys.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Collection, Mapping
from functools import cache
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

# A check returns what is wrong with a value; ``None`` if nothing is. The text continues a sentence and quotes no value.
_Check = Callable[[Any], str | None]

_MAX_FORMS = 64
_JSON_TYPES: Mapping[object, frozenset[type]] = {
    str: frozenset({str}),
    int: frozenset({int}),
    float: frozenset({float, int}),
    bool: frozenset({bool}),
    dict: frozenset({dict}),
    list: frozenset({list}),
    type(None): frozenset({type(None)}),
    None: frozenset({type(None)}),
}
_NAMES: Mapping[type, str] = {
    str: "a text", int: "a number", float: "a number", bool: "true or false", dict: "an object", list: "a list",
    type(None): "null",
}  # fmt: skip


def record_fault(kind: object, value: object, *, is_partial: bool = False) -> str | None:
    """
    Return what is wrong with a record, such as "has no previous.run_key"; ``None`` if nothing is.

    :param kind: the type of the record. ``dict`` accepts every JSON object, and ``object`` every value.
    :param is_partial: whether every key of the record itself may be absent. This does not apply to objects inside it.
    """
    return _check_of(kind, is_partial)(value)


def record_check(kind: object) -> _Check:
    """Return the function that checks records of the type ``kind``; see :func:`record_fault`."""
    return _check_of(kind, False)


@cache
def _check_of(kind: Any, is_partial: bool) -> _Check:
    if is_typeddict(kind):
        return _record_check(kind, is_partial)
    origin, arguments = get_origin(kind), get_args(kind)
    if plain := _JSON_TYPES.get(kind):
        return _type_check(plain)
    if origin in (Union, types.UnionType):
        return _union_check(arguments)
    if origin is Literal:
        return lambda value: None if value in arguments and type(value) in _NAMES else _not(value, "a known value")
    if origin is list and (plain := _JSON_TYPES.get(arguments[0])):
        check_items = _items_check(list, arguments[0], lambda items: enumerate(items, start=1))
        return lambda value: None if type(value) is list and plain.issuperset(map(type, value)) else check_items(value)
    if origin is list:
        return _items_check(list, arguments[0], lambda items: enumerate(items, start=1))
    if origin is dict:
        return _items_check(dict, arguments[1], lambda entries: entries.items())
    return lambda value: None


def _record_check(kind: Any, is_partial: bool) -> _Check:
    hints = get_type_hints(kind, include_extras=True)
    # With postponed annotations, ``__required_keys__`` has all keys of a class, even those that are NotRequired.
    optional = {
        key for key, hint in hints.items() if get_origin(hint) is NotRequired or key not in kind.__required_keys__
    }
    hints = {key: get_args(hint)[0] if get_origin(hint) is NotRequired else hint for key, hint in hints.items()}
    required = frozenset(hints.keys() - (hints.keys() if is_partial else optional))
    checks = [(key, _check_of(hint, False)) for key, hint in hints.items()]
    # For these keys, it is not enough to check the type of the value itself.
    further = [
        (key, check) for key, check in checks if hints[key] not in _JSON_TYPES and hints[key] not in (Any, object)
    ]
    texts = [(key, frozenset(get_args(hints[key]))) for key, _ in further if _is_choice_of_texts(hints[key])]
    further = [(key, check) for key, check in further if key not in dict(texts)]
    # The records of a file have the same keys with values of the same types. So the keys and types of a valid record
    # are remembered, and checked only once.
    right: set[tuple[object, ...]] = set()

    def check(value: Any) -> str | None:
        if type(value) is not dict:
            return _not(value, "an object")
        form = (*value, *map(type, value.values()))
        if form not in right:
            if fault := _record_fault(value, required, checks):
                return fault
            if len(right) < _MAX_FORMS:
                right.add(form)
            return None
        for key, choices in texts:
            if key in value and value[key] not in choices:
                return _record_fault(value, required, checks)
        for key, check_part in further:
            if key in value and check_part(value[key]):
                return _record_fault(value, required, checks)
        return None

    return check


def _is_choice_of_texts(hint: Any) -> bool:
    return get_origin(hint) is Literal and all(isinstance(choice, str) for choice in get_args(hint))


def _record_fault(
    value: dict[str, Any], required: frozenset[str], checks: Collection[tuple[str, _Check]]
) -> str | None:
    if missing := [key for key, _ in checks if key in required and key not in value]:
        return f"has no {', '.join(missing)}"
    return next((_inside(key, fault) for key, check in checks if key in value and (fault := check(value[key]))), None)


def _items_check(container: type, item: object, entries: Callable[[Any], Any]) -> _Check:
    check_container, check_item = _type_check(_JSON_TYPES[container]), _check_of(item, False)

    def check(value: Any) -> str | None:
        if fault := check_container(value):
            return fault
        return next((_inside(str(name), fault) for name, part in entries(value) if (fault := check_item(part))), None)

    return check


def _union_check(members: Collection[Any]) -> _Check:
    checks = [_check_of(member, False) for member in members]
    # If a value may be a record or null, the record's fault is more helpful than the message that it is not null.
    records = [_check_of(member, False) for member in members if is_typeddict(member)]

    def check(value: Any) -> str | None:
        faults = [check_member(value) for check_member in checks]
        if None in faults:
            return None
        return records[0](value) if records and isinstance(value, dict) else faults[0]

    return check


def _type_check(accepted: frozenset[type]) -> _Check:
    expected = " or ".join(dict.fromkeys(name for kind, name in _NAMES.items() if kind in accepted))
    return lambda value: None if type(value) in accepted else _not(value, expected)


def _not(value: object, expected: str) -> str:
    return f"is {_NAMES.get(type(value), type(value).__name__)}; expected {expected}"


def _inside(key: str, fault: str) -> str:
    """
    Rephrase a fault of the value under ``key`` as a fault of the object or list that contains the value.

    For the key ``previous``, "has no run_key" becomes "has no previous.run_key".
    """
    missing = fault.removeprefix("has no ")
    if missing != fault:
        return f"has no {', '.join(f'{key}.{name}' for name in missing.split(', '))}"
    marker, _, rest = fault.partition(" ")
    return f"has {key}.{rest}" if marker == "has" else f"has {key}, which {fault}"
