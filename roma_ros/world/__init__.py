"""A small world in pictures and sound, made up from a seed, with exact ground truth."""

from roma_ros.speech import SpeechError, SpokenWord, Voice, say
from roma_ros.world.alert import AlertKind, Window, WorldAlert, WorldEvent, draw_alerts
from roma_ros.world.annotations import annotate, write_annotations
from roma_ros.world.errors import FilmError, SampleError, SceneError, WorldError
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
)
from roma_ros.world.export import SAMPLES_NAME, export_exercises
from roma_ros.world.film import write_film
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
from roma_ros.world.renderer import WorldRenderer
from roma_ros.world.sample_units import sample_units
from roma_ros.world.samples import (
    Sample,
    SampleAnswer,
    SampleQuery,
    Task,
    read_samples,
    write_samples,
)
from roma_ros.world.scene import Figure, Scene, SoundEvent, SpokenLine, Touch
from roma_ros.world.senses import Senses
from roma_ros.world.sound import SoundRenderer
from roma_ros.world.splits import Split
from roma_ros.world.staging import make_scene
from roma_ros.world.voices import TEST_VOICES, TRAIN_VOICES, VALIDATION_VOICES
from roma_ros.world.words import ANSWERS, Colour, Look, Shape, Sound

__all__ = [
    "ANSWERS",
    "NARRATION_INSTRUCTION",
    "PRESENT_KINDS",
    "SAMPLES_NAME",
    "SPOKEN_KINDS",
    "TEST_VOICES",
    "TRAIN_VOICES",
    "VALIDATION_VOICES",
    "AlertKind",
    "Colour",
    "Exercise",
    "Figure",
    "FilmError",
    "FrameRenderer",
    "Look",
    "Plot",
    "QuestionKind",
    "Sample",
    "SampleAnswer",
    "SampleError",
    "SampleQuery",
    "Scene",
    "SceneError",
    "Segment",
    "Senses",
    "Shape",
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
    "export_exercises",
    "make_scene",
    "narrate",
    "narration_exercise",
    "narration_on",
    "question_exercises",
    "questions_on",
    "read_samples",
    "sample_units",
    "say",
    "write_annotations",
    "write_film",
    "write_samples",
]
