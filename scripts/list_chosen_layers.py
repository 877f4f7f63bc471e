"""Which layer `helpers.explain` takes by itself, for all families of keras.applications: docs/chosen_layers.md.

    .venv/bin/python scripts/list_chosen_layers.py [--check] [NAME …]

Without ``--check`` the table is written anew; with it, the rows of these networks, or all, are compared with what is
there. The networks have random weights and their usual size; the largest take some gigabytes.
"""

import argparse
import re
import sys
from pathlib import Path

from helpers.engine import keras
from helpers.explain import find_layer, map_layers

PAGE = Path(__file__).resolve().parent.parent / "docs" / "chosen_layers.md"
HEAD = "| network | images | layer | kind | maps | of layers with maps |\n|---|---|---|---|---|---|\n"


def names() -> list[str]:
    """Return the names of all networks of keras.applications."""
    return sorted(name for name in vars(keras.applications) if name[0].isupper())


def row(name: str) -> str:
    """Return the line of a network."""
    keras.backend.clear_session()
    usual = {"input_shape": (224, 224, 3)} if name.startswith("MobileNetV3") else {}  # else it takes any size
    model = getattr(keras.applications, name)(weights=None, **usual)
    layer = find_layer(model)
    size, maps = (" × ".join(map(str, shape[1:])) for shape in (model.input_shape, layer.output.shape))
    found = map_layers(model)
    place = [*found.values()].index(layer) + 1
    return f"| {name} | {size} | `{layer.name}` | {type(layer).__name__} | {maps} | {place} of {len(found)} |"


def rows() -> dict[str, str]:
    """Return the lines that stand in the table, by network."""
    lines = PAGE.read_text(encoding="utf-8").splitlines()
    return {found[1]: line for line in lines if (found := re.match(r"\| (\w+) \| \d", line))}


def main() -> None:
    """Write the table, or check it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="networks; all by default")
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    options = parser.parse_args()
    known, wrong = rows(), []
    for name in options.names or names():
        line = row(name)
        if options.check:
            wrong += [line] if known.get(name) != line else []
            continue
        known[name] = line
        text = PAGE.read_text(encoding="utf-8").partition(HEAD)[0]
        PAGE.write_text(text + HEAD + "".join(f"{known[name]}\n" for name in sorted(known)), encoding="utf-8")
    if wrong:
        sys.exit("\n".join(["These lines of docs/chosen_layers.md are different now:", *wrong]))


if __name__ == "__main__":
    main()
