"""helpers.gabor against scikit-image and SciPy, and what it says of frequencies, directions and bands."""

import itertools
import math

from helpers.convolution import convolve
from helpers.gabor import (
    Gabor,
    Responder,
    bank_energies,
    gabor_kernel,
    gabor_response,
    grating,
    octave_bank,
    sigma_for,
    view_kernel,
)

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import ndimage
from skimage import filters

frequencies = st.floats(0, 0.5)
angles = st.floats(-2 * math.pi, 2 * math.pi)


def skimage_kernel(frequency, theta, sigma, phase):
    return filters.gabor_kernel(frequency, theta=theta, sigma_x=sigma, sigma_y=sigma, offset=phase)


def scipy_response(image, kernel):
    """Complex, with the image mirrored at its border as often as it takes."""
    even, odd = (ndimage.correlate(image.astype(float), part, mode="mirror") for part in (kernel.real, kernel.imag))
    return even + 1j * odd


def transfer(kernel, u, v=0.0):
    """How much a kernel answers to the wave exp(2πi(ux + vy))."""
    reach = len(kernel) // 2
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    return abs((kernel * np.exp(-2j * math.pi * (u * x + v * y))).sum())


def noise(*shape, seed=0):
    return np.random.default_rng(seed).normal(100, 40, shape)


# --- kernels ---


def test_kernels_are_those_of_skimage():
    rng = np.random.default_rng(0)
    for _ in range(200):
        settings = rng.uniform([0, -7, 0.2, -7], [1, 7, 9, 7])
        kernel, expected = gabor_kernel(*settings), skimage_kernel(*settings)
        assert kernel.shape == expected.shape, settings
        np.testing.assert_allclose(kernel, expected, rtol=0, atol=1e-6)


def test_kernels_at_all_places_of_the_sliders_are_those_of_skimage():
    for degrees, sigma in itertools.product(range(0, 181, 5), np.arange(0.5, 8.25, 0.5)):
        settings = 0.1, math.radians(degrees), sigma, 0.0
        kernel, expected = gabor_kernel(*settings), skimage_kernel(*settings)
        assert kernel.shape == expected.shape, settings
        np.testing.assert_allclose(kernel, expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"sigma": 0}, r"sigma must be above 0 pixels, but it is 0: a bell without width is no bell"),
        ({"sigma": -2.5}, r"sigma must be above 0 pixels, but it is -2\.5"),
        ({"sigma": math.inf}, "sigma must be a finite number, but it is inf"),
        ({"frequency": math.nan}, "frequency must be a finite number, but it is nan"),
        ({"frequency": -0.1}, r"frequency must be at least 0 cycles per pixel, but it is -0\.1"),
        ({"theta": math.nan}, "theta must be a finite number, but it is nan"),
        ({"phase": -math.inf}, "phase must be a finite number, but it is -inf"),
    ],
)
@pytest.mark.parametrize("build", [gabor_kernel, view_kernel])
def test_kernel_refuses(build, settings, message):
    with pytest.raises(ValueError, match=message):
        build(**{"frequency": 0.1, "theta": 0.0, "sigma": 3.0} | settings)


@given(frequencies, angles, st.floats(0.2, 9), angles)
def test_zero_mean_sums_to_zero(frequency, theta, sigma, phase):
    plain = gabor_kernel(frequency, theta, sigma, phase)
    kernel = gabor_kernel(frequency, theta, sigma, phase, zero_mean=True)
    assert abs(kernel.sum()) < 1e-12
    taken = plain - kernel  # only as much of the bell as that takes
    np.testing.assert_allclose(taken, np.abs(plain) * plain.sum() / np.abs(plain).sum(), atol=1e-12)


def test_a_kernel_without_zero_mean_answers_brightness():
    assert gabor_kernel(0.1, sigma=3).sum().real > 0.1


@given(st.floats(0.01, 0.5))
@example(0.1)
def test_frequencies_above_a_half_look_like_lower_ones(frequency):
    low, high = gabor_kernel(frequency), gabor_kernel(1 - frequency)
    np.testing.assert_allclose(high.real, low.real, atol=1e-12)
    np.testing.assert_allclose(high.imag, -low.imag, atol=1e-12)


