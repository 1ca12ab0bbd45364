"""A thread's log records do not show the secrets it works with."""

import io
import logging
import threading

import pytest
from tower_engine.masking.in_use import known_secrets__, secrets_in_use
from tower_engine.masking.masker import Masker
from tower_engine.secret import Secret

VALUE = "s3cret-value"


@pytest.fixture
def masker():
    return Masker({"key": Secret(VALUE)})


@pytest.fixture
def log():
    """Return a logger and the text that it has written."""
    logger, written = logging.getLogger("tower.test.in_use"), io.StringIO()
    handler = logging.StreamHandler(written)
    logger.addHandler(handler)
    yield logger, written
    logger.removeHandler(handler)


def test_messages_arguments_and_tracebacks_are_masked(masker, log):
    logger, written = log
    with secrets_in_use(masker):
        logger.error("query %s failed", VALUE)
        try:
            raise ValueError(VALUE)
        except ValueError:
            logger.exception("it failed", stack_info=True)
    assert VALUE not in written.getvalue()
    assert "query *** key *** failed" in written.getvalue()
    assert "ValueError: *** key ***" in written.getvalue()


def test_records_of_other_threads_and_later_ones_are_not_changed(masker, log):
    logger, written = log
    with secrets_in_use(masker):
        other = threading.Thread(target=logger.error, args=("other %s", VALUE))
        other.start()
        other.join()
    logger.error("later %s", VALUE)
    assert written.getvalue() == f"other {VALUE}\nlater {VALUE}\n"


def test_the_secrets_of_the_thread_are_known_while_it_works_with_them(masker):
    with secrets_in_use(masker), secrets_in_use(Masker({"other": Secret("x")})), secrets_in_use(None):
        assert known_secrets__() == (("key", Secret(VALUE)), ("other", Secret("x")))
    assert known_secrets__() == ()


def test_the_factory_of_records_is_wrapped_once(masker):
    with secrets_in_use(masker):
        factory = logging.getLogRecordFactory()
    with secrets_in_use(masker):
        assert logging.getLogRecordFactory() is factory


def test_without_secrets_the_factory_of_records_is_left_alone():
    factory = logging.getLogRecordFactory()
    try:
        logging.setLogRecordFactory(logging.LogRecord)
        with secrets_in_use(Masker({})):
            assert logging.getLogRecordFactory() is logging.LogRecord
    finally:
        logging.setLogRecordFactory(factory)
