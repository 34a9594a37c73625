"""What each provider's errors mean to an operator: its own codes, credentials, rights and settings, in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

#: Why, and what to do.
Said = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of one provider.

    `rights` and `network` are hints for what is refused and for what does not answer; `credentials` says which ones to
    set. `codes` are by the storage's own code, or by HTTP status; `machine` are marks of where the client asks for the
    machine's own keys, when it has found no others, and `logins` are by a mark of whoever gives it a token. Nothing was
    done where one of these is met.
    """

    name: str
    credentials: str
    rights: str
    network: str
    codes: Mapping[str, Said]
    machine: Sequence[str]
    logins: Sequence[tuple[str, Said]]


_TRY_AGAIN: Final = "get fresh ones, then try again"
_CLOCK: Final = ("this machine's clock is wrong", "set the clock, then try again")
_EXPIRED: Final = ("the credentials have expired", _TRY_AGAIN)

_S3_CREDENTIALS: Final = (
    "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE (of a profile or SSO also: "
    'eval "$(aws configure export-credentials --format env)"), or AWS_SKIP_SIGNATURE=true for a public bucket'
)
_OTHER_REGION: Final = ("the bucket is in another region", "set AWS_REGION to the bucket's region")
_S3_SIGN_IN: Final = ("nobody is signed in for the AWS profile any more", "run aws sso login, then try again")
S3_WORDS: Final = Words(
    name="S3",
    credentials=_S3_CREDENTIALS,
    rights="the key needs s3:ListBucket and s3:GetObject; to write, s3:PutObject and s3:DeleteObject too",
    network="check the network, the proxy and AWS_ENDPOINT_URL, then try again",
    codes={
        "NoSuchBucket": ("there is no such bucket", "check its name, its region (AWS_REGION) and AWS_ENDPOINT_URL"),
        "ExpiredToken": _EXPIRED,
        "ExpiredTokenException": _EXPIRED,
        "TokenRefreshRequired": _EXPIRED,
        "InvalidToken": ("the session token is not accepted", "check AWS_SESSION_TOKEN"),
        "InvalidAccessKeyId": ("the access key is not known there", "check AWS_ACCESS_KEY_ID and AWS_ENDPOINT_URL"),
        "SignatureDoesNotMatch": ("the secret key is not accepted", "check AWS_SECRET_ACCESS_KEY"),
        "RequestTimeTooSkewed": _CLOCK,
        "AccountProblem": ("the account is closed or suspended", "look at the account at AWS"),
        "PermanentRedirect": _OTHER_REGION,
        "AuthorizationHeaderMalformed": _OTHER_REGION,
        "IllegalLocationConstraintException": _OTHER_REGION,
        "301": _OTHER_REGION,
        "302": _OTHER_REGION,
        "307": _OTHER_REGION,
        "308": _OTHER_REGION,
    },
    machine=("//169.254.169.254/", "/latest/api/token", "/latest/meta-data/iam/"),
    logins=(
        ("SSOTokenLoadError", _S3_SIGN_IN),
        ("UnauthorizedSSOTokenError", _S3_SIGN_IN),
        ("TokenRetrievalError", _S3_SIGN_IN),
        ("LoginRefreshRequired", _S3_SIGN_IN),
        (
            "External AWS credential provider",
            ("the AWS profile gives no keys", "look what `aws sts get-caller-identity` says, then try again"),
        ),
        (
            "AssumeRoleWithWebIdentity",
            ("AWS gives no token for this web identity", "check AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE"),
        ),
        ("//169.254.170.2", ("the container's credentials can't be had", "check the role of the task or pod")),
        ("//169.254.170.23", ("the pod's credentials can't be had", "check the role of the pod")),
    ),
)

_GCS_CREDENTIALS: Final = (
    "run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file, or "
    "GOOGLE_SKIP_SIGNATURE=true for a public bucket"
)
_GCS_EXPIRED: Final = (
    "the credentials have expired, or are not accepted",
    "run gcloud auth application-default login, or get a fresh GOOGLE_BEARER_TOKEN, then try again",
)
_GCS_NO_TOKEN: Final = (
    "Google gives no token for these credentials",
    "run gcloud auth application-default login again, or look at the key file of GOOGLE_APPLICATION_CREDENTIALS",
)
GCS_WORDS: Final = Words(
    name="Google Cloud Storage",
    credentials=_GCS_CREDENTIALS,
    rights="the account needs storage.objects.list and .get (roles/storage.objectViewer); to write, "
    "storage.objects.create and .delete too (roles/storage.objectUser)",
    network="check the network, the proxy and GOOGLE_BASE_URL, then try again",
    codes={
        "NoSuchBucket": ("there is no such bucket", "check its name, the project and GOOGLE_BASE_URL"),
        "AuthenticationRequired": _GCS_EXPIRED,
        "ExpiredToken": _GCS_EXPIRED,
        "InvalidSecurity": _GCS_EXPIRED,
        "RequestTimeTooSkewed": _CLOCK,
        "UserProjectMissing": (
            "the bucket makes whoever asks pay, which is not supported",
            "ask its owner to lift requester pays, or mount it and name its folder",
        ),
        "AccountProblem": ("the account is closed or suspended", "look at the billing of the project"),
        "ProjectAccountProblem": ("the project is closed or suspended", "look at the billing of the project"),
        "401": _GCS_EXPIRED,
    },
    machine=("//169.254.169.254/", "metadata.google.internal", "computeMetadata"),
    logins=(
        ("oauth2.googleapis.com", _GCS_NO_TOKEN),
        ("accounts.google.com", _GCS_NO_TOKEN),
    ),
)

