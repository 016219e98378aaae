"""Training: what a step is made of, that the text is learned, and that a broken loss changes nothing."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from tiny import ROOT
from torch import Tensor

from text2video.errors import UserError
from text2video.models.base import Batch, Spec, cosine
from text2video.models.codec import IdentityCodec
from text2video.models.video_gan import VideoGAN, gradient_penalty, relativistic_loss
from text2video.params import TrainParams, load_params
from text2video.text.encoder import WordEncoder
from text2video.text.prompts import Prompts
from text2video.training.batches import Batches
from text2video.training.dataset import drop_words, mismatched
from text2video.training.trainer import Trainer

SHAPE, FRAMES, WORDS = (3, 4, 4), 3, 8


def new_trainer(steps: int, **changes) -> Trainer:
    """A video GAN of toy size."""
    torch.manual_seed(0)
    page = load_params(ROOT / "params.yaml")
    small = {"noise_dim": 4, "width": 16, "code_dim": 16, "critic_width": 16, "beta2": 0.9, "gamma": 0.1,
             "gamma_final": 0.1, "gamma_every": 4, "gate_penalty": 0.1}  # fmt: skip
    own = page.video_gan.model_copy(update=small | changes)
    train = TrainParams(seed=0, epochs=1, batch=16, lr=2e-3, lr_final=2e-3, ema=0.9, precision="fp32", sample_every=1)
    model = VideoGAN(own, Spec(SHAPE, FRAMES, lambda: WordEncoder(WORDS, 6, "sum"), text_dim=6))
    return Trainer(model, IdentityCodec(SHAPE[1:]), train, steps)


def batch_of(trainer: Trainer, step: int, real: Tensor, tokens: Tensor, rng: torch.Generator) -> Batch:
    """The batch of a step: real latents float[N, T, C, h, w] of prompts int64[N, L]."""
    prompts = Prompts(tokens, tokens > 0, torch.empty(len(tokens), 0))
    return Batch(real, prompts, prompts[mismatched(tokens, rng)], step / trainer.steps, step, len(real),
                 slice(0, len(real)), rng)  # fmt: skip


def noise_batch(trainer: Trainer, step: int, rng: torch.Generator, tokens: Tensor | None = None) -> Batch:
    """Eight clips of noise and, unless given, random prompts."""
    real = torch.randn(8, FRAMES, *SHAPE, generator=rng)
    return batch_of(trainer, step, real, torch.randint(1, 8, (8, 3), generator=rng) if tokens is None else tokens, rng)


@given(samples=st.integers(1, 50), batch=st.integers(1, 60), seed=st.integers(0, 99))
def test_an_epoch_shows_every_sample_at_most_once(samples, batch, seed):
    """Protects the data order: a permutation per epoch, the same for the same seed, in whatever order."""
    batches = Batches(samples, batch, seed)
    epoch = torch.cat([batches[step] for step in range(batches.per_epoch)]).tolist()
    assert len(set(epoch)) == len(epoch) == samples // batches.batch * batches.batch
    late = 3 * batches.per_epoch - 1
    assert Batches(samples, batch, seed)[late].tolist() == batches[late].tolist()


@given(st.lists(st.lists(st.integers(1, 7), min_size=1, max_size=4), min_size=1, max_size=12), st.integers(0, 9))
def test_a_mismatched_prompt_says_something_else(prompts, seed):
    """Protects the conditioning from false negatives: a prompt that merely says less (or more) is no mismatch."""
    tokens = torch.tensor([words + [0] * (4 - len(words)) for words in prompts])
    others = tokens[mismatched(tokens, torch.Generator().manual_seed(seed))]
    for words, other in zip(tokens.tolist(), others.tolist(), strict=True):
        mine, its = set(words) - {0}, set(other) - {0}
        alone = all(mine <= set(p) or set(p) <= mine for p in prompts)
        assert (words == other) if alone else (mine - its and its - mine)


@given(lengths=st.lists(st.integers(1, 5), min_size=1, max_size=6), share=st.floats(0, 1), seed=st.integers(0, 9))
def test_words_are_dropped_and_never_all(lengths, share, seed):
    """Protects word dropout: what is left are words of the prompt, at least one, and padding is 0."""
    mask = torch.arange(5)[None] < torch.tensor(lengths)[:, None]
    prompts = Prompts(torch.arange(1, 6).expand(len(lengths), 5) * mask, mask, torch.empty(len(lengths), 0))
    dropped = drop_words(prompts, share, torch.Generator().manual_seed(seed))
    assert dropped.mask.any(1).all()
    assert not (dropped.mask & ~mask).any()
    assert torch.equal(dropped.tokens, prompts.tokens * dropped.mask)
    assert torch.equal(drop_words(prompts, 0.0, torch.Generator()).mask, mask)


def test_losses_are_the_papers():
    """Protects the formulas against hand-computed values."""
    winner, loser = torch.tensor([[1.0, 2.0, 0.5, 0.5]]), torch.tensor([[0.0, 0.0, 0.5, 0.5]])
    alone = (F.softplus(torch.tensor(-difference)) for difference in (1.0, 2.0, 0.0))
    assert relativistic_loss(winner, loser).item() == pytest.approx(float(sum(alone)))
    weights = torch.randn(3, 3)
    penalty = gradient_penalty(lambda x: x @ weights.T, torch.randn(5, 3))  # clip, paths, one frame: all linear
    assert penalty.item() == pytest.approx(weights.sum(0).square().sum().item(), rel=1e-5)
    assert cosine(4.0, 1.0, 0.0) == 4.0
    assert cosine(4.0, 1.0, 0.5) == pytest.approx(2.5)
    assert cosine(4.0, 1.0, 2.0) == 1.0


def test_the_generator_learns_what_the_words_mean():
    """Protects the whole step: on two prompts with opposite clips, the averaged generator tells them apart."""
    trainer = new_trainer(steps=80)
    rng = torch.Generator().manual_seed(0)
    prompts = torch.tensor([[2, 3], [2, 4]])
    for step in range(80):
        which = torch.randint(2, (16,), generator=rng)
        noise = 0.1 * torch.randn(16, FRAMES, *SHAPE, generator=rng)
        real = (2.0 * which - 1)[:, None, None, None, None] + noise
        losses = trainer.step(batch_of(trainer, step, real, prompts[which], rng))
    assert set(losses) == {"loss_d", "loss_g"}
    average = trainer.average.eval()
    with torch.no_grad():
        down, up = (
            average.sample(torch.randn(16, 4), prompts_of(p.expand(16, 2)), trainer.codec).mean() for p in prompts
        )
    assert down < -0.5
    assert up > 0.5


def prompts_of(tokens: Tensor) -> Prompts:
    """Prompts of word numbers without padding."""
    return Prompts(tokens, tokens > 0, torch.empty(len(tokens), 0))


def test_a_loss_that_is_no_number_stops_before_the_weights_change():
    """Protects a run from poisoned data: the step is named, and every weight is as it was."""
    trainer, rng = new_trainer(steps=10), torch.Generator()
    before = copy.deepcopy(trainer.model.state_dict())
    real = torch.full((4, FRAMES, *SHAPE), float("nan"))
    with pytest.raises(UserError, match="step 7"):
        trainer.step(batch_of(trainer, 6, real, torch.ones(4, 2, dtype=torch.int64), rng))
    after = trainer.model.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before if not key.endswith("second_phase"))


def test_gates_wait_until_there_is_something_to_keep():
    """Protects motions that bend: in the first phase the gates stand open, whatever is said; then they learn, and one
    that costs more than it brings goes towards shut."""
    trainer, rng = new_trainer(steps=20, gate_penalty=50.0), torch.Generator().manual_seed(1)
    tokens, gates = torch.randint(1, 8, (8, 3), generator=rng), []
    for step in range(20):
        trainer.step(noise_batch(trainer, step, rng, tokens))
        with torch.no_grad():
            text = trainer.model.text_encoder(prompts_of(tokens))
            gates.append(trainer.model.generator.gates.penalty(text).mean().item())
    assert gates[:12] == pytest.approx([tokens.shape[1] * 4] * 12), "each word pays for each of four gates"
    assert gates[19] < gates[15] < gates[12] < gates[11]


def test_swings_keep_to_their_shape_in_the_second_phase():
    """Protects smooth bounces: in the first phase the shape of a text's swings is learned from them and does not bind
    them; then it does, in the averaged model, too, which is the one that is kept."""
    trainer, rng = new_trainer(steps=40), torch.Generator().manual_seed(1)
    tokens, noise = torch.randint(1, 8, (1, 3), generator=rng).expand(256, -1), torch.randn(256, 4)
    penalties, phases, fades = [], [], []
    trajectory = trainer.model.generator.trajectory
    untrained = copy.deepcopy(trajectory.waveform)
    for step in range(40):
        trainer.step(noise_batch(trainer, step, rng, tokens[:8]))
        with torch.no_grad():
            text = trainer.model.text_encoder(prompts_of(tokens))
            for waveform in (untrained, trajectory.waveform):
                trajectory.waveform = waveform
                penalties.append(trainer.model.generator.off_basis_penalty(noise, text).mean().item())
        models = (trainer.model, trainer.average)
        phases.append([model.generator.trajectory.second_phase.item() for model in models])
        fades.append(trainer.average.generator.fade.item())
    assert phases == [[False, False]] * 24 + [[True, True]] * 16
    assert sum(penalties[21:48:2]) < sum(penalties[20:48:2]), "less is off what was learned than off the beginning's"
    assert fades == sorted(fades, reverse=True)
    assert (fades[5], fades[11], fades[18]) == (1, pytest.approx(7 / 12), 0)
