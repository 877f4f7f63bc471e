"""helpers.convolution against SciPy, TensorFlow and Keras."""

import math

from helpers.convolution import (
    KERNELS,
    convolution_step,
    convolve,
    convolve_volume,
    output_size,
    pad,
    pool,
    same_padding,
)
from helpers.engine import keras, tf

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage, signal

DTYPES = ["uint8", "bool", "int16", "float32", "float64"]
CLOSE = {"rtol": 1e-9, "atol": 1e-7}
SCIPY_MODES = {"zero": "constant", "reflect": "mirror", "edge": "nearest"}


def values(dtype):
    """Values of one dtype that leave float64 some digits to spare."""
    if np.dtype(dtype).kind == "f":
        return st.floats(-1000, 1000, width=np.dtype(dtype).itemsize * 8)
    return None


def images(least=1, most=14, dtypes=DTYPES):
    sides = st.integers(least, most)
    return st.sampled_from(dtypes).flatmap(
        lambda dtype: hnp.arrays(dtype, st.tuples(sides, sides), elements=values(dtype))
    )


def kernels(most=5):
    sides = st.integers(1, most)
    return hnp.arrays("float64", st.tuples(sides, sides), elements=st.floats(-10, 10))


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def numbered(rows, cols):
    """An image in which each pixel holds its own number, so that a patch tells where it was read."""
    return np.arange(rows * cols).reshape(rows, cols)


def tf_convolve(image, kernel, stride=1, padding="VALID", dilation=1):
    if isinstance(padding, int):
        padding = [[0, 0], [padding, padding], [padding, padding], [0, 0]]
    image, kernel = np.asarray(image, float), np.asarray(kernel, float)
    batch = tf.nn.conv2d(image[None, :, :, None], kernel[:, :, None, None], stride, padding, dilations=dilation)
    return batch.numpy()[0, :, :, 0]


def with_holes(kernel, dilation):
    rows, cols = kernel.shape
    wide = np.zeros(((rows - 1) * dilation + 1, (cols - 1) * dilation + 1))
    wide[::dilation, ::dilation] = kernel
    return wide


# --- convolve ---


@given(images(), kernels())
def test_convolve_is_scipy_correlation(image, kernel):
    assume(all(k <= n for k, n in zip(kernel.shape, image.shape, strict=True)))
    result = convolve(image, kernel)
    assert result.dtype == float
    np.testing.assert_allclose(result, signal.correlate2d(image.astype(float), kernel, "valid"), **CLOSE)


@given(images(), kernels())
def test_convolve_flipped_is_scipy_convolution(image, kernel):
    assume(all(k <= n for k, n in zip(kernel.shape, image.shape, strict=True)))
    expected = signal.convolve2d(image.astype(float), kernel, "valid")
    np.testing.assert_allclose(convolve(image, kernel, flip=True), expected, **CLOSE)


@given(images(), kernels(), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3))
def test_convolve_is_tf_conv2d(image, kernel, stride, padding, dilation):
    extents = [(k - 1) * dilation + 1 for k in kernel.shape]
    assume(all(e <= n + 2 * padding for e, n in zip(extents, image.shape, strict=True)))
    expected = tf_convolve(image, kernel, stride, padding, dilation)
    np.testing.assert_allclose(convolve(image, kernel, stride, padding, dilation), expected, **CLOSE)


@given(images(), kernels(), st.integers(1, 4), st.integers(0, 4), st.integers(1, 3))
def test_convolve_refuses_only_what_does_not_fit(image, kernel, stride, padding, dilation):
    extents = [(k - 1) * dilation + 1 for k in kernel.shape]
    if all(e <= n + 2 * padding for e, n in zip(extents, image.shape, strict=True)):
        assert convolve(image, kernel, stride, padding, dilation).size > 0
    else:
        with pytest.raises(ValueError, match="smaller kernel or dilation, or more padding"):
            convolve(image, kernel, stride, padding, dilation)


@given(images(least=4), st.sampled_from([1, 3, 5]), st.sampled_from([1, 3, 5]), st.sampled_from(list(SCIPY_MODES)))
def test_padding_modes_are_those_of_ndimage(image, height, width, mode):
    kernel = noise(height, width)
    most = max(height, width) // 2
    expected = ndimage.correlate(image.astype(float), kernel, mode=SCIPY_MODES[mode])
    result = convolve(image, kernel, padding=most, mode=mode)
    up, left = most - height // 2, most - width // 2
    result = result[up : result.shape[0] - up, left : result.shape[1] - left]
    np.testing.assert_allclose(result, expected, **CLOSE)


