"""Every failure of the rate limiter's backend has a fixed reason."""

import pytest
import redis
import redis.exceptions

from scholarship_api.platform.rate_limiting.errors import BACKEND_ERRORS, backend_reason


def raised(url: str) -> BaseException:
    with (
        pytest.raises(BACKEND_ERRORS) as error,
        redis.Redis.from_url(url, socket_timeout=1, socket_connect_timeout=1) as client,
    ):
        client.ping()
    return error.value


def test_the_reasons_of_a_real_server(redis_url: str) -> None:
    nobody = "redis://127.0.0.1:1/0"
    assert backend_reason(raised(nobody)).word == "refused"
    wrong_password = redis_url.replace("redis://", "redis://nobody:planted@")
    assert backend_reason(raised(wrong_password)).word == "access_denied"
    no_such_database = redis_url.rpartition("/")[0] + "/99999"
    assert backend_reason(raised(no_such_database)).word == "access_denied"


@pytest.mark.parametrize(
    ("error", "word"),
    [
        (TimeoutError(), "timeout"),
        (redis.exceptions.TimeoutError(), "timeout"),
        (ConnectionRefusedError(), "refused"),
        (redis.exceptions.ConnectionError("closed"), "unreachable"),
        (EOFError(), "unreachable"),
    ],
)
def test_each_error_has_a_reason(error: Exception, word: str) -> None:
    assert backend_reason(error).word == word
