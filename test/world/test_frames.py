from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations

import cv2
import numpy as np
import pytest

from roma_ros.world import (
    Colour,
    Figure,
    FrameRenderer,
    Look,
    Plot,
    Scene,
    SceneError,
    Shape,
    make_scene,
)
from roma_ros.world.frames import PALETTE

Covered = Callable[[Scene, Figure, float], np.ndarray]


def nearest_colour(rgb: np.ndarray) -> Colour:
    """By direction in RGB, since light changes the length; white is what has no colour."""
    mean = rgb / np.linalg.norm(rgb)
    return min(
        PALETTE,
        key=lambda colour: float(
            np.linalg.norm(mean - np.array(PALETTE[colour]) / np.linalg.norm(PALETTE[colour]))
        ),
    )


@pytest.mark.parametrize("side", [56, 112, 224])
def test_the_colour_is_where_the_annotation_says(side: int) -> None:
    checked = 0
    for seed in range(8):
        scene = make_scene(seed, 12, Plot.SEQUENCE)
        renderer = FrameRenderer(scene, side, side)
        for figure in scene.figures:
            for unit in scene.clip(figure.there_after):
                time = unit + 0.5
                x, y = renderer.pixel(*figure.place(time))
                row, column = int(y), int(x)
                spot = renderer.frame(time)[row - 1 : row + 2, column - 1 : column + 2]
                others = [f for f in scene.figures if f is not figure and f.growth(time)]
                if all(
                    np.hypot(*np.subtract(f.place(time), figure.place(time))) > 0.3 for f in others
                ):
                    assert nearest_colour(spot.mean(axis=(0, 1))) is figure.look.colour
                    checked += 1
    assert checked > 60


@pytest.mark.slow
def test_a_figure_covers_its_place_and_only_while_it_is_there(covered: Covered) -> None:
    for seed in range(6):
        scene = make_scene(seed, 10)
        for figure in scene.figures:
            for frame in range(20):
                time = frame / 2
                pixels = covered(scene, figure, time)
                if not figure.appears <= time < figure.leaves:
                    assert not pixels.any()
                    continue
                rows, columns = np.nonzero(pixels)
                x, y = figure.place(time)
                assert abs(columns.mean() + 0.5 - 112 * x) < 1.5
                assert abs(rows.mean() + 0.5 - 112 * y) < 3.5  # a triangle's middle is lower
                reach = np.hypot(columns + 0.5 - 112 * x, rows + 0.5 - 112 * y).max()
                assert 0.85 < reach / (112 * figure.size) < 1.2


@pytest.mark.slow
def test_figures_touch_where_it_is_annotated_and_nowhere_else(covered: Covered) -> None:
    touching = apart = 0
    for seed in range(14):
        scene = make_scene(seed, 14)
        for frame in range(28):
            time = frame / 2
            there = [figure for figure in scene.figures if figure.growth(time)]
            masks = {figure: covered(scene, figure, time) for figure in there}
            for one, other in combinations(there, 2):
                expected = any(
                    {touch.mover, touch.other} == {one.look, other.look}
                    and touch.begins <= time < touch.ends
                    for touch in scene.touches
                )
                gap = cv2.distanceTransform((~masks[one]).astype(np.uint8), cv2.DIST_L2, 5)
                distance = gap[masks[other]].min()
                assert (distance <= 1.5) == expected, (seed, time, one.look, other.look)
                touching, apart = touching + expected, apart + (not expected)
    assert touching > 20
    assert apart > 100


@pytest.mark.parametrize("shape", Shape)
def test_shapes_differ_in_the_share_of_their_box_that_they_fill(shape: Shape) -> None:
    """Square > circle > cross, triangle > star: what they cover is what they are."""
    expected = {
        Shape.SQUARE: (0.9, 1.01),
        Shape.CIRCLE: (0.72, 0.85),
        Shape.TRIANGLE: (0.42, 0.6),
        Shape.CROSS: (0.45, 0.6),
        Shape.STAR: (0.25, 0.42),
    }
    scene = make_scene(1, 4)
    figure = replace(
        scene.figures[0],
        look=Look(Colour.WHITE, shape),
        angle=0.0,
        appears=0.0,
        leaves=4.0,
        size=0.3,
        path=(replace(scene.figures[0].path[0], x=0.5, y=0.5),),
    )
    whole, empty = (
        FrameRenderer(replace(scene, figures=figures)).frame(2.0).astype(int)
        for figures in ((figure,), ())
    )
    rows, columns = np.nonzero(np.abs(whole - empty).max(axis=2) > 40)
    box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
    low, high = expected[shape]
    assert low < len(rows) / box < high


def test_the_same_scene_and_time_give_the_same_picture() -> None:
    scene = make_scene(3, 5)
    one, other = FrameRenderer(scene), FrameRenderer(scene)
    np.testing.assert_array_equal(one.frame(2.5), other.frame(2.5))
    np.testing.assert_array_equal(one.unit(2), np.stack([other.frame(2.0), other.frame(2.5)]))


def test_noise_and_light_change_from_picture_to_picture() -> None:
    scene = replace(make_scene(3, 60), figures=())
    backdrop = replace(scene.backdrop, noise=5.0)
    light = replace(backdrop.light, swing=0.15, period=8.0, phase=0.0)
    renderer = FrameRenderer(replace(scene, backdrop=replace(backdrop, light=light)))
    dark, bright = renderer.frame(6.0).astype(float), renderer.frame(2.0).astype(float)
    assert bright.mean() / dark.mean() == pytest.approx(1.15 / 0.85, rel=0.08)
    near = renderer.frame(2.04) - bright
    assert 4 < near.std() < 10


@pytest.mark.parametrize(("height", "width"), [(56, 56), (480, 640), (360, 200)])
def test_pictures_of_any_size_show_the_same(height: int, width: int) -> None:
    scene = make_scene(2, 6)
    renderer = FrameRenderer(scene, height, width)
    assert renderer.frame(1.0).shape == (height, width, 3)
    assert renderer.unit(0).shape == (2, height, width, 3)
    figure = scene.figures[0]
    time = figure.there_after[0] + 0.5
    x, y = renderer.pixel(*figure.place(time))
    patch = renderer.frame(time)[int(y) - 1 : int(y) + 2, int(x) - 1 : int(x) + 2]
    assert nearest_colour(patch.mean(axis=(0, 1))) is figure.look.colour


def test_too_small_a_picture_is_refused() -> None:
    with pytest.raises(SceneError, match="56x56"):
        FrameRenderer(make_scene(0, 1), 112, 55)


@pytest.mark.parametrize("seed", range(12))
def test_nothing_behind_the_figures_is_as_bright_or_colourful_as_they_are(seed: int) -> None:
    scene = replace(make_scene(seed, 4), figures=())
    picture = cv2.blur(FrameRenderer(scene).frame(1.0), (5, 5)).astype(float)
    assert picture.max() < 185
    assert (picture.max(axis=2) - picture.min(axis=2)).max() < 70
