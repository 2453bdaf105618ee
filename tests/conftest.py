"""Settings of all tests."""

from hypothesis import settings

# The same examples in every run, so that a failure can be seen again; and however busy the machine
# is, an example that takes long is no fault.
settings.register_profile("steady", derandomize=True, deadline=None)
settings.load_profile("steady")
