"""The node `roma`: it watches and listens, raises alerts, narrates and answers questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import suppress
from functools import partial
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger

from roma_ros.action import Ask as AskAnswer
from roma_ros.assistant import AssistantStoppedError
from roma_ros.assistant.question_queue import QuestionError
from roma_ros.events import Answer
from roma_ros.hooks import HookError
from roma_ros.nodes import qos
from roma_ros.nodes.ask_action import AskAction
from roma_ros.nodes.deferred import Respond, create_deferred_service
from roma_ros.nodes.diagnostics import (
    LagMemory,
    Stall,
    StreamHealth,
    clock_status,
    hook_statuses,
    input_status,
    is_arriving,
    journal_status,
    loading_status,
    state_status,
    thinker_status,
    unit_status,
    watch_status,
    watch_storage_status,
)
from roma_ros.nodes.event_publisher import EventPublisher
from roma_ros.nodes.input_errors import Faults
from roma_ros.nodes.input_monitor import InputMonitor, describe_publishers
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.nodes.input_thread import Intake
from roma_ros.nodes.journal_services import NodeJournal
from roma_ros.nodes.loading import Loading, LoadingAbandonedError
from roma_ros.nodes.node_hooks import NodeHooks, hooks_of
from roma_ros.nodes.node_state import Attention, Mind, free_unused_memory
from roma_ros.nodes.paced_replies import PacedReplies
from roma_ros.nodes.parameter_spec import declare
from roma_ros.nodes.parameters import SPECS, Settings, WatchDefaults, lateness_of
from roma_ros.nodes.run_node import run
from roma_ros.nodes.stamps import time_of
from roma_ros.nodes.stream_topic import StreamTopic
from roma_ros.nodes.subscriptions import Senses
from roma_ros.nodes.transitions import Transitions
from roma_ros.nodes.watch_log import WatchLog
from roma_ros.nodes.watch_registry import kind_of
from roma_ros.nodes.watch_services import WatchServices
from roma_ros.srv import Ask, Unwatch, Watch
from roma_ros.thinker import ThinkerError
from roma_ros.units import Modality, MultimodalUnit
from roma_ros.watch import WatchError

__all__ = ["RomaNode", "main"]

DIAGNOSTICS_PERIOD = 1.0  # seconds
SWITCHES = {"~/enable": None, "~/enable_audio": Modality.AUDIO, "~/enable_video": Modality.VIDEO}
USED_BY = {Modality.AUDIO: "use_audio", Modality.VIDEO: "use_image"}
SILENCE_LOG_PERIOD = 10.0  # seconds between two warnings of an input that is silent


class NotReadyError(RuntimeError):
    """The node is not configured, or not active, as a service needs it."""


REFUSALS = (NotReadyError, AssistantStoppedError, QuestionError, ThinkerError, WatchError)


class RomaNode(LifecycleNode):
    """A lifecycle node around one assistant.

    Configure loads the model in a thread of its own, activate subscribes, deactivate stops, cleanup
    frees. Executor callbacks only pass things on; units are made in the intake's thread, the model
    runs in the assistant's, which also publishes what comes of them.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("roma", **arguments)
        self._mind: Mind | None = None
        self._attention: Attention | None = None
        self._trouble = ""  # why the last configure failed
        declare(self, SPECS, self._why_locked)
        self.add_post_set_parameters_callback(self._on_parameters_set)
        self._faults = Faults(self.get_logger().warning)
        self._watch_log = WatchLog(self.get_logger().info)
        self._lag_memory = LagMemory()
        self._health = StreamHealth()
        self._clock_stall = Stall()
        self._loading: Loading[Mind] | None = None  # the last
        self._journal = NodeJournal(self, self._why_unconfigured)
        self._hooks = NodeHooks(self)
        self._stream_topic = StreamTopic(self, self._frame_id)
        self._publish_event = EventPublisher(
            self, self._stream_topic, self._frame_id, self._journal.append, self._hooks.submit
        )
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", qos.DIAGNOSTICS)
        self._replies = PacedReplies()
        create_deferred_service(self, Ask, "~/ask", self._on_ask, qos.QUESTIONS, self._replies)
        self.create_service(Watch, "~/watch", self._on_watch)
        self.create_service(Unwatch, "~/unwatch", self._on_unwatch)
        WatchServices(
            self,
            lambda: self._configured().watches,
            REFUSALS,
            partial(self._log_watches, "~/adjust"),
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        for name, modality in SWITCHES.items():
            self.create_service(SetBool, name, partial(self._on_enable, modality))
        self._ask_action = AskAction(self, self._ask, REFUSALS)
        # Steady, so that it beats also while nobody publishes the simulation's /clock.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DIAGNOSTICS_PERIOD, self._report, clock=steady)
        self._transitions = Transitions(self, self._abandon_loading)
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
        """unconfigured, configuring, inactive or active, as far as the node itself can say."""
        if self._mind is None:
            return "configuring" if self._is_loading else "unconfigured"
        return "inactive" if self._attention is None else "active"

    @property
    def leaves_a_thread(self) -> bool:
        """Whether a load that was given up is still at work."""
        return self._loading is not None and self._loading.at_work

    @property
    def _is_loading(self) -> bool:
        return self._loading is not None and not self._loading.over

    # --- lifecycle ---

    def _start_once(self) -> None:
        self.destroy_timer(self._autostart)
        self._transitions.start()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model; waits for it in the thread that has called."""
        log = self.get_logger()
        try:
            settings, defaults = Settings.of(self), WatchDefaults.of(self)
            self._loading = Loading(
                f"{settings.model} on {settings.device}",
                partial(Mind.load, settings, defaults, self._publish_event, log.warning),
                Mind.close,
            )
            log.info(f"loading {settings.model} on {settings.device}")
            mind = self._loading.wait()
            try:
                self._hooks.open(hooks_of(self), settings.persistence.watches)
            except HookError:
                mind.close()
                raise
            mind.watches.follow(WatchDefaults.of(self))  # they may have changed meanwhile
            self._mind = mind
        except LoadingAbandonedError as error:
            log.info(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # the model, its libraries, the device: say why, and live on
            known = isinstance(error, (*REFUSALS, HookError, ValueError))
            said = str(error) if known else f"{type(error).__name__}: {error}"
            self._trouble = f"cannot configure: {said}"
            name = self.get_fully_qualified_name()
            log.error(
                f"{self._trouble}; the node waits: mend it, and start it again or `ros2 lifecycle "
                f"set {name} configure`"
            )
            return TransitionCallbackReturn.FAILURE
        self._trouble = ""
        self._journal.open(
            settings.persistence.journal, self._mind.header(self.get_fully_qualified_name())
        )
        log.info(f"configured: {self._mind.model} is loaded")
        self._log_watches("configure")
        thinker = self._mind.assistant.thinker
        if warning := thinker.context_warning(settings.assistant.context_seconds):
            log.warning(warning)
        if not thinker.has_speak_source:
            log.warning(
                f"{self._mind.model} has no speak head: it answers, but never speaks up; with "
                "speak_source yes_no it is asked after every unit whether it should"
            )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        mind = self._configured()
        mind.assembler.reset()
        mind.assistant.start()
        intake = Intake(mind.assembler, self._on_unit, self._faults, self.get_logger().warning)
        senses = Senses(self, intake.put, self._faults)
        if mind.settings.assembler.video:
            senses.look(mind.settings.image_transport, mind.images)
        if mind.settings.assembler.audio:
            senses.listen(mind.audio)
        intake.set_absent(())
        self._attention = Attention(senses, intake)
        self._health = StreamHealth()
        topics = " and ".join(monitor.topic for monitor in self.inputs)
        self.get_logger().info(f"active with {mind.model} on {topics}")
        activated = super().on_activate(state)
        for alert in self._journal.untold(mind.assistant.watches):
            self._publish_event(alert)
        self._stream_topic.switch(senses.switches)
        return activated

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._stop()
        self.get_logger().info("inactive: the inputs are let go, the model stays loaded")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        self.get_logger().info("cleaned up: the model is freed")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        self.get_logger().info("shut down")
        return super().on_shutdown(state)

    def on_error(self, _state: LifecycleState) -> TransitionCallbackReturn:
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        self._transitions.close()
        self._free()
        self._ask_action.close()
        self._replies.close()
        self._journal.destroy()
        super().destroy_node()

    def _abandon_loading(self) -> None:
        if self._loading is not None:
            self._loading.abandon()

    def _stop(self) -> None:
        """Let go of the sensors and stop the threads."""
        attention, self._attention = self._attention, None
        if attention is not None:
            attention.close()
            self._stream_topic.switches = InputSwitches.of(())
        if self._mind is not None:
            self._mind.assistant.stop()

    def _free(self) -> None:
        """Let go of everything, the model too."""
        self._stop()
        if self._mind is not None:
            self._mind.close()
            self._mind = None
            self._journal.close()
            self._hooks.close()
            self._watch_log.clear()
            free_unused_memory()

    def _configured(self) -> Mind:
        if self._mind is None:
            raise NotReadyError(self._why_unconfigured())
        return self._mind

    def _why_unconfigured(self) -> str:
        """Empty while the node is configured."""
        if self._mind is not None:
            return ""
        if self._is_loading:
            return f"{self._loading}; try again when the node is active"
        return self._trouble or "the node is not configured; configure and activate it"

    def _active(self) -> Attention:
        self._configured()
        if self._attention is None:
            raise NotReadyError("the node is not active; activate it")
        return self._attention

    # --- parameters ---

    def _why_locked(self) -> str | None:
        if self.state == "unconfigured":
            return None
        return f"the node is {self.state}; deactivate and clean it up first"

    def _on_parameters_set(self, _parameters: list[Parameter]) -> None:
        mind, attention = self._mind, self._attention
        if mind is None:
            return
        mind.watches.follow(WatchDefaults.of(self))
        self._log_watches("parameters")
        lateness = lateness_of(self)
        if lateness != mind.assembler.config.lateness:
            (mind.assembler if attention is None else attention.intake).set_lateness(lateness)

    # --- units ---

    def _frame_id(self) -> str:
        return "" if self._attention is None else self._attention.senses.frame_id

    def _on_unit(self, unit: MultimodalUnit) -> None:
        """In the intake's thread."""
        mind = self._mind
        if mind is not None:
            mind.skew = unit.skew
            with suppress(AssistantStoppedError):  # the node is being deactivated
                mind.assistant.submit(unit)

    # --- services ---

    def _log_watches(self, by: str) -> None:
        if self._mind is not None:
            self._watch_log.update(self._mind.assistant.watches, by)

    def _ask(
        self, request: Ask.Request | AskAnswer.Goal, on_text: Callable[[str], object] | None = None
    ) -> tuple[Future[Answer], str]:
        """Put a question; returns also what the checkpoint cannot know of it.

        Raises one of REFUSALS.
        """
        self._active()
        assistant = self._configured().assistant
        asked = assistant.ask(request.question, request.watch or None, request.keep, on_text)
        return asked, assistant.warning(request.question)

    def _on_ask(self, request: Ask.Request, respond: Respond) -> None:
        try:
            asked, warning = self._ask(request)
        except REFUSALS as error:
            respond(Ask.Response(success=False, message=str(error)))
            return
        asked.add_done_callback(lambda done: respond(_answer(done, warning)))

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
            response.warning = self._configured().assistant.warning(request.instruction)
            self._log_watches("~/watch")
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        try:
            self._configured().watches.remove(request.id)
            self._log_watches("~/unwatch")
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_reset(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._active().intake.reset()
            self._configured().assistant.reset()
            self.get_logger().info("the stream is forgotten by ~/reset; the watches stay")
            response.success = True
            response.message = "the stream is forgotten; the watches stay"
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_enable(
        self,
        modality: Modality | None,
        request: SetBool.Request,
        response: SetBool.Response,
    ) -> SetBool.Response:
        try:
            self._switch(self._active(), modality, request.data)
            response.success = True
            response.message = str(self._active().senses.switches)
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _switch(self, attention: Attention, modality: Modality | None, on: bool) -> None:
        """Switch an input, or all of them. Raises NotReadyError if there is no such input."""
        switches = attention.senses.switches
        if modality is not None and modality not in switches.present:
            raise NotReadyError(f"the node takes no {modality.value}: {USED_BY[modality]} is false")
        attention.senses.switches = switches = switches.switched(modality, on)
        attention.intake.set_absent(switches.disabled)
        for text in self._stream_topic.switch(switches):
            self.get_logger().info(text)

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
            if self._is_loading:
                return [loading_status(name, str(self._loading))]
            return [state_status(name, self.state, self._trouble)]
        status, stats = mind.assistant.status(), mind.assembler.stats
        lost = status.units_dropped + status.units_audio_only + stats.units_dropped
        late = self._lag_memory.is_recent(lost)
        switches, health = attention.senses.switches, self._health
        arriving = is_arriving(self.inputs) and switches.disabled != frozenset(switches.present)
        health.update(stats, status, arriving=arriving)
        statuses = [
            input_status(
                name,
                self.inputs,
                self._faults,
                attention.intake.dropped,
                switches.why_disabled,
                attention.intake.sensor_clocks(),
            ),
            unit_status(name, stats, status, mind.skew, health),
            thinker_status(name, mind.model, status, late, health.minute.growth("faults")),
            watch_status(name, status),
            watch_storage_status(
                name, len(mind.watches.all()), mind.watches.trouble, mind.watches.conflicts
            ),
            journal_status(name, self._journal.status(), self._journal.trouble),
            *hook_statuses(name, self._hooks.stats),
        ]
        if self.get_parameter("use_sim_time").value:
            now = self.get_clock().now().nanoseconds
            statuses.append(clock_status(name, self._clock_stall.update(now), now))
        return statuses

    def _warn_of_silence(self) -> None:
        for monitor in self.inputs:
            if monitor.silent and monitor.warning_is_due(SILENCE_LOG_PERIOD):
                who = describe_publishers(self, monitor.topic, monitor.message_type)
                self.get_logger().warning(
                    f"no data on {monitor.topic} for {monitor.age:.0f} s; this node subscribes as "
                    f"best effort, volatile, which takes from any publisher of the type; {who}"
                )


def _answer(done: Future[Answer], warning: str) -> Ask.Response:
    """In the assistant's thread: what came of a question."""
    error = done.exception()
    if error is not None:
        return Ask.Response(success=False, message=str(error), warning=warning)
    answer = done.result()
    return Ask.Response(
        success=True,
        answer=answer.text,
        stamp=time_of(answer.stamp),
        latency=answer.latency,
        warning=warning,
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the node until it is told to end."""
    return run(RomaNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
