"""helpers.models: the networks of data/models/ are whole, small, and as good as their cards say."""

import hashlib
import json
import re
import zipfile
from dataclasses import replace

from helpers import files, models
from helpers.datasets import Dataset, Split, critters, load_dataset, load_photo
from helpers.datasets.downloads import DownloadError
from helpers.datasets.public import IMAGENET_WEIGHTS
from helpers.engine import keras
from helpers.explain import find_layer, map_layers, predict
from helpers.files import DamagedFileError
from helpers.models import (
    CLASS_NAMES,
    EPOCHS,
    FOLDER,
    IMAGENET,
    TRAINED_ON,
    imagenet_model,
    load_model,
    load_training,
    network_for,
)

import file_server
import h5py
import numpy as np
import pytest
from damage import DAMAGES, copied, flip, refuse_to_open
from keras.src.legacy.saving.legacy_h5_format import save_weights_to_hdf5_group
from script_tools import load_plain

SHAPES = {"digits": (28, 28, 1), "critters": (64, 64, 3), "photos": (32, 32, 3)}
MOST_BYTES = {"digits": 1_000_000, "critters": 2_000_000, "photos": 4_000_000}


def there(*names):
    """Parameters for pytest, those networks skipped that are not made yet."""
    reason = "data/models/{}.keras is not there: `.venv/bin/python scripts/train_models.py {}` makes it"
    marks = {
        name: pytest.mark.skipif(not (FOLDER / f"{name}.keras").exists(), reason=reason.format(name, name))
        for name in names
    }
    return pytest.mark.parametrize("name", [pytest.param(name, marks=mark) for name, mark in marks.items()])


every_network = there(*CLASS_NAMES)
any_size = there("critters", "photos")
_loaded = {}


def network(name):
    """Each network is loaded once."""
    if name not in _loaded:
        _loaded[name] = load_model(name)
    return _loaded[name]


def card(name):
    return (FOLDER / f"{name}.md").read_text(encoding="utf-8")


def row(name, title):
    """The text of a row of a card."""
    return re.search(rf"^\| {title} \| (.+) \|$", card(name), re.M)[1]


def noise(*shape):
    return np.random.default_rng(0).integers(0, 256, shape, np.uint8)


def test_of(name):
    """Images and labels that a network was not trained on."""
    if name == "digits":
        return load_dataset("digits").test
    labels = critters.labels(1000)
    return np.stack([critters.critter("test", index).image for index in range(len(labels))]), labels


test_of.__test__ = False

# --- files ---


@every_network
def test_file_holds_numbers_and_no_code(name):
    with zipfile.ZipFile(FOLDER / f"{name}.keras") as file:
        assert sorted(file.namelist()) == ["config.json", "metadata.json", "model.weights.h5"]
        assert file.testzip() is None
        config = file.read("config.json").decode()
    assert "Lambda" not in config
    assert json.loads(config)["config"]["name"] == name
    modules = re.findall(r'"module": "([^"]+)"', config)
    assert {module.partition(".")[0] for module in modules} == {"keras"}


@every_network
def test_file_is_small_and_without_the_state_of_an_optimizer(name):
    size = (FOLDER / f"{name}.keras").stat().st_size
    assert size <= MOST_BYTES[name]
    assert size < 1.5 * 4 * network(name).count_params()  # 4 bytes each; Adam would keep two more numbers for each


@every_network
def test_an_older_keras_knows_all_settings(name):
    """Else Keras 3.12, the oldest that pyproject.toml allows, refuses the file."""
    with zipfile.ZipFile(FOLDER / f"{name}.keras") as file:
        config = file.read("config.json").decode()
    assert [setting for setting in load_plain("train_models").NEWER if f'"{setting}"' in config] == []


