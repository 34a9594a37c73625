"""Where credentials come from, and what is said where there are none, or none that are good."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest

from core.errors import StoreUnreachable, UsageError
from core.storage import reader_for
from tests.support.servers.kinds import AZURE, GCS, KINDS, S3, SECRET, Kind
from tests.support.servers.running import Bucket, running
from tests.support.soaking import SOAKED

PROFILES = f"""
[profile good]
aws_access_key_id = AKIATEST
aws_secret_access_key = {SECRET}
region = eu-west-1
[profile keyless]
region = eu-west-1
[profile signed-out]
sso_session = my
sso_account_id = 123456789012
sso_role_name = Reader
region = eu-west-1
[sso-session my]
sso_start_url = https://sso.invalid/start
sso_region = eu-west-1
"""
#: Variables that lead a client without credentials to whoever gives a machine its own.
MACHINE = {
    "s3": lambda address: {"AWS_METADATA_ENDPOINT": address},
    "gs": lambda address: {"GCE_METADATA_HOST": address.removeprefix("http://")},
    "azure": lambda address: {"AZURE_MSI_ENDPOINT": f"{address}/metadata/identity/oauth2/token"},
}
NEEDED = {"s3": "AWS_ACCESS_KEY_ID", "gs": "gcloud auth", "azure": "AZURE_STORAGE_ACCOUNT_KEY"}


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody is signed in on this machine."""
    for name in list(os.environ):
        if name.startswith(("AWS_", "AZURE_", "GOOGLE_", "GCE_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def profiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some AWS profiles, and nothing else that boto3 could ask."""
    (tmp_path / "config").write_text(PROFILES)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


def set_all(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


def refused(url: str) -> str:
    """What is said of a store that can't be listed."""
    with pytest.raises(StoreUnreachable) as caught:
        reader_for(url).list_folder("metadata")
    text = f"{caught.value.message}; {caught.value.hint}"
    for never in (SECRET, "AKIATEST", "SECRET-BODY", "Traceback", "Debug source"):
        assert never not in text
    return text


@pytest.mark.usefixtures("profiles")
def test_a_profile_opens_a_store(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*S3.secrets, "AWS_REGION"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_PROFILE", "good")
    s3_bucket.put("metadata/a.meta", b"x")
    reader = reader_for(s3_bucket.url)
    assert [each.name for each in reader.list_folder("metadata")] == ["a.meta"]
    assert list(reader.read_many("metadata", ["a.meta"], 10)) == [b"x"]


@pytest.mark.usefixtures("profiles")
@pytest.mark.parametrize(
    ("profile", "words"), [("no-such", "there is no AWS profile 'no-such'"), ("keyless", "'keyless' has no keys")]
)
def test_a_profile_that_is_not_there_or_has_no_keys_is_told(
    profile: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", profile)
    with pytest.raises(UsageError, match=words) as caught:
        reader_for("s3://bucket/x")
    assert "aws configure" in caught.value.hint


@pytest.mark.usefixtures("profiles")
def test_a_sign_in_that_has_ended_is_told_with_the_command_that_renews_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "signed-out")
    assert re.search(r"nobody is signed in for the AWS profile.*aws sso login", refused("s3://bucket/x"))


@pytest.mark.usefixtures("profiles")
def test_a_profile_without_boto3_is_told_with_both_ways_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "good")
    monkeypatch.setitem(sys.modules, "boto3", None)
    with pytest.raises(UsageError, match="need boto3, which is not installed") as caught:
        reader_for("s3://bucket/x")
    assert "seamline[aws]" in caught.value.hint
    assert "aws configure export-credentials" in caught.value.hint


@pytest.mark.usefixtures("profiles")
def test_keys_in_the_environment_come_before_a_profile(s3_bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such")
    s3_bucket.put("metadata/a.meta", b"x")
    assert len(reader_for(s3_bucket.url).list_folder("metadata")) == 1


@pytest.mark.parametrize("how", ["403", "404", "500", "silent"])
@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_missing_credentials_are_told_soon(kind: Kind, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if how == "silent" and not SOAKED:
        pytest.skip("takes a while")
    with running("careless_s3", how) as address:
        set_all(MACHINE[kind.name](address), monkeypatch)
        began = time.monotonic()
        text = refused(kind.url("backups", "x"))
        assert time.monotonic() - began < 30
    assert "no credentials were found" in text
    assert NEEDED[kind.name] in text


def test_a_secret_that_signs_in_nobody_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with running("careless_s3", "401") as address:
        given = {"CLIENT_ID": "who", "CLIENT_SECRET": SECRET, "TENANT_ID": "where", "AUTHORITY_HOST": address}
        set_all({f"AZURE_{name}": value for name, value in given.items()} | {"AZURE_ALLOW_HTTP": "true"}, monkeypatch)
        assert "Azure gives no token for these credentials" in refused(AZURE.url("backups", "x"))


def test_a_command_line_of_azure_that_is_not_there_or_signed_out_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("AZURE_USE_AZURE_CLI", "true")
    url = AZURE.url("backups", "x")
    assert re.search("the Azure CLI gives no token; .*az login", refused(url))
    (tmp_path / "az").write_text(f"#!/bin/sh\necho 'please log in {SECRET}' >&2\nexit 1\n")
    (tmp_path / "az").chmod(0o755)
    assert re.search("the Azure CLI gives no token; .*az login", refused(url))


def test_an_emulator_is_given_no_credentials(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with running("gcs_xml") as address:
        set_all({"STORAGE_EMULATOR_HOST": address, "GOOGLE_ALLOW_HTTP": "true"}, monkeypatch)
        assert "not accepted" in refused(GCS.url("backups", "x"))
        monkeypatch.setenv("GOOGLE_BEARER_TOKEN", "all")
        assert "there is no such bucket" in refused(GCS.url("backups", "x"))
