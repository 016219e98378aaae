"""Where files land, and as whose: links, disks, modes, groups, other writers, encodings."""

import os
import resource
import stat
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from text2video import media
from text2video.data.packed import PackedReader, PackedWriter
from text2video.errors import UserError
from text2video.files import atomic_write, remove_leftovers, replace_folder, write_text

CLIP = np.zeros((2, 8, 8, 3), np.uint8)


@pytest.fixture
def other_disk(tmp_path: Path) -> Iterator[Path]:
    """A folder on another disk, where there is one: a rename from here to there fails."""
    home = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=home) as folder:
        yield Path(folder)


@pytest.fixture
def umask() -> Iterator[Callable[[int], int]]:
    """``os.umask``, undone in the end."""
    before = os.umask(0o022)
    os.umask(before)
    yield os.umask
    os.umask(before)


def write_folder(path: Path) -> None:
    """A folder with one file."""
    with replace_folder(path) as fresh:
        write_text(fresh / "x", "new")


def write_file(path: Path) -> None:
    """A file with some text."""
    write_text(path, "new")


def mode(path: Path) -> int:
    """The permissions of a file or folder."""
    return stat.S_IMODE(path.stat().st_mode)


# Links


@pytest.mark.parametrize("there", [True, False], ids=["an old file", "nothing yet"])
def test_a_link_to_a_file_leads_the_writer(tmp_path: Path, other_disk: Path, there: bool) -> None:
    """The file on the other disk is written, the link stays, and nothing is left over on either."""
    link, target = tmp_path / "link", other_disk / "file"
    if there:
        target.write_text("old")
    link.symlink_to(target)
    write_file(link)
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert [path.name for path in (*tmp_path.iterdir(), *other_disk.iterdir())] == ["link", "file"]


@pytest.mark.parametrize("there", [True, False], ids=["an old folder", "nothing yet"])
def test_a_link_to_a_folder_leads_the_writer(tmp_path: Path, other_disk: Path, there: bool) -> None:
    """A store written to a link to a large disk is written there; what was there before is gone."""
    link, target = tmp_path / "link", other_disk / "store"
    if there:
        target.mkdir()
        (target / "clips.bin").write_text("old")
    link.symlink_to(target)
    with PackedWriter(link, CLIP.shape, CLIP.dtype) as writer:
        writer.append(CLIP[None], ["circle"])
    assert link.is_symlink()
    assert PackedReader(target).captions == ["circle"]
    assert {path.name for path in (*tmp_path.iterdir(), *other_disk.iterdir())} == {"link", "store"}


def test_what_was_left_over_behind_a_link_is_found(tmp_path: Path, other_disk: Path) -> None:
    """A killed writer leaves its half beside the file that the link leads to."""
    (tmp_path / "link").symlink_to(other_disk / "file")
    (other_disk / ".file.0123abcd.tmp").touch()
    remove_leftovers(tmp_path / "link")
    assert not list(other_disk.iterdir())


def test_a_link_into_a_cache_is_replaced(tmp_path: Path) -> None:
    """DVC can link an output to its cache, where the one copy is that nobody may write: it must stay as it is."""
    cached, link = tmp_path / "cached", tmp_path / "link"
    cached.write_text("old")
    cached.chmod(0o444)
    link.symlink_to(cached)
    write_file(link)
    assert (cached.read_text(), link.read_text(), link.is_symlink()) == ("old", "new", False)
    assert link.stat().st_mode & stat.S_IWUSR


def test_the_folder_one_stands_in_is_not_exchanged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanging it would remove all that is in it, and leave the shell in a folder that is no more."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine").touch()
    monkeypatch.chdir(tmp_path / "here")
    for path in (Path(), Path("..")):
        with pytest.raises(UserError, match=r"cannot write \.+: Device or resource busy"):
            write_folder(path)
    assert Path("mine").exists()


# Modes and owners


