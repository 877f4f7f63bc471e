"""The widgets of the lessons, each in a module that is named as lessons name it: stepper, gabor, calculator …

Each is three parts. A pure function computes arrays or rows (``compute``); functions turn them into PNG and SVG
(``draw``, with what `helpers.widgets.drawing` has for all) and into a sentence (``describe``); a class wires these to
controls, on top of `helpers.widgets.base`. No Matplotlib figure is built on an event, but for the curves of dropout.
Moves of a slider that come while one is being drawn are dropped by ipywidgets, all but the last, which is always shown.
Without a kernel (GitHub, print), a widget is a still SVG made by the same drawing functions.
"""