@given(st.floats(0.01, 0.5), angles)
def test_half_a_turn_is_the_complex_conjugate(frequency, theta):
    first, second = gabor_kernel(frequency, theta, 2), gabor_kernel(frequency, theta + math.pi, 2)
    np.testing.assert_allclose(second, first.conj(), atol=1e-12)


def test_even_and_odd_part():
    kernel = gabor_kernel(0.13, 0.4, 3)
    np.testing.assert_allclose(kernel.real, kernel.real[::-1, ::-1], atol=1e-15)
    np.testing.assert_allclose(kernel.imag, -kernel.imag[::-1, ::-1], atol=1e-15)


# --- responses ---

SHAPES = [(40, 37), (64, 64), (9, 31), (5, 5), (3, 40), (2, 2), (2, 9), (1, 1), (1, 7), (7, 1), (1, 40)]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("sigma", [0.3, 3])
def test_response_is_scipy_correlation_with_a_mirror(shape, sigma):
    image, kernel = noise(*shape), gabor_kernel(0.13, 0.7, sigma, 0.3)
    response = gabor_response(image, kernel)
    assert response.shape == shape
    np.testing.assert_allclose(response, scipy_response(image, kernel), atol=1e-10)


@given(st.tuples(*[st.integers(2, 14)] * 2), frequencies, angles, st.floats(0.3, 3), angles, st.integers(0, 99))
def test_response_at_any_setting(shape, frequency, theta, sigma, phase, seed):
    image, kernel = noise(*shape, seed=seed), gabor_kernel(frequency, theta, sigma, phase)
    np.testing.assert_allclose(gabor_response(image, kernel), scipy_response(image, kernel), atol=1e-10)


def test_response_of_a_kernel_that_is_not_square():
    image, kernel = noise(20, 17), noise(3, 9, seed=1) + 1j * noise(3, 9, seed=2)
    np.testing.assert_allclose(gabor_response(image, kernel), scipy_response(image, kernel), atol=1e-7)


def test_response_inside_is_that_of_lesson_1():
    image, kernel = noise(40, 37), gabor_kernel(0.2, 1.1, 2, 0.5)
    reach = len(kernel) // 2
    inside = gabor_response(image, kernel)[reach:-reach, reach:-reach]
    np.testing.assert_allclose(inside.real, convolve(image, kernel.real), atol=1e-10)
    np.testing.assert_allclose(inside.imag, convolve(image, kernel.imag), atol=1e-10)


@pytest.mark.parametrize("zero_mean", [False, True])
@given(angles)
def test_magnitude_does_not_depend_on_the_phase(zero_mean, phase):
    image = noise(20, 20)
    first, second = (np.abs(gabor_response(image, gabor_kernel(0.2, 0.5, 2, p, zero_mean))) for p in (0, phase))
    np.testing.assert_allclose(first, second, atol=1e-10)


def test_magnitude_of_a_wave_is_even():
    """Lesson 02: the real part has waves of its own, the magnitude is half the height of the wave everywhere."""
    response = gabor_response(10 * grating(0.1, 0.6, 101), gabor_kernel(0.1, 0.6, sigma_for(0.1)))[40:61, 40:61]
    assert np.abs(response).min() == pytest.approx(np.abs(response).max(), rel=0.02) == pytest.approx(5, rel=0.02)
    assert np.ptp(response.real) > 9


@pytest.mark.parametrize("dtype", [np.uint8, bool, np.int16, np.float32])
def test_response_of_any_dtype(dtype):
    image = np.random.default_rng(0).integers(0, 2, (9, 9)) * 255
    kernel = gabor_kernel(0.2, 0, 1)
    expected = scipy_response(image.astype(dtype).astype(float), kernel)
    np.testing.assert_allclose(gabor_response(image.astype(dtype), kernel), expected, atol=1e-10)


