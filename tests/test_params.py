"""``params.yaml``: what is read from it, and what is refused before anything is touched."""

import copy
import json
import math
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from hypothesis import given
from hypothesis import strategies as st
from tiny import ROOT, tiny_params, write_params

from stages import autoencode, check, evaluate, export, index, render, synthesize, train
from text2video.errors import UserError
from text2video.params import load_params

PAGE = tiny_params()
PIPELINES = [ROOT, ROOT / "tutorial", ROOT / "digits", ROOT / "scenes"]
Edit = Callable[[Any], object]


def refusal(folder: Path, page: Any) -> str:
    """What is said about parameters: by the check alone, which is the first to see it, and which touches nothing."""
    write_params(folder / "params.yaml", page)
    with pytest.raises(UserError) as caught:
        check.main(folder)
    assert [path.name for path in folder.iterdir()] == ["params.yaml"]
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 300, message
    return message


@pytest.mark.parametrize("pipeline", PIPELINES, ids=["main", "tutorial", "digits", "scenes"])
def test_params_yaml_survives_what_dvc_does_to_it(pipeline: Path, tmp_path: Path) -> None:
    """``-S`` writes the whole page anew: it should change one line of it, keep the comments, and stay readable.

    (Behind the key of a list, a comment would swallow the line that follows once the list is emptied.)
    """
    page, copy = pipeline / "params.yaml", tmp_path / "params.yaml"
    load_params(Path(shutil.copy(page, copy)))
    apply_overrides(copy, ["codec.seed=7"])
    before, after = page.read_text().splitlines(), copy.read_text().splitlines()
    assert [pair for pair in zip(before, after, strict=True) if len(set(pair)) == 2] == [("  seed: 0", "  seed: 7")]
    comments = re.findall("#.*", page.read_text())
    values = yaml.safe_load(page.read_text())
    lists = [(section, key) for section in values for key in values[section] if isinstance(values[section][key], list)]
    shutil.copy(page, copy)
    apply_overrides(copy, [f"{section}.{key}=[]" for section, key in lists])
    for section, key in lists:
        values[section][key] = []
    assert yaml.safe_load(copy.read_text()) == values
    assert re.findall("#.*", copy.read_text()) == comments


def test_numbers_are_read_however_they_are_spelt(tmp_path: Path) -> None:
    """DVC writes ``-S train.lr=1e-5`` as ``1e-05``, which is text to many readers; 1 is as good as 1.0."""
    page = tiny_params(train={"lr": 1e-5, "lr_final": "2e-6", "ema": 0, "epochs": 3})
    path = write_params(tmp_path / "params.yaml", page)
    assert "\n  lr: 1e-05 " in path.read_text()
    train = load_params(path).train
    values = (train.lr, train.lr_final, train.ema, train.epochs)
    assert values == (1e-5, 2e-6, 0.0, 3.0)
    assert all(type(value) is float for value in values)


@pytest.mark.parametrize(
    ("edit", "key"),
    [
        (lambda page: page["train"].update(lr=-1), "train.lr"),
        (lambda page: page["train"].update(lr="fast"), "train.lr"),
        (lambda page: page["train"].update(lr=math.inf), "train.lr"),
        (lambda page: page["video_gan"].update(gamma=math.inf), "video_gan.gamma"),
        (lambda page: page["video_gan"].update(mismatch=math.nan), "video_gan.mismatch"),
        (lambda page: page["codec"].update(noise=math.nan), "codec.noise"),
        (lambda page: page["train"].update(epochs=True), "train.epochs"),
        (lambda page: page["train"].update(epochs=-3), "train.epochs"),
        (lambda page: page["train"].update(batch=2.5), "train.batch"),
        (lambda page: page["train"].update(betas=[0, 0.99]), "train.betas"),
        (lambda page: page["train"].pop("lr"), "train.lr"),
        (lambda page: page.pop("codec"), "codec"),
        (lambda page: page.update(trian={"lr": 1}), "trian"),
        (lambda page: page.update(train=None), "train"),
        (lambda page: page.update(train=[1, 2]), "train"),
        (lambda page: page["model"].update(kind="diffusion"), "model.kind.*video_gan, flow, frame_gan"),
        (lambda page: page["model"].update(kind="train"), "model.kind"),
        (lambda page: page["train"].update(effort=0.5), "train.effort.*video_gan.gate_penalty"),
        (lambda page: page["data"].update(train_clips=5), "data.train_clips.*world.train_clips"),
        (lambda page: page.update(gan={"kind": "video"}), "gan.*model.kind"),
        (lambda page: page["data"].update(size=[64, 48]), "data.size.*data.source shapes"),
        (lambda page: page["video_gan"].update(width=10**6), "video_gan.width"),
        (lambda page: page["video_gan"].update(critic_width=10**6), "video_gan.critic_width"),
        (lambda page: page["codec"].update(channels=10**6), "codec.channels"),
        (lambda page: page["text"].update(dim=10**6), "text.dim"),
        (lambda page: page["data"].update(seed=2**32), "data.seed"),
        (lambda page: page["flow"].update(neighbours=0.5), r"flow\.neighbours; it is flow\.token_shift now"),
        (lambda page: page["data"].update(size=60), r"params.yaml: data\.size: .*multiple of 8 \(it is 60"),
        (lambda page: page["codec"].update(stepss=page["codec"].pop("steps")), "unknown key codec.stepss"),
        (lambda page: page["data"].update(size=8), "data.size"),
        (lambda page: page["data"].update(frames=1), "data.frames"),
        (lambda page: page["world"].update(train_clips=0), "world.train_clips"),
        (lambda page: page["world"].update(objects=[]), "world.objects"),
        (lambda page: page["world"].update(objects=[True, 2]), "world.objects"),
        (lambda page: page["world"].update(objects=[1, 4]), "world.objects.1"),
        (lambda page: page["world"].update(background=[255, 255, 255]), "world.backgrounds"),
        (lambda page: page["world"].update(shapes="circle"), "world.shapes"),
        (lambda page: page["world"].update(shapes=[]), "world.shapes"),
        (lambda page: page["world"].update(shapes=["hexagon"]), "world.shapes.*hexagon.*circle, square, triangle"),
        (lambda page: page["world"].update(train_prompts=["a dog"]), "world.train_prompts.*a dog"),
        (lambda page: page["world"].update(test_prompts=["circle moving up", " "]), "world.test_prompts.*empty"),
        (lambda page: page["world"].update(test_prompts=["red hexagon"]), "world.test_prompts.*red hexagon.*: hexagon"),
        (lambda page: page["world"].update(test_prompts=["red blue ball"]), "world.test_prompts.*: red, blue"),
        (lambda page: page["world"].update(test_prompts=["hexagon " * 200]), "world.test_prompts.*hexagon"),
        (lambda page: page["export"].update(candidates=0), "export.candidates"),
        (lambda page: page["export"].update(candidates=10**6), "export.candidates"),
        (lambda page: page["render"].update(prompts=["?!"]), "render.prompts.*no word"),
        (lambda page: page["render"].update(prompts=[]), "render.prompts"),
        (lambda page: page["render"].update(prompts=[None]), "render.prompts.0"),
        (lambda page: page["runtime"].update(threads=-1), "runtime.threads"),
        (lambda page: [page["model"].update(kind="flow"), page["data"].update(size=24)], "data.size.*flow.patch"),
        (lambda page: [page["model"].update(kind="flow"), page["codec"].update(kind="identity")], "flow.patch.*10240"),
        (lambda page: [page["model"].update(kind="frame_gan"), page["data"].update(size=32)], "data.size.*model.kind"),
    ],
)  # fmt: skip
def test_a_bad_value_is_one_line_that_names_its_key(tmp_path: Path, edit: Edit, key: str) -> None:
    """The person reads which key to mend, and nothing was written or lost."""
    page = tiny_params()
    edit(page)
    assert re.search(rf"\b{key}\b", refusal(tmp_path, page))


