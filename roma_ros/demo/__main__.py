"""Run the demo: `python -m roma_ros.demo`."""

from __future__ import annotations

import sys

from roma_ros.demo.demo import main

if __name__ == "__main__":
    sys.exit(main())
