"""``python3 -m plcore.planner``, as ``python3 run.py plan`` starts it."""

import sys

from plcore.planner.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
