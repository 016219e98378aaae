"""Where the files of one pipeline lie, relative to the folder that holds its ``params.yaml``."""

from pathlib import Path

TEST_SPLITS = (
    "seen", "unseen_combination", "unseen_motion", "unseen_pair", "unseen_template", "unseen_synonym"
)  # fmt: skip


class Layout:
    """The paths of the pipeline in ``root``: the repository itself, or a folder such as ``tutorial/``."""

    def __init__(self, root: Path) -> None:
        self.root, self.params = root, root / "params.yaml"
        data, models, self.metrics = root / "data", root / "models", root / "metrics"
        self.checked, self.videos = data / "checked.txt", data / "videos"
        self.train, self.validation = data / "train", data / "validation"
        self.test = data / "test"  # a store for each of TEST_SPLITS, and ``prompts`` for the test prompts
        self.text = data / "text"  # the text frontend and the encoded training captions
        self.latents, self.codec = data / "latents", models / "codec"
        self.model, self.export = models / "trained", models / "export"
