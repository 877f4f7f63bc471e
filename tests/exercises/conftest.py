"""What a learner reads."""

import pytest


@pytest.fixture
def said(capsys):
    """Return a function that returns what was printed since it was called last."""
    return lambda: capsys.readouterr().out
