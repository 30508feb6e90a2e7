"""The agent as a service: loop, journal, runner, heartbeat, enrolment."""
