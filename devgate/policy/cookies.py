"""`Set-Cookie` on its way to a client that knows the service by another name, path or scheme (RFC 6265 4.1).

A service sets a cookie for itself; behind a gateway its domain would be refused, its path would not match where a prefix is
stripped, and `Secure` would keep it from ever being sent over plain http to anything but localhost.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CookieRewrite:
    """What becomes of the attributes of each cookie. None leaves one as it is."""

    domain: str | None = None
    """Empty: taken away, so that the cookie belongs to whatever name the client uses."""
    path: str | None = None
    prefix: str = ""
    """Put before a `Path`, which speaks of the service's own paths where a prefix is stripped. A cookie without one belongs to
    the folder of the request as the client sees it, which is right already."""
    secure: bool | None = None
    same_site: str | None = None

    def apply(self, cookie: bytes) -> bytes:
        """One `Set-Cookie` value, rewritten. Name, value and all other attributes stay as they are."""
        pair, *attributes = cookie.split(b";")
        if self.prefix:
            attributes = [self._prefixed(part) for part in attributes]
        kept = [part for part in attributes if part.partition(b"=")[0].strip().lower() not in self._touched]
        return b";".join([pair, *kept, *self._new])

    def _prefixed(self, attribute: bytes) -> bytes:
        name, _, value = attribute.partition(b"=")
        path = value.strip()
        if name.strip().lower() != b"path" or not path.startswith(b"/"):
            return attribute
        return b" Path=" + (self.prefix.encode() + path).rstrip(b"/")

    @property
    def _touched(self) -> frozenset[bytes]:
        known = (
            (b"domain", self.domain),
            (b"path", self.path),
            (b"secure", self.secure),
            (b"samesite", self.same_site),
        )
        return frozenset(name for name, value in known if value is not None)

    @property
    def _new(self) -> list[bytes]:
        new = []
        if self.domain:
            new.append(b" Domain=" + self.domain.encode())
        if self.path:
            new.append(b" Path=" + self.path.encode())
        if self.secure:
            new.append(b" Secure")
        if self.same_site:
            new.append(b" SameSite=" + self.same_site.encode())
        return new
