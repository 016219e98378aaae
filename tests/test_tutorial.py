"""The tutorial's own system: its networks, its recipe, and its pipeline from the first clip to the figures."""

import copy
import json
import shutil
from pathlib import Path

import pytest
import torch
from dvc.utils.hydra import apply_overrides
from safetensors.torch import load_file
from test_pipeline import run_every_stage
from tiny import ROOT
from torch import Tensor, nn

from text2video.layout import Layout
from text2video.models.base import Batch, Spec
from text2video.models.codec import IdentityCodec
from text2video.models.frame_gan import FrameDiscriminator, FrameGAN
from text2video.params import Params, load_params
from text2video.text.encoder import WordEncoder
from text2video.text.kinds import load_text
from text2video.text.prompts import Prompts
from text2video.training.trainer import Trainer

PROMPT = "circle moving up-right"
PARAMS = load_params(ROOT / "tutorial" / "params.yaml")
FRAME = (3, 64, 64)
CODEC = IdentityCodec((64, 64))


def new_gan(params: Params, words: int) -> FrameGAN:
    """New networks, as the parameters ask for them, with a vocabulary of so many words."""
    torch.manual_seed(params.train.seed)
    text = params.text
    encoder = lambda: WordEncoder(words, text.dim, text.pooling)  # noqa: E731
    return FrameGAN(params.frame_gan, Spec(FRAME, 10, encoder, text.dim))


@pytest.fixture
def gan() -> FrameGAN:
    """Those of the tutorial."""
    return new_gan(PARAMS, 20)


def shapes(network: nn.Module) -> dict[str, tuple[int, ...]]:
    """The shape of every weight and bias."""
    return {name: tuple(value.shape) for name, value in network.named_parameters()}


def test_the_parameters_are_the_tutorials() -> None:
    """Its data, its eighteen prompts, its batch, its optimiser: the baseline is the tutorial's, and no weaker one."""
    data, world, train = PARAMS.data, PARAMS.world, PARAMS.train
    assert (world.train_clips, data.frames, data.size, data.fps) == (10_000, 10, 64, 10)
    assert len(set(world.train_prompts or [])) == 18
    assert PROMPT not in (world.train_prompts or [])
    assert PROMPT in world.test_prompts
    assert PROMPT in PARAMS.render.prompts
    assert (train.epochs, train.batch) == (13, 16)
    own = PARAMS.frame_gan
    assert (train.lr, train.lr_final, own.beta1, own.beta2) == (2e-4, 2e-4, 0.5, 0.999)
    assert (PARAMS.text.dim, PARAMS.text.pooling, own.noise_dim) == (10, "mean", 100)
    assert (PARAMS.codec.kind, PARAMS.model.kind, train.precision) == ("identity", "frame_gan", "fp32")


def test_the_generator_is_the_tutorials_layer_for_layer(gan: FrameGAN) -> None:
    """110 numbers to an 8x8 grid of 256, doubled three times, with ReLU between and tanh at the end."""
    generator = gan.generator
    assert shapes(generator) == {
        "fc1.weight": (16384, 110), "fc1.bias": (16384,),
        "deconv1.weight": (256, 128, 4, 4), "deconv1.bias": (128,),
        "deconv2.weight": (128, 64, 4, 4), "deconv2.bias": (64,),
        "deconv3.weight": (64, 3, 4, 4), "deconv3.bias": (3,),
    }  # fmt: skip
    assert sum(value.numel() for value in generator.parameters()) == 2_477_251
    fc1, *deconvs = generator.children()
    layers = nn.Sequential(
        fc1, nn.Unflatten(1, (256, 8, 8)), deconvs[0], nn.ReLU(), deconvs[1], nn.ReLU(), deconvs[2], nn.Tanh()
    )
    assert isinstance(fc1, nn.Linear)
    for layer in deconvs:
        assert isinstance(layer, nn.ConvTranspose2d)
        assert (layer.kernel_size, layer.stride, layer.padding) == ((4, 4), (2, 2), (1, 1))
    noise, text = torch.randn(2, 3, 100), torch.randn(2, 10)
    drawn = generator(noise, text)
    assert drawn.shape == (2, 3, *FRAME)
    for clip in range(2):
        alone = layers(torch.cat((noise[clip], text[clip].expand(3, 10)), dim=1))
        torch.testing.assert_close(drawn[clip], alone)


def test_the_discriminator_is_the_tutorials_and_gets_no_text(gan: FrameGAN) -> None:
    """Three convolutions with leaky ReLU, one linear layer, a probability for each frame: pixels in, nothing else."""
    discriminator = gan.discriminator
    assert isinstance(discriminator, FrameDiscriminator)
    assert shapes(discriminator) == {
        "conv1.weight": (64, 3, 4, 4), "conv1.bias": (64,),
        "conv2.weight": (128, 64, 4, 4), "conv2.bias": (128,),
        "conv3.weight": (256, 128, 4, 4), "conv3.bias": (256,),
        "fc1.weight": (1, 16384), "fc1.bias": (1,),
    }  # fmt: skip
    assert sum(value.numel() for value in discriminator.parameters()) == 675_265
    *convs, fc1 = discriminator.children()
    slope = nn.LeakyReLU(0.2)
    layers = nn.Sequential(
        convs[0], slope, convs[1], slope, convs[2], slope, nn.Flatten(), fc1, nn.Sigmoid(), nn.Flatten(0)
    )
    frames = torch.rand(4, 1, *FRAME) * 2 - 1
    torch.testing.assert_close(discriminator(frames), layers(frames[:, 0]))
    with pytest.raises(TypeError):
        discriminator(frames, torch.zeros(4, 3, dtype=torch.int64))


