"""Load mutated use-case files, and check that each is a use case or is refused with its file's name."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from include.distill.config.loader import load_use_case
from include.distill.core.errors import UseCaseError
from include.distill.core.paths import INCLUDE
from tools.fuzz.contract import BrokenContractError, Target, require

_NAME = "mutated.yaml"
_ENVIRONMENT = {
    "DISTILL_ENVIRONMENT": "fuzz",
    "DISTILL_ROLE_ARN": "arn:aws:iam::123456789012:role/fuzz",
    "DISTILL_TRAINING_BUCKET": "fuzz-training",
    "DISTILL_OUTPUT_BUCKET": "fuzz-output",
}
_WORDS = (
    b"&a ", b"*a", b"- ", b"? ", b": ", b"|\n", b">-\n", b"<<: *a\n", b"!!python/object/apply:os.abort []", b"!!int ",
    b"!!binary ", b"!!set ", b"${DISTILL_ROLE_ARN}", b"${X:-", b"${X}", b"$${X}", b"---\n", b"...\n", b"%YAML 1.1\n",
    b"0x10", b"1:30", b"2026-01-01", b"yes", b".nan", b".inf", b"~", b"- - - - ", b"{a: ", b"name", b"arms",
    b"max_spend_usd", b"teacher", b"nova-micro", b"\n  ",
)  # fmt: skip
_LAUGHS = b"a: &a [x, x, x, x, x, x, x, x, x]\n" + b"".join(
    b"%c: &%c [%s]\n" % (name + 1, name + 1, b", ".join([b"*%c" % name] * 9)) for name in range(ord("a"), ord("j"))
)


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory(prefix="fuzz-")


def load_file(body: bytes) -> None:
    """Load a file. An alias or a tag never runs code, and needs no time or memory beyond the limits."""
    path = Path(_folder().name) / _NAME
    path.write_bytes(body)
    try:
        load_use_case(path, _ENVIRONMENT)
    except UseCaseError as error:
        require(str(error).startswith(f"{_NAME}: "), f"the message does not begin with the file's name: {error}")
        try:
            str(error).encode()
        except UnicodeEncodeError:
            message = "the message cannot be written to a log"
            raise BrokenContractError(message) from None


def _seeds() -> tuple[bytes, ...]:
    folder = INCLUDE / "use_cases"
    files = (
        path.read_bytes().replace(b"name: " + path.stem.encode(), b"name: mutated") for path in folder.glob("*.yaml")
    )
    return (
        *sorted(files),
        _LAUGHS,
        b"[" * 500,
        b"{a: " * 500,
        b"name: &a {b: *a}\n",
        b"name: !!python/name:os.abort\n",
    )


TARGETS = (Target("use_case", load_file, _seeds(), _WORDS, share=1),)
