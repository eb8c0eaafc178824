"""The node's watches, and which of their settings follow the node's defaults."""

from __future__ import annotations

from itertools import count
from typing import Any

from roma_ros.assistant import Assistant
from roma_ros.nodes.parameters import Settings, WatchDefaults
from roma_ros.recording import Recording
from roma_ros.watch import Watch, WatchError, WatchKind

__all__ = ["Watches", "kind_of"]

UNSET = -1


class Watches:
    """Adds watches to an assistant, with the node's defaults for what they leave open."""

    def __init__(self, assistant: Assistant, defaults: WatchDefaults) -> None:
        self._assistant = assistant
        self._defaults = defaults
        self._followed: dict[str, frozenset[str]] = {}  # names of settings, by id

    def add_configured(self, settings: Settings) -> None:
        """Add those that parameters give. Raises WatchError and RecordingError."""
        spoken = zip(settings.alerts, settings.alert_recordings, strict=True)
        for instruction, path in spoken:
            self.add(
                kind=WatchKind.ALERT,
                instruction=instruction,
                reply=settings.alert_reply,
                recording=Recording.from_wav(path) if path else None,
            )
        if settings.narration:
            path = settings.narration_recording
            self.add(
                kind=WatchKind.NARRATION,
                instruction=settings.narration,
                recording=Recording.from_wav(path) if path else None,
            )

    def add(
        self,
        *,
        kind: WatchKind,
        instruction: str,
        name: str = "",
        threshold: float = UNSET,
        window: int = UNSET,
        cooldown: float = UNSET,
        reply: bool = False,
        recording: Recording | None = None,
    ) -> str:
        """Add one; -1 stands for the node's default, which it will follow.

        Args:
            name: its id; empty: one is made.

        Returns:
            Its id.

        Raises:
            WatchError: it is refused; the message says why.
            AssistantStoppedError: the assistant is closed.
        """
        given = {"threshold": threshold, "window": window, "cooldown": cooldown}
        followed = frozenset(name for name, value in given.items() if value == UNSET)
        settings = {**given, **self._settings(kind, followed)}
        name = name or self._free_id(kind)
        self._assistant.watch(
            Watch(
                id=name,
                kind=kind,
                instruction=instruction,
                reply=reply,
                recording=recording,
                **settings,
            )
        )
        self._followed[name] = followed
        return name

    def remove(self, name: str) -> None:
        """End one, by its id. Raises UnknownWatchError."""
        self._assistant.unwatch(name)
        self._followed.pop(name, None)

    def follow(self, defaults: WatchDefaults) -> None:
        """Give the watches that follow the defaults new ones; their sessions go on."""
        self._defaults = defaults
        for watch in self._assistant.watches:
            followed = self._followed.get(watch.id)
            if followed is not None:
                self._assistant.adjust(watch.id, **self._settings(watch.kind, followed))

    def _settings(self, kind: WatchKind, followed: frozenset[str]) -> dict[str, Any]:
        """The defaults for those settings that follow them."""
        defaults = self._defaults
        if kind is WatchKind.NARRATION:
            values = (defaults.narration_threshold, 1, 0.0)
        else:
            values = (defaults.alert_threshold, defaults.alert_window, defaults.alert_cooldown)
        settings = zip(("threshold", "window", "cooldown"), values, strict=True)
        return {name: value for name, value in settings if name in followed}

    def _free_id(self, kind: WatchKind) -> str:
        taken = {watch.id for watch in self._assistant.watches}
        names = (f"{kind.value}_{number}" for number in count(1))
        return next(name for name in names if name not in taken)


def kind_of(code: int) -> WatchKind:
    """The kind that a Watch request names. Raises WatchError."""
    kinds = (WatchKind.ALERT, WatchKind.NARRATION)
    if code >= len(kinds):
        raise WatchError(f"kind is {code}; expected 0 (ALERT) or 1 (NARRATION)")
    return kinds[code]
