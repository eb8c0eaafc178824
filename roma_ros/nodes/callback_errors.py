"""Errors of callbacks: logged and counted, so that none ends the node; services still respond."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters, SetParametersAtomically
from rclpy.context import Context
from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
)
from rclpy.node import Node

from roma_ros.nodes.input_errors import InputErrors
from roma_ros.nodes.rclpy_compat import ignore_shutdown_errors

__all__ = ["GuardedExecutor", "guard_services"]

ServiceCallback = Callable[[Any, Any], Any]


class GuardedExecutor(SingleThreadedExecutor):
    """Executor that continues after a callback that raises.

    Args:
        node: the node to spin; errors due to its shutdown are ignored.
        errors: where errors are logged and counted.
        context: the node's context; `None`: the default context.
    """

    def __init__(self, node: Node, errors: InputErrors, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._node = node
        self._errors = errors
        self.add_node(node)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Execute a callback; an exception of it is reported, not raised."""
        try:
            with ignore_shutdown_errors(self._node):
                super().spin_once(timeout_sec)
        except (ExternalShutdownException, ShutdownException):
            raise
        except Exception as error:
            self._errors.report("callback", type(error).__name__, _where(error))


def guard_services(node: Node, errors: InputErrors) -> None:
    """Let every service of a node respond also if its callback raises.

    The response then has its default values (success is false), and the error in `message` or
    `reason`. This includes rclpy's services for parameters, whose callbacks raise on a value of
    unknown type (rclpy 7.1).

    Args:
        node: the node, with all of its services created.
        errors: where errors are logged and counted.
    """
    for service in node.services:
        guard = _GUARDS.get(service.srv_type) or _guarded
        service.callback = guard(service.callback, service.srv_name, errors)


def _guarded(callback: ServiceCallback, name: str, errors: InputErrors) -> ServiceCallback:
    def guarded(request: Any, response: Any) -> Any:
        try:
            return callback(request, response)
        except Exception as error:
            errors.report(name, type(error).__name__, _where(error))
            return _failed(type(response)(), error)

    return guarded


def _guarded_atomic(callback: ServiceCallback, name: str, errors: InputErrors) -> ServiceCallback:
    def guarded(request: Any, response: Any) -> Any:
        try:
            return callback(request, response)
        except Exception as error:
            errors.report(name, type(error).__name__, _where(error))
            return SetParametersAtomically.Response(result=_refused(error))

    return guarded


def _guarded_each(callback: ServiceCallback, name: str, errors: InputErrors) -> ServiceCallback:
    """Guard a service that sets parameters one by one, each with a result of its own."""

    def guarded(request: Any, response: Any) -> Any:
        for parameter in request.parameters:
            one = SetParameters.Request(parameters=[parameter])
            try:
                results = callback(one, SetParameters.Response()).results
            except Exception as error:
                errors.report(name, type(error).__name__, _where(error))
                results = [_refused(error)]
            response.results.extend(results)
        return response

    return guarded


_GUARDS: dict[Any, Callable[[ServiceCallback, str, InputErrors], ServiceCallback]] = {
    SetParameters: _guarded_each,
    SetParametersAtomically: _guarded_atomic,
}


def _failed(response: Any, error: Exception) -> Any:
    for field in ("message", "reason"):
        if hasattr(response, field):
            setattr(response, field, _text(error))
    return response


def _refused(error: Exception) -> SetParametersResult:
    return SetParametersResult(successful=False, reason=_text(error))


def _text(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:500]


def _where(error: Exception) -> str:
    """Return an error as one line, with the file and line that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{_text(error)}{place}"
