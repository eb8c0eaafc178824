"""The assistant's setting of a memory reaches its sessions."""

from __future__ import annotations

import pytest

from roma_ros.assistant import Assistant, AssistantConfig
from roma_ros.assistant.config import AssistantConfigError
from roma_ros.thinker import RomaThinker


def test_sessions_are_opened_with_the_memory_of_the_config(
    tiny: RomaThinker, make_unit, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    open_session = RomaThinker.open_session

    def spy(self: RomaThinker, *arguments, **options):
        session = open_session(self, *arguments, **options)
        opened.append(session.memory)
        return session

    monkeypatch.setattr(RomaThinker, "open_session", spy)
    config = AssistantConfig(context_seconds=2, memory_megabytes=3)
    assistant = Assistant(tiny, config, on_event=lambda _: None)
    assistant.submit(make_unit(0, height=56, width=56))
    assistant.run_pending()
    assistant.close()
    assert [memory is not None and memory.budget_bytes for memory in opened] == [3_000_000]


def test_a_negative_memory_is_refused() -> None:
    with pytest.raises(AssistantConfigError, match="memory_megabytes is -1; expected 0"):
        AssistantConfig(memory_megabytes=-1)
