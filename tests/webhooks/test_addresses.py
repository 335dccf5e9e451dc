"""Messages go to addresses of the public internet only."""

import asyncio
import ipaddress
from collections.abc import AsyncIterator

import pytest

from scholarship_api.webhooks import addresses
from scholarship_api.webhooks.sending import Outcome, Result, Sender
from tests.webhooks.receiver import Receiver, receiving, status

pytestmark = pytest.mark.anyio

REFUSED = """
    0.0.0.0 10.0.0.1 100.64.0.1 100.100.100.200 127.0.0.1 127.1.2.3 168.63.129.16 169.254.169.254
    169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192 192.0.2.1 192.168.0.1 192.88.99.1 198.18.0.1
    198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
    :: ::1 ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::127.0.0.1
    64:ff9b::8.8.8.8 64:ff9b:1::1 100::1 2001::1 2001:db8::1 2002:7f00:1:: 3fff::1 5f00::1 fc00::1
    fd00:ec2::254 fe80::1 fe80::1%eth0 fec0::1 ff02::1 4000::1
""".split()
PUBLIC = ["1.1.1.1", "8.8.8.8", "100.63.255.255", "172.32.0.1", "2606:4700:4700::1111"]
ODD_HOSTS = """
    localhost 127.1 127.0.1 0 0x7f.1 0x7f000001 0177.0.0.1 2130706433 017700000001 0x7f.0.0.1
    [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [0:0:0:0:0:ffff:7f00:1] [64:ff9b::7f00:1]
    [::] [fe80::1] 169.254.169.254 2852039166 0xa9fea9fe [fd00:ec2::254] 10.0.0.1 192.168.1.1
    172.16.0.1 100.64.0.1 0.0.0.0 255.255.255.255 [2002:7f00:1::]
""".split()


@pytest.mark.parametrize("text", REFUSED)
def test_an_address_that_is_not_of_the_internet_is_refused(text: str) -> None:
    assert not addresses.is_public(ipaddress.ip_address(text))


@pytest.mark.parametrize("text", PUBLIC)
def test_an_address_of_the_internet_is_allowed(text: str) -> None:
    assert addresses.is_public(ipaddress.ip_address(text))


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


async def post(sender: Sender, url: str) -> Result:
    return await sender.send(url, body=b"{}", headers={})


@pytest.mark.parametrize("host", ODD_HOSTS)
async def test_no_notation_of_a_private_address_is_called(receiver: Receiver, host: str) -> None:
    result = await post(Sender(), f"http://{host}:{receiver.port}/hook")
    assert result.outcome is Outcome.UNREACHABLE
    assert result.error in {"address_not_public", "host_not_found"}
    assert receiver.connections == 0


async def test_one_private_address_among_several_refuses_the_host(receiver: Receiver) -> None:
    async def both(_host: str, _port: int) -> list[str]:
        return ["1.1.1.1", "127.0.0.1"]

    result = await post(Sender(resolver=both), f"http://hook.example:{receiver.port}/")
    assert result.error == "address_not_public"
    assert receiver.connections == 0


async def test_a_name_is_resolved_once_and_the_checked_address_is_called(
    receiver: Receiver,
) -> None:
    """The second answer of the name server would lead elsewhere, and is never asked for."""
    asked = []

    async def rebinding(host: str, _port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    # Everything is allowed here, so that only the address of the connection decides. The name
    # itself leads nowhere.
    sender = Sender(allow_private=True, resolver=rebinding)
    result = await post(sender, f"http://rebinding.invalid:{receiver.port}/path?q=1")
    assert result.outcome is Outcome.DELIVERED
    assert asked == ["rebinding.invalid"]
    [message] = receiver.messages
    assert message.headers["host"] == f"rebinding.invalid:{receiver.port}"
    assert message.path == "/path?q=1"


async def test_an_answer_that_turns_private_refuses_the_next_message(receiver: Receiver) -> None:
    answers = iter([["192.0.2.1"], ["127.0.0.1"]])

    async def rebinding(_host: str, _port: int) -> list[str]:
        return next(answers)

    sender = Sender(resolver=rebinding)
    for _ in range(2):
        result = await post(sender, f"http://localhost:{receiver.port}/")
        assert result.error == "address_not_public"
    assert receiver.connections == 0


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(receiver: Receiver, code: int) -> None:
    async with receiving() as inner:
        receiver.answer = status(code, f"Location: {inner.url}")
        result = await post(Sender(allow_private=True), receiver.url)
        assert (result.outcome, result.error) == (Outcome.UNREACHABLE, "redirect")
        assert inner.connections == 0


async def test_an_answer_is_read_up_to_its_limit_only(receiver: Receiver) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n" + b"x" * 1_000_000
    receiver.answer = lambda _: endless
    result = await post(Sender(allow_private=True), receiver.url)
    assert result.outcome is Outcome.DELIVERED


@pytest.mark.slow
async def test_a_receiver_that_is_silent_is_left_after_five_seconds() -> None:
    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(silent, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await post(Sender(allow_private=True), f"http://127.0.0.1:{port}/")
    assert (result.outcome, result.error) == (Outcome.UNREACHABLE, "timeout")


@pytest.mark.parametrize(
    ("code", "outcome"),
    [
        (200, Outcome.DELIVERED),
        (204, Outcome.DELIVERED),
        (400, Outcome.REJECTED),
        (404, Outcome.REJECTED),
        (410, Outcome.GONE),
        (429, Outcome.UNREACHABLE),
        (500, Outcome.UNREACHABLE),
        (503, Outcome.UNREACHABLE),
    ],
)
async def test_the_status_decides_what_becomes_of_a_message(
    receiver: Receiver, code: int, outcome: Outcome
) -> None:
    receiver.answer = status(code)
    assert (await post(Sender(allow_private=True), receiver.url)).outcome is outcome


async def test_an_answer_that_is_no_http_is_a_failure(receiver: Receiver) -> None:
    receiver.answer = lambda _: b"\x00\x01\x02"
    result = await post(Sender(allow_private=True), receiver.url)
    assert (result.outcome, result.error) == (Outcome.UNREACHABLE, "bad_answer")


async def test_a_host_that_does_not_speak_tls_is_not_sent_anything_in_clear_text() -> None:
    heard = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read(1000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(plain, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        result = await post(Sender(allow_private=True), f"https://127.0.0.1:{port}/secret-path")
    assert (result.outcome, result.error) == (Outcome.UNREACHABLE, "tls_failed")
    assert b"secret-path" not in b"".join(heard)
