"""Wait for an alert of a running roma node, then ask about it.

python tell_me_when.py "alert me when a red circle appears" "how many shapes are there now?"
"""

import argparse

from roma_ros.nodes.client import RomaClient


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("instruction", help="what to watch for, in words")
    parser.add_argument("question", help="what to ask after the alert")
    parser.add_argument("--node", default="/roma", help="full name of the roma node")
    parser.add_argument(
        "--threshold", type=float, help="p(speak) from which on the alert is raised"
    )
    parser.add_argument("--timeout", type=float, default=600.0, help="how long to wait [s]")
    arguments = parser.parse_args()

    with RomaClient(arguments.node) as roma:
        if not (ready := roma.wait_until_active()):
            print(ready.message)
            return 1
        watch = roma.watch(arguments.instruction, threshold=arguments.threshold)
        if not watch:
            print(watch.message)
            return 1
        if watch.warning:
            print(f"warning: {watch.warning}")
        try:
            alert = roma.wait_for_alert(timeout=arguments.timeout)
            if alert is None:
                print(f"no alert within {arguments.timeout:g} s")
                return 1
            print(f"alert: p(speak) {alert.p_speak:.2f} at unit {alert.unit}")
            answer = roma.ask(arguments.question, watch=watch.id)
            print(answer.answer if answer else answer.message)
            return 0 if answer else 1
        finally:
            roma.unwatch(watch.id)


if __name__ == "__main__":
    raise SystemExit(main())