def test_a_responder_takes_all_kernels_up_to_its_reach():
    image = noise(30, 21)
    respond, kernels = Responder(image, 12), [gabor_kernel(0.2, 0, sigma) for sigma in (0.2, 1, 2.5, 4)]
    assert len(kernels[-1]) == 25
    for kernel in kernels:
        np.testing.assert_allclose(respond(kernel), scipy_response(image, kernel), atol=1e-10)


def test_a_responder_does_not_change_its_arguments():
    image, kernel = noise(9, 9), gabor_kernel(0.2, 0, 1)
    before = image.copy(), kernel.copy()
    Responder(image, 3)(kernel)
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(kernel, before[1])


@pytest.mark.parametrize("shape", [(2, 2), (3, 4), (4, 3), (3,), (3, 3, 1), (), (0, 0)])
def test_a_kernel_needs_a_center(shape):
    for respond in (Responder(np.eye(9), 4), lambda kernel: gabor_response(np.eye(9), kernel)):
        with pytest.raises(ValueError, match="A kernel needs a center: two axes of odd length, but its shape is "):
            respond(np.ones(shape))


@pytest.mark.parametrize("shape", [(7, 7), (1, 7), (7, 1)])
def test_a_kernel_may_not_reach_too_far(shape):
    with pytest.raises(ValueError, match="reaches farther than 2 pixels: its shape is "):
        Responder(np.eye(9), 2)(np.ones(shape))


@pytest.mark.parametrize(
    ("image", "message"),
    [
        (np.zeros((8, 8, 3)), "Take one channel"),
        (np.zeros(8), "two axes"),
        (np.zeros((0, 8)), "is empty"),
        (np.full((8, 8), np.nan), "holds NaN or infinity"),
        (np.full((8, 8), 1j), "must hold real numbers"),
    ],
)
def test_bad_image(image, message):
    kernel = gabor_kernel(0.1)
    acts = (
        lambda: Responder(image, 9),
        lambda: gabor_response(image, kernel),
        lambda: bank_energies([np.eye(9), image], octave_bank([0.2], 1)),
    )
    for act in acts:
        with pytest.raises(ValueError, match=message):
            act()


# --- bands and banks ---


@pytest.mark.parametrize("frequency", [0.05, 0.1, 0.2])
@pytest.mark.parametrize("bandwidth", [0.5, 1, 1.5])
def test_sigma_for_a_band(frequency, bandwidth):
    """The frequencies of half response, as measured, are that many octaves apart."""
    kernel = gabor_kernel(frequency, 0, sigma_for(frequency, bandwidth))
    tried = np.linspace(0, 2.5 * frequency, 2001)
    x = np.arange(len(kernel)) - len(kernel) // 2
    response = np.abs(kernel.sum(axis=0) @ np.exp(-2j * math.pi * np.outer(x, tried)))
    band = tried[response >= transfer(kernel, frequency) / 2]
    assert np.diff(band) == pytest.approx(tried[1])  # in one piece
    assert math.log2(band[-1] / band[0]) == pytest.approx(bandwidth, rel=0.03)
    assert (band[0] + band[-1]) / 2 == pytest.approx(frequency, rel=0.01)


@pytest.mark.parametrize("arguments", [(0,), (-0.1,), (math.nan,), (0.1, 0), (0.1, -1), (0.1, math.nan), (0.1, 11)])
def test_sigma_for_refuses(arguments):
    with pytest.raises(ValueError, match="frequency must be above 0, bandwidth up to 10: they are "):
        sigma_for(*arguments)


@pytest.mark.parametrize("directions", [1, 4, 6])
def test_bank_has_all_frequencies_in_all_directions(directions):
    bank = octave_bank((0.1, 0.25), directions)
    assert [settings.frequency for settings in bank] == [0.1] * directions + [0.25] * directions
    turns = [settings.theta / math.pi * directions for settings in bank]
    assert turns == pytest.approx([*range(directions)] * 2)
    assert all(settings.sigma == sigma_for(settings.frequency) for settings in bank)


