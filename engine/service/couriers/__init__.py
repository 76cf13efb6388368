"""The ways out of the house, one module a channel: each takes letters and says what became of every one."""
