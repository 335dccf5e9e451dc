"""A spreadsheet to fill in: the headers that an import knows, and an example row."""

import csv
import io
from typing import Final

COLUMNS: Final = (
    ("Name", "Curie Nursing Award"),
    ("Organization", "Acme Trust"),
    ("Type", "Merit-based"),
    ("Amount", "$1,000 - $2,500"),
    ("Number of awards", "2"),
    ("Opens", "2027-01-15"),
    ("Deadline", "2027-03-31"),
    ("Time zone", "America/New_York"),
    ("Renewable", "Yes"),
    ("Minimum GPA", "3.0"),
    ("Grade levels", "High school senior; Undergraduate"),
    ("Fields of study", "Nursing; Biology"),
    ("States", "New York; New Jersey"),
    ("Citizenship", "US citizen or permanent resident"),
    ("Financial need", "No"),
    ("Essay", "Yes"),
    ("Letters of recommendation", "2"),
    ("Other requirements", "Plays the ukulele; Volunteers in a hospital"),
    ("Application link", "https://example.org/apply"),
    ("Website", "https://example.org"),
    ("Contact email", "aid@example.org"),
    ("Description", "For nursing students. Replace this row, or delete it."),
)
"""Headers and the cells of the example."""

SHEET: Final = "Scholarships"
_WIDTH: Final = 24
"""Width of a column in characters."""


def csv_template() -> bytes:
    """UTF-8 with a byte order mark, so that Excel reads it as UTF-8."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow([header for header, _ in COLUMNS])
    writer.writerow([example for _, example in COLUMNS])
    return b"\xef\xbb\xbf" + text.getvalue().encode()


def xlsx_template() -> bytes:
    # openpyxl takes a tenth of a second to import, and other commands need none of it.
    from openpyxl import Workbook  # noqa: PLC0415
    from openpyxl.styles import Font  # noqa: PLC0415
    from openpyxl.utils import get_column_letter  # noqa: PLC0415

    book = Workbook()
    sheet = book.active
    sheet.title = SHEET
    sheet.append([header for header, _ in COLUMNS])
    sheet.append([example for _, example in COLUMNS])
    sheet.freeze_panes = "B2"
    for at in range(1, len(COLUMNS) + 1):
        sheet.cell(1, at).font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(at)].width = _WIDTH
        for cell in sheet[get_column_letter(at)]:
            cell.number_format = "@"  # text: Excel turns nothing into something else
    target = io.BytesIO()
    book.save(target)
    return target.getvalue()
