"""`python -m notifydb` is `notifydb`."""

from __future__ import annotations

from notifydb.cli.app import main

if __name__ == "__main__":
    main()
