#!/usr/bin/env python3
"""Tables and lists as spreadsheets, databases and plate readers write them: each is registered whole and all of it is found in the same
file, or what is not registered is named by its line and the exit status is 1. No message holds a plate.
owner_tables.py SPANWATCH"""
import bz2
import gzip
import io
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import zipfile
import zlib

spanwatch = str(pathlib.Path(sys.argv[1]).resolve())
DONE, FAILED, FOUND = 0, 1, 3
ROWS = [(f"{a}{b}{c}{1000 + 37 * i}", f"2026-03-{1 + i % 28:02}T{i % 24:02}:{i % 60:02}:00Z", ("TX", "NM", "AZ")[i % 3])
        for i, (a, b, c) in enumerate(zip("ABCDEFGHJKLMNPRSTUVWXYZABCDEFGHJKLMNPRST", "KLMNPRSTUVWXYZABCDEFGHJKLMNPRSTUVWXYZABC",
                                          "XYZABCDEFGHJKLMNPRSTUVWXYZABCDEFGHJKLMNP"))]
NAMES = ("plate", "seen", "state")
# As writers around the world spell plates, made of three letters and four digits.
SPELLINGS = (lambda a, n: f"{a} - {n}", lambda a, n: f"{a}\u2013{n}", lambda a, n: f"M\u00dc-{a[:2]} {n}", lambda a, n: f"{n[:2]}\uac00 {n[1:]}",
             lambda a, n: f"\u54c1\u5ddd 300 \u3042 {n[:2]}-{n[2:]}", lambda a, n: f"\u4eac{a[0]}\u00b7{n}", lambda a, n: f"\u0410{n}\u0411\u0416",
             lambda a, n: f"\u0e01\u0e02 {n}", lambda a, n: f"\u0623 \u0628 {n}", lambda a, n: f"{a}\u200b{n}")
SPELLED = [(SPELLINGS[i % len(SPELLINGS)](p[:3], p[3:]), s, state) for i, (p, s, state) in enumerate(ROWS)]
shown = 0


def run(folder, *arguments):
    done = subprocess.run([spanwatch, *map(str, arguments)], cwd=folder, capture_output=True, check=False, timeout=120)
    output, errors = done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace")
    assert not any(plate in errors for plate, _, _ in ROWS), f"a plate in a message: {arguments}\n{errors}"
    return done.returncode, output, errors


