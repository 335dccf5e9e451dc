"""Headers of a response at a deprecated address: the same response, and where its successor is."""

RawHeaders = tuple[tuple[bytes, bytes], ...]


def deprecation_headers(successor: str) -> RawHeaders:
    """The headers that announce the path `successor`."""
    return (
        (b"deprecation", b"true"),
        (b"link", f'<{successor}>; rel="successor-version"'.encode()),
    )