def test_settings_that_only_a_newer_keras_knows_are_left_out(tmp_path):
    script, path = load_plain("train_models"), tmp_path / "small.keras"
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(3, name="one")])
    model.save(path)
    script.for_older_keras(path)
    with zipfile.ZipFile(path) as file:
        assert not any(f'"{setting}"' in file.read("config.json").decode() for setting in script.NEWER)
    again, x = keras.models.load_model(path), np.ones((1, 2), "float32")
    np.testing.assert_array_equal(again(x), model(x))
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("config.json", json.dumps({"config": {"renorm": True}}))
    with pytest.raises(ValueError, match="a setting that Keras"):
        script.for_older_keras(path)


def test_two_loads_share_no_weights():
    first, second = load_model("critters"), network("critters")
    before = second.get_weights()
    first.set_weights([np.zeros_like(weight) for weight in before])
    for weight, expected in zip(second.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, expected)


# --- what they take and return ---


@every_network
def test_images_of_its_dataset_give_probabilities_of_all_classes(name):
    model = network(name)
    assert model.name == name
    found = predict(model, noise(3, *SHAPES[name]))
    assert found.shape == (3, 10) == (3, len(CLASS_NAMES[name]))
    assert len(set(CLASS_NAMES[name])) == 10
    assert found.min() >= 0
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(model(noise(3, *SHAPES[name])), found, atol=1e-5)


def test_class_names_are_those_of_the_datasets():
    assert CLASS_NAMES["digits"] == load_dataset("digits").class_names
    assert CLASS_NAMES["critters"] == critters.ANIMALS
    cifar10 = "airplane automobile bird cat deer dog frog horse ship truck"  # the order of cs.toronto.edu/~kriz
    assert " ".join(CLASS_NAMES["photos"]) == cifar10


@any_size
@pytest.mark.parametrize("size", [(16, 16), (16, 40), (45, 33), (128, 96)])
def test_other_sizes(name, size):
    found = predict(network(name), noise(2, *size, 3))
    assert found.shape == (2, 10)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-5)


@any_size
def test_smallest_size(name):
    """Three poolings leave one place of 8 × 8 pixels, and none of 7."""
    assert predict(network(name), noise(1, 8, 8, 3)).shape == (1, 10)
    last = find_layer(network(name))
    assert keras.Model(network(name).inputs[0], last.output)(noise(1, 64, 64, 3)).shape[1:3] == (8, 8)


def test_digits_take_their_own_size_only():
    with pytest.raises(ValueError, match=r"The model takes images of shape \(28, 28, 1\)"):
        predict(network("digits"), noise(1, 32, 32, 1))


@every_network
def test_layers_have_names_of_their_own(name):
    found = [*map_layers(network(name))]
    assert "conv1" in found
    assert not [each for each in found if re.fullmatch(r"(conv2d|max_pooling2d|dense)(_\d+)?", each)]


@any_size
def test_photographs_get_different_answers(name):
    photos = [np.asarray(load_photo(photo))[:128, :128][np.newaxis] for photo in ("chelsea", "rocket", "coffee")]
    found = np.concatenate([predict(network(name), photo) for photo in photos])
    assert np.ptp(found, axis=0).max() > 0.1


# --- cards and learning curves ---


@there("digits", "critters")
def test_accuracy_is_that_of_the_card(name):
    images, labels = test_of(name)
    assert len(labels) == 1000
    stated = float(re.match(r"([\d.]+) % of the 1,000 test images", row(name, "Test accuracy"))[1])
    right = 100 * np.mean(predict(network(name), images).argmax(axis=1) == labels)
    assert right == pytest.approx(stated, abs=0.11)  # on another processor one image may be told apart otherwise


@there("photos")
def test_card_of_the_photos_states_an_accuracy(name):
    assert 80 < float(re.match(r"([\d.]+) % of the 10,000 test images", row(name, "Test accuracy"))[1]) < 100


