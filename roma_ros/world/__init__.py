"""Synthetic streams of pictures and sound, generated from a seed, with exact ground truth.

A seed determines everything: `make_scene(seed, seconds)` -> `Scene` (plain data) ->
`WorldRenderer(scene)` -> units as a camera and a microphone would give them. Alerts, narrations and
questions with their labels are derived from the same scene, for training and evaluation.

    renderer = WorldRenderer(make_scene(seed=42, seconds=20))
    for unit in renderer:  # MultimodalUnit: frames (2, 112, 112, 3) uint8, audio (16000,) float32
        ...

The modules use the words of a theatre:

- scene: a whole stream as data: figures, touches, sounds, speech, backdrop and room (`Scene`).
- stage: the square on which figures move, the largest one in the middle of the picture; x to the
  right and y down, 0 to 1. `Stage` is also the scene under construction.
- figure: a coloured shape on the stage with a size, a path and times (`Figure`).
- look: colour and shape of a figure, "red circle" (`Look`).
- cast: the looks and sounds that may occur in one scene (`Cast`). Not all combinations of its
  colours and shapes are in it, so that near misses exist.
- plot: the order of appearances: CROWD (several figures at a time, for alerts and questions),
  SEQUENCE (one after another, for narrations) or RECORDINGS (recorded sounds alone) (`Plot`).
- act: one step of a plot: a solo (one figure) or a pair (two figures that may touch).
- lane: a straight track across the stage; figures keep to theirs, so that they touch only in a pair
  (`Lane`).
- pop, slide: the two ways to appear and leave: by growing and shrinking, or from outside the stage.
- touch: two figures in contact (`Touch`).
- backdrop: the static background with texture, clutter, camera noise and changing light
  (`Backdrop`).
- recording: a file with a real sound; a clip is one that has been read, a played clip a stretch
  of it at some speed, colour and room (`RecordingLibrary`, `PlayedClip`).
- room: background noise of the sound track, hiss and rumble (`Room`).
- senses: what can be seen and heard in each unit, the lookup behind all labels (`Senses`).
- sight: what needs no names of things: motion, stillness, the light, a covered camera, lamps
  (`Sight`); a scene's `sights` are `SightEvent`s, and real `Footage` may take the place of the
  backdrop's texture.
- film: a scene rendered to an MP4 file (`write_film`).
- line: a sentence spoken to the robot, over the sound track (`SpokenLine`).
- exercise: a scene with one instruction or question and the expected output (`Exercise`).
- segment: a stretch of a scene in which nothing changes; a narration describes it when it ends
  (`Segment`).
- stream: scenes one after another with cuts between them and quiet stretches, for as long as
  needed (`ContinuousStream`).
- split: train, validation or test, by ranges of seeds; each has voices of its own (`Split`).
"""

from roma_ros.speech import SpeechError, SpokenWord, Voice, say
from roma_ros.task import Task
from roma_ros.world.alert import (
    ALERT_KINDS,
    COMMON_KINDS,
    AlertKind,
    Window,
    WorldAlert,
    WorldEvent,
    draw_alerts,
)
from roma_ros.world.annotations import annotate, write_annotations
from roma_ros.world.continuous import ContinuousStream, Part, make_continuous
from roma_ros.world.errors import FilmError, FootageError, RecordingsError, SceneError, WorldError
from roma_ros.world.exercise import (
    Exercise,
    Subject,
    TimedText,
    alert_exercises,
    alerts_on,
    narration_exercise,
    narration_on,
    question_exercises,
    questions_on,
    sight_exercises,
)
from roma_ros.world.film import write_film
from roma_ros.world.footage import Footage, FootageClip, read_footage, split_of_clip
from roma_ros.world.frames import FrameRenderer
from roma_ros.world.narration import NARRATION_INSTRUCTION, Segment, captions, narrate
from roma_ros.world.plot import Plot
from roma_ros.world.questions import (
    PRESENT_KINDS,
    SPOKEN_KINDS,
    QuestionKind,
    WorldQuestion,
    dense_questions,
    draw_questions,
)
from roma_ros.world.recordings import Clip, PlayedClip, RecordedFile, RecordingLibrary
from roma_ros.world.renderer import WorldRenderer
from roma_ros.world.scene import Figure, Scene, SoundEvent, SpokenLine, Touch
from roma_ros.world.senses import Senses
from roma_ros.world.sentences import recorded_sentences
from roma_ros.world.sight_facts import sight_questions
from roma_ros.world.sight_scene import make_sight_scene
from roma_ros.world.sights import SIGHTS, Sight, SightEvent, SightKind, sight_sentences
from roma_ros.world.sound import SoundRenderer
from roma_ros.world.splits import Split
from roma_ros.world.staging import make_scene
from roma_ros.world.unknown_words import unknown_alerts
from roma_ros.world.voices import TEST_VOICES, TRAIN_VOICES, VALIDATION_VOICES
from roma_ros.world.words import ANSWERS, ESC_10, Colour, Look, RecordedSound, Shape, Sound

__all__ = [
    "ALERT_KINDS",
    "ANSWERS",
    "COMMON_KINDS",
    "ESC_10",
    "NARRATION_INSTRUCTION",
    "PRESENT_KINDS",
    "SIGHTS",
    "SPOKEN_KINDS",
    "TEST_VOICES",
    "TRAIN_VOICES",
    "VALIDATION_VOICES",
    "AlertKind",
    "Clip",
    "Colour",
    "ContinuousStream",
    "Exercise",
    "Figure",
    "FilmError",
    "Footage",
    "FootageClip",
    "FootageError",
    "FrameRenderer",
    "Look",
    "Part",
    "PlayedClip",
    "Plot",
    "QuestionKind",
    "RecordedFile",
    "RecordedSound",
    "RecordingLibrary",
    "RecordingsError",
    "Scene",
    "SceneError",
    "Segment",
    "Senses",
    "Shape",
    "Sight",
    "SightEvent",
    "SightKind",
    "Sound",
    "SoundEvent",
    "SoundRenderer",
    "SpeechError",
    "Split",
    "SpokenLine",
    "SpokenWord",
    "Subject",
    "Task",
    "TimedText",
    "Touch",
    "Voice",
    "Window",
    "WorldAlert",
    "WorldError",
    "WorldEvent",
    "WorldQuestion",
    "WorldRenderer",
    "alert_exercises",
    "alerts_on",
    "annotate",
    "captions",
    "dense_questions",
    "draw_alerts",
    "draw_questions",
    "make_continuous",
    "make_scene",
    "make_sight_scene",
    "narrate",
    "narration_exercise",
    "narration_on",
    "question_exercises",
    "questions_on",
    "read_footage",
    "recorded_sentences",
    "say",
    "sight_exercises",
    "sight_questions",
    "sight_sentences",
    "split_of_clip",
    "unknown_alerts",
    "write_annotations",
    "write_film",
]
