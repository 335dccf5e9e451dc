"""An identity provider in this process: it publishes its keys over HTTP and signs tokens."""

import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jws
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

AUDIENCE = "scholarships"
DISCOVERY = "/.well-known/openid-configuration"
KEYS = "/keys"

LIFETIME_SECONDS = 300


def new_key(algorithm: str = "RS256", **members: str) -> Key:
    """A new private key with an id of its own."""
    parameters: Any = {"kid": secrets.token_hex(8), **members}
    match algorithm[:2]:
        case "ES":
            curve: Any = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}[algorithm]
            return ECKey.generate_key(curve, parameters)
        case "Ed":
            return OKPKey.generate_key("Ed25519", parameters)
        case _:
            return RSAKey.generate_key(2048, parameters)


class Provider:
    """Serves from `start` to `stop`, on the same port each time."""

    def __init__(self) -> None:
        self.keys: list[Key] = [new_key()]
        self.requests: list[str] = []
        """The paths that were asked for."""
        self.answers: dict[str, object] = {}
        """Answers of paths other than the right ones: bytes, a status or JSON."""
        self.redirects_to: str | None = None
        """The Location of all answers."""
        self.encoding: str | None = None
        """The Content-Encoding of all answers."""
        self.may_answer = threading.Event()
        self.may_answer.set()
        self._server: ThreadingHTTPServer | None = None
        self._port = 0

    @property
    def issuer(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.requests.append(self.path)
                provider.may_answer.wait(60)
                status, body = provider.answer(self.path)
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                if provider.encoding is not None:
                    self.send_header("Content-Encoding", provider.encoding)
                if provider.redirects_to is not None:
                    self.send_header("Location", provider.redirects_to)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self._port), Handler)
        self._server.daemon_threads = True
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        self.may_answer.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def answer(self, path: str) -> tuple[int, bytes]:
        found = self.answers.get(path)
        if isinstance(found, bytes):
            return 200, found
        if isinstance(found, int):
            return found, b"{}"
        if found is None:
            found = {
                DISCOVERY: {"issuer": self.issuer, "jwks_uri": self.issuer + KEYS},
                KEYS: {"keys": [key.as_dict(private=False) for key in self.keys]},
            }.get(path)
        return (404, b"{}") if found is None else (200, json.dumps(found).encode())

    def rotate(self, *, algorithm: str = "RS256") -> None:
        """Replace all keys by a new one."""
        self.keys = [new_key(algorithm)]

    def token(
        self,
        subject: str = "ada",
        *,
        key: Key | None = None,
        algorithm: str = "RS256",
        header: dict[str, Any] | None = None,
        **claims: Any,  # noqa: ANN401
    ) -> str:
        """A signed token; a claim or a field of the header that is None is left out."""
        key = key or self.keys[0]
        now = int(time.time())
        contents = {
            "iss": self.issuer,
            "aud": AUDIENCE,
            "sub": subject,
            "iat": now,
            "exp": now + LIFETIME_SECONDS,
            **claims,
        }
        fields = {"alg": algorithm, "typ": "JWT", "kid": key.kid, **(header or {})}
        return sign(fields, contents, key)


def sign(header: dict[str, Any], claims: dict[str, Any], key: Key) -> str:
    payload = json.dumps({name: value for name, value in claims.items() if value is not None})
    fields = {name: value for name, value in header.items() if value is not None}
    registry = jws.JWSRegistry(algorithms=[str(header["alg"])], strict_check_header=False)
    registry.max_header_length = 4096
    return jws.serialize_compact(fields, payload, key, registry=registry)


def public_key_as_secret(key: Key) -> OctKey:
    """The PEM text of a public key as an HMAC key: an attack on careless verifiers."""
    assert isinstance(key, RSAKey)
    return OctKey(key.as_pem(private=False), None, None)
