import secrets
import string

import pytest

from scholarship_api.settings.weak_secrets import weakness


@pytest.mark.parametrize(
    "secret",
    [
        "",
        "a" * 64,
        "ab" * 32,
        "0123456789abcdef" * 4,
        string.ascii_letters + string.digits + "+/",
        "S3cr3t!" * 10,
        "ChangeMe" + "x7Lq9zRt2Wv5Yb8Nc1Md4Kf6Hg3Js0Pa" * 2,
        "change-me-" + "x7Lq9zRt2Wv5Yb8Nc1Md4Kf6Hg3Js0PaUeIoTyQx" * 2,
        "your_secret_key_" + "x7Lq9zRt2Wv5Yb8Nc1Md4Kf6Hg3Js0PaUeIoTyQx" * 2,
    ],
)
def test_weak(secret: str) -> None:
    reason = weakness(secret)
    assert reason
    assert not secret or secret not in reason


def test_random_keys_pass() -> None:
    for _ in range(2000):
        assert weakness(secrets.token_hex(32)) is None
        assert weakness(secrets.token_urlsafe(48)) is None
