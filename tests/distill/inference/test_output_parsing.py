from __future__ import annotations

import json
import re
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from include.distill.core.paths import PROJECT_ROOT
from include.distill.inference.output_parsing import parse_llm_output


def pair(name: str) -> dict[str, str]:
    return {
        "question": f"What is {name}?",
        "answer": f'{name} is {{a}} "thing",\nwith [1] and C:\\{name}.',
        "topic": name,
    }


def record(name: str) -> str:
    return json.dumps(pair(name))


ONE, TWO, THREE = record("one"), record("two"), record("three")
PAIRS = [pair("one"), pair("two"), pair("three")]


def jsonl(pairs: list[Any]) -> str:
    return "\n".join(json.dumps(each, ensure_ascii=False) for each in pairs)


CONTAINERS = {
    "JSON lines": jsonl,
    "JSON lines with blank lines": lambda pairs: jsonl(pairs).replace("\n", "\n\n") + "\n",
    "array": lambda pairs: json.dumps(pairs),
    "pretty array": lambda pairs: json.dumps(pairs, indent=2, ensure_ascii=False),
    "object with a list": lambda pairs: json.dumps({"n": 3, "tags": ["x"], "pairs": pairs, "note": "done"}),
    "pretty object with a list": lambda pairs: json.dumps({"pairs": pairs}, indent=4),
    "object of objects": lambda pairs: json.dumps({f"pair {n}": each for n, each in enumerate(pairs)}),
    "nested object": lambda pairs: json.dumps({"data": {"result": [{"pairs": pairs}]}}),
    "fenced": lambda pairs: f"```json\n{jsonl(pairs)}\n```",
    "fenced array between prose": lambda pairs: f'Here "they" are:\n```\n{json.dumps(pairs)}\n```\nAny {{more}}?',
    "numbered": lambda pairs: "\n".join(f"{n}. {json.dumps(each)}" for n, each in enumerate(pairs)),
    "one line": lambda pairs: " ".join(json.dumps(each) for each in pairs),
}


class TestContainers:
    @pytest.mark.parametrize("container", CONTAINERS.values(), ids=CONTAINERS)
    def test_the_pairs_in_every_kind_of_container_are_read_unchanged(self, container: Any) -> None:
        output = parse_llm_output(container(PAIRS))
        assert (output.pairs, output.rejected) == (PAIRS, [])

    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(
            st.fixed_dictionaries(
                {key: st.text(min_size=1).filter(lambda text: text.strip("\x00 \t\n\r")) for key in PAIRS[0]}
            ),
            min_size=1,
            max_size=4,
        ),
        st.sampled_from(list(CONTAINERS)),
    )
    def test_any_text_of_a_pair_is_read_unchanged_from_every_kind_of_container(
        self, pairs: list[dict[str, str]], container: str
    ) -> None:
        output = parse_llm_output(CONTAINERS[container](pairs))
        # Blank texts and unsupported characters are rejected on purpose (see TestRejections).
        assert len(output.pairs) + len(output.rejected) == len(pairs)
        assert all(read in pairs for read in output.pairs)
        assert {reject["reason"] for reject in output.rejected} <= {"empty_value", "control_character"}

    def test_an_output_without_an_object_is_one_rejection_with_the_whole_text(self) -> None:
        for text in ("", "I cannot help with that.", "[]", "Use {name} here", '["question", "answer"]'):
            output = parse_llm_output(text)
            assert [(reject["reason"], reject["text"]) for reject in output.rejected] == [("no_record", text)]

    def test_a_line_break_that_is_not_escaped_is_kept_in_the_text(self) -> None:
        output = parse_llm_output('{"question": "q", "answer": "one\ntwo", "topic": "t"}')
        assert output.pairs == [{"question": "q", "answer": "one\ntwo", "topic": "t"}]

    def test_other_keys_of_a_pair_are_ignored(self) -> None:
        assert parse_llm_output(json.dumps({"id": 7, **PAIRS[0], "sources": ["x"]})).pairs == PAIRS[:1]