@given(images(least=6, dtypes=["uint8", "float32"]), kernels(3), st.integers(1, 3), st.integers(1, 2))
def test_stride_dilation_and_reflection_together(image, kernel, stride, dilation):
    around = tf.pad(image.astype(float), [[4, 4], [4, 4]], "REFLECT").numpy()
    expected = signal.correlate2d(around, with_holes(kernel, dilation), "valid")[::stride, ::stride]
    np.testing.assert_allclose(convolve(image, kernel, stride, 4, dilation, mode="reflect"), expected, **CLOSE)


@given(
    images(least=3),
    kernels(),
    st.sampled_from([(1, 1), (2, 1), (3, 1), (1, 2), (1, 3)]),
    st.sampled_from([True, False]),
)
def test_convolve_is_a_keras_layer_without_bias(image, kernel, stride_and_dilation, square):
    stride, dilation = stride_and_dilation
    kernel = kernel[: min(kernel.shape), : min(kernel.shape)] if square else kernel
    assume(all((k - 1) * dilation < n for k, n in zip(kernel.shape, image.shape, strict=True)))
    batch = np.asarray(image, float)[None, :, :, None]
    layer = keras.layers.Conv2D(
        1, kernel.shape, strides=stride, dilation_rate=dilation, use_bias=False, dtype="float64"
    )
    layer.build(batch.shape)
    layer.set_weights([kernel[:, :, None, None]])
    expected = np.asarray(layer(batch))[0, :, :, 0]
    np.testing.assert_allclose(convolve(image, kernel, stride, dilation=dilation), expected, **CLOSE)


@pytest.mark.parametrize("dtype", DTYPES)
def test_convolve_leaves_its_arguments_alone(dtype):
    image, kernel = (noise(6, 7) * 50).astype(dtype), noise(3, 3, seed=1)
    copies = image.copy(), kernel.copy()
    convolve(image, kernel, 2, 1, 1, flip=True)
    np.testing.assert_array_equal(image, copies[0])
    np.testing.assert_array_equal(kernel, copies[1])


def test_convolve_does_not_wrap_around_in_uint8():
    image = np.full((3, 3), 255, np.uint8)
    assert convolve(image, np.ones((3, 3), np.uint8)).item() == 9 * 255
    assert convolve(image, np.full((1, 1), -1, np.int8)).min() == -255


def test_convolve_takes_lists_and_integer_arrays_as_numbers():
    np.testing.assert_array_equal(
        convolve([[1, 2], [3, 4]], [[1]], stride=np.int64(1), padding=np.array(1)),
        [[0, 0, 0, 0], [0, 1, 2, 0], [0, 3, 4, 0], [0, 0, 0, 0]],
    )


def test_kernels_made_by_hand_are_those_of_scipy():
    image = noise(20, 24)
    inside = np.s_[1:-1, 1:-1]
    expected = {
        "identity": image,
        "box blur": ndimage.uniform_filter(image, 3),
        "Gaussian blur": ndimage.correlate1d(ndimage.correlate1d(image, [0.25, 0.5, 0.25], 0), [0.25, 0.5, 0.25], 1),
        "sharpen": image - ndimage.laplace(image),
        "Sobel x": ndimage.sobel(image, axis=1),
        "Sobel y": ndimage.sobel(image, axis=0),
        "Laplacian": ndimage.laplace(image),
    }
    for name, result in expected.items():
        np.testing.assert_allclose(convolve(image, KERNELS[name]), result[inside], atol=1e-12, err_msg=name)


@pytest.mark.parametrize("name", KERNELS)
def test_kernels_keep_brightness_or_remove_it(name):
    flat = convolve(np.full((5, 5), 7.0), KERNELS[name])
    edges = ("Sobel x", "Sobel y", "diagonal", "Laplacian")
    np.testing.assert_allclose(flat, 0 if name in edges else 7, atol=1e-12)


