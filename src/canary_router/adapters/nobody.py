"""For a flow that has nothing to tell: only the controller announces what becomes of a release."""

from canary_router.core.announcement import Announcement
from canary_router.errors import Unavailable


class NobodyToTell:
    """Has no bus."""

    def tell(self, announcement: Announcement) -> None:
        """Sends nothing.

        Raises:
            Unavailable: Always, so that an announcement cannot get lost in silence.
        """
        raise Unavailable(f"{announcement.detail_type} cannot be sent from here: only the controller announces")