class TestRejections:
    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            pytest.param('{"question": "q", "topic": "t"}', "missing_key", id="no answer"),
            pytest.param('{"Question": "q", "Answer": "a", "Topic": "t"}', "missing_key", id="other case"),
            pytest.param('{"q": "x", "a": "y"}', "missing_key", id="other keys"),
            pytest.param('{"question": "q", "answer": ["a"], "topic": "t"}', "wrong_type", id="list"),
            pytest.param('{"question": 1, "answer": "a", "topic": "t"}', "wrong_type", id="number"),
            pytest.param('{"question": null, "answer": "a", "topic": "t"}', "wrong_type", id="null"),
            pytest.param('{"question": "q", "answer": {"text": "a"}, "topic": "t"}', "wrong_type", id="object"),
            pytest.param('{"question": "q", "answer": " \\u00a0", "topic": "t"}', "empty_value", id="empty"),
            pytest.param('{"question": "q", "answer": "a\\u0000", "topic": "t"}', "control_character", id="nul"),
            pytest.param(r'{"question": "q", "answer": "C:\bin", "topic": "t"}', "control_character", id="backspace"),
            pytest.param(
                r'{"question": "$\frac{1}{n}$?", "answer": "a", "topic": "t"}', "control_character", id="form feed"
            ),
            pytest.param('{"question": "q", "answer": "a", "topic": "\x1b[0m"}', "control_character", id="raw escape"),
            pytest.param(r'{"question": "q", "answer": "a\u0093", "topic": "t"}', "control_character", id="C1 control"),
            pytest.param(
                r'{"question": "q", "answer": "a\uffff", "topic": "t"}', "control_character", id="noncharacter"
            ),
            pytest.param(
                '{"question": "q", "answer": "a\\ud83d", "topic": "t"}', "control_character", id="unpaired surrogate"
            ),
            pytest.param(
                '{"question": "q", "question": "r", "answer": "a", "topic": "t"}', "duplicate_key", id="twice"
            ),
            pytest.param("{'question': 'q', 'answer': 'a', 'topic': 't'}", "not_json", id="Python"),
            pytest.param('{question: "q", answer: "a", topic: "t"}', "not_json", id="JavaScript"),
            pytest.param("{“question”: “q”, “answer”: “a”, “topic”: “t”}", "not_json", id="curly quotes"),
            pytest.param('{"question": "q", "answer": "a\\_b", "topic": "t"}', "not_json", id="bad escape"),
            pytest.param('{"question": "q", "answer": "a" "topic": "t"}', "not_json", id="no comma"),
            pytest.param('{"question": "q", "answer": "a", "topic": "t"\n', "not_json", id="no closing brace"),
            pytest.param(
                '{"question": {"text": "q"}, "answer": "a" "topic": "t"}', "not_json", id="no comma after an object"
            ),
            pytest.param(
                '{"id": "x", "question": "q", "answer": "say "a"", "topic": "t"}', "not_json", id="quotes and more keys"
            ),
            pytest.param('{"question": "q", "answer": "a\\_"b"", "topic": "t"}', "not_json", id="quotes and escape"),
            pytest.param(
                '{"question": "q", "answer": "a", "topic": "t"', "truncated", id="cut before the closing brace"
            ),
            pytest.param('{"question": "q", "answer": "a', "truncated", id="cut in a string"),
            pytest.param('{"question": "q", "ans', "truncated", id="cut in a key"),
            pytest.param('{"quest', "truncated", id="cut in the first key"),
            pytest.param("{", "truncated", id="cut after the brace"),
        ],
    )
    def test_a_bad_record_is_rejected_with_its_reason_and_raw_text_and_the_good_records_are_kept(
        self, text: str, reason: str
    ) -> None:
        cut = reason == "truncated"
        output = parse_llm_output(f"{ONE}\n{text}" if cut else f"{ONE}\n{text}\n{TWO}")
        assert output.pairs == (PAIRS[:1] if cut else PAIRS[:2])
        assert [(reject["reason"], reject["text"].strip()) for reject in output.rejected] == [(reason, text.strip())]

    def test_only_the_pair_that_is_cut_off_in_a_container_is_lost(self) -> None:
        whole = json.dumps({"pairs": PAIRS})
        output = parse_llm_output(whole[: whole.index("three")])
        assert output.pairs == PAIRS[:2]
        assert [reject["reason"] for reject in output.rejected] == ["truncated"]
        assert output.rejected[0]["text"] == '{"question": "What is '

    @pytest.mark.parametrize(
        "start",
        [
            pytest.param('{"question": "q", "answer": "Send "x {"a": 1}\n', id="a key is missing"),
            pytest.param('{"question": "q", "topic": "t", "answer": "Send {"a": "b"}\n', id="a string is open"),
            pytest.param('{"question": "q", "topic": "t", "answer": "Send {"question": 1}\n', id="a key occurs twice"),
        ],
    )
    def test_no_pair_is_read_from_inside_a_broken_pair(self, start: str) -> None:
        text = f"{start}{ONE}\nand then"
        output = parse_llm_output(text)
        assert output.pairs == []
        assert [reject["text"] for reject in output.rejected] == [text]

    def test_the_message_states_the_position_the_found_keys_and_the_expected_format(self) -> None:
        message = parse_llm_output(f'{ONE}\n{{"question": "q", "topic": "t"}}').rejected[0]["message"]
        assert message.startswith(
            f"At character {len(ONE) + 1}: no key answer; found 'question', 'topic'; expected one object"
        )


