"""``python3 -m plcore.planner``, as ``python3 run.py plan`` starts it."""

import sys

from plcore.planner.command import main
from plcore.terminal import ends_in_words

if __name__ == "__main__":
    sys.exit(ends_in_words("plan", lambda: main(sys.argv[1:])))
