"""Pipelines of their own in folders: the stages of ``dvc.yaml``, with another ``params.yaml`` and other outputs.

DVC cannot include one ``dvc.yaml`` in another, and a ``matrix`` would run every data set at each ``dvc repro``. So the
``dvc.yaml`` of a folder is generated from the repository's own.
"""

import json
import re
from pathlib import Path
from typing import Any

import yaml

from text2video.data.layouts import require_videos
from text2video.errors import UserError
from text2video.files import write_text

PRODUCED = ("data", "models", "metrics")
INPUTS = ("tutorial/measured",)  # of the repository's own pipeline alone
PROMPTS = 6  # captions of own videos that are rendered
HEAD = """# Generated from ../dvc.yaml by `python -m stages.new {name}`; run that again when ../dvc.yaml has changed.
# The settings are in params.yaml beside it; `dvc repro {name}/dvc.yaml` runs it.
#
# Its outputs are `cache: false`: they are in this folder and nowhere else. `dvc pull` and `dvc checkout` ask for the
# cached outputs of every pipeline in a repository, and would fail wherever this one was never run.

"""


def page_pipeline(root: Path, name: str) -> str:
    """The text of ``NAME/dvc.yaml``: the stages of ``root/dvc.yaml`` with ``--root NAME``."""
    page = yaml.safe_load((root / "dvc.yaml").read_text(encoding="utf-8"))
    sections = set(yaml.safe_load((root / name / "params.yaml").read_text(encoding="utf-8")))
    stages = {stage: _moved(settings, name, sections) for stage, settings in page["stages"].items()}
    # Plots are named relative to the file that names them, so they stay as they are.
    text = yaml.safe_dump(
        {"stages": stages, "plots": page["plots"]}, sort_keys=False, width=120, allow_unicode=True
    )
    return HEAD.format(name=name) + text


def _moved(stage: dict[str, Any], name: str, sections: set[str]) -> dict[str, Any]:
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
            moved[kind] = [_output(entry, name) for entry in stage[kind]]
    return moved


def _output(entry: str | dict[str, Any], name: str) -> dict[str, Any]:
    path, options = (entry, {}) if isinstance(entry, str) else next(iter(entry.items()))
    return {_path(path, name): {**options, "cache": False}}


def _path(path: str, name: str) -> str:
    return f"{name}/{path}" if path.split("/")[0] in PRODUCED else path


def new_page(root: Path, name: str, videos: str | None) -> list[Path]:
    """Write ``NAME/dvc.yaml`` and, where there is none, ``NAME/params.yaml`` after the repository's own.

    With ``videos`` its clips come from that folder of captioned videos, and its prompts are some of their captions.
    Returns what was written. Raises UserError for a name that is no simple one or that is taken, and for a folder that
    holds no captioned video.
    """
    folder = root / name
    if not name.isidentifier() or name in (*PRODUCED, "src", "stages", "tests", "docs", "benchmarks"):
        raise UserError(f"{name!r} cannot be the name of a pipeline's folder; use letters, digits and _")
    written, params = [], folder / "params.yaml"
    if not params.exists():
        text = (root / "params.yaml").read_text(encoding="utf-8")
        write_text(params, _page_params(text, name, videos))
        written.append(params)
    elif videos is not None:
        raise UserError(f"{params} is there already; set videos.folder in it")
    write_text(folder / "dvc.yaml", page_pipeline(root, name))
    return [*written, folder / "dvc.yaml"]


def _page_params(text: str, name: str, videos: str | None) -> str:
    """The text of ``params.yaml`` for the page ``name``; with ``videos``, without the sections that it does not use."""
    _, _, rest = text.partition("\n")
    change = f"dvc exp run {name}/dvc.yaml -S {name}/params.yaml:train.epochs=30"
    head = (
        f"# The settings of the pipeline in {name}/. Paths count from the repository, where the stages run.\n"
    )
    head += f"# `{change}` changes one value and reruns what depends on it.\n"
    if videos is None:
        return head + rest
    listing = require_videos(Path(videos))
    captions = list(dict.fromkeys(video.caption for video in listing.videos if not video.problem))[:PROMPTS]
    for section in ("world", "frame_gan"):
        rest = re.sub(rf"(?ms)^{section}:.*?(?=^\w)", "", rest)
    rest = _set(_set(rest, "source", "videos"), "folder", yaml.safe_dump(videos).split("\n")[0])
    prompts = "".join(f"  - {json.dumps(caption, ensure_ascii=False)}\n" for caption in captions)
    return head + re.sub(r"(?m)^  prompts:\n(?:  - .*\n)+", lambda _: f"  prompts:\n{prompts}", rest)


def _set(text: str, key: str, value: str) -> str:
    """``text`` of params.yaml with the first ``key`` set to ``value``; comments stay."""
    lines = text.split("\n")
    number = next(i for i, line in enumerate(lines) if line.strip().startswith(f"{key}:"))
    line, _, comment = lines[number].partition(" #")
    lines[number] = f"{line.partition(':')[0]}: {value}" + (f" #{comment}" if comment else "")
    return "\n".join(lines)
