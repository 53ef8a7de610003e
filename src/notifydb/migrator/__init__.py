"""Alembic's mechanism without the project's env.py, and no policy."""

from __future__ import annotations

import importlib.util
import sys


def _leave_pygments_out() -> None:
    """Has Mako's exceptions loaded by who uses them: they load Pygments, to colour what Alembic does not show.

    That takes a tenth of what it takes to import Alembic. The way is that of the library reference, `importlib`,
    "Implementing lazy imports".
    """
    if "mako.exceptions" in sys.modules or (spec := importlib.util.find_spec("mako.exceptions")) is None:
        return
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = sys.modules["mako"].exceptions = module  # type: ignore[attr-defined]
    spec.loader.exec_module(module)


_leave_pygments_out()