@given(data=st.data())
def test_any_value_in_any_place_is_taken_or_refused_in_one_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Whatever is typed into params.yaml, no traceback comes of it, and no truth value or NaN passes for a number."""
    path, page = tmp_path_factory.getbasetemp() / "any.yaml", copy.deepcopy(PAGE)
    section = data.draw(st.sampled_from(list(page)))
    key = data.draw(st.sampled_from([*page[section], "new"]))
    scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20)
    page[section][key] = data.draw(scalars | st.lists(scalars, max_size=3) | st.just({"a": 1}))
    path.write_text(json.dumps(page))  # JSON is YAML too
    taken, refused = None, None
    try:
        taken = getattr(getattr(load_params(path), section), key)
    except UserError as error:
        refused = str(error)
    assert refused is None or re.fullmatch(rf".*\b{section}\.{key}\b.*", refused)
    assert type(taken) is not bool
    assert not isinstance(taken, float) or math.isfinite(taken)


ONE = {"train_clips": 1, "validation_clips": 1, "test_clips": 1, "prompt_clips": 1}
EDGES: dict[str, dict[str, dict[str, Any]]] = {
    "one clip, batches larger than that": {
        "world": ONE,
        "codec": {"batch": 5000, "steps": 1},
        "train": {"batch": 5000},
    },
    "nothing to say": {
        "world": ONE | {"shapes": ["circle"], "colours": ["red"], "motions": ["up"], "unseen_combinations": 0}
        | {"unseen_motions": [], "test_clips": 0, "test_prompts": [], "train_prompts": ["circle moving up"]},
    },
    "two frames, an odd size": {"data": {"size": 24, "frames": 2}, "world": ONE, "codec": {"steps": 0}},
    "pixels in the video GAN": {"data": {"size": 16}, "world": ONE, "codec": {"kind": "identity"}},
    "pixels in the flow": {"data": {"size": 16}, "world": ONE, "codec": {"kind": "identity"}}
    | {"model": {"kind": "flow"}},
    "latents in the frame GAN": {"world": ONE, "model": {"kind": "frame_gan"}},
    "the smallest networks": {
        "world": ONE,
        "text": {"dim": 1},
        "codec": {"channels": 1, "width": 1, "batch": 1},
        "video_gan": {"noise_dim": 1, "width": 1, "code_dim": 1, "harmonics": 1, "critic_width": 4},
        "train": {"batch": 1, "epochs": 1e-6, "sample_every": 1e-6},
    },
}  # fmt: skip


@pytest.mark.parametrize("edge", EDGES)
def test_whatever_passes_the_check_runs_to_the_end(tmp_path: Path, edge: str) -> None:
    """At the edge of what may be set, no stage finds after an hour what the check could have said at once."""
    write_params(tmp_path / "params.yaml", tiny_params(**EDGES[edge]))
    for stage in (check, synthesize, index, autoencode, train, export, render, evaluate):
        stage.main(tmp_path)
    assert (tmp_path / "metrics" / "evaluation.json").is_file()


def test_a_device_that_is_not_there_is_found_by_the_check(tmp_path: Path) -> None:
    """Not by the training, for which DVC has removed the last model by then."""
    assert "runtime.device" in refusal(tmp_path, tiny_params(runtime={"device": "abacus"}))
