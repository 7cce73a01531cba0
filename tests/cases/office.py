"""Workbooks as Excel writes them: texts in sharedStrings, numbers in the cells, members in Excel's order (sheets before strings)."""
import io
import zipfile
from xml.sax.saxutils import escape

HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def column(number):
    name = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        name = chr(65 + letter) + name
    return name


def sheet(table, strings):
    lines = []
    for row, cells in enumerate(table, 1):
        written = []
        for place, value in enumerate(cells):
            reference = f"{column(place)}{row}"
            if isinstance(value, str):
                written.append(f'<c r="{reference}" t="s"><v>{strings.setdefault(value, len(strings))}</v></c>')
            else:
                written.append(f'<c r="{reference}" s="1"><v>{value}</v></c>')
        lines.append(f'<row r="{row}" spans="1:{len(cells)}">{"".join(written)}</row>')
    return f'{HEAD}<worksheet {MAIN}><dimension ref="A1"/><sheetData>{"".join(lines)}</sheetData></worksheet>'


def workbook(sheets):
    """`sheets`: (name, rows); a text goes to the shared strings, a number into its cell."""
    strings, members = {}, {}
    for number, (_, table) in enumerate(sheets, 1):
        members[f"xl/worksheets/sheet{number}.xml"] = sheet(table, strings)
    names = "".join(f'<sheet name="{escape(name)}" sheetId="{number}" r:id="rId{number}"/>' for number, (name, _) in enumerate(sheets, 1))
    parts = {"[Content_Types].xml": f'{HEAD}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
             "xl/workbook.xml": f'{HEAD}<workbook {MAIN}><sheets>{names}</sheets></workbook>', **members,
             "xl/sharedStrings.xml": f'{HEAD}<sst {MAIN} count="{len(strings)}" uniqueCount="{len(strings)}">'
                                     + "".join(f"<si><t>{escape(text)}</t></si>" for text in strings) + "</sst>"}
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return file.getvalue()
