"""The networks: shapes, what they depend on, and what they cannot do."""

import math
from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from text2video.models.codec import ConvCodec, IdentityCodec, Patches
from text2video.models.frame_gan import FrameGenerator
from text2video.models.video_gan import GATE_SCALE, VideoDiscriminator, VideoGenerator
from text2video.models.views import looking_back, places, seen, time_functions

SHAPE = (3, 32, 32)
CODEC = IdentityCodec(32)


def video_generator() -> VideoGenerator:
    """A small one, always with the same weights."""
    torch.manual_seed(0)
    return VideoGenerator(SHAPE, frames=6, text_dim=8, noise_dim=5, width=16, code_dim=24, harmonics=3)


def test_codecs_return_what_they_promise():
    """Protects the interface that the GAN relies on: the shape of the code, and a way back to the frame's shape."""
    video = torch.rand(2, 3, 3, 32, 32) * 2 - 1
    for codec in (IdentityCodec(32), ConvCodec(32, channels=4, width=8, noise=0.1)):
        latents = codec.eval().encode(video)
        assert latents.shape == (2, 3, *codec.latent_shape)
        assert codec.decode(latents).shape == video.shape
    assert torch.equal(IdentityCodec(32).decode(IdentityCodec(32).encode(video)), video)


def test_codec_normalises_every_channel():
    """Protects against dead latent channels: whatever the encoder's scale, each channel has spread 1 in training."""
    codec = ConvCodec(32, channels=4, width=8, noise=0.0)
    with torch.no_grad():
        codec.encoder[-2].weight.mul_(0.1)
    spread = codec.encode(torch.randn(8, 4, 3, 32, 32)).std(dim=(0, 1, 3, 4))
    assert spread.min() > 0.5


def test_a_new_generator_already_listens():
    """Protects the initialisation: noise and text must shape the video from the first step, or the GAN collapses."""
    generator = video_generator()
    noise, text = torch.randn(32, 5), torch.randn(32, 8)
    video = generator(noise, text, CODEC)
    assert video.shape == (32, 6, 3, 32, 32)
    spread = video.std()
    assert video.std(0).mean() > 0.3 * spread
    assert (generator(noise, text.flip(0), CODEC) - video).std() > 0.2 * spread
    assert (generator(noise.flip(0), text, CODEC) - video).std() > 0.3 * spread
    assert video.std(1).mean() > 0.02 * spread, "the frames of a video should differ"


def test_time_functions_cannot_flicker():
    """Protects against frames that alternate, and straight paths: no function changes its direction at every frame, and
    what is left of a path without its waves is its best line."""
    functions = time_functions(10, 5)
    turns = (functions.diff(dim=1).sign().diff(dim=1).abs() == 2).sum(1)
    assert turns.max() <= 5
    torch.testing.assert_close(functions[:2] @ functions[2:].T, torch.zeros(2, 10), atol=1e-5, rtol=0)
    torch.testing.assert_close(functions[1], torch.linspace(-1, 1, 10))
    assert time_functions(1, 5).isfinite().all()
    assert time_functions(1, 5).shape == (12, 1)
    assert time_functions(4, 0).shape == (2, 4)


def test_frame_generator_ties_nothing_together():
    """Documents the tutorial's limit: each frame depends on its own noise and on no other frame's."""
    torch.manual_seed(0)
    codec = IdentityCodec(16)
    generator = FrameGenerator(codec.latent_shape, text_dim=4, noise_dim=6)
    noise, text = torch.randn(1, 5, 6), torch.randn(1, 4)
    changed = noise.clone()
    changed[:, 2] += 1
    same = (generator(noise, text, codec) == generator(changed, text, codec)).flatten(2).all(2)[0]
    assert same.tolist() == [True, True, False, True, True]


