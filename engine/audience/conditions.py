"""A claim about a customer as a statement's WHERE takes it."""

from sqlglot import exp


def condition(claim: exp.Expr) -> exp.Expr:
    """A claim as WHERE takes it: unknown is as good as false there, and what is compared as it stands is looked up in
    the files' own statistics."""
    while isinstance(claim, exp.Paren):
        claim = claim.this
    if isinstance(claim, exp.Coalesce) and claim.expressions == [exp.false()]:
        return condition(claim.this)
    if isinstance(claim, exp.And | exp.Or):
        return type(claim)(this=_grouped(condition(claim.left)), expression=_grouped(condition(claim.right)))
    return claim


def _grouped(one: exp.Expr) -> exp.Expr:
    return exp.paren(one) if isinstance(one, exp.And | exp.Or) else one
