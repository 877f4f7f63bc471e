"""Parameters of the networks of `helpers.widgets.calculator.STACKS`, as the literature and Keras count them."""

TOTALS = {
    "Two convolutions, flatten": 261_034,
    "… with pooling and a dense layer": 47_370,
    "Digits, flatten": 93_322,
    "Digits, global average pooling": 56_394,
    "Dense only": 307_300,
}
