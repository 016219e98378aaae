"""The prompts of ``params.yaml`` as video files of every kind, for people and for ``dvc plots``."""

from typing import Any

import numpy as np

from text2video import bundle, console, media
from text2video.files import replace_folder, write_json
from text2video.layout import Layout
from text2video.params import RenderParams
from text2video.sheets import contact_sheet, film_strip, save_png, wall
from text2video.text.spelling import require_words

SHEET_CLIPS = 100  # on the contact sheet; more would be a picture that nobody can open


def render(params: RenderParams, layout: Layout) -> None:
    """Write ``params.count`` videos of each prompt to ``layout.videos``, with the model in ``layout.export``.

    The folder holds ``gif/ mp4/ avi/ strips/`` with ``NNN_slug_k.ext`` (prompt NNN, its video k), the strips
    in ``sheet.png``, all videos playing side by side in ``wall.gif``, the exact prompts in ``manifest.json``.
    Raises UserError for a prompt without a word.
    """
    for prompt in params.prompts:
        require_words(prompt)
    watch = console.Stopwatch()
    with watch("load"):
        model = bundle.load_model(layout.export)
    entries: list[dict[str, Any]] = []
    shown: list[tuple[np.ndarray, str]] = []
    with (
        replace_folder(layout.videos) as folder,
        console.Progress("render", len(params.prompts), "prompts") as progress,
    ):
        for number, prompt in enumerate(params.prompts):
            with watch("generate"):
                clips = model.generate([prompt], seed=params.seed, count=params.count)
            with watch("write"):
                for index, clip in enumerate(clips):
                    name = f"{number:03}_{media.slug(prompt)}_{index}"
                    files = [f"gif/{name}.gif", f"mp4/{name}.mp4", f"avi/{name}.avi", f"strips/{name}.png"]
                    media.save_gif(folder / files[0], clip, model.fps, params.scale)
                    media.save_mp4(folder / files[1], clip, model.fps)
                    media.save_avi(folder / files[2], clip, model.fps)
                    save_png(folder / files[3], film_strip(clip))
                    entries.append({"prompt": prompt, "seed": params.seed, "index": index, "files": files})
            shown += [(clip, prompt) for clip in clips[: SHEET_CLIPS - len(shown)]]
            progress.update(number + 1)
        with watch("write"):
            clips, captions = zip(*shown, strict=True)
            sheet = contact_sheet(clips, captions, columns=1 if len(shown) < 8 else 2)
            save_png(folder / "sheet.png", sheet)
            media.save_gif(folder / "wall.gif", wall(clips, captions, columns=4), model.fps)
        write_json(folder / "manifest.json", {"fps": model.fps, "videos": entries})
    watch.report()