@every_network
def test_card_tells_the_parameters_the_size_and_the_epochs(name):
    assert card(name).startswith(f"# {name}\n")
    assert re.search(r"([\d,]+) parameters", row(name, "What"))[1] == f"{network(name).count_params():,}"
    assert f"(N, {SHAPES[name][0]}, {SHAPES[name][1]}, {SHAPES[name][2]})" in row(name, "Input, output")
    size = (FOLDER / f"{name}.keras").stat().st_size
    stated = float(re.search(rf"`{name}\.keras`, ([\d.]+) MB", row(name, "Files"))[1])
    assert stated == pytest.approx(size / 1e6, abs=0.06)
    assert re.search(r"(\d+) epochs", row(name, "Recipe"))[1] == str(len(load_training(name))) == str(EPOCHS[name])
    assert f"scripts/train_models.py {name}" in row(name, "Made by")
    assert row(name, "License")


@every_network
def test_learning_curves(name):
    history = load_training(name)
    assert [*history.index] == [*range(1, len(history) + 1)]
    assert history.index.name == "epoch"
    assert {"accuracy", "loss"} <= set(history)
    if name != "digits":
        assert {"val_accuracy", "val_loss"} <= set(history)
    for column in history:
        assert history[column].between(0, 1 if "accuracy" in column else 10).all()
    assert history["loss"].iloc[-1] < 0.7 * history["loss"].iloc[0]
    assert history["accuracy"].iloc[-1] > history["accuracy"].iloc[0] + 0.2


# --- names ---


@pytest.mark.parametrize(("dataset", "name"), [("mnist", "digits"), ("cifar10", "photos")])
def test_a_network_is_found_by_the_dataset_it_was_trained_on(dataset, name, monkeypatch, tmp_path):
    assert TRAINED_ON[dataset] == name
    (tmp_path / f"{name}.csv").write_text("epoch,loss\n1,0.5\n2,0.25\n", encoding="utf-8")
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)], name="stand_in").save(tmp_path / f"{name}.keras")
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    monkeypatch.setitem(EPOCHS, name, 2)
    assert load_model(dataset).name == load_model(name).name == "stand_in"
    assert load_training(dataset)["loss"].tolist() == load_training(name)["loss"].tolist() == [0.5, 0.25]


@pytest.mark.parametrize(("name", "known"), [("digits", "digits"), ("mnist", "digits"), ("cifar10", "photos")])
def test_for_known_data_the_network_is_there(name, known, monkeypatch):
    monkeypatch.setattr(keras.Model, "fit", lambda *_, **__: pytest.fail("it is trained already"))
    model, training = network_for(dataset_of(name, CLASS_NAMES[known]))
    assert model.name == known and training.equals(load_training(known))


@pytest.mark.parametrize("shape", [(16, 16, 1), (20, 24, 3)])
@pytest.mark.parametrize("name", ["mine", "digits"])
def test_for_other_data_a_network_is_trained(name, shape):
    """Bright images and dark ones, also if they come from a folder that happens to have the name of a network."""
    dataset = dataset_of(name, ("dark", "bright"), shape, number=640)
    model, training = network_for(dataset)
    assert model.input_shape == (None, *shape) and model.output_shape == (None, 2)
    assert training.index.tolist() == [1, 2, 3, 4, 5, 6, 7, 8] and "val_accuracy" in training
    assert np.mean(predict(model, dataset.test.images).argmax(axis=1) == dataset.test.labels) > 0.95
    assert find_layer(model).name == "conv4"


def test_while_it_is_trained_nobody_looks_at_test_images(monkeypatch):
    whole = dataset_of("mine", ("dark", "bright"), number=30)
    parts = {part: Split(*(array[k::3] for array in whole.train)) for k, part in enumerate(whole.splits())}
    dataset, given = replace(whole, **parts), {}

    def fit(model, images, labels, *_, validation_data, **__):
        given.update(train=(images, labels), validation=validation_data)
        return {"loss": [0.5]}

    monkeypatch.setattr(keras.Model, "fit", fit)
    network_for(dataset)
    for part, (images, labels) in given.items():
        assert images is parts[part].images and labels is parts[part].labels


def dataset_of(name, class_names, shape=(8, 8, 1), number=10):
    labels = np.arange(number) % len(class_names)
    light = (labels * 150).reshape(-1, 1, 1, 1)
    split = Split(
        (np.random.default_rng(0).integers(0, 100, (number, *shape)) + light).clip(0, 255).astype(np.uint8), labels
    )
    return Dataset(name, split, split, split, class_names, "made here", "CC0")


