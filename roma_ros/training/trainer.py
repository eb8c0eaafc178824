"""Training run: transformers' Trainer with our checkpoints, log and optimizer groups."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from accelerate.utils import gather_object
from torch import nn
from transformers import (
    PrinterCallback,
    ProgressCallback,
    Trainer,
    TrainerControl,
    TrainingArguments,
)
from transformers.utils import logging

from roma_ros.data import SampleError, SampleIndex, SkipLog
from roma_ros.machine import architecture
from roma_ros.thinker import CheckpointError, RomaThinker, SpeakHead
from roma_ros.thinker.attention import SLOT_ATTENTION
from roma_ros.thinker.qwen_omni import audio_tower, set_attention, vision_tower
from roma_ros.training.attention import BATCH_ATTENTION
from roma_ros.training.batch import IGNORED, Batch, Batcher, MicroBatcher
from roma_ros.training.curriculum import Lessons
from roma_ros.training.feature_cache import FeatureCache
from roma_ros.training.log_plot import LogPlot
from roma_ros.training.mixture import WORLD, Mixture, SampleFile
from roma_ros.training.model import StreamLosses, TrainingModel
from roma_ros.training.muon import MuonAndAdamW
from roma_ros.training.progress import ProgressBar, ProgressLines
from roma_ros.training.saving import load_progress, save_merged, save_progress
from roma_ros.training.settings import DecideSettings, TrainSettings
from roma_ros.training.streaming_scores import StreamResult, stream_sample, streaming_figures
from roma_ros.world import Split, read_footage

__all__ = ["ADAPTERS_FOLDER", "StreamTrainer", "load_for_training", "train"]

BETAS = (0.9, 0.98)
MUON_RATE = 2.5  # learning rate of Muon relative to AdamW's
USUAL_INPUTS = 256  # number of inputs of an encoder layer of roma_tiny
ADAPTERS_FOLDER = "adapters"
"""Folder of the adapters of a finished LoRA run, within that of the merged model."""
logger = logging.get_logger(__name__)
COUNTS = (
    *("steps", "units", "text_loss", "speak_loss", "auxiliary_loss"),
    *("right", "targets", "due", "silent", "hits", "false"),
)


class StreamTrainer(Trainer):
    """Trainer that saves checkpoints by `save_progress` and logs text accuracy and speak F1.

    Args:
        model: the model to train.
        encoder_rate: learning rate of the encoders as a share of that of the rest.
        muon: whether matrices are trained by Muon.
        eval_streams: most samples that an evaluation streams.
        options: further arguments of `Trainer`.
    """

    optimizer: torch.optim.Optimizer | None
    control: TrainerControl

    def __init__(
        self,
        model: TrainingModel,
        *,
        encoder_rate: float = 1.0,
        muon: bool = False,
        eval_streams: int = 64,
        **options: Any,
    ) -> None:
        self._encoder_rate, self._muon = encoder_rate, muon
        self._eval_streams = eval_streams
        super().__init__(model=model, **options)
        # The model was built on the CPU; the Trainer has moved its weights to this device.
        model.thinker.device = self.args.device
        self._counts = torch.zeros(len(COUNTS), device=self.args.device)

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return the optimizer, created once the weights are in place (FSDP shards them first)."""
        if self.optimizer is None:
            trained: TrainingModel = self.accelerator.unwrap_model(model or self.model)
            layers = layer_matrices(trained) if self._muon else set()
            groups = parameter_groups(trained, self.args, self._encoder_rate, layers)
            if self._muon:
                matrices = [group for group in groups if group["params"][0] in layers]
                others = [group for group in groups if group["params"][0] not in layers]
                self.optimizer = MuonAndAdamW(matrices, others, BETAS)
            else:
                self.optimizer = torch.optim.AdamW(groups, betas=BETAS)
        return self.optimizer

    def training_step(
        self, model: nn.Module, inputs: Sequence[Batch], num_items_in_batch: Any = None
    ) -> torch.Tensor:
        """Run forward and backward pass of one batch after another; return the loss of all."""
        *others, last = inputs
        with self.accelerator.no_sync(model) if others else nullcontext():
            losses = [super(StreamTrainer, self).training_step(model, dict(b)) for b in others]
        losses.append(super().training_step(model, dict(last), num_items_in_batch))
        return torch.stack(losses).sum()

    def compute_loss(
        self, model: nn.Module, inputs: Batch, return_outputs: bool = False, **_: Any
    ) -> Any:
        losses: StreamLosses = model(**inputs)
        self._counts += _count(losses, inputs["speak"], inputs["shares"])
        return (losses.loss, losses) if return_outputs else losses.loss

    def evaluate(
        self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval"
    ) -> dict[str, float]:
        """Stream the samples of `eval_dataset` and log their scores, `streaming_figures`.

        Each process streams its share of them. A sample that cannot be decoded is skipped.
        """
        samples: SampleIndex = self.eval_dataset if eval_dataset is None else eval_dataset
        trained: TrainingModel = self.accelerator.unwrap_model(self.model)
        trained.eval()
        set_attention(trained.backbone, SLOT_ATTENTION)
        count = min(len(samples), self._eval_streams)
        log, results = SkipLog(), list[StreamResult]()
        chosen = [index * len(samples) // count for index in range(count)]
        try:
            for number in chosen[self.args.process_index :: self.args.world_size]:
                try:
                    results.append(stream_sample(trained.thinker, samples[number], samples.folder))
                except SampleError as error:
                    log.skip("damaged", error)
        finally:
            set_attention(trained.backbone, BATCH_ATTENTION)
            trained.train()
        if self.args.world_size > 1:
            results = gather_object(results)
        figures = {
            f"{metric_key_prefix}_{name}": value
            for name, value in streaming_figures(results).items()
        }
        figures[f"{metric_key_prefix}_streams"] = float(len(results))
        super().log(dict(figures))
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, figures
        )
        return figures

    def log(self, logs: dict[str, float], *arguments: Any) -> None:
        """Log with the averages of all processes since the last call; each process must call it."""
        summed = self.accelerator.reduce(self._counts)
        counts = dict(zip(COUNTS, summed.tolist(), strict=True))
        self._counts = torch.zeros_like(self._counts)
        if steps := counts["steps"]:
            before = [entry["units"] for entry in self.state.log_history if "units" in entry]
            logs["units"] = round(counts["units"]) + (before[-1] if before else 0)
            # Values that these lessons do not have are left out: 0 would read as a bad score.
            if counts["auxiliary_loss"]:
                logs["fact_loss"] = counts["auxiliary_loss"] / steps
            if counts["targets"]:
                logs["text_loss"] = counts["text_loss"] / steps
                logs["text_accuracy"] = counts["right"] / counts["targets"]
            if counts["due"] + counts["silent"]:
                logs["speak_loss"] = counts["speak_loss"] / steps
                twice = counts["due"] + counts["hits"] + counts["false"]
                logs["speak_f1"] = 2 * counts["hits"] / max(1, twice)
        super().log(logs, *arguments)

    def _save(
        self, output_dir: str | None = None, state_dict: dict[str, torch.Tensor] | None = None
    ) -> None:
        folder = Path(output_dir or self.args.output_dir)
        save_progress(self.accelerator.unwrap_model(self.model), folder, state_dict)

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_fsdp_enabled:  # its shards are beside the model
            super()._load_from_checkpoint(resume_from_checkpoint, model)
        else:
            load_progress(self.accelerator.unwrap_model(self.model), Path(resume_from_checkpoint))


