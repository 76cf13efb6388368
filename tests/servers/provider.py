"""OpenID Connect providers on loopback: the one from PyPI as a process, and a strict one of our own that can lie.

The strict one asks nobody anything: it sends the browser back at once, as `login`. It takes a code once, with the
verifier whose challenge came with it, our password and our address. What `lies` names is then wrong in what it signs.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import RSAKey

from engine import clock

CLIENT, SECRET = "countersign", "between us: {}%"


@contextmanager
def provider_process(*people: dict[str, Any]) -> Iterator[str]:
    """The issuer's address of `oidc-provider-mock` as a process of its own; `people` are claims with their sub."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    claims = [part for person in people for part in ("--user-claims", json.dumps(person))]
    command = [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "--port", str(port), "--require-nonce"]
    environment = os.environ | {"NO_COLOR": "1"}
    quiet = subprocess.DEVNULL
    with subprocess.Popen([*command, "true", *claims], stdout=quiet, stderr=quiet, env=environment) as process:
        issuer = f"http://127.0.0.1:{port}"
        try:
            _wait_for(f"{issuer}/.well-known/openid-configuration", process)
            yield issuer
        finally:
            process.terminate()


def _wait_for(url: str, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(300):
        assert process.poll() is None, f"the provider ended with {process.returncode}"
        try:
            httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("the provider does not answer")


def _packed(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


class StrictProvider:
    """What the server knows: keys, codes that were given out, and what it lies about."""

    def __init__(self) -> None:
        self.issuer = ""
        self.claims: dict[str, Any] = {"sub": "1", "preferred_username": "wangmin"}
        self.lies: set[str] = set()
        self.is_public = False
        self.asked: list[dict[str, str]] = []
        self.key = RSAKey.generate_key(2048, {"kid": "one"})
        self.other_key = RSAKey.generate_key(2048, {"kid": "one"})
        self.codes: dict[str, dict[str, str]] = {}

    def metadata(self) -> dict[str, Any]:
        """The discovery document."""
        return {
            "issuer": "http://127.0.0.1:1" if "metadata" in self.lies else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
        }

    def authorize(self, query: dict[str, str]) -> str:
        """Where the browser is sent back to."""
        self.asked.append(query)
        if "denied" in self.lies:
            return f"{query['redirect_uri']}?{urlencode({'error': 'access_denied', 'state': query['state']})}"
        code = secrets.token_urlsafe(8)
        self.codes[code] = query
        state = "another" if "state" in self.lies else query["state"]
        return f"{query['redirect_uri']}?{urlencode({'code': code, 'state': state})}"

    def token(self, form: dict[str, str], authorization: str) -> dict[str, Any] | None:
        """The answer to a code; None where anything is not as it was begun."""
        begun = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        if (
            begun is None
            or begun["code_challenge_method"] != "S256"
            or challenge != begun["code_challenge"]
            or form.get("redirect_uri") != begun["redirect_uri"]
            or not self._is_client(form, authorization)
        ):
            return None
        return {"access_token": "a", "token_type": "Bearer", "id_token": self._signed(begun["nonce"])}

    def _is_client(self, form: dict[str, str], authorization: str) -> bool:
        if self.is_public:
            return form.get("client_id") == CLIENT and not authorization
        given = base64.b64decode(authorization.removeprefix("Basic ")).decode()
        return given in (f"{CLIENT}:{SECRET}", f"{quote(CLIENT)}:{quote(SECRET)}")

    def _signed(self, nonce: str) -> str:
        now = int(clock.now().timestamp())
        claims = {"iss": self.issuer, "aud": CLIENT, "nonce": nonce, "iat": now, "exp": now + 300} | self.claims
        wrong: dict[str, dict[str, Any]] = {
            "issuer": {"iss": "http://127.0.0.1:1"},
            "audience": {"aud": "another"},
            "party": {"aud": [CLIENT, "another"], "azp": "another"},
            "nonce": {"nonce": "of another sign-in"},
            "expired": {"iat": now - 4000, "exp": now - 3600},
        }
        for lie in self.lies & set(wrong):
            claims |= wrong[lie]
        if "no_nonce" in self.lies:
            del claims["nonce"]
        if "unsigned" in self.lies:
            return f"{_packed({'alg': 'none'})}.{_packed(claims)}."
        if "shared_key" in self.lies:  # the public key, used as if it were a password
            text = f"{_packed({'alg': 'HS256', 'kid': 'one'})}.{_packed(claims)}"
            signature = hmac.digest(self.key.as_pem(private=False), text.encode(), "sha256")
            return f"{text}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"
        key = self.other_key if "key" in self.lies else self.key
        return jwt.encode({"alg": "RS256", "kid": "one"}, claims, key)


@contextmanager
def strict_provider() -> Iterator[StrictProvider]:
    """The provider, while it serves."""
    known = StrictProvider()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            if parts.path == "/authorize":
                query = {name: values[0] for name, values in parse_qs(parts.query).items()}
                self.send_response(302)
                self.send_header("Location", known.authorize(query))
                self.end_headers()
            elif parts.path == "/jwks":
                self._say(200, {"keys": [known.key.as_dict(private=False)]})
            else:
                self._say(200, known.metadata())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            form = {name: values[0] for name, values in parse_qs(body).items()}
            answer = known.token(form, self.headers.get("Authorization", ""))
            self._say(200, answer) if answer else self._say(400, {"error": "invalid_grant"})

        def _say(self, status: int, value: Any) -> None:
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    known.issuer = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield known
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
