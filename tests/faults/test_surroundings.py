"""Odd names, links, modes, devices, full disks, signals, and others who want the same file."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

KOVER = [sys.executable, "-P", "-m", "kover"]
ODD_NAMES = [
    b"with space.keras", b"two\nlines.keras", "\u00fc\u4e2d\U0001f600.keras".encode(),
    b"\xff\xfe.keras", b"-dash.keras", b"--force.keras", b"-.keras", b"a'b\"c.keras",
    b"[bold].keras", b"\x1b[31mred.keras", b"%s$HOME.keras", b"n" * 240 + b".keras",
]  # fmt: skip


def kover(*arguments: str | bytes | os.PathLike[str], **options: Any) -> Any:
    return subprocess.run(
        [*KOVER, *arguments],
        capture_output=True,
        timeout=120,
        check=False,
        **{"stdin": subprocess.DEVNULL, **options},
    )


@pytest.mark.parametrize("name", ODD_NAMES, ids=ascii)
def test_a_model_may_have_any_name(place: Any, name: bytes) -> None:
    model = os.fsencode(place.folder) + b"/" + name
    os.rename(place.model, model)  # noqa: PTH104 (pathlib takes no bytes)
    for env in ({}, {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}):
        with open(model, "wb") as file:  # noqa: PTH123 (pathlib takes no bytes)
            file.write(place.old)
        options = ("--in-place", "--verify", "none", "--no-report")
        done = kover(
            "apply", *options, "--", name, b"spec.yaml",
            cwd=place.folder, env={**os.environ, **env},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        shown = kover("show", "--", model, env={**os.environ, **env})
        assert shown.returncode == 0, shown.stderr
        assert b"\x1b" not in shown.stdout + done.stdout + done.stderr
    with open(model, "rb") as file:  # noqa: PTH123 (pathlib takes no bytes)
        assert file.read() == place.new
    assert len(place.litter()) == 1


def test_a_link_is_followed_and_stays(place: Any, tmp_path: Path) -> None:
    for number, target in enumerate((place.model, os.path.relpath(place.model, tmp_path))):
        place.model.write_bytes(place.old)
        link = tmp_path / f"link{number}.keras"
        link.symlink_to(target)
        done = kover("apply", link, place.spec, "--in-place", "--verify", "none", "--no-report")
        assert done.returncode == 0, done.stderr
        assert link.is_symlink()
        assert place.model.read_bytes() == place.new


def test_the_other_name_of_a_hard_link_keeps_the_old_model(place: Any, tmp_path: Path) -> None:
    other = tmp_path / "other.keras"
    os.link(place.model, other)
    assert kover(*place.arguments("--in-place")).returncode == 0
    assert (other.read_bytes(), place.model.read_bytes()) == (place.old, place.new)


@pytest.mark.parametrize("way", ["same", "link", "hard link", "dots"])
def test_the_model_is_not_replaced_under_another_name(place: Any, way: str) -> None:
    out = place.folder / "out.keras"
    if way == "link":
        out.symlink_to(place.model)
    elif way == "hard link":
        os.link(place.model, out)
    elif way == "same":
        out = place.model
    else:
        out = place.folder / ".." / place.folder.name / "model.keras"
    done = kover(*place.arguments("-o", str(out)))
    assert done.returncode == 2
    assert b"error[output-" in done.stderr
    assert place.model.read_bytes() == place.old
    assert place.litter() == []


@pytest.mark.parametrize("mask", [0o000, 0o022, 0o077])
def test_modes_are_those_of_the_old_file_or_of_the_umask(place: Any, mask: int) -> None:
    place.model.chmod(0o640)
    out = place.folder / "out.keras"
    options: dict[str, Any] = {"umask": mask}
    assert kover(*place.arguments("-o", str(out)), **options).returncode == 0
    assert out.stat().st_mode & 0o777 == 0o666 & ~mask
    assert kover(*place.arguments("--in-place"), **options).returncode == 0
    assert place.model.stat().st_mode & 0o777 == 0o640


def test_what_is_no_file_is_refused_at_once(place: Any) -> None:
    os.mkfifo(place.folder / "fifo")
    (place.folder / "folder").mkdir()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(place.folder / "socket"))
        start = time.monotonic()
        for name in ("fifo", "folder", "socket", "/dev/zero", "/dev/stdin", "nobody"):
            for arguments in (
                ["show", name],
                ["diff", name, "model.keras"],
                ["validate", "spec.yaml", "--model", name],
                ["apply", name, "spec.yaml", "--dry-run"],
            ):
                done = kover(*arguments, cwd=place.folder)
                assert (done.returncode, b"error[" in done.stderr) == (2, True), (arguments, done)
        for name in ("fifo", "socket", "/dev/zero"):
            done = kover("apply", "model.keras", name, "--dry-run", cwd=place.folder)
            assert (done.returncode, b"error[" in done.stderr) == (2, True), (name, done)
        assert time.monotonic() - start < 120


def test_code_beside_the_model_is_not_imported(place: Any) -> None:
    for name in ("yaml", "h5py", "keras", "numpy", "click", "json", "rich", "kover"):
        (place.folder / f"{name}.py").write_text("open('CANARY_cwd', 'w')\n")
    script = Path(sys.executable).with_name("kover")
    for program in ([str(script)] if script.exists() else [], KOVER):
        for arguments in (["show", "model.keras"], ["apply", *place.arguments("--in-place")[1:]]):
            if program:
                done = subprocess.run(
                    [*program, *arguments], cwd=place.folder, capture_output=True, check=False
                )
                assert done.returncode == 0, done.stderr
    assert not (place.folder / "CANARY_cwd").exists()


@pytest.mark.parametrize("how", ["limit", "full device"])
def test_a_full_disk_loses_nothing(place: Any, how: str) -> None:
    if how == "limit":
        cap = (len(place.old) // 2,) * 2
        done = kover(
            *place.arguments("--in-place"),
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, cap),
        )
        assert place.model.read_bytes() == place.old
    else:
        arguments = [a for a in place.arguments("--in-place") if a != "--no-report"]
        (place.folder / "full.json").symlink_to("/dev/full")
        done = kover(*arguments, "--report", place.folder / "full.json")
        assert place.model.read_bytes() in (place.old, place.new)
        (place.folder / "full.json").unlink()
    assert done.returncode == 2, done.stderr
    assert b"error[" in done.stderr
    assert place.litter() == []


def test_little_memory_is_said_and_no_traceback(place: Any) -> None:
    for megabytes in (60, 120, 250):
        place.model.write_bytes(place.old)
        done = kover(
            *place.arguments("--in-place"),
            preexec_fn=lambda cap=megabytes << 20: resource.setrlimit(
                resource.RLIMIT_AS, (cap, cap)
            ),
        )
        assert done.returncode in (0, 1, 2, 127), done.stderr  # Python itself may not start
        assert place.model.read_bytes() in (place.old, place.new)
        assert place.litter() == []


@pytest.mark.usefixtures("hang_ups_count")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_ends_it_without_litter(place: Any, number: int, code: int) -> None:
    with zipfile.ZipFile(place.model, "a") as archive:
        archive.writestr("assets/large.bin", bytes(60 << 20))
    old = place.model.read_bytes()
    codes = []
    for attempt in range(12):
        process = subprocess.Popen(
            [*KOVER, *place.arguments("--in-place")], stdout=-3, stderr=-3, cwd=place.folder
        )
        deadline = time.monotonic() + 20
        while process.poll() is None and time.monotonic() < deadline:
            if any(name.endswith(".kover-tmp") for name in place.litter()):
                time.sleep(0.004 * attempt)
                process.send_signal(number)
                break
            time.sleep(0.001)
        codes.append(process.wait(60))
        assert place.litter() == []
        place.model.write_bytes(old)
    assert set(codes) <= {0, code}
    assert code in codes


def test_twenty_runs_for_one_target_leave_one_result_whole(place: Any) -> None:
    contents = set()
    for value in ("tanh", "relu", "elu", "selu"):
        spec = place.spec.read_text().replace("tanh", value)
        (place.folder / f"{value}.yaml").write_text(spec)
    names = [f"{value}.yaml" for value in ("tanh", "relu", "elu", "selu")]
    for name in names:
        out = place.folder / "out.keras"
        arguments = ["apply", "model.keras", name, "--verify", "none", "-q", "--no-report"]
        assert kover(*arguments, "-o", out, "--force", cwd=place.folder).returncode == 0
        contents.add(out.read_bytes())
    running = [
        subprocess.Popen(
            [*KOVER, "apply", "model.keras", names[number % 4], "--verify", "none", "-q",
             "--no-report", "-o", "out.keras", "--force"],
            cwd=place.folder, stdout=-3, stderr=-3,
        )
        for number in range(20)
    ]  # fmt: skip
    assert [process.wait(120) for process in running] == [0] * 20
    assert (place.folder / "out.keras").read_bytes() in contents
    assert place.litter() == sorted(names)


def test_two_runs_in_place_never_mix(place: Any) -> None:
    other = place.spec.read_text().replace("tanh", "elu")
    (place.folder / "other.yaml").write_text(other)
    running = [
        subprocess.Popen(
            [*KOVER, "apply", "model.keras", name, "--verify", "none", "-q", "--no-report",
             "--in-place"],
            cwd=place.folder, stdout=-3, stderr=-3,
        )
        for name in ("spec.yaml", "other.yaml")
    ]  # fmt: skip
    codes = sorted(process.wait(120) for process in running)
    assert codes in ([0, 0], [0, 2])  # 2: the model changed while it was read
    with zipfile.ZipFile(place.model) as archive:
        assert archive.testzip() is None
        config = archive.read("config.json")
    assert (b'"tanh"' in config) != (b'"elu"' in config)
    assert place.litter() == ["other.yaml"]


def test_a_closed_output_and_no_terminal_are_no_failure(place: Any) -> None:
    line = f"{sys.executable} -P -m kover show model.keras | head -1"
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {line}"],
        cwd=place.folder, capture_output=True, check=False, start_new_session=True,
    )  # fmt: skip
    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 141)
    environment = {"PATH": os.environ["PATH"]}  # no HOME, no TERM, no LANG
    bare = kover("show", place.model, env=environment, start_new_session=True)
    assert bare.returncode == 0, bare.stderr
