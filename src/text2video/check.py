"""Stage ``check``: what can be found wrong in ``params.yaml`` before any other stage runs.

DVC removes a stage's outputs before it starts the stage, so a stage that refuses its parameters has lost them already.
This one runs before all others whenever the page has changed, and has no output but a note that is always the same:
nothing is rerun because of it, and when it fails nothing has been touched.
"""

from pathlib import Path

from text2video.data.layouts import require_videos
from text2video.errors import UserError
from text2video.files import write_text
from text2video.layout import Layout
from text2video.params import Params
from text2video.text.spelling import require_words
from text2video.world import World

NOTE = "params.yaml is valid. The stages wait for this file, so that a mistake is found before any output is touched.\n"


def check(params: Params, layout: Layout) -> None:
    """Refuse with a UserError, naming the key, what no stage could work with; else write ``layout.checked``."""
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
                    world.draw_prompt(prompt, 1, 0)
            except UserError as error:
                raise UserError(f"{layout.params}: {key}: {error}") from error
    write_text(layout.checked, NOTE)
