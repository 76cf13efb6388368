"""Typed expressions: one tree with three readings (closure, SQL, explanation)."""

from engine.expr.explain import Explanation, Reason, Term
from engine.expr.expression import Expression, compile_expression
from engine.expr.types import Scope

__all__ = ["Explanation", "Expression", "Reason", "Scope", "Term", "compile_expression"]