def load_for_training(
    model: str, seed: int, dtype: str = "float32", decide: DecideSettings | None = None
) -> RomaThinker:
    """Load a thinker on the CPU for training, with a new float32 speak head if it has none.

    Args:
        model: checkpoint folder, or `roma_tiny`.
        seed: seed of a new speak head.
        dtype: dtype of the backbone.
        decide: source of p(speak); `None` keeps the checkpoint's.

    Raises:
        CheckpointError: the model cannot be loaded, or has no embedding row for another token.
    """
    thinker = RomaThinker.from_pretrained(model, device="cpu", dtype=dtype)
    if decide is not None:
        thinker = _deciding(thinker, decide)
    if thinker.speak_head is None and thinker.state_tokens is None:
        torch.manual_seed(seed)
        text, config = thinker.backbone.config.text_config, thinker.config
        thinker.speak_head = SpeakHead(
            text.hidden_size, len(config.speak_layer_ids), config.speak_hidden_size
        )
    set_attention(thinker.backbone, BATCH_ATTENTION)
    return thinker


def _deciding(thinker: RomaThinker, decide: DecideSettings) -> RomaThinker:
    """Return the thinker with another source of p(speak), without its old speak head."""
    tokens = [*decide.silent_tokens, *decide.speak_tokens]
    known = thinker.tokenizer.get_vocab()
    if new := [token for token in tokens if token not in known]:
        special = [*thinker.tokenizer.all_special_tokens, *new]
        thinker.tokenizer.add_special_tokens({"extra_special_tokens": special})
    if len(thinker.tokenizer) > (rows := thinker.backbone.lm_head.out_features):
        raise CheckpointError(f"{len(thinker.tokenizer)} tokens for {rows} rows of embeddings")
    config = replace(
        thinker.config,
        speak_source=decide.source,
        speak_layer_ids=tuple(range(-decide.layers, 0)),
        silent_tokens=decide.silent_tokens,
        speak_tokens=decide.speak_tokens,
    )
    return RomaThinker(
        backbone=thinker.backbone,
        tokenizer=thinker.tokenizer,
        features=thinker.features,
        config=config,
        speak_head=None,
        name=thinker.name,
    )


