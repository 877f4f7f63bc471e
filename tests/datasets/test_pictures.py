"""helpers.datasets.pictures: an image file is the picture that a viewer shows, whatever its depth and transparency."""

import io
import struct
import zlib

from helpers.datasets import load_folder, open_photo
from helpers.datasets.pictures import FLOATS, WHOLE, Depth, find_depths, number_of_pictures, read_picture

import numpy as np
import pytest
import tifffile
from PIL import Image

RAMP = np.linspace(0, 1, 1600).reshape(40, 40)
COLORS = np.stack([RAMP, RAMP[::-1], RAMP.T], axis=2)
SHOWN = np.rint(255 * RAMP), np.rint(255 * COLORS)


def png16(path, values):
    """Write a PNG of 16 bits, gray or colors, with or without alpha: Pillow writes only gray."""
    height, width, channels = values.shape
    rows = values.astype(">u2").reshape(height, -1).view(np.uint8)
    content = zlib.compress(np.pad(rows, ((0, 0), (1, 0))).tobytes())  # each row begins with 0: as it is
    header = struct.pack(">IIBBBBB", width, height, 16, {1: 0, 2: 4, 3: 2, 4: 6}[channels], 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", content), (b"IEND", b""))
    parts = [struct.pack(">I", len(c)) + kind + c + struct.pack(">I", zlib.crc32(kind + c)) for kind, c in chunks]
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(parts))


def tiff(**options):
    return lambda path, values: tifffile.imwrite(path, np.squeeze(values), **options)


def planes(path, values):
    tifffile.imwrite(path, np.moveaxis(values, 2, 0), photometric="rgb", planarconfig="separate")


def lzw(path, values):
    Image.fromarray(values[..., 0]).save(path, compression="tiff_lzw")


WRITERS = {
    "PNG": ("png", png16, (1, 2, 3, 4)),
    "TIFF": ("tif", tiff(photometric="rgb"), (3, 4)),
    "TIFF, other order": ("tif", tiff(photometric="rgb", byteorder=">"), (3,)),
    "TIFF, compressed": ("tif", tiff(photometric="rgb", compression="zlib"), (3,)),
    "TIFF, tiles": ("tif", tiff(photometric="rgb", tile=(16, 16)), (3,)),
    "TIFF, planes": ("tif", planes, (3,)),
    "TIFF, gray": ("tif", tiff(photometric="minisblack"), (1,)),
    "TIFF, gray, LZW": ("tif", lzw, (1,)),
}


@pytest.mark.parametrize(
    ("suffix", "write", "channels"),
    [(suffix, write, number) for suffix, write, numbers in WRITERS.values() for number in numbers],
    ids=[f"{name}, {number}" for name, (*_, numbers) in WRITERS.items() for number in numbers],
)
@pytest.mark.parametrize("bits", [10, 12, 14, 16])
def test_bits_in_a_file_of_16(tmp_path, suffix, write, channels, bits):
    """From black to white, in all steps of 8 bits, whoever wrote the file."""
    values = (COLORS if channels > 2 else RAMP[..., np.newaxis]) * (2**bits - 1)
    if channels in (2, 4):
        values = np.concatenate([values, np.full((40, 40, 1), 2**16 - 1)], axis=2)
    path = tmp_path / f"ramp.{suffix}"
    write(path, np.rint(values).astype(np.uint16))
    assert find_depths([path]) == {WHOLE: Depth(0, 2**bits - 1)}
    shown = np.asarray(read_picture(path, 40)).astype(int)
    assert np.abs(shown - (SHOWN[1] if channels > 2 else SHOWN[0][..., np.newaxis])).max() <= 1


FLOAT_RANGES = {
    "shares": (RAMP, (0, 1)),
    "gray levels": (255 * RAMP, (0, 255)),
    "dark": (0.01 * RAMP, (0, 0.01)),
    "degrees": (300 + 20 * RAMP, (300, 320)),
    "signed": (2 * RAMP - 1, (-1, 1)),
}


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("values", "ends"), FLOAT_RANGES.values(), ids=FLOAT_RANGES)
def test_floats_are_read_in_their_range(tmp_path, values, ends, dtype):
    tifffile.imwrite(tmp_path / "ramp.tif", values.astype(dtype))
    assert find_depths([tmp_path / "ramp.tif"])[FLOATS] == pytest.approx(ends)
    shown = np.asarray(read_picture(tmp_path / "ramp.tif", 40))[..., 0].astype(int)
    assert np.abs(shown - SHOWN[0]).max() <= 1


def test_other_kinds_of_tiff(tmp_path):
    """In colors as floats, in signed and in 32-bit numbers, with 0 as white, and with what is no number."""
    holes = RAMP.astype(np.float32).copy()
    holes[20, :3] = np.nan, np.inf, -np.inf
    expected = SHOWN[0].copy()
    expected[20, :3] = 0, 255, 0
    cases = [
        (COLORS.astype(np.float32), {"photometric": "rgb"}, SHOWN[1]),
        ((4000 * RAMP - 1000).astype(np.int16), {}, SHOWN[0]),
        ((4e6 * RAMP).astype(np.uint32), {}, SHOWN[0]),
        ((65_535 * (1 - RAMP)).astype(np.uint16), {"photometric": "miniswhite"}, SHOWN[0]),
        (holes, {}, expected),
    ]
    for number, (values, options, right) in enumerate(cases):
        tifffile.imwrite(tmp_path / f"{number}.tif", values, **options)
        shown = np.asarray(read_picture(tmp_path / f"{number}.tif", 40)).astype(int)
        assert np.abs(shown - right.reshape(40, 40, -1)).max() <= 1, number


