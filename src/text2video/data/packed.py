"""Many clips (or latents) in one file, quick to read in any order."""

import math
import mmap
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
import zstandard

from text2video.errors import UserError
from text2video.files import advice, read_sealed, replace_folder, write_sealed

VERSION = 2
Labels = dict[str, Any]  # of one clip: its objects, each with what is known of it, and its background


class PackedWriter(ExitStack):
    """Writes a store: the folder appears, or takes the place of an older one, when the ``with`` block ends well.

    Items have one shape and dtype. Each is compressed on its own, with a checksum, and written at once.
    """

    def __init__(self, path: Path, shape: Sequence[int], dtype: np.dtype | type | str, fps: float = 10) -> None:
        super().__init__()
        self._path, self._shape, self._dtype, self._fps = (Path(path), tuple(map(int, shape)), np.dtype(dtype), fps)
        self._captions: list[str] = []
        self._labels: list[Labels] = []
        self._offsets = [0]
        self._compress = zstandard.ZstdCompressor(level=3, write_checksum=True).compress

    def __enter__(self) -> Self:
        self.enter_context(self._write())
        return self

    def append(self, items: np.ndarray, captions: Sequence[str], labels: Sequence[Labels] | None = None) -> None:
        """Add ``items[n, *shape]``, their ``n`` captions and, for all of a store or none of it, their ``n`` labels.

        Raises ValueError when shape, dtype or number differ.
        """
        if labels is not None and len(labels) != len(captions):
            raise ValueError(f"{len(labels)} labels for {len(captions)} captions")
        if items.shape != (len(captions), *self._shape) or items.dtype != self._dtype:
            raise ValueError(
                f"{items.dtype}{items.shape} with {len(captions)} captions does not go into a store "
                f"of {self._dtype}{self._shape}"
            )
        for row in range(len(items)):
            data = self._compress(items[row : row + 1].tobytes())
            self._file.write(data)
            self._offsets.append(self._offsets[-1] + len(data))
        self._captions.extend(captions)
        self._labels.extend(labels or [])

    @contextmanager
    def _write(self) -> Iterator[None]:
        """Around everything that is appended: a fresh folder, the clips, and in the end the index."""
        with replace_folder(self._path) as folder:
            with open(folder / "clips.bin", "wb") as self._file:
                yield
                self._file.flush()
                os.fsync(self._file.fileno())
            index = {
                "version": VERSION,
                "shape": self._shape,
                "dtype": self._dtype.str,
                "fps": self._fps,
                "captions": self._captions,
                "labels": self._labels if len(self._labels) == len(self._captions) else None,
                "offsets": self._offsets,
            }
            write_sealed(folder / "index.json", index)


class PackedReader:
    """A store opened for reading: ``store[i]`` is one item, ``store[slice or array]`` an array of them.

    ``captions``, ``labels`` (None where there are none), ``shape``, ``dtype`` and ``fps`` say what it holds. Raises
    UserError, naming the file, when the store is missing or damaged: the index and the length of the clips when it is
    opened, each clip when it is read.
    """

    def __init__(self, path: Path) -> None:
        folder, remedy = Path(path), advice(Path(path))
        self._file = folder / "clips.bin"
        index = read_sealed(folder / "index.json", remedy)
        if index.get("version") != VERSION:
            raise UserError(f"{folder / 'index.json'} is no index of version {VERSION}; {remedy}")
        self.captions: list[str] = index["captions"]
        self.labels: list[Labels] | None = index["labels"]
        self.shape: tuple[int, ...] = tuple(index["shape"])
        self.dtype = np.dtype(index["dtype"])
        self.fps: float = index["fps"]
        self._offsets: list[int] = index["offsets"]
        self._bytes = math.prod(self.shape) * self.dtype.itemsize
        self._decompressor = zstandard.ZstdDecompressor()
        self._data = self._map()

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, key: int | slice | np.ndarray) -> np.ndarray:
        """The item ``[*shape]`` of an index, or the items ``[n, *shape]`` of a slice or an array of indices."""
        rows = np.arange(len(self))[key]
        if rows.ndim == 0:
            return self._item(int(rows)).copy()
        items = np.empty((len(rows), *self.shape), self.dtype)
        for place, row in enumerate(rows):
            items[place] = self._item(int(row))
        return items

    def check(self) -> None:
        """Read everything once. Raises UserError, naming the clip, when one is damaged."""
        for row in range(len(self)):
            self._item(row)

    def _item(self, row: int) -> np.ndarray:
        data = self._data[self._offsets[row] : self._offsets[row + 1]]
        try:
            # Asked first, because a damaged length would be allocated before the checksum is looked at.
            length = zstandard.frame_content_size(data)
            if length != self._bytes:
                raise ValueError(f"{length} bytes, not {self._bytes}")
            item = self._decompressor.decompress(data, allow_extra_data=False)
            return np.frombuffer(item, self.dtype).reshape(self.shape)
        except (zstandard.ZstdError, ValueError) as error:
            raise UserError(f"{self._file} is damaged at clip {row} ({error}); {advice(self._file.parent)}") from error

    def _map(self) -> mmap.mmap | bytes:
        try:
            with open(self._file, "rb") as file:
                size = os.fstat(file.fileno()).st_size
                if size != self._offsets[-1]:
                    raise UserError(
                        f"{self._file} is damaged ({size} bytes, not {self._offsets[-1]}); {advice(self._file.parent)}"
                    )
                return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) if size else b""
        except OSError as error:
            raise UserError(
                f"{self._file} cannot be read ({error.strerror or error}); {advice(self._file.parent)}"
            ) from error
