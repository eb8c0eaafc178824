"""The node `roma`: raises alerts, publishes narrations and answers questions about a stream."""

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
from roma_ros.nodes.diagnostics import (
    LagMemory,
    Stall,
    StreamHealth,
    clock_status,
    graph_status,
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
from roma_ros.nodes.graph_check import describe_publishers, graph_problems
from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.input_monitor import InputMonitor
from roma_ros.nodes.input_switches import InputSwitches
from roma_ros.nodes.input_thread import InputThread
from roma_ros.nodes.journal_services import NodeJournal
from roma_ros.nodes.loading import Loading, LoadingAbandonedError
from roma_ros.nodes.node_hooks import NodeHooks, hooks_of
from roma_ros.nodes.node_state import ActiveState, ConfiguredState, free_unused_memory
from roma_ros.nodes.paced_replies import PacedReplies
from roma_ros.nodes.parameter_spec import declare_parameters
from roma_ros.nodes.parameters import SPECS, Settings, WatchDefaults, lateness_of
from roma_ros.nodes.rclpy_compat import LifecycleTransitions, Respond, create_deferred_service
from roma_ros.nodes.run_node import run
from roma_ros.nodes.stamps import time_of
from roma_ros.nodes.stream_topic import StreamTopic
from roma_ros.nodes.subscriptions import SensorSubscriptions
from roma_ros.nodes.watch_log import WatchLog
from roma_ros.nodes.watch_registry import kind_of
from roma_ros.nodes.watch_services import WatchServices
from roma_ros.srv import Ask, Unwatch, Watch
from roma_ros.thinker import ThinkerError
from roma_ros.units import Modality, MultimodalUnit
from roma_ros.watch import WatchError

__all__ = ["RomaNode", "main"]

DIAGNOSTICS_PERIOD = 1.0  # s
SWITCHES = {"~/enable": None, "~/enable_audio": Modality.AUDIO, "~/enable_video": Modality.VIDEO}
PARAMETER_OF = {Modality.AUDIO: "use_audio", Modality.VIDEO: "use_image"}
SILENCE_LOG_PERIOD = 10.0  # s between two warnings about an input without data


class NotReadyError(RuntimeError):
    """Raised when the node is not in the lifecycle state that a service needs."""


REFUSALS = (NotReadyError, AssistantStoppedError, QuestionError, ThinkerError, WatchError)


class RomaNode(LifecycleNode):
    """Lifecycle node around one `Assistant`.

    Configure loads the model in a thread of its own, activate subscribes to the sensors, deactivate
    unsubscribes, cleanup frees the model. Executor callbacks never block: messages are decoded and
    units made in the input thread; the model runs in the assistant's thread, which also publishes
    the events.
    """

    def __init__(self, **arguments: Any) -> None:
        super().__init__("roma", **arguments)
        self._configured: ConfiguredState | None = None
        self._active: ActiveState | None = None
        self._configure_error = ""  # of the last configure; empty if it succeeded
        declare_parameters(self, SPECS, self._why_locked)
        self.add_post_set_parameters_callback(self._on_parameters_set)
        self._input_errors = InputErrors(self.get_logger().warning)
        self._watch_log = WatchLog(self.get_logger().info)
        self._lag_memory = LagMemory()
        self._health = StreamHealth()
        self._clock_stall = Stall()
        self._loading: Loading[ConfiguredState] | None = None  # the last
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
            lambda: self._require_configured().watches,
            REFUSALS,
            partial(self._log_watches, "~/adjust"),
        )
        self.create_service(Trigger, "~/reset", self._on_reset)
        for name, modality in SWITCHES.items():
            self.create_service(SetBool, name, partial(self._on_enable, modality))
        self._ask_action = AskAction(self, self._ask, REFUSALS)
        # A steady clock: diagnostics are published also while /clock of a simulation stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(DIAGNOSTICS_PERIOD, self._report, clock=steady)
        self._transitions = LifecycleTransitions(self, self._abandon_loading)
        if self.get_parameter("autostart").value:
            self._autostart = self.create_timer(0.0, self._start_once, clock=steady)

    @property
    def input_errors(self) -> InputErrors:
        """Errors of the input and of callbacks."""
        return self._input_errors

    @property
    def inputs(self) -> tuple[InputMonitor, ...]:
        """Monitor of each input topic; empty while the node is not active."""
        return () if self._active is None else tuple(self._active.subscriptions.monitors)

    @property
    def state(self) -> str:
        """Lifecycle state: "unconfigured", "configuring", "inactive" or "active"."""
        if self._configured is None:
            return "configuring" if self._is_loading else "unconfigured"
        return "inactive" if self._active is None else "active"

    @property
    def has_unstoppable_thread(self) -> bool:
        """Whether the thread of an abandoned load is still running."""
        return self._loading is not None and self._loading.is_running

    @property
    def _is_loading(self) -> bool:
        return self._loading is not None and not self._loading.is_done

    # --- lifecycle ---

    def _start_once(self) -> None:
        self.destroy_timer(self._autostart)
        self._transitions.start()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model; blocks the calling thread until that is done."""
        log = self.get_logger()
        try:
            settings, defaults = Settings.of(self), WatchDefaults.of(self)
            self._loading = Loading(
                f"{settings.model} on {settings.device}",
                partial(ConfiguredState.load, settings, defaults, self._publish_event, log.warning),
                ConfiguredState.close,
            )
            log.info(f"loading {settings.model} on {settings.device}")
            configured = self._loading.wait()
            try:
                self._hooks.open(hooks_of(self), settings.persistence.watches)
            except HookError:
                configured.close()
                raise
            configured.watches.set_defaults(
                WatchDefaults.of(self)
            )  # they may have changed meanwhile
            self._configured = configured
        except LoadingAbandonedError as error:
            log.info(str(error))
            return TransitionCallbackReturn.FAILURE
        except Exception as error:  # of the model, its libraries or the device
            known = isinstance(error, (*REFUSALS, HookError, ValueError))
            reason = str(error) if known else f"{type(error).__name__}: {error}"
            self._configure_error = f"cannot configure: {reason}"
            name = self.get_fully_qualified_name()
            log.error(
                f"{self._configure_error}. The node stays unconfigured: fix the cause, then run "
                f"`ros2 lifecycle set {name} configure` or restart the node"
            )
            return TransitionCallbackReturn.FAILURE
        self._configure_error = ""
        self._journal.open(
            settings.persistence.journal, self._configured.header(self.get_fully_qualified_name())
        )
        log.info(f"configured: {self._configured.model} is loaded")
        self._log_watches("configure")
        thinker = self._configured.assistant.thinker
        if warning := thinker.context_warning(settings.assistant.context_seconds):
            log.warning(warning)
        if not thinker.has_speak_source:
            log.warning(
                f"{self._configured.model} has no speak head: it answers questions, but watches "
                "never trigger; set speak_source to yes_no, which asks it after every unit whether "
                "to speak"
            )
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        configured = self._require_configured()
        configured.assembler.reset()
        configured.assistant.start()
        input_thread = InputThread(
            configured.assembler, self._on_unit, self._input_errors, self.get_logger().warning
        )
        subscriptions = SensorSubscriptions(self, input_thread.put, self._input_errors)
        if configured.settings.assembler.video:
            subscriptions.subscribe_images(configured.settings.image_transport, configured.images)
        if configured.settings.assembler.audio:
            subscriptions.subscribe_audio(configured.audio)
        input_thread.set_absent(())
        self._active = ActiveState(subscriptions, input_thread)
        self._health = StreamHealth()
        topics = " and ".join(monitor.topic for monitor in self.inputs)
        self.get_logger().info(f"active with {configured.model} on {topics}")
        activated = super().on_activate(state)
        for alert in self._journal.take_unpublished(configured.assistant.watches):
            self._publish_event(alert)
        self._stream_topic.switch(subscriptions.switches)
        return activated

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe from the sensors and stop the model's thread; the model stays loaded."""
        self._stop()
        self.get_logger().info("inactive: unsubscribed from the sensors, the model stays loaded")
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model."""
        self._free()
        self.get_logger().info("cleaned up: the model is freed")
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything."""
        self._free()
        self.get_logger().info("shut down")
        return super().on_shutdown(state)

    def on_error(self, _state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything; the node is unconfigured afterwards."""
        self._free()
        return TransitionCallbackReturn.SUCCESS

    def destroy_node(self) -> None:
        """End all threads, free the model and destroy the node."""
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
        """Unsubscribe from the sensors and stop the threads."""
        active, self._active = self._active, None
        if active is not None:
            active.close()
            self._stream_topic.switches = InputSwitches.of(())
        if self._configured is not None:
            self._configured.assistant.stop()

    def _free(self) -> None:
        """Stop, and free the model, the watches, the journal and the hooks."""
        self._stop()
        if self._configured is not None:
            self._configured.close()
            self._configured = None
            self._journal.close()
            self._hooks.close()
            self._watch_log.clear()
            free_unused_memory()

    def _require_configured(self) -> ConfiguredState:
        if self._configured is None:
            raise NotReadyError(self._why_unconfigured())
        return self._configured

    def _why_unconfigured(self) -> str:
        """Return why the node is not configured; empty while it is."""
        if self._configured is not None:
            return ""
        if self._is_loading:
            return f"{self._loading}; try again when the node is active"
        return self._configure_error or "the node is not configured; configure and activate it"

    def _require_active(self) -> ActiveState:
        self._require_configured()
        if self._active is None:
            raise NotReadyError("the node is not active; activate it")
        return self._active

    # --- parameters ---

    def _why_locked(self) -> str | None:
        if self.state == "unconfigured":
            return None
        return f"the node is {self.state}; deactivate and clean it up first"

    def _on_parameters_set(self, _parameters: list[Parameter]) -> None:
        configured, active = self._configured, self._active
        if configured is None:
            return
        configured.watches.set_defaults(WatchDefaults.of(self))
        self._log_watches("parameters")
        lateness = lateness_of(self)
        if lateness != configured.assembler.config.lateness:
            (configured.assembler if active is None else active.input_thread).set_lateness(lateness)

    # --- units ---

    def _frame_id(self) -> str:
        return "" if self._active is None else self._active.subscriptions.frame_id

    def _on_unit(self, unit: MultimodalUnit) -> None:
        """Pass a unit to the assistant; called in the input thread."""
        configured = self._configured
        if configured is not None:
            configured.skew = unit.skew
            with suppress(AssistantStoppedError):  # the node is being deactivated
                configured.assistant.submit(unit)

    # --- services ---

    def _log_watches(self, by: str) -> None:
        if self._configured is not None:
            self._watch_log.update(self._configured.assistant.watches, by)

    def _ask(
        self, request: Ask.Request | AskAnswer.Goal, on_text: Callable[[str], object] | None = None
    ) -> tuple[Future[Answer], str]:
        """Queue a question.

        Returns:
            The future answer, and a warning on parts that the model cannot know; empty: none.

        Raises:
            REFUSALS: the question is refused.
        """
        self._require_active()
        assistant = self._require_configured().assistant
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
            response.id = self._require_configured().watches.add(
                kind=kind_of(request.kind),
                instruction=request.instruction,
                name=request.id,
                threshold=request.threshold,
                window=request.window,
                cooldown=request.cooldown,
                reply=request.reply,
            )
            response.warning = self._require_configured().assistant.warning(request.instruction)
            self._log_watches("~/watch")
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_unwatch(self, request: Unwatch.Request, response: Unwatch.Response) -> Unwatch.Response:
        try:
            self._require_configured().watches.remove(request.id)
            self._log_watches("~/unwatch")
            response.success = True
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _on_reset(self, _request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        try:
            self._require_active().input_thread.reset()
            self._health.count_reset()
            self._require_configured().assistant.reset()
            self.get_logger().info("stream reset by ~/reset; the watches are kept")
            response.success = True
            response.message = "the stream is reset; the watches are kept"
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
            self._switch(self._require_active(), modality, request.data)
            response.success = True
            response.message = str(self._require_active().subscriptions.switches)
        except REFUSALS as error:
            response.message = str(error)
        return response

    def _switch(self, active: ActiveState, modality: Modality | None, on: bool) -> None:
        """Enable or disable an input; `None`: all inputs.

        Raises:
            NotReadyError: the node has no such input.
        """
        switches = active.subscriptions.switches
        if modality is not None and modality not in switches.present:
            raise NotReadyError(
                f"the node has no {modality.value} input: {PARAMETER_OF[modality]} is false; set "
                "it to true and configure the node again"
            )
        active.subscriptions.switches = switches = switches.switched(modality, on)
        active.input_thread.set_absent(switches.disabled)
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
        configured, active = self._configured, self._active
        if configured is None or active is None:
            if self._is_loading:
                return [loading_status(name, str(self._loading))]
            return [state_status(name, self.state, self._configure_error)]
        status, stats = configured.assistant.status(), configured.assembler.stats
        lost = status.units_dropped + status.units_audio_only + stats.units_dropped
        late = self._lag_memory.is_recent(lost)
        switches, health = active.subscriptions.switches, self._health
        arriving = is_arriving(self.inputs) and switches.disabled != frozenset(switches.present)
        health.update(stats, status, arriving=arriving)
        statuses = [
            input_status(
                name,
                self.inputs,
                self._input_errors,
                active.input_thread.dropped,
                switches.why_disabled,
                active.input_thread.sensor_clocks(),
            ),
            graph_status(name, graph_problems(self, self.inputs)),
            unit_status(name, stats, status, configured.skew, health),
            thinker_status(name, configured.model, status, late, health.minute.growth("faults")),
            watch_status(name, status),
            watch_storage_status(
                name,
                len(configured.watches.all()),
                configured.watches.storage_error,
                configured.watches.conflicts,
            ),
            journal_status(name, self._journal.status(), self._journal.open_error),
            *hook_statuses(name, self._hooks.stats),
        ]
        if self.get_parameter("use_sim_time").value:
            now = self.get_clock().now().nanoseconds
            statuses.append(clock_status(name, self._clock_stall.update(now), now))
        return statuses

    def _warn_of_silence(self) -> None:
        for monitor in self.inputs:
            if monitor.silent and monitor.warning_is_due(SILENCE_LOG_PERIOD):
                publishers = describe_publishers(self, monitor.topic, monitor.message_type)
                self.get_logger().warning(
                    f"no data on {monitor.topic} for {monitor.age:.0f} s. This node subscribes "
                    "with best effort, volatile, which matches any publisher of the type; "
                    f"{publishers}"
                )


def _answer(done: Future[Answer], warning: str) -> Ask.Response:
    """Convert an answer to a response; called in the assistant's thread."""
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
    """Run the node; returns the exit status."""
    return run(RomaNode, arguments)


if __name__ == "__main__":
    raise SystemExit(main())
