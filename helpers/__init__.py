"""Furniture of the lessons: data, drawing, widgets, training and checks.

What a lesson teaches stands in its own cells; once taught, the tested twin is imported from here. Import the
module you need (``from helpers import plots``): importing ``helpers`` alone loads neither NumPy nor TensorFlow.
"""

import os

# Read by Keras when it is imported, later and only if a lesson needs it: the backend that the lessons are written for,
# whichever a user has chosen for other work.
os.environ["KERAS_BACKEND"] = "tensorflow"
