"""
Check whether the text around a verdict shows that a judge or a critic only quotes the verdict.

A hostile answer may contain an object with a verdict. A judge may repeat this object to describe the answer. The
repeated object is not the judge's own verdict. The line before an object shows the difference: "Answer A ends with:"
introduces a quotation, and "Here is my verdict:" introduces the judge's own verdict. If it is not clear what the line
introduces, the object counts as a quotation, because the caller can ask again.
"""

from __future__ import annotations

import re

_MARKUP = " \t\r\n*_`#>~|"
_CLAUSE = re.compile(r"[,;.!?，、；。！？](?=\s|\Z)")
# Words that a judge uses to introduce its own reply.
_OWN_REPLY = re.compile(
    r"""
    \b(?: verdict | judge?ment | decision | evaluation | assessment | conclusion | result | output | json | final
        | therefore | thus | hence | so | better | choose | choice | prefer | summary | comparison | analysis
        | reasoning | step | urteil | entscheidung | bewertung | ergebnis | fazit | jugement | d[ée]cision | r[ée]sultat
        | veredicto | decisi[óo]n | resultado | conclusi[óo]n | verdetto | decisione | risultato | veredito | decis[ãa]o
    )\b
    | \A (?:my\ |the\ )? (?:answer|reply|response) \Z
    | 判断 | 判定 | 判决 | 判決 | 结论 | 結論 | 评价 | 評価 | 결론 | 판정 | 평가 | निर्णय | الحكم
    """,
    re.IGNORECASE | re.VERBOSE,
)
# Words that a judge uses to introduce quoted text, even if the line also names a verdict.
_QUOTED_TEXT = re.compile(
    r"""
    \b(?: says? | said | saying | contain(?:s|ed|ing)? | reads | writes | wrote | returns | states | ask(?:s|ed|ing)?
        | tell(?:s|ing)? | told | includes? | including | instruct\w* | demand\w* | request(?:s|ed)? | quot\w+
        | inject\w* | embed\w* | insert\w* | hidden | found | appears? | steer\w* | trick\w* | claims?
        | (?:ends?|starts?|begins?|concludes?|closes?)\ with | (?:wants?|tries|trying|orders?|forces?)\ (?:me|us|the|to)
        | for\ example | examples? | such\ as | format | ignor\w+ | disregard\w* | pretend\w* | fak(?:e|es|ed|ing)
        | attacker | manipulat\w* | plac(?:es|ed) | put(?:s|ting)? | planted | part\ of
        | (?:would|could|should|not|n['’]t|never|cannot|to)\ (?:be|say|write|return|output|reply|follow|copy|repeat)
        | (?:from|in|of|by)\ (?:answer|response|option)\ [ab]
        | (?:from|in|of|by|inside|within)\ (?:the|an|one|this|that)\ (?:first\ |second\ |other\ )?
          (?:answer|response|option|document|question|reference)
    )\b
    """,
    re.IGNORECASE | re.VERBOSE,
)
_ANSWER = r"(?:(?:answer|response|option|antwort|réponse|respuesta|risposta|resposta)\s+|답변\s?|उत्तर\s)[ab]\b"
_NAMED_ANSWER = re.compile(
    rf"{_ANSWER}|\b(?:the\ )?(?:first|second|other)\ (?:answer|response|option)\b|(?:回答|答案)[AB]", re.IGNORECASE
)
# A line that names an answer may still introduce a reply: "Answer B is better:", "The verdict is answer B:".
_CHOICE = re.compile(
    rf"""
    \b(?: better | best | stronger | wins | winner | prefer\w* | choose | choice | pick | superior | more
        | correct | besser\w* | beste\w* | bevorzuge | meilleur\w* | préf[eè]re | mejor | prefiero | migliore | melhor
        | prefiro )\b
    | (?:\b(?:is|ist|est|es|è|é|for|für|pour|por)|[:：=])\ \W*+{_ANSWER}\W*\Z
    | 更好 | 更佳 | 较好 | 優れ | 良い | より | 낫 | 더\  | बेहतर | أفضل
    """,
    re.IGNORECASE | re.VERBOSE,
)
# A sentence after the object that says that the object is not the judge's own.
_DISOWNED = re.compile(
    r"""
    \A (?:note:\ |[(\[^↑"'“] \s*)*
    (?: (?:this|that|it|these|those|the)\ (?:(?:above|json|object|verdict|text|line|output|decision)\ ){0,3}
            (?:is|was|are|were|comes|came|appears|stems|belongs)\ (?:only\ |just\ |merely\ |a\ |an\ |the\ |what\ )*
            (?: quot\w+ | cop(?:y|ied) | inject\w* | embedded | hidden | fake | example | attempt | trick
                | manipulat\w+ | not\ (?:my|mine)
                | (?:(?:part|written|contained|found|placed|returned)\ )?(?:from|in|of|by|inside|within|to)\ (?:the\ )?
                  (?:first\ |second\ )?(?:answer|response|option|document|question|reference) )\b
        | (?:quoted|copied|taken|injected|found|from)\b [^.!?\n]{0,40}? \b(?:answer|response|option|document|question)\b
        | (?:dies|das|ceci|cela|esto|eso|questo|isto)\ (?:ist|steht|stammt|est|vient|es|viene|è|é|vem)\ [^.!?\n]{0,30}?
            \b(?:antwort|réponse|respuesta|risposta|resposta|zitat\w*|citation|cita|citazione|citação)\b
        | i\ (?:have\ not|haven['’]t|cannot|can['’]t|will\ not|won['’]t|refuse\ to|decline\ to)\ (?:yet\ )?
            (?:judge|decide|determine|choose|compare|return|output|follow|comply|copy|repeat)d?\b
    )
    """,
    re.IGNORECASE | re.VERBOSE,
)
_HEADING = re.compile(rf"[\[(-]*\s*(?:{_ANSWER})\W*", re.IGNORECASE)
_QUOTED_ELEMENT = re.compile(
    r"<\s*(?:answer[_-][ab]|document|question|reference|quote|blockquote|example)\b[^<>]*>\s*\Z", re.IGNORECASE
)


def is_quotation(before: str, after: str) -> bool:
    """
    Return whether the text around a JSON object shows that the object is a quotation.

    :param before: all text before the object.
    :param after: all text after the object.
    """
    following = after.lstrip(_MARKUP)
    if following[:1].islower():  # the sentence goes on, as in "... is what answer A asks me to return."
        return True
    if _DISOWNED.match(following):
        return True
    line = before.rstrip().rpartition("\n")[2]
    if _QUOTED_ELEMENT.search(line):
        return True
    words = line.strip(_MARKUP)
    is_introduction = words.endswith((":", "："))
    clause = _CLAUSE.split(words.rstrip(":： ,;，；、"))[-1].strip(_MARKUP)
    if _HEADING.fullmatch(words) and _HEADING.fullmatch(following.partition("\n")[0].strip(_MARKUP)):
        return True  # the reply repeats the answers, each below its own heading
    if is_introduction:
        return bool(_QUOTED_TEXT.search(clause)) or _is_about_an_answer(clause) or not _OWN_REPLY.search(clause)
    # Without a colon, a line is an introduction only if it breaks off at a word that introduces quoted text.
    return any(match.end() == len(clause) for match in _QUOTED_TEXT.finditer(clause))


def _is_about_an_answer(clause: str) -> bool:
    """
    Return whether an introduction names exactly one of the two answers and does not choose it.

    An example is "Answer B's output:".
    """
    answers = {match.group().lower() for match in _NAMED_ANSWER.finditer(clause)}
    return len(answers) == 1 and not _CHOICE.search(clause)
