"""Spreadsheets as aid offices make them, built in code: one for each way in which they differ."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from scholarship_api.exchange.sources import ImportFormat
from scholarship_api.exchange.values.dates import DateOrder

Cells = Sequence[object]

QUAY = {"organization": "Quay College"}


@dataclass(frozen=True)
class Spreadsheet:
    name: str
    content: Callable[[], bytes]
    file_format: ImportFormat = ImportFormat.CSV
    options: Mapping[str, Any] = field(default_factory=dict)
    encoding: str = "utf-8-sig"
    delimiter: str = ","


def delimited(
    *rows: Cells,
    delimiter: str = ",",
    encoding: str = "utf-8",
    before: str = "",
    line_end: str = "\r\n",
) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator=line_end).writerows(rows)
    return (before + text.getvalue()).encode(encoding)


def workbook(*rows: Cells, change: Callable[[Workbook, Worksheet], None] | None = None) -> bytes:
    book = Workbook()
    sheet = book.active
    sheet.title = "Awards"
    for row in rows:
        sheet.append(list(row))
    if change is not None:
        change(book, sheet)
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


def _money_in_words() -> bytes:
    amounts = [
        "Five thousand dollars", "full tuition", "Varies by need", "Half tuition", "2 x $500",
        "$1,000 per semester", "Up to 5k", "$500+", "1.500,00 €", "a lot",
    ]  # fmt: skip
    rows = [(f"Award {number}", "Acme", amount) for number, amount in enumerate(amounts, start=1)]
    return delimited(("Award Name", "Sponsor", "Award Amount"), *rows)


def _days(*days: str, header: str = "Deadline") -> bytes:
    rows = [(f"Award {number}", "Acme", day) for number, day in enumerate(days, start=1)]
    return delimited(("Name", "Organization", header), *rows)


def _merged(book: Workbook, sheet: Worksheet) -> None:
    sheet.merge_cells("A1:D1")  # a title over the whole table
    sheet.merge_cells("A3:A5")  # the sponsor of three awards
    sheet.merge_cells("A6:D6")  # the heading of a section


def _two_headers(book: Workbook, sheet: Worksheet) -> None:
    for cells in ("A1:A2", "B1:B2", "C1:D1", "E1:F1"):
        sheet.merge_cells(cells)


def _formulas(book: Workbook, sheet: Worksheet) -> None:
    sheet["C2"] = "=500*2"
    sheet["D2"] = '=HYPERLINK("https://quay.example/a", "Apply")'
    sheet["C3"] = "#REF!"
    sheet["C3"].data_type = "e"


def _formats(book: Workbook, sheet: Worksheet) -> None:
    sheet["C2"].number_format = "[$€-407]#,##0.00"
    sheet["C3"].number_format = "[$CAD] #,##0"
    sheet["E2"].number_format = "0%"
    sheet["D3"].number_format = "General"


def _links(book: Workbook, sheet: Worksheet) -> None:
    sheet["C2"].hyperlink = "https://quay.example/apply"
    sheet["D2"].hyperlink = "mailto:aid@quay.example"


def _hidden(book: Workbook, sheet: Worksheet) -> None:
    sheet.column_dimensions["C"].hidden = True
    sheet.row_dimensions[3].hidden = True
    notes = book.create_sheet("Notes")
    notes["A1"] = "Ask Jane"
    old = book.create_sheet("2019")
    old.append(["Name", "Organization", "Amount"])
    old.append(["Old Award", "Acme", 100])
    old.sheet_state = "hidden"


def _serials(book: Workbook, sheet: Worksheet) -> None:
    """Numbers of days as a workbook stores them when a cell has lost its format."""
    sheet["C2"] = 46450.708333
    sheet["C3"] = "46450"
    sheet["D2"] = 46450.5
    sheet["C4"].number_format = "m/d/yyyy h:mm"


def _second_sheet() -> bytes:
    book = Workbook()
    cover = book.active
    cover.title = "Read me"
    cover["A1"] = "Scholarships of the college"
    table = book.create_sheet("2027")
    table.append(["Name", "Organization", "Due"])
    table.append(["Curie Award", "Acme", date(2027, 3, 4)])
    table.append(["Noether Award", "Acme", datetime(2027, 3, 5, 17, 0)])  # noqa: DTZ001 - Excel's
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()


SPREADSHEETS = (
    Spreadsheet(
        "the headers of an office, and no organization",
        lambda: delimited(
            ("Scholarship Name", "Award Amount", "Deadline", "Eligibility", "Website", "Contact"),
            (
                "Alpha",
                "$1,500",
                "3/24/2027",
                "Nursing majors",
                "www.quay.example",
                "a@quay.example",
            ),
            ("Beta", "Varies", "Rolling", "Anyone", "", "Jane Roe, 555-1234"),
            ("Gamma", "Full tuition", "TBA", "Financial need", "quay.example/c", ""),
            ("Delta", "Up to $500", "Oct 1 and Mar 1", "", "", ""),
        ),
        options={"defaults": QUAY},
    ),
    Spreadsheet(
        "other words for the columns",
        lambda: delimited(
            ("Title", "Donor", "Value", "Closing Date", "Who Can Apply", "Link", "E-mail"),
            (
                "Alpha",
                "Acme",
                "2500",
                "2027-03-04",
                "Sophomores",
                "https://a.example",
                "a@b.example",
            ),
        ),
    ),
    Spreadsheet(
        "semicolons, a sep= line and decimal commas",
        lambda: delimited(
            ("Name", "Organization", "Amount (EUR)", "Deadline"),
            ("Preis", "Stiftung", "1.500,50", "04.03.2027"),
            ("Stipendium", "Stiftung", "2000", "24.12.2027"),
            delimiter=";",
            before="sep=;\r\n",
        ),
        delimiter=";",
    ),
    Spreadsheet(
        "tabs in UTF-16",
        lambda: delimited(
            ("Name", "Organization", "Amount", "GPA"),
            ("Prix d'été", "Fondation Łódź", "€500", "3.5/4.0"),
            delimiter="\t",
            encoding="utf-16",
        ),
        encoding="utf-16",
        delimiter="\t",
    ),
    Spreadsheet(
        "UTF-16 without a byte order mark",
        lambda: delimited(("Name", "Organization"), ("Curie", "Acme"), encoding="utf-16-le"),
        encoding="utf-16-le",
    ),
    Spreadsheet(
        "Windows-1252",
        lambda: delimited(
            ("Name", "Organization", "Notes"),
            ("Beyoncé Award", "Peña Foundation", "Señor \u201cSmith\u201d \u2013 5 €"),
            encoding="cp1252",
        ),
        encoding="cp1252",
    ),
    Spreadsheet(
        "UTF-8 with a byte order mark, empty columns and rows, short rows",
        lambda: delimited(
            ("Name", "Organization", "Amount", "GPA", "", "", ""),
            ("Alpha", "Acme", "$100", "", "", "", ""),
            ("", "", "", "", "", "", ""),
            ("Beta", "Acme"),
            encoding="utf-8-sig",
        ),
    ),
    Spreadsheet(
        "title lines, a heading, a total, notes, and the header again",
        lambda: delimited(
            ("Quay College", "", ""),
            ("Scholarships 2027-28", "as of May 1", ""),
            ("", "", ""),
            ("Name", "Amount", "Deadline"),
            ("Merit awards", "", ""),
            ("Alpha", "$100", "May 1, 2027"),
            ("Name", "Amount", "Deadline"),
            ("Beta", "$200", "June 1st, 2027"),
            ("Total", "$300", ""),
            ("* subject to funding", "", ""),
        ),
        options={"defaults": QUAY},
    ),
    Spreadsheet("money in words", _money_in_words),
    Spreadsheet("months first", lambda: _days("3/4/2027", "12/15/2026", "1/5/27")),
    Spreadsheet("days first", lambda: _days("4/3/2027", "15.12.2026", "5-1-2027")),
    Spreadsheet(
        "years first, and a given order",
        lambda: _days("27-03-04", "2027/12/15", "20270304", "2027-03-04 00:00:00"),
        options={"date_order": DateOrder.YMD},
    ),
    Spreadsheet(
        "dates that leave two orders, and no dates",
        lambda: _days("3/4/2027", "5/6/2027", "7/7/2027", "soon", "March 2027", "2/30/2027"),
    ),
    Spreadsheet(
        "criteria in words",
        lambda: delimited(
            ("Name", "Sponsor", "Grade Level", "Major", "State", "Citizenship", "Gender", "GPA"),
            (
                "A",
                "Acme",
                "HS Seniors",
                "Nursing; Biology",
                "Iowa, IL",
                "US citizen",
                "Women",
                "B+",
            ),
            ("B", "Acme", "Freshman", "STEM", "Nationwide", "DACA or US", "Any", "85%"),
            ("C", "Acme", "Senior", "alchemy", "Ruritania", "Martian", "queen", "11"),
        ),
    ),
    Spreadsheet(
        "a mapping, an ignored column and yes or no",
        lambda: delimited(
            ("Award", "Cut-off", "Renewable?", "Essay Required", "Letters", "Internal"),
            ("Alpha", "March 4, 2027 5 pm ET", "Yes", "x", "two", "ask Jane"),
            ("Beta", "Jan 15 - Mar 1, 2027", "One-time", "500 words", "no", "ask Joe"),
            ("Gamma", "TBD", "maybe", "perhaps", "many", ""),
        ),
        options={
            "columns": {
                "Cut-off": "application_deadline",
                "Internal": "ignore",
                "Letters": "recommendation_letters",
            },
            "defaults": QUAY,
        },
    ),
    Spreadsheet(
        "several deadlines, an opening, a year, and formulas as text",
        lambda: delimited(
            (
                "Name",
                "Sponsor",
                "Opens",
                "Fall Deadline",
                "Spring Deadline",
                "Academic Year",
                "Apply",
            ),
            ("Alpha", "Acme", "", "Oct 1, 2027", "Mar 1, 2028", "2027-2028", "=cmd()"),
            ("Beta", "Acme", "Sept 1, 2027", "Oct 1, 2027", "", "", "By mail, to the office"),
        ),
    ),
    Spreadsheet(
        "merged cells",
        lambda: workbook(
            ("Awards 2027", None, None, None),
            ("Sponsor", "Name", "Amount", "Deadline"),
            ("Acme", "Alpha", 500, date(2027, 3, 4)),
            (None, "Beta", 750.5, "Rolling"),
            (None, "Gamma", None, None),
            ("Awards of others", None, None, None),
            ("Other", "Delta", 100, None),
            change=_merged,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "formulas, and errors of formulas",
        lambda: workbook(
            ("Name", "Organization", "Amount", "Application Link"),
            ("Alpha", "Acme", None, None),
            ("Beta", "Acme", None, "https://b.example"),
            change=_formulas,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "formats of numbers, serials of dates, links behind texts",
        lambda: workbook(
            ("Name", "Organization", "Amount", "Deadline", "GPA"),
            ("Alpha", "Acme", 1500, 46450, 0.85),
            ("Beta", "Acme", 2000, 46450, 3),
            change=_formats,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "links behind texts",
        lambda: workbook(
            ("Name", "Organization", "Website", "Contact"),
            ("Alpha", "Acme", "Apply here", "Aid Office"),
            change=_links,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "hidden columns, rows and sheets",
        lambda: workbook(
            ("Name", "Organization", "Donor phone", "Amount"),
            ("Alpha", "Acme", "555-1234", "$5"),
            ("Secret", "Acme", "555-9999", "$6"),
            ("Beta", "Acme", "", "$7"),
            change=_hidden,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet("a table on the second sheet", _second_sheet, ImportFormat.XLSX),
    Spreadsheet(
        "two header rows, the upper one merged",
        lambda: workbook(
            ("Scholarship", "Sponsor", "Award Amount", None, "Dates", None),
            (None, None, "Minimum", "Maximum", "Opens", "Closes"),
            ("Alpha", "Acme", 500, 1500, date(2027, 1, 5), date(2027, 3, 4)),
            ("Beta", "Acme", None, 2000, None, "Rolling"),
            change=_two_headers,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "semicolons, Windows-1252, and TRUE and FALSE in Spanish",
        lambda: delimited(
            ("Name", "Organization", "Amount", "Deadline", "Renewable", "Essay required"),
            ("Beca Peña", "Universidad de Cádiz", "1.500 €", "15/03/2027", "VERDADERO", "FALSO"),
            ("Beca Ñandú", "Fundación", "2.000,50 €", "04/03/2027", "Sí", "No"),
            delimiter=";",
            encoding="cp1252",
        ),
        encoding="cp1252",
        delimiter=";",
    ),
    Spreadsheet(
        "a sheet in Spanish",
        lambda: delimited(
            (
                *("Beca", "Institución", "Monto", "Fecha límite", "Requisitos", "Página web"),
                *("Correo electrónico", "Promedio mínimo", "Nivel de estudios", "Carrera"),
            ),
            (
                *("Beca Sol", "Fundación Luna", "Hasta $5,000", "15 de enero de 2027"),
                *("Residentes de Texas", "luna.example", "becas@luna.example", "3.0"),
                *("Licenciatura", "Enfermería; Medicina"),
            ),
            (
                *("Beca Mar", "Fundación Luna", "Varía", "Abierta todo el año", "Ninguno", ""),
                *("", "", "Preparatoria, Maestría", "Cualquiera"),
            ),
            (
                *("Beca Río", "Fundación Luna", "entre $500 y $1,000 por semestre"),
                *("1º de marzo y 1º de octubre", "", "", "", "", "", ""),
            ),
            (
                *("Beca Aire", "Fundación Luna", "Matrícula completa", "Por anunciar"),
                *("", "", "", "", "Estudiantes de intercambio", "Astrología"),
            ),
        ),
    ),
    Spreadsheet(
        "days first and decimal commas in Spanish, Windows-1252",
        lambda: delimited(
            ("Nombre de la beca", "Patrocinador", "Importe", "Moneda", "Apertura", "Cierre"),
            ("Premio Ñandú", "Asociación Élite", "1.500,50", "EUR", "15-ene-2027", "31/03/2027"),
            ("Premio Águila", "Asociación Élite", "2.000", "EUR", "01/feb/27", "04/03/2027"),
            delimiter=";",
            encoding="cp1252",
        ),
        encoding="cp1252",
        delimiter=";",
    ),
    Spreadsheet(
        "tabs in UTF-16, in French",
        lambda: delimited(
            ("Nom de la bourse", "Organisme", "Montant", "Date limite", "Site web"),
            ("Bourse Été", "Fondation Noël", "1 500 €", "15 février 2027", "noel.example"),
            ("Bourse Hiver", "Fondation Noël", "jusqu'à 2 000,50 €", "1er août 2027", ""),
            delimiter="\t",
            encoding="utf-16",
        ),
        encoding="utf-16",
        delimiter="\t",
    ),
    Spreadsheet(
        "semicolons, in German and Portuguese",
        lambda: delimited(
            ("Name des Stipendiums", "Träger", "Betrag (EUR)", "Bewerbungsschluss", "Requisitos"),
            ("Stipendium A", "Stiftung", "1.200,00", "15. März 2027", "Keine"),
            ("Bolsa B", "Fundação", "800", "1 de outubro de 2027", "Nenhum"),
            delimiter=";",
        ),
        delimiter=";",
    ),
    Spreadsheet(
        "words that offices shorten",
        lambda: delimited(
            ("Schol. Name", "Org.", "Award Amt ($)", "App. Ddl", "Min. GPA", "Elig. Majors"),
            ("A", "Acme", "1,000", "3/15/27", "2.75", "Nursing, Biology"),
            ("B", "Acme", "1K-2.5K", "4/30/27", "3.0+", "Any"),
        ),
    ),
    Spreadsheet(
        "numbers of days with a time, in a workbook",
        lambda: workbook(
            ("Name", "Organization", "Deadline", "Notification Date"),
            ("A", "Acme", None, None),
            ("B", "Acme", None, None),
            ("C", "Acme", datetime(2027, 3, 6, 17, 30), None),  # noqa: DTZ001 - Excel's
            change=_serials,
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet("numbers of days in a text", lambda: _days("46450", "46451.708333", "90210")),
    Spreadsheet(
        "the same columns twice, cells beside the table, and a row too wide",
        lambda: delimited(
            ("Name", "Organization", "Deadline", "Deadline", "Notes", "Notes", ""),
            ("A", "Acme", "2027-03-04", "2027-10-01", "first", "second", "beside"),
            ("B", "Acme", "", "2027-10-01", "", "x", ""),
            ("C", "Acme", "Rolling", "2027-10-01", "same", "same", "", "wide"),
        ),
    ),
    Spreadsheet(
        "a workbook of boxes to tick, sections, and sums",
        lambda: workbook(
            ("Award Name", "Funder", "Amount", "Freshman", "Senior", "Need-Based?"),
            ("FALL AWARDS", None, None, None, None, None),
            ("A", "Acme", 1000, "X", None, "Y"),
            (None, None, None, None, None, None),
            ("SPRING AWARDS", None, None, None, None, None),
            ("B", "Acme", 2000, None, "x", "N"),
            ("Subtotal", None, 3000, None, None, None),
        ),
        ImportFormat.XLSX,
    ),
    Spreadsheet(
        "ranges in words, TRUE and FALSE, and notes below the table",
        lambda: delimited(
            ("Award", "Donor", "How much?", "Due", "Need based?"),
            ("A", "Acme", "between five hundred and one thousand dollars", "March 4, 2027", "TRUE"),
            ("B", "Acme", "from $1k to $2k per year", "Oct. 1", "FALSE"),
            ("C", "Acme", "approx. $750", "3/15/27 at noon", "T"),
            ("", "", "", "", ""),
            ("Note: amounts may change", "", "", "", ""),
            ("Prepared by Jane, 12/1/2026", "", "", "", ""),
        ),
    ),
    Spreadsheet(
        "a column of currency signs, and one of time zones",
        lambda: delimited(
            ("Name", "Organization", "Amount", "Currency", "Deadline Date", "Time Zone"),
            ("A", "Acme", "1,000", "£", "2027-03-04", "ET"),
            ("B", "Acme", "5000", "Euro", "2027-03-05", "Pacific Time"),
        ),
    ),
    Spreadsheet(
        "headers with two names, a form of dates, and a number for each row",
        lambda: delimited(
            ("#", "Scholarship Title", "Provider / Sponsor", "Award ($)", "Deadline (MM/DD/YYYY)"),
            ("1", "Alpha", "Acme", "$1,000.00", "03/04/2027"),
            ("2", "Beta", "Acme", "$500 - $1,000", "04/05/2027"),
        ),
    ),
)
