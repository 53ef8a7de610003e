"""`notifydb settings`: every setting, its value and where it came from; secrets stay hidden."""

from __future__ import annotations

from notifydb.cli.deps import Deps
from notifydb.cli.options import Format, OutputFormat


def settings(output: Format = OutputFormat.TEXT) -> None:
    """Show the effective settings and where each comes from."""
    from notifydb.settings.load import setting_names

    deps = Deps()
    rows = [(name, _shown(deps, name), deps.loaded.origins.get(name, "default")) for name in setting_names()]
    if output is OutputFormat.JSON:
        deps.console.json(
            {"settings": [{"name": name, "value": value, "source": source} for name, value, source in rows]}
        )
        return
    width = max(len(name) for name, _, _ in rows)
    for name, value, source in rows:
        deps.console.data(f"{name:{width}}  {'-' if value is None else value}  ({source})")


def _shown(deps: Deps, name: str) -> object:
    from notifydb.settings import SecretUrl, shown_url

    value: object = deps.settings
    for part in name.split("."):
        value = getattr(value, part)
    if isinstance(value, SecretUrl):
        return shown_url(value.get_secret_value())
    if isinstance(value, tuple):
        return ", ".join(map(_entry, value)) or None
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _entry(value: str | tuple[str, tuple[str, ...]]) -> str:
    """One of a list; of a table, as its variable has it."""
    return value if isinstance(value, str) else ", ".join(f"{value[0]}={each}" for each in value[1])
