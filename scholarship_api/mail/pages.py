"""The pages behind links of mails. A form posts to its own address; no script, no style."""

from typing import Final


def _page(title: str, text: str, button: str | None = None) -> str:
    form = "" if button is None else f'<form method="post"><button>{button}</button></form>\n'
    return (
        '<!doctype html>\n<html lang="en">\n<head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">'
        f"<title>{title}</title></head>\n"
        f"<body><main><h1>{title}</h1>\n<p>{text}</p>\n{form}</main></body>\n</html>\n"
    )


CONFIRM: Final = _page(
    "Confirm your address",
    "Do you want reminders of your scholarship deadlines at this address?",
    "Yes, send me reminders",
)
CONFIRMED: Final = _page("Confirmed", "You will get reminders of the deadlines that you track.")
UNSUBSCRIBE: Final = _page(
    "End the mails", "Do you want no more mails about your deadlines?", "End the mails"
)
EXPIRED: Final = _page(
    "This link is no longer good",
    "It is too old, or a newer mail has replaced it. Use the link in the newest mail.",
)
UNSUBSCRIBED: Final = _page("Done", "You will get no more mails about your deadlines.")
