"""The flow: that it learns what words mean, keeps what is given, and can be asked for more than a prompt."""

import dataclasses
import json
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny import ROOT, tiny_params, write_params
from typer.testing import CliRunner

from stages import autoencode, export, index, synthesize, train
from text2video import bundle
from text2video.bundle import Wishes, load_model, shipped_model
from text2video.cli import app
from text2video.errors import UserError
from text2video.models.base import Batch, SampleOptions, Spec
from text2video.models.codec import IdentityCodec
from text2video.models.flow import Flow
from text2video.params import TrainParams, load_params
from text2video.text.encoder import WordEncoder
from text2video.text.prompts import Prompts
from text2video.training.trainer import Trainer

SHAPE, FRAMES = (3, 4, 4), 4
CODEC = IdentityCodec(SHAPE[1:])
RISE, FALL = 2, 3  # numbers of two words


def clips_of(words: torch.Tensor, level: torch.Tensor) -> torch.Tensor:
    """Clips that begin at a level and grow lighter (RISE) or darker (FALL), float[N, FRAMES, *SHAPE]."""
    slope = torch.where(words == RISE, 0.2, -0.2)[:, None] * torch.arange(FRAMES)
    return (level[:, None] + slope)[:, :, None, None, None].expand(-1, -1, *SHAPE)


def told(words: torch.Tensor) -> Prompts:
    """Prompts of one word each."""
    return Prompts(words[:, None], torch.ones(len(words), 1, dtype=torch.bool), torch.empty(len(words), 0))


@cache
def trained(guided_from: float = 1.0, steps: int = 400) -> Flow:
    """A flow of toy size, trained on such clips."""
    torch.manual_seed(0)
    changed = {"depth": 2, "context_share": 0.5, "time_mean": 0.0, "guided_from": guided_from, "steps": 12}
    own = load_params(ROOT / "params.yaml").flow.model_copy(update=changed)
    page = TrainParams(seed=0, epochs=1, batch=16, lr=3e-3, lr_final=1e-4, ema=0.97, precision="fp32", sample_every=1)
    model = Flow(own, Spec(SHAPE, FRAMES, lambda: WordEncoder(4, 8, "sum"), 8))
    trainer, rng = Trainer(model, CODEC, page, steps), torch.Generator().manual_seed(0)
    for step in range(steps):
        words = torch.randint(RISE, FALL + 1, (16,), generator=rng)
        clips = clips_of(words, 0.4 * torch.rand(16, generator=rng) - 0.2)
        prompts = told(words)
        trainer.step(Batch(clips, prompts, prompts, step / steps, step, 16, slice(0, 16), rng))
    average = trainer.average.eval()
    assert isinstance(average, Flow)
    return average


def draw(words: list[int], seed: int = 0, **options) -> torch.Tensor:
    """A video of each word, float[N, FRAMES, 3, 4, 4]."""
    noise = torch.randn((len(words), FRAMES, *SHAPE), generator=torch.Generator().manual_seed(seed))
    model = trained()
    with torch.no_grad():
        return model.sample(noise, told(torch.tensor(words)), CODEC, SampleOptions(**options))


def slopes(videos: torch.Tensor) -> list[float]:
    """How much lighter each video becomes from its first frame to its last."""
    means = videos.mean((2, 3, 4))
    return (means[:, -1] - means[:, 0]).tolist()


def test_words_decide_what_is_drawn() -> None:
    """Of eight videos of either word, all do what it says; without guidance most do."""
    assert all(slope > 0.3 for slope in slopes(draw([RISE] * 8)))
    assert all(slope < -0.3 for slope in slopes(draw([FALL] * 8)))


def test_guidance_makes_the_prompt_count(monkeypatch: pytest.MonkeyPatch) -> None:
    """At guidance 0 the word changes nothing; with half of it, the two words are less far apart than with all."""
    model, apart = trained(), []
    monkeypatch.setattr(model, "params", model.params.model_copy(update={"renoise": 0.0}))  # else half is enough
    for guidance in (0.0, 0.5, 1.0):
        rise, fall = draw([RISE] * 8, guidance=guidance), draw([FALL] * 8, guidance=guidance)
        apart.append(float((rise - fall).abs().mean()))
    assert apart[0] < 1e-6
    assert apart[1] < apart[2]


