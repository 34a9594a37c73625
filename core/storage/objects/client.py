"""Connections to a bucket. Every wait has an end, so that whoever quits is not kept.

The client's calls are synchronous and made from threads: its asynchronous ones can abort the interpreter at exit. A
client must not cross a fork.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.errors import SeamlineError, UsageError
from core.storage.objects.faults import ObjectFault, fault_of
from core.storage.objects.location import Location
from core.storage.objects.options import PATIENT, PROMPT, Patience
from core.storage.objects.providers import PROVIDERS, Client
from core.storage.objects.words import Words

__all__ = ["PATIENT", "PROMPT", "Client", "Connection", "Patience", "open_client"]


@dataclass(frozen=True, slots=True)
class Connection:
    """A client whose paths are relative to a store, and the words of whoever runs the storage."""

    client: Client
    words: Words

    def fault_of(self, error: Exception) -> ObjectFault:
        """What an error out of `CLIENT_ERRORS` means."""
        return fault_of(error, self.words)


def open_client(location: Location, environment: Mapping[str, str], patience: Patience = PATIENT) -> Connection:
    """A connection to a store in a bucket. Nothing is sent yet.

    Raises `UsageError` for settings that can't be used, and for a server that is reached without encryption unless the
    environment allows it.
    """
    provider = PROVIDERS[location.provider]
    try:
        client = provider.open(location, environment, patience)
    except SeamlineError:
        raise
    except Exception as error:
        # Its text may hold what the environment says.
        why = f"the settings for {provider.words.name} in the environment can't be used"
        raise UsageError(why, hint=provider.settings) from error
    return Connection(client, provider.words)
