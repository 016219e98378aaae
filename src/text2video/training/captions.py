"""Training captions, encoded once by stage ``index``. Only sample pictures load the text encoder again."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from text2video.errors import UserError
from text2video.files import check_files, read_sealed
from text2video.text.kinds import REMEDY
from text2video.text.prompts import Prompts, pad

CAPTIONS_FILE = "captions.json"
SHARD = 512  # captions: what is in memory while they are encoded


class CaptionCache:
    """The distinct captions of a data set, sorted, and their encodings, which stay on disk until they are asked for.

    ``cache[cache.rows(captions)]`` are the prompts of these captions, all padded to the longest caption there is.
    Raises UserError when what stage ``index`` wrote is missing, damaged or of another version.
    """

    def __init__(self, folder: Path) -> None:
        page = read_sealed(folder / CAPTIONS_FILE, REMEDY)
        if (page.get("format"), page.get("shard")) != (1, SHARD):
            raise UserError(f"{folder / CAPTIONS_FILE} is of another version; {REMEDY}")
        check_files(folder, page["files"], REMEDY)
        self.captions, self.length = page["captions"], page["length"]
        self._shards = [load_file(folder / name) for name in sorted(page["files"])]  # mapped into memory, not read
        self._ends = [shard["lengths"].cumsum(0).tolist() for shard in self._shards]

    def __len__(self) -> int:
        return len(self.captions)

    def __getitem__(self, rows: Tensor | Sequence[int]) -> Prompts:
        """The encodings of captions by number, in the order of ``rows``; at least one."""
        tokens, pooled = zip(*(self._one(int(row)) for row in rows), strict=True)
        return pad(tokens, pooled, self.length)

    def rows(self, captions: Iterable[str]) -> Tensor:
        """The number of each caption: int64[N]. Raises UserError for one that was not encoded."""
        numbers = {caption: number for number, caption in enumerate(self.captions)}
        try:
            return torch.tensor([numbers[caption] for caption in captions], dtype=torch.long)
        except KeyError as error:
            raise UserError(f"the caption {error.args[0]!r} is not among the encoded ones; {REMEDY}") from None

    def _one(self, row: int) -> tuple[Tensor, Tensor]:
        shard, inside = self._shards[row // SHARD], row % SHARD
        ends = self._ends[row // SHARD]
        tokens = shard["tokens"][ends[inside - 1] if inside else 0 : ends[inside]]
        return tokens.float() if tokens.is_floating_point() else tokens.long(), shard["pooled"][inside].float()