BAD_IMAGES = {
    "one axis": (np.zeros(4), r"two axes \(height, width\)"),
    "RGB": (np.zeros((4, 4, 3)), "Take one channel, or skimage.color.rgb2gray"),
    "batch": (np.zeros((1, 4, 4, 3)), "two axes"),
    "number": (3.0, "two axes"),
    "nothing": (None, "two axes"),
    "empty": (np.zeros((0, 4)), "image is empty"),
    "NaN": (np.array([[1.0, np.nan]]), "replace them first, for example with np.nan_to_num"),
    "inf": (np.array([[1.0, -np.inf]]), "replace them first, for example with np.nan_to_num"),
    "text": (np.array([["a", "b"]]), "must hold real numbers"),
    "complex": (np.array([[1j]]), "must hold real numbers"),
}


@pytest.mark.parametrize(("image", "message"), BAD_IMAGES.values(), ids=BAD_IMAGES)
@pytest.mark.parametrize("act", [lambda image: convolve(image, [[1]]), pad, pool], ids=["convolve", "pad", "pool"])
def test_bad_image(act, image, message):
    with pytest.raises(ValueError, match=message):
        act(image)


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (np.zeros(3), "kernel must have the two axes"),
        (np.zeros((3, 3, 3)), "kernel must have the two axes"),
        (np.zeros((0, 3)), "kernel is empty"),
        ([[np.nan]], "kernel holds NaN"),
        (np.ones((6, 1)), "covers 6 pixels but the padded image has only 5. Use a smaller kernel"),
        (np.ones((1, 6)), "covers 6 pixels but the padded image has only 5. Use a smaller kernel"),
    ],
)
def test_bad_kernel(kernel, message):
    with pytest.raises(ValueError, match=message):
        convolve(np.ones((5, 5)), kernel)


@pytest.mark.parametrize("name", ["stride", "dilation", "padding"])
@pytest.mark.parametrize("value", [-1, 1.5, 2.0, math.nan, math.inf, "2", None, True, [1], (1, 1)])
def test_bad_setting(name, value):
    least = 0 if name == "padding" else 1
    with pytest.raises(ValueError, match=rf"{name} must be a whole number \(an int\) of at least {least}"):
        convolve(np.ones((5, 5)), np.ones((2, 2)), **{name: value})


@pytest.mark.parametrize("name", ["stride", "dilation"])
def test_setting_zero(name):
    with pytest.raises(ValueError, match=f"{name} must be a whole number"):
        convolve(np.ones((5, 5)), np.ones((2, 2)), **{name: 0})


@pytest.mark.parametrize("mode", ["same", "constant", "", None, "Zero"])
def test_unknown_padding_mode_names_the_known(mode):
    with pytest.raises(ValueError, match="use one of zero, reflect, edge"):
        convolve(np.ones((5, 5)), np.ones((3, 3)), padding=1, mode=mode)


def test_reflection_wider_than_the_image():
    assert pad(np.ones((3, 5)), 2, "reflect").shape == (7, 9)
    with pytest.raises(ValueError, match="use less padding"):
        pad(np.ones((3, 5)), 3, "reflect")


# --- sizes ---


@given(st.integers(1, 60), st.integers(1, 9), st.integers(0, 5), st.integers(1, 5), st.integers(1, 4))
def test_output_size_counts_the_places(size, kernel_size, padding, stride, dilation):
    reads = [dilation * tap for tap in range(kernel_size)]
    pixels = range(size + 2 * padding)
    places = [start for start in pixels[::stride] if start + reads[-1] in pixels]
    if places:
        assert output_size(size, kernel_size, padding, stride, dilation) == len(places)
    else:
        with pytest.raises(ValueError, match="Use a smaller kernel or dilation, or more padding"):
            output_size(size, kernel_size, padding, stride, dilation)


@given(st.integers(1, 40), st.integers(1, 7), st.integers(1, 5), st.integers(1, 3), st.integers(1, 40))
@example(32, 8, 2, 1, 32)
@example(5, 2, 1, 1, 3)
def test_same_padding_is_that_of_tensorflow(size, kernel_size, stride, dilation, other):
    image, kernel = noise(size, other), noise(kernel_size, 1, seed=1)
    around = same_padding(size, kernel_size, stride, dilation)
    wide = np.pad(image, [around, same_padding(other, 1, stride, dilation)])
    expected = tf_convolve(image, kernel, stride, "SAME", dilation)
    np.testing.assert_allclose(convolve(wide, kernel, stride, 0, dilation), expected, **CLOSE)


