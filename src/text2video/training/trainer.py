"""One step of training for any kind of model: learning rate, gradients, moving average."""

import copy

import torch
from torch import Tensor

from text2video.models.base import Batch, VideoModel, cosine
from text2video.models.codec import Codec
from text2video.params import TrainParams
from text2video.training.checkpoint import Stateful, require_finite
from text2video.training.ranks import Ranks


class Trainer:
    """A model, its optimizers and the exponential moving average (EMA) of its weights."""

    def __init__(
        self, model: VideoModel, codec: Codec, params: TrainParams, steps: int, ranks: Ranks | None = None
    ) -> None:
        self.model, self.codec, self.params, self.steps = model.train(), codec, params, steps
        self.ranks = ranks or Ranks()
        self.average = copy.deepcopy(model).requires_grad_(False).eval()
        self.optimizers = model.optimizers(params.lr)
        self._step = 0

    def state(self) -> dict[str, Stateful]:
        """All that the next step depends on, but for the random numbers."""
        return {"model": self.model, "average": self.average, **self.optimizers}

    def step(self, batch: Batch) -> dict[str, float]:
        """One step of the model on ``batch``. Returns its losses, averaged over the processes.

        Raises UserError, before the optimizer of that loss changes a weight, when a loss is no finite number.
        """
        self._step = batch.step
        lr = cosine(self.params.lr, self.params.lr_final, batch.progress)
        for optimizer in self.optimizers.values():
            for group in optimizer.param_groups:
                group["lr"] = lr * group.get("lr_scale", 1)
        losses = self.model.training_step(batch, self.codec, self.update)
        move_average(self.average, self.model, min(self.params.ema, (batch.step + 1) / (batch.step + 10)))
        values = self.ranks.mean(torch.stack([loss.detach().float() for loss in losses.values()])).cpu()
        return dict(zip(losses, values.tolist(), strict=True))

    def update(self, names: str | tuple[str, ...], loss: Tensor) -> None:
        """A step of the optimizers ``names`` down the gradient of ``loss``, averaged over the processes and clipped."""
        require_finite(self.ranks.mean(loss.detach().clone()), self._step, "train.lr")
        chosen = [self.optimizers[name] for name in ((names,) if isinstance(names, str) else names)]
        for optimizer in chosen:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        weights = [weight for one in chosen for group in one.param_groups for weight in group["params"]]
        self.ranks.average_gradients(weights)
        torch.nn.utils.clip_grad_norm_(weights, self.model.max_grad_norm)
        for optimizer in chosen:
            optimizer.step()


@torch.no_grad()
def move_average(average: VideoModel, model: VideoModel, decay: float) -> None:
    """average = decay * average + (1 - decay) * weights; buffers are copied."""
    torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)
    for held, latest in zip(average.buffers(), model.buffers(), strict=True):
        held.copy_(latest)
