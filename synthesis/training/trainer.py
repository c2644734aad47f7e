"""One adversarial training: step, save, resume."""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from synthesis.config import ModelConfig, TrainingConfig
from synthesis.losses import AdversarialLoss, voxel_weights, weighted_l1
from synthesis.models import build_discriminator, build_generator, load_weights, save_weights
from synthesis.training.batches import Batch

LARGEST_GRADIENT = 1.0


class Trainer:
    """The generator, its critic and their optimisers."""

    def __init__(self, model: ModelConfig, training: TrainingConfig, device: torch.device) -> None:
        self._config = training
        self.device = device
        self.generator = build_generator(model, training.seed).to(device)
        self.critic = build_discriminator(model, training.seed + 1).to(device)
        self._adversarial = AdversarialLoss()
        betas = (0.5, 0.999)
        self._optimisers = {
            "generator": torch.optim.Adam(
                self.generator.parameters(), training.generator_rate, betas
            ),
            "critic": torch.optim.Adam(
                self.critic.parameters(), training.discriminator_rate, betas
            ),
        }
        self.step_number = 0

    def step(self, batch: Batch) -> dict[str, float]:
        """Make one step of both networks; return the losses."""
        config = self._config
        ct, target = batch.ct.to(self.device), batch.target.to(self.device)
        weights = voxel_weights(
            target,
            batch.lesion.to(self.device),
            batch.body.to(self.device),
            lesion_weight=config.lesion_weight,
            uptake_weight=config.uptake_weight,
        )
        self._set_rates()
        adversarial = self.step_number >= config.adversarial_from_step
        synthetic = self.generator(ct)
        l1 = weighted_l1(synthetic, target, weights)
        losses = {"l1": l1.item()}
        total = l1
        if adversarial and config.adversarial_weight > 0:
            self.critic.requires_grad_(requires_grad=False)
            deceit = self._adversarial.generator(self.critic, ct, synthetic)
            self.critic.requires_grad_(requires_grad=True)
            losses["adversarial"] = deceit.item()
            total = l1 + config.adversarial_weight * deceit
        self._descend("generator", self.generator, total)
        if adversarial and config.adversarial_weight > 0:
            critic_loss = self._adversarial.critic(self.critic, ct, (target, synthetic))
            self._descend("critic", self.critic, critic_loss)
            losses["critic"] = critic_loss.item()
        self.step_number += 1
        return losses

    def _descend(self, name: str, network: nn.Module, loss: Tensor) -> None:
        self._optimisers[name].zero_grad(set_to_none=True)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(network.parameters(), LARGEST_GRADIENT)
        self._optimisers[name].step()

    def _set_rates(self) -> None:
        """Warm up over 50 steps, then fall along a cosine to 2 % of the rate."""
        done = min(self.step_number / max(self._config.steps, 1), 1.0)
        factor = min(1.0, (self.step_number + 1) / 50) * (
            0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2
        )
        for name, rate in (
            ("generator", self._config.generator_rate),
            ("critic", self._config.discriminator_rate),
        ):
            for group in self._optimisers[name].param_groups:
                group["lr"] = rate * factor

    def save(self, folder: Path) -> None:
        """Write a checkpoint from which `resume` goes on exactly."""
        folder.mkdir(parents=True, exist_ok=True)
        save_weights(self.generator, folder / "generator.safetensors")
        save_weights(self.critic, folder / "critic.safetensors")
        for name, optimiser in self._optimisers.items():
            save_file(_flat(optimiser), folder / f"{name}_optimiser.safetensors")
        # Last, so that a checkpoint with a step number is whole.
        (folder / "step.json").write_text(json.dumps({"step": self.step_number}), encoding="utf-8")

    def resume(self, folder: Path) -> None:
        """Go on from a checkpoint."""
        load_weights(self.generator, folder / "generator.safetensors")
        load_weights(self.critic, folder / "critic.safetensors")
        for name, optimiser in self._optimisers.items():
            _fill(optimiser, load_file(folder / f"{name}_optimiser.safetensors"))
        self.step_number = int(json.loads((folder / "step.json").read_text("utf-8"))["step"])


def _flat(optimiser: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the optimiser's moments as named tensors."""
    return {
        f"{index}.{key}": value.detach().cpu().contiguous()
        for index, moments in optimiser.state_dict()["state"].items()
        for key, value in moments.items()
    }


def _fill(optimiser: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, tensor in tensors.items():
        index, key = name.split(".", maxsplit=1)
        state.setdefault(int(index), {})[key] = tensor
    groups = optimiser.state_dict()["param_groups"]
    optimiser.load_state_dict({"state": state, "param_groups": groups})