def test_sizes_of_the_lesson():
    image, kernel = np.zeros((32, 32)), np.zeros((8, 8))
    assert output_size(32, 8, padding=1, stride=2) == tf_convolve(image, kernel, 2, 1).shape[0] == 14
    assert output_size(32, 8, stride=2) == tf_convolve(image, kernel, 2, "VALID").shape[0] == 13
    assert output_size(32 + sum(same_padding(32, 8, 2)), 8, stride=2) == 16
    assert tf_convolve(image, kernel, 2, "SAME").shape[0] == 16


@pytest.mark.parametrize("arguments", [(0, 3), (5, 0), (5, 3, 0), (5, 3, 1, 0), (5, 3, 1, -1), (5.5, 3), (5, None)])
def test_same_padding_refuses(arguments):
    with pytest.raises(ValueError, match="must be a whole number"):
        same_padding(*arguments)


# --- one step ---


@given(images(most=8), kernels(3), st.integers(1, 3), st.integers(0, 2), st.integers(1, 2), st.booleans())
def test_every_step_is_a_pixel_of_the_feature_map(image, kernel, stride, padding, dilation, flip):
    extents = [(k - 1) * dilation + 1 for k in kernel.shape]
    assume(all(e <= n + 2 * padding for e, n in zip(extents, image.shape, strict=True)))
    feature_map = convolve(image, kernel, stride, padding, dilation, flip)
    padded = np.pad(image, padding)
    steps = [convolution_step(padded, kernel, n, stride, dilation, flip) for n in range(feature_map.size)]
    assert [(step.row, step.col) for step in steps] == list(np.ndindex(feature_map.shape))
    np.testing.assert_allclose([step.total for step in steps], feature_map.ravel(), **CLOSE)
    with pytest.raises(ValueError, match=rf"from 0 to {feature_map.size - 1} \(the last pixel\)"):
        convolution_step(padded, kernel, feature_map.size, stride, dilation, flip)


@pytest.mark.parametrize("stride", [1, 3])
@pytest.mark.parametrize("dilation", [1, 2])
def test_steps_of_a_large_image(stride, dilation):
    image, kernel = noise(200, 150), noise(5, 7, seed=1)
    feature_map = convolve(image, kernel, stride, 0, dilation)
    chosen = [0, feature_map.size - 1, *np.random.default_rng(2).integers(0, feature_map.size, 50)]
    for number in chosen:
        step = convolution_step(image, kernel, number, stride, dilation)
        assert math.isclose(step.total, feature_map.ravel()[number], abs_tol=1e-9)


def test_a_step_tells_where_it_reads():
    image, kernel = numbered(9, 10), noise(2, 3)
    step = convolution_step(image, kernel, 5, stride=2, dilation=3, flip=True)  # 3 rows of 2 places
    assert (step.row, step.col, step.top, step.left) == (2, 1, 4, 2)
    np.testing.assert_array_equal(step.patch, [[42, 45, 48], [72, 75, 78]])
    np.testing.assert_array_equal(step.kernel, np.rot90(kernel, 2))
    np.testing.assert_allclose(step.products, step.patch * np.rot90(kernel, 2))
    assert math.isclose(step.total, np.vdot(step.patch, np.rot90(kernel, 2)))


def test_a_step_in_uint8_does_not_wrap_around():
    assert convolution_step(np.full((2, 2), 255, np.uint8), np.full((2, 2), -3), 0).total == -3060


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.ones((3, 3)), np.ones((2, 2)), -1), "step must be"),
        ((np.ones((3, 3)), np.ones((2, 2)), 4), r"from 0 to 3 \(the last pixel\)"),
        ((np.ones((3, 3)), np.ones((2, 2)), 1.5), "step must be a whole number"),
        ((np.ones((3, 3)), np.ones((4, 4)), 0), "Use a smaller kernel"),
        ((np.ones(3), np.ones((2, 2)), 0), "two axes"),
        ((np.ones((3, 3, 3)), np.ones((2, 2)), 0), "two axes"),
        ((np.ones((3, 3)), np.ones(2), 0), "kernel must have the two axes"),
        ((np.ones((3, 3)), np.ones((2, 2)), 0, 0), "stride must be a whole number"),
    ],
)
def test_step_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        convolution_step(*arguments)


