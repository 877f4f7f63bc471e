"""Hand in what was done on this computer, or make the page of a class: `make hand-in NAME=…`, `make class FOLDER=…`.

Names may hold any letter, so they come by the environment, not by the command line.
"""

import os
import sys
from pathlib import Path

from helpers import classroom


def main(verb: str) -> None:
    """Do what the verb of make says, and print where the result is; raises ValueError, OSError."""
    if verb == "hand-in":
        print(f"Hand in this file: {classroom.write_hand_in(os.environ.get('NAME', ''))}")
        return
    if not os.environ.get("FOLDER"):
        raise ValueError("Name the folder with the files of the class: make class FOLDER=…")
    page, learners, left_out = classroom.write_page(Path(os.environ["FOLDER"]).expanduser().resolve())
    for file, reason in left_out:
        print(f"left out: {file}: {reason}")
    print(f"Handed in: {learners}. The page: {page}")


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (ValueError, OSError) as error:
        sys.exit(str(error))
