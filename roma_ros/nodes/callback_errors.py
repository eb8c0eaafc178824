"""No callback ends a node: what one raises is said and counted, and a service still answers."""

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
    """An executor that goes on after a callback that raises.

    Args:
        node: the node to spin; its end may make callbacks fail, which is no error.
        errors: where errors are counted and said.
        context: the node's, or `None` for the default one.
    """

    def __init__(self, node: Node, errors: InputErrors, *, context: Context | None = None) -> None:
        super().__init__(context=context)
        self._node = node
        self._errors = errors
        self.add_node(node)

    def spin_once(self, timeout_sec: float | None = None) -> None:
        """Execute a callback; an error of it is reported, not raised."""
        try:
            with ignore_shutdown_errors(self._node):
                super().spin_once(timeout_sec)
        except (ExternalShutdownException, ShutdownException):
            raise
        except Exception as error:
            self._errors.report("callback", type(error).__name__, _where(error))


def guard_services(node: Node, errors: InputErrors) -> None:
    """Let every service of a node answer also where its callback raises.

    The answer is the response's defaults (success is false), with the error in `message` or
    `reason`. rclpy's own services for parameters are among them: a value of a type that it does not
    know makes it raise.

    Args:
        node: whose services exist already.
        errors: where errors are counted and said.
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
    """Parameters are set one by one, each with a result of its own."""

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
    """The error in one line, with the place that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    return f"{_text(error)}{place}"
