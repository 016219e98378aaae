"""An exported model: complete, checked, seeded."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny import ROOT

import text2video
from text2video import bundle
from text2video.bundle import load_model, save_bundle, ship_bundle, write_manifest
from text2video.errors import UserError
from text2video.files import write_json
from text2video.index import encode_captions
from text2video.layout import Layout
from text2video.models.base import Spec, draw_noise
from text2video.models.codec import build_codec
from text2video.models.video_gan import VideoGAN
from text2video.params import CodecParams, ExportParams, load_params
from text2video.text.encoder import WordEncoder
from text2video.text.words import Words
from text2video.video import to_clips
from text2video.weights import save_network

CODEC = {
    "kind": "conv",
    "seed": 0,
    "channels": 2,
    "width": 8,
    "noise": 0.1,
    "steps": 1,
    "batch": 1,
    "optimizer": "adam",
    "lr": 1,
    "precision": "fp32",
}
PAGE = load_params(ROOT / "params.yaml")
GAN = PAGE.video_gan.model_copy(update={"noise_dim": 4, "width": 8, "code_dim": 8, "critic_width": 8})
TEXT = PAGE.text.model_copy(update={"dim": 4})
PROMPTS = ["red circle moving up", "circle shrinking", "blue square moving down"]


@pytest.fixture(scope="module")
def layout(tmp_path_factory) -> Layout:
    """A pipeline folder with an exported model whose weights are random."""
    torch.manual_seed(0)
    layout = Layout(tmp_path_factory.mktemp("pipeline"))
    words = Words.from_captions(PROMPTS)
    encode_captions(words, PROMPTS, layout.text)
    codec = build_codec(CodecParams(**CODEC), (32, 32))
    shape = codec.latent_shape
    model = VideoGAN(GAN, Spec(shape, 4, lambda: WordEncoder(words.vocabulary, 4, "sum"), 4))
    save_network(layout.codec, {"codec": codec}, {"codec": CODEC, "size": [32, 32]})
    config = {"kind": "video_gan", "model": GAN.model_dump(), "text": TEXT.model_dump(), "frames": 4,
              "latent_shape": shape, "fps": 10, "examples": PROMPTS[:2]}  # fmt: skip
    save_network(layout.model, {"model": model}, config)
    write_json(layout.metrics / "autoencode.json", {"reconstruction_error": 1.5})
    write_json(layout.metrics / "train.json", {"losses": {"loss_d": 0.25}})
    save_bundle(ExportParams(candidates=3), layout)
    return layout


@pytest.fixture
def folder(layout, tmp_path) -> Path:
    """A copy of the exported model, to be damaged."""
    return Path(shutil.copytree(layout.export, tmp_path / "model"))


def test_a_bundle_needs_nothing_else(folder):
    """Protects the promise of the export: the folder alone gives videos, through the public function."""
    clips = text2video.load_model(folder).generate(PROMPTS, seed=1, count=2)
    assert clips.shape == (6, 4, 32, 32, 3)
    assert clips.dtype == np.uint8
    assert len({clip.tobytes() for clip in clips}) == 6


def test_loading_a_model_loads_no_compiler(folder):
    """Protects who waits for a video: torch's symbolic arithmetic takes two seconds to load, unneeded."""
    code = "import sys, text2video; text2video.load_model(sys.argv[1]); sys.exit('sympy' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-c", code, str(folder)], env=environment, check=True)


def test_a_video_depends_on_prompt_seed_and_number_alone(folder):
    """Protects the seed: the same bytes alone, in company, in another order and in another process's model."""
    model = load_model(folder)
    together = model.generate(PROMPTS, seed=3, count=2)
    alone = load_model(folder).generate(PROMPTS[1], seed=3, count=1)
    assert np.array_equal(together[2], alone[0])
    assert np.array_equal(model.generate(PROMPTS[::-1], seed=3, count=2)[:2], together[4:])
    assert not np.array_equal(model.generate(PROMPTS[1], seed=4)[0], alone[0])


def test_the_card_has_the_numbers(layout):
    """Protects the model card: it shows what training measured, not a template."""
    card = (layout.export / "README.md").read_text()
    assert "| autoencode: reconstruction_error | 1.5 |" in card
    assert '{"loss_d": 0.25}' in card
    assert "- circle shrinking" in card


