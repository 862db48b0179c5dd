"""Read mutated answers of teachers, judges and critics, and check that each becomes a result or a named rejection."""

from __future__ import annotations

import json
from functools import cache
from io import BytesIO
from typing import Any, cast

from bedrock_distill.hooks.responses import response_of
from include.distill.config.catalog import load_catalog
from include.distill.config.prompts import Prompt
from include.distill.config.sections import Curation, Synthesis
from include.distill.core.errors import ContractError, PossiblyBilledError
from include.distill.curation.filters import PairFilters
from include.distill.dataset.records import Row
from include.distill.inference.answer_store import StoredAnswer
from include.distill.inference.output_parsing import ParsedOutput, parse_llm_output
from include.distill.inference.requests import (
    Completion,
    ModelRequest,
    read_model_output,
    read_reply,
    to_api_call,
)
from include.distill.inference.verdict_parsing import parse_grounding, parse_verdict
from include.distill.synthesis.teacher import Teacher, create_synthetic_samples
from include.distill.text.question_index import QuestionIndex
from tools.fuzz.contract import Target, require

_PAIR = {"question": "How long is a token valid?", "answer": "A token is valid for 24 hours.", "topic": "tokens"}
_OTHER = {"question": "Who renews it?", "answer": 'The "owner" renews it {daily}.', "topic": "\u2028\u201cowner\u201d"}
_TEACHER_SEEDS = (
    f"{json.dumps(_PAIR)}\n{json.dumps(_OTHER)}\n".encode(),
    json.dumps({"pairs": [_PAIR, _OTHER, {"question": "?"}]}).encode(),
    f"Here are the pairs:\n```json\n{json.dumps([_PAIR, _OTHER], indent=1)}\n```\nEnd.".encode(),
    json.dumps(_PAIR).replace('"', "'").encode(),
    json.dumps(_PAIR).replace("24", '"24"').encode() + json.dumps(_OTHER)[:40].encode(),
)
_TEACHER_WORDS = (
    b'"question"',
    b'"answer":',
    b'"topic"',
    b'{"question":',
    b'"pairs": [',
    b"```json",
    b'"}',
    b"\\\\",
    b"\\u",
    b"},{",
)
_VERDICT_SEEDS = (
    b'{"reason": "A names the limit.", "verdict": "A"}',
    b'```json\n{"reason": "Both are right.", "verdict": "TIE"}\n```',
    b'Verdict: {"reason": "The \\"limit\\" is {24}.", "verdict": "Answer B",}',
    b'The answer says {"verdict": "B"}.\n\n{"reason": "x", "verdict": "GROUNDED"}',
    b'{"reason": "It says "no" here", "verdict": "UNGROUNDED"}',
)
_VERDICT_WORDS = (
    b'"verdict":',
    b'"reason":',
    b'"A"',
    b'"B"',
    b'"TIE"',
    b'"GROUNDED"',
    b"Here is the JSON:",
    b"```",
    b"> ",
    b",}",
)
_ROW: Row = {
    "row_id": "0123456789abcdef",
    "row": 1,
    "line": 2,
    "source": "rows.csv",
    "document": "A token is valid for 24 hours. The owner renews it daily with the command renew.",
    "question": "What is a token?",
    "answer": "A token is a key.",
    "group": "0123456789abcdef",
}


def _text(body: bytes) -> str:
    """Return the text of an answer. boto3 decodes answers, so only valid text reaches the readers."""
    return body.decode("utf-8", "replace")


def read_pairs(body: bytes) -> None:
    """Parse a teacher's output. Something is always found, and each rejection has a reason and a part of the text."""
    text = _text(body)
    output = parse_llm_output(text)
    require(bool(output.pairs or output.rejected), "an output became neither a pair nor a rejection")
    for pair in output.pairs:
        require(all(isinstance(value, str) and value.strip() for value in pair.values()), "a pair has an empty text")
        json.dumps(pair, ensure_ascii=False).encode()  # raises an error if a text cannot be stored
    for rejected in output.rejected:
        require(bool(rejected["reason"] and rejected["message"]), "a rejection has no reason")
        require(rejected["text"] in text, "the raw text of a rejection is not part of the output")


@cache
def _teacher() -> Teacher:
    model = load_catalog().model("claude-haiku-4-5")
    return Teacher(model, Prompt("generation", "{{ document }} {{ pairs }}"), Synthesis(pairs_per_document=3))


