"""Several instances of one activity (13-15, 26, 27, 34-36): each is a case of its own, and its parent waits for it."""

from pathlib import Path

from tests.conformance.patterns.stage import REVIEW, staged

STATES = """
draft: {{kind: form, label: {{zh: 草稿, en: Draft}}, events: [{{event: submit, role: amy, to: reviews}}]}}
reviews:
  kind: cases
  label: {{zh: 审阅, en: Reviews}}
  open: review
  {how}
  events:
    - {{event: done, to: after}}
    - {{event: failed, to: refused}}
    - {{event: stop, role: ann, to: stopped}}
    - {{event: enough, role: ann, to: after}}
after: {{kind: task, label: {{zh: 之后, en: After}}, events: [{{event: finish, role: bob, to: closed}}]}}
refused: {{kind: final, label: {{zh: 未通过, en: Refused}}}}
stopped: {{kind: final, label: {{zh: 停止, en: Stopped}}}}
closed: {{kind: final, label: {{zh: 结束, en: Closed}}}}
"""


def test_13_instances_known_when_it_is_written(db_url: str, tmp_path: Path):
    """Three instances run at once, as the definition says; the case goes on when all three are done."""
    with staged(db_url, tmp_path) as stage:
        stage.publish("review", REVIEW)
        stage.live(STATES.format(how="for: '3'"), "stop", "enough", "finish")
        case = stage.start(title="x")
        first, second, third = stage.children(case)
        assert stage.states(case) == ["approving"] * 3
        stage.decide(first.id, "dan")
        stage.decide(third.id, "dan")
        assert stage.at(case) == {"reviews"}
        stage.decide(second.id, "dan")
        assert stage.at(case) == {"after"}
        assert [child.outcome for child in stage.children(case)] == ["done"] * 3
