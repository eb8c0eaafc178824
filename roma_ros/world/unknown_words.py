"""Instructions about what no model of the world knows: they teach that unknown words mean silence.

None of the events is a sight or sound of the world. Some have a known thing with a verb that it has
not (`a dog sleeps`), or a known verb with another thing (`a cat barks`).
"""

from __future__ import annotations

import numpy as np

from roma_ros.world.alert import WorldAlert, WorldEvent
from roma_ros.world.scene import Scene
from roma_ros.world.splits import Purpose, Split, generator

__all__ = ["TEST_EVENTS", "TRAIN_EVENTS", "unknown_alerts"]

EVERY_TIME = 0.3  # probability of `every time`
SEEN_WORDINGS = ("alert me {when} {condition}", "let me know {when} {condition}")
HEARD_WORDINGS = ("alert me {when} {condition}", "tell me {when} {condition}")
MADE_UP = 0.5  # probability that a training event is any noun with any verb

TRAIN_EVENTS = (
    # Household
    "the kettle boils",
    "the oven beeps",
    "the phone rings",
    "the toaster pops",
    "the fridge opens",
    "the tap drips",
    "the bath overflows",
    "the washing machine stops",
    "the doorbell rings",
    "the curtain closes",
    "a drawer slides open",
    "a plate falls",
    "a cup tips over",
    "a spoon drops",
    "a lamp flickers",
    "a candle burns down",
    "a chair falls over",
    "a shelf collapses",
    "a key turns",
    "a lock clicks",
    "a pan sizzles",
    "a pot boils over",
    "a vacuum cleaner starts",
    "a printer jams",
    "a zip opens",
    "a balloon bursts",
    "a book falls",
    "a bag rustles",
    "a parcel arrives",
    "a letter drops",
    # Street and outdoors
    "a car passes",
    "a car stops",
    "a lorry reverses",
    "a bicycle falls",
    "a scooter passes",
    "a siren wails",
    "a horn honks",
    "a tram arrives",
    "a plane lands",
    "a boat docks",
    "a gate opens",
    "a fence breaks",
    "a tree sways",
    "a leaf falls",
    "a branch snaps",
    "the wind howls",
    "the snow melts",
    "the thunder rolls",
    "the sun sets",
    "the traffic light changes",
    "a drone takes off",
    "a bell tolls",
    "a hammer strikes",
    "a drill whirs",
    "a saw cuts wood",
    "a tractor ploughs",
    "a digger digs",
    "a wheel squeaks",
    "a brake screeches",
    "a flag waves",
    # Animals
    "a giraffe dances",
    "a cat meows",
    "a cat barks",
    "a bird sings",
    "a bird flies",
    "a horse neighs",
    "a horse runs",
    "a cow moos",
    "a sheep bleats",
    "a pig grunts",
    "a duck quacks",
    "a frog croaks",
    "an owl hoots",
    "a lion roars",
    "a wolf howls",
    "a mouse squeaks",
    "a bee buzzes",
    "a snake hisses",
    "a fish jumps",
    "a monkey climbs",
    "a rabbit hops",
    "a spider crawls",
    "a butterfly lands",
    "a goose honks",
    "a dog sleeps",
    "a dog eats",
    "a rooster walks",
    # People
    "a man walks in",
    "a woman leaves",
    "a child runs",
    "a child laughs",
    "a girl jumps",
    "a boy shouts",
    "a man coughs",
    "a woman sings",
    "a baby sleeps",
    "a baby laughs",
    "somebody snores",
    "somebody whistles",
    "somebody claps",
    "somebody waves",
    "somebody sits down",
    "somebody stands up",
    "somebody drinks",
    "somebody writes",
    "somebody drops a cup",
    "the cook stirs the soup",
    "the driver gets out",
    "the postman arrives",
    "the teacher speaks",
    "the player scores",
    "the crowd cheers",
    "my friend comes home",
    "my mother calls",
    # Things of the world that it does not have
    "an orange circle appears",
    "a pink star appears",
    "a black square appears",
    "a brown triangle appears",
    "a grey cross appears",
    "a red heart appears",
    "a blue diamond appears",
    "a green oval appears",
    "a yellow arrow appears",
    "a purple ring appears",
    "a red car appears",
    "a white van appears",
    "a blue ball rolls",
    "you hear a whistle",
    "you hear a trumpet",
    "you hear a violin",
    "you hear footsteps",
    "you hear a gunshot",
    "you hear a guitar",
    "you hear laughter",
    "you hear a buzzer",
    "a clock stops",
    "a clock breaks",
    "a fire alarm rings",
    "a helicopter lands",
    "a chainsaw breaks",
)
"""Events of the train split."""

TEST_EVENTS = (
    "a glass breaks",
    "a window shatters",
    "the microwave pings",
    "the blender runs",
    "the dishwasher leaks",
    "the baby monitor beeps",
    "a mirror cracks",
    "a towel drops",
    "a vase tips over",
    "an ambulance passes",
    "a motorbike starts",
    "a train whistles",
    "a bus leaves",
    "a taxi waits",
    "a crane turns",
    "a firework explodes",
    "a goat climbs",
    "a donkey brays",
    "a crow caws",
    "a dolphin jumps",
    "a bear growls",
    "a parrot talks",
    "an elephant sneezes",
    "a turkey gobbles",
    "a nurse comes in",
    "an old man falls",
    "a waiter bows",
    "a thief climbs in",
    "somebody yawns",
    "somebody hums",
    "somebody dances",
    "the neighbour shouts",
    "the doctor nods",
    "a dog digs",
    "a baby crawls",
    "a rooster drinks",
    "a golden square appears",
    "a silver circle appears",
    "a red hexagon appears",
    "a green moon appears",
    "you hear a piano",
    "you hear a drum",
    "you hear applause",
    "you hear a squeal",
)
"""Events of the other splits, most of them of words that are never trained on."""


def unknown_alerts(scene: Scene, count: int) -> tuple[WorldAlert, ...]:
    """Draw distinct alert instructions about what is unknown; their events never happen.

    Args:
        scene: scene that they are for; its seed determines the draw, its split the words.
        count: number of instructions.
    """
    random = generator(scene.seed, Purpose.UNKNOWN)
    train = Split.of(scene.seed) is Split.TRAIN
    alerts: dict[str, WorldAlert] = {}
    labels = np.zeros(scene.seconds, bool)
    while len(alerts) < min(count, len(TEST_EVENTS)):
        text = _made_up(random) if train and random.random() < MADE_UP else _listed(train, random)
        # Only wordings in which known sounds occur in training: no wording may give silence away.
        wordings = HEARD_WORDINGS if text.startswith("you hear") else SEEN_WORDINGS
        wording = wordings[random.integers(len(wordings))]
        every_time = bool(random.random() < EVERY_TIME)
        alerts[text] = WorldAlert(WorldEvent(unknown=text), every_time, labels, wording)
    return tuple(alerts.values())


def _listed(train: bool, random: np.random.Generator) -> str:
    events = TRAIN_EVENTS if train else TEST_EVENTS
    return events[random.integers(len(events))]


def _made_up(random: np.random.Generator) -> str:
    """Return the noun of one training event with the verb of another, both of three words."""
    plain = [event.split() for event in TRAIN_EVENTS if len(event.split()) == 3]
    (article, noun, _), (_, _, verb) = (
        plain[index] for index in random.integers(len(plain), size=2)
    )
    return f"{article} {noun} {verb}"
