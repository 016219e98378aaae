"""Reads lists of captioned videos: CSV and JSONL files, and the pair ``prompts.txt`` and ``videos.txt``."""

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from text2video.data.captions import decode_text, one_line
from text2video.errors import UserError

FILES = ("file_name", "video_path", "path", "file", "filename", "video")  # columns; the first that is there counts
CAPTIONS = ("text", "caption", "prompt")
HEADER = 1 << 16  # bytes within which the first line of a table ends
MOST = 5  # faults of a table that are named
LISTS = ("prompts.txt", "captions.txt", "prompt.txt")  # beside videos.txt

Row = tuple[str, str | None]  # a file and its caption


def is_table(name: str) -> bool:
    """Whether a file of that name may list videos."""
    return PurePosixPath(name).suffix.lower() in {".csv", ".tsv", ".jsonl"}


def is_other_table(name: str) -> bool:
    """Whether a file of that name may list videos in a way that is not read here."""
    return PurePosixPath(name).suffix.lower() in {".json", ".parquet", ".xlsx", ".xls", ".ods"}


def read_table(path: Path) -> tuple[list[Row], str]:
    """The files and captions in a CSV or JSONL file, in their order, and what is wrong with it; other columns are
    ignored. Of a damaged table the good lines are taken; of a CSV without the columns only the first line is read."""
    lines = path.suffix.lower() == ".jsonl"
    try:
        with open(path, "rb") as file:
            head = file.read(HEADER)
            if not lines and (problem := _lacking(_columns(_first_line(decode_text(head)))[0])):
                return [], problem
            text = decode_text(head + file.read())
    except OSError as error:
        return [], f"not taken, it cannot be read ({one_line(str(error))})"
    faults: list[str] = []
    records = list(_json_lines(text, faults) if lines else _csv_lines(text, faults))
    columns = {key for record in records for key in record}
    if problem := _lacking(columns):
        return [], problem if records else "; ".join(faults[:1]) or problem
    name, caption = (next(key for key in names if key in columns) for names in (FILES, CAPTIONS))
    rows = [(str(record[name]), _text(record.get(caption))) for record in records if record.get(name)]
    if nameless := len(records) - len(rows):
        faults.append(f"{nameless} rows name no file")
    if odd := sum(not isinstance(record.get(caption) or "", str) for record in records):
        faults.append(f"in {odd} rows {caption!r} is no text; give each row one caption")
    more = [f"and {len(faults) - MOST} more"] if len(faults) > MOST else []
    return rows, "; ".join([*faults[:MOST], *more])


def _lacking(columns: Iterable[str]) -> str:
    """What is wrong with a table that has only these columns; "" for nothing."""
    lacking = next((names for names in (FILES, CAPTIONS) if not set(names) & set(columns)), None)
    return f"not taken, it has no column {', '.join(lacking[:-1])} or {lacking[-1]}" if lacking else ""


def read_lists(folder: Path, names: Iterable[str]) -> Iterator[Row]:
    """The lines of ``videos.txt`` with those of the list of captions beside it; nothing where one is not there.

    Raises UserError when they have not the same number of lines, for then every caption might be another video's.
    """
    lists = [name for name in LISTS if name in names]
    if not lists or "videos.txt" not in names:
        return
    files, captions = _lines(folder / "videos.txt"), _lines(folder / lists[0])
    last = max([0, *(number for lines in (files, captions) for number, line in enumerate(lines, 1) if line)])
    files, captions = files[:last], captions[:last]  # blank lines behind both are none
    if len(files) != len(captions):
        raise UserError(
            f"{folder / lists[0]} has {len(captions)} lines and videos.txt {len(files)}; "
            "each line of the one is the caption of the same line of the other"
        )
    yield from ((file, one_line(caption)) for file, caption in zip(files, captions, strict=True) if file)


def _lines(path: Path) -> list[str]:
    """The lines of a file, without blanks at their ends."""
    try:
        text = decode_text(path.read_bytes())
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}") from error
    return [line.strip() for line in re.split("\r\n|\n|\r", text.removesuffix("\n").removesuffix("\r"))]


def _first_line(text: str) -> str:
    """The header of a CSV file."""
    return re.split(r"[\r\n]", text.lstrip("\r\n"), maxsplit=1)[0]


def _columns(header: str) -> tuple[list[str], str]:
    """The names of the columns, and what separates them: a comma, a semicolon or a tab."""
    delimiter = max(",;\t", key=header.count)
    names = next(csv.reader([header], delimiter=delimiter), [])
    return [name.strip().lower() for name in names], delimiter


def _csv_lines(text: str, faults: list[str]) -> Iterator[dict[str, Any]]:
    """The rows by the names of their columns. What cannot be read goes to ``faults``; commas of an unquoted caption in
    the last column belong to it."""
    columns, delimiter = _columns(_first_line(text))
    rows = _cells(text, delimiter, faults)
    next(filter(None, (row for _, row in rows)), None)  # the header
    for number, row in rows:
        while len(row) > len(columns) and not row[-1].strip():
            row.pop()
        if len(row) > len(columns) and columns[-1] in CAPTIONS:
            row[len(columns) - 1 :] = [delimiter.join(row[len(columns) - 1 :])]
        if len(row) > len(columns):
            faults.append(f"line {number} has more cells than the header, and is not taken")
        elif row:
            yield dict(zip(columns, row, strict=False))


def _cells(text: str, delimiter: str, faults: list[str]) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, and the number of its last line. Between tabs, a quote in the middle is a letter."""
    quoted = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    rows: list[tuple[int, list[str]]] = []
    errors: list[str] = []
    while True:
        first = quoted.line_num + 1
        try:
            row = next(quoted)
        except StopIteration:
            break
        except csv.Error as error:
            last = f" to {quoted.line_num}" if quoted.line_num > first else ""
            errors.append(f"line {first}{last} cannot be read ({error})")
        else:
            rows.append((quoted.line_num, row))
    if errors and delimiter == "\t":
        plain = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE)
        return ((plain.line_num, row) for row in plain)
    faults += errors
    return iter(rows)


def _json_lines(text: str, faults: list[str]) -> Iterator[dict[str, Any]]:
    """The objects, one on each line. What is none goes to ``faults``."""
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError) as error:
            faults.append(f"line {number} cannot be read ({one_line(str(error))})")
            continue
        if isinstance(record, dict):
            yield {key.lower(): value for key, value in record.items()}
        else:
            faults.append(f"line {number} is no object")


def _text(value: Any) -> str | None:
    """A caption on one line; None for what is no text."""
    return one_line(value) if isinstance(value, str) else None
