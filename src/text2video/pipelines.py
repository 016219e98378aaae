"""Pipelines of their own in folders: the stages of ``dvc.yaml``, with another ``params.yaml`` and other outputs.

DVC cannot include one ``dvc.yaml`` in another, and a ``matrix`` would run every data set at each ``dvc repro``. So the
``dvc.yaml`` of a folder is generated from the repository's own.
"""

import math
import re
from pathlib import Path
from typing import Any

import yaml

from text2video.data.layouts import require_videos
from text2video.errors import UserError
from text2video.files import write_text

PRODUCED = ("data", "models", "metrics")
INPUTS = ("tutorial/measured",)  # of the repository's own pipeline alone
JUDGED = "metrics/plots/confusion_"  # outputs that need labels
PROMPTS = 6  # captions of own videos that are rendered
STEPS, PICTURES = 4000, 8  # of training, at least, and of its samples, if each video is one clip
MOST_EPOCHS = 10_000  # that params.yaml may ask for
# For a flow: its codec should be sharp, and then wants more numbers and small batches.
FLOW = {
    "model.kind": "flow",
    "codec.optimizer": "muon",
    "codec.channels": "16",
    "codec.batch": "16",
    "codec.steps": "10000",
}
Entry = str | dict[str, Any]  # an output or a plot: its path, with options or without
HEAD = """# Generated from ../dvc.yaml by `python -m stages.new {name}`; run that again when ../dvc.yaml has changed.
# The settings are in params.yaml beside it; `dvc repro {name}/dvc.yaml` runs it.
"""
UNCACHED = """#
# Its outputs are `cache: false`, so that `dvc pull` and `dvc checkout` do not ask for them where it was never run. They
# are in this folder and nowhere else: before you queue experiments, run `python -m stages.new {name} --cache`.
"""


def pipeline_text(root: Path, name: str, cache: bool | None = None) -> str:
    """The text of ``NAME/dvc.yaml``: the stages of ``root/dvc.yaml`` with ``--root NAME``.

    ``cache`` says whether outputs go into DVC's cache; None: as the old file has it, or else yes.
    """
    main = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    sections = set(yaml.safe_load((root / name / "params.yaml").read_text(encoding="utf-8")))
    old = root / name / "dvc.yaml"
    if cache is None:
        cache = not (old.exists() and loses_outputs(old))
    stages = {stage: _moved(settings, name, sections, cache) for stage, settings in main["stages"].items()}
    # Plots are named relative to the file that names them, so they stay as they are.
    plots = [entry for entry in main["plots"] if _is_made(entry, sections)]
    text = yaml.safe_dump({"stages": stages, "plots": plots}, sort_keys=False, width=120, allow_unicode=True)
    return (HEAD + ("" if cache else UNCACHED)).format(name=name) + "\n" + text


def loses_outputs(pipeline: Path) -> bool:
    """Whether the outputs of a ``dvc.yaml`` are in its folder alone: an experiment in a copy would leave them there."""
    stage = yaml.safe_load(pipeline.read_text(encoding="utf-8"))["stages"]["train"]
    return {"cache": False} in (next(iter(out.values())) for out in stage["outs"] if isinstance(out, dict))


def _moved(stage: dict[str, Any], name: str, sections: set[str], cache: bool) -> dict[str, Any]:
    """One stage, with its products in the folder ``name`` and those of its parameters whose sections are there."""

    def known(key: str) -> bool:
        """Whether the section of a parameter, ``videos.folder`` or ``${videos.folder}``, is there."""
        return key.removeprefix("${").split(".")[0] in sections

    moved = {"desc": stage["desc"], "wdir": "..", "cmd": f"{stage['cmd']} --root {name}"}
    paths = [path for path in stage["deps"] if not path.startswith("${") or known(path)]
    inputs = [path for path in paths if path not in INPUTS]
    moved["deps"] = [_path(path, name) if path != "params.yaml" else f"{name}/params.yaml" for path in inputs]
    if "params" in stage:
        own = [key for key in stage["params"] if known(key)]
        moved["params"] = [{f"{name}/params.yaml": own}]
    for kind in ("outs", "metrics"):
        if kind in stage:
            moved[kind] = [_output(entry, name, cache) for entry in stage[kind] if _is_made(entry, sections)]
    return moved


def _is_made(entry: Entry, sections: set[str]) -> bool:
    """Whether a pipeline makes an output: without a drawn world there are no labels, and nothing that is judged."""
    return "world" in sections or not _split(entry)[0].startswith(JUDGED)


