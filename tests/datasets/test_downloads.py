"""helpers.downloads: what is downloaded is whole and verified, whatever goes wrong, and nothing else stays."""

import errno
import gzip
import hashlib
import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from helpers.datasets import downloads
from helpers.datasets.downloads import DownloadError, RemoteFile, fetch, is_sound, verified
from helpers.files import ROOT, VARIABLE, cache_folder

import file_server
import numpy as np
import pytest
from damage import refuse_to_open

CONTENT = np.random.default_rng(0).bytes(3_000_000)


@pytest.fixture
def server():
    with file_server.running() as server:
        server.files["data.bin"] = CONTENT
        yield server


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def file(server):
    return RemoteFile("some/data.bin", f"{server.url}data.bin", len(CONTENT), hashlib.sha256(CONTENT).hexdigest())


def names(folder):
    """Names of all files in a folder, but for the locks."""
    return sorted(path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock")


# --- all goes well ---


def test_a_file_is_downloaded_once(file, server, cache):
    path = fetch(file)
    assert path == cache / "some" / "data.bin" and path.read_bytes() == CONTENT
    assert fetch(file) == path and server.asked == [None]
    assert names(cache) == ["data.bin"]


@pytest.mark.parametrize("checksum", [hashlib.sha256, hashlib.md5])
def test_checksums(file, tmp_path, checksum):
    path = tmp_path / "a"
    path.write_bytes(CONTENT)
    file = replace(file, checksum=checksum(CONTENT).hexdigest())
    assert verified(file, path)
    path.write_bytes(CONTENT[:-1] + b"?")
    assert not verified(file, path)


@pytest.mark.parametrize("level", [1, 9])
def test_of_a_gz_file_the_content_counts(file, tmp_path, level):
    path = tmp_path / "a.gz"
    path.write_bytes(gzip.compress(CONTENT, level))
    assert verified(replace(file, unpacked=True), path)
    assert not verified(file, path)
    for damaged in (path.read_bytes()[:-9], b"no gzip", gzip.compress(CONTENT[1:])):
        path.write_bytes(damaged)
        assert not verified(replace(file, unpacked=True), path)


def test_progress_is_shown(file, capsys):
    fetch(file)
    assert "data.bin" in capsys.readouterr().err


# --- interrupted ---


def test_a_lost_connection_is_taken_up_where_it_broke(file, server, cache):
    server.break_after = [1_000_000, 500_000]
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-", "bytes=1500000-"]
    assert names(cache) == ["data.bin"]


def test_the_next_call_goes_on(file, server, cache):
    server.break_after = [1_000_000, 1, 1]
    with pytest.raises(DownloadError, match=r"could not be downloaded .*only 1,000,002 of 3,000,000 bytes.*goes on"):
        fetch(file)
    assert names(cache) == ["data.bin.part"]
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked[-1] == "bytes=1000002-" and names(cache) == ["data.bin"]


def test_after_an_interrupt_by_the_user_the_next_call_goes_on(file, server, cache, monkeypatch):
    class Bar:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def update(self, _):
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(downloads, "_bar", lambda *_: Bar())
        with pytest.raises(KeyboardInterrupt):
            fetch(file)
    assert names(cache) == ["data.bin.part"]
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={downloads.CHUNK}-"]


def test_a_program_that_is_killed_leaves_a_part_for_the_next_one(file, server, cache):
    server.silent_after = 2_000_000
    code = f"from helpers.datasets.downloads import *; fetch({file!r})"
    program = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL, cwd=ROOT)
    part = cache / "some" / "data.bin.part"
    try:
        while program.poll() is None and not (part.exists() and part.stat().st_size == downloads.CHUNK):
            time.sleep(0.02)
    finally:
        program.kill()
    assert program.wait() == (1 if os.name == "nt" else -9)
    server.silent_after = None
    server.hold.set()
    assert names(cache) == ["data.bin.part"]
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked[-1] == f"bytes={downloads.CHUNK}-" and names(cache) == ["data.bin"]


def test_an_answer_that_is_not_http(file, server, cache):
    server.garbage = b"220 mail server ready\r\n"
    with pytest.raises(DownloadError, match="not the answer of a web server"):
        fetch(file)
    assert names(cache) == []
    server.garbage = b""
    assert fetch(file).read_bytes() == CONTENT


@pytest.mark.parametrize("length", ["", "many", "-5", "3e6", "3000000, 3000000"])
def test_a_server_that_does_not_say_how_long_a_file_is(file, server, cache, length):
    """Nothing, or no number: the file ends where the connection does."""
    server.length = length
    assert fetch(file).read_bytes() == CONTENT
    assert names(cache) == ["data.bin"] and server.asked == [None]


@pytest.mark.parametrize("length", ["1000", "0"])
def test_a_server_that_says_too_short_a_length(file, server, cache, length):
    server.length = length
    with pytest.raises(DownloadError, match="its checksum differs"):
        fetch(file)
    assert names(cache) == []


