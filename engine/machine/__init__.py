"""The state machine: a case, a command and a time in; the case after, its events and effects out. Pure."""
