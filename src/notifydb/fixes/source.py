"""A migration's text as a tree that keeps every blank and comment, and the operations in it."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator, Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import libcst as cst
from libcst import matchers as m
from libcst.metadata import MetadataWrapper, PositionProvider


class NotFixable(Exception):
    """Why a finding is not mended; the text is for people."""


@dataclasses.dataclass(frozen=True, slots=True)
class Operation:
    """`op.NAME(...)` as a statement of its own."""

    statement: cst.SimpleStatementLine
    call: cst.Call
    name: str

    def argument(self, keyword: str, position: int | None = None) -> cst.Arg | None:
        """The argument given by name, or at that position from 0; None if it is left out."""
        for each in self.call.args:
            if each.keyword is not None and each.keyword.value == keyword:
                return each
        if position is None or len(self.call.args) <= position:
            return None
        given = self.call.args[: position + 1]
        return None if any(each.keyword or each.star for each in given) else given[position]

    def text(self, keyword: str, position: int | None = None) -> str | None:
        """The argument where it is a literal text, or `op.f` of one."""
        found = self.argument(keyword, position)
        value = found.value if found else None
        if isinstance(value, cst.Call) and len(value.args) == 1:
            value = value.args[0].value
        literal = value.evaluated_value if isinstance(value, cst.SimpleString) else None
        return literal if isinstance(literal, str) else None

    def with_call(self, call: cst.Call) -> cst.SimpleStatementLine:
        """The statement with another call in it, and its own comments."""
        return self.statement.with_changes(body=[cst.Expr(call, semicolon=_semicolon(self.statement))])


class Source:
    """One migration's file."""

    def __init__(self, path: Path, content: bytes) -> None:
        """Raises NotFixable for a file that could not be written back as it is."""
        self.path = path
        self.content = content
        try:
            self.module = cst.parse_module(content)
        except (cst.ParserSyntaxError, UnicodeError) as error:
            raise NotFixable(f"{path.name} cannot be parsed") from error
        if self.module.bytes != content:
            raise NotFixable(f"{path.name} could not be written back byte for byte")

    def statements(self, function: str) -> tuple[cst.BaseStatement, ...]:
        """The statements of the function's body; NotFixable if there is no plain function of that name."""
        body = self._function(function).body
        if not isinstance(body, cst.IndentedBlock):
            raise NotFixable(f"{function}() is written on one line")
        return tuple(body.body)

    def operation_at(self, line: int) -> Operation:
        """The operation that spans the line, in the body of `upgrade()` or in an autocommit block there.

        Raises NotFixable if there is none.
        """
        statement = self._statement_at(line, self.statements("upgrade"))
        if statement is not None and (inside := in_block(statement)):
            statement = self._statement_at(line, inside) or statement
        if statement is None:
            raise NotFixable("it is done by a function that upgrade() calls")
        found = operation_of(statement)
        if found is None:
            raise NotFixable(_what_it_is(statement))
        return found

    def _statement_at(self, line: int, statements: Sequence[cst.BaseStatement]) -> cst.BaseStatement | None:
        for statement in statements:
            span = self._positions[statement]
            if span.start.line <= line <= span.end.line:
                return statement
        return None

    def with_bodies(
        self, upgrade: Sequence[cst.BaseStatement], downgrade: Sequence[cst.BaseStatement]
    ) -> bytes:
        """The file with these statements in its two functions; all else stays as it is."""
        bodies = {"upgrade": upgrade, "downgrade": downgrade}
        functions = {id(self._function(name)): name for name in bodies}
        body: list[cst.BaseStatement | cst.SimpleStatementLine | cst.BaseCompoundStatement] = []
        for each in self.module.body:
            name = functions.get(id(each))
            if name is not None and isinstance(each, cst.FunctionDef):
                inside = list(bodies[name]) or [self.parse("pass\n")]
                each = each.with_changes(body=each.body.with_changes(body=inside))
            body.append(each)
        return self.module.with_changes(body=body).bytes

    def parse(self, code: str) -> cst.BaseStatement:
        """One statement, with this file's line ends and indentation."""
        parsed = cst.parse_statement(code, config=self.module.config_for_parsing)
        assert isinstance(parsed, cst.BaseStatement)
        return parsed

    def code(self, statement: cst.BaseStatement) -> str:
        """The statement's text, not indented."""
        return self.module.code_for_node(statement)

    def imports(self) -> frozenset[str]:
        """The names that the file imports, each as a line that does just that."""
        return frozenset(line for _, line in _imports(ast.parse(self.content)))

    def imports_for(self, statements: Sequence[cst.BaseStatement]) -> tuple[str, ...]:
        """The import lines that bind the names which the statements use.

        Raises NotFixable where a statement uses a name that this file binds in another way.
        """
        tree = ast.parse(self.content)
        imported = dict(_imports(tree))
        bound = set(_bound(tree))
        used = [name for each in statements for name in _names(self.code(each))]
        own = sorted(bound.intersection(used) - imported.keys())
        if own:
            raise NotFixable(f"it uses {own[0]}, which is made in this file")
        return tuple(dict.fromkeys(imported[name] for name in used if name in imported))

    def _function(self, name: str) -> cst.FunctionDef:
        found = [
            each for each in self.module.body if isinstance(each, cst.FunctionDef) and each.name.value == name
        ]
        if len(found) != 1:
            raise NotFixable(f"{self.path.name} has {len(found)} functions {name}()")
        return found[0]

    @cached_property
    def _positions(self) -> Any:
        wrapper = MetadataWrapper(self.module, unsafe_skip_copy=True)
        return wrapper.resolve(PositionProvider)


