"""Where the files of one pipeline lie, relative to the folder that holds its ``params.yaml``."""

from dataclasses import dataclass
from pathlib import Path

# What test clips there are, in the order of the report, and what is in them: of drawn worlds, and then of all data.
TEST_SPLITS = {
    "seen": "words and combinations that were trained on, new clips",
    "unseen_combination": "shape, colour and motion each trained on, but never together",
    "unseen_motion": "a direction never trained on: only its parts were",
    "unseen_pair": "two objects each trained on, but never in one clip",
    "unseen_template": "sentences that were never trained on, of known words",
    "unseen_synonym": "synonyms that were never trained on",
}
SPLITS = TEST_SPLITS | {
    "prompts": "one by one; by default those of the tutorial",
    "unseen_clip": "captions that were trained on, clips that were not",
    "unseen_caption": "captions that were never trained on",
}


@dataclass(frozen=True)
class Layout:
    """The paths of the pipeline in ``root``: the repository itself, or ``tutorial/``."""

    root: Path

    @property
    def params(self) -> Path:
        return self.root / "params.yaml"

    @property
    def checked(self) -> Path:
        return self.root / "data" / "checked.txt"

    @property
    def train(self) -> Path:
        return self.root / "data" / "train"

    @property
    def validation(self) -> Path:
        return self.root / "data" / "validation"

    @property
    def test(self) -> Path:
        """Holds one store for each of TEST_SPLITS, and ``prompts`` for the test prompts."""
        return self.root / "data" / "test"

    @property
    def text(self) -> Path:
        """The text frontend and the encoded training captions."""
        return self.root / "data" / "text"

    @property
    def latents(self) -> Path:
        return self.root / "data" / "latents"

    @property
    def videos(self) -> Path:
        return self.root / "data" / "videos"

    @property
    def codec(self) -> Path:
        return self.root / "models" / "codec"

    @property
    def model(self) -> Path:
        return self.root / "models" / "trained"

    @property
    def export(self) -> Path:
        return self.root / "models" / "export"

    @property
    def metrics(self) -> Path:
        return self.root / "metrics"
