"""Secrets taken out of what leaves devgate: screen, API, exports, `devgate config` (SEMANTICS 4, threat 14).

Two questions, two functions: `redact_value` knows the name that a value goes by, `redact_text` knows only the text. Both are
pure and take linear time. A long secret keeps eight hex digits of its SHA-256, so that equal ones can be recognised; a short one
keeps nothing, because eight digits are enough to confirm a guess. A JWT keeps header and claims and loses its signature: it
tells what was claimed and opens no door.

A reference, `${TOKEN}`, is no secret: it says where one comes from, and stays. A default that is written in it is one.

Redact first, escape afterwards. What a service prints is its own to decide, and is left alone (`supervisor.logs`).
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

MASK: Final = "***"

_LONG: Final = 16
"""Characters from which a secret is no longer guessed from eight hex digits."""

# Parts of a name that make its value a secret. `key` needs a boundary, or monkeys and keyboards would be secrets, too.
_NAME: Final = (
    r"(?:[Tt]oken|TOKEN|[Ss]ecret|SECRET|[Pp]assw(?:or)?d|PASSW(?:OR)?D|[Pp]assphrase|PASSPHRASE|[Ss]ignature|SIGNATURE"
    r"|[Cc]redential|CREDENTIAL|(?:(?<![A-Za-z])pwd|Pwd|(?<![A-Z])PWD)(?![A-Za-z])|[Cc]srf|CSRF|CSRf|[Xx]srf|XSRF"
    r"|(?:(?<![A-Za-z])key|Key|(?<![A-Z])KEY|[Aa]pikey|APIKEY)(?![A-Za-z])"
    r"|(?<![A-Za-z])(?:[Aa]uthorization|AUTHORIZATION|[Cc]ookie|COOKIE)(?![A-Za-z])|(?<![a-z])(?:sid|jwt|JWT)(?![A-Za-z]))"
)
_SENSITIVE: Final = re.compile(_NAME)
# Carry `key` and the like in their name and no secret in their value.
_HARMLESS: Final = frozenset(
    {"idempotency-key", "sec-websocket-key", "access-control-allow-credentials", "pwd", "oldpwd"}
)
_WORD: Final = r"[A-Za-z0-9_-]"
_APART: Final = (
    r"(?<![A-Za-z0-9_-])"  # where a token can begin; looking for one inside of one would take quadratic time
)
_JWT: Final = rf"eyJ{_WORD}{{5,}}+\.{_WORD}{{2,}}+\.(?:{_WORD}*+)"
# Tokens of well-known issuers, recognised without a name.
_ISSUED: Final = (
    rf"{_APART}(?:gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|sk-|sk_live_|rk_live_|npm_|pypi-|AKIA|ASIA){_WORD}{{12,}}+"
)
# One piece of text without a blank that is not quoted; a reference is taken whole.
_REFERENCE: Final = r"\$\{[A-Za-z_][A-Za-z0-9_]{0,100}+(?::?(?:[-+][^\s{}\"']*+|\?[^{}\"'\r\n]*+))?\}"
_BARE: Final = rf"(?:{_REFERENCE}|[^\s&,;\"'<>()\[\]{{}}])++"
_QUOTED: Final = r"\"(?:[^\"\\]|\\.)*+\"?|'(?:[^'\\]|\\.)*+'?"
_FOUND: Final = re.compile(
    r"(?P<pem>-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?:(?!-----END)[\s\S])*+(?:-----END [A-Z ]{0,40}PRIVATE KEY-----)?)"
    r"|(?P<scheme>(?<![A-Za-z])[Bb]earer\s+)(?P<bearer>[A-Za-z0-9._~+/=-]{16,}+)"
    r"|(?P<header>(?<![A-Za-z-])(?:(?:[Pp]roxy-)?[Aa]uthorization|(?:[Ss]et-)?[Cc]ookie)['\"]?\s{0,3}[:=]\s{0,3}['\"]?)"
    r"(?P<fields>[^\r\n'\"]++)"
    rf"|(?P<name>{_NAME}[A-Za-z0-9_.-]{{0,40}}+)(?P<sep>\\?['\"]?\s{{0,3}}(?:=>|[:=])\s{{0,3}})"
    rf"(?P<value>\\\"(?:(?!\\\").)*+(?:\\\")?|{_QUOTED}|\[[^\[\]{{}}]++\]?|{_BARE})"
    # The word after an option of a command line, also where the two are entries of a list.
    rf"|(?P<option>-(?<![A-Za-z0-9_-]-)-?(?=[A-Za-z0-9_.-]{{0,40}}?{_NAME})[A-Za-z0-9][A-Za-z0-9_.-]{{0,80}}+"
    rf"(?:['\"]?,[ \t]{{0,3}}|['\"]?[ \t]{{1,3}}))(?P<word>(?!['\"]?-){_QUOTED}|(?!-){_BARE})"
    r"|(?P<reference>\$\{(?P<variable>[A-Za-z_][A-Za-z0-9_]{0,100}+))(?P<default>(?::?(?:-[^\s{}\"']*+|\?[^{}\"'\r\n]*+))?\})"
    rf"|(?P<jwt>{_APART}{_JWT})"
    r"|(?P<userinfo>(?<=://)[^\s/@:?#\"']*+:)(?P<password>[^\s/?#@\"']++(?:@[^\s/?#@\"']+(?=@))*)(?=@)"
    rf"|(?P<issued>{_ISSUED})"
)
# Without one of these, in lower case, there is nothing to find: a log line is looked at in 2 us instead of 50.
_HINTS: Final = (
    "key", "token", "secret", "passw", "passphrase", "auth", "cookie", "bearer", "eyj", "@", "jwt", "sid", "signature",
    "credential", "pwd", "csrf", "xsrf", "private", "gh", "glpat-", "xox", "sk-", "k_live_", "npm_", "pypi-", "akia", "asia",
)  # fmt: skip
_OPTION: Final = re.compile(r"--?[A-Za-z0-9][A-Za-z0-9_.-]*")
_REFERENCES: Final = re.compile(_REFERENCE)
_COOKIE_ATTRIBUTES: Final = frozenset(
    {"path", "domain", "expires", "max-age", "samesite", "secure", "httponly", "partitioned", "priority"}
)


@lru_cache(maxsize=2048)
def sensitive(name: str) -> bool:
    """Whether a header, variable, field or query parameter of this name holds a secret."""
    return name.lower() not in _HARMLESS and _SENSITIVE.search(name) is not None


def masked(secret: str) -> str:
    """What is shown in place of a secret."""
    if not secret or secret.startswith(MASK):
        return secret
    if re.fullmatch(_JWT, secret):
        return secret[: secret.rindex(".") + 1] + MASK
    if len(secret) < _LONG:
        return MASK
    return f"{MASK}sha256:{hashlib.sha256(secret.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}"


def redact_value(name: str, value: str) -> str:
    """The value of a header, variable or field: masked if `name` says that it is a secret, else redacted as text."""
    lowered = name.lower()
    if lowered.endswith("authorization"):
        return _credentials(value)
    if lowered in ("cookie", "set-cookie"):
        return _cookies(value)
    return masked(value) if sensitive(name) else redact_text(value)


def redact_text(text: str) -> str:
    """`text` without the secrets that can be recognised in it."""
    lowered = text.lower()
    for hint in _HINTS:
        if hint in lowered:
            return _FOUND.sub(_replaced, text)
    return text


def redact_words(words: Sequence[str]) -> list[str]:
    """The words of a command, of which one may be an option and the next its value."""
    shown, before = [], ""
    for word in words:
        secret = _OPTION.fullmatch(before) is not None and sensitive(before) and not word.startswith("-")
        shown.append(_hidden(word) if secret else redact_text(word))
        before = word
    return shown


def _replaced(match: re.Match[str]) -> str:
    found = match.lastgroup
    if found == "pem":
        return "-----BEGIN PRIVATE KEY----- " + MASK
    if found == "bearer":
        return match["scheme"] + masked(match["bearer"])
    if found == "fields":
        shown = _cookies if "ookie" in match["header"] else _credentials
        return match["header"] + shown(match["fields"])
    if found == "value":
        return match["name"] + match["sep"] + _quoted(match["value"])
    if found == "word":
        return match["option"] + _quoted(match["word"])
    if found == "default":
        return _referenced(match["variable"], match["reference"], match["default"])
    if found == "password":
        return match["userinfo"] + masked(match["password"])
    return masked(match[0])


def _quoted(value: str) -> str:
    """A masked value in the quotes or brackets it came in."""
    if value.startswith("["):
        return f"[{MASK}]"
    for quote in ('\\"', '"', "'"):
        if value.startswith(quote):
            inner = value[len(quote) :]
            closed = inner.endswith(quote)
            return quote + _hidden(inner.removesuffix(quote)) + (quote if closed else "")
    return value if value in ("null", "None", "true", "false", "True", "False") else _hidden(value)


def _hidden(value: str) -> str:
    """A secret masked, but for what of it is a reference."""
    if "${" not in value:
        return masked(value)
    parts, at = [], 0
    for reference in _REFERENCES.finditer(value):
        parts += [masked(value[at : reference.start()]), _blank(reference[0])]
        at = reference.end()
    return "".join([*parts, masked(value[at:])])


def _blank(reference: str) -> str:
    """The reference of a secret without the default that it may hold."""
    head, operator, default = reference[:-1].partition("-")
    return f"{head}{operator}{masked(default)}}}"


def _referenced(variable: str, start: str, rest: str) -> str:
    """A reference in a text that is no secret."""
    return _blank(start + rest) if sensitive(variable) else start + redact_text(rest)


def _credentials(value: str) -> str:
    """`Authorization`: the scheme stays."""
    scheme, _, rest = value.partition(" ")
    if not rest.strip():
        return _hidden(value)
    # What a person thought of (Basic) can be guessed at any length.
    return f"{scheme} {MASK if scheme.lower() == 'basic' else _hidden(rest.strip())}"


def _cookies(value: str) -> str:
    """`Cookie` and `Set-Cookie`: names and attributes stay."""
    parts = []
    for part in value.split(";"):
        name, equals, content = part.partition("=")
        secret = equals and name.strip().lower() not in _COOKIE_ATTRIBUTES
        parts.append(name + equals + _hidden(content) if secret else part if equals or _is_flag(part) else masked(part))
    return ";".join(parts)


def _is_flag(part: str) -> bool:
    return not part.strip() or part.strip().lower() in _COOKIE_ATTRIBUTES
