"""Running a script on a host, from the exec request to the result."""
