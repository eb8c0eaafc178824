"""The node `roma`: it watches and listens, raises alerts, narrates and answers questions."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from roma_ros.assistant import AssistantStoppedError
from roma_ros.events import Answer
from roma_ros.nodes import qos
from roma_ros.nodes.declaration import declare
from roma_ros.nodes.deferred import Respond, create_deferred_service
from roma_ros.nodes.diagnostics import (
    LagMemory,
    input_status,
    state_status,
    thinker_status,
    unit_status,
)
from roma_ros.nodes.event_publisher import EventPublisher
from roma_ros.nodes.faults import Faults
from roma_ros.nodes.input_monitor import InputMonitor, describe_publishers
from roma_ros.nodes.intake import Intake
from roma_ros.nodes.mind import Attention, Mind, free_unused_memory
from roma_ros.nodes.parameters import SPECS, Settings, WatchDefaults
from roma_ros.nodes.senses import Senses
from roma_ros.nodes.spinning import run
from roma_ros.nodes.stamps import time_of
from roma_ros.nodes.transitions import refuse_impossible_transitions
from roma_ros.nodes.watches import kind_of
from roma_ros.questions import QuestionError
from roma_ros.srv import Ask, Unwatch, Watch
from roma_ros.thinker import ThinkerError
from roma_ros.units import MultimodalUnit
from roma_ros.watch import WatchError

__all__ = ["RomaNode", "main"]

DIAGNOSTICS_PERIOD = 1.0  # seconds
SILENCE_LOG_PERIOD = 10.0  # seconds between two warnings of an input that is silent


class NotReadyError(RuntimeError):
    """The node is not configured, or not active, as a service needs it."""


REFUSALS = (NotReadyError, AssistantStoppedError, QuestionError, ThinkerError, WatchError)


class RomaNode(LifecycleNode):
    """A lifecycle node around one assistant.

    Configure loads the model, activate subscribes, deactivate stops, cleanup frees. Executor
    callbacks only pass things on; units are made in the intake's thread, the model runs in the
    assistant's, which also publishes what comes of them.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("roma", **arguments)
        self._mind: Mind | None = None
        self._attention: Attention | None = None
        self._trouble = ""  # why the last configure failed
        declare(self, SPECS, self._why_locked)
        self.add_post_set_parameters_callback(self._on_parameters_set)
        self._faults = Faults(self.get_logger().warning)
        self._lag_memory = LagMemory()
        self._publish_event = EventPublisher(self)
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.DIAGNOSTICS)
        create_deferred_service(self, Ask, "~/ask", self._on_ask, qos.QUESTIONS)
        self.create_service(Watch, "~/watch", self._on_watch)
        self.create_service(Unwatch, "~/unwatch", self._on_unwatch)
        self.create_service(Trigger, "~/reset", self._on_reset)
        self.create_service(SetBool, "~/enable", self._on_enable)
        # Steady, so that it beats also while nobody publishes the simulation's /clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DIAGNOSTICS_PERIOD, self._report, clock=steady)
        refuse_impossible_transitions(self)
        if self.get_parameter("autostart").value:
            self._autostart = self.create_timer(0.0, self._start_once, clock=steady)

    @property
    def faults(self) -> Faults:
        """What was wrong with the input, and what callbacks raised."""
        return self._faults

    @property
    def inputs(self) -> tuple[InputMonitor, ...]:
        """What has come in on which topic; empty while the node is not active."""
        return () if self._attention is None else tuple(self._attention.senses.monitors)

    @property
    def state(self) -> str:
        """unconfigured, inactive or active, as far as the node itself can say."""
        if self._mind is None:
            return "unconfigured"
        return "inactive" if self._attention is None else "active"

    # --- lifecycle ---

    def _start_once(self) -> None:
        self.destroy_timer(self._autostart)
        if self.trigger_configure() == TransitionCallbackReturn.SUCCESS:
            self.trigger_activate()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        log = self.get_logger()
        try:
            settings = Settings.of(self)
            log.info(f"loading {settings.model} on {settings.device}")
            self._mind = Mind.load(settings, WatchDefaults.of(self), self._publish_event)
        except Exception as error:  # the model, its libraries, the device: say why, and live on
            self._trouble = f"cannot configure: {type(error).__name__}: {error}"
            log.error(self._trouble)
            return TransitionCallbackReturn.FAILURE
        self._trouble = ""
        if not self._mind.assistant.thinker.decides:
            log.warning(
                f"{self._mind.model} has no speak head: it answers, but never speaks up; with "
                "speak_source yes_no it is asked after every unit whether it should"
            )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        mind = self._configured()
        mind.assembler.reset()
        mind.assistant.start()
        intake = Intake(mind.assembler, self._on_unit, self._faults)
        senses = Senses(self, intake.put, self._faults)
        if mind.settings.assembler.video:
            senses.look(mind.settings.image_transport, mind.images)
        if mind.settings.assembler.audio:
            senses.listen(mind.audio)
        self._attention = Attention(senses, intake)
        topics = " and ".join(monitor.topic for monitor in self.inputs)
        self.get_logger().info(f"active with {mind.model} on {topics}")
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return super().on_shutdown(state)

    def on_error(self, _state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        self._free()
        super().destroy_node()

    def _stop(self) -> None:
        """Let go of the sensors and stop the threads."""
        attention, self._attention = self._attention, None
        if attention is not None:
            attention.close()
        if self._mind is not None:
            self._mind.assistant.stop()

    def _free(self) -> None:
        """Let go of everything, the model too."""
        self._stop()
        if self._mind is not None:
            self._mind.close()
            self._mind = None
            free_unused_memory()

    def _configured(self) -> Mind:
        if self._mind is None:
            raise NotReadyError(
                self._trouble or "the node is not configured; configure and activate it"
            )
        return self._mind

    def _active(self) -> Attention:
        self._configured()
        if self._attention is None:
            raise NotReadyError("the node is not active; activate it")
        return self._attention

    # --- parameters ---

    def _why_locked(self) -> str | None:
        if self._mind is None:
            return None
        return f"the node is {self.state}; deactivate and clean it up first"

    def _on_parameters_set(self, _parameters: list[Parameter]) -> None:
        if self._mind is not None:
            self._mind.watches.follow(WatchDefaults.of(self))

    # --- units ---

    def _on_unit(self, unit: MultimodalUnit) -> None:
        """In the intake's thread."""
        mind = self._mind
        if mind is not None:
            mind.skew = unit.skew
            with suppress(AssistantStoppedError):  # the node is being deactivated
                mind.assistant.submit(unit)

    # --- services ---

    def _on_ask(self, request: Ask.Request, respond: Respond) -> None:
        try:
            self._active()
            asked = self._configured().assistant.ask(
                request.question, request.watch or None, request.keep
            )
        except REFUSALS as error:
            respond(Ask.Response(success=False, message=str(error)))
            return
        asked.add_done_callback(lambda done: respond(_answer(done)))

    def _on_watch(self, request: Watch.Request, response: Watch.Response) -> Watch.Response:
        try:
            response.id = self._configured().watches.add(
                kind=kind_of(request.kind),
                instruction=request.instruction,
                name=request.id,
                threshold=request.threshold,
                window=request.window,
                cooldown=request.cooldown,
                reply=request.reply,
            )
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        try:
            self._configured().watches.remove(request.id)
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_reset(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._active().intake.reset()
            self._configured().assistant.reset()
            response.success = True
            response.message = "the stream is forgotten; the watches stay"
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        try:
            self._active().senses.enabled = request.data
            response.success = True
            response.message = "eyes and ears are " + ("open" if request.data else "shut")
        except REFUSALS as error:
            response.message = str(error)
        return response

    # --- diagnostics ---

    def _report(self) -> None:
        self._warn_of_silence()
        array = DiagnosticArray(status=self._statuses())
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)

    def _statuses(self) -> list[DiagnosticStatus]:
        name = self.get_fully_qualified_name().lstrip("/")
        mind, attention = self._mind, self._attention
        if mind is None or attention is None:
            return [state_status(name, self.state, self._trouble)]
        status, stats = mind.assistant.status(), mind.assembler.stats
        lost = status.units_dropped + status.units_audio_only + stats.units_dropped
        late = self._lag_memory.is_recent(lost)
        return [
            input_status(name, self.inputs, self._faults, attention.intake.dropped),
            unit_status(name, stats, status, mind.skew),
            thinker_status(name, mind.model, status, late),
        ]

    def _warn_of_silence(self) -> None:
        for monitor in self.inputs:
            if monitor.silent and monitor.warning_is_due(SILENCE_LOG_PERIOD):
                who = describe_publishers(self, monitor.topic, monitor.message_type)
                self.get_logger().warning(
                    f"no data on {monitor.topic} for {monitor.age:.0f} s; this node subscribes as "
                    f"best effort, volatile, which takes from any publisher of the type; {who}"
                )


def _answer(done: Future[Answer]) -> Ask.Response:
    """In the assistant's thread: what came of a question."""
    error = done.exception()
    if error is not None:
        return Ask.Response(success=False, message=str(error))
    answer = done.result()
    return Ask.Response(
        success=True, answer=answer.text, stamp=time_of(answer.stamp), latency=answer.latency
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end."""
    return run(RomaNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
