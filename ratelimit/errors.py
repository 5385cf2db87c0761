"""Why a call has no answer. It ends with a gRPC error, and Envoy's failure mode decides (503).

RatelimitError
├── CallError        the call is none that our own compiled routes make: our fault
└── UncountedError   Redis is down, and `whenDown: {redis: deny}` says that nothing passes then
"""


class RatelimitError(Exception):
    """No answer. `why` is a fixed word: nothing that came from a caller is in it."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class CallError(RatelimitError):
    """What Envoy sent can not be understood, so it is never taken for allowed."""


class UncountedError(RatelimitError):
    """Nothing was decided."""

    def __init__(self) -> None:
        super().__init__("redis-down")
