"""Bodies of the import, whose media types schemathesis does not know. It loads this as a hook."""

import schemathesis

LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
)


@schemathesis.serializer(*LINES)
def lines(_: schemathesis.SerializationContext, value: object) -> bytes:
    return str(value).encode(errors="replace")
