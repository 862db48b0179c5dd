"""Classify characters by script and frequency, for estimates of the number of tokens in a text."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

# The blocks of Unicode whose characters take about the same number of tokens: first character, last character, class.
_BLOCKS = (
    (0x00C0, 0x024F, "latin"),
    (0x0370, 0x0390, "greek_rare"),
    (0x0391, 0x03A9, "greek_capital"),
    (0x03AA, 0x03CE, "greek"),
    (0x03CF, 0x03FF, "greek_rare"),
    (0x0400, 0x040F, "cyrillic_rare"),
    (0x0410, 0x042F, "cyrillic_capital"),
    (0x0430, 0x044F, "cyrillic"),
    (0x0450, 0x045F, "cyrillic_rare"),
    (0x0590, 0x05FF, "hebrew"),
    (0x0600, 0x0620, "arabic_rare"),
    (0x0621, 0x064A, "arabic"),
    (0x064B, 0x06FF, "arabic_rare"),
    (0x0900, 0x097F, "devanagari"),
    (0x0980, 0x0DFF, "indic"),
    (0x0E00, 0x0E5B, "thai"),
    (0x1E00, 0x1EFF, "vietnamese"),
    (0x2010, 0x2027, "punctuation"),
    (0x3000, 0x303F, "cjk_punctuation"),
    (0x3040, 0x309F, "hiragana"),
    (0x30A0, 0x30FF, "katakana"),
    (0x4E00, 0x9FFF, "han"),
    (0xAC00, 0xD7A3, "hangul"),
    (0xFF00, 0xFFEF, "cjk_punctuation"),
)


# The 600 most frequent Han characters of Chinese and Japanese technical and news texts, counted for this module. A
# word made of these characters is often a single token.
_COMMON_HAN = frozenset(
    "一三上下不与且世业东两並个中为主久么义之也书买了争事二于互些交产人什从他付代令以们件价任企优会传似但"
    "位低住体何作你使來例供依便係保信修倉個候値值做停像優元先入全公共关其具内再写农几処出分切列创初別利刪"
    "别到制刷削前割力功加务动助効势動包化区十半华单南卡印历原去参參又及友反发取受变口古只可台史右号各合同"
    "名后向否含告员命和品問善喜器四回因国图在地场均型基報場境增壊处変复外多大天太失头套她好如始子字存学孩"
    "它安完定实実客家容宾密对対将將小少就展属岸工差己已市希带帮帳常平年并应店度建开式引强当形影往待很後従"
    "得心必快态思性总息您情想意感成我或户房所手才打找把択报持指据接推提換操收改放政故敗教数整數文斯新方於"
    "施无既日早时明星是显時晚景更書最會月有朋服望期未末本术机条来果标样格案検業楼構様標模横機檔次欢正此步"
    "段每比民气水求決沒没治法注活流济海消深済港満準满澤点為热無然照爱版物特状独环现現理生用由电画界留略番"
    "當発登白的盘目相省看真着知短码破确確碼示社离种移程種空立站章端第等算管粛精系約索細終組給統網編级经结"
    "给统续网置署美群義翻老考者而育背能自至致般良色节藏號虽行表被装補複西要見覧观觉解言訊記設許訳証話詳認"
    "語誤説読調請警變计认让记许论设评话该说读调象資货质费起路身輸车较边込达过近返还这进述追退送选這通速造"
    "連進過道違選那部都配酒里重量金錄録钱错键长開間関门问间降限除集電需静非面音項須預頭頼題页项题风餐香高"
)


@cache
def character_class(character: str) -> str:
    """Return the class of a character that is not ASCII: its script, or else the number of its UTF-8 bytes."""
    code = ord(character)
    block = next((name for first, last, name in _BLOCKS if first <= code <= last), None)
    if block == "han":
        if character in _COMMON_HAN:
            return "han_common"
        return "han" if character in _frequent_han() else "han_rare" if character in _frequent_big5() else "han_rarest"
    if block == "hangul":
        return "hangul" if character in _frequent_hangul() else "hangul_rare"
    return block or f"bytes_{len(character.encode(errors='surrogatepass'))}"


# National character sets list frequent characters first. This module treats the characters of their first levels
# as frequent.


@cache
def _frequent_han() -> frozenset[str]:
    """Return the characters of the first level of GB 2312 (Chinese) and of JIS X 0208 (Japanese)."""
    return frozenset([*_decode_rows("gb2312", 0xB0, 0xD7), *_decode_rows("euc_jp", 0xB0, 0xCF)])


@cache
def _frequent_big5() -> frozenset[str]:
    """Return the characters of the first level of Big5 (traditional Chinese)."""
    return frozenset(_decode_rows("big5", 0xA4, 0xC6))


@cache
def _frequent_hangul() -> frozenset[str]:
    """Return the 2,350 syllables of KS X 1001 (Korean)."""
    return frozenset(_decode_rows("euc_kr", 0xB0, 0xC8))


def _decode_rows(encoding: str, first: int, last: int) -> Iterator[str]:
    """Yield the characters whose first byte is in a range, in an encoding with two bytes per character."""
    for lead in range(first, last + 1):
        for trail in range(0x40, 0xFF):
            character = bytes((lead, trail)).decode(encoding, errors="ignore")
            if len(character) == 1 and not character.isascii():
                yield character
