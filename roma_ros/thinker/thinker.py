"""The streaming thinker: weights that every session shares."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerBase, Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker.bundle import check_bundle, is_bundle
from roma_ros.thinker.checkpoint import (
    SPEAK_HEAD_NAME,
    load_backbone,
    load_speak_head,
    load_tokenizer,
    resolve_folder,
)
from roma_ros.thinker.config import DEFAULT_CONTEXT_SECONDS, InstructionForm, RomaConfig
from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings, unit_positions
from roma_ros.thinker.errors import CheckpointError, ThinkerError, UnitShapeError
from roma_ros.thinker.features import MEL_FRAMES_PER_UNIT, FeatureExtractor
from roma_ros.thinker.onnx_overrides import StandIns
from roma_ros.thinker.placement import resolve_device, resolve_dtype
from roma_ros.thinker.quantization import Quantization, check_unused
from roma_ros.thinker.qwen_omni import audio_tower, vision_tower
from roma_ros.thinker.session import StreamSession
from roma_ros.thinker.speak_head import SpeakHead
from roma_ros.thinker.speak_source import SpeakSource, StateTokens
from roma_ros.thinker.vocabulary import needs_picture, needs_sound
from roma_ros.thinker.yes_no import yes_no_tokens
from roma_ros.units import UNIT_RATE, MultimodalUnit

__all__ = ["AUDIO_TOKENS_PER_UNIT", "RomaThinker", "unit_tokens"]

AUDIO_TOKENS_PER_UNIT = 25


class RomaThinker:
    """A Qwen2.5-Omni thinker with a speak head beside its LM head.

    Holds weights and nothing of any stream; `open_session` gives that a place. Weights are
    transformers' own; the talker is never loaded. Not for use from several threads at once.
    """

    def __init__(
        self,
        *,
        backbone: Qwen2_5OmniThinkerForConditionalGeneration,
        tokenizer: PreTrainedTokenizerBase,
        features: FeatureExtractor,
        config: RomaConfig,
        speak_head: SpeakHead | None,
        stand_ins: StandIns | None = None,
        name: str = "",
    ) -> None:
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.features = features
        self.config = config
        self.speak_head = speak_head
        self.stand_ins = stand_ins or StandIns()
        self.name = name
        self.dialogue = Dialogue(tokenizer, config.system_prompt)
        self.state_tokens: StateTokens | None = None
        if config.speak_source == SpeakSource.STATE_TOKEN.value:
            self.state_tokens = StateTokens.of(tokenizer, config.silent_tokens, config.speak_tokens)
        self.yes_no: StateTokens | None = None
        if config.speak_source == SpeakSource.YES_NO.value:
            self.yes_no = yes_no_tokens(tokenizer)
        self.device = backbone.device
        rows = backbone.lm_head.out_features
        self._unspeakable = torch.zeros(rows, dtype=torch.bool, device=self.device)
        self._unspeakable[len(tokenizer) :] = True  # Qwen pads its vocabulary
        self._unspeakable[self.dialogue.unspeakable] = True

    @classmethod
    def from_pretrained(
        cls,
        model: str | Path,
        *,
        device: str = "auto",
        dtype: str = "auto",
        quantization: str = "none",
        speak_source: str = "auto",
    ) -> RomaThinker:
        """Load a Qwen2.5-Omni thinker folder, with or without a speak head, or a bundle.

        Args:
            model: folder with config.json, safetensors (sharded or not) and a tokenizer, of a
                thinker or of a full Omni checkpoint; or a bundle that `roma quantize` has made,
                whose every file is compared with its manifest first; or the name of an embedded
                checkpoint: `roma_tiny`.
            device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`.
            dtype: `auto` (bfloat16 on CUDA, float32 on CPU), or a name such as `float16`.
            quantization: `none`, `nf4` or `int8`, of the backbone, at load (bitsandbytes); `none`
                for a bundle, which is loaded as it is stored.
            speak_source: what decides when to speak: `auto` (what the checkpoint says, or else
                its speak head, if it has one), `head`, `state_token` or `yes_no`: `SpeakSource`.

        Raises:
            CheckpointError: the folder, its weights, tokenizer or speak head do not serve; a
                bundle is not what its manifest says; or a quantised kind does not run here.
            ValueError: an unknown device, dtype or quantization.
        """
        folder = resolve_folder(model)
        place = resolve_device(device)
        kind = resolve_dtype(dtype, place)
        how = Quantization(quantization)
        try:
            return cls._load(folder, place, kind, how, speak_source)
        except (ThinkerError, ImportError, MemoryError):
            raise
        except Exception as error:  # whatever a library says to a damaged file
            raise CheckpointError(
                f"{folder} cannot be loaded: {type(error).__name__}: {str(error)[:500]}"
            ) from error

    @classmethod
    def _load(
        cls,
        folder: Path,
        place: torch.device,
        kind: torch.dtype,
        quantization: Quantization,
        speak_source: str,
    ) -> RomaThinker:
        stand_ins = StandIns()
        if is_bundle(folder):
            check_bundle(folder)
            stand_ins = StandIns.from_folder(folder)
        config = RomaConfig.from_folder(folder)
        if speak_source != "auto":
            config = replace(config, speak_source=speak_source)
        tokenizer = load_tokenizer(folder)
        backbone = load_backbone(
            folder,
            device=place,
            dtype=kind,
            quantization=quantization,
            without=stand_ins.towers,
        )
        thinker_config = backbone.config
        layers = thinker_config.text_config.num_hidden_layers
        if any(not -layers - 1 <= number <= layers for number in config.speak_layer_ids):
            raise CheckpointError(
                f"speak_layer_ids {config.speak_layer_ids} do not exist in {layers} layers"
            )
        head = load_speak_head(folder, config, thinker_config.text_config.hidden_size)
        if speak_source == SpeakSource.HEAD.value and not (head or stand_ins.speak_head):
            raise CheckpointError(
                f"speak_source is head, and {folder} has no speak head; "
                "use yes_no, or a checkpoint that has one"
            )
        return cls(
            backbone=backbone,
            tokenizer=tokenizer,
            features=FeatureExtractor.from_folder(
                folder,
                mel_bins=thinker_config.audio_config.num_mel_bins,
                min_pixels=config.min_pixels,
                max_pixels=config.max_pixels,
            ),
            config=config,
            speak_head=None if head is None else head.to(place),
            stand_ins=stand_ins,
            name=folder.name,
        )

    @property
    def decides(self) -> bool:
        """Whether it knows when to speak: it has a speak head, or tokens that say so."""
        sources = (self.speak_head, self.stand_ins.speak_head, self.state_tokens, self.yes_no)
        return any(source is not None for source in sources)

    @property
    def hears_instructions(self) -> bool:
        """Whether it takes instructions that are spoken into the stream, not written ones."""
        return self.config.instructions == InstructionForm.SPOKEN.value

    @property
    def context_seconds(self) -> float:
        """The window that sessions have by default: what the checkpoint was trained for, or 60."""
        return self.config.trained_context_seconds or DEFAULT_CONTEXT_SECONDS

    def window_objection(self, context_seconds: float | None) -> str:
        """Say that a window is longer than the checkpoint was trained for; empty if it is not."""
        trained = self.config.trained_context_seconds
        if context_seconds is None or trained is None or context_seconds <= trained:
            return ""
        return (
            f"context_seconds is {context_seconds:g}, and {self.name} was trained for windows of "
            f"at most {trained:g} s: it misses more, and says more that is wrong, beyond that"
        )

    def objection(self, text: str, *, has_video: bool = True, has_audio: bool = True) -> str:
        """Say what of an instruction or question the checkpoint cannot know, see or hear.

        Args:
            text: the instruction or question.
            has_video, has_audio: what the stream has.

        Returns:
            A sentence for each, joined by semicolons; empty if there is nothing to say.
        """
        vocabulary = self.config.vocabulary
        found = [] if vocabulary is None else [vocabulary.objection(text, self.name)]
        subject = repr(text.strip()[:60])
        if not has_audio and needs_sound(text, vocabulary):
            found.append(f"{subject} needs sound, and the stream has none")
        if not has_video and needs_picture(text, vocabulary):
            found.append(f"{subject} needs a picture, and the stream has none")
        return "; ".join(filter(None, found))

    def check_frame_size(self, height: int, width: int) -> None:
        """Raise `UnitShapeError` if frames of a size in pixels can never be taken."""
        rows, columns = self.features.grid(height, width)
        if (vision := self.stand_ins.vision) is not None:
            try:
                vision.check_grid(rows, columns)
            except UnitShapeError as error:
                message = f"frames of {width} x {height} pixels do not fit this model: {error}"
                raise UnitShapeError(message) from error

    @property
    def max_tokens_per_unit(self) -> int:
        """The most tokens that a unit can have: markers, sound, and frames at `max_pixels`."""
        side = self.features.patch_size * self.features.merge_size
        return 4 + AUDIO_TOKENS_PER_UNIT + self.config.max_pixels // side**2

    def open_session(
        self,
        instruction: str | None = None,
        *,
        context_seconds: float | None = None,
        spoken: npt.NDArray[np.float32] | None = None,
        yes_no_question: str | None = None,
    ) -> StreamSession:
        """Open the state of one stream under one instruction; close it, or use it in `with`.

        Args:
            instruction: what to watch for; `None` for a stream that is only asked questions.
            context_seconds: how many seconds of units stay in sight beside the opening turns;
                `None`: as many as the checkpoint was trained for.
            spoken: the instruction as sound, (n,) mono at 16 kHz: it is laid over the first units
                and not written. `None`: a checkpoint that takes spoken instructions has it read
                out by espeak-ng.
            yes_no_question: what is asked after each unit where `yes_no` decides; `None`: whether
                the instruction's condition holds now.

        Raises:
            ContextError: the instruction or the context is longer than the backbone's range.
            SpeechError: the instruction is to be read out, and espeak-ng is missing.
            UnitShapeError: `spoken` is no sound of at most 90 s.
        """
        return StreamSession(
            self,
            instruction,
            context_seconds=context_seconds,
            spoken=spoken,
            yes_no_question=yes_no_question,
        )

    @torch.inference_mode()
    def encode(self, unit: MultimodalUnit) -> EncodedUnit:
        """Features, encoders and positions of one unit; its cost is shared by all sessions.

        Raises:
            UnitShapeError: frames or audio of a shape, dtype or value that cannot be taken.
        """
        if unit.frames is None and unit.audio is None:
            raise UnitShapeError("a unit has neither frames nor audio; expected at least one")
        start = self.clock()
        patches = None if unit.frames is None else self.features.video(unit.frames)
        mel = None if unit.audio is None else self.features.audio(unit.audio)
        featured = self.clock()
        video = None
        parts: list[torch.Tensor] = []
        if patches is not None:
            merge = self.features.merge_size
            video = (patches.rows // merge, patches.columns // merge)
            grid = torch.tensor([[1, patches.rows, patches.columns]], device=self.device)
            parts.append(self.encode_video(torch.from_numpy(patches.pixels), grid))
        seen = self.clock()
        if mel is not None:
            parts.append(self.encode_audio(torch.from_numpy(mel)))
        heard = self.clock()
        audio_tokens = 0 if mel is None else AUDIO_TOKENS_PER_UNIT
        offsets, advance = unit_positions(video, audio_tokens)
        ids = unit_tokens(self.dialogue, video, audio_tokens)
        return EncodedUnit(
            stream=unit.stream,
            index=unit.index,
            stamp=unit.end,
            tokens=torch.tensor(ids, device=self.device),
            embeds=self._between_markers(ids, parts),
            offsets=offsets.to(self.device),
            advance=advance,
            grid=video,
            samples=unit.audio,
            timings=PhaseTimings(
                features=featured - start, vision=seen - featured, audio=heard - seen
            ),
        )

    @torch.inference_mode()
    def lay_over(self, unit: EncodedUnit, sound: npt.NDArray[np.float32]) -> EncodedUnit:
        """The same unit with more sound in it; its frames are not encoded again.

        Args:
            unit: with or without sound.
            sound: (n,) at 16 kHz, n at most 16,000; it begins with the unit.
        """
        start = self.clock()
        samples = np.zeros(UNIT_RATE, np.float32) if unit.samples is None else unit.samples.copy()
        samples[: len(sound)] += sound
        samples = np.clip(samples, -1, 1)
        mel = self.features.audio(samples)
        featured = self.clock()
        frames = unit.embeds[unit.tokens == self.dialogue.token("<|VIDEO|>")]
        heard = self.encode_audio(torch.from_numpy(mel))
        ids = unit_tokens(self.dialogue, unit.grid, AUDIO_TOKENS_PER_UNIT)
        offsets, advance = unit_positions(unit.grid, AUDIO_TOKENS_PER_UNIT)
        return replace(
            unit,
            tokens=torch.tensor(ids, device=self.device),
            embeds=self._between_markers(ids, [frames, heard]),
            offsets=offsets.to(self.device),
            advance=advance,
            samples=samples,
            timings=unit.timings.with_more_sound(featured - start, self.clock() - featured),
        )

    def _between_markers(self, ids: list[int], features: list[torch.Tensor]) -> torch.Tensor:
        """(L, H) embeddings of a unit: `features` stand where its ids hold places for them."""
        markers = (len(ids) - sum(map(len, features))) // 2
        return torch.cat([self.embed(ids[:markers]), *features, self.embed(ids[-markers:])])

    def encode_video(self, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Vision encoder over n units: (patches, patch values), (n, 3) grid -> (tokens, H)."""
        if (vision := self.stand_ins.vision) is not None:
            return vision(pixels, grid).to(self.device, self.embed_dtype)
        tower = vision_tower(self.backbone)
        features: torch.Tensor = tower(
            pixels.to(self.device, tower.dtype), grid_thw=grid
        ).pooler_output
        return features.to(self.embed_dtype)

    def encode_audio(self, mel: torch.Tensor) -> torch.Tensor:
        """Audio encoder over n seconds, each by itself: (mel bins, 100 n) -> (25 n, H)."""
        if (audio := self.stand_ins.audio) is not None:
            return audio(mel).to(self.device, self.embed_dtype)
        tower = audio_tower(self.backbone)
        units = mel.shape[1] // MEL_FRAMES_PER_UNIT
        lengths = torch.full((units,), MEL_FRAMES_PER_UNIT, device=self.device)
        after_cnn, _ = tower._get_feat_extract_output_lengths(lengths)
        features: torch.Tensor = tower(
            mel.to(self.device, tower.dtype), feature_lens=lengths, aftercnn_lens=after_cnn
        ).last_hidden_state
        return features.to(self.embed_dtype)

    @property
    def embed_dtype(self) -> torch.dtype:
        dtype: torch.dtype = self.backbone.get_input_embeddings().weight.dtype
        return dtype

    def embed(self, ids: list[int]) -> torch.Tensor:
        """(n, H) embeddings of token ids."""
        index = torch.tensor(ids, dtype=torch.long, device=self.device)
        embedded: torch.Tensor = self.backbone.get_input_embeddings()(index)
        return embedded

    def p_speak(self, hidden_states: tuple[torch.Tensor, ...]) -> float | None:
        """p(speak) from every layer's state at a token; `None` if nothing decides.

        The token is a unit's last, or that of the question's turn where `yes_no` decides.
        """
        if (tokens := self.yes_no or self.state_tokens) is not None:
            logits = self._logits(hidden_states[-1]).float()
            return float(tokens.logit(logits).sigmoid())
        if (head := self.stand_ins.speak_head or self.speak_head) is None:
            return None
        mixed = torch.stack([hidden_states[number] for number in self.config.speak_layer_ids])
        return float(head(mixed).float().sigmoid())

    def next_token(self, hidden_states: tuple[torch.Tensor, ...]) -> int:
        """The likeliest next token that may be spoken."""
        logits = self._logits(hidden_states[-1])
        return int(logits.masked_fill(self._unspeakable, -torch.inf).argmax())

    def _logits(self, state: torch.Tensor) -> torch.Tensor:
        """(H,) -> (V,), as one row: bitsandbytes' INT8 layers take nothing less."""
        logits: torch.Tensor = self.backbone.lm_head(state[None])[0]
        return logits

    def clock(self) -> float:
        """Monotonic seconds, after all work of the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the checkpoint as `from_pretrained` reads it, and transformers too.

        Raises:
            CheckpointError: parts of it are ONNX files, or it has NF4 weights that have been run
                on this CPU, which cannot be saved as they were.
        """
        if self.stand_ins != StandIns():
            raise CheckpointError(f"{self.name} is a bundle with ONNX parts; copy its folder")
        check_unused(self.backbone)
        folder = Path(folder)
        self.backbone.save_pretrained(folder)
        self.tokenizer.save_pretrained(folder)
        self.features.save_pretrained(folder)
        self.config.save(folder)
        if self.speak_head is not None:
            state = {
                name: value.contiguous() for name, value in self.speak_head.state_dict().items()
            }
            save_file(state, folder / SPEAK_HEAD_NAME)


def unit_tokens(dialogue: Dialogue, video: tuple[int, int] | None, audio_tokens: int) -> list[int]:
    """Ids of a unit: markers, and placeholders where features stand (paper, section 3.1)."""
    token = dialogue.token
    before, content, after = [], [], []
    if video is not None:
        before.append(token("<|vision_bos|>"))
        content += [token("<|VIDEO|>")] * (video[0] * video[1])
        after.append(token("<|vision_eos|>"))
    if audio_tokens:
        before.append(token("<|audio_bos|>"))
        content += [token("<|AUDIO|>")] * audio_tokens
        after.insert(0, token("<|audio_eos|>"))
    return [*before, *content, *after]