@pytest.mark.parametrize("load", [load_model, load_training])
@pytest.mark.parametrize("name", ["digit", "Digits", "", "../digits", None, 3])
def test_an_unknown_name_is_refused(load, name):
    with pytest.raises(ValueError, match=r"no trained network .*\. There are: digits, critters, photos\."):
        load(name)


LOADS = {".keras": load_model, ".csv": load_training}


@pytest.fixture(params=LOADS)
def suffix(request, tmp_path, monkeypatch):
    """The end of the name of a kind of file; they are in a folder where a test may damage them."""
    monkeypatch.setattr(files, "ROOT", tmp_path)
    monkeypatch.setattr(models, "FOLDER", tmp_path / "data" / "models")
    for name in CLASS_NAMES:
        copied(FOLDER / f"{name}{request.param}", tmp_path)
    return request.param


@pytest.mark.parametrize("name", CLASS_NAMES)
def test_a_missing_file_says_how_to_get_it_back(suffix, name):
    (models.FOLDER / f"{name}{suffix}").unlink()
    with pytest.raises(FileNotFoundError) as error:
        LOADS[suffix](name)
    assert f"data/models/{name}{suffix} is missing" in str(error.value)
    assert f"`git checkout data/models/{name}{suffix}`" in str(error.value)
    assert f"scripts/train_models.py {name}" in str(error.value)


