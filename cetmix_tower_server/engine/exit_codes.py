"""The exit codes that Tower itself gives to runs."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of runs that Tower itself decides; positive ones belong to commands and plan authors.

    Source: exit code table of the product (docs/user/exit_codes.md).
    """

    OK = 0
    GENERAL_ERROR = -100
    NOT_FOUND = -101
    SSH_CONNECTION_ERROR = 503
    ANOTHER_COMMAND_RUNNING = -201
    NO_COMMAND_RUNNER_FOUND = -202
    PYTHON_COMMAND_ERROR = -203
    RENDERING_FAILED = -204
    PLAN_LINE_CONDITION_CHECK_FAILED = -205
    COMMAND_TIMED_OUT = -206
    COMMAND_NOT_COMPATIBLE_WITH_SERVER = -207
    COMMAND_STOPPED = -208
    RUN_INTERRUPTED = -209
    CONDITION_INVALID = -210
    SUDO_FAILED = -211
    SECRET_NOT_FOUND = -212
    ANOTHER_PLAN_RUNNING = -301
    PLAN_IS_EMPTY = -302
    PLAN_NOT_ASSIGNED = -303
    PLAN_LINE_NOT_ASSIGNED = -304
    PLAN_NOT_COMPATIBLE_WITH_SERVER = -306
    PLAN_STOPPED = -308
    FILE_CREATION_FAILED = -400
    FILE_UPLOAD_FAILED = -401
    FILE_DOWNLOAD_FAILED = -402
    JET_ACTION_NOT_FOUND = -501
    JET_TEMPLATE_NOT_FOUND = -502
    JET_NOT_FOUND = -503
    JET_STATE_ERROR = -504
    JET_ACTION_NOT_AVAILABLE = -505
    JET_DEPENDENCIES_NOT_SATISFIED = -506
    WAYPOINT_TEMPLATE_NOT_FOUND = -507
    WAYPOINT_CREATE_FAILED = -508
    QUEUE_JOB_ERROR = 601