def test_a_server_that_says_too_long_a_length(file, server, cache):
    server.length = "9000000"
    assert fetch(file).read_bytes() == CONTENT
    assert names(cache) == ["data.bin"]


@pytest.mark.parametrize(
    "address",
    [
        "http://[bad/",
        "http://host:port/",
        "http://127.0.0.1:99999/",
        "http://.example/",
        "file:///etc/hosts",
    ],
)
def test_a_server_that_sends_to_no_address(file, server, cache, address):
    server.redirect = address
    with pytest.raises(
        DownloadError, match=r"data\.bin (could not be downloaded \(|answered 302 ).*get the file elsewhere"
    ):
        fetch(file)
    assert names(cache) == []


def test_a_server_that_sends_around_in_circles(file, server, cache):
    server.redirect = file.url
    with pytest.raises(DownloadError, match="answered 302 "):
        fetch(file)
    assert names(cache) == [] and len(server.asked) < 20


@pytest.mark.parametrize("url", ["data.bin", "http://[bad/data.bin", "nothing://127.0.0.1/data.bin"])
def test_an_address_that_is_none(file, url, cache):
    """As a proxy in the environment may make it."""
    with pytest.raises(DownloadError, match=r"data\.bin could not be downloaded \("):
        fetch(replace(file, url=url))
    assert names(cache) == []


@pytest.mark.parametrize("part", [0, 1_000_000], ids=["new", "part"])
@pytest.mark.parametrize("unpacked", [False, True], ids=["plain", "gz"])
def test_an_answer_without_an_end_is_left_soon(file, server, cache, part, unpacked):
    """Of a .gz file twice the known size is read, since other programs pack it longer."""
    server.endless = True
    if part:
        (cache / "some").mkdir(parents=True)
        (cache / "some" / "data.bin.part").write_bytes(CONTENT[:part])
    with pytest.raises(DownloadError, match="its checksum differs"):
        fetch(replace(file, unpacked=unpacked))
    assert names(cache) == []
    assert server.sent < 60_000_000  # of 300 million for each request, what lies in buffers on the way included


def test_a_longer_answer_is_not_read_to_its_end(file, server, cache, monkeypatch):
    server.files["data.bin"] = CONTENT * 20
    received, open_bar = [], downloads._bar

    def bar(*options):
        opened = open_bar(*options)
        monkeypatch.setattr(opened, "update", received.append)
        return opened

    monkeypatch.setattr(downloads, "_bar", bar)
    with pytest.raises(DownloadError, match="its checksum differs"):
        fetch(file)
    assert len(CONTENT) < sum(received) <= len(CONTENT) + downloads.CHUNK and names(cache) == []


def test_a_server_that_sends_no_parts(file, server, cache):
    server.ranges, server.break_after = False, [1_000_000]
    assert fetch(file).read_bytes() == CONTENT
    assert server.asked == [None, "bytes=1000000-"] and names(cache) == ["data.bin"]


@pytest.mark.parametrize(
    "part", [CONTENT, CONTENT + b"more", b"?" * len(CONTENT), b"?" * 7, b""], ids=["whole", "long", "other", "7", "0"]
)
def test_any_part_that_is_there_ends_well(file, cache, part):
    (cache / "some").mkdir(parents=True)
    (cache / "some" / "data.bin.part").write_bytes(part)
    assert fetch(file).read_bytes() == CONTENT
    assert names(cache) == ["data.bin"]


# --- wrong, damaged, missing ---


def test_wrong_content_is_not_kept(file, server, cache):
    server.files["data.bin"] = b"<html>please log in</html>"
    with pytest.raises(DownloadError, match=r"not the expected file: its checksum differs.*login page"):
        fetch(file)
    assert names(cache) == [] and server.asked == [None]


