"""Reads lists of captioned videos: CSV and JSONL files, and the pair ``prompts.txt`` and ``videos.txt``."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from text2video.data.captions import decode_text, one_line
from text2video.errors import UserError

FILES = ("file_name", "video_path", "path", "file", "filename", "video")  # columns; the first that is there counts
CAPTIONS = ("text", "caption", "prompt")
LISTS = ("prompts.txt", "captions.txt", "prompt.txt")  # beside videos.txt

Row = tuple[str, str | None]  # a file and its caption


def is_table(name: str) -> bool:
    """Whether a file of that name may list videos."""
    return PurePosixPath(name).suffix.lower() in {".csv", ".tsv", ".jsonl"}


def read_table(path: Path) -> tuple[list[Row], str]:
    """The files and captions in a CSV or JSONL file, in their order, and what is wrong with it; other columns are
    ignored."""
    try:
        text = decode_text(path.read_bytes())
        records = list(_json_lines(text) if path.suffix.lower() == ".jsonl" else _csv_lines(text))
    except (OSError, ValueError, csv.Error, RecursionError) as error:
        return [], f"not taken, it cannot be read ({one_line(str(error))})"
    columns = {key for record in records for key in record}
    file = next((key for key in FILES if key in columns), None)
    caption = next((key for key in CAPTIONS if key in columns), None)
    if file is None or caption is None:
        lacking = FILES if file is None else CAPTIONS
        return [], f"not taken, it has no column {', '.join(lacking[:-1])} or {lacking[-1]}"
    rows = [(str(record[file]), _text(record.get(caption))) for record in records if record.get(file)]
    nameless = len(records) - len(rows)
    return rows, f"{nameless} rows name no file" if nameless else ""


def read_lists(folder: Path, names: Iterable[str]) -> Iterator[Row]:
    """The lines of ``videos.txt`` with those of the list of captions beside it; nothing where one is not there.

    Raises UserError when they have not the same number of lines, for then every caption might be another video's.
    """
    lists = [name for name in LISTS if name in names]
    if not lists or "videos.txt" not in names:
        return
    files, captions = _lines(folder / "videos.txt"), _lines(folder / lists[0])
    if len(files) != len(captions):
        raise UserError(
            f"{folder / lists[0]} has {len(captions)} lines and videos.txt {len(files)}; "
            "each line of the one is the caption of the same line of the other"
        )
    yield from ((file, caption) for file, caption in zip(files, captions, strict=True) if file)


def _lines(path: Path) -> list[str]:
    """The lines of a file, without blanks at their ends; blank lines at its end are none."""
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return [line.strip() for line in text.rstrip().splitlines()]


def _csv_lines(text: str) -> Iterator[dict[str, Any]]:
    """The rows by the names of their columns, which a comma, a semicolon or a tab separates."""
    header = text.partition("\n")[0]
    delimiter = max(",;\t", key=header.count)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    columns = [column.strip().lower() for column in next(rows, [])]
    yield from (dict(zip(columns, row, strict=False)) for row in rows if row)


def _json_lines(text: str) -> Iterator[dict[str, Any]]:
    """The objects, one on each line."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            record = json.loads(line)
            if not isinstance(record, dict):
                raise ValueError(f"line {number} is no object")
            yield {key.lower(): value for key, value in record.items()}


def _text(value: Any) -> str | None:
    """A caption on one line; None for what is no text."""
    return one_line(value) if isinstance(value, str) else None
