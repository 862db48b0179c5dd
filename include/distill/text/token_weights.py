"""Define the weights that turn the counts of ``token_features.py`` into an estimated number of tokens."""

from __future__ import annotations

# Tokens per occurrence of each feature of token_features.py: (central, conservative). The weights were fitted to texts
# whose real number of tokens is known. The central weights give the smallest mean relative error. The conservative
# weights give the smallest estimates that are never below 1.1 times the real number.
WEIGHTS = {
    # words of ASCII letters, cut where the case changes
    "words": (0.92, 1.17),
    "letters_over_4": (0.05, 0.05),
    "letters_over_8": (0.01, 0.24),
    "foreign_words": (0.38, 0.84),
    "foreign_letters_over_4": (0.22, 0.22),
    "rare_pairs": (1.37, 4.01),
    "capitals": (0.60, 1.80),
    "more_capitals": (0.13, 0.26),
    # words with other letters
    "latin_words": (1.50, 1.50),
    "cyrillic_words": (1.70, 1.90),
    "hangul_words": (0.00, -0.00),
    "han_or_kana_runs": (0.60, 0.60),
    "ascii_in_accented_words": (0.14, 0.31),
    # digits, punctuation and white space
    "digit_groups": (1.08, 1.20),
    "spaces_before_digits": (0.97, 0.97),
    "sign_before_word": (0.61, 0.90),
    "quote_before_word": (0.90, 0.90),
    "underscore_before_word": (0.36, 0.60),
    "single_signs": (0.87, 1.57),
    "sign_runs": (0.77, 0.80),
    "sign_changes": (0.27, 0.45),
    "more_signs": (0.02, 0.54),
    "single_spaces": (0.73, 1.00),
    "space_runs": (0.80, 1.99),
    "space_changes": (0.38, 0.80),
    "more_spaces": (0.01, 0.06),
    # per character that is not ASCII
    "arabic": (0.42, 0.95),
    "arabic_rare": (1.34, 2.00),
    "bytes_2": (1.96, 2.93),
    "bytes_3": (2.10, 3.18),
    "bytes_4": (2.69, 4.00),
    "cjk_punctuation": (0.65, 1.97),
    "cyrillic": (0.11, 0.35),
    "cyrillic_capital": (0.40, 0.70),
    "cyrillic_rare": (1.16, 1.16),
    "devanagari": (0.61, 1.10),
    "greek": (0.44, 0.90),
    "greek_capital": (1.00, 1.60),
    "greek_rare": (3.00, 3.00),
    "han": (1.18, 1.18),
    "han_common": (0.67, 0.90),
    "han_rare": (1.36, 1.36),
    "han_rarest": (3.00, 3.00),
    "hangul": (0.77, 1.01),
    "hangul_rare": (2.00, 3.00),
    "hebrew": (1.16, 2.00),
    "hiragana": (0.62, 0.62),
    "indic": (1.93, 2.31),
    "katakana": (0.47, 2.24),
    "latin": (0.82, 1.89),
    "punctuation": (0.74, 0.74),
    "thai": (0.46, 0.85),
    "vietnamese": (1.00, 1.00),
}
