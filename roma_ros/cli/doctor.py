"""`roma doctor`: a check of the installation and of this machine."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from roma_ros import __version__
from roma_ros.cli.parser import Commands, add_command
from roma_ros.doctor import Check, DoctorReport, Section, Status, examine
from roma_ros.machine import commit

__all__ = ["add_to"]

DETAILS = """\
Checks the versions of the libraries, loads the embedded model and processes a
clip with it, and looks for GPUs, cameras, microphones and ROS. Takes about
ten seconds.
"""
EPILOG = """\
status of each line:
  ok       works
  absent   optional and not installed; the line says what it is for
  warning  works in part, or is a version that was not tested
  failed   needed, and missing or broken; the line says what to do

examples:
  roma doctor
  roma doctor --json > report.json          for a bug report

exit codes:
  0  `roma run` works with roma_tiny
  1  it does not
"""
STYLES = {
    Status.OK: "green",
    Status.ABSENT: "dim",
    Status.WARNING: "yellow",
    Status.FAILED: "bold red",
}


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "doctor",
        usage="[--json]",
        summary="check the installation and this machine",
        details=DETAILS,
        epilog=EPILOG,
    )
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    if arguments.json:
        report = examine()
        print(json.dumps(_record(report), indent=2))
    else:
        report = _examine_and_show()
    return 0 if report.ready else 1


def _record(report: DoctorReport) -> dict[str, object]:
    return {
        "roma_ros": __version__,
        "commit": commit(),
        "ready": report.ready,
        "checks": [
            {**asdict(check), "section": check.section.value, "status": check.status.value}
            for check in report.checks
        ],
    }


def _examine_and_show() -> DoctorReport:
    """Print the report: with colours and a spinner on a terminal if rich works, else plainly."""
    if sys.stdout.isatty():
        try:
            from rich.console import Console
        except Exception as error:  # a broken rich must not prevent the report
            print(f"rich cannot be imported, so the report has no colours: {error}")
        else:
            console = Console()
            with console.status("checking libraries, the model, devices and ROS ..."):
                report = examine()
            _show_rich(report, console)
            return report
    report = examine()
    _show_plain(report)
    return report


def _show_plain(report: DoctorReport) -> None:
    for section in Section:
        print(section.value)
        for check in _of(report, section):
            print(f"  {check.status.value:8}{check.name}: {check.detail}")
            if check.remedy:
                print(f"          remedy: {check.remedy}")
    print(_verdict(report))


def _show_rich(report: DoctorReport, console: object) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    assert isinstance(console, Console)
    for section in Section:
        table = Table(title=section.value, title_justify="left", box=None, show_header=False)
        for check in _of(report, section):
            detail = Text(check.detail)
            if check.remedy:
                detail.append(f"\n{check.remedy}", style="cyan")
            status = Text(check.status.value, style=STYLES[check.status])
            table.add_row(status, Text(check.name), detail)
        console.print(table)
    style = STYLES[Status.OK if report.ready else Status.FAILED]
    console.print(Text(_verdict(report), style=style))


def _of(report: DoctorReport, section: Section) -> list[Check]:
    return [check for check in report.checks if check.section is section]


def _verdict(report: DoctorReport) -> str:
    if report.ready:
        return "ready: `roma run` works with roma_tiny"
    return "not ready: `roma run` does not work; see the failed lines above"
