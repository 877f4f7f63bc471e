"""The public datasets that the lessons can use: where their files are, and how they are read. Each has a card in data/.

The files are those of keras.datasets where it has them. Its loaders are not used, since they can neither go on with a
download nor read a cache folder that is read-only, and verify only some files; a test compares what both return.
"""

import gzip
import io
import pickle
import tarfile
import warnings
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from helpers.datasets.base import Dataset, Split
from helpers.datasets.cached_folders import complaint
from helpers.datasets.downloads import RemoteFile, fetch
from helpers.files import cache_folder

import numpy as np
from PIL import Image

KERAS = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"
MNIST = "https://storage.googleapis.com/cvdf-datasets/mnist/"
CIFAR = "https://www.cs.toronto.edu/~kriz/"
SVHN = "http://ufldl.stanford.edu/housenumbers/"
MICROSOFT = "https://download.microsoft.com/download/3/E/1/3E1C3F21-ECDB-4869-8368-6DEBA77B919F/"
WEIGHTS = "https://storage.googleapis.com/tensorflow/keras-applications/"

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Images (N, H, W, C) uint8 and labels (N,) of the training part, then of the test part."""


@dataclass(frozen=True)
class RealDataset:
    """A public dataset of small images: its files, how they are read, and what is known of it."""

    files: tuple[RemoteFile, ...]
    read: Callable[[list[Path]], Arrays] = field(repr=False)
    class_names: tuple[str, ...]
    source: str
    license: str

    def arrays(self) -> Arrays:
        """Return all images; raises `helpers.datasets.downloads.DownloadError`."""
        return self.read([fetch(file) for file in self.files])


def _read_idx(paths: list[Path]) -> Arrays:
    arrays = []
    for path in paths:
        content = gzip.decompress(path.read_bytes())
        shape = np.frombuffer(content, ">u4", content[3], offset=4)  # byte 3: how many axes
        array = np.frombuffer(content, np.uint8, offset=4 + 4 * content[3]).reshape(shape)
        arrays.append(array[..., np.newaxis] if array.ndim == 3 else array)
    return tuple(arrays)


def _read_cifar10(paths: list[Path]) -> Arrays:
    parts = {}
    with tarfile.open(paths[0]) as archive:
        for member in archive:
            name = Path(member.name).name
            if "_batch" in name:
                parts[name] = pickle.load(archive.extractfile(member), encoding="bytes")  # its checksum was verified
    training = [parts[f"data_batch_{number}"] for number in range(1, 6)]
    arrays = []
    for some in (training, [parts["test_batch"]]):
        pixels = np.concatenate([batch[b"data"] for batch in some]).reshape(-1, 3, 32, 32)
        arrays += [np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), np.concatenate([b[b"labels"] for b in some])]
    return tuple(arrays)


def _read_svhn(paths: list[Path]) -> Arrays:
    from scipy.io import loadmat

    arrays = []
    for path in paths:
        content = loadmat(path)
        arrays += [np.ascontiguousarray(content["X"].transpose(3, 0, 1, 2)), content["y"].ravel() % 10]  # 10 means 0
    return tuple(arrays)


def _idx_files(folder: str, url: str, *checksums: tuple[int, str]) -> tuple[RemoteFile, ...]:
    names = [f"{part}-{what}-ubyte.gz" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    return tuple(
        RemoteFile(f"{folder}/{name}", url + name, size, checksum, unpacked=True)
        for name, (size, checksum) in zip(names, checksums, strict=True)
    )


DATASETS = {
    "mnist": RealDataset(
        _idx_files(
            "mnist",
            MNIST,
            (9_912_422, "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
            (28_881, "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
            (1_648_877, "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
            (4_542, "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ),
        _read_idx,
        tuple("0123456789"),
        "MNIST (LeCun, Cortes, Burges); see data/mnist.md",
        "CC BY-SA 3.0",
    ),
    "fashion_mnist": RealDataset(
        _idx_files(
            "fashion_mnist",
            KERAS,
            (26_421_880, "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"),
            (29_515, "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"),
            (4_422_102, "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"),
            (5_148, "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"),
        ),
        _read_idx,
        ("t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"),
        "Fashion-MNIST (Xiao, Rasul, Vollgraf, 2017); see data/fashion_mnist.md",
        "MIT",
    ),
    "cifar10": RealDataset(
        (
            RemoteFile(
                "cifar10/cifar-10-python.tar.gz",
                f"{CIFAR}cifar-10-python.tar.gz",
                170_498_071,
                "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce",
            ),
        ),
        _read_cifar10,
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        "CIFAR-10 (Krizhevsky, 2009); see data/cifar10.md",
        "none is stated",
    ),
    "svhn": RealDataset(
        (
            RemoteFile(
                "svhn/train_32x32.mat",
                f"{SVHN}train_32x32.mat",
                182_040_794,
                "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
            ),
            RemoteFile(
                "svhn/test_32x32.mat",
                f"{SVHN}test_32x32.mat",
                64_275_384,
                "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
            ),
        ),
        _read_svhn,
        tuple("0123456789"),
        "SVHN, cropped digits (Netzer and others, 2011); see data/svhn.md",
        "for non-commercial use only",
    ),
}
"""By name, the public datasets that are arrays; `cats_vs_dogs` is a folder of photographs."""

VALIDATION = 5000
"""How many training images are for validation: the last ones."""

CATS_VS_DOGS = RemoteFile(
    "cats_vs_dogs/kagglecatsanddogs_5340.zip",
    f"{MICROSOFT}kagglecatsanddogs_5340.zip",
    824_887_076,
    "b7974bd00a84a99921f36ee4403f089853777b5ae8d151c76a86e64900334af9",
)
CATS_VS_DOGS_PARTS = {"train": 1000, "validation": 500, "test": 500}
"""How many photographs of each kind are taken for each part."""

IMAGENET_WEIGHTS = {
    "MobileNetV2": RemoteFile(
        "imagenet/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        f"{WEIGHTS}mobilenet_v2/mobilenet_v2_weights_tf_dim_ordering_tf_kernels_1.0_224.h5",
        14_536_120,
        "3e195a2857356cfc092cbbb460beb2a5bce279015d7792598b8d3d9e451902e3",
    ),
    "VGG16": RemoteFile(
        "imagenet/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        f"{WEIGHTS}vgg16/vgg16_weights_tf_dim_ordering_tf_kernels.h5",
        553_467_096,
        "64373286793e3c8b2b4e3219cbf3544b",
    ),
}
"""The weights of networks of keras.applications, trained on ImageNet."""


PETS = "cats_vs_dogs/images"
"""Where in the cache folder the photographs of cats and dogs are."""


def load_public(name: str) -> Dataset:
    """Load one of `DATASETS`, downloaded the first time; raises `helpers.datasets.downloads.DownloadError`."""
    real = DATASETS[name]
    x_train, y_train, x_test, y_test = real.arrays()
    train, validation = slice(None, -VALIDATION), slice(-VALIDATION, None)
    parts = (x_train[train], y_train[train]), (x_train[validation], y_train[validation]), (x_test, y_test)
    splits = [Split(images, labels.astype(np.int64)) for images, labels in parts]
    return Dataset(name, *splits, real.class_names, real.source, real.license)


def is_here(name: str) -> bool:
    """Tell whether the files of a dataset are in the cache folder; whether they are sound shows when they are read.

    Of cats and dogs all 4,000 must be there, or a printed note says what is wrong.
    """
    if name != "cats_vs_dogs":
        return all(file.path.is_file() for file in DATASETS[name].files)
    folder = cache_folder() / PETS
    if not folder.is_dir():
        return False
    wrong = complaint(folder, content=False, numbers=numbers_of_pets())
    if wrong:
        print(f"NOTE: {folder} is not whole ({wrong}). `make data DATASETS=cats_vs_dogs` makes it anew.")
    return wrong is None


def numbers_of_pets() -> dict[str, int]:
    """Return how many photographs each part of cats and dogs has."""
    return {part: 2 * number for part, number in CATS_VS_DOGS_PARTS.items()}


def write_cats_vs_dogs(folder: Path) -> None:
    """Write photographs of cats and dogs, ``train/cat/0000.jpg`` and so on, of different sizes.

    4,000 of the 25,000 in the archive: the first of each kind that can be read without a complaint. The archive is
    needed only for this. Raises `helpers.datasets.downloads.DownloadError`.
    """
    with zipfile.ZipFile(fetch(CATS_VS_DOGS)) as archive:
        for kind in ("cat", "dog"):
            photos = _sound_photos(archive, kind.title())
            for part, number in CATS_VS_DOGS_PARTS.items():
                (folder / part / kind).mkdir(parents=True)
                for index in range(number):
                    (folder / part / kind / f"{index:04}.jpg").write_bytes(next(photos))


def _sound_photos(archive: zipfile.ZipFile, kind: str):
    """Yield the bytes of the photographs of a kind, in the order of their numbers, without the damaged ones."""
    names = [name for name in archive.namelist() if name.startswith(f"PetImages/{kind}/") and name.endswith(".jpg")]
    for name in sorted(names, key=lambda name: int(Path(name).stem)):
        content = archive.read(name)
        try:
            with warnings.catch_warnings(action="error"), Image.open(io.BytesIO(content)) as photo:
                if photo.format == "JPEG" and min(photo.convert("RGB").size) >= 16:
                    yield content
        except (OSError, SyntaxError, ValueError, Warning):  # what Pillow raises depends on where a file is damaged
            continue
