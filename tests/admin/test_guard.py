"""Who may not ask: foreign names, pages, and everybody without the token."""

import pytest
from multidict import CIMultiDict, CIMultiDictProxy

from devgate.admin.guard import Guard
from devgate.errors import CommandError

PORT = 4321
GOOD = {"Host": f"127.0.0.1:{PORT}", "Authorization": "Bearer s3cret"}


def check(*more: tuple[str, str], **changes: str | None) -> None:
    headers = CIMultiDict(GOOD)
    for name, value in changes.items():
        headers.popall(name.replace("_", "-"), None)
        if value is not None:
            headers.add(name.replace("_", "-"), value)
    headers.extend(more)
    Guard("127.0.0.1", PORT, "s3cret").check("GET", "/v1/snapshot", CIMultiDictProxy(headers))


def refusal(*more: tuple[str, str], **changes: str | None) -> tuple[int, str]:
    with pytest.raises(CommandError) as refused:
        check(*more, **changes)
    assert refused.value.hint
    return refused.value.status, refused.value.code


@pytest.mark.parametrize(
    "host", [f"127.0.0.1:{PORT}", f"localhost:{PORT}", f"LOCALHOST:{PORT}", "localhost", f"a.localhost:{PORT}"]
)
def test_our_own_names_pass(host: str) -> None:
    check(Host=host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("evil.example", (403, "host-not-allowed")),
        (f"evil.example:{PORT}", (403, "host-not-allowed")),
        ("127.0.0.1:80", (403, "host-not-allowed")),
        (f"127.0.0.1.evil.example:{PORT}", (403, "host-not-allowed")),
        (f"0.0.0.0:{PORT}", (403, "host-not-allowed")),
        ("", (400, "bad-host")),
        ("a b", (400, "bad-host")),
        ("\udcff", (400, "bad-host")),
        (None, (400, "bad-host")),
    ],
)
def test_other_names_do_not(host: str | None, expected: tuple[int, str]) -> None:
    assert refusal(Host=host) == expected


def test_two_names_are_none() -> None:
    assert refusal(("Host", f"127.0.0.1:{PORT}")) == (400, "bad-host")


@pytest.mark.parametrize("origin", [f"http://127.0.0.1:{PORT}", f"http://localhost:{PORT}"])
def test_our_own_origin_passes(origin: str) -> None:
    check(Origin=origin, Sec_Fetch_Site="same-origin")


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://localhost:1420", "https://evil.example", f"https://127.0.0.1:{PORT}", "tauri://localhost"],
)
def test_pages_of_other_origins_do_not(origin: str) -> None:
    assert refusal(Origin=origin) == (403, "origin-not-allowed")


@pytest.mark.parametrize("site", ["cross-site", "same-site", "", "nonsense"])
def test_cross_site_requests_do_not(site: str) -> None:
    assert refusal(Sec_Fetch_Site=site) == (403, "origin-not-allowed")


@pytest.mark.parametrize("site", ["none", "same-origin"])
def test_typed_addresses_do(site: str) -> None:
    check(Sec_Fetch_Site=site)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer s3cre",
        "Bearer s3crett",
        "Bearer S3CRET",
        "Basic s3cret",
        "s3cret",
        "Bearer \udcff\udcfe",
        "Bearer é",
    ],
)
def test_without_the_token_nothing_is_answered(authorization: str | None) -> None:
    assert refusal(Authorization=authorization) == (401, "unauthorized")


@pytest.mark.parametrize("authorization", ["Bearer s3cret", "bearer s3cret", "BEARER  s3cret "])
def test_the_scheme_is_spelled_as_one_likes(authorization: str) -> None:
    check(Authorization=authorization)


def test_a_page_learns_nothing_about_the_token() -> None:
    assert refusal(Origin="https://evil.example") == refusal(
        Origin="https://evil.example", Authorization="Bearer wrong"
    )


def test_the_token_is_in_no_message() -> None:
    with pytest.raises(CommandError) as refused:
        check(Authorization="Bearer wrong-one")
    assert "s3cret" not in f"{refused.value.message}{refused.value.hint}"
    assert "wrong-one" not in f"{refused.value.message}{refused.value.hint}"
