"""What tests of several widgets need."""

import ipywidgets as ipw
import pytest


@pytest.fixture
def sent(monkeypatch):
    """What is sent to the page from now on: (widget, name of the trait)."""
    messages = []
    monkeypatch.setattr(ipw.Widget, "send_state", lambda self, key=None: messages.append((self, key)))
    return messages
