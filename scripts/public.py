"""Where the repository, the site and a hub are public: the one setting, in pyproject.toml under [tool.cnn-lessons]."""

import tomllib
from pathlib import Path
from urllib.parse import urlsplit

PROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"


def public_addresses() -> dict[str, str]:
    """Return the public addresses of repository, site and hub, from pyproject.toml; "" where there is none.

    Raises ValueError for what is no address that begins with https.
    """
    return checked(tomllib.loads(PROJECT.read_text(encoding="utf-8"))["tool"]["cnn-lessons"])


def checked(addresses: dict) -> dict[str, str]:
    """Return the addresses without a slash at the end; raises ValueError if one is none."""
    for name, address in addresses.items():
        parts = urlsplit(address)
        if address and not (parts.scheme == "https" and parts.netloc):
            raise ValueError(f"{name} is {address!r}: give an address that begins with https://, or leave it empty.")
    return {name: address.rstrip("/") for name, address in addresses.items()}