def enrol(folder, name, content, *options):
    global shown
    shown += 1
    work = folder / f"{shown}"
    work.mkdir()
    (work / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    assert run(work, "register", "init", "--register", "R.db", "--owner", "A", "--record-key", "record.key")[0] == DONE
    status, _, errors = run(work, "register", "add", "records", "--register", "R.db", "--collection", "reads", "--plate", "plate", *options,
                            name)
    items = len(run(work, "register", "list", "--register", "R.db", "--json")[1].splitlines())
    return work, status, errors, items


def build(folder, work):
    status, _, errors = run(work, "register", "build", "--register", "R.db", "--sign", folder / "owner.key", "--out", "o.swset")
    assert status == DONE, errors
    return ["--hashset", work / "o.swset", "--trust", folder / "owner.pub", "--record-key", work / "record.key"]


def found_in(folder, work, name):
    status, output, errors = run(work, "inspect", *build(folder, work), "--json", name)
    sightings = [json.loads(line) for line in output.splitlines()]
    return (max((s["item_count"] for s in sightings if s["method"] == "record"), default=0),
            max((s["records"]["supported_plates"] for s in sightings if s["method"] == "record"), default=0), status, errors)


def delimited(delimiter=",", end="\n", rows=ROWS, header=NAMES, quote=""):
    lines = [delimiter.join(quote + cell + quote for cell in row) for row in (header, *rows)]
    return end.join(lines) + end


def workbook(rows, inline=False, prefix="", names=NAMES, end="", runs=False):
    """A number in place of a plate is shown as a date. runs: each text has two fonts."""
    shared = (lambda text: f"<si><r><t>{text[:2]}</t></r><r><rPr><b/></rPr><t>{text[2:]}</t></r></si>") if runs else (lambda text: f"<si><t>{text}</t></si>")
    strings, sheet = [], []
    for r, row in enumerate((names, *rows), 1):
        cells = []
        for column, text in zip("ABC", row):
            if isinstance(text, float):
                cells.append(f'<{prefix}c r="{column}{r}"><{prefix}v>{text!r}</{prefix}v></{prefix}c>')
            elif isinstance(text, int):
                cells.append(f'<c r="{column}{r}" s="1"><v>{text}</v></c>')
            elif inline:
                cells.append(f'<c r="{column}{r}" t="inlineStr"><is><t>{text}</t></is></c>')
            else:
                cells.append(f'<{prefix}c r="{column}{r}" t="s"><{prefix}v>{len(strings)}</{prefix}v></{prefix}c>')
                strings.append(text)
        sheet.append(f'<{prefix}row r="{r}">{"".join(cells)}</{prefix}row>')
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("xl/workbook.xml", '<workbook xmlns:r="r"><sheets><sheet name="Reads" sheetId="1" r:id="rId1"/></sheets></workbook>')
        archive.writestr("xl/_rels/workbook.xml.rels",
                         '<Relationships><Relationship Id="rId1" Target="worksheets/sheet1.xml"/></Relationships>')
        archive.writestr("xl/worksheets/sheet1.xml", f'<worksheet><sheetData>{"".join(sheet)}{end}</sheetData></worksheet>')
        archive.writestr("xl/sharedStrings.xml", f'<sst>{"".join(map(shared, strings))}</sst>')
        archive.writestr("xl/styles.xml", '<styleSheet><numFmts><numFmt numFmtId="164" formatCode="0&quot;d&quot;;d/m/yy"/></numFmts><cellXfs>'
                                          '<xf numFmtId="0"/><xf numFmtId="164"/></cellXfs></styleSheet>')
    return made.getvalue()


def zipped(*files):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return made.getvalue()


def stored_gzip(text):
    packer = zlib.compressobj(0, zlib.DEFLATED, 31)
    return packer.compress(text.encode()) + packer.flush()


def objects():
    return [dict(zip(NAMES, row)) for row in ROWS]


def whole_forms():
    """Every one is registered whole, without a problem, and found whole in itself."""
    plain = delimited()
    yield "comma.csv", plain
    yield "tab.tsv", delimited("\t")
    yield "semicolon.csv", delimited(";")
    yield "bar.txt", delimited("|")
    yield "quoted.csv", delimited(quote='"')
    yield "crlf.csv", delimited(end="\r\n")
    yield "cr.csv", delimited(end="\r")
    yield "crcrlf.csv", delimited(end="\r\r\n")
    yield "no-last-end.csv", plain.rstrip("\n")
    yield "mark.csv", b"\xef\xbb\xbf" + plain.encode()
    yield "utf-16le.csv", plain.encode("utf-16")
    yield "utf-16be.csv", b"\xfe\xff" + plain.encode("utf-16-be")
    yield "utf-16-no-mark.csv", plain.encode("utf-16-le")
    yield "utf-16-tab.txt", delimited("\t", "\r\n").encode("utf-16")
    yield "sep.csv", "sep=;\r\n" + delimited(";", "\r\n")
    yield "comments.csv", "# exported by a reader\n#\n" + plain
    yield "title.csv", "Reads of March\n\n" + plain
    yield "trailing-delimiters.csv", re.sub("$", ",,", plain.rstrip("\n"), flags=re.M) + "\n"
    yield "blank-lines.csv", plain.replace("\n", "\n\n") + ",,\n"
    yield "upper-header.csv", delimited(header=(" Plate ", "SEEN", '"State"'))
    yield "header-again.csv", plain + plain
    some = lambda text: [(p, s, text if i % 2 else state) for i, (p, s, state) in enumerate(ROWS)]
    yield "inch-marks.csv", delimited(rows=some('TX 6" lift'))
    yield "doubled.csv", delimited(rows=some('"the ""big"" one, red"'))
    yield "newlines.csv", delimited(rows=some('"first line\nsecond line"'))
    yield "decimal-commas.csv", delimited(";", rows=[(p, s, f"{50 + i},{i % 7}") for i, (p, s, _) in enumerate(ROWS)])
    yield "quoted-commas.csv", delimited(quote='"', rows=[(p, f"{('May', 'June')[i % 2]} {1 + i % 28}, 2026", "McAllen, TX") for i, (p, _, _) in enumerate(ROWS)])
    yield "joined.csv", "\ufeff" + delimited(rows=ROWS[:20]) + "\ufeff" + delimited(rows=ROWS[20:])
    yield "mongo.jsonl", "".join(json.dumps({"_id": {"$oid": f"{i:024x}"}, "plate": p, "seen": {"$date": s}, "state": t}) + "\n" for i, (p, s, t) in enumerate(ROWS))
    yield "basic-iso.csv", delimited(rows=[(p, s.replace("-", "").replace(":", ""), state) for p, s, state in ROWS])
    yield "behind-quote.csv", delimited(rows=some('"6" lift'))
    yield "spaces.csv", delimited(", ", quote='"')
    yield "long-cell.csv", delimited(rows=[(p, s, state + "x" * 3_000_000 if i == 20 else state) for i, (p, s, state) in enumerate(ROWS)])
    yield "apostrophes.csv", delimited(rows=[("'" + p, s, state) for p, s, state in ROWS])
    yield "formulas.csv", delimited(rows=[(f'"=""{p}"""', s, state) for p, s, state in ROWS])
    yield "spelled.csv", delimited(rows=SPELLED)
    yield "spelled-utf-16.csv", delimited(rows=SPELLED).encode("utf-16")
    yield "spelled-utf-32.csv", delimited(";", rows=SPELLED).encode("utf-32")
    yield "spelled.json", json.dumps([dict(zip(NAMES, row)) for row in SPELLED])
    yield "lines.jsonl", "".join(json.dumps(o) + "\n" for o in objects())
    yield "lines-with-marks.jsonl", "".join(json.dumps(o | {"note": '6" lift'}) + "\n" for o in objects())
    yield "lines-with-commas.json", "".join(json.dumps(o) + ",\n" for o in objects())
    yield "array.json", json.dumps(objects())
    yield "array-of-lines.json", "[\n" + ",\n".join(json.dumps(o) for o in objects()) + "\n]\n"
    yield "pretty.json", json.dumps(objects(), indent=2)
    yield "one-behind-another.json", "\n".join(json.dumps(o, indent=1) for o in objects())
    yield "object.json", json.dumps({"count": len(ROWS), "results": objects()})
    yield "nested.json", json.dumps({"data": {"reads": objects()}}, indent=1)
    days = {f"2026-03-{day + 1:02}": objects()[day::3] for day in range(3)}
    yield "days.json", json.dumps({"source": {"name": "x"}, "days": days}, indent=1)
    yield "not-a-number.jsonl", "".join(json.dumps(o | {"speed": float("nan"), "limit": float("-inf")}) + "\n" for o in objects())
    yield "other-case.jsonl", "".join(json.dumps(o).replace('"plate"', '"Plate"') + "\n" for o in objects())
    yield "candidates.jsonl", "".join(json.dumps(o | {"candidates": [{"plate": "ZZZ9Z9"}]}) + "\n" for o in objects())
    yield "utf-16.json", json.dumps(objects(), indent=1).encode("utf-16")
    yield "texts.xlsx", workbook(ROWS)
    yield "inline.xlsx", workbook(ROWS, inline=True)
    serials = [(p, 46082.0 + i + 0.25 + i / 1440, state) for i, (p, _, state) in enumerate(ROWS)]
    yield "serials.xlsx", workbook(serials)
    yield "packed.csv.gz", gzip.compress(plain.encode())
    yield "packed.jsonl.gz", gzip.compress("".join(json.dumps(o) + "\n" for o in objects()).encode())
    yield "packed.csv.zst", subprocess.run(["zstd", "-q", "-c"], input=plain.encode(), capture_output=True, check=True).stdout
    yield "packed.zip", zipped(("reads.csv", plain), ("__MACOSX/._reads.csv", "x"), ("__MACOSX/._l\u00e4se.csv", "x"), ("desktop.ini", "x"))


def told_forms():
    """What is not registered, or perhaps not as it was meant: (name, content, items, what must be said)."""
    plain = delimited()
    lines = plain.splitlines()
    cut = lambda i, line: "\n".join(lines[:i] + [line] + lines[i + 1:]) + "\n"
    plate, seen, _ = ROWS[9]
    yield "open-quote.csv", cut(10, f'{plate},{seen},"12 inch'), 40, r"line 11: opens a quote in cell 3"
    yield "open-quote-first.csv", cut(10, f'"{plate},{seen},TX'), 40, r"line 11: opens a quote in cell 1"
    two = plain.splitlines()
    two[10], two[14] = f'{plate},{seen},"12 inch', f'{ROWS[13][0]},{ROWS[13][1]},"fine"'
    yield "open-quote-and-others.csv", "\n".join(two) + "\n", 40, r"line 11: opens a quote"
    yield "open-quote-last.csv", plain.rstrip("\n") + '\nZZT1234,x,"\n', 41, r"line 42: opens a quote"
    yield "more-cells.csv", cut(10, f"{plate},{seen},TX,left, right"), 40, r"line 11: has more cells"
    yield "fewer-cells.csv", delimited(header=("state", "seen", "plate"), rows=[r[::-1] for r in ROWS]) + "TX\n", 40, r"line 42: ends before"
    yield "unread.csv", cut(10, f"no plate read,{seen},TX"), 39, r"line 11: no plate in the plate's column"
    yield "star.csv", cut(10, f"{plate[:3]}\u2605{plate[3:]},{seen},TX"), 40, r"line 11: the plate is registered, but"
    yield "long.csv", cut(10, f"MH 12 AB 3456,{seen},TX"), 39, r"line 11: no plate in the plate's column"
    yield "digits.xlsx", workbook([*ROWS, ("1234567", seen, "TX")]), 41, r"line 42: the plate is registered, but"
    # Digits alone are plates only where the names of the columns say so.
    digits = [(str(1234567 + 37 * i), seen, "TX") for i in range(40)]
    yield "two-names.csv", delimited(rows=[row[:2] for row in digits], header=("plate", "seen")), 40, r"lines 2-41: the plate is registered, but"
    yield "rounded.csv", cut(10, f"1.23E+09,{seen},TX"), 39, r"line 11: a spreadsheet has made"
    for i, (cell, said) in enumerate((("#REF!", "error"), ("#DIV/0!", "error"), ("1-Mar", "a date"), ("Mar-26", "a date"), ("01. Mrz", "a date"), ("01.03.2026", "a date"), ("TRUE", "TRUE or FALSE"), ("########", "error"), ("2026-03-01", "a date"),
                                      ("(2 rows)", "how many rows"))):
        yield f"no-plate-{i}.csv", cut(10, f"{cell},{seen},TX"), 39, f"line 11: .*{said}.*not registered"
    yield "utf-32-no-mark.csv", plain.encode("utf-32-le"), 0, r"UTF-32 without a byte order mark"
    flipped = bytearray(stored_gzip(plain))
    flipped[200] ^= 1
    yield "flipped.csv.gz", bytes(flipped), None, r"cannot be read to its end"
    yield "zero-bytes.csv", cut(10, f"{plate[:3]}\0{plate[3:]},{seen},TX"), 40, r"line 11: holds zero bytes"
    yield "latin-1.csv", cut(10, f"{plate},{seen}\xe9,TX").encode("latin-1"), 40, r"line 11: .*UTF-8"
    yield "headerless.csv", "\n".join(lines[1:]), 0, r"the first row must name the columns"
    yield "empty.csv", "", 0, r"empty"
    yield "header-only.csv", lines[0] + "\n", 0, r"no rows"
    yield "twice.csv", delimited(header=("plate", "seen", "Plate")), 0, r"stands in the header twice"
    yield "dump.sql", "-- dump\nCREATE TABLE reads (plate TEXT);\n" + "".join(
        f"INSERT INTO reads VALUES ('{p}','{s}','{state}');\n" for p, s, state in ROWS), 0, r"SQL"
    yield "page.html", "<table>" + "".join(f"<tr><td>{p}</td></tr>" for p, _, _ in ROWS), 0, r"XML or HTML"
    yield "table.parquet", b"PAR1" + bytes(100) + b"PAR1", 0, r"Parquet"
    yield "old.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), 0, r"\.xls"
    yield "base.sqlite", b"SQLite format 3\0" + bytes(600), 0, r"SQLite"
    yield "packed.csv.xz", subprocess.run(["xz", "-c"], input=plain.encode(), capture_output=True, check=True).stdout, 0, r"xz"
    yield "packed.csv.bz2", bz2.compress(plain.encode()), 0, r"bzip2"
    yield "cut-off.csv.gz", gzip.compress(plain.encode())[:-40], None, r"cannot be read to its end"
    yield "two.zip", zipped(("a.csv", plain), ("b.csv", plain)), 0, r"holds 2 files"
    yield "table.ods", zipped(("mimetype", "application/vnd.oasis.opendocument.spreadsheet"), ("content.xml", "<x/>")), 0, r"OpenDocument"
    yield "other-columns.xlsx", workbook(ROWS, names=("tag", "seen", "state")), 0, r"worksheet 'Reads', line 1: no column"
    yield "dates.xlsx", workbook(ROWS[:9] + [(46082, "x", "TX")] + ROWS[10:]), 39, r"line 11: .*a date of the plate"
    yield "fonts.xlsx", workbook(ROWS, runs=True), 40, r"lines 2-41: the plate is written in several fonts"
    yield "damaged.xlsx", workbook(ROWS, end="<broken"), None, r"XML is damaged"
    yield "long-cell.xlsx", workbook([*ROWS, ("ZZT1234", "x" * (17 << 20), "TX")], inline=True), None, r"row 42 has a cell of more than"
    good = [json.dumps(o) for o in objects()]
    yield "cut-line.jsonl", "\n".join(good[:10] + [good[10][:-1]] + good[11:]) + "\n", 39, r"line 11: is not a JSON object"
    yield "cut-first-line.jsonl", "\n".join([good[0][:-1]] + good[1:]) + "\n", 39, r"line 1: is not a JSON object"
    yield "some-fields.jsonl", "\n".join(good[:10] + [good[10].replace('"plate"', '"plat"')] + good[11:]), 39, r"line 11: has no field 'plate'"
    yield "some-fields.json", json.dumps(objects()[:10] + [{"seen": "x"}] + objects()[11:]), 39, r"has no field 'plate'"
    yield "in-rows.jsonl", "\n".join(good[:10] + [json.dumps(objects()[10] | {"more": objects()[11:12]})] + good[11:]), 40, r"line 11: holds further rows"
    yield "doubled.jsonl", "\n".join(good[:10] + [good[10].replace("{", '{"plate": "ZZZ1234", ')] + good[11:]), 40, r"line 11: has 'plate' twice"
    yield "urls.csv", delimited(rows=[(p, f"https://x.example/a?b={i}", t) for i, (p, _, t) in enumerate(ROWS)]), 40, r"no value of column 'seen' can support"
    yield "cut-array.json", json.dumps(objects())[:-30], 39, r"breaks off"
    yield "other-field.jsonl", "".join(line.replace('"plate"', '"tag"') + "\n" for line in good), 0, r"no row has a field 'plate'"
    yield "arrays.json", json.dumps([list(row) for row in ROWS]), 0, r"is not a JSON object"


def check_whole(folder):
    for name, content in whole_forms():
        work, status, errors, items = enrol(folder, name, content, "--support", "seen,state")
        assert status == DONE and items == len(ROWS), f"{name}: exit {status}, {items} items\n{errors}"
        found, supported, _, told = found_in(folder, work, name)
        assert found == len(ROWS), f"{name}: {found} found in itself\n{told}"
        assert supported >= len(ROWS) * 0.9, f"{name}: {supported} found with what supports them"


def check_told(folder):
    for name, content, items, said in told_forms():
        _, status, errors, have = enrol(folder, name, content, "--support", "seen")
        assert status == FAILED and (items is None or have == items), f"{name}: exit {status}, {have} items\n{errors}"
        assert name in errors and re.search(said, errors), f"{name}: does not say /{said}/\n{errors}"
    _, status, errors, items = enrol(folder, "misspelt.jsonl", "".join(json.dumps(o) + "\n" for o in objects()), "--support", "stat")
    assert status == FAILED and items == len(ROWS) and "no row has a field 'stat'" in errors, errors
    _, status, errors, items = enrol(folder, "some.jsonl", "".join(json.dumps(o).replace("state", "stat" if i == 4 else "state") + "\n"
                                                                   for i, o in enumerate(objects())), "--support", "state")
    assert status == DONE and items == len(ROWS) and "line 5: has no field 'state'" in errors, errors
    fillers = "UNKNOWN,2026-01-01,TX\nXXXXXXX,2026-01-01,TX\n0000000,2026-01-01,TX\n"
    _, status, errors, items = enrol(folder, "fillers.csv", delimited() + fillers, "--support", "seen")
    assert status == DONE and items == len(ROWS) and "lines 42-44: the plate's cell says that no plate was read" in errors, errors
    _, status, errors, items = enrol(folder, "calendar.csv", delimited() + "ZZT1234,31/02/2026,TX\n", "--support", "seen")
    assert status == FAILED and items == len(ROWS) + 1 and "line 42: column 'seen' has a date that no calendar has" in errors, errors
    for name, table in (("whole.csv", "plate\n" + "".join(f"{1234567 + i}.0\n" for i in range(40))),
                        ("whole.json", json.dumps([{"plate": float(1234567 + i)} for i in range(40)]))):
        work, _, errors, items = enrol(folder, name, table)
        assert items == 40, errors
        (work / "leak.csv").write_text("plate,state\n" + "".join(f"{1234567 + i},TX\n" for i in range(40)))
        assert found_in(folder, work, "leak.csv")[0] == 40
    empty = ",2026-01-01,TX\nNULL,2026-01-01,TX\n\\N,2026-01-01,TX\n"
    _, status, errors, items = enrol(folder, "unread.csv", delimited() + empty, "--support", "seen")
    assert status == DONE and items == len(ROWS) and "lines 42-44: the plate's cell is empty" in errors, errors


def check_dates(folder):
    """A leak writes the true moment otherwise than the table did, and is found with it all the same."""
    moments = [(2026, 2, 1 + i % 12, i % 24, i % 60) for i in range(40)]
    true = delimited(rows=[(p, f"{y}-{m:02}-{d:02}T{h:02}:{n:02}:00", "TX") for (p, _, _), (y, m, d, h, n) in zip(ROWS, moments)])
    iso = lambda y, m, d, h, n: f"{y}-{m:02}-{d:02} {h:02}:{n:02}"
    forms = {"dmy": lambda y, m, d, h, n: f"{d:02}/{m:02}/{y} {h:02}:{n:02}", "mdy": lambda y, m, d, h, n: f"{m}/{d}/{y} {h:02}:{n:02}:00",
             "dashes": lambda y, m, d, h, n: f"{d:02}-{m:02}-{y} {h:02}:{n:02}", "dots": lambda y, m, d, h, n: f"{d}.{m}.{y} {h}:{n:02}",
             "two": lambda y, m, d, h, n: f"{d:02}/{m:02}/{y % 100} {h:02}:{n:02}", "iso": iso,
             "halves": lambda y, m, d, h, n: f"{d:02}/{m:02}/{y}, {h % 12 or 12}:{n:02} {'PM' if h > 11 else 'a.m.'}"}
    for name, form in forms.items():
        table = delimited(";", rows=[(p, form(*moment), "TX") for (p, _, _), moment in zip(ROWS, moments)])
        for options in ([], ["--date-order", "mdy" if name == "mdy" else "dmy"]):
            work, status, errors, items = enrol(folder, "t.csv", table, "--support", "seen", *options)
            assert status == DONE and items == len(ROWS), (name, errors)
            open_order = name not in ("dots", "iso") and not options
            assert ("does not show in which order" in errors) == open_order, (name, errors)
            (work / "leak.csv").write_text(true)
            for file in ("leak.csv", "t.csv"):
                found, supported, _, told = found_in(folder, work, file)
                assert found == len(ROWS) and supported >= len(ROWS) * 0.9, f"{name} {options} {file}: {found} {supported}\n{told}"
    # What the column shows, what it contradicts, and an order that a date cannot have.
    day_first = [(p, f"{1 + i % 28:02}/02/2026 10:00", "TX") for i, (p, _, _) in enumerate(ROWS)]
    _, status, errors, _ = enrol(folder, "t.csv", delimited(rows=day_first), "--support", "seen")
    assert status == DONE and "read day first, as line 14 shows" in errors, errors
    _, status, errors, _ = enrol(folder, "t.csv", delimited(rows=day_first + [("ZZZ9999", "02/25/2026 10:00", "TX")]), "--support", "seen")
    assert "contradicts itself" in errors, errors
    _, status, errors, items = enrol(folder, "t.csv", delimited(rows=day_first), "--support", "seen", "--date-order", "mdy")
    assert status == FAILED and items == len(ROWS) and "no date in the order" in errors, errors
    # A pipe can be read once only: every reading of its dates is registered, and it says so.
    work, *_ = enrol(folder, "t.csv", delimited(), "--support", "state")
    piped = subprocess.run([spanwatch, "register", "add", "records", "--register", "R.db", "--collection", "piped", "--plate", "plate", "--support",
                            "seen", "/dev/stdin"], cwd=work, input=delimited(rows=day_first).encode(), capture_output=True, check=False, timeout=60)
    assert piped.returncode == DONE and b"'seen' shows too late in which order" in piped.stderr, piped
    # A date and a time of day in columns of their own.
    apart = [(p, f"{d:02}/{m:02}/{y}", f"{h:02}:{n:02}") for (p, _, _), (y, m, d, h, n) in zip(ROWS, moments)]
    work, status, errors, _ = enrol(folder, "t.csv", delimited(rows=apart), "--support", "seen,state", "--date-order", "dmy")
    (work / "leak.csv").write_text(true)
    assert found_in(folder, work, "leak.csv")[1] >= len(ROWS) * 0.9


def check_lists(folder):
    digests = [f"{i:064x}" for i in range(0xabc000, 0xabc00a)]
    plain = "".join(f"{d}  p/{i}.jpg\n" for i, d in enumerate(digests))
    table = "name,sha256\n" + "".join(f'"6"" {i}.jpg",{d}\n' for i, d in enumerate(digests))
    for name, content, items, wanted in (
            ("sums", plain, 10, DONE), ("sums.gz", gzip.compress(plain.encode()), 10, DONE), ("sums-16", plain.encode("utf-16"), 10, DONE),
            ("sums.zip", zipped(("sums", plain)), 10, DONE), ("cr", plain.replace("\n", "\r"), 10, DONE), ("t.csv", table, 10, DONE),
            ("stray.csv", "name,sha256\n" + "".join(f'6" {i}.jpg,{d}\n' for i, d in enumerate(digests)), 10, DONE),
            ("open.csv", "name,sha256\n" + "".join(f'"{i}.jpg,{d}\n' for i, d in enumerate(digests)), 10, FAILED),
            ("a.json", json.dumps([{"sha256": d} for d in digests]), 10, DONE), ("a.json.gz", gzip.compress(json.dumps(
                [{"sha256": d} for d in digests]).encode()), 10, DONE),
            ("zero", plain.replace("\n", "\0"), 10, DONE), ("joined", "\ufeff" + plain[:len(plain) // 2] + "\ufeff" + plain[len(plain) // 2:], 10, DONE),
            ("tags", "".join(f"SHA256 ({d}.jpg) = {d}\n" for d in digests), 10, DONE), ("openssl", "".join(f"SHA2-256(x.jpg)= {d}\n" for d in digests), 10, DONE),
            ("blake", "".join(f"BLAKE2b-256 (x.jpg) = {d}\n" for d in digests), 0, FAILED),
            ("pairs", "".join(":".join(d[i:i + 2] for i in range(0, 64, 2)) + "\n" for d in digests), 10, DONE),
            ("get-filehash.json", json.dumps([{"Algorithm": "SHA256", "Hash": d.upper(), "Path": "x"} for d in digests]), 10, DONE),
            ("get-filehash.txt", "".join(f"\nAlgorithm : SHA256\nHash      : {d}\n" for d in digests), 10, FAILED),
            ("misp.csv", "uuid,type,value\n" + "".join(f'x,"filename|sha256","a.jpg|{d}"\n' for d in digests), 10, DONE),
            ("vics.json", json.dumps({"value": [{"MediaID": 1, "MD5": d[32:]} for d in digests]}), 10, DONE),
            ("attributes.json", json.dumps({"data": [{"id": d, "attributes": {"sha256": d}} for d in digests]}), 10, DONE),
            ("none", "", 0, FAILED), ("x.parquet", b"PAR1xxxx", 0, FAILED), ("cut", plain[:-60], 9, FAILED)):
        work = folder / f"list-{name}"
        work.mkdir()
        (work / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        run(work, "register", "init", "--register", "R.db", "--owner", "A")
        status, _, errors = run(work, "register", "import", "--register", "R.db", "--collection", "c", "--list", name)
        have = len(run(work, "register", "list", "--register", "R.db", "--json")[1].splitlines())
        assert (status, have) == (wanted, items), f"{name}: exit {status}, {have} items\n{errors}"


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        assert run(folder, "keygen", "--out", "owner")[0] == DONE
        for check in (check_whole, check_told, check_dates, check_lists):
            check(folder)
    print(f"{shown} tables")


if __name__ == "__main__":
    main()
