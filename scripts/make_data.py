"""Make what the lessons make the first time they need it, so that it is there before: `make data`.

It goes to the cache folder of the user, or to the one that the environment variable CNN_LESSONS_CACHE names.
"""

from helpers.datasets import image_folder, load_dataset
from helpers.files import cache_folder

if __name__ == "__main__":
    dataset = load_dataset("critters")
    folder = image_folder("critters")
    print(f"{cache_folder()}: {dataset}; image files in {folder.name}")
