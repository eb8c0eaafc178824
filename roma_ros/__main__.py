"""`python -m roma_ros`: the command `roma`."""

import sys

from roma_ros.cli import main

if __name__ == "__main__":
    sys.exit(main())
