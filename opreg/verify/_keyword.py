"""The language of ``-k``: words joined by ``and``, ``or``, ``not`` and parentheses, as pytest has it."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache

from opreg._errors import OpregError

Matcher = Callable[[str], bool]

_TOKEN = re.compile(r"\s*(?:(\()|(\))|([^\s()]+))")


class BadKeyword(OpregError, ValueError):
    """An expression given to ``-k`` cannot be read."""


@cache
def keyword(expression: str) -> Matcher:
    """Return the test that an expression describes; a word matches text that contains it, whatever the case.

    >>> keyword("sin and not arcsin")("numpy.sin linearity")
    True
    >>> keyword("sin and not arcsin")("numpy.arcsin linearity")
    False
    """
    if not expression.strip():
        return lambda text: True
    tokens = _TOKEN.findall(expression)
    words = [a or b or c for a, b, c in tokens]
    parser = _Parser(words, expression)
    matcher = parser.either()
    if parser.at < len(words):
        parser.fail()
    return lambda text: matcher(text.casefold())


class _Parser:
    def __init__(self, words: list[str], expression: str) -> None:
        self.words, self.expression, self.at = words, expression, 0

    def peek(self) -> str:
        return self.words[self.at] if self.at < len(self.words) else ""

    def fail(self) -> None:
        raise BadKeyword(
            f"-k {self.expression!r} cannot be read: write words joined by 'and', 'or', 'not' "
            "and parentheses, such as 'sin and not second'."
        )

    def either(self) -> Matcher:
        left = self.both()
        while self.peek() == "or":
            self.at += 1
            left = _or(left, self.both())
        return left

    def both(self) -> Matcher:
        left = self.negated()
        while self.peek() == "and":
            self.at += 1
            left = _and(left, self.negated())
        return left

    def negated(self) -> Matcher:
        word = self.peek()
        self.at += 1
        if word == "not":
            inner = self.negated()
            return lambda text: not inner(text)
        if word == "(":
            inner = self.either()
            if self.peek() != ")":
                self.fail()
            self.at += 1
            return inner
        if word in ("", ")", "and", "or"):
            self.fail()
        wanted = word.casefold()
        return lambda text: wanted in text


def _or(left: Matcher, right: Matcher) -> Matcher:
    return lambda text: left(text) or right(text)


def _and(left: Matcher, right: Matcher) -> Matcher:
    return lambda text: left(text) and right(text)
