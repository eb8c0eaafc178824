"""The streaming thinker: weights that every session shares."""

from __future__ import annotations

import time
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import PreTrainedTokenizerBase, Qwen2_5OmniThinkerForConditionalGeneration

from roma_ros.thinker.checkpoint import (
    SPEAK_HEAD_NAME,
    load_backbone,
    load_speak_head,
    load_tokenizer,
    resolve_folder,
)
from roma_ros.thinker.config import RomaConfig
from roma_ros.thinker.dialogue import Dialogue
from roma_ros.thinker.encoding import EncodedUnit, PhaseTimings, unit_positions
from roma_ros.thinker.errors import CheckpointError, UnitShapeError
from roma_ros.thinker.features import MEL_FRAMES_PER_UNIT, FeatureExtractor
from roma_ros.thinker.quantization import Quantization
from roma_ros.thinker.session import StreamSession
from roma_ros.thinker.speak_head import SpeakHead
from roma_ros.thinker.speak_source import SpeakSource, StateTokens
from roma_ros.units import MultimodalUnit

__all__ = ["AUDIO_TOKENS_PER_UNIT", "RomaThinker", "unit_tokens"]

AUDIO_TOKENS_PER_UNIT = 25
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


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
        name: str = "",
    ) -> None:
        self.backbone = backbone
        self.tokenizer = tokenizer
        self.features = features
        self.config = config
        self.speak_head = speak_head
        self.name = name
        self.dialogue = Dialogue(tokenizer, config.system_prompt)
        self.state_tokens: StateTokens | None = None
        if config.speak_source == SpeakSource.STATE_TOKEN.value:
            self.state_tokens = StateTokens.of(tokenizer, config.silent_tokens, config.speak_tokens)
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
    ) -> RomaThinker:
        """Load a Qwen2.5-Omni thinker folder, with or without a speak head.

        Args:
            model: folder with config.json, safetensors (sharded or not) and a tokenizer, of a
                thinker or of a full Omni checkpoint; or the name of an embedded one: `roma_tiny`.
            device: `auto` (CUDA where there is one), `cpu`, `cuda`, `cuda:1`.
            dtype: `auto` (bfloat16 on CUDA, float32 on CPU), or a name such as `float16`.
            quantization: `none`, `nf4` or `int8`, of the backbone, at load (bitsandbytes).

        Raises:
            CheckpointError: the folder, its weights, tokenizer or speak head do not serve.
            ValueError: an unknown device, dtype or quantization.
        """
        folder = resolve_folder(model)
        place = _device(device)
        kind = _dtype(dtype, place)
        config = RomaConfig.from_folder(folder)
        tokenizer = load_tokenizer(folder)
        backbone = load_backbone(
            folder, device=place, dtype=kind, quantization=Quantization(quantization)
        )
        thinker_config = backbone.config
        layers = thinker_config.text_config.num_hidden_layers
        if any(not -layers - 1 <= number <= layers for number in config.speak_layer_ids):
            raise CheckpointError(
                f"speak_layer_ids {config.speak_layer_ids} do not exist in {layers} layers"
            )
        head = load_speak_head(folder, config, thinker_config.text_config.hidden_size)
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
            name=folder.name,
        )

    @property
    def decides(self) -> bool:
        """Whether it knows when to speak: it has a speak head, or tokens that say so."""
        return self.speak_head is not None or self.state_tokens is not None

    @property
    def max_tokens_per_unit(self) -> int:
        """The most tokens that a unit can have: markers, sound, and frames at `max_pixels`."""
        side = self.features.patch_size * self.features.merge_size
        return 4 + AUDIO_TOKENS_PER_UNIT + self.config.max_pixels // side**2

    def open_session(
        self, instruction: str | None = None, *, context_seconds: float = 60.0
    ) -> StreamSession:
        """Open the state of one stream under one instruction; close it, or use it in `with`.

        Args:
            instruction: what to watch for; `None` for a stream that is only asked questions.
            context_seconds: how many seconds of units stay in sight beside the opening turns.

        Raises:
            ContextError: the instruction or the context is longer than the backbone's range.
        """
        return StreamSession(self, instruction, context_seconds=context_seconds)

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
        markers = 1 if video is None or mel is None else 2
        embeds = torch.cat([self.embed(ids[:markers]), *parts, self.embed(ids[-markers:])])
        return EncodedUnit(
            stream=unit.stream,
            index=unit.index,
            stamp=unit.end,
            tokens=torch.tensor(ids, device=self.device),
            embeds=embeds,
            offsets=offsets.to(self.device),
            advance=advance,
            timings=PhaseTimings(
                features=featured - start, vision=seen - featured, audio=heard - seen
            ),
        )

    def encode_video(self, pixels: torch.Tensor, grid: torch.Tensor) -> torch.Tensor:
        """Vision encoder over n units: (patches, patch values), (n, 3) grid -> (tokens, H)."""
        pixels = pixels.to(self.device, self.backbone.visual.dtype)
        features: torch.Tensor = self.backbone.visual(pixels, grid_thw=grid).pooler_output
        return features.to(self.embed_dtype)

    def encode_audio(self, mel: torch.Tensor) -> torch.Tensor:
        """Audio encoder over n seconds, each by itself: (mel bins, 100 n) -> (25 n, H)."""
        tower = self.backbone.audio_tower
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
        """p(speak) from every layer's state at a unit's last token; `None` if nothing decides."""
        if self.state_tokens is not None:
            logits = self.backbone.lm_head(hidden_states[-1]).float()
            return float(self.state_tokens.logit(logits).sigmoid())
        if self.speak_head is None:
            return None
        mixed = torch.stack([hidden_states[number] for number in self.config.speak_layer_ids])
        return float(self.speak_head(mixed).float().sigmoid())

    def next_token(self, hidden_states: tuple[torch.Tensor, ...]) -> int:
        """The likeliest next token that may be spoken."""
        logits = self.backbone.lm_head(hidden_states[-1])
        return int(logits.masked_fill(self._unspeakable, -torch.inf).argmax())

    def clock(self) -> float:
        """Monotonic seconds, after all work of the device is done."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)
        return time.perf_counter()

    def save_pretrained(self, folder: str | Path) -> None:
        """Write the checkpoint as `from_pretrained` reads it, and transformers too."""
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


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ValueError(f"device {name!r}; expected auto, cpu, cuda or cuda:N") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError(f"device {name!r}, but torch sees no CUDA device; use cpu or auto")
    return device


def _dtype(name: str, device: torch.device) -> torch.dtype:
    if name == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    if name not in DTYPES:
        raise ValueError(f"dtype {name!r}; expected auto or one of {sorted(DTYPES)}")
    return DTYPES[name]
