"""Count the features of a whole text piece by piece: the reference for the faster sums of ``token_sums.py``."""

from __future__ import annotations

from collections import Counter

from include.distill.text.token_features import TokenFeatures, foreign_share, pieces


def token_features(text: str) -> TokenFeatures:
    """Count the features of a text."""
    features = TokenFeatures()
    for piece, times in Counter(pieces(text)).items():
        features.add_piece(piece, times)
    features.add_characters(text)
    share, counts = foreign_share(features.words, features.english_words, features.signs), features.counts
    counts["foreign_words"] *= share
    counts["foreign_letters_over_4"] = share * counts["letters_over_4"]
    return features
