"""What an operator types for a store in a bucket: understood as meant, or refused with the words that mend it."""

from __future__ import annotations

import os

import pytest

from core.errors import UsageError
from core.storage import identity_of, is_command_adapter
from core.storage.objects.client import open_client
from core.storage.objects.location import Location, Provider, is_object_location, parse_location

TAKEN = {
    "s3://my-bucket": Location(Provider.S3, "my-bucket", "", "s3://my-bucket"),
    "s3://my-bucket/": Location(Provider.S3, "my-bucket", "", "s3://my-bucket/"),
    "S3://b.c-d/e/f g/": Location(Provider.S3, "b.c-d", "e/f g", "S3://b.c-d/e/f g/"),
    "gs://bucket_1/x": Location(Provider.GCS, "bucket_1", "x", "gs://bucket_1/x"),
    "abfss://box@account1.dfs.core.windows.net/p/q": Location(
        Provider.AZURE, "box", "p/q", "abfss://box@account1.dfs.core.windows.net/p/q", "account1"
    ),
    "https://account1.blob.core.windows.net/box/p%20q": Location(
        Provider.AZURE, "box", "p q", "https://account1.blob.core.windows.net/box/p%20q", "account1"
    ),
}
REFUSED = {
    "s3://": "names no bucket",
    "s3:///prefix": "names no bucket",
    "s3://a/b": "can't be the name of a bucket",
    "s3://key:SECRET@bucket/b": "no user, key or port",
    "s3://bucket/a//b": "empty part",
    "s3://bucket/../b": '".." part',
    "s3a://bucket/b": "the scheme of S3 is s3",
    "gcs://bucket/b": "is gs",
    "az://x/y": "its first part would be read as the container",
    "abfss://box/x": "its first part would be read as the container",
    "abfss://box@account1.dfs.example.com/x": "names the container and the account",
    "https://bucket.s3.amazonaws.com/x": "is one of Azure",
    "https://account1.blob.core.windows.net": "names no container",
    "https://account1.blob.core.windows.net/box?sig=SECRET": "neither a query nor a fragment",
    "http://account1.blob.core.windows.net/box": "not encrypted",
}


@pytest.mark.parametrize("text", TAKEN)
def test_a_location_is_taken_apart(text: str) -> None:
    assert is_object_location(text)
    assert parse_location(text) == TAKEN[text]


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_not_quite_a_location_is_refused_with_a_way_on(text: str) -> None:
    assert is_object_location(text)
    with pytest.raises(UsageError, match=REFUSED[text]) as caught:
        parse_location(text)
    assert caught.value.hint
    assert "SECRET" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("text", ["", "/s3/x", "file:///x", "C:\\x", "x.yaml", "ftp://x/y"])
def test_other_places_are_none_in_a_bucket(text: str) -> None:
    assert not is_object_location(text)


S3_URL, GCS_URL, AZURE_URL = "s3://bucket/x", "gs://bucket/x", "abfss://box@account1.dfs.core.windows.net/x"
#: What leads to another server, and what allows it to be one without encryption.
ENDPOINTS = {
    "AWS_ENDPOINT_URL_S3": (S3_URL, "AWS_ALLOW_HTTP"),
    "AWS_ENDPOINT_URL": (S3_URL, "AWS_ALLOW_HTTP"),
    "AWS_ENDPOINT": (S3_URL, "AWS_ALLOW_HTTP"),
    "GOOGLE_BASE_URL": (GCS_URL, "GOOGLE_ALLOW_HTTP"),
    "STORAGE_EMULATOR_HOST": (GCS_URL, "GOOGLE_ALLOW_HTTP"),
    "AZURE_STORAGE_ENDPOINT": (AZURE_URL, "AZURE_ALLOW_HTTP"),
    "AZURE_ENDPOINT": (AZURE_URL, "AZURE_ALLOW_HTTP"),
}