ORDERS = pytest.mark.parametrize(
    "order", [("question", "answer", "topic"), ("answer", "topic", "question"), ("topic", "question", "answer")]
)


def unescaped(answer: str, order: tuple[str, ...]) -> str:
    """Return an object whose answer contains quotes that are not escaped."""
    values = {"question": "q", "answer": answer, "topic": "t"}
    return "{" + ", ".join(f'"{key}": "{values[key]}"' for key in order) + "}"


class TestQuotesWithoutBackslash:
    @pytest.mark.parametrize(
        "answer", ['Say "yes" now', '"Yes"', 'a "b" and\nan escaped \\"c\\" and \\u00e9', 'set {x} of "y"; done']
    )
    @ORDERS
    def test_a_pair_with_unescaped_quotes_is_rejected_and_no_other_pair_is_lost(
        self, answer: str, order: tuple[str, ...]
    ) -> None:
        raw = unescaped(answer, order)
        output = parse_llm_output(f"{ONE}\n{raw}\n{TWO}")
        assert output.pairs == PAIRS[:2]
        assert [(reject["reason"], reject["text"].strip()) for reject in output.rejected] == [("not_json", raw)]

    @pytest.mark.parametrize(
        "answer",
        [
            pytest.param('one of "a", "b" and "c"', id="looks like the next key"),
            pytest.param('the key "a": it is', id="looks like a key"),
            pytest.param('a 5" pipe', id="an odd number of quotes"),
            pytest.param('the sign "}" ends it', id="looks like the end"),
            pytest.param('ends with "}', id="the end of the string"),
            pytest.param('set {"x"} of "y"; done', id="a set"),
            pytest.param('"}, {"', id="between objects"),
            pytest.param('"}, and "so" on', id="a comma after the end"),
            pytest.param('"}, "so on', id="a string after the end"),
            pytest.param('"}, "so": on', id="a key after the end"),
            pytest.param('"}, so on', id="a comma and prose after the end"),
            pytest.param('send {"question": "x", "answer": "y", "topic": "z"} there', id="a pair"),
            pytest.param('send\n{"question": "x", "answer": "y", "topic": "z"}\nthere', id="a pair on a line"),
            pytest.param('{"a": 1}\n{"question": "x", "answer": "y", "topic": "z"}\nor', id="two objects on lines"),
            pytest.param('{"a": 1} {"question": "x", "answer": "y", "topic": "z"} or', id="two objects in a line"),
            pytest.param('", "topic": "other', id="a second topic key"),
        ],
    )
    @ORDERS
    def test_unescaped_quotes_never_give_a_shortened_pair_or_a_pair_from_inside_the_answer(
        self, answer: str, order: tuple[str, ...]
    ) -> None:
        raw = unescaped(answer, order)
        output = parse_llm_output(f"{ONE}\n{raw}\n{TWO}")
        assert output.pairs in (PAIRS[:1], PAIRS[:2])
        assert parse_llm_output(raw).pairs == []
        assert raw in "".join(reject["text"] for reject in output.rejected)

    def test_a_pair_with_a_comma_before_the_closing_brace_is_rejected(self) -> None:
        output = parse_llm_output(ONE[:-1] + ",\n}")
        assert (output.pairs, [reject["reason"] for reject in output.rejected]) == ([], ["not_json"])


PIECES = st.sampled_from(
    [
        '{"question": "',
        '", "answer": "',
        '", "topic": "',
        '"}',
        "}",
        "{",
        '"',
        "\n",
        ",",
        "[",
        "]",
        "\\",
        ":",
        "```",
        " a ",
        "{}",
    ]
)