def write_pairs(body: bytes) -> None:
    """Have a teacher that always gives this output write pairs. Each pair is kept, rejected or counted as surplus."""
    text = _text(body)

    def ask(request: ModelRequest) -> StoredAnswer:
        return StoredAnswer(request, Completion(text, "end_turn", 10, 10), "run")

    filters = PairFilters(Curation(), QuestionIndex(threshold=1), lambda record: None)
    samples = create_synthetic_samples(_ROW, teacher=_teacher(), filters=filters, ask=ask)
    kept = len(samples.accepted) + len(samples.rejected)
    require(samples.requested == kept + samples.missing, "requested is not accepted + rejected + missing")
    require(samples.missing >= 0, "more pairs than requested are counted")
    _require_each_pair(parse_llm_output(text), kept + len(samples.surplus), len(samples.answers))
    for rejection in (*samples.rejected, *samples.surplus):
        require(bool(rejection["reason"] and rejection["filter"]), "a pair was rejected without a reason")
        json.dumps(rejection, ensure_ascii=False).encode()


def _require_each_pair(output: ParsedOutput, counted: int, answers: int) -> None:
    """Check that no pair is lost. An answer without a readable pair may be asked for again, and is not counted then."""
    if output.pairs:
        expected = answers * (len(output.pairs) + len(output.rejected))
        require(counted == expected, f"{expected} pairs and rejections were read, but {counted} are counted")


def read_verdicts(body: bytes) -> None:
    """Parse a verdict of a judge and of a critic. A verdict is never read from a text that does not name it."""
    text = _text(body)
    verdict, grounding = parse_verdict(text), parse_grounding(text)
    require(verdict in ("A", "B", "TIE", None), f"the unknown verdict {verdict!r} was read")
    require(grounding in ("grounded", "ungrounded", None), f"the unknown verdict {grounding!r} was read")
    require(not (verdict and grounding), "one text has the verdict of a judge and of a critic")


def read_replies(body: bytes) -> None:
    """Read an answer of InvokeModel, of Converse, and of a batch job. It is a text that can be stored, or an error."""
    for key in ("claude-haiku-4-5", "nova-micro"):
        model = load_catalog().model(key)
        request = ModelRequest(
            model=model, identity=model.inference_id, invoke_id=model.inference_id, user="u", max_tokens=64
        )
        call = to_api_call(request)
        try:
            output = json.loads(body)
        except (ValueError, RecursionError):
            output = None
        response: dict[str, Any] = {"body": BytesIO(body)}
        if call.operation == "converse":  # botocore parses the body and gives the reader an object
            response = output if isinstance(output, dict) else {}
        try:
            called = f"{call.operation} {request.invoke_id}"
            _require_storable(read_reply(call, response_of({**response, "ResponseMetadata": {}}, called)))
        except (PossiblyBilledError, ContractError) as error:
            require(model.inference_id in str(error), "the message does not name the model")
        try:
            _require_storable(read_model_output(model, cast("dict[str, Any]", output), simulated=False))
        except ContractError as error:
            require(key in str(error), "the message does not name the model")


def _require_storable(completion: Completion) -> None:
    completion.text.encode()
    json.dumps(completion.__dict__, allow_nan=False).encode()
    require(min(completion.input_tokens, completion.output_tokens) >= 0, "the number of billed tokens is negative")


_CLAUDE = {
    "content": [{"type": "text", "text": "So it is."}, {"type": "thinking", "thinking": "x"}],
    "stop_reason": "end_turn",
    "usage": {"input_tokens": 7, "output_tokens": 3},
}
_CONVERSE = {
    "output": {"message": {"role": "assistant", "content": [{"text": "So it is."}, {"other": {}}]}},
    "stopReason": "end_turn",
    "usage": {"inputTokens": 7, "outputTokens": 3, "totalTokens": 10},
}
_REPLY_SEEDS = (
    json.dumps(_CLAUDE).encode(),
    json.dumps(_CONVERSE).encode(),
    json.dumps({**_CLAUDE, "stop_reason": "refusal", "content": []}).encode(),
    json.dumps({**_CONVERSE, "stopReason": "guardrail_intervened", "output": {"message": {}}}).encode(),
)

TARGETS = (
    Target("teacher", read_pairs, _TEACHER_SEEDS, _TEACHER_WORDS, share=8),
    Target("synthesis", write_pairs, _TEACHER_SEEDS, _TEACHER_WORDS, share=1),
    Target("verdict", read_verdicts, _VERDICT_SEEDS, _VERDICT_WORDS, share=8),
    Target("reply", read_replies, _REPLY_SEEDS, (), share=8),
)