def test_discriminator_reads_prompt_and_motion():
    """Protects the conditioning: other words, or the frames in another order, are judged differently."""
    torch.manual_seed(0)
    critic = VideoDiscriminator(SHAPE, frames=6, words=9, text_dim=8, width=16)
    for weight in (
        critic.clip_match.query.weight,
        critic.clip_match.real.weight,
        critic.frame_match.query.weight,
        critic.path_match.query.weight,
        critic.path_match.real.weight,
    ):
        torch.nn.init.normal_(weight)  # a new one has no opinion yet
    latents, tokens, frames = torch.randn(3, 6, *SHAPE), torch.randint(1, 9, (3, 4)), torch.tensor([0, 4])
    logits = critic(latents, tokens, frames)
    assert logits.shape == (3, 4)
    assert not torch.allclose(critic(latents, tokens.flip(1) % 8 + 1, frames), logits)
    assert not torch.allclose(critic(latents.flip(1), tokens, frames)[:, 0], logits[:, 0])
    assert not torch.allclose(critic(latents.flip(1), tokens, frames)[:, 1], logits[:, 1])


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_points_lie_where_something_is(frames):
    """Protects the path critic's sight: a spot that moves by a cell moves the points by a cell, x and y alike."""
    torch.manual_seed(0)
    critic = VideoDiscriminator(SHAPE, frames, words=9, text_dim=8, width=16).path
    latents = torch.zeros(1, frames, *SHAPE)
    latents[..., 3, 3] = 5
    with torch.no_grad():
        moved = critic.points(latents.roll((2, 1), dims=(3, 4))) - critic.points(latents)
    assert critic(latents).shape == (1, 256)
    assert moved[..., 0::2].abs().max().item() == pytest.approx(2 / 32, rel=0.3)
    assert moved[..., 1::2].abs().max().item() == pytest.approx(4 / 32, rel=0.3)


def test_the_motions_of_words_add_up():
    """Protects directions that were never trained on: ``up`` moves the view the same beside ``right`` as alone."""
    generator = VideoGenerator(SHAPE, 5, text_dim=8, noise_dim=6, width=16, code_dim=32, harmonics=2)
    noise, up, right = torch.randn(1, 6), torch.randn(1, 8), torch.randn(1, 8)
    assert not generator.words_alone(noise, up).any(), "nobody has told it anything yet"
    torch.nn.init.normal_(generator.word_views.weight)
    with torch.no_grad():
        both = generator.words_alone(noise, up + right)
        assert both.shape == (1, 6, 6)
        torch.testing.assert_close(
            both, generator.words_alone(noise, up) + generator.words_alone(noise, right)
        )
        assert not torch.allclose(both, generator.words_alone(-noise, up + right)), "the noise says how fast"


def views_of(**numbers: float) -> torch.Tensor:
    """One view of one frame."""
    names = ("turn", "along_x", "along_y", "across", "x", "y")
    return torch.tensor([numbers.get(name, 0.0) for name in names])[None, :, None]


def shown(picture: torch.Tensor, pivot: tuple[float, float] = (0, 0), **numbers: float) -> torch.Tensor:
    """A picture, ``float[16, 16]``, through one view."""
    return seen(picture[None, None], views_of(**numbers), torch.tensor([pivot]), 1)[0, 0, 0]


def test_a_frame_is_a_view_of_a_picture():
    """Protects the generator's eye: moved by cells, turned clockwise about a pivot, and twice as large, a picture is
    what it should be; beyond its edges it goes on."""
    picture = torch.zeros(16, 16)
    picture[5:7, 10] = 1  # above the middle, to the right
    close = partial(torch.testing.assert_close, atol=1e-5, rtol=0)
    close(shown(picture), picture)
    close(shown(picture, x=2 / 16, y=-4 / 16), picture.roll((-2, 1), dims=(0, 1)))
    close(shown(picture, turn=math.pi / 2), picture.rot90(-1))
    close(shown(picture, pivot=(0.5, -0.5), x=0.5, y=-0.5, turn=math.pi), rotated_half(picture))
    large = shown(picture, along_x=1.0, along_y=1.0)
    assert large.sum().item() == pytest.approx(4 * picture.sum().item(), rel=1e-3)
    close(shown(torch.ones(16, 16), x=0.7, turn=1.0), torch.ones(16, 16))


