"""Each sentence of docs/claims.csv stands in its lesson, with the cell that computes it; claims.md is made from it."""

import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ["lesson", "cell", "sentence", "runs", "interval", "computed in", "more runs wanted"]


@pytest.fixture
def claims(monkeypatch):
    """Scripts find each other, as they do when they run."""
    monkeypatch.syspath_prepend(ROOT / "scripts")
    return importlib.import_module("make_claims")


def test_each_sentence_and_each_computing_cell_is_there(claims):
    """Else: mend the table together with the text, and run scripts/make_claims.py."""
    assert claims.lost(claims.rows()) == []


def test_the_page_is_not_stale(claims):
    """Else: `.venv/bin/python scripts/make_claims.py`, and commit what it writes."""
    assert claims.PAGE.read_text(encoding="utf-8") == claims.page(claims.rows())


def test_each_sentence_stands_once_and_says_what_is_behind_it(claims):
    table = claims.rows()
    assert len(table) > 200 and list(table[0]) == COLUMNS
    assert {row["lesson"] for row in table} == {*(f"{number:02}" for number in range(1, 10)), "03b", "11", "11b"}
    places = [(row["lesson"], row["cell"], row["sentence"]) for row in table]
    assert len(set(places)) == len(places)
    assert all(row["runs"] and row["more runs wanted"] in ("", "yes") for row in table)


def test_a_changed_sentence_and_a_lost_cell_are_noticed(claims):
    row = claims.rows()[0]
    changed = [row | {"sentence": row["sentence"] + " Always."}, row | {"computed in": "nowhere"}]
    messages = claims.lost(changed)
    assert len(messages) == 2 and "Always." in messages[0] and messages[1].endswith("no cell nowhere")


def test_line_breaks_do_not_count(claims):
    row = claims.rows()[0]
    assert claims.lost([row | {"sentence": row["sentence"].replace(" ", "\n", 2)}]) == []
