"""transformers' Trainer over lessons; each of its checkpoints is a model that can be run."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import Trainer, TrainingArguments

from roma_ros.thinker import RomaThinker, SpeakHead
from roma_ros.training.batch import IGNORED, Batch, Batcher
from roma_ros.training.curriculum import Lessons
from roma_ros.training.model import StreamLosses, TrainingModel
from roma_ros.training.settings import TrainSettings

__all__ = ["StreamTrainer", "load_for_training", "train"]


class StreamTrainer(Trainer):
    """Saves checkpoints as `RomaThinker.save_pretrained` does, and logs how decisions fare."""

    def __init__(self, model: TrainingModel, **options: Any) -> None:
        super().__init__(model=model, **options)
        self._counts: dict[str, float] = defaultdict(float)

    def compute_loss(
        self, model: nn.Module, inputs: Batch, return_outputs: bool = False, **_: Any
    ) -> Any:
        losses: StreamLosses = model(**inputs)
        self._count(losses, inputs["speak"])
        return (losses.loss, losses) if return_outputs else losses.loss

    def log(self, logs: dict[str, float], *arguments: Any) -> None:
        counts, self._counts = self._counts, defaultdict(float)
        if steps := counts["steps"]:
            found, wrong = counts["hits"], counts["false"] + counts["missed"]
            logs |= {
                "text_loss": counts["text_loss"] / steps,
                "speak_loss": counts["speak_loss"] / steps,
                "text_accuracy": counts["right"] / max(1, counts["targets"]),
                "speak_f1": 2 * found / max(1, 2 * found + wrong),
            }
        super().log(logs, *arguments)

    def _count(self, losses: StreamLosses, labels: torch.Tensor) -> None:
        due, spoken = labels > 0.5, losses.speak_logits > 0
        silent = (labels != IGNORED) & ~due
        for name, value in {
            "steps": 1,
            "text_loss": losses.text_loss,
            "speak_loss": losses.speak_loss,
            "right": losses.text_hits.sum(),
            "targets": losses.text_hits.numel(),
            "hits": (due & spoken).sum(),
            "missed": (due & ~spoken).sum(),
            "false": (silent & spoken).sum(),
        }.items():
            self._counts[name] += float(torch.as_tensor(value))

    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:
        folder = Path(output_dir or self.args.output_dir)
        folder.mkdir(parents=True, exist_ok=True)
        unwrapped = self.accelerator.unwrap_model(self.model)
        unwrapped.thinker.save_pretrained(folder)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: object = None) -> None:
        trained: TrainingModel = self.accelerator.unwrap_model(self.model)
        saved = TrainingModel(RomaThinker.from_pretrained(resume_from_checkpoint, dtype="float32"))
        trained.load_state_dict(saved.state_dict())


def load_for_training(model: str, seed: int) -> RomaThinker:
    """A thinker in float32 with a speak head, a new one where the checkpoint has none."""
    thinker = RomaThinker.from_pretrained(model, device="cpu", dtype="float32")
    if thinker.speak_head is None:
        torch.manual_seed(seed)
        text, config = thinker.backbone.config.text_config, thinker.config
        thinker.speak_head = SpeakHead(
            text.hidden_size, len(config.speak_layer_ids), config.speak_hidden_size
        )
    thinker.backbone.model.set_attn_implementation("sdpa")
    return thinker


def train(settings: TrainSettings, out: Path, *, resume: bool = False) -> Path:
    """Run one stage; returns the folder of the trained checkpoint.

    Args:
        settings: what to learn.
        out: where checkpoints go while it runs, and the final one.
        resume: go on from the newest checkpoint in `out`.

    Raises:
        ValueError: `trainer` has a setting that transformers does not know, or there is nothing
            to resume.
        CheckpointError: the model cannot be loaded.
    """
    try:
        arguments = TrainingArguments(
            output_dir=str(out),
            remove_unused_columns=False,
            train_sampling_strategy="sequential",  # lessons are in order
            num_train_epochs=1,
            report_to="none",
            seed=settings.seed,
            **settings.trainer,
        )
    except TypeError as error:
        raise ValueError(f"trainer: {error}; see transformers' TrainingArguments") from error
    thinker = load_for_training(settings.model, settings.seed)
    model = TrainingModel(
        thinker, speak_share=settings.speak_share, train_encoders=settings.train_encoders
    )
    optimizer = torch.optim.AdamW(
        parameter_groups(model, arguments, settings.encoder_rate), betas=(0.9, 0.98)
    )
    trainer = StreamTrainer(
        model,
        args=arguments,
        train_dataset=Lessons(settings.lessons),
        data_collator=Batcher(thinker.features, thinker.dialogue),
        optimizers=(optimizer, None),
    )
    trainer.train(resume_from_checkpoint=resume or None)
    trainer.save_model(str(out))
    return out


def parameter_groups(
    model: TrainingModel, arguments: TrainingArguments, encoder_rate: float
) -> list[dict[str, Any]]:
    """Encoders slower than the rest, and no decay of what is no matrix."""
    encoders = {id(value) for value in model.backbone.visual.parameters()}
    encoders |= {id(value) for value in model.backbone.audio_tower.parameters()}
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = defaultdict(list)
    for value in model.parameters():
        if value.requires_grad:
            groups[id(value) in encoders, value.ndim > 1].append(value)
    return [
        {
            "params": values,
            "lr": arguments.learning_rate * (encoder_rate if encoder else 1.0),
            "weight_decay": arguments.weight_decay if matrix else 0.0,
        }
        for (encoder, matrix), values in groups.items()
    ]
