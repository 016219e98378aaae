"""Stage ``check``: what can be found wrong in ``params.yaml`` before any other stage runs.

DVC removes a stage's outputs before it starts the stage, so a stage that refuses its parameters has lost them already.
This one runs before all others whenever ``params.yaml`` has changed, and its only output is a note that is always the
same: nothing is rerun because of it, and when it fails nothing has been touched.
"""

import os
from itertools import chain
from pathlib import Path

from text2video.data.layouts import require_videos
from text2video.errors import UserError
from text2video.files import write_text
from text2video.layout import Layout
from text2video.params import Params
from text2video.pipelines import loses_outputs
from text2video.text.spelling import require_words
from text2video.world import World
from text2video.world.captions import read_scene

NOTE = "params.yaml is valid. The stages wait for this file, so that a mistake is found before any output is touched.\n"


def check(params: Params, layout: Layout) -> None:
    """Refuse with a UserError, naming the key, what no stage could work with; else write ``layout.checked``."""
    _require_cache(layout.root)
    prompts = {"render.prompts": params.render.prompts}
    if params.data.source == "videos":
        require_videos(Path(params.videos.folder))
    else:
        world = World(params)
        prompts = {"world.test_prompts": params.world.test_prompts, **prompts}
    if params.runtime.device not in ("auto", "cpu"):
        from text2video.device import pick_device  # here: torch takes longer to load than all the rest

        pick_device(params.runtime)
    for key, texts in prompts.items():
        for prompt in texts:
            try:
                require_words(prompt)
                if key == "world.test_prompts":
                    _require_understood(prompt)
                    world.draw_prompt(prompt, 1, 0)
            except UserError as error:
                raise UserError(f"{layout.params}: {key}: {error}") from error
    write_text(layout.checked, NOTE)


def _require_understood(prompt: str) -> None:
    """Refuse a prompt by half of which clips would be judged."""
    reading = read_scene(prompt)
    if doubts := [*reading.unknown, *chain(*reading.unclear.values())]:
        raise UserError(
            f"{prompt[:50]!r} cannot be judged, for these words are not understood, or name nothing definite: "
            f"{', '.join(word[:30] for word in doubts[:4])}; change it or leave it out"
        )


def _require_cache(root: Path) -> None:
    """Refuse an experiment in a copy of the repository, which is thrown away, when it would lose its outputs."""
    started, pipeline = os.environ.get("DVC_ROOT"), root / "dvc.yaml"
    if started and Path(started).resolve() != Path.cwd() and pipeline.exists() and loses_outputs(pipeline):
        raise UserError(
            f"{pipeline}: its outputs are `cache: false`, and an experiment that is queued or --temp would lose them; "
            f"run `python -m stages.new {root.name} --cache`, commit, and start it again"
        )
