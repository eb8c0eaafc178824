"""Training model: forward pass of a batch and its losses.

L = L_text + lambda * L_speak + L_auxiliary (paper, section 3.2.2; the auxiliary loss is ours):

- L_text: cross-entropy of the target tokens, mean over tokens.
- L_speak: `head_loss` or `state_loss`, mean over units with a label.
- L_auxiliary: `AuxiliaryHeads.loss`, only where the encoders are trained.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any, NamedTuple

import torch
from torch import nn

from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import (
    audio_tower,
    forward_text,
    rotary_frequencies,
    text_model,
    vision_tower,
)
from roma_ros.training.attention import SeenTokens
from roma_ros.training.auxiliary import AuxiliaryHeads
from roma_ros.training.batch import IGNORED
from roma_ros.training.lora import Adapters
from roma_ros.training.settings import LoraSettings
from roma_ros.training.speak_loss import head_loss, state_loss

__all__ = ["StreamLosses", "TrainingModel"]


class StreamLosses(NamedTuple):
    """Output of the model: the loss first, as a Trainer expects, then values for the log.

    Attributes:
        loss: the loss that is minimised, a scalar with gradient.
        text_loss, speak_loss, auxiliary_loss: its unweighted parts.
        speak_logits: (U,) logits of p(speak); 0 for units without a label.
        text_hits: (T,) bool, target tokens that are predicted right.
    """

    loss: torch.Tensor
    text_loss: torch.Tensor
    speak_loss: torch.Tensor
    auxiliary_loss: torch.Tensor
    speak_logits: torch.Tensor
    text_hits: torch.Tensor


class TrainingModel(nn.Module):
    """Module that a Trainer trains: the weights of a thinker, and auxiliary heads if needed.

    Args:
        thinker: thinker whose weights are trained, with a speak head or state tokens.
        speak_share: lambda, weight of the loss of p(speak).
        focal: gamma of `state_loss`.
        train_encoders: whether the encoders are trained too, with auxiliary heads that are
            discarded afterwards. The paper freezes both; only stage 0 of roma_tiny trains them.
        lora: settings of adapters that are trained in place of the backbone; `None` trains the
            backbone. The speak head is always trained in full.

    Raises:
        ValueError: the thinker has neither a speak head nor state tokens.
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
        """Recompute activations in the backward pass to save memory; called by the Trainer."""
        self.backbone.gradient_checkpointing_enable(**options)

    def forward(
        self,
        tokens: torch.Tensor,
        positions: torch.Tensor,
        mask: torch.Tensor | None,
        sink: torch.Tensor | None,
        sink_shift: torch.Tensor | None,
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
        shares: tuple[float, float, float],
        facts: torch.Tensor,
        cells: torch.Tensor,
        spoken: torch.Tensor,
    ) -> StreamLosses:
        """Return the losses of a batch; see `Batch` for the arguments and their shapes."""
        text_share, speak_share, row_share = shares
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
            nothing = torch.zeros_like(auxiliary_loss)  # no text and no label: the encoders alone
            loss = row_share * auxiliary_loss
            return StreamLosses(loss, nothing, nothing, auxiliary_loss.detach(), speak, target > 0)
        embeds = embeds.index_copy(0, video_at, video.to(embeds.dtype))
        embeds = embeds.index_copy(0, audio_at, audio.to(embeds.dtype))
        seen = SeenTokens.of(mask, sink, sink_shift, rotary_frequencies(self.backbone), length)
        outputs = forward_text(
            text_model(self.backbone),
            inputs_embeds=embeds.view(*tokens.shape, -1),
            position_ids=positions,
            attention_mask={"full_attention": seen},
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
            loss=text_share * text_loss
            + speak_share * self.speak_share * speak_loss
            + row_share * auxiliary_loss,
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
        """Return logits of p(speak) (U,) and their loss, from the hidden states (U, H) by layer."""
        tokens = self.thinker.state_tokens
        if tokens is not None:
            logits = self.backbone.lm_head(states[-1]).float()
            loss = state_loss(logits, tokens, speak, waiting, weight, self.focal)
            return tokens.logit(logits), loss
        assert self.speak_head is not None
        mixed = torch.stack([states[layer] for layer in self.thinker.config.speak_layer_ids])
        speak_logits = self.speak_head(mixed).float()
        return speak_logits, head_loss(speak_logits, speak, weight)
