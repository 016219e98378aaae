"""Where the files of one pipeline lie, relative to the folder that holds its ``params.yaml``."""

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
