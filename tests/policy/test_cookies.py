"""Cookies behind a gateway."""

import pytest

from devgate.policy.cookies import CookieRewrite

WHOLE = b"sid=a=b; Path=/auth; DOMAIN=example.test; Secure; HttpOnly; SameSite=None; Max-Age=60"


@pytest.mark.parametrize(
    ("rewrite", "expected"),
    [
        (CookieRewrite(), WHOLE),
        (CookieRewrite(domain=""), WHOLE.replace(b" DOMAIN=example.test;", b"")),
        (CookieRewrite(domain="dev.test"), WHOLE.replace(b" DOMAIN=example.test;", b"") + b"; Domain=dev.test"),
        (CookieRewrite(path="/v1/auth"), WHOLE.replace(b" Path=/auth;", b"") + b"; Path=/v1/auth"),
        (CookieRewrite(secure=False), WHOLE.replace(b" Secure;", b"")),
        (CookieRewrite(same_site="Lax"), WHOLE.replace(b" SameSite=None;", b"") + b"; SameSite=Lax"),
    ],
)
def test_one_attribute_and_nothing_else(rewrite: CookieRewrite, expected: bytes) -> None:
    assert rewrite.apply(WHOLE) == expected


@pytest.mark.parametrize(
    ("cookie", "expected"),
    [
        (b"a=1; Path=/refresh; Secure", b"a=1; Path=/v1/auth/refresh; Secure"),
        (b"a=1; path = / ", b"a=1; Path=/v1/auth"),
        (b"a=1; Path=", b"a=1; Path="),
        (b"a=/x; Max-Age=3", b"a=/x; Max-Age=3"),
    ],
)
def test_a_path_behind_a_prefix(cookie: bytes, expected: bytes) -> None:
    assert CookieRewrite(prefix="/v1/auth").apply(cookie) == expected


def test_what_is_not_there_is_put_there() -> None:
    rewrite = CookieRewrite(domain="", path="/", secure=True, same_site="Strict")
    assert rewrite.apply(b"a=1") == b"a=1; Path=/; Secure; SameSite=Strict"


@pytest.mark.parametrize("cookie", [b"", b";", b"a", b"a=1;;; ;", b"secure=1; path"])
def test_nonsense_goes_through(cookie: bytes) -> None:
    assert CookieRewrite(secure=True).apply(cookie).startswith(cookie.partition(b";")[0])