def test_guidance_is_learned_so_that_a_step_takes_one_evaluation() -> None:
    """As trained, each step evaluates the network once for a video; another guidance, or none learned, takes two."""
    noise, prompts = torch.randn(3, FRAMES, *SHAPE), told(torch.tensor([RISE] * 3))
    for guided_from, guidance, rows in ((0.5, None, 3), (0.5, 2.0, 3), (0.5, 1.5, 6), (1.0, None, 6)):
        model, seen = trained(guided_from), []
        handle = model.network.register_forward_hook(lambda network, given, out, seen=seen: seen.append(len(out)))
        model.sample(noise, prompts, CODEC, SampleOptions(steps=4, guidance=guidance))
        handle.remove()
        assert seen == [rows] * 4


def test_what_guidance_is_learned_is_what_two_evaluations_give() -> None:
    """The velocity of a flow that learned guidance is nearer to the other flow's guided velocity than to its own."""
    words = torch.tensor([RISE, FALL] * 8)
    clean = clips_of(words, torch.zeros(16))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    x, times = torch.lerp(noise, clean, 0.3), torch.full_like(clean[:, :, :1, :1, :1], 0.3)
    found, learner = [], trained(guided_from=0.5)
    with torch.no_grad():
        for model, guidance in ((learner, 2.0), (trained(), 2.0), (trained(), 1.0)):
            texts = [model.text_encoder(told(words))]
            options = SampleOptions(guidance=guidance)
            found.append(model.guided_velocity(x, torch.zeros_like(x), times, texts, options))
    learned, guided, plain = found
    assert (learned - guided).square().mean() < 0.5 * (guided - plain).square().mean()


def test_first_frames_are_kept_and_gone_on_from() -> None:
    """A frame that is given comes back as it was, and the video begins at its level."""
    levels = torch.tensor([-0.2, 0.0, 0.2])
    first = clips_of(torch.tensor([RISE] * 3), levels)[:, :1]
    for guidance in (None, 1.0):
        video = draw([RISE] * 3, first=first, guidance=guidance)
        assert torch.equal(video[:, :1], first)
        assert all(slope > 0.3 for slope in slopes(video))
    assert (video[:, 1].mean((1, 2, 3)) - levels - 0.2).abs().max() < 0.15


def test_a_video_is_varied_as_much_as_is_asked() -> None:
    """Not at all, the video comes back; the more, the further from it."""
    like = clips_of(torch.tensor([RISE] * 6), torch.linspace(-0.2, 0.2, 6))
    far = [float((draw([RISE] * 6, like=like, change=change) - like).abs().mean()) for change in (0, 0.3, 1)]
    assert far[0] < 1e-5
    assert far[0] < far[1] < far[2]


def test_two_prompts_are_mixed() -> None:
    """With no share of the other prompt it changes nothing; with all of it, it is alone; in between lies between."""
    other = told(torch.tensor([FALL] * 4))
    mixed = [draw([RISE] * 4, towards=other, share=share) for share in (0.0, 0.5, 1.0)]
    assert torch.allclose(mixed[0], draw([RISE] * 4), atol=1e-5)
    assert torch.allclose(mixed[2], draw([FALL] * 4), atol=1e-5)
    ends = [sum(slopes(video)) for video in mixed]
    assert ends[0] > ends[1] > ends[2]


