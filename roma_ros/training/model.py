"""The thinker as a Trainer takes it: a batch in, losses out."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import nn

from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import audio_tower, forward_text, text_model, vision_tower
from roma_ros.training.auxiliary import AuxiliaryHeads
from roma_ros.training.batch import IGNORED
from roma_ros.training.lora import Adapters
from roma_ros.training.settings import LoraSettings
from roma_ros.training.speak_loss import head_loss, state_loss

__all__ = ["StreamLosses", "TrainingModel"]


class StreamLosses(NamedTuple):
    """What a Trainer reads: the loss first, then figures for the log."""

    loss: torch.Tensor
    text_loss: torch.Tensor
    speak_loss: torch.Tensor
    auxiliary_loss: torch.Tensor
    speak_logits: torch.Tensor
    text_hits: torch.Tensor


class TrainingModel(nn.Module):
    """Language-model loss on what is said, and weighted BCE on when (paper, section 3.2.2).

    Args:
        thinker: whose weights are trained; it must have a speak head, or state tokens.
        focal: gamma of the loss of state tokens.
        speak_share: lambda, the weight of the timing loss against the language loss.
        train_encoders: only roma_tiny's stage 0 does; the paper freezes both. They learn by
            `AuxiliaryHeads` too, which are thrown away.
        lora: puts adapters into the thinker's backbone, which are trained in its place; the speak
            head is trained in full.
    """

    def __init__(
        self,
        thinker: RomaThinker,
        *,
        speak_share: float = 1.0,
        focal: float = 0.0,
        train_encoders: bool = False,
        lora: LoraSettings | None = None,
    ) -> None:
        super().__init__()
        if not thinker.has_speak_source:
            raise ValueError("the thinker has no speak head; give it a SpeakHead before training")
        self.thinker = thinker
        self.backbone = thinker.backbone
        self.speak_head = thinker.speak_head
        self.speak_share, self.focal = speak_share, focal
        self.train_encoders = train_encoders
        self.requires_grad_(True)
        self.adapters = None if lora is None else Adapters.on(self.backbone, lora)
        for encoder in (vision_tower(self.backbone), audio_tower(self.backbone)):
            encoder.requires_grad_(train_encoders)
        width = self.backbone.config.text_config.hidden_size
        self.auxiliary_heads = (
            AuxiliaryHeads(width, thinker.dialogue.text) if train_encoders else None
        )

    def gradient_checkpointing_enable(self, **options: Any) -> None:
        """Compute layers again on the way back instead of keeping them; as a Trainer asks it."""
        self.backbone.gradient_checkpointing_enable(**options)

    def forward(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        pixels: torch.Tensor,
        grid: torch.Tensor,
        mel: torch.Tensor,
        video_at: torch.Tensor,
        video_of: torch.Tensor,
        audio_at: torch.Tensor,
        audio_of: torch.Tensor,
        unit_at: torch.Tensor,
        speak: torch.Tensor,
        waiting: torch.Tensor,
        weight: torch.Tensor,
        target_at: torch.Tensor,
        target: torch.Tensor,
        facts: torch.Tensor,
        cells: torch.Tensor,
        spoken: torch.Tensor,
    ) -> StreamLosses:
        """See `Batch` for shapes."""
        words = self.backbone.get_input_embeddings().weight
        embeds = self.backbone.get_input_embeddings()(tokens).flatten(0, 1)
        # In bfloat16, a CPU takes ten times as long for a convolution's backward pass.
        slow = self.train_encoders and tokens.device.type == "cpu"
        precision = torch.autocast("cpu", enabled=False) if slow else nullcontext()
        learning = torch.set_grad_enabled(self.train_encoders and torch.is_grad_enabled())
        with precision, learning:
            video = self.thinker.encode_video(pixels, grid) if len(grid) else embeds[:0]
            audio = self.thinker.encode_audio(mel) if mel.numel() else embeds[:0]
        video, audio = video[video_of], audio[audio_of]
        length = tokens.shape[1]
        auxiliary_loss = embeds.new_zeros(())
        if self.auxiliary_heads is not None:
            auxiliary_loss = self.auxiliary_heads.loss(
                facts,
                cells,
                spoken,
                video,
                video_at // length,
                audio,
                audio_at // length,
                words,
            )
        known = speak != IGNORED
        if not len(target) and not known.any():
            nothing = torch.zeros_like(auxiliary_loss)  # to say: the encoders learn alone
            return StreamLosses(
                auxiliary_loss, nothing, nothing, auxiliary_loss.detach(), speak, target > 0
            )
        embeds = embeds.index_copy(0, video_at, video.to(embeds.dtype))
        embeds = embeds.index_copy(0, audio_at, audio.to(embeds.dtype))
        outputs = forward_text(
            text_model(self.backbone),
            inputs_embeds=embeds.view(*tokens.shape, -1),
            position_ids=positions,
            attention_mask={"full_attention": mask},
            use_cache=False,
            output_hidden_states=True,
        )
        states = [state.flatten(0, 1) for state in outputs.hidden_states]
        text_logits = self.backbone.lm_head(states[-1][target_at]).float()
        text_loss = nn.functional.cross_entropy(text_logits, target, reduction="sum")
        text_loss = text_loss / max(1, len(target))
        at_units = [state[unit_at[known]] for state in states]
        speak_logits, speak_loss = self._timing(
            at_units, speak[known], waiting[known], weight[known]
        )
        known_logits = torch.zeros_like(speak).masked_scatter(known, speak_logits.detach())
        return StreamLosses(
            loss=text_loss + self.speak_share * speak_loss + auxiliary_loss,
            text_loss=text_loss.detach(),
            speak_loss=speak_loss.detach(),
            auxiliary_loss=auxiliary_loss.detach(),
            speak_logits=known_logits,
            text_hits=(text_logits.argmax(-1) == target).detach(),
        )

    def _timing(
        self,
        states: list[torch.Tensor],
        speak: torch.Tensor,
        waiting: torch.Tensor,
        weight: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits of p(speak) and their loss, from all layers' states (U, H) at units' ends."""
        tokens = self.thinker.state_tokens
        if tokens is not None:
            logits = self.backbone.lm_head(states[-1]).float()
            loss = state_loss(logits, tokens, speak, waiting, weight, self.focal)
            return tokens.logit(logits), loss
        assert self.speak_head is not None
        mixed = torch.stack([states[layer] for layer in self.thinker.config.speak_layer_ids])
        speak_logits = self.speak_head(mixed).float()
        return speak_logits, head_loss(speak_logits, speak, weight)
