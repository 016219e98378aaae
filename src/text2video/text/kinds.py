"""The kinds of ``text.kind``. A new one is a file with a ``TextFrontend`` and a line in KINDS."""

from pathlib import Path

from text2video.errors import UserError
from text2video.files import read_sealed
from text2video.text.pretrained import Pretrained
from text2video.text.prompts import FRONTEND_FILE, TextFrontend
from text2video.text.words import Words

KINDS: dict[str, type[Words] | type[Pretrained]] = {kind.kind: kind for kind in (Words, Pretrained)}
REMEDY = "run the stage index again"


def load_text(folder: Path) -> TextFrontend:
    """The frontend that was saved to a folder; an encoder is loaded at its first use, not here.

    Raises UserError when the file is missing, damaged or of another version.
    """
    path = folder / FRONTEND_FILE
    page = read_sealed(path, REMEDY)
    kind = KINDS.get(str(page.get("kind")))
    if page.get("format") != 1 or kind is None:
        raise UserError(f"{path} holds no text frontend that this version knows; {REMEDY}")
    try:
        return kind.from_page(page)
    except UserError as error:
        raise UserError(f"{path} is damaged: {error}; {REMEDY}") from error