def _split(entry: Entry) -> tuple[str, dict[str, Any]]:
    """Path and options of an output or a plot."""
    return (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))


def _output(entry: Entry, name: str, cache: bool) -> Entry:
    path, options = _split(entry)
    options = options if cache else {**options, "cache": False}
    return {_path(path, name): options} if options else _path(path, name)


def _path(path: str, name: str) -> str:
    return f"{name}/{path}" if path.split("/")[0] in PRODUCED else path


def new_pipeline(
    root: Path, name: str, videos: str | None, cache: bool | None = None, flow: bool = False
) -> list[Path]:
    """Write ``NAME/dvc.yaml`` and, where there is none, ``NAME/params.yaml`` after the repository's own.

    With ``videos`` its clips come from that folder of captioned videos, and its prompts are some of their captions;
    with ``flow`` its model is a flow; ``cache`` as for ``pipeline_text``. Returns what was written. Raises UserError
    for a name that is no simple one or that is taken, and for a folder that holds no captioned video.
    """
    folder = root / name
    if not name.isidentifier() or name in (*PRODUCED, "src", "stages", "tests", "docs", "benchmarks"):
        fault = f"{name!r} cannot be the name of a pipeline's folder"
        raise UserError(f"{fault}; use letters, digits and _, a letter first, and no name of the repository's own")
    if videos is not None and any(_holds(Path(videos), folder / part) for part in ("", *PRODUCED)):
        raise UserError(f"{videos}: the stages would write {folder} into the videos; give the pipeline another name")
    written, params = [], folder / "params.yaml"
    if not params.exists():
        text = (root / "params.yaml").read_text(encoding="utf-8")
        for key, value in FLOW.items() if flow else ():
            text = _set(text, key, value)
        write_text(params, _params_text(text, name, videos))
        written.append(params)
    elif videos is not None or flow:
        raise UserError(f"{params} is there already; set videos.folder and model.kind in it")
    write_text(folder / "dvc.yaml", pipeline_text(root, name, cache))
    return [*written, folder / "dvc.yaml"]


def _holds(videos: Path, other: Path) -> bool:
    """Whether another folder is that of the videos, or in it."""
    return other.resolve().is_relative_to(videos.resolve())


def _params_text(text: str, name: str, videos: str | None) -> str:
    """The text of ``NAME/params.yaml``; with ``videos``, without the sections that it does not use."""
    _, _, rest = text.partition("\n")
    change = f"dvc exp run {name}/dvc.yaml -S {name}/params.yaml:train.epochs=30"
    head = f"# The settings of the pipeline in {name}/. Paths count from the repository, where the stages run.\n"
    head += f"# `{change}` changes one value and reruns what depends on it.\n"
    if videos is None:
        return head + rest
    listing = require_videos(Path(videos))
    taken = [video.caption for video in listing.videos if not video.problem]
    captions = list(dict.fromkeys(taken))[:PROMPTS]
    for section in ("world", "frame_gan"):
        rest = re.sub(rf"(?ms)^{section}:.*?(?=^\w)", "", rest)
    rest = _set(_set(rest, "data.source", "videos"), "videos.folder", _scalar(videos))
    train = yaml.safe_load(rest)["train"]
    epochs = min(math.ceil(STEPS * train["batch"] / len(taken)), MOST_EPOCHS)
    if epochs > train["epochs"]:
        rest = _set(_set(rest, "train.epochs", str(epochs)), "train.sample_every", str(math.ceil(epochs / PICTURES)))
    prompts = "".join(f"  - {_scalar(caption)}\n" for caption in captions)
    return head + re.sub(r"(?m)^  prompts:\n(?:  - .*\n)+", lambda _: f"  prompts:\n{prompts}", rest)


def _scalar(text: str) -> str:
    """A text as YAML on one line, in any script."""
    return yaml.safe_dump(text, default_style='"', allow_unicode=True, width=math.inf).strip()


def _set(text: str, key: str, value: str) -> str:
    """``text`` of params.yaml with ``key``, such as ``model.kind``, set to ``value``; comments stay."""
    section, name = key.split(".")
    place = re.compile(rf"(^{section}:.*?^  {name}: )[^\n]*?(?= #|$)", re.MULTILINE | re.DOTALL)
    return place.sub(lambda found: found[1] + value, text, count=1)
