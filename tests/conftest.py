"""What holds for all tests: none asserts how long something takes, so no property has a deadline."""

from hypothesis import HealthCheck, settings

# All else as it is here, or in CI.
settings.register_profile("untimed", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
