"""`python -m devgate`."""

import sys

from devgate.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