@pytest.mark.parametrize("mask", [0o002, 0o022, 0o027, 0o077])
def test_new_files_are_as_the_umask_says(tmp_path: Path, umask: Callable[[int], int], mask: int) -> None:
    """A team shares, a careful person does not."""
    umask(mask)
    write_file(tmp_path / "new" / "file")
    write_folder(tmp_path / "folder")
    media.save_frames(tmp_path / "frames", CLIP)
    found = {str(path.relative_to(tmp_path)): mode(path) for path in tmp_path.rglob("*")}
    folders = {"new", "folder", "frames"}
    assert found == {name: (0o777 if name in folders else 0o666) & ~mask for name in found}


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o664])
def test_an_old_file_keeps_its_mode(tmp_path: Path, kept: int) -> None:
    """Somebody chose it."""
    file, folder = tmp_path / "file", tmp_path / "folder"
    file.touch()
    file.chmod(kept)
    folder.mkdir()
    folder.chmod(kept | 0o110)
    write_file(file)
    write_folder(folder)
    assert (mode(file), mode(folder)) == (kept, kept | 0o110)
    assert file.read_text() == (folder / "x").read_text() == "new"


def other_group() -> int | None:
    """A group that is not the one new files get, and that this process may give them."""
    if os.geteuid() == 0:
        return 12345
    return next((group for group in os.getgroups() if group != os.getegid()), None)


@pytest.mark.skipif(other_group() is None, reason="needs a second group")
def test_the_group_of_a_shared_folder_goes_to_what_is_in_it(tmp_path: Path) -> None:
    """A folder with the setgid bit, as teams use it; and a file that was given to a group stays with it."""
    group = other_group()
    assert group is not None
    team, file = tmp_path / "team", tmp_path / "file"
    team.mkdir()
    os.chown(team, -1, group)
    team.chmod(0o2775)
    write_file(team / "file")
    write_folder(team / "folder")
    write_folder(team)
    file.touch()
    os.chown(file, -1, group)
    write_file(file)
    assert {path.stat().st_gid for path in (team, *team.rglob("*"), file)} == {group}
    assert mode(team) == 0o2775


# Errors, other writers, encodings


def test_what_the_system_refuses_is_one_line(tmp_path: Path) -> None:
    """With the name that the person gave."""
    (tmp_path / "file").touch()
    for name, reason in (("file/x", "Not a directory|File exists"), ("n" * 300, "File name too long")):
        for write in (write_file, write_folder):
            with pytest.raises(UserError, match=rf"^cannot write {tmp_path / name}: ({reason})$"):
                write(tmp_path / name)


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="needs users")
def test_a_folder_that_may_not_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside it nor in it is anything changed."""
    folder = tmp_path / "folder"
    write_folder(folder)
    folder.chmod(0o555)
    monkeypatch.setattr(os, "access", lambda path, wanted: wanted != os.W_OK)  # root may write anywhere
    with pytest.raises(UserError, match=r"^cannot write .*folder: Permission denied$"):
        write_folder(folder)
    folder.chmod(0o755)
    assert [path.name for path in tmp_path.rglob("*")] == ["folder", "x"]


def test_an_array_that_does_not_fit_is_told_as_such(tmp_path: Path) -> None:
    """NumPy by itself counts bytes: "122880 requested and 20352 written". A full disk fails in the same call."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_480, before[1]))
    try:
        with pytest.raises(UserError, match=r"clip\.npy: File too large$"):
            media.save_npy(tmp_path / "clip.npy", np.zeros((10, 64, 64, 3), np.uint8))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_two_writers_of_one_folder_do_not_fail(tmp_path: Path) -> None:
    """Two runs into the same place: the last one wins, whole, and nothing is left over."""
    failures: list[Exception] = []

    def write_often(text: str) -> None:
        try:
            for _ in range(100):
                with replace_folder(tmp_path / "folder") as fresh:
                    for name in "abc":
                        (fresh / name).write_text(text)
        except Exception as error:
            failures.append(error)

    writers = [threading.Thread(target=write_often, args=(text,)) for text in ("one", "two")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert not failures
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
    assert len({path.read_text() for path in (tmp_path / "folder").iterdir()}) == 1


def test_an_interrupted_writer_leaves_the_old_file(tmp_path: Path) -> None:
    """Ctrl-C in the middle: no half file, no leftover."""
    (tmp_path / "file").write_text("old")

    def interrupted() -> None:
        with atomic_write(tmp_path / "file") as file:
            file.write(b"half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "old")]