@pytest.mark.parametrize(("damage", "said"), DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("name", ["digits", "photos"])
def test_a_damaged_file_says_what_is_wrong_and_how_to_get_it_back(suffix, name, damage, said):
    damage(models.FOLDER / f"{name}{suffix}")
    with pytest.raises(DamagedFileError, match=rf"^data/models/{name}{suffix} {said}") as error:
        LOADS[suffix](name)
    assert ("LFS" in said) != (f"`git checkout data/models/{name}{suffix}`" in str(error.value))
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


def test_a_file_that_may_not_be_read(suffix, monkeypatch):
    refuse_to_open(models.FOLDER / f"critters{suffix}", monkeypatch)
    with pytest.raises(DamagedFileError, match=r"critters\.\w+ cannot be read \(Permission denied\).*git checkout"):
        LOADS[suffix]("critters")


@pytest.mark.parametrize("share", [0.002, 0.1, 0.3, 0.5, 0.7, 0.9, 0.9995])
def test_a_wrong_byte_in_a_network_is_noticed(tmp_path, monkeypatch, share):
    """Keras alone would say that objects could not be loaded, which sounds like a mistake in the lesson."""
    monkeypatch.setattr(models, "FOLDER", tmp_path / "data" / "models")
    flip(copied(FOLDER / "digits.keras", tmp_path), share)
    said = r"the checksum of model\.weights\.h5 in it differs" if 0.1 <= share <= 0.9 else ""
    with pytest.raises(DamagedFileError, match=rf"digits\.keras is damaged \({said}"):
        load_model("digits")


def test_a_zip_file_that_is_no_network(tmp_path, monkeypatch):
    monkeypatch.setattr(models, "FOLDER", tmp_path)
    with zipfile.ZipFile(tmp_path / "digits.keras", "w") as file:
        file.writestr("readme.txt", "?")
    with pytest.raises(DamagedFileError, match=r"digits\.keras is damaged"):
        load_model("digits")


# --- networks of keras.applications ---


@pytest.mark.parametrize("name", ["mobilenetv2", "ResNet50", "", None])
def test_an_unknown_network_of_keras_is_refused(name):
    with pytest.raises(ValueError, match=r"Unknown network .*: use one of MobileNetV2, VGG16"):
        imagenet_model(name)


@pytest.mark.parametrize("name", IMAGENET)
def test_without_weights_on_this_computer_there_is_none(name, monkeypatch, tmp_path, no_network):
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path))
    assert imagenet_model(name) is None
    monkeypatch.delenv("KERAS_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("USERPROFILE", str(tmp_path / "home"))
    assert imagenet_model(name) is None
    assert [*tmp_path.iterdir()] == []


@pytest.fixture(scope="module")
def mobilenet():
    return imagenet_model("MobileNetV2", trained=False)


def test_mobilenet_has_1000_classes_and_its_layers_are_found(mobilenet):
    assert mobilenet.input_shape == (None, 224, 224, 3)
    assert mobilenet.output_shape == (None, 1000)
    assert mobilenet.count_params() == 3_538_984  # Sandler and others, 2018: 3.4 million, and batch normalization
    expand = find_layer(mobilenet, "MobileNetV2/block_6_expand")
    assert (expand.name, expand.output.shape) == ("block_6_expand", (None, 28, 28, 192))
    assert find_layer(mobilenet, "block_6_expand") is expand
    assert find_layer(mobilenet).name == "out_relu"


def test_mobilenet_scales_pixels_itself(mobilenet):
    images = noise(1, 224, 224, 3)
    found = predict(mobilenet, images)
    np.testing.assert_allclose(found.sum(), 1, atol=1e-4)
    inner = mobilenet.get_layer("MobileNetV2")
    np.testing.assert_allclose(found, inner(images / np.float32(127.5) - 1, training=False), atol=1e-6)


def test_vgg_gets_the_file_of_weights_and_pixels_as_it_was_trained(monkeypatch, tmp_path):
    """With a stand-in, as VGG16 itself takes half a gigabyte: it returns the largest value of each channel."""
    calls = []

    def stand_in(weights, name):
        calls.append(weights)
        inputs = keras.Input((224, 224, 3))
        return keras.Model(inputs, keras.layers.GlobalMaxPooling2D()(inputs), name=name)

    monkeypatch.setattr(keras.applications, "VGG16", stand_in)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    file = tmp_path / "models" / "vgg16_weights_tf_dim_ordering_tf_kernels.h5"
    file.parent.mkdir()
    file.write_bytes(b"weights")
    model = imagenet_model("VGG16")
    assert [str(call) for call in calls] == [str(file)]
    assert model.get_layer("VGG16").output.shape == (None, 3)
    red = np.zeros((1, 224, 224, 3), np.uint8)
    red[..., 0] = 200
    means = np.array([[103.939, 116.779, 123.68]])  # blue, green, red of ImageNet, by its authors
    np.testing.assert_allclose(predict(model, red), [[0, 0, 200]] - means, atol=1e-3)


def test_weights_are_downloaded_if_asked_for(monkeypatch, tmp_path, capsys):
    content = b"weights"
    of_keras = tmp_path / "models" / IMAGENET_WEIGHTS["VGG16"].path.name
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "cache"))
    stand_in = keras.Sequential([keras.Input((224, 224, 3)), keras.layers.GlobalMaxPooling2D()])
    found = []
    monkeypatch.setattr(keras.applications, "VGG16", lambda weights, name: found.append(weights) or stand_in)
    with file_server.running() as server:
        server.files["w.h5"] = content
        file = replace(IMAGENET_WEIGHTS["VGG16"], url=f"{server.url}w.h5", checksum=hashlib.md5(content).hexdigest())
        monkeypatch.setitem(IMAGENET_WEIGHTS, "VGG16", file)
        assert imagenet_model("VGG16") is None and server.asked == []
        assert imagenet_model("VGG16", download=True) is not None
    assert imagenet_model("VGG16") is not None  # now they are there
    assert found == [file.path, file.path] and file.path.read_bytes() == content
    file.path.write_bytes(b"damaged")
    with pytest.raises(
        DamagedFileError, match=r"\.h5 is damaged \(its checksum differs\)\. `make data DATASETS=VGG16`"
    ):
        imagenet_model("VGG16")
    of_keras.parent.mkdir()
    of_keras.write_bytes(content)
    assert imagenet_model("VGG16") is not None and found[-1] == of_keras  # there is another one
    assert capsys.readouterr().out == ""


