"""The agent as a service: loop, journal, runner, heartbeat, enrolment."""

VERSION = "0.1.0"