def rotated_half(picture: torch.Tensor) -> torch.Tensor:
    """A picture of 16x16 after half a turn about (0.5, -0.5), the corner between cells 3 and 4, 11 and 12."""
    turned = torch.zeros_like(picture)
    rows, columns = picture.nonzero().unbind(1)
    turned[7 - rows, 23 - columns] = picture[rows, columns]
    return turned


def test_patches_are_pixels_unshuffled():
    """Protects codecs on disk from the faster way to their first layer."""
    video = torch.randn(2, 3, 8, 12)
    assert torch.equal(Patches(4)(video), torch.nn.functional.pixel_unshuffle(video, 4))
    with torch.autocast("cpu", torch.bfloat16):
        assert Patches(4)(video).dtype == torch.bfloat16


@given(numbers=st.lists(st.floats(-3, 3), min_size=8, max_size=8))
def test_no_view_is_without_end(numbers):
    """Protects training from a view that is squeezed to a line: where a frame looks is always a number."""
    views, pivot = torch.tensor(numbers[:6])[None, :, None], torch.tensor(numbers[6:])[None]
    assert looking_back(views, pivot, places(4, 4)).isfinite().all()


def test_what_the_gates_shut_out_does_not_change():
    """Protects standing still and going straight: with its gate shut, a clip keeps its form, its place, its line."""
    generator = video_generator()
    noise, text = torch.randn(7, 5), torch.randn(7, 8)
    motion = generator.clip_codes(noise, text)[2]

    def views(*open_gates: float) -> torch.Tensor:
        with torch.no_grad():
            generator.gates.layer.bias.copy_((torch.tensor(open_gates) - 1) / GATE_SCALE)
            return generator.view(motion, noise, text)[0]

    form, place = views(0, 1, 1).split((4, 2), dim=1)
    assert torch.allclose(form, form[..., :1])
    assert place.std(2).min() > 0
    form, place = views(1, 0, 0).split((4, 2), dim=1)
    assert torch.allclose(place, place[..., :1])
    assert form.std(2).min() > 0
    straight = views(1, 1, 0)
    torch.testing.assert_close(
        straight.diff(dim=2), straight.diff(dim=2)[..., :1].expand(-1, -1, 5), atol=1e-5, rtol=0
    )
    assert generator.effort(text).tolist() == pytest.approx([2.0] * 7)
    views(-1, -1, -1)
    assert generator.effort(text).tolist() == [0.0] * 7, "shut is shut"
    generator.gates.layer.bias.grad = None
    generator.effort(text).sum().backward()
    assert generator.gates.layer.bias.grad.abs().min() > 0, "and can be opened again"


def test_videos_are_shown_more_finely_than_they_are_learned():
    """Protects what users see: the generator reads several points of its picture for a pixel that is shown."""
    generator = video_generator()
    noise, text = torch.randn(2, 5), torch.randn(2, 8)
    learned, shown = (generator(noise, text, CODEC, fine) for fine in (False, True))
    assert shown.shape == learned.shape
    assert not torch.equal(shown, learned)
    assert (shown - learned).abs().mean() < 0.2 * learned.std()


@pytest.mark.parametrize("kind", [torch.float32, torch.bfloat16])
def test_padding_means_nothing(kind):
    """Protects prompts of different lengths in one batch: padding adds nothing to a prompt's vector."""
    critic = VideoDiscriminator(SHAPE, frames=2, words=9, text_dim=8, width=16).to(kind)
    short, padded = torch.tensor([[3, 4]]), torch.tensor([[3, 4, 0, 0]])
    assert torch.equal(critic.text_encoder(short), critic.text_encoder(padded))
