"""Fill the cache folder beforehand, for a room without a network: `make data [DATASETS="cifar10 MobileNetV2"]`.

Without names it is only what the lessons make themselves the first time they need it. The cache folder is in the user's
cache directory, or what the environment variable CNN_LESSONS_CACHE names. docs/offline.md says how to hand it out.
"""

import argparse
import sys

from helpers.datasets import BUILT_IN, LOADERS, image_folder, load_dataset
from helpers.downloads import DownloadError, fetch
from helpers.files import cache_folder
from helpers.real_datasets import IMAGENET_WEIGHTS

REAL = tuple(name for name in LOADERS if name not in BUILT_IN)


def make(name: str) -> str:
    """Download a dataset or the weights of a network, if they are not here; return what is here now."""
    if name in IMAGENET_WEIGHTS:
        return f"{name}: {fetch(IMAGENET_WEIGHTS[name]).name}"
    return str(load_dataset(name))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"all, or some of {', '.join((*REAL, *IMAGENET_WEIGHTS))}"
    )
    names = parser.parse_args().names
    names = [*REAL, *IMAGENET_WEIGHTS] if names == ["all"] else names
    if unknown := [name for name in names if name not in (*REAL, *IMAGENET_WEIGHTS)]:
        parser.error(f"unknown: {', '.join(unknown)}. Known are {', '.join((*REAL, *IMAGENET_WEIGHTS))}, or all.")
    print(f"{cache_folder()}: {load_dataset('critters')}; image files in {image_folder('critters').name}")
    errors = []
    for name in names:
        try:
            print(make(name))
        except DownloadError as error:
            errors.append(f"{name}: {error}")
    if errors:
        sys.exit("\n".join(errors))