def test_too_many_channels_are_refused(tmp_path):
    tifffile.imwrite(tmp_path / "five.tif", np.ones((9, 9, 5), np.uint16), planarconfig="contig")
    with pytest.raises(ValueError, match="not one to four channels"):
        read_picture(tmp_path / "five.tif", 40)


def test_a_dark_image_stays_darker_than_a_bright_one(tmp_path, capsys):
    """The scale is that of all files of a folder, and a note says which it is."""
    for name, top in (("ant", 4095), ("bee", 1200)):
        (tmp_path / name).mkdir()
        for index in range(8):
            Image.fromarray(np.full((9, 9), top, np.uint16)).save(tmp_path / name / f"{index}.png")
    dataset = load_folder(tmp_path)
    found = {name: set(dataset.train.images[dataset.train.labels == k].ravel().tolist()) for k, name in enumerate("ab")}
    assert found == {"a": {255}, "b": {75}}
    assert capsys.readouterr().out == (
        "NOTE: whole numbers of more than 8 bits are shown from 0 (black) to 4095 (white).\n"
    )


def test_alpha_of_deep_images_is_laid_on_white(tmp_path):
    values = np.stack([np.zeros((40, 40)), np.rint(65_535 * RAMP)], axis=2)
    png16(tmp_path / "ramp.png", values)
    shown = np.asarray(read_picture(tmp_path / "ramp.png", 40))[..., 0].astype(int)
    assert np.abs(shown - (255 - SHOWN[0])).max() <= 1


def transparent_rgb(path):
    Image.new("RGB", (20, 20), (10, 20, 30)).save(path, transparency=(10, 20, 30))


def animated(kind):
    def save(path):
        pictures = [Image.new("RGB", (20, 20), color) for color in ("white", "black", "black")]
        pictures[0].save(path, kind, save_all=True, append_images=pictures[1:], duration=90)

    return save


WHITE = {
    "one color away": ("png", transparent_rgb),
    "premultiplied": ("tif", lambda path: Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(path)),
    "CMYK": ("jpg", lambda path: Image.new("CMYK", (20, 20), (0, 0, 0, 0)).save(path, quality=95)),
    "CMYK TIFF": ("tif", lambda path: Image.new("CMYK", (20, 20), (0, 0, 0, 0)).save(path)),
    "Lab": ("tif", lambda path: Image.new("LAB", (20, 20), (255, 128, 128)).save(path)),
    "GIF": ("gif", animated("GIF")),
    "APNG": ("png", animated("PNG")),
    "WebP": ("webp", animated("WEBP")),
    "pages": ("tif", animated("TIFF")),
}


@pytest.mark.parametrize(("suffix", "save"), WHITE.values(), ids=WHITE)
def test_white_is_white(tmp_path, suffix, save):
    path = tmp_path / f"white.{suffix}"
    save(path)
    for shown in (np.asarray(read_picture(path, 20)), open_photo(path.read_bytes())):
        assert shown.shape == (20, 20, 3) and shown.min() >= 253


def test_of_several_pictures_in_a_file_the_first_is_used_and_a_note_says_so(tmp_path, capsys):
    for name in ("ant", "bee"):
        (tmp_path / name).mkdir()
        for index in range(8):
            animated("GIF")(tmp_path / name / f"{index}.gif")
    assert load_folder(tmp_path).train.images.min() >= 253
    said = capsys.readouterr().out
    assert said.startswith("NOTE: of 16 files with several pictures, such as ") and said.endswith(
        "the first one is used.\n"
    )


def test_a_photograph_with_what_a_phone_adds_is_one_picture(tmp_path):
    pictures = [Image.new("RGB", (20, 20), color) for color in ("white", "black")]
    pictures[0].save(tmp_path / "phone.jpg", "MPO", save_all=True, append_images=pictures[1:])
    assert number_of_pictures(tmp_path / "phone.jpg") == 1
    assert np.asarray(read_picture(tmp_path / "phone.jpg", 20)).min() >= 253


@pytest.mark.parametrize("suffix", ["png", "tif"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_deep_images_are_upright_too(tmp_path, suffix, dtype):
    values = np.zeros((30, 20), dtype)
    values[:, :10] = np.iinfo(dtype).max  # the left half, which gets up
    exif = Image.Exif()
    exif[0x0112] = 6
    options = {"tiffinfo": {0x0112: 6}} if suffix == "tif" else {"exif": exif}
    Image.fromarray(values).save(tmp_path / f"turned.{suffix}", **options)
    shown = np.asarray(read_picture(tmp_path / f"turned.{suffix}", 20))[..., 0]
    assert shown.shape == (20, 30) and shown[:10].min() == 255 and shown[10:].max() == 0


def test_uploaded_photographs_of_12_bits_are_not_black(tmp_path):
    png16(tmp_path / "ramp.png", np.rint(4095 * COLORS))
    assert np.abs(open_photo((tmp_path / "ramp.png").read_bytes()).astype(int) - SHOWN[1]).max() <= 1


def test_a_file_that_cannot_be_read_has_no_depth(tmp_path):
    (tmp_path / "text.png").write_text("text")
    assert find_depths([tmp_path / "text.png", tmp_path / "missing.png"]) == {}
    assert number_of_pictures(tmp_path / "text.png") == 1
    with pytest.raises(Image.UnidentifiedImageError):
        read_picture(io.BytesIO(b"text"), 20)