def bce(probabilities: Tensor, real: bool) -> Tensor:
    """Binary cross-entropy, written out."""
    return -(probabilities if real else 1 - probabilities).log().mean()


def test_the_steps_are_those_of_the_tutorials_loop(gan: FrameGAN) -> None:
    """Two updates of D and G equal, weight by weight, the tutorial's recipe written out beside them.

    But for one thing that the tutorial meant to do and did not: the text embedding is in the generator's optimiser.
    """
    generator, discriminator, embedding = copy.deepcopy((gan.generator, gan.discriminator, gan.text_encoder.embedding))
    before = embedding.weight.detach().clone()
    adam = {"lr": 2e-4, "betas": (0.5, 0.999)}
    optimizer_g = torch.optim.Adam([*generator.parameters(), *embedding.parameters()], **adam)
    optimizer_d = torch.optim.Adam(discriminator.parameters(), **adam)

    trainer = Trainer(gan, CODEC, PARAMS.train, steps=2)
    ours, theirs = (torch.Generator().manual_seed(1) for _ in range(2))
    words = [[2, 3, 4], [5, 2]]
    tokens = torch.tensor([row + [0] * (3 - len(row)) for row in words])
    for step in range(2):
        real = torch.rand(2, 1, *FRAME, generator=torch.Generator().manual_seed(step)) * 2 - 1
        prompts = Prompts(tokens, tokens > 0, torch.empty(2, 0))
        losses = trainer.step(Batch(real, prompts, prompts, step / 2, step, 2, slice(0, 2), ours))

        noise = torch.randn(2, 1, 100, generator=theirs)
        text = torch.stack([embedding(torch.tensor(row)).mean(0) for row in words])
        fake = generator(noise, text)
        loss_d = bce(discriminator(real), True) + bce(discriminator(fake.detach()), False)
        optimizer_d.zero_grad()
        loss_d.backward()
        optimizer_d.step()
        loss_g = bce(discriminator(fake), True)
        optimizer_g.zero_grad()
        loss_g.backward()
        optimizer_g.step()
        assert (losses["loss_d"], losses["loss_g"]) == pytest.approx((loss_d.item(), loss_g.item()), rel=1e-4)

    pairs = ((gan.generator, generator), (gan.discriminator, discriminator), (gan.text_encoder.embedding, embedding))
    for mine, reference in pairs:
        for value, expected in zip(mine.parameters(), reference.parameters(), strict=True):
            torch.testing.assert_close(value, expected, rtol=1e-3, atol=1e-5)
    moved = (embedding.weight - before).abs().amax(1) > 1e-5
    assert moved.nonzero().flatten().tolist() == [2, 3, 4, 5], "each word that was said is trained"
    kept = trainer.average.text_encoder.embedding.weight
    assert torch.equal(kept, gan.text_encoder.embedding.weight), "the weights are kept as they are, no average"


OVERRIDES = {
    "world.train_clips": "40", "world.validation_clips": "8", "world.test_clips": "4", "world.prompt_clips": "3",
    "world.test_prompts": f'["{PROMPT}"]', "render.prompts": f'["{PROMPT}"]', "render.count": "1",
    "train.epochs": "0.2", "runtime.device": "cpu", "runtime.threads": "1",
}  # fmt: skip


def test_the_tutorials_pipeline_runs_small_from_its_first_clip_to_its_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every output that its dvc.yaml lists is made; its test prompt is drawn, judged and recorded."""
    tutorial = tmp_path / "tutorial"
    tutorial.mkdir()
    page = shutil.copy(ROOT / "tutorial" / "params.yaml", tutorial)
    apply_overrides(page, [f"{key}={value}" for key, value in OVERRIDES.items()])
    run_every_stage(tmp_path, "tutorial/", monkeypatch)
    check_videos(tutorial)
    check_figures(tutorial)
    check_trained_embedding(tutorial)


def check_videos(tutorial: Path) -> None:
    """The test prompt as GIF and as the tutorial's AVI."""
    videos = tutorial / "data" / "videos"
    entries = json.loads((videos / "manifest.json").read_text())["videos"]
    (files,) = [entry["files"] for entry in entries if entry["prompt"] == PROMPT]
    assert {name.rpartition(".")[2] for name in files} == {"gif", "avi", "mp4", "png"}
    assert all((videos / name).stat().st_size > 200 for name in files)


def check_figures(tutorial: Path) -> None:
    """The three videos of the test prompt are judged, beside real ones; what the world lacks is left open."""
    page = json.loads((tutorial / "metrics" / "evaluation.json").read_text())
    assert page["prompts"]["joint"]["n"] == 3
    assert 0 <= page["prompts"]["joint"]["value"] <= 1
    assert page["prompts"]["ceiling"]["motion"] == 1
    assert page["unseen_combination"]["joint"]["n"] == 0


def check_trained_embedding(tutorial: Path) -> None:
    """What is exported is not what the embedding began with: the tutorial's own was random for good."""
    params: Params = load_params(tutorial / "params.yaml")
    words = load_text(Layout(tutorial).text).vocabulary
    first = new_gan(params, words).text_encoder.embedding.weight
    last = load_file(tutorial / "models" / "export" / "model.safetensors")["text_encoder.embedding.weight"]
    assert ((last - first).abs() > 1e-5).any(1)[2:].float().mean() > 0.5
