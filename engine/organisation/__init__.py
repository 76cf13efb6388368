"""Offices, people and roles; who a step asks; working days. Pure: built from rows that the store reads."""

from engine.organisation.directory import Organisation
from engine.organisation.offices import Office, Offices
from engine.organisation.people import Grant, Person
from engine.organisation.standins import StandIn
from engine.organisation.workdays import OfficeHours, Workdays

__all__ = ["Grant", "Office", "OfficeHours", "Offices", "Organisation", "Person", "StandIn", "Workdays"]
