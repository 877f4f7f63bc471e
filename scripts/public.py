"""Where the repository, the site and a hub are public: the one setting, in pyproject.toml under [tool.cnn-lessons].

    .venv/bin/python scripts/public.py

writes the links that run the lessons into the README, or takes them out while there is no address.
"""

import re
import tomllib
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

from helpers.files import written_whole

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
START = "notebooks/00_start_here.ipynb"
PLACE = re.compile(r"(?s)(<!-- links: scripts/public\.py -->\n).*?(<!-- /links -->)")
"""Where the README has its links."""


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


def launches(public: dict[str, str], path: str) -> dict[str, str]:
    """Return the addresses where a notebook of the repository runs, by name; empty while it is not public."""
    address = urlsplit(public["repository"])
    found = {}
    if address.netloc == "github.com":
        place = quote(f"lab/tree/{path}", safe="")
        found["Binder"] = f"https://mybinder.org/v2/gh{address.path}/HEAD?urlpath={place}"
        found["Colab"] = f"https://colab.research.google.com/github{address.path}/blob/colab/{Path(path).name}"
    if address.netloc and public.get("hub"):
        folder = f"lab/tree/{Path(address.path).name}/{path}"
        pull = urlencode({"repo": public["repository"], "urlpath": folder, "branch": "main"})
        found["the hub"] = f"{public['hub']}/hub/user-redirect/git-pull?{pull}"
    return found


def with_links(readme: str, public: dict[str, str]) -> str:
    """Return the README with the links that these addresses allow, and without others."""
    links = [f"[on {name}]({address})" for name, address in launches(public, START).items()]
    ways = [f"Run them without installing anything: {', '.join(links)}."] if links else []
    ways += [f"Read them: [the pages]({public['site']})."] if public["site"] else []
    return PLACE.sub(lambda place: f"{place[1]}{' '.join(ways)}{chr(10) * bool(ways)}{place[2]}", readme)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    text = with_links(readme.read_text(encoding="utf-8"), public_addresses())
    with written_whole(readme) as partial:
        partial.write_text(text, encoding="utf-8")
