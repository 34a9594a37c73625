"""Whose protocol a bucket speaks: how a client of each provider is opened from the environment, and what is said of it.

Credentials come from the usual environment variables, which the client reads itself. What it would misread, or not
read at all though people are used to it, is settled here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeAlias

from obstore.store import AzureStore, GCSStore, S3Store

from core.storage.objects.location import Location, Provider
from core.storage.objects.options import Patience, client_options, endpoint_in, require_sendable, retrying, says_yes
from core.storage.objects.profile import profile_credentials
from core.storage.objects.words import AZURE_WORDS, GCS_WORDS, S3_WORDS, Words

if TYPE_CHECKING:
    from obstore.store import AzureConfig, GCSConfig

#: The client of any provider: their calls are the same.
Client: TypeAlias = S3Store | GCSStore | AzureStore
_S3_ENDPOINTS: Final = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")
_GCS_EMULATOR: Final = "STORAGE_EMULATOR_HOST"
_GCS_ENDPOINTS: Final = ("GOOGLE_BASE_URL", _GCS_EMULATOR)
_AZURE_ENDPOINTS: Final = ("AZURE_STORAGE_ENDPOINT", "AZURE_ENDPOINT")
#: Variables that name another server than the provider's own.
ENDPOINTS: Final = (*_S3_ENDPOINTS, *_GCS_ENDPOINTS, *_AZURE_ENDPOINTS)
_S3_KEYS: Final = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_TOKEN")
_S3_REGIONS: Final = ("AWS_REGION", "AWS_DEFAULT_REGION")
_AZURE_KEYS: Final = ("AZURE_STORAGE_ACCOUNT_KEY", "AZURE_STORAGE_ACCESS_KEY", "AZURE_STORAGE_MASTER_KEY")


@dataclass(frozen=True, slots=True)
class ProviderEntry:
    """One provider: its words, where its settings are, and how a client is opened. Nothing is sent by opening."""

    words: Words
    settings: str
    open: Callable[[Location, Mapping[str, str], Patience], Client]


def _open_s3(location: Location, environment: Mapping[str, str], patience: Patience) -> Client:
    allow_http = says_yes(environment, "AWS_ALLOW_HTTP")
    endpoint_in(environment, _S3_ENDPOINTS, "AWS_ALLOW_HTTP")
    require_sendable(environment, (*_S3_KEYS, *_S3_REGIONS))
    credentials = profile_credentials(environment)
    return S3Store(
        location.bucket,
        prefix=location.prefix or None,
        conditional_put="etag",
        # Plain DELETE of one key: every clone has it, and the right to delete others is not needed.
        disable_bulk_delete=True,
        client_options=client_options(patience, allow_http),
        retry_config=retrying(patience),
        credential_provider=credentials,
    )


def _open_gcs(location: Location, environment: Mapping[str, str], patience: Patience) -> Client:
    endpoint = endpoint_in(environment, _GCS_ENDPOINTS, "GOOGLE_ALLOW_HTTP")
    require_sendable(environment, ["GOOGLE_BEARER_TOKEN"])
    config: GCSConfig = {}
    if endpoint is not None:
        name, address = endpoint
        config["base_url"] = address.rstrip("/")
        if name == _GCS_EMULATOR and not environment.get("GOOGLE_BEARER_TOKEN"):
            # An emulator looks at no token, and is given none that is good elsewhere.
            config["bearer_token"] = "emulator"
    return GCSStore(
        location.bucket,
        prefix=location.prefix or None,
        config=config,
        client_options=client_options(patience, says_yes(environment, "GOOGLE_ALLOW_HTTP")),
        retry_config=retrying(patience),
    )


def _open_azure(location: Location, environment: Mapping[str, str], patience: Patience) -> Client:
    endpoint_in(environment, _AZURE_ENDPOINTS, "AZURE_ALLOW_HTTP")
    require_sendable(environment, ["AZURE_STORAGE_TOKEN"])
    config: AzureConfig = {"account_name": location.account}
    key = environment.get("AZURE_STORAGE_KEY")
    if key and not any(environment.get(name) for name in _AZURE_KEYS):
        # As Azure's own command line calls it.
        config["account_key"] = key
    return AzureStore(
        location.bucket,
        prefix=location.prefix or None,
        config=config,
        client_options=client_options(patience, says_yes(environment, "AZURE_ALLOW_HTTP")),
        retry_config=retrying(patience),
    )


PROVIDERS: Final[Mapping[Provider, ProviderEntry]] = {
    Provider.S3: ProviderEntry(
        S3_WORDS, "look at the AWS_* variables: AWS_ENDPOINT_URL, AWS_REGION and the others", _open_s3
    ),
    Provider.GCS: ProviderEntry(
        GCS_WORDS,
        "look at the GOOGLE_* variables and the key file they name; for credentials of another kind, "
        'GOOGLE_BEARER_TOKEN="$(gcloud auth print-access-token)"',
        _open_gcs,
    ),
    Provider.AZURE: ProviderEntry(
        AZURE_WORDS,
        "look at the AZURE_* variables: AZURE_STORAGE_ACCOUNT_KEY must be the key as Azure shows it, base64",
        _open_azure,
    ),
}
