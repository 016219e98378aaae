"""Finds the captioned videos of a folder, in whichever of the usual layouts their captions are.

Layouts may be mixed. Where a video has several captions, the first of these counts: a row of a CSV or JSONL file (the
``metadata.csv`` of a Hugging Face VideoFolder, or any other), a line of ``prompts.txt`` beside ``videos.txt``, the text
file of the same stem, ``prompt.txt`` in a folder of frames. WebDataset tars are read where they lie.
"""

import os
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Literal, NamedTuple

from text2video.data.captions import caption_problem, read_caption
from text2video.data.tables import LISTS, is_other_table, is_table, read_lists, read_table
from text2video.data.tars import Member, read_tar
from text2video.errors import UserError
from text2video.reading import PICTURES
from text2video.reading.blocks import is_animation

Split = Literal["train", "validation", "test"]
SPLITS: dict[str, Split] = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
VIDEOS = {".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".3gp", ".gif", ".apng"}
# Listed, to be told why not.
OTHER_VIDEOS = {".wmv", ".asf", ".flv", ".mpg", ".mpeg", ".vob", ".ts", ".mts", ".m2ts", ".ogv", ".ogm"}
ARCHIVES = {".gz", ".tgz", ".zip", ".7z", ".rar", ".bz2", ".xz", ".zst"}
MOVING = {".png", ".webp"}  # are videos if they are animations
INNER = ("prompt.txt", "caption.txt")  # in a folder of frames
ORPHAN = "it is the caption of no video"
TWIN = "another file of the same name has its caption"
OTHER_TABLE = "not taken, tables of this kind are not read here; save it as JSONL or CSV"
ARCHIVE = "archives of this kind are not read here; unpack it"
EXAMPLES = 3  # files that are named of several
LAYOUTS = (
    "a.mp4 + a.txt; metadata.csv or another CSV or JSONL file with the columns file_name and text; prompts.txt + "
    "videos.txt; WebDataset tars; folders of frames with a prompt.txt"
)


class Video(NamedTuple):
    """A video of the folder: taken when ``problem`` is empty."""

    name: str
    """Its path in the folder, with "/"; behind the name of its tar where it is in one."""
    path: Path
    """The file, the folder of frames, or the tar."""
    caption: str
    split: Split | None
    """What its folder, table or tar is called; None where that says nothing."""
    problem: str
    """Why it is left out already now."""
    member: Member | None = None
    """Where it lies in its tar."""


class Listing(NamedTuple):
    """What a folder holds: all videos, by name, and what a person should know of how they were found."""

    videos: list[Video]
    notes: list[str]


class _Caption(NamedTuple):
    text: str | None
    split: Split | None
    source: str
    problem: str = ""


def list_videos(folder: Path) -> Listing:
    """All videos of ``folder`` and of the folders in it, captioned or not. Hidden files are no part of it.

    Raises UserError when there is no such folder, it cannot be read, or the two lists have not the same length.
    """
    tree, links = _tree(Path(folder))
    found = _Captions(Path(folder), tree)
    videos = {name: found.video(name) for name in found.candidates}
    videos |= {video.name: video for video in found.strays}
    tars = sorted(file for at, files in tree.items() for file in _joined(at, files) if _suffix(file) == ".tar")
    for tar in tars:
        videos |= {video.name: video for video in _tar_videos(Path(folder), tar)}
    taken = (found.captions[name] for name in found.candidates if name in found.captions)
    sources = Counter(caption.source for caption in taken if not caption.problem)
    notes = [f"{count} captions from {source}" for source, count in sorted(sources.items())]
    notes += [f"{sum(bool(v.member) for v in videos.values())} videos in {len(tars)} tars"] * bool(tars)
    notes += [
        f"{link} is a link to a folder, which DVC does not watch, and is left out; set videos.folder to it"
        for link in links
    ]
    return Listing([videos[name] for name in sorted(videos)], notes + found.notes)


def require_videos(folder: Path) -> Listing:
    """``list_videos``. Raises UserError when not a single one has a caption."""
    listing = list_videos(folder)
    if not any(not video.problem for video in listing.videos):
        reasons = Counter(video.problem for video in listing.videos if video.problem != ORPHAN)
        why = "; ".join([*(f"{count} videos: {reason}" for reason, count in reasons.items()), *listing.notes])
        raise UserError(
            f"videos.folder: {folder} holds no video with a caption ({why or 'no video at all'}); "
            f"what can be read is {LAYOUTS}"
        )
    return listing


def _tree(folder: Path) -> tuple[dict[str, list[str]], list[str]]:
    """The names of the files in each folder, by its path from ``folder`` ("" for itself); the links to folders.

    ``folder`` may be a link, and so may files. A link to a folder inside is not followed, as DVC follows none.
    """
    if not folder.is_dir():
        what = "is no folder" if folder.exists() else "is missing"
        raise UserError(f"videos.folder: {folder} {what}; name the folder that holds your captioned videos")
    tree, links = {}, []
    for at, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        links += [f"{at}/{name}" for name in folders if os.path.islink(f"{at}/{name}")]
        inside = Path(at).relative_to(folder).as_posix()
        tree["" if inside == "." else inside] = sorted(n for n in files if not n.startswith("."))
    return tree, links


def _refuse(error: OSError) -> None:
    raise UserError(f"{error.filename} cannot be read: {error.strerror}") from error


def _joined(at: str, names: list[str]) -> list[str]:
    return [f"{at}/{name}" if at else name for name in names]


def _suffix(name: str) -> str:
    return os.path.splitext(name)[1].lower()


def split_of(folders: tuple[str, ...], stem: str = "") -> Split | None:
    """The split that a folder is called (the outermost counts), or the first word of a list's or tar's name."""
    words = [folder.lower() for folder in folders] + re.split(r"[^a-z]+", stem.lower())[:1]
    return next((SPLITS[word] for word in words if word in SPLITS), None)


class _Captions:
    """What of a folder is a video, and which caption each has."""

    def __init__(self, folder: Path, tree: dict[str, list[str]]) -> None:
        self.folder, self.tree = folder, tree
        self._bases = [os.path.abspath(folder), os.path.realpath(folder)]
        self.notes: list[str] = []
        self.strays: list[Video] = []  # what tables name and is not there, or is no video; captions without a video
        self.captions: dict[str, _Caption] = {}
        self._frames = {at for at, names in tree.items() if at and _holds_frames(folder / at, names)}
        self.candidates = sorted(self._frames | set(self._files()))
        self._named = {unicodedata.normalize("NFC", name): name for name in self.candidates}
        present = [name for at, names in tree.items() for name in _joined(at, names)]
        texts = sorted(name for name in present if _suffix(name) == ".txt")
        self._texts = {_text_name(name): name for name in texts}
        self._owners: dict[str, str] = {}  # of the text files
        self._again = Counter[str]()
        tables: dict[str, list[str]] = {}
        for take in (self._take_tables, self._take_lists):  # a table counts before a list, wherever they lie
            for at, names in tree.items():
                for name, fault in take(at, names) if at not in self._frames else ():
                    tables.setdefault(fault, []).append(name)
        for name in sorted(self.candidates, key=self._turn):
            self._take_text(name)
        listed = {"videos.txt", *LISTS}
        lonely = (name for name in texts if name not in self._owners and PurePosixPath(name).name not in listed)
        self._leave_out(lonely, ORPHAN)
        self._leave_out((name for name in present if _suffix(name) in ARCHIVES), ARCHIVE)
        beside = [n for at in self._frames for n in _joined(at, tree[at]) if _suffix(n) in VIDEOS | OTHER_VIDEOS]
        self._leave_out(beside, "it lies in a folder of frames")
        for name in filter(is_other_table, present):
            tables.setdefault(OTHER_TABLE, []).append(name)
        self.notes += [f"{n} times {what}" for what, n in self._again.items()]
        for fault, names in tables.items():
            shown = names[0] if len(names) == 1 else f"{len(names)} files ({some_of(names)})"
            self.notes.append(f"{shown}: {fault}")

    def video(self, name: str) -> Video:
        """The video of that name, with its caption or what is wrong with it."""
        caption = self.captions.get(name, _Caption(None, None, ""))
        problem = caption.problem or caption_problem(caption.text)
        split = caption.split or split_of(PurePosixPath(name).parts[:-1])
        return Video(name, self.folder / name, caption.text or "", split, problem)

    def _files(self) -> Iterator[str]:
        """Every file that is a video by its suffix; a picture that moves."""
        for at, names in self.tree.items():
            for name in _joined(at, names) if at not in self._frames else []:
                suffix = _suffix(name)
                if suffix in VIDEOS | OTHER_VIDEOS or (suffix in MOVING and _moves(self.folder / name)):
                    yield name

    def _leave_out(self, names: Iterable[str], problem: str) -> None:
        self.strays += [Video(name, self.folder / name, "", None, problem) for name in names]

    def _take_tables(self, at: str, names: list[str]) -> Iterator[tuple[str, str]]:
        """The captions in the tables of one folder. Yields the files with a fault, and the fault."""
        for name in sorted(names, key=lambda name: (not name.startswith("metadata."), name)):
            if is_table(name):
                rows, problem = read_table(self.folder / at / name)
                if problem:
                    yield _joined(at, [name])[0], problem
                for file, caption in rows:
                    self._take_row(at, file, caption, name)

    def _take_lists(self, at: str, names: list[str]) -> Iterator[tuple[str, str]]:
        """The same of the two lists of a folder."""
        for name in ("prompts.txt", "captions.txt"):
            if name in names and "videos.txt" not in names:
                yield _joined(at, [name])[0], "not taken, there is no videos.txt beside it"
        for file, caption in read_lists(self.folder / at, names):
            self._take_row(at, file, caption, "prompts.txt and videos.txt")

    def _take_row(self, at: str, file: str, caption: str | None, source: str) -> None:
        """A caption for a file that is named from the folder ``at``, or from the outermost one, or in full."""
        tried = [self._inside(at, file), self._inside("", file)]
        name = next((self._named[place] for place in tried if place in self._named), None)
        if name is None:
            problem = self._stray(tried, "/".join(filter(None, (at, source))))
            self.strays.append(Video(tried[0] or file, self.folder, caption or "", None, problem))
        elif name in self.captions:
            self._again[f"a video has a second caption, in {source}, which is not taken"] += 1
        else:
            split = split_of((), source) or split_of(PurePosixPath(name).parts[:-1])
            self.captions[name] = _Caption(caption, split, source)

    def _inside(self, at: str, file: str) -> str:
        """The path from the outermost folder, which may be a link, in NFC; "" when it leads out of there."""
        for base in self._bases:
            place = os.path.relpath(os.path.join(base, at, file.replace("\\", "/")), base).replace(os.sep, "/")
            if not place.startswith(".."):
                return unicodedata.normalize("NFC", place)
        return ""

    def _stray(self, tried: list[str], table: str) -> str:
        """Why a file that a table names is not taken."""
        if not any(tried):
            return "it lies outside of the folder"
        exists = any(place and os.path.exists(self.folder / place) for place in tried)
        return "it is no video" if exists else f"it is missing; its caption is in {table}"

    def _take_text(self, name: str) -> None:
        """The caption in the text file of the same stem, or in the folder of frames itself."""
        inner = [f"{name}/{file}" for file in INNER if name in self._frames]
        beside = _text_name(f"{name}.frames" if name in self._frames else name)
        files = [self._texts[file] for file in [beside, *map(_text_name, inner)] if file in self._texts]
        own = [file for file in files if self._owners.setdefault(file, name) == name]
        if own and name in self.captions:
            self._again["a video has a second caption, in a text file, which is not taken"] += 1
        elif own:
            source = "prompt.txt in folders of frames" if own[0] in inner else "text files of the same name"
            self.captions[name] = _Caption(read_caption(self.folder / own[0]), None, source)
        elif files and name not in self.captions:  # the same video in another format, as a rule
            self.captions[name] = _Caption(None, None, "", TWIN)

    def _turn(self, name: str) -> tuple[bool, bool, bool, str]:
        """In which order the videos of one name are asked whether a text file is theirs."""
        return name in self.captions, name in self._frames, _suffix(name) in OTHER_VIDEOS, name


def _text_name(name: str) -> str:
    """What the text file of a file is called, its accents as one letter each."""
    return unicodedata.normalize("NFC", str(PurePosixPath(name).with_suffix(""))) + ".txt"


def some_of(names: Sequence[str], others: str = "") -> str:
    """The first of the names and, of more, where the ``others`` are."""
    return ", ".join(names[:EXAMPLES]) + (f", …{others}" if len(names) > EXAMPLES else "")


def _holds_frames(folder: Path, names: list[str]) -> bool:
    """Whether these are the frames of a video: numbered still pictures without captions of their own, beside the one
    caption of all, or without tables and videos."""
    numbered = [n for n in names if _suffix(n) in PICTURES and re.search(r"\d$", PurePosixPath(n).stem)]
    captioned = set(map(_text_name, numbered)) & set(map(_text_name, (n for n in names if _suffix(n) == ".txt")))
    videos = [n for n in names if _suffix(n) in VIDEOS | OTHER_VIDEOS]
    others = videos or any(_suffix(n) == ".tar" or is_table(n) for n in names)
    told = any(name in names for name in INNER) and "videos.txt" not in names
    alone = not others or (told and len(videos) < min(2, len(numbered)))
    return bool(numbered) and alone and not captioned and not _moves(folder / numbered[0])


def _moves(path: Path) -> bool:
    """Whether a picture is an animation."""
    if _suffix(path.name) not in MOVING:
        return False
    try:
        with open(path, "rb") as file:
            return is_animation(file)
    except OSError:
        return True  # it is listed, and found unreadable later


def _tar_videos(folder: Path, tar: str) -> Iterator[Video]:
    """The videos in a tar, or the tar itself with what is wrong with it."""
    videos, problem = read_tar(folder / tar, VIDEOS | OTHER_VIDEOS, MOVING)
    outside = PurePosixPath(tar).parts[:-1]
    for member, caption in videos:
        folders = PurePosixPath(member.name).parts[:-1]
        split = split_of(outside, PurePosixPath(tar).name) or split_of(folders)
        yield Video(f"{tar}/{member.name}", folder / tar, caption or "", split, caption_problem(caption), member)
    if problem:
        yield Video(tar, folder / tar, "", None, problem)
