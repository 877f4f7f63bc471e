"""helpers.tables: a table comes whole, or an error says what is wrong and how to get it back."""

from helpers import files
from helpers.datasets.runs import read_table
from helpers.files import DamagedFileError

import pytest

TEXT = "way,epoch,accuracy\nnone,1,0.5\nnone,2,0.625\nall,1,0.75\n"


@pytest.fixture
def path(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "ROOT", tmp_path)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "runs.csv").write_text(TEXT)
    return tmp_path / "data" / "runs.csv"


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["unix", "windows"])
def test_a_whole_table(path, end):
    """Git may write other ends of lines on Windows."""
    path.write_bytes(TEXT.replace("\n", end).encode())
    table = read_table(path, rows=3)
    assert table.to_dict("list") == {
        "way": ["none", "none", "all"],
        "epoch": [1, 2, 1],
        "accuracy": [0.5, 0.625, 0.75],
    }


def test_wherever_it_is_cut_off_it_is_refused(path):
    for length in range(len(TEXT)):
        path.write_text(TEXT[:length])
        with pytest.raises(DamagedFileError, match=r"^data/runs\.csv is .*`git checkout data/runs\.csv`"):
            read_table(path, rows=3)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("0.625", "0.6?5", "something in it is no number"),
        ("none,2", "none,two", "something in it is no number"),
        ("0.625", "", "something in it is no number"),
        ("0.625", "nan", "something in it is no number"),
        ("none,2", "none,2,3", "Expected 3 fields"),
        ("none,1,0.5\n", "", r"it has 2 rows instead of 3"),
        ("all,1,0.75\n", "all,1,0.75\nall,2,0.8\n", r"it has 4 rows instead of 3"),
        ("all,1,0.75\n", "all,1,0.75", "its last line is cut off"),
    ],
)
def test_what_is_wrong_is_said(path, old, new, said):
    path.write_text(TEXT.replace(old, new))
    with pytest.raises(DamagedFileError, match=rf"^data/runs\.csv is damaged \(.*{said}.*\)\. Get it back"):
        read_table(path, rows=3)


def test_bytes_that_are_no_text(path):
    path.write_bytes(TEXT.encode() + b"\xff\xfe\n")
    with pytest.raises(DamagedFileError, match="is damaged"):
        read_table(path, rows=3)


def test_a_missing_table(path):
    path.unlink()
    with pytest.raises(
        FileNotFoundError, match=r"^data/runs\.csv is missing\. .*git checkout data/runs\.csv.*, or so\.$"
    ):
        read_table(path, rows=3, otherwise=", or so")