@settings(max_examples=10)
@given(st.lists(st.sampled_from([RISE, FALL]), min_size=1, max_size=5), st.integers(0, 9))
def test_a_video_does_not_depend_on_its_neighbours(words: list[int], seed: int) -> None:
    """In a batch and alone, whatever the others say and however long their prompts are."""
    noise = torch.randn((len(words), FRAMES, *SHAPE), generator=torch.Generator().manual_seed(seed))
    tokens = torch.tensor([[word, 0, 0] for word in words])
    tokens[-1, 1:] = RISE  # the longest prompt
    prompts = Prompts(tokens, tokens > 0, torch.empty(len(words), 0))
    alone = Prompts(tokens[:1, :1], tokens[:1, :1] > 0, torch.empty(1, 0)) if len(words) > 1 else prompts
    model = trained()
    with torch.no_grad():
        together = model.sample(noise, prompts, CODEC)
        assert torch.allclose(model.sample(noise[:1], alone, CODEC), together[:1], atol=1e-4)


def test_the_velocity_that_is_learned_is_that_of_straight_lines() -> None:
    """From noise to clips that the flow knows, its velocity comes near x1 - x0; a step to the end gives the clip."""
    words = torch.tensor([RISE, FALL] * 8)
    clean = clips_of(words, torch.zeros(16))
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(1))
    model = trained()
    for time in (0.3, 0.6):
        x, times = torch.lerp(noise, clean, time), torch.full_like(clean[:, :, :1, :1, :1], time)
        with torch.no_grad():
            text = model.text_encoder(told(words))
            velocity = model.velocity(x, torch.zeros_like(x), times, text)
        assert (velocity - (clean - noise)).square().mean() < 0.2
        assert (x + (1 - time) * velocity - clean).abs().mean() < 0.15


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pipeline folder with a tiny flow that has been through the stages."""
    root = tmp_path_factory.mktemp("flow")
    write_params(root / "params.yaml", tiny_params(model={"kind": "flow"}, train={"epochs": 1}))
    for stage in (synthesize, index, autoencode, train, export):
        stage.main(root)
    Image.new("RGB", (90, 60), "white").save(root / "picture.png")
    return root


def generate(root: Path, out: str, *options: str | Path, code: int = 0) -> str:
    """``text2video generate`` with the exported model, as a user calls it. Returns what it says."""
    command = ["generate", "a red circle moving up", "--model", root / "models" / "export", "--format", "npy"]
    done = CliRunner().invoke(app, [str(part) for part in (*command, "--out", root / out, *options)])
    assert done.exit_code == code or isinstance(done.exception, UserError), done.output
    return f"{done.output}{done.exception}"


def clip(root: Path, out: str) -> np.ndarray:
    """The video in a folder."""
    (file,) = (root / out).glob("*.npy")
    loaded: np.ndarray = np.load(file)
    return loaded


def test_the_table_of_options_is_written(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Protects the picture in the docs: each option draws what it should, and is judged."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    options, rows = import_module("options"), []
    monkeypatch.setattr(options, "report", lambda name, found: rows.extend(found))
    options.main(str(exported / "models" / "export"), exported, 2, tmp_path / "options.png")
    assert len(rows) == 15
    assert all(0 <= row["joint"] <= 1 for row in rows)
    assert Image.open(tmp_path / "options.png").width > 640


def test_a_direction_is_seen_before_the_object_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """A square that goes right by four pixels a frame, and is out of the frame in the end; a blank has no direction."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")
    clips = np.full((2, 14, 64, 64, 3), 255, np.uint8)
    for frame in range(14):
        left = 10 + 4 * frame
        clips[0, frame, 30:41, left : min(left + 11, 64)] = (255, 0, 0)
    off = import_module("options").off_direction
    assert off(clips, np.deg2rad([0, 0])).tolist() == pytest.approx([0, 180], abs=0.5)
    assert off(clips, np.deg2rad([45, 0]))[0] == pytest.approx(45, abs=0.5)


