"""Writing archives: what changes, what stays, and what is there after everything goes wrong."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kover.archive.new_file import SUFFIX
from kover.archive.reader import Archive, open_archive
from kover.archive.writer import Patched, stage_archive, write_archive, write_file
from kover.errors import InputError, KoverError, OutputError

NEW_CONFIG = b'{"class_name": "Sequential", "edited": true}'


def write(source: Path, target: Path | str, replace: dict[str, Any], **options: Any) -> str:
    options = {"overwrite": False, **options}
    with open_archive(source) as archive:
        return write_archive(archive, target, replace, **options)


def litter(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(SUFFIX)]


def contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "new.keras"


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_replaced_members_change_and_the_others_stay(
    make_archive: Any, out: Path, compression: int
) -> None:
    extra = [("assets/", b""), ("assets/é.txt", b"abc" * 100), ("z", b"")]
    source = make_archive(compression=compression, extra=extra, comment=b"note")
    digest = write(source, out, {"config.json": NEW_CONFIG})
    assert contents(out) == {**contents(source), "config.json": NEW_CONFIG}
    assert digest == hashlib.sha256(out.read_bytes()).hexdigest()
    with open_archive(source) as before, open_archive(out) as after:
        assert [member.name for member in after.members] == [m.name for m in before.members]
        assert after.comment == b"note"
        for member in before.members:
            if member.name != "config.json":
                assert after.member(member.name).method == member.method
                old, new = before.member(member.name), after.member(member.name)
                assert (
                    source.read_bytes()[old.header_offset : old.end_offset]
                    == out.read_bytes()[new.header_offset : new.end_offset]
                )
    assert litter(out.parent) == []


def test_nothing_replaced_is_the_same_file(make_archive: Any, out: Path) -> None:
    source = make_archive()
    write(source, out, {})
    assert out.read_bytes() == source.read_bytes()


def test_replacing_content_by_itself_is_the_same_file(make_archive: Any, out: Path) -> None:
    source = make_archive([("config.json", b"{}"), ("model.weights.h5", b"w")])
    write(source, out, {"config.json": b"{}", "model.weights.h5": b"w"})
    assert out.read_bytes() == source.read_bytes()


def test_missing_members_are_added_at_the_end(make_archive: Any, out: Path) -> None:
    source = make_archive([("config.json", b"{}")])
    write(source, out, {"metadata.json": b'{"a": 1}', "assets/ü": b"1"})
    assert list(contents(out)) == ["config.json", "metadata.json", "assets/ü"]


def test_content_may_come_from_a_file(make_archive: Any, out: Path, tmp_path: Path) -> None:
    (tmp_path / "weights").write_bytes(b"n" * 3_000_000)
    write(make_archive(), out, {"model.weights.h5": tmp_path / "weights"})
    assert contents(out)["model.weights.h5"] == b"n" * 3_000_000


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_patches_change_their_bytes_alone(
    make_archive: Any, out: Path, compression: int, weights_bytes: bytes
) -> None:
    source = make_archive(compression=compression)
    patches = Patched([(len(weights_bytes) - 3, b"end"), (4000, b"\x01\x02"), (4002, b"\x03")])
    write(source, out, {"model.weights.h5": patches})
    expected = bytearray(weights_bytes)
    expected[4000:4003] = b"\x01\x02\x03"
    expected[-3:] = b"end"
    assert contents(out)["model.weights.h5"] == expected


def test_a_patched_rate_is_the_rate_that_is_read(make_archive: Any, out: Path) -> None:
    source = make_archive()
    with open_archive(source) as archive:
        weights = archive.weights()
        assert weights is not None
        rate = weights.arrays["optimizer/vars/1"]
        assert rate.h5_offset is not None
        patch = Patched([(rate.h5_offset, np.float32(0.5).tobytes())])
        write_archive(archive, out, {"model.weights.h5": patch}, overwrite=False)
    with open_archive(out) as archive:
        weights = archive.weights()
        assert weights is not None
        assert weights.read_scalar(weights.arrays["optimizer/vars/1"]) == 0.5


@pytest.mark.parametrize("patches", [[(-1, b"a")], [(10**9, b"a")], [(0, b"ab"), (1, b"c")]])
def test_patches_outside_or_over_each_other_are_a_mistake(
    make_archive: Any, out: Path, patches: list[tuple[int, bytes]]
) -> None:
    with pytest.raises(ValueError, match="patches"):
        write(make_archive(), out, {"model.weights.h5": Patched(patches)})
    assert not out.exists()
    assert litter(out.parent) == []


def test_the_same_change_gives_the_same_bytes_at_any_time(
    make_archive: Any, out: Path, tmp_path: Path
) -> None:
    source = make_archive()
    replace = {"config.json": NEW_CONFIG, "metadata.json": b"{}", "new": b"1"}
    write(source, out, replace)
    os.utime(source, (0, 0))
    source.chmod(0o600)
    write(source, out.with_name("again"), replace)
    assert out.read_bytes() == out.with_name("again").read_bytes()
    stamps = {info.date_time for info in zipfile.ZipFile(out).infolist()}
    assert stamps == {(1980, 1, 1, 0, 0, 0)}


def test_streamed_members_are_copied_with_their_descriptors(out: Path, tmp_path: Path) -> None:
    source = tmp_path / "streamed.keras"
    with source.open("wb") as file:

        class Pipe:
            write = file.write
            flush = file.flush

        with zipfile.ZipFile(Pipe(), "w") as archive:  # type: ignore[call-overload]
            archive.writestr("config.json", b"{}")
            archive.writestr("last", b"x" * 99)
    write(source, out, {"config.json": NEW_CONFIG})
    assert contents(out) == {"config.json": NEW_CONFIG, "last": b"x" * 99}


def test_a_damaged_source_is_not_copied(make_archive: Any, out: Path) -> None:
    source = make_archive(extra=[("notes", b"bbbb")])
    source.write_bytes(source.read_bytes().replace(b"bbbb", b"bbbc"))
    with pytest.raises(InputError) as caught:
        write(source, out, {"config.json": NEW_CONFIG})
    assert caught.value.problems[0].code == "damaged-member"
    assert list(out.parent.iterdir()) == []


def test_what_cannot_be_read_back_is_thrown_away(make_archive: Any, out: Path) -> None:
    with pytest.raises(OutputError) as caught:
        write(make_archive(), out, {"config.json": b'{"a": 1, "a": 2}'})
    assert caught.value.problems[0].code == "output-damaged"
    assert "repeats the key" in caught.value.problems[0].message
    assert list(out.parent.iterdir()) == []


# ------------------------------------------------------------------ places and names


def test_an_existing_output_needs_consent(make_archive: Any, out: Path) -> None:
    source = make_archive()
    out.write_bytes(b"precious")
    with pytest.raises(OutputError) as caught:
        write(source, out, {})
    assert caught.value.problems[0].code == "output-exists"
    assert out.read_bytes() == b"precious"
    write(source, out, {}, overwrite=True)
    assert out.read_bytes() == source.read_bytes()


def test_the_input_is_replaced_only_when_asked(make_archive: Any, tmp_path: Path) -> None:
    source = make_archive()
    os.link(source, tmp_path / "hard.keras")
    (tmp_path / "soft.keras").symlink_to(source)
    (tmp_path / "folder").mkdir()
    for same in ("model.keras", "hard.keras", "soft.keras", "folder/../model.keras"):
        with pytest.raises(OutputError) as caught:
            write(source, tmp_path / same, {"config.json": NEW_CONFIG})
        assert caught.value.problems[0].code == "output-is-input"
    write(source, source, {"config.json": NEW_CONFIG}, in_place=True)
    assert contents(source)["config.json"] == NEW_CONFIG
    assert litter(tmp_path) == []


def test_in_place_through_a_link_replaces_the_file_and_keeps_the_link(
    make_archive: Any, tmp_path: Path
) -> None:
    source = make_archive()
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "latest.keras"
    link.symlink_to("../model.keras")
    write(link, link, {"config.json": NEW_CONFIG}, in_place=True)
    assert link.is_symlink()
    assert contents(source)["config.json"] == NEW_CONFIG
    assert [path.name for path in link.parent.iterdir()] == ["latest.keras"]


def test_a_dangling_link_counts_as_existing_and_is_followed_by_consent(
    make_archive: Any, out: Path
) -> None:
    source = make_archive()
    out.symlink_to("real.keras")
    with pytest.raises(OutputError):
        write(source, out, {})
    write(source, out, {}, overwrite=True)
    assert out.is_symlink()
    assert (out.parent / "real.keras").read_bytes() == source.read_bytes()


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755, 0o444])
def test_the_old_mode_is_kept(make_archive: Any, mode: int) -> None:
    source = make_archive()
    source.chmod(mode)
    write(source, source, {"config.json": NEW_CONFIG}, in_place=True)
    assert stat.S_IMODE(source.stat().st_mode) == mode


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_a_new_file_has_the_mode_that_the_umask_leaves(
    make_archive: Any, out: Path, umask: int
) -> None:
    source = make_archive()
    old = os.umask(umask)
    try:
        write(source, out, {})
    finally:
        os.umask(old)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~umask


def test_impossible_outputs_are_refused_before_anything_is_written(
    make_archive: Any, tmp_path: Path
) -> None:
    source = make_archive()
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    before = sorted(tmp_path.iterdir())
    bad = ["folder", "folder/", "pipe", "none/x.keras", "model.keras/x", "n" * 300, "a\0b", "loop"]
    for name in [*bad, "", "."]:
        with pytest.raises(OutputError) as caught:
            write(source, f"{tmp_path}/{name}" if name else "", {}, overwrite=True)
        assert caught.value.problems[0].code == "output-unwritable", name
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_without_permission_is_refused(make_archive: Any, out: Path) -> None:
    out.parent.chmod(0o555)
    with pytest.raises(OutputError):
        write(make_archive(), out, {})


def test_names_as_long_as_the_file_system_allows_work(make_archive: Any, out: Path) -> None:
    long = out.with_name("ä" * 124 + ".keras")
    write(make_archive(), long, {})
    write(make_archive(), long, {}, overwrite=True)
    assert [path.name for path in out.parent.iterdir()] == [long.name]


def test_names_that_are_no_text_work(make_archive: Any, out: Path) -> None:
    odd = out.with_name(os.fsdecode(b"\xff\xfe.keras"))
    write(make_archive(), odd, {})
    with open_archive(odd) as archive:
        archive.check()


# ------------------------------------------------------------------ things go wrong


def fails_at(monkeypatch: pytest.MonkeyPatch, name: str, number: int, code: int) -> None:
    """Let call number `number` of `os.name` and all after it fail."""
    real: Callable[..., Any] = getattr(os, name)
    calls = iter(range(10**9))

    def failing(*arguments: Any, **options: Any) -> Any:
        if next(calls) >= number:
            raise OSError(code, os.strerror(code))
        return real(*arguments, **options)

    monkeypatch.setattr(os, name, failing)


def failure_of(source: Path, target: Path, in_place: bool) -> str | None:
    try:
        write(source, target, {"config.json": NEW_CONFIG}, in_place=in_place)
    except OutputError as error:
        return error.problems[0].code
    return None


@pytest.mark.parametrize(
    "failure_and_place",
    [
        (code, in_place)
        for code in (errno.ENOSPC, errno.EIO, errno.EDQUOT)
        for in_place in (True, False)
    ],
)
@pytest.mark.parametrize(
    "call",
    [
        ("pwrite", 0),
        ("pwrite", 1),
        ("pwrite", 2),
        ("copy_file_range", 0),
        ("copy_file_range", 1),
        ("fsync", 0),
        ("fchmod", 0),
        ("replace", 0),
        ("link", 0),
    ],
)
def test_a_failing_system_call_leaves_everything_as_it_was(
    make_archive: Any,
    out: Path,
    monkeypatch: pytest.MonkeyPatch,
    call: tuple[str, int],
    failure_and_place: tuple[int, bool],
) -> None:
    (name, number), (code, in_place) = call, failure_and_place
    source = make_archive(extra=[("assets/a", b"a" * 5000)])
    target = source if in_place else out
    before = source.read_bytes()
    mtime = source.stat().st_mtime_ns
    if name == "copy_file_range" and code == errno.EIO:
        fails_at(monkeypatch, "pwrite", 1, code)  # what is tried instead fails as well
    fails_at(monkeypatch, name, number, code)
    used = {"replace": in_place, "fchmod": in_place, "link": not in_place}.get(name, True)
    failure = failure_of(source, target, in_place)
    if used:
        assert failure == ("output-unwritable" if code == errno.EIO else "disk-full")
        assert source.read_bytes() == before
        assert source.stat().st_mtime_ns == mtime
        assert not out.exists()
    else:
        assert failure is None
    monkeypatch.undo()
    assert litter(source.parent) == litter(out.parent) == []


@pytest.mark.parametrize("code", [errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_where_the_kernel_cannot_copy_plain_writes_do(
    make_archive: Any, out: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    fails_at(monkeypatch, "copy_file_range", 1, code)
    source = make_archive()
    write(source, out, {})
    assert out.read_bytes() == source.read_bytes()


def test_short_writes_and_short_copies_are_continued(
    make_archive: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_write, real_copy = os.pwrite, os.copy_file_range
    monkeypatch.setattr(os, "pwrite", lambda fd, data, at: real_write(fd, data[:7], at))
    monkeypatch.setattr(
        os,
        "copy_file_range",
        lambda one, other, count, at, to: real_copy(one, other, min(count, 100), at, to),
    )
    write(make_archive(), out, {"config.json": NEW_CONFIG})
    assert contents(out)["config.json"] == NEW_CONFIG


@pytest.mark.parametrize("code", [errno.EPERM, errno.EOPNOTSUPP])
def test_a_file_system_without_hard_links_works(
    make_archive: Any, out: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    fails_at(monkeypatch, "link", 0, code)
    write(make_archive(), out, {})
    assert [path.name for path in out.parent.iterdir()] == [out.name]
    with pytest.raises(OutputError):
        write(make_archive(), out, {})


def test_a_folder_that_cannot_be_synced_is_no_failure(
    make_archive: Any, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails_at(monkeypatch, "fsync", 1, errno.EINVAL)
    write(make_archive(), out, {})
    assert out.exists()


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, SystemExit, MemoryError])
def test_an_interruption_leaves_nothing_behind(
    make_archive: Any, out: Path, monkeypatch: pytest.MonkeyPatch, interruption: type[BaseException]
) -> None:
    def interrupted(*_: Any) -> Any:
        raise interruption

    monkeypatch.setattr(os, "copy_file_range", interrupted)
    with pytest.raises(interruption):
        write(make_archive(), out, {"config.json": NEW_CONFIG})
    assert list(out.parent.iterdir()) == []


def test_an_output_that_appears_meanwhile_is_not_replaced(make_archive: Any, out: Path) -> None:
    with (
        open_archive(make_archive()) as archive,
        stage_archive(archive, out, {}, overwrite=False) as staged,
    ):
        out.write_bytes(b"someone else's")
        with pytest.raises(OutputError) as caught:
            staged.commit()
    assert caught.value.problems[0].code == "output-exists"
    assert out.read_bytes() == b"someone else's"
    assert litter(out.parent) == []


@pytest.mark.parametrize("in_place", [True, False])
def test_a_source_that_changes_meanwhile_is_refused(
    make_archive: Any, out: Path, in_place: bool
) -> None:
    source = make_archive()
    target = source if in_place else out
    for change in (
        lambda: source.write_bytes(source.read_bytes()),
        source.unlink,
    ):
        with (
            open_archive(source) as archive,
            stage_archive(archive, target, {}, overwrite=False, in_place=in_place) as staged,
        ):
            os.utime(source, ns=(1, 1))
            change()
            with pytest.raises(InputError) as caught:
                staged.commit()
        assert caught.value.problems[0].code == "input-changed"
        assert litter(source.parent) == litter(out.parent) == []


# ------------------------------------------------------------------ staged archives


def test_a_staged_archive_can_be_read_before_and_after_it_gets_its_name(
    make_archive: Any, out: Path
) -> None:
    def look(archive: Archive) -> None:
        assert archive.path == str(out)
        assert archive.config["edited"] is True
        weights = archive.weights()
        assert weights is not None
        assert weights.read_scalar(weights.arrays["optimizer/vars/0"]) == 5

    with (
        open_archive(make_archive()) as source,
        stage_archive(source, out, {"config.json": NEW_CONFIG}, overwrite=False) as staged,
    ):
        assert not out.exists()
        assert contents(Path(staged.temporary_path))["config.json"] == NEW_CONFIG
        look(staged.archive)
        staged.commit()
        staged.commit()
        assert staged.temporary_path == str(out)
        look(staged.archive)
        assert staged.sha256 == hashlib.sha256(out.read_bytes()).hexdigest()
    staged.discard()
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_two_staged_archives_for_one_target_do_not_remove_each_other(
    make_archive: Any, out: Path
) -> None:
    with open_archive(make_archive()) as source:
        one = stage_archive(source, out, {}, overwrite=False)
        other = stage_archive(source, out, {"config.json": NEW_CONFIG}, overwrite=False)
        assert len(litter(out.parent)) == 2
        one.discard()
        other.commit()
        other.discard()
    assert contents(out)["config.json"] == NEW_CONFIG
    assert litter(out.parent) == []


def test_many_writers_on_one_target_leave_one_whole_file(make_archive: Any, out: Path) -> None:
    source = make_archive()
    failures: list[Exception] = []

    def run(number: int) -> None:
        try:
            write(source, out, {"config.json": b'{"n": %d}' % number}, overwrite=True)
        except Exception as error:  # noqa: BLE001 (none is expected; the test shows them)
            failures.append(error)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert contents(out)["config.json"] in {b'{"n": %d}' % number for number in range(12)}
    assert litter(out.parent) == []


def test_litter_of_a_killed_run_is_removed_and_nothing_else(make_archive: Any, out: Path) -> None:
    random = "0123456789abcdef"
    stale = out.with_name(f".{out.name}.{random}{SUFFIX}")
    kept = [
        out.with_name(f".{out.name}.notes{SUFFIX}"),
        out.with_name(f".other.keras.{random}{SUFFIX}"),
        out.with_name(f"{out.name}.{random}{SUFFIX}"),
    ]
    link = out.with_name(f".{out.name}.{random[::-1]}{SUFFIX}")
    for path in (stale, *kept):
        path.write_bytes(b"x")
    link.symlink_to(kept[0])
    write(make_archive(), out, {})
    assert not stale.exists()
    assert all(path.exists() for path in kept)


KILLED = """
import sys
from kover.archive.reader import open_archive
from kover.archive.writer import write_archive
with open_archive(sys.argv[1]) as archive:
    print("ready", flush=True)
    number = 0
    while True:
        number += 1
        write_archive(archive, sys.argv[2], {"config.json": b'{"n": %d}' % number}, overwrite=True)
