"""Which addresses people may have us call: a corpus of those that must not be, in every way of writing them."""

import ipaddress
import socket
import threading

import pytest

from engine.service.addresses import AddressRefused, checked, parsed, refusal, resolved
from engine.service.messaging import NotTaken
from notifications.post import post
from tests.servers.recorder import recording

REFUSED = (
    "",
    " http://93.184.216.34/",
    "http://93.184.216.34/a b",
    "http://93.184.216.34/\nHost: x",
    "http:\\\\127.0.0.1/",
    "http://93.184.216.34\\@127.0.0.1/",
    "//127.0.0.1/",
    "127.0.0.1/hook",
    "ftp://93.184.216.34/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:25/",
    "javascript:alert(1)",
    "data:text/plain,x",
    "unix:///var/run/docker.sock",
    "http://",
    "http:///hook",
    "http://user:password@93.184.216.34/",
    "http://93.184.216.34@127.0.0.1/",
    "http://@93.184.216.34/",
    "http://93.184.216.34:0/",
    "http://93.184.216.34:99999/",
    "http://93.184.216.34:http/",
    "http://127.0.0.1/",
    "http://127.0.0.1:8000/inbox",
    "https://127.1/",
    "http://127.8.8.8/",
    "http://0/",
    "http://0.0.0.0/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.0.0.1/",
    "http://0x7F.1/",
    "http://017700000001/",
    "http://0177.0.0.1/",
    "http://0251.0376.0251.0376/",
    "http://2852039166/",
    "http://127.0.0.1./",
    "http://169.254.169.254/latest/meta-data/",
    "http://169.254.0.1/",
    "http://100.100.100.200/latest/meta-data/",
    "http://10.0.0.1/",
    "http://172.16.0.1/",
    "http://192.168.1.1/",
    "http://100.64.0.1/",
    "http://224.0.0.1/",
    "http://255.255.255.255/",
    "http://240.0.0.1/",
    "http://[::]/",
    "http://[::1]/",
    "http://[::127.0.0.1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[::ffff:a9fe:a9fe]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
    "http://[2002:a9fe:a9fe::1]/",
    "http://[fe80::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fc00::1]/",
    "http://[fd00:ec2::254]/",
    "http://[ff02::1]/",
    "http://[::1",
    "http://localhost/",
    "http://LOCALHOST:8000/",
    "http://localhost./",
    "http://api.localhost/",
    "http://localhost.localdomain/",
    "http://metadata/",
    "http://metadata.google.internal/computeMetadata/v1/",
    "http://printer.local/",
    "http://①②⑦.⓪.⓪.①/",
    "http://ⓛocalhost/",
    "http://exa_mple..com/",
    "http://-x.example.org/",
    "http://93.184.216.34/钩子",
    "http://" + "a" * 500 + ".org/",
)
ALWAYS_REFUSED = ("169.254.169.254", "0.0.0.0", "224.0.0.1", "::", "fe80::1", "::ffff:169.254.169.254", "240.0.0.1")


@pytest.mark.parametrize("url", REFUSED)
def test_what_must_not_be_called_is_refused_with_a_reason(url: str) -> None:
    with pytest.raises(AddressRefused, match=r"cannot be used: \w+"):
        target = parsed(url, private=False)
        resolved(target, private=False)  # names that only the resolver sees through


@pytest.mark.parametrize(
    "url", ["http://93.184.216.34/", "https://93.184.216.34:8443/a?b=c", "http://[2606:2800:220:1::1]/"]
)
def test_public_addresses_pass(url: str) -> None:
    assert checked(url, private=False).url == url


def test_private_addresses_pass_where_the_operator_allows_them_and_metadata_never_does() -> None:
    for url in (
        "http://127.0.0.1:8000/x",
        "http://10.1.2.3/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://localhost/",
    ):
        assert checked(url, private=True)
    for number in ALWAYS_REFUSED:
        assert refusal(ipaddress.ip_address(number), private=True), number
    for url in ("http://2130706433/", "http://0x7f.1/", "http://user@127.0.0.1/", "http://169.254.169.254/"):
        with pytest.raises(AddressRefused):
            parsed(url, private=True)


def test_a_name_that_nobody_knows_is_refused_when_it_is_entered() -> None:
    with pytest.raises(AddressRefused, match=r"cannot be found|private network"):
        checked("http://nobody-knows-this.invalid/", private=True)


def test_a_name_that_leads_inside_is_refused_at_the_connection() -> None:
    name = socket.gethostname()
    inside = {one[4][0] for one in socket.getaddrinfo(name, 80)}
    assert inside, "this machine does not know its own name"
    target = parsed(f"http://{name}.:80/" if "." in name else f"http://{name}/", private=True)
    with pytest.raises(AddressRefused, match=r"private network|public"):
        resolved(target, private=False)


def test_a_redirect_is_not_followed() -> None:
    with recording() as elsewhere, recording() as here:
        here.status, here.headers = 302, {"Location": elsewhere.url + "/secret"}
        with pytest.raises(NotTaken, match="redirects are not followed"):
            post(here.url + "/hook", b"{}", {}, channel="webhook", private=True)
        assert len(here.taken) == 1
        assert elsewhere.taken == []


def test_the_name_stays_in_the_request_though_the_connection_goes_to_its_number() -> None:
    with recording() as here:
        port = here.url.rpartition(":")[2]
        post(f"http://localhost:{port}/hook?a=b", b"{}", {}, channel="webhook", private=True)
        [taken] = here.taken
        assert taken.headers["host"] == f"localhost:{port}"
        assert taken.path == "/hook?a=b"


def test_an_answer_without_end_is_cut() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk() -> None:
            with server.accept()[0] as caller:
                caller.recv(4096)
                caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                try:
                    while True:
                        caller.sendall(b"x" * 65536)
                except OSError:
                    return

        thread = threading.Thread(target=talk)
        thread.start()
        answer = post(f"http://127.0.0.1:{server.getsockname()[1]}/", b"{}", {}, channel="webhook", private=True)
        assert len(answer.body) == 64 * 1024
        thread.join(10)
        assert not thread.is_alive()
