import pytest
from hypothesis import given
from hypothesis import strategies as st

from devgate.redact import masked, redact_text, redact_value, redact_words, sensitive

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.c2lnbmF0dXJlLW9mLXRoZS10b2tlbg"
SHOWN_JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI3In0.***"
LONG = "correct-horse-battery-staple"
SHOWN_LONG = "***sha256:87cbebfe"  # as sha256sum says


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "Proxy-Authorization",
        "Cookie",
        "Set-Cookie",
        "X-Api-Key",
        "X-CSRF-Token",
        "X-CSRFToken",
        "api_key",
        "apiKey",
        "APIKEY",
        "apikey",
        "key",
        "JWT_SECRET",
        "SECRET_KEY",
        "SecretKey",
        "client_secret",
        "password",
        "PGPASSWORD",
        "db.passwd",
        "PASSWD",
        "user_pwd",
        "DB_PWD",
        "passphrase",
        "access_token",
        "refreshToken",
        "TOKEN",
        "signature",
        "X-Hub-Signature-256",
        "aws_credentials",
        "sid",
        "jwt",
        "STRIPE_KEY",
    ],
)
def test_names_of_secrets(name: str) -> None:
    assert sensitive(name)


@pytest.mark.parametrize(
    "name",
    [
        "Content-Type",
        "monkey",
        "MONKEY",
        "keyboard",
        "keepalive",
        "Idempotency-Key",
        "Sec-WebSocket-Key",
        "PWD",
        "OLDPWD",
        "path",
        "author",
        "residual",
        "PATH",
        "HOME",
        "LOG_LEVEL",
        "user_id",
    ],
)
def test_names_of_others(name: str) -> None:
    assert not sensitive(name)


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", f"Bearer {JWT}", f"Bearer {SHOWN_JWT}"),
        ("Authorization", "Basic dXNlcjpodW50ZXIy", "Basic ***"),
        ("Authorization", "hunter2", "***"),
        ("authorization", "Bearer short", "Bearer ***"),
        ("Cookie", "session=abc; theme=dark", "session=***; theme=***"),
        ("Cookie", "bare", "***"),
        ("Set-Cookie", "id=abc; Path=/; HttpOnly; SameSite=Lax", "id=***; Path=/; HttpOnly; SameSite=Lax"),
        ("X-Api-Key", LONG, SHOWN_LONG),
        ("JWT_SECRET", "hunter2", "***"),
        ("JWT_SECRET", "", ""),
        ("X-Request-ID", "abc", "abc"),
        ("DATABASE_URL", "postgres://app:hunter2@db:5432/x", "postgres://app:***@db:5432/x"),
        ("Referer", f"http://x/cb?access_token={LONG}&page=2", f"http://x/cb?access_token={SHOWN_LONG}&page=2"),
    ],
)
def test_values_by_name(name: str, value: str, shown: str) -> None:
    assert redact_value(name, value) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"got {JWT}, fine", f"got {SHOWN_JWT}, fine"),
        (f"Authorization: Bearer {JWT}", f"Authorization: Bearer {SHOWN_JWT}"),
        ("run --token abcd1234secret --password=${PLAIN}", "run --token *** --password=${PLAIN}"),
        ("run --api-key=abc -token 'a b' --level x", "run --api-key=*** -token '***' --level x"),
        ("run --password --token abc", "run --password --token ***"),
        ('["run", "--token", "abc", "x"]', '["run", "--token", "***", "x"]'),
        ("[run, --token, abc, x]", "[run, --token, ***, x]"),
        ("run --token ${TOKEN} --secret a${B}c", "run --token ${TOKEN} --secret ***${B}***"),
        ("--password=${PASSWORD:-hunter2} x", "--password=${PASSWORD:-***} x"),
        ("run ${API_TOKEN-hunter2} ${LEVEL:-info}", "run ${API_TOKEN-***} ${LEVEL:-info}"),
        ("${DB:-redis://:hunter2@h/0}", "${DB:-redis://:***@h/0}"),
        ("JWT_SECRET=${JWT_SECRET:?set it}", "JWT_SECRET=${JWT_SECRET:?set it}"),
        ("-H 'Authorization: Bearer ${TOKEN}'", "-H 'Authorization: Bearer ${TOKEN}'"),
        (f"sent bearer {LONG}!", f"sent bearer {SHOWN_LONG}!"),
        ("-H 'authorization: Basic dTpw' http://x", "-H 'authorization: Basic ***' http://x"),
        ("Set-Cookie: sid=abc; Path=/\nnext", "Set-Cookie: sid=***; Path=/\nnext"),
        ('{"password": "a\\"b", "user": "bo"}', '{"password": "***", "user": "bo"}'),
        ("{'api_key': 'abc'}", "{'api_key': '***'}"),
        ('"{\\"token\\":\\"abc\\",\\"n\\":1}"', '"{\\"token\\":\\"***\\",\\"n\\":1}"'),
        ('{"tokens": ["a", "b"], "n": [1]}', '{"tokens": [***], "n": [1]}'),
        ("env: {DB_PASSWORD: [hunter2]}", "env: {DB_PASSWORD: [***]}"),
        ("password=hunter2&user=bo", "password=***&user=bo"),
        ("/cb?code=1&client_secret=hunter2#top", "/cb?code=1&client_secret=***"),
        ('Config { password: "hunter2", port: 1 }', 'Config { password: "***", port: 1 }'),
        ("JWT_SECRET=hunter2 LOG_LEVEL=debug", "JWT_SECRET=*** LOG_LEVEL=debug"),
        ("redis://:hunter2@localhost:6379/0", "redis://:***@localhost:6379/0"),
        ("amqp://a:p@ss@host/v", "amqp://a:***@host/v"),
        ("pushed with ghp_0123456789abcdefghijABCDEFGHIJ012345", "pushed with ***sha256:d8fe76b4"),
        (
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nx",
            "-----BEGIN PRIVATE KEY----- ***\nx",
        ),
        ("-----BEGIN PRIVATE KEY-----\nMIIE cut short", "-----BEGIN PRIVATE KEY----- ***"),
    ],
)
def test_secrets_in_text(text: str, shown: str) -> None:
    assert redact_text(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "GET /api/users?page=2 200 3 ms",
        "token expired",
        "the key was pressed",
        "http://user@host/path",
        "run --port 8080 --name monkey --keyboard de",
        "re-key the lock, then --level debug",
        "echo ${JWT_SECRET} ${A:-b} $HOME key",
        "connect to http://127.0.0.1:6688 failed",
        "ratio 3:4@2",
        '{"token": null, "ok": true}',
        "Bearer authentication required",
    ],
)
def test_text_without_secrets_is_left_alone(text: str) -> None:
    assert redact_text(text) == text


