#!/usr/bin/python3
"""Prints text_fold.inc, the folding of characters beyond ASCII, from the Unicode data that Python ships.

    make_text_fold.py > text_fold.inc

A character is folded to what stands for it in a plate or a value: to nothing when it is invisible or a mark on another
letter; to a space, a hyphen or another ASCII mark when it is a kind of that; to a Latin capital or a digit when its
compatibility decomposition (NFKD, UAX #15) is one, or when it looks like one (LOOK_ALIKES); and a letter of any other
script to its plain capital form. What is in no range is no part of a plate.
"""
import sys
import unicodedata

NOTHING = 0x03
# Letters of Greek and Cyrillic that look like Latin capitals, as number plates of many countries use them.
LOOK_ALIKES = dict(zip("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧοЅІЈАВЕКМНОРСТУХавекмнорстухѕіј",
                       "ABEZHIKMNOPTYXOSIJABEKMHOPCTYXABEKMHOPCTYXSIJ"))
# Latin letters whose stroke or form is not a mark of its own in Unicode.
LATIN = dict(zip("ØøĐđŁłĦħıŦŧßÐðẞƵƶƁƊƐƗɨʉɫ", "OODDLLHHITTSDDSZZBDEIIUL"))
HYPHENS = "\u00AF\u02D7\u2043\u2212\u2500\u2501\u2796\u30FC\uFF70\u23AF\u2027"
BULLETS = ("\u00B7\u0387\u2022\u2023\u2219\u22C5\u25CF\u25CB\u25E6\u25AA\u25AB\u25A0\u25A1\u2B24\u26AB\u26AA\u30FB"
           "\uFF65\u2E31\u2E33\u2981\u2218\u16EB\u318D\U00010101\uFFFD")
IGNORABLE = {0x034F, 0x0640, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x11A8, 0x1200),
             *range(0x180B, 0x1810), *range(0x2060, 0x2070), *range(0xFE00, 0xFE10)}
HANGUL_VOWELS = range(0x1161, 0x1176)  # text_fold.cc composes them with the consonant before
ASTRAL_IGNORABLE = range(0xE0000, 0xE1000)
# Scripts whose capitals, marks and presentation forms are folded; a letter of any other stands for itself.
FOLDED_SCRIPTS = [(0x80, 0x590), (0x620, 0x6D4), (0x900, 0x980), (0x1D00, 0x2000), (0x2070, 0x2200), (0x2460, 0x2500),
                  (0x3040, 0x3100), (0xFB1D, 0xFDFC), (0xFE70, 0xFFE0), (0x1D400, 0x1D800), (0x1F100, 0x1F200)]
HANGUL = range(0xAC00, 0xD7A4)  # text_fold.cc folds syllables
ENCLOSED = [(0x1F150, 26), (0x1F170, 26), (0x1F1E6, 26)]  # negative circled and squared letters, regional indicators


def plain(character):
    """The letter without its marks, decomposed; several characters when it stands for several."""
    decomposed = unicodedata.normalize("NFKD", character)
    return "".join(c for c in decomposed if unicodedata.category(c) not in ("Mn", "Me", "Mc"))


def fold(code):
    character, category = chr(code), unicodedata.category(chr(code))
    if code in ASTRAL_IGNORABLE or code in IGNORABLE or category in ("Cf", "Mn", "Me", "Mc"):
        return NOTHING
    for first, count in ENCLOSED:
        if first <= code < first + count:
            return ord("A") + code - first
    if character in LOOK_ALIKES or character in LATIN:
        return ord((LOOK_ALIKES | LATIN)[character])
    if code == 0x85 or category in ("Zl", "Zp"):
        return ord("\n")
    if category == "Zs" or character in BULLETS:
        return ord(" ")
    if category == "Pd" or character in HYPHENS:
        return ord("-")
    digit = unicodedata.digit(character, None)
    if digit is not None:
        return ord("0") + digit
    if category[0] == "L" and not any(first <= code < end for first, end in FOLDED_SCRIPTS):
        return None if code in HANGUL or code in HANGUL_VOWELS else code
    base = plain(character)
    if base and base != character:
        folded = fold(ord(base)) if len(base) == 1 and ord(base) >= 0x80 else None
        if folded is not None and (category[0] == "L" or folded < 0x80):
            return folded
        if len(base) == 1 and 0x20 < ord(base) < 0x7F:
            return ord(base.upper())
        if len(base) > 1 and not (category[0] == "L" and ord(base[0]) >= 0x80):
            return ord(base[0].upper()) if category == "Ll" and base == "ss" else None
    if category[0] != "L":
        return None
    letter = base[0] if base else character
    upper = letter.upper()
    letter = upper if len(upper) == 1 else letter
    return fold(ord(letter)) if ord(letter) >= 0x80 and letter != character and base == character else ord(letter)


def ranges():
    """[first, last, target of the first, whether targets count up]; characters that are not assigned end none."""
    run = None
    for code in (*range(0x80, 0xD800), *range(0xE000, 0xF0000)):
        target = fold(code)
        if target is None:
            run = run if unicodedata.category(chr(code)) == "Cn" else None
            continue
        if run and target == run[2] + (code - run[0]) * run[3]:
            run[1] = code
        elif run and run[0] == run[1] and target - run[2] == code - run[0]:
            run[1], run[3] = code, 1
        else:
            run = [code, code, target, 0]
            yield run


def main():
    print("// Made by make_text_fold.py from Unicode", unicodedata.unidata_version, "data, ascending: {first, last, what the")
    print("// first folds to, 1 when the others count up from there and 0 when all fold to the same}.")
    line = ""
    for first, last, target, step in list(ranges()):
        entry = f"{{0x{first:X}, 0x{last:X}, 0x{target:X}, {step}}},"
        if len(line) + 1 + len(entry) > 120:
            print(line)
            line = ""
        line += (" " if line else "") + entry
    print(line)


if __name__ == "__main__":
    sys.exit(main())