# The findings of one file are about one tree.
@cache
def read_source(path: Path, content: bytes) -> Source:
    """The file as a Source; raises NotFixable as that does."""
    return Source(path, content)


def operation_of(statement: cst.BaseStatement) -> Operation | None:
    """The statement as an operation, if it is one and nothing else."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    expression = statement.body[0]
    if not isinstance(expression, cst.Expr) or not isinstance(expression.value, cst.Call):
        return None
    call = expression.value
    if not m.matches(call.func, m.Attribute(value=m.Name("op"))):
        return None
    function = call.func
    assert isinstance(function, cst.Attribute)
    return Operation(statement, call, function.attr.value)


def in_block(statement: cst.BaseStatement) -> tuple[cst.BaseStatement, ...]:
    """The statements of an autocommit block; none of any other statement."""
    if not isinstance(statement, cst.With) or not isinstance(statement.body, cst.IndentedBlock):
        return ()
    if not m.matches(statement, m.With(items=[m.WithItem(item=m.Call(func=m.Attribute(attr=_AUTOCOMMIT)))])):
        return ()
    return tuple(statement.body.body)


def does_something(statement: cst.BaseStatement) -> bool:
    """Whether it is more than a docstring, `pass` or `...`."""
    if not isinstance(statement, cst.SimpleStatementLine):
        return True
    constant = m.Expr(value=m.SimpleString() | m.ConcatenatedString() | m.Ellipsis())
    return not all(m.matches(each, m.Pass() | constant) for each in statement.body)


def is_refusal(statement: cst.BaseStatement) -> bool:
    """Whether it raises: `raise NotImplementedError(...)`."""
    return isinstance(statement, cst.SimpleStatementLine) and m.matches(statement.body[0], m.Raise())


def _semicolon(statement: cst.SimpleStatementLine) -> cst.Semicolon | cst.MaybeSentinel:
    small = statement.body[0]
    assert isinstance(small, cst.Expr)
    return small.semicolon


def _what_it_is(statement: cst.BaseStatement) -> str:
    """Why a statement is no plain operation."""
    if isinstance(statement, cst.For | cst.While):
        return "it stands in a loop"
    if isinstance(statement, cst.If | cst.Try | cst.Match):
        return "it is done on a condition"
    if m.matches(statement, m.With(items=[m.WithItem(item=m.Call(func=m.Attribute(attr=_BATCH)))])):
        return "it stands in a batch_alter_table block"
    if isinstance(statement, cst.FunctionDef):
        return "it is done by a function that upgrade() calls"
    if isinstance(statement, cst.With):
        return "it stands in a with block"
    return "it is no statement op.NAME(...)"


_AUTOCOMMIT = m.Name("autocommit_block")
_BATCH = m.Name("batch_alter_table")


def _imports(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """Each name that the module imports, with a line that does just that."""
    for node in tree.body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                bound = (alias.asname or alias.name).partition(".")[0]
                if isinstance(node, ast.Import):
                    yield bound, ast.unparse(ast.Import([alias]))
                elif node.module != "__future__":
                    yield bound, ast.unparse(ast.ImportFrom(node.module, [alias], node.level))


def _bound(tree: ast.Module) -> Iterator[str]:
    """The names that are made here, on whatever level."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _names(code: str) -> Iterator[str]:
    return (node.id for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Name))