def test_words_of_a_command() -> None:
    words = ["run", "--token", "abcd1234secret", "--password", "--key", "${KEY}", "--level", "debug", "password=x"]
    shown = ["run", "--token", "***", "--password", "--key", "${KEY}", "--level", "debug", "password=***"]
    assert redact_words(words) == shown


@given(
    st.lists(
        st.sampled_from(["-", "--", "a", "=", " ", ":", "${", "}", "key", "token", "'", '"', "$", ",", "x", "?", "***"])
    )
)
def test_pieces_of_options_and_references_in_any_order(pieces: list[str]) -> None:
    once = redact_text("".join(pieces))
    assert redact_text(once) == once


@given(
    st.sampled_from(["--token %s", "--password=%s", "SECRET=%s", "x %s y", "Cookie: a=%s"]),
    st.from_regex(r"[A-Z_]{1,9}", fullmatch=True),
)
def test_references_are_left_as_they_are(form: str, name: str) -> None:
    text = form % f"${{{name}}}"
    assert redact_text(text) == text


def test_equal_secrets_stay_recognisable_and_short_ones_tell_nothing() -> None:
    assert masked(LONG) == masked(LONG) == SHOWN_LONG
    assert masked(LONG) != masked(LONG + "!")
    assert masked("hunter2") == masked("swordfish") == "***"


@given(
    st.text(),
    st.sampled_from(
        [
            "password=%s",
            '"token":"%s"',
            "Authorization: Bearer %s",
            "http://u:%s@h/",
            "Cookie: a=%s",
            "--token %s",
            "--api-key '%s'",
            '["--password", "%s"]',
            "${API_KEY:-%s}",
            "--secret=${A}%s",
        ]
    ),
)
def test_no_secret_survives_in_any_of_its_forms(noise: str, form: str) -> None:
    secret = "hunter2SuperSecretValue"
    assert secret not in redact_text(noise + " " + form % secret)


@given(st.text())
def test_redacting_twice_is_redacting_once(text: str) -> None:
    once = redact_text(text)
    assert redact_text(once) == once


PIECES = [
    "key=[",
    "-eyJaaaaaaaa",
    "eyJaaaaaaaa.",
    "key",
    "key=",
    'key="',
    "key='",
    'key=\\"',
    "://a:b",
    "://",
    "@a",
    "://a:@@",
    "Bearer ",
    "ghp_",
]
PIECES += ["-----BEGIN ", "-----BEGIN PRIVATE KEY-----", "Cookie: ", ";a=", "A", " ", "\\", "token-"]
PIECES += ["--token ", "--a", "--", "-", "${", "${A", "${A:-", "${TOKEN}", "--token=${A}", "a-", "key=${A:-x"]


@pytest.mark.parametrize("piece", PIECES)
def test_hostile_repetition_takes_linear_time(piece: str) -> None:
    redact_text(piece * (500_000 // len(piece)))  # quadratic would take an hour: the test's own timeout is the judge