def train(settings: TrainSettings, out: Path, *, resume: bool = False) -> Path:
    """Run one stage; return the folder of the trained checkpoint.

    With `settings.lora`, checkpoints during the run hold adapters and speak head alone. The final
    adapters are in `out/adapters`, and `out` holds the merged model.

    Args:
        settings: settings of the stage.
        out: folder of the checkpoints during the run, the final one, the log and its plot.
        resume: whether to resume from the newest checkpoint in `out`.

    Raises:
        DataError: a file of samples cannot be read, or has no usable sample; or one is not usable,
            and `settings.strict` is set.
        ValueError: `trainer` has an argument that transformers does not know, or `out` has no
            checkpoint to resume from.
        CheckpointError: the model cannot be loaded.
        FootageError: the folder of footage is missing or has no clip for training.
    """
    options = {
        "use_cpu": not torch.cuda.is_available(),
        "disable_tqdm": not sys.stderr.isatty(),
        "report_to": "none",
        **settings.trainer,
    }
    evaluated = None
    if settings.eval_data is not None:
        evaluated = SampleIndex(settings.eval_data, SkipLog(strict=settings.strict))
        options = _evaluating(options)
    if options["use_cpu"] and not has_bfloat16():
        options = without_bfloat16(options, muon=settings.muon)
    try:
        arguments = TrainingArguments(
            output_dir=str(out),
            remove_unused_columns=False,
            train_sampling_strategy="sequential",  # lessons are in order
            num_train_epochs=1,
            seed=settings.seed,
            **options,
        )
    except (TypeError, ValueError) as error:
        raise ValueError(f"trainer: {error}; see transformers' TrainingArguments") from error
    if arguments.disable_tqdm:
        logging.disable_progress_bar()  # of weights that are read and written
    files = [
        (SampleFile(path, strict=settings.strict, max_units=settings.max_units), weight)
        for path, weight in settings.sample_files.items()
    ]
    lessons = _lessons(settings)
    thinker = load_for_training(settings.model, settings.seed, settings.dtype, settings.decide)
    data: Lessons | Mixture | None = lessons
    if files:
        share = settings.mixture.get(WORLD, 0.0)
        data = Mixture(files, lessons, share, settings.seed)
        _prepare(data, settings, thinker, out / "features", arguments)
    torch.manual_seed(settings.seed)  # of adapters and auxiliary heads
    model = TrainingModel(
        thinker,
        speak_share=settings.speak_share,
        focal=0.0 if settings.decide is None else settings.decide.focal,
        train_encoders=settings.train_encoders,
        lora=settings.lora,
    )
    trainer = StreamTrainer(
        model,
        encoder_rate=settings.encoder_rate,
        muon=settings.muon,
        args=arguments,
        eval_streams=settings.eval_streams,
        train_dataset=data,
        eval_dataset=evaluated,
        data_collator=MicroBatcher(
            Batcher(thinker.features, thinker.dialogue), settings.max_tokens
        ),
        callbacks=[LogPlot(out), ProgressLines() if arguments.disable_tqdm else ProgressBar()],
    )
    trainer.remove_callback(PrinterCallback if arguments.disable_tqdm else ProgressCallback)
    trainer.train(resume_from_checkpoint=resume or None)
    if arguments.should_save:
        for file, _ in files:
            print(f"{file.path}: {file.log.summary()}", file=sys.stderr)
    model.auxiliary_heads = None  # not part of the final checkpoint
    if settings.lora is None:
        trainer.save_model(str(out))
        return out
    trainer.save_model(str(out / ADAPTERS_FOLDER))
    if arguments.should_save:
        save_merged(settings.model, out / ADAPTERS_FOLDER, out, dtype=settings.dtype)
    trainer.accelerator.wait_for_everyone()
    return out