def test_bank_leaves_no_gap():
    """Whatever the direction of a wave between the lowest and the highest frequency, some kernel answers to it."""
    kernels = [settings.kernel() for settings in octave_bank()]
    rng = np.random.default_rng(0)
    for frequency, theta in rng.uniform([0.05, 0], [0.4, math.pi], (60, 2)):
        u, v = frequency * math.cos(theta), frequency * math.sin(theta)
        answers = [max(transfer(kernel, u, v), transfer(kernel, -u, -v)) for kernel in kernels]
        assert max(answers) > 0.3, (frequency, theta, max(answers))


@pytest.mark.parametrize(
    ("frequencies", "directions"), [((), 6), ((0.1,), 0), (np.array([]), 6), ([0.1], -1), ([0.1], 2.5)]
)
def test_bank_needs_something(frequencies, directions):
    with pytest.raises(ValueError, match=r"Need at least one frequency|directions must be a whole number"):
        octave_bank(frequencies, directions)


def test_bank_needs_frequencies_above_zero():
    with pytest.raises(ValueError, match="must be above 0"):
        octave_bank([0.0, 0.1])


def test_settings_of_a_bank():
    settings = Gabor(0.1, math.pi / 6, 5.62)
    assert str(settings) == "f 0.1, 30°, σ 5.6"
    np.testing.assert_array_equal(settings.kernel(), gabor_kernel(0.1, math.pi / 6, 5.62))
    np.testing.assert_array_equal(settings.kernel(True), gabor_kernel(0.1, math.pi / 6, 5.62, zero_mean=True))


def test_energies_are_mean_magnitudes():
    images, bank = [noise(20, 31), noise(12, 9, seed=1)], octave_bank([0.1, 0.3], 3)
    energies = bank_energies((image for image in images), bank)
    kernels = [gabor_kernel(*settings, zero_mean=True) for settings in bank]
    expected = [[np.abs(scipy_response(image, kernel)).mean() for kernel in kernels] for image in images]
    np.testing.assert_allclose(energies, expected, atol=1e-10)


def test_brightness_alone_gives_no_energy():
    flat = [np.full((20, 20), value, np.uint8) for value in (0, 7, 255)]
    np.testing.assert_allclose(bank_energies(flat, octave_bank()), np.zeros((3, 24)), atol=1e-9)
    image = noise(20, 20)
    brighter = bank_energies([image, image + 1000], octave_bank([0.1]))
    np.testing.assert_allclose(brighter[0], brighter[1], atol=1e-9)


def test_a_grating_gives_most_energy_to_its_own_kernel():
    bank = octave_bank()
    energies = bank_energies([grating(settings.frequency, settings.theta) for settings in bank], bank)
    assert energies.shape == (24, 24)
    assert energies.argmax(axis=1).tolist() == [*range(24)]


def test_empty_bank():
    with pytest.raises(ValueError, match="The bank is empty: give at least one Gabor"):
        bank_energies([np.eye(9)], [])


# --- what the tests and the explorer show ---


def test_grating():
    right, down = grating(0.125, 0, 33), grating(0.125, math.pi / 2, 33)
    assert right.shape == (33, 33)
    assert right[16, 16] == 1
    np.testing.assert_allclose(right[5], np.cos(2 * math.pi * (np.arange(33) - 16) / 8), atol=1e-12)
    np.testing.assert_allclose(right, right[:1].repeat(33, axis=0), atol=1e-12)  # the same in each row
    np.testing.assert_allclose(down, right.T, atol=1e-12)
    slanted = grating(0.1, math.pi / 4, 33)  # down and right: the same along each rising diagonal
    np.testing.assert_allclose(slanted[1:, :-1], slanted[:-1, 1:], atol=1e-12)
    assert grating(0.1, 1, 33, phase=math.pi / 3)[16, 16] == pytest.approx(0.5)


ENDS = {
    "frequency": (0, 0.01, 0.1, 0.25, 0.49, 0.5),
    "theta": (0, math.pi / 4, math.pi / 2, math.pi),
    "sigma": (0.5, 3, 8),
    "phase": (0, math.pi / 4, math.pi / 2, math.pi, 2 * math.pi),
}


