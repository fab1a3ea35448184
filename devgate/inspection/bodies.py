"""Bytes of a body as text without secrets, or as a picture, or as nothing but a size.

A secret in JSON, a form or multipart is known by the name of its field, so the body is taken apart; elsewhere only what can be
recognised in a text is masked. Where nobody can tell what the bytes are (an encoding that is not decoded here, binary data of
no known kind) they are not shown at all: a token in a compressed body is still a token.
"""

from __future__ import annotations

import json
import re
import zlib
from base64 import b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote_plus, unquote_plus

from devgate.model.detail import Body
from devgate.redact import masked, redact_text, redact_value, sensitive

if TYPE_CHECKING:
    from collections.abc import Iterable

    Pair = tuple[bytes, bytes]

LARGEST: Final = 256 * 1024
"""Bytes that are taken out of a compressed body at most."""
_MEDIA: Final = ("image/", "audio/", "video/", "font/")
_TEXTUAL: Final = re.compile(
    r"text/|application/(?:[\w.+-]*(?:json|xml|javascript|yaml|graphql|sql|x-ndjson)|x-www-form-urlencoded)|multipart/"
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0e-\x1f]")


def body_of(fields: Iterable[Pair], data: bytes, size: int) -> Body:
    """What may be shown of a body.

    Args:
        fields: the headers that came with it.
        data: what was kept, without the framing of HTTP.
        size: how many bytes passed.
    """
    noted = {name.lower(): value.decode("latin-1") for name, value in fields}
    stated = noted.get(b"content-type", "")
    kind = stated.partition(";")[0].strip().lower()
    cut = size > len(data)
    if not data:
        return Body(size, kind, cut=cut, note="its bytes were not kept" if size else "")
    coding = noted.get(b"content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        plain = unpacked(data, coding)
        if plain is None:
            return Body(size, kind, cut=cut, note=f"not shown: encoded as {coding[:40]}")
        # What is cut in compressed form, or by us, ends too early.
        data, cut = plain, cut or len(plain) >= LARGEST
    if kind.startswith(_MEDIA) and kind != "image/svg+xml":
        hidden = data.decode("latin-1")
        if redact_text(hidden) == hidden:
            return Body(size, kind, base64=b64encode(data).decode(), cut=cut)
        return Body(size, kind, cut=cut, note="not shown: something in it looks like a secret")
    text = _decoded(data, stated, certain=bool(_TEXTUAL.match(kind)), cut=cut)
    if text is None:
        return Body(size, kind, cut=cut, note="not shown: binary")
    return Body(size, kind, text=redacted(text, stated), cut=cut)


def unpacked(data: bytes, coding: str) -> bytes | None:
    """A compressed body, or as much of it as there is; None where the encoding is not known or the bytes are not of it."""
    wbits = {"gzip": 31, "x-gzip": 31, "deflate": 15}.get(coding)
    if wbits is None:
        return None
    try:
        return zlib.decompressobj(wbits).decompress(data, LARGEST)
    except zlib.error:
        return None


def redacted(text: str, content_type: str) -> str:
    """`text` of this type without its secrets. What holds none comes back as it was, to the byte."""
    kind, _, parameters = content_type.partition(";")
    kind = kind.strip().lower()
    if kind == "application/x-www-form-urlencoded":
        return redacted_form(text)
    if kind.startswith("multipart/"):
        boundary = re.search(r'boundary="?([^";\s]{1,70})', parameters)
        return _multipart(text, boundary[1] if boundary else "")
    if kind.endswith("json") or text[:1] in ("{", "["):
        return redacted_json(text)
    return redact_text(text)


def redacted_json(text: str) -> str:
    """A JSON text without its secrets, taken apart so that no spelling of a name hides one; what does not parse (cut, or several
    values) is redacted as text."""
    try:
        value = json.loads(text)
        clean = _walk(value, "")
    except (ValueError, RecursionError):
        return redact_text(text)
    return text if clean == value else json.dumps(clean, ensure_ascii=False)


def _walk(value: Any, name: str) -> Any:
    """`name` is the field that it stands under: a secret one passes its name on to all that it holds."""
    if isinstance(value, str):
        return redact_value(name, value) if name else redact_text(value)
    if isinstance(value, dict):
        return {redact_text(key): _walk(one, name if name and sensitive(name) else key) for key, one in value.items()}
    if isinstance(value, list):
        return [_walk(one, name) for one in value]
    return masked(str(value)) if type(value) in (int, float) and name and sensitive(name) else value


def redacted_form(text: str) -> str:
    """Form fields, or a query without its `?`, without secrets."""
    return "&".join(map(_form_field, text.split("&")))


def _form_field(part: str) -> str:
    name, equals, value = part.partition("=")
    plain = unquote_plus(value)
    clean = redact_value(unquote_plus(name), plain)
    return part if clean == plain and redact_text(part) == part else name + equals + quote_plus(clean, safe="*:")


def _multipart(text: str, boundary: str) -> str:
    if not boundary:
        return "(multipart without a boundary is not shown)"
    parts = text.split("--" + boundary)
    return f"--{boundary}".join([parts[0], *map(_part, parts[1:])])


def _part(text: str) -> str:
    head, gap, value = text.partition("\r\n\r\n")
    if not gap:
        return redact_text(text)
    name = re.search(r'\bname="([^"]*)"', head)
    file = re.search(r'\bfilename="?([^"\r\n]*)', head)
    stated = re.search(r"(?i)^content-type:\s*([^\r\n]+)", head, re.MULTILINE)
    if file or (stated and not _TEXTUAL.match(stated[1].lower())):
        return f"{redact_text(head)}{gap}({len(value):,} characters of a file)\r\n"
    inner = value.removesuffix("\r\n")
    clean = redact_value(name[1] if name else "", inner)
    if clean == inner:
        clean = redacted(inner, stated[1] if stated else "text/plain")
    return redact_text(head) + gap + clean + value[len(inner) :]


def _decoded(data: bytes, content_type: str, *, certain: bool, cut: bool) -> str | None:
    """The text; None if it is none. A type that is not textual is believed less than the bytes."""
    charset = re.search(r'charset="?([\w.:+-]{1,40})', content_type)
    for name in (charset[1] if charset else "", "utf-8"):
        try:
            # The last character may have been cut in two.
            text = data.decode(name or "utf-8", "ignore" if cut and name == "utf-8" and certain else "strict")
        except (LookupError, ValueError):
            continue
        if certain or not _CONTROL.search(text):
            return text
    return data.decode("utf-8", "replace") if certain else None
