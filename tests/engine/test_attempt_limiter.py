from tower_engine.attempt_limiter import AttemptLimiter


def test_blocked_after_too_many_failures_until_they_are_old():
    now = [0.0]
    limiter = AttemptLimiter(limit=3, period_s=60, clock=lambda: now[0])
    for second in range(3):
        assert not limiter.is_blocked("me")
        now[0] = second
        limiter.add_failure("me")
    assert limiter.is_blocked("me")
    assert not limiter.is_blocked("somebody else")
    now[0] = 60
    assert not limiter.is_blocked("me")
    now[0] = 200
    limiter.add_failure("me")
    assert not limiter.is_blocked("me")