@pytest.fixture(scope="module")
def weights(mobilenet, tmp_path_factory):
    """A file of weights of MobileNetV2 in the format of those that Keras publishes, though they are random."""
    path = tmp_path_factory.mktemp("weights") / IMAGENET_WEIGHTS["MobileNetV2"].path.name
    with h5py.File(path, "w") as file:
        save_weights_to_hdf5_group(file, mobilenet.get_layer("MobileNetV2"))
    return path


@pytest.fixture
def of_keras(weights, tmp_path, monkeypatch):
    """Those weights where keras.applications keeps them."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    monkeypatch.setenv("CNN_LESSONS_CACHE", str(tmp_path / "cache"))
    checksum = hashlib.sha256(weights.read_bytes()).hexdigest()
    file = replace(IMAGENET_WEIGHTS["MobileNetV2"], checksum=checksum)
    monkeypatch.setitem(IMAGENET_WEIGHTS, "MobileNetV2", file)
    path = tmp_path / "keras" / "models" / weights.name
    path.parent.mkdir(parents=True)
    path.write_bytes(weights.read_bytes())
    return path


MEND = r"`make data DATASETS=MobileNetV2` gets a good one; without a network remove it"


def test_weights_in_the_cache_of_keras_are_used(of_keras, mobilenet, capsys):
    model = imagenet_model("MobileNetV2")
    for found, expected in zip(model.get_weights(), mobilenet.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("name", ["empty", "folder", "cut at 0.5", "last byte"])
def test_damaged_weights_in_the_cache_of_keras(of_keras, name):
    damage, said = DAMAGES[name]
    damage(of_keras)
    with pytest.raises(DamagedFileError, match=rf"{re.escape(str(of_keras))} {said}") as error:
        imagenet_model("MobileNetV2")
    assert re.search(MEND, str(error.value))
    assert of_keras.exists()  # it is not ours to remove


def test_weights_in_the_cache_of_keras_that_may_not_be_read(of_keras, monkeypatch):
    refuse_to_open(of_keras, monkeypatch)
    with pytest.raises(DamagedFileError, match=rf"cannot be read \(Permission denied\)\. {MEND}"):
        imagenet_model("MobileNetV2")


def test_a_wrong_byte_in_the_cache_of_keras_is_said(of_keras, capsys):
    """There may be another version of the file, so they are used if Keras can read them."""
    flip(of_keras, 0.7)
    assert imagenet_model("MobileNetV2") is not None
    printed = capsys.readouterr().out
    assert re.match(
        rf"NOTE: {re.escape(str(of_keras))} is not what Keras publishes: its checksum differs\. {MEND}", printed
    )


def test_weights_of_another_network(of_keras):
    with h5py.File(of_keras, "w") as file:
        save_weights_to_hdf5_group(file, keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]))
    with pytest.raises(DamagedFileError, match="is damaged"):
        imagenet_model("MobileNetV2")


def test_a_folder_in_place_of_weights_in_our_cache(of_keras, tmp_path):
    (tmp_path / "cache" / "imagenet" / of_keras.name).mkdir(parents=True)
    with pytest.raises(DownloadError, match=r"\.h5 is a folder, where a file should be: move it away"):
        imagenet_model("MobileNetV2")


def test_a_network_that_cannot_be_built_is_no_damaged_file(monkeypatch):
    def fails(**_):
        raise RuntimeError("no memory on the graphics card")

    monkeypatch.setattr(keras.applications, "VGG16", fails)
    with pytest.raises(RuntimeError, match="graphics card"):
        imagenet_model("VGG16", trained=False)


@pytest.mark.parametrize("name", IMAGENET)
def test_names_of_the_files_are_those_of_keras(name):
    import importlib
    import inspect

    module, file = IMAGENET[name], IMAGENET_WEIGHTS[name].path.name
    source = inspect.getsource(importlib.import_module(f"keras.src.applications.{module}"))
    stem = file.replace("1.0_224", "").replace(".h5", "").rstrip("_")
    assert stem in source or file in source
    assert hasattr(getattr(keras.applications, module), "preprocess_input")