@pytest.mark.parametrize("name", [*bundle.NEEDED, "README.md"])
def test_a_flipped_bit_is_refused(folder, name):
    """Protects against silent corruption: the file is named."""
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(UserError, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", [*bundle.NEEDED, bundle.MANIFEST])
def test_a_missing_or_cut_file_is_refused(folder, name):
    """Protects half-copied models: the file is named."""
    (folder / name).write_bytes((folder / name).read_bytes()[:-7])
    with pytest.raises(UserError, match=name):
        load_model(folder)
    (folder / name).unlink()
    with pytest.raises(UserError, match=name):
        load_model(folder)


@pytest.mark.parametrize("name", ["", "models", "models/trained", "models/export/config.json", "models/exports"])
def test_a_path_near_a_model_is_put_right(layout, name):
    """Protects who names the pipeline's folder, or a part of it: the error says where its exported model is."""
    with pytest.raises(UserError, match=f"no exported model; do you mean {layout.export}\\?$"):
        load_model(layout.root / name)


def test_a_pipeline_that_never_ran_has_no_model(tmp_path):
    """Protects against advice to restore what never was."""
    (tmp_path / "dvc.yaml").touch()
    with pytest.raises(UserError, match=f"run `dvc repro {tmp_path}/dvc.yaml`"):
        load_model(tmp_path)


def test_what_a_forged_manifest_cannot_do(folder):
    """Protects against bundles that fit a forged manifest: shape, finiteness and format are checked."""
    weights = load_file(folder / "model.safetensors")
    key = next(iter(weights))
    for forged in (weights | {key: weights[key] * float("nan")}, weights | {key: weights[key][:1]}):
        save_file(forged, folder / "model.safetensors")
        (folder / bundle.MANIFEST).unlink()
        write_manifest(folder)
        with pytest.raises(UserError, match="model"):
            load_model(folder)
    config = json.loads((folder / "config.json").read_text())
    write_json(folder / "config.json", config | {"format": 99})
    (folder / bundle.MANIFEST).unlink()
    write_manifest(folder)
    with pytest.raises(UserError, match="format"):
        load_model(folder)


def test_an_unknown_word_warns_and_still_gives_a_video(folder, capsys):
    """Protects the reader of a typo: the word and its neighbours are named, and a video comes all the same."""
    clips = load_model(folder).generate(["red cirle moving up"])
    assert clips.shape[0] == 1
    message = capsys.readouterr().err
    assert "cirle" in message
    assert "circle" in message


def test_the_best_of_the_candidates_is_chosen(folder):
    """Protects the choice: of the candidates that one seed gives, the video is the one that the model ranks highest,
    and with one candidate there is none. Turning the ranks round gives another video."""
    loaded = load_model(folder)
    critic = loaded.network.discriminator
    with torch.no_grad():
        for value in critic.parameters():
            value.normal_(0, 0.4)
    noise = draw_noise((3, 4), loaded.canonical(PROMPTS[0]), 7, 0)
    prompts, codec = loaded.frontend.encode(PROMPTS[:1] * 3), loaded.codec
    with torch.no_grad():
        alone = [to_clips(loaded.network.sample(row[None], prompts[[0]], codec)) for row in noise]
        scores = loaded.network.rerank(noise, prompts, codec)
    best, worst = scores.argmax(), scores.argmin()
    assert best != worst
    assert np.abs(loaded.generate(PROMPTS[0], seed=7).astype(int) - alone[best]).max() <= 1
    for match in (critic.frame_projection, critic.path_projection):
        for value in (match.unconditional.weight, match.unconditional.bias, match.query.weight, match.query.bias):
            value.neg_()
    assert np.abs(loaded.generate(PROMPTS[0], seed=7).astype(int) - alone[worst]).max() <= 1
    loaded.candidates = 1
    assert np.array_equal(loaded.generate(PROMPTS[0], seed=7), alone[0])


def test_prompts_that_are_read_alike_have_the_same_videos(folder):
    """Case, punctuation, spaces and words that say nothing change no bit, not even those of the noise."""
    model = load_model(folder)
    plain = model.generate("red circle moving up", seed=2)
    for prompt in ("Red Circle, moving up.", "  red  circle MOVING up", "a red circle that is moving up, please"):
        assert np.array_equal(model.generate(prompt, seed=2), plain), prompt


def test_what_is_shipped_is_the_export(layout, tmp_path, monkeypatch):
    """Protects the package: its weights load as they are, and draw what the export draws."""
    monkeypatch.setattr(bundle, "shipped_model", lambda kind="video_gan": tmp_path / "weights" / kind)
    ship_bundle(layout)
    shipped = load_model(tmp_path / "weights" / "video_gan").generate(PROMPTS, seed=5)
    drawn = load_model(layout.export).generate(PROMPTS, seed=5)
    assert np.array_equal(shipped, drawn)
    ship_bundle(layout, half=True)
    assert (tmp_path / "weights/video_gan/model.safetensors").stat().st_size < 0.6 * (
        layout.export / "model.safetensors"
    ).stat().st_size
    halved = load_model("video_gan").generate(PROMPTS, seed=5)  # by its name: there is no such folder here
    assert np.abs(halved.astype(int) - drawn).mean() < 1


def test_without_a_path_the_pipelines_model_comes_first(layout, tmp_path, monkeypatch):
    """Protects the default: models/export of the current folder, else the shipped weights, else one line of advice."""
    monkeypatch.setattr(bundle, "shipped_model", lambda kind="video_gan": tmp_path / "weights" / kind)
    monkeypatch.chdir(layout.root)
    assert bundle.find_model() == Path("models/export")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match="dvc repro"):
        load_model()
    ship_bundle(layout)
    assert bundle.find_model() == tmp_path / "weights/video_gan"
