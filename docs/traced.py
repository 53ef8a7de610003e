"""Records what lint prints of the examples that only the trace finds: the rules' pages need no database then."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from notifydb.lint.demonstration import output
from notifydb.lint.registry import load_rules
from notifydb.shadow.binaries import find_binaries
from notifydb.shadow.server import Server

RECORD = Path(__file__).parent / "rules" / "traced.json"
#: Of the embedded server: some findings depend on it.
VERSION = 18


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Server(Path(folder) / "postgres", find_binaries(None))
        server.start()
        try:
            found = recorded(server.url("postgres"))
        finally:
            server.stop()
    document = {"server_version": VERSION, "outputs": found}
    RECORD.write_text(json.dumps(document, indent=2) + "\n", encoding="utf-8")


def recorded(server_url: str) -> dict[str, str | None]:
    """By rule and number of its bad example."""
    return {
        f"{rule.name}-{number}": output(rule, example, server_url)
        for rule in load_rules()
        for number, example in enumerate(rule.bad)
        if example.trace_only
    }


if __name__ == "__main__":
    main()