@pytest.mark.parametrize("name", ENDPOINTS)
def test_a_server_without_encryption_must_be_allowed(name: str) -> None:
    url, allowing = ENDPOINTS[name]
    with pytest.raises(UsageError, match=rf"{name} leads to 10\.0\.0\.1 without encryption") as caught:
        open_client(parse_location(url), {name: "http://user:SECRET@10.0.0.1:9000"})
    assert f"{allowing}=true" in caught.value.hint
    assert "SECRET" not in caught.value.message
    open_client(parse_location(url), {name: "http://10.0.0.1:9000", allowing: "True"})


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize("address", ["localhost:9000", "ftp://x", "https://", "http://[", "minio"])
def test_what_is_no_address_of_a_server_is_told(name: str, address: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is no address"):
        open_client(parse_location(ENDPOINTS[name][0]), {name: address})


@pytest.mark.parametrize("name", ENDPOINTS)
@pytest.mark.parametrize(
    "address",
    [
        "https://x:99999",
        "https://x:0",
        "https://a b",
        "https://ex<x>",
        "https://%zz",
        "https://a|b",
        "https://x\\y",
        "https://ü.de",
        "https://xn--",
        "https://1.2.3.4.5",
        "https://[v1.x]",
        " https://x",
        "https://x\n",
        "https://x/a b",
        "https://x?y",
    ],
)
def test_an_address_at_which_the_client_would_panic_never_reaches_it(name: str, address: str) -> None:
    with pytest.raises(UsageError, match=f"{name} is no address"):
        open_client(parse_location(ENDPOINTS[name][0]), {name: address})


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("s3://bucket/x", "AWS_ACCESS_KEY_ID"),
        ("s3://bucket/x", "AWS_SECRET_ACCESS_KEY"),
        ("s3://bucket/x", "AWS_SESSION_TOKEN"),
        ("s3://bucket/x", "AWS_REGION"),
        (GCS_URL, "GOOGLE_BEARER_TOKEN"),
        (AZURE_URL, "AZURE_STORAGE_TOKEN"),
    ],
)
@pytest.mark.parametrize("end", ["\r", "\n", "\x1b[31m", "ü"])
def test_what_no_header_can_hold_is_told_and_not_shown(url: str, name: str, end: str) -> None:
    with pytest.raises(UsageError, match=f"{name} holds a line break") as caught:
        open_client(parse_location(url), {name: f"HIDDEN{end}"})
    assert "HIDDEN" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize(
    "address", ["https://x.example:9000/", "https://[::1]:9000/s3", "https://10.0.0.1", "HTTPS://a_b"]
)
def test_an_address_with_a_port_or_a_path_is_one(address: str) -> None:
    open_client(parse_location("s3://bucket/x"), {"AWS_ENDPOINT_URL": address})


@pytest.mark.parametrize(
    ("url", "name", "value", "words"),
    [
        (AZURE_URL, "AZURE_STORAGE_ACCOUNT_KEY", "no base64!", "settings for Azure .*can't be used"),
        (GCS_URL, "GOOGLE_APPLICATION_CREDENTIALS", "/no/such/SECRET.json", "settings for Google .*can't be used"),
        (GCS_URL, "GOOGLE_SERVICE_ACCOUNT_KEY", '{"SECRET":1}', "settings for Google .*can't be used"),
        (S3_URL, "AWS_SKIP_SIGNATURE", "SECRET", "settings for S3 .*can't be used"),
    ],
)
def test_settings_that_can_not_be_used_are_told_without_their_values(
    url: str, name: str, value: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(UsageError, match=words) as caught:
        open_client(parse_location(url), os.environ)
    assert caught.value.hint
    assert "SECRET" not in caught.value.message + caught.value.hint


def test_one_store_is_the_same_however_its_location_is_written() -> None:
    assert identity_of("s3://bucket/x/") == identity_of("S3://bucket/x") != identity_of("s3://bucket/X")
    azure = "abfss://box@account1.dfs.core.windows.net/p", "https://account1.blob.core.windows.net/box/p/"
    assert identity_of(azure[0]) == identity_of(azure[1])
    assert not is_command_adapter("s3://bucket/x.yaml")
