"""Hostile YAML is refused within its limits, and ordinary YAML with aliases is read as PyYAML reads it."""

from __future__ import annotations

import time
from typing import Any

import pytest
import yaml

from include.distill.core.yaml_text import FAST_LOADER, MAX_CHARACTERS, MAX_NODES, YamlTextError, load_yaml

WIDTH = 10


def list_bomb(levels: int) -> str:
    parts = [f"a0: &a0 [{', '.join(['x'] * WIDTH)}]"]
    parts += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * WIDTH)}]" for n in range(1, levels)]
    return "\n".join(parts)


def mapping_bomb(levels: int) -> str:
    parts = ["a0: &a0 {x: 1}"]
    parts += [f"a{n}: &a{n} {{{', '.join(f'k{i}: *a{n - 1}' for i in range(WIDTH))}}}" for n in range(1, levels)]
    return "\n".join(parts)


def merge_bomb(levels: int) -> str:
    parts = [f"a0: &a0 {{{', '.join(f'k{i}: 1' for i in range(WIDTH))}}}"]
    parts += [f"a{n}: &a{n}\n  <<: [{', '.join([f'*a{n - 1}'] * WIDTH)}]" for n in range(1, levels)]
    return "\n".join(parts)


def chain(levels: int) -> str:
    return "\n".join(["a0: &a0 [x]", *(f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, levels))])


HOSTILE = {
    "list bomb": list_bomb(8),
    "long list bomb": list_bomb(60),
    "mapping bomb": mapping_bomb(9),
    "merge bomb": merge_bomb(8),
    "bomb in a key": f"{list_bomb(8)}\n? [*a7, *a7]\n: x",
    "bomb on one line": "[&a [x,x,x,x,x,x,x,x,x], &b [*a,*a,*a,*a,*a,*a,*a,*a,*a], &c [*b,*b,*b,*b,*b,*b,*b,*b,*b],"
    " &d [*c,*c,*c,*c,*c,*c,*c,*c,*c], &e [*d,*d,*d,*d,*d,*d,*d,*d,*d], [*e,*e,*e,*e,*e,*e,*e,*e,*e]]",
    "chain of aliases": chain(5000),
    "contains itself": "a: &a [*a]",
    "contains itself in a key": "&a ? [*a]\n: x",
    "contains itself through another": "a: &a {b: &b [x, *a]}\nc: *b",
    "open brackets": "[" * 100_000,
    "open braces": "{a: " * 40_000,
    "block lists": "- " * 90_000,
    "closed brackets": "[" * 200 + "]" * 200,
    "indented keys": "\n".join(" " * n + "a:" for n in range(500)),
    "number in base 60": "a: 1" + ":1" * 90_000,
    "fraction in base 60": "a: 1" + ":1" * 90_000 + ".5",
    "long decimal": "a: " + "9" * 100_000,
    "long hexadecimal": "a: 0x" + "f" * 100_000,
    "too long": "a: " + "x" * MAX_CHARACTERS,
    "too many values": "[" + "x," * (MAX_NODES + 1) + "]",
    "aliases of a long text": f'x: &a "{"x" * 50_000}"\ntags: [{"*a," * 20_000}]',
    "python object": "!!python/object/apply:os.getcwd []",
    "unhashable key": "? {a: 1}\n: x",
    "no date": "a: 2026-99-99",
    "unknown alias": "*a",
    "two documents": "a\n---\nb",
    "no end": "a: [",
    "tab": "a:\n\t- b",
    "control character": "a: \x07",
}


@pytest.mark.parametrize("loader", [yaml.SafeLoader, FAST_LOADER])
@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_document_is_refused_quickly(text: str, loader: type[yaml.SafeLoader]) -> None:
    start = time.process_time()
    with pytest.raises(YamlTextError):
        load_yaml(text, loader)
    assert time.process_time() - start < 10  # without the limits, most of these take minutes or never end


@pytest.mark.parametrize("loader", [yaml.SafeLoader, FAST_LOADER])
def test_bytes_that_are_not_text_are_refused(loader: type[yaml.SafeLoader]) -> None:
    for body in (b"\xff\xfe\x00", b"a: \xff", b"\x00"):
        with pytest.raises(YamlTextError):
            load_yaml(body, loader)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "# only a comment",
        "a: 1",
        "a: 1:30:00",
        "a: 0x1F",
        "a: 1e3",
        "[" * 90 + "]" * 90,
        "a: &x [1, 2]\nb: *x\nc: *x",
        "base: &base {k: 1, l: 2}\nhere:\n  <<: *base\n  k: 3",
        "one: &one {k: 1}\ntwo: &two {l: 2}\nboth:\n  <<: [*one, *two]",
        "a: |\n  text\n  more\nb: >\n  folded\n  text",
        "a: \"\\u00e9\\n\"\nb: 'it''s'",
        "日本: [東京, 大阪]",
        "? a\n: b",
        "- &a x\n- *a",
        chain(50),
        list_bomb(4),
        "[" + "x," * 10_000 + "]",
        "a: " + "text " * 30_000,
        '"' + "1:" * 1000 + '"',
        "when: 2026-01-02T03:04:05Z",
        "a: ~\nb: yes\nc: .inf",
        "{a: {b: {c: [d, {e: f}]}}}",
        "---\na: 1\n...",
        "%YAML 1.1\n---\na: 1",
        yaml.safe_dump({"shared": [[1, 2]] * 5}),
        "\ufeffa: 1",
        "a: !!str 5",
        "a: !!set {x, y}",
        "a: !!binary aGk=",
    ],
)
def test_an_ordinary_document_is_read_as_pyyaml_reads_it(text: str) -> None:
    expected: Any = yaml.safe_load(text)
    assert load_yaml(text) == expected
    assert load_yaml(text.encode()) == expected
    assert load_yaml(text.encode(), FAST_LOADER) == expected


def test_the_message_names_the_line_and_the_limit() -> None:
    with pytest.raises(
        YamlTextError, match=r"more than 50,000 keys and values, counted after all aliases are expanded \(line 5\)"
    ):
        load_yaml("\n".join(list_bomb(8).splitlines()))
