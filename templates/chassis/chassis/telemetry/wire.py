"""Protocol Buffers' wire format: what OTLP's messages are made of, each field as bytes.

OpenTelemetry's own encoder builds an object for each attribute of each span, again and again for
the same names and values, with the interpreter held against the requests that are being served.
Here a field that was written once is looked up. Fields and numbers: opentelemetry-proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache

from .redaction import LONGEST_KEPT, redact_value

_DOUBLE = struct.Struct("<d")
_FIXED64 = struct.Struct("<Q")
_FIXED32 = struct.Struct("<I")


def varint(number: int) -> bytes:
    """`number` in groups of seven bits, the lowest first."""
    if number < 0x80:
        return _ONE_BYTE[number]
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    groups.append(number)
    return bytes(groups)


_ONE_BYTE = tuple(bytes((number,)) for number in range(0x80))


def block(field: int, content: bytes) -> bytes:
    """The field number `field` with `content`: text, bytes or a message."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def text(field: int, content: str) -> bytes:
    """The field number `field` with text; nothing for the empty text, which is the default."""
    # A lone surrogate is text in Python and none in UTF-8.
    return block(field, content.encode("utf-8", "replace")) if content else b""


def number(field: int, value: int) -> bytes:
    """The field number `field` with a whole number or an enumeration's; nothing for 0."""
    return varint(field << 3) + varint(value & 0xFFFF_FFFF_FFFF_FFFF) if value else b""


def fixed64(field: int, value: int) -> bytes:
    """The field number `field` with eight bytes: a moment in nanoseconds."""
    return varint(field << 3 | 1) + _FIXED64.pack(value)


def fixed32(field: int, value: int) -> bytes:
    """The field number `field` with four bytes: flags."""
    return varint(field << 3 | 5) + _FIXED32.pack(value)


def attributes(field: int, given: Mapping[str, object]) -> bytes:
    """The attributes `given`, redacted, each a field number `field`."""
    return b"".join([attribute(field, name, value) for name, value in given.items()])


class Fixed(dict[str, str | int]):
    """Attributes that do not change once they are made: they are written once a field number."""

    @cached_property
    def of_span(self) -> bytes:
        """As fields of a span."""
        return attributes(9, self)


def attribute(field: int, name: str, value: object) -> bytes:
    """One attribute, redacted by its name and content, as field number `field`."""
    if type(value) is str:
        if len(value) <= LONGEST_KEPT:
            return _kept_attribute(field, name, value)
    elif value is None or isinstance(value, bool | int):
        return _kept_attribute(field, name, value)
    return _attribute(field, name, value)


def _attribute(field: int, name: str, value: object) -> bytes:
    return block(field, text(1, name) + block(2, any_value(redact_value(name, value))))


# By type as well: True and 1 are equal.
_kept_attribute = lru_cache(maxsize=4096, typed=True)(_attribute)


def any_value(value: object) -> bytes:
    """The content of an AnyValue; what has no such type is written as text."""
    if isinstance(value, bool):
        return b"\x10" + _ONE_BYTE[value]
    if isinstance(value, str):
        return block(1, value.encode("utf-8", "replace"))
    if isinstance(value, int):
        # Beyond 64 bits it is no number of OTLP's.
        if -(2**63) <= value < 2**63:
            return b"\x18" + varint(value & 0xFFFF_FFFF_FFFF_FFFF)
        return any_value(str(value))
    if isinstance(value, float):
        return b"\x21" + _DOUBLE.pack(value)
    if value is None:
        return b""
    if isinstance(value, Mapping):
        pairs = (text(1, str(key)) + block(2, any_value(item)) for key, item in value.items())
        return block(6, _each(pairs))
    if isinstance(value, list | tuple):
        return block(5, _each(any_value(item) for item in value))
    return any_value(str(value))


def _each(contents: Iterable[bytes]) -> bytes:
    return b"".join([block(1, content) for content in contents])
