"""Edits of one operation: a keyword more, other words in its SQL, a block around it."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import re
import tokenize
from collections.abc import Sequence
from functools import partial
from typing import Final

import libcst as cst

from notifydb.fixes.source import NotFixable, Operation, Source
from notifydb.sql.facts import Fact
from notifydb.sql.parse import parse

#: A call that would become longer gets an argument a line.
_LONGEST_LINE: Final = 88
_INDENT: Final = "    "
_CLAUSE: Final = re.compile(r"(?= (?:ADD|CHECK|NOT NULL|UNIQUE|PRIMARY|USING|ON) )")
_WORD: Final = re.compile(r"\s*\S+")


def with_keyword(operation: Operation, keyword: str, value: str) -> cst.Call:
    """The call with `keyword=value`, which is set, or added in the way the other arguments are written."""
    call = operation.call
    there = operation.argument(keyword)
    if there is not None:
        changed = there.with_changes(value=cst.parse_expression(value))
        return call.with_changes(args=[changed if each is there else each for each in call.args])
    added = cst.Arg(
        keyword=cst.Name(keyword),
        value=cst.parse_expression(value),
        equal=cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace("")),
    )
    if _is_on_one_line(call) and _length(operation, added) > _LONGEST_LINE:
        return _an_argument_a_line([*call.args, added], call)
    *before, last = call.args
    return call.with_changes(args=[*before, *_appended(last, added, _gap(call))])


def without_keyword(operation: Operation, keyword: str) -> Operation:
    """The operation without the argument, if it has it."""
    gone = operation.argument(keyword)
    if gone is None:
        return operation
    kept = [each for each in operation.call.args if each is not gone]
    if kept and gone is operation.call.args[-1]:
        kept[-1] = kept[-1].with_changes(comma=gone.comma, whitespace_after_arg=gone.whitespace_after_arg)
    call = operation.call.with_changes(args=kept)
    return dataclasses.replace(operation, call=call, statement=operation.with_call(call))


def sql_of(operation: Operation) -> str:
    """The one statement of an `op.execute`; NotFixable unless it is written there as a plain literal."""
    literal = _literal(operation)
    value = literal.evaluated_value
    if not isinstance(value, str):
        raise NotFixable("its SQL is put together from parts")
    if len(parse(value)) != 1:
        raise NotFixable("several statements stand in one literal")
    return value


def with_sql(operation: Operation, pattern: str, replacement: str, meant: Fact) -> cst.Call:
    """The call with `pattern` (a regular expression, found in one piece of the literal) replaced.

    Raises NotFixable unless the SQL then says just what is `meant`.
    """
    literal = _literal(operation)
    for piece in _pieces(literal):
        changed, count = re.subn(
            pattern, partial(_expanded, replacement), piece.value, count=1, flags=re.IGNORECASE
        )
        if count and _says(changed_literal := _exchanged(literal, piece, changed), meant):
            call = operation.call.deep_replace(literal, changed_literal)
            assert isinstance(call, cst.Call)
            return call
    raise NotFixable("its SQL is not written plainly enough to be changed")


def with_sql_at_end(operation: Operation, words: str, meant: Fact) -> cst.Call:
    """The call whose SQL ends with `words` more; raises as `with_sql` does."""
    *_, last = _pieces(_literal(operation))
    quote = last.quote
    return with_sql(operation, rf"(\s*;?\s*){re.escape(quote)}$", rf" {words}\1{quote}", meant)


def execute(source: Source, sql: str) -> cst.BaseStatement:
    """`op.execute(...)` of one statement."""
    line = f"op.execute({_quoted(sql)})"
    if len(line) + len(_INDENT) * 2 <= _LONGEST_LINE:
        return source.parse(f"{line}\n")
    clauses = _joined(_CLAUSE.split(sql))
    pieces = [each for clause in clauses for each in _joined(_WORD.findall(clause))]
    lines = "".join(f"{_INDENT}{_quoted(each)}\n" for each in pieces)
    return source.parse(f"op.execute(\n{lines})\n")


def _joined(parts: Sequence[str]) -> list[str]:
    """The parts, as many together as a line holds."""
    lines = [""]
    for part in parts:
        if lines[-1] and len(_quoted(lines[-1] + part)) + len(_INDENT) * 3 > _LONGEST_LINE:
            lines.append("")
        lines[-1] += part
    return lines


def in_autocommit(source: Source, statements: Sequence[cst.BaseStatement]) -> cst.BaseStatement:
    """The statements in an autocommit block; what stands above the last of them stands above the block."""
    *first, last = statements
    block = source.parse("with op.get_context().autocommit_block():\n    pass\n")
    assert isinstance(block, cst.With)
    assert isinstance(last, cst.SimpleStatementLine)
    inside = [*first, last.with_changes(leading_lines=[])]
    return block.with_changes(leading_lines=last.leading_lines, body=block.body.with_changes(body=inside))


def instead(operation: Operation, statement: cst.BaseStatement) -> cst.BaseStatement:
    """The statement with all comments of the operation above it."""
    code = cst.Module([]).code_for_node(operation.statement.with_changes(leading_lines=[]))
    tokens = tokenize.generate_tokens(io.StringIO(code).readline)
    comments = [token.string for token in tokens if token.type == tokenize.COMMENT]
    lines = [cst.EmptyLine(comment=cst.Comment(each)) for each in comments]
    return statement.with_changes(leading_lines=[*operation.statement.leading_lines, *lines])


def _literal(operation: Operation) -> cst.SimpleString | cst.ConcatenatedString:
    """The text that is executed, in `sa.text(...)` or not."""
    found = operation.argument("sqltext", 0)
    value = found.value if found else None
    if isinstance(value, cst.Call) and len(value.args) == 1:
        value = value.args[0].value
    if not isinstance(value, cst.SimpleString | cst.ConcatenatedString):
        raise NotFixable("its SQL is no plain literal")
    return value


def _pieces(literal: cst.BaseExpression) -> list[cst.SimpleString]:
    if isinstance(literal, cst.ConcatenatedString):
        return [*_pieces(literal.left), *_pieces(literal.right)]
    if not isinstance(literal, cst.SimpleString):
        raise NotFixable("its SQL is put together from parts")
    return [literal]


def _exchanged(literal: cst.CSTNode, piece: cst.SimpleString, value: str) -> cst.CSTNode:
    changed = literal.deep_replace(piece, piece.with_changes(value=value))
    assert isinstance(changed, cst.CSTNode)
    return changed


def _expanded(replacement: str, found: re.Match[str]) -> str:
    """In small letters where what was found is."""
    return found.expand(replacement.lower() if found[0].islower() else replacement)


def _says(literal: cst.CSTNode, meant: Fact) -> bool:
    try:
        parsed = parse(ast.literal_eval(f"({cst.Module([]).code_for_node(literal)})"))
    except (SyntaxError, ValueError):
        return False
    return len(parsed) == 1 and parsed[0].facts == (meant,)


def _quoted(sql: str) -> str:
    return json.dumps(sql, ensure_ascii=False)


def _is_on_one_line(call: cst.Call) -> bool:
    return "\n" not in cst.Module([]).code_for_node(call).strip()


def _length(operation: Operation, added: cst.Arg) -> int:
    code = cst.Module([]).code_for_node(operation.call).strip()
    return len(_INDENT) * 2 + len(code) + len(", ") + len(cst.Module([]).code_for_node(added))


def _an_argument_a_line(arguments: Sequence[cst.Arg], call: cst.Call) -> cst.Call:
    inside, outside = _new_line(_INDENT), _new_line("")
    *most, last = [
        each.with_changes(
            comma=cst.Comma(whitespace_after=inside), whitespace_after_arg=cst.SimpleWhitespace("")
        )
        for each in arguments
    ]
    last = last.with_changes(comma=cst.Comma(whitespace_after=outside))
    return call.with_changes(args=[*most, last], whitespace_before_args=inside)


def _new_line(indentation: str) -> cst.ParenthesizedWhitespace:
    return cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace(indentation))


def _gap(call: cst.Call) -> cst.BaseParenthesizableWhitespace:
    """What stands between the last arguments; a new line, where the closing parenthesis has its own."""
    commas = [each.comma for each in call.args[:-1]]
    between = [each.whitespace_after for each in commas if isinstance(each, cst.Comma)]
    gaps = [call.whitespace_before_args, *between]
    lines = [each for each in gaps if isinstance(each, cst.ParenthesizedWhitespace)]
    if lines and (gaps[-1] is lines[-1] or isinstance(_closing(call.args[-1]), cst.ParenthesizedWhitespace)):
        return _bare(lines[-1])
    return between[-1] if between else cst.SimpleWhitespace(" ")


def _closing(last: cst.Arg) -> cst.BaseParenthesizableWhitespace:
    """What stands before the closing parenthesis."""
    return last.comma.whitespace_after if isinstance(last.comma, cst.Comma) else last.whitespace_after_arg


def _bare(whitespace: cst.BaseParenthesizableWhitespace) -> cst.BaseParenthesizableWhitespace:
    """The same without comments and empty lines."""
    if not isinstance(whitespace, cst.ParenthesizedWhitespace):
        return whitespace
    return whitespace.with_changes(first_line=_bare_line(whitespace.first_line), empty_lines=[])


def _bare_line(line: cst.TrailingWhitespace) -> cst.TrailingWhitespace:
    return line.with_changes(comment=None, whitespace=cst.SimpleWhitespace(""))


def _appended(
    last: cst.Arg, added: cst.Arg, gap: cst.BaseParenthesizableWhitespace
) -> tuple[cst.Arg, cst.Arg]:
    """`last` and after it `added`, before the closing parenthesis as it is; comments stay where they are."""
    has_comma = isinstance(last.comma, cst.Comma)
    closing = _closing(last)
    if isinstance(closing, cst.ParenthesizedWhitespace):
        lines = gap if isinstance(gap, cst.ParenthesizedWhitespace) else closing
        between: cst.BaseParenthesizableWhitespace = closing.with_changes(
            empty_lines=[], indent=lines.indent, last_line=lines.last_line
        )
        closing = closing.with_changes(first_line=_bare_line(closing.first_line))
    else:
        between = gap
    comma = last.comma if isinstance(last.comma, cst.Comma) else cst.Comma()
    before = last.with_changes(
        comma=comma.with_changes(whitespace_after=between), whitespace_after_arg=cst.SimpleWhitespace("")
    )
    if has_comma:
        return before, added.with_changes(comma=cst.Comma(whitespace_after=closing))
    return before, added.with_changes(whitespace_after_arg=closing)