def test_the_command_line_asks_for_more_than_a_prompt(exported: Path) -> None:
    """Each option changes what it should and nothing else."""
    generate(exported, "plain")
    plain = clip(exported, "plain")
    assert plain.shape == (10, 64, 64, 3)
    generate(exported, "again", "--guidance", "2", "--steps", "2")
    assert np.array_equal(clip(exported, "again"), plain)
    generate(exported, "long", "--frames", "23")
    assert clip(exported, "long").shape == (23, 64, 64, 3)
    assert np.array_equal(clip(exported, "long")[:10], plain)
    generate(exported, "short", "--frames", "4")
    assert np.array_equal(clip(exported, "short"), plain[:4])
    generate(exported, "begun", "--first-frame", exported / "picture.png")
    white = load_model(exported / "models" / "export").reconstruct(np.full((1, 1, 64, 64, 3), 255, np.uint8))
    assert np.abs(clip(exported, "begun")[0].astype(int) - white[0, 0]).max() <= 1
    (video,) = (exported / "plain").glob("*.npy")
    generate(exported, "varied", "--like", video, "--change", "0")
    through = load_model(exported / "models" / "export").reconstruct(plain[None])[0]
    assert np.abs(clip(exported, "varied").astype(int) - through).max() <= 1
    generate(exported, "mixed", "--towards", "blue square shrinking", "--share", "0")
    assert np.abs(clip(exported, "mixed").astype(int) - plain).max() <= 1
    manifest = json.loads((exported / "mixed" / "manifest.json").read_text())
    assert (manifest["towards"], manifest["share"]) == ("blue square shrinking", 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--change", "0.5"), "there is no like"),
        (("--share", "0.5"), "there is no towards"),
        (("--first-frame", "params.yaml"), "params.yaml cannot be read as a picture"),
        (("--first-frame", "nowhere.png"), "nowhere.png"),
        (("--first-frame", "~nobody/nowhere.png"), "nowhere.png is missing"),
        (("--like", "nowhere.mp4"), "nowhere.mp4"),
        (("--like", "~nobody/nowhere.mp4"), "nowhere.mp4"),
        (("--towards", "  "), "empty"),
        (("--towards", "..."), "'...' has no word"),
        (("--like", "picture.png", "--first-frame", "picture.png"), ""),
    ],
)
def test_a_wish_that_cannot_be_read_is_one_line(
    exported: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...], said: str
) -> None:
    """And nothing is written."""
    monkeypatch.chdir(exported)
    assert said in generate(exported, "refused", *options, code=1)
    assert not (exported / "refused").exists()


def test_a_video_to_vary_is_a_whole_one(exported: Path) -> None:
    """One of fewer frames is refused in one line, as is a first part that is as long as a video."""
    model, clip = load_model(exported / "models" / "export"), np.full((10, 64, 64, 3), 255, np.uint8)
    for frames in (1, 9):
        with pytest.raises(UserError, match=rf"like: these are {frames} frames .* 10 to 10 of 64x64 will do"):
            model.generate("red circle moving up", like=clip[:frames])
    with pytest.raises(UserError, match=r"first: these are 10 frames .* 1 to 9 of 64x64 will do"):
        model.generate("red circle moving up", first=clip)


def test_an_unknown_word_is_told_once(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many videos there are, and of the second prompt, too."""
    monkeypatch.setattr(bundle, "BATCH", 1)
    said = generate(exported, "told", "--count", "3", "--towards", "blue zebra")
    assert said.count("zebra") == 1


@pytest.mark.parametrize("kind", ["video_gan", "flow"])
def test_what_is_shipped_loads(kind: str) -> None:
    """Its checksums fit, and its config is of this version."""
    assert load_model(shipped_model(kind)).generate("red circle moving up").shape == (1, 10, 64, 64, 3)


def test_a_kind_without_options_says_so() -> None:
    """The shipped GAN takes a shorter clip, and nothing else."""
    model = load_model(shipped_model())
    assert model.generate("red circle moving up", frames=3).shape[1] == 3
    with pytest.raises(UserError, match="video_gan has no option guidance; such options need a model of kind flow"):
        model.generate("red circle moving up", guidance=2.0)
    with pytest.raises(UserError, match="10 frames at most"):
        model.generate("red circle moving up", frames=11)


def test_every_option_is_one_that_a_wish_can_set() -> None:
    """What users may wish for and what samplers obey have the same names."""
    fields = {field.name for field in dataclasses.fields(SampleOptions)}
    assert fields == set(Wishes.__annotations__) - {"frames"} == set(Flow.options)
