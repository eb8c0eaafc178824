"""Weights of a thinker and their forward passes, without the state of any stream."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import lru_cache, partial

import numpy as np
import numpy.typing as npt
import torch
from transformers import PreTrainedTokenizerBase, Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker.config import DEFAULT_CONTEXT_SECONDS, InstructionForm, RomaConfig
from roma_ros.thinker.context_policy import ContextPolicy
from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.encoding import (
    AUDIO_TOKENS_PER_UNIT,
    MARKERS_PER_UNIT,
    EncodedUnit,
    PhaseTimings,
    unit_positions,
    unit_tokens,
)
from roma_ros.thinker.errors import UnitShapeError
from roma_ros.thinker.features import MEL_FRAMES_PER_UNIT, FeatureExtractor
from roma_ros.thinker.onnx_overrides import OnnxOverrides
from roma_ros.thinker.qwen_omni import (
    audio_constants,
    audio_tower,
    set_attention,
    use_linear_patch_embedding,
    vision_constants,
    vision_tower,
)
from roma_ros.thinker.speak_head import SpeakHead
from roma_ros.thinker.speak_source import SpeakSource, StateTokens
from roma_ros.thinker.yes_no import yes_no_tokens
from roma_ros.units import UNIT_RATE, MultimodalUnit

__all__ = ["ThinkerModel"]

FRAME_SHAPES = 8  # shapes of frames whose constants are kept


class ThinkerModel:
    """Qwen2.5-Omni thinker with a speak head: encoders, embeddings and the two heads.

    One instance serves any number of sessions, which keep the state of their streams themselves.
    Not thread-safe.

    Args:
        backbone: transformers' thinker, with its vision and audio encoders.
        tokenizer: tokenizer of the checkpoint, with Qwen2.5-Omni's special tokens.
        features: turns frames and audio into encoder input.
        config: settings that the checkpoint was trained with.
        speak_head: the speak head; `None` for a checkpoint without one.
        onnx_overrides: parts that onnxruntime runs instead of torch; `None` for none.
        name: name of the checkpoint in messages.
        optimized: whether the backbone is changed to compute the same faster: attention over slots
            without copies of keys and values, the patch embedding as a matrix product, and
            constants of the encoders kept per shape of frames. Otherwise transformers' modules run
            as they are; results differ by rounding.

    Raises:
        CheckpointError: the tokenizer lacks a special token, or a token that `config` needs.
    """

    def __init__(
        self,
        *,
        backbone: Qwen2_5OmniThinkerForConditionalGeneration,
        tokenizer: PreTrainedTokenizerBase,
        features: FeatureExtractor,
        config: RomaConfig,
        speak_head: SpeakHead | None,
        onnx_overrides: OnnxOverrides | None = None,
        name: str = "",
        optimized: bool = True,
    ) -> None:
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.features = features
        self.config = config
        self.speak_head = speak_head
        self.onnx_overrides = onnx_overrides or OnnxOverrides()
        self.name = name
        self.dialogue = Dialogue(tokenizer, config.system_prompt)
        self.state_tokens: StateTokens | None = None
        if config.speak_source == SpeakSource.STATE_TOKEN.value:
            self.state_tokens = StateTokens.of(tokenizer, config.silent_tokens, config.speak_tokens)
        self.yes_no: StateTokens | None = None
        if config.speak_source == SpeakSource.YES_NO.value:
            self.yes_no = yes_no_tokens(tokenizer)
        self.device = backbone.device
        self.optimized = optimized
        if optimized:
            use_linear_patch_embedding(backbone)
        else:
            set_attention(backbone, "sdpa")
        self._vision_constants = lru_cache(FRAME_SHAPES)(
            partial(vision_constants, vision_tower(backbone))
        )
        self._audio_constants = lru_cache(1)(partial(audio_constants, audio_tower(backbone)))
        rows = backbone.lm_head.out_features
        self._suppressed = torch.zeros(rows, dtype=torch.bool, device=self.device)
        self._suppressed[len(tokenizer) :] = True  # Qwen pads its vocabulary
        self._suppressed[self.dialogue.suppressed] = True

    @property
    def has_speak_source(self) -> bool:
        """Whether it computes p(speak): from a speak head, or from tokens of the LM head."""
        sources = (self.speak_head, self.onnx_overrides.speak_head, self.state_tokens, self.yes_no)
        return any(source is not None for source in sources)

    @property
    def takes_spoken_instructions(self) -> bool:
        """Whether it was trained on instructions spoken into the stream instead of text."""
        return self.config.instructions == InstructionForm.SPOKEN.value

    @property
    def context_seconds(self) -> float:
        """Default window of its sessions in seconds: the trained one if known, else 60."""
        return self.config.trained_context_seconds or DEFAULT_CONTEXT_SECONDS

    @property
    def context_policy(self) -> ContextPolicy:
        """Default policy of its sessions for a full window: the one that it was trained for."""
        return ContextPolicy(self.config.trained_context_policy)

    def check_frame_size(self, height: int, width: int) -> None:
        """Check that frames of a size can be encoded.

        Args:
            height, width: size of the frames in pixels.

        Raises:
            UnitShapeError: the sides are in a ratio above 200, or an ONNX vision encoder was
                exported for another shape.
        """
        rows, columns = self.features.grid(height, width)
        if (vision := self.onnx_overrides.vision) is not None:
            try:
                vision.check_grid(rows, columns)
            except UnitShapeError as error:
                message = f"frames of {width} x {height} pixels do not fit this model: {error}"
                raise UnitShapeError(message) from error

    @property
    def max_video_tokens(self) -> int:
        """Most video tokens that a unit can have: those of frames at `config.max_pixels`."""
        side = self.features.patch_size * self.features.merge_size
        return self.config.max_pixels // side**2

    @property
    def max_unit_tokens(self) -> int:
        """Most tokens that a unit can have: markers, audio and `max_video_tokens`."""
        return MARKERS_PER_UNIT + AUDIO_TOKENS_PER_UNIT + self.max_video_tokens

    @torch.inference_mode()
    def encode(self, unit: MultimodalUnit) -> EncodedUnit:
        """Encode one unit; the result serves every session of the stream.

        Args:
            unit: two frames, (2, H, W, 3) uint8 RGB, or (16000,) float32 audio at 16 kHz, or both.

        Raises:
            UnitShapeError: frames or audio have a shape, dtype or value that cannot be encoded.
        """
        if unit.frames is None and unit.audio is None:
            raise UnitShapeError("a unit has neither frames nor audio; expected at least one")
        start = self.clock()
        patches = None if unit.frames is None else self.features.video(unit.frames)
        mel = None if unit.audio is None else self.features.audio(unit.audio)
        extracted = self.clock()
        video = None
        parts: list[torch.Tensor] = []
        if patches is not None:
            merge = self.features.merge_size
            video = (patches.rows // merge, patches.columns // merge)
            grid = torch.tensor([[1, patches.rows, patches.columns]])
            parts.append(self.encode_video(torch.from_numpy(patches.pixels), grid))
        video_done = self.clock()
        if mel is not None:
            parts.append(self.encode_audio(torch.from_numpy(mel)))
        audio_done = self.clock()
        audio_tokens = 0 if mel is None else AUDIO_TOKENS_PER_UNIT
        offsets, advance = unit_positions(video, audio_tokens)
        ids = unit_tokens(self.dialogue, video, audio_tokens)
        return EncodedUnit(
            stream=unit.stream,
            index=unit.index,
            stamp=unit.end,
            tokens=torch.tensor(ids, device=self.device),
            embeds=self._unit_embeddings(ids, parts),
            offsets=offsets.to(self.device),
            advance=advance,
            grid=video,
            samples=unit.audio,
            timings=PhaseTimings(
                features=extracted - start,
                vision=video_done - extracted,
                audio=audio_done - video_done,
            ),
        )

    @torch.inference_mode()
    def mix_audio(self, unit: EncodedUnit, audio: npt.NDArray[np.float32]) -> EncodedUnit:
        """Return a copy of a unit with `audio` added to its own; frames are not encoded again.

        Args:
            unit: encoded unit, with or without audio.
            audio: (n,) float32 mono at 16 kHz, n at most 16,000; it starts with the unit. The sum
                is clipped to [-1, 1].
        """
        start = self.clock()
        samples = np.zeros(UNIT_RATE, np.float32) if unit.samples is None else unit.samples.copy()
        samples[: len(audio)] += audio
        samples = np.clip(samples, -1, 1)
        mel = self.features.audio(samples)
        extracted = self.clock()
        video_features = unit.embeds[unit.tokens == self.dialogue.token("<|VIDEO|>")]
        audio_features = self.encode_audio(torch.from_numpy(mel))
        ids = unit_tokens(self.dialogue, unit.grid, AUDIO_TOKENS_PER_UNIT)
        offsets, advance = unit_positions(unit.grid, AUDIO_TOKENS_PER_UNIT)
        return replace(
            unit,
            tokens=torch.tensor(ids, device=self.device),
            embeds=self._unit_embeddings(ids, [video_features, audio_features]),
            offsets=offsets.to(self.device),
            advance=advance,
            samples=samples,
            timings=unit.timings.with_more_audio(extracted - start, self.clock() - extracted),
        )

    def encode_video(self, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Run the vision encoder over n units, each by itself.

        Args:
            pixels: (n * patches, patch values) float, as `FeatureExtractor.video` returns them.
            grid: (n, 3) int64, a row (1, patch rows, patch columns) for each unit; on the CPU
                the encoder need not wait for the device to read it.

        Returns:
            (n * video tokens, H) of `embed_dtype`.
        """
        if (vision := self.onnx_overrides.vision) is not None:
            return vision(pixels, grid).to(self.device, self.embed_dtype)
        tower = vision_tower(self.backbone)
        constants: dict[str, torch.Tensor] = {}
        if self.optimized and len(grid) == 1:
            _, rows, columns = grid[0].tolist()
            constants = self._vision_constants(rows, columns)
        features: torch.Tensor = tower(
            pixels.to(self.device, tower.dtype), grid_thw=grid, **constants
        ).pooler_output
        return features.to(self.embed_dtype)

    def encode_audio(self, mel: torch.Tensor) -> torch.Tensor:
        """Run the audio encoder over n seconds, each by itself.

        Args:
            mel: (mel bins, 100 n) float log-mel frames.

        Returns:
            (25 n, H) of `embed_dtype`.
        """
        if (audio := self.onnx_overrides.audio) is not None:
            return audio(mel).to(self.device, self.embed_dtype)
        tower = audio_tower(self.backbone)
        mel = mel.to(self.device, tower.dtype)
        if self.optimized and mel.shape[1] == MEL_FRAMES_PER_UNIT:
            constants = self._audio_constants(MEL_FRAMES_PER_UNIT)
            outputs = tower(padded_feature=mel[None], **constants)
            return outputs.last_hidden_state.to(self.embed_dtype)  # type: ignore[no-any-return]
        units = mel.shape[1] // MEL_FRAMES_PER_UNIT
        lengths = torch.full((units,), MEL_FRAMES_PER_UNIT, device=self.device)
        after_cnn, _ = tower._get_feat_extract_output_lengths(lengths)
        features: torch.Tensor = tower(
            mel, feature_lens=lengths, aftercnn_lens=after_cnn
        ).last_hidden_state
        return features.to(self.embed_dtype)

    @property
    def embed_dtype(self) -> torch.dtype:
        """Dtype of the input embeddings, and so of the KV cache."""
        dtype: torch.dtype = self.backbone.get_input_embeddings().weight.dtype
        return dtype

    def embed(self, ids: list[int]) -> torch.Tensor:
        """Return the (n, H) input embeddings of n token ids."""
        index = torch.tensor(ids, dtype=torch.long, device=self.device)
        embedded: torch.Tensor = self.backbone.get_input_embeddings()(index)
        return embedded

    def p_speak(self, hidden_states: tuple[torch.Tensor, ...]) -> float | None:
        """Return p(speak) in [0, 1]; `None` for a checkpoint without a speak source.

        Args:
            hidden_states: (H,) state of every layer at one token: the unit's last token, or the
                last token of the question's turn if `speak_source` is `yes_no`.
        """
        if (tokens := self.yes_no or self.state_tokens) is not None:
            logits = self._logits(hidden_states[-1]).float()
            return float(tokens.logit(logits).sigmoid())
        if (head := self.onnx_overrides.speak_head or self.speak_head) is None:
            return None
        mixed = torch.stack([hidden_states[number] for number in self.config.speak_layer_ids])
        return float(head(mixed).float().sigmoid())

    def next_token(self, hidden_states: tuple[torch.Tensor, ...]) -> int:
        """Return the id of the most likely next token of a reply; special tokens are excluded.

        Args:
            hidden_states: (H,) state of every layer at the last token.
        """
        logits = self._logits(hidden_states[-1])
        return int(logits.masked_fill(self._suppressed, -torch.inf).argmax())

    def clock(self) -> float:
        """Return monotonic seconds, after waiting for all work queued on a CUDA device."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def _unit_embeddings(self, ids: list[int], features: list[torch.Tensor]) -> torch.Tensor:
        """Return (L, H) embeddings of a unit, with `features` in place of its placeholders."""
        markers = (len(ids) - sum(map(len, features))) // 2
        return torch.cat([self.embed(ids[:markers]), *features, self.embed(ids[-markers:])])

    def _logits(self, state: torch.Tensor) -> torch.Tensor:
        """Return (H,) -> (V,), run as one row: bitsandbytes' INT8 layers need two dimensions."""
        logits: torch.Tensor = self.backbone.lm_head(state[None])[0]
        return logits
