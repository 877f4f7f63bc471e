"""Which pixels decided? Maps that explain the answer of a network, and grades for them (lesson 07).

Every map function takes any Keras model with one input of images and outputs of class scores or probabilities:
Sequential, functional, subclassed, or with models inside of models. It takes a batch of images as the model does, and a
class:

    class_index : int for all images, a sequence of N ints, or None for the class that the network chooses
    output : the name (or index) of one of several outputs

and returns a float32 array (N, H, W) of the size of the images, not scaled: the more, the more that place speaks for
the class. One sigmoid unit tells classes 0 and 1 apart: its score speaks for class 1, and turned around, for class 0.
Scores are those before a final softmax or sigmoid, unless stated otherwise; where these are not to be found, a warning
says that the map is one of the output as it is. Functions of TensorFlow are compiled once for a model and a layer, so
that every further call is fast; changed weights count, changed layers do not.

Layers of mixed precision compute in float32 here, since small gradients would become 0. ValueError names what
cannot be explained, and the way out: models that are not built, with several inputs, or with channels first.
"""

from helpers.explain.grades import overlap, pointing_game
from helpers.explain.layers import find_class, find_layer, map_layers
from helpers.explain.maps import (
    class_activation_map,
    grad_cam,
    integrated_gradients,
    occlusion,
    places,
    resize,
    saliency,
)
from helpers.explain.running import answers, as_batch, class_count, predict

__all__ = [
    "answers", "as_batch", "class_activation_map", "class_count", "find_class", "find_layer", "grad_cam",
    "integrated_gradients", "map_layers", "occlusion", "overlap", "places", "pointing_game", "predict", "resize",
    "saliency",
]  # fmt: skip
