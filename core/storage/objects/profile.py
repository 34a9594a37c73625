"""Keys of an AWS profile, SSO among them: what the client of object stores can't read itself.

They come through boto3, an optional extra. What goes wrong once they are asked for is told as any fault is.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from core.errors import UsageError
from core.phrases import shown
from core.storage.objects.options import says_yes

if TYPE_CHECKING:
    from obstore.store import S3CredentialProvider

_EXPORT: Final = 'eval "$(aws configure export-credentials --format env)"'
#: How long keys are used before they are asked for again; boto3 renews them a quarter of an hour before they expire.
_LASTING: Final = timedelta(minutes=5)


def profile_credentials(environment: Mapping[str, str]) -> S3CredentialProvider | None:
    """Where the keys of AWS_PROFILE come from; None without one, or where the environment has keys of its own.

    Raises `UsageError` where boto3 is missing, and for a profile that is not there or has no keys.
    """
    profile = environment.get("AWS_PROFILE")
    if not profile or environment.get("AWS_ACCESS_KEY_ID") or says_yes(environment, "AWS_SKIP_SIGNATURE"):
        return None
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ProfileNotFound
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        why = f"the keys of AWS_PROFILE={shown(profile)} need boto3, which is not installed"
        raise UsageError(why, hint=f"install seamline[aws], or set the keys themselves: {_EXPORT}") from error
    try:
        return Boto3CredentialProvider(boto3.Session(profile_name=profile), ttl=_LASTING)
    except ProfileNotFound as error:
        why = f"there is no AWS profile {shown(profile)!r}"
        raise UsageError(why, hint="look at `aws configure list-profiles`, and at AWS_CONFIG_FILE") from error
    except (BotoCoreError, ValueError) as error:
        why = f"the AWS profile {shown(profile)!r} has no keys"
        raise UsageError(why, hint="look at `aws configure list`, or run `aws configure sso`") from error
