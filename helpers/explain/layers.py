"""Layers and classes by name."""

from difflib import get_close_matches
from functools import lru_cache

from helpers.engine import keras
from helpers.explain.networks import Step, open_model, steps

NOT_SHOWN = (keras.layers.InputLayer, keras.layers.Dropout, keras.layers.SpatialDropout2D)
LEARN_NOTHING = tuple(f"keras.src.layers.{name}" for name in ("preprocessing", "regularization"))
NO_KERNELS = tuple(f"keras.src.layers.{name}" for name in ("preprocessing", "normalization", "activations"))


def _is_from(layer, modules) -> bool:
    return any(kind.__module__.startswith(modules) for kind in type(layer).__mro__)


@lru_cache(maxsize=64)
def map_steps(graph, index: int | None = None) -> dict[str, Step]:
    """Return the last call of each layer with maps, by the name of `map_layers`; only those that lead to an output."""
    found = {}
    for step in steps(graph, index):
        shown = isinstance(step.operation, keras.Layer) and not isinstance(step.operation, NOT_SHOWN)
        if shown and len(step.shape) == 4:
            found.pop(step.path, None)
            found[step.path] = step
    return found


def map_layers(model) -> dict[str, keras.Layer]:
    """Return all layers whose output is a stack of maps (N, H, W, C), in order, by name.

    A layer of a model inside of the model is named with its way there: ``"base/conv1"``. One that is used several times
    stands where it is used last. Raises ValueError for a model that `helpers.explain` does not take.
    """
    return {path: step.operation for path, step in map_steps(open_model(model)).items()}


def find_layer(model, name: str | None = None) -> keras.Layer:
    """Return the layer of this name, alone or with its way as in `map_layers`.

    None is for the last layer whose maps are larger than 1 × 1 and have been learned, or are made of such: none that
    prepares or augments images, or only pools. Raises ValueError for a name that is not there or not unique, and lists
    the names.
    """
    return find_step(model, name).operation


def find_step(model, name: str | None = None, index: int | None = None) -> Step:
    """Return the last call of the layer of `find_layer`; without a name, one that leads to the output of that index."""
    graph = open_model(model)
    found = map_steps(graph)
    if name is None:
        return _last_learned(model.name, graph, index, found)
    if name in found:
        return found[name]
    fits = [path for path in found if name == path.rpartition("/")[2]]
    if len(fits) == 1:
        return found[fits[0]]
    if fits:
        raise ValueError(f"There are several layers {name!r}: choose one of {', '.join(fits)}.")
    near = get_close_matches(str(name), found, 1)
    raise ValueError(
        f"The model {model.name!r} has no layer {name!r} with maps{f'; did you mean {near[0]!r}?' if near else '.'} "
        f"There are: {', '.join(found) or 'none'}."
    )


def _last_learned(title, graph, index, all_steps) -> Step:
    ways = [step.way for step in steps(graph, index)]
    first = next((number for number, step in enumerate(steps(graph, index)) if _has_kernel(step.operation)), len(ways))
    fits = [
        step
        for step in map_steps(graph, index).values()
        if ways.index(step.way) >= first
        and step.shape[1:3] != (1, 1)
        and not _is_from(step.operation, LEARN_NOTHING)
        and "Pooling" not in type(step.operation).__name__
    ]
    if not fits:
        there = f"There are: {', '.join(all_steps)}; name one if you want it." if all_steps else "There are none."
        raise ValueError(f"The model {title!r} has no layer with maps (N, H, W, C) that are learned. {there}")
    return fits[-1]


def _has_kernel(operation) -> bool:
    """Tell whether a step has weights that look at several pixels or channels."""
    weights = getattr(operation, "weights", ())
    return any(len(weight.shape) > 1 for weight in weights) and not _is_from(operation, NO_KERNELS)


def find_class(name: str, class_names) -> int:
    """Return the index of a class. Raises ValueError for a name that is not there, and lists the names."""
    names = list(class_names)
    if name not in names:
        raise ValueError(f"There is no class {name!r}. There are: {', '.join(map(str, names))}.")
    return names.index(name)