def _evaluating(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options with scores at every checkpoint, unless they say when."""
    if "eval_strategy" in options or "fsdp" in options or "deepspeed" in options:
        return options
    steps = options.get("eval_steps", options.get("save_steps", 500))
    return {**options, "eval_strategy": "steps", "eval_steps": steps}


def _lessons(settings: TrainSettings) -> Lessons | None:
    """Return the lessons of the synthetic world; `None` if samples alone are trained on."""
    if settings.mixture and WORLD not in settings.mixture:
        return None
    footage = () if settings.footage is None else read_footage(settings.footage, Split.TRAIN)
    return Lessons(
        settings.lessons,
        first=settings.first_world,
        recordings=settings.library(),
        footage=footage,
    )


def _prepare(
    data: Mixture,
    settings: TrainSettings,
    thinker: RomaThinker,
    folder: Path,
    arguments: TrainingArguments,
) -> None:
    """Set weights, features and variations of the samples of a mixture; print the weights."""
    weights = settings.class_weights or data.labels.weights()
    if arguments.should_save:
        print(
            f"{len(data):,} items; {data.labels}\nloss weight of positive units: "
            f"{weights.alert:.2f} (alert), {weights.narration:.2f} (narration)",
            file=sys.stderr,
        )
    cache = None
    if settings.feature_cache_gb:
        cache = FeatureCache(
            settings.feature_cache or folder,
            thinker.features,
            round(settings.feature_cache_gb * 1e9),
            arguments.world_size,
        )
    for file in data.files:
        file.prepare(
            weights=weights, cache=cache, augmentation=settings.augment, seed=settings.seed
        )


def has_bfloat16() -> bool:
    """Return whether the CPU has bfloat16 instructions; without them it is emulated."""
    capability = torch.backends.cpu.get_cpu_capability()
    return architecture() != "x86_64" or capability not in ("DEFAULT", "AVX2")


def without_bfloat16(options: dict[str, Any], *, muon: bool) -> dict[str, Any]:
    """Return the options for a CPU without bfloat16, with float32 instead; log a warning.

    A product of 2048 x 192 and 192 x 512 took 305 ms in bfloat16 on one core of an EPYC with AVX2
    alone, and 5 ms in float32.
    """
    if options.get("bf16"):
        options = {**options, "bf16": False}
        logger.warning("This CPU has no bfloat16 (AVX-512): computing in float32 instead.")
    if muon:
        logger.warning(
            "torch's Muon computes in bfloat16, which this CPU emulates: a step takes about three "
            "times as long as with `muon: false`."
        )
    return options


def layer_matrices(model: TrainingModel) -> set[nn.Parameter]:
    """Return the parameters for Muon: weights of linear layers in backbone and encoders."""
    head = model.backbone.lm_head  # its weight is that of the embeddings, in roma_tiny
    layers = (part for part in model.backbone.modules() if isinstance(part, nn.Linear))
    return {
        value
        for layer in layers
        for name, value in layer.named_parameters(recurse=False)
        if name == "weight" and value.requires_grad and layer is not head
    }


def parameter_groups(
    model: TrainingModel,
    arguments: TrainingArguments,
    encoder_rate: float,
    layers: set[nn.Parameter],
) -> list[dict[str, Any]]:
    """Return optimizer groups: lower rates for encoders, no weight decay for vectors.

    Adam changes each weight by about its learning rate, so the output of a layer changes in
    proportion to its number of inputs: the rate of encoder layers with more than `USUAL_INPUTS`
    inputs, such as the patch embedding with 1,176, is reduced accordingly. Muon, for `layers`,
    does not need that.

    Args:
        model: the model to train.
        arguments: learning rate and weight decay.
        encoder_rate: learning rate of the encoders as a share of that of the rest.
        layers: parameters that Muon trains.
    """
    towers = (vision_tower(model.backbone), audio_tower(model.backbone))
    encoders = {id(value) for tower in towers for value in tower.parameters()}
    groups: dict[tuple[float, bool, bool], list[nn.Parameter]] = defaultdict(list)
    for value in model.parameters():
        if value.requires_grad:
            share, layer = 1.0, value in layers
            if id(value) in encoders:
                inputs = value[0].numel() if value.ndim > 1 else 1
                share = encoder_rate * (1.0 if layer else min(1.0, USUAL_INPUTS / inputs))
            groups[share, value.ndim > 1, layer].append(value)
    return [
        {
            "params": values,
            "lr": arguments.learning_rate * share * (MUON_RATE if layer else 1.0),
            "weight_decay": arguments.weight_decay if matrix else 0.0,
        }
        for (share, matrix, layer), values in groups.items()
    ]


def _count(
    losses: StreamLosses, labels: torch.Tensor, shares: tuple[float, float, float]
) -> torch.Tensor:
    """Return the increment of `COUNTS` by one batch, on its device, without a synchronisation."""
    text_share, speak_share, row_share = shares
    due, spoken = labels > 0.5, losses.speak_logits > 0
    silent = (labels != IGNORED) & ~due
    one = torch.ones((), device=labels.device)
    return torch.stack(
        [
            one * row_share,
            one * labels.numel(),
            losses.text_loss * text_share,
            losses.speak_loss * speak_share,
            losses.auxiliary_loss * row_share,
            losses.text_hits.sum(),
            one * losses.text_hits.numel(),
            due.sum(),
            silent.sum(),
            (due & spoken).sum(),
            (silent & spoken).sum(),
        ]
    )
