"""The backbone quantised by bitsandbytes while it loads."""

from __future__ import annotations

import pytest
from bitsandbytes.nn import Linear4bit, Linear8bitLt
from torch import nn

from roma_ros.thinker import RomaThinker
from roma_ros.thinker.qwen_omni import released_name


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "layer"), [("nf4", Linear4bit), ("int8", Linear8bitLt)])
def test_the_backbone_alone_is_quantised_and_still_close(
    make_unit, kind: str, layer: type[nn.Module]
) -> None:
    whole = RomaThinker.from_pretrained("roma_tiny", device="cpu")
    thinker = RomaThinker.from_pretrained("roma_tiny", device="cpu", quantization=kind)
    quantised = [name for name, part in thinker.backbone.named_modules() if isinstance(part, layer)]
    assert len(quantised) == 6 * 7
    assert all(released_name(name).startswith("model.layers.") for name in quantised)
    with whole.open_session() as plain, thinker.open_session() as session:
        for index in range(4):
            unit = make_unit(index)
            expected, got = plain.step(unit).p_speak, session.step(unit).p_speak
            assert got != expected
            assert got == pytest.approx(expected, abs=0.2)
        assert session.speak(4).tokens <= 4
