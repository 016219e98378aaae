"""Where the files of one pipeline lie, relative to the folder that holds its ``params.yaml``."""

from dataclasses import dataclass
from pathlib import Path

TEST_SPLITS = (
    "seen",
    "unseen_combination",
    "unseen_motion",
    "unseen_pair",
    "unseen_template",
    "unseen_synonym",
)


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