"""


@pytest.mark.slow
def test_a_kill_at_any_moment_leaves_a_whole_file_and_no_lasting_litter(
    make_archive: Any, out: Path
) -> None:
    source = make_archive(extra=[("assets/large", os.urandom(20_000_000))])
    write(source, out, {"config.json": b'{"n": 0}'})
    for number in range(8):
        child = subprocess.Popen(
            [sys.executable, "-P", "-c", KILLED, source, out], stdout=subprocess.PIPE
        )
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(0.013 * number * number)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        with open_archive(out) as archive:
            archive.check()
            assert set(archive.config) == {"n"}
    write(source, out, {}, overwrite=True)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


MEASURED = """
import sys
from kover.archive.reader import open_archive
from kover.archive.writer import Patched, write_archive
with open_archive(sys.argv[1]) as archive:
    replace = {"config.json": b"{}", "model.weights.h5": Patched([(300_000_000, b"x" * 4)])}
    write_archive(archive, sys.argv[2], replace, overwrite=False)
print(next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")))
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_archive(tmp_path: Path, out: Path) -> None:
    size = 400_000_000
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(size)
    source = tmp_path / "large.keras"
    with zipfile.ZipFile(source, "w") as archive:
        archive.writestr("config.json", b'{"a": 1}')
        archive.write(tmp_path / "sparse", "model.weights.h5")
    done = subprocess.run(
        [sys.executable, "-P", "-c", MEASURED, source, out],
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) < 60_000  # KiB
    assert out.stat().st_size == source.stat().st_size - 6
    for path in (source, out):
        path.unlink()


# ------------------------------------------------------------------ reports


def test_a_report_is_written_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "report.json"
    write_file(target, b"{}", overwrite=False)
    assert target.read_bytes() == b"{}"
    with pytest.raises(OutputError):
        write_file(target, b"[]", overwrite=False)
    write_file(str(target), b"[]", overwrite=True)
    fails_at(monkeypatch, "pwrite", 0, errno.ENOSPC)
    with pytest.raises(KoverError):
        write_file(target, b"x" * 100, overwrite=True)
    assert target.read_bytes() == b"[]"
    assert litter(tmp_path) == []


def test_a_device_is_no_place_for_a_report() -> None:
    for target in ("/dev/full", "/dev/null"):
        with pytest.raises(OutputError):
            write_file(target, b"{}", overwrite=True)