# --- volumes ---


@pytest.mark.parametrize("dtype", ["uint8", "float32", "float64"])
@pytest.mark.parametrize(("size", "channels", "filters"), [((32, 32), 3, 32), ((6, 9), 1, 1), ((5, 5), 4, 2)])
def test_volume_is_a_keras_layer_with_bias(size, channels, filters, dtype):
    volume = (noise(*size, channels) * 40 + 100).astype(dtype)
    weights, biases = noise(3, 2, channels, filters, seed=1), noise(filters, seed=2)
    layer = keras.layers.Conv2D(filters, (3, 2), dtype="float64")
    layer.build((None, *volume.shape))
    layer.set_weights([weights, biases])
    expected = np.asarray(layer(volume[None].astype(float)))[0]
    np.testing.assert_allclose(convolve_volume(volume, weights, biases), expected, **CLOSE)


def test_volume_of_the_lesson():
    kernels = noise(3, 3, 3, 32)
    maps = convolve_volume(noise(32, 32, 3), kernels)
    assert maps.shape == (30, 30, 32)
    np.testing.assert_allclose(convolve_volume(noise(32, 32, 3), kernels, 2.5), maps + 2.5)


@pytest.mark.parametrize(
    ("volume", "kernels", "biases", "message"),
    [
        ((5, 5), (3, 3, 1, 1), (), r"Need volume \(H, W, C\) and kernels \(kh, kw, C, K\)"),
        ((5, 5, 3), (3, 3, 3), (), r"Need volume \(H, W, C\) and kernels \(kh, kw, C, K\)"),
        ((1, 5, 5, 3), (3, 3, 3, 2), (), "Need volume"),
        ((5, 5, 3), (3, 3, 1, 2), (), "3 channels but the kernels are 1 deep: these two must be equal"),
        ((5, 5, 3), (3, 3, 3, 2), (3,), "one bias for each of the 2 kernels"),
        ((5, 5, 3), (3, 3, 3, 1), (4,), "one bias for each of the 1 kernels"),
        ((5, 5, 3), (3, 3, 3, 0), (), "bank of kernels is empty"),
        ((5, 5, 0), (3, 3, 0, 2), (), "bank of kernels is empty"),
        ((2, 5, 3), (3, 3, 3, 2), (), "Use a smaller kernel"),
    ],
)
def test_volume_refuses(volume, kernels, biases, message):
    with pytest.raises(ValueError, match=message):
        convolve_volume(np.ones(volume), np.ones(kernels), np.ones(biases))


# --- pooling ---


@given(images(), st.integers(1, 4), st.one_of(st.none(), st.integers(1, 5)))
def test_pooling_is_that_of_keras(image, size, stride):
    assume(size <= min(image.shape))
    batch = tf.constant(image.astype(float)[None, :, :, None])
    for reduce, layer in ((np.max, keras.layers.MaxPooling2D), (np.mean, keras.layers.AveragePooling2D)):
        expected = np.asarray(layer(size, stride, dtype="float64")(batch))[0, :, :, 0]
        np.testing.assert_allclose(pool(image, size, stride, reduce), expected, **CLOSE)
    expected = -np.asarray(keras.layers.MaxPooling2D(size, stride, dtype="float64")(-batch))[0, :, :, 0]
    np.testing.assert_allclose(pool(image, size, stride, np.min), expected, **CLOSE)


def test_max_pooling_takes_a_shift_of_one_pixel_inside_its_window():
    image = np.zeros((4, 4))
    image[0, 0] = 1
    np.testing.assert_array_equal(pool(image), pool(np.roll(image, 1, axis=1)))
    assert (pool(image) != pool(np.roll(image, 2, axis=1))).any()


@pytest.mark.parametrize(
    ("size", "stride", "message"),
    [
        (0, None, "must be a whole number"),
        (2.0, None, "must be a whole number"),
        (None, None, "must be a whole number"),
        (2, 0, "stride must be a whole number"),
        (2, 1.5, "stride must be a whole number"),
        (5, None, "Use a smaller kernel"),
    ],
)
def test_pool_refuses(size, stride, message):
    with pytest.raises(ValueError, match=message):
        pool(np.ones((4, 6)), size, stride)
