"""`python -m kover`."""

import sys

from kover.cli.main import run

if __name__ == "__main__":
    sys.exit(run())
