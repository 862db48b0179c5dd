"""
Estimate the number of tokens in a text, from its script and kind, without a tokenizer.

There are two estimates. The central one is for costs: it is about as often too high as too low. The conservative one
is for limits: it should never be too low. Both are calibrated with the tokenizer of Llama 3. The tokenizers of Claude
and Nova are not public; where Bedrock's CountTokens supports the model, the cost estimate is corrected with the real
counts.

docs/explanation/token_estimates.md has the measurements. ``tools/token_counts`` measures real token counts.
"""

from __future__ import annotations

import math

_CONSERVATIVE_START = 6  # added to each estimate, because a few rare words can exceed any average
# Most texts have fewer tokens per byte than this. The value only determines how much of a text is estimated first.
_USUAL_RATE = 0.35
_WORTHWHILE_SHARE = 0.7  # if a larger share would be estimated first, the whole text is estimated at once


def central_token_count(text: str) -> int:
    """Estimate the number of tokens in a text, for costs. The estimate is about as often too high as too low."""
    from include.distill.text.token_sums import TokenSums

    sums = TokenSums(text)
    return min(sums.size, math.ceil(sums.central))


def conservative_token_count(text: str) -> int:
    """Estimate the number of tokens in a text, for limits. The estimate should never be below the real number."""
    return token_counts(text)[1]


def token_counts(text: str) -> tuple[int, int]:
    """
    Return two estimates of the number of tokens in a text: the central one and the conservative one.

    Both are computed together, so this takes as long as a single estimate.
    """
    from include.distill.text.token_sums import TokenSums

    sums = TokenSums(text)
    central, conservative = math.ceil(sums.central), _CONSERVATIVE_START + math.ceil(sums.conservative)
    return min(sums.size, central), min(sums.size, conservative)


def fits(text: str, tokens: int) -> bool:
    """
    Return whether a text has at most ``tokens`` tokens by the conservative estimate.

    No tokenizer makes more tokens than bytes. So if possible, only the beginning of the text is estimated, which is
    faster: the text fits if the estimate of the beginning plus the number of bytes in the rest is at most ``tokens``.
    """
    size = _byte_count(text)
    if size <= tokens:
        return True
    share = (size - tokens) / size / (1 - _USUAL_RATE)
    if share <= _WORTHWHILE_SHARE:
        cut = math.ceil(share * len(text))
        if conservative_token_count(text[:cut]) + _byte_count(text[cut:]) <= tokens:
            return True
    return conservative_token_count(text) <= tokens


def _byte_count(text: str) -> int:
    return len(text.encode(errors="surrogatepass"))
