"""The packed store and the tutorial's folders: what goes in comes out, and damage is named."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from text2video.cli import export_frames
from text2video.data.packed import PackedReader, PackedWriter
from text2video.errors import UserError

CAPTIONS = st.text(st.characters(codec="utf-8"), max_size=20)


def write_store(path, items: np.ndarray, captions: list[str], **options) -> PackedReader:
    """A store of these items, opened."""
    with PackedWriter(path, items.shape[1:], items.dtype, **options) as writer:
        writer.append(items, captions)
    return PackedReader(path)


def random_clips(n: int, frames: int = 3, size: int = 8) -> np.ndarray:
    """Clips of noise."""
    return np.random.default_rng(n).integers(0, 256, (n, frames, size, size, 3), np.uint8)


# --- the store -------------------------------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(data=st.data())
def test_what_goes_in_comes_out(tmp_path_factory, data):
    """Any items of any shape and dtype, any captions, read by index, slice, mask or array in any order."""
    shape = data.draw(hnp.array_shapes(min_dims=0, max_dims=4, max_side=4))
    dtype = data.draw(st.sampled_from(["uint8", "float16", "float32", "int64", ">i2"]))
    n = data.draw(st.integers(0, 6))
    items = data.draw(hnp.arrays(dtype, (n, *shape)))
    captions = data.draw(st.lists(CAPTIONS, min_size=n, max_size=n))
    store = write_store(tmp_path_factory.mktemp("store") / "s", items, captions, fps=7)
    assert (len(store), store.shape, store.dtype, store.fps) == (n, shape, np.dtype(dtype), 7)
    assert store.captions == captions
    np.testing.assert_array_equal(store[:], items)
    np.testing.assert_array_equal(store[::-2], items[::-2])
    mask = np.arange(n) % 2 == 1
    np.testing.assert_array_equal(store[mask], items[mask])
    if n:
        rows = np.array(data.draw(st.lists(st.integers(-n, n - 1), min_size=1, max_size=8)))
        np.testing.assert_array_equal(store[rows], items[rows])
        np.testing.assert_array_equal(store[int(rows[0])], items[rows[0]])
        with pytest.raises(IndexError):
            store[n]


def test_appending_in_parts_changes_nothing(tmp_path):
    """A store does not depend on the chunks it was written in: the same bytes."""
    items, captions = random_clips(7), [str(i) for i in range(7)]
    write_store(tmp_path / "whole", items, captions)
    with PackedWriter(tmp_path / "parts", items.shape[1:], items.dtype) as writer:
        for part in (slice(0, 3), slice(3, 3), slice(3, 7)):
            writer.append(items[part], captions[part])
    for name in ("clips.bin", "index.json"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "parts" / name).read_bytes()


def test_items_read_may_be_changed(tmp_path):
    """What is read is a copy: augmenting it in place does not reach the store."""
    store = write_store(tmp_path / "s", random_clips(2), ["a", "b"])
    for key in (0, slice(None)):
        store[key][...] = 0
    assert (store[:] == random_clips(2)).all()


def test_a_failed_write_leaves_the_old_store(tmp_path):
    """A writer that fails leaves the store that was there, and no litter beside it."""
    write_store(tmp_path / "s", random_clips(2), ["a", "b"])
    with pytest.raises(ValueError, match="store"):
        write_store(tmp_path / "s", random_clips(1), ["new", "and a caption too many"])
    assert PackedReader(tmp_path / "s").captions == ["a", "b"]
    assert [path.name for path in tmp_path.iterdir()] == ["s"]


@pytest.mark.parametrize(
    "items", [random_clips(2), random_clips(1).astype(np.float32), random_clips(1, size=9), random_clips(1)[0]]
)
def test_items_that_do_not_fit_are_refused(tmp_path, items):
    """A wrong number, dtype or shape does not slip into a store."""
    with PackedWriter(tmp_path / "s", (3, 8, 8, 3), np.uint8) as writer, pytest.raises(ValueError, match="store"):
        writer.append(items, ["one"])


def test_a_flipped_bit_never_gives_a_wrong_clip(tmp_path):
    """Whichever bit of the clips flips, reading gives the right clip or an error that names the file."""
    items = np.full((1, 40), 7, np.uint8)
    write_store(tmp_path / "s", items, ["a"])
    file = tmp_path / "s" / "clips.bin"
    good, errors = file.read_bytes(), []
    for bit in range(8 * len(good)):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        file.write_bytes(bad)
        try:
            assert (PackedReader(tmp_path / "s")[0] == items[0]).all()
        except UserError as error:
            errors.append(str(error))
    assert len(errors) > 7 * len(good)
    assert all(str(file) in error and "\n" not in error for error in errors)


@pytest.mark.parametrize("name", ["clips.bin", "index.json"])
@pytest.mark.parametrize("harm", ["missing", "empty", "cut", "longer", "folder"])
def test_a_damaged_file_is_named(tmp_path, name, harm):
    """Missing, cut or otherwise wrong files are one line that names the file and says what to do."""
    write_store(tmp_path / "s", random_clips(3), ["a", "b", "c"])
    file = tmp_path / "s" / name
    content = file.read_bytes()
    file.unlink()
    if harm == "folder":
        file.mkdir()
    elif harm != "missing":
        file.write_bytes({"empty": b"", "cut": content[:-9], "longer": content + b"x"}[harm])
    with pytest.raises(UserError) as error:
        PackedReader(tmp_path / "s")
    assert str(file) in str(error.value)
    assert "dvc" in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("key", ["captions", "offsets", "shape", "dtype", "fps", "version", "sha256"])
def test_a_changed_index_is_noticed(tmp_path, key):
    """An index that was edited by hand, or lacks something, is not believed."""
    write_store(tmp_path / "s", random_clips(1), ["a"])
    file = tmp_path / "s" / "index.json"
    index = json.loads(file.read_text())
    for changed in ({**index, key: ["x"]}, {k: v for k, v in index.items() if k != key}, [index]):
        file.write_text(json.dumps(changed))
        with pytest.raises(UserError, match=r"index\.json"):
            PackedReader(tmp_path / "s")


# --- the tutorial's folders ------------------------------------------------------------------------------------------


def test_exported_frames_are_rgb(tmp_path):
    """Another program sees red where the clip is red: the tutorial wrote red and blue swapped."""
    clips = np.zeros((1, 2, 4, 4, 3), np.uint8)
    clips[..., 0] = 255
    write_store(tmp_path / "s", clips, ["red"])
    export_frames(tmp_path / "s", tmp_path / "folders")
    with Image.open(tmp_path / "folders" / "video_0" / "frame_1.png") as picture:
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 0, 0)
    assert (tmp_path / "folders" / "video_0" / "prompt.txt").read_text() == "red"


def test_export_never_overwrites(tmp_path):
    """Exporting into a folder with something in it is refused and leaves it; an empty one is filled."""
    write_store(tmp_path / "s", random_clips(1), ["a"])
    (tmp_path / "mine").mkdir()
    export_frames(tmp_path / "s", tmp_path / "mine")
    (tmp_path / "mine" / "note").write_text("keep")
    (tmp_path / "file").write_text("keep")
    for target in ("mine", "file"):
        with pytest.raises(UserError, match=target):
            export_frames(tmp_path / "s", tmp_path / target)
    assert (tmp_path / "mine" / "note").read_text() == "keep"


def test_latents_are_not_exported_as_pictures(tmp_path):
    """A store that holds no clips is refused in one line."""
    write_store(tmp_path / "s", np.zeros((1, 2, 4, 8, 8), np.float16), ["a"])
    with pytest.raises(UserError, match="uint8"):
        export_frames(tmp_path / "s", tmp_path / "f")
    assert not (tmp_path / "f").exists()