def test_a_damaged_file_is_replaced(file, cache):
    path = fetch(file)
    path.write_bytes(CONTENT[: len(CONTENT) // 2])
    assert fetch(file).read_bytes() == CONTENT
    assert names(cache) == ["data.bin"]


def test_a_damaged_file_stays_while_there_is_no_other(file, server):
    path = fetch(file)
    path.write_bytes(b"damaged")
    server.status = 503
    with pytest.raises(DownloadError, match="answered 503"):
        fetch(file)
    assert path.read_bytes() == b"damaged"


@pytest.mark.parametrize("status", [404, 403, 500, 503])
def test_a_server_that_refuses(file, server, cache, status):
    server.status = status
    with pytest.raises(
        DownloadError, match=rf"data.bin answered {status} .*Try again later.*put it at .*some/data.bin"
    ):
        fetch(file)
    assert names(cache) == [] and len(server.asked) == 1


@pytest.mark.parametrize("url", ["http://127.0.0.1:9/data.bin", "http://no-such-host.invalid/data.bin"])
def test_no_network(file, url, cache):
    with pytest.raises(DownloadError, match=r"data.bin could not be downloaded \(.*Connect to the network") as caught:
        fetch(replace(file, url=url))
    assert str(cache / "some" / "data.bin") in str(caught.value)
    assert names(cache) == []


def test_a_server_that_falls_silent(file, server, monkeypatch):
    monkeypatch.setattr(downloads, "PATIENCE", 0.2)
    server.hold.clear()
    with pytest.raises(DownloadError, match=r"could not be downloaded \(.*timed out"):
        fetch(file)
    server.hold.set()


# --- the disk ---


def test_a_disk_without_room_is_noticed_before(file, server, cache, monkeypatch):
    usage = shutil.disk_usage(cache.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(DownloadError, match=rf"disk is full \(3 MB are needed, 1 MB are free\).*{VARIABLE}"):
        fetch(file)
    assert names(cache) == [] and server.asked == []


def test_a_disk_that_gets_full_on_the_way(file, cache, monkeypatch):
    class Full:
        def __init__(self, path):
            self.file = path

        def __enter__(self):
            with open(self.file, "wb") as out:
                out.write(CONTENT[:1000])
            return self

        def __exit__(self, *_):
            pass

        def write(self, _):
            raise OSError(errno.ENOSPC, "No space left on device")

    open_file = Path.open
    monkeypatch.setattr(
        Path, "open", lambda path, mode="r", **k: Full(path) if mode in ("wb", "ab") else open_file(path, mode, **k)
    )
    with pytest.raises(DownloadError, match="The disk is full"):
        fetch(file)
    assert names(cache) == []


def test_a_cache_that_is_read_only_and_filled(file, server, cache, monkeypatch):
    path = fetch(file)
    refuse(monkeypatch)
    assert fetch(file) == path and server.asked == [None]


@pytest.mark.parametrize("damaged", [False, True])
def test_a_cache_that_is_read_only_and_not_filled(file, cache, monkeypatch, damaged):
    if damaged:
        fetch(file).write_bytes(b"damaged")
    refuse(monkeypatch)
    with pytest.raises(
        DownloadError, match=rf"cannot be written\.{' The file .* damaged.' * damaged} Name a .*{VARIABLE}"
    ):
        fetch(file)
    assert names(cache) == ["data.bin"] * damaged


def refuse(monkeypatch):
    """Let locks and new folders be refused, as on a read-only disk; file permissions do not stop an administrator."""

    def refused(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(Path, "mkdir", refused)
    monkeypatch.setattr(downloads, "FileLock", refused)


def test_a_file_where_the_folder_should_be(file, cache):
    cache.write_text("a file")
    with pytest.raises(DownloadError, match="cannot be written"):
        fetch(file)
    assert cache.read_text() == "a file"


@pytest.mark.parametrize("name", ["data.bin", "data.bin.part"])
def test_a_folder_where_a_file_should_be(file, cache, name):
    (cache / "some" / name / "mine").mkdir(parents=True)
    with pytest.raises(DownloadError, match=rf"{name} is a folder, where a file should be: move it away"):
        fetch(file)
    assert (cache / "some" / name / "mine").is_dir()
    shutil.rmtree(cache / "some" / name)
    assert fetch(file).read_bytes() == CONTENT


def test_a_file_that_may_not_be_read(file, server, monkeypatch):
    path = fetch(file)
    refuse_to_open(path, monkeypatch)
    for use in (fetch, is_sound):
        with pytest.raises(
            DownloadError, match=r"data\.bin cannot be read \(Permission denied\): allow that, or remove"
        ):
            use(file)
    assert path.stat().st_size == len(CONTENT) and server.asked == [None]


def test_whether_a_file_is_sound(file, server, cache):
    assert not is_sound(file) and not cache.exists()
    path = fetch(file)
    assert is_sound(file)
    path.write_bytes(CONTENT[:-1])
    assert not is_sound(file) and server.asked == [None]


# --- two at once ---


def test_two_programs_download_once(file, server, cache, tmp_path):
    server.hold.clear()
    command = [sys.executable, "-u", "-c", f"from helpers.datasets.downloads import *; print(fetch({file!r}))"]
    outputs = [tmp_path / "first.txt", tmp_path / "second.txt"]
    with outputs[0].open("w") as first, outputs[1].open("w") as second:
        both = [subprocess.Popen(command, stdout=output, cwd=ROOT) for output in (first, second)]
    while not any("by another program" in output.read_text() for output in outputs):  # one waits for the other
        assert [process.poll() for process in both] == [None, None]
        time.sleep(0.05)
    server.hold.set()
    assert [process.wait(60) for process in both] == [0, 0]
    printed = [output.read_text() for output in outputs]
    assert all(str(cache / "some" / "data.bin") in text for text in printed)
    assert sum("by another program" in text for text in printed) == 1
    assert server.asked == [None] and (cache / "some" / "data.bin").read_bytes() == CONTENT


def test_two_threads_download_once(file, server):
    threads = [threading.Thread(target=fetch, args=(file,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert fetch(file).read_bytes() == CONTENT and server.asked == [None]


def test_the_cache_folder_of_the_variable(file):
    assert file.path == cache_folder() / "some" / "data.bin"
