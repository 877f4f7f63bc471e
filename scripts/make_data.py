"""Fill the cache folder beforehand, for a room without a network: `make data [DATASETS="cifar10 MobileNetV2"]`.

Without names it is only what the lessons make themselves the first time they need it. The cache folder is in the user's
cache directory, or what the environment variable CNN_LESSONS_CACHE names. docs/offline.md says how to hand it out.
"""

import argparse
import sys
import warnings

from helpers.datasets import BUILT_IN, LOADERS, image_folder, load_dataset
from helpers.datasets.downloads import DownloadError, fetch
from helpers.datasets.public import IMAGENET_WEIGHTS
from helpers.files import NotKeptWarning, cache_folder

REAL = tuple(name for name in LOADERS if name not in BUILT_IN)


def make(name: str) -> str:
    """Draw, download or mend a dataset or the weights of a network; return what is here now."""
    if name == "critters":
        return f"{cache_folder()}: {load_dataset(name)}; image files in {image_folder(name).name}"
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
    warnings.simplefilter("error", NotKeptWarning)  # a lesson can go on with what is not kept; here it is all there is
    errors = []
    for name in ["critters", *names]:
        try:
            print(make(name))
        except (DownloadError, NotKeptWarning, ValueError) as error:
            errors.append(f"{name}: {error}")
    if errors:
        sys.exit("\n".join(errors))