@pytest.mark.parametrize("frequency", ENDS["frequency"])
def test_view_is_never_nan(frequency):
    for theta, sigma, phase in itertools.product(*list(ENDS.values())[1:]):
        with np.errstate(all="raise", under="ignore"):
            view = view_kernel(frequency, theta, sigma, phase)
        for array in (view.kernel, view.places, view.wave, view.bell, view.spectrum):
            assert np.isfinite(array).all(), (theta, sigma, phase)
        assert view.spectrum.shape == (64, 64)
        assert 0 <= view.spectrum.min() <= view.spectrum.max() <= 1


@pytest.mark.parametrize("theta", [0, math.pi / 2, math.pi])
@pytest.mark.parametrize("frequency", [0, 0.5])
def test_spectrum_of_a_kernel_without_anything(frequency, theta):
    """An odd wave of frequency 0 or 0.5 is 0 in each pixel; its rounding errors are not blown up to a picture."""
    for sigma in ENDS["sigma"]:
        assert view_kernel(frequency, theta, sigma, math.pi / 2).spectrum.max() < 1e-9


@given(st.floats(0.05, 0.45), st.floats(0, math.pi), angles)
def test_spectrum_is_highest_at_the_frequency_of_the_wave(frequency, theta, phase):
    spectrum = view_kernel(frequency, theta, 6, phase).spectrum
    assert spectrum.max() == pytest.approx(1)
    row, col = np.unravel_index(spectrum.argmax(), spectrum.shape)
    found, wave = np.array([col - 32, row - 32]) / 64, frequency * np.array([math.cos(theta), math.sin(theta)])
    assert min(np.abs(found - wave).max(), np.abs(found + wave).max()) < 0.75 / 64


@given(st.floats(0, 0.5), st.floats(1, 8), angles)
def test_cross_section_is_a_row_of_the_kernel(frequency, sigma, phase):
    view = view_kernel(frequency, 0, sigma, phase)
    assert view.settings == Gabor(frequency, 0, sigma)
    assert view.phase == phase
    np.testing.assert_array_equal(view.kernel, gabor_kernel(frequency, 0, sigma, phase))
    row = view.kernel.real[len(view.kernel) // 2] * 2 * math.pi * sigma**2
    pixels = np.arange(len(row)) - len(row) // 2
    np.testing.assert_allclose(np.interp(pixels, view.places, view.wave), row, atol=1e-9)
    envelope = np.abs(view.kernel[len(view.kernel) // 2]) * 2 * math.pi * sigma**2
    np.testing.assert_allclose(np.interp(pixels, view.places, view.bell), envelope, atol=1e-9)


@given(st.floats(0, 0.5), st.floats(0, math.pi), st.floats(1, 8), angles)
def test_cross_section_does_not_depend_on_the_direction(frequency, theta, sigma, phase):
    np.testing.assert_array_equal(
        view_kernel(frequency, theta, sigma, phase).wave, view_kernel(frequency, 0, sigma, phase).wave
    )


@pytest.mark.parametrize(("sigma", "reach"), [(3, 8), (8, 23), (3, 32)])
def test_a_kernel_that_cannot_be_shown_is_refused(sigma, reach):
    with pytest.raises(ValueError, match="too wide to be shown"):
        view_kernel(0.1, 0, sigma, reach=reach)


@pytest.mark.parametrize("reach", [9, 24, 31])
def test_reach_of_the_cross_section(reach):
    view = view_kernel(0.1, 0, 3, reach=reach)
    assert (view.places[0], view.places[-1]) == (-reach, reach)
    assert len(view.places) == len(view.wave) == len(view.bell)
    assert (np.abs(view.wave) <= view.bell + 1e-12).all()


def test_single_precision_is_exact_enough_for_a_picture():
    image, kernel = noise(64, 48), gabor_kernel(0.13, 0.7, 3, zero_mean=True)
    exact, fast = (Responder(image, 12, dtype)(kernel) for dtype in (np.complex128, np.complex64))
    assert fast.dtype == np.complex64
    np.testing.assert_allclose(fast, exact, atol=1e-5 * np.abs(exact).max())
