"""What says that an arm cannot run here."""

from bench.messages.protocol import FaultStatus


class Unfit(Exception):
    """The arm cannot run here, which is not its fault; carries the status and the reason that its row shows."""

    def __init__(self, status: FaultStatus, reason: str) -> None:
        super().__init__(reason)
        self.status, self.reason = status, reason