class TestAnyAnswer:
    @settings(max_examples=300, deadline=None)
    @given(st.lists(PIECES | st.text(st.characters(), max_size=4), max_size=25).map("".join))
    def test_parsing_never_raises_and_returns_only_values_from_the_text(self, text: str) -> None:
        output = parse_llm_output(text)
        assert output.pairs or output.rejected
        assert all(reject["text"] in text for reject in output.rejected)
        plain = text.replace("\\", "")
        for pair in output.pairs:
            assert sorted(pair) == ["answer", "question", "topic"]
            if "\\" not in text:
                assert all(value in plain for value in pair.values())

    @settings(max_examples=200, deadline=None)
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["good", "quote", "cut", "comma", "key", "brace"]),
                st.sampled_from(["\n", ",\n", " ", "\n\n"]),
            ),
            min_size=1,
            max_size=5,
        )
    )
    def test_no_text_of_a_good_or_a_broken_pair_is_lost(self, makings: list[tuple[str, str]]) -> None:
        text = ""
        for number, (kind, separator) in enumerate(makings):
            raw = json.dumps({key: f"<{key}{number}>" for key in ("question", "answer", "topic")})
            spoilt = {
                "good": raw,
                "quote": raw.replace("<answer", 'say "} <answer'),
                "cut": raw[:-3],
                "comma": raw.replace(", ", " "),
                "key": raw.replace('"topic"', '"subject"'),
                "brace": raw[:-1],
            }
            text += spoilt[kind] + separator
        output = parse_llm_output(text)
        kept = json.dumps([*output.pairs, *(reject["text"] for reject in output.rejected)])
        for number in range(len(makings)):
            for key in ("question", "answer", "topic"):
                assert f"<{key}{number}" in kept
        assert len(output.pairs) <= sum(kind == "good" for kind, _ in makings)

    @pytest.mark.parametrize(
        "text",
        [
            pytest.param("{" * 100_000, id="braces"),
            pytest.param('{"' * 50_000, id="braces and quotes"),
            pytest.param('{"a":' * 20_000, id="objects never closed"),
            pytest.param('{"a":[' * 16_000, id="lists never closed"),
            pytest.param('{"a":' + "[" * 100_000, id="brackets"),
            pytest.param('{"question": "' * 7_000, id="questions never closed"),
            pytest.param('{"' + '\\"' * 50_000, id="escapes"),
            pytest.param(("{" + " " * 1_000) * 100, id="spaces"),
            pytest.param("}" + " " * 100_000 + '{"', id="spaces after a brace"),
            pytest.param(('{"a":' * 900 + '{"question":1}' + "}" * 900) * 18, id="deep objects"),
            pytest.param('{"a":1\n' * 15_000, id="lines never closed"),
        ],
    )
    def test_parsing_takes_linear_time_for_any_text(self, text: str) -> None:
        began = time.process_time()
        assert parse_llm_output(text).pairs == []
        assert time.process_time() - began < 5


def test_no_pair_of_a_teacher_that_did_not_double_its_backslashes_is_read() -> None:
    text = (PROJECT_ROOT / "tests" / "data" / "cases" / "01_teacher_backslashes.jsonl").read_text(encoding="utf-8")
    output = parse_llm_output(text)
    assert output.pairs == []
    assert [rejected["reason"] for rejected in output.rejected] == ["control_character"] * 3
    assert [rejected["text"] for rejected in output.rejected] == text.splitlines()


class TestLongTexts:
    """A text that a model made long, nested or broken is read in time in proportion to its length."""

    @pytest.mark.parametrize("depth", [1, 3, 10])
    def test_pairs_in_lists_inside_lists_are_read(self, depth: int) -> None:
        pairs = ", ".join(record(f"{n}") for n in range(3000))
        parsed = parse_llm_output('{"list": [' * depth + pairs + "]}" * depth)
        assert parsed.pairs == [pair(f"{n}") for n in range(3000)]
        assert parsed.rejected == []

    def test_a_text_with_too_many_open_lists_is_rejected_in_one_piece(self) -> None:
        text = '{"a": [' * 450 + "{}, " * 30_000
        start = time.process_time()
        parsed = parse_llm_output(text)
        assert time.process_time() - start < 5  # half a minute without the limit
        assert parsed.pairs == []
        (rejected,) = parsed.rejected
        assert rejected["reason"] == "not_json"
        assert "nested too deeply or broken too often" in rejected["message"]
        assert text.endswith(rejected["text"])

    def test_pairs_between_many_broken_objects_are_read(self) -> None:
        broken = '{"question": "Q?", "answer": "the "best" one", "topic": "t"}'
        text = "\n".join(part for n in range(4000) for part in (record(f"{n}"), broken))
        parsed = parse_llm_output(text)
        assert parsed.pairs == [pair(f"{n}") for n in range(4000)]
        assert {rejected["text"].strip() for rejected in parsed.rejected} == {broken}
        for rejected in (parsed.rejected[0], parsed.rejected[-1]):
            start, fault = map(int, re.findall(r"[Aa]t character (\d+)", rejected["message"])[:2])
            assert text.startswith(broken, start)
            assert text.startswith("best", fault)
