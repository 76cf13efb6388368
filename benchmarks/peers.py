"""What other engines take for one durable step, beside B1: DBOS and SpiffWorkflow on the same PostgreSQL.

DBOS records each step of a workflow by itself, so its rate counts steps; a decision of a person is a message that a
waiting workflow receives. SpiffWorkflow keeps no database: its rate is the one of a service that locks a row, reads the
workflow from JSON, completes the person's task and writes the same rows as B1's base with the workflow's JSON as body.
"""

import io
import logging

from dbos import DBOS
from SpiffWorkflow import TaskState
from SpiffWorkflow.bpmn.parser import BpmnParser
from SpiffWorkflow.bpmn.serializer import BpmnWorkflowSerializer
from SpiffWorkflow.bpmn.specs.defaults import UserTask
from SpiffWorkflow.bpmn.workflow import BpmnWorkflow

STEPS = 5
_BPMN = """<?xml version="1.0" encoding="UTF-8"?>
<bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" targetNamespace="countersign">
  <bpmn:process id="approval" isExecutable="true">
    <bpmn:startEvent id="start"><bpmn:outgoing>f1</bpmn:outgoing></bpmn:startEvent>
    <bpmn:sequenceFlow id="f1" sourceRef="start" targetRef="county_head" />
    <bpmn:userTask id="county_head"><bpmn:incoming>f1</bpmn:incoming><bpmn:outgoing>f2</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f2" sourceRef="county_head" targetRef="city_head" />
    <bpmn:userTask id="city_head"><bpmn:incoming>f2</bpmn:incoming><bpmn:outgoing>f3</bpmn:outgoing></bpmn:userTask>
    <bpmn:sequenceFlow id="f3" sourceRef="city_head" targetRef="end" />
    <bpmn:endEvent id="end"><bpmn:incoming>f3</bpmn:incoming></bpmn:endEvent>
  </bpmn:process>
</bpmn:definitions>
"""


class Dbos:
    """DBOS with its system tables in a database of its own."""

    def __init__(self, url: str) -> None:
        logging.getLogger("dbos").setLevel(logging.ERROR)
        database = url.replace("+psycopg2", "")
        DBOS(
            config={"name": "benchmark", "system_database_url": database, "sys_db_pool_size": 16, "log_level": "ERROR"}
        )
        DBOS.launch()

    def steps(self, number: int) -> None:
        """One workflow of five steps."""
        _five_steps(number)

    def decisions(self, number: int) -> None:
        """A workflow waits for one decision after the other; each is sent."""
        waiting = DBOS.start_workflow(_decided, number)
        for _ in range(number):
            DBOS.send(waiting.workflow_id, "approve", "decision")
        if waiting.get_result() != number:
            raise RuntimeError("a decision was lost")

    def close(self) -> None:
        """End its threads."""
        DBOS.destroy()


@DBOS.step()
def _step(number: int) -> int:
    return number + 1


@DBOS.workflow()
def _five_steps(number: int) -> int:
    for _ in range(STEPS):
        number = _step(number)
    return number


@DBOS.workflow()
def _decided(number: int) -> int:
    return sum(DBOS.recv("decision", timeout_seconds=300) == "approve" for _ in range(number))


class Spiff:
    """A workflow of two people, in JSON as SpiffWorkflow keeps it."""

    def __init__(self) -> None:
        parser = BpmnParser()
        parser.add_bpmn_io(io.BytesIO(_BPMN.encode()))
        self._serializer = BpmnWorkflowSerializer()
        workflow = BpmnWorkflow(parser.get_spec("approval"))
        workflow.do_engine_steps()
        self.waiting = self._serializer.serialize_json(workflow)

    def decide(self, body: str) -> str:
        """The workflow after the person who is asked has approved."""
        workflow = self._serializer.deserialize_json(body)
        (task,) = workflow.get_tasks(state=TaskState.READY, spec_class=UserTask)
        task.data["decision"] = "approve"
        task.run()
        workflow.do_engine_steps()
        return str(self._serializer.serialize_json(workflow))
