"""Names as they are written: the parser's tree holds only what Postgres keeps of them."""

from __future__ import annotations

import re
from typing import Final

from notifydb.sql.trees import pg, postgast

#: NAMEDATALEN - 1 (Postgres docs section 4.1.1); it counts bytes.
MAX_BYTES: Final = 63
_WORD: Final = re.compile(r'"(?:[^"]|"")+"|[^\W\d][\w$]*')


def long_identifiers(source: str) -> tuple[str, ...]:
    """The identifiers in the text that are longer than Postgres keeps, each once, without quotes."""
    if not any(_is_long(word) for word in _WORD.findall(source)):
        return ()
    try:
        tokens = postgast.scan(source).tokens
    except postgast.PgQueryError:
        return ()
    data = source.encode()
    names = (data[token.start : token.end].decode() for token in tokens if token.token == pg.IDENT)
    return tuple(dict.fromkeys(_unquoted(name) for name in names if _is_long(name)))


def _is_long(word: str) -> bool:
    return len(_unquoted(word).encode()) > MAX_BYTES


def _unquoted(word: str) -> str:
    return word[1:-1].replace('""', '"') if word.startswith('"') else word