_AZURE_CREDENTIALS: Final = (
    "set AZURE_STORAGE_ACCOUNT_KEY, AZURE_STORAGE_SAS_TOKEN, or AZURE_CLIENT_ID with AZURE_CLIENT_SECRET and "
    "AZURE_TENANT_ID, or AZURE_USE_AZURE_CLI=true after az login, or AZURE_SKIP_SIGNATURE=true for a public container"
)
_AZURE_RIGHTS: Final = (
    'the account needs the role "Storage Blob Data Reader"; to write, "Storage Blob Data Contributor" '
    "(a SAS: sp=rl, to write sp=racwdl)"
)
_AZURE_KEY: Final = (
    "the key, token or signature is not accepted, or has expired",
    "check that AZURE_STORAGE_ACCOUNT_KEY or AZURE_STORAGE_SAS_TOKEN is of this account and not past its end, and this "
    "machine's clock",
)
_AZURE_DENIED: Final = ("access is denied", _AZURE_RIGHTS)
_AZURE_NOT_PUBLIC: Final = ("the container is not public", _AZURE_CREDENTIALS)
_AZURE_NO_TOKEN: Final = (
    "Azure gives no token for these credentials",
    "check AZURE_CLIENT_ID, AZURE_CLIENT_SECRET and AZURE_TENANT_ID, or the federated token",
)
AZURE_WORDS: Final = Words(
    name="Azure",
    credentials=_AZURE_CREDENTIALS,
    rights=_AZURE_RIGHTS,
    network="check the network, the proxy, the account's name and AZURE_STORAGE_ENDPOINT, then try again",
    codes={
        "ContainerNotFound": ("there is no such container", "check the names of container and account"),
        "ContainerBeingDeleted": ("the container is being deleted", "check the name of the container"),
        "ContainerDisabled": ("the container is disabled", "look at the container at Azure"),
        "AccountIsDisabled": ("the account is disabled", "look at the storage account at Azure"),
        "AuthenticationFailed": _AZURE_KEY,
        "AuthorizationFailure": (
            f"{_AZURE_KEY[0]}, or the account's network rules keep this machine out",
            f"{_AZURE_KEY[1]}, and the networking page of the storage account",
        ),
        "InvalidAuthenticationInfo": _AZURE_KEY,
        "KeyBasedAuthenticationNotPermitted": (
            "the account takes no keys",
            "sign in instead: AZURE_USE_AZURE_CLI=true after az login, or AZURE_CLIENT_ID with its secret and tenant",
        ),
        "AuthorizationPermissionMismatch": _AZURE_DENIED,
        "InsufficientAccountPermissions": _AZURE_DENIED,
        "AuthorizationServiceMismatch": ("the SAS is not one for blobs", "make it with ss=b"),
        "AuthorizationResourceTypeMismatch": ("the SAS is not one for blobs and listings", "make it with srt=co"),
        "AuthorizationSourceIPMismatch": ("the SAS is not for this machine's address", "look at its sip="),
        "AuthorizationProtocolMismatch": ("the SAS allows https alone", "look at AZURE_STORAGE_ENDPOINT"),
        "NoAuthenticationInformation": _AZURE_NOT_PUBLIC,
        "PublicAccessNotPermitted": _AZURE_NOT_PUBLIC,
        "ResourceNotFound": ("there is no such container, or it is not public", _AZURE_CREDENTIALS),
        "InvalidAccessTokenAudience": ("the token is not one for storage", "ask for https://storage.azure.com/"),
        "TenantNotFound": ("there is no such tenant", "check AZURE_TENANT_ID"),
        "LeaseIdMissing": ("somebody holds Azure's own lease on it", "break that lease at Azure, then try again"),
        "BlobImmutableDueToPolicy": ("a policy forbids to change it", "look at the container's immutability policy"),
        "FeatureVersionMismatch": ("the server is too old for this client", "use a newer one"),
    },
    machine=("//169.254.169.254/", "metadata/identity"),
    logins=(
        ("az account get-access-token", ("the Azure CLI gives no token", "run az login, then try again")),
        ("'az' command", ("the Azure CLI gives no token", "install it, run az login, then try again")),
        ("/oauth2/", _AZURE_NO_TOKEN),
    ),
)
