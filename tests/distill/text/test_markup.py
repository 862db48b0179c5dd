from __future__ import annotations

import pytest

from include.distill.text.markup import strip_markup, unescape_entities

QUESTION = "How do I turn on versioning for a bucket?"


@pytest.mark.parametrize(
    "text",
    [
        "How do I **turn on** versioning for a bucket?",
        "***How*** do I turn on versioning for a bucket?",
        "**How do *I* turn on versioning for a bucket?**",
        "__How do I turn on versioning for a bucket?__",
        "_How_ do I turn on versioning for a bucket?",
        "## How do I turn on versioning for a bucket? ##",
        "- How do I turn on versioning for a bucket?",
        "> How do I turn on versioning for a bucket?",
        "How do I turn on `versioning` for a bucket?",
        "How do I turn on [versioning](https://a.b/c_(d)) for a bucket?",
        "How do I ~~turn on~~ versioning for a bucket?",
        "How do I turn on <b>vers</b>ioning for a bucket?",
        "<p>How do I turn on versioning for a bucket?",
        "How do I turn on versioning for a bucket?</li>",
        "&lt;b&gt;How&lt;/b&gt; do I turn on versioning for a bucket&quest;",
        "How do I turn on <a href='x'>versioning</a> for a bucket?",
        "How do I turn on <acronym>versioning</acronym> for a bucket?",
        "<Frage>How do I turn on versioning for a bucket?</Frage>",
        "<xhtml:p>How do I turn on versioning for a bucket?</xhtml:p>",
        "<!-- a > b -->How do I turn on versioning for a bucket?",
        "<![CDATA[How do I turn on versioning for a bucket?]]>",
        "<?xml version='1.0'?><!DOCTYPE html><script>f()</script>How do I turn on versioning for a bucket?",
        "How do I turn on vers<span></span>ioning for a bucket?",
        "[b]How do I turn on [url=http://a.b]versioning[/url] for a bucket?[/b]",
        "'''How''' do I turn on [[Versions|versioning]] for a ''bucket''?",
        "How do I turn on [versioning][guide] for a [bucket][]?",
        "How do I turn on :term:`versioning` for a `bucket <https://a.b>`_?",
        "How do I turn on \\textbf{versioning} for a ==bucket==?",
    ],
)
def test_markup_is_removed(text: str) -> None:
    assert strip_markup(text).strip() == QUESTION


@pytest.mark.parametrize(
    "text",
    [
        "What does <div> do?",
        "Is a < b and c > d?",
        "What is 2*3*4, and 2**3**4?",
        "What does __init__ do?",
        "What are *args and **kwargs?",
        "What are s3:Get* and s3:Put*?",
        "Use a_b and c_d, and arr[0](x)",
        "What is List<String>, and <bucket-name>?",
        "SELECT * FROM a WHERE b * 2",
        "http://a.b/?x=1&copy=2",
        "C#, #1 and ~/.aws",
        "What does <b></b> do?",
        "What does <timeout>30</timeout> mean?",
        "What is x[0][1], and what is [10][20]?",
        "Is [[ -f x ]] a test, and is '' empty or a == b?",
    ],
)
def test_text_that_only_looks_like_markup_stays(text: str) -> None:
    assert strip_markup(text) == text


def test_entities_that_were_escaped_twice_are_replaced() -> None:
    assert unescape_entities("a&amp;nbsp;b &#38;amp; c") == "a\xa0b & c"
    assert unescape_entities("a&amp;amp;amp;nbsp;b") == "a\xa0b"


def test_entities_may_be_in_upper_case_and_some_need_no_semicolon() -> None:
    assert unescape_entities("a&NBSP;b&nbsp c&#160 d&#x0000AD;e") == "a\xa0b\xa0 c\xa0 d\xade"
    assert unescape_entities("?a=1&nbsp=2&copy=3") == "?a=1&nbsp=2&copy=3"
