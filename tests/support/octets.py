"""Bytes as tests write them: hexadecimal digits with comments."""

__all__ = ["octets"]


def octets(text: str) -> bytes:
    """Return bytes from hexadecimal digits with comments."""
    return bytes.fromhex("".join(line.partition("#")[0] for line in text.splitlines()))
