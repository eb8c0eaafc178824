"""Pictures that stand for long, given again and again as a camera would see them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from roma_ros.sources.media_track import PicturePiece, Piece

__all__ = ["with_held_pictures"]

NS = 1_000_000_000
FIRST, EVERY = NS, NS // 2
"""A picture comes again after a second, and then every half second: ns."""


def with_held_pictures(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Repeat each picture for as long as it is shown.

    The last picture of a track that ends before the sound is shown until the sound ends.

    Args:
        pieces: in the order of their starts.
    """
    shown: PicturePiece | None = None
    due = 0  # when it is to come again
    for piece in pieces:
        if shown is not None:
            until = piece.start if shown.is_last else min(piece.start, shown.end)
            for again in _repeats(shown, due, until):
                yield again
                due += EVERY
        if isinstance(piece, PicturePiece):
            shown, due = piece, piece.start + FIRST
        yield piece
    if shown is not None:
        yield from _repeats(shown, due, shown.end)


def _repeats(shown: PicturePiece, due: int, until: int) -> Iterator[PicturePiece]:
    """The picture again, from `due` up to `until`."""
    for start in range(due, until, EVERY):
        yield replace(shown, start=start)
